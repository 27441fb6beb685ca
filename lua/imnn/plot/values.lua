--- Numbers to draw: Arrays or plain tables.
-- @module imnn.plot.values
local args = require 'imnn.args'
local text = require 'imnn.array.text'
local M = {}

--- A nested table of numbers of our own from an Array, a table of Arrays, or such a table.
function M.plain(x)
  if type(x) == 'cdata' and args.types.Array(x) then return x:totable() end -- no complex number
  if type(x) ~= 'table' then return x end
  local out = {}
  for i, v in ipairs(x) do out[i] = M.plain(v) end
  return out
end

--- Sizes of a nested table, as far as its first elements tell.
function M.shape(x)
  local out = {}
  while type(x) == 'table' do
    out[#out + 1] = #x
    x = x[1]
  end
  return out
end

--- "(3, 4)", for messages.
function M.shape_text(x)
  if type(x) ~= 'table' then return type(x) end
  return text.shape(M.shape(x))
end

function M.is_finite(v) return type(v) == 'number' and v - v == 0 end

local most = 4000 -- points of a curve, several times the dots that a page has across

--- The points { x, y } of a curve over 0, 1, 2, ...; of a long one only the lowest and the highest
-- in each of many short pieces, which looks the same.
function M.curve(y)
  local out, piece = {}, math.ceil(2 * #y / most)
  if piece < 3 then piece = 1 end
  for first = 1, #y, piece do
    local low, high = first, first
    for i = first, math.min(first + piece - 1, #y) do
      if y[i] < y[low] or y[low] ~= y[low] then low = i end
      if y[i] > y[high] or y[high] ~= y[high] then high = i end
    end
    out[#out + 1] = { math.min(low, high) - 1, y[math.min(low, high)] }
    if low ~= high then out[#out + 1] = { math.max(low, high) - 1, y[math.max(low, high)] } end
  end
  return out
end

return M
