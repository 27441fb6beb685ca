--- HDF5 files: what groups of a file can do that is open for writing.
-- @module imnn.data.hdf5.write
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local C = core.C

local Writing = {}

-- ---- values ----

-- The shape of a string or nested table of strings, and the strings, each ended by a zero byte; nil
-- if it is something else.
local function text_of(where, value)
  local shape, first = {}, value
  while type(first) == 'table' and getmetatable(first) == nil and first[1] ~= nil do
    shape[#shape + 1], first = #first, first[1]
  end
  if type(first) ~= 'string' then return nil end
  local out = {}
  local function take(v, depth)
    if depth > #shape then
      if type(v) ~= 'string' then
        core.raise('hdf5: %s: a string and a %s in one table', where, core.kind(v))
      elseif v:find '%z' then
        core.raise('hdf5: %s: a string holds a zero byte, where HDF5 ends it', where)
      end
      out[#out + 1] = v
      return
    end
    if type(v) ~= 'table' or #v ~= shape[depth] then
      core.raise('hdf5: %s: a ragged table of strings', where)
    end
    for i = 1, #v do take(v[i], depth + 1) end
  end
  take(value, 1)
  return shape, table.concat(out, '\0') .. '\0'
end

-- The dtype of a number by itself: an integer is one for readers in other languages, too.
local function dtype_of_number(x)
  local integer = x % 1 == 0 and math.abs(x) < 2 ^ 31 and 1 / x ~= -math.huge
  return integer and 'i32' or 'f64'
end

-- Whether there are numbers of the script in it, at some depth, and nothing else.
local function only_numbers(value)
  if type(value) ~= 'table' then return type(value) == 'number' end
  for _, v in ipairs(value) do if not only_numbers(v) then return false end end
  return true
end

-- An Array of what is to be written. Numbers of a script are doubles, and stay so.
local function array_of(where, value)
  if array.is(value) then
    if array.traced(value) then core.raise('hdf5: %s: a traced array has no value yet', where) end
    return value
  end
  if type(value) == 'function' or type(value) == 'nil' or type(value) == 'thread'
    or type(value) == 'table' and getmetatable(value) then
    core.raise('hdf5: %s: arrays, numbers, booleans and strings can be written, not %s', where,
      type(value) == 'nil' and 'nil' or 'a ' .. core.kind(value))
  end
  local dtype = type(value) == 'number' and dtype_of_number(value)
    or complex.is(value) and 'c128' or only_numbers(value) and 'f64' or nil
  return require('imnn.numpy').array(value, dtype)
end

local function c_shape(sizes) return ffi.new('imnn_shape', #sizes, sizes) end

-- ---- layouts ----

local layout_rows = {
  chunks = { 'table', 'integer', optional = true }, shuffle = { 'boolean', optional = true },
  compression = { 'integer', 'string', default = 0 }, maxshape = { 'table', optional = true },
}

-- A table of sizes as C has it, of as many axes as the data set.
local function sizes_of(who, what, sizes, ndim)
  if #sizes ~= ndim then
    core.raise('%s: %s has %d sizes, the data set %d', who, what, #sizes, ndim)
  end
  local out = {}
  for i, n in ipairs(sizes) do
    if n == math.huge then n = -1 end
    if type(n) ~= 'number' or n % 1 ~= 0 or n < -1 or n > 2 ^ 53 then
      core.raise('%s: %s is a table of sizes, got %s', who, what, tostring(n))
    end
    out[i] = n
  end
  return c_shape(out)
end

local function layout_of(who, o, shape)
  local layout = ffi.new('imnn_hdf5_layout', { fixed = o.fixed or false })
  local level = o.compression
  if type(level) == 'string' then
    level = args.choice(who, 'compression', level, { gzip = 4 })
  elseif level < 0 or level > 9 then
    core.raise('%s: compression is 0 (none) to 9 (smallest), got %d', who, level)
  end
  if o.chunks then
    local chunks = o.chunks
    if type(chunks) == 'number' then -- records
      chunks = { chunks }
      for i = 2, #shape do chunks[i] = math.max(shape[i], 1) end
    end
    layout.chunk = sizes_of(who, 'chunks', chunks, #shape)
  end
  if o.maxshape then layout.most = sizes_of(who, 'maxshape', o.maxshape, #shape) end
  layout.compression = level
  layout.shuffle = o.shuffle == nil and level > 0 or o.shuffle == true
  return layout
end

-- ---- methods ----

return function(inner)
  local join = inner.join

  --- Write a dataset. Groups on the way to it are made.
  -- @tparam string name "x", or "a/b/x" in groups
  -- @tparam Array|number|boolean|string|table value nested tables of numbers (which are written as
  -- f64), booleans or strings, too
  -- @tparam[opt] table opts
  -- @tparam[opt=0] number|string opts.compression 0 none, 1 quick to 9 small; 'gzip' is 4
  -- @tparam[opt] boolean opts.shuffle sort the bytes before, by default where there is compression
  -- @tparam[opt] number|table opts.chunks records, or sizes, that are compressed and read at a time
  -- @tparam[opt] table opts.maxshape sizes to which it may grow; math.huge: without limit
  -- @raise read-only; there is something of that name already; what cannot be written; a full disk
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:write('training/x', np.zeros { 100, 10 }, { compression = 'gzip' })
  -- f:write('names', { 'a', 'b' })
  -- f:close()
  function Writing:write(name, value, opts)
    local o = args.take('write', opts, layout_rows)
    local path, where = join(self, name), ('%s: "%s"'):format(self.path, tostring(name))
    local shape, text = text_of(where, value)
    if shape then
      core.check(C.imnn_hdf5_write_text(self.file, path, c_shape(shape), text))
    else
      local x = array_of(where, value)
      core.check(C.imnn_hdf5_write(self.file, path, x.array, layout_of('write', o, x.shape)))
    end
  end

  --- Make a dataset of zeros, of which parts are `set` later.
  -- @tparam string name
  -- @tparam table opts those of `write`, and
  -- @tparam table opts.shape
  -- @tparam[opt] string opts.dtype by default f32
  -- @tparam[opt=false] boolean opts.fixed take its place in the file at once: a process that is
  -- killed while it sets parts later cannot make a ruin of the file
  -- @raise read-only; there is something of that name already; a layout that does not fit
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:create_dataset('x', { shape = { 1000, 10 } })
  -- f:set('x', { { 1, 100 } }, np.ones { 100, 10 })
  -- f:close()
  function Writing:create_dataset(name, opts)
    local o = args.take('create_dataset', opts, args.rows(layout_rows, {
      shape = { 'table' }, dtype = { 'string', optional = true },
      fixed = { 'boolean', default = false } }))
    local shape = array.c_shape(o.shape, 'create_dataset')
    local code = array.dtype_code(o.dtype or array.default_dtype())
    core.check(C.imnn_hdf5_make(self.file, join(self, name), code, shape,
      layout_of('create_dataset', o, o.shape)))
  end

  --- Make a group, and those on the way to it.
  -- @tparam string name
  -- @treturn Group
  -- @raise read-only; there is something of that name already
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- local training = f:create_group 'training'
  -- training:write('x', np.zeros { 3 })
  -- f:close()
  function Writing:create_group(name)
    local path = join(self, name)
    core.check(C.imnn_hdf5_make_group(self.file, path))
    return inner.place(self.file, self.path, path)
  end

  --- Write elements of a dataset: x[index] = value, of an Array x.
  -- @tparam string name
  -- @tparam number|table index as in x[index]: numbers, { first, last }, { first, last, step }, {}
  -- @tparam Array|number|table value which is broadcast to the shape of x[index]
  -- @raise outside; a dtype that the dataset cannot hold; read-only
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:write('x', np.zeros { 4, 3 })
  -- f:set('x', { { 2, 3 }, 1 }, 5)
  -- f:read('x', { {}, 1 }) --> { 0, 5, 5, 0 }
  -- f:close()
  function Writing:set(name, index, value)
    local np, path = require 'imnn.numpy', join(self, name)
    local part, shape, sizes = inner.part(self, path, index)
    local where = ('%s: "%s"'):format(self.path, path)
    local x = array.is(value) and array_of(where, value)
      or np.array(array_of(where, value), inner.dtype(self, path))
    x = np.broadcast_to(x, shape):reshape(sizes)
    core.check(C.imnn_hdf5_write_part(self.file, path, part, x.array))
  end

  --- Write more records behind those of a dataset; if there is none of that name, they are its
  -- first.
  -- @tparam string name
  -- @tparam Array|table value (n, shape of a record)
  -- @tparam[opt] table opts those of `write`, for a new one, which may grow without limit
  -- @raise other sizes; another dtype; a dataset that does not grow; read-only
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- for _ = 1, 3 do f:append('x', np.zeros { 10, 2 }) end
  -- f:describe('x').shape --> { 30, 2 }
  -- f:close()
  function Writing:append(name, value, opts)
    local o = args.take('append', opts, layout_rows)
    local path = join(self, name)
    local x = array_of(('%s: "%s"'):format(self.path, path), value)
    if #x.shape == 0 then core.raise('append: needs records along a first axis, got shape ()') end
    if inner.kind_of(self, path) == '\0' then
      if not o.maxshape then
        o.maxshape = x.shape
        o.maxshape[1] = math.huge
      end
      core.check(C.imnn_hdf5_write(self.file, path, x.array, layout_of('append', o, x.shape)))
    else
      if not array.is(value) then x = x:astype(inner.dtype(self, path)) end
      core.check(C.imnn_hdf5_append(self.file, path, x.array))
    end
  end

  --- Set attributes of a dataset or group, in place of those of the same names.
  -- @tparam[opt] string name of a dataset or group in this one; none: this group
  -- @tparam table attributes key -> number, boolean, string, nested table of them, Array
  -- @raise no such object; what cannot be written; read-only
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:write('x', np.zeros { 3 })
  -- f:set_attributes('x', { units = 'K', seed = 3 })
  -- f:set_attributes { made_by = 'me' }
  -- f:close()
  function Writing:set_attributes(name, attributes)
    if type(name) == 'table' and attributes == nil then name, attributes = '', name end
    if type(attributes) ~= 'table' then
      core.raise('set_attributes: needs a table { key = value, ... }, got %s',
        core.kind(attributes))
    end
    local path, keys = join(self, name), {}
    for key in pairs(attributes) do
      if type(key) ~= 'string' or key:find '%z' then
        core.raise('set_attributes: names are strings, got %s', tostring(key))
      end
      keys[#keys + 1] = key
    end
    table.sort(keys)
    if path == '' then path = '/' end
    for _, key in ipairs(keys) do
      local value = attributes[key]
      local where = ('%s: "%s": attribute "%s"'):format(self.path, path, key)
      local shape, text = text_of(where, value)
      if shape then
        core.check(C.imnn_hdf5_set_text(self.file, path, key, c_shape(shape), text))
      else
        core.check(C.imnn_hdf5_set(self.file, path, key, array_of(where, value).array))
      end
    end
  end

  --- Remove a dataset, a group with all that is in it, or an attribute. The file does not shrink.
  -- @tparam string name
  -- @tparam[opt] string key of an attribute
  -- @raise there is none; read-only
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:write('x', np.zeros { 3 })
  -- f:remove 'x'
  -- f:close()
  function Writing:remove(name, key)
    local path = join(self, name)
    if key ~= nil then args.argument('remove', 'key', key, { 'string' }) end
    core.check(C.imnn_hdf5_remove(self.file, path == '' and '/' or path, key))
  end

  --- Close the file: of a new one, all is written now, and it gets its name. Nothing can be read
  -- any more.
  -- @raise a full disk: of a new file nothing remains
  -- @usage local f = data.hdf5.create 'simulations.h5'
  -- f:write('x', np.zeros { 3 })
  -- f:close()
  function Writing:close() core.check(C.imnn_hdf5_finish(self.file)) end

  return Writing
end
