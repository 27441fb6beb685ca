--- x:at(index):set(y): an array with other elements at some places.
-- @module imnn.numpy.update
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local shapes = require 'imnn.numpy.shape'
local C = core.C
local M = {}

local At = {}

-- The numbers of the chosen elements in row-major order, in the shape of x[key].
local function places(x, key)
  return index.get(shapes.reshape(create.arange(x.size), x.shape), key)
end

--- A new array with y joined to the elements at these places. Of several y for one element `set`
-- keeps the last, the others join all.
-- @tparam Array|number|table y broadcast to the shape of the places
-- @treturn Array like the one that the places are of
-- @raise shapes that do not broadcast
-- @usage local place = x:at { 1, 2 }
-- place:NAME(5)
-- @each At:set y in place of what is there
-- @each At:add What is there plus y
-- @each At:mul What is there times y
-- @each At:multiply What is there times y
-- @each At:min The lesser of what is there and y
-- @each At:max The greater of what is there and y

for name, code in pairs {
  set = 'SET', add = 'ADD', mul = 'MUL', multiply = 'MUL', min = 'MIN', max = 'MAX',
} do
  At[name] = function(self, y)
    local x, where = self.x, places(self.x, self.key)
    y = promote.convert(create.as_array(y, 'at', x.dtype), x.dtype)
    y = shapes.broadcast_to(y, where.shape)
    return array.build('at', name, { x, where, y }, function(graph, a, p, b)
      return C.imnn_graph_scatter(graph, C['IMNN_SCATTER_' .. code], a, p, b)
    end)
  end
end

At.__index = function(_, name)
  if At[name] then return At[name] end
  core.raise('at: there is no "%s"%s', tostring(name), args.near(tostring(name), At))
end

--- Places of an array, as x[key] chooses them, for :set(y), :add(y), :mul(y), :min(y), :max(y).
-- Each gives a new array with y, which is broadcast, joined to the elements there. Where places
-- come several times, set keeps the last, the others join all.
-- @tparam Array x
-- @param key as in x[key]
-- @treturn table with the methods set, add, mul, min, max
-- @usage x:at({ 1, 2 }):set(0) --> { { 1, 0, 3 }, { 4, 5, 6 } }
-- x:at({ {}, { 1, 2 } }):add(10) --> { { 11, 12, 3 }, { 14, 15, 6 } }
-- x:at(np.array({ 2, 2 }, 'i32')):add(1) --> { { 1, 2, 3 }, { 6, 7, 8 } }
function M.at(x, key)
  if key == nil then core.raise 'at: the index is nil' end
  return setmetatable({ x = x, key = key }, At)
end

return M
