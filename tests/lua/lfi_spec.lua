--- Priors, posteriors on grids, the Gaussian approximation and ABC: what they promise in words.
local imnn = require 'imnn'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi
local message = require 'tests.support.message'

local function refuses(words, fn)
  local why = message(fn)
  assert.matches('^tests/lua/lfi_spec.lua:%d+: ', why)
  assert.equal(words, why:match ':%d+: (.*)$')
end

local function normal_log_density(x, m, s)
  return -0.5 * ((x - m) / s) ^ 2 - math.log(s) - 0.5 * math.log(2 * math.pi)
end

describe('priors', function()
  local box, bell = lfi.uniform({ -1, 0 }, { 1, 4 }), lfi.normal({ 0, 2 }, { 1, 0.5 })
  local both = lfi.independent { lfi.uniform(0, 2), bell }

  it('have limits, shapes and densities', function()
    assert.same({ { -1, 0 }, { 1, 4 }, { 2 } }, { box.low, box.high, box.event_shape })
    assert.same({ { -5, -0.5 }, { 5, 4.5 } }, { bell.low, bell.high })
    assert.same({ { 0, -5, -0.5 }, { 2, 5, 4.5 } }, { both.low, both.high })
    local theta = np.array({ { { 0, 1 }, { 1, 4 } }, { { 1.5, 1 }, { 0, -1 } } }, 'f64')
    assert.same({ { 0.125, 0.125 }, { 0, 0 } }, box:prob(theta):astype('f32'):totable())
    local at = bell:log_prob(np.array({ { 0.5, 1 } }, 'f64')):totable()
    assert.near(normal_log_density(0.5, 0, 1) + normal_log_density(1, 2, 0.5), at[1], 1e-14)
    local three = both:log_prob(np.array({ 1.5, 0.5, 1 }, 'f64')):item()
    assert.near(at[1] + math.log(0.5), three, 1e-14)
    assert.equal(-math.huge, both:log_prob(np.array { 3, 0, 0 }):item())
  end)

  -- 20 000 draws: means within 5 standard errors, 6e-7 of false alarms for each of 6 numbers.
  it('draw from their densities', function()
    local key, n = random.PRNGKey(3), 20000
    for _, case in ipairs {
      { box, { 0, 2 }, { 2 / 12 ^ 0.5, 4 / 12 ^ 0.5 } }, { bell, { 0, 2 }, { 1, 0.5 } },
      { both, { 1, 0, 2 }, { 2 / 12 ^ 0.5, 1, 0.5 } },
    } do
      local p, mean, deviation = unpack(case)
      assert.same({ p.n_params }, p:sample(key).shape)
      local x = p:sample(key, n)
      assert.same({ n, p.n_params }, x.shape)
      for i, m in ipairs(np.mean(x, { axis = 1 }):totable()) do
        assert.near(mean[i], m, 5 * deviation[i] / n ^ 0.5)
      end
    end
  end)

  it('refuse what makes no sense', function()
    refuses('distributions.uniform: needs high > low, got high = 0', function()
      lfi.uniform({ 0, 1 }, { 1, 0 })
    end)
    refuses('distributions.uniform: the parameters do not broadcast, (2) and (3)', function()
      lfi.uniform({ 0, 1 }, { 1, 2, 3 })
    end)
    refuses('distributions.normal: needs scale > 0, got scale = -1', function()
      lfi.normal(0, -1)
    end)
    refuses('distributions.uniform: high must be a finite number, got inf', function()
      lfi.uniform(0, math.huge)
    end)
    refuses('distributions.independent: entry 2 is no distribution { sample, log_prob, low, high }',
      function() lfi.independent { box, {} } end)
    refuses('distributions.uniform.log_prob: events have the shape (2), got (3)', function()
      box:log_prob { 1, 2, 3 }
    end)
  end)
end)

describe('a posterior on a grid', function()
  it('takes densities, and tells targets', function()
    local exact = lfi.LikelihoodFreeInference { prior = lfi.uniform({ 0, 0 }, { 1, 2 }),
      gridsize = { 3, 5 } }
    assert.same({ { 0, 0.5, 1 }, { 0, 0.5, 1, 1.5, 2 } }, exact.ranges)
    assert.is_nil(exact:put_marginals())
    local m = exact:put_marginals(np.ones { 1, 3, 5 })
    assert.near(1, (m[1][1]:sum() * 0.5):item(), 1e-12)
    assert.same({ { 1, 3, 5 }, { 1, 5 } }, { m[2][1].shape, m[2][2].shape })
    assert.same({ 1 }, exact:target_choice())
    refuses('target_choice: target: there is only one target, 1, got 2', function()
      exact:target_choice(2)
    end)
    refuses('put_marginals: the grid is (T, 3, 5), got (1, 5, 3)', function()
      exact:put_marginals(np.ones { 1, 5, 3 })
    end)
    refuses('put_marginals: target 1: the densities add up to 0; where logarithms are far below 0, '
      .. 'subtract their maximum before np.exp', function()
      exact:put_marginals(np.zeros { 1, 3, 5 })
    end)
    refuses('LikelihoodFreeInference: gridsize has 3 values, the prior has 2 parameters',
      function()
        lfi.LikelihoodFreeInference { prior = lfi.uniform({ 0, 0 }, { 1, 2 }),
          gridsize = { 3, 5, 7 } }
      end)
    refuses('LikelihoodFreeInference: gridsize must be whole numbers from 2 to 10000, got '
      .. '1000000000', function()
        lfi.LikelihoodFreeInference { prior = lfi.uniform(0, 1), gridsize = 1e9 }
      end)
    refuses('LikelihoodFreeInference: the prior has no limit "high"', function()
      lfi.LikelihoodFreeInference { prior = { low = { 1 } } }
    end)
    refuses('get_levels: a level is a fraction between 0 and 1, got 68', function()
      lfi.get_levels(m[1][1][1], { 68 })
    end)
  end)
end)

describe('GaussianApproximation', function()
  local prior = lfi.uniform({ -3, 0 }, { 3, 8 })

  it('takes numbers, lists and Arrays', function()
    local g = lfi.GaussianApproximation { parameter_estimates = { { 0, 2 }, { 1, 3 } },
      invF = { { 0.1, 0 }, { 0, 0.2 } }, prior = prior, gridsize = 20 }
    assert.same({ 2, { 2, 20 }, { 2, 20, 20 } },
      { g.n_targets, g.marginals[1][1].shape, g.marginals[2][1].shape })
    local one = lfi.GaussianApproximation { parameter_estimates = 0.5, invF = 0.1,
      prior = lfi.uniform(0, 1), gridsize = 11, quiet = true }
    assert.same({ 1, 11 }, one.marginals[1][1].shape)
  end)

  it('has a density that integrates to 1 with the prior', function()
    for _, p in ipairs { prior, lfi.normal({ 0, 1 }, { 2, 1 }) } do
      local g = lfi.GaussianApproximation { parameter_estimates = { 0.5, 0.4 },
        invF = { { 0.3, 0.1 }, { 0.1, 0.5 } }, prior = p, gridsize = 5, quiet = true }
      local n = 400
      local a, b = np.linspace(-6, 6, n, 'f64'), np.linspace(-6, 8, n, 'f64')
      local x = np.stack({ np.broadcast_to(a:reshape { n, 1 }, { n, n }),
        np.broadcast_to(b:reshape { 1, n }, { n, n }) }, -1)
      local sum = np.exp(g:log_prob(x)):sum():item() * 12 / (n - 1) * 14 / (n - 1)
      assert.near(1, sum, p == prior and 0.02 or 1e-6) -- a step of the box cuts through cells
    end
  end)

  it('gives other marginals on request', function()
    local g = lfi.GaussianApproximation { parameter_estimates = { 0, 2 },
      invF = { { 0.1, 0 }, { 0, 0.2 } }, prior = prior }
    local m = g:get_marginals { ranges = { np.linspace(-1, 1, 7), np.linspace(1, 3, 5) } }
    assert.same({ 1, 7, 5 }, m[2][1].shape)
    assert.same({ 1, 30 }, g:get_marginals({ gridsize = 30 })[1][1].shape)
    refuses('get_marginals: ranges[1] must rise in equal steps, as np.linspace gives them',
      function() g:get_marginals { ranges = { { 1, 2, 4 }, { 1, 2 } } } end)
  end)

  it('refuses what makes no sense', function()
    local function with(estimates, invF)
      return function()
        lfi.GaussianApproximation { parameter_estimates = estimates, invF = invF, prior = prior }
      end
    end
    local unit = { { 1, 0 }, { 0, 1 } }
    refuses('GaussianApproximation: parameter_estimates must be (2) or (T, 2), got (3)',
      with({ 1, 2, 3 }, unit))
    refuses('GaussianApproximation: invF must be (2, 2) or (1, 2, 2), got (3, 3)',
      with({ 1, 2 }, np.eye(3)))
    refuses('GaussianApproximation: invF of target 1 is not symmetric and positive definite',
      with({ 1, 2 }, { { 1, 2 }, { 2, 1 } }))
    refuses('GaussianApproximation: the estimate of target 2 is not finite',
      with({ { 1, 2 }, { 0, 0 / 0 } }, unit))
    refuses('GaussianApproximation: target 1: no density is left: the estimate lies too far '
      .. 'outside the prior; check the target, or use with_prior = false', with({ 90, 2 }, unit))
  end)
end)

-- Mean and variance of ten numbers: spec of the reference's documentation, section 8.
local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end
local function compress(d) return np.stack { np.mean(d), np.var(d) } end

local function example(T)
  local key = random.split(random.PRNGKey(2), 3)[3]
  local truth = np.array { { -1, 5 }, { 8, 0.5 }, { 2, 3 } }
  local d = truth[{ {}, 1 }]:reshape { 3, 1 }
    + np.sqrt(truth[{ {}, 2 }]):reshape { 3, 1 } * random.normal(key, { 3, 10 })
  local v, F = np.var(d, { axis = 2 }):totable(), {}
  for t = 1, T do F[t] = { { 10 / v[t], 0 }, { 0, 5 / v[t] ^ 2 } } end
  return lfi.ApproximateBayesianComputation {
    target_data = d[{ { 1, T } }], prior = lfi.uniform({ -10, 0 }, { 10, 10 }),
    simulator = simulator, compressor = compress, F = np.array(F), gridsize = 20,
  }
end

describe('ABC', function()
  it('measures distances', function()
    local F = np.array { { 2, 0.5 }, { 0.5, 3 } }
    assert.near(2, lfi.distance(np.array { 1, 2 }, np.array { 0.5, 1 }, F):item(), 1e-6)
    assert.equal(5, lfi.distance(np.array { 3, 4 }, np.array { 0, 0 }):item())
  end)

  it('compresses the targets of the documentation', function()
    local s = example(3).target_summaries:totable()
    local expected = { { -0.95406663, 7.982314 }, { 8.011085, 0.34187225 },
      { 1.7216978, 1.6701807 } }
    for t = 1, 3 do
      for p = 1, 2 do assert.near(expected[t][p], s[t][p], 2e-6 * math.abs(s[t][p])) end
    end
  end)

  -- Fractions of 4 million independent draws; 4 binomial standard deviations, of which the smaller
  -- sample has most: 6e-5 of false alarms for each of 3 numbers.
  it('accepts the fractions of the documentation', function()
    local n = 1000000
    local r = example(3) { epsilon = 1, key = random.PRNGKey(11), n_samples = n }
    for t, f in ipairs { 0.025696, 0.000632, 0.006683 } do
      assert.near(f * n, r.parameters.n_accepted[t], 4 * (f * n * (1 + n / 4e6)) ^ 0.5)
    end
    assert.equal(n, r.draws)
    assert.is_true(r.parameters.size < 0.04 * n)
  end)

  it('goes on until every target has enough', function()
    local abc = example(2)
    local options = { epsilon = 1, key = random.PRNGKey(5), n_samples = 50000, min_accepted = 100,
      max_iterations = 100, smoothing = 1 }
    local r = abc(options)
    assert.is_true(math.min(unpack(r.parameters.n_accepted)) >= 100)
    assert.equal(r.iterations * 50000, r.draws)
    assert.is_true(r.iterations > 1 and r.iterations < 8) -- 3.2 expected
    local draws = r.draws
    abc(options) -- there are enough
    assert.same({ 0, draws }, { abc.iterations, abc.draws })
    local few = example(2) { epsilon = 0.5, key = random.PRNGKey(5), n_samples = 1000,
      min_accepted = 10, max_iterations = 2 }
    assert.equal(2, few.iterations)
  end)

  it('keeps every draw without epsilon, and accepts later', function()
    local abc = example(3)
    local r = abc { key = random.PRNGKey(1), n_samples = 30000 }
    assert.is_nil(r.parameters.accepted)
    assert.same({ { 30000, 2 }, { 30000, 2 }, { 3, 30000 }, 30000 },
      { r.parameters.all.shape, r.summaries.all.shape, r.distances.all.shape, r.summaries.size })
    abc { epsilon = { 2, 30, 5 } }
    assert.same({ 2, 30, 5 }, r.distances['ϵ'])
    for t, bound in ipairs(r.distances.epsilon) do
      local count = np.lt(r.distances.all[t], bound):sum():item()
      assert.equal(count, r.parameters.n_accepted[t])
      assert.same({ { count, 2 }, { count, 2 }, { count } }, { r.parameters.accepted[t].shape,
        r.summaries.accepted[t].shape, r.distances.accepted[t].shape })
      assert.equal(30000 - count, #r.parameters.rejected[t])
    end
    abc { key = random.PRNGKey(2), n_samples = 1000 }
    assert.equal(31000, abc.parameters.size)
    abc { key = random.PRNGKey(2), n_samples = 1000, replace = true }
    assert.same({ 1000, 1000 }, { abc.parameters.size, abc.draws })
  end)

  it('gives the same accepted draws with and without the rejected ones', function()
    local options = { epsilon = 3, key = random.PRNGKey(4), n_samples = 40000 }
    local lean = example(3)(options)
    options.keep_rejected = true
    local full = example(3)(options)
    assert.is_true(lean.parameters.size < full.parameters.size)
    for t = 1, 3 do
      assert.same(full.parameters.accepted[t]:totable(), lean.parameters.accepted[t]:totable())
    end
    refuses('ApproximateBayesianComputation: draws farther than epsilon = 3 were not kept, so '
      .. 'epsilon = 4 cannot be answered; draw again with keep_rejected = true',
      function() lean { epsilon = 4 } end)
    lean { epsilon = 2 }
    full { epsilon = 2 }
    assert.same(full.parameters.n_accepted, lean.parameters.n_accepted)
  end)

  it('measures with a distance of the user', function()
    local abc = lfi.ApproximateBayesianComputation {
      target_data = np.array { 1, 2, 3 }, prior = lfi.uniform(0, 4),
      compressor = function(d) return np.stack { np.mean(d), np.max(d) } end,
      distance_measure = function(s, target) return np.abs(s - target):max() end,
    }
    local r = abc { parameters = { { 1 }, { 2 } }, summaries = { { 2, 3 }, { 2.5, 3.25 } } }
    assert.same({ { 0, 0.5 } }, r.distances.all:totable())
    abc { epsilon = 0.1 }
    assert.same({ { 1 } }, r.parameters.accepted[1]:totable())
    refuses('ApproximateBayesianComputation: there is no simulator; give parameters and summaries',
      function() abc { key = random.PRNGKey(0), n_samples = 10 } end)
    refuses('ApproximateBayesianComputation: parameters must be (n, 1) and summaries (n, 2), '
      .. 'got (1, 2) and (1, 2)',
      function() abc { parameters = { { 1, 2 } }, summaries = { { 1, 2 } } } end)
  end)

  it('names what is not finite, and keeps what was there', function()
    local abc = lfi.ApproximateBayesianComputation {
      target_data = { 1 }, prior = lfi.uniform(-1, 1),
      simulator = function(_, theta) return np.sqrt(theta) end,
      compressor = function(d) return d end,
    }
    local why = message(function() abc { epsilon = 1, key = random.PRNGKey(0), n_samples = 99 } end)
    assert.matches('the distance of a draw with the parameters %(%-0%.%d+%) is not finite; look at '
      .. 'what simulator and compressor give there, or leave such draws out with '
      .. "on_failure = 'drop'$", why)
    assert.equal(0, abc.parameters.size)
  end)

  it('refuses what makes no sense', function()
    local abc, key = example(2), random.PRNGKey(0)
    local function call(words, options)
      refuses('ApproximateBayesianComputation: ' .. words, function() abc(options) end)
    end
    call('nothing is stored yet; give key and n_samples, or parameters and summaries',
      { epsilon = 1 })
    call('key and n_samples belong together; n_samples is missing', { key = key })
    call('parameters and summaries belong together; parameters is missing',
      { summaries = np.ones { 1, 2 } })
    call('min_accepted needs epsilon, key and n_samples',
      { key = key, n_samples = 1, min_accepted = 1 })
    call('n_samples must be positive, got 0', { key = key, n_samples = 0 })
    call('epsilon must be positive, got -1', { key = key, n_samples = 1, epsilon = -1 })
    call('epsilon has 3 values for 2 targets',
      { key = key, n_samples = 1, epsilon = { 1, 2, 3 } })
    call('unknown option "n_sample"; did you mean "n_samples"?', { key = key, n_sample = 1 })
    local function new(words, options)
      options.prior = options.prior or lfi.uniform({ -10, 0 }, { 10, 10 })
      refuses('ApproximateBayesianComputation: ' .. words,
        function() lfi.ApproximateBayesianComputation(options) end)
    end
    new('F needs summaries that estimate the parameters: there are 1 summaries and 2 parameters; '
      .. 'give distance_measure instead', { target_data = np.ones { 10 }, F = np.eye(2),
      compressor = function(d) return np.mean(d):reshape { 1 } end })
    new('F of target 1 is not symmetric and positive definite', { target_data = np.ones { 10 },
      compressor = compress, F = np.zeros { 2, 2 } })
    new('a datum has shape (10), target_data holds (9)', { target_data = np.ones { 9 },
      simulator = simulator, compressor = compress })
    new('the compressor must give a vector for one datum, got shape ()', {
      target_data = np.ones { 10 }, compressor = function(d) return np.mean(d) end })
    new('target_data holds a number that is not finite, in datum 2',
      { target_data = { { 1, 2 }, { 3, 0 / 0 } }, compressor = compress })
    new('compressor must be a function of one datum or a network with get_estimate',
      { target_data = { 1 }, compressor = {} })
    refuses('get_marginals: nothing is accepted yet; give epsilon first',
      function() abc:get_marginals() end)
  end)
end)
