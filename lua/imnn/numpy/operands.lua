--- What scripts give, as Arrays of a dtype that can be computed with.
-- @module imnn.numpy.operands
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local M = {}

--- f32, f64 or complex: integers and booleans take the default dtype.
-- @tparam Array|number|table x
-- @tparam string who for messages
-- @treturn Array
function M.floats(x, who)
  x = create.as_array(x, who)
  return promote.convert(x, promote.real(x.dtype))
end

--- All in the dtype that they have together, or the nearest one that an operator takes.
-- @tparam string who for messages
-- @tparam string name of the operator
-- @param ... Arrays, numbers, tables
-- @treturn Array for each
-- @raise where the operator takes no such dtype
function M.of(who, name, ...)
  local list = { ... }
  for i = 1, select('#', ...) do list[i] = create.as_array(list[i], who) end
  local dtype = promote.allowed(registry[name], promote.dtype(list))
  for i, x in ipairs(list) do list[i] = promote.convert(x, dtype) end
  return unpack(list)
end

return M
