--- Convolutions, under the names of jax.lax (layouts: imnn.lax.layout).
-- @module imnn.lax.convolution
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local flip = require('imnn.numpy.arrange').flip
local layouts = require 'imnn.lax.layout'
local operands = require 'imnn.numpy.operands'
local shape = require 'imnn.numpy.shape'
local M = {}

local rows = {
  window_strides = { 'table', optional = true }, padding = { 'string', 'table', default = 'VALID' },
  lhs_dilation = { 'table', optional = true }, rhs_dilation = { 'table', optional = true },
  dimension_numbers = { 'table', optional = true },
  feature_group_count = { 'integer', default = 1 },
}

-- 'NCHW', 'OIHW', 'NCHW' for any number of spatial axes, as jax.lax has it.
local function default_layout(n)
  local space = ('DHW'):sub(4 - n)
  if n < 1 or n > 3 then space = ('DHW'):rep(3):sub(1, math.max(n, 0)) end
  return { 'NC' .. space, 'OI' .. space, 'NC' .. space }
end

--- Convolution (cross-correlation: kernels are not turned around).
-- @tparam Array lhs in the first layout
-- @tparam Array rhs kernel, in the second
-- @tparam[opt] table window_strides (1, ...)
-- @tparam[opt='VALID'] string|table padding 'VALID', 'SAME', 'SAME_LOWER', or pairs { low, high },
-- which may be negative
-- @tparam[opt] table lhs_dilation (1, ...)
-- @tparam[opt] table rhs_dilation (1, ...)
-- @tparam[opt] table dimension_numbers { 'NCHW', 'OIHW', 'NCHW' } and the like
-- @tparam[opt=1] number feature_group_count input channels of a group feed the output channels of
-- that group
-- @treturn Array in the third layout
-- @raise shapes and layouts that do not fit
-- @usage local image, kernel = np.ones { 5, 5, 1 }, np.ones { 3, 3, 1, 4 }
-- lax.conv_general_dilated(image, kernel, { padding = 'SAME',
--   dimension_numbers = { 'HWC', 'HWIO', 'HWC' } }).shape --> { 5, 5, 4 }
-- lax.conv_general_dilated(np.ones { 1, 1, 5, 5 }, np.ones { 4, 1, 3, 3 }, { 2, 2 }, 'SAME').shape
-- --> { 1, 4, 3, 3 }
function M.conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
  dimension_numbers, feature_group_count)
  local who = 'conv_general_dilated'
  local o = args.take(who, {
    window_strides = window_strides, padding = padding, lhs_dilation = lhs_dilation,
    rhs_dilation = rhs_dilation, dimension_numbers = dimension_numbers,
    feature_group_count = feature_group_count,
  }, rows)
  lhs, rhs = operands.of(who, 'conv', lhs, rhs)
  local layout = layouts.layout(who, o.dimension_numbers or default_layout(#rhs.shape - 2))
  local text, n = layout.text, #layout.spatial
  if n > 3 then core.raise('%s: up to 3 spatial axes, got %d', who, n) end
  if #rhs.shape ~= #text[2] or #lhs.shape < #text[1] then
    core.raise('%s: (%s) and (%s) are not "%s" and "%s"', who, table.concat(lhs.shape, ', '),
      table.concat(rhs.shape, ', '), text[1], text[2])
  end
  local space = table.concat(layout.spatial)
  local example = layout.lhs.N and 'N' or ''
  local x = layouts.reorder(lhs, text[1], example .. space .. 'C')
  local w = layouts.reorder(rhs, text[2], space .. 'IO')
  local strides = layouts.numbers(who, 'window_strides', o.window_strides, n)
  local base = layouts.numbers(who, 'lhs_dilation', o.lhs_dilation, n)
  local dilation = layouts.numbers(who, 'rhs_dilation', o.rhs_dilation, n)
  local sizes, windows, first = {}, {}, #x.shape - 1 - n
  for i = 1, n do
    sizes[i] = layouts.dilated(x.shape[first + i], base[i])
    windows[i] = layouts.dilated(w.shape[i], dilation[i])
  end
  local widths = layouts.pairs_of(who, o.padding, sizes, windows, strides)
  local attr, inputs, outputs = { n, o.feature_group_count, 0 }, w.shape[n + 1], w.shape[n + 2]
  if o.feature_group_count < 1 or outputs % o.feature_group_count ~= 0
    or x.shape[#x.shape] ~= inputs * o.feature_group_count then
    core.raise('%s: %d channels of (%s) in %d groups do not feed the kernel (%s), which takes %d '
      .. 'and gives %d', who, x.shape[#x.shape], table.concat(lhs.shape, ', '),
      o.feature_group_count, table.concat(rhs.shape, ', '), inputs, outputs)
  end
  for i = 1, n do
    for _, v in ipairs { w.shape[i], strides[i], widths[i][1], widths[i][2], base[i],
      dilation[i] } do
      attr[#attr + 1] = v
    end
  end
  local y = array.apply('conv', { x, w }, attr)
  return layouts.reorder(y, example .. space .. 'C', text[3])
end

--- Convolution with the layouts 'NCHW', 'OIHW', 'NCHW' (and the like).
-- @tparam Array lhs
-- @tparam Array rhs
-- @tparam table window_strides
-- @tparam string|table padding
-- @treturn Array
-- @usage lax.conv(np.ones { 1, 1, 5, 5 }, np.ones { 4, 1, 3, 3 }, { 1, 1 }, 'SAME')
function M.conv(lhs, rhs, window_strides, padding)
  return M.conv_general_dilated(lhs, rhs, window_strides, padding)
end

--- Convolution with the layouts 'NCHW', 'OIHW', 'NCHW' (and the like), with dilations.
-- @tparam Array lhs
-- @tparam Array rhs
-- @tparam table window_strides
-- @tparam string|table padding
-- @tparam[opt] table lhs_dilation (1, ...)
-- @tparam[opt] table rhs_dilation (1, ...)
-- @tparam[opt] table dimension_numbers as for conv_general_dilated
-- @tparam[opt=1] number feature_group_count as for conv_general_dilated
-- @treturn Array
-- @usage lax.conv_with_general_padding(np.ones { 1, 1, 5, 5 }, np.ones { 4, 1, 3, 3 }, { 1, 1 },
--   { { 0, 0 }, { 1, 1 } }, { rhs_dilation = { 2, 1 } })
function M.conv_with_general_padding(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
  dimension_numbers, feature_group_count)
  return M.conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
    dimension_numbers, feature_group_count)
end

-- Pairs for the transposed convolution of a (dilated) window.
local function transposed_pairs(window, stride, padding)
  local total = window + stride - 2
  if padding == 'SAME' then
    local low = stride > window - 1 and window - 1 or math.ceil(total / 2)
    return { low, total - low }
  end
  return { window - 1, total + math.max(window - stride, 0) - (window - 1) }
end

--- Transposed convolution: strides - 1 zeros between elements, then a convolution; the kernel is
-- not turned around unless `transpose_kernel`.
-- @tparam Array lhs
-- @tparam Array rhs
-- @tparam table strides
-- @tparam string|table padding 'SAME': the size times the stride; 'VALID'; or pairs
-- @tparam[opt] table rhs_dilation (1, ...)
-- @tparam[opt] table dimension_numbers { 'NHWC', 'HWIO', 'NHWC' } and the like
-- @tparam[opt=false] boolean transpose_kernel turn the kernel around and exchange its channels,
-- which makes it the derivative of `conv_general_dilated`
-- @treturn Array
-- @usage lax.conv_transpose(np.ones { 1, 5, 5, 1 }, np.ones { 3, 3, 1, 4 }, { 2, 2 }, 'SAME')
function M.conv_transpose(lhs, rhs, strides, padding, rhs_dilation, dimension_numbers,
  transpose_kernel)
  local who = 'conv_transpose'
  local o = args.take(who, {
    rhs_dilation = rhs_dilation, dimension_numbers = dimension_numbers,
    transpose_kernel = transpose_kernel,
  }, {
    rhs_dilation = { 'table', optional = true }, dimension_numbers = { 'table', optional = true },
    transpose_kernel = { 'boolean', default = false },
  })
  lhs, rhs = operands.of(who, 'conv', lhs, rhs)
  local space = ('DHW'):sub(-math.max(#rhs.shape - 2, 0))
  if #rhs.shape <= 2 then space = '' end
  local layout = layouts.layout(who, o.dimension_numbers
    or { 'N' .. space .. 'C', space .. 'IO', 'N' .. space .. 'C' })
  local n, kernel = #layout.spatial, layout.text[2]
  if #rhs.shape ~= #kernel then
    core.raise('%s: the kernel (%s) is not "%s"', who, table.concat(rhs.shape, ', '), kernel)
  end
  strides = layouts.numbers(who, 'strides', strides, n)
  local dilation, widths = layouts.numbers(who, 'rhs_dilation', o.rhs_dilation, n), padding
  if type(padding) == 'string' then
    if padding ~= 'SAME' and padding ~= 'VALID' then
      core.raise("%s: padding is 'SAME', 'VALID' or pairs, got '%s'", who, padding)
    end
    widths = {}
    for i, letter in ipairs(layout.spatial) do
      local wide = layouts.dilated(rhs.shape[layout.rhs[letter]], dilation[i])
      widths[i] = transposed_pairs(wide, strides[i], padding)
    end
  end
  if o.transpose_kernel then
    for _, letter in ipairs(layout.spatial) do rhs = flip(rhs, layout.rhs[letter]) end
    rhs = shape.swapaxes(rhs, layout.rhs.I, layout.rhs.O)
  end
  return M.conv_general_dilated(lhs, rhs, nil, widths, strides, dilation, layout.text)
end

return M
