--- Independent draws of a normal density times a prior, by rejection.
-- @module imnn.lfi.rejection
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local random = require 'imnn.random'
local stats = require 'imnn.scipy.stats'
local transform = require 'imnn.transform'
local M = {}

local BATCH = 8192 -- candidates at a time

-- Logarithm of the normal density of x (n, P).
local function log_normal(x, m, L)
  local z = np.linalg.triangular_solve(L, (x - m):transpose(), { lower = true })
  local P = m.shape[1]
  return -0.5 * (z * z):sum { axis = 1 } - np.log(np.diagonal(L)):sum()
    - 0.5 * P * math.log(2 * math.pi)
end

-- Candidates of the normal density, parameter by parameter between the limits given those before
-- (Geweke 1991, Hajivassiliou & McFadden 1990); the logarithm of what they are too many by. Limits
-- are infinite where there are none.
local function of_normal(self, key)
  local keys, support, P = random.split(key, self.P), self.support, self.P
  local z, x, log_w = {}, {}, np.zeros({ BATCH }, 'f64')
  for k = 1, P do
    local centre, scale = self.mean[k], self.L[{ k, k }]
    for i = 1, k - 1 do centre = centre + self.L[{ k, i }] * z[i] end
    if support then
      local a, b = (support.low[k] - centre) / scale, (support.high[k] - centre) / scale
      local u = random.uniform(keys[k], { BATCH }, { dtype = 'f64', minval = 2 ^ -54 })
      z[k] = stats.truncnorm.ppf(u, a, b)
      log_w = log_w + stats.norm.logpdf(z[k]) - stats.truncnorm.logpdf(z[k], a, b)
    else
      z[k] = random.normal(keys[k], { BATCH }, 'f64')
    end
    x[k] = centre + scale * z[k]
    if support then x[k] = np.clip(x[k], support.low[k], support.high[k]) end
  end
  x = np.stack(x, -1)
  if support then log_w = log_w + prior.log_prob(self.who, self.prior, x) end
  return x, log_w
end

-- Candidates of the prior.
local function of_prior(self, key)
  local x = self.prior:sample(key, BATCH):astype 'f64'
  return x, log_normal(x, self.mean, self.L)
end

-- A function of the number of a batch: candidates (n, P), their log-weights, log-uniform numbers.
local function batches(self, key, candidates)
  local program = transform.jit(function(k)
    local keys = random.split(k)
    local x, log_w = candidates(self, keys[1])
    local u = random.uniform(keys[2], { BATCH }, { dtype = 'f64', minval = 2 ^ -54 })
    return x, np.where(np.isnan(log_w), -math.huge, log_w), np.log(u)
  end)
  return function(i) return program(random.fold_in(key, i)) end
end

local function acceptance(log_w)
  local most = np.max(log_w)
  if most:item() == -math.huge then return 0 end
  return np.exp(log_w - most):mean():item()
end

local function ends(p)
  local low, high = prior.ends(p)
  return { low = low, high = high }
end

--- n draws (n, P).
-- @tparam string who for messages
-- @tparam table of `mean` (P), `cov` (P, P), `prior`, `with_prior`, `target`
-- @tparam Array key
-- @tparam number n
-- @tparam number most candidates
function M.draw(who, of, key, n, most)
  if n > most then
    core.raise('%s: %g draws cannot be had of %g candidates; give a larger max_candidates', who, n,
      most)
  end
  local self = { who = who, mean = of.mean, L = np.linalg.cholesky(of.cov), P = #of.mean,
    prior = of.prior, support = of.with_prior and ends(of.prior) or nil }
  local next_batch = batches(self, key, of_normal)
  local x, log_w, log_u = next_batch(0)
  if of.with_prior and of.prior.sample and acceptance(log_w) < 0.5 then
    local other = batches(self, random.fold_in(key, 2 ^ 31), of_prior)
    local y, log_v, log_r = other(0)
    if acceptance(log_v) > acceptance(log_w) then
      next_batch, x, log_w, log_u = other, y, log_v, log_r
    end
  end
  local list, bound, made, count = {}, -math.huge, 0, 0
  while true do
    made = made + 1
    list[made] = { x, log_w, log_u }
    local highest, first = np.max(log_w):item(), made
    if highest > bound then -- earlier ones are looked at again
      bound, first, count = highest, 1, 0
    end
    for i = first, made do
      local batch = list[i]
      batch.good = np.lt(batch[3] + bound, batch[2])
      count = count + np.sum(batch.good:astype 'i32'):item()
    end
    if count >= n then break end
    if made * BATCH >= most then
      core.raise('%s: target %d: only %d of %d candidates are draws of the posterior, %d are '
        .. 'wanted; normal density and prior hardly overlap; give a larger max_candidates, or look '
        .. 'at the prior', who, of.target, count, made * BATCH, n)
    end
    core.poll()
    x, log_w, log_u = next_batch(made)
  end
  local out = {}
  for i, batch in ipairs(list) do out[i] = batch[1][batch.good] end
  local all = #out == 1 and out[1] or np.concatenate(out)
  return all[{ { 1, n } }]
end

return M
