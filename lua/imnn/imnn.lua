--- Information maximising neural networks: summaries of data that keep what the data tell about
-- the parameters of a model (Charnock, Lavaux and Wandelt 2018, PRD 97, 083004).
-- @module imnn.imnn
local core = require 'imnn.core'
local M = {}

for name, make in pairs(require 'imnn.imnn.classes') do M[name] = make end

local aggregation = { 'host', 'devices', 'n_per_device' }
local data = {
  'fiducial', 'derivative', 'main', 'remaining', 'validation_fiducial', 'validation_derivative',
  'validation_main', 'validation_remaining', 'delta_theta', 'cache', 'prefetch',
}
local spelling = { ['δθ'] = 'delta_theta' }

-- The options that only choose a class; the others are left to it.
local function sort(opts)
  local chosen, rest = {}, {}
  local choosing = { verbose = true }
  for _, list in ipairs { aggregation, data } do
    for _, name in ipairs(list) do choosing[name] = true end
  end
  for key, value in pairs(opts) do
    local name = spelling[key] or key
    if choosing[name] then chosen[name] = value
    else rest[key] = value end
  end
  return chosen, rest
end

local function refuse_aggregation(o)
  local given
  for _, name in ipairs(aggregation) do given = given or o[name] ~= nil and name end
  if not given then return end
  for _, name in ipairs(aggregation) do
    if o[name] == nil then
      core.raise('IMNN: host, devices and n_per_device belong together; %s is missing', name)
    end
  end
  core.raise('IMNN: there are no aggregated classes here; leave host, devices and n_per_device '
    .. 'out: simulations are made and summarised a few at a time in any case')
end

--- Choose the class that fits the arguments, and make one of it.
-- @tparam table opts those of the class (imnn.imnn.simulator: `simulator` and all the others), and
-- `verbose` (true): print the name of the class
-- @treturn table
-- @raise arguments that do not belong together, or that no class takes
-- @usage local net = imnn.IMNN { n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = imnn.optimizers.adam(1e-3), key_or_state = key, simulator = simulator }
function M.IMNN(opts)
  if type(opts) ~= 'table' then
    core.raise('IMNN: needs a table of options, got %s', core.kind(opts))
  end
  local o, rest = sort(opts)
  refuse_aggregation(o)
  for _, name in ipairs(data) do
    if o[name] ~= nil and rest.simulator ~= nil then
      core.raise('IMNN: a simulator makes all the data; %s does not go with it', name)
    end
  end
  if rest.simulator == nil then
    for _, name in ipairs(data) do
      if o[name] ~= nil then
        core.raise('IMNN: %s was given and simulator is missing; there is only the class that '
          .. 'simulates while it fits', name)
      end
    end
    core.raise 'IMNN: simulator is missing'
  end
  local net = M.SimulatorIMNN(rest)
  if o.verbose ~= false then print 'IMNN: using SimulatorIMNN' end
  return net
end

--- Read a network from a file that `net:save` or a checkpoint of `net:fit` has written.
-- @tparam string path
-- @tparam table opts `model`, `optimiser` and `simulator` or the data, as the class takes them:
-- they are not in the file; further options count more than what is in the file
-- @treturn table see imnn.imnn.net
-- @raise another kind of file, a model or an optimiser with other arrays
-- @usage net:save 'net.h5'
-- local again = imnn.load('net.h5', { model = network, optimiser = optimizers.adam(1e-3),
--   simulator = simulator })
function M.load(path, opts) return require('imnn.imnn.keep').load(path, opts) end

return M
