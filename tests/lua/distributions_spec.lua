--- Distributions as objects: draws, densities, moments and limits agree with each other.
local imnn = require 'imnn'
local agreement = require 'tests.support.distributions'
local parameters = require 'tests.support.parameters'
local message = require 'tests.support.message'
local stats = require 'tests.support.statistics'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi
local distributions = imnn.distributions
local bijectors = distributions.bijectors
local holds, moments_agree = agreement.holds, agreement.moments_agree
local has_covariance = agreement.has_covariance
local N, SIGMA = agreement.N, agreement.SIGMA

local continuous, discrete = parameters.continuous, parameters.discrete
local without_mean = { cauchy = true, halfcauchy = true }

local function uniform(p) return p end

local function sorted(t)
  local out = {}
  for name in pairs(t) do out[#out + 1] = name end
  table.sort(out)
  return out
end

describe('distributions of numbers', function()
  it('have their ends as quantiles of 0 and 1, also those that are found by halving', function()
    local d = distributions.beta(2, 3.5)
    assert.same({ 0, 1 }, d:quantile({ 0, 1 }):totable())
    assert.same({ 1, 3 }, distributions.beta(2, 3, 1, 2):quantile({ 0, 1 }):totable())
  end)

  -- They are found by halving: 60 steps of a half came to 1e-18 of an end, or as far away.
  it('have quantiles of small probabilities, next to an end and far away', function()
    for _, make in ipairs {
      function(v) return distributions.gamma(v(0.3)) end,
      function(v) return distributions.beta(v(0.4), v(0.6)) end,
      function(v) return distributions.t(v(1.5)) end,
      function(v) return distributions.inverse_gamma(v(3)) end,
    } do
      local d = make(function(v) return np.array(v, 'f64') end)
      local q = np.array({ 1e-30, 1e-16, 1e-9, 1e-4, 0.3, 0.9 }, 'f64')
      assert.is_true(np.abs(d:cdf(d:quantile(q)) / q - 1):max():item() < 1e-12)
      local single = make(function(v) return v end)
      local x = single:quantile { 1e-16, 1e-9, 1e-4, 0.3, 0.9 }
      assert.is_true(np.all(np.isfinite(single:log_prob(x))):item()) -- not outside
      x = single:quantile { 1e-4, 0.3, 0.9 }
      assert.is_true(np.abs(single:cdf(x) / np.array { 1e-4, 0.3, 0.9 } - 1):max():item() < 1e-5)
    end
  end)

  for i, name in ipairs(sorted(continuous)) do
    local d = distributions[name](unpack(continuous[name]))
    local wide = {}
    for k, v in ipairs(continuous[name]) do wide[k] = np.array(v, 'f64') end
    local precise = distributions[name](unpack(wide))
    local key = random.PRNGKey(200 + i)

    it(name .. ': draws follow the density', function()
      for k, of in ipairs { d, precise } do
        local x = of:sample(random.split(key)[k], N)
        assert.same({ N }, x.shape)
        assert.equal(k == 1 and 'f32' or 'f64', x.dtype)
        holds(stats.kolmogorov(of:cdf(x):values(), uniform))
        if not without_mean[name] then
          moments_agree(x, of:mean():item(), of:var():item())
        end
        assert.is_true(np.all(np.ge(x, of.support.low[1])):item())
        assert.is_true(np.all(np.le(x, of.support.high[1])):item())
      end
    end)

    it(name .. ': the density is the slope of the cdf, quantiles its inverse', function()
      local q = np.array({ 0.02, 0.3, 0.5, 0.7, 0.98 }, 'f64')
      local x = precise:quantile(q)
      local back = precise:cdf(x)
      assert.is_true(np.abs(back - q):max():item() < 1e-9)
      local slope = imnn.vmap(imnn.grad(function(v) return precise:cdf(v) end))(x)
      local error = np.abs(slope / precise:prob(x) - 1):max():item()
      assert.is_true(error < 1e-6, error)
      local again = np.log(precise:prob(x)) - precise:log_prob(x)
      assert.is_true(np.abs(again):max():item() < 1e-12)
    end)

    it(name .. ': lists are independent components', function()
      local given, first = {}, {}
      for k, v in ipairs(continuous[name]) do given[k] = { v, v } end
      for k, v in ipairs(continuous[name]) do first[k] = v end
      local two = distributions[name](unpack(given))
      assert.same({ 2 }, two.event_shape)
      assert.same({ 2 }, two:sample(key).shape)
      assert.same({ 3, 4, 2 }, two:sample(key, { 3, 4 }).shape)
      local x = two:sample(key, 3)
      local each = distributions[name](unpack(first)):log_prob(x)
      assert.same({ 3, 2 }, each.shape)
      local sum = two:log_prob(x)
      assert.same({ 3 }, sum.shape)
      assert.is_true(np.abs(sum - each:sum { axis = 2 }):max():item() < 1e-4)
      assert.equal(2, #two.low)
      assert.is_true(two.low[1] == two.low[2] and two.low[1] < two.high[1])
      assert.is_true(type(d.low) == 'number' and d.low < d.high)
    end)
  end

  for i, name in ipairs(sorted(discrete)) do
    it(name .. ': draws follow the probabilities', function()
      local d = distributions[name](unpack(discrete[name]))
      local x = d:sample(random.PRNGKey(300 + i), N)
      assert.equal('i32', x.dtype)
      local all = d:prob(np.arange(0, 200)):values()
      holds(stats.pearson(x:values(), function(k) return all[k + 1] end, 0, 199))
      moments_agree(x, d:mean():item(), d:var():item())
      local sum = 0
      for k = 0, 12 do
        sum = sum + all[k + 1]
        assert.is.near(sum, d:cdf(k):item(), 1e-5)
      end
      local q = np.array { 0.07, 0.4, 0.9 }
      local k = d:quantile(q)
      assert.is_true(np.all(np.ge(d:cdf(k), q)):item())
      assert.is_true(np.all(np.lt(d:cdf(k - 1), q)):item())
    end)
  end

  it('von Mises: a known cdf, narrow and wide', function()
    for _, kappa in ipairs { 0, 0.5, 30, 1e4, 1e8 } do
      local d = distributions.von_mises(1, kappa)
      local s = math.min(1 / math.sqrt(math.max(kappa, 1e-9)), 1)
      local x = np.array({ 1 - 3 * s, 1 - s, 1, 1 + 0.5 * s, 1 + math.pi }, 'f64')
      local density = stats.cumulative(function(v)
        return math.exp(kappa * (math.cos(v - 1) - 1))
      end, 1 - math.min(math.pi, 12 * s), 1 + math.min(math.pi, 12 * s))
      for i, p in ipairs(d:cdf(x):values()) do assert.is.near(density(x[i]:item()), p, 1e-7) end
    end
  end)

  it('there is a row here for each', function()
    for name in pairs(require 'imnn.distributions.table') do
      assert.is_truthy(continuous[name] or discrete[name], name)
    end
  end)

  it('limits of plots: quantiles, or ends, or what is given', function()
    local d = distributions.gamma(2, { scale = 3 })
    assert.equal(0, d.low)
    assert.is.near(1 - 1e-4, distributions.gamma(2, { scale = 3 }):cdf(d.high):item(), 1e-6)
    local bell = distributions.normal({ 0, 2 }, { 1, 0.5 }, { low = -3, names = { 'a', 'b' } })
    assert.same({ { -3, -3 }, { 5, 4.5 }, { 'a', 'b' } }, { bell.low, bell.high, bell.names })
    assert.same({ 'b' }, distributions.uniform(0, 1, { names = { 'b' } }).names)
    assert.equal(3, distributions.uniform { low = 1, high = 3 }.high)
  end)

  it('numbers of scripts take the dtype of what they meet', function()
    local d = distributions.uniform(0.1, 0.7)
    for _, dtype in ipairs { 'f32', 'f64' } do
      local edge = np.array({ 0.1, 0.7 }, dtype)
      assert.equal(dtype, d:log_prob(edge).dtype)
      assert.is_true(np.all(np.isfinite(d:log_prob(edge))):item())
    end
    assert.equal('f32', d:sample(random.PRNGKey(1)).dtype)
  end)

  it('have derivatives in scales where they have no end, or are cut on one side', function()
    local key, s = random.PRNGKey(4), np.array(0.8, 'f64')
    local x, q = np.array(1.5, 'f64'), np.array(0.3, 'f64')
    local function made(fn)
      return function(v)
        local d = fn(v)
        local low, high = d.each.bounds 'f64'
        local ends = np.where(np.isfinite(low), low, 0) + np.where(np.isfinite(high), high, 0)
        local y = d:log_prob(x) + d:cdf(x) + d:quantile(q) + d:sample(key) + ends
        return d.each.mean and y + d:mean() or y
      end
    end
    for _, fn in ipairs {
      made(function(v) return distributions.normal(v, v) end),
      made(function(v) return distributions.gamma(2, 0.5 * v, v) end),
      made(function(v) return distributions.truncated_normal(0, v, v, math.huge) end),
      made(function(v) return distributions.truncated_normal(1, v, -math.huge, 1 + v) end),
      made(function(v) return distributions.truncated(distributions.normal(0, v), 0.2) end),
      made(function(v) return distributions.truncated(distributions.logistic(0, v), nil, 2) end),
      made(function(v)
        return distributions.transformed(distributions.gamma(2), bijectors.affine(0, v))
      end),
    } do
      local h = 1e-5
      local difference = (fn(s + h) - fn(s - h)):item() / (2 * h)
      assert.is.near(difference, imnn.grad(fn)(s):item(), 1e-6)
    end
    local at = np.array({ -math.huge, 1, math.huge }, 'f64')
    local slope = imnn.jacfwd(function(v) return imnn.scipy.stats.norm.logcdf(at, 0, v) end)(s)
    assert.is_true(np.all(np.isfinite(slope[{ { 2, 3 } }])):item())
  end)

  it('have derivatives in parameters, are traced, and mapped over', function()
    local key = random.PRNGKey(5)
    local function loss(p)
      local d, bell = distributions.gamma(p[1], { scale = p[2] }), distributions.normal(p[2], p[1])
      local x = bell:sample(key)
      return d:log_prob(1.5) + d:mean() + d:cdf(1.5) + bell:log_prob(x / 2) + x * bell:quantile(0.3)
    end
    local p = np.array({ 2, 3 }, 'f64')
    local slope = imnn.grad(loss)(p)
    for k = 1, 2 do
      local h = 1e-5
      local step = np.array({ k == 1 and h or 0, k == 2 and h or 0 }, 'f64')
      local difference = (loss(p + step) - loss(p - step)):item() / (2 * h)
      assert.is.near(difference, slope[k]:item(), 1e-6)
    end
    local means, keys = np.array { 0, 1, 5 }, random.split(key, 3)
    local function one(m, k)
      local d = distributions.truncated(distributions.normal(m, 1), 0, 2)
      local x = d:sample(k)
      return x, d:log_prob(x)
    end
    local x, y = imnn.jit(imnn.vmap(one))(means, keys)
    for i = 1, 3 do
      local a, b = one(means[i], keys[i])
      assert.is.near(a:item(), x[i]:item(), 1e-6)
      assert.is.near(b:item(), y[i]:item(), 1e-5)
    end
  end)
end)

describe('distributions of vectors', function()
  local cov = { { 1, 0.5 }, { 0.5, 2 } }
  local key = random.PRNGKey(6)
  for name, d in pairs {
    multivariate_normal = distributions.multivariate_normal({ 1, -1 }, cov),
    multivariate_t = distributions.multivariate_t({ 1, -1 }, cov, 9),
    dirichlet = distributions.dirichlet { 2, 3, 4 },
    multinomial = distributions.multinomial(9, { 0.2, 0.5, 0.3 }),
    wishart = distributions.wishart(5, cov),
  } do
    it(name .. ': moments are those of draws, and shapes fit', function()
      local x = d:sample(key, N)
      local event = d.event_shape
      assert.same({ N, unpack(event) }, x.shape)
      assert.same(event, d:sample(key).shape)
      assert.same({ N }, d:log_prob(x).shape)
      local size = d.n_params
      local flat = np.reshape(x, { N, size })
      local mean, var = d:mean():ravel(), d:var():ravel()
      for k = 1, size do
        moments_agree(flat[{ {}, k }], mean[k]:item(), var[k]:item())
      end
      assert.equal(size, #np.array(d.low):ravel():values())
      if #event == 1 then has_covariance(flat, d) end
    end)
  end

  it('and so are covariances of what is made of others', function()
    for _, d in ipairs {
      distributions.normal({ 0, 1 }, { 1, 2 }),
      distributions.independent { distributions.gamma(2),
        distributions.multivariate_normal({ 1, -1 }, cov), distributions.uniform(0, 1) },
      distributions.mixture({ 0.3, 0.7 }, { distributions.normal({ -1, 0 }, 1),
        distributions.multivariate_normal({ 2, 1 }, cov) }),
    } do has_covariance(d:sample(random.PRNGKey(3), N), d) end
    assert.equal(4, distributions.normal(0, 2):cov():item())
    assert.is.near(distributions.beta(2, 3):var():item(), distributions.beta(2, 3):cov():item(), 0)
    local bells = { distributions.normal(0), distributions.normal(2) }
    assert.equal(2, distributions.mixture({ 1, 1 }, bells):cov():item())
    local own = { sample = function() end, log_prob = function() end, low = 0, high = 1,
      var = function() return np.array(3) end }
    assert.equal(3, distributions.own(own):cov():item())
    for what, d in pairs {
      ['distributions.wishart: has no cov that is known'] = distributions.wishart(3, np.eye(2)),
      ['distributions.independent.cov: entry 1 has none'] = distributions.independent { own },
    } do
      assert.equal(what, message(function() d:cov() end):match ':%d+: (.*)$')
    end
  end)

  it('densities integrate to 1', function()
    local t = np.linspace(-12, 12, 301):astype 'f64'
    local cell = (24 / 300) ^ 2
    local grid = np.stack({ np.broadcast_to(np.expand_dims(t, 2), { 301, 301 }),
      np.broadcast_to(t, { 301, 301 }) }, -1)
    for tolerance, d in pairs {
      [1e-6] = distributions.multivariate_normal({ 1, -1 }, cov),
      [3e-3] = distributions.multivariate_t({ 0, 0 }, cov, 5),
    } do
      assert.is.near(1, (d:prob(grid):sum() * cell):item(), tolerance)
    end
  end)
end)

describe('the entropy', function()
  local key = random.PRNGKey(12)
  local components = {}
  for name, list in pairs(continuous) do components[name] = distributions[name](unpack(list)) end
  components.mixture = distributions.mixture({ 1, 3 }, { distributions.normal(),
    distributions.gamma(2) })
  components.truncated = distributions.truncated(distributions.cauchy(), -1, 3)
  components.transformed = distributions.transformed(distributions.normal(), bijectors.exp())
  components.multivariate_normal = distributions.multivariate_normal({ 0, 1 },
    { { 1, 0.5 }, { 0.5, 2 } })
  for name, d in pairs(components) do
    it('is minus the mean log-density of draws: ' .. name, function()
      local y = -d:log_prob(d:sample(key, N)):astype 'f64'
      local error = y:std():item() / math.sqrt(N)
      assert.is_true(math.abs((y:mean() - d:entropy()):item()) < SIGMA * error + 1e-6)
    end)
  end

  it('adds up over components, and has derivatives', function()
    local one, wide = distributions.gamma(2), distributions.gamma({ 2, 2, 2 })
    assert.is.near(3 * one:entropy():item(), wide:entropy():item(), 1e-6)
    local both = distributions.independent { one, wide, distributions.uniform(0, 4) }
    assert.is.near(4 * one:entropy():item() + math.log(4), both:entropy():item(), 1e-6)
    local slope = imnn.grad(function(s) return distributions.normal(0, s):entropy() end)
    assert.is.near(0.5, slope(np.array(2, 'f64')):item(), 1e-6)
    local bell = imnn.grad(function(c)
      return distributions.multivariate_normal({ 0, 0 }, c):entropy()
    end)(np.array({ { 2, 0 }, { 0, 4 } }, 'f64'))
    assert.is_true(np.abs(bell - np.array { { 0.25, 0 }, { 0, 0.125 } }):max():item() < 1e-6)
  end)
end)

describe('distributions as priors', function()
  local function simulator(key, theta) return theta[1] + 0.1 * random.normal(key, { 4 }) end
  local function mean(d) return d:mean():reshape { 1 } end
  local target = np.array { 0.4, 0.5, 0.6, 0.5 }

  it('of ABC: any of them', function()
    for _, p in pairs {
      distributions.gamma(2), distributions.truncated(distributions.cauchy(), { 0 }, 2),
      distributions.mixture({ 1, 2 }, { distributions.normal(), distributions.uniform(0, 1) }),
      distributions.transformed(distributions.normal({ 0 }, 1), bijectors.exp()),
      distributions.independent { distributions.beta(2, 2) },
    } do
      local abc = lfi.ApproximateBayesianComputation { target_data = target, prior = p,
        simulator = simulator, compressor = mean }
      local r = abc { epsilon = 0.1, rng = random.PRNGKey(3), n_samples = 500 }
      local accepted = r.parameters.accepted[1]
      assert.is_true(#accepted > 5)
      assert.is_true(np.abs(accepted - 0.5):max():item() < 0.4)
    end
  end)

  it('of the Gaussian approximation: density and box', function()
    for _, p in pairs {
      distributions.gamma(2), distributions.mixture({ 1, 2 }, { distributions.normal(),
        distributions.uniform(-1, 3) }), distributions.truncated(distributions.t(3), 0, 4),
    } do
      local g = lfi.GaussianApproximation { parameter_estimates = { 0.7 }, invF = { { 0.2 } },
        prior = p, gridsize = 400 }
      local range = g.ranges[1]
      local density = g.marginals[1][1][1]
      local product = distributions.normal(0.7, math.sqrt(0.2)):prob(range) * p:prob(range)
      product = product / (product:sum() * (range[2] - range[1]))
      assert.is_true(np.abs(density - product):max():item() < 0.02 * product:max():item())
    end
  end)

  it('labels are what plots and sample sets show, where there are some', function()
    local p = distributions.independent {
      distributions.uniform(0, 1, { names = { 'om' }, labels = { 'Ω_m' } }),
      distributions.truncated(distributions.normal(0, 1, { names = { 's8' }, labels = { 'σ_8' } }),
        -2, 2), distributions.normal(0, 1, { names = { 'h' } }),
      distributions.own { low = { -1 }, high = { 1 }, labels = { 'x' },
        sample = function(_, key, n) return imnn.random.uniform(key, { n, 1 }) end,
        log_prob = function(_, x) return 0 * x:sum { axis = -1 } end } }
    assert.same({ 'om', 's8', 'h', 'θ_{4}' }, p.names)
    assert.same({ 'Ω_m', 'σ_8', 'h', 'x' }, p.labels)
    assert.is_nil(distributions.uniform(0, 1, { names = { 'a' } }).labels)
    local q = lfi.uniform({ 0, 0 }, { 1, 1 },
      { names = { 'om', 's8' }, labels = { 'Ω_m', 'σ_8' } })
    local g = lfi.GaussianApproximation { parameter_estimates = { { 0.5, 0.5 } },
      invF = { { 0.01, 0 }, { 0, 0.01 } }, prior = q, gridsize = 20, quiet = true }
    local set = g:samples(1, { n = 10 })
    assert.same({ { 'om', 's8' }, { 'Ω_m', 'σ_8' } }, { set.names, set.labels })
    for _, script in ipairs { tostring(g:marginal_plot {}), tostring(g:corner()),
      tostring(set:corner()) } do
      assert.matches('Ω_m', script)
      assert.matches('σ_8', script)
      assert.is_nil(script:match 's8')
    end
  end)

  it('names are the labels of plots', function()
    local p = distributions.independent {
      distributions.uniform(0, 1, { names = { 'Omega_m' } }),
      distributions.normal(0, 1, { names = { 'sigma_8' } }) }
    local g = lfi.GaussianApproximation { parameter_estimates = { { 0.5, 0 } },
      invF = { { 0.1, 0 }, { 0, 0.1 } }, prior = p, gridsize = 20 }
    local script = tostring(g:marginal_plot {})
    assert.matches('Omega_m', script)
    assert.matches('sigma_8', script)
    assert.matches('other', tostring(g:marginal_plot { axis_labels = { 'other', 'one' } }))
  end)
end)

describe('errors of distributions', function()
  local d = distributions
  for what, fn in pairs {
    ['distributions.gamma: needs a > 0, got a = -2'] = function() d.gamma(-2) end,
    ['distributions.multivariate_normal: cov must be symmetric, got 0.5 in row 1, column 2 and 0 '
      .. 'across'] = function()
      d.multivariate_normal({ 0, 0 }, { { 1, 0.5 }, { 0, 1 } })
    end,
    ['distributions.gamma: no parameter "scle"; did you mean "scale"?'] = function()
      d.gamma(2, { scle = 1 })
    end,
    ['distributions.gamma: the parameter a is missing'] = function() d.gamma() end,
    ['distributions.normal: loc must be a finite number, got nan'] = function() d.normal(0 / 0) end,
    ['distributions.normal: loc must be a number, a list or an Array, got string'] = function()
      d.normal 'x'
    end,
    ['distributions.normal: names needs 2 texts, got 1'] = function()
      d.normal({ 0, 1 }, 1, { names = { 'a' } })
    end,
    ['distributions.uniform: parameters 1 and 3 are both called "a"'] = function()
      d.uniform({ 0, 0, 0 }, { 1, 1, 1 }, { names = { 'a', 'b', 'a' } })
    end,
    ['distributions.normal: low must be below high, got 2 and 1'] = function()
      d.normal(0, 1, { low = 2, high = 1 })
    end,
    ['distributions.cauchy: has no field or method "men"; did you mean "mean"?'] = function()
      return d.cauchy():men()
    end,
    ['distributions.multivariate_normal: has no cdf that is known'] = function()
      d.multivariate_normal({ 0, 0 }, { { 1, 0 }, { 0, 1 } }):cdf { 0, 0 }
    end,
    ['distributions.multivariate_normal: mean and cov have 2 and 3 rows'] = function()
      d.multivariate_normal({ 0, 0 }, np.eye(3))
    end,
    ['distributions.multivariate_normal: cov must have 2 axes, got (2)'] = function()
      d.multivariate_normal({ 0, 0 }, { 1, 1 })
    end,
    ['distributions.normal.sample: sizes must be whole numbers, got 1.5'] = function()
      d.normal():sample(random.PRNGKey(0), 1.5)
    end,
    ['distributions.normal.log_prob: events have the shape (2), got (3)'] = function()
      d.normal({ 0, 1 }, 1):log_prob { 1, 2, 3 }
    end,
    ['distributions.mixture: needs a weight for each distribution, got (2) for 1'] = function()
      d.mixture({ 1, 2 }, { d.normal() })
    end,
    ['distributions.mixture: weights must be 0 or more, and not all 0'] = function()
      d.mixture({ 1, -1 }, { d.normal(), d.normal() })
    end,
    ['distributions.mixture: events of shapes () and (2)'] = function()
      d.mixture({ 1, 1 }, { d.normal(), d.normal({ 0, 1 }, 1) })
    end,
    ['distributions.truncated: needs continuous numbers, got distributions.poisson'] = function()
      d.truncated(d.poisson(3), 0, 2)
    end,
    ['distributions.truncated: distributions.uniform has nothing between low and high'] =
      function() d.truncated(d.uniform(0, 1), 2, 3) end,
    ['distributions.transformed: needs continuous numbers, got distributions.poisson'] = function()
      d.transformed(d.poisson(3), bijectors.exp())
    end,
    ['distributions.poisson: has no entropy that is known'] = function() d.poisson(3):entropy() end,
    ['distributions.dirichlet: has no entropy that is known'] = function()
      d.independent { d.normal(), d.dirichlet { 1, 2 } }:entropy()
    end,
    ['distributions.independent: entry 1 has no entropy'] = function()
      d.independent({ { sample = print, log_prob = print, low = 0, high = 1 } }):entropy()
    end,
    ['distributions.dirichlet: needs alpha > 0, got alpha = 0'] = function()
      d.dirichlet { 1, 0 }
    end,
    ['distributions.wishart: needs df > 1, got df = 1'] = function()
      d.wishart(1, { { 1, 0 }, { 0, 1 } })
    end,
    ['distributions.normal: loc is an empty list'] = function() d.normal({}, 1) end,
    ['distributions.normal: labels needs 2 texts, got 1'] = function()
      d.normal({ 0, 1 }, 1, { labels = { 'a' } })
    end,
    ['distributions.normal: names[1] must be a text, got number'] = function()
      d.normal(0, 1, { names = { 1 } })
    end,
    ['distributions.normal: labels[1] must be a text, got nil'] = function()
      d.normal({ 0, 0 }, 1, { labels = { nil, 'b' } })
    end,
    ['distributions.truncated: low must be below high'] = function()
      d.truncated(d.normal(), 2, 1)
    end,
    ['distributions.truncated: needs a distribution of independent numbers with a cdf, got '
      .. 'distributions.dirichlet'] = function() d.truncated(d.dirichlet { 1, 2 }, 0, 1) end,
    ['distributions.transformed: needs a distribution, got number'] = function()
      d.transformed(1, bijectors.exp())
    end,
    ['distributions.transformed: option "inverse" is missing'] = function()
      d.transformed(d.normal(), { forward = np.exp })
    end,
    ['distributions.independent: needs a list of distributions, got none'] = function()
      d.independent {}
    end,
    ['distributions.own: needs a table { sample =, log_prob =, ... } of functions'] = function()
      d.own {}
    end,
    ['bijectors.affine: scale must not be 0'] = function() bijectors.affine(1, 0) end,
    ['bijectors.sigmoid: needs two numbers in order, got 2 and 1'] = function()
      bijectors.sigmoid(2, 1)
    end,
    ['distributions.gamma: has no limits "low" and "high" while its parameters are traced'] =
      function() imnn.jit(function(x) return d.gamma(x).low end)(np.array(2)) end,
  } do
    it(what, function()
      local text = message(fn)
      assert.equal(what, text:match '^tests/lua/distributions_spec%.lua:%d+: (.*)$')
    end)
  end
end)
