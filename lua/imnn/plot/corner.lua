--- Corner plots: what several parameters may be, one by one and in pairs.
-- A figure holds layers: densities on a grid, or points. Nothing is decided before it is drawn, so
-- that a layer that comes later finds its place, its colour and its limits.
-- @module imnn.plot.corner
local args = require 'imnn.args'
local axis = require 'imnn.plot.axis'
local cell = require 'imnn.plot.cell'
local core = require 'imnn.core'
local figure = require 'imnn.plot.figure'
local layers = require 'imnn.plot.layer'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local values = require 'imnn.plot.values'
local M = {}

local who = 'plot.corner'

local function limits_of(fig, p)
  local given = fig.limits and fig.limits[p]
  if given then return given[1], given[2] end
  local lo, hi = math.huge, -math.huge
  for _, layer in ipairs(fig.layers) do
    local a, b = layers.extent(layer, p, fig.levels[1])
    if b > a then lo, hi = math.min(lo, a), math.max(hi, b) end
  end
  for _, known in ipairs(fig.known) do
    local v = known[p]
    if v and hi > lo then
      lo, hi = math.min(lo, v - 0.05 * (hi - lo)), math.max(hi, v + 0.05 * (hi - lo))
    end
  end
  if hi > lo then return lo, hi end
  for _, layer in ipairs(fig.layers) do -- nothing to show: the whole grid
    if layer.ranges then return layer.ranges[p][1], layer.ranges[p][#layer.ranges[p]] end
  end
  return (lo < math.huge and lo or 0) - 0.5, (lo < math.huge and lo or 0) + 0.5
end

-- ---- the page, in cm ----

local margin = { right = 0.3, top = 0.3, bottom = 1.15 }
local gap, letter = 0.12, 0.17 -- letter: the width of a digit in a label

local function layout(fig)
  local width = 0
  for p = 2, fig.P do width = math.max(width, fig.axes[p].width) end
  local left = fig.P == 1 and margin.right or 0.9 + letter * width
  return {
    left = left,
    width = (fig.width - left - margin.right - (fig.P - 1) * gap) / fig.P,
    height = (fig.height - margin.bottom - margin.top - (fig.P - 1) * gap) / fig.P,
  }
end

local function box(fig, page, row, column)
  local left = page.left + (column - 1) * (page.width + gap)
  local top = fig.height - margin.top - (row - 1) * (page.height + gap)
  return { left / fig.width, (left + page.width) / fig.width, (top - page.height) / fig.height,
    top / fig.height }
end

local function label_of(fig, p)
  return (fig.axis_labels and fig.axis_labels[p] or 'θ_{' .. p .. '}') .. fig.axes[p].unit
end

-- With one parameter the legend stands in the cell, above the curves: a fraction of their height.
local function legend_room(fig, page)
  local lines = 0
  for _, layer in ipairs(fig.P == 1 and not fig.anchor and fig.layers or {}) do
    if layer.label ~= '' then lines = lines + 1 end
  end
  local share = math.min(0.5, 0.42 * lines / page.height)
  return share / (1 - share)
end

local function add_cell(fig, sheet, page, row, column)
  local plot, top = cell.contents(fig, sheet, row, column)
  local at, set = box(fig, page, row, column), { "border 15 linewidth 0.6 linecolor rgb '#303030'",
    "tics scale 0.5 font ',8'", 'key off' }
  axis.set(set, 'x', fig.axes[column], { labels = row == fig.P })
  if row == column then
    axis.set(set, 'y', { lo = 0, hi = top * (1.08 + legend_room(fig, page)) }, { ticks = false })
  else
    axis.set(set, 'y', fig.axes[row], { labels = column == 1 })
  end
  if row == fig.P then
    set[#set + 1] = ('label 1 %s at screen %.4f,%.4f center'):format(
      text.label(label_of(fig, column)), (at[1] + at[2]) / 2, 0.3 / fig.height)
  end
  if column == 1 and row > 1 then
    set[#set + 1] = ('label 2 %s at screen %.4f,%.4f center rotate by 90'):format(
      text.label(label_of(fig, row)), 0.3 / fig.width, (at[3] + at[4]) / 2)
  end
  cell.mark_truth(fig, set, row, column)
  sheet:panel { name = ('row %d, column %d'):format(row, column), box = at, set = set, plot = plot }
end

-- The legend, beside the first cell, or where `bbox_to_anchor` says in units of that cell.
local function add_legend(fig, sheet, page)
  local plot, first, longest = {}, box(fig, page, 1, 1), 1
  for _, layer in ipairs(fig.layers) do
    if layer.label ~= '' then
      longest = math.max(longest, text.length(layer.label))
      plot[#plot + 1] = ('NaN %s title %s'):format(cell.sample(layer), text.literal(layer.label))
    end
  end
  if #plot == 0 then return end
  local room = fig.P == 1 and page.width / 2 or fig.width - page.left - page.width - 1.3
  local size = math.max(5, math.min(9, 9 * room / (longest * 0.185)))
  local x, y = first[2] + 0.35 / fig.width, first[4]
  local corner = 'left top Left reverse'
  if fig.anchor then
    x = first[1] + fig.anchor[1] * (first[2] - first[1])
    y = first[3] + fig.anchor[2] * (first[4] - first[3])
  elseif fig.P == 1 then
    x, y, corner = first[2] - 0.1 / fig.width, first[4] - 0.1 / fig.height, 'right top'
  end
  sheet:panel {
    name = 'legend', box = first, plot = plot,
    set = { 'border 0', 'unset tics', 'xrange [0:1]', 'yrange [0:1]', 'boxwidth 1',
      ("key at screen %.4f,%.4f %s samplen 1.8 spacing 1.25 font ',%.3g' %s"):format(x, y, corner,
        size, fig.ncol and 'horizontal maxcols ' .. fig.ncol or 'vertical') },
  }
end

local function draw(fig, sheet)
  local full
  for i, layer in ipairs(fig.layers) do
    layer.colour, layer.block = style.colour(who, layer.color, i), nil
    layer.fill = layer.filled
    if layer.fill == nil and layer.marginals and not full then layer.fill = true end
    full = full or layer.fill
  end
  fig.axes = {}
  for p = 1, fig.P do
    local lo, hi = limits_of(fig, p)
    fig.axes[p] = axis.linear(lo, hi, { room = (fig.width / fig.P - 0.5) / letter })
  end
  local page = layout(fig)
  for row = 1, fig.P do
    for column = 1, row do add_cell(fig, sheet, page, row, column) end
  end
  add_legend(fig, sheet, page)
end

-- ---- options ----

local function read_levels(levels)
  local out = {}
  for i, p in ipairs(levels) do
    if type(p) ~= 'number' or not (p > 0 and p < 1) then
      core.raise('%s: option "levels" must be fractions between 0 and 1, got %s', who, tostring(p))
    end
    out[i] = p
  end
  table.sort(out, function(a, b) return a > b end)
  return out
end

-- One entry for each parameter, which may be false.
local function check_list(name, list, P)
  args.argument(who, ('option "%s"'):format(name), list, { 'table' })
  local n = 0
  for i in pairs(list) do n = math.max(n, type(i) == 'number' and i or 0) end
  if n ~= P then
    core.raise('%s: option "%s" must have %d entries, one for each parameter, got %d', who, name, P,
      n)
  end
end

local function read_limits(limits, P)
  check_list('limits', limits, P)
  for p = 1, P do
    local l = limits[p]
    if l and not (type(l) == 'table' and values.is_finite(l[1]) and values.is_finite(l[2])
      and l[1] < l[2]) then
      core.raise('%s: limits[%d] must be { low, high } or false', who, p)
    end
  end
  return limits
end

local function default_size(P)
  local side = math.min(18, 3.4 + 3.4 * P)
  return { P == 1 and 8 or side, P == 1 and 6.5 or side }
end

local function new_figure(o, P)
  local width, height = figure.size(who, o.figsize or default_size(P))
  return figure.new { kind = 'corner', width = width, height = height, draw = draw, layers = {},
    known = {}, P = P, levels = read_levels(o.levels or { 0.68, 0.95 }), ncol = o.ncol }
end

--- A corner plot: marginals of single parameters on the diagonal (all upright), regions of pairs
-- below it. The first density is filled, the others are lines; the innermost region is the darkest.
-- @tparam table opts
--
-- * `posteriors`: a list of densities { `ranges`: P lists of grid points; `marginals`: a lower
--   triangle, [p][p] (g_p) and [row][column] (g_column, g_row), each with one more axis in front
--   if there are several targets, of which `target` (1) is taken } and points { `points`: (n, P);
--   `hist` (true): a histogram of `bins` on the diagonal; `s` (5): size in points^2; `alpha` (1) },
--   each with `label`, `colour`, `linestyle`, `filled`
-- * `ax`: the corner figure to draw into
-- * `known`: true values, a line each; false where unknown
-- * `axis_labels`: P texts, in which _ and ^ lower and raise what follows
-- * `levels`: fractions of the mass that the regions hold, { 0.68, 0.95 }
-- * `limits`: { low, high } of each parameter, or false: where the posteriors are
-- * `ncol`, `bbox_to_anchor`: columns and place of the legend, in units of the first cell
-- * `figsize`: { width, height } in cm
-- * `file`: save to this path, too
-- @treturn Figure
-- @raise options and shapes that do not fit, what fig:save raises
-- @usage plot.corner { posteriors = { { ranges = abc.ranges, marginals = abc.marginals } },
--   axis_labels = { 'Omega_m', 'sigma_8' }, known = { 0.3, 0.8 } }
function M.new(opts)
  local o = args.take(who, opts, {
    posteriors = { 'table' },
    ax = { 'Figure', optional = true },
    known = { 'table', 'Array', optional = true },
    axis_labels = { 'table', optional = true },
    levels = { 'table', optional = true },
    limits = { 'table', optional = true },
    ncol = { 'integer', optional = true },
    bbox_to_anchor = { 'table', optional = true },
    figsize = { 'table', optional = true },
    file = { 'string', optional = true },
  })
  if o.ax and not figure.is(o.ax, 'corner') then
    core.raise('%s: option "ax" must be a corner figure, got a %s figure', who, o.ax.kind)
  end
  local added = {}
  for i, given in ipairs(o.posteriors) do added[i] = layers.read(given) end
  if #added == 0 then core.raise('%s: there is nothing to draw: no posteriors', who) end
  local P = o.ax and o.ax.P or added[1].P
  for _, layer in ipairs(added) do
    if layer.P ~= P then
      core.raise('%s: posteriors of %d and of %d parameters do not fit into one figure', who, P,
        layer.P)
    end
  end
  local known = o.known and values.plain(o.known)
  for _, name in ipairs { 'known', 'axis_labels' } do
    if o[name] then check_list(name, values.plain(o[name]), P) end
  end
  local fig = o.ax or new_figure(o, P)
  for _, layer in ipairs(added) do fig.layers[#fig.layers + 1] = layer end
  if known then fig.known[#fig.known + 1] = known end
  fig.axis_labels = o.axis_labels or fig.axis_labels
  fig.limits = o.limits and read_limits(o.limits, P) or fig.limits
  fig.anchor = o.bbox_to_anchor or fig.anchor
  if o.file then fig:save(o.file) end
  return fig
end

return M
