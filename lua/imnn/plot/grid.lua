--- Densities on grids, made ready to be drawn: without their empty surroundings, and on a finer
-- grid where a coarse one would show as corners.
-- @module imnn.plot.grid
local M = {}

local enough = 64 -- cells across what is drawn
local nothing = 1e-5 -- of the highest density

-- Cubic between p1 and p2 (Catmull & Rom 1974), but without swinging over next to a step: only
-- between two neighbours that are both above, or both below, what is around them.
local function between(p0, p1, p2, p3, u)
  local v = p1 + 0.5 * u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3
    + u * (3 * (p1 - p2) + p3 - p0)))
  local peak, trough = p1 > p0 and p2 > p3, p1 < p0 and p2 < p3
  if not peak then v = math.min(v, math.max(p1, p2)) end
  if not trough then v = math.max(v, math.min(p1, p2)) end
  return math.max(v, 0)
end

--- A list with k - 1 numbers put between each two.
local function refine(f, k)
  if k == 1 then return f end
  local out = {}
  for i = 1, #f - 1 do
    local p0, p3 = f[i - 1] or 2 * f[i] - f[i + 1], f[i + 2] or 2 * f[i + 1] - f[i]
    for s = 0, k - 1 do out[#out + 1] = between(p0, f[i], f[i + 1], p3, s / k) end
  end
  out[#out + 1] = f[#f]
  return out
end

local function refine_axis(x, k)
  local out = {}
  for i = 1, #x - 1 do
    for s = 0, k - 1 do out[#out + 1] = x[i] + (x[i + 1] - x[i]) * s / k end
  end
  out[#out + 1] = x[#x]
  return out
end

-- First and last place where occupied(i), and two more on each side.
local function bounds(n, occupied)
  local first, last = 1, n
  while first < last and not occupied(first) do first = first + 1 end
  while last > first and not occupied(last) do last = last - 1 end
  return math.max(1, first - 2), math.min(n, last + 2)
end

local function factor(...) return math.max(1, math.min(8, math.ceil(enough / math.min(...)))) end

local function slice(x, first, last)
  local out = {}
  for i = first, last do out[#out + 1] = x[i] end
  return out
end

--- A density of one parameter.
-- @treturn table values
-- @treturn table positions
function M.curve(f, x)
  local top = 0
  for _, v in ipairs(f) do top = math.max(top, v) end
  local first, last = bounds(#f, function(i) return f[i] > nothing * top end)
  local k = factor(last - first)
  return refine(slice(f, first, last), k), refine_axis(slice(x, first, last), k)
end

local function transpose(f)
  local out = {}
  for j = 1, #f[1] do
    out[j] = {}
    for i = 1, #f do out[j][i] = f[i][j] end
  end
  return out
end

--- A density of two parameters, f[i][j] at x[i], y[j].
-- @treturn table values
-- @treturn table positions in x
-- @treturn table positions in y
function M.surface(f, x, y)
  local top, along_x, along_y = 0, {}, {}
  for i, row in ipairs(f) do
    for j, v in ipairs(row) do
      top = math.max(top, v)
      along_x[i] = math.max(along_x[i] or 0, v)
      along_y[j] = math.max(along_y[j] or 0, v)
    end
  end
  local i1, i2 = bounds(#x, function(i) return along_x[i] > nothing * top end)
  local j1, j2 = bounds(#y, function(j) return along_y[j] > nothing * top end)
  local k = factor(i2 - i1, j2 - j1)
  local rows = {}
  for i = i1, i2 do rows[#rows + 1] = refine(slice(f[i], j1, j2), k) end
  if k > 1 then
    local columns = transpose(rows)
    for j, column in ipairs(columns) do columns[j] = refine(column, k) end
    rows = transpose(columns)
  end
  return rows, refine_axis(slice(x, i1, i2), k), refine_axis(slice(y, j1, j2), k)
end

return M
