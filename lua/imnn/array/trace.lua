--- The running trace: what functions of arrays are turned into.
-- @module imnn.array.trace
local ffi = require 'ffi'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local handle = require 'imnn.array.handle'
local memory = require 'imnn.array.memory'
local C, check = core.C, core.check
local M = {}

local trace = { number = 0 } -- graph, and a number that its tracers carry

function M.tracing() return trace.graph ~= nil end

--- What is being traced; nil where nothing is.
function M.graph() return trace.graph end

--- The Array of a node.
function M.tracer(node)
  if node <= 0 then check(C.imnn_graph_status(trace.graph)) end
  return handle.Value(nil, node, trace.number)
end
local tracer = M.tracer

--- Whether x is a tracer of a trace that has ended.
local function gone(x)
  return x.node ~= 0 and (x.of_trace ~= trace.number or not trace.graph)
end
M.gone = gone

--- Whether x is a tracer.
-- @raise one of a trace that has ended
local function traced(x)
  if gone(x) then core.raise 'array: a traced array has left its function' end
  return x.node ~= 0
end
M.traced = traced

--- Whether one of the first n is one.
function M.any_traced(inputs, n)
  for i = 1, n do
    if inputs[i].node ~= 0 and traced(inputs[i]) then return true end
  end
  return false
end

--- Run fn(graph, outermost) while its arrays are traced; inner traces append to the graph of the
-- outermost one.
function M.trace(fn)
  if trace.graph then return fn(trace.graph, false) end
  local out = ffi.new 'imnn_graph *[1]'
  check(C.imnn_graph_new(out))
  local before = trace
  trace = { graph = out[0], number = before.number + 1 }
  local result = { pcall(fn, out[0], true) }
  trace = { number = trace.number }
  C.imnn_graph_release(out[0])
  if not result[1] then error(result[2], 0) end
  return unpack(result, 2, table.maxn(result))
end

--- Run fn, which may trace, as if nothing were traced just now.
function M.apart(fn)
  local outer = trace
  trace = { number = outer.number + 2 ^ 24 }
  local ok, why = pcall(fn)
  trace = outer
  if not ok then error(why, 0) end
end

--- Whether x is what `lift` takes.
function M.liftable(x)
  return handle.is(x) or type(x) == 'number' or type(x) == 'boolean' or complex.is(x)
end

--- x as a tracer; numbers and booleans become constants of a dtype.
-- @tparam Array|number|complex|boolean x
-- @tparam[opt] string dtype of numbers, the default one
-- @raise where nothing is traced
function M.lift(x, dtype)
  if not trace.graph then
    core.raise 'array: nothing is traced here; call this inside a traced function, as of imnn.jit'
  end
  if handle.is(x) then
    if traced(x) then return x end
    return tracer(C.imnn_graph_constant(trace.graph, x.array))
  end
  if complex.is(x) then
    dtype = dtype or dtypes.default() == 'f64' and 'c128' or 'c64'
    return tracer(C.imnn_graph_constant(trace.graph, memory.number(x, dtype).array))
  end
  if type(x) == 'number' or type(x) == 'boolean' then
    local value = x == true and 1 or x == false and 0 or x
    dtype = dtype or (type(x) == 'boolean' and 'bool' or dtypes.default())
    return tracer(C.imnn_graph_number(trace.graph, dtypes.codes[dtype], value))
  end
  core.raise('array: needs an Array or a number, got %s', core.kind(x))
end

--- An input of the program that is being traced; a placeholder of the transform that is running.
function M.input(dtype, shape)
  return tracer(C.imnn_graph_input(trace.graph, dtypes.code(dtype), handle.c_shape(shape)))
end
function M.placeholder(dtype, shape)
  return tracer(C.imnn_graph_placeholder(trace.graph, dtypes.code(dtype), handle.c_shape(shape)))
end

--- Nodes of a list of tracers, as C takes them.
function M.nodes(list)
  local out = ffi.new('imnn_node[?]', math.max(#list, 1))
  for i, x in ipairs(list) do out[i - 1] = x.node end
  return out
end

return M
