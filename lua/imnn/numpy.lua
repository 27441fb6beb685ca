--- Functions of arrays, under the names of NumPy. Axes and positions count from 1, -1 is the last.
-- Elementwise functions take arrays of shapes that broadcast, and numbers.
-- @module imnn.numpy
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local methods, properties = array.methods, array.properties
local M = {
  is_array = array.is, newaxis = index.newaxis, from_buffer = array.from_buffer, pi = math.pi,
  inf = math.huge, nan = 0 / 0,
}

-- ---- elementwise ----

for _, op in ipairs(registry) do
  if op.elementwise then
    local name = op.name
    M[name] = function(...) return elementwise(name, ...) end
    methods[name] = M[name]
  end
end

for alias, name in pairs {
  logical_and = 'and', logical_or = 'or', logical_xor = 'xor', logical_not = 'not',
  bitwise_and = 'and', bitwise_or = 'or', bitwise_xor = 'xor', bitwise_not = 'not', invert = 'not',
  equal = 'eq', not_equal = 'ne', less = 'lt', less_equal = 'le', greater = 'gt',
  greater_equal = 'ge', mod = 'remainder', power = 'pow', absolute = 'abs', negative = 'neg',
  multiply = 'mul', subtract = 'sub', divide = 'div', true_divide = 'div', arcsin = 'asin',
  arccos = 'acos', arctan = 'atan', arctan2 = 'atan2', arcsinh = 'asinh', arccosh = 'acosh',
  arctanh = 'atanh', left_shift = 'shift_left', right_shift = 'shift_right',
} do
  M[alias] = M[name]
end
for _, name in ipairs { 'and', 'or', 'xor', 'not' } do -- of truth values, whatever the dtype
  M['logical_' .. name] = function(a, b)
    local function truth(x)
      if type(x) == 'table' then x = M.array(x) end
      return promote.convert(array.is(x) and x or x ~= 0 and x, 'bool')
    end
    if name == 'not' then return M[name](truth(a)) end
    return M[name](truth(a), truth(b))
  end
end

local function as_array(x, who)
  if array.is(x) then return x end
  if type(x) == 'table' or type(x) == 'number' or type(x) == 'boolean' then return M.array(x) end
  core.raise('%s: needs an Array, got %s', who, type(x))
end

--- Limit to lo .. hi; either may be nil.
function M.clip(x, lo, hi)
  if lo ~= nil then x = M.maximum(x, lo) end
  if hi ~= nil then x = M.minimum(x, hi) end
  return x
end

function M.square(x) return x * x end

--- Another dtype: 'f32', 'f64', 'i32', 'u32', 'bool'.
function M.astype(x, dtype)
  array.dtype_code(dtype)
  return promote.convert(as_array(x, 'astype'), dtype)
end

-- ---- making arrays ----

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
        local y = M.stack(t)
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

-- ---- reductions ----

-- Zero-based axes, sorted; all of them without `axis`.
local function axes_of(who, x, axis)
  local n, list, out, seen = #x.shape, axis, {}, {}
  if axis == nil then
    list = {}
    for k = 1, n do list[k] = k end
  elseif type(axis) == 'number' then list = { axis } end
  for i, a in ipairs(list) do
    out[i] = core.index(a, n, who .. ': no axis')
    if seen[out[i]] then core.raise('%s: axis %d is given twice', who, a) end
    seen[out[i]] = true
  end
  table.sort(out)
  return out
end

local function reduce(name, x, axes)
  local last = #axes
  while last > 0 do -- runs of adjacent axes, last one first
    local first = last
    while first > 1 and axes[first - 1] == axes[first] - 1 do first = first - 1 end
    x = array.apply(name, { x }, { axes[first], axes[last] - axes[first] + 1 })
    last = first - 1
  end
  return x
end

local function restore(y, shape, axes)
  local out = { unpack(shape) }
  for _, a in ipairs(axes) do out[a + 1] = 1 end
  return array.apply('reshape', { y }, out)
end

local reduction_rows = {
  axis = { 'integer', 'table', optional = true },
  keepdims = { 'boolean', default = false },
  ddof = { 'number', default = 0 },
}

local function options(who, opts)
  if type(opts) == 'number' then opts = { axis = opts } end
  return args.take('np.' .. who, opts, reduction_rows)
end

-- fn(x, axes) -> array without these axes
local function reduction(name, fn)
  M[name] = function(x, opts)
    local o = options(name, opts)
    x = as_array(x, 'np.' .. name)
    local axes = axes_of('np.' .. name, x, o.axis)
    local y = fn(x, axes, o)
    return o.keepdims and restore(y, x.shape, axes) or y
  end
  methods[name] = M[name]
end

local function count(x, axes)
  local n, shape = 1, x.shape
  for _, a in ipairs(axes) do n = n * shape[a + 1] end
  return n
end

local function real(x)
  return (x.dtype == 'f32' or x.dtype == 'f64') and x or promote.convert(x, 'f32')
end
local function numbers(x) return x.dtype == 'bool' and promote.convert(x, 'i32') or x end

reduction('sum', function(x, axes) return reduce('sum', numbers(x), axes) end)
reduction('prod', function(x, axes) return reduce('prod', numbers(x), axes) end)
reduction('max', function(x, axes) return reduce('max', x, axes) end)
reduction('min', function(x, axes) return reduce('min', x, axes) end)
reduction('any', function(x, axes) return reduce('max', promote.convert(x, 'bool'), axes) end)
reduction('all', function(x, axes) return reduce('min', promote.convert(x, 'bool'), axes) end)
reduction('mean', function(x, axes) return reduce('sum', real(x), axes) / count(x, axes) end)

local function variance(x, axes, o)
  x = real(x)
  local n = count(x, axes)
  local d = x - restore(reduce('sum', x, axes) / n, x.shape, axes)
  return reduce('sum', d * d, axes) / (n - o.ddof)
end
reduction('var', variance)
reduction('std', function(x, axes, o) return M.sqrt(variance(x, axes, o)) end)
reduction('logsumexp', function(x, axes)
  x = real(x)
  local top = array.apply('stop_gradient', { reduce('max', x, axes) })
  top = M.where(M.isfinite(top), top, 0)
  return M.log(reduce('sum', M.exp(x - restore(top, x.shape, axes)), axes)) + top
end)
reduction('norm', function(x, axes) return M.sqrt(reduce('sum', real(x) * real(x), axes)) end)

for _, name in ipairs { 'argmax', 'argmin' } do
  --- Position of the first extremum, from 1; without an axis in the flattened array.
  M[name] = function(x, opts)
    local o = options(name, opts)
    x = as_array(x, 'np.' .. name)
    if o.axis == nil then x = M.reshape(x, { -1 }) end
    local axis = core.index(o.axis or 1, #x.shape, 'np.' .. name .. ': no axis')
    local y = array.apply(name, { x }, { axis }) + 1
    return o.keepdims and restore(y, x.shape, { axis }) or y
  end
  methods[name] = M[name]
end

-- ---- shape ----

--- Another shape of the same elements; one size may be -1.
function M.reshape(x, shape, ...)
  x = as_array(x, 'np.reshape')
  if type(shape) == 'number' then shape = { shape, ... } end
  local out, known, free = {}, 1, nil
  for i, size in ipairs(shape) do
    out[i] = size
    if size == -1 and not free then free = i
    else known = known * size end
  end
  if free then
    if known == 0 or x.size % known ~= 0 then
      core.raise('reshape: (%s) does not fit (%s)', table.concat(x.shape, ', '),
        table.concat(shape, ', '))
    end
    out[free] = x.size / known
  end
  array.c_shape(out, 'reshape')
  return array.apply('reshape', { x }, out)
end

function M.ravel(x) return M.reshape(x, { -1 }) end

--- Axes in another order; reversed without an order.
function M.transpose(x, axes)
  x = as_array(x, 'np.transpose')
  local n, out = #x.shape, {}
  if axes and #axes ~= n then
    core.raise('transpose: %d axes for an array of %d', #axes, n)
  end
  for k = 1, n do out[k] = axes and core.index(axes[k], n, 'transpose: no axis') or n - k end
  return array.apply('transpose', { x }, out)
end

--- Move an axis to another place.
function M.moveaxis(x, from, to)
  local n, order = #x.shape, {}
  from, to = core.index(from, n, 'moveaxis: no axis') + 1, core.index(to, n,
    'moveaxis: no axis') + 1
  for k = 1, n do if k ~= from then order[#order + 1] = k end end
  table.insert(order, to, from)
  return M.transpose(x, order)
end

function M.swapaxes(x, a, b)
  local n, order = #x.shape, {}
  a, b = core.index(a, n, 'swapaxes: no axis') + 1, core.index(b, n, 'swapaxes: no axis') + 1
  for k = 1, n do order[k] = k end
  order[a], order[b] = b, a
  return M.transpose(x, order)
end

--- Repeat along axes of size 1.
function M.broadcast_to(x, shape)
  x = as_array(x, 'np.broadcast_to')
  array.c_shape(shape, 'broadcast_to')
  return array.apply('broadcast', { x }, shape)
end

--- A new axis of size 1 at a place.
function M.expand_dims(x, axis)
  local shape = x.shape
  local at = core.index(axis, #shape + 1, 'expand_dims: no place')
  table.insert(shape, at + 1, 1)
  return array.apply('reshape', { x }, shape)
end

--- Without axes of size 1, or without the given one.
function M.squeeze(x, axis)
  local shape, out = x.shape, {}
  local at = axis and core.index(axis, #shape, 'squeeze: no axis') + 1
  if at and shape[at] ~= 1 then core.raise('squeeze: axis %d has %d elements', axis, shape[at]) end
  for k, size in ipairs(shape) do
    if at and k ~= at or not at and size ~= 1 then out[#out + 1] = size end
  end
  return array.apply('reshape', { x }, out)
end

local function common(list, who)
  if type(list) ~= 'table' or #list == 0 then core.raise('%s: needs a list of arrays', who) end
  local dtype, out = promote.dtype(list), {}
  for i, x in ipairs(list) do out[i] = promote.convert(as_array(x, who), dtype) end
  return out
end

--- Arrays one after the other along an axis (1).
function M.concatenate(list, axis)
  list = common(list, 'concatenate')
  return array.apply('concatenate', list,
    { core.index(axis or 1, #list[1].shape, 'concatenate: no axis') })
end

--- Arrays of equal shape side by side along a new axis (1).
function M.stack(list, axis)
  list = common(list, 'stack')
  local shape = table.concat(list[1].shape, ', ')
  for i, x in ipairs(list) do
    if table.concat(x.shape, ', ') ~= shape then
      core.raise('stack: shapes differ, (%s) and (%s)', shape, table.concat(x.shape, ', '))
    end
    list[i] = M.expand_dims(x, axis or 1)
  end
  return M.concatenate(list, axis or 1)
end

--- Zeros (or another value) before and behind: { { before, behind }, ... } for every axis.
function M.pad(x, widths, value)
  x = as_array(x, 'np.pad')
  local attr = {}
  if #widths ~= #x.shape then
    core.raise('pad: %d pairs of widths for %d axes', #widths, #x.shape)
  end
  for k, w in ipairs(widths) do
    local a, b = w, w
    if type(w) == 'table' then a, b = w[1], w[2] end
    attr[3 * k - 2], attr[3 * k - 1], attr[3 * k] = a, b, 0
  end
  local y = array.apply('pad', { x }, attr)
  if value == nil or value == 0 then return y end
  local inside = array.apply('pad', { M.ones(x.shape, 'bool') }, attr)
  return M.where(inside, y, value)
end

--- In the other direction along an axis, or along all.
function M.flip(x, axis)
  local key = {}
  for k = 1, #x.shape do key[k] = (axis == nil or k == axis) and { -1, 1, -1 } or {} end
  for k, size in ipairs(x.shape) do if size == 0 then key[k] = {} end end
  return x[key]
end

--- Elements by index (from 1) along an axis, or of the flattened array without one.
function M.take(x, indices, axis)
  x = as_array(x, 'np.take')
  if type(indices) == 'table' then indices = M.array(indices, 'i32') end
  if axis == nil then x, axis = M.ravel(x), 1 end
  local k = core.index(axis, #x.shape, 'take: no axis')
  return index.gather(x, index.zero_based(indices, x.shape[k + 1], 'take'), k)
end

--- Elements by index along an axis; indices have the shape of x but for the axis.
function M.take_along_axis(x, indices, axis)
  local k = core.index(axis, #x.shape, 'take_along_axis: no axis')
  return array.apply('take_along',
    { x, index.zero_based(indices, x.shape[k + 1], 'take_along_axis') }, { k })
end

-- ---- products ----

local function product(name, a, b)
  a, b = as_array(a, name), as_array(b, name)
  local dtype = promote.allowed(registry.matmul, promote.dtype { a, b })
  return promote.convert(a, dtype), promote.convert(b, dtype)
end

--- Matrix product (..., n, k) x (..., k, m); vectors as NumPy has it.
function M.matmul(a, b)
  a, b = product('matmul', a, b)
  return array.apply('matmul', { a, b }, { 0, 0 })
end

--- matmul for one or two axes, multiplication for a number.
function M.dot(a, b)
  a, b = product('dot', a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  return array.apply('matmul', { a, b }, { 0, 0 })
end

--- Sum over the last axes of both.
function M.inner(a, b)
  a, b = product('inner', a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  if #b.shape == 1 then return array.apply('matmul', { a, b }, { 0, 0 }) end
  return array.apply('matmul', { a, b }, { 0, 1 })
end

function M.vdot(a, b) return M.dot(M.ravel(a), M.ravel(b)) end

function M.outer(a, b)
  a, b = M.ravel(a), M.ravel(b)
  return M.expand_dims(a, 2) * M.expand_dims(b, 1)
end

M.linalg = require 'imnn.numpy.linalg'

-- ---- methods ----

for _, name in ipairs {
  'astype', 'clip', 'square', 'reshape', 'ravel', 'transpose', 'moveaxis', 'swapaxes', 'squeeze',
  'expand_dims', 'broadcast_to', 'flip', 'take', 'matmul', 'dot', 'inner', 'outer',
} do
  methods[name] = M[name]
end
methods.flatten = M.ravel
methods.inv, methods.det, methods.slogdet = M.linalg.inv, M.linalg.det, M.linalg.slogdet

--- The transposed array.
function properties.T(x) return M.transpose(x) end

--- The parts along the first axis as several values.
function methods.unpack(x)
  local out = {}
  for i = 1, #x do out[i] = x[i] end
  return unpack(out)
end

--- Iterate over the parts along the first axis: for i, row in x:rows() do.
function methods.rows(x)
  local i, n = 0, #x
  return function()
    i = i + 1
    if i <= n then return i, x[i] end
  end
end

return M
