--- Mixtures of normal vectors: densities, draws, parts and limits agree with each other; as the
-- head of a network they learn.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local stats = require 'tests.support.statistics'
local np, random, stax, distributions = imnn.np, imnn.random, imnn.stax, imnn.distributions

local FALSE_ALARM, SIGMA = 1e-4, 3.9 -- 1 seed in 10^4 for each number that is compared

local function double(x) return np.array(x, 'f64') end

-- A mixture of K vectors of D components, all of whose numbers are random.
local function random_mixture(seed, K, D, opts)
  local keys = random.split(random.PRNGKey(seed), 4)
  local raw = random.normal(keys[3], { K, D, D }, 'f64')
  local on = np.exp(0.5 * random.normal(keys[4], { K, D, 1 }, 'f64'))
  return distributions.normal_mixture(random.normal(keys[1], { K }, 'f64'),
    2 * random.normal(keys[2], { K, D }, 'f64'), np.tril(raw, -1) + on * np.eye(D, D, 0, 'f64'),
    opts)
end

local function worst(a, b) return np.abs(a - b):max():item() end

-- log N(x; mean, cov), of one normal vector.
local function normal_at(x, mean, cov)
  return distributions.multivariate_normal(mean, cov):log_prob(x)
end

local function sizes()
  local list, i = { { 1, 1 }, { 4, 1 }, { 1, 3 }, { 3, 2 }, { 2, 5 } }, 0
  return function()
    i = i + 1
    if list[i] then return i, list[i][1], list[i][2] end
  end
end

describe('a mixture of normal vectors', function()
  for seed, K, D in sizes() do
    local q = random_mixture(seed, K, D)
    local parts = q:components()
    local name = ('%d of %d components: '):format(K, D)

    it(name .. 'its density is that of its parts', function()
      local x = 2 * random.normal(random.PRNGKey(10), { 7, D }, 'f64')
      local list = {}
      for k = 1, K do
        list[k] = np.log(parts.weights[k]) + normal_at(x, parts.mean[k], parts.cov[k])
      end
      local expected = np.stack(list, -1)
      assert.is_true(worst(expected, q:component_log_prob(x)) < 1e-10)
      assert.is_true(worst(np.logsumexp(expected, { axis = -1 }), q:log_prob(x)) < 1e-10)
      assert.same({ 7 }, q:log_prob(x).shape)
      assert.same({}, q:prob(x[1]).shape)
      local L = parts.precision_factor
      local unit = np.matmul(parts.cov, np.matmul(L, np.swapaxes(L, 2, 3)))
      assert.is_true(worst(unit, np.eye(D)) < 1e-10)
    end)

    it(name .. 'made of covariances it is the same', function()
      local again = distributions.normal_mixture(np.log(parts.weights), parts.mean,
        { cov = parts.cov })
      assert.is_true(worst(parts.precision_factor, again:components().precision_factor) < 1e-11)
      assert.is_true(worst(q:cov(), again:cov()) < 1e-10)
    end)

    it(name .. 'draws have its mean and covariance', function()
      local N = 20000
      local x = q:sample(random.PRNGKey(20 + seed), N)
      assert.same({ { N, D }, 'f64' }, { x.shape, x.dtype })
      local away = x - q:mean()
      for i = 1, D do
        local sd = math.sqrt(q:var()[i]:item() / N)
        assert.is_true(math.abs(away[{ {}, i }]:mean():item()) < SIGMA * sd)
        for j = 1, i do
          local product = away[{ {}, i }] * away[{ {}, j }]
          local error = math.abs(product:mean():item() - q:cov()[{ i, j }]:item())
          assert.is_true(error < SIGMA * product:std():item() / math.sqrt(N))
        end
      end
    end)

    it(name .. 'plots end where next to nothing is left', function()
      for i = 1, D do
        local m = q:marginal(i)
        for p, limits in pairs { [2.8665e-7] = q, [9.4795e-18] = q.support } do
          assert.near(p, m:cdf(double { limits.low[i] }):item(), 1e-3 * p)
          local up = m.each.sf(double { limits.high[i] }):item()
          assert.near(p, up, 1e-3 * p)
        end
      end
    end)
  end

  it('integrates to 1', function()
    local q, n = random_mixture(4, 3, 2), 401
    local sides, cell = {}, 1
    for i = 1, 2 do -- 5 deviations of the parts that reach furthest
      local low, high = q.low[i], q.high[i]
      sides[i], cell = np.linspace(low, high, n):astype 'f64', cell * (high - low) / (n - 1)
    end
    local grid = np.stack({ np.broadcast_to(np.expand_dims(sides[1], 2), { n, n }),
      np.broadcast_to(sides[2], { n, n }) }, -1)
    assert.near(1, (q:prob(grid):sum() * cell):item(), 3e-6)
    local one = random_mixture(2, 4, 1)
    local x = np.linspace(-15, 15, 6001):astype('f64'):reshape(-1, 1)
    assert.near(1, (one:prob(x):sum() * (30 / 6000)):item(), 1e-9)
  end)

  it('of one normal vector is that vector', function()
    local mean, cov = { 1, -1, 0 }, { { 1, 0.5, 0.1 }, { 0.5, 2, 0 }, { 0.1, 0, 3 } }
    local names = { names = { 'a', 'b', 'c' } }
    local p = distributions.multivariate_normal(mean, cov, names)
    local q = distributions.normal_mixture({ 0 }, { mean }, { cov = { cov }, names = names.names })
    local x = double { { 0, 1, 2 }, { 1, -1, 0 } }
    assert.is_true(worst(p:log_prob(x), q:log_prob(x)) < 1e-12)
    for i = 1, 3 do assert.near(p.low[i], q.low[i], 1e-6) end
    for _, way in ipairs {
      function(d) return d:marginal { 'c', 1 } end,
      function(d) return d:condition({ -1, 'a' }, double { 0.5, 2 }) end,
      function(d) return d:condition(2, 0.5) end,
      function(d) return d:condition({ 2 }, double { 0.5 }):marginal 'c' end,
    } do
      local a, b = way(p), way(q)
      assert.same(a.names, b.names)
      assert.is_true(worst(a:mean(), b:mean()) < 1e-6)
      assert.is_true(worst(a:cov(), b:cov()) < 1e-6)
      local y = double { { 0.3, 1 }, { -2, 1 } }[{ {}, { 1, a.event_shape[1] } }]
      assert.is_true(worst(a:log_prob(y), b:log_prob(y)) < 1e-12)
    end
  end)

  it('parts of vectors agree with whole ones', function()
    local q = random_mixture(6, 3, 4, { names = { 'a', 'b', 'c', 'd' },
      labels = { 'α', 'β', 'γ', 'δ' } })
    local x = q:sample(random.PRNGKey(1), 20)
    for _, given in ipairs { { 1 }, { 4, 2 }, { 3, 1, 2 }, { 2, 3 } } do
      local others, is = {}, {}
      for _, k in ipairs(given) do is[k] = true end
      for k = 1, 4 do others[#others + 1] = not is[k] and k or nil end
      local m = q:marginal(given)
      local b, a = np.take(x, np.array(given, 'i32'), 2), np.take(x, np.array(others, 'i32'), 2)
      local rest = imnn.vmap(function(v, u) return q:condition(given, v):log_prob(u) end)(b, a)
      assert.is_true(worst(q:log_prob(x), m:log_prob(b) + rest) < 1e-10)
      local back = np.take(np.take(q:cov(), np.array(given, 'i32'), 1), np.array(given, 'i32'), 2)
      assert.is_true(worst(back, m:cov()) < 1e-10)
      assert.same(#others, #q:condition(given, b[1]).names)
      assert.equal(q.names[given[1]], m.names[1])
      assert.equal(q.labels[given[1]], m.labels[1])
    end
    local whole = q:marginal { 4, 3, 2, 1 }
    assert.is_true(worst(q:log_prob(x), whole:log_prob(np.flip(x, 2))) < 1e-10)
  end)

  it('of single numbers has probabilities and quantiles', function()
    local q = random_mixture(2, 4, 1)
    local x = q:sample(random.PRNGKey(3), 4000)
    local p = q:cdf(x)
    assert.same({ 4000 }, p.shape)
    assert.is_true(stats.kolmogorov(p:values(), function(u) return u end) > FALSE_ALARM)
    local u = double { { 1e-9 }, { 0.2 }, { 0.5 }, { 0.999 } }
    assert.is_true(worst(q:cdf(q:quantile(u)) / u[{ {}, 1 }], 1) < 1e-9)
    local slope = imnn.vmap(imnn.grad(function(v) return q:cdf(v) end))(x[{ { 1, 9 } }])
    assert.is_true(worst(slope[{ {}, 1 }] / q:prob(x[{ { 1, 9 } }]), 1) < 1e-10)
    local cut = distributions.truncated(q, { -1 }, { 2 })
    assert.near(1, cut:cdf({ 2 }):item(), 1e-6)
    local pair = distributions.normal_mixture({ 0, 0 }, { { 0, 1 }, { 1, 0 } },
      { cov = { { { 1, 0 }, { 0, 1 } }, { { 1, 0 }, { 0, 1 } } } })
    assert.matches('has no cdf that is known', message(function() pair:cdf { 0, 0 } end))
  end)

  it('far out: finite logarithms and derivatives, and -inf at infinity', function()
    local q = random_mixture(4, 3, 2)
    for _, dtype in ipairs { 'f32', 'f64' } do
      local x = np.array({ { 1e4, -1e4 }, { -1e8, 3 } }, dtype)
      local y, slope = q:log_prob(x), imnn.vmap(imnn.grad(function(v) return q:log_prob(v) end))(x)
      assert.is_true(np.all(np.isfinite(y)):item() and np.all(np.isfinite(slope)):item())
      local edge = q:log_prob(np.array({ { math.huge, 0 }, { 0, -math.huge } }, dtype))
      assert.same({ -math.huge, -math.huge }, edge:totable())
      assert.is_true(np.isnan(q:log_prob(np.array({ 0 / 0, 1 }, dtype))):item())
    end
    local slopes = imnn.grad(function(means)
      local cov = double { { { 1 } }, { { 4 } } }
      return distributions.normal_mixture({ 0, 0 }, means, { cov = cov }):log_prob { 1e6 }
    end)(double { { -1 }, { 1 } })
    assert.near(0, slopes[{ 1, 1 }]:item(), 1e-12) -- the wider one has all of it
    assert.near((1e6 - 1) / 4, slopes[{ 2, 1 }]:item(), 1e-6)
  end)

  it('may have parts of weight 0', function()
    local q = distributions.normal_mixture({ 0, -math.huge }, { { 0 }, { 9 } },
      double { { { 1 } }, { { 1 } } })
    local one = distributions.normal({ 0 }, 1)
    local x = double { { 0 }, { 9 } }
    assert.is_true(worst(one:log_prob(x), q:log_prob(x)) < 1e-12)
    assert.same({ 0, 1 }, { q:mean():item(), q:var():item() })
    assert.is_true(q:sample(random.PRNGKey(1), 500):max():item() < 5)
    local slope = imnn.grad(function(a)
      return distributions.normal_mixture(a, double { { 0 }, { 9 } },
        double { { { 1 } }, { { 1 } } }):log_prob { 1 }
    end)(double { 0, -math.huge })
    assert.same({ 0, 0 }, slope:totable())
  end)

  it('has exact derivatives, of second order, too', function()
    local q = random_mixture(4, 3, 2)
    local parts, x = q:components(), double { 0.7, -0.3 }
    local p = { np.log(parts.weights), parts.mean, parts.precision_factor }
    local function f(i, t, direction)
      local all = { unpack(p) }
      all[i] = p[i] + t * direction
      local d = distributions.normal_mixture(unpack(all))
      return d:log_prob(x) + d:condition(2, 0.4):log_prob { 1 } + d:marginal(1):cdf { 0.2 }
        + d:mean():sum() + np.log(d:cov()[{ 1, 1 }])
    end
    for i = 1, 3 do
      local direction = random.normal(random.PRNGKey(i), p[i].shape, 'f64')
      local function g(t) return f(i, t, direction) end
      local zero, h = double(0), 1e-4
      local slope = imnn.grad(g)(zero):item()
      local function at(t) return g(double(t)):item() end
      assert.near((8 * (at(h) - at(-h)) - at(2 * h) + at(-2 * h)) / (12 * h), slope, 1e-8)
      local bend = imnn.grad(imnn.grad(g))(zero):item()
      local function slope_at(t) return imnn.grad(g)(double(t)):item() end
      assert.near((slope_at(h) - slope_at(-h)) / (2 * h), bend, 1e-5)
    end
  end)

  it('is the same in jit and vmap, draws included', function()
    local logits = random.normal(random.PRNGKey(1), { 6, 3 })
    local means = random.normal(random.PRNGKey(2), { 6, 3, 2 })
    local L = np.tril(random.normal(random.PRNGKey(3), { 6, 3, 2, 2 }), -1) + 1.5 * np.eye(2)
    local keys = random.split(random.PRNGKey(4), 6)
    local function one(key, a, m, l)
      local d = distributions.normal_mixture(a, m, l)
      local x = d:sample(key, 5)
      return x, d:log_prob(x), d:condition(1, x[{ 1, 1 }]):mean(), d:marginal(2):var()
    end
    local all = { imnn.jit(imnn.vmap(one))(keys, logits, means, L) }
    for i = 1, 6 do
      for n, y in ipairs { one(keys[i], logits[i], means[i], L[i]) } do
        assert.is_true(worst(y, all[n][i]) < 1e-4)
      end
    end
  end)

  it('draws move with means and factors', function()
    local key, means = random.PRNGKey(7), double { { 0, 0 }, { 3, 1 } }
    local L = double { { { 2, 0 }, { 0, 2 } }, { { 1, 0 }, { 0, 4 } } }
    local function first(m, l)
      return distributions.normal_mixture({ 0, 0 }, m, l):sample(key, 100):sum { axis = 1 }
    end
    local slope = imnn.jacfwd(function(m) return first(m, L) end)(means)
    local counts = slope[{ 1, {}, 1 }]
    assert.near(100, counts:sum():item(), 1e-9)
    assert.is_true(worst(counts, slope[{ 2, {}, 2 }]) == 0)
    assert.is_true(np.all(np.gt(counts, 25)):item())
    -- x = mean + z / l
    local z = first(means, L) - (counts[2] * means[2] + counts[1] * means[1])
    local by_l = imnn.jacfwd(function(s) return first(means, s * L) end)(double(1))
    assert.is_true(worst(-z, by_l) < 1e-10)
  end)
end)

describe('the head of a mixture density network', function()
  it('has the outputs in the order that it says', function()
    local K, D = 2, 3
    local y = random.normal(random.PRNGKey(1), { K * (1 + D + D * (D + 1) / 2) }, 'f64')
    local d = distributions.mixture_density(y, K, D, { names = { 'a', 'b', 'c' } })
    local parts = d:components()
    assert.is_true(worst(np.exp(y[{ { 1, K } }]) / np.exp(y[{ { 1, K } }]):sum(),
      parts.weights) < 1e-12)
    assert.is_true(worst(y[{ { K + 1, K + K * D } }]:reshape { K, D }, parts.mean) == 0)
    local n = K + K * D
    for k = 1, K do
      for i = 1, D do
        for j = 1, D do
          n = j <= i and n + 1 or n
          local want = j > i and 0 or y[n]:item()
          if j == i then want = math.exp(10 * math.tanh(want / 10)) end
          assert.near(want, parts.precision_factor[{ k, i, j }]:item(), 1e-12)
        end
      end
    end
    assert.same({ 'a', 'b', 'c' }, d.names)
  end)

  it('keeps widths within e^-10 .. e^10', function()
    for _, l in ipairs { -1e6, 1e6 } do
      local d = distributions.mixture_density(double { 0, 0, l }, 1, 1)
      assert.near(-l / 1e5, math.log(d:std():item()), 1e-9)
      local slope = imnn.grad(function(y)
        return distributions.mixture_density(y, 1, 1):log_prob { 0.1 }
      end)(double { 0, 0, l })
      assert.is_true(np.all(np.isfinite(slope)):item())
    end
  end)

  it('in an ensemble is one of the parts of a mixture', function()
    local a, members = double { 0.2, 0.5, 0.3 }, {}
    local logits, means, factors = {}, {}, {}
    for k = 1, 3 do
      local y = random.normal(random.PRNGKey(k), { 12 }, 'f64')
      members[k] = distributions.mixture_density(y, 2, 2)
      local parts = members[k]:components()
      logits[k] = np.log(a[k]) + np.log(parts.weights)
      means[k], factors[k] = parts.mean, parts.precision_factor
    end
    local ensemble = distributions.mixture(a, members)
    local whole = distributions.normal_mixture(np.concatenate(logits), np.concatenate(means),
      np.concatenate(factors))
    local x = ensemble:sample(random.PRNGKey(9), 50)
    local each = {}
    for k = 1, 3 do each[k] = np.log(a[k]) + members[k]:log_prob(x) end
    local expected = np.logsumexp(np.stack(each), { axis = 1 })
    assert.is_true(worst(expected, ensemble:log_prob(x)) < 1e-12)
    assert.is_true(worst(expected, whole:log_prob(x)) < 1e-11)
    assert.is_true(worst(whole:mean(), ensemble:mean()) < 1e-6)
    assert.is_true(worst(whole:cov(), ensemble:cov()) < 1e-5)
    assert.is_true(ensemble.low[1] <= whole.low[1] and ensemble.high[2] >= whole.high[2])
  end)

  -- theta^2 is measured: the posterior has two sides. A single normal vector cannot do better than
  -- the logarithm of its width, some 1.2 here.
  it('learns', function()
    local K, D, N = 3, 1, 256
    local keys = random.split(random.PRNGKey(5), 3)
    local theta = random.normal(keys[1], { N, D })
    local x = theta * theta + 0.1 * random.normal(keys[2], { N, D })
    local net = stax.serial(stax.Dense(16), stax.Tanh, stax.Dense(K * (1 + D + D * (D + 1) / 2)))
    local _, w = net.init(keys[3], { 1 })
    local function loss(v)
      return -imnn.vmap(function(context, parameter)
        return distributions.mixture_density(net.apply(v, context), K, D):log_prob(parameter)
      end)(x, theta):mean()
    end
    local optimiser = imnn.optimizers.adam(2e-2)
    local step = imnn.jit(function(i, state)
      local value, slope = imnn.value_and_grad(loss)(optimiser.get_params(state))
      return value, optimiser.update(i, slope, state)
    end)
    local state, first, last = optimiser.init(w), nil, nil
    for i = 0, 199 do
      last, state = step(i, state)
      first = first or last:item()
    end
    assert.is_true(first > 1)
    assert.is_true(last:item() < 0.6, last:item())
    local d = distributions.mixture_density(net.apply(optimiser.get_params(state),
      np.array { 1 }), K, D)
    local p = d:prob(np.array { { -1 }, { 0 }, { 1 } })
    assert.is_true(p[1]:item() > 5 * p[2]:item() and p[3]:item() > 5 * p[2]:item())
  end)
end)

describe('errors of mixtures of normal vectors', function()
  local d = distributions
  local means, L = { { 0, 1 }, { 2, 3 } }, { { { 1, 0 }, { 0, 1 } }, { { 1, 0 }, { 0, 1 } } }
  local function pair(opts) return d.normal_mixture({ 0, 0 }, means, L, opts) end
  for what, fn in pairs {
    ['normal_mixture: logits must be of shape (K), got (1, 2)'] =
      function() d.normal_mixture({ { 0, 0 } }, means, L) end,
    ['normal_mixture: logits must be below infinity, and not all -inf'] =
      function() d.normal_mixture({ -math.huge, -math.huge }, means, L) end,
    ['normal_mixture: logits[2] must be a number, got nan'] =
      function() d.normal_mixture({ 0, 0 / 0 }, means, L) end,
    ['normal_mixture: means must be of shape (3, D), for 3 logits, got (2, 2)'] =
      function() d.normal_mixture({ 0, 0, 0 }, means, L) end,
    ['normal_mixture: precision_factor must be of shape (2, 2, 2), got (2, 2)'] =
      function() d.normal_mixture({ 0, 0 }, means, L[1]) end,
    ['normal_mixture: cov must be of shape (2, 2, 2), got (2, 2)'] =
      function() d.normal_mixture({ 0, 0 }, means, { cov = L[1] }) end,
    ['normal_mixture: needs either precision_factor or cov'] =
      function() d.normal_mixture({ 0, 0 }, means) end,
    ['normal_mixture: the diagonal of precision_factor must be positive, got -1'] =
      function() d.normal_mixture({ 0 }, { { 0 } }, { { { -1 } } }) end,
    ['normal_mixture: unknown option "nmes"; did you mean "names"?'] =
      function() pair { nmes = { 'a', 'b' } } end,
    ['normal_mixture: names needs 2 texts, got 1'] = function() pair { names = { 'a' } } end,
    ['normal_mixture.marginal: there is no component 3 of 2'] = function() pair():marginal(3) end,
    ['normal_mixture.marginal: there is no component "b" of 2'] =
      function() pair { names = { 'x', 'y' } }:marginal { 'x', 'b' } end,
    ['normal_mixture.marginal: component 2 is asked for twice'] =
      function() pair():marginal { 2, -1 } end,
    ['normal_mixture.marginal: needs a number or a list of components, got none'] =
      function() pair():marginal {} end,
    ['normal_mixture.condition: leaves no component'] =
      function() pair():condition({ 1, 2 }, { 0, 0 }) end,
    ['normal_mixture.condition: needs values of shape (1), got (2)'] =
      function() pair():condition(1, { 0, 0 }) end,
    ['normal_mixture.condition: values must be a finite number, got nan'] =
      function() pair():condition(1, 0 / 0) end,
    ['normal_mixture.log_prob: events have the shape (2), got (3)'] =
      function() pair():log_prob { 1, 2, 3 } end,
    ['normal_mixture.component_log_prob: events have the shape (2), got ()'] =
      function() pair():component_log_prob(1) end,
    ['gamma: has no marginal; normal vectors have, and mixtures of them '
      .. '(distributions.normal_mixture)'] = function() d.gamma(2):marginal(1) end,
    ['multivariate_normal: has no components; mixtures of normal vectors have '
      .. '(distributions.normal_mixture)'] =
      function() d.multivariate_normal({ 0, 0 }, np.eye(2)):components() end,
    ['mixture_density: 2 components of 3 parameters are made of (20) outputs, got (19)'] =
      function() d.mixture_density(np.zeros { 19 }, 2, 3) end,
    ['mixture_density: 1 components of 1 parameters are made of (3) outputs, got (7, 3); map over '
      .. 'contexts with imnn.vmap'] = function() d.mixture_density(np.zeros { 7, 3 }, 1, 1) end,
    ['mixture_density: n_components and n_params must be positive, got 0 and 1'] =
      function() d.mixture_density(np.zeros { 3 }, 0, 1) end,
    ['mixture_density: n_params must be integer, got 1.5'] =
      function() d.mixture_density(np.zeros { 3 }, 1, 1.5) end,
  } do
    it(what, function()
      assert.equal('distributions.' .. what,
        message(fn):match '^tests/lua/normal_mixture_spec%.lua:%d+: (.*)$')
    end)
  end

  it('a covariance that is not positive definite, where it is used', function()
    local q = d.normal_mixture({ 0 }, { { 0, 0 } }, { cov = { { { 1, 2 }, { 2, 1 } } } })
    assert.matches('cholesky: .*positive', message(function() q:log_prob { 0, 0 } end))
  end)
end)
