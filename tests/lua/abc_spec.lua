--- Approximate Bayesian computation beyond its first call: the nearest of a budget, kernels,
-- budgets, failures, sample sets, and stores on disk.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local said = require 'tests.support.said'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random

local function refuses(words, fn)
  local why = message(fn)
  assert.matches('^tests/lua/abc_spec.lua:%d+: ', why)
  assert.equal(words, why:match ':%d+: (.*)$')
end

-- Mean and variance of ten numbers (spec of the reference's documentation, section 8).
local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end
local function compress(d) return np.stack { np.mean(d), np.var(d) } end

local function example(T, more)
  local key = random.split(random.PRNGKey(2), 3)[3]
  local truth = np.array { { -1, 5 }, { 8, 0.5 }, { 2, 3 } }
  local d = truth[{ {}, 1 }]:reshape { 3, 1 }
    + np.sqrt(truth[{ {}, 2 }]):reshape { 3, 1 } * random.normal(key, { 3, 10 })
  local v, F = np.var(d, { axis = 2 }):totable(), {}
  for t = 1, T do F[t] = { { 10 / v[t], 0 }, { 0, 5 / v[t] ^ 2 } } end
  local opts = {
    target_data = d[{ { 1, T } }], prior = lfi.uniform({ -10, 0 }, { 10, 10 }, { names = { 'μ',
      'Σ' } }), simulator = simulator, compressor = compress, F = np.array(F), gridsize = 20,
  }
  for name, value in pairs(more or {}) do opts[name] = value end
  return lfi.ApproximateBayesianComputation(opts)
end

local key = random.PRNGKey(1)

local function same(a, b) assert.is_true(np.array_equal(a, b)) end

-- Everything that was accepted is the same.
local function same_results(a, b)
  assert.same(a.parameters.n_accepted, b.parameters.n_accepted)
  for t = 1, a.n_targets do
    for _, name in ipairs { 'parameters', 'summaries', 'distances' } do
      same(a[name].accepted[t], b[name].accepted[t])
    end
  end
end

describe('ABC', function()
  -- Fractions by 4 million other draws; 4 standard deviations of the difference, with a fixed key:
  -- 1 key in 5000 would fail for one of three targets.
  it('accepts the fractions of the documentation', function()
    local r = example(3) { epsilon = 1, key = key, n_samples = 100000, min_accepted = 1000,
      max_iterations = 100, progress = false }
    assert.is_true(r.iterations >= 15 and r.iterations <= 17, tostring(r.iterations))
    local n = r.draws
    for t, p in ipairs { 0.025696, 0.000632, 0.006683 } do
      local sd = math.sqrt(p * (1 / n + 1 / 4e6))
      assert.near(p, r.parameters.n_accepted[t] / n, 4 * sd)
    end
    assert.equal('min_accepted', r.stopped)
  end)

  it('refuses negative distances', function()
    local abc = example(1, { distance_measure = function(s) return s:sum() * 0 - 2 end })
    assert.matches('the distance of a draw with the parameters %(.*%) is %-2; distances are 0 or '
      .. 'more$', message(function() abc { key = key, n_samples = 100, epsilon = 1 } end))
  end)

  it('accepts the nearest fraction of all draws, in the order they were drawn', function()
    local abc = example(2)
    local r = abc { key = key, n_samples = 5000, quantile = 0.01 }
    assert.same({ 50, 50 }, r.parameters.n_accepted)
    for t = 1, 2 do
      local d = r.distances.all[t]
      local order = np.sort(np.argsort(d)[{ { 1, 50 } }])
      same(np.take(r.parameters.all, order, 1), r.parameters.accepted[t])
      assert.is_true(r.parameters.epsilon[t] > r.distances.accepted[t]:max():item())
      assert.is_true(r.parameters.epsilon[t] <= np.sort(d)[51]:item())
      assert.equal(4950, #r.parameters.rejected[t])
    end
    -- of a budget, in batches; more of it among those that are stored
    abc { key = random.PRNGKey(2), n_samples = 2000, max_simulations = 9000, quantile = 0.01,
      progress = false }
    assert.same({ 13000, 130, 'max_simulations', 4 },
      { abc.draws, abc.parameters.n_accepted[1], abc.stopped, abc.iterations })
    abc { quantile = 1 }
    assert.same({ 13000, 13000 }, abc.parameters.n_accepted)
    -- equal distances go together
    local ties = lfi.ApproximateBayesianComputation { target_data = { 0 },
      prior = lfi.uniform(0, 4), compressor = function(d) return d end }
    ties { parameters = { { 1 }, { 2 }, { 3 }, { 3.5 } }, quantile = 0.25,
      summaries = { { 1 }, { 1 }, { 1 }, { 2 } } }
    assert.same({ 3 }, ties.parameters.n_accepted)
    refuses('ApproximateBayesianComputation: give epsilon or quantile, not both',
      function() abc { epsilon = 1, quantile = 0.1 } end)
    refuses('ApproximateBayesianComputation: quantile is a fraction of the draws, above 0 and at '
      .. 'most 1, got 10', function() abc { quantile = 10 } end)
    local lean = example(1)
    lean { epsilon = 2, key = key, n_samples = 5000 }
    assert.matches('the nearest 0.9 of 5000 draws are 4500, but only %d+ are there',
      message(function() lean { quantile = 0.9 } end))
  end)

  it('weighs by smooth kernels', function()
    local plain = example(2) { key = key, n_samples = 20000, epsilon = 2, keep_rejected = true }
    assert.is_nil(plain.log_weights)
    local abc = example(2) { key = key, n_samples = 20000, epsilon = { 2, 3 },
      kernel = 'epanechnikov' }
    local u = abc.distances.accepted[2]:astype 'f64' / 3
    assert.is_true(np.allclose(np.exp(abc.log_weights[2]), 1 - u * u, { rtol = 1e-12 }))
    local set = abc:samples(2)
    assert.is_true(np.allclose(set.weights, (1 - u * u) / (1 - u * u):sum(), { rtol = 1e-10 }))
    assert.equal(abc.parameters.n_accepted[2], set.n)
    -- marginals have the weights, too
    local mean = (abc.marginals[1][1][2] * np.array(abc.ranges[1], 'f64')):sum()
      / abc.marginals[1][1][2]:sum()
    assert.near(set:mean()[1]:item(), mean:item(), 0.3)
    local wide = example(2) { key = key, n_samples = 20000, epsilon = 0.5, kernel = 'gaussian' }
    same(plain.parameters.accepted[1], wide.parameters.accepted[1]) -- up to 4 epsilon
    local v = plain.distances.accepted[1]:astype 'f64' / 0.5
    assert.is_true(np.allclose(wide.log_weights[1], -0.5 * v * v, { rtol = 1e-12 }))
    refuses('ApproximateBayesianComputation: kernel is "epanechnikov" or "gaussian" or "uniform", '
      .. 'got "gausian"; did you mean "gaussian"?',
      function() abc { epsilon = 1, kernel = 'gausian' } end)
  end)

  it('gives sample sets that say where they come from', function()
    local abc = example(2)
    refuses('samples: nothing is accepted yet', function() abc:samples() end)
    abc { key = key, n_samples = 20000, epsilon = { 2, 1e-6 } }
    local set = abc:samples(1)
    assert.same({ { 'μ', 'Σ' }, { -10, 0 }, { 10, 10 } }, { set.names, set.low, set.high })
    same(abc.summaries.accepted[1], set.summaries)
    assert.same({ 'ApproximateBayesianComputation', 20000, 2, 'uniform' }, { set.origin.method,
      set.origin.simulations, set.origin.settings.epsilon, set.origin.settings.kernel })
    assert.matches('samples: target 2: none of 20000 draws is closer than epsilon = 1e%-06$',
      message(function() abc:samples(2) end))
    local none = example(1) { key = key, n_samples = 100, epsilon = 1e-6 } -- and no other target
    assert.equal('ApproximateBayesianComputation: accepted 0 of 100 draws, epsilon 1e-06',
      tostring(none))
    assert.same({ { 0, 2 }, 0 }, { none.parameters.accepted[1].shape,
      none.parameters.n_accepted[1] })
    local adjusted = lfi.regression_adjust(set, abc.target_summaries[1], { quiet = true })
    assert.same(set.names, adjusted.names)
    assert.is_true(adjusted.parameters[{ {}, 2 }]:min():item() >= 0)
  end)

  it('keeps within budgets', function()
    local abc = example(1)
    abc { epsilon = 1e-3, key = key, n_samples = 100, min_accepted = 10, max_simulations = 1050,
      progress = false }
    assert.same({ 1000, 10, 'max_simulations' }, { abc.draws, abc.iterations, abc.stopped })
    abc { epsilon = 1e-3, key = key, n_samples = 100, min_accepted = 10, max_seconds = 0.2,
      progress = false, replace = true }
    assert.equal('max_seconds', abc.stopped)
    abc { epsilon = 1e-3, key = key, n_samples = 100, min_accepted = 10, progress = false,
      replace = true }
    assert.same({ 1000, 'max_iterations' }, { abc.draws, abc.stopped })
    refuses('ApproximateBayesianComputation: a batch of n_samples = 100 is more than '
      .. 'max_simulations = 50', function() abc { key = key, n_samples = 100,
        max_simulations = 50 } end)
    refuses('ApproximateBayesianComputation: max_seconds is about new draws; give key and '
      .. 'n_samples', function() abc { epsilon = 1, max_seconds = 3 } end)
    refuses('ApproximateBayesianComputation: max_seconds must be positive, got -1',
      function() abc { key = key, n_samples = 10, max_seconds = -1 } end)
  end)

  it('leaves out what fails, and counts it', function()
    local function half(_, theta) return np.sqrt(theta) end -- not a number below 0
    local abc = lfi.ApproximateBayesianComputation { target_data = { 0.5 },
      prior = lfi.uniform(-1, 1), simulator = half, compressor = function(d) return d end }
    for _, epsilon in ipairs { 0.1, false } do
      abc { key = key, n_samples = 1000, epsilon = epsilon or nil, on_failure = 'drop',
        replace = true }
      local below = np.sum(np.lt(abc.prior:sample(random.split(key)[1], 1000), 0)
        :astype 'i32'):item()
      assert.same({ 1000, below }, { abc.draws, abc.failed })
      assert.is_true(abc.parameters.all:min():item() >= 0)
    end
    local box = imnn.simulators.blackbox { workers = 1, shape = { 1 }, on_failure = 'drop',
      fn = function(_, t)
        if t[1]:item() < 0 then error 'no' end
        return { t[1]:item() }
      end }
    abc = lfi.ApproximateBayesianComputation { target_data = np.array { 0.5 },
      prior = lfi.uniform(-1, 1), simulator = box, compressor = function(d) return d end }
    abc { key = key, n_samples = 50, epsilon = 0.2, progress = false }
    assert.is_true(abc.failed > 5 and abc.failed < 45)
    assert.equal(50, abc.draws)
    assert.matches('simulation 1 of 50 raised an error: .*no', message(function()
      abc { key = key, n_samples = 50, on_failure = 'fail', progress = false }
    end))
    box:close()
  end)

  -- What the reference did wrong; the numbers are those of its specification.
  it('joins distances of batches by draws (8), and counts anew with another epsilon (9)', function()
    local abc = example(3)
    abc { key = random.PRNGKey(1), n_samples = 300, epsilon = 30, keep_rejected = true }
    local first, before = abc.distances.all, abc.parameters.n_accepted[2]
    abc { key = random.PRNGKey(2), n_samples = 500 }
    assert.same({ 3, 800 }, abc.distances.all.shape)
    same(first, abc.distances.all[{ {}, { 1, 300 } }])
    local want = before + 5 -- which were enough, were they those of epsilon = 10
    abc { key = random.PRNGKey(3), n_samples = 500, epsilon = 10, min_accepted = want,
      max_iterations = 200, progress = false }
    assert.is_true(abc.iterations > 0)
    assert.is_true(math.min(unpack(abc.parameters.n_accepted)) >= want)
    assert.equal(np.sum(np.lt(abc.distances.all[1], 10):astype 'i32'):item(),
      abc.parameters.n_accepted[1])
  end)

  it('takes room for what it keeps, not for all that it might (10)', function()
    local abc = example(1) { key = key, n_samples = 1000, epsilon = 3, min_accepted = 5,
      max_iterations = 1e9, progress = false }
    assert.is_true(abc.iterations < 10)
  end)

  it('has as many levels as are asked for, on the coarsest grids (22)', function()
    local levels = lfi.get_levels({ 0, 1, 0 }, { 0.1, 0.5, 0.68, 0.95 })
    assert.equal(4, #levels)
    for i = 2, 4 do assert.is_true(levels[i] > levels[i - 1]) end
  end)

  it('works with one parameter', function()
    local abc = lfi.ApproximateBayesianComputation { target_data = np.array { 1 },
      prior = imnn.distributions.normal(0, 1), simulator = function(k, theta)
        return theta + random.normal(k, { 1 }) end, compressor = function(d) return d end }
    abc { key = key, n_samples = 20000, epsilon = 0.2 }
    local set = abc:samples()
    local n = set.n -- posterior mean 1/2, variance 1/2 (and a little of epsilon); 5 sigma
    assert.near(0.5, set:mean():item(), 5 * math.sqrt(0.5 / n) + 0.01)
    assert.equal(-math.huge, set.low[1])
  end)
end)

describe('ABC whose simulations tell nothing', function()
  local function of(compressor, o, more)
    local all = { target_data = np.array { { 1 }, { 2 } }, prior = lfi.uniform(0, 4),
      simulator = function(k, theta) return theta + random.normal(k, { 1 }) end,
      compressor = compressor }
    for name, value in pairs(more or {}) do all[name] = value end
    local text, abc = said(function()
      local abc = lfi.ApproximateBayesianComputation(all)
      o.progress = false
      return abc(o)
    end)
    assert.equal(#abc.warnings, select(2, text:gsub('warning: ApproximateBayesianComputation: ',
      '')))
    return abc.warnings, abc
  end
  local function nothing() return np.array { 1 } end
  local function sentences(n)
    local list = {}
    for t = 1, 2 do
      list[t] = ('all %d simulations have the same distance 0 from target %d: they tell nothing '
        .. 'about the parameters, and what is accepted is the prior; look at compressor and '
        .. 'simulator'):format(n, t)
    end
    return list
  end

  it('warns', function()
    for n, o in pairs { [9000] = {}, [500] = { epsilon = 0.1 },
      [600] = { epsilon = 0.1, max_simulations = 1200 } } do
      o.key, o.n_samples = key, n
      assert.same(sentences(o.max_simulations or n), (of(nothing, o)))
    end
    assert.same(sentences(20), (of(nothing, { parameters = np.ones { 20, 1 },
      summaries = np.ones { 20, 1 } })))
  end)

  it('has them all among the nearest', function()
    for _, kernel in ipairs { 'uniform', 'gaussian' } do
      local _, abc = of(nothing, { key = key, n_samples = 500, quantile = 0.1, kernel = kernel })
      assert.same({ 500, 500 }, abc.parameters.n_accepted)
      assert.equal(500, #abc:samples())
    end
  end)

  it('warns of a store that has them, too', function()
    local path = os.tmpname()
    os.remove(path)
    for _ = 1, 2 do
      assert.same(sentences(500), (of(nothing, { key = key, n_samples = 500, epsilon = 1 },
        { store = path })))
    end
    os.remove(path)
  end)

  it('is silent where simulations differ, though none of the accepted ones does', function()
    local _, abc = of(np.floor, { key = key, n_samples = 500, epsilon = 0.5 })
    assert.same({}, abc.warnings)
    assert.equal(0, abc.distances.accepted[1]:max():item())
    _, abc = of(np.floor, { key = key, n_samples = 500, epsilon = 0.5, keep_rejected = true })
    assert.same({}, abc.warnings)
  end)
end)

-- A path where nothing is.
local function file(ending)
  local name = os.tmpname()
  os.remove(name)
  return name .. ending
end

local function bytes(path)
  local f = assert(io.open(path, 'rb'))
  local all = f:read '*a'
  f:close()
  return all
end

describe('ABC with a store on disk', function()
  local options = { epsilon = 2, key = key, n_samples = 1000, min_accepted = 100, progress = false }

  it('gives the same as in memory, a row for each draw', function()
    local path = file '.h5'
    local a, b = example(2)(options), example(2, { store = path })(options)
    same_results(a, b)
    assert.same({ a.draws, a.iterations, a.stopped }, { b.draws, b.iterations, b.stopped })
    same(a.parameters.all, b.parameters.all)
    same(a.distances.all, b.distances.all)
    same(a.distances.rejected[2], b.distances.rejected[2])
    local f = imnn.data.hdf5.open(path)
    assert.same({ b.parameters.size, 2 }, f:describe('parameters').shape)
    same(f.summaries, a.summaries.all)
    f:close()
    -- one more run, and premade ones
    b { key = random.PRNGKey(5), n_samples = 500, epsilon = 1 }
    a { key = random.PRNGKey(5), n_samples = 500, epsilon = 1 }
    same_results(a, b)
    a { parameters = { { 0, 1 } }, summaries = { { 0, 1 } }, epsilon = 1 }
    b { parameters = { { 0, 1 } }, summaries = { { 0, 1 } }, epsilon = 1 }
    same_results(a, b)
    assert.equal(a.parameters.size, b.parameters.size)
    os.remove(path)
  end)

  it('goes on where it was broken off, to the same bytes', function()
    local whole, broken = file '.h5', file '.h5'
    local expected = example(2, { store = whole })(options)
    local few = {}
    for name, value in pairs(options) do few[name] = value end
    for _, batches in ipairs { 1, 3, 4 } do
      few.max_iterations = batches
      assert.equal(batches, example(2, { store = broken })(few).iterations)
    end
    local got = example(2, { store = broken })(options)
    same_results(expected, got)
    assert.is_true(bytes(whole) == bytes(broken))
    -- all is there: nothing more is drawn
    local again = example(2, { store = broken, simulator = simulator })(options)
    assert.equal(expected.draws, again.draws)
    os.remove(whole)
    os.remove(broken)
  end)

  -- A script that makes so many batches of 200 draws.
  local function endless(script, batches, more)
    local f = io.open(script, 'w')
    f:write(([[
      local imnn = require 'imnn'
      local np, random, lfi = imnn.np, imnn.random, imnn.lfi
      lfi.ApproximateBayesianComputation {
        target_data = np.array { 1, 2, 3 }, prior = lfi.uniform(0, 4), store = arg[1],
        simulator = function(key, theta) return theta + random.normal(key, { 3 }) end,
        compressor = function(d) return d:mean():reshape { 1 } end,
      } { key = random.PRNGKey(3), n_samples = 200, max_simulations = 200 * %d,
        max_seconds = '1h', %s }
    ]]):format(batches, more or 'progress = false'))
    f:close()
  end
  local program = os.getenv 'IMNN_PROGRAM' or 'imnn'

  it('ends between two batches when SIGTERM or SIGUSR1 come, with exit code 75', function()
    local path, script, err = file '.h5', file '.lua', file '.txt'
    local line = ('ApproximateBayesianComputation: asked to end: store %s is written; the same '
      .. 'call goes on from there\n'):format(path)
    for signal, more in pairs { TERM = 'progress = true', USR1 = 'progress = false' } do
      endless(script, 1e7, more) -- the second one goes on with the same store
      local status = os.execute(("sh -c '%s %s %s 2>%s & sleep 1.5; kill -%s $!; wait $!; "
        .. "[ $? -eq 75 ]'"):format(program, script, path, err, signal))
      assert.is_true(status == 0 or status == true, signal)
      assert.equal(more == 'progress = true' and line or '', bytes(err))
      local h = imnn.data.hdf5.open(path)
      assert.is_true(h.state[1]:item() >= 200)
      assert.equal(0, h.state[1]:item() % 200)
      h:close()
    end
    for _, name in ipairs { path, script, err } do os.remove(name) end
  end)

  it('survives a kill at any moment', function()
    local whole, killed, script = file '.h5', file '.h5', file '.lua'
    endless(script, 3000)
    local function run(path, seconds)
      local command = ('%s %s %s >/dev/null 2>&1'):format(program, script, path)
      if not seconds then return os.execute(command) end
      os.execute(('(%s & p=$!; sleep %g; kill -9 $p; wait $p) 2>/dev/null'):format(command,
        seconds))
    end
    assert.equal(0, run(whole))
    local rows = {}
    for i = 1, 10 do
      run(killed, 0.05 + 0.02 * i)
      if imnn.core.C.imnn_path_kind(killed) ~= 0 then
        local h = imnn.data.hdf5.open(killed)
        rows[#rows + 1] = h.state[1]:item()
        h:close()
      end
    end
    assert.equal(0, run(killed))
    assert.is_true(bytes(whole) == bytes(killed), table.concat(rows, ' '))
    for i = 2, #rows do assert.is_true(rows[i] >= rows[i - 1]) end
    for _, path in ipairs { whole, killed, script } do os.remove(path) end
  end)

  it('refuses what is another run, or no store', function()
    local path = file '.h5'
    example(2, { store = path })(options)
    local function refused(words, T, more)
      more.store = path
      refuses('ApproximateBayesianComputation: ' .. words, function() example(T, more) end)
    end
    local with = ' was made with other %s; give another name, or remove it'
    refused('store ' .. path .. with:format 'targets', 1, {})
    refused('store ' .. path .. with:format 'prior', 2,
      { prior = lfi.uniform({ -10, 0 }, { 10, 11 }) })
    refused('store ' .. path .. with:format 'simulator or compressor', 2,
      { simulator = function(k, theta) return 2 * simulator(k, theta) end })
    imnn.data.hdf5.create(path, function(f) f:write('x', np.zeros(3)) end)
    refused(path .. ' is no store of simulations; give another name', 2, {})
    os.remove(path)
  end)

  it('forgets what is there when asked to', function()
    local path = file '.h5'
    local abc = example(2, { store = path })(options)
    options.replace = true
    local again = abc(options)
    options.replace = nil
    same_results(example(2)(options), again)
    os.remove(path)
  end)
end)
