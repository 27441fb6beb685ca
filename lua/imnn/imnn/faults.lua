--- What made a computation give numbers that are not finite, as sentences.
-- @module imnn.imnn.faults
local core = require 'imnn.core'
local iterations = require 'imnn.imnn.iteration'
local layout = require 'imnn.imnn.layout'
local transform = require 'imnn.transform'
local tree = require 'imnn.tree'
local M = {}

--- The number of the first example whose values are not finite; nil if there is none.
function M.bad_example(x)
  local at = tonumber(core.C.imnn_array_nonfinite(x.array))
  if at >= 0 then return math.floor(at * x.shape[1] / x.size) + 1 end
end

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

-- The first thing that is not finite among the simulations and their summaries.
local function of_examples(net, w, key, data, mode)
  local why = net.kind.bad_data and net.kind.bad_data(net, key, data)
  if why then return why end
  local x, dx = transform.jit(function(...)
    return net.kind.trace(net, ...)
  end, layout.limits(net, { rows = { 3 } }))(w, key, data, mode)
  local i = M.bad_example(x) or M.bad_example(dx)
  if i then
    return ('the summaries of simulation %d are not finite; lower the step size of the optimiser, '
      .. 'or bring the data to a scale near 1'):format(i)
  end
end

--- Of statistics that were computed from weights, a key and data; nil if nothing is wrong.
function M.of_statistics(net, w, key, data, statistics)
  local why = singular(statistics.lndetC:item(), statistics.lndetF:item())
  return why and (of_weights(w) or of_examples(net, w, key, data, 'test') or why)
end

--- Of the iteration that starts from a set; nil if its numbers are finite.
function M.of_iteration(net, iteration, set)
  local row, at = iteration.row, iterations.at
  if finite(row[at.loss]) and finite(row[at.gradient]) then return nil end
  local w = net.optimiser.get_params(iteration:state_of(set))
  local key = iterations.keys(set)[2]
  local why = of_weights(w) or of_examples(net, w, key, iteration.training, 'train')
    or singular(row[at.lndetC], row[at.lndetF])
  if why then return why end
  if not finite(row[at.loss]) then
    return 'the loss is not finite; the covariance is too far from 1: bring the data to a scale '
      .. 'near 1'
  end
  return 'the gradient of the loss is not finite although the loss is; look for a place of '
    .. 'infinite slope in the model, like sqrt(x) at 0'
end

--- Of the validation in the iteration from a set to another; nil if its numbers are finite.
function M.of_validation(net, iteration, from, to)
  local row, at = iteration.row, iterations.at
  if not iteration.validation or finite(row[at.val_loss]) then return nil end
  local w = net.optimiser.get_params(iteration:state_of(to))
  local why = of_weights(w)
    or of_examples(net, w, iterations.keys(from)[3], iteration.validation, 'test')
    or singular(row[at.val_lndetC], row[at.val_lndetF])
    or 'the loss is not finite; the covariance is too far from 1'
  return 'validation: ' .. why
end

return M
