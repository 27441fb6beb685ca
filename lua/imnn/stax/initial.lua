--- Initial weights: functions (key, shape, dtype) -> Array.
-- @module imnn.stax.initial
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local C = core.C
local M = {}

--- Weights of zeros.
-- @param key not used
-- @tparam table shape
-- @tparam[opt='f32'] string dtype
-- @treturn Array
-- @usage stax.Dense(8, { b_init = stax.zeros })
function M.zeros(_, shape, dtype) return np.zeros(shape, dtype) end

--- Weights of ones.
-- @param key not used
-- @tparam table shape
-- @tparam[opt='f32'] string dtype
-- @treturn Array
-- @usage stax.Dense(8, { b_init = stax.ones })
function M.ones(_, shape, dtype) return np.ones(shape, dtype) end

--- Weights of one value.
-- @tparam number value
-- @treturn function (key, shape, dtype) -> Array
-- @usage stax.Dense(8, { b_init = stax.constant(0.1) })
function M.constant(value)
  return function(_, shape, dtype) return np.full(shape, value, dtype) end
end

--- Normal numbers of a standard deviation (0.01).
-- @tparam[opt=0.01] number stddev
-- @treturn function (key, shape, dtype) -> Array
-- @usage stax.normal(0.1)(key, { 2, 3 })
function M.normal(stddev)
  return function(key, shape, dtype) return random.normal(key, shape, dtype) * (stddev or 0.01) end
end

--- Uniform numbers in [0, scale) (0.01).
-- @tparam[opt=0.01] number scale
-- @treturn function (key, shape, dtype) -> Array
-- @usage stax.uniform(0.1)(key, { 2, 3 })
function M.uniform(scale)
  return function(key, shape, dtype)
    return random.uniform(key, shape, { dtype = dtype }) * (scale or 0.01)
  end
end

--- Normal numbers between two bounds, in units of the standard deviation, which is not corrected.
-- @tparam[opt=0.01] number stddev
-- @tparam[opt=-2] number lower
-- @tparam[opt=2] number upper
-- @treturn function (key, shape, dtype) -> Array
-- @usage stax.truncated_normal(0.1)(key, { 2, 3 })
function M.truncated_normal(stddev, lower, upper)
  return function(key, shape, dtype)
    return random.truncated_normal(key, lower or -2, upper or 2, shape, dtype) * (stddev or 0.01)
  end
end

local fans = { fan_avg = C.IMNN_FAN_AVG, fan_in = C.IMNN_FAN_IN, fan_out = C.IMNN_FAN_OUT,
  fan_geo_avg = C.IMNN_FAN_GEO_AVG }
local spreads = { truncated_normal = C.IMNN_TRUNCATED_NORMAL, normal = C.IMNN_NORMAL,
  uniform = C.IMNN_UNIFORM }

-- The product of the sizes of one axis or a list of axes, which are marked as seen.
local function size_along(shape, axes, seen)
  local n = 1
  for _, axis in ipairs(type(axes) == 'number' and { axes } or axes) do
    local k = core.index(axis, #shape, 'stax: initial weights have no axis') + 1
    n, seen[k] = n * shape[k], true
  end
  return n
end

-- Weights as C counts them, { others, inputs, outputs }, and how many are side by side. Draws do
-- not depend on how they are cut into axes.
local function counted(shape, in_axis, out_axis, batch_axis)
  if #shape < 2 then
    core.raise('stax: initial weights need two axes, got (%s)', table.concat(shape, ', '))
  end
  local seen, others = {}, 1
  local a, b = size_along(shape, in_axis or -2, seen), size_along(shape, out_axis or -1, seen)
  local batch = size_along(shape, batch_axis or {}, seen)
  for k = 1, #shape do
    if not seen[k] then others = others * shape[k] end
  end
  return { others * batch, a, b }, batch
end

--- Numbers whose variance is scale / n, n the mean number of inputs and outputs ('fan_avg', or the
-- geometric mean, 'fan_geo_avg'), or one of them ('fan_in', 'fan_out'); 'truncated_normal',
-- 'normal' or 'uniform'.
-- @tparam number scale
-- @tparam string mode
-- @tparam string distribution
-- @tparam[opt=-2] number|table in_axis axis of inputs, or several
-- @tparam[opt=-1] number|table out_axis of outputs
-- @tparam[opt] number|table batch_axis of weights side by side, which do not count
-- @treturn function (key, shape, dtype) -> Array
-- @raise an unknown mode or distribution; the function: shapes of less than two axes
-- @usage stax.variance_scaling(2, 'fan_in', 'normal')(random.PRNGKey(0), { 4, 3 })
-- @source Glorot & Bengio 2010, AISTATS, eq. 16; He et al. 2015, ICCV, eq. 10
function M.variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis)
  local who = 'stax.variance_scaling'
  args.argument(who, 'scale', scale, { 'number' })
  for what, row in pairs { mode = { mode, fans }, distribution = { distribution, spreads } } do
    if not row[2][row[1]] then
      core.raise('%s: no %s "%s"%s', who, what, tostring(row[1]),
        args.near(tostring(row[1]), row[2]))
    end
  end
  return function(key, shape, dtype)
    local sizes, batch = counted(shape, in_axis, out_axis, batch_axis)
    local s, code, of = array.c_shape(sizes), check.dtype(who, dtype)
    local settings = check.settings(s, scale * batch, mode, distribution, of)
    local w = array.build(who, settings, { check.key(who, key) }, function(graph, k)
      return C.imnn_layer_variance_scaling(graph, k, code, s, scale * batch, fans[mode],
        spreads[distribution])
    end)
    return np.reshape(w, shape)
  end
end

--- As variance_scaling does it.
-- @tparam[opt=-2] number in_axis which axis of the weights is that of inputs
-- @tparam[opt=-1] number out_axis which is that of outputs
-- @treturn function (key, shape, dtype) -> Array
-- @source Glorot & Bengio 2010, AISTATS, eq. 16; He et al. 2015, ICCV, eq. 10
-- @usage stax.NAME()(key, { 2, 3 })
-- @each glorot_normal Truncated normal weights of variance 2 / (inputs + outputs)
-- @each glorot_uniform Uniform weights of variance 2 / (inputs + outputs)
-- @each lecun_normal Truncated normal weights of variance 1 / inputs
-- @each lecun_uniform Uniform weights of variance 1 / inputs
-- @each he_normal Truncated normal weights of variance 2 / inputs
-- @each he_uniform Uniform weights of variance 2 / inputs

for name, row in pairs {
  glorot_normal = { 1, 'fan_avg', 'truncated_normal' }, glorot_uniform = { 1, 'fan_avg',
    'uniform' },
  lecun_normal = { 1, 'fan_in', 'truncated_normal' }, lecun_uniform = { 1, 'fan_in', 'uniform' },
  he_normal = { 2, 'fan_in', 'truncated_normal' }, he_uniform = { 2, 'fan_in', 'uniform' },
} do
  M[name] = function(in_axis, out_axis, batch_axis)
    return M.variance_scaling(row[1], row[2], row[3], in_axis, out_axis, batch_axis)
  end
end
M.xavier_normal, M.xavier_uniform = M.glorot_normal, M.glorot_uniform
M.kaiming_normal, M.kaiming_uniform = M.he_normal, M.he_uniform

--- Weights whose columns, or where they are fewer whose rows, are orthonormal.
-- @tparam[opt=1] number scale
-- @tparam[opt=-1] number column_axis which axis counts columns; all others count rows
-- @treturn function (key, shape, dtype) -> Array
-- @raise the function: shapes of less than two axes
-- @source Saxe, McClelland & Ganguli 2014, ICLR
-- @usage stax.orthogonal()(random.PRNGKey(0), { 4, 2 })
function M.orthogonal(scale, column_axis)
  return function(key, shape, dtype)
    if #shape < 2 then
      core.raise('stax.orthogonal: needs at least two axes, got (%s)', table.concat(shape, ', '))
    end
    local axis = core.index(column_axis or -1, #shape, 'stax.orthogonal: no axis') + 1
    local rest, rows = {}, 1
    for k, size in ipairs(shape) do
      if k ~= axis then rest[#rest + 1], rows = size, rows * size end
    end
    rest[#rest + 1] = shape[axis]
    if rows * shape[axis] == 0 then return np.zeros(shape, dtype) end
    local q = random.orthogonal(key, rows, {}, { m = shape[axis], dtype = dtype })
    return np.moveaxis(np.reshape(q, rest), -1, axis) * (scale or 1)
  end
end

--- Weights of convolutions that let signals through unchanged in size: zeros but for the middle of
-- the window, which is orthogonal.
-- @tparam[opt=1] number scale
-- @tparam[opt=-1] number column_axis of the middle
-- @treturn function (key, shape, dtype) -> Array; the last two axes of the shape count inputs and
-- outputs
-- @raise the function: shapes of less than 3 or more than 5 axes, or with fewer outputs than inputs
-- @source Xiao et al. 2018, ICML
-- @usage stax.delta_orthogonal()(random.PRNGKey(0), { 3, 3, 2, 4 })
function M.delta_orthogonal(scale, column_axis)
  local middle_of = M.orthogonal(scale, column_axis)
  return function(key, shape, dtype)
    local n = #shape
    if n < 3 or n > 5 or shape[n] < shape[n - 1] then
      core.raise('stax.delta_orthogonal: needs 3 to 5 axes, the last one not smaller than the one '
        .. 'before it; got (%s)', table.concat(shape, ', '))
    end
    local w, widths = middle_of(key, { shape[n - 1], shape[n] }, dtype), {}
    local one = { unpack(w.shape) }
    for k = 1, n - 2 do
      local before = math.floor((shape[k] - 1) / 2)
      table.insert(one, 1, 1)
      widths[k] = { before, shape[k] - 1 - before }
    end
    widths[n - 1], widths[n] = { 0, 0 }, { 0, 0 }
    return np.pad(np.reshape(w, one), widths)
  end
end

return M
