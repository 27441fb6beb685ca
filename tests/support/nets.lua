--- Small networks of each class for specs, on ten draws of a normal distribution.
-- @module tests.support.nets
local imnn = require 'imnn'
local ten = require 'tests.support.ten_numbers'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local M = {}

M.keys = random.split(random.PRNGKey(5), 4)

M.simulator = ten.simulator
local theta_fid, delta_theta = ten.theta, np.array { 0.1, 0.2 }

--- n simulations of a key and their derivatives (n, 10, 2).
function M.gradient_set(key, n) return ten.gradient_set(random.split(key, n)) end

--- n simulations of a key and those on both sides (n, 2, 2, 10).
function M.numerical_set(key, n)
  local function at(k, side, p)
    return M.simulator(k, theta_fid + side / 2 * delta_theta * np.one_hot(p, 2))
  end
  local function all(k)
    return M.simulator(k, theta_fid), np.stack {
      np.stack { at(k, -1, 1), at(k, -1, 2) }, np.stack { at(k, 1, 1), at(k, 1, 2) },
    }
  end
  return imnn.vmap(all)(random.split(key, n))
end

--- Options of any class, but for data.
function M.options(more)
  local o = {
    n_s = 60, n_d = 60, n_params = 2, n_summaries = 2, input_shape = { 10 }, theta_fid = theta_fid,
    optimiser = imnn.optimizers.adam(1e-2), key_or_state = M.keys[1],
    model = stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)),
  }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

-- Data of a kind for these options; a validation set where validation = true.
local function add_data(o, make)
  local n, validation = math.max(o.n_s, o.n_d), o.validation
  o.validation = nil
  local function cut(x, m) return x[{ { 1, m } }] end
  local function add(prefix, key)
    local fiducial, derivative = make(key, n)
    o[prefix .. 'fiducial'] = o[prefix .. 'fiducial'] or cut(fiducial, o.n_s)
    o[prefix .. 'derivative'] = o[prefix .. 'derivative'] or cut(derivative, o.n_d)
  end
  add('', M.keys[3])
  if validation then add('validation_', M.keys[4]) end
  return o
end

function M.simulator_options(more)
  local o = M.options(more)
  o.simulator = o.simulator or M.simulator
  return o
end

function M.gradient_options(more) return add_data(M.options(more), M.gradient_set) end

function M.numerical_options(more)
  local o = add_data(M.options(more), M.numerical_set)
  o.delta_theta = o.delta_theta or delta_theta
  return o
end

--- A few iterations.
function M.fit(net, more)
  local o = { lambda = 10, epsilon = 0.1, rng = M.keys[2], max_iterations = 6, quiet = true }
  for name, value in pairs(more or {}) do o[name] = value end
  return net:fit(o)
end

--- Weights as plain numbers.
function M.plain(t) return imnn.tree.map(function(x) return x:totable() end, t) end

return M
