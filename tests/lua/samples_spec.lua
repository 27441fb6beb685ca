--- Sample sets: weights everywhere, chains, sets made of sets.
local ffi = require 'ffi'
local imnn = require 'imnn'
local sets = require 'tests.support.sample_sets'
local np, random, SampleSet = imnn.np, imnn.random, imnn.SampleSet
local key, golden, near, says, five, bell =
  sets.key, sets.golden, sets.near, sets.says, sets.five, sets.bell

describe('a sample set', function()
  it('has what it was given, and weights that add up to 1', function()
    local set = SampleSet { parameters = { { 1, 2 }, { 3, 4 }, { 5, 6 } }, names = { 'mu', 's' },
      labels = { 'μ', 'σ' }, low = { -math.huge, 0 }, high = { 10, math.huge },
      log_weights = { -1000, -1000 + math.log(2), -math.huge }, summaries = { 7, 8, 9 },
      distances = { 0.1, 0.2, 0.3 }, log_prob = { -1, -2, -math.huge }, generation = 4,
      chain = { 1, 1, 2 }, origin = { method = 'mine', simulations = 30 } }
    assert.are.equal(3, set.n)
    assert.are.equal(3, #set)
    assert.are.equal(2, set.n_params)
    assert.are.equal('f64', set.parameters.dtype)
    assert.same({ 'mu', 's' }, set.names)
    assert.same({ 'μ', 'σ' }, set.labels)
    assert.same({ -math.huge, 0 }, set.low)
    assert.same({ 10, math.huge }, set.high)
    near({ 1 / 3, 2 / 3, 0 }, set.weights)
    assert.same({ 3, 1 }, set.summaries.shape)
    near({ 0.1, 0.2, 0.3 }, set.distances)
    assert.are.equal(-math.huge, set.log_prob[3]:item())
    assert.are.equal(4, set.generation)
    assert.same({ 1, 1, 2 }, set.chain:values())
    assert.are.equal('mine', set.origin.method)
    near({ 7 / 3, 10 / 3 }, set:mean())
    near({ 2, 4, 6 }, set:column 's')
    near({ 1, 3, 5 }, set:column(-2))
  end)

  it('has equal weights, and names, if nothing else is said', function()
    local set = SampleSet { parameters = { 1, 2, 3, 4 } }
    assert.same({ 'p1' }, set.names)
    assert.same({ 'p1' }, set.labels)
    assert.same({ 0.25, 0.25, 0.25, 0.25 }, set.weights:values())
    assert.is_nil(set.log_weights)
    assert.is_nil(set.distances)
    assert.same({ 2.5 }, set:mean():values())
    assert.are.equal(4, set:ess())
  end)

  it('never changes', function()
    local set = five()
    says('SampleSet: a sample set never changes, so "labels" cannot be set; make a new one',
      function() set.labels = { 'x', 'y' } end)
    set.names[1] = 'other'
    assert.same({ 'a', 'b' }, set.names)
  end)

  it('leaves rows out that are not numbers, a few, and counts them', function()
    local x = random.normal(key, { 100, 2 }, 'f64'):totable()
    x[3][2], x[50][1] = 0 / 0, math.huge
    local l = np.zeros({ 100 }, 'f64'):values()
    l[7] = 0 / 0
    local set = SampleSet { parameters = x, log_weights = l, distances = np.arange(100) }
    assert.are.equal(97, set.n)
    assert.are.equal(3, set.rejected)
    assert.same({ 0, 1, 3 }, set.distances[{ { 1, 3 } }]:values())
    near(1 / 97, set.weights[1]:item())
    assert.is_truthy(tostring(set):find('warning: 3 samples that were not numbers are left out', 1,
      true))
    says('SampleSet: 3 of 100 samples are not numbers (number 3 is the first); at most 2 % may be '
      .. 'left out, max_rejected', SampleSet, { parameters = x, log_weights = l,
        max_rejected = 0.02 })
  end)

  it('refuses what does not fit', function()
    local x = { { 1, 2 }, { 3, 4 } }
    for sentence, opts in pairs {
      ['SampleSet: option "parameters" is missing'] = {},
      ['SampleSet: there are 1 names, of 2 parameters'] = { parameters = x, names = { 'a' } },
      ['SampleSet: parameters 1 and 2 are both called "a"'] =
        { parameters = x, names = { 'a', 'a' } },
      ['SampleSet: names have no blanks, got "a b"; what is shown are the labels'] =
        { parameters = x, names = { 'a b', 'c' } },
      ['SampleSet: labels are texts of one line, number 2 is number'] =
        { parameters = x, labels = { 'a', 2 } },
      ['SampleSet: log_weights must be one number for each of 2 samples, got (3)'] =
        { parameters = x, log_weights = { 1, 2, 3 } },
      ['SampleSet: give log_weights or weights, not both'] =
        { parameters = x, log_weights = { 1, 2 }, weights = { 1, 2 } },
      ['SampleSet: weights are not negative, got -1'] = { parameters = x, weights = { 1, -1 } },
      ['SampleSet: weights: all logarithms are -infinity, so that no sample has any weight'] =
        { parameters = x, weights = { 0, 0 } },
      ['SampleSet: parameters must be (samples, numbers of each), got (1, 1, 2)'] =
        { parameters = { { { 1, 2 } } } },
      ['SampleSet: there are no samples'] = { parameters = np.zeros { 0, 2 } },
      ['SampleSet: low has 1 values, of 2 parameters'] = { parameters = x, low = { 0 } },
      ['SampleSet: the limits of "p1" are 5 and 4, which is not in order'] =
        { parameters = x, low = { 5, 0 }, high = { 4, 9 } },
      ['SampleSet: samples of "p2" are from 2 to 4, which is outside its limits 2.5 and inf'] =
        { parameters = x, low = { 0, 2.5 } },
      ['SampleSet: chain are whole numbers, below 2^31'] = { parameters = x, chain = { 1, 1.5 } },
      ['SampleSet: summaries are of 3 samples, parameters of 2'] =
        { parameters = x, summaries = np.zeros { 3, 2 } },
      ['SampleSet: derived: there is no parameter "c"'] = { parameters = x, derived = { 'c' } },
      ['SampleSet: unknown option "parameter"; did you mean "parameters"?'] = { parameter = x },
    } do
      says(sentence, SampleSet, opts)
    end
    says('SampleSet: it has no field or method "meen"; did you mean "mean"?',
      function() return five().meen end)
  end)

  it('takes numbers of 32 bits at its limits', function()
    assert.are.equal(2, SampleSet { parameters = np.array({ 0.1, 0.3 }, 'f32'), low = { 0.1 },
      high = { 0.3 } }.n)
  end)
end)

describe('weighted statistics', function()
  it('are those of the specification', function()
    local set = five()
    near(4.09090909, set:ess(), 1e-8)
    near(4.43598780, set:ess { kind = 'entropy' }, 1e-8)
    near(3, set:ess { kind = 'pessimistic' })
    near({ 2.66666667, 3.13333333 }, set:mean(), 1e-8)
    near({ { 2.05882353, 2.17647059 }, { 2.17647059, 3.85882353 } }, set:cov(), 1e-8)
    near({ math.sqrt(2.05882353), math.sqrt(3.85882353) }, set:std(), 1e-8)
    local six = SampleSet { parameters = { 3, 1, 4, 1.5, 9, 2.6 }, weights = { 1, 2, 1, 3, 1, 2 } }
    near({ { 1, 1.12, 2.16, 3.9, 9 } }, six:quantile { 0.05, 0.16, 0.5, 0.84, 0.95 })
    near({ 2.16 }, six:quantile(0.5))
    local seven = SampleSet { parameters = { 0, 0.5, 1, 1.2, 2, 3, 7 },
      weights = { 0.1, 0.1, 0.3, 0.2, 0.1, 0.1, 0.1 } }
    near({ { 0, 1.2 } }, seven:interval { kind = 'hpd' })
  end)

  it('agree with golden, with weights far below underflow', function()
    for _, name in ipairs { 'a', 'b' } do
      local g = golden()['/weighted/' .. name]
      local set = SampleSet { parameters = g.samples, log_weights = g.log_weight }
      near(g.weight, set.weights, 1e-12, 'weights')
      near(g.mean, set:mean(), 1e-12, 'mean')
      near(g.covariance, set:cov(), 1e-12, 'covariance')
      near(g.quantile, set:quantile(g.p), 1e-12, 'quantiles')
      for _, kind in ipairs { 'kish', 'entropy', 'pessimistic' } do
        near(g['ess_' .. kind]:item(), set:ess { kind = kind }, 1e-12, kind)
      end
      for i, mass in ipairs(g.hdi_p:values()) do
        near(g.hdi[{ {}, i }], set:interval { mass = mass, kind = 'hpd' }, 0, 'hpd')
      end
      near(g.covariance_equal_weights, SampleSet { parameters = g.samples }:cov(), 1e-12)
      near(g.covariance_repeat_count, SampleSet { parameters = g.samples,
        weights = g.repeat_count }:cov { repeated = true }, 1e-12)
      near(g.quantile_type7_equal_weights, np.quantile(g.samples, g.p, { axis = 1 }):transpose())
    end
  end)

  it('do not care for the scale of weights', function()
    local l = random.normal(key, { 300 }, 'f64')
    local a, b = bell(300, { log_weights = l }), bell(300, { log_weights = l + 5000 })
    near(a:quantile { 0.1, 0.9 }, b:quantile { 0.1, 0.9 })
    near(a:cov(), b:cov())
    near(a:mcse(), b:mcse())
  end)

  it('are those of repeated rows for weights that are whole', function()
    local counts, rows = { 2, 1, 3, 1, 4 }, {}
    local x = random.normal(key, { 5, 1 }, 'f64'):totable()
    for i, n in ipairs(counts) do
      for _ = 1, n do rows[#rows + 1] = x[i] end
    end
    local weighted = SampleSet { parameters = x, weights = counts }
    local many = SampleSet { parameters = rows }
    near(many:mean(), weighted:mean())
    near(many:interval { kind = 'hpd' }, weighted:interval { kind = 'hpd' })
    near(many:ess { kind = 'bulk' }, weighted:ess { kind = 'bulk' })
    near(many:rhat(), weighted:rhat())
  end)

  it('have the covariance of two samples where the others have next to nothing', function()
    for _, e in ipairs { 1e-3, 1e-8, 1e-11 } do -- (x_1 - x_2)^2 / 2 whatever the weights of two are
      local s = imnn.SampleSet { parameters = { 1, 5, 3 }, weights = { e, 1, 0 } }
      assert.near(8, s:cov():item(), 1e-10)
    end
  end)

  it('end at the largest and smallest sample, whatever these weigh', function()
    local s = imnn.SampleSet { parameters = { 3, 1, 2, 4 }, weights = { 1, 0, 1, 0 } }
    assert.same({ 1, 4 }, s:quantile({ 0, 1 }):ravel():values())
  end)

  it('refuse a covariance where one sample has all the weight', function()
    local set = SampleSet { parameters = { 1, 2 }, log_weights = { 0, -800 } }
    says('cov: one sample has all the weight, so there is no covariance', set.cov, set)
    says('std: cov: one sample has all the weight, so there is no covariance',
      function() return set:std() end)
    assert.is_truthy(tostring(set):find 'nan')
  end)

  it('refuse what is no share, and other kinds', function()
    local set = five()
    says('quantile: q is a number from 0 to 1, got 2', set.quantile, set, 2)
    says('interval: the mass is above 0 and below 1, got 1', set.interval, set, { mass = 1 })
    says('interval: kind is "equal-tail" or "hpd", got "hdp"; did you mean "hpd"?', set.interval,
      set, { kind = 'hdp' })
    says('column: there is no parameter "c" among "a", "b"', set.column, set, 'c')
    says('mean: needs a sample set, got number', set.mean, 3)
  end)

  it('refuse lists that have holes', function()
    local set = five()
    for name, call in pairs {
      ['text: mass has nothing at place 1'] =
        function() return set:text { mass = { nil, 0.9 } } end,
      ['latex: mass has nothing at place 2'] = function()
        return set:latex { mass = { 0.6, nil, 0.9 } }
      end,
      ['latex: mass is a list, got one with "a"'] = function()
        return set:latex { mass = { a = 0.5 } }
      end,
      ['quantile: q has nothing at place 1'] = function() return set:quantile { nil, 0.5 } end,
      ['columns: names has nothing at place 1'] = function() return set:columns { nil, 'a' } end,
      ['merge: by has nothing at place 1'] = function()
        return set:merge(set, { by = { nil, 1 } })
      end,
    } do
      says(name, call)
    end
  end)

  it('refuse an origin that says nothing one can keep', function()
    local itself = {}
    itself.a = itself
    for name, origin in pairs {
      ['an origin is { method = ..., simulations = ..., ... }, got one without names'] = { 'ABC' },
      ['origin.method must be a text, got 3'] = { method = 3 },
      ['origin.simulations must be a whole number, 0 or more, got "many"'] = {
        simulations = 'many' },
      ['origin.simulations must be a whole number, 0 or more, got -1'] = { simulations = -1 },
      ['origin.log_evidence must be a number, got nan'] = { log_evidence = 0 / 0 },
      ['origin.a.b must be a number, a text, a boolean, an Array, or a table of these, '
        .. 'got function'] = { a = { b = print } },
      ['origin' .. ('.a'):rep(10) .. ' is too deep a table, or in itself'] = { a = itself },
    } do
      says('SampleSet: ' .. name, SampleSet, { parameters = { 1, 2 }, origin = origin })
    end
  end)

  it('have the evidence where the origin has it', function()
    local set = bell(5, { origin = { log_evidence = -3.5, log_evidence_error = 0.1 } })
    assert.same({ -3.5, 0.1 }, { set:log_evidence() })
    assert.is_nil(five():log_evidence())
  end)
end)

describe('chains', function()
  local names = { 'antithetic', 'ar_0.5_odd_length', 'ar_0.9', 'cauchy', 'independent',
    'one_chain', 'scaled_chain', 'shifted_chain', 'ties', 'trend', 'two_long' }

  for _, name in ipairs(names) do
    it('agree with golden: ' .. name, function()
      local g = golden()['/chains/' .. name]
      local m, n = unpack(g.x.shape)
      local set = SampleSet { parameters = g.x:reshape { m * n, 1 },
        chain = np.repeat_(np.arange(m), n) }
      for _, kind in ipairs { 'basic', 'rank', 'folded', 'max' } do
        near({ g['rhat_' .. kind]:item() }, set:rhat { kind = kind }, 1e-12, kind)
      end
      for _, kind in ipairs { 'raw', 'bulk', 'tail' } do
        near({ g['ess_' .. kind]:item() }, set:ess { kind = kind }, 1e-12, kind)
      end
      near({ g.mcse_mean:item() }, set:mcse(), 1e-12, 'error of the mean')
      for _, q in ipairs { '0.05', '0.5', '0.84' } do
        near({ g['mcse_quantile_' .. q]:item() }, set:mcse { quantile = tonumber(q) }, 1e-11, q)
      end
      near(g.sokal_tau:reshape { m, 1 }, set:autocorrelation_time(), 1e-12, 'time')
      local split = 2 * m * math.floor(n / 2) -- draws of the halves
      near({ g.tau_raw:item() }, split / set:ess { kind = 'raw' }, 1e-12, 'time of the mean')
      near({ g.tau_bulk:item() }, split / set:ess { kind = 'bulk' }, 1e-12, 'time of the bulk')
    end)

    -- ArviZ adds the last even autocorrelation to the time, and takes quantiles of draws without
    -- interpolation.
    it('agree with ArviZ: ' .. name, function()
      local g = golden()['/chains/' .. name]
      local m, n = unpack(g.x.shape)
      local set = SampleSet { parameters = g.x:reshape { m * n, 1 },
        chain = np.repeat_(np.arange(m), n) }
      local function its(what) return { g['arviz_' .. what]:item() } end
      if m > 1 then -- else it has none
        near(its 'rhat_split', set:rhat { kind = 'basic' }, 1e-12)
        near(its 'rhat_folded', set:rhat { kind = 'folded' }, 1e-12)
        near(its 'rhat_rank', set:rhat { kind = 'max' }, 1e-12)
      else
        for _, what in ipairs { 'split', 'folded', 'rank' } do
          local r = its('rhat_' .. what)[1]
          assert.is_true(r ~= r)
        end
      end
      for kind, what in pairs { bulk = 'bulk', tail = 'tail', raw = 'mean' } do
        near(its('ess_' .. what), set:ess { kind = kind }, 0.035)
      end
      near(its 'mcse_mean', set:mcse(), 0.0175)
      near(its 'mcse_quantile_05', set:mcse { quantile = 0.05 }, 0.125)
    end)

    it('agree with golden in C: ' .. name, function()
      local g = golden()['/chains/' .. name]
      local m, n = unpack(g.x.shape)
      local x, C = g.x:astype 'f64', imnn.core.C
      local chains = ffi.new('imnn_chains', m, n, x:data(), n, 1)
      local size, window = ffi.new 'double[1]', ffi.new 'int64_t[1]'
      local function size_of(q)
        imnn.core.check(C.imnn_chains_quantile_error(size, nil, chains, q))
        return { size[0] }
      end
      near({ g.ess_q05:item() }, size_of(0.05), 1e-12)
      near({ g.ess_q95:item() }, size_of(0.95), 1e-12)
      for _, q in ipairs { '0.05', '0.5', '0.84' } do
        near({ g['ess_quantile_' .. q]:item() }, size_of(tonumber(q)), 1e-12)
      end
      local lags = g.acf.shape[2]
      local acf = ffi.new('double[?]', lags)
      for j = 0, m - 1 do
        imnn.core.check(C.imnn_chain_time(size, window, n, x:data() + j * n, 1))
        assert.equal(g.sokal_window[j + 1]:item(), tonumber(window[0]))
        imnn.core.check(C.imnn_chain_autocovariance(acf, lags, n, x:data() + j * n, 1))
        local got = {}
        for k = 1, lags do got[k] = acf[k - 1] / acf[0] end
        near(g.acf[j + 1], got, 1e-12)
      end
    end)
  end

  it('are the same far from 0, up to the digits of the draws', function()
    local n, small, far, chain = 64, {}, {}, {}
    for i = 1, 4 * n do -- whole parts of 2^-20, so that 2^20 and they have no rounding
      small[i] = math.floor(2 ^ 10 * math.sin(i * i)) / 2 ^ 20
      far[i], chain[i] = 2 ^ 20 + small[i], math.ceil(i / n)
    end
    local a = imnn.SampleSet { parameters = small, chain = chain }
    local b = imnn.SampleSet { parameters = far, chain = chain }
    for _, of in ipairs { function(s) return s:rhat { kind = 'basic' } end,
      function(s) return s:ess { kind = 'raw' } end, function(s) return s:mcse() end,
      function(s) return s:autocorrelation_time() end } do
      local x, y = of(a):ravel():values(), of(b):ravel():values()
      for i = 1, #x do assert.near(x[i], y[i], 1e-12 * math.abs(x[i])) end
    end
  end)

  it('are told apart by numbers, in any order', function()
    local g = golden()['/chains/ar_0.9']
    local m, n = unpack(g.x.shape)
    local set = SampleSet { parameters = g.x:transpose():reshape { m * n, 1 },
      chain = 10 - np.arange(m * n) % m }
    near({ g.rhat_max:item() }, set:rhat(), 1e-12)
  end)

  it('of different lengths end together', function()
    local x = random.normal(key, { 95, 1 }, 'f64')
    local chain = np.concatenate { np.full({ 50 }, 1), np.full({ 45 }, 2) }
    local cut = SampleSet { parameters = x[{ { 6, 95 } }], chain = chain[{ { 6, 95 } }] }
    near(cut:rhat(), SampleSet { parameters = x, chain = chain }:rhat())
  end)

  it('have a multivariate R - 1', function()
    local g = golden()['/multivariate_R_minus_1']
    local m, n, P = unpack(g.x.shape)
    local parameters, chain = g.x:reshape { m * n, P }, np.repeat_(np.arange(m), n)
    local R = SampleSet { parameters = parameters, chain = chain }:rhat { kind = 'multivariate' }
    near(g.R_minus_1:item(), R)
    local within, means = 0, {}
    for i = 1, m do
      within = within + np.cov(g.x[i].T) / m
      means[i] = g.x[i]:mean { axis = 1 }
    end
    local between = np.cov(np.stack(means).T)
    near(g.within, within)
    near(g.between, between)
    local L = np.linalg.cholesky(within)
    local ratio = np.linalg.solve(L, np.linalg.solve(L, between).T)
    near(g.R_minus_1:item(), np.linalg.eigh(ratio):max():item())
    local same = SampleSet { parameters = parameters, chain = chain,
      weights = np.full({ m * n }, 0.3) }
    near(R, same:rhat { kind = 'multivariate' })
    -- a chain counts with its total weight: one without any is as good as none
    local last = np.ge(chain, m - 1)
    local light = SampleSet { parameters = parameters, chain = chain,
      log_weights = np.where(last, -60, 0) }
    local three = SampleSet { parameters = parameters, chain = chain }
      :select(np.logical_not(last))
    near(three:rhat { kind = 'multivariate' }, light:rhat { kind = 'multivariate' }, 1e-10)
    says('rhat: needs 2 or more chains, got 1', function()
      return five():rhat { kind = 'multivariate' }
    end)
  end)

  it('have a size where they are weighted, too', function()
    local g = golden()['/weighted_chain']
    local set = SampleSet { parameters = g.x, weights = g.weight }
    near({ g.n_eff:item() }, set:ess { kind = 'weighted' })
    -- what is summed: S_k up to the first one below a twentieth of S_0
    local y, lags = g.weight * (g.x - set:mean()), g.n_lags:item()
    local S, n = {}, #y
    for k = 0, lags do S[k] = (y[{ { 1, n - k } }] * y[{ { 1 + k, n } }]):sum():item() end
    for k = 1, lags do assert.equal(k == lags, S[k] < 0.05 * S[0]) end
    near(set:ess { kind = 'bulk' }, set:ess { kind = 'chains' }) -- they are counts
    set = SampleSet { parameters = g.x, weights = g.weight * 0.3 }
    near({ g.n_eff:item() }, set:ess { kind = 'chains' })
    near(g.kish:item(), set:ess())
    says('ess: kind "bulk" is of draws of equal weight or repeated ones; these have weights, so '
      .. 'take "chains" or "kish"', set.ess, set, { kind = 'bulk' })
    local chained = SampleSet { parameters = g.x, weights = g.weight * 0.3,
      chain = np.ones { g.x.size } }
    near(chained:std() / np.sqrt(g.n_eff), chained:mcse())
  end)

  it('count by their correlations, unless the weights are asked for', function()
    local g = golden()['/chains/ar_0.9']
    local m, n = unpack(g.x.shape)
    local x = np.concatenate({ g.x:reshape { m * n, 1 }, np.full({ m * n, 1 }, 2, 'f64') }, 2)
    local set = SampleSet { parameters = x, names = { 'a', 'fixed' },
      chain = np.repeat_(np.arange(m), n) }
    near(g.ess_bulk:item(), set:ess()[1]:item())
    assert.is_true(np.isnan(set:ess()[2]):item())
    near(m * n, set:ess { kind = 'kish' })
    assert.is_truthy(tostring(set):find((', worth %.4g\n'):format(g.ess_bulk:item()), 1, true))
    -- a set that is worth twice as much counts twice as much
    local a, b = bell(100), bell(100, { chain = np.arange(100) % 2 })
    local both = a:merge(b, { by = 'ess' })
    local worth = math.min(unpack(b:ess():totable()))
    near(100 / worth, (both.weights[1] / both.weights[200]):item(), 1e-9)
  end)

  it('that do not move have none of it, and few draws are refused', function()
    local still = SampleSet { parameters = np.ones { 40 }, chain = np.arange(40) % 2 }
    for _, x in ipairs { still:rhat(), still:rhat { kind = 'basic' }, still:ess { kind = 'bulk' },
      still:ess { kind = 'tail' }, still:mcse(), still:autocorrelation_time()[1] } do
      assert.is_true(np.isnan(x[1]):item())
    end
    assert.same({ 'the samples are worth only 40 independent ones',
      'chains of "p1" do not move' }, still:warnings())
    says('rhat: needs 4 or more draws of each chain, got 3', function()
      return SampleSet { parameters = { 1, 2, 3 } }:rhat()
    end)
  end)

  it('give errors as independent samples have them', function()
    local set = bell(1000)
    near(set:std() / math.sqrt(1000), set:mcse())
    -- the error of a median is sqrt(pi / 2) times that of the mean
    local ratio = set:mcse { quantile = 0.5 } / set:mcse()
    assert.is_true(np.all(np.lt(np.abs(ratio - math.sqrt(math.pi / 2)), 0.25)):item())
  end)

  it('warn in words', function()
    local heavy = SampleSet { parameters = np.arange(1000),
      log_weights = np.where(np.eq(np.arange(1000), 3), 10, 0) }
    assert.same({ 'the samples are worth only 1.09 independent ones',
      'one sample has 0.96 of the weight' }, heavy:warnings())
    local g = golden()['/chains/shifted_chain']
    local m, n = unpack(g.x.shape)
    local set = SampleSet { parameters = g.x:reshape { m * n, 1 }, names = { 'mu' },
      chain = np.repeat_(np.arange(m), n) }
    assert.same({ 'chains do not agree, R-hat of "mu" is 1.21',
      'draws of "mu" are worth only 14 independent ones' }, set:warnings())
    assert.same({}, bell(1000):warnings())
  end)
end)

describe('densities of sample sets', function()
  it('have the weights, limits and effective size of the set', function()
    local x = np.abs(random.normal(key, { 2000, 1 }, 'f64'))
    local w = np.exp(-x:ravel())
    local set = SampleSet { parameters = np.concatenate({ x, -x }, { axis = 2 }),
      names = { 'a', 'b' }, weights = w, low = { 0, -math.huge } }
    local d = set:density { columns = 'a' }
    local same = imnn.lfi.kde(x, { weights = w, low = 0 })
    near(same.f, d.f)
    near(set:ess(), d.n_eff)
    assert.same({ true, false }, d.hard[1])
    local pair = set:density { columns = { 'a', 2 } }
    assert.are.equal(2, pair.axes)
    assert.same({ { true, false }, { false, false } }, pair.hard)
    local chained = SampleSet { parameters = x, weights = w, chain = np.ones { 2000 }, low = 0 }
    near(chained:ess { kind = 'weighted' }[1]:item(), chained:density().n_eff)
    says('density: there is no parameter "c" among "a", "b"', set.density, set, { columns = 'c' })
    says('density: there are 3 parameters; say which one or two with columns', function()
      return SampleSet { parameters = np.zeros { 9, 3 } }:density()
    end)
  end)

  it('take samples that rounding has put beyond a limit', function()
    local x = np.linspace(0.1, 0.3, 50, 'f32')
    local set = SampleSet { parameters = x, low = 0.1, high = 0.3 }
    assert.are.equal(0, set:density().dropped)
  end)
end)

describe('resampling', function()
  it('is systematic: the share of each, rounded up or down', function()
    local set = bell(50, { log_weights = random.normal(key, { 50 }, 'f64') })
    local many = set:resample(key, 1000)
    assert.is_nil(many.log_weights)
    assert.are.equal(1000, many.n)
    local expected = (set.weights * 1000):values()
    for i, x in ipairs(set:column('a'):values()) do
      local count = np.eq(many:column 'a', x):astype('i32'):sum():item()
      assert.is_true(math.abs(count - expected[i]) < 1)
    end
    assert.are.equal('resampled, 1000 of 50', many.origin.changes)
  end)

  it('depends on the key alone, and shuffles if asked to', function()
    local set = bell(50, { log_weights = random.normal(key, { 50 }, 'f64') })
    local a, b = set:resample(key), set:resample(key)
    assert.same(a.parameters:values(), b.parameters:values())
    local c = set:resample(key, 50, { shuffle = true })
    assert.are_not.same(a.parameters:values(), c.parameters:values())
    near(np.sort(a:column 'a'), np.sort(c:column 'a'), 0)
  end)

  it('never takes what has no weight', function()
    local set = SampleSet { parameters = { 1, 2, 3, 4 }, weights = { 0, 1, 1, 0 } }
    assert.same({ 2, 3 }, set:resample(key, 2):column(1):values())
    says('resample: n is from 1 to 2^31 - 1, got 0', set.resample, set, key, 0)
    says('resample: n is from 1 to 2^31 - 1, got 1099511627776', set.resample, set, key, 2 ^ 40)
    says('resample: key must be Array, got nil', set.resample, set)
  end)
end)

describe('sets of sets', function()
  it('some rows keep weights and whatever else there is', function()
    local set = SampleSet { parameters = { 1, 2, 3, 4 }, weights = { 1, 2, 3, 4 },
      distances = { 5, 6, 7, 8 }, origin = { method = 'mine' } }
    for _, which in ipairs { np.array { false, true, false, true }, { 2, 4 },
      { false, true, false, true }, { -3, -1 },
      function(theta) return np.eq(theta[1] % 2, 0) end,
      function(_, by_name) return np.eq(by_name.p1 % 2, 0) end } do
      local some = set:select(which)
      near({ 2, 4 }, some:column(1), 0)
      near({ 1 / 3, 2 / 3 }, some.weights)
      near({ 6, 8 }, some.distances, 0)
      assert.same({ method = 'mine', changes = 'selected, 2 of 4' }, some.origin)
    end
    says('select: no sample 5, there are 4', set.select, set, { 5 })
    says('select: there are 2 booleans, of 4 samples', set.select, set, { true, false })
    says('select: none of 4 samples is chosen', set.select, set, { false, false, false, false })
  end)

  it('some parameters, in another order', function()
    local set = SampleSet { parameters = { { 1, 2, 3 }, { 4, 5, 6 } }, names = { 'a', 'b', 'c' },
      low = { 0, 1, 2 }, weights = { 1, 2 } }
    local some = set:columns { 'c', 1 }
    assert.same({ 'c', 'a' }, some.names)
    assert.same({ 2, 0 }, some.low)
    near({ { 3, 1 }, { 6, 4 } }, some.parameters, 0)
    near(set.weights, some.weights, 0)
    says('columns: there is no parameter "d" among "a", "b", "c"', set.columns, set, { 'd' })
    says('columns: "a" is named twice', set.columns, set, { 'a', 1 })
  end)

  it('a parameter made of others by a function of one sample', function()
    local set = bell(100, { weights = np.arange(100), low = { -9, -9 } })
    local more = set:derive { name = 'c', label = 'σ_c', low = 0, fn = function(theta, by_name)
      return np.sqrt(theta[1] ^ 2 + by_name.b ^ 2)
    end }
    assert.same({ 'a', 'b', 'c' }, more.names)
    assert.same({ 'a', 'b', 'σ_c' }, more.labels)
    assert.same({ -9, -9, 0 }, more.low)
    assert.same({ 'c' }, more.derived)
    near(np.sqrt(set:column 'a' ^ 2 + set:column 'b' ^ 2), more:column 'c')
    near(set.weights, more.weights, 0)
    says('derive: there is a parameter "a" already', set.derive, set, { name = 'a', fn = print })
    says('derive: there is no "bb"; did you mean "b"?', function()
      return set:derive { name = 'd', fn = function(_, by_name) return by_name.bb end }
    end)
    says('derive: the function must give one number of one sample, got (2)', function()
      return set:derive { name = 'd', fn = function(theta) return theta end }
    end)
  end)

  it('a parameter that is not a number everywhere: those are left out, if few', function()
    local x = np.concatenate { np.ones { 99, 1 }, -np.ones { 1, 1 } }
    local set = SampleSet { parameters = x }
    local more = set:derive { name = 'root', fn = function(theta) return np.sqrt(theta[1]) end }
    assert.same({ 99, 1 }, { more.n, more.rejected })
    assert.is_false(pcall(function()
      return set:derive { name = 'root', fn = function(theta) return np.sqrt(-theta[1]) end }
    end))
  end)

  it('merge as pieces of one set by their total weights', function()
    local set = bell(60, { log_weights = random.normal(key, { 60 }, 'f64') - 700,
      origin = { simulations = 600 }, chain = np.arange(60) % 2 })
    local first = np.lt(np.arange(60), 20)
    local again = set:select(first):merge(set:select(np.logical_not(first)))
    near(set.parameters, again.parameters, 0)
    near(set.weights, again.weights)
    assert.are.equal(1200, again.origin.simulations)
    assert.same({ 1, 2, 3, 4 }, np.unique(again.chain):values())
  end)

  it('merge as runs by simulations, by size, by shares', function()
    local a = SampleSet { parameters = { 0, 0, 0, 0 }, log_weights = { 900, 900, 900, 900 },
      origin = { simulations = 100 } }
    local b = SampleSet { parameters = { 1, 1 }, origin = { simulations = 300 } }
    near({ 0.75 }, a:merge(b, { by = 'simulations' }):mean())
    near({ 1 / 3 }, a:merge(b, { by = 'ess' }):mean())
    near({ 0.2 }, a:merge({ b }, { by = { 4, 1 } }):mean())
    near({ 2 / 4 }, b:merge(SampleSet { parameters = { 0, 0 } }):mean())
    says('merge: 1 of 2 sets have weights, so that totals cannot be compared; say by = '
      .. '"simulations", "ess", or a list of shares', a.merge, a, b)
    says('merge: the origin of set 2 does not tell its simulations', a.merge, a, five():columns {
      'a' }:derive { name = 'p1', fn = function(t) return t[1] end }:columns { 'p1' },
      { by = 'simulations' })
    says('merge: the parameters are p1 in the first set and a, b in number 2', a.merge, a, five())
    says('merge: by has 1 shares, of 2 sets', a.merge, a, b, { by = { 1 } })
    says('merge: needs a set to merge with', a.merge, a, {})
  end)

  it('leave out what not all have, and take the widest limits', function()
    local a = bell(5, { low = { -5, -6 }, high = { 7, 8 }, generation = 1,
      distances = np.arange(5) })
    local b = bell(5, { low = { -6, -5 }, generation = np.arange(5) })
    local both = a:merge(b)
    assert.same({ -6, -6 }, both.low)
    assert.same({ math.huge, math.huge }, both.high)
    assert.is_nil(both.distances)
    assert.same({ 1, 1, 1, 1, 1, 0, 1, 2, 3, 4 }, both.generation:values())
  end)
end)
