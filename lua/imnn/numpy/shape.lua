--- Other shapes of the same elements, other orders of axes.
-- @module imnn.numpy.shape
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local M = {}

--- Another shape of the same elements; one size may be -1.
-- @tparam Array x
-- @tparam table|number shape or sizes one by one
-- @treturn Array
-- @raise another number of elements
-- @usage x:reshape(3, 2) --> { { 1, 2 }, { 3, 4 }, { 5, 6 } }
-- x:reshape { -1 } --> { 1, 2, 3, 4, 5, 6 }
function M.reshape(x, shape, ...)
  x = create.as_array(x, 'np.reshape')
  if type(shape) == 'number' then shape = { shape, ... } end
  if type(shape) ~= 'table' then
    core.raise('reshape: a shape is a table of sizes, got %s', core.kind(shape))
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

--- All elements as one axis, row by row.
-- @tparam Array x
-- @treturn Array (size)
-- @usage np.ravel(x) --> { 1, 2, 3, 4, 5, 6 }
function M.ravel(x) return M.reshape(x, { -1 }) end

-- x with zero-based axes in this order.
local function permute(x, order)
  for place, axis in ipairs(order) do
    if axis ~= place - 1 then return array.apply('transpose', { x }, order) end
  end
  return x
end

--- Axes in another order; reversed without an order.
-- @tparam Array x
-- @tparam[opt] table|number axes or axes one by one
-- @treturn Array
-- @usage np.transpose(x) --> { { 1, 4 }, { 2, 5 }, { 3, 6 } }
-- np.transpose(np.zeros { 2, 3, 4 }, { 3, 1, 2 }).shape --> { 4, 2, 3 }
function M.transpose(x, axes, ...)
  x = create.as_array(x, 'np.transpose')
  local n, out = #x.shape, {}
  if type(axes) == 'number' then axes = { axes, ... } end
  if axes ~= nil and type(axes) ~= 'table' then
    core.raise('transpose: axes are numbers or a table of numbers, got %s', core.kind(axes))
  end
  if axes and #axes ~= n then
    core.raise('transpose: %d axes for an array of %d', #axes, n)
  end
  for k = 1, n do out[k] = axes and core.index(axes[k], n, 'transpose: no axis') or n - k end
  return permute(x, out)
end

--- Move axes to other places.
-- @tparam Array x
-- @tparam number|table from
-- @tparam number|table to as many
-- @treturn Array
-- @usage np.moveaxis(np.zeros { 2, 3, 4 }, 1, -1).shape --> { 3, 4, 2 }
function M.moveaxis(x, from, to)
  x = create.as_array(x, 'np.moveaxis')
  local n, order, at = x.ndim, {}, {}
  local sources, moved = axes_of.given('moveaxis', from, n)
  local targets = axes_of.given('moveaxis', to, n)
  if #sources ~= #targets then
    core.raise('moveaxis: %d axes for %d places', #sources, #targets)
  end
  for i, place in ipairs(targets) do at[place] = sources[i] end
  local next_one = 0
  for k = 0, n - 1 do
    if not at[k] then
      while moved[next_one] do next_one = next_one + 1 end
      at[k], next_one = next_one, next_one + 1
    end
    order[k + 1] = at[k]
  end
  return permute(x, order)
end

--- Move an axis before another one.
-- @tparam Array x
-- @tparam number axis
-- @tparam[opt=1] number start the axis that it comes before; one more than there are: the end
-- @treturn Array
-- @usage np.rollaxis(np.zeros { 2, 3, 4 }, 3, 2).shape --> { 2, 4, 3 }
function M.rollaxis(x, axis, start)
  x = create.as_array(x, 'np.rollaxis')
  local from = core.index(axis, x.ndim, 'rollaxis: no axis') + 1
  local to = core.index(start or 1, x.ndim + 1, 'rollaxis: no place') + 1
  return M.moveaxis(x, from, to > from and to - 1 or to)
end

--- Exchange two axes.
-- @tparam Array x
-- @tparam number a
-- @tparam number b
-- @treturn Array
-- @usage np.swapaxes(np.zeros { 2, 3, 4 }, 1, 3).shape --> { 4, 3, 2 }
function M.swapaxes(x, a, b)
  x = create.as_array(x, 'np.swapaxes')
  local n, order = #x.shape, {}
  a, b = core.index(a, n, 'swapaxes: no axis') + 1, core.index(b, n, 'swapaxes: no axis') + 1
  for k = 1, n do order[k] = k end
  order[a], order[b] = b, a
  return M.transpose(x, order)
end

--- Repeat along axes of size 1.
-- @tparam Array|number x
-- @tparam table shape
-- @treturn Array
-- @raise a shape to which x does not stretch
-- @usage np.broadcast_to(np.array { 1, 2 }, { 2, 2 }) --> { { 1, 2 }, { 1, 2 } }
function M.broadcast_to(x, shape)
  x = create.as_array(x, 'np.broadcast_to')
  array.c_shape(shape, 'broadcast_to')
  if type(shape) == 'number' then shape = { shape } end
  return array.apply('broadcast', { x }, shape)
end

--- New axes of size 1 at these places of the result.
-- @tparam Array x
-- @tparam number|table axis one place, or several
-- @treturn Array
-- @usage np.expand_dims(np.zeros { 3 }, 1).shape --> { 1, 3 }
function M.expand_dims(x, axis)
  x = create.as_array(x, 'np.expand_dims')
  local shape, out = x.shape, {}
  local count = type(axis) == 'table' and #axis or 1
  local _, new = axes_of.given('expand_dims', axis, #shape + count, 'place')
  for k = 0, #shape + count - 1 do out[k + 1] = new[k] and 1 or table.remove(shape, 1) end
  return array.apply('reshape', { x }, out)
end

--- Without axes of size 1, or without those given.
-- @tparam Array x
-- @tparam[opt] number|table axis
-- @treturn Array
-- @raise an axis of another size
-- @usage np.squeeze(np.zeros { 1, 3, 1 }).shape --> { 3 }
function M.squeeze(x, axis)
  x = create.as_array(x, 'np.squeeze')
  local shape, out, gone = x.shape, {}, {}
  if axis then gone = select(2, axes_of.given('squeeze', axis, #shape)) end
  for k, size in ipairs(shape) do
    if gone[k - 1] and size ~= 1 then core.raise('squeeze: axis %d has %d elements', k, size) end
    if axis and not gone[k - 1] or not axis and size ~= 1 then out[#out + 1] = size end
  end
  return array.apply('reshape', { x }, out)
end

--- Arrays stretched to the shape that they have together.
-- @treturn Array for each
-- @param ... Arrays and numbers
-- @treturn Array as many as there were
-- @raise shapes that do not broadcast
-- @usage local a, b = np.broadcast_arrays(np.array { 1, 2 }, 3) --> { 1, 2 }, { 3, 3 }
function M.broadcast_arrays(...)
  local list, shape = {}, {}
  for i, x in ipairs { ... } do
    list[i] = create.as_array(x, 'broadcast_arrays')
    shape = axes_of.joined('broadcast_arrays', shape, list[i].shape)
  end
  for i, x in ipairs(list) do list[i] = array.apply('broadcast', { x }, shape) end
  return unpack(list)
end

--- At least one axis: a single number becomes a list.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.atleast_1d(5) --> { 5 }
function M.atleast_1d(x)
  x = create.as_array(x, 'np.atleast_1d')
  return x.ndim > 0 and x or M.reshape(x, { 1 })
end

--- At least two axes: new ones go in front.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.atleast_2d({ 1, 2 }) --> { { 1, 2 } }
function M.atleast_2d(x)
  x = M.atleast_1d(create.as_array(x, 'np.atleast_2d'))
  return x.ndim > 1 and x or M.expand_dims(x, 1)
end

--- At least three axes: new ones go in front, the third behind.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.atleast_3d({ 1, 2 }).shape --> { 1, 2, 1 }
function M.atleast_3d(x)
  x = M.atleast_2d(create.as_array(x, 'np.atleast_3d'))
  return x.ndim > 2 and x or M.expand_dims(x, 3)
end

return M
