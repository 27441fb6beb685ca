--- Layers of corner plots: densities on a grid, samples, or points, read and checked.
--
-- A layer has `P` columns, perhaps with `names`, and one of `marginals` (with `ranges`), `samples`,
-- `points`. Its densities are made when they are first asked for, and kept.
-- @module imnn.plot.layer
local args = require 'imnn.args'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local density = require 'imnn.plot.density'
local grid = require 'imnn.plot.grid'
local np = require 'imnn.numpy'
local style = require 'imnn.plot.style'
local values = require 'imnn.plot.values'
local M = {}

-- How many numbers there are, and how many of them are none: those of a target without draws.
local function count(f, n, lost)
  for _, v in ipairs(f) do
    if type(v) == 'table' then n, lost = count(v, n, lost)
    else n, lost = n + 1, lost + (values.is_finite(v) and 0 or 1) end
  end
  return n, lost
end

-- The marginals of one target as tables, checked against the grid; nil if there are none.
local function read_marginals(who, marginals, ranges, target)
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

local function read_ranges(who, ranges)
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

-- ---- samples ----

--- Whether x is a set of samples: something with parameters (n, P).
function M.is_samples(x)
  if type(x) ~= 'table' and type(x) ~= 'cdata' and type(x) ~= 'userdata' or np.is_array(x) then
    return false
  end
  local ok, parameters = pcall(function() return x.parameters end)
  return ok and np.is_array(parameters)
end

local function field(x, name)
  local ok, v = pcall(function() return x[name] end)
  return ok and v or nil
end

-- What draws of chains are worth for each column, where they are chains; nil: Kish's size will do.
local function sizes_of(set, P)
  local ess = field(set, 'chain') and field(set, 'ess')
  if not ess then return nil end
  local ok, size = pcall(function() return values.plain(set:ess { kind = 'weighted' }) end)
  for p = 1, P do
    if not ok or not values.is_finite(size[p]) or size[p] < 1 then return nil end
  end
  return size
end

-- One number for each column, infinite where there is none.
local function limit_list(given, P, none)
  local plain, out = given and values.plain(given) or {}, {}
  for p = 1, P do out[p] = type(plain) == 'number' and plain or plain[p] or none end
  return out
end

-- The columns of an Array as double, row by row.
local function numbers(x)
  local a = x:astype 'f64'
  return a:data(), a
end

local function read_samples(who, given)
  local parameters = np.is_array(given) and given or given.parameters
  local shape = parameters.shape
  if #shape == 1 then parameters = parameters:reshape(-1, 1) end
  shape = parameters.shape
  if #shape ~= 2 or shape[1] == 0 or shape[2] == 0 then
    core.raise('%s: parameters of samples must be (n, P), got %s', who,
      values.shape_text(values.plain(parameters)))
  end
  local s = { n = shape[1], P = shape[2] }
  s.x, s.held = numbers(parameters)
  local weights = not np.is_array(given) and field(given, 'weights') or nil
  if weights then
    weights = np.array(weights, 'f64')
    if #weights.shape ~= 1 or weights.shape[1] ~= s.n then
      core.raise('%s: weights must be (%d), one for each sample, got (%s)', who, s.n,
        table.concat(weights.shape, ', '))
    end
    s.weights, s.held_weights = numbers(weights)
  end
  for i = 0, s.n * s.P - 1 do
    if s.x[i] - s.x[i] ~= 0 then
      core.raise('%s: sample %d is not finite', who, math.floor(i / s.P) + 1)
    end
  end
  local total = 0
  for i = 0, s.weights and s.n - 1 or -1 do
    if not (s.weights[i] >= 0 and s.weights[i] < math.huge) then
      core.raise('%s: weight %d is %g, and must be 0 or more', who, i + 1, s.weights[i])
    end
    total = total + s.weights[i]
  end
  if s.weights and total == 0 then core.raise('%s: all weights are 0', who) end
  local from = np.is_array(given) and {} or given
  s.low = limit_list(field(from, 'low'), s.P, -math.huge)
  s.high = limit_list(field(from, 'high'), s.P, math.huge)
  s.sizes = sizes_of(from, s.P)
  return s
end

--- Samples as figures take them, of a sample set or of an Array (n, P): see imnn.plot.density.
-- @raise shapes that do not fit, numbers that are not finite, weights below 0
M.samples = read_samples

-- ---- options ----

--- What may be said about a layer.
M.options = {
  marginals = { 'table', optional = true },
  points = { 'table', 'Array', optional = true },
  samples = { 'SampleSet', 'Array', 'table', optional = true },
  ranges = { 'table', optional = true },
  names = { 'table', optional = true },
  labels = { 'table', optional = true },
  hard = { 'table', optional = true }, -- for each parameter whether its grid ends at limits
  target = { 'integer', default = 1 },
  label = { 'string', default = '' },
  color = { 'string', optional = true },
  linestyle = { 'string', default = 'solid' },
  filled = { 'boolean', optional = true },
  background = { 'boolean', default = false }, -- does not decide what is shown
  scatter = { 'boolean', default = false },
  smooth = { 'string', default = 'kde' },
  smoothing = { 'number', default = 0 },
  hist = { 'boolean', default = true },
  s = { 'number', default = 5 },
  alpha = { 'number', default = 1 },
  bins = { 'integer', optional = true },
}

local function check_points(who, points)
  local rows = values.plain(points)
  if #rows > 0 and (type(rows[1]) ~= 'table' or #values.shape(rows) ~= 2) then
    core.raise('%s: points must be (n, parameters), got %s', who, values.shape_text(rows))
  end
  for i, row in ipairs(rows) do
    for _, v in ipairs(row) do
      if not values.is_finite(v) then core.raise('%s: point %d is not finite', who, i) end
    end
  end
  return rows
end

local function names_of(o, source)
  o.names = o.names or field(source, 'names')
  o.labels = o.labels or field(source, 'labels')
end

local function read_data(who, o)
  if o.ranges then o.ranges = read_ranges(who, o.ranges) end
  if o.samples then
    local given = o.samples
    if not np.is_array(given) then
      if not M.is_samples(given) then
        core.raise('%s: samples must be a sample set or an Array (n, P), got %s', who,
          core.kind(given))
      end
      names_of(o, given)
    end
    o.samples = read_samples(who, given)
    args.choice(who, 'option "smooth"', o.smooth, density.methods)
    o.samples.smooth, o.samples.smoothing = o.smooth, o.smoothing
    o.P = o.samples.P
  elseif o.points then
    o.points = check_points(who, o.points)
    o.P = o.points[1] and #o.points[1] or o.ranges and #o.ranges
    if not o.P then core.raise('%s: there are no points', who) end
  elseif o.marginals and o.ranges then
    o.P = #o.ranges
    o.marginals = read_marginals(who, o.marginals, o.ranges, o.target)
  else
    core.raise('%s: a posterior needs ranges and marginals, or points', who)
  end
end

local function check_hard(who, hard, P)
  for p = 1, math.max(P, #hard) do
    local ends = hard[p]
    if type(ends) ~= 'table' then
      core.raise('%s: option "hard" must hold { low, high }, whether the grid ends at limits, for '
        .. 'each of %d parameters, got %s as number %d', who, P, core.kind(ends), p)
    end
  end
end

local Layer = {}
Layer.__index = Layer

--- A layer.
-- @tparam string who for messages
-- @tparam table given what a user gives as a posterior: plot.corner
-- @raise shapes that do not fit, unknown or missing options
function M.read(who, given)
  local o = args.take(who, given, M.options)
  style.colour(who, o.color, 1)
  style.dash(who, o.linestyle)
  if not (o.alpha > 0 and o.alpha <= 1) then
    core.raise('%s: option "alpha" must be above 0 and at most 1, got %g', who, o.alpha)
  end
  if o.bins and o.bins < 1 then
    core.raise('%s: a histogram needs at least one bin, got %d', who, o.bins)
  elseif o.bins and o.bins > 10000 then
    core.raise('%s: a histogram has at most 10000 bins, got %g', who, o.bins)
  end
  if o.smoothing > 10000 then
    core.raise('%s: option "smoothing" must be at most 10000 bins, got %g', who, o.smoothing)
  end
  if o.s > 10000 then
    core.raise('%s: option "s" must be at most 10000 points^2, got %g', who, o.s)
  end
  if o.smoothing < 0 then
    core.raise('%s: option "smoothing" must not be negative, got %g', who, o.smoothing)
  end
  if not (o.s > 0) then core.raise('%s: option "s" must be positive, got %g', who, o.s) end
  read_data(who, o)
  if o.hard then check_hard(who, o.hard, o.P) end
  o.made = {}
  return setmetatable(o, Layer)
end

-- What fn() gives, made once.
local function once(layer, name, fn)
  local found = layer.made[name]
  if found == nil then
    found = fn() or false
    layer.made[name] = found
  end
  return found or nil
end

--- The density of column p, or nil.
function Layer:curve(p)
  return once(self, p, function()
    if self.samples then return density.curve(self.samples, p) end
    if not self.marginals then return nil end
    local f, x = grid.curve(self.marginals[p][p], self.ranges[p])
    local whole, hard = self.ranges[p], self.hard and self.hard[p] or {}
    return { f = f, x = x,
      hard = { hard[1] and x[1] == whole[1], hard[2] and x[#x] == whole[#whole] } }
  end)
end

--- The density of columns a and b, or nil.
function Layer:surface(a, b)
  return once(self, a .. ' ' .. b, function()
    if self.samples then return density.surface(self.samples, a, b) end
    if not self.marginals then return nil end
    if a < b then
      return grid.surface(grid.field(self.marginals[b][a], self.ranges[a], self.ranges[b]))
    end
    local f = {}
    for i = 1, #self.ranges[a] do
      f[i] = {}
      for j = 1, #self.ranges[b] do f[i][j] = self.marginals[a][b][j][i] end
    end
    return grid.surface(grid.field(f, self.ranges[a], self.ranges[b]))
  end)
end

-- Whether the ends of x are not where the density of column p is cut.
local function ends(layer, p, x)
  local whole, hard = layer.ranges[p], layer.hard and layer.hard[p] or {}
  return hard[1] or x[1] ~= whole[1] or false, hard[2] or x[#x] ~= whole[#whole] or false
end

--- Columns whose regions of a mass, alone or with another one, reach an end of the grid that is no
-- limit of the parameter.
-- @treturn table a list, empty for samples and points: their grids end where nothing is
function Layer:cut(mass)
  local found, out = {}, {}
  for p = 1, self.marginals and self.P or 0 do
    local curve = self:curve(p)
    found[p] = density.open(curve, { ends(self, p, curve.x) }, mass)
    for q = 1, p - 1 do
      local both = self:surface(q, p)
      local left, right = ends(self, q, both.x)
      local low, high = ends(self, p, both.y)
      found[q] = found[q] or density.open(both, { left, right, true, true }, mass)
      found[p] = found[p] or density.open(both, { true, true, low, high }, mass)
    end
  end
  for p = 1, self.P do out[#out + 1] = found[p] and p or nil end
  return out
end

-- Columns of points, from the lowest to the highest.
local function extent_of_points(points, p)
  local lo, hi = math.huge, -math.huge
  for _, row in ipairs(points) do
    if values.is_finite(row[p]) then lo, hi = math.min(lo, row[p]), math.max(hi, row[p]) end
  end
  return lo - 0.05 * (hi - lo), hi + 0.05 * (hi - lo)
end

--- Where a layer has something to show of column p: the interval that holds `mass`, or 99 % if that
-- is more, and some more, but nothing beyond its limits.
-- @treturn number low, above high if there is nothing
-- @treturn number high
function Layer:extent(p, mass)
  if self.points then return extent_of_points(self.points, p) end
  local curve, lo, hi = self:curve(p), math.huge, -math.huge
  if not curve then return lo, hi end
  local x, f = curve.x, curve.f
  for _, piece in ipairs(contour.pieces(f, x, density.level(curve, math.max(mass, 0.99)))) do
    lo, hi = math.min(lo, piece[1]), math.max(hi, piece[2])
  end
  local more = 0.12 * (hi - lo)
  return math.max(x[1], lo - more), math.min(x[#x], hi + more)
end

return M
