--- Special functions, under the names of scipy.special. They take arrays of shapes that broadcast
-- and numbers, and have derivatives of any order; `zeta` none in its first argument, `betainc` only
-- in x.
-- @module imnn.scipy.special
local args = require 'imnn.args'
local array = require 'imnn.array'
local np = require 'imnn.numpy'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local operands = require 'imnn.numpy.operands'
local promote = require 'imnn.numpy.promote'
local M = {}

for name, operator in pairs {
  betainc = 'betainc', betaln = 'betaln', cbrt = 'cbrt', digamma = 'digamma',
  entr = 'entr', erf = 'erf', erfc = 'erfc', erfcx = 'erfcx', erfinv = 'erf_inv', exp2 = 'exp2',
  expit = 'sigmoid', expm1 = 'expm1', gamma = 'tgamma', gammainc = 'gammainc',
  gammaincc = 'gammaincc', gammaln = 'lgamma', i0 = 'i0', i0e = 'i0e', i1 = 'i1', i1e = 'i1e',
  j0 = 'j0', j1 = 'j1', log1p = 'log1p', log_ndtr = 'log_ndtr', logit = 'logit',
  logsumexp = 'logsumexp', ndtr = 'ndtr', ndtri = 'ndtri', polygamma = 'polygamma',
  psi = 'digamma', sinc = 'sinc', xlog1py = 'xlog1py', xlogy = 'xlogy', zeta = 'zeta',
} do
  M[name] = np[operator]
end

--- The inverse of erfc.
-- @tparam Array|number y
-- @treturn Array
-- @usage scipy.special.erfcinv(1) --> 0
function M.erfcinv(y) return -math.sqrt(0.5) * np.ndtri(0.5 * create.as_array(y, 'erfcinv')) end

--- ln(1 / (1 + e^-x))
-- @tparam Array|number x
-- @treturn Array
-- @usage scipy.special.log_expit(0) --> -0.693147
function M.log_expit(x) return -np.softplus(-create.as_array(x, 'log_expit')) end

--- The beta function of positive a and b.
-- @tparam Array|number a
-- @tparam Array|number b
-- @treturn Array
-- @usage scipy.special.beta(2, 3) --> 0.0833333
function M.beta(a, b) return np.exp(np.betaln(a, b)) end

--- The logarithm of the gamma function of d dimensions, a > (d - 1) / 2.
-- @tparam Array a
-- @tparam number d
-- @treturn Array like a
-- @usage scipy.special.multigammaln(3, 2) --> 1.55115
function M.multigammaln(a, d)
  if type(d) ~= 'number' or d < 1 or d % 1 ~= 0 then
    core.raise('multigammaln: needs a whole number of dimensions, got %s', tostring(d))
  end
  a = create.as_array(a, 'multigammaln')
  local sum = d * (d - 1) / 4 * math.log(math.pi)
  for i = 0, d - 1 do sum = np.lgamma(a - i / 2) + sum end
  return sum
end

--- a ln(a / b); 0 where a is 0 and b is not negative, infinity elsewhere unless both are positive.
-- @tparam Array|number a
-- @tparam Array|number b
-- @treturn Array
-- @usage scipy.special.rel_entr(2, 1) --> 1.38629
function M.rel_entr(a, b)
  a, b = create.as_array(a, 'rel_entr'), create.as_array(b, 'rel_entr')
  local both = np['and'](np.gt(a, 0), np.gt(b, 0))
  local safe = np.where(both, a, 1)
  local nothing = np['and'](np.eq(a, 0), np.ge(b, 0))
  local other = np.where(np.isnan(a + b), a + b, np.where(nothing, 0, math.huge))
  return np.where(both, safe * np.log(safe / np.where(both, b, 1)), other)
end

--- rel_entr(a, b) - a + b
-- @tparam Array|number a
-- @tparam Array|number b
-- @treturn Array
-- @usage scipy.special.kl_div(2, 1) --> 0.386294
function M.kl_div(a, b)
  a, b = create.as_array(a, 'kl_div'), create.as_array(b, 'kl_div')
  return M.rel_entr(a, b) - a + b
end

local axis_rows = { axis = { 'integer', 'table', optional = true } }

local function along(who, x, opts)
  local o = args.take(who, type(opts) == 'number' and { axis = opts } or opts, axis_rows)
  x = operands.floats(x, who)
  return x, { axis = o.axis, keepdims = true }
end

--- e^x over the sum of e^x.
-- @tparam Array x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); or the axis alone
-- @treturn Array like x
-- @usage scipy.special.softmax({ 0, 0 }) --> { 0.5, 0.5 }
function M.softmax(x, opts)
  local over
  x, over = along('scipy.special.softmax', x, opts)
  local y = np.exp(x - array.apply('stop_gradient', { np.max(x, over) }))
  return y / np.sum(y, over)
end

--- x - ln(sum of e^x), the logarithm of `softmax`.
-- @tparam Array x
-- @tparam[opt] number|table opts axis: one, or a list (all without it); or the axis alone
-- @treturn Array like x
-- @usage scipy.special.log_softmax({ 0, 0 }) --> { -0.693147, -0.693147 }
function M.log_softmax(x, opts)
  local over
  x, over = along('scipy.special.log_softmax', x, opts)
  return x - np.logsumexp(x, over)
end

-- In double, where whole numbers of whole ones are exact as long as double holds them to the last
-- digit; the derivative is that of y.
local function counted(whole, y)
  local exact = np['and'](whole, np.lt(np.abs(y), 1e12))
  return np.where(exact, y + array.apply('stop_gradient', { np.round(y) - y }), y)
end

--- In how many ways k of n things can be chosen; 0 where k < 0 or k > n.
-- @tparam Array|number n
-- @tparam Array|number k
-- @tparam[opt] table opts repetition: each thing may be chosen several times (false)
-- @treturn Array
-- @usage scipy.special.comb(5, 2) --> 10
function M.comb(n, k, opts)
  local o = args.take('comb', opts, { repetition = { 'boolean', default = false } })
  n, k = operands.floats(n, 'comb'), operands.floats(k, 'comb')
  local dtype = promote.dtype { n, k }
  n, k = n:astype 'f64', k:astype 'f64'
  if o.repetition then n = np.where(np.gt(k, 0), n + k - 1, n) end
  local some = np['and'](np.ge(k, 0), np['and'](np.ge(n, 0), np.le(k, n)))
  n, k = np.where(some, n, 1), np.where(some, k, 1)
  local y = np.exp(-np.betaln(1 + n - k, 1 + k)) / (n + 1)
  local whole = np['and'](np.eq(n, np.floor(n)), np.eq(k, np.floor(k)))
  return np.where(some, counted(whole, y), 0):astype(dtype)
end

--- n! = Gamma(n + 1); 0 where n < 0.
-- @tparam Array|number n
-- @treturn Array
-- @usage scipy.special.factorial({ 0, 4 }) --> { 1, 24 }
function M.factorial(n)
  n = operands.floats(n, 'factorial')
  local x = n:astype 'f64'
  local some = np.ge(x, 0)
  x = np.where(some, x, 1)
  local y = counted(np.eq(x, np.floor(x)), np.tgamma(x + 1))
  return np.where(np.isnan(n), n, np.where(some, y, 0):astype(n.dtype))
end

return require('imnn.args').strict('scipy.special', M)
