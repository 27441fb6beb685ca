--- Lines of equal value on a grid, as closed loops.
-- @module imnn.plot.contour
local ffi = require 'ffi'
local M = {}

-- Which edges of a cell a line joins, by the corners that are inside (1 bottom left, 2 bottom
-- right, 4 top right, 8 top left): the inside is on the left of the line. B, R, T, L are the
-- edges. The two cells with opposite corners depend on whether their centre is inside.
local B, R, T, L = 1, 2, 3, 4
local joins = {
  { { B, L } }, { { R, B } }, { { R, L } }, { { T, R } }, false, { { T, B } }, { { T, L } },
  { { L, T } }, { { B, T } }, false, { { R, T } }, { { L, R } }, { { B, R } }, { { L, B } },
}
local saddle = {
  [5] = { [true] = { { B, R }, { T, L } }, [false] = { { B, L }, { T, R } } },
  [10] = { [true] = { { L, B }, { R, T } }, [false] = { { R, B }, { L, T } } },
}

-- The grid with one more line of cells around it, without width and with nothing in them, so that
-- lines which reach the edge go on along it.
local function pad(field)
  local nx, ny = field.nx, field.ny
  local f = ffi.new('double[?]', (nx + 2) * (ny + 2))
  for k = 0, (nx + 2) * (ny + 2) - 1 do f[k] = -math.huge end
  for i = 0, nx - 1 do ffi.copy(f + (i + 1) * (ny + 2) + 1, field.f + i * ny, 8 * ny) end
  local function coordinates(v)
    local out = { [0] = v[1] }
    for i, c in ipairs(v) do out[i] = c end
    out[#v + 1] = v[#v]
    return out
  end
  return f, coordinates(field.x), coordinates(field.y)
end

-- Where between two points the value is `level`; next to nothing it is at the point itself.
local function cross(a, fa, b, fb, level)
  if a == b then return a end
  return a + (b - a) * (level - fa) / (fb - fa)
end

local function area(loop)
  local sum, a = 0, loop[#loop]
  for _, b in ipairs(loop) do
    sum, a = sum + a[1] * b[2] - b[1] * a[2], b
  end
  return sum / 2
end

-- The cells that a line crosses: their places in the padded grid, and which of their corners are
-- inside.
local function crossed(f, nx, ny, level)
  local found = {}
  for i = 0, nx do
    local low, high = f + i * (ny + 2), f + (i + 1) * (ny + 2)
    local left = (low[0] >= level and 1 or 0) + (high[0] >= level and 2 or 0)
    for j = 0, ny do
      local right = (low[j + 1] >= level and 1 or 0) + (high[j + 1] >= level and 2 or 0)
      if left ~= right or left == 1 or left == 2 then found[#found + 1] = i * (ny + 2) + j end
      left = right
    end
  end
  return found
end

-- from edge to edge, and where on each edge the line is
local function trace(field, level)
  local f, px, py = pad(field)
  local wide = field.ny + 2
  local follow, point, starts = {}, {}, {}
  for _, cell in ipairs(crossed(f, field.nx, field.ny, level)) do
    local i, j = math.floor(cell / wide), cell % wide
    local bl, br, tl, tr = f[cell], f[cell + wide], f[cell + 1], f[cell + wide + 1]
    local case = (bl >= level and 1 or 0) + (br >= level and 2 or 0) + (tr >= level and 4 or 0)
      + (tl >= level and 8 or 0)
    local edge = { 2 * cell, 2 * (cell + wide) + 1, 2 * (cell + 1), 2 * cell + 1 }
    local lines = joins[case] or saddle[case][(bl + br + tr + tl) / 4 >= level]
    for _, line in ipairs(lines) do
      follow[edge[line[1]]] = edge[line[2]]
      starts[#starts + 1] = edge[line[1]]
      for _, e in ipairs(line) do
        if e == B then point[edge[B]] = { cross(px[i], bl, px[i + 1], br, level), py[j] }
        elseif e == T then point[edge[T]] = { cross(px[i], tl, px[i + 1], tr, level), py[j + 1] }
        elseif e == L then point[edge[L]] = { px[i], cross(py[j], bl, py[j + 1], tl, level) }
        else point[edge[R]] = { px[i + 1], cross(py[j], br, py[j + 1], tr, level) } end
      end
    end
  end
  return follow, point, starts
end

--- The loops around what is at least `level`, the largest first. Inside them are holes, inside
-- those islands, ...: painted in this order each covers what is right.
-- @tparam table field of imnn.plot.grid
-- @tparam number level
-- @treturn table loops { { x, y }, ..., hole = boolean }
function M.loops(field, level)
  local follow, point, starts = trace(field, level)
  local out = {}
  for _, start in ipairs(starts) do
    local loop, edge = {}, start
    while follow[edge] do
      local p, last = point[edge], loop[#loop]
      if not last or p[1] ~= last[1] or p[2] ~= last[2] then loop[#loop + 1] = p end
      follow[edge], edge = nil, follow[edge]
    end
    local size = #loop > 2 and area(loop) or 0
    if size ~= 0 then
      loop.hole, loop.area = size < 0, math.abs(size)
      out[#out + 1] = loop
    end
  end
  table.sort(out, function(a, b) return a.area > b.area end)
  return out
end

--- The same on a line: pieces { from, to } of x where f is at least `level`.
function M.pieces(f, x, level)
  local out, from = {}, f[1] >= level and x[1] or nil
  for i = 2, #x do
    local before, now = f[i - 1] >= level, f[i] >= level
    if before ~= now then
      local here = cross(x[i - 1], f[i - 1], x[i], f[i], level)
      if now then from = here else out[#out + 1] = { from, here } end
    end
  end
  if f[#x] >= level then out[#out + 1] = { from, x[#x] } end
  return out
end

return M
