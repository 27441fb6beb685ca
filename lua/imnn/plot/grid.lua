--- Densities on grids, made ready to be drawn: without their empty surroundings, and on a finer
-- grid where a coarse one would show as corners.
-- A density of two parameters is a field: `f[i * ny + j]`, double, at `x[i + 1]`, `y[j + 1]`, with
-- `nx`, `ny`.
-- @module imnn.plot.grid
local ffi = require 'ffi'
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

-- n numbers `stride` apart with k - 1 put between each two.
local function refine_row(out, out_stride, f, stride, n, k)
  for i = 0, n - 2 do
    local p1, p2 = f[i * stride], f[(i + 1) * stride]
    local p0 = i > 0 and f[(i - 1) * stride] or 2 * p1 - p2
    local p3 = i < n - 2 and f[(i + 2) * stride] or 2 * p2 - p1
    for s = 0, k - 1 do out[(i * k + s) * out_stride] = between(p0, p1, p2, p3, s / k) end
  end
  out[(n - 1) * k * out_stride] = f[(n - 1) * stride]
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
  local k, n = factor(last - first), last - first + 1
  local part, fine = slice(f, first, last), {}
  if k == 1 or n < 2 then return part, slice(x, first, last) end
  local from, to = ffi.new('double[?]', n, part), ffi.new('double[?]', (n - 1) * k + 1)
  refine_row(to, 1, from, 1, n, k)
  for i = 1, (n - 1) * k + 1 do fine[i] = to[i - 1] end
  return fine, refine_axis(slice(x, first, last), k)
end

--- A field of a nested table f[i][j] at x[i], y[j].
function M.field(f, x, y)
  local nx, ny = #x, #y
  local flat = ffi.new('double[?]', nx * ny)
  for i = 1, nx do
    for j = 1, ny do flat[(i - 1) * ny + j - 1] = f[i][j] end
  end
  return { nx = nx, ny = ny, x = x, y = y, f = flat }
end

local function highest(field)
  local nx, ny, f = field.nx, field.ny, field.f
  local top, along_x, along_y = 0, ffi.new('double[?]', nx + 1), ffi.new('double[?]', ny + 1)
  for i = 0, nx - 1 do
    for j = 0, ny - 1 do
      local v = f[i * ny + j]
      if v > top then top = v end
      if v > along_x[i + 1] then along_x[i + 1] = v end
      if v > along_y[j + 1] then along_y[j + 1] = v end
    end
  end
  return top, along_x, along_y
end

--- The part of a field where there is something, on a grid that is fine enough.
function M.surface(field)
  local top, along_x, along_y = highest(field)
  local i1, i2 = bounds(field.nx, function(i) return along_x[i] > nothing * top end)
  local j1, j2 = bounds(field.ny, function(j) return along_y[j] > nothing * top end)
  local k, nx, ny = factor(i2 - i1, j2 - j1), i2 - i1 + 1, j2 - j1 + 1
  local first = field.f + (i1 - 1) * field.ny + j1 - 1
  local mx, my = (nx - 1) * k + 1, (ny - 1) * k + 1
  local rows, out = ffi.new('double[?]', nx * my), ffi.new('double[?]', mx * my)
  for i = 0, nx - 1 do refine_row(rows + i * my, 1, first + i * field.ny, 1, ny, k) end
  for j = 0, my - 1 do refine_row(out + j, my, rows + j, my, nx, k) end
  return { nx = mx, ny = my, x = refine_axis(slice(field.x, i1, i2), k),
    y = refine_axis(slice(field.y, j1, j2), k), f = out, of = field }
end

return M
