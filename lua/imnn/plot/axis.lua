--- Axes: where ticks stand, and what is written at them.
-- @module imnn.plot.axis
local text = require 'imnn.plot.text'
local M = {}

local superscript = {
  ['-'] = '⁻', ['0'] = '⁰', ['1'] = '¹', ['2'] = '²', ['3'] = '³', ['4'] = '⁴',
  ['5'] = '⁵', ['6'] = '⁶', ['7'] = '⁷', ['8'] = '⁸', ['9'] = '⁹',
}

local function ten_to(power) -- + 0: not -0
  return '10' .. tostring(power + 0):gsub('.', superscript)
end

--- What was taken out of ticks, as a text without formulas: " / 10⁶".
function M.plain(unit)
  return (unit:gsub('%^{(.-)}', function(power)
    return (power:gsub('−', '-'):gsub('.', superscript))
  end))
end

-- The smallest step of 1, 2, 2.5, 5, 10, ... that leaves at most `most` multiples inside.
local function step_of(lo, hi, most, whole)
  local unit = 10 ^ math.floor(math.log10((hi - lo) / most))
  if whole then unit = math.max(1, unit) end
  for _, factor in ipairs { 1, 2, 2.5, 5, 10, 20, 25 } do
    local step = factor * unit
    if whole and step % 1 ~= 0 then step = 3 * unit end
    if math.floor(hi / step) - math.ceil(lo / step) < most then return step end
  end
  return 50 * unit
end

-- As few decimals as tell the multiples of the step apart.
local function decimals_of(step)
  for n = 0, 15 do
    local scaled = step * 10 ^ n
    if math.abs(scaled - math.floor(scaled + 0.5)) < 1e-6 * scaled then return n end
  end
  return 15
end

-- Ticks at multiples of a step, or halfway between them. At the very ends they would touch those of
-- the next panel.
local function ticks(lo, hi, most, inset, how)
  local edge = inset * (hi - lo)
  local first, last = how.from_lo and lo or lo + edge, hi - edge
  local shift = how.between and 0.5 or 0
  if not (last > first) then return {}, 0, hi - lo end
  local step = step_of(first, last, most, how.whole)
  local power = math.floor(math.log10(math.max(math.abs(lo), math.abs(hi))))
  if power >= -3 and power <= 4 then power = 0 end
  local format, out = ('%%.%df'):format(decimals_of(step * (1 - shift) / 10 ^ power)), {}
  for k = math.ceil(first / step - shift) + shift, last / step do
    local label = format:format(k * step / 10 ^ power):gsub('^%-', '−')
    out[#out + 1] = { k * step + 0, k == 0 and '0' or label }
  end
  return out, power, step
end

-- How wide the widest label is, in digits.
local function width_of(list)
  local most = 0
  for _, tick in ipairs(list) do
    local _, dots = tick[2]:gsub('%.', '')
    local _, signs = tick[2]:gsub('−', '')
    most = math.max(most, text.length(tick[2]) - 0.5 * dots + 0.3 * signs)
  end
  return most
end

local INSET = 0.07 -- of the axis, without ticks

-- At most `most` ticks, as far from the ends as their labels need; nothing if labels would touch.
local function fitting(lo, hi, most, how)
  local room = how.room or math.huge
  local list, power, step = ticks(lo, hi, most, how.whole and 0 or INSET, how)
  local inset = 0.5 * (how.across or width_of(list)) / room - 0.02
  if inset > INSET and not how.whole then list, power, step = ticks(lo, hi, most, inset, how) end
  local wide = how.across or width_of(list)
  if #list == 0 or #list > 1 and wide + 0.7 > room * step / (hi - lo) then return nil end
  return { lo = lo, hi = hi, ticks = list, width = width_of(list),
    unit = power == 0 and '' or ' / 10^{' .. tostring(power):gsub('%-', '−') .. '}' }
end

--- How much of an axis labels take that stand beside it, or are turned by 45 degrees, in digits.
M.BESIDE, M.TURNED = 1.8, 2.4

--- A linear axis from lo to hi.
-- @tparam number lo
-- @tparam number hi
-- @tparam[opt] table how `room`: digits that fit along it; `across`: how much of it a label takes
-- that does not lie along it; `from_lo`: a tick may stand at its beginning; `whole`: ticks at
-- whole numbers only
-- @treturn table lo, hi, ticks { { position, label }, ... }, at most 4; unit: what follows the
-- label of the axis, like " / 10^-9" where that was taken out of the ticks; width of the labels in
-- digits; crowded: whether two of them find no place, so that one is left
function M.linear(lo, hi, how)
  how = how or {}
  local one
  for most = 4, 1, -1 do
    local axis = fitting(lo, hi, most, how)
    if axis and #axis.ticks > 1 then return axis end
    one = one or axis
  end
  for most = how.whole and 0 or 3, 1, -1 do -- there may be two where multiples have one
    local axis = fitting(lo, hi, most, { room = how.room, across = how.across, between = true })
    if axis and #axis.ticks > 1 then return axis end
  end
  local axis = one or fitting(lo, hi, 4, {}) or fitting(lo, hi, 1, {})
  axis.crowded = true
  return axis
end

--- A logarithmic axis between positive numbers.
function M.log(lo, hi)
  local first, last = math.log10(lo), math.log10(hi)
  if last - first < 1.2 then -- too few powers of ten to be read
    local axis = M.linear(lo, hi)
    axis.logarithmic = true
    return axis
  end
  local step, list = math.max(1, math.ceil((last - first) / 5)), {}
  if last - first < 2.2 and first > -3 and last < 5 then -- and numbers between them
    for k = math.floor(first), math.ceil(last) do
      for _, factor in ipairs { 1, 3 } do
        local v, room = factor * 10 ^ k, 0.05 * (last - first)
        if v > lo * 10 ^ room and v < hi / 10 ^ room then
          list[#list + 1] = { v, ('%g'):format(v) }
        end
      end
    end
    return { lo = lo, hi = hi, ticks = list, width = width_of(list), unit = '', logarithmic = true }
  end
  for k = math.ceil((first + 0.1) / step), math.floor((last - 0.1) / step) do
    list[#list + 1] = { 10 ^ (k * step), ten_to(k * step) }
  end
  return { lo = lo, hi = hi, ticks = list, width = width_of(list), unit = '', logarithmic = true }
end

--- Settings of an axis.
-- @tparam table sheet that writes labels
-- @tparam table set to which they are added
-- @tparam string letter "x", "y" or "y2"
-- @tparam table axis
-- @tparam[opt] table how `labels = false`: ticks alone; `ticks = false`: not even those; `mirror =
-- false`: not on the other side; `turned`: labels by 45 degrees
function M.set(sheet, set, letter, axis, how)
  how = how or {}
  set[#set + 1] = ('%srange [%s:%s]'):format(letter, text.number(axis.lo), text.number(axis.hi))
  if axis.logarithmic then set[#set + 1] = 'logscale ' .. letter end
  if how.ticks == false then
    set[#set + 1] = ('unset %stics'):format(letter)
    return
  end
  local list = {}
  for i, tick in ipairs(axis.ticks) do
    list[i] = sheet:tick(how.labels == false and '' or tick[2]) .. ' ' .. text.number(tick[1])
  end
  set[#set + 1] = ('%stics %s%s (%s) noenhanced'):format(letter,
    how.mirror == false and 'nomirror' or 'mirror', how.turned and ' rotate by 45 right' or '',
    table.concat(list, ', '))
end

return M
