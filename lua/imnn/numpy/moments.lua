--- Statistics of samples: weighted means, covariances, correlations.
-- @module imnn.numpy.moments
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local diagonal = require('imnn.numpy.matrices').diagonal
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local promote = require 'imnn.numpy.promote'
local reduce = axes_of.reduce
local M = {}

local function real(x, who) return floats(x, 'np.' .. who) end

local weight_rows = { 'Array', 'table', optional = true }

--- Weighted mean.
-- @tparam Array x
-- @tparam[opt] number|table opts axis, keepdims, weights (of the shape of x or of its one axis),
--   returned = true gives the sum of the weights too
-- @treturn Array
-- @usage np.average({ 1, 4 }, { weights = { 2, 1 } }) --> 2
function M.average(x, opts)
  local o = axes_of.options('average', opts, args.rows(axes_of.several,
    { weights = weight_rows, returned = { 'boolean', default = false } }))
  x = real(x, 'average')
  local axes, shape = axes_of.list('np.average', x, o.axis), x.shape
  local w = o.weights and create.as_array(o.weights, 'np.average') or create.ones_like(x)
  if w.ndim == 1 and #shape > 1 and #axes == 1 and w.size == shape[axes[1] + 1] then
    local sizes = {}
    for k = 1, #shape do sizes[k] = k == axes[1] + 1 and w.size or 1 end
    w = array.apply('reshape', { w }, sizes)
  elseif table.concat(w.shape, ', ') ~= table.concat(shape, ', ') then
    core.raise('np.average: weights (%s) do not fit (%s)', table.concat(w.shape, ', '),
      table.concat(shape, ', '))
  end
  w = array.apply('broadcast', { w }, shape)
  local total = reduce('sum', w, axes)
  local y = reduce('sum', x * w, axes) / total
  if o.keepdims then y = axes_of.restore(y, shape, axes) end
  if o.returned then return y, total end
  return y
end

-- Variables as rows.
local function as_rows(who, x, rowvar)
  x = real(x, who)
  if x.ndim > 2 then core.raise('np.%s: needs at most two axes, got %d', who, x.ndim) end
  if x.ndim < 2 then return array.apply('reshape', { x }, { 1, x.size }) end
  return not rowvar and x.shape[1] > 1 and array.apply('transpose', { x }, { 1, 0 }) or x
end

local function with_rows(who, x, y)
  if x.shape[2] ~= y.shape[2] then
    core.raise('np.%s: needs as many observations of all variables, got %d and %d', who,
      x.shape[2], y.shape[2])
  end
  local dtype = promote.dtype { x, y }
  return array.apply('concatenate', { promote.convert(x, dtype), promote.convert(y, dtype) }, { 0 })
end

-- More variables, which may be left out, and options.
local function more_of(y, opts)
  if type(y) == 'table' and #y == 0 and opts == nil then return nil, y end
  return y, opts
end

local cov_rows = {
  rowvar = { 'boolean', default = true }, bias = { 'boolean', default = false },
  ddof = { 'number', optional = true }, fweights = weight_rows, aweights = weight_rows,
}

-- Weights of n observations, 0 or more.
local function observations(who, what, w, n, dtype)
  w = create.as_array(w, 'np.' .. who)
  if w.ndim ~= 1 or w.size ~= n then
    core.raise('np.%s: %s are a list of %d numbers, one for each observation, got (%s)', who, what,
      n, table.concat(w.shape, ', '))
  elseif promote.is_complex(w.dtype) then
    core.raise('np.%s: %s are real numbers, got %s', who, what, w.dtype)
  end
  for _, v in ipairs(array.traced(w) and {} or w:values()) do
    v = type(v) == 'boolean' and (v and 1 or 0) or v
    if v < 0 or what == 'fweights' and v % 1 ~= 0 then
      core.raise('np.%s: %s are %snumbers, 0 or more, got %g', who, what,
        what == 'fweights' and 'whole ' or '', v)
    end
  end
  return promote.convert(w, dtype)
end

-- The mean of rows and what the sum of products of distances from it is divided by.
local function weighted(x, w, a, ddof)
  if not w then return reduce('sum', x, { 1 }) / x.shape[2], x.shape[2] - ddof end
  local all = reduce('sum', w, { 0 })
  local mean = reduce('sum', x * w, { 1 }) / all
  if ddof == 0 then return mean, all end
  return mean, all - ddof * (a and reduce('sum', w * a, { 0 }) / all or 1)
end

local function covariance(who, x, y, opts)
  y, opts = more_of(y, opts)
  local o = args.take('np.' .. who, opts, cov_rows)
  x = as_rows(who, x, o.rowvar)
  if y then x = with_rows(who, x, as_rows(who, y, o.rowvar)) end
  local variables, n = x.shape[1], x.shape[2]
  local dtype = promote.is_complex(x.dtype) and array.apply('real', { x }).dtype or x.dtype
  local f = o.fweights and observations(who, 'fweights', o.fweights, n, dtype)
  local a = o.aweights and observations(who, 'aweights', o.aweights, n, dtype)
  local w = f and a and f * a or f or a
  local mean, count = weighted(x, w, a, o.ddof or (o.bias and 0 or 1))
  local d = x - axes_of.restore(mean, x.shape, { 1 })
  local other = array.apply('conj', { w and d * w or d })
  local c = array.apply('matmul', { d, other }, { 0, 1 }) / count
  return variables == 1 and array.apply('reshape', { c }, {}) or c
end

--- Covariance matrix of variables, each a row of observations; of complex ones the second factor
-- is conjugated.
-- @tparam Array x (variables, observations), or (observations) of one variable
-- @tparam[opt] Array y more variables
-- @tparam[opt] table opts rowvar = true (false: variables are columns); bias (false): divide by the
-- number of observations n instead of n - 1; ddof: divide by n - ddof; fweights: how often each
-- observation was made; aweights: how much each counts
-- @treturn Array (variables, variables), or () of one variable
-- @raise other numbers of observations, weights below 0
-- @usage np.cov { { 1, 2, 3 }, { 1, 3, 5 } } --> { { 1, 2 }, { 2, 4 } }
-- np.cov({ 1, 2, 3 }, np.array { 1, 3, 5 }) --> { { 1, 2 }, { 2, 4 } }
-- np.cov({ 1, 2, 5 }, { fweights = { 2, 1, 1 } }) --> 3.58333
function M.cov(x, y, opts) return covariance('cov', x, y, opts) end

--- Correlation coefficients, as np.cov.
-- @tparam Array x (variables, observations)
-- @tparam[opt] Array y more variables
-- @tparam[opt] table opts as of np.cov; bias and ddof change nothing
-- @treturn Array (variables, variables)
-- @usage np.corrcoef { { 1, 2, 3 }, { 1, 3, 5 } } --> { { 1, 1 }, { 1, 1 } }
function M.corrcoef(x, y, opts)
  local c = covariance('corrcoef', x, y, opts)
  if c.ndim == 0 then return c / c end
  local n = c.shape[1]
  local s = elementwise('sqrt', array.apply('real', { diagonal(c) }))
  return c / array.apply('reshape', { s }, { n, 1 }) / s
end

return M
