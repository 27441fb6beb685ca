--- The history of a fit: how the information and the covariance of the summaries went.
-- @module imnn.plot.history
local args = require 'imnn.args'
local axis = require 'imnn.plot.axis'
local core = require 'imnn.core'
local figure = require 'imnn.plot.figure'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local values = require 'imnn.plot.values'
local M = {}

local who = 'plot.history'

-- What is drawn: panel, symbol, keys of the history, dashes of training and validation; `second`
-- of its panel.
local curves = {
  { panel = 1, symbol = '|F|', keys = { 'detF' }, dash = { 'solid', 'dotted' } },
  { panel = 2, symbol = '|C|', keys = { 'detC' }, log = 'lndetC', dash = { 'solid', 'dotted' } },
  { panel = 2, symbol = '|C⁻¹|', keys = { 'detinvC' }, log = 'lndetinvC',
    dash = { 'dashed', 'dashdot' }, second = true },
  { panel = 3, symbol = 'Λ₂', keys = { 'Lambda_2', 'Λ2', 'Λ_2' },
    dash = { 'solid', 'dotted' } },
  { panel = 3, symbol = 'r', keys = { 'r' }, dash = { 'dashed', 'dashdot' }, second = true,
    right = true },
}

-- ---- reading ----

-- Determinants that a number cannot hold, from their logarithm: at the edge of what it can.
local function exp(x) return math.exp(math.max(-690, math.min(690, x))) end

local function numbers(list, key)
  for _, v in ipairs(list) do
    if type(v) ~= 'number' then
      core.raise('%s: %s must be a list of numbers, got %s', who, key, values.shape_text(list))
    end
  end
  return list
end

-- The values of a curve, or nil.
local function find(history, prefix, curve)
  for _, key in ipairs(curve.keys) do
    local plain = values.plain(history[prefix .. key])
    if type(plain) == 'table' and #plain > 0 then
      local log = curve.log and values.plain(history[prefix .. curve.log]) or {}
      local out, some = {}, false
      for i, v in ipairs(numbers(plain, prefix .. key)) do
        local lost = log[i] and not (values.is_finite(v) and v > 0)
        out[i] = lost and exp(log[i]) or v
        some = some or values.is_finite(out[i])
      end
      return some and out or nil
    end
  end
end

local function read(history)
  local run = { curves = {}, n = 0 }
  for i, prefix in ipairs { '', 'val_' } do
    for _, kind in ipairs(curves) do
      local y = find(history, prefix, kind)
      if y then
        run.curves[#run.curves + 1] = { kind = kind, y = y, validation = i == 2 }
        run.n = math.max(run.n, #y)
      end
    end
  end
  if run.n == 0 then
    core.raise('%s: the history holds no numbers; fit first (its lists are detF, detC, detinvC, '
      .. 'Lambda_2, r)', who)
  end
  return run
end

-- ---- legends ----

-- With one run every line is explained; with several the colours are in the first panel, and the
-- dashes in each.
local function validated(runs)
  for _, run in ipairs(runs) do
    if run.validated then return true end
  end
  return false
end

-- With several runs a colour is a run; a single one has two of them for the curves of a panel.
local function colour_of(fig, i, kind)
  local run = fig.runs[i]
  local own = #fig.runs == 1 and not run.colour and kind.second and 2 or i
  return style.colour(who, run.colour, own, fig.look)
end

local function line(sheet, colour, dash, title)
  return ("with lines linecolor rgb '%s' linewidth 1.1 dashtype %s %s"):format(colour,
    style.dash(who, dash), title and 'title ' .. sheet:entry(title, 8) or 'notitle')
end

local function join(...)
  local words = {}
  for _, word in ipairs { ... } do
    if word ~= '' then words[#words + 1] = word end
  end
  return table.concat(words, ' ')
end

local function add_legend(fig, sheet, plots)
  local any = validated(fig.runs)
  local one = #fig.runs == 1 and fig.runs[1]
  for i, run in ipairs(one and {} or fig.runs) do
    local colour = style.colour(who, run.colour, i, fig.look)
    table.insert(plots[1], 'NaN ' .. line(sheet, colour, 'solid',
      run.label ~= '' and run.label or 'run ' .. i))
  end
  for k, role in ipairs { any and '(training)' or '', any and '(validation)' or nil } do
    for _, kind in ipairs(curves) do
      local entry = join(one and one.label or '', kind.symbol, role)
      local colour = one and colour_of(fig, 1, kind) or fig.look.ink
      if one or any or kind.panel ~= 1 then
        table.insert(plots[kind.panel], 'NaN ' .. line(sheet, colour, kind.dash[k], entry))
      end
    end
  end
end

-- ---- drawing ----

local margin = { left = 1.75, right = 1.45, bottom = 1.25, top = 0.3, gap = 0.3 } -- cm
local line_height, letter = 0.42, 0.178 -- cm, of legends

local panels = { -- from the top
  { name = 'information', ylabel = '|F|', legend = 'bottom' },
  { name = 'covariance', ylabel = '|C| and |C⁻¹|', legend = 'top', logarithmic = true },
  { name = 'regulariser', ylabel = 'Λ₂', legend = 'top', logarithmic = true, y2label = 'r' },
}

local function panel_height(fig)
  return (fig.height - margin.bottom - margin.top - 2 * margin.gap) / 3
end

local function box(fig, i)
  local top = fig.height - margin.top - (i - 1) * (panel_height(fig) + margin.gap)
  return { margin.left / fig.width, 1 - margin.right / fig.width,
    (top - panel_height(fig)) / fig.height, top / fig.height }
end

-- The axis that shows all curves of a panel (of the right axis or not), with a fraction `spare` of
-- it left free at the top.
local function axis_of(fig, i, right, spare)
  local lo, hi = math.huge, -math.huge
  local logarithmic = panels[i].logarithmic and not right
  local function see(v)
    if not values.is_finite(v) or logarithmic and v <= 0 then return end
    lo, hi = math.min(lo, v), math.max(hi, v)
  end
  for _, run in ipairs(fig.runs) do
    for _, c in ipairs(run.curves) do
      if c.kind.panel == i and (c.kind.right or false) == right then
        for _, v in ipairs(c.y) do see(v) end
      end
    end
  end
  if i == 1 and fig.expected then see(fig.expected) end
  if logarithmic then
    if i == 2 or hi < lo then see(1) end
    local room = math.max(math.log10(hi / lo), 0.3)
    return axis.log(lo * 10 ^ (-0.06 * room), hi * 10 ^ ((0.06 + spare / (1 - spare)) * room))
  end
  if lo > 0 then lo = 0 end
  if not (hi > lo) then lo, hi = math.min(lo, 0), 1 end
  if hi < lo then lo, hi = 0, 1 end
  local bottom = lo < 0 and lo - 0.06 * (hi - lo) or lo
  return axis.linear(bottom, hi + (0.06 + spare / (1 - spare)) * (hi - lo),
    { from_lo = lo == 0 })
end

-- Columns, as many as are asked for and fit, and rows of a legend.
local function legend_size(fig, i, plot)
  local entries, longest = 0, 1
  for _, item in ipairs(plot) do
    local entry = item:match " title '(.*)'"
    if entry then entries, longest = entries + 1, math.max(longest, text.length(entry)) end
  end
  local room = fig.width - margin.left - margin.right
  local fit = math.floor(room / (longest * letter + 1))
  local columns = math.max(1, math.min((i == 1 and 1 or 2) * fig.ncol, fit))
  return columns, math.ceil(entries / columns)
end

-- Upright, or turned, where what was taken out of the ticks follows.
local function label(sheet, n, s, x, y, unit)
  local turn = unit ~= nil
  s = s .. axis.plain(unit or '')
  return ("label %d %s at screen %.4f,%.4f center%s textcolor rgb '%s'"):format(n,
    sheet:literal(s, 9), x, y, turn and ' rotate by 90' or '', sheet.look.ink)
end

local function draw_panel(fig, sheet, i, n, plot)
  local panel, at = panels[i], box(fig, i)
  local middle = (at[3] + at[4]) / 2
  local columns, rows = legend_size(fig, i, plot)
  local spare = i > 1 and math.min(0.5, (rows * line_height + 0.15) / panel_height(fig)) or 0
  local set, x = sheet:frame(), axis.linear(0, n, { from_lo = true })
  local y = axis_of(fig, i, false, spare)
  for _, setting in ipairs {
    ("key on %s right horizontal samplen 2.2 spacing 1.1 %s maxcols %d opaque fillcolor rgb '%s' "
      .. "textcolor rgb '%s'"):format(panel.legend, sheet:font(8), columns,
      style.transparent(fig.look.ground, 0.81), fig.look.ink),
    label(sheet, 1, panel.ylabel, 0.35 / fig.width, middle, y.unit),
  } do set[#set + 1] = setting end
  axis.set(sheet, set, 'x', x, { labels = i == 3 })
  axis.set(sheet, set, 'y', y, { mirror = not panel.y2label })
  if panel.y2label then
    local right = axis_of(fig, i, true, spare)
    axis.set(sheet, set, 'y2', right, { mirror = false })
    set[#set + 1] = label(sheet, 2, panel.y2label, 1 - 0.3 / fig.width, middle, right.unit)
  end
  if i == 3 then
    set[#set + 1] = label(sheet, 3, 'Number of iterations' .. axis.plain(x.unit),
      (at[1] + at[2]) / 2, 0.3 / fig.height)
  end
  sheet:panel { name = panel.name, box = at, set = set, plot = plot }
end

local function draw(fig, sheet)
  local n, plots = 1, { {}, {}, {} }
  if fig.expected then
    plots[1][1] = text.number(fig.expected) .. ' '
      .. line(sheet, fig.look.ink, 'dashed', 'expected |F|')
  end
  plots[2][1] = '1 ' .. line(sheet, fig.look.ink, 'dashed')
  for i, run in ipairs(fig.runs) do
    n = math.max(n, run.n - 1)
    for _, c in ipairs(run.curves) do
      table.insert(plots[c.kind.panel], sheet:data(values.curve(c.y)) .. ' using 1:2 '
        .. (c.kind.right and 'axes x1y2 ' or '')
        .. line(sheet, colour_of(fig, i, c.kind), c.kind.dash[c.validation and 2 or 1]))
    end
  end
  add_legend(fig, sheet, plots)
  for i = 1, 3 do draw_panel(fig, sheet, i, n, plots[i]) end
end

--- Three panels: |F|; |C| and |C^-1|, logarithmic; Lambda_2, logarithmic, and, on the right
-- axis, r.
-- @tparam table history lists or Arrays detF, detC, detinvC, Lambda_2, r, and val_detF, ... if the
-- fit was validated; lndetC, lndetinvC where the determinants leave the range of numbers
-- @tparam[opt] table opts `expected_detF`: a line at what is possible; `label` of the run;
-- `colour`; `ax`: the figure of another run to draw into; `ncol`: columns of the legends;
-- `figsize`: { width, height } in cm; `file`: save to this path, too
-- @treturn Figure
-- @raise an empty history, unknown options, what fig:save raises
-- @usage plot.history(net.history, { expected_detF = 50, label = 'first' }):save 'history.pdf'
function M.new(history, opts)
  local o = args.take(who, opts, args.rows(figure.options, {
    ax = { 'Figure', optional = true },
    expected_detF = { 'number', optional = true },
    color = { 'string', optional = true },
    label = { 'string', default = '' },
    ncol = { 'integer', default = 1 },
  }))
  if not (o.ncol >= 1 and o.ncol <= 100) then
    core.raise('%s: option "ncol" must be 1 to 100, got %g', who, o.ncol)
  end
  args.argument(who, 'the history', history, { 'table' })
  local run = read(history)
  run.label, run.colour = o.label, o.color
  run.validated = run.curves[#run.curves].validation
  style.colour(who, o.color, 1)
  local width, height = figure.size(who, o, { 12, 16 })
  local fig = figure.given(who, o.ax, 'history') or figure.new { kind = 'history', width = width,
    height = height, runs = {}, draw = draw, ncol = o.ncol, style = o.style }
  fig.expected = o.expected_detF or fig.expected
  fig.runs[#fig.runs + 1] = run
  if o.file then fig:save(o.file) end
  return fig
end

return M
