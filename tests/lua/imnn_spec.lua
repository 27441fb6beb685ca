--- SimulatorIMNN: what it is made with, statistics, estimates.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random, stax, optimizers = imnn.np, imnn.random, imnn.stax, imnn.optimizers
local simulator, keys, plain, fit = nets.simulator, nets.keys, nets.plain, nets.fit
local options = nets.simulator_options
local function new(more) return imnn.SimulatorIMNN(options(more)) end

-- ---- construction ----

describe('SimulatorIMNN', function()
  it('keeps what it was made with', function()
    local net = new()
    for _, name in ipairs { 'n_s', 'n_d', 'n_params', 'n_summaries', 'input_shape', 'theta_fid',
      'θ_fid', 'simulator', 'model', 'optimiser', 'optimizer', 'class', 'simulate' } do
      local before = net[name]
      local told = name == 'θ_fid' and 'theta_fid' or name == 'optimizer' and 'optimiser' or name
      assert.matches('SimulatorIMNN: ' .. told .. ' cannot be changed; make another network, with '
        .. 'key_or_state = net.state to go on from the same weights',
        message(function() net[name] = 3 end))
      assert.is_true(rawequal(before, net[name]))
    end
    net.note = 'mine'
    assert.equal('mine', net.note)
    assert.is.near(0.9950330853168092, net:get_alpha(100, 0.01), 1e-12)
  end)

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
