--- Positions of elements, from 1: in flattened arrays and along axes, of triangles and diagonals.
-- @module imnn.numpy.positions
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local matrices = require 'imnn.numpy.matrices'
local promote = require 'imnn.numpy.promote'
local shapes = require 'imnn.numpy.shape'
local M = {}

-- Sizes of axes, and how many elements there are.
local function sizes_of(who, shape)
  array.c_shape(shape, who)
  if type(shape) == 'number' then shape = { shape } end
  local all = 1
  for _, n in ipairs(shape) do all = all * n end
  if all >= 2 ^ 31 then core.raise('%s: %.0f elements are more than i32 can count', who, all) end
  return shape, all
end

local function limited(i, n)
  return elementwise('minimum', elementwise('maximum', i, 0), math.max(n - 1, 0))
end

--- Positions along each axis of elements of a flattened array.
-- @tparam Array|number|table indices from 1, negative ones from the end
-- @tparam table shape of the array
-- @treturn Array i32, one for each axis, like the indices
-- @raise positions that the shape does not have, where they are known; traced ones are limited
-- @usage local i, j = np.unravel_index({ 1, 6 }, { 2, 3 }) --> { 1, 2 }, { 1, 3 }
function M.unravel_index(indices, shape)
  local sizes, all = sizes_of('unravel_index', shape)
  local left, out = limited(index.zero_based(indices, all, 'unravel_index'), all), {}
  for k = #sizes, 1, -1 do
    out[k] = elementwise('remainder', left, sizes[k]) + 1
    left = elementwise('floor_divide', left, sizes[k])
  end
  return unpack(out)
end

--- Positions in the flattened array from those along each axis.
-- @tparam table indices for each axis an Array, a number or a table; their shapes broadcast
-- @tparam table shape of the array
-- @tparam[opt] table opts mode of positions that an axis does not have: 'raise' (the default,
-- where they are known; traced ones are limited), 'clip' (limited) or 'wrap' (0 is the last one)
-- @treturn Array i32, from 1
-- @usage np.ravel_multi_index({ { 1, 2 }, { 1, 3 } }, { 2, 3 }) --> { 1, 6 }
function M.ravel_multi_index(indices, shape, opts)
  local who = 'ravel_multi_index'
  local mode = index.mode(who, args.take(who, opts, { mode = { 'string', optional = true } }).mode)
  local sizes = sizes_of(who, shape)
  if type(indices) ~= 'table' or #indices ~= #sizes then
    core.raise('%s: needs positions for each of %d axes, got %s', who, #sizes,
      type(indices) == 'table' and #indices or core.kind(indices))
  end
  local flat = create.zeros({}, 'i32')
  for k, n in ipairs(sizes) do
    flat = flat * n + limited(index.zero_based(indices[k], n, who, mode), n)
  end
  return flat + 1
end

local function triangle(who, part)
  return function(n, k, m)
    m = m or n
    core.count(who, n)
    core.count(who, m)
    local places = index.where_true(part(create.ones { n, m }, k))
    return places[1] + 1, places[2] + 1
  end
end

--- Positions of the elements of a triangle of a matrix (n, m), row by row.
-- @tparam number n rows
-- @tparam[opt=0] number k the diagonal where the triangle ends
-- @tparam[opt=n] number m columns
-- @treturn Array i32, rows
-- @treturn Array i32, columns
-- @usage local i, j = np.NAME(2)
-- @each tril_indices On the diagonal and below
-- @each triu_indices On the diagonal and above

M.tril_indices = triangle('tril_indices', matrices.tril)
M.triu_indices = triangle('triu_indices', matrices.triu)

--- Positions of the elements of the diagonal of an array of n elements along each axis.
-- @tparam number n
-- @tparam[opt=2] number ndim axes
-- @treturn Array i32, as many times as there are axes
-- @usage local i, j = np.diag_indices(2) --> { 1, 2 }, { 1, 2 }
function M.diag_indices(n, ndim)
  core.count('diag_indices', n)
  ndim = args.argument('diag_indices', 'ndim', ndim, { 'integer', default = 2 })
  if ndim < 1 or ndim > 8 then core.raise('diag_indices: 1 to 8 axes, got %d', ndim) end
  local out = {}
  for k = 1, ndim do out[k] = create.arange(1, n + 1) end
  return unpack(out)
end

--- Lists of positions that choose every combination: x[{ np.ix_(rows, columns) }] are the rows and
-- columns that the lists name.
-- @param ... lists of positions (Arrays, tables), or bool ones of where to choose
-- @treturn Array i32, as many as lists, the k-th along axis k
-- @usage x[{ np.ix_({ 2, 1 }, { 1, 3 }) }] --> { { 4, 6 }, { 1, 3 } }
function M.ix_(...)
  local n, out = select('#', ...), {}
  if n < 1 or n > 8 then core.raise('ix_: needs 1 to 8 lists of positions, got %d', n) end
  for k = 1, n do
    local list = create.as_array((select(k, ...)), 'ix_')
    if list.ndim ~= 1 then
      core.raise('ix_: list %d has one axis, got (%s)', k, table.concat(list.shape, ', '))
    end
    if list.dtype == 'bool' then list = index.where_true(list)[1] + 1 end
    local sizes = {}
    for i = 1, n do sizes[i] = i == k and list.size or 1 end
    out[k] = shapes.reshape(promote.convert(list, 'i32'), sizes)
  end
  return unpack(out)
end

return M
