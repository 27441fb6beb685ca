--- npz files of NumPy: named arrays.
--
--    local f = np.load 'simulations.npz'
--    print(f)                               -- the names
--    local x = f.x                          -- an Array, read now; f['a/b'], f:read('x', 'f32')
--    for name, x in f:each() do print(name, x) end
--
-- np.savez writes them.
-- @module imnn.data.npz
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local reader = require 'imnn.data.reader'
local C = core.C
local M = {}

local Npz = {}

-- The open file.
local function file_of(self)
  return rawget(self, 'file') or core.raise('npz: %s: is closed', rawget(self, 'path'))
end

local function name_of(self, name)
  if type(name) == 'string' then return name end
  core.raise('npz: %s: a name must be a string, got %s', rawget(self, 'path'), core.kind(name))
end

--- Names of the arrays, sorted.
-- @treturn table strings
-- @usage table.concat(npz:keys(), ' ') --> 'be empty flag fort scalar seed theta x'
function Npz:keys()
  local file, out, seen = file_of(self), {}, {}
  for i = 0, tonumber(C.imnn_npz_count(file)) - 1 do
    local name = ffi.string(C.imnn_npz_name(file, i))
    if not seen[name] then out[#out + 1] = name end
    seen[name] = true
  end
  table.sort(out)
  return out
end

--- Whether there is an array of that name.
-- @tparam string name
-- @treturn boolean
-- @usage npz:has 'nothing' --> false
function Npz:has(name)
  name = name_of(self, name)
  for _, key in ipairs(self:keys()) do
    if key == name then return true end
  end
  return false
end

--- An array.
-- @tparam string name
-- @tparam[opt] string dtype what it is read as: integers as i32, u32, f32 or f64, floats as f32 or
-- f64
-- @treturn Array
-- @raise there is none, it is damaged, or holds what arrays cannot
-- @usage npz:read('x').shape --> { 20, 4 }
-- npz:read('x', 'f64').dtype --> 'f64'
function Npz:read(name, dtype)
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_npz_read(out, file_of(self), name_of(self, name), reader.dtype_code(dtype)))
  return array.own(out)
end

--- A reader of the records of an array, its parts along the first axis. One that is compressed is
-- held in memory.
-- @tparam string name
-- @tparam[opt] string dtype as for `read`; it must be said for integers of 64 bits
-- @treturn Reader
-- @raise there is none, it is damaged, or holds what arrays cannot
-- @usage npz:reader('x').count --> 20
function Npz:reader(name, dtype)
  local out = ffi.new 'imnn_reader *[1]'
  core.check(C.imnn_npz_reader(out, file_of(self), name_of(self, name), reader.dtype_code(dtype)))
  return reader.own(out)
end

--- Iterate: name and value of each array.
-- @treturn function iterator: name, Array
-- @usage for name, value in npz:each() do print(name, value) end
function Npz:each()
  local names, i = self:keys(), 0
  return function()
    i = i + 1
    if names[i] then return names[i], self:read(names[i]) end
  end
end

--- Close the file. The collector does it, too, some time later.
-- @usage local mine = np.load(npz_path)
-- mine:close()
function Npz:close()
  C.imnn_npz_close(ffi.gc(file_of(self), nil))
  rawset(self, 'file', nil)
end

--- f.x: the array of that name. Names of methods need `read`.
function Npz.__index(self, name)
  if Npz[name] then return Npz[name] end
  return self:read(name)
end

function Npz:__tostring()
  local path = rawget(self, 'path')
  if not rawget(self, 'file') then return 'npz ' .. path .. ', closed' end
  return ('npz %s: %s'):format(path, table.concat(self:keys(), ', '))
end

--- Open a file.
-- @tparam string path
-- @treturn npz
-- @raise missing, damaged, not a zip file
-- @usage local mine = data.npz.open(npz_path)
-- mine.x.shape --> { 20, 4 }
function M.open(path)
  args.argument('npz.open', 'path', path, { 'string' })
  local out = ffi.new 'imnn_npz *[1]'
  core.check(C.imnn_npz_open(out, path))
  return setmetatable({ file = core.own(out, C.imnn_npz_close), path = path }, Npz)
end

--- A reader of the records of an array in a file.
-- @tparam string path
-- @tparam string name
-- @tparam[opt] string dtype as for `npz:reader`
-- @treturn Reader
-- @raise as `open` and `npz:reader`
-- @usage data.npz.reader(npz_path, 'x').count --> 20
function M.reader(path, name, dtype)
  args.argument('npz.reader', 'name', name, { 'string' })
  args.argument('npz.reader', 'path', path, { 'string' })
  return M.open(path):reader(name, dtype)
end

return args.strict('data.npz', M)
