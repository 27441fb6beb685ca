--- Networks that fit to simulations that were made before, and to their derivatives with respect to
-- the parameters.
-- @module imnn.imnn.gradient
local model = require 'imnn.imnn.model'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local transform = require 'imnn.transform'

local kind = { rows = {} }

kind.data = {
  {
    name = 'fiducial', axes = '(n_s, input_shape)',
    shape = function(net) return { net.n_s, unpack(net.input_shape) } end,
  },
  {
    name = 'derivative', axes = '(n_d, input_shape, n_params)',
    shape = function(net)
      local shape = { net.n_d, unpack(net.input_shape) }
      shape[#shape + 1] = net.n_params
      return shape
    end,
  },
}

function kind.datum(net) return net.fiducial[1] end

--- Summaries of the simulations and, by the chain rule along the derivatives of the first n_d,
-- theirs, in a trace.
function kind.trace(net, w, key, data, mode)
  local fiducial, derivative = unpack(data)
  local keys = random.split(key, net.n_s)
  local function value(one, d) return model.summaries(net, w, d, one, mode) end
  local function both(one, d, dd)
    local function f(x) return value(one, x) end
    local along = transform.vmap(function(v)
      return (select(2, transform.jvp(f, { d }, { v })))
    end, { in_axes = -1, out_axes = -1 })
    return f(d), along(dd)
  end
  if net.n_d == net.n_s then return transform.vmap(both)(keys, fiducial, derivative) end
  local first, others = { { 1, net.n_d } }, { { net.n_d + 1, net.n_s } }
  local x, dx = transform.vmap(both)(keys[first], fiducial[first], derivative)
  local rest = transform.vmap(value)(keys[others], fiducial[others])
  return np.concatenate({ x, rest }, 1), dx
end
kind.outputs = kind.trace

return kind
