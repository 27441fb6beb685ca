--- Distributions of vectors and matrices whose components depend on each other.
-- @module imnn.distributions.vectors
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local parameters = require 'imnn.scipy.parameters'
local random = require 'imnn.random'
local stats = require 'imnn.scipy.stats'
local M = {}

-- Parameters by name and number of axes: functions of the dtype, sizes of the last axis, the dtype
-- of draws.
local function read(who, names, axes, given)
  local at, sizes, wide = {}, {}, false
  for i, name in ipairs(names) do
    local shape, f64
    at[i], shape, f64 = base.parameter(who, name, given[i])
    if #shape ~= axes[i] then
      core.raise('%s: %s must have %d axes, got (%s)', who, name, axes[i],
        table.concat(shape, ', '))
    end
    sizes[i], wide = shape[#shape], wide or f64
  end
  local function draw_dtype() return wide and 'f64' or array.default_dtype() end
  return at, sizes, draw_dtype
end

-- Refuse known values that are not above a number (or not below it, where it may be met).
local function above(who, name, at, bound, sign)
  parameters.meet(who, { { name = name, demands = { { sign or '>', bound } } } }, { at 'f64' })
end

local function agree(who, names, a, b)
  if a ~= b then core.raise('%s: %s have %d and %d rows', who, names, a, b) end
end

-- Refuse a known matrix of which one half is not the other's image.
local function symmetric(who, name, at)
  local x = at 'f64'
  if array.traced(x) then return end
  local off = np.abs(x - x:transpose())
  if not (off:max():item() > 1e-5 * np.abs(x):max():item()) then return end
  local k = np.argmax(off):item() - 1
  local i, j = math.floor(k / #x) + 1, k % #x + 1
  core.raise('%s: %s must be symmetric, got %g in row %d, column %d and %g across', who, name,
    x[i][j]:item(), i, j, x[j][i]:item())
end

-- Functions of the dtype for the moments and the ends.
local function around(mean, var)
  return function(dtype)
    local m, s = mean(dtype), 5 * np.sqrt(var(dtype))
    return m - s, m + s
  end
end

local function everywhere(mean)
  return function(dtype)
    local y = mean(dtype)
    return np.full_like(y, -math.huge), np.full_like(y, math.huge)
  end
end

-- Rows and columns of a matrix.
local function block(x, rows, columns)
  return np.take(np.take(x, np.array(rows, 'i32'), 1), np.array(columns, 'i32'), 2)
end

-- Normal vectors of n components; mean and cov are functions of the dtype.
local function normal(who, mean, cov, n, dtype, opts)
  local function var(t) return np.diagonal(cov(t)) end
  local function entropy(t)
    local L = np.linalg.cholesky(cov 'f64')
    local y = np.sum(np.log(np.diagonal(L))) + n / 2 * (1 + math.log(2 * math.pi))
    return y:astype(t)
  end
  local function some(which)
    return function(t) return np.take(mean(t), np.array(which, 'i32')) end
  end
  local d
  d = base.new(who, {
    event_shape = { n }, normal = true, covariance = cov,
    draw = function(key, shape)
      local t = dtype()
      return random.multivariate_normal(key, mean(t), cov(t), shape, t)
    end,
    density = function(x)
      return stats.multivariate_normal.logpdf(x, mean(x.dtype), cov(x.dtype))
    end,
    moments = { mean = mean, var = var, entropy = entropy },
    bounds = everywhere(mean), reach = around(mean, var),
    marginal_of = function(which)
      local function part(t) return block(cov(t), which, which) end
      return normal(who, some(which), part, #which, dtype, base.names_of(d, which))
    end,
    -- With L L^T = cov_bb and A = L^-1 cov_ba: mean_a + A^T L^-1 (b - mean_b), cov_aa - A^T A.
    condition_on = function(a, b, values)
      local function solved(t)
        local L = np.linalg.cholesky(block(cov(t), b, b))
        local function solve(y) return np.linalg.triangular_solve(L, y, { lower = true }) end
        return solve(block(cov(t), b, a)), solve(values(t) - some(b)(t))
      end
      local function moved(t)
        local A, y = solved(t)
        return some(a)(t) + np.matmul(A:transpose(), y)
      end
      local function rest(t)
        local A = solved(t)
        return block(cov(t), a, a) - np.matmul(A:transpose(), A)
      end
      local function wide() return values 'f32'.dtype == 'f64' and 'f64' or dtype() end
      return normal(who, moved, rest, #a, wide, base.names_of(d, a))
    end,
  }, opts)
  return d
end

--- Normal vectors of a mean and a covariance.
-- @tparam table|Array mean (n)
-- @tparam table|Array cov (n, n), symmetric and positive definite
-- @tparam[opt] table opts `low`, `high`: limits of plots (mean -+ 5 deviations); `names`, `labels`
-- @treturn distribution
-- @raise shapes that do not fit; a covariance that is not positive definite, where it is used
-- @usage distributions.multivariate_normal({ 0, 1 }, { { 1, 0.5 }, { 0.5, 2 } }):log_prob { 0, 1 }
--   --> -2.11768
function M.multivariate_normal(mean, cov, opts)
  local who = 'distributions.multivariate_normal'
  local at, n, dtype = read(who, { 'mean', 'cov' }, { 1, 2 }, { mean, cov })
  agree(who, 'mean and cov', n[1], n[2])
  symmetric(who, 'cov', at[2])
  return normal(who, at[1], at[2], n[1], dtype, opts)
end

--- Student's vectors: normal ones over the root of a chi-square number over its df degrees of
-- freedom.
-- @tparam table|Array loc (n)
-- @tparam table|Array shape (n, n), symmetric and positive definite
-- @tparam number|Array df
-- @tparam[opt] table opts `low`, `high`: limits of plots; `names`, `labels`
-- @treturn distribution
-- @raise shapes that do not fit
-- @usage distributions.multivariate_t({ 0, 0 }, np.eye(2), 3):prob { 0, 0 } --> 0.159155
function M.multivariate_t(loc, shape, df, opts)
  local who = 'distributions.multivariate_t'
  local at, n, dtype = read(who, { 'loc', 'shape', 'df' }, { 1, 2, 0 }, { loc, shape, df })
  agree(who, 'loc and shape', n[1], n[2])
  symmetric(who, 'shape', at[2])
  above(who, 'df', at[3], 0)
  local function scale(t) return np.diagonal(at[2](t)) end
  local function spread(t)
    local nu = at[3](t)
    return np.where(np.gt(nu, 2), nu / np.where(np.gt(nu, 2), nu - 2, 1), math.huge)
  end
  return base.new(who, {
    event_shape = { n[1] },
    draw = function(key, size)
      local t, keys = dtype(), random.split(key)
      local z = random.multivariate_normal(keys[1], np.zeros({ n[1] }, t), at[2](t), size, t)
      local x = random.chisquare(keys[2], at[3](t), size, t)
      return at[1](t) + z * np.expand_dims(np.sqrt(at[3](t) / x), -1)
    end,
    density = function(x)
      return stats.multivariate_t.logpdf(x, at[1](x.dtype), at[2](x.dtype), at[3](x.dtype))
    end,
    moments = {
      mean = function(t) return at[1](t) + np.where(np.gt(at[3](t), 1), 0, 0 / 0) end,
      var = function(t) return scale(t) * spread(t) end,
    },
    covariance = function(t) return at[2](t) * spread(t) end,
    bounds = everywhere(at[1]), reach = around(at[1], scale),
  }, opts)
end

--- Numbers that add up to 1, of density proportional to the product of x_k^(alpha_k - 1).
-- @tparam table|Array alpha (n), positive
-- @tparam[opt] table opts `names`, `labels`
-- @treturn distribution
-- @raise shapes that do not fit
-- @usage distributions.dirichlet({ 1, 2, 3 }):mean() --> { 0.166667, 0.333333, 0.5 }
function M.dirichlet(alpha, opts)
  local who = 'distributions.dirichlet'
  local at, n, dtype = read(who, { 'alpha' }, { 1 }, { alpha })
  above(who, 'alpha', at[1], 0)
  local function ends(t) return np.zeros({ n[1] }, t), np.ones({ n[1] }, t) end
  return base.new(who, {
    event_shape = { n[1] },
    draw = function(key, shape) return random.dirichlet(key, at[1](dtype()), shape, dtype()) end,
    density = function(x) return stats.dirichlet.logpdf(x, at[1](x.dtype)) end,
    moments = {
      mean = function(t) return stats.dirichlet.mean(at[1](t)) end,
      var = function(t) return stats.dirichlet.var(at[1](t)) end,
    },
    covariance = function(t)
      local m = stats.dirichlet.mean(at[1](t))
      return (np.diag(m) - np.outer(m, m)) / (at[1](t):sum() + 1)
    end,
    bounds = ends, reach = ends, extent = ends,
  }, opts)
end

--- How often each category comes in n trials.
-- @tparam number|Array n
-- @tparam table|Array p (k) probabilities, which add up to 1
-- @tparam[opt] table opts `names`, `labels`
-- @treturn distribution
-- @raise shapes that do not fit
-- @usage distributions.multinomial(3, { 0.5, 0.5 }):prob { 1, 2 } --> 0.375
function M.multinomial(n, p, opts)
  local who = 'distributions.multinomial'
  local at, k, dtype = read(who, { 'n', 'p' }, { 0, 1 }, { n, p })
  above(who, 'n', at[1], 0, '>=')
  above(who, 'p', at[2], 0, '>=')
  local function ends(t) return np.zeros({ k[2] }, t), np.zeros({ k[2] }, t) + at[1](t) end
  return base.new(who, {
    event_shape = { k[2] },
    draw = function(key, shape)
      return random.multinomial(key, at[1](dtype()), at[2](dtype()), shape, dtype()):astype 'i32'
    end,
    density = function(x) return stats.multinomial.logpmf(x, at[1](x.dtype), at[2](x.dtype)) end,
    moments = {
      mean = function(t) return at[1](t) * at[2](t) end,
      var = function(t) return at[1](t) * at[2](t) * (1 - at[2](t)) end,
    },
    covariance = function(t)
      local q = at[2](t)
      return at[1](t) * (np.diag(q) - np.outer(q, q))
    end,
    bounds = ends, reach = ends, extent = ends,
  }, opts)
end

--- Matrices: sums of df outer products of normal vectors of covariance `scale`.
-- @tparam number|Array df above n - 1
-- @tparam table|Array scale (n, n), symmetric and positive definite
-- @treturn distribution of events (n, n)
-- @raise shapes that do not fit
-- @usage distributions.wishart(3, { { 1, 0 }, { 0, 1 } }):mean() --> { { 3, 0 }, { 0, 3 } }
function M.wishart(df, scale)
  local who = 'distributions.wishart'
  local at, n, dtype = read(who, { 'df', 'scale' }, { 0, 2 }, { df, scale })
  above(who, 'df', at[1], n[2] - 1)
  local function mean(t) return at[1](t) * at[2](t) end
  local function var(t)
    local s = at[2](t)
    local d = np.diagonal(s)
    return at[1](t) * (s * s + np.outer(d, d))
  end
  return base.new(who, {
    event_shape = { n[2], n[2] },
    draw = function(key, shape)
      return random.wishart(key, at[1](dtype()), at[2](dtype()), shape, dtype())
    end,
    density = function(x) return stats.wishart.logpdf(x, at[1](x.dtype), at[2](x.dtype)) end,
    moments = { mean = mean, var = var },
    bounds = everywhere(mean), reach = around(mean, var),
  })
end

return M
