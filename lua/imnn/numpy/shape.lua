--- Other shapes of the same elements, parts of arrays, arrays side by side.
-- @module imnn.numpy.shape
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local M = {}

--- Another shape of the same elements; one size may be -1.
-- @tparam Array x
-- @tparam table|number shape or sizes one by one
-- @raise another number of elements
function M.reshape(x, shape, ...)
  x = create.as_array(x, 'np.reshape')
  if type(shape) == 'number' then shape = { shape, ... } end
  if type(shape) ~= 'table' then
    core.raise('reshape: a shape is a table of sizes, got %s', type(shape))
  end
  local out, free = { unpack(shape) }, nil
  for i, size in ipairs(out) do
    if size == -1 and free then
      core.raise('reshape: only one size can be left open by -1, got (%s)',
        table.concat(shape, ', '))
    elseif size == -1 then
      out[i], free = 1, i
    end
  end
  array.c_shape(out, 'reshape')
  if free then
    local known = 1
    for _, size in ipairs(out) do known = known * size end
    if known == 0 or x.size % known ~= 0 then
      core.raise('reshape: (%s) does not fit (%s)', table.concat(x.shape, ', '),
        table.concat(shape, ', '))
    end
    out[free] = x.size / known
  end
  return array.apply('reshape', { x }, out)
end

function M.ravel(x) return M.reshape(x, { -1 }) end

--- Axes in another order; reversed without an order.
-- @tparam Array x
-- @tparam[opt] table|number axes or axes one by one
function M.transpose(x, axes, ...)
  x = create.as_array(x, 'np.transpose')
  local n, out = #x.shape, {}
  if type(axes) == 'number' then axes = { axes, ... } end
  if axes and #axes ~= n then
    core.raise('transpose: %d axes for an array of %d', #axes, n)
  end
  for k = 1, n do out[k] = axes and core.index(axes[k], n, 'transpose: no axis') or n - k end
  return array.apply('transpose', { x }, out)
end

--- Move an axis to another place.
function M.moveaxis(x, from, to)
  x = create.as_array(x, 'np.moveaxis')
  local n, order = #x.shape, {}
  from, to = core.index(from, n, 'moveaxis: no axis') + 1, core.index(to, n,
    'moveaxis: no axis') + 1
  for k = 1, n do if k ~= from then order[#order + 1] = k end end
  table.insert(order, to, from)
  return M.transpose(x, order)
end

function M.swapaxes(x, a, b)
  x = create.as_array(x, 'np.swapaxes')
  local n, order = #x.shape, {}
  a, b = core.index(a, n, 'swapaxes: no axis') + 1, core.index(b, n, 'swapaxes: no axis') + 1
  for k = 1, n do order[k] = k end
  order[a], order[b] = b, a
  return M.transpose(x, order)
end

--- Repeat along axes of size 1.
function M.broadcast_to(x, shape)
  x = create.as_array(x, 'np.broadcast_to')
  array.c_shape(shape, 'broadcast_to')
  if type(shape) == 'number' then shape = { shape } end
  return array.apply('broadcast', { x }, shape)
end

--- A new axis of size 1 at a place.
function M.expand_dims(x, axis)
  x = create.as_array(x, 'np.expand_dims')
  local shape = x.shape
  local at = core.index(axis, #shape + 1, 'expand_dims: no place')
  table.insert(shape, at + 1, 1)
  return array.apply('reshape', { x }, shape)
end

--- Without axes of size 1, or without the given one.
function M.squeeze(x, axis)
  x = create.as_array(x, 'np.squeeze')
  local shape, out = x.shape, {}
  local at = axis and core.index(axis, #shape, 'squeeze: no axis') + 1
  if at and shape[at] ~= 1 then core.raise('squeeze: axis %d has %d elements', axis, shape[at]) end
  for k, size in ipairs(shape) do
    if at and k ~= at or not at and size ~= 1 then out[#out + 1] = size end
  end
  return array.apply('reshape', { x }, out)
end

local function common(list, who)
  if type(list) ~= 'table' or #list == 0 then core.raise('%s: needs a list of arrays', who) end
  local out = {}
  for i, x in ipairs(list) do out[i] = type(x) == 'number' and x or create.as_array(x, who) end
  local dtype = promote.dtype(out) -- where a number takes the dtype of the arrays
  for i, x in ipairs(out) do out[i] = promote.convert(x, dtype) end
  return out
end

--- Arrays one after the other along an axis (1).
function M.concatenate(list, axis)
  list = common(list, 'concatenate')
  return array.apply('concatenate', list,
    { core.index(axis or 1, #list[1].shape, 'concatenate: no axis') })
end

--- Arrays of equal shape side by side along a new axis (1).
function M.stack(list, axis)
  list = common(list, 'stack')
  local shape = table.concat(list[1].shape, ', ')
  for i, x in ipairs(list) do
    if table.concat(x.shape, ', ') ~= shape then
      core.raise('stack: shapes differ, (%s) and (%s)', shape, table.concat(x.shape, ', '))
    end
    list[i] = M.expand_dims(x, axis or 1)
  end
  return M.concatenate(list, axis or 1)
end

--- Zeros (or another value) before and behind: { { before, behind }, ... } for every axis.
function M.pad(x, widths, value)
  x = create.as_array(x, 'np.pad')
  local attr = {}
  if type(widths) ~= 'table' or #widths ~= #x.shape then
    core.raise('pad: needs { before, behind } for each of the %d axes, got %s', #x.shape,
      type(widths) == 'table' and #widths or type(widths))
  end
  for k, w in ipairs(widths) do
    local a, b = w, w
    if type(w) == 'table' then a, b = w[1], w[2] end
    for _, width in ipairs { a or false, b or false } do
      if type(width) ~= 'number' or width % 1 ~= 0 or width < 0 then
        core.raise('pad: widths are whole numbers, 0 or more, got %s for axis %d',
          tostring(width or nil), k)
      end
    end
    attr[3 * k - 2], attr[3 * k - 1], attr[3 * k] = a, b, 0
  end
  local y = array.apply('pad', { x }, attr)
  if value == nil or value == 0 then return y end
  local inside = array.apply('pad', { create.ones(x.shape, 'bool') }, attr)
  return elementwise('where', inside, y, value)
end

--- In the other direction along an axis, or along all.
function M.flip(x, axis)
  x = create.as_array(x, 'np.flip')
  local key, only = {}, axis and core.index(axis, #x.shape, 'flip: no axis') + 1
  for k = 1, #x.shape do key[k] = (axis == nil or k == only) and { -1, 1, -1 } or {} end
  for k, size in ipairs(x.shape) do if size == 0 then key[k] = {} end end
  return x[key]
end

--- Elements by index (from 1) along an axis, or of the flattened array without one.
function M.take(x, indices, axis)
  x = create.as_array(x, 'np.take')
  indices = index.whole(indices, 'take')
  if axis == nil then x, axis = M.ravel(x), 1 end
  local k = core.index(axis, #x.shape, 'take: no axis')
  return index.gather(x, index.zero_based(indices, x.shape[k + 1], 'take'), k)
end

--- Elements by index along an axis; indices have the shape of x but for the axis.
function M.take_along_axis(x, indices, axis)
  x, indices = create.as_array(x, 'np.take_along_axis'), index.whole(indices, 'take_along_axis')
  local k = core.index(axis, #x.shape, 'take_along_axis: no axis')
  return array.apply('take_along',
    { x, index.zero_based(indices, x.shape[k + 1], 'take_along_axis') }, { k })
end

return M
