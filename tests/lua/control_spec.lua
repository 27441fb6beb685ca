--- Loops and branches against JAX: values, both derivatives, batches; and what they refuse.
local imnn = require 'imnn'
local hdf5 = require 'imnn.data.hdf5'
local message = require 'tests.support.message'
local lax, np, tree = imnn.lax, imnn.np, imnn.tree

-- The programs of the golden files, written as a user would.
local programs = {
  scan_ar1 = { 'a', 'x', function(a, x)
    return lax.scan(function(c, v)
      c = a * c + v
      return c, c
    end, np.zeros({}, x.dtype), x)
  end },
  scan_reverse = { 'x', function(x)
    return lax.scan(function(c, v) return c + v, c * v end, 0, x, { reverse = true })
  end },
  scan_length = { 'x', function(x)
    return lax.scan(function(c) return c - 0.1 * np.sin(c), c end, x, nil, { length = 7 })
  end },
  scan_tuple = { 'x', 'A', function(x, A)
    return lax.scan(function(c, row)
      local v, n = unpack(c)
      v = np.tanh(A:matmul(v) + row)
      return { v, n + 1 }, v:sum() * n
    end, { np.zeros({ x.shape[2] }, x.dtype), np.zeros({}, x.dtype) }, x)
  end },
  newton = { 'a', function(a)
    return lax.while_loop(function(y) return np.gt(np.abs(y * y - a), 1e-4) end, function(y)
      return 0.5 * (y + a / y)
    end, a)
  end },
  collatz = { 'x', function(x)
    return lax.while_loop(function(s) return np.ge(s[1], 1) end, function(s)
      return { s[1] * 0.6, s[2] + 1 }
    end, { x, np.array(0, 'i32') })
  end },
  cond_1 = { 'x', function(x)
    return lax.cond(np.gt(x, 0), function(v) return np.sin(v) * v end, function(v)
      return np.exp(v) - 1
    end, x)
  end },
  cond_tuple = { 'x', 'y', function(x, y)
    return lax.cond(np.gt(x:sum(), y), function(v) return { v * y, v:sum() } end, function(v)
      return { v + y, v:prod() }
    end, x)
  end },
  switch = { 'x', function(x)
    return lax.switch(np.floor(x):astype 'i32' + 1, {
      function(v) return v * 2 end, function(v) return v * v end, np.cos }, x)
  end },
  map_1 = { 'x', function(x)
    return lax.map(function(row) -- cumulative products
      return select(2, lax.scan(function(c, v) return c * v, c * v end, 1, row))
    end, x)
  end },
  ode = { 'theta', function(theta)
    local h = 0.05
    local function f(y, t) return -theta[1] * y + theta[2] * np.sin(t) end
    return lax.scan(function(y, i)
      local t = i:astype(theta.dtype) * h
      local k1 = f(y, t)
      local k2 = f(y + h / 2 * k1, t + h / 2)
      local k3 = f(y + h / 2 * k2, t + h / 2)
      local k4 = f(y + h * k3, t + h)
      y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
      return y, y
    end, np.ones({}, theta.dtype), np.arange(20))
  end },
  checkpointed = { 'x', function(x)
    return (imnn.checkpoint(function(v) return np.sin(np.exp(v)) end)(x) * x):sum()
  end },
  custom_vjp = { 'x', function(x)
    local q = imnn.custom_vjp(function(v) return v * v end)
    q:defvjp(function(v) return v * v, v end, function(v, g) return np.clip(2 * v * g, -1, 1) end)
    return q(x)
  end },
  assoc = { 'x', function(x) return lax.associative_scan(np.add, x) end },
  fori = { 'x', function(x)
    return lax.fori_loop(2, 6, function(i, v) return v * (1 + i:astype(x.dtype) / 10) end, x)
  end },
  fori_dynamic = { 'x', function(x)
    return lax.fori_loop(1, #x, function(i, v)
      local function at(k) return lax.dynamic_slice(v, { k }, { 1 }) end
      return lax.dynamic_update_slice(v, at(i) * 0.5 + at(i + 1), { i + 1 })
    end, x)
  end },
  nested = { 'x', function(x)
    return lax.scan(function(c, v)
      c = lax.cond(np.gt(v, 0), function(q) return q * 0.9 + v end,
        function(q) return q - v * v end, c)
      c = lax.fori_loop(0, 2, function(_, q) return q + 0.1 * np.sin(q) end, c)
      return c, c
    end, np.ones({}, x.dtype), x)
  end },
}

-- Leaves of 'out.y', 'out.y.1', 'out.y.2.1', ... in order.
local function golden(group, name)
  local keys, out = {}, {}
  for key in group:each() do
    if key == name or key:sub(1, #name + 1) == name .. '.' then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for i, key in ipairs(keys) do out[i] = group[key] end
  return out
end

local function leaves(...)
  local out = {}
  for i = 1, select('#', ...) do
    for _, x in ipairs(tree.leaves((select(i, ...)))) do out[#out + 1] = x end
  end
  return out
end

local function close(expected, found, about, what)
  assert.equal(#expected, #found, what)
  for i, x in ipairs(expected) do
    assert.same(x.shape, found[i].shape, what)
    local a, b = x:values(), found[i]:values()
    for k = 1, #a do
      assert.is_true(math.abs(a[k] - b[k]) <= about.atol + about.rtol * math.abs(a[k]),
        ('%s: %.17g instead of %.17g'):format(what, b[k], a[k]))
    end
  end
end

local function as_one(f) return function(...) return { f(...) } end end

local function check(group, about, program)
  local f, x, t, batch = as_one(program[#program]), {}, {}, {}
  for i = 1, #program - 1 do
    x[i], batch[i] = group['in.' .. program[i]], group['in.batch_' .. program[i]]
    t[i] = golden(group, 'in.t_' .. program[i])[1]
  end
  local function run(g, ...)
    close(golden(group, 'out.y'), leaves(g(...)), about, 'value')
  end
  run(f, unpack(x))
  run(imnn.jit(f), unpack(x))
  for _, g in ipairs { imnn.vmap(f), imnn.jit(imnn.vmap(f)) } do
    close(golden(group, 'out.vmap'), leaves(g(unpack(batch))), about, 'batch')
  end
  if #golden(group, 'out.d') > 0 then
    local _, d = imnn.jvp(f, x, t)
    close(golden(group, 'out.d'), leaves(d), about, 'forward')
  end
  local ct = golden(group, 'in.ct')
  if #ct == 0 then return end
  local function back(...)
    local y, pull = imnn.vjp(f, ...)
    return { pull(tree.unflatten(y, ct)) }
  end
  local expected = {}
  for i = 1, #x do expected[i] = group['out.ct_' .. program[i]] end
  close(expected, leaves(back(unpack(x))), about, 'reverse')
  if #golden(group, 'out.d') == 0 then return end
  -- <ct, J t> over a batch of one example three times is what one gives
  local function pair(...)
    local sum = 0
    for i, y in ipairs(leaves(f(...))) do sum = sum + (ct[i] * y):sum() end
    return sum
  end
  local every, thrice = {}, {}
  for i = 1, #x do
    every[i] = i
    local shape = x[i].shape
    table.insert(shape, 1, 3)
    thrice[i] = np.broadcast_to(x[i], shape)
  end
  local grad = imnn.jit(imnn.vmap(as_one(imnn.grad(pair, { argnums = every }))))
  for _, g in ipairs(grad(unpack(thrice))) do
    for i, d in ipairs(g) do close({ expected[i] }, { d[2] }, about, 'reverse in a batch') end
  end
  local sum = imnn.grad(function(...) return imnn.vmap(pair)(...):sum() end, { argnums = every })
  for i, d in ipairs(sum(unpack(thrice))) do
    close({ expected[i] }, { d[3] }, about, 'reverse of a batch')
  end
end

describe('control flow', function()
  for _, name in ipairs { 'control_f64', 'control_f64_current', 'control_f32',
    'control_f32_current' } do
    local file = hdf5.open('tests/golden/control/' .. name .. '.h5')
    for case, group in file:each() do
      it('agrees with JAX, ' .. name .. ' ' .. case, function()
        check(group, file:attributes(case), programs[case])
      end)
    end
  end
end)

describe('a loop', function()
  it('differentiates and batches values that its body captures', function()
    local function f(w, x) -- x <- w x three times
      return lax.fori_loop(0, 3, function(_, v) return w * v end, x)
    end
    local w, x = np.array(2, 'f64'), np.array(5, 'f64')
    assert.equal(60, imnn.grad(f)(w, x):item()) -- 3 w^2 x
    assert.equal(60, imnn.grad(imnn.grad(f))(w, x):item()) -- 6 w x
    assert.equal(60, imnn.jacfwd(imnn.grad(f))(w, x):item())
    assert.equal(30, imnn.grad(imnn.grad(imnn.grad(f)))(w, x):item())
    local every = imnn.vmap(f, { in_axes = { 1, false } })(np.array({ 1, 2, 3 }, 'f64'), x)
    assert.same({ 5, 40, 135 }, every:totable())
  end)

  it('does nothing zero times, and stacks nothing', function()
    local c, y = lax.scan(function(c, x) return c + x, c end, np.array(3), np.zeros { 0 })
    assert.equal(3, c:item())
    assert.same({ 0 }, y.shape)
    assert.equal(4, lax.while_loop(function(v) return np.lt(v, 0) end, function(v) return v + 1 end,
      np.array(4)):item())
  end)

  it('goes on in a batch until every example is done, with many rows and few', function()
    local function halvings(x)
      return lax.while_loop(function(s) return np.gt(s[1], 1) end, function(s)
        return { s[1] / 2, s[2] + 1 }
      end, { x, np.array(0, 'i32') })[2]
    end
    for _, n in ipairs { 3, 1000, 5000 } do
      local x = np.arange(n):astype 'f32'
      local found = imnn.jit(imnn.vmap(halvings))(x)
      for i, k in ipairs(found:totable()) do
        local expected, v = 0, i - 1
        while v > 1 do v, expected = v / 2, expected + 1 end
        assert.equal(expected, k)
      end
    end
  end)

  it('gives by rows what it gives one by one, with its reverse sweep', function()
    local function f(theta, x) -- a damped map, with slices and stacked values
      local c, y = lax.scan(function(c, v)
        c = np.tanh(theta[1] * c + theta[2] * v)
        return c, c * theta[1]
      end, theta[1] * 0, x)
      return c + (y * y):sum()
    end
    local key = imnn.random.PRNGKey(3)
    local theta = imnn.random.normal(key, { 700, 2 }, 'f64')
    local x = imnn.random.normal(key, { 700, 9 }, 'f64')
    local many, one = imnn.vmap(imnn.value_and_grad(f)), imnn.jit(imnn.value_and_grad(f))
    local v, d = imnn.jit(many)(theta, x)
    local sum = imnn.jit(imnn.grad(function(t) return imnn.vmap(f)(t, x):sum() end))(theta)
    local forward = imnn.jit(imnn.vmap(imnn.jacfwd(f)))(theta, x)
    for _, i in ipairs { 1, 333, 700 } do
      local v1, d1 = one(theta[i], x[i])
      assert.is_true(math.abs(v[i]:item() - v1:item()) < 1e-13)
      for _, found in ipairs { d, sum, forward } do
        assert.is_true(np.abs(found[i] - d1):max():item() < 1e-12)
      end
    end
  end)

  it('may have nothing to pull back', function()
    -- the slope of w . x along v is w . v, whatever x
    local x, v, w = np.array { 1.5, 2 }, np.array { 1, 0.5 }, np.array { 0.3, 0.4 }
    local function f(p) return lax.map(function(one) return one end, p) end
    local function slope(p) return (w * select(2, imnn.jvp(f, { p }, { v }))):sum() end
    assert.are.same({ 0, 0 }, imnn.grad(slope)(x):totable())
  end)

  it('carries complex numbers', function()
    -- z <- w z three times: |w|^6 |z|^2, whose gradient in a = |w| is 6 a^5 |z|^2
    local function f(a)
      local z = lax.fori_loop(0, 3, function(_, v) return a * np.array(1, 'c128') * v end,
        np.array(2, 'c128'))
      return np.abs(z) ^ 2
    end
    assert.equal(6 * 32 * 4, imnn.grad(f)(np.array(2, 'f64')):item())
    assert.equal(6 * 32 * 4, imnn.jacfwd(f)(np.array(2, 'f64')):item())
    -- and those of scripts
    local function double(z) return 2 * z end
    assert.is_true(lax.fori_loop(0, 3, function(_, z) return z * 2 end, 1i) == 8i)
    assert.is_true((lax.scan(function(c, x) return c * x, c end, 1i, np.array { 2, 3i })) == -6)
    assert.is_true(lax.cond(true, double, function() return 1i end, 1 + 1i) == 2 + 2i)
    assert.is_true(imnn.checkpoint(double)(1i) == 2i)
  end)

  it('gives every number of a carry the dtype of what it becomes', function()
    local function step(c, x) return { c[1] + x, c[2] + 2 * x }, c[1] end
    local last, sums = lax.scan(step, { 0, 1 }, np.arange(4):astype 'f64')
    assert.same({ 'f64', 6, 'f64', 13 }, { last[1].dtype, last[1]:item(), last[2].dtype,
      last[2]:item() })
    assert.same({ 0, 0, 1, 3 }, sums:totable())
  end)

  it('draws the same numbers whatever the tile', function()
    local function walk(key)
      return lax.scan(function(c, k)
        return c + imnn.random.normal(k, {}), c
      end, np.array(0), imnn.random.split(key, 5))
    end
    local keys = imnn.random.split(imnn.random.PRNGKey(1), 1000)
    local all = imnn.jit(imnn.vmap(walk))(keys)
    for _, i in ipairs { 1, 17, 1000 } do
      assert.equal((walk(keys[i])):item(), all[i]:item())
    end
  end)

  it('finds places that are known only when it runs', function()
    local x = np.arange(6):reshape { 2, 3 }
    local i = np.array(2, 'i32')
    assert.same({ { 4, 5 } }, lax.dynamic_slice(x, { i, i }, { 1, 2 }):totable())
    assert.same({ { 4, 5 } }, lax.dynamic_slice(x, { 9, 9 }, { 1, 2 }):totable())
    local function last(k) return lax.dynamic_slice(x, { k, -3 }, { 1, 1 }) end
    assert.same({ { 3 } }, imnn.jit(last)(np.array(-1, 'i32')):totable())
    assert.same({ { 0, 1, 2 }, { 3, 7, 8 } },
      lax.dynamic_update_slice(x, np.array({ { 7, 8 } }, 'i32'), { i, i }):totable())
  end)

  it('refuses what has no meaning, with the line of the script', function()
    local function line(fn) return (message(fn):gsub(':%d+:', ':', 1)) end
    local one = np.array(1)
    assert.equal('tests/lua/control_spec.lua: scan: carry 1 is f32 (2) after a step, but it began '
      .. 'as f32 ()', line(function()
      lax.scan(function(c) return np.zeros { 2 } + c, c end, one, nil, { length = 2 })
    end))
    assert.equal('tests/lua/control_spec.lua: scan: without xs it needs a length', line(function()
      lax.scan(function(c) return c, c end, one)
    end))
    assert.equal('tests/lua/control_spec.lua: scan: the function gives {*, *}, the carry began as '
      .. '*', line(function()
      lax.scan(function(c) return { c, c } end, one, nil, { length = 2 })
    end))
    assert.equal('tests/lua/control_spec.lua: cond: the condition must be one boolean, got shape '
      .. '(2)', line(function()
      lax.cond(np.zeros { 2 }, np.sin, np.cos, one)
    end))
    assert.matches('while_loop: has no reverse derivative, since the number of steps is not known; '
      .. 'use scan or fori_loop with fixed counts', message(function()
        imnn.grad(function(x)
          return lax.while_loop(function(v) return np.lt(v, 3) end, function(v) return v * v end, x)
        end)(np.array(2))
      end))
    local q = imnn.custom_vjp(function(v) return v * v end)
    assert.equal('tests/lua/control_spec.lua: custom_vjp: has no derivative yet; give it with '
      .. ':defvjp(fwd, bwd)', line(function() q(one) end))
  end)
end)

describe('a branch', function()
  it('may give several values', function()
    local function up(x) return x, { x * x } end
    local function down(x) return -x, { 2 * x } end
    local a, b = lax.cond(true, up, down, np.array { 1, 3 })
    assert.same({ { 1, 3 }, { 1, 9 } }, { a:values(), b[1]:values() })
    a, b = imnn.vmap(function(x) return lax.cond(np.gt(x, 1), up, down, x) end)(
      np.array { 0, 1, 2 })
    assert.same({ { 0, -1, 2 }, { 0, 2, 4 } }, { a:values(), b[1]:values() })
    local slope = imnn.grad(function(x)
      local y, z = lax.switch(2, { down, up }, x)
      return y + z[1]
    end)
    assert.equal(7, slope(np.array(3)):item())
  end)

  it('gives as many as the others, and at least one', function()
    local function one(x) return x end
    assert.matches('control_spec.lua:%d+: cond: branch 2 gives 2 values, another branch 1$',
      message(function() lax.cond(true, one, function(x) return x, x end, np.ones(2)) end))
    assert.matches('control_spec.lua:%d+: switch: branch 2 gives nothing$',
      message(function() lax.switch(1, { one, function() end }, np.ones(2)) end))
  end)
end)

describe('a derivative of one\'s own', function()
  it('is used forward, in reverse and in a batch', function()
    local f = imnn.custom_jvp(function(x) return np.sin(x) end)
    f:defjvp(function(x, t) return np.sin(x[1]), 10 * t[1] end)
    local x = np.array({ 1, 2 }, 'f64')
    assert.same({ 10, 10 }, imnn.vmap(imnn.grad(f))(x):totable())
    assert.same({ 10, 10 }, imnn.grad(function(v) return imnn.vmap(f)(v):sum() end)(x):totable())
    assert.equal(10, imnn.jacfwd(f)(x[1]):item())
  end)

  it('may be a reverse one beside the forward one that the function has', function()
    local function product(a, b) return a * np.reshape(b, { 2 }) end
    local f = imnn.custom_vjp(product, { forward = true })
    f:defvjp(function(a, b) return a * b, b end, function(b, u) return 10 * u:sum(), b * 0 end)
    local function of(x) return f(x[1], x[{ { 2, 3 } }]):sum() end -- whose inputs are parts of one
    local x = np.array({ 2, 3, 4 }, 'f64')
    assert.same({ 7, 2, 2 }, imnn.jacfwd(of)(x):totable())
    assert.same({ 20, 0, 0 }, imnn.grad(of)(x):totable())
    assert.same({ 7, 2, 2 }, imnn.vmap(imnn.jacfwd(of))(np.stack { x, x })[2]:totable())
    local only = imnn.custom_vjp(np.sin)
    only:defvjp(function(v) return np.sin(v), v end, function(v, u) return np.cos(v) * u end)
    assert.matches('custom_vjp: has no forward derivative; use custom_jvp', message(function()
      imnn.jacfwd(only)(x[1])
    end))
  end)
end)

describe('an update', function()
  local x = np.array({ { 1, 2, 3 }, { 4, 5, 6 } }, 'f64')

  it('gives a new array', function()
    assert.same({ { 9, 9, 9 }, { 4, 5, 6 } }, x:at(1):set(9):totable())
    assert.same({ { 1, 12, 3 }, { 4, 25, 6 } }, x:at { {}, 2 }:add { 10, 20 }:totable())
    assert.same({ { 1, 2, 6 }, { 4, 5, 12 } }, x:at { {}, { 3, 3 } }:mul(2):totable())
    local i = np.array({ 2, 2, 1 }, 'i32')
    local y = np.array({ { 5, 5, 5 }, { 7, 0, 7 }, { 2, 2, 2 } }, 'f64')
    assert.same({ { 2, 2, 3 }, { 7, 5, 7 } }, x:at(i):max(y):totable())
    assert.same({ { 1, 2, 2 }, { 4, 0, 5 } }, x:at(i):min(y):totable())
    assert.same({ { 3, 4, 5 }, { 16, 10, 18 } }, x:at(i):add(y):totable())
    assert.same({ { 2, 2, 2 }, { 7, 0, 7 } }, x:at(i):set(y):totable())
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, x:totable())
  end)

  it('is differentiated in the array and in what comes', function()
    local i = np.array({ 2 }, 'i32')
    local function f(a, b) return (a:at(i):set(b) ^ 2):sum() end
    local b = np.array({ { 1, 2, 3 } }, 'f64')
    assert.same({ { 2, 4, 6 }, { 0, 0, 0 } }, imnn.grad(f)(x, b):totable())
    assert.same({ { 2, 4, 6 } }, imnn.grad(f, 2)(x, b):totable())
    local function g(a, c) return a:at(i):mul(c):sum() end
    assert.same({ { 4, 5, 6 } }, imnn.grad(g, 2)(x, b):totable())
    assert.same({ { 1, 1, 1 }, { 1, 2, 3 } }, imnn.jacfwd(g)(x, b):totable())
  end)
end)
