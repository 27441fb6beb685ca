--- Nested tables of arrays: weights, states of optimisers, data sets.
-- The list part comes first, in order, then names in alphabetical order. Whatever is no plain table
-- is a leaf; empty tables are kept.
-- @module imnn.tree
local args = require 'imnn.args'
local core = require 'imnn.core'
local M = {}

local function is_node(t) return type(t) == 'table' and getmetatable(t) == nil end

--- The keys of a node in order: the list part, then names.
-- @tparam table t
-- @treturn table
-- @usage tree.keys { 5, b = 1, a = 2 } --> { 1, 'a', 'b' }
function M.keys(t)
  if not is_node(t) then core.raise('tree.keys: needs a plain table, got %s', core.kind(t)) end
  local out, names = {}, {}
  for i = 1, #t do out[i] = i end
  for k in pairs(t) do
    if type(k) ~= 'number' or k < 1 or k > #t or k % 1 ~= 0 then names[#names + 1] = k end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(names) do out[#out + 1] = k end
  return out
end

--- The shape of a tree as text, for messages: "{*, {*, *}, b = *}".
-- @param t a tree
-- @treturn string
-- @usage tree.structure { 0, { a = 1 } } --> '{*, {a = *}}'
function M.structure(t)
  if not is_node(t) then return '*' end
  local parts = {}
  for i, k in ipairs(M.keys(t)) do
    local name = type(k) == 'number' and k == i and '' or tostring(k) .. ' = '
    parts[i] = name .. M.structure(t[k])
  end
  return '{' .. table.concat(parts, ', ') .. '}'
end

--- Apply fn to every leaf, and to the leaves at the same places of further trees.
-- @raise trees of another structure
-- @tparam function fn
-- @param t a tree
-- @param ... trees of the same structure
-- @treturn table a tree
-- @usage tree.map(function(a, b) return a + b end, { 1, { 2 } }, { 10, { 20 } }) --> { 11, { 22 } }
function M.map(fn, t, ...)
  if not is_node(t) then
    args.argument('tree.map', 'fn', fn, { 'function' })
    return fn(t, ...)
  end
  local out, more, n = {}, { ... }, select('#', ...)
  for i = 1, n do
    if not is_node(more[i]) then
      core.raise('tree.map: structures differ, %s and %s', M.structure(t), M.structure(more[i]))
    end
    for k in pairs(more[i]) do
      if t[k] == nil then
        core.raise('tree.map: structures differ, %s and %s', M.structure(t), M.structure(more[i]))
      end
    end
  end
  for _, k in ipairs(M.keys(t)) do
    local partners = {}
    for i = 1, n do
      partners[i] = more[i][k]
      if partners[i] == nil then
        core.raise('tree.map: structures differ, %s and %s', M.structure(t), M.structure(more[i]))
      end
    end
    out[k] = M.map(fn, t[k], unpack(partners, 1, n))
  end
  return out
end

--- All leaves, in order.
-- @param t a tree
-- @treturn table
-- @usage tree.leaves { 1, { b = 3, a = 2 } } --> { 1, 2, 3 }
function M.leaves(t)
  local out = {}
  M.map(function(x)
    out[#out + 1] = x
    return x
  end, t)
  return out
end

--- Leaves and a function that puts others in their places.
-- @param t a tree
-- @treturn table leaves
-- @treturn function list -> tree
-- @usage local leaves, back = tree.flatten { 1, { 2 } }
-- back { 5, 6 } --> { 5, { 6 } }
function M.flatten(t)
  return M.leaves(t), function(list) return M.unflatten(t, list) end
end

--- A tree like t with leaves of a list, from the first one on or a later one.
-- @raise a list that is too short
-- @param t a tree
-- @tparam table list
-- @tparam[opt=1] number first
-- @treturn table a tree
-- @usage tree.unflatten({ 0, { 0 } }, { 5, 6 }) --> { 5, { 6 } }
function M.unflatten(t, list, first)
  args.argument('tree.unflatten', 'the list', list, { 'table' })
  local i = args.argument('tree.unflatten', 'first', first, { 'integer', default = 1 }) - 1
  local n = #M.leaves(t)
  if #list - i < n then
    core.raise('tree.unflatten: the tree has %d leaves, the list %d', n, #list - i)
  end
  return M.map(function()
    i = i + 1
    return list[i]
  end, t)
end

--- All leaves combined by fn(so far, leaf), in order, from a start or the first leaf.
-- @tparam function fn
-- @param t a tree
-- @param[opt] start
-- @return what fn gave last
-- @usage tree.reduce(function(a, b) return a + b end, { 1, { 2, 3 } }) --> 6
function M.reduce(fn, t, start)
  args.argument('tree.reduce', 'fn', fn, { 'function' })
  local list, first, value = M.leaves(t), 1, start
  if value == nil then value, first = list[1], 2 end
  for i = first, #list do value = fn(value, list[i]) end
  return value
end

--- Whether all leaves are true.
-- @param t a tree
-- @treturn boolean
-- @usage tree.all { true, { true } } --> true
function M.all(t)
  for _, leaf in ipairs(M.leaves(t)) do if not leaf then return false end end
  return true
end

--- A tree of trees turned inside out: `outer` and `inner` are trees of these structures, and each
-- leaf of `outer` is one of the inner trees in t.
-- @tparam table outer
-- @tparam table inner
-- @tparam table t
-- @treturn table
-- @usage tree.transpose({ 0, 0 }, { a = 0 }, { { a = 1 }, { a = 2 } }) --> { a = { 1, 2 } }
function M.transpose(outer, inner, t)
  local columns, n = {}, #M.leaves(inner)
  local rows = {}
  M.map(function(_, part)
    if M.structure(part) ~= M.structure(inner) then
      core.raise('tree.transpose: a part has the structure %s, not %s', M.structure(part),
        M.structure(inner))
    end
    rows[#rows + 1] = M.leaves(part)
    return 0
  end, outer, t)
  for i = 1, n do
    local list = {}
    for k, row in ipairs(rows) do list[k] = row[i] end
    columns[i] = M.unflatten(outer, list)
  end
  return M.unflatten(inner, columns)
end

-- The names of jax.tree_util.
for _, name in ipairs {
  'map', 'leaves', 'flatten', 'unflatten', 'structure', 'reduce', 'all', 'transpose',
} do
  M['tree_' .. name] = M[name]
end
M.tree_multimap = M.map

return args.strict('tree', M)
