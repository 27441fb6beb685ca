-- Calls of likelihood-free inference that are good, small and quick: what junk is put into, option
-- by option. `name`: as messages say it; `fn` (options): the call; `options`: those of a good call;
-- `endless`: options whose huge values ask for a long run, and get it; `free`: those that may hold
-- anything, NaN too.
local imnn = require 'imnn'
local np, random, lfi, plot = imnn.np, imnn.random, imnn.lfi, imnn.plot
local diagnostics, bijectors = imnn.diagnostics, imnn.distributions.bijectors
local M = {}

local key = random.PRNGKey(3)
local prior = lfi.uniform({ -4, 0.1 }, { 4, 3 })

local function simulator(k, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(k, { 6 })
end

local function compressor(d) return np.stack { d:mean(), d:var() } end

local function problem()
  return { target_data = np.array { { 0, 1, -1, 2, 0.5, 0.1 } }, prior = prior,
    simulator = simulator, compressor = compressor, gridsize = 8 }
end

local function rows_of(n)
  local keys = random.split(key)
  local theta = prior:sample(keys[1], { n })
  return theta, np.stack({ theta[{ {}, 1 }] + 0.1, theta[{ {}, 2 }] * 0.9 }, 2)
end

-- Code of a script, as objects are called there.
local function with(make, method)
  local code = ('local make = ... return function(o) local object = make() '
    .. 'local y = object%s(o) return y end'):format(method and ':' .. method or '')
  return assert(loadstring(code, '@tests/lua/junk_spec.lua'))(make)
end

--- The list.
function M.all()
  local theta, s = rows_of(40)
  local distances = np.arange(40) / 40
  local function abc() return lfi.ApproximateBayesianComputation(problem()) end
  local function pmc() return lfi.PopulationMonteCarlo(problem()) end
  local function new_set()
    return { parameters = theta, names = { 'mu', 'v' }, labels = { 'μ', 'v' }, low = { -4, 0 },
      high = { 4, 3 }, weights = np.arange(40) + 1, summaries = s, distances = distances,
      log_prob = -distances, generation = 2, chain = np.floor(np.arange(40) / 20), derived = {},
      origin = { method = 'test' }, max_rejected = 0.05 }
  end
  local samples = imnn.SampleSet(new_set())
  local fitted = abc() { epsilon = 5, key = key, n_samples = 60, progress = false }
  local found = pmc() { key = key, n_points = 20, max_iteration = 1, progress = false }
  local gaussian = lfi.GaussianApproximation { parameter_estimates = { 0.1, 1 }, prior = prior,
    invF = { { 0.1, 0 }, { 0, 0.05 } }, gridsize = 8, quiet = true }
  local function same(object) return function() return object end end
  local function set(name, options)
    return { name = name, options = options or {}, fn = with(same(samples), name) }
  end
  local function drawn(name, first)
    return { name = 'plot.' .. name, options = {}, fn = function(o)
      local y = plot[name](first, o)
      return y
    end }
  end
  -- a test of 20 posteriors of two parameters, 9 draws each
  local truth = random.normal(key, { 20, 2 })
  local draws = np.broadcast_to(random.normal(random.fold_in(key, 1), { 9, 2 }), { 20, 9, 2 })
  local function test(name, first, second, options)
    return { name = name, options = options or {}, fn = function(o)
      local y = diagnostics[name](first, second, o)
      return y
    end }
  end
  local function marginals(object)
    return { name = 'get_marginals', options = { gridsize = 6 },
      fn = with(same(object), 'get_marginals') }
  end
  local distributions = imnn.distributions
  return {
    { name = 'normal_mixture', options = { cov = { { { 1 } }, { { 4 } } } }, fn = function(o)
      local y = distributions.normal_mixture({ 0, 0 }, { { -1 }, { 1 } }, nil, o)
      return y
    end },
    { name = 'mixture_density', options = {}, fn = function(o)
      local y = distributions.mixture_density(np.zeros { 6 }, 1, 2, o)
      return y
    end },
    { name = 'ApproximateBayesianComputation', options = problem(),
      fn = lfi.ApproximateBayesianComputation },
    { name = 'ApproximateBayesianComputation', fn = with(abc),
      options = { epsilon = 5, key = key, n_samples = 60, progress = false },
      free = { progress = true }, endless = { max_seconds = true, max_simulations = true } },
    { name = 'ApproximateBayesianComputation', fn = with(abc),
      options = { epsilon = 5, parameters = theta, summaries = s, progress = false },
      free = { progress = true } },
    { name = 'PopulationMonteCarlo', options = problem(), fn = lfi.PopulationMonteCarlo },
    { name = 'PopulationMonteCarlo', fn = with(pmc), options = { key = key, n_points = 20,
      max_iteration = 1, max_simulations = 400, progress = false } },
    { name = 'PopulationMonteCarlo', fn = with(pmc), options = { key = key, n_points = 20,
      method = 'smc', max_iteration = 1, max_simulations = 400, progress = false } },
    { name = 'PopulationMonteCarlo', fn = with(pmc), options = { key = key, n_points = 20,
      proposed = theta, summaries = s, distances = distances, max_iteration = 1,
      max_simulations = 400, progress = false } },
    { name = 'GaussianApproximation', fn = lfi.GaussianApproximation, options = {
      parameter_estimates = { 0.1, 1 }, prior = prior, invF = { { 0.1, 0 }, { 0, 0.05 } },
      gridsize = 8, quiet = true, fiducial = { 0, 1 } } },
    { name = 'LikelihoodFreeInference', fn = lfi.LikelihoodFreeInference,
      options = { prior = prior, gridsize = 5 } },
    { name = 'regression_adjust', options = { quiet = true }, fn = function(o)
      local y = lfi.regression_adjust(samples, { 0, 1 }, o)
      return y
    end },
    { name = 'regression_adjust', options = { parameters = theta, summaries = s },
      fn = function(o)
      local y = lfi.regression_adjust(o, { 0, 1 }, { quiet = true })
      return y
    end },
    { name = 'kde', options = {}, fn = function(o)
      local y = lfi.kde(theta, o)
      return y
    end },
    { name = 'grid_density', options = { x = np.linspace(0, 4, 9) }, fn = function(o)
      local y = lfi.grid_density(np.ones { 9 }, o)
      return y
    end },
    { name = 'densities', options = {}, fn = function(o)
      local y = lfi.densities(theta, o)
      return y
    end },
    { name = 'kde_at', options = { bandwidth = 1 }, fn = function(o)
      local y = lfi.kde_at({ 0, 1 }, { 0.5, 1, 2 }, o)
      return y
    end },
    { name = 'bandwidth', options = {}, fn = function(o)
      local y = lfi.bandwidth({ 1, 2, 4 }, o)
      return y
    end },
    { name = 'rational_quadratic_spline', options = {}, fn = function(o)
      local y = bijectors.rational_quadratic_spline({ 1, 2 }, { 2, 1 }, { 1 }, o)
      return y
    end },
    { name = 'neural_spline', options = {}, fn = function(o)
      local y = bijectors.neural_spline(np.zeros { 8 }, o)
      return y
    end },
    { name = 'SampleSet', options = new_set(), fn = imnn.SampleSet, free = { origin = true } },
    marginals(fitted), marginals(found), marginals(gaussian),
    { name = 'samples', options = { n = 20 }, fn = function(o)
      local y = gaussian:samples(1, o)
      return y
    end },
    { name = 'sample', options = {}, fn = function(o)
      local y = gaussian:sample(key, 5, 1, o)
      return y
    end },
    { name = 'resample', options = {}, fn = function(o)
      local y = samples:resample(key, 5, o)
      return y
    end },
    set('derive', { name = 'x', fn = function(p) return p[1] + p[2] end }),
    set 'interval', set 'ess', set 'rhat', set 'mcse', set 'std', set 'cov', set 'density',
    set 'latex', set 'text', set 'corner', set 'trace',
    { name = 'merge', options = {}, fn = function(o)
      local y = samples:merge(samples, o)
      return y
    end },
    { name = 'plot.corner', fn = plot.corner, options = { samples, samples, label = { 'a', 'b' },
      known = { 0, 1 }, levels = { 0.68, 0.95 } } },
    { name = 'corner', fn = with(same(found), 'corner'), options = {} },
    { name = 'corner', fn = with(same(gaussian), 'corner'), options = {} },
    { name = 'marginal_plot', fn = with(same(gaussian), 'marginal_plot'), options = {} },
    { name = 'scatter_plot', fn = with(same(found), 'scatter_plot'), options = {},
      free = { points = true } },
    { name = 'scatter_summaries', fn = with(same(found), 'scatter_summaries'), options = {},
      free = { points = true } },
    drawn('generations', found), drawn('distances', found),
    drawn('trace', samples),
    { name = 'plot.prior_posterior', options = {}, fn = function(o)
      local y = plot.prior_posterior(prior, samples, o)
      return y
    end },
    { name = 'plot.predictive', options = {}, fn = function(o)
      local y = plot.predictive(s, { 0, 1 }, o)
      return y
    end },
    { name = 'plot.predictive', options = { groups = { { 'a', 1 }, { 'b', 1 } } }, fn = function(o)
      local y = plot.predictive(s, { 0, 1 }, o)
      return y
    end },
    test('c2st', truth, truth, { classifier = 'quadratic' }),
    test('sbc', truth, draws, { v = np.zeros { 20, 2 }, weights = np.ones { 20, 9 } }),
    test('coverage', truth[{ {}, 1 }], draws[{ {}, {}, 1 }], { v = np.zeros { 20 } }),
    test('tarp', truth, draws, { references = truth, v = np.zeros { 20 } }),
    test('mmd', truth, truth + 1),
    { name = 'stacking', options = {}, fn = function(o)
      local y = diagnostics.stacking(truth, o)
      return y
    end },
    test('predictive_check', truth[1], truth, { statistics = { largest = np.max } }),
    test('misspecification', truth[1], np.concatenate { theta, theta, theta, theta, theta }),
    { name = 'history', options = {}, fn = function(o)
      local y = plot.history({ detF = { 1, 2 }, detC = { 2, 1 }, detinvC = { 1, 1 } }, o)
      return y
    end },
  }
end

return M
