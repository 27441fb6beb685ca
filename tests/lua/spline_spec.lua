--- Splines as bijectors, against independent numbers (tests/golden/lfi/README.md) and by what
-- follows from their definition.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local stats = require 'tests.support.statistics'
local np, random, distributions = imnn.np, imnn.random, imnn.distributions
local bijectors = distributions.bijectors

local FALSE_ALARM = 1e-4 -- of each test of draws: 1 seed in 10^4

local golden = imnn.data.hdf5.open 'tests/golden/lfi/spline.h5'

local function wide(x) return np.array(x, 'f64') end

local function off(a, b) return np.max(np.abs(a - b)):item() end

local function near(a, b, tolerance)
  assert.same(np.array(a).shape, np.array(b).shape)
  local d = off(a, b)
  assert.is_true(d <= tolerance, tostring(d))
end

-- Some of three bins.
local widths, heights, slopes = { 1.5, 2, 2.5 }, { 2.5, 1.5, 2 }, { 1, 0.5, 2, 1 }
local function example(dtype)
  local function of(x) return dtype and np.array(x, dtype) or x end
  return bijectors.rational_quadratic_spline(of(widths), of(heights), of(slopes))
end

-- Splines of any kind, flat, steep and narrow ones: n of 8 bins, and points in and outside of them.
local function many(n, seed)
  local keys = random.split(random.PRNGKey(seed), 2)
  local params = 3 * random.normal(keys[1], { n, 23 }, { dtype = 'f64' })
  return params, random.uniform(keys[2], { n, 50 }, { minval = -6, maxval = 6, dtype = 'f64' })
end

describe('splines agree with', function()
  for _, case in ipairs { { 'f64', 1e-9 }, { 'f32', 2e-5 } } do
    it('golden, in ' .. case[1], function()
      local function of(name) return golden[name]:astype(case[1]) end
      local s = bijectors.rational_quadratic_spline(of 'widths', of 'heights', of 'derivatives')
      local bound = golden:attributes().bound
      near(bound, golden.widths:sum() / 2, 1e-14)
      local x, y = of 'x', of 'y'
      local got = { s.forward(x), s.inverse(y), np.exp(s.log_det(x)) }
      for i, expected in ipairs { golden.y, golden.x, golden.dydx } do
        assert.equal(case[1], got[i].dtype)
        near(np.ones { #x }, got[i] / expected, case[1] == 'f64' and 1e-12 or case[2])
      end
      -- without the derivatives of 1 at both ends, and with the corner by name
      local K = #golden.widths
      local inner = bijectors.rational_quadratic_spline(of 'widths', of 'heights',
        of('derivatives')[{ { 2, K } }], { low = -bound })
      near(got[1], inner.forward(x), case[1] == 'f64' and 1e-14 or 1e-6)
    end)
  end

  it('the numbers of a spline of three bins', function()
    local s, x = example(), wide { -2, 0, 0.7, 2 }
    near(wide { -1.0882352941, 0.325, 1.3373493976, 2.3521126761 }, s.forward(x), 5e-11)
    near(wide { 1.8814878893, 0.92, 1.4259732054, 0.5276730807 }, np.exp(s.log_det(x)), 5e-11)
  end)
end)

describe('a spline', function()
  it('goes through its knots with the slopes there, and on straight lines outside', function()
    local s = bijectors.rational_quadratic_spline({ 1, 2 }, { 3, 1 }, { 0.5, 4, 2 }, { low = 1 })
    local x = wide { 0, 1, 2, 4, 6 }
    near(wide { 0.5, 1, 4, 5, 9 }, s.forward(x), 1e-14)
    near(x, s.inverse(wide { 0.5, 1, 4, 5, 9 }), 1e-14)
    near(wide { 0.5, 0.5, 4, 2, 2 }, np.exp(s.log_det(x)), 1e-14)
    local far = wide { -math.huge, math.huge }
    assert.same({ -math.huge, math.huge }, s.forward(far):totable())
    assert.same({ -math.huge, math.huge }, s.inverse(far):totable())
    for _, name in ipairs { 'forward', 'inverse', 'log_det' } do
      assert.is_true(np.isnan(s[name](wide(0 / 0))):item())
    end
  end)

  it('of one bin is a ratio of polynomials, of a straight line the line', function()
    local s = bijectors.rational_quadratic_spline({ 2 }, { 2 }, { 3, 3 })
    local r = (1 + 0.5) / 2 -- eq. 4 of the paper
    near(-1 + 2 * (r * r + 3 * r * (1 - r)) / (1 + (6 - 2) * r * (1 - r)), s.forward(wide(0.5)),
      1e-15)
    local line = bijectors.rational_quadratic_spline({ 1, 3 }, { 1, 3 }, { 1 })
    local x = np.linspace(-3, 3, 25):astype 'f64'
    near(x, line.forward(x), 1e-15)
    near(x, line.inverse(x), 1e-15)
    near(0 * x, line.log_det(x), 1e-15)
  end)

  it('is undone by its inverse to 1e-12, flat and steep ones', function()
    local params, x = many(400, 1)
    local function there_and_back(p, v)
      local s = bijectors.neural_spline(p)
      return s.inverse(s.forward(v)), s.forward(v), s.log_det(v), s.forward(s.inverse(v))
    end
    local back, y, slope, again = imnn.jit(imnn.vmap(there_and_back))(params, x)
    -- where it is flat, down to slopes of 1e-6, x is known as well as the last digits of y tell
    local rounding = 5 * 2 ^ -52 * np.exp(-slope)
    local error = np.abs(back - x)
    assert.is_true(np.all(np.le(error, np.maximum(8 * rounding, 1e-14))):item())
    assert.is_true(np.all(np.le(error[np.gt(slope, math.log(0.01))], 1e-12)):item())
    near(x, again, 1e-12)
    local order = np.argsort(x, { axis = 2 })
    local rising = np.diff(np.take_along_axis(y, order, 2), { axis = 2 })
    assert.is_true(np.all(np.ge(rising, 0)):item())
  end)

  it('has the derivative that log_det says, and no other where it is not', function()
    local params, x = many(40, 2)
    local function one(p, v)
      local s = bijectors.neural_spline(p)
      local slopes_of = imnn.vmap(imnn.grad(s.forward))
      local back = imnn.vmap(imnn.grad(s.inverse))
      return np.log(slopes_of(v)) - s.log_det(v), np.log(back(s.forward(v))) + s.log_det(v)
    end
    local forward, inverse = imnn.jit(imnn.vmap(one))(params, x)
    assert.is_true(np.max(np.abs(forward)):item() < 1e-9)
    assert.is_true(np.max(np.abs(inverse)):item() < 1e-6)
    local s = example 'f64'
    local at = wide { -1e300, -9, -3, -1.5, 0.5, 3, 9, 1e300 } -- far away, and at knots
    for _, name in ipairs { 'forward', 'inverse', 'log_det' } do
      local slope = imnn.vmap(imnn.grad(s[name]))(at)
      assert.is_true(np.all(np.isfinite(slope)):item(), name)
    end
    near(wide { 1, 1, 1, 0.5, 2, 1, 1, 1 }, imnn.vmap(imnn.grad(s.forward))(at), 1e-14)
    -- where a symmetric one turns round
    local odd = bijectors.rational_quadratic_spline({ 2 }, { 2 }, { 3, 3 })
    near(wide(2), imnn.grad(odd.inverse)(wide(0)), 1e-14)
    near(wide(0.5), imnn.grad(odd.forward)(wide(0)), 1e-14)
  end)

  it('has derivatives in widths, heights and derivatives', function()
    local at = wide { -7, -3, -1.5, -1, 0.2, 0.9, 2.9, 3, 8 }
    for _, what in ipairs { 'forward', 'inverse', 'log_det' } do
      local function fn(w, h, d, v)
        return bijectors.rational_quadratic_spline(w, h, d)[what](v)
      end
      for _, v in ipairs(at:totable()) do
        -- at knots there are two derivatives: from there on
        local knot = math.abs(v) == 3 or v == -1.5
        local given = { wide(widths), wide(heights), wide(slopes), wide(v) }
        for k = 1, 3 do
          local slope = imnn.grad(fn, k)(unpack(given))
          assert.is_true(np.all(np.isfinite(slope)):item())
          for i = 1, knot and 0 or #slope do
            local function moved(step)
              local list = { unpack(given) }
              list[k] = list[k]:at(i):add(step)
              return fn(unpack(list)):item()
            end
            local h = 1e-6
            assert.near((moved(h) - moved(-h)) / (2 * h), slope[i]:item(), 1e-7)
          end
        end
      end
    end
  end)

  it('of components: each its own, with any leading axes', function()
    local params = random.normal(random.PRNGKey(3), { 3, 14 }, { dtype = 'f64' })
    local all = bijectors.neural_spline(params, { bound = 2 })
    local x = 2 * random.normal(random.PRNGKey(4), { 4, 5, 3 }, { dtype = 'f64' })
    for _, what in ipairs { 'forward', 'inverse', 'log_det' } do
      local y = all[what](x)
      assert.same({ 4, 5, 3 }, y.shape)
      for i = 1, 3 do
        local own = bijectors.neural_spline(params[i], { bound = 2 })[what](x[{ '...', i }])
        near(own, y[{ '...', i }], 1e-15)
      end
      near(y, imnn.jit(all[what])(x), 1e-14)
      near(y, imnn.vmap(imnn.vmap(all[what]))(x), 1e-14)
    end
    assert.same({ 3 }, all.forward(0.5).shape) -- one number for all of them
    local rows = bijectors.rational_quadratic_spline({ { 1, 1 }, { 2, 2 } }, { { 1, 1 }, { 2, 2 } },
      { 2 }, { low = { 0, -1 } })
    near(wide { 1, 1 }, rows.forward(wide { 1, 1 }), 0)
    near(wide { -1, -1 }, rows.inverse(wide { -1, -1 }), 0)
  end)
end)

describe('a neural spline', function()
  it('has shares by softmax and slopes by softplus, above a floor', function()
    local raw = random.normal(random.PRNGKey(5), { 8 }, { dtype = 'f64' })
    local function share(x)
      local e = np.exp(x)
      return 2 * 4 * (0.01 + (1 - 3 * 0.01) * e / e:sum())
    end
    local known = bijectors.rational_quadratic_spline(share(raw[{ { 1, 3 } }]),
      share(raw[{ { 4, 6 } }]), 0.01 + np.log(1 + np.exp(raw[{ { 7, 8 } }])))
    local s = bijectors.neural_spline(raw, { bound = 4, floor = 0.01 })
    local x = np.linspace(-5, 5, 41):astype 'f64'
    near(known.forward(x), s.forward(x), 1e-13)
    near(known.inverse(x), s.inverse(x), 1e-13)
    near(known.log_det(x), s.log_det(x), 1e-12)
    assert.same({ -5, 5, -4.5 }, s.forward(wide { -5, 5, -4.5 }):totable())
  end)

  it('is the identity where slopes are 1 and bins equal', function()
    local one = math.log(math.exp(1 - 1e-3) - 1)
    local raw = np.concatenate { np.zeros({ 16 }, 'f64'), np.full({ 7 }, one, 'f64') }
    local x = np.linspace(-6, 6, 41):astype 'f64'
    near(x, bijectors.neural_spline(raw).forward(x), 1e-14)
  end)

  it('stays in bounds whatever a network gives', function()
    for _, size in ipairs { 1e3, 1e30 } do
      local raw = np.where(np.eq(np.arange(23) % 3, 0), size, -size)
      local s = bijectors.neural_spline(raw)
      local x = np.linspace(-5, 5, 101)
      local y = s.forward(x)
      assert.is_true(np.all(np.le(np.abs(y), 5.00001)):item())
      assert.is_true(np.all(np.ge(np.diff(y), -1e-6)):item())
      for _, what in ipairs { 'forward', 'inverse' } do
        local slope = imnn.grad(function(p)
          return bijectors.neural_spline(p)[what](x):sum()
        end)(raw)
        assert.is_true(np.all(np.isfinite(slope)):item())
      end
    end
  end)
end)

describe('a distribution through a spline', function()
  local key = random.PRNGKey(6)
  local function uniform(p) return p end

  for name, s in pairs {
    ['three bins'] = example(),
    ['any spline'] = bijectors.neural_spline(random.normal(key, { 23 }) / 2, { bound = 3 }),
    ['its inverse'] = bijectors.inverse(example()),
    ['in a chain'] = bijectors.chain { bijectors.affine(0.5, -1), example() },
  } do
    it('has a density of mass 1, the slope of its cdf, and draws of it: ' .. name, function()
      local d = distributions.transformed(distributions.normal(), s)
      -- by the midpoint rule; the density is continuous, with kinks at knots
      local n = 40000
      local t = (np.arange(n):astype 'f64' - 0.5) / n * 20 - 10
      assert.near(1, (d:prob(t):sum() * 20 / n):item(), 1e-6)
      near(d:cdf(wide(1.5)), d:prob(np.where(np.lt(t, 1.5), t, math.huge)):sum() * 20 / n, 1e-6)
      local x = d:quantile(wide { 0.05, 0.4, 0.8 })
      near(wide { 0.05, 0.4, 0.8 }, d:cdf(x), 1e-12)
      local slope = imnn.vmap(imnn.grad(function(v) return d:cdf(v) end))(x)
      near(np.ones { 3 }, slope / d:prob(x), 1e-8)
      local draws = d:sample(random.split(key)[1], 4000)
      assert.is_true(stats.kolmogorov(d:cdf(draws):values(), uniform) > FALSE_ALARM)
    end)
  end

  it('makes a vector of a number, and of each component what it should', function()
    local s = bijectors.neural_spline(random.normal(key, { 2, 11 }, { dtype = 'f64' }))
    local one = distributions.transformed(distributions.normal(), s)
    local two = distributions.transformed(distributions.normal({ 0, 0 }, 1), s)
    assert.same({ 2 }, one.event_shape)
    local x = one:sample(key, { 3, 4 })
    assert.same({ 3, 4, 2 }, x.shape)
    near(two:log_prob(x), one:log_prob(x), 0)
    assert.same({ 3, 4 }, one:log_prob(x).shape)
    for _, b in ipairs { bijectors.inverse(s), bijectors.chain { bijectors.exp(), s } } do
      assert.same({ 5, 2 }, distributions.transformed(distributions.normal(), b):sample(key, 5)
        .shape)
    end
    -- vectors that have no independent components
    local normal = distributions.multivariate_normal({ 0, 0 }, { { 1, 0.5 }, { 0.5, 1 } })
    local joint = distributions.transformed(normal, s)
    local v = s.inverse(x)
    near(normal:log_prob(v) - s.log_det(v):sum { axis = -1 }, joint:log_prob(x), 1e-12)
    near(s.forward(normal:sample(key, 5)), joint:sample(key, 5), 1e-6)
  end)

  it('is fitted by the slope of its likelihood', function()
    local data = random.gamma(key, 3, { 500 }) / 2 - 1.5
    local function loss(p)
      local d = distributions.transformed(distributions.normal(), bijectors.neural_spline(p))
      return -d:log_prob(data):mean()
    end
    local optimiser = imnn.optimizers.adam(0.05)
    local state, step = optimiser.init(np.zeros { 14 }), imnn.jit(imnn.value_and_grad(loss))
    local first, last
    for k = 0, 300 do
      local value, slope = step(optimiser.get_params(state))
      first, last = first or value:item(), value:item()
      state = optimiser.update(k, slope, state)
    end
    local known = -distributions.gamma(3, -1.5, 0.5):log_prob(data):mean():item()
    assert.is_true(last < first - 0.1 and last < known + 0.05, last .. ' ' .. known)
  end)
end)

describe('splines refuse', function()
  local function refuses(sentence, fn)
    local why = message(fn)
    assert.matches('^tests/lua/spline_spec.lua:%d+: ', why)
    assert.equal(sentence, why:match ':%d+: (.*)$')
  end
  local spline, neural = bijectors.rational_quadratic_spline, bijectors.neural_spline
  local who = 'bijectors.rational_quadratic_spline: '

  it('what makes none', function()
    for sentence, list in pairs {
      ['there are 2 widths, but 3 heights'] = { { 1, 1 }, { 1, 1, 1 }, { 1 } },
      ['of 2 bins there are 1 derivatives, or 3 with those at the ends; got 2'] =
        { { 1, 1 }, { 1, 1 }, { 1, 1 } },
      ['widths must be above 0, got -1'] = { { 3, -1 }, { 1, 1 }, { 1 } },
      ['heights must be above 0, got 0'] = { { 1, 1 }, { 2, 0 }, { 1 } },
      ['derivatives must be above 0, got -2'] = { { 1, 1 }, { 1, 1 }, { -2 } },
      ['widths must be a list, got one number'] = { 1, { 1 }, { 1, 1 } },
      ['widths[2] must be a finite number, got inf'] = { { 1, math.huge }, { 1, 1 }, { 1 } },
      ['heights must be a number, a list or an Array, got nil'] = { { 1, 1 } },
      ['widths and heights do not broadcast, (2) and (3)'] = { np.ones { 2, 4 }, np.ones { 3, 4 },
        np.ones { 3 } },
      ['widths and derivatives do not broadcast, (2) and (3)'] = { np.ones { 2, 4 },
        np.ones { 2, 4 }, np.ones { 3, 3 } },
      ['widths and low do not broadcast, (2) and (3)'] = { np.ones { 2, 4 }, np.ones { 4 },
        np.ones { 3 }, { low = { 1, 2, 3 } } },
      ['unknown option "lwo"; did you mean "low"?'] = { { 1 }, { 1 }, { 1, 1 }, { lwo = 1 } },
    } do
      refuses(who .. sentence, function() spline(unpack(list, 1, 4)) end)
    end
    who = 'bijectors.neural_spline: '
    for sentence, list in pairs {
      ['params of K bins are 3 K - 1 numbers, 5, 8, 11, ..., got 7'] = { np.zeros { 7 } },
      ['params of K bins are 3 K - 1 numbers, 5, 8, 11, ..., got 2'] = { np.zeros { 4, 2 } },
      ['params of K bins are 3 K - 1 numbers, 5, 8, 11, ..., got 1'] = { 3 },
      ['bound must be above 0, got 0'] = { np.zeros { 5 }, { bound = 0 } },
      ['floor is a share from 0 to below 1 / 2, got 0.5'] = { np.zeros { 5 }, { floor = 0.5 } },
    } do
      refuses(who .. sentence, function() neural(unpack(list)) end)
    end
  end)
end)
