--- Ordinary differential equations against solutions in closed form, and their derivatives.
local imnn = require 'imnn'
local hdf5 = require 'imnn.data.hdf5'
local message = require 'tests.support.message'
local integrate, np = imnn.scipy.integrate, imnn.np

local function f64(x) return np.array(x, 'f64') end
local function close(expected, y, room)
  assert.same(expected.shape, y.shape)
  local most = np.abs(expected - y):max():item()
  assert.is_true(most <= room, ('off by %g, at most %g'):format(most, room))
end

local times = np.linspace(0.5, 3, 6, 'f64')
local weights = f64 { 0.3, 1, -2, 0.5, 1.5, -0.7 }

-- dy/dt = -k y + s sin t: e^(-k t) decays to (k sin t - cos t) s / (k^2 + 1)
local function decay(k, y0, s, t)
  local function limit(x) return s * (k * np.sin(x) - np.cos(x)) / (k * k + 1) end
  return (y0 - limit(t[1])) * np.exp(-k * (t - t[1])) + limit(t)
end
local function slope(y, t, k, s) return -k * y + s * np.sin(t) end

local tight = { rtol = 1e-11, atol = 1e-11 }
local ways = {
  ['odeint, with arguments'] = function(k, y0, s, t)
    return integrate.odeint(slope, y0, t, k, s, tight)
  end,
  ['odeint, with what it captures'] = function(k, y0, s, t)
    local rate = np.exp(np.log(k))
    return integrate.odeint(function(y, at) return slope(y, at, rate, s) end, y0, t, tight)
  end,
  ['rk4'] = function(k, y0, s, t) return integrate.rk4(slope, y0, t, k, s, { steps = 100 }) end,
}
local at = { f64(1.3), f64(0.7), f64(0.4), times }
local names = { 'a parameter', 'the start', 'another parameter', 'times' }

for name, solution in pairs(ways) do
  describe(name, function()
    local function weighed(f) return function(...) return (f(...) * weights):sum() end end

    it('gives the solution, compiled, backwards, in a batch and in f32', function()
      close(decay(unpack(at)), solution(unpack(at)), 1e-9)
      close(decay(unpack(at)), imnn.jit(solution)(unpack(at)), 1e-9)
      local k, y0, s = unpack(at)
      local down = np.flip(times)
      close(decay(k, y0, s, down), solution(k, y0, s, down), 1e-9)
      local every = f64 { 0.5, 1, 2, 9 }
      local function of(f) return imnn.vmap(function(rate) return f(rate, y0, s, times) end) end
      close(of(decay)(every), of(solution)(every), 1e-8)
      close(of(decay)(every), imnn.jit(of(solution))(every), 1e-8)
      local single = {}
      for i, x in ipairs(at) do single[i] = x:astype 'f32' end
      local y = solution(unpack(single))
      assert.equal('f32', y.dtype)
      close(decay(unpack(single)), y, 2e-6)
    end)

    for i, what in ipairs(names) do
      it('has derivatives in ' .. what .. ', in both modes', function()
        local expected = imnn.grad(weighed(decay), { argnums = i })(unpack(at))
        close(expected, imnn.grad(weighed(solution), { argnums = i })(unpack(at)), 2e-9)
        close(expected, imnn.jacfwd(weighed(solution), { argnums = i })(unpack(at)), 5e-9)
        close(imnn.jacfwd(decay, { argnums = i })(unpack(at)),
          imnn.jacfwd(solution, { argnums = i })(unpack(at)), 5e-9)
      end)
    end

    it('has second derivatives, and derivatives of batches', function()
      local k, y0, s = unpack(at)
      local function of(f) return function(x) return weighed(f)(x[1], x[2], s, times) end end
      local x = f64 { k:item(), y0:item() }
      close(imnn.hessian(of(decay))(x), imnn.hessian(of(solution))(x), 1e-8)
      local many = f64 { { 0.5, 1 }, { 2, 0.3 }, { 7, -1 } }
      close(imnn.vmap(imnn.grad(of(decay)))(many), imnn.vmap(imnn.grad(of(solution)))(many), 1e-8)
      close(imnn.vmap(imnn.grad(of(decay)))(many),
        imnn.jit(imnn.vmap(imnn.grad(of(solution))))(many), 1e-8)
      close(imnn.vmap(imnn.jacfwd(of(decay)))(many), imnn.vmap(imnn.jacfwd(of(solution)))(many),
        1e-8)
      local function sum(f) return function(v) return imnn.vmap(of(f))(v):sum() end end
      close(imnn.grad(sum(decay))(many), imnn.grad(sum(solution))(many), 1e-8)
    end)
  end)
end

describe('scipy.integrate', function()
  -- Lotka and Volterra: V is constant
  local function animals(s, _, p)
    return { prey = s.prey * (p[1] - p[2] * s.pred), pred = s.pred * (p[3] * s.prey - p[4]) }
  end
  local start, p = { prey = f64(10), pred = f64(5) }, f64 { 1.1, 0.4, 0.1, 0.4 }

  it('takes trees of any arrays, as y0 and as arguments', function()
    local t = np.linspace(0, 10, 5, 'f64')
    for _, s in ipairs { integrate.odeint(animals, start, t, p),
      integrate.rk4(animals, start, t, p, { steps = 500 }) } do
      local v = p[3] * s.prey - p[4] * np.log(s.prey) + p[2] * s.pred - p[1] * np.log(s.pred)
      close(np.full({ 5 }, v[1]), v, 1e-6)
    end
    local function chain(y, _, of) -- a matrix and a vector, turned and shrunk
      return { of.turn:matmul(y[1]), -of.rates[1] * y[2] }
    end
    local turn = f64 { { 0, 1 }, { -1, 0 } }
    local y = integrate.odeint(chain, { np.eye(2, 'f64'), f64 { 1, 2, 3 } }, f64 { 0, 1, 2 },
      { turn = turn, rates = { f64(0.5), 'a name' } })
    assert.same({ 3, 2, 2 }, y[1].shape)
    close(imnn.scipy.linalg.expm(2 * turn), y[1][3], 1e-7)
    close(math.exp(-1) * f64 { 1, 2, 3 }, y[2][3], 1e-7)
  end)

  it('differentiates in everything at once', function()
    local t = np.linspace(0, 3, 4, 'f64')
    local function total(way) return function(s, q, at_times)
      local y = way(animals, s, at_times, q)
      return (y.prey * y.pred):sum()
    end end
    local exact = total(function(f, s, at_times, q)
      return integrate.rk4(f, s, at_times, q, { steps = 400 })
    end)
    local found = total(function(f, s, at_times, q)
      return integrate.odeint(f, s, at_times, q, tight)
    end)
    local a = imnn.grad(exact, { argnums = { 1, 2, 3 } })(start, p, t)
    local b = imnn.grad(found, { argnums = { 1, 2, 3 } })(start, p, t)
    close(a[1].prey, b[1].prey, 1e-7)
    close(a[1].pred, b[1].pred, 1e-7)
    close(a[2], b[2], 1e-6)
    close(a[3], b[3], 1e-6)
  end)

  it('is the solution of golden control `ode`, and near it with steps of its own', function()
    local group = hdf5.open 'tests/golden/control/control_f64.h5'.ode
    local theta, t = group['in.theta'], np.arange(21):astype 'f64' * 0.05
    local function f(y, x, q) return -q[1] * y + q[2] * np.sin(x) end
    close(group['out.y.2'], integrate.rk4(f, f64(1), t, theta)[{ { 2, 21 } }], 1e-12)
    close(group['out.y.2'], integrate.odeint(f, f64(1), t, theta)[{ { 2, 21 } }], 1e-6)
  end)

  it('turns complex numbers', function()
    local function last(w)
      return integrate.odeint(function(z) return 1i * w * z end, np.array(1, 'c128'), f64 { 0, 2 },
        tight)[2]
    end
    assert.near(math.cos(2.4), np.real(last(f64(1.2))):item(), 1e-9)
    assert.near(math.sin(2.4), np.imag(last(f64(1.2))):item(), 1e-9)
    local function real(w) return np.real(last(w)) end
    assert.near(-2 * math.sin(2.4), imnn.grad(real)(f64(1.2)):item(), 1e-8)
    assert.near(-2 * math.sin(2.4), imnn.jacfwd(real)(f64(1.2)):item(), 1e-8)
  end)

  it('ends where it begins, and stays where time does', function()
    local function f(y) return -y end
    assert.same({ 2 }, integrate.odeint(f, 2, { 5 }):totable())
    assert.same({ 2 }, integrate.rk4(f, 2, { 5 }):totable())
    assert.equal(1, imnn.grad(function(y) return integrate.odeint(f, y, { 5 })[1] end)(3):item())
    local y = integrate.odeint(f, f64(1), f64 { 0, 0, 1, 1 }, tight)
    close(np.exp(-f64 { 0, 0, 1, 1 }), y, 1e-9)
    assert.same({ 1, 1 }, integrate.odeint(function() return 0 end, 1, { 0, 1 }):totable())
  end)

  it('never looks behind the last time, and keeps to hmax', function()
    local function f(y, t) return np.where(np.le(t, 1), -y, 0 / 0) end
    close(np.exp(-f64 { 0, 0.3, 1 }), integrate.odeint(f, f64(1), f64 { 0, 0.3, 1 }), 1e-7)
    local function pulse(_, t) -- which is over before a long step sees it
      return np.where(np['and'](np.gt(t, 5), np.lt(t, 5.1)), 1, 0 * t)
    end
    local y = integrate.odeint(pulse, f64(0), f64 { 0, 10 }, { hmax = 0.05 })
    assert.near(0.1, y[2]:item(), 1e-6)
  end)

  it('says where it cannot go on, and makes NaN of it in a trace', function()
    local function explode(y) return y * y end -- 1 / (1 - t)
    local sentence = 'odeint: it cannot go on: slopes are not finite, or more than mxstep = %d '
      .. 'steps from one time to the next are needed'
    local function line(f) return (message(f):gsub('^[^:]*:%d+: ', '')) end
    assert.equal(sentence:format(10000), line(function()
      integrate.odeint(explode, 1, { 0, 2 })
    end))
    assert.equal(sentence:format(5), line(function()
      integrate.odeint(function(y) return -1000 * y end, 1, { 0, 2 }, { mxstep = 5 })
    end))
    local traced = imnn.jit(function(t) return integrate.odeint(explode, f64(1), t) end)
    local y = traced(f64 { 0, 0.5, 2 })
    assert.same({ false, false, true }, np.isnan(y):totable())
    assert.near(2, y[2]:item(), 1e-6)
    -- beside examples that go on
    local every = imnn.vmap(function(y0)
      return integrate.odeint(explode, y0, f64 { 0, 2 }, { mxstep = 300 })[2]
    end)
    local found = imnn.jit(every)(f64 { 0.25, 1 })
    assert.near(0.5, found[1]:item(), 1e-6)
    assert.is_true(np.isnan(found[2]):item())
  end)

  it('refuses what has no meaning', function()
    local function f(y) return -y end
    for text, bad in pairs {
      ['odeint: needs a function, got number'] = function() integrate.odeint(1, 1, { 0, 1 }) end,
      ['odeint: t must be times (n), got ()'] = function() integrate.odeint(f, 1, 0) end,
      ['rk4: t must be times (n), got (2, 1)'] = function()
        integrate.rk4(f, 1, { { 0 }, { 1 } })
      end,
      ['odeint: y0 holds no arrays'] = function() integrate.odeint(f, {}, { 0, 1 }) end,
      ['odeint: func gives (2) for (3)'] = function()
        integrate.odeint(function() return np.zeros { 2 } end, np.zeros { 3 }, { 0, 1 })
      end,
      ['odeint: func gives {*}, y0 is *'] = function()
        integrate.odeint(function(y) return { y } end, 1, { 0, 1 })
      end,
      ['odeint: method is "dopri5" or "rk4", got "rk5"'] = function()
        integrate.odeint(f, 1, { 0, 1 }, { method = 'rk5' })
      end,
      ['odeint: rtol must not be negative'] = function()
        integrate.odeint(f, 1, { 0, 1 }, { rtol = -1 })
      end,
      ['rk4: steps must be positive, got 0'] = function()
        integrate.rk4(f, 1, { 0, 1 }, { steps = 0 })
      end,
      ['odeint: hmax must be positive, got 0'] = function()
        integrate.odeint(f, 1, { 0, 1 }, { hmax = 0 })
      end,
    } do
      assert.equal(text, (message(bad):gsub('^[^:]*:%d+: ', '')))
    end
  end)

  it('takes fixed steps by name, whose derivatives are of any order', function()
    local function last(k)
      return integrate.odeint(function(y) return -k * y end, f64(1), f64 { 0, 1 },
        { method = 'rk4', steps = 50 })[2]
    end
    local g = imnn.grad(imnn.grad(imnn.grad(last)))
    assert.near(-math.exp(-1), g(f64(1)):item(), 1e-6)
    assert.near(math.exp(-1), imnn.grad(imnn.jacfwd(last))(f64(1)):item(), 1e-6)
  end)
end)
