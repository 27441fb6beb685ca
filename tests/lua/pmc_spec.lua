--- Population Monte Carlo and adaptive SMC: posteriors that are known, the call of the reference,
-- the same bytes on every way.
local imnn = require 'imnn'
local mean_and_variance = require 'tests.support.mean_and_variance'
local message = require 'tests.support.message'
local populations = require 'tests.support.populations'
local said = require 'tests.support.said'
local toys = require 'tests.support.toys' -- whose posteriors are known by quadrature
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local pmc_of, call = populations.pmc_of, populations.call
local moments, bytes_of = populations.moments, populations.bytes_of

-- One run against four times its own deviation: 1 seed in 10^4 is a false alarm, each.
describe('posteriors are right:', function()
  for name, toy in pairs(toys) do
    it('population Monte Carlo, toy ' .. name, function()
      local r = call(pmc_of(toy), { epsilon = toy.schedule })
      local mean, variance = moments(r)
      assert.near(toy.exact[1], mean, 4 * toy.sd[1])
      assert.near(toy.exact[2], variance, 4 * toy.sd[2])
      assert.equal('complete', r.reason[1])
      assert.near(toy.schedule[4], r.epsilon[1], 1e-12)
    end)
  end

  it('adaptive SMC, toys B and C', function()
    local b = call(pmc_of(toys.B), { method = 'smc', min_epsilon = 0.1 })
    local mean, variance = moments(b)
    assert.near(0.998336, mean, 4 * 0.030)
    assert.near(0.500831, variance, 4 * 0.031)
    assert.equal('min_epsilon', b.reason[1])
    local c = call(pmc_of(toys.C), { method = 'smc', min_epsilon = 0.05 })
    mean, variance = moments(c)
    assert.near(0.239711, mean, 4 * 0.0062)
    assert.near(0.032393, variance, 4 * 0.0021)
    for _, kernel in ipairs { 'local', 'nearest' } do
      c = call(pmc_of(toys.C), { method = 'smc', min_epsilon = 0.05, kernel = kernel })
      mean, variance = moments(c)
      assert.near(0.239711, mean, 4 * 0.0070)
      assert.near(0.032393, variance, 4 * 0.0023)
    end
  end)

  -- With limits or on the real line it is the same posterior, also where most of it is at a limit:
  -- D is 0.04 wide at 0. Deviations are those of 200 runs.
  it('with parameters as they are, and on the real line', function()
    local D = { prior = lfi.uniform(0, 1), observed = -0.2, schedule = { 0.5, 0.3, 0.1, 0.05 },
      simulator = function(key, theta) return theta + 0.1 * random.normal(key, { 1 }) end }
    for _, transform in ipairs { true, false } do
      for _, method in ipairs { 'pmc', 'smc' } do
        local r = call(pmc_of(D), { transform = transform, method = method,
          epsilon = method == 'pmc' and D.schedule or nil, min_epsilon = 0.05 })
        local mean, variance = moments(r)
        assert.near(0.03964, mean, 4 * 0.0031)
        assert.near(0.00128, variance, 4 * 0.0003)
        local x = r.parameters.accepted[1]
        assert.is_true(x:min():item() > 0 and x:max():item() < 1)
        if transform then -- weights without the slope of the map
          local w = np.exp(r.log_weights[1] + lfi.line_slope(x, 0, 1))
          assert.is_true(((w * x:ravel()):sum() / w:sum()):item() < 0.03964 - 8 * 0.0031)
        end
      end
    end
  end)

  -- Beta(1/2, 1/2): infinite at both ends, onto one of which a draw in 4000 is rounded.
  it('whose prior is infinite at its limits', function()
    local F = { prior = imnn.distributions.beta({ 0.5 }, { 0.5 }), observed = 0,
      simulator = toys.C.simulator }
    for _, o in ipairs { { epsilon = toys.C.schedule }, { method = 'smc', min_epsilon = 0.05 } } do
      local mean, variance = moments(call(pmc_of(F), o))
      assert.near(0.16551, mean, 4 * 0.0090)
      assert.near(0.03139, variance, 4 * 0.0039)
    end
  end)

  -- 5000 particles are as good as 4300 independent ones and more: 1 seed in 200 is a false alarm.
  it('in their marginals: the mean and the variance of ten numbers, three targets', function()
    local weighted, equal = mean_and_variance.distances(1)
    for t = 1, 3 do
      for _, d in ipairs(weighted[t]) do assert.is_true(d < 0.03, d) end
      assert.is_true(equal[t][2] > 0.04)
    end
  end)

  it('without weights they would not be', function()
    local sum, runs = 0, 10
    for seed = 1, runs do
      local r = call(pmc_of(toys.B), { epsilon = toys.B.schedule, key = random.PRNGKey(seed) })
      sum = sum + r.parameters.accepted[1]:mean():item()
    end
    assert.is_true(sum / runs > 0.998336 + 8 * 0.032 / math.sqrt(runs))
  end)

  it('with every kernel, acceptance and distance', function()
    for _, o in ipairs { { kernel = 'student' }, { kernel = 'uniform' }, { kernel = 'local' },
      { kernel = 'nearest' }, { acceptance = 'epanechnikov' }, { repeats = 2 },
      { distance = 'euclidean' }, { distance = 'mahalanobis', covariance = { { 1 } } } } do
      o.epsilon = toys.C.schedule
      local mean, variance = moments(call(pmc_of(toys.C), o))
      assert.near(0.2397, mean, 4 * 0.0091)
      assert.near(0.0324, variance, 4 * 0.0036)
    end
    for _, distance in ipairs { 'scaled', 'adaptive' } do -- a scale is an epsilon of another size
      local r = call(pmc_of(toys.B), { distance = distance, n_initial_points = 4000,
        max_iteration = 4 })
      local mean = moments(r)
      assert.near(0.998, mean, 4 * 0.04)
    end
  end)
end)

describe('a call', function()
  local function several()
    return lfi.PopulationMonteCarlo { target_data = np.array { { 0 }, { 0.3 } }, gridsize = 20,
      prior = toys.C.prior, simulator = toys.C.simulator, compressor = function(d) return d end }
  end

  it('shares the first generation between targets', function()
    local r = call(several(), { n_points = 100, n_initial_points = 500, max_iteration = 3,
      n_parallel_simulations = 10 }) -- at most 9 of which are in vain, by generation
    assert.equal(500, r.generations[1][1].simulations)
    assert.equal(500, r.generations[2][1].simulations)
    assert.is_true(r.simulations < r.total_draws[1] + r.total_draws[2] - 400)
    assert.same({ 3, 3 }, r.iterations)
    assert.same({ 'max_iteration', 'max_iteration' }, r.reason)
    assert.matches('simulations, stopped by max_iteration: so many generations\n', tostring(r))
    assert.same({ 100, 1 }, r.parameters.accepted[2].shape)
    assert.equal(100, r.parameters.n_accepted[1])
    local first = r.generations[1]
    for i = 2, #first do assert.is_true(first[i].epsilon < first[i - 1].epsilon) end
    assert.near(1, (r.marginals[1][1][1] * 1 / 19):sum():item(), 1e-9)
  end)

  it('gives sample sets', function()
    local r = call(several(), { n_points = 100, max_iteration = 2 })
    local set = r:samples(2)
    assert.equal(100, set.n)
    assert.near(moments(r, 2), set:mean()[1]:item(), 1e-9)
    assert.equal(r.total_draws[2], set.origin.simulations)
    assert.same({ 100, 1 }, set.summaries.shape)
  end)

  it('simulates nothing where it has stopped already', function()
    local r = pmc_of(toys.B)
    local o = { key = random.PRNGKey(1), n_points = 1000, acceptance_ratio = 0.2, progress = false }
    r(o)
    assert.equal('acceptance_ratio', r.reason[1])
    local made, bytes = r.total_draws[1], bytes_of(r)
    r { acceptance_ratio = 0.2, progress = false }
    assert.equal('acceptance_ratio', r.reason[1])
    assert.equal(made, r.total_draws[1])
    assert.equal(bytes, bytes_of(r))
  end)

  it('reads its sampler while the collector takes what nobody holds', function()
    local r = call(pmc_of(toys.B), { n_points = 30, max_iteration = 2 })
    local sampler = r.samplers[1]
    local function read()
      local p, g = sampler:particles(), sampler:generation(2)
      return { p.ess, p.epsilon, g.ess, p.parameters:totable(), p.summaries:totable(),
        p.distances:totable(), p.log_weights:totable() }
    end
    jit.off() -- compiled code does not look at hooks
    debug.sethook(function() collectgarbage() end, '', 100)
    local ok, harassed = pcall(read)
    debug.sethook()
    jit.on()
    assert.is_true(ok, harassed)
    assert.same(read(), harassed)
  end)

  it('shows names that have blanks as labels of sets', function()
    local r = lfi.PopulationMonteCarlo { target_data = np.zeros { 1 },
      prior = lfi.uniform(-2, 2, { names = { 'ln rate' } }),
      simulator = function(key, theta) return theta + random.normal(key, { 1 }) end,
      compressor = function(d) return d end }
    local set = r { key = random.PRNGKey(0), n_points = 20, max_iteration = 1 }:samples()
    assert.same({ 'ln_rate' }, set.names)
    assert.same({ 'ln rate' }, set.labels)
    assert.same({ 2 }, set.high)
  end)

  it('has the same bytes for batches of any size, threads and stops', function()
    local threads = imnn.threads()
    for _, o in ipairs { { max_iteration = 4 }, { method = 'smc', max_iteration = 5 },
      { method = 'smc', kernel = 'nearest', max_iteration = 3 },
      { distance = 'adaptive', n_initial_points = 300, max_iteration = 3, transform = false } } do
      o.n_points = 120
      local expected = bytes_of(call(several(), o))
      for _, size in ipairs { 7, 100, 1000 } do
        o.n_parallel_simulations = size
        assert.is_true(expected == bytes_of(call(several(), o)), 'batch ' .. size)
      end
      for n = 1, 3 do
        imnn.set_threads(n)
        assert.is_true(expected == bytes_of(call(several(), o)), 'threads ' .. n)
      end
      imnn.set_threads(threads)
      local iterations = o.max_iteration
      o.max_iteration = 2
      local r = call(several(), o)
      r { max_iteration = iterations - 2, acceptance_ratio = 0, progress = false }
      assert.is_true(expected == bytes_of(r), 'in two calls')
    end
  end)

  it('leaves parameters without limits alone', function()
    local o = { n_points = 100, max_iteration = 3 }
    local mapped = bytes_of(call(pmc_of(toys.B), o))
    o.transform = false
    assert.is_true(mapped == bytes_of(call(pmc_of(toys.B), o)))
  end)

  it('says what it did with limits, and goes on like that', function()
    local r = call(pmc_of(toys.C), { n_points = 50, max_iteration = 1 })
    assert.is_true(r:samples().origin.settings.transform)
    local why = message(function() r { transform = false, progress = false } end)
    assert.matches('PopulationMonteCarlo: it goes on with transform = true; replace = true begins '
      .. 'again$', why)
  end)

  it('takes premade points', function()
    local theta = random.uniform(random.PRNGKey(8), { 400, 1 })
    local s = theta + 0.3 * random.normal(random.PRNGKey(9), { 400, 1 })
    local r = call(pmc_of(toys.C), { proposed = theta, summaries = s, n_points = 100,
      max_iteration = 3 })
    assert.equal(400, r.generations[1][1].simulations)
    assert.equal(3, r.iterations[1])
    local without = lfi.PopulationMonteCarlo { target_data = np.array { 0 }, gridsize = 20,
      prior = toys.C.prior, compressor = function(d) return d end }
    call(without, { proposed = theta, summaries = s, distances = np.abs(s):reshape { 1, 400 },
      n_points = 50 })
    assert.equal(50, without.parameters.n_accepted[1])
    local nearest = np.sort(np.abs(s):ravel())[50]:item()
    assert.near(nearest, without.epsilon[1], 1e-6)
  end)

  it('stops by budgets with the last whole generation', function()
    local r = call(pmc_of(toys.B), { n_points = 200, max_simulations = 1500, min_progress = 0 })
    assert.equal('max_simulations', r.reason[1])
    assert.equal(1500, r.total_draws[1])
    assert.equal(200, r.parameters.n_accepted[1])
    assert.is_true(#r.generations[1] == r.iterations[1] + 2)
    local seconds = call(pmc_of(toys.B), { n_points = 200, max_seconds = '20ms',
      max_iteration = 10000, min_progress = 0 })
    assert.equal('max_seconds', seconds.reason[1])
    local few = call(pmc_of(toys.B), { n_points = 200, acceptance_ratio = 0.3,
      max_iteration = 100 })
    assert.equal('acceptance_ratio', few.reason[1])
    assert.equal('acceptance_ratio', few:samples().origin.reason)
    assert.matches('simulations, stopped by acceptance_ratio: fewer draws are accepted$',
      tostring(few))
  end)

  it('says how near it came where nothing is accepted', function()
    local lines = {}
    local shown = { screen = true, clock = function() return #lines end, out = {
      flush = function() end, write = function(_, ...) lines[#lines + 1] = table.concat { ... } end,
    } }
    local r = call(pmc_of(toys.B), { n_points = 200, epsilon = { 2, 1e-9 }, progress = shown,
      max_simulations = 5000 })
    local all = table.concat(lines)
    local near, made = all:match('\rgeneration 1  epsilon 1e%-09  nearest (%S+)  0 of 200  '
      .. 'acceptance 0  ESS %d+  (%d+) simulations')
    assert.truthy(near, all)
    assert.is_true(tonumber(near) > 1e-9 and tonumber(near) < 0.5 and tonumber(made) > 200, all)
    local last = r.generations[1][2]
    assert.equal(('; none of %d simulations of generation 1 came within epsilon = 1e-09, the '
      .. 'nearest had the distance %.4g'):format(last.simulations, last.nearest),
      tostring(r):match ';.*')
    assert.is_nil(r.generations[1][1].nearest)
  end)

  it('gives up soon where every proposal is outside of the prior', function()
    local steps = { low = { -10 }, high = { 10 },
      sample = function(_, key, n)
        return np.floor(random.uniform(key, n and { n, 1 } or { 1 }) * 19 - 9)
      end,
      log_prob = function(_, x)
        return np.where(np.eq(x, np.floor(x)), 0, -math.huge)[{ '...', 1 }]
      end }
    local r = pmc_of(toys.B, { prior = steps })
    local started = imnn.core.C.imnn_seconds()
    local why = message(function() call(r, { n_points = 300, max_samples = 20000 }) end)
    assert.matches('PopulationMonteCarlo: 200%d%d%d proposals in a row were outside of the prior, '
      .. 'the last one at %(', why)
    assert.is_true(imnn.core.C.imnn_seconds() - started < 5)
  end)

  it('leaves out black boxes that fail, and counts them', function()
    local sim = imnn.simulators.blackbox { workers = 2, on_failure = 'drop', shape = { 1 },
      fn = function(key, t)
        if key[1]:item() % 5 == 0 then error 'no' end
        return { t[1]:item() + 0.3 * imnn.random.normal(key):item() }
      end }
    local r = call(pmc_of(toys.C, { simulator = sim }), { n_points = 60, max_iteration = 2 })
    local again = call(pmc_of(toys.C, { simulator = sim }), { n_points = 60, max_iteration = 2,
      n_parallel_simulations = 50 })
    assert.is_true(r.generations[1][1].failed > 0)
    assert.is_true(bytes_of(r) == bytes_of(again))
    sim:close()
  end)

  it('leaves out what is no finite number where it is told to', function()
    local function holes(key, theta) -- in a seventh of the prior
      local x = theta + 0.3 * random.normal(key, { 1 })
      return np.where(np.gt(theta, 6 / 7), np.sqrt(-theta), x)
    end
    local problem = { simulator = holes, prior = lfi.uniform(0, 1) }
    assert.matches("PopulationMonteCarlo: the %a+ of a draw with the parameters %(0%.[89]%d+%) is "
      .. "not finite; look at what simulator and compressor give there, or leave such draws out "
      .. "with on_failure = 'drop'$", message(function() call(pmc_of(toys.C, problem), {}) end))
    for _, method in ipairs { 'pmc', 'smc' } do
      local o = { on_failure = 'drop', max_iteration = 3, method = method }
      local r = call(pmc_of(toys.C, problem), o)
      o.n_parallel_simulations = 70
      assert.is_true(bytes_of(r) == bytes_of(call(pmc_of(toys.C, problem), o)))
      local first = r.generations[1][1]
      assert.near(1 / 7, first.failed / first.simulations, 4 * math.sqrt(6 / 49 / 1000))
      assert.is_true(r.parameters.accepted[1]:max():item() <= 6 / 7 + 1e-7)
      assert.near(1, np.exp(r.log_weights[1]):sum():item(), 1e-12)
      local set, failed = r:samples(), 0
      for _, g in ipairs(r.generations[1]) do failed = failed + g.failed end
      assert.equal(failed, set.origin.failed)
      assert.is_true(failed <= r.failed) -- of all that were made: some were in vain
      assert.same(random.PRNGKey(3):totable(), set.origin.key:totable())
    end
    assert.matches('on_failure is "drop" or "fail" or "retry", got "skip"$',
      message(function() call(pmc_of(toys.C, problem), { on_failure = 'skip' }) end))
  end)

  it('refuses what is no distance, and no draw of the prior', function()
    local function why(o, problem)
      return (message(function() call(pmc_of(toys.C, problem), o) end):gsub('^%S+:%d+: ', ''))
    end
    local p = 'PopulationMonteCarlo: '
    local negative = { distance_measure = function(s) return -(s * s):sum() - 1 end }
    assert.matches(p .. 'the distance of a draw with the parameters %(0%.%d+%) is %-%d%.%d+; '
      .. 'distances are 0 or more$', why({}, negative))
    local theta = np.linspace(0.1, 0.9, 50, 'f64'):reshape { 50, 1 }
    local o = { proposed = theta, summaries = theta, n_points = 40 }
    o.proposed = np.where(np.eq(theta, theta[7]), 1.5, theta)
    assert.equal(p .. 'proposed are draws of the prior, but row 7, (1.5), is outside of it', why(o))
    local counts = { prior = imnn.distributions.poisson { 3 } }
    assert.equal(p .. 'the prior is of whole numbers, and particles move by other steps; '
      .. 'ApproximateBayesianComputation takes draws of it', why({}, counts))
    local function prior_of(l)
      return { prior = { low = { 0 }, high = { 1 },
        sample = function(_, key, n) return toys.C.prior:sample(key, n) * l end,
        log_prob = function(_, x) return x[{ '...', 1 }] end } }
    end
    assert.equal(p .. "the prior's draw 1 holds a number that is not finite",
      why({}, prior_of(0 / 0)))
  end)

  it('stops where there is nothing to simulate with', function()
    local theta = np.linspace(0.1, 0.9, 50, 'f64'):reshape { 50, 1 }
    local pmc = lfi.PopulationMonteCarlo { target_data = np.array { 0.3 }, prior = toys.C.prior,
      compressor = function(d) return d end }
    local r = call(pmc, { proposed = theta, summaries = theta, n_points = 20 })
    assert.same({ 'complete', 20 }, { r.reason[1], r:samples().n })
  end)

  it('has no population of simulations that all failed', function()
    local sim = imnn.simulators.blackbox { workers = 1, on_failure = 'drop', shape = { 1 },
      fn = function() error 'never' end }
    for _, method in ipairs { 'pmc', 'smc' } do
      local why = message(function()
        call(pmc_of(toys.C, { simulator = sim }), { n_points = 30, method = method })
      end)
      assert.matches('PopulationMonteCarlo: all of %d+ simulations failed$', why)
    end
    sim:close()
  end)

  it('refuses what does not fit', function()
    local pmc = pmc_of(toys.C)
    local function says(expected, o)
      local why = message(function() call(pmc, o) end)
      assert.equal(expected, (why:gsub('^%S+:%d+: ', ''):gsub('distance [%d.e-]+', 'distance d')))
    end
    local p = 'PopulationMonteCarlo: '
    says(p .. 'percentile must be between 0 and 100, got 100', { percentile = 100 })
    says(p .. 'max_acceptance is not needed: points are proposed until the population is full; '
      .. 'acceptance_ratio, max_simulations and max_seconds say when to give up',
      { max_acceptance = 10 })
    says(p .. 'percentile and alpha are the same: give one of them',
      { percentile = 10, alpha = 0.1 })
    says(p .. 'proposed and summaries belong together; summaries is missing',
      { proposed = np.zeros { 3, 1 } })
    says(p .. 'epsilon must be positive numbers that fall, got 2 as number 2',
      { epsilon = { 1, 2 } })
    says(p .. 'n_points = 1000 of them cannot be the nearest of n_initial_points = 3 draws',
      { n_initial_points = 3 })
    says(p .. 'n_points must be from 2 to 2^31 - 1, got 1099511627776', { n_points = 2 ^ 40 })
    says(p .. 'n_points must be from 2 to 2^31 - 1, got 1', { n_points = 1 })
    says(p .. 'repeats must be from 1 to 2^31 - 1, got 0', { repeats = 0 })
    says(p .. 'epsilon has nothing at place 1', { epsilon = { nil, 1 } })
    says(p .. 'unknown option "n_point"; did you mean "n_points"?', { n_point = 3 })
    says(p .. 'method is "pmc" or "smc", got "pmx"; did you mean "pmc"?', { method = 'pmx' })
    says(p .. 'acceptance_ratio is a fraction, at most 1, got 2', { acceptance_ratio = 2 })
    says(p .. 'max_seconds must be positive, got -3', { max_seconds = -3 })
    says(p .. 'n_points must be from 2 to 2^31 - 1, got 1e+300', { n_points = 1e300 })
    says(p .. 'random.split: a key has shape (2), got f32 (2)', { key = np.zeros { 2 } })
    says(p .. 'summaries holds a number that is not finite, in row 2',
      { proposed = np.zeros { 3, 1 }, summaries = np.array { { 0 }, { 0 / 0 }, { 0 } } })
    says(p .. 'none of 2000 simulations came within epsilon = 1e-09; the nearest had the distance '
      .. 'd, 0 failed', { epsilon = 1e-9, max_simulations = 2000 })
  end)
end)

-- ---- simulations that tell nothing ----

describe('a posterior that is the prior', function()
  local tail = ': they tell nothing about the parameters, and what is accepted is the prior; look '
    .. 'at compressor and simulator'
  local function nothing() return np.array { 1 } end
  local function of(compressor, o, more)
    local text, pmc = said(function()
      local all = { target_data = np.array { { 0 }, { 0 } },
        compressor = compressor }
      for name, value in pairs(more or {}) do all[name] = value end
      return call(pmc_of(toys.C, all), o)
    end)
    local lines = {}
    for i, sentence in ipairs(pmc.warnings) do
      lines[i] = 'warning: PopulationMonteCarlo: ' .. sentence .. '\n'
    end
    assert.equal(table.concat(lines), text)
    return pmc.warnings
  end
  local function of_distances(n, d)
    local head = 'all %d simulations have the same distance %g from target %d'
    return { head:format(n, d, 1) .. tail, head:format(n, d, 2) .. tail }
  end

  it('is a warning, for each target', function()
    assert.same(of_distances(2000, 0), of(nothing, { n_points = 200, n_initial_points = 2000 }))
    assert.same(of_distances(50, 0), of(nothing, { n_points = 50 }))
    assert.same(of_distances(50, 0), of(nothing, { n_points = 50, method = 'smc' }))
    assert.same(of_distances(50, 3), of(np.floor, { n_points = 50 },
      { distance_measure = function(s) return 0 * s:sum() + 3 end }))
  end)

  it('is one of summaries, where the sampler makes distances of them', function()
    for _, distance in ipairs { 'euclidean', 'scaled', 'adaptive' } do
      assert.same({ 'all 50 simulations have the same summaries' .. tail },
        of(nothing, { n_points = 50, distance = distance }))
    end
  end)

  it('is one also of draws that were made before', function()
    local theta = toys.C.prior:sample(random.PRNGKey(1), 20)
    assert.same(of_distances(20, 2), of(nothing, { n_points = 20, proposed = theta,
      summaries = np.arange(20):reshape { 20, 1 }, distances = np.full({ 2, 20 }, 2) }))
  end)

  it('is one of what could be simulated', function()
    local function now_and_then(d) return np.where(np.lt(d, 0.5), 1, 0 / 0) end
    local list = of(now_and_then, { n_points = 5000, on_failure = 'drop' })
    local n = tonumber(list[1]:match '^all (%d+) simulations')
    assert.is_true(n > 1000 and n < 5000, list[1])
    assert.same(of_distances(n, 0), list)
  end)

  it('is none where only those that came near have the same distance', function()
    assert.same({}, of(np.floor, { n_points = 20, n_initial_points = 2000, max_iteration = 1 }))
    assert.same({}, of(function(d) return d end, { n_points = 50, max_iteration = 1 }))
  end)

  it('is said again by a call that goes on from a checkpoint, of all that was simulated', function()
    local path = os.tmpname()
    local function make(n, o)
      os.remove(path)
      local all = { n_points = n, checkpoint = path, progress = false, n_parallel_simulations = 40 }
      for name, value in pairs(o or {}) do all[name] = value end
      local text, pmc = said(function()
        pcall(function() return call(pmc_of(toys.C, { compressor = nothing }), all) end)
        all.max_simulations = nil
        return call(pmc_of(toys.C, { compressor = nothing }), all)
      end)
      return #pmc.warnings, select(2, text:gsub('warning', ''))
    end
    assert.same({ 1, 2 }, { make(50) })
    assert.same({ 1, 1 }, { make(200, { max_simulations = 80 }) }) -- said when all are there
    os.remove(path)
  end)

  it('is not said where simulations differed before the run was broken off', function()
    local alike = require 'imnn.lfi.alike'
    local seen, same = alike(), np.ones({ 10 }, 'f64')
    seen:add(np.arange(10):astype 'f64')
    local on = alike(seen:record())
    on:add(same)
    assert.is_nil(on:sentence())
    local fresh = alike(alike():record())
    fresh:add(same)
    assert.matches('all 10 simulations have the same summaries', fresh:sentence())
  end)

  it('is said once, not by the calls that go on', function()
    local text, pmc = said(function()
      local pmc = pmc_of(toys.C, { compressor = nothing })
      call(pmc, { n_points = 50 })
      return pmc { progress = false }
    end)
    assert.equal(1, select(2, text:gsub('warning', '')))
    assert.equal(1, #pmc.warnings)
  end)
end)
