--- Mixtures of normal vectors, as mixture density networks give them.
-- @module imnn.distributions.normal_mixture
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local stats = require 'imnn.scipy.stats'
local normal = require('imnn.distributions.table').normal
local M = {}

-- A value for each dtype, made once.
local function once(fn)
  local known = {}
  return function(dtype)
    known[dtype] = known[dtype] or fn(dtype)
    return known[dtype]
  end
end

local function swap(x) return np.swapaxes(x, -1, -2) end
local function diagonal(x) return np.diagonal(x, 0, -2, -1) end
local function column(x) return np.expand_dims(x, -1) end

-- R, upper triangular with a positive diagonal, with R^T R = F^T F.
local function triangle(F)
  local R = np.linalg.qr(F, 'r')
  return column(np.where(np.lt(diagonal(R), 0), -1, 1)) * R
end

-- The inverse of triangular matrices (K, D, D), lower ones or their transposes.
local function inverse(L, transpose)
  local D = L.shape[3]
  local I = np.broadcast_to(np.eye(D, D, 0, L.dtype), L.shape)
  return np.linalg.triangular_solve(L, I, { lower = true, transpose = transpose })
end

local function indices(list) return np.array(list, 'i32') end

-- Of the first axes of a square matrix: those up to n, or from n + 1 on.
local function corner(R, n) return R[{ {}, { 1, n }, { 1, n } }] end

local make -- (who, p, opts): of p = { K, D, wide, logits, means, factor }, functions of the dtype

-- ---- some components, and the others ----

-- With x = (a, b) and L L^T the inverse of the covariance, |L^T (x - mean)|^2 is
-- |R_aa d_a + R_ab d_b|^2 + |R_bb d_b|^2 where R is L^T with its columns in the order a, b, made
-- triangular by a rotation: R_bb is of the marginal distribution of b, R_aa of a given b. No
-- covariance is inverted on the way.
local function parted(p, a, b)
  local order, n = {}, #a
  for _, list in ipairs { a, b } do
    for _, k in ipairs(list) do order[#order + 1] = k end
  end
  return once(function(dtype)
    local R = triangle(np.take(swap(p.factor(dtype)), indices(order), 3))
    local function block(rows, columns) return R[{ {}, rows, columns }] end
    local rest = { n + 1, p.D }
    if n == 0 then return { bb = R } end
    return { aa = corner(R, n), ab = block({ 1, n }, rest), bb = block(rest, rest) }
  end)
end

local function chosen(p, which)
  return once(function(dtype) return np.take(p.means(dtype), indices(which), 2) end)
end

local function marginal(d, p, which, others)
  local R = parted(p, others, which)
  return make(d.name, { K = p.K, D = #which, wide = p.wide, logits = p.logits,
    means = chosen(p, which), factor = once(function(dtype) return swap(R(dtype).bb) end),
  }, base.names_of(d, which))
end

local function condition(d, p, a, b, values)
  local R, mean_a, mean_b = parted(p, a, b), chosen(p, a), chosen(p, b)
  local function away(dtype) return column(values(dtype) - mean_b(dtype)) end -- (K, n_b, 1)
  return make(d.name, { K = p.K, D = #a, wide = p.wide or values 'f32'.dtype == 'f64',
    logits = once(function(dtype)
      local bb = R(dtype).bb
      local z = np.matmul(bb, away(dtype))
      return p.log_weights(dtype) + np.log(diagonal(bb)):sum { axis = -1 }
        - 0.5 * (z * z):sum { axis = { -2, -1 } }
    end),
    means = once(function(dtype)
      local r = R(dtype)
      local moved = np.linalg.triangular_solve(r.aa, np.matmul(r.ab, away(dtype)))
      return mean_a(dtype) - np.squeeze(moved, -1)
    end),
    factor = once(function(dtype) return swap(R(dtype).aa) end),
  }, base.names_of(d, a))
end

-- ---- a mixture ----

-- Each component of the vectors for itself: functions of x (..., D), and of the dtype.
local function sides(p)
  local function shares(dtype) return column(np.exp(p.log_weights(dtype))) end
  local deviations = once(function(dtype) return np.sqrt(diagonal(p.covs(dtype))) end)
  local function with(x, fn)
    return fn(np.expand_dims(x, -2), p.means(x.dtype), deviations(x.dtype))
  end
  local function weighted(fn)
    return function(x) return (shares(x.dtype) * with(x, fn)):sum { axis = -2 } end
  end
  -- The parts by themselves, for integrals.
  local function mixed(dtype)
    local out, w = {}, np.exp(p.log_weights(dtype))
    for k = 1, p.K do
      out[k] = { w[k], normal(p.means(dtype)[k], deviations(dtype)[k]).each }
    end
    return out
  end
  return {
    log_prob = function(x)
      local y = column(p.log_weights(x.dtype)) + with(x, stats.norm.logpdf)
      return np.logsumexp(y, { axis = -2 })
    end,
    cdf = weighted(stats.norm.cdf), sf = weighted(stats.norm.sf),
    bounds = function(dtype)
      local y = p.mean(dtype)
      return np.full_like(y, -math.huge), np.full_like(y, math.huge)
    end,
    middle = function(dtype) return p.mean(dtype), np.sqrt(diagonal(p.cov(dtype))) end,
    mean = p.mean, var = function(dtype) return diagonal(p.cov(dtype)) end,
    mixed = mixed,
  }
end

-- Moments, and what densities and draws are made of.
local function derive(p)
  p.log_weights = once(function(dtype)
    local a = p.logits(dtype)
    return a - np.logsumexp(a)
  end)
  p.scale = once(function(dtype) return inverse(p.factor(dtype), true) end) -- x = mean + scale z
  p.covs = once(function(dtype)
    local S = p.scale(dtype)
    return np.matmul(S, swap(S))
  end)
  p.mean = once(function(dtype)
    return (column(np.exp(p.log_weights(dtype))) * p.means(dtype)):sum { axis = 1 }
  end)
  p.cov = once(function(dtype)
    local d = p.means(dtype) - p.mean(dtype)
    local each = p.covs(dtype) + column(d) * np.expand_dims(d, -2)
    return (column(column(np.exp(p.log_weights(dtype)))) * each):sum { axis = 1 }
  end)
end

-- Infinite x are far out; a sum over them is inf - inf, and where x is NaN so is the density.
local function component_log_prob(p, x)
  local L, far = p.factor(x.dtype), np.any(np.isinf(x), { axis = -1, keepdims = true })
  local d = np.expand_dims(np.where(far, 0, x), -2) - p.means(x.dtype)
  local z = (column(d) * L):sum { axis = -2 } -- L^T d, faster so than by products of matrices
  local y = p.log_weights(x.dtype) + np.log(diagonal(L)):sum { axis = -1 }
    - 0.5 * (z * z):sum { axis = -1 } - 0.5 * p.D * math.log(2 * math.pi)
  return np.where(far, -math.huge, y)
end

local function draw(p, key, size)
  local dtype = p.wide and 'f64' or array.default_dtype()
  local keys = random.split(key)
  local which = random.categorical(keys[1], p.log_weights(dtype), { shape = size })
  local z = random.normal(keys[2], base.sample_shape('normal_mixture', size, { p.D }), dtype)
  local scale = np.take(p.scale(dtype), which, 1)
  return np.take(p.means(dtype), which, 1) + (scale * np.expand_dims(z, -2)):sum { axis = -1 }
end

-- Tail probabilities of a normal number 5 and 8.5 deviations out, where plots of it end and its
-- density is no part of a sum of doubles.
local PLOT, NOTHING = 2.866515719e-7, 9.479534822e-18

function make(who, p, opts)
  derive(p)
  local each = sides(p)
  local alone = { each = each, event_shape = { p.D } }
  local function ends(tail)
    return function(dtype)
      local q = np.array(tail, dtype)
      return base.component(alone, 'quantile')(q), base.component(alone, 'upper_quantile')(q)
    end
  end
  local d
  d = base.new(who, {
    event_shape = { p.D }, normal = p.K == 1, each = p.D == 1 and each or nil,
    density = function(x)
      return np.logsumexp(component_log_prob(p, x), { axis = -1 })
    end,
    draw = function(key, size) return draw(p, key, size) end,
    moments = { mean = each.mean, var = each.var }, covariance = p.cov,
    bounds = each.bounds, reach = ends(PLOT), extent = ends(NOTHING),
    component_log_prob_of = function(x) return component_log_prob(p, x) end,
    components_of = function(dtype)
      return { weights = np.exp(p.log_weights(dtype)), mean = p.means(dtype),
        cov = p.covs(dtype), precision_factor = p.factor(dtype) }
    end,
    marginal_of = function(which, others) return marginal(d, p, which, others) end,
    condition_on = function(a, b, values) return condition(d, p, a, b, values) end,
  }, opts)
  return d
end

-- ---- from parameters ----

local function text_of(shape) return '(' .. table.concat(shape, ', ') .. ')' end

-- Logits (K), of which some may be -inf, and K.
local function logits_of(who, given)
  local fn, shape, wide = base.parameter(who, 'logits', given, true)
  if #shape ~= 1 or shape[1] == 0 then
    core.raise('%s: logits must be of shape (K), got %s', who, text_of(shape))
  end
  local most = np.max(fn 'f64')
  if not array.traced(most) and not np.isfinite(most):item() then
    core.raise('%s: logits must be below infinity, and not all -inf', who)
  end
  return fn, shape[1], wide
end

-- Means (K, D), and D.
local function means_of(who, given, K)
  local fn, shape, wide = base.parameter(who, 'means', given)
  if #shape ~= 2 or shape[1] ~= K or shape[2] == 0 then
    core.raise('%s: means must be of shape (%d, D), for %d logits, got %s', who, K, K,
      text_of(shape))
  end
  return fn, shape[2], wide
end

-- L (K, D, D), from itself or from covariances.
local function factor_from(who, factor, cov, K, D)
  local name, want = cov and 'cov' or 'precision_factor', { K, D, D }
  local fn, shape, wide = base.parameter(who, name, cov or factor)
  if text_of(shape) ~= text_of(want) then
    core.raise('%s: %s must be of shape %s, got %s', who, name, text_of(want), text_of(shape))
  end
  if cov then
    return once(function(dtype)
      return swap(triangle(inverse(np.linalg.cholesky(fn(dtype)), false)))
    end), wide
  end
  local least = np.min(diagonal(fn 'f64'))
  if not array.traced(least) and not (least:item() > 0) then
    core.raise('%s: the diagonal of precision_factor must be positive, got %g', who, least:item())
  end
  return once(function(dtype) return np.tril(fn(dtype)) end), wide
end

--- A mixture of normal vectors: of K ones with D components each, chosen by weight.
--
-- Each has a mean and a covariance, or the lower triangular L of which L L^T is the inverse of the
-- covariance. The density has exact derivatives in all of them.
-- @tparam table|Array logits (K), logarithms of the weights up to a constant; -inf: a weight of 0
-- @tparam table|Array means (K, D)
-- @tparam[opt] table|Array precision_factor (K, D, D): L, whose diagonal is positive; above it
-- nothing is read
-- @tparam[opt] table opts `cov` (K, D, D): covariances, in place of precision_factor; `low`,
-- `high`: limits of plots; `names` and `labels` of the components
-- @treturn distribution with `marginal`, `condition`, `components` and `component_log_prob`
-- @raise shapes that do not fit; a diagonal that is not positive; covariances that are not
-- positive definite
-- @usage local q = distributions.normal_mixture({ 0, 1 }, { { 0, 1 }, { 2, -1 } },
--   { { { 1, 0 }, { 0.5, 2 } }, { { 1, 0 }, { 0, 1 } } })
-- q:log_prob { 0.5, 0.25 }
-- distributions.normal_mixture({ 0, 0 }, { { -1 }, { 1 } }, { cov = { { { 1 } }, { { 4 } } } })
--   :var() --> { 3.5 }
function M.normal_mixture(logits, means, precision_factor, opts)
  local who = 'distributions.normal_mixture'
  if type(precision_factor) == 'table' and type(next(precision_factor)) == 'string' then
    precision_factor, opts = nil, precision_factor
  end
  opts = args.take(who, opts, args.rows(base.option_rows, {
    cov = { 'table', 'Array', optional = true },
  }))
  if (precision_factor == nil) == (opts.cov == nil) then
    core.raise('%s: needs either precision_factor or cov', who)
  end
  local p, wide = {}, {}
  p.logits, p.K, wide[1] = logits_of(who, logits)
  p.means, p.D, wide[2] = means_of(who, means, p.K)
  p.factor, wide[3] = factor_from(who, precision_factor, opts.cov, p.K, p.D)
  p.wide = wide[1] or wide[2] or wide[3]
  opts.cov = nil
  return make(who, p, opts)
end

-- ---- from the outputs of a network ----

-- L from the entries (K, D (D + 1) / 2) of its rows, those of the diagonal logarithms l that
-- 10 tanh(l / 10) keeps between -10 and 10.
local function factor_of(entries, K, D)
  local place, on = {}, {}
  for i = 1, D do
    for j = 1, D do
      place[#place + 1] = j <= i and i * (i - 1) / 2 + j or 1
    end
    on[i] = i * (i + 1) / 2
  end
  local full = np.take(entries, indices(place), 2):reshape { K, D, D }
  local scale = np.exp(10 * np.tanh(np.take(entries, indices(on), 2) / 10))
  return np.tril(full, -1) + column(scale) * np.eye(D, D, 0, entries.dtype)
end

--- A mixture of normal vectors from the outputs of a network: the head of a mixture density
-- network.
--
-- The n = K (1 + D + D (D + 1) / 2) outputs are, for K parts of D components: K logits; K means, D
-- numbers each; the lower triangles of K matrices L, row by row, L L^T being the inverse of a
-- covariance. On the diagonals stand logarithms l, which are kept within -10 .. 10 by
-- 10 tanh(l / 10). So a network ends with `stax.Dense(n)`; outputs of 0 are normal vectors of mean
-- 0 and variance 1.
--
-- One context has one distribution. Over many contexts `imnn.vmap` maps:
--
--    local function loss(w, x, theta)        -- x (N, ...), theta (N, D)
--      local function one(x, theta)
--        return distributions.mixture_density(net.apply(w, x), 5, 2):log_prob(theta)
--      end
--      return -imnn.vmap(one)(x, theta):mean()
--    end
-- @tparam Array|table outputs (n)
-- @tparam number n_components K
-- @tparam number n_params D
-- @tparam[opt] table opts `low`, `high`: limits of plots; `names` and `labels` of the components
-- @treturn distribution as of normal_mixture
-- @raise another number of outputs
-- @source Bishop 1994, Mixture density networks, Aston University NCRG/94/004
-- @usage local q = distributions.mixture_density(np.zeros { 12 }, 2, 2)
-- q:log_prob { 0, 0 } --> -1.83788
function M.mixture_density(outputs, n_components, n_params, opts)
  local who = 'distributions.mixture_density'
  local K = args.argument(who, 'n_components', n_components, { 'integer' })
  local D = args.argument(who, 'n_params', n_params, { 'integer' })
  if K < 1 or D < 1 then
    core.raise('%s: n_components and n_params must be positive, got %d and %d', who, K, D)
  end
  local fn, shape, wide = base.parameter(who, 'outputs', outputs)
  local T = D * (D + 1) / 2
  if #shape ~= 1 or shape[1] ~= K * (1 + D + T) then
    core.raise('%s: %d components of %d parameters are made of (%d) outputs, got %s%s', who, K, D,
      K * (1 + D + T), text_of(shape), #shape > 1 and '; map over contexts with imnn.vmap' or '')
  end
  local function part(first, last, sizes)
    return once(function(dtype) return fn(dtype)[{ { first, last } }]:reshape(sizes) end)
  end
  local entries = part(K + K * D + 1, K * (1 + D + T), { K, T })
  return make(who, { K = K, D = D, wide = wide, logits = part(1, K, { K }),
    means = part(K + 1, K + K * D, { K, D }),
    factor = once(function(dtype) return factor_of(entries(dtype), K, D) end),
  }, opts)
end

return M
