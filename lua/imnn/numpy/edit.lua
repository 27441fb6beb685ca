--- Elements put in and taken out, arrays of another size. Positions are known, as the shape depends
-- on them.
-- @module imnn.numpy.edit
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local join = require 'imnn.numpy.join'
local promote = require 'imnn.numpy.promote'
local shapes = require 'imnn.numpy.shape'
local M = {}

-- The array and its axis from 1; without one it is flattened.
local function along(who, x, axis)
  x = create.as_array(x, 'np.' .. who)
  if axis == nil then return shapes.ravel(x), 1 end
  return x, core.index(axis, x.ndim, who .. ': no axis') + 1
end

-- Positions as a list of numbers from 1 to `last`, negative ones from the end of n elements, and
-- whether there is only one.
local function positions(who, given, n, last)
  if array.is(given) and array.traced(given) then
    core.raise('%s: positions must be known, as the shape of the result may depend on them', who)
  end
  if array.is(given) and given.dtype == 'bool' then
    if given.ndim ~= 1 or given.size ~= n then
      core.raise('%s: a mask of %d elements, got (%s)', who, n, table.concat(given.shape, ', '))
    end
    given = index.where_true(given)[1] + 1
  end
  local single = type(given) == 'number' or array.is(given) and given.ndim == 0
  local list = array.is(given) and given:ravel():values() or type(given) == 'number' and { given }
    or given
  if type(list) ~= 'table' then
    core.raise('%s: positions are a number, a table or an Array, got %s', who, core.kind(given))
  end
  local out = {}
  for i, at in ipairs(list) do
    if type(at) == 'number' and at < 0 and at >= -n then at = n + 1 + at end
    out[i] = core.index(at, last, who .. (last > n and ': no position' or ': no element')) + 1
  end
  return out, single
end

local function gather(x, from, axis)
  return index.gather(x, create.array(from, 'i32'), axis - 1)
end

--- With more elements before those at some positions.
-- @tparam Array x
-- @tparam number|table|Array at known positions in x, from 1 to n + 1 (behind the last one);
-- -1 is before the last one
-- @tparam Array|number values of a shape that stretches to what is put in
-- @tparam[opt] number axis the flattened array without one
-- @treturn Array of the dtype of x
-- @raise positions that there are not
-- @usage np.insert({ 1, 2, 3 }, 2, 9) --> { 1, 9, 2, 3 }
-- np.insert({ 1, 2, 3 }, { 1, 4 }, { 8, 9 }) --> { 8, 1, 2, 3, 9 }
function M.insert(x, at, values, axis)
  x, axis = along('insert', x, axis)
  local sizes = x.shape
  local n = sizes[axis]
  local list, single = positions('insert', at, n, n + 1)
  values = promote.convert(create.as_array(values, 'insert'), x.dtype)
  if values.ndim > x.ndim then
    core.raise('insert: values (%s) have more axes than (%s)', table.concat(values.shape, ', '),
      table.concat(sizes, ', '))
  end
  local shape = values.shape
  while #shape < #sizes do table.insert(shape, 1, 1) end
  values = shapes.reshape(values, shape)
  if single then -- as many as are given go to one position
    values = shapes.moveaxis(values, 1, axis)
    for i = 2, values.shape[axis] do list[i] = list[1] end
    if values.shape[axis] == 0 then list = {} end
  end
  sizes[axis] = #list
  values = array.apply('broadcast', { values }, sizes, 'insert')
  local before, from = {}, {}
  for i, place in ipairs(list) do
    before[place] = before[place] or {}
    table.insert(before[place], n + i)
  end
  for place = 1, n + 1 do
    for _, new in ipairs(before[place] or {}) do from[#from + 1] = new - 1 end
    if place <= n then from[#from + 1] = place - 1 end
  end
  return gather(join.concatenate({ x, values }, axis), from, axis)
end

--- Without the elements at some positions.
-- @tparam Array x
-- @tparam number|table|Array at known positions, from 1, or a mask
-- @tparam[opt] number axis the flattened array without one
-- @treturn Array
-- @raise positions that there are not
-- @usage np.delete({ 5, 6, 7 }, 2) --> { 5, 7 }
-- np.delete(x, { 1, -1 }, 2) --> { { 2 }, { 5 } }
function M.delete(x, at, axis)
  x, axis = along('delete', x, axis)
  local n, gone, from = x.shape[axis], {}, {}
  for _, place in ipairs((positions('delete', at, n, n))) do gone[place] = true end
  for place = 1, n do
    if not gone[place] then from[#from + 1] = place - 1 end
  end
  return gather(x, from, axis)
end

--- The elements, row by row, in another shape: the first of them, or all repeated.
-- @tparam Array x
-- @tparam number|table shape
-- @treturn Array
-- @usage np.resize({ 1, 2, 3 }, { 2, 2 }) --> { { 1, 2 }, { 3, 1 } }
function M.resize(x, shape)
  x = shapes.ravel(create.as_array(x, 'np.resize'))
  array.c_shape(shape, 'resize')
  local sizes, n = type(shape) == 'number' and { shape } or shape, 1
  for _, size in ipairs(sizes) do n = n * size end
  if x.size == 0 then return create.zeros(sizes, x.dtype) end
  local from = elementwise('remainder', create.iota('i32', n), x.size)
  return shapes.reshape(index.gather(x, from, 0), sizes)
end

return M
