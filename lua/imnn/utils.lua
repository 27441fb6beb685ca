--- Helpers that users of the Python package know. The derivatives are those of imnn itself, under
-- the names that scripts have.
-- @module imnn.utils
local args = require 'imnn.args'
local core = require 'imnn.core'
local transform = require 'imnn.transform'
local tree = require 'imnn.tree'
local M = {
  jacfwd = transform.jacfwd, jacrev = transform.jacrev,
  value_and_jacfwd = transform.value_and_jacfwd, value_and_jacrev = transform.value_and_jacrev,
}

--- The sum of trees of arrays, leaf by leaf.
-- @param t a tree
-- @param ... trees of the same structure
-- @treturn table a tree
-- @raise trees of another structure
-- @usage utils.add_nested_pytrees({ 1, { 2 } }, { 10, { 20 } }, { 100, { 200 } })
-- --> { 111, { 222 } }
function M.add_nested_pytrees(t, ...)
  local who, total = 'add_nested_pytrees', t
  if t == nil then core.raise('%s: needs a tree', who) end
  for i = 1, select('#', ...) do
    local more = select(i, ...)
    if tree.structure(total) ~= tree.structure(more) then
      core.raise('%s: structures differ, %s and %s', who, tree.structure(total),
        tree.structure(more))
    end
    total = tree.map(function(a, b)
      for _, x in ipairs { a, b } do
        if type(x) ~= 'number' and not require('imnn.array').is(x) then
          core.raise('%s: leaves must be Arrays or numbers, got %s', who, core.kind(x))
        end
      end
      return a + b
    end, total, more)
  end
  return total
end

--- What holds the draws of an inference, by name: all, accepted, rejected, epsilon, size,
-- n_accepted, each nil at first. Greek spellings are the same.
-- @tparam[opt] table fields values that are there already
-- @treturn table
-- @usage utils.container { size = 3 }.size --> 3
function M.container(fields)
  args.argument('container', 'fields', fields, { 'table', optional = true })
  local function name_of(key) return args.spelling[key] or key end
  local out = setmetatable({}, {
    __index = function(self, key) return rawget(self, name_of(key)) end,
    __newindex = function(self, key, value) rawset(self, name_of(key), value) end,
  })
  for key, value in pairs(fields or {}) do out[key] = value end
  return out
end

return args.strict('utils', M)
