--- Regression adjustment and the mapping to the real line.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random

local function refuses(words, fn)
  local why = message(fn)
  assert.matches('^tests/lua/regression_spec.lua:%d+: ', why)
  assert.equal(words, why:match ':%d+: (.*)$')
end

local function off(expected, got)
  assert.same(expected.shape, got.shape)
  return (np.abs(expected - got):max() / np.abs(expected):max()):item()
end

describe('the real line', function()
  local low, high = { -1, 0, -math.huge, -math.huge }, { 2, math.huge, 3, math.huge }
  local theta = np.array({ { 0.5, 1, 2, -7 }, { -0.999, 1e-4, -50, 3 }, { 1.99, 300, 2.999, 0 } },
    'f64')

  it('is where parameters come back from', function()
    local eta = lfi.to_line(theta, low, high)
    assert.same({ 0, 0, 0, -7 }, eta[1]:totable())
    assert.is_true(np.all(np.isfinite(eta)):item())
    assert.is_true(off(theta, lfi.from_line(eta, low, high)) < 1e-13)
    local far = lfi.from_line(np.array { { -1e3, -1e3, 1e3, 0 }, { 1e3, 1, -1, 0 } }, low, high)
    assert.same({ -1, 0, 3, 0 }, far[1]:totable())
    assert.equal(2, far[{ 2, 1 }]:item())
    local ends = lfi.to_line({ { -1, 0, 3, 0 }, { 2, 1, 1, 1 } }, low, high)
    assert.is_true(np.all(np.isfinite(ends)):item())
  end)

  it('has the slope that derivatives say, in jit and vmap', function()
    local slope = lfi.line_slope(theta, low, high)
    local J = imnn.vmap(imnn.jacfwd(function(x) return lfi.to_line(x, low, high) end))(theta)
    for i = 1, 3 do
      local _, expected = np.linalg.slogdet(J[i])
      assert.near(expected:item(), slope[i]:item(), 1e-10)
    end
    local both = imnn.jit(imnn.vmap(function(x)
      return lfi.from_line(lfi.to_line(x, low, high), low, high)
    end))(theta)
    assert.is_true(off(theta, both) < 1e-13)
    -- what is not chosen has no say in derivatives
    local d = imnn.grad(function(x) return lfi.to_line(x, low, high):sum() end)(theta[1])
    assert.is_true(np.all(np.isfinite(d)):item())
  end)

  it('refuses what makes no sense', function()
    refuses('lfi.to_line: low must be below high, for each parameter',
      function() lfi.to_line({ 1, 2 }, { 0, 3 }, { 2, 1 }) end)
    refuses('lfi.from_line: high must be 2 numbers, one for each parameter',
      function() lfi.from_line({ 1, 2 }, { 0, 0 }, { 1, 1, 1 }) end)
  end)
end)

describe('regression_adjust', function()
  local golden = imnn.data.hdf5.open('tests/golden/lfi/abc.h5').regression
  local function given()
    return { parameters = golden.parameters, summaries = golden.summaries,
      distances = golden.distances, weights = golden.weights, names = { 'a', 'b' } }
  end

  it('agrees with golden', function()
    local set, report = lfi.regression_adjust(given(), golden.observed, { ridge = 0, quiet = true })
    assert.is_true(off(golden.kernel_weights, set.weights) < 1e-9)
    assert.is_true(off(golden.adjusted, set.parameters) < 1e-9)
    assert.is_true(off(golden.coefficients, report.coefficients) < 1e-9)
    assert.is_true(off(golden.mean, set:mean()) < 1e-9)
    assert.is_true(off(golden.covariance, set:cov()) < 1e-9)
    assert.is_true(off(golden.sd_ratio, np.array(report.sd_ratio, 'f64')) < 1e-9)
    assert.near(golden:attributes().delta, report.delta, 1e-12)
    local near = lfi.regression_adjust(given(), golden.observed, { quiet = true })
    assert.is_true(off(golden.adjusted, near.parameters) < 1e-6)
    assert.same({ 'a', 'b' }, set.names)
  end)

  it('warns in words where the fit decides', function()
    local _, report = lfi.regression_adjust(given(), golden.observed, { quiet = true })
    assert.equal(2, #report.warnings)
    assert.equal('the standard deviation of "a" becomes 0.264, which is 0.304 times what it was: '
      .. 'the result is what a fit over a wide range says, not what came near the data; take a '
      .. 'smaller epsilon, and see whether it holds', report.warnings[1])
    local keys = random.split(random.PRNGKey(9))
    local s = random.normal(keys[1], { 30, 1 }, 'f64')
    local theta = 0.02 * random.normal(keys[2], { 30, 1 }, 'f64') + 0.01 * np.exp(4 * s)
    local few = { parameters = theta, summaries = s, distances = np.abs(s - 9):ravel() }
    local _, wide = lfi.regression_adjust(few, { 9 }, { quiet = true, heteroscedastic = true })
    assert.matches('the fit reaches far beyond the samples it was made from', wide.warnings[1])
  end)

  -- Normal parameter, two summaries that see it with noise that grows with it.
  local function world(n, key)
    local keys = random.split(key, 3)
    local theta = random.normal(keys[1], { n, 1 }, 'f64')
    local noise = random.normal(keys[2], { n, 1 }, 'f64')
    return theta, theta + 0.5 * noise
  end

  -- theta given s = 1: mean 0.8, variance 0.2. 5 standard errors of 4000 weighted draws.
  it('finds a normal posterior from draws of the prior', function()
    local theta, s = world(4000, random.PRNGKey(1))
    local set = lfi.regression_adjust({ parameters = theta, summaries = s }, { 1 },
      { delta = 3, quiet = true })
    local n = set:ess()
    assert.near(0.8, set:mean():item(), 5 * math.sqrt(0.2 / n))
    assert.near(0.2, set:cov():item(), 5 * 0.2 * math.sqrt(2 / n))
  end)

  it('scales residuals where their width depends on the summaries', function()
    local keys = random.split(random.PRNGKey(2), 2)
    local s = random.uniform(keys[1], { 6000, 1 }, 'f64', -1, 1)
    local theta = s + np.exp(s) * random.normal(keys[2], { 6000, 1 }, 'f64')
    local set = { parameters = theta, summaries = s }
    local linear = lfi.regression_adjust(set, { -0.8 }, { quiet = true, delta = 2 })
    local both = lfi.regression_adjust(set, { -0.8 },
      { quiet = true, delta = 2, heteroscedastic = true })
    local n = both:ess()
    assert.near(math.exp(-0.8), both:std():item(), 5 * math.exp(-0.8) / math.sqrt(2 * n))
    assert.is_true(linear:std():item() > 1.5 * math.exp(-0.8))
  end)

  it('stays within limits', function()
    local keys = random.split(random.PRNGKey(3), 2)
    local p = random.uniform(keys[1], { 2000, 1 }, 'f64')
    local s = p + 0.1 * random.normal(keys[2], { 2000, 1 }, 'f64')
    local set = imnn.SampleSet { parameters = p, summaries = s, low = { 0 }, high = { 1 } }
    local adjusted = lfi.regression_adjust(set, { 0.02 }, { delta = 0.3, quiet = true })
    assert.is_true(adjusted.parameters:min():item() >= 0)
    assert.is_true(adjusted.parameters:max():item() <= 1)
    local free = lfi.regression_adjust(set, { 0.02 }, { delta = 0.3, quiet = true,
      low = -math.huge, high = math.huge })
    assert.is_true(free.parameters:min():item() < 0)
  end)

  it('chooses a ridge that predicts what is left out when there are few', function()
    local keys = random.split(random.PRNGKey(4), 3)
    local n, S = 30, 25
    local s = random.normal(keys[1], { n, S }, 'f64')
    local theta = s[{ {}, { 1, 1 } }] + random.normal(keys[2], { n, 1 }, 'f64')
    local set, target = { parameters = theta, summaries = s }, random.normal(keys[3], { S }, 'f64')
    local _, chosen = lfi.regression_adjust(set, target, { quiet = true })
    assert.is_true(chosen.ridge > 1e-3)
    local _, fixed = lfi.regression_adjust(set, target, { quiet = true, ridge = 0 })
    local truth = np.zeros({ S, 1 }, 'f64'):at({ 1, 1 }):set(1)
    local function error_of(report)
      return ((report.coefficients[{ { 2, S + 1 } }] - truth) ^ 2):sum():item()
    end
    assert.is_true(error_of(chosen) < 0.5 * error_of(fixed))
    assert.equal(chosen.ridge, select(2, lfi.regression_adjust(set, target,
      { quiet = true, ridge = 'auto' })).ridge)
  end)

  it('refuses what makes no sense', function()
    refuses('regression_adjust: the samples have no summaries', function()
      lfi.regression_adjust(imnn.SampleSet { parameters = { 1, 2 } }, { 1 })
    end)
    refuses('regression_adjust: the target has 2 summaries, the samples have (3)', function()
      lfi.regression_adjust(given(), { 1, 2 })
    end)
    refuses('regression_adjust: regression: only 0 of 60 simulations are nearer than delta = '
      .. '0.001; give a larger delta, or more simulations', function()
      lfi.regression_adjust(given(), golden.observed, { delta = 0.001 })
    end)
    local twice = given()
    twice.summaries = np.concatenate({ golden.summaries, golden.summaries }, 2)
    refuses('regression_adjust: regression: the summaries depend on each other; leave some out, or '
      .. 'give a ridge above 0', function()
      lfi.regression_adjust(twice, np.zeros(6), { ridge = 0 })
    end)
    refuses('regression_adjust: ridge must not be negative, got -1', function()
      lfi.regression_adjust(given(), golden.observed, { ridge = -1 })
    end)
    refuses('regression_adjust: ridge is "auto", got "atuo"; did you mean "auto"?', function()
      lfi.regression_adjust(given(), golden.observed, { ridge = 'atuo' })
    end)
    refuses('regression_adjust: needs a SampleSet or { parameters, summaries, ... }, got number',
      function() lfi.regression_adjust(3, { 1 }) end)
  end)
end)
