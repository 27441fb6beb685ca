--- Functions with derivatives of one's own.
-- @module imnn.lax.custom
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local common = require 'imnn.transform.common'
local traced = require 'imnn.lax.traced'
local tree = require 'imnn.tree'
local C, nodes, scoped = core.C, array.nodes, common.scoped
local holes_for, lift, lift_tree = traced.holes_for, traced.lift, traced.lift_tree
local results, same_structure = traced.results, traced.same_structure
local transformed = require('imnn.transform.program').transformed
local M = {}

-- A list of trees like the arguments, whose leaves are taken in turn from a list.
local function spread(given, n, list)
  local at, out = 0, {}
  for i = 1, n do
    if given[i] ~= nil then
      out[i] = tree.map(function(x)
        if not traced.is_open(x) then return x end
        at = at + 1
        return list[at]
      end, given[i])
    end
  end
  return out
end

-- Nodes of a tree of derivatives like the list of values; nil and false are zero.
local function slopes(who, d, values)
  local out = {}
  local leaves = d ~= nil and type(d) ~= 'boolean' and tree.leaves(d) or {}
  if #leaves > 0 and #leaves ~= #values then
    core.raise('%s: %d derivatives for %d arrays', who, #leaves, #values)
  end
  for i, x in ipairs(values) do
    local zero = leaves[i] == nil or type(leaves[i]) == 'boolean'
    out[i] = zero and array.lift(np.zeros(x.shape, x.dtype)) or lift(who, 'derivatives', leaves[i],
      x.dtype)
  end
  return out
end

local Custom = {}
Custom.__index = Custom

local function call_jvp(self, given, n)
  return scoped(function(graph)
    local inner, actual, holes = traced.open('custom_jvp', given, n)
    local moved = holes_for(holes)
    local y = self.fn(unpack(inner, 1, n))
    local _, ys = lift_tree('custom_jvp', 'results', y)
    local _, dy = self.rule(inner, spread(inner, n, moved))
    dy = slopes('custom_jvp', dy, ys)
    return tree.unflatten(y, results('custom_jvp', graph, #ys, function(out)
      C.imnn_graph_custom_jvp(graph, #holes, nodes(holes), nodes(moved), nodes(actual), #ys,
        nodes(ys), nodes(dy), out)
    end))
  end)
end

local function call_vjp(self, given, n)
  return scoped(function(graph)
    local inner, actual, holes = traced.open('custom_vjp', given, n)
    local y = self.fn(unpack(inner, 1, n))
    local _, ys = lift_tree('custom_vjp', 'results', y)
    local again, kept = self.fwd(unpack(inner, 1, n))
    same_structure('custom_vjp', again, 'the function itself', y)
    local residuals, res = {}, {}
    local filled = tree.map(function(x)
      if not array.is(x) then return x end
      residuals[#residuals + 1] = array.lift(x)
      return common.placeholder_like(residuals[#residuals])
    end, kept)
    for _, x in ipairs(tree.leaves(filled)) do
      if array.is(x) then res[#res + 1] = x end
    end
    local u = holes_for(ys)
    local back, dx = { self.bwd(filled, tree.unflatten(y, u)) }, {}
    local at = 0
    for i = 1, n do
      local mine = {}
      for _, x in ipairs(given[i] ~= nil and tree.leaves(given[i]) or {}) do
        if traced.is_open(x) then
          at = at + 1
          mine[#mine + 1] = holes[at]
        end
      end
      for _, d in ipairs(slopes('custom_vjp', back[i], mine)) do dx[#dx + 1] = d end
    end
    return tree.unflatten(y, results('custom_vjp', graph, #ys, function(out)
      C.imnn_graph_custom_vjp(graph, #holes, nodes(holes), nodes(actual), #ys, nodes(ys),
        #residuals, nodes(residuals), nodes(res), nodes(u), nodes(dx), self.forward, out)
    end))
  end)
end

function Custom:__call(...)
  local n, ready = select('#', ...), self.rule or self.fwd
  if not ready then
    core.raise('%s: has no derivative yet; give it with :%s', self.who, self.how)
  end
  return transformed(function(...)
    return (self.rule and call_jvp or call_vjp)(self, { ... }, n)
  end)(...)
end

--- The forward derivative.
-- @tparam function rule (list of arguments, list of tangents) -> value, tangent: linear in tangents
-- @treturn function rule
-- @usage local safe = imnn.custom_jvp(function(v) return np.sqrt(v) end)
-- safe:defjvp(function(primals, tangents)
--   local y = np.sqrt(primals[1])
--   return y, tangents[1] / (2 * np.maximum(y, 1e-3))
-- end)
function Custom:defjvp(rule)
  common.callable('defjvp', rule)
  self.rule = rule
  return rule
end

--- The reverse derivative.
-- @tparam function fwd arguments -> value, residuals (a tree)
-- @tparam function bwd (residuals, cotangent) -> cotangent of each argument; false is zero
-- @usage local clipped = imnn.custom_vjp(function(v) return v end)
-- clipped:defvjp(function(v) return v, {} end,
--   function(_, cotangent) return np.clip(cotangent, -1, 1) end)
function Custom:defvjp(fwd, bwd)
  common.callable('defvjp', fwd)
  common.callable('defvjp', bwd)
  self.fwd, self.bwd = fwd, bwd
end

--- A function whose forward derivative, and thereby both, is given with :defjvp(rule).
-- @tparam function f of trees of arrays, which gives a tree
-- @treturn table to be called
-- @usage local safe = imnn.custom_jvp(np.sqrt)
-- safe:defjvp(function(primals, tangents)
--   local y = np.sqrt(primals[1])
--   return y, tangents[1] / (2 * np.maximum(y, 1e-3))
-- end)
-- imnn.grad(safe)(0) --> 500
function M.custom_jvp(f)
  common.callable('custom_jvp', f)
  return setmetatable({ fn = f, who = 'custom_jvp', how = 'defjvp(rule)' }, Custom)
end

--- A function whose reverse derivative is given with :defvjp(fwd, bwd). It has no forward one,
-- unless it is asked to keep its own.
-- @tparam function f of trees of arrays, which gives a tree
-- @tparam[opt] table opts forward (false): whether the forward derivative is that of f itself
-- @treturn table to be called
-- @usage local clipped = imnn.custom_vjp(function(v) return v end)
-- clipped:defvjp(function(v) return v, {} end,
--   function(_, cotangent) return np.clip(cotangent, -1, 1) end)
-- imnn.grad(function(v) return 5 * clipped(v) end)(2) --> 1
function M.custom_vjp(f, opts)
  common.callable('custom_vjp', f)
  local o = args.take('custom_vjp', opts, { forward = { 'boolean', default = false } })
  return setmetatable({ fn = f, who = 'custom_vjp', how = 'defvjp(fwd, bwd)',
    forward = o.forward }, Custom)
end

return M
