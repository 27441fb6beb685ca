--- Approximate Bayesian computation: draws of the prior whose simulations come close to the data.
--
-- Attributes beside those of imnn.lfi.posterior: target_data (T, ...), target_summaries (T, S),
-- n_summaries S, F (T, P, P) or nil; after a call: draws: how many were made; failed: how many of
-- them could not be made and were left out; iterations: batches of the last call; stopped: why it
-- ended ("complete", "min_accepted", "max_iterations", "max_simulations", "max_seconds");
-- parameters, summaries, distances, each with `all`: (n, P), (n, S), (T, n) of the draws that are
-- kept, `size` n, and, once there was an epsilon, `accepted` and `rejected`: lists of T Arrays,
-- `n_accepted` and `epsilon`: lists of T numbers; log_weights: a list of T Arrays (n_accepted), nil
-- where all accepted draws count the same. What is accepted is in the order in which it was drawn.
-- @module imnn.lfi.abc
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local disk = require 'imnn.lfi.disk'
local distance = require 'imnn.lfi.distance'
local duration = require 'imnn.duration'
local fingerprint = require 'imnn.imnn.fingerprint'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local new_store = require 'imnn.lfi.store'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local problem = require 'imnn.lfi.problem'
local prior = require 'imnn.lfi.prior'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local samples = require 'imnn.samples.set'
local simulators = require 'imnn.simulators.object'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
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

-- Rows whose distances are finite, and how many others there are. Those end the run, unless they
-- may be left out.
local function finite_rows(self, o, theta, s, d)
  local at, odd = tonumber(C.imnn_array_nonfinite(d.array)), 0
  if at >= 0 and o.on_failure ~= 'drop' then
    local at_parameters = theta[math.floor(at / self.n_targets) + 1]
    core.raise('%s: the distance of a draw with the parameters %s is not finite; look at what '
      .. "simulator and compressor give there, or leave such draws out with on_failure = 'drop'",
      who, text(at_parameters:totable()))
  end
  if at >= 0 then
    local good = np.all(np.isfinite(d), { axis = 2 })
    odd = #d
    theta, s, d = theta[good], s[good], d[good]
    odd = odd - #d
  end
  distance.check_sign(who, d, function(row) return text(theta[row]:totable()) end)
  return theta, s, d, odd
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
local function black_drawer(self, store, o, bounds)
  local filter, n = bounds ~= nil and not o.keep_rejected, o.n_samples
  local bound = bounds and np.array(bounds) or np.zeros { self.n_targets }
  self.summarise = self.summarise or transform.jit(transform.vmap(function(datum)
    local summary = self.compress(datum)
    return summary, self.distances_of(summary)
  end))
  return function(key_theta, key_simulation, show, label)
    local theta = self.prior:sample(key_theta, n)
    local data, report = self.simulator:run(random.split(key_simulation, n), theta,
      { progress = show or o.progress, label = label, on_failure = o.on_failure })
    if report.kept then theta = np.take(theta, report.kept, 1) end
    local m = #data
    local s, d = np.zeros { 0, self.n_summaries }, np.zeros { 0, self.n_targets }
    local odd = 0
    if m > 0 then
      s, d = self.summarise(padded(data, n))
      if m < n then s, d = s[{ { 1, m } }], d[{ { 1, m } }] end
      theta, s, d, odd = finite_rows(self, o, theta, s, d)
    end
    if filter and #d > 0 then
      local near = np.any(np.lt(d, bound), { axis = 2 })
      theta, s, d = theta[near], s[near], d[near]
    end
    store:add(theta, s, d, n, report.n_failed + odd, filter and bounds or nil)
    return d
  end
end

-- A function (key of parameters, key of simulations) that adds a batch to the store, and gives the
-- distances of what it added.
local function drawer(self, store, o, bounds)
  if simulators.is(self.simulator) then return black_drawer(self, store, o, bounds) end
  local filter = bounds ~= nil and not o.keep_rejected
  local program = batch_program(self, o.n_samples, filter)
  local bound = bounds and np.array(bounds) or np.zeros { self.n_targets }
  return function(key_theta, key_simulation)
    local theta, s, d, odd = finite_rows(self, o, program(key_theta, key_simulation, bound))
    store:add(theta, s, d, o.n_samples, odd, filter and bounds or nil)
    return d
  end
end

-- ---- loops over batches ----

-- Why no more batches are made; nil: there is no reason.
local function reason(self, o, counts, start)
  local draws = self.iterations * o.n_samples
  if o.min_accepted and math.min(unpack(counts)) >= o.min_accepted then return 'min_accepted' end
  if o.max_simulations and draws + o.n_samples > o.max_simulations then
    return 'max_simulations'
  end
  if o.max_seconds and C.imnn_seconds() - start >= o.max_seconds then return 'max_seconds' end
  if self.iterations >= o.max_iterations then return 'max_iterations' end
end

-- What a line on the screen says.
local function line(self, o, counts, start, before)
  local seconds = C.imnn_seconds() - start
  local draws = self.iterations * o.n_samples
  local rate = (draws - before) / math.max(seconds, 1e-9)
  local left = {}
  if o.max_simulations then left[#left + 1] = (o.max_simulations - draws) / rate end
  if o.max_seconds then left[#left + 1] = o.max_seconds - seconds end
  return ('%d batches  %d draws%s%s  %.3g a second%s'):format(self.iterations, draws,
    counts and '  accepted ' .. table.concat(counts, ' ') or '',
    o.min_accepted and ' of ' .. o.min_accepted or '', rate,
    left[1] and ('  %.0f s left'):format(math.min(unpack(left))) or '')
end

-- Batches until every target has enough draws, or a budget ends. Every one serves all targets. The
-- store may have the first ones already. Whether the program is asked to end, which a store on disk
-- survives.
local function draw_loop(self, store, o, bounds, draw, done)
  local key = o.key
  local counts, start = bounds and store:count(bounds), C.imnn_seconds()
  local function next_keys()
    local k, first = random.split(key):unpack()
    local rest, second = random.split(k):unpack()
    key = rest
    return first, second
  end
  for _ = 1, done do next_keys() end
  self.iterations = done
  local ending = false
  local function loop(show)
    while not ending do
      self.stopped = reason(self, o, counts, start)
      if self.stopped then return end
      local first, second = next_keys()
      local d = draw(first, second, show, line(self, o, counts, start, done * o.n_samples))
      if counts then
        for t, more in ipairs(store:count(bounds, d)) do counts[t] = counts[t] + more end
      end
      self.iterations = self.iterations + 1
      show('%s', line(self, o, counts, start, done * o.n_samples))
      ending = store.path and C.imnn_ending_asked()
      if not ending then core.poll() end
    end
  end
  if o.progress then progress.follow(type(o.progress) == 'table' and o.progress or {}, loop)
  else loop(function() end) end
  return ending
end

-- By what a store knows a run again.
local function name_of(o, bounds)
  local numbers = {}
  for _, word in ipairs(o.key:totable()) do numbers[#numbers + 1] = ('%d'):format(word) end
  local lean = bounds and not o.keep_rejected
  for t, bound in ipairs(lean and bounds or {}) do numbers[t + 2] = ('%.17g'):format(bound) end
  return ('%s of %d, key %s'):format(o.loops and 'batches' or 'a batch', o.n_samples,
    table.concat(numbers, ' '))
end

local function draw_batches(self, store, o, bounds)
  if not self.simulator then
    core.raise('%s: there is no simulator; give parameters and summaries', who)
  end
  local done, over = store:begin(name_of(o, bounds), o.n_samples)
  self.iterations, self.stopped = done, 'complete'
  if over then return end
  local draw = drawer(self, store, o, bounds)
  if o.loops then return draw_loop(self, store, o, bounds, draw, done) end
  if done == 0 then
    local first, second = random.split(o.key):unpack()
    draw(first, second)
    self.iterations = 1
  end
end

local function add_premade(self, store, o)
  local theta, s = np.array(o.parameters), np.array(o.summaries)
  local a, b = theta.shape, s.shape
  if #a ~= 2 or a[2] ~= self.n_params or #b ~= 2 or b[2] ~= self.n_summaries or a[1] ~= b[1] then
    core.raise('%s: parameters must be (n, %d) and summaries (n, %d), got %s and %s', who,
      self.n_params, self.n_summaries, text(a), text(b))
  end
  local at = tonumber(core.C.imnn_array_nonfinite(theta.array))
  if at >= 0 then
    core.raise('%s: parameters hold a number that is not finite, in row %d', who,
      math.floor(at / a[2]) + 1)
  end
  local d = transform.vmap(self.distances_of)(s)
  local done = store:begin('premade, ' .. fingerprint.of_arrays { theta, s }, a[1])
  if done > 0 then return end
  local odd
  theta, s, d, odd = finite_rows(self, o, theta, s, d)
  store:add(theta, s, d, a[1], odd)
end

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
    bounds[t] = beyond <= #d and d[beyond]:item() or math.max(last * (1 + 2 ^ -20), 1e-300)
  end
  check_complete(store, bounds)
  return bounds
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
  local ending = false
  if store.path then C.imnn_ending_listen(1) end
  local ok, why = pcall(function()
    ending = o.key and draw_batches(self, store, o, bounds)
    if ending then return end
    if o.parameters then add_premade(self, store, o) end
    store:finish()
  end)
  if store.path then C.imnn_ending_listen(-1) end
  if ending then os.exit(C.IMNN_EXIT_AGAIN) end
  if ok or store.size > 0 then
    publish(self, store)
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

-- What the numbers in a store depend on, as far as it can be seen.
local function identity(self)
  local list = { self.target_summaries }
  if self.F then list[2] = self.F end
  local key = random.PRNGKey(0)
  local out = { 'targets: ' .. fingerprint.of_arrays(list),
    'sizes: ' .. self.n_params .. ' ' .. self.n_summaries,
    'layout of keys: ' .. random.key_layout() }
  if self.prior.sample then
    out[#out + 1] = 'prior: ' .. fingerprint.of_arrays { self.prior:sample(key, 4) }
  end
  if self.simulator and not simulators.is(self.simulator) then
    out[#out + 1] = 'simulator or compressor: ' .. fingerprint.of_function(function(k)
      local keys = random.split(k)
      return self.compress(self.simulator(keys[1], self.prior:sample(keys[2])))
    end, key)
  end
  return out
end

--- Prepare for data.
-- @tparam table opts `target_data`: one datum or T of them (one axis more); `prior`; `simulator`
-- (key, theta) -> data, of one example, or one of imnn.simulators, or none; `compressor`: a
-- network, as it is now, or a function of one datum; `gridsize` (100); `F`: Fisher information
-- (P, P), (T, P, P) or a list, for the Mahalanobis distance; `distance_measure` (s, target, F) ->
-- number, of one example; neither: Euclidean; `store`: path of an HDF5 file in which draws are
-- kept, a row each, rather than in memory. What is there already is taken up: the same calls go on
-- where they were broken off, also by a kill, with the same numbers; SIGTERM and SIGUSR1 end the
-- program between two batches, with exit code 75
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
    return disk(who, o.store, self.n_targets, identity(self), afresh)
  end
  publish(self, self.new_store())
  return self
end

return M
