--- Arrays side by side, and cut in parts.
-- @module imnn.numpy.join
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local shape = require 'imnn.numpy.shape'
local M = {}

local function common(list, who)
  if type(list) ~= 'table' or #list == 0 then core.raise('%s: needs a list of arrays', who) end
  local out = {}
  for i = 1, #list do
    out[i] = type(list[i]) == 'number' and list[i] or create.as_array(list[i], who)
  end
  local dtype = promote.dtype(out) -- where a number takes the dtype of the arrays
  for i, x in ipairs(out) do out[i] = promote.convert(x, dtype) end
  return out
end

--- Arrays one after the other along an axis (1); `false` flattens them first.
-- @tparam table list Arrays whose other axes are equal; numbers take the dtype of the arrays
-- @tparam[opt=1] number|boolean axis
-- @treturn Array
-- @raise shapes that do not fit
-- @usage np.concatenate { np.array { 1, 2 }, np.array { 3 } } --> { 1, 2, 3 }
function M.concatenate(list, axis)
  list = common(list, 'concatenate')
  if axis == false then
    for i, x in ipairs(list) do list[i] = shape.ravel(x) end
    axis = 1
  end
  return array.apply('concatenate', list,
    { core.index(axis or 1, list[1].ndim, 'concatenate: no axis') })
end

--- Arrays of equal shape side by side along a new axis (1).
-- @tparam table list Arrays
-- @tparam[opt=1] number axis where the new axis is in the result
-- @treturn Array
-- @raise shapes that differ
-- @usage np.stack({ np.array { 1, 2 }, np.array { 3, 4 } }, 2) --> { { 1, 3 }, { 2, 4 } }
function M.stack(list, axis)
  list = common(list, 'stack')
  local sizes = table.concat(list[1].shape, ', ')
  for i, x in ipairs(list) do
    if table.concat(x.shape, ', ') ~= sizes then
      core.raise('stack: shapes differ, (%s) and (%s)', sizes, table.concat(x.shape, ', '))
    end
    list[i] = shape.expand_dims(x, axis or 1)
  end
  return M.concatenate(list, axis or 1)
end

local function joined(name, at_least, axis)
  return function(list)
    list = common(list, name)
    for i, x in ipairs(list) do list[i] = shape[at_least](x) end
    return M.concatenate(list, name == 'hstack' and list[1].ndim == 1 and 1 or axis)
  end
end

--- One below the other: along axis 1, of which lists are rows.
-- @tparam table list Arrays
-- @treturn Array
-- @usage np.vstack { np.array { 1, 2 }, np.array { 3, 4 } } --> { { 1, 2 }, { 3, 4 } }
M.vstack = joined('vstack', 'atleast_2d', 1)
--- Side by side: along axis 2, or the only one of lists.
-- @tparam table list Arrays
-- @treturn Array
-- @usage np.hstack { np.array { 1, 2 }, np.array { 3 } } --> { 1, 2, 3 }
M.hstack = joined('hstack', 'atleast_1d', 2)
--- One behind the other: along axis 3.
-- @tparam table list Arrays
-- @treturn Array
-- @usage np.dstack { np.array { 1, 2 }, np.array { 3, 4 } } --> { { { 1, 3 }, { 2, 4 } } }
M.dstack = joined('dstack', 'atleast_3d', 3)

--- Lists as columns of a matrix, beside matrices.
-- @tparam table list Arrays (n) or (n, k)
-- @treturn Array (n, columns)
-- @usage np.column_stack { np.array { 1, 2 }, np.array { 3, 4 } } --> { { 1, 3 }, { 2, 4 } }
function M.column_stack(list)
  list = common(list, 'column_stack')
  for i, x in ipairs(list) do
    list[i] = x.ndim < 2 and shape.reshape(x, { x.size, 1 }) or x
  end
  return M.concatenate(list, 2)
end

--- An array of blocks: lists of lists ... of arrays, the innermost side by side along the last
-- axis, those around them along the axis before.
-- @tparam table blocks Arrays and numbers in lists of one depth
-- @treturn Array
-- @raise lists of different depths, blocks that do not fit
-- @usage np.block { { np.eye(1), np.zeros { 1, 1 } }, { np.array { { 5, 6 } } } }
-- --> { { 1, 0 }, { 5, 6 } }
function M.block(blocks)
  local leaves, list, depth, most, done = {}, {}, nil, 0, 0
  local function visit(x, level)
    if type(x) ~= 'table' then
      if depth and depth ~= level then
        core.raise('block: blocks lie in lists of one depth, got %d and %d', depth, level)
      end
      local y = create.as_array(x, 'block')
      depth, most = level, math.max(most, y.ndim)
      leaves[#leaves + 1], list[#list + 1] = y, x
      return
    end
    if #x == 0 then core.raise 'block: a list of blocks is empty' end
    if level == 8 then core.raise 'block: at most 8 axes' end
    for i = 1, #x do visit(x[i], level + 1) end
  end
  visit(blocks, 0)
  most = math.max(most, depth)
  local dtype = promote.dtype(list)
  local function join(x, level)
    if type(x) ~= 'table' then
      done = done + 1
      local sizes = leaves[done].shape
      while #sizes < most do table.insert(sizes, 1, 1) end
      return shape.reshape(promote.convert(leaves[done], dtype), sizes)
    end
    local parts = {}
    for i = 1, #x do parts[i] = join(x[i], level + 1) end
    return M.concatenate(parts, most - depth + level + 1)
  end
  return join(blocks, 0)
end

--- x with more behind it along an axis; without one, both flattened.
-- @tparam Array x
-- @tparam Array|number more
-- @tparam[opt] number axis
-- @treturn Array
-- @usage np.append(np.array { 1, 2 }, np.array { 3 }) --> { 1, 2, 3 }
function M.append(x, more, axis)
  return M.concatenate({ create.as_array(x, 'np.append'), more }, axis or false)
end

-- The part of x from `first` to `last` (none where it is smaller) along an axis.
local function part(x, axis, first, last)
  local key = {}
  for k = 1, x.ndim do key[k] = {} end
  key[axis] = last >= first and { first, last } or { 2, 1 }
  return x[key]
end

-- Parts that end behind these numbers of elements.
local function cut(x, axis, ends)
  local out, first = {}, 1
  for i, last in ipairs(ends) do
    out[i] = part(x, axis, first, last)
    first = math.max(first, last + 1)
  end
  return unpack(out)
end

local function split(who, x, sections, axis, evenly)
  x = create.as_array(x, who)
  axis = core.index(axis or 1, x.ndim, who .. ': no axis') + 1
  local n, ends = x.shape[axis], {}
  if type(sections) == 'table' then
    for i, last in ipairs(sections) do
      if type(last) ~= 'number' or last % 1 ~= 0 then
        core.raise('%s: cuts are whole numbers of elements, got %s', who, tostring(last))
      end
      ends[i] = math.min(math.max(last < 0 and n + last or last, 0), n)
    end
    ends[#ends + 1] = n
    return cut(x, axis, ends)
  end
  if type(sections) ~= 'number' or sections % 1 ~= 0 or sections < 1 then
    core.raise('%s: needs the number of parts or a list of cuts, got %s', who, tostring(sections))
  end
  if evenly and n % sections ~= 0 then
    core.raise('%s: %d elements along axis %d are no %d equal parts', who, n, axis, sections)
  end
  local each, more = math.floor(n / sections), n % sections
  for i = 1, sections do ends[i] = i * each + math.min(i, more) end
  return cut(x, axis, ends)
end

--- Parts along an axis (1), as several values.
-- @tparam Array x
-- @tparam number|table sections number of equal parts, or after how many elements to cut
-- @tparam[opt=1] number axis
-- @treturn Array as many values as parts
-- @usage local a, b = np.split({ 1, 2, 3 }, { 1 }) --> { 1 }, { 2, 3 }
function M.split(x, sections, axis) return split('split', x, sections, axis, true) end

--- Parts along an axis that may differ by one element, the longer ones first.
-- @tparam Array x
-- @tparam number|table sections how many parts, or behind how many elements to cut
-- @tparam[opt=1] number axis
-- @treturn Array as many values as parts
-- @usage local a, b = np.array_split(np.arange(3), 2) --> { 0, 1 }, { 2 }
function M.array_split(x, sections, axis) return split('array_split', x, sections, axis, false) end

--- Parts along axis 1, as `split` gives them.
-- @tparam Array x
-- @tparam number|table sections
-- @treturn Array as many values as parts
-- @usage local a, b = np.vsplit(x, 2) --> { { 1, 2, 3 } }, { { 4, 5, 6 } }
function M.vsplit(x, sections) return split('vsplit', x, sections, 1, true) end

--- Parts along axis 2, or the only one of lists, as `split` gives them.
-- @tparam Array x
-- @tparam number|table sections
-- @treturn Array as many values as parts
-- @usage local a, b = np.hsplit(x, { 1 }) --> { { 1 }, { 4 } }, { { 2, 3 }, { 5, 6 } }
function M.hsplit(x, sections)
  x = create.as_array(x, 'hsplit')
  return split('hsplit', x, sections, x.ndim > 1 and 2 or 1, true)
end

--- Parts along axis 3, as `split` gives them.
-- @tparam Array x
-- @tparam number|table sections
-- @treturn Array as many values as parts
-- @usage local a, b = np.dsplit(np.zeros { 2, 3, 4 }, 2)
function M.dsplit(x, sections) return split('dsplit', x, sections, 3, true) end

return M
