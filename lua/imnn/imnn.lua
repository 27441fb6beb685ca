--- Information maximising neural networks: summaries of data that keep what the data tell about
-- the parameters of a model (Charnock, Lavaux and Wandelt 2018, PRD 97, 083004).
-- @module imnn.imnn
local factory = require 'imnn.imnn.factory'
local M = {}

for name, make in pairs(require 'imnn.imnn.classes') do M[name] = make end
M.refine = require('imnn.imnn.refine').refine

--- Choose the class that fits the arguments, and make one of it: with `simulator` SimulatorIMNN,
-- with `fiducial` and `derivative` GradientIMNN or, with `delta_theta`, too, NumericalGradientIMNN;
-- Aggregated ones with `host`, `devices` and `n_per_device`; with these and `main` and `remaining`
-- DatasetGradientIMNN, with lists of iterators as `fiducial` and `derivative`
-- DatasetNumericalGradientIMNN.
-- @tparam table opts those of the class, and `verbose` (true): print its name
-- @treturn table
-- @raise arguments that do not belong together, or that no class takes
-- @usage local net = imnn.IMNN { n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = imnn.optimizers.adam(1e-3), key_or_state = key, simulator = simulator }
function M.IMNN(opts)
  local o, verbose = factory.options(opts)
  local class, why = factory.choose(o)
  if not class then factory.refuse(why) end
  local net = M[class](o)
  if verbose then print('IMNN: using ' .. class) end
  return net
end

--- Read a network from a file that `net:save` or a checkpoint of `net:fit` has written.
-- @tparam string path
-- @tparam table opts `model`, `optimiser` and `simulator` or the data, as the class takes them:
-- they are not in the file; further options count more than what is in the file. On data that are
-- not those of the file the best score begins anew
-- @treturn table see imnn.imnn.net
-- @raise another kind of file, a model or an optimiser with other arrays
-- @usage net:save 'net.h5'
-- local again = imnn.load('net.h5', { model = network, optimiser = optimizers.adam(1e-3),
--   simulator = simulator })
function M.load(path, opts) return require('imnn.imnn.keep').load(path, opts) end

return M
