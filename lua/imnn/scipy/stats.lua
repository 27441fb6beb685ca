--- Distributions, under the names and with the parameters of scipy.stats.
--
-- A distribution of one number is a table of functions of a value, its parameters, `loc` and,
-- unless it is of whole numbers, `scale`: `stats.gamma.logpdf(x, a, loc, scale)`, or by names,
-- `stats.gamma.logpdf(x, { a = 2, scale = 3 })`. All take Arrays of shapes that broadcast, numbers
-- and nested tables, work in `jit` and `vmap` and have derivatives (what is made of betainc, as the
-- cdf of beta and t, only in x). There are
--
-- * `logpdf(x, ...)`, `pdf(x, ...)`: density; of whole numbers `logpmf`, `pmf`: probability. They
--   are -inf and 0 outside the support.
-- * `cdf(x, ...)`, `sf(x, ...)` = 1 - cdf, `logcdf`, `logsf`: the far tails are exact, too.
-- * `ppf(q, ...)`, `isf(q, ...)`: where cdf and sf are q; of those that have them in closed form.
-- * `mean(...)`, `var(...)`, `std(...)`; `support(...)`: its two ends.
-- * `params`: what the parameters are called and what is asked of them; `doc`: what it is.
--
-- A parameter that has no meaning, as a negative scale, is an error where its value is known, and
-- makes NaN where it is traced.
--
-- Of several numbers there are `multivariate_normal`, `multivariate_t`, `dirichlet`, `multinomial`
-- and `wishart`. Their axes are the last ones.
-- @module imnn.scipy.stats
-- @usage scipy.stats.norm.logpdf(0) --> -0.918939
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local parameters = require 'imnn.scipy.parameters'
local promote = require 'imnn.numpy.promote'
local C = core.C
local parameters_of, given_by = parameters.of, parameters.given
local array_of, meet = parameters.array_of, parameters.meet
local M = {}

-- ---- distributions of one number ----

-- What a script gives, in one real dtype, and a function of nodes of it.
local function evaluate(who, inputs, build)
  local dtype = promote.real(promote.dtype(inputs))
  if promote.is_complex(dtype) then core.raise('%s: not defined for complex numbers', who) end
  for i, x in ipairs(inputs) do inputs[i] = promote.convert(x, dtype) end
  return array.build(who, '', inputs, build)
end

local of_parameters = { mean = true, var = true, std = true, low = true, high = true }

local function make(name, what, list)
  local who = ('stats.%s.%s'):format(name, what)
  local of = (what == 'ppf' or what == 'isf') and 'the probability' or 'the value'
  local function build(graph, x, ...)
    return C.imnn_stats(graph, name, what, x, ffi.new('imnn_node[?]', #list, ...))
  end
  local function value(x, ...)
    x = array_of(who, of, x)
    local values = given_by(who, list, { ... }, select('#', ...))
    for i, p in ipairs(list) do values[i] = array_of(who, p.name, values[i]) end
    meet(who, list, values)
    return evaluate(who, { x, unpack(values) }, build)
  end
  if not of_parameters[what] then return value end
  return function(...) return value(0, ...) end
end

-- The ends of the support, which are functions of their own in C.
local function support(name, list)
  local low, high = make(name, 'low', list), make(name, 'high', list)
  return function(...) return low(...), high(...) end
end

local function names_of_functions()
  local i, list = 0, {}
  while C.imnn_stats_function(i) ~= nil do
    list[i + 1] = ffi.string(C.imnn_stats_function(i))
    i = i + 1
  end
  return list
end

-- What is asked of a distribution that does not have it.
local lacking = {
  __index = function(self, what)
    if type(what) ~= 'string' then return nil end
    local has = {}
    for name, f in pairs(self) do
      if type(f) == 'function' then has[#has + 1] = name end
    end
    table.sort(has)
    core.raise('stats.%s: has no "%s"; it has %s', self.name, what, table.concat(has, ', '))
  end,
}

do
  local i, all = 0, names_of_functions()
  while C.imnn_stats_get(i) ~= nil do
    local d = C.imnn_stats_get(i)
    local name, params = ffi.string(d.name), ffi.string(d.params)
    local list = parameters_of(params)
    M[name] = { name = name, params = params, doc = ffi.string(d.doc) }
    for _, what in ipairs(all) do
      local asked = what ~= 'low' and what ~= 'high' and C.imnn_stats_has(name, what)
      if asked then M[name][what] = make(name, what, list) end
    end
    M[name].support = support(name, list)
    setmetatable(M[name], lacking)
    i = i + 1
  end
end

-- ---- distributions of several numbers ----

-- Arrays by name and with at least so many axes; an error names what has less.
local function arrays(who, names, axes, ...)
  local out = { ... }
  for i, name in ipairs(names) do
    if out[i] == nil then core.raise('%s: %s is missing', who, name) end
    out[i] = array_of(who, name, out[i])
    local ndim = array.is(out[i]) and out[i].ndim or 0
    if ndim < axes[i] then
      core.raise('%s: %s needs %d axes or more, got %d', who, name, axes[i], ndim)
    end
  end
  return unpack(out)
end

-- Refuse what is known and does not meet a demand of all elements.
local function all_are(who, x, sign, bound, name)
  meet(who, { { name = name, demands = { { sign, bound } } } }, { x })
end

-- A covariance: a number or a vector is a diagonal.
local function covariance(who, name, x, n)
  x = array_of(who, name, x == nil and 1 or x)
  local ndim = array.is(x) and x.ndim or 0
  if ndim == 0 then return np.eye(n, array.is(x) and x.dtype or nil) * x end
  return ndim == 1 and np.diag(x) or x
end

local function with_pdf(t)
  local logarithm = t.logpdf or t.logpmf
  t[t.logpdf and 'pdf' or 'pmf'] = function(...) return np.exp(logarithm(...)) end
  return setmetatable(t, lacking)
end

--- Normal vectors.
-- @table multivariate_normal
-- @field logpdf (x, mean, cov): x (..., n); mean (..., n), 0 without; cov (..., n, n), positive
-- definite, or its diagonal (n) or a number for all of it, 1 without. Gives (...)
-- @field pdf its exponential
-- @usage scipy.stats.multivariate_normal.logpdf({ 0, 0 }, { 0, 0 }, np.eye(2)) --> -1.83788
M.multivariate_normal = with_pdf {
  name = 'multivariate_normal',
  logpdf = function(x, mean, cov)
    local who = 'stats.multivariate_normal.logpdf'
    x = arrays(who, { 'x' }, { 1 }, x)
    local n = x.shape[x.ndim]
    mean = array_of(who, 'mean', mean == nil and 0 or mean)
    if not array.is(mean) or mean.ndim == 0 then mean = np.full({ n }, mean) end
    return evaluate(who, { x, mean, covariance(who, 'cov', cov, n) }, function(...)
      return C.imnn_stats_multivariate_normal(...)
    end)
  end,
}

--- Student's vectors: normal ones over the root of a chi-square number over its df degrees of
-- freedom.
-- @table multivariate_t
-- @field logpdf (x, loc, shape, df): x (..., n); loc (..., n), 0 without; shape as cov of
-- `multivariate_normal`; df (...), 1 without. Gives (...)
-- @field pdf its exponential
-- @usage scipy.stats.multivariate_t.logpdf({ 0, 0 }, { 0, 0 }, np.eye(2), 3) --> -1.83788
M.multivariate_t = with_pdf {
  name = 'multivariate_t',
  logpdf = function(x, loc, shape, df)
    local who = 'stats.multivariate_t.logpdf'
    x = arrays(who, { 'x' }, { 1 }, x)
    local n = x.shape[x.ndim]
    loc = array_of(who, 'loc', loc == nil and 0 or loc)
    if not array.is(loc) or loc.ndim == 0 then loc = np.full({ n }, loc) end
    df = array_of(who, 'df', df == nil and 1 or df)
    all_are(who, df, '>', 0, 'df')
    return evaluate(who, { x, loc, covariance(who, 'shape', shape, n), df }, function(...)
      return C.imnn_stats_multivariate_t(...)
    end)
  end,
}

--- Numbers that add up to 1, of density proportional to the product of x_k^(alpha_k - 1).
-- @table dirichlet
-- @field logpdf (x, alpha): x (..., n), -inf where they do not add up to 1; alpha (..., n). Gives
-- (...)
-- @field pdf its exponential
-- @field mean (alpha)
-- @field var (alpha)
-- @usage scipy.stats.dirichlet.logpdf({ 0.25, 0.75 }, { 1, 2 }) --> 0.405465
M.dirichlet = with_pdf {
  name = 'dirichlet',
  logpdf = function(x, alpha)
    local who = 'stats.dirichlet.logpdf'
    x, alpha = arrays(who, { 'x', 'alpha' }, { 1, 1 }, x, alpha)
    all_are(who, alpha, '>', 0, 'alpha')
    return evaluate(who, { x, alpha }, function(...) return C.imnn_stats_dirichlet(...) end)
  end,
  mean = function(alpha)
    alpha = arrays('stats.dirichlet.mean', { 'alpha' }, { 1 }, alpha)
    return alpha / np.sum(alpha, { axis = -1, keepdims = true })
  end,
  var = function(alpha)
    alpha = arrays('stats.dirichlet.var', { 'alpha' }, { 1 }, alpha)
    local sum = np.sum(alpha, { axis = -1, keepdims = true })
    return alpha * (sum - alpha) / (sum * sum * (sum + 1))
  end,
}

--- How often each category comes in n trials.
-- @table multinomial
-- @field logpmf (x, n, p): x (..., k) counts, -inf where they do not add up to n (...); p (..., k)
-- probabilities, which add up to 1. Gives (...)
-- @field pmf its exponential
-- @field mean (n, p)
-- @usage scipy.stats.multinomial.logpmf({ 1, 2 }, 3, { 0.5, 0.5 }) --> -0.980829
M.multinomial = with_pdf {
  name = 'multinomial',
  logpmf = function(x, n, p)
    local who = 'stats.multinomial.logpmf'
    x, n, p = arrays(who, { 'x', 'n', 'p' }, { 1, 0, 1 }, x, n, p)
    all_are(who, n, '>=', 0, 'n')
    all_are(who, p, '>=', 0, 'p')
    return evaluate(who, { x, n, p }, function(...) return C.imnn_stats_multinomial(...) end)
  end,
  mean = function(n, p)
    n, p = arrays('stats.multinomial.mean', { 'n', 'p' }, { 0, 1 }, n, p)
    return (array.is(n) and np.expand_dims(n, -1) or n) * p
  end,
}

--- Matrices: sums of df outer products of normal vectors of covariance `scale`.
-- @table wishart
-- @field logpdf (x, df, scale): x (..., n, n), -inf where it is not positive definite; df (...) >
-- n - 1; scale (..., n, n), positive definite. Gives (...)
-- @field pdf its exponential
-- @field mean (df, scale)
-- @usage scipy.stats.wishart.logpdf(np.eye(2), 3, np.eye(2)) --> -3.53102
M.wishart = with_pdf {
  name = 'wishart',
  logpdf = function(x, df, scale)
    local who = 'stats.wishart.logpdf'
    x, df, scale = arrays(who, { 'x', 'df', 'scale' }, { 2, 0, 2 }, x, df, scale)
    all_are(who, df, '>', x.shape[x.ndim] - 1, 'df')
    return evaluate(who, { x, df, scale }, function(...) return C.imnn_stats_wishart(...) end)
  end,
  mean = function(df, scale)
    df, scale = arrays('stats.wishart.mean', { 'df', 'scale' }, { 0, 2 }, df, scale)
    return (array.is(df) and np.expand_dims(df, { -2, -1 }) or df) * scale
  end,
}

return require('imnn.args').strict('scipy.stats', M)
