--- x[...] as NumPy has it, counted from 1: numbers, ranges with both ends, new axes, '...', index
-- arrays (several of them are broadcast together), and masks of known values.
-- @module imnn.numpy.index
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local M = {}

M.newaxis = setmetatable({}, { __tostring = function() return 'np.newaxis' end })

-- { a, b, step } along an axis of n elements as start, count, step.
local function range(r, n, axis)
  if #r == 0 then return 0, n, 1 end
  local a, b, step = r[1], r[2], r[3] or 1
  if #r < 2 or #r > 3 or type(a) ~= 'number' or type(b) ~= 'number' or type(step) ~= 'number'
    or a % 1 ~= 0 or b % 1 ~= 0 or step % 1 ~= 0 or step == 0 then
    local parts = {}
    for i = 1, math.max(#r, 2) do parts[i] = tostring(r[i]) end
    core.raise('index: a range is { first, last } or { first, last, step } of whole numbers, got '
      .. '{%s} for axis %d', table.concat(parts, ', '), axis)
  end
  if a < 0 then a = n + 1 + a end
  if b < 0 then b = n + 1 + b end
  local count = math.max(math.floor((b - a) / step) + 1, 0)
  if count == 0 then return 0, 0, 1 end
  local last = a + (count - 1) * step
  if a < 1 or a > n or last < 1 or last > n then
    core.raise('index: range %d to %d leaves axis %d, which has %d elements', r[1], r[2], axis, n)
  end
  return a - 1, count, step
end

local function refuse(e)
  core.raise('index: entries are numbers, ranges, "...", np.newaxis or arrays, got %s',
    type(e) == 'string' and '"' .. e .. '"' or core.kind(e))
end

-- Axes that an entry takes up.
local function axes_taken(e)
  if e == M.newaxis or e == '...' then return 0 end
  if type(e) == 'string' then refuse(e) end
  return array.is(e) and e.dtype == 'bool' and e.ndim or 1
end

-- One entry for every axis and new axis: '...' is written out.
local function expand(list, ndim)
  local used, dots = 0, false
  for _, e in ipairs(list) do
    if e == '...' then
      if dots then core.raise "index: '...' may stand once" end
      dots = true
    end
    used = used + axes_taken(e)
  end
  if used > ndim then core.raise('index: %d indices for an array of %d axes', used, ndim) end
  local out = {}
  local function fill()
    for _ = 1, ndim - used do out[#out + 1] = {} end
  end
  for _, e in ipairs(list) do
    if e == '...' then fill()
    else out[#out + 1] = e end
  end
  if not dots then fill() end
  return out
end

--- Elements along an axis by zero-based indices; outside ones are clamped.
function M.gather(x, indices, axis)
  return array.apply('gather', { x, indices }, { axis })
end

-- Numbers of a script as i32.
local function of_numbers(x, what)
  if not array.traced(x) then
    for _, v in ipairs(x:values()) do
      if v % 1 ~= 0 then core.raise('%s: indices are whole numbers, got %s', what, tostring(v)) end
    end
  end
  return x:astype 'i32'
end

-- i32 positions as they were given.
local function positions(i, what)
  if type(i) == 'number' or type(i) == 'table' then
    i = of_numbers(require('imnn.numpy').array(i, 'f64'), what)
  end
  if not array.is(i) then
    core.raise('%s: indices are an Array, a number or a table, got %s', what, core.kind(i))
  elseif i.dtype == 'i32' then return i end
  if i.dtype ~= 'u32' then core.raise('%s: indices must be i32 or u32, got %s', what, i.dtype) end
  return i:astype 'i32'
end

--- Zero-based i32 indices from ones that count from 1 or from the end; -1 is the last.
-- @tparam Array|number|table i
-- @tparam number n
-- @tparam string what for messages
-- @tparam[opt='raise'] string mode of those that are not there, 0 among them: 'raise'; 'clip'
-- (those below 1 are the first, those above n the last) and 'wrap' (n + 1 is the first again, 0 the
-- last), for which negative ones do not count from the end; 'fill' leaves them outside
-- @raise outside of 1 .. n, where they are known; a traced function clamps
function M.zero_based(i, n, what, mode)
  local np = require 'imnn.numpy'
  i = positions(i, what)
  if mode == 'clip' then return np.minimum(np.maximum(i, 1), n) - 1
  elseif mode == 'wrap' then return np.remainder(i - 1, n) end
  if mode ~= 'fill' and not array.tracing() then
    local p = i:data()
    for k = 0, i.size - 1 do
      if p[k] == 0 or p[k] > n or p[k] < -n then core.index(p[k], n, what .. ': no element') end
    end
  end
  return np.where(np.lt(i, 0), i + n, i - 1)
end

--- The mode of a function, checked.
-- @tparam string what for messages
-- @tparam string|nil mode
-- @tparam[opt] boolean fill whether 'fill' is one
-- @treturn string
function M.mode(what, mode, fill)
  local modes = { raise = 'raise', clip = 'clip', wrap = 'wrap', fill = fill and 'fill' or nil }
  return args.choice(what, 'mode', args.argument(what, 'mode', mode,
    { 'string', default = 'raise' }), modes)
end
local zero_based = M.zero_based

local function no_mask_of_a_tracer()
  core.raise 'index: a mask of a traced array gives a shape that is not known yet; use np.where'
end

--- Where elements are not zero: zero-based i32 positions along each axis.
-- @tparam Array x concrete
-- @treturn table of Arrays (n), one for each axis
function M.where_true(x)
  if array.traced(x) then no_mask_of_a_tracer() end
  local shape, places, n, p = x.shape, {}, 0, x:data()
  for at = 0, x.size - 1 do
    if p[at] ~= 0 then
      n = n + 1
      places[n] = at
    end
  end
  local out, behind = {}, 1
  for k = #shape, 1, -1 do
    local list = ffi.new('double[?]', math.max(n, 1))
    for i = 1, n do list[i - 1] = math.floor(places[i] / behind) % shape[k] end
    out[k], behind = array.from_doubles(list, { n }, 'i32'), behind * shape[k]
  end
  return out
end

-- A mask over the first axes of a concrete array: its rows are copied.
local function rows_of(x, mask)
  local rest, n = { -1 }, mask.ndim
  for k = n + 1, x.ndim do rest[#rest + 1] = x.shape[k] end
  if n ~= 1 then x, mask = x:reshape(rest), mask:reshape(-1) end
  local out = ffi.new 'imnn_array *[1]'
  core.check(core.C.imnn_array_select(out, x.array, mask.array))
  return array.own(out)
end

local function check_mask(mask, size, axis)
  if array.traced(mask) then no_mask_of_a_tracer() end
  local shape = mask.shape
  for k, n in ipairs(shape) do
    if n ~= size[axis + k] then
      core.raise('index: a mask has the sizes of the axes that it is for, got (%s) for axis %d of '
        .. '(%s)', table.concat(shape, ', '), axis + 1, table.concat(size, ', '))
    end
  end
  if #shape == 0 then core.raise 'index: a mask needs an axis, got shape ()' end
end

-- Several index arrays choose together: their axes become one, and so do their indices.
local function together(y, arrays)
  local shape, chosen, order, before = y.shape, {}, {}, arrays[1].axis
  for _, a in ipairs(arrays) do chosen[a.axis] = true end
  for k = 0, before - 1 do order[k + 1] = k end
  for _, a in ipairs(arrays) do order[#order + 1] = a.axis end
  for k = before, #shape - 1 do if not chosen[k] then order[#order + 1] = k end end
  local sizes, all, flat = {}, 1, nil
  for _, a in ipairs(arrays) do
    all = all * a.n
    local i = require('imnn.numpy').clip(a.index, 0, math.max(a.n - 1, 0))
    flat = flat and flat * a.n + i or i
  end
  if all >= 2 ^ 31 then core.raise('index: %.0f elements are more than i32 can count', all) end
  for i, k in ipairs(order) do
    if i <= before or i > before + #arrays then sizes[#sizes + 1] = shape[k + 1]
    elseif i == before + 1 then sizes[#sizes + 1] = all end
  end
  y = array.apply('reshape', { array.apply('transpose', { y }, order) }, sizes)
  return M.gather(y, flat, before), flat.ndim
end

--- What a key says: ranges of all axes, the shape that is left of them, index arrays, and whether
-- these stand side by side (numbers count as index arrays, as in NumPy).
-- @tparam table key list of entries
-- @tparam table size of each axis
-- @treturn table { ranges = { start, count, step, ... }, kept, arrays, beside }
function M.plan(key, size)
  local plan = { kept = {}, ranges = {}, arrays = {}, beside = true }
  local kept, ranges, arrays = plan.kept, plan.ranges, plan.arrays
  local axis, last = 0, nil -- the last entry that chooses single elements
  local function axis_is(start, count, step)
    axis = axis + 1
    local n = #ranges
    ranges[n + 1], ranges[n + 2], ranges[n + 3] = start, count, step
  end
  local function choose(indices)
    arrays[#arrays + 1] = { index = indices, axis = #kept, n = size[axis + 1] }
    kept[#kept + 1] = size[axis + 1]
    axis_is(0, size[axis + 1], 1)
  end
  for at, e in ipairs(expand(key, #size)) do
    local single = type(e) == 'number' or array.is(e)
    if single then
      if last and last ~= at - 1 then plan.beside = false end
      last = at
    end
    if type(e) == 'number' then
      axis_is(core.index(e, size[axis + 1], 'index: no element'), 1, 1)
    elseif e == M.newaxis then kept[#kept + 1] = 1
    elseif array.is(e) and e.dtype == 'bool' then
      check_mask(e, size, axis)
      for _, i in ipairs(M.where_true(e)) do choose(i) end
    elseif array.is(e) then choose(zero_based(e, size[axis + 1], 'index'))
    elseif type(e) == 'table' then
      local start, count, step = range(e, size[axis + 1], axis + 1)
      kept[#kept + 1] = count
      axis_is(start, count, step)
    else
      refuse(e)
    end
  end
  return plan
end

--- x[key].
function M.get(x, key)
  if key == nil then core.raise 'index: the index is nil' end
  local size = x.shape
  local list = (type(key) == 'table' and key ~= M.newaxis) and key or { key }
  local only = #list == 1 and list[1]
  if array.is(only) and only.dtype == 'bool' and not array.traced(x) and #size >= only.ndim then
    check_mask(only, size, 0)
    return rows_of(x, only)
  end
  local plan = M.plan(list, size)
  local arrays = plan.arrays
  local y = #size > 0 and array.apply('slice', { x }, plan.ranges) or x
  y = array.apply('reshape', { y }, plan.kept)
  if #arrays == 0 then return y end
  local ndim, at = arrays[1].index.ndim, arrays[1].axis
  if #arrays == 1 then y = M.gather(y, arrays[1].index, at)
  else y, ndim = together(y, arrays) end
  if plan.beside or at == 0 or ndim == 0 then return y end
  local order = {}
  for k = 1, ndim do order[k] = at + k - 1 end
  for k = 0, at - 1 do order[#order + 1] = k end
  for k = at + ndim, y.ndim - 1 do order[#order + 1] = k end
  return array.apply('transpose', { y }, order)
end

return M
