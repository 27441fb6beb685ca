--- net:fit of a SimulatorIMNN: when it stops, what it leaves, what it says is not finite.
local imnn = require 'imnn'
local core = require 'imnn.core'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random, stax, optimizers = imnn.np, imnn.random, imnn.stax, imnn.optimizers
local keys, plain, fit = nets.keys, nets.plain, nets.fit
local options = nets.simulator_options
local function new(more) return imnn.SimulatorIMNN(options(more)) end

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

  it('remembers its settings', function()
    local net = new()
    assert.is_nil(net.last_fit)
    fit(net, { max_iterations = 0 })
    assert.is_nil(net.last_fit)
    fit(net)
    fit(net, { lambda = 5, max_iterations = 3 })
    assert.same({ 5, 0.1, 3 }, { net.last_fit.lambda, net.last_fit.epsilon,
      net.last_fit.iterations })
    assert.same(keys[2]:totable(), net.last_fit.rng:totable())
    net:reset()
    assert.is_nil(net.last_fit)
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
    assert.matches('^tests/lua/imnn_fit_spec.lua:%d+: fit: iteration ' .. net.history.size .. ': ',
      why)
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
