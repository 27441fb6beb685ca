--- Priors: every distribution, joint ones and those that users write serve the posteriors.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local parameters = require 'tests.support.parameters'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local distributions = imnn.distributions

local function refuses(words, fn)
  local why = message(fn)
  assert.matches('^tests/lua/priors_spec.lua:%d+: ', why)
  assert.equal(words, why:match ':%d+: (.*)$')
end

local numbers, discrete = parameters.continuous, parameters.discrete
local V = { { 1, 0.5 }, { 0.5, 2 } }
local priors = {
  multivariate_normal = distributions.multivariate_normal({ 0, 1 }, V),
  multivariate_t = distributions.multivariate_t({ 0, 1 }, V, 5),
  mixture = distributions.mixture({ 0.3, 0.7 }, { distributions.normal(-1, 1),
    distributions.normal(2, 0.5) }),
  normal_mixture = distributions.normal_mixture({ 0, 1 }, { { 0, 1 }, { 2, 0 } },
    { cov = { V, V } }),
  ['normal_mixture of single numbers'] = distributions.normal_mixture({ 0, 1 }, { { 0 }, { 2 } },
    { cov = { { { 1 } }, { { 4 } } } }),
  truncated = distributions.truncated(distributions.exponential(), 0, 1),
  transformed = distributions.transformed(distributions.normal(), distributions.bijectors.exp()),
  joint = lfi.independent { distributions.uniform(0, 1),
    distributions.multivariate_normal({ 0, 1 }, V), distributions.exponential(0, 2) },
}
for name, list in pairs(numbers) do priors[name] = distributions[name](unpack(list)) end

local function size_of(p) return p.event_shape[1] or 1 end

local function approximate(p)
  local P = size_of(p)
  local m = np.broadcast_to(p:mean():astype 'f64', { P })
  return lfi.GaussianApproximation { parameter_estimates = np.where(np.isfinite(m), m, 1),
    invF = 0.3 * np.eye(P), prior = p, gridsize = 5, quiet = true }
end

local function abc_of(p)
  local P = size_of(p)
  return lfi.ApproximateBayesianComputation { target_data = np.zeros { P }, prior = p, gridsize = 5,
    simulator = function(k, theta) return theta + random.normal(k, { P }) end,
    compressor = function(d) return d end }
end

describe('priors', function()
  for name, p in pairs(priors) do
    it('may be ' .. name, function()
      local g = approximate(p)
      assert.is_true(np.all(np.isfinite(g:log_prob(g:sample(random.PRNGKey(1), 10)))):item())
      local abc = abc_of(p) { key = random.PRNGKey(1), n_samples = 200, quantile = 0.1,
        progress = false }
      assert.same({ 20, size_of(p) }, abc:samples().parameters.shape)
    end)
  end

  for name, list in pairs(discrete) do
    it('may be ' .. name .. ' where there are simulations', function()
      local p = distributions[name](unpack(list))
      local abc = abc_of(p) { key = random.PRNGKey(1), n_samples = 200, quantile = 0.1,
        progress = false }
      assert.is_true(abc:samples().n >= 20)
      refuses('GaussianApproximation: the prior is of whole numbers, which no normal density is '
        .. 'of; use with_prior = false', function() approximate(p) end)
    end)
  end

  local function own(change)
    local p = { low = { -1, 0 }, high = { 1, 2 }, names = { 'a b', 'c' },
      sample = function(_, key, n)
        return random.uniform(key, n and { n, 2 } or { 2 }) * 2 + np.array { -1, 0 }
      end,
      log_prob = function(_, theta) return -theta:sum { axis = -1 } end }
    for name, value in pairs(change or {}) do p[name] = value or nil end
    return p
  end

  local function abc_with(p)
    return lfi.ApproximateBayesianComputation { target_data = np.zeros { 2 }, prior = p,
      simulator = function(_, theta) return theta end, compressor = function(d) return d end }
  end
  local function gaussian_with(p)
    return lfi.GaussianApproximation { parameter_estimates = { 0, 1 }, invF = 0.01 * np.eye(2),
      prior = p, gridsize = 5, quiet = true }
  end

  it('may be those of a user, whose names stay', function()
    local abc = abc_with(own()) { key = random.PRNGKey(1), n_samples = 100, quantile = 0.2 }
    for _, set in ipairs { abc:samples(), gaussian_with(own()):samples() } do
      assert.same({ { 'a_b', 'c' }, { 'a b', 'c' }, { -1, 0 }, { 1, 2 } },
        { set.names, set.labels, set.low, set.high })
    end
    assert.same({ 'α', 'c' }, gaussian_with(own { labels = { 'α', 'c' } }):samples().labels)
    for _, p in ipairs { own(), priors.joint, priors.mixture, priors.normal_mixture } do
      local P = p.event_shape and size_of(p) or 2
      local pmc = lfi.PopulationMonteCarlo { target_data = np.zeros { P } + 0.5, prior = p,
        simulator = function(k, theta) return theta + 0.1 * random.normal(k, { P }) end,
        compressor = function(d) return d end, gridsize = 5 }
      pmc { key = random.PRNGKey(3), n_points = 50, n_initial_points = 200, max_iteration = 2,
        progress = false }
      assert.same({ 50, P }, pmc:samples().parameters.shape)
    end
    -- no draws are needed of a prior where nothing is simulated
    assert.equal(10, gaussian_with(own { sample = false }):samples(1, { n = 10 }).n)
  end)

  it('are looked at', function()
    for _, case in ipairs {
      { 'the prior has no sample(self, key, n); give it one', { sample = false } },
      { 'sample(self, key, 2) of the prior must give an Array (2, 2), got (2)', {
        sample = function(_, key) return random.uniform(key, { 2 }) end } },
      { 'sample(self, key) of the prior must give an Array (2), got (1, 2)', {
        sample = function(_, key, n) return random.uniform(key, { n or 1, 2 }) end } },
      { 'sample(self, key, 2) of the prior must give an Array (2, 2), got nil',
        { sample = function() end } },
      { 'prior.names must be 2 texts, one for each parameter, got 1', { names = { 'a' } } },
      { 'prior.labels must be 2 texts, one for each parameter, got string', { labels = 'a' } },
      { 'prior.names: parameters 1 and 2 are both called "a"', { names = { 'a', 'a' } } },
      { 'the prior has no limit "low"', { low = false } },
      { 'low must be below high, got 1 and 0 for parameter 2', { low = { -1, 1 },
        high = { 1, 0 } } },
      { 'prior.high[1] must be a finite number, got inf', { high = { math.huge, 1 } } },
    } do
      refuses('ApproximateBayesianComputation: ' .. case[1],
        function() abc_with(own(case[2])) end)
    end
    refuses('PopulationMonteCarlo: the prior has no log_prob(theta); give it one', function()
      lfi.PopulationMonteCarlo { target_data = np.zeros { 2 }, prior = own { log_prob = false },
        simulator = function(_, theta) return theta end, compressor = function(d) return d end }
    end)
    refuses('GaussianApproximation: the prior has no log_prob(theta); give it one, or use '
      .. 'with_prior = false', function() gaussian_with(own { log_prob = false }) end)
    refuses('GaussianApproximation: log_prob(self, theta) of the prior must give (2) for theta (2, '
      .. '2), got (2, 2)', function()
        gaussian_with(own { log_prob = function(_, theta) return theta end })
      end)
    local nowhere = own { log_prob = function(_, theta)
      return 0 * theta[{ '...', 1 }] - math.huge
    end }
    local draw = nowhere:sample(random.PRNGKey(0), 64)[1]:totable()
    refuses(('PopulationMonteCarlo: log_prob(self, theta) of the prior is -infinity at each of 64 '
      .. 'of its own draws, as at (%.14g, %.14g)'):format(draw[1], draw[2]), function()
        lfi.PopulationMonteCarlo { target_data = np.zeros { 2 }, prior = nowhere,
          simulator = function(_, theta) return theta end, compressor = function(d) return d end }
      end)
    refuses('ApproximateBayesianComputation: the prior is of arrays (2, 2), parameters are vectors',
      function() abc_with(distributions.wishart(3, { { 1, 0 }, { 0, 1 } })) end)
  end)
end)
