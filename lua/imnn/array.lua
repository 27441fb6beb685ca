--- Arrays: values and, inside a traced function, values to come. They never change: methods give
-- new ones, and so do the functions of imnn.numpy, of which many are methods, too. x[i] is a part
-- along the first axis, x[{ i, {}, { first, last } }] one along several; positions count from 1.
-- + - * / ^ % work element by element; < and == compare single known numbers.
-- @module imnn.array
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local handle = require 'imnn.array.handle'
local memory = require 'imnn.array.memory'
local operator = require 'imnn.array.operator'
local program = require 'imnn.array.program'
local registry = require 'imnn.registry'
local text = require 'imnn.array.text'
local trace = require 'imnn.array.trace'
local value_at = require 'imnn.array.value'
local C = core.C
local gone, graph, traced = trace.gone, trace.graph, trace.traced

local M = {
  default_dtype = dtypes.default, set_default_dtype = dtypes.set_default, dtype_code = dtypes.code,
  bytes = dtypes.bytes,
}
for _, room in ipairs { handle, memory, trace, operator, program } do
  for name, value in pairs(room) do M[name] = value end
end

local Array = {} -- metamethods
M.methods, M.properties = {}, {} -- by name, to which np adds; properties need no call

function Array:__gc() C.imnn_array_release(self.array) end

-- ---- what an Array tells ----

local function c_shape_of(x)
  return traced(x) and C.imnn_graph_shape(graph(), x.node) or C.imnn_array_shape(x.array)
end

--- The sizes of all axes, outermost first: a new table.
-- @treturn table
-- @usage x.shape --> { 2, 3 }
function M.properties.shape(x)
  local s, out = c_shape_of(x), {}
  for i = 1, s.ndim do out[i] = tonumber(s.size[i - 1]) end
  return out
end

--- The type of the elements: 'f32', 'f64', 'c64', 'c128', 'i32', 'u32' or 'bool'.
-- @treturn string
-- @usage x.dtype --> 'f32'
function M.properties.dtype(x)
  return dtypes.names[tonumber(traced(x) and C.imnn_graph_dtype(graph(), x.node)
    or C.imnn_array_dtype(x.array))]
end

--- The number of axes.
-- @treturn number
-- @usage x.ndim --> 2
function M.properties.ndim(x) return c_shape_of(x).ndim end

--- The number of elements.
-- @treturn number
-- @usage x.size --> 6
function M.properties.size(x)
  local s, n = c_shape_of(x), 1
  for i = 0, s.ndim - 1 do n = n * tonumber(s.size[i]) end
  return n
end

local function refuse(what)
  core.raise('%s: a traced array has no value yet; choose with np.where or lax.cond', what)
end

--- The values for reading: a pointer, good as long as the Array is held.
-- @treturn cdata const pointer to the elements, row by row
-- @raise a traced array
-- @usage local p = x:data()
function M.methods.data(x)
  if traced(x) then refuse 'data' end
  return ffi.cast('const ' .. dtypes.ctype[x.dtype] .. ' *', C.imnn_array_data(x.array))
end

--- The one element as a Lua number, complex number or boolean.
-- @treturn number|complex|boolean
-- @raise several elements; a traced array, which has no value yet
-- @usage x:sum():item() --> 21
function M.methods.item(x)
  if traced(x) then refuse 'item' end
  if x.size ~= 1 then
    core.raise('item: needs one element, got shape (%s)', table.concat(x.shape, ', '))
  end
  return value_at(x:data(), x.dtype, 0)
end

--- Nested tables of numbers or booleans; a number for shape ().
-- @treturn table|number
-- @raise a traced array
-- @usage x:totable() --> { { 1, 2, 3 }, { 4, 5, 6 } }
function M.methods.totable(x)
  if traced(x) then refuse 'totable' end
  local p, dtype, shape, at = x:data(), x.dtype, x.shape, -1
  local function level(k)
    if k > #shape then
      at = at + 1
      return value_at(p, dtype, at)
    end
    local out = {}
    for i = 1, shape[k] do out[i] = level(k + 1) end
    return out
  end
  return level(1)
end

--- All elements in row-major order as one table.
-- @treturn table
-- @raise a traced array
-- @usage x:values() --> { 1, 2, 3, 4, 5, 6 }
function M.methods.values(x)
  if traced(x) then refuse 'values' end
  local p, dtype, out = x:data(), x.dtype, {}
  for i = 1, x.size do out[i] = value_at(p, dtype, i - 1) end
  return out
end

function Array.__tostring(x)
  if gone(x) then
    return 'traced array that has left its function'
  end
  local head = x.dtype .. ' ' .. text.shape(x.shape)
  if x.node ~= 0 then return 'traced ' .. head end
  local values = text.values(x:data(), x.dtype, x.shape)
  return values .. '  ' .. (#x.shape == 0 and x.dtype or head)
end

function Array.__len(x)
  local s = c_shape_of(x)
  if s.ndim == 0 then core.raise 'length: an array of shape () has none' end
  return tonumber(s.size[0])
end

-- The number or boolean to compare.
local function compared(a)
  if not M.is(a) then return a end
  if traced(a) then refuse 'comparison' end
  if a.size ~= 1 then
    core.raise('comparison: < <= == compare single elements, got shape (%s); use np.lt, np.le, '
      .. 'np.eq', table.concat(a.shape, ', '))
  end
  return a:item()
end

local function ordered(a, b)
  a, b = compared(a), compared(b)
  if type(a) ~= 'number' or type(b) ~= 'number' then
    core.raise('comparison: only numbers have an order, got %s and %s', core.kind(a), core.kind(b))
  end
  return a, b
end

function Array.__lt(a, b)
  a, b = ordered(a, b)
  return a < b
end

function Array.__le(a, b)
  a, b = ordered(a, b)
  return a <= b
end

function M.equal(a, b) -- LuaJIT asks even for x == nil
  return M.liftable(a) and M.liftable(b) and compared(a) == compared(b)
end
Array.__eq = M.equal

function Array.__newindex(_, key)
  core.raise('array: an array never changes, so "%s" cannot be set; make a new one, with np.where, '
    .. 'np.concatenate or arithmetic', tostring(key))
end

function Array.__concat(a, b) return tostring(a) .. tostring(b) end

-- Operators and methods come from imnn.numpy, which is loaded when one is needed.
local elementwise

local function operate(name, a, b)
  elementwise = elementwise or require('imnn.numpy.elementwise').apply
  return M.pair(registry[name], a, b) or elementwise(name, a, b)
end
function Array.__add(a, b) return operate('add', a, b) end
function Array.__sub(a, b) return operate('sub', a, b) end
function Array.__mul(a, b) return operate('mul', a, b) end
function Array.__div(a, b) return operate('div', a, b) end
function Array.__pow(a, b) -- of two arrays it looks at more than dtypes
  if type(b) == 'number' then return operate('pow', a, b) end
  return require('imnn.numpy.elementwise').apply('pow', a, b)
end
function Array.__mod(a, b) return operate('remainder', a, b) end
function Array.__unm(a) return M.single(registry.neg, a) or require('imnn.numpy').neg(a) end

local get

function Array.__index(x, key)
  local method = M.methods[key]
  if method then return method end
  local property = M.properties[key]
  if property then return property(x) end
  if not get then
    require 'imnn.numpy'
    get = require('imnn.numpy.index').get
    return Array.__index(x, key)
  end
  if type(key) == 'string' and key ~= '...' then
    local known = {}
    for _, names_of in ipairs { M.methods, M.properties } do
      for name in pairs(names_of) do known[name] = true end
    end
    core.raise('array: an Array has no field or method "%s"%s', key, args.near(key, known))
  end
  return get(x, key)
end

ffi.metatype(handle.Value, Array)

return M
