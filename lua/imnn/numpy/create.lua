--- Making arrays.
-- @module imnn.numpy.create
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local promote = require 'imnn.numpy.promote'
local M = {}

-- The sizes along the first elements; the others are held against them.
local function sizes_of(t)
  local shape = {}
  while type(t) == 'table' do
    shape[#shape + 1] = #t
    if #shape > 8 then core.raise 'array: at most 8 axes' end -- or a table that holds itself
    t = t[1]
  end
  return shape
end

local function check_table(t, size)
  if type(t) ~= 'table' or #t ~= size then
    core.raise('array: the nested table is ragged, %s beside a table of %d',
      type(t) == 'table' and ('a table of %d'):format(#t) or 'a ' .. type(t), size)
  end
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  if n ~= size then core.raise('array: the table has other keys than 1 to %d', size) end
end

-- Appends the elements of t to out, unless there are Arrays among them: then it gives true.
local function flatten(t, shape, depth, out, kinds)
  if array.is(t) then return true end
  if depth <= #shape then
    check_table(t, shape[depth])
    for i = 1, #t do
      if flatten(t[i], shape, depth + 1, out, kinds) then return true end
    end
    return false
  end
  if type(t) == 'table' then
    core.raise 'array: the nested table is ragged, a table beside a number'
  elseif type(t) ~= 'number' and type(t) ~= 'boolean' then
    core.raise('array: elements must be numbers, booleans or Arrays, got %s', type(t))
  end
  kinds[type(t)] = true
  out[#out + 1] = t == true and 1 or t == false and 0 or t
  return false
end

--- An array of a number, a nested table of numbers or booleans, or one with arrays in it, which are
-- stacked.
-- @tparam number|boolean|table|Array t
-- @tparam[opt] string dtype f32 for numbers, bool for booleans
-- @treturn Array
-- @raise ragged tables
function M.array(t, dtype)
  if array.is(t) then return dtype and M.astype(t, dtype) or t end
  local shape, out, kinds = sizes_of(t), {}, {}
  if flatten(t, shape, 1, out, kinds) then
    local y = require('imnn.numpy.shape').stack(t)
    return dtype and M.astype(y, dtype) or y
  end
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
-- @tparam table|number shape
-- @tparam number|boolean|Array value of a shape that stretches to it
-- @tparam[opt] string dtype that of the value: f32 for numbers, bool for booleans
function M.full(shape, value, dtype)
  local sizes = type(shape) == 'number' and { shape } or shape
  array.c_shape(sizes, 'full')
  local x = M.as_array(value, 'full')
  return array.apply('broadcast', { dtype and M.astype(x, dtype) or x }, sizes, 'full')
end

function M.ones(shape, dtype) return M.full(shape, 1, dtype) end

--- Zeros, ones, a value in the shape and dtype of another array.
function M.full_like(x, value, dtype)
  x = M.as_array(x, 'full_like')
  return M.full(x.shape, value, dtype or x.dtype)
end
function M.zeros_like(x, dtype) return M.full_like(x, 0, dtype) end
function M.ones_like(x, dtype) return M.full_like(x, 1, dtype) end

local function finite(who, ...)
  for i = 1, select('#', ...) do
    local x = select(i, ...)
    if type(x) ~= 'number' or x ~= x or math.abs(x) == math.huge then
      core.raise('%s: argument %d must be a finite number, got %s', who, i,
        type(x) == 'number' and tostring(x) or type(x))
    end
  end
end

local function check_count(who, n)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 0 then
    core.raise('%s: needs a whole number of elements, 0 or more, got %s', who, tostring(n))
  end
end

-- 0, 1, ..., n - 1, counted by C, which asks for memory before it takes any.
local function count(who, n, dtype)
  return array.apply('iota', {}, { array.dtype_code(dtype), 0, n }, who)
end

--- Numbers start, start + step, ... below stop; arange(n) is 0 .. n - 1.
-- @tparam number start
-- @tparam[opt] number stop
-- @tparam[opt=1] number step
-- @tparam[opt] string dtype i32 if start and step are whole, else f32
function M.arange(start, stop, step, dtype)
  if stop == nil then start, stop = 0, start end
  step = step or 1
  finite('arange', start, stop, step)
  if step == 0 then core.raise 'arange: the step must not be 0' end
  local n = math.max(math.ceil((stop - start) / step), 0)
  local whole = start % 1 == 0 and step % 1 == 0
  dtype = dtype or (whole and 'i32' or 'f32')
  return M.astype(count('arange', n, 'f64') * step + start, dtype)
end

--- n numbers from start to stop, both included.
-- @tparam number start
-- @tparam number stop
-- @tparam[opt=50] number n
-- @tparam[opt='f32'] string dtype
function M.linspace(start, stop, n, dtype)
  n = n or 50
  finite('linspace', start, stop)
  check_count('linspace', n)
  local part = count('linspace', n, 'f64') * (stop - start) / math.max(n - 1, 1)
  return M.astype(part + start, dtype or 'f32')
end

--- The identity matrix (n, n).
function M.eye(n, dtype)
  check_count('eye', n)
  local at = count('eye', n, 'i32')
  local square = array.apply('broadcast', { at }, { n, n }, 'eye')
  local turned = array.apply('reshape', { at }, { n, 1 })
  return M.astype(array.apply('eq', { turned, square }, nil, 'eye'), dtype or 'f32')
end

--- Positions 0, 1, ... along an axis.
function M.iota(dtype, shape, axis)
  array.c_shape(shape, 'iota')
  if type(shape) == 'number' then shape = { shape } end
  local code = { array.dtype_code(dtype or 'i32'), core.index(axis or 1, #shape, 'iota: no axis') }
  for _, size in ipairs(shape) do code[#code + 1] = size end
  return array.apply('iota', {}, code)
end

return M
