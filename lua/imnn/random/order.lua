--- Random order and random choices. Positions count from 1.
-- @module imnn.random.order
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local samplers = require 'imnn.random.samplers'
local C = core.C
local M = {}

local function is_count(n) return type(n) == 'number' and n >= 0 and n % 1 == 0 end

-- An Array, or nil if x is a whole number: the positions 1 .. x.
local function listed(who, x)
  if is_count(x) then return nil end
  if type(x) == 'number' or x == nil then
    core.raise('%s: needs a whole number, an Array or a list, got %s', who, tostring(x))
  end
  x = create.as_array(x, who)
  if x.ndim == 0 then core.raise('%s: an Array of shape () has no axis', who) end
  return x
end

--- In random order.
-- @tparam Array key (..., 2)
-- @tparam number|Array|table x a number n: the positions 1 .. n; otherwise what is put in order
-- @tparam[opt=1] number axis along which
-- @tparam[opt=false] boolean independent each line along the axis has an order of its own
-- @treturn Array like x, or i32 (n)
-- @raise no such axis
-- @usage random.permutation(random.PRNGKey(0), 5)
function M.permutation(key, x, axis, independent)
  local who = 'random.permutation'
  check.key(who, key)
  local o = args.take(who, { axis = axis, independent = independent }, {
    axis = { 'integer', default = 1 }, independent = { 'boolean', default = false },
  })
  local list = listed(who, x)
  if not list then
    return array.build(who, check.settings(check.shape(who), x), { key }, function(graph, k)
      return C.imnn_random_order(graph, k, x)
    end) + 1
  end
  axis = core.index(o.axis, list.ndim, who .. ': no axis')
  return array.build(who, check.settings(check.shape(who), axis, tostring(o.independent)),
    { key, list }, function(graph, k, y)
      return C.imnn_random_permutation(graph, k, y, axis, o.independent)
    end)
end

--- In random order along an axis, each line in an order of its own: what older JAX had beside
-- `permutation`.
-- @tparam Array key (..., 2)
-- @tparam Array|table x
-- @tparam[opt=1] number axis
-- @treturn Array like x
-- @usage random.shuffle(random.PRNGKey(0), { 10, 20, 30 })
function M.shuffle(key, x, axis)
  check.key('random.shuffle', key)
  if type(x) == 'number' then
    core.raise('random.shuffle: needs an Array or a list, got a number; see permutation')
  end
  return M.permutation(key, x, axis, true)
end

--- Random elements.
-- @tparam Array key (..., 2)
-- @tparam number|Array|table x what to choose from: a number n means the positions 1 .. n
-- @tparam[opt] table shape of the draws: (), one
-- @tparam[opt=true] boolean replace whether an element may come again
-- @tparam[opt] Array|table p weights (n), in proportion to which elements come (all alike)
-- @tparam[opt=1] number axis along which elements lie
-- @treturn Array (..., shape); x with its axis replaced by shape
-- @raise more draws than elements without replacement, weights of another length
-- @usage random.choice(random.PRNGKey(0), { 2, 3, 5, 7 }, { 6 }, { p = { 0.4, 0.3, 0.2, 0.1 } })
function M.choice(key, x, shape, replace, p, axis)
  local who = 'random.choice'
  check.key(who, key)
  local o = args.take(who, { replace = replace, p = p, axis = axis }, {
    replace = { 'boolean', default = true }, axis = { 'integer', default = 1 },
    p = { 'table', 'Array', optional = true },
  })
  local list, s, inputs = listed(who, x), check.shape(who, shape), { key }
  if list then inputs[2] = list end
  if o.p then inputs[#inputs + 1] = samplers.parameters(who, { 'p' }, { o.p })[1] end
  axis = list and core.index(o.axis, list.ndim, who .. ': no axis')
  local text = check.settings(s, tostring(list and axis or x), tostring(list ~= nil),
    tostring(o.replace))
  local y = array.build(who, text, inputs, function(graph, k, a, b)
    if list then return C.imnn_random_choice(graph, k, a, axis, s, o.replace, b or 0) end
    return C.imnn_random_positions(graph, k, x, s, o.replace, a or 0)
  end)
  return list and y or y + 1
end

--- Random categories, of probability proportional to e^logits.
-- @tparam Array key (..., 2)
-- @tparam Array|table logits
-- @tparam[opt=-1] number axis of the categories
-- @tparam[opt] table shape of the draws, which ends with what the other axes of logits broadcast to
-- (them alone)
-- @tparam[opt=true] boolean replace false: along the axes of the shape before those each category
-- comes once
-- @treturn Array i32 (..., shape), counted from 1
-- @raise a shape that does not fit, more draws than categories without replacement
-- @usage random.categorical(random.PRNGKey(0), { 0, 1, 2 }, { shape = { 8 } })
function M.categorical(key, logits, axis, shape, replace)
  local who = 'random.categorical'
  check.key(who, key)
  local o = args.take(who, { axis = axis, shape = shape, replace = replace }, {
    axis = { 'integer', default = -1 }, replace = { 'boolean', default = true },
    shape = { 'table', 'integer', optional = true },
  })
  local x = samplers.parameters(who, { 'logits' }, { logits })[1]
  if x.ndim == 0 then core.raise('%s: logits need an axis of categories', who) end
  local batch = x.shape
  axis = core.index(o.axis, x.ndim, who .. ': no axis')
  table.remove(batch, axis + 1)
  local s = check.shape(who, o.shape or batch)
  return array.build(who, check.settings(s, axis, tostring(o.replace)), { key, x },
    function(graph, k, y)
      return C.imnn_random_categorical(graph, k, y, axis, s, o.replace)
    end) + 1
end

return M
