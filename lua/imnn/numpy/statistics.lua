--- Statistics of samples: quantiles and histograms.
-- @module imnn.numpy.statistics
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local reduce = axes_of.reduce
local M = {}

local function real(x, who) return floats(x, 'np.' .. who) end

-- ---- quantiles ----

-- Elements along the last axis of sorted arrays at places from 0: (q) for all of them, or (..., q)
-- for each.
local function pick(sorted, place, n)
  place = elementwise('minimum', elementwise('maximum', place, 0), n - 1)
  place = promote.convert(place, 'i32')
  local axis = sorted.ndim - 1
  if place.ndim < sorted.ndim then return index.gather(sorted, place, axis) end
  return array.apply('take_along', { sorted, place }, { axis })
end

-- The last axis, along which there are results for each q, goes to the front.
local function to_front(y)
  local order = { y.ndim - 1 }
  for k = 0, y.ndim - 2 do order[k + 2] = k end
  return array.apply('transpose', { y }, order)
end

-- Numbers of scripts keep all their digits. What is known must be from 0 to `most`.
local function shares(q, who, most)
  local known = type(q) == 'number' or type(q) == 'table'
  local y = known and create.array(q, 'f64') or create.as_array(q, 'np.' .. who)
  local inside = elementwise('and', elementwise('ge', y, 0), elementwise('le', y, most))
  if not array.traced(y) and y.size > 0 and not inside:all():item() then
    core.raise('np.%s: q is from 0 to %d, got %s', who, most, y)
  end
  return y
end

local half = create.array(0.5, 'f64')

-- Where a quantile lies between two order statistics: the place of the one below it, and how far it
-- is from there to the next one.
local methods = {}
function methods.linear(place)
  local low = elementwise('floor', place)
  return low, place - low
end
function methods.lower(place) return elementwise('floor', place), 0 end
function methods.higher(place) return elementwise('ceil', place), 0 end
function methods.nearest(place) return elementwise('round', place), 0 end
function methods.midpoint(place)
  local low = elementwise('floor', place)
  return low, elementwise('where', elementwise('eq', low, place), 0, 0.5)
end

local quantile_rows = args.rows(axes_of.several, { method = { 'string', default = 'linear' } })

-- Between order statistics; NaN where there is one, or `without` them.
local function quantile(who, x, q, opts, without)
  local o = axes_of.options(who, opts, quantile_rows)
  local between = args.choice('np.' .. who, 'method', o.method, methods)
  x = real(x, who)
  local axes, shape = axes_of.list('np.' .. who, x, o.axis), x.shape
  local n = axes_of.count(x, axes)
  if n == 0 then core.raise('np.%s: there is nothing in (%s)', who, table.concat(shape, ', ')) end
  if q.ndim > 1 then core.raise('np.%s: q has at most one axis, got %d', who, q.ndim) end
  local sorted = array.apply('sort', { axes_of.behind(x, axes) }, { x.ndim - #axes, 0 })
  local last, at = sorted.ndim - 1, promote.convert(q, 'f64')
  if without then -- they are behind the others, of which there are as many as are counted
    local known = promote.convert(elementwise('not', elementwise('isnan', sorted)), 'f64')
    n = axes_of.restore(reduce('sum', known, { last }), sorted.shape, { last })
    at = array.apply('reshape', { at }, { q.size })
  end
  local place = at * (n - 1)
  local low, part = between(place)
  part = promote.convert(part, x.dtype)
  local y = pick(sorted, low, n) * (1 - part) + pick(sorted, low + 1, n) * part
  if without and q.ndim == 0 then y = reduce('sum', y, { last }) end -- of one element
  if q.ndim == 1 then y = to_front(y) end
  if not without then
    local top = pick(sorted, array.number(n - 1, 'f64'), n) -- where sorting leaves NaN
    y = elementwise('where', elementwise('isnan', top), 0 / 0, y)
  end
  if not o.keepdims then return y end
  for _, a in ipairs(axes) do shape[a + 1] = 1 end
  if q.ndim == 1 then table.insert(shape, 1, q.size) end
  return array.apply('reshape', { y }, shape)
end

--- Value below which a share q of the elements lies, by linear interpolation.
-- @tparam Array x
-- @tparam number|Array q from 0 to 1; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims, method: 'linear' (the default), 'lower', 'higher',
-- 'nearest', 'midpoint'
-- @treturn Array
-- @usage np.quantile({ 1, 2, 3, 4 }, 0.5) --> 2.5
function M.quantile(x, q, opts)
  return quantile('quantile', x, shares(q, 'quantile', 1), opts)
end

--- Value below which q percent of the elements lie, by linear interpolation.
-- @tparam Array x
-- @tparam number|Array q from 0 to 100; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims, method: 'linear' (the default), 'lower', 'higher',
-- 'nearest', 'midpoint'
-- @treturn Array
-- @usage np.percentile({ 1, 2, 3, 4 }, 50) --> 2.5
function M.percentile(x, q, opts)
  return quantile('percentile', x, shares(q, 'percentile', 100) / 100, opts)
end

--- The middle element, or the mean of the middle two.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, keepdims
-- @treturn Array
-- @usage np.median({ 5, 1, 2, 4 }) --> 3
function M.median(x, opts) return quantile('median', x, half, opts) end

--- Value below which a share q of the elements that are not NaN lies.
-- @tparam Array x
-- @tparam number|Array q from 0 to 1; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims, method: 'linear' (the default), 'lower', 'higher',
-- 'nearest', 'midpoint'
-- @treturn Array
-- @usage np.nanquantile({ 1, 0 / 0, 2 }, 0.5) --> 1.5
function M.nanquantile(x, q, opts)
  return quantile('nanquantile', x, shares(q, 'nanquantile', 1), opts, true)
end

--- Value below which q percent of the elements that are not NaN lie.
-- @tparam Array x
-- @tparam number|Array q from 0 to 100; several come first, as one axis
-- @tparam[opt] number|table opts axis, keepdims, method: 'linear' (the default), 'lower', 'higher',
-- 'nearest', 'midpoint'
-- @treturn Array
-- @usage np.nanpercentile({ 1, 0 / 0, 2 }, 50) --> 1.5
function M.nanpercentile(x, q, opts)
  return quantile('nanpercentile', x, shares(q, 'nanpercentile', 100) / 100, opts, true)
end

--- The middle one of the elements that are not NaN, or the mean of the middle two.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, keepdims
-- @treturn Array
-- @usage np.nanmedian({ 5, 0 / 0, 1, 2 }) --> 2
function M.nanmedian(x, opts) return quantile('nanmedian', x, half, opts, true) end

-- ---- counting ----

local weight_rows = { 'Array', 'table', optional = true }

local histogram_rows = {
  range = { 'table', optional = true }, weights = weight_rows,
  density = { 'boolean', default = false },
}

-- From where to where bins of a list x go: half a unit around a single value.
local function ends_of(who, x, range)
  if range then
    local low, high = range[1], range[2]
    if #range ~= 2 or type(low) ~= 'number' or type(high) ~= 'number' or not (low <= high) then
      core.raise('np.%s: range is { low, high }, ascending numbers', who)
    end
    if low == high then return low - 0.5, high + 0.5 end
    return low, high
  end
  if x.size == 0 then return 0, 1 end
  local low, high = reduce('min', x, { 0 }), reduce('max', x, { 0 })
  if not array.traced(x) and not elementwise('isfinite', high - low):item() then
    core.raise('np.%s: the elements go from %s to %s; give a range', who, tostring(low:item()),
      tostring(high:item()))
  end
  local more = elementwise('where', elementwise('eq', low, high), 0.5, 0)
  return low - more, high + more
end

-- The edges of bins of a list x, and how many bins they are.
local function edges_of(who, x, bins, range)
  local edges
  if type(bins) == 'number' then
    core.count('np.' .. who, bins)
    local low, high = ends_of(who, x, range)
    edges = promote.convert(create.linspace(low, high, bins + 1, x.dtype), x.dtype)
  else
    edges = promote.convert(create.as_array(bins, 'np.' .. who), x.dtype)
  end
  local n = edges.size - 1
  if edges.ndim ~= 1 or n < 1 then core.raise('np.%s: needs two edges, or one bin', who) end
  if type(bins) ~= 'number' and not array.traced(edges)
    and not elementwise('le', edges[{ { 1, n } }], edges[{ { 2, n + 1 } }]):all():item() then
    core.raise('np.%s: edges must ascend, got %s', who, edges)
  end
  return edges, n
end

-- Bins may also be one of the options.
local function bins_of(bins, opts)
  if type(bins) ~= 'table' or #bins > 0 or next(bins) == nil then return bins, opts end
  local others = {}
  for name, value in pairs(bins) do others[name] = value end
  others.bins = nil
  return bins.bins, others
end

-- In which of n bins, from 0, elements lie, and whether in one at all.
local function bin_of(x, edges, n)
  local place = array.apply('searchsorted', { edges, x }, { 1, 0 }) - 1
  local last = index.gather(edges, array.number(n, 'i32'), 0)
  place = elementwise('where', elementwise('eq', x, last), n - 1, place)
  return place, elementwise('and', elementwise('ge', place, 0), elementwise('lt', place, n))
end

local function weights_of(who, w, x)
  if not w then return create.ones_like(x) end
  w = promote.convert(create.as_array(w, 'np.' .. who):ravel(), x.dtype)
  if w.size ~= x.size then core.raise('np.%s: %d weights for %d elements', who, w.size, x.size) end
  return w
end

local function widths(edges, n) return edges[{ { 2, n + 1 } }] - edges[{ { 1, n } }] end

--- How many elements lie in each bin; the last one includes its end.
-- @tparam Array x
-- @tparam[opt=10] number|Array bins how many of equal width, or their edges, ascending; may also be
-- an option
-- @tparam[opt] table opts range = { low, high } (the extrema of x), weights (like x), density
-- @treturn Array (bins) counts, or sums of weights, in the dtype of x
-- @treturn Array (bins + 1) edges
-- @usage local counts, edges = np.histogram({ 1, 2, 2, 4 }, 3) --> { 1, 2, 1 }, { 1, 2, 3, 4 }
function M.histogram(x, bins, opts)
  bins, opts = bins_of(bins, opts)
  local o = args.take('np.histogram', opts, histogram_rows)
  x = real(x, 'histogram'):ravel()
  local edges, n = edges_of('histogram', x, bins or 10, o.range)
  local w = weights_of('histogram', o.weights, x)
  local place, inside = bin_of(x, edges, n)
  local y = array.apply('scatter_add', { elementwise('where', inside, w, 0), place }, { 0, n, 0 })
  if o.density then y = y / reduce('sum', y, { 0 }) / widths(edges, n) end
  return y, edges
end

-- Of lists, one for each axis: counts, and a list of edges.
local function histogram_of(who, lists, bins, opts)
  local o, d = args.take('np.' .. who, opts, histogram_rows), #lists
  local edges, sizes, total, volume, all, flat = {}, {}, 1, 1, true, nil
  local several = type(bins) == 'table' and #bins == d
  for k, x in ipairs(lists) do
    local range = o.range and o.range[k]
    if o.range and type(range) ~= 'table' then
      core.raise('np.%s: range is { low, high } for each of %d axes', who, d)
    end
    local mine = bins or 10
    if several then mine = bins[k] end
    local place, inside
    edges[k], sizes[k] = edges_of(who, x, mine, range)
    place, inside = bin_of(x, edges[k], sizes[k])
    flat = flat and flat * sizes[k] + place or place
    all = elementwise('and', all, inside)
    total = total * sizes[k]
  end
  local w = weights_of(who, o.weights, lists[1])
  w, flat = elementwise('where', all, w, 0), elementwise('where', all, flat, 0)
  local y = array.apply('reshape', { array.apply('scatter_add', { w, flat }, { 0, total, 0 }) },
    sizes)
  if not o.density then return y, edges end
  for k = 1, d do
    local shape = {}
    for i = 1, d do shape[i] = i == k and sizes[k] or 1 end
    volume = array.apply('reshape', { widths(edges[k], sizes[k]) }, shape) * volume
  end
  return y / reduce('sum', w, { 0 }) / volume, edges
end

--- How many points of a plane lie in each bin.
-- @tparam Array x (n)
-- @tparam Array y (n)
-- @tparam[opt=10] number|table bins how many for both axes, edges for both, or { x's, y's }
-- @tparam[opt] table opts range = { { low, high }, { low, high } } (the extrema), weights (n),
-- density
-- @treturn Array (bins of x, bins of y) counts, or sums of weights
-- @treturn Array edges of x
-- @treturn Array edges of y
-- @usage np.histogram2d({ 0, 1, 1 }, { 0, 1, 1 }, 2) --> { { 1, 0 }, { 0, 2 } }
function M.histogram2d(x, y, bins, opts)
  x, y = real(x, 'histogram2d'):ravel(), real(y, 'histogram2d'):ravel()
  local dtype = promote.dtype { x, y }
  x, y = promote.convert(x, dtype), promote.convert(y, dtype)
  if x.size ~= y.size then
    core.raise('np.histogram2d: needs as many x as y, got %d and %d', x.size, y.size)
  end
  bins, opts = bins_of(bins, opts)
  local counts, edges = histogram_of('histogram2d', { x, y }, bins, opts)
  return counts, edges[1], edges[2]
end

--- How many points lie in each bin of a space of d axes.
-- @tparam Array x (n, d) points
-- @tparam[opt=10] number|table bins how many for all axes, or for each axis how many, or edges
-- @tparam[opt] table opts range = { { low, high }, ... } (the extrema), weights (n), density
-- @treturn Array (bins...) counts, or sums of weights
-- @treturn table edges, an Array for each axis
-- @usage np.histogramdd({ { 0, 0 }, { 1, 1 }, { 1, 1 } }, 2) --> { { 1, 0 }, { 0, 2 } }
function M.histogramdd(x, bins, opts)
  x = real(x, 'histogramdd')
  if x.ndim ~= 2 or x.shape[2] < 1 then
    core.raise('np.histogramdd: needs points (n, d), got (%s)', table.concat(x.shape, ', '))
  end
  local lists = {}
  for k = 1, x.shape[2] do lists[k] = x[{ {}, k }] end
  return histogram_of('histogramdd', lists, bins_of(bins, opts))
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
