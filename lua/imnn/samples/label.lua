--- Labels as LaTeX has them.
-- @module imnn.samples.label
local M = {}

local letters = {
  ['α'] = 'alpha', ['β'] = 'beta', ['γ'] = 'gamma', ['δ'] = 'delta', ['ϵ'] = 'epsilon',
  ['ε'] = 'varepsilon', ['ζ'] = 'zeta', ['η'] = 'eta', ['θ'] = 'theta', ['ι'] = 'iota',
  ['κ'] = 'kappa', ['λ'] = 'lambda', ['μ'] = 'mu', ['ν'] = 'nu', ['ξ'] = 'xi', ['π'] = 'pi',
  ['ρ'] = 'rho', ['σ'] = 'sigma', ['τ'] = 'tau', ['υ'] = 'upsilon', ['φ'] = 'varphi',
  ['ϕ'] = 'phi', ['χ'] = 'chi', ['ψ'] = 'psi', ['ω'] = 'omega', ['Γ'] = 'Gamma',
  ['Δ'] = 'Delta', ['Θ'] = 'Theta', ['Λ'] = 'Lambda', ['Ξ'] = 'Xi', ['Π'] = 'Pi',
  ['Σ'] = 'Sigma', ['Υ'] = 'Upsilon', ['Φ'] = 'Phi', ['Ψ'] = 'Psi', ['Ω'] = 'Omega',
  ['∞'] = 'infty', ['×'] = 'times', ['·'] = 'cdot', ['±'] = 'pm', ['≤'] = 'le',
  ['≥'] = 'ge',
}
local raised = {
  ['⁰'] = '0', ['¹'] = '1', ['²'] = '2', ['³'] = '3', ['⁴'] = '4', ['⁵'] = '5',
  ['⁶'] = '6', ['⁷'] = '7', ['⁸'] = '8', ['⁹'] = '9', ['⁻'] = '-', ['⁺'] = '+',
}
local lowered = {
  ['₀'] = '0', ['₁'] = '1', ['₂'] = '2', ['₃'] = '3', ['₄'] = '4', ['₅'] = '5',
  ['₆'] = '6', ['₇'] = '7', ['₈'] = '8', ['₉'] = '9', ['₋'] = '-', ['₊'] = '+',
  ['ₘ'] = 'm', ['ₛ'] = 's',
}

local function replace(text, table_of, before)
  return text:gsub('[\194-\244][\128-\191]*', function(c)
    return table_of[c] and before .. '{' .. table_of[c] .. '}'
  end)
end

-- a_8^{2}{3}: several raised letters in a row are one exponent.
local function joined(text)
  local n
  repeat
    text, n = text:gsub('([_^]){([^{}]*)}%1{([^{}]*)}', '%1{%2%3}')
  until n == 0
  return text
end

--- The inside of $...$.
-- @tparam string label as figures take it, "σ²", "σ_8", or LaTeX already
-- @treturn string
function M.math(label)
  if label:find '[\\$]' then return (label:gsub('%$', '')) end
  local text = replace(replace(label, raised, '^'), lowered, '_')
  text = text:gsub('[\194-\244][\128-\191]*', function(c)
    return letters[c] and '\\' .. letters[c] .. ' '
  end)
  text = text:gsub('[#%%&]', '\\%0'):gsub(' ([%W])', '%1'):gsub(' $', '')
  return (joined(text):gsub('([_^])(%w%w+)', '%1{%2}'))
end

--- A label in running text of LaTeX: words stay words, what is a formula stands between $.
function M.text(label)
  if label:find '%$' then return label end
  if label:find '^%a[%w ]+$' then return label end
  return '$' .. M.math(label) .. '$'
end

return M
