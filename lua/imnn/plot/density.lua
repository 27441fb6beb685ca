--- Densities of samples, for figures; levels and intervals of densities.
-- A curve is { x = positions, f = values, hard = { boolean, boolean } }: whether its ends are
-- limits of the parameter. For fields see imnn.plot.grid.
-- @module imnn.plot.density
local ffi = require 'ffi'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local C = core.C
local M = {}

local function list_of(p, n)
  local out = {}
  for i = 1, n do out[i] = p[i - 1] end
  return out
end

-- ---- samples ----

-- Weighted mean, deviation, lowest and highest of a column; effective number of samples.
local function moments(s, p)
  local sum, sum2, mean, squares, lo, hi = 0, 0, 0, 0, math.huge, -math.huge
  for i = 0, s.n - 1 do
    local v, w = s.x[i * s.P + p - 1], s.weights and s.weights[i] or 1
    if w > 0 then
      sum, sum2, mean = sum + w, sum2 + w * w, mean + w * v
      lo, hi = math.min(lo, v), math.max(hi, v)
    end
  end
  mean = mean / sum
  for i = 0, s.n - 1 do
    local d = s.x[i * s.P + p - 1] - mean
    squares = squares + (s.weights and s.weights[i] or 1) * d * d
  end
  return { mean = mean, deviation = math.sqrt(squares / sum), lo = lo, hi = hi,
    n_eff = sum * sum / sum2 }
end

-- Where the grid of a column begins and ends.
local function range(s, p)
  s.ranges = s.ranges or {}
  if not s.ranges[p] then
    local m = moments(s, p)
    local more = 4 * m.deviation * m.n_eff ^ -0.2
    if not (more > 0) then more = math.max(1e-6 * math.abs(m.mean), 1e-12) end
    local lo = math.max(m.lo - more, m.mean - 12 * m.deviation, s.low[p] or -math.huge)
    local hi = math.min(m.hi + more, m.mean + 12 * m.deviation, s.high[p] or math.huge)
    s.ranges[p] = { lo = lo, hi = hi, moments = m, hard = { lo == s.low[p], hi == s.high[p] } }
  end
  return s.ranges[p]
end

local function nodes(r, n)
  local out = {}
  for i = 0, n - 1 do out[i + 1] = r.lo + (r.hi - r.lo) * i / (n - 1) end
  return out
end

-- Weights shared between neighbouring nodes.
local function bin(out, s, a, ra, na, b, rb, nb)
  for i = 0, s.n - 1 do
    local w = s.weights and s.weights[i] or 1
    local u = (s.x[i * s.P + a - 1] - ra.lo) / (ra.hi - ra.lo) * (na - 1)
    local v = b and (s.x[i * s.P + b - 1] - rb.lo) / (rb.hi - rb.lo) * (nb - 1) or 0
    local inside = u >= 0 and u <= na - 1 and v >= 0 and v <= nb - 1
    if inside then
      local k, l = math.min(math.floor(u), na - 2), b and math.min(math.floor(v), nb - 2) or 0
      u, v = u - k, v - l
      out[k * nb + l] = out[k * nb + l] + w * (1 - u) * (1 - v)
      out[(k + 1) * nb + l] = out[(k + 1) * nb + l] + w * u * (1 - v)
      if b then
        out[k * nb + l + 1] = out[k * nb + l + 1] + w * (1 - u) * v
        out[(k + 1) * nb + l + 1] = out[(k + 1) * nb + l + 1] + w * u * v
      end
    end
  end
end

local function sigma(r, n, power)
  return 1.06 * r.moments.deviation * r.moments.n_eff ^ power / (r.hi - r.lo) * (n - 1)
end

--- The density of a column of samples.
-- @tparam table s samples: `n`, `P`, `x` (double, row by row), `weights` (double or nil), `low`,
-- `high`: lists of limits
-- @tparam number p which column
-- @treturn table curve
function M.curve(s, p)
  local r, n = range(s, p), 512
  local f = ffi.new('double[?]', n)
  bin(f, s, p, r, n, nil, nil, 1)
  core.check(C.imnn_lfi_smooth(f, f, n, 1, math.max(0.5, sigma(r, n, -0.2))), 'plot')
  return { x = nodes(r, n), f = list_of(f, n), hard = r.hard }
end

--- The density of a pair of columns.
-- @treturn table field
function M.surface(s, a, b)
  local ra, rb, n = range(s, a), range(s, b), 128
  local f = ffi.new('double[?]', n * n)
  bin(f, s, a, ra, n, b, rb, n)
  core.check(C.imnn_lfi_smooth(f, f, n, n, math.max(0.5, math.min(sigma(ra, n, -1 / 6),
    sigma(rb, n, -1 / 6)))), 'plot')
  return { nx = n, ny = n, x = nodes(ra, n), y = nodes(rb, n), f = f }
end

-- ---- levels and intervals ----

--- The level above which the fraction p of the mass of a curve or field lies.
function M.level(d, p)
  if d.nx then return C.imnn_lfi_level(d.f, d.nx, d.ny, p) end
  return C.imnn_lfi_level(ffi.new('double[?]', #d.f, d.f), #d.f, 1, p)
end

-- The points below which fractions of the mass of a curve lie; f is linear between nodes.
local function quantiles(curve, fractions)
  local x, f, sum, total, out = curve.x, curve.f, 0, 0, {}
  for i = 2, #x do total = total + 0.5 * (f[i] + f[i - 1]) * (x[i] - x[i - 1]) end
  local k = 1
  for i = 2, #x do
    local step = x[i] - x[i - 1]
    local mass = 0.5 * (f[i] + f[i - 1]) * step
    while k <= #fractions and (sum + mass >= fractions[k] * total or i == #x) do
      local want = math.max(0, fractions[k] * total - sum)
      local a, b = (f[i] - f[i - 1]) / step / 2, f[i - 1] -- a t^2 + b t = want
      local t = want == 0 and 0 or 2 * want / (b + math.sqrt(math.max(0, b * b + 4 * a * want)))
      out[k], k = x[i - 1] + math.min(step, t), k + 1
    end
    sum = sum + mass
  end
  return out
end

local function peak(curve)
  local best = 1
  for i, v in ipairs(curve.f) do
    if v > curve.f[best] then best = i end
  end
  return curve.f[best], curve.x[best]
end

-- exp(-z^2 / 2), z being where a normal density ends that holds a mass in its middle.
local function edge(mass)
  local z = np.ndtri(np.array((1 + mass) / 2, 'f64')):item()
  return math.exp(-z * z / 2)
end

local function value_at(curve, v)
  local x, f = curve.x, curve.f
  for i = 2, #x do
    if v <= x[i] then return f[i - 1] + (f[i] - f[i - 1]) * (v - x[i - 1]) / (x[i] - x[i - 1]) end
  end
  return f[#f]
end

local function tails(curve, mass) return quantiles(curve, { (1 - mass) / 2, (1 + mass) / 2 }) end

--- Which kind of interval says most about a curve. A limit counts if the density there is above
-- that at which an interval of a normal density ends; equal tails that end at unequal densities are
-- no summary of what is likely.
-- @treturn string "none" (both limits count), "upper", "lower", "equal-tail" or "hpd"
function M.kind(curve, mass)
  local top, least = peak(curve), edge(mass)
  local low = curve.hard[1] and curve.f[1] > least * top
  local high = curve.hard[2] and curve.f[#curve.f] > least * top
  if low or high then return low and high and 'none' or low and 'upper' or 'lower' end
  local ends = tails(curve, mass)
  local differ = math.abs(value_at(curve, ends[1]) - value_at(curve, ends[2]))
  return differ > 0.05 * top and 'hpd' or 'equal-tail'
end

--- The interval of a kind that holds a mass.
-- @treturn table pieces { low, high }
-- @treturn number the estimate: the median with equal tails, else where the density is highest
function M.interval(curve, kind, mass)
  local x = curve.x
  local _, mode = peak(curve)
  if kind == 'none' then return { { x[1], x[#x] } }, mode end
  if kind == 'upper' then return { { x[1], quantiles(curve, { mass })[1] } }, mode end
  if kind == 'lower' then return { { quantiles(curve, { 1 - mass })[1], x[#x] } }, mode end
  if kind == 'hpd' then return contour.pieces(curve.f, x, M.level(curve, mass)), mode end
  return { tails(curve, mass) }, quantiles(curve, { 0.5 })[1]
end

return M
