--- Elements by position.
-- @module imnn.numpy.take
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local index = require 'imnn.numpy.index'
local shape = require 'imnn.numpy.shape'
local M = {}

--- Elements by index (from 1) along an axis, or of the flattened array without one.
-- @tparam Array x
-- @tparam Array|table|number indices of any shape; negative ones from the end
-- @tparam[opt] number axis
-- @treturn Array with the axes of the indices in place of the axis
-- @raise an index out of range; in a traced function it is clamped
-- @usage np.take(np.array { 5, 6, 7 }, { 3, 1 }) --> { 7, 5 }
function M.take(x, indices, axis)
  x = create.as_array(x, 'np.take')
  if axis == nil then x, axis = shape.ravel(x), 1 end
  local k = core.index(axis, #x.shape, 'take: no axis')
  return index.gather(x, index.zero_based(indices, x.shape[k + 1], 'take'), k)
end

--- Elements by index along an axis; indices have the shape of x but for the axis.
-- @tparam Array x
-- @tparam Array indices
-- @tparam number axis
-- @treturn Array like the indices
-- @usage np.take_along_axis(x, np.argsort(x, 2), 2) --> { { 1, 2, 3 }, { 4, 5, 6 } }
function M.take_along_axis(x, indices, axis)
  x = create.as_array(x, 'np.take_along_axis')
  local k = core.index(axis, #x.shape, 'take_along_axis: no axis')
  return array.apply('take_along',
    { x, index.zero_based(indices, x.shape[k + 1], 'take_along_axis') }, { k })
end

return M
