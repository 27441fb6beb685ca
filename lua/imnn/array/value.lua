--- One element of an Array as a Lua value.
-- @module imnn.array.value
local ffi = require 'ffi'
local bit = require 'bit'
local complex = require 'imnn.complex'

local words = { -- 32-bit words of an element; what is above the bits of infinity is NaN
  f32 = { count = 1, infinity = 0x7f800000 }, f64 = { count = 2, infinity = 0x7ff00000 },
}

-- LuaJIT keeps nil, tables and so on in the payload of NaNs and takes foreign ones for such.
local function is_nan(p, real, i)
  local word = ffi.cast('const int32_t *', p) + real.count * i + real.count - 1
  local high = bit.band(word[0], 0x7fffffff)
  return high > real.infinity or high == real.infinity and real.count == 2 and word[-1] ~= 0
end

-- One number; complex numbers are two.
local function real_at(p, dtype, i)
  if words[dtype] and is_nan(p, words[dtype], i) then return 0 / 0 end
  return tonumber(p[i])
end

local parts = { c64 = { 'f32', 'const float *' }, c128 = { 'f64', 'const double *' } }

--- Element i, from 0, of the values at p.
-- @tparam cdata p
-- @tparam string dtype
-- @tparam number i
-- @treturn number|complex|boolean
return function(p, dtype, i)
  if dtype == 'bool' then return p[i] ~= 0 end
  local part = parts[dtype]
  if not part then return real_at(p, dtype, i) end
  p = ffi.cast(part[2], p)
  return complex.new(real_at(p, part[1], 2 * i), real_at(p, part[1], 2 * i + 1))
end
