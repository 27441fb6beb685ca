--- Nested tables of arrays: weights, states of optimisers, data sets.
-- The list part comes first, in order, then names in alphabetical order. Whatever is no plain table
-- is a leaf; empty tables are kept.
-- @module imnn.tree
local core = require 'imnn.core'
local M = {}

local function is_node(t) return type(t) == 'table' and getmetatable(t) == nil end

function M.keys(t)
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
function M.map(fn, t, ...)
  if not is_node(t) then return fn(t, ...) end
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
function M.leaves(t)
  local out = {}
  M.map(function(x)
    out[#out + 1] = x
    return x
  end, t)
  return out
end

--- Leaves and a function that puts others in their places.
function M.flatten(t)
  return M.leaves(t), function(list) return M.unflatten(t, list) end
end

--- A tree like t with the first leaves of a list.
-- @raise a list that is too short
function M.unflatten(t, list)
  local i, n = 0, #M.leaves(t)
  if #list < n then core.raise('tree.unflatten: the tree has %d leaves, the list %d', n, #list) end
  return M.map(function()
    i = i + 1
    return list[i]
  end, t)
end

return M
