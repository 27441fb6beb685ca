--- Sample sets: tables for papers and for other programs.
-- @module imnn.samples.tables
local args = require 'imnn.args'
local chains = require 'imnn.samples.chains'
local core = require 'imnn.core'
local file = require 'imnn.samples.file'
local label = require 'imnn.samples.label'
local np = require 'imnn.numpy'
local round = require 'imnn.samples.round'
local sets = require 'imnn.samples.set'
local state = sets.state

local Tables = sets.methods

local rows = {
  mass = { 'number', 'table', default = 0.68 }, kind = { 'string', default = 'equal-tail' },
}

-- Options, with a list of masses.
local function take(who, opts, more)
  local o = args.take(who, opts, args.rows(rows, more or {}))
  if type(o.mass) == 'number' then o.mass = { o.mass } end
  args.list(who, 'mass', o.mass)
  if #o.mass == 0 then core.raise('%s: mass is a number or a list of them', who) end
  for _, m in ipairs(o.mass) do
    if type(m) ~= 'number' or not (m > 0 and m < 1) then
      core.raise('%s: a mass is above 0 and below 1, got %s', who, tostring(m))
    end
  end
  args.choice(who, 'kind', o.kind, { ['equal-tail'] = true, hpd = true, limit = true })
  return o
end

local signs = { ['upper limit'] = 'above', ['lower limit'] = 'below', none = 'none' }

-- Where an interval ends that one would quote, and on which sides: of one side where the density
-- touches a limit. The density only decides which it is: it is wider than the samples by the width
-- of its kernels, so bounds and equal tails are quantiles of the samples, as getdist has them. Of
-- samples that are all equal there is no density.
local function quoted(set, density, place, mass)
  local function quantile(p) return set:quantile(p)[place]:item() end
  local bound = density and density:interval { mass = mass, kind = 'limit' }
  local sign = density and signs[bound.kind]
  if sign == 'above' then return set.low[place], quantile(mass), sign
  elseif sign == 'below' then return quantile(1 - mass), set.high[place], sign
  elseif sign == 'none' then return set.low[place], set.high[place], sign
  elseif density and bound.kind == 'hpd' then return bound.low, bound.high end
  return quantile((1 - mass) / 2), quantile((1 + mass) / 2)
end

local function limits(set, masses)
  local out = {}
  for i = 1, #masses do out[i] = {} end
  for place = 1, set.n_params do
    local ok, density = pcall(set.density, set, { columns = place })
    for i, mass in ipairs(masses) do
      out[i][place] = { quoted(set, ok and density, place, mass) }
    end
  end
  return out
end

-- The intervals of each mass, for each parameter { low, high, sign }; sign 'above': only the upper
-- end is one, 'below': only the lower, 'none': neither.
local function intervals(set, o)
  if o.kind == 'limit' then return limits(set, o.mass) end
  local out = {}
  for i, m in ipairs(o.mass) do
    out[i] = set:interval { mass = m, kind = o.kind }:totable()
  end
  return out
end

local function percent(m) return ('%g %%'):format(100 * m) end

-- Rows of cells as lines; the first column to the left, others to the right.
local function aligned(cells)
  local width, out = {}, {}
  local function length(s) return #s:gsub('[\128-\191]', '') end
  for _, row in ipairs(cells) do
    for k, cell in ipairs(row) do width[k] = math.max(width[k] or 0, length(cell)) end
  end
  for i, row in ipairs(cells) do
    local parts = {}
    for k, cell in ipairs(row) do
      local pad = (' '):rep(width[k] - length(cell))
      parts[k] = k == 1 and cell .. pad or pad .. cell
    end
    out[i] = ('  ' .. table.concat(parts, '   ')):gsub(' +$', '')
  end
  return out
end

-- Standard deviations; NaN where one sample has all the weight.
local function deviations(set)
  local ok, std = pcall(Tables.std, set)
  return ok and std:values() or np.full({ set.n_params }, 0 / 0, 'f64'):values()
end

local function title(s, set)
  local method = s.origin.method
  return ('%s%d sample%s of %d parameter%s%s'):format(
    type(method) == 'string' and method .. ': ' or '', s.n, s.n == 1 and '' or 's', s.n_params,
    s.n_params == 1 and '' or 's',
    (s.log_weights or s.chain) and (', worth %.4g'):format(chains.worth(set)) or '')
end

-- An interval in plain text.
local function span(error, low, high, sign)
  if sign == 'none' then return '-' end
  if sign == 'above' then return '< ' .. round.texts(error, high) end
  low, high = round.texts(error, low, high)
  return sign == 'below' and '> ' .. low or low .. ' .. ' .. high
end

--- A table for the eye: means, standard deviations and intervals, with two digits of the error, and
-- what to be warned of. It is what tostring gives.
-- @tparam[opt] table opts
-- @tparam[opt=0.68] number|table opts.mass of the intervals, or a list
-- @tparam[opt='equal-tail'] string opts.kind 'hpd', or 'limit': bounds of one side where the
-- density touches a limit of the parameter
-- @treturn string
-- @usage print(samples:text { mass = { 0.68, 0.95 } })
function Tables:text(opts)
  local s = state(self, 'text')
  local o = take('text', opts)
  local mean, std = self:mean():values(), deviations(self)
  local all, cells = intervals(self, o), { { '', 'mean', 'std' } }
  for _, m in ipairs(o.mass) do table.insert(cells[1], percent(m)) end
  for i, name in ipairs(s.labels) do
    local row = { name, round.texts(std[i], mean[i], std[i]) }
    for _, list in ipairs(all) do
      row[#row + 1] = span(std[i], unpack(list[i]))
    end
    cells[#cells + 1] = row
  end
  local out = aligned(cells)
  table.insert(out, 1, title(s, self))
  for _, sentence in ipairs(self:warnings()) do out[#out + 1] = 'warning: ' .. sentence end
  return table.concat(out, '\n')
end

-- ---- LaTeX ----

-- $a^{+b}_{-c}$, with two digits of the smaller error.
local function value(center, low, high)
  local up, down = high - center, center - low
  if up < 0 or down < 0 then return nil end
  local least = math.min(up, down)
  local decimals, power, last = round.digits(center, least > 0 and least or math.max(up, down))
  local function show(x) return round.number(x, decimals, power, last) end
  local above, below = show(up), show(down)
  local text = ('%s^{+%s}_{-%s}'):format(show(center), above, below)
  if above == below then text = ('%s \\pm %s'):format(show(center), above) end
  if power ~= 0 then text = ('(%s) \\times 10^{%d}'):format(text, power) end
  return '$' .. text .. '$'
end

local function bracket(low, high)
  local decimals, power, last = round.digits(math.max(math.abs(low), math.abs(high)), high - low)
  local text = ('[%s, %s]'):format(round.number(low, decimals, power, last),
    round.number(high, decimals, power, last))
  return '$' .. text .. (power ~= 0 and (' \\times 10^{%d}'):format(power) or '') .. '$'
end

-- A bound of one side, with two digits of the spread.
local function one_sided(sign, low, high, error)
  if sign == 'none' then return '--' end
  local end_ = sign == 'above' and high or low
  local decimals, power, last = round.digits(end_, error)
  return ('$%s %s%s$'):format(sign == 'above' and '<' or '>',
    round.number(end_, decimals, power, last),
    power ~= 0 and (' \\times 10^{%d}'):format(power) or '')
end

local centers = {
  median = function(set) return set:quantile(0.5):values() end,
  mean = function(set) return set:mean():values() end,
}

--- A table for LaTeX with the package booktabs: a^{+b}_{-c}, with two digits of the smaller error.
-- @tparam[opt] table opts
-- @tparam[opt=0.68] number|table opts.mass of the intervals, or a list: a column for each
-- @tparam[opt='equal-tail'] string opts.kind 'hpd', or 'limit': bounds of one side where the
-- density touches a limit of the parameter
-- @tparam[opt='median'] string opts.center or 'mean'; where it is not inside the interval its ends
-- are shown
-- @tparam[opt] string opts.path a file to write it to
-- @treturn string
-- @raise a folder that is not there
-- @usage print(samples:latex { mass = 0.95 })
function Tables:latex(opts)
  local s = state(self, 'latex')
  local o = take('latex', opts, { center = { 'string', default = 'median' },
    path = { 'string', optional = true } })
  local center = args.choice('latex', 'center', o.center, centers)(self)
  local all, std, out = intervals(self, o), deviations(self), {}
  out[1] = ('\\begin{tabular}{l%s}'):format(('c'):rep(#o.mass))
  local head = { 'Parameter' }
  for _, m in ipairs(o.mass) do head[#head + 1] = ('%g\\,\\%%'):format(100 * m) end
  out[2], out[3], out[4] = '\\toprule', table.concat(head, ' & ') .. ' \\\\', '\\midrule'
  for i = 1, #s.labels do
    local row = { label.text(s, i) }
    for _, list in ipairs(all) do
      local low, high, sign = unpack(list[i])
      row[#row + 1] = sign and one_sided(sign, low, high, std[i])
        or value(center[i], low, high) or bracket(low, high)
    end
    out[#out + 1] = table.concat(row, ' & ') .. ' \\\\'
  end
  out[#out + 1], out[#out + 2] = '\\bottomrule', '\\end{tabular}'
  local text = table.concat(out, '\n') .. '\n'
  if o.path then file.write_text('latex', o.path, text) end
  return text
end

-- ---- getdist's ----

local tags = { above = '>', below = '<', none = 'none' }
local masses = { 0.68, 0.95, 0.99 }

local function wide(width, text) return text .. (' '):rep(width - #text) end

--- The table of marginal statistics that getdist writes: for each parameter the mean, the standard
-- deviation and limits of 68, 95 and 99 %, which are of one side where the density touches a limit
-- of the parameter.
-- @tparam[opt] string path a file to write it to, root.margestats
-- @treturn string
-- @raise a folder that is not there
-- @usage print(samples:margestats())
function Tables:margestats(path)
  local s = state(self, 'margestats')
  args.argument('margestats', 'path', path, { 'string', optional = true })
  local mean, std, width = self:mean():values(), deviations(self), 9
  for _, name in ipairs(s.names) do width = math.max(width, #name + 1) end
  local head = wide(width, 'parameter') .. '  ' .. wide(15, 'mean') .. wide(15, 'sddev')
  for k = 1, #masses do
    head = head .. wide(15, 'lower' .. k) .. wide(15, 'upper' .. k) .. wide(7, 'limit' .. k)
  end
  local all = limits(self, masses)
  local out = { 'Marginalized limits: ' .. table.concat(masses, '; '), '', head }
  for i, name in ipairs(s.names) do
    local line = wide(width, name .. (s.derived[name] and '*' or ''))
    line = line .. ('%15.7E%15.7E'):format(mean[i], std[i])
    for k = 1, #masses do
      local low, high, sign = unpack(all[k][i])
      line = line .. ('%15.7E%15.7E  %s'):format(low, high, wide(5, tags[sign] or 'two'))
    end
    out[#out + 1] = line .. '   ' .. label.math(s, i)
  end
  local text = table.concat(out, '\n') .. '\n'
  if path then file.write_text('margestats', path, text) end
  return text
end

--- The covariance as getdist and samplers read it: a line of names, then the matrix.
-- @tparam[opt] string path a file to write it to, root.covmat
-- @treturn string
-- @raise a folder that is not there; one sample has all the weight
-- @usage print(samples:covmat())
function Tables:covmat(path)
  local s = state(self, 'covmat')
  args.argument('covmat', 'path', path, { 'string', optional = true })
  local out = { '# ' .. table.concat(s.names, ' ') }
  for _, row in ipairs(self:cov():totable()) do
    for k, v in ipairs(row) do row[k] = ('%24.16E'):format(v) end
    out[#out + 1] = table.concat(row)
  end
  local text = table.concat(out, '\n') .. '\n'
  if path then file.write_text('covmat', path, text) end
  return text
end
