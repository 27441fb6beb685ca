--- Matrices of ones and zeros, triangles, diagonals.
-- @module imnn.numpy.matrices
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local M = {}

-- Row and column numbers from 0, as (n, 1) and (1, m).
local function places(who, n, m)
  core.count(who, n)
  core.count(who, m)
  local i32 = array.dtype_code 'i32'
  return array.apply('iota', {}, { i32, 0, n, 1 }, who),
    array.apply('iota', {}, { i32, 1, 1, m }, who)
end

local function offset(who, k)
  if k == nil then return 0 end
  if type(k) ~= 'number' or k % 1 ~= 0 then
    core.raise('%s: the offset of the diagonal is a whole number, got %s', who, tostring(k))
  end
  return k
end

-- n, m, k and dtype; m and k may be left out.
local function matrix(who, n, m, k, dtype)
  if type(m) == 'string' then m, dtype = nil, m end
  if type(k) == 'string' then k, dtype = nil, k end
  return n, m or n, offset(who, k), dtype or array.default_dtype()
end

--- Ones on a diagonal of a matrix (n, m).
-- @tparam number n rows
-- @tparam[opt=n] number m columns
-- @tparam[opt=0] number k which diagonal; above the main one where positive
-- @tparam[opt='f32'] string dtype
-- @treturn Array
-- @usage np.eye(2) --> { { 1, 0 }, { 0, 1 } }
function M.eye(n, m, k, dtype)
  n, m, k, dtype = matrix('eye', n, m, k, dtype)
  local row, column = places('eye', n, m)
  local sizes = { n, m }
  row = array.apply('broadcast', { row + k }, sizes, 'eye')
  return create.astype(array.apply('eq', { row, column }, nil, 'eye'), dtype)
end

--- The identity matrix (n, n).
-- @tparam number n
-- @tparam[opt='f32'] string dtype
-- @treturn Array
-- @usage np.identity(2) --> { { 1, 0 }, { 0, 1 } }
function M.identity(n, dtype) return M.eye(n, dtype) end

--- Ones on and below a diagonal of a matrix (n, m).
-- @tparam number n rows
-- @tparam[opt=n] number m columns
-- @tparam[opt=0] number k which diagonal
-- @tparam[opt='f32'] string dtype
-- @treturn Array
-- @usage np.tri(2, 3) --> { { 1, 0, 0 }, { 1, 1, 0 } }
function M.tri(n, m, k, dtype)
  n, m, k, dtype = matrix('tri', n, m, k, dtype)
  local row, column = places('tri', n, m)
  return create.astype(elementwise('ge', row + k, column), dtype)
end

local function triangle(who, x, keep)
  x = create.as_array(x, who)
  local shape = x.shape
  if #shape < 2 then core.raise('%s: needs two axes, got %d', who, #shape) end
  local row, column = places(who, shape[#shape - 1], shape[#shape])
  return elementwise('where', keep(row, column), x, 0)
end

--- x (..., n, m) with zeros above the kth diagonal.
-- @tparam Array x
-- @tparam[opt=0] number k
-- @treturn Array like x
-- @raise fewer than two axes
-- @usage np.tril(x) --> { { 1, 0, 0 }, { 4, 5, 0 } }
function M.tril(x, k)
  k = offset('tril', k)
  return triangle('tril', x, function(row, column) return elementwise('ge', row + k, column) end)
end

--- x (..., n, m) with zeros below the kth diagonal.
-- @tparam Array x
-- @tparam[opt=0] number k
-- @treturn Array like x
-- @raise fewer than two axes
-- @usage np.triu(x, 1) --> { { 0, 2, 3 }, { 0, 0, 6 } }
function M.triu(x, k)
  k = offset('triu', k)
  return triangle('triu', x, function(row, column) return elementwise('le', row + k, column) end)
end

--- The kth diagonal along two axes (the first two), which it replaces as the last one.
-- @tparam Array x
-- @tparam[opt=0] number k
-- @tparam[opt=1] number axis1
-- @tparam[opt=2] number axis2
-- @treturn Array
-- @usage np.diagonal(x) --> { 1, 5 }
function M.diagonal(x, k, axis1, axis2)
  x, k = create.as_array(x, 'diagonal'), offset('diagonal', k)
  local ndim = x.ndim
  local a = core.index(axis1 or 1, ndim, 'diagonal: no axis')
  local b = core.index(axis2 or 2, ndim, 'diagonal: no axis')
  if a == b then core.raise 'diagonal: needs two different axes' end
  local order, sizes, ranges = {}, {}, {}
  for axis = 0, ndim - 1 do if axis ~= a and axis ~= b then order[#order + 1] = axis end end
  order[#order + 1], order[#order + 2] = a, b
  local shape = x.shape
  for i, axis in ipairs(order) do sizes[i] = shape[axis + 1] end
  local n, m = sizes[ndim - 1], sizes[ndim]
  local many = math.max(math.min(n + math.min(k, 0), m - math.max(k, 0)), 0)
  sizes[ndim - 1], sizes[ndim] = n * m, nil
  for _, size in ipairs(sizes) do
    ranges[#ranges + 1], ranges[#ranges + 2], ranges[#ranges + 3] = 0, size, 1
  end
  local last = #ranges
  ranges[last - 2] = many > 0 and (k >= 0 and k or -k * m) or 0
  ranges[last - 1], ranges[last] = many, m + 1
  local y = array.apply('transpose', { x }, order)
  return array.apply('slice', { array.apply('reshape', { y }, sizes) }, ranges)
end

--- A matrix with x (n) on its kth diagonal; or the kth diagonal of a matrix x (n, m).
-- @tparam Array x
-- @tparam[opt=0] number k above the main diagonal where positive
-- @treturn Array
-- @raise neither one nor two axes
-- @usage np.diag(np.array { 1, 2 }) --> { { 1, 0 }, { 0, 2 } }
-- np.diag(x) --> { 1, 5 }
function M.diag(x, k)
  x, k = create.as_array(x, 'diag'), offset('diag', k)
  if x.ndim == 2 then return M.diagonal(x, k) end
  if x.ndim ~= 1 then core.raise('diag: needs one or two axes, got %d', x.ndim) end
  local n = x.size
  local side = n + math.abs(k)
  if n == 0 then return create.zeros({ side, side }, x.dtype) end
  local first = k >= 0 and k or -k * side
  local behind = side * side - first - (n - 1) * (side + 1) - 1
  return array.apply('reshape', { array.apply('pad', { x }, { first, behind, side }) },
    { side, side })
end

--- A matrix with all elements of x on its kth diagonal.
-- @tparam Array x
-- @tparam[opt=0] number k
-- @treturn Array
-- @usage np.diagflat({ { 1 }, { 2 } }) --> { { 1, 0 }, { 0, 2 } }
function M.diagflat(x, k)
  x = create.as_array(x, 'diagflat')
  return M.diag(array.apply('reshape', { x }, { x.size }), k)
end

return M
