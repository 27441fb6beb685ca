--- Elements by position.
-- @module imnn.numpy.take
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local shape = require 'imnn.numpy.shape'
local M = {}

-- What stands for elements that are not there, as in JAX.
local function filling(x, value, who)
  if value ~= nil then
    value = args.argument(who, 'fill_value', value,
      { 'number', 'boolean', 'Array', 'complex', any = true })
    if array.is(value) and value.ndim > 0 then
      core.raise('%s: fill_value is one number, got an Array (%s)', who,
        table.concat(value.shape, ', '))
    end
    return promote.convert(value, x.dtype)
  end
  if promote.is_float(x.dtype) then return promote.convert(0 / 0, x.dtype) end
  return promote.convert(({ i32 = -2 ^ 31, u32 = 2 ^ 32 - 1, bool = true })[x.dtype], x.dtype)
end

-- fn(indices from 0) along axis k of x; with mode 'fill' also a number where there is no element.
-- `behind` of the result's axes are not those of the indices.
local function at(who, x, indices, k, mode, value, behind, fn)
  local n = x.shape[k + 1]
  mode = index.mode(who, mode, true)
  if value ~= nil and mode ~= 'fill' then
    core.raise('%s: fill_value is for mode "fill", got mode "%s"', who, mode)
  end
  local i = index.zero_based(indices, n, who, mode)
  if mode ~= 'fill' then
    if n == 0 and i.size > 0 then core.raise('%s: axis %d has no elements', who, k + 1) end
    return fn(x, i)
  end
  value = filling(x, value, who)
  if n == 0 then -- any element will do, since none is taken
    local sizes = x.shape
    sizes[k + 1] = 1
    x = array.apply('broadcast', { value }, sizes)
  end
  local there, sizes = elementwise('and', elementwise('ge', i, 0), elementwise('lt', i, n)), i.shape
  for _ = 1, behind do sizes[#sizes + 1] = 1 end
  return elementwise('where', array.apply('reshape', { there }, sizes), fn(x, i), value)
end

--- Elements by index (from 1) along an axis, or of the flattened array without one.
-- @tparam Array x
-- @tparam Array|table|number indices of any shape; negative ones from the end
-- @tparam[opt] number axis
-- @tparam[opt='raise'] string mode of an index that is out of range: 'raise'; 'clip': the first or
-- the last element, negative ones are the first; 'wrap': n + 1 is the first again, 0 the last, -1
-- the one before it; 'fill': fill_value
-- @tparam[opt] number fill_value NaN; of i32 the smallest number, of u32 the largest, of bool true
-- @treturn Array with the axes of the indices in place of the axis
-- @raise an index out of range; in a traced function it is clamped
-- @usage np.take(np.array { 5, 6, 7 }, { 3, 1 }) --> { 7, 5 }
-- np.take(np.array { 5, 6, 7 }, { 4, 0 }, { mode = 'wrap' }) --> { 5, 7 }
-- np.take(np.array { 5, 6, 7 }, { 4, -1 }, { mode = 'fill', fill_value = 0 }) --> { 0, 7 }
function M.take(x, indices, axis, mode, fill_value)
  x = create.as_array(x, 'np.take')
  if axis == nil then x, axis = shape.ravel(x), 1 end
  local k = core.index(axis, #x.shape, 'take: no axis')
  return at('take', x, indices, k, mode, fill_value, x.ndim - 1 - k, function(from, i)
    return index.gather(from, i, k)
  end)
end

--- Elements by index along an axis; indices have the shape of x but for the axis.
-- @tparam Array x
-- @tparam Array indices
-- @tparam number axis
-- @tparam[opt='raise'] string mode as for `take`
-- @tparam[opt] number fill_value as for `take`
-- @treturn Array like the indices
-- @usage np.take_along_axis(x, np.argsort(x, 2), 2) --> { { 1, 2, 3 }, { 4, 5, 6 } }
function M.take_along_axis(x, indices, axis, mode, fill_value)
  x = create.as_array(x, 'np.take_along_axis')
  local k = core.index(axis, #x.shape, 'take_along_axis: no axis')
  return at('take_along_axis', x, indices, k, mode, fill_value, 0, function(from, i)
    return array.apply('take_along', { from, i }, { k })
  end)
end

return M
