--- Parts of arrays at places that are known only when a program runs.
-- @module imnn.lax.dynamic
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local C = core.C
local M = {}

-- Starts as nodes from 0, one for each axis; negative ones count from the end.
local function zero_based(who, starts, shape)
  local ndim = #shape
  if type(starts) ~= 'table' or #starts ~= ndim then
    core.raise('%s: needs a list of %d starts, one for each axis', who, ndim)
  end
  local out = {}
  for k, s in ipairs(starts) do
    if type(s) == 'number' and s % 1 == 0 then
      out[k] = array.number(s < 0 and s + shape[k] or s - 1, 'i32')
    elseif array.is(s) and #s.shape == 0 and (s.dtype == 'i32' or s.dtype == 'u32') then
      s = s:astype 'i32'
      out[k] = elementwise('where', elementwise('lt', s, 0), s + shape[k], s - 1)
    else
      core.raise('%s: starts are whole numbers, got %s', who,
        array.is(s) and s.dtype .. ' (' .. table.concat(s.shape, ', ') .. ')' or tostring(s))
    end
  end
  return out
end

--- Elements from a start along every axis, which is moved so that they are inside.
-- @tparam Array x
-- @tparam table starts one for each axis, from 1, -1 is the last: numbers or arrays of shape ()
-- @tparam table sizes of the result
-- @treturn Array
-- @usage lax.dynamic_slice(np.arange(5), { 2 }, { 3 }) --> { 1, 2, 3 }
function M.dynamic_slice(x, starts, sizes)
  local who = 'dynamic_slice'
  x = create.as_array(x, who)
  local inputs, n = zero_based(who, starts, x.shape), #x.shape
  if type(sizes) ~= 'table' or #sizes ~= n then
    core.raise('%s: needs a list of %d sizes, one for each axis', who, n)
  end
  for k = 1, n do
    local size = sizes[k]
    if type(size) ~= 'number' or size % 1 ~= 0 then
      core.raise('%s: sizes are whole numbers, got %s', who, tostring(size))
    end
  end
  table.insert(inputs, 1, x)
  local c_sizes = ffi.new('int64_t[?]', math.max(n, 1), sizes)
  return array.build(who, array.settings(unpack(sizes)), inputs, function(graph, node, ...)
    return C.imnn_graph_dynamic_slice(graph, node, ffi.new('imnn_node[?]', n + 1, { ... }), c_sizes)
  end)
end

--- x with y in place of what is there from a start along every axis.
-- @tparam Array x
-- @tparam Array y of as many axes, none longer
-- @tparam table starts one for each axis, from 1, -1 is the last: numbers or arrays of shape ()
-- @treturn Array
-- @usage lax.dynamic_update_slice(np.zeros(4), np.array { 7, 8 }, { 2 }) --> { 0, 7, 8, 0 }
function M.dynamic_update_slice(x, y, starts)
  local who = 'dynamic_update_slice'
  x = create.as_array(x, who)
  y = create.as_array(y, who, x.dtype)
  local inputs, n = zero_based(who, starts, x.shape), #x.shape
  table.insert(inputs, 1, y)
  table.insert(inputs, 1, x)
  return array.build(who, '', inputs, function(graph, a, b, ...)
    return C.imnn_graph_dynamic_update_slice(graph, a, b, ffi.new('imnn_node[?]', n + 1, { ... }))
  end)
end

return M
