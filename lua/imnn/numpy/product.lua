--- Products of vectors and matrices.
-- @module imnn.numpy.product
local arrange = require 'imnn.numpy.arrange'
local array = require 'imnn.array'
local complex = require 'imnn.numpy.complex'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local diagonal = require('imnn.numpy.matrices').diagonal
local join = require 'imnn.numpy.join'
local operands_of = require('imnn.numpy.operands').of
local promote = require 'imnn.numpy.promote'
local shape = require 'imnn.numpy.shape'
local M = {}

local function product(name, a, b) return operands_of(name, 'matmul', a, b) end

--- Matrix product (..., n, k) x (..., k, m); vectors as NumPy has it.
-- @tparam Array a
-- @tparam Array b
-- @treturn Array
-- @raise inner sizes that differ
-- @usage np.matmul(x, np.array { 1, 0, 0 }) --> { 1, 4 }
function M.matmul(a, b)
  a, b = product('matmul', a, b)
  return array.apply('matmul', { a, b }, { 0, 0 })
end

-- Sum over the last axis of a and one axis of b, whose other axes follow those of a.
local function contract(name, a, b, axis)
  a, b = product(name, a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  if #b.shape > 1 then b = shape.moveaxis(b, axis, 1) end
  local size, terms = b.shape, a.shape[#a.shape]
  if size[1] ~= terms then
    core.raise('%s: sums over %d elements of the first and %d of the second array', name, terms,
      size[1])
  end
  local out, columns = a.shape, 1
  table.remove(out)
  for k = 2, #size do
    out[#out + 1] = size[k]
    columns = columns * size[k]
  end
  if #size > 2 then b = shape.reshape(b, size[1], columns) end
  local y = array.apply('matmul', { a, b }, { 0, 0 }, name)
  return #size > 2 and shape.reshape(y, out) or y
end

--- Sum over the last axis of a and the last but one of b, or its only one; the product if one is a
-- number.
-- @tparam Array a (..., k)
-- @tparam Array b (..., k, m) or (k)
-- @treturn Array with the other axes of a, then those of b
-- @usage np.dot(np.array { 1, 2 }, np.array { 3, 4 }) --> 11
function M.dot(a, b) return contract('dot', a, b, #create.as_array(b, 'dot').shape > 1 and -2) end

--- Sum over the last axes of both; the product if one is a number.
-- @tparam Array a (..., k)
-- @tparam Array b (..., k)
-- @treturn Array with the other axes of a, then those of b
-- @usage np.inner(np.array { 1, 2 }, np.array { 3, 4 }) --> 11
function M.inner(a, b) return contract('inner', a, b, -1) end

--- Sum of the products of all elements, of complex ones the first conjugated.
-- @tparam Array a
-- @tparam Array b of as many elements
-- @treturn Array ()
-- @usage np.vdot(np.array { 1, 2 }, np.array { 3, 4 }) --> 11
function M.vdot(a, b) return M.dot(complex.conj(shape.ravel(a)), shape.ravel(b)) end

--- Each element of a (flattened) times each of b.
-- @tparam Array a n elements
-- @tparam Array b m elements
-- @treturn Array (n, m)
-- @usage np.outer({ 1, 2 }, { 3, 4 }) --> { { 3, 4 }, { 6, 8 } }
function M.outer(a, b)
  a, b = shape.ravel(a), shape.ravel(b)
  return shape.expand_dims(a, 2) * shape.expand_dims(b, 1)
end

--- Products of all elements of a with all of b, block by block: (n1, n2) and (m1, m2) give
-- (n1 m1, n2 m2).
-- @tparam Array a
-- @tparam Array b
-- @treturn Array
-- @usage np.kron({ 1, 2 }, { 1, 1 }) --> { 1, 1, 2, 2 }
function M.kron(a, b)
  a, b = create.as_array(a, 'np.kron'), create.as_array(b, 'np.kron')
  local ndim = math.max(a.ndim, b.ndim)
  local wide, thin, sizes = {}, {}, {}
  for k = 1, ndim do
    local n = a.shape[k - ndim + a.ndim] or 1
    local m = b.shape[k - ndim + b.ndim] or 1
    wide[2 * k - 1], wide[2 * k], thin[2 * k - 1], thin[2 * k] = n, 1, 1, m
    sizes[k] = n * m
  end
  return shape.reshape(shape.reshape(a, wide) * shape.reshape(b, thin), sizes)
end

--- Sum along the diagonal of two axes (the first two).
-- @tparam Array x
-- @tparam[opt=0] number k which diagonal
-- @tparam[opt=1] number axis1
-- @tparam[opt=2] number axis2
-- @treturn Array without these axes
-- @usage np.trace(np.eye(3)) --> 3
function M.trace(x, k, axis1, axis2)
  local d = diagonal(x, k, axis1, axis2)
  return array.apply('sum', { d.dtype == 'bool' and promote.convert(d, 'i32') or d },
    { d.ndim - 1, 1 })
end

--- Cross product along an axis (the last one) of 3 elements; of 2, the third component only.
-- @tparam Array a
-- @tparam Array b
-- @tparam[opt=-1] number axis
-- @treturn Array
-- @raise another number of elements along the axis
-- @usage np.cross(np.array { 1, 0, 0 }, np.array { 0, 1, 0 }) --> { 0, 0, 1 }
function M.cross(a, b, axis)
  a, b = create.as_array(a, 'np.cross'), create.as_array(b, 'np.cross')
  a = shape.moveaxis(a, axis or -1, -1)
  b = shape.moveaxis(b, axis or -1, -1)
  local n, m = a.shape[a.ndim], b.shape[b.ndim]
  if n == 2 and m == 2 then
    return a[{ '...', 1 }] * b[{ '...', 2 }] - a[{ '...', 2 }] * b[{ '...', 1 }]
  end
  if n ~= 3 or m ~= 3 then
    core.raise('np.cross: needs 3 elements along the axis, or 2 in both, got %d and %d', n, m)
  end
  local y = arrange.roll(a, -1, -1) * arrange.roll(b, -2, -1)
    - arrange.roll(a, -2, -1) * arrange.roll(b, -1, -1)
  return shape.moveaxis(y, -1, axis or -1)
end

-- ---- sliding sums ----

local modes = { full = true, same = true, valid = true }

-- Real and imaginary parts side by side.
local function as_parts(x) return join.stack({ complex.real(x), complex.imag(x) }, -1) end

-- v (m, channels^2) beside copies moved by 1, 2, ..., with zeros around: (m + block - 1, channels,
-- block channels). Lines of m + block cut after one element less begin one later each time.
local function moved(v, m, channels, block)
  local all = channels ^ 2
  local line = shape.reshape(v, 1, m, all)
  line = array.apply('pad', { line }, { 0, 0, 0, 0, block, 0, 0, 0, 0 })
  line = shape.broadcast_to(line, { block, m + block, all })
  line = shape.reshape(line, block * (m + block), all)[{ { 1, block * (m + block - 1) } }]
  line = shape.reshape(line, block, m + block - 1, channels, channels)
  return shape.reshape(shape.transpose(line, { 2, 3, 1, 4 }), m + block - 1, channels,
    block * channels)
end

-- All sums of products of a (n) with v (m <= n), moved from before its start to behind its end.
local function slide(who, a, v, mode)
  a, v = product(who, a, v)
  if a.ndim ~= 1 or v.ndim ~= 1 or a.size == 0 or v.size == 0 then
    core.raise('np.%s: needs two lists with elements, got (%s) and (%s)', who,
      table.concat(a.shape, ', '), table.concat(v.shape, ', '))
  end
  if not modes[mode] then
    core.raise('np.%s: the mode is "full", "same" or "valid", got "%s"', who, tostring(mode))
  end
  local n, m = a.size, v.size
  local before = mode == 'full' and m - 1 or mode == 'same' and m - 1 - math.floor((m - 1) / 2) or 0
  local many = mode == 'full' and n + m - 1 or mode == 'same' and n or n - m + 1
  local channels = promote.is_complex(a.dtype) and 2 or 1
  if channels == 2 then
    local re, im = complex.real(v), complex.imag(v)
    a, v = as_parts(a), join.stack({ as_parts(v), join.stack({ -im, re }, -1) }, 2)
  end
  -- so many sums at a time, as channels: a product of matrices has more to do for each element
  local block = math.min(32, m, many)
  local blocks, window = math.ceil(many / block), m + block - 1
  local y = array.apply('conv', { shape.reshape(a, n, channels), moved(v, m, channels, block) },
    { 1, 1, 0, window, block, before, (blocks - 1) * block + window - before - n, 1, 1 })
  y = shape.reshape(y, blocks * block, channels)[{ { 1, many } }]
  if channels == 1 then return shape.reshape(y, many) end
  return complex.complex(y[{ {}, 1 }], y[{ {}, 2 }])
end

--- Convolution of two lists: sums of a[i] v[k - i].
-- @tparam Array a (n)
-- @tparam Array v (m)
-- @tparam[opt='full'] string mode 'full' (n + m - 1 sums), 'same' (as long as the longer list) or
--   'valid' (only where they overlap in full)
-- @treturn Array
-- @raise what is no list, or has no elements; an unknown mode
-- @usage np.convolve({ 1, 2, 3 }, { 1, 1 }) --> { 1, 3, 5, 3 }
function M.convolve(a, v, mode)
  a, v = create.as_array(a, 'np.convolve'), create.as_array(v, 'np.convolve')
  if a.size < v.size then a, v = v, a end
  return slide('convolve', a, arrange.flip(v), mode or 'full')
end

--- Correlation of two lists: sums of a[i + k] v[i].
-- @tparam Array a (n)
-- @tparam Array v (m)
-- @tparam[opt='valid'] string mode as for convolve
-- @treturn Array
-- @usage np.correlate({ 1, 2, 3 }, { 0, 1 }) --> { 2, 3 }
function M.correlate(a, v, mode)
  a, v = create.as_array(a, 'np.correlate'), complex.conj(create.as_array(v, 'np.correlate'))
  if a.size < v.size then return arrange.flip(slide('correlate', v, a, mode or 'valid')) end
  return slide('correlate', a, v, mode or 'valid')
end

return M
