--- Loops and branches against JAX: values, both derivatives, batches; and what they refuse.
local imnn = require 'imnn'
local hdf5 = require 'imnn.data.hdf5'
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
  fori = { 'x', function(x)
    return lax.fori_loop(2, 6, function(i, v) return v * (1 + i:astype(x.dtype) / 10) end, x)
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
      if programs[case] then
        it('agrees with JAX, ' .. name .. ' ' .. case, function()
          check(group, file:attributes(case), programs[case])
        end)
      end
    end
  end
end)
