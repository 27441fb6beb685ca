--- Windows that taper a signal towards its ends: n weights, symmetric, for `imnn.np.fft` and
-- filters.
-- @module imnn.numpy.windows
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local promote = require 'imnn.numpy.promote'
local M = {}

-- fn(t) of places t in f64, evenly from -1 to 1 (0 for a single one).
local function window(name, n, dtype, fn)
  core.count(name, n)
  dtype = dtype or array.default_dtype()
  array.dtype_code(dtype)
  if n == 0 then return create.zeros({ 0 }, dtype) end
  local t = create.arange(1 - n, n, 2, 'f64') / math.max(n - 1, 1)
  return promote.convert(fn(t), dtype)
end

-- The sum of c[k + 1] cos(k pi t).
local function cosines(c)
  return function(t)
    local y = create.full_like(t, c[1])
    for k = 1, #c - 1 do y = y + c[k + 1] * elementwise('cos', t * (k * math.pi)) end
    return y
  end
end

--- Symmetric weights of a window.
-- @tparam number n how many
-- @tparam[opt] string dtype the default one
-- @treturn Array (n)
-- @raise no whole number of weights
-- @usage np.NAME(5)
-- @each hamming Hamming's window, 0.54 + 0.46 cos(pi t), t from -1 to 1
-- @each hanning Von Hann's window, (1 + cos(pi t)) / 2, t from -1 to 1
-- @each blackman Blackman's window, 0.42 + 0.5 cos(pi t) + 0.08 cos(2 pi t), t from -1 to 1
-- @each bartlett Bartlett's window, the triangle 1 - |t|, t from -1 to 1

for name, fn in pairs {
  hamming = cosines { 0.54, 0.46 }, hanning = cosines { 0.5, 0.5 },
  blackman = cosines { 0.42, 0.5, 0.08 },
  bartlett = function(t) return 1 - elementwise('abs', t) end,
} do
  M[name] = function(n, dtype) return window(name, n, dtype, fn) end
end

--- Kaiser's window, i0(beta sqrt(1 - t^2)) / i0(beta), t from -1 to 1.
-- @tparam number n how many weights
-- @tparam number|Array beta how narrow, () if an Array, which has a derivative
-- @tparam[opt] string dtype the default one, or that of an Array beta
-- @treturn Array (n)
-- @usage np.kaiser(3, 0) --> { 1, 1, 1 }
function M.kaiser(n, beta, dtype)
  local given = array.is(beta) and promote.is_float(beta.dtype) and beta.dtype or nil
  beta = promote.convert(create.as_array(beta, 'kaiser', 'f64'), 'f64')
  if beta.ndim ~= 0 then
    core.raise('kaiser: beta is one number, got (%s)', table.concat(beta.shape, ', '))
  end
  return window('kaiser', n, dtype or given, function(t)
    -- i0(a) / i0(b) without overflow
    local inner = elementwise('sqrt', 1 - t * t) * elementwise('abs', beta)
    local outer = elementwise('abs', beta)
    return elementwise('i0e', inner) / elementwise('i0e', outer)
      * elementwise('exp', inner - outer)
  end)
end

return M
