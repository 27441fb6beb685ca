--- What functions of imnn.random ask of their arguments.
-- @module imnn.random.check
local array = require 'imnn.array'
local core = require 'imnn.core'
local C = core.C
local M = {}

--- A key, or keys (..., 2).
function M.key(who, key)
  if array.is(key) then
    local shape = key.shape
    if key.dtype == 'u32' and shape[#shape] == 2 then return key end
    core.raise('%s: a key has shape (2), got %s (%s)', who, key.dtype, table.concat(shape, ', '))
  end
  core.raise('%s: a key has shape (2), got a %s', who, core.kind(key))
end

--- A shape as C has it; () without one.
function M.shape(who, shape)
  if shape == nil then shape = {} end
  return array.c_shape(shape, who)
end

--- f32 or f64, as C counts them and by name.
function M.dtype(who, dtype)
  dtype = dtype or array.default_dtype()
  if dtype ~= 'f32' and dtype ~= 'f64' then
    core.raise('%s: dtype must be f32 or f64, got %s', who, tostring(dtype))
  end
  return array.dtype_code(dtype), dtype
end

function M.layout() return tonumber(C.imnn_random_layout()) end

--- Settings as text, by which programs are told apart.
function M.settings(shape, ...)
  local parts = { M.layout(), ... }
  for i = 0, shape.ndim - 1 do parts[#parts + 1] = tonumber(shape.size[i]) end
  return array.settings(unpack(parts))
end

return M
