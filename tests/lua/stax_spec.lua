--- Layers and networks, against those of JAX (tests/golden/stax).
local ffi = require 'ffi'
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, random, stax, tree = imnn.np, imnn.random, imnn.stax, imnn.tree

local function near(expected, got, rtol, atol, what)
  if np.is_array(expected) then expected = expected:totable() end
  local case = { y = golden.flat(expected), rtol = rtol, atol = atol }
  local why = golden.difference(case, got)
  assert.is_nil(why, why and what .. ': ' .. why)
end

-- ---- layers ----

local tanh = stax.Tanh
-- Layers by the names of the golden cases.
local layers = {
  Dense_1 = stax.Dense(1), Dense = stax.Dense(6), Dense_vector = stax.Dense(6),
  Dense_init = stax.Dense(6, { W_init = stax.he_normal(), b_init = stax.zeros }),
  Exp = stax.Exp, FanInConcat = stax.FanInConcat(), FanInSum = stax.FanInSum,
  FanOut = stax.FanOut(3), Identity = stax.Identity,
  parallel = stax.parallel(stax.Dense(2), stax.Dense(3)),
  serial_mlp = stax.serial(stax.Dense(8), stax.LeakyRelu, stax.Dense(8), tanh, stax.Dense(2)),
  serial_nested = stax.serial(stax.Dense(8), stax.serial(stax.Relu, stax.Dense(3)), stax.Softmax),
  serial_residual = stax.serial(stax.Dense(8), stax.FanOut(2),
    stax.parallel(stax.serial(stax.Dense(8), tanh), stax.Identity), stax.FanInSum, stax.Dense(2)),
  shape_dependent = stax.shape_dependent(function(shape) return stax.Dense(shape[#shape]) end),
}
for _, name in ipairs { 'Elu', 'Gelu', 'LeakyRelu', 'LogSoftmax', 'Relu', 'Selu', 'Sigmoid',
  'Softmax', 'Softplus', 'Tanh' } do
  layers[name .. '_grid'] = stax[name]
end

-- In f64; decimals may name f32 numbers.
local function arrays(list, named)
  local out = {}
  for i, t in ipairs(list) do out[i] = np.array(t, named or 'f64'):astype 'f64' end
  return out
end

-- The sizes of one example; one shape alone is no list.
local function of_one(shapes, batched)
  local out = {}
  for i, shape in ipairs(shapes) do
    out[i] = { unpack(shape, batched and 2 or 1) }
  end
  return #out == 1 and out[1] or out
end

local function alone(list) return #list == 1 and list[1] or list end

describe('layers give the numbers of JAX', function()
  for _, case in ipairs(dofile 'tests/golden/stax/layers.lua') do
    local name = case[1]
    local layer = layers[name]
    local batched = name ~= 'Dense_vector'
    local key = np.array(case.key, 'u32')
    local shape, initial = layer.init(key, of_one(case.input_shape, batched))

    it(name .. ': shape and initial weights', function()
      assert.same(of_one(case.shape, batched), shape)
      local leaves = tree.leaves(initial)
      assert.equal(#(case.params or {}), #leaves)
      for i, w in ipairs(leaves) do
        assert.equal('f32', w.dtype)
        near(case.params[i], w, 4e-7, 1e-9, 'weights ' .. i)
      end
    end)

    local params = tree.unflatten(initial, arrays(case.params or {}, 'f32'))
    local steps = tree.unflatten(initial, arrays(case.t_params or {}))
    local x, t_x = alone(arrays(case.x)), alone(arrays(case.t_x))
    local apply = layer.apply
    if batched then
      apply = imnn.vmap(layer.apply, { in_axes = { false, 1 } })
    end

    it(name .. ': values', function()
      local y = tree.leaves(apply(params, x))
      assert.equal(#case.y, #y)
      for i, part in ipairs(y) do near(case.y[i], part, 1e-11, 1e-11, 'output ' .. i) end
    end)

    it(name .. ': derivatives in both modes', function()
      local _, pull = imnn.vjp(apply, params, x)
      local d_params, d_x = pull(alone(arrays(case.ct)))
      for i, d in ipairs(tree.leaves(d_x)) do near(case.ct_x[i], d, 1e-11, 1e-11, 'input ' .. i) end
      for i, d in ipairs(tree.leaves(d_params)) do
        near(case.ct_params[i], d, 1e-11, 1e-11, 'weights ' .. i)
      end
      local _, dy = imnn.jvp(apply, { params, x }, { steps, t_x })
      for i, d in ipairs(tree.leaves(dy)) do near(case.dy[i], d, 1e-11, 1e-11, 'tangent ' .. i) end
    end)
  end
end)

-- ---- activations ----

local called = { -- names of cases that are calls with a parameter
  celu_2 = { 'celu', 2 }, ['elu_0.3'] = { 'elu', 0.3 }, ['leaky_relu_0.2'] = { 'leaky_relu', 0.2 },
}

describe('activations give the numbers of JAX', function()
  for _, dtype in ipairs { 'f32', 'f64' } do
    local of = {} -- the file of each case; what current jax changed comes last
    for _, name in ipairs { dtype, dtype .. '_current' } do
      local file = imnn.data.hdf5.open('tests/golden/stax/activations_' .. name .. '.h5')
      for _, group in ipairs(file:keys()) do of[group:gsub('/$', '')] = file end
    end
    for name, file in pairs(of) do
      it(name .. ' ' .. dtype, function()
        local group, set = file[name], file:attributes(name)
        local fn, parameter = name, nil
        if called[name] then fn, parameter = unpack(called[name]) end
        local x = group['in.x']
        local function f(v) return stax[fn](v, parameter) end
        local y, dy = imnn.jvp(f, { x }, { np.ones_like(x) })
        assert.equal(dtype, y.dtype)
        for part, got in pairs { ['out.y'] = y, ['out.dy'] = dy } do
          local why = golden.difference(
            { y = group[part]:values(), rtol = set.rtol, atol = set.atol, ulp = set.ulp }, got)
          assert.is_nil(why, why and part .. ': ' .. why)
        end
      end)
    end
  end

  it('and every name of the list is a function; layers are their pairs', function()
    local x = np.array { 0.25, 0.5, 1.5, 2 }
    local i, name = 0, imnn.core.C.imnn_activation_name(0)
    while name ~= nil do
      assert.is_true(np.isfinite(stax[ffi.string(name)](x)):all():item())
      i = i + 1
      name = imnn.core.C.imnn_activation_name(i)
    end
    assert.is_true(i > 25)
    for layer, fn in pairs {
      Tanh = 'tanh', Exp = 'exp', Relu = 'relu', Relu6 = 'relu6', Sigmoid = 'sigmoid',
      Softplus = 'softplus', LogSigmoid = 'log_sigmoid', Elu = 'elu', Selu = 'selu', Celu = 'celu',
      LeakyRelu = 'leaky_relu', Gelu = 'gelu', GeluExact = 'gelu_exact', Silu = 'silu',
      Swish = 'swish', Mish = 'mish', SoftSign = 'soft_sign', HardTanh = 'hard_tanh',
      HardSigmoid = 'hard_sigmoid', HardSilu = 'hard_silu', Squareplus = 'squareplus',
      SparsePlus = 'sparse_plus', SparseSigmoid = 'sparse_sigmoid', Softmax = 'softmax',
      LogSoftmax = 'log_softmax',
    } do
      local shape, params = stax[layer].init(random.PRNGKey(0), { 4 })
      assert.same({ 4 }, shape)
      assert.same({}, params)
      near(stax[fn](x), stax[layer].apply(params, x), 0, 0, layer)
    end
  end)

  it('softmax and its kin work along any axis, at large numbers too', function()
    local x = np.array({ { 1000, 1001, 1002 }, { -1000, -1001, -1002 } }, 'f64')
    local a, b, c = 0.0900305731703805, 0.2447284710547977, 0.6652409557748219
    near({ a, b, c, c, b, a }, stax.softmax(x), 1e-14, 0, 'last axis')
    near({ math.log(a), math.log(b), math.log(c) }, stax.log_softmax(x)[1], 1e-13, 0, 'logarithm')
    near({ 1, 1, 1, 0, 0, 0 }, stax.softmax(x, 1), 1e-14, 0, 'first axis')
    near({ 1002 - math.log(c), -1000 - math.log(c) }, stax.logsumexp(x, -1), 1e-14, 0, 'logsumexp')
    local gate = 1 / (1 + math.exp(-3))
    near({ gate, 2 * gate }, stax.glu(np.array({ 1, 2, 3, 3 }, 'f64')), 1e-14, 0, 'glu')
    assert.matches('glu: axis 1 of %(3%) has no halves$', message(function()
      stax.glu(np.zeros { 3 })
    end))
    assert.matches('stax%.softmax: no axis 3, there are 2$', message(function()
      stax.softmax(x, 3)
    end))
  end)

  it('along the last axis it is one operator, for lines of any length', function()
    local over = { axis = -1, keepdims = true }
    for _, n in ipairs { 1, 3, 16, 17, 63, 64, 65, 130, 1000, 4097, 9000 } do
      for dtype, error in pairs { f32 = 2e-6, f64 = 1e-14 } do
        local x = 3 * random.normal(random.PRNGKey(n), { 3, n }):astype(dtype)
        local e = np.exp(x - np.max(x, over))
        local d = x - np.mean(x, over)
        local soft, name = e / np.sum(e, over), n .. ' ' .. dtype
        near(soft, stax.softmax(x), 0, error, name)
        near(np.log(soft), stax.log_softmax(x), error, error, name)
        near(d / np.sqrt(np.mean(d * d, over) + 1e-3), stax.standardize(x, { epsilon = 1e-3 }),
          0, 2 * error, name)
      end
    end
  end)

  it('results that go past the caches are those of the lines', function()
    local x = random.normal(random.PRNGKey(1), { 4096, 2048 }) -- 2^25 bytes
    for _, fn in ipairs { stax.softmax, stax.log_softmax, stax.standardize } do
      local all = fn(x)
      for _, i in ipairs { 1, 2, 1500, 4096 } do near(fn(x[i]), all[i], 0, 0, i) end
    end
  end)

  it('NaN and infinities of a line stay in it', function()
    local inf, nan = math.huge, 0 / 0
    local x = np.array { { 1, nan, 2 }, { 1, -inf, 2 }, { -inf, -inf, -inf }, { 1, 2, 3 } }
    local soft, logs = stax.softmax(x), stax.log_softmax(x)
    for i, counts in ipairs { 0, 3, 0, 3 } do
      assert.equal(counts, np.sum(np.equal(soft[i], soft[i]):astype 'f32'):item())
      assert.equal(counts, np.sum(np.equal(logs[i], logs[i]):astype 'f32'):item())
    end
    assert.equal(-inf, logs[{ 2, 2 }]:item())
  end)

  it('standardize takes any axes', function()
    local x = np.array { { 1, 2 }, { 3, 6 } }
    near({ -1, -1, 1, 1 }, stax.standardize(x, { axis = 1, epsilon = 0 }), 1e-6, 0, 'first')
    near(np.reshape(stax.standardize(np.ravel(x)), { 2, 2 }),
      stax.standardize(x, { axis = { 1, 2 } }), 1e-6, 0, 'both')
  end)
end)

-- ---- initialisers ----

describe('initialisers give the numbers of JAX', function()
  for i, case in ipairs(dofile 'tests/golden/stax/initializers.lua') do
    it(('%s, case %d'):format(case[1], i), function()
      local fn = stax[case[1]]
      if case[1] ~= 'zeros' and case[1] ~= 'ones' then fn = fn(case.arg) end
      local w = fn(np.array(case.key, 'u32'), case.shape)
      near(case.y, w, 4e-7, 0, case[1])
      assert.same(case.shape, w.shape)
      assert.equal('f32', w.dtype)
      assert.equal('f64', fn(np.array(case.key, 'u32'), case.shape, 'f64').dtype)
    end)
  end

  for i, case in ipairs(dofile 'tests/golden/stax/weights.lua') do
    it(('%s of (%s), weights %d'):format(case[1], table.concat(case.shape, ', '), i), function()
      local fn = setfenv(loadstring('return ' .. case[1]), stax)()
      local w = fn(np.array(case.key, 'u32'), case.shape)
      near(case.y, w, case.rtol, case.atol, case[1])
      assert.same(case.shape, w.shape)
      assert.equal('f64', fn(np.array(case.key, 'u32'), case.shape, 'f64').dtype)
    end)
  end

  it('fans of several axes, their geometric mean, weights side by side', function()
    local key, shape = random.PRNGKey(2), { 5, 3, 4, 6 }
    local function size(...) return (stax.variance_scaling(...)(key, shape) ^ 2):mean():item() end
    -- n is 12 inputs, 30 outputs
    local base = size(1, 'fan_in', 'uniform', { 2, 3 }, { 1, 4 })
    assert.is.near(12 / 30 * base, size(1, 'fan_out', 'uniform', { 2, 3 }, { 1, 4 }), 1e-6)
    assert.is.near(12 / math.sqrt(360) * base,
      size(1, 'fan_geo_avg', 'uniform', { 2, 3 }, { 1, 4 }), 1e-6)
    -- n is 4 inputs times 3, for each of 5
    assert.is.near(base, size(1, 'fan_in', 'uniform', -2, -1, 1), 1e-6)
    local w = stax.delta_orthogonal(2)(key, { 4, 5, 2, 3 })
    local middle = w[{ 2, 3 }] -- (k - 1) div 2, counted from 1
    near(4 * np.eye(2), np.matmul(middle, middle:transpose()), 1e-5, 1e-5, 'rows of norm 2')
    assert.is.near((w * w):sum():item(), (middle * middle):sum():item(), 0)
    assert.same({ 0, 3 }, stax.orthogonal()(key, { 0, 3 }).shape)
  end)

  it('orders of size: fans of weights with more axes', function()
    local w = stax.he_uniform()(random.PRNGKey(1), { 3, 3, 20, 30 })
    local bound = math.sqrt(3 * 2 / (9 * 20)) -- n = 9 x 20 inputs
    assert.is_true(w:max():item() <= bound and w:max():item() > 0.99 * bound)
    near({ 0.5, 0.5 }, stax.constant(0.5)(nil, { 2 }), 0, 0, 'constant')
  end)

  it('say what they do not know', function()
    for what, fn in pairs {
      ['stax%.variance_scaling: no mode "fan_imn"; did you mean "fan_in"%?$'] = function()
        stax.variance_scaling(1, 'fan_imn', 'normal')
      end,
      ['stax%.orthogonal: needs at least two axes, got %(4%)$'] = function()
        stax.orthogonal()(random.PRNGKey(0), { 4 })
      end,
      ['stax%.delta_orthogonal: needs 3 to 5 axes, .*; got %(3, 4, 2%)$'] = function()
        stax.delta_orthogonal()(random.PRNGKey(0), { 3, 4, 2 })
      end,
      ['stax%.variance_scaling: no distribution "cauchy"$'] = function()
        stax.variance_scaling(1, 'fan_in', 'cauchy')
      end,
      ['stax: initial weights need two axes, got %(4%)$'] = function()
        stax.glorot_normal()(random.PRNGKey(0), { 4 })
      end,
    } do
      assert.matches(what, message(fn))
    end
  end)
end)

-- ---- networks and users' layers ----

describe('a layer of the user', function()
  local key = random.PRNGKey(4)
  local Scale = { -- by position
    function(k, shape) return shape, { random.normal(k, shape) } end,
    function(params, x) return x * params[1] end,
  }
  local Bias = { -- by name, with a tree of named weights
    init = function(_, shape) return shape, { shift = np.full(shape, 0.5) } end,
    apply = function(params, x) return x + params.shift end,
  }

  it('is used like any other, by position or name', function()
    local net = stax.serial(stax.Dense(3), Scale, Bias, stax.Relu)
    local shape, params = net.init(key, { 5 })
    assert.same({ 3 }, shape)
    assert.equal('{{*, *}, {*}, {shift = *}, {}}', tree.structure(params))
    local x = random.normal(random.PRNGKey(8), { 5 })
    local W, b = unpack(params[1])
    local expected = np.maximum((np.dot(x, W) + b) * params[2][1] + 0.5, 0)
    near(expected, net.apply(params, x), 1e-6, 1e-7, 'one example')
    local slopes = imnn.grad(function(w) return net.apply(w, x):sum() end)(params)
    assert.equal(tree.structure(params), tree.structure(slopes))
    local many = random.normal(random.PRNGKey(9), { 4, 5 })
    local mapped = imnn.jit(imnn.vmap(function(v) return net.apply(params, v) end))(many)
    for i = 1, 4 do near(net.apply(params, many[i]), mapped[i], 1e-6, 1e-6, 'example ' .. i) end
  end)

  it('gets a key of its own if there is one', function()
    local Noise = {
      init = function(_, shape) return shape, {} end,
      apply = function(_, x, opts) return x + random.normal(opts.rng, x.shape) end,
    }
    local x = np.zeros { 3 }
    local two = stax.serial(Noise, Noise)
    local keys = random.split(key, 2)
    near(random.normal(keys[1], { 3 }) + random.normal(keys[2], { 3 }),
      two.apply({ {}, {} }, x, { rng = key }), 1e-6, 1e-6, 'serial')
    near(two.apply({ {}, {} }, x, { rng = key }), two.apply({ {}, {} }, x, { key = key }), 0, 0,
      'key is rng')
    local side = stax.parallel(Noise, Noise).apply({ {}, {} }, { x, x }, { rng = key })
    near(random.normal(keys[2], { 3 }), side[2], 0, 0, 'parallel')
  end)

  it('elementwise makes one from a function', function()
    local Power = stax.elementwise(function(x, a, b) return x ^ a + b end, 2, 1)
    near({ 5, 10 }, Power.apply({}, np.array { 2, 3 }), 1e-6, 0, 'x^2 + 1')
  end)
end)

describe('shapes', function()
  local key = random.PRNGKey(0)
  it('Flatten makes one axis of an example', function()
    local shape = stax.Flatten.init(key, { 3, 4, 5 })
    assert.same({ 60 }, shape)
    local x = random.normal(key, { 3, 4, 5 })
    near(x, stax.Flatten.apply({}, x), 0, 0, 'Flatten')
    assert.same({ 60 }, stax.Flatten.apply({}, x).shape)
  end)

  it('Dense works along the last axis', function()
    local layer = stax.Dense(6)
    local shape, params = layer.init(key, { 4, 5 })
    assert.same({ 4, 6 }, shape)
    local x = random.normal(key, { 2, 4, 5 })
    local y = layer.apply(params, x)
    assert.same({ 2, 4, 6 }, y.shape)
    near(layer.apply(params, x[2][3]), y[2][3], 1e-6, 1e-6, 'a row')
  end)

  it('FanInConcat joins along any axis', function()
    local layer = stax.FanInConcat(1)
    assert.same({ 3, 3 }, (layer.init(key, { { 2, 3 }, { 1, 3 } })))
    assert.same({ 3, 3 }, layer.apply({}, { np.zeros { 2, 3 }, np.ones { 1, 3 } }).shape)
  end)
end)

-- ---- series and sets ----

describe('GRU', function()
  local key = random.PRNGKey(11)

  it('goes through a series step by step', function()
    local T, n, width = 6, 3, 4
    local shape, params = stax.GRU(width).init(key, { T, n })
    assert.same({ T, width }, shape)
    assert.equal('{*, *, *, *}', tree.structure(params))
    for i = 3, 4 do params[i] = params[i] + 0.3 * random.normal(key, params[i].shape) end
    local x = random.normal(random.PRNGKey(12), { T, n })
    local W, U, b, c = params[1]:totable(), params[2]:totable(), params[3]:totable(),
      params[4]:totable()
    local h, all = { 0, 0, 0, 0 }, {}
    local function line(matrix, v, column)
      local sum = 0
      for i = 1, #v do sum = sum + v[i] * matrix[i][column] end
      return sum
    end
    local function gate(t) return 1 / (1 + math.exp(-t)) end
    for t = 1, T do
      local v, new = x[t]:totable(), {}
      for k = 1, width do
        local r = gate(line(W, v, k) + b[k] + line(U, h, k))
        local z = gate(line(W, v, width + k) + b[width + k] + line(U, h, width + k))
        local p = math.tanh(line(W, v, 2 * width + k) + b[2 * width + k]
          + r * (line(U, h, 2 * width + k) + c[k]))
        new[k] = z * h[k] + (1 - z) * p
      end
      h, all[t] = new, new
    end
    near(all, stax.GRU(width).apply(params, x), 1e-5, 1e-6, 'all steps')
    near(h, stax.GRU(width, { last = true }).apply(params, x), 1e-5, 1e-6, 'the last step')
    assert.same({ width }, (stax.GRU(width, { last = true }).init(key, { T, n })))
    local back = x[{ { T, 1, -1 } }]
    near(stax.GRU(width).apply(params, back)[{ { T, 1, -1 } }],
      stax.GRU(width, { reverse = true }).apply(params, x), 1e-6, 1e-6, 'backwards')
  end)

  it('U is orthogonal for each gate; the layer maps and has slopes', function()
    local net = stax.serial(stax.GRU(5, { last = true }), stax.Dense(2))
    local _, params = net.init(key, { 8, 3 })
    local U = params[1][2]
    for k = 0, 2 do
      local u = U[{ {}, { 5 * k + 1, 5 * k + 5 } }]
      near(np.eye(5), np.matmul(u:transpose(), u), 1e-5, 1e-5, 'gate ' .. k)
    end
    local many = random.normal(key, { 4, 8, 3 })
    local mapped = imnn.jit(imnn.vmap(function(x) return net.apply(params, x) end))(many)
    for i = 1, 4 do near(net.apply(params, many[i]), mapped[i], 1e-5, 1e-6, 'series ' .. i) end
    local slopes = imnn.grad(function(w) return (net.apply(w, many[1]) ^ 2):sum() end)(params)
    assert.equal(tree.structure(params), tree.structure(slopes))
    for _, g in ipairs(tree.leaves(slopes)) do assert.is_true(np.abs(g):max():item() > 0) end
  end)
end)

describe('layers of sets', function()
  local key = random.PRNGKey(13)
  local x = random.normal(random.PRNGKey(14), { 5, 3 })
  local other = np.take(x, np.array({ 3, 1, 5, 2, 4 }, 'i32'), 1)

  it('DeepSet: rho of the pooled phi, whatever the order', function()
    local phi = stax.serial(stax.Dense(4), stax.Tanh)
    for pool, fn in pairs { mean = np.mean, sum = np.sum, max = np.max, min = np.min } do
      local net = stax.DeepSet(phi, stax.Dense(2), { pool = pool })
      local shape, params = net.init(key, { 5, 3 })
      assert.same({ 2 }, shape)
      local pooled = fn(phi.apply(params[1], x), { axis = 1 })
      near(stax.Dense(2).apply(params[2], pooled), net.apply(params, x), 1e-6, 1e-6, pool)
      near(net.apply(params, x), net.apply(params, other), 1e-5, 1e-6, pool .. ' in another order')
    end
    assert.same({ 4 }, (stax.DeepSet(phi).init(key, { 5, 3 })))
  end)

  it('DeepSet gives every element and rho keys of their own', function()
    local Noise = {
      function(_, shape) return shape, {} end,
      function(_, v, opts) return v + random.normal(opts.rng, v.shape) end,
    }
    local rng, zeros = random.PRNGKey(15), np.zeros { 5, 3 }
    local keys = random.split(rng)
    local phi = imnn.vmap(function(k) return random.normal(k, { 3 }) end)(
      random.split(keys[1], 5))
    local y = stax.DeepSet(Noise, Noise).apply({ {}, {} }, zeros, { rng = rng })
    near(phi:mean { axis = 1 } + random.normal(keys[2], { 3 }), y, 1e-6, 1e-6, 'keys')
  end)

  it('attention is a mean of values, weighted by queries and keys', function()
    local net = stax.MultiHeadAttention(2, { width = 6 })
    local shape, params = net.init(key, { 5, 3 })
    assert.same({ 5, 6 }, shape)
    for i = 2, 8, 2 do params[i] = 0.1 * random.normal(key, params[i].shape) end
    local function of(k) return (np.dot(x, params[2 * k - 1]) + params[2 * k]):totable() end
    local q, k, v = of(1), of(2), of(3)
    local z = {}
    for i = 1, 5 do
      z[i] = {}
      for head = 0, 1 do
        local weight, all = {}, 0
        for j = 1, 5 do
          local dot = 0
          for c = 3 * head + 1, 3 * head + 3 do dot = dot + q[i][c] * k[j][c] end
          weight[j] = math.exp(dot / math.sqrt(3))
          all = all + weight[j]
        end
        for c = 3 * head + 1, 3 * head + 3 do
          local sum = 0
          for j = 1, 5 do sum = sum + weight[j] / all * v[j][c] end
          z[i][c] = sum
        end
      end
    end
    local expected = np.dot(np.array(z), params[7]) + params[8]
    near(expected, net.apply(params, x), 1e-5, 1e-6, 'by hand')
    near(np.take(net.apply(params, x), np.array({ 3, 1, 5, 2, 4 }, 'i32'), 1),
      net.apply(params, other), 1e-5, 1e-6, 'in another order')
  end)

  it('attention takes keys and values from another set', function()
    local net = stax.MultiHeadAttention(1, { width = 4, size = 3 })
    local y = random.normal(key, { 7, 2 })
    local shape, params = net.init(key, { { 5, 3 }, { 7, 2 } })
    assert.same({ 5, 4 }, shape)
    local got = net.apply(params, { x, y })
    assert.same({ 5, 4 }, got.shape)
    near(net.apply(params, { x[{ { 2, 2 } }], y }), got[{ { 2, 2 } }], 1e-5, 1e-6, 'one query')
    local mapped = imnn.vmap(function(a) return net.apply(params, { a, y }) end)(np.stack { x, x })
    near(got, mapped[2], 1e-5, 1e-6, 'mapped')
  end)
end)

describe('summary', function()
  it('prints layers, shapes and numbers of weights', function()
    local User = { init = function(_, shape) return shape, { np.zeros(shape) } end,
      apply = function(params, x) return x + params[1] end, name = 'Shift' }
    local net = stax.serial(stax.Conv(4, { 3, 3 }), stax.Relu, stax.residual(stax.LayerNorm()),
      stax.Flatten, stax.shape_dependent(function(shape) return stax.Dense(shape[1] / 2) end), User)
    local printed, before = {}, _G.print
    _G.print = function(text) printed[#printed + 1] = text end
    local ok, n = pcall(stax.summary, net, { 4, 4, 1 })
    _G.print = before
    assert.is_true(ok, n)
    assert.equal(40 + 8 + 136 + 8, n)
    assert.same({
      'layer              output                 weights',
      'serial',
      '  Conv(4, 3x3)     (2, 2, 4)                   40',
      '  Relu             (2, 2, 4)                    0',
      '  serial',
      '    FanOut(2)      (2, 2, 4) (2, 2, 4)          0',
      '    parallel',
      '      LayerNorm    (2, 2, 4)                    8',
      '      Identity     (2, 2, 4)                    0',
      '    FanInSum       (2, 2, 4)                    0',
      '  Flatten          (16)                         0',
      '  shape_dependent',
      '    Dense(8)       (8)                        136',
      '  Shift            (8)                          8',
      'input (4, 4, 1)                               192',
    }, printed)
  end)

  it('every layer of the library has a name', function()
    for name, layer in pairs(stax) do
      if type(layer) == 'table' and type(layer.init) == 'function' then
        assert.equal(name, layer.name == 'Silu' and name or layer.name)
      end
    end
    for title, layer in pairs {
      ['ConvTranspose(2, 3x3)'] = stax.ConvTranspose(2, { 3, 3 }), ['Conv(2, 5)'] = stax.Conv1D(2,
        { 5 }), ['MaxPool(2x2)'] = stax.MaxPool { 2, 2 }, ['BatchNorm(1x2x3)'] = stax.BatchNorm(),
      ['GroupNorm(2)'] = stax.GroupNorm(2), ['Dropout(0.5)'] = stax.Dropout(0.5),
      ['GRU(3)'] = stax.GRU(3), ['MultiHeadAttention(2)'] = stax.MultiHeadAttention(2),
      ['DeepSet(max)'] = stax.DeepSet(stax.Relu, nil, { pool = 'max' }),
      ['FanInConcat(-1)'] = stax.FanInConcat(), ['Dense(3)'] = stax.Dense(3),
    } do assert.equal(title, layer.name) end
  end)
end)

describe('errors of layers', function()
  local key = random.PRNGKey(0)
  local Dense = stax.Dense
  for what, fn in pairs {
    ['stax%.Dense: the width must be a positive integer, got 2%.5$'] = function() Dense(2.5) end,
    ['stax%.Dense: the width must be a positive integer, got nil$'] = function() Dense() end,
    ['stax%.Dense: unknown option "w_init"; did you mean "W_init"%?$'] = function()
      Dense(2, { w_init = stax.zeros })
    end,
    ['stax%.Dense: option "W_init" must be function, got 0%.1$'] = function()
      Dense(2, { W_init = 0.1 })
    end,
    ['stax%.Dense: the input needs at least one axis$'] = function() Dense(2).init(key, {}) end,
    ['stax%.Dense: dense: weights %(4, 2%) and bias %(2%) do not fit inputs %(3%)$'] = function()
      local _, params = Dense(2).init(key, { 4 })
      Dense(2).apply(params, np.zeros { 3 })
    end,
    ['stax%.serial: layer 2: a layer is { init, apply }, got function$'] = function()
      stax.serial(Dense(2), np.tanh)
    end,
    ['stax%.serial: layer 1: a layer is { init, apply }; apply is no function$'] = function()
      stax.serial { init = function() end }
    end,
    ['stax%.parallel: the input is a list of Arrays %(FanOut makes one%), got Array$'] = function()
      stax.parallel(stax.Relu, stax.Tanh).apply({ {}, {} }, np.zeros { 2 })
    end,
    ['stax%.parallel: 2 layers need a list of as many inputs %(FanOut makes one%)$'] = function()
      stax.parallel(stax.Relu, stax.Tanh).apply({ {}, {} }, { np.zeros { 2 } })
    end,
    ['stax%.Dense: init takes a key and a shape, like { 3, 4 }, got 3$'] = function()
      Dense(2).init(key, 3)
    end,
    ['stax%.Dense: params are a list of 2, as init gives them; there is no number 1$'] = function()
      Dense(2).apply({}, np.zeros { 3 })
    end,
    ['stax%.relu: needs an Array, got string$'] = function() stax.relu 'x' end,
    ['stax%.GRU: the input is a series %(T, n%), got %(3%)$'] = function()
      stax.GRU(2).init(key, { 3 })
    end,
    ['stax%.DeepSet: pool is "max" or .* or "sum", got "men"; did you mean "mean"%?$'] = function()
      stax.DeepSet(stax.Relu, nil, { pool = 'men' })
    end,
    ['stax%.DeepSet: phi: a layer is { init, apply }, got nil$'] = function() stax.DeepSet() end,
    ['stax%.MultiHeadAttention: 2 heads do not divide the width 3; give the size of a head$'] =
      function() stax.MultiHeadAttention(2).init(key, { 5, 3 }) end,
    ['stax%.MultiHeadAttention: the input is a set %(n, features%), got %(3%)$'] = function()
      stax.MultiHeadAttention(1).init(key, { 3 })
    end,
    ['stax%.summary: needs the shape of the input, got a nil$'] = function()
      stax.summary(stax.Relu)
    end,
    ['stax%.FanInConcat: no axis 3, there are 1$'] = function()
      stax.FanInConcat(3).init(key, { { 2 }, { 3 } })
    end,
  } do
    it(what:gsub('%%', ''), function()
      local text = message(fn)
      assert.matches(what, text)
      assert.matches('^tests/lua/stax_spec%.lua:%d+: ', text)
    end)
  end
end)
