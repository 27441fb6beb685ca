--- Derivatives: gradients, Jacobians, forward and reverse products.
-- @module imnn.transform.derivatives
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local transformed = require('imnn.transform.program').transformed
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local callable, describe = common.callable, common.describe
local is_complex, is_real = common.is_complex, common.is_real
local scoped, substitute, zeros = common.scoped, common.substitute, common.zeros
local placeholder_like = common.placeholder_like
local lift_result, leaves_of = common.lift_result, common.leaves_of
local M = {}

-- What may be varied: real and complex arrays, or, along the basis of an array, real ones only; for
-- holomorphic functions complex ones only.
local function check_variable(who, i, x, kinds)
  if not promote.is_float(x.dtype) then
    core.raise('%s: argument %d is %s; only f32, f64, c64 and c128 have derivatives', who, i,
      describe(x))
  elseif kinds == 'holomorphic' and not is_complex(x) then
    core.raise('%s: argument %d is %s; a holomorphic function is one of complex numbers', who, i,
      describe(x))
  elseif kinds == 'real' and is_complex(x) then
    core.raise('%s: argument %d is %s, which goes two ways; give real and imaginary part as two '
      .. 'arguments, or holomorphic = true where the function is', who, i, describe(x))
  end
end

-- Arguments with placeholders for the leaves of those that are differentiated.
local function open_arguments(who, given, n, chosen, kinds)
  local inner, actual, holes = {}, {}, {}
  for i = 1, n do inner[i] = given[i] end
  for _, i in ipairs(chosen) do
    if i < 1 or i > n then core.raise('%s: there is no argument %d', who, i) end
    inner[i] = tree.map(function(x)
      if not array.is(x) and type(x) ~= 'number' and not complex.is(x) then
        core.raise('%s: argument %d must be an Array or a number, got %s', who, i, core.kind(x))
      end
      local lifted = array.lift(x)
      check_variable(who, i, lifted, kinds)
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
  local trees = {}
  for k, i in ipairs(chosen) do trees[k] = like[i] end
  return tree.unflatten(trees, list)
end

local rows = {
  argnums = { 'integer', 'table', default = 1 }, holomorphic = { 'boolean', default = false },
  has_aux = { 'boolean', default = false },
}
local function derivative_options(who, opts)
  if type(opts) == 'number' then opts = { argnums = opts } end
  return args.take(who, opts, rows)
end

local function value_and_grad(who, fn, opts)
  callable(who, fn)
  local o = derivative_options(who, opts)
  local chosen = argument_list(who, o.argnums)
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return scoped(function(graph)
      local inner, actual, holes = open_arguments(who, given, n, chosen,
        o.holomorphic and 'holomorphic')
      local y, aux = fn(unpack(inner, 1, n))
      if y == nil then core.raise('%s: the function gives nothing', who) end
      y = lift_result(who, y)
      local fits = o.holomorphic and is_complex or is_real
      if #y.shape > 0 or not fits(y) then
        core.raise('%s: the function must give one %s number, got %s', who,
          o.holomorphic and 'complex' or 'real', describe(y))
      end
      local list = pull(graph, { y }, { array.lift(1, y.dtype) }, holes)
      list[#list + 1] = y
      if o.has_aux then
        for _, leaf in ipairs(tree.leaves(aux)) do list[#list + 1] = lift_result(who, leaf) end
      end
      list = substitute(graph, list, holes, actual)
      local dx = take_trees(list, given, chosen)
      local value = list[#holes + 1]
      if o.has_aux then aux = tree.unflatten(aux, list, #holes + 2) end
      return value, type(o.argnums) == 'table' and dx or dx[1], aux
    end)
  end)
end

--- Value and derivative of a function that gives one number.
-- @tparam function fn (x, ...) -> Array of shape (); with has_aux also a tree of arrays
-- @tparam[opt] table opts `argnums` (1): an argument, or a list; `has_aux`; `holomorphic`: the
-- function is one of complex numbers and gives one, and the result is its complex derivative. Of a
-- function that gives a real number of complex z, the derivative d is such that moving z by t adds
-- Re(d t), as in JAX
-- @treturn function (x, ...) -> value, derivative: a tree like x (a list of them for a list), aux
-- @raise a function that does not give one number
-- @usage local value, slope = imnn.value_and_grad(f)(np.array { 1, 2 }) --> 5, { 2, 4 }
function M.value_and_grad(fn, opts) return value_and_grad('value_and_grad', fn, opts) end

--- Derivative of a function that gives one number: a tree like its argument.
-- @tparam function fn (x, ...) -> Array of shape ()
-- @tparam[opt] number|table opts `argnums` (1), `has_aux`, `holomorphic`, as for value_and_grad; or
-- argnums alone
-- @treturn function (x, ...) -> derivative, aux
-- @raise a function that does not give one number
-- @usage imnn.grad(f)(np.array { 1, 2 }) --> { 2, 4 }
-- imnn.grad(imnn.grad(np.sin))(0) --> 0
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
  if dx[0] == 0 then return array.lift(np.zeros(shape, hole.dtype)) end
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
    if not array.is(v) and type(v) ~= 'number' and not complex.is(v) then
      core.raise('%s must be of Arrays or numbers, got %s', what, core.kind(v))
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
  local o = derivative_options(who, opts)
  local chosen = argument_list(who, o.argnums)
  local function fits(y) return is_real(y) or sweep == forward and is_complex(y) end
  return transformed(function(...)
    local n, given = select('#', ...), { ... }
    return scoped(function(graph)
      local kinds = o.holomorphic and 'holomorphic' or sweep == forward and 'real'
      local inner, actual, holes = open_arguments(who, given, n, chosen, kinds)
      local value, aux = fn(unpack(inner, 1, n))
      local list, leaves = {}, leaves_of(who, value)
      for _, y in ipairs(leaves) do
        if not (o.holomorphic and is_complex or fits)(y) then
          core.raise('%s: the function must give %s arrays, got %s', who,
            o.holomorphic and 'complex' or 'real', describe(y))
        end
        for _, hole in ipairs(holes) do list[#list + 1] = sweep(graph, y, hole) end
      end
      for _, y in ipairs(leaves) do list[#list + 1] = y end
      for _, y in ipairs(o.has_aux and leaves_of(who, aux) or {}) do list[#list + 1] = y end
      list = substitute(graph, list, holes, actual)
      local at = 0
      local J = tree.map(function()
        local mine = {}
        for k = 1, #holes do mine[k] = list[at + k] end
        at = at + #holes
        local dx = take_trees(mine, given, chosen)
        return type(o.argnums) == 'table' and dx or dx[1]
      end, value)
      aux = o.has_aux and tree.unflatten(aux, list, at + #leaves + 1) or nil
      if not with_value then return J, aux end
      return tree.unflatten(value, list, at + 1), J, aux
    end)
  end)
end

--- Jacobian by forward sweeps, for few variables: shape of the result, then that of the variable.
-- @tparam function fn
-- @tparam[opt] number|table opts `argnums` (1), `has_aux`: fn gives a second result, which is
-- passed on behind the Jacobian
-- @treturn function with the arguments of fn
-- @usage imnn.jacfwd(function(v) return v * v end)(np.array { 1, 2 }) --> { { 2, 0 }, { 0, 4 } }
function M.jacfwd(fn, opts) return jacobian('jacfwd', forward, fn, opts) end

--- Jacobian by reverse sweeps, for few results.
-- @tparam function fn
-- @tparam[opt] number|table opts `argnums` (1), `holomorphic`, `has_aux`
-- @treturn function with the arguments of fn
-- @usage imnn.jacrev(function(v) return v * v end)(np.array { 1, 2 }) --> { { 2, 0 }, { 0, 4 } }
function M.jacrev(fn, opts) return jacobian('jacrev', backward, fn, opts) end

--- Value and Jacobian from one trace, by forward sweeps.
-- @tparam function fn
-- @tparam[opt] number|table opts `argnums` (1), `holomorphic`, `has_aux`
-- @treturn function with the arguments of fn -> value, Jacobian, aux
-- @usage local square = function(v) return v * v end
-- local y, J = imnn.value_and_jacfwd(square)(np.array { 3 }) --> { 9 }, { { 6 } }
function M.value_and_jacfwd(fn, opts) return jacobian('value_and_jacfwd', forward, fn, opts,
  true) end

--- Value and Jacobian from one trace, by reverse sweeps.
-- @tparam function fn
-- @tparam[opt] number|table opts `argnums` (1), `holomorphic`, `has_aux`
-- @treturn function with the arguments of fn -> value, Jacobian, aux
-- @usage local square = function(v) return v * v end
-- local y, J = imnn.value_and_jacrev(square)(np.array { 3 }) --> { 9 }, { { 6 } }
function M.value_and_jacrev(fn, opts) return jacobian('value_and_jacrev', backward, fn, opts,
  true) end

--- Second derivatives of a function that gives one number.
-- @tparam function fn
-- @tparam[opt] number|table opts `argnums` (1)
-- @treturn function with the arguments of fn
-- @usage imnn.hessian(f)(np.array { 1, 2 }) --> { { 2, 0 }, { 0, 2 } }
function M.hessian(fn, opts)
  return jacobian('hessian', forward, jacobian('hessian', backward, fn, opts), opts)
end

--- Forward derivative.
-- @tparam function fn
-- @tparam table primals list of arguments
-- @tparam table tangents list of trees like them
-- @treturn value
-- @treturn tangent, a tree like the value
-- @raise tangents that are not like the arguments
-- @usage local y, dy = imnn.jvp(np.sin, { np.array(0) }, { np.array(1) }) --> 0, 1
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
      return tree.unflatten(value, list), tree.unflatten(value, list, #y + 1)
    end)
  end)(primals, tangents)
end

--- Reverse derivative.
-- @tparam function fn
-- @param ... its arguments
-- @treturn value
-- @treturn function cotangent (a tree like the value) -> cotangents of the arguments
-- @raise a cotangent that is not like the value
-- @usage local y, pull = imnn.vjp(np.sin, np.array(0))
-- pull(np.array(2)) --> 2
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

return M
