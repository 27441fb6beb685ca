--- Distributions of one number, one row each; where parameters are lists or Arrays events have as
-- many independent components.
--
-- A row: `params`, names, what is asked of them, defaults; `stats`, the distribution of
-- imnn.scipy.stats and `of`, its parameters from these (the same without). Draws are made by
-- `draw` (key, shape, dtype, parameters ...); or those of loc 0 and scale 1 by `standard` (key,
-- shape, dtype, the other parameters ...) or the `sampler` of imnn.random, which takes these.
-- `infinite`: parameters may be infinite; `discrete`: whole numbers, which have no loc and scale;
-- `ends`, `reach`, `extent` of the parameters: ends of the support, limits of plots, and outside of
-- which the density does not count, where quantiles do not say so. `own`: functions (x, parameters
-- ...) that imnn.scipy.stats does not have.
-- @module imnn.distributions.table
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local nodes = require 'imnn.lfi.nodes'
local np = require 'imnn.numpy'
local parameters = require 'imnn.scipy.parameters'
local random = require 'imnn.random'
local stats = require 'imnn.scipy.stats'
local M = {}

-- ---- a distribution from a row ----

local options = { low = true, high = true, names = true, labels = true }

-- What is given by position and by name in a last table, without the options in it.
local function split(who, list, ...)
  local n, given = select('#', ...), { ... }
  while n > 0 and given[n] == nil do n = n - 1 end
  local last, opts = given[n], {}
  if n == 0 or type(last) ~= 'table' or type(next(last)) ~= 'string' then
    return parameters.given(who, list, given, n), opts
  end
  local named = {}
  for key, value in pairs(last) do
    local name = args.spelling[key] or key
    if list[name] or not options[name] then named[name] = value
    else opts[name] = value end
  end
  given[n] = next(named) and named or nil
  return parameters.given(who, list, given, next(named) and n or n - 1), opts
end

local function make(name, row)
  local who, list = 'distributions.' .. name, parameters.of(row.params)
  return function(...)
    local given, opts = split(who, list, ...)
    local shape, at, wide = {}, {}, false
    for i, p in ipairs(list) do
      local size, f64
      at[i], size, f64 = base.parameter(who, p.name, given[i], row.infinite)
      shape = joined(who, shape, size, 'the parameters')
      wide = wide or f64
    end
    local function values(dtype)
      local out = {}
      for i = 1, #list do out[i] = at[i](dtype) end
      return unpack(out, 1, #list)
    end
    parameters.meet(who, list, { values 'f64' })
    -- A function of imnn.scipy.stats, at x or of the parameters alone.
    local of, law = row.of or function(...) return ... end, stats[row.stats]
    local function at_x(what)
      local own = row.own and row.own[what]
      if own then return function(x) return own(x, values(x.dtype)) end end
      local fn = rawget(law, what)
      return fn and function(x) return fn(x, of(values(x.dtype))) end
    end
    local function alone(what)
      local fn = rawget(law, what)
      return fn and function(dtype) return fn(of(values(dtype))) end
    end
    local mean, std = alone 'mean', alone 'std'
    local each = {
      log_prob = at_x(row.discrete and 'logpmf' or 'logpdf'), cdf = at_x 'cdf', sf = at_x 'sf',
      quantile = at_x 'ppf', upper_quantile = at_x 'isf', mean = mean, var = alone 'var',
      bounds = row.ends and function(dtype) return row.ends(values(dtype)) end or alone 'support',
      discrete = row.discrete,
      middle = function(dtype)
        local m = mean and mean(dtype) or np.zeros({}, dtype)
        local s = std and std(dtype) or np.ones({}, dtype)
        return np.where(np.isfinite(m), m, 0), np.where(np.isfinite(s), s, 1)
      end,
    }
    local function own(fn)
      return fn and function(dtype) return fn(values(dtype)) end
    end
    local function draw(key, size)
      local dtype = wide and 'f64' or array.default_dtype()
      size = base.sample_shape(who, size, shape)
      if row.draw then return row.draw(key, size, dtype, values(dtype)) end
      local all = { values(dtype) }
      local n = #all - (row.discrete and 0 or 2) -- without loc and scale
      local z
      if row.standard then z = row.standard(key, size, dtype, unpack(all, 1, n))
      else
        local call = { unpack(all, 1, n) }
        call[n + 1], call[n + 2] = size, dtype
        z = random[row.sampler](key, unpack(call))
      end
      if row.discrete then return z:astype 'i32' end
      return all[n + 1] + all[n + 2] * z
    end
    return base.new(who, { event_shape = shape, each = each, draw = draw, bounds = each.bounds,
      reach = own(row.reach), extent = own(row.extent), flat = row.flat,
      normal = row.normal }, opts)
  end
end

-- Of angles: 1/2 and the integral from the middle on, for which 12 deviations are enough.
local function von_mises_cdf(x, mu, kappa)
  local u, w = nodes.gauss_legendre(48)
  u, w = np.array(u, x.dtype), np.array(w, x.dtype)
  local most = np.minimum(12 / np.sqrt(np.maximum(kappa, 1)), math.pi)
  local z = np.minimum(np.maximum(x - mu, -most), most)
  local half = np.sin(0.5 * np.expand_dims(z, -1) * u)
  local density = np.exp(-2 * np.expand_dims(kappa, -1) * half * half)
  local part = z * (density * w):sum { axis = -1 } / (2 * math.pi * np.i0e(kappa))
  return np.minimum(np.maximum(0.5 + part, 0), 1)
end

-- The sum of all probabilities up to x.
local function beta_binomial_cdf(x, n, a, b)
  if array.traced(n) then core.raise 'distributions.beta_binomial: a cdf needs a known n' end
  local function last(y) return np.expand_dims(y, -1) end
  local k = np.arange(0, n:max():item() + 1):astype(x.dtype)
  local p = stats.betabinom.pmf(k, last(n), last(a), last(b))
  return np.minimum((p * np.le(k, last(x))):sum { axis = -1 }, 1)
end

-- (x - m) / s, whose slope in s is infinite where x is; that is not to spoil others.
local function deviations(x, m, s)
  local finite = np.isfinite(x)
  return np.where(finite, (np.where(finite, x, m) - m) / s, x)
end

local function counts(x) return x:astype 'i32' end
local LOCATED = ' loc=0 scale>0=1'

-- ---- the rows ----

local rows = {}

--- Uniform between two ends.
-- @tparam number|table|Array low
-- @tparam number|table|Array high
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.uniform({ 0.1, 0.6 }, { 0.5, 1 }):prob { 0.3, 0.8 } --> 6.25
-- @function uniform
rows.uniform = {
  params = 'low high>low', stats = 'uniform', flat = true, of = function(a, b) return a, b - a end,
  draw = function(key, shape, dtype, a, b)
    return random.uniform(key, shape, { dtype = dtype, minval = a, maxval = b })
  end,
  reach = function(a, b) return a, b end, extent = function(a, b) return a, b end,
}

--- Normal.
-- @tparam[opt=0] number|table|Array loc mean
-- @tparam[opt=1] number|table|Array scale standard deviation
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.normal({ 0.3, 0.8 }, 0.1, { names = { 'Omega_m', 'sigma_8' } })
-- @function normal
rows.normal = {
  params = 'loc=0 scale>0=1', stats = 'norm', normal = true,
  sampler = 'normal',
  reach = function(m, s) return m - 5 * s, m + 5 * s end,
  -- beyond 8.5 deviations a density is no part of a sum of doubles
  extent = function(m, s) return m - 8.5 * s, m + 8.5 * s end,
}

--- Normal between two ends, which may be infinite.
-- @tparam number|table|Array loc
-- @tparam number|table|Array scale
-- @tparam number|table|Array low
-- @tparam number|table|Array high
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.truncated_normal(0, 1, 0, math.huge):mean() --> 0.797885
-- @function truncated_normal
rows.truncated_normal = {
  params = 'loc scale>0 low high>low', stats = 'truncnorm', infinite = true,
  of = function(m, s, a, b) return deviations(a, m, s), deviations(b, m, s), m, s end,
  draw = function(key, shape, dtype, m, s, a, b)
    local low, high = deviations(a, m, s), deviations(b, m, s)
    return m + s * random.truncated_normal(key, low, high, shape, dtype)
  end,
  ends = function(m, s, a, b)
    local zero = 0 * (m + s)
    return zero + a, zero + b
  end,
}

--- Numbers whose logarithm is normal.
-- @tparam[opt=0] number|table|Array mu mean of the logarithm
-- @tparam[opt=1] number|table|Array sigma its deviation
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.lognormal(0, 0.5):mean() --> 1.13315
-- @function lognormal
rows.lognormal = {
  params = 'mu=0 sigma>0=1', stats = 'lognorm',
  of = function(mu, sigma) return sigma, 0, np.exp(mu) end,
  draw = function(key, shape, dtype, mu, sigma)
    return np.exp(mu + sigma * random.normal(key, shape, dtype))
  end,
}

--- Absolute values of normal numbers.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.halfnormal():cdf(1) --> 0.682689
-- @function halfnormal
rows.halfnormal = { params = LOCATED, stats = 'halfnorm', sampler = 'halfnormal' }

--- Exponential: of density proportional to e^(-x / scale).
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.exponential({ scale = 2 }):mean() --> 2
-- @function exponential
rows.exponential = { params = LOCATED, stats = 'expon', sampler = 'exponential' }

--- Laplace: of density proportional to e^-|x|.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.laplace():var() --> 2
-- @function laplace
rows.laplace = { params = LOCATED, stats = 'laplace', sampler = 'laplace' }

--- Logistic: of cumulative distribution 1 / (1 + e^-x).
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.logistic():quantile(0.75) --> 1.09861
-- @function logistic
rows.logistic = { params = LOCATED, stats = 'logistic', sampler = 'logistic' }

--- Gumbel: of cumulative distribution e^-e^-x.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.gumbel():mean() --> 0.577216
-- @function gumbel
rows.gumbel = { params = LOCATED, stats = 'gumbel_r', sampler = 'gumbel' }

--- Gumbel of the other side: the negative of a Gumbel number.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.gumbel_l():mean() --> -0.577216
-- @function gumbel_l
rows.gumbel_l = {
  params = LOCATED, stats = 'gumbel_l',
  standard = function(key, shape, dtype) return -random.gumbel(key, shape, dtype) end,
}

--- Cauchy: of density proportional to 1 / (1 + x^2). It has no mean.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.cauchy():cdf(1) --> 0.75
-- @function cauchy
rows.cauchy = { params = LOCATED, stats = 'cauchy', sampler = 'cauchy' }

--- Absolute values of Cauchy numbers.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.halfcauchy():cdf(1) --> 0.5
-- @function halfcauchy
rows.halfcauchy = { params = LOCATED, stats = 'halfcauchy', sampler = 'halfcauchy' }

--- Maxwell: lengths of vectors of three normal numbers.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.maxwell():mean() --> 1.59577
-- @function maxwell
rows.maxwell = { params = LOCATED, stats = 'maxwell', sampler = 'maxwell' }

--- Rayleigh: lengths of vectors of two normal numbers.
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.rayleigh():mean() --> 1.25331
-- @function rayleigh
rows.rayleigh = {
  params = LOCATED, stats = 'rayleigh',
  standard = function(key, shape, dtype) return random.rayleigh(key, 1, shape, dtype) end,
}

--- Gamma: of density proportional to x^(a - 1) e^-x.
-- @tparam number|table|Array a shape
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.gamma(2, { scale = 3 }):mean() --> 6
-- @function gamma
rows.gamma = { params = 'a>0' .. LOCATED, stats = 'gamma', sampler = 'gamma' }

--- Reciprocals of gamma numbers of shape a.
-- @tparam number|table|Array a shape
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.inverse_gamma(3):mean() --> 0.5
-- @function inverse_gamma
rows.inverse_gamma = {
  params = 'a>0' .. LOCATED, stats = 'invgamma',
  standard = function(key, shape, dtype, a)
    return random.inverse_gamma(key, a, 1, shape, dtype)
  end,
}

--- Logarithms of gamma numbers of shape c.
-- @tparam number|table|Array c shape
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.loggamma(1):mean() --> -0.577216
-- @function loggamma
rows.loggamma = { params = 'c>0' .. LOCATED, stats = 'loggamma', sampler = 'loggamma' }

--- Chi-square: sums of df squared normal numbers.
-- @tparam number|table|Array df degrees of freedom
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.chisquare(3):mean() --> 3
-- @function chisquare
rows.chisquare = { params = 'df>0' .. LOCATED, stats = 'chi2', sampler = 'chisquare' }

--- Of density proportional to e^-|x|^beta: normal at 2, Laplace at 1.
-- @tparam number|table|Array beta power
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.generalized_normal(4):var() --> 0.337989
-- @function generalized_normal
rows.generalized_normal = {
  params = 'beta>0' .. LOCATED, stats = 'gennorm', sampler = 'generalized_normal',
}

--- Beta: of density proportional to x^(a - 1) (1 - x)^(b - 1), from 0 to 1.
-- @tparam number|table|Array a
-- @tparam number|table|Array b
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.beta(2, 3):mean() --> 0.4
-- @function beta
rows.beta = { params = 'a>0 b>0' .. LOCATED, stats = 'beta', sampler = 'beta' }

--- Student's t, with df degrees of freedom.
-- @tparam number|table|Array df degrees of freedom
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.t(3):var() --> 3
-- @function t
rows.t = { params = 'df>0' .. LOCATED, stats = 't', sampler = 't' }

--- F: ratios of two chi-square numbers, each over its degrees of freedom.
-- @tparam number|table|Array dfn degrees of freedom above
-- @tparam number|table|Array dfd and below
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.f(2, 4):mean() --> 2
-- @function f
rows.f = { params = 'dfn>0 dfd>0' .. LOCATED, stats = 'f', sampler = 'f' }

--- Inverse Gaussian: when a walk of drift 1 / mu first passes 1.
-- @tparam number|table|Array mu mean
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.wald(2):mean() --> 2
-- @function wald
rows.wald = { params = 'mu>0' .. LOCATED, stats = 'invgauss', sampler = 'wald' }

--- Pareto: of density b / x^(b + 1) above 1.
-- @tparam number|table|Array b power
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.pareto(3):mean() --> 1.5
-- @function pareto
rows.pareto = { params = 'b>0' .. LOCATED, stats = 'pareto', sampler = 'pareto' }

--- Weibull: of cumulative distribution 1 - e^-x^c.
-- @tparam number|table|Array c power
-- @tparam[opt=0] number|table|Array loc
-- @tparam[opt=1] number|table|Array scale
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.weibull_min(2):mean() --> 0.886227
-- @function weibull_min
rows.weibull_min = {
  params = 'c>0' .. LOCATED, stats = 'weibull_min',
  standard = function(key, shape, dtype, c) return random.weibull_min(key, 1, c, shape, dtype) end,
}

--- Of a density that rises from left to mode and falls to right.
-- @tparam number|table|Array left
-- @tparam number|table|Array mode
-- @tparam number|table|Array right
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.triangular(0, 1, 4):mean() --> 1.66667
-- @function triangular
rows.triangular = {
  params = 'left mode>=left<=right right>left', stats = 'triang',
  of = function(a, m, b) return (m - a) / (b - a), a, b - a end,
  draw = function(key, shape, dtype, a, m, b)
    return random.triangular(key, a, m, b, shape, dtype)
  end,
}

--- Angles of density proportional to e^(kappa cos(x - mu)), from mu - pi to mu + pi.
-- @tparam[opt=0] number|table|Array mu
-- @tparam number|table|Array kappa 0: uniform
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.von_mises(0, 2):prob(0) --> 0.515885
-- @function von_mises
rows.von_mises = {
  params = 'mu=0 kappa>=0', stats = 'vonmises', of = function(mu, kappa) return kappa, mu end,
  own = { cdf = von_mises_cdf },
  draw = function(key, shape, dtype, mu, kappa)
    return mu + random.von_mises(key, 0, kappa, shape, dtype)
  end,
  ends = function(mu) return mu - math.pi, mu + math.pi end,
  reach = function(mu) return mu - math.pi, mu + math.pi end,
  extent = function(mu) return mu - math.pi, mu + math.pi end,
}

--- 1 with probability p, else 0.
-- @tparam number|table|Array p
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.bernoulli(0.3):mean() --> 0.3
-- @function bernoulli
rows.bernoulli = { params = 'p>=0<=1', stats = 'bernoulli', discrete = true, sampler = 'bernoulli' }

--- Numbers of successes in n trials of probability p.
-- @tparam number|table|Array n
-- @tparam number|table|Array p
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.binomial(10, 0.3):mean() --> 3
-- @function binomial
rows.binomial = { params = 'n>=0 p>=0<=1', stats = 'binom', discrete = true, sampler = 'binomial' }

--- Numbers of failures before n successes of probability p.
-- @tparam number|table|Array n
-- @tparam number|table|Array p
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.negative_binomial(3, 0.5):mean() --> 3
-- @function negative_binomial
rows.negative_binomial = {
  params = 'n>0 p>0<=1', stats = 'nbinom', discrete = true,
  draw = function(key, shape, dtype, n, p)
    return random.negative_binomial(key, n, n * (1 - p) / p, shape, dtype)
  end,
}

--- Numbers of trials to the first success, of probability p each.
-- @tparam number|table|Array p
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.geometric(0.25):mean() --> 4
-- @function geometric
rows.geometric = { params = 'p>0<=1', stats = 'geom', discrete = true, sampler = 'geometric' }

--- Numbers of events of which mu are expected.
-- @tparam number|table|Array mu
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.poisson(2):prob(0) --> 0.135335
-- @function poisson
rows.poisson = { params = 'mu>=0', stats = 'poisson', discrete = true, sampler = 'poisson' }

--- Numbers of successes in n trials whose probability is a beta number.
-- @tparam number|table|Array n
-- @tparam number|table|Array a
-- @tparam number|table|Array b
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.beta_binomial(10, 2, 3):mean() --> 4
-- @function beta_binomial
rows.beta_binomial = {
  params = 'n>=0 a>0 b>0', stats = 'betabinom', discrete = true,
  own = { cdf = beta_binomial_cdf },
  draw = function(key, shape, dtype, n, a, b)
    local keys = random.split(key)
    local p = random.beta(keys[1], a, b, shape, dtype)
    return counts(random.binomial(keys[2], n, p, shape, dtype))
  end,
}

--- Whole numbers from low to high - 1, all with one probability.
-- @tparam number|table|Array low
-- @tparam number|table|Array high
-- @tparam[opt] table opts parameters by name; `low`, `high` of plots; `names`, `labels`
-- @treturn distribution
-- @raise parameters without meaning, where their values are known
-- @usage distributions.randint(1, 7):mean() --> 3.5
-- @function randint
rows.randint = {
  params = 'low high>low', stats = 'randint', discrete = true,
  draw = function(key, shape, _, a, b)
    return random.randint(key, shape, counts(a), counts(b))
  end,
}

for name, row in pairs(rows) do M[name] = make(name, row) end

return M
