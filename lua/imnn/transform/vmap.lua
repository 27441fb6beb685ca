--- Functions of one example as functions of many.
-- @module imnn.transform.vmap
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local transformed = require('imnn.transform.program').transformed
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local M = {}

local function axis_of(axes, i)
  if type(axes) == 'table' then return axes[i] end
  return axes
end

local function is_node(t) return type(t) == 'table' and getmetatable(t) == nil end

local function check_axis(name, a)
  if a == false or type(a) == 'number' and a % 1 == 0 and a ~= 0 then return a end
  core.raise('vmap: %s are axes from 1, -1 for the last, or false, got %s', name,
    type(a) == 'table' and 'a table' or tostring(a))
end

-- The axis of each leaf of a tree: one for all of it, or a table like the top of the tree, in which
-- false and what is missing are not mapped.
local function axes_of(name, axes, t, what, out)
  out = out or {}
  if not is_node(axes) or not is_node(t) then
    check_axis(name, axes)
    tree.map(function(leaf)
      out[#out + 1] = axes
      return leaf
    end, t)
    return out
  end
  for k in pairs(axes) do
    if t[k] == nil then
      core.raise('vmap: %s have an entry "%s", which is not in %s, %s', name, tostring(k), what,
        tree.structure(t))
    end
  end
  for _, k in ipairs(tree.keys(t)) do
    axes_of(name, axes[k] or false, t[k], what, out)
  end
  return out
end

local function check_count(name, axes, n, things)
  if type(axes) == 'table' and #axes ~= n then
    core.raise('vmap: %s has %d entries for %d %s', name, #axes, n, things)
  end
end

-- x with axis `from` at place `to`; `what` x is, for messages.
local function move(x, from, to, what)
  local axis, n = from == 1 and to or from, x.ndim
  if axis == 1 then return x end
  if math.abs(axis) > n then core.raise('vmap: %s has no axis %d, but %d', what, axis, n) end
  return np.moveaxis(x, from, to)
end

-- Arguments with placeholders without the batch axis for the leaves that are batched.
local function batch_arguments(given, n, axes)
  local inner, batches, holes, size = {}, {}, {}, nil
  check_count('in_axes', axes, n, 'arguments')
  for i = 1, n do
    inner[i] = given[i]
    local mine, at = axes_of('in_axes', axis_of(axes, i), given[i], 'argument ' .. i), 0
    if array.is(given[i]) or is_node(given[i]) then
      inner[i] = tree.map(function(x)
        at = at + 1
        local a = mine[at]
        if not a or not array.is(x) then return x end
        local lifted = array.lift(x)
        if #lifted.shape == 0 then
          core.raise('vmap: argument %d has no axis to map over; use in_axes = false for it', i)
        end
        lifted = move(lifted, a, 1, 'argument ' .. i)
        local shape = lifted.shape
        local count = table.remove(shape, 1)
        if size and count ~= size then
          core.raise('vmap: batches of different sizes, %d and %d', size, count)
        end
        size = count
        batches[#batches + 1] = lifted
        holes[#holes + 1] = array.placeholder(lifted.dtype, shape)
        return holes[#holes]
      end, given[i])
    end
  end
  if not size then core.raise 'vmap: no argument has a batch axis' end
  return inner, batches, holes, size
end

--- A function of one example as a function of many.
-- @tparam function fn
-- @tparam[opt] table opts `in_axes`: the batch axis of every argument (1), or a list, with false
-- for arguments that are the same for all; for an argument that is a tree, its entry may be a table
-- like the tree, or like the top of it, with axes, where false or nothing means the same for all.
-- `out_axes` likewise: where the results have it, false for results that do not depend on the batch
-- @treturn function
-- @raise axes that are not there, batches of different sizes
-- @usage imnn.vmap(f)(np.array { { 1, 2 }, { 3, 4 } }) --> { 5, 25 }
-- imnn.vmap(function(a, b) return a * b end, { in_axes = { 1, false } })(np.arange(3), 10)
-- --> { 0, 10, 20 }
-- imnn.vmap(function(p, v) return p.w * v + p.b end, { in_axes = { { w = 1, b = false }, 1 } })(
--   { w = np.array { 1, 2 }, b = 10 }, np.array { 3, 4 }) --> { 13, 18 }
function M.vmap(fn, opts)
  common.callable('vmap', fn)
  local o = args.take('vmap', opts, {
    in_axes = { 'integer', 'table', 'boolean', default = 1 },
    out_axes = { 'integer', 'table', 'boolean', default = 1 },
  })
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return common.scoped(function(graph)
      local inner, batches, holes, size = batch_arguments(given, n, o.in_axes)
      local results = { fn(unpack(inner, 1, n)) }
      local count, y = table.maxn(results), {}
      check_count('out_axes', o.out_axes, count, 'results')
      for i = 1, count do
        for _, leaf in ipairs(common.leaves_of('vmap', results[i])) do y[#y + 1] = leaf end
      end
      local yb = ffi.new('imnn_node[?]', math.max(#y, 1))
      check(C.imnn_graph_vmap(graph, #y, array.nodes(y), #holes, array.nodes(holes),
        array.nodes(batches), yb))
      local at = 0
      for i = 1, count do
        local mine, k = axes_of('out_axes', axis_of(o.out_axes, i), results[i], 'result ' .. i), 0
        results[i] = tree.map(function()
          at, k = at + 1, k + 1
          local a = mine[k]
          local same = yb[at - 1] == y[at].node
          local x = array.tracer(yb[at - 1])
          if a == false then
            if not same then core.raise('vmap: result %d depends on the batch', i) end
            return x
          end
          if same then
            local shape = x.shape
            table.insert(shape, 1, size)
            x = np.broadcast_to(x, shape)
          end
          return move(x, 1, a, 'result ' .. i)
        end, results[i])
      end
      return unpack(results, 1, count)
    end)
  end)
end

return M
