--- Loops and branches. Their functions are traced once, whatever the number of steps; values from
-- outside that they use are differentiated and batched like arguments.
-- @module imnn.lax.control
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local common = require 'imnn.transform.common'
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local nodes, scoped = array.nodes, common.scoped
local transformed = require('imnn.transform.program').transformed
local M = {}

-- ---- helpers ----

local function lift(who, what, x, dtype)
  if array.is(x) or type(x) == 'number' or type(x) == 'boolean' then return array.lift(x, dtype) end
  core.raise('%s: %s must be arrays or numbers, got %s', who, what, type(x))
end

-- A tree with leaves as tracers, and the list of these.
local function lift_tree(who, what, t)
  local list = {}
  return tree.map(function(x)
    list[#list + 1] = lift(who, what, x)
    return list[#list]
  end, t), list
end

local function holes_for(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = array.placeholder(x.dtype, x.shape) end
  return out
end

local function same_structure(who, a, before, b)
  if tree.structure(a) ~= tree.structure(b) then
    core.raise('%s: the function gives %s, %s %s', who, tree.structure(a), before,
      tree.structure(b))
  end
end

-- Tracers of `count` nodes that fn(graph, out) writes.
local function results(who, graph, count, fn)
  local out, list = ffi.new('imnn_node[?]', math.max(count, 1)), {}
  fn(out)
  check(C.imnn_graph_status(graph))
  for i = 1, count do
    if out[i - 1] == 0 then core.raise('%s: there is nothing to compute', who) end
    list[i] = array.tracer(out[i - 1])
  end
  return list
end

-- The leaves of the next carry, as tracers of the dtypes of the first one. A carry that begins as a
-- Lua number takes the dtype of what it becomes; then this gives the new beginning instead.
local function next_carry(who, init, begins, holes, carry)
  same_structure(who, carry, 'the carry began as', init)
  local out, weak = {}, tree.leaves(init)
  for i, x in ipairs(tree.leaves(carry)) do
    out[i] = lift(who, 'the carry', x, holes[i].dtype)
    if type(weak[i]) == 'number' and out[i].dtype ~= holes[i].dtype and #out[i].shape == 0 then
      local again = {}
      for k, y in ipairs(begins) do again[k] = k == i and np.array(weak[i], out[i].dtype) or y end
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

-- ---- loops ----

local scan_inside

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
    local after, other = next_carry('scan', init, begins, holes, carry)
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
  if again then return scan_inside(f, again, xs, length, reverse) end
  return carry, ys
end
scan_inside = scan_traced

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
function M.map(f, xs)
  common.callable('map', f)
  local _, ys = M.scan(function(carry, x) return carry, (f(x)) end, {}, xs)
  return ys
end

local function predicate(who, x)
  x = lift(who, 'the condition', x)
  if #x.shape > 0 then
    core.raise('%s: the condition must be one boolean, got shape (%s)', who,
      table.concat(x.shape, ', '))
  end
  return x.dtype == 'bool' and x or np.ne(x, 0)
end

local function while_traced(cond, body, init)
  local again
  local last = scoped(function(graph)
    local _, begins = lift_tree('while_loop', 'the carry', init)
    local holes = holes_for(begins)
    local inner = tree.unflatten(init, holes)
    local pred = predicate('while_loop', cond(inner))
    local after, other = next_carry('while_loop', init, begins, holes, body(inner))
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

-- ---- branches ----

-- Leaves of what branches give; a Lua number takes the dtype that it has in another branch.
local function alike(who, given)
  local lists = {}
  for i, y in ipairs(given) do
    same_structure(who, y, 'another branch', given[1])
    lists[i] = tree.leaves(y)
  end
  local out = {}
  for k = 1, #lists[1] do
    local dtype
    for _, list in ipairs(lists) do dtype = dtype or array.is(list[k]) and list[k].dtype or nil end
    for i, list in ipairs(lists) do
      out[(i - 1) * #lists[1] + k] = lift(who, 'results of branches', list[k], dtype)
    end
  end
  return out, #lists[1]
end

-- index: i32 (), from 0
local function choose(who, index, branches, n, operands)
  return scoped(function(graph)
    local inner, actual, holes, given = {}, {}, {}, {}
    for i = 1, n do
      inner[i] = operands[i]
      if operands[i] ~= nil then
        inner[i] = tree.map(function(x)
          if not array.is(x) and type(x) ~= 'number' then return x end
          actual[#actual + 1] = array.lift(x)
          holes[#holes + 1] = holes_for({ actual[#actual] })[1]
          return holes[#holes]
        end, operands[i])
      end
    end
    for i, branch in ipairs(branches) do
      given[i] = branch(unpack(inner, 1, n))
      if given[i] == nil then core.raise('%s: branch %d gives nothing', who, i) end
    end
    local y, count = alike(who, given)
    return tree.unflatten(given[1], results(who, graph, count, function(out)
      C.imnn_graph_branch(graph, index.node, #branches, #holes, nodes(holes), nodes(actual), count,
        nodes(y), out)
    end))
  end)
end

--- One of two functions of the same operands. Both are traced; one is computed. Where the condition
-- differs between examples of a batch both are.
-- @tparam boolean|Array pred one boolean, or a number that is not 0
-- @tparam function true_fun
-- @tparam function false_fun
-- @param ... operands, trees
-- @treturn Array|table what the function gave
-- @raise results of different structure, shape or dtype
-- @usage lax.cond(np.gt(x, 0), np.sqrt, np.zeros_like, x)
function M.cond(pred, true_fun, false_fun, ...)
  common.callable('cond', true_fun)
  common.callable('cond', false_fun)
  local n = select('#', ...)
  return transformed(function(which, ...)
    local index = np.astype(np.logical_not(predicate('cond', which)), 'i32')
    return choose('cond', index, { true_fun, false_fun }, n, { ... })
  end)(pred, ...)
end

--- One of several functions of the same operands.
-- @tparam number|Array index from 1; numbers outside are clamped
-- @tparam table branches functions
-- @param ... operands, trees
-- @treturn Array|table what the function gave
function M.switch(index, branches, ...)
  if type(branches) ~= 'table' or #branches == 0 then
    core.raise 'switch: needs a list of functions'
  end
  for _, f in ipairs(branches) do common.callable('switch', f) end
  local n = select('#', ...)
  if whole(index) then index = np.array(index, 'i32') end
  if not array.is(index) or #index.shape > 0 or (index.dtype ~= 'i32' and index.dtype ~= 'u32') then
    core.raise('switch: the index must be one whole number, got %s',
      array.is(index) and tostring(index) or tostring(index))
  end
  return transformed(function(which, ...)
    return choose('switch', array.lift(which:astype 'i32' - 1), branches, n, { ... })
  end)(index, ...)
end

--- A function whose values are computed again in the reverse sweep instead of being stored.
-- @tparam function f of trees of arrays, which gives a tree
-- @treturn function
function M.checkpoint(f)
  common.callable('checkpoint', f)
  return function(...)
    local n = select('#', ...)
    return transformed(function(...)
      return choose('checkpoint', array.lift(np.array(0, 'i32')), { f }, n, { ... })
    end)(...)
  end
end

-- ---- derivatives of one's own ----

local function open_all(who, given, n)
  local inner, actual, holes = {}, {}, {}
  for i = 1, n do
    inner[i] = given[i]
    if given[i] ~= nil then
      inner[i] = tree.map(function(x)
        if not array.is(x) and type(x) ~= 'number' then return x end
        actual[#actual + 1] = lift(who, 'arguments', x)
        holes[#holes + 1] = holes_for({ actual[#actual] })[1]
        return holes[#holes]
      end, given[i])
    end
  end
  return inner, actual, holes
end

-- A list of trees like the arguments, whose leaves are taken in turn from a list.
local function spread(given, n, list)
  local at, out = 0, {}
  for i = 1, n do
    if given[i] ~= nil then
      out[i] = tree.map(function(x)
        if not array.is(x) and type(x) ~= 'number' then return x end
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
    local inner, actual, holes = open_all('custom_jvp', given, n)
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
    local inner, actual, holes = open_all('custom_vjp', given, n)
    local y = self.fn(unpack(inner, 1, n))
    local _, ys = lift_tree('custom_vjp', 'results', y)
    local again, kept = self.fwd(unpack(inner, 1, n))
    same_structure('custom_vjp', again, 'the function itself', y)
    local residuals, res = {}, {}
    local filled = tree.map(function(x)
      if not array.is(x) then return x end
      residuals[#residuals + 1] = array.lift(x)
      return holes_for({ residuals[#residuals] })[1]
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
        if array.is(x) or type(x) == 'number' then
          at = at + 1
          mine[#mine + 1] = holes[at]
        end
      end
      for _, d in ipairs(slopes('custom_vjp', back[i], mine)) do dx[#dx + 1] = d end
    end
    return tree.unflatten(y, results('custom_vjp', graph, #ys, function(out)
      C.imnn_graph_custom_vjp(graph, #holes, nodes(holes), nodes(actual), #ys, nodes(ys),
        #residuals, nodes(residuals), nodes(res), nodes(u), nodes(dx), out)
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
function Custom:defjvp(rule)
  common.callable('defjvp', rule)
  self.rule = rule
  return rule
end

--- The reverse derivative.
-- @tparam function fwd arguments -> value, residuals (a tree)
-- @tparam function bwd (residuals, cotangent) -> cotangent of each argument; false is zero
function Custom:defvjp(fwd, bwd)
  common.callable('defvjp', fwd)
  common.callable('defvjp', bwd)
  self.fwd, self.bwd = fwd, bwd
end

--- A function whose forward derivative, and thereby both, is given with :defjvp(rule).
-- @tparam function f of trees of arrays, which gives a tree
-- @treturn table to be called
function M.custom_jvp(f)
  common.callable('custom_jvp', f)
  return setmetatable({ fn = f, who = 'custom_jvp', how = 'defjvp(rule)' }, Custom)
end

--- A function whose reverse derivative is given with :defvjp(fwd, bwd). It has no forward one.
-- @tparam function f of trees of arrays, which gives a tree
-- @treturn table to be called
function M.custom_vjp(f)
  common.callable('custom_vjp', f)
  return setmetatable({ fn = f, who = 'custom_vjp', how = 'defvjp(fwd, bwd)' }, Custom)
end

return M
