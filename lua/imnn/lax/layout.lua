--- Axes that windows move over: layouts, strides and padding. Layouts are strings, one letter an
-- axis: N examples, C channels (of kernels O and I), any other letters spatial axes, up to three.
-- Layouts without N are of one example; more axes in front are more examples, in every case.
-- @module imnn.lax.layout
local core = require 'imnn.core'
local shape = require 'imnn.numpy.shape'
local M = {}

-- ---- layouts ----

-- Position of each letter.
local function letters(who, text, needed)
  if type(text) ~= 'string' then
    core.raise('%s: a layout is a string like "NHWC", got %s', who, core.kind(text))
  end
  local at = {}
  for i = 1, #text do
    local letter = text:sub(i, i)
    if at[letter] then core.raise('%s: "%s" has the letter %s twice', who, text, letter) end
    at[letter] = i
  end
  for letter in needed:gmatch '.' do
    if not at[letter] then core.raise('%s: "%s" has no %s', who, text, letter) end
  end
  return at
end

--- What three layouts mean.
-- @tparam string who name of the function, for messages
-- @tparam table numbers { input, kernel, output }, like { 'NHWC', 'HWIO', 'NHWC' }
-- @treturn table spatial: letters in the order of the kernel; lhs, rhs, out: position by letter
function M.layout(who, numbers)
  if type(numbers) ~= 'table' or #numbers ~= 3 then
    core.raise('%s: dimension_numbers are three layouts: input, kernel, output', who)
  end
  local out = { spatial = {}, text = numbers }
  out.lhs = letters(who, numbers[1], 'C')
  out.rhs, out.out = letters(who, numbers[2], 'OI'), letters(who, numbers[3], 'C')
  for letter in numbers[2]:gmatch '[^OI]' do out.spatial[#out.spatial + 1] = letter end
  for _, i in ipairs { 1, 3 } do
    local at, found = i == 1 and out.lhs or out.out, 0
    for letter in numbers[i]:gmatch '[^NC]' do
      if not out.rhs[letter] then
        core.raise('%s: "%s" has the spatial axis %s, "%s" has not', who, numbers[i], letter,
          numbers[2])
      end
      found = found + 1
    end
    if found ~= #out.spatial then
      core.raise('%s: "%s" and "%s" have different spatial axes', who, numbers[i], numbers[2])
    end
    if (at.N == nil) ~= (out.lhs.N == nil) then
      core.raise('%s: "%s" and "%s": N is in one of them only', who, numbers[1], numbers[3])
    end
  end
  return out
end

--- Axes of x, whose last ones have this layout, in another order; more axes stay in front.
function M.reorder(x, from, to)
  if from == to then return x end
  local front, at, order = #x.shape - #from, {}, {}
  for i = 1, #from do at[from:sub(i, i)] = front + i end
  for k = 1, front do order[k] = k end
  for i = 1, #to do order[front + i] = at[to:sub(i, i)] end
  return shape.transpose(x, order)
end

--- A list of n positive whole numbers; ones without.
function M.numbers(who, what, list, n)
  local out = {}
  if list ~= nil and type(list) ~= 'table' then
    core.raise('%s: %s is a list of %d numbers, got %s', who, what, n, core.kind(list))
  end
  if list and #list ~= n then
    core.raise('%s: %s has %d numbers for %d axes', who, what, #list, n)
  end
  for i = 1, n do
    out[i] = list and list[i] or 1
    if type(out[i]) ~= 'number' or out[i] % 1 ~= 0 or out[i] < 1 then
      core.raise('%s: %s are whole numbers, at least 1, got %s', who, what, tostring(out[i]))
    end
  end
  return out
end

-- ---- padding ----

--- Elements of an axis, or a window, with gaps between them.
function M.dilated(size, by) return size > 0 and (size - 1) * by + 1 or 0 end

--- Pairs { low, high } from 'VALID', 'SAME', 'SAME_LOWER' or pairs.
-- @tparam string who
-- @tparam string|table padding
-- @tparam table sizes of the (dilated) axes
-- @tparam table windows (dilated)
-- @tparam table strides
function M.pairs_of(who, padding, sizes, windows, strides)
  local out, name = {}, type(padding) == 'string' and padding:upper()
  if type(padding) == 'table' then
    if #padding ~= #sizes then
      core.raise('%s: padding has %d pairs for %d axes', who, #padding, #sizes)
    end
    for i, p in ipairs(padding) do
      if type(p) ~= 'table' or #p ~= 2 or type(p[1]) ~= 'number' or type(p[2]) ~= 'number'
        or p[1] % 1 ~= 0 or p[2] % 1 ~= 0 then
        core.raise('%s: padding is a list of pairs { low, high } of whole numbers', who)
      end
      out[i] = { p[1], p[2] }
    end
    return out
  end
  if name ~= 'VALID' and name ~= 'SAME' and name ~= 'SAME_LOWER' then
    core.raise("%s: padding is 'VALID', 'SAME', 'SAME_LOWER' or pairs, got %s", who,
      tostring(padding))
  end
  for i, size in ipairs(sizes) do
    local places = math.ceil(size / strides[i])
    local total = math.max((places - 1) * strides[i] + windows[i] - size, 0)
    local less, more = math.floor(total / 2), math.ceil(total / 2)
    out[i] = name == 'VALID' and { 0, 0 } or name == 'SAME' and { less, more } or { more, less }
  end
  return out
end

return M
