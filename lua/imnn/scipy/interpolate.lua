--- Interpolation on a fixed grid, under the names of scipy.interpolate.
-- @module imnn.scipy.interpolate
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local floats = require('imnn.numpy.operands').floats
local gather = require('imnn.numpy.index').gather
local np = require 'imnn.numpy'
local M = {}

-- Places in f64 whose values are known and ascend, and values in their own dtype.
local function grid(who, x, y, least)
  x, y = np.asarray(x), floats(y, who)
  if array.traced(x) then core.raise('%s: the grid must be known before the function runs', who) end
  local n = x.size
  if x.ndim ~= 1 or y.ndim < 1 or y.shape[1] ~= n or n < least then
    core.raise('%s: needs %d places or more and as many values, got (%s) and (%s)', who, least,
      table.concat(x.shape, ', '), table.concat(y.shape, ', '))
  end
  if not np.all(np.gt(np.diff(x), 0)):item() then core.raise('%s: the places must ascend', who) end
  return x:astype 'f64', y
end

-- The interval of each place t, zero-based, and t in the dtype of the values.
local function locate(x, y, t)
  t = np.asarray(t):astype(y.dtype)
  local places = x:astype(y.dtype)
  local i = array.apply('searchsorted', { places, t }, { 1, 0 }) - 1
  return np.clip(i, 0, x.size - 2), t, places
end

-- What belongs to t, stretched over the axes that values have behind their first one.
local function column(t, y)
  local sizes = t.shape
  for _ = 2, y.ndim do sizes[#sizes + 1] = 1 end
  return t:reshape(sizes)
end

local function at(list, i) return gather(list, i, 0) end

--- Linear interpolation; beyond the ends the outermost lines go on.
-- @tparam Array x (n) places, ascending
-- @tparam Array y (n, ...) values, which may be traced
-- @treturn function t -> Array like t, with the further axes of y
-- @usage scipy.interpolate.interp1d({ 1, 2, 3 }, { 1, 4, 9 })(2.5) --> 6.5
function M.interp1d(x, y)
  x, y = grid('interp1d', x, y, 2)
  return function(t)
    local i, place, places = locate(x, y, t)
    local x0, y0 = at(places, i), at(y, i)
    local part = (place - x0) / (at(places, i + 1) - x0)
    return y0 + column(part, y) * (at(y, i + 1) - y0)
  end
end

-- The matrix that makes second derivatives at the places from the values: those of neighbouring
-- cubics have equal slopes where they meet (de Boor, A Practical Guide to Splines, ch. 4).
local function curvatures(x, ends)
  local n, p = x.size, x:values()
  local left, right = {}, {}
  for i = 1, n do
    left[i], right[i] = {}, {}
    for j = 1, n do left[i][j], right[i][j] = 0, 0 end
  end
  for i = 2, n - 1 do
    local before, behind = p[i] - p[i - 1], p[i + 1] - p[i]
    left[i][i - 1], left[i][i], left[i][i + 1] = before, 2 * (before + behind), behind
    right[i][i - 1], right[i][i + 1] = 6 / before, 6 / behind
    right[i][i] = -right[i][i - 1] - right[i][i + 1]
  end
  for _, e in ipairs { { 1, 2, 3 }, { n, n - 1, n - 2 } } do
    local a, b, c = e[1], e[2], e[3]
    if ends == 'natural' then
      left[a][a] = 1
    elseif ends == 'clamped' then -- slope 0
      local h = math.abs(p[b] - p[a])
      left[a][a], left[a][b] = 2 * h, h
      right[a][a], right[a][b] = -6 / h, 6 / h
    else -- the first two and the last two intervals have one cubic each
      local h, next_h = p[b] - p[a], p[c] - p[b]
      left[a][a], left[a][b], left[a][c] = next_h, -h - next_h, h
    end
  end
  return np.linalg.solve(np.array(left, 'f64'), np.array(right, 'f64'))
end

--- Cubic spline; beyond the ends the outermost cubics go on.
-- @tparam Array x (n) places, ascending, n >= 3
-- @tparam Array y (n, ...) values, which may be traced
-- @tparam[opt] table opts bc_type = 'not-a-knot' (the first and the last two intervals have one
--   cubic each; from 4 places on), 'natural' (no curvature at the ends), 'clamped' (slope 0 there)
-- @treturn function t -> Array like t, with the further axes of y
-- @usage local places = np.linspace(0, 1, 5)
-- local f = scipy.interpolate.CubicSpline(places, places ^ 3)
function M.CubicSpline(x, y, opts)
  local o = args.take('CubicSpline', opts, { bc_type = { 'string', default = 'not-a-knot' } })
  if o.bc_type ~= 'not-a-knot' and o.bc_type ~= 'natural' and o.bc_type ~= 'clamped' then
    core.raise('CubicSpline: bc_type is "not-a-knot", "natural" or "clamped", got "%s"', o.bc_type)
  end
  local least = o.bc_type == 'natural' and 3 or 4
  x, y = grid('CubicSpline', x, y, least)
  local bends = np.tensordot(curvatures(x, o.bc_type):astype(y.dtype), y, 1)
  return function(t)
    local i, place, places = locate(x, y, t)
    local x0, x1 = at(places, i), at(places, i + 1)
    local h = column(x1 - x0, y)
    local a, b = column((x1 - place) / (x1 - x0), y), column((place - x0) / (x1 - x0), y)
    return a * at(y, i) + b * at(y, i + 1)
      + ((a * a * a - a) * at(bends, i) + (b * b * b - b) * at(bends, i + 1)) * (h * h / 6)
  end
end

return args.strict('scipy.interpolate', M)
