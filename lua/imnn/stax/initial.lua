--- Initial weights: functions (key, shape, dtype) -> Array.
-- @module imnn.stax.initial
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local C = core.C
local M = {}

--- Zeros; ones; a constant.
function M.zeros(_, shape, dtype) return np.zeros(shape, dtype) end
function M.ones(_, shape, dtype) return np.ones(shape, dtype) end
function M.constant(value)
  return function(_, shape, dtype) return np.full(shape, value, dtype) end
end

--- Normal numbers of a standard deviation (0.01).
function M.normal(stddev)
  return function(key, shape, dtype) return random.normal(key, shape, dtype) * (stddev or 0.01) end
end

--- Uniform numbers in [0, scale) (0.01).
function M.uniform(scale)
  return function(key, shape, dtype)
    return random.uniform(key, shape, { dtype = dtype }) * (scale or 0.01)
  end
end

--- Normal numbers between two bounds, in units of the standard deviation, which is not corrected.
function M.truncated_normal(stddev, lower, upper)
  return function(key, shape, dtype)
    return random.truncated_normal(key, lower or -2, upper or 2, shape, dtype) * (stddev or 0.01)
  end
end

local fans = { fan_avg = C.IMNN_FAN_AVG, fan_in = C.IMNN_FAN_IN, fan_out = C.IMNN_FAN_OUT }

-- n of a weight: its number of inputs, of outputs, or their mean.
local function fan_size(shape, mode, in_axis, out_axis)
  local a, b = in_axis or -2, out_axis or -1
  if #shape < 2 then
    core.raise('stax: initial weights need two axes, got (%s)', table.concat(shape, ', '))
  end
  a = core.index(a, #shape, 'stax: initial weights have no axis') + 1
  b = core.index(b, #shape, 'stax: initial weights have no axis') + 1
  local receptive = 1
  for k = 1, #shape do
    if k ~= a and k ~= b then receptive = receptive * shape[k] end
  end
  local n, m = shape[a] * receptive, shape[b] * receptive
  return mode == 'fan_in' and n or mode == 'fan_out' and m or (n + m) / 2
end

local function is_last(shape, in_axis, out_axis)
  local a, b = in_axis or -2, out_axis or -1
  return (a == -2 or a == #shape - 1) and (b == -1 or b == #shape)
end

--- Numbers whose variance is scale / n, n the mean number of inputs and outputs ('fan_avg'), or one
-- of them ('fan_in', 'fan_out'); 'truncated_normal', 'normal' or 'uniform'.
-- @tparam number scale
-- @tparam string mode
-- @tparam string distribution
-- @tparam[opt] number in_axis of inputs (-2)
-- @tparam[opt] number out_axis of outputs (-1)
-- @source Glorot & Bengio 2010, AISTATS, eq. 16; He et al. 2015, ICCV, eq. 10
function M.variance_scaling(scale, mode, distribution, in_axis, out_axis)
  if not fans[mode] then core.raise('stax.variance_scaling: no mode "%s"', tostring(mode)) end
  if distribution == 'truncated_normal' then
    local cut = 0.87962566103423978 -- standard deviation of a normal cut at -2 and 2
    return function(key, shape, dtype)
      local n = fan_size(shape, mode, in_axis, out_axis)
      if not is_last(shape, in_axis, out_axis) then
        return random.truncated_normal(key, -2, 2, shape, dtype) * (math.sqrt(scale / n) / cut)
      end
      local who, s = 'stax.variance_scaling', array.c_shape(shape)
      local code, of = check.dtype(who, dtype)
      return array.build(who, check.settings(s, scale, mode, of), { key }, function(graph, k)
        return C.imnn_layer_truncated_normal_scaled(graph, k, code, s, scale, fans[mode])
      end)
    end
  end
  if distribution == 'normal' then
    return function(key, shape, dtype)
      return random.normal(key, shape, dtype)
        * math.sqrt(scale / fan_size(shape, mode, in_axis, out_axis))
    end
  end
  if distribution == 'uniform' then
    return function(key, shape, dtype)
      return random.uniform(key, shape, { dtype = dtype, minval = -1, maxval = 1 })
        * math.sqrt(3 * scale / fan_size(shape, mode, in_axis, out_axis))
    end
  end
  core.raise('stax.variance_scaling: no distribution "%s"', tostring(distribution))
end

for name, row in pairs {
  glorot_normal = { 1, 'fan_avg', 'truncated_normal' }, glorot_uniform = { 1, 'fan_avg',
    'uniform' },
  lecun_normal = { 1, 'fan_in', 'truncated_normal' }, lecun_uniform = { 1, 'fan_in', 'uniform' },
  he_normal = { 2, 'fan_in', 'truncated_normal' }, he_uniform = { 2, 'fan_in', 'uniform' },
} do
  M[name] = function(in_axis, out_axis)
    return M.variance_scaling(row[1], row[2], row[3], in_axis, out_axis)
  end
end
M.xavier_normal, M.xavier_uniform = M.glorot_normal, M.glorot_uniform
M.kaiming_normal, M.kaiming_uniform = M.he_normal, M.he_uniform

return M
