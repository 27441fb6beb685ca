--- Axes that functions work along: what scripts give for them, and how results get them back.
-- @module imnn.numpy.axes
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local M = {}

--- Rows of options: one axis, or several; where the axes stay as axes of size 1.
M.one = { axis = { 'integer', 'boolean', optional = true } }
M.several = {
  axis = { 'integer', 'table', optional = true }, keepdims = { 'boolean', default = false },
}

--- Options of a function, which may be an axis only or a list of axes.
-- @tparam string who
-- @tparam number|table|nil opts
-- @tparam table rows as for args.take
-- @treturn table
function M.options(who, opts, rows)
  if type(opts) == 'number' or opts == false or type(opts) == 'table' and #opts > 0 then
    opts = { axis = opts }
  end
  return args.take('np.' .. who, opts, rows)
end

--- Zero-based axes of an array of n axes, in the order in which they are given.
-- @tparam string who
-- @tparam number|table axes one, or a list
-- @tparam number n
-- @tparam[opt='axis'] string what they are called in messages
-- @treturn table list
-- @treturn table which are in it
-- @raise what is no axis, an axis that is given twice
function M.given(who, axes, n, what)
  local out, seen = {}, {}
  for i, a in ipairs(type(axes) == 'table' and axes or { axes or false }) do
    out[i] = core.index(a or nil, n, who .. ': no ' .. (what or 'axis'))
    if seen[out[i]] then core.raise('%s: axis %d is given twice', who, a) end
    seen[out[i]] = true
  end
  return out, seen
end

--- Zero-based axes, sorted; all of them without `axis`.
function M.list(who, x, axis)
  local out = {}
  if axis == nil then
    for k = 1, x.ndim do out[k] = k - 1 end
    return out
  end
  out = M.given(who, axis, x.ndim)
  table.sort(out)
  return out
end

--- An array and its zero-based axis to work along: the last one by default; `false` flattens.
function M.along(who, x, axis)
  if axis == false then return array.apply('reshape', { x }, { x.size }), 0 end
  return x, core.index(axis or -1, x.ndim, who .. ': no axis')
end

--- One of the four reductions of the table over zero-based sorted axes.
function M.reduce(name, x, axes)
  local last = #axes
  while last > 0 do -- runs of adjacent axes, last one first
    local first = last
    while first > 1 and axes[first - 1] == axes[first] - 1 do first = first - 1 end
    x = array.apply(name, { x }, { axes[first], axes[last] - axes[first] + 1 })
    last = first - 1
  end
  return x
end

--- y with axes of size 1 where an array of this shape has been reduced.
function M.restore(y, shape, axes)
  local out = { unpack(shape) }
  for _, a in ipairs(axes) do out[a + 1] = 1 end
  return array.apply('reshape', { y }, out)
end

--- The shape of two that broadcast.
-- @tparam string who
-- @tparam table a
-- @tparam table b
-- @tparam[opt='shapes'] string what they are called in messages
-- @raise shapes that do not fit
function M.joined(who, a, b, what)
  local out, n = {}, math.max(#a, #b)
  for k = 1, n do
    local p, q = a[k - n + #a] or 1, b[k - n + #b] or 1
    if p ~= q and p ~= 1 and q ~= 1 then
      core.raise('%s: %s do not broadcast, (%s) and (%s)', who, what or 'shapes',
        table.concat(a, ', '), table.concat(b, ', '))
    end
    out[k] = p == 1 and q or p
  end
  return out
end

--- Number of elements along the axes.
function M.count(x, axes)
  local n, shape = 1, x.shape
  for _, a in ipairs(axes) do n = n * shape[a + 1] end
  return n
end

--- x (with its axes at the end, as one).
function M.behind(x, axes)
  local order, sizes, chosen, shape = {}, {}, {}, x.shape
  for _, a in ipairs(axes) do chosen[a] = true end
  for k = 0, #shape - 1 do
    if not chosen[k] then
      order[#order + 1] = k
      sizes[#sizes + 1] = shape[k + 1]
    end
  end
  for _, a in ipairs(axes) do order[#order + 1] = a end
  sizes[#sizes + 1] = M.count(x, axes)
  return array.apply('reshape', { array.apply('transpose', { x }, order) }, sizes)
end

return M
