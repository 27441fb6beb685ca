--- One-to-one functions of events, by which `transformed` makes distributions: objects with
-- `forward(x)`, `inverse(y)` and `log_det(x)`, the logarithm of the absolute value of the slope, or
-- for vectors of the determinant of the Jacobian. Those of single numbers are taken of each
-- component, know whether they rise, and the ends of their range.
-- @module imnn.distributions.bijectors
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local np = require 'imnn.numpy'
local spline = require 'imnn.distributions.spline'
local transform = require 'imnn.transform'
local M = {}

--- What becomes of events.
-- @tparam Array x
-- @treturn Array
-- @function Bijector.forward
-- @usage local bijector = distributions.bijectors.exp()
-- bijector.forward(np.array { 0 }) --> { 1 }

--- Where events come from.
-- @tparam Array y
-- @treturn Array
-- @function Bijector.inverse
-- @usage local bijector = distributions.bijectors.exp()
-- bijector.inverse(np.array { 1 }) --> { 0 }

--- The logarithm of the absolute slope; for vectors, of the determinant of the Jacobian.
-- @tparam Array x
-- @treturn Array
-- @function Bijector.log_det
-- @usage local bijector = distributions.bijectors.affine(1, 2)
-- bijector.log_det(np.array { 3 }) --> { 0.6931472 }

--- Of one number: whether it rises, true, or a function of the dtype that gives a bool Array.
-- @field Bijector.rises
-- @usage distributions.bijectors.exp().rises --> true

--- Of one number: where its values end.
-- @treturn number low
-- @treturn number high
-- @function Bijector.range
-- @usage local low, high = distributions.bijectors.exp().range()
-- low --> 0

local infinity = math.huge

local function scalar(name, t)
  t.name, t.components = 'bijectors.' .. name, true
  if t.rises == nil then t.rises = true end
  t.range = t.range or function() return -infinity, infinity end
  return t
end

--- loc + scale x.
-- @tparam number|table|Array loc
-- @tparam number|table|Array scale not 0
-- @treturn bijector
-- @raise a scale of 0
-- @usage distributions.bijectors.affine(1, 2).forward(np.array { 3 }) --> { 7 }
function M.affine(loc, scale)
  local who = 'bijectors.affine'
  local m, m_shape = base.parameter(who, 'loc', loc)
  local s, s_shape = base.parameter(who, 'scale', scale)
  local wide = s 'f64'
  if not array.traced(wide) and np.any(np.eq(wide, 0)):item() then
    core.raise('%s: scale must not be 0', who)
  end
  return scalar('affine', {
    forward = function(x) return m(x.dtype) + s(x.dtype) * x end,
    inverse = function(y) return (y - m(y.dtype)) / s(y.dtype) end,
    log_det = function(x) return np.log(np.abs(s(x.dtype))) + 0 * x end,
    rises = function(dtype) return np.gt(s(dtype), 0) end,
    linear = { m, s }, shape = joined(who, m_shape, s_shape, 'loc and scale'),
  })
end

--- e^x.
-- @treturn bijector
-- @usage distributions.bijectors.exp().forward(np.array { 0 }) --> { 1 }
function M.exp()
  return scalar('exp', { forward = np.exp, inverse = np.log, log_det = function(x) return x end,
    range = function() return 0, infinity end })
end

--- The natural logarithm, of positive numbers.
-- @treturn bijector
-- @usage distributions.bijectors.log().forward(np.array { 1 }) --> { 0 }
function M.log()
  return scalar('log', { forward = np.log, inverse = np.exp,
    log_det = function(x) return -np.log(x) end })
end

--- low + (high - low) / (1 + e^-x): onto an interval.
-- @tparam[opt=0] number low
-- @tparam[opt=1] number high
-- @treturn bijector
-- @raise ends that are not in order
-- @usage distributions.bijectors.sigmoid(0, 10).forward(np.array { 0 }) --> { 5 }
function M.sigmoid(low, high)
  low, high = low or 0, high or 1
  if type(low) ~= 'number' or type(high) ~= 'number' or not (low < high) then
    core.raise('bijectors.sigmoid: needs two numbers in order, got %s and %s', tostring(low),
      tostring(high))
  end
  local wide = high - low
  return scalar('sigmoid', {
    forward = function(x) return low + wide * np.sigmoid(x) end,
    inverse = function(y) return np.log(y - low) - np.log(high - y) end,
    log_det = function(x) return math.log(wide) - np.softplus(x) - np.softplus(-x) end,
    range = function() return low, high end,
  })
end

--- The inverse of `sigmoid`: from an interval onto all numbers.
-- @tparam[opt=0] number low
-- @tparam[opt=1] number high
-- @treturn bijector
-- @raise ends that are not in order
-- @usage distributions.bijectors.logit().forward(np.array { 0.5 }) --> { 0 }
function M.logit(low, high)
  local b = M.inverse(M.sigmoid(low, high))
  b.name = 'bijectors.logit'
  return b
end

--- ln(1 + e^x): onto the positive numbers.
-- @treturn bijector
-- @usage distributions.bijectors.softplus().forward(np.array { 0 }) --> { 0.693147 }
function M.softplus()
  return scalar('softplus', {
    forward = np.softplus,
    inverse = function(y) return y + np.log(-np.expm1(-y)) end,
    log_det = function(x) return -np.softplus(-x) end,
    range = function() return 0, infinity end,
  })
end

M.rational_quadratic_spline = spline.rational_quadratic_spline
M.neural_spline = spline.neural_spline

--- The other way round.
-- @tparam bijector b
-- @treturn bijector
-- @usage local logarithm = distributions.bijectors.inverse(distributions.bijectors.exp())
-- logarithm.forward(np.array { 1 }) --> { 0 }
function M.inverse(b)
  b = M.of('bijectors.inverse', b)
  return {
    name = 'bijectors.inverse', components = b.components, rises = b.rises,
    shape = b.shape,
    forward = b.inverse, inverse = b.forward,
    log_det = function(y) return -b.log_det(b.inverse(y)) end,
    range = b.components and function() return -infinity, infinity end or nil,
  }
end

--- Vectors loc + L x.
-- @tparam table|Array loc (n)
-- @tparam table|Array L (n, n), lower triangular, without zeros on its diagonal
-- @treturn bijector of vectors
-- @usage distributions.bijectors.linear({ 0, 0 }, { { 1, 0 }, { 0.5, 2 } })
function M.linear(loc, L)
  local who = 'bijectors.linear'
  local m, matrix = base.parameter(who, 'loc', loc), base.parameter(who, 'L', L)
  return {
    name = who, all = true,
    forward = function(x)
      return m(x.dtype) + np.squeeze(np.matmul(matrix(x.dtype), np.expand_dims(x, -1)), -1)
    end,
    inverse = function(y)
      local d = np.expand_dims(y - m(y.dtype), -1)
      return np.squeeze(np.linalg.triangular_solve(matrix(y.dtype), d, { lower = true }), -1)
    end,
    log_det = function(x)
      local diagonal = np.diagonal(matrix(x.dtype))
      return np.log(np.abs(diagonal)):sum() + 0 * x:sum { axis = -1 }
    end,
  }
end

--- One after the other, the first one first.
-- @tparam table list bijectors
-- @treturn bijector
-- @usage distributions.bijectors.chain { distributions.bijectors.affine(0, 2),
--   distributions.bijectors.exp() }
function M.chain(list)
  local who = 'bijectors.chain'
  if type(list) ~= 'table' or #list == 0 then core.raise('%s: needs a list of bijectors', who) end
  local all, components = {}, true
  for i, b in ipairs(list) do
    all[i] = M.of(who, b)
    components = components and all[i].components
  end
  local function forward(x, n)
    for i = 1, n or #all do x = all[i].forward(x) end
    return x
  end
  local out = {
    name = who, components = components, forward = function(x) return forward(x) end,
    inverse = function(y)
      for i = #all, 1, -1 do y = all[i].inverse(y) end
      return y
    end,
    log_det = function(x)
      local sum
      for _, b in ipairs(all) do
        local part = b.log_det(x)
        if not components and b.components then part = part:sum { axis = -1 } end
        sum = sum and sum + part or part
        x = b.forward(x)
      end
      return sum
    end,
    all = true,
  }
  if components then
    out.rises = function(dtype)
      local up = np.array(true)
      for _, b in ipairs(all) do
        local own = type(b.rises) == 'function' and b.rises(dtype) or np.array(b.rises)
        up = np.eq(up, own)
      end
      return up
    end
    out.range, out.shape = all[#all].range, {}
    for _, b in ipairs(all) do out.shape = joined(who, out.shape, b.shape or {}, 'parameters') end
  end
  return out
end

-- fn of one event for events (..., event).
local function mapped(fn, x, axes)
  local shape = x.shape
  local lead = #shape - axes
  for _ = 1, lead do fn = transform.vmap(fn) end
  return fn(x)
end

--- A bijector from one of the library, or from a user's functions of one event.
-- @tparam string who for messages
-- @tparam table given `forward`, `inverse`, and if it is known `log_det` of one event;
-- `components` (false): they are functions of single numbers, of which `rises` (true) says whether
-- they rise, and `low`, `high` where their range ends
-- @treturn bijector
-- @raise functions that are missing
-- @usage local cube = distributions.bijectors.of('my_function', { components = true,
--   forward = function(x) return x ^ 3 end, inverse = np.cbrt })
function M.of(who, given)
  if type(given) == 'table' and (given.all or type(given.name) == 'string'
    and given.name:match '^bijectors%.') then
    return given
  end
  local o = args.take(who, given, {
    forward = { 'function' }, inverse = { 'function' }, log_det = { 'function', optional = true },
    components = { 'boolean', default = false }, rises = { 'boolean', default = true },
    low = { 'number', default = -infinity, any = true },
    high = { 'number', default = infinity, any = true },
  })
  if o.components then
    return scalar('own', {
      forward = o.forward, inverse = o.inverse, rises = o.rises,
      range = function() return o.low, o.high end,
      log_det = o.log_det or function(x)
        return np.log(np.abs((select(2, transform.jvp(o.forward, { x }, { np.ones_like(x) })))))
      end,
    })
  end
  local function jacobian(x)
    if x.ndim == 0 then return np.log(np.abs(transform.grad(o.forward)(x))) end
    return (select(2, np.linalg.slogdet(transform.jacfwd(o.forward)(x))))
  end
  return {
    name = 'bijectors.own', all = true,
    of_events = function(axes)
      local function map(fn) return function(x) return mapped(fn, x, axes) end end
      return { name = 'bijectors.own', forward = map(o.forward), inverse = map(o.inverse),
        log_det = map(o.log_det or jacobian) }
    end,
  }
end

return require('imnn.args').strict('distributions.bijectors', M)
