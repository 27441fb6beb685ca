--- Linear algebra, under the names of scipy.linalg.
-- @module imnn.scipy.linalg
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local M = {
  det = np.linalg.det, inv = np.linalg.inv, svd = np.linalg.svd, eigh = np.linalg.eigh,
  pinv = np.linalg.pinv, lstsq = np.linalg.lstsq, norm = np.linalg.norm, eig = np.linalg.eig,
  eigvals = np.linalg.eigvals, eigvalsh = np.linalg.eigvalsh, expm = np.linalg.expm,
}

local function adjoint(x) return np.conj(np.swapaxes(x, -1, -2)) end
local function lower(who, opts, otherwise)
  return args.take(who, opts, { lower = { 'boolean', default = otherwise } }).lower
end

local function transposed(who, trans)
  local how = ({ [0] = 0, 1, 2, N = 0, T = 1, C = 2 })[trans]
  if not how then
    core.raise("%s: trans is 0, 1, 2, 'N', 'T' or 'C', got %s", who, tostring(trans))
  end
  return how
end

--- Triangular factor of (x + x^H) / 2: U^H U, or with `lower` L L^H.
-- @tparam Array x (..., n, n)
-- @tparam[opt] table opts lower (false)
-- @treturn Array (..., n, n)
-- @raise a matrix that is not positive definite
-- @usage scipy.linalg.cholesky(np.array { { 4, 2 }, { 2, 2 } }) --> { { 2, 1 }, { 0, 1 } }
function M.cholesky(x, opts)
  local l = np.linalg.cholesky(x)
  return lower('cholesky', opts, false) and l or adjoint(l)
end

--- The factor of `cholesky` as `cho_solve` takes it: { factor, lower }.
-- @tparam Array x (..., n, n)
-- @tparam[opt] table opts lower (false)
-- @treturn table
-- @usage local factor = scipy.linalg.cho_factor(2 * np.eye(2))
function M.cho_factor(x, opts)
  return { M.cholesky(x, opts), lower('cho_factor', opts, false) }
end

--- x of a x = b from a factor of a.
-- @tparam table factor { c, lower }, as `cho_factor` gives it
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @treturn Array like b
-- @usage local factor = scipy.linalg.cho_factor(2 * np.eye(2))
-- scipy.linalg.cho_solve(factor, np.array { 2, 4 }) --> { 1, 2 }
function M.cho_solve(factor, b)
  if type(factor) ~= 'table' or factor[1] == nil or type(factor[2]) ~= 'boolean' then
    core.raise 'cho_solve: the first argument is { factor, lower }, as cho_factor gives it'
  end
  local c, low = factor[1], factor[2]
  local function solve(how, right)
    return M.solve_triangular(c, right, { lower = low, trans = how })
  end
  if low then return solve('C', solve('N', b)) end
  return solve('N', solve('C', b))
end

--- x of a x = b, where of a only a triangle is read.
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @tparam[opt] table opts lower (false), unit_diagonal (false), trans (0 or 'N'; 1 or 'T':
-- a^T x = b; 2 or 'C': a^H x = b)
-- @treturn Array like b
-- @usage scipy.linalg.solve_triangular(np.array { { 2, 0 }, { 1, 1 } }, np.array { 2, 3 },
--   { lower = true }) --> { 1, 2 }
function M.solve_triangular(a, b, opts)
  local o = args.take('solve_triangular', opts, {
    lower = { 'boolean', default = false }, trans = { 'integer', 'string', default = 0 },
    unit_diagonal = { 'boolean', default = false },
  })
  local how = transposed('solve_triangular', o.trans)
  return np.linalg.triangular_solve(how == 2 and np.conj(a) or a, b, { lower = o.lower,
    transpose = how > 0, unit_diagonal = o.unit_diagonal })
end

--- x of a x = b; with `sym_pos` of a symmetric positive definite a, by its triangular factor.
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m), or one vector (n): b is a vector only if it has one axis
-- @tparam[opt] table opts sym_pos (false)
-- @treturn Array (..., n, m), or (..., n) for one vector
-- @raise a singular matrix
-- @usage scipy.linalg.solve(2 * np.eye(2), np.array { 2, 4 }) --> { 1, 2 }
function M.solve(a, b, opts)
  local o = args.take('solve', opts, { sym_pos = { 'boolean', default = false } })
  if not o.sym_pos then return np.linalg.solve(a, b) end
  a, b = operands.of('solve', 'solve', a, b)
  if b.ndim > 1 and b.ndim == a.ndim - 1 then b = np.expand_dims(b, 1) end -- matrices all the same
  return M.cho_solve(M.cho_factor(a, { lower = true }), b)
end

-- Columns first .. last.
local function columns(x, first, last) return x[{ '...', { first, last } }] end

-- The factors, the exchanges and the rows of x in their order, the last two counted from 0.
local function factors(x, who)
  x = operands.of(who, 'lu', x)
  local all = array.apply('lu', { x })
  local function whole(k) return np.real(all[{ '...', k }]):astype 'i32' end
  return columns(all, 3, all.shape[all.ndim]), whole(1), whole(2)
end

-- Rows of x (..., n, m) in an order (..., n).
local function ordered(x, order)
  return np.take_along_axis(x, np.broadcast_to(np.expand_dims(order, -1), x.shape), -2)
end

--- Factors of a matrix with its rows in another order: x = p l u.
-- @tparam Array x (..., m, n), k = min(m, n)
-- @tparam[opt] table opts permute_l (false): p l and u
-- @treturn Array p (..., m, m)
-- @treturn Array l (..., m, k), lower triangular with ones on the diagonal
-- @treturn Array u (..., k, n), upper triangular
-- @usage local p, l, u = imnn.scipy.linalg.lu(np.array { { 1, 2 }, { 3, 4 } })
function M.lu(x, opts)
  local o = args.take('lu', opts, { permute_l = { 'boolean', default = false } })
  local lu, _, order = factors(x, 'lu')
  local m, n = lu.shape[lu.ndim - 1], lu.shape[lu.ndim]
  local k = math.min(m, n)
  local l = np.tril(columns(lu, 1, k), -1) + np.eye(m, k, 0, lu.dtype)
  local u = np.triu(lu[{ '...', { 1, k }, {} }])
  local p = np.swapaxes(np.one_hot(order + 1, m, lu.dtype), -1, -2)
  if o.permute_l then return np.matmul(p, l), u end
  return p, l, u
end

--- The factors as `lu_solve` takes them.
-- @tparam Array x (..., n, n)
-- @treturn table { lu, piv }: u with l below its diagonal, and the row that each row was exchanged
-- with, from 1
-- @usage local factor = imnn.scipy.linalg.lu_factor(np.array { { 1, 2 }, { 3, 4 } })
function M.lu_factor(x)
  local lu, exchanged, order = factors(x, 'lu_factor')
  return { lu, exchanged + 1, order + 1 }
end

--- x of a x = b from the factors of a.
-- @tparam table factor as `lu_factor` gives it
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @tparam[opt] table opts trans: 0 or 'N'; 1 or 'T': a^T x = b; 2 or 'C': a^H x = b
-- @treturn Array like b
-- @raise a zero on the diagonal of u: a singular matrix
-- @usage imnn.scipy.linalg.lu_solve(imnn.scipy.linalg.lu_factor(np.eye(2)), np.array { 1, 2 })
function M.lu_solve(factor, b, opts)
  if type(factor) ~= 'table' or not (array.is(factor[1]) and array.is(factor[3])) then
    core.raise 'lu_solve: the first argument is what lu_factor gives'
  end
  local how = transposed('lu_solve', args.take('lu_solve', opts,
    { trans = { 'integer', 'string', default = 0 } }).trans)
  local lu, order = factor[1], factor[3]
  local a
  a, b = operands.of('lu_solve', 'solve', lu, b)
  local vector = #b.shape == 1 or #b.shape == #a.shape - 1
  if vector then b = np.expand_dims(b, -1) end
  local function solve(right, low)
    return M.solve_triangular(a, right, { lower = low, unit_diagonal = low, trans = how })
  end
  if how == 0 then b = solve(solve(ordered(b, order), true), false)
  else b = ordered(solve(solve(b, false), true), np.argsort(order)) end
  return vector and np.squeeze(b, -1) or b
end

--- x = q r.
-- @tparam Array x (..., m, n)
-- @tparam[opt] string mode 'full': q (..., m, m); 'economic': min(m, n) columns; 'r': only r
-- @treturn Array q
-- @treturn Array r
-- @usage local q, r = scipy.linalg.qr(x, 'economic')
function M.qr(x, mode)
  local modes = { full = 'complete', economic = 'reduced', r = 'r' }
  if not modes[mode or 'full'] then
    core.raise("qr: mode is 'full', 'economic' or 'r', got '%s'", tostring(mode))
  end
  return np.linalg.qr(x, modes[mode or 'full'])
end

local function real(x, who)
  x = operands.of(who, 'expm', x)
  if #x.shape < 2 then
    core.raise('%s: needs square matrices, got (%s)', who, table.concat(x.shape, ', '))
  end
  return x
end

--- e^x and its derivative along e.
-- @tparam Array x (..., n, n)
-- @tparam Array e (..., n, n)
-- @treturn Array e^x
-- @treturn Array derivative
-- @usage local y, dy = scipy.linalg.expm_frechet(np.zeros { 2, 2 }, np.eye(2))
function M.expm_frechet(x, e)
  x, e = real(x, 'expm_frechet'), real(e, 'expm_frechet')
  return M.expm(x), array.apply('expm_frechet', { x, e })
end

--- Matrices along the diagonal of a larger one, zeros elsewhere.
-- @param ... Arrays (n, m), vectors (one row), numbers
-- @treturn Array
-- @usage scipy.linalg.block_diag(np.eye(1), 2 * np.eye(1)) --> { { 1, 0 }, { 0, 2 } }
function M.block_diag(...)
  local list, width, out, before = { ... }, 0, {}, 0
  if #list == 0 then core.raise 'block_diag: needs at least one matrix' end
  for i, x in ipairs(list) do
    x = np.array(x)
    if #x.shape > 2 then
      core.raise('block_diag: argument %d has %d axes, at most 2', i, #x.shape)
    end
    list[i] = np.reshape(x, { x.shape[#x.shape - 1] or 1, x.shape[#x.shape] or 1 })
    width = width + list[i].shape[2]
  end
  for i, x in ipairs(list) do
    local m = x.shape[2]
    out[i] = np.pad(x, { 0, { before, width - before - m } })
    before = before + m
  end
  return np.concatenate(out, 1)
end

return args.strict('scipy.linalg', M)
