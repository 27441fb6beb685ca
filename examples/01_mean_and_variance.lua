-- How well do ten numbers tell the mean and the variance of the Gaussian that they come from?
-- An IMNN learns two summaries of them from simulations alone; the summaries give posteriors.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'
-- A simulator sees one key and one θ = (mean, variance); a network sees one simulation.
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end
local network = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
  stax.Dense(128), stax.LeakyRelu, stax.Dense(2))
local model_key, fit_key = random.split(random.PRNGKey(0)):unpack()
local test_key = random.PRNGKey(1)

local net = imnn.IMNN {
  n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2, input_shape = { 10 }, model = network,
  θ_fid = np.array { 0, 1 }, optimiser = imnn.optimizers.adam(1e-3), simulator = simulator,
  key_or_state = model_key,
}
net:fit { λ = 10, ϵ = 0.1, rng = fit_key, patience = quick and 1 or 250,
  min_iterations = quick and 100 or 1000 }
net:plot { expected_detF = 50, file = 'history.png' }
-- What the summaries keep, on simulations that the fit has not seen.
print(net:information { key = test_key, n_s = quick and 2000 or 20000 })
print 'all that there is: F = 10 and 5, ln det F 3.912'

-- A measurement, what the network says about it, and three posteriors: Gaussian, ABC, exact.
local data, prior = simulator(fit_key, np.array { 1, 2 }), lfi.uniform({ -3, 0.01 }, { 3, 10 })
local estimate, invF = net:get_estimate(data), net.invF
print('estimate', estimate, 'errors', invF[1][1]:item() ^ 0.5, invF[2][2]:item() ^ 0.5)
local gaussian = lfi.GaussianApproximation {
  parameter_estimates = estimate, invF = invF, prior = prior }
local abc = lfi.ApproximateBayesianComputation { target_data = data, prior = prior,
  simulator = simulator, compressor = net, F = net.F, gridsize = 50 }
abc { ϵ = 0.7, rng = model_key, n_samples = quick and 20000 or 300000, smoothing = 2.5 }
local exact = lfi.LikelihoodFreeInference { prior = prior, gridsize = 200 }
local m = np.linspace(-3, 3, 200):reshape { 200, 1, 1 }
local v = np.linspace(0.01, 10, 200):reshape { 1, 200, 1 }
local log_likelihood = (-(data - m) ^ 2 / (2 * v) - np.log(v) / 2):sum { axis = 3 }
exact:put_marginals(np.exp(log_likelihood - log_likelihood:max()):reshape { 1, 200, 200 })

local figure = exact:marginal_plot { label = 'exact', axis_labels = { 'mean', 'variance' } }
gaussian:marginal_plot { label = 'Gaussian approximation', ax = figure }
abc:marginal_plot { label = 'ABC', ax = figure, known = { 1, 2 }, file = 'posterior.png' }
