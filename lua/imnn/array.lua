--- Arrays: values and, inside a traced function, values to come. What both are made of: handles,
-- the running trace, single operators. Functions of arrays are in imnn.numpy.
-- @module imnn.array
local ffi = require 'ffi'
local args = require 'imnn.args'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local registry = require 'imnn.registry'
local text = require 'imnn.array.text'
local value_at = require 'imnn.array.value'
local C, check = core.C, core.check
local M = {}

local Array = {} -- metamethods
-- A value holds an array; a tracer is a node of the running trace.
local Value = ffi.typeof 'struct { imnn_array *array; imnn_node node; int32_t of_trace; }'
M.methods, M.properties = {}, {} -- by name, to which np adds; properties need no call

local codes, names = {}, {}
for code = 0, tonumber(C.IMNN_NDTYPE) - 1 do
  local name = ffi.string(C.imnn_dtype_name(code))
  codes[name], names[code] = code, name
end
local ctype = {
  f32 = 'float', f64 = 'double', i32 = 'int32_t', u32 = 'uint32_t', bool = 'uint8_t',
  c64 = 'complex float', c128 = 'complex',
}
M.bytes = { f32 = 4, f64 = 8, i32 = 4, u32 = 4, bool = 1, c64 = 8, c128 = 16 }

local default_dtype = 'f32' -- process-wide, as JAX's switch to 64 bits is

--- The dtype of numbers that say nothing about theirs.
function M.default_dtype() return default_dtype end

--- Make numbers f64 (or f32 again) where no dtype is asked for, complex ones c128 (c64).
-- @tparam string name f32 or f64
function M.set_default_dtype(name)
  if name ~= 'f32' and name ~= 'f64' then
    core.raise('set_default_dtype: needs f32 or f64, got %s', tostring(name))
  end
  default_dtype = name
end

--- The number that C has for a dtype.
function M.dtype_code(name)
  return codes[name]
    or core.raise('array: no dtype "%s"; there are f32, f64, i32, u32, bool, c64, c128',
      tostring(name))
end

function M.is(x) return ffi.istype(Value, x) end
args.types.Array = M.is

-- ---- handles ----

--- An Array from the reference in a slot, which it takes over.
function M.own(slot)
  local value = Value(slot[0], 0, 0)
  core.relieve()
  return value
end
local own = M.own

function Array:__gc() C.imnn_array_release(self.array) end

--- A table of sizes as C has it.
function M.c_shape(shape, who)
  if type(shape) == 'number' then shape = { shape } end
  if type(shape) ~= 'table' then
    core.raise('%s: a shape is a table of sizes, got %s', who or 'array', type(shape))
  end
  if #shape > 8 then core.raise('%s: at most 8 axes, got %d', who or 'array', #shape) end
  for _, size in ipairs(shape) do
    if type(size) ~= 'number' or size % 1 ~= 0 or size < 0 then
      core.raise('%s: sizes are whole numbers, 0 or more, got %s', who or 'array', tostring(size))
    end
  end
  return ffi.new('imnn_shape', #shape, shape)
end

function M.zeros(shape, dtype)
  local out = ffi.new 'imnn_array *[1]'
  local code = M.dtype_code(dtype or default_dtype)
  check(C.imnn_array_zeros(out, code, M.c_shape(shape, 'zeros')), 'zeros')
  return own(out)
end

--- From doubles, row-major.
function M.from_doubles(data, shape, dtype)
  local out = ffi.new 'imnn_array *[1]'
  check(C.imnn_array_from(out, M.dtype_code(dtype), M.c_shape(shape), data))
  return own(out)
end

-- Types of memory that say which dtype they hold.
local holds = {
  float = 'f32', double = 'f64', int = 'i32', ['unsigned int'] = 'u32', bool = 'bool',
  ['complex float'] = 'c64', complex = 'c128',
}

local function type_of(pointer)
  if type(pointer) ~= 'cdata' then return type(pointer) end
  return (tostring(ffi.typeof(pointer)):match '^ctype<(.-)>$':gsub('^const ', ''))
end

-- The dtype that memory is declared to hold, if that is one.
local function memory_of(pointer)
  local kind = type_of(pointer)
  if pointer == nil or kind ~= 'string' and not kind:match '[%]*]$' then
    core.raise('from_buffer: needs an array or a pointer of the FFI, got %s',
      type(pointer) == 'cdata' and pointer == nil and 'NULL' or kind)
  end
  return holds[kind:match '^(.-) ?[%[*]']
end

local function check_size(pointer, shape, bytes)
  if type_of(pointer):match '%*$' then return end -- how much is there is the caller's to know
  local size = type(pointer) == 'string' and #pointer or ffi.sizeof(pointer)
  for i = 0, shape.ndim - 1 do bytes = bytes * tonumber(shape.size[i]) end
  if size < bytes then
    core.raise('from_buffer: %d bytes are asked for, there are %d', bytes, size)
  end
end

--- A copy of memory that holds values of the dtype, row-major.
-- @tparam cdata|string pointer array (its size is checked) or pointer (it is not)
-- @tparam table shape
-- @tparam[opt] string dtype what the memory is declared to hold, else the default
-- @raise memory that is too small or declared to hold another dtype
function M.from_buffer(pointer, shape, dtype)
  local out, sizes = ffi.new 'imnn_array *[1]', M.c_shape(shape, 'from_buffer')
  local held = memory_of(pointer)
  local code = M.dtype_code(dtype or held or default_dtype)
  if held and dtype and held ~= dtype then
    core.raise('from_buffer: the memory holds %s, not %s', held, dtype)
  end
  check_size(pointer, sizes, M.bytes[names[code]])
  check(C.imnn_array_copy(out, code, sizes, ffi.cast('const void *', pointer)), 'from_buffer')
  return own(out)
end

local numbers, kept = {}, 0 -- by dtype and value: numbers of scripts are met again and again

-- A complex number as an Array of shape (); a real dtype would lose half of it.
local function complex_number(x, dtype)
  if dtype == 'c64' then return M.from_buffer(ffi.new('complex float[1]', x), {}, dtype) end
  if dtype == 'c128' then return M.from_buffer(ffi.new('complex[1]', x), {}, dtype) end
  core.raise('array: a complex number cannot be %s', dtype)
end

--- A number, complex number or boolean as an Array of shape ().
function M.number(x, dtype)
  if complex.is(x) then return complex_number(x, dtype) end
  local value = x == true and 1 or x == false and 0 or x
  local same = numbers[dtype] and numbers[dtype][value]
  if same then return same end
  local made = M.from_doubles(ffi.new('double[1]', value), {}, dtype)
  if value ~= value or value == 0 and 1 / value < 0 then return made end -- NaN and -0 are no keys
  if kept > 500 then numbers, kept = {}, 0 end
  numbers[dtype] = numbers[dtype] or {}
  numbers[dtype][value], kept = made, kept + 1
  return made
end

-- ---- the running trace ----

local trace = { number = 0 } -- graph, and a number that its tracers carry

function M.tracing() return trace.graph ~= nil end

--- The Array of a node.
function M.tracer(node)
  if node <= 0 then check(C.imnn_graph_status(trace.graph)) end
  return Value(nil, node, trace.number)
end
local tracer = M.tracer

--- Whether x is a tracer.
-- @raise one of a trace that has ended
local function traced(x)
  if x.node == 0 then return false end
  if x.of_trace ~= trace.number or not trace.graph then
    core.raise 'array: a traced array has left its function'
  end
  return true
end
M.traced = traced

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

--- x as a tracer; numbers and booleans become constants of a dtype.
-- @tparam Array|number|complex|boolean x
-- @tparam[opt] string dtype of numbers, the default one
function M.lift(x, dtype)
  if M.is(x) then
    if traced(x) then return x end
    return tracer(C.imnn_graph_constant(trace.graph, x.array))
  end
  if complex.is(x) then
    dtype = dtype or default_dtype == 'f64' and 'c128' or 'c64'
    return tracer(C.imnn_graph_constant(trace.graph, M.number(x, dtype).array))
  end
  if type(x) == 'number' or type(x) == 'boolean' then
    local value = x == true and 1 or x == false and 0 or x
    dtype = dtype or (type(x) == 'boolean' and 'bool' or default_dtype)
    return tracer(C.imnn_graph_number(trace.graph, codes[dtype], value))
  end
  core.raise('array: needs an Array or a number, got %s', type(x))
end

--- An input of the program that is being traced; a placeholder of the transform that is running.
function M.input(dtype, shape)
  return tracer(C.imnn_graph_input(trace.graph, M.dtype_code(dtype), M.c_shape(shape)))
end
function M.placeholder(dtype, shape)
  return tracer(C.imnn_graph_placeholder(trace.graph, M.dtype_code(dtype), M.c_shape(shape)))
end

--- Nodes of a list of tracers, as C takes them.
function M.nodes(list)
  local out = ffi.new('imnn_node[?]', math.max(#list, 1))
  for i, x in ipairs(list) do out[i - 1] = x.node end
  return out
end

--- Compile the running trace.
-- @tparam table inputs tracers
-- @tparam table outputs tracers
-- @tparam[opt] Array keep bool tracer (n): only these rows leave
-- @treturn function (list of Arrays) -> list of Arrays
-- @treturn cdata the program
function M.compile(inputs, outputs, keep)
  local slot, nx, ny = ffi.new 'imnn_program *[1]', #inputs, #outputs
  local x, y = M.nodes(inputs), M.nodes(outputs)
  if keep then check(C.imnn_program_filter(slot, trace.graph, nx, x, ny, y, keep.node))
  else check(C.imnn_program_new(slot, trace.graph, nx, x, ny, y)) end
  local program = core.own(slot, C.imnn_program_release)
  local given, made = ffi.new('const imnn_array *[?]', nx + 1), ffi.new('imnn_array *[?]', ny + 1)
  return function(values)
    for i = 1, nx do given[i - 1] = values[i].array end
    ffi.fill(made, ffi.sizeof(made))
    check(C.imnn_program_run(program, given, made))
    local out = {}
    for i = 1, ny do out[i] = Value(made[i - 1], 0, 0) end
    core.relieve()
    return out
  end, program
end

-- ---- single operators ----

local several = ffi.typeof 'imnn_node[?]'
local pointers = ffi.typeof 'const imnn_array *[?]'
local result = ffi.new 'imnn_array *[1]'

local function any_traced(inputs, n)
  for i = 1, n do
    if inputs[i].node ~= 0 and traced(inputs[i]) then return true end
  end
  return false
end

--- An operator of the registry: a node if any input is traced, else its value at once.
-- @tparam string name
-- @tparam table inputs Arrays of dtypes that fit
-- @tparam[opt] table attr attributes as C counts them
-- @tparam[opt] string who the function for which it is applied, in messages
function M.apply(name, inputs, attr, who)
  local id, n = registry[name].id, #inputs
  local at = attr and ffi.new('imnn_attr', #attr, attr) or nil
  if any_traced(inputs, n) then
    local x = several(n)
    for i = 1, n do x[i - 1] = M.lift(inputs[i]).node end
    return tracer(C.imnn_graph_apply(trace.graph, id, n, x, at))
  end
  local x = pointers(math.max(n, 1))
  for i = 1, n do x[i - 1] = inputs[i].array end
  local status = C.imnn_apply(result, id, n, x, at)
  if status ~= C.IMNN_OK then check(status, who or name) end
  return own(result)
end

local two = ffi.new 'const imnn_array *[2]'

local function value_of(op, n)
  local status = C.imnn_apply(result, op.id, n, two, nil)
  if status ~= C.IMNN_OK then check(status, op.name) end
  return own(result)
end

-- The dtype of an array whose values are there, if the operator takes it.
local function plain_dtype(op, x)
  if not M.is(x) or x.node ~= 0 then return nil end
  local dtype = names[tonumber(C.imnn_array_dtype(x.array))]
  return op.dtypes[dtype] and dtype
end

--- An operator of one array whose values are there, or nil where it is not as simple as that. This
-- and `pair` make no lists and have no loops, so LuaJIT compiles a call as a whole.
-- @tparam table op row of the registry
function M.single(op, x)
  if not plain_dtype(op, x) then return nil end
  two[0] = x.array
  return value_of(op, 1)
end

--- The same of two arrays of one dtype, or of floats and a number.
function M.pair(op, a, b)
  local dtype, other = plain_dtype(op, a), plain_dtype(op, b)
  if not dtype and type(a) == 'number' and (other == 'f32' or other == 'f64') then
    a, dtype = M.number(a, other), other
  elseif not other and type(b) == 'number' and (dtype == 'f32' or dtype == 'f64') then
    b, other = M.number(b, dtype), dtype
  end
  if not dtype or dtype ~= other then return nil end
  two[0], two[1] = a.array, b.array
  return value_of(op, 2)
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
    parts[#parts + 1] = names[tonumber(C.imnn_array_dtype(x.array))]
    for k = 0, s.ndim - 1 do parts[#parts + 1] = tonumber(s.size[k]) end
  end
  return table.concat(parts, ',')
end

local function build_nodes(who, inputs, build)
  local x = {}
  for i, input in ipairs(inputs) do x[i] = M.lift(input).node end
  local y = { build(trace.graph, unpack(x)) }
  check(C.imnn_graph_status(trace.graph), who)
  for i, node in ipairs(y) do y[i] = tracer(node) end
  return y
end

-- A program for inputs like these. Whatever is being traced just now has nothing to do with it.
local function build_program(who, inputs, build)
  local outer, run = trace, nil
  trace = { number = outer.number + 2 ^ 24 }
  local ok, why = pcall(M.trace, function()
    local x = {}
    for i, input in ipairs(inputs) do x[i] = M.input(input.dtype, input.shape) end
    run = M.compile(x, build_nodes(who, x, build))
  end)
  trace = outer
  if not ok then error(why, 0) end
  return run
end

--- The Lua face of a C function that adds nodes.
-- @tparam string who its name in messages
-- @tparam string key its settings: calls with equal names, settings and types are one program
-- @tparam table inputs Arrays
-- @tparam function build (graph, node, ...) -> node, ...
-- @treturn Array for each node
function M.build(who, key, inputs, build)
  if any_traced(inputs, #inputs) then return unpack(build_nodes(who, inputs, build)) end
  key = signature(who .. ' ' .. key, inputs)
  local run = cache[key] or build_program(who, inputs, build)
  local made = run(inputs)
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
      if type(x) == 'number' then x = M.number(x, default_dtype) end
      if not M.is(x) then
        core.raise('%s: argument %d must be an Array, got %s', who, i, type(x))
      end
      inputs[i] = x
    end
    return M.build(who, '', inputs, build)
  end
end

-- ---- what an Array tells ----

local function c_shape_of(x)
  return traced(x) and C.imnn_graph_shape(trace.graph, x.node) or C.imnn_array_shape(x.array)
end

function M.properties.shape(x)
  local s, out = c_shape_of(x), {}
  for i = 1, s.ndim do out[i] = tonumber(s.size[i - 1]) end
  return out
end

function M.properties.dtype(x)
  return names[tonumber(traced(x) and C.imnn_graph_dtype(trace.graph, x.node)
    or C.imnn_array_dtype(x.array))]
end

function M.properties.ndim(x) return c_shape_of(x).ndim end

function M.properties.size(x)
  local s, n = c_shape_of(x), 1
  for i = 0, s.ndim - 1 do n = n * tonumber(s.size[i]) end
  return n
end

local function refuse(what)
  core.raise('%s: a traced array has no value yet; choose with np.where or lax.cond', what)
end

--- The values for reading: a pointer, good as long as the Array is held.
function M.methods.data(x)
  if traced(x) then refuse 'data' end
  return ffi.cast('const ' .. ctype[x.dtype] .. ' *', C.imnn_array_data(x.array))
end

--- The one element as a Lua number, complex number or boolean.
function M.methods.item(x)
  if traced(x) then refuse 'item' end
  if x.size ~= 1 then
    core.raise('item: needs one element, got shape (%s)', table.concat(x.shape, ', '))
  end
  return value_at(x:data(), x.dtype, 0)
end

--- Nested tables of numbers or booleans; a number for shape ().
function M.methods.totable(x)
  if traced(x) then refuse 'totable' end
  local p, dtype, shape, at = x:data(), x.dtype, x.shape, -1
  local function level(k)
    if k > #shape then
      at = at + 1
      return value_at(p, dtype, at)
    end
    local out = {}
    for i = 1, shape[k] do out[i] = level(k + 1) end
    return out
  end
  return level(1)
end

--- All elements in row-major order as one table.
function M.methods.values(x)
  if traced(x) then refuse 'values' end
  local p, dtype, out = x:data(), x.dtype, {}
  for i = 1, x.size do out[i] = value_at(p, dtype, i - 1) end
  return out
end

function Array.__tostring(x)
  if x.node ~= 0 and (x.of_trace ~= trace.number or not trace.graph) then
    return 'traced array that has left its function'
  end
  local head = ('%s (%s)'):format(x.dtype, table.concat(x.shape, ', '))
  if x.node ~= 0 then return 'traced ' .. head end
  local values = text.values(x:data(), x.dtype, x.shape)
  return values .. '  ' .. (#x.shape == 0 and x.dtype or head)
end

function Array.__len(x)
  local s = c_shape_of(x)
  if s.ndim == 0 then core.raise 'length: an array of shape () has none' end
  return tonumber(s.size[0])
end

-- The number or boolean to compare.
local function compared(a)
  if not M.is(a) then return a end
  if traced(a) then refuse 'comparison' end
  if a.size ~= 1 then
    core.raise('comparison: < <= == compare single elements, got shape (%s); use np.lt, np.le, '
      .. 'np.eq', table.concat(a.shape, ', '))
  end
  return a:item()
end

local function ordered(a, b)
  a, b = compared(a), compared(b)
  if type(a) ~= 'number' or type(b) ~= 'number' then
    core.raise('comparison: only numbers have an order, got %s and %s', type(a), type(b))
  end
  return a, b
end

function Array.__lt(a, b)
  a, b = ordered(a, b)
  return a < b
end

function Array.__le(a, b)
  a, b = ordered(a, b)
  return a <= b
end

local function comparable(x)
  return type(x) == 'number' or type(x) == 'boolean' or complex.is(x) or M.is(x)
end

function M.equal(a, b) -- LuaJIT asks even for x == nil
  return comparable(a) and comparable(b) and compared(a) == compared(b)
end
Array.__eq = M.equal

function Array.__newindex(_, key)
  core.raise('array: an array never changes, so "%s" cannot be set; make a new one, with np.where, '
    .. 'np.concatenate or arithmetic', tostring(key))
end

function Array.__concat(a, b) return tostring(a) .. tostring(b) end

-- Operators and methods come from imnn.numpy, which is loaded when one is needed.
local elementwise

local function operate(name, a, b)
  elementwise = elementwise or require('imnn.numpy.elementwise').apply
  return M.pair(registry[name], a, b) or elementwise(name, a, b)
end
function Array.__add(a, b) return operate('add', a, b) end
function Array.__sub(a, b) return operate('sub', a, b) end
function Array.__mul(a, b) return operate('mul', a, b) end
function Array.__div(a, b) return operate('div', a, b) end
function Array.__pow(a, b) return operate('pow', a, b) end
function Array.__mod(a, b) return operate('remainder', a, b) end
function Array.__unm(a) return M.single(registry.neg, a) or require('imnn.numpy').neg(a) end

local get

function Array.__index(x, key)
  local method = M.methods[key]
  if method then return method end
  local property = M.properties[key]
  if property then return property(x) end
  if not get then
    require 'imnn.numpy'
    get = require('imnn.numpy.index').get
    return Array.__index(x, key)
  end
  if type(key) == 'string' and key ~= '...' then
    local known = {}
    for _, names_of in ipairs { M.methods, M.properties } do
      for name in pairs(names_of) do known[name] = true end
    end
    core.raise('array: an Array has no field or method "%s"%s', key, args.near(key, known))
  end
  return get(x, key)
end

ffi.metatype(Value, Array)

return M
