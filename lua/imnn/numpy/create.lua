--- Making arrays.
-- @module imnn.numpy.create
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local promote = require 'imnn.numpy.promote'
local M = {}

local function flatten(t, shape, depth, out, kinds)
  if type(t) ~= 'table' then
    if type(t) ~= 'number' and type(t) ~= 'boolean' then
      core.raise('array: elements must be numbers or booleans, got %s', type(t))
    end
    if shape[depth] ~= nil then core.raise 'array: the nested table is ragged' end
    kinds[type(t)] = true
    out[#out + 1] = t == true and 1 or t == false and 0 or t
    shape.depth = shape.depth or depth
    if shape.depth ~= depth then core.raise 'array: the nested table is ragged' end
    return
  end
  if shape[depth] == nil and not shape.depth then shape[depth] = #t end
  if shape[depth] ~= #t then
    core.raise('array: the nested table is ragged: %d elements where there were %s', #t,
      tostring(shape[depth] or 'none'))
  end
  for i = 1, #t do flatten(t[i], shape, depth + 1, out, kinds) end
end

--- An array of a number, a nested table of numbers or booleans, or a table of arrays, which are
-- stacked.
-- @tparam number|boolean|table|Array t
-- @tparam[opt] string dtype f32 for numbers, bool for booleans
-- @treturn Array
-- @raise ragged tables
function M.array(t, dtype)
  if array.is(t) then return dtype and M.astype(t, dtype) or t end
  if type(t) == 'table' then
    for i = 1, #t do
      if array.is(t[i]) then
        local y = require('imnn.numpy.shape').stack(t)
        return dtype and M.astype(y, dtype) or y
      end
    end
  end
  local shape, out, kinds = {}, {}, {}
  flatten(t, shape, 1, out, kinds)
  shape.depth = nil
  dtype = dtype or (kinds.boolean and not kinds.number and 'bool' or 'f32')
  return array.from_doubles(ffi.new('double[?]', math.max(#out, 1), out), shape, dtype)
end

--- Whatever a script gives as an Array: one, a number, a boolean, a nested table.
-- @tparam string who for messages
function M.as_array(x, who)
  if array.is(x) then return x end
  if type(x) == 'table' or type(x) == 'number' or type(x) == 'boolean' then return M.array(x) end
  core.raise('%s: needs an Array, got %s', who, type(x))
end

--- Another dtype: 'f32', 'f64', 'i32', 'u32', 'bool'.
function M.astype(x, dtype)
  array.dtype_code(dtype)
  return promote.convert(M.as_array(x, 'astype'), dtype)
end

--- Zeros of a shape.
function M.zeros(shape, dtype) return array.zeros(shape, dtype) end

--- A value, repeated.
function M.full(shape, value, dtype)
  local sizes = type(shape) == 'number' and { shape } or shape
  array.c_shape(sizes, 'full')
  local x = array.is(value) and (dtype and M.astype(value, dtype) or value)
    or array.number(value, dtype or (type(value) == 'boolean' and 'bool' or 'f32'))
  return array.apply('broadcast', { x }, sizes)
end

function M.ones(shape, dtype) return M.full(shape, 1, dtype) end
function M.zeros_like(x, dtype) return M.full(x.shape, 0, dtype or x.dtype) end
function M.ones_like(x, dtype) return M.full(x.shape, 1, dtype or x.dtype) end
function M.full_like(x, value, dtype) return M.full(x.shape, value, dtype or x.dtype) end

--- Numbers start, start + step, ... below stop; arange(n) is 0 .. n - 1.
function M.arange(start, stop, step, dtype)
  if stop == nil then start, stop = 0, start end
  step = step or 1
  if type(start) ~= 'number' or type(stop) ~= 'number' or type(step) ~= 'number' or step == 0 then
    core.raise 'arange: start, stop and step must be numbers, step not 0'
  end
  local n = math.max(math.ceil((stop - start) / step), 0)
  local data = ffi.new('double[?]', math.max(n, 1))
  for i = 0, n - 1 do data[i] = start + i * step end
  local whole = start % 1 == 0 and step % 1 == 0
  return array.from_doubles(data, { n }, dtype or (whole and 'i32' or 'f32'))
end

--- n numbers from start to stop, both included.
function M.linspace(start, stop, n, dtype)
  n = n or 50
  local data = ffi.new('double[?]', math.max(n, 1))
  for i = 0, n - 1 do data[i] = n > 1 and start + (stop - start) * i / (n - 1) or start end
  return array.from_doubles(data, { n }, dtype or 'f32')
end

--- The identity matrix.
function M.eye(n, dtype)
  local data = ffi.new('double[?]', math.max(n * n, 1))
  for i = 0, n - 1 do data[i * n + i] = 1 end
  return array.from_doubles(data, { n, n }, dtype or 'f32')
end

--- Positions 0, 1, ... along an axis.
function M.iota(dtype, shape, axis)
  local code = { array.dtype_code(dtype or 'i32'), core.index(axis or 1, #shape, 'iota: no axis') }
  for _, size in ipairs(shape) do code[#code + 1] = size end
  return array.apply('iota', {}, code)
end

return M
