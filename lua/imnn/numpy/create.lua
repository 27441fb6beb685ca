--- Making arrays.
-- @module imnn.numpy.create
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local elementwise = require('imnn.numpy.elementwise').apply
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
      type(t) == 'table' and ('a table of %d'):format(#t) or 'a ' .. core.kind(t), size)
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
  elseif type(t) ~= 'number' and type(t) ~= 'boolean' and not complex.is(t) then
    core.raise('array: elements must be numbers, booleans or Arrays, got %s', core.kind(t))
  end
  kinds[complex.is(t) and 'complex' or type(t)] = true
  out[#out + 1] = t == true and 1 or t == false and 0 or t
  return false
end

-- The elements, some of which are complex, as an array.
local function of_complex(list, shape, dtype)
  if not promote.is_complex(dtype) then
    core.raise('array: a complex number cannot be %s', dtype)
  end
  local data = ffi.new('complex[?]', math.max(#list, 1))
  for i, x in ipairs(list) do data[i - 1] = complex.of(x) end
  return M.astype(array.from_buffer(data, shape, 'c128'), dtype)
end

--- An array of a number, a nested table of numbers or booleans, or one with arrays in it, which are
-- stacked.
-- @tparam number|complex|boolean|table|Array t
-- @tparam[opt] string dtype the default one for numbers (f32; c64 for complex ones), bool for
-- booleans
-- @treturn Array
-- @raise ragged tables
-- @usage np.array { { 1, 2 }, { 3, 4 } }
-- np.array({ 1, 2 }, 'i32').dtype --> 'i32'
function M.array(t, dtype)
  if array.is(t) then return dtype and M.astype(t, dtype) or t end
  local shape, out, kinds = sizes_of(t), {}, {}
  if flatten(t, shape, 1, out, kinds) then
    local y = require('imnn.numpy.join').stack(t)
    return dtype and M.astype(y, dtype) or y
  end
  if kinds.complex then return of_complex(out, shape, dtype or promote.complex_of()) end
  dtype = dtype or (kinds.boolean and not kinds.number and 'bool' or array.default_dtype())
  return array.from_doubles(ffi.new('double[?]', math.max(#out, 1), out), shape, dtype)
end

--- Whatever a script gives as an Array: one, a number, a boolean, a nested table.
-- @param x
-- @tparam string who for messages
-- @tparam[opt] string dtype of what is not an Array yet
-- @treturn Array
-- @raise anything else
-- @usage np.as_array({ 1, 2 }, 'my_function').shape --> { 2 }
function M.as_array(x, who, dtype)
  if array.is(x) then return x end
  if type(x) == 'table' or type(x) == 'number' or type(x) == 'boolean' or complex.is(x) then
    return M.array(x, dtype)
  end
  core.raise('%s: needs an Array, got %s', who, core.kind(x))
end

--- np.array, under NumPy's other name.
M.asarray = M.array

--- Another dtype: 'f32', 'f64', 'i32', 'u32', 'bool', 'c64', 'c128'. Of complex numbers as real
-- ones the real part stays.
-- @tparam Array|number|table x
-- @tparam string dtype
-- @treturn Array
-- @raise a dtype that does not exist
-- @usage np.astype(np.array { 1.7, -1.7 }, 'i32') --> { 1, -1 }
function M.astype(x, dtype)
  array.dtype_code(dtype)
  return promote.convert(M.as_array(x, 'astype'), dtype)
end

--- Zeros of a shape.
-- @tparam table|number shape sizes; a number is one axis
-- @tparam[opt] string dtype the default one, f32 unless it was set
-- @treturn Array
-- @raise sizes that are not whole numbers, 0 or more; more than 8 axes
-- @usage np.zeros { 2, 3 }
function M.zeros(shape, dtype) return array.zeros(shape, dtype) end

--- A value, repeated.
-- @tparam table|number shape
-- @tparam number|complex|boolean|Array value of a shape that stretches to it
-- @tparam[opt] string dtype that of the value: the default one for numbers, bool for
-- booleans
-- @treturn Array
-- @usage np.full({ 2 }, 7) --> { 7, 7 }
-- np.full({ 2, 3 }, np.arange(3)).shape --> { 2, 3 }
function M.full(shape, value, dtype)
  local sizes = type(shape) == 'number' and { shape } or shape
  array.c_shape(sizes, 'full')
  local x = M.as_array(value, 'full', dtype)
  return array.apply('broadcast', { dtype and M.astype(x, dtype) or x }, sizes, 'full')
end

--- Ones of a shape, f32 or another dtype.
-- @tparam table|number shape
-- @tparam[opt] string dtype
-- @treturn Array
-- @usage np.ones(3, 'i32') --> { 1, 1, 1 }
function M.ones(shape, dtype) return M.full(shape, 1, dtype) end

--- A value in the shape and dtype of another array.
-- @tparam Array x
-- @tparam number|boolean|Array value
-- @tparam[opt] string dtype that of x
-- @treturn Array
-- @usage np.full_like(x, 7)
function M.full_like(x, value, dtype)
  x = M.as_array(x, 'full_like')
  return M.full(x.shape, value, dtype or x.dtype)
end

--- Zeros in the shape and dtype of another array.
-- @tparam Array x
-- @tparam[opt] string dtype that of x
-- @treturn Array
-- @usage np.zeros_like(np.array { 1, 2 }) --> { 0, 0 }
function M.zeros_like(x, dtype) return M.full_like(x, 0, dtype) end

--- Ones in the shape and dtype of another array.
-- @tparam Array x
-- @tparam[opt] string dtype that of x
-- @treturn Array
-- @usage np.ones_like(np.array { 3, 2 }) --> { 1, 1 }
function M.ones_like(x, dtype) return M.full_like(x, 1, dtype) end

local function finite(who, ...)
  for i = 1, select('#', ...) do
    local x = select(i, ...)
    if type(x) ~= 'number' or x ~= x or math.abs(x) == math.huge then
      core.raise('%s: argument %d must be a finite number, got %s', who, i,
        type(x) == 'number' and tostring(x) or core.kind(x))
    end
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
-- @tparam[opt] string dtype i32 if start and step are whole, else the default one
-- @treturn Array
-- @raise a step of 0, bounds that are not finite
-- @usage np.arange(3) --> { 0, 1, 2 }
-- np.arange(1, 2, 0.25) --> { 1, 1.25, 1.5, 1.75 }
function M.arange(start, stop, step, dtype)
  if stop == nil then start, stop = 0, start end
  step = step or 1
  finite('arange', start, stop, step)
  if step == 0 then core.raise 'arange: the step must not be 0' end
  local n = math.max(math.ceil((stop - start) / step), 0)
  local whole = start % 1 == 0 and step % 1 == 0
  dtype = dtype or (whole and 'i32' or array.default_dtype())
  return M.astype(count('arange', n, 'f64') * step + start, dtype)
end

local span_rows = {
  dtype = { 'string', optional = true }, endpoint = { 'boolean', default = true },
  base = { 'number', default = 10 },
}

-- n numbers at equal distances in f64 (Lua numbers) or the dtype of the arrays, which they follow
-- along a new first axis.
local function span(who, start, stop, n, o)
  core.count(who, n)
  local parts = math.max(o.endpoint and n - 1 or n, 1)
  if not array.is(start) and not array.is(stop) then
    finite(who, start, stop)
    return count(who, n, 'f64') * (stop - start) / parts + start
  end
  local a, b = M.as_array(start, who), M.as_array(stop, who)
  local dtype = promote.real(promote.dtype { start, stop })
  a, b = promote.convert(a, dtype), promote.convert(b, dtype)
  local sizes = { n }
  for k = 1, math.max(a.ndim, b.ndim) do sizes[k + 1] = 1 end
  return array.apply('reshape', { count(who, n, dtype) }, sizes) / parts * (b - a) + a
end

local function span_options(who, opts)
  if type(opts) == 'string' then opts = { dtype = opts } end
  return args.take(who, opts, span_rows)
end

local function finish(x, given, o)
  return M.astype(x, o.dtype or (array.is(given) and x.dtype or array.default_dtype()))
end

--- n numbers from start to stop, both included.
-- @tparam number|Array start
-- @tparam number|Array stop
-- @tparam[opt=50] number n
-- @tparam[opt] string|table opts dtype (the default one, or that of arrays), endpoint = false
-- leaves stop out, retstep = true gives the distance of neighbours too
-- @treturn Array (n), or (n, ...) between arrays
-- @treturn Array with retstep: the distance, NaN where there are no two
-- @usage np.linspace(0, 1, 3) --> { 0, 0.5, 1 }
-- local x, dx = np.linspace(0, 1, 5, { retstep = true }) --> { 0, 0.25, 0.5, 0.75, 1 }, 0.25
function M.linspace(start, stop, n, opts)
  if type(opts) == 'string' then opts = { dtype = opts } end
  local o = args.take('linspace', opts,
    args.rows(span_rows, { retstep = { 'boolean', default = false } }))
  local given = array.is(start) and start or stop
  n = n or 50
  local x = finish(span('linspace', start, stop, n, o), given, o)
  if not o.retstep then return x end
  local parts = o.endpoint and n - 1 or n
  local step = (M.as_array(stop, 'linspace') - start) / (parts > 0 and parts or 0 / 0)
  return x, promote.convert(step, promote.real(x.dtype))
end

--- n numbers from base^start to base^stop, their logarithms at equal distances.
-- @tparam number|Array start an exponent
-- @tparam number|Array stop another
-- @tparam[opt=50] number n
-- @tparam[opt] string|table opts dtype, endpoint, base (10)
-- @treturn Array (n)
-- @usage np.logspace(0, 2, 3) --> { 1, 10, 100 }
function M.logspace(start, stop, n, opts)
  local o = span_options('logspace', opts)
  local given = array.is(start) and start or stop
  local x = span('logspace', start, stop, n or 50, o)
  return finish(elementwise('pow', o.base, x), given, o)
end

--- n numbers from start to stop, each the same multiple of the one before.
-- @tparam number|Array start not 0
-- @tparam number|Array stop of the same sign
-- @tparam[opt=50] number n
-- @tparam[opt] string|table opts dtype, endpoint
-- @treturn Array (n)
-- @raise numbers of different signs
-- @usage np.geomspace(1, 8, 4) --> { 1, 2, 4, 8 }
function M.geomspace(start, stop, n, opts)
  local o = span_options('geomspace', opts)
  if not array.is(start) and not array.is(stop) then
    finite('geomspace', start, stop)
    if start * stop <= 0 then
      core.raise('geomspace: start and stop must have one sign and not be 0, got %g and %g', start,
        stop)
    end
    local sign = start < 0 and -1 or 1
    local x = span('geomspace', math.log(sign * start), math.log(sign * stop), n or 50, o)
    return finish(elementwise('exp', x) * sign, start, o)
  end
  local given, sign = array.is(start) and start or stop, elementwise('sign', M.as_array(start))
  local function log(x) return elementwise('log', M.as_array(x, 'geomspace') * sign) end
  return finish(elementwise('exp', span('geomspace', log(start), log(stop), n or 50, o)) * sign,
    given, o)
end

-- ---- grids ----

--- The coordinates of a grid, as many arrays as axes.
-- @param ... Arrays of one axis, then perhaps options: indexing = 'xy' (the first runs along the
--   second axis) or 'ij' (each along its own); sparse = true: of size 1 along the other axes, which
--   broadcasts to the same
-- @treturn Array as many as there are axes
-- @usage local x, y = np.meshgrid({ 1, 2, 3 }, { 4, 5 })
-- local x, y = np.meshgrid({ 1, 2, 3 }, { 4, 5 }, { sparse = true }) --> { { 1, 2, 3 } }
function M.meshgrid(...)
  local list, opts = { ... }, nil
  local last = list[#list]
  if type(last) == 'table' and #last == 0 and next(last) ~= nil then
    opts, list[#list] = last, nil
  end
  local o = args.take('meshgrid', opts,
    { indexing = { 'string', default = 'xy' }, sparse = { 'boolean', default = false } })
  if o.indexing ~= 'xy' and o.indexing ~= 'ij' then
    core.raise('meshgrid: indexing is "xy" or "ij", got "%s"', o.indexing)
  end
  local sizes, axis = {}, {}
  for i, x in ipairs(list) do
    list[i] = M.as_array(x, 'meshgrid')
    axis[i] = o.indexing == 'xy' and #list > 1 and i <= 2 and 3 - i or i
    sizes[axis[i]] = list[i].size
  end
  for i, x in ipairs(list) do
    local ones = {}
    for k = 1, #sizes do ones[k] = k == axis[i] and x.size or 1 end
    list[i] = array.apply('reshape', { x }, ones)
    if not o.sparse then list[i] = array.apply('broadcast', { list[i] }, sizes) end
  end
  return unpack(list)
end

--- The positions of all elements of a shape, from 1.
-- @tparam table shape
-- @tparam[opt='i32'] string dtype
-- @treturn Array (number of axes, shape...)
-- @usage np.indices({ 2, 2 })[1] --> { { 1, 1 }, { 2, 2 } }
function M.indices(shape, dtype)
  array.c_shape(shape, 'indices')
  if type(shape) == 'number' then shape = { shape } end
  local out = {}
  for k = 1, #shape do out[k] = M.iota(dtype, shape, k) + 1 end
  return require('imnn.numpy.join').stack(out)
end

--- One element 1 and zeros elsewhere, along a new last axis.
-- @tparam Array x positions from 1; what is none of 1 .. n gives zeros only
-- @tparam number n
-- @tparam[opt='f32'] string dtype
-- @treturn Array (..., n)
-- @usage np.one_hot(np.array({ 1, 3 }, 'i32'), 3) --> { { 1, 0, 0 }, { 0, 0, 1 } }
function M.one_hot(x, n, dtype)
  x = M.as_array(x, 'one_hot')
  core.count('one_hot', n)
  local sizes = x.shape
  sizes[#sizes + 1] = 1
  return M.astype(elementwise('eq', array.apply('reshape', { x }, sizes),
    count('one_hot', n, 'i32') + 1), dtype or array.default_dtype())
end

--- Positions 0, 1, ... along an axis.
-- @tparam string dtype
-- @tparam table|number shape
-- @tparam[opt=1] number axis
-- @treturn Array
-- @usage np.iota('i32', { 2, 3 }, 2) --> { { 0, 1, 2 }, { 0, 1, 2 } }
function M.iota(dtype, shape, axis)
  array.c_shape(shape, 'iota')
  if type(shape) == 'number' then shape = { shape } end
  local code = { array.dtype_code(dtype or 'i32'), core.index(axis or 1, #shape, 'iota: no axis') }
  for _, size in ipairs(shape) do code[#code + 1] = size end
  return array.apply('iota', {}, code)
end

return M
