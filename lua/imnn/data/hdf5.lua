--- HDF5 files.
--
--    local f = imnn.data.hdf5.open 'simulations.h5'
--    print(f)                               -- the whole tree, with shapes and dtypes
--    local x = f['training/x']              -- an Array; text is a string, or a list of strings
--    for name, value in f.training:each() do print(name, value) end
--    print(f:attributes('training').seed)
--
--    f = imnn.data.hdf5.create 'mine.h5'    -- appears under its name when it is closed
--    f:write('x', x, { compression = 'gzip' })
--    f:set_attributes('x', { units = 'K' })
--    f:close()
--
-- Half floats come as f32; integers of 8 and 16 bits as i32; those of 64 bits as the smallest of
-- i32, u32, f64 that holds them; enumerations FALSE, TRUE as bool; compounds of two floats r and i
-- as complex numbers.
-- @module imnn.data.hdf5
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local reader = require 'imnn.data.reader'
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

local function sizes_of(shape)
  local sizes = {}
  for i = 1, shape.ndim do sizes[i] = tonumber(shape.size[i - 1]) end
  return sizes
end

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
  return status, sizes_of(shape[0]), is_text[0], ffi.string(C.imnn_dtype_name(dtype[0]))
end

-- The dtype of a dataset, and whether it is text.
local function dtype_of(group, path)
  local status, _, is_text, dtype = describe(group, path)
  core.check(status)
  return dtype, is_text
end

-- What an index means, as C has it; the shape of the result, and its sizes with those axes of which
-- one element is chosen.
local function part_of(group, path, index)
  local shape, is_text = ffi.new 'imnn_shape[1]', ffi.new 'bool[1]'
  core.check(C.imnn_hdf5_describe(group.file, path, nil, nil, shape, is_text))
  local sizes = sizes_of(shape[0])
  if type(index) ~= 'table' then index = { index } end
  local plan = require('imnn.numpy.index').plan(index, sizes)
  if #plan.arrays > 0 then
    core.raise('hdf5: %s: "%s": of files, numbers and ranges choose, not arrays', group.path, path)
  end
  local part, counts = ffi.new 'imnn_hdf5_part', {}
  for i = 1, #sizes do
    local start, count, step = unpack(plan.ranges, 3 * i - 2, 3 * i)
    if step < 1 then
      core.raise('hdf5: %s: "%s": a range goes forward, got the step %d', group.path, path, step)
    end
    part.start[i - 1], part.count[i - 1], part.stride[i - 1] = start, count, step
    counts[i] = count
  end
  return part, plan.kept, counts
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

local function read_part(group, path, index, dtype)
  local part, shape = part_of(group, path, index == nil and {} or index)
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_hdf5_read_part(out, group.file, path, part,
    reader.dtype_code(dtype)))
  return array.own(out):reshape(shape)
end

--- A dataset, or some elements of it: nothing else is read.
-- @tparam string name "x", or "a/b/x" in groups
-- @tparam[opt] number|table index as in x[index] of an Array: numbers, { first, last },
-- { first, last, step }, {}
-- @tparam[opt] string dtype what it is read as: integers as i32, u32, f32 or f64, floats as f32 or
-- f64
-- @treturn Array|string|table text is a string, or a list of strings as nested as its shape
-- @raise there is none, it holds what arrays cannot, or values that the dtype does not hold
-- @usage local x = group:read 'le/f4'
-- group:read('le/i2', { { 1, 2 }, 3 }) --> { 1, -20218 }
-- group:read('le/i2', 3, 'f32').dtype --> 'f32'
function Group:read(name, index, dtype)
  local path = join(self, name)
  if index == nil and dtype == nil then return read(self, path) end
  return read_part(self, path, index, dtype)
end

--- What a dataset is, without its values: `shape` and `dtype`, which is 'text' for strings.
-- @tparam string name
-- @treturn table
-- @raise there is none, or it holds what arrays cannot
-- @usage group:describe('le/f4').shape --> { 3, 5 }
function Group:describe(name)
  local status, shape, is_text, dtype = describe(self, join(self, name))
  core.check(status)
  return { shape = shape, dtype = is_text and 'text' or dtype }
end

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
      return name, self['/' .. name] -- which is no method, whatever the name
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
      tree(group['/' .. name], indent .. '  ', out)
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

for name, method in pairs(require 'imnn.data.hdf5.write' {
  join = join, place = place, kind_of = kind_of, part = part_of, dtype = dtype_of,
}) do
  Group[name] = method
end
for name, method in pairs(require 'imnn.data.hdf5.tree') do Group[name] = method end

-- ---- files ----

-- A file that is given up: what was written to a new one is not there, which one should hear.
local function release(file)
  if C.imnn_hdf5_unfinished(file) then
    io.stderr:write(('hdf5: %s: was not closed, so it is not there\n'):format(
      ffi.string(C.imnn_hdf5_path(file))))
  end
  C.imnn_hdf5_close(file)
end

local function open(who, how, path)
  if type(path) ~= 'string' then
    core.raise('%s: the path must be a string, got %s', who, core.kind(path))
  end
  local out = ffi.new 'imnn_hdf5 *[1]'
  local status = how(out, path)
  if status ~= C.IMNN_OK and how == C.imnn_hdf5_change then
    collectgarbage() -- may close it where it is open for reading
    collectgarbage()
    status = how(out, path)
  end
  core.check(status)
  return place(core.own(out, release), path, '/')
end

local function exists(path)
  return type(path) == 'string' and C.imnn_path_kind(path) ~= 0
end

--- Open a file. The collector closes it when it is not used any more.
-- @tparam string path
-- @tparam[opt='r'] string mode 'r': to be read; 'r+': to be changed, too, on the disk when a call
-- returns; 'w': a new file, as `create`; 'a': to be changed if it exists, else a new one
-- @treturn Group its root
-- @raise missing, not HDF5, damaged; a folder that is not there; another mode
-- @usage local group = data.hdf5.open(path)
function M.open(path, mode)
  local how = args.choice('hdf5.open', 'mode', mode == nil and 'r' or mode, {
    r = C.imnn_hdf5_open, ['r+'] = C.imnn_hdf5_change, w = C.imnn_hdf5_create,
    a = exists(path) and C.imnn_hdf5_change or C.imnn_hdf5_create,
  })
  return open('hdf5.open', how, path)
end

--- A new file. Until it is closed it is written under another name, and one that has its name stays
-- as it is; if it is not closed, nothing remains of it.
-- @tparam string path
-- @tparam[opt] function fill gets its root; afterwards the file is closed, or removed after an
-- error
-- @treturn Group|nil its root, without `fill`
-- @raise a folder that is not there
-- @usage data.hdf5.create('mine.h5', function(f)
--   f:write('x', np.zeros { 3 })
-- end)
-- data.hdf5.open('mine.h5').x --> { 0, 0, 0 }
function M.create(path, fill)
  args.argument('hdf5.create', 'fill', fill, { 'function', optional = true })
  local f = open('hdf5.create', C.imnn_hdf5_create, path)
  if not fill then return f end
  local ok, why = pcall(fill, f)
  if ok then return f:close() end
  C.imnn_hdf5_abandon(f.file)
  error(why, 0)
end

local function reader_of(path, name, dtype)
  local code = reader.dtype_code(dtype)
  local out = ffi.new 'imnn_reader *[1]'
  core.check(C.imnn_hdf5_reader(out, path, name, code))
  return reader.own(out)
end

--- A reader of the records of a dataset, its parts along the first axis.
-- @tparam string path
-- @tparam string name of the dataset
-- @tparam[opt] string dtype what records are read as: of integers i32, u32, f32 or f64, which must
-- be said where they have 64 bits; of floats f32 or f64
-- @treturn Reader
-- @raise missing, damaged; no such dataset; what arrays cannot hold
-- @usage local mine = data.hdf5.reader(path, 'le/f4')
-- mine.count --> 3
function M.reader(path, name, dtype)
  args.argument('hdf5.reader', 'path', path, { 'string' })
  args.argument('hdf5.reader', 'name', name, { 'string' })
  return reader_of(path, name, dtype)
end

--- A reader of the records of a dataset; as `hdf5.reader`.
-- @tparam string name
-- @tparam[opt] string dtype
-- @treturn Reader
-- @raise no such dataset; what arrays cannot hold; a new file that is not closed yet
-- @usage group:reader('le/f4').shape --> { 5 }
function Group:reader(name, dtype)
  if C.imnn_hdf5_unfinished(self.file) then
    core.raise('hdf5: %s: is not closed yet, so its records cannot be read', self.path)
  end
  return reader_of(self.path, join(self, name), dtype)
end

return args.strict('data.hdf5', M)
