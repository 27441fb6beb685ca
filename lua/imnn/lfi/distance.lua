--- How far summaries are from those of the data.
-- @module imnn.lfi.distance
local array = require 'imnn.array'
local core = require 'imnn.core'
local matrix = require 'imnn.lfi.matrix'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local C = core.C
local M = {}

local mahalanobis = array.face('lfi.distance', C.imnn_lfi_distance)

--- The distance of one example, in standard deviations.
-- @tparam Array s summaries (P) that estimate the parameters
-- @tparam Array target the observed ones (P)
-- @tparam[opt] Array F Fisher information (P, P); none: the Euclidean distance
-- @treturn Array (), sqrt((s - target)^T F (s - target))
-- @source Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49
-- @usage lfi.distance(np.array { 1, 2 }, np.array { 0.5, 1 },
--   np.array { { 2, 0.5 }, { 0.5, 3 } }) --> 2
function M.distance(s, target, F)
  s, target = np.as_array(s, 'lfi.distance'), np.as_array(target, 'lfi.distance')
  if F ~= nil then
    local dtype = promote.dtype { s, target }
    F = np.as_array(F, 'lfi.distance')
    return mahalanobis(s:astype(dtype), target:astype(dtype), F:astype(dtype))
  end
  local d = s - target
  return np.sqrt((d * d):sum())
end

--- The Fisher matrices of T targets, checked.
-- @tparam string who for messages
-- @tparam Array|table|nil F (P, P) for all targets, (T, P, P) or a list of T
-- @tparam number T targets
-- @tparam number S summaries
-- @tparam number P parameters
-- @treturn Array|nil f64 (T, P, P)
-- @raise S that is not P, another shape, a matrix that is not symmetric and positive definite
function M.fisher(who, F, T, S, P)
  if F == nil then return nil end
  if S ~= P then
    core.raise('%s: F needs summaries that estimate the parameters: there are %d summaries and %d '
      .. 'parameters; give distance_measure instead', who, S, P)
  end
  return matrix.read(who, 'F', F, T, P)
end

--- Distances are not negative.
-- @tparam string who for messages
-- @tparam Array d (n, T), finite
-- @tparam function parameters_of (row) -> text
-- @raise one that is
function M.check_sign(who, d, parameters_of)
  if d.size == 0 or d:min():item() >= 0 then return end
  local at = np.argmin(d:ravel()):item()
  local row = math.floor((at - 1) / d.shape[2]) + 1
  core.raise('%s: the distance of a draw with the parameters %s is %g; distances are 0 or more',
    who, parameters_of(row), d:min():item())
end

--- A function (s (S)) -> (T): distances of one example to every target.
-- @tparam string who for messages
-- @tparam function measure (s, target, F) -> ()
-- @tparam Array targets (T, S)
-- @tparam Array|nil F (T, P, P)
-- @raise a measure that gives more than one number
function M.to_targets(who, measure, targets, F)
  return function(s)
    local d = {}
    for t = 1, #targets do
      d[t] = measure(s, targets[t], F and F[t])
      if not np.is_array(d[t]) or #d[t].shape ~= 0 then
        core.raise('%s: the distance of one example must be one number, got %s', who,
          np.is_array(d[t]) and 'shape (' .. table.concat(d[t].shape, ', ') .. ')'
            or core.kind(d[t]))
      end
    end
    return np.stack(d)
  end
end

return M
