--- Sorting and searching. Positions count from 1; NaN is the largest number.
-- @module imnn.numpy.sort
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local shapes = require 'imnn.numpy.shape'
local M = {}

-- ---- sorting ----

local sort_rows = args.rows(axes_of.one, { descending = { 'boolean', default = false } })

local function sorted(name, x, opts)
  local o = axes_of.options(name, opts, sort_rows)
  local axis
  x, axis = axes_of.along('np.' .. name, create.as_array(x, 'np.' .. name), o.axis)
  return array.apply(name, { x }, { axis, o.descending and 1 or 0 })
end

--- In ascending order along an axis (the last one; `false` flattens). Equal elements stay in order.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, descending
-- @treturn Array like x
-- @usage np.sort { 3, 1, 2 } --> { 1, 2, 3 }
function M.sort(x, opts) return sorted('sort', x, opts) end

--- Where the elements of the sorted array come from.
-- @tparam Array x
-- @tparam[opt] number|table opts axis (the last one), descending
-- @treturn Array i32 positions, from 1
-- @usage np.argsort { 3, 1, 2 } --> { 2, 3, 1 }
function M.argsort(x, opts) return sorted('argsort', x, opts) + 1 end

local function check_kth(who, x, kth, opts)
  local axis = axes_of.options(who, opts, sort_rows).axis
  local y, k = axes_of.along('np.' .. who, create.as_array(x, 'np.' .. who), axis)
  core.index(kth, y.shape[k + 1], 'np.' .. who .. ': no element')
end

--- With the kth element where sorting would put it, smaller ones before, larger ones behind.
-- @tparam Array x
-- @tparam number kth position, from 1
-- @tparam[opt] number|table opts axis
-- @treturn Array like x
-- @usage np.partition({ 3, 1, 2 }, 1)[1] --> 1
function M.partition(x, kth, opts)
  check_kth('partition', x, kth, opts)
  return M.sort(x, opts)
end

--- Where the elements of the partitioned array come from.
-- @tparam Array x
-- @tparam number kth position, from 1
-- @tparam[opt] number|table opts axis
-- @treturn Array i32 positions
-- @usage np.argpartition({ 3, 1, 2 }, 1)[1] --> 2
function M.argpartition(x, kth, opts)
  check_kth('argpartition', x, kth, opts)
  return M.argsort(x, opts)
end

--- The k largest elements of the last axis, the largest one first.
-- @tparam Array x (..., n)
-- @tparam number k
-- @treturn Array (..., k) elements
-- @treturn Array (..., k) where they are, the first of equal ones first
-- @raise k beyond the number of elements
-- @usage local largest, where = np.top_k(np.array { 3, 9, 5 }, 2) --> { 9, 5 }, { 2, 3 }
function M.top_k(x, k)
  x = create.as_array(x, 'np.top_k')
  local axis = core.index(-1, x.ndim, 'np.top_k: no axis')
  if type(k) ~= 'number' or k % 1 ~= 0 or k < 0 or k > x.shape[axis + 1] then
    core.raise('np.top_k: no %s largest of %d elements', tostring(k), x.shape[axis + 1])
  end
  local key = { '...', k > 0 and { 1, k } or { 2, 1 } }
  local from = array.apply('argsort', { x }, { axis, 1 })[key]
  return array.apply('take_along', { x, from }, { axis }), from + 1
end

--- The order by several keys, of which the last one counts most.
-- @tparam table keys Arrays of one shape
-- @tparam[opt=-1] number axis
-- @treturn Array positions
-- @usage np.lexsort { np.array { 1, 2, 1 }, np.array { 0, 0, -1 } } --> { 3, 1, 2 }
function M.lexsort(keys, axis)
  if type(keys) ~= 'table' or #keys == 0 then core.raise 'np.lexsort: needs a list of keys' end
  local from, at
  for _, key in ipairs(keys) do
    key = create.as_array(key, 'np.lexsort')
    at = core.index(axis or -1, key.ndim, 'np.lexsort: no axis')
    if from then key = array.apply('take_along', { key, from }, { at }) end
    local order = array.apply('argsort', { key }, { at, 0 })
    from = from and array.apply('take_along', { from, order }, { at }) or order
  end
  return from + 1
end

-- ---- searching in sorted lists ----

local function both(who, a, b)
  a, b = create.as_array(a, who), type(b) == 'number' and b or create.as_array(b, who)
  local dtype = promote.dtype { a, b }
  return promote.convert(a, dtype), promote.convert(b, dtype)
end

local function search(who, list, x, right)
  list, x = both(who, list, x)
  if list.ndim ~= 1 then
    core.raise('%s: needs a list of one axis, got (%s)', who, table.concat(list.shape, ', '))
  end
  return array.apply('searchsorted', { list, x }, { right and 1 or 0, 0 })
end

--- Where elements would go into an ascending list; complex ones in the order of np.sort.
-- @tparam Array list (n)
-- @tparam Array|number x
-- @tparam[opt] table opts side = 'left' (before equal elements) or 'right' (behind them)
-- @treturn Array positions like x, 1 to n + 1
-- @usage np.searchsorted({ 1, 2, 3 }, 2) --> 2
function M.searchsorted(list, x, opts)
  local o = args.take('np.searchsorted', opts, { side = { 'string', default = 'left' } })
  if o.side ~= 'left' and o.side ~= 'right' then
    core.raise('np.searchsorted: side is "left" or "right", got "%s"', o.side)
  end
  return search('np.searchsorted', list, x, o.side == 'right') + 1
end

-- Whether elements only ascend, or only descend.
local function one_way(bins, n)
  local a, b = bins[{ { 1, n - 1 } }], bins[{ { 2, n } }]
  return elementwise('le', a, b):all():item() or elementwise('ge', a, b):all():item()
end

--- The position of the first edge above x, which is n + 1 where there is none: x lies between it
-- and the edge before it. Edges may also descend, if their values are known: then it is the first
-- one at or below x.
-- @tparam Array x
-- @tparam Array bins (n) edges
-- @tparam[opt] table opts right = true: an edge belongs to the bin before it
-- @treturn Array positions like x
-- @usage np.digitize({ 0.5, 1.5, 9 }, { 1, 2 }) --> { 1, 2, 3 }
function M.digitize(x, bins, opts)
  local o = args.take('np.digitize', opts, { right = { 'boolean', default = false } })
  bins, x = create.as_array(bins, 'np.digitize'), create.as_array(x, 'np.digitize')
  if promote.is_complex(bins.dtype) or promote.is_complex(x.dtype) then
    core.raise 'np.digitize: complex numbers lie between no edges; use np.searchsorted'
  end
  local n = bins.size
  local known = n > 1 and bins.ndim == 1 and not array.traced(bins)
  if known and not one_way(bins, n) then
    core.raise 'np.digitize: edges ascend or descend'
  end
  if known and (bins[n] < bins[1]) then
    return n + 1 - search('np.digitize', bins[{ { n, 1, -1 } }], x, not o.right)
  end
  return search('np.digitize', bins, x, not o.right) + 1
end

-- Places of one period, in order, with one more on either side.
local function turned(x, xp, fp, period)
  local n = xp.size
  x, xp = elementwise('remainder', x, period), elementwise('remainder', xp, period)
  local order = array.apply('argsort', { xp }, { 0, 0 })
  xp, fp = index.gather(xp, order, 0), index.gather(fp, order, 0)
  local first, last = { { 1, 1 } }, { { n, n } }
  return x, array.apply('concatenate', { xp[last] - period, xp, xp[first] + period }, { 0 }),
    array.apply('concatenate', { fp[last], fp, fp[first] }, { 0 })
end

local outside = { 'number', 'Array', optional = true, any = true }

--- Linear interpolation between points.
-- @tparam Array|number x
-- @tparam Array xp (n) places, ascending
-- @tparam Array fp (n) values there, also complex
-- @tparam[opt] table opts left, right: values outside, instead of the first and last of fp; period:
-- places are the same up to it, so none is outside, and xp may be in any order
-- @treturn Array like x
-- @raise lists of other lengths, a period of 0
-- @usage np.interp(2.5, { 1, 2, 3 }, { 3, 2, 0 }) --> 1
-- np.interp(370, { 350, 10 }, { 1, 3 }, { period = 360 }) --> 3
function M.interp(x, xp, fp, opts)
  local o = args.take('np.interp', opts,
    { left = outside, right = outside, period = { 'number', optional = true } })
  if o.period == 0 then core.raise 'np.interp: the period must not be 0' end
  xp, x = both('np.interp', xp, x)
  fp = create.as_array(fp, 'np.interp')
  local dtype = promote.real(promote.dtype { x, fp })
  local places = ({ c64 = 'f32', c128 = 'f64' })[dtype] or dtype
  x, xp, fp = promote.convert(x, places), promote.convert(xp, places), promote.convert(fp, dtype)
  local n = xp.size
  if xp.ndim ~= 1 or fp.ndim ~= 1 or n ~= fp.size or n == 0 then
    core.raise('np.interp: needs lists of places and values of one length, got (%s) and (%s)',
      table.concat(xp.shape, ', '), table.concat(fp.shape, ', '))
  end
  if o.period then
    x, xp, fp = turned(x, xp, fp, math.abs(o.period))
    n, o.left, o.right = n + 2, nil, nil
  end
  local high = array.apply('searchsorted', { xp, x }, { 1, 0 })
  high = elementwise('minimum', elementwise('maximum', high, 1), math.max(n - 1, 1))
  local x0, x1 = index.gather(xp, high - 1, 0), index.gather(xp, high, 0)
  local y0, y1 = index.gather(fp, high - 1, 0), index.gather(fp, high, 0)
  local step = x1 - x0
  local same = elementwise('eq', step, 0)
  local part = (x - x0) / elementwise('where', same, 1, step)
  local y = elementwise('where', same, y1, y0 + part * (y1 - y0))
  local left = promote.convert(o.left or fp[1], dtype)
  local right = promote.convert(o.right or fp[n], dtype)
  y = elementwise('where', elementwise('lt', x, xp[1]), left, y)
  return elementwise('where', elementwise('gt', x, xp[n]), right, y)
end

-- ---- what depends on values, which must be known ----

local function known(x, who)
  x = create.as_array(x, 'np.' .. who)
  if array.traced(x) then
    core.raise('np.%s: the shape of the result depends on values, which a traced array has not',
      who)
  end
  return x
end

--- Positions of elements that are not zero, along each axis: as many arrays (n) as axes.
-- @tparam Array x known
-- @treturn Array one for each axis
-- @raise a traced array: the shape depends on its values
-- @usage local i, j = np.nonzero(np.eye(2))
function M.nonzero(x)
  local places = index.where_true(known(x, 'nonzero'))
  for k, p in ipairs(places) do places[k] = p + 1 end
  return unpack(places)
end

--- Positions of elements that are not zero in the flattened array.
-- @tparam Array x known
-- @treturn Array (n), from 1
-- @raise a traced array: the shape depends on its values
-- @usage np.flatnonzero({ 0, 5, 6 }) --> { 2, 3 }
function M.flatnonzero(x) return (M.nonzero(known(x, 'flatnonzero'):ravel())) end

--- Positions of elements that are not zero: one row (of as many as there are axes) for each.
-- @tparam Array x known
-- @treturn Array (n, axes of x), from 1
-- @usage np.argwhere(np.eye(2)) --> { { 1, 1 }, { 2, 2 } }
function M.argwhere(x)
  x = known(x, 'argwhere')
  local places = { M.nonzero(x) }
  if #places == 0 then return create.zeros({ x:item() ~= 0 and x:item() and 1 or 0, 0 }, 'i32') end
  return require('imnn.numpy.join').stack(places, 2)
end

--- The elements of x where a condition holds, as one list.
-- @tparam Array condition known
-- @tparam Array x
-- @treturn Array (n)
-- @usage np.extract(np.gt(x, 3), x) --> { 4, 5, 6 }
function M.extract(condition, x)
  condition, x = known(condition, 'extract'), create.as_array(x, 'np.extract')
  return x:ravel()[promote.convert(condition:ravel(), 'bool')]
end

-- Rows (n, m) in ascending order, the first column counting most: where they come from, what they
-- are, and which differ from the one before.
local function in_order(rows, equal_nan)
  local n, m = rows.shape[1], rows.shape[2]
  local order, y = nil, rows
  for k = m, 1, -1 do
    local next_one = array.apply('argsort', { y[{ {}, k }] }, { 0, 0 })
    y = index.gather(y, next_one, 0)
    order = order and index.gather(order, next_one, 0) or next_one
  end
  order = order or create.arange(n):astype 'i32' - 1
  local first = create.ones({ n }, 'bool')
  if n < 2 then return order, y, first end
  local a, b = y[{ { 2, n } }], y[{ { 1, n - 1 } }]
  local differs = elementwise('ne', a, b)
  if equal_nan and promote.is_float(y.dtype) then -- all NaN are one
    differs = elementwise('and', differs,
      elementwise('not', elementwise('and', elementwise('ne', a, a), elementwise('ne', b, b))))
  end
  differs = m == 0 and create.zeros({ n - 1 }, 'bool') or array.apply('max', { differs }, { 1, 1 })
  return order, y, array.apply('concatenate', { create.ones({ 1 }, 'bool'), differs }, { 0 })
end

--- Different elements in ascending order; with an axis, different parts along it, in the order of
-- their first elements, then of the second ones, ...
-- @tparam Array x concrete
-- @tparam[opt] number|table opts axis (all elements without it), return_index (where each is
-- first), return_inverse (which of them each element is: like x, or a list for an axis),
-- return_counts, equal_nan (true: all NaN are one); or the axis alone
-- @treturn Array (n), or like x with n parts along the axis; then what was asked for
-- @usage np.unique { 3, 1, 3 } --> { 1, 3 }
-- local values, counts = np.unique({ 3, 1, 3 }, { return_counts = true }) --> { 1, 3 }, { 1, 2 }
-- np.unique({ { 1, 2 }, { 0, 5 }, { 1, 2 } }, { axis = 1 }) --> { { 0, 5 }, { 1, 2 } }
function M.unique(x, opts)
  local flag = { 'boolean', default = false }
  local o = axes_of.options('unique', opts, {
    axis = { 'integer', optional = true }, equal_nan = { 'boolean', default = true },
    return_index = flag, return_inverse = flag, return_counts = flag })
  x = known(x, 'unique')
  local rows, shape, axis = x, { x.size }, 0
  if o.axis then
    axis = core.index(o.axis, x.ndim, 'np.unique: no axis')
    rows = shapes.moveaxis(x, axis + 1, 1)
    shape = rows.shape
  end
  local n, size = shape[1], 1
  for k = 2, #shape do size = size * shape[k] end
  local order, y, first = in_order(array.apply('reshape', { rows }, { n, size }), o.equal_nan)
  y = y[first]
  shape[1] = y.shape[1]
  local out = { shapes.moveaxis(array.apply('reshape', { y }, shape), 1, axis + 1) }
  if o.return_index then out[#out + 1] = order[first] + 1 end
  if o.return_inverse then
    local which = array.apply('cumsum', { promote.convert(first, 'i32') }, { 0, 0 })
    local back = array.apply('argsort', { order }, { 0, 0 })
    which = array.apply('take_along', { which, back }, { 0 })
    out[#out + 1] = o.axis and which or which:reshape(x.shape)
  end
  if o.return_counts then
    local starts = index.where_true(first)[1]
    local ends = array.apply('concatenate', { starts, create.full({ 1 }, n, 'i32') }, { 0 })
    out[#out + 1] = ends[{ { 2, #ends } }] - starts
  end
  return unpack(out)
end

--- Which elements of x are among those of a list.
-- @tparam Array x
-- @tparam Array list
-- @treturn Array bool, like x
-- @usage np.isin({ 1, 2, 3 }, { 2, 5 }) --> { false, true, false }
function M.isin(x, list)
  list, x = both('np.isin', list, x)
  if list.size == 0 then return create.zeros_like(x, 'bool') end
  list = array.apply('sort', { list:ravel() }, { 0, 0 })
  return elementwise('eq', index.gather(list, array.apply('searchsorted', { list, x }, { 0, 0 }),
    0), x)
end

--- Which elements of x, flattened, are among those of a list.
-- @tparam Array x
-- @tparam Array list
-- @treturn Array (n) bool
-- @usage np.in1d(x, { 2, 5 }) --> { false, true, false, false, true, false }
function M.in1d(x, list) return M.isin(create.as_array(x, 'np.in1d'):ravel(), list) end

--- Different elements of either list, in ascending order.
-- @tparam Array a known
-- @tparam Array b known
-- @treturn Array (n)
-- @usage np.union1d({ 3, 1 }, { 1, 2 }) --> { 1, 2, 3 }
function M.union1d(a, b)
  a, b = both('np.union1d', a, b)
  return (M.unique(array.apply('concatenate', { a:ravel(), b:ravel() }, { 0 })))
end

--- Different elements of both lists, in ascending order.
-- @tparam Array a known
-- @tparam Array b known
-- @treturn Array (n)
-- @usage np.intersect1d({ 3, 1 }, { 1, 2 }) --> { 1 }
function M.intersect1d(a, b)
  a = M.unique(a)
  return a[M.isin(a, b)]
end

--- Different elements of a that are not in b, in ascending order.
-- @tparam Array a known
-- @tparam Array b known
-- @treturn Array (n)
-- @usage np.setdiff1d({ 3, 1 }, { 1, 2 }) --> { 3 }
function M.setdiff1d(a, b)
  a = M.unique(a)
  return a[elementwise('not', M.isin(a, b))]
end

return M
