--- Approximate Bayesian computation: draws of the prior whose simulations come close to the data.
--
-- Attributes beside those of imnn.lfi.posterior: target_data (T, ...), target_summaries (T, S),
-- n_summaries S, F (T, P, P) or nil; after a call: draws: how many were made; failed: how many of
-- them a black box could not make and was allowed to leave out; iterations: batches of the last
-- call; parameters, summaries, distances, each with `all`: (n, P), (n, S), (T, n) of the draws that
-- are kept, `size` n, and, once there was an epsilon, `accepted` and `rejected`: lists of T Arrays,
-- `n_accepted` and `epsilon`: lists of T numbers.
-- @module imnn.lfi.abc
local args = require 'imnn.args'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local new_store = require 'imnn.lfi.store'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local problem = require 'imnn.lfi.problem'
local prior = require 'imnn.lfi.prior'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local simulators = require 'imnn.simulators.object'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local who = 'ApproximateBayesianComputation'
local ABC = posterior.class {}
local columns = { 'parameters', 'summaries', 'distances' }

-- ---- what the user gives ----

local function epsilon_list(epsilon, T)
  if np.is_array(epsilon) then epsilon = epsilon:totable() end
  local list = {}
  for t = 1, T do list[t] = type(epsilon) == 'table' and epsilon[t] or epsilon end
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

-- ---- batches ----

-- From two keys and (T) epsilon to n draws: parameters (n, P), summaries (n, S), distances (n, T).
-- All of them or, if `filter`, those closer to some target than epsilon: then the others never
-- leave the tile that made them. One compiled program.
local function batch_program(self, n, filter)
  local name = n .. (filter and ' filtered' or '')
  if self.programs[name] then return self.programs[name] end
  local function batch(key_theta, key_simulation, epsilon)
    local theta = self.prior:sample(key_theta, n)
    local s, d = transform.vmap(function(key, one)
      local summary = self.compress(self.simulator(key, one))
      return summary, self.distances_of(summary)
    end)(random.split(key_simulation, n), theta)
    local odd = np.logical_not(np.isfinite(d)) -- to be named, not dropped
    return theta, s, d, np.any(np.logical_or(np.lt(d, epsilon), odd), { axis = 2 })
  end
  local key = random.PRNGKey(0)
  self.programs[name] = transform.program(batch, { key, key, np.zeros { self.n_targets } },
    { filter = filter })
  return self.programs[name]
end

local function check_finite(self, theta, d)
  local at = tonumber(C.imnn_array_nonfinite(d.array))
  if at < 0 then return end
  local at_parameters = theta[math.floor(at / self.n_targets) + 1]
  core.raise('%s: the distance of a draw with the parameters %s is not finite; look at what '
    .. 'simulator and compressor give there', who, text(at_parameters:totable()))
end

-- x (m, ...) with its first row again and again, so that there are n.
local function padded(x, n)
  if #x == n then return x end
  local first, shape = x[{ { 1, 1 } }], x.shape
  shape[1] = n - #x
  return np.concatenate({ x, np.broadcast_to(first, shape) }, 1)
end

-- The same of a simulator that cannot be traced: all simulations of a batch are made, then one
-- program makes summaries and distances of them. Failed ones that may be left out count as draws.
local function black_drawer(self, store, o, epsilon)
  local filter, n = epsilon ~= nil and not o.keep_rejected, o.n_samples
  local bound = epsilon and np.array(epsilon) or np.zeros { self.n_targets }
  self.summarise = self.summarise or transform.jit(transform.vmap(function(datum)
    local summary = self.compress(datum)
    return summary, self.distances_of(summary)
  end))
  return function(key_theta, key_simulation, show, label)
    local theta = self.prior:sample(key_theta, n)
    local data, report = self.simulator:run(random.split(key_simulation, n), theta,
      { progress = show or o.progress, label = label })
    self.failed = self.failed + report.n_failed
    if report.kept then theta = np.take(theta, report.kept, 1) end
    local m = #data
    if m == 0 then
      store:add(theta, np.zeros { 0, self.n_summaries }, np.zeros { 0, self.n_targets }, n)
      return
    end
    local s, d = self.summarise(padded(data, n))
    if m < n then s, d = s[{ { 1, m } }], d[{ { 1, m } }] end
    check_finite(self, theta, d)
    if filter then
      local near = np.any(np.lt(d, bound), { axis = 2 })
      theta, s, d = theta[near], s[near], d[near]
    end
    store:add(theta, s, d, n)
    if filter then store:leave_out(epsilon) end
  end
end

-- A function (key of parameters, key of simulations) that adds a batch to the store.
local function drawer(self, store, o, epsilon)
  if simulators.is(self.simulator) then return black_drawer(self, store, o, epsilon) end
  local filter = epsilon ~= nil and not o.keep_rejected
  local program = batch_program(self, o.n_samples, filter)
  local bound = epsilon and np.array(epsilon) or np.zeros { self.n_targets }
  return function(key_theta, key_simulation)
    local theta, s, d = program(key_theta, key_simulation, bound)
    check_finite(self, theta, d)
    store:add(theta, s, d, o.n_samples)
    if filter then store:leave_out(epsilon) end
  end
end

-- Batches until every target has enough draws. Every one serves all targets.
local function draw_enough(self, store, o, epsilon, draw)
  local counts, key = store:count(epsilon), o.key
  self.iterations = 0
  local function loop(show)
    while math.min(unpack(counts)) < o.min_accepted and self.iterations < o.max_iterations do
      local k, first = random.split(key):unpack()
      local rest, second = random.split(k):unpack()
      key = rest
      local done = ('%d batches  %d draws  accepted %s of %d'):format(self.iterations,
        self.iterations * o.n_samples, table.concat(counts, ' '), o.min_accepted)
      draw(first, second, show, done)
      for t, more in ipairs(store:count(epsilon, #store.parts)) do counts[t] = counts[t] + more end
      self.iterations = self.iterations + 1
      show('%d batches  %d draws  accepted %s of %d', self.iterations,
        self.iterations * o.n_samples, table.concat(counts, ' '), o.min_accepted)
      core.poll()
    end
  end
  if o.progress then progress.follow(type(o.progress) == 'table' and o.progress or {}, loop)
  else loop(function() end) end
end

local function draw_batches(self, store, o, epsilon)
  if not self.simulator then
    core.raise('%s: there is no simulator; give parameters and summaries', who)
  end
  local draw = drawer(self, store, o, epsilon)
  if o.min_accepted then return draw_enough(self, store, o, epsilon, draw) end
  local first, second = random.split(o.key):unpack()
  draw(first, second)
  self.iterations = 1
end

local function add_premade(self, store, parameters, summaries)
  local theta, s = np.array(parameters), np.array(summaries)
  local a, b = theta.shape, s.shape
  if #a ~= 2 or a[2] ~= self.n_params or #b ~= 2 or b[2] ~= self.n_summaries or a[1] ~= b[1] then
    core.raise('%s: parameters must be (n, %d) and summaries (n, %d), got %s and %s', who,
      self.n_params, self.n_summaries, text(a), text(b))
  end
  local d = transform.vmap(self.distances_of)(s)
  check_finite(self, theta, d)
  store:add(theta, s, d, a[1])
end

-- ---- results ----

local aliases = {
  __index = function(column, key)
    local name = args.spelling[key]
    return name and rawget(column, name)
  end,
}

-- What was found before says nothing about other draws.
local function publish(self, store)
  self.store, self.draws = store, store.draws
  local theta, s, d = store:rows()
  local all = { parameters = theta, summaries = s, distances = d and d:transpose() }
  for _, name in ipairs(columns) do
    self[name] = setmetatable({ all = all[name], size = store.size }, aliases)
  end
  self.parameters.n_params, self.summaries.n_summaries = self.n_params, self.n_summaries
  self.distances.n_targets = self.n_targets
end

local function check_complete(store, epsilon)
  for t, bound in ipairs(epsilon) do
    if bound > store.complete_below[t] then
      core.raise('%s: draws farther than epsilon = %g were not kept, so epsilon = %g cannot be '
        .. 'answered; draw again with keep_rejected = true', who, store.complete_below[t], bound)
    end
  end
end

-- Sort the rows of the store into accepted and rejected, by target.
local function accept(self, epsilon, smoothing)
  local theta, s, d = self.store:rows()
  for _, name in ipairs(columns) do
    local column = self[name]
    column.accepted, column.rejected, column.n_accepted = {}, {}, {}
    column.epsilon = epsilon
  end
  for t = 1, self.n_targets do
    local to_target = d[{ {}, t }]
    local near = np.lt(to_target, epsilon[t])
    local far = np.logical_not(near)
    for name, rows in pairs { parameters = theta, summaries = s, distances = to_target } do
      local column = self[name]
      column.accepted[t], column.rejected[t] = rows[near], rows[far]
      column.n_accepted[t] = #column.accepted[t]
    end
  end
  self.smoothing = smoothing
  self.marginals = marginals.from_points(self.parameters.accepted, self.ranges, smoothing)
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
    max_iterations = { 'integer', default = 10 },
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
  for _, name in ipairs { 'n_samples', 'min_accepted', 'max_iterations' } do
    if o[name] and o[name] < 1 then
      core.raise('%s: %s must be positive, got %d', who, name, o[name])
    end
  end
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
-- or only `epsilon` to accept anew among the stored ones. After an interrupt or an error the
-- batches that were complete are there.
-- @tparam table opts `epsilon`: number or list of T; `key`; `n_samples`; `min_accepted` (needs
-- epsilon): go on in batches of n_samples until every target has as many, at most `max_iterations`
-- (10) batches; `parameters` (n, P) and `summaries` (n, S); `smoothing` (0) of the marginals, in
-- bins; `replace` (false): forget the stored draws; `keep_rejected`: also keep the draws that no
-- target accepts (true without epsilon, else false: memory grows with the accepted ones only);
-- `progress` (true): a line on a terminal
-- @treturn table self, see the top
-- @raise options that do not belong together, shapes that do not fit, a distance that is not finite
-- @usage local r = abc { epsilon = 1, key = key, n_samples = 100000, min_accepted = 1000 }
function ABC:__call(opts)
  local o = take(self, opts)
  local epsilon = o.epsilon and epsilon_list(o.epsilon, self.n_targets)
  local store = o.replace and new_store(self.n_targets) or self.store
  if epsilon then check_complete(store, epsilon) end
  local ok, why = pcall(function()
    if o.key then draw_batches(self, store, o, epsilon) end
    if o.parameters then add_premade(self, store, o.parameters, o.summaries) end
  end)
  if ok or store.size > 0 then
    publish(self, store)
    if epsilon and store.size > 0 then accept(self, epsilon, o.smoothing) end
  end
  if not ok then error(why, 0) end
  return self
end

function ABC:__tostring()
  local accepted = self.parameters.n_accepted
  if not accepted then return ('%s: %d draws'):format(who, self.draws) end
  local epsilon = {}
  for t, bound in ipairs(self.parameters.epsilon) do epsilon[t] = ('%g'):format(bound) end
  return ('%s: accepted %s of %d draws, epsilon %s'):format(who, table.concat(accepted, ' '),
    self.draws, table.concat(epsilon, ' '))
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
  return marginals.from_points(points, grid.choose('get_marginals', self, o),
    o.smoothing or self.smoothing)
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
-- number, of one example; neither: Euclidean
-- @treturn table call it to draw and accept
-- @raise shapes that do not fit, matrices that are not positive definite
-- @usage local abc = lfi.ApproximateBayesianComputation { target_data = d, prior = prior,
--   simulator = simulator, compressor = net, F = net.F }
function M.new(opts)
  local self = setmetatable(problem.new(who, opts), ABC)
  self.programs, self.failed = {}, 0
  publish(self, new_store(self.n_targets))
  return self
end

return M
