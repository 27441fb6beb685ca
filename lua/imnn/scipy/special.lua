--- Special functions, under the names of scipy.special. They take arrays of shapes that broadcast
-- and numbers, and have derivatives of any order; `zeta` none in its first argument, `betainc` only
-- in x.
-- @module imnn.scipy.special
local np = require 'imnn.numpy'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
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

return require('imnn.args').strict('scipy.special', M)
