--- Whether an observation is like what a model predicts.
-- @module imnn.diagnostics.predictive
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local read = require 'imnn.diagnostics.read'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local M = {}

local NEAREST, OTHERS = 10, 1000

-- ---- distances from the cloud of simulations ----

local function ridge(C)
  local d = #C
  return C + 1e-8 * np.trace(C) / d * np.eye(d, nil, { dtype = 'f64' })
end

-- Squared Mahalanobis distances: of the observation from all simulations, and of each simulation
-- from the other ones; the factor that whitens.
local mahalanobis = transform.jit(function(x, observed)
  local S = #x
  local m = x:mean { axis = 1 }
  local r = x - m
  local A = np.matmul(r.T, r)
  local C = ridge(A / (S - 1))
  local far = observed - m
  -- without simulation s the mean is r_s / (S - 1) further away, the sum of squares smaller
  local function one(r_s)
    local left = ridge((A - S / (S - 1) * np.outer(r_s, r_s)) / (S - 2))
    local d = r_s * (S / (S - 1))
    return (d * np.linalg.solve(left, d)):sum()
  end
  return (far * np.linalg.solve(C, far)):sum(), transform.vmap(one)(r), np.linalg.cholesky(C)
end)

-- The mean distance to the nearest k points, of the observation and of some points from the others.
local function nearest(x, observed, L, k)
  local white = np.linalg.solve(L, (x - observed).T).T -- the observation at 0
  local norm = (white * white):sum { axis = 2 }
  local own = np.sort(np.sqrt(norm))[{ { 1, k } }]:mean():item()
  local some = white[{ { 1, math.min(#x, OTHERS) } }]
  local d = np.expand_dims(norm[{ { 1, #some } }], 2) + norm - 2 * np.matmul(some, white.T)
  local i = np.arange(#x)
  -- a point is not its own neighbour
  d = np.where(np.equal(np.expand_dims(i[{ { 1, #some } }], 2), i), math.huge, np.maximum(d, 0))
  return own, np.sqrt(np.sort(d, 2)[{ {}, { 1, k } }]):mean { axis = 2 }
end

-- (1 + how many are as large) / (n + 1)
local function rank_p(values, at)
  return (1 + np.ge(values, at):astype('i32'):sum():item()) / (values.size + 1)
end

-- The tail of the F distribution.
local function f_tail(f, a, b)
  return np.betainc(np.array(b / 2, 'f64'), np.array(a / 2, 'f64'),
    np.array(b / (b + a * f), 'f64')):item()
end

-- Numbers about how far the observation (d) is from simulations (S, d).
local function distances(out, x, observed)
  local S, d = x.shape[1], x.shape[2]
  local D2, others, L = mahalanobis(x, observed)
  out.mahalanobis2, out.loo_mahalanobis2 = D2:item(), others
  out.loo_p = rank_p(others, out.mahalanobis2)
  out.f_statistic = out.mahalanobis2 * S * (S - d) / (d * (S + 1) * (S - 1))
  out.f_p = f_tail(out.f_statistic, d, S - d)
  local own, all = nearest(x, observed, L, math.min(NEAREST, S - 1))
  out.nearest, out.nearest_p = own, rank_p(all, own)
end

-- ---- what is given ----

-- The observation and simulations in its shape without those that hold NaN.
local function given(who, observed, simulated, o)
  local one, x = read.numbers(who, 'observed', observed), read.numbers(who, 'simulated', simulated)
  if one.ndim == 0 then one = one:reshape { 1 } end
  if x.ndim == 1 and one.size == 1 then x = np.expand_dims(x, 2) end
  local shape = { unpack(x.shape, 2) }
  if one.size == 0 or text(shape) ~= text(one.shape) then
    core.raise('%s: simulated must be (simulations, ...) of the shape of the observation, %s, '
      .. 'got %s', who, text(one.shape), text(x.shape))
  end
  if #x < 10 then core.raise('%s: needs 10 simulations, got %d', who, #x) end
  read.finite(who, 'observed', one)
  local flat = x:reshape(#x, -1)
  local kept, rejected = read.whole(who, np.isfinite(flat):all { axis = 2 }, o.max_rejected,
    { x = x, flat = flat }, 'simulations')
  return one, kept.x, kept.flat, rejected
end

-- ---- posterior predictive checks ----

local function one_statistic(who, name, fn, observed, x)
  if type(name) ~= 'string' or type(fn) ~= 'function' then
    core.raise('%s: statistics are functions with names, { name = function }, got %s of %s', who,
      core.kind(fn), tostring(name))
  end
  local value, values = fn(observed), transform.vmap(fn)(x)
  if not np.is_array(value) or value.size ~= 1 or values.size ~= #x then
    core.raise('%s: statistic "%s" must give one number, got %s', who, name, np.is_array(value)
      and text(value.shape) or core.kind(value))
  end
  value, values = value:astype('f64'):reshape {}:item(), values:astype('f64'):reshape(-1)
  if value ~= value or not np.all(np.logical_not(np.isnan(values))):item() then
    core.raise('%s: statistic "%s" is NaN', who, name)
  end
  -- from below as from above: 1 - p would be 0 where all simulations are larger
  local p, below = rank_p(values, value), rank_p(-values, -value)
  return { observed = value, simulated = values, p = p,
    two_sided = math.min(1, 2 * math.min(p, below)) }
end

local function say_check(r)
  local lines = { ('predictive check: %d simulations%s'):format(r.n, read.left_out(r.rejected)) }
  lines[2] = r.p < r.level and ('the observation is not like what was predicted (%s)')
    :format(read.p(r.p)) or ('the observation is like what was predicted (%s)'):format(read.p(r.p))
  if r.mahalanobis2 then
    lines[#lines + 1] = ('  Mahalanobis distance %.4g, rank %s'):format(math.sqrt(r.mahalanobis2),
      read.p(r.loo_p))
  end
  local names = {}
  for name in pairs(r.statistics) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local s = r.statistics[name]
    lines[#lines + 1] = ('  %s: %.4g, two-sided %s'):format(name, s.observed, read.p(s.two_sided))
  end
  return table.concat(lines, '\n')
end

-- Quantiles between which the middle shares of simulations are: (levels, 2, ...).
local function bands(x, levels)
  local list = {}
  for i, q in ipairs(levels) do
    list[i] = np.quantile(x, np.array({ (1 - q) / 2, (1 + q) / 2 }, 'f64'), { axis = 1 })
  end
  return np.stack(list)
end

--- Posterior predictive checks: is the observation like data that are simulated with draws of the
-- posterior? Extreme probabilities condemn the model or the posterior; moderate ones do not acquit,
-- since the data are used twice.
--
-- The result prints what it means.
-- @tparam Array|number observed (...), data or summaries
-- @tparam Array simulated (S, ...), simulated with S draws of the posterior
-- @tparam[opt] table opts `statistics`: { name = function of one observation that gives one
-- number }; `levels` of bands ({ 0.5, 0.68, 0.95 }); `level` (0.05) of the verdict; `max_rejected`
-- (0.05), the share of simulations that may be left out since they hold NaN
-- @treturn table n, rejected; statistics: of each name observed, simulated (S), p: (1 + number of
-- simulations that are as large) / (S + 1), two_sided; bands (levels, 2, ...): quantiles of each
-- number; median_distance: of simulations from the observation (depends on scales); and if S is
-- more than 5 d, d the size of the data: mahalanobis2, squared distance from the mean of
-- simulations, loo_mahalanobis2 (S) of each from the others, loo_p: how rare such distances are;
-- f_statistic, f_p: the same if all is normal; nearest: the mean distance to the 10 nearest
-- simulations, whitened, nearest_p: how rare that is among (the first 1000) simulations, which
-- serves clouds of several parts; p: the smallest of loo_p and all two_sided, corrected
-- @raise shapes that do not fit, fewer than 10 simulations, observations that are not finite, no
-- statistics where there are too few simulations for distances
-- @source Gelman, Meng & Stern 1996, Stat. Sinica 6, 733
-- @usage local x = random.normal(random.PRNGKey(1), { 500, 10 })
-- local r = diagnostics.predictive_check(np.full({ 10 }, 0.1), x,
--   { statistics = { largest = np.max } })
-- r.statistics.largest.two_sided < 0.01 --> true
function M.predictive_check(observed, simulated, opts)
  local who = 'predictive_check'
  local o = read.options(who, opts, { statistics = { 'table', default = {} },
    levels = { 'table', 'Array', default = { 0.5, 0.68, 0.95 } } })
  local levels = require('imnn.diagnostics.coverage').alpha(who, o.levels, 'levels'):values()
  local one, x, flat, rejected = given(who, observed, simulated, o)
  local out = { n = #x, rejected = rejected, level = o.level, statistics = {},
    bands = bands(x, levels) }
  local away = flat - one:reshape(-1)
  out.median_distance = np.median(np.sqrt((away * away):sum { axis = 2 })):item()
  local count, least = 0, math.huge
  if #x > 5 * one.size then
    distances(out, flat, one:reshape(-1))
    count, least = 1, out.loo_p
  end
  for name, fn in pairs(o.statistics) do
    local s = one_statistic(who, name, fn, one, x)
    out.statistics[name], count, least = s, count + 1, math.min(least, s.two_sided)
  end
  if count == 0 then
    core.raise('%s: distances of %d numbers need more than %d simulations, got %d; there are no '
      .. 'statistics either', who, one.size, 5 * one.size, #x)
  end
  out.p = math.min(1, count * least)
  return read.answer(out, say_check)
end

-- ---- misspecification ----

local function say_misspecified(r)
  local verdict = r.misspecified
    and 'the observation lies outside what was simulated: networks extrapolate, and calibration '
      .. 'says nothing about it'
    or 'the observation lies among what was simulated'
  return ('misspecification: %d simulations%s\n%s (%s)\n  Mahalanobis distance %.4g, rank %s; mean '
    .. 'distance to the nearest %.4g, rank %s'):format(r.n, read.left_out(r.rejected), verdict,
    read.p(r.p), math.sqrt(r.mahalanobis2), read.p(r.loo_p), r.nearest, read.p(r.nearest_p))
end

--- Is the observation among what the prior and the simulator give? If not, whatever was learnt from
-- simulations does not hold for it, and every test of calibration is beside the point.
--
-- The result prints what it means.
-- @tparam Array|number observed (...), summaries
-- @tparam Array simulated (S, ...), those of S simulations with parameters from the prior
-- @tparam[opt] table opts `level` (0.01) of the verdict, which needs 2 / level simulations;
-- `max_rejected` (0.05), the share of simulations that may be left out since they hold NaN
-- @treturn table n, rejected; mahalanobis2, loo_mahalanobis2, loo_p, f_statistic, f_p, nearest,
-- nearest_p: as of `predictive_check`; p: the smaller one of loo_p and nearest_p, corrected;
-- misspecified: whether p is below the level
-- @raise shapes that do not fit, no more than 5 simulations for each number, observations that are
-- not finite, too few simulations for the level
-- @usage local x = random.normal(random.PRNGKey(1), { 500, 2 })
-- diagnostics.misspecification({ 5, 5 }, x).misspecified --> true
function M.misspecification(observed, simulated, opts)
  local who = 'misspecification'
  local o = args.spelled(who, opts, read.rows)
  if o.level == nil then o.level = 0.01 end
  o = read.options(who, o)
  local one, x, flat, rejected = given(who, observed, simulated, o)
  local least = math.max(5 * one.size + 1, math.ceil(2 / o.level))
  if #x < least then
    core.raise('%s: needs %d simulations for %d numbers at the level %g, got %d', who, least,
      one.size, o.level, #x)
  end
  local out = { n = #x, rejected = rejected, level = o.level }
  distances(out, flat, one:reshape(-1))
  out.p = math.min(1, 2 * math.min(out.loo_p, out.nearest_p))
  out.misspecified = out.p < o.level
  return read.answer(out, say_misspecified)
end

return M
