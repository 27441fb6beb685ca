--- Options of functions of np that choose, weight and continue: numbers of NumPy 2.4.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np = imnn.np
local refuses = values.refuses 'tests/lua/numpy_options_spec.lua'
local nan, inf = 0 / 0, 1 / 0

local x = np.array({ { 1, 2, 3 }, { 4, 5, 6 } }, 'f64')
local some = np.array { { true, false, true }, { false, false, true } }

local function near(expected, y, dtype)
  assert.equal(dtype or 'f64', y.dtype)
  expected = np.array(expected, 'f64')
  assert.are.same(expected.shape, y.shape)
  assert.is_true(np.allclose(y, expected, { equal_nan = true, rtol = 1e-6 }), tostring(y))
end

describe('a reduction', function()
  local cases = { -- with where = some: of all elements, along axis 1
    sum = { 10, { 1, 0, 9 } }, prod = { 18, { 1, 1, 18 } }, mean = { 10 / 3, { 1, nan, 4.5 } },
    var = { 38 / 9, { 0, nan, 2.25 } }, std = { math.sqrt(38) / 3, { 0, nan, 1.5 } },
    logsumexp = { 6.054985235377147, { 1, -inf, 6.048587351573742 } },
  }
  for name, want in pairs(cases) do
    it('is of the elements that where chooses: ' .. name, function()
      near(want[1], np[name](x, { where = some }))
      near(want[2], np[name](x, { where = some, axis = 1 }))
      near({ want[2] }, imnn.jit(function(v, w)
        return np[name](v, { where = w, axis = 1, keepdims = true })
      end)(x, some))
      local bad = np.where(some, x, nan)
      near(want[2], np[name](bad, { where = some, axis = 1 }))
      if rawget(np, 'nan' .. name) then
        near(want[2], np['nan' .. name](bad, 1))
        near(np[name](x, { where = np.array { true, false, true }, axis = 2 }),
          np['nan' .. name](x, { where = { true, false, true }, axis = 2 }))
      end
      if name ~= 'logsumexp' then
        near(np[name](x:astype 'f32', { where = some }):totable(),
          np[name](x, { where = some, dtype = 'f32' }), 'f32')
      end
    end)
  end

  it('has the derivative of the elements that are chosen', function()
    near({ { -14 / 9, 0, -2 / 9 }, { 0, 0, 16 / 9 } },
      imnn.grad(function(v) return np.var(v, { where = some }) end)(x))
    near({ { 0, 0, 0 }, { 0, 0, 1 } },
      imnn.grad(function(v) return np.max(v, { where = some, initial = 5 }) end)(x))
  end)

  it('begins with a number', function()
    near(20, np.sum(x, { initial = -1 }))
    near({ 8, 20, 36 }, np.prod(x, { initial = 2, axis = 1 }))
    near({ 5, 5, 6 }, np.max(x, { initial = 5, axis = 1 }))
    near({ 1, 2, 2 }, x:min { initial = 2, axis = 1 })
    near({ 2, 6 }, np.max(x, { where = { true, true, false }, axis = 2, initial = -inf })
      + np.array({ 0, 1 }, 'f64'))
    near({ 7, 7 }, np.min(np.zeros({ 2, 0 }, 'f64'), { axis = 2, initial = 7 }))
    near(3, np.nanmax(np.array({ nan, nan }, 'f64'), { initial = 3 }))
    near(nan, np.nanmin(np.array({ nan, nan }, 'f64')))
    near(4, np.nanmax(x, { where = { { false, false, false }, { true, false, false } } }))
    near(3.5, np.sum(np.array({ 1, 2 }, 'i32'), { initial = 0.5 }), 'f32')
    near(4, np.sum(np.array { true, true }, { initial = 2 }), 'i32')
  end)

  it('has a dtype of its own', function()
    near(21, np.sum(x, { dtype = 'i32' }), 'i32')
    near(3, np.mean(x, { dtype = 'i32' }), 'i32')
    near({ 1, 2 }, np.cumsum(np.array { true, true }, { dtype = 'f64' }))
    near({ 3, 3 }, np.cumprod(np.array { 3, 1 }, { axis = 1, dtype = 'i32' }), 'i32')
    near(4, np.nansum(np.array({ 1, 3 }, 'i32')), 'i32')
  end)

  it('asks whether', function()
    local high = np.ge(x, 3)
    assert.are.same({ false, false, true }, np.any(high, { where = some, axis = 1 }):totable())
    assert.are.same({ false, true, true }, np.all(high, { where = some, axis = 1 }):totable())
    assert.are.same({ false, true }, np.stack { np.any(np.zeros { 0 }, { where = true }),
      np.all(np.zeros { 0 }, { where = true }) }:totable())
  end)

  it('refuses masks that do not fit', function()
    refuses('np.max: where may choose no element; give initial too',
      function() np.max(x, { where = some }) end)
    refuses('np.sum: where and the array do not broadcast, (2) and (2, 3)',
      function() np.sum(x, { where = { true, false } }) end)
    refuses('np.sum: where (2, 2, 3) does not broadcast to (2, 3)',
      function() np.sum(x, { where = np.ones { 2, 2, 3 } }) end)
    refuses('np.prod: initial is one number, got an Array (2, 3)',
      function() np.prod(x, { initial = x }) end)
    refuses('np.ptp: unknown option "initial"',
      function() np.ptp(x, { initial = 1 }) end)
  end)
end)

describe('positions that an array does not have', function()
  it('are those of its ends, or go around', function()
    near({ 1, 6, 1 }, np.take(x, { 0, 7, -1 }, { mode = 'clip' }))
    near({ 6, 1, 5 }, np.take(x, { 0, 7, -1 }, { mode = 'wrap' }))
    near({ { 3, 1 }, { 6, 4 } }, x:take({ 0, 4 }, { axis = 2, mode = 'wrap' }))
    near({ { 3 }, { 4 } },
      np.take_along_axis(x, np.array({ { 4 }, { 0 } }, 'i32'), { axis = 2, mode = 'clip' }))
    assert.are.same({ 6, 5, 6 }, np.choose({ 0, 3, -2 }, { 5, 6 }, { mode = 'wrap' }):totable())
    assert.are.same({ 5, 6 }, np.choose({ 0, 3 }, { 5, 6 }, 'clip'):totable())
  end)

  it('are filled', function()
    near({ nan, nan, 6, 1, nan }, np.take(x, { 0, 7, -1, 1, -7 }, { mode = 'fill' }))
    near({ { 9, 3, 3 }, { 9, 6, 6 } },
      np.take(x, { 0, 3, -1 }, { axis = 2, mode = 'fill', fill_value = 9 }))
    near({ { nan, nan, nan }, { 1, 2, 3 } }, imnn.jit(function(v, i)
      return np.take(v, i, 1, 'fill')
    end)(x, np.array({ 3, 1 }, 'i32')))
    near({ { 2, 0, 0 }, { 0, 0, 0 } }, imnn.grad(function(v)
      return np.sum(np.take(v, { 1, 9, 1 }, { mode = 'fill', fill_value = 0 }))
    end)(x))
    near({ { nan }, { 4 } },
      np.take_along_axis(x, np.array({ { 4 }, { 1 } }, 'i32'), { axis = 2, mode = 'fill' }))
    for dtype, none in pairs { i32 = -2 ^ 31, u32 = 2 ^ 32 - 1, bool = true } do
      assert.is_true(np.take(np.zeros({ 2 }, dtype), 3, { mode = 'fill' }):item() == none)
    end
    near({ nan }, np.take(np.zeros({ 0 }, 'f64'), { 1 }, { mode = 'fill' }))
  end)

  it('are refused otherwise', function()
    refuses('take: no element 7, there are 6',
      function() np.take(x, 7) end)
    refuses('take: no element 7, there are 6',
      function() np.take(x, 7, { mode = 'raise' }) end)
    refuses('take: mode is "clip" or "fill" or "raise" or "wrap", got "fil"; did you mean "fill"?',
      function() np.take(x, 7, { mode = 'fil' }) end)
    refuses('take: fill_value is for mode "fill", got mode "wrap"',
      function() np.take(x, 1, { mode = 'wrap', fill_value = 1 }) end)
    refuses('take: axis 1 has no elements',
      function() np.take(np.zeros { 0 }, { 1 }, { mode = 'wrap' }) end)
  end)
end)

describe('np.unique along an axis', function()
  it('finds different parts, in the order of their elements', function()
    local y, first, which, counts = np.unique({ { 1, 2 }, { 0, 5 }, { 1, 2 }, { 0, 4 } },
      { axis = 1, return_index = true, return_inverse = true, return_counts = true })
    assert.are.same({ { 0, 4 }, { 0, 5 }, { 1, 2 } }, y:totable())
    assert.are.same({ { 4, 2, 1 }, { 3, 2, 3, 1 }, { 1, 1, 2 } },
      { first:totable(), which:totable(), counts:totable() })
    assert.are.same({ { 1, 2 }, { 0, 5 } }, np.unique({ { 1, 2, 1 }, { 0, 5, 0 } }, 2):totable())
    near(np.stack { x, x + 1 }, np.unique(np.stack({ x + 1, x, x }), 1))
    assert.are.same({ 1, 0 }, np.unique(np.zeros { 3, 0 }, { axis = 1 }).shape)
  end)

  it('takes NaN as one number, or as many', function()
    assert.equal(2, np.unique({ nan, 1, nan }).size)
    assert.equal(3, np.unique({ nan, 1, nan }, { equal_nan = false }).size)
    assert.equal(1, np.unique({ { 1, nan }, { 1, nan } }, { axis = 1 }).shape[1])
  end)
end)

describe('np.interp of a period', function()
  it('goes around', function()
    near({ 7.5, 5, 8.75, 6.25, 3, 3.25, 3.5, 3.75 },
      np.interp(np.array({ -180, -170, -185, 185, -10, -5, 0, 365 }, 'f64'),
        { 190, -190, 350, -350 }, { 5, 10, 3, 4 }, { period = 360, left = 99 }))
    refuses('np.interp: the period must not be 0',
      function() np.interp(1, { 1 }, { 1 }, { period = 0 }) end)
  end)
end)

describe('np.cov of weighted observations', function()
  local v = np.array({ { 1, 2, 5 }, { 3, 1, 1 } }, 'f64')

  it('is what NumPy has', function()
    local a, f = { 0.5, 0.2, 0.1 }, { 2, 1, 1 }
    near({ { 26 / 9, -10 / 9 }, { -10 / 9, 8 / 9 } }, np.cov(v, { bias = true }))
    near({ { 43 / 12, -5 / 3 }, { -5 / 3, 4 / 3 } }, np.cov(v, { fweights = f }))
    near(np.cov(v, { fweights = f }),
      np.cov(np.stack({ v[{ {}, 1 }], v[{ {}, 1 }], v[{ {}, 2 }], v[{ {}, 3 }] }, 2)))
    near({ { 3.17647059, -1.76470588 }, { -1.76470588, 1.76470588 } }, np.cov(v, { aweights = a }))
    near({ { 3.3559322, -2.03389831 }, { -2.03389831, 2.03389831 } },
      np.cov(v, { aweights = a, fweights = f, ddof = 2 }))
    near({ { 1, -0.74535599 }, { -0.74535599, 1 } }, np.corrcoef(v, { aweights = a }))
    near(np.corrcoef(v), np.corrcoef(v, { bias = true }))
  end)

  it('refuses other weights', function()
    refuses('np.cov: fweights are whole numbers, 0 or more, got 1.5',
      function() np.cov(v, { fweights = { 1, 1.5, 1 } }) end)
    refuses('np.cov: aweights are numbers, 0 or more, got -1',
      function() np.cov(v, { aweights = { 1, -1, 1 } }) end)
    refuses('np.corrcoef: aweights are a list of 3 numbers, one for each observation, got (2)',
      function() np.corrcoef(v, { aweights = { 1, 1 } }) end)
  end)
end)

describe('what NumPy gives beside', function()
  it('a range: the distance of neighbours', function()
    local y, step = np.linspace(0, 1, 5, { retstep = true, dtype = 'f64' })
    near({ 0, 0.25, 0.5, 0.75, 1 }, y)
    near(0.25, step)
    near(0.2, select(2, np.linspace(0, 1, 5, { retstep = true, endpoint = false, dtype = 'f64' })))
    near(nan, select(2, np.linspace(0, 1, 1, { retstep = true, dtype = 'f64' })))
    near({ 1, 2 }, select(2, np.linspace(np.array({ 0, 1 }, 'f64'), np.array({ 2, 5 }, 'f64'), 3,
      { retstep = true })))
  end)

  it('a grid: its axes alone', function()
    for _, indexing in ipairs { 'xy', 'ij' } do
      local a, b, c = np.meshgrid({ 1, 2, 3 }, { 4, 5 }, { 6 }, { sparse = true,
        indexing = indexing })
      assert.are.same(indexing == 'xy' and { 1, 3, 1 } or { 3, 1, 1 }, a.shape)
      assert.are.same(indexing == 'xy' and { 2, 1, 1 } or { 1, 2, 1 }, b.shape)
      assert.are.same({ 1, 1, 1 }, c.shape)
      local A, B = np.meshgrid({ 1, 2, 3 }, { 4, 5 }, { 6 }, { indexing = indexing })
      near((A * B + c):totable(), a * b + c, 'f32')
    end
  end)

  it('numbers: their parts and their bits', function()
    local rest, whole = np.modf(np.array({ -1.5, 2.25, -3, -inf, nan }, 'f64'))
    near({ -0.5, 0.25, 0, 0, nan }, rest)
    near({ -1, 2, -3, -inf, nan }, whole)
    assert.are.same({ true, false, true, true }, np.signbit(rest[{ { 1, 4 } }]):totable())
    near({ 1, 1 }, imnn.grad(function(v) return np.sum((np.modf(v))) end)(
      np.array({ 1.5, -2.5 }, 'f64')))
    local words = np.array({ 7, -2, 0, -2 ^ 31, 2 ^ 31 - 1, -1 }, 'i32')
    for _, f in ipairs { np.bitwise_count, imnn.jit(np.bitwise_count) } do
      assert.are.same({ 3, 1, 0, 1, 31, 1 }, f(words):totable())
      assert.are.same({ 32, 1 }, f(np.array({ 2 ^ 32 - 1, 65536 }, 'u32')):totable())
      assert.are.same({ 1, 0 }, f(np.array { true, false }):totable())
    end
    refuses('bitwise_count: not defined for f32; it works on u32, i32, bool',
      function() np.bitwise_count(1.5) end)
  end)
end)

describe('arguments by name and by position', function()
  local lax, random = imnn.lax, imnn.random
  local key = random.PRNGKey(3)
  local function same(a, b)
    assert.equal(a.dtype, b.dtype)
    assert.are.same(a:totable(), b:totable())
  end

  it('are the same of windows', function()
    local image, kernel = random.normal(key, { 1, 1, 5, 5 }), random.normal(key, { 4, 1, 3, 3 })
    same(lax.conv_general_dilated(image, kernel, { 2, 1 }, 'SAME', nil, { 1, 2 },
      { 'NCHW', 'OIHW', 'NHWC' }, 1), lax.conv_general_dilated(image, kernel, {
      window_strides = { 2, 1 }, padding = 'SAME', rhs_dilation = { 1, 2 },
      dimension_numbers = { 'NCHW', 'OIHW', 'NHWC' } }))
    same(lax.conv_general_dilated(image, kernel),
      lax.conv_general_dilated(image, kernel, { 1, 1 }, { padding = 'VALID' }))
    same(lax.conv_general_dilated(image, kernel, {}), lax.conv(image, kernel, { 1, 1 }, 'VALID'))
    same(lax.conv_with_general_padding(image, kernel, { 1, 1 }, 'SAME', { 2, 1 }),
      lax.conv_with_general_padding(image, kernel, { 1, 1 }, 'SAME', { lhs_dilation = { 2, 1 } }))
    near({ { 3, 3 }, { 9, 6 } }, lax.reduce_window(x, 0, 'add', { 1, 2 }, { 1, 2 }, 'SAME'))
    same(lax.reduce_window(x, 0, 'add', { 1, 2 }, nil, 'VALID', { 1, 2 }, { 1, 2 }),
      lax.reduce_window(x, 0, 'add', { 1, 2 },
        { base_dilation = { 1, 2 }, window_dilation = { 1, 2 } }))
    same(lax.select_and_scatter_add(x, 'max', { 1, 2 }, np.ones({ 2, 2 }, 'f64'), { 1, 2 }, 'SAME'),
      lax.select_and_scatter_add(x, 'max', { 1, 2 }, np.ones({ 2, 2 }, 'f64'),
        { window_strides = { 1, 2 }, padding = 'SAME' }))
    refuses('reduce_window: option "window_strides" must be table, got string',
      function() lax.reduce_window(x, 0, 'add', { 1, 2 }, 'SAME') end)
    refuses('lax.reduce_window: unknown option "window_stride"; did you mean "window_strides"?',
      function() lax.reduce_window(x, 0, 'add', { 1, 2 }, { window_stride = { 1, 2 } }) end)
  end)

  it('are the same of random numbers', function()
    same(random.normal(key, { 2 }, 'f64'), random.normal(key, { 2 }, { dtype = 'f64' }))
    same(random.normal(key, { 2 }), random.normal(key, { shape = { 2 } }))
    same(random.normal(key, { 2 }), random.normal(key, { 2 }, {}))
    same(random.normal(key, {}), random.normal(key))
    same(random.uniform(key, { 2 }, 'f64', 1, 2),
      random.uniform(key, { 2 }, { minval = 1, maxval = 2, dtype = 'f64' }))
    same(random.truncated_normal(key, -1, 1, { 3 }, 'f64'),
      random.truncated_normal(key, -1, 1, { 3 }, { dtype = 'f64' }))
    same(random.randint(key, { 3 }, 1, 9, 'u32'),
      random.randint(key, { 3 }, { minval = 1, maxval = 9, dtype = 'u32' }))
    same(random.gamma(key, 2, nil, 'f64'), random.gamma(key, 2, { dtype = 'f64' }))
    same(random.bernoulli(key, 0.3, { 5 }, nil, 'high'),
      random.bernoulli(key, 0.3, { 5 }, { mode = 'high' }))
    same(random.choice(key, 5, { 3 }, false), random.choice(key, 5, { 3 }, { replace = false }))
    same(random.permutation(key, x, 2, true),
      random.permutation(key, x, { axis = 2, independent = true }))
    same(random.categorical(key, x, 1), random.categorical(key, x, { axis = 1 }))
    same(random.orthogonal(key, 2, nil, 'f64', 3),
      random.orthogonal(key, 2, { dtype = 'f64', m = 3 }))
    same(random.multivariate_normal(key, { 0, 0 }, { { 2, 1 }, { 1, 2 } }, { 4 }, 'f64', 'svd'),
      random.multivariate_normal(key, { 0, 0 }, { { 2, 1 }, { 1, 2 } },
        { shape = { 4 }, dtype = 'f64', method = 'svd' }))
    same(random.split(key, 3), random.split(key, { num = 3 }))
    refuses('random.normal: unknown option "dtyp"; did you mean "dtype"?',
      function() random.normal(key, { 2 }, { dtyp = 'f64' }) end)
  end)
end)
