--- Elements repeated, moved and turned around.
-- @module imnn.numpy.arrange
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local join = require 'imnn.numpy.join'
local shapes = require 'imnn.numpy.shape'
local take = require('imnn.numpy.take').take
local M = {}

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
-- @treturn Array
-- @usage np.tile({ 1, 2 }, 2) --> { 1, 2, 1, 2 }
function M.tile(x, reps)
  x = create.as_array(x, 'np.tile')
  reps = type(reps) == 'table' and { unpack(reps) } or { reps }
  for _, times in ipairs(reps) do check_times('tile', times) end
  if #reps == 0 then return x end
  while #reps < x.ndim do table.insert(reps, 1, 1) end
  local sizes = x.shape
  while #sizes < #reps do table.insert(sizes, 1, 1) end
  x = shapes.reshape(x, sizes)
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
-- @treturn Array
-- @usage np.repeat_({ 1, 2 }, 2) --> { 1, 1, 2, 2 }
function M.repeat_(x, repeats, axis)
  x = create.as_array(x, 'np.repeat')
  if axis == nil then x, axis = shapes.ravel(x), 1 end
  axis = core.index(axis, x.ndim, 'repeat: no axis') + 1
  if type(repeats) == 'number' then
    check_times('repeat', repeats)
    return stretch(x, axis, repeats, true)
  end
  local list, n = array.is(repeats) and repeats:values() or repeats, x.shape[axis]
  if type(list) ~= 'table' or #list ~= n and #list ~= 1 then
    core.raise('repeat: needs a number of repeats for each of %d elements, got %s', n,
      type(list) == 'table' and #list or core.kind(list))
  end
  local from = {}
  for i = 1, n do
    local times = list[#list == 1 and 1 or i]
    check_times('repeat', times)
    for _ = 1, times do from[#from + 1] = i end
  end
  return take(x, create.array(from, 'i32'), axis)
end
M['repeat'] = M.repeat_

--- Elements moved along axes; those that leave at the end come in at the start.
-- @tparam Array x
-- @tparam number|table shift places to the right
-- @tparam[opt] number|table axis the flattened array without one
-- @treturn Array
-- @usage np.roll({ 1, 2, 3 }, 1) --> { 3, 1, 2 }
function M.roll(x, shift, axis)
  x = create.as_array(x, 'np.roll')
  local shape = x.shape
  if axis == nil then return shapes.reshape(M.roll(shapes.ravel(x), shift, 1), shape) end
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
    if by > 0 then
      local front, back = join.split(x, { n - by }, k)
      x = join.concatenate({ back, front }, k)
    end
  end
  return x
end

--- In the other direction along an axis, several, or all.
-- @tparam Array x
-- @tparam[opt] number|table axis
-- @treturn Array
-- @usage np.flip(x, 2) --> { { 3, 2, 1 }, { 6, 5, 4 } }
function M.flip(x, axis)
  x = create.as_array(x, 'np.flip')
  local key, turned = {}, nil
  if axis ~= nil then turned = select(2, axes_of.given('flip', axis, x.ndim)) end
  for k, size in ipairs(x.shape) do
    key[k] = size > 0 and (axis == nil or turned[k - 1]) and { -1, 1, -1 } or {}
  end
  return x[key]
end

--- Upside down: in the other direction along axis 1.
-- @tparam Array x
-- @treturn Array
-- @usage np.flipud(x) --> { { 4, 5, 6 }, { 1, 2, 3 } }
function M.flipud(x) return M.flip(x, 1) end

--- Left to right: in the other direction along axis 2.
-- @tparam Array x
-- @treturn Array
-- @usage np.fliplr(x) --> { { 3, 2, 1 }, { 6, 5, 4 } }
function M.fliplr(x) return M.flip(x, 2) end

--- Turned k times by 90 degrees, from the first towards the second of two axes (1 and 2).
-- @tparam Array x
-- @tparam[opt=1] number k
-- @tparam[opt] table axes two of them, { 1, 2 }
-- @treturn Array
-- @usage np.rot90(x) --> { { 3, 6 }, { 2, 5 }, { 1, 4 } }
function M.rot90(x, k, axes)
  x = create.as_array(x, 'np.rot90')
  k = args.argument('np.rot90', 'k', k, { 'integer', default = 1 }) % 4
  axes = args.argument('np.rot90', 'axes', axes, { 'table', default = { 1, 2 } })
  local a = core.index(axes[1], x.ndim, 'rot90: no axis') + 1
  local b = core.index(axes[2], x.ndim, 'rot90: no axis') + 1
  if k == 0 then return x
  elseif k == 2 then return M.flip(x, { a, b })
  elseif k == 1 then return shapes.swapaxes(M.flip(x, b), a, b) end
  return M.flip(shapes.swapaxes(x, a, b), b)
end

return M
