--- Readers of what other readers hold: data sets and networks are made of these.
-- @module imnn.data.derived
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local reader = require 'imnn.data.reader'
local C = core.C
local M = {}

local function made(who, fn, ...)
  local out = ffi.new 'imnn_reader *[1]'
  core.check(fn(out, ...), who)
  return reader.own(out)
end

-- Functions (who, reader, ...), see imnn/chain.h and imnn/reader.h: records count from 0 here.
for name, fn in pairs {
  stride = C.imnn_reader_stride, range = C.imnn_reader_range, pick = C.imnn_reader_pick,
  group = C.imnn_reader_group, ungroup = C.imnn_reader_ungroup, repeated = C.imnn_reader_repeat,
  hold = C.imnn_reader_hold, shuffle = C.imnn_reader_shuffle, cache = C.imnn_reader_cache,
  reshape = C.imnn_reader_reshape,
} do
  M[name] = function(who, x, ...) return made(who, fn, x.reader, ...) end
end

--- Readers as C takes them.
function M.c_readers(list)
  local out = ffi.new('imnn_reader *[?]', math.max(#list, 1))
  for i, r in ipairs(list) do out[i - 1] = r.reader end
  return out
end

--- One reader behind the other.
-- @tparam string who
-- @tparam table list readers
-- @treturn Reader
function M.join(who, list)
  return made(who, C.imnn_reader_join, #list, M.c_readers(list))
end

--- The same records, of which some batches are read in the background before they are asked for.
-- @tparam string who
-- @tparam Reader x
-- @tparam number each records of a batch
-- @tparam number batches -1: some for each thread
-- @tparam[opt=1] number threads that read
function M.ahead(who, x, each, batches, threads)
  if batches == -1 then batches = 2 * C.imnn_threads() end
  return made(who, C.imnn_reader_ahead, x.reader, each, batches, threads or 1)
end

--- i32 (): first, first + 1, ..., count of them.
function M.numbers(who, first, count) return made(who, C.imnn_reader_numbers, first, count) end

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
-- @tparam string who
-- @tparam Reader x
-- @tparam table shape the number of records, then the shape of one
-- @treturn Reader
function M.regroup(who, x, shape)
  if not made_of(shape, x.shape) then return x end
  local ok, y = pcall(M.reshape, who, x, array.c_shape(shape))
  return ok and y or x
end

return M
