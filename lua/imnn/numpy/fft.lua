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
local complex = require 'imnn.numpy.complex'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local roll = require('imnn.numpy.arrange').roll
local M = {}

-- ---- transforms ----

-- Axes (from 0) cropped or padded with zeros to these sizes.
local function resize(x, axes, sizes)
  local all, ranges, widths, want = x.shape, {}, {}, {}
  local cropped, padded = false, false
  for k, a in ipairs(axes) do want[a + 1] = sizes[k] end
  for k, size in ipairs(all) do
    local to = want[k] or size
    cropped, padded = cropped or to < size, padded or to > size
    for _, v in ipairs { 0, math.min(size, to), 1 } do ranges[#ranges + 1] = v end
    for _, v in ipairs { 0, math.max(to - size, 0), 0 } do widths[#widths + 1] = v end
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
-- The norm under which a backward transform is one forward.
local opposite = { backward = 'forward', forward = 'backward', ortho = 'ortho' }

local function check_norm(who, norm)
  if factors[norm] then return end
  core.raise("%s: norm is 'backward', 'ortho' or 'forward', got %q", who, tostring(norm))
end

local function as_floats(x, kind, who)
  x = create.as_array(x, who)
  if kind == 'rfft' then
    if promote.is_complex(x.dtype) then
      core.raise('%s: is of real arrays, got %s; np.fft.%s is of complex ones', who, x.dtype,
        (who:gsub('^.*%.r', ''):gsub('^.*%.ihfft', 'ifft')))
    end
    return promote.convert(x, promote.real(x.dtype))
  end
  return promote.convert(x, promote.complex_of(x.dtype))
end

-- The operator over the runs of adjacent axes among these; n: of irfft.
local function over(kind, x, axes, n, who)
  local first = 1
  for k, a in ipairs(axes) do
    if axes[k + 1] ~= a + 1 then
      x = array.apply(kind, { x }, { k - first + 1, x.ndim - 1 - a, n }, who)
      first = k + 1
    end
  end
  return x
end

-- The last axis and those that are adjacent in front of it; the others, sorted.
local function around(axes)
  local last, other, run = axes[#axes], {}, {}
  for k = 1, #axes - 1 do other[k] = axes[k] end
  table.sort(other)
  local next_one = last
  for k = #other, 1, -1 do
    if other[k] == next_one - 1 then
      next_one = table.remove(other, k)
      table.insert(run, 1, next_one)
    end
  end
  run[#run + 1] = last
  return run, other
end

-- kind: the operator. axes: from 0. sizes: of the real side.
local function apply(kind, x, axes, sizes, who)
  local n = kind == 'irfft' and sizes[#sizes] or nil
  if n then sizes[#sizes] = math.floor(n / 2) + 1 end
  x = resize(x, axes, sizes)
  if kind == 'rfft' then
    local run, other = around(axes)
    return over('fft', over('rfft', x, run, nil, who), other, nil, who)
  elseif kind == 'irfft' then
    local run, other = around(axes)
    return over('irfft', over('ifft', x, other, nil, who), run, n, who)
  end
  table.sort(axes)
  return over(kind, x, axes, nil, who)
end

-- sizes: of the real side, or nil.
local function transform(kind, who, x, sizes, axes, norm)
  check_norm(who, norm)
  x = as_floats(x, kind, who)
  local at, shape = axes_of.given(who, axes, x.ndim), x.shape
  if #at == 0 then
    core.raise('%s: needs an axis, got shape (%s)', who, table.concat(shape, ', '))
  end
  if not sizes then
    sizes = {}
    for k, a in ipairs(at) do sizes[k] = shape[a + 1] end
    if kind == 'irfft' then sizes[#at] = 2 * (sizes[#at] - 1) end
  end
  check_sizes(who, sizes, #at)
  local elements = 1
  for _, size in ipairs(sizes) do elements = elements * size end
  local y = apply(kind, x, at, { unpack(sizes) }, who)
  local factor = factors[norm](elements, kind == 'ifft' or kind == 'irfft')
  return factor == 1 and y or y * factor
end

local one_axis = {
  n = { 'integer', optional = true }, axis = { 'integer', default = -1 },
  norm = { 'string', default = 'backward' },
}
local several_axes = {
  s = { 'table', optional = true }, axes = { 'table', optional = true },
  norm = { 'string', default = 'backward' },
}

local function one(name, opts)
  if type(opts) == 'number' then opts = { n = opts } end
  local o = args.take('fft.' .. name, opts, one_axis)
  return o, o.n and { o.n }, { o.axis }
end

local function along_one(kind)
  return function(x, opts)
    local o, sizes, axes = one(kind, opts)
    return transform(kind, 'fft.' .. kind, x, sizes, axes, o.norm)
  end
end

local function along_two(kind)
  local who = 'fft.' .. kind .. '2'
  return function(x, opts)
    local o = args.take(who, opts, several_axes)
    return transform(kind, who, x, o.s, o.axes or { -2, -1 }, o.norm)
  end
end

-- The last axes of an array, as many as there are sizes, or all.
local function last_axes(who, x, sizes)
  local out, n = {}, #create.as_array(x, who).shape
  for k = sizes and n - #sizes + 1 or 1, n do out[#out + 1] = k end
  return out
end

local function along_several(kind)
  local who = 'fft.' .. kind .. 'n'
  return function(x, opts)
    local o = args.take(who, opts, several_axes)
    return transform(kind, who, x, o.s, o.axes or last_axes(who, x, o.s), o.norm)
  end
end

--- Transform along one axis.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex, shaped like x but for n
-- @raise an axis or size that there is not, an unknown norm
-- @function fft
-- @usage np.fft.fft { 1, 0, 0, 0 } --> {1, 1, 1, 1}
M.fft = along_one 'fft'

--- Inverse transform along one axis.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex, shaped like x but for n
-- @function ifft
-- @usage np.fft.ifft { 4, 0, 0, 0 } --> {1, 1, 1, 1}
M.ifft = along_one 'ifft'

--- Transform of real numbers: the n / 2 + 1 elements that tell the others, which are conjugates.
-- @tparam Array|table x real
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex
-- @raise a complex array
-- @function rfft
-- @usage np.fft.rfft { 1, 0, 0, 0 } --> {1, 1, 1}
M.rfft = along_one 'rfft'

--- Inverse of rfft: n real numbers, 2 (m - 1) of m elements unless `n` is given.
-- @tparam Array|table x complex
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array real
-- @function irfft
-- @usage np.fft.irfft({ 1, 1, 1 }, 4) --> {1, 0, 0, 0}
M.irfft = along_one 'irfft'

--- Transform of numbers of which those that are not there are conjugates, to n real numbers: that
-- of a signal in time with a real spectrum.
-- @tparam Array|table x complex
-- @tparam[opt] table|number opts `n` (2 (m - 1) of m elements), `axis`, `norm`, or n alone
-- @treturn Array real
-- @function hfft
-- @usage np.fft.hfft({ 1, 1, 1 }, 4) --> {4, 0, 0, 0}
function M.hfft(x, opts)
  local o, sizes, axes = one('hfft', opts)
  check_norm('fft.hfft', o.norm)
  x = complex.conj(as_floats(x, 'irfft', 'fft.hfft'))
  return transform('irfft', 'fft.hfft', x, sizes, axes, opposite[o.norm])
end

--- Inverse of hfft: n / 2 + 1 complex numbers.
-- @tparam Array|table x real
-- @tparam[opt] table|number opts `n`, `axis`, `norm`, or n alone
-- @treturn Array complex
-- @raise a complex array
-- @function ihfft
-- @usage np.fft.ihfft { 4, 0, 0, 0 } --> {1, 1, 1}
function M.ihfft(x, opts)
  local o, sizes, axes = one('ihfft', opts)
  check_norm('fft.ihfft', o.norm)
  return complex.conj(transform('rfft', 'fft.ihfft', x, sizes, axes, opposite[o.norm]))
end

--- Transform along two axes, the last ones.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex, shaped like x but for s
-- @raise axes or sizes that there are not, an unknown norm
-- @function fft2
-- @usage np.fft.fft2 { { 1, 0 }, { 0, 0 } } --> {{1, 1}, {1, 1}}
M.fft2 = along_two 'fft'

--- Inverse transform along two axes, the last ones.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex, shaped like x but for s
-- @function ifft2
-- @usage np.fft.ifft2 { { 4, 0 }, { 0, 0 } } --> {{1, 1}, {1, 1}}
M.ifft2 = along_two 'ifft'

--- Transform of real numbers along two axes, the last ones; the last of them is halved.
-- @tparam Array|table x real
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex
-- @function rfft2
-- @usage np.fft.rfft2(np.ones { 4, 4 }).shape --> { 4, 3 }
M.rfft2 = along_two 'rfft'

--- Inverse of rfft2. Odd last sizes have to be told: `s`.
-- @tparam Array|table x complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array real
-- @function irfft2
-- @usage np.fft.irfft2(np.fft.rfft2(np.ones { 4, 5 }), { s = { 4, 5 } }).shape --> { 4, 5 }
M.irfft2 = along_two 'irfft'

--- Transform along axes: all, or as many of the last ones as there are sizes.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex, shaped like x but for s
-- @raise axes or sizes that there are not, an unknown norm
-- @function fftn
-- @usage np.fft.fftn(np.ones { 2, 2, 2 }):sum() --> 8
M.fftn = along_several 'fft'

--- Inverse transform along axes: all, or as many of the last ones as there are sizes.
-- @tparam Array|table x complex, or real, which is made complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex, shaped like x but for s
-- @function ifftn
-- @usage np.fft.ifftn(np.ones { 2, 2, 2 }):sum() --> 1
M.ifftn = along_several 'ifft'

--- Transform of real numbers along axes: all, or as many of the last ones as there are sizes. The
-- last one given is halved.
-- @tparam Array|table x real
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array complex
-- @function rfftn
-- @usage np.fft.rfftn(np.ones { 2, 3, 4 }).shape --> { 2, 3, 3 }
M.rfftn = along_several 'rfft'

--- Inverse of rfftn. Odd sizes of the last axis have to be told: `s`.
-- @tparam Array|table x complex
-- @tparam[opt] table opts `s`, `axes`, `norm`
-- @treturn Array real
-- @function irfftn
-- @usage np.fft.irfftn(np.fft.rfftn(np.ones { 2, 3, 4 })).shape --> { 2, 3, 4 }
M.irfftn = along_several 'irfft'

-- ---- frequencies ----

local function check_elements(who, n)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 1 then
    core.raise('%s: needs a whole number of elements, 1 or more, got %s', who, tostring(n))
  end
end

local function frequencies(who, n, d, dtype, first, last)
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
-- @raise n that is no whole number, a spacing of 0
-- @usage np.fft.fftfreq(4) --> {0, 0.25, -0.5, -0.25}
function M.fftfreq(n, d, dtype)
  check_elements('fft.fftfreq', n)
  local above, kind = frequencies('fft.fftfreq', n, d, dtype, 0, math.floor((n - 1) / 2))
  local below = frequencies('fft.fftfreq', n, d, dtype, -math.floor(n / 2), -1)
  for _, f in ipairs(below) do above[#above + 1] = f end
  return create.array(above, kind)
end

--- The frequencies of the elements of rfft, in cycles per unit of the spacing.
-- @tparam number n elements of the real side
-- @tparam[opt=1] number d spacing
-- @tparam[opt] string dtype the default one
-- @treturn Array (n / 2 + 1)
-- @usage np.fft.rfftfreq(4) --> {0, 0.25, 0.5}
function M.rfftfreq(n, d, dtype)
  check_elements('fft.rfftfreq', n)
  return create.array(frequencies('fft.rfftfreq', n, d, dtype, 0, math.floor(n / 2)))
end

-- Elements moved along axes by half their number, to the right or to the left.
local function shifted(who, x, opts, direction)
  if type(opts) == 'number' then opts = { axes = opts } end
  local o = args.take(who, opts, { axes = { 'table', 'integer', optional = true } })
  x = create.as_array(x, who)
  local axes, shifts, sizes = o.axes or last_axes(who, x), {}, x.shape
  if type(axes) == 'number' then axes = { axes } end
  for i, axis in ipairs(axes_of.given(who, axes, #sizes)) do
    shifts[i] = direction * math.floor(sizes[axis + 1] / 2)
  end
  return #shifts > 0 and roll(x, shifts, axes) or x
end

--- The frequency 0 brought to the middle.
-- @tparam Array|table x
-- @tparam[opt] table|number opts `axes`, one or several, or one alone; all of them otherwise
-- @treturn Array shaped like x
-- @usage np.fft.fftshift { 0, 1, 2, -2, -1 } --> {-2, -1, 0, 1, 2}
function M.fftshift(x, opts)
  return shifted('fft.fftshift', x, opts, 1)
end

--- The inverse of fftshift.
-- @tparam Array|table x
-- @tparam[opt] table|number opts `axes`, one or several, or one alone; all of them otherwise
-- @treturn Array shaped like x
-- @usage np.fft.ifftshift { -2, -1, 0, 1, 2 } --> {0, 1, 2, -2, -1}
function M.ifftshift(x, opts)
  return shifted('fft.ifftshift', x, opts, -1)
end

return args.strict('np.fft', require 'imnn.numpy.named'('np.fft', M))
