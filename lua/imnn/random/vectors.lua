--- Random vectors and matrices.
-- @module imnn.random.vectors
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local samplers = require 'imnn.random.samplers'
local C = core.C
local M = {}

--- Numbers that add up to 1: of density proportional to the product of x_k^(alpha_k - 1).
-- @tparam Array key
-- @tparam Array|table alpha (K), or (..., K) that broadcasts to the shape
-- @tparam[opt] table shape without K; that of alpha
-- @tparam[opt] string dtype
-- @treturn Array (shape, K)
-- @usage random.dirichlet(key, { 1, 2, 3 })
function M.dirichlet(key, alpha, shape, dtype)
  local who = 'random.dirichlet'
  check.key(who, key)
  local params, common, name = samplers.parameters(who, { 'alpha' }, { alpha }, dtype)
  common[#common] = nil
  local s, code = check.shape(who, shape or common), array.dtype_code(name)
  return array.build(who, check.settings(s, name), { key, params[1] }, function(graph, k, a)
    return C.imnn_random_dirichlet(graph, k, code, s, a)
  end)
end

--- How often each category comes in n trials.
-- @tparam Array key
-- @tparam number|Array n
-- @tparam Array|table p probabilities (..., K), which add up to 1
-- @tparam[opt] table shape without K; that of n and p together
-- @tparam[opt] string dtype
-- @treturn Array (shape, K), whole numbers that add up to n
-- @usage random.multinomial(key, 10, { 0.2, 0.3, 0.5 })
function M.multinomial(key, n, p, shape, dtype)
  local who = 'random.multinomial'
  check.key(who, key)
  if not dtype and array.is(n) and n.dtype == 'f64' then dtype = 'f64' end
  local chances, sizes, name = samplers.parameters(who, { 'p' }, { p }, dtype)
  local trials, common = samplers.parameters(who, { 'n' }, { n }, name)
  if #sizes == 0 then core.raise('%s: p needs an axis of probabilities', who) end
  sizes[#sizes] = nil
  local s = check.shape(who, shape or samplers.joined(who, common, sizes))
  local code, inputs = array.dtype_code(name), { key, trials[1], chances[1] }
  return array.build(who, check.settings(s, name), inputs, function(graph, k, a, b)
    return C.imnn_random_multinomial(graph, k, code, s, a, b)
  end)
end

--- Points of the unit ball: sum |x_k|^p <= 1.
-- @tparam Array key
-- @tparam number d dimensions
-- @tparam[opt=2] number p
-- @tparam[opt] table shape
-- @tparam[opt='f32'] string dtype
-- @treturn Array (shape, d)
-- @usage random.ball(key, 3)
function M.ball(key, d, p, shape, dtype)
  local who = 'random.ball'
  check.key(who, key)
  if type(d) ~= 'number' or d < 1 or d % 1 ~= 0 then
    core.raise('%s: d must be a positive integer, got %s', who, tostring(d))
  end
  local params, _, name = samplers.parameters(who, { 'p' }, { p or 2 }, dtype)
  local s, code = check.shape(who, shape), array.dtype_code(name)
  return array.build(who, check.settings(s, name, d), { key, params[1] }, function(graph, k, norm)
    return C.imnn_random_ball(graph, k, code, s, d, norm)
  end)
end

local factors = {
  cholesky = C.IMNN_BY_CHOLESKY, eigh = C.IMNN_BY_EIGH, svd = C.IMNN_BY_SVD,
}

-- The first sizes of a shape, without its last axes.
local function leading(who, name, shape, axes)
  if #shape < axes then
    core.raise('%s: %s needs %s, got (%s)', who, name,
      axes == 1 and 'an axis of components' or 'two axes, (..., n, n)', table.concat(shape, ', '))
  end
  return { unpack(shape, 1, #shape - axes) }
end

--- Normal vectors of a mean and a covariance.
-- @tparam Array key (..., 2)
-- @tparam Array|table mean (..., n)
-- @tparam Array|table cov (..., n, n), symmetric
-- @tparam[opt] table shape without n; that of mean and cov together
-- @tparam[opt] string dtype
-- @tparam[opt='cholesky'] string method how the covariance is taken apart: 'cholesky', 'eigh' or
-- 'svd' (which give other numbers; these two also do for a covariance that is singular)
-- @treturn Array (..., shape, n), differentiable in mean and cov
-- @raise shapes that do not fit; by 'cholesky' a covariance that is not positive definite
-- @usage random.multivariate_normal(random.PRNGKey(0), { 0, 0 }, { { 1, 0.5 }, { 0.5, 1 } }, { 4 })
function M.multivariate_normal(key, mean, cov, shape, dtype, method)
  local who = 'random.multivariate_normal'
  check.key(who, key)
  method = args.argument(who, 'method', method, { 'string', default = 'cholesky' })
  local how = args.choice(who, 'method', method, factors)
  dtype = samplers.dtype_of({ mean, cov }, dtype)
  local a, m = samplers.parameters(who, { 'mean' }, { mean }, dtype)
  local b, c, name = samplers.parameters(who, { 'cov' }, { cov }, dtype)
  m, c = leading(who, 'mean', m, 1), leading(who, 'cov', c, 2)
  local s, code = check.shape(who, shape or samplers.joined(who, m, c)), array.dtype_code(name)
  return array.build(who, check.settings(s, name, method), { key, a[1], b[1] },
    function(graph, k, x, y)
      return C.imnn_random_multivariate_normal(graph, k, code, s, x, y, how)
    end)
end

--- Matrices of orthonormal columns, or of orthonormal rows where they are wide; all such matrices
-- are equally likely.
-- @tparam Array key (..., 2)
-- @tparam number n rows
-- @tparam[opt] table shape of many matrices
-- @tparam[opt='f32'] string dtype
-- @tparam[opt=n] number m columns
-- @treturn Array (..., shape, n, m)
-- @source Mezzadri 2007, Notices of the AMS 54, 592
-- @usage random.orthogonal(random.PRNGKey(0), 3)
function M.orthogonal(key, n, shape, dtype, m)
  local who = 'random.orthogonal'
  check.key(who, key)
  if m == nil then m = n else m = args.argument(who, 'm', m, { 'integer' }) end
  for name, size in pairs { n = n or 'nothing', m = m or 0 } do
    if type(size) ~= 'number' or size < 0 or size % 1 ~= 0 then
      core.raise('%s: %s must be a whole number, got %s', who, name, tostring(size))
    end
  end
  local s, code, name = check.shape(who, shape), check.dtype(who, dtype)
  return array.build(who, check.settings(s, name, n, m), { key }, function(graph, k)
    return C.imnn_random_orthogonal(graph, k, code, s, n, m)
  end)
end

--- Wishart matrices: sums of outer products of df normal vectors of covariance `scale`, as the
-- sample covariances of simulations are, times their number.
-- @tparam Array key (..., 2)
-- @tparam number|Array df degrees of freedom, above p - 1; need not be whole
-- @tparam Array|table scale (..., p, p), positive definite
-- @tparam[opt] table shape without p; that of df and scale together
-- @tparam[opt] string dtype
-- @treturn Array (..., shape, p, p), of mean df scale; differentiable in scale and df
-- @source Bartlett 1933, Proc. R. Soc. Edinburgh 53, 260
-- @usage random.wishart(random.PRNGKey(0), 5, { { 2, 0.5 }, { 0.5, 1 } })
function M.wishart(key, df, scale, shape, dtype)
  local who = 'random.wishart'
  check.key(who, key)
  dtype = samplers.dtype_of({ df, scale }, dtype)
  local a, d = samplers.parameters(who, { 'df' }, { df }, dtype)
  local b, c, name = samplers.parameters(who, { 'scale' }, { scale }, dtype)
  c = leading(who, 'scale', c, 2)
  local s, code = check.shape(who, shape or samplers.joined(who, d, c)), array.dtype_code(name)
  return array.build(who, check.settings(s, name), { key, a[1], b[1] }, function(graph, k, x, y)
    return C.imnn_random_wishart(graph, k, code, s, x, y)
  end)
end

return M
