--- Figures of panels that stand in rows and columns: lines, steps, points, bands over numbers.
-- A panel is { name, xlabel, ylabel, x = limits or nil, y = limits or nil, log_x, log_y, items },
-- an item one of
-- { line = rows { x, y }, colour, dash, width, title }, { points = rows, colour, size, title },
-- { fill = rows, colour, title }, { level = y, colour, dash, title }, { mark = x, colour, dash }.
-- @module imnn.plot.panels
local axis = require 'imnn.plot.axis'
local figure = require 'imnn.plot.figure'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local values = require 'imnn.plot.values'
local M = {}

local margin = { left = 1.7, right = 0.35, bottom = 1.15, top = 0.3 } -- cm
local GAP, LETTER = 0.3, 0.17

-- ---- limits ----

local PAD = 0.03 -- beside points, of the width

local function see(range, v, logarithmic)
  if not values.is_finite(v) or logarithmic and v <= 0 then return end
  range[1], range[2] = math.min(range[1], v), math.max(range[2], v)
end

-- From the lowest to the highest coordinate of all items, and a bit more; zero stays an end.
local function limits(panel, k, spare)
  local logarithmic = k == 1 and panel.log_x or k == 2 and panel.log_y
  local range, dots = { math.huge, -math.huge }, false
  for _, item in ipairs(panel.items) do
    dots = dots or item.points ~= nil
    for _, row in ipairs(item.line or item.points or item.fill or {}) do
      if row then see(range, row[k], logarithmic) end
    end
    see(range, k == 2 and item.level or k == 1 and item.mark or nil, logarithmic)
  end
  local lo, hi = range[1], range[2]
  if not (hi >= lo) then lo, hi = logarithmic and 0.1 or 0, 1 end
  if logarithmic then
    local room = math.max(math.log10(hi / lo), 0.3)
    local more = (k == 1 and dots and PAD or k == 1 and 0 or 0.06) * room
    return lo / 10 ^ more, hi * 10 ^ (more + spare / (1 - spare) * room)
  end
  if hi == lo then
    local more = math.max(0.5 * math.abs(lo), 1e-9)
    lo, hi = lo == 0 and 0 or lo - more, hi + more
  end
  if k == 1 then
    local more = dots and PAD * (hi - lo) or 0
    return lo - more, hi + more
  end
  if panel.from_zero then lo = math.min(0, lo) end
  local more = 0.06 * (hi - lo) -- so that nothing lies on the frame
  local bottom = panel.from_zero and lo or lo - more
  return bottom, hi + more + spare / (1 - spare) * (hi - lo)
end

local function make_axis(panel, k, spare, room)
  local given = k == 1 and panel.x or k == 2 and panel.y or nil
  local lo, hi
  if given then lo, hi = given[1], given[2] else lo, hi = limits(panel, k, spare) end
  if k == 1 and panel.log_x or k == 2 and panel.log_y then return axis.log(lo, hi) end
  return axis.linear(lo, hi, { room = room, across = k == 2 and axis.BESIDE or nil,
    whole = k == 1 and panel.whole_x })
end

-- ---- drawing ----

local function titled(sheet, item)
  return item.title and 'title ' .. sheet:entry(item.title, 8) or 'notitle'
end

local function line_style(item)
  return ("linecolor rgb '%s' linewidth %.4g dashtype %s"):format(item.colour, item.width or 1.1,
    style.dash('plot', item.dash or 'solid'))
end

local function add_item(sheet, panel, set, item)
  if item.line then
    return ('%s using 1:2 with lines %s %s'):format(sheet:data(item.line, { what = panel.name }),
      line_style(item), titled(sheet, item))
  elseif item.points then
    return ("%s using 1:2 with points pointtype 7 linewidth 0 pointsize %.4g linecolor rgb '%s' %s")
      :format(sheet:data(item.points, { what = panel.name }), item.size or 0.5, item.colour,
      titled(sheet, item))
  elseif item.fill then
    return ("%s using 1:2 with filledcurves closed fillstyle solid noborder linecolor rgb '%s' %s")
      :format(sheet:data(item.fill, { what = panel.name }), item.colour, titled(sheet, item))
  elseif item.level then
    return ('%s with lines %s %s'):format(text.number(item.level), line_style(item),
      titled(sheet, item))
  end
  set[#set + 1] = ('arrow from first %s, graph 0 to first %s, graph 1 nohead front %s'):format(
    text.number(item.mark), text.number(item.mark), line_style(item))
  return item.title and ('NaN with lines %s %s'):format(line_style(item), titled(sheet, item))
end

local function entries(panel)
  local n, longest = 0, 1
  for _, item in ipairs(panel.items) do
    if item.title then n, longest = n + 1, math.max(longest, text.length(item.title)) end
  end
  return n, longest
end

local function add_label(sheet, set, n, s, x, y, turn)
  if not s then return end
  set[#set + 1] = ("label %d %s at screen %.4f,%.4f center%s textcolor rgb '%s'"):format(n,
    sheet:label(s, 9), x, y, turn and ' rotate by 90' or '', sheet.look.ink)
end

local function draw_panel(fig, sheet, panel, at, how)
  local set, plot, s = sheet:frame(), {}, fig.look.points / 9
  local width, height = (at[2] - at[1]) * fig.width, (at[4] - at[3]) * fig.height
  local n, longest = entries(panel)
  local columns = math.max(1, math.min(n, math.floor(width / ((longest * 0.178 + 1) * s))))
  local spare = n > 0 and math.min(0.5, (math.ceil(n / columns) * 0.42 + 0.12) * s / height) or 0
  local x = make_axis(panel, 1, 0, width / LETTER / s)
  local y = make_axis(panel, 2, spare, height / LETTER / s)
  axis.set(sheet, set, 'x', x, { labels = how.bottom })
  axis.set(sheet, set, 'y', y, { ticks = panel.ticks })
  if n > 0 then
    set[#set + 1] = ("key on top right horizontal samplen 1.8 spacing 1.1 %s maxcols %d opaque "
      .. "fillcolor rgb '%s' textcolor rgb '%s'"):format(sheet:font(8), columns,
      style.transparent(fig.look.ground, 0.81), fig.look.ink)
  end
  local function named(label, along) return label and label .. along.unit end
  add_label(sheet, set, 1, named(panel.ylabel, y), at[1] - (margin.left - 0.35) / fig.width,
    (at[3] + at[4]) / 2, true)
  add_label(sheet, set, 2, named(how.bottom and panel.xlabel, x), (at[1] + at[2]) / 2,
    at[3] - (margin.bottom - 0.3) / fig.height)
  for _, item in ipairs(panel.items) do plot[#plot + 1] = add_item(sheet, panel, set, item) end
  if #plot == 0 then plot[1] = 'NaN notitle' end
  sheet:panel { name = panel.name, box = at, set = set, plot = plot }
end

-- One below the other, with one horizontal axis.
local function draw(fig, sheet)
  local panels = fig:panels()
  local n = #panels
  local height = (fig.height - margin.bottom - margin.top - (n - 1) * GAP) / n
  for i, panel in ipairs(panels) do
    local top = fig.height - margin.top - (i - 1) * (height + GAP)
    draw_panel(fig, sheet, panel, { margin.left / fig.width, 1 - margin.right / fig.width,
      (top - height) / fig.height, top / fig.height }, { bottom = i == n })
  end
end

--- A figure of panels one below the other.
-- @tparam string who for messages
-- @tparam table o options of all figures
-- @tparam table fields `kind`; `panels` (figure) -> list of them, when it is drawn; `size`: that
-- where the user gives none; whatever else the kind needs
-- @treturn Figure
function M.new(who, o, fields)
  fields.width, fields.height = figure.size(who, o, fields.size)
  fields.draw, fields.style = draw, o.style
  return figure.new(fields)
end

return M
