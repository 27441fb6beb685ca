--- Plots: gnuplot scripts first, pictures second. A function gives a figure: `fig:save 'x.pdf'`
-- draws it and keeps the script as x.pdf.gp, `fig:show()` draws it with characters, `tostring(fig)`
-- is the script. Sizes are in cm.
-- @module imnn.plot
local args = require 'imnn.args'
local core = require 'imnn.core'
local corner = require 'imnn.plot.corner'
local diagnostics = require 'imnn.plot.diagnostics'
local figure = require 'imnn.plot.figure'
local history = require 'imnn.plot.history'
local read = require 'imnn.plot.read'
local values = require 'imnn.plot.values'
local M = {}

M.corner = corner.new
M.history = history.new
M.generations = diagnostics.generations
M.distances = diagnostics.distances
M.trace = diagnostics.trace
M.prior_posterior = diagnostics.prior_posterior
M.predictive = diagnostics.predictive

--- Whether x is a figure.
-- @function is_figure
M.is_figure = figure.is

-- The targets that are asked for, as numbers.
local function choose(who, target, n)
  local list = {}
  if target == nil then
    for t = 1, n do list[t] = t end
    return list
  end
  for i, t in ipairs(type(target) == 'table' and target or { target }) do
    if type(t) ~= 'number' or t % 1 ~= 0 or t < 1 or t > n then
      core.raise('%s: option "target" must be among 1 to %d, got %s', who, n, tostring(t))
    end
    list[i] = t
  end
  if #list == 0 then core.raise('%s: option "target" is an empty list', who) end
  return list
end

local function rows(more)
  return args.rows({
    ax = { 'Figure', optional = true },
    ranges = { 'table', optional = true },
    known = { 'table', 'Array', optional = true },
    label = { 'string', default = '' },
    axis_labels = { 'table', optional = true },
    linestyle = { 'string', default = 'solid' },
    colors = { 'string', 'table', optional = true },
    target = { 'integer', 'table', optional = true },
    format = { 'boolean', default = false }, -- of the reference: here nothing is ever left out
    ncol = { 'integer', optional = true },
    bbox_to_anchor = { 'table', optional = true },
    limits = { 'table', optional = true },
    titles = { 'boolean', optional = true },
    quiet = { 'boolean', default = false },
  }, args.rows(figure.options, more))
end

-- `colours` in all its spellings: one, or one for each target.
local function take(who, opts, more)
  local given = {}
  opts = args.argument(who, 'opts', opts, { 'table', default = {} })
  for key, v in pairs(opts) do
    local plural = key == 'colours' or key == 'colour' or key == 'color'
    given[plural and 'colors' or key] = v
  end
  return args.take(who, given, rows(more))
end

local function colour_of(o, i, who)
  if type(o.colors) == 'table' and #o.colors == 0 then
    core.raise('%s: option "colours" is an empty list', who)
  end
  if type(o.colors) ~= 'table' then return o.colors end
  return o.colors[(i - 1) % #o.colors + 1]
end

local function label_of(o, targets, t)
  if o.label == '' or #targets == 1 then return o.label end
  return o.label .. ' Target ' .. t
end

local function corner_plot(o, posteriors)
  return corner.new {
    posteriors = posteriors, ax = o.ax, known = o.known, axis_labels = o.axis_labels,
    levels = o.levels, ncol = o.ncol, bbox_to_anchor = o.bbox_to_anchor, figsize = o.figsize,
    size = o.size, style = o.style, titles = o.titles, limits = o.limits, file = o.file,
    quiet = o.quiet,
  }
end

--- Marginals of an object of imnn.lfi: `ranges`, `marginals`, and `n_targets` if there are several.
-- @tparam table object
-- @tparam[opt] table opts `ax`, `ranges`, `marginals`, `known`, `label`, `axis_labels`, `levels`,
-- `linestyle`, `colours` (one, or one a target), `target` (a number or a list; none: all), `ncol`,
-- `bbox_to_anchor`, `limits`, `figsize`, `filled`, `file`, `quiet`: see corner
-- @treturn Figure
-- @raise no marginals, options that do not fit
-- @usage gaussian:marginal_plot { label = 'Gaussian', axis_labels = { 'mu', 'Sigma' } }
function M.marginal_plot(object, opts)
  local who = 'marginal_plot'
  args.argument(who, 'the object', object, { 'table' })
  local o = take(who, opts, {
    marginals = { 'table', optional = true },
    levels = { 'table', optional = true },
    filled = { 'boolean', optional = true },
  })
  local marginals, ranges = o.marginals or object.marginals, o.ranges or object.ranges
  if not marginals then core.raise('%s: there are no marginals yet', who) end
  if not ranges then core.raise('%s: there are no ranges; give option "ranges"', who) end
  if #ranges ~= #marginals then
    core.raise('%s: option "ranges" must be a list for each of %d parameters, got %d', who,
      #marginals, #ranges)
  end
  local first = rawget(marginals, 1)
  if type(first) ~= 'table' then
    core.raise('%s: option "marginals" must be a lower triangle, [p][p] and [row][column], got %s '
      .. 'as its first row', who, core.kind(first))
  end
  local shape = values.shape(values.plain(first[1]))
  local targets = choose(who, o.target, #shape == 2 and shape[1] or 1)
  local posteriors = {}
  local hard = not o.ranges and object.prior and read.hard_ends(object) or nil
  for i, t in ipairs(targets) do
    posteriors[i] = {
      ranges = ranges, marginals = marginals, target = t, hard = hard,
      label = label_of(o, targets, t),
      color = colour_of(o, i, who), linestyle = o.linestyle, filled = o.filled,
    }
  end
  return corner_plot(o, posteriors)
end

-- One list of points for each target.
local function by_target(points)
  local plain = values.plain(points)
  local shape = values.shape(plain)
  return #shape == 2 and shape[2] > 0 and { plain } or plain
end

local function limits_from(who, ranges)
  local out = {}
  for p = 1, math.max(#ranges, 1) do
    local range = ranges[p]
    if type(range) ~= 'table' or #range < 2 then
      core.raise('%s: option "ranges" must be lists of numbers that rise, one for each parameter, '
        .. 'got %s as number %d', who, core.kind(range), p)
    end
    out[p] = { range[1], range[#range] }
  end
  return out
end

local function scatter(who, points, opts)
  local o = take(who, opts, {
    points = { 'table', 'Array', optional = true },
    hist = { 'boolean', default = true },
    s = { 'number', default = 5 },
    alpha = { 'number', default = 1 },
    gridsize = { 'integer', optional = true },
  })
  points = by_target(o.points or points)
  for t = 1, type(points) == 'table' and #points or 1 do
    local one = type(points) == 'table' and points[t]
    if type(one) ~= 'table' or #one > 0 and type(one[1]) ~= 'table' then
      core.raise('%s: option "points" must be (n, P), or a list with one such for each target', who)
    end
  end
  if who == 'scatter_summaries' and not o.axis_labels then
    o.axis_labels = {}
    for k = 1, points[1] and points[1][1] and #points[1][1] or 0 do
      o.axis_labels[k] = 's_{' .. k .. '}'
    end
  end
  local targets, posteriors = choose(who, o.target, #points), {}
  local ranges = o.ranges and values.plain(o.ranges)
  local span = ranges and limits_from(who, ranges)
  o.limits = o.limits or span
  for i, t in ipairs(targets) do
    if #points[t] > 0 then
      posteriors[#posteriors + 1] = {
        points = points[t], label = label_of(o, targets, t), color = colour_of(o, i, who),
        hist = o.hist, s = o.s, alpha = o.alpha, linestyle = o.linestyle,
        bins = o.gridsize or ranges and #ranges[1] - 1,
      }
    end
  end
  if #posteriors == 0 then core.raise('%s: there are no points: nothing was accepted', who) end
  return corner_plot(o, posteriors)
end

--- Accepted parameters as points, with histograms on the diagonal.
-- @tparam table object `parameters.accepted`: a list of (n, P), one for each target
-- @tparam[opt] table opts as for marginal_plot, without marginals and levels; `points` instead of
-- the accepted ones; `hist` (true); `s` (5): size in points^2; `alpha` (1); `ranges`: the limits of
-- the axes, and the edges of the bins; `gridsize`: their number
-- @treturn Figure
-- @raise nothing accepted, options that do not fit
-- @usage plot.scatter_plot(abc, { label = 'ABC' })
function M.scatter_plot(object, opts)
  args.argument('scatter_plot', 'the object', object, { 'table' })
  return scatter('scatter_plot', object.parameters and object.parameters.accepted or {}, opts)
end

--- Accepted summaries as points; everything else as in scatter_plot.
-- @tparam table object `summaries.accepted`: a list of (n, S), one for each target
-- @tparam[opt] table opts
-- @treturn Figure
-- @raise nothing accepted, options that do not fit
-- @usage plot.scatter_summaries(abc)
function M.scatter_summaries(object, opts)
  args.argument('scatter_summaries', 'the object', object, { 'table' })
  return scatter('scatter_summaries', object.summaries and object.summaries.accepted or {}, opts)
end

return args.strict('plot', M)
