--- The problem of the reference's documentation and tests: mean and variance of ten numbers, with
-- the network and the settings that it has there.
-- @module tests.support.ten_numbers
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local M = {}

M.theta = np.array { 0, 1 }

function M.simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

--- Three layers of 128, and one of so many outputs.
function M.mlp(outputs)
  return stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
    stax.Dense(128), stax.LeakyRelu, stax.Dense(outputs))
end

--- Simulations of keys (n) and their exact derivatives.
function M.gradient_set(keys)
  local both = imnn.value_and_jacfwd(M.simulator, { argnums = 2 })
  return imnn.vmap(both, { in_axes = { 1, false } })(keys, M.theta)
end

--- Simulations of keys (n), and those on both sides at half a step of 0.1.
function M.numerical_set(keys)
  local function at(k, theta) return M.simulator(k, np.array(theta)) end
  return imnn.vmap(function(k)
    return at(k, { 0, 1 }), np.stack {
      np.stack { at(k, { -0.05, 1 }), at(k, { 0, 0.95 }) },
      np.stack { at(k, { 0.05, 1 }), at(k, { 0, 1.05 }) },
    }
  end)(keys)
end

--- Options of every class but for data.
function M.options(key, more)
  local o = { n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2, input_shape = { 10 },
    theta_fid = M.theta, model = M.mlp(2), optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = key }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

return M
