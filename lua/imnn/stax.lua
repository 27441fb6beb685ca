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

--- Element by element.
-- @tparam Array|number x
-- @treturn Array like x
-- @source jax.nn, whose slopes at kinks these have
-- @usage stax.NAME(np.linspace(-2, 2, 5))
-- @each relu max(x, 0); the slope at 0 is 0
-- @each relu6 min(max(x, 0), 6)
-- @each selu 1.0507 x for x >= 0, 1.0507 1.6733 (e^x - 1) below
-- @each gelu x Phi(x), approximately: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
-- @each gelu_exact x Phi(x), Phi the normal distribution function
-- @each sigmoid 1 / (1 + e^-x)
-- @each log_sigmoid ln(1 / (1 + e^-x))
-- @each softplus ln(1 + e^x)
-- @each tanh The hyperbolic tangent
-- @each exp e^x
-- @each silu x / (1 + e^-x), also called swish
-- @each mish x tanh(ln(1 + e^x))
-- @each soft_sign x / (|x| + 1)
-- @each hard_tanh x between -1 and 1, which are its bounds
-- @each hard_sigmoid min(max(x + 3, 0), 6) / 6
-- @each hard_silu x hard_sigmoid(x), also called hard_swish
-- @each sparse_plus 0 up to -1, (x + 1)^2 / 4 up to 1, then x
-- @each sparse_sigmoid min(max(x + 1, 0), 2) / 2

--- Element by element, with a parameter.
-- @tparam Array|number x
-- @tparam[opt] number parameter
-- @treturn Array like x
-- @source jax.nn, whose slopes at kinks these have
-- @usage stax.NAME(np.linspace(-2, 2, 5), 0.5)
-- @each leaky_relu x for x >= 0, parameter (0.01) x below
-- @each elu x for x >= 0, parameter (1) (e^x - 1) below
-- @each celu max(x, 0) + parameter (1) (e^(min(x, 0) / parameter) - 1)
-- @each squareplus (x + sqrt(x^2 + parameter (4))) / 2

--- ln(1 - e^-x) for x > 0, exact for small and large x.
-- @tparam Array|number x
-- @treturn Array like x
-- @usage stax.log1mexp(np.array { 0.1, 10 })
-- @function log1mexp

--- Along an axis.
-- @tparam Array x
-- @tparam[opt=-1] number|table axis or options: axis, where (bool: elements that count)
-- @treturn Array
-- @usage stax.NAME(np.array { { 1, 2 }, { 3, 4 } })
-- @each softmax e^x over the sum of e^x; 0 where elements do not count
-- @each log_softmax x - ln(sum of e^x); -inf where elements do not count
-- @each logsumexp ln(sum of e^x), without the axis

--- Along an axis.
-- @tparam Array x
-- @tparam[opt=-1] number axis
-- @treturn Array half as long along the axis
-- @usage stax.NAME(np.array { { 1, 2 }, { 3, 4 } })
-- @each glu The first half of the axis times the sigmoid of the second half

-- Options of some in place of the parameter.
local masked_rows = {
  axis = { 'integer', default = -1 }, where = { 'Array', 'table', 'boolean', optional = true },
}
local gelu_rows = { approximate = { 'boolean', default = true } }

for _, name in ipairs(names) do
  M[name] = function(x, parameter)
    local mask
    if type(parameter) == 'table' and by_axis[name] and name ~= 'glu' then
      local o = args.take('stax.' .. name, parameter, masked_rows)
      mask, parameter = o.where, o.axis
    elseif type(parameter) == 'table' and name == 'gelu' then
      if not args.take('stax.gelu', parameter, gelu_rows).approximate then
        return M.gelu_exact(x)
      end
      parameter = nil
    end
    if mask ~= nil then
      local y = M[name](np.where(mask, x, -math.huge), parameter)
      return name == 'softmax' and np.where(mask, y, 0) or y
    end
    x = floats(x, 'stax.' .. name)
    local value = args.argument('stax.' .. name, 'the parameter', parameter,
      { 'number', default = 0 / 0 })
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

--- Parameters at random, and the shape of the output.
-- @tparam Array key (2)
-- @tparam table shape of the input of one example; of layers that join several inputs a list of
-- shapes
-- @treturn table shape of the output
-- @treturn table params, a tree of arrays
-- @raise a shape that does not fit
-- @function Layer.init
-- @usage local layer = stax.Dense(8)
-- local shape, params = layer.init(key, { 3 }) --> { 8 }

--- The output for one example.
-- @tparam table params as of `init`
-- @tparam Array|table x the input; of layers that join several inputs a list
-- @tparam[opt] table opts `rng` (or `key`): a key for layers that draw numbers; `mode`: 'train', or
-- another one in which they do not
-- @treturn Array|table
-- @raise parameters and inputs that do not fit
-- @function Layer.apply
-- @usage local layer = stax.Dense(8)
-- local shape, params = layer.init(key, { 3 })
-- layer.apply(params, np.ones(3)).shape --> { 8 }

--- The functions of a layer, by position or name.
-- @treturn function init, function apply
-- @tparam string who for messages
-- @tparam table given { init, apply } or { init = ..., apply = ... }
-- @raise something else
-- @usage local init, apply = stax.parts('my_function', stax.Relu)
M.parts = common.parts

--- A layer without parameters from a function of arrays (and further arguments for it).
-- @tparam function fn x, ... -> Array
-- @param ... further arguments
-- @treturn layer
-- @usage stax.elementwise(np.sin)
function M.elementwise(fn, ...)
  args.argument('stax.elementwise', 'the first argument', fn, { 'function' })
  local more, n = { ... }, select('#', ...)
  return layer(function(_, shape) return shape, {} end,
    function(_, x) return fn(x, unpack(more, 1, n)) end, 'elementwise', { input = 'any' })
end

--- A layer without parameters.
-- @usage stax.serial(stax.Dense(8), stax.NAME)
-- @each Tanh A layer of np.tanh
-- @each Exp A layer of np.exp
-- @each Relu A layer of stax.relu
-- @each Relu6 A layer of stax.relu6
-- @each Sigmoid A layer of stax.sigmoid
-- @each Softplus A layer of stax.softplus
-- @each LogSigmoid A layer of stax.log_sigmoid
-- @each Elu A layer of stax.elu
-- @each Selu A layer of stax.selu
-- @each Celu A layer of stax.celu
-- @each LeakyRelu A layer of stax.leaky_relu
-- @each Gelu A layer of stax.gelu
-- @each GeluExact A layer of stax.gelu_exact
-- @each Silu A layer of stax.silu
-- @each Swish A layer of stax.silu, under its other name
-- @each Mish A layer of stax.mish
-- @each SoftSign A layer of stax.soft_sign
-- @each HardTanh A layer of stax.hard_tanh
-- @each HardSigmoid A layer of stax.hard_sigmoid
-- @each HardSilu A layer of stax.hard_silu
-- @each Squareplus A layer of stax.squareplus
-- @each SparsePlus A layer of stax.sparse_plus
-- @each SparseSigmoid A layer of stax.sparse_sigmoid
-- @each Softmax A layer of stax.softmax, along the last axis
-- @each LogSoftmax A layer of stax.log_softmax, along the last axis

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
-- @usage local shape, params = stax.Dense(8).init(key, { 3 }) --> { 8 }, params of (3, 8) and (8)
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
  return layer(init, function(params, x) return dense(x, params[1], params[2]) end,
    common.title('Dense', width), { weights = 2 })
end

--- All axes as one.
-- @usage stax.serial(stax.Flatten, stax.Dense(2)).init(key, { 4, 4 }) --> { 2 }
M.Flatten = layer(function(_, shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return { n }, {}
end, function(_, x) return np.ravel(x) end, 'Flatten')

--- The input.
-- @usage stax.residual(stax.serial(stax.Dense(3), stax.Relu), stax.Identity)
M.Identity = layer(function(_, shape) return shape, {} end, function(_, x) return x end, 'Identity',
  { input = 'any' })

--- A list of n copies of the input, for parallel.
-- @tparam number n
-- @treturn layer without parameters
-- @usage stax.serial(stax.FanOut(2), stax.parallel(stax.Dense(3), stax.Identity), stax.FanInSum)
function M.FanOut(n)
  local function copies(x)
    local out = {}
    for i = 1, n do out[i] = x end
    return out
  end
  return layer(function(_, shape) return copies(shape), {} end,
    function(_, x) return copies(x) end, common.title('FanOut', n), { input = 'any' })
end

--- The sum of a list of inputs.
-- @usage stax.FanInSum.apply({}, { x, x })
M.FanInSum = layer(function(_, shapes)
  for i = 2, #shapes do
    local first, other = table.concat(shapes[1], ', '), table.concat(shapes[i], ', ')
    if first ~= other then
      core.raise('stax.FanInSum: inputs have one shape, got (%s) and (%s)', first, other)
    end
  end
  return shapes[1], {}
end, function(_, list)
  local sum = np.as_array(list[1], 'stax.FanInSum')
  for i = 2, #list do sum = np.add(sum, list[i]) end
  return sum
end, 'FanInSum', { input = 'several' })

--- The inputs of a list one after the other along an axis (-1).
-- @tparam[opt=-1] number axis
-- @treturn layer without parameters
-- @usage stax.FanInConcat().apply({}, { x, x }).shape --> { 2, 6 }
function M.FanInConcat(axis)
  axis = axis or -1
  return layer(function(_, shapes)
    local out = { unpack(shapes[1]) }
    local k = core.index(axis, #out, 'stax.FanInConcat: no axis') + 1
    for i = 2, #shapes do out[k] = out[k] + shapes[i][k] end
    return out, {}
  end, function(_, list) return np.concatenate(list, axis) end, common.title('FanInConcat', axis),
    { input = 'several' })
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
-- @param ... layers
-- @treturn layer params: a list with one entry per layer
-- @raise what is no layer
-- @usage local net = stax.serial(stax.Dense(16), stax.Relu, stax.Dense(2))
-- local shape, params = net.init(key, { 3 })
-- net.apply(params, np.ones(3)).shape --> { 2 }
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
    for i, fn in ipairs(applies) do
      x = fn(params[i], x, mine(i))
    end
    return x
  end
  return layer(init, apply, 'serial', { input = 'any', weights = #layers }, { serial = layers })
end

--- Layers side by side, on a list of inputs.
-- @param ... layers
-- @treturn layer params: a list with one entry per layer; gives a list
-- @usage stax.serial(stax.FanOut(2), stax.parallel(stax.Dense(3), stax.Dense(3)), stax.FanInSum)
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
  return layer(init, apply, 'parallel', { input = 'several', weights = #layers },
    { parallel = layers })
end

--- A layer that is made when the shape of its input is known.
-- @tparam function make shape -> layer
-- @treturn layer
-- @usage stax.shape_dependent(function(shape) return stax.Dense(2 * shape[1]) end)
function M.shape_dependent(make)
  return layer(function(key, shape) return (M.parts('stax.shape_dependent', make(shape)))(key,
    shape) end,
    function(params, x, opts)
      return select(2, M.parts('stax.shape_dependent', make(x.shape)))(params, x, opts)
    end, 'shape_dependent', nil, { made = make })
end

--- The output of a layer added to its input: serial(FanOut(2), parallel(body, shortcut), FanInSum).
-- @tparam layer body
-- @tparam[opt] layer shortcut Identity; a convolution of size 1 where the shape changes
-- @treturn layer
-- @usage stax.residual(stax.serial(stax.Dense(3), stax.Tanh))
function M.residual(body, shortcut)
  return M.serial(M.FanOut(2), M.parallel(body, shortcut or M.Identity), M.FanInSum)
end

--- Keep units with a probability, dividing them by it; the others are 0. `apply` needs the option
-- rng, a key.
-- @tparam number rate probability that a unit is KEPT
-- @tparam[opt] string mode 'train'; in any other mode, here or as the option `mode` of `apply`, the
-- input is left alone
-- @treturn layer without parameters
-- @usage stax.Dropout(0.8).apply({}, x, { rng = key })
-- stax.Dropout(0.8).apply({}, x, { mode = 'test' }) --> { { 1, 2, 3 }, { 4, 5, 6 } }
function M.Dropout(rate, mode)
  if type(rate) ~= 'number' or not (rate > 0 and rate <= 1) then
    core.raise('stax.Dropout: rate, the probability of keeping, is above 0 and at most 1, got %s',
      tostring(rate))
  end
  return layer(function(_, shape) return shape, {} end, function(_, x, opts)
    local key = common.key_of(opts)
    local asked = opts and opts.mode
    if mode and mode ~= 'train' or asked and asked ~= 'train' then return x end
    if not key then
      core.raise 'stax.Dropout: apply needs a key: apply(params, x, { rng = key })'
    end
    local drawn = random.uniform(key, x.shape, { dtype = x.dtype })
    return np.where(np.lt(drawn, rate), x / rate, 0)
  end, common.title('Dropout', rate))
end

return args.strict('stax', M)
