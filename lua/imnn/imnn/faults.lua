--- What made a computation give numbers that are not finite, as sentences.
-- @module imnn.imnn.faults
local core = require 'imnn.core'
local iterations = require 'imnn.imnn.iteration'
local tree = require 'imnn.tree'
local M = {}

local function finite(x) return x - x == 0 end

-- Of determinants, or nil.
local function singular(lndetC, lndetF)
  if not finite(lndetC) then
    return 'the covariance of the summaries is singular; a summary is constant or a copy of '
      .. 'others: take other initial weights, or fewer summaries'
  elseif not finite(lndetF) then
    return 'the Fisher information is singular; the summaries do not tell all parameters apart: '
      .. 'see that the simulator uses each of them at theta_fid'
  end
end

local function of_weights(w)
  for i, x in ipairs(tree.leaves(w)) do
    if core.C.imnn_array_nonfinite(x.array) >= 0 then
      return ('array %d of the weights is not finite; the step before went too far: lower the step '
        .. 'size of the optimiser'):format(i)
    end
  end
end

--- Of statistics that were computed from weights and a key; nil if nothing is wrong.
-- @tparam table net with `fault(w, key)`, which looks at simulations and summaries
function M.of_statistics(net, w, key, statistics)
  local why = singular(statistics.lndetC:item(), statistics.lndetF:item())
  return why and (of_weights(w) or net:fault(w, key) or why)
end

--- Of the iteration that starts from a set.
function M.of_iteration(net, iteration, set)
  local row, at = iteration.row, iterations.at
  local w = net.optimiser.get_params(iteration:state_of(set))
  local why = of_weights(w) or net:fault(w, iterations.training_key(set))
    or singular(row[at.lndetC], row[at.lndetF])
  if why then return why end
  if not finite(row[at.loss]) then
    return 'the loss is not finite; the covariance is too far from 1: bring the data to a scale '
      .. 'near 1'
  end
  return 'the gradient of the loss is not finite although the loss is; look for a place of '
    .. 'infinite slope in the model, like sqrt(x) at 0'
end

return M
