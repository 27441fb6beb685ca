--- Fits of the reference package, repeated; tests/golden/imnn says how well they should agree. Each
-- function declares tests of a file, with busted's `it`.
-- @module tests.support.golden_fits
local assert = require 'luassert'
local imnn = require 'imnn'
local ten = require 'tests.support.ten_numbers'
local np, stax, optimizers = imnn.np, imnn.stax, imnn.optimizers
local M = {}

--- A file and its settings.
function M.open(name)
  local file = imnn.data.hdf5.open('tests/golden/imnn/' .. name .. '.h5')
  return file, file:attributes '/'
end
local open = M.open

local function network(set)
  local layers = {}
  for _ = 1, set.hidden_layers do
    layers[#layers + 1] = stax.Dense(set.hidden_width)
    layers[#layers + 1] = stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Dense(set.n_summaries)
  return stax.serial(unpack(layers))
end

-- The data of a file as options.
local function data_of(file, set)
  if set.reference_class:find 'Simulator' then return { simulator = ten.simulator } end
  local out = { fiducial = file['data/fiducial'], derivative = file['data/derivative'] }
  if set.validate then
    out.validation_fiducial = file['data/validation_fiducial']
    out.validation_derivative = file['data/validation_derivative']
  end
  if set.reference_class:find 'Numerical' then out.delta_theta = file['data/delta_theta'] end
  return out
end

-- An iterator without end over batches of arrays.
local function batches(n, ...)
  local arrays, at = { ... }, 0
  return function()
    local rows, out = { at + 1, math.min(at + n, #arrays[1]) }, {}
    at = rows[2] % #arrays[1]
    for i, x in ipairs(arrays) do out[i] = x[{ rows }] end
    return unpack(out)
  end
end

-- The data as data sets of the reference.
local function as_data_set(o, set)
  local n, reader = set.n_per_device, imnn.data.from_array
  for _, prefix in ipairs(set.validate and { '', 'validation_' } or { '' }) do
    local fiducial, derivative = o[prefix .. 'fiducial'], o[prefix .. 'derivative']
    if o.delta_theta then
      o[prefix .. 'fiducial'] = { batches(n, fiducial) }
      o[prefix .. 'derivative'] = reader(derivative:reshape { 4 * set.n_d, 10 })
    else
      o[prefix .. 'fiducial'], o[prefix .. 'derivative'] = nil, nil
      o[prefix .. 'main'] = { batches(n, fiducial[{ { 1, set.n_d } }], derivative) }
      if set.n_d < set.n_s then
        o[prefix .. 'remaining'] = reader(fiducial[{ { set.n_d + 1, set.n_s } }])
      end
    end
  end
end

--- A network of the class of a file, with its settings and data.
-- @tparam table file
-- @tparam table set its settings
-- @tparam[opt] table optimiser another one
function M.net_of(file, set, optimiser)
  local o = {
    n_s = set.n_s, n_d = set.n_d, n_params = set.n_params, n_summaries = set.n_summaries,
    input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network(set),
    optimiser = optimiser or optimizers.adam(set.step_size), key_or_state = file['keys/model'],
  }
  for name, value in pairs(data_of(file, set)) do o[name] = value end
  local class = set.reference_class
  if set.n_per_device > 0 then
    o.host, o.devices, o.n_per_device = 'cpu:0', { 'cpu:0' }, set.n_per_device
  end
  if class:find 'Dataset' then as_data_set(o, set) end
  return imnn[class](o)
end
local net_of = M.net_of

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

--- Largest relative difference of the first n elements.
function M.relative(expected, got, n)
  local a, b, worst = flat(expected), flat(got), 0
  for i = 1, n or #a do
    assert.is_true(b[i] == b[i], 'a number is missing or NaN')
    worst = math.max(worst, math.abs(b[i] / a[i] - 1))
  end
  return worst
end
local relative = M.relative

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

--- The columns of the history of a file.
function M.columns(set)
  local out = { unpack(columns) }
  for _, name in ipairs(set.validate and columns or {}) do out[#out + 1] = 'val_' .. name end
  return out
end

--- Fit as the file says, but for some options; with the last weights.
function M.fit(net, file, set, more)
  local opts = {
    lambda = set.lam, epsilon = set.epsilon, rng = file['keys/fit'], patience = set.patience,
    min_iterations = set.min_iterations,
    max_iterations = tonumber(set.max_iterations_per_call:match '%d+'),
    best = false, quiet = true,
  }
  for key, value in pairs(more or {}) do opts[key] = value end
  return net:fit(opts)
end
local fit = M.fit

--- What there is before a fit: weights, summaries, statistics, loss and gradient.
function M.start(it, name)
  local file, set = open(name)
  local w = weights(file, set, 'init/w')
  local numerical = set.reference_class:find 'Numerical'

  it(name .. ': initial weights', function()
    local mine = net_of(file, set).initial_w
    for k = 1, #w, 2 do
      near(w[k][1], mine[k][1], 1e-5, 'W')
      near(w[k][2], mine[k][2], 1e-5, 'b')
    end
  end)

  it(name .. ': summaries, derivatives, statistics', function()
    local net = net_of(file, set)
    local key = net.simulate and file['data/iteration0_training_key'] or nil
    local x, dx = net:get_summaries(w, key)
    near(file['init/x'], x, 1e-5, 'x')
    near(file[numerical and 'init/x_mp' or 'init/dx'], dx, 1e-5, 'derivatives')
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

--- The history of the first call of fit, and why it ends.
function M.history(it, name, tolerance)
  local file, set = open(name)

  it(name .. ': history', function()
    local net = net_of(file, set)
    local n = file['history/iterations_after_call']:totable()[1]
    local most = tonumber(set.max_iterations_per_call:match '%d+')
    assert.equal(n < most and 'patience' or 'max_iterations', fit(net, file, set))
    assert.equal(n, net.history.size)
    for _, c in ipairs(M.columns(set)) do
      local d = relative(file['history/' .. c], net.history[c], n)
      assert.is_true(d < tolerance, ('%s is off by %.2g'):format(c, d))
    end
    if set.validate then
      assert.is.near(1, net.history.max_detF / file['history/max_detF']:item(), tolerance)
      weights_near(weights(file, set, 'final/best_w'), net.best_w, 10 * tolerance, 'best')
    end
  end)
end

--- Weights after the first iterations.
function M.trace(it, name)
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

--- Statistics and estimates at the golden weights.
-- @tparam[opt] function last_key file -> key of the statistics
function M.final(it, name, tolerance, last_key)
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

return M
