--- Arrays from memory and numbers of scripts.
-- @module imnn.array.memory
local ffi = require 'ffi'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local handle = require 'imnn.array.handle'
local C, check = core.C, core.check
local M = {}

-- Types of memory that say which dtype they hold.
local holds = {
  float = 'f32', double = 'f64', int = 'i32', ['unsigned int'] = 'u32', bool = 'bool',
  ['complex float'] = 'c64', complex = 'c128',
}

local function type_of(pointer)
  if type(pointer) ~= 'cdata' then return type(pointer) end
  return (tostring(ffi.typeof(pointer)):match '^ctype<(.-)>$':gsub('^const ', ''))
end

-- The dtype that memory is declared to hold, if that is one.
local function memory_of(pointer)
  local kind = type_of(pointer)
  if pointer == nil or kind ~= 'string' and not kind:match '[%]*]$' then
    core.raise('from_buffer: needs an array or a pointer of the FFI, got %s',
      type(pointer) == 'cdata' and pointer == nil and 'NULL' or handle.is(pointer) and 'Array'
        or kind)
  end
  return holds[kind:match '^(.-) ?[%[*]']
end

local function check_size(pointer, shape, bytes)
  if type_of(pointer):match '%*$' then return end -- how much is there is the caller's to know
  local size = type(pointer) == 'string' and #pointer or ffi.sizeof(pointer)
  for i = 0, shape.ndim - 1 do bytes = bytes * tonumber(shape.size[i]) end
  if size < bytes then
    core.raise('from_buffer: %d bytes are asked for, there are %d', bytes, size)
  end
end

--- A copy of memory that holds values of the dtype, row-major.
-- @tparam cdata|string pointer array (its size is checked) or pointer (it is not)
-- @tparam table shape
-- @tparam[opt] string dtype what the memory is declared to hold, else the default
-- @raise memory that is too small or declared to hold another dtype
-- @treturn Array
-- @usage np.from_buffer(require('ffi').new('double[2]', 1, 2), { 2 }, 'f64') --> { 1, 2 }
function M.from_buffer(pointer, shape, dtype)
  local out, sizes = ffi.new 'imnn_array *[1]', handle.c_shape(shape, 'from_buffer')
  local held = memory_of(pointer)
  local code = dtypes.code(dtype or held or dtypes.default())
  if held and dtype and held ~= dtype then
    core.raise('from_buffer: the memory holds %s, not %s', held, dtype)
  end
  check_size(pointer, sizes, dtypes.bytes[dtypes.names[code]])
  check(C.imnn_array_copy(out, code, sizes, ffi.cast('const void *', pointer)), 'from_buffer')
  return handle.own(out)
end

local numbers, kept = {}, 0 -- by dtype and value: numbers of scripts are met again and again

-- A complex number as an Array of shape (); a real dtype would lose half of it.
local function complex_number(x, dtype)
  if dtype == 'c64' then return M.from_buffer(ffi.new('complex float[1]', x), {}, dtype) end
  if dtype == 'c128' then return M.from_buffer(ffi.new('complex[1]', x), {}, dtype) end
  core.raise('array: a complex number cannot be %s', dtype)
end

--- A number, complex number or boolean as an Array of shape ().
function M.number(x, dtype)
  if complex.is(x) then return complex_number(x, dtype) end
  local value = x == true and 1 or x == false and 0 or x
  local same = numbers[dtype] and numbers[dtype][value]
  if same then return same end
  local made = handle.from_doubles(ffi.new('double[1]', value), {}, dtype)
  if value ~= value or value == 0 and 1 / value < 0 then return made end -- NaN and -0 are no keys
  if kept > 500 then numbers, kept = {}, 0 end
  numbers[dtype] = numbers[dtype] or {}
  numbers[dtype][value], kept = made, kept + 1
  return made
end

return M
