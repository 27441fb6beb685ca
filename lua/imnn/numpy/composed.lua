--- Elementwise functions: those that are made of others.
-- @module imnn.numpy.composed
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local floats = require('imnn.numpy.operands').floats
local promote = require 'imnn.numpy.promote'

local function is_integer(x) return x.dtype == 'i32' or x.dtype == 'u32' end

local most = { f32 = 2 ^ 128 - 2 ^ 104, f64 = 1.7976931348623157e308 } -- the largest numbers

local number_rows = {
  nan = { 'number', default = 0 }, posinf = { 'number', optional = true },
  neginf = { 'number', optional = true },
}
local close_rows = {
  rtol = { 'number', default = 1e-5 }, atol = { 'number', default = 1e-8 },
  equal_nan = { 'boolean', default = false },
}

--- @tparam table np imnn.numpy with the operators
return function(np)
  local M = {}
  local nearest, choose = np.round, np.where

  --- The nearest number with so many decimals, halves to even; integers stay what they are.
  -- @tparam Array x
  -- @tparam[opt=0] number decimals negative: tens, hundreds, ...
  -- @treturn Array
  -- @usage np.round(np.array { 1.25, 2.5 }, 1) --> { 1.2, 2.5 }
  function M.round(x, decimals)
    decimals = args.argument('np.round', 'decimals', decimals, { 'integer', default = 0 })
    x = create.as_array(x, 'round')
    if is_integer(x) and decimals >= 0 then return x end
    local scale = 10 ^ math.abs(decimals)
    local y = decimals > 0 and nearest(x * scale) / scale
      or decimals < 0 and nearest(x / scale) * scale or nearest(x)
    return is_integer(x) and y:astype(x.dtype) or y
  end
  --- The nearest integer, halves to even.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.rint(np.array { 0.5, 1.6 }) --> { 0, 2 }
  -- @function rint

  M.around, M.rint = M.round, nearest

  --- The integer part.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.fix(-1.5) --> -1
  M.fix = np.trunc
  M.fabs = np.abs

  --- x itself.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.positive(np.array { -1 }) --> { -1 }
  function M.positive(x) return create.as_array(x, 'positive') end

  --- Quotient and rest of the division that rounds down.
  -- @tparam Array|number a
  -- @tparam Array|number b
  -- @treturn Array floor(a / b)
  -- @treturn Array a - b floor(a / b)
  -- @usage local q, r = np.divmod(7, -2) --> -4, -1
  function M.divmod(a, b) return np.floor_divide(a, b), np.remainder(a, b) end

  --- The fraction and the whole part, both of the sign of x.
  -- @tparam Array|number x
  -- @treturn Array x - trunc(x); 0 of infinite numbers
  -- @treturn Array trunc(x)
  -- @usage local fraction, whole = np.modf(np.array { -1.5, 2.25 }) --> { -0.5, 0.25 }, { -1, 2 }
  function M.modf(x)
    x = floats(x, 'np.modf')
    local whole = np.trunc(x)
    local rest = choose(np.isinf(x), 0, x - whole)
    return np.copysign(rest, x), whole
  end

  --- How many bits of |x| are 1.
  -- @tparam Array|number x integers
  -- @treturn Array i32
  -- @raise floats
  -- @usage np.bitwise_count(np.array({ 7, -2, 0 }, 'i32')) --> { 3, 1, 0 }
  function M.bitwise_count(x)
    x = create.as_array(x, 'bitwise_count')
    if x.dtype == 'bool' then x = promote.convert(x, 'i32') end
    if not is_integer(x) then
      core.raise('bitwise_count: not defined for %s; it works on u32, i32, bool', x.dtype)
    end
    local u = promote.convert(np.abs(x), 'u32')
    local function bits(v, mask) return np['and'](v, array.number(mask, 'u32')) end
    local function behind(v, n) return np.shift_right(v, array.number(n, 'u32')) end
    -- Neighbouring counts of 1, 2 and 4 bits are added up, then those of bytes by one product.
    u = u - bits(behind(u, 1), 0x55555555)
    u = bits(u, 0x33333333) + bits(behind(u, 2), 0x33333333)
    u = bits(u + behind(u, 4), 0x0F0F0F0F)
    return promote.convert(behind(u * array.number(0x01010101, 'u32'), 24), 'i32')
  end

  --- a^b of floats, also where both are integers.
  -- @tparam Array|number a
  -- @tparam Array|number b
  -- @treturn Array
  -- @usage np.float_power(np.array({ 2 }, 'i32'), -1) --> { 0.5 }
  function M.float_power(a, b)
    a, b = create.as_array(a, 'float_power'), create.as_array(b, 'float_power')
    return np.pow(promote.convert(a, promote.real(a.dtype)), promote.convert(b,
      promote.real(b.dtype)))
  end

  --- a where a condition holds, else b; of the condition alone, where it holds, as `nonzero`.
  -- @tparam Array|boolean condition
  -- @tparam[opt] Array|number a
  -- @tparam[opt] Array|number b
  -- @treturn Array of the shape that they have together
  -- @usage np.where(np.gt(x, 3), x, 0) --> { { 0, 0, 0 }, { 4, 5, 6 } }
  -- np.where(np.array { true, false, true }) --> { 1, 3 }
  function M.where(condition, ...)
    if select('#', ...) == 0 and condition ~= nil then return np.nonzero(condition) end
    return choose(condition, ...)
  end

  --- 0 for x < 0, h at 0, 1 for x > 0.
  -- @tparam Array|number x
  -- @tparam Array|number h
  -- @treturn Array
  -- @usage np.heaviside(np.array { -1, 0, 2 }, 0.5) --> { 0, 0.5, 1 }
  function M.heaviside(x, h)
    x, h = create.as_array(x, 'heaviside'), create.as_array(h, 'heaviside')
    return np.where(np.eq(x, 0), h, np.where(np.ne(x, x), x, np.where(np.gt(x, 0), 1, 0)))
  end

  --- Numbers in place of what is none.
  -- @tparam Array x
  -- @tparam[opt] table opts
  -- @param opts.nan in place of NaN; 0
  -- @param opts.posinf in place of infinity; the largest number of the dtype
  -- @param opts.neginf in place of minus infinity; the least one
  -- @treturn Array
  -- @usage np.nan_to_num(np.array { 0/0, 1 }, { nan = -1 }) --> { -1, 1 }
  function M.nan_to_num(x, opts)
    local o = args.take('np.nan_to_num', opts, number_rows)
    x = create.as_array(x, 'nan_to_num')
    if promote.is_complex(x.dtype) then
      return np.complex(M.nan_to_num(np.real(x), opts), M.nan_to_num(np.imag(x), opts))
    end
    local limit = most[x.dtype]
    if not limit then return x end
    x = np.where(np.isnan(x), o.nan, x)
    x = np.where(np.eq(x, math.huge), o.posinf or limit, x)
    return np.where(np.eq(x, -math.huge), o.neginf or -limit, x)
  end

  --- Whether elements are infinite and positive.
  -- @tparam Array|number x
  -- @treturn Array bool
  -- @usage np.isposinf(np.array { 1 / 0, -1 / 0, 1 }) --> { true, false, false }
  function M.isposinf(x) return np.eq(x, math.huge) end

  --- Whether elements are infinite and negative.
  -- @tparam Array|number x
  -- @treturn Array bool
  -- @usage np.isneginf(np.array { 1 / 0, -1 / 0, 1 }) --> { false, true, false }
  function M.isneginf(x) return np.eq(x, -math.huge) end

  --- Whether |a - b| <= atol + rtol |b|, element by element; infinities are close if equal.
  -- @param a Array or number
  -- @param b
  -- @tparam[opt] table opts
  -- @param opts.rtol 1e-5
  -- @param opts.atol 1e-8
  -- @param opts.equal_nan whether NaN is close to NaN; false
  -- @treturn Array bool
  -- @usage np.isclose(1, 1 + 1e-7) --> true
  function M.isclose(a, b, opts)
    local o = args.take('np.isclose', opts, close_rows)
    a, b = create.as_array(a, 'isclose'), create.as_array(b, 'isclose')
    local near = np.le(np.abs(a - b), o.atol + o.rtol * np.abs(b))
    local close = np['or'](np['and'](near, np.isfinite(b)), np.eq(a, b))
    if not o.equal_nan then return close end
    return np['or'](close, np['and'](np.isnan(a), np.isnan(b)))
  end

  -- One truth value: a boolean where it is known, so that `if` sees it.
  local function verdict(x) return array.traced(x) and x or x:item() end

  --- Whether all elements are close.
  -- @param a Array or number
  -- @param b
  -- @tparam[opt] table opts rtol, atol, equal_nan, as of `isclose`
  -- @treturn boolean of traced arrays an Array (), bool
  -- @usage np.allclose({ 1, 2 }, { 1, 2 + 1e-7 }) --> true
  function M.allclose(a, b, opts) return verdict(np.all(M.isclose(a, b, opts))) end

  --- Whether two arrays have one shape and equal elements.
  -- @param a Array or number
  -- @param b
  -- @treturn boolean of traced arrays an Array (), bool
  -- @usage np.array_equal({ 1, 2 }, { 1, 2, 3 }) --> false
  function M.array_equal(a, b)
    a, b = create.as_array(a, 'array_equal'), create.as_array(b, 'array_equal')
    if table.concat(a.shape, ' ') ~= table.concat(b.shape, ' ') then return false end
    return verdict(np.all(np.eq(a, b)))
  end

  --- The larger one; where one is NaN the other.
  -- @tparam Array|number a
  -- @tparam Array|number b
  -- @treturn Array
  -- @usage np.fmax(np.array { 1, 0 / 0 }, 2) --> { 2, 2 }
  function M.fmax(a, b)
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b)))
  end

  --- The smaller one; where one is NaN the other.
  -- @tparam Array|number a
  -- @tparam Array|number b
  -- @treturn Array
  -- @usage np.fmin(np.array { 1, 0 / 0 }, 2) --> { 1, 2 }
  function M.fmin(a, b)
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b)))
  end

  --- x times a power of 2, exact unless the result is too small.
  -- @tparam Array|number x
  -- @tparam Array|number n whole numbers
  -- @treturn Array
  -- @usage np.ldexp(0.75, 3) --> 6
  function M.ldexp(x, n)
    x = np.as_array(x, 'ldexp')
    x = promote.convert(x, promote.real(x.dtype))
    n = np.as_array(n, 'ldexp')
    if promote.is_float(n.dtype) then n = promote.convert(n, 'i32') end
    -- Four powers, as one alone may be too large or too small for the dtype.
    local part = np.shift_right(n, 2)
    local power = np.exp2(promote.convert(part, x.dtype))
    local last = np.exp2(promote.convert(n - 3 * part, x.dtype))
    return x * power * power * power * last
  end

  --- x as m 2^n, m from 0.5 to 1 (excluded) or 0.
  -- @tparam Array|number x
  -- @treturn Array m; what is infinite or NaN stays
  -- @treturn Array n, i32
  -- @usage local m, n = np.frexp(6) --> 0.75, 3
  function M.frexp(x)
    x = np.as_array(x, 'frexp')
    x = promote.convert(x, promote.real(x.dtype))
    local plain = np['and'](np.isfinite(x), np.ne(x, 0))
    local size = np.where(plain, np.abs(x), 1)
    local n = np.floor(np.log2(array.apply('stop_gradient', { size }))):astype 'i32' + 1
    local m = M.ldexp(size, -n) -- where the logarithm was rounded, off by one
    local more = np.ge(m, 1):astype 'i32' - np.lt(m, 0.5):astype 'i32'
    n = np.where(plain, n + more, 0)
    return np.where(plain, M.ldexp(x, -n), x), n
  end

  --- The distance of x from the next number of its dtype that is further from 0, with its sign.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.spacing(np.array(1, 'f64')) --> 2.22045e-16
  function M.spacing(x)
    x = np.as_array(x, 'spacing')
    x = promote.convert(x, promote.real(x.dtype))
    return np.nextafter(x, np.copysign(math.huge, x)) - x
  end

  --- The least common multiple of whole numbers, 0 if one is.
  -- @tparam Array a i32, u32, as of `gcd`
  -- @tparam Array b
  -- @treturn Array
  -- @usage np.lcm(np.array({ 4, 0 }, 'i32'), np.array({ 6, 5 }, 'i32')) --> { 12, 0 }
  function M.lcm(a, b)
    local g = np.gcd(a, b)
    return np.abs(np.floor_divide(promote.convert(np.as_array(a, 'lcm'), g.dtype), g) * b)
  end

  --- Degrees as radians.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.deg2rad(180) --> 3.14159
  function M.deg2rad(x) return create.as_array(x, 'deg2rad') * (math.pi / 180) end

  --- Radians as degrees.
  -- @tparam Array|number x
  -- @treturn Array
  -- @usage np.rad2deg(np.pi) --> 180
  function M.rad2deg(x) return create.as_array(x, 'rad2deg') * (180 / math.pi) end
  M.radians, M.degrees = M.deg2rad, M.rad2deg

  return M
end
