--- What transforms share.
-- @module imnn.transform.common
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local shape_text = require('imnn.array.text').shape
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local M = {}

--- Refuse what cannot be called.
function M.callable(who, fn)
  local meta = type(fn) == 'table' and getmetatable(fn)
  if type(fn) ~= 'function' and not (meta and meta.__call) then
    core.raise('%s: needs a function, got %s', who, core.kind(fn))
  end
end

--- Whether its dtype is complex; f32 or f64.
function M.is_complex(x) return promote.is_complex(x.dtype) end
function M.is_real(x) return promote.is_float(x.dtype) and not M.is_complex(x) end

--- Its type, for messages.
function M.describe(x) return x.dtype .. ' ' .. shape_text(x.shape) end

--- Run fn(graph) in a scope of its own, which ends however fn does.
function M.scoped(fn)
  return array.trace(function(graph)
    local scope = C.imnn_graph_open(graph)
    local result = { pcall(fn, graph) }
    C.imnn_graph_close(graph, scope)
    if not result[1] then error(result[2], 0) end
    return unpack(result, 2, table.maxn(result))
  end)
end

--- A placeholder of the type of x.
function M.placeholder_like(x) return array.placeholder(x.dtype, x.shape) end

--- The nodes in `list` with placeholders x replaced by the tracers `to`.
function M.substitute(graph, list, x, to)
  if #list == 0 then return list end
  local out = ffi.new('imnn_node[?]', #list)
  check(C.imnn_graph_substitute(graph, #list, array.nodes(list), #x, array.nodes(x),
    array.nodes(to), out))
  local y = {}
  for i = 1, #list do y[i] = array.tracer(out[i - 1]) end
  return y
end

--- Zeros of the type of x, traced.
function M.zeros(x) return array.lift(np.zeros(x.shape, x.dtype)) end

--- Leaves of results: arrays and numbers become tracers, everything else is an error.
function M.lift_result(who, x)
  if array.liftable(x) then return array.lift(x) end
  core.raise('%s: the function must give arrays, got %s', who, core.kind(x))
end

--- All leaves of a result, traced.
function M.leaves_of(who, value)
  if value == nil then core.raise('%s: the function gives nothing', who) end
  local out = tree.leaves(value)
  for i, leaf in ipairs(out) do out[i] = M.lift_result(who, leaf) end
  return out
end

return M
