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
reduction('any', truth('max', 0))
reduction('all', truth('min', -1))
reduction('count_nonzero', function(x, axes)
  return reduce('sum', promote.convert(promote.convert(x, 'bool'), 'i32'), axes)
end)

-- ---- moments ----

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
  local top = array.apply('stop_gradient', { reduce('max', x, axes) })
  top = elementwise('where', elementwise('isfinite', top), top, 0)
  local terms = elementwise('exp', x - restore(top, x.shape, axes))
  if o.b then terms = terms * o.b end
  return elementwise('log', reduce('sum', terms, axes)) + top
end
--- ln of the sum of b e^x; the weights b are 1 if they are not given.
reduction('logsumexp', logsumexp,
  args.rows(axes_of.several, { b = { 'number', 'table', 'Array', optional = true } }))

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

for _, name in ipairs { 'argmax', 'argmin' } do
  --- Position of the first extremum, from 1; without an axis in the flattened array.
  M[name] = function(x, opts)
    local o = axes_of.options(name, opts, position_rows)
    x = create.as_array(x, 'np.' .. name)
    if o.axis == nil then x = x:ravel() end
    local axis = core.index(o.axis or 1, x.ndim, 'np.' .. name .. ': no axis')
    local y = array.apply(name, { x }, { axis }) + 1
    return o.keepdims and restore(y, x.shape, { axis }) or y
  end
end

-- ---- running along an axis ----

local running_rows = args.rows(axes_of.one, { reverse = { 'boolean', default = false } })

-- The flattened array without an axis; `reverse` runs from the end.
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

--- Integral by trapezoids along an axis (the last one).
-- @tparam Array y
-- @tparam[opt] number|table opts axis, dx = 1 (distance of neighbours), x (places instead)
function M.trapezoid(y, opts)
  local o = axes_of.options('trapezoid', opts, args.rows(axes_of.one,
    { dx = { 'number', default = 1 }, x = { 'Array', 'table', optional = true } }))
  y = floats(y, 'np.trapezoid')
  local axis = core.index(o.axis or -1, y.ndim, 'np.trapezoid: no axis')
  local left, right, step = {}, {}, o.dx
  for k = 1, y.ndim do left[k], right[k] = {}, {} end
  local n = y.shape[axis + 1]
  left[axis + 1], right[axis + 1] = { 1, n - 1 }, { 2, n }
  if o.x then
    local x = create.as_array(o.x, 'np.trapezoid')
    step = M.diff(x)
    if x.ndim == 1 then
      local sizes = {}
      for k = 1, y.ndim do sizes[k] = k == axis + 1 and n - 1 or 1 end
      step = array.apply('reshape', { step }, sizes)
    end
  end
  return reduce('sum', (y[left] + y[right]) * step * 0.5, { axis })
end

return M
