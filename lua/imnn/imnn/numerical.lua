--- Networks that fit to simulations that were made before: some at the fiducial parameters, and
-- some to both sides of them, from whose differences the derivatives come.
-- @module imnn.imnn.numerical
local core = require 'imnn.core'
local model = require 'imnn.imnn.model'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local sets = require 'imnn.imnn.sets'
local transform = require 'imnn.transform'

local kind = { rows = {}, any_n_d = true }

kind.data = {
  {
    name = 'fiducial', axes = '(n_s, input_shape)',
    shape = function(net) return { net.n_s, unpack(net.input_shape) } end,
  },
  {
    name = 'derivative', axes = '(n_d, 2, n_params, input_shape)',
    shape = function(net) return { net.n_d, 2, net.n_params, unpack(net.input_shape) } end,
  },
  {
    name = 'delta_theta', axes = '(n_params)', constant = true,
    shape = function(net) return { net.n_params } end,
    check = function(net, x)
      if np.any(np.eq(x, 0)):item() then
        core.raise('%s: delta_theta, the full distance between both sides, must not be 0',
          net.class)
      end
    end,
  },
}

--- Simulations that aggregated classes put into batches.
function kind.batches(net)
  return { fiducial = net.n_s, derivative = 2 * net.n_params * net.n_d }
end

kind.datum, kind.bad_data = sets.first, sets.fault

--- Summaries at the fiducial parameters (n_s, S), and on both sides (n_d, 2, P, S), in a trace.
-- What a network draws is the same for all versions of a simulation.
function kind.outputs(net, w, key, data, mode)
  local fiducial, derivative = unpack(data)
  local n_s, n_d, P = net.n_s, net.n_d, net.n_params
  local keys = random.split(key, math.max(n_s, n_d))
  local function value(one, d) return model.summaries(net, w, d, one, mode) end
  local x = transform.vmap(value)(keys[{ { 1, n_s } }], fiducial)
  local both = transform.vmap(transform.vmap(value, { in_axes = { false, 1 } }))(
    keys[{ { 1, n_d } }], derivative:reshape { n_d, 2 * P, unpack(net.input_shape) })
  return x, both:reshape { n_d, 2, P, x.shape[2] }
end

--- Summaries and derivatives: what lies between both sides over the distance.
function kind.trace(net, w, key, data, mode)
  local x, both = kind.outputs(net, w, key, data, mode)
  local step = both[{ {}, 2 }] - both[{ {}, 1 }]
  local distance = net.delta_theta:astype(x.dtype):reshape { net.n_params, 1 }
  return x, (step / distance):transpose { 1, 3, 2 }
end

return kind
