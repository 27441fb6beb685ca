--- Reductions and running results of any function that is associative, in log2(n) steps.
-- @module imnn.lax.associative
local args = require 'imnn.args'
local axes_of = require 'imnn.numpy.axes'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local np = require 'imnn.numpy'
local tree = require 'imnn.tree'
local M = {}

-- Lists of leaves (n, ...) of a tree; f of trees as a function of such lists.
local function of_lists(who, f, t)
  return function(a, b)
    local y = f(tree.unflatten(t, a), tree.unflatten(t, b))
    if tree.structure(y) ~= tree.structure(t) then
      core.raise('%s: the function gives %s of elements %s', who, tree.structure(y),
        tree.structure(t))
    end
    local out = tree.leaves(y)
    for i, leaf in ipairs(out) do
      leaf = create.as_array(leaf, who, a[i].dtype)
      local got, want = table.concat(leaf.shape, ', '), table.concat(a[i].shape, ', ')
      if got ~= want then
        core.raise('%s: the function makes (%s) of (%s) and (%s)', who, got, want,
          table.concat(b[i].shape, ', '))
      end
      out[i] = leaf:astype(a[i].dtype)
    end
    return out
  end
end

local function range(list, ...)
  local r = { ... }
  return tree.map(function(x) return x[{ r }] end, list)
end

-- a1, b1, a2, b2, ... along the first axis; a may have one more.
local function interleave(a, b)
  return tree.map(function(x, y)
    local m, shape = #y, x.shape
    local more = #x > m
    shape[1] = 2 * m
    local z = np.reshape(np.stack({ more and x[{ { 1, m } }] or x, y }, 2), shape)
    return more and np.concatenate({ z, x[{ { m + 1, m + 1 } }] }, 1) or z
  end, a, b)
end

-- The running results of lists (n, ...): pairs are combined, their running results are those of
-- the even places, and with the elements between they make those of the odd ones (Blelloch 1990,
-- Prefix sums and their applications).
local function running(f, x, n)
  if n < 2 then return x end
  local even = running(f, f(range(x, 1, n - 1, 2), range(x, 2, n, 2)), math.floor(n / 2))
  local first = range(x, 1, 1)
  if n == 2 then return interleave(first, even) end
  local before = n % 2 == 0 and range(even, 1, n / 2 - 1) or even
  local odd = f(before, range(x, 3, n, 2))
  local function joined(a, b) return np.concatenate({ a, b }, 1) end
  return interleave(tree.map(joined, first, odd), even)
end

local function elements(who, t, axis)
  local list, n = {}, nil
  for i, x in ipairs(tree.leaves(t)) do
    x = create.as_array(x, who)
    local at = core.index(axis, x.ndim, who .. ': no axis') + 1
    list[i] = at == 1 and x or np.moveaxis(x, at, 1)
    if n and #list[i] ~= n then
      core.raise('%s: arrays of different lengths, %d and %d', who, n, #list[i])
    end
    n = #list[i]
  end
  if not n then core.raise('%s: needs at least one array', who) end
  return list, n
end

local scan_rows = { reverse = { 'boolean', default = false }, axis = { 'integer', default = 1 } }

--- The results of a function along an axis, from the first element to each one: x1, f(x1, x2),
-- f(f(x1, x2), x3), ..., computed in pairs.
-- @tparam function f (a, b) -> like a: associative, of trees of many elements at once
-- @tparam Array|table elems arrays, a tree; the axis has one length in all
-- @tparam[opt] table opts `axis` (1); `reverse`: from the last element to each one
-- @treturn Array|table like elems
-- @raise arrays of different lengths; a function that gives something else than elements
-- @usage lax.associative_scan(np.multiply, np.array { 1, 2, 3, 4 }) --> { 1, 2, 6, 24 }
function M.associative_scan(f, elems, opts)
  local who = 'associative_scan'
  common.callable(who, f)
  local o = args.take(who, opts, scan_rows)
  local list, n = elements(who, elems, o.axis)
  local function turned(x) return o.reverse and np.flip(x, 1) or x end
  local y = running(of_lists(who, f, elems), tree.map(turned, list), n)
  return tree.unflatten(elems, tree.map(function(x)
    return o.axis == 1 and turned(x) or np.moveaxis(turned(x), 1, o.axis)
  end, y))
end

--- All elements along axes combined by a function, beginning with a value.
-- @tparam Array|table operands arrays of one shape, a tree
-- @param init_values numbers or Arrays (), a tree like operands
-- @tparam function computation (a, b) -> like a: associative, of trees of many elements at once
-- @tparam table dimensions axes
-- @treturn Array|table without these axes
-- @usage lax.reduce(np.array { 1, 5, 3 }, 0, np.maximum, { 1 }) --> 5
function M.reduce(operands, init_values, computation, dimensions)
  local who = 'reduce'
  common.callable(who, computation)
  local list = {}
  for i, x in ipairs(tree.leaves(operands)) do
    x = create.as_array(x, who)
    local given = axes_of.given(who, dimensions, x.ndim)
    table.sort(given)
    list[i] = np.moveaxis(axes_of.behind(x, given), -1, 1)
  end
  if tree.structure(operands) ~= tree.structure(init_values) then
    core.raise('%s: operands %s, init_values %s', who, tree.structure(operands),
      tree.structure(init_values))
  end
  if #list == 0 then core.raise('%s: needs at least one array', who) end
  local f, n = of_lists(who, computation, operands), #list[1]
  local y = {}
  for i, x in ipairs(tree.leaves(init_values)) do
    local shape = list[i].shape
    table.remove(shape, 1)
    y[i] = np.broadcast_to(create.as_array(x, who, list[i].dtype):astype(list[i].dtype), shape)
  end
  while n > 1 do
    local pairs_of = f(range(list, 1, n - 1, 2), range(list, 2, n, 2))
    list = n % 2 == 0 and pairs_of or tree.map(function(a, b)
      return np.concatenate({ a, b }, 1)
    end, pairs_of, range(list, n, n))
    n = math.ceil(n / 2)
  end
  if n == 1 then y = f(y, tree.map(function(x) return x[1] end, list)) end
  return tree.unflatten(operands, y)
end

--- ln of the running sums of e^x along an axis.
-- @tparam Array x
-- @tparam[opt=1] number axis
-- @tparam[opt] table opts reverse
-- @usage lax.cumlogsumexp(np.zeros { 3 }) --> { 0, 0.693147, 1.09861 }
function M.cumlogsumexp(x, axis, opts)
  local o = args.take('cumlogsumexp', type(axis) == 'table' and axis or opts, scan_rows)
  if type(axis) == 'number' then o.axis = axis end
  return M.associative_scan(np.logaddexp, create.as_array(x, 'cumlogsumexp'), o)
end

return M
