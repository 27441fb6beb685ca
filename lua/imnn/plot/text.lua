--- Text of gnuplot scripts: strings, labels, numbers.
--
-- Labels have one spelling for all kinds of files: `_` and `^` lower and raise the next letter or
-- {group}, \mu and $\mu$ are the Greek letter, all else is literal. Where LaTeX sets the text, they
-- become its formulas, and what stands between dollars is left to it as it is.
-- @module imnn.plot.text
local latex = require 'imnn.latex'
local M = {}

--- A string constant. Between single quotes gnuplot takes everything literally (between double
-- quotes it would run what stands between backticks), but it cannot hold a line break there.
function M.quote(s)
  s = tostring(s):gsub('%z', ''):gsub('\r\n?', '\n')
  local parts = {}
  for line in (s .. '\n'):gmatch '(.-)\n' do
    parts[#parts + 1] = "'" .. line:gsub("'", "''") .. "'"
  end
  return table.concat(parts, [[."\n".]])
end

--- A constant that is shown as it is: a title, the name of a run.
function M.literal(s) return M.quote(s) .. ' noenhanced' end

local function plain(s) return latex.plain(tostring(s)) end

--- The label of an axis, or another text with formulas. What is lowered and raised at one place
-- stands one above the other.
function M.label(s)
  s = plain(s):gsub('[@&~\\]', '\\%0')
  s = s:gsub('%^{([^{}]*)}_{([^{}]*)}', '@^{/*0.8 %1}_{/*0.8 %2}')
  return M.quote(s) .. ' enhanced'
end

--- A label made of a name that programs use: "sigma_8", "n_s", "tau".
function M.name(s)
  s = tostring(s):gsub('^%a+', latex.greek)
  return (s:gsub('_(.+)$', function(rest) return '_{' .. rest:gsub('_', ' ') .. '}' end))
end

--- A number that comes back the same, or nothing where there is none.
function M.number(x)
  if x ~= x or x == math.huge or x == -math.huge then return 'NaN' end
  local short = ('%.9g'):format(x)
  return tonumber(short) == x and short or ('%.17g'):format(x)
end

--- How many letters a text has.
function M.length(s) return #s:gsub('[\128-\191]', '') end

--- How wide a label is, in letters: what is lowered or raised is smaller, and stands one above the
-- other.
function M.width(s)
  local small = 0
  s = plain(s)
  local function both(a, b)
    small = small + math.max(M.length(a), M.length(b)) - 2
    return ''
  end
  s = s:gsub('%^(%b{})_(%b{})', both)
  s = s:gsub('[_^](%b{})', function(group) return both(group, group) end)
  s = s:gsub('[_^]([%z\1-\127\194-\244][\128-\191]*)', function()
    small = small + 1
    return ''
  end)
  return M.length(s) + 0.7 * small
end

-- gnuplot's terminals for LaTeX take a bracket at the beginning for a place, and may not know
-- sizes.
local function constant(s, points)
  local size = points
    and ('\\fontsize{%.3g}{%.3g}\\selectfont '):format(points, 1.2 * points) or ''
  return M.quote(size .. s:gsub('^%[', '{}['))
end

local function with_font(s, points)
  return points and ("%s font ',%.3g'"):format(s, points) or s
end

--- Ways to write a text of so many points: `label`, which has formulas; `literal`, which has none;
-- `tick`, where a list of such is said to have none, and a font.
M.enhanced = {
  label = function(s, points) return with_font(M.label(s), points) end,
  literal = function(s, points) return with_font(M.literal(s), points) end,
  tick = M.quote,
}
M.latex = {
  label = function(s, points) return constant(latex.text(tostring(s)), points) end,
  literal = function(s, points) return constant(latex.literal(tostring(s)), points) end,
  tick = function(s, points) return constant(latex.literal(tostring(s)), points) end,
}

return M
