--- Draws follow their distributions: Kolmogorov-Smirnov and chi-square tests with fixed seeds.
local imnn = require 'imnn'
local draws = require 'tests.support.draws'
local np, random = imnn.np, imnn.random
local in_layout = draws.in_layout

local exp, log, sqrt, pi = math.exp, math.log, math.sqrt, math.pi
local stats = require 'tests.support.statistics'
local cumulative, log_factorial = stats.cumulative, stats.log_factorial

-- How often a fixed seed would fail though all is well: 1 in 10^4 for each row below.
local FALSE_ALARM = 1e-4
local N = 4000

local function asinh(x) return x < 0 and -log(-x + sqrt(x * x + 1)) or log(x + sqrt(x * x + 1)) end
local function logit(x) return log(x / (1 - x)) end
local function triangle(x) return x < -1 and 0 or x < 0.5 and (x + 1) / 4.5 or (2 - x) / 4.5 end

-- name, parameters, cumulative distribution of the draws, or of a function of them.
local continuous = {
  { 'exponential', {}, function(x) return 1 - exp(-x) end },
  { 'laplace', {}, function(x) return x < 0 and exp(x) / 2 or 1 - exp(-x) / 2 end },
  { 'logistic', {}, function(x) return 1 / (1 + exp(-x)) end },
  { 'gumbel', {}, function(x) return exp(-exp(-x)) end },
  { 'cauchy', {}, function(x) return 0.5 + math.atan(x) / pi end },
  { 'halfcauchy', {}, function(x) return 2 * math.atan(x) / pi end },
  { 'pareto', { 3 }, function(x) return 1 - x ^ -3 end },
  { 'weibull_min', { 2, 1.5 }, function(x) return 1 - exp(-(x / 2) ^ 1.5) end },
  { 'rayleigh', { 2 }, function(x) return 1 - exp(-x * x / 8) end },
  { 'lognormal', { 0.7 }, cumulative(function(y) return exp(-y * y / 0.98) end, -6, 6), log },
  { 'halfnormal', {}, cumulative(function(x) return exp(-x * x / 2) end, 0, 8) },
  { 'triangular', { -1, 0.5, 2 }, cumulative(triangle, -1, 2) },
  { 'maxwell', {}, cumulative(function(x) return x * x * exp(-x * x / 2) end, 0, 9) },
  { 'double_sided_maxwell', { 1, 2 }, cumulative(function(x)
    local y = (x - 1) / 2
    return y * y * exp(-y * y / 2)
  end, -20, 20) },
  { 'wald', { 1.5 }, cumulative(function(y)
    local x = exp(y)
    return x ^ -0.5 * exp(-(x - 1.5) ^ 2 / (4.5 * x))
  end, -8, 6), log },
  { 'gamma', { 2.5 }, cumulative(function(x) return x ^ 1.5 * exp(-x) end, 0, 40) },
  { 'gamma', { 0.4 }, cumulative(function(y) return exp(0.4 * y - exp(y)) end, -70, 5), log },
  { 'loggamma', { 0.3 }, cumulative(function(y) return exp(0.3 * y - exp(y)) end, -90, 5) },
  { 'gamma', { 3000 }, cumulative(function(x)
    return exp(2999 * log(x / 3000) - (x - 3000))
  end, 2600, 3400) },
  { 'inverse_gamma', { 3, 2 }, cumulative(function(y) return exp(-3 * y - 2 * exp(-y)) end, -5, 9),
    log },
  { 'beta', { 2, 3 }, cumulative(function(x) return x * (1 - x) ^ 2 end, 0, 1) },
  { 'beta', { 0.5, 0.7 }, cumulative(function(y)
    return exp(0.5 * y) / (1 + exp(y)) ^ 1.2
  end, -60, 40), logit },
  { 't', { 3 }, cumulative(function(y)
    local c = (exp(y) + exp(-y)) / 2
    return (1 + (c * c - 1) / 3) ^ -2 * c
  end, -9, 9), asinh },
  { 'chisquare', { 3 }, cumulative(function(x) return sqrt(x) * exp(-x / 2) end, 0, 60) },
  { 'f', { 4, 6 }, cumulative(function(y)
    local x = exp(y)
    return x ^ 2 * (1 + 4 * x / 6) ^ -5
  end, -9, 9), log },
  { 'generalized_normal', { 1.5 }, cumulative(function(x)
    return exp(-math.abs(x) ^ 1.5)
  end, -12, 12) },
  { 'von_mises', { 1, 2 }, cumulative(function(x) return exp(2 * math.cos(x - 1)) end, -pi, pi) },
  { 'von_mises', { 0, 1e-6 }, function(x) return (x + pi) / (2 * pi) end },
  { 'von_mises', { 0, 1e8 }, cumulative(function(x) return exp(-x * x / 2) end, -8, 8),
    function(x) return x * 1e4 end },
}

local function binomial(n, p)
  return function(k)
    if k < 0 or k > n then return 0 end
    return exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) + k * log(p)
      + (n - k) * log(1 - p))
  end
end
local function poisson(lam)
  return function(k) return exp(k * log(lam) - lam - log_factorial(k)) end
end

-- name, parameters, probability of k, from, to
local discrete = {
  { 'rademacher', {}, function(k) return k == 0 and 0 or 0.5 end, -1, 1 },
  { 'geometric', { 0.3 }, function(k) return 0.3 * 0.7 ^ (k - 1) end, 1, 60 },
  { 'poisson', { 4 }, poisson(4), 0, 40 },
  { 'poisson', { 30 }, poisson(30), 0, 120 },
  { 'binomial', { 10, 0.3 }, binomial(10, 0.3), 0, 10 },
  { 'binomial', { 200, 0.6 }, binomial(200, 0.6), 0, 200 },
  { 'negative_binomial', { 2, 3 }, function(k) -- (k + 1) (2/5)^2 (3/5)^k
    return (k + 1) * 0.16 * 0.6 ^ k
  end, 0, 80 },
}

describe('draws follow their distributions', function()
  local layouts = { 'original', 'partitionable' }
  local seed = 100
  for _, row in ipairs(continuous) do
    for k, dtype in ipairs { 'f32', 'f64' } do
      seed = seed + 1
      local key = random.PRNGKey(seed)
      it(('%s(%s), %s'):format(row[1], table.concat(row[2], ', '), dtype), function()
        in_layout(layouts[k], function()
          local given, n = { unpack(row[2]) }, #row[2]
          given[n + 1], given[n + 2] = { N }, dtype
          local x = random[row[1]](key, unpack(given))
          assert.equal(dtype, x.dtype)
          local values = x:values()
          if row[4] then
            for i, v in ipairs(values) do values[i] = row[4](v) end
          end
          assert.is_true(stats.kolmogorov(values, row[3]) > FALSE_ALARM)
        end)
      end)
    end
  end

  for _, row in ipairs(discrete) do
    seed = seed + 1
    local key = random.PRNGKey(seed)
    it(('%s(%s)'):format(row[1], table.concat(row[2], ', ')), function()
      local given = { unpack(row[2]) }
      given[#given + 1] = { N }
      local values = random[row[1]](key, unpack(given)):values()
      assert.is_true(stats.pearson(values, row[3], row[4], row[5]) > FALSE_ALARM)
    end)
  end

  it('uniform, normal, truncated normal', function()
    local function pass(x, cdf) assert.is_true(stats.kolmogorov(x:values(), cdf) > FALSE_ALARM) end
    local key = random.PRNGKey(31)
    local function bell(x) return exp(-x * x / 2) end
    for _, dtype in ipairs { 'f32', 'f64' } do
      pass(random.uniform(key, { N }, { minval = 2, maxval = 7, dtype = dtype }),
        function(x) return (x - 2) / 5 end)
      pass(random.normal(key, { N }, dtype), cumulative(bell, -8, 8))
      pass(random.truncated_normal(key, 1, 2.5, { N }, dtype), cumulative(bell, 1, 2.5))
    end
  end)

  it('randint: small ranges, and ranges that are no power of 2', function()
    local key = random.PRNGKey(32)
    local function pass(lo, hi)
      local x = random.randint(key, { N }, lo, hi):values()
      assert.is_true(stats.pearson(x, function() return 1 / (hi - lo) end, lo, hi - 1)
        > FALSE_ALARM)
    end
    pass(0, 7)
    pass(-50, 50)
  end)

  it('bernoulli: the number of successes is binomial', function()
    local n = random.bernoulli(random.PRNGKey(33), 0.3, { N, 10 }):astype('i32'):sum { axis = 2 }
    assert.is_true(stats.pearson(n:values(), binomial(10, 0.3), 0, 10) > FALSE_ALARM)
  end)

  it('dirichlet: shares are beta numbers and add up to 1', function()
    local x = random.dirichlet(random.PRNGKey(34), { 2, 1, 2 }, { N })
    assert.same({ N, 3 }, x.shape)
    assert.is_true(np.abs(x:sum { axis = 2 } - 1):max():item() < 1e-6)
    local cdf = cumulative(function(v) return v * (1 - v) ^ 2 end, 0, 1) -- beta(2, 3)
    assert.is_true(stats.kolmogorov(x[{ {}, 1 }]:values(), cdf) > FALSE_ALARM)
  end)

  it('multinomial: counts are binomial and add up to n', function()
    local x = random.multinomial(random.PRNGKey(35), 20, { 0.2, 0.5, 0.3 }, { N })
    assert.same({ N, 3 }, x.shape)
    assert.is_true(np.eq(x:sum { axis = 2 }, 20):all():item())
    for k, p in ipairs { 0.2, 0.5, 0.3 } do
      assert.is_true(stats.pearson(x[{ {}, k }]:values(), binomial(20, p), 0, 20) > FALSE_ALARM)
    end
    assert.same({ 2, 3 }, random.multinomial(random.PRNGKey(3), np.array { 5, 9 },
      { 0.2, 0.5, 0.3 }).shape)
  end)

  it('ball: the volume within a radius grows with its power', function()
    local x = random.ball(random.PRNGKey(36), 3, 2, { N })
    local radius = np.sqrt((x * x):sum { axis = 2 }):values()
    assert.is_true(stats.kolmogorov(radius, function(r) return r ^ 3 end) > FALSE_ALARM)
  end)

  local function holds(p) assert.is_true(p > FALSE_ALARM, p) end
  local function bell(x) return exp(-x * x / 2) end
  local normal = cumulative(bell, -8, 8)
  local function chi_square(df)
    return cumulative(function(x) return x ^ (df / 2 - 1) * exp(-x / 2) end, 0, 30 + 6 * df)
  end

  it('gumbel and bernoulli, mode "high"', function()
    for _, dtype in ipairs { 'f32', 'f64' } do
      local x = random.gumbel(random.PRNGKey(41), { N }, { mode = 'high', dtype = dtype })
      assert.equal(dtype, x.dtype)
      holds(stats.kolmogorov(x:values(), function(v) return exp(-exp(-v)) end))
    end
    local hits = random.bernoulli(random.PRNGKey(42), 0.3, { N, 10 }, { mode = 'high' })
    holds(stats.pearson(hits:astype('i32'):sum { axis = 2 }:values(), binomial(10, 0.3), 0, 10))
    -- a probability that one word of 23 bits rounds to 2^-23 or nothing
    local rare = random.bernoulli(random.PRNGKey(43), 2 ^ -25, { 2 ^ 22 }, { mode = 'high' })
    assert.is_true(rare:astype('i32'):sum():item() < 6) -- 2^-3 expected: 1 seed in 10^8
  end)

  it('truncated normal numbers far out, where 1 - erf is rounded, and at Arrays', function()
    local key = random.PRNGKey(44)
    for _, dtype in ipairs { 'f32', 'f64' } do
      for _, row in ipairs { { 5, 6 }, { -7, -5.5 }, { 3.5, math.huge }, { 12, 13 } } do
        local lo, hi = row[1], row[2]
        local at = hi < 0 and hi or lo
        local function density(x) return exp((at * at - x * x) / 2) end
        local cdf = cumulative(density, lo, math.min(hi, lo + 5))
        holds(stats.kolmogorov(random.truncated_normal(key, lo, hi, { N }, dtype):values(), cdf))
        local both, most = np.array({ lo, -1 }, dtype), np.array({ hi, 2 }, dtype)
        local x = random.truncated_normal(key, both, most, { N, 2 })
        assert.equal(dtype, x.dtype)
        holds(stats.kolmogorov(x[{ {}, 1 }]:values(), cdf))
        holds(stats.kolmogorov(x[{ {}, 2 }]:values(), cumulative(bell, -1, 2)))
        assert.is_true(np.gt(x, both):all():item() and np.lt(x, most):all():item())
      end
    end
  end)

  it('complex normal numbers: parts are normal, |z|^2 is exponential', function()
    for _, dtype in ipairs { 'c64', 'c128' } do
      local z = random.normal(random.PRNGKey(45), { N }, dtype)
      assert.equal(dtype, z.dtype)
      local re, im = np.real(z) * sqrt(2), np.imag(z) * sqrt(2)
      holds(stats.kolmogorov(re:values(), normal))
      holds(stats.kolmogorov(im:values(), normal))
      holds(stats.kolmogorov((np.abs(z) ^ 2):values(), function(x) return 1 - exp(-x) end))
      assert.is_true(math.abs((re * im):mean():item()) * sqrt(N) < 4) -- 1 seed in 16000
    end
  end)

  it('words of 8 and 16 bits', function()
    for _, layout in ipairs(layouts) do
      in_layout(layout, function()
        local x = random.bits(random.PRNGKey(46), { N }, 8):values()
        holds(stats.pearson(x, function() return 1 / 256 end, 0, 255))
        local y = random.bits(random.PRNGKey(47), { N }, 16):values()
        holds(stats.kolmogorov(y, function(v) return v / 65536 end))
      end)
    end
  end)

  it('permutation: all orders are alike', function()
    local keys = random.split(random.PRNGKey(48), N)
    local function place(order) -- 1 .. 6
      local code = order[{ {}, 1 }] * 100 + order[{ {}, 2 }] * 10 + order[{ {}, 3 }]
      return np.searchsorted({ 123, 132, 213, 231, 312, 321 }, code):values()
    end
    local function alike() return 1 / 6 end
    holds(stats.pearson(place(random.permutation(keys, 3)), alike, 1, 6))
    local lines = random.permutation(random.PRNGKey(49), np.broadcast_to(np.arange(1, 4), { N, 3 }),
      { axis = 2, independent = true })
    holds(stats.pearson(place(lines), alike, 1, 6))
    holds(stats.pearson(place(random.shuffle(random.PRNGKey(50),
      np.broadcast_to(np.arange(1, 4), { N, 3 }), 2)), alike, 1, 6))
  end)

  -- How often k of p comes first, and i before j of all pairs: position 10 i + j.
  local function in_turn(pairs_of, p)
    local first, second = pairs_of[{ {}, 1 }], pairs_of[{ {}, 2 }]
    holds(stats.pearson(first:values(), function(k) return p[k] end, 1, #p))
    holds(stats.pearson((first * 10 + second):values(), function(code)
      local i, j = math.floor(code / 10), code % 10
      if i == j or j < 1 or j > #p then return 0 end
      return p[i] * p[j] / (1 - p[i])
    end, 11, 10 * #p + #p))
  end

  it('choice and categorical: by weight, and by what is left', function()
    local p = { 0.1, 0.2, 0.3, 0.4 }
    local keys = random.split(random.PRNGKey(51), N)
    local function weight(k) return p[k] end
    local x = random.choice(random.PRNGKey(52), 4, { N }, { p = p }):values()
    holds(stats.pearson(x, weight, 1, 4))
    holds(stats.pearson(random.choice(random.PRNGKey(53), 7, { N }):values(),
      function() return 1 / 7 end, 1, 7))
    in_turn(random.choice(keys, 4, { 2 }, { p = p, replace = false }), p)
    in_turn(random.choice(keys, 4, { 2 }, { replace = false }), { 0.25, 0.25, 0.25, 0.25 })
    local logits = np.log(np.array(p)) + 3
    x = random.categorical(random.PRNGKey(54), logits, { shape = { N } }):values()
    holds(stats.pearson(x, weight, 1, 4))
    in_turn(random.categorical(keys, logits, { shape = { 2 }, replace = false }), p)
  end)

  it('multivariate normal: each component, and the distance from the mean', function()
    local mean, cov = np.array { 1, -2, 0.5 }, np.array { { 4, 1, 0.5 }, { 1, 2, -0.3 },
      { 0.5, -0.3, 1 } }
    for k, method in ipairs { 'cholesky', 'eigh', 'svd' } do
      for _, dtype in ipairs { 'f32', 'f64' } do
        local x = random.multivariate_normal(random.PRNGKey(54 + k), mean, cov, { N },
          { method = method, dtype = dtype })
        assert.equal(dtype, x.dtype)
        local d = x - mean
        for i = 1, 3 do
          local z = d[{ {}, i }] / np.sqrt(cov[{ i, i }])
          holds(stats.kolmogorov(z:values(), normal))
        end
        local distance = (d * np.linalg.solve(cov, d:transpose()):transpose()):sum { axis = 2 }
        holds(stats.kolmogorov(distance:values(), chi_square(3)))
      end
    end
  end)

  it('orthogonal: no direction is preferred', function()
    for _, dtype in ipairs { 'f32', 'f64' } do
      local q = random.orthogonal(random.PRNGKey(58), 3, { N }, dtype)
      assert.same({ N, 3, 3 }, q.shape)
      local unit = np.matmul(np.swapaxes(q, 2, 3), q) - np.eye(3)
      assert.is_true(np.abs(unit):max():item() < (dtype == 'f32' and 1e-5 or 1e-13))
      for i = 1, 3 do -- on a sphere each coordinate is uniform: Archimedes
        holds(stats.kolmogorov(q[{ {}, i, 2 }]:values(), function(x) return (x + 1) / 2 end))
      end
      local proper = np.gt(np.linalg.det(q), 0):astype('i32'):values()
      holds(stats.pearson(proper, function() return 0.5 end, 0, 1))
    end
    assert.same({ 2, 5 }, random.orthogonal(random.PRNGKey(1), 2, {}, { m = 5 }).shape)
    assert.same({ 4, 5, 2 }, random.orthogonal(random.PRNGKey(1), 5, { 4 }, { m = 2 }).shape)
    assert.same({ 4, 0, 3 }, random.orthogonal(random.PRNGKey(1), 0, { 4 }, { m = 3 }).shape)
  end)

  it('wishart: diagonal and trace are chi-square numbers', function()
    local scale = np.array { { 2, 0.5 }, { 0.5, 1 } }
    for _, dtype in ipairs { 'f32', 'f64' } do
      local w = random.wishart(random.PRNGKey(59), 4.5, scale, { N }, dtype)
      assert.same({ N, 2, 2 }, w.shape)
      assert.equal(dtype, w.dtype)
      assert.equal(0, np.abs(w - np.swapaxes(w, 2, 3)):max():item())
      for i = 1, 2 do
        local x = w[{ {}, i, i }] / scale[{ i, i }]
        holds(stats.kolmogorov(x:values(), chi_square(4.5)))
      end
      local trace = (np.linalg.inv(scale) * w):sum { axis = { 2, 3 } }
      holds(stats.kolmogorov(trace:values(), chi_square(9)))
    end
  end)

  it('latin hypercubes have a point in every interval, anywhere in it', function()
    for _, dtype in ipairs { 'f32', 'f64' } do
      local x = random.latin_hypercube(random.PRNGKey(60), 50, 3, dtype)
      assert.same({ 50, 3 }, x.shape)
      assert.equal(dtype, x.dtype)
      for k = 1, 3 do
        local cells = np.sort(np.floor(x[{ {}, k }] * 50)):values()
        for i = 1, 50 do assert.equal(i - 1, cells[i]) end
      end
    end
    local keys = random.split(random.PRNGKey(61), 1000)
    local x = imnn.vmap(function(k) return random.latin_hypercube(k, 4, 2) end)(keys)
    local first, second = x[{ {}, 1, 1 }], x[{ {}, 1, 2 }]
    local function unit(v) return v end
    holds(stats.kolmogorov(first:values(), unit))
    holds(stats.kolmogorov(second:values(), unit))
    local r = ((first - 0.5) * (second - 0.5)):mean():item() * 12
    assert.is_true(math.abs(r) * sqrt(1000) < 4) -- 1 seed in 16000
  end)

  it('halton points are mirrored digits, and go on', function()
    local x = random.halton(9, 3, { dtype = 'f64' }):totable()
    local expected = { { 1 / 2, 1 / 3, 1 / 5 }, { 1 / 4, 2 / 3, 2 / 5 }, { 3 / 4, 1 / 9, 3 / 5 },
      { 1 / 8, 4 / 9, 4 / 5 }, { 5 / 8, 7 / 9, 1 / 25 }, { 3 / 8, 2 / 9, 6 / 25 },
      { 7 / 8, 5 / 9, 11 / 25 }, { 1 / 16, 8 / 9, 16 / 25 }, { 9 / 16, 1 / 27, 21 / 25 } }
    for i, row in ipairs(expected) do
      for k, v in ipairs(row) do assert.is.near(v, x[i][k], 1e-15) end
    end
    assert.same(x[7], random.halton(3, 3, { start = 7, dtype = 'f64' }):totable()[1])
    local shifted = random.halton(200, 2, { key = random.PRNGKey(62) })
    local moved = shifted - random.halton(200, 2)
    moved = moved - np.floor(moved) - random.uniform(random.PRNGKey(62), { 2 })
    assert.is_true(np.abs(np.sin(math.pi * moved)):max():item() < 1e-5)
    assert.is_true(shifted:min():item() >= 0 and shifted:max():item() < 1)
    local integral = (shifted[{ {}, 1 }] * shifted[{ {}, 2 }]):mean():item()
    assert.is.near(0.25, integral, 0.01)
  end)

  it('every sampler of the library has a row', function()
    local seen = { bernoulli = true, truncated_normal = true }
    for _, list in ipairs { continuous, discrete } do
      for _, row in ipairs(list) do seen[row[1]] = true end
    end
    for name in pairs(require('imnn.random.samplers').functions) do
      assert.is_true(seen[name], name)
    end
  end)

  it('independent keys give independent numbers', function()
    local keys = random.split(random.PRNGKey(37), N)
    local x = imnn.vmap(function(k) return random.gamma(k, 2.5) end)(keys)
    local cdf = cumulative(function(v) return v ^ 1.5 * exp(-v) end, 0, 40)
    assert.is_true(stats.kolmogorov(x:values(), cdf) > FALSE_ALARM)
    local y = imnn.vmap(function(k) return random.poisson(k, 12, { 2 }) end)(keys)
    assert.is_true(stats.pearson(y[{ {}, 2 }]:values(), poisson(12), 0, 60) > FALSE_ALARM)
    local a, b = y[{ {}, 1 }]:astype 'f64', y[{ {}, 2 }]:astype 'f64'
    local r = ((a - a:mean()) * (b - b:mean())):mean():item() / 12
    assert.is_true(math.abs(r) * math.sqrt(N) < 4) -- 1 seed in 16000
  end)
end)
