--- Distributions against SciPy's numbers; tests/golden/lfi says where they come from and how well
-- they should agree.
local imnn = require 'imnn'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local distributions, bijectors = imnn.distributions, imnn.distributions.bijectors
local file = imnn.data.hdf5.open 'tests/golden/lfi/distributions.h5'

local function numbers(group, name) return group[name]:astype('f64'):ravel():totable() end

-- Numbers agree to a relative tolerance, which may depend on x, or an absolute one. Where `ends`
-- says so -infinity will do as well.
local function agree(what, x, expected, got, rtol, atol, ends)
  got = got:ravel():totable()
  assert.equal(#expected, #got, what)
  for i, a in ipairs(expected) do
    local b = got[i]
    local same = a == b or a ~= a and b ~= b or ends and ends(x[i]) and b == -math.huge
    if not same then
      local relative = type(rtol) == 'function' and rtol(x[i]) or rtol
      assert.is_true(math.abs(a - b) <= math.max(relative * math.abs(a), atol),
        ('%s at %.17g is %.17g, not %.17g'):format(what, x[i], b, a))
    end
  end
end

-- A distribution of each group, of its parameters.
local makers = {
  uniform = function(a) return distributions.uniform(a.low, a.high) end,
  normal = function(a) return distributions.normal(a.mean_, a.sd) end,
  half_normal = function(a) return distributions.halfnormal(0, a.sd) end,
  exponential = function(a) return distributions.exponential(0, 1 / a.rate) end,
  laplace = function(a) return distributions.laplace(a.location, a.scale_) end,
  cauchy = function(a) return distributions.cauchy(a.location, a.scale_) end,
  student_t = function(a) return distributions.t(a.df, a.location, a.scale_) end,
  gamma = function(a) return distributions.gamma(a.shape, 0, 1 / a.rate) end,
  inverse_gamma = function(a) return distributions.inverse_gamma(a.shape, 0, a.scale_) end,
  beta = function(a) return distributions.beta(a.a, a.b) end,
  log_normal = function(a) return distributions.lognormal(a.log_mean, a.log_sd) end,
  log_uniform = function(a)
    local u = distributions.uniform(np.log(np.array(a.low, 'f64')), np.log(np.array(a.high, 'f64')))
    return distributions.transformed(u, bijectors.exp())
  end,
  truncated_normal = function(a)
    return distributions.truncated_normal(a.mean_, a.sd, a.low, a.high)
  end,
}
makers.gamma_small_shape, makers.beta_u_shaped = makers.gamma, makers.beta
makers.truncated_normal_far_tail = makers.truncated_normal
makers.truncated_normal_one_sided = makers.truncated_normal

-- The very ends of the support, where a density is a matter of taste: SciPy's number or none.
local function at_end(d)
  local low, high = d.support.low[1], d.support.high[1]
  return function(x) return x == low or x == high end
end

local function attributes(group) -- as numbers
  local out = {}
  for name, value in pairs(group:attributes()) do
    out[name] = np.is_array(value) and value:item() or value
  end
  return out
end

local function doubles(a)
  local out = {}
  for name, value in pairs(a) do
    out[name] = type(value) == 'number' and np.array(value, 'f64') or nil
  end
  return out
end

local function of_tails(p) return (p < 1e-8 or p > 1 - 1e-8) and 1e-6 or 1e-8 end

describe('distributions agree with golden', function()
  for name, make in pairs(makers) do
    it(name, function()
      local group = file[name]
      local a = attributes(group)
      local d = make(a)
      local x = numbers(group, 'x')
      local at = np.array(x, 'f64')
      agree('log_prob', x, numbers(group, 'log_prob'), d:log_prob(at), 1e-10, 1e-12, at_end(d))
      agree('cdf', x, numbers(group, 'cdf'), d:cdf(at), 1e-10, 1e-12)
      agree('sf', x, numbers(group, 'sf'), 1 - d:cdf(at), 1e-10, 1e-12)
      local p = numbers(group, 'p')
      local q, expected = d:quantile(np.array(p, 'f64')), numbers(group, 'quantile')
      agree('quantile', p, expected, q, of_tails, 1e-12)
      local wide = make(doubles(a)) -- whose moments are of 64 bits, but for those of transformed
      agree('moments', { 1, 2 }, { a.mean, a.variance }, np.stack { wide:mean(), wide:var() },
        name == 'log_uniform' and 1e-6 or 1e-9, 0)
      -- SciPy has none of half a normal distribution, and a wrong one far out: this is an integral
      if name == 'truncated_normal_far_tail' then
        assert.near(-1.110750458992997, wide:entropy():item(), 2e-7)
      elseif a.entropy == a.entropy then
        assert.near(a.entropy, wide:entropy():item(), 2e-7)
      end
    end)
  end

  for name, make in pairs {
    poisson = function(a) return distributions.poisson(a.rate) end,
    binomial = function(a) return distributions.binomial(a.n, a.p) end,
  } do
    it(name, function()
      local group = file[name]
      local d, x = make(attributes(group)), numbers(group, 'x')
      local at = np.array(x, 'f64')
      agree('log_prob', x, numbers(group, 'log_prob'), d:log_prob(at), 1e-10, 1e-12)
      agree('cdf', x, numbers(group, 'cdf'), d:cdf(at), 1e-10, 1e-12)
    end)
  end

  it('a mixture', function()
    local group, list = file.mixture, {}
    local mean, sd = numbers(group, 'mean_'), numbers(group, 'sd')
    for i = 1, #mean do list[i] = distributions.normal(mean[i], sd[i]) end
    local d, x, p = distributions.mixture(group.weight, list), numbers(group, 'x'),
      numbers(group, 'p')
    local at, a = np.array(x, 'f64'), attributes(group)
    agree('log_prob', x, numbers(group, 'log_prob'), d:log_prob(at), 1e-10, 1e-12)
    agree('cdf', x, numbers(group, 'cdf'), d:cdf(at), 1e-10, 1e-12)
    agree('quantile', p, numbers(group, 'quantile'), d:quantile(np.array(p, 'f64')), 1e-8, 1e-12)
    agree('moments', { 1, 2 }, { a.mean, a.variance }, np.stack { d:mean(), d:var() }, 1e-6, 0)
  end)

  it('a product', function()
    local group = file.product
    local d = distributions.independent {
      distributions.uniform(-1, 2), distributions.truncated_normal(0.5, 0.7, 0, 1.5),
      distributions.lognormal(-1, 0.3), distributions.gamma(2, 0, 1 / 3),
    }
    local expected = numbers(group, 'log_prob')
    agree('log_prob', expected, expected, d:log_prob(group.x), 1e-10, 1e-12)
  end)

  for _, n in ipairs { 2, 3 } do
    it('normal vectors of ' .. n, function()
      local group = file['multivariate_normal_' .. n]
      local d = distributions.multivariate_normal(group.mean, group.covariance)
      local expected = numbers(group, 'log_prob')
      agree('log_prob', expected, expected, d:log_prob(group.x), 1e-10, 1e-12)
      assert.near(attributes(group).entropy, d:entropy():item(), 5e-7)
      local L = np.linalg.cholesky(group.covariance)
      agree('cholesky', numbers(group, 'cholesky'), numbers(group, 'cholesky'), L, 1e-10, 1e-12)
      agree('m + L z', numbers(group, 'm_plus_Lz'), numbers(group, 'm_plus_Lz'),
        bijectors.linear(group.mean, L).forward(group.z), 1e-10, 1e-12)
    end)

    -- The Gaussian approximation with a uniform prior is that normal vector in a box.
    it('normal vectors of ' .. n .. ' in a box', function()
      local group = file['truncated_multivariate_normal_' .. n]
      local box = lfi.uniform(group.low, group.high)
      local g = lfi.GaussianApproximation { parameter_estimates = group.mean,
        invF = group.covariance, prior = box, quiet = true, gridsize = 9 }
      local volume = box:log_prob(group.low):item()
      assert.near(attributes(group).log_normaliser, g.log_evidence:item() - volume, 1e-7)
      local expected = numbers(group, 'log_prob')
      agree('log_prob', expected, expected, g:log_prob(group.x), 0, 1e-7)
      local ranges = {}
      for p = 1, n do ranges[p] = group[('marginal_%d_x'):format(p - 1)] end
      local m = g:get_marginals { ranges = ranges }
      for p = 1, n do
        local density = numbers(group, ('marginal_%d_density'):format(p - 1))
        agree('marginal', numbers(group, ('marginal_%d_x'):format(p - 1)), density, m[p][p], 0,
          1e-7 * math.max(unpack(density)))
      end
      if n == 3 then return end -- there is no mean
      local x = g:sample(random.PRNGKey(n), 20000)
      local mean, sd = x:astype('f64'):mean { axis = 1 }, x:astype('f64'):std { axis = 1 }
      for p, m_p in ipairs(numbers(group, 'truncated_mean')) do -- 5 deviations: 6e-7 each
        assert.near(m_p, mean[p]:item(), 5 * sd[p]:item() / math.sqrt(20000))
      end
    end)
  end

  it('the real line', function()
    local group = file.logit_transform
    local a, theta = attributes(group), group.theta
    local column = theta:reshape(-1, 1)
    local eta = lfi.to_line(column, a.low, a.high)
    local slope = lfi.line_slope(column, a.low, a.high)
    for i = 1, #theta do
      local tolerance = (i == 1 or i == #theta) and 1e-6 or 1e-10
      assert.near(group.eta[i]:item(), eta[i][1]:item(), tolerance)
      assert.near(group.log_jacobian[i]:item(), slope[i]:item(), tolerance)
    end
    local back = lfi.from_line(eta, a.low, a.high)
    assert.is_true(np.all(np.lt(np.abs(back - column), 1e-12)):item())
  end)
end)
