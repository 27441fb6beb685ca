--- Population Monte Carlo and adaptive sequential Monte Carlo: populations of particles that come
-- closer to the data generation by generation, with weights that keep them posteriors.
--
-- Attributes beside those of imnn.lfi.problem and imnn.lfi.posterior; all by target, in lists of T:
-- epsilon, ess (effective sample size), reason (why it stopped: the option that asked for it, or
-- 'complete', 'weights', 'interrupted' by ctrl-C, 'failed'), generations: lists of { epsilon,
-- acceptance, ess, simulations, proposals, accepted, failed, seconds, sweeps }, the first one,
-- `generation` 0, of the prior; one that is not whole has `nearest`, its shortest distance;
-- log_weights: Arrays (n), of weights that add up to 1; acceptance_reached, iterations,
-- total_draws: of the last generation, how many there are without the first, and simulations of
-- all. `parameters`, `summaries`, `distances` have `accepted`: lists of T Arrays (n, P), (n, S),
-- (n), `n_accepted`, `epsilon` and `size`. `simulations`: how many were made for all targets;
-- `failed`: how many of them could not be made and were left out; `warnings`: sentences about
-- simulations that tell nothing about the parameters, as stderr says them, too.
-- @module imnn.lfi.pmc
local args = require 'imnn.args'
local core = require 'imnn.core'
local ending = require 'imnn.ending'
local alike = require 'imnn.lfi.alike'
local answers = require 'imnn.lfi.answers'
local checkpoint = require 'imnn.lfi.checkpoint'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local np = require 'imnn.numpy'
local options = require 'imnn.lfi.pmc_options'
local posterior = require 'imnn.lfi.posterior'
local prior = require 'imnn.lfi.prior'
local problem = require 'imnn.lfi.problem'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local samplers = require 'imnn.lfi.sampler'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local warning = require 'imnn.lfi.warn'
local C = core.C
local M = {}

local who = 'PopulationMonteCarlo'
local PMC = posterior.class {}
local columns = { 'parameters', 'summaries', 'distances' }

-- ---- samplers ----

local function metric_of(self, o, t)
  if o.distance == 'mahalanobis' then
    local V = require('imnn.lfi.matrix').read(who, 'covariance', o.covariance, 1,
      self.n_summaries)
    return np.linalg.inv(V[1])
  end
  return self.F and self.F[t] -- by which a checkpoint is known
end

local function words(key)
  local list = key:totable()
  return { list[1], list[2] }
end

local function new_samplers(self, o)
  local keys, list = random.split(o.key, self.n_targets + 1), {}
  local epsilon, schedule, last = options.epsilons(o)
  if last then o.min_epsilon = math.max(o.min_epsilon or 0, last) end
  local low, high = prior.ends(self.prior)
  local flat = prior.flat(who, self.prior)
  for t = 1, self.n_targets do
    list[t] = samplers.new {
      who = who, method = o.method, n = o.n_points, n_params = self.n_params,
      n_summaries = self.n_summaries, key = words(keys[t + 1]), shared_key = words(keys[1]),
      repeats = o.repeats, pilot = o.n_initial_points or 0, epsilon = epsilon,
      schedule = schedule, alpha = o.alpha, proposal = o.kernel, acceptance = o.acceptance,
      distance = o.distance, target = self.target_summaries[t], metric = metric_of(self, o, t),
      max_tries = o.max_samples, limits = options.limits(o, 0), low = low, high = high,
      transform = o.transform, log_prior = flat,
    }
  end
  return list
end

-- ---- simulations that tell nothing ----

local ENOUGH = 1000 -- simulations that are a warning, whatever comes after them

-- What the first generation is looked at for: distances, or summaries where distances are of the
-- sampler's own making.
local function begin_alike(self, o)
  self.alike = {}
  for t = 1, self.n_targets do
    self.alike[t] = (o.distance == 'given' or t == 1) and alike()
  end
  self.warnings, self.warn = warning(who, false)
end

-- More of the first generation, drawn from the prior: distances (n) of target t, summaries (n, S).
local function look(self, t, o, d, s, failed)
  local seen, given = self.alike[t], self.settings.distance == 'given'
  if not seen then return end
  seen:add(given and d or s, failed)
  local over = seen.count >= ENOUGH or self.samplers[t]:generations() > 0
  if not (seen.differ or over) then return end
  self.alike[t] = false
  local sentence = seen:sentence(given and t or nil)
  if not sentence then return end
  if o.progress then progress.clear(type(o.progress) == 'table' and o.progress or {}) end
  self.warn('%s', sentence)
end

-- What a checkpoint has beside the samplers.
local function record_of(self)
  local seen = {}
  for t, one in ipairs(self.alike) do seen[t] = one and one:record() end
  return { simulations = self.simulations, failed = self.failed, warnings = self.warnings,
    alike = seen, of = self.identity }
end

-- Go on from it. A new call says again what was said.
local function resume(self, found, o)
  for _, sampler in ipairs(self.samplers) do
    sampler:resume(options.limits(o, o.goes_on and sampler:generations() - 1 or 0))
  end
  if not found then return end
  self.simulations, self.failed = found.simulations or 0, found.failed or 0
  for t, sampler in ipairs(self.samplers) do
    local seen = found.alike and found.alike[t] -- older files have none: the first ones are unseen
    if seen then self.alike[t] = alike(seen)
    elseif found.alike or sampler:simulations() > 0 then self.alike[t] = false end
  end
  if o.goes_on then return end
  for _, sentence in ipairs(found.warnings or {}) do self.warn('%s', sentence) end
end

-- Rows that the user has made before are the first population.
local function begin_premade(self, o)
  local theta, s = np.array(o.proposed, 'f64'), np.array(o.summaries, 'f64')
  local a, b = theta.shape, s.shape
  if #a ~= 2 or a[2] ~= self.n_params or #b ~= 2 or b[2] ~= self.n_summaries or a[1] ~= b[1] then
    core.raise('%s: proposed must be (n, %d) and summaries (n, %d), got %s and %s', who,
      self.n_params, self.n_summaries, text(a), text(b))
  end
  for name, x in pairs { proposed = theta, summaries = s } do
    local at = tonumber(C.imnn_array_nonfinite(x.array))
    if at >= 0 then
      core.raise('%s: %s holds a number that is not finite, in row %d', who, name,
        math.floor(at / x.shape[2]) + 1)
    end
  end
  if o.n_initial_points or o.repeats > 1 then
    core.raise('%s: proposed says what the initial points are; %s is not for them', who,
      o.n_initial_points and 'n_initial_points' or 'repeats')
  end
  local d = o.distances and np.array(o.distances, 'f64')
    or transform.vmap(self.distances_of)(s):transpose()
  if d.ndim == 1 and self.n_targets == 1 then d = d:reshape { 1, #d } end
  if text(d.shape) ~= text { self.n_targets, a[1] } then
    core.raise('%s: distances must be (%d, %d), got %s', who, self.n_targets, a[1], text(d.shape))
  end
  local l = prior.log_prob(who, self.prior, theta)
  local least = l:min():item()
  if not (least > -math.huge) then
    local row = np.argmin(l):item()
    core.raise('%s: proposed are draws of the prior, but row %d, %s, is outside of it', who, row,
      text(theta[row]:totable()))
  end
  for t, sampler in ipairs(self.samplers) do
    sampler:begin(theta, s, d[t] + 0, l)
    look(self, t, o, d[t], s)
  end
end

-- ---- running ----

local function line_of(self, t, o)
  local sampler = self.samplers[t]
  local g = sampler:generation(sampler:generations()) or sampler:generation(
    sampler:generations() - 1)
  local last = sampler:generation(sampler:generations() - 1)
  local accepted, wanted, closest = sampler:progress()
  local none = self.settings.method == 'pmc' and accepted == 0 and closest < math.huge
  local nearest = none and ('  nearest %.4g'):format(closest) or ''
  local spent = math.max(C.imnn_seconds() - self.started, 1e-9)
  local made = sampler:simulations() - self.before[t]
  local left = ''
  if o.max_seconds then left = ('  %.0f s left'):format(math.max(o.max_seconds - spent, 0))
  elseif o.max_simulations and made > 0 then
    left = ('  %.0f s left at most'):format(math.max(o.max_simulations - sampler:simulations(), 0)
      * spent / made)
  end
  return '%sgeneration %d  epsilon %.4g%s  %d of %d  acceptance %.3g  ESS %.0f  %d simulations  '
    .. '%.3g a second%s', self.n_targets > 1 and ('target %d  '):format(t) or '', g.generation,
    g.epsilon, nearest, accepted, wanted, g.acceptance, last and last.ess or 0,
    sampler:simulations(), made / spent, left
end

-- The answer to what one sampler asks, for all targets.
local function answer(self, kind, n, keys, theta, show, label)
  if kind == 'draw' then return { theta = self.answers:draw(n, keys) } end
  if kind == 'density' then return { log_prior = self.answers:density(n, theta) } end
  local s, d, failed = self.answers:simulate(n, keys, theta, show, label)
  self.simulations = self.simulations + n
  if failed then
    for i = 0, n - 1 do self.failed = self.failed + failed[i] end
  end
  return { summaries = s, distances = d, failed = failed }
end

local function tell(self, t, a, o)
  local d = a.distances and (a.distances[{ {}, t }]:astype 'f64' + 0)
  self.samplers[t]:tell { theta = a.theta, log_prior = a.log_prior, summaries = a.summaries,
    distances = d, failed = a.failed }
  if d then look(self, t, o, d, a.summaries, a.failed) end
end

-- One question of sampler t. false: it has none.
local function step(self, t, o, show)
  local kind, n, keys, theta = self.samplers[t]:ask(self.batch)
  if kind == 'done' then return false end
  local format = { line_of(self, t, o) }
  tell(self, t, answer(self, kind, n, keys, theta, show,
    self.answers.black and format[1]:format(unpack(format, 2)) or nil), o)
  show(line_of(self, t, o))
  return true
end

-- The first generation is the same draws for all: one question, T answers.
local function step_together(self, o, show)
  local kind, n, keys, theta = self.samplers[1]:ask(self.batch)
  if kind == 'done' then return false end
  for t = 2, self.n_targets do
    local other, m = self.samplers[t]:ask(self.batch)
    if other ~= kind or m ~= n then
      error(('target %d asks for %s of %s'):format(t, m, other)) -- it cannot
    end
  end
  local a = answer(self, kind, n, keys, theta, show)
  for t = 1, self.n_targets do tell(self, t, a, o) end
  show(line_of(self, 1, o))
  return true
end

local function are_together(self, o)
  if self.n_targets == 1 or type(o.epsilon) == 'number' or type(o.epsilon) == 'table'
    and o.method == 'pmc' then
    return false
  end
  for _, sampler in ipairs(self.samplers) do
    if sampler:generations() > 0 or sampler:reason() ~= 'running' then return false end
  end
  return true
end

-- All targets in turn, a batch each, so that a limit of time finds them equally far.
local function run(self, o, show, keep)
  local running = true
  local function boundary()
    if keep then keep(false) end
    if keep and ending.asked() then return true end
    core.poll()
  end
  while are_together(self, o) and step_together(self, o, show) do
    if boundary() then return keep(true) end
  end
  while running do
    running = false
    for t = 1, self.n_targets do
      if step(self, t, o, show) then
        running = true
        if boundary() then return keep(true) end
      end
    end
  end
  if keep then keep(true) end
end

-- ---- results ----

-- Limits of imnn.lfi.sampler whose options have other names.
local options_of = { min_acceptance = 'acceptance_ratio', max_generations = 'max_iteration' }

local aliases = {
  __index = function(column, key)
    local name = args.spelling[key]
    return name and rawget(column, name)
  end,
}

-- Why a target stopped, by the name of the option that says so. `why`: an error ended the call.
local function reason_of(self, sampler, why)
  if not self.simulator then return 'complete' end -- that is all there is
  local reason = sampler:reason()
  if reason == 'running' and why then
    return tostring(why):find 'interrupted$' and 'interrupted' or 'failed'
  end
  return options_of[reason] or reason
end

local function publish(self, smoothing, why)
  local found = {}
  for _, name in ipairs(columns) do
    self[name] = setmetatable({ accepted = {}, n_accepted = {}, epsilon = {} }, aliases)
  end
  for _, name in ipairs { 'epsilon', 'ess', 'reason', 'generations', 'log_weights',
    'acceptance_reached', 'iterations', 'total_draws' } do
    self[name] = {}
  end
  for t, sampler in ipairs(self.samplers) do
    local p = sampler:particles()
    found[t] = p
    for _, name in ipairs(columns) do
      local column = self[name]
      column.accepted[t], column.n_accepted[t], column.epsilon[t] = p[name], p.n, p.epsilon
      column.size = p.n
    end
    self.epsilon[t], self.ess[t], self.log_weights[t] = p.epsilon, p.ess, p.log_weights
    self.reason[t] = reason_of(self, sampler, why)
    self.iterations[t] = math.max(sampler:generations() - 1, 0)
    self.total_draws[t] = sampler:simulations()
    local list, i = {}, 0
    repeat
      list[i + 1] = sampler:generation(i)
      i = i + 1
    until not list[i]
    if #list > sampler:generations() then list[#list].nearest = select(3, sampler:progress()) end
    self.generations[t] = list
    self.acceptance_reached[t] = list[math.max(sampler:generations(), 1)].acceptance
  end
  self.found, self.smoothing = found, smoothing
  self.marginals = marginals.from_points(self.parameters.accepted, self.ranges, smoothing,
    self.log_weights)
end

--- The particles of a target as a sample set.
-- @tparam[opt=1] integer target
-- @treturn SampleSet with weights, summaries, distances, the generation, and the origin: method,
-- settings, key, simulations, version
-- @raise a target that is not there, no call yet
-- @usage local set = pmc:samples()
-- set:mean()
function PMC:samples(target)
  if not self.found then core.raise 'samples: there are none yet: call it with key and n_points' end
  target = args.argument('samples', 'target', target, { 'integer', default = 1 })
  local t = self:target_choice(target)[1]
  local p, failed = self.found[t], 0
  for _, g in ipairs(self.generations[t]) do failed = failed + g.failed end
  return require('imnn.samples')(prior.described(self.prior, {
    parameters = p.parameters, log_weights = p.log_weights, summaries = p.summaries,
    distances = p.distances, generation = p.generation,
    origin = { method = self.settings.method, settings = self.settings, target = t,
      key = self.key, epsilon = p.epsilon, simulations = self.total_draws[t], failed = failed,
      reason = self.reason[t],
      version = require('imnn').version() },
  }))
end

-- What is worth noting of the options.
local function settings_of(o)
  local out = {}
  for _, name in ipairs { 'method', 'n_points', 'n_initial_points', 'alpha', 'kernel',
    'acceptance', 'distance', 'repeats', 'transform' } do
    out[name] = o[name]
  end
  out.key = o.key and words(o.key)
  return out
end

-- ---- the call ----

local function begin(self, o)
  self.samplers = new_samplers(self, o)
  self.simulations, self.failed, self.settings = 0, 0, settings_of(o)
  self.key = o.key
  self.batch = o.n_parallel_simulations
    or require('imnn.simulators.object').is(self.simulator) and 256 or 16384
  self.answers = answers.new(who, self, self.batch)
  begin_alike(self, o)
end

local function go_on(self, o)
  for _, name in ipairs { 'n_points', 'method', 'kernel', 'transform' } do
    local was = self.settings[name]
    if o[name] ~= nil and o[name] ~= options.rows[name].default and o[name] ~= was then
      core.raise('%s: it goes on with %s = %s; replace = true begins again', who, name,
        tostring(was))
    end
  end
  o.method = self.settings.method
  for _, sampler in ipairs(self.samplers) do
    sampler:resume(options.limits(o, math.max(sampler:generations() - 1, 0)))
  end
end

--- Draw populations.
-- The first one is the `n_points` nearest of `n_initial_points` draws of the prior, or what is
-- `proposed`. Then epsilon falls, generation by generation, to the `percentile` of the distances;
-- points are proposed around those of the last generation, chosen by weight, until the population
-- is full; their weights are prior over the density of all proposals (Beaumont et al. 2009,
-- Biometrika 96, 983). Proposals where the prior is lower than is usual at the points of the last
-- generation, and which would weigh less than those, are simulated as seldom as they would, and
-- weigh more for it. Whatever ends it inside a generation, the last whole one is the result.
-- Another call goes on from there, unless it says how to begin. Targets share the first generation.
-- @tparam table opts `key`; `n_points`; `n_initial_points` (n_points); `percentile` (50), or
-- `alpha` (0.5; of 'smc' what is left of the effective sample size, 0.9); `acceptance_ratio` (0.1;
-- smc 0.001): stop when no larger part is accepted (0: of 10^7, if neither `max_seconds` nor
-- `max_simulations` is given); `max_iteration` (10; smc 200): generations in
-- this call; `max_samples` (100000): proposals outside of the prior in a row that are an error (ten
-- times as many of all points that are proposed at a time); `n_parallel_simulations` (16384; black
-- boxes 256): simulations that are made together, which changes no result; `proposed` (n, P),
-- `summaries` (n, S) and `distances` (T, n): draws of the prior that were made before; `smoothing`
-- (0) of the marginals, in bins; `replace`: begin again;
-- `method` ('pmc' or 'smc': Del Moral et al. 2012, Stat. Comput. 22, 1009); `epsilon`: the first
-- one, or a list of all; `kernel` ('normal': twice the covariance of all points; 'student', its
-- tails of 5 degrees of freedom; 'uniform'; 'local': moments around each point of those within the
-- next epsilon; 'nearest': twice the covariance of the quarter of them that is nearest, for
-- posteriors that are bent or in pieces);
-- `acceptance` ('uniform', 'triangular', 'epanechnikov'): how a simulation counts within epsilon;
-- `transform` (true): parameters with limits are moved on the real line (lfi.to_line), so nothing
-- is proposed beyond them, and weights take the slope of the map into account; false: as they are,
-- and what is proposed beyond the limits of the prior is proposed anew (smc: refused);
-- `distance` ('given': by F or distance_measure; 'euclidean', 'scaled', 'adaptive', 'mahalanobis'
-- with `covariance`, of the summaries); `repeats` (1): simulations for each point; `min_epsilon`,
-- `min_progress` (0.01 of epsilon), `max_simulations` (for each target), `max_seconds` (number or
-- '10m'): further reasons to stop; `on_failure`: simulations that fail, or whose summaries or
-- distances are no finite numbers: 'fail' with a message, 'drop' and count them, 'retry' first
-- (imnn.simulators, which do by default as they were told); `checkpoint`: a file to go on from,
-- written `every` (60) seconds or span of time, and when SIGTERM or SIGUSR1 end the program, with
-- exit code 75 (simulations of a black box that were being made together are made again then);
-- `progress` (true): a line on a terminal
-- @treturn table self, see the top
-- @raise options that do not belong together, shapes that do not fit, a distance that is not
-- finite, a checkpoint of another run
-- @usage local r = pmc { key = key, n_points = 1000, n_initial_points = 10000,
--   acceptance_ratio = 0.01 }
-- print(r.epsilon[1], r.reason[1])
function PMC:__call(opts)
  local o = options.take(self, opts)
  if o.goes_on then go_on(self, o) else begin(self, o) end
  local keep, found
  if o.checkpoint then
    self.identity = self.identity or problem.identity(self)
    keep, found = checkpoint.keeper(who, o.checkpoint, o.every, self.samplers,
      function() return record_of(self) end)
    if found and found.of then -- older files do not say what they were made with
      problem.check_identity(who, 'checkpoint ' .. o.checkpoint, found.of, self.identity)
    end
    resume(self, found, o)
  end
  if o.proposed and self.samplers[1]:simulations() == 0 then begin_premade(self, o) end
  self.started, self.before = C.imnn_seconds(), {}
  for t, sampler in ipairs(self.samplers) do self.before[t] = sampler:simulations() end
  self.answers.on_failure = o.on_failure or self.answers.on_failure
  local function loop(show) run(self, o, show, keep) end
  local ok, why = true, nil
  if self.simulator then
    ok, why = pcall(ending.follow, { who = who, what = 'checkpoint', path = o.checkpoint,
      quiet = not o.progress, save = function() keep(true) end }, function()
      if not o.progress then return loop(function() end) end
      progress.follow(type(o.progress) == 'table' and o.progress or {}, loop)
    end)
  end
  if ok or self.samplers[1]:generations() > 0 then
    publish(self, o.smoothing, not ok and why)
  end
  if not ok then error(why, 0) end
  return self
end

core.callable(PMC.__call, who)

-- Ends that no option asked for, and what options ask for where their names do not say it.
local ended = {
  complete = 'complete', interrupted = 'interrupted', failed = 'ended by an error',
  running = 'not at its end yet', weights = 'stopped, as one point has nearly all of the weight',
  acceptance_ratio = 'stopped by acceptance_ratio: fewer draws are accepted',
  max_iteration = 'stopped by max_iteration: so many generations',
  min_progress = 'stopped by min_progress: epsilon falls by less',
}

-- Of a generation that accepted nothing before the call was over.
local function in_vain(self, t)
  local list = self.generations[t]
  local g = list[#list]
  if self.settings.method ~= 'pmc' or not g.nearest or g.accepted > 0 or g.simulations == 0 then
    return ''
  end
  return ('; none of %d simulations of generation %d came within epsilon = %.4g, the nearest had '
    .. 'the distance %.4g'):format(g.simulations, g.generation, g.epsilon, g.nearest)
end

function PMC:__tostring()
  if not self.found then return ('%s: no population yet'):format(who) end
  local lines = {}
  for t = 1, self.n_targets do
    lines[t] = ('%s: target %d: %d points, generation %d, epsilon %.4g, ESS %.0f, %d simulations, '
      .. '%s%s'):format(who, t, self.found[t].n, self.found[t].generation,
      self.epsilon[t], self.ess[t], self.total_draws[t],
      ended[self.reason[t]] or 'stopped by ' .. self.reason[t], in_vain(self, t))
  end
  return table.concat(lines, '\n')
end

--- Marginals of the points, by weight, with another grid or smoothing (imnn.lfi.marginals).
-- @tparam[opt] table opts `ranges`; `gridsize`; `smoothing`: of the last call
-- @treturn table
-- @raise no population yet
-- @usage local marginals = pmc:get_marginals { smoothing = 1 }
function PMC:get_marginals(opts)
  local o = args.take('get_marginals', opts, {
    ranges = { 'table', optional = true },
    gridsize = { 'integer', 'table', optional = true },
    smoothing = { 'number', optional = true },
  })
  if not self.found then core.raise 'get_marginals: there is no population yet' end
  return marginals.from_points(self.parameters.accepted, grid.choose('get_marginals', self, o),
    o.smoothing or self.smoothing, self.log_weights)
end

--- Keep the marginals of get_marginals.
-- @tparam[opt] table opts as for get_marginals
-- @treturn table
-- @usage pmc:set_marginals { smoothing = 1 }
function PMC:set_marginals(opts)
  self.marginals = self:get_marginals(opts)
  return self.marginals
end

--- The parameters of the population as points.
-- @tparam[opt] table opts those of plot.scatter_plot
-- @treturn Figure
-- @raise no population yet
-- @usage pmc:scatter_plot { label = 'PMC' }
function PMC:scatter_plot(opts)
  if not self.found then core.raise 'scatter_plot: there is no population yet' end
  return require('imnn.plot').scatter_plot(self, prior.labelled(self.prior, opts))
end

--- The summaries of the population as points.
-- @tparam[opt] table opts those of plot.scatter_summaries
-- @treturn Figure
-- @raise no population yet
-- @usage pmc:scatter_summaries { label = 'PMC' }
function PMC:scatter_summaries(opts)
  if not self.found then core.raise 'scatter_summaries: there is no population yet' end
  return require('imnn.plot').scatter_summaries(self, opts or {})
end

--- Prepare for data.
-- @tparam table opts those of ApproximateBayesianComputation: `target_data`, `prior`, `simulator`,
-- `compressor`, `F` or `distance_measure`, `gridsize`
-- @treturn table call it for populations; what it is then given: `imnn help pmc`
-- @raise shapes that do not fit, matrices that are not positive definite
-- @usage local pmc = lfi.PopulationMonteCarlo { target_data = d, prior = prior,
--   simulator = simulator, compressor = net, F = net.F }
function M.new(opts)
  local self = setmetatable(problem.new(who, opts), PMC)
  prior.check(who, self.prior, { log_prob = true, moves = true })
  self.samplers, self.found = false, false
  return self
end

return M
