--- Discrete Fourier transforms, under the names and with the conventions of NumPy:
-- y[k] = sum over j of x[j] e^(-2 pi i j k / n). Axes count from 1.
--
-- Options of transforms of one axis: `n`, the size that the axis is cropped or padded with zeros
-- to, `axis` (-1), `norm`; of several axes: `s`, the sizes, `axes`, `norm`. The norm says which
-- direction divides by the number n of elements: 'backward' (the inverse), 'forward', or 'ortho':
-- both, by the root of n.
-- @module imnn.numpy.fft
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local roll = require('imnn.numpy.arrange').roll
local shape = require 'imnn.numpy.shape'
local M = {}

-- ---- transforms ----

-- The last axes cropped or padded with zeros to these sizes.
local function resize(x, sizes)
  local all, ranges, widths = x.shape, {}, {}
  local first, cropped, padded = #all - #sizes, false, false
  for k, size in ipairs(all) do
    local want = sizes[k - first] or size
    cropped, padded = cropped or want < size, padded or want > size
    for _, v in ipairs { 0, math.min(size, want), 1 } do ranges[#ranges + 1] = v end
    for _, v in ipairs { 0, math.max(want - size, 0), 0 } do widths[#widths + 1] = v end
  end
  if cropped then x = array.apply('slice', { x }, ranges) end
  return padded and array.apply('pad', { x }, widths) or x
end

local function check_sizes(who, sizes, count)
  if #sizes ~= count then
    core.raise('%s: %d sizes for %d axes', who, #sizes, count)
  end
  for _, size in ipairs(sizes) do
    if type(size) ~= 'number' or size % 1 ~= 0 or size < 1 then
      core.raise('%s: sizes are whole numbers, 1 or more, got %s', who, tostring(size))
    end
  end
end

-- By what the result of the operator is multiplied.
local factors = {
  backward = function() return 1 end,
  ortho = function(n, inverse) return inverse and math.sqrt(n) or 1 / math.sqrt(n) end,
  forward = function(n, inverse) return inverse and n or 1 / n end,
}

local function as_floats(x, kind, who)
  x = create.as_array(x, who)
  if kind == 'rfft' then
    if promote.is_complex(x.dtype) then
      core.raise('%s: is of real arrays, got %s; np.fft.%s is of complex ones', who, x.dtype,
        (who:gsub('^.*%.r', '')))
    end
    return promote.convert(x, promote.real(x.dtype))
  end
  return promote.convert(x, promote.complex_of(x.dtype))
end

-- kind: the operator. sizes: of the real side, or nil.
local function transform(kind, who, x, sizes, axes, norm)
  if not factors[norm] then
    core.raise("%s: norm is 'backward', 'ortho' or 'forward', got %q", who, tostring(norm))
  end
  x = as_floats(x, kind, who)
  local ends, count = {}, #axes_of.given(who, axes, x.ndim)
  if count == 0 then
    core.raise('%s: needs an axis, got shape (%s)', who, table.concat(x.shape, ', '))
  end
  for k = 1, count do ends[k] = k - count - 1 end
  local y = shape.moveaxis(x, axes, ends)
  if not sizes then
    local all = y.shape
    sizes = { unpack(all, #all - count + 1) }
    if kind == 'irfft' then sizes[count] = 2 * (sizes[count] - 1) end
  end
  check_sizes(who, sizes, count)
  local given, elements = { unpack(sizes) }, 1
  if kind == 'irfft' then given[count] = math.floor(sizes[count] / 2) + 1 end
  for _, size in ipairs(sizes) do elements = elements * size end
  local inverse = kind == 'ifft' or kind == 'irfft'
  y = array.apply(kind, { resize(y, given) }, { count, kind == 'irfft' and sizes[count] or nil },
    who)
  local factor = factors[norm](elements, inverse)
  if factor ~= 1 then y = y * factor end
  return shape.moveaxis(y, ends, axes)
end

local one_axis = {
  n = { 'integer', optional = true }, axis = { 'integer', default = -1 },
  norm = { 'string', default = 'backward' },
}
local several_axes = {
  s = { 'table', optional = true }, axes = { 'table', optional = true },
  norm = { 'string', default = 'backward' },
}

-- The last axes of an array, as many as there are sizes, or all.
local function last_axes(x, sizes)
  local out, n = {}, #create.as_array(x, 'fft').shape
  for k = sizes and n - #sizes + 1 or 1, n do out[#out + 1] = k end
  return out
end

for _, kind in ipairs { 'fft', 'ifft', 'rfft', 'irfft' } do
  M[kind] = function(x, opts)
    local who = 'fft.' .. kind
    if type(opts) == 'number' then opts = { n = opts } end
    local o = args.take(who, opts, one_axis)
    return transform(kind, who, x, o.n and { o.n }, { o.axis }, o.norm)
  end
  M[kind .. '2'] = function(x, opts)
    local who = 'fft.' .. kind .. '2'
    local o = args.take(who, opts, several_axes)
    return transform(kind, who, x, o.s, o.axes or { -2, -1 }, o.norm)
  end
  M[kind .. 'n'] = function(x, opts)
    local who = 'fft.' .. kind .. 'n'
    local o = args.take(who, opts, several_axes)
    return transform(kind, who, x, o.s, o.axes or last_axes(x, o.s), o.norm)
  end
end

--- Transform along one axis; its inverse.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex
-- @function fft
-- @usage np.fft.fft { 1, 0, 0, 0 } --> {1, 1, 1, 1}

--- Transform of real numbers: the n / 2 + 1 elements that tell the others, which are conjugates.
-- @tparam Array|table x real
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex
-- @function rfft

--- Its inverse: n real numbers, 2 (m - 1) of m elements unless `n` is given.
-- @tparam Array|table x complex
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array real
-- @function irfft

--- Transforms along the last two axes: fft2, ifft2, rfft2, irfft2, the real ones halved along the
-- last; and along any: fftn, ifftn, rfftn, irfftn.
-- @tparam Array|table x
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @function fftn

-- ---- frequencies ----

local function frequencies(who, n, d, dtype, first, last)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 1 then
    core.raise('%s: needs a whole number of elements, 1 or more, got %s', who, tostring(n))
  end
  d = d or 1
  if type(d) ~= 'number' or d == 0 then
    core.raise('%s: the spacing must be a number that is not 0, got %s', who, tostring(d))
  end
  local out = {}
  for k = first, last do out[#out + 1] = k / (n * d) end
  return out, dtype or array.default_dtype()
end

--- The frequencies of the elements of fft, in cycles per unit of the spacing: 0, 1, ..., negative
-- ones behind.
-- @tparam number n elements
-- @tparam[opt=1] number d spacing
-- @tparam[opt] string dtype the default one
-- @treturn Array (n)
function M.fftfreq(n, d, dtype)
  local above, kind = frequencies('fft.fftfreq', n, d, dtype, 0, math.floor((n - 1) / 2))
  local below = frequencies('fft.fftfreq', n, d, dtype, -math.floor(n / 2), -1)
  for _, f in ipairs(below) do above[#above + 1] = f end
  return create.array(above, kind)
end

--- Those of rfft (n / 2 + 1).
function M.rfftfreq(n, d, dtype)
  return create.array(frequencies('fft.rfftfreq', n, d, dtype, 0, math.floor(n / 2)))
end

-- Elements moved along axes by half their number, to the right or to the left.
local function shifted(who, x, opts, direction)
  if type(opts) == 'number' then opts = { axes = { opts } } end
  local o = args.take(who, opts, { axes = { 'table', optional = true } })
  x = create.as_array(x, who)
  local axes, shifts, sizes = o.axes or last_axes(x), {}, x.shape
  for i, axis in ipairs(axes_of.given(who, axes, #sizes)) do
    shifts[i] = direction * math.floor(sizes[axis + 1] / 2)
  end
  return #shifts > 0 and roll(x, shifts, axes) or x
end

--- The frequency 0 brought to the middle, along all axes or those of the option `axes`.
function M.fftshift(x, opts)
  return shifted('fft.fftshift', x, opts, 1)
end

--- The inverse of fftshift.
function M.ifftshift(x, opts)
  return shifted('fft.ifftshift', x, opts, -1)
end

return M
