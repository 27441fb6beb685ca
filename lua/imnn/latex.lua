--- Labels as LaTeX sets them: in its running text, or inside of its formulas.
--
-- `_` and `^` lower and raise the next letter or {group}, σ and \sigma are the Greek letter, words
-- are upright, and so are units, which stand in brackets: "ln σ_8", "H_0 [km s^{-1} Mpc^{-1}]".
-- A label that has nothing but letters, functions and numbers is a formula as a whole. What stands
-- between dollars, and what has commands of LaTeX other than these, is left as it is.
-- @module imnn.latex
local M = {}

--- The Greek letters by their names.
M.greek = {
  alpha = 'α', beta = 'β', gamma = 'γ', delta = 'δ', epsilon = 'ϵ', varepsilon = 'ε',
  zeta = 'ζ', eta = 'η', theta = 'θ', iota = 'ι', kappa = 'κ', lambda = 'λ', mu = 'μ',
  nu = 'ν', xi = 'ξ', pi = 'π', rho = 'ρ', sigma = 'σ', tau = 'τ', upsilon = 'υ', phi = 'φ',
  chi = 'χ', psi = 'ψ', omega = 'ω', Gamma = 'Γ', Delta = 'Δ', Theta = 'Θ', Lambda = 'Λ',
  Xi = 'Ξ', Pi = 'Π', Sigma = 'Σ', Upsilon = 'Υ', Phi = 'Φ', Psi = 'Ψ', Omega = 'Ω',
}

local functions = {}
for name in ('ln log lg exp sin cos tan cot sinh cosh tanh arcsin arccos arctan arg det dim max '
    .. 'min sup inf lim Pr'):gmatch '%a+' do
  functions[name] = '\\' .. name
end

-- Signs that formulas alone have.
local formulas = {
  ['−'] = '-', ['±'] = '\\pm', ['×'] = '\\times', ['·'] = '\\cdot', ['∞'] = '\\infty',
  ['≤'] = '\\le', ['≥'] = '\\ge', ['≈'] = '\\approx', ['∪'] = '\\cup', ['∈'] = '\\in',
  ['°'] = '{}^\\circ', ['√'] = '\\surd', ['…'] = '\\dots', ['ϕ'] = '\\phi',
  ['∝'] = '\\propto', ['☉'] = '\\odot', ['⊙'] = '\\odot', ['µ'] = '\\mu',
}
for name, letter in pairs(M.greek) do formulas[letter] = '\\' .. name end

-- Small digits and signs, and what they stand for.
local function small(letters, meanings)
  local out, k = {}, 0
  for letter in letters:gmatch '[\194-\244][\128-\191]*' do
    out[letter], k = meanings:sub(k + 1, k + 1), k + 1
  end
  return out
end
local raised = small('⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺', '0123456789-+')
local lowered = small('₀₁₂₃₄₅₆₇₈₉₋₊ₘₛ', '0123456789-+ms')

local text_signs = {
  ['\\'] = '\\textbackslash{}', ['~'] = '\\textasciitilde{}', ['^'] = '\\textasciicircum{}',
  ['&'] = '\\&', ['%'] = '\\%', ['$'] = '\\$', ['#'] = '\\#', ['_'] = '\\_', ['{'] = '\\{',
  ['}'] = '\\}', ['<'] = '$<$', ['>'] = '$>$', ['|'] = '$|$',
}
local math_signs = {
  ['\\'] = '\\backslash', ['~'] = '\\sim', ['^'] = '\\wedge', ['&'] = '\\&', ['%'] = '\\%',
  ['$'] = '\\$', ['_'] = '\\_', ['{'] = '\\{', ['}'] = '\\}', ['Å'] = '\\mathring{A}',
  ['#'] = '\\sharp', -- where # begins a comment, \# does, too
}

local one = '^[%z\1-\127\194-\244][\128-\191]*'

-- Pieces of a formula in a row: `\Sigma m` needs its blank, `\Sigma_8` none.
local function glued(a, b)
  return a:find '\\%a+$' and b:find '^%a' and a .. ' ' .. b or a .. b
end

-- What is lowered or raised.
local function small_formula(s)
  local out, at = '', 1
  while at <= #s do
    local run = s:match('^\\%a+', at) or s:match('^%a+', at)
    local c = run or s:match(one, at) or s:sub(at, at)
    at = at + #c
    if run and run:find '^%a%a' then c = '\\mathrm{' .. run .. '}'
    elseif not run and not c:find '[\\^_{}]' then
      c = formulas[c] or raised[c] or lowered[c] or math_signs[c] or c
    end
    out = glued(out, c)
  end
  return out
end

-- Tokens { text, kind, unit = boolean, scripts } of a label. Kinds: word, number, blank, symbol
-- (which formulas alone have), sign. `long`: without braces, all of a word is lowered.
local function tokens(s, long)
  local out, at, unit = {}, 1, false
  local function add(kind, text) out[#out + 1] = { text = text, kind = kind, unit = unit } end
  local function script(mark, content)
    local last = out[#out]
    if not last or last.kind == 'blank' then
      add('symbol', '{}')
      last = out[#out]
    end
    local scripts = last.scripts or {}
    last.scripts = scripts
    local before = scripts[#scripts]
    if before and before.mark == mark then before.content = before.content .. content
    else scripts[#scripts + 1] = { mark = mark, content = content } end
  end
  local function take(kind, pattern)
    local run = s:match(pattern, at)
    if not run then return false end
    add(kind, run)
    at = at + #run
    return true
  end
  while at <= #s do
    local mark, group = s:match('^([_^])(%b{})', at)
    if not mark then
      mark = s:match('^[_^]', at)
      group = mark and (long and s:match('^%w%w+', at + 1) or s:match('^\\%a+', at + 1)
        or s:match(one, at + 1))
    end
    if mark and group then
      script(mark, (group:gsub('^{(.*)}$', '%1')))
      at = at + 1 + #group
    elseif not (take('word', '^%a+') or take('number', '^%d[%d.]*') or take('blank', '^ +')
        or take('symbol', '^\\%a+')) then
      local c = s:match(one, at) or s:sub(at, at)
      if c == '[' and s:find(']', at, true) then unit = true end
      at = at + #c
      if raised[c] then script('^', raised[c])
      elseif lowered[c] then script('_', lowered[c])
      elseif formulas[c] then add('symbol', formulas[c])
      else add('sign', c) end
      if c == ']' then unit = false end
    end
  end
  return out
end

local function is_function(token)
  return token.kind == 'word' and not token.unit and functions[token.text] ~= nil
end

local function is_plain_word(token)
  return token.kind == 'word' and #token.text > 1 and not token.unit and not token.scripts
    and not functions[token.text]
end

-- Whether a label is a formula but for its units.
local function is_formula(list)
  local letters = false
  for _, token in ipairs(list) do
    if not token.unit then
      if is_plain_word(token) or token.kind == 'sign' and token.text:find '[%%&#"\128-\255]' then
        return false
      end
      letters = letters or token.kind == 'word' or token.kind == 'symbol' and token.text:find '%a%a'
    end
  end
  return letters
end

local function with_scripts(text, token)
  for _, script in ipairs(token.scripts or {}) do
    local content = small_formula(script.content)
    text = text .. script.mark .. (#content == 1 and content or '{' .. content .. '}')
  end
  return text
end

-- A token of a formula. `upright`: it stands in \mathrm already.
local function math_token(token, upright)
  local text = token.text
  if token.kind == 'word' then
    if is_function(token) then text = functions[text]
    elseif not upright and (token.unit or #text > 1) then text = '\\mathrm{' .. text .. '}' end
  elseif token.kind == 'sign' then
    text = math_signs[text] or text
  end
  return with_scripts(text, token)
end

-- log10 M: a number right behind a logarithm is its base.
local function with_bases(list)
  local out = {}
  for _, token in ipairs(list) do
    local last = out[#out]
    if token.kind == 'number' and last and last.text == 'log' and is_function(last)
      and not last.scripts and not token.scripts then
      last.scripts = { { mark = '_', content = token.text } }
    else
      out[#out + 1] = token
    end
  end
  return out
end

-- The blank at a place of a formula, which has none of its own, or of words.
local function math_blank(list, i, whole)
  local after = list[i + 1]
  if list[i].unit or after and after.unit then return '\\,' end
  return whole and ' ' or '\\ '
end

local function to_math(list)
  local whole, out, at = is_formula(list), '', 1
  while at <= #list do
    local token = list[at]
    if token.kind == 'sign' and token.text == '[' and token.unit then
      local unit = ''
      at = at + 1
      while list[at].text ~= ']' do
        local blank = list[at].kind == 'blank'
        unit = glued(unit, blank and '\\,' or math_token(list[at], true))
        at = at + 1
      end
      local shown = unit:find '%a' and '[\\mathrm{' .. unit .. '}]' or '[' .. unit .. ']'
      out = out .. with_scripts(shown, list[at])
    else
      out = glued(out, token.kind == 'blank' and math_blank(list, at, whole) or math_token(token))
    end
    at = at + 1
  end
  return out
end

-- Pieces { text, formula = boolean } with their dollars, where neighbours are one formula.
local function joined(pieces)
  local out = {}
  for _, piece in ipairs(pieces) do
    local last = out[#out]
    if last and last.formula and piece.formula then last[1] = glued(last[1], piece[1])
    else out[#out + 1] = { piece[1], formula = piece.formula } end
  end
  for i, piece in ipairs(out) do
    out[i] = piece.formula and '$' .. piece[1] .. '$' or piece[1]
  end
  return table.concat(out)
end

local function to_text(list)
  local whole, pieces = is_formula(list), {}
  local function in_formula(token)
    if token.kind == 'symbol' or token.scripts then return true end
    return not token.unit and token.kind ~= 'blank' and (whole or is_function(token))
  end
  for i, token in ipairs(list) do
    if token.kind == 'blank' then
      local before, after = list[i - 1], list[i + 1]
      pieces[i] = { token.text, formula = whole and not token.unit and before ~= nil
        and after ~= nil and in_formula(before) and in_formula(after) }
    elseif in_formula(token) then
      pieces[i] = { math_token(token), formula = true }
    else
      pieces[i] = { text_signs[token.text] or token.text, formula = false }
    end
  end
  return joined(pieces)
end

-- Whether a text has commands, or groups, that are none of a label: it is LaTeX as it is.
local function is_latex(s)
  for command in s:gmatch '\\(%a*)' do
    if not M.greek[command] and not functions[command] then return true end
  end
  return s:find '\\' ~= nil and s:gsub('[_^]%b{}', ''):find '[{}]' ~= nil
end

-- Formulas between dollars as they are, and what a function makes of the rest.
local function between(s, rest_of, inside_of)
  local out = {}
  while true do
    local before, inside, after = s:match '^(.-)(%b$$)(.*)$'
    if not before then break end
    out[#out + 1] = rest_of(before) .. inside_of(inside)
    s = after
  end
  return table.concat(out) .. rest_of(s)
end

--- A label inside of a formula, without dollars.
-- @tparam string label as figures take it: "σ²", "σ_8", "H_0 [km/s/Mpc]", or LaTeX already
-- @tparam[opt=false] boolean long without braces, all of a word is lowered, "N_eff", as names have
-- it; else its first letter
-- @treturn string
function M.math(label, long)
  return between(label, function(s)
    return is_latex(s) and s or to_math(with_bases(tokens(s, long)))
  end, function(inside) return inside:sub(2, -2) end)
end

--- A label in running text: what is a formula stands between dollars.
-- @tparam string label
-- @tparam[opt=false] boolean long as `math` has it
-- @treturn string
function M.text(label, long)
  if label:find '%$' and is_latex(label:gsub('%b$$', '')) then return label end
  return between(label, function(s)
    if is_latex(s) then return '$' .. s .. '$' end
    return to_text(with_bases(tokens(s, long)))
  end, function(inside) return inside end)
end

-- Commands that say how their letters look, which a label does not.
local faces = {}
for name in ('mathrm mathit mathbf mathcal mathsf mathnormal boldsymbol operatorname text textrm '
    .. 'textit textbf mbox rm it bf cal'):gmatch '%a+' do
  faces[name] = true
end

-- What commands without an argument stand for, in a label.
local meanings = { left = '', right = '', quad = ' ', odot = '☉' }
for letter, command in pairs(formulas) do
  local name = command:match '^\\(%a+)$'
  if name and not M.greek[name] then meanings[name] = meanings[name] or letter end
end
for name in pairs(functions) do meanings[name] = name end
for name, letter in pairs(M.greek) do meanings[name] = letter end

--- A label without LaTeX, where that is but letters, functions, signs and upright words: "n_{s}" of
-- `n_\mathrm{s}`. Other commands stay.
-- @tparam string label
-- @treturn string
function M.plain(label)
  local s = label:gsub('%$', '')
  if not s:find '\\' then return s end
  local before
  repeat
    before = s
    s = s:gsub('([_^]?)\\(%a+)%s*(%b{})', function(mark, name, group)
      return faces[name] and (mark ~= '' and mark .. group or group:sub(2, -2)) or nil
    end)
  until s == before
  s = s:gsub('\\([%a]+)%s+', function(name) return faces[name] and '' end)
  s = s:gsub('\\[,;: ]', ' '):gsub('\\!', ''):gsub('\\([%%&#])', '%1')
  return (s:gsub('\\(%a+)', meanings))
end

--- A text that has no formulas.
-- @tparam string s
-- @treturn string
function M.literal(s)
  local list = {}
  for c in s:gmatch(one:sub(2)) do
    local raise, low = raised[c], lowered[c]
    local f = raise and '^{' .. raise .. '}' or low and '_{' .. low .. '}' or formulas[c]
    list[#list + 1] = { f or text_signs[c] or c, formula = f ~= nil }
  end
  return joined(list)
end

return M
