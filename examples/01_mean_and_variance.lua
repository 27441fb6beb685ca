-- How well do ten numbers tell the mean and the variance of the Gaussian they come from?
-- An IMNN learns two summaries of them from simulations alone; the summaries give a posterior.
--   scripts/run examples/01_mean_and_variance.lua [--quick]
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'

-- The simulator sees one key and one set of parameters θ = (mean, variance).
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end

-- The network sees one simulation.
local hidden = stax.serial(stax.Dense(128), stax.LeakyRelu)
local network = stax.serial(hidden, hidden, hidden, stax.Dense(2))

local model_key, fit_key = random.split(random.PRNGKey(0)):unpack()
local net = imnn.IMNN {
  n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2, input_shape = { 10 },
  θ_fid = np.array { 0, 1 }, model = network, optimiser = imnn.optimizers.adam(1e-3),
  key_or_state = model_key, simulator = simulator,
}
net:fit {
  λ = 10, ϵ = 0.1, rng = fit_key, patience = 250, min_iterations = 1000,
  max_iterations = quick and 100 or 100000,
}
net:plot { expected_detF = 50, file = 'history.png' }

-- A measurement, and three posteriors of it.
local data = simulator(fit_key, np.array { 1, 2 })
local estimate, prior = net:get_estimate(data), lfi.uniform({ -4, 0 }, { 4, 8 })
print('estimate of the mean and the variance', estimate)
local gaussian = lfi.GaussianApproximation {
  parameter_estimates = estimate, invF = net.invF, prior = prior, gridsize = 200,
}
local abc = lfi.ApproximateBayesianComputation {
  target_data = data, prior = prior, simulator = simulator, compressor = net, F = net.F,
}
abc { epsilon = 0.3, key = model_key, n_samples = quick and 20000 or 300000, smoothing = 1 }
print('accepted draws', abc.parameters.n_accepted[1])
