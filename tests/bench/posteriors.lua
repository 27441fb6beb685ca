--- How near posteriors come to exact ones for a number of simulations: the accuracy of a classifier
-- that tells 10 000 samples of both apart (0.5: it cannot), mean over ten observations, beside
-- what is demanded: the published mean of SMC-ABC plus its spread over observations (Lueckmann et
-- al. 2021, arXiv:2101.04653). And Kolmogorov's distance of marginals from the exact ones at the
-- same epsilon, the largest of three targets and two parameters.
local imnn = require 'imnn'
local mean_and_variance = require 'tests.support.mean_and_variance'
local tasks = require 'tests.support.tasks'
local random, lfi = imnn.random, imnn.lfi

local OBSERVATIONS, SAMPLES = 10, 10000

-- One observation: samples (SAMPLES, P) of the posterior, and simulations that were made for them.
local function sample(task, x, keys, o)
  local pmc = lfi.PopulationMonteCarlo { target_data = x, prior = task.prior,
    simulator = task.simulator, compressor = function(d) return d end }
  pmc { rng = keys[1], n_points = o.n_points, n_initial_points = o.n_initial_points or o.n_points,
    kernel = o.kernel, max_simulations = o.budget, max_iteration = 100, acceptance_ratio = 1e-4,
    n_parallel_simulations = 100, progress = false }
  local set = pmc:samples(1)
  if o.adjust then set = lfi.regression_adjust(set, x, { quiet = true }) end
  return set:resample(keys[2], SAMPLES).parameters, pmc.total_draws[1]
end

return function(bench)
  local function row(name, demanded, task, o)
    bench.row('c2st_' .. name, function(label)
      local sum, most = 0, 0
      for i = 1, OBSERVATIONS do
        local keys = random.split(random.PRNGKey(100 + i), 5)
        local x = task.simulator(keys[1], task.prior:sample(keys[2]))
        local samples, simulations = sample(task, x, random.split(keys[3]), o)
        local exact = task.exact(keys[4], x, SAMPLES)
        sum = sum + imnn.diagnostics.c2st(exact, samples, { key = keys[5] }).accuracy
        most = math.max(most, simulations)
      end
      bench.show(label, sum / OBSERVATIONS, '', demanded, ('of %d observations, %d simulations'
        .. '%s; at most the bound'):format(OBSERVATIONS, most, o.adjust and ', adjusted' or ''))
    end)
  end
  -- Crescents are followed by kernels that are local.
  row('two_moons_10k', 0.755, tasks.two_moons, { budget = 1e4, n_points = 200,
    kernel = 'nearest' })
  row('two_moons_100k', 0.717, tasks.two_moons, { budget = 1e5, n_points = 1000,
    kernel = 'nearest' })
  row('gaussian_mixture_10k', 0.760, tasks.gaussian_mixture, { budget = 1e4, n_points = 500,
    kernel = 'nearest', adjust = true })
  -- In ten dimensions nothing comes near, but what is linear can be adjusted from afar.
  row('gaussian_linear_100k', 0.764, tasks.gaussian_linear, { budget = 1e5, n_points = 20000,
    n_initial_points = 40000, adjust = true })

  bench.row('ks_mean_and_variance', function(label)
    local runs, sum, worst = 8, 0, 0
    for seed = 1, runs do
      local most = 0
      for _, one in ipairs(mean_and_variance.distances(seed)) do
        most = math.max(most, unpack(one))
      end
      sum, worst = sum + most, math.max(worst, most)
    end
    bench.show(label, sum / runs, '', 0.03, ('largest of 3 targets, mean of %d runs of 5000 '
      .. 'particles, the worst %.3f; at most the bound'):format(runs, worst))
  end)
end
