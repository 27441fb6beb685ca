--- Monotone splines of rational functions, as bijectors.
-- @module imnn.distributions.spline
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local special = require 'imnn.scipy.special'
local M = {}

local function ones_for(s) return np.ones_like(s[{ '...', { 1, 1 } }]) end

-- The spline of functions of a dtype: knots x, y and slopes at them (..., K + 1).
local function spline(name, shape, knots_x, knots_y, slopes)
  -- Of the bin in which v is, which is x or y as `along` says: whether there is one, `inside`; its
  -- left knot (x, y), width w and height h, slopes s0 and s1 on both sides, and the share of w or h
  -- that is before v. Where there is none they are those of the first knot, so that what is not
  -- chosen is finite, and its derivative too. Each is a sum over bins of what is 0 in the others:
  -- exact, in derivatives as well.
  local function locate(v, along)
    local x, y, s = knots_x(v.dtype), knots_y(v.dtype), slopes(v.dtype)
    x, y, s, v = operands.of(name, 'add', x, y, s, v)
    local from = along == 'x' and x or y
    local K = x.shape[x.ndim] - 1
    local function first(t) return t[{ '...', 1 }] end
    local function last(t) return t[{ '...', K + 1 }] end
    local below, above = np.lt(v, first(from)), np.gt(v, last(from))
    local inside = np['and'](np.ge(v, first(from)), np.le(v, last(from)))
    local safe = np.where(inside, v, first(from))
    local bin = np.sum(np.ge(np.expand_dims(safe, -1), from[{ '...', { 1, K } }]):astype 'i32',
      { axis = -1, keepdims = true })
    local here = np.eq(bin, np.arange(1, K + 1))
    local function left(t) return np.where(here, t[{ '...', { 1, K } }], 0):sum { axis = -1 } end
    local function right(t)
      return np.where(here, t[{ '...', { 2, K + 1 } }], 0):sum { axis = -1 }
    end
    local at = { inside = inside, x = left(x), y = left(y), s0 = left(s), s1 = right(s) }
    at.w, at.h = right(x) - at.x, right(y) - at.y
    at.share = along == 'x' and (safe - at.x) / at.w or (safe - at.y) / at.h
    -- fn (x, y, slope) of the end beyond which v is; NaN, which is nowhere, as it is
    function at.ends(fn)
      return np.where(below, fn(first(x), first(y), first(s)),
        np.where(above, fn(last(x), last(y), last(s)), v))
    end
    return at
  end
  return {
    name = name, components = true, rises = true, shape = shape,
    range = function() return -math.huge, math.huge end,
    -- Durkan et al. 2019, eq. 4, with a denominator whose terms are all positive
    forward = function(x)
      x = operands.floats(x, name)
      local at = locate(x, 'x')
      local r, q, mid = at.share, 1 - at.share, at.h / at.w
      local both = r * q
      local y = at.y + at.h * (mid * r * r + at.s0 * both)
        / (mid * (r * r + q * q) + (at.s0 + at.s1) * both)
      return np.where(at.inside, y,
        at.ends(function(a, b, s) return b - s * a + s * x end))
    end,
    -- The root of their eq. 6 - 8 that is in the bin. With the shares r, q of the height below and
    -- above y, d = s0 q - s1 r, the root's square is d^2 + 4 mid^2 r q, and x - x_k is to w as
    -- 2 mid r is to 2 mid r + d + root. Where d < 0, the other way round: d + root would cancel.
    inverse = function(y)
      y = operands.floats(y, name)
      local at = locate(y, 'y')
      local r, q, mid = at.share, 1 - at.share, at.h / at.w
      local d = at.s0 * q - at.s1 * r
      local early = np.ge(d, 0)
      local both = np.where(early, d, -d) + np.sqrt(d * d + 4 * mid * mid * r * q)
      local x = at.x + at.w * np.where(early, 2 * mid * r, both)
        / (both + 2 * mid * np.where(early, r, q))
      return np.where(at.inside, x, at.ends(function(a, b, s) return a - b / s + y / s end))
    end,
    -- eq. 5
    log_det = function(x)
      x = operands.floats(x, name)
      local at = locate(x, 'x')
      local r, q, mid = at.share, 1 - at.share, at.h / at.w
      local both = r * q
      local z = 2 * np.log(mid) + np.log(at.s1 * r * r + 2 * mid * both + at.s0 * q * q)
        - 2 * np.log(mid * (r * r + q * q) + (at.s0 + at.s1) * both)
      return np.where(at.inside, z, at.ends(function(_, _, s) return np.log(s) end))
    end,
  }
end

-- Numbers (..., n) that are known are positive.
local function positive(who, name, x, shape)
  if #shape == 0 then core.raise('%s: %s must be a list, got one number', who, name) end
  local wide = x 'f64'
  if not array.traced(wide) and not np.all(np.gt(wide, 0)):item() then
    core.raise('%s: %s must be above 0, got %g', who, name, np.min(wide):item())
  end
end

-- All but the last axis.
local function leading(shape) return { unpack(shape, 1, #shape - 1) } end

--- A function that rises through knots, with a given slope at each: a ratio of two quadratics from
-- knot to knot, and straight lines outside of them. These are the identity where widths and heights
-- have the same sum and the slopes at both ends are 1.
--
-- The first knot lies `low` on both axes; without it the knots' middle is 0.
-- @tparam table|Array widths of the K bins, (K), or (P, K) of P components
-- @tparam table|Array heights of the bins, of the same shape
-- @tparam table|Array derivatives slopes at the K - 1 knots between bins, where those at the ends
-- are 1, or at all K + 1
-- @tparam[opt] table opts `low`: where the first knot is, a number or (P)
-- @treturn bijector
-- @raise numbers that are not positive, shapes that do not fit
-- @source Gregory & Delbourgo 1982, IMA J. Numer. Anal. 2, 123; Durkan et al. 2019,
-- arXiv:1906.04032
-- @usage local spline = distributions.bijectors.rational_quadratic_spline({ 1.5, 2, 2.5 },
--   { 2.5, 1.5, 2 }, { 0.5, 2 })
-- spline.forward(np.array { 0, 2, 7 }) --> { 0.325, 2.352113, 7 }
function M.rational_quadratic_spline(widths, heights, derivatives, opts)
  local who = 'bijectors.rational_quadratic_spline'
  local o = args.take(who, opts, { low = { 'number', 'table', 'Array', optional = true } })
  local w, w_shape = base.parameter(who, 'widths', widths)
  local h, h_shape = base.parameter(who, 'heights', heights)
  local d, d_shape = base.parameter(who, 'derivatives', derivatives)
  positive(who, 'widths', w, w_shape)
  positive(who, 'heights', h, h_shape)
  positive(who, 'derivatives', d, d_shape)
  local K, n = w_shape[#w_shape], d_shape[#d_shape]
  if h_shape[#h_shape] ~= K then
    core.raise('%s: there are %d widths, but %d heights', who, K, h_shape[#h_shape])
  elseif n ~= K - 1 and n ~= K + 1 then
    core.raise('%s: of %d bins there are %d derivatives, or %d with those at the ends; got %d', who,
      K, K - 1, K + 1, n)
  end
  local shape = joined(who, leading(w_shape), leading(h_shape), 'widths and heights')
  shape = joined(who, shape, leading(d_shape), 'widths and derivatives')
  local low
  if o.low ~= nil then
    local own
    low, own = base.parameter(who, 'low', o.low)
    shape = joined(who, shape, own, 'widths and low')
  end
  local function slopes(dtype)
    local s = d(dtype)
    if n == K + 1 then return s end
    return np.concatenate({ ones_for(s), s, ones_for(s) }, -1)
  end
  local function knots(sizes)
    return function(dtype)
      local s = sizes(dtype)
      local first = low and np.expand_dims(low(dtype), -1)
        or -0.5 * s:sum { axis = -1, keepdims = true }
      return np.concatenate({ first + 0 * ones_for(s), first + np.cumsum(s, -1) }, -1)
    end
  end
  return spline(who, shape, knots(w), knots(h), slopes)
end

--- A spline from any numbers, such as what a network gives: a `rational_quadratic_spline` on
-- -bound .. bound, and the identity outside.
--
-- Widths and heights are shares of 2 bound by softmax, derivatives softplus; slopes of 1 come from
-- the number ln(e^(1 - floor) - 1).
-- @tparam table|Array params (3 K - 1), or (P, 3 K - 1) of P components: K numbers of widths, K of
-- heights, K - 1 of derivatives
-- @tparam[opt] table opts `bound` (5); `floor` (1e-3): the least share that a bin has, and the
-- least derivative
-- @treturn bijector
-- @raise as many numbers as no K gives, a floor that K bins cannot all have
-- @source Durkan et al. 2019, arXiv:1906.04032
-- @usage local spline = distributions.bijectors.neural_spline(random.normal(key, { 3, 23 }))
-- spline.forward(np.array { 0, 4.9, 6 }) -- of three components, each with 8 bins
function M.neural_spline(params, opts)
  local who = 'bijectors.neural_spline'
  local o = args.take(who, opts, { bound = { 'number', default = 5 },
    floor = { 'number', default = 1e-3 } })
  local p, shape = base.parameter(who, 'params', params)
  local n = shape[#shape] or 1
  local K = (n + 1) / 3
  if K % 1 ~= 0 or K < 2 then
    core.raise('%s: params of K bins are 3 K - 1 numbers, 5, 8, 11, ..., got %d', who, n)
  elseif o.bound <= 0 then
    core.raise('%s: bound must be above 0, got %g', who, o.bound)
  elseif o.floor < 0 or o.floor * K >= 1 then
    core.raise('%s: floor is a share from 0 to below 1 / %d, got %g', who, K, o.floor)
  end
  local function part(dtype, from, to) return p(dtype)[{ '...', { from, to } }] end
  -- from -bound to bound exactly, whatever rounding makes of the sum of shares
  local function knots(from)
    return function(dtype)
      local share = special.softmax(part(dtype, from, from + K - 1), -1)
      local inner = np.cumsum(o.floor + (1 - K * o.floor) * share, -1)[{ '...', { 1, K - 1 } }]
      local last = o.bound * ones_for(share)
      return np.concatenate({ -last, o.bound * (2 * inner - 1), last }, -1)
    end
  end
  local function slopes(dtype)
    local s = o.floor + np.softplus(part(dtype, 2 * K + 1, n))
    return np.concatenate({ ones_for(s), s, ones_for(s) }, -1)
  end
  return spline(who, leading(shape), knots(1), knots(K + 1), slopes)
end

return M
