--- Covariances and Fisher matrices, small ones: as nested tables.
-- @module imnn.lfi.matrix
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

--- The lower triangular root of a symmetric matrix; nil if it is not positive definite.
-- @tparam table V nested table (n, n)
-- @treturn table L with V = L L^T
function M.root(V)
  local L = {}
  for i = 1, #V do
    L[i] = {}
    for j = 1, i do
      local sum = V[i][j]
      for k = 1, j - 1 do sum = sum - L[i][k] * L[j][k] end
      if i > j then L[i][j] = sum / L[j][j]
      elseif sum > 0 and sum < math.huge then L[i][i] = math.sqrt(sum)
      else return nil end
    end
    for j = i + 1, #V do L[i][j] = 0 end
  end
  return L
end

--- Rows and columns of a matrix in another order, which may leave some out.
function M.permute(V, order)
  local out = {}
  for i, p in ipairs(order) do
    out[i] = {}
    for j, q in ipairs(order) do out[i][j] = V[p][q] end
  end
  return out
end

-- Equal across the diagonal, but for the rounding of f32.
local function is_symmetric(V)
  for i = 1, #V do
    for j = 1, i - 1 do
      if not (math.abs(V[i][j] - V[j][i]) <= 1e-5 * math.sqrt(math.abs(V[i][i] * V[j][j]))) then
        return false
      end
    end
  end
  return true
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
  for t, one in ipairs(V:totable()) do
    if not (is_symmetric(one) and M.root(one)) then
      core.raise('%s: %s of target %d is not symmetric and positive definite', who, name, t)
    end
  end
  return V
end

return M
