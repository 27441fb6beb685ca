--- Reductions: over one axis, several, or all without `axis`; `keepdims` leaves axes of size 1.
-- Options are a table, or the axis, or a list of axes: np.sum(x, 1), np.sum(x, { 1, 3 }),
-- np.sum(x, { axis = 1, keepdims = true }). A mask `where` says which elements count.
-- @module imnn.numpy.reduce
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local promote = require 'imnn.numpy.promote'
local reduce, restore, count = axes_of.reduce, axes_of.restore, axes_of.count
local M = {}

-- Options of reductions beside axis and keepdims: which elements count, what the result begins
-- with, the dtype in which it is computed.
local where_row = { 'Array', 'table', 'boolean', optional = true }
local initial_row = { 'number', 'boolean', 'Array', optional = true, any = true }
local dtype_row = { 'string', optional = true }
local chosen_rows = args.rows(axes_of.several, { where = where_row })
local extremum_rows = args.rows(chosen_rows, { initial = initial_row })
local sum_rows = args.rows(extremum_rows, { dtype = dtype_row })
local mean_rows = args.rows(chosen_rows, { dtype = dtype_row })
local variance_rows = args.rows(mean_rows, { ddof = { 'number', default = 0 } })
local position_rows = {
  axis = { 'integer', optional = true }, keepdims = { 'boolean', default = false },
}

-- The elements that count, as bool of the shape of x.
local function mask_of(who, x, mask)
  mask = promote.convert(create.as_array(mask, who), 'bool')
  local shape = x.shape
  if table.concat(axes_of.joined(who, mask.shape, shape, 'where and the array'), ' ')
    ~= table.concat(shape, ' ') then
    core.raise('%s: where (%s) does not broadcast to (%s)', who, table.concat(mask.shape, ', '),
      table.concat(shape, ', '))
  end
  return array.apply('broadcast', { mask }, shape)
end

local function begins(who, x)
  if array.is(x) and x.ndim > 0 then
    core.raise('%s: initial is one number, got an Array (%s)', who, table.concat(x.shape, ', '))
  end
  return x
end

-- fn(x, axes, options) -> array without these axes; options.where is a mask like x.
local function reduction(name, fn, rows)
  local who = 'np.' .. name
  M[name] = function(x, opts)
    local o = axes_of.options(name, opts, rows or axes_of.several)
    x = create.as_array(x, who)
    if o.dtype then x = promote.convert(x, o.dtype) end
    local axes = axes_of.list(who, x, o.axis)
    if o.where ~= nil then o.where = mask_of(who, x, o.where) end
    o.initial, o.who = begins(who, o.initial), who
    local y = fn(x, axes, o)
    return o.keepdims and restore(y, x.shape, axes) or y
  end
end

local function square(x) -- of the size of complex numbers
  if not promote.is_complex(x.dtype) then return x * x end
  local re, im = array.apply('real', { x }), array.apply('imag', { x })
  return re * re + im * im
end

local function numbers(x) return x.dtype == 'bool' and promote.convert(x, 'i32') or x end

-- x with a neutral number where an element does not count.
local function chosen(x, o, neutral)
  return o.where and elementwise('where', o.where, x, neutral) or x
end

-- How many elements count: a number, or an array of the dtype of x.
local function counted(x, axes, o)
  if not o.where then return count(x, axes) end
  local dtype = promote.is_complex(x.dtype) and array.apply('real', { x }).dtype or x.dtype
  return reduce('sum', promote.convert(o.where, dtype), axes)
end

-- A function as if NaN were not there.
local function without_nan(fn)
  return function(x, axes, o)
    if not promote.is_float(x.dtype) then return fn(x, axes, o) end
    local known = elementwise('not', elementwise('isnan', x))
    o.where, o.nan = o.where and elementwise('and', o.where, known) or known, true
    return fn(x, axes, o)
  end
end

-- ---- sums, products, extrema ----

--- Over all elements, or along axes.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); where: bool, which elements count, broadcast to x; initial: a number that counts
-- as one more element; dtype: what x becomes before; or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options, a mask that does not broadcast
-- @usage np.NAME(x, { axis = 1 })
-- np.NAME(x, { where = np.gt(x, 2), initial = 1, dtype = 'f64' })
-- @each sum The sum of elements; of booleans, how many are true
-- @each prod The product of elements

--- Over all elements, or along axes.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); initial: a number that counts as one more element; where: bool, which elements
-- count, broadcast to x, only together with initial, as it may choose none; or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options, a mask that does not broadcast, no elements
-- @usage np.NAME(x, { axis = 1 })
-- np.NAME(x, { where = np.gt(x, 2), initial = 3 })
-- @each max The largest element; NaN where there is one; complex numbers in the order of np.sort
-- @each min The smallest element; NaN where there is one; complex numbers in the order of np.sort

--- The distance of the largest from the smallest element.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.ptp(x, { axis = 1 }) --> { 3, 3, 3 }
-- @function ptp

local function total(operator, join, neutral)
  return function(x, axes, o)
    local y = reduce(operator, chosen(numbers(x), o, neutral), axes)
    if o.initial == nil then return y end
    local initial = o.initial
    if type(initial) == 'boolean' then initial = initial and 1 or 0 end
    return elementwise(join, y, initial)
  end
end
local sum, prod = total('sum', 'add', 0), total('prod', 'mul', 1)
reduction('sum', sum, sum_rows)
reduction('prod', prod, sum_rows)

local function extremum(operator, join, none)
  return function(x, axes, o)
    local initial = o.initial
    if initial ~= nil then
      x = chosen(x, o, initial)
      if count(x, axes) > 0 then return elementwise(join, reduce(operator, x, axes), initial) end
      local empty = reduce('sum', numbers(x), axes)
      return array.apply('broadcast', { promote.convert(initial, x.dtype) }, empty.shape)
    elseif o.nan then
      local y = reduce(operator, chosen(x, o, none), axes)
      return elementwise('where', elementwise('gt', counted(x, axes, o), 0), y, 0 / 0)
    elseif o.where then
      core.raise('%s: where may choose no element; give initial too', o.who)
    end
    return reduce(operator, x, axes)
  end
end
local max, min = extremum('max', 'maximum', -math.huge), extremum('min', 'minimum', math.huge)
reduction('max', max, extremum_rows)
reduction('min', min, extremum_rows)
reduction('ptp', function(x, axes, o) return max(x, axes, o) - min(x, axes, o) end)

-- Of no elements none holds, and all do.
local function truth(name, of_none)
  return function(x, axes, o)
    x = chosen(promote.convert(x, 'bool'), o, of_none)
    if count(x, axes) > 0 then return reduce(name, x, axes) end
    return elementwise('ge', reduce('sum', promote.convert(x, 'i32'), axes), of_none and 0 or 1)
  end
end

--- Over all elements, or along axes; what is not 0 counts as true.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); where: bool, which elements count, broadcast to x; or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options, a mask that does not broadcast
-- @usage np.NAME(np.gt(x, 2), 1)
-- @each any Whether it holds for one element; of no elements, false
-- @each all Whether it holds for all elements; of no elements, true

--- How many elements are not 0.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array i32, without these axes
-- @raise what is no axis, unknown options
-- @usage np.count_nonzero(np.gt(x, 2), 1) --> { 1, 1, 2 }
-- @function count_nonzero

reduction('any', truth('max', false), chosen_rows)
reduction('all', truth('min', true), chosen_rows)
reduction('count_nonzero', function(x, axes)
  return reduce('sum', promote.convert(promote.convert(x, 'bool'), 'i32'), axes)
end)

-- ---- moments ----

--- The mean of elements; NaN where there is none.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); where: bool, which elements count, broadcast to x; dtype: what x becomes before;
-- or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options, a mask that does not broadcast
-- @usage np.mean(x, { axis = 1 }) --> { 2.5, 3.5, 4.5 }
-- np.mean(x, { where = np.gt(x, 4) }) --> 5.5
-- @function mean

--- Mean squares of distances from the mean.
-- @tparam Array|table x of complex numbers, squares of sizes
-- @tparam[opt] number|table opts axis, keepdims; ddof (0): what is taken off the number of elements
-- that the sum is divided by; where: bool, which elements count, broadcast to x; dtype: what x
-- becomes before; or the axis alone
-- @treturn Array without these axes
-- @usage np.NAME({ 1, 2, 3, 4 }, { ddof = 1 })
-- np.NAME({ 1, 2, 3, 4 }, { where = { true, true, true, false } })
-- @each var The variance of elements
-- @each std The standard deviation of elements, the root of the variance

local function mean(x, axes, o)
  local y = floats(x)
  y = reduce('sum', chosen(y, o, 0), axes) / counted(y, axes, o)
  return o.dtype and promote.convert(y, o.dtype) or y
end
reduction('mean', mean, mean_rows)

local function variance(x, axes, o)
  x = floats(x)
  local n = counted(x, axes, o)
  local d = x - restore(reduce('sum', chosen(x, o, 0), axes) / n, x.shape, axes)
  return reduce('sum', square(chosen(d, o, 0)), axes) / (n - o.ddof)
end
local function deviation(x, axes, o) return elementwise('sqrt', variance(x, axes, o)) end
reduction('var', variance, variance_rows)
reduction('std', deviation, variance_rows)

local function logsumexp(x, axes, o)
  x = floats(x)
  local size = promote.is_complex(x.dtype) and array.apply('real', { x }) or x
  local top = array.apply('stop_gradient', { reduce('max', chosen(size, o, -math.huge), axes) })
  top = elementwise('where', elementwise('isfinite', top), top, 0)
  local terms = elementwise('exp', chosen(x - restore(top, x.shape, axes), o, -math.huge))
  if o.b then terms = terms * o.b end
  return elementwise('log', reduce('sum', terms, axes)) + top
end

--- ln of the sum of b e^x, without overflow.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims; b (1): weights that broadcast; where: bool, which
-- elements count, broadcast to x
-- @treturn Array without these axes
-- @usage np.logsumexp { 1000, 1000 } --> 1000.693
-- @function logsumexp
reduction('logsumexp', logsumexp,
  args.rows(chosen_rows, { b = { 'number', 'table', 'Array', optional = true } }))

--- The root of the sum of squares.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.norm { 3, 4 } --> 5
-- @function norm

reduction('norm', function(x, axes)
  return elementwise('sqrt', reduce('sum', square(floats(x)), axes))
end)

-- ---- without NaN ----

--- As if NaN were not there.
-- @tparam Array|table x
-- @tparam[opt] number|table opts as of the function whose name has no `nan`: axis, keepdims, where,
-- initial, dtype; or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.NAME { 1, 0 / 0, 3 }
-- @each nansum The sum of elements that are not NaN
-- @each nanprod The product of elements that are not NaN

--- As if NaN were not there.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); where: bool, which elements count, broadcast to x; or the axis alone; of the
-- extrema also initial, of the mean dtype
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.NAME { 1, 0 / 0, 3 }
-- @each nanmax The largest element that is not NaN; NaN where there is none
-- @each nanmin The smallest element that is not NaN; NaN where there is none
-- @each nanmean The mean of elements that are not NaN; NaN where there is none

--- As if NaN were not there.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims, ddof (0), where, dtype; or the axis alone
-- @treturn Array without these axes
-- @usage np.NAME { 1, 0 / 0, 3 }
-- @each nanvar The variance of elements that are not NaN
-- @each nanstd The standard deviation of elements that are not NaN

reduction('nansum', without_nan(sum), sum_rows)
reduction('nanprod', without_nan(prod), sum_rows)
reduction('nanmax', without_nan(max), extremum_rows)
reduction('nanmin', without_nan(min), extremum_rows)
reduction('nanmean', without_nan(mean), mean_rows)
reduction('nanvar', without_nan(variance), variance_rows)
reduction('nanstd', without_nan(deviation), variance_rows)

-- ---- positions ----

--- From 1; the first of equal ones; without an axis in the flattened array.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims; or the axis alone
-- @treturn Array i32 without this axis
-- @usage np.NAME(x, { axis = 2 })
-- @each argmax The position of the largest element
-- @each argmin The position of the smallest element

--- From 1, as if NaN were not there; 0 where all are NaN.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims; or the axis alone
-- @treturn Array i32 without this axis
-- @usage np.NAME { 0 / 0, 3, 1 }
-- @each nanargmax The position of the largest element that is not NaN
-- @each nanargmin The position of the smallest element that is not NaN

local function position(name, operator, instead)
  M[name] = function(x, opts)
    local o = axes_of.options(name, opts, position_rows)
    x = create.as_array(x, 'np.' .. name)
    if o.axis == nil then x = x:ravel() end
    local axis, n = core.index(o.axis or 1, x.ndim, 'np.' .. name .. ': no axis'), nil
    local found = x
    if instead and promote.is_float(x.dtype) then
      local nan = elementwise('isnan', x)
      found = elementwise('where', nan, instead, x)
      n = reduce('sum', promote.convert(elementwise('not', nan), 'i32'), { axis })
    end
    local y = array.apply(operator, { found }, { axis }) + 1
    if n then y = elementwise('where', elementwise('gt', n, 0), y, 0) end
    return o.keepdims and restore(y, x.shape, { axis }) or y
  end
end
position('argmax', 'argmax')
position('argmin', 'argmin')
position('nanargmax', 'argmax', -math.huge)
position('nanargmin', 'argmin', math.huge)

-- ---- running along an axis ----

local running_rows = args.rows(axes_of.one, { reverse = { 'boolean', default = false } })
local running_sum_rows = args.rows(running_rows, { dtype = dtype_row })

--- Of the flattened array without an axis.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis; reverse: from the end (false); dtype: what x becomes before;
-- or the axis alone
-- @treturn Array like x, or (size) without an axis
-- @usage np.NAME({ 1, 3, 2 }, { axis = 1 })
-- @each cumsum Sums of all elements up to each one along an axis
-- @each cumprod Products of all elements up to each one along an axis

--- Of the flattened array without an axis.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis; reverse: from the end (false); or the axis alone
-- @treturn Array like x, or (size) without an axis
-- @usage np.NAME({ 1, 3, 2 }, { axis = 1 })
-- @each cummax The largest of all elements up to each one along an axis
-- @each cummin The smallest of all elements up to each one along an axis

for _, name in ipairs { 'cumsum', 'cumprod', 'cummax', 'cummin' } do
  M[name] = function(x, opts)
    local sums = name == 'cumsum' or name == 'cumprod'
    local o = axes_of.options(name, opts, sums and running_sum_rows or running_rows)
    x = create.as_array(x, 'np.' .. name)
    if o.dtype then x = promote.convert(x, o.dtype) end
    if sums then x = numbers(x) end
    local axis
    x, axis = axes_of.along('np.' .. name, x, o.axis or false)
    return array.apply(name, { x }, { axis, o.reverse and 1 or 0 })
  end
end

--- Differences of neighbours along an axis (the last one), n times.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, n = 1
-- @treturn Array, n elements shorter along the axis
-- @usage np.diff { 1, 4, 9 } --> { 3, 5 }
function M.diff(x, opts)
  local o = axes_of.options('diff', opts,
    args.rows(axes_of.one, { n = { 'integer', default = 1 } }))
  local axis
  x, axis = axes_of.along('np.diff', create.as_array(x, 'np.diff'), o.axis)
  for _ = 1, o.n do
    local size, left, right = x.shape[axis + 1], {}, {}
    for k = 1, x.ndim do left[k], right[k] = {}, {} end
    if size < 2 then
      left[axis + 1] = { 2, 1 }
      x = x[left]
    else
      left[axis + 1], right[axis + 1] = { 1, size - 1 }, { 2, size }
      x = x.dtype == 'bool' and elementwise('ne', x[right], x[left]) or x[right] - x[left]
    end
  end
  return x
end

return M
