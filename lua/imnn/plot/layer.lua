--- Layers of corner plots: densities on a grid, or points, read and checked.
-- @module imnn.plot.layer
local ffi = require 'ffi'
local args = require 'imnn.args'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local grid = require 'imnn.plot.grid'
local style = require 'imnn.plot.style'
local values = require 'imnn.plot.values'
local M = {}

local who = 'plot.corner'

--- The density level that encloses the fraction p of the mass; f is f[i] or f[i][j].
function M.level(f, p)
  local nx, ny = #f, type(f[1]) == 'table' and #f[1] or 1
  local flat = ffi.new('double[?]', nx * ny)
  for i = 1, nx do
    for j = 1, ny do flat[(i - 1) * ny + j - 1] = ny > 1 and f[i][j] or f[i] end
  end
  return core.C.imnn_lfi_level(flat, nx, ny, p)
end

-- How many numbers there are, and how many of them are none: those of a target without draws.
local function count(f, n, lost)
  for _, v in ipairs(f) do
    if type(v) == 'table' then n, lost = count(v, n, lost)
    else n, lost = n + 1, lost + (values.is_finite(v) and 0 or 1) end
  end
  return n, lost
end

-- The marginals of one target as tables, checked against the grid; nil if there are none.
local function read_marginals(marginals, ranges, target)
  local out = {}
  for row = 1, #ranges do
    out[row] = {}
    for column = 1, row do
      local given = values.plain(type(marginals[row]) == 'table' and marginals[row][column])
      local shape = values.shape(given)
      local want = row == column and { #ranges[row] } or { #ranges[column], #ranges[row] }
      if #shape == #want + 1 then
        given = given[target]
        shape = values.shape(given)
      end
      if table.concat(shape, ' ') ~= table.concat(want, ' ') then
        core.raise('%s: marginals[%d][%d] must be (%s) or (targets, %s) as the ranges are, got %s',
          who, row, column, table.concat(want, ', '), table.concat(want, ', '),
          values.shape_text(given))
      end
      local n, lost = count(given, 0, 0)
      if lost == n then return nil end
      if lost > 0 then
        core.raise('%s: marginals[%d][%d] holds %d numbers that are not finite', who, row, column,
          lost)
      end
      out[row][column] = given
    end
  end
  return out
end

local function read_ranges(ranges)
  local out = {}
  for p, given in ipairs(ranges) do
    local range = values.plain(given)
    if type(range) ~= 'table' or #range < 2 then
      core.raise('%s: ranges[%d] must be a list of grid points, got %s', who, p,
        values.shape_text(range))
    end
    for i = 2, #range do
      if not (range[i] > range[i - 1]) then
        core.raise('%s: ranges[%d] must rise, but point %d is %g after %g', who, p, i, range[i],
          range[i - 1])
      end
    end
    out[p] = range
  end
  return out
end

local layer_options = {
  marginals = { 'table', optional = true },
  points = { 'table', 'Array', optional = true },
  ranges = { 'table', optional = true },
  target = { 'integer', default = 1 },
  label = { 'string', default = '' },
  color = { 'string', optional = true },
  linestyle = { 'string', default = 'solid' },
  filled = { 'boolean', optional = true },
  hist = { 'boolean', default = true },
  s = { 'number', default = 5 },
  alpha = { 'number', default = 1 },
  bins = { 'integer', optional = true },
}

local function check_points(points)
  local rows = values.plain(points)
  if #rows > 0 and (type(rows[1]) ~= 'table' or #values.shape(rows) ~= 2) then
    core.raise('%s: points must be (n, parameters), got %s', who, values.shape_text(rows))
  end
  return rows
end

--- A layer, which has `P` parameters and either `points` or `ranges` and, unless there was nothing
-- to see, `marginals`.
-- @tparam table given what a user gives as a posterior: plot.corner
-- @raise shapes that do not fit, unknown or missing options
function M.read(given)
  local o = args.take(who, given, layer_options)
  style.colour(who, o.color, 1)
  style.dash(who, o.linestyle)
  if not (o.alpha > 0 and o.alpha <= 1) then
    core.raise('%s: option "alpha" must be above 0 and at most 1, got %g', who, o.alpha)
  end
  if o.bins and o.bins < 1 then
    core.raise('%s: a histogram needs at least one bin, got %d', who, o.bins)
  end
  if not (o.s > 0) then core.raise('%s: option "s" must be positive, got %g', who, o.s) end
  if o.ranges then o.ranges = read_ranges(o.ranges) end
  if o.points then
    o.points = check_points(o.points)
    o.P = o.points[1] and #o.points[1] or o.ranges and #o.ranges
    if not o.P then core.raise('%s: there are no points', who) end
  elseif o.marginals and o.ranges then
    o.P = #o.ranges
    o.marginals = read_marginals(o.marginals, o.ranges, o.target)
  else
    core.raise('%s: a posterior needs ranges and marginals, or points', who)
  end
  return o
end

--- Where a layer has something to show of parameter p: its outermost interval and some more.
-- @treturn number low, above high if there is nothing
-- @treturn number high
function M.extent(layer, p, outermost)
  local lo, hi, first, last = math.huge, -math.huge, -math.huge, math.huge
  if layer.points then
    for _, row in ipairs(layer.points) do
      if values.is_finite(row[p]) then lo, hi = math.min(lo, row[p]), math.max(hi, row[p]) end
    end
    return lo - 0.05 * (hi - lo), hi + 0.05 * (hi - lo)
  elseif layer.marginals then
    local f, x = grid.curve(layer.marginals[p][p], layer.ranges[p])
    for _, piece in ipairs(contour.pieces(f, x, M.level(f, outermost))) do
      lo, hi = math.min(lo, piece[1]), math.max(hi, piece[2])
    end
    first, last = x[1], x[#x]
  end
  local more = 0.35 * (hi - lo)
  return math.max(first, lo - more), math.min(last, hi + more)
end

return M
