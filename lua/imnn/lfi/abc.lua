--- Approximate Bayesian computation: draws of the prior whose simulations come close to the data.
-- @module imnn.lfi.abc
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local who = 'ApproximateBayesianComputation'
local ABC = setmetatable({}, { __index = posterior.Posterior })
ABC.__index = ABC

--- How far summaries are from those of the data, in standard deviations: one example.
-- @tparam Array s summaries (P) that estimate the parameters
-- @tparam Array target the observed ones (P)
-- @tparam[opt] Array F Fisher information (P, P); none: the Euclidean distance
-- @treturn Array (), sqrt((s - target)^T F (s - target))
-- @source Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49
-- @usage lfi.distance(np.array { 1, 2 }, np.array { 0.5, 1 },
--   np.array { { 2, 0.5 }, { 0.5, 3 } }) --> 2
function M.distance(s, target, F)
  if F == nil then
    local d = s - target
    return np.sqrt((d * d):sum())
  end
  return M.mahalanobis(s, target, F)
end
M.mahalanobis = array.face('lfi.distance', C.imnn_lfi_distance)

-- ---- what the user gives ----

-- The Fisher matrices as a list of T arrays (S, S), or nil.
local function fisher_list(F, T, S, P)
  if F == nil then return nil end
  local list = {}
  if type(F) == 'table' and np.is_array(F[1]) then
    list = F
  else
    if not np.is_array(F) then F = np.array(F) end
    for t = 1, T do list[t] = #F.shape == 3 and F[t] or F end
    if #F.shape == 3 and F.shape[1] ~= T then
      core.raise('%s: F has %d matrices for %d targets', who, F.shape[1], T)
    end
  end
  if S ~= P then
    core.raise('%s: F needs summaries that estimate the parameters: there are %d summaries and %d '
      .. 'parameters; give distance_measure instead', who, S, P)
  end
  if #list ~= T then core.raise('%s: F has %d matrices for %d targets', who, #list, T) end
  for t, f in ipairs(list) do
    if #f.shape ~= 2 or f.shape[1] ~= P or f.shape[2] ~= P then
      core.raise('%s: F must be (%d, %d) or (%d, %d, %d), got (%s)', who, P, P, T, P, P,
        table.concat(f.shape, ', '))
    end
    list[t] = f:astype 'f32'
  end
  return list
end

-- A function of one example from a network or a function.
local function compressor_of(compressor)
  if type(compressor) == 'function' then return compressor end
  return function(d) return compressor:get_estimate(d) end
end

-- Data of one target or several, by the shape that a simulation has: (T, ...).
local function targets_of(self, data)
  if not np.is_array(data) then data = np.array(data) end
  local shape, one = data.shape, self.data_shape
  local n = one and #one or 1
  if #shape == n then
    local sizes = { 1 }
    for _, size in ipairs(shape) do sizes[#sizes + 1] = size end
    data = data:reshape(sizes)
  elseif #shape ~= n + 1 then
    core.raise('%s: target_data must be one datum (%s) or several with one axis more, got (%s)',
      who,
      one and table.concat(one, ', ') or 'n', table.concat(shape, ', '))
  end
  shape = data.shape
  for k = 1, one and n or 0 do
    if shape[k + 1] ~= one[k] then
      core.raise('%s: the simulator gives (%s), target_data holds (%s)', who,
        table.concat(one, ', '), table.concat(shape, ', ', 2))
    end
  end
  return data
end

-- ---- one batch ----

local function stack_distances(self, s)
  local d = {}
  for t = 1, self.n_targets do
    d[t] = self.distance(s, self.target_summaries[t], self.F and self.F[t] or nil)
    if #d[t].shape ~= 0 then
      core.raise('%s: the distance of one example must be one number, got shape (%s)', who,
        table.concat(d[t].shape, ', '))
    end
  end
  return np.stack(d)
end

-- From two keys to n draws: parameters (n, P), summaries (n, S), distances (n, T), all of them or,
-- if `filter`, those closer to some target than epsilon. One compiled program.
local function batch_program(self, n, filter)
  local name = (filter and 'filter ' or 'all ') .. n
  if self.programs[name] then return self.programs[name] end
  local function batch(key_theta, key_simulation, epsilon)
    local theta = self.prior:sample(key_theta, n)
    local s, d = transform.vmap(function(key, one)
      local summary = self.compress(self.simulator(key, one))
      return summary, stack_distances(self, summary)
    end)(random.split(key_simulation, n), theta)
    local keep = np.any(np.lt(d, epsilon), { axis = 2 })
    return theta, s, d, keep
  end
  local key = random.PRNGKey(0)
  local program = transform.program(batch, { key, key, np.zeros { self.n_targets } },
    { filter = filter })
  self.programs[name] = program
  return program
end

local function check_finite(self, d)
  local at = tonumber(C.imnn_array_nonfinite(d.array))
  if at < 0 then return end
  core.raise(
    '%s: the distance of draw %d is not finite; look at what simulator and compressor give '
    .. 'for parameters inside the prior', who, math.floor(at / self.n_targets) + 1)
end

-- ---- the store ----

local function fields() return { size = 0 } end

local function reset(self)
  self.parameters, self.summaries, self.distances = fields(), fields(), fields()
  self.parameters.n_params, self.summaries.n_summaries = self.n_params, self.n_summaries
  self.distances.n_targets = self.n_targets
  self.parts, self.kept_below, self.draws = {}, math.huge, 0
end

-- Rows that came last are joined with the others only when somebody looks.
local function settle(self)
  local store = self.stored
  for k = 1, 3 do
    local list = {}
    for i, part in ipairs(self.parts) do list[i] = part[k] end
    if store and store[k] then table.insert(list, 1, store[k]) end
    if #list > 0 then self.settled[k] = #list > 1 and np.concatenate(list, 1) or list[1] end
  end
  self.stored, self.parts, self.settled = self.settled, {}, {}
end

local function epsilon_list(self, epsilon)
  local list = {}
  if np.is_array(epsilon) then epsilon = epsilon:totable() end
  for t = 1, self.n_targets do
    list[t] = type(epsilon) == 'table' and epsilon[t] or epsilon
    if type(list[t]) ~= 'number' or not (list[t] > 0) then
      core.raise('%s: epsilon must be a positive number, or one for each of the %d targets, got %s',
        who, self.n_targets, tostring(list[t]))
    end
  end
  if type(epsilon) == 'table' and #epsilon ~= self.n_targets then
    core.raise('%s: epsilon has %d values for %d targets', who, #epsilon, self.n_targets)
  end
  return list
end

-- Sort all stored rows into accepted and rejected, by target.
local function accept(self, epsilon, smoothing)
  for t = 1, self.n_targets do
    local kept = type(self.kept_below) == 'table' and self.kept_below[t] or self.kept_below
    if epsilon[t] > kept then
      core.raise('%s: draws farther than epsilon = %g were not kept, so epsilon = %g cannot be '
        .. 'answered; draw again with keep_rejected = true', who, kept, epsilon[t])
    end
  end
  local d = self.distances.all:totable()
  local points = {}
  local names = { 'parameters', 'summaries', 'distances' }
  for _, name in ipairs(names) do
    self[name].accepted, self[name].rejected, self[name].n_accepted = {}, {}, {}
    self[name].epsilon = epsilon
  end
  for t = 1, self.n_targets do
    local near, far = {}, {}
    for i, row in ipairs(d) do
      local list = row[t] < epsilon[t] and near or far
      list[#list + 1] = i
    end
    local inside, outside = np.array(near, 'i32'), np.array(far, 'i32')
    for _, name in ipairs(names) do
      local c, all = self[name], self[name].all
      if name == 'distances' then all = all[{ {}, t }] end
      c.accepted[t] = np.take(all, inside:reshape { #near }, 1)
      c.rejected[t] = np.take(all, outside:reshape { #far }, 1)
      c.n_accepted[t] = #near
    end
    points[t] = self.parameters.accepted[t]
  end
  self.marginals = posterior.from_points(points, self.ranges, smoothing)
  return self
end

local function publish(self)
  settle(self)
  for k, name in ipairs { 'parameters', 'summaries', 'distances' } do
    self[name].all = self.stored and self.stored[k]
    self[name].size = self.stored and self.stored[k] and self.stored[k].shape[1] or 0
  end
end

local function add(self, theta, s, d, count)
  check_finite(self, d)
  self.parts[#self.parts + 1] = { theta, s, d }
  self.draws = self.draws + count
end

-- Accepted rows of the new parts, by target.
local function count_accepted(self, epsilon, from, counts)
  for i = from, #self.parts do
    for t = 1, self.n_targets do
      counts[t] = counts[t] + np.lt(self.parts[i][3][{ {}, t }], epsilon[t]):astype('i32'):sum(
        ):item()
    end
  end
  return counts
end

-- Batches until every target has enough draws.
local function draw_enough(self, o, epsilon, run)
  local counts = {}
  for t = 1, self.n_targets do counts[t] = 0 end
  if self.stored then
    self.parts = { self.stored }
    count_accepted(self, epsilon, 1, counts)
    self.parts = {}
  end
  local key, iterations = o.key, 0
  progress.follow(o.progress, function(show)
    while math.min(unpack(counts)) < o.min_accepted and iterations < o.max_iterations do
      local pair = random.split(key)
      local first = pair[2]
      pair = random.split(pair[1])
      key = pair[1]
      run(first, pair[2])
      count_accepted(self, epsilon, #self.parts, counts)
      iterations = iterations + 1
      show('%d batches  %d draws  accepted %s of %d', iterations, iterations * o.n_samples,
        table.concat(counts, ' '), o.min_accepted)
      core.poll()
    end
  end)
  self.iterations = iterations
end

--- Draw, and accept.
-- Give `key` and `n_samples` for new draws, or `parameters` and `summaries` that were made before,
-- or only `epsilon` to accept anew among the stored ones.
-- @tparam table opts `epsilon`: number or list of T; `key`; `n_samples`; `min_accepted` (needs
-- epsilon): go on in batches of n_samples until every target has as many, at most `max_iterations`
-- (10) batches; `parameters` (n, P) and `summaries` (n, S); `smoothing` of the marginals, in bins;
-- `replace` (false): forget the stored draws first; `keep_rejected`: also keep the draws that are
-- not accepted (true without epsilon, else false: memory grows with the accepted ones only)
-- @treturn table self: parameters, summaries, distances, each with all, accepted, rejected (lists
-- by target), epsilon, size, n_accepted; draws: how many were made
-- @usage local r = abc { epsilon = 1, key = key, n_samples = 100000, min_accepted = 1000 }
function ABC:__call(opts)
  local o = args.take(who, opts, {
    epsilon = { 'number', 'table', 'Array', optional = true },
    key = { 'Array', optional = true },
    n_samples = { 'integer', optional = true },
    parameters = { 'Array', optional = true },
    summaries = { 'Array', optional = true },
    min_accepted = { 'integer', optional = true },
    max_iterations = { 'integer', default = 10 },
    smoothing = { 'number', optional = true },
    replace = { 'boolean', default = false },
    keep_rejected = { 'boolean', optional = true },
    progress = { 'table', default = {} },
  })
  if (o.key == nil) ~= (o.n_samples == nil) then
    core.raise('%s: key and n_samples belong together; %s is missing', who,
      o.key == nil and 'key' or 'n_samples')
  end
  if (o.parameters == nil) ~= (o.summaries == nil) then
    core.raise('%s: parameters and summaries belong together; %s is missing', who,
      o.parameters == nil and 'parameters' or 'summaries')
  end
  if o.min_accepted and not o.epsilon then core.raise('%s: min_accepted needs epsilon', who) end
  if not o.key and not o.parameters and not self.stored then
    core.raise('%s: nothing is stored yet; give key and n_samples, or parameters and summaries',
      who)
  end
  if o.n_samples and o.n_samples < 1 then
    core.raise('%s: n_samples must be positive, got %d', who, o.n_samples)
  end
  local epsilon = o.epsilon and epsilon_list(self, o.epsilon)
  if o.replace then
    self.stored = nil
    reset(self)
  end
  if o.key then self:draw(o, epsilon) end
  if o.parameters then self:add_premade(o.parameters, o.summaries) end
  publish(self)
  if epsilon then accept(self, epsilon, o.smoothing) end
  return self
end

function ABC:draw(o, epsilon)
  if not self.simulator then
    core.raise('%s: there is no simulator; give parameters and summaries', who)
  end
  local filter = epsilon ~= nil and not o.keep_rejected
  local bound = np.array(epsilon or { 0 }, 'f32')
  if not epsilon then bound = np.zeros { self.n_targets } end
  local program = batch_program(self, o.n_samples, filter)
  local function run(key_theta, key_simulation)
    local theta, s, d = program(key_theta, key_simulation, bound)
    add(self, theta, s, d, o.n_samples)
  end
  if filter then
    local kept = {}
    for t = 1, self.n_targets do
      local before = type(self.kept_below) == 'table' and self.kept_below[t] or self.kept_below
      kept[t] = math.min(epsilon[t], before)
    end
    self.kept_below = kept
  end
  if o.min_accepted then return draw_enough(self, o, epsilon, run) end
  local pair = random.split(o.key)
  run(pair[1], pair[2])
  self.iterations = 1
end

function ABC:add_premade(parameters, summaries)
  local a, b = parameters.shape, summaries.shape
  if #a ~= 2 or a[2] ~= self.n_params or #b ~= 2 or b[2] ~= self.n_summaries or a[1] ~= b[1] then
    core.raise('%s: parameters must be (n, %d) and summaries (n, %d), got (%s) and (%s)', who,
      self.n_params, self.n_summaries, table.concat(a, ', '), table.concat(b, ', '))
  end
  local d = transform.vmap(function(s) return stack_distances(self, s) end)(summaries:astype 'f32')
  add(self, parameters:astype 'f32', summaries:astype 'f32', d, a[1])
end

--- Marginals of the accepted draws with another grid or smoothing (imnn.lfi.posterior).
-- @tparam[opt] table opts `accepted_parameters`: list of Arrays (n, P); `ranges`; `smoothing`
function ABC:get_marginals(opts)
  local o = args.take('get_marginals', opts, {
    accepted_parameters = { 'table', optional = true },
    ranges = { 'table', optional = true },
    smoothing = { 'number', optional = true },
  })
  local points = o.accepted_parameters or self.parameters.accepted
  if not points then core.raise 'get_marginals: nothing is accepted yet; give epsilon first' end
  return posterior.from_points(points, o.ranges or self.ranges, o.smoothing)
end

function ABC:set_marginals(opts)
  self.marginals = self:get_marginals(opts)
  return self.marginals
end

--- The accepted parameters as points (spec/lua 4); `file`, `ax`, ...
function ABC:scatter_plot(opts)
  if not self.parameters.accepted then core.raise 'scatter_plot: nothing is accepted yet' end
  return require('imnn.plot').scatter_plot(self, opts or {})
end

--- The accepted summaries as points.
function ABC:scatter_summaries(opts)
  if not self.parameters.accepted then core.raise 'scatter_summaries: nothing is accepted yet' end
  return require('imnn.plot').scatter_summaries(self, opts or {})
end

--- Prepare for data.
-- @tparam table opts `target_data`: one datum or T of them (one axis more); `prior`; `simulator`
-- (key, theta) -> data, of one example, or none; `compressor`: a network or a function of one
-- datum; `gridsize` (100); `F`: Fisher information (P, P), (T, P, P) or a list, for the Mahalanobis
-- distance; `distance_measure` (s, target, F) -> number, of one example; neither: Euclidean
-- @treturn table call it to draw and accept
function M.new(opts)
  local o = args.take(who, opts, {
    target_data = { 'Array', 'table' },
    prior = { 'table' },
    simulator = { 'function', optional = true },
    compressor = { 'function', 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    F = { 'Array', 'table', optional = true },
    distance_measure = { 'function', optional = true },
  })
  local self = setmetatable({ prior = o.prior, simulator = o.simulator, programs = {}, settled =
    {} },
    ABC)
  self.ranges = posterior.grid(who, o.prior, o.gridsize)
  self.n_params = #self.ranges
  self.compress = compressor_of(o.compressor)
  self.distance = o.distance_measure or M.distance
  if self.simulator then
    self.data_shape = transform.shape_of(function(key)
      local keys = random.split(key)
      return self.simulator(keys[1], self.prior:sample(keys[2]))
    end, random.PRNGKey(0))
  elseif type(o.compressor) == 'table' then
    self.data_shape = o.compressor.input_shape
  end
  self.target_data = targets_of(self, o.target_data)
  self.n_targets = self.target_data.shape[1]
  self.target_summaries = transform.vmap(self.compress)(self.target_data)
  if #self.target_summaries.shape ~= 2 then
    core.raise('%s: the compressor must give a vector for one datum, got shape (%s)', who,
      table.concat(self.target_summaries.shape, ', ', 2))
  end
  self.n_summaries = self.target_summaries.shape[2]
  self.F = fisher_list(o.F, self.n_targets, self.n_summaries, self.n_params)
  reset(self)
  return self
end

return M
