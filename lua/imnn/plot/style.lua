--- Colours and lines.
-- @module imnn.plot.style
local core = require 'imnn.core'
local M = {}

-- Told apart by the colour-blind, and from dark to light, so in print without colours, too.
-- Okabe & Ito 2008, "Color Universal Design".
local cycle = { '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00' }

local named = {
  black = '#000000', grey = '#7f7f7f', gray = '#7f7f7f', red = '#c62828', blue = '#0072b2',
  green = '#009e73', orange = '#e69f00', purple = '#7b3294', pink = '#cc79a7', cyan = '#56b4e9',
  brown = '#8c564b', vermilion = '#d55e00',
}

local dashes = {
  solid = 'solid', dashed = '(9,5)', dotted = '(2,3)', dashdot = '(9,4,2,4)',
  ['-'] = 'solid', ['--'] = '(9,5)', [':'] = '(2,3)', ['-.'] = '(9,4,2,4)',
}

--- "#rrggbb" of a colour: "#rrggbb", "C0", "C1", ... of the cycle, or a name.
-- @tparam string who for messages
-- @tparam string|nil colour none: the i-th of the cycle
-- @tparam number i counts from 1
function M.colour(who, colour, i)
  if colour == nil then return cycle[(i - 1) % #cycle + 1] end
  if type(colour) == 'string' then
    if colour:find '^#%x%x%x%x%x%x$' then return colour:lower() end
    local number = colour:match '^C(%d+)$'
    if number then return cycle[tonumber(number) % #cycle + 1] end
    if named[colour] then return named[colour] end
  end
  core.raise('%s: no colour "%s"; there are "#rrggbb", "C0" to "C%d", and names like "black"', who,
    tostring(colour), #cycle - 1)
end

--- The colour on white paper, thinned out: 1 leaves it as it is, 0 is white.
function M.tint(colour, strength)
  return (colour:gsub('%x%x', function(hex)
    return ('%02x'):format(math.floor(255 + strength * (tonumber(hex, 16) - 255) + 0.5))
  end))
end

--- "#aarrggbb": gnuplot counts transparency, 0 is opaque.
function M.transparent(colour, alpha)
  return ('#%02x%s'):format(math.floor((1 - alpha) * 255 + 0.5), colour:sub(2))
end

--- gnuplot's dash type of "solid", "dashed", "dotted", "dashdot", or "-", "--", ":", "-.".
function M.dash(who, linestyle)
  return dashes[linestyle]
    or core.raise('%s: no line style "%s"; there are solid, dashed, dotted, dashdot', who,
      tostring(linestyle))
end

return M
