--- Functions of trees of arrays as programs.
-- @module imnn.transform.program
local C = require('imnn.core').C
local array = require 'imnn.array'
local examples = require 'imnn.array.examples'
local complex = require 'imnn.complex'
local tree = require 'imnn.tree'
local M = {}

-- Text by which things that are no arrays are told apart: lengths keep strings apart from one
-- another, and all digits keep numbers apart.
local function name_of(x)
  if type(x) == 'number' then return ('%.17g'):format(x) end
  if complex.is(x) then return complex.text(x, '%.17g') end
  if type(x) == 'string' then return #x .. '"' .. x end
  return type(x) .. ' ' .. tostring(x)
end

--- The values among arguments, by position in the flattened list, and of what kind these inputs
-- are; everything else is part of the key under which a program is kept, as are the layout of
-- random keys and the default dtype.
-- @tparam table given arguments
-- @tparam number n how many
-- @tparam table static position -> true: arguments that are no values
-- @tparam[opt] table rows position -> true: arguments whose values hold examples
function M.split(given, n, static, rows)
  local values, places, kinds = {}, {}, {}
  local key = { tonumber(C.imnn_random_layout()), array.default_dtype() }
  local function walk(x, at, rowed)
    if array.is(x) or rowed and examples.is_reader(x) then
      values[#values + 1] = x
      kinds[#values] = rowed and examples.kind(x) or 'whole'
      key[#key + 1] = kinds[#values] .. ' ' .. examples.describe(x)
      return { slot = #values }
    elseif type(x) == 'table' and getmetatable(x) == nil and not static[at] then
      local out = {}
      key[#key + 1] = '{'
      for _, k in ipairs(tree.keys(x)) do
        key[#key + 1] = name_of(k) .. '='
        out[k] = walk(x[k], nil, rowed)
      end
      key[#key + 1] = '}'
      return { nodes = out }
    end
    key[#key + 1] = name_of(x)
    return { same = x }
  end
  for i = 1, n do places[i] = walk(given[i], i, rows and rows[i]) end
  return values, table.concat(key, ';'), places, kinds
end

local function fill(place, values)
  if place.slot then return values[place.slot] end
  if not place.nodes then return place.same end
  local out = {}
  for k, p in pairs(place.nodes) do out[k] = fill(p, values) end
  return out
end

--- The arguments with other values in their places.
function M.fill(places, n, values)
  local out = {}
  for i = 1, n do out[i] = fill(places[i], values) end
  return out
end

--- Trace fn on inputs like the values, and compile what it gives.
-- opts: `filter`, the last result tells which rows of the others leave; `memory`, bytes that a run
-- may take; `threads` and `in_flight` of it; `kinds` of inputs
function M.new(fn, values, places, n, opts)
  local entry = {}
  opts = opts or {}
  array.trace(function()
    local inputs, nodes = {}, {}
    for i, x in ipairs(values) do inputs[i] = array.input(x.dtype, examples.shape(x)) end
    local results = { fn(unpack(M.fill(places, n, inputs), 1, n)) }
    entry.count = table.maxn(results)
    local keep
    if opts.filter then
      keep = array.lift(results[entry.count])
      results[entry.count], entry.count = nil, entry.count - 1
    end
    entry.shape = {}
    for i = 1, entry.count do
      entry.shape[i] = tree.map(function(x)
        if not array.is(x) then return setmetatable({ same = x }, {}) end
        nodes[#nodes + 1] = array.lift(x)
        return setmetatable({ slot = #nodes }, {})
      end, results[i])
    end
    entry.run, entry.program = array.compile(inputs, nodes,
      { keep = keep, memory = opts.memory, kinds = opts.kinds, threads = opts.threads,
        in_flight = opts.in_flight })
  end)
  return entry
end

--- What the function gives, from the results of the program.
function M.finish(entry, made)
  local out = {}
  for i = 1, entry.count do
    out[i] = tree.map(function(leaf)
      if leaf.slot then return made[leaf.slot] end
      return leaf.same
    end, entry.shape[i])
  end
  return unpack(out, 1, entry.count)
end

--- A transformed function: inside a trace it is run on tracers; outside one it is traced, compiled
-- and run.
function M.transformed(fn)
  return function(...)
    if array.tracing() then return fn(...) end
    local n, given = select('#', ...), { ... }
    local values, _, places = M.split(given, n, {})
    local entry = M.new(fn, values, places, n)
    return M.finish(entry, entry.run(values))
  end
end

return M
