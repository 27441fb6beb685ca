--- Corner plots: what several parameters may be, one by one and in pairs.
-- A figure holds layers: densities on a grid, samples, or points. Nothing is decided before it is
-- drawn, so that a layer that comes later finds its place, its colour and its limits.
-- @module imnn.plot.corner
local args = require 'imnn.args'
local core = require 'imnn.core'
local figure = require 'imnn.plot.figure'
local read = require 'imnn.plot.read'
local triangle = require 'imnn.plot.triangle'
local values = require 'imnn.plot.values'
local warning = require 'imnn.lfi.warn'
local M = {}

local function read_levels(who, levels)
  local out = {}
  for i, p in ipairs(levels) do
    if type(p) ~= 'number' or not (p > 0 and p < 1) then
      core.raise('%s: option "levels" must be fractions between 0 and 1, got %s', who, tostring(p))
    end
    out[i] = p
  end
  if #out == 0 then core.raise('%s: option "levels" is an empty list', who) end
  table.sort(out, function(a, b) return a > b end)
  return out
end

-- One entry for each parameter, which may be false.
local function check_list(who, name, list, P)
  args.argument(who, ('option "%s"'):format(name), list, { 'table' })
  local n = 0
  for i in pairs(list) do n = math.max(n, type(i) == 'number' and i or 0) end
  if n ~= P then
    core.raise('%s: option "%s" must have %d entries, one for each parameter, got %d', who, name, P,
      n)
  end
end

local function is_text(v) return type(v) == 'string' end

-- One entry for each parameter that is as it should be, or false.
local function check_entries(who, name, list, P, is, wanted)
  check_list(who, name, list, P)
  for p = 1, P do
    if list[p] ~= false and not is(list[p]) then
      core.raise('%s: option "%s" must hold %s, got %s as number %d', who, name, wanted,
        type(list[p]) == 'number' and tostring(list[p]) or core.kind(list[p]), p)
    end
  end
end

-- Where the legend is, and how wide.
local function check_legend(who, o)
  local at = o.bbox_to_anchor
  if at and not (#at == 2 and values.is_finite(at[1]) and values.is_finite(at[2])) then
    core.raise('%s: option "bbox_to_anchor" must be { x, y }', who)
  end
  if o.ncol and not (o.ncol >= 1 and o.ncol <= 100) then
    core.raise('%s: option "ncol" must be 1 to 100, got %g', who, o.ncol)
  end
end

local function read_limits(who, limits, P)
  check_list(who, 'limits', limits, P)
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
  local side = math.min(P > 7 and 26 or 18, 3.4 + 3.4 * P)
  return { P == 1 and 8 or side, P == 1 and 6.5 or side }
end

local kinds = { auto = 'auto', ['equal-tail'] = 'equal-tail', hpd = 'hpd' }

local function new_figure(who, o, P, names, kind)
  local width, height = figure.size(who, o, kind.size(P, o))
  return figure.new { kind = kind.name, width = width, height = height, draw = kind.draw,
    columns = o.columns, layers = {}, known = {}, P = P, names = names,
    levels = read_levels(who, o.levels or { 0.68, 0.95 }), mass = o.mass,
    interval = args.choice(who, 'option "interval"', o.interval, kinds),
    titles = o.titles ~= false, ncol = o.ncol, style = o.style }
end

-- Which column of a layer a parameter of the figure is: by name, or by place.
local function place(who, fig, layer)
  layer.columns = {}
  if not (fig.names and layer.names) then
    if layer.P ~= fig.P then
      core.raise('%s: posteriors of %d and of %d parameters do not fit into one figure', who, fig.P,
        layer.P)
    end
    for p = 1, fig.P do layer.columns[p] = p end
    return
  end
  local found = false
  for p, name in ipairs(fig.names) do
    for column, own in ipairs(layer.names) do
      if own == name then layer.columns[p], found = column, true end
    end
  end
  if not found then
    core.raise('%s: none of the parameters %s is among %s', who, table.concat(layer.names, ', '),
      table.concat(fig.names, ', '))
  end
end

-- Names of the parameters that the figure shows, if they have any.
local function names_of(who, o, added)
  local P, names
  for _, layer in ipairs(added) do names = names or layer.names end
  for _, layer in ipairs(added) do
    if names and not layer.names then names = nil end
  end
  P = added[1].P
  if not o.parameters then return P, names and { unpack(names) } end
  local chosen = {}
  for i, want in ipairs(o.parameters) do
    local name = type(want) == 'number' and (names or added[1].names or {})[want] or want
    if not names or type(name) ~= 'string' then
      core.raise('%s: option "parameters" must be names of parameters, and all posteriors must '
        .. 'have such; got %s', who, tostring(want))
    end
    chosen[i] = name
  end
  if #chosen == 0 then core.raise('%s: option "parameters" is an empty list', who) end
  return #chosen, chosen
end

-- Say which regions of the new layers are cut by their grids; the figure keeps the sentences.
local function warn_of_cuts(who, o, fig, added)
  local list, warn = warning(who, o.quiet)
  for _, layer in ipairs(added) do
    local words = {}
    for i, column in ipairs(layer:cut(fig.levels[1])) do
      for p = 1, fig.P do
        if layer.columns[p] == column then
          words[i] = fig.axis_labels and fig.axis_labels[p] or fig.names and fig.names[p]
            or 'parameter ' .. p
        end
      end
    end
    if #words > 0 then
      local whose = layer.label ~= '' and layer.label .. ': ' or ''
      warn('%sthe %.4g %% region of %s reaches an end of the grid that is no limit; what lies '
        .. 'beyond is not counted, so give a wider grid', whose, 100 * fig.levels[1],
        table.concat(words, ', '))
    end
  end
  fig.warnings = fig.warnings or {}
  for _, sentence in ipairs(list) do fig.warnings[#fig.warnings + 1] = sentence end
end

-- A figure of layers of a kind { name, draw, size, more options }.
local function make(who, opts, kind)
  local o, added = read.corner(who, opts, kind.options)
  figure.given(who, o.ax, kind.name)
  if #added == 0 then core.raise('%s: there is nothing to draw: no posteriors', who) end
  if not (o.mass > 0 and o.mass < 1) then
    core.raise('%s: option "mass" must be a fraction between 0 and 1, got %g', who, o.mass)
  end
  if o.columns and o.columns < 1 then
    core.raise('%s: option "columns" must be 1 or more, got %d', who, o.columns)
  end
  local P, names = names_of(who, o, added)
  local fig = o.ax or new_figure(who, o, P, names, kind)
  if o.labels and o.axis_labels then
    core.raise('%s: options "labels" and "axis_labels" are the same; give one', who)
  end
  local known, labels = o.known and values.plain(o.known), o.labels or o.axis_labels
  if known then
    check_entries(who, 'known', known, fig.P, values.is_finite, 'finite numbers, or false')
  end
  if labels then
    check_entries(who, o.labels and 'labels' or 'axis_labels', labels, fig.P, is_text, 'texts')
  end
  check_legend(who, o)
  local limits = o.limits and read_limits(who, o.limits, fig.P)
  for _, layer in ipairs(added) do place(who, fig, layer) end
  for _, layer in ipairs(added) do fig.layers[#fig.layers + 1] = layer end
  if known then fig.known[#fig.known + 1] = known end
  fig.axis_labels = labels or fig.axis_labels
  fig.limits = limits or fig.limits
  fig.anchor = o.bbox_to_anchor or fig.anchor
  warn_of_cuts(who, o, fig, added)
  if o.file then fig:save(o.file) end
  return fig
end

--- A corner plot: marginals of single parameters on the diagonal (their peak is 1, or that of a
-- histogram), regions of pairs below it. The first density is filled, the others are lines; the
-- innermost region is the darkest. Above the diagonal stands what the first density says, and which
-- interval that is: the shaded one.
-- @tparam table opts
--
-- * what stands at places 1, 2, ... is drawn: sample sets, posteriors of imnn.lfi, Arrays of
--   samples (n, P), lists of these, or a table { one of them, `label`, `colour`, ... }. Weights
--   count. Where all have names, parameters are matched by name
-- * `posteriors`: the same as a list, in which may also stand densities { `ranges`: P lists of grid
--   points; `marginals`: a lower triangle, [p][p] (g_p) and [row][column] (g_column, g_row), each
--   with one more axis in front if there are several targets, of which `target` (1) is taken;
--   `hard`: { low, high } for each parameter, whether the grid ends at limits } and points
--   { `points`: (n, P); `hist` (true): a histogram of `bins` on the diagonal; `s` (5): size in
--   points^2; `alpha` (1) }, each with `label`, `colour`, `linestyle`, `filled`; of samples
--   `scatter` (false): points in place of regions, at most 10000 of them, the fainter the less they
--   weigh
-- * `label`: names of the posteriors for the legend, a text or a list; `colours`, `linestyle`,
--   `filled`, `scatter`, `s`, `alpha` for all, or a list with one for each
-- * `smooth`: "kde", or "histogram", whose bins are smoothed by `smoothing` (0) of their width
-- * `parameters`: names of those to be shown, in this order
-- * `ax`: the corner figure to draw into
-- * `known`: true values, a line each, or an arrow at the end of a panel if they are far beyond it
--   (`limits` shows more); false where unknown
-- * `labels` (or `axis_labels`): P texts, in which _ and ^ lower and raise what follows; units
--   stand in brackets at the end, "H_0 [km/s/Mpc]"
-- * `levels`: fractions of the mass that the regions hold, { 0.68, 0.95 }
-- * `titles` (true); `interval`: "equal-tail" (about the median), "hpd" (about the mode) or "auto":
--   a bound where the density is high at a limit of the parameter, else equal tails if they end at
--   like densities and the median is not between two peaks, else the highest density; `mass` (0.68)
--   that it holds, of bounds the largest level
-- * `limits`: { low, high } of each parameter, or false: where the posteriors are, about 3 sigma
-- * `ncol`, `bbox_to_anchor`: columns and place of the legend, in units of the first cell
-- * `size`: "column" (8.6 cm), "page" (17.8 cm), a width, or { width, height } in cm
-- * `style`: "paper", "screen" or "dark"
-- * `file`: save to this path, too
-- * `quiet` (false): do not say on stderr that a region reaches an end of a given grid that is no
--   limit of the parameter; the figure's `warnings` say it
-- @treturn Figure
-- @raise options and shapes that do not fit, what fig:save raises
-- @usage local set = random.normal(key, { 1000, 2 })
-- plot.corner { set, set * 0.5, labels = { 'Omega_m', 'σ_8' }, label = { 'wide', 'narrow' },
--   known = { 0.3, 0.8 } }
function M.new(opts)
  local fig = make('plot.corner', opts, { name = 'corner', draw = triangle.draw,
    size = default_size })
  return fig -- no call at the end: messages of parts of it say its name
end

local function wall_size(P, o)
  local columns = o.columns or triangle.columns(P)
  local rows = math.ceil(P / columns)
  return { math.min(18, 0.8 + 4.4 * columns), math.min(26, 0.6 + 4.6 * rows) }
end

--- Single parameters alone, in rows of panels.
-- @tparam string who for messages
-- @tparam table opts those of a corner plot, and `columns`
function M.wall(who, opts)
  return make(who, opts, { name = 'wall', draw = triangle.wall, size = wall_size,
    options = { columns = { 'integer', optional = true } } })
end

return M
