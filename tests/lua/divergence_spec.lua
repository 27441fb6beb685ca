--- Divergences: closed forms, and integrals against those that are known.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, distributions = imnn.np, imnn.random, imnn.distributions
local special = imnn.scipy.special
local kl = distributions.kl_divergence

local function double(x) return np.array(x, 'f64') end
local function number(fn) return function(x) return fn(double(x)):item() end end
local psi, lgamma = number(special.digamma), number(special.gammaln)
local function log_beta(a, b) return lgamma(a) + lgamma(b) - lgamma(a + b) end

-- A distribution whose parameters are doubles, and what it gives, too.
local d = setmetatable({}, { __index = function(_, name)
  return function(...)
    local list = { ... }
    for i, x in ipairs(list) do list[i] = double(x) end
    return distributions[name](unpack(list))
  end
end })

describe('kl_divergence', function()
  it('of normal numbers and vectors is known', function()
    assert.near(math.log(2) - 0.5 + 2 / 8, kl(d.normal(0, 1), d.normal(1, 2)):item(), 1e-15)
    local p, q = d.normal({ 0, 1, 2 }, { 1, 2, 3 }), d.normal({ 1, 1, 0 }, { 2, 2, 1 })
    local sum = 0
    for i = 1, 3 do
      local function one(of)
        local mean, std = of:mean()[i]:item(), of:std()[i]:item()
        return d.normal(mean, std)
      end
      sum = sum + kl(one(p), one(q)):item()
    end
    assert.near(sum, kl(p, q):item(), 1e-14)
    local function vectors(of) return distributions.multivariate_normal(of:mean(), of:cov()) end
    for _, pair in ipairs {
      { vectors(p), vectors(q) }, { p, vectors(q) }, { vectors(p), q },
      { distributions.independent { d.normal(0, 1), d.normal({ 1, 2 }, { 2, 3 }) }, q },
      { distributions.independent { d.normal(0, 1), d.normal({ 1, 2 }, { 2, 3 }) },
        distributions.independent { d.normal({ 1, 1 }, { 2, 2 }), d.normal(0, 1) } },
      { p, distributions.transformed(d.normal({ 0, 0, 0 }, { 4, 4, 1 }),
        distributions.bijectors.affine(double { 1, 1, 0 }, double { 0.5, -0.5, 1 })) },
      { distributions.normal_mixture(double { 3 }, p:mean():reshape(1, 3),
        { cov = p:cov():reshape(1, 3, 3) }), q },
    } do
      assert.near(sum, kl(unpack(pair)):item(), 1e-12)
    end
  end)

  it('is 0 of what is the same, and its digits stay where things are nearly so', function()
    local e = 1e-6 -- of the variance: (e - log(1 + e)) / 2 = e^2 / 4 - e^3 / 6 + ...
    local wider = d.normal(0, math.sqrt(1 + e))
    assert.near(0.25 - e / 6, kl(wider, d.normal(0, 1)):item() / e ^ 2, 1e-9)
    local C = double { { 2, 1 }, { 1, 3 } }
    local p = distributions.multivariate_normal(double { 1, 2 }, C)
    assert.equal(0, kl(p, p):item())
    for _, of in ipairs { d.gamma(0.4), d.t(3, 0, 1), d.beta(0.5, 0.5), d.cauchy(0, 1) } do
      assert.near(0, kl(of, of):item(), 1e-15)
    end
  end)

  it('of other numbers is an integral', function()
    local mix = distributions.normal_mixture(np.log(double { 0.3, 0.7 }), double { { -5 }, { 5 } },
      { cov = double { { { 1 } }, { { 0.01 } } } })
    local listed = distributions.mixture(double { 0.3, 0.7 }, { d.normal(-5, 1), d.normal(5, 0.1) })
    -- log p is that of one part or the other, up to e^-12
    local apart = 0.3 * math.log(0.3) + 0.7 * math.log(0.7 / 0.1) - 0.5 + math.log(5)
      + (25 + 0.3 + 0.7 * 0.01) / 50
    for what, case in pairs {
      exponential = { d.exponential(0, 1), d.exponential(0, 3), math.log(3) + 1 / 3 - 1 },
      ['gamma of small shape'] = { d.gamma(0.3), d.gamma(2),
        (0.3 - 2) * psi(0.3) - lgamma(0.3) + lgamma(2) },
      gamma = { d.gamma(4, 0, 2), d.gamma(1.5, 0, 3), 2.5 * psi(4) - lgamma(4) + lgamma(1.5)
        + 1.5 * math.log(3 / 2) + 4 * (2 - 3) / 3 },
      beta = { d.beta(0.5, 1.5), d.beta(2, 3), log_beta(2, 3) - log_beta(0.5, 1.5)
        - 1.5 * psi(0.5) - 1.5 * psi(1.5) + 3 * psi(2) },
      uniform = { d.uniform(0, 1), d.uniform(-1, 2), math.log(3) },
      ['uniform in beta'] = { d.uniform(0, 1), d.beta(2, 2), 2 - math.log(6) },
      cauchy = { d.cauchy(0, 1), d.cauchy(1, 2), math.log(10 / 8) },
      weibull = { d.weibull_min(2), d.exponential(),
        math.log(2) - 0.5772156649015329 / 2 - 1 + math.sqrt(math.pi) / 2 },
      pareto = { d.pareto(3), d.pareto(2), math.log(3 / 2) + 2 / 3 - 1 },
      mixture = { listed, d.normal(0, 5), apart },
      ['normal mixture'] = { mix, d.normal({ 0 }, { 5 }), apart },
    } do
      assert.near(case[3], kl(case[1], case[2]):item(), 1e-10, what)
    end
  end)

  it('of whole numbers is a sum', function()
    local function binary(p, q)
      return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    end
    for what, case in pairs {
      poisson = { d.poisson(3), d.poisson(5), 3 * math.log(3 / 5) + 2 },
      ['poisson, many'] = { d.poisson(1e5), d.poisson(1.01e5), 1e5 * math.log(1 / 1.01) + 1e3 },
      bernoulli = { d.bernoulli(0.3), d.bernoulli(0.6), binary(0.3, 0.6) },
      binomial = { d.binomial(10, 0.3), d.binomial(10, 0.6), 10 * binary(0.3, 0.6) },
      geometric = { d.geometric(0.3), d.geometric(0.6), binary(0.3, 0.6) / 0.3 },
      vectors = { d.poisson { 3, 2 }, d.poisson { 5, 2 }, 3 * math.log(3 / 5) + 2 },
      infinite = { d.poisson(3), d.bernoulli(0.5), math.huge },
    } do
      local y = kl(case[1], case[2]):item()
      assert.is_true(y == case[3] or math.abs(y - case[3]) < 1e-9 * math.max(1, case[3]), what)
    end
    local slope = imnn.grad(function(mu) return kl(d.poisson(3), distributions.poisson(mu)) end)
    assert.near(1 - 3 / 5, slope(double(5)):item(), 1e-10)
  end)

  it('where a density has a kink some digits are lost', function()
    local exact = math.log(2) - 1 + 1.3 / 2 + 0.5 * math.exp(-1.3)
    assert.near(exact, kl(d.laplace(0, 1), d.laplace(1.3, 2)):item(), 1e-5)
  end)

  it('is infinite where q has no density', function()
    assert.equal(math.huge, kl(d.uniform(0, 2), d.uniform(0, 1)):item())
    assert.equal(math.huge, kl(d.normal(0, 1), d.exponential()):item())
  end)

  it('is the mean of differences of log-densities', function()
    local p = distributions.truncated(d.t(4), 0, 6)
    local q = distributions.transformed(d.normal(0, 1), distributions.bijectors.exp())
    local x = p:sample(random.PRNGKey(3), 4000)
    local y = p:log_prob(x) - q:log_prob(x)
    local error = kl(p, q):item() - y:mean():item()
    assert.is_true(math.abs(error) < 3.9 * y:std():item() / math.sqrt(4000)) -- 1 seed in 10^4
  end)

  it('of mixtures, too, whatever their parts are', function()
    local p = distributions.mixture(double { 1, 2, 1 }, { d.gamma(0.5), d.beta(2, 3, 4, 2),
      distributions.transformed(d.normal(0, 1), distributions.bijectors.exp()) })
    local q = d.gamma(1, 0, 3)
    local x = p:sample(random.PRNGKey(4), 4000)
    local y = p:log_prob(x) - q:log_prob(x)
    local error = kl(p, q):item() - y:mean():item()
    assert.is_true(math.abs(error) < 3.9 * y:std():item() / math.sqrt(4000)) -- 1 seed in 10^4
  end)

  it('adds up over parts that stand side by side', function()
    local p = distributions.independent { d.gamma(2), d.normal({ 0, 1 }, { 1, 1 }) }
    local q = distributions.independent { d.exponential(), d.normal({ 1, 1 }, { 2, 2 }) }
    local sum = kl(d.gamma(2), d.exponential()) + kl(d.normal({ 0, 1 }, { 1, 1 }),
      d.normal({ 1, 1 }, { 2, 2 }))
    assert.near(sum:item(), kl(p, q):item(), 1e-15)
  end)

  it('takes the dtype of its distributions', function()
    local a, b = distributions.gamma(2), distributions.exponential()
    assert.equal('f32', kl(a, b).dtype)
    assert.equal('f64', kl(d.gamma(2), b).dtype)
    assert.near(kl(d.gamma(2), b):item(), kl(a, b):item(), 1e-7)
  end)

  -- Locations, scales, shapes, ends that move, weights: against differences.
  for what, case in pairs {
    ['normal numbers'] = { 0.4, function(a) return kl(distributions.normal(a, a),
      distributions.normal(double(1), 2 * a)) end },
    ['normal vectors'] = { 0.4, function(a)
      local p = distributions.multivariate_normal(np.stack { a, a },
        double { { 1, 0.2 }, { 0.2, 1 } } * a)
      return kl(p, distributions.multivariate_normal(np.stack { -a, a * a }, np.eye(2) + a))
    end },
    ['a shape'] = { 1.7, function(a) return kl(distributions.gamma(a), d.exponential(0, 2)) end },
    ['a shape of which there is no slope of the cdf'] = { 1.7, function(a)
      return kl(distributions.beta(a, 2), d.uniform(0, 1))
    end },
    ['a shape of the other'] = { 1.7, function(a)
      return kl(d.uniform(0, 1), distributions.beta(2, a))
    end },
    ['an end'] = { 1.7, function(a)
      return kl(distributions.uniform(0, a), d.exponential(0, 2))
    end },
    ['the lower end'] = { 0.7, function(a)
      return kl(distributions.exponential(a), d.exponential(0, 2))
    end },
    ['the end of a cut'] = { 0.3, function(a)
      return kl(distributions.truncated_normal(0, 1, a, 2), d.normal(0, 2))
    end },
    ['a scale, where there are no ends'] = { 0.7, function(a)
      return kl(distributions.logistic(a, a), d.normal(0, 2))
    end },
    ['a scale, where there is one end'] = { 0.7, function(a)
      local p = distributions.transformed(distributions.gamma(2, a, a),
        distributions.bijectors.affine(a, a))
      return kl(p, d.exponential(0, 2))
    end },
    ['a normal number that is cut on one side'] = { 0.7, function(a)
      return kl(distributions.truncated_normal(a, a, a, math.huge), d.gamma(2))
    end },
    ['weights and means'] = { 0.3, function(a)
      local p = distributions.mixture(np.stack { a, 1 - a }, { d.normal(-1, 1),
        distributions.normal(a, 1) })
      return kl(p, d.normal(0, 2)) + kl(d.normal(0, 2), p)
    end },
    ['a mixture of normal vectors'] = { 0.3, function(a)
      local p = distributions.normal_mixture(np.stack { a, 2 * a },
        np.stack { a, -a }:reshape(2, 1), np.stack { 1 + a, 2 - a }:reshape(2, 1, 1))
      return kl(p, d.normal({ 0 }, { 2 })) + kl(d.normal({ 0 }, { 2 }), p)
    end },
  } do
    it('has derivatives in ' .. what, function()
      local x, fn = case[1], case[2]
      local function at(v) return fn(double(v)):item() end
      local h = 1e-3
      local difference = (8 * (at(x + h) - at(x - h)) - at(x + 2 * h) + at(x - 2 * h)) / (12 * h)
      local slope = imnn.jit(imnn.grad(fn))(double(x)):item()
      assert.near(difference, slope, 1e-8 * math.max(1, math.abs(slope)))
      local all = imnn.vmap(fn)(double { x, x + h })
      assert.near(at(x + h), all[2]:item(), 1e-12)
    end)
  end

  it('says what it cannot', function()
    for what, fn in pairs {
      ['no closed form of distributions.dirichlet from distributions.dirichlet is known, nor an '
        .. 'integral over one number; average p:log_prob(x) - q:log_prob(x) over draws x of p'] =
        function() kl(distributions.dirichlet { 1, 2 }, distributions.dirichlet { 2, 2 }) end,
      ['no closed form of distributions.poisson from distributions.normal is known, nor an '
        .. 'integral over one number; average p:log_prob(x) - q:log_prob(x) over draws x of p'] =
        function() kl(distributions.poisson(3), distributions.normal(4)) end,
      ['a sum over whole numbers needs a p whose parameters are known'] = function()
        imnn.jit(function(mu) return kl(distributions.poisson(mu), distributions.poisson(4)) end)(
          np.array(3))
      end,
      ['p has more than 1e+07 whole numbers that count, from 0 to 1e+09'] = function()
        kl(distributions.randint(0, 1e9 + 1), distributions.poisson(4))
      end,
      ['events have the shapes () and (2)'] = function()
        kl(distributions.normal(), distributions.normal({ 0, 1 }, 1))
      end,
      ['q must be a distribution, got number'] = function() kl(distributions.normal(), 3) end,
      ['p must be a distribution, got nil'] = function() kl() end,
    } do
      assert.equal('distributions.kl_divergence: ' .. what,
        message(fn):match '^tests/lua/divergence_spec%.lua:%d+: (.*)$')
    end
  end)
end)
