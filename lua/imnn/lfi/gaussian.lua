--- The Gaussian approximation of the posterior: the estimate and the inverse Fisher information,
-- times the prior.
-- @module imnn.lfi.gaussian
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local posterior = require 'imnn.lfi.posterior'
local random = require 'imnn.random'
local M = {}

local who = 'GaussianApproximation'
local Gaussian = setmetatable({}, { __index = posterior.Posterior })
Gaussian.__index = Gaussian

local FINE = 401 -- points of an integral over 16 standard deviations: error far below 1e-6
local DRAWS = 200000 -- three parameters and more: draws of the Gaussian, kept by the prior

-- Estimates as (T, P), inverse Fisher matrices as (T, P, P); one matrix serves for all targets.
local function shapes(estimates, invF, P)
  local e, f = estimates.shape, invF.shape
  if #e == 0 then estimates = estimates:reshape { 1, 1 } end
  if #e == 1 then estimates = estimates:reshape { 1, e[1] } end
  e = estimates.shape
  if #e ~= 2 or e[2] ~= P then
    core.raise('%s: parameter_estimates must be (%d) or (T, %d), got (%s)', who, P, P,
      table.concat(e, ', '))
  end
  if #f == 0 and P == 1 then invF = invF:reshape { 1, 1 } end
  f = invF.shape
  if #f == 2 and f[1] == P and f[2] == P then
    invF = np.broadcast_to(invF:reshape { 1, P, P }, { e[1], P, P })
  end
  f = invF.shape
  if #f ~= 3 or f[1] ~= e[1] or f[2] ~= P or f[3] ~= P then
    core.raise('%s: invF must be (%d, %d) or (%d, %d, %d), got (%s)', who, P, P, e[1], P, P,
      table.concat(f, ', '))
  end
  return estimates:astype 'f64', invF:astype 'f64'
end

local function normal(x, m, v) return math.exp(-(x - m) ^ 2 / (2 * v)) / math.sqrt(
  2 * math.pi * v) end

local function binormal(x, y, m, n, vx, vy, c)
  local det = vx * vy - c * c
  local dx, dy = x - m, y - n
  return math.exp(-(vy * dx * dx - 2 * c * dx * dy + vx * dy * dy) / (2 * det))
    / (2 * math.pi * math.sqrt(det))
end

-- Evenly spaced numbers over mean -+ 8 standard deviations, inside the limits.
local function fine(m, v, low, high)
  local s = 8 * math.sqrt(v)
  local a, b = math.max(low, m - s), math.min(high, m + s)
  local out = {}
  for k = 1, FINE do out[k] = a + (b - a) * (k - 1) / (FINE - 1) end
  return out, (b - a) / (FINE - 1)
end

local function trapezoid(values, step)
  local sum = -(values[1] + values[#values]) / 2
  for _, v in ipairs(values) do sum = sum + v end
  return sum * step
end

-- Densities of the prior at a list of points.
function Gaussian:prior_density(points)
  return self.prior:prob(np.array(points)):totable()
end

-- Marginal density of one parameter at the points xs, up to a factor. One parameter: the Gaussian
-- times the prior; two: the other one is integrated over, given this one.
function Gaussian:unnormalised(t, p, xs)
  local m, V = self.m[t], self.V[t]
  local out, points = {}, {}
  if self.n_params == 1 then
    for i, x in ipairs(xs) do points[i] = { x } end
    local weight = self:prior_density(points)
    for i, x in ipairs(xs) do out[i] = normal(x, m[1], V[1][1]) * weight[i] end
    return out
  end
  local q = 3 - p
  local slope = V[p][q] / V[p][p]
  local rest = V[q][q] - slope * V[p][q]
  local steps = {}
  for i, x in ipairs(xs) do
    local centre = m[q] + slope * (x - m[p])
    local ys, step = fine(centre, rest, self.low[q], self.high[q])
    steps[i] = step
    for k, y in ipairs(ys) do points[(i - 1) * FINE + k] = p == 1 and { x, y } or { y, x } end
  end
  local weight = self:prior_density(points)
  for i, x in ipairs(xs) do
    local centre, inner = m[q] + slope * (x - m[p]), {}
    for k = 1, FINE do
      local at = (i - 1) * FINE + k
      inner[k] = normal(points[at][q], centre, rest) * weight[at]
    end
    out[i] = steps[i] > 0 and normal(x, m[p], V[p][p]) * trapezoid(inner, steps[i]) or 0
  end
  return out
end

local function no_mass(t)
  core.raise('%s: target %d: the estimate lies so far outside the limits of the prior that no '
    .. 'density is left; check the target, or use with_prior = false', who, t)
end

function Gaussian:marginal(t, p)
  local out, m, V = {}, self.m[t], self.V[t]
  if not self.with_prior then
    for i, x in ipairs(self.ranges[p]) do out[i] = normal(x, m[p], V[p][p]) end
    return out
  end
  local xs, step = fine(m[p], V[p][p], self.low[p], self.high[p])
  local mass = step > 0 and trapezoid(self:unnormalised(t, p, xs), step) or 0
  if not (mass > 0) then no_mass(t) end
  for i, v in ipairs(self:unnormalised(t, p, self.ranges[p])) do out[i] = v / mass end
  return out
end

-- (g_column, g_row), flat.
function Gaussian:pair(t, row, column)
  local m, V, out, points = self.m[t], self.V[t], {}, {}
  for _, x in ipairs(self.ranges[column]) do
    for _, y in ipairs(self.ranges[row]) do
      out[#out + 1] = binormal(x, y, m[column], m[row], V[column][column], V[row][row],
        V[row][column])
      points[#points + 1] = { x, y }
    end
  end
  if not self.with_prior then return out end
  local weight = self:prior_density(points)
  for i = 1, #out do out[i] = out[i] * weight[i] end
  return out
end

-- Lower triangular root of a small matrix, as nested tables.
local function cholesky(V)
  local L = {}
  for i = 1, #V do
    L[i] = {}
    for j = 1, #V do
      local sum = V[i][j]
      for k = 1, math.min(i, j) - 1 do sum = sum - L[i][k] * L[j][k] end
      if i == j then
        if not (sum > 0) then core.raise('%s: invF is not positive definite', who) end
        L[i][j] = math.sqrt(sum)
      else
        L[i][j] = j < i and sum / L[j][j] or 0
      end
    end
  end
  return L
end

-- Draws of the Gaussian that the prior keeps: exact for any prior whose density is bounded.
function Gaussian:draws(t, key)
  local P, keys = self.n_params, random.split(key)
  local m, L = np.array(self.m[t], 'f64'), np.array(cholesky(self.V[t]), 'f64')
  local z = random.normal(keys[1], { DRAWS, P }, 'f64')
  local theta = m + np.matmul(z, L:transpose())
  local log_p = self.prior:log_prob(theta:astype 'f32'):totable()
  local u, rows = random.uniform(keys[2], { DRAWS }):totable(), theta:totable()
  local most, kept = -math.huge, {}
  for _, v in ipairs(log_p) do most = math.max(most, v) end
  for i, v in ipairs(log_p) do
    if v > -math.huge and u[i] < math.exp(v - most) then kept[#kept + 1] = rows[i] end
  end
  if #kept == 0 then no_mass(t) end
  return np.array(kept, 'f64')
end

--- Marginals of every target (see imnn.lfi.posterior). With the prior and up to two parameters the
-- densities are integrals to about 1e-6; with more they are smoothed histograms of 200 000 draws.
function Gaussian:get_marginals()
  local P, T = self.n_params, self.n_targets
  if self.with_prior and P > 2 then
    local points = {}
    for t = 1, T do points[t] = self:draws(t, random.fold_in(random.PRNGKey(0), t)) end
    return posterior.from_points(points, self.ranges, 1)
  end
  local marginals = {}
  for row = 1, P do
    marginals[row] = {}
    for column = 1, row do
      local all = {}
      for t = 1, T do
        local part = row == column and self:marginal(t, row) or self:pair(t, row, column)
        for _, v in ipairs(part) do all[#all + 1] = v end
      end
      local size = { T, #self.ranges[column], row ~= column and #self.ranges[row] or nil }
      marginals[row][column] = np.array(all, 'f64'):reshape(size)
    end
  end
  return marginals
end

--- Logarithm of the density, up to a constant of the target: the Gaussian times the prior.
-- @tparam Array theta (..., P)
-- @tparam[opt=1] number target
-- @treturn Array (...)
function Gaussian:log_prob(theta, target)
  target = target or 1
  self:target_choice(target)
  local m, V = np.array(self.m[target], 'f64'), np.array(self.V[target], 'f64')
  local d = theta:astype 'f64' - m
  local chi2 = (np.matmul(d, np.linalg.inv(V)) * d):sum { axis = -1 }
  local log_p = -0.5 * chi2 - 0.5 * np.log(np.linalg.det(V * (2 * math.pi)))
  return self.with_prior and log_p + self.prior:log_prob(theta) or log_p
end

--- The Gaussian approximation.
-- @tparam table opts `parameter_estimates` (P) or (T, P); `invF` (P, P) or (T, P, P), in units of
-- the parameters squared; `prior`; `gridsize` (100); `with_prior` (true): multiply by the prior
-- @treturn table n_targets, n_params, ranges, marginals; log_prob, get_marginals, marginal_plot
-- @raise shapes that do not fit, a matrix that is not positive definite
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
  local self = setmetatable({ prior = o.prior, with_prior = o.with_prior }, Gaussian)
  self.ranges = posterior.grid(who, o.prior, o.gridsize)
  self.n_params = #self.ranges
  self.low, self.high = {}, {}
  for p, r in ipairs(self.ranges) do self.low[p], self.high[p] = r[1], r[#r] end
  local function array(x) return np.is_array(x) and x or np.array(x, 'f64') end
  self.parameter_estimates, self.invF =
    shapes(array(o.parameter_estimates), array(o.invF), self.n_params)
  self.n_targets = self.parameter_estimates.shape[1]
  self.m, self.V = self.parameter_estimates:totable(), self.invF:totable()
  for t, V in ipairs(self.V) do
    for p = 1, self.n_params do
      if not (V[p][p] > 0 and V[p][p] < math.huge and self.m[t][p] == self.m[t][p]) then
        core.raise('%s: target %d: the variance of parameter %d is %g, its estimate %g', who, t, p,
          V[p][p], self.m[t][p])
      end
    end
  end
  self.marginals = self:get_marginals()
  return self
end

return M
