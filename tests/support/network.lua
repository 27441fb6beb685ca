--- The network that the benchmark trains and draws with.
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local M = {}

--- Ten numbers from a normal distribution.
-- @tparam Array key
-- @tparam Array theta its mean and variance
-- @treturn Array
function M.simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local function simulator3(key, theta)
  local n = random.normal(key, { 10 })
  return theta[1] + np.sqrt(theta[2]) * (n + theta[3] * n * n)
end

--- A network of dense layers, not yet trained.
-- @tparam table o layers (3), width (128), activation (LeakyRelu), n_s (1000), n_d (n_s), P (2)
-- @treturn table SimulatorIMNN
-- @treturn Array the key to train it with
function M.network(o)
  local P = o.P or 2
  local layers = {}
  for _ = 1, o.layers or 3 do
    layers[#layers + 1] = stax.Dense(o.width or 128)
    layers[#layers + 1] = o.activation or stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Dense(P)
  local keys = random.split(random.PRNGKey(0))
  return imnn.SimulatorIMNN {
    n_s = o.n_s or 1000, n_d = o.n_d or o.n_s or 1000, n_params = P, n_summaries = P,
    input_shape = { 10 }, theta_fid = P == 3 and np.array { 0, 1, 0.1 } or np.array { 0, 1 },
    model = stax.serial(unpack(layers)), optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = keys[1], simulator = P == 3 and simulator3 or M.simulator,
  }, keys[2]
end

return M
