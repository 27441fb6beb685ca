--- How well draws agree with a distribution: probabilities of being as far from it by chance.
-- @module tests.support.statistics
local M = {}

--- The cumulative distribution of a density, which needs no normalisation, on lo .. hi.
-- @tparam function density
-- @tparam number lo
-- @tparam number hi
-- @tparam[opt=20000] number n cells
function M.cumulative(density, lo, hi, n)
  n = n or 20000
  local sum, h = { [0] = 0 }, (hi - lo) / n
  for k = 1, n do -- Simpson
    local x = lo + (k - 1) * h
    local a, b, c = density(x), density(x + h / 2), density(x + h)
    sum[k] = sum[k - 1] + h / 6 * (a + 4 * b + c)
  end
  return function(x)
    local at = (x - lo) / h
    if at <= 0 then return 0 elseif at >= n then return 1 end
    local k = math.floor(at)
    return (sum[k] + (at - k) * (sum[k + 1] - sum[k])) / sum[n]
  end
end

-- The probability that the largest difference of cumulative distributions is above d (Kolmogorov
-- 1933; the correction for small numbers is Stephens's, 1970).
local function tail(d, n)
  local t, sum = d * (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)), 0
  if t < 0.3 then return 1 end
  for k = 1, 100 do sum = sum + 2 * (-1) ^ (k - 1) * math.exp(-2 * k * k * t * t) end
  return math.min(math.max(sum, 0), 1)
end

--- The probability that independent draws are as far from the cumulative distribution.
-- @tparam table values numbers
-- @tparam function cdf
-- @treturn number
function M.kolmogorov(values, cdf)
  local x, n, d = { unpack(values) }, #values, 0
  table.sort(x)
  for i, v in ipairs(x) do
    local p = cdf(v)
    d = math.max(d, i / n - p, p - (i - 1) / n)
  end
  return tail(d, n)
end

--- The probability that independent draws of one distribution, in two lists, are as far from each
-- other (Smirnov 1939); where numbers are equal it is less than this.
-- @tparam table a numbers
-- @tparam table b numbers
-- @treturn number
function M.smirnov(a, b)
  local function share(list, x)
    local n = 0
    for _, v in ipairs(list) do n = n + (v <= x and 1 or 0) end
    return n / #list
  end
  local d = 0
  for _, list in ipairs { a, b } do
    for _, x in ipairs(list) do d = math.max(d, math.abs(share(a, x) - share(b, x))) end
  end
  return tail(d, #a * #b / (#a + #b))
end

-- The probability that a chi-square number of k degrees of freedom is above x.
local function chi_square_tail(x, k)
  local a, h = k / 2, x / 2
  local term, sum = 1 / a, 1 / a
  for i = 1, 2000 do
    term = term * h / (a + i)
    sum = sum + term
  end
  local lgamma, b = 0, a -- ln Gamma(a) by Stirling's series, from 10 on
  while b < 10 do lgamma, b = lgamma - math.log(b), b + 1 end
  lgamma = lgamma + (b - 0.5) * math.log(b) - b + 0.5 * math.log(2 * math.pi) + 1 / (12 * b)
    - 1 / (360 * b ^ 3)
  return math.max(1 - sum * math.exp(a * math.log(h) - h - lgamma), 0)
end

--- The probability that whole numbers are as far from their probabilities (Pearson 1900); cells of
-- less than 8 expected numbers are put together.
-- @tparam table values whole numbers
-- @tparam function probability of a whole number
-- @tparam number lo
-- @tparam number hi what lies outside counts as a cell
function M.pearson(values, probability, lo, hi)
  local n, seen, cells = #values, {}, {}
  for _, v in ipairs(values) do seen[v] = (seen[v] or 0) + 1 end
  local expected, count, all_expected, all_seen = 0, 0, 0, 0
  for k = lo, hi do
    expected, count = expected + n * probability(k), count + (seen[k] or 0)
    all_expected, all_seen = all_expected + n * probability(k), all_seen + (seen[k] or 0)
    if expected >= 8 then
      cells[#cells + 1] = { expected, count }
      expected, count = 0, 0
    end
  end
  local last = cells[#cells]
  last[1], last[2] = last[1] + expected + n - all_expected, last[2] + count + n - all_seen
  local x = 0
  for _, c in ipairs(cells) do x = x + (c[2] - c[1]) ^ 2 / c[1] end
  return #cells > 1 and chi_square_tail(x, #cells - 1) or 1
end

--- ln k!
function M.log_factorial(k)
  local sum = 0
  for i = 2, k do sum = sum + math.log(i) end
  return sum
end

return M
