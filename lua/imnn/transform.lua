--- Functions of functions: grad, jacfwd, vmap, jit, ... in any nesting. A function is run once, on
-- placeholders; the transform works on the nodes that it left, and the arguments are put in their
-- place afterwards, so that captured arrays of outer functions are variables of the outer ones
-- only.
-- @module imnn.transform
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local M = {}

-- ---- helpers ----

local function callable(who, fn)
  local meta = type(fn) == 'table' and getmetatable(fn)
  if type(fn) ~= 'function' and not (meta and meta.__call) then
    core.raise('%s: needs a function, got %s', who, type(fn))
  end
end

local function is_real(x) return x.dtype == 'f32' or x.dtype == 'f64' end
local function describe(x) return ('%s (%s)'):format(x.dtype, table.concat(x.shape, ', ')) end

-- Run fn(graph) in a scope of its own, which ends however fn does.
local function scoped(fn)
  return array.trace(function(graph)
    local scope = C.imnn_graph_open(graph)
    local result = { pcall(fn, graph) }
    C.imnn_graph_close(graph, scope)
    if not result[1] then error(result[2], 0) end
    return unpack(result, 2, table.maxn(result))
  end)
end

local function placeholder_like(x) return array.placeholder(x.dtype, x.shape) end

-- The nodes in `list` with placeholders x replaced by the tracers `to`.
local function substitute(graph, list, x, to)
  if #list == 0 then return list end
  local out = ffi.new('imnn_node[?]', #list)
  check(C.imnn_graph_substitute(graph, #list, array.nodes(list), #x, array.nodes(x), array.nodes(
    to),
    out))
  local y = {}
  for i = 1, #list do y[i] = array.tracer(out[i - 1]) end
  return y
end

local function zeros(x) return array.lift(np.zeros(x.shape, x.dtype)) end

-- Leaves of results: arrays and numbers become tracers, everything else is an error.
local function lift_result(who, x)
  if array.is(x) or type(x) == 'number' or type(x) == 'boolean' then return array.lift(x) end
  core.raise('%s: the function must give arrays, got %s', who, type(x))
end

-- All leaves of a result.
local function leaves_of(who, value)
  if value == nil then core.raise('%s: the function gives nothing', who) end
  local out = tree.leaves(value)
  for i, leaf in ipairs(out) do out[i] = lift_result(who, leaf) end
  return out
end

-- ---- compiled functions ----

-- Text by which things that are no arrays are told apart: lengths keep strings apart from one
-- another, and all digits keep numbers apart.
local function name_of(x)
  if type(x) == 'number' then return ('%.17g'):format(x) end
  if type(x) == 'string' then return #x .. '"' .. x end
  return type(x) .. ' ' .. tostring(x)
end

-- The values among arguments, by position in the flattened list; everything else is part of the
-- key under which a program is kept, as the layout of random keys is.
local function split(given, n, static)
  local values, key, places = {}, { tonumber(C.imnn_random_layout()) }, {}
  local function walk(x, at)
    if array.is(x) then
      values[#values + 1] = x
      key[#key + 1] = describe(x)
      return { slot = #values }
    elseif type(x) == 'table' and getmetatable(x) == nil and not static[at] then
      local out = {}
      key[#key + 1] = '{'
      for _, k in ipairs(tree.keys(x)) do
        key[#key + 1] = name_of(k) .. '='
        out[k] = walk(x[k])
      end
      key[#key + 1] = '}'
      return { nodes = out }
    end
    key[#key + 1] = name_of(x)
    return { same = x }
  end
  for i = 1, n do places[i] = walk(given[i], i) end
  return values, table.concat(key, ';'), places
end

local function fill(place, values)
  if place.slot then return values[place.slot] end
  if not place.nodes then return place.same end
  local out = {}
  for k, p in pairs(place.nodes) do out[k] = fill(p, values) end
  return out
end

local function fill_all(places, n, values)
  local out = {}
  for i = 1, n do out[i] = fill(places[i], values) end
  return out
end

-- Trace fn on inputs like the values, and compile what it gives.
-- filter: the last result tells which rows of the others leave
local function compile(fn, values, places, n, filter)
  local entry = {}
  array.trace(function()
    local inputs, nodes = {}, {}
    for i, x in ipairs(values) do inputs[i] = array.input(x.dtype, x.shape) end
    local results = { fn(unpack(fill_all(places, n, inputs), 1, n)) }
    entry.count = table.maxn(results)
    local keep
    if filter then
      keep = array.lift(results[entry.count])
      results[entry.count], entry.count = nil, entry.count - 1
    end
    entry.shape = {}
    for i = 1, entry.count do
      entry.shape[i] = tree.map(function(x)
        if not array.is(x) then return setmetatable({ same = x }, {}) end
        nodes[#nodes + 1] = array.lift(x)
        return setmetatable({ slot = #nodes }, {})
      end, results[i])
    end
    entry.run, entry.program = array.compile(inputs, nodes, keep)
  end)
  return entry
end

local function finish(entry, made)
  local out = {}
  for i = 1, entry.count do
    out[i] = tree.map(function(leaf)
      if leaf.slot then return made[leaf.slot] end
      return leaf.same
    end, entry.shape[i])
  end
  return unpack(out, 1, entry.count)
end

-- A transformed function: inside a trace it is run on tracers; outside one it is traced, compiled
-- and run.
local function transformed(fn)
  return function(...)
    if array.tracing() then return fn(...) end
    local n, given = select('#', ...), { ... }
    local values, _, places = split(given, n, {})
    local entry = compile(fn, values, places, n)
    return finish(entry, entry.run(values))
  end
end

local Jit = {}
Jit.__index = Jit

-- The compiled program for arguments like these.
function Jit:entry(...)
  local n, given = select('#', ...), { ... }
  local values, key, places = split(given, n, self.static)
  local entry = self.kept[key]
  if not entry then
    if self.count >= 64 then self.kept, self.count = {}, 0 end -- changing settings do not pile up
    entry = compile(self.fn, values, places, n)
    entry.places = places -- holds what the key names by its address, which so is not used again
    self.kept[key], self.count = entry, self.count + 1
  end
  return entry, values
end

function Jit:__call(...)
  if array.tracing() then return self.fn(...) end
  local entry, values = self:entry(...)
  return finish(entry, entry.run(values))
end

--- Floating-point operations in matrix products of one call with arguments like these.
function Jit:flops(...) return tonumber(C.imnn_program_flops((self:entry(...)).program)) end

--- Bytes that a call needs besides arguments and results.
function Jit:bytes(...)
  return tonumber(C.imnn_program_bytes((self:entry(...)).program, C.imnn_threads()))
end

--- Steps, fused clusters, buffers of the program for arguments like these.
function Jit:text(...) return ffi.string(C.imnn_program_text((self:entry(...)).program)) end

--- Run a number of times (20) and give the text with the time of each step.
function Jit:profile(...)
  local entry, values = self:entry(...)
  C.imnn_program_profile(entry.program, true)
  for _ = 1, 20 do entry.run(values) end
  C.imnn_program_profile(entry.program, false)
  return ffi.string(C.imnn_program_text(entry.program))
end

function Jit:__tostring() return ('compiled function, programs: %d'):format(self.count) end

--- A compiled function. It is traced once for each combination of shapes, dtypes and other
-- arguments (numbers, strings, ...), and what it captures from outside is taken as it was then.
-- Inside a traced function it is the function itself.
-- @tparam function fn of trees of arrays
-- @tparam[opt] table opts `static_argnums`: list of arguments that are passed as they are
-- @treturn table to be called; :text(...), :profile(...), :flops(...), :bytes(...)
-- @usage local f = imnn.jit(function(x) return (x * x):sum() end)
function M.jit(fn, opts)
  callable('jit', fn)
  local o = args.take('jit', opts, { static_argnums = { 'table', 'integer', optional = true } })
  local static = {}
  local list = type(o.static_argnums) == 'number' and { o.static_argnums } or o.static_argnums
  for _, i in ipairs(list or {}) do static[i] = true end
  return setmetatable({ fn = fn, static = static, kept = {}, count = 0 }, Jit)
end

--- A compiled function for arguments exactly like the examples.
-- @tparam function fn arrays -> arrays
-- @tparam table examples Arrays
-- @tparam[opt] table opts `filter`: the last result, bool (n), tells which rows of the others
-- (those with n rows) leave; the memory for those that do not is a tile's
-- @treturn function
function M.program(fn, examples, opts)
  local n = #examples
  local values, _, places = split(examples, n, {})
  local entry = compile(fn, values, places, n, opts and opts.filter)
  return function(...) return finish(entry, entry.run { ... }) end
end

--- What a function gives for such arguments, without computing it.
-- @treturn table shape
-- @treturn string dtype
function M.shape_of(fn, ...)
  local given = { ... }
  return array.trace(function()
    for i, x in ipairs(given) do
      if array.is(x) and not (x.node ~= 0) then given[i] = array.input(x.dtype, x.shape) end
    end
    local y = array.lift(fn(unpack(given)))
    return y.shape, y.dtype
  end)
end

local Graph = {}
Graph.__index = Graph
function Graph:__tostring() return self.text end

--- The graph of a function.
-- @treturn function (...) -> object whose tostring is one node a line
-- @usage print(imnn.make_graph(np.tanh)(np.zeros { 3 }))
function M.make_graph(fn)
  callable('make_graph', fn)
  return function(...)
    local n, given = select('#', ...), { ... }
    return array.trace(function(graph)
      local values, _, places = split(given, n, {})
      local inputs, nodes = {}, {}
      for i, x in ipairs(values) do inputs[i] = array.input(x.dtype, x.shape) end
      local results = { fn(unpack(fill_all(places, n, inputs), 1, n)) }
      for i = 1, table.maxn(results) do
        for _, leaf in ipairs(leaves_of('make_graph', results[i])) do nodes[#nodes + 1] = leaf end
      end
      local text = ffi.string(C.imnn_graph_text(graph, #nodes, array.nodes(nodes)))
      return setmetatable({ text = text }, Graph)
    end)
  end
end

-- ---- derivatives ----

-- Arguments with placeholders for the leaves of those that are differentiated.
local function open_arguments(who, given, n, chosen)
  local inner, actual, holes = {}, {}, {}
  for i = 1, n do inner[i] = given[i] end
  for _, i in ipairs(chosen) do
    if i < 1 or i > n then core.raise('%s: there is no argument %d', who, i) end
    inner[i] = tree.map(function(x)
      if not array.is(x) and type(x) ~= 'number' then
        core.raise('%s: argument %d must be an Array or a number, got %s', who, i, type(x))
      end
      local lifted = array.lift(x)
      if not is_real(lifted) then
        core.raise('%s: argument %d is %s; only f32 and f64 have derivatives', who, i, describe(x))
      end
      actual[#actual + 1] = lifted
      holes[#holes + 1] = placeholder_like(lifted)
      return holes[#holes]
    end, given[i])
  end
  return inner, actual, holes
end

local function argument_list(who, argnums)
  local list = type(argnums) == 'table' and argnums or { argnums or 1 }
  for _, i in ipairs(list) do
    if type(i) ~= 'number' or i < 1 or i % 1 ~= 0 then
      core.raise('%s: argnums count from 1, got %s', who, tostring(i))
    end
  end
  return list
end

-- Cotangents of placeholders; zero where there is none.
local function pull(graph, y, dy, holes)
  local dx = ffi.new('imnn_node[?]', #holes)
  check(C.imnn_graph_vjp(graph, #y, array.nodes(y), array.nodes(dy), #holes, array.nodes(holes),
    dx))
  local out = {}
  for i, hole in ipairs(holes) do
    out[i] = dx[i - 1] ~= 0 and array.tracer(dx[i - 1]) or zeros(hole)
  end
  return out
end

-- Tangents of results; nil where they are zero.
local function push(graph, y, holes, v)
  local dy = ffi.new('imnn_node[?]', #y)
  check(C.imnn_graph_jvp(graph, #y, array.nodes(y), #holes, array.nodes(holes), array.nodes(v), dy))
  local out = {}
  for i = 1, #y do out[i] = dy[i - 1] ~= 0 and array.tracer(dy[i - 1]) or false end
  return out
end

-- Lists of trees and back: { t1, t2 } flattened in order.
local function take_trees(list, like, chosen)
  local at, out = 0, {}
  for k, i in ipairs(chosen) do
    out[k] = tree.map(function()
      at = at + 1
      return list[at]
    end, like[i])
  end
  return out
end

local jacobian_rows = { argnums = { 'integer', 'table', default = 1 } }
local gradient_rows = {
  argnums = jacobian_rows.argnums, has_aux = { 'boolean', default = false },
}
local function derivative_options(who, opts, rows)
  if type(opts) == 'number' then opts = { argnums = opts } end
  return args.take(who, opts, rows)
end

local function value_and_grad(who, fn, opts)
  callable(who, fn)
  local o = derivative_options(who, opts, gradient_rows)
  local chosen = argument_list(who, o.argnums)
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return scoped(function(graph)
      local inner, actual, holes = open_arguments(who, given, n, chosen)
      local y, aux = fn(unpack(inner, 1, n))
      if y == nil then core.raise('%s: the function gives nothing', who) end
      y = lift_result(who, y)
      if #y.shape > 0 or not is_real(y) then
        core.raise('%s: the function must give one real number, got %s', who, describe(y))
      end
      local list = pull(graph, { y }, { array.lift(1, y.dtype) }, holes)
      list[#list + 1] = y
      if o.has_aux then
        for _, leaf in ipairs(tree.leaves(aux)) do list[#list + 1] = lift_result(who, leaf) end
      end
      list = substitute(graph, list, holes, actual)
      local dx = take_trees(list, given, chosen)
      local value = list[#holes + 1]
      if o.has_aux then
        local at = #holes + 1
        aux = tree.map(function()
          at = at + 1
          return list[at]
        end, aux)
      end
      return value, type(o.argnums) == 'table' and dx or dx[1], aux
    end)
  end)
end

--- Value and derivative of a function that gives one number.
-- @tparam function fn (x, ...) -> Array of shape (); with has_aux also a tree of arrays
-- @tparam[opt] table opts `argnums` (1): an argument, or a list; `has_aux`
-- @treturn function (x, ...) -> value, derivative: a tree like x (a list of them for a list), aux
function M.value_and_grad(fn, opts) return value_and_grad('value_and_grad', fn, opts) end

--- Derivative of a function that gives one number: a tree like its argument.
function M.grad(fn, opts)
  local both = value_and_grad('grad', fn, opts)
  local aux = type(opts) == 'table' and opts.has_aux
  return function(...)
    local _, dx, more = both(...)
    if aux then return dx, more end
    return dx
  end
end

-- The basis of an array: (size, shape).
local function basis(x)
  local size, shape = x.size, x.shape
  table.insert(shape, 1, size)
  return array.lift(np.eye(size, x.dtype):reshape(shape))
end

local function map_over(graph, y, hole, batch)
  local yb = ffi.new 'imnn_node[1]'
  check(C.imnn_graph_vmap(graph, 1, array.nodes { y }, 1, array.nodes { hole },
    array.nodes { batch },
    yb))
  return array.tracer(yb[0])
end

local function joined(a, b)
  local out = { unpack(a) }
  for _, size in ipairs(b) do out[#out + 1] = size end
  return out
end

-- dy/dx for one result and one variable, by one forward sweep over the basis of x.
local function forward(graph, y, hole)
  local shape = joined(y.shape, hole.shape)
  local v = placeholder_like(hole)
  local dy = push(graph, { y }, { hole }, { v })[1]
  if not dy then return array.lift(np.zeros(shape, y.dtype)) end
  local all = map_over(graph, dy, v, basis(hole)) -- (size of x, shape of y)
  return np.reshape(np.moveaxis(all, 1, -1), shape)
end

-- The same by one reverse sweep over the basis of y.
local function backward(graph, y, hole)
  local shape = joined(y.shape, hole.shape)
  local u = placeholder_like(y)
  local dx = ffi.new 'imnn_node[1]'
  check(C.imnn_graph_vjp(graph, 1, array.nodes { y }, array.nodes { u }, 1, array.nodes { hole },
    dx))
  if dx[0] == 0 then return array.lift(np.zeros(shape, y.dtype)) end
  return np.reshape(map_over(graph, array.tracer(dx[0]), u, basis(y)), shape)
end

-- The leaves of a tangent or cotangent of a tree of arrays.
local function vectors_of(what, vectors, whose, like)
  local out = {}
  if tree.structure(vectors) ~= tree.structure(like) then
    core.raise('%s is a tree %s, %s %s', what, tree.structure(vectors), whose,
      tree.structure(like))
  end
  tree.map(function(x, v)
    if not array.is(v) and type(v) ~= 'number' then
      core.raise('%s must be of Arrays or numbers, got %s', what, type(v))
    end
    x = array.lift(x)
    out[#out + 1] = array.lift(v, x.dtype)
    if describe(out[#out]) ~= describe(x) then
      core.raise('%s is %s, %s %s', what, describe(out[#out]), whose, describe(x))
    end
    return x
  end, like, vectors)
  return out
end

local function jacobian(who, sweep, fn, opts, with_value)
  callable(who, fn)
  local o = derivative_options(who, opts, jacobian_rows)
  local chosen = argument_list(who, o.argnums)
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return scoped(function(graph)
      local inner, actual, holes = open_arguments(who, given, n, chosen)
      local value = fn(unpack(inner, 1, n))
      local list, leaves = {}, leaves_of(who, value)
      for _, y in ipairs(leaves) do
        if not is_real(y) then
          core.raise('%s: the function must give real arrays, got %s', who, describe(y))
        end
        for _, hole in ipairs(holes) do list[#list + 1] = sweep(graph, y, hole) end
      end
      for _, y in ipairs(leaves) do list[#list + 1] = y end
      list = substitute(graph, list, holes, actual)
      local at = 0
      local J = tree.map(function()
        local mine = {}
        for k = 1, #holes do mine[k] = list[at + k] end
        at = at + #holes
        local dx = take_trees(mine, given, chosen)
        return type(o.argnums) == 'table' and dx or dx[1]
      end, value)
      if not with_value then return J end
      local y = tree.map(function()
        at = at + 1
        return list[at]
      end, value)
      return y, J
    end)
  end)
end

--- Jacobian by forward sweeps, for few variables: shape of the result, then that of the variable.
-- @tparam function fn
-- @tparam[opt] table opts `argnums`
function M.jacfwd(fn, opts) return jacobian('jacfwd', forward, fn, opts) end

--- Jacobian by reverse sweeps, for few results.
function M.jacrev(fn, opts) return jacobian('jacrev', backward, fn, opts) end

--- Value and Jacobian from one trace.
function M.value_and_jacfwd(fn, opts) return jacobian('value_and_jacfwd', forward, fn, opts,
  true) end
function M.value_and_jacrev(fn, opts) return jacobian('value_and_jacrev', backward, fn, opts,
  true) end

--- Second derivatives of a function that gives one number.
function M.hessian(fn, opts)
  return jacobian('hessian', forward, jacobian('hessian', backward, fn, opts), opts)
end

--- Forward derivative.
-- @tparam function fn
-- @tparam table primals list of arguments
-- @tparam table tangents list of trees like them
-- @treturn value
-- @treturn tangent, a tree like the value
function M.jvp(fn, primals, tangents)
  callable('jvp', fn)
  if type(primals) ~= 'table' or type(tangents) ~= 'table' or #primals ~= #tangents then
    core.raise 'jvp: needs a list of arguments and a list of tangents of equal length'
  end
  local n, chosen = #primals, {}
  for i = 1, n do chosen[i] = i end
  return transformed(function(given, moved)
    return scoped(function(graph)
      local inner, actual, holes = open_arguments('jvp', given, n, chosen)
      local v = {}
      for i = 1, n do
        local what = n == 1 and 'jvp: the tangent' or 'jvp: tangent ' .. i
        for _, t in ipairs(vectors_of(what, moved[i], 'the argument', inner[i])) do
          v[#v + 1] = t
        end
      end
      local value = fn(unpack(inner, 1, n))
      local y = leaves_of('jvp', value)
      local list = { unpack(y) }
      for i, dy in ipairs(push(graph, y, holes, v)) do list[#list + 1] = dy or zeros(y[i]) end
      list = substitute(graph, list, holes, actual)
      local function part(from)
        local at = from
        return tree.map(function()
          at = at + 1
          return list[at]
        end, value)
      end
      return part(0), part(#y)
    end)
  end)(primals, tangents)
end

--- Reverse derivative.
-- @tparam function fn
-- @param ... its arguments
-- @treturn value
-- @treturn function cotangent (a tree like the value) -> cotangents of the arguments
function M.vjp(fn, ...)
  callable('vjp', fn)
  local n, given, chosen = select('#', ...), { ... }, {}
  for i = 1, n do chosen[i] = i end
  local function pullback(cotangent, ...)
    local arguments = { ... }
    return scoped(function(graph)
      local inner, actual, holes = open_arguments('vjp', arguments, n, chosen)
      local value = fn(unpack(inner, 1, n))
      local y = leaves_of('vjp', value)
      local dy = vectors_of('vjp: the cotangent', cotangent, 'the value', value)
      local list = substitute(graph, pull(graph, y, dy, holes), holes, actual)
      return unpack(take_trees(list, arguments, chosen))
    end)
  end
  local value = transformed(fn)(...)
  if value == nil then core.raise 'vjp: the function gives nothing' end
  return value, function(cotangent)
    return transformed(pullback)(cotangent, unpack(given, 1, n))
  end
end

-- ---- batching ----

local function axis_of(axes, i)
  if axes == nil then return 1 end
  if type(axes) == 'table' then return axes[i] end
  return axes
end

local function check_axis(name, a)
  if a == false or type(a) == 'number' and a % 1 == 0 and a ~= 0 then return a end
  core.raise('vmap: %s are axes from 1, -1 for the last, or false, got %s', name,
    type(a) == 'table' and 'a table' or tostring(a))
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
    local a = check_axis('in_axes', axis_of(axes, i))
    inner[i] = given[i]
    if a and (array.is(given[i]) or type(given[i]) == 'table' and getmetatable(
      given[i]) == nil) then
      inner[i] = tree.map(function(x)
        if not array.is(x) then return x end
        local lifted = array.lift(x)
        if #lifted.shape == 0 then
          core.raise('vmap: argument %d has no axis to map over; use in_axes = false for it', i)
        end
        lifted = move(lifted, a, 1, 'argument ' .. i)
        local shape = lifted.shape
        local mine = table.remove(shape, 1)
        if size and mine ~= size then
          core.raise('vmap: batches of different sizes, %d and %d', size, mine)
        end
        size = mine
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
-- for arguments that are the same for all; `out_axes` likewise: where the results have it, false
-- for results that do not depend on the batch
-- @treturn function
function M.vmap(fn, opts)
  callable('vmap', fn)
  local o = args.take('vmap', opts, {
    in_axes = { 'integer', 'table', 'boolean', default = 1 },
    out_axes = { 'integer', 'table', 'boolean', default = 1 },
  })
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return scoped(function(graph)
      local inner, batches, holes, size = batch_arguments(given, n, o.in_axes)
      local results = { fn(unpack(inner, 1, n)) }
      local count, y = table.maxn(results), {}
      check_count('out_axes', o.out_axes, count, 'results')
      for i = 1, count do
        for _, leaf in ipairs(tree.leaves(results[i])) do y[#y + 1] = lift_result('vmap', leaf) end
      end
      local yb = ffi.new('imnn_node[?]', math.max(#y, 1))
      check(C.imnn_graph_vmap(graph, #y, array.nodes(y), #holes, array.nodes(holes),
        array.nodes(batches), yb))
      local at = 0
      for i = 1, count do
        local a = check_axis('out_axes', axis_of(o.out_axes, i))
        results[i] = tree.map(function()
          at = at + 1
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
