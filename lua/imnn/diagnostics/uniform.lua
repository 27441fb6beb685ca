--- Whether numbers are uniform: tests, and the band of their cumulative distribution.
-- @module imnn.diagnostics.uniform
local ffi = require 'ffi'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

--- The tail of Kolmogorov's distribution (1933).
function M.kolmogorov(t)
  if t < 0.2 then return 1 end -- to all digits
  local sum = 0
  for j = 1, 100 do
    local term = math.exp(-2 * j * j * t * t)
    sum = sum + (j % 2 == 1 and term or -term)
    if term < 1e-17 * sum then break end
  end
  return math.min(2 * sum, 1)
end

--- The Kolmogorov-Smirnov test of numbers in order; probability with Stephens's correction (1970).
-- @tparam table sorted numbers
-- @treturn number the distance
-- @treturn number its probability
function M.ks(sorted)
  local n, D = #sorted, 0
  for k, f in ipairs(sorted) do D = math.max(D, k / n - f, f - (k - 1) / n) end
  local root = math.sqrt(n)
  return D, M.kolmogorov((root + 0.12 + 0.11 / root) * D)
end

--- Pearson's test (1900) of ranks 0 .. L in B bins, whose sizes differ where B does not divide
-- L + 1.
function M.chi2(ranks, L, B)
  local expected, seen, sum = {}, {}, 0
  for b = 0, B - 1 do
    -- ranks r with floor(r B / (L + 1)) = b
    local size = math.ceil((b + 1) * (L + 1) / B) - math.ceil(b * (L + 1) / B)
    expected[b], seen[b] = #ranks * size / (L + 1), 0
  end
  for _, r in ipairs(ranks) do
    local b = math.floor(r * B / (L + 1))
    seen[b] = seen[b] + 1
  end
  for b = 0, B - 1 do sum = sum + (seen[b] - expected[b]) ^ 2 / expected[b] end
  local two = np.array({ (B - 1) / 2, sum / 2 }, 'f64')
  return sum, np.gammaincc(two[1], two[2]):item()
end

--- Both tails of the normal distribution.
function M.two_sided(z) return np.erfc(np.array(math.abs(z) / math.sqrt(2), 'f64')):item() end

--- Where numbers of [0, 1] stand and how far they are spread, in standard deviations under
-- uniformity.
-- @treturn number location: below 0, numbers are low
-- @treturn number dispersion: above 0, they are at the ends
function M.signed(u)
  local n, mean, square = #u, 0, 0
  for _, x in ipairs(u) do mean, square = mean + x, square + (x - 0.5) ^ 2 end
  return (mean / n - 0.5) * math.sqrt(12 * n), (square / n - 1 / 12) * math.sqrt(180 * n)
end

--- Probabilities of several tests, corrected (Holm 1979).
-- @tparam table p
-- @treturn table those for which at least one of all is below its level by chance as often as it
-- says
function M.holm(p)
  local order, out, last = {}, {}, 0
  for i = 1, #p do order[i] = i end
  table.sort(order, function(a, b) return p[a] < p[b] end)
  for k, i in ipairs(order) do
    last = math.max(last, math.min(1, (#p - k + 1) * p[i]))
    out[i] = last
  end
  return out
end

-- ---- the band ----

-- ln k!, k = 0 .. n
local function log_factorials(n)
  local out = ffi.new('double[?]', n + 1)
  for k = 1, n do out[k] = out[k - 1] + math.log(k) end
  return out
end

-- Cells about the mean of a count beyond which there is less than 1e-30.
local function window(mean, variance, most)
  local wide = math.ceil(12 * math.sqrt(variance) + 30)
  return math.max(0, math.floor(mean) - wide), math.min(most, math.ceil(mean) + wide)
end

-- Of Binomial(S, z): `first` and `last` count, and P(X <= c), P(X >= c) for those between.
local function tails(S, z, lf)
  local first, last = window(S * z, S * z * (1 - z), S)
  local n = last - first + 1
  local p, below, above = ffi.new('double[?]', n), ffi.new('double[?]', n), ffi.new('double[?]', n)
  local a, b = math.log(z), math.log(1 - z)
  for c = first, last do
    p[c - first] = math.exp(lf[S] - lf[c] - lf[S - c] + c * a + (S - c) * b)
  end
  local sum = 0
  for i = 0, n - 1 do
    sum = sum + p[i]
    below[i] = sum
  end
  sum = 0
  for i = n - 1, 0, -1 do
    sum = sum + p[i]
    above[i] = sum
  end
  return { first = first, last = last, below = below, above = above }
end

-- Quantiles of g / 2 and 1 - g / 2; where g is twice a tail itself, rounding does not matter.
local function inside(t, g)
  local a, b = t.first, t.last
  while 2 * t.below[a - t.first] < g * (1 - 1e-10) do a = a + 1 end
  while 2 * t.above[b - t.first] <= g * (1 + 1e-10) do b = b - 1 end
  return a, b
end

-- The probability that counts of S uniform numbers below k / K are inside for all k. Numbers in
-- cells are independent Poisson numbers under the condition that there are S of them.
local function coverage(S, K, all, g, lf)
  local mean = S / K
  local d0, d1 = window(mean, mean, S)
  local cell = ffi.new('double[?]', d1 - d0 + 1)
  for d = d0, d1 do cell[d - d0] = math.exp(d * math.log(mean) - mean - lf[d]) end
  local low, high, p = 0, 0, ffi.new('double[1]', 1)
  for k = 1, K - 1 do
    local a, b = inside(all[k], g)
    if a > b then return 0 end
    local q = ffi.new('double[?]', b - a + 1)
    for c = a, b do
      local sum = 0
      for n = math.max(low, c - d1), math.min(high, c - d0) do
        sum = sum + p[n - low] * cell[c - n - d0]
      end
      q[c - a] = sum
    end
    low, high, p = a, b, q
  end
  local sum = 0
  for n = math.max(low, S - d1), math.min(high, S - d0) do
    sum = sum + p[n - low] * cell[S - n - d0]
  end
  return sum / math.exp(S * math.log(S) - S - lf[S])
end

-- The largest g that keeps the probability of being outside anywhere at the level.
local function largest(S, K, all, level, lf)
  local low, high = math.log(1e-12), 0
  for _ = 1, 46 do
    local middle = (low + high) / 2
    if coverage(S, K, all, math.exp(middle), lf) >= 1 - level then low = middle
    else high = middle end
    core.poll()
  end
  return math.exp(low)
end

-- The last band, for many tests of equal sizes.
local last = {}

--- A band for the cumulative distribution of S uniform numbers at k / K.
-- The smaller tail of each count is gamma / 2 or more, with gamma such that all counts are inside
-- with the probability 1 - level: exact, where Saeilynoja et al. 2022, Stat. Comput. 32, simulate.
-- @tparam number S
-- @tparam number K 2 or more
-- @tparam number level
-- @tparam[opt] number gamma in place of the one that is looked for
-- @treturn table z, low, high: numbers for k = 1 .. K - 1, bounds of the share minus z; gamma;
-- false_alarms: how often a count is outside
function M.band(S, K, level, gamma)
  local name = ('%d %d %.17g %s'):format(S, K, level, tostring(gamma))
  if last.name == name then return last.band end
  local lf, all = log_factorials(S), {}
  for k = 1, K - 1 do all[k] = tails(S, k / K, lf) end
  local g = gamma or largest(S, K, all, level, lf)
  local out = { z = {}, low = {}, high = {}, gamma = g }
  for k, t in ipairs(all) do
    local a, b = inside(t, g)
    out.z[k], out.low[k], out.high[k] = k / K, a / S - k / K, b / S - k / K
  end
  out.false_alarms = math.max(0, 1 - coverage(S, K, all, g, lf))
  last = { name = name, band = out }
  return out
end

--- Shares of numbers in order that are k / K or less, minus k / K.
function M.difference(sorted, K)
  local out, i = {}, 0
  for k = 1, K - 1 do
    while i < #sorted and sorted[i + 1] <= k / K do i = i + 1 end
    out[k] = i / #sorted - k / K
  end
  return out
end

--- Probabilities alpha that a share f < alpha has; a list of numbers between 0 and 1.
function M.shares(f, alpha)
  local out = {}
  for i, a in ipairs(alpha) do
    local n = 0
    for _, x in ipairs(f) do if x < a then n = n + 1 end end
    out[i] = n / #f
  end
  return out
end

return M
