-- Posteriors without a likelihood, beside the exact ones: what do ten numbers tell about the mean
-- and the variance of the Gaussian that they come from? Their own mean and variance tell all, so
-- nothing is trained here, and what differs from the exact posterior is the doing of the method.
local imnn = require 'imnn'
local np, random, lfi, plot = imnn.np, imnn.random, imnn.lfi, imnn.plot
local quick = arg[1] == '--quick'
local n = 10
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { n }) end
local function compressor(d) return np.stack { d:mean(), d:var() } end
local prior = lfi.uniform({ -10, 0 }, { 10, 10 }, { names = { 'μ', 'Σ' } })

-- Three measurements: within the prior, near its edge at 8, and between.
local key, _, noise = random.split(random.PRNGKey(2), 3):unpack()
local truth = { { -1, 5 }, { 8, 0.5 }, { 2, 3 } }
local columns = np.array(truth):reshape { 3, 2, 1 }
local data = columns[{ {}, 1 }] + np.sqrt(columns[{ {}, 2 }]) * random.normal(noise, { 3, n })
local s = imnn.vmap(compressor)(data)

-- The exact posterior on a grid. For its means and deviations the grid is a sample set, whose
-- points weigh as much as the density there.
local exact = lfi.LikelihoodFreeInference { prior = prior, gridsize = 400 }
local μ = np.linspace(-10, 10, 400):reshape { 400, 1 }
local Σ = np.maximum(np.linspace(0, 10, 400), 1e-6)
local log_density = imnn.vmap(function(one)
  return -n / 2 * (np.log(Σ) + (one[2] + (one[1] - μ) ^ 2) / Σ)
end)(s)
exact:put_marginals(np.exp(log_density - log_density:max { axis = { 2, 3 }, keepdims = true }))
local function exact_set(t)
  local points = np.stack { np.broadcast_to(μ, { 400, 400 }):ravel(), np.tile(Σ, { 400 }) }
  return imnn.SampleSet { parameters = points.T, log_weights = log_density[t]:ravel() }
end

-- The Fisher information at the estimates: what the Gaussian approximation is made of, and the
-- measure of distance, so that a distance of 1 is one standard deviation.
local invF = imnn.vmap(function(one)
  return np.diag(np.stack { one[2] / n, 2 * one[2] ^ 2 / n })
end)(s)
local gaussians = lfi.GaussianApproximation { parameter_estimates = s, invF = invF, prior = prior,
  quiet = true } -- the posteriors go to the limits of the prior, of which it would warn
local problem = { target_data = data, prior = prior, simulator = simulator, compressor = compressor,
  F = np.linalg.inv(invF) }

-- All simulations of the prior that come within one standard deviation, and the part of them that
-- must: the chance of a summary (mean, v), integrated over the ellipse around the target.
local abc = lfi.ApproximateBayesianComputation(problem)
abc { ϵ = 1, rng = key, n_samples = 100000, min_accepted = quick and 50 or 1000,
  max_iterations = 100 }
local function fraction(t)
  local v, z = s[t][2]:item(), np.linspace(-0.9999, 0.9999, 400):reshape { 400, 1 }
  local a, var = v * (1 + math.sqrt(2 / n) * z), np.linspace(0.01, 10, 2000)
  local chance = (imnn.scipy.stats.chi2.pdf(n * a / var, n - 1) * n / var):mean { axis = 2 }
  local width = 2 * np.sqrt(v / n * (1 - z ^ 2)) / 20
  return (chance * width:ravel()):mean():item() * 2 * v * math.sqrt(2 / n)
end

-- Populations that come closer than that, for fewer simulations.
local pmc = lfi.PopulationMonteCarlo(problem)
pmc { rng = key, n_points = quick and 500 or 1000, n_initial_points = quick and 5000 or 10000,
  acceptance_ratio = 0.01 }

for t = 1, 3 do
  local sets = { exact_set(t), gaussians:samples(t), abc:samples(t), pmc:samples(t) }
  print(('\ntarget %d: summaries %.6g, %.6g'):format(t, s[t][1]:item(), s[t][2]:item()))
  for i, name in ipairs { 'exact', 'Gaussian', 'ABC', 'PMC' } do
    local mean, sd = sets[i]:mean():totable(), sets[i]:std():totable()
    print(('%-9s μ %6.3f +- %.3f   Σ %.3f +- %.3f'):format(name, mean[1], sd[1], mean[2], sd[2]))
  end
  print(('ABC accepts %.6f of %d, exact %.6f'):format(abc.parameters.n_accepted[t] / abc.draws,
    abc.draws, fraction(t)))
  print(('PMC: epsilon %.3f after %d simulations, the last generation accepts %.3f'):format(
    pmc.epsilon[t], pmc.total_draws[t], pmc.acceptance_reached[t]))
  if t == 1 then
    sets[1] = { exact, target = 1 }
    plot.corner { sets, label = { 'exact', 'Gaussian', 'ABC', 'PMC' }, known = truth[1],
      file = 'methods.png' }
  end
end
-- All three: exact regions, and those of the PMC as lines in the same colours.
local sets, blue, red, green = {}, '#0072b2', '#d55e00', '#009e73'
for t = 1, 3 do sets[t], sets[t + 3] = { exact, target = t }, pmc:samples(t) end
plot.corner { sets, colours = { blue, red, green, blue, red, green }, titles = false,
  filled = { true, true, true, false, false, false },
  linestyle = { 'solid', 'solid', 'solid', 'dashed', 'dashed', 'dashed' },
  label = { 'target 1, exact', 'target 2', 'target 3', 'PMC', '', '' }, file = 'targets.png' }
