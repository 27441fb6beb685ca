--- Readers of what other readers hold.
-- @module imnn.imnn.records
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local C = core.C
local M = {}

local function own(make, ...)
  local out = ffi.new 'imnn_reader *[1]'
  core.check(make(out, ...))
  return require('imnn.data.reader').own(out)
end

--- One reader behind the other.
-- @tparam table list readers
-- @treturn Reader
function M.join(list)
  if #list == 1 then return list[1] end
  local parts = ffi.new('imnn_reader *[?]', #list)
  for i, x in ipairs(list) do parts[i - 1] = x.reader end
  return own(C.imnn_reader_join, #list, parts)
end

--- The same records, of which some batches are read in the background before they are asked for.
-- @tparam Reader x
-- @tparam number each records of a batch
-- @tparam number batches -1: some for each thread
function M.ahead(x, each, batches)
  if batches == -1 then batches = 2 * C.imnn_threads() end
  return own(C.imnn_reader_ahead, x.reader, each, batches, 1)
end

--- Records i to j, from 1.
function M.range(x, i, j) return own(C.imnn_reader_range, x.reader, i - 1, j) end

-- Whether the last axes of a shape are those of a record, and it has more.
local function made_of(shape, record)
  local more = #shape - #record
  if more < 2 then return false end
  for k, size in ipairs(record) do
    if shape[more + k] ~= size then return false end
  end
  return true
end

--- Records put together to such as are wanted, if they are a part of these: simulations to all of a
-- seed. Otherwise the reader as it is.
-- @tparam Reader x
-- @tparam table shape the number of records, then the shape of one
-- @treturn Reader
function M.regroup(x, shape)
  if not made_of(shape, x.shape) then return x end
  local ok, y = pcall(own, C.imnn_reader_reshape, x.reader, array.c_shape(shape))
  return ok and y or x
end

return M
