-- When the simulations and all that a network computes of them do not fit in memory. An iteration
-- is cut into tiles of some examples anyway; with a budget it keeps less of them and computes some
-- things twice. That costs time, never digits: the result has the same bytes.
-- (The Aggregated classes have the arguments of the Python package: `devices` are threads,
-- `n_per_device` is how many simulations each of them may have in work. What is kept in between is
-- for `memory` to say.)
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local quick = arg[1] == '--quick'
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end
local model_key, fit_key, test_key = random.split(random.PRNGKey(1), 3):unpack()

local n_s, n_d = quick and 500 or 5000, quick and 300 or 3000 -- fewer with derivatives
local iterations = quick and 10 or 400
local function fit(more)
  local options = {
    n_s = n_s, n_d = n_d, n_params = 2, n_summaries = 2, input_shape = { 10 },
    θ_fid = np.array { 0, 1 }, simulator = simulator, key_or_state = model_key,
    model = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
      stax.Dense(2)),
    optimiser = imnn.optimizers.adam(2e-3),
  }
  for name, value in pairs(more) do options[name] = value end
  local net, start = imnn.IMNN(options), imnn.seconds()
  net:fit { λ = 10, ϵ = 0.1, rng = fit_key, max_iterations = iterations,
    min_iterations = iterations, best = false }
  print(('  %.1f s, ln det F in training %.4f'):format(imnn.seconds() - start,
    net.history.lndetF[-1]:item()))
  return net
end

local plain = fit {}
local small = fit { host = 'cpu:0', devices = imnn.devices(), n_per_device = 100,
  memory = '10MB' }
local difference = 0
for i, w in ipairs(imnn.tree.leaves(plain.w)) do
  difference = difference + np.abs(w - imnn.tree.leaves(small.w)[i]):sum():item()
end
print('difference between the weights of the two', difference)

print(small:information { key = test_key, n_s = quick and 1000 or 100000 })
print 'all that there is: F = 10 and 5, ln det F 3.912'
local figure = plain:plot { expected_detF = 50, label = 'plain' }
small:plot { ax = figure, label = 'aggregated', colour = 'C1', file = 'aggregated.png' }
