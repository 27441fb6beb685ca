--- Cells of corner plots: what is drawn in them.
-- @module imnn.plot.cell
local ffi = require 'ffi'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local density = require 'imnn.plot.density'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local values = require 'imnn.plot.values'
local M = {}

local who = 'plot.corner'

-- The tint of the k-th of n regions, from the outermost.
local function tint(fig, colour, k, n)
  return style.tint(colour, 0.2 + 0.35 * (n > 1 and (k - 1) / (n - 1) or 1), fig.look.ground)
end

local function line(layer, width)
  return ("linecolor rgb '%s' linewidth %.4g dashtype %s"):format(layer.colour, width,
    style.dash(who, layer.linestyle))
end

local function filled(colour)
  return ("with filledcurves closed fillstyle solid noborder linecolor rgb '%s' notitle")
    :format(colour)
end

-- Digits enough to place a point on an axis.
local function format_for(...)
  local digits = 5
  for _, axis in ipairs { ... } do
    local most = math.max(math.abs(axis.lo), math.abs(axis.hi))
    local more = math.log10(math.max(1, most / (axis.hi - axis.lo)))
    digits = math.max(digits, math.ceil(more) + 5)
  end
  return ('%%.%dg'):format(math.min(17, digits))
end

local function percent(p) return ('%.4g %%'):format(100 * p) end

-- Loops as one block, each an index of it.
local function loop_data(sheet, loops, how)
  local rows = {}
  for _, loop in ipairs(loops) do
    for _, point in ipairs(loop) do rows[#rows + 1] = point end
    rows[#rows + 1] = loop[1]
    rows[#rows + 1], rows[#rows + 2] = false, false
  end
  return sheet:data(rows, how)
end

local function add_pair(fig, sheet, layer, row, column, fills, lines)
  local a, b = layer.columns[column], layer.columns[row]
  local field = layer:surface(a, b)
  if not field then return end
  local n, format = #fig.levels, format_for(fig.axes[column], fig.axes[row])
  local levels = density.levels(field, fig.levels)
  for k, p in ipairs(fig.levels) do
    local loops = contour.loops(field, levels[k])
    local name = #loops > 0 and loop_data(sheet, loops, { format = format,
      what = ('row %d, column %d: around %s'):format(row, column, percent(p)) })
    for i, loop in ipairs(layer.fill and loops or {}) do
      local under = k > 1 and tint(fig, layer.colour, k - 1, n) or fig.look.ground
      fills[#fills + 1] = ('%s index %d %s'):format(name, i - 1,
        filled(loop.hole and under or tint(fig, layer.colour, k, n)))
    end
    if name then lines[#lines + 1] = ('%s with lines %s notitle'):format(name, line(layer, 1)) end
  end
end

-- The part of a curve over { from, to }, down to zero at its ends.
local function piece_of(x, f, piece)
  local rows = { { piece[1], 0 } }
  local function at(v)
    for i = 2, #x do
      if v <= x[i] then
        return f[i - 1] + (f[i] - f[i - 1]) * (v - x[i - 1]) / (x[i] - x[i - 1])
      end
    end
    return f[#f]
  end
  rows[2] = { piece[1], at(piece[1]) }
  for i, v in ipairs(x) do
    if v > piece[1] and v < piece[2] then rows[#rows + 1] = { v, f[i] } end
  end
  rows[#rows + 1] = { piece[2], at(piece[2]) }
  rows[#rows + 1] = { piece[2], 0 }
  return rows
end

local SEEN = 0.0015 -- of the height: lines that are closer look the same

-- Places from first to last of f between which straight lines do. As long as a line from the last
-- place that was kept can pass near all points since, they are left out.
local function corners(x, f, first, last)
  local out, from, low, high = { first }, first, -math.huge, math.huge
  local i = first + 1
  while i <= last do
    local d = x[i] - x[from]
    local slope = (f[i] - f[from]) / d
    if slope < low or slope > high then
      from, low, high = i - 1, -math.huge, math.huge
      out[#out + 1] = from
    else
      low, high = math.max(low, (f[i] - SEEN - f[from]) / d),
        math.min(high, (f[i] + SEEN - f[from]) / d)
      i = i + 1
    end
  end
  if out[#out] ~= last then out[#out + 1] = last end
  return out
end

-- The curve on an axis: its peak is 1, and it has no more points than can be told apart.
local function visible(curve, axis)
  local x, f, top = {}, {}, 0
  for _, v in ipairs(curve.f) do top = math.max(top, v) end
  if not (top > 0) then top = 1 end
  local first, last = 1, #curve.x
  while first < last and curve.x[first + 1] < axis.lo do first = first + 1 end
  while last > first and curve.x[last - 1] > axis.hi do last = last - 1 end
  local all = {}
  for i = first, last do all[i] = curve.f[i] / top end
  for k, i in ipairs(corners(curve.x, all, first, last)) do x[k], f[k] = curve.x[i], all[i] end
  return x, f
end

local function shades(fig, layer, curve)
  local out = {}
  if not layer.fill then return out end
  if curve.single then return out end
  local kind = fig.interval == 'auto' and density.kind(curve, fig.mass) or fig.interval
  for k, mass in ipairs(fig.levels) do
    for _, piece in ipairs((density.interval(curve, kind, mass))) do
      out[#out + 1] = { piece = piece, tint = tint(fig, layer.colour, k, #fig.levels),
        what = ('%s of the mass, %s'):format(percent(mass), kind) }
    end
  end
  return out
end

local function add_density(fig, sheet, layer, p, fills, lines)
  local curve = layer:curve(layer.columns[p])
  if not curve then return end
  local axis = fig.axes[p]
  local format, where = format_for(axis), ('row %d, column %d: '):format(p, p)
  local x, f = visible(curve, axis)
  for _, shade in ipairs(shades(fig, layer, curve)) do
    fills[#fills + 1] = sheet:data(piece_of(x, f, shade.piece), { format = format,
      what = where .. shade.what }) .. ' ' .. filled(shade.tint)
  end
  local rows = { { math.min(axis.lo, x[1]), 0 }, { x[1], 0 } }
  for i, v in ipairs(x) do rows[#rows + 1] = { v, f[i] } end
  rows[#rows + 1] = { x[#x], 0 }
  rows[#rows + 1] = { math.max(axis.hi, x[#x]), 0 }
  lines[#lines + 1] = ('%s with lines %s notitle'):format(sheet:data(rows, { format = format,
    what = where .. 'density' .. (curve.note and curve.note ~= '' and ': ' .. curve.note or '') }),
    line(layer, 1.3))
end

-- Steps of the density of points inside the limits.
local function add_histogram(fig, sheet, layer, p, lines)
  local lo, hi, n = fig.axes[p].lo, fig.axes[p].hi, #layer.points
  local bins = layer.bins or math.max(8, math.min(50, math.floor(1.5 * math.sqrt(n))))
  local width = (hi - lo) / bins
  local x, density1 = ffi.new('double[?]', math.max(n, 1)), ffi.new('double[?]', bins)
  for i, row in ipairs(layer.points) do x[i - 1] = row[layer.columns[p]] end
  core.C.imnn_lfi_density1(density1, bins, lo + width / 2, hi - width / 2, n, x, 1, nil)
  local rows, top = {}, 0
  for i = 0, bins - 1 do
    if values.is_finite(density1[i]) then top = math.max(top, density1[i]) end
  end
  for i = 0, bins - 1 do
    local v = top > 0 and density1[i] / top or 0 -- there may be no point inside
    rows[#rows + 1] = { lo + i * width, v }
    rows[#rows + 1] = { lo + (i + 1) * width, v }
  end
  lines[#lines + 1] = ('%s with lines %s notitle'):format(sheet:data(rows,
    { what = ('column %d: histogram'):format(p) }), line(layer, 1))
end

-- ---- points ----

-- Markers of area s in points^2, as matplotlib counts; pointsize 1 has a diameter of 6 points.
local function marker(layer, colour)
  return ('with points pointtype 7 linewidth 0 pointsize %.4g linecolor rgb %s'):format(
    math.sqrt(layer.s) / 6, colour)
end

local function own_colour(layer)
  return "'" .. style.transparent(layer.colour, layer.alpha) .. "'"
end

local MOST = 10000 -- samples that are shown as points: of more every second one, or third, ...

-- Samples as points: what weighs less is more transparent, and left out where nobody would see it.
local function weighted_rows(layer)
  local s, rows, most = layer.samples, {}, 0
  for i = 0, s.n - 1 do most = math.max(most, s.weights and s.weights[i] or 1) end
  local colour = tonumber(layer.colour:sub(2), 16)
  for i = 0, s.n - 1, math.ceil(s.n / MOST) do
    local alpha = layer.alpha * (s.weights and s.weights[i] or 1) / most
    if alpha >= 1 / 255 then
      local row = {}
      for p = 1, s.P do row[p] = s.x[i * s.P + p - 1] end
      row[s.P + 1] = math.floor((1 - alpha) * 255 + 0.5) * 2 ^ 24 + colour
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function add_points(sheet, layer, row, column, points)
  local weighted = layer.samples ~= nil
  layer.block = layer.block or sheet:data(weighted and weighted_rows(layer) or layer.points,
    { what = 'points' })
  points[#points + 1] = ('%s using %d:%d%s %s notitle'):format(layer.block, layer.columns[column],
    layer.columns[row], weighted and ':' .. layer.P + 1 or '',
    marker(layer, weighted and 'variable' or own_colour(layer)))
end

-- ---- the whole ----

local function is_shown(fig, p, v) return v >= fig.axes[p].lo and v <= fig.axes[p].hi end

-- At an end of the panel of a single parameter: which value lies beyond it.
local function point_to(fig, sheet, set, v, p, i)
  local y, right = 0.93 - 0.09 * (i - 1), v > fig.axes[p].hi
  set[#set + 1] = ("arrow from graph %.3f, %.3f to graph %.3f, %.3f head filled front "
    .. "linecolor rgb '%s' linewidth 0.8"):format(right and 0.86 or 0.14, y, right and 0.98 or 0.02,
    y, fig.look.ink)
  set[#set + 1] = ("label %s at graph %.3f, %.3f %s front textcolor rgb '%s'"):format(
    sheet:label(('%.4g'):format(v):gsub('^%-', '−'), 6.2 * fig.scale), right and 0.83 or 0.17, y,
    right and 'right' or 'left', fig.look.ink)
end

--- Lines at the true values that are within a panel.
function M.mark_truth(fig, sheet, set, row, column)
  local truth = ("linecolor rgb '%s' linewidth 0.8 dashtype (6,4)"):format(fig.look.ink)
  for i, known in ipairs(fig.known) do
    local x, y = known[column], row ~= column and known[row]
    if x and is_shown(fig, column, x) then
      set[#set + 1] = ('arrow from first %s, graph 0 to first %s, graph 1 nohead front %s'):format(
        text.number(x), text.number(x), truth)
    elseif x and row == column then
      point_to(fig, sheet, set, x, column, i)
    end
    if y and is_shown(fig, row, y) then
      set[#set + 1] = ('arrow from graph 0, first %s to graph 1, first %s nohead front %s'):format(
        text.number(y), text.number(y), truth)
    end
  end
end

--- Everything in a cell: fills below points below lines.
-- @treturn table items of a plot command
function M.contents(fig, sheet, row, column)
  local fills, points, lines = {}, {}, {}
  for _, layer in ipairs(fig.layers) do
    if layer.columns[row] and layer.columns[column] then
      if row ~= column and (layer.points or layer.scatter) then
        add_points(sheet, layer, row, column, points)
      elseif layer.points then
        if layer.hist and #layer.points > 0 then add_histogram(fig, sheet, layer, row, lines) end
      elseif row == column then add_density(fig, sheet, layer, row, fills, lines)
      else add_pair(fig, sheet, layer, row, column, fills, lines) end
    end
  end
  local plot = {}
  for _, list in ipairs { fills, points, lines } do
    for _, item in ipairs(list) do plot[#plot + 1] = item end
  end
  if #plot == 0 then plot[1] = 'NaN notitle' end
  return plot
end

--- What stands for a layer in the legend.
function M.sample(fig, layer)
  if layer.points or layer.scatter then -- large and dark enough to tell its colour
    local seen = { colour = layer.colour, s = math.max(layer.s, 12),
      alpha = math.max(layer.alpha, 0.6) }
    return marker(seen, own_colour(seen))
  end
  if not layer.fill then return 'with lines ' .. line(layer, 1.3) end
  return M.box(layer.colour, tint(fig, layer.colour, #fig.levels, #fig.levels))
end

--- A box in the legend.
function M.box(border, fill)
  return ("with boxes fillstyle solid border linecolor rgb '%s' fillcolor rgb '%s'"):format(border,
    fill)
end

--- What stands for the regions of a filled layer in the legend: { sample, text }, the innermost
-- first.
function M.regions(fig, layer)
  local out, n = {}, #fig.levels
  for k = n, 1, -1 do
    out[#out + 1] = { M.box(layer.colour, tint(fig, layer.colour, k, n)), percent(fig.levels[k]) }
  end
  return out
end

return M
