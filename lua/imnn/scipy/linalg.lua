--- Linear algebra, under the names of scipy.linalg.
-- @module imnn.scipy.linalg
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local M = {
  det = np.linalg.det, inv = np.linalg.inv, svd = np.linalg.svd, eigh = np.linalg.eigh,
  pinv = np.linalg.pinv, lstsq = np.linalg.lstsq, norm = np.linalg.norm,
}

local function swap(x) return np.swapaxes(x, -1, -2) end
local function lower(who, opts, otherwise)
  return args.take(who, opts, { lower = { 'boolean', default = otherwise } }).lower
end

--- Triangular factor of (x + x^T) / 2: U^T U, or with `lower` L L^T.
-- @tparam Array x (..., n, n)
-- @tparam[opt] table opts lower (false)
-- @treturn Array (..., n, n)
-- @raise a matrix that is not positive definite
function M.cholesky(x, opts)
  local l = np.linalg.cholesky(x)
  return lower('cholesky', opts, false) and l or swap(l)
end

--- The factor of `cholesky` as `cho_solve` takes it: { factor, lower }.
function M.cho_factor(x, opts)
  return { M.cholesky(x, opts), lower('cho_factor', opts, false) }
end

--- x of a x = b from a factor of a.
-- @tparam table factor { c, lower }, as `cho_factor` gives it
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @treturn Array like b
function M.cho_solve(factor, b)
  if type(factor) ~= 'table' or factor[1] == nil or type(factor[2]) ~= 'boolean' then
    core.raise 'cho_solve: the first argument is { factor, lower }, as cho_factor gives it'
  end
  local c, low = factor[1], factor[2]
  local y = np.linalg.triangular_solve(c, b, { lower = low, transpose = not low })
  return np.linalg.triangular_solve(c, y, { lower = low, transpose = low })
end

--- x of a x = b, where of a only a triangle is read.
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m), or vectors (..., n)
-- @tparam[opt] table opts lower (false), trans (0; 1 or 'T': a^T x = b), unit_diagonal (false)
-- @treturn Array like b
function M.solve_triangular(a, b, opts)
  local o = args.take('solve_triangular', opts, {
    lower = { 'boolean', default = false }, trans = { 'integer', 'string', default = 0 },
    unit_diagonal = { 'boolean', default = false },
  })
  local transpose = ({ [0] = 0, 1, N = 0, T = 1 })[o.trans]
  if not transpose then
    core.raise("solve_triangular: trans is 0, 1, 'N' or 'T', got %s", tostring(o.trans))
  end
  return np.linalg.triangular_solve(a, b, { lower = o.lower, transpose = transpose == 1,
    unit_diagonal = o.unit_diagonal })
end

--- x of a x = b; with `sym_pos` of a symmetric positive definite a, by its triangular factor.
function M.solve(a, b, opts)
  local o = args.take('solve', opts, { sym_pos = { 'boolean', default = false } })
  if not o.sym_pos then return np.linalg.solve(a, b) end
  return M.cho_solve(M.cho_factor(a, { lower = true }), b)
end

--- x = q r.
-- @tparam Array x (..., m, n)
-- @tparam[opt] string mode 'full': q (..., m, m); 'economic': min(m, n) columns; 'r': only r
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

--- e^x of square matrices.
-- @tparam Array x (..., n, n)
-- @treturn Array (..., n, n)
function M.expm(x) return array.apply('expm', { real(x, 'expm') }) end

--- e^x and its derivative along e.
-- @tparam Array x (..., n, n)
-- @tparam Array e (..., n, n)
-- @treturn Array e^x
-- @treturn Array derivative
function M.expm_frechet(x, e)
  x, e = real(x, 'expm_frechet'), real(e, 'expm_frechet')
  return M.expm(x), array.apply('expm_frechet', { x, e })
end

--- Matrices along the diagonal of a larger one, zeros elsewhere.
-- @param ... Arrays (n, m), vectors (one row), numbers
-- @treturn Array
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

return M
