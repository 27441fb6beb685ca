--- HDF5 files, to be read.
--
--    local f = imnn.data.hdf5.open 'simulations.h5'
--    print(f)                               -- the whole tree, with shapes and dtypes
--    local x = f['training/x']              -- an Array; text is a string, or a list of strings
--    for name, value in f.training:each() do print(name, value) end
--    print(f:attributes('training').seed)
--
-- Half floats come as f32; integers of 8 and 16 bits as i32; those of 64 bits as the smallest of
-- i32, u32, f64 that holds them; enumerations FALSE, TRUE as bool; compounds of two floats r and i
-- as complex numbers.
-- @module imnn.data.hdf5
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local C = core.C
local M = {}

-- A place in a file: the root or another group. Files are closed when nobody holds a place in them.
local Group = {}

local function fail() core.raise('%s', ffi.string(C.imnn_last_error())) end

-- "a/b" of a group and a name in it; the root is "/".
local function join(group, name)
  if type(name) ~= 'string' then
    core.raise('hdf5: %s: a name must be a string, got %s', group.path, core.kind(name))
  end
  local path = (group.at == '/' and '' or group.at .. '/') .. name
  return path:match '^/*(.-)/*$'
end

local function kind_of(group, path) return string.char(C.imnn_hdf5_kind(group.file, path)) end

local function place(file, path, at)
  return setmetatable({ file = file, path = path, at = at == '' and '/' or at }, Group)
end

-- ---- values ----

-- Status, shape, whether it is text, and dtype of a dataset or an attribute.
local function describe(group, path, attribute)
  local dtype, shape = ffi.new 'imnn_dtype[1]', ffi.new 'imnn_shape[1]'
  local is_text = ffi.new 'bool[1]'
  local status = C.imnn_hdf5_describe(group.file, path, attribute, dtype, shape, is_text)
  if status ~= C.IMNN_OK then return status end
  local sizes = {}
  for i = 1, shape[0].ndim do sizes[i] = tonumber(shape[0].size[i - 1]) end
  return status, sizes, is_text[0], ffi.string(C.imnn_dtype_name(dtype[0]))
end

-- A string, or as many as the shape says, nested as it is.
local function read_text(group, path, attribute, shape)
  local text = C.imnn_hdf5_text(group.file, path, attribute)
  if text == nil then fail() end
  local function take(axis)
    if axis > #shape then
      local s = ffi.string(text)
      text = text + #s + 1
      return s
    end
    local list = {}
    for i = 1, shape[axis] do list[i] = take(axis + 1) end
    return list
  end
  return take(1)
end

local function read(group, path, attribute)
  local status, shape, is_text = describe(group, path, attribute)
  core.check(status)
  if is_text then return read_text(group, path, attribute, shape) end
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_hdf5_read(out, group.file, path, attribute))
  return array.own(out)
end

-- ---- groups ----

local function lines(text)
  if text == nil then fail() end
  local out = {}
  for name in ffi.string(text):gmatch '[^\n]+' do out[#out + 1] = name end
  return out
end

--- Names of the members of a group, sorted; those of groups end in "/".
-- @tparam[opt] string name of a group in this one; none: this one
-- @treturn table strings
-- @usage group:keys()
function Group:keys(name)
  return lines(C.imnn_hdf5_list(self.file, name and join(self, name) or self.at))
end

--- Whether there is a dataset or group of that name.
-- @tparam string name
-- @treturn boolean
-- @usage group:has 'nothing' --> false
function Group:has(name) return kind_of(self, join(self, name)) ~= '\0' end

--- A dataset.
-- @tparam string name "x", or "a/b/x" in groups
-- @treturn Array|string|table text is a string, or a list of strings as nested as its shape
-- @raise there is none, or it holds what arrays cannot
-- @usage local x = group:read 'le/f4'
function Group:read(name) return read(self, join(self, name)) end

--- An attribute of a dataset or group.
-- @tparam string name of the dataset or group; "/": the root
-- @tparam string key
-- @treturn number|boolean|string|table|Array strings may come in lists; an Array if it has a shape
-- @raise there is none, or it holds what arrays cannot
-- @usage for key in pairs(group:attributes()) do print(group:attribute('/', key)) end
function Group:attribute(name, key)
  local path = join(self, name)
  local value = read(self, path == '' and '/' or path, key)
  if array.is(value) and #value.shape == 0 then return value:item() end
  return value
end

--- All attributes that can be read, of this group or of a dataset or group in it. `attribute` says
-- of the others why.
-- @tparam[opt] string name none: this group
-- @treturn table key -> value, as `attribute` gives it
-- @usage for key, value in pairs(group:attributes()) do print(key, value) end
function Group:attributes(name)
  name = name or self.at == '/' and '/' or ''
  local path, out = join(self, name), {}
  if path == '' then path = '/' end
  for _, key in ipairs(lines(C.imnn_hdf5_attributes(self.file, path))) do
    local status = describe(self, path, key)
    if status ~= C.IMNN_EDTYPE and status ~= C.IMNN_EVALUE then
      out[key] = self:attribute(name, key)
    end
  end
  return out
end

--- Iterate: name and value of each member, as the brackets give it.
-- @treturn function iterator: name, value
-- @usage for name, value in group:each() do print(name, value) end
function Group:each()
  local names, i = self:keys(), 0
  return function()
    i = i + 1
    if names[i] then
      local name = names[i]:gsub('/$', '')
      return name, self[name]
    end
  end
end

--- f['a/x']: a dataset as `read` gives it, or a group. Names of methods need `read`.
function Group.__index(self, name)
  if Group[name] then return Group[name] end
  local path = join(self, name)
  if path == '' or kind_of(self, path) == 'g' then return place(self.file, self.path, path) end
  return read(self, path)
end

local function summary(group, path)
  local status, shape, is_text, dtype = describe(group, path)
  if status ~= C.IMNN_OK then return (ffi.string(C.imnn_last_error()):match '.*: (.*)') end
  return ('%s (%s)'):format(is_text and 'text' or dtype, table.concat(shape, ', '))
end

local most = 500 -- lines: links may lead in circles

local function tree(group, indent, out)
  for _, name in ipairs(group:keys()) do
    if #out > most then return out end
    if #out == most then
      out[#out + 1] = '  ...'
    elseif name:find '/$' then
      out[#out + 1] = indent .. name
      tree(group[name], indent .. '  ', out)
    else
      out[#out + 1] = ('%s%s  %s'):format(indent, name, summary(group, join(group, name)))
    end
  end
  return out
end

--- All members, of groups in it, too.
function Group:__tostring()
  local head = self.at == '/' and self.path or self.path .. ': ' .. self.at
  return table.concat(tree(self, '  ', { 'hdf5 ' .. head }), '\n')
end

--- Open a file. The collector closes it when it is not used any more.
-- @tparam string path
-- @treturn Group its root
-- @raise missing, not HDF5, damaged
-- @usage local group = data.hdf5.open(path)
function M.open(path)
  if type(path) ~= 'string' then
    core.raise('hdf5.open: the path must be a string, got %s', core.kind(path))
  end
  local out = ffi.new 'imnn_hdf5 *[1]'
  core.check(C.imnn_hdf5_open(out, path))
  return place(core.own(out, C.imnn_hdf5_close), path, '/')
end

return require('imnn.args').strict('data.hdf5', M)
