--- Samplers, against JAX's numbers (tests/golden/random), and what they promise.
local imnn = require 'imnn'
local draws = require 'tests.support.draws'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, random = imnn.np, imnn.random
local exp, log, pi = math.exp, math.log, math.pi

local function load(name) return dofile('tests/golden/random/' .. name .. '.lua') end
local function as_key(words) return np.array(words, 'u32') end

local in_layout, exactly, same = draws.in_layout, draws.exactly, draws.same

-- What each golden case calls: functions (case, key, dtype) -> Array.
local draw = {}

function draw.uniform(case, key, dtype)
  return random.uniform(key, case.shape,
    { dtype = dtype, minval = case.minval, maxval = case.maxval })
end
function draw.normal(case, key, dtype) return random.normal(key, case.shape, dtype) end
function draw.truncated_normal(case, key, dtype)
  return random.truncated_normal(key, case.lower, case.upper, case.shape, dtype)
end
draw['vmap normal'] = function(case, key, dtype)
  return imnn.vmap(function(k) return random.normal(k, { case.shape[2] }, dtype) end)(
    random.split(key, case.shape[1]))
end
draw['vmap gamma'] = function(case, key, dtype)
  return imnn.vmap(function(k) return random.gamma(k, case.a, { case.shape[2] }, dtype) end)(
    random.split(key, case.shape[1]))
end
draw['vmap poisson'] = function(case, key, dtype)
  return imnn.vmap(function(k) return random.poisson(k, case.lam, { case.shape[2] }, dtype) end)(
    random.split(key, case.shape[1]))
end
draw['grad gamma'] = function(case, key, dtype)
  return imnn.vmap(imnn.grad(function(a) return random.gamma(key, a, {}, dtype) end))(case.a)
end
function draw.randint(case, key)
  return random.randint(key, case.shape, case.minval, case.maxval, case.dtype)
end
function draw.dirichlet(case, key, dtype)
  return random.dirichlet(key, case.alpha, { case.shape[1] }, dtype)
end
function draw.multinomial(case, key, dtype)
  return random.multinomial(key, case.n, case.p, nil, dtype)
end
function draw.ball(case, key, dtype)
  return random.ball(key, case.d, case.p, { case.shape[1] }, dtype)
end
-- The others: parameters in order, shape, dtype.
for name, parameters in pairs {
  bernoulli = { 'p' }, rademacher = {}, exponential = {}, laplace = {}, logistic = {}, gumbel = {},
  cauchy = {}, pareto = { 'b' }, weibull_min = { 'scale', 'concentration' },
  rayleigh = { 'scale' }, lognormal = { 'sigma' }, triangular = { 'left', 'mode', 'right' },
  geometric = { 'p' }, maxwell = {}, double_sided_maxwell = { 'loc', 'scale' },
  wald = { 'mean' }, gamma = { 'a' }, loggamma = { 'a' }, beta = { 'a', 'b' }, t = { 'df' },
  chisquare = { 'df' }, f = { 'dfnum', 'dfden' }, generalized_normal = { 'p' },
  poisson = { 'lam' }, binomial = { 'n', 'p' },
} do
  draw[name] = function(case, key, dtype)
    local given = {}
    for k, p in ipairs(parameters) do given[k] = case[p] end
    given[#parameters + 1], given[#parameters + 2] = case.shape, dtype
    return random[name](key, unpack(given, 1, #parameters + 2))
  end
end

-- The case with its arrays.
local function arguments(case, dtype)
  local out = {}
  for name, v in pairs(case) do
    local is_input = type(v) == 'table' and name ~= 'y' and name ~= 'shape' and name ~= 'sizes'
    local as = case.fn == 'randint' and case.dtype or dtype
    out[name] = is_input and name ~= 'key' and np.array(v, as) or v
  end
  return out
end

-- Positions of JAX count from 0.
function draw.permutation(case, key)
  if case.n then return random.permutation(key, case.n) - 1 end
  return random.permutation(key, case.x,
    { axis = (case.axis or 0) + 1, independent = case.independent })
end
function draw.shuffle(case, key) return random.shuffle(key, case.x, case.axis + 1) end
function draw.choice(case, key)
  local shape = case.shape
  if case.a and case.a.ndim > 1 then shape = { shape[1] } end
  local y = random.choice(key, case.a or case.n, shape,
    { replace = case.replace, p = case.p, axis = (case.axis or 0) + 1 })
  return case.a and y or y - 1
end
function draw.categorical(case, key)
  return random.categorical(key, case.logits, { shape = case.sizes,
    axis = case.axis < 0 and case.axis or case.axis + 1 }) - 1
end
function draw.multivariate_normal(case, key, dtype)
  return random.multivariate_normal(key, case.mean, case.cov, { case.shape[1] }, dtype)
end
function draw.orthogonal(case, key, dtype) return random.orthogonal(key, case.n, {}, dtype) end
draw['jacfwd mean'] = function(case, key, dtype)
  return imnn.jacfwd(function(mean)
    return random.multivariate_normal(key, mean, case.cov, { case.shape[1] }, dtype)
  end)(case.mean)
end

describe('samplers give the numbers of JAX', function()
  for _, layout in ipairs { 'original', 'partitionable' } do
    for _, dtype in ipairs { 'f32', 'f64' } do
      for _, case in ipairs(load(layout .. '_' .. dtype)) do
        local fn = draw[case.fn]
        local name = ('%s, key (%d, %d), %s, %s'):format(case[1], case.key[1], case.key[2], dtype,
          layout)
        it(name, function()
          in_layout(layout, function()
            local got = fn(arguments(case, dtype), as_key(case.key), dtype)
            local why = golden.difference(arguments(case, dtype), got)
            assert.is_nil(why, why)
          end)
        end)
      end
    end
  end

  local words = load 'words'
  for _, layout in ipairs { 'original', 'partitionable' } do
    for _, case in ipairs(words[layout]) do
      it(('words of %d bits, %d of them, %s'):format(case.width, #case.y, layout), function()
        in_layout(layout, function()
          local got, y = random.bits(as_key(case.key), case.shape, case.width), case.y
          if case.width == 64 then
            y = {}
            for i, v in ipairs(case.y) do
              y[2 * i - 1], y[2 * i] = tonumber(v / 2ULL ^ 32), tonumber(v % 2ULL ^ 32)
            end
          end
          exactly(y, got, 'words')
        end)
      end)
    end
  end

  for _, case in ipairs(words.long) do
    it(('%s of %d, %s'):format(case[1], case.n, case.layout), function()
      in_layout(case.layout, function()
        local key, sum, few = as_key { 0, 0 }, 0, {}
        local y = case[1] == 'permutation' and random.permutation(key, case.n) - 1
          or random[case[1]](key, { case.n })
        for i, v in ipairs(y:values()) do
          sum = sum + i * v
          if (i - 1) % case.step == 0 then few[#few + 1] = v end
        end
        local ulp = case[1] == 'normal' and 4 or nil
        assert.is_nil(golden.difference({ y = case.y, ulp = ulp }, np.array(few)))
        assert.is.near(case.sum, sum, ulp and 1e-5 * math.abs(case.sum) or 0)
      end)
    end)
  end
end)

describe('draws', function()
  local key = random.PRNGKey(21)

  it('have the shape that is asked for: none, empty, many axes', function()
    for _, fn in pairs {
      function(shape) return random.uniform(key, shape) end,
      function(shape) return random.normal(key, shape, 'f64') end,
      function(shape) return random.truncated_normal(key, -1, 1, shape) end,
      function(shape) return random.bits(key, shape) end,
    } do
      assert.same({}, fn().shape)
      assert.same({}, fn({}).shape)
      assert.same({ 3 }, fn(3).shape)
      assert.same({ 0 }, fn({ 0 }).shape)
      assert.same({ 2, 0, 3 }, fn({ 2, 0, 3 }).shape)
      assert.same({ 2, 1, 3, 1, 2 }, fn({ 2, 1, 3, 1, 2 }).shape)
    end
    assert.same({ 0, 2 }, random.split(key, 0).shape)
  end)

  it('are the same each at its key, mapped over keys, and in one compiled program', function()
    local keys = random.split(key, 7)
    local function one(k)
      return random.normal(k, { 2, 3 }), random.uniform(k, { 4 }, { minval = -3, maxval = 2 }),
        random.truncated_normal(k, -2, 2, { 5 }), random.normal(k, {}, 'f64')
    end
    local mapped = { imnn.vmap(one)(keys) }
    local compiled = { imnn.jit(imnn.vmap(one))(keys) }
    for n = 1, 4 do
      same(mapped[n], compiled[n], 'compiled result ' .. n)
      for i = 1, 7 do same(({ one(keys[i]) })[n], mapped[n][i], 'result ' .. n) end
    end
  end)

  it('the layout belongs to what is compiled', function()
    local f = imnn.jit(function(k) return random.normal(k, { 4 }) end)
    local original = f(key)
    in_layout('partitionable', function()
      same(random.normal(key, { 4 }), f(key), 'partitionable')
    end)
    same(original, f(key), 'original again')
  end)

  it('bounds of uniform may be arrays, and traced ones', function()
    local lo, hi = np.array { 0, 10, 20 }, np.array { 1, 12, 24 }
    local x = random.uniform(key, { 2, 3 }, { minval = lo, maxval = hi })
    assert.is_true(np.ge(x, lo):all():item() and np.lt(x, hi):all():item())
    local slope = imnn.jacfwd(function(b)
      return random.uniform(key, { 3 }, { minval = 0, maxval = b })
    end)(np.array(2))
    local unit = random.uniform(key, { 3 })
    assert.is_true(np.abs(slope - unit):max():item() < 1e-6)
  end)

  it('a simulator has slopes in its parameters', function()
    local function simulate(theta)
      return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 5 })
    end
    local jacobian = imnn.jacfwd(simulate)(np.array { 1, 4 })
    local z = random.normal(key, { 5 })
    exactly({ 1, 1, 1, 1, 1 }, jacobian[{ '...', 1 }], 'in the mean')
    local why = golden.difference({ y = (z / 4):values(), ulp = 2 }, jacobian[{ '...', 2 }])
    assert.is_nil(why)
  end)
end)

describe('samplers', function()
  local key = random.PRNGKey(5)

  it('are the same for each key, mapped and compiled', function()
    local keys = random.split(key, 6)
    local function one(k)
      return random.gamma(k, np.array { 0.3, 2 }), random.loggamma(k, 0.1, { 2 }),
        random.poisson(k, np.array { 3, 40 }), random.binomial(k, 30, np.array { 0.1, 0.6 }),
        random.von_mises(k, 0, 2, { 2 }), random.t(k, 3, {}), random.beta(k, 0.2, 3, { 3 }),
        random.randint(k, { 4 }, 0, 10), random.geometric(k, 0.2, { 3 }),
        random.dirichlet(k, { 1, 2 }), random.multinomial(k, 9, { 0.4, 0.6 })
    end
    local mapped, compiled = { imnn.vmap(one)(keys) }, { imnn.jit(imnn.vmap(one))(keys) }
    local direct = { one(keys) } -- leading axes of a key are independent keys
    for n = 1, #mapped do
      same(mapped[n], compiled[n], 'compiled result ' .. n)
      same(mapped[n], direct[n], 'keys with an axis, result ' .. n)
      for i = 1, 6 do same(({ one(keys[i]) })[n], mapped[n][i], 'result ' .. n) end
    end
  end)

  it('take parameters that are mapped over, at one key', function()
    local rates = np.array { 2, 20, 200 }
    local function one(lam) return random.poisson(key, lam, { 3 }), random.gamma(key, lam) end
    local n, x = imnn.vmap(one)(rates)
    for i = 1, 3 do
      local n1, x1 = one(rates[i])
      same(n1, n[i], 'poisson')
      same(x1, x[i], 'gamma')
    end
  end)

  it('the shape is that of the parameters, or the one that is given', function()
    local a = np.array { { 1 }, { 2 } }
    assert.same({ 2, 1 }, random.gamma(key, a).shape)
    assert.same({ 2, 3 }, random.beta(key, a, np.ones { 3 }).shape)
    assert.same({ 4, 2, 3 }, random.gamma(key, a, { 4, 2, 3 }).shape)
    assert.same({}, random.gamma(key, 2).shape)
    assert.same({ 0 }, random.gamma(key, 2, { 0 }).shape)
    assert.same({ 0, 2 }, random.dirichlet(key, { 1, 1 }, { 0 }).shape)
    assert.equal('f64', random.gamma(key, np.array(2, 'f64')).dtype)
    assert.equal('f32', random.gamma(key, np.array(2, 'i32')).dtype)
    assert.equal('bool', random.bernoulli(key, 0.5, { 3 }).dtype)
    assert.equal('i32', random.poisson(key, 5, { 3 }).dtype)
  end)

  it('gamma numbers follow their shape: dx/da = -(dP/da) / (dP/dx)', function()
    -- shape 1 is exponential: P = 1 - e^-x, and near a = 1 the slope by the trapezoid rule
    local function P(a, x) -- regularised, by its series
      local term, sum = 1, 1
      for k = 1, 400 do
        term = term * x / (a + k)
        sum = sum + term
      end
      local lg, b = 0, a + 1
      while b < 15 do lg, b = lg - log(b), b + 1 end
      lg = lg + (b - 0.5) * log(b) - b + 0.5 * log(2 * pi) + 1 / (12 * b) - 1 / (360 * b ^ 3)
      return exp(a * log(x) - x - lg) * sum
    end
    for _, a in ipairs { 0.3, 1, 4, 60, 900 } do
      local draw_at = function(s) return random.gamma(key, s, { 5 }) end
      local x = draw_at(np.array(a, 'f64'))
      local slope = imnn.jacfwd(draw_at)(np.array(a, 'f64'))
      local back = imnn.jacrev(draw_at)(np.array(a, 'f64'))
      local logs = imnn.jacfwd(function(s) return random.loggamma(key, s, { 5 }) end)(
        np.array(a, 'f64'))
      for i = 1, 5 do
        local v, h = x[i]:item(), 1e-5 * a
        local dP = (P(a + h, v) - P(a - h, v)) / (2 * h)
        local dx = (P(a, v * (1 + 1e-5)) - P(a, v * (1 - 1e-5))) / (2e-5 * v)
        assert.is.near(1, slope[i]:item() / (-dP / dx), 1e-4)
        assert.is.near(slope[i]:item(), back[i]:item(), 1e-12)
        assert.is.near(1, logs[i]:item() * v / slope[i]:item(), 1e-9)
      end
    end
    local function big(s) return random.gamma(key, s, {}) end
    local below, above = np.array(999.9, 'f64'), np.array(1000.1, 'f64')
    assert.is.near(imnn.grad(big)(below):item(), imnn.grad(big)(above):item(), 1e-3)
    assert.is.near(0, imnn.grad(big)(np.array(1e-30, 'f64')):item(), 0) -- underflows
  end)

  it('locations and scales have slopes', function()
    local function f(p) return (random.t(key, p[1], { 9 }) * p[2]):sum() end
    assert.is_true(np.isfinite(imnn.grad(f)(np.array { 3, 2 })):all():item())
    local mu = imnn.jacfwd(function(m) return random.von_mises(key, m, 2, {}) end)(np.array(1))
    assert.equal(1, mu:item())
    assert.matches('random_binomial: has no derivative', message(function()
      imnn.grad(function(p) return random.binomial(key, 5, p, {}) end)(np.array(0.4))
    end))
  end)

  it('limits: no hang, no crash, the value that a limit has', function()
    local inf, nan = math.huge, 0 / 0
    local function value(x) return x:item() end
    assert.equal(0, value(random.poisson(key, 0)))
    assert.equal(-1, value(random.poisson(key, nan)))
    assert.equal(2 ^ 31 - 1, value(random.poisson(key, inf)))
    assert.equal(2 ^ 31 - 1, value(random.poisson(key, 1e20)))
    assert.equal(0, value(random.binomial(key, 0, 0.5)))
    assert.equal(0, value(random.binomial(key, 10, 0)))
    assert.equal(10, value(random.binomial(key, 10, 1)))
    assert.equal(inf, value(random.binomial(key, inf, 0.5)))
    for _, bad in ipairs { { 10, -0.1 }, { 10, 1.1 }, { 10, nan }, { -1, 0.5 }, { nan, 0.5 } } do
      assert.is_true(np.isnan(random.binomial(key, bad[1], bad[2])):item())
    end
    for _, bad in ipairs { -1, nan } do
      assert.is_true(np.isnan(random.gamma(key, bad)):item())
      assert.is_true(np.isnan(random.von_mises(key, 0, bad)):item())
    end
    assert.equal(0, value(random.gamma(key, 0)))
    assert.equal(1, value(random.geometric(key, 1)))
    assert.same({ true, false }, random.bernoulli(key, np.array { 2, -1 }):values())
    local both = random.binomial(key, np.array { 10, nan, 1000 }, 0.5):values()
    assert.is_true(both[1] <= 10 and both[2] ~= both[2] and both[3] > 400)
  end)

  it('randint: empty and whole ranges', function()
    assert.same({ 3, 3 }, random.randint(key, { 2 }, 3, 3):values())
    assert.same({ 5, 5 }, random.randint(key, { 2 }, 5, 2):values())
    local words = random.randint(key, { 500 }, -2 ^ 31, 2 ^ 31)
    assert.is_true(words:min():item() < -2 ^ 30 and words:max():item() > 2 ^ 30)
    assert.is_true(random.randint(key, { 500 }, 0, 2 ^ 32, 'u32'):max():item() > 2 ^ 31)
    assert.same({ 2, 3 }, random.randint(key, { 2, 3 }, np.array({ 0, 5, 9 }, 'i32'), 20).shape)
  end)

  it('orders, choices, vectors: the same for each key, mapped and compiled', function()
    local keys = random.split(key, 5)
    local x, cov = np.array { { 1, 2, 3 }, { 4, 5, 6 } }, np.array { { 2, 0.5 }, { 0.5, 1 } }
    local function one(k)
      return random.permutation(k, 7), random.permutation(k, x, { axis = 2 }),
        random.shuffle(k, x, -1), random.choice(k, 9, { 2, 3 }), random.choice(k, x, { 4 }),
        random.choice(k, x, { 2, 2 }, { axis = 2 }),
        random.choice(k, { 5, 6, 7 }, { 2 }, { replace = false, p = { 0.2, 0.3, 0.5 } }),
        random.choice(k, 3, { 2, 2 }, { p = { 0.2, 0.3, 0.5 } }), random.choice(k, 9, { 0 }),
        random.categorical(k, x), random.categorical(k, x, { axis = 1, shape = { 4, 3 } }),
        random.categorical(k, x, { axis = -1, shape = { 3, 2 }, replace = false }),
        random.multivariate_normal(k, { 1, 2 }, cov, { 3 }), random.orthogonal(k, 3, { 2 }),
        random.wishart(k, 4, cov, { 2 }), random.truncated_normal(k, np.array { -1, 4 }, 5),
        random.bits(k, { 5 }, 8), random.normal(k, { 3 }, 'c64')
    end
    local mapped, compiled = { imnn.vmap(one)(keys) }, { imnn.jit(imnn.vmap(one))(keys) }
    local direct = { one(keys) }
    assert.equal(18, #mapped)
    for n = 1, #mapped do
      -- products of many matrices at once may be summed in another order
      local ulp = (n == 13 or n == 15) and 4 or nil
      for i = 1, 5 do
        local whole = ({ one(keys[i]) })[n]
        local all = { mapped = mapped[n], compiled = compiled[n], direct = direct[n] }
        for what, many in pairs(all) do
          local own, y = whole, many[i]
          assert.same(own.shape, y.shape, n .. ' ' .. what)
          assert.equal(own.dtype, y.dtype)
          if own.dtype == 'c64' then own, y = np.real(own), np.real(y) end
          local why = golden.difference({ y = own:values(), ulp = ulp, atol = ulp and 1e-6 }, y)
          assert.is_nil(why, why and n .. ' ' .. what .. ': ' .. why)
        end
      end
    end
  end)

  it('vectors and bounds have slopes', function()
    local cov = np.array({ { 2, 0.5 }, { 0.5, 1 } }, 'f64')
    local function difference(f, x, h)
      return (f(x + h) - f(x - h)) / (2 * h)
    end
    for name, f in pairs {
      cholesky = function(s)
        return random.multivariate_normal(key, { 0, 0 }, cov * s, {}):sum()
      end,
      eigh = function(s)
        return random.multivariate_normal(key, { 0, 0 }, cov * s, {}, { method = 'eigh' }):sum()
      end,
      svd = function(s)
        return random.multivariate_normal(key, { 0, 0 }, cov * s, {}, { method = 'svd' }):sum()
      end,
      wishart = function(s) return random.wishart(key, 4, cov * s, {}):sum() end,
      truncated = function(s) return random.truncated_normal(key, s, 2 * s, {}) end,
      tail = function(s) return random.truncated_normal(key, s + 5, 2 * s + 5, {}) end,
    } do
      local x = np.array(0.8, 'f64')
      local slope = imnn.grad(f)(x):item()
      assert.is.near(difference(f, x, 1e-5):item(), slope, 1e-6 * (1 + math.abs(slope)), name)
    end
  end)

  it('misuse is an error with a sentence', function()
    for what, fn in pairs {
      ['random%.gamma: a must be a number or an Array, got nil$'] = function()
        random.gamma(key)
      end,
      ['random%.gumbel: mode is "high" or "low", got "hgh"; did you mean "high"%?$'] = function()
        random.gumbel(key, {}, { mode = 'hgh' })
      end,
      ['random%.gamma: mode is "low", got "high"'] = function()
        random.gamma(key, 1, {}, { mode = 'high' })
      end,
      ['random%.gamma: unknown option "dtyp"; did you mean "dtype"%?$'] = function()
        random.gamma(key, 1, {}, { dtyp = 'f64' })
      end,
      ['random%.bits: words have 8, 16, 32 or 64 bits, not 7$'] = function()
        random.bits(key, {}, 7)
      end,
      ['random%.permutation: no axis 3'] = function()
        random.permutation(key, np.ones { 2, 2 }, { axis = 3 })
      end,
      ['random%.permutation: needs a whole number, an Array or a list, got 2%.5$'] = function()
        random.permutation(key, 2.5)
      end,
      ['random%.permutation: unknown option "axes"; did you mean "axis"%?$'] = function()
        random.permutation(key, 3, { axes = 1 })
      end,
      ['random%.shuffle: needs an Array or a list, got a number; see permutation$'] = function()
        random.shuffle(key, 3)
      end,
      ['random%.choice: 4 draws of 3 without replacement$'] = function()
        random.choice(key, 3, { 4 }, { replace = false })
      end,
      ['random%.choice: there is nothing to choose from$'] = function() random.choice(key, 0) end,
      ['random%.choice: p %(2%), but there are 3 to choose from$'] = function()
        random.choice(key, 3, {}, { p = { 0.5, 0.5 } })
      end,
      ['random%.categorical: logits %(2, 3%) without axis 2 do not broadcast to %(3%)$'] =
        function() random.categorical(key, np.ones { 2, 3 }, { shape = { 3 } }) end,
      ['random%.categorical: 4 draws of 3 categories without replacement$'] = function()
        random.categorical(key, { 0, 1, 2 }, { shape = { 4 }, replace = false })
      end,
      ['random%.multivariate_normal: cov is %(%.%.%., n, n%) with n = 2, got %(3, 3%)$'] =
        function() random.multivariate_normal(key, { 0, 0 }, np.eye(3)) end,
      ['random%.multivariate_normal: method is "cholesky" or "eigh" or "svd", got "qr"'] =
        function() random.multivariate_normal(key, { 0, 0 }, np.eye(2), {}, { method = 'qr' }) end,
      ['random%.multivariate_normal: parameters do not broadcast to the shape %(2%)$'] =
        function() random.multivariate_normal(key, np.ones { 3, 2 }, np.eye(2), {}) end,
      ['random%.truncated_normal: needs lower below upper everywhere$'] = function()
        random.truncated_normal(key, np.array { 1, 2 }, np.array { 2, 1 })
      end,
      ['random%.truncated_normal: bounds are numbers or Arrays, got a string$'] = function()
        random.truncated_normal(key, 'a', 1)
      end,
      ['random%.orthogonal: n must be a whole number, got nothing$'] = function()
        random.orthogonal(key)
      end,
      ['random%.latin_hypercube: d must be a positive integer, got 0$'] = function()
        random.latin_hypercube(key, 3, 0)
      end,
      ['random%.halton: unknown option "keys"; did you mean "key"%?$'] = function()
        random.halton(3, 2, { keys = key })
      end,
      ['random%.wishart: scale needs two axes, %(%.%.%., n, n%), got %(%)$'] = function()
        random.wishart(key, 3, 1)
      end,
      ['random%.gamma: a key has shape %(2%), got a number$'] = function() random.gamma(1, 2) end,
      ['random%.gamma: a %(3%) does not broadcast to %(2%)$'] = function()
        random.gamma(key, np.ones { 3 }, { 2 })
      end,
      ['random%.beta: the parameters do not broadcast, %(3%) and %(2%)$'] = function()
        random.beta(key, np.ones { 3 }, np.ones { 2 })
      end,
      ['random%.t: dtype must be f32 or f64, got i32$'] = function()
        random.t(key, 3, {}, 'i32')
      end,
      ['random%.poisson: a shape is a table of sizes, got string$'] = function()
        random.poisson(key, 3, 'f64')
      end,
      ['random%.randint: minval must be a number or an Array, got nil$'] = function()
        random.randint(key, { 2 })
      end,
      ['random%.randint: dtype must be i32 or u32, got f32$'] = function()
        random.randint(key, { 2 }, 0, 5, 'f32')
      end,
      ['random%.dirichlet: .*alpha needs an axis of concentrations$'] = function()
        random.dirichlet(key, 1)
      end,
      ['random%.multinomial: p needs an axis of probabilities$'] = function()
        random.multinomial(key, 5, 0.5)
      end,
      ['random%.ball: d must be a positive integer, got 0$'] = function() random.ball(key, 0) end,
    } do
      local text = message(fn)
      assert.matches(what, text)
      assert.matches('^tests/lua/random_spec%.lua:%d+: ', text)
    end
  end)
end)
