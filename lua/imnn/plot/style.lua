--- Colours, lines, and styles of whole figures.
-- @module imnn.plot.style
local args = require 'imnn.args'
local core = require 'imnn.core'
local M = {}

-- Told apart by the colour-blind, and from dark to light, so in print without colours, too.
-- Okabe & Ito 2008, "Color Universal Design".
local cycle = { '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00' }
-- The same hues for dark grounds.
local bright = { '#56b4e9', '#e69f00', '#2fc79a', '#ef8fc4', '#f0e442', '#ff7f45' }

local named = {
  black = '#000000', grey = '#7f7f7f', gray = '#7f7f7f', red = '#c62828', blue = '#0072b2',
  green = '#009e73', orange = '#e69f00', purple = '#7b3294', pink = '#cc79a7', cyan = '#56b4e9',
  brown = '#8c564b', vermilion = '#d55e00', white = '#ffffff',
}

local dashes = {
  solid = 'solid', dashed = '(9,5)', dotted = '(2,3)', dashdot = '(9,4,2,4)',
  ['-'] = 'solid', ['--'] = '(9,5)', [':'] = '(2,3)', ['-.'] = '(9,4,2,4)',
}

-- What a figure looks like: colours of ground, text, frames and of what is less important; sizes of
-- letters in points; how much thicker lines are than on paper.
local sheets = {
  paper = { ground = '#ffffff', ink = '#000000', frame = '#303030', faint = '#707070',
    cycle = cycle, points = 9, lines = 1 },
  screen = { ground = '#ffffff', ink = '#202020', frame = '#505050', faint = '#757575',
    cycle = cycle, points = 10.5, lines = 1.35 },
  dark = { ground = '#14171c', ink = '#e6e6e6', frame = '#9aa0a8', faint = '#a0a6ae',
    cycle = bright, points = 10.5, lines = 1.35 },
}

--- The style of a name, "paper", "screen" or "dark".
-- @tparam string who for messages
-- @tparam string name
-- @treturn table ground, ink, frame, faint, cycle, points, lines
function M.sheet(who, name) return args.choice(who, 'option "style"', name, sheets) end

--- "#rrggbb" of a colour: "#rrggbb", "C0", "C1", ... of the cycle, or a name.
-- @tparam string who for messages
-- @tparam string|nil colour none: the i-th of the cycle
-- @tparam number i counts from 1
-- @tparam[opt] table sheet a style with its own cycle
function M.colour(who, colour, i, sheet)
  local list = sheet and sheet.cycle or cycle
  if colour == nil then return list[(i - 1) % #list + 1] end
  if type(colour) == 'string' then
    if colour:find '^#%x%x%x%x%x%x$' then return colour:lower() end
    local number = colour:match '^C(%d+)$'
    if number then return list[tonumber(number) % #list + 1] end
    if named[colour] then return named[colour] end
  end
  core.raise('%s: no colour "%s"; there are "#rrggbb", "C0" to "C%d", and names like "black"', who,
    tostring(colour), #cycle - 1)
end

--- The colour thinned out on a ground (white): 1 leaves it as it is, 0 is the ground.
function M.tint(colour, strength, ground)
  local out = '#'
  for at = 2, 6, 2 do
    local c = tonumber(colour:sub(at, at + 1), 16)
    local g = ground and tonumber(ground:sub(at, at + 1), 16) or 255
    out = out .. ('%02x'):format(math.floor(g + strength * (c - g) + 0.5))
  end
  return out
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
