--- Priors: small tables of functions of the parameters.
-- `prior:sample(key, n)` gives (n, P), or (P) without n; `prior:log_prob(theta)` and
-- `prior:prob(theta)` map over leading axes, (..., P) -> (...); `prior.low` and `prior.high` are
-- lists of P numbers, the grid of plots (for an unbounded prior they do not cut sampling). A
-- user's own prior is a table with `sample`, `log_prob`, `low` and `high`; its density is taken to
-- end at its limits, unless `support` = { low = {...}, high = {...} } says where it does.
-- @module imnn.lfi.prior
local args = require 'imnn.args'
local core = require 'imnn.core'
local floats = require('imnn.numpy.operands').floats
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local M = {}

local Prior = {}
Prior.__index = Prior

-- ---- what is given ----

-- A list of numbers of our own.
local function numbers(who, name, given)
  if type(given) == 'number' then given = { given } end
  if np.is_array(given) then given = given:ravel():totable() end
  if type(given) ~= 'table' or #given == 0 then
    core.raise('%s: %s must be a number or a list of numbers, got %s', who, name,
      type(given) == 'table' and 'an empty list' or type(given))
  end
  local out = {}
  for i, x in ipairs(given) do
    if type(x) ~= 'number' or x - x ~= 0 then
      core.raise('%s: %s[%d] must be a finite number, got %s', who, name, i, tostring(x))
    end
    out[i] = x
  end
  return out
end

-- Two lists of equal length; a single number serves for all.
local function pair(who, names, a, b)
  a, b = numbers(who, names[1], a), numbers(who, names[2], b)
  local n = math.max(#a, #b)
  for _, list in ipairs { a, b } do
    for i = 2, #list == 1 and n or 1 do list[i] = list[1] end
  end
  if #a ~= #b then
    core.raise('%s: %s has %d values, %s has %d', who, names[1], #a, names[2], #b)
  end
  return a, b
end

local function check_order(who, low, high)
  for i = 1, #low do
    if not (low[i] < high[i]) then
      core.raise('%s: low must be below high, got %g and %g for parameter %d', who, low[i], high[i],
        i)
    end
  end
end

local function sample_shape(n, P)
  if n == nil then return { P } end
  if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
    core.raise('prior.sample: n must be a whole number, got %s', tostring(n))
  end
  return { n, P }
end

-- Parameters (..., P) as real numbers.
local function points(theta, P)
  theta = floats(theta, 'prior.log_prob')
  local shape = theta.shape
  if shape[#shape] ~= P then
    core.raise('prior.log_prob: the prior has %d parameters, got theta of shape (%s)', P,
      table.concat(shape, ', '))
  end
  return theta
end

-- ---- priors ----

local function new(fields)
  fields.n_params = #fields.low
  fields.event_shape = { fields.n_params }
  return setmetatable(fields, Prior)
end

--- Density, from log_prob.
function Prior:prob(theta) return np.exp(self:log_prob(theta)) end

--- Independent uniform densities on [low, high).
-- @tparam number|table|Array low P lower limits
-- @tparam number|table|Array high P upper limits; a single number serves for all parameters
-- @treturn prior
-- @raise limits out of order, lists of different lengths
-- @usage lfi.uniform({ -10, 0 }, { 10, 10 })
function M.uniform(low, high)
  low, high = pair('lfi.uniform', { 'low', 'high' }, low, high)
  check_order('lfi.uniform', low, high)
  local P, log_volume = #low, 0
  for i = 1, P do log_volume = log_volume + math.log(high[i] - low[i]) end
  local lowest, highest = np.array(low), np.array(high)
  return new {
    name = 'uniform', low = low, high = high, support = { low = low, high = high },
    sample = function(_, key, n)
      return random.uniform(key, sample_shape(n, P), { minval = lowest, maxval = highest })
    end,
    log_prob = function(_, theta)
      theta = points(theta, P)
      local dtype = theta.dtype -- of the limits, too: 0.1 is two numbers
      local inside = np.logical_and(np.ge(theta, np.array(low, dtype)),
        np.le(theta, np.array(high, dtype)))
      return np.where(np.all(inside, { axis = -1 }), np.array(-log_volume, dtype), -math.huge)
    end,
  }
end

local REACH = 8.5 -- standard deviations: beyond them a density is no part of a sum of doubles

--- Independent normal densities.
-- @tparam number|table|Array loc P means
-- @tparam number|table|Array scale P standard deviations; a single number serves for all parameters
-- @tparam[opt] table opts `low`, `high`: limits of the grid of plots (loc -+ 5 scale); they do not
-- cut sampling
-- @treturn prior
-- @raise scales that are not positive, limits out of order, lists of different lengths
-- @usage lfi.normal({ 0.3, 0.8 }, 0.1)
function M.normal(loc, scale, opts)
  local who = 'lfi.normal'
  local o = args.take(who, opts, {
    low = { 'number', 'table', 'Array', optional = true },
    high = { 'number', 'table', 'Array', optional = true },
  })
  loc, scale = pair(who, { 'loc', 'scale' }, loc, scale)
  local P, constant, support = #loc, 0, { low = {}, high = {} }
  local low, high = {}, {}
  for i = 1, P do
    if not (scale[i] > 0) then
      core.raise('%s: scale must be positive, got %g for parameter %d', who, scale[i], i)
    end
    low[i], high[i] = loc[i] - 5 * scale[i], loc[i] + 5 * scale[i]
    support.low[i], support.high[i] = loc[i] - REACH * scale[i], loc[i] + REACH * scale[i]
    constant = constant - math.log(scale[i]) - 0.5 * math.log(2 * math.pi)
  end
  low = numbers(who, 'low', o.low or low)
  high = numbers(who, 'high', o.high or high)
  if #low ~= P or #high ~= P then
    core.raise('%s: low and high must have %d values, got %d and %d', who, P, #low, #high)
  end
  check_order(who, low, high)
  local mean, deviation = np.array(loc), np.array(scale)
  return new {
    name = 'normal', low = low, high = high, support = support,
    sample = function(_, key, n)
      return mean + deviation * random.normal(key, sample_shape(n, P))
    end,
    log_prob = function(_, theta)
      theta = points(theta, P)
      local z = (theta - np.array(loc, theta.dtype)) / np.array(scale, theta.dtype)
      return constant - 0.5 * (z * z):sum { axis = -1 }
    end,
  }
end

local function check_part(i, p)
  if type(p) ~= 'table' or not (p.sample and p.log_prob and p.low and p.high) then
    core.raise('lfi.independent: entry %d is no prior { sample, log_prob, low, high }', i)
  end
end

-- The limits of the parts, one after the other, and where those of each begin.
local function join(list)
  local low, high, support, first = {}, {}, { low = {}, high = {} }, {}
  for i, p in ipairs(list) do
    check_part(i, p)
    local l, h, P = M.limits('lfi.independent', p)
    local s = M.support(p)
    first[i] = #low + 1
    for k = 1, P do
      low[#low + 1], high[#high + 1] = l[k], h[k]
      support.low[#low], support.high[#low] = s.low[k], s.high[k]
    end
  end
  first[#list + 1] = #low + 1
  return low, high, support, first
end

--- The product of priors of different parameters, in order.
-- @tparam table list priors
-- @treturn prior of all their parameters
-- @raise entries that are no priors
-- @usage lfi.independent { lfi.uniform(0, 1), lfi.normal(0, 1) }
function M.independent(list)
  if type(list) ~= 'table' or #list == 0 then
    core.raise('lfi.independent: needs a list of priors, got %s',
      type(list) == 'table' and 'none' or type(list))
  end
  local low, high, support, first = join(list)
  return new {
    name = 'independent', low = low, high = high, support = support,
    sample = function(_, key, n)
      local keys, parts = random.split(key, #list), {}
      for i, p in ipairs(list) do parts[i] = p:sample(keys[i], n) end
      return np.concatenate(parts, -1)
    end,
    log_prob = function(_, theta)
      theta = points(theta, #low)
      local sum
      for i, p in ipairs(list) do
        local log_p = p:log_prob(theta[{ '...', { first[i], first[i + 1] - 1 } }])
        sum = sum and sum + log_p or log_p
      end
      return sum
    end,
  }
end

-- ---- what others ask of a prior ----

--- The limits of a prior, checked.
-- @tparam string who for messages
-- @tparam table prior
-- @treturn table low
-- @treturn table high
-- @treturn number P
-- @raise what is missing, limits out of order
function M.limits(who, prior)
  if type(prior) ~= 'table' then
    core.raise('%s: prior must be a table { sample, log_prob, low, high }, got %s', who,
      type(prior))
  end
  for _, name in ipairs { 'low', 'high' } do
    if prior[name] == nil then core.raise('%s: the prior has no limit "%s"', who, name) end
  end
  local low, high = numbers(who, 'prior.low', prior.low), numbers(who, 'prior.high', prior.high)
  if #low ~= #high then
    core.raise('%s: prior.low has %d values, prior.high has %d', who, #low, #high)
  end
  check_order(who, low, high)
  return low, high, #low
end

--- Where the density of a prior is not zero.
-- @treturn table `low` and `high`, lists of P numbers
function M.support(prior)
  if prior.support then return prior.support end
  local low, high = M.limits('prior', prior)
  return { low = low, high = high }
end

--- The logarithm of the density of a prior at theta (..., P), from log_prob or prob.
function M.log_prob(who, prior, theta)
  if prior.log_prob then return prior:log_prob(theta) end
  if prior.prob then return np.log(prior:prob(theta)) end
  core.raise('%s: the prior has no log_prob(theta); give it one, or use with_prior = false', who)
end

return M
