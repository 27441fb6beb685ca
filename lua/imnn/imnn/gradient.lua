--- Networks that fit to simulations that were made before, and to their derivatives with respect to
-- the parameters.
-- @module imnn.imnn.gradient
local derived = require 'imnn.data.derived'
local examples = require 'imnn.array.examples'
local model = require 'imnn.imnn.model'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local readers = require 'imnn.data.reader'
local sets = require 'imnn.imnn.sets'
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

kind.datum, kind.bad_data = sets.first, sets.fault

--- Inputs of programs: simulations with derivatives, the derivatives, and the other simulations.
-- Parts of an Array are read from it like records, without a copy.
function kind.inputs(net, set)
  local fiducial, n_d, n_s = set.fiducial, net.n_d, net.n_s
  if n_d == n_s then return { fiducial, set.derivative } end
  if not examples.is_reader(fiducial) then fiducial = readers.from_array(fiducial) end
  return { derived.range(nil, fiducial, 0, n_d), set.derivative,
    derived.range(nil, fiducial, n_d, n_s) }
end

--- Summaries of the simulations and, by the chain rule along the derivatives of the first n_d,
-- theirs, in a trace.
function kind.trace(net, w, key, data, mode)
  local fiducial, derivative, rest = unpack(data)
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
  local x, dx = transform.vmap(both)(keys[{ { 1, net.n_d } }], fiducial, derivative)
  local others = transform.vmap(value)(keys[{ { net.n_d + 1, net.n_s } }], rest)
  return np.concatenate({ x, others }, 1), dx
end
kind.outputs = kind.trace

return kind
