--- Statistics of samples: quantiles, weighted means, covariances, histograms.
-- @module imnn.numpy.statistics
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local diagonal = require('imnn.numpy.matrices').diagonal
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local reduce = axes_of.reduce
local M = {}

local function real(x, who) return floats(x, 'np.' .. who) end

-- ---- quantiles ----

-- Elements along the last axis of sorted arrays at places from 0.
local function pick(sorted, place, n)
  place = elementwise('minimum', elementwise('maximum', place, 0), n - 1)
  return index.gather(sorted, promote.convert(place, 'i32'), sorted.ndim - 1)
end

-- The last axis, along which there are results for each q, goes to the front.
local function to_front(y)
  local order = { y.ndim - 1 }
  for k = 0, y.ndim - 2 do order[k + 2] = k end
  return array.apply('transpose', { y }, order)
end

-- Numbers of scripts keep all their digits.
local function shares(q, who)
  if type(q) == 'number' or type(q) == 'table' then return create.array(q, 'f64') end
  return create.as_array(q, 'np.' .. who)
end

-- By linear interpolation between order statistics; NaN where there is one.
local function quantile(who, x, q, opts)
  local o = axes_of.options(who, opts, axes_of.several)
  x, q = real(x, who), shares(q, who)
  local axes, shape = axes_of.list('np.' .. who, x, o.axis), x.shape
  local n = axes_of.count(x, axes)
  if n == 0 then core.raise('np.%s: there is nothing in (%s)', who, table.concat(shape, ', ')) end
  if q.ndim > 1 then core.raise('np.%s: q has at most one axis, got %d', who, q.ndim) end
  local sorted = array.apply('sort', { axes_of.behind(x, axes) }, { x.ndim - #axes, 0 })
  local place = promote.convert(q, 'f64') * (n - 1)
  local low = elementwise('floor', place)
  local part = promote.convert(place - low, x.dtype)
  local y = pick(sorted, low, n) * (1 - part) + pick(sorted, low + 1, n) * part
  if q.ndim == 1 then y = to_front(y) end
  local last = pick(sorted, array.number(n - 1, 'f64'), n) -- where sorting leaves NaN
  y = elementwise('where', elementwise('isnan', last), 0 / 0, y)
  if not o.keepdims then return y end
  for _, a in ipairs(axes) do shape[a + 1] = 1 end
  if q.ndim == 1 then table.insert(shape, 1, q.size) end
  return array.apply('reshape', { y }, shape)
end

--- Value below which a share q of the elements lies, by linear interpolation.
-- @tparam Array x
-- @tparam number|Array q from 0 to 1; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims
-- @treturn Array
-- @usage np.quantile({ 1, 2, 3, 4 }, 0.5) --> 2.5
function M.quantile(x, q, opts) return quantile('quantile', x, q, opts) end

--- Value below which q percent of the elements lie, by linear interpolation.
-- @tparam Array x
-- @tparam number|Array q from 0 to 100; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims
-- @treturn Array
-- @usage np.percentile({ 1, 2, 3, 4 }, 50) --> 2.5
function M.percentile(x, q, opts)
  return quantile('percentile', x, shares(q, 'percentile') / 100, opts)
end

--- The middle element, or the mean of the middle two.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, keepdims
-- @treturn Array
-- @usage np.median({ 5, 1, 2, 4 }) --> 3
function M.median(x, opts) return quantile('median', x, 0.5, opts) end

-- ---- moments ----

local weight_rows = { 'Array', 'table', optional = true }

--- Weighted mean.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, keepdims, weights (of the shape of x or of its one axis),
--   returned = true gives the sum of the weights too
-- @treturn Array
-- @usage np.average({ 1, 4 }, { weights = { 2, 1 } }) --> 2
function M.average(x, opts)
  local o = axes_of.options('average', opts, args.rows(axes_of.several,
    { weights = weight_rows, returned = { 'boolean', default = false } }))
  x = real(x, 'average')
  local axes, shape = axes_of.list('np.average', x, o.axis), x.shape
  local w = o.weights and create.as_array(o.weights, 'np.average') or create.ones_like(x)
  if w.ndim == 1 and #shape > 1 and #axes == 1 and w.size == shape[axes[1] + 1] then
    local sizes = {}
    for k = 1, #shape do sizes[k] = k == axes[1] + 1 and w.size or 1 end
    w = array.apply('reshape', { w }, sizes)
  elseif table.concat(w.shape, ', ') ~= table.concat(shape, ', ') then
    core.raise('np.average: weights (%s) do not fit (%s)', table.concat(w.shape, ', '),
      table.concat(shape, ', '))
  end
  w = array.apply('broadcast', { w }, shape)
  local total = reduce('sum', w, axes)
  local y = reduce('sum', x * w, axes) / total
  if o.keepdims then y = axes_of.restore(y, shape, axes) end
  if o.returned then return y, total end
  return y
end

--- Covariance matrix of variables, each a row of observations; of complex ones the second factor
-- is conjugated.
-- @tparam Array x (variables, observations), or (observations) of one variable
-- @tparam[opt] table opts rowvar = true (false: variables are columns), ddof = 1
-- @treturn Array (variables, variables), or () of one variable
-- @usage np.cov { { 1, 2, 3 }, { 1, 3, 5 } } --> { { 1, 2 }, { 2, 4 } }
function M.cov(x, opts)
  local o = args.take('np.cov', opts, {
    rowvar = { 'boolean', default = true }, ddof = { 'number', default = 1 } })
  x = real(x, 'cov')
  if x.ndim > 2 then core.raise('np.cov: needs at most two axes, got %d', x.ndim) end
  if x.ndim < 2 then x = array.apply('reshape', { x }, { 1, x.size }) end
  if not o.rowvar and x.shape[1] > 1 then x = array.apply('transpose', { x }, { 1, 0 }) end
  local variables, n = x.shape[1], x.shape[2]
  local d = x - axes_of.restore(reduce('sum', x, { 1 }) / n, x.shape, { 1 })
  local y = array.apply('matmul', { d, array.apply('conj', { d }) }, { 0, 1 }) / (n - o.ddof)
  return variables == 1 and array.apply('reshape', { y }, {}) or y
end

--- Correlation coefficients, as np.cov.
-- @tparam Array x (variables, observations)
-- @tparam[opt] table opts rowvar (true)
-- @treturn Array (variables, variables)
-- @usage np.corrcoef { { 1, 2, 3 }, { 1, 3, 5 } } --> { { 1, 1 }, { 1, 1 } }
function M.corrcoef(x, opts)
  local o = args.take('np.corrcoef', opts, { rowvar = { 'boolean', default = true } })
  local c = M.cov(x, { rowvar = o.rowvar })
  if c.ndim == 0 then return c / c end
  local n = c.shape[1]
  local s = elementwise('sqrt', array.apply('real', { diagonal(c) }))
  return c / array.apply('reshape', { s }, { n, 1 }) / s
end

-- ---- counting ----

--- How many elements lie in each bin; the last one includes its end.
-- @tparam Array x
-- @tparam[opt=10] number|Array bins how many of equal width, or their edges, ascending
-- @tparam[opt] table opts range = { low, high } (the extrema of x), weights (like x), density
-- @treturn Array (bins) counts, or sums of weights, in the dtype of x
-- @treturn Array (bins + 1) edges
-- @usage local counts, edges = np.histogram({ 1, 2, 2, 4 }, 3) --> { 1, 2, 1 }, { 1, 2, 3, 4 }
function M.histogram(x, bins, opts)
  local o = args.take('np.histogram', opts, { range = { 'table', optional = true },
    weights = weight_rows, density = { 'boolean', default = false } })
  x, bins = real(x, 'histogram'):ravel(), bins or 10
  local edges
  if type(bins) == 'number' then
    local r = o.range or { reduce('min', x, { 0 }), reduce('max', x, { 0 }) }
    edges = promote.convert(create.linspace(r[1], r[2], bins + 1, x.dtype), x.dtype)
  else
    edges = promote.convert(create.as_array(bins, 'np.histogram'), x.dtype)
  end
  local n = edges.size - 1
  if edges.ndim ~= 1 or n < 1 then core.raise 'np.histogram: needs two edges, or one bin' end
  local w = o.weights and promote.convert(create.as_array(o.weights, 'np.histogram'):ravel(),
    x.dtype) or create.ones_like(x)
  local place = array.apply('searchsorted', { edges, x }, { 1, 0 }) - 1
  local last = index.gather(edges, array.number(n, 'i32'), 0)
  place = elementwise('where', elementwise('eq', x, last), n - 1, place)
  local inside = elementwise('and', elementwise('ge', place, 0),
    elementwise('lt', place, n))
  local y = array.apply('scatter_add', { elementwise('where', inside, w, 0), place }, { 0, n, 0 })
  if o.density then
    local width = edges[{ { 2, n + 1 } }] - edges[{ { 1, n } }]
    y = y / reduce('sum', y, { 0 }) / width
  end
  return y, edges
end

--- How often each of the values 0, 1, ... occurs.
-- @tparam Array x integers, 0 or more
-- @tparam[opt] table opts length (as many as needed; must be given for traced x, where values
--   outside are left out), weights (like x)
-- @treturn Array (length), i32, or the dtype of the weights
-- @usage np.bincount { 0, 2, 2 } --> { 1, 0, 2 }
function M.bincount(x, opts)
  local o = args.take('np.bincount', opts,
    { length = { 'integer', optional = true }, weights = weight_rows })
  x = create.as_array(x, 'np.bincount')
  if promote.is_float(x.dtype) then
    local whole = promote.convert(x, 'i32')
    if array.traced(x) or not elementwise('eq', whole, x):all():item() then
      core.raise('np.bincount: needs integers, got %s', x.dtype)
    end
    x = whole
  end
  x = promote.convert(x:ravel(), 'i32')
  local n = o.length
  if not n then
    if array.traced(x) then core.raise 'np.bincount: a traced array needs option "length"' end
    n = x.size > 0 and x:max():item() + 1 or 0
  end
  if not array.traced(x) and x.size > 0 and x:min():item() < 0 then
    core.raise('np.bincount: values must be 0 or more, got %d', x:min():item())
  end
  local w = o.weights and create.as_array(o.weights, 'np.bincount'):ravel()
    or create.ones_like(x)
  if n == 0 then return create.zeros({ 0 }, w.dtype) end
  local inside = elementwise('and', elementwise('ge', x, 0), elementwise('lt', x, n))
  return array.apply('scatter_add', { elementwise('where', inside, w, 0), x }, { 0, n, 0 })
end

return M
