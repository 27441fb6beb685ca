--- SimulatorIMNN and imnn.fisher: what they do, and what they refuse.
local imnn = require 'imnn'
local core = require 'imnn.core'
local fisher = require 'imnn.fisher'
local message = require 'tests.support.message'
local np, random, stax, optimizers = imnn.np, imnn.random, imnn.stax, imnn.optimizers

local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local keys = random.split(random.PRNGKey(5), 3)

-- The options of a small network, but for those that are given.
local function options(more)
  local o = {
    n_s = 60, n_d = 60, n_params = 2, n_summaries = 2, input_shape = { 10 },
    theta_fid = np.array { 0, 1 }, optimiser = optimizers.adam(1e-2), key_or_state = keys[1],
    model = stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)), simulator = simulator,
  }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end
local function new(more) return imnn.SimulatorIMNN(options(more)) end

local function fit(net, more)
  local o = { lambda = 10, epsilon = 0.1, rng = keys[2], max_iterations = 6, quiet = true }
  for name, value in pairs(more or {}) do o[name] = value end
  return net:fit(o)
end

local function plain(t) return imnn.tree.map(function(x) return x:totable() end, t) end

-- ---- the loss ----

describe('fisher', function()
  local x = np.array({ { 1, 0 }, { 0, 1 }, { 2, 1 }, { -1, 0.5 } }, 'f64')
  local dx = np.array({ { { 1, 0.2 }, { 0, 0.5 } }, { { 0.8, 0 }, { 0.1, 0.7 } } }, 'f64')

  local function near(expected, got)
    if type(expected) == 'number' then
      assert.is.near(expected, got, 1e-8 * math.max(1, math.abs(expected)))
    else
      for i, v in ipairs(expected) do near(v, got[i]) end
    end
  end

  -- By hand, in double.
  it('gives the statistics', function()
    local f = fisher.statistics(x, dx)
    near({ 0.5, 0.625 }, f.mu:totable())
    near({ { 1.66666667, 0.08333333 }, { 0.08333333, 0.22916667 } }, f.C:totable())
    near({ { 0.61111111, -0.22222222 }, { -0.22222222, 4.44444444 } }, f.invC:totable())
    near({ { 0.9, 0.1 }, { 0.05, 0.6 } }, f.dmu_dtheta:totable())
    near({ { 0.48611111, 0.06722222 }, { 0.06722222, 1.57944444 } }, f.F:totable())
    near(math.log(0.76326667), f.lndetF:item())
    near(1, f.sign:item())
  end)

  it('gives the loss and its derivatives', function()
    local function loss(a, b)
      return fisher.regularised(fisher.statistics(a, b), 10, fisher.alpha(10, 0.1))
    end
    local value, Lambda_2, r = loss(x, dx)
    near(45.19889284, value:item())
    near(4.50646827, Lambda_2:item())
    near(9.96983499, r:item())
    local of_x = imnn.grad(function(a) return (loss(a, dx)) end)(x)
    near({ { -2.74141111, 88.37559206 }, { 0.71881996, -54.64342815 },
      { 9.97908699, -38.46269898 }, { -7.9564958, 4.73053507 } }, of_x:totable())
    local of_dx = imnn.grad(function(b) return (loss(x, b)) end)(dx)
    local one = { { -1.12149533, 0.09345794 }, { 0.18691589, -1.68224299 } }
    near({ one, one }, of_dx:totable())
  end)

  it('has a rate of regularisation', function()
    near(0.9531017980432489, fisher.alpha(10, 0.1))
    near(240.68461033184548, fisher.alpha(10, 0.01))
    near(22.155737160044158, fisher.alpha(2, 0.1))
    near(0.9950330853168092, new():get_alpha(100, 0.01))
    assert.matches('alpha: would be negative', message(function() fisher.alpha(10, 0.2) end))
    assert.matches('lambda must be above 1 and epsilon above 0, got 10 and %-1',
      message(function() fisher.alpha(10, -1) end))
  end)
end)

-- ---- construction ----

describe('SimulatorIMNN', function()
  it('has the attributes of the reference, Greek or not', function()
    local net = new()
    assert.equal(60, net.n_s)
    assert.same({ 10 }, net.input_shape)
    assert.same({ 0, 1 }, net['θ_fid']:totable())
    assert.is_nil(net.F)
    assert.is_nil(net['μ'])
    assert.is_false(net.validate)
    assert.is_true(net.simulate)
    assert.equal('function', type(net.model))
    assert.same(plain(net.w), plain(net.initial_w))
    net:set_F_statistics { key = keys[3] }
    for name, shape in pairs { F = { 2, 2 }, invF = { 2, 2 }, C = { 2, 2 }, invC = { 2, 2 },
      mu = { 2 }, dmu_dtheta = { 2, 2 } } do
      assert.same(shape, net[name].shape)
      assert.equal('f64', net[name].dtype)
    end
    assert.same(net.mu:totable(), net['μ']:totable())
    assert.same(net.dmu_dtheta:totable(), net['dμ_dθ']:totable())
    assert.equal(net:get_alpha(10, 0.1), net['get_α'](net, 10, 0.1))
    assert.equal('SimulatorIMNN: 2 parameters, 2 summaries, n_s 60, n_d 60, 0 iterations',
      tostring(net))
  end)

  it('takes a state of the optimiser for a key', function()
    local a = new()
    local b = new { key_or_state = a.state }
    fit(a)
    fit(b)
    assert.same(plain(a.final_w), plain(b.final_w))
  end)

  it('takes functions by position or name', function()
    local layers, adam = stax.serial(stax.Dense(2)), optimizers.adam(1e-2)
    local init = function(...) return (layers.init or layers[1])(...) end
    local apply = function(...) return (layers.apply or layers[2])(...) end
    local net = new { model = { init, apply }, optimiser = {
      init = adam.init or adam[1], update = adam.update or adam[2],
      get_params = adam.get_params or adam[3],
    } }
    assert.equal('max_iterations', fit(net))
  end)

  it('works in double', function()
    local model = {
      init = function(key) return { 2 }, { random.normal(key, { 10, 2 }, 'f64') } end,
      apply = function(w, x) return np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 2 } end,
    }
    local net = new {
      model = model, theta_fid = np.array({ 0, 1 }, 'f64'),
      simulator = function(key, t) return t[1] + t[2] * random.normal(key, { 10 }, 'f64') end,
    }
    fit(net)
    assert.equal('f64', net.w[1].dtype)
    assert.equal('f64', net:get_estimate(np.zeros({ 10 }, 'f64')).dtype)
  end)

  it('gives summaries by key, whatever n_d', function()
    local x, dx = new():get_summaries(nil, keys[3])
    assert.same({ 60, 2 }, x.shape)
    assert.same({ 60, 2, 2 }, dx.shape)
    local net = new { n_d = 20 }
    local y, dy = net:get_summaries(net.w, keys[3])
    assert.same(plain { dx[{ { 1, 20 } }] }, plain { dy })
    for i, row in ipairs(y:totable()) do
      assert.is.near(x[i][1]:item(), row[1], 1e-5)
      assert.is.near(x[i][2]:item(), row[2], 1e-5)
    end
  end)

  local refusals = {
    { { n_s = -3 }, 'n_s must be a positive integer, got %-3' },
    { { n_d = 0 }, 'n_d must be a positive integer, got 0' },
    { { n_s = 2, n_d = 2 }, 'n_s is 2, n_summaries 2; the covariance of so few simulations is '
      .. 'singular, take at least 3' },
    { { n_s = 1, n_d = 1, n_summaries = 1, n_params = 1 }, 'n_s is 1, n_summaries 1; the '
      .. 'covariance of so few simulations is singular, take at least 2' },
    { { n_summaries = 1 }, 'n_summaries is 1, n_params 2; fewer summaries than parameters make '
      .. 'the Fisher information singular' },
    { { n_d = 61 }, 'n_d is 61, n_s 60; only simulations that there are can have derivatives' },
    { { n_summaries = 5 }, 'the model gives %(2%), n_summaries is 5' },
    { { input_shape = { 0 } }, 'input_shape must be a list of positive integers, got 0 at 1' },
    { { input_shape = { 11 } }, 'the simulator gives %(10%), input_shape is %(11%)' },
    { { theta_fid = np.array { 0, 1, 2 } }, 'theta_fid must have shape %(2%), got %(3%)' },
    { { key_or_state = np.zeros { 2 } }, 'key_or_state must be a key, u32 %(2%), as '
      .. 'random.PRNGKey and random.split%(key%)%[i%] give it, got f32 %(2%)' },
    { { model = { function(_, _, _) end } },
      'model.init must be a function %(key, shape%), this one takes 3 arguments' },
    { { model = { function(_, shape) return shape end } },
      'model must be { init, apply }, by position or name; apply is missing' },
    { { optimiser = {} }, 'optimiser must be { init, update, get_params }, by position or name; '
      .. 'init is missing' },
    { { simulator = function() end },
      'simulator must be a function %(key, theta%), this one takes 0 arguments' },
    { { simulator = {} }, 'simulator must be a function, got table' },
    { { simulator = function(_, _) return 3 end }, 'the simulator must give an Array, got number' },
    { { simulator = function(_, _) return np.zeros({ 10 }, 'i32') end },
      'the simulator gives i32, data must be f32 or f64' },
    { { simulator = function(k, t) return np.sqrt(-1 - simulator(k, t) ^ 2) end },
      'the simulator gives data that are not finite at theta_fid %(element 1%)' },
    { { n_sims = 3 }, 'unknown option "n_sims"' },
  }
  for _, row in ipairs(refusals) do
    it('refuses: ' .. row[2]:gsub('%%', ''), function()
      local why = message(function() new(row[1]) end)
      assert.matches('SimulatorIMNN: ' .. row[2], why)
      assert.matches('^tests/lua/imnn_spec.lua:%d+: ', why)
    end)
  end

  it('refuses a model whose apply breaks the promise of its init', function()
    local layers = stax.serial(stax.Dense(5))
    local init = layers.init or layers[1]
    local model = {
      init = function(key, shape) return { 2 }, select(2, init(key, shape)) end,
      apply = layers.apply or layers[2],
    }
    assert.matches('SimulatorIMNN: the model gives %(5%), n_summaries is 2',
      message(function() new { model = model } end))
  end)

  it('names what is missing', function()
    for _, name in ipairs { 'n_s', 'theta_fid', 'model', 'simulator', 'key_or_state' } do
      local o = options()
      o[name] = nil
      assert.matches('SimulatorIMNN: option "' .. name .. '" is missing',
        message(function() imnn.SimulatorIMNN(o) end))
    end
  end)
end)

-- ---- fitting ----

describe('fit', function()
  -- The best iteration, from 0; -1 if there is none.
  local function best_of(lndetF)
    local at, most = -1, -math.huge
    for i, v in ipairs(lndetF:totable()) do
      if v > most then at, most = i - 1, v end
    end
    return at, most
  end

  it('stops when patience is at its end', function()
    local net = new()
    assert.equal('patience', fit(net, { patience = 7, min_iterations = 4, max_iterations = 1000 }))
    local at, most = best_of(net.history.lndetF)
    assert.equal(math.max(at, 4) + 1 + 7, net.history.size)
    assert.equal(most, net.history.max_lndetF)
    assert.is.near(math.exp(most), net.history.max_detF, 1e-12)
    -- nothing can be better from now on
    rawset(net.history, 'max_lndetF', math.huge)
    local before, best = net.history.size, plain(net.best_w)
    fit(net, { patience = 7, min_iterations = 4, max_iterations = 1000 })
    assert.equal(4 + 1 + 7, net.history.size - before)
    assert.same(best, plain(net.best_w))
  end)

  it('stops after max_iterations, and may do nothing', function()
    local net = new()
    assert.equal('max_iterations', fit(net, { max_iterations = 0 }))
    assert.equal('patience', fit(net, { patience = 0 }))
    assert.equal(0, net.history.size)
    assert.same({ 0 }, net.history.detF.shape)
    assert.equal('max_iterations', fit(net, { max_iterations = 3 }))
    assert.equal(3, net.history.size)
  end)

  it('keeps a history in double, in every spelling', function()
    local net = new()
    fit(net)
    for _, name in ipairs { 'detF', 'detC', 'detinvC', 'Λ2', 'Lambda_2', 'r', 'lndetF', 'lndetC',
      'lndetinvC', 'loss' } do
      assert.same({ 6 }, net.history[name].shape)
      assert.equal('f64', net.history[name].dtype)
      assert.same({ 0 }, net.history['val_' .. name].shape)
    end
    local h = net.history
    assert.is.near(math.log(h.detF[3]:item()), h.lndetF[3]:item(), 1e-9)
    assert.is.near(-h.lndetC[3]:item(), h.lndetinvC[3]:item(), 1e-9)
    assert.is_nil(h.nothing)
    assert.matches('history: "detF" cannot be set; net:reset%(%) forgets what was reached',
      message(function() h.detF = 1 end))
  end)

  it('keeps the weights that gave the score', function()
    local net = new()
    fit(net, { max_iterations = 9 })
    local at = best_of(net.history.lndetF)
    assert.is_true(at < 9)
    local other = new()
    fit(other, { max_iterations = at, best = false })
    assert.same(plain(other.final_w), plain(net.best_w))
    assert.same(plain(net.best_w), plain(net.w))
    assert.same(plain(other.final_w), plain(other.w))
  end)

  it('computes the final statistics with the original key', function()
    local net = new()
    fit(net)
    local F = net.F:totable()
    net:set_F_statistics { w = net.best_w, key = keys[2] }
    assert.same(F, net.F:totable())
  end)

  it('goes on where it was', function()
    local seen = { -- the weights stay; the state remembers the count that it was given
      init = function(w) return { w, np.array(-1) } end,
      update = function(i, _, state) return { state[1], i } end,
      get_params = function(state) return state[1] end,
    }
    local net = new { optimiser = seen }
    fit(net)
    assert.equal(5, net.state[2]:item())
    fit(net, { lambda = 5, max_iterations = 3 })
    assert.equal(8, net.state[2]:item())
    assert.equal(9, net.history.size)
    local once = net.history.detF:totable()
    assert.equal(once[1], once[7]) -- the same key, the same weights
  end)

  it('gives the same bytes for the same key', function()
    local a, b = new(), new()
    fit(a, { max_iterations = 20 })
    fit(b, { max_iterations = 20, progress = false })
    assert.same(plain(a.final_w), plain(b.final_w))
    assert.same(a.history.loss:totable(), b.history.loss:totable())
    assert.same(a.F:totable(), b.F:totable())
  end)

  it('tells lines of text on request', function()
    local lines, net = {}, new()
    fit(net, { log = function(text) lines[#lines + 1] = text end, print_rate = 2 })
    assert.equal(3, #lines)
    assert.matches('^4  ln det F %-?%d+%.%d+  Λ2 %S+  r %S+  %d+/s  patience 0 of 100$', lines[2])
  end)

  it('stops at ctrl-C and stays usable', function()
    local net, other = new(), new()
    local function press() core.C.imnn_interrupt() end
    assert.equal('interrupted', fit(net, { log = press, print_rate = 3, max_iterations = 50 }))
    assert.equal(3, net.history.size)
    fit(other, { max_iterations = 3 })
    assert.same(plain(other.final_w), plain(net.final_w))
    assert.same(other.F:totable(), net.F:totable())
    assert.equal('max_iterations', fit(net))
  end)

  it('leaves a whole state when something is raised', function()
    local net, other = new(), new()
    local why = message(function()
      fit(net, { log = function() error('enough', 0) end, print_rate = 3 })
    end)
    assert.equal('enough', why)
    assert.equal(3, net.history.size)
    fit(other, { max_iterations = 3 })
    assert.same(plain(other.final_w), plain(net.final_w))
  end)

  it('forgets on request', function()
    local net = new()
    fit(net)
    local w = plain(net.final_w)
    net:reset()
    assert.equal(0, net.history.size)
    assert.equal(0, net.history.max_detF)
    assert.is_nil(net.F)
    assert.same(w, plain(net.best_w))
    net:reset(keys[1])
    assert.same(plain(new().w), plain(net.w))
    fit(net)
    assert.same(w, plain(net.final_w))
  end)

  local refusals = {
    { { lambda = 1 }, 'alpha: lambda must be above 1 and epsilon above 0, got 1 and 0.1' },
    { { epsilon = 0.2 }, 'alpha: would be negative %(%-3.03068%) for lambda 10 and epsilon 0.2' },
    { { patience = -1 }, 'fit: patience must not be negative, got %-1' },
    { { print_rate = 0 }, 'fit: print_rate must be a positive integer, got 0' },
    { { rng = np.zeros { 2 } }, 'fit: rng must be a key, u32 %(2%)' },
    { { lamda = 1 }, 'fit: unknown option "lamda"' },
  }
  for _, row in ipairs(refusals) do
    it('refuses: ' .. row[2]:gsub('%%', ''), function()
      assert.matches(row[2], message(function() fit(new(), row[1]) end))
    end)
  end

  it('needs lambda, epsilon and, to simulate, a key', function()
    assert.matches('fit: option "lambda" is missing',
      message(function() new():fit { epsilon = 0.1, rng = keys[1] } end))
    assert.matches('fit: option "epsilon" is missing',
      message(function() new():fit { lambda = 10, rng = keys[1] } end))
    assert.matches('fit: rng is missing: the key from which the simulations are drawn',
      message(function() new():fit { lambda = 10, epsilon = 0.1 } end))
  end)
end)

-- ---- numbers that are none ----

describe('fit names what is not finite:', function()
  -- Fails after some good iterations; the object stays as it was then.
  local function fails(sentence, more, opts)
    local net = new(more)
    local why = message(function() fit(net, opts) end)
    assert.matches(sentence, why)
    assert.matches('^tests/lua/imnn_spec.lua:%d+: fit: iteration ' .. net.history.size .. ': ', why)
    for _, leaf in ipairs(imnn.tree.leaves(net.final_w)) do
      assert.is_true(core.C.imnn_array_nonfinite(leaf.array) < 0)
    end
    return net
  end

  it('simulations', function()
    fails('simulation %d+ is not finite; see that the simulator gives finite numbers', {
      simulator = function(key, t)
        local n = random.normal(key, { 10 })
        return t[1] + t[2] * np.sqrt(n + 3) -- one number in 1000 is below -3
      end,
    }, { max_iterations = 100 })
  end)

  -- Such NaNs have bits that LuaJIT takes for a table if it reads them as they are.
  it('simulations whose NaNs carry a payload', function()
    fails('simulation %d+ is not finite; see that the simulator gives finite numbers', {
      simulator = function(key, t) return np.log(t[1] + t[2] * random.normal(key, { 10 }) + 3) end,
      n_s = 100, n_d = 100, theta_fid = np.array { 0, 1 }, model = stax.serial(stax.Dense(2)),
      key_or_state = random.PRNGKey(1),
    }, { max_iterations = 100, rng = random.PRNGKey(7) })
  end)

  it('their derivatives', function()
    fails('the derivative of simulation 1 in the parameters is not finite; move theta_fid', {
      theta_fid = np.array { 0, 0 },
    })
  end)

  it('summaries', function()
    local model = {
      init = function(key) return { 2 }, { 1e38 * random.normal(key, { 10, 2 }) } end,
      apply = function(w, x) return np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 2 } end,
    }
    fails('the summaries of simulation %d+ are not finite; lower the step size', { model = model })
  end)

  it('a singular covariance', function()
    local model = {
      init = function(key) return { 2 }, { random.normal(key, { 10, 1 }) } end,
      apply = function(w, x)
        local y = np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 1 }
        return np.concatenate { y, 0 * y }
      end,
    }
    fails('the covariance of the summaries is singular', { model = model })
  end)

  it('a singular Fisher information', function()
    fails('the Fisher information is singular; the summaries do not tell all parameters apart', {
      simulator = function(key, t) return t[1] + 0 * t[2] + random.normal(key, { 10 }) end,
    })
  end)

  it('a gradient', function()
    local model = {
      init = function(key) return { 2 }, { random.normal(key, { 10, 2 }), np.zeros { 2 } } end,
      apply = function(w, x)
        return np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 2 } + 0 * np.sqrt(w[2])
      end,
    }
    fails('the gradient of the loss is not finite although the loss is; look for a place',
      { model = model })
  end)

  it('a gradient whose NaN LuaJIT would take for nil', function()
    local model = {
      init = function(key) return { 2 }, { random.normal(key, { 10, 2 }), np.zeros { 2 } } end,
      apply = function(w, x)
        local shift = np.where(np.ge(w[2], 0), w[2], np.sin(1 / w[2])) -- cos(inf) has all bits set
        return np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 2 } + shift * x[1]
      end,
    }
    fails('the gradient of the loss is not finite although the loss is; look for a place',
      { model = model })
  end)

  it('statistics', function()
    local net = new {
      simulator = function(key, t) return t[1] + 0 * t[2] + random.normal(key, { 10 }) end,
    }
    assert.matches('set_F_statistics: the Fisher information is singular',
      message(function() net:set_F_statistics { key = keys[3] } end))
    assert.is_nil(net.F)
  end)

  it('a state that is changed by the optimiser', function()
    local adam = optimizers.adam(1e-2)
    local net = new { optimiser = {
      init = adam.init or adam[1], get_params = adam.get_params or adam[3],
      update = function(i, g, state)
        state = (adam.update or adam[2])(i, g, state)
        return imnn.tree.map(function(x) return x:astype 'f64' end, state)
      end,
    } }
    assert.matches('fit: the optimiser changes its state: array 1 was f32 %(10, 8%), update gives '
      .. 'f64 %(10, 8%)', message(function() fit(net) end))
  end)
end)

-- ---- estimates ----

describe('get_estimate', function()
  local net = new()
  fit(net)
  local d = random.normal(keys[3], { 2, 3, 10 })

  it('is theta_fid + invF dmu^T invC (x - mu)', function()
    local x = net.model(net.w, d[1][1]):astype 'f64'
    local step = np.matmul(net.invF, np.matmul(net.dmu_dtheta:transpose(),
      np.matmul(net.invC, (x - net.mu):reshape { 2, 1 })))
    local got = net:get_estimate(d[1][1])
    assert.equal('f32', got.dtype)
    assert.same({ 2 }, got.shape)
    assert.is.near(0 + step[1][1]:item(), got[1]:item(), 1e-4)
    assert.is.near(1 + step[2][1]:item(), got[2]:item(), 1e-4)
  end)

  it('keeps the axes in front', function()
    local all = net:get_estimate(d)
    assert.same({ 2, 3, 2 }, all.shape)
    local one = net:get_estimate(d[2][3])
    assert.is.near(one[1]:item(), all[2][3][1]:item(), 1e-5)
    assert.same({ 3, 2 }, net:get_estimate(d[1]).shape)
  end)

  it('can be batched and differentiated', function()
    local batched = imnn.vmap(function(one) return net:get_estimate(one) end)(d[1])
    local direct = net:get_estimate(d[1])
    for i = 1, 3 do assert.is.near(direct[i][2]:item(), batched[i][2]:item(), 1e-5) end
    local slope = imnn.grad(function(one) return net:get_estimate(one):sum() end)(d[1][1])
    assert.same({ 10 }, slope.shape)
  end)

  it('refuses data of another shape, and a net without statistics', function()
    assert.matches('get_estimate: one datum is %(10%), got %(11%)',
      message(function() net:get_estimate(np.zeros { 11 }) end))
    assert.matches('get_estimate: there are no statistics yet; fit or set_F_statistics makes them',
      message(function() new():get_estimate(d[1][1]) end))
  end)

  it('tells data with several axes from batches', function()
    local wide = new {
      input_shape = { 2, 5 },
      simulator = function(key, t) return simulator(key, t):reshape { 2, 5 } end,
      model = {
        init = function(key) return { 2 }, { random.normal(key, { 10, 2 }) } end,
        apply = function(w, x) return np.matmul(x:reshape { 1, 10 }, w[1]):reshape { 2 } end,
      },
    }
    wide:set_F_statistics { key = keys[2] }
    assert.same({ 2 }, wide:get_estimate(d[1][1]:reshape { 2, 5 }).shape)
    assert.same({ 3, 2 }, wide:get_estimate(d[1]:reshape { 3, 2, 5 }).shape)
  end)
end)

describe('set_F_statistics and get_summaries', function()
  it('need a key', function()
    assert.matches('set_F_statistics: key is missing: the simulations are drawn from it',
      message(function() new():set_F_statistics {} end))
    assert.matches('get_summaries: key is missing', message(function() new():get_summaries() end))
    assert.matches('get_summaries: key must be a key, u32 %(2%)',
      message(function() new():get_summaries(nil, np.zeros { 3 }) end))
  end)
end)

describe('plot', function()
  it('draws the history', function()
    local net = new()
    fit(net)
    assert.matches('expected |F|', tostring(net:plot { expected_detF = 50 }), 1, true)
    assert.matches('the history holds no numbers', message(function() new():plot() end))
  end)
end)

describe('one iteration', function()
  it('can be run alone, and counted', function()
    local net = new()
    local step = net:stepper { lambda = 10, epsilon = 0.1, rng = keys[2] }
    step()
    step()
    step()
    assert.equal(0, net.history.size)
    assert.is_true(net:iteration_flops() >= 2 * 60 * 3 * (3 * (80 + 16) - 80))
  end)
end)
