--- Simulation-based calibration: where the truth stands among draws of the posterior.
-- @module imnn.diagnostics.sbc
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local read = require 'imnn.diagnostics.read'
local transform = require 'imnn.transform'
local uniform = require 'imnn.diagnostics.uniform'
local M = {}

local who = 'sbc'

-- Draws below the truth and draws that are equal to it, (S, P).
local count = transform.jit(function(draws, truth)
  local at = np.expand_dims(truth, 2)
  return np.lt(draws, at):astype('f64'):sum { axis = 2 },
    np.equal(draws, at):astype('f64'):sum { axis = 2 }
end)

-- The same, where draw l stands for w[l] of them.
local count_weighted = transform.jit(function(draws, truth, w)
  local at, n = np.expand_dims(truth, 2), np.expand_dims(w, 3)
  return (np.lt(draws, at):astype 'f64' * n):sum { axis = 2 },
    (np.equal(draws, at):astype 'f64' * n):sum { axis = 2 }
end)

-- How often each sample is among L that are drawn systematically: positions (u + i) / L between
-- the cumulative weights before and after it.
local times = transform.jit(function(w, u, L)
  local sum = np.cumsum(w, 2)
  sum = sum / sum[{ {}, { -1, -1 } }]
  local below = np.clip(np.ceil(L * sum - u), 0, L)
  return below - np.pad(below[{ {}, { 1, -2 } }], { { 0, 0 }, { 1, 0 } })
end)

-- One draw of each posterior, by its weights: (S, P).
local function one_of_each(key, draws, w)
  local u = random.uniform(key, { #draws, 1 }, { dtype = 'f64' })
  local L, i = draws.shape[2]
  if w then
    local sum = np.cumsum(w, 2)
    i = np.le(sum / sum[{ {}, { -1, -1 } }], u):astype('i32'):sum { axis = 2, keepdims = true } + 1
  else
    i = np.floor(u * L):astype 'i32' + 1
  end
  i = np.broadcast_to(np.expand_dims(i, 3), { #draws, 1, draws.shape[3] })
  return np.take_along_axis(draws, i, 2):reshape(#draws, -1)
end

-- What is wrong with one parameter, in words.
local function meaning(z1, z2, p, level)
  if p >= level then return 'uniform' end
  if math.min(uniform.two_sided(z1), uniform.two_sided(z2)) >= level then
    return 'not uniform'
  elseif math.abs(z1) > math.abs(z2) then
    return z1 < 0 and 'biased high' or 'biased low'
  end
  return z2 > 0 and 'too narrow' or 'too wide'
end

local function say(r)
  local lines = { ('sbc: %d pairs, %d draws each%s'):format(r.n, r.n_draws,
    read.left_out(r.rejected)) }
  if r.p < r.level then
    local list = {}
    for i, verdict in ipairs(r.verdict) do
      if verdict ~= 'uniform' then
        list[#list + 1] = (verdict == 'not uniform' and 'wrong' or verdict) .. ' in ' .. r.names[i]
      end
    end
    lines[2] = ('ranks are not uniform (%s): the posterior is %s'):format(read.p(r.p),
      table.concat(list, ', '))
  else
    lines[2] = ('ranks are uniform as far as %d pairs tell (%s)'):format(r.n, read.p(r.p))
  end
  for i, name in ipairs(r.names) do
    lines[#lines + 1] = ('  %s: chi2 %s, KS %s, location %+.2f, dispersion %+.2f: %s'):format(name,
      read.p(r.chi2_p[i]:item()), read.p(r.ks_p[i]:item()), r.z1[i]:item(), r.z2[i]:item(),
      r.verdict[i])
  end
  return table.concat(lines, '\n')
end

-- Tests of each parameter, and their verdict.
local function tests(out, ranks, u, bins)
  local P, L = #ranks, out.n_draws
  local lists = {}
  for _, name in ipairs { 'chi2', 'chi2_p', 'ks', 'ks_p', 'z1', 'z2' } do lists[name] = {} end
  local least, sorted = {}, {}
  for i = 1, P do
    lists.chi2[i], lists.chi2_p[i] = uniform.chi2(ranks[i]:values(), L, bins)
    sorted[i] = np.sort(u[i]):values()
    lists.ks[i], lists.ks_p[i] = uniform.ks(sorted[i])
    lists.z1[i], lists.z2[i] = uniform.signed(sorted[i])
    least[i] = math.min(1, 4 * math.min(lists.chi2_p[i], lists.ks_p[i],
      uniform.two_sided(lists.z1[i]), uniform.two_sided(lists.z2[i])))
  end
  lists.chi2_p_holm, lists.ks_p_holm = uniform.holm(lists.chi2_p), uniform.holm(lists.ks_p)
  lists.p_holm = uniform.holm(least)
  out.p, out.verdict = math.huge, {}
  for i, p in ipairs(lists.p_holm) do
    out.p = math.min(out.p, p)
    out.verdict[i] = meaning(lists.z1[i], lists.z2[i], p, out.level)
  end
  for name, list in pairs(lists) do out[name] = np.array(list, 'f64') end
  return sorted
end

-- Differences of cumulative distributions, and the band that they should stay in.
local function curves(out, sorted, K)
  local band, differences, outside = uniform.band(out.n, K, out.level), {}, {}
  for i, values in ipairs(sorted) do
    local d, far = uniform.difference(values, K), 0
    for k, x in ipairs(d) do
      if x < band.low[k] - 1e-12 or x > band.high[k] + 1e-12 then far = far + 1 end
    end
    differences[i], outside[i] = d, far
  end
  out.ecdf = { z = np.array(band.z, 'f64'), low = np.array(band.low, 'f64'),
    high = np.array(band.high, 'f64'), gamma = band.gamma, false_alarms = band.false_alarms,
    difference = np.array(differences, 'f64'), outside = np.array(outside, 'i32') }
end

--- Simulation-based calibration. Of each pair, parameters are drawn from the prior, data are
-- simulated with them, and draws of the posterior of these data are made. If the posterior is
-- right, the number of draws below the truth, its rank, is uniform on 0 .. L.
--
-- The result prints what it means. It is an average over the prior, which says nothing about one
-- observation; and a posterior that is the prior passes, so test a number that depends on the data
-- too, such as the log-density: `sbc(log_prob_of_truth, log_prob_of_draws)`, or use `tarp` with
-- references that depend on the data. Draws should be nearly independent; 300 pairs of 99 draws
-- see a width that is wrong by a quarter.
-- @tparam Array truth (S, P), the parameters of S pairs, or any numbers that are made of them; (S)
-- @tparam Array|table draws (S, L, P) draws of the S posteriors; (S, L); or S sample sets
-- @tparam[opt] table opts `key` (PRNGKey(0)) breaks ties and resamples; `weights` (S, L) of draws,
-- which are resampled to `n_draws` (L, or as many as the smallest set has), as weighted sets are;
-- `bins` of the chi-square test (S / 20); `names`: P strings; `level` (0.05) of the verdict and
-- the band; `max_rejected` (0.05), the share of pairs that may be left out since they hold NaN;
-- `v`: (S, P) numbers of [0, 1) that break ties, in place of drawn ones
-- @treturn table n, n_draws, rejected; ranks (S, P); u (S, P): ranks between 0 and 1, without
-- steps; chi2, ks, z1, z2 (P): the chi-square statistic of ranks and the Kolmogorov-Smirnov
-- distance of u, location (below 0: the posterior is biased high) and dispersion (above 0: it is
-- too narrow) of u in standard deviations; chi2_p, ks_p, and chi2_p_holm, ks_p_holm, corrected for
-- P of them; p_holm: the smallest of the four tests, corrected for all; p: the smallest of these;
-- verdict: P texts; ecdf: z, difference (P, K - 1) of the cumulative distribution of u from z, the
-- band low, high, gamma, its false_alarms, outside (P): how many points are; data_averaged (S, P):
-- one draw of each posterior, which are distributed as the prior is (`c2st`)
-- @raise shapes that do not fit, fewer than 10 pairs, more pairs with NaN than may be left out
-- @source Cook et al. 2006, J. Comput. Graph. Stat. 15, 675; Talts et al. 2018, arXiv:1804.06788;
-- Saeilynoja et al. 2022, Stat. Comput. 32, 32
-- @usage local key = random.split(random.PRNGKey(1), 3)
-- local truth = random.normal(key[1], { 300, 1 })
-- local x = truth + random.normal(key[2], { 300, 1 }) -- the posterior is normal, of variance 1/2
-- local draws = np.expand_dims(x / 2, 2) + 0.5 * random.normal(key[3], { 300, 99, 1 })
-- diagnostics.sbc(truth, draws).verdict[1] --> 'too narrow'
function M.sbc(truth, draws, opts)
  local o = read.options(who, opts, {
    bins = { 'integer', optional = true }, n_draws = { 'integer', optional = true },
    names = { 'table', optional = true }, weights = { 'Array', 'table', optional = true },
    v = { 'Array', 'table', optional = true },
  })
  local t = read.truth(who, truth)
  local S, P = #t, t.shape[2]
  local x, w, L, names = read.draws(who, draws, S, P, o.weights)
  local keys = random.split(o.key, 3)
  local list = { t = t, x = x, w = w, v = read.ties(who, o.v, keys[1], { S, P }) }
  local good = np.logical_and(np.isfinite(t):all { axis = 2 },
    np.isfinite(x):all { axis = { 2, 3 } })
  local rejected
  list, rejected = read.whole(who, good, o.max_rejected, list)
  t, x, w = list.t, list.x, list.w
  S = #t
  if o.n_draws and (o.n_draws < 1 or o.n_draws > 1e9) then
    core.raise('%s: n_draws is from 1 to 10^9, got %.14g', who, o.n_draws)
  end
  if o.n_draws and not w and o.n_draws ~= L then w = np.full({ S, L }, 1 / L, 'f64') end
  L = o.n_draws or L
  local bins = o.bins or math.max(2, math.min(L + 1, math.floor(S / 20)))
  if bins < 2 or bins > L + 1 then
    core.raise('%s: bins must be from 2 to %d, the number of possible ranks, got %.14g', who, L + 1,
      bins)
  end
  local less, tied
  if w then
    local u = random.uniform(keys[2], { S, 1 }, { dtype = 'f64' })
    less, tied = count_weighted(x, t, times(w, u, np.array(L, 'f64')))
  else
    less, tied = count(x, t)
  end
  -- one number for both: its whole part breaks the tie, what is left the steps
  local exact = less + list.v * (tied + 1)
  local ranks = less + np.minimum(np.floor(list.v * (tied + 1)), tied)
  local u = exact / (L + 1)
  local out = { n = S, n_draws = L, rejected = rejected, level = o.level, bins = bins,
    names = read.names(who, o.names, P, names), ranks = ranks:astype 'i32', u = u,
    data_averaged = one_of_each(keys[3], x, w) }
  curves(out, tests(out, ranks.T, u.T, bins), math.max(2, math.min(S, L + 1, 100)))
  return read.answer(out, say)
end

return M
