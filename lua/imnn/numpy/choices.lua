--- One of several arrays, element by element; functions of parts of arrays.
-- @module imnn.numpy.choices
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local shapes = require 'imnn.numpy.shape'
local M = {}

local function list_of(who, what, list)
  if type(list) ~= 'table' or #list == 0 then
    core.raise('%s: needs a list of %s, got %s', who, what,
      type(list) == 'table' and 'none' or core.kind(list))
  end
  return list
end

--- Elements of the choice that belongs to the first condition that holds.
-- @tparam table conditions bool Arrays
-- @tparam table choices as many Arrays or numbers; all shapes broadcast
-- @tparam[opt=0] Array|number default where no condition holds
-- @treturn Array
-- @usage local t = np.arange(4)
-- np.select({ np.lt(t, 1), np.gt(t, 2) }, { -t - 1, 10 * t }) --> { -1, 0, 0, 30 }
function M.select(conditions, choices, default)
  list_of('select', 'conditions', conditions)
  list_of('select', 'choices', choices)
  if #conditions ~= #choices then
    core.raise('select: %d conditions for %d choices', #conditions, #choices)
  end
  local y = default or 0
  for i = #conditions, 1, -1 do y = elementwise('where', conditions[i], choices[i], y) end
  return y
end

--- Elements of the choice whose position (from 1) stands in `which`.
-- @tparam Array|number|table which positions, which broadcast with the choices
-- @tparam table choices Arrays or numbers
-- @tparam[opt='raise'] string mode of positions that there are not: 'raise'; 'clip': limited;
-- 'wrap': 0 is the last choice
-- @treturn Array
-- @raise positions that there are not, where they are known; traced ones are limited
-- @usage np.choose({ 1, 2, 1 }, { { 1, 2, 3 }, { 10, 20, 30 } }) --> { 1, 20, 3 }
-- np.choose({ 0, 3 }, { 5, 6 }, { mode = 'wrap' }) --> { 6, 5 }
function M.choose(which, choices, mode)
  list_of('choose', 'choices', choices)
  mode = index.mode('choose', mode)
  local i, y = index.zero_based(which, #choices, 'choose', mode), choices[#choices]
  if #choices == 1 then return elementwise('where', elementwise('eq', i, i), y, y) end
  for k = #choices - 1, 1, -1 do
    y = elementwise('where', elementwise('lt', i, k), choices[k], y)
  end
  return y
end

--- A function that is given in pieces: where the k-th condition holds (of several the last one that
-- does), the k-th function of x.
-- @tparam Array x
-- @tparam table conditions bool Arrays like x
-- @tparam table functions as many functions (x, ...) -> Array like x, or numbers; one more is for
-- where no condition holds (0 without it)
-- @param ... further arguments of the functions
-- @treturn Array like x, in its dtype
-- @usage local t = np.array { -1, 2 }
-- np.piecewise(t, { np.lt(t, 0) }, { function(v) return -v end, 5 }) --> { 1, 5 }
function M.piecewise(x, conditions, functions, ...)
  x = create.as_array(x, 'piecewise')
  if array.is(conditions) then conditions = { conditions } end
  list_of('piecewise', 'conditions', conditions)
  list_of('piecewise', 'functions', functions)
  local n = #conditions
  if #functions ~= n and #functions ~= n + 1 then
    core.raise('piecewise: %d conditions take %d functions or one more, got %d', n, n, #functions)
  end
  local function value(fn, ...)
    if type(fn) == 'function' or type(fn) == 'table' and not array.liftable(fn) then
      fn = fn(x, ...)
    end
    return promote.convert(create.as_array(fn, 'piecewise'), x.dtype)
  end
  local y = functions[n + 1] ~= nil and value(functions[n + 1], ...) or create.zeros_like(x)
  for k = 1, n do y = elementwise('where', conditions[k], value(functions[k], ...), y) end
  return array.apply('broadcast', { y }, x.shape, 'piecewise')
end

--- A function of all lists along an axis.
-- @tparam function fn (list (n), ...) -> Array of any shape, the same for all lists
-- @tparam number axis
-- @tparam Array x
-- @param ... further arguments of fn, as they are
-- @treturn Array the axes of what fn gives in place of the axis
-- @raise what is no function, or no axis
-- @usage np.apply_along_axis(function(v) return v:max() - v[1] end, 2, x) --> { 2, 2 }
function M.apply_along_axis(fn, axis, x, ...)
  local who = 'apply_along_axis'
  require('imnn.transform.common').callable(who, fn)
  x = create.as_array(x, who)
  local k = core.index(axis, x.ndim, who .. ': no axis') + 1
  local lists = shapes.moveaxis(x, k, -1)
  local rest, more, n = lists.shape, { ... }, select('#', ...)
  local length = table.remove(rest)
  local y = require('imnn.transform.vmap').vmap(function(list)
    return create.as_array(fn(list, unpack(more, 1, n)), who)
  end)(shapes.reshape(lists, { x.size / math.max(length, 1), length }))
  local sizes, from, to = { unpack(rest) }, {}, {}
  for i = 2, y.ndim do
    sizes[#sizes + 1] = y.shape[i]
    from[i - 1], to[i - 1] = #sizes, k + i - 2
  end
  y = shapes.reshape(y, sizes)
  return #from > 0 and shapes.moveaxis(y, from, to) or y
end

--- What a function gives for the positions of all elements.
-- @tparam function fn (i, j, ...) of as many Arrays as there are axes, positions from 1
-- @tparam number|table shape
-- @tparam[opt] string dtype of the positions: the default one
-- @return what fn gives
-- @usage np.fromfunction(function(i, j) return i * 10 + j end, { 2, 2 })
-- --> { { 11, 12 }, { 21, 22 } }
function M.fromfunction(fn, shape, dtype)
  require('imnn.transform.common').callable('fromfunction', fn)
  array.c_shape(shape, 'fromfunction')
  local sizes, places = type(shape) == 'number' and { shape } or shape, {}
  for k = 1, #sizes do
    places[k] = create.iota(dtype or array.default_dtype(), sizes, k) + 1
  end
  return fn(unpack(places))
end

return M
