--- Linear algebra, under the names of jax.lax.linalg.
-- @module imnn.lax.linalg
local args = require 'imnn.args'
local np = require 'imnn.numpy'
local M = { cholesky = np.linalg.cholesky }

--- Eigenvectors and eigenvalues, in this order.
-- @tparam Array x (..., n, n), of which (x + x^T) / 2 is taken
-- @treturn Array vectors (..., n, n), in columns
-- @treturn Array values (..., n), ascending
-- @usage local vectors, values = lax.linalg.eigh(np.eye(2))
function M.eigh(x)
  local w, v = np.linalg.eigh(x)
  return v, w
end

--- x = q r with orthonormal columns of q and r upper triangular.
-- @tparam Array x (..., m, n)
-- @tparam[opt] table opts full_matrices (true): q (..., m, m)
-- @treturn Array q
-- @treturn Array r
-- @usage local q, r = lax.linalg.qr(x, { full_matrices = false })
function M.qr(x, opts)
  local o = args.take('lax.linalg.qr', opts, { full_matrices = { 'boolean', default = true } })
  return np.linalg.qr(x, o.full_matrices and 'complete' or 'reduced')
end

--- u, s, vt; of opts full_matrices (true), compute_uv (true).
M.svd = np.linalg.svd

--- x of a x = b, or on the right side of x a = b.
-- @tparam Array a (..., n, n)
-- @tparam Array b (..., n, m); (..., m, n) if a stands on the right
-- @tparam[opt] table opts left_side, lower, transpose_a, conjugate_a, unit_diagonal
-- (false)
-- @treturn Array like b
-- @usage lax.linalg.triangular_solve(np.array { { 2, 0 }, { 1, 1 } }, np.array { { 2 }, { 3 } },
--   { left_side = true, lower = true }) --> { { 1 }, { 2 } }
function M.triangular_solve(a, b, opts)
  local o = args.take('lax.linalg.triangular_solve', opts, {
    left_side = { 'boolean', default = false }, lower = { 'boolean', default = false },
    transpose_a = { 'boolean', default = false }, conjugate_a = { 'boolean', default = false },
    unit_diagonal = { 'boolean', default = false },
  })
  if o.conjugate_a then a = np.conj(a) end
  local settings = { lower = o.lower, transpose = o.transpose_a == o.left_side,
    unit_diagonal = o.unit_diagonal }
  if o.left_side then return np.linalg.triangular_solve(a, b, settings) end
  return np.swapaxes(np.linalg.triangular_solve(a, np.swapaxes(b, -1, -2), settings), -1, -2)
end

return args.strict('lax.linalg', M)
