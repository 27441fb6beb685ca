--- Layers that pool. Layouts are those of JAX without N: layers see one example; more axes in front
-- of it are more examples.
-- @module imnn.stax.pool
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local layouts = require 'imnn.lax.layout'
local np = require 'imnn.numpy'
local window = require 'imnn.lax.window'
local layer, ones, options = common.layer, common.ones, common.options
local sizes_of = common.sizes_of
local M = {}

local function pool_layout(who, n, spec)
  local letters = ('XYZ'):sub(1, n) .. 'C'
  if spec == nil then return letters end
  if type(spec) ~= 'string' then
    core.raise('%s: spec is a layout like "NHWC", got %s', who, core.kind(spec))
  end
  letters = spec:gsub('N', '')
  if #letters ~= n + 1 or not letters:find 'C' then
    core.raise('%s: "%s" is no layout of %d spatial axes, N and C', who, spec, n)
  end
  return letters
end

-- fn(x, window, options) with a window for every axis of x
local function pool(name, fn)
  local who = 'stax.' .. name
  M[name] = function(window_shape, opts, padding)
    local o = options(who, opts, padding, {
      strides = { 'table', optional = true }, padding = { 'string', default = 'VALID' },
      spec = { 'string', optional = true },
    })
    local n = #sizes_of(who, 'window_shape', window_shape)
    local strides = sizes_of(who, 'strides', o.strides or ones(n), n)
    local layout = pool_layout(who, n, o.spec)
    -- For an array whose last axes have the layout.
    local function spread(list, ndim)
      local out, i = ones(ndim), 0
      for k = 1, #layout do
        if layout:sub(k, k) ~= 'C' then
          i = i + 1
          out[ndim - #layout + k] = list[i]
        end
      end
      return out
    end
    local function check(shape)
      if #shape < #layout then
        core.raise('%s: an input (%s) is not "%s"', who, table.concat(shape, ', '), layout)
      end
    end
    local function init(_, shape)
      check(shape)
      local wide, steps, out = spread(window_shape, #shape), spread(strides, #shape), {}
      local pairs_of = layouts.pairs_of(who, o.padding, shape, wide, steps)
      for k, size in ipairs(shape) do
        local room = size + pairs_of[k][1] + pairs_of[k][2] - wide[k]
        out[k] = math.max(math.floor(room / steps[k]) + 1, 0)
      end
      return out, {}
    end
    return layer(init, function(_, x)
      local ndim = #x.shape
      check(x.shape)
      return fn(x, spread(window_shape, ndim), { window_strides = spread(strides, ndim),
        padding = o.padding })
    end, common.title(name, window_shape))
  end
end

local function sums(x, wide, opts)
  return window.reduce_window(x, 0, 'add', wide, opts.window_strides, opts.padding)
end

--- Only elements that are there count, none of a padding.
-- @tparam table window_shape a number for each spatial axis
-- @tparam[opt] table opts strides (1, ...), padding ('VALID', or 'SAME', 'SAME_LOWER'), spec: a
-- layout like 'NCHW' (channels last without one); or strides and padding in their places
-- @treturn layer without parameters
-- @usage stax.NAME({ 2, 2 }, { strides = { 2, 2 } })
-- @each MaxPool Pooling: the largest element of each window
-- @each SumPool Pooling: the sum of each window
-- @each AvgPool Pooling: the mean of each window

pool('MaxPool', function(x, wide, opts)
  return window.reduce_window(x, -math.huge, 'max', wide, opts.window_strides, opts.padding)
end)

pool('SumPool', sums)

pool('AvgPool', function(x, wide, opts)
  local shape = x.shape
  for k = 1, #shape do
    if wide[k] == 1 and opts.window_strides[k] == 1 then shape[k] = 1 end
  end
  return sums(x, wide, opts) / sums(np.ones(shape, x.dtype), wide, opts)
end)

local function global(name, fn)
  return layer(function(_, shape) return { shape[#shape] }, {} end, function(_, x)
    local axes = {}
    for k = 1, #x.shape - 1 do axes[k] = k end
    return fn(x, { axis = axes })
  end, name)
end

--- Over all axes but the last: (..., C) to (C), of one example.
-- @usage stax.serial(stax.Conv(4, { 3, 3 }), stax.NAME)
-- @each GlobalAvgPool A layer: the mean over all spatial axes
-- @each GlobalMaxPool A layer: the largest element over all spatial axes
M.GlobalAvgPool = global('GlobalAvgPool', np.mean)
M.GlobalMaxPool = global('GlobalMaxPool', np.max)

return M
