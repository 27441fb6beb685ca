--- Amounts of memory, as people write them.
-- @module imnn.bytes
local core = require 'imnn.core'
local M = {}

local units = { [''] = 1, k = 1e3, m = 1e6, g = 1e9, t = 1e12 }
local binary = { k = 2 ^ 10, m = 2 ^ 20, g = 2 ^ 30, t = 2 ^ 40 }

--- A number of bytes from a number, or from text like '2GB', '1.5 GiB', '500M'.
-- @tparam string who whose option it is, for messages
-- @tparam string name of the option
-- @tparam number|string given
-- @treturn number a whole number, at least 1
-- @raise text that is no amount, amounts below one byte
function M.parse(who, name, given)
  local n = given
  if type(given) == 'string' then
    local digits, unit, i = given:match '^%s*([%d.]+)%s*([kKmMgGtT]?)([iI]?)[bB]?%s*$'
    local table_of = i == 'i' and binary or units
    local scale = digits and table_of[unit:lower()]
    n = scale and tonumber(digits) and tonumber(digits) * scale
  end
  if type(n) ~= 'number' or not (n >= 1 and n < 2 ^ 53) then
    core.raise("%s: %s must be an amount of memory, as 2e9, '2GB' or '1.5GiB', got %s", who, name,
      type(given) == 'string' and '"' .. given .. '"' or tostring(given))
  end
  return math.floor(n)
end

return M
