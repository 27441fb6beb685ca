-- Mean and variance of ten numbers once more, now from simulations that were made before the fit.
-- Beside each simulation we keep how it would change with the parameters at fixed noise: its
-- derivative, which the simulator itself gives. A fixed set is what most people have: simulations
-- are expensive, and somebody else made them.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'
local θ_fid = np.array { 0, 1 }
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end
local model_key, train_key, validation_key, test_key = random.split(random.PRNGKey(1), 4):unpack()

-- n simulations (n, 10) and their derivatives with respect to mean and variance (n, 10, 2).
local function make(key, n)
  local with_derivative = imnn.value_and_jacfwd(simulator, { argnums = 2 })
  return imnn.vmap(with_derivative, { in_axes = { 1, false } })(random.split(key, n), θ_fid)
end

-- A network can learn a fixed set by heart, and would then believe in information that is only
-- there in this set. A second set, on which it does not train, says when to stop.
local n = quick and 200 or 1000
local fiducial, derivative = make(train_key, n)
local validation_fiducial, validation_derivative = make(validation_key, n)
local net = imnn.IMNN {
  n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { 10 }, θ_fid = θ_fid,
  model = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
    stax.Dense(128), stax.LeakyRelu, stax.Dense(2)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = model_key,
  fiducial = fiducial, derivative = derivative,
  validation_fiducial = validation_fiducial, validation_derivative = validation_derivative,
}
net:fit { λ = 10, ϵ = 0.1, patience = quick and 5 or 100, min_iterations = quick and 30 or 100 }

-- The lines of training and validation part where the network begins to learn by heart.
net:plot { expected_detF = 50, file = 'gradient.png' }

-- The validation set has chosen when to stop, so it is not quite neutral; a third set is.
fiducial, derivative = make(test_key, quick and 1000 or 20000)
print(net:information { data = { fiducial = fiducial, derivative = derivative } })
print 'all that there is: F = 10 and 5, ln det F 3.912'

-- What the network says about a measurement, beside what the sample mean and variance say.
local data = simulator(test_key, np.array { 0.5, 1.3 })
print('estimate', net:get_estimate(data), 'sample', data:mean():item(), data:var():item())
local prior = lfi.uniform({ -3, 0.01 }, { 3, 5 })
lfi.GaussianApproximation {
  parameter_estimates = net:get_estimate(data), invF = net.invF, prior = prior,
}:marginal_plot { axis_labels = { 'mean', 'variance' }, known = { 0.5, 1.3 },
  file = 'gradient_posterior.png' }
