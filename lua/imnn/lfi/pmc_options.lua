--- What calls of PopulationMonteCarlo are given, and whether it makes sense.
-- @module imnn.lfi.pmc_options
local args = require 'imnn.args'
local core = require 'imnn.core'
local duration = require 'imnn.duration'
local samplers = require 'imnn.lfi.sampler'
local M = {}

local who = 'PopulationMonteCarlo'

--- All of them, for imnn.args.
M.rows = {
  key = { 'Array', optional = true },
  n_points = { 'integer', optional = true },
  percentile = { 'number', optional = true },
  acceptance_ratio = { 'number', optional = true },
  max_iteration = { 'integer', optional = true },
  max_acceptance = { 'integer', optional = true },
  max_samples = { 'integer', default = 100000 },
  n_initial_points = { 'integer', optional = true },
  n_parallel_simulations = { 'integer', optional = true },
  proposed = { 'Array', 'table', optional = true },
  summaries = { 'Array', 'table', optional = true },
  distances = { 'Array', 'table', optional = true },
  smoothing = { 'number', default = 0 },
  replace = { 'boolean', default = false },
  method = { 'string', default = 'pmc' },
  alpha = { 'number', optional = true },
  epsilon = { 'number', 'table', optional = true },
  kernel = { 'string', default = 'normal' },
  acceptance = { 'string', default = 'uniform' },
  distance = { 'string', default = 'given' },
  covariance = { 'Array', 'table', optional = true },
  repeats = { 'integer', default = 1 },
  transform = { 'boolean', default = true },
  min_epsilon = { 'number', optional = true },
  min_progress = { 'number', optional = true },
  max_simulations = { 'integer', optional = true },
  max_seconds = { 'number', 'string', optional = true },
  on_failure = { 'string', optional = true },
  checkpoint = { 'string', optional = true },
  every = { 'number', 'string', default = 60 },
  progress = { 'table', 'boolean', default = true },
}

local function between(o, name, low, high)
  if o[name] and not (o[name] > low and o[name] < high) then
    core.raise('%s: %s must be between %g and %g, got %g', who, name, low, high, o[name])
  end
end

local function check_numbers(o)
  between(o, 'percentile', 0, 100)
  between(o, 'alpha', 0, 1)
  for _, name in ipairs { 'max_iteration', 'max_samples', 'n_initial_points',
    'n_parallel_simulations', 'max_simulations' } do
    if o[name] and not (o[name] >= 1 and o[name] <= 2 ^ 53) then
      core.raise('%s: %s must be 1 to 2^53, got %g', who, name, o[name])
    end
  end
  for _, name in ipairs { 'acceptance_ratio', 'min_progress' } do
    if o[name] and o[name] > 1 then
      core.raise('%s: %s is a fraction, at most 1, got %g', who, name, o[name])
    end
  end
  for name, least in pairs { n_points = 2, repeats = 1 } do
    if o[name] and not (o[name] >= least and o[name] < 2 ^ 31) then
      core.raise('%s: %s must be from %d to 2^31 - 1, got %.14g', who, name, least, o[name])
    end
  end
  if o.n_points and (o.n_initial_points or o.n_points) < o.n_points then
    core.raise('%s: n_points = %d of them cannot be the nearest of n_initial_points = %d draws',
      who, o.n_points, o.n_initial_points)
  end
  for _, name in ipairs { 'acceptance_ratio', 'smoothing', 'min_epsilon', 'min_progress' } do
    if o[name] and o[name] < 0 then
      core.raise('%s: %s must not be negative, got %g', who, name, o[name])
    end
  end
  if o.max_acceptance then
    core.raise('%s: max_acceptance is not needed: points are proposed until the population is '
      .. 'full; acceptance_ratio, max_simulations and max_seconds say when to give up', who)
  end
end

--- The first epsilon, or 0; those that follow, or nil; the last of all, if it is the first.
-- @tparam table o options
function M.epsilons(o)
  if type(o.epsilon) ~= 'table' then return o.epsilon or 0 end
  local list = {}
  for i, e in ipairs(args.list(who, 'epsilon', o.epsilon)) do
    if type(e) ~= 'number' or not (e > 0 and e < (list[i - 1] or math.huge)) then
      core.raise('%s: epsilon must be positive numbers that fall, got %s as number %d', who,
        tostring(e), i)
    end
    list[i] = e
  end
  if #list == 0 then core.raise('%s: epsilon is an empty list', who) end
  if o.method == 'smc' then return 0, list end
  local rest = { unpack(list, 2) }
  return list[1], #rest > 0 and rest or nil, #rest == 0 and list[1] or nil
end

--- Options that belong together; `goes_on`: whether they go on from the last call.
-- @tparam PMC self
-- @tparam table opts as a script gave them
-- @treturn table
-- @raise what makes no sense
function M.take(self, opts)
  local o = args.take(who, opts, M.rows)
  check_numbers(o)
  if o.method ~= 'pmc' and o.method ~= 'smc' then
    args.choice(who, 'method', o.method, { pmc = 1, smc = 1 })
  end
  args.choice(who, 'kernel', o.kernel, samplers.proposals)
  args.choice(who, 'acceptance', o.acceptance, samplers.acceptances)
  args.choice(who, 'distance', o.distance, samplers.distances)
  if o.on_failure then
    args.choice(who, 'on_failure', o.on_failure, { fail = true, drop = true, retry = true })
  end
  if o.percentile and o.alpha then
    core.raise('%s: percentile and alpha are the same: give one of them', who)
  end
  o.alpha = o.percentile and o.percentile / 100 or o.alpha
  if (o.proposed == nil) ~= (o.summaries == nil) then
    core.raise('%s: proposed and summaries belong together; %s is missing', who,
      o.proposed and 'summaries' or 'proposed')
  end
  if o.distances and not o.proposed then
    core.raise('%s: distances belong to proposed and summaries, which are missing', who)
  end
  if (o.distance == 'mahalanobis') ~= (o.covariance ~= nil) then
    core.raise("%s: distance = 'mahalanobis' and covariance, that of the summaries, belong "
      .. 'together', who)
  end
  for _, name in ipairs { 'max_seconds', 'every' } do
    if type(o[name]) == 'string' then o[name] = duration.parse(who, name, o[name]) end
    if o[name] and (o[name] < 0 or o[name] == 0 and name ~= 'every') then
      core.raise('%s: %s must be positive, got %g', who, name, o[name])
    end
  end
  o.goes_on = self.samplers and not o.replace and not o.n_initial_points
    and not o.proposed and o.epsilon == nil
  if not o.goes_on and (not o.key or not o.n_points) then
    core.raise('%s: key and n_points are needed to begin; %s is missing', who,
      o.key and 'n_points' or 'key')
  end
  if not self.simulator and not o.goes_on and not o.proposed then
    core.raise('%s: there is no simulator; give proposed and summaries', who)
  end
  return o
end

--- When to stop, for imnn.lfi.sampler.
-- @tparam table o options
-- @tparam integer generations that there are
-- @treturn table
function M.limits(o, generations)
  local pmc = o.method == 'pmc'
  return {
    min_acceptance = o.acceptance_ratio or (pmc and 0.1 or 0.001),
    min_epsilon = o.min_epsilon or false, min_progress = o.min_progress,
    max_seconds = o.max_seconds or false, max_simulations = o.max_simulations or false,
    max_generations = generations + (o.max_iteration or pmc and 10 or 200),
  }
end

return M
