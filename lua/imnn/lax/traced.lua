--- What loops, branches and custom derivatives share: trees of tracers and placeholders.
-- @module imnn.lax.traced
local ffi = require 'ffi'
local array = require 'imnn.array'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local M = {}

--- x as a tracer.
-- @raise what is no array or number
function M.lift(who, what, x, dtype)
  if array.liftable(x) then return array.lift(x, dtype) end
  core.raise('%s: %s must be arrays or numbers, got %s', who, what, core.kind(x))
end

--- A tree with leaves as tracers, and the list of these.
function M.lift_tree(who, what, t)
  local list = {}
  return tree.map(function(x)
    list[#list + 1] = M.lift(who, what, x)
    return list[#list]
  end, t), list
end

--- A placeholder for each of a list.
function M.holes_for(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = common.placeholder_like(x) end
  return out
end

--- Raise unless two trees have one structure.
function M.same_structure(who, a, before, b)
  if tree.structure(a) ~= tree.structure(b) then
    core.raise('%s: the function gives %s, %s %s', who, tree.structure(a), before,
      tree.structure(b))
  end
end

--- Tracers of `count` nodes that fn(graph, out) writes.
function M.results(who, graph, count, fn)
  local out, list = ffi.new('imnn_node[?]', math.max(count, 1)), {}
  fn(out)
  check(C.imnn_graph_status(graph))
  for i = 1, count do
    if out[i - 1] == 0 then core.raise('%s: there is nothing to compute', who) end
    list[i] = array.tracer(out[i - 1])
  end
  return list
end

--- Whether an argument is opened: an array or a number.
function M.is_open(x) return array.liftable(x) and type(x) ~= 'boolean' end

--- Arguments with placeholders for their arrays and numbers; everything else stays what it is.
-- @treturn table arguments
-- @treturn table tracers of what the arrays are
-- @treturn table placeholders
function M.open(who, given, n)
  local inner, actual, holes = {}, {}, {}
  for i = 1, n do
    inner[i] = given[i]
    if given[i] ~= nil then
      inner[i] = tree.map(function(x)
        if not M.is_open(x) then return x end
        actual[#actual + 1] = M.lift(who, 'arguments', x)
        holes[#holes + 1] = common.placeholder_like(actual[#actual])
        return holes[#holes]
      end, given[i])
    end
  end
  return inner, actual, holes
end

--- x as one boolean.
function M.predicate(who, x)
  x = M.lift(who, 'the condition', x)
  if #x.shape > 0 then
    core.raise('%s: the condition must be one boolean, got shape (%s)', who,
      table.concat(x.shape, ', '))
  end
  return x.dtype == 'bool' and x or np.ne(x, 0)
end

return M
