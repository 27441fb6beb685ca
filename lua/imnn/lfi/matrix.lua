--- Covariances and Fisher matrices that users give.
-- @module imnn.lfi.matrix
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

-- Whether each of (T, P, P) is equal across the diagonal, but for the rounding of f32: (T).
local function is_symmetric(V)
  local size = np.sqrt(np.abs(np.diagonal(V, 0, 2, 3)))
  local bound = 1e-5 * np.expand_dims(size, 3) * np.expand_dims(size, 2)
  return np.all(np.le(np.abs(V - np.swapaxes(V, 2, 3)), bound), { axis = { 2, 3 } })
end

--- One matrix for each target, checked.
-- @tparam string who for messages
-- @tparam string name of the option
-- @tparam Array|table|number given (P, P) for all targets, (T, P, P), or a list of T
-- @tparam number T targets
-- @tparam number P
-- @treturn Array f64 (T, P, P)
-- @raise another shape, a matrix that is not symmetric and positive definite
function M.read(who, name, given, T, P)
  local V = np.array(given, 'f64')
  local shape = V.shape
  if #shape == 0 and P == 1 then V = V:reshape { 1, 1 } end
  if #V.shape == 2 then V = np.broadcast_to(V, { T, unpack(V.shape) }) end
  if table.concat(V.shape, ' ') ~= table.concat({ T, P, P }, ' ') then
    core.raise('%s: %s must be (%d, %d) or (%d, %d, %d), got (%s)', who, name, P, P, T, P, P,
      table.concat(shape, ', '))
  end
  for t, symmetric in ipairs(is_symmetric(V):totable()) do
    if not (symmetric and pcall(np.linalg.cholesky, V[t])) then
      core.raise('%s: %s of target %d is not symmetric and positive definite', who, name, t)
    end
  end
  return V
end

return M
