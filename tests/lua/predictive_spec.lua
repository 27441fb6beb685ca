--- Discrepancies and predictive checks against independent numbers (tests/golden/lfi/README.md),
-- and how often they are wrong.
local imnn = require 'imnn'
local np, random, diagnostics = imnn.np, imnn.random, imnn.diagnostics
local message = require 'tests.support.message'

local file = imnn.data.hdf5.open 'tests/golden/lfi/calibration.h5'

local function near(a, b)
  local d = np.max(np.abs(np.array(a, 'f64') / np.array(b, 'f64') - 1)):item()
  assert.is_true(d < 1e-9, tostring(d))
end

local function says(sentence, name, ...)
  local arguments = { ... }
  assert.matches(name .. ': ' .. sentence, message(function()
    diagnostics[name](unpack(arguments))
  end))
end

describe('mmd', function()
  for _, name in ipairs { 'one_d', 'same', 'shifted' } do
    it('agrees with golden: ' .. name, function()
      local case = file.mmd[name]
      local r = diagnostics.mmd(case.x, case.y)
      near(r.h2, case.h2)
      near(r.mmd2, case.mmd2_biased)
      near(r.mmd2_unbiased, case.mmd2_unbiased)
      near(diagnostics.mmd(case.x, case.y, { h2 = case.h2:item() }).mmd2, case.mmd2_biased)
      -- numbers far from 0 keep their digits
      local far = diagnostics.mmd(case.x + 1e6, case.y + 1e6)
      assert.is_true(math.abs(far.mmd2 / r.mmd2 - 1) < 1e-7)
    end)
  end

  -- 200 pairs of sets at the level 0.05: more than 24 alarms: 1 seed in 10^4
  it('seldom refuses samples of one distribution, whatever their sizes', function()
    for _, m in ipairs { 1, 10, 40 } do
      local alarms = 0
      for seed = 1, 200 do
        local keys = random.split(random.PRNGKey(seed))
        local r = diagnostics.mmd(random.normal(keys[1], { 40, 2 }), random.normal(keys[2], { m,
          2 }), { key = random.PRNGKey(seed + 1000), n_null = 99 })
        if r.p < 0.05 then alarms = alarms + 1 end
      end
      assert.is_true(alarms <= 24, ('%d: %d'):format(m, alarms))
    end
  end)

  it('tells distributions apart that have one mean and covariance, and draws from large sets',
    function()
      local keys = random.split(random.PRNGKey(1), 3)
      local x = random.normal(keys[1], { 3000 })
      local y = random.rademacher(keys[2], { 500 }):astype 'f64' * 0.95
        + math.sqrt(1 - 0.95 ^ 2) * random.normal(keys[3], { 500 })
      local r = diagnostics.mmd(x, y)
      assert.same({ 2000, 500, 1 }, { r.n, r.m, r.n_dims })
      assert.is_true(r.p < 0.01)
      assert.matches('^mmd: 2000 and 500 points of 1 coordinates: they are from different '
        .. 'distributions\n', tostring(r))
    end)

  it('resamples sets by their weights, leaves NaN out', function()
    local x = random.normal(random.PRNGKey(1), { 400, 1 })
    local half = np.gt(x[{ {}, 1 }], 0)
    local set = imnn.SampleSet { parameters = x, weights = half:astype 'f64' }
    assert.is_true(diagnostics.mmd(x[half], set).p > 0.05)
    assert.is_true(diagnostics.mmd(x, set).p < 0.01)
    local r = diagnostics.mmd(np.where(np.gt(x, 2.5), 0 / 0, x), x)
    assert.is_true(r.rejected > 0 and r.n == 400 - r.rejected)
  end)

  it('names what it cannot use', function()
    local x = random.normal(random.PRNGKey(1), { 20, 2 })
    says('x has 2 coordinates, y has 1$', 'mmd', x, { 1, 2 })
    says('x needs two points, got 1$', 'mmd', { { 1, 2 } }, x)
    says('more than half of the pairs of x are equal points, so there is no bandwidth$', 'mmd',
      np.ones { 20, 2 }, x)
    says('h2 must be above 0, got 0$', 'mmd', x, x, { h2 = 0 })
    says('n_null is from 1 to 2000, got 0$', 'mmd', x, x, { n_null = 0 })
    says('20 of 20 points of y hold what is not a number', 'mmd', x, x * (0 / 0))
  end)
end)

describe('predictive checks', function()
  for _, name in ipairs { 'inside', 'outside' } do
    it('agree with golden: ' .. name, function()
      local case = file.predictive[name]
      local r = diagnostics.predictive_check(case.observed, case.simulated, {
        statistics = { max = np.max } })
      for field, golden in pairs { mahalanobis2 = 'mahalanobis2', f_statistic = 'f_statistic',
        f_p = 'f_p', loo_mahalanobis2 = 'loo_mahalanobis2', loo_p = 'loo_p',
        nearest = 'mean_distance_10_nearest_whitened', median_distance = 'median_distance' } do
        near(r[field], case[golden])
      end
      near(r.statistics.max.p, case.ppc_max_p)
      near(r.statistics.max.two_sided, case.ppc_max_two_sided)
      local same = diagnostics.misspecification(case.observed, case.simulated)
      near(same.mahalanobis2, case.mahalanobis2)
      near(same.nearest, case.mean_distance_10_nearest_whitened)
      assert.is_true(same.misspecified)
      assert.matches('the observation lies outside what was simulated', tostring(same))
    end)
  end

  it('leave-one-out distances are those of the others', function()
    local x = file.predictive.inside.simulated
    local r = diagnostics.predictive_check(x[1], x)
    local alone = diagnostics.predictive_check(x[1], x[{ { 2, -1 } }])
    near(r.loo_mahalanobis2[1], alone.mahalanobis2)
  end)

  -- 300 observations at the level 0.05 and 0.01: more than 33 and 13 alarms: 1 seed in 10^4
  it('seldom refuse what was drawn alike', function()
    local alarms, outside = 0, 0
    for seed = 1, 300 do
      local keys = random.split(random.PRNGKey(seed))
      local x, one = random.normal(keys[1], { 200, 3 }), random.normal(keys[2], { 3 })
      local r = diagnostics.predictive_check(one, x, { statistics = { smallest = np.min } })
      if r.p < 0.05 then alarms = alarms + 1 end
      if diagnostics.misspecification(one, x).misspecified then outside = outside + 1 end
    end
    assert.is_true(alarms <= 33 and outside <= 13, ('%d, %d'):format(alarms, outside))
  end)

  it('count neighbours of simulations as those of the observation', function()
    local simulated = random.normal(random.PRNGKey(1), { 30 }, { dtype = 'f64' })
    local x = simulated:values()
    -- mean distance of a number from the 10 nearest simulations but number `own`
    local function mean_distance(at, own)
      local d = {}
      for j, other in ipairs(x) do
        if j ~= own then d[#d + 1] = math.abs(other - at) end
      end
      table.sort(d)
      local sum = 0
      for k = 1, 10 do sum = sum + d[k] end
      return sum / 10
    end
    for step = 0, 20 do
      local at, count = step / 10, 1
      for i, one in ipairs(x) do
        if mean_distance(one, i) >= mean_distance(at) then count = count + 1 end
      end
      local r = diagnostics.predictive_check(at, simulated)
      assert.is_true(math.abs(r.nearest_p - count / 31) < 1e-12)
    end
  end)

  it('see low values as well as high ones, with probabilities that 19 simulations can give',
    function()
      local x = random.normal(random.PRNGKey(1), { 19 })
      for sign = -1, 1, 2 do
        local r = diagnostics.predictive_check(sign * 9, x, { statistics = {
          value = function(d) return d[1] end } })
        assert.is_true(math.abs(r.statistics.value.two_sided - 0.1) < 1e-12)
      end
    end)

  it('give quantiles in the shape of the data', function()
    local x = random.normal(random.PRNGKey(1), { 2000, 2, 3 })
    local r = diagnostics.predictive_check(np.zeros { 2, 3 }, x, { levels = { 0.68, 0.95 } })
    assert.same({ 2, 2, 2, 3 }, r.bands.shape)
    near(r.bands[2], np.quantile(x:astype 'f64', np.array({ 0.025, 0.975 }, 'f64'), { axis = 1 }))
    assert.is_nil(r.statistics.largest)
  end)

  it('see an observation between two clouds, where covariances do not', function()
    local keys = random.split(random.PRNGKey(1))
    local side = random.rademacher(keys[1], { 1000, 1 }):astype 'f32'
    local x = 0.3 * random.normal(keys[2], { 1000, 2 }) + side * np.array { 3, 0 }
    local r = diagnostics.misspecification({ 0, 0 }, x)
    assert.is_true(r.loo_p > 0.5 and r.nearest_p < 0.01 and r.misspecified)
    assert.is_false(diagnostics.misspecification({ 3, 0.1 }, x).misspecified)
  end)

  it('without enough simulations for distances make do with statistics', function()
    local x = random.normal(random.PRNGKey(1), { 50, 20 })
    local r = diagnostics.predictive_check(np.full({ 20 }, 9), x, { statistics = { max = np.max } })
    assert.is_nil(r.mahalanobis2)
    assert.is_true(r.p < 0.05)
    assert.equal('predictive check: 50 simulations\n'
      .. 'the observation is not like what was predicted (p = 0.0392)\n'
      .. '  max: 9, two-sided p = 0.0392', tostring(r))
    says('distances of 20 numbers need more than 100 simulations, got 50; there are no statistics '
      .. 'either$', 'predictive_check', np.zeros { 20 }, x)
  end)

  it('name what they cannot use', function()
    local x = random.normal(random.PRNGKey(1), { 100, 2 })
    for _, name in ipairs { 'predictive_check', 'misspecification' } do
      says('simulated must be %(simulations, ...%) of the shape of the observation, %(3%), got '
        .. '%(100, 2%)$', name, np.zeros { 3 }, x)
      says('observed holds a number that is not finite, in row 2$', name, { 0, 0 / 0 }, x)
      says('needs 10 simulations, got 2$', name, { 0, 0 }, x[{ { 1, 2 } }])
      says('100 of 100 simulations hold what is not a number', name, { 0, 0 }, x * (0 / 0))
    end
    says('needs 200 simulations for 2 numbers at the level 0.01, got 100$', 'misspecification',
      { 0, 0 }, x)
    says('statistic "mine" must give one number, got %(2%)$', 'predictive_check', { 0, 0 }, x,
      { statistics = { mine = function(d) return d end } })
    says('statistic "mine" is NaN$', 'predictive_check', { 0, 0 }, x,
      { statistics = { mine = function(d) return np.log(d:min() - 9) end } })
    says('statistics are functions with names, { name = function }, got number of 1$',
      'predictive_check', { 0, 0 }, x, { statistics = { 1 } })
  end)
end)
