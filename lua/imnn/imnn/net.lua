--- What all IMNNs have in common: construction, statistics, estimates. A kind of network
-- (simulator, gradient, numerical) says where summaries and their derivatives come from.
--
-- Attributes: n_s, n_d, n_params, n_summaries, input_shape, theta_fid; model (its apply function);
-- state (of the optimiser); initial_w, final_w, best_w, w (weights; w: those of the statistics);
-- F, invF (P, P), C, invC (S, S), mu (S), dmu_dtheta (S, P) in f64, nil until there are statistics;
-- key (of the first weights, if they come from one); last_fit (settings of the last fit: lambda,
-- epsilon, rng, patience, min_iterations, max_iterations, best; and its iterations); history
-- (imnn.imnn.history); validate, simulate; the data that it was given (fiducial, derivative,
-- validation_fiducial, validation_derivative, delta_theta), which may be changed between fits, as
-- nothing else can be that it was made with; of aggregated classes host, devices, n_devices,
-- n_per_device, and what batches there are: n_iterations, batch_shape, n_remaining,
-- n_remaining_iterations, remaining_batch_shape, or fiducial_iterations, fiducial_batch_shape,
-- derivative_iterations, derivative_batch_shape.
-- Greek spellings are the same.
-- @module imnn.imnn.net
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local faults = require 'imnn.imnn.faults'
local fisher = require 'imnn.fisher'
local fit = require 'imnn.imnn.fit'
local history = require 'imnn.imnn.history'
local information = require 'imnn.imnn.information'
local layout = require 'imnn.imnn.layout'
local model = require 'imnn.imnn.model'
local name_of = require 'imnn.imnn.names'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local report = require 'imnn.imnn.report'
local sets = require 'imnn.imnn.sets'
local transform = require 'imnn.transform'
local tree = require 'imnn.tree'
local M = {}

local Net = {}

local meta = {}

function meta.__index(self, key)
  local name = name_of(key)
  if name ~= key then return self[name] end
  if Net[name] then return Net[name] end
  local fixed = rawget(self, 'fixed')
  if fixed and fixed[name] ~= nil then return fixed[name] end
  local value = rawget(self, 'sets') and sets.get(self, name)
  if not value then args.known(fixed and fixed.class or 'net', key, Net) end
  return value or nil
end

function meta.__newindex(self, key, value)
  local name = name_of(key)
  if rawget(self, 'sets') and sets.put(self, name, value) then return end
  local fixed = rawget(self, 'fixed')
  if fixed and fixed[name] ~= nil then
    core.raise('%s: %s cannot be changed; make another network, with key_or_state = net.state to '
      .. 'go on from the same weights', self.class, name)
  end
  rawset(self, name, value)
end

function meta.__tostring(self)
  return ('%s: %d parameters, %d summaries, n_s %d, n_d %d, %d iterations'):format(self.class,
    self.n_params, self.n_summaries, self.n_s, self.n_d, self.history.size)
end

-- ---- construction ----

local function forget_statistics(self)
  for _, name in ipairs { 'F', 'invF', 'C', 'invC', 'mu', 'dmu_dtheta', 'weight' } do
    self[name] = nil
  end
end

-- Numbers in a tree become Arrays, so that it can be carried by programs.
local function arrays(t)
  return tree.map(function(x) return np.is_array(x) and x or np.array(x) end, t)
end

-- The initial state from a key, or the one that is given.
local function state_of(self, key_or_state)
  self.key = nil
  if not np.is_array(key_or_state) then
    local ok, why = pcall(self.optimiser.get_params, key_or_state)
    if not ok then
      core.raise('%s: key_or_state is no key, and the optimiser finds no weights in it: %s',
        self.class, tostring(why))
    end
    return arrays(key_or_state)
  end
  check.key(self.class, 'key_or_state', key_or_state)
  self.key = key_or_state
  local shape, w = self.init(key_or_state, self.input_shape)
  if type(shape) ~= 'table' or not check.equal(shape, { self.n_summaries }) then
    core.raise('%s: the model gives %s, n_summaries is %d', self.class,
      type(shape) == 'table' and check.text(shape) or tostring(shape), self.n_summaries)
  end
  return arrays(self.optimiser.init(arrays(w)))
end

-- What was asked for when the network was made: part of programs that are kept, so it stays.
local changing = { sets = true, validate = true, history = true, programs = true, state = true,
  count = true, initial_w = true, final_w = true, best_w = true, w = true, key = true }

local function fix(self)
  local fixed = {}
  for name, value in next, self do
    if not changing[name] then fixed[name] = value end
  end
  for name in next, fixed do self[name] = nil end
  rawset(self, 'fixed', fixed)
end

local function begin(self, state)
  self.state, self.count = state, 0
  self.initial_w = self.optimiser.get_params(state)
  self.final_w, self.best_w, self.w = self.initial_w, self.initial_w, self.initial_w
end

--- Rows of the options that all classes take, for imnn.args.
M.rows = {
  n_s = { 'integer' }, n_d = { 'integer' }, n_params = { 'integer' },
  n_summaries = { 'integer' }, input_shape = { 'table' }, theta_fid = { 'Array', 'table' },
  model = { 'table' }, optimiser = { 'table' }, key_or_state = { 'Array', 'table' },
  hybrid = { 'function', 'table', optional = true },
}

-- What has nothing to do with data.
local function settle(self, o)
  local who = self.class
  for _, name in ipairs { 'n_s', 'n_d', 'n_params', 'n_summaries', 'input_shape', 'hybrid' } do
    self[name] = o[name]
  end
  self.n_external = 0
  check.counts(who, o)
  if not o.hybrid then check.sizes(self) end -- else its summaries have yet to be counted
  check.shape(who, 'input_shape', o.input_shape)
  self.theta_fid = check.theta(who, o.theta_fid, o.n_params)
  self.init, self.model = check.functions(who, 'model', o.model, {
    { 'init', 0, 2, '(key, shape)' }, { 'apply', 2, 3, '(params, x)' },
  })
  local init, update, get_params = check.functions(who, 'optimiser', o.optimiser, {
    { 'init', 1, 1, '(w)' }, { 'update', 3, 3, '(i, gradient, state)' },
    { 'get_params', 1, 1, '(state)' },
  })
  self.optimiser = { init = init, update = update, get_params = get_params }
  if o.hybrid then check.arity(who, 'hybrid', o.hybrid, 1, 1, '(d)') end
  self.history, self.programs = history.new(), {}
end

--- A network of a class.
-- @tparam string who name of the class
-- @tparam table kind where summaries come from
-- @tparam table opts options of the user
-- @tparam table form `rows`: further options; `data` (net, o): makes them data of the kind
-- @treturn table
function M.new(who, kind, opts, form)
  local o = args.take(who, opts, args.rows(M.rows, args.rows(kind.rows, form.rows)))
  local self = setmetatable({ class = who, kind = kind, simulate = kind.simulate or false }, meta)
  settle(self, o)
  begin(self, state_of(self, o.key_or_state))
  if kind.begin then kind.begin(self, o) end
  layout.take(self, o)
  if form.data then form.data(self, o) end
  sets.take(self, o)
  model.check(self, kind.datum(self))
  check.sizes(self)
  fix(self)
  return self
end

--- Forget history, settings of the last fit, best weights, score and statistics; go on from the
-- present weights.
-- @tparam[opt] Array|table key_or_state also start from new weights, or from another state
-- @usage local other = imnn.SimulatorIMNN { n_s = 20, n_d = 20, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = { 0, 1 }, model = network, optimiser = optimizers.adam(1e-3),
--   key_or_state = key, simulator = simulator }
-- other:reset()
function Net:reset(key_or_state)
  local state, count = self.state, self.count
  if key_or_state ~= nil then state, count = state_of(self, key_or_state), 0 end
  self.history, self.last_fit = history.new(), nil
  forget_statistics(self)
  begin(self, state)
  self.count = count
end

-- ---- statistics ----

-- A function that is compiled once for each layout of keys.
local function program(self, name, fn, opts)
  name = name .. random.key_layout()
  if not self.programs[name] then self.programs[name] = transform.jit(fn, opts) end
  return self.programs[name]
end

-- Such a function of weights, key, data and mode.
local function program_of_data(self, name, fn)
  return program(self, name, fn, layout.limits(self, { rows = { 3 } }))
end

local function key_for(self, who, key)
  if key ~= nil and not np.is_array(key) then
    core.raise('%s: key must be an Array, got %s', who, core.kind(key))
  end
  if key then return check.key(who, 'key', key) end
  if self.simulate then
    core.raise('%s: key is missing: the simulations are drawn from it', who)
  end
end

-- The arrays of the set that is asked for, and the key, or one where none is needed.
local function given(self, who, key, validate)
  sets.check(self, who)
  key = key_for(self, who, key) or random.PRNGKey(0)
  return key, sets.inputs(self, validate and self.validate)
end

--- Summaries of simulations and their derivatives; of finite differences, the summaries on both
-- sides. Networks with dropout drop nothing.
-- @tparam[opt] table w weights; none: those of the statistics
-- @tparam[opt] Array key from which simulations are drawn
-- @tparam[opt=false] boolean validate those of the validation set, if there is one
-- @treturn Array x (n_s, S)
-- @treturn Array dx (n_d, S, P), or x_mp (n_d, 2, P, S) of NumericalGradientIMNN
-- @usage local x, dx = net:get_summaries(nil, key)
function Net:get_summaries(w, key, validate)
  local who = 'get_summaries'
  args.argument(who, 'w', w, { 'table', 'Array', optional = true })
  args.argument(who, 'validate', validate, { 'boolean', optional = true })
  local data
  key, data = given(self, who, key, validate)
  return program_of_data(self, 'summaries', function(...)
    return self.kind.outputs(self, ...)
  end)(w or self.w, key, data, 'test')
end

--- Compute F, invF, C, invC, mu, dmu_dtheta, and use them for estimates from now on. Networks with
-- dropout drop nothing.
-- @tparam table opts `w` (those of the last statistics): weights; `key`: compulsory where
-- simulations are drawn; `validate` (true): use the validation set if there is one
-- @raise a singular covariance or Fisher information, simulations that are not finite
-- @usage net:set_F_statistics { w = net.best_w, key = key }
function Net:set_F_statistics(opts)
  local who = 'set_F_statistics'
  local o = args.take(who, opts, {
    w = { 'table', 'Array', optional = true },
    key = { 'Array', optional = true },
    validate = { 'boolean', default = true },
  })
  local w = o.w or self.w
  local key, data = given(self, who, o.key, o.validate)
  local s, weight = program_of_data(self, 'statistics', function(...)
    local s = information.of(self, ...)
    s.own = nil
    return s, np.matmul(s.invF, np.matmul(s.dmu_dtheta:transpose(), s.invC))
  end)(w, key, data, 'test')
  local why = faults.of_statistics(self, w, key, data, s)
  if why then core.raise('%s: %s', who, why) end
  for _, name in ipairs { 'F', 'invF', 'C', 'invC', 'mu', 'dmu_dtheta' } do self[name] = s[name] end
  self.w, self.weight = w, weight
end

-- The shape in front of input_shape.
local function leading(self, d)
  local shape, n = d.shape, #self.input_shape
  local out = {}
  for k = 1, #shape - n do out[k] = shape[k] end
  for k = 1, n do
    if shape[#out + k] ~= self.input_shape[k] then
      core.raise('get_estimate: one datum is %s, got %s', check.text(self.input_shape),
        check.text(shape))
    end
  end
  return out
end

-- theta_fid + invF dmu^T invC (x - mu): one datum.
local function estimate(self, w, mu, weight, d, key)
  local x = model.summaries(self, w, d, key, 'test')
  local n = self.n_summaries + self.n_external
  local away = (x - mu:astype(x.dtype)):reshape { n, 1 }
  local step = np.matmul(weight:astype(x.dtype), away):reshape { self.n_params }
  return self.theta_fid:astype(x.dtype) + step
end

--- Parameters from data: the maximum of the likelihood near theta_fid, as the summaries see it.
-- Other axes may stand before those of input_shape; they stay.
-- @tparam Array d (..., input_shape)
-- @tparam[opt] Array key for networks that draw even so; those with dropout drop nothing here
-- @treturn Array (..., P)
-- @raise no statistics yet, data of another shape
-- @usage net:get_estimate(d)
function Net:get_estimate(d, key)
  if not self.weight then
    core.raise 'get_estimate: there are no statistics yet; fit or set_F_statistics makes them'
  end
  if not np.is_array(d) then d = np.array(d) end
  if d.dtype ~= 'f64' then d = d:astype 'f32' end
  if key ~= nil then key = key_for(self, 'get_estimate', key) end
  local front = leading(self, d)
  local w, mu, weight = self.w, self.mu, self.weight
  if #front == 0 then
    return program(self, 'estimate', function(...)
      return estimate(self, ...)
    end, layout.threads(self))(w, mu, weight, d, key)
  end
  local n, sizes = 1, { unpack(front) }
  for _, size in ipairs(front) do n = n * size end
  sizes[#sizes + 1] = self.n_params
  return program(self, 'estimates', function(w_, mu_, weight_, batch, k)
    local keys = random.split(k or random.PRNGKey(0), batch.shape[1])
    return transform.vmap(function(datum, one)
      return estimate(self, w_, mu_, weight_, datum, k and one)
    end)(batch, keys)
  end, layout.threads(self))(w, mu, weight, d:reshape { n, unpack(self.input_shape) }, key)
    :reshape(sizes)
end

--- The rate of the regularisation (imnn.fisher.alpha).
-- @tparam number lambda
-- @tparam number epsilon
-- @treturn number
-- @raise values for which it does not exist
-- @usage net:get_alpha(10, 0.1) --> 0.953
function Net.get_alpha(_, lambda, epsilon)
  args.argument('get_alpha', 'lambda', lambda, { 'number' })
  args.argument('get_alpha', 'epsilon', epsilon, { 'number' })
  return fisher.alpha(lambda, epsilon)
end

--- How much the summaries tell about the parameters, measured on simulations that no fit has seen:
-- those of `data`, else fresh ones where the class simulates, else the validation set. Nothing of
-- the network changes.
-- @tparam table opts `key`: compulsory where simulations are drawn; also the key of the bootstrap;
-- `n_s`, `n_d`: how many fresh simulations (as in fits), and how many of them with derivatives
-- (n_s); `data` { fiducial = ..., derivative = ... }: held-out simulations, any number, Arrays or
-- readers, as the class has them (as GradientIMNN, if it simulates), or as NumericalGradientIMNN
-- has them if there is a `delta_theta` among them; `w` (those of the last statistics): weights;
-- `n_bootstrap` (200): resamples behind each error
-- @treturn table prints as a report. Numbers: `lndetF`, `detF`, `lndetF_error` (bootstrap),
-- `lndetF_corrected` (NaN where noise is as large as the information); `hartlap` (n_s - S - 2) /
-- (n_s - 1), by which the inverse covariance of so few simulations is too large; `condition` of C;
-- `n_s`, `n_d`; `optimism`: by how much the value in training exceeds the corrected one, and
-- `optimism_sigma`, in standard errors, both nil where one of the two is not known. Arrays: `F`,
-- `F_error`, `F_corrected` = hartlap (F - noise), `noise`: what the scatter of the derivatives adds
-- to F on average, tr(C^-1 C_D) / n_d (P, P); `noise_fraction`: its part of each F_aa; `errors`:
-- error bars of the parameters (P); `C`, `invC`, `mu`, `dmu_dtheta`. `training` { lndetF,
-- lndetF_error }, after a fit: the best score of the fits of a simulator, or the training set;
-- `source`: where the simulations come from; `advice`: list of sentences
-- @raise simulations of another shape, too few of them, a singular information
-- @usage print(net:information { key = key, n_s = 2000 })
function Net:information(opts) return report.information(self, opts) end

-- ---- fitting ----

--- Maximise the information in the summaries. A further call goes on where the last one ended.
-- @tparam table opts `lambda`, `epsilon`: strength and closeness of the regularisation; `rng`: key,
-- a new one for each call; `patience` (100): stop after as many iterations without a better
-- ln det F, counted behind `min_iterations` (100); `max_iterations` (100000); `best` (true): use
-- the best weights afterwards, else the last; `progress` (true): a line on the terminal; `log` or
-- `print_rate`: instead, a line of text every `print_rate` (100) iterations, to `log`: stderr
-- (true), a file or a function; `quiet` (false): neither; `checkpoint`: path of a file in which the
-- fit is kept `every` ('10m') so often, a span of time or a number of iterations, and at its end:
-- a fit that finds such a file of its own goes on from there, and ends with the same bytes as if it
-- had not been broken off; a file of another run (other settings, data, weights, functions) is an
-- error. SIGTERM and SIGUSR1 end a program in such a fit after the iteration, with the file written
-- and exit code 75
-- @treturn string 'patience', 'max_iterations' or 'interrupted' (by ctrl-C: everything is as after
-- the last whole iteration)
-- @raise no alpha for lambda and epsilon, numbers that are not finite, a singular matrix: the state
-- is that of the last whole iteration then, too
-- @usage net:fit { lambda = 10, epsilon = 0.1, rng = key }
function Net:fit(...) return fit.fit(self, ...) end

--- Write weights, state of the optimiser, keys (of the first weights, of the last fit), counters,
-- history, statistics, settings (sizes, theta_fid, delta_theta, memory, devices, lambda, epsilon
-- and so on) and the version of the library to a file (HDF5), under a temporary name that is
-- changed at the end. `imnn.load` makes a network of it. Functions and data are not in it.
-- @tparam string path
-- @raise what cannot be written
-- @usage net:save 'net.h5'
function Net:save(path) return require('imnn.imnn.keep').save(self, path) end

--- One bare iteration at each call (for measurements), and the compiled iteration behind it.
-- @tparam table opts as for fit
-- @treturn function one iteration
-- @treturn table the compiled iteration
-- @usage local step = net:stepper { lambda = 10, epsilon = 0.1, rng = key }
function Net:stepper(opts) return fit.stepper(self, opts) end

--- Floating-point operations in matrix products and convolutions of one iteration.
-- @treturn number
-- @usage net:iteration_flops()
function Net:iteration_flops()
  local _, iteration = self:stepper { lambda = 10, epsilon = 0.1, rng = random.PRNGKey(0) }
  return iteration:flops()
end

--- Draw the history (imnn.plot.history).
-- @tparam[opt] table opts `expected_detF`, `label`, `colour`, `ax`, `ncol`, `figsize`, `file`
-- @treturn Figure
-- @usage net:plot { expected_detF = 50 }
function Net:plot(opts) return require('imnn.plot').history(self.history, opts) end

return M
