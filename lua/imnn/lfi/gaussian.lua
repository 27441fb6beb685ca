--- The Gaussian approximation of the posterior: the estimate and the inverse Fisher information,
-- times the prior.
--
-- Attributes beside those of imnn.lfi.posterior: parameter_estimates (T, P), invF (T, P, P),
-- with_prior, log_evidence (T): the logarithm of the integral of normal density times prior (nil
-- without prior).
-- @module imnn.lfi.gaussian
local args = require 'imnn.args'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local matrix = require 'imnn.lfi.matrix'
local nodes = require 'imnn.lfi.nodes'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local prior = require 'imnn.lfi.prior'
local transform = require 'imnn.transform'
local M = {}

local who = 'GaussianApproximation'
local Gaussian = posterior.class {}

local WIDE = 8 -- standard deviations: 1e-15 of a normal density is farther out
local MOST = 2 ^ 24 -- evaluations of a prior for one marginal

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

--- The Gaussian approximation.
-- @tparam table opts `parameter_estimates` (P) or (T, P); `invF` (P, P), (T, P, P) or a list, in
-- units of the parameters squared; `prior`; `gridsize` (100): points for each parameter;
-- `with_prior` (true): multiply by the density of the prior, whose limits cut the tails
-- @treturn table see the top; log_prob, get_marginals, marginal_plot
-- @raise shapes that do not fit, a matrix that is not positive definite, a target that the prior
-- excludes
-- @usage lfi.GaussianApproximation { parameter_estimates = net:get_estimate(d), invF = net.invF,
--   prior = lfi.uniform({ -10, 0 }, { 10, 10 }) }
function M.new(opts)
  local o = args.take(who, opts, {
    parameter_estimates = { 'Array', 'table', 'number' },
    invF = { 'Array', 'table', 'number' },
    prior = { 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    with_prior = { 'boolean', default = true },
  })
  o.prior = prior.of(o.prior)
  local self = setmetatable({ prior = o.prior, with_prior = o.with_prior }, Gaussian)
  self.ranges = grid.of(who, o.prior, o.gridsize)
  self.n_params = #self.ranges
  self.parameter_estimates, self.invF = read(self, who, o.parameter_estimates, o.invF)
  self.n_targets = self.parameter_estimates.shape[1]
  local m, mass = self.parameter_estimates:totable(), nil
  if self.with_prior then
    mass = evidence(self, m, self.invF)
    self.log_evidence = np.log(np.array(mass, 'f64'))
  end
  self.marginals = make_marginals(self, m, self.invF, mass, self.ranges)
  return self
end

return M
