--- The information in the summaries of a set, in a trace.
-- @module imnn.imnn.information
local fisher = require 'imnn.fisher'
local M = {}

--- Statistics of a set.
-- @tparam table net
-- @tparam table w weights
-- @tparam Array key
-- @tparam table data arrays of the set
-- @tparam string mode 'train' or 'test'
-- @treturn table what fisher.statistics gives; `own`: the same of the summaries of the network
-- alone, without external ones
function M.of(net, w, key, data, mode)
  local x, dx = net.kind.trace(net, w, key, data, mode)
  local f = fisher.statistics(x, dx)
  f.own = f
  if net.hybrid then
    local mine = { 1, net.n_summaries }
    f.own = fisher.statistics(x[{ {}, mine }], dx[{ {}, mine, {} }])
  end
  return f
end

--- The regularised loss. The network can bring only its own summaries to unit covariance.
-- @tparam table f from `of`
-- @treturn Array loss
-- @treturn Array Lambda_2
-- @treturn Array r
function M.loss(f, lambda, alpha)
  return fisher.regularised({ C = f.own.C, invC = f.own.invC, sign = f.sign, lndetF = f.lndetF },
    lambda, alpha)
end

return M
