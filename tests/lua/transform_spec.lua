--- Functions of functions, one by one, against derivatives by hand; in one another they are tested
-- in nested_spec, operator by operator in ops_spec.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np = imnn.np

local HERE = '^tests/lua/transform_spec.lua:%d+: '

local function refuses(sentence, fn)
  local why = message(fn)
  assert.matches(HERE, why)
  assert.equal(sentence, (why:gsub(HERE, '')))
end

local function is(expected, x, dtype)
  assert.equal(dtype or 'f64', x.dtype)
  assert.same(expected, x:totable())
end

local function f64(t) return np.array(t, 'f64') end
local x = f64 { 1, 2, 3 }

describe('jit', function()
  it('computes trees of arrays, and hands back what is no array', function()
    local f = imnn.jit(function(a, b)
      return { y = a * b.w, z = { a, 3 } }, 'text', nil, a:sum(), {}, false
    end)
    local tree, text, nothing, sum, empty, no = f(x, { w = x })
    is({ 1, 4, 9 }, tree.y)
    is({ 1, 2, 3 }, tree.z[1])
    assert.equal(3, tree.z[2])
    assert.equal('text', text)
    assert.is_nil(nothing)
    is(6, sum)
    assert.same({}, empty)
    assert.is_false(no)
  end)

  it('traces once for each type of its arguments', function()
    local traces = 0
    local f = imnn.jit(function(a)
      traces = traces + 1
      return a + 1
    end)
    is({ 2, 3, 4 }, f(x))
    is({ 3, 4, 5 }, f(x + 1))
    assert.equal(1, traces)
    is({ 2 }, f(f64 { 1 }))
    is({ 2, 3, 4 }, f(np.array { 1, 2, 3 }), 'f32')
    assert.equal(3, traces)
    assert.equal('compiled function, programs: 3', tostring(f))
  end)

  it('tells every two settings apart', function()
    local f = imnn.jit(function(a, s) return a * (type(s) == 'table' and (s[1] or s['1']) or s) end)
    is({ 0.1 + 0.2 }, f(f64 { 1 }, 0.1 + 0.2)) -- 0.3 but for the last bit
    is({ 0.3 }, f(f64 { 1 }, 0.3))
    is({ 1 }, f(f64 { 1 }, { f64(1) }))
    is({ 2 }, f(f64 { 1 }, { ['1'] = f64(2) }))
    local joined = imnn.jit(function(...) return f64(1), (table.concat({ ... }, ' ')) end)
    assert.equal('a;1"b', select(2, joined('a;1"b')))
    assert.equal('a b', select(2, joined('a', 'b')))
  end)

  it('does not take a new function for an old one at the same address', function()
    local f = imnn.jit(function(a, g) return g(a) end)
    for k = 1, 200 do
      is({ k }, f(f64 { 1 }, function(a) return a * k end))
      if k % 10 == 0 then collectgarbage() end
    end
  end)

  it('passes static arguments as they are', function()
    local options = { k = f64(3) }
    local f = imnn.jit(function(a, o)
      assert(rawequal(o, options))
      return a * o.k
    end, { static_argnums = 2 })
    is({ 3, 6, 9 }, f(x, options))
    assert.equal('compiled function, programs: 1', tostring(f))
  end)

  it('is the function itself inside another', function()
    local inner = imnn.jit(function(a) return a * a end)
    is(14, imnn.jit(function(a) return inner(a):sum() end)(x))
    is({ 2, 4, 6 }, imnn.grad(function(a) return inner(a):sum() end)(x))
    assert.equal('compiled function, programs: 0', tostring(inner))
  end)

  it('lets errors of the function through, and works afterwards', function()
    assert.matches(HERE .. 'mine$', message(function() imnn.jit(function() error 'mine' end)() end))
    refuses('add: shapes do not broadcast, (3) and (5)', function()
      imnn.jit(function(a) return (a + np.zeros { 5 }) end)(x)
    end)
    is({ 2, 4, 6 }, imnn.jit(function(a) return a + a end)(x))
    refuses('jit: needs a function, got number', function() imnn.jit(3) end)
    refuses('jit: threads must be at least 1, got 0', function()
      imnn.jit(np.sin, { threads = 0 })
    end)
    refuses('jit: in_flight must be at least 1, got -1', function()
      imnn.jit(np.sin, { in_flight = -1 })
    end)
    refuses('jit: unknown option "static_argnum"; did you mean "static_argnums"?',
      function() imnn.jit(np.tanh, { static_argnum = 1 }) end)
  end)

  it('prints steps, fused clusters, buffers, bytes, and a profile', function()
    local f = imnn.jit(function(a) return np.tanh(np.matmul(a, a)) * 2 + 1 end)
    local a = np.ones { 64, 64 }
    local text = f:text(a)
    assert.matches('^program: 1 inputs, 1 results, ', text)
    assert.matches('memory: %d+ bytes kept, %d+ bytes a thread\n', text)
    assert.matches('products and convolutions: 524288 FLOP a run\n', text)
    assert.matches('step 1: gemm matmul %-> f32 %(64, 64%)\n', text)
    assert.matches('step 2: map of 2 operations, .* %-> f32 %(64, 64%)\n', text)
    assert.matches('tanh%(.*mul_add%(', text)
    assert.equal(2 * 64 ^ 3, f:flops(a))
    assert.is_true(f:bytes(a) >= 64 * 64 * 4)
    local profile = f:profile(a)
    assert.matches('profile: 20 runs of [%d.]+ us', profile)
    assert.matches('gemm matmul .*%[[%d.]+ us, [%d.]+ GFLOP/s%]', profile)
    assert.matches('map of 2 operations.*%[[%d.]+ us, [%d.]+ GB/s%]', profile)
  end)
end)

describe('make_graph', function()
  it('prints a node a line', function()
    assert.equal('%1 f64 (3) = input\n'
      .. '%2 f64 (3) = tanh(%1)\n'
      .. '%3 f64 () = sum(%2)  {0, 1}\n'
      .. 'gives %2, %3\n', tostring(imnn.make_graph(function(a)
      local y = np.tanh(a)
      return { y }, y:sum()
    end)(x)))
    local gradient = tostring(imnn.make_graph(imnn.grad(function(a) return np.sin(a) end))(f64(1)))
    assert.matches('cos%(%%1%)', gradient)
  end)

  it('refuses what is no function, and what gives no arrays', function()
    refuses('make_graph: needs a function, got nil', function() imnn.make_graph() end)
    refuses('make_graph: the function must give arrays, got string',
      function() imnn.make_graph(function() return 'x' end)(x) end)
    refuses('make_graph: the function gives nothing',
      function() imnn.make_graph(function() return nil, x end)(x) end)
  end)
end)

describe('grad', function()
  it('gives a tree like its argument', function()
    is({ 2, 4, 6 }, imnn.grad(function(a) return (a * a):sum() end)(x))
    local g = imnn.grad(function(w) return (w.a * w.b[1]):sum() end)
    local dw = g { a = x, b = { f64(2), x } }
    is({ 2, 2, 2 }, dw.a)
    is(6, dw.b[1])
    is({ 0, 0, 0 }, dw.b[2])
    is(12, imnn.grad(function(a) return a ^ 3 end)(2), 'f32')
    is(0, imnn.grad(function() return 3 end)(2), 'f32')
    is(0, imnn.grad(np.floor)(2.5), 'f32')
  end)

  it('takes the arguments that are chosen', function()
    local function f(a, b) return (a * a * b):sum() end
    is({ 1, 4, 9 }, imnn.grad(f, { argnums = 2 })(x, x))
    is({ 1, 4, 9 }, imnn.grad(f, 2)(x, x))
    local both = imnn.grad(f, { argnums = { 2, 1 } })(x, x)
    is({ 1, 4, 9 }, both[1])
    is({ 2, 8, 18 }, both[2])
  end)

  it('comes with the value, and with more', function()
    local value, dx = imnn.value_and_grad(function(a) return (a * a):sum() end)(x)
    is(14, value)
    is({ 2, 4, 6 }, dx)
    local function f(a) return a ^ 3, { a, q = a * 2 } end
    local y, dy, more = imnn.value_and_grad(f, { has_aux = true })(f64(2))
    is(8, y)
    is(12, dy)
    is(2, more[1])
    is(4, more.q)
    local slope, again = imnn.grad(f, { has_aux = true })(f64(2))
    is(12, slope)
    is(4, again.q)
  end)

  it('is zero where nothing was computed, whatever the slope would be', function()
    is(0, imnn.grad(function(a) return np.sqrt(np.broadcast_to(a, { 0 })):sum() end)(f64(0)))
  end)

  it('needs one real number of real arguments', function()
    local function identity(a) return a end
    refuses('grad: the function must give one real number, got f64 (3)',
      function() imnn.grad(identity)(x) end)
    refuses('value_and_grad: the function must give one real number, got i32 ()',
      function() imnn.value_and_grad(function(a) return np.argmax(a) end)(x) end)
    refuses('grad: the function gives nothing', function() imnn.grad(function() end)(x) end)
    refuses('grad: the function must give arrays, got string',
      function() imnn.grad(function() return 'x' end)(x) end)
    refuses('grad: argument 1 must be an Array or a number, got string',
      function() imnn.grad(identity)('x') end)
    refuses('grad: argument 1 is i32 (1); only f32, f64, c64 and c128 have derivatives',
      function() imnn.grad(identity)(np.array({ 1 }, 'i32')) end)
    refuses('grad: there is no argument 3',
      function() imnn.grad(identity, { argnums = { 1, 3 } })(x) end)
    refuses('grad: argnums count from 1, got 0', function() imnn.grad(identity, 0) end)
    refuses('grad: argnums count from 1, got x',
      function() imnn.grad(identity, { argnums = { 'x' } }) end)
    refuses('grad: option "argnums" must be integer or table, got string',
      function() imnn.grad(identity, { argnums = 'x' }) end)
    refuses('grad: unknown option "argnum"; did you mean "argnums"?',
      function() imnn.grad(identity, { argnum = 1 }) end)
    refuses('grad: the function must give arrays, got string',
      function() imnn.grad(function(a) return a, 's' end, { has_aux = true })(2) end)
    refuses('value_and_grad: needs a function, got nil', function() imnn.value_and_grad() end)
  end)
end)

describe('jvp and vjp', function()
  it('push and pull along trees', function()
    local y, dy = imnn.jvp(function(w, c) return { w.a * c, s = w.a:sum() } end,
      { { a = x }, f64(2) }, { { a = f64 { 1, 0, 1 } }, 10 })
    is({ 2, 4, 6 }, y[1])
    is({ 12, 20, 32 }, dy[1]) -- 2 da + 10 a
    is(2, dy.s)
    local value, pull = imnn.vjp(function(w, c) return { w.a * c, s = w.a:sum() } end, { a = x }, 2)
    is(6, value.s)
    local dw, dc = pull { f64 { 1, 0, 1 }, s = 5 }
    is({ 7, 5, 7 }, dw.a) -- 2 u + 5
    is(4, dc, 'f32') -- a . u
    is({ 1, 1, 1 }, (pull { f64 { 0.5, 0.5, 0.5 }, s = 0 }).a)
  end)

  it('give zeros where nothing depends', function()
    local y, dy = imnn.jvp(function() return f64 { 1, 2 } end, { x }, { x })
    is({ 1, 2 }, y)
    is({ 0, 0 }, dy)
    local _, pull = imnn.vjp(function(_, b) return b end, x, f64(2))
    is({ 0, 0, 0 }, (pull(f64(1))))
  end)

  it('want vectors like the arrays', function()
    local function square(a) return a * a end
    refuses('jvp: needs a list of arguments and a list of tangents of equal length',
      function() imnn.jvp(square, { x }, {}) end)
    refuses('jvp: needs a list of arguments and a list of tangents of equal length',
      function() imnn.jvp(square, x, x) end)
    refuses('jvp: the tangent is f32 (2), the argument f64 (3)',
      function() imnn.jvp(square, { x }, { np.zeros { 2 } }) end)
    refuses('jvp: tangent 2 is f32 (3), the argument f64 (3)',
      function() imnn.jvp(np.add, { x, x }, { x, np.zeros { 3 } }) end)
    refuses('jvp: the tangent must be of Arrays or numbers, got string',
      function() imnn.jvp(square, { x }, { 'x' }) end)
    refuses('jvp: the tangent is a tree {v = *}, the argument {w = *}',
      function() imnn.jvp(function(a) return a.w end, { { w = x } }, { { v = x } }) end)
    refuses('jvp: the function gives nothing',
      function() imnn.jvp(function() end, { x }, { x }) end)
    refuses('jvp: argument 1 is bool (1); only f32, f64, c64 and c128 have derivatives',
      function() imnn.jvp(square, { np.array { true } }, { 1 }) end)

    local _, pull = imnn.vjp(function(a) return { a, b = a } end, x)
    refuses('vjp: the cotangent is a tree {*}, the value {*, b = *}', function() pull { x } end)
    refuses('vjp: the cotangent is a tree *, the value {*, b = *}', function() pull() end)
    refuses('vjp: the cotangent is f64 (), the value f64 (3)', function() pull { x, b = 1 } end)
    refuses('vjp: the function gives nothing', function() imnn.vjp(function() end, x) end)
    refuses('vjp: needs a function, got table', function() imnn.vjp({}, x) end)
  end)
end)

describe('Jacobians', function()
  for _, name in ipairs { 'jacfwd', 'jacrev' } do
    it('have the axes of the result, then those of the variable: ' .. name, function()
      local J = imnn[name]
      is({ { 2, 0, 0 }, { 0, 4, 0 }, { 0, 0, 6 } }, J(function(a) return a * a end)(x))
      is({ 2, 4, 6 }, J(function(a) return (a * a):sum() end)(x))
      assert.same({ 3, 1, 2, 3 }, J(function(a)
        return np.expand_dims(a:sum(1), 2)
      end)(f64 { { 1, 2, 3 }, { 4, 5, 6 } }).shape)
      is({ { 0, 0, 0 } }, J(function() return f64 { 7 } end)(x))
      assert.same({ 0, 3 }, J(function(a) return a[{ { 2, 1 } }] end)(x).shape)
    end)

    it('of trees are trees of trees: ' .. name, function()
      local function f(w) return { w.a * w.b, s = w.b } end
      local d = imnn[name](f)({ a = f64 { 1, 2 }, b = f64(3) })
      is({ { 3, 0 }, { 0, 3 } }, d[1].a)
      is({ 1, 2 }, d[1].b)
      is({ 0, 0 }, d.s.a)
      is(1, d.s.b)
      local both = imnn[name](np.mul, { argnums = { 1, 2 } })(f64(2), f64(5))
      is(5, both[1])
      is(2, both[2])
    end)

    it('come with the value: ' .. name, function()
      local y, d = imnn['value_and_' .. name](function(a) return { a * a } end)(f64 { 3 })
      is({ 9 }, y[1])
      is({ { 6 } }, d[1])
    end)

    it('are refused where there are none: ' .. name, function()
      local J = imnn[name]
      refuses(name .. ': the function must give real arrays, got i32 ()',
        function() J(function(a) return np.argmax(a) end)(x) end)
      refuses(name .. ': the function must give arrays, got string',
        function() J(function() return 'x' end)(x) end)
      refuses(name .. ': the function gives nothing', function() J(function() end)(x) end)
      refuses(name .. ': there is no argument 2', function() J(np.add, 2)(x) end)
      refuses(name .. ': unknown option "aux"', function() J(np.add, { aux = true }) end)
      refuses(name .. ': needs a function, got string', function() J 'x' end)
    end)
  end

  it('of gradients are Hessians', function()
    is({ { 6, 0, 0 }, { 0, 12, 0 }, { 0, 0, 18 } }, imnn.hessian(function(a)
      return (a * a * a):sum()
    end)(x))
    is({ { 0, 1 }, { 1, 0 } }, imnn.hessian(function(a) return a[1] * a[2] end)(f64 { 3, 4 }))
    refuses('hessian: argument 1 is i32 (1); only f32, f64, c64 and c128 have derivatives',
      function() imnn.hessian(np.sum)(np.array({ 1 }, 'i32')) end)
    refuses('hessian: needs a function, got nil', function() imnn.hessian() end)
  end)
end)

describe('vmap', function()
  local m = f64 { { 1, 2, 3 }, { 4, 5, 6 } }

  it('maps over the first axis, or over others', function()
    is({ 6, 15 }, imnn.vmap(np.sum)(m))
    is({ 5, 7, 9 }, imnn.vmap(np.sum, { in_axes = 2 })(m))
    is({ 5, 7, 9 }, imnn.vmap(np.sum, { in_axes = -1 })(m))
    is({ { 2, 4, 6 }, { 5, 7, 9 } }, imnn.vmap(np.add, { in_axes = { 1, false } })(m, x))
    is({ { 10, 40 }, { 40, 100 }, { 90, 180 } }, imnn.vmap(np.mul, { in_axes = { 2, 1 } })(m,
      f64 { 10, 20, 30 }))
  end)

  it('puts the axis where it is wanted', function()
    local function twice(a) return 2 * a, a:sum() end
    local y, s = imnn.vmap(twice, { out_axes = { 2, 1 } })(m)
    is({ { 2, 8 }, { 4, 10 }, { 6, 12 } }, y)
    is({ 6, 15 }, s)
    is({ { 2, 8 }, { 4, 10 }, { 6, 12 } }, (imnn.vmap(function(a) return 2 * a end,
      { out_axes = -1 })(m)))
    local same, varying = imnn.vmap(function(a, b) return b * 2, a end,
      { in_axes = { 1, false }, out_axes = { false, 1 } })(m, x)
    is({ 2, 4, 6 }, same)
    is(m:totable(), varying)
  end)

  it('maps trees, and repeats what is the same for all', function()
    local y, c, k = imnn.vmap(function(w) return { w.a[1], s = w.b[1] * 2 }, f64(7), w.k end) {
      a = m, b = { f64 { 1, 2 } }, k = 5,
    }
    is({ 1, 4 }, y[1])
    is({ 2, 4 }, y.s)
    is({ 7, 7 }, c)
    is({ 5, 5 }, k, 'f32')
    assert.same({ 0, 3 }, imnn.vmap(np.tanh)(np.zeros { 0, 3 }).shape)
  end)

  it('maps leaves of trees over axes of their own', function()
    local function line(p, v) return p.w * v + p.b end
    local p = { w = m, b = f64 { 10, 20, 30 } }
    for _, axes in ipairs { { w = 1, b = false }, { w = 1 } } do
      is({ { 11, 22, 33 }, { 18, 30, 42 } },
        imnn.vmap(line, { in_axes = { axes, 1 } })(p, f64 { 1, 2 }))
    end
    is({ { 11, 14 }, { 24, 30 }, { 39, 48 } },
      imnn.vmap(line, { in_axes = { { w = 2, b = 1 }, 1 } })(p, f64 { 1, 2, 3 }))
    local y = imnn.jit(imnn.vmap(function(t, u)
      return { a = t[1] * 2, b = { t[2].x * u, t[2].k } }
    end, { in_axes = { { 2, { x = 1 } }, false }, out_axes = { { a = 2, b = { 1, false } } } }))(
      { m, { x = f64 { 5, 6, 7 }, k = f64 { 3 } } }, f64(2))
    is({ { 2, 4, 6 }, { 8, 10, 12 } }, y.a)
    is({ 10, 12, 14 }, y.b[1])
    is({ 3 }, y.b[2])
    is({ { 2, 4, 6 }, { 5, 7, 9 } }, imnn.vmap(function(t) return t[1] + t[2] end,
      { in_axes = { { 1, false } } })({ m, x }))
    refuses('vmap: in_axes have an entry "c", which is not in argument 1, {b = *, w = *}',
      function() imnn.vmap(line, { in_axes = { { c = 1 }, 1 } })(p, x) end)
    refuses('vmap: out_axes have an entry "c", which is not in result 1, {s = *}', function()
      imnn.vmap(function(v) return { s = v } end, { out_axes = { { c = 1 } } })(m)
    end)
  end)

  it('is refused without a batch, or with several', function()
    refuses('vmap: no argument has a batch axis', function() imnn.vmap(np.tanh)(3) end)
    refuses('vmap: no argument has a batch axis',
      function() imnn.vmap(np.tanh, { in_axes = false })(m) end)
    refuses('vmap: argument 2 has no axis to map over; use in_axes = false for it',
      function() imnn.vmap(np.add)(m, f64(3)) end)
    refuses('vmap: batches of different sizes, 2 and 3', function() imnn.vmap(np.add)(m, x) end)
    refuses('vmap: argument 1 has no axis 3, but 2',
      function() imnn.vmap(np.tanh, { in_axes = 3 })(m) end)
    refuses('vmap: result 1 has no axis 3, but 2',
      function() imnn.vmap(np.tanh, { out_axes = 3 })(m) end)
    refuses('vmap: in_axes has 1 entries for 2 arguments',
      function() imnn.vmap(np.add, { in_axes = { 1 } })(m, m) end)
    refuses('vmap: out_axes has 2 entries for 1 results',
      function() imnn.vmap(np.tanh, { out_axes = { 1, 1 } })(m) end)
    refuses('vmap: result 1 depends on the batch',
      function() imnn.vmap(np.tanh, { out_axes = false })(m) end)
    refuses('vmap: in_axes are axes from 1, -1 for the last, or false, got 0',
      function() imnn.vmap(np.tanh, { in_axes = 0 })(m) end)
    refuses('vmap: out_axes are axes from 1, -1 for the last, or false, got true',
      function() imnn.vmap(np.tanh, { out_axes = true })(m) end)
    refuses('vmap: in_axes are axes from 1, -1 for the last, or false, got a table',
      function() imnn.vmap(np.tanh, { in_axes = { { 1 } } })(m) end)
    refuses('vmap: option "in_axes" must be integer or table or boolean, got string',
      function() imnn.vmap(np.tanh, { in_axes = 'x' }) end)
    refuses('vmap: unknown option "in_axis"; did you mean "in_axes"?',
      function() imnn.vmap(np.tanh, { in_axis = 1 }) end)
    refuses('vmap: the function must give arrays, got string',
      function() imnn.vmap(function() return 'x' end)(m) end)
    refuses('vmap: the function gives nothing',
      function() imnn.vmap(function(a) return nil, a end)(m) end)
  end)
end)
