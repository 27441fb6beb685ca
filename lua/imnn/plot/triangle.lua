--- The page of a corner plot: cells, labels, titles, the legend.
-- @module imnn.plot.triangle
local axis = require 'imnn.plot.axis'
local cell = require 'imnn.plot.cell'
local density = require 'imnn.plot.density'
local quote = require 'imnn.plot.quote'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local M = {}

local who = 'plot.corner'

-- Where layers have something to show: those that are asked for.
local function extent(fig, p, background)
  local lo, hi = math.huge, -math.huge
  for _, layer in ipairs(fig.layers) do
    if layer.columns[p] and (layer.background or false) == background then
      local a, b = layer:extent(layer.columns[p], fig.levels[1])
      if b > a then lo, hi = math.min(lo, a), math.max(hi, b) end
    end
  end
  return lo, hi
end

-- True values are shown where densities keep at least two fifths of the panel; of those that are
-- farther off there is a mark at its end. Panels of summaries are there to show how far that is.
local function with_known(fig, p, lo, hi)
  local more = fig.kind == 'corner' and 1.5 * (hi - lo) or math.huge
  local least, most = lo - more, hi + more
  for _, known in ipairs(fig.known) do
    local v = known[p]
    if v and v >= least and v <= most then
      lo = v < lo and v - 0.05 * (hi - v) or lo
      hi = v > hi and v + 0.05 * (v - lo) or hi
    end
  end
  return lo, hi
end

local function limits_of(fig, p)
  local given = fig.limits and fig.limits[p]
  if given then return given[1], given[2] end
  local lo, hi = extent(fig, p, false)
  local first, last = extent(fig, p, true)
  if hi > lo then -- what is behind is shown as far as it leaves room
    local more = 0.6 * (hi - lo)
    lo = math.min(lo, math.max(first, lo - more))
    hi = math.max(hi, math.min(last, hi + more))
  else lo, hi = first, last end
  if hi > lo then return with_known(fig, p, lo, hi) end
  for _, layer in ipairs(fig.layers) do -- nothing to show: the whole grid
    local range = layer.ranges and layer.ranges[layer.columns[p]]
    if range then return range[1], range[#range] end
  end
  return (lo < math.huge and lo or 0) - 0.5, (lo < math.huge and lo or 0) + 0.5
end

-- ---- the page, in cm ----

local LETTER, GAP = 0.18, 0.12 -- the width of a digit of 8 points; between cells

-- Letters become smaller in small cells, and have the style's size.
local function scale_of(fig)
  local side = math.min(fig.width, fig.height * 1.15) / (fig.P + 0.7)
  return math.max(0.6, math.min(1, 0.45 + 0.55 * side / 2.4))
end

local function letter(fig) return LETTER * fig.scale * fig.look.points / 9 end

-- Axes along columns and rows. Where labels of a column find no place they are turned in all.
local function make_axes(fig)
  fig.axes, fig.rows, fig.turned = {}, {}, false
  local limits, room = {}, (fig.width - 0.9) / fig.P / letter(fig) - 0.7
  for p = 1, fig.P do
    limits[p] = { limits_of(fig, p) }
    fig.axes[p] = axis.linear(limits[p][1], limits[p][2], { room = room })
    fig.rows[p] = axis.linear(limits[p][1], limits[p][2], { across = axis.BESIDE,
      room = (fig.height - 1.5) / fig.P / letter(fig) })
    fig.turned = fig.turned or fig.axes[p].crowded
  end
  for p = 1, fig.turned and fig.P or 0 do
    fig.axes[p] = axis.linear(limits[p][1], limits[p][2], { across = axis.TURNED,
      room = room })
  end
end

-- A label that somebody has chosen is better than a name, of whichever layer.
local function label_of(fig, p)
  local label, name = fig.axis_labels and fig.axis_labels[p], fig.names and fig.names[p]
  if not label then
    for _, layer in ipairs(fig.layers) do
      local column = layer.columns[p]
      name = name or column and layer.names and layer.names[column]
      label = label or column and layer.labels and layer.labels[column]
      if label and layer.names and label == layer.names[column] then label = nil end
    end
  end
  return label or name and text.name(name) or 'θ_{' .. p .. '}'
end

-- The layer that titles speak of: the first one with densities.
local function titled(fig)
  if not fig.titles then return nil end
  for _, layer in ipairs(fig.layers) do
    if not layer.points then return layer end
  end
end

-- The label without its unit.
local function name_of(fig, p) return (label_of(fig, p):gsub('%s*%[.-%]$', '')) end

-- Titles of the diagonal: { name, what is said about it, which interval }, or nil.
local function title_of(fig, p)
  local layer = titled(fig)
  local curve = layer and layer.columns[p] and layer:curve(layer.columns[p])
  if not curve then return nil end
  local name = name_of(fig, p)
  if curve.single then
    return { name, '= ' .. ('%.4g'):format(curve.single):gsub('%-', '−'), 'one value' }
  end
  local kind = fig.interval == 'auto' and density.kind(curve, fig.mass) or fig.interval
  local one_sided = kind == 'upper' or kind == 'lower'
  local mass = one_sided and math.max(fig.mass, fig.levels[1]) or fig.mass
  local pieces, middle = density.interval(curve, kind, mass)
  local share = ('%.4g %%'):format(100 * mass)
  local first, last = pieces[1], pieces[#pieces]
  if not first then return nil end
  local width = last[2] - first[1]
  local function below() return '< ' .. quote.number(last[2], width) end
  local function above() return '> ' .. quote.number(first[1], width) end
  if kind == 'none' then return { name, '', 'no constraint' } end
  if kind == 'upper' then return { name, below(), share } end
  if kind == 'lower' then return { name, above(), share } end
  if #pieces == 1 and kind == 'hpd' and curve.hard[1] and first[1] == curve.x[1] then
    return { name, below(), share .. ' HPD' }
  elseif #pieces == 1 and kind == 'hpd' and curve.hard[2] and last[2] == curve.x[#curve.x] then
    return { name, above(), share .. ' HPD' }
  elseif #pieces == 1 then
    return { name, '= ' .. quote.value(middle, first[1], first[2]),
      share .. (kind == 'hpd' and ' HPD' or ' equal-tail') }
  end
  if #pieces > 3 then pieces = { { first[1], last[2], many = #pieces } } end
  local parts = {}
  for i, piece in ipairs(pieces) do
    parts[i] = ('[%s, %s]'):format(quote.number(piece[1], width), quote.number(piece[2], width))
  end
  return { name, '∈ ' .. table.concat(parts, ' ∪ '),
    share .. ' HPD' .. (pieces[1].many and (', %d pieces'):format(pieces[1].many) or '') }
end

local TITLE, LABEL = 8, 9 -- points

-- How wide a text of so many points is, in cm.
local function width_of(fig, s, points)
  return text.width(s) * LETTER * points / 8 * fig.look.points / 9
end

-- Titles in lines, the last one of which is small: "name = value", or where one of those is wider
-- than `room` the names of all on lines of their own. How high they are, in cm.
local function break_titles(fig, titles, room)
  local s, broken, lines = fig.scale * fig.look.points / 9, false, 0
  for p, title in pairs(titles) do
    titles[p] = { title[2] == '' and title[1] or title[1] .. ' ' .. title[2], title[3], of = title }
    broken = broken or width_of(fig, titles[p][1], TITLE * fig.scale) > room
    lines = 2
  end
  for _, title in pairs(broken and titles or {}) do
    local name, value = title.of[1], title.of[2]:gsub('^= ', '')
    title[1] = name
    if value ~= '' then
      table.insert(title, 2, value)
      lines = 3
    end
  end
  return lines == 0 and 0 or (0.72 + 0.4 * (lines - 2)) * s
end

-- The label of an axis as lines { text, points } that fit into `room`: its unit comes below if it
-- must, and letters become smaller.
local function fit_label(fig, p, room)
  local label = label_of(fig, p) .. fig.axes[p].unit
  local full, lines, out = LABEL * fig.scale, { label }, {}
  local name, unit = label:match '^(.-)%s*(%[.*)$'
  if unit and width_of(fig, label, full) > room then lines = { name, unit } end
  for i, line in ipairs(lines) do
    local points = i == 1 and full or 0.85 * full
    out[i] = { line, math.max(math.min(4.5, points),
      points * math.min(1, room / width_of(fig, line, points))) }
  end
  return out
end

local function layout(fig)
  local s, width, lines = fig.scale * fig.look.points / 9, 0, 1
  for p = 2, fig.P do width = math.max(width, fig.rows[p].width) end
  local page = { left = fig.P == 1 and 0.3 or 0.35 + 0.55 * s + letter(fig) * width, right = 0.3,
    top = 0.3, bottom = 0.35 + 0.8 * s, titles = {}, labels = {}, line = 0.4 * s }
  for p = 1, fig.P do
    page.titles[p] = title_of(fig, p)
    page.labels[p] = fit_label(fig, p, (fig.width - page.left - 0.4) / fig.P - 0.15)
    lines = math.max(lines, #page.labels[p])
  end
  page.foot = 0.3 * s + 0.03
  if lines > 1 then
    page.bottom = page.bottom + page.line
    page.left = page.left + (fig.P > 1 and page.line or 0)
    page.foot = page.foot + page.line
  end
  if fig.turned then
    local most = 0
    for p = 1, fig.P do most = math.max(most, fig.axes[p].width) end
    page.bottom = page.bottom + letter(fig) * most * 0.72 - 0.1
    page.left = math.max(page.left, 0.3 + letter(fig) * fig.axes[1].width * 0.72)
  end
  local function share() return (fig.width - page.left - page.right - (fig.P - 1) * GAP) / fig.P end
  page.high = break_titles(fig, page.titles, share())
  if page.high > 0 then page.top = 0.2 + page.high end
  local need = 0
  for i, line in ipairs(page.titles[fig.P] or {}) do -- others have room to their right
    local small = i == #page.titles[fig.P]
    need = math.max(need, small and 0 or width_of(fig, line, TITLE * fig.scale) - share())
  end
  if need > 0 then page.right = page.right + math.min(need, 0.12 * fig.width) end
  page.width = share()
  page.height = (fig.height - page.bottom - page.top - (fig.P - 1) * GAP) / fig.P
  return page
end

local function box(fig, page, row, column)
  local left = page.left + (column - 1) * (page.width + GAP)
  local top = fig.height - page.top - (row - 1) * (page.height + GAP)
  return { left / fig.width, (left + page.width) / fig.width, (top - page.height) / fig.height,
    top / fig.height }
end

-- With one parameter the legend stands in the cell, above the curves: a fraction of their height.
local function legend_room(fig, page, entries)
  local lines = fig.P == 1 and not fig.anchor and #entries or 0
  local share = math.min(0.5, 0.42 * lines / page.height)
  return share / (1 - share)
end

-- A title above its cell: in its middle, or from its left end on if it is wider. `most`: of the
-- width, in cm.
local function add_title(fig, sheet, set, page, p, at, most)
  local title = page.titles[p]
  if not title then return end
  local s = fig.scale * fig.look.points / 9
  local layer = titled(fig)
  local ink = #fig.layers > 1 and layer.colour or fig.look.ink
  local room, widest = most or fig.width * (1 - at[1]) - 0.1, 0
  for i = 1, #title - 1 do widest = math.max(widest, width_of(fig, title[i], TITLE * fig.scale)) end
  local x, how = (at[1] + at[2]) / 2, 'center'
  if widest > 1.2 * page.width then x, how = at[1], 'left' end -- widths are on the safe side
  for i, line in ipairs(title) do
    local small, above = i == #title, #title - i
    local points = small and math.max(4.5, 6.2 * fig.scale) or TITLE * fig.scale
    points = points * math.min(1, room / width_of(fig, line, points))
    set[#set + 1] = ("label %d %s at screen %.4f,%.4f %s textcolor rgb '%s'"):format(10 + i,
      sheet:label(line, points), x, at[4] + ((0.15 + 0.37 * above + (above > 1 and 0.03 or 0)) * s
        + 0.04) / fig.height, how, small and fig.look.faint or ink)
  end
end

local function add_label(fig, sheet, set, page, p, n, place)
  for i, line in ipairs(page.labels[p]) do
    local x, y, turn = place((i - 1) * page.line)
    set[#set + 1] = ("label %d %s at screen %.4f,%.4f center%s textcolor rgb '%s'"):format(n + i,
      sheet:label(line[1], line[2]), x, y, turn or '', fig.look.ink)
  end
end

local function add_cell(fig, sheet, page, row, column, entries)
  local plot, at, set = cell.contents(fig, sheet, row, column), box(fig, page, row, column),
    sheet:frame(8 * fig.scale)
  axis.set(sheet, set, 'x', fig.axes[column], { labels = row == fig.P, turned = fig.turned })
  if row == column then
    axis.set(sheet, set, 'y', { lo = 0, hi = 1.08 + legend_room(fig, page, entries) },
      { ticks = false })
    add_title(fig, sheet, set, page, row, at)
  else
    axis.set(sheet, set, 'y', fig.rows[row], { labels = column == 1 })
  end
  if row == fig.P then
    add_label(fig, sheet, set, page, column, 20, function(shift)
      return (at[1] + at[2]) / 2, (page.foot - shift) / fig.height
    end)
  end
  if column == 1 and row > 1 then
    add_label(fig, sheet, set, page, row, 30, function(shift)
      return (page.foot - #page.labels[row] * page.line + page.line + shift) / fig.width,
        (at[3] + at[4]) / 2, ' rotate by 90'
    end)
  end
  cell.mark_truth(fig, sheet, set, row, column)
  sheet:panel { name = ('row %d, column %d'):format(row, column), box = at, set = set, plot = plot }
end

-- ---- the legend ----

-- { sample, text } of each layer that has a name, and what its regions hold.
local function legend_entries(fig, single)
  local out, regions, lines = {}, nil, false
  for _, layer in ipairs(fig.layers) do
    if layer.label ~= '' then out[#out + 1] = { cell.sample(fig, layer), layer.label } end
    if layer.fill and not regions then regions = cell.regions(fig, layer) end
    lines = lines or not layer.points and not layer.scatter
  end
  if single and #out == 0 then return out end -- the title says it
  if regions then
    for _, entry in ipairs(regions) do out[#out + 1] = entry end
  elseif lines and not single then
    local shares = {}
    for i = #fig.levels, 1, -1 do shares[#shares + 1] = ('%.4g %%'):format(100 * fig.levels[i]) end
    out[#out + 1] = { ("with lines linecolor rgb '%s'"):format(fig.look.ground),
      'around ' .. table.concat(shares, ', ') }
  end
  return out
end

-- How far right the title of a cell reaches.
local function title_end(fig, page, p)
  local at, wide = box(fig, page, p, p), 0
  local title = page.titles[p] or {}
  for i, line in ipairs(title) do
    wide = math.max(wide, width_of(fig, line, (i < #title and TITLE or 6.2) * fig.scale))
  end
  return math.max(at[2] * fig.width, at[1] * fig.width + wide)
end

-- Where n entries of so many letters are largest in the empty triangle: their left end in cm, and
-- points. Right of a column they have room down to its title, but titles on their left reach over.
local function legend_place(fig, page, n, longest)
  local s, high = fig.look.points / 9, math.max(0.8 * fig.look.points / 9 * fig.scale, page.high)
  local wanted, left, best, size = math.min(fig.P, 2 + math.floor(fig.P / 3)), 0, nil, 0
  for column = 2, fig.P do
    left = math.max(left, box(fig, page, 1, column)[1] * fig.width)
    local room = fig.width - left - 0.4
    local tall = (column - 1) * (page.height + GAP) - high - 0.1
    local fit = math.min(9 * math.max(0.75, fig.scale), 9 * room / (longest * 0.185 * s + 1.1),
      9 * tall / (n * 0.455 * s))
    if fit > size + 1e-9 or column == wanted and fit > size - 1e-9 then best, size = left, fit end
    left = math.max(left, title_end(fig, page, column))
  end
  return best, math.max(4, size)
end

-- In the empty triangle, or where `bbox_to_anchor` says in units of the first cell.
local function add_legend(fig, sheet, page, entries)
  if #entries == 0 then return end
  local plot, first, longest = {}, box(fig, page, 1, 1), 1
  for _, entry in ipairs(entries) do
    longest = math.max(longest, text.length(entry[2]))
  end
  local s, left, size = fig.look.points / 9
  if fig.P > 1 then left, size = legend_place(fig, page, #entries, longest)
  else
    size = math.max(5, math.min(9, 9 * page.width / 2 / (longest * 0.185 * s),
      9 * page.height / 2 / (#entries * 0.44 * s)))
  end
  for i, entry in ipairs(entries) do
    plot[i] = ('NaN %s title %s'):format(entry[1], sheet:entry(entry[2], size))
  end
  local x, y = ((left or 0) + 0.2) / fig.width, first[4]
  local corner = 'left top Left reverse'
  if fig.anchor then
    x = first[1] + fig.anchor[1] * (first[2] - first[1])
    y = first[3] + fig.anchor[2] * (first[4] - first[3])
  elseif fig.P == 1 then
    x, y, corner = first[2] - 0.1 / fig.width, first[4] - 0.1 / fig.height, 'right top'
  end
  sheet:panel {
    -- As large as the page: gnuplot starts a new column where a panel is too low for all entries.
    name = 'legend', box = { 0.01, 0.99, 0.01, 0.99 }, plot = plot,
    set = { 'border 0', 'unset tics', 'xrange [0:1]', 'yrange [0:1]', 'boxwidth 1',
      ("key at screen %.4f,%.4f %s samplen 1.8 spacing 1.25 %s textcolor rgb '%s' %s"):format(x, y,
        corner, sheet:font(size), fig.look.ink, fig.ncol and 'horizontal maxcols ' .. fig.ncol
        or 'vertical') },
  }
end

-- Colours, and which of the layers are filled: the first one with densities, if none is said to be.
local function dress(fig)
  local full
  for i, layer in ipairs(fig.layers) do
    layer.colour, layer.block = style.colour(who, layer.color, i, fig.look), nil
    layer.fill = layer.filled
    if layer.fill == nil and not layer.points and not full then layer.fill = true end
    full = full or layer.fill
  end
end

--- Draw the figure.
function M.draw(fig, sheet)
  dress(fig)
  fig.scale = scale_of(fig)
  make_axes(fig)
  local page, entries = layout(fig), legend_entries(fig, fig.P == 1)
  for row = 1, fig.P do
    for column = 1, row do add_cell(fig, sheet, page, row, column, entries) end
  end
  add_legend(fig, sheet, page, entries)
end

-- ---- single parameters in rows ----

--- How many panels stand in a row, if nobody says.
function M.columns(P) return P <= 4 and P or math.ceil(math.sqrt(P) * 1.2) end

-- Rows of the legend above the panels, entries in one of them, and points. All entries are as wide
-- as the longest one.
local function wall_entries(fig, entries)
  if #entries == 0 then return 0, 1, 8 end
  local longest, room = 0, fig.width - 0.4
  for _, entry in ipairs(entries) do longest = math.max(longest, text.length(entry[2])) end
  local function wide(points) return points / 9 * (longest + 7) * 0.185 * fig.look.points / 9 end
  local fit = math.max(1, math.min(#entries, math.floor(room / wide(6.5))))
  local rows = math.ceil(#entries / fit)
  fit = math.ceil(#entries / rows)
  return rows, fit, math.max(5, math.min(8, 8 * room / (fit * wide(8))))
end

-- Sizes of a page of panels, in cm: each has its title above and its label below.
local function wall_page(fig, entries)
  local s, lines = fig.look.points / 9, wall_entries(fig, entries)
  local columns = math.min(fig.P, fig.columns or M.columns(fig.P))
  local rows, titles = math.ceil(fig.P / columns), {}
  for p = 1, fig.P do titles[p] = title_of(fig, p) end
  local page = { titles = titles, labels = {}, foot = 1.05 * s, line = 0.4 * s,
    columns = columns, left = 0.3, right = 0.3, gap = 0.4,
    top = 0.15 + (lines > 0 and 0.1 + 0.4 * s * lines or 0) }
  page.width = (fig.width - page.left - page.right - (columns - 1) * page.gap) / columns
  page.title = 0.12 + break_titles(fig, titles, page.width)
  page.height = (fig.height - page.top) / rows - page.title - page.foot
  return page
end

local function wall_cell(fig, sheet, page, p)
  local row, column = math.floor((p - 1) / page.columns), (p - 1) % page.columns
  local left = page.left + column * (page.width + page.gap)
  local top = fig.height - page.top - page.title
    - row * (page.height + page.title + page.foot)
  local at = { left / fig.width, (left + page.width) / fig.width,
    (top - page.height) / fig.height, top / fig.height }
  local set = sheet:frame(8)
  axis.set(sheet, set, 'x', fig.axes[p])
  axis.set(sheet, set, 'y', { lo = 0, hi = 1.08 }, { ticks = false })
  add_title(fig, sheet, set, page, p, at, page.width)
  local label = label_of(fig, p) .. fig.axes[p].unit
  page.labels[p] = { { label, LABEL * math.min(1, page.width / width_of(fig, label, LABEL)) } }
  add_label(fig, sheet, set, page, p, 20, function()
    return (at[1] + at[2]) / 2, at[3] - 0.72 * fig.look.points / 9 / fig.height
  end)
  cell.mark_truth(fig, sheet, set, p, p)
  sheet:panel { name = 'parameter ' .. p, box = at, set = set,
    plot = cell.contents(fig, sheet, p, p) }
end

-- Above the panels.
local function wall_legend(fig, sheet, entries)
  if #entries == 0 then return end
  local plot, _, columns, size = {}, wall_entries(fig, entries)
  for i, entry in ipairs(entries) do
    plot[i] = ('NaN %s title %s'):format(entry[1], sheet:entry(entry[2], size))
  end
  sheet:panel {
    name = 'legend', box = { 0, 1, 0.02, 0.98 }, plot = plot,
    set = { 'border 0', 'unset tics', 'xrange [0:1]', 'yrange [0:1]', 'boxwidth 1',
      ("key at screen %.4f,%.4f center top Left reverse horizontal maxcols %d samplen 1.4 "
        .. "width 1 %s textcolor rgb '%s'"):format(0.5, 1 - 0.08 / fig.height, columns,
        sheet:font(size), fig.look.ink) },
  }
end

--- Draw a figure of single parameters.
function M.wall(fig, sheet)
  dress(fig)
  fig.scale, fig.axes = 1, {}
  local entries = legend_entries(fig, true)
  local page = wall_page(fig, entries)
  for p = 1, fig.P do
    local lo, hi = limits_of(fig, p)
    fig.axes[p] = axis.linear(lo, hi, { room = page.width / letter(fig) })
  end
  for p = 1, fig.P do wall_cell(fig, sheet, page, p) end
  wall_legend(fig, sheet, entries)
end

return M
