--- Arrays with more elements around them.
-- @module imnn.numpy.pad
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local M = {}

-- Zero-based position in n elements of place i, which may be outside.
local continued = {
  edge = function(i, n) return math.min(math.max(i, 0), n - 1) end,
  wrap = function(i, n) return i % n end,
  reflect = function(i, n)
    local period = math.max(2 * n - 2, 1)
    i = i % period
    return i < n and i or period - i
  end,
  symmetric = function(i, n)
    i = i % (2 * n)
    return i < n and i or 2 * n - 1 - i
  end,
}

-- { before, behind } for every axis.
local function widths_of(widths, ndim)
  if type(widths) == 'number' then
    local same = widths
    widths = {}
    for k = 1, ndim do widths[k] = same end
  end
  if type(widths) == 'table' and #widths == 1 and ndim > 1 then -- as NumPy has it
    local same = widths[1]
    widths = {}
    for k = 1, ndim do widths[k] = same end
  end
  if type(widths) ~= 'table' or #widths ~= ndim then
    core.raise('pad: needs { before, behind } for each of the %d axes, got %s', ndim,
      type(widths) == 'table' and #widths or core.kind(widths))
  end
  local out = {}
  for k, w in ipairs(widths) do
    local a, b = w, w
    if type(w) == 'table' then a, b = w[1], w[2] end
    for _, width in ipairs { a or false, b or false } do
      if type(width) ~= 'number' or width % 1 ~= 0 or width < 0 then
        core.raise('pad: widths are whole numbers, 0 or more, got %s for axis %d',
          tostring(width or nil), k)
      end
    end
    out[k] = { a, b }
  end
  return out
end

local function pad_value(x, widths, value)
  local attr = {}
  for k, w in ipairs(widths) do
    attr[3 * k - 2], attr[3 * k - 1], attr[3 * k] = w[1], w[2], 0
  end
  local y = array.apply('pad', { x }, attr)
  if value == nil or value == 0 then return y end
  local inside = array.apply('pad', { create.ones(x.shape, 'bool') }, attr)
  return elementwise('where', inside, y, promote.convert(value, x.dtype))
end

local how_rows = {
  mode = { 'string', optional = true },
  constant_values = { 'number', 'Array', optional = true, any = true },
}

--- Elements before and behind those of x.
-- @tparam Array x
-- @tparam number|table widths { { before, behind }, ... } for every axis, or one pair for all; a
--   number means both, or all axes
-- @tparam[opt='constant'] number|string|table how a number to put there, or 'constant' (zeros),
--   'edge' (the outermost element), 'reflect' (mirrored at it), 'symmetric' (mirrored behind it),
--   'wrap' (from the other end); or options: mode, one of these names, and constant_values
-- @treturn Array
-- @usage np.pad({ 1, 2, 3 }, { { 2, 1 } }, 'reflect') --> { 3, 2, 1, 2, 3, 2 }
function M.pad(x, widths, how)
  x = create.as_array(x, 'np.pad')
  if type(how) == 'table' then
    local o = args.take('np.pad', how, how_rows)
    if o.constant_values ~= nil and (o.mode or 'constant') ~= 'constant' then
      core.raise('np.pad: constant_values is for mode "constant", got "%s"', o.mode)
    end
    how = o.constant_values or o.mode
  end
  widths = widths_of(widths, x.ndim)
  if type(how) ~= 'string' or how == 'constant' then
    local value = how ~= 'constant' and how or nil
    if value ~= nil and not array.liftable(value) then
      core.raise('pad: the value must be a number or an Array, got %s', core.kind(value))
    end
    return pad_value(x, widths, value)
  end
  local place = continued[how]
  if not place then
    core.raise('pad: no mode "%s"; there are "constant", "edge", "reflect", "symmetric", "wrap"',
      how)
  end
  for k, w in ipairs(widths) do
    local n, from = x.shape[k], {}
    if w[1] + w[2] > 0 then
      if n == 0 then core.raise('pad: there is nothing along axis %d to go on with', k) end
      for i = -w[1], n + w[2] - 1 do from[#from + 1] = place(i, n) end
      x = index.gather(x, create.array(from, 'i32'), k - 1)
    end
  end
  return x
end

return M
