--- Convolutions and windows, under the names of jax.lax. Layouts are strings, one letter an axis: N
-- examples, C channels (of kernels O and I), any other letters spatial axes, up to three. Layouts
-- without N are of one example; more axes in front are more examples, in every case.
-- @module imnn.lax.window
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local flip = require('imnn.numpy.arrange').flip
local operands = require 'imnn.numpy.operands'
local promote = require 'imnn.numpy.promote'
local shape = require 'imnn.numpy.shape'
local M = {}

-- ---- layouts ----

-- Position of each letter.
local function letters(who, text, needed)
  if type(text) ~= 'string' then
    core.raise('%s: a layout is a string like "NHWC", got %s', who, type(text))
  end
  local at = {}
  for i = 1, #text do
    local letter = text:sub(i, i)
    if at[letter] then core.raise('%s: "%s" has the letter %s twice', who, text, letter) end
    at[letter] = i
  end
  for letter in needed:gmatch '.' do
    if not at[letter] then core.raise('%s: "%s" has no %s', who, text, letter) end
  end
  return at
end

--- What three layouts mean.
-- @tparam string who name of the function, for messages
-- @tparam table numbers { input, kernel, output }, like { 'NHWC', 'HWIO', 'NHWC' }
-- @treturn table spatial: letters in the order of the kernel; lhs, rhs, out: position by letter
function M.layout(who, numbers)
  if type(numbers) ~= 'table' or #numbers ~= 3 then
    core.raise('%s: dimension_numbers are three layouts: input, kernel, output', who)
  end
  local out = { spatial = {}, text = numbers }
  out.lhs = letters(who, numbers[1], 'C')
  out.rhs, out.out = letters(who, numbers[2], 'OI'), letters(who, numbers[3], 'C')
  for letter in numbers[2]:gmatch '[^OI]' do out.spatial[#out.spatial + 1] = letter end
  for _, i in ipairs { 1, 3 } do
    local at, found = i == 1 and out.lhs or out.out, 0
    for letter in numbers[i]:gmatch '[^NC]' do
      if not out.rhs[letter] then
        core.raise('%s: "%s" has the spatial axis %s, "%s" has not', who, numbers[i], letter,
          numbers[2])
      end
      found = found + 1
    end
    if found ~= #out.spatial then
      core.raise('%s: "%s" and "%s" have different spatial axes', who, numbers[i], numbers[2])
    end
    if (at.N == nil) ~= (out.lhs.N == nil) then
      core.raise('%s: "%s" and "%s": N is in one of them only', who, numbers[1], numbers[3])
    end
  end
  return out
end

-- Axes of x, whose last ones have this layout, in another order; more axes stay in front.
local function reorder(x, from, to)
  if from == to then return x end
  local front, at, order = #x.shape - #from, {}, {}
  for i = 1, #from do at[from:sub(i, i)] = front + i end
  for k = 1, front do order[k] = k end
  for i = 1, #to do order[front + i] = at[to:sub(i, i)] end
  return shape.transpose(x, order)
end

-- A list of n positive whole numbers; ones without.
local function numbers(who, what, list, n)
  local out = {}
  if list ~= nil and type(list) ~= 'table' then
    core.raise('%s: %s is a list of %d numbers, got %s', who, what, n, type(list))
  end
  if list and #list ~= n then
    core.raise('%s: %s has %d numbers for %d axes', who, what, #list, n)
  end
  for i = 1, n do
    out[i] = list and list[i] or 1
    if type(out[i]) ~= 'number' or out[i] % 1 ~= 0 or out[i] < 1 then
      core.raise('%s: %s are whole numbers, at least 1, got %s', who, what, tostring(out[i]))
    end
  end
  return out
end

-- ---- padding ----

local function dilated(size, by) return size > 0 and (size - 1) * by + 1 or 0 end

--- Pairs { low, high } from 'VALID', 'SAME', 'SAME_LOWER' or pairs.
-- @tparam string who
-- @tparam string|table padding
-- @tparam table sizes of the (dilated) axes
-- @tparam table windows (dilated)
-- @tparam table strides
function M.pairs_of(who, padding, sizes, windows, strides)
  local out, name = {}, type(padding) == 'string' and padding:upper()
  if type(padding) == 'table' then
    if #padding ~= #sizes then
      core.raise('%s: padding has %d pairs for %d axes', who, #padding, #sizes)
    end
    for i, p in ipairs(padding) do
      if type(p) ~= 'table' or #p ~= 2 or type(p[1]) ~= 'number' or type(p[2]) ~= 'number'
        or p[1] % 1 ~= 0 or p[2] % 1 ~= 0 then
        core.raise('%s: padding is a list of pairs { low, high } of whole numbers', who)
      end
      out[i] = { p[1], p[2] }
    end
    return out
  end
  if name ~= 'VALID' and name ~= 'SAME' and name ~= 'SAME_LOWER' then
    core.raise("%s: padding is 'VALID', 'SAME', 'SAME_LOWER' or pairs, got %s", who,
      tostring(padding))
  end
  for i, size in ipairs(sizes) do
    local places = math.ceil(size / strides[i])
    local total = math.max((places - 1) * strides[i] + windows[i] - size, 0)
    local less, more = math.floor(total / 2), math.ceil(total / 2)
    out[i] = name == 'VALID' and { 0, 0 } or name == 'SAME' and { less, more } or { more, less }
  end
  return out
end

-- ---- convolution ----

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
-- @tparam[opt] table opts window_strides (1, ...), padding ('VALID'; 'SAME', 'SAME_LOWER', or
-- pairs { low, high }, which may be negative), lhs_dilation, rhs_dilation (1, ...),
-- dimension_numbers ({ 'NCHW', 'OIHW', 'NCHW' } and the like), feature_group_count (1): input
-- channels of a group feed the output channels of that group
-- @treturn Array in the third layout
-- @raise shapes and layouts that do not fit
-- @usage lax.conv_general_dilated(x, w, { padding = 'SAME',
--   dimension_numbers = { 'HWC', 'HWIO', 'HWC' } })
function M.conv_general_dilated(lhs, rhs, opts)
  local who = 'conv_general_dilated'
  local o = args.take(who, opts, rows)
  lhs, rhs = operands.of(who, 'conv', lhs, rhs)
  local layout = M.layout(who, o.dimension_numbers or default_layout(#rhs.shape - 2))
  local text, n = layout.text, #layout.spatial
  if n > 3 then core.raise('%s: up to 3 spatial axes, got %d', who, n) end
  if #rhs.shape ~= #text[2] or #lhs.shape < #text[1] then
    core.raise('%s: (%s) and (%s) are not "%s" and "%s"', who, table.concat(lhs.shape, ', '),
      table.concat(rhs.shape, ', '), text[1], text[2])
  end
  local space = table.concat(layout.spatial)
  local example = layout.lhs.N and 'N' or ''
  local x = reorder(lhs, text[1], example .. space .. 'C')
  local w = reorder(rhs, text[2], space .. 'IO')
  local strides = numbers(who, 'window_strides', o.window_strides, n)
  local base = numbers(who, 'lhs_dilation', o.lhs_dilation, n)
  local dilation = numbers(who, 'rhs_dilation', o.rhs_dilation, n)
  local sizes, windows, first = {}, {}, #x.shape - 1 - n
  for i = 1, n do
    sizes[i] = dilated(x.shape[first + i], base[i])
    windows[i] = dilated(w.shape[i], dilation[i])
  end
  local padding = M.pairs_of(who, o.padding, sizes, windows, strides)
  local attr, inputs, outputs = { n, o.feature_group_count, 0 }, w.shape[n + 1], w.shape[n + 2]
  if o.feature_group_count < 1 or outputs % o.feature_group_count ~= 0
    or x.shape[#x.shape] ~= inputs * o.feature_group_count then
    core.raise('%s: %d channels of (%s) in %d groups do not feed the kernel (%s), which takes %d '
      .. 'and gives %d', who, x.shape[#x.shape], table.concat(lhs.shape, ', '),
      o.feature_group_count, table.concat(rhs.shape, ', '), inputs, outputs)
  end
  for i = 1, n do
    for _, v in ipairs { w.shape[i], strides[i], padding[i][1], padding[i][2], base[i],
      dilation[i] } do
      attr[#attr + 1] = v
    end
  end
  local y = array.apply('conv', { x, w }, attr)
  return reorder(y, example .. space .. 'C', text[3])
end

--- Convolution with the layouts 'NCHW', 'OIHW', 'NCHW' (and the like).
-- @tparam Array lhs
-- @tparam Array rhs
-- @tparam table window_strides
-- @tparam string|table padding
function M.conv(lhs, rhs, window_strides, padding)
  return M.conv_general_dilated(lhs, rhs, { window_strides = window_strides, padding = padding })
end

--- The same with dilations.
function M.conv_with_general_padding(lhs, rhs, window_strides, padding, opts)
  local all = { window_strides = window_strides, padding = padding }
  for name, value in pairs(opts or {}) do all[name] = value end
  return M.conv_general_dilated(lhs, rhs, all)
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
-- @tparam[opt] table opts rhs_dilation, dimension_numbers ({ 'NHWC', 'HWIO', 'NHWC' } and the
-- like), transpose_kernel (false): turn the kernel around and exchange its channels, which makes it
-- the derivative of `conv_general_dilated`
-- @treturn Array
function M.conv_transpose(lhs, rhs, strides, padding, opts)
  local who = 'conv_transpose'
  local o = args.take(who, opts, {
    rhs_dilation = { 'table', optional = true }, dimension_numbers = { 'table', optional = true },
    transpose_kernel = { 'boolean', default = false },
  })
  lhs, rhs = operands.of(who, 'conv', lhs, rhs)
  local space = ('DHW'):sub(-math.max(#rhs.shape - 2, 0))
  if #rhs.shape <= 2 then space = '' end
  local layout = M.layout(who, o.dimension_numbers
    or { 'N' .. space .. 'C', space .. 'IO', 'N' .. space .. 'C' })
  local n, kernel = #layout.spatial, layout.text[2]
  if #rhs.shape ~= #kernel then
    core.raise('%s: the kernel (%s) is not "%s"', who, table.concat(rhs.shape, ', '), kernel)
  end
  strides = numbers(who, 'strides', strides, n)
  local dilation, widths = numbers(who, 'rhs_dilation', o.rhs_dilation, n), padding
  if type(padding) == 'string' then
    if padding ~= 'SAME' and padding ~= 'VALID' then
      core.raise("%s: padding is 'SAME', 'VALID' or pairs, got '%s'", who, padding)
    end
    widths = {}
    for i, letter in ipairs(layout.spatial) do
      widths[i] = transposed_pairs(dilated(rhs.shape[layout.rhs[letter]], dilation[i]), strides[i],
        padding)
    end
  end
  if o.transpose_kernel then
    for _, letter in ipairs(layout.spatial) do rhs = flip(rhs, layout.rhs[letter]) end
    rhs = shape.swapaxes(rhs, layout.rhs.I, layout.rhs.O)
  end
  return M.conv_general_dilated(lhs, rhs, { padding = widths, lhs_dilation = strides,
    rhs_dilation = dilation, dimension_numbers = layout.text })
end

-- ---- windows ----

local window_rows = {
  window_strides = { 'table', optional = true }, padding = { 'string', 'table', default = 'VALID' },
  base_dilation = { 'table', optional = true }, window_dilation = { 'table', optional = true },
}

-- Windows of all axes as { moved = axes that they move over, attr, x with these before the last }.
local function windows_of(who, x, window, opts)
  local o, ndim = args.take(who, opts, window_rows), #x.shape
  window = numbers(who, 'window_dimensions', window, ndim)
  local strides = numbers(who, 'window_strides', o.window_strides, ndim)
  local base = numbers(who, 'base_dilation', o.base_dilation, ndim)
  local dilation = numbers(who, 'window_dilation', o.window_dilation, ndim)
  local sizes, wide = {}, {}
  for k = 1, ndim do
    sizes[k], wide[k] = dilated(x.shape[k], base[k]), dilated(window[k], dilation[k])
  end
  local padding = M.pairs_of(who, o.padding, sizes, wide, strides)
  local moved, still, attr, empty = {}, {}, { 0 }, false
  for k = 1, ndim do
    local low, high = padding[k][1], padding[k][2]
    if window[k] == 1 and strides[k] == 1 and base[k] == 1 and low == 0 and high == 0 then
      still[#still + 1] = k
    else
      moved[#moved + 1] = k
      for _, v in ipairs { window[k], strides[k], low, high, base[k], dilation[k] } do
        attr[#attr + 1] = v
      end
      empty = empty or low >= wide[k] or high >= wide[k] or base[k] > 1
    end
  end
  attr[1] = #moved
  if #moved > 3 then core.raise('%s: the window moves over %d axes, at most 3', who, #moved) end
  -- The last axis that is not moved over, if any, is what channels are.
  local order, channels = {}, still[#still]
  for i = 1, #still - 1 do order[i] = still[i] end
  for _, k in ipairs(moved) do order[#order + 1] = k end
  order[#order + 1] = channels
  local inverse, adjusted = {}, x
  if ndim > 0 then adjusted = shape.transpose(x, order) end
  if not channels then adjusted = shape.expand_dims(adjusted, -1) end
  for i, k in ipairs(order) do inverse[k] = i end
  return {
    x = adjusted, attr = attr, n = #moved, empty = empty,
    back = function(y)
      if not channels then y = shape.squeeze(y, -1) end
      return ndim > 0 and shape.transpose(y, inverse) or y
    end,
  }
end

-- Spatial axes as one.
local function flat(w, x)
  local s, out, n = x.shape, {}, 1
  local first = #s - 1 - w.n
  for k = 1, first do out[k] = s[k] end
  for k = first + 1, #s - 1 do n = n * s[k] end
  out[first + 1], out[first + 2] = n, s[#s]
  return shape.reshape(x, out), first
end

local function largest(w, x, least)
  local where = array.apply('window_argmax', { x }, w.attr)
  local line, axis = flat(w, x)
  if where.size == 0 then return promote.convert(where, x.dtype) end
  local y = array.apply('take_along', { line, (flat(w, where)) }, { axis })
  y = shape.reshape(y, where.shape)
  return w.empty and elementwise('where', elementwise('lt', where, 0), least, y) or y
end

local computations = {}

function computations.add(w, init)
  local y = array.apply('window_sum', { w.x }, w.attr)
  return init == 0 and y or y + init
end
function computations.max(w, init)
  local y = largest(w, w.x, init)
  return init == -math.huge and y or elementwise('maximum', y, init)
end
function computations.min(w, init)
  local y = -largest(w, -w.x, -init)
  return init == math.huge and y or elementwise('minimum', y, init)
end

local function computation_of(who, what)
  local np = require 'imnn.numpy'
  if what == np.add or what == 'sum' then what = 'add'
  elseif what == np.maximum then what = 'max'
  elseif what == np.minimum then what = 'min' end
  return computations[what]
    or core.raise("%s: the computation is 'add', 'max' or 'min' (or np.add, ...), got %s", who,
      tostring(what))
end

--- What a window meets at each of its places, as one number: sum, maximum or minimum.
-- @tparam Array operand
-- @tparam number init_value where it starts, which is also what padding counts as: 0, -inf, inf
-- @param computation 'add', 'max', 'min', or np.add, np.maximum, np.minimum
-- @tparam table window_dimensions one number an axis; up to three axes may have more than 1
-- @tparam[opt] table opts window_strides (1, ...), padding ('VALID'), base_dilation,
-- window_dilation (1, ...)
-- @treturn Array
-- @usage lax.reduce_window(x, -math.huge, 'max', { 2, 2, 1 }, { window_strides = { 2, 2, 1 } })
function M.reduce_window(operand, init_value, computation, window_dimensions, opts)
  local who = 'reduce_window'
  local x = operands.of(who, 'window_sum', operand)
  if type(init_value) ~= 'number' then
    core.raise('%s: init_value must be a number, got %s', who, type(init_value))
  end
  local compute = computation_of(who, computation)
  local w = windows_of(who, x, window_dimensions, opts)
  return w.back(compute(w, init_value))
end

--- Scatter source to where the largest (smallest) element of each window of operand is, the first
-- of several, added up: the derivative of maximum pooling.
-- @tparam Array operand
-- @param select 'max' or 'min' (jax.lax: ge, le)
-- @tparam table window_dimensions
-- @tparam Array source like the result of `reduce_window`
-- @tparam[opt] table opts window_strides, padding
-- @treturn Array like operand
function M.select_and_scatter_add(operand, select, window_dimensions, source, opts)
  local who = 'select_and_scatter_add'
  if select ~= 'max' and select ~= 'min' then
    core.raise("%s: select is 'max' or 'min', got %s", who, tostring(select))
  end
  local x = create.as_array(operand, who)
  source = create.as_array(source, who)
  local w = windows_of(who, select == 'max' and x or -x, window_dimensions, opts)
  local s = windows_of(who, source, window_dimensions, { padding = opts and opts.padding,
    window_strides = opts and opts.window_strides })
  local where = array.apply('window_argmax', { w.x }, w.attr)
  local given = s.x
  if table.concat(given.shape, ', ') ~= table.concat(where.shape, ', ') then
    core.raise('%s: source (%s) is not what windows of (%s) give', who,
      table.concat(source.shape, ', '), table.concat(x.shape, ', '))
  end
  if w.empty then given = elementwise('where', elementwise('lt', where, 0), 0, given) end
  local line, axis = flat(w, w.x)
  local y = array.apply('put_along_add', { (flat(w, given)), (flat(w, where)) },
    { axis, line.shape[axis + 1] })
  return w.back(shape.reshape(y, w.x.shape))
end

return M
