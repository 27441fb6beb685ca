--- Reductions: over one axis, several, or all without `axis`; `keepdims` leaves axes of size 1.
-- @module imnn.numpy.reduce
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local promote = require 'imnn.numpy.promote'
local M = {}

-- Zero-based axes, sorted; all of them without `axis`.
local function axes_of(who, x, axis)
  local n, list, out, seen = #x.shape, axis, {}, {}
  if axis == nil then
    list = {}
    for k = 1, n do list[k] = k end
  elseif type(axis) == 'number' then list = { axis } end
  for i, a in ipairs(list) do
    out[i] = core.index(a, n, who .. ': no axis')
    if seen[out[i]] then core.raise('%s: axis %d is given twice', who, a) end
    seen[out[i]] = true
  end
  table.sort(out)
  return out
end

local function reduce(name, x, axes)
  local last = #axes
  while last > 0 do -- runs of adjacent axes, last one first
    local first = last
    while first > 1 and axes[first - 1] == axes[first] - 1 do first = first - 1 end
    x = array.apply(name, { x }, { axes[first], axes[last] - axes[first] + 1 })
    last = first - 1
  end
  return x
end

local function restore(y, shape, axes)
  local out = { unpack(shape) }
  for _, a in ipairs(axes) do out[a + 1] = 1 end
  return array.apply('reshape', { y }, out)
end

local reduction_rows = {
  axis = { 'integer', 'table', optional = true },
  keepdims = { 'boolean', default = false },
}
local variance_rows = {
  axis = reduction_rows.axis, keepdims = reduction_rows.keepdims, ddof = { 'number', default = 0 },
}

local position_rows = {
  axis = { 'integer', optional = true },
  keepdims = { 'boolean', default = false },
}

local function options(who, opts, rows)
  if type(opts) == 'number' then opts = { axis = opts } end
  return args.take('np.' .. who, opts, rows)
end

local function count(x, axes)
  local n, shape = 1, x.shape
  for _, a in ipairs(axes) do n = n * shape[a + 1] end
  return n
end

-- fn(x, axes, options) -> array without these axes
local function reduction(name, fn, rows)
  M[name] = function(x, opts)
    local o = options(name, opts, rows or reduction_rows)
    x = create.as_array(x, 'np.' .. name)
    local axes = axes_of('np.' .. name, x, o.axis)
    local y = fn(x, axes, o)
    return o.keepdims and restore(y, x.shape, axes) or y
  end
end

local function real(x)
  return (x.dtype == 'f32' or x.dtype == 'f64') and x or promote.convert(x, 'f32')
end
local function numbers(x) return x.dtype == 'bool' and promote.convert(x, 'i32') or x end

reduction('sum', function(x, axes) return reduce('sum', numbers(x), axes) end)
reduction('prod', function(x, axes) return reduce('prod', numbers(x), axes) end)
reduction('max', function(x, axes) return reduce('max', x, axes) end)
reduction('min', function(x, axes) return reduce('min', x, axes) end)

-- Of no elements none holds, and all do.
local function truth(name, of_none)
  return function(x, axes)
    if count(x, axes) > 0 then return reduce(name, promote.convert(x, 'bool'), axes) end
    return elementwise('gt', reduce('sum', promote.convert(x, 'i32'), axes), of_none)
  end
end
reduction('any', truth('max', 0))
reduction('all', truth('min', -1))
reduction('mean', function(x, axes) return reduce('sum', real(x), axes) / count(x, axes) end)

local function variance(x, axes, o)
  x = real(x)
  local n = count(x, axes)
  local d = x - restore(reduce('sum', x, axes) / n, x.shape, axes)
  return reduce('sum', d * d, axes) / (n - o.ddof)
end
reduction('var', variance, variance_rows)
reduction('std', function(x, axes, o) return elementwise('sqrt', variance(x, axes, o)) end,
  variance_rows)
reduction('logsumexp', function(x, axes)
  x = real(x)
  local top = array.apply('stop_gradient', { reduce('max', x, axes) })
  top = elementwise('where', elementwise('isfinite', top), top, 0)
  local total = reduce('sum', elementwise('exp', x - restore(top, x.shape, axes)), axes)
  return elementwise('log', total) + top
end)
reduction('norm', function(x, axes)
  x = real(x)
  return elementwise('sqrt', reduce('sum', x * x, axes))
end)

for _, name in ipairs { 'argmax', 'argmin' } do
  --- Position of the first extremum, from 1; without an axis in the flattened array.
  M[name] = function(x, opts)
    local o = options(name, opts, position_rows)
    x = create.as_array(x, 'np.' .. name)
    if o.axis == nil then x = x:ravel() end
    local axis = core.index(o.axis or 1, #x.shape, 'np.' .. name .. ': no axis')
    local y = array.apply(name, { x }, { axis }) + 1
    return o.keepdims and restore(y, x.shape, { axis }) or y
  end
end

return M
