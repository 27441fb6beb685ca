--- Distributions that are made of others (side by side, mixed, cut, mapped), or of a user's
-- functions.
local imnn = require 'imnn'
local agreement = require 'tests.support.distributions'
local message = require 'tests.support.message'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi
local distributions = imnn.distributions
local bijectors = distributions.bijectors
local moments_agree = agreement.moments_agree
local agrees_with_its_draws = agreement.agrees_with_its_draws
local N = agreement.N

describe('independent distributions', function()
  local p = distributions.independent {
    distributions.uniform(0, 2, { names = { 'a' } }), distributions.normal({ 0, 5 }, { 1, 2 }),
    distributions.exponential(),
  }

  it('stand side by side', function()
    assert.same({ 4 }, p.event_shape)
    assert.same({ 'a', 'θ_{2}', 'θ_{3}', 'θ_{4}' }, p.names)
    assert.same({ 0, -5, -5, 0 }, p.low)
    assert.same({ 2, 5, 15 }, { unpack(p.high, 1, 3) })
    assert.same({ 0, -8.5, -12, 0 }, p.support.low)
    local x = np.array({ { 1, 0, 5, 2 }, { 1, 0, 5, -1 } }, 'f64')
    local expected = math.log(0.5) - math.log(2) - math.log(2 * math.pi) - 2
    assert.is.near(expected, p:log_prob(x)[1]:item(), 1e-12)
    assert.equal(-math.huge, p:log_prob(x)[2]:item())
    assert.is.near(0.5 ^ 3 * (1 - math.exp(-2)), p:cdf(x[1]):item(), 1e-12)
    assert.same({ 1, 0, 5, 1 }, p:mean():totable())
  end)

  it('draw with a key for each', function()
    local key = random.PRNGKey(7)
    local x = p:sample(key, N)
    assert.same({ N, 4 }, x.shape)
    assert.same({ 4 }, p:sample(key).shape)
    local mean, var = p:mean(), p:var()
    for k = 1, 4 do moments_agree(x[{ {}, k }], mean[k]:item(), var[k]:item()) end
    local first = distributions.uniform(0, 2):sample(random.split(key, 3)[1], N)
    assert.equal(0, np.abs(x[{ {}, 1 }] - first):max():item())
  end)

  it('take functions of the user', function()
    local user = { low = { 0 }, high = { 2 },
      sample = function(_, key, n) return random.uniform(key, n and { n, 1 } or { 1 }) * 2 end,
      log_prob = function(_, x) return np.log(0.5) + 0 * x[{ '...', 1 }] end }
    local both = distributions.independent { user, distributions.normal() }
    assert.same({ 5, 2 }, both:sample(random.PRNGKey(1), 5).shape)
    assert.is.near(math.log(0.5) - 0.5 * math.log(2 * math.pi), both:log_prob({ 1, 0 }):item(),
      1e-6)
  end)
end)

describe('mixtures', function()
  local function parts(s)
    return { distributions.normal(-1, s), distributions.gamma(2), distributions.uniform(0, 4) }
  end
  local weights = { 1, 2, 1 }

  it('of numbers: draws follow the density', function()
    local m = distributions.mixture(weights, parts(0.5))
    agrees_with_its_draws(m, random.PRNGKey(8))
    local x = m:quantile(np.array({ 0.1, 0.5, 0.9 }, 'f64'))
    assert.is.near(0.5, m:cdf(x[2]):item(), 1e-12)
    assert.equal(-3.5, m.low)
    local expected = 0.25 * math.exp(-0.5 * 16) / (0.5 * math.sqrt(2 * math.pi))
      + 0.5 * math.exp(-1) + 0.25 * 0.25
    assert.is.near(expected, m:prob(np.array(1, 'f64')):item(), 1e-12)
  end)

  it('of vectors', function()
    local m = distributions.mixture({ 0.3, 0.7 }, { distributions.normal({ -1, 0 }, 1),
      distributions.multivariate_normal({ 2, 1 }, { { 1, 0.2 }, { 0.2, 1 } }) })
    local x = m:sample(random.PRNGKey(9), N)
    assert.same({ N, 2 }, x.shape)
    local mean, var = m:mean(), m:var()
    for k = 1, 2 do moments_agree(x[{ {}, k }], mean[k]:item(), var[k]:item()) end
    assert.same({ { -6, -5 }, { 7, 6 } }, { m.low, m.high })
  end)

  it('are without the parts whose weight is 0', function()
    for _, w in ipairs { { 1, 0, 3 }, np.array { 1, 0, 3 } } do
      local m = distributions.mixture(w, { distributions.normal(-1, 0.5),
        distributions.t(1.5, -30), distributions.uniform(0, 4) })
      local known = distributions.mixture({ 1, 3 }, { distributions.normal(-1, 0.5),
        distributions.uniform(0, 4) })
      assert.same({ known.low, known.high }, { m.low, m.high })
      assert.is.near(known:var():item(), m:var():item(), 1e-6)
      local x = np.array({ -31, -1, 2 }, 'f64')
      assert.is_true(np.abs(known:log_prob(x) - m:log_prob(x)):max():item() < 1e-4)
      local key = random.PRNGKey(4)
      assert.is_true(np.all(np.eq(known:sample(key, 9), m:sample(key, 9))):item())
    end
  end)

  it('have derivatives in weights and parameters, in quantiles too', function()
    local function quantile(s)
      return distributions.mixture(weights, parts(s)):quantile(np.array(0.2, 'f64'))
    end
    local s = np.array(0.5, 'f64')
    local difference = (quantile(s + 1e-5) - quantile(s - 1e-5)):item() / 2e-5
    assert.is.near(difference, imnn.grad(quantile)(s):item(), 1e-6)
    local slope = imnn.grad(function(w)
      return distributions.mixture(w, parts(0.5)):log_prob(np.array(-1, 'f64'))
    end)(np.array({ 1, 2, 1 }, 'f64'))
    assert.is_true(slope[1]:item() > 0 and slope[2]:item() < 0)
    assert.is.near(0, (slope * np.array(weights)):sum():item(), 1e-12) -- their sum does not count
  end)
end)

describe('truncated distributions', function()
  local key = random.PRNGKey(10)
  for name, case in pairs {
    exponential = { distributions.exponential(), 0.5, 2 }, gamma = { distributions.gamma(3), 2, 5 },
    cauchy = { distributions.cauchy(), -1, 3 }, ['far out'] = { distributions.normal(), 7, 9 },
    ['far out on the left'] = { distributions.normal(), -9, -7 },
    ['one side'] = { distributions.gumbel(), 1 },
    mixture = { distributions.mixture({ 1, 1 },
      { distributions.normal(), distributions.normal(5) }), 1, 6 },
    twice = { distributions.truncated(distributions.laplace(), -1, 4), 0 },
  } do
    it(name, function()
      local d = distributions.truncated(unpack(case))
      agrees_with_its_draws(d, key)
      assert.equal(-math.huge, d:log_prob(case[2] - 0.01):item())
      local x = d:quantile(np.array({ 0.1, 0.5, 0.9 }, 'f64'))
      assert.is_true(np.abs(d:cdf(x) - np.array { 0.1, 0.5, 0.9 }):max():item() < 1e-6)
    end)
  end

  it('is the truncated normal of a normal', function()
    local a = distributions.truncated(distributions.normal(1, 2), 0, 4)
    local b = distributions.truncated_normal(1, 2, 0, 4)
    local x = np.array({ -1, 0.5, 2, 5 }, 'f64')
    for _, what in ipairs { 'prob', 'cdf' } do
      assert.is_true(np.abs(a[what](a, x) - b[what](b, x)):max():item() < 1e-12)
    end
    for _, what in ipairs { 'mean', 'var' } do
      assert.is.near(a[what](a):item(), b[what](b):item(), 1e-6)
    end
    assert.same({ 0, 4 }, { a.low, a.high })
  end)

  it('of components, with ends of their own', function()
    local d = distributions.truncated(distributions.gamma(2), { 1, 20 }, { 3, 25 })
    assert.same({ { 1, 20 }, { 3, 25 } }, { d.low, d.high })
    local x = d:sample(key, N)
    local mean, var = d:mean(), d:var()
    for k = 1, 2 do moments_agree(x[{ {}, k }], mean[k]:item(), var[k]:item()) end
  end)
end)

describe('transformed distributions', function()
  local key = random.PRNGKey(11)
  for name, d in pairs {
    exp = distributions.transformed(distributions.normal(0.2, 0.4), bijectors.exp()),
    affine = distributions.transformed(distributions.gamma(2), bijectors.affine(1, -2)),
    sigmoid = distributions.transformed(distributions.normal(0, 2), bijectors.sigmoid(-1, 4)),
    logit = distributions.transformed(distributions.beta(2, 3), bijectors.logit()),
    softplus = distributions.transformed(distributions.normal(), bijectors.softplus()),
    log = distributions.transformed(distributions.gamma(3), bijectors.log()),
    chain = distributions.transformed(distributions.normal(), bijectors.chain {
      bijectors.affine(0, -0.5), bijectors.exp(), bijectors.affine(1, 2) }),
    ["a user's"] = distributions.transformed(distributions.exponential(), { components = true,
      forward = function(x) return -np.sqrt(x) end, inverse = function(y) return y ^ 2 end,
      rises = false, high = 0 }),
  } do
    it(name, function()
      agrees_with_its_draws(d, key)
      local x = d:quantile(np.array({ 0.05, 0.4, 0.8 }, 'f64'))
      local slope = imnn.vmap(imnn.grad(function(v) return d:cdf(v) end))(x)
      assert.is_true(np.abs(slope / d:prob(x) - 1):max():item() < 1e-8)
    end)
  end

  it('lognormal, logit-normal: as they are known', function()
    local d = distributions.transformed(distributions.normal(0.3, 0.6), bijectors.exp())
    local known, x = distributions.lognormal(0.3, 0.6), np.array({ -1, 0, 0.5, 3 }, 'f64')
    for _, what in ipairs { 'prob', 'cdf' } do
      assert.is_true(np.abs(d[what](d, x) - known[what](known, x)):max():item() < 1e-14)
    end
    assert.is.near(known:mean():item(), d:mean():item(), 1e-6)
    assert.is.near(known:var():item(), d:var():item(), 1e-6)
    assert.is.near(known.high, d.high, 1e-6)
    local unit = distributions.transformed(distributions.logistic(), bijectors.sigmoid())
    assert.same({ 1, 1, 0 }, unit:prob({ 0.2, 0.5, 1.5 }):totable()) -- uniform
  end)

  it('numbers become vectors by lists of parameters, also in a chain and turned round', function()
    local double = bijectors.affine({ 1, 2 }, 2)
    for _, b in ipairs { double, bijectors.inverse(double),
      bijectors.chain { bijectors.exp(), double } } do
      local d = distributions.transformed(distributions.normal(), b)
      assert.same({ 2 }, d.event_shape)
      assert.same({ 5, 2 }, d:sample(key, 5).shape)
      assert.same({ 5 }, d:log_prob(np.ones { 5, 2 }).shape)
    end
  end)

  it('vectors, by a matrix or by functions of the user', function()
    local base = distributions.normal({ 0, 0 }, 1)
    local L = np.array({ { 1, 0 }, { 0.5, 2 } }, 'f64')
    local d = distributions.transformed(base, bijectors.linear({ 1, 2 }, L))
    local known = distributions.multivariate_normal({ 1, 2 }, np.matmul(L, L:transpose()))
    local x = d:sample(key, { 3, 5 })
    assert.same({ 3, 5, 2 }, x.shape)
    local function near(a, b) assert.is_true(np.abs(a - b):max():item() < 1e-5) end
    near(known:log_prob(x), d:log_prob(x))
    local own = distributions.transformed(base, {
      forward = function(v) return np.array({ 1, 2 }, 'f64') + np.dot(L, v) end,
      inverse = function(v) return np.linalg.solve(L, v - np.array({ 1, 2 }, 'f64')) end,
    }, { low = { -5, -9 }, high = { 7, 13 } })
    near(known:log_prob(x), own:log_prob(x))
    near(x, own:sample(key, { 3, 5 }))
    assert.same({ -5, -9 }, own.low)
    local cubes = distributions.transformed(distributions.normal(), {
      forward = function(v) return v ^ 3 end, inverse = np.cbrt })
    local y = np.array({ 0.5, 2 }, 'f64')
    local expected = distributions.normal():log_prob(np.cbrt(y))
      - np.log(3 * np.cbrt(y) ^ 2)
    near(expected, cubes:log_prob(y))
  end)
end)

describe("a user's distribution", function()
  it('has what follows from its functions', function()
    local d = distributions.own { low = { 0, 0 }, high = { 2, 2 }, names = { 'a', 'b' },
      sample = function(_, key, n) return 2 * random.uniform(key, n and { n, 2 } or { 2 }) end,
      log_prob = function(_, x) return 0 * x:sum { axis = -1 } - math.log(4) end }
    assert.same({ 2 }, d.event_shape)
    assert.is.near(0.25, d:prob(np.array { 1, 1 }):item(), 1e-7)
    assert.same({ low = { 0, 0 }, high = { 2, 2 } }, d.support)
    local both = distributions.independent { d, distributions.normal() }
    assert.same({ 'a', 'b', 'θ_{3}' }, both.names)
    assert.same({ 7, 3 }, both:sample(random.PRNGKey(1), 7).shape)
  end)

  -- Numbers would be taken for vectors of equal components.
  it('says so where its draws are no events', function()
    local d = distributions.own { low = { 0, 0 }, high = { 1, 1 },
      sample = function(_, key, n) return random.uniform(key, n) end,
      log_prob = function(_, x) return 0 * x:sum { axis = -1 } end }
    local key = random.PRNGKey(1)
    for asked, n in pairs { ['nil) must give an Array (2), got ()'] = false,
      ['3) must give an Array (3, 2), got (3)'] = 3,
      ['{ 3, 4 }) must give an Array (3, 4, 2), got (3, 4)'] = { 3, 4 } } do
      assert.equal('distributions.own: sample(self, key, ' .. asked,
        (message(function() d:sample(key, n or nil) end):gsub('^%S+: ', '')))
    end
    assert.matches('sample%(self, key, nil%) must give an Array %(2%), got %(%)$',
      message(function()
        lfi.PopulationMonteCarlo { target_data = np.zeros(2), prior = d,
          simulator = function(k, theta) return theta + random.normal(k, { 2 }) end,
          compressor = function(x) return x end }
      end))
  end)
end)
