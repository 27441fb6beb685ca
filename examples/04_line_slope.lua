-- The slope of a line through 100 noisy points. Everything is linear here, so the best summary is
-- known: the points weighted with x. It tells F = Σ x^2 of the slope. A network of one layer can
-- find it exactly; a deep one has to find out that the problem is linear.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local optimizers = imnn.optimizers
local quick = arg[1] == '--quick'
local x = np.linspace(0, 10, 100)
local function simulator(key, θ) return θ[1] * x + random.normal(key, { 100 }) end
local exact = (x * x):sum():item()
local model_key, fit_key, test_key = random.split(random.PRNGKey(0), 3):unpack()

local function fit(model, optimiser, iterations)
  local net = imnn.IMNN {
    n_s = 1000, n_d = 1000, n_params = 1, n_summaries = 1, input_shape = { 100 }, model = model,
    θ_fid = np.array { 4 }, optimiser = optimiser, simulator = simulator,
    key_or_state = model_key,
  }
  if quick then iterations = iterations / 20 end
  -- Fresh simulations in every iteration make scores that fluctuate. The best score would be the
  -- luckiest set of simulations, so the last weights are kept, with steps that become small.
  net:fit { λ = 10, ϵ = 0.1, rng = fit_key, max_iterations = iterations,
    min_iterations = iterations, best = false }
  local report = net:information { key = test_key, n_s = quick and 2000 or 20000 }
  print(report)
  print(('part of the exact information %.1f: %.4f +- %.4f'):format(exact,
    report.F[1][1]:item() / exact, report.F_error[1][1]:item() / exact))
  return net
end

local line = fit(stax.Dense(1), optimizers.adam(optimizers.exponential_decay(0.01, 400, 0.5)), 3000)
-- What the layer weighs the points with should be x, but for a factor. Weights w tell
-- (Σ w x)^2 / Σ w^2, which needs no simulations.
local w = line.w[1]:ravel()
print('from its weights', ((w * x):sum() ^ 2 / (w * w):sum() / exact):item())

local deep = fit(stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
  stax.Dense(128), stax.LeakyRelu, stax.Dense(1)), optimizers.adam(1e-3), 600)
deep:plot { expected_detF = exact, file = 'line_slope.png' }

-- Estimates are made for θ near 4, where the networks were fitted. Far away a linear summary is
-- still right, since the problem is linear; the deep one has never seen such data.
local targets = {}
for i, slope in ipairs { 4, 1, -4 } do
  local d = simulator(random.split(test_key, 3)[i], np.array { slope })
  targets[i] = d
  print('slope', slope, 'one layer', line:get_estimate(d), 'deep', deep:get_estimate(d),
    'least squares', ((d * x):sum() / exact):item())
end

-- The answer to that: fit again at the estimate, until it does not move any more. (imnn.refine does
-- these rounds; it starts from 4 and is after 1.)
local refined = imnn.refine { net = deep, target = targets[2], key = fit_key,
  prior = lfi.uniform(-5, 5), max_rounds = quick and 1 or 5,
  fit = { λ = 10, ϵ = 0.1, max_iterations = quick and 10 or 200, min_iterations = 200,
    best = false } }
print('slope 1 after', refined.rounds, 'rounds', refined.theta, '+-', refined.errors)
