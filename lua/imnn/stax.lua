--- Layers: pairs of functions `init(key, input_shape) -> output_shape, params` and
-- `apply(params, x) -> y` of ONE example. A layer is { init, apply } by position or by name, a
-- user's own as well. The names and numbers are those of JAX's stax.
-- @module imnn.stax
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local floats = require('imnn.numpy.operands').floats
local random = require 'imnn.random'
local C = core.C
local layer = common.layer
local M = {}

-- The rooms of this module.
for _, room in ipairs { 'initial', 'convolution', 'pool', 'normalise', 'recurrent', 'sets',
  'summary' } do
  for name, fn in pairs(require('imnn.stax.' .. room)) do M[name] = fn end
end

-- ---- activations ----

local by_axis = { softmax = true, log_softmax = true, logsumexp = true, glu = true }

local names = {}
do
  local i = 0
  while C.imnn_activation_name(i) ~= nil do
    names[#names + 1] = ffi.string(C.imnn_activation_name(i))
    i = i + 1
  end
end

--- Functions of arrays: stax.relu(x), stax.leaky_relu(x, slope), ... (spec of each: JAX's jax.nn).
for _, name in ipairs(names) do
  M[name] = function(x, parameter)
    x = floats(x, 'stax.' .. name)
    local value = parameter or 0 / 0
    if by_axis[name] and parameter then
      value = core.index(parameter, #x.shape, 'stax.' .. name .. ': no axis')
    end
    return array.build('stax.' .. name, array.settings(value), { x }, function(graph, node)
      return C.imnn_activation(graph, name, node, value)
    end)
  end
end
M.swish, M.hard_swish = M.silu, M.hard_silu

-- ---- layers ----

M.parts = common.parts

--- A layer without parameters from a function of arrays (and further arguments for it).
function M.elementwise(fn, ...)
  local more, n = { ... }, select('#', ...)
  return layer(function(_, shape) return shape, {} end,
    function(_, x) return fn(x, unpack(more, 1, n)) end, 'elementwise')
end

for name, fn in pairs {
  Tanh = np.tanh, Exp = np.exp, Relu = M.relu, Relu6 = M.relu6, Sigmoid = M.sigmoid,
  Softplus = M.softplus, LogSigmoid = M.log_sigmoid, Elu = M.elu, Selu = M.selu, Celu = M.celu,
  LeakyRelu = M.leaky_relu, Gelu = M.gelu, GeluExact = M.gelu_exact, Silu = M.silu, Swish = M.silu,
  Mish = M.mish, SoftSign = M.soft_sign, HardTanh = M.hard_tanh, HardSigmoid = M.hard_sigmoid,
  HardSilu = M.hard_silu, Squareplus = M.squareplus, SparsePlus = M.sparse_plus,
  SparseSigmoid = M.sparse_sigmoid, Softmax = M.softmax, LogSoftmax = M.log_softmax,
} do
  M[name] = M.elementwise(fn)
  M[name].name = name
end

local dense = array.face('stax.Dense', C.imnn_layer_dense)

--- Fully connected: x W + b.
-- @tparam number width number of outputs
-- @tparam[opt] table opts `W_init` (glorot_normal), `b_init` (normal of 0.01): functions
-- (key, shape) -> Array
-- @treturn layer params { W (n, width), b (width) }; x (..., n) -> (..., width)
function M.Dense(width, opts)
  common.positive('stax.Dense', 'the width', width)
  local o = args.take('stax.Dense', opts, {
    W_init = { 'function', default = M.glorot_normal() },
    b_init = { 'function', default = M.normal() },
  })
  local function init(key, shape)
    local n = shape[#shape]
    if type(n) ~= 'number' then core.raise 'stax.Dense: the input needs at least one axis' end
    local keys, out = random.split(key), { unpack(shape) }
    out[#out] = width
    return out, { o.W_init(keys[1], { n, width }), o.b_init(keys[2], { width }) }
  end
  local function apply(params, x) return dense(x, params[1], params[2]) end
  return layer(init, apply, common.title('Dense', width))
end

--- All axes as one.
M.Flatten = layer(function(_, shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return { n }, {}
end, function(_, x) return np.ravel(x) end, 'Flatten')

--- The input.
M.Identity = layer(function(_, shape) return shape, {} end, function(_, x) return x end, 'Identity')

--- A list of n copies of the input, for parallel.
function M.FanOut(n)
  local function copies(x)
    local out = {}
    for i = 1, n do out[i] = x end
    return out
  end
  return layer(function(_, shape) return copies(shape), {} end,
    function(_, x) return copies(x) end, common.title('FanOut', n))
end

--- The sum of a list of inputs.
M.FanInSum = layer(function(_, shapes) return shapes[1], {} end, function(_, list)
  local sum = list[1]
  for i = 2, #list do sum = sum + list[i] end
  return sum
end, 'FanInSum')

--- The inputs of a list one after the other along an axis (-1).
function M.FanInConcat(axis)
  axis = axis or -1
  return layer(function(_, shapes)
    local out = { unpack(shapes[1]) }
    local k = core.index(axis, #out, 'stax.FanInConcat: no axis') + 1
    for i = 2, #shapes do out[k] = out[k] + shapes[i][k] end
    return out, {}
  end, function(_, list) return np.concatenate(list, axis) end, common.title('FanInConcat', axis))
end

local function all_parts(who, layers)
  local init, apply = {}, {}
  for i, l in ipairs(layers) do init[i], apply[i] = M.parts(('%s: layer %d'):format(who, i), l) end
  return init, apply
end

-- The options of one of n layers: its own key.
local function keyed(opts, n)
  local key = common.key_of(opts)
  local keys = key and random.split(key, n)
  return function(i)
    return keys and common.with_key(opts, keys[i]) or opts
  end
end

--- Layers one after the other.
-- @treturn layer params: a list with one entry per layer
function M.serial(...)
  local layers = { ... }
  local inits, applies = all_parts('stax.serial', layers)
  local function init(key, shape)
    local params = {}
    for i, fn in ipairs(inits) do
      local keys = random.split(key)
      key = keys[1]
      shape, params[i] = fn(keys[2], shape)
    end
    return shape, params
  end
  local function apply(params, x, opts)
    local mine = keyed(opts, #applies)
    for i, fn in ipairs(applies) do x = fn(params[i], x, mine(i)) end
    return x
  end
  return layer(init, apply, 'serial', { serial = layers })
end

--- Layers side by side, on a list of inputs.
-- @treturn layer params: a list with one entry per layer; gives a list
function M.parallel(...)
  local layers = { ... }
  local inits, applies = all_parts('stax.parallel', layers)
  local function init(key, shapes)
    local keys, out, params = random.split(key, #inits), {}, {}
    for i, fn in ipairs(inits) do out[i], params[i] = fn(keys[i], shapes[i]) end
    return out, params
  end
  local function apply(params, list, opts)
    if type(list) ~= 'table' or #list ~= #applies then
      core.raise('stax.parallel: %d layers need a list of as many inputs (FanOut makes one)',
        #applies)
    end
    local out, mine = {}, keyed(opts, #applies)
    for i, fn in ipairs(applies) do out[i] = fn(params[i], list[i], mine(i)) end
    return out
  end
  return layer(init, apply, 'parallel', { parallel = layers })
end

--- A layer that is made when the shape of its input is known.
function M.shape_dependent(make)
  return layer(function(key, shape) return (M.parts('stax.shape_dependent', make(shape)))(key,
    shape) end,
    function(params, x, opts)
      return select(2, M.parts('stax.shape_dependent', make(x.shape)))(params, x, opts)
    end, 'shape_dependent', { made = make })
end

--- The output of a layer added to its input: serial(FanOut(2), parallel(body, shortcut), FanInSum).
-- @tparam layer body
-- @tparam[opt] layer shortcut Identity; a convolution of size 1 where the shape changes
-- @treturn layer
function M.residual(body, shortcut)
  return M.serial(M.FanOut(2), M.parallel(body, shortcut or M.Identity), M.FanInSum)
end

--- Keep units with a probability, dividing them by it; the others are 0. `apply` needs the option
-- rng, a key.
-- @tparam number rate probability that a unit is KEPT
-- @tparam[opt] string mode 'train'; in any other mode the input is left alone
-- @treturn layer without parameters
-- @usage stax.Dropout(0.8).apply({}, x, { rng = key })
function M.Dropout(rate, mode)
  if type(rate) ~= 'number' or not (rate > 0 and rate <= 1) then
    core.raise('stax.Dropout: rate, the probability of keeping, is above 0 and at most 1, got %s',
      tostring(rate))
  end
  return layer(function(_, shape) return shape, {} end, function(_, x, opts)
    local key = common.key_of(opts)
    if not key then
      core.raise 'stax.Dropout: apply needs a key: apply(params, x, { rng = key })'
    end
    if mode and mode ~= 'train' then return x end
    local drawn = random.uniform(key, x.shape, { dtype = x.dtype })
    return np.where(np.lt(drawn, rate), x / rate, 0)
  end, common.title('Dropout', rate))
end

return M
