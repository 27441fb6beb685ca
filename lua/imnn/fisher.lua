--- Fisher information of summaries, and the loss that makes it large: Charnock, Lavaux and
-- Wandelt 2018, PRD 97, 083004. In double, whatever the summaries are.
-- @module imnn.fisher
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local fields = {
  'mu', 'C', 'invC', 'dmu_dtheta', 'F', 'invF', 'sign', 'lndetF', 'lndetC', 'lndetinvC',
}

-- Nodes of the statistics of two tracers, as C has them.
local function statistics(graph, x, dx)
  local f = ffi.new 'imnn_fisher'
  core.check(C.imnn_fisher_statistics(f, graph, x.node, dx.node))
  return f
end

local function tracers(names, nodes)
  local out = {}
  for i, name in ipairs(names) do out[i] = array.tracer(nodes[name]) end
  return unpack(out)
end

local traced = transform.jit(function(x, dx)
  return array.trace(function(graph)
    return tracers(fields, statistics(graph, array.lift(x), array.lift(dx)))
  end)
end)

--- Mean and covariance of summaries, their mean derivative, and the information in them.
-- @tparam Array x summaries (n_s, S)
-- @tparam Array dx their derivatives (n_d, S, P)
-- @treturn table f64 Arrays: mu (S); C, invC (S, S), unbiased; dmu_dtheta (S, P); F, invF (P, P);
-- sign, lndetF, lndetC, lndetinvC ()
function M.statistics(x, dx)
  local values, out = { traced(x, dx) }, {}
  for i, name in ipairs(fields) do out[name] = values[i] end
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
  local function loss(C_, invC, sign, lndetF)
    return array.trace(function(graph)
      local in_, out = ffi.new 'imnn_fisher', ffi.new 'imnn_fisher_loss'
      in_.C, in_.invC = array.lift(C_).node, array.lift(invC).node
      in_.sign, in_.lndetF = array.lift(sign).node, array.lift(lndetF).node
      core.check(C.imnn_fisher_regularised(out, graph, in_, lambda, alpha))
      return tracers({ 'loss', 'Lambda_2', 'r' }, out)
    end)
  end
  return transform.jit(loss)(f.C, f.invC, f.sign, f.lndetF)
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
