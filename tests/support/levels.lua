--- Contour levels by two rules that are not the library's: what they make of its densities.
-- @module tests.support.levels
local M = {}

-- Numbers of a density on a grid, their places from the highest down, how much of a cell each
-- stands for (`ends` at those of a line), and the sum.
local function cells(f, ends)
  local v, whole, shape = f:ravel():totable(), 0, f.shape
  local at, measure = {}, {}
  for i = 1, #v do
    at[i], measure[i] = i, (i == 1 or i == #v) and shape[2] == nil and ends or 1
    whole = whole + measure[i] * v[i]
  end
  table.sort(at, function(a, b) return v[a] > v[b] end)
  return v, at, measure, whole
end

--- That of the cell which comes nearest to a mass: the rule of the Python package.
-- @tparam Array f
-- @tparam number p the mass
-- @treturn number
function M.nearest_cell(f, p)
  local v, at, _, whole = cells(f, 1)
  local sum, best, level = 0, math.huge, nil
  for _, i in ipairs(at) do
    sum = sum + v[i]
    local apart = math.abs(sum / whole - p)
    if apart < best then best, level = apart, v[i] end
  end
  return level
end

--- Linear between cells, without refinement of the grid.
-- @tparam Array f
-- @tparam number p the mass
-- @treturn number
function M.unrefined(f, p)
  local v, at, measure, whole = cells(f, 0.5)
  local sum, before = 0, v[at[1]]
  for _, i in ipairs(at) do
    local mass = measure[i] * v[i]
    if sum + mass >= p * whole then
      return before + (v[i] - before) * (p * whole - sum) / mass
    end
    sum, before = sum + mass, v[i]
  end
end

return M
