--- Marginals: densities of single parameters and of pairs on a grid, for several targets, as a
-- lower triangle. `marginals[p][p]` is (T, g_p), `marginals[row][column]` is (T, g_column, g_row),
-- all f64.
-- @module imnn.lfi.marginals
local ffi = require 'ffi'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local np = require 'imnn.numpy'
local C = core.C
local M = {}

--- A lower triangle of what fn(row, column) gives.
function M.triangle(P, fn)
  local out = {}
  for row = 1, P do
    out[row] = {}
    for column = 1, row do out[row][column] = fn(row, column) end
  end
  return out
end

-- The axes of (T, g_1, ..., g_P) that are neither that of `row` nor that of `column`.
local function other_axes(P, row, column)
  local axes = {}
  for p = 1, P do
    if p ~= row and p ~= column then axes[#axes + 1] = p + 1 end
  end
  return axes
end

local function check_grid(full, ranges)
  local sizes, shape = {}, full.shape
  for p, range in ipairs(ranges) do sizes[p] = #range end
  if table.concat(shape, ', ', 2) ~= table.concat(sizes, ', ') then
    core.raise('put_marginals: the grid is (T, %s), got (%s)', table.concat(sizes, ', '),
      table.concat(shape, ', '))
  end
end

--- Marginals of densities that are given on the whole grid.
-- @tparam Array full (T, g_1, ..., g_P), any normalisation
-- @tparam table ranges grid points
-- @treturn table single parameters have the integral 1 by the rectangle rule, pairs are bare sums
-- @raise another grid, a target without any density
function M.from_grid(full, ranges)
  full = full:astype 'f64'
  check_grid(full, ranges)
  local P = #ranges
  return M.triangle(P, function(row, column)
    local axes = other_axes(P, row, column)
    local sums = #axes > 0 and full:sum { axis = axes } or full
    if row ~= column then return sums end
    local mass = sums:sum { axis = 2, keepdims = true }
    for t, m in ipairs(mass:ravel():totable()) do
      if not (m > 0 and m < math.huge) then
        core.raise('put_marginals: target %d: the densities add up to %g; where logarithms are far '
          .. 'below 0, subtract their maximum before np.exp', t, m)
      end
    end
    return sums / (mass * grid.step(ranges[row]))
  end)
end

--- Marginals of points: histograms whose bins are centred on the grid points.
-- @tparam table points T Arrays (n_t, P)
-- @tparam table ranges grid points
-- @tparam[opt=0] number smoothing standard deviation of a Gaussian filter, in bins
-- @tparam[opt] table log_weights T Arrays (n_t); none: equal weights
-- @treturn table densities; NaN for a target without points on the grid
function M.from_points(points, ranges, smoothing, log_weights)
  local T, P, held, data, weights = #points, #ranges, {}, {}, {}
  for t, x in ipairs(points) do
    held[t] = x:astype 'f64'
    data[t] = held[t]:data()
    local w = log_weights and log_weights[t]
    weights[t] = w and #w > 0 and np.exp(w:astype 'f64' - w:astype('f64'):max()) or nil
  end
  local function smooth(out, nx, ny)
    if (smoothing or 0) == 0 or out[0] ~= out[0] then return end
    core.check(C.imnn_lfi_smooth(out, out, nx, ny, smoothing), 'get_marginals')
  end
  return M.triangle(P, function(row, column)
    local a, b = ranges[column], ranges[row]
    local nx, ny = #a, row == column and 1 or #b
    local all = ffi.new('double[?]', T * nx * ny)
    for t = 1, T do
      local out, n = all + (t - 1) * nx * ny, held[t].shape[1]
      if row == column then
        C.imnn_lfi_density1(out, nx, a[1], a[nx], n, data[t] + row - 1, P,
          weights[t] and weights[t]:data())
      else
        C.imnn_lfi_density2(out, nx, a[1], a[nx], ny, b[1], b[ny], n, data[t] + column - 1,
          data[t] + row - 1, P, weights[t] and weights[t]:data())
      end
      smooth(out, nx, ny)
    end
    return np.from_buffer(all, row == column and { T, nx } or { T, nx, ny }, 'f64')
  end)
end

return M
