--- How far distributions are from each other.
-- @module imnn.distributions.divergence
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local quadrature = require 'imnn.distributions.quadrature'
local M = {}

local WHO = 'distributions.kl_divergence'
local divergence

-- (t - log(1 + t)) / 2, where t + 1 is the ratio of two variances
local function of_ratio(t) return 0.5 * (t - np.log1p(t)) end

-- Normal numbers, independent of each other.
local function of_numbers(p, q)
  local v, u = base.moment(p, 'var', 'f64'), base.moment(q, 'var', 'f64')
  local away = base.moment(q, 'mean', 'f64') - base.moment(p, 'mean', 'f64')
  return of_ratio((v - u) / u) + 0.5 * away * away / u
end

-- Normal vectors: with C C^T, B B^T their covariances, A = B^-1 C and y = B^-1 (difference of
-- means), |A|^2 / 2 + |y|^2 / 2 - log det A - D / 2.
local function of_vectors(p, q)
  local C = np.linalg.cholesky(base.covariance(p, 'f64'):astype 'f64')
  local B = np.linalg.cholesky(base.covariance(q, 'f64'):astype 'f64')
  local away = base.moment(q, 'mean', 'f64') - base.moment(p, 'mean', 'f64')
  local function solve(y) return np.linalg.triangular_solve(B, y, { lower = true }) end
  local A, y = solve(C), solve(away:astype 'f64')
  local t, below = np.diagonal(A) - 1, np.tril(A, -1)
  return of_ratio(t * (2 + t)):sum() + 0.5 * (below * below):sum() + 0.5 * (y * y):sum()
end

-- Continuous numbers, independent of each other: an integral for each.
local function by_quadrature(p, q)
  return quadrature.expectation(p.each, p.event_shape, function(x)
    return p.each.log_prob(x) - q.each.log_prob(x)
  end)
end

-- The whole numbers of a distribution that count: its ends, or as far from the mean as the
-- probability is above 1e-20.
local function range_of(each)
  local low, high = each.bounds 'f64'
  local mean, std = each.middle 'f64'
  local reach = 10 * std + 10
  while np.max(each.log_prob(np.floor(mean + reach))):item() > -46
    or np.max(each.log_prob(np.floor(mean - reach))):item() > -46 do
    reach = 2 * reach
  end
  return np.min(np.maximum(low, np.floor(mean - reach))):item(),
    np.max(np.minimum(high, np.floor(mean + reach))):item()
end

-- Whole numbers, independent of each other: a sum over those that count.
local MOST = 1e7
local function by_sum(p, q)
  local zero = np.zeros(p.event_shape, 'f64')
  if array.traced(p.each.log_prob(zero)) then
    core.raise('%s: a sum over whole numbers needs a p whose parameters are known', WHO)
  end
  local low, high = range_of(p.each)
  if high - low > MOST then
    core.raise('%s: p has more than %g whole numbers that count, from %g to %g', WHO, MOST, low,
      high)
  end
  local shape = { high - low + 1 }
  for k = 1, #p.event_shape do shape[k + 1] = 1 end
  local k = np.arange(low, high + 1):astype('f64'):reshape(shape) + zero
  local a = p.each.log_prob(k)
  local some = np.isfinite(a)
  local y = np.exp(a) * (np.where(some, a, 0) - q.each.log_prob(k))
  return np.where(some, y, 0):sum { axis = 1 }
end

local function numbers(d, discrete)
  local each = d.each
  return each and (each.quantile or each.cdf) and (each.discrete or false) == discrete
end

local function text_of(shape) return '(' .. table.concat(shape, ', ') .. ')' end

-- Parts side by side that fit part for part.
local function parted(p, q)
  if not p.parts or not q.parts or #p.parts ~= #q.parts then return false end
  for i, d in ipairs(p.parts) do
    local e = q.parts[i]
    if not base.is(d) or not base.is(e) or text_of(d.event_shape) ~= text_of(e.event_shape) then
      return false
    end
  end
  return true
end

function divergence(p, q)
  if parted(p, q) then
    local sum
    for i, d in ipairs(p.parts) do
      local y = divergence(d, q.parts[i])
      sum = sum and sum + y or y
    end
    return sum
  end
  if p.normal and q.normal then
    if p.each and q.each then return of_numbers(p, q):sum() end
    return of_vectors(p, q)
  end
  if numbers(p, false) and numbers(q, false) then return by_quadrature(p, q):sum() end
  if numbers(p, true) and numbers(q, true) then return by_sum(p, q):sum() end
  core.raise('%s: no closed form of %s from %s is known, nor an integral over one number; average '
    .. 'p:log_prob(x) - q:log_prob(x) over draws x of p', WHO, p.name, q.name)
end

--- The Kullback-Leibler divergence of p from q: the mean of log p(x) - log q(x) over x from p.
--
-- Of normal numbers and vectors, also side by side, it is known in closed form. Of other continuous
-- numbers it is an integral over the quantiles of p, in double, with about ten digits where the
-- densities are smooth, of whole numbers a sum over those that count; infinite where q has no
-- density at some x of p. Derivatives in parameters are exact; a sum has none in those of p.
-- @tparam distribution p
-- @tparam distribution q with events of the same shape
-- @treturn Array ()
-- @raise events of different shapes; distributions of vectors other than normal ones; whole numbers
-- from a p that is traced
-- @source Kullback & Leibler 1951, Ann. Math. Statist. 22, 79
-- @usage distributions.kl_divergence(distributions.normal(0, 1), distributions.normal(1, 2))
--   --> 0.443147
-- distributions.kl_divergence(distributions.gamma(2), distributions.exponential()) --> 0.422784
function M.kl_divergence(p, q)
  local function check(name, d)
    if not base.is(d) then
      core.raise('%s: %s must be a distribution, got %s', WHO, name, core.kind(d))
    end
  end
  check('p', p)
  check('q', q)
  if text_of(p.event_shape) ~= text_of(q.event_shape) then
    core.raise('%s: events have the shapes %s and %s', WHO, text_of(p.event_shape),
      text_of(q.event_shape))
  end
  local zero = np.zeros(p.event_shape, array.default_dtype())
  return divergence(p, q):astype((p:log_prob(zero) + q:log_prob(zero)).dtype)
end

return M
