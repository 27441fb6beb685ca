--- Other shapes of the same elements, parts of arrays, arrays side by side.
-- @module imnn.numpy.shape
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
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
function M.transpose(x, axes, ...)
  x = create.as_array(x, 'np.transpose')
  local n, out = #x.shape, {}
  if type(axes) == 'number' then axes = { axes, ... } end
  if axes ~= nil and type(axes) ~= 'table' then
    core.raise('transpose: axes are numbers or a table of numbers, got %s', type(axes))
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

--- Exchange two axes.
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

--- New axes of size 1 at these places of the result.
function M.expand_dims(x, axis)
  x = create.as_array(x, 'np.expand_dims')
  local shape, out = x.shape, {}
  local count = type(axis) == 'table' and #axis or 1
  local _, new = axes_of.given('expand_dims', axis, #shape + count, 'place')
  for k = 0, #shape + count - 1 do out[k + 1] = new[k] and 1 or table.remove(shape, 1) end
  return array.apply('reshape', { x }, out)
end

--- Without axes of size 1, or without those given.
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
function M.broadcast_arrays(...)
  local list, shape = {}, {}
  for i, x in ipairs { ... } do
    list[i] = create.as_array(x, 'broadcast_arrays')
    local sizes = list[i].shape
    for k = 1, #sizes do
      local behind = #sizes - k -- axes are counted from the last one
      if (shape[behind] or 1) == 1 then shape[behind] = sizes[k] end
    end
  end
  local sizes = {}
  for k = #shape + (shape[0] and 1 or 0), 1, -1 do sizes[#sizes + 1] = shape[k - 1] end
  for i, x in ipairs(list) do list[i] = array.apply('broadcast', { x }, sizes) end
  return unpack(list)
end

-- ---- joining and cutting ----

local function common(list, who)
  if type(list) ~= 'table' or #list == 0 then core.raise('%s: needs a list of arrays', who) end
  local out = {}
  for i, x in ipairs(list) do out[i] = type(x) == 'number' and x or create.as_array(x, who) end
  local dtype = promote.dtype(out) -- where a number takes the dtype of the arrays
  for i, x in ipairs(out) do out[i] = promote.convert(x, dtype) end
  return out
end

--- Arrays one after the other along an axis (1); `false` flattens them first.
function M.concatenate(list, axis)
  list = common(list, 'concatenate')
  if axis == false then
    for i, x in ipairs(list) do list[i] = M.ravel(x) end
    axis = 1
  end
  return array.apply('concatenate', list,
    { core.index(axis or 1, list[1].ndim, 'concatenate: no axis') })
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

--- At least one, two, three axes: new ones go in front; the third goes behind.
function M.atleast_1d(x)
  x = create.as_array(x, 'np.atleast_1d')
  return x.ndim > 0 and x or M.reshape(x, { 1 })
end
function M.atleast_2d(x)
  x = M.atleast_1d(create.as_array(x, 'np.atleast_2d'))
  return x.ndim > 1 and x or M.expand_dims(x, 1)
end
function M.atleast_3d(x)
  x = M.atleast_2d(create.as_array(x, 'np.atleast_3d'))
  return x.ndim > 2 and x or M.expand_dims(x, 3)
end

local function joined(name, at_least, axis)
  return function(list)
    list = common(list, name)
    for i, x in ipairs(list) do list[i] = M[at_least](x) end
    return M.concatenate(list, name == 'hstack' and list[1].ndim == 1 and 1 or axis)
  end
end

--- One below the other: along axis 1, of which lists are rows.
M.vstack = joined('vstack', 'atleast_2d', 1)
--- Side by side: along axis 2, or the only one of lists.
M.hstack = joined('hstack', 'atleast_1d', 2)
--- One behind the other: along axis 3.
M.dstack = joined('dstack', 'atleast_3d', 3)

--- Lists as columns of a matrix, beside matrices.
function M.column_stack(list)
  list = common(list, 'column_stack')
  for i, x in ipairs(list) do
    list[i] = x.ndim < 2 and M.reshape(x, { x.size, 1 }) or x
  end
  return M.concatenate(list, 2)
end

--- x with more behind it along an axis; without one, both flattened.
function M.append(x, more, axis) return M.concatenate({ x, more }, axis or false) end

-- The part of x from `first` to `last` (none where it is smaller) along an axis.
local function part(x, axis, first, last)
  local key = {}
  for k = 1, x.ndim do key[k] = {} end
  key[axis] = last >= first and { first, last } or { 2, 1 }
  return x[key]
end

-- Parts that end behind these numbers of elements.
local function cut(x, axis, ends)
  local out, first = {}, 1
  for i, last in ipairs(ends) do
    out[i] = part(x, axis, first, last)
    first = math.max(first, last + 1)
  end
  return unpack(out)
end

local function split(who, x, sections, axis, evenly)
  x = create.as_array(x, who)
  axis = core.index(axis or 1, x.ndim, who .. ': no axis') + 1
  local n, ends = x.shape[axis], {}
  if type(sections) == 'table' then
    for i, last in ipairs(sections) do
      if type(last) ~= 'number' or last % 1 ~= 0 then
        core.raise('%s: cuts are whole numbers of elements, got %s', who, tostring(last))
      end
      ends[i] = math.min(math.max(last < 0 and n + last or last, 0), n)
    end
    ends[#ends + 1] = n
    return cut(x, axis, ends)
  end
  if type(sections) ~= 'number' or sections % 1 ~= 0 or sections < 1 then
    core.raise('%s: needs the number of parts or a list of cuts, got %s', who, tostring(sections))
  end
  if evenly and n % sections ~= 0 then
    core.raise('%s: %d elements along axis %d are no %d equal parts', who, n, axis, sections)
  end
  local each, more = math.floor(n / sections), n % sections
  for i = 1, sections do ends[i] = i * each + math.min(i, more) end
  return cut(x, axis, ends)
end

--- Parts along an axis (1), as several values.
-- @tparam Array x
-- @tparam number|table sections number of equal parts, or after how many elements to cut
-- @tparam[opt=1] number axis
-- @usage local a, b = np.split({ 1, 2, 3 }, { 1 }) --> { 1 }, { 2, 3 }
function M.split(x, sections, axis) return split('split', x, sections, axis, true) end

--- The same with parts that may differ by one element, longer ones first.
function M.array_split(x, sections, axis) return split('array_split', x, sections, axis, false) end

--- split along axis 1, axis 2 (the only one of lists), axis 3.
function M.vsplit(x, sections) return split('vsplit', x, sections, 1, true) end
function M.hsplit(x, sections)
  x = create.as_array(x, 'hsplit')
  return split('hsplit', x, sections, x.ndim > 1 and 2 or 1, true)
end
function M.dsplit(x, sections) return split('dsplit', x, sections, 3, true) end

-- ---- repeating ----

-- x as (before, n, behind) of an axis.
local function around(x, axis)
  local shape, before, behind = x.shape, 1, 1
  for k = 1, axis - 1 do before = before * shape[k] end
  for k = axis + 1, #shape do behind = behind * shape[k] end
  return before, shape[axis], behind
end

-- All of an axis, or each element of it, several times.
local function stretch(x, axis, times, each)
  local before, n, behind = around(x, axis)
  local shape = x.shape
  shape[axis] = n * times
  local thin, wide = { before, 1, n, behind }, { before, times, n, behind }
  if each then thin, wide = { before, n, 1, behind }, { before, n, times, behind } end
  local y = array.apply('broadcast', { array.apply('reshape', { x }, thin) }, wide)
  return array.apply('reshape', { y }, shape)
end

local function check_times(who, times)
  if type(times) ~= 'number' or times % 1 ~= 0 or times < 0 then
    core.raise('%s: repeats are whole numbers, 0 or more, got %s', who, tostring(times))
  end
end

--- x several times along each axis.
-- @tparam Array x
-- @tparam number|table reps for the last axes, or for all; more than there are add axes in front
-- @usage np.tile({ 1, 2 }, 2) --> { 1, 2, 1, 2 }
function M.tile(x, reps)
  x = create.as_array(x, 'np.tile')
  reps = type(reps) == 'table' and { unpack(reps) } or { reps }
  for _, times in ipairs(reps) do check_times('tile', times) end
  if #reps == 0 then return x end
  while #reps < x.ndim do table.insert(reps, 1, 1) end
  local shape = x.shape
  while #shape < #reps do table.insert(shape, 1, 1) end
  x = M.reshape(x, shape)
  for axis, times in ipairs(reps) do
    if times ~= 1 then x = stretch(x, axis, times, false) end
  end
  return x
end

--- Each element several times along an axis, or of the flattened array. np['repeat'] is the same:
-- the plain name is a word of Lua.
-- @tparam Array x
-- @tparam number|table|Array repeats for all elements, or for each along the axis
-- @tparam[opt] number axis
-- @usage np.repeat_({ 1, 2 }, 2) --> { 1, 1, 2, 2 }
function M.repeat_(x, repeats, axis)
  x = create.as_array(x, 'np.repeat')
  if axis == nil then x, axis = M.ravel(x), 1 end
  axis = core.index(axis, x.ndim, 'repeat: no axis') + 1
  if type(repeats) == 'number' then
    check_times('repeat', repeats)
    return stretch(x, axis, repeats, true)
  end
  local list, n = array.is(repeats) and repeats:values() or repeats, x.shape[axis]
  if type(list) ~= 'table' or #list ~= n and #list ~= 1 then
    core.raise('repeat: needs a number of repeats for each of %d elements, got %s', n,
      type(list) == 'table' and #list or type(list))
  end
  local from = {}
  for i = 1, n do
    local times = list[#list == 1 and 1 or i]
    check_times('repeat', times)
    for _ = 1, times do from[#from + 1] = i end
  end
  return M.take(x, create.array(from, 'i32'), axis)
end
M['repeat'] = M.repeat_

-- ---- moving and turning ----

--- Elements moved along axes; those that leave at the end come in at the start.
-- @tparam Array x
-- @tparam number|table shift places to the right
-- @tparam[opt] number|table axis the flattened array without one
-- @usage np.roll({ 1, 2, 3 }, 1) --> { 3, 1, 2 }
function M.roll(x, shift, axis)
  x = create.as_array(x, 'np.roll')
  local shape = x.shape
  if axis == nil then return M.reshape(M.roll(M.ravel(x), shift, 1), shape) end
  local shifts = type(shift) == 'table' and shift or { shift }
  local axes = type(axis) == 'table' and axis or { axis }
  for i = 1, math.max(#shifts, #axes) do
    local by, k = shifts[#shifts == 1 and 1 or i], axes[#axes == 1 and 1 or i]
    if type(by) ~= 'number' or by % 1 ~= 0 then
      core.raise('roll: shifts are whole numbers, one for all axes or for each, got %s',
        tostring(by))
    end
    k = core.index(k, x.ndim, 'roll: no axis') + 1
    local n = shape[k]
    by = n > 0 and by % n or 0
    if by > 0 then x = M.concatenate({ part(x, k, n - by + 1, n), part(x, k, 1, n - by) }, k) end
  end
  return x
end

--- In the other direction along an axis, several, or all.
function M.flip(x, axis)
  x = create.as_array(x, 'np.flip')
  local key, turned = {}, nil
  if axis ~= nil then turned = select(2, axes_of.given('flip', axis, x.ndim)) end
  for k, size in ipairs(x.shape) do
    key[k] = size > 0 and (axis == nil or turned[k - 1]) and { -1, 1, -1 } or {}
  end
  return x[key]
end

--- Upside down (along axis 1), left to right (along axis 2).
function M.flipud(x) return M.flip(x, 1) end
function M.fliplr(x) return M.flip(x, 2) end

--- Turned k times by 90 degrees, from the first towards the second of two axes (1 and 2).
function M.rot90(x, k, axes)
  x, k, axes = create.as_array(x, 'np.rot90'), (k or 1) % 4, axes or { 1, 2 }
  local a = core.index(axes[1], x.ndim, 'rot90: no axis') + 1
  local b = core.index(axes[2], x.ndim, 'rot90: no axis') + 1
  if k == 0 then return x
  elseif k == 2 then return M.flip(x, { a, b })
  elseif k == 1 then return M.swapaxes(M.flip(x, b), a, b) end
  return M.flip(M.swapaxes(x, a, b), b)
end

-- ---- padding ----

-- Zero-based position in n elements of place i, which may be outside.
local continued = {
  edge = function(i, n) return math.min(math.max(i, 0), n - 1) end,
  wrap = function(i, n) return i % n end,
  reflect = function(i, n)
    local period = math.max(2 * n - 2, 1)
    i = i % period
    return i < n and i or period - i
  end,
  symmetric = function(i, n)
    i = i % (2 * n)
    return i < n and i or 2 * n - 1 - i
  end,
}

-- { before, behind } for every axis.
local function widths_of(widths, ndim)
  if type(widths) == 'number' then
    local same = widths
    widths = {}
    for k = 1, ndim do widths[k] = same end
  end
  if type(widths) ~= 'table' or #widths ~= ndim then
    core.raise('pad: needs { before, behind } for each of the %d axes, got %s', ndim,
      type(widths) == 'table' and #widths or type(widths))
  end
  local out = {}
  for k, w in ipairs(widths) do
    local a, b = w, w
    if type(w) == 'table' then a, b = w[1], w[2] end
    for _, width in ipairs { a or false, b or false } do
      if type(width) ~= 'number' or width % 1 ~= 0 or width < 0 then
        core.raise('pad: widths are whole numbers, 0 or more, got %s for axis %d',
          tostring(width or nil), k)
      end
    end
    out[k] = { a, b }
  end
  return out
end

local function pad_value(x, widths, value)
  local attr = {}
  for k, w in ipairs(widths) do
    attr[3 * k - 2], attr[3 * k - 1], attr[3 * k] = w[1], w[2], 0
  end
  local y = array.apply('pad', { x }, attr)
  if value == nil or value == 0 then return y end
  local inside = array.apply('pad', { create.ones(x.shape, 'bool') }, attr)
  return elementwise('where', inside, y, promote.convert(value, x.dtype))
end

--- Elements before and behind those of x.
-- @tparam Array x
-- @tparam number|table widths { { before, behind }, ... } for every axis; a number means both, or
--   all axes
-- @tparam[opt='constant'] number|string how a number to put there, or 'constant' (zeros), 'edge'
--   (the outermost element), 'reflect' (mirrored at it), 'symmetric' (mirrored behind it), 'wrap'
--   (from the other end)
-- @usage np.pad({ 1, 2, 3 }, { { 2, 1 } }, 'reflect') --> { 3, 2, 1, 2, 3, 2 }
function M.pad(x, widths, how)
  x = create.as_array(x, 'np.pad')
  widths = widths_of(widths, x.ndim)
  if type(how) ~= 'string' or how == 'constant' then
    return pad_value(x, widths, how ~= 'constant' and how or nil)
  end
  local place = continued[how]
  if not place then
    core.raise('pad: no mode "%s"; there are "constant", "edge", "reflect", "symmetric", "wrap"',
      how)
  end
  for k, w in ipairs(widths) do
    local n, from = x.shape[k], {}
    if w[1] + w[2] > 0 then
      if n == 0 then core.raise('pad: there is nothing along axis %d to go on with', k) end
      for i = -w[1], n + w[2] - 1 do from[#from + 1] = place(i, n) end
      x = index.gather(x, create.array(from, 'i32'), k - 1)
    end
  end
  return x
end

-- ---- elements by position ----

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
