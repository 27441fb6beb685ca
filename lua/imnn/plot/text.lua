--- Text of gnuplot scripts: strings, labels, numbers.
--
-- Labels have one spelling for all kinds of files: `_` and `^` lower and raise the next letter or
-- {group}, \mu and $\mu$ are the Greek letter, all else is literal. Where LaTeX sets the text, they
-- become its formulas, and what stands between dollars is left to it as it is.
-- @module imnn.plot.text
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

local greek = {
  alpha = 'α', beta = 'β', gamma = 'γ', delta = 'δ', epsilon = 'ϵ', varepsilon = 'ε',
  zeta = 'ζ', eta = 'η', theta = 'θ', iota = 'ι', kappa = 'κ', lambda = 'λ', mu = 'μ',
  nu = 'ν', xi = 'ξ', pi = 'π', rho = 'ρ', sigma = 'σ', tau = 'τ', upsilon = 'υ', phi = 'φ',
  chi = 'χ', psi = 'ψ', omega = 'ω', Gamma = 'Γ', Delta = 'Δ', Theta = 'Θ', Lambda = 'Λ',
  Xi = 'Ξ', Pi = 'Π', Sigma = 'Σ', Upsilon = 'Υ', Phi = 'Φ', Psi = 'Ψ', Omega = 'Ω',
}

local function plain(s)
  return (tostring(s):gsub('%$', ''):gsub('\\(%a+)', function(name) return greek[name] end))
end

--- The label of an axis, or another text with formulas. What is lowered and raised at one place
-- stands one above the other.
function M.label(s)
  s = plain(s):gsub('[@&~\\]', '\\%0')
  s = s:gsub('%^{([^{}]*)}_{([^{}]*)}', '@^{/*0.8 %1}_{/*0.8 %2}')
  return M.quote(s) .. ' enhanced'
end

--- A label made of a name that programs use: "sigma_8", "n_s", "tau".
function M.name(s)
  s = tostring(s):gsub('^%a+', greek)
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

-- ---- LaTeX ----

local escaped = {
  ['\\'] = '\\textbackslash{}', ['~'] = '\\textasciitilde{}', ['^'] = '\\textasciicircum{}',
  ['&'] = '\\&', ['%'] = '\\%', ['$'] = '\\$', ['#'] = '\\#', ['_'] = '\\_', ['{'] = '\\{',
  ['}'] = '\\}', ['<'] = '$<$', ['>'] = '$>$', ['|'] = '$|$',
}
local formulas = {
  ['−'] = '-', ['±'] = '\\pm ', ['×'] = '\\times ', ['·'] = '\\cdot ', ['∞'] = '\\infty ',
  ['≤'] = '\\le ', ['≥'] = '\\ge ', ['≈'] = '\\approx ', ['∪'] = '\\cup ',
  ['∈'] = '\\in ', ['°'] = '^\\circ ',
  ['√'] = '\\surd ', ['…'] = '\\dots ', ['ϕ'] = '\\phi ',
}
for name, letter in pairs(greek) do formulas[letter] = '\\' .. name .. ' ' end
-- Small digits and signs, and what they stand for.
local function small(letters)
  local out, k = {}, 0
  for letter in letters:gmatch '[\194-\244][\128-\191]*' do
    out[letter], k = ('0123456789-'):sub(k + 1, k + 1), k + 1
  end
  return out
end
local raised = small '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'
local lowered = small '₀₁₂₃₄₅₆₇₈₉₋'

local letter_pattern = '[%z\1-\127\194-\244][\128-\191]*'

-- What stands inside of a formula.
local function formula(s)
  s = s:gsub('[#%%&]', '\\%0'):gsub('%a%a+', '\\mathrm{%0}')
  return (s:gsub('[\194-\244][\128-\191]*', function(c)
    return formulas[c] or raised[c] or lowered[c] or c
  end))
end

-- Tokens { text, formula = boolean } of a label without dollars.
local function tokens(s)
  local out, at, unit = {}, 1, false -- units stand in brackets, upright
  local function add(text, is_formula) out[#out + 1] = { text, formula = is_formula } end
  local function script(mark, content)
    local last = out[#out]
    if not last then
      add('{}', true)
    elseif not last.formula then
      local upright = unit and last[1]:find '^%a+$'
      last[1] = upright and '\\mathrm{' .. last[1] .. '}' or formula(last[1])
      last.formula = true
    end
    out[#out][1] = out[#out][1] .. mark .. '{' .. formula(content) .. '}'
  end
  while at <= #s do
    local run = s:match('^%a+', at) or s:match('^[%d.]+', at) or s:match('^ +', at)
    local command = s:match('^\\%a+', at)
    local mark, group = s:match('^([_^])(%b{})', at)
    if run then
      add(run)
      at = at + #run
    elseif command then
      add(command .. ' ', true)
      at = at + #command
    elseif mark then
      script(mark, group:sub(2, -2))
      at = at + #group + 1
    else
      local c = s:match('^' .. letter_pattern, at) or s:sub(at, at)
      local next_one = (c == '_' or c == '^') and s:match('^' .. letter_pattern, at + 1)
      at = at + #c
      if c == '[' or c == ']' then unit = c == '[' end
      if next_one then
        script(c, next_one)
        at = at + #next_one
      elseif raised[c] then script('^', raised[c])
      elseif lowered[c] then script('_', lowered[c])
      elseif formulas[c] then add(formulas[c], true)
      else add(escaped[c] or c) end
    end
  end
  return out
end

-- Pieces with their dollars, where neighbours are one formula: `\Sigma m` needs its blank, but none
-- at its end.
local function joined(pieces)
  local out = {}
  for _, piece in ipairs(pieces) do
    local text, is_formula = piece[1], piece.formula
    local last = out[#out]
    if last and last.formula and is_formula then last[1] = last[1] .. text
    else out[#out + 1] = { text, formula = is_formula } end
  end
  for i, piece in ipairs(out) do
    out[i] = piece.formula and '$' .. piece[1]:gsub(' $', '') .. '$' or piece[1]
  end
  return table.concat(out)
end

local function to_latex(s)
  local list = tokens(s)
  if #list == 1 and list[1][1]:find '^%a$' then list[1].formula = true end
  return joined(list)
end

-- Formulas between dollars, and labels between them.
local function latex_label(s)
  local out, rest = {}, s
  while true do
    local before, inside, after = rest:match '^(.-)(%b$$)(.*)$'
    if not before then break end
    out[#out + 1] = to_latex(before) .. inside
    rest = after
  end
  return table.concat(out) .. to_latex(rest)
end

local function latex_literal(s)
  local list = {}
  for c in tostring(s):gmatch(letter_pattern) do
    local raise, low = raised[c], lowered[c]
    local f = raise and '^{' .. raise .. '}' or low and '_{' .. low .. '}' or formulas[c]
    list[#list + 1] = { f or escaped[c] or c, formula = f ~= nil }
  end
  return joined(list)
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
  label = function(s, points) return constant(latex_label(tostring(s)), points) end,
  literal = function(s, points) return constant(latex_literal(s), points) end,
  tick = function(s, points) return constant(latex_literal(s), points) end,
}

return M
