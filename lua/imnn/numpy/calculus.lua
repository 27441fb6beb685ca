--- Differences, slopes and integrals of sampled functions.
-- @module imnn.numpy.calculus
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local join = require 'imnn.numpy.join'
local promote = require 'imnn.numpy.promote'
local reduce = require 'imnn.numpy.reduce'
local shapes = require 'imnn.numpy.shape'
local M = {}

-- The elements first to last along a zero-based axis.
local function range(x, axis, first, last)
  local key = {}
  for k = 1, x.ndim do key[k] = {} end
  key[axis + 1] = last >= first and { first, last } or { 2, 1 }
  return x[key]
end

-- Distances of neighbours of n places x along an axis of an array of ndim axes.
local function steps(who, x, n, axis, ndim)
  x = floats(x, who)
  if x.ndim ~= 1 then return reduce.diff(x, { axis = axis - ndim }) end
  if x.size ~= n then core.raise('%s: %d places for %d elements', who, x.size, n) end
  local sizes = {}
  for k = 1, ndim do sizes[k] = k == axis + 1 and n - 1 or 1 end
  return shapes.reshape(reduce.diff(x), sizes)
end

-- ---- integrals ----

local area_rows = args.rows(axes_of.one,
  { dx = { 'number', default = 1 }, x = { 'Array', 'table', optional = true } })

-- Areas of the trapezoids between neighbours along an axis, which is given zero-based.
local function areas(name, y, opts, rows)
  if array.is(opts) then opts = { x = opts } end
  local o, who = axes_of.options(name, opts, rows), 'np.' .. name
  y = floats(y, who)
  local axis = core.index(o.axis or -1, y.ndim, who .. ': no axis')
  local n = y.shape[axis + 1]
  local step = o.dx
  if o.x then
    step = n > 0 and steps(who, o.x, n, axis, y.ndim) or 0
  end
  local sums = range(y, axis, 1, n - 1) + range(y, axis, 2, n)
  return sums * step * 0.5, axis, o
end

--- Integral by trapezoids along an axis (the last one).
-- @tparam Array y
-- @tparam[opt] number|table|Array opts axis, dx = 1 (distance of neighbours), x (places instead);
-- an Array is x
-- @treturn Array without this axis
-- @usage np.trapezoid({ 0, 1, 4 }, { dx = 0.5 }) --> 1.5
function M.trapezoid(y, opts)
  local parts, axis = areas('trapezoid', y, opts, area_rows)
  return axes_of.reduce('sum', parts, { axis })
end

local running_rows = args.rows(area_rows, { initial = { 'number', optional = true } })

--- Integrals by trapezoids from the first element to each one along an axis (the last one).
-- @tparam Array y
-- @tparam[opt] number|table opts axis, dx = 1, x, as of `trapezoid`; initial: a value to put in
-- front (0), so that the result is like y
-- @treturn Array one element shorter along the axis without `initial`
-- @usage np.cumulative_trapezoid({ 0, 1, 4 }, { initial = 0 }) --> { 0, 0.5, 3 }
function M.cumulative_trapezoid(y, opts)
  local parts, axis, o = areas('cumulative_trapezoid', y, opts, running_rows)
  local sums = array.apply('cumsum', { parts }, { axis, 0 })
  if o.initial == nil then return sums end
  local shape = sums.shape
  shape[axis + 1] = 1
  return join.concatenate({ create.full(shape, o.initial, sums.dtype), sums }, axis + 1)
end

-- ---- slopes ----

local gradient_rows = args.rows(axes_of.several, { edge_order = { 'integer', default = 1 } })
gradient_rows.keepdims = nil

-- Arguments behind the array: spacings, and options where the last one is a table of names.
local function spacings(...)
  local n, list = select('#', ...), { ... }
  local last = list[n]
  if n > 0 and type(last) == 'table' and #last == 0 and next(last) ~= nil then
    list[n] = nil
    return list, n - 1, last
  end
  return list, n, nil
end

-- Slopes along one axis, from those between neighbours: inside, the mean that is exact for
-- parabolas; at the ends, the outermost slope, or that of the parabola there.
local function slopes(y, axis, spacing, edge_order)
  local who, n = 'gradient', y.shape[axis + 1]
  if n < edge_order + 1 then
    core.raise('%s: needs %d elements along axis %d, got %d', who, edge_order + 1, axis + 1, n)
  end
  local uneven = type(spacing) == 'table' or array.is(spacing) and spacing.ndim > 0
  local h = uneven and steps(who, spacing, n, axis, y.ndim) or spacing
  if array.is(h) then
    local dtype = promote.dtype { y, h }
    y, h = promote.convert(y, dtype), promote.convert(h, dtype)
  end
  local s = (range(y, axis, 2, n) - range(y, axis, 1, n - 1)) / h
  local function step(first, last) return uneven and range(h, axis, first, last) or 1 end
  local function end_at(i, inner)
    local slope = range(s, axis, i, i)
    if edge_order == 1 then return slope end
    local near, far = step(i, i), step(inner, inner)
    return slope + (slope - range(s, axis, inner, inner)) * (near / (near + far))
  end
  local parts = { end_at(1, 2) }
  if n > 2 then
    local before, behind = step(1, n - 2), step(2, n - 1)
    local share = behind / (before + behind)
    parts[2] = range(s, axis, 1, n - 2) * share + range(s, axis, 2, n - 1) * (1 - share)
  end
  parts[#parts + 1] = end_at(n - 1, n - 2)
  return join.concatenate(parts, axis + 1)
end

--- Slopes of a sampled function along each axis: of second order inside, at the ends those of the
-- outermost two elements.
-- @tparam Array f
-- @param ... distances of neighbours (1): a number for all axes or for each, or lists of places;
-- then perhaps options: axis (one, or a list; all without it), edge_order = 1, or 2 for the slopes
-- of parabolas at the ends
-- @treturn Array like f, one for each axis
-- @raise too few elements along an axis
-- @usage np.gradient({ 1, 4, 9, 16 }) --> { 3, 4, 6, 7 }
-- local dy, dx = np.gradient(x, 0.5)
-- np.gradient({ 0, 1, 9 }, { 0, 1, 3 }, { edge_order = 2 }) --> { 0, 2, 6 }
function M.gradient(f, ...)
  local list, n, opts = spacings(...)
  local o = args.take('gradient', opts, gradient_rows)
  if o.edge_order ~= 1 and o.edge_order ~= 2 then
    core.raise('gradient: edge_order is 1 or 2, got %d', o.edge_order)
  end
  local y = floats(f, 'gradient')
  local axes = o.axis == nil and axes_of.list('gradient', y)
    or axes_of.given('gradient', o.axis, y.ndim)
  if n > 1 and n ~= #axes then
    core.raise('gradient: %d spacings for %d axes', n, #axes)
  end
  local out = {}
  for i, axis in ipairs(axes) do
    local spacing = list[n == 1 and 1 or i]
    if n == 0 then spacing = 1 end
    if type(spacing) ~= 'number' then
      spacing = floats(spacing, 'gradient')
      if spacing.ndim > 1 then
        core.raise('gradient: places have one axis, got (%s)', table.concat(spacing.shape, ', '))
      end
    end
    out[i] = slopes(y, axis, spacing, o.edge_order)
  end
  return unpack(out)
end

local ends = { 'number', 'table', 'Array', optional = true }

--- Differences of neighbours of the flattened array, with values in front and behind.
-- @tparam Array x
-- @tparam[opt] table opts to_begin, to_end: what to put there
-- @treturn Array (n)
-- @usage np.ediff1d({ 1, 4, 9 }, { to_end = 0 }) --> { 3, 5, 0 }
function M.ediff1d(x, opts)
  local o = args.take('np.ediff1d', opts, { to_begin = ends, to_end = ends })
  local y = reduce.diff(create.as_array(x, 'np.ediff1d'):ravel())
  local parts = {}
  for _, part in ipairs { o.to_begin or false, y, o.to_end or false } do
    if part then
      part = array.is(part) and part or create.array(part)
      parts[#parts + 1] = promote.convert(part:ravel(), y.dtype)
    end
  end
  return join.concatenate(parts)
end

local unwrap_rows = args.rows(axes_of.one, {
  discont = { 'number', optional = true }, period = { 'number', default = 2 * math.pi },
})

--- Angles without jumps: multiples of the period added so that neighbours along an axis (the last
-- one) are at most half a period apart.
-- @tparam Array x
-- @tparam[opt] number|table opts axis; period (2 pi); discont: smaller jumps stay (half a period)
-- @treturn Array like x
-- @usage np.unwrap({ 0, 2, 5, 0.5 }, { period = 6 }) --> { 0, 2, 5, 6.5 }
function M.unwrap(x, opts)
  local o = axes_of.options('unwrap', opts, unwrap_rows)
  local axis
  x, axis = axes_of.along('np.unwrap', floats(x, 'np.unwrap'), o.axis)
  local n, half = x.shape[axis + 1], o.period / 2
  if n < 2 then return x end
  local d = reduce.diff(x, { axis = axis + 1 })
  local short = elementwise('remainder', d + half, o.period) - half
  local up = elementwise('and', elementwise('eq', short, -half), elementwise('gt', d, 0))
  short = elementwise('where', up, half, short) -- half a period up stays one up
  local stays = elementwise('lt', elementwise('abs', d), math.max(o.discont or half, half))
  local more = array.apply('cumsum', { elementwise('where', stays, 0, short - d) }, { axis, 0 })
  return join.concatenate({ range(x, axis, 1, 1), range(x, axis, 2, n) + more }, axis + 1)
end

return M
