--- Layers that normalise.
-- @module imnn.stax.normalise
local args = require 'imnn.args'
local array = require 'imnn.array'
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local initial = require 'imnn.stax.initial'
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local random = require 'imnn.random'
local layer, positive = common.layer, common.positive
local M = {}

local norm_rows = {
  epsilon = { 'number', default = 1e-5 }, center = { 'boolean', default = true },
  scale = { 'boolean', default = true }, beta_init = { 'function', optional = true },
  gamma_init = { 'function', optional = true },
}

-- (x - mean) / deviation over some axes, from means of x and x^2.
local function standardize(x, axes, epsilon)
  local over = { axis = axes, keepdims = true }
  local mean = np.mean(x, over)
  local variance = np.maximum(np.mean(x * x, over) - mean * mean, 0)
  return (x - mean) * np.rsqrt(variance + epsilon)
end

-- The same from the mean square of x - mean: one operator along the last axis.
local function centred(x, axes, epsilon)
  if axes == -1 or axes == #x.shape then
    return array.apply('standardize', { x }, { core.bits(epsilon) })
  end
  local over = { axis = axes, keepdims = true }
  local d = x - np.mean(x, over)
  return d * np.rsqrt(np.mean(d * d, over) + epsilon)
end

-- { beta, gamma } of a shape; what is not wanted is an empty tree.
local function norm_params(key, o, shape)
  local keys = random.split(key)
  return { o.center and (o.beta_init or initial.zeros)(keys[1], shape) or {},
    o.scale and (o.gamma_init or initial.ones)(keys[2], shape) or {} }
end

local function scaled(z, params, o, shape)
  if o.scale then z = z * np.reshape(params[2], shape) end
  if o.center then z = z + np.reshape(params[1], shape) end
  return z
end

local standardize_rows = {
  axis = { 'integer', 'table', default = -1 }, epsilon = { 'number', default = 1e-5 },
}

--- (x - mean) / sqrt(variance + epsilon) along one axis or several.
-- @tparam Array x
-- @tparam[opt] table opts axis: a number or a list (-1), epsilon (1e-5)
-- @treturn Array like x
-- @source jax.nn.standardize
-- @usage stax.standardize(np.array { 1, 2, 3 }) --> { -1.22474, 0, 1.22474 }
function M.standardize(x, opts)
  local o = args.take('stax.standardize', opts, standardize_rows)
  return centred(operands.floats(x, 'stax.standardize'), o.axis, o.epsilon)
end

-- The size of the last axis.
local function axis_of(who, shape)
  return shape[#shape] or core.raise('%s: the input needs at least one axis', who)
end

--- Normalise over a batch: unlike other layers this one's `apply` takes a batch of examples, whose
-- first axis is number 1. There are no running statistics. In the model of an IMNN it is an error:
-- summaries of one simulation would depend on others.
-- @tparam[opt] table opts axis ({ 1, 2, 3 }) to normalise over, epsilon (1e-5), center, scale
-- (true), beta_init (zeros), gamma_init (ones)
-- @treturn layer params { beta, gamma } of the sizes of the other axes
-- @usage local layer = stax.BatchNorm { axis = 1 }
-- local shape, params = layer.init(key, { 3 })
-- layer.apply(params, x).shape --> { 2, 3 }
function M.BatchNorm(opts)
  local who = 'stax.BatchNorm'
  local o = args.take(who, opts, args.rows(norm_rows, {
    axis = { 'integer', 'table', default = { 1, 2, 3 } },
  }))
  local axes, over, most = type(o.axis) == 'number' and { o.axis } or o.axis, {}, 0
  for _, axis in ipairs(axes) do
    positive(who, 'an axis', axis)
    over[axis], most = true, math.max(most, axis)
  end
  local function init(key, shape)
    local kept = {}
    for k, size in ipairs(shape) do
      if not over[k + 1] then kept[#kept + 1] = size end
    end
    return shape, norm_params(key, o, kept)
  end
  local function apply(params, x)
    local shape, kept, known = x.shape, 0, o.scale and params[2] or o.center and params[1]
    for k = 1, #shape do
      if over[k] then shape[k] = 1
      else kept = kept + 1 end
    end
    if #shape < most or known and kept ~= #np.as_array(known, who).shape then
      core.raise('%s: needs a batch of examples, got one (%s); its statistics over a batch would '
        .. 'make the summaries of one simulation depend on others', who,
        table.concat(x.shape, ', '))
    end
    return scaled(standardize(x, axes, o.epsilon), params, o, shape)
  end
  return layer(init, apply, common.title('BatchNorm', axes), { weights = 2 })
end

--- Normalise the last axis of each example.
-- @tparam[opt] table opts epsilon (1e-6), center, scale (true), beta_init, gamma_init
-- @treturn layer params { beta, gamma } of that axis
-- @source Ba, Kiros & Hinton 2016, arXiv:1607.06450
-- @usage stax.serial(stax.Dense(8), stax.LayerNorm(), stax.Relu)
function M.LayerNorm(opts)
  local who = 'stax.LayerNorm'
  local o = args.take(who, opts, args.rows(norm_rows, {
    epsilon = { 'number', default = 1e-6 } }))
  return layer(function(key, shape) return shape, norm_params(key, o, { axis_of(who, shape) }) end,
    function(params, x)
      return scaled(centred(x, -1, o.epsilon), params, o, { axis_of(who, x.shape) })
    end, 'LayerNorm', { weights = 2 })
end

--- Normalise groups of channels, the last axis, together with all spatial axes of one example.
-- @tparam number groups
-- @tparam[opt] table opts epsilon (1e-6), center, scale (true), beta_init, gamma_init
-- @treturn layer params { beta, gamma } of the channels
-- @source Wu & He 2018, arXiv:1803.08494
-- @usage stax.serial(stax.Conv(8, { 3, 3 }), stax.GroupNorm(4), stax.Relu)
function M.GroupNorm(groups, opts)
  local who = 'stax.GroupNorm'
  positive(who, 'the number of groups', groups)
  local o = args.take(who, opts, args.rows(norm_rows, { epsilon = { 'number', default = 1e-6 } }))
  local function init(key, shape)
    axis_of(who, shape)
    if shape[#shape] % groups ~= 0 then
      core.raise('%s: %d channels are not in %d groups', who, shape[#shape], groups)
    end
    return shape, norm_params(key, o, { shape[#shape] })
  end
  return layer(init, function(params, x)
    local n = axis_of(who, x.shape)
    local z = centred(np.reshape(x, { -1, groups, n / groups }), { 1, 3 }, o.epsilon)
    return scaled(np.reshape(z, x.shape), params, o, { n })
  end, common.title('GroupNorm', groups), { weights = 2 })
end

return M
