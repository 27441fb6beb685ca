--- Functions of imnn.numpy under the names of jax.lax. What is the same there is the same function
-- here: `lax.exp` is `np.exp`, `lax.rem` is `np.fmod`, `lax.sort_key_val` sorts. Axes and positions
-- count from 1, ranges include both ends.
-- @module imnn.lax.names
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local dynamic = require 'imnn.lax.dynamic'
local np = require 'imnn.numpy'
local M = {}

-- ---- other names ----

for _, name in ipairs {
  'abs', 'acos', 'acosh', 'add', 'argmax', 'argmin', 'asin', 'asinh', 'atan', 'atan2', 'atanh',
  'betainc', 'bitwise_and', 'bitwise_not', 'bitwise_or', 'bitwise_xor', 'cbrt', 'ceil', 'complex',
  'concatenate', 'conj', 'cos', 'cosh', 'digamma', 'div', 'dot', 'eq', 'erf', 'erf_inv', 'erfc',
  'exp', 'exp2', 'expand_dims', 'expm1', 'floor', 'full', 'full_like', 'ge', 'gt', 'imag', 'iota',
  'le', 'lgamma', 'log', 'log1p', 'lt', 'mul', 'ne', 'neg', 'polygamma', 'pow', 'real',
  'reciprocal', 'reshape', 'rsqrt', 'shift_left', 'sign', 'sin', 'sinh', 'sqrt', 'square',
  'squeeze', 'sub', 'tan', 'tanh', 'top_k', 'transpose', 'zeta',
} do
  M[name] = np[name]
end
for name, other in pairs {
  batch_matmul = 'matmul', bessel_i0e = 'i0e', bessel_i1e = 'i1e', broadcasted_iota = 'iota',
  convert_element_type = 'astype', igamma = 'gammainc', igammac = 'gammaincc',
  is_finite = 'isfinite', logistic = 'sigmoid', max = 'maximum', min = 'minimum', rem = 'fmod',
  rev = 'flip', reduce_and = 'all', reduce_max = 'max', reduce_min = 'min', reduce_or = 'any',
  reduce_prod = 'prod', reduce_sum = 'sum', shift_right_arithmetic = 'shift_right',
  shift_right_logical = 'shift_right',
} do
  M[name] = np[other]
end

-- A list of whole numbers that a user gives, as it is.
local function whole_numbers(who, what, list)
  if type(list) ~= 'table' then
    core.raise('%s: %s is a list of whole numbers, got %s', who, what, core.kind(list))
  end
  for i = 1, #list do
    if type(list[i]) ~= 'number' or list[i] % 1 ~= 0 then
      core.raise('%s: %s[%d] is a whole number, got %s', who, what, i,
        type(list[i]) == 'number' and tostring(list[i]) or core.kind(list[i]))
    end
  end
  return list
end

--- x to a whole power.
-- @tparam Array x
-- @tparam number n
-- @usage lax.integer_pow(3, 2) --> 9
function M.integer_pow(x, n)
  if type(n) ~= 'number' or n % 1 ~= 0 then
    core.raise('integer_pow: the power is a whole number, got %s', tostring(n))
  end
  return create.as_array(x, 'integer_pow') ^ n
end

--- The nearest whole number; halves away from 0, or with 'to_nearest_even' as np.round does.
-- @tparam Array x
-- @tparam[opt='away_from_zero'] string method
-- @usage lax.round(np.array { 0.5, 1.5, -2.5 }) --> { 1, 2, -3 }
function M.round(x, method)
  if method == 'to_nearest_even' then return np.round(x) end
  if method ~= nil and method ~= 'away_from_zero' then
    core.raise('lax.round: method is "away_from_zero" or "to_nearest_even", got %s',
      tostring(method))
  end
  x = create.as_array(x, 'lax.round')
  local whole = np.trunc(x)
  return np.where(np.ge(np.abs(x - whole), 0.5), whole + np.sign(x), whole)
end

--- x limited to lo .. hi; the argument that is limited stands between its bounds.
-- @usage lax.clamp(0, np.array { -1, 0.5, 3 }, 1) --> { 0, 0.5, 1 }
function M.clamp(lo, x, hi) return np.clip(x, lo, hi) end

--- Elements of one array where a condition holds, of another one elsewhere.
-- @tparam Array pred bool, of their shape or one for all
-- @tparam Array on_true
-- @tparam Array on_false of the same shape
-- @usage lax.select(true, np.ones { 2 }, np.zeros { 2 }) --> { 1, 1 }
function M.select(pred, on_true, on_false)
  on_true, on_false = create.as_array(on_true, 'select'), create.as_array(on_false, 'select')
  local a, b = table.concat(on_true.shape, ', '), table.concat(on_false.shape, ', ')
  if a ~= b then core.raise('select: both cases have one shape, got (%s) and (%s)', a, b) end
  return np.where(pred, on_true, on_false)
end

--- Elements of the case that `which` names: its position from 1, or for two cases false and true.
-- @tparam Array which bool or whole numbers
-- @param ... Arrays of one shape
-- @usage lax.select_n({ 1, 2 }, { 5, 6 }, { 7, 8 }) --> { 5, 8 }
function M.select_n(which, ...)
  local cases, n = { ... }, select('#', ...)
  if n == 0 then core.raise 'select_n: needs at least one case' end
  which = create.as_array(which, 'select_n')
  if which.dtype == 'bool' then
    if n > 2 then core.raise('select_n: a bool tells 2 cases apart, got %d', n) end
    which = which:astype 'i32' + 1
  end
  local y = create.as_array(cases[n], 'select_n')
  for k = n - 1, 1, -1 do y = M.select(np.le(which, k), cases[k], y) end
  return y
end

-- ---- shapes ----

local function text(shape) return '(' .. table.concat(shape, ', ') .. ')' end

--- x repeated along new axes in front.
-- @tparam Array x
-- @tparam table sizes of these axes
-- @usage lax.broadcast({ 1, 2 }, { 3 }).shape --> { 3, 2 }
function M.broadcast(x, sizes)
  x = create.as_array(x, 'lax.broadcast')
  local shape = { unpack(whole_numbers('lax.broadcast', 'sizes', sizes)) }
  for _, n in ipairs(x.shape) do shape[#shape + 1] = n end
  return np.broadcast_to(x, shape)
end

--- x in a shape whose axes `dimensions` are the axes of x.
-- @tparam Array x
-- @tparam table shape
-- @tparam table dimensions for each axis of x, ascending
-- @usage lax.broadcast_in_dim({ 1, 2 }, { 2, 3 }, { 1 }) --> { { 1, 1, 1 }, { 2, 2, 2 } }
function M.broadcast_in_dim(x, shape, dimensions)
  x = create.as_array(x, 'broadcast_in_dim')
  whole_numbers('lax.broadcast_in_dim', 'shape', shape)
  whole_numbers('lax.broadcast_in_dim', 'dimensions', dimensions)
  local sizes, before = {}, 0
  for k = 1, #shape do sizes[k] = 1 end
  if #dimensions ~= x.ndim then
    core.raise('broadcast_in_dim: %d dimensions for %d axes', #dimensions, x.ndim)
  end
  for i, k in ipairs(dimensions) do
    if type(k) ~= 'number' or not sizes[k] or k <= before then
      core.raise('broadcast_in_dim: dimensions are ascending axes of %s, got %s', text(shape),
        tostring(k))
    end
    sizes[k], before = x.shape[i], k
  end
  return np.broadcast_to(np.reshape(x, sizes), shape)
end

--- The shape that arrays of these shapes have together.
-- @usage lax.broadcast_shapes({ 2, 1 }, { 3 }) --> { 2, 3 }
function M.broadcast_shapes(...)
  local out = {}
  for i = 1, select('#', ...) do
    local shape = whole_numbers('lax.broadcast_shapes', 'shape ' .. i, (select(i, ...)))
    out = axes_of.joined('broadcast_shapes', out, shape)
  end
  return out
end

--- Axes `start` to `stop` as one.
-- @tparam Array x
-- @tparam number start
-- @tparam[opt=-1] number stop
-- @usage lax.collapse(np.zeros { 2, 3, 4 }, 1, 2).shape --> { 6, 4 }
function M.collapse(x, start, stop)
  x = create.as_array(x, 'collapse')
  local first = core.index(start, x.ndim, 'collapse: no axis') + 1
  local last = core.index(stop or -1, x.ndim, 'collapse: no axis') + 1
  if last < first then core.raise('collapse: axis %d is before axis %d', last, first) end
  local sizes, n = {}, 1
  for k, size in ipairs(x.shape) do
    if k >= first and k <= last then n = n * size end
    if k == last then sizes[#sizes + 1] = n
    elseif k < first or k > last then sizes[#sizes + 1] = size end
  end
  return np.reshape(x, sizes)
end

--- Values around x and between its elements.
-- @tparam Array x
-- @tparam number|Array value
-- @tparam table widths { before, behind, between } for every axis; negative ones before and behind
-- take elements away
-- @usage lax.pad({ 1, 2 }, 0, { { 1, 0, 1 } }) --> { 0, 1, 0, 2 }
function M.pad(x, value, widths)
  x = create.as_array(x, 'lax.pad')
  if type(widths) ~= 'table' or #widths ~= x.ndim then
    core.raise('lax.pad: needs { before, behind, between } for each of %d axes', x.ndim)
  end
  local attr, key, cut = {}, {}, false
  for k, w in ipairs(widths) do
    local three = type(w) == 'table' and { w[1], w[2], w[3] or 0 } or {}
    for i = 1, 3 do
      local n = three[i]
      if type(n) ~= 'number' or n % 1 ~= 0 or i == 3 and n < 0 then
        core.raise('lax.pad: widths are whole numbers, got %s for axis %d', tostring(n), k)
      end
      attr[#attr + 1] = math.max(n, 0)
    end
    local size = x.shape[k]
    local whole = size + math.max(size - 1, 0) * three[3]
    local first, last = 1 + math.max(-three[1], 0), whole + math.max(three[1], 0)
      + math.max(three[2], 0) + math.min(three[2], 0)
    if first > 1 or three[2] < 0 then cut = true end
    key[k] = last >= first and { first, last } or { 2, 1 }
  end
  local y = array.apply('pad', { x }, attr)
  if value ~= 0 then
    local inside = array.apply('pad', { create.ones(x.shape, 'bool') }, attr)
    y = np.where(inside, y, create.as_array(value, 'lax.pad', x.dtype):astype(x.dtype))
  end
  return cut and y[key] or y
end

-- ---- parts ----

local function along(who, x, axis, range)
  local key = {}
  for k = 1, x.ndim do key[k] = {} end
  key[core.index(axis or 1, x.ndim, who .. ': no axis') + 1] = range
  return x[key]
end

--- Elements from `starts` to `stops`, both included, along every axis.
-- @tparam Array x
-- @tparam table starts
-- @tparam table stops
-- @tparam[opt] table strides 1, ...
-- @usage lax.slice(np.arange(6), { 2 }, { 5 }, { 2 }) --> { 1, 3 }
function M.slice(x, starts, stops, strides)
  x = create.as_array(x, 'lax.slice')
  whole_numbers('lax.slice', 'starts', starts)
  whole_numbers('lax.slice', 'stops', stops)
  if strides then whole_numbers('lax.slice', 'strides', strides) end
  local key = {}
  for k = 1, x.ndim do key[k] = { starts[k], stops[k], strides and strides[k] } end
  if #starts ~= x.ndim or #stops ~= x.ndim then
    core.raise('lax.slice: needs %d starts and stops, got %d and %d', x.ndim, #starts, #stops)
  end
  return x.ndim > 0 and x[key] or x
end

--- Elements `start` to `stop`, both included, along one axis.
-- @tparam Array x
-- @tparam number start
-- @tparam number stop
-- @tparam[opt=1] number stride
-- @tparam[opt=1] number axis
-- @usage lax.slice_in_dim(np.arange(6), 2, 3) --> { 1, 2 }
function M.slice_in_dim(x, start, stop, stride, axis)
  x = create.as_array(x, 'slice_in_dim')
  return along('slice_in_dim', x, axis, { start, stop, stride })
end

--- Element i along one axis.
-- @tparam Array x
-- @tparam number i
-- @tparam[opt=1] number axis
-- @tparam[opt=true] boolean keepdims whether the axis stays, with size 1
-- @usage lax.index_in_dim(np.arange(6), 2) --> { 1 }
function M.index_in_dim(x, i, axis, keepdims)
  x = create.as_array(x, 'index_in_dim')
  local y = along('index_in_dim', x, axis, { i, i })
  return keepdims == false and np.squeeze(y, axis or 1) or y
end

-- Starts of which all but one are the first element.
local function starts_of(who, x, start, axis)
  local starts = {}
  for k = 1, x.ndim do starts[k] = 1 end
  local at = core.index(axis or 1, x.ndim, who .. ': no axis') + 1
  starts[at] = start
  return starts, at
end

--- `size` elements from a start that may be traced, along one axis.
-- @tparam Array x
-- @tparam number|Array start from 1
-- @tparam number size
-- @tparam[opt=1] number axis
-- @usage lax.dynamic_slice_in_dim(np.arange(6), 2, 3) --> { 1, 2, 3 }
function M.dynamic_slice_in_dim(x, start, size, axis)
  x = create.as_array(x, 'dynamic_slice_in_dim')
  local starts, at = starts_of('dynamic_slice_in_dim', x, start, axis)
  local sizes = x.shape
  core.count('dynamic_slice_in_dim', size)
  sizes[at] = size
  return dynamic.dynamic_slice(x, starts, sizes)
end

--- The element at a place that may be traced, along one axis.
-- @tparam Array x
-- @tparam number|Array i from 1
-- @tparam[opt=1] number axis
-- @tparam[opt=true] boolean keepdims whether the axis stays, with size 1
-- @usage lax.dynamic_index_in_dim(np.arange(6), 2) --> { 1 }
function M.dynamic_index_in_dim(x, i, axis, keepdims)
  local y = M.dynamic_slice_in_dim(x, i, 1, axis)
  return keepdims == false and np.squeeze(y, axis or 1) or y
end

--- x with y in place of what is there from a start along one axis.
-- @tparam Array x
-- @tparam Array y
-- @tparam number|Array start from 1
-- @tparam[opt=1] number axis
-- @usage lax.dynamic_update_slice_in_dim(np.zeros { 4 }, { 1, 2 }, 2) --> { 0, 1, 2, 0 }
function M.dynamic_update_slice_in_dim(x, y, start, axis)
  x = create.as_array(x, 'dynamic_update_slice_in_dim')
  local starts = starts_of('dynamic_update_slice_in_dim', x, start, axis)
  return dynamic.dynamic_update_slice(x, y, starts)
end

--- x with another element at a place that may be traced, along one axis.
-- @tparam Array x
-- @tparam Array y with this axis, of size 1, or without it
-- @tparam number|Array i from 1
-- @tparam[opt=1] number axis
-- @usage lax.dynamic_update_index_in_dim(np.zeros { 3 }, 5, 2) --> { 0, 5, 0 }
function M.dynamic_update_index_in_dim(x, y, i, axis)
  x = create.as_array(x, 'dynamic_update_index_in_dim')
  y = create.as_array(y, 'dynamic_update_index_in_dim', x.dtype)
  if y.ndim ~= x.ndim then y = np.expand_dims(y, axis or 1) end
  return M.dynamic_update_slice_in_dim(x, y, i, axis)
end

-- ---- products ----

--- Sum of products over pairs of axes, where other pairs are batches: the axes of the result are
-- those of the batches, then those that are left of a and of b.
-- @tparam Array a
-- @tparam Array b
-- @tparam table numbers { { axes of a, axes of b } that are summed over, { batches of a, of b } }
-- @usage lax.dot_general(np.ones { 2, 3 }, np.ones { 3 }, { { { 2 }, { 1 } } }) --> { 3, 3 }
function M.dot_general(a, b, numbers)
  a, b = create.as_array(a, 'dot_general'), create.as_array(b, 'dot_general')
  local ways = {}
  for i, way in ipairs { 'summed', 'batches' } do
    local given = type(numbers) == 'table' and numbers[i] or i == 2 and { {}, {} }
    if type(numbers) ~= 'table' or type(given) ~= 'table' then
      core.raise('dot_general: numbers are { { axes of a, axes of b }, { batches of a, of b } }, '
        .. 'got %s', core.kind(numbers))
    end
    for side = 1, 2 do whole_numbers('dot_general', 'numbers: ' .. way, given[side]) end
    ways[i] = given
  end
  local summed, batches = ways[1], ways[2]
  local labels, next_label = { {}, {} }, 0
  local out, ndim = {}, { a.ndim, b.ndim }
  for _, pairs_of in ipairs { batches, summed } do
    if #pairs_of[1] ~= #pairs_of[2] then
      core.raise('dot_general: %d axes of a, %d of b', #pairs_of[1], #pairs_of[2])
    end
    for i = 1, #pairs_of[1] do
      next_label = next_label + 1
      local label = string.char(96 + next_label)
      for side = 1, 2 do
        local k = core.index(pairs_of[side][i], ndim[side], 'dot_general: no axis') + 1
        if labels[side][k] then core.raise('dot_general: axis %d is given twice', k) end
        labels[side][k] = label
      end
      if pairs_of == batches then out[#out + 1] = label end
    end
  end
  for side = 1, 2 do
    for k = 1, ndim[side] do
      if not labels[side][k] then
        next_label = next_label + 1
        labels[side][k] = string.char(96 + next_label)
        out[#out + 1] = labels[side][k]
      end
    end
  end
  return np.einsum(('%s,%s->%s'):format(table.concat(labels[1]), table.concat(labels[2]),
    table.concat(out)), a, b)
end

local transforms = { FFT = 'fftn', IFFT = 'ifftn', RFFT = 'rfftn', IRFFT = 'irfftn' }

--- Fourier transforms of the last axes.
-- @tparam Array x
-- @tparam string fft_type 'FFT', 'IFFT', 'RFFT', 'IRFFT'
-- @tparam table fft_lengths sizes of these axes, on the real side
-- @usage lax.fft({ 1, 2, 3, 4 }, 'RFFT', { 4 }) --> { 10+0i, -2+2i, -2+0i }
function M.fft(x, fft_type, fft_lengths)
  local name = transforms[fft_type]
  if not name then
    core.raise('lax.fft: fft_type is "FFT", "IFFT", "RFFT" or "IRFFT", got %s', tostring(fft_type))
  end
  local axes = {}
  whole_numbers('lax.fft', 'fft_lengths', fft_lengths)
  for k = 1, #fft_lengths do axes[k] = k - #fft_lengths - 1 end
  return np.fft[name](x, { s = fft_lengths, axes = axes })
end

-- ---- sorting, running along an axis ----

local sort_rows = {
  dimension = { 'integer', default = -1 }, num_keys = { 'integer', default = 1 },
  is_stable = { 'boolean', default = true },
}

--- In ascending order along an axis; several arrays by the order of the first ones.
-- @tparam Array|table x an Array, or a list of Arrays of one shape
-- @tparam[opt] number|table opts dimension (-1); num_keys (1): how many of the arrays count, the
-- first one most. Equal elements stay in order, whatever `is_stable` says
-- @treturn Array for each
-- @usage local k, v = lax.sort { np.array { 2, 1 }, np.array { 5, 6 } } --> { 1, 2 }, { 6, 5 }
function M.sort(x, opts)
  local o = args.take('lax.sort', type(opts) == 'number' and { dimension = opts } or opts,
    sort_rows)
  if array.is(x) or type(x) ~= 'table' or not array.is(x[1]) then
    return np.sort(x, o.dimension)
  end
  local keys, out = {}, {}
  if o.num_keys < 1 or o.num_keys > #x then
    core.raise('lax.sort: %d keys of %d arrays', o.num_keys, #x)
  end
  for k = o.num_keys, 1, -1 do keys[#keys + 1] = x[k] end
  local order = np.lexsort(keys, o.dimension)
  for i, y in ipairs(x) do out[i] = np.take_along_axis(y, order, o.dimension) end
  return unpack(out)
end

--- Keys in ascending order, and values in the order of their keys.
-- @tparam Array keys
-- @tparam Array values
-- @tparam[opt=-1] number dimension
-- @treturn Array keys
-- @treturn Array values
-- @usage local k, v = lax.sort_key_val({ 2, 1 }, { 5, 6 }) --> { 1, 2 }, { 6, 5 }
function M.sort_key_val(keys, values, dimension)
  return M.sort({ create.as_array(keys, 'sort_key_val'),
    create.as_array(values, 'sort_key_val') }, dimension)
end

--- Along an axis, up to each element; `reverse` runs from the end.
-- @tparam Array x
-- @tparam[opt=1] number axis
-- @tparam[opt] table opts reverse
-- @treturn Array like x
-- @usage lax.NAME(np.ones { 3 }, 1, { reverse = true })
-- @each cumsum Sums
-- @each cumprod Products
-- @each cummax The largest elements
-- @each cummin The smallest elements

local running_rows = { axis = { 'integer', default = 1 }, reverse = { 'boolean', default = false } }

for _, name in ipairs { 'cumsum', 'cumprod', 'cummax', 'cummin' } do
  M[name] = function(x, axis, opts)
    local o = args.take('lax.' .. name, type(axis) == 'table' and axis or opts, running_rows)
    return np[name](x, { axis = type(axis) == 'number' and axis or o.axis, reverse = o.reverse })
  end
end

return M
