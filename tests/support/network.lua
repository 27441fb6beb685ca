--- The network that the benchmark trains and draws with.
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local M = {}

M.simulator = require('tests.support.ten_numbers').simulator

local function simulator3(key, theta)
  local n = random.normal(key, { 10 })
  return theta[1] + np.sqrt(theta[2]) * (n + theta[3] * n * n)
end

--- What all classes are made with.
-- @treturn table options
-- @treturn Array keys
function M.options(o)
  local P = o.P or 2
  local layers = {}
  for _ = 1, o.layers or 3 do
    layers[#layers + 1] = stax.Dense(o.width or 128)
    layers[#layers + 1] = o.activation or stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Dense(P)
  local keys = random.split(random.PRNGKey(0), 3)
  return {
    n_s = o.n_s or 1000, n_d = o.n_d or o.n_s or 1000, n_params = P, n_summaries = P,
    input_shape = { 10 }, theta_fid = P == 3 and np.array { 0, 1, 0.1 } or np.array { 0, 1 },
    model = stax.serial(unpack(layers)), optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = keys[1],
  }, keys
end

--- A network of dense layers, not yet trained.
-- @tparam table o layers (3), width (128), activation (LeakyRelu), n_s (1000), n_d (n_s), P (2)
-- @treturn table SimulatorIMNN
-- @treturn Array the key to train it with
function M.network(o)
  local all = M.options(o)
  local keys = random.split(random.PRNGKey(0))
  all.key_or_state, all.simulator = keys[1], all.n_params == 3 and simulator3 or M.simulator
  return imnn.SimulatorIMNN(all), keys[2]
end

--- What n simulations of 1024 numbers are fitted with, but for the data.
-- @treturn table options
function M.wide(n)
  local all = M.options { n_s = n, layers = 2 }
  all.input_shape = { 1024 }
  return all
end

--- The same on simulations that were made before, and their derivatives.
-- @treturn table GradientIMNN
function M.gradient(o)
  local all, keys = M.options(o)
  all.fiducial, all.derivative = imnn.vmap(
    imnn.value_and_jacfwd(M.simulator, { argnums = 2 }), { in_axes = { 1, false } })(
    random.split(keys[3], all.n_s), all.theta_fid)
  return imnn.GradientIMNN(all), keys[2]
end

--- The same, and simulations on both sides of each parameter.
-- @treturn table NumericalGradientIMNN
function M.numerical(o)
  local all, keys = M.options(o)
  local delta = np.array { 0.1, 0.1 }
  local simulations = random.split(keys[3], all.n_s)
  local function at(theta, n)
    return imnn.vmap(M.simulator, { in_axes = { 1, false } })(simulations[{ { 1, n } }], theta)
  end
  local sides = {}
  for side = 1, 2 do
    local each = {}
    for p = 1, 2 do
      each[p] = at(all.theta_fid + (side - 1.5) * delta * np.one_hot(p, 2), all.n_d)
    end
    sides[side] = np.stack(each, 2)
  end
  all.fiducial, all.derivative = at(all.theta_fid, all.n_s), np.stack(sides, 2)
  all.delta_theta = delta
  return imnn.NumericalGradientIMNN(all), keys[2]
end

return M
