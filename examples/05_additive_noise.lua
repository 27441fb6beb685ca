-- The line again, with scatter that was simulated once and noise that is drawn anew at every use.
-- An expensive simulation (here a slope with a scatter ζ of its own) can serve many times when the
-- noise of the instrument is cheap: the network then never sees the same data twice, and cannot
-- learn them by heart.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'
local x = np.linspace(0, 10, 100)
local bank_key, train_key, validation_key, model_key, fit_key, target_key =
  random.split(random.PRNGKey(0), 6):unpack()

-- Noise that the instrument has measured: 500 examples of it.
local bank = random.normal(bank_key, { 500, 100 })

-- A layer that adds one of them. Layers get a key of each simulation, the same for all versions of
-- it, so that the noise is the same on both sides of a finite difference. Data that were measured
-- come without a key: they have their noise already.
local Noise = {
  init = function(_, shape) return shape, {} end,
  apply = function(_, d, opts)
    if not opts.rng then return d end
    return d + bank[random.randint(opts.rng, {}, 1, 501)]
  end,
}

-- Simulations without noise at slope 1 and at 1 - δθ / 2, 1 + δθ / 2, of the same scatter.
local θ_fid, δθ = np.array { 1 }, np.array { 0.1 }
local n_s, n_d = quick and 200 or 2000, quick and 100 or 1000
local function make(key)
  local ζ = np.sqrt(0.1) * random.normal(key, { n_s, 1 })
  local function sides(scatter) return np.stack({ (0.95 + scatter) * x, (1.05 + scatter) * x }) end
  return (1 + ζ) * x, imnn.vmap(sides)(ζ[{ { 1, n_d } }]):reshape { n_d, 2, 1, 100 }
end
local fiducial, derivative = make(train_key)
local validation_fiducial, validation_derivative = make(validation_key)
local net = imnn.IMNN {
  n_s = n_s, n_d = n_d, n_params = 1, n_summaries = 1, input_shape = { 100 }, θ_fid = θ_fid,
  δθ = δθ, fiducial = fiducial, derivative = derivative,
  validation_fiducial = validation_fiducial, validation_derivative = validation_derivative,
  model = stax.serial(Noise, stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
    stax.Dense(128), stax.LeakyRelu, stax.Dense(1)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = model_key,
}
net:fit { λ = 10, ϵ = 0.1, rng = fit_key, patience = quick and 5 or 100,
  min_iterations = quick and 20 or 100 }

-- Without scatter the points tell s = Σ x^2 about the slope; scatter of variance 0.1 leaves
-- s / (1 + 0.1 s): it cannot be told from a slope, and sets the limit.
local s = (x * x):sum():item()
local exact = s / (1 + 0.1 * s)
local report = net:information { key = target_key }
print(report)
print(('exact: %.4f'):format(exact))
net:plot { expected_detF = exact, file = 'additive_noise.png' }

-- A measurement of slope 3, and what is known about the slope afterwards. All that anybody can see
-- of it is 3 and its scatter, which is therefore what is to be expected of an estimate.
local scattered = 3 + np.sqrt(0.1) * random.normal(target_key, {})
local target = scattered * x + bank[7]
print('estimate', net:get_estimate(target), '+-', report.errors)
print(('expected: the scattered slope %.4f, which is 3 +- %.4f'):format(scattered:item(),
  exact ^ -0.5))
lfi.GaussianApproximation { parameter_estimates = net:get_estimate(target), invF = net.invF,
  prior = lfi.uniform(0, 10) }:marginal_plot { axis_labels = { 'slope' }, known = { 3 },
  file = 'additive_noise_posterior.png' }
