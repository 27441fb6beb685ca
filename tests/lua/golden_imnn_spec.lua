--- Fits of the reference package, repeated; tests/golden/imnn says how well they should agree.
local imnn = require 'imnn'
local np, random, stax, optimizers = imnn.np, imnn.random, imnn.stax, imnn.optimizers

local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local function open(name)
  local file = imnn.data.hdf5.open('tests/golden/imnn/' .. name .. '.h5')
  return file, file:attributes '/'
end

local function network(set)
  local layers = {}
  for _ = 1, set.hidden_layers do
    layers[#layers + 1] = stax.Dense(set.hidden_width)
    layers[#layers + 1] = stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Dense(set.n_summaries)
  return stax.serial(unpack(layers))
end

local function net_of(file, set, optimiser)
  return imnn.SimulatorIMNN {
    n_s = set.n_s, n_d = set.n_d, n_params = set.n_params, n_summaries = set.n_summaries,
    input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network(set),
    optimiser = optimiser or optimizers.adam(set.step_size), key_or_state = file['keys/model'],
    simulator = simulator,
  }
end

-- Weights of the file as those of our network.
local function weights(file, set, group)
  local w = {}
  for k = 0, set.hidden_layers do
    w[2 * k + 1] = { file[('%s/l%d_W'):format(group, k)], file[('%s/l%d_b'):format(group, k)] }
    if k < set.hidden_layers then w[2 * k + 2] = {} end
  end
  return w
end

local function flat(x)
  local out = {}
  local function walk(t)
    if type(t) ~= 'table' then out[#out + 1] = t return end
    for _, v in ipairs(t) do walk(v) end
  end
  walk(np.is_array(x) and x:totable() or x)
  return out
end

-- Largest difference over the largest element.
local function off(expected, got)
  local a, b, most, difference = flat(expected), flat(got), 0, 0
  assert.equal(#a, #b)
  for i, v in ipairs(a) do
    assert.is_true(b[i] == b[i], 'a number is NaN')
    most, difference = math.max(most, math.abs(v)), math.max(difference, math.abs(v - b[i]))
  end
  return difference / most
end

-- Largest relative difference of the first n elements.
local function relative(expected, got, n)
  local a, b, worst = flat(expected), flat(got), 0
  for i = 1, n or #a do
    assert.is_true(b[i] == b[i], 'a number is missing or NaN')
    worst = math.max(worst, math.abs(b[i] / a[i] - 1))
  end
  return worst
end

local function near(expected, got, tolerance, what)
  local d = off(expected, got)
  assert.is_true(d < tolerance, ('%s is off by %.2g'):format(what, d))
end

-- All weights but the last bias.
local function weights_near(expected, got, tolerance, what)
  for k = 1, #expected, 2 do
    near(expected[k][1], got[k][1], tolerance, ('%s, W of layer %d,'):format(what, k))
    if k < #expected then
      near(expected[k][2], got[k][2], tolerance, ('%s, b of layer %d,'):format(what, k))
    end
  end
end

-- An optimiser that only remembers the gradient.
local watcher = {
  init = function(w) return { w, w } end,
  update = function(_, gradient, state) return { state[1], gradient } end,
  get_params = function(state) return state[1] end,
}

local statistics = { 'F', 'invF', 'C', 'invC', 'dmu_dtheta' }
local columns = { 'detF', 'detC', 'detinvC', 'Lambda_2', 'r' }

local function fit(net, file, set, more)
  local opts = {
    lambda = set.lam, epsilon = set.epsilon, rng = file['keys/fit'], patience = set.patience,
    min_iterations = set.min_iterations,
    max_iterations = tonumber(set.max_iterations_per_call:match '%d+'),
    best = false, quiet = true,
  }
  for key, value in pairs(more or {}) do opts[key] = value end
  return net:fit(opts)
end

local function check_start(name)
  local file, set = open(name)
  local w = weights(file, set, 'init/w')

  it(name .. ': initial weights', function()
    local mine = net_of(file, set).initial_w
    for k = 1, #w, 2 do
      near(w[k][1], mine[k][1], 1e-5, 'W')
      near(w[k][2], mine[k][2], 1e-5, 'b')
    end
  end)

  it(name .. ': summaries, derivatives, statistics', function()
    local net = net_of(file, set)
    local x, dx = net:get_summaries(w, file['data/iteration0_training_key'])
    near(file['init/x'], x, 1e-5, 'x')
    near(file['init/dx'], dx, 1e-5, 'dx')
    net:set_F_statistics { w = w, key = file['keys/stats'] }
    for _, s in ipairs(statistics) do
      near(file['init/stats/' .. s], net[s], name:find 'unit' and 5e-3 or 1e-4, s)
    end
  end)

  it(name .. ': loss and gradient', function()
    local net = net_of(file, set, watcher)
    fit(net, file, set, { max_iterations = 1 })
    near(file['init/loss'], net.history.loss[1], 1e-5, 'loss')
    local gradient = weights(file, set, 'init/gradient')
    weights_near(gradient, net.state[2], name:find 'unit' and 1e-3 or 1e-5, 'gradient')
    assert.is_true(np.abs(net.state[2][#gradient][2]):sum():item() < 1e-3)
  end)
end

local function check_fit(name, tolerance)
  local file, set = open(name)

  it(name .. ': history', function()
    local net = net_of(file, set)
    local n = file['history/iterations_after_call']:totable()[1]
    assert.equal('max_iterations', fit(net, file, set))
    assert.equal(n, net.history.size)
    for _, c in ipairs(columns) do
      local d = relative(file['history/' .. c], net.history[c], n)
      assert.is_true(d < tolerance, ('%s is off by %.2g'):format(c, d))
    end
  end)
end

local function check_trace(name)
  local file, set = open(name)

  it(name .. ': weights after the first iterations', function()
    local net, k = net_of(file, set), 0
    while file:has('trace/w_after_' .. k + 1) do
      k = k + 1
      -- one call for each count, since a new call begins with the original key
      net:reset(file['keys/model'])
      fit(net, file, set, { max_iterations = k })
      weights_near(weights(file, set, 'trace/w_after_' .. k), net.final_w, 1e-4, k .. ' iterations')
    end
    assert.is_true(k >= 3)
  end)
end

local function check_end(name, tolerance, last_key)
  local file, set = open(name)

  it(name .. ': final statistics and estimates', function()
    local net = net_of(file, set)
    local used = file:has 'final/w' and 'w' or file:attribute('final', 'w_used')
    local w = weights(file, set, 'final/' .. used)
    net:set_F_statistics { w = w, key = last_key and last_key(file) or file['keys/fit'] }
    for _, s in ipairs(statistics) do near(file['final/' .. s], net[s], tolerance, s) end
    near(file['estimate/target_estimate'], net:get_estimate(file['estimate/target']), tolerance,
      'estimate')
    near(file['estimate/batch_estimate'], net:get_estimate(file['estimate/batch']), tolerance,
      'estimates')
  end)
end

describe('fits of the reference', function()
  for _, name in ipairs { 'simulator', 'simulator_nd100', 'simulator_s3', 'simulator_two_fits' } do
    check_start(name)
    check_fit(name, 1e-4)
    check_trace(name)
    check_end(name, 1e-4, name == 'simulator_two_fits' and function(file)
      return random.split(file['keys/fit'])[2]
    end)
  end
  for _, name in ipairs { 'unit_simulator', 'unit_simulator_nd100' } do
    check_start(name)
    check_fit(name, 5e-3)
    check_end(name, 5e-3)
  end
  check_end('doc_fit_simulator', 1e-4)
  check_end('doc_simulator', 1e-4, function(file) return random.split(file['keys/data'])[2] end)

  for _, name in ipairs { 'doc_simulator', 'doc_fit_simulator' } do
    it(name .. ': the first ten iterations', function()
      local file, set = open(name)
      local net = net_of(file, set)
      fit(net, file, set, { max_iterations = 10 })
      for _, c in ipairs(columns) do
        local d = relative(file['history/' .. c], net.history[c], 10)
        assert.is_true(d < 1e-2, ('%s is off by %.2g'):format(c, d))
      end
    end)
  end

  -- The reference stops after 1519 iterations; the count depends on the last bits. Threads change
  -- nothing, and one of them takes as long as it takes whatever else the machine does.
  it('doc_fit_simulator: to the end', function()
    local threads = imnn.threads()
    finally(function() imnn.set_threads(threads) end)
    imnn.set_threads(1)
    local file, set = open 'doc_fit_simulator'
    local net = net_of(file, set)
    assert.equal('patience', fit(net, file, set, { best = true }))
    assert.is_true(net.history.size >= 1251 and net.history.size < 3000)
    local lndetF = math.log(net.F[1][1]:item() * net.F[2][2]:item() - net.F[1][2]:item() ^ 2)
    assert.is_true(lndetF > math.log(40) and lndetF < math.log(50.3))
    local sigma = { math.sqrt(net.invF[1][1]:item()), math.sqrt(net.invF[2][2]:item()) }
    assert.is.near(0.3198, sigma[1], 0.01)
    assert.is.near(0.4713, sigma[2], 0.015)
    local estimate = net:get_estimate(file['estimate/target']):totable()
    local reference = file['estimate/target_estimate']:totable()
    assert.is.near(reference[1], estimate[1], 0.15)
    assert.is.near(reference[2], estimate[2], 0.2)
  end)
end)
