--- Numbers with as many digits as their errors allow.
-- @module imnn.samples.round
local M = {}

-- The power of ten of a number above 0, as two digits of it have it: 0.0996 is 0.10.
local function power_of(x) return tonumber(('%.1e'):format(x):match 'e(.*)$') end

--- How numbers are written of which the last two digits are uncertain.
-- @tparam number value
-- @tparam number error its smallest error; 0 or not finite: six digits of the value
-- @treturn number decimals behind the point
-- @treturn number a power of ten that is taken out of all; 0 for numbers that are read easily
function M.digits(value, error)
  local size = math.max(math.abs(value), error > 0 and error < math.huge and error or 0)
  if not (size > 0 and size < math.huge) then return 0, 0 end
  local top = power_of(size)
  local last = error > 0 and error < math.huge and power_of(error) - 1 or top - 5
  last = math.max(last, top - 14)
  local power = (top < -3 or last > 0 and top > 4) and top or 0
  return math.max(power - last, 0), power, last
end

--- A number, rounded: of power 0 a plain one, to tens and hundreds, too.
function M.number(x, decimals, power, last)
  if x ~= x then return 'nan' end
  if x == math.huge or x == -math.huge then return x > 0 and 'inf' or '-inf' end
  x = x / 10 ^ power
  if power == 0 and last and last > 0 then x = math.floor(x / 10 ^ last + 0.5) * 10 ^ last end
  local text = ('%.' .. decimals .. 'f'):format(x)
  return tonumber(text) == 0 and text:gsub('^-', '') or text
end

--- Some numbers in plain text, with the digits that an error allows.
-- @tparam number error
-- @param ... numbers, of which the first says how large they are
-- @treturn string,... as many
function M.texts(error, ...)
  local decimals, power, last = M.digits((...), error)
  local out = { ... }
  for i, x in ipairs(out) do
    out[i] = M.number(x, decimals, power, last) .. (power ~= 0 and 'e' .. power or '')
  end
  return unpack(out)
end

return M
