--- A distribution that is cut, or mapped.
-- @module imnn.distributions.changed
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local bijectors = require 'imnn.distributions.bijectors'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local lax = require 'imnn.lax'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local M = {}

-- The functions of components of a distribution that has a cdf.
local function components(who, d)
  base.check(who, d)
  if not d.each or not d.each.cdf then
    core.raise('%s: needs a distribution of independent numbers with a cdf, got %s', who, d.name)
  end
  local each = {}
  for name, fn in pairs(d.each) do each[name] = fn end
  for _, name in ipairs { 'sf', 'quantile', 'upper_quantile' } do
    each[name] = each[name] or base.component(d, name)
  end
  return each
end

-- ---- cut ----

--- A distribution between two ends, by its cdf: its components given that they lie there.
-- @tparam distribution d of independent continuous numbers
-- @tparam[opt=-inf] number|table|Array low
-- @tparam[opt=inf] number|table|Array high
-- @tparam[opt] table opts `names`, `labels`
-- @treturn distribution
-- @raise distributions without a cdf, of whole numbers, ends that are not in order
-- @usage distributions.truncated(distributions.exponential(), 0, 1):mean() --> 0.418023
function M.truncated(d, low, high, opts)
  local who = 'distributions.truncated'
  local each = components(who, d)
  if each.discrete then core.raise('%s: needs continuous numbers, got %s', who, d.name) end
  local lo, a = base.parameter(who, 'low', low == nil and -math.huge or low, true)
  local hi, b = base.parameter(who, 'high', high == nil and math.huge or high, true)
  local event = joined(who, joined(who, a, b, 'low and high'), d.event_shape, 'the ends')
  local l, h = lo 'f64', hi 'f64'
  if not array.traced(l) and not array.traced(h) and not np.all(np.lt(l, h)):item() then
    core.raise('%s: low must be below high', who)
  end
  local function bounds(dtype)
    local c, e = each.bounds(dtype)
    return np.maximum(c, lo(dtype)), np.minimum(e, hi(dtype))
  end
  local least, most = bounds 'f64'
  if not array.traced(least) and not array.traced(most) and not np.all(np.lt(least, most)):item()
  then core.raise('%s: %s has nothing between low and high', who, d.name) end
  -- Whether the interval lies in the upper tail, and the probability of it, of what is below or
  -- above it: each from the side where it is small.
  local function mass(dtype)
    local c, e = lo(dtype), hi(dtype)
    local tail = np.gt(each.cdf(c), 0.5)
    local below, above = each.cdf(c), each.sf(e)
    return tail, np.where(tail, each.sf(c) - above, each.cdf(e) - below), below, each.sf(c), above
  end
  local own = {
    bounds = bounds,
    log_prob = function(x)
      local _, m = mass(x.dtype)
      local inside = np['and'](np.ge(x, lo(x.dtype)), np.le(x, hi(x.dtype)))
      local y = each.log_prob(x) - np.log(m)
      return np.where(inside, y, np.where(np.isnan(x), x, -math.huge))
    end,
    cdf = function(x)
      local tail, m, below, from = mass(x.dtype)
      local y = np.where(tail, from - each.sf(x), each.cdf(x) - below) / m
      return np.minimum(np.maximum(y, 0), 1)
    end,
    sf = function(x)
      local tail, m, _, _, above = mass(x.dtype)
      local y = np.where(tail, each.sf(x) - above, each.cdf(hi(x.dtype)) - each.cdf(x)) / m
      return np.minimum(np.maximum(y, 0), 1)
    end,
    middle = each.middle,
  }
  local function quantile(q, upper)
    local tail, m, below, from, above = mass(q.dtype)
    local c, e = bounds(q.dtype)
    local p = upper and each.cdf(hi(q.dtype)) - q * m or below + q * m
    local rest = upper and above + q * m or from - q * m
    -- the branch that is not taken stays inside, too
    local x = np.where(tail, each.upper_quantile(np.where(tail, rest, 0.5)),
      each.quantile(np.where(tail, 0.5, p)))
    return np.minimum(np.maximum(x, c), e)
  end
  function own.quantile(q) return quantile(q, false) end
  function own.upper_quantile(q) return quantile(q, true) end
  return base.new(who, {
    event_shape = event, each = own, bounds = bounds,
    draw = function(key, shape)
      local c = lo(array.default_dtype())
      local dtype = c.dtype == 'f64' and 'f64' or array.default_dtype()
      local size = base.sample_shape(who, shape, event)
      local smallest = dtype == 'f64' and 2 ^ -53 or 2 ^ -24
      return own.quantile(random.uniform(key, size, { minval = smallest, dtype = dtype }))
    end,
  }, args.rows({ names = d.names, labels = d.labels }, opts or {}))
end

-- ---- transformed ----

-- The ends of the image of an interval.
local function image(b, low, high, rises)
  local function at(x, other) -- an infinite end stays where it is: its slope may be 0 * inf
    local finite = np.isfinite(x)
    local safe = np.where(finite, x, np.where(np.isfinite(other), other, 0))
    return np.where(finite, b.forward(safe), lax.stop_gradient(b.forward(x)))
  end
  local p, q = at(low, high), at(high, low)
  return np.where(rises, p, q), np.where(rises, q, p)
end

-- Of components that a function maps one by one.
local function by_components(who, d, b, opts)
  local each = d.each
  local function rises(dtype)
    return type(b.rises) == 'function' and b.rises(dtype) or np.array(b.rises)
  end
  local function inside(y)
    local low, high = b.range()
    local ok = np['and'](np.gt(y, low), np.lt(y, high))
    local some = np.array(0.5, y.dtype)
    if low > -math.huge then some = np.array(high < math.huge and (low + high) / 2 or low + 1,
      y.dtype)
    elseif high < math.huge then some = np.array(high - 1, y.dtype) end
    return ok, np.where(ok, y, some), low
  end
  local own = {
    bounds = function(dtype)
      local low, high = each.bounds(dtype)
      low, high = image(b, low, high, rises(dtype))
      local least, most = b.range()
      return np.maximum(np.where(np.isnan(low), least, low), least),
        np.minimum(np.where(np.isnan(high), most, high), most)
    end,
    log_prob = function(y)
      local ok, safe = inside(y)
      local x = b.inverse(safe)
      local z = each.log_prob(x) - b.log_det(x)
      return np.where(ok, z, np.where(np.isnan(y), y, -math.huge))
    end,
  }
  local function side(up, down, what)
    if not each.cdf then return nil end
    local rise, fall = base.component(d, up), base.component(d, down)
    return function(y)
      local ok, safe, low = inside(y)
      local x, r = b.inverse(safe), rises(y.dtype)
      local outside = np.eq(np.le(y, low), what)
      return np.where(ok, np.where(r, rise(x), fall(x)), np.where(outside, 1, 0))
    end
  end
  own.cdf, own.sf = side('cdf', 'sf', false), side('sf', 'cdf', true)
  local function turned(up, down)
    if not each.cdf then return nil end
    local rise, fall = base.component(d, up), base.component(d, down)
    return function(q) return b.forward(np.where(rises(q.dtype), rise(q), fall(q))) end
  end
  own.quantile = turned('quantile', 'upper_quantile')
  own.upper_quantile = turned('upper_quantile', 'quantile')
  if b.linear then
    local m, s = b.linear[1], b.linear[2]
    own.mean = each.mean and function(dtype) return m(dtype) + s(dtype) * each.mean(dtype) end
    own.var = each.var and function(dtype) return s(dtype) ^ 2 * each.var(dtype) end
  end
  local event = joined(who, d.event_shape, b.shape or {}, 'the parameters')
  local more = #event > #d.event_shape and event or {} -- numbers become components
  if #d.event_shape > 0 and not base.same_shape(event, d.event_shape) then
    core.raise('%s: events of shape (%s) become (%s)', who, table.concat(d.event_shape, ', '),
      table.concat(event, ', '))
  end
  return base.new(who, {
    event_shape = event, each = own, bounds = own.bounds, normal = b.linear and d.normal,
    draw = function(key, shape)
      return b.forward(base.draw_of(d, key, base.sample_shape(who, shape, more)))
    end,
  }, opts)
end

--- A distribution of what a one-to-one function makes of events.
-- @tparam distribution d
-- @tparam bijector b one of distributions.bijectors, or { forward =, inverse = }, functions of a
-- user of one event; `log_det` of it is found by its Jacobian where it is not given, and
-- `components` = true says that it is a function of single numbers
-- @tparam[opt] table opts `low`, `high`, `names`, `labels`
-- @treturn distribution
-- @raise what is no bijector; for limits of vectors that they are not given
-- @usage distributions.transformed(distributions.normal(), distributions.bijectors.exp()):cdf(1)
--   --> 0.5
function M.transformed(d, b, opts)
  local who = 'distributions.transformed'
  base.check(who, d)
  b = bijectors.of(who, b)
  if d.each and d.each.discrete then
    core.raise('%s: needs continuous numbers, got %s', who, d.name)
  end
  if b.components and d.each then return by_components(who, d, b, opts) end
  if b.of_events then b = b.of_events(#d.event_shape) end
  local function over_event(y)
    if not b.components or #d.event_shape == 0 then return y end
    local axes = {}
    for k = 1, #d.event_shape do axes[k] = -k end
    return y:sum { axis = axes }
  end
  return base.new(who, {
    event_shape = d.event_shape,
    draw = function(key, shape)
      return b.forward(base.draw_of(d, key, shape))
    end,
    density = function(y)
      local x = b.inverse(y)
      return d:log_prob(x) - over_event(b.log_det(x))
    end,
    moments = {},
  }, opts)
end

return M
