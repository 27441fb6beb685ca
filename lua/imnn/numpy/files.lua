--- Files: arrays in the formats of NumPy, and text.
-- @module imnn.numpy.files
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local C = core.C
local M = {}

local function path_of(who, path) return args.argument(who, 'path', path, { 'string' }) end

-- A known array, of numbers, too.
local function known(who, x)
  if x == nil then core.raise('%s: needs an array, got nil', who) end
  x = create.as_array(x, who)
  if array.traced(x) then core.raise('%s: a traced array has no value yet', who) end
  return x
end

local function with_ending(path, ending)
  return path:sub(-#ending) == ending and path or path .. ending
end

--- Read an npy file, or open an npz file. f16 come as f32, integers of 8 and 16 bits as i32, those
-- of 64 as the smallest of i32, u32, f64 that holds them.
-- @tparam string path
-- @tparam[opt] string dtype of an npy file: what it is read as; integers as i32, u32, f32 or f64,
-- floats as f32 or f64
-- @treturn Array|npz
-- @raise missing, damaged; what arrays cannot hold: structures, dates, strings, pickled objects
-- @usage np.save('mine.npy', np.arange(3))
-- np.load 'mine.npy' --> { 0, 1, 2 }
function M.load(path, dtype)
  local file = io.open(path_of('np.load', path), 'rb')
  local start = file and file:read(4)
  if file then file:close() end
  if start == 'PK\3\4' or start == 'PK\5\6' or path:find '%.npz$' then -- the latter: without arrays
    return require('imnn.data.npz').open(path)
  end
  local code = dtype ~= nil and array.dtype_code(dtype) or C.IMNN_NDTYPE
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_npy_read(out, path, code))
  return array.own(out)
end

--- Write an array to an npy file, which is there when it is whole.
-- @tparam string path ".npy" is added if it is not there
-- @tparam Array|number|table x
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.save('mine.npy', np.arange(3))
function M.save(path, x)
  path = with_ending(path_of('np.save', path), '.npy')
  core.check(C.imnn_npy_write(path, known('np.save', x).array))
end

local function save_all(who, path, arrays, level)
  path = with_ending(path_of(who, path), '.npz')
  args.argument(who, 'arrays', arrays, { 'table' })
  local names, list = {}, {}
  for key, x in pairs(arrays) do
    local whole = type(key) == 'number' and key >= 1 and key % 1 == 0
    if not whole and type(key) ~= 'string' or tostring(key):find '%z' then
      core.raise('%s: names are strings, got %s', who, tostring(key))
    end
    local name = whole and ('arr_%d'):format(key - 1) or key
    if list[name] then core.raise('%s: there are two arrays "%s"', who, name) end
    names[#names + 1], list[name] = name, known(who, x)
  end
  table.sort(names)
  local out = ffi.new 'imnn_npz_writer *[1]'
  core.check(C.imnn_npz_create(out, path))
  local writer = ffi.gc(out[0], C.imnn_npz_abandon)
  for _, name in ipairs(names) do
    core.check(C.imnn_npz_write(writer, name, list[name].array, level))
  end
  core.check(C.imnn_npz_finish(writer))
end

--- Write arrays to an npz file, which is there when it is whole.
-- @tparam string path ".npz" is added if it is not there
-- @tparam table arrays name -> Array; those without a name are called arr_0, arr_1, ...
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.savez('mine.npz', { x = np.arange(3), y = 2 })
-- np.load('mine.npz').x --> { 0, 1, 2 }
function M.savez(path, arrays) save_all('np.savez', path, arrays, 0) end

--- Write arrays to an npz file, compressed.
-- @tparam string path ".npz" is added if it is not there
-- @tparam table arrays name -> Array; those without a name are called arr_0, arr_1, ...
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.savez_compressed('mine.npz', { x = np.arange(3) })
function M.savez_compressed(path, arrays) save_all('np.savez_compressed', path, arrays, 6) end

return M
