--- Text of gnuplot scripts: strings, labels, numbers.
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

--- The label of an axis: `_` and `^` lower and raise the next letter or {group}, \mu and $\mu$ are
-- the Greek letter; all else is literal.
function M.label(s)
  s = tostring(s):gsub('%$', ''):gsub('\\(%a+)', function(name) return greek[name] end)
  return M.quote((s:gsub('[@&~\\]', '\\%0'))) .. ' enhanced'
end

--- A number that comes back the same, or nothing where there is none.
function M.number(x)
  if x ~= x or x == math.huge or x == -math.huge then return 'NaN' end
  local short = ('%.9g'):format(x)
  return tonumber(short) == x and short or ('%.17g'):format(x)
end

--- How many letters a text has.
function M.length(s) return #s:gsub('[\128-\191]', '') end

return M
