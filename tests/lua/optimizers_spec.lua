--- Optimisers and schedules, against those of JAX and Optax.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, optimizers, tree = imnn.np, imnn.optimizers, imnn.tree

local schedule = {
  constant = 0.1,
  exponential = optimizers.exponential_decay(0.1, 3, 0.5),
  inverse_time = optimizers.inverse_time_decay(0.1, 3, 2),
  inverse_time_staircase = optimizers.inverse_time_decay(0.1, 3, 2, true),
  polynomial = optimizers.polynomial_decay(0.1, 6, 0.01),
  piecewise = optimizers.piecewise_constant({ 2, 5 }, { 0.1, 0.03, 0.007 }),
}

local function arrays(t, dtype, without)
  local out = {}
  for name, leaf in pairs(t) do
    if name ~= without then out[name] = np.array(leaf, dtype) end
  end
  return out
end

local function all_values(t)
  local out = {}
  for _, x in ipairs(tree.leaves(t)) do
    for _, v in ipairs(x:values()) do out[#out + 1] = v end
  end
  return np.array(out, 'f64')
end

local function agrees(expected, got, case, what)
  local why = golden.difference({ y = expected, rtol = case.rtol, atol = case.atol },
    all_values(got))
  assert.is_nil(why, why and what .. ': ' .. why)
end

local function settings_of(case)
  local out, any = {}, false
  for _, name in ipairs { 'mass', 'momentum', 'gamma', 'eps', 'b1', 'b2' } do
    out[name] = case[name]
    any = any or case[name] ~= nil
  end
  return any and out or nil
end

describe('optimisers give the numbers of JAX', function()
  for _, dtype in ipairs { 'f32', 'f64' } do
    local data = dofile('tests/golden/optimizers/steps_' .. dtype .. '.lua')
    for _, case in ipairs(data.cases) do
      local rule = case[1]
      local without = rule == 'sm3' and 'c' or nil
      it(('%s, %s, %s, %s'):format(rule, case.lr, case.step, dtype), function()
        local settings = settings_of(case)
        if rule == 'sm3' and settings then settings = settings.momentum end
        local o = optimizers[rule](schedule[case.lr], settings)
        local update = o.update
        if case.step == 'traced' then update = imnn.jit(update) end
        local state = o.init(arrays(data.params, dtype, without))
        for i = 0, 9 do
          local step = case.step == 'traced' and np.array(i, dtype) or i
          state = update(step, arrays(data.grads[i + 1], dtype, without), state)
          if i == 2 and case.third then agrees(case.third, o.get_params(state), case, 'step 3') end
        end
        agrees(case.last, o.get_params(state), case, 'step 10')
        assert.equal(dtype, o.get_params(state).a.dtype)
      end)
    end
  end
end)

describe('schedules give the numbers of JAX', function()
  for _, case in ipairs(dofile 'tests/golden/optimizers/schedules.lua') do
    it(case[1], function()
      local fn = setfenv(loadstring('return ' .. case[1]), optimizers)()
      local host, traced = {}, {}
      local compiled = imnn.jit(function(i) return 0 * i + fn(i) end)
      for k, i in ipairs(case.i) do
        host[k], traced[k] = fn(i), compiled(np.array(i, 'f64')):item()
      end
      for what, y in pairs { host = case.host or case.y, traced = case.traced or case.y } do
        local got = np.array(what == 'host' and host or traced, 'f64')
        local why = golden.difference({ y = y, rtol = 1e-12 }, got)
        assert.is_nil(why, why and what .. ': ' .. why)
      end
    end)
  end
end)

-- The loss sum((w - 3)^2) from (1, 2): four steps of size 0.1, f32.
local table_of_steps = {
  sgd = { 1.4, 2.2, 1.72, 2.36, 1.976, 2.488, 2.1808, 2.5904 },
  momentum = { 1.4, 2.2, 2.08, 2.54, 2.876, 2.938, 3.6172, 3.3086 },
  nesterov = { 1.76, 2.38, 2.5552, 2.7776, 3.216704, 3.108352, 3.649646, 3.324823 },
  adagrad = { 1.01, 2.01, 1.0260533, 2.0260355, 1.046234, 2.0461586, 1.0693315, 2.0691378 },
  sm3 = { 1.01, 2.01, 1.0260533, 2.0260355, 1.046234, 2.0461586, 1.0693315, 2.0691378 },
  rmsprop = { 1.3162278, 2.3162277, 1.5261247, 2.5011294, 1.6912822, 2.6308193, 1.8301603,
    2.727175 },
  rmsprop_momentum = { 1.3162278, 2.3162277, 1.8107297, 2.7857342, 2.3958805, 3.2682567, 2.9955068,
    3.6257563 },
  adam = { 1.0999993, 2.0999994, 1.1998318, 2.1995862, 1.2993746, 2.2984118, 1.3984921, 2.396058 },
  adamax = { 1.1, 2.1, 1.1974659, 2.1948316, 1.2923517, 2.2845004, 1.3846161, 2.3690267 },
  adamw = { 1.0989994, 2.0979993, 1.197735, 2.1954997, 1.296086, 2.2921653, 1.39392, 2.3875961 },
  lion = { 1.0999, 2.0998, 1.19979, 2.1995902, 1.29967, 2.2993703, 1.3995401, 2.3991404 },
}
local required = { momentum = { mass = 0.9 }, nesterov = { mass = 0.9 },
  adamw = { weight_decay = 0.01 } }

local function slope(w) return 2 * (w - 3) end

describe('every optimiser', function()
  for name, expected in pairs(table_of_steps) do
    it(name .. ' takes the steps of the table', function()
      local o = optimizers[name](0.1, required[name])
      local state = o.init(np.array { 1, 2 })
      local got = {}
      for i = 0, 3 do
        state = o.update(i, slope(o.get_params(state)), state)
        for _, v in ipairs(o.get_params(state):values()) do got[#got + 1] = v end
      end
      local why = golden.difference({ y = expected, rtol = 2e-6 }, np.array(got, 'f64'))
      assert.is_nil(why, why)
    end)
  end

  -- By hand, in Lua's doubles, from the published algorithms: one weight, g_t = 2 (w - 3).
  local by_hand = {
    nadam = function(s, g, t)
      s.m, s.v = 0.1 * g + 0.9 * (s.m or 0), 0.001 * g ^ 2 + 0.999 * (s.v or 0)
      local mean = 0.9 * s.m / (1 - 0.9 ^ (t + 1)) + 0.1 * g / (1 - 0.9 ^ t)
      return mean / (math.sqrt(s.v / (1 - 0.999 ^ t)) + 1e-8)
    end,
    amsgrad = function(s, g, t)
      s.m, s.v = 0.1 * g + 0.9 * (s.m or 0), 0.001 * g ^ 2 + 0.999 * (s.v or 0)
      s.top = math.max(s.top or 0, s.v / (1 - 0.999 ^ t))
      return s.m / (1 - 0.9 ^ t) / (math.sqrt(s.top) + 1e-8)
    end,
    radam = function(s, g, t)
      s.m, s.v = 0.1 * g + 0.9 * (s.m or 0), 0.001 * g ^ 2 + 0.999 * (s.v or 0)
      local mean, last, p = s.m / (1 - 0.9 ^ t), 2 / 0.001 - 1, 0.999 ^ t
      local r = last - 2 * t * p / (1 - p)
      if r < 5 then return mean end
      return math.sqrt((r - 4) * (r - 2) * last / ((last - 4) * (last - 2) * r)) * mean
        / (math.sqrt(s.v / (1 - p)) + 1e-8)
    end,
    adabelief = function(s, g, t)
      s.m = 0.1 * g + 0.9 * (s.m or 0)
      s.v = 0.001 * (g - s.m) ^ 2 + 0.999 * (s.v or 0) + 1e-16
      return s.m / (1 - 0.9 ^ t) / (math.sqrt(s.v / (1 - 0.999 ^ t)) + 1e-16)
    end,
    yogi = function(s, g, t)
      s.m, s.v = 0.1 * g + 0.9 * (s.m or 0), s.v or 0
      local q = g * g
      s.v = s.v - 0.001 * (s.v > q and 1 or s.v < q and -1 or 0) * q
      return s.m / (1 - 0.9 ^ t) / (math.sqrt(s.v / (1 - 0.999 ^ t)) + 1e-3)
    end,
  }
  for name, rule in pairs(by_hand) do
    it(name .. ' takes the steps of its algorithm', function()
      local o = optimizers[name](0.1)
      local state, w, s = o.init(np.array(1, 'f64')), 1, {}
      for t = 1, 12 do
        w = w - 0.1 * rule(s, 2 * (w - 3), t)
        state = o.update(t - 1, slope(o.get_params(state)), state)
        assert.is.near(w, o.get_params(state):item(), 1e-9)
      end
    end)
  end

  it('brings the square of nested ones below 0.01 in 100 steps', function()
    local start = { np.array(1), { b = np.ones { 2 }, a = np.ones { 2, 3 } } }
    local function loss(p)
      return p[1] * p[1] + (p[2].b * p[2].b):sum() + (p[2].a * p[2].a):sum()
    end
    local pull = imnn.jit(imnn.grad(loss))
    for _, name in ipairs { 'sgd', 'momentum', 'adam', 'adagrad', 'rmsprop', 'adamax', 'sm3',
      'nesterov', 'rmsprop_momentum', 'nadam', 'amsgrad', 'yogi', 'adabelief', 'adamw' } do
      local settings = (name == 'momentum' or name == 'nesterov') and { mass = 0 } or nil
      local o = optimizers[name](0.1, settings)
      local state = o.init(start)
      for i = 0, 99 do state = o.update(i, pull(o.get_params(state)), state) end
      assert.is_true(loss(o.get_params(state)):item() < 0.01, name)
      assert.equal('{*, {a = *, b = *}}', tree.structure(o.get_params(state)))
    end
  end)

  it('sm3 keeps sums by rows and columns', function()
    local o = optimizers.sm3(0.1)
    local state = o.init(np.array { { 1, 2 }, { 3, 5 } })
    for i, expected in ipairs { { 1.01, 2.01, 3, 4.99 }, { 1.0260533, 2.0234363, 3, 4.9739466 },
      { 1.046234, 2.0387998, 3, 4.953766 } } do
      state = o.update(i - 1, slope(o.get_params(state)), state)
      agrees(expected, o.get_params(state), { rtol = 1e-6 }, 'step ' .. i)
    end
    local scalar = optimizers.sm3(0.1)
    local after = scalar.update(0, np.array(1), scalar.init(np.array(2)))
    assert.same({}, scalar.get_params(after).shape)
  end)

  it('never moves a weight of adagrad that saw no gradient', function()
    local o = optimizers.adagrad(0.1)
    local state = o.update(0, np.array { 0, 1 }, o.init(np.array { 5, 5 }))
    assert.equal(5, o.get_params(state)[1]:item())
  end)

  it('gives back its parameters, is compiled, and keeps its state a tree', function()
    local params = { W = np.ones { 2, 2 }, b = np.zeros { 2 }, none = {} }
    for name in pairs(table_of_steps) do
      local o = optimizers[name](0.1, required[name])
      local state = o.init(params)
      assert.same({ 1, 1, 1, 1 }, o.get_params(state).W:values())
      assert.equal('{W = *, b = *, none = {}}', tree.structure(o.get_params(state)))
      local compiled = imnn.jit(o.update)
      local a, b = o.update(0, params, state), compiled(np.array(0), params, state)
      for k, x in ipairs(tree.leaves(a)) do
        local y = tree.leaves(b)[k]
        assert.is_true(np.abs(x - y):max():item() < 1e-6, name)
      end
      assert.equal(tree.structure(a), tree.structure(b))
    end
  end)
end)

describe('an optimiser of the user', function()
  it('for one array becomes one for trees', function()
    local o = optimizers.optimizer {
      init = function(w) return { w = w, { sum = np.zeros_like(w) } } end,
      update = function(i, g, s)
        local sum = s[1].sum + g
        return { w = s.w - 0.1 * (i + 1) * sum, { sum = sum } }
      end,
      get_params = function(s) return s.w end,
    }
    local state = o.init { a = np.array { 1, 2 }, { np.array(3) } }
    local g = { a = np.array { 1, 1 }, { np.array(2) } }
    state = o.update(1, g, o.update(0, g, state))
    local p = o.get_params(state)
    agrees({ 1 - 0.1 - 0.4, 2 - 0.5 }, p.a, { rtol = 1e-6 }, 'a')
    agrees({ 3 - 0.2 - 0.8 }, p[1][1], { rtol = 1e-6 }, 'the other')
  end)

  it('must not change the structure of its state', function()
    local o = optimizers.optimizer({ function(w) return { w } end,
      function(_, g, s) return { s[1], g } end, function(s) return s[1] end }, 'mine')
    assert.matches('mine: update changes the state from {%*} to {%*, %*}$', message(function()
      o.update(0, np.array(1), o.init(np.array(1)))
    end))
  end)

  it('a triple by position or name is clipped like any other', function()
    local mine = { function(p) return p end,
      function(_, g, p) return tree.map(function(w, d) return w - d end, p, g) end,
      function(p) return p end }
    local o = optimizers.clip_by_global_norm(1, mine)
    local p = o.update(0, { np.array { 3, 0 }, np.array(4) }, { np.array { 0, 0 }, np.array(0) })
    agrees({ -0.6, 0, -0.8 }, p, { rtol = 1e-6, atol = 1e-7 }, 'clipped')
    local adam = optimizers.clip_by_global_norm(1, optimizers.adam(0.1))
    local state = adam.update(0, np.array { 3, 4 }, adam.init(np.array { 1, 1 }))
    agrees({ 0.9, 0.9 }, adam.get_params(state), { rtol = 1e-6 }, 'adam')
  end)
end)

describe('schedules', function()
  -- Values at steps, a plain number and a traced one.
  local function at(fn, steps, expected, tolerance)
    local traced = imnn.jit(function(i) return np.array(fn(i)) end)
    for k, i in ipairs(steps) do
      local y = fn(i)
      if np.is_array(y) then y = y:item() end
      assert.is.near(expected[k], y, tolerance or 1e-12)
      assert.is.near(expected[k], traced(np.array(i)):item(), 1e-6)
    end
  end

  it('are those of JAX', function()
    at(schedule.exponential, { 0, 1, 3, 12 }, { 0.1, 0.07937005259841, 0.05, 0.00625 })
    at(optimizers.exponential_decay(0.1, 3, 2), { 3 }, { 0.2 })
    at(schedule.inverse_time, { 0, 1, 2, 12 }, { 0.1, 0.06, 0.042857142857143, 0.011111111111111 })
    at(schedule.inverse_time_staircase, { 0, 2, 3, 5, 6 }, { 0.1, 0.1, 0.1 / 3, 0.1 / 3, 0.02 })
    at(schedule.polynomial, { 0, 1, 5, 6, 12 }, { 0.1, 0.085, 0.025, 0.01, 0.01 })
    at(optimizers.polynomial_decay(1, 50, 0.1), { 0, 25, 50, 90 }, { 1, 0.55, 0.1, 0.1 })
    at(optimizers.polynomial_decay(1, 6, 0.1, 1.5), { 3, 6, 7 },
      { 0.9 * 0.5 ^ 1.5 + 0.1, 0.1, 0.1 })
    at(optimizers.piecewise_constant({ 25, 75 }, { 1, 0.5, 0.1 }),
      { 0, 24, 25, 26, 74, 75, 76, 100 },
      { 1, 1, 1, 0.5, 0.5, 0.5, 0.1, 0.1 })
    at(optimizers.make_schedule(0.3), { 0, 9 }, { 0.3, 0.3 })
  end)

  it('and those of Optax', function()
    at(optimizers.linear(1, 0.2, 4, 2), { 0, 2, 4, 6, 9 }, { 1, 1, 0.6, 0.2, 0.2 })
    at(optimizers.cosine_decay(2, 10), { 0, 5, 10, 20 }, { 2, 1, 0, 0 })
    at(optimizers.cosine_decay(2, 10, 0.1, 2), { 0, 5, 10 }, { 2, 2 * (0.9 * 0.25 + 0.1), 0.2 })
    at(optimizers.warmup_cosine_decay(0, 1, 4, 14, 0.1), { 0, 2, 4, 9, 14, 20 },
      { 0, 0.5, 1, 0.55, 0.1, 0.1 })
    at(optimizers.join_schedules({ 1, optimizers.linear(1, 0, 4), 0.5 }, { 2, 5 }),
      { 0, 1, 2, 3, 4, 5, 9 }, { 1, 1, 1, 0.75, 0.5, 0.5, 0.5 })
    at(optimizers.sgdr { { 0, 1, 2, 6 }, { 0, 0.5, 2, 6 } }, { 0, 1, 2, 6, 7, 8, 12 },
      { 0, 0.5, 1, 0, 0.25, 0.5, 0 })
    at(optimizers.cosine_onecycle(100, 1), { 0, 15, 30, 65, 100 },
      { 0.04, 0.52, 1, (1 + 4e-6) / 2, 4e-6 })
    at(optimizers.inverse_square_root(1, 4), { 0, 3, 8 }, { 0.125, 0.5, 1 / 3 })
  end)

  it('complain about what they cannot be', function()
    for what, fn in pairs {
      ['optimizers%.piecewise_constant: 1 boundaries need one value more, got 1$'] = function()
        optimizers.piecewise_constant({ 5 }, { 1 })
      end,
      ['optimizers%.join_schedules: 1 schedules need one boundary less, got 1$'] = function()
        optimizers.join_schedules({ 1 }, { 5 })
      end,
      ['optimizers%.exponential_decay: rate must be a number, got nil$'] = function()
        optimizers.exponential_decay(1, 5)
      end,
      ['optimizers: a step size is a number or a function of the step index, got string$'] =
        function() optimizers.sgd 'fast' end,
      ['optimizers%.momentum: mass must be a number, got nil$'] = function()
        optimizers.momentum(0.1)
      end,
      ['optimizers%.adam: unknown option "beta1"'] = function()
        optimizers.adam(0.1, { beta1 = 0.5 })
      end,
      ['optimizers%.sgd: grads have the structure {a = %*}, params {b = %*}$'] = function()
        local o = optimizers.sgd(0.1)
        o.update(0, { a = np.array(1) }, o.init { b = np.array(1) })
      end,
      ['optimizers%.sgd: sgd: a gradient %(3%) for parameters %(2%)$'] = function()
        local o = optimizers.sgd(0.1)
        o.update(0, np.zeros { 3 }, o.init(np.zeros { 2 }))
      end,
      ['optimizers%.adam: this is no state of an optimiser$'] = function()
        optimizers.adam(0.1).get_params { 5 }
      end,
      ['optimizer: an optimiser is { init, update, get_params }$'] = function()
        optimizers.optimizer { np.tanh }
      end,
      ['optimizers%.clip_by_global_norm: max_norm must be a positive number, got 0$'] = function()
        optimizers.clip_by_global_norm(0, optimizers.sgd(1))
      end,
    } do
      local text = message(fn)
      assert.matches(what, text)
      assert.matches('^tests/lua/optimizers_spec%.lua:%d+: ', text)
    end
  end)
end)

describe('clipping', function()
  for _, case in ipairs(dofile 'tests/golden/optimizers/clip_f64.lua') do
    it('gives the numbers of JAX, ' .. case[1], function()
      local grads = arrays(case.grads, 'f64')
      agrees({ case.norm }, optimizers.l2_norm(grads), { rtol = 1e-12 }, 'norm')
      agrees(all_values(arrays(case.clipped, 'f64')):values(),
        optimizers.clip_grads(grads, case.max_norm), { rtol = 1e-12 }, 'clipped')
    end)
  end

  it('norms of nested ones, nothing, NaN', function()
    assert.equal(3, optimizers.l2_norm { np.ones { 2 }, { np.ones { 3 }, np.ones { 4 } } }:item())
    assert.equal(0, optimizers.l2_norm({}):item())
    local y = optimizers.clip_grads({ np.array { 1, 0 / 0 } }, 1)
    assert.is_true(np.isnan(y[1]):all():item())
    assert.same({ 0, 0 }, optimizers.clip_grads({ np.zeros { 2 } }, 1)[1]:values())
  end)
end)
