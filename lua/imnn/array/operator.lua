--- Single operators: their value at once, or a node of the running trace.
-- @module imnn.array.operator
local ffi = require 'ffi'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local handle = require 'imnn.array.handle'
local memory = require 'imnn.array.memory'
local registry = require 'imnn.registry'
local trace = require 'imnn.array.trace'
local C, check = core.C, core.check
local M = {}

local several = ffi.typeof 'imnn_node[?]'
local pointers = ffi.typeof 'const imnn_array *[?]'
local result = ffi.new 'imnn_array *[1]'

--- An operator of the registry: a node if any input is traced, else its value at once.
-- @tparam string name
-- @tparam table inputs Arrays of dtypes that fit
-- @tparam[opt] table attr attributes as C counts them
-- @tparam[opt] string who the function for which it is applied, in messages
function M.apply(name, inputs, attr, who)
  local id, n = registry[name].id, #inputs
  local at = attr and ffi.new('imnn_attr', #attr, attr) or nil
  if trace.any_traced(inputs, n) then
    local x = several(n)
    for i = 1, n do x[i - 1] = trace.lift(inputs[i]).node end
    return trace.tracer(C.imnn_graph_apply(trace.graph(), id, n, x, at))
  end
  local x = pointers(math.max(n, 1))
  for i = 1, n do x[i - 1] = inputs[i].array end
  local status = C.imnn_apply(result, id, n, x, at)
  if status ~= C.IMNN_OK then check(status, who or name) end
  return handle.own(result)
end

local two = ffi.new 'const imnn_array *[2]'

local function value_of(op, n)
  local status = C.imnn_apply(result, op.id, n, two, nil)
  if status ~= C.IMNN_OK then check(status, op.name) end
  return handle.own(result)
end

-- The dtype of an array whose values are there, if the operator takes it.
local function plain_dtype(op, x)
  if not handle.is(x) or x.node ~= 0 then return nil end
  local dtype = dtypes.names[tonumber(C.imnn_array_dtype(x.array))]
  return op.dtypes[dtype] and dtype
end

--- An operator of one array whose values are there, or nil where it is not as simple as that. This
-- and `pair` make no lists and have no loops, so LuaJIT compiles a call as a whole.
-- @tparam table op row of the registry
function M.single(op, x)
  if not plain_dtype(op, x) then return nil end
  two[0] = x.array
  return value_of(op, 1)
end

--- The same of two arrays of one dtype, or of floats and a number.
function M.pair(op, a, b)
  local dtype, other = plain_dtype(op, a), plain_dtype(op, b)
  if not dtype and type(a) == 'number' and (other == 'f32' or other == 'f64') then
    a, dtype = memory.number(a, other), other
  elseif not other and type(b) == 'number' and (dtype == 'f32' or dtype == 'f64') then
    b, other = memory.number(b, dtype), dtype
  end
  if not dtype or dtype ~= other then return nil end
  two[0], two[1] = a.array, b.array
  return value_of(op, 2)
end

return M
