--- The types of elements, and which one numbers take that say nothing about theirs.
-- @module imnn.array.dtype
local ffi = require 'ffi'
local core = require 'imnn.core'
local M = {}

M.codes, M.names = {}, {} -- of C, and back
for code = 0, tonumber(core.C.IMNN_NDTYPE) - 1 do
  local name = ffi.string(core.C.imnn_dtype_name(code))
  M.codes[name], M.names[code] = code, name
end

--- The types that C computes with.
M.ctype = {
  f32 = 'float', f64 = 'double', i32 = 'int32_t', u32 = 'uint32_t', bool = 'uint8_t',
  c64 = 'complex float', c128 = 'complex',
}
M.bytes = {}
for name, kind in pairs(M.ctype) do M.bytes[name] = ffi.sizeof(kind) end

local default_dtype = 'f32' -- process-wide, as JAX's switch to 64 bits is

--- The dtype of numbers that say nothing about theirs.
function M.default() return default_dtype end

--- Make numbers f64 (or f32 again) where no dtype is asked for, complex ones c128 (c64).
-- @tparam string name f32 or f64
function M.set_default(name)
  if name ~= 'f32' and name ~= 'f64' then
    core.raise('set_default_dtype: needs f32 or f64, got %s', tostring(name))
  end
  default_dtype = name
end

--- The number that C has for a dtype.
function M.code(name)
  return M.codes[name]
    or core.raise('array: no dtype "%s"; there are f32, f64, i32, u32, bool, c64, c128',
      tostring(name))
end

return M
