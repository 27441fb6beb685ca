--- Linear algebra, under the names of numpy.linalg: matrices along the last two axes, any axes in
-- front. Computed in double, given back in the dtype that came. Where a matrix has no result (the
-- inverse of a singular one) that is an error; in a compiled function the result is NaN, and
-- imnn.last_fault() names the check. Complex matrices are taken by all; ^H is the conjugate of ^T,
-- which is ^T for real ones. Derivatives are those of JAX.
-- @module imnn.numpy.linalg
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local concatenate = require('imnn.numpy.join').concatenate
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local matrices = require 'imnn.numpy.matrices'
local operands = require 'imnn.numpy.operands'
local promote = require 'imnn.numpy.promote'
local reduce = require 'imnn.numpy.reduce'
local shape = require 'imnn.numpy.shape'
local trace = require('imnn.numpy.product').trace
local M = {}

-- ---- helpers ----

local function real(x, name) return operands.of(name, name, x) end

-- An operator of one matrix.
local function apply(name, x, attr) return array.apply(name, { real(x, name) }, attr) end

local function both(name, a, b) return operands.of(name, name, a, b) end

local function product(a, b, ta, tb)
  return array.apply('matmul', { a, b }, { ta and 1 or 0, tb and 1 or 0 })
end

local function text(x) return table.concat(x.shape, ', ') end
local function swap(x) return shape.swapaxes(x, -1, -2) end
local function conj(x) return array.apply('conj', { x }) end
local function adjoint(x) return conj(swap(x)) end
local function real_part(x) return array.apply('real', { x }) end
local function columns(x, first, last) return x[{ '...', { first, last } }] end
local function rows(x, first, last) return x[{ '...', { first, last }, {} }] end

local function sizes(x, who)
  local s = x.shape
  if #s < 2 then core.raise('%s: needs matrices, got (%s)', who, text(x)) end
  return s[#s - 1], s[#s]
end

local function epsilon(x)
  return (x.dtype == 'f64' or x.dtype == 'c128') and 2 ^ -52 or 2 ^ -23
end

-- fn of a right side of one column for each vector.
local function with_columns(vectors, b, fn)
  if not vectors then return fn(b) end
  return shape.squeeze(fn(shape.expand_dims(b, -1)), -1)
end

-- ---- determinants, inverses, equations ----

--- Inverse.
-- @tparam Array x (..., n, n)
-- @treturn Array (..., n, n)
-- @raise a singular matrix
-- @usage np.linalg.inv(np.array { { 2, 0 }, { 0, 4 } }) --> { { 0.5, 0 }, { 0, 0.25 } }
function M.inv(x) return apply('inv', x) end

--- Sign and natural logarithm of the absolute value of the determinant.
-- @tparam Array x (..., n, n)
-- @treturn Array sign (...), 0 if singular; of a complex matrix a number of size 1
-- @treturn Array logarithm (...), real; -infinity if singular
-- @usage local sign, log = np.linalg.slogdet(-np.eye(3)) --> -1, 0
function M.slogdet(x)
  local all = apply('slogdet', x)
  return all[{ '...', 1 }], real_part(all[{ '...', 2 }])
end

--- Determinant.
-- @tparam Array x (..., n, n)
-- @treturn Array (...)
-- @usage np.linalg.det(np.array { { 1, 2 }, { 3, 4 } }) --> -2
function M.det(x)
  local sign, log = M.slogdet(x)
  return sign * elementwise('exp', log)
end

--- x of a x = b. One matrix a for many b is factored once. As in NumPy 2 and JAX, b is a vector
-- only if it has one axis; for vectors (..., n) give b[{ '...', np.newaxis }].
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m), or one vector (n)
-- @treturn Array (..., n, m), or (..., n) for one vector
-- @raise a singular matrix, shapes that do not fit
-- @usage np.linalg.solve(np.array { { 2, 0 }, { 0, 4 } }, np.array { 1, 1 }) --> { 0.5, 0.25 }
function M.solve(a, b)
  a, b = both('solve', a, b)
  return with_columns(b.ndim == 1, b, function(m) return array.apply('solve', { a, m }, { 0 }) end)
end

--- x of a x = b, where of a only a triangle is read.
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @tparam[opt] table opts lower, transpose, unit_diagonal (false)
-- @treturn Array like b
-- @raise a zero on the diagonal
-- @usage np.linalg.triangular_solve(np.array { { 2, 0 }, { 1, 1 } }, np.array { 2, 3 },
--   { lower = true }) --> { 1, 2 }
function M.triangular_solve(a, b, opts)
  local o = args.take('triangular_solve', opts, {
    lower = { 'boolean', default = false }, transpose = { 'boolean', default = false },
    unit_diagonal = { 'boolean', default = false },
  })
  a, b = both('triangular_solve', a, b)
  local how = (o.lower and 1 or 0) + (o.transpose and 2 or 0) + (o.unit_diagonal and 4 or 0)
  return with_columns(b.ndim == 1 or b.ndim == a.ndim - 1, b, function(m)
    return array.apply('triangular_solve', { a, m }, { how })
  end)
end

--- L, lower triangular, with L L^H = (x + x^H) / 2.
-- @tparam Array x (..., n, n)
-- @tparam[opt] table opts upper = true: L^H instead
-- @treturn Array (..., n, n)
-- @raise a matrix that is not positive definite
-- @usage np.linalg.cholesky(np.array { { 4, 2 }, { 2, 2 } }) --> { { 2, 0 }, { 1, 1 } }
function M.cholesky(x, opts)
  local o = args.take('cholesky', opts, { upper = { 'boolean', default = false } })
  local y = apply('cholesky', x)
  return o.upper and adjoint(y) or y
end

--- Pseudoinverse.
-- @tparam Array x (..., m, n)
-- @tparam[opt] number rcond singular values up to rcond times the largest count as 0;
-- 10 max(m, n) epsilon
-- @treturn Array (..., n, m)
-- @usage np.linalg.pinv(np.array { { 2, 0 }, { 0, 0 } }) --> { { 0.5, 0 }, { 0, 0 } }
function M.pinv(x, rcond)
  x = real(x, 'pinv')
  local m, n = sizes(x, 'pinv')
  rcond = args.argument('pinv', 'rcond', rcond, { 'number', optional = true })
  return array.apply('pinv', { x }, { core.bits(rcond or 10 * math.max(m, n) * epsilon(x)) })
end

-- ---- spectra ----

--- Eigenvalues and eigenvectors of the symmetric, or Hermitian, matrix (x + x^H) / 2.
-- @tparam Array x (..., n, n)
-- @treturn Array eigenvalues (..., n), real, ascending
-- @treturn Array eigenvectors (..., n, n), in columns, of either sign; complex ones of any phase,
-- and their derivatives are orthogonal to them
-- @usage local values, vectors = np.linalg.eigh(np.array { { 2, 1 }, { 1, 2 } })
function M.eigh(x)
  local all = apply('eigh', x)
  local _, n = sizes(all, 'eigh')
  return real_part(all[{ '...', 1, {} }]), rows(all, 2, n + 1)
end

--- Eigenvalues and eigenvectors of any square matrix.
-- @tparam Array x (..., n, n)
-- @treturn Array eigenvalues (..., n), complex, in LAPACK's order
-- @treturn Array eigenvectors (..., n, n), complex, in columns of length 1
-- @raise numbers that are not finite
-- @usage np.linalg.eig(np.array { { 3, 0 }, { 0, 2 } }) --> { 3, 2 }, { { 1, 0 }, { 0, 1 } }
function M.eig(x)
  local all = apply('eig', x)
  local _, n = sizes(all, 'eig')
  return all[{ '...', 1, {} }], rows(all, 2, n + 1)
end

--- Eigenvalues of any square matrix.
-- @tparam Array x (..., n, n)
-- @treturn Array (..., n), complex, in LAPACK's order
-- @usage np.linalg.eigvals(np.array { { 3, 1 }, { 0, 2 } }) --> { 3, 2 }
function M.eigvals(x) return apply('eigvals', x) end

--- Eigenvalues of the symmetric, or Hermitian, matrix (x + x^H) / 2.
-- @tparam Array x (..., n, n)
-- @treturn Array (..., n), ascending
-- @usage np.linalg.eigvalsh(np.array { { 2, 1 }, { 1, 2 } }) --> { 1, 3 }
function M.eigvalsh(x) return apply('eigvalsh', x) end

-- Columns of q (..., m, k) and more, up to m orthonormal ones.
local function complete(q)
  local m, k = sizes(q, 'svd')
  if k == m then return q end
  local more = adjoint(columns(array.apply('qr', { q }, { 1 }), 1, m))
  return concatenate({ q, columns(more, k + 1, m) }, #q.shape)
end

--- Singular values: x = u diag(s) vt, k = min(m, n); vt is the adjoint of v.
-- @tparam Array x (..., m, n)
-- @tparam[opt] table opts full_matrices (true): u (..., m, m) and vt (..., n, n) instead of
-- (..., m, k) and (..., k, n), which have no derivative then; compute_uv (true)
-- @treturn Array u, or without compute_uv s (..., k), descending
-- @treturn Array s (..., k), real
-- @treturn Array vt
-- @usage local u, s, vt = np.linalg.svd(x, { full_matrices = false })
function M.svd(x, opts)
  local o = args.take('svd', opts, {
    full_matrices = { 'boolean', default = true }, compute_uv = { 'boolean', default = true },
  })
  if not o.compute_uv then return apply('singular_values', x) end
  x = real(x, 'svd')
  local m, n = sizes(x, 'svd')
  local all = array.apply('svd', { x })
  local u, v = adjoint(columns(all, 1, m)), adjoint(columns(all, m + 2, m + 1 + n))
  if o.full_matrices then u, v = complete(u), complete(v) end
  return u, real_part(all[{ '...', m + 1 }]), adjoint(v)
end

--- x = q r with orthonormal columns of q and r upper triangular, whose diagonal has any sign; that
-- of complex matrices is real and not negative.
-- @tparam Array x (..., m, n)
-- @tparam[opt] string mode 'reduced': k = min(m, n) columns; 'complete': m, without derivative
-- where m > n; 'r': only r
-- @treturn Array q (..., m, k)
-- @treturn Array r (..., k, n)
-- @usage local q, r = np.linalg.qr(x)
function M.qr(x, mode)
  mode = mode or 'reduced'
  if mode ~= 'reduced' and mode ~= 'complete' and mode ~= 'r' then
    core.raise("qr: mode is 'reduced', 'complete' or 'r', got '%s'", tostring(mode))
  end
  x = real(x, 'qr')
  local m, n = sizes(x, 'qr')
  local all = array.apply('qr', { x }, { mode == 'complete' and 1 or 0 })
  local r = columns(all, m + 1, m + n)
  if mode == 'r' then return r end
  return adjoint(columns(all, 1, m)), r
end

--- e^x of square matrices.
-- @tparam Array x (..., n, n)
-- @treturn Array (..., n, n)
-- @usage np.linalg.expm(np.array { { 0, 1 }, { 0, 0 } }) --> { { 1, 1 }, { 0, 1 } }
function M.expm(x)
  x = real(x, 'expm')
  if #x.shape < 2 then core.raise('expm: needs square matrices, got (%s)', text(x)) end
  return array.apply('expm', { x })
end

--- The x for which a x = b, summed over the last axes of a, as many as x has.
-- @tparam Array a (shape of b..., shape of x...), as many elements in front as behind
-- @tparam Array b
-- @treturn Array x
-- @raise an a that is singular, or not square
-- @usage np.linalg.tensorsolve(2 * np.eye(6):reshape(2, 3, 6), x) --> { 0.5, 1, 1.5, 2, 2.5, 3 }
function M.tensorsolve(a, b)
  a, b = both('solve', a, b)
  local shapes, n, front = a.shape, b.size, b.shape
  local behind = { unpack(shapes, b.ndim + 1) }
  local m = 1
  for _, size in ipairs(behind) do m = m * size end
  if table.concat(front, ' ') ~= table.concat(shapes, ' ', 1, math.min(b.ndim, #shapes)) or n ~= m
  then
    core.raise('tensorsolve: a (%s) is no square matrix for b (%s)', text(a), text(b))
  end
  return shape.reshape(M.solve(shape.reshape(a, { n, n }), shape.reshape(b, { n })), behind)
end

--- The inverse of an array as a matrix of its first axes by the others.
-- @tparam Array a (first axes..., others...), as many elements in front as behind
-- @tparam[opt=2] number ind how many axes come first
-- @treturn Array (others..., first axes...)
-- @usage np.linalg.tensorinv(np.eye(6):reshape(6, 2, 3), 1).shape --> { 2, 3, 6 }
function M.tensorinv(a, ind)
  a = real(a, 'inv')
  local first = args.argument('tensorinv', 'ind', ind, { 'integer', default = 2 })
  local shapes, n, m, out = a.shape, 1, 1, {}
  if first < 1 then core.raise('tensorinv: ind must be positive, got %d', first) end
  for k = first + 1, #shapes do out[#out + 1], m = shapes[k], m * shapes[k] end
  for k = 1, math.min(first, #shapes) do out[#out + 1], n = shapes[k], n * shapes[k] end
  if n ~= m then
    core.raise('tensorinv: (%s) is no square matrix with %d axes in front', text(a), first)
  end
  return shape.reshape(M.inv(shape.reshape(a, { n, n })), out)
end

--- Number of singular values above tol, i32.
-- @tparam Array x (..., m, n)
-- @tparam[opt] number tol the largest one times max(m, n) epsilon
-- @treturn Array (...)
-- @usage np.linalg.matrix_rank(np.array { { 1, 2 }, { 2, 4 } }) --> 1
function M.matrix_rank(x, tol)
  x = real(x, 'singular_values')
  local m, n = sizes(x, 'matrix_rank')
  local s = array.apply('singular_values', { x })
  local least = tol or s[{ '...', { 1, 1 } }] * (math.max(m, n) * epsilon(x))
  return reduce.sum(promote.convert(elementwise('gt', s, least), 'i32'), { axis = -1 })
end

--- Least squares: the x for which the sum of (b - a x)^2 is smallest; of several the shortest.
-- @tparam Array a (m, n)
-- @tparam Array b (m, k) or (m)
-- @tparam[opt] number rcond singular values up to rcond times the largest count as 0;
-- max(m, n) epsilon
-- @treturn Array x (n, k) or (n)
-- @treturn Array sums of squares that are left (k) or (1)
-- @treturn Array rank of a, i32
-- @treturn Array singular values of a
-- @usage np.linalg.lstsq(np.array { { 1 }, { 1 } }, np.array { 1, 3 }) --> { 2 }
function M.lstsq(a, b, rcond)
  a, b = both('solve', a, b)
  local m, n = sizes(a, 'lstsq')
  if #a.shape ~= 2 or #b.shape < 1 or #b.shape > 2 or b.shape[1] ~= m then
    core.raise('lstsq: needs a (m, n) and b (m, k) or (m), got (%s) and (%s)', text(a), text(b))
  end
  rcond = rcond or math.max(m, n) * epsilon(a)
  local s = array.apply('singular_values', { a })
  local x = product(M.pinv(a, rcond), b)
  local left = b - product(a, x)
  if #left.shape == 1 then left = shape.expand_dims(left, 2) end
  local counted = elementwise('gt', s, s[{ { 1, 1 } }] * rcond)
  return x, reduce.sum(real_part(left * conj(left)), { axis = 1 }),
    reduce.sum(promote.convert(counted, 'i32')), s
end

-- ---- powers, products, traces ----

--- Product of n equal matrices; of -n inverses if n is negative.
-- @tparam Array x (..., k, k)
-- @tparam number n
-- @treturn Array (..., k, k)
-- @usage np.linalg.matrix_power(np.array { { 1, 1 }, { 0, 1 } }, 3) --> { { 1, 3 }, { 0, 1 } }
function M.matrix_power(x, n)
  if type(n) ~= 'number' or n % 1 ~= 0 then
    core.raise('matrix_power: the power must be a whole number, got %s', tostring(n))
  end
  x = real(x, 'inv')
  local k, m = sizes(x, 'matrix_power')
  if k ~= m then core.raise('matrix_power: needs square matrices, got (%s)', text(x)) end
  if n == 0 then return shape.broadcast_to(matrices.eye(k, x.dtype), x.shape) end
  if n < 0 then x, n = M.inv(x), -n end
  local out
  while true do -- by the binary digits of n
    if n % 2 == 1 then out = out and product(out, x) or x end
    n = math.floor(n / 2)
    if n == 0 then return out end
    x = product(x, x)
  end
end

-- Where to split the product i .. j of matrices (d[i], d[i + 1]) so that it costs least.
local function best_splits(d)
  local n, cost, at = #d - 1, {}, {}
  for i = 1, n do cost[i], at[i] = { [i] = 0 }, {} end
  for length = 2, n do
    for i = 1, n - length + 1 do
      local j, least = i + length - 1, math.huge
      for k = i, j - 1 do
        local c = cost[i][k] + cost[k + 1][j] + d[i] * d[k + 1] * d[j + 1]
        if c < least then least, at[i][j] = c, k end
      end
      cost[i][j] = least
    end
  end
  return at
end

--- Product of several matrices, in the order that costs least.
-- @tparam table list Arrays: matrices; the first and the last may be vectors
-- @treturn Array
-- @usage np.linalg.multi_dot { x, np.eye(3), np.array { 1, 0, 0 } } --> { 1, 4 }
function M.multi_dot(list)
  if type(list) ~= 'table' or #list < 2 then core.raise 'multi_dot: needs two arrays or more' end
  local x, d = { operands.of('multi_dot', 'matmul', unpack(list)) }, {}
  for i, a in ipairs(x) do
    local s = a.shape
    if #s ~= 2 and not (#s == 1 and (i == 1 or i == #x)) then
      core.raise('multi_dot: argument %d must be a matrix, got (%s)', i, text(a))
    end
    d[i] = #s == 2 and s[1] or i == 1 and 1 or s[1]
  end
  local last = x[#x].shape
  d[#x + 1] = last[2] or 1
  local at = best_splits(d)
  local function part(i, j)
    if i == j then return x[i] end
    return product(part(i, at[i][j]), part(at[i][j] + 1, j))
  end
  return part(1, #x)
end

--- Sum along the diagonal of each matrix.
-- @tparam Array x (..., n, m)
-- @tparam[opt=0] number offset above the main diagonal
-- @treturn Array (...)
-- @usage np.linalg.trace(np.eye(3)) --> 3
function M.trace(x, offset) return trace(x, offset, -2, -1) end

-- ---- norms ----

local function absolute(x) return elementwise('abs', x) end

local function vector_norm(x, ord, o)
  if ord == nil or ord == 2 then return reduce.norm(x, o)
  elseif ord == math.huge then return reduce.max(absolute(x), o)
  elseif ord == -math.huge then return reduce.min(absolute(x), o)
  elseif ord == 0 then
    return reduce.sum(promote.convert(elementwise('ne', x, 0), x.dtype), o)
  elseif ord == 1 then return reduce.sum(absolute(x), o)
  elseif type(ord) == 'number' and ord == ord then
    return reduce.sum(absolute(x) ^ ord, o) ^ (1 / ord)
  end
  core.raise("norm: of vectors ord is a number, got '%s'", tostring(ord))
end

local function sums(x, axis) return reduce.sum(absolute(x), { axis = axis }) end

-- Of the last two axes.
local matrix_norms = {
  fro = function(x) return reduce.norm(x, { axis = { -1, -2 } }) end,
  nuc = function(x) return reduce.sum(apply('singular_values', x), { axis = -1 }) end,
  [1] = function(x) return reduce.max(sums(x, -2), { axis = -1 }) end,
  [-1] = function(x) return reduce.min(sums(x, -2), { axis = -1 }) end,
  [2] = function(x) return apply('singular_values', x)[{ '...', 1 }] end,
  [-2] = function(x) return apply('singular_values', x)[{ '...', -1 }] end,
  [math.huge] = function(x) return reduce.max(sums(x, -1), { axis = -1 }) end,
  [-math.huge] = function(x) return reduce.min(sums(x, -1), { axis = -1 }) end,
}

local function matrix_norm(x, ord)
  local norm = matrix_norms[ord == nil and 'fro' or ord]
  if not norm then
    core.raise("norm: of matrices ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got '%s'",
      tostring(ord))
  end
  return norm(x)
end

--- Norm of vectors along an axis, of matrices along two; without `axis` of the whole array: its
-- length, or with `ord` the norm of the vector or matrix that it is.
-- @tparam Array x
-- @param[opt] ord of vectors 2, or any number p: (sum |x|^p)^(1/p), inf: largest |x|, -inf:
-- smallest, 0: how many are not 0; of matrices 'fro', 'nuc' (sum of singular values), 2 and -2
-- (largest and smallest singular value), 1 and -1 (of the sums of columns), inf and -inf (of rows)
-- @tparam[opt] table opts axis (a number or a pair), keepdims (false); may stand in place of ord
-- @treturn Array
-- @usage np.linalg.norm(np.array { 3, 4 }) --> 5
function M.norm(x, ord, opts)
  if type(ord) == 'table' and opts == nil then
    opts, ord = {}, ord
    for name, value in pairs(ord) do opts[name] = value end
    ord, opts.ord = opts.ord, nil
  end
  local o = args.take('norm', opts, {
    axis = { 'integer', 'table', optional = true }, keepdims = { 'boolean', default = false },
  })
  x = real(create.as_array(x, 'norm'), 'singular_values')
  local axis, ndim = o.axis, #x.shape
  if type(axis) == 'table' and #axis == 1 then axis = axis[1] end
  if axis == nil then
    if ord == nil then return reduce.norm(x, { keepdims = o.keepdims }) end
    if ndim ~= 1 and ndim ~= 2 then
      core.raise('norm: with ord but without axis needs a vector or a matrix, got (%s)', text(x))
    end
    axis = ndim == 1 and 1 or { 1, 2 }
  end
  if type(axis) == 'number' then
    return vector_norm(x, ord, { axis = axis, keepdims = o.keepdims })
  end
  if #axis ~= 2 then core.raise('norm: axis is one number or two, got %d', #axis) end
  local axes = axes_of.given('norm', axis, ndim)
  local y = matrix_norm(shape.moveaxis(x, axis, { -2, -1 }), ord)
  return o.keepdims and axes_of.restore(y, x.shape, axes) or y
end

--- Condition number: how much relative errors may grow.
-- @tparam Array x (..., m, n)
-- @param[opt] p order of the norm as in `norm`; nil and 2: largest by smallest singular value
-- @treturn Array (...)
-- @usage np.linalg.cond(np.array { { 2, 0 }, { 0, 1 } }) --> 2
function M.cond(x, p)
  x = real(create.as_array(x, 'cond'), 'singular_values')
  if p == nil or p == 2 or p == -2 then
    local s = apply('singular_values', x)
    local ratio = s[{ '...', 1 }] / s[{ '...', -1 }]
    return p == -2 and 1 / ratio or ratio
  end
  local axes = { axis = { -2, -1 } }
  return M.norm(x, p, axes) * M.norm(M.inv(x), p, axes)
end

return args.strict('np.linalg', require 'imnn.numpy.named'('np.linalg', M))
