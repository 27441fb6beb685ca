--- Axes: where ticks stand, and what is written at them.
-- @module imnn.plot.axis
local text = require 'imnn.plot.text'
local M = {}

local superscript = {
  ['-'] = '⁻', ['0'] = '⁰', ['1'] = '¹', ['2'] = '²', ['3'] = '³', ['4'] = '⁴',
  ['5'] = '⁵', ['6'] = '⁶', ['7'] = '⁷', ['8'] = '⁸', ['9'] = '⁹',
}

local function ten_to(power) return '10' .. tostring(power):gsub('.', superscript) end

-- The smallest step of 1, 2, 2.5, 5, 10, ... that leaves at most `most` multiples inside.
local function step_of(lo, hi, most)
  local unit = 10 ^ math.floor(math.log10((hi - lo) / most))
  for _, factor in ipairs { 1, 2, 2.5, 5, 10, 20, 25 } do
    local step = factor * unit
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

-- Ticks at the very ends would touch those of the next panel.
local function ticks(lo, hi, most, from_lo)
  local inset = 0.07 * (hi - lo)
  local first, last = from_lo and lo or lo + inset, hi - inset
  local step = step_of(first, last, most)
  local power = math.floor(math.log10(math.max(math.abs(lo), math.abs(hi))))
  if power >= -3 and power <= 4 then power = 0 end
  local format, out = ('%%.%df'):format(decimals_of(step / 10 ^ power)), {}
  for k = math.ceil(first / step), math.floor(last / step) do
    local label = format:format(k * step / 10 ^ power):gsub('^%-', '−')
    out[#out + 1] = { k * step, k == 0 and '0' or label }
  end
  return out, power, step
end

-- Letters of the widest label.
local function width_of(list)
  local most = 0
  for _, tick in ipairs(list) do most = math.max(most, text.length(tick[2])) end
  return most
end

--- A linear axis from lo to hi.
-- @tparam number lo
-- @tparam number hi
-- @tparam[opt] table how `room`: letters that fit along it, if the labels lie along it;
-- `from_lo`: a tick may stand at its beginning
-- @treturn table lo, hi, ticks { { position, label }, ... }, at most 4; unit: what follows the
-- label of the axis, like " / 10^-9" where that was taken out of the ticks; width of the labels
function M.linear(lo, hi, how)
  how = how or {}
  for most = 4, 1, -1 do
    local list, power, step = ticks(lo, hi, most, how.from_lo)
    local width = width_of(list)
    if most == 1 or width + 0.8 <= (how.room or math.huge) * step / (hi - lo) then
      return { lo = lo, hi = hi, ticks = list, width = width,
        unit = power == 0 and '' or ' / ' .. ten_to(power) }
    end
  end
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
  for k = math.ceil((first + 0.1) / step), math.floor((last - 0.1) / step) do
    list[#list + 1] = { 10 ^ (k * step), ten_to(k * step) }
  end
  return { lo = lo, hi = hi, ticks = list, width = width_of(list), unit = '', logarithmic = true }
end

--- Settings of an axis.
-- @tparam table set to which they are added
-- @tparam string letter "x", "y" or "y2"
-- @tparam table axis
-- @tparam[opt] table how `labels = false`: ticks alone; `ticks = false`: not even those; `mirror =
-- false`: not on the other side
function M.set(set, letter, axis, how)
  how = how or {}
  set[#set + 1] = ('%srange [%s:%s]'):format(letter, text.number(axis.lo), text.number(axis.hi))
  if axis.logarithmic then set[#set + 1] = 'logscale ' .. letter end
  if how.ticks == false then
    set[#set + 1] = ('unset %stics'):format(letter)
    return
  end
  local list = {}
  for i, tick in ipairs(axis.ticks) do
    list[i] = text.quote(how.labels == false and '' or tick[2]) .. ' ' .. text.number(tick[1])
  end
  set[#set + 1] = ('%stics %s (%s) noenhanced'):format(letter,
    how.mirror == false and 'nomirror' or 'mirror', table.concat(list, ', '))
end

return M
