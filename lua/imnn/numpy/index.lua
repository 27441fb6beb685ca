--- x[...]: numbers, ranges, new axes, index arrays, counted from 1.
-- @module imnn.numpy.index
local ffi = require 'ffi'
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

local function is_range(e) return type(e) == 'table' and e ~= M.newaxis end

-- One entry for every axis and new axis: '...' is written out.
local function expand(list, ndim)
  local used, dots = 0, false
  for _, e in ipairs(list) do
    if e == '...' then
      if dots then core.raise "index: '...' may stand once" end
      dots = true
    elseif e ~= M.newaxis then used = used + 1 end
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

--- Indices that a script gives: an Array, a number or a table of numbers.
function M.whole(i, who)
  if type(i) ~= 'number' and type(i) ~= 'table' and not array.is(i) then
    core.raise('%s: indices are an Array, a number or a table, got %s', who, type(i))
  end
  return array.is(i) and i or require('imnn.numpy').array(i, 'i32')
end

-- Zero-based i32 indices from ones that count from 1 or from the end; -1 is the last.
local function zero_based(i, n, what)
  local np = require 'imnn.numpy'
  if type(i) == 'number' or type(i) == 'table' then i = np.array(i, 'i32') end
  if not array.is(i) then core.raise('%s: indices must be integers, got %s', what, type(i)) end
  if i.dtype ~= 'i32' then
    if i.dtype ~= 'u32' then core.raise('%s: indices must be i32 or u32, got %s', what, i.dtype) end
    i = i:astype 'i32'
  end
  if not array.traced(i) then
    local p = i:data()
    for k = 0, i.size - 1 do
      if p[k] == 0 or p[k] > n or p[k] < -n then core.index(p[k], n, what .. ': no element') end
    end
  end
  return np.where(np.lt(i, 0), i + n, i - 1)
end
M.zero_based = zero_based

local function by_mask(x, mask)
  if array.traced(mask) or array.traced(x) then
    core.raise 'index: a mask of a traced array gives a shape that is not known yet; use np.where'
  end
  local shape, size = mask.shape, x.shape
  if #shape ~= 1 or shape[1] ~= size[1] then
    core.raise('index: a mask has one axis like the first of the array, got (%s) for (%s)',
      table.concat(shape, ', '), table.concat(size, ', '))
  end
  local out = ffi.new 'imnn_array *[1]'
  core.check(core.C.imnn_array_select(out, x.array, mask.array))
  return array.own(out)
end

--- x[key].
function M.get(x, key)
  if array.is(key) and key.dtype == 'bool' then return by_mask(x, key) end
  local list = (type(key) == 'table' and key ~= M.newaxis) and key or { key }
  local size, kept, attr, arrays = x.shape, {}, {}, {}
  local axis = 0
  for _, e in ipairs(expand(list, #size)) do
    if e == M.newaxis then kept[#kept + 1] = 1
    else
      axis = axis + 1
      local start, count, step = 0, size[axis], 1
      if type(e) == 'number' then
        start, count = core.index(e, size[axis], 'index: no element'), 1
      elseif array.is(e) then
        arrays[#arrays + 1] = { index = e, axis = #kept, n = size[axis] }
        kept[#kept + 1] = count
      elseif is_range(e) then
        start, count, step = range(e, size[axis], axis)
        kept[#kept + 1] = count
      else
        core.raise('index: entries are numbers, ranges, "...", np.newaxis or arrays, got %s',
          type(e))
      end
      for _, v in ipairs { start, count, step } do attr[#attr + 1] = v end
    end
  end
  if #arrays > 1 then core.raise 'index: one index array at a time' end
  local y = #size > 0 and array.apply('slice', { x }, attr) or x
  y = array.apply('reshape', { y }, kept)
  for _, a in ipairs(arrays) do y = M.gather(y, zero_based(a.index, a.n, 'index'), a.axis) end
  return y
end

return M
