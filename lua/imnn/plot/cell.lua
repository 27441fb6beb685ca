--- Cells of corner plots: what is drawn in them.
-- @module imnn.plot.cell
local ffi = require 'ffi'
local contour = require 'imnn.plot.contour'
local core = require 'imnn.core'
local grid = require 'imnn.plot.grid'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local level = require('imnn.plot.layer').level
local values = require 'imnn.plot.values'
local M = {}

local who = 'plot.corner'

-- The tint of the k-th of n regions, from the outermost.
local function tint(colour, k, n)
  return style.tint(colour, 0.2 + 0.35 * (n > 1 and (k - 1) / (n - 1) or 1))
end

local function line(layer, width)
  return ("linecolor rgb '%s' linewidth %.4g dashtype %s"):format(layer.colour, width,
    style.dash(who, layer.linestyle))
end

local function filled(colour)
  return ("with filledcurves closed fillstyle solid noborder linecolor rgb '%s' notitle")
    :format(colour)
end

-- Loops as one block, each an index of it.
local function loop_data(sheet, loops)
  local rows = {}
  for _, loop in ipairs(loops) do
    for _, point in ipairs(loop) do rows[#rows + 1] = point end
    rows[#rows + 1] = loop[1]
    rows[#rows + 1], rows[#rows + 2] = false, false
  end
  return sheet:data(rows)
end

local function add_pair(fig, sheet, layer, row, column, fills, lines)
  local ranges = layer.ranges
  local f, x, y = grid.surface(layer.marginals[row][column], ranges[column], ranges[row])
  local n = #fig.levels
  for k, p in ipairs(fig.levels) do
    local loops = contour.loops(f, x, y, level(f, p))
    local name = #loops > 0 and loop_data(sheet, loops)
    for i, loop in ipairs(layer.fill and loops or {}) do
      local under = k > 1 and tint(layer.colour, k - 1, n) or '#ffffff'
      fills[#fills + 1] = ('%s index %d %s'):format(name, i - 1,
        filled(loop.hole and under or tint(layer.colour, k, n)))
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

local function add_density(fig, sheet, layer, p, fills, lines)
  local f, x = grid.curve(layer.marginals[p][p], layer.ranges[p])
  local whole = layer.ranges[p]
  local rows, top = { { whole[1], 0 }, { x[1], 0 } }, 0
  for i, v in ipairs(x) do
    rows[#rows + 1] = { v, f[i] }
    if v >= fig.axes[p].lo and v <= fig.axes[p].hi then top = math.max(top, f[i]) end
  end
  rows[#rows + 1] = { x[#x], 0 }
  rows[#rows + 1] = { whole[#whole], 0 }
  for k, mass in ipairs(layer.fill and fig.levels or {}) do
    for _, piece in ipairs(contour.pieces(f, x, level(f, mass))) do
      fills[#fills + 1] = sheet:data(piece_of(x, f, piece)) .. ' '
        .. filled(tint(layer.colour, k, #fig.levels))
    end
  end
  lines[#lines + 1] = ('%s with lines %s notitle'):format(sheet:data(rows), line(layer, 1.3))
  return top
end

-- Steps of the density of points inside the limits.
local function add_histogram(fig, sheet, layer, p, lines)
  local lo, hi, n = fig.axes[p].lo, fig.axes[p].hi, #layer.points
  local bins = layer.bins or math.max(8, math.min(50, math.floor(1.5 * math.sqrt(n))))
  local width = (hi - lo) / bins
  local x, density = ffi.new('double[?]', math.max(n, 1)), ffi.new('double[?]', bins)
  for i, row in ipairs(layer.points) do x[i - 1] = row[p] end
  core.C.imnn_lfi_density1(density, bins, lo + width / 2, hi - width / 2, n, x, 1, nil)
  local rows, top = {}, 0
  for i = 0, bins - 1 do
    local v = values.is_finite(density[i]) and density[i] or 0 -- there may be no point inside
    rows[#rows + 1] = { lo + i * width, v }
    rows[#rows + 1] = { lo + (i + 1) * width, v }
    top = math.max(top, v)
  end
  lines[#lines + 1] = ('%s with lines %s notitle'):format(sheet:data(rows), line(layer, 1))
  return top
end

-- A marker of area s in points^2, as matplotlib counts; pointsize 1 has a diameter of 6 points.
local function marker(layer)
  return ("with points pointtype 7 linewidth 0 pointsize %.4g linecolor rgb '%s'"):format(
    math.sqrt(layer.s) / 6, style.transparent(layer.colour, layer.alpha))
end

local truth = "linecolor rgb '#000000' linewidth 0.8 dashtype (6,4)"

--- Lines at the true values.
function M.mark_truth(fig, set, row, column)
  for _, known in ipairs(fig.known) do
    if known[column] then
      set[#set + 1] = ('arrow from first %s, graph 0 to first %s, graph 1 nohead front %s'):format(
        text.number(known[column]), text.number(known[column]), truth)
    end
    if row ~= column and known[row] then
      set[#set + 1] = ('arrow from graph 0, first %s to graph 1, first %s nohead front %s'):format(
        text.number(known[row]), text.number(known[row]), truth)
    end
  end
end

--- Everything in a cell: fills below points below lines.
-- @treturn table items of a plot command
-- @treturn number the highest density in a diagonal cell
function M.contents(fig, sheet, row, column)
  local fills, points, lines, top = {}, {}, {}, 0
  for _, layer in ipairs(fig.layers) do
    if layer.points and row ~= column then
      layer.block = layer.block or sheet:data(layer.points)
      points[#points + 1] = ('%s using %d:%d %s notitle'):format(layer.block, column, row,
        marker(layer))
    elseif layer.points and layer.hist and #layer.points > 0 then
      top = math.max(top, add_histogram(fig, sheet, layer, row, lines))
    elseif layer.marginals and row == column then
      top = math.max(top, add_density(fig, sheet, layer, row, fills, lines))
    elseif layer.marginals then
      add_pair(fig, sheet, layer, row, column, fills, lines)
    end
  end
  local plot = {}
  for _, list in ipairs { fills, points, lines } do
    for _, item in ipairs(list) do plot[#plot + 1] = item end
  end
  if #plot == 0 then plot[1] = 'NaN notitle' end
  return plot, top > 0 and top or 1
end

--- What stands for a layer in the legend.
function M.sample(layer)
  if layer.points then return marker(layer) end
  if not layer.fill then return 'with lines ' .. line(layer, 1.3) end
  return ("with boxes fillstyle solid border linecolor rgb '%s' fillcolor rgb '%s'"):format(
    layer.colour, tint(layer.colour, 2, 2))
end

return M
