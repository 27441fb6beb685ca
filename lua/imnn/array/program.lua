--- Programs: the running trace compiled; C functions that add nodes, with a face in Lua.
-- @module imnn.array.program
local ffi = require 'ffi'
local core = require 'imnn.core'
local dtypes = require 'imnn.array.dtype'
local handle = require 'imnn.array.handle'
local memory = require 'imnn.array.memory'
local trace = require 'imnn.array.trace'
local C, check = core.C, core.check
local M = {}

local kinds = { whole = C.IMNN_INPUT_WHOLE, rows = C.IMNN_INPUT_ROWS, read = C.IMNN_INPUT_READ }

local function kinds_of(n, names)
  local kind = ffi.new('imnn_input_kind[?]', n + 1)
  for i = 1, n do kind[i - 1] = kinds[names and names[i] or 'whole'] end
  return kind
end

--- Compile the running trace.
-- @tparam table inputs tracers
-- @tparam table outputs tracers
-- @tparam[opt] table opts `keep`: bool tracer (n), only these rows leave; `memory`: bytes that a
-- run may take besides inputs and results; `kinds`: by input, 'whole', 'rows' or 'read'; `threads`:
-- at most so many; `in_flight`: examples that they may have in work (imnn/program.h)
-- @treturn function (list of Arrays, and readers for what is read) -> list of Arrays
-- @treturn cdata the program
function M.compile(inputs, outputs, opts)
  local slot, nx, ny = ffi.new 'imnn_program *[1]', #inputs, #outputs
  local x, y = trace.nodes(inputs), trace.nodes(outputs)
  local o, kind = opts or {}, kinds_of(nx, opts and opts.kinds)
  local options = ffi.new('imnn_program_options', o.keep and o.keep.node or 0, o.memory or 0, kind,
    o.threads or 0, o.in_flight or 0)
  check(C.imnn_program_make(slot, trace.graph(), nx, x, ny, y, options))
  local program = core.own(slot, C.imnn_program_release)
  local given, made = ffi.new('const imnn_array *[?]', nx + 1), ffi.new('imnn_array *[?]', ny + 1)
  return function(values)
    for i = 1, nx do
      if kind[i - 1] == kinds.read then check(C.imnn_program_read(program, i - 1, values[i].reader))
      else given[i - 1] = values[i].array end
    end
    ffi.fill(made, ffi.sizeof(made))
    check(C.imnn_program_run(program, given, made))
    local out = {}
    for i = 1, ny do out[i] = handle.Value(made[i - 1], 0, 0) end
    core.relieve()
    return out
  end, program
end

local cache, cached = {}, 0 -- programs of C's builders, by name, settings and types

--- Settings as text by which programs are told apart: numbers to the last bit.
-- @param ... numbers and strings
function M.settings(...)
  local parts = { ... }
  for i, x in ipairs(parts) do
    parts[i] = type(x) == 'number' and ('%.17g'):format(x) or tostring(x)
  end
  return table.concat(parts, ' ')
end

local function signature(key, inputs)
  local parts = { key }
  for _, x in ipairs(inputs) do
    local s = C.imnn_array_shape(x.array)
    parts[#parts + 1] = dtypes.names[tonumber(C.imnn_array_dtype(x.array))]
    for k = 0, s.ndim - 1 do parts[#parts + 1] = tonumber(s.size[k]) end
  end
  return table.concat(parts, ',')
end

local function build_nodes(who, inputs, build)
  local x = {}
  for i, input in ipairs(inputs) do x[i] = trace.lift(input).node end
  local y = { build(trace.graph(), unpack(x)) }
  check(C.imnn_graph_status(trace.graph()), who)
  for i, node in ipairs(y) do y[i] = trace.tracer(node) end
  return y
end

-- A program for inputs like these. Whatever is being traced just now has nothing to do with it.
local function build_program(who, inputs, build)
  local run
  trace.apart(function()
    trace.trace(function()
      local x = {}
      for i, input in ipairs(inputs) do x[i] = trace.input(input.dtype, input.shape) end
      run = M.compile(x, build_nodes(who, x, build))
    end)
  end)
  return run
end

--- The Lua face of a C function that adds nodes.
-- @tparam string who its name in messages
-- @tparam string key its settings: calls with equal names, settings and types are one program
-- @tparam table inputs Arrays
-- @tparam function build (graph, node, ...) -> node, ...
-- @treturn Array for each node
-- @raise what was wrong with a value, as with a matrix that has no inverse
function M.build(who, key, inputs, build)
  if trace.any_traced(inputs, #inputs) then return unpack(build_nodes(who, inputs, build)) end
  key = signature(who .. ' ' .. key, inputs)
  local run = cache[key] or build_program(who, inputs, build)
  local made = run(inputs)
  local fault = ffi.string(C.imnn_last_fault())
  if fault ~= '' then core.raise('%s: %s', who, fault) end
  if not cache[key] then -- it works, so there is memory for it
    if cached > 500 then cache, cached = {}, 0 end
    cache[key], cached = run, cached + 1
  end
  return unpack(made)
end

--- The Lua face of a C function (graph, node, ...) -> node.
-- @treturn function (Array or number, ...) -> Array
function M.face(who, build)
  return function(...)
    local inputs, n, given = {}, select('#', ...), { ... }
    for i = 1, n do
      local x = given[i]
      if type(x) == 'number' then x = memory.number(x, dtypes.default()) end
      if not handle.is(x) then
        core.raise('%s: argument %d must be an Array, got %s', who, i, core.kind(x))
      end
      inputs[i] = x
    end
    return M.build(who, '', inputs, build)
  end
end

return M
