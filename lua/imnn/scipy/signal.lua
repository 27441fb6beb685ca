--- Signals, under the names of scipy.signal.
-- @module imnn.scipy.signal
local args = require 'imnn.args'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

local modes = { full = true, same = true, valid = true }

-- The least product of small primes that is n or more: sizes that transforms are fast for.
local function good_size(n)
  local best = math.huge
  local seven = 1
  while seven < best do
    local five = seven
    while five < best do
      local three = five
      while three < best do
        local size = three
        while size < n do size = 2 * size end
        best = math.min(best, size)
        three = 3 * three
      end
      five = 5 * five
    end
    seven = 7 * seven
  end
  return best
end

--- The least size from n on that Fourier transforms are fast for: a product of 2, 3, 5 and 7.
-- @tparam number n 1 or more
-- @treturn number
-- @usage scipy.signal.next_fast_len(1021) --> 1024
function M.next_fast_len(n)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 1 then
    core.raise('signal.next_fast_len: needs a whole number, 1 or more, got %s', tostring(n))
  end
  return good_size(n)
end

local rows = {
  mode = { 'string', default = 'full' }, axes = { 'table', 'integer', optional = true },
}

local function shape_text(x) return '(' .. table.concat(x.shape, ', ') .. ')' end

-- Sizes along the axes: of both arrays, of all sums; other axes broadcast.
local function sizes_of(who, a, b, axes)
  local along, of_a, of_b = {}, a.shape, b.shape
  for _, axis in ipairs(axes) do along[axis + 1] = true end
  for k = 1, #of_a do
    if not along[k] and of_a[k] ~= of_b[k] and of_a[k] ~= 1 and of_b[k] ~= 1 then
      core.raise('%s: shapes %s and %s differ along axis %d, which is not among the axes', who,
        shape_text(a), shape_text(b), k)
    end
    if along[k] and (of_a[k] == 0 or of_b[k] == 0) then
      core.raise('%s: needs elements, got shapes %s and %s', who, shape_text(a), shape_text(b))
    end
  end
  local n, m, all = {}, {}, {}
  for i, axis in ipairs(axes) do
    n[i], m[i] = of_a[axis + 1], of_b[axis + 1]
    all[i] = n[i] + m[i] - 1
  end
  return n, m, all
end

-- Whether b fits into a along all axes, or a into b: what scipy asks of mode 'valid'.
local function fits(n, m)
  for i = 1, #n do
    if n[i] < m[i] then return false end
  end
  return true
end

--- Convolution by Fourier transforms: for many elements faster than np.convolve, with rounding
-- errors that are relative to the largest sums. Along the axes zeros are beyond the ends; along
-- others the arrays broadcast.
-- @tparam Array a (..., n)
-- @tparam Array b (..., m), of as many axes
-- @tparam[opt] table|string opts `mode`: 'full' (n + m - 1 sums), 'same' (as many as in a, those in
--   the middle) or 'valid' (only where one array is covered); `axes`, one or several: all; or the
--   mode alone
-- @treturn Array
-- @raise different numbers of axes, shapes that do not fit, an unknown mode
-- @usage scipy.signal.fftconvolve({ 1, 2, 3 }, { 1, 1 }) --> { 1, 3, 5, 3 }
function M.fftconvolve(a, b, opts)
  local who = 'signal.fftconvolve'
  if type(opts) == 'string' then opts = { mode = opts } end
  local o = args.take(who, opts, rows)
  if not modes[o.mode] then
    core.raise('%s: the mode is "full", "same" or "valid", got "%s"', who, o.mode)
  end
  a, b = np.asarray(a), np.asarray(b)
  if a.ndim ~= b.ndim then
    core.raise('%s: needs as many axes in both, got shapes %s and %s', who, shape_text(a),
      shape_text(b))
  end
  if a.ndim == 0 then return a * b end
  local axes = axes_of.list(who, a, o.axes)
  if #axes == 0 then return a * b end
  local n, m, all = sizes_of(who, a, b, axes)
  if o.mode == 'valid' and not fits(n, m) then
    if not fits(m, n) then
      core.raise('%s: for mode "valid" one array has to be the larger one along all axes, got '
        .. 'shapes %s and %s', who, shape_text(a), shape_text(b))
    end
    n, m = m, n
  end
  local from_one, s = {}, {}
  for i, axis in ipairs(axes) do from_one[i], s[i] = axis + 1, good_size(all[i]) end
  local complex = np.iscomplexobj(a) or np.iscomplexobj(b)
  local there, back = np.fft[complex and 'fftn' or 'rfftn'], np.fft[complex and 'ifftn' or 'irfftn']
  local how = { s = s, axes = from_one }
  local y, part = back(there(a, how) * there(b, how), how), {}
  for k = 1, a.ndim do part[k] = {} end
  for i, axis in ipairs(from_one) do
    local first, count = 1, all[i]
    if o.mode == 'same' then first, count = math.floor((m[i] - 1) / 2) + 1, n[i] end
    if o.mode == 'valid' then first, count = m[i], n[i] - m[i] + 1 end
    part[axis] = { first, first + count - 1 }
  end
  return y[part]
end

return require('imnn.args').strict('scipy.signal', M)
