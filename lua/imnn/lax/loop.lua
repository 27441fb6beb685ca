--- Loops. Their functions are traced once, whatever the number of steps; values from outside that
-- they use are differentiated and batched like arguments.
-- @module imnn.lax.loop
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local common = require 'imnn.transform.common'
local traced = require 'imnn.lax.traced'
local tree = require 'imnn.tree'
local C, nodes, scoped = core.C, array.nodes, common.scoped
local holes_for, lift, lift_tree = traced.holes_for, traced.lift, traced.lift_tree
local predicate, results, same_structure = traced.predicate, traced.results, traced.same_structure
local transformed = require('imnn.transform.program').transformed
local M = {}

-- The leaves of the next carry, as tracers of the dtypes of the first one. A carry that begins as a
-- Lua number takes the dtype of what it becomes; then this gives the new beginning instead.
local function next_carry(who, init, holes, carry)
  same_structure(who, carry, 'the carry began as', init)
  local out, weak = {}, tree.leaves(init)
  for i, x in ipairs(tree.leaves(carry)) do
    out[i] = lift(who, 'the carry', x, holes[i].dtype)
    local number = not array.is(weak[i]) and type(weak[i]) ~= 'boolean'
    if number and out[i].dtype ~= holes[i].dtype and #out[i].shape == 0 then
      local again = {}
      for k, y in ipairs(weak) do again[k] = k == i and np.array(y, out[i].dtype) or y end
      return nil, tree.unflatten(init, again)
    end
  end
  return out
end

local function slices(xs)
  local list, length = {}, nil
  for i, x in ipairs(tree.leaves(xs)) do
    list[i] = lift('scan', 'xs', x)
    local shape = list[i].shape
    if #shape == 0 then core.raise 'scan: xs need an axis to go along, got shape ()' end
    if length and shape[1] ~= length then
      core.raise('scan: xs of different lengths, %d and %d', length, shape[1])
    end
    length = shape[1]
  end
  return list, length
end

local function scan_traced(f, init, xs, length, reverse)
  local again
  local carry, ys = scoped(function(graph)
    local _, begins = lift_tree('scan', 'the carry', init)
    local holes, list, parts = holes_for(begins), slices(xs), {}
    for i, x in ipairs(list) do
      local shape = x.shape
      table.remove(shape, 1)
      parts[i] = array.placeholder(x.dtype, shape)
    end
    local x
    if xs ~= nil then x = tree.unflatten(xs, parts) end
    local carry, y = f(tree.unflatten(init, holes), x)
    local after, other = next_carry('scan', init, holes, carry)
    if not after then
      again = other
      return
    end
    local stack = {}
    if y ~= nil then _, stack = lift_tree('scan', 'results of a step', y) end
    local out = results('scan', graph, #after + #stack, function(out)
      C.imnn_graph_scan(graph, length, reverse, #holes, nodes(holes), nodes(begins), nodes(after),
        #parts, nodes(parts), nodes(list), #stack, nodes(stack), out)
    end)
    local last, all = {}, {}
    for i, r in ipairs(out) do
      if i <= #after then last[i] = r else all[i - #after] = r end
    end
    if y ~= nil then y = tree.unflatten(y, all) end
    return tree.unflatten(init, last), y
  end)
  if again then return scan_traced(f, again, xs, length, reverse) end
  return carry, ys
end

--- Apply a function along the first axis of arrays, with a carry.
-- @tparam function f (carry, x) -> carry, y: traced once
-- @tparam Array|table init first carry, a tree
-- @tparam Array|table|nil xs arrays (length, ...), a tree; f gets their parts; nil with `length`
-- @tparam[opt] table opts `length`; `reverse`: from the last to the first
-- @treturn Array|table last carry
-- @treturn Array|table what f gave as y, stacked: (length, ...)
-- @raise a carry that changes its shape or dtype; xs of different lengths
-- @usage lax.scan(function(c, x) return c + x, c end, 0, np.arange(4)) --> 6, {0, 0, 1, 3}
function M.scan(f, init, xs, opts)
  common.callable('scan', f)
  local o = args.take('scan', type(opts) == 'number' and { length = opts } or opts, {
    length = { 'integer', optional = true }, reverse = { 'boolean', default = false } })
  if type(xs) == 'boolean' then xs = nil end
  return transformed(function(first, arrays)
    local _, found = slices(arrays)
    local length = found or o.length
    if not length then core.raise 'scan: without xs it needs a length' end
    if o.length and o.length ~= length then
      core.raise('scan: length is %d, but xs have %d', o.length, length)
    end
    if length < 0 then core.raise('scan: the length must be 0 or more, got %d', length) end
    return scan_traced(f, first, arrays, length, o.reverse)
  end)(init, xs)
end

--- A function of every part along the first axis, one after the other.
-- @tparam function f
-- @tparam Array|table xs (n, ...)
-- @treturn Array|table (n, ...)
-- @usage lax.map(function(row) return row:sum() end, x) --> { 6, 15 }
function M.map(f, xs)
  common.callable('map', f)
  local _, ys = M.scan(function(carry, x) return carry, (f(x)) end, {}, xs)
  return ys
end

local function while_traced(cond, body, init)
  local again
  local last = scoped(function(graph)
    local _, begins = lift_tree('while_loop', 'the carry', init)
    local holes = holes_for(begins)
    local inner = tree.unflatten(init, holes)
    local holds = cond(inner)
    if type(holds) ~= 'boolean' and not (array.is(holds) and holds.dtype == 'bool') then
      core.raise('while_loop: the condition must be one boolean, got %s',
        array.is(holds) and holds.dtype or core.kind(holds)) -- of other numbers few become 0
    end
    local pred = predicate('while_loop', holds)
    local after, other = next_carry('while_loop', init, holes, body(inner))
    if not after then
      again = other
      return
    end
    return tree.unflatten(init, results('while_loop', graph, #after, function(out)
      C.imnn_graph_while(graph, #holes, nodes(holes), nodes(begins), pred.node, nodes(after), out)
    end))
  end)
  if again then return while_traced(cond, body, again) end
  return last
end

--- Change a carry while a condition holds. It has forward derivatives only; in a batch it goes on
-- until no example holds, and examples that are done stay as they are.
-- @tparam function cond carry -> one boolean
-- @tparam function body carry -> carry
-- @tparam Array|table init a tree
-- @treturn Array|table the last carry
-- @usage lax.while_loop(function(x) return np.gt(x, 1) end, function(x) return x / 2 end, 10)
function M.while_loop(cond, body, init)
  common.callable('while_loop', cond)
  common.callable('while_loop', body)
  return transformed(function(first) return while_traced(cond, body, first) end)(init)
end

local function whole(x) return type(x) == 'number' and x % 1 == 0 end

--- Change a carry for i = lower, ..., upper - 1. With numbers as bounds it has both derivatives.
-- @tparam number|Array lower
-- @tparam number|Array upper not reached
-- @tparam function body (i, carry) -> carry
-- @tparam Array|table init a tree
-- @treturn Array|table the last carry
-- @raise bounds that are not whole, a carry that changes its shape or dtype
-- @usage lax.fori_loop(1, 5, function(i, product) return product * i end, 1) --> 24
function M.fori_loop(lower, upper, body, init)
  common.callable('fori_loop', body)
  if whole(lower) and whole(upper) then
    local last = M.scan(function(c)
      return { c[1] + 1, body(c[1], c[2]) }
    end, { np.array(lower, 'i32'), init }, nil, { length = math.max(upper - lower, 0) })
    return last[2]
  end
  for _, x in ipairs { lower, upper } do
    if not whole(x) and not (array.is(x) and (x.dtype == 'i32' or x.dtype == 'u32')) then
      core.raise('fori_loop: bounds are whole numbers, got %s',
        array.is(x) and x.dtype or tostring(x))
    end
  end
  local function start(x) return array.is(x) and x:astype 'i32' or np.array(x, 'i32') end
  return M.while_loop(function(c) return np.lt(c[1], c[2]) end, function(c)
    return { c[1] + 1, c[2], body(c[1], c[3]) }
  end, { start(lower), start(upper), init })[3]
end

return M
