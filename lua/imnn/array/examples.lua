--- What holds examples along its first axis: Arrays, and readers, whose records they are.
-- @module imnn.array.examples
local handle = require 'imnn.array.handle'
local M = {}

--- Whether x is a reader (imnn.data.reader).
function M.is_reader(x)
  return type(x) == 'cdata' and not handle.is(x) and require('imnn.data.reader').is(x)
end

--- The shape of all of it: the number of examples, then that of one.
function M.shape(x)
  if not M.is_reader(x) then return x.shape end
  return { x.count, unpack(x.shape) }
end

--- Its dtype and shape, for messages and keys: "f32 (5, 2)".
function M.describe(x)
  return ('%s (%s)'):format(x.dtype, table.concat(M.shape(x), ', '))
end

--- How a program takes it: 'read' or 'rows'.
function M.kind(x) return M.is_reader(x) and 'read' or 'rows' end

return M
