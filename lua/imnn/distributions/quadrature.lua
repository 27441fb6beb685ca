--- What follows from a cumulative distribution: its inverse, and moments.
-- @module imnn.distributions.quadrature
local lax = require 'imnn.lax'
local np = require 'imnn.numpy'
local M = {}

-- Places x of s on the real line, which go from the low end to the high one; ends may be infinite.
-- Near a finite end they are as dense as floating-point numbers are near 0.
local function places(each, dtype)
  local low, high = each.bounds(dtype)
  local center, scale = each.middle(dtype)
  local has_low, has_high = np.isfinite(low), np.isfinite(high)
  local a, b = np.where(has_low, low, 0), np.where(has_high, high, 0)
  return function(s)
    local up, down = np.exp(s), np.exp(-s)
    local both = np.where(np.lt(s, 0), a + (b - a) / (1 + down), b - (b - a) / (1 + up))
    local one = np.where(has_low, a + scale * up, b - scale * down)
    return np.where(np['and'](has_low, has_high), both,
      np.where(np['or'](has_low, has_high), one, center + scale * (up - down)))
  end
end

-- The x where a falling or rising function of it is q, by halving; a last step of Newton's method
-- gives it the derivatives that the distribution has.
local function inverse(each, q, upper)
  local fn, wide = upper and each.sf or each.cdf, q.dtype == 'f64'
  local place, steps, far = places(each, q.dtype), wide and 60 or 34, wide and 700 or 85
  local target = lax.stop_gradient(q)
  local function body(_, range)
    local middle = 0.5 * (range[1] + range[2])
    local y = fn(lax.stop_gradient(place(middle)))
    local above = upper and np.le(y, target) or np.ge(y, target)
    return { np.where(above, range[1], middle), np.where(above, middle, range[2]) }
  end
  local zero = np.zeros((place(np.array(0.5, q.dtype)) + target).shape, q.dtype)
  local range = lax.fori_loop(0, steps, body, { zero - far, zero + far })
  local x = lax.stop_gradient(place(0.5 * (range[1] + range[2])))
  if each.discrete then return np.round(x) end
  local density = np.exp(each.log_prob(x))
  local good = np['and'](np.gt(density, 0), np.isfinite(density))
  local y = x + (upper and fn(x) - q or q - fn(x)) / np.where(good, density, 1)
  local low, high = each.bounds(q.dtype)
  good = np['and'](good, np['and'](np.gt(y, low), np.lt(y, high)))
  local first, last = upper and high or low, upper and low or high
  return np.where(np.le(target, 0), first, np.where(np.ge(target, 1), last, np.where(good, y, x)))
end

--- Functions of components that others stand in for.
M.made = {}
function M.made.sf(each, x) return 1 - each.cdf(x) end
function M.made.quantile(each, q) return inverse(each, q, false) end
function M.made.upper_quantile(each, q)
  if each.sf then return inverse(each, q, true) end
  return each.quantile and each.quantile(1 - q) or inverse(each, 1 - q, false)
end

-- Nodes q and weights of integrals over (0, 1/2) that do not mind singularities at 0 (Takahasi &
-- Mori 1974, Publ. RIMS 9, 721), in steps of 1 / n.
local nodes = {}
local function nodes_of(dtype, n)
  if not nodes[n] then
    local q, w, h = {}, {}, 1 / n
    for k = -3.75 * n, 3.75 * n do
      local s = math.pi / 2 * math.sinh(k * h)
      local half = 1 / (1 + math.exp(-2 * s)) / 2
      local weight = h * math.pi / 2 * math.cosh(k * h) / (2 * math.cosh(s) ^ 2) / 2
      if half > 1e-30 and weight > 1e-30 and half < 0.5 then
        q[#q + 1], w[#w + 1] = half, weight
      end
    end
    nodes[n] = { q, w }
  end
  return np.array(nodes[n][1], dtype), np.array(nodes[n][2], dtype)
end

-- The mean of fn(x), as the integral of fn over the quantiles.
local function mean_of(d, dtype, fn)
  local component = require('imnn.distributions.base').component
  local q, w = nodes_of(dtype, 16)
  local shape = { q.size }
  for k = 1, #d.event_shape do shape[k + 1] = 1 end
  q, w = np.reshape(q, shape), np.reshape(w, shape)
  local below, above = component(d, 'quantile')(q), component(d, 'upper_quantile')(q)
  return ((fn(below) + fn(above)) * w):sum { axis = 1 }
end

-- x as numbers that do not move with parameters, but in proportion where the support moves, and the
-- logarithm of dx over that of the numbers, up to a constant.
local function carried(each, x)
  local low, high = each.bounds 'f64'
  local has_low, has_high = np.isfinite(low), np.isfinite(high)
  local a, b = np.where(has_low, low, 0), np.where(has_high, high, 0)
  local both = np['and'](has_low, has_high)
  local length = np.where(both, b - a, 1)
  local from, to, size = lax.stop_gradient(a), lax.stop_gradient(b), lax.stop_gradient(length)
  local share = np.where(both, (x - from) / size, np.where(has_low, 0, 1))
  return x + (1 - share) * (a - from) + share * (b - to), np.log(length / size)
end

-- The mean of fn(x) under each component of a distribution. Nodes are at quantiles, and stay there:
-- derivatives in parameters come from those of the density, which every distribution has, and not
-- from those of quantiles.
local function expectation(each, shape, fn)
  local sizes = {}
  local q, w = nodes_of('f64', 64)
  for k = 1, #shape + 1 do sizes[k] = k == 1 and q.size or 1 end
  q = lax.stop_gradient(np.broadcast_to(q:reshape(sizes), { q.size, unpack(shape) }))
  local quantile = each.quantile or function(u) return inverse(each, u, false) end
  local upper = each.upper_quantile or function(u) return M.made.upper_quantile(each, u) end
  local below, above = quantile(q), upper(q)
  local x0 = lax.stop_gradient(np.concatenate({ below, above }, 1))
  w = np.concatenate({ w, w }, 1):reshape { 2 * w.size, unpack(sizes, 2) }
  local low, high = each.bounds 'f64'
  -- a node that rounds to an end has a weight of no account, and maybe no density
  local good = np['and'](np.gt(x0, low), np.lt(x0, high))
  good = lax.stop_gradient(np['and'](good, np.isfinite(each.log_prob(x0))))
  local median = lax.stop_gradient(quantile(0 * q[1] + 0.5)) -- stands in for it
  local x, slope = carried(each, np.where(good, x0, median))
  local y = each.log_prob(x) + slope
  local sum = w * np.exp(y - lax.stop_gradient(y)) * fn(x)
  return np.where(good, sum, 0):sum { axis = 1 }
end

--- The mean of fn(x) under each component of a distribution, in double; of mixtures from part to
-- part, since their quantiles jump in between. Derivatives in parameters are exact.
-- @tparam table each functions of components
-- @tparam table shape of an event
-- @tparam function fn of Arrays (nodes, event)
-- @treturn Array of the shape of an event
function M.expectation(each, shape, fn)
  if not each.mixed then return expectation(each, shape, fn) end
  local sum
  for _, part in ipairs(each.mixed 'f64') do
    local y = part[1] * M.expectation(part[2], shape, fn)
    sum = sum and sum + y or y
  end
  return sum
end

--- Moments by quadrature, in double; where a tail has none they are large numbers.
function M.mean(d, dtype)
  return mean_of(d, 'f64', function(x) return x end):astype(dtype)
end

function M.var(d, dtype)
  local mean = M.mean(d, 'f64')
  return mean_of(d, 'f64', function(x) return (x - mean) ^ 2 end):astype(dtype)
end

--- Entropies of components. Where rounding puts a quantile on an end of the support its density may
-- be infinite or 0, in too small a part to count.
function M.entropy(d, dtype)
  local log_prob = require('imnn.distributions.base').component(d, 'log_prob')
  return mean_of(d, 'f64', function(x)
    local y = log_prob(x)
    return np.where(np.isfinite(y), -y, 0)
  end):astype(dtype)
end

return M
