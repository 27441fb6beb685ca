--- Branches: one of several functions. All of them are traced; values from outside that they use
-- are differentiated and batched like arguments.
-- @module imnn.lax.branch
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local common = require 'imnn.transform.common'
local traced = require 'imnn.lax.traced'
local tree = require 'imnn.tree'
local C, nodes, scoped = core.C, array.nodes, common.scoped
local transformed = require('imnn.transform.program').transformed
local M = {}

-- Leaves of what branches give; a Lua number takes the dtype that it has in another branch.
local function alike(who, given)
  local lists = {}
  for i, y in ipairs(given) do
    traced.same_structure(who, y, 'another branch', given[1])
    lists[i] = tree.leaves(y)
  end
  local out = {}
  for k = 1, #lists[1] do
    local dtype
    for _, list in ipairs(lists) do dtype = dtype or array.is(list[k]) and list[k].dtype or nil end
    for i, list in ipairs(lists) do
      out[(i - 1) * #lists[1] + k] = traced.lift(who, 'results of branches', list[k], dtype)
    end
  end
  return out, #lists[1]
end

-- index: i32 (), from 0
local function choose(who, index, branches, n, operands)
  return scoped(function(graph)
    local inner, actual, holes = traced.open(who, operands, n)
    local given, values = {}, nil -- of each branch, as a list
    for i, branch in ipairs(branches) do
      given[i] = { branch(unpack(inner, 1, n)) }
      local m = table.maxn(given[i])
      if m == 0 then core.raise('%s: branch %d gives nothing', who, i) end
      values = values or m
      if m ~= values then
        core.raise('%s: branch %d gives %d values, another branch %d', who, i, m, values)
      end
      if m == 1 then given[i] = given[i][1] end
    end
    local y, count = alike(who, given)
    local made = tree.unflatten(given[1], traced.results(who, graph, count, function(out)
      C.imnn_graph_branch(graph, index.node, #branches, #holes, nodes(holes), nodes(actual), count,
        nodes(y), out)
    end))
    if values == 1 then return made end
    return unpack(made, 1, values)
  end)
end

--- One of two functions of the same operands. Both are traced; one is computed. Where the condition
-- differs between examples of a batch both are.
-- @tparam boolean|Array pred one boolean, or a number that is not 0
-- @tparam function true_fun
-- @tparam function false_fun
-- @param ... operands, trees
-- @return what the function gave: an Array, a tree, or several of them
-- @raise results of different number, structure, shape or dtype
-- @usage lax.cond(true, np.sqrt, np.zeros_like, x)
function M.cond(pred, true_fun, false_fun, ...)
  common.callable('cond', true_fun)
  common.callable('cond', false_fun)
  local n = select('#', ...)
  return transformed(function(which, ...)
    local index = np.astype(np.logical_not(traced.predicate('cond', which)), 'i32')
    return choose('cond', index, { true_fun, false_fun }, n, { ... })
  end)(pred, ...)
end

--- One of several functions of the same operands.
-- @tparam number|Array index from 1; numbers outside are clamped
-- @tparam table branches functions
-- @param ... operands, trees
-- @return what the function gave: an Array, a tree, or several of them
-- @raise an index that is no whole number, no branches, results of other shapes than the first
-- branch gives
-- @usage lax.switch(2, { np.sin, np.cos }, np.zeros(3)) --> { 1, 1, 1 }
function M.switch(index, branches, ...)
  if type(branches) ~= 'table' or #branches == 0 then
    core.raise 'switch: needs a list of functions'
  end
  for _, f in ipairs(branches) do common.callable('switch', f) end
  local n = select('#', ...)
  if type(index) == 'number' and index % 1 == 0 then index = np.array(index, 'i32') end
  if not array.is(index) or #index.shape > 0 or (index.dtype ~= 'i32' and index.dtype ~= 'u32') then
    core.raise('switch: the index must be one whole number, got %s', tostring(index))
  end
  return transformed(function(which, ...)
    return choose('switch', array.lift(which:astype 'i32' - 1), branches, n, { ... })
  end)(index, ...)
end

--- A function whose values are computed again in the reverse sweep instead of being stored.
-- @tparam function f of trees of arrays, which gives a tree
-- @treturn function
-- @usage local block = imnn.checkpoint(function(v) return np.tanh(np.sin(v)) end)
-- imnn.grad(function(v) return block(v):sum() end)(np.ones(3))
function M.checkpoint(f)
  common.callable('checkpoint', f)
  return function(...)
    local n = select('#', ...)
    return transformed(function(...)
      return choose('checkpoint', array.lift(np.array(0, 'i32')), { f }, n, { ... })
    end)(...)
  end
end

return M
