--- What arrays, data and functions are known by when a run goes on: checksums (CRC-32C) of numbers.
-- @module imnn.imnn.fingerprint
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local examples = require 'imnn.array.examples'
local np = require 'imnn.numpy'
local readers = require 'imnn.data.reader'
local transform = require 'imnn.transform'
local tree = require 'imnn.tree'
local C = core.C
local M = {}

-- Data are looked at in blocks, some of them where there are more bytes than these.
local BLOCK_BYTES, BYTES, FEWEST_BLOCKS = 2 ^ 16, 2 ^ 26, 16

local function add(crc, x)
  return C.imnn_crc32c(crc, x:data(), x.size * dtypes.bytes[x.dtype])
end

local function text(kind, crc) return ('%s %08x'):format(kind, crc) end

--- Of all numbers of arrays.
-- @tparam table list
-- @treturn string
function M.of_arrays(list)
  local crc, kinds = 0, {}
  for i, x in ipairs(list) do
    crc, kinds[i] = add(crc, x), examples.describe(x)
  end
  return text(table.concat(kinds, ', '), crc)
end

local function checksum(reader)
  local n, bytes = reader.count, math.max(1, tonumber(C.imnn_reader_record_bytes(reader.reader)))
  local each = math.max(1, math.floor(BLOCK_BYTES / bytes)) -- records of a block
  local blocks = math.ceil(n / each)
  local count = math.min(blocks, math.max(FEWEST_BLOCKS, math.floor(BYTES / (each * bytes))))
  local crc = 0
  for i = 0, count - 1 do
    local block = count == 1 and 0 or math.floor(i * (blocks - 1) / (count - 1))
    crc = add(crc, reader:read(block * each + 1, math.min(n, (block + 1) * each)))
    core.poll()
  end
  return crc
end

local known = setmetatable({}, { __mode = 'k' }) -- nothing changes an Array, nor what is read

--- Of examples: an Array or a reader, the same for both. All of them up to 64 MB, otherwise blocks
-- of them that lie evenly, the first and the last one included.
-- @tparam Array|Reader x at least one axis
-- @treturn string
function M.of_examples(x)
  if not known[x] then
    local reader = examples.is_reader(x) and x or readers.from_array(x)
    known[x] = text(examples.describe(x), checksum(reader))
  end
  return known[x]
end

--- Of a function: of what it gives.
-- @tparam function fn
-- @param ... trees of arrays
-- @treturn string
function M.of_function(fn, ...)
  local list = tree.leaves({ transform.jit(fn)(...) })
  for i, x in ipairs(list) do list[i] = np.is_array(x) and x or np.array(x) end
  return M.of_arrays(list)
end

return M
