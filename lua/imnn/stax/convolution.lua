--- Layers whose weights move over spatial axes. Layouts are those of JAX without N: layers see one
-- example; more axes in front of it are more examples.
-- @module imnn.stax.convolution
local common = require 'imnn.stax.common'
local convolution = require 'imnn.lax.convolution'
local core = require 'imnn.core'
local initial = require 'imnn.stax.initial'
local layouts = require 'imnn.lax.layout'
local random = require 'imnn.random'
local layer, ones, options = common.layer, common.ones, common.options
local positive, sizes_of = common.positive, common.sizes_of
local M = {}

local conv_rows = {
  strides = { 'table', optional = true }, padding = { 'string', 'table', default = 'VALID' },
  W_init = { 'function', optional = true }, b_init = { 'function', optional = true },
  dilation = { 'table', optional = true }, groups = { 'integer', default = 1 },
}

-- JAX's layouts without N, and what they mean.
local function layout_of(who, numbers)
  if type(numbers) ~= 'table' then
    core.raise("%s: dimension_numbers are three layouts, like { 'HWC', 'HWIO', 'HWC' }", who)
  end
  local list = {}
  for i, name in ipairs(numbers) do
    list[i] = type(name) == 'string' and i ~= 2 and name:gsub('N', '') or name
  end
  return layouts.layout(who, list)
end

-- Shape of the weights: groups have their own inputs.
local function kernel_shape(layout, out_chan, filter_shape, inputs)
  local out, next_one = {}, 0
  for i = 1, #layout.text[2] do
    local letter = layout.text[2]:sub(i, i)
    if letter == 'O' then out[i] = out_chan
    elseif letter == 'I' then out[i] = inputs
    else
      next_one = next_one + 1
      out[i] = filter_shape[next_one]
    end
  end
  return out
end

-- The layer of both kinds: `places` of the window along axis i, and `convolve`.
local function general(who, numbers, out_chan, filter_shape, o, places, convolve)
  local layout = layout_of(who, numbers)
  local n = #layout.spatial
  positive(who, 'the number of channels', out_chan)
  sizes_of(who, 'filter_shape', filter_shape, n)
  o.strides = sizes_of(who, 'strides', o.strides or ones(n), n)
  o.dilation = sizes_of(who, 'dilation', o.dilation or ones(n), n)
  local W_init = o.W_init or initial.glorot_normal(layout.rhs.I, layout.rhs.O)
  local b_init = o.b_init or initial.normal(1e-6)
  local function init(key, shape)
    if #shape ~= n + 1 then
      core.raise('%s: an input (%s) is not "%s"', who, table.concat(shape, ', '), layout.text[1])
    end
    local inputs, keys = shape[layout.lhs.C], random.split(key)
    if inputs % positive(who, 'groups', o.groups) ~= 0 or out_chan % o.groups ~= 0 then
      core.raise('%s: %d and %d channels are not in %d groups', who, inputs, out_chan, o.groups)
    end
    local out, bias = {}, {}
    for i = 1, n + 1 do bias[i] = 1 end
    for i, letter in ipairs(layout.spatial) do
      out[layout.out[letter]] = places(i, shape[layout.lhs[letter]],
        layouts.dilated(filter_shape[i], o.dilation[i]), o)
    end
    out[layout.out.C], bias[layout.out.C] = out_chan, out_chan
    return out, { W_init(keys[1], kernel_shape(layout, out_chan, filter_shape,
      inputs / o.groups)), b_init(keys[2], bias) }
  end
  return layer(init, function(params, x)
    return convolve(x, params[1], layout.text, o) + params[2]
  end, common.title(who:match '%.General(%w+)', out_chan, filter_shape), { weights = 2 })
end

local function conv_places(i, size, wide, o)
  local padding = o.padding
  if type(padding) == 'table' then padding = { padding[i] } end
  local step = o.strides[i]
  local pair = layouts.pairs_of('stax.GeneralConv', padding, { size }, { wide }, { step })[1]
  return math.max(math.floor((size + pair[1] + pair[2] - wide) / step) + 1, 0)
end

local function convolve(x, W, numbers, o)
  return convolution.conv_general_dilated(x, W, o.strides, o.padding, nil, o.dilation, numbers,
    o.groups)
end

--- Convolution with any layouts.
-- @tparam table dimension_numbers input, kernel, output: { 'NHWC', 'HWIO', 'NHWC' }, N or not
-- @tparam number out_chan
-- @tparam table filter_shape a number for each spatial axis, in the order of the kernel
-- @tparam[opt] table opts strides (1, ...), padding ('VALID'), W_init (glorot_normal), b_init
-- (normal of 1e-6), dilation (1, ...), groups (1); or strides and padding in their places
-- @tparam[opt] string|table padding
-- @treturn layer params { W, b }
-- @usage stax.GeneralConv({ 'CHW', 'OIHW', 'CHW' }, 4, { 3, 3 }, { padding = 'SAME' })
function M.GeneralConv(dimension_numbers, out_chan, filter_shape, opts, padding)
  local o = options('stax.GeneralConv', opts, padding, conv_rows)
  return general('stax.GeneralConv', dimension_numbers, out_chan, filter_shape, o, conv_places,
    convolve)
end

local function transposed_places(i, size, wide, o)
  local s, p = o.strides[i], o.padding
  if p == 'SAME' then return size * s
  elseif p == 'VALID' then return size * s + math.max(wide - s, 0) end
  return math.max((size - 1) * s + 2 - wide + p[i][1] + p[i][2], 0)
end

local function convolve_transposed(x, W, numbers, o)
  return convolution.conv_transpose(x, W, o.strides, o.padding, nil, numbers)
end

--- Transposed convolution with any layouts.
-- @tparam table dimension_numbers
-- @tparam number out_chan
-- @tparam table filter_shape
-- @tparam[opt] table opts strides, padding, W_init, b_init, as in GeneralConv
-- @tparam[opt] string|table padding
-- @treturn layer params { W, b }
-- @usage stax.GeneralConvTranspose({ 'HWC', 'HWIO', 'HWC' }, 4, { 3, 3 }, { strides = { 2, 2 } })
function M.GeneralConvTranspose(dimension_numbers, out_chan, filter_shape, opts, padding)
  local who = 'stax.GeneralConvTranspose'
  local o = options(who, opts, padding, {
    strides = conv_rows.strides, padding = conv_rows.padding, W_init = conv_rows.W_init,
    b_init = conv_rows.b_init,
  })
  o.groups = 1
  return general(who, dimension_numbers, out_chan, filter_shape, o, transposed_places,
    convolve_transposed)
end

--- Of one example, (spatial axes, C), to (spatial axes, out_chan).
-- @tparam number out_chan
-- @tparam table filter_shape a number for each spatial axis
-- @tparam[opt] table opts strides (1, ...), padding ('VALID', 'SAME', or pairs), W_init, b_init,
-- dilation, groups; or strides and padding in their places
-- @treturn layer params { W, b }
-- @usage stax.NAME(4, { 3, 3 }, { padding = 'SAME' })
-- @each Conv Convolution in two dimensions: (H, W, C)
-- @each ConvTranspose Transposed convolution in two dimensions: (H, W, C)

--- Of one example, (spatial axes, C), to (spatial axes, out_chan).
-- @tparam number out_chan
-- @tparam table filter_shape
-- @tparam[opt] table opts as for Conv
-- @treturn layer params { W, b }
-- @usage stax.NAME(4, { 3 }, { strides = { 2 } })
-- @each Conv1D Convolution in one dimension: (H, C)
-- @each Conv1DTranspose Transposed convolution in one dimension: (H, C)

--- Convolution in three dimensions, of one example (D, H, W, C) to (D, H, W, out_chan).
-- @tparam number out_chan
-- @tparam table filter_shape
-- @tparam[opt] table opts as for Conv
-- @treturn layer params { W, b }
-- @usage stax.Conv3D(4, { 3, 3, 3 }, { padding = 'SAME' })
-- @function Conv3D

for name, row in pairs {
  Conv = { M.GeneralConv, { 'NHWC', 'HWIO', 'NHWC' } },
  Conv1D = { M.GeneralConv, { 'NHC', 'HIO', 'NHC' } },
  Conv3D = { M.GeneralConv, { 'NDHWC', 'DHWIO', 'NDHWC' } },
  ConvTranspose = { M.GeneralConvTranspose, { 'NHWC', 'HWIO', 'NHWC' } },
  Conv1DTranspose = { M.GeneralConvTranspose, { 'NHC', 'HIO', 'NHC' } },
} do
  M[name] = function(...) return row[1](row[2], ...) end
end

return M
