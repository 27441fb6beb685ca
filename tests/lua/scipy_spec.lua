--- Interpolation and filters against what is known of them.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np, interpolate, ndimage = imnn.np, imnn.scipy.interpolate, imnn.scipy.ndimage
local refuses = values.refuses 'tests/lua/scipy_spec.lua'

local function f64(t) return np.array(t, 'f64') end

local function near(expected, x, most)
  assert.same(expected.shape, x.shape)
  assert.is_true(np.abs(expected - x):max():item() <= (most or 1e-12))
end

describe('interpolation', function()
  local x = f64 { 0, 1, 2.5, 3, 4.5, 6 }
  local t = np.linspace(-1, 7, 33, 'f64')

  it('by lines goes through the points and on', function()
    near(2 * t + 1, interpolate.interp1d(x, 2 * x + 1)(t))
    near(x * x, interpolate.interp1d(x, x * x)(x))
    near(f64 { 0.5, 3.625 }, interpolate.interp1d(x, x * x)(f64 { 0.5, 1.75 }))
    local both = interpolate.interp1d(x, np.stack({ x, 3 * x }, 2))(t)
    near(np.stack({ t, 3 * t }, 2), both)
  end)

  it('by a spline is exact for cubics', function()
    local function cubic(s) return s ^ 3 - 2 * s ^ 2 + s - 5 end
    near(cubic(t), interpolate.CubicSpline(x, cubic(x))(t), 1e-11)
    near(cubic(t):reshape(3, 11), interpolate.CubicSpline(x, cubic(x))(t:reshape(3, 11)), 1e-11)
  end)

  it('by a spline has the ends that were asked for, and no kinks', function()
    local y = np.sin(x)
    local function derivatives(f)
      local slope = imnn.grad(f)
      return imnn.vmap(slope), imnn.vmap(imnn.grad(slope))
    end
    local ends, inner = f64 { 0, 6 }, f64 { 1, 2.5, 3, 4.5 }
    for _, kind in ipairs { 'natural', 'clamped', 'not-a-knot' } do
      local f = interpolate.CubicSpline(x, y, { bc_type = kind })
      local slope, bend = derivatives(f)
      near(y, f(x))
      near(slope(inner - 1e-9), slope(inner + 1e-9), 1e-7)
      near(bend(inner - 1e-9), bend(inner + 1e-9), 1e-7)
      if kind == 'natural' then near(f64 { 0, 0 }, bend(ends)) end
      if kind == 'clamped' then near(f64 { 0, 0 }, slope(ends)) end
    end
  end)

  it('is differentiated by the values', function()
    local function f(y) return interpolate.CubicSpline(x, y)(f64(1.7)) end
    local slope, h = imnn.grad(f)(np.sin(x)), 1e-3
    for i = 1, 6 do -- the spline is linear in them
      near((f(np.sin(x) + h * np.eye(6, 'f64')[i]) - f(np.sin(x))) / h, slope[i], 1e-9)
    end
  end)

  it('is refused on a grid that makes no sense', function()
    refuses('interp1d: the places must ascend', function() interpolate.interp1d({ 1, 1 }, { 2, 3 })
    end)
    refuses('CubicSpline: needs 4 places or more and as many values, got (3) and (3)',
      function() interpolate.CubicSpline({ 1, 2, 3 }, { 2, 3, 4 }) end)
    refuses('CubicSpline: bc_type is "not-a-knot", "natural" or "clamped", got "free"',
      function() interpolate.CubicSpline(x, x, { bc_type = 'free' }) end)
    refuses('interp1d: the grid must be known before the function runs',
      function() imnn.jit(function(p) return interpolate.interp1d(p, p)(1) end)(x) end)
  end)
end)

describe('the Gaussian filter', function()
  it('spreads a point as the density, and keeps the sum', function()
    local point = np.pad(np.ones({ 1, 1 }, 'f64'), 10)
    local y = ndimage.gaussian_filter(point, 1.5)
    assert.near(1, y:sum():item(), 1e-12)
    local row = y[11]
    assert.near(math.exp(-0.5 * (3 / 1.5) ^ 2), (row[14] / row[11]):item(), 1e-12)
    near(y.T, y)
    near(y, ndimage.gaussian_filter1d(ndimage.gaussian_filter1d(point, 1.5, 1), 1.5))
  end)

  it('goes on behind the edges as it is told', function()
    local x = f64 { 1, 2, 4 }
    local w = math.exp(-0.5)
    local a, b = 1 / (1 + 2 * w), w / (1 + 2 * w) -- radius 1
    for mode, outside in pairs {
      reflect = { 1, 4 }, nearest = { 1, 4 }, mirror = { 2, 2 }, wrap = { 4, 1 },
      constant = { 0, 0 },
    } do
      local first, last = unpack(outside)
      near(f64 { b * first + a + 2 * b, b + 2 * a + 4 * b, 2 * b + 4 * a + b * last },
        ndimage.gaussian_filter(x, 1, { mode = mode, truncate = 1 }))
    end
    near(x, ndimage.gaussian_filter(x, 0))
    local flat = np.full({ 2, 5 }, 3, 'f64')
    near(flat, ndimage.gaussian_filter(flat, { 0, 2 }))
  end)

  it('is refused where it makes no sense', function()
    refuses('ndimage.gaussian_filter: sigma is a number, 0 or more, got -1',
      function() ndimage.gaussian_filter({ 1 }, -1) end)
    refuses('ndimage.gaussian_filter: 2 values of sigma for 1 axes',
      function() ndimage.gaussian_filter({ 1 }, { 1, 2 }) end)
    refuses('ndimage.gaussian_filter: no mode "same"; there are "reflect", "nearest", "mirror", '
      .. '"wrap", "constant"', function() ndimage.gaussian_filter({ 1 }, 1, { mode = 'same' }) end)
  end)
end)
