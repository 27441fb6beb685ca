--- Windows, positions, slopes, choices, edits, polynomials: against values found by hand or by
-- NumPy, with derivatives, and in compiled functions.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np, lax, special = imnn.np, imnn.lax, imnn.scipy.special
local check, table_of = values.check, values.table_of
local refuses = values.refuses 'tests/lua/numpy_more_spec.lua'
local nan, inf = 0 / 0, 1 / 0

local function i32(t) return np.array(t, 'i32') end
local function f64(t) return np.array(t, 'f64') end
local function near(expected, x, tolerance)
  local gap = np.max(np.abs(np.array(x, 'f64') - np.array(expected, 'f64'))):item()
  assert(gap <= (tolerance or 1e-6), ('%s: %g away'):format(tostring(x), gap))
end

-- That a function gives the same compiled.
local function same_compiled(fn, ...)
  local plain, compiled = fn(...), imnn.jit(fn)(...)
  assert.equal(plain.dtype, compiled.dtype)
  near(plain, compiled, 1e-6)
  return plain
end

-- That the derivative of the sum of fn(x), x f64, is that of differences.
local function check_slope(fn, x)
  x = f64(x)
  local function total(v) return np.sum(fn(v) * np.cos(np.arange(fn(v).size, 0, -1)
    :reshape(fn(v).shape))) end
  local slope, h = imnn.grad(total)(x), 1e-5
  for i = 1, x.size do
    local e = np.zeros(x.shape, 'f64'):ravel():at(i):set(h):reshape(x.shape)
    near((total(x + e) - total(x - e)):item() / (2 * h), slope:ravel()[i], 1e-6)
  end
end

describe('windows', function()
  it('are those of NumPy', function()
    near({ 0.08, 0.54, 1, 0.54, 0.08 }, np.hamming(5))
    near({ 0, 0.75, 0.75, 0 }, np.hanning(4))
    near({ 0, 0.34, 1, 0.34, 0 }, np.blackman(5))
    near({ 0, 0.5, 1, 0.5, 0 }, np.bartlett(5))
    near({ 7.72686684e-06, 0.164932188, 1, 0.164932188, 7.72686684e-06 },
      np.kaiser(5, 14, 'f64'), 1e-9)
    for _, name in ipairs { 'hamming', 'hanning', 'blackman', 'bartlett' } do
      check(name, 'f64', { 1 }, np[name](1, 'f64'))
      check(name, 'f32', {}, np[name](0))
    end
  end)

  it('of Kaiser have a derivative in beta', function()
    check_slope(function(beta) return np.kaiser(6, beta) end, 3)
    assert.equal('f64', np.kaiser(3, f64(1)).dtype)
    near({ 0, 1, 0 }, np.kaiser(3, 900)) -- where i0 alone overflows
  end)
end)

describe('positions', function()
  it('go from flattened arrays to axes and back', function()
    table_of {
      { 'unravel_index', { { 1, 6, -1 }, { 2, 3 } }, 'i32', { 1, 2, 2 }, { 1, 3, 3 } },
      { 'unravel_index', { 5, 7 }, 'i32', 5 },
      { 'ravel_multi_index', { { { 1, 2 }, { 1, 3 } }, { 2, 3 } }, 'i32', { 1, 6 } },
      { 'ravel_multi_index', { { i32 { 0, 4 }, 2 }, { 2, 3 }, { mode = 'wrap' } }, 'i32',
        { 5, 5 } },
      { 'ravel_multi_index', { { i32 { 0, 4 }, 2 }, { 2, 3 }, { mode = 'clip' } }, 'i32',
        { 2, 5 } },
      { 'tril_indices', { 3, -1 }, 'i32', { 2, 3, 3 }, { 1, 1, 2 } },
      { 'triu_indices', { 2, 0, 3 }, 'i32', { 1, 1, 1, 2, 2 }, { 1, 2, 3, 2, 3 } },
      { 'diag_indices', { 2, 3 }, 'i32', { 1, 2 }, { 1, 2 }, { 1, 2 } },
      { 'ix_', { { 1, 2 }, { true, false, true } }, 'i32', { { 1 }, { 2 } }, { { 1, 3 } } },
    }
    local x = np.arange(24):reshape(2, 3, 4)
    local at = np.argmax(x)
    assert.equal(23, x[{ np.unravel_index(at, x.shape) }]:item())
    same_compiled(function(i) return np.ravel_multi_index({ np.unravel_index(i, { 4, 5 }) },
      { 4, 5 }) end, i32 { 1, 7, 20 })
  end)
end)

describe('slopes and integrals', function()
  it('of samples', function()
    table_of {
      { 'gradient', { { 1, 4, 9, 16 } }, 'f32', { 3, 4, 6, 7 } },
      { 'gradient', { { 1, 4, 9, 16 }, 2, { edge_order = 2 } }, 'f32', { 1, 2, 3, 4 } },
      { 'gradient', { f64 { 0, 1, 9 }, { 0, 1, 3 }, { edge_order = 2 } }, 'f64', { 0, 2, 6 } },
      { 'gradient', { { 1, 2 } }, 'f32', { 1, 1 } },
      { 'gradient', { { { 1, 2, 6 }, { 3, 4, 5 } }, { axis = 2 } }, 'f32',
        { { 1, 2.5, 4 }, { 1, 1, 1 } } },
      { 'trapz', { { 0, 1, 4 }, { x = { 0, 1, 3 } } }, 'f32', 5.5 },
      { 'cumulative_trapezoid', { { 0, 1, 4 } }, 'f32', { 0.5, 3 } },
      { 'cumulative_trapezoid', { { { 0, 2 }, { 2, 4 } }, { axis = 1, initial = 0, dx = 2 } },
        'f32', { { 0, 0 }, { 2, 6 } } },
      { 'ediff1d', { { { 1, 4 }, { 9, 16 } }, { to_begin = -1, to_end = { 0, 1 } } }, 'f32',
        { -1, 3, 5, 7, 0, 1 } },
      { 'unwrap', { { 0, 2, 5, 0.5 }, { period = 6 } }, 'f32', { 0, 2, 5, 6.5 } },
      { 'unwrap', { { { 0, 6 }, { 5, 1 } }, { axis = 1, period = 6 } }, 'f32',
        { { 0, 6 }, { -1, 7 } } },
      { 'unwrap', { { 0, 3, 0 }, { period = 6 } }, 'f32', { 0, 3, 0 } },
    }
    local rows, columns = np.gradient({ { 1, 2, 6 }, { 3, 4, 5 } }, 2, { 0, 1, 3 })
    check('rows', 'f32', { { 1, 1, -0.5 }, { 1, 1, -0.5 } }, rows)
    near({ { 1, 4 / 3, 2 }, { 1, 5 / 6, 0.5 } }, columns)
    near({ 0.5, 3 }, imnn.scipy.integrate.cumulative_trapezoid { 0, 1, 4 })
    assert.equal(3.5, imnn.scipy.integrate.trapezoid({ 0, 1, 5 }):item())
  end)

  it('have derivatives, and compile', function()
    for _, fn in ipairs {
      function(x) return np.gradient(x, 0.5, { edge_order = 2 }) end,
      function(x) return np.gradient({ 1, 3, 2, 5 }, x) end,
      function(x) return np.cumulative_trapezoid(x, { x = { 0, 1, 3, 4 } }) end,
      function(x) return np.unwrap(x * x) end,
      function(x) return np.ediff1d(x) end,
    } do
      check_slope(fn, { 0.5, 1, 2.5, 4.25 })
      same_compiled(fn, np.array { 0.5, 1, 2.5, 4.25 })
    end
  end)
end)

describe('choices', function()
  local t = np.array { -2, -1, 0, 1, 2 }

  it('element by element', function()
    table_of {
      { 'select', { { np.lt(t, -1), np.gt(t, 0) }, { t * 10, t + 1 }, 7 }, 'f32',
        { -20, 7, 7, 2, 3 } },
      { 'select', { { { true, false } }, { i32 { 3, 4 } } }, 'i32', { 3, 0 } },
      { 'choose', { { 1, 2, 1 }, { { 1, 2, 3 }, { 10, 20, 30 } } }, 'f32', { 1, 20, 3 } },
      { 'choose', { 2, { i32 { 1, 2 }, i32 { 3, 4 } } }, 'i32', { 3, 4 } },
      { 'choose', { { 1, 1 }, { i32(5) } }, 'i32', { 5, 5 } },
      { 'piecewise', { t, { np.lt(t, 0), np.lt(t, -1) }, { 5, np.abs, np.square } }, 'f32',
        { 2, 5, 0, 1, 4 } },
    }
    local function steps(x)
      return np.piecewise(x, { np.lt(x, 0), np.ge(x, 0) }, { function(v) return -v end,
        function(v, k) return v * v * k end }, 3)
    end
    check_slope(steps, { -1, 2, 0.5 })
    same_compiled(steps, t)
  end)

  it('along axes', function()
    local x = np.array { { 1, 2, 3 }, { 6, 5, 4 } }
    local function pair(v) return np.stack { v:max(), v:min(), v:sum() } end
    check('rows', 'f32', { { 3, 1, 6 }, { 6, 4, 15 } }, np.apply_along_axis(pair, 2, x))
    check('columns', 'f32', { { 6, 5, 4 }, { 1, 2, 3 }, { 7, 7, 7 } },
      np.apply_along_axis(pair, 1, x))
    check('scalars', 'f32', { 2, 2 }, np.apply_along_axis(function(v, k)
      return (v:max() - v:min()) * k end, -1, x, 1))
    assert.same({ 2, 3, 2, 4 }, np.apply_along_axis(function(v) return np.outer(v[{ { 1, 3 } }],
      v[{ { 1, 2 } }]) end, 2, np.ones { 2, 5, 4 }).shape)
    check_slope(function(v) return np.apply_along_axis(np.prod, 1, v) end, { { 1, 2 }, { 3, 4 } })
    check('places', 'f32', { { 11, 12 }, { 21, 22 } },
      np.fromfunction(function(i, j) return i * 10 + j end, { 2, 2 }))
  end)
end)

describe('edits', function()
  it('put in and take out', function()
    local x = { { 1, 1 }, { 2, 2 }, { 3, 3 } }
    table_of {
      { 'insert', { { 1, 2, 3 }, 2, 9 }, 'f32', { 1, 9, 2, 3 } },
      { 'insert', { { 1, 2, 3 }, -1, 9 }, 'f32', { 1, 2, 9, 3 } },
      { 'insert', { { 1, 2, 3 }, { -1, 4 }, 9 }, 'f32', { 1, 2, 9, 3, 9 } },
      { 'insert', { { 1, 2, 3 }, { 4, 1, 1 }, { 7, 8, 9 } }, 'f32', { 8, 9, 1, 2, 3, 7 } },
      { 'insert', { i32 { 1, 2 }, 1, { 7, 8 } }, 'i32', { 7, 8, 1, 2 } },
      { 'insert', { x, 2, { 5, 6, 7 }, 2 }, 'f32', { { 1, 5, 1 }, { 2, 6, 2 }, { 3, 7, 3 } } },
      { 'insert', { x, 1, 0, 1 }, 'f32', { { 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 } } },
      { 'insert', { x, { 2 }, { { 5 }, { 6 }, { 7 } }, 2 }, 'f32',
        { { 1, 5, 1 }, { 2, 6, 2 }, { 3, 7, 3 } } },
      { 'delete', { { 5, 6, 7 }, 2 }, 'f32', { 5, 7 } },
      { 'delete', { x, { 1, -1 }, 1 }, 'f32', { { 2, 2 } } },
      { 'delete', { { 5, 6, 7 }, np.array { true, false, true } }, 'f32', { 6 } },
      { 'delete', { { 5, 6 }, {} }, 'f32', { 5, 6 } },
      { 'resize', { { 1, 2, 3 }, { 2, 2 } }, 'f32', { { 1, 2 }, { 3, 1 } } },
      { 'resize', { { 1, 2, 3 }, 2 }, 'f32', { 1, 2 } },
      { 'resize', { np.zeros(0), 2 }, 'f32', { 0, 0 } },
    }
    check_slope(function(v) return np.insert(np.delete(v, 2), 2, v[1]) end, { 1, 2, 3 })
    same_compiled(function(v) return np.resize(v, { 2, 4 }) end, np.array { 1, 2, 3 })
  end)

  it('join blocks', function()
    table_of {
      { 'block', { { { np.eye(2), np.zeros { 2, 1 } }, { np.array { { 5, 6, 7 } } } } }, 'f32',
        { { 1, 0, 0 }, { 0, 1, 0 }, { 5, 6, 7 } } },
      { 'block', { { 1, i32 { 2, 3 } } }, 'i32', { 1, 2, 3 } },
      { 'block', { 5 }, 'f32', 5 },
      { 'block', { { { { np.ones { 1, 1, 2 } } }, { { np.zeros { 1, 1, 2 } } } } }, 'f32',
        { { { 1, 1 } }, { { 0, 0 } } } },
      { 'row_stack', { { { 1, 2 }, { 3, 4 } } }, 'f32', { { 1, 2 }, { 3, 4 } } },
    }
    assert.same({ 2, 4, 3 }, np.rollaxis(np.zeros { 2, 3, 4 }, 3, 2).shape)
    assert.same({ 3, 4, 2 }, np.rollaxis(np.zeros { 2, 3, 4 }, 1, 4).shape)
    assert.same({ 4, 2, 3 }, np.rollaxis(np.zeros { 2, 3, 4 }, -1).shape)
  end)
end)

describe('polynomials', function()
  it('fit points', function()
    near({ 2, 1 }, np.polyfit({ 0, 1, 2, 3 }, { 1, 3, 5, 7 }, 1))
    local x = np.linspace(-1, 2, 9, 'f64')
    near({ 1, -2, 0.5 }, np.polyfit(x, x * x - 2 * x + 0.5, 2), 1e-12)
    near({ { 1, 2 }, { 0, 1 } }, np.polyfit(x, np.stack({ x, 2 * x + 1 }, 2), 1), 1e-12)
    near(3, np.polyfit({ 0, 1 }, { 3, 100 }, 0, { w = { 1, 0 } })[1], 1e-5)
    -- numpy.polyfit([0, 1, 2, 4], [1, 0, 2, 3], 1, w=[1, 2, 1, 0.5])
    near({ 0.673076923077, -0.153846153846 },
      np.polyfit(f64 { 0, 1, 2, 4 }, { 1, 0, 2, 3 }, 1, { w = { 1, 2, 1, 0.5 } }), 1e-9)
    check_slope(function(y) return np.polyfit({ 0, 1, 3, 4 }, y, 2) end, { 1, 3, 2, 0 })
    check_slope(function(v) return np.polyfit(v, { 1, 3, 2, 0 }, 1) end, { 0, 1, 3, 4 })
  end)

  it('have roots', function()
    local function sorted(p)
      local r = np.roots(p)
      return np.real(r)[np.argsort(np.real(r))]
    end
    near({ 1, 2 }, sorted { 1, -3, 2 }, 1e-5)
    near({ 0, 1, 2 }, sorted { 0, 1, -3, 2, 0 }, 1e-5)
    near({ -1, 1 }, np.sort(np.imag(np.roots { 1, 0, 1 })))
    assert.same({ 0 }, np.roots { 2 }.shape)
    assert.same({ 0 }, np.roots { 0, 0 }.shape)
    check('zeros', 'f64', { 0, 0 }, np.abs(np.roots(f64 { 1, 0, 0 })))
    near({ 1, 2 }, np.sort(np.real(imnn.jit(np.roots)(np.array { 1, -3, 2 }))), 1e-5)
  end)
end)

describe('numbers', function()
  it('as mantissas and powers of 2', function()
    local x = np.array { 6, 0, -0.75, 2 ^ -149, 3e38, inf, 1 - 2 ^ -24, 1 }
    local m, n = np.frexp(x)
    check('m', 'f32', { 0.75, 0, -0.75, 0.5, 3e38 / 2 ^ 128, inf, 1 - 2 ^ -24, 0.5 }, m)
    check('n', 'i32', { 3, 0, 0, -148, 128, 0, 0, 1 }, n)
    check('back', 'f32', x:totable(), np.ldexp(m, n))
    table_of {
      { 'ldexp', { f64 { 1, 1, 2 ^ -1074, 3 }, i32 { -1074, 1023, 2097, 0 } }, 'f64',
        { 2 ^ -1074, 2 ^ 1023, 2 ^ 1023, 3 } },
      { 'ldexp', { i32(3), 2 }, 'f32', 12 },
      { 'spacing', { f64 { 1, -1, 0 } }, 'f64', { 2 ^ -52, -2 ^ -52, 2 ^ -1074 } },
      { 'nextafter', { f64 { 1, 1, 0, -1, inf, nan, 2 }, f64 { 2, 0, -1, 0, 0, 1, 2 } }, 'f64',
        { 1 + 2 ^ -52, 1 - 2 ^ -53, -2 ^ -1074, -1 + 2 ^ -53, 2 ^ 1023 * (2 - 2 ^ -52), nan, 2 } },
      { 'nextafter', { 1, 2 }, 'f32', 1 + 2 ^ -23 },
      { 'gcd', { i32 { 12, -18, 0, 7 }, i32 { 18, 12, 0, 0 } }, 'i32', { 6, 6, 0, 7 } },
      { 'gcd', { np.array({ 4294967294 }, 'u32'), np.array({ 6 }, 'u32') }, 'u32', { 2 } },
      { 'lcm', { i32 { 4, 0, -3 }, i32 { 6, 5, 2 } }, 'i32', { 12, 0, 6 } },
      { 'float_power', { i32 { 2, 3 }, 2 }, 'f32', { 4, 9 } },
      { 'iscomplex', { { 1 + 2i, 3 } }, 'bool', { true, false } },
      { 'isreal', { { 1, 2 } }, 'bool', { true, true } },
      { 'amax', { { 1, 3, 2 } }, 'f32', 3 },
      { 'amin', { { { 1, 3 }, { 2, 0 } }, 1 }, 'f32', { 1, 0 } },
      { 'in1d', { { { 1, 2 }, { 3, 2 } }, { 2 } }, 'bool', { false, true, false, true } },
    }
    check_slope(function(v) return (np.frexp(v)) end, { 6, -0.3 })
    check_slope(function(v) return np.ldexp(v, 3) end, { 6, -0.3 })
    assert.same({ 2, 3 }, np.empty({ 2, 3 }).shape)
    assert.equal('i32', np.empty_like(i32 { 1 }).dtype)
  end)

  it('without NaN', function()
    local x = { { 1, nan, 2, 9 }, { 4, 5, 6, nan }, { nan, nan, nan, nan } }
    table_of {
      { 'nanmedian', { x, 2 }, 'f32', { 2, 5, nan } },
      { 'nanmedian', { x }, 'f32', 4.5 },
      { 'nanquantile', { x, { 0, 0.25 }, 2 }, 'f32', { { 1, 4, nan }, { 1.5, 4.5, nan } } },
      { 'nanquantile', { x, 1, { axis = 2, keepdims = true } }, 'f32', { { 9 }, { 6 }, { nan } } },
      { 'nanpercentile', { f64 { 1, nan, 3 }, 50 }, 'f64', 2 },
      { 'nanargmax', { x, 2 }, 'i32', { 4, 3, 0 } },
      { 'nanargmin', { x, 2 }, 'i32', { 1, 1, 0 } },
      { 'nanargmin', { x }, 'i32', 1 },
    }
    check_slope(function(v) return np.nanquantile(np.concatenate { v, { nan } }, { 0.3, 0.9 }) end,
      { 1, 5, 2 })
    same_compiled(function(v) return np.nanmedian(v, 2) end, np.array { { 1, nan, 4 } })
  end)

  it('in bins of several axes', function()
    local counts, xs, ys = np.histogram2d({ 0, 1, 1, 5 }, { 0, 1, 2, 5 }, { 2, { 0, 1, 2 } },
      { range = { { 0, 1 }, { 0, 1 } } })
    check('counts', 'f32', { { 1, 0 }, { 0, 2 } }, counts)
    check('xs', 'f32', { 0, 0.5, 1 }, xs)
    check('ys', 'f32', { 0, 1, 2 }, ys)
    local points = { { 0, 0, 0 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 0, 1 } }
    local cube, edges = np.histogramdd(points, 2, { density = true })
    check('cube', 'f32', { { { 2, 0 }, { 0, 0 } }, { { 0, 2 }, { 0, 4 } } }, cube)
    assert.equal(3, #edges)
    check('weights', 'f32', { { 3, 0 }, { 0, 7 } },
      (np.histogram2d({ 0, 1, 1 }, { 0, 1, 1 }, 2, { weights = { 3, 3, 4 } })))
  end)

  it('of special functions', function()
    check('comb', 'f32', { 10, 0, 0, 1, 1 }, special.comb({ 5, 5, -1, 5, 0 }, { 2, 6, 0, 0, 0 }))
    check('comb', 'f64', 137846528820, special.comb(f64(40), 20))
    check('repetition', 'f32', { 6, 1 }, special.comb(3, { 2, 0 }, { repetition = true }))
    check('factorial', 'f32', { 1, 24, 0, 3628800 }, special.factorial { 0, 4, -1, 10 })
    near(math.sqrt(math.pi) / 2, special.factorial(0.5))
    check('softmax', 'f32', { { 0.5, 0.5 }, { 1, 0 } },
      special.softmax({ { 3, 3 }, { 1000, 0 } }, 2))
    near({ { 0.25, 0.25 }, { 0.25, 0.25 } }, special.softmax { { 0, 0 }, { 0, 0 } })
    near({ 0, -1000 }, special.log_softmax { 1000, 0 })
    check_slope(special.softmax, { 1, 2, 3 })
    check_slope(special.log_softmax, { 1, 2, 3 })
    check_slope(function(n) return special.comb(n, 2) end, { 5, 3.5 })
    check_slope(special.factorial, { 2, 3.5 })
  end)
end)

describe('tensors as matrices', function()
  it('are solved and inverted', function()
    local a = np.remainder(np.arange(36) * 7, 11):reshape(2, 3, 6)
      + 20 * np.eye(6):astype 'f64':reshape(2, 3, 6)
    local b = f64 { { 1, 2, 3 }, { 4, 5, 6 } }
    local x = np.linalg.tensorsolve(a, b)
    assert.same({ 6 }, x.shape)
    near(b, np.tensordot(a, x, 1), 1e-9)
    local inverse = np.linalg.tensorinv(a)
    assert.same({ 6, 2, 3 }, inverse.shape)
    near(x, np.tensordot(inverse, b, 2), 1e-9)
    check('expm', 'f32', { { 1, 1 }, { 0, 1 } }, np.linalg.expm { { 0, 1 }, { 0, 0 } })
  end)
end)

describe('select_and_scatter', function()
  local x = np.array { { 1, 2, 3 }, { 4, 4, 4 } }

  it('adds to the winners of windows', function()
    local source = np.array { { 2, 3 } }
    check('ge', 'f32', { { 0, 0, 0 }, { 2, 3, 0 } },
      lax.select_and_scatter(x, lax.ge, { 2, 2 }, source))
    check('gt', 'f32', { { 0, 0, 0 }, { 0, 2, 3 } },
      lax.select_and_scatter(x, np.gt, { 2, 2 }, source, 0, np.add))
    check('le', 'f32', { { 3, 4, 1 }, { 1, 1, 1 } },
      lax.select_and_scatter(x, 'le', { 2, 2 }, source, 1, lax.add))
    check('mul', 'f32', { { 1, 1, 1 }, { 1, 1, 6 } },
      lax.select_and_scatter(x, np.gt, { 2, 2 }, np.array { { 2, 3 } }, 1, function(a, b)
        return np.where(np.eq(b, 3), a * 2 * b, a) end))
  end)

  it('by functions is what the operators give', function()
    local y = imnn.random.normal(imnn.random.PRNGKey(1), { 5, 6, 2 })
    local opts = { window_strides = { 2, 1, 1 }, padding = 'SAME' }
    for _, name in ipairs { 'ge', 'le' } do
      local source = np.arange(36):reshape(3, 6, 2) + 0.5
      local function general(a, b) return np[name](a, b) end
      local fast = lax.select_and_scatter(y, name, { 3, 2, 1 }, source, 0, np.add, opts)
      near(fast, lax.select_and_scatter(y, general, { 3, 2, 1 }, source, 0, np.add, opts))
      same_compiled(function(s)
        return lax.select_and_scatter(y, general, { 3, 2, 1 }, s, 0, np.add, opts)
      end, source)
    end
  end)

  it('has a derivative in source', function()
    for _, how in ipairs { 'ge', np.gt } do
      check_slope(function(s) return lax.select_and_scatter(x, how, { 2, 2 }, s) end, { { 2, 3 } })
    end
  end)
end)

describe('sentences', function()
  for sentence, fn in pairs {
    ['unravel_index: no element 7, there are 6'] = function() np.unravel_index(7, { 2, 3 }) end,
    ['gradient: needs 2 elements along axis 1, got 1'] = function() np.gradient { 1 } end,
    ['gradient: 2 places for 3 elements'] = function() np.gradient({ 1, 2, 3 }, { 1, 2 }) end,
    ['select: 1 conditions for 2 choices'] = function()
      np.select({ { true } }, { 1, 2 }) end,
    ['choose: no element 3, there are 2'] = function() np.choose(3, { 1, 2 }) end,
    ['delete: no element 4, there are 3'] = function() np.delete({ 1, 2, 3 }, 4) end,
    ['block: blocks lie in lists of one depth, got 2 and 1'] = function()
      np.block { { 1 }, 2 } end,
    ['polyfit: needs places (m) and values (m) or (m, k), got (2) and (3)'] = function()
      np.polyfit({ 1, 2 }, { 1, 2, 3 }, 1) end,
    ['select_and_scatter: source (2) is not what windows of (4) give'] = function()
      lax.select_and_scatter(np.ones { 4 }, np.gt, { 2 }, np.ones { 2 }) end,
    ["select_and_scatter: select is a function of two Arrays, 'ge' or 'le', got more"] = function()
      lax.select_and_scatter(np.ones { 4 }, 'more', { 2 }, np.ones { 3 }) end,
  } do
    it(sentence, function() refuses(sentence, fn) end)
  end
end)
