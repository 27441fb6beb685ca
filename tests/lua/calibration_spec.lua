--- Tests of calibration against independent numbers (tests/golden/lfi/README.md), and of how often
-- they are wrong about posteriors that are known.
local imnn = require 'imnn'
local np, random, diagnostics = imnn.np, imnn.random, imnn.diagnostics
local message = require 'tests.support.message'
local uniform = require 'imnn.diagnostics.uniform'

local file = imnn.data.hdf5.open 'tests/golden/lfi/calibration.h5'
local cases = { 'exact', 'narrow', 'wide', 'biased', 'prior_as_posterior' }

local function off(a, b)
  a, b = np.array(a, 'f64'), np.array(b, 'f64')
  assert.same(a.shape, b.shape)
  return np.max(np.abs(a - b)):item()
end

local function near(a, b) assert.is_true(off(a, b) < 1e-12, tostring(off(a, b))) end

-- Closer than 1e-9 of the golden numbers.
local function relatively_near(a, b)
  assert.is_true(np.max(np.abs(a / np.array(b, 'f64') - 1)):item() < 1e-9)
end

describe('golden', function()
  for _, name in ipairs(cases) do
    local case = file.calibration[name]
    local weights = file.calibration.raw_weights

    it('sbc: ' .. name, function()
      local r = diagnostics.sbc(case.truth, case.draws, { v = case.v,
        bins = file.calibration:attributes(name).chi2_bins })
      near(r.ranks, case.rank)
      for _, field in ipairs { 'chi2', 'chi2_p', 'chi2_p_holm', 'ks', 'ks_p' } do
        relatively_near(r[field], case['sbc_' .. field])
      end
      near(r.z1, case.sbc_z1)
      near(r.z2, case.sbc_z2)
    end)

    -- Log-densities are those of normal numbers without their constant.
    it('densities: ' .. name, function()
      local sd = file.calibration:attribute(name, 'reported_sd')
      local q = imnn.distributions.normal(0, sd)
      local function log_q(x)
        return (q:log_prob(x) - q:log_prob(np.zeros({}, 'f64'))):sum { axis = -1 }
      end
      local mean = case.reported_mean
      near(log_q(case.truth - mean), case.log_q_truth)
      near(log_q(case.draws - np.expand_dims(mean, 2)), case.log_q_draws)
      -- given theta + noise, with prior and noise normal of variance 1
      local share, shift = name == 'prior_as_posterior' and 0 or 0.5, name == 'biased' and 0.4 or 0
      near(share * case.data + shift, mean)
    end)

    it('coverage: ' .. name, function()
      local r = diagnostics.coverage(case.log_q_truth, case.log_q_draws, { alpha = case.hpd_alpha })
      for field, golden in pairs { f = 'f', ecp = 'ecp', ks = 'ks', signed_score = 'signed_score' }
      do near(r[field], case['hpd_' .. golden]) end
      near(diagnostics.coverage(case.log_q_truth, case.log_q_draws, { weights = weights }).f,
        case.hpd_f_weighted)
    end)

    for _, kind in ipairs { 'tarp_uniform', 'tarp_data_dependent' } do
      it(('%s: %s'):format(kind, name), function()
        local golden = case[kind]
        local low, high = case.truth:min { axis = 1 }, case.truth:max { axis = 1 }
        local references = low + golden.reference_scaled * (high - low)
        local options = { references = references, alpha = golden.grid }
        local r = diagnostics.tarp(case.truth, case.draws, options)
        for _, field in ipairs { 'f', 'ecp', 'ks', 'atc' } do near(r[field], golden[field]) end
        near(r.references, references)
        options.weights = weights
        near(diagnostics.tarp(case.truth, case.draws, options).f, golden.f_weighted)
      end)
    end
  end

  it('ranks with ties, from the first to the last that they can be', function()
    local case = file.ranks_with_ties
    local first = diagnostics.sbc(case.truth, case.draws, { v = np.zeros { 40 } })
    near(first.ranks:reshape(-1), case.n_less)
    local last = diagnostics.sbc(case.truth, case.draws, { v = np.full({ 40 }, 1 - 1e-12, 'f64') })
    near(last.ranks:reshape(-1), case.n_less + case.n_ties)
  end)

  it('probabilities of distances, which are near the exact ones', function()
    local g = imnn.data.hdf5.open('tests/golden/lfi/samples.h5').special
    for i, n in ipairs(g.ks_n:totable()) do
      local D, numbers = g.ks_D[i]:item(), {}
      for k = 1, n do numbers[k] = math.max(k / n - D, 0) end
      local distance, p = uniform.ks(numbers)
      assert.near(D, distance, 1e-15)
      assert.near(1, p / g.ks_p_asymptotic[i]:item(), 1e-11)
      assert.near(1, p / g.ks_p_exact[i]:item(), 0.015)
    end
  end)

  it('bands', function()
    for name, S in pairs { S100_L99 = 100, S300_L99 = 300 } do
      local case = file.ecdf_band[name]
      local gamma = case:attributes().gamma
      local band = uniform.band(S, 100, 0.05)
      assert.is_true(math.abs(band.gamma / gamma - 1) < 1e-3) -- theirs is simulated
      band = uniform.band(S, 100, 0.05, gamma)
      near(band.z, case.z)
      near(band.high, case.high)
      local low = np.array(band.low, 'f64')
      if S == 300 then -- at z = 0.79 twice a tail is gamma itself: rounding chooses
        near(low[79] + 1 / 300, case.low[79])
        low = np.where(np.equal(np.arange(99), 78), case.low, low)
      end
      near(low, case.low)
    end
    for S, gamma in pairs { [100] = 0.0040, [250] = 0.0033, [500] = 0.0030, [1000] = 0.0026 } do
      assert.is_true(math.abs(uniform.band(S, 100, 0.05).gamma / gamma - 1) < 0.05)
    end
  end)

  -- Truth N(m, 1), posterior N(m, s^2) in d dimensions: squared distances from m are quantiles of
  -- chi-square numbers, evenly, so nothing is random. Steps of 1 / 2000 remain, of regions and of
  -- shares; the latter become steeper with s.
  it('coverage of normal posteriors of wrong width', function()
    local case, n = file.coverage_closed_form, 2000
    local even = (np.arange(n):astype 'f64' + 0.5) / n
    for i, d in ipairs(case.d:values()) do
      local square = imnn.distributions.chisquare(d):quantile(even)
      local draws = np.broadcast_to(-square, { n, n })
      for j, s in ipairs(case.s:values()) do
        local r = diagnostics.coverage(-square / s ^ 2, draws, { alpha = case.alpha })
        assert.is_true(off(r.ecp, case.ecp[i][j]) < 0.003,
          ('%g, %g: %g'):format(d, s, off(r.ecp, case.ecp[i][j])))
      end
    end
  end)
end)

-- The generator that the definitions of the diagnostics come with.
local function generator(seed)
  local s = seed
  local function u()
    s = (1664525 * s + 1013904223) % 2 ^ 32
    return (s + 0.5) / 2 ^ 32
  end
  return u, function()
    local first = u()
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * u())
  end
end

-- 200 pairs, 100 draws, of a generator that is written down: { sd, shift, sums of ranks, chi-square
-- statistics, mean f, shares of f <= 0.68, 0.95 }.
local harness = {
  { 1, 0, 9911, 9585, 9.804545, 9.804545, 0.51405, 0.640, 0.965 },
  { 0.8, 0, 9833, 9485, 22.057682, 26.350182, 0.62365, 0.510, 0.850 },
  { 1.25, 0, 9923, 9615, 15.382500, 18.903727, 0.39935, 0.825, 0.995 },
  { 1, 0.5, 6021, 5836, 112.530727, 140.957636, 0.63450, 0.475, 0.850 },
}

describe('a small harness', function()
  for _, row in ipairs(harness) do
    local scale, shift = row[1], row[2]
    it(('of deviation %g, shift %g'):format(scale, shift), function()
      local u, normal = generator(7)
      local truth, draws, at, density = {}, {}, {}, {}
      for i = 1, 200 do
        local t = { normal(), normal() }
        local x = { t[1] + normal(), t[2] + normal() }
        local _, _ = u(), u()
        local function log_q(p)
          return -(p[1] - x[1] / 2 - shift) ^ 2 - (p[2] - x[2] / 2 - shift) ^ 2
        end
        truth[i], at[i], draws[i], density[i] = t, log_q(t), {}, {}
        for l = 1, 100 do
          local p = {}
          for k = 1, 2 do p[k] = x[k] / 2 + shift + scale * math.sqrt(0.5) * normal() end
          draws[i][l], density[i][l] = p, log_q(p)
        end
      end
      local r = diagnostics.sbc(truth, draws, { bins = 10 })
      assert.same({ row[3], row[4] }, r.ranks:sum({ axis = 1 }):totable())
      assert.is_true(off(r.chi2, { row[5], row[6] }) < 1e-6)
      r = diagnostics.coverage(at, density, { alpha = { 0.685, 0.955 } })
      assert.is_true(math.abs(0.5 - r.signed_score - row[7]) < 1e-9)
      near(r.ecp, { row[8], row[9] })
    end)
  end
end)

-- Truth N(0, 1), data N(truth, 1): posterior N(x / 2, 1 / 2), made wrong by scale and shift.
local function problem(seed, S, L, scale, shift, P)
  local keys = random.split(random.PRNGKey(seed), 3)
  P = P or 2
  local truth = random.normal(keys[1], { S, P }, { dtype = 'f64' })
  local x = truth + random.normal(keys[2], { S, P }, { dtype = 'f64' })
  local z = random.normal(keys[3], { S, L, P }, { dtype = 'f64' })
  local center = np.expand_dims(x / 2, 2) + (shift or 0)
  local draws = center + (scale or 1) * math.sqrt(0.5) * z
  local function log_q(theta)
    return -((theta - center) ^ 2):sum { axis = 3 } / (scale or 1) ^ 2
  end
  return truth, draws, log_q(np.expand_dims(truth, 2)):reshape(-1), log_q(draws), x
end

describe('right posteriors', function()
  -- 200 problems at the level 0.05: more than 24 alarms: 1 seed in 10^4 if the level is exact
  it('are seldom refused', function()
    local alarms = { sbc = 0, band = 0, coverage = 0, tarp = 0 }
    for seed = 1, 200 do
      local truth, draws, at, density = problem(seed, 100, 19)
      local key = random.PRNGKey(seed)
      local function note(name, yes) if yes then alarms[name] = alarms[name] + 1 end end
      local r = diagnostics.sbc(truth, draws, { key = key })
      note('sbc', r.p < 0.05)
      note('band', r.ecdf.outside[1]:item() > 0)
      note('coverage', diagnostics.coverage(at, density, { key = key }).p < 0.05)
      note('tarp', diagnostics.tarp(truth, draws, { key = key }).p < 0.05)
    end
    for name, n in pairs(alarms) do assert.is_true(n <= 24, ('%s: %d'):format(name, n)) end
    assert.is_true(alarms.band >= 1) -- none: 1 seed in 10^4
  end)

  it('give data-averaged posteriors that are the prior', function()
    local truth, draws = problem(3, 1000, 49)
    local r = diagnostics.sbc(truth, draws)
    local one = np.sort(r.data_averaged[{ {}, 1 }]):values()
    local ok = require('tests.support.statistics').kolmogorov(one, function(x)
      return imnn.scipy.special.ndtr(np.array(x, 'f64')):item()
    end)
    assert.is_true(ok > 1e-4) -- false alarm: 1 seed in 10^4
  end)
end)

describe('wrong posteriors are told apart', function()
  for name, case in pairs {
    narrow = { 0.7, 0, 'too narrow', 'over-confident', 'over-confident' },
    wide = { 1.4, 0, 'too wide', 'conservative', 'under-confident' },
    ['biased high'] = { 1, 0.5, 'biased high', 'over-confident' },
    ['biased low'] = { 1, -0.5, 'biased low', 'over-confident' },
  } do
    it(name, function()
      for seed = 1, 5 do
        local truth, draws, at, density, x = problem(seed, 500, 99, case[1], case[2])
        local r = diagnostics.sbc(truth, draws)
        assert.same({ case[3], case[3] }, r.verdict)
        assert.matches('ranks are not uniform %(p.*%): the posterior is ' .. case[3] .. ' in p1, ',
          tostring(r))
        r = diagnostics.coverage(at, density)
        assert.equal(case[4], r.verdict)
        assert.matches('not hold the truth as often as they should', tostring(r))
        -- references near an estimate: uniform ones do not see bias
        local noise = random.normal(random.PRNGKey(100 + seed), { 500, 2 })
        r = diagnostics.tarp(truth, draws, { references = x / 2 + 0.3 * noise })
        assert.is_true(r.p < 0.05)
        if case[5] then assert.equal(case[5], diagnostics.tarp(truth, draws).verdict) end
      end
    end)
  end

  it('a posterior that is the prior passes, but for what depends on the data', function()
    local truth, _, _, _, x = problem(1, 500, 1)
    local draws = random.normal(random.PRNGKey(9), { 500, 99, 2 })
    assert.same({ 'uniform', 'uniform' }, diagnostics.sbc(truth, draws).verdict)
    assert.equal('calibrated', diagnostics.tarp(truth, draws).verdict)
    assert.is_true(diagnostics.tarp(truth, draws, { references = x / 2 }).p < 1e-6)
    -- a number that depends on the data: the log-likelihood
    local function log_likelihood(theta)
      return -((theta - np.expand_dims(x, 2)) ^ 2):sum { axis = 3 }
    end
    local r = diagnostics.sbc(log_likelihood(np.expand_dims(truth, 2)):reshape(-1),
      log_likelihood(draws))
    assert.is_true(r.p < 1e-6)
  end)
end)

describe('weights of draws', function()
  -- Draws of the wide posterior with weights of the exact one.
  local function weighted(seed, S, L)
    local truth, draws, at, _, x = problem(seed, S, L, 1.5, 0)
    local d = ((draws - np.expand_dims(x / 2, 2)) ^ 2):sum { axis = 3 }
    return truth, draws, np.exp(-d + d / 1.5 ^ 2), at, -d
  end

  it('count', function()
    local truth, draws, w, at, density = weighted(2, 500, 300)
    at = at * 1.5 ^ 2
    local options = { weights = w, n_draws = 99 }
    assert.same({ 'uniform', 'uniform' }, diagnostics.sbc(truth, draws, options).verdict)
    assert.equal(99, diagnostics.sbc(truth, draws, options).n_draws)
    assert.equal('too wide', diagnostics.sbc(truth, draws).verdict[1])
    assert.equal('calibrated', diagnostics.coverage(at, density, { weights = w }).verdict)
    assert.equal('conservative', diagnostics.coverage(at, density).verdict)
    assert.equal('calibrated', diagnostics.tarp(truth, draws, { weights = w }).verdict)
    assert.equal('under-confident', diagnostics.tarp(truth, draws).verdict)
  end)

  it('of sample sets of any sizes are those of arrays', function()
    local truth, draws, w, at, density = weighted(2, 30, 40)
    local list = {}
    for i = 1, 30 do
      list[i] = imnn.SampleSet { parameters = draws[i], weights = w[i], log_prob = density[i],
        names = { 'a', 'b' } }
    end
    local a = diagnostics.sbc(truth, list)
    near(a.ranks, diagnostics.sbc(truth, draws, { weights = w }).ranks)
    assert.same({ 'a', 'b' }, a.names)
    near(diagnostics.coverage(at, list).f, diagnostics.coverage(at, density, { weights = w }).f)
    near(diagnostics.tarp(truth, list).f, diagnostics.tarp(truth, draws, { weights = w }).f)
    -- a smaller one: what is missing has no weight
    list[3] = imnn.SampleSet { parameters = draws[3][{ { 1, 20 } }], log_prob = density[3][{ { 1,
      20 } }], weights = w[3][{ { 1, 20 } }] }
    local zero = np.where(np.logical_and(np.equal(np.expand_dims(np.arange(30), 2), 2),
      np.ge(np.arange(40), 20)), 0, w)
    near(diagnostics.tarp(truth, list).f, diagnostics.tarp(truth, draws, { weights = zero }).f)
    assert.equal(20, diagnostics.sbc(truth, list).n_draws)
  end)

  it('that are equal change nothing', function()
    local truth, draws, at, density = problem(4, 50, 30)
    local w = np.full({ 50, 30 }, 3)
    near(diagnostics.sbc(truth, draws, { weights = w }).u, diagnostics.sbc(truth, draws).u)
    near(diagnostics.tarp(truth, draws, { weights = w }).u, diagnostics.tarp(truth, draws).u)
    near(diagnostics.coverage(at, density, { weights = w }).u,
      diagnostics.coverage(at, density).u)
  end)
end)

describe('curves have bands', function()
  local truth, draws, at, density = problem(8, 400, 99)

  it('of coverage: binomial ones', function()
    local r = diagnostics.coverage(at, density, { alpha = { 0, 0.5, 0.999 } })
    near(r.low, { 0, 0.5 - 1.96 * 0.5 / 20, 0.999 - 1.96 * math.sqrt(0.000999) / 20 })
    near(r.high, { 0, 0.5 + 1.96 * 0.5 / 20, 1 })
  end)

  it('of tarp: as wide as binomial ones, around the curve', function()
    local r = diagnostics.tarp(truth, draws, { n_bootstrap = 1000, alpha = { 0.3, 0.5, 0.7 } })
    local width = 2 * 1.96 * np.sqrt(r.ecp * (1 - r.ecp) / 400)
    local ratio = (r.high - r.low) / width
    assert.is_true(ratio:min():item() > 0.85 and ratio:max():item() < 1.15) -- in 1000: 1 in 10^4
    assert.is_true(np.all(np.logical_and(np.lt(r.low, r.ecp), np.gt(r.high, r.ecp))):item())
  end)
end)

describe('ties', function()
  it('are broken by numbers that are uniform, and stay so', function()
    local v = np.arange(20):astype 'f64' / 20
    local same = np.ones { 20, 9 }
    local r = diagnostics.sbc(np.ones { 20 }, same, { v = v })
    near(r.u:reshape(-1), v)
    near(r.ranks:reshape(-1), np.floor(v * 10 + 1e-9))
    r = diagnostics.coverage(np.ones { 20 }, same, { v = v, weights = np.arange(9) + same })
    near(r.f, v)
    near(r.u, v)
    -- the truths at distance 1 from points on both sides, as all draws are
    local side = np.array { 1, -1 }
    local truth = np.tile(side, 10)
    r = diagnostics.tarp(truth, np.expand_dims(truth, 2) * same, { v = v, references = truth * 0 })
    near(r.f, v)
  end)
end)

describe('all weight on one draw', function()
  it('makes all draws that one', function()
    local truth, draws = problem(6, 40, 8)
    local w = np.broadcast_to(np.equal(np.arange(8), 2):astype 'f64', { 40, 8 })
    local r = diagnostics.sbc(truth, draws, { weights = w, n_draws = 5 })
    local third = draws[{ {}, 3 }]
    near(r.ranks, np.where(np.lt(third, truth), 5, 0))
    near(r.data_averaged, third)
  end)
end)

describe('pairs that hold NaN', function()
  it('are left out and counted, up to a share', function()
    local truth, draws, at, density = problem(1, 100, 19)
    local bad = np.equal(np.expand_dims(np.arange(100), 2), 6)
    truth = np.where(bad, 0 / 0, truth)
    local r = diagnostics.sbc(truth, draws)
    assert.same({ 99, 1 }, { r.n, r.rejected })
    assert.matches('^sbc: 99 pairs, 19 draws each, 1 left out that hold NaN\n', tostring(r))
    r = diagnostics.tarp(truth, draws, { references = np.zeros { 100, 2 } })
    assert.same({ 99, 1, 99 }, { r.n, r.rejected, #r.references })
    density = np.where(bad, 0 / 0, density)
    r = diagnostics.coverage(at, density)
    assert.same({ 99, 1 }, { r.n, r.rejected })
    assert.matches('sbc: 1 of 100 pairs hold what is not a number %(number 7 is the first%); at '
      .. 'most 0 %% may be left out, max_rejected$', message(function()
        diagnostics.sbc(truth, draws, { max_rejected = 0 })
      end))
  end)

  it('densities of 0 are none: the truth is where there should be nothing', function()
    local _, _, at, density = problem(1, 100, 19)
    at = np.where(np.equal(np.arange(100), 1), -math.huge, at)
    local r = diagnostics.coverage(at, density)
    assert.same({ 100, 1 }, { r.n, r.f[2]:item() })
  end)
end)

describe('calibration names what it cannot use', function()
  local truth, draws, at, density = problem(1, 20, 19)
  local one = imnn.SampleSet { parameters = draws[1] }

  local function says(sentence, name, ...)
    local arguments = { ... }
    assert.matches(name .. ': ' .. sentence, message(function()
      diagnostics[name](unpack(arguments))
    end))
  end

  for _, name in ipairs { 'sbc', 'tarp' } do
    it(name, function()
      says('truth must be an array of numbers, got nil$', name)
      says('truth must be %(pairs, parameters%), got shape %(20, 19, 2%)$', name, draws, draws)
      says('needs 10 pairs of true parameters and draws, got 2$', name, { 1, 2 }, { 1 })
      says('draws must be %(pairs, draws, parameters%) or a list of sample sets, got %(20, 2%)$',
        name, truth, truth)
      says('truth is %(20, 2%), so draws are %(20, any number, 2%), got %(20, 19, 1%)$', name,
        truth, draws[{ {}, {}, { 1, 1 } }])
      says('draws are those of 20 posteriors, got one sample set$', name, truth, one)
      says('there are 20 pairs, but 2 sample sets$', name, truth, { one, one })
      local list = {}
      for i = 1, 20 do list[i] = one end
      list[20] = imnn.SampleSet { parameters = { 1, 2 } }
      says('sample set 20 has 1 parameters, the first has 2$', name, truth, list)
      list[20] = draws[20]
      says('draws%[20%] must be a sample set as the first is, got Array', name, truth, list)
      says('sample sets have their weights, so there are no others$', name, truth, list,
        { weights = np.ones { 20, 19 } })
      says('weights must be %(20, 19%), as there are pairs and draws, got %(19%)$', name, truth,
        draws, { weights = np.ones { 19 } })
      says('weights must be 0 or more, and finite$', name, truth, draws,
        { weights = np.full({ 20, 19 }, -1) })
      says('all weights of pair 1 are 0$', name, truth, draws, { weights = np.zeros { 20, 19 } })
      says('option "v" holds numbers of %[0, 1%), got others$', name, truth[{ {}, 1 }],
        draws[{ {}, {}, 1 }], { v = np.ones { 20 } })
      says('level is a probability between 0 and 1, got 1$', name, truth, draws, { level = 1 })
      says('max_rejected is a share, from 0 to below 1, got 2$', name, truth, draws,
        { max_rejected = 2 })
      says('needs one key, got shape %(3, 2%)$', name, truth, draws,
        { key = random.split(random.PRNGKey(1), 3) })
    end)
  end

  it('the rest', function()
    says('bins must be from 2 to 20, the number of possible ranks, got 21$', 'sbc', truth, draws,
      { bins = 21 })
    says('n_draws is from 1 to 10%^9, got 0$', 'sbc', truth, draws, { n_draws = 0 })
    says('there are 1 names, of 2 parameters$', 'sbc', truth, draws, { names = { 'a' } })
    says('references must be a point for each pair, %(20, 2%), got %(2%)$', 'tarp', truth, draws,
      { references = { 0, 0 } })
    says('option "references" holds a number that is not finite, in row 1$', 'tarp', truth, draws,
      { references = np.full({ 20, 2 }, 0 / 0) })
    says('n_bootstrap is from 100 to 1000, got 10$', 'tarp', truth, draws, { n_bootstrap = 10 })
    says('parameter 1 is the same in all pairs$', 'tarp', np.zeros { 20, 2 }, draws)
    says('log_prob_truth must be one number for each of 10 pairs or more, got %(20, 2%)$',
      'coverage', truth, density)
    says('log_prob_draws must be %(20, draws%) or a list of sample sets, got %(20%)$', 'coverage',
      at, at)
    says('alpha are probabilities from 0 to 1, got table of shape %(1%)$', 'coverage', at,
      density, { alpha = { 2 } })
    local list = {}
    for i = 1, 20 do list[i] = one end
    says('sample set 1 has no log_prob$', 'coverage', at, list)
  end)
end)
