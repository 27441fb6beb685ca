--- The classes of networks: kinds (simulator, gradient, numerical) in three forms. The plain and
-- the aggregated form do the same; dataset classes take other data.
-- @module imnn.imnn.classes
local args = require 'imnn.args'
local datasets = require 'imnn.imnn.datasets'
local gradient = require 'imnn.imnn.gradient'
local layout = require 'imnn.imnn.layout'
local net = require 'imnn.imnn.net'
local numerical = require 'imnn.imnn.numerical'
local sets = require 'imnn.imnn.sets'
local simulator = require 'imnn.imnn.simulator'
local M = {}

local stored = args.rows(layout.aggregated, layout.storage)
local given = { 'Reader', 'function', 'table' }
local maybe = args.rows(given, { optional = true })
local forms = {
  simulator = { rows = layout.plain },
  gradient = { rows = args.rows(layout.plain, sets.rows(gradient)) },
  numerical = { rows = args.rows(layout.plain, sets.rows(numerical)) },
  aggregated_simulator = { rows = layout.aggregated },
  aggregated_gradient = { rows = args.rows(stored, sets.rows(gradient)) },
  aggregated_numerical = { rows = args.rows(stored, sets.rows(numerical)) },
  dataset_gradient = { data = datasets.gradient, rows = args.rows(layout.aggregated, {
    main = given, remaining = maybe, validation_main = maybe, validation_remaining = maybe,
  }) },
  dataset_numerical = { data = datasets.numerical, rows = args.rows(layout.aggregated, {
    fiducial = given, derivative = given, delta_theta = { 'Array', 'table' },
    validation_fiducial = maybe, validation_derivative = maybe,
  }) },
}

--- A network that draws its simulations while it fits: fresh ones in every iteration,
-- differentiated through simulator and network together.
-- @tparam table opts `n_s`, `n_d`: simulations per iteration, and how many of them with
-- derivatives; `n_params` P, `n_summaries` S; `input_shape` of one simulation; `theta_fid` (P);
-- `model` { init, apply }: a network that sees one simulation and gives (S); `optimiser` { init,
-- update, get_params }; `key_or_state`: key of the initial weights, or a state of the optimiser;
-- `simulator` (key, theta) -> one simulation; `hybrid` (none): a function d -> (E) of external
-- summaries, which stand behind those of the network; `memory` (half of what is free): bytes, or
-- text like '2GB', that an iteration may take besides data and weights: what does not fit is
-- computed twice instead, and gives the same bytes
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together
-- @usage local net = imnn.SimulatorIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = optimizers.adam(1e-3), key_or_state = key, simulator = simulator }
function M.SimulatorIMNN(opts)
  return net.new('SimulatorIMNN', simulator, opts, forms.simulator)
end

--- A network that fits to simulations that were made before, and to their derivatives. Where data
-- are wanted, readers (imnn.data) do as well as Arrays: their records are read while it fits, some
-- at a time.
-- @tparam table opts those of SimulatorIMNN but for `simulator`; `fiducial` (n_s, input_shape):
-- simulations at theta_fid; `derivative` (n_d, input_shape, n_params): derivatives of the first n_d
-- of them; `validation_fiducial`, `validation_derivative` (none): a second set, by which fits are
-- judged and from which statistics come
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, data that are not finite
-- @usage local make = imnn.value_and_jacfwd(simulator, { argnums = 2 })
-- local d, dd = imnn.vmap(make, { in_axes = { 1, false } })(random.split(key, 100), theta)
-- local net = imnn.GradientIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = theta, model = network, fiducial = d, derivative = dd,
--   optimiser = optimizers.adam(1e-3), key_or_state = key }
function M.GradientIMNN(opts) return net.new('GradientIMNN', gradient, opts, forms.gradient) end

--- A network that fits to simulations that were made before, some of them on both sides of
-- theta_fid: derivatives are finite differences. Where data are wanted, readers (imnn.data) do as
-- well as Arrays.
-- @tparam table opts those of SimulatorIMNN but for `simulator`; `fiducial` (n_s, input_shape):
-- simulations at theta_fid; `derivative` (n_d, 2, n_params, input_shape): simulations with one
-- parameter lowered or raised by HALF of `delta_theta` (n_params), which is the full distance
-- between both sides, with the seeds of the fiducial ones; `validation_fiducial`,
-- `validation_derivative` (none): a second set, by which fits are judged and from which statistics
-- come
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, data that are not finite
-- @usage local keys, step = random.split(key, 100), np.array { 0.1, 0.1 }
-- local function at(k, side, p)
--   return simulator(k, theta + side * step / 2 * np.one_hot(p, 2))
-- end
-- local function sides(k)
--   return np.stack { np.stack { at(k, -1, 1), at(k, -1, 2) },
--     np.stack { at(k, 1, 1), at(k, 1, 2) } }
-- end
-- local net = imnn.NumericalGradientIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = theta, delta_theta = step, model = network,
--   fiducial = imnn.vmap(function(k) return simulator(k, theta) end)(keys),
--   derivative = imnn.vmap(sides)(keys), optimiser = optimizers.adam(1e-3), key_or_state = key }
function M.NumericalGradientIMNN(opts)
  return net.new('NumericalGradientIMNN', numerical, opts, forms.numerical)
end

--- SimulatorIMNN with the arguments of the Python class. Simulations are made and summarised some
-- at a time by every class here, so that the results are the same bytes.
-- @tparam table opts those of SimulatorIMNN, and `host`: a thread, 'cpu:0'; `devices`: a list of
-- threads, as imnn.devices() gives it, or how many: so many work for this network, as far as
-- imnn.threads() allows; `n_per_device`: simulations that each of them may have in work, of finite
-- differences with all versions of a seed (the last batch may be smaller). Programs work in tiles
-- of a sixteenth of n_s or fewer, at least 16, which follow from shapes alone, since the last bits
-- of sums depend on them: where all devices together may have fewer simulations in work than a tile
-- for each, fewer threads work, and one tile is the least
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together
-- @usage local net = imnn.AggregatedSimulatorIMNN { n_s = 100, n_d = 100, n_params = 2,
--   n_summaries = 2, input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = optimizers.adam(1e-3), key_or_state = key, simulator = simulator,
--   host = 'cpu:0', devices = imnn.devices(), n_per_device = 30, memory = '100MB' }
function M.AggregatedSimulatorIMNN(opts)
  return net.new('AggregatedSimulatorIMNN', simulator, opts, forms.aggregated_simulator)
end

--- GradientIMNN with the arguments of the Python class; the results are the same bytes.
-- @tparam table opts those of GradientIMNN, and `host`, `devices`, `n_per_device` as those of
-- AggregatedSimulatorIMNN; `cache` (false): readers are read into memory once; `prefetch` (none):
-- batches of n_per_device that are read ahead, -1: some for each thread
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, data that are not finite
-- @usage local make = imnn.value_and_jacfwd(simulator, { argnums = 2 })
-- local d, dd = imnn.vmap(make, { in_axes = { 1, false } })(random.split(key, 100), theta)
-- local net = imnn.AggregatedGradientIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = theta, model = network, fiducial = d, derivative = dd,
--   optimiser = optimizers.adam(1e-3), key_or_state = key,
--   host = 'cpu:0', devices = { 'cpu:0' }, n_per_device = 30 }
function M.AggregatedGradientIMNN(opts)
  return net.new('AggregatedGradientIMNN', gradient, opts, forms.aggregated_gradient)
end

--- NumericalGradientIMNN with the arguments of the Python class; the results are the same bytes.
-- @tparam table opts those of NumericalGradientIMNN, and `host`, `devices`, `n_per_device` as those
-- of AggregatedSimulatorIMNN; `cache` (false): readers are read into memory once; `prefetch`
-- (none): batches of n_per_device that are read ahead, -1: some for each thread
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, data that are not finite
-- @usage local d = random.normal(key, { 100, 10 })
-- local dd = np.stack({ d - 0.05, d * 0.975, d + 0.05, d * 1.025 }, 2):reshape { 100, 2, 2, 10 }
-- local net = imnn.AggregatedNumericalGradientIMNN { n_s = 100, n_d = 100, n_params = 2,
--   n_summaries = 2, input_shape = { 10 }, theta_fid = theta, delta_theta = np.array { 0.1, 0.1 },
--   model = network, fiducial = d, derivative = dd, optimiser = optimizers.adam(1e-3),
--   key_or_state = key, host = 'cpu:0', devices = { 'cpu:0' }, n_per_device = 30 }
function M.AggregatedNumericalGradientIMNN(opts)
  return net.new('AggregatedNumericalGradientIMNN', numerical, opts, forms.aggregated_numerical)
end

--- GradientIMNN on data sets that are read while it fits, with the arguments of the Python class.
-- @tparam table opts those of AggregatedSimulatorIMNN but for `simulator`; `main`: n_d simulations
-- and their derivatives, a pair of readers { fiducial = ..., derivative = ... }, or an iterator: a
-- function that gives at each call a batch of n_per_device simulations (n, input_shape) and one of
-- derivatives (n, input_shape, n_params), and after the last one nil, or the first one again;
-- `remaining`: the n_s - n_d simulations without derivatives, a reader or an iterator (not needed
-- where n_s = n_d); `validation_main`, `validation_remaining` (none); a list of several holds one
-- for each of `devices`. Iterators are read once, and kept in memory
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, iterators of another period
-- @usage local make = imnn.value_and_jacfwd(simulator, { argnums = 2 })
-- local d, dd = imnn.vmap(make, { in_axes = { 1, false } })(random.split(key, 100), theta)
-- local net = imnn.DatasetGradientIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = theta, model = network,
--   main = { fiducial = data.from_array(d), derivative = data.from_array(dd) },
--   optimiser = optimizers.adam(1e-3), key_or_state = key,
--   host = 'cpu:0', devices = { 'cpu:0' }, n_per_device = 30 }
function M.DatasetGradientIMNN(opts)
  return net.new('DatasetGradientIMNN', gradient, opts, forms.dataset_gradient)
end

--- NumericalGradientIMNN on data sets that are read while it fits, with the arguments of the Python
-- class.
-- @tparam table opts those of AggregatedSimulatorIMNN but for `simulator`; `delta_theta`;
-- `fiducial`: n_s simulations, a reader or an iterator: a function that gives at each call a batch
-- of n_per_device simulations (n, input_shape), and after the last one nil, or the first one again;
-- `derivative`: n_d 2 n_params simulations, in the order of (n_d, 2, n_params, input_shape), each a
-- record, or all of a seed; `validation_fiducial`, `validation_derivative` (none); a list of
-- several holds one for each of `devices`. Iterators are read once, and kept in memory
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together, iterators of another period
-- @usage local d = random.normal(key, { 100, 10 })
-- local dd = np.stack({ d - 0.05, d * 0.975, d + 0.05, d * 1.025 }, 2):reshape { 400, 10 }
-- local net = imnn.DatasetNumericalGradientIMNN { n_s = 100, n_d = 100, n_params = 2,
--   n_summaries = 2, input_shape = { 10 }, theta_fid = theta, delta_theta = np.array { 0.1, 0.1 },
--   model = network, fiducial = data.from_array(d), derivative = data.from_array(dd),
--   optimiser = optimizers.adam(1e-3), key_or_state = key, host = 'cpu:0', devices = { 'cpu:0' },
--   n_per_device = 30 }
function M.DatasetNumericalGradientIMNN(opts)
  return net.new('DatasetNumericalGradientIMNN', numerical, opts, forms.dataset_numerical)
end

return M
