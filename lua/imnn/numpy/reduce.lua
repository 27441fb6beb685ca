--- Reductions: over one axis, several, or all without `axis`; `keepdims` leaves axes of size 1.
-- Options are a table, or the axis, or a list of axes: np.sum(x, 1), np.sum(x, { 1, 3 }),
-- np.sum(x, { axis = 1, keepdims = true }).
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

local variance_rows = args.rows(axes_of.several, { ddof = { 'number', default = 0 } })
local position_rows = {
  axis = { 'integer', optional = true }, keepdims = { 'boolean', default = false },
}

-- fn(x, axes, options) -> array without these axes
local function reduction(name, fn, rows)
  M[name] = function(x, opts)
    local o = axes_of.options(name, opts, rows or axes_of.several)
    x = create.as_array(x, 'np.' .. name)
    local axes = axes_of.list('np.' .. name, x, o.axis)
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

-- ---- sums, products, extrema ----

--- Over all elements, or along axes.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.NAME(x, { axis = 1 })
-- @each sum The sum of elements; of booleans, how many are true
-- @each prod The product of elements
-- @each max The largest element; NaN where there is one; complex numbers in the order of np.sort
-- @each min The smallest element; NaN where there is one; complex numbers in the order of np.sort
-- @each ptp The distance of the largest from the smallest element

reduction('sum', function(x, axes) return reduce('sum', numbers(x), axes) end)
reduction('prod', function(x, axes) return reduce('prod', numbers(x), axes) end)
reduction('max', function(x, axes) return reduce('max', x, axes) end)
reduction('min', function(x, axes) return reduce('min', x, axes) end)
reduction('ptp', function(x, axes) return reduce('max', x, axes) - reduce('min', x, axes) end)

-- Of no elements none holds, and all do.
local function truth(name, of_none)
  return function(x, axes)
    if count(x, axes) > 0 then return reduce(name, promote.convert(x, 'bool'), axes) end
    return elementwise('gt', reduce('sum', promote.convert(x, 'i32'), axes), of_none)
  end
end
--- Over all elements, or along axes; what is not 0 counts as true.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.NAME(np.gt(x, 2), 1)
-- @each any Whether it holds for one element; of no elements, false
-- @each all Whether it holds for all elements; of no elements, true
-- @each count_nonzero How many elements are not 0

reduction('any', truth('max', 0))
reduction('all', truth('min', -1))
reduction('count_nonzero', function(x, axes)
  return reduce('sum', promote.convert(promote.convert(x, 'bool'), 'i32'), axes)
end)

-- ---- moments ----

--- The mean of elements.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.mean(x, { axis = 1 }) --> { 2.5, 3.5, 4.5 }
-- @function mean

--- Mean squares of distances from the mean.
-- @tparam Array|table x of complex numbers, squares of sizes
-- @tparam[opt] number|table opts axis, keepdims; ddof (0): what is taken off the number of elements
-- that the sum is divided by; or the axis alone
-- @treturn Array without these axes
-- @usage np.NAME({ 1, 2, 3, 4 }, { ddof = 1 })
-- @each var The variance of elements
-- @each std The standard deviation of elements, the root of the variance

reduction('mean', function(x, axes) return reduce('sum', floats(x), axes) / count(x, axes) end)

local function variance(x, axes, o)
  x = floats(x)
  local n = count(x, axes)
  local d = x - restore(reduce('sum', x, axes) / n, x.shape, axes)
  return reduce('sum', square(d), axes) / (n - o.ddof)
end
reduction('var', variance, variance_rows)
reduction('std', function(x, axes, o) return elementwise('sqrt', variance(x, axes, o)) end,
  variance_rows)

local function logsumexp(x, axes, o)
  x = floats(x)
  local size = promote.is_complex(x.dtype) and array.apply('real', { x }) or x
  local top = array.apply('stop_gradient', { reduce('max', size, axes) })
  top = elementwise('where', elementwise('isfinite', top), top, 0)
  local terms = elementwise('exp', x - restore(top, x.shape, axes))
  if o.b then terms = terms * o.b end
  return elementwise('log', reduce('sum', terms, axes)) + top
end

--- ln of the sum of b e^x, without overflow.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims; b (1): weights that broadcast
-- @treturn Array without these axes
-- @usage np.logsumexp { 1000, 1000 } --> 1000.693
-- @function logsumexp
reduction('logsumexp', logsumexp,
  args.rows(axes_of.several, { b = { 'number', 'table', 'Array', optional = true } }))

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

-- x with a number instead of NaN, and how many elements are none.
local function known(x, axes, instead)
  x = floats(x)
  local nan = elementwise('isnan', x)
  local n = reduce('sum', promote.convert(elementwise('not', nan), x.dtype), axes)
  return elementwise('where', nan, instead, x), n, nan
end

--- As if NaN were not there.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); keepdims: leave axes of
-- size 1 (false); or the axis alone
-- @treturn Array without these axes
-- @raise what is no axis, unknown options
-- @usage np.NAME { 1, 0 / 0, 3 }
-- @each nansum The sum of elements that are not NaN
-- @each nanprod The product of elements that are not NaN
-- @each nanmax The largest element that is not NaN; NaN where there is none
-- @each nanmin The smallest element that is not NaN; NaN where there is none
-- @each nanmean The mean of elements that are not NaN; NaN where there is none

--- As if NaN were not there.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis, keepdims, ddof (0); or the axis alone
-- @treturn Array without these axes
-- @usage np.NAME { 1, 0 / 0, 3 }
-- @each nanvar The variance of elements that are not NaN
-- @each nanstd The standard deviation of elements that are not NaN

for name, how in pairs { nansum = { 'sum', 0 }, nanprod = { 'prod', 1 } } do
  reduction(name, function(x, axes) return reduce(how[1], (known(x, axes, how[2])), axes) end)
end
for name, how in pairs { nanmax = { 'max', -math.huge }, nanmin = { 'min', math.huge } } do
  reduction(name, function(x, axes)
    local y, n = known(x, axes, how[2])
    return elementwise('where', elementwise('gt', n, 0), reduce(how[1], y, axes), 0 / 0)
  end)
end
reduction('nanmean', function(x, axes)
  local y, n = known(x, axes, 0)
  return reduce('sum', y, axes) / n
end)

local function nanvar(x, axes, o)
  local y, n, nan = known(x, axes, 0)
  local d = y - restore(reduce('sum', y, axes) / n, x.shape, axes)
  d = elementwise('where', nan, 0, d)
  return reduce('sum', square(d), axes) / (n - o.ddof)
end
reduction('nanvar', nanvar, variance_rows)
reduction('nanstd', function(x, axes, o) return elementwise('sqrt', nanvar(x, axes, o)) end,
  variance_rows)

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
    if instead then found, n = known(x, { axis }, instead) end
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

--- Of the flattened array without an axis.
-- @tparam Array|table x
-- @tparam[opt] number|table opts axis; reverse: from the end (false); or the axis alone
-- @treturn Array like x, or (size) without an axis
-- @usage np.NAME({ 1, 3, 2 }, { axis = 1 })
-- @each cumsum Sums of all elements up to each one along an axis
-- @each cumprod Products of all elements up to each one along an axis
-- @each cummax The largest of all elements up to each one along an axis
-- @each cummin The smallest of all elements up to each one along an axis

for _, name in ipairs { 'cumsum', 'cumprod', 'cummax', 'cummin' } do
  M[name] = function(x, opts)
    local o = axes_of.options(name, opts, running_rows)
    x = create.as_array(x, 'np.' .. name)
    if name == 'cumsum' or name == 'cumprod' then x = numbers(x) end
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
