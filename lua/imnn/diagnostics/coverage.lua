--- Expected coverage: how often regions of highest posterior density hold the truth.
-- @module imnn.diagnostics.coverage
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local read = require 'imnn.diagnostics.read'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local uniform = require 'imnn.diagnostics.uniform'
local M = {}

local who = 'coverage'

-- The share of the weight of draws above numbers of the truth, that of those that are equal to it,
-- and how many equal draws the weights are worth (Kish): (S) each.
local count = transform.jit(function(x, at, w)
  at = np.expand_dims(at, 2)
  local sum = w:sum { axis = 2 }
  return (np.gt(x, at):astype 'f64' * w):sum { axis = 2 } / sum,
    (np.equal(x, at):astype 'f64' * w):sum { axis = 2 } / sum, sum ^ 2 / (w * w):sum { axis = 2 }
end)

--- The share of the weight of draws that is above the truth.
-- @tparam Array x (S, L)
-- @tparam Array at (S)
-- @tparam Array|nil w (S, L)
-- @tparam Array v (S) numbers of [0, 1), which break ties
-- @treturn Array f (S)
-- @treturn Array u (S), the same without steps: the truth is one more draw
function M.share(x, at, w, v)
  local more, tied, n = count(x, at, w or np.ones(x.shape, 'f64'))
  return np.clip(more + v * tied, 0, 1),
    np.clip((n * more + v * (n * tied + 1)) / (n + 1), 0, 1)
end

--- A list of probabilities that an option gives.
-- @tparam string name of the function
-- @param given
-- @tparam[opt='alpha'] string option
function M.alpha(name, given, option)
  option = option or 'alpha'
  local a = read.numbers(name, ('option "%s"'):format(option), given)
  if a.ndim ~= 1 or a.size == 0
    or not np.all(np.logical_and(np.ge(a, 0), np.le(a, 1))):item() then
    core.raise('%s: %s are probabilities from 0 to 1, got %s of shape %s', name, option,
      core.kind(given), text(a.shape))
  end
  return a
end

--- Whether regions hold the truth as often as they should, in words.
-- @tparam table r a result: p, level, verdict
-- @tparam table why by verdict
-- @tparam string else_why of any other verdict
-- @treturn string
function M.regions(r, why, else_why)
  if r.p >= r.level then
    return ('regions hold the truth as often as they should (%s)'):format(read.p(r.p))
  end
  return ('regions do not hold the truth as often as they should (%s): %s'):format(read.p(r.p),
    why[r.verdict] or else_why)
end

local function say(r)
  local lines = { ('coverage: %d pairs, %d draws each%s'):format(r.n, r.n_draws,
    read.left_out(r.rejected)) }
  lines[2] = M.regions(r, {
    ['over-confident'] = 'the posterior is over-confident, too narrow or biased',
    conservative = 'the posterior is conservative, too wide',
  }, 'the posterior is not calibrated')
  for i, a in ipairs(r.alpha:values()) do
    lines[#lines + 1] = ('  %.3g: holds %.3f, by chance %.3f to %.3f'):format(a, r.ecp[i]:item(),
      r.low[i]:item(), r.high[i]:item())
  end
  lines[#lines + 1] = ('  signed score %+.4f, KS %s; mean log-density of the truth %.4g')
    :format(r.signed_score, read.p(r.ks_p), r.log_score)
  return table.concat(lines, '\n')
end

--- Expected coverage of regions of highest density. Of each pair, the region of mass f has the
-- truth at its edge: f is the share of draws of higher density. If the posterior is right, f is
-- uniform, and a region of mass alpha holds the truth with the probability alpha.
--
-- The result prints what it means. A posterior that is the prior passes: compare `log_score` too,
-- the mean log-density of the truth, which is larger for the better one (if densities are
-- normalised). Weighted particles of ABC have no density: use `tarp`.
-- @tparam Array log_prob_truth (S) log-densities log q(truth | x) of S pairs; constants that depend
-- on x alone do not matter; -math.huge where there is none
-- @tparam Array|table log_prob_draws (S, L) those of draws of the S posteriors, or S sample sets
-- with log_prob
-- @tparam[opt] table opts `weights` (S, L) of draws; `alpha`: list of masses
-- ({ 0.5, 0.68, 0.9, 0.95 }); `key` (PRNGKey(0)), which breaks ties and smooths steps; `v`: (S)
-- numbers of [0, 1) in place of drawn ones; `level` (0.05) of the verdict; `max_rejected` (0.05),
-- the share of pairs that may be left out since they hold NaN
-- @treturn table n, n_draws, rejected; f (S); u (S), which is f without the steps of L draws;
-- alpha, ecp: how often f is below alpha; low, high: where it is in 95 % of all cases, if it should
-- be alpha; ks: the Kolmogorov-Smirnov distance of f from uniformity, ks_p its probability (of u);
-- signed_score: 1/2 - mean f, below 0: over-confident, above 0: conservative, and z, in standard
-- deviations; log_score; p: the smaller probability of both tests, corrected; verdict:
-- 'calibrated', 'over-confident', 'conservative' or 'not calibrated'
-- @raise shapes that do not fit, fewer than 10 pairs, more pairs with NaN than may be left out
-- @source Hermans et al. 2022, arXiv:2110.06581
-- @usage local key = random.split(random.PRNGKey(1))
-- local truth = random.normal(key[1], { 400 })
-- local draws = 0.5 * random.normal(key[2], { 400, 99 }) -- they should be twice as wide
-- diagnostics.coverage(-2 * truth ^ 2, -2 * draws ^ 2).verdict --> 'over-confident'
function M.coverage(log_prob_truth, log_prob_draws, opts)
  local o = read.options(who, opts, {
    alpha = { 'table', 'Array', default = { 0.5, 0.68, 0.9, 0.95 } },
    weights = { 'Array', 'table', optional = true }, v = { 'Array', 'table', optional = true },
  })
  local t = read.numbers(who, 'log_prob_truth', log_prob_truth)
  if t.ndim ~= 1 or #t < 10 then
    core.raise('%s: log_prob_truth must be one number for each of 10 pairs or more, got %s', who,
      text(t.shape))
  end
  local alpha = M.alpha(who, o.alpha)
  local x, w, L = read.log_densities(who, log_prob_draws, #t, o.weights)
  local list = { t = t, x = x, w = w, v = read.ties(who, o.v, random.split(o.key)[1], { #t }) }
  local good = np.logical_not(np.logical_or(np.isnan(t), np.any(np.isnan(x), { axis = 2 })))
  local rejected
  list, rejected = read.whole(who, good, o.max_rejected, list)
  local f, u = M.share(list.x, list.t, list.w, list.v)
  local S = #list.t
  local half = 1.96 * np.sqrt(alpha * (1 - alpha) / S)
  local out = { n = S, n_draws = L, rejected = rejected, level = o.level, f = f, u = u,
    alpha = alpha, ecp = np.array(uniform.shares(f:values(), alpha:values()), 'f64'),
    low = np.maximum(alpha - half, 0), high = np.minimum(alpha + half, 1),
    log_score = np.mean(list.t):item(), signed_score = 0.5 - np.mean(f):item() }
  out.ks = uniform.ks(np.sort(f):values())
  out.ks_p = select(2, uniform.ks(np.sort(u):values()))
  out.z = (0.5 - np.mean(u):item()) * math.sqrt(12 * S)
  local score_p = uniform.two_sided(out.z)
  out.p = math.min(1, 2 * math.min(out.ks_p, score_p))
  out.verdict = out.p >= o.level and 'calibrated' or score_p >= o.level and 'not calibrated'
    or out.z < 0 and 'over-confident' or 'conservative'
  return read.answer(out, say)
end

return M
