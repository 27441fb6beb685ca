--- Estimates as a paper quotes them.
-- @module imnn.plot.quote
local M = {}

-- Decimals that an error deserves: two digits below 3.55, else one, as the Particle Data Group
-- rounds.
local function decimals(error_)
  local power = math.floor(math.log10(error_) + 1e-9)
  return -power + (error_ / 10 ^ power < 3.55 and 1 or 0)
end

local function rounded(x, places)
  local unit = 10 ^ -places
  local s = ('%%.%df'):format(math.max(0, places)):format(math.floor(x / unit + 0.5) * unit)
  if tonumber(s) == 0 then s = s:gsub('^%-', '') end
  return (s:gsub('^%-', '−'))
end

-- The power of ten that is to be taken out.
local function power_of(...)
  local most = 0
  for _, x in ipairs { ... } do most = math.max(most, math.abs(x)) end
  local power = most > 0 and math.floor(math.log10(most) + 1e-9) or 0
  return (power > 4 or power < -3) and power or 0
end

local function times(power)
  return power == 0 and '' or '×10^{' .. tostring(power):gsub('%-', '−') .. '}'
end

--- A value with its errors, as a label: "0.811^{+0.020}_{−0.028}", "0.81 ± 0.02".
-- @tparam number value
-- @tparam number low the lower end of its interval
-- @tparam number high the upper one
-- @treturn string
function M.value(value, low, high)
  local power = power_of(low, high)
  local unit = 10 ^ power
  local up, down = (high - value) / unit, (value - low) / unit
  local least = math.min(up, down)
  if not (least > 0) then least = math.max(up, down) end
  if not (least > 0 and least < math.huge) then return ('%.3g'):format(value) end
  local n = decimals(least)
  local v, plus, minus = rounded(value / unit, n), rounded(up, n), rounded(down, n)
  local text = plus == minus and v .. ' ± ' .. plus or ('%s^{+%s}_{−%s}'):format(v, plus, minus)
  if power == 0 then return text end
  return (plus == minus and '(' .. text .. ')' or text) .. times(power)
end

--- A number that stands for an end of an interval, with the digits that a width deserves.
function M.number(x, width)
  local power = power_of(x)
  local unit = 10 ^ power
  return rounded(x / unit, decimals(width / 10 / unit)) .. times(power)
end

return M
