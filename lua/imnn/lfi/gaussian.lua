--- The Gaussian approximation of the posterior: the estimate and the inverse Fisher information,
-- times the prior.
--
-- Attributes beside those of imnn.lfi.posterior: parameter_estimates (T, P), invF (T, P, P),
-- with_prior, log_evidence (T): the logarithm of the integral of normal density times prior (nil
-- without prior); fiducial (P) or nil; warnings: sentences about targets for which the
-- approximation is doubtful.
-- @module imnn.lfi.gaussian
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local matrix = require 'imnn.lfi.matrix'
local nodes = require 'imnn.lfi.nodes'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local prior = require 'imnn.lfi.prior'
local random = require 'imnn.random'
local rejection = require 'imnn.lfi.rejection'
local samples = require 'imnn.samples.set'
local transform = require 'imnn.transform'
local warn = require 'imnn.lfi.warn'
require 'imnn.samples' -- whose methods sample sets have
local M = {}

local who = 'GaussianApproximation'
local Gaussian = posterior.class {}

local WIDE = 8 -- standard deviations: 1e-15 of a normal density is farther out
local MOST = 2 ^ 24 -- evaluations of a prior for one marginal
local NEAR, FAR = 2, 5 -- standard deviations: from a limit, from the fiducial parameters

-- ---- densities of some parameters ----

-- Parameters in the order in which they are given their values: `fixed` first, then the others,
-- which are integrated over. Without a prior the others need no integral: they are left out.
local function order_of(self, fixed)
  local order, seen = { unpack(fixed) }, {}
  for _, p in ipairs(fixed) do seen[p] = true end
  for p = 1, self.with_prior and self.n_params or 0 do
    if not seen[p] then order[#order + 1] = p end
  end
  return order
end

-- The density at x, values of the fixed parameters, of one target: a product of normal densities,
-- each given the parameters before it. L is the root of the covariance in that order. Parameters
-- that are not fixed take values at nodes between the limits of the prior, or at normal nodes.
local function density(self, fixed, order, u, weight)
  local support = prior.support(self.prior)
  return function(m, L, x)
    local z, theta, chi2, factor = {}, {}, 0, 1
    for k, p in ipairs(order) do
      local centre, scale = m[p], L[k][k]
      for i = 1, k - 1 do centre = centre + L[k][i] * z[i] end
      if k <= #fixed then
        z[k] = (x[k] - centre) / scale
        theta[p], factor = x[k], factor / (scale * math.sqrt(2 * math.pi))
      elseif weight then
        local a = np.clip((support.low[p] - centre) / scale, -WIDE, WIDE)
        local b = np.clip((support.high[p] - centre) / scale, -WIDE, WIDE)
        z[k] = a + (b - a) * u[k - #fixed]
        theta[p], factor = centre + scale * z[k], factor * (b - a) / math.sqrt(2 * math.pi)
      else
        z[k] = u[k - #fixed]
        theta[p] = centre + scale * z[k]
      end
      if k <= #fixed or weight then chi2 = chi2 + z[k] * z[k] end
    end
    if not self.with_prior then return factor * np.exp(-0.5 * chi2) end
    for p = 1, #theta do
      if u then theta[p] = np.broadcast_to(theta[p], u[1].shape) end
    end
    local log_p = prior.log_prob(who, self.prior, np.stack(theta, -1))
    local f = factor * np.exp(log_p - 0.5 * chi2)
    if not u then return f end
    return weight and (weight * f):sum() or f:mean()
  end
end

-- A function (m (P), V, x (n, fixed)) -> density (n) of the fixed parameters, not normalised.
local function marginal(self, fixed, n)
  local order, u, weight = order_of(self, fixed), nil, nil
  local D = #order - #fixed
  if D > 0 then u, weight = nodes.of(D, MOST / n) end
  local one = density(self, fixed, order, u, weight)
  local all = transform.jit(function(m, L, x)
    return transform.vmap(function(point) return one(m, L, point) end)(x)
  end)
  return function(m, V, x)
    local L = np.linalg.cholesky(V:take(order, 1):take(order, 2))
    return all(np.array(m, 'f64'), L, np.array(x, 'f64'))
  end
end

-- ---- the whole ----

local INTERVALS = 96

-- The integral of normal density times prior, one number for each target.
local function evidence(self, m, V)
  local u, w = nodes.gauss_legendre(INTERVALS)
  local f, support, out = marginal(self, { 1 }, INTERVALS), prior.support(self.prior), {}
  for t = 1, #m do
    local reach = WIDE * math.sqrt(V[{ t, 1, 1 }]:item())
    local a = math.max(support.low[1], m[t][1] - reach)
    local b = math.min(support.high[1], m[t][1] + reach)
    local x, sum = {}, 0
    for k, v in ipairs(u) do x[k] = { a + (b - a) * v } end
    for k, v in ipairs(f(m[t], V[t], x):totable()) do sum = sum + (b - a) * w[k] * v end
    if not (a < b and sum > 0 and sum < math.huge) then
      core.raise('%s: target %d: no density is left: the estimate lies too far outside the prior; '
        .. 'check the target, or use with_prior = false', who, t)
    end
    out[t] = sum
  end
  return out
end

-- Grid points of one parameter, or pairs of those of two: f64 (n, 1) or (n, 2).
local function points(a, b)
  a = np.array(a, 'f64')
  if not b then return np.expand_dims(a, 2) end
  local x, y = np.meshgrid(a, np.array(b, 'f64'), { indexing = 'ij' })
  return np.stack({ x, y }, -1):reshape(-1, 2)
end

local function make_marginals(self, m, V, mass, ranges)
  return marginals.triangle(self.n_params, function(row, column)
    local fixed = row == column and { row } or { column, row }
    local x = points(ranges[column], row ~= column and ranges[row] or nil)
    local f, all = marginal(self, fixed, #x), {}
    for t = 1, #m do all[t] = f(m[t], V[t], x) / (mass and mass[t] or 1) end
    local shape = { #m, #ranges[column], row ~= column and #ranges[row] or nil }
    return np.stack(all):reshape(shape)
  end)
end

-- Estimates as (T, P) and one inverse Fisher matrix for each.
local function read(self, name, estimates, invF)
  local P, x = self.n_params, np.array(estimates, 'f64')
  local shape = x.shape
  if #shape < 2 then x = x:reshape { 1, x.size } end
  if #shape > 2 or x.shape[2] ~= P then
    core.raise('%s: parameter_estimates must be (%d) or (T, %d), got (%s)', name, P, P,
      table.concat(shape, ', '))
  end
  local at = tonumber(core.C.imnn_array_nonfinite(x.array))
  if at >= 0 then
    core.raise('%s: the estimate of target %d is not finite', name, math.floor(at / P) + 1)
  end
  return x, matrix.read(name, 'invF', invF, x.shape[1], P)
end

local estimate_types = { 'Array', 'table', 'number', optional = true }

--- Marginals, of these estimates or of others.
-- @tparam[opt] table opts `parameter_estimates`, `invF`: of the object; `ranges`: P lists of evenly
-- spaced grid points; `gridsize`: points between the limits of the prior
-- @treturn table see imnn.lfi.marginals. Without the prior they are exact. With it they are
-- integrals, to 1e-7 of the peak for two or three parameters, and to some 1e-3 where the prior cuts
-- for six and more
-- @raise shapes that do not fit, a target that the prior excludes
-- @usage local marginals = gaussian:get_marginals { gridsize = 30 }
function Gaussian:get_marginals(opts)
  local o = args.take('get_marginals', opts, {
    parameter_estimates = estimate_types, invF = estimate_types,
    ranges = { 'table', optional = true },
    gridsize = { 'integer', 'table', optional = true },
  })
  local estimates, invF = read(self, 'get_marginals',
    o.parameter_estimates or self.parameter_estimates, o.invF or self.invF)
  local ranges = grid.choose('get_marginals', self, o)
  local m = estimates:totable()
  return make_marginals(self, m, invF, self.with_prior and evidence(self, m, invF), ranges)
end

--- Logarithm of the density.
-- @tparam Array|table theta (..., P)
-- @tparam[opt=1] number target
-- @treturn Array f64 (...)
-- @usage gaussian:log_prob { 0.1, 2.5 }
function Gaussian:log_prob(theta, target)
  target = self:target_choice(target or 1)[1]
  theta = np.array(theta, 'f64')
  local invV = np.linalg.inv(self.invF[target])
  local d = theta - self.parameter_estimates[target]
  local _, log_det = np.linalg.slogdet(self.invF[target] * (2 * math.pi))
  local log_p = -0.5 * ((np.matmul(d, invV) * d):sum { axis = -1 } + log_det)
  if not self.with_prior then return log_p end
  return log_p + prior.log_prob(who, self.prior, theta) - self.log_evidence[target]
end

--- Independent draws.
-- Candidates of the normal density between the limits of the prior, or of the prior, whichever is
-- more often accepted, are accepted in proportion to what is missing; the bound of that is the
-- largest of all candidates, of which there are 8192 or more. Draw i depends on the key alone.
-- @tparam Array key
-- @tparam[opt] integer n draws; none: one, of shape (P)
-- @tparam[opt=1] integer target
-- @tparam[opt] table opts `max_candidates` (10^7)
-- @treturn Array f64 (n, P), or (P)
-- @raise more candidates than that
-- @usage gaussian:sample(key, 1000)
function Gaussian:sample(key, n, target, opts)
  local name = 'sample'
  args.argument(name, 'key', key, { 'Array' })
  args.argument(name, 'n', n, { 'integer', optional = true })
  local o = args.take(name, opts, { max_candidates = { 'integer', default = 1e7 } })
  if n and n < 1 then core.raise('%s: n must be positive, got %d', name, n) end
  target = self:target_choice(target or 1)[1]
  local x = rejection.draw(name, {
    prior = self.prior, with_prior = self.with_prior, mean = self.parameter_estimates[target],
    cov = self.invF[target], target = target,
  }, key, n or 1, o.max_candidates)
  return n and x or x[1]
end

--- Draws as a sample set.
-- @tparam[opt=1] integer target
-- @tparam[opt] table opts `n` (10000) draws; `key` (random.PRNGKey(0)); `max_candidates`
-- @treturn SampleSet of equal weights, with log_prob, and the evidence if it is with the prior
-- @raise as `sample`
-- @usage gaussian:samples(1, { n = 100 }):mean()
function Gaussian:samples(target, opts)
  target = args.argument('samples', 'target', target, { 'integer', default = 1 })
  target = self:target_choice(target)[1]
  local o = args.take('samples', opts, { n = { 'integer', default = 10000 },
    key = { 'Array', optional = true }, max_candidates = { 'integer', optional = true } })
  local key = o.key or random.PRNGKey(0)
  local x = self:sample(key, o.n, target, { max_candidates = o.max_candidates })
  return samples.new('samples', prior.described(self.prior, {
    parameters = x, log_prob = self:log_prob(x, target),
    origin = { method = who, target = target, key = key, simulations = 0,
      log_evidence = self.with_prior and self.log_evidence[target]:item() or nil,
      version = ffi.string(core.C.imnn_version()), settings = { with_prior = self.with_prior } },
  }))
end

-- ---- what is doubtful ----

-- Limits that are near estimates m (T lists) of covariances V.
local function look_at_limits(self, m, V, say)
  local low, high = prior.ends(self.prior)
  for t, estimate in ipairs(m) do
    for p, x in ipairs(estimate) do
      local sigma = math.sqrt(V[{ t, p, p }]:item())
      for _, limit in ipairs { low[p], high[p] } do
        local outside = limit == low[p] and x < limit or limit == high[p] and x > limit
        local away = math.abs(x - limit) / sigma
        local name = prior.name(self.prior, p)
        if outside then
          say('target %d: the estimate of %s, %.4g, lies %.1f standard deviations outside of the '
            .. 'limit %g of the prior; the posterior is a tail of the normal density', t, name, x,
            away, limit)
        elseif away < NEAR then
          say('target %d: the estimate of %s, %.4g, lies %.1f standard deviations from the limit '
            .. '%g of the prior; near a limit a normal density is a poor approximation', t, name,
            x, away, limit)
        end
      end
    end
  end
end

local function look_at_fiducial(self, V, say)
  if not self.fiducial then return end
  for t = 1, self.n_targets do
    local d = self.parameter_estimates[t] - self.fiducial
    local away = math.sqrt((np.linalg.solve(V[t], d) * d):sum():item())
    if away > FAR then
      say('target %d: the estimate lies %.1f standard deviations (by the Fisher information) from '
        .. 'the fiducial parameters, where the summaries are best; train again nearer to it, or '
        .. 'let simulations decide (ApproximateBayesianComputation)', t, away)
    end
  end
end

-- ---- making one ----

-- Estimates, inverse Fisher information and fiducial parameters, from the options.
local function read_options(o)
  if o.net and (o.parameter_estimates ~= nil or o.invF ~= nil) or o.target_data and not o.net then
    core.raise('%s: give net and target_data, or parameter_estimates and invF', who)
  elseif not o.net then
    for _, name in ipairs { 'parameter_estimates', 'invF' } do
      if o[name] == nil then
        core.raise('%s: %s is missing (or give net and target_data)', who, name)
      end
    end
    return o.parameter_estimates, o.invF, o.fiducial
  end
  local net = o.net
  if not net.get_estimate then
    core.raise('%s: net must be a network with get_estimate, got %s', who, core.kind(net))
  elseif not o.target_data then
    core.raise('%s: target_data is missing: what the network is to estimate from', who)
  elseif not net.invF then
    core.raise('%s: the network has no statistics yet; fit or set_F_statistics makes them', who)
  end
  return net:get_estimate(np.array(o.target_data)), net.invF, o.fiducial or net.theta_fid
end

local function fiducial_of(given, P)
  if given == nil then return nil end
  local x = np.array(given, 'f64')
  if x.ndim == 0 then x = x:reshape { 1 } end
  if x.ndim ~= 1 or #x ~= P or tonumber(core.C.imnn_array_nonfinite(x.array)) >= 0 then
    core.raise('%s: fiducial must be %d finite numbers, one for each parameter', who, P)
  end
  return x
end

--- The Gaussian approximation.
-- @tparam table opts `net` and `target_data`: a trained network, and one datum or T of them; or
-- `parameter_estimates` (P) or (T, P), and `invF` (P, P), (T, P, P) or a list, in units of the
-- parameters squared; `prior`; `gridsize` (100): points for each parameter; `with_prior` (true):
-- multiply by the density of the prior, whose limits cut the tails; `fiducial` (P): where the
-- Fisher information was found (that of the network); `quiet` (false): no warnings on stderr
-- @treturn table see the top; log_prob, sample, samples, get_marginals, marginal_plot. It warns
-- where an estimate is within two standard deviations of a limit, or more than five from fiducial
-- @raise shapes that do not fit, a matrix that is not positive definite, a target that the prior
-- excludes
-- @usage lfi.GaussianApproximation { net = net, target_data = d, quiet = true,
--   prior = lfi.uniform({ -10, 0 }, { 10, 10 }) }
function M.new(opts)
  local o = args.take(who, opts, {
    net = { 'table', optional = true }, target_data = { 'Array', 'table', optional = true },
    parameter_estimates = { 'Array', 'table', 'number', optional = true },
    invF = { 'Array', 'table', 'number', optional = true },
    prior = { 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    with_prior = { 'boolean', default = true },
    fiducial = { 'Array', 'table', 'number', optional = true },
    quiet = { 'boolean', default = false },
  })
  o.prior = prior.of(o.prior)
  prior.check(who, o.prior, { log_prob = o.with_prior, density = o.with_prior })
  local self = setmetatable({ prior = o.prior, with_prior = o.with_prior }, Gaussian)
  self.ranges = grid.of(who, o.prior, o.gridsize)
  self.n_params = #self.ranges
  local estimates, invF, fiducial = read_options(o)
  self.parameter_estimates, self.invF = read(self, who, estimates, invF)
  self.fiducial = fiducial_of(fiducial, self.n_params)
  self.n_targets = self.parameter_estimates.shape[1]
  local m, mass = self.parameter_estimates:totable(), nil
  if self.with_prior then
    mass = evidence(self, m, self.invF)
    self.log_evidence = np.log(np.array(mass, 'f64'))
  end
  self.marginals = make_marginals(self, m, self.invF, mass, self.ranges)
  local list, say = warn(who, o.quiet)
  self.warnings = list
  look_at_limits(self, m, self.invF, say)
  look_at_fiducial(self, self.invF, say)
  return self
end

return M
