--- The Gaussian approximation: draws, sample sets, networks, what it warns of.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local network = require 'tests.support.world_of_examples'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local distributions = imnn.distributions

local function refuses(words, fn)
  local why = message(fn)
  assert.matches('^tests/lua/gaussian_spec.lua:%d+: ', why)
  assert.equal(words, why:match ':%d+: (.*)$')
end

local function of(m, V, prior, more)
  local opts = { parameter_estimates = m, invF = V, prior = prior, gridsize = 60, quiet = true }
  for name, value in pairs(more or {}) do opts[name] = value end
  return lfi.GaussianApproximation(opts)
end

-- Mean and variance of each parameter by the density, on a grid: trapezoids.
local function moments(g, low, high)
  local mean, var, n = {}, {}, 501
  local w = np.ones({ n }, 'f64'):at({ 1 }):set(0.5):at({ n }):set(0.5)
  for p = 1, g.n_params do
    local ranges = { { low[1], high[1] }, { low[2], high[2] } }
    ranges[p] = np.linspace(low[p], high[p], n, 'f64')
    local f = w * g:get_marginals({ ranges = ranges })[p][p][1]
    f = f / f:sum()
    mean[p] = (f * ranges[p]):sum():item()
    var[p] = (f * (ranges[p] - mean[p]) ^ 2):sum():item()
  end
  return mean, var
end

local tilted = { { 0.3, 0.2 }, { 0.2, 0.5 } }
local wide = lfi.uniform({ -3, 0 }, { 3, 8 })

describe('GaussianApproximation', function()
  -- 10000 draws; 5 standard errors of means and variances, 6e-7 of false alarms for each.
  for name, case in pairs {
    ['inside of a box'] = { { 0.5, 4 }, tilted, wide },
    ['at the edge of a box'] = { { 2.9, -0.4 }, tilted, wide },
    ['far outside of a box'] = { { 0, -4 }, tilted, wide },
    ['narrow in a wide prior'] = { { 0.5, 4 }, { { 3e-4, 2e-4 }, { 2e-4, 5e-4 } }, wide },
    ['wider than a normal prior'] = { { 0.5, 0.4 }, tilted, lfi.normal({ 0, 1 }, { 0.05, 0.02 }) },
    ['with a prior of mixed kinds'] = { { 0.5, 0.4 }, tilted,
      lfi.independent { lfi.normal(0, 1), distributions.exponential(0, 0.5) } },
    ['with a prior that a user wrote'] = { { 0.5, 0.4 }, tilted, { low = { -1, 0 }, high = { 1, 2 },
      log_prob = function(_, x) return -x:sum { axis = -1 } end } },
  } do
    it('draws ' .. name, function()
      local g = of(unpack(case))
      local n = 10000
      local x = g:sample(random.PRNGKey(5), n)
      assert.same({ n, 2 }, x.shape)
      local low, high = {}, {}
      for p, a in ipairs(x:min({ axis = 1 }):totable()) do
        local s = g.prior.support or g.prior
        local sd = x[{ {}, p }]:std():item()
        low[p], high[p] = math.max(s.low[p], a - sd), math.min(s.high[p],
          x[{ {}, p }]:max():item() + sd)
        assert.is_true(a >= s.low[p])
      end
      local mean, var = moments(g, low, high)
      for p = 1, 2 do
        local y = x[{ {}, p }]
        assert.near(mean[p], y:mean():item(), 5 * math.sqrt(var[p] / n))
        local fourth = ((y - mean[p]) ^ 4):mean():item()
        assert.near(var[p], y:var():item(), 5 * math.sqrt(fourth / n))
      end
    end)
  end

  it('gives the same draws for the same key, and more of them when asked for more', function()
    local g = of({ 0.5, 0.4 }, tilted, wide)
    local key = random.PRNGKey(1)
    local many = g:sample(key, 30000)
    assert.is_true(np.array_equal(many, g:sample(key, 30000)))
    assert.is_true(np.array_equal(many[{ { 1, 100 } }], g:sample(key, 100)))
    assert.same(many[1]:totable(), g:sample(key):totable())
    assert.not_same(many[1]:totable(), g:sample(random.PRNGKey(2)):totable())
  end)

  it('gives sample sets, with names, limits and where they come from', function()
    local prior = lfi.uniform({ -3, 0 }, { 3, 8 }, { names = { 'Ω m', 'h' } })
    local g = of({ { 0.5, 4 }, { 1, 5 } }, tilted, prior)
    local set = g:samples(2, { n = 500, key = random.PRNGKey(3) })
    assert.same({ { 'Ω_m', 'h' }, { 'Ω m', 'h' }, { -3, 0 }, { 3, 8 }, 500 },
      { set.names, set.labels, set.low, set.high, set.n })
    assert.same(g:log_prob(set.parameters, 2):totable(), set.log_prob:totable())
    assert.same({ 'GaussianApproximation', 2, 0 },
      { set.origin.method, set.origin.target, set.origin.simulations })
    assert.near(g.log_evidence[2]:item(), (set:log_evidence()), 1e-12)
    assert.equal(10000, g:samples().n)
    -- a normal prior ends nowhere
    assert.equal(-math.huge, of({ 0, 1 }, tilted, lfi.normal({ 0, 0 }, 1)):samples().low[1])
  end)

  it('takes a network and data', function()
    local net = network.new().net
    local d = random.normal(random.PRNGKey(0), { 3, 10 })
    local g = lfi.GaussianApproximation { net = net, target_data = d, gridsize = 10, quiet = true,
      prior = lfi.uniform({ -100, -100 }, { 100, 100 }) }
    assert.same({ net:get_estimate(d):totable(), 3 },
      { g.parameter_estimates:astype('f32'):totable(), g.n_targets })
    assert.same(net.theta_fid:totable(), g.fiducial:totable())
    assert.near(net.invF[{ 2, 1 }]:item(), g.invF[{ 3, 2, 1 }]:item(), 1e-5)
    local one = lfi.GaussianApproximation { net = net, target_data = d[1], gridsize = 10,
      quiet = true, prior = lfi.uniform({ -100, -100 }, { 100, 100 }) }
    assert.equal(1, one.n_targets)
    local function new(words, opts)
      opts.prior = wide
      refuses('GaussianApproximation: ' .. words, function() lfi.GaussianApproximation(opts) end)
    end
    new('target_data is missing: what the network is to estimate from', { net = net })
    new('give net and target_data, or parameter_estimates and invF',
      { net = net, target_data = d, invF = tilted })
    new('give net and target_data, or parameter_estimates and invF', { target_data = d })
    new('invF is missing (or give net and target_data)', { parameter_estimates = { 1, 2 } })
    new('net must be a network with get_estimate, got table', { net = {}, target_data = d })
    new('fiducial must be 2 finite numbers, one for each parameter',
      { parameter_estimates = { 1, 2 }, invF = tilted, fiducial = { 1, 2, 3 } })
  end)

  it('warns near limits and far from the fiducial parameters', function()
    local g = of({ { 0, 4 }, { 2.5, 4 }, { 0, -0.5 } }, { { 0.25, 0 }, { 0, 0.25 } }, wide,
      { fiducial = { 0, 3 } })
    assert.same({
      'target 2: the estimate of parameter 1, 2.5, lies 1.0 standard deviations from the limit 3 '
        .. 'of the prior; near a limit a normal density is a poor approximation',
      'target 3: the estimate of parameter 2, -0.5, lies 1.0 standard deviations outside of the '
        .. 'limit 0 of the prior; the posterior is a tail of the normal density',
      'target 2: the estimate lies 5.4 standard deviations (by the Fisher information) from the '
        .. 'fiducial parameters, where the summaries are best; train again nearer to it, or let '
        .. 'simulations decide (ApproximateBayesianComputation)',
      'target 3: the estimate lies 7.0 standard deviations (by the Fisher information) from the '
        .. 'fiducial parameters, where the summaries are best; train again nearer to it, or let '
        .. 'simulations decide (ApproximateBayesianComputation)',
    }, g.warnings)
    -- no limits, no warnings
    assert.same({}, of({ 0, 1 }, tilted, lfi.normal({ 0, 0 }, 1)).warnings)
  end)

  -- Defects 3 and 24 of the reference.
  it('has corner plots whose densities begin at 0, also of one parameter', function()
    for P = 1, 3 do
      local g = lfi.GaussianApproximation { parameter_estimates = { unpack({ 5, 50, 7 }, 1, P) },
        invF = 0.1 * np.eye(P), quiet = true, gridsize = 30,
        prior = lfi.uniform({ unpack({ 0, 40, 0 }, 1, P) }, { unpack({ 9, 60, 9 }, 1, P) }) }
      local script = tostring(g:marginal_plot {})
      local found = select(2, script:gsub('set yrange %[0:1%.%d+%]', ''))
      assert.equal(P, found)
    end
  end)

  it('has a budget of candidates', function()
    local g = of({ 0.5, 0.4 }, tilted, { low = { -1, 0 }, high = { 1, 2 },
      log_prob = function(_, x) return -1e4 * ((x - 0.5) ^ 2):sum { axis = -1 } end })
    local why = message(function() g:sample(random.PRNGKey(0), 1000, 1,
      { max_candidates = 20000 }) end)
    assert.matches('sample: target 1: only %d+ of 24576 candidates are draws of the posterior, '
      .. '1000 are wanted; normal density and prior hardly overlap; give a larger max_candidates, '
      .. 'or look at the prior$', why)
    refuses('samples: sample: 1e+09 draws cannot be had of 1e+07 candidates; give a larger '
      .. 'max_candidates', function() g:samples(1, { n = 1e9 }) return end)
    refuses('sample: n must be positive, got 0', function() g:sample(random.PRNGKey(0), 0) end)
    refuses('sample: target: there is only one target, 1, got 2',
      function() g:sample(random.PRNGKey(0), 5, 2) end)
  end)
end)
