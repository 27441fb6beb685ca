--- Readers: the records of a data set, all of one shape and dtype, by number. What opens files
-- gives them, and fits and iterators take them; nothing is read before it is asked for. `#reader`
-- is the number of records.
-- @module imnn.data.reader
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local C = core.C
local M = {}

-- Not a table: LuaJIT asks only the metatable of a cdata about #.
local Handle = ffi.typeof 'struct { imnn_reader *reader; }'
local Reader, properties = {}, {}

--- Whether x is a reader.
-- @param x anything
-- @treturn boolean
function M.is(x) return ffi.istype(Handle, x) end
args.types.Reader = M.is

--- What C calls the dtype that is asked for, or, without one, that of the file.
-- @tparam string|nil dtype
function M.dtype_code(dtype)
  return dtype ~= nil and array.dtype_code(dtype) or C.IMNN_NDTYPE
end

--- A reader from the reference in a slot, which it takes over.
-- @tparam cdata slot `imnn_reader *[1]`
-- @treturn Reader
function M.own(slot)
  local reader = Handle(slot[0])
  core.relieve()
  return reader
end

local function open(self, who)
  if not M.is(self) then core.raise('%s: needs a reader, got %s', who, core.kind(self)) end
  if self.reader == nil then core.raise('%s: the reader is closed', who) end
  return self.reader
end

--- The number of records.
-- @treturn number
-- @usage reader.count --> 4
-- @field Reader.count
function properties.count(self) return tonumber(C.imnn_reader_shape(self.reader).size[0]) end

--- The shape of one record.
-- @treturn table
-- @usage reader.shape --> { 3 }
-- @field Reader.shape
function properties.shape(self)
  local s, out = C.imnn_reader_shape(self.reader), {}
  for k = 2, s.ndim do out[k - 1] = tonumber(s.size[k - 1]) end
  return out
end

--- The dtype of the records.
-- @treturn string
-- @usage reader.dtype --> 'f32'
-- @field Reader.dtype
function properties.dtype(self)
  return ffi.string(C.imnn_dtype_name(C.imnn_reader_dtype(self.reader)))
end

--- What messages call it: the file, or what else it is.
-- @treturn string
-- @usage reader.name --> 'array'
-- @field Reader.name
function properties.name(self) return ffi.string(C.imnn_reader_name(self.reader)) end

--- Read records.
-- @tparam[opt=1] number i the first one, from 1; -1 is the last
-- @tparam[opt] number j the last one, which is read, too; none: i, or the end if there is no i
-- @treturn Array (j - i + 1, shape of one record)
-- @raise no such record; a file that is damaged or gone, with its name, the record and the offset
-- @usage reader:read(2, 3) --> { { 4, 5, 6 }, { 7, 8, 9 } }
-- @usage reader:read(-1).shape --> { 1, 3 }
function Reader:read(i, j)
  local r = open(self, 'read')
  local n = self.count
  local first, last = 0, n - 1
  if j == nil then j = i end
  if i ~= nil then first = core.index(i, n, 'read: no record') end
  if j ~= nil then last = core.index(j, n, 'read: no record') end
  if (i or j) and last < first then
    core.raise('read: records %d to %d are none', first + 1, last + 1)
  end
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_reader_records(out, r, first, last + 1))
  return array.own(out)
end

--- Give back what it holds: files, memory. The collector does it, too, some time later.
-- @usage local mine = data.from_array(np.zeros { 2, 3 })
-- mine:close()
function Reader:close()
  if not M.is(self) then core.raise('close: needs a reader, got %s', core.kind(self)) end
  C.imnn_reader_release(self.reader)
  self.reader = nil
end

function Reader:__gc() C.imnn_reader_release(self.reader) end

function Reader:__len() return open(self, 'length') and self.count end

function Reader:__tostring()
  if self.reader == nil then return 'a reader that is closed' end
  local shape = table.concat(self.shape, ', ')
  return ('%d records of %s (%s), %s'):format(self.count, self.dtype, shape, self.name)
end

function Reader:__index(name)
  if Reader[name] then return Reader[name] end
  if properties[name] then
    open(self, name)
    return properties[name](self)
  end
  core.raise('reader: a reader has no field or method "%s"%s', tostring(name),
    args.near(tostring(name), args.rows(Reader, properties)))
end

ffi.metatype(Handle, Reader)

--- A reader of the parts of an array along its first axis.
-- @tparam Array x at least one axis; tables of numbers become one
-- @treturn Reader
-- @raise no axis; a traced array
-- @usage local mine = data.from_array(np.zeros { 5, 2 })
-- mine.count --> 5
function M.from_array(x)
  if not array.is(x) then x = require('imnn.numpy').array(x) end
  if array.traced(x) then core.raise 'from_array: a traced array has no value yet' end
  local out = ffi.new 'imnn_reader *[1]'
  core.check(C.imnn_reader_of_array(out, x.array), 'from_array')
  return M.own(out)
end

return M
