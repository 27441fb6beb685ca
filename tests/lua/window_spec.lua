--- Convolutions, windows and the layers made of them: those of JAX (tests/golden/stax), sums by
-- hand, sentences.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, lax, random, stax, tree = imnn.np, imnn.lax, imnn.random, imnn.stax, imnn.tree

-- ---- layers of JAX ----

local HWC = { 'NHWC', 'HWIO', 'NHWC' }
local NHC, NDHWC = { 'NHC', 'HIO', 'NHC' }, { 'NDHWC', 'DHWIO', 'NDHWC' }
local keep = stax.Dropout
local layers = {
  Conv1DTranspose_1 = stax.Conv1DTranspose(3, { 3 }),
  Conv1DTranspose_2 = stax.Conv1DTranspose(3, { 3 }, { 2 }, 'SAME'),
  Conv1DTranspose_3 = stax.Conv1DTranspose(3, { 2 }, { strides = { 3 } }),
  Conv1D_1 = stax.Conv1D(4, { 3 }), Conv1D_2 = stax.Conv1D(4, { 3 }, { 2 }, 'SAME'),
  Conv1D_3 = stax.GeneralConv(NHC, 4, { 2 }, { strides = { 3 }, padding = 'VALID' }),
  Conv3D = stax.GeneralConv(NDHWC, 2, { 2, 2, 2 }, { padding = 'SAME' }),
  ConvTranspose_1 = stax.ConvTranspose(3, { 3, 3 }),
  ConvTranspose_2 = stax.ConvTranspose(3, { 3, 3 }, nil, 'SAME'),
  ConvTranspose_3 = stax.ConvTranspose(3, { 3, 3 }, { 2, 2 }, 'SAME'),
  ConvTranspose_4 = stax.ConvTranspose(3, { 3, 3 }, { 2, 2 }),
  ConvTranspose_5 = stax.ConvTranspose(3, { 2, 3 }, { 2, 1 }, 'SAME'),
  ConvTranspose_6 = stax.GeneralConvTranspose(HWC, 3, { 1, 1 }),
  Conv_10 = stax.Conv(4, { 5, 5 }, { 4, 4 }, 'SAME'), Conv_1 = stax.Conv(4, { 3, 3 }),
  Conv_2 = stax.Conv(4, { 3, 3 }, { padding = 'SAME' }),
  Conv_3 = stax.Conv(4, { 3, 3 }, { 2, 2 }, 'SAME'), Conv_6 = stax.Conv(4, { 1, 1 }),
  Conv_7 = stax.Conv(4, { 5, 5 }, { 2, 3 }, 'SAME'), Conv_8 = stax.Conv(4, { 4, 2 }, { 3, 2 }),
  Conv_9 = stax.Conv(4, { 3, 3 }, { 1, 1 }, { { 2, 1 }, { 0, 3 } }),
  BatchNorm_dense = stax.BatchNorm { axis = 1 }, BatchNorm = stax.BatchNorm(),
  BatchNorm_eps = stax.BatchNorm { axis = { 1 }, epsilon = 0.1, beta_init = stax.normal(1),
    gamma_init = stax.normal(1) },
  BatchNorm_nchw = stax.BatchNorm { axis = { 1, 3, 4 } },
  BatchNorm_nocenter = stax.BatchNorm { center = false },
  BatchNorm_noscale = stax.BatchNorm { scale = false },
  BatchNorm_plain = stax.BatchNorm { center = false, scale = false },
  ['Dropout_test_0.5'] = keep(0.5, 'test'), ['Dropout_test_0.9'] = keep(0.9, 'test'),
  ['Dropout_train_0.5'] = keep(0.5), ['Dropout_train_0.9'] = keep(0.9, 'train'),
  parallel_dropout = stax.parallel(keep(0.5), keep(0.5)),
  serial_dropout = stax.serial(stax.Dense(8), keep(0.8), stax.Relu, keep(0.5), stax.Dense(2)),
  serial_inception = stax.serial(stax.FanOut(3), stax.parallel(stax.Conv(2, { 1, 1 }),
    stax.Conv(2, { 3, 3 }, { padding = 'SAME' }), stax.Conv(3, { 5, 5 }, { padding = 'SAME' })),
    stax.FanInConcat(), stax.Relu),
}
for _, name in ipairs { 'MaxPool', 'AvgPool', 'SumPool' } do
  local pool = stax[name]
  for case, layer in pairs {
    [1] = pool { 2, 2 }, [2] = pool({ 2, 2 }, { 2, 2 }), [3] = pool({ 3, 3 }, { 2, 2 }, 'SAME'),
    [4] = pool({ 2, 3 }, { strides = { 1, 2 }, padding = 'SAME' }), [5] = pool { 7, 8 },
    [6] = pool({ 1, 1 }, { 2, 3 }), ties = pool { 2, 2 },
    ['1d'] = pool({ 3 }, { strides = { 2 }, padding = 'SAME' }),
    nchw = pool({ 2, 3 }, { strides = { 2, 1 }, padding = 'SAME', spec = 'NCHW' }),
    whnc = pool({ 2, 3 }, { spec = 'WHNC' }),
  } do
    layers[name .. '_' .. case] = layer
  end
end

-- Datasets whose names begin so, in order: one alone, or "name.1", "name.2.1", ...
local function parts(case, name)
  if case:has(name) then return { case[name] } end
  local out = {}
  for _, key in ipairs(case:keys()) do
    if key:sub(1, #name + 1) == name .. '.' then out[#out + 1] = case[key] end
  end
  return out
end

local function alone(list) return #list == 1 and list[1] or list end

local function agree(case, name, got, rtol, atol)
  local expected, set = parts(case, name), case:attributes()
  local leaves = tree.leaves(got)
  assert.equal(#expected, #leaves, name)
  for i, want in ipairs(expected) do
    local why = golden.difference({ y = want:values(), rtol = rtol or set.rtol,
      atol = atol or set.atol }, leaves[i])
    assert.is_nil(why, why and ('%s %d: %s'):format(name, i, why))
  end
end

-- The shape of one example, where N is this axis.
local function without(shape, axis)
  local out = shape:totable()
  table.remove(out, axis)
  return out
end

describe('layers give the numbers of JAX', function()
  local file = imnn.data.hdf5.open 'tests/golden/stax/windows_f64.h5'
  for _, group in ipairs(file:keys()) do
    local name = group:gsub('_seed0/', '')
    it(name, function()
      local case, layer = file[group:gsub('/', '')], assert(layers[name], name)
      local axis = name:find 'whnc' and 3 or 1
      local shapes = parts(case, 'in.input_shape')
      for i, s in ipairs(shapes) do shapes[i] = without(s, axis) end
      local shape, initial = layer.init(case['in.key'], alone(shapes))
      if case:has 'out.shape' then assert.same(without(case['out.shape'], axis), shape) end
      agree(case, 'out.params', initial, 4e-7, 1e-9)
      -- Weights have no N either: the same numbers.
      local function like(values)
        local leaves = tree.leaves(initial)
        for i, v in ipairs(values) do values[i] = np.reshape(v, leaves[i].shape) end
        return tree.unflatten(initial, values)
      end
      local params, steps = like(parts(case, 'out.params')), like(parts(case, 'in.t_params'))
      local x, t_x = alone(parts(case, 'in.x')), alone(parts(case, 'in.t_x'))
      local rng = case:has 'in.rng' and case['in.rng'] or nil
      local apply = function(p, v) return layer.apply(p, v, { rng = rng }) end
      if not rng and not name:find 'BatchNorm' then
        apply = imnn.vmap(apply, { in_axes = { false, axis }, out_axes = axis })
      end
      agree(case, 'out.y', apply(params, x))
      local _, pull = imnn.vjp(apply, params, x)
      local d_params, d_x = pull(alone(parts(case, 'in.ct')))
      agree(case, 'out.ct_x', d_x)
      agree(case, 'out.ct_params', d_params)
      agree(case, 'out.dy', (select(2, imnn.jvp(apply, { params, x }, { steps, t_x }))))
    end)
  end
end)

-- ---- sums by hand ----

local function draw(seed, shape) return random.normal(random.PRNGKey(seed), shape):astype 'f64' end

local function near(a, b, most)
  assert.equal(table.concat(a.shape, ' '), table.concat(b.shape, ' '))
  local off = np.max(np.abs(a - b)):item()
  assert.is_true(off <= (most or 1e-12), ('off by %g'):format(off))
end

-- One output of a convolution of x (H, W, C) with w (h, w, C, O), as its definition says.
local function by_hand(x, w, o)
  local X, W = x:totable(), w:totable()
  local n, m, out = #X, #X[1], {}
  local s, p, b, d = o.window_strides, o.padding, o.lhs_dilation, o.rhs_dilation
  local groups, O = o.feature_group_count or 1, #W[1][1][1]
  local function places(size, k, i)
    return math.floor(((size - 1) * b[i] + 1 + p[i][1] + p[i][2] - (k - 1) * d[i] - 1) / s[i]) + 1
  end
  local function at(i, j, c)
    if i % b[1] ~= 0 or j % b[2] ~= 0 then return 0 end
    i, j = i / b[1], j / b[2]
    return i >= 0 and i < n and j >= 0 and j < m and X[i + 1][j + 1][c] or 0
  end
  for i = 1, places(n, #W, 1) do
    out[i] = {}
    for j = 1, places(m, #W[1], 2) do
      out[i][j] = {}
      for k = 1, O do
        local first, sum = math.floor((k - 1) / (O / groups)) * #W[1][1], 0
        for u = 1, #W do
          for v = 1, #W[1] do
            for c = 1, #W[1][1] do
              sum = sum + W[u][v][c][k] * at((i - 1) * s[1] + (u - 1) * d[1] - p[1][1],
                (j - 1) * s[2] + (v - 1) * d[2] - p[2][1], first + c)
            end
          end
        end
        out[i][j][k] = sum
      end
    end
  end
  return np.array(out, 'f64')
end

describe('conv_general_dilated', function()
  local settings = {
    { window_strides = { 1, 1 }, padding = { { 0, 0 }, { 0, 0 } } },
    { window_strides = { 2, 3 }, padding = { { 1, 2 }, { 3, 0 } } },
    { window_strides = { 1, 2 }, padding = { { 1, 1 }, { -1, 2 } }, lhs_dilation = { 2, 3 } },
    { window_strides = { 2, 1 }, padding = { { 0, 1 }, { 2, 2 } }, rhs_dilation = { 2, 3 } },
    { window_strides = { 3, 2 }, padding = { { 4, 1 }, { 0, 2 } }, lhs_dilation = { 2, 1 },
      rhs_dilation = { 1, 2 } },
  }
  for i, o in ipairs(settings) do
    o.lhs_dilation, o.rhs_dilation = o.lhs_dilation or { 1, 1 }, o.rhs_dilation or { 1, 1 }
    for _, groups in ipairs { 1, 2, 4 } do
      it(('is the sum of its definition: setting %d in %d groups'):format(i, groups), function()
        local x, w = draw(i, { 7, 9, 4 }), draw(i + 9, { 3, 2, 4 / groups, 8 })
        o.feature_group_count, o.dimension_numbers = groups, { 'HWC', 'HWIO', 'HWC' }
        local want = by_hand(x, w, o)
        near(want, lax.conv_general_dilated(x, w, o))
        -- The same in another layout, of several examples.
        o.dimension_numbers = { 'NCHW', 'OIHW', 'CWNH' }
        local y = lax.conv_general_dilated(np.transpose(np.stack { x, 2 * x }, { 1, 4, 2, 3 }),
          np.transpose(w, { 4, 3, 1, 2 }), o)
        near(want, np.transpose(y[{ {}, {}, 1, {} }], { 3, 2, 1 }))
        near(2 * want, np.transpose(y[{ {}, {}, 2, {} }], { 3, 2, 1 }))
      end)
    end
  end

  it('takes examples with weights of their own, and many places at once', function()
    local x, w = draw(1, { 5, 40, 37, 3 }), draw(2, { 5, 3, 3, 3, 6 })
    local function f(a, b)
      return lax.conv_general_dilated(a, b, { padding = 'SAME',
        dimension_numbers = { 'HWC', 'HWIO', 'HWC' } })
    end
    local y = imnn.vmap(f)(x, w)
    near(f(x[2], w[2]), y[2])
    near(f(x[5], w[1]), imnn.vmap(f, { in_axes = { 1, false } })(x, w[1])[5])
    near(f(x[1], w[3]), imnn.vmap(f, { in_axes = { false, 1 } })(x[1], w)[3])
    local o = { window_strides = { 1, 1 }, padding = { { 1, 1 }, { 1, 1 } },
      lhs_dilation = { 1, 1 }, rhs_dilation = { 1, 1 } }
    near(by_hand(x[1], w[1], o), y[1])
    local function loss(b) return np.sum(imnn.vmap(f, { in_axes = { 1, false } })(x, b) ^ 2) end
    local total = 0
    for i = 1, 5 do
      total = total + imnn.grad(function(b) return np.sum(f(x[i], b) ^ 2) end)(w[1])
    end
    near(total, imnn.grad(loss)(w[1]), 1e-8)
  end)

  it('counts what it multiplies, without the zeros of a strided one turned around', function()
    local o = { dimension_numbers = HWC, padding = 'SAME', window_strides = { 2, 2 } }
    local f = imnn.jit(function(a, b) return lax.conv_general_dilated(a, b, o) end)
    local x, w = draw(1, { 10, 16, 16, 4 }), draw(2, { 3, 3, 4, 8 })
    local each = 2 * 10 * 8 * 8 * 9 * 4 * 8
    assert.equal(each, f:flops(x, w))
    local slopes = imnn.jit(function(a, b)
      local y, pull = imnn.vjp(f, a, b)
      return pull(y)
    end)
    assert.equal(3 * each, slopes:flops(x, w))
    assert.matches(('products and convolutions: %d FLOP a run\n'):format(each), f:text(x, w))
  end)

  it('turned around is its own derivative', function()
    local x, w = draw(3, { 6, 7, 2 }), draw(4, { 3, 2, 2, 5 })
    local numbers = { 'HWC', 'HWIO', 'HWC' }
    local y, pull = imnn.vjp(function(v)
      return lax.conv_general_dilated(v, w, { window_strides = { 3, 1 },
        dimension_numbers = numbers })
    end, x)
    local back = lax.conv_transpose(y, w, { 3, 1 }, 'VALID', { transpose_kernel = true,
      dimension_numbers = numbers })
    near(pull(y), back)
  end)

  it('has the names of jax.lax', function()
    local x, w = draw(5, { 2, 3, 6 }), draw(6, { 4, 3, 2 })
    local y = lax.conv(x, w, { 2 }, 'VALID')
    assert.same({ 2, 4, 3 }, y.shape)
    near(y, lax.conv_with_general_padding(x, w, { 2 }, { { 0, 0 } }, { rhs_dilation = { 1 } }))
    near(lax.conv_transpose(np.array({ { { 1 }, { 2 }, { 3 } } }, 'f64'),
      np.array({ { { 1 } }, { { 10 } }, { { 100 } } }, 'f64'), { 2 }, 'VALID'):ravel(),
      np.array({ 100, 10, 201, 20, 302, 30, 3 }, 'f64'))
    assert.equal('f32', lax.conv(np.ones({ 1, 1, 4 }, 'i32'), np.ones { 1, 1, 2 }, { 1 },
      'SAME').dtype)
  end)
end)

describe('reduce_window', function()
  local x = np.array({ { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } }, 'f64')

  local function is(expected, y) near(np.array(expected, y.dtype), y) end

  it('adds and compares', function()
    is({ { 12, 16, 9 }, { 24, 28, 15 }, { 15, 17, 9 } },
      lax.reduce_window(x, 0, 'add', { 2, 2 }, { padding = 'SAME' }))
    is({ { 1, 3, 3 }, { 5, 9, 9 }, { 11, 15, 15 } },
      lax.reduce_window(x, 0, 'add', { 2, 2 }, { padding = 'SAME_LOWER' })
        - np.array({ { 0, 0, 2 }, { 0, 3, 7 }, { 0, 9, 13 } }, 'f64'))
    is({ { 5, 6 }, { 8, 9 } }, lax.reduce_window(x, -math.huge, np.maximum, { 2, 2 }))
    is({ { 1, 2 }, { 4, 5 } }, lax.reduce_window(x, math.huge, 'min', { 2, 2 }))
    is({ { 7, 7 }, { 8, 9 } }, lax.reduce_window(x, 7, 'max', { 2, 2 }))
    is({ -1, 1, 2, -1 }, lax.reduce_window(np.array { 1, 2 }, -1, 'max', { 1 },
      { padding = { { 1, 1 } } }))
    is({ 4, 10 }, lax.reduce_window(np.array({ 1, 9, 3, 1, 7 }, 'i32'), 0, np.add, { 2 },
      { window_dilation = { 2 }, window_strides = { 2 } }))
    is({ 1, 1, 2, 2 }, lax.reduce_window(np.array { 1, 2 }, 0, 'add', { 2 },
      { base_dilation = { 2 }, padding = { { 1, 1 } } }))
    is(3, lax.reduce_window(np.array(3), 0, 'add', {}))
    local y = draw(1, { 3, 4, 2, 5 })
    near(np.sum(y, { axis = { 1, 4 }, keepdims = true }),
      lax.reduce_window(y, 0, 'add', { 3, 1, 1, 5 }))
    local first = np.array({ 1, 0 / 0, 3 }, 'f64')
    assert.is_true(np.isnan(lax.reduce_window(first, -math.huge, 'max', { 3 })[1]):item())
    for _, dtype in ipairs { 'i32', 'u32' } do -- as many as vectors and some more
      local whole = np.arange(0, 41):astype(dtype)
      is(np.arange(0, 40), lax.reduce_window(whole, math.huge, 'min', { 2 }))
      is(np.arange(1, 41), lax.reduce_window(whole, -math.huge, 'max', { 2 }))
    end
    local most = np.array({ -2147483648, 2147483647, 5 }, 'i32')
    is({ -2147483648, 5 }, lax.reduce_window(most, math.huge, 'min', { 2 }))
  end)

  it('is the same for few channels and many, near edges and apart from them', function()
    for channels = 1, 70, 23 do
      local v = draw(channels, { 13, 11, channels })
      for _, o in ipairs {
        { padding = 'SAME' }, { window_strides = { 2, 2, 1 } }, { window_dilation = { 1, 3, 1 } },
        { window_strides = { 1, 3, 1 }, padding = { { 1, 2 }, { 1, 0 }, { 0, 0 } } },
      } do
        local most = lax.reduce_window(v, -math.huge, 'max', { 3, 2, 1 }, o)
        local sum = lax.reduce_window(v, 0, 'add', { 3, 2, 1 }, o)
        for c = 1, channels, 11 do
          local one = v[{ {}, {}, { c, c } }]
          near(lax.reduce_window(one, -math.huge, 'max', { 3, 2, 1 }, o),
            most[{ {}, {}, { c, c } }], 0)
          near(lax.reduce_window(one, 0, 'add', { 3, 2, 1 }, o), sum[{ {}, {}, { c, c } }], 0)
          near(-lax.reduce_window(-one, math.huge, 'min', { 3, 2, 1 }, o),
            most[{ {}, {}, { c, c } }], 0)
        end
      end
    end
  end)

  it('gives the slope to the first of equal elements', function()
    local function largest(v) return np.sum(lax.reduce_window(v, -math.huge, 'max', { 2, 2 })) end
    is({ { 1, 1, 0 }, { 1, 1, 0 }, { 0, 0, 0 } }, imnn.grad(largest)(x * 0))
    is({ { 0, 0, 0 }, { 0, 1, 1 }, { 0, 1, 1 } }, imnn.grad(largest)(x))
    is({ { 0, 0, 0 }, { 0, 1, 2 }, { 0, 3, 4 } }, lax.select_and_scatter_add(x, 'max', { 2, 2 },
      np.array({ { 1, 2 }, { 3, 4 } }, 'f64')))
    is({ { 1, 2, 0 }, { 3, 4, 0 }, { 0, 0, 0 } }, lax.select_and_scatter_add(x, 'min', { 2, 2 },
      np.array({ { 1, 2 }, { 3, 4 } }, 'f64')))
  end)
end)

-- ---- other layers ----

describe('layers of windows', function()
  it('announce the shape that they give', function()
    local key = random.PRNGKey(1)
    local function check(layer, shape)
      local out, params = layer.init(key, shape)
      local y = layer.apply(params, random.normal(key, shape))
      assert.same(out, y.shape)
      local several = layer.apply(params, random.normal(key, { 2, 3, unpack(shape) }))
      assert.same({ 2, 3, unpack(out) }, several.shape)
    end
    for _, padding in ipairs { 'SAME', 'VALID' } do
      for _, strides in ipairs { { 1, 1 }, { 2, 1 }, { 2, 3 } } do
        for _, channels in ipairs { 2, 3 } do
          for _, filter in ipairs { { 1, 1 }, { 2, 3 } } do
            check(stax.Conv(channels, filter, strides, padding), { 10, 11, 1 })
            check(stax.ConvTranspose(channels, filter, strides, padding), { 5, 6, 2 })
            check(stax.GeneralConv({ 'NCHW', 'OIHW', 'NHWC' }, channels, filter, strides, padding),
              { 3, 10, 11 })
          end
        end
        for _, spec in ipairs { 'NHWC', 'NCHW', 'WHNC', 'WHCN' } do
          for _, pool in ipairs { 'MaxPool', 'AvgPool', 'SumPool' } do
            check(stax[pool]({ 2, 3 }, { strides = strides, padding = padding, spec = spec }),
              { 5, 6, 4 })
          end
        end
      end
    end
    check(stax.Conv1D(4, { 3 }, { dilation = { 2 } }), { 9, 2 })
    check(stax.Conv3D(4, { 3, 1, 2 }, { groups = 2 }), { 3, 4, 5, 2 })
  end)

  it('pool a layout like the same elements in another order', function()
    local x = draw(2, { 6, 5, 3 })
    local last = stax.AvgPool({ 2, 3 }, { padding = 'SAME' }).apply({}, x)
    local first = stax.AvgPool({ 2, 3 }, { padding = 'SAME', spec = 'NCHW' })
    near(last, np.transpose(first.apply({}, np.transpose(x, { 3, 1, 2 })), { 2, 3, 1 }))
    local grid = np.reshape(np.arange(9, nil, nil, 'f64') + 1, { 3, 3, 1 })
    near(np.array({ { 3, 4, 4.5 }, { 6, 7, 7.5 }, { 7.5, 8.5, 9 } }, 'f64'),
      stax.AvgPool({ 2, 2 }, { padding = 'SAME' }).apply({}, grid):reshape { 3, 3 })
    near(np.mean(x, { axis = { 1, 2 } }), stax.GlobalAvgPool.apply({}, x))
    near(np.max(x, { axis = { 1, 2 } }), stax.GlobalMaxPool.apply({}, x))
    assert.same({ 3 }, (stax.GlobalAvgPool.init(nil, x.shape)))
  end)

  it('initialise weights of any layout by their own axes', function()
    local key = random.PRNGKey(3)
    local _, w = stax.GeneralConv({ 'NCHW', 'OIHW', 'NCHW' }, 50, { 3, 5 }, {
      W_init = stax.he_uniform(2, 1) }).init(key, { 20, 9, 9 })
    assert.same({ 50, 20, 3, 5 }, w[1].shape)
    local bound = math.sqrt(3 * 2 / (20 * 15))
    local most = np.max(w[1]):item()
    assert.is_true(most <= bound and most > 0.99 * bound)
    local a = stax.glorot_normal()(key, { 3, 4 })
    near(a, stax.glorot_normal(1, 2)(key, { 3, 4 }), 0)
    local b = stax.glorot_normal(2, 1)(key, { 3, 4 })
    near(a, b, 3e-7) -- the mean of inputs and outputs is the same
  end)

  it('normalise', function()
    local z = stax.BatchNorm({ axis = 1 }).apply({ np.zeros {}, np.ones {} },
      np.array { 1, 2, 3, 4 })
    near(np.array { -1.3416354, -0.4472118, 0.4472118, 1.3416354 }, z, 1e-6)
    local x = draw(5, { 4, 3, 6 })
    local _, params = stax.LayerNorm().init(random.PRNGKey(0), { 4, 3, 6 })
    local y = stax.LayerNorm().apply(params, x)
    near(np.zeros({ 4, 3 }, 'f64'), np.mean(y, { axis = -1 }))
    near(np.ones({ 4, 3 }, 'f64'), np.mean(y * y, { axis = -1 }), 1e-4)
    local group = stax.GroupNorm(2, { epsilon = 0 })
    local _, scale = group.init(random.PRNGKey(0), { 4, 3, 6 })
    assert.same({ { 6 }, { 6 } }, { scale[1].shape, scale[2].shape })
    y = group.apply({ scale[1] + 1, scale[2] * 2 }, x)
    near(np.array(1, 'f64'), np.mean(y[{ {}, {}, { 1, 3 } }]))
    near(np.array(4, 'f64'), np.mean((y[{ {}, {}, { 4, 6 } }] - 1) ^ 2))
  end)

  it('drop nothing where that is not training', function()
    local x = np.ones { 50 }
    local net = stax.serial(keep(0.5), stax.Relu, keep(0.5))
    for _, opts in ipairs { { mode = 'test' }, { mode = 'test', rng = random.PRNGKey(1) } } do
      assert.same(x:totable(), net.apply({ {}, {}, {} }, x, opts):totable())
    end
    local train = { mode = 'train', rng = random.PRNGKey(1) }
    assert.is_true(net.apply({ {}, {}, {} }, x, train):max():item() > 1)
    assert.same(x:totable(), keep(0.5, 'test').apply({}, x, train):totable())
  end)

  it('are networks: a residual one of one example and of a batch', function()
    local net = stax.serial(stax.Conv(4, { 3, 3 }, { padding = 'SAME' }), stax.residual(
      stax.serial(stax.Relu, stax.Conv(4, { 3, 3 }, { padding = 'SAME' }))),
      stax.MaxPool({ 2, 2 }, { 2, 2 }), stax.Flatten, stax.Dense(3))
    local shape, params = net.init(random.PRNGKey(2), { 6, 6, 1 })
    assert.same({ 3 }, shape)
    local x = random.normal(random.PRNGKey(3), { 40, 6, 6, 1 })
    local all = imnn.jit(imnn.vmap(net.apply, { in_axes = { false, 1 } }))
    near(net.apply(params, x[7]), all(params, x)[7], 1e-6)
  end)
end)

-- ---- sentences ----

describe('a mistake is a sentence', function()
  local x, w = np.ones { 5, 6, 2 }, np.ones { 3, 3, 2, 4 }
  local numbers = { 'HWC', 'HWIO', 'HWC' }
  local function conv(o)
    o.dimension_numbers = o.dimension_numbers or numbers
    return function() lax.conv_general_dilated(x, w, o) end
  end
  for sentence, call in pairs {
    ["conv_general_dilated: padding is 'VALID', 'SAME', 'SAME_LOWER' or pairs, got EQUAL"] =
      conv { padding = 'EQUAL' },
    ['conv_general_dilated: padding has 1 pairs for 2 axes'] = conv { padding = { { 1, 1 } } },
    ['conv_general_dilated: window_strides has 1 numbers for 2 axes'] =
      conv { window_strides = { 1 } },
    ['conv_general_dilated: window_strides are whole numbers, at least 1, got 0'] =
      conv { window_strides = { 0, 1 } },
    ['conv_general_dilated: "HWW" has the letter W twice'] =
      conv { dimension_numbers = { 'HWW', 'HWIO', 'HWC' } },
    ['conv_general_dilated: "HWD" has no C'] =
      conv { dimension_numbers = { 'HWD', 'HWIO', 'HWC' } },
    ['conv_general_dilated: "HDC" has the spatial axis D, "HWIO" has not'] =
      conv { dimension_numbers = { 'HDC', 'HWIO', 'HWC' } },
    ['conv_general_dilated: "HWC" and "NHWC": N is in one of them only'] =
      conv { dimension_numbers = { 'HWC', 'HWIO', 'NHWC' } },
    ['conv_general_dilated: (5, 6, 2) and (3, 3, 2, 4) are not "NHWC" and "HWIO"'] =
      conv { dimension_numbers = { 'NHWC', 'HWIO', 'NHWC' } },
    ['conv_general_dilated: 2 channels of (5, 6, 2) in 2 groups do not feed the kernel '
      .. '(3, 3, 2, 4), which takes 2 and gives 4'] = conv { feature_group_count = 2 },
    ['conv_general_dilated: unknown option "window_stride"; did you mean "window_strides"?'] =
      conv { window_stride = { 1, 1 } },
    ["reduce_window: the computation is 'add', 'max' or 'min' (or np.add, ...), got mean"] =
      function() lax.reduce_window(x, 0, 'mean', { 1, 1, 1 }) end,
    ['reduce_window: window_dimensions has 2 numbers for 3 axes'] = function()
      lax.reduce_window(x, 0, 'add', { 1, 1 })
    end,
    ['reduce_window: the window moves over 4 axes, at most 3'] = function()
      lax.reduce_window(np.ones { 2, 2, 2, 2 }, 0, 'add', { 2, 2, 2, 2 })
    end,
    ['select_and_scatter_add: source (2) is not what windows of (4) give'] = function()
      lax.select_and_scatter_add(np.ones { 4 }, 'max', { 2 }, np.ones { 2 })
    end,
    ['stax.GeneralConv: filter_shape has 1 numbers for 2 spatial axes'] = function()
      stax.Conv(3, { 3 })
    end,
    ['stax.GeneralConv: the number of channels must be a positive integer, got 0'] = function()
      stax.Conv(0, { 3, 3 })
    end,
    ['stax.GeneralConv: an input (4, 4) is not "HWC"'] = function()
      stax.Conv(1, { 3, 3 }).init(random.PRNGKey(0), { 4, 4 })
    end,
    ['stax.GeneralConv: 3 and 4 channels are not in 2 groups'] = function()
      stax.Conv(4, { 3, 3 }, { groups = 2 }).init(random.PRNGKey(0), { 9, 9, 3 })
    end,
    ['stax.MaxPool: "NHW" is no layout of 2 spatial axes, N and C'] = function()
      stax.MaxPool({ 2, 2 }, { spec = 'NHW' })
    end,
    ['stax.Dropout: apply needs a key: apply(params, x, { rng = key })'] = function()
      keep(0.5).apply({}, x)
    end,
    ['stax.Dropout: rate, the probability of keeping, is above 0 and at most 1, got 0'] =
      function() keep(0) end,
    ['stax.GroupNorm: 3 channels are not in 2 groups'] = function()
      stax.GroupNorm(2).init(random.PRNGKey(0), { 4, 3 })
    end,
    ['stax.BatchNorm: needs a batch of examples, got one (4, 5, 2); its statistics over a batch '
      .. 'would make the summaries of one simulation depend on others'] = function()
      local layer = stax.BatchNorm()
      local _, params = layer.init(random.PRNGKey(0), { 4, 5, 2 })
      imnn.vmap(layer.apply, { in_axes = { false, 1 } })(params, np.ones { 3, 4, 5, 2 })
    end,
  } do
    it(sentence, function()
      local why = message(call)
      assert.equal(sentence, why:sub(-#sentence))
    end)
  end
end)
