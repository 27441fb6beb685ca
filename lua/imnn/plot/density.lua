--- Densities of samples, for figures; levels and intervals of densities.
-- A curve is { x = positions, f = values, hard = { boolean, boolean } }, whether its ends are
-- limits of the parameter; `flat`: f as C has it; `single`: the value that all samples have;
-- `note`: what was done otherwise than asked. For fields see imnn.plot.grid.
-- @module imnn.plot.density
local ffi = require 'ffi'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local C = core.C
local M = {}

-- ---- where the samples are ----

local CELLS = 1024

-- Weight in each cell of a column between lo and hi, and in all of them.
local function count(s, p, lo, hi)
  local cells, total = ffi.new('double[?]', CELLS), 0
  local x, stride, scale = s.x + p - 1, s.P, CELLS / (hi - lo)
  for i = 0, s.n - 1 do
    local v, w = x[i * stride], s.weights and s.weights[i] or 1
    if v >= lo and v <= hi and w > 0 then
      local k = math.min(math.floor((v - lo) * scale), CELLS - 1)
      cells[k] = cells[k] + w
      total = total + w
    end
  end
  return cells, total
end

local function ends(s, p)
  local lo, hi, x = math.huge, -math.huge, s.x + p - 1
  for i = 0, s.n - 1 do
    if not s.weights or s.weights[i] > 0 then
      local v = x[i * s.P]
      if v < lo then lo = v end
      if v > hi then hi = v end
    end
  end
  return lo, hi
end

local TAIL = 0.001 -- on each side: what lies there does not decide what is shown

-- A range that holds all but the tails, by histograms that look closer and closer.
local function bulk(s, p, lo, hi)
  local _, all = count(s, p, lo, hi)
  local below, above = 0, 0
  for _ = 1, 12 do
    if not (hi > lo) then break end
    local cells, first, last = count(s, p, lo, hi), 0, CELLS - 1
    while first < last and below + cells[first] < TAIL * all do
      below, first = below + cells[first], first + 1
    end
    while last > first and above + cells[last] < TAIL * all do
      above, last = above + cells[last], last - 1
    end
    local width, many = (hi - lo) / CELLS, last - first
    lo, hi = lo + first * width, lo + (last + 1) * width
    if many > 64 then break end
  end
  return lo, hi
end

-- Where the grid of a column begins and ends: limits count where samples come near them.
local function range(s, p)
  s.ranges = s.ranges or {}
  if not s.ranges[p] then
    local least, most = ends(s, p)
    local lo, hi = bulk(s, p, least, most)
    local more = (0.3 + 2 / math.sqrt(s.n)) * (hi - lo)
    local single = not (more > 1e-12 * math.max(math.abs(lo), math.abs(hi)))
    if single then more = math.max(1e-3 * math.abs(lo), 1e-6) end
    -- What rounding has put beyond a limit is not refused.
    local low = math.min(s.low[p] or -math.huge, least)
    local high = math.max(s.high[p] or math.huge, most)
    s.ranges[p] = { math.max(lo - more, low), math.min(hi + more, high), width = more, low = low,
      high = high, single = single and lo }
  end
  return s.ranges[p]
end

-- ---- densities ----

local methods = { kde = C.IMNN_DENSITY_LINEAR, histogram = C.IMNN_DENSITY_HISTOGRAM }
M.methods = methods

local function options(s, columns)
  local o = C.imnn_density_defaults()
  o.method, o.smoothing = methods[s.smooth or 'kde'], s.smoothing or 0
  o.corrections = s.smooth ~= 'histogram' and 1 or 0 -- wide kernels without much bias
  for k, p in ipairs(columns) do
    local r = range(s, p)
    o.low[k - 1], o.high[k - 1] = r.low, r.high
    local size = s.sizes and s.sizes[p]
    if size and (k == 1 or size < o.n_eff) then o.n_eff = size end
    o.from[k - 1], o.to[k - 1] = r[1], r[2]
  end
  return o
end

local function density(s, columns, o)
  local a, b = columns[1], columns[2]
  local given = ffi.new('imnn_density_samples', { n = s.n, x = s.x + a - 1,
    y = b and s.x + b - 1 or nil, stride = s.P, weight = s.weights, weight_stride = 1 })
  local out = ffi.new 'imnn_density *[1]'
  local status = C.imnn_density_new(out, given, o)
  if status ~= C.IMNN_OK and not (o.bandwidth[0] > 0) then -- samples of one value have no spread
    for k, p in ipairs(columns) do o.bandwidth[k - 1] = 0.1 * range(s, p).width end
    status = C.imnn_density_new(out, given, o)
  end
  if status ~= C.IMNN_OK then
    core.raise('plot: %s', (ffi.string(C.imnn_last_error()):gsub('^kde: ', '')))
  end
  return ffi.gc(out[0], C.imnn_density_release)
end

local function nodes(d, k)
  local out, n = {}, d.nodes[k]
  for i = 0, n - 1 do out[i + 1] = d.from[k] + (d.to[k] - d.from[k]) * i / (n - 1) end
  return out
end

local LEAST = 0.2 -- of n^(4/5): samples under the kernel at the peak; 0.42 of a normal density

-- The density of a column, without the noise that the eye takes for structure: where a density has
-- a step the rule gives a kernel with hardly any samples under it.
local function smooth_density(s, p)
  local o = options(s, { p })
  local d = density(s, { p }, o)
  local top, rule = 0, d.marginal[0]
  if not (rule > 0) then return d, d.bandwidth[0] end -- a histogram, or samples of one value
  for i = 0, d.nodes[0] - 1 do top = math.max(top, d.f[i]) end
  local more = LEAST * d.n_eff ^ 0.8 / (d.n_eff * top * rule)
  if more > 1 then
    o.bandwidth[0] = d.bandwidth[0] * more
    d = density(s, { p }, o)
  end
  return d, rule * math.max(1, more)
end

--- The density of a column of samples.
-- @tparam table s samples: `n`, `P`, `x` (double, row by row), `weights` (double or nil), `low`,
-- `high`: lists of limits; `sizes`: what draws of chains are worth for each column, or nil;
-- `smooth`: "kde" or "histogram", with `smoothing` in bins
-- @tparam number p which column
-- @treturn table curve
function M.curve(s, p)
  s.curves = s.curves or {}
  if not s.curves[p] then
    local d, rule = smooth_density(s, p)
    local f = {}
    for i = 1, d.nodes[0] do f[i] = d.f[i - 1] end
    s.curves[p] = { x = nodes(d, 0), f = f, hard = { d.hard[0][0], d.hard[0][1] }, flat = d.f,
      held = d, rule = rule, note = ffi.string(d.note), single = range(s, p).single }
  end
  return s.curves[p]
end

local NARROW = 0.8 -- correlation of a ridge that needs a finer grid

local function correlation(s, a, b)
  local w1, sa, sb, saa, sbb, sab = 0, 0, 0, 0, 0, 0
  local x, y, stride, w = s.x + a - 1, s.x + b - 1, s.P, s.weights
  local x0, y0 = x[0], y[0] -- differences from a sample: what is large and the same cancels
  for i = 0, s.n - 1 do
    local u, v, k = x[i * stride] - x0, y[i * stride] - y0, w and w[i] or 1
    w1, sa, sb = w1 + k, sa + k * u, sb + k * v
    saa, sbb, sab = saa + k * u * u, sbb + k * v * v, sab + k * u * v
  end
  sa, sb = sa / w1, sb / w1
  local r = (sab / w1 - sa * sb) / math.sqrt((saa / w1 - sa * sa) * (sbb / w1 - sb * sb))
  return r == r and r or 0
end

--- The density of a pair of columns. What the rule says about bandwidths of single ones is not
-- asked again.
-- @treturn table field
function M.surface(s, a, b)
  local o = options(s, { a, b })
  for k, p in ipairs { a, b } do
    local one = M.curve(s, p)
    o.marginal[k - 1] = one.rule
  end
  local n = math.abs(correlation(s, a, b)) < NARROW and 128 or 256
  o.nodes[0], o.nodes[1] = s.smooth == 'histogram' and 0 or n, s.smooth == 'histogram' and 0 or n
  local d = density(s, { a, b }, o)
  return { nx = d.nodes[0], ny = d.nodes[1], x = nodes(d, 0), y = nodes(d, 1), f = d.f, held = d }
end

-- ---- levels and intervals ----

local function flat(curve)
  if not curve.flat then curve.flat = ffi.new('double[?]', #curve.f, curve.f) end
  return curve.flat
end

--- The levels above which fractions of the mass of a curve or field lie.
function M.levels(d, fractions)
  local n, list = #fractions, {}
  local p, out = ffi.new('double[?]', n, fractions), ffi.new('double[?]', n)
  core.check(C.imnn_density_levels(out, d.nx and d.f or flat(d), d.nx or #d.f, d.ny or 1, n, p),
    'plot')
  for i = 1, n do list[i] = out[i - 1] end
  return list
end

--- Whether the region that holds a fraction of a curve or field reaches an end of its grid that is
-- no limit, so that the fraction is one of what the grid holds.
-- @tparam table d curve or field
-- @tparam table hard whether ends are limits, or not ends of the grid: of x, and of y
-- @tparam number p
function M.open(d, hard, p)
  local closed = ffi.new('bool[4]', { hard[1], hard[2], hard[3], hard[4] })
  return C.imnn_density_open(d.nx and d.f or flat(d), d.nx or #d.f, d.ny or 1, closed,
    M.level(d, p))
end

--- One of them.
function M.level(d, p) return M.levels(d, { p })[1] end

--- The points below which fractions of the mass of a curve lie.
function M.quantiles(curve, fractions)
  local out, n = {}, #curve.x
  for i, p in ipairs(fractions) do
    out[i] = C.imnn_density_quantile(flat(curve), n, curve.x[1], curve.x[n], p)
  end
  return out
end

local kinds = { [0] = 'none', 'upper', 'lower', 'equal-tail', 'hpd' }

local VALLEY = 0.05 -- of the peak

-- The density at a place.
local function value_at(curve, x)
  local n, first = #curve.x, curve.x[1]
  local at = math.max(0, math.min(n - 1, (x - first) / (curve.x[n] - first) * (n - 1)))
  local i = math.min(math.floor(at) + 1, n - 1)
  return curve.f[i] + (curve.f[i + 1] - curve.f[i]) * (at - i + 1)
end

-- Whether the median is where hardly anything is: between the peaks of a density with two.
local function in_valley(curve, mass)
  local top = 0
  for _, v in ipairs(curve.f) do top = math.max(top, v) end
  local middle = value_at(curve, M.quantiles(curve, { 0.5 })[1])
  return middle < M.level(curve, mass) - VALLEY * top
end

--- Which kind of interval says most about a curve: imnn_density_interval; but equal tails about a
-- median that the region of highest density leaves out say nothing.
-- @treturn string "none" (both limits count), "upper", "lower", "equal-tail" or "hpd"
function M.kind(curve, mass)
  local n, hard, out = #curve.x, ffi.new 'bool[2]', ffi.new 'double[2]'
  hard[0], hard[1] = curve.hard[1] or false, curve.hard[2] or false
  local kind = kinds[tonumber(C.imnn_density_interval(out, flat(curve), n, curve.x[1], curve.x[n],
    hard, mass))]
  return kind == 'equal-tail' and in_valley(curve, mass) and 'hpd' or kind
end

local function mode(curve)
  local best = 1
  for i, v in ipairs(curve.f) do
    if v > curve.f[best] then best = i end
  end
  return curve.x[best]
end

--- The interval of a kind that holds a mass.
-- @treturn table pieces { low, high }
-- @treturn number the estimate: the median with equal tails, else where the density is highest
function M.interval(curve, kind, mass)
  local x = curve.x
  if kind == 'none' then return { { x[1], x[#x] } }, mode(curve) end
  if kind == 'upper' then return { { x[1], M.quantiles(curve, { mass })[1] } }, mode(curve) end
  if kind == 'lower' then return { { M.quantiles(curve, { 1 - mass })[1], x[#x] } }, mode(curve) end
  if kind == 'hpd' then
    return contour.pieces(curve.f, x, M.level(curve, mass)), mode(curve)
  end
  local q = M.quantiles(curve, { (1 - mass) / 2, 0.5, (1 + mass) / 2 })
  return { { q[1], q[3] } }, q[2]
end

return M
