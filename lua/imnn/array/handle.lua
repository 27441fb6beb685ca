--- Arrays as handles of what C holds: how they are made and given back.
-- @module imnn.array.handle
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local C, check = core.C, core.check
local M = {}

-- A value holds an array; a tracer is a node of the running trace.
M.Value = ffi.typeof 'struct { imnn_array *array; imnn_node node; int32_t of_trace; }'
local Value = M.Value

function M.is(x) return ffi.istype(Value, x) end
args.types.Array = M.is

--- An Array from the reference in a slot, which it takes over.
function M.own(slot)
  local value = Value(slot[0], 0, 0)
  core.relieve()
  return value
end
local own = M.own

--- A table of sizes as C has it.
function M.c_shape(shape, who)
  if type(shape) == 'number' then shape = { shape } end
  if type(shape) ~= 'table' then
    core.raise('%s: a shape is a table of sizes, got %s', who or 'array', core.kind(shape))
  end
  if #shape > 8 then core.raise('%s: at most 8 axes, got %d', who or 'array', #shape) end
  for axis = 1, #shape do -- over nil, too, which ffi.new takes for 0
    local size = shape[axis]
    if type(size) ~= 'number' then
      core.raise('%s: sizes are whole numbers, 0 or more, got %s as size %d', who or 'array',
        core.kind(size), axis)
    end
    if size % 1 ~= 0 or size < 0 then
      core.raise('%s: sizes are whole numbers, 0 or more, got %s', who or 'array', tostring(size))
    end
  end
  return ffi.new('imnn_shape', #shape, shape)
end

function M.zeros(shape, dtype)
  local out = ffi.new 'imnn_array *[1]'
  local code = dtypes.code(dtype or dtypes.default())
  check(C.imnn_array_zeros(out, code, M.c_shape(shape, 'zeros')), 'zeros')
  return own(out)
end

--- From doubles, row-major.
function M.from_doubles(data, shape, dtype)
  local out = ffi.new 'imnn_array *[1]'
  check(C.imnn_array_from(out, dtypes.code(dtype), M.c_shape(shape), data))
  return own(out)
end

return M
