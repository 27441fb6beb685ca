--- Polynomials, as lists of coefficients, that of the highest power first.
-- @module imnn.numpy.polynomial
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local pad = require('imnn.numpy.pad').pad
local product = require 'imnn.numpy.product'
local shape = require 'imnn.numpy.shape'
local stack = require('imnn.numpy.join').stack
local M = {}

local function coefficients(p, who)
  p = shape.atleast_1d(create.as_array(p, 'np.' .. who))
  if p.ndim ~= 1 then
    core.raise('np.%s: needs a list of coefficients, got (%s)', who, table.concat(p.shape, ', '))
  end
  return p
end

--- The value of a polynomial, by Horner's rule.
-- @tparam Array p (n)
-- @tparam Array|number x
-- @treturn Array like x
-- @usage np.polyval({ 1, 0, -1 }, 3) --> 8
function M.polyval(p, x)
  p, x = coefficients(p, 'polyval'), create.as_array(x, 'np.polyval')
  local y = create.zeros_like(x)
  for i = 1, p.size do y = y * x + p[i] end
  return y
end

--- The derivative of a polynomial.
-- @tparam Array p (n)
-- @treturn Array (n - 1)
-- @usage np.polyder { 1, 0, -1 } --> { 2, 0 }
function M.polyder(p)
  p = coefficients(p, 'polyder')
  local n = p.size
  if n < 2 then return create.zeros({ 0 }, p.dtype) end
  return p[{ { 1, n - 1 } }] * create.arange(n - 1, 0, -1)
end

--- The integral of a polynomial, which is 0 at 0.
-- @tparam Array p (n)
-- @treturn Array (n + 1)
-- @usage np.polyint { 2, 0 } --> { 1, 0, 0 }
function M.polyint(p)
  p = coefficients(p, 'polyint')
  return pad(p / create.arange(p.size, 0, -1), { { 0, 1 } })
end

-- Both with the same number of coefficients.
local function matched(who, a, b)
  a, b = coefficients(a, who), coefficients(b, who)
  local n = math.max(a.size, b.size)
  return pad(a, { { n - a.size, 0 } }), pad(b, { { n - b.size, 0 } })
end

--- The sum of two polynomials.
-- @tparam Array a coefficients
-- @tparam Array b
-- @treturn Array
-- @usage np.polyadd({ 1, 0 }, { 5 }) --> { 1, 5 }
function M.polyadd(a, b)
  a, b = matched('polyadd', a, b)
  return a + b
end

--- The difference of two polynomials.
-- @tparam Array a coefficients
-- @tparam Array b
-- @treturn Array
-- @usage np.polysub({ 1, 0 }, { 5 }) --> { 1, -5 }
function M.polysub(a, b)
  a, b = matched('polysub', a, b)
  return a - b
end

--- The product of two polynomials.
-- @tparam Array a coefficients
-- @tparam Array b
-- @treturn Array
-- @usage np.polymul({ 1, 1 }, { 1, -1 }) --> { 1, 0, -1 }
function M.polymul(a, b)
  return product.convolve(coefficients(a, 'polymul'), coefficients(b, 'polymul'))
end

--- Powers of the elements of x as columns, the highest first.
-- @tparam Array x (m)
-- @tparam[opt=m] number n columns
-- @tparam[opt=false] boolean increasing the lowest power first
-- @treturn Array (m, n)
-- @usage np.vander({ 2, 3 }, 3) --> { { 4, 2, 1 }, { 9, 3, 1 } }
function M.vander(x, n, increasing)
  x = coefficients(x, 'vander')
  n = n or x.size
  core.count('np.vander', n)
  local columns, power = {}, create.ones_like(x)
  for k = 1, n do
    columns[increasing and k or n + 1 - k] = power
    power = power * x
  end
  if n == 0 then return create.zeros({ x.size, 0 }, x.dtype) end
  return stack(columns, 2)
end

return M
