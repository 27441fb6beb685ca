--- Coverage by random points: regions around a point that hold the truth, from draws alone.
-- @module imnn.diagnostics.tarp
local core = require 'imnn.core'
local coverage = require 'imnn.diagnostics.coverage'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local read = require 'imnn.diagnostics.read'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local uniform = require 'imnn.diagnostics.uniform'
local M = {}

local who = 'tarp'

-- Minus distances from the points, of draws and of truths: what is nearer is above.
local nearness = transform.jit(function(draws, truth, at)
  local d = draws - np.expand_dims(at, 2)
  return -np.sqrt((d * d):sum { axis = 3 }), -np.sqrt(((truth - at) ^ 2):sum { axis = 2 })
end)

-- How often f is below each alpha, for lists of places in f: (B, S) -> (B, A).
local shares = transform.jit(function(f, places, alpha)
  return transform.vmap(function(i)
    return np.lt(np.expand_dims(np.take(f, i), 2), alpha):astype('f64'):mean { axis = 1 }
  end)(places)
end)

-- Deviation of 1 - max(f, 1/2) of a uniform number: sqrt(1/6 - (3/8)^2).
local SPREAD = math.sqrt(5 / 192)

local function say(r)
  local lines = { ('tarp: %d pairs, %d draws each%s'):format(r.n, r.n_draws,
    read.left_out(r.rejected)) }
  lines[2] = coverage.regions(r, {
    ['over-confident'] = 'the posterior is over-confident, too narrow or biased',
    ['under-confident'] = 'the posterior is under-confident, too wide or biased',
  }, 'the posterior is not calibrated, and may be biased')
  lines[3] = ('  KS distance %.3f; area between curve and diagonal %+.4f, %+.1f deviations')
    :format(r.ks, r.atc, r.atc_z)
  return table.concat(lines, '\n')
end

-- The points that a script gives.
local function given_references(given, S, P)
  if given == nil then return nil end
  local r = read.numbers(who, 'option "references"', given)
  if r.ndim == 1 and P == 1 then r = r:reshape { r.size, 1 } end
  if text(r.shape) ~= text { S, P } then
    core.raise('%s: references must be a point for each pair, (%d, %d), got %s', who, S, P,
      text(r.shape))
  end
  read.finite(who, 'option "references"', r)
  return r
end

-- The curve with its band, of resampled pairs.
local function curve(out, o, key)
  local f, alpha = out.f, out.alpha
  out.ecp = np.array(uniform.shares(f:values(), alpha:values()), 'f64')
  local places = random.randint(key, { o.n_bootstrap, out.n }, 1, out.n + 1)
  local all = shares(f, places, alpha)
  local bounds = np.quantile(all, np.array({ 0.025, 0.975 }, 'f64'), { axis = 1 })
  out.low, out.high = bounds[1], bounds[2]
end

-- The box of the truths.
local function box(t)
  local low, high = t:min { axis = 1 }, t:max { axis = 1 }
  local range = high - low
  for i, x in ipairs(range:values()) do
    if x == 0 then core.raise('%s: parameter %d is the same in all pairs', who, i) end
  end
  return low, range
end

--- Tests of accuracy with random points (TARP). Around a reference point of each pair, the ball
-- with the truth at its edge holds a share f of the draws. If the posterior is right, f is uniform
-- whatever the references are, as long as they do not depend on the truth. No densities are
-- needed.
--
-- The result prints what it means. The area (`atc`) hardly sees bias: look at `ks` and the curve.
-- With references that do not depend on the data, as the drawn ones, a posterior that is the prior
-- passes: give `references` that do, such as an estimate of each data set plus noise.
-- @tparam Array truth (S, P), the parameters of S pairs; (S) of one parameter
-- @tparam Array|table draws (S, L, P) draws of the S posteriors; (S, L); or S sample sets
-- @tparam[opt] table opts `references`: (S, P) points in the units of the parameters (uniform ones
-- in the box of all truths, `repeats` (5) times; numbers and curves are those of the first time);
-- `key` (PRNGKey(0)) draws them, breaks ties, and resamples pairs `n_bootstrap` (200) times for the
-- band; `weights` (S, L) of draws; `alpha`: list of masses (0, 0.05, ... 1); `v`: (S) numbers of
-- [0, 1) that break ties, in place of drawn ones; `level` (0.05) of the verdict; `max_rejected`
-- (0.05), the share of pairs that may be left out since they hold NaN
-- @treturn table n, n_draws, rejected; references (S, P), in the units of the parameters; f (S); u
-- (S), which is f without the steps of L draws; alpha, ecp: how often f is below alpha; low, high:
-- 95 % of ecp of resampled pairs; ks: the Kolmogorov-Smirnov distance of f from uniformity, ks_p:
-- a list of its probabilities (of u), one for each time; p: the smallest, corrected; atc: area of
-- ecp minus alpha above 1/2, below 0: over-confident, and atc_z, in standard deviations; verdict:
-- 'calibrated', 'over-confident', 'under-confident' or 'not calibrated'
-- @raise shapes that do not fit, fewer than 10 pairs, more pairs with NaN than may be left out, a
-- parameter that is the same in all pairs
-- @source Lemos et al. 2023, arXiv:2302.03026
-- @usage local key = random.split(random.PRNGKey(1), 3)
-- local truth = random.normal(key[1], { 400, 2 })
-- local x = truth + random.normal(key[2], { 400, 2 }) -- the posterior is normal, of variance 1/2
-- local draws = np.expand_dims(x / 2, 2) + 0.3 * random.normal(key[3], { 400, 99, 2 })
-- diagnostics.tarp(truth, draws).verdict --> 'over-confident'
function M.tarp(truth, draws, opts)
  local o = read.options(who, opts, {
    alpha = { 'table', 'Array', optional = true }, n_bootstrap = { 'integer', default = 200 },
    references = { 'Array', 'table', optional = true }, repeats = { 'integer', default = 5 },
    weights = { 'Array', 'table', optional = true }, v = { 'Array', 'table', optional = true },
  })
  for name, least in pairs { n_bootstrap = 100, repeats = 1 } do
    if o[name] < least or o[name] > 1000 then
      core.raise('%s: %s is from %d to 1000, got %g', who, name, least, o[name])
    end
  end
  local t = read.truth(who, truth)
  local S, P = #t, t.shape[2]
  local x, w, L = read.draws(who, draws, S, P, o.weights)
  local alpha = o.alpha and coverage.alpha(who, o.alpha) or np.arange(21):astype 'f64' / 20
  local keys = random.split(o.key, 3)
  local good = np.logical_and(np.isfinite(t):all { axis = 2 },
    np.isfinite(x):all { axis = { 2, 3 } })
  local list, rejected = read.whole(who, good, o.max_rejected, { t = t, x = x, w = w,
    at = given_references(o.references, S, P), v = read.ties(who, o.v, keys[2], { S }) })
  S = #list.t
  local low, range = box(list.t)
  local out = { n = S, n_draws = L, rejected = rejected, level = o.level, alpha = alpha, ks_p = {} }
  t, x = (list.t - low) / range, (list.x - low) / range
  for i = 1, list.at and 1 or o.repeats do
    -- references are scaled as all is: else bias is not seen
    local point = list.at and (list.at - low) / range
      or random.uniform(random.fold_in(keys[1], i), { S, P }, { dtype = 'f64' })
    local v = i == 1 and list.v
      or random.uniform(random.fold_in(keys[2], i), { S }, { dtype = 'f64' })
    local near, own = nearness(x, t, point)
    local f, u = coverage.share(near, own, list.w, v)
    if i == 1 then out.f, out.u, out.references = f, u, point * range + low end
    out.ks_p[i] = select(2, uniform.ks(np.sort(u):values()))
  end
  out.ks = uniform.ks(np.sort(out.f):values())
  out.p = math.min(1, #out.ks_p * math.min(unpack(out.ks_p)))
  out.atc = np.mean(1 - np.maximum(out.f, 0.5)):item() - 3 / 8
  out.atc_z = out.atc / SPREAD * math.sqrt(S)
  curve(out, o, keys[3])
  out.verdict = out.p >= o.level and 'calibrated' or math.abs(out.atc_z) < 3 and 'not calibrated'
    or out.atc_z < 0 and 'over-confident' or 'under-confident'
  return read.answer(out, say)
end

return M
