--- Approximate Bayesian computation: draws of the prior whose simulations come close to the data.
--
-- Attributes beside those of imnn.lfi.posterior: target_data (T, ...), target_summaries (T, S),
-- n_summaries S, F (T, P, P) or nil; after a call: draws: how many were made; failed: how many of
-- them could not be made and were left out; iterations: batches of the last call; stopped: why it
-- ended ("complete", "min_accepted", "max_iterations", "max_simulations", "max_seconds");
-- parameters, summaries, distances, each with `all`: (n, P), (n, S), (T, n) of the draws that are
-- kept, `size` n, and, once there was an epsilon, `accepted` and `rejected`: lists of T Arrays,
-- `n_accepted` and `epsilon`: lists of T numbers; log_weights: a list of T Arrays (n_accepted), nil
-- where all accepted draws count the same; warnings: sentences about simulations that tell nothing
-- about the parameters, as stderr says them, too. What is accepted is in the order in which it was
-- drawn.
-- @module imnn.lfi.abc
local ffi = require 'ffi'
local alike = require 'imnn.lfi.alike'
local args = require 'imnn.args'
local batches = require 'imnn.lfi.batches'
local core = require 'imnn.core'
local disk = require 'imnn.lfi.disk'
local duration = require 'imnn.duration'
local ending = require 'imnn.ending'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local new_store = require 'imnn.lfi.store'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local problem = require 'imnn.lfi.problem'
local prior = require 'imnn.lfi.prior'
local samples = require 'imnn.samples.set'
local text = require('imnn.array.text').shape
local warning = require 'imnn.lfi.warn'
local C = core.C
require 'imnn.samples' -- whose methods sample sets have
local M = {}

local check_key = require('imnn.random.check').key
local who = 'ApproximateBayesianComputation'
local ABC = posterior.class {}
local columns = { 'parameters', 'summaries', 'distances' }

-- ---- what the user gives ----

local function epsilon_list(epsilon, T)
  if np.is_array(epsilon) then epsilon = epsilon:totable() end
  local list = {}
  for t = 1, T do list[t] = type(epsilon) == 'table' and epsilon[t] or epsilon end
  if type(epsilon) == 'table' then args.list(who, 'epsilon', epsilon) end
  if type(epsilon) == 'table' and #epsilon ~= T then
    core.raise('%s: epsilon has %d values for %d targets', who, #epsilon, T)
  end
  for _, bound in ipairs(list) do
    if type(bound) ~= 'number' or not (bound > 0 and bound < math.huge) then
      core.raise('%s: epsilon must be positive, got %s', who, tostring(bound))
    end
  end
  return list
end

-- How much a draw at the distance u epsilon counts, and up to which u draws count at all.
local kernels = {
  uniform = { reach = 1 },
  epanechnikov = { reach = 1, log_weight = function(u) return np.log1p(-u * u) end },
  gaussian = { reach = 4, log_weight = function(u) return -0.5 * u * u end },
}

-- ---- results ----

-- A column of results. What nobody looks at is not fetched: `fetch` are functions of what there may
-- be.
local function new_column(size, fetch)
  return setmetatable({ size = size }, { __index = function(column, key)
    local name = args.spelling[key] or key
    if name ~= key and rawget(column, name) ~= nil then return rawget(column, name) end
    if fetch[name] then
      column[name] = fetch[name]()
      return rawget(column, name)
    end
  end })
end

-- What was found before says nothing about other draws.
local function publish(self, store)
  self.store, self.draws, self.failed = store, store.draws, store.failed
  self.log_weights = nil
  for i, name in ipairs(columns) do
    self[name] = new_column(store.size, { all = function()
      local x = select(i, store:rows())
      return x and name == 'distances' and x:transpose() or x
    end })
  end
  self.parameters.n_params, self.summaries.n_summaries = self.n_params, self.n_summaries
  self.distances.n_targets = self.n_targets
end

local function check_complete(store, bounds)
  for t, bound in ipairs(bounds) do
    if bound > store.complete_below[t] then
      core.raise('%s: draws farther than epsilon = %g were not kept, so epsilon = %g cannot be '
        .. 'answered; draw again with keep_rejected = true', who, store.complete_below[t], bound)
    end
  end
end

-- Rows of a store on the near side of the bounds, or on the other: for each column T Arrays.
local function sorted_out(self, store, bounds, near)
  local lists = {}
  for i = 1, #columns do
    lists[i] = {}
    for t = 1, self.n_targets do lists[i][t] = {} end
  end
  for theta, s, d in store:each() do
    for t, bound in ipairs(bounds) do
      local to_target = d[{ {}, t }]
      local which = np.lt(to_target, bound)
      if not near then which = np.logical_not(which) end
      for i, x in ipairs { theta, s, to_target } do
        lists[i][t][#lists[i][t] + 1] = x[which]
      end
    end
  end
  local shapes = { { 0, self.n_params }, { 0, self.n_summaries }, { 0 } } -- of nothing at all
  for i, list in ipairs(lists) do
    for t, parts in ipairs(list) do
      if #parts == 0 then parts[1] = np.zeros(shapes[i], 'f32') end
      list[t] = #parts == 1 and parts[1] or np.concatenate(parts)
    end
  end
  return lists
end

-- Sort the rows of the store into accepted and rejected, by target.
local function accept(self, o, epsilon, bounds)
  local store, kernel = self.store, kernels[o.kernel]
  local accepted, rejected = sorted_out(self, store, bounds, true), nil
  for i, name in ipairs(columns) do
    local column = self[name]
    local new = new_column(store.size, {
      all = function() return column.all end,
      rejected = function()
        rejected = rejected or sorted_out(self, store, bounds, false)
        return rejected[i]
      end,
    })
    for key, value in pairs(column) do new[key] = value end
    new.accepted, new.n_accepted, new.epsilon = accepted[i], {}, epsilon
    for t, x in ipairs(accepted[i]) do new.n_accepted[t] = #x end
    new.rejected = nil
    self[name] = new
  end
  self.log_weights = nil
  if kernel.log_weight then
    self.log_weights = {}
    for t, d in ipairs(self.distances.accepted) do
      self.log_weights[t] = kernel.log_weight(d:astype 'f64' / epsilon[t])
    end
  end
  self.accepted_by = { epsilon = epsilon, kernel = o.kernel, quantile = o.quantile }
  self.smoothing = o.smoothing
  self.marginals = marginals.from_points(self.parameters.accepted, self.ranges, o.smoothing,
    self.log_weights)
end

-- The distances within which a fraction of all draws lies: those up to the next one.
local function bounds_of_quantile(store, q, T)
  local bounds = {}
  local k = math.max(1, math.ceil(q * store.draws - 1e-9))
  for t = 1, T do
    local d = np.sort(store:distances(t)):astype 'f64'
    if k > #d then
      core.raise('%s: the nearest %g of %d draws are %d, but only %d are there (%d failed, others '
        .. 'were not kept)', who, q, store.draws, k, #d, store.failed)
    end
    local last = d[k]:item()
    local beyond = np.searchsorted(d, last, { side = 'right' }):item()
    local behind_all = math.max(last * (1 + 2 ^ -20), 1e-36) -- above 0 in f32, also a quarter of it
    bounds[t] = beyond <= #d and d[beyond]:item() or behind_all
  end
  check_complete(store, bounds)
  return bounds
end

-- Where all draws are there, and all are as far from a target, they tell nothing.
local function warn_of_alike(self, store)
  local rows, list, warn = {}, warning(who, false)
  self.warnings = list
  if store.size < store.draws - store.failed then return end
  for t = 1, self.n_targets do rows[t] = alike() end
  for _, _, d in store:each() do
    local differ = true
    for t, one in ipairs(rows) do
      one:add(d[{ {}, t }])
      differ = differ and one.differ
    end
    if differ then break end
  end
  for t, one in ipairs(rows) do
    local sentence = one:sentence(t)
    if sentence then warn('%s', sentence) end
  end
end

-- ---- the call ----

local function take(self, opts)
  local o = args.take(who, opts, {
    epsilon = { 'number', 'table', 'Array', optional = true },
    key = { 'Array', optional = true },
    n_samples = { 'integer', optional = true },
    parameters = { 'Array', 'table', optional = true },
    summaries = { 'Array', 'table', optional = true },
    min_accepted = { 'integer', optional = true },
    max_iterations = { 'integer', optional = true },
    quantile = { 'number', optional = true },
    kernel = { 'string', default = 'uniform' },
    max_simulations = { 'integer', optional = true },
    max_seconds = { 'number', 'string', optional = true },
    on_failure = { 'string', optional = true },
    smoothing = { 'number', default = 0 },
    replace = { 'boolean', default = false },
    keep_rejected = { 'boolean', optional = true },
    progress = { 'table', 'boolean', default = true },
  })
  for _, pair in ipairs { { 'key', 'n_samples' }, { 'parameters', 'summaries' } } do
    local a, b = pair[1], pair[2]
    if (o[a] == nil) ~= (o[b] == nil) then
      core.raise('%s: %s and %s belong together; %s is missing', who, a, b, o[a] == nil and a or b)
    end
  end
  if type(o.max_seconds) == 'string' then
    o.max_seconds = duration.parse(who, 'max_seconds', o.max_seconds)
  end
  for _, name in ipairs { 'n_samples', 'min_accepted', 'max_iterations', 'max_simulations',
    'max_seconds' } do
    if o[name] and not (o[name] > 0) then
      core.raise('%s: %s must be positive, got %g', who, name, o[name])
    end
  end
  if o.n_samples and o.n_samples >= 2 ^ 31 then
    core.raise('%s: n_samples is below 2^31 draws at a time, got %g; max_simulations makes more '
      .. 'batches', who, o.n_samples)
  end
  if o.key then check_key(who, o.key) end
  args.choice(who, 'kernel', o.kernel, kernels)
  if o.on_failure then
    args.choice(who, 'on_failure', o.on_failure, { fail = true, drop = true, retry = true })
  end
  if o.quantile and not (o.quantile > 0 and o.quantile <= 1) then
    core.raise('%s: quantile is a fraction of the draws, above 0 and at most 1, got %g', who,
      o.quantile)
  end
  if o.quantile and o.epsilon then
    core.raise('%s: give epsilon or quantile, not both', who)
  end
  for _, name in ipairs { 'max_iterations', 'max_simulations', 'max_seconds' } do
    if o[name] and not o.key then
      core.raise('%s: %s is about new draws; give key and n_samples', who, name)
    end
  end
  if o.max_simulations and o.n_samples and o.n_samples > o.max_simulations then
    core.raise('%s: a batch of n_samples = %d is more than max_simulations = %d', who, o.n_samples,
      o.max_simulations)
  end
  o.loops = o.min_accepted or o.max_simulations or o.max_seconds
  o.max_iterations = o.max_iterations
    or (o.max_simulations or o.max_seconds) and math.huge or 10
  if o.smoothing < 0 then
    core.raise('%s: smoothing must not be negative, got %g', who, o.smoothing)
  end
  if o.min_accepted and not (o.epsilon and o.key) then
    core.raise('%s: min_accepted needs epsilon, key and n_samples', who)
  end
  if not o.key and not o.parameters and (o.replace or self.store.size == 0) then
    core.raise('%s: nothing is stored yet; give key and n_samples, or parameters and summaries',
      who)
  end
  return o
end

--- Draw, and accept.
-- Give `key` and `n_samples` for new draws, or `parameters` and `summaries` that were made before,
-- or only `epsilon` (or `quantile`) to accept anew among the stored ones. After an interrupt or an
-- error the batches that were complete are there.
-- @tparam table opts
-- @tparam[opt] number|table opts.epsilon draws that are closer are accepted; or a list of T
-- @tparam[opt] number opts.quantile instead: the fraction of all draws that is accepted, the
-- nearest ones; with it all draws are kept
-- @tparam[opt='uniform'] string opts.kernel how much accepted draws count: 'uniform' the same,
-- 'epanechnikov' 1 - (d / epsilon)^2, 'gaussian' exp(-(d / epsilon)^2 / 2) up to 4 epsilon
-- @tparam[opt] Array opts.key
-- @tparam[opt] integer opts.n_samples draws at a time
-- @tparam[opt] integer opts.min_accepted go on in batches of n_samples until every target has as
-- many; needs epsilon
-- @tparam[opt] integer opts.max_iterations batches of this call; 10, or no limit where there is
-- another
-- @tparam[opt] integer opts.max_simulations go on in batches up to as many draws in this call
-- @tparam[opt] number|string opts.max_seconds go on in batches until as much time is over, 60 or
-- '10m'
-- @tparam[opt] Array opts.parameters (n, P), that were made before
-- @tparam[opt] Array opts.summaries (n, S) of them
-- @tparam[opt] string opts.on_failure simulations that fail, or whose distance is not a finite
-- number: 'fail' with a message, 'drop' and count them, 'retry' first (imnn.simulators, which do by
-- default as they were told); 'fail'
-- @tparam[opt=0] number opts.smoothing of the marginals, in bins
-- @tparam[opt=false] boolean opts.replace forget the stored draws
-- @tparam[opt] boolean opts.keep_rejected also keep the draws that no target accepts (true without
-- epsilon, else false: memory grows with the accepted ones only)
-- @tparam[opt=true] boolean|table opts.progress a line on a terminal
-- @treturn table self, see the top
-- @raise options that do not belong together, shapes that do not fit, a distance that is not finite
-- @usage local r = abc { epsilon = 1, key = key, n_samples = 100000, min_accepted = 1000 }
function ABC:__call(opts)
  local o = take(self, opts)
  local T, epsilon, bounds = self.n_targets, nil, nil
  if o.epsilon then
    epsilon, bounds = epsilon_list(o.epsilon, T), {}
    for t, bound in ipairs(epsilon) do bounds[t] = bound * kernels[o.kernel].reach end
  end
  local store = o.replace and self.new_store(true) or self.store
  if bounds then check_complete(store, bounds) end
  local ok, why = pcall(ending.follow, { who = who, what = 'store', path = store.path,
    quiet = not o.progress }, function()
    if o.key then batches.draw(self, store, o, bounds) end
    if store.path and ending.asked() then return end -- the places left are for those that follow
    if o.parameters then batches.add_premade(self, store, o) end
    store:finish()
  end)
  if ok or store.size > 0 then
    publish(self, store)
    warn_of_alike(self, store)
    if ok and o.quantile and store.size > 0 then
      bounds, epsilon = bounds_of_quantile(store, o.quantile, T), {}
      for t, bound in ipairs(bounds) do epsilon[t] = bound / kernels[o.kernel].reach end
    end
    if bounds then accept(self, o, epsilon, bounds) end
  end
  if not ok then error(why, 0) end
  self.key = o.key or self.key
  return self
end

local function failures(self)
  return self.failed > 0 and (', %d failed'):format(self.failed) or ''
end

--- The accepted draws of a target as a sample set.
-- @tparam[opt=1] integer target
-- @treturn SampleSet with summaries, distances, weights by the kernel, names and limits of the
-- prior; `origin` says by which epsilon, of how many draws
-- @raise nothing accepted
-- @usage abc:samples():mean()
function ABC:samples(target)
  target = args.argument('samples', 'target', target, { 'integer', default = 1 })
  target = self:target_choice(target)[1]
  if not self.parameters.accepted then core.raise 'samples: nothing is accepted yet' end
  if self.parameters.n_accepted[target] == 0 then
    core.raise('samples: target %d: none of %d draws is closer than epsilon = %g%s', target,
      self.draws, self.parameters.epsilon[target], failures(self))
  end
  local by = self.accepted_by
  return samples.new('samples', prior.described(self.prior, {
    parameters = self.parameters.accepted[target], summaries = self.summaries.accepted[target],
    distances = self.distances.accepted[target],
    log_weights = self.log_weights and self.log_weights[target] or nil,
    origin = { method = who, target = target, key = self.key, simulations = self.draws,
      failed = self.failed, version = ffi.string(C.imnn_version()),
      settings = { epsilon = by.epsilon[target], kernel = by.kernel, quantile = by.quantile } },
  }))
end

core.callable(ABC.__call, who)

function ABC:__tostring()
  local accepted = self.parameters.n_accepted
  if not accepted then return ('%s: %d draws'):format(who, self.draws) end
  local epsilon = {}
  for t, bound in ipairs(self.parameters.epsilon) do epsilon[t] = ('%g'):format(bound) end
  return ('%s: accepted %s of %d draws, epsilon %s%s'):format(who, table.concat(accepted, ' '),
    self.draws, table.concat(epsilon, ' '),
    failures(self))
end

--- Marginals of the accepted draws with another grid or smoothing (imnn.lfi.marginals).
-- @tparam[opt] table opts `accepted_parameters`: list of Arrays (n, P); `ranges`; `gridsize`;
-- `smoothing`: of the last call
-- @treturn table
-- @raise nothing accepted yet
-- @usage local marginals = abc:get_marginals { smoothing = 1 }
function ABC:get_marginals(opts)
  local o = args.take('get_marginals', opts, {
    accepted_parameters = { 'table', optional = true },
    ranges = { 'table', optional = true },
    gridsize = { 'integer', 'table', optional = true },
    smoothing = { 'number', optional = true },
  })
  local points = o.accepted_parameters or self.parameters.accepted
  if not points then core.raise 'get_marginals: nothing is accepted yet; give epsilon first' end
  for t = 1, o.accepted_parameters and math.max(#points, 1) or 0 do
    local shape = np.is_array(points[t]) and points[t].shape or {}
    if #shape ~= 2 or shape[2] ~= self.n_params then
      core.raise('get_marginals: accepted_parameters are Arrays (n, %d), one for each target, got '
        .. '%s as number %d', self.n_params, #shape > 0 and text(shape)
        or core.kind(points[t]), t)
    end
  end
  return marginals.from_points(points, grid.choose('get_marginals', self, o),
    o.smoothing or self.smoothing, not o.accepted_parameters and self.log_weights or nil)
end

--- Keep the marginals of get_marginals.
-- @treturn table
-- @tparam[opt] table opts as for get_marginals
-- @usage abc:set_marginals { smoothing = 1 }
function ABC:set_marginals(opts)
  self.marginals = self:get_marginals(opts)
  return self.marginals
end

--- The accepted parameters as points.
-- @tparam[opt] table opts those of plot.scatter_plot
-- @treturn Figure
-- @raise nothing accepted yet
-- @usage abc:scatter_plot { label = 'ABC' }
function ABC:scatter_plot(opts)
  if not self.parameters.accepted then core.raise 'scatter_plot: nothing is accepted yet' end
  return require('imnn.plot').scatter_plot(self, prior.labelled(self.prior, opts))
end

--- The accepted summaries as points.
-- @tparam[opt] table opts those of plot.scatter_summaries
-- @treturn Figure
-- @raise nothing accepted yet
-- @usage abc:scatter_summaries { label = 'ABC' }
function ABC:scatter_summaries(opts)
  if not self.parameters.accepted then core.raise 'scatter_summaries: nothing is accepted yet' end
  return require('imnn.plot').scatter_summaries(self, opts or {})
end

--- Prepare for data.
-- @tparam table opts `target_data`: one datum or T of them (one axis more); `prior`; `simulator`
-- (key, theta) -> data, of one example, or one of imnn.simulators, or none; `compressor`: a
-- network, as it is now, or a function of one datum; `gridsize` (100); `F`: Fisher information
-- (P, P), (T, P, P) or a list, for the Mahalanobis distance; `distance_measure` (s, target, F) ->
-- number, of one example; neither: Euclidean; `store`: path of an HDF5 file in which draws are
-- kept, a row each, rather than in memory. What is there already is taken up: the same calls go on
-- where they were broken off, also by a kill, with the same numbers; SIGTERM and SIGUSR1 end the
-- program between two batches (in the middle of one that a black box makes, which is made again),
-- with exit code 75
-- @treturn table call it to draw and accept
-- @raise shapes that do not fit, matrices that are not positive definite
-- @usage local abc = lfi.ApproximateBayesianComputation { target_data = d, prior = prior,
--   simulator = simulator, compressor = net, F = net.F }
function M.new(opts)
  local self, o = problem.new(who, opts, { store = { 'string', optional = true } })
  setmetatable(self, ABC)
  self.programs = {}
  function self.new_store(afresh)
    if not o.store then return new_store(self.n_targets) end
    return disk(who, o.store, self.n_targets, problem.identity(self), afresh)
  end
  publish(self, self.new_store())
  return self
end

return M
