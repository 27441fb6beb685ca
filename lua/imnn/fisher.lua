--- Fisher information of summaries, and the loss that makes it large: Charnock, Lavaux and
-- Wandelt 2018, PRD 97, 083004. In double, whatever the summaries are.
-- @module imnn.fisher
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local C = core.C
local M = {}

local statistics = {
  'mu', 'C', 'invC', 'dmu_dtheta', 'F', 'invF', 'sign', 'lndetF', 'lndetC', 'lndetinvC',
}

--- Mean and covariance of summaries, their mean derivative, and the information in them.
-- @tparam Array x summaries (n_s, S)
-- @tparam Array dx their derivatives (n_d, S, P)
-- @treturn table f64 Arrays: mu (S); C, invC (S, S), unbiased; dmu_dtheta (S, P); F, invF (P, P);
-- sign, lndetF, lndetC, lndetinvC ()
-- @raise shapes that do not fit
function M.statistics(x, dx)
  local who, out = 'fisher.statistics', {}
  local values = { array.build(who, '', { x, dx }, function(graph, nx, ndx)
    local f, nodes = ffi.new 'imnn_fisher', {}
    core.check(C.imnn_fisher_statistics(f, graph, nx, ndx), who)
    for i, name in ipairs(statistics) do nodes[i] = f[name] end
    return unpack(nodes)
  end) }
  for i, name in ipairs(statistics) do out[name] = values[i] end
  return out
end

--- The regularised loss: -sign ln |det F| + r Lambda_2.
-- @tparam table f what `statistics` gives
-- @tparam number lambda the largest strength of the regularisation
-- @tparam number alpha how fast it sets in, from `alpha`
-- @treturn Array loss ()
-- @treturn Array Lambda_2 (): Frobenius norms |C - I| + |C^-1 - I|
-- @treturn Array r (): lambda Lambda_2 / (Lambda_2 + exp(-alpha Lambda_2))
function M.regularised(f, lambda, alpha)
  local who = 'fisher.regularised'
  local settings = ('%.17g %.17g'):format(lambda, alpha)
  return array.build(who, settings, { f.C, f.invC, f.sign, f.lndetF },
    function(graph, nC, ninvC, sign, lndetF)
      local given = ffi.new('imnn_fisher', { C = nC, invC = ninvC, sign = sign, lndetF = lndetF })
      local l = ffi.new 'imnn_fisher_loss'
      core.check(C.imnn_fisher_regularised(l, graph, given, lambda, alpha), who)
      return l.loss, l.Lambda_2, l.r
    end)
end

--- The rate at which the regularisation sets in, such that it is nearly 1 at Lambda_2 = epsilon.
-- @tparam number lambda above 1
-- @tparam number epsilon above 0
-- @treturn number -ln(epsilon (lambda - 1) + epsilon^2 / (1 + epsilon)) / epsilon
-- @raise values for which it does not exist, or is negative
-- @usage fisher.alpha(10, 0.1) --> 0.9531017980432
function M.alpha(lambda, epsilon)
  local out = ffi.new 'double[1]'
  core.check(C.imnn_fisher_alpha(out, lambda, epsilon))
  return out[0]
end

return M
