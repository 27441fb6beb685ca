--- Polynomials, as lists of coefficients, that of the highest power first.
-- @module imnn.numpy.polynomial
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local join = require 'imnn.numpy.join'
local linalg = require 'imnn.numpy.linalg'
local matrices = require 'imnn.numpy.matrices'
local pad = require('imnn.numpy.pad').pad
local product = require 'imnn.numpy.product'
local promote = require 'imnn.numpy.promote'
local reduce = require 'imnn.numpy.reduce'
local shape = require 'imnn.numpy.shape'
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
  return join.stack(columns, 2)
end

local fit_rows = {
  rcond = { 'number', optional = true }, w = { 'Array', 'table', optional = true },
}

--- The polynomial of a degree that fits points best, by least squares.
-- @tparam Array x (m) places
-- @tparam Array y (m) values, or (m, k) of k polynomials
-- @tparam number degree
-- @tparam[opt] table opts w (m): weights of what is left, before it is squared; rcond: singular
-- values up to rcond times the largest count as 0 (m epsilon)
-- @treturn Array (degree + 1), the highest power first, or (degree + 1, k)
-- @usage np.polyfit({ 0, 1, 2, 3 }, { 1, 3, 5, 7 }, 1) --> { 2, 1 }
function M.polyfit(x, y, degree, opts)
  local o = args.take('polyfit', opts, fit_rows)
  core.count('polyfit', degree)
  x, y = floats(coefficients(x, 'polyfit'), 'polyfit'), floats(y, 'polyfit')
  local dtype = promote.dtype { x, y }
  x, y = promote.convert(x, dtype), promote.convert(y, dtype)
  local m = x.size
  if y.ndim < 1 or y.ndim > 2 or y.shape[1] ~= m or m == 0 then
    core.raise('polyfit: needs places (m) and values (m) or (m, k), got (%s) and (%s)', m,
      table.concat(y.shape, ', '))
  end
  local a = M.vander(x, degree + 1)
  if o.w then
    local w = promote.convert(coefficients(o.w, 'polyfit'), dtype)
    if w.size ~= m then core.raise('polyfit: %d weights for %d points', w.size, m) end
    w = shape.reshape(w, { m, 1 })
    a, y = a * w, y.ndim == 1 and y * shape.reshape(w, { m }) or y * w
  end
  local scale = reduce.norm(a, 1) -- columns of one size
  scale = elementwise('where', elementwise('eq', scale, 0), 1, scale)
  local rcond = o.rcond or m * (({ f64 = 2 ^ -52, c128 = 2 ^ -52 })[dtype] or 2 ^ -23)
  local c = linalg.lstsq(a / scale, y, rcond)
  return c / (y.ndim == 1 and scale or shape.reshape(scale, { degree + 1, 1 }))
end

--- The roots of a polynomial.
-- @tparam Array p (n) coefficients; zeros in front count as none where they are known
-- @treturn Array (n - 1) complex
-- @usage np.roots { 1, -3, 2 } --> { 2, 1 }
function M.roots(p)
  p = floats(coefficients(p, 'roots'), 'roots')
  local last = p.size
  local first, stop = 1, last
  if not array.traced(p) then
    while first <= last and p[first]:item() == 0 do first = first + 1 end
    while stop > first and p[stop]:item() == 0 do stop = stop - 1 end
  end
  local n = stop - first
  local zeros = create.zeros({ math.max(last - math.max(stop, first), 0) },
    promote.complex_of(p.dtype))
  if n < 1 then return zeros end
  local row = -p[{ { first + 1, stop } }] / p[first]
  local companion = shape.reshape(row, { 1, n })
  if n > 1 then
    companion = join.concatenate({ companion, matrices.eye(n - 1, n, 0, p.dtype) }, 1)
  end
  return join.concatenate { linalg.eigvals(companion), zeros }
end

return M
