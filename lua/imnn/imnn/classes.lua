--- The classes of networks.
-- @module imnn.imnn.classes
local gradient = require 'imnn.imnn.gradient'
local net = require 'imnn.imnn.net'
local numerical = require 'imnn.imnn.numerical'
local simulator = require 'imnn.imnn.simulator'
local M = {}

--- A network that draws its simulations while it fits: fresh ones in every iteration,
-- differentiated through simulator and network together.
-- @tparam table opts `n_s`, `n_d`: simulations per iteration, and how many of them with
-- derivatives; `n_params` P, `n_summaries` S; `input_shape` of one simulation; `theta_fid` (P);
-- `model` { init, apply }: a network that sees one simulation and gives (S); `optimiser` { init,
-- update, get_params }; `key_or_state`: key of the initial weights, or a state of the optimiser;
-- `simulator` (key, theta) -> one simulation; `hybrid` (none): a function d -> (E) of external
-- summaries, which stand behind those of the network
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together
-- @usage local net = imnn.SimulatorIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = optimizers.adam(1e-3), key_or_state = key, simulator = simulator }
function M.SimulatorIMNN(opts) return net.new('SimulatorIMNN', simulator, opts) end

--- A network that fits to simulations that were made before, and to their derivatives.
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
function M.GradientIMNN(opts) return net.new('GradientIMNN', gradient, opts) end

--- A network that fits to simulations that were made before, some of them on both sides of
-- theta_fid: derivatives are finite differences.
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
  return net.new('NumericalGradientIMNN', numerical, opts)
end

return M
