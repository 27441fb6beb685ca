--- Priors: distributions of imnn.distributions, or small tables of functions of the parameters.
-- `prior:sample(key, n)` gives (n, P), or (P) without n; `prior:log_prob(theta)` and
-- `prior:prob(theta)` map over leading axes, (..., P) -> (...); `prior.low` and `prior.high` are
-- lists of P numbers, the grid of plots (for an unbounded prior they do not cut sampling);
-- `prior.names` are what parameters are called in sample sets, and in plots and tables unless there
-- are `prior.labels`, { 'Ω_m', 'σ_8' }. A user's own prior is a table with `sample`, `log_prob`,
-- `low` and `high`; its density is taken to end at its limits, unless `support` = { low = {...},
-- high = {...} } says where it does.
-- @module imnn.lfi.prior
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

local function distributions() return require 'imnn.distributions' end

-- One parameter is a list of one.
local function list(x) return type(x) == 'number' and { x } or x end

--- Independent uniform densities on [low, high).
-- @tparam number|table|Array low P lower limits
-- @tparam number|table|Array high P upper limits; a single number serves for all parameters
-- @tparam[opt] table opts `names`; `labels`, what plots show for them
-- @treturn prior
-- @raise limits out of order, lists of different lengths
-- @usage lfi.uniform({ -10, 0 }, { 10, 10 })
function M.uniform(low, high, opts) return distributions().uniform(list(low), list(high), opts) end

--- Independent normal densities.
-- @tparam number|table|Array loc P means
-- @tparam number|table|Array scale P standard deviations; a single number serves for all parameters
-- @tparam[opt] table opts `low`, `high`: limits of the grid of plots (loc -+ 5 scale); they do not
-- cut sampling; `names`; `labels`, what plots show for them
-- @treturn prior
-- @raise scales that are not positive, limits out of order, lists of different lengths
-- @usage lfi.normal({ 0.3, 0.8 }, 0.1)
function M.normal(loc, scale, opts) return distributions().normal(list(loc), list(scale), opts) end

--- The product of priors of different parameters, in order.
-- @tparam table priors
-- @tparam[opt] table opts `names`; `labels`, what plots show for them
-- @treturn prior of all their parameters
-- @raise entries that are no priors
-- @usage lfi.independent { lfi.uniform(0, 1), lfi.normal(0, 1) }
function M.independent(priors, opts) return distributions().independent(priors, opts) end

-- ---- what others ask of a prior ----

--- A prior of vectors: a distribution of numbers is one of vectors of one component.
-- @tparam table prior
-- @treturn prior
function M.of(prior)
  if type(prior) ~= 'table' or type(prior.event_shape) ~= 'table' or #prior.event_shape > 0 then
    return prior
  end
  return M.independent { prior }
end

--- Options of a plot, with the labels of the parameters, or their names, where it has none of its
-- own.
-- @tparam table prior
-- @tparam table|nil opts
-- @treturn table
function M.labelled(prior, opts)
  opts = opts or {}
  local labels = prior.labels or prior.names
  if not labels or type(opts) ~= 'table' or opts.axis_labels or opts.ax then return opts end
  local out = { axis_labels = labels }
  for key, value in pairs(opts) do out[key] = value end
  return out
end

--- What a parameter is called in messages.
-- @tparam table prior
-- @tparam number p
-- @treturn string
function M.name(prior, p)
  return prior.names and prior.names[p] and ('"%s"'):format(prior.names[p]) or 'parameter ' .. p
end

--- Options of a sample set, with names, labels and limits from a prior. Without labels, `names` of
-- a prior are those, "Ω m"; names in files are those without blanks, which get "_".
-- @tparam table prior
-- @tparam table opts
-- @treturn table opts
function M.described(prior, opts)
  opts.labels = prior.labels or prior.names
  if prior.names then
    opts.names = {}
    for p, name in ipairs(prior.names) do opts.names[p] = (name:gsub('%s+', '_')) end
  end
  opts.low, opts.high = M.ends(prior)
  return opts
end

-- A list of numbers of our own.
local function numbers(who, name, given)
  given = list(given)
  if np.is_array(given) then given = given:ravel():totable() end
  if type(given) ~= 'table' or #given == 0 then
    core.raise('%s: %s must be a number or a list of numbers, got %s', who, name,
      type(given) == 'table' and 'an empty list' or core.kind(given))
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
      core.kind(prior))
  end
  for _, name in ipairs { 'low', 'high' } do
    if prior[name] == nil then core.raise('%s: the prior has no limit "%s"', who, name) end
  end
  local low, high = numbers(who, 'prior.low', prior.low), numbers(who, 'prior.high', prior.high)
  if #low ~= #high then
    core.raise('%s: prior.low has %d values, prior.high has %d', who, #low, #high)
  end
  for i = 1, #low do
    if not (low[i] < high[i]) then
      core.raise('%s: low must be below high, got %g and %g for parameter %d', who, low[i], high[i],
        i)
    end
  end
  return low, high, #low
end

--- Where the density of a prior is not zero.
-- @treturn table `low` and `high`, lists of P numbers
function M.support(prior)
  if prior.support then return prior.support end
  local low, high = M.limits('prior', prior)
  return { low = low, high = high }
end

-- Whether a prior is of whole numbers, or some of its parameters are.
local function is_discrete(prior)
  local each, parts = rawget(prior, 'each'), rawget(prior, 'parts')
  if type(each) == 'table' and each.discrete then return true end
  for _, part in ipairs(type(parts) == 'table' and parts or {}) do
    if is_discrete(part) then return true end
  end
  return false
end

local function text_of(x)
  return np.is_array(x) and '(' .. table.concat(x.shape, ', ') .. ')' or core.kind(x)
end

-- Particles that are proposed would be refused for ever.
local function check_own_draws(who, prior)
  if type(prior.sample) ~= 'function' then return end
  local x = prior:sample(require('imnn.random').PRNGKey(0), 64)
  if not np.all(np.eq(M.log_prob(who, prior, x), -math.huge)):item() then return end
  core.raise('%s: log_prob(self, theta) of the prior is -infinity at each of 64 of its own draws, '
    .. 'as at %s', who, require('imnn.array.text').shape(x[1]:totable()))
end

--- Look whether a prior can do what is wanted of it.
-- @tparam string who for messages
-- @tparam table prior
-- @tparam table needs of `sample`, `log_prob`, `density` and `moves` (not of whole numbers): true
-- @raise what is missing, and what gives something of another shape
function M.check(who, prior, needs)
  local low, _, P = M.limits(who, prior)
  local event = prior.event_shape
  if type(event) == 'table' and #event > 1 then
    core.raise('%s: the prior is of arrays (%s), parameters are vectors', who,
      table.concat(event, ', '))
  end
  for _, what in ipairs { 'names', 'labels' } do
    local texts = prior[what]
    if texts ~= nil and (type(texts) ~= 'table' or #texts ~= P) then
      core.raise('%s: prior.%s must be %d texts, one for each parameter, got %s', who, what, P,
        type(texts) == 'table' and #texts or core.kind(texts))
    end
  end
  local seen = {}
  for p, name in ipairs(prior.names or {}) do
    if seen[name] then
      core.raise('%s: prior.names: parameters %d and %d are both called "%s"', who, seen[name], p,
        tostring(name))
    end
    seen[name] = p
  end
  if needs.moves and is_discrete(prior) then
    core.raise('%s: the prior is of whole numbers, and particles move by other steps; '
      .. 'ApproximateBayesianComputation takes draws of it', who)
  end
  if needs.density and is_discrete(prior) then
    core.raise('%s: the prior is of whole numbers, which no normal density is of; use with_prior '
      .. '= false', who)
  end
  if getmetatable(prior) then return end -- one of imnn.distributions
  if needs.sample then
    if type(prior.sample) ~= 'function' then
      core.raise('%s: the prior has no sample(self, key, n); give it one', who)
    end
    local key = require('imnn.random').PRNGKey(0)
    for _, n in ipairs { 2, 0 } do
      local shape = n > 0 and { n, P } or { P }
      local x = prior:sample(key, n > 0 and n or nil)
      local want = '(' .. table.concat(shape, ', ') .. ')'
      if not np.is_array(x) or text_of(x) ~= want then
        core.raise('%s: sample(self, key%s) of the prior must give an Array %s, got %s', who,
          n > 0 and ', 2' or '', want, text_of(x))
      end
    end
  end
  if needs.log_prob then
    local x = np.broadcast_to(np.array(low, 'f64'), { 2, P })
    local y = M.log_prob(who, prior, x)
    if not np.is_array(y) or text_of(y) ~= '(2)' then
      core.raise('%s: log_prob(self, theta) of the prior must give (2) for theta (2, %d), got %s',
        who, P, text_of(y))
    end
    if needs.moves then check_own_draws(who, prior) end
  end
end

--- The logarithm of the density of a prior that is the same in the whole support.
-- @treturn number|nil nil: it is not
function M.flat(who, prior)
  if not getmetatable(prior) or not rawget(prior, 'flat') then return nil end
  local s, middle = M.support(prior), {}
  for p = 1, #s.low do middle[p] = s.low[p] + (s.high[p] - s.low[p]) / 2 end
  return M.log_prob(who, prior, np.array({ middle }, 'f64')):item()
end

--- The limits that parameters cannot pass: lists of P numbers, infinite where there are none.
-- @tparam table prior
-- @treturn table low
-- @treturn table high
function M.ends(prior)
  local bounds = rawget(prior, 'bounds')
  if type(bounds) ~= 'function' then
    local support = M.support(prior)
    return support.low, support.high
  end
  local low, high = bounds 'f64'
  local function flat(x) return np.broadcast_to(x, prior.event_shape):ravel():totable() end
  return flat(low), flat(high)
end

--- The logarithm of the density of a prior at theta (..., P), from log_prob or prob.
function M.log_prob(who, prior, theta)
  if prior.log_prob then return prior:log_prob(theta) end
  if prior.prob then return np.log(prior:prob(theta)) end
  core.raise('%s: the prior has no log_prob(theta); give it one%s', who,
    who == 'GaussianApproximation' and ', or use with_prior = false' or '')
end

return M
