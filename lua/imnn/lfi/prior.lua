--- Priors: small tables of functions of the parameters.
-- `prior:sample(key, n)` gives (n, P), or (P) without n; `prior:log_prob(theta)` maps over leading
-- axes, (..., P) -> (...); `prior.low` and `prior.high` are tables of P numbers, the grid of plots
-- (for an unbounded prior they do not cut sampling).
-- @module imnn.lfi.prior
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local M = {}

local Prior = {}
Prior.__index = Prior

local function numbers(who, name, v)
  if type(v) == 'number' then return { v } end
  if np.is_array(v) then v = v:totable() end
  if type(v) ~= 'table' then
    core.raise('%s: %s must be a number or a list of numbers, got %s', who, name, type(v))
  end
  for i, x in ipairs(v) do
    if type(x) ~= 'number' or x ~= x then
      core.raise('%s: %s[%d] must be a number, got %s', who, name, i, tostring(x))
    end
  end
  return v
end

-- Lists of equal length; a single number serves for all.
local function stretch(who, a, b, names)
  local n = math.max(#a, #b)
  for k, list in ipairs { a, b } do
    if #list ~= n and #list ~= 1 then
      core.raise('%s: %s has %d values, %s has %d', who, names[1], #a, names[2], #b)
    end
    if n == 0 then core.raise('%s: %s is empty', who, names[k]) end
    for i = #list + 1, n do list[i] = list[1] end
  end
  return n
end

local function copy(list)
  local out = {}
  for i, v in ipairs(list) do out[i] = v end
  return out
end

local function check_order(who, low, high)
  for i = 1, #low do
    if not (low[i] < high[i]) then
      core.raise('%s: low must be below high, got %g and %g for parameter %d', who, low[i], high[i],
        i)
    end
  end
end

local function new(fields)
  fields.n_params = #fields.low
  fields.event_shape = { fields.n_params }
  return setmetatable(fields, Prior)
end

--- Density, from log_prob.
function Prior:prob(theta) return np.exp(self:log_prob(theta)) end

local function shape_of(n, P)
  if n == nil then return { P } end
  if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
    core.raise('prior.sample: n must be a whole number, got %s', tostring(n))
  end
  return { n, P }
end

-- Whether theta fits P parameters.
local function check_theta(who, theta, P)
  if not np.is_array(theta) then theta = np.array(theta) end
  local shape = theta.shape
  if shape[#shape] ~= P then
    core.raise('%s: the prior has %d parameters, got theta of shape (%s)', who, P,
      table.concat(shape, ', '))
  end
  return theta
end

--- Independent uniform densities on [low, high).
-- @tparam number|table|Array low P lower limits
-- @tparam number|table|Array high P upper limits
-- @treturn prior
-- @raise limits out of order, lists of different lengths
-- @usage lfi.uniform({ -10, 0 }, { 10, 10 })
function M.uniform(low, high)
  low, high = copy(numbers('lfi.uniform', 'low', low)), copy(numbers('lfi.uniform', 'high', high))
  local P = stretch('lfi.uniform', low, high, { 'low', 'high' })
  check_order('lfi.uniform', low, high)
  local volume = 0
  for i = 1, P do volume = volume + math.log(high[i] - low[i]) end
  local lower, upper = np.array(low), np.array(high)
  return new {
    low = low, high = high, name = 'uniform',
    sample = function(_, key, n)
      return random.uniform(key, shape_of(n, P), { minval = lower, maxval = upper })
    end,
    log_prob = function(_, theta)
      theta = check_theta('prior.log_prob', theta, P)
      local inside = np.logical_and(np.ge(theta, lower:astype(theta.dtype)),
        np.le(theta, upper:astype(theta.dtype)))
      return np.where(np.all(inside, { axis = -1 }), -volume, -math.huge)
    end,
  }
end

--- Independent normal densities.
-- @tparam number|table|Array loc P means
-- @tparam number|table|Array scale P standard deviations
-- @tparam[opt] table opts `low`, `high`: limits of the grid of plots (loc -+ 5 scale); they do not
-- cut sampling
-- @treturn prior
function M.normal(loc, scale, opts)
  local o = args.take('lfi.normal', opts, {
    low = { 'number', 'table', 'Array', optional = true },
    high = { 'number', 'table', 'Array', optional = true },
  })
  loc, scale = copy(numbers('lfi.normal', 'loc', loc)), copy(numbers('lfi.normal', 'scale', scale))
  local P = stretch('lfi.normal', loc, scale, { 'loc', 'scale' })
  local low, high, constant = {}, {}, 0
  for i = 1, P do
    if not (scale[i] > 0) then
      core.raise('lfi.normal: scale must be positive, got %g for parameter %d', scale[i], i)
    end
    low[i], high[i] = loc[i] - 5 * scale[i], loc[i] + 5 * scale[i]
    constant = constant - math.log(scale[i]) - 0.5 * math.log(2 * math.pi)
  end
  if o.low then low = copy(numbers('lfi.normal', 'low', o.low)) end
  if o.high then high = copy(numbers('lfi.normal', 'high', o.high)) end
  if #low ~= P or #high ~= P then
    core.raise('lfi.normal: low and high must have %d values, got %d and %d', P, #low, #high)
  end
  check_order('lfi.normal', low, high)
  local mean, deviation = np.array(loc), np.array(scale)
  return new {
    low = low, high = high, name = 'normal',
    sample = function(_, key, n)
      return mean + deviation * random.normal(key, shape_of(n, P))
    end,
    log_prob = function(_, theta)
      theta = check_theta('prior.log_prob', theta, P)
      local z = (theta - mean) / deviation
      return constant - 0.5 * (z * z):sum { axis = -1 }
    end,
  }
end

--- The product of priors of different parameters, in order.
-- @tparam table list priors
-- @treturn prior of all their parameters
-- @usage lfi.independent { lfi.uniform(0, 1), lfi.normal(0, 1) }
function M.independent(list)
  if type(list) ~= 'table' or #list == 0 then
    core.raise('lfi.independent: needs a list of priors, got %s', type(list))
  end
  local low, high, first = {}, {}, {}
  for i, p in ipairs(list) do
    if type(p) ~= 'table' or not p.sample or not p.log_prob or not p.low or not p.high then
      core.raise('lfi.independent: entry %d is no prior (sample, log_prob, low, high)', i)
    end
    first[i] = #low + 1
    for k = 1, #p.low do low[#low + 1], high[#high + 1] = p.low[k], p.high[k] end
  end
  local function part(theta, i)
    return theta[{ '...', { first[i], first[i] + #list[i].low - 1 } }]
  end
  return new {
    low = low, high = high, name = 'independent',
    sample = function(_, key, n)
      if #list == 1 then return list[1]:sample(key, n) end
      local keys, parts = random.split(key, #list), {}
      for i, p in ipairs(list) do parts[i] = p:sample(keys[i], n) end
      return np.concatenate(parts, -1)
    end,
    log_prob = function(_, theta)
      theta = check_theta('prior.log_prob', theta, #low)
      local sum = list[1]:log_prob(part(theta, 1))
      for i = 2, #list do sum = sum + list[i]:log_prob(part(theta, i)) end
      return sum
    end,
  }
end

--- Check what a user gives as a prior.
-- @treturn table low, table high, number of parameters
-- @raise what is missing, limits out of order
function M.limits(who, prior)
  if type(prior) ~= 'table' then core.raise('%s: prior must be a prior, got %s', who, type(
    prior)) end
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

return M
