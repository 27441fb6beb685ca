--- What all posteriors share: targets, the grid, marginal densities on it, corner plots.
-- Marginals are a lower triangle: marginals[p][p] is an Array (T, g_p), a density that integrates
-- to 1; marginals[row][column] with column < row is (T, g_column, g_row).
-- @module imnn.lfi.posterior
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local C = core.C
local M = {}

--- Grid points of each parameter, both limits included.
-- @tparam string who for messages
-- @tparam table p a prior with low and high
-- @tparam number|table gridsize of all, or of each parameter
-- @treturn table P tables of numbers
function M.grid(who, p, gridsize)
  local low, high, P = prior.limits(who, p)
  if type(gridsize) == 'number' then
    local all = {}
    for i = 1, P do all[i] = gridsize end
    gridsize = all
  end
  if #gridsize ~= P then
    core.raise('%s: gridsize has %d values, the prior has %d parameters', who, #gridsize, P)
  end
  local ranges = {}
  for i = 1, P do
    local g = gridsize[i]
    if type(g) ~= 'number' or g < 2 or g % 1 ~= 0 then
      core.raise('%s: gridsize must be whole numbers above 1, got %s', who, tostring(g))
    end
    ranges[i] = {}
    for k = 1, g do ranges[i][k] = low[i] + (high[i] - low[i]) * (k - 1) / (g - 1) end
  end
  return ranges
end

local function spacing(range) return (range[#range] - range[1]) / (#range - 1) end

-- Sums of a dense table over all axes but one or two; `full` is flat, row-major, of one target.
local function project(full, offset, sizes, a, b)
  local P, stride = #sizes, {}
  local n = 1
  for p = P, 1, -1 do stride[p], n = n, n * sizes[p] end
  local out = {}
  local width = b and sizes[b] or 1
  for i = 1, sizes[a] * width do out[i] = 0 end
  for i = 0, n - 1 do
    local ia = math.floor(i / stride[a]) % sizes[a]
    local ib = b and math.floor(i / stride[b]) % sizes[b] or 0
    local at = ia * width + ib + 1
    out[at] = out[at] + full[offset + i]
  end
  return out
end

--- Marginals of densities given on the whole grid.
-- @tparam Array full (T, g_1, ..., g_P), any normalisation
-- @tparam table ranges grid points
function M.from_grid(full, ranges)
  local sizes, n = {}, 1
  for p, r in ipairs(ranges) do sizes[p], n = #r, n * #r end
  local shape = full.shape
  local T = shape[1]
  for p = 1, #ranges do
    if shape[p + 1] ~= sizes[p] or #shape ~= #ranges + 1 then
      core.raise('put_marginals: the grid is (T, %s), got (%s)', table.concat(sizes, ', '),
        table.concat(shape, ', '))
    end
  end
  local held = full:astype 'f64'
  local values = held:data()
  local marginals = {}
  for row = 1, #ranges do
    marginals[row] = {}
    for column = 1, row do
      local all = {}
      for t = 0, T - 1 do
        local part = row == column and project(values, t * n, sizes, row)
          or project(values, t * n, sizes, column, row)
        if row == column then
          local sum = 0
          for _, v in ipairs(part) do sum = sum + v end
          for i, v in ipairs(part) do part[i] = v / (sum * spacing(ranges[row])) end
        end
        for _, v in ipairs(part) do all[#all + 1] = v end
      end
      local size = row == column and { T, sizes[row] } or { T, sizes[column], sizes[row] }
      marginals[row][column] = np.array(all, 'f64'):reshape(size)
    end
  end
  return marginals
end

--- Marginals of points: histograms whose bins are centred on the grid points.
-- @tparam table points T Arrays (n_t, P)
-- @tparam table ranges grid points
-- @tparam[opt] number smoothing standard deviation of a Gaussian filter, in bins
function M.from_points(points, ranges, smoothing)
  local marginals, T, P = {}, #points, #ranges
  local held, data, count = {}, {}, {}
  for t, x in ipairs(points) do
    held[t] = x:astype 'f64'
    data[t], count[t] = held[t]:data(), x.shape[1]
  end
  local function smooth(out, nx, ny)
    if not smoothing or smoothing == 0 or out[0] ~= out[0] then return end
    local from = ffi.new('double[?]', nx * ny)
    ffi.copy(from, out, ffi.sizeof(from))
    core.check(C.imnn_lfi_smooth(out, from, nx, ny, smoothing), 'get_marginals: ')
  end
  for row = 1, P do
    marginals[row] = {}
    for column = 1, row do
      local a, b = ranges[column], ranges[row]
      local nx, ny = #a, row == column and 1 or #b
      local all = ffi.new('double[?]', T * nx * ny)
      for t = 1, T do
        local out = all + (t - 1) * nx * ny
        if row == column then
          C.imnn_lfi_density1(out, nx, a[1], a[nx], count[t], data[t] + row - 1, P)
        else
          C.imnn_lfi_density2(out, nx, a[1], a[nx], ny, b[1], b[ny], count[t],
            data[t] + column - 1, data[t] + row - 1, P)
        end
        smooth(out, nx, ny)
      end
      local size = row == column and { T, nx } or { T, nx, ny }
      marginals[row][column] = np.from_buffer(all, size, 'f64')
    end
  end
  return marginals
end

--- Density levels that enclose the given fractions of a gridded density, increasing.
-- @tparam Array marginal (g) or (g_1, g_2)
-- @tparam[opt={0.68,0.95}] table levels fractions of the mass
-- @treturn table numbers, of the largest fraction first
-- @source spec/diagnostics 10: cumulative mass in order of density, interpolated
function M.get_levels(marginal, levels)
  levels = levels or { 0.68, 0.95 }
  local x = marginal:astype 'f64'
  local shape, sorted, out = x.shape, {}, {}
  for i, p in ipairs(levels) do
    if type(p) ~= 'number' or not (p > 0 and p < 1) then
      core.raise('get_levels: a level is a fraction between 0 and 1, got %s', tostring(p))
    end
    sorted[i] = p
  end
  table.sort(sorted, function(a, b) return a > b end)
  for i, p in ipairs(sorted) do out[i] = C.imnn_lfi_level(x:data(), shape[1], shape[2] or 1, p) end
  return out
end

local Posterior = {}
M.Posterior = Posterior

--- The targets that a call asks for, as a list of numbers.
-- @tparam nil|number|table target none: all
function Posterior:target_choice(target)
  local all = {}
  if target == nil then
    for t = 1, self.n_targets do all[t] = t end
    return all
  end
  for i, t in ipairs(type(target) == 'table' and target or { target }) do
    if type(t) ~= 'number' or t % 1 ~= 0 or t < 1 or t > self.n_targets then
      core.raise('target: there are targets 1 to %d, got %s', self.n_targets, tostring(t))
    end
    all[i] = t
  end
  return all
end

--- Take over marginals from densities on the whole grid, (T, g_1, ..., g_P), any normalisation.
function Posterior:put_marginals(full)
  if full == nil then return nil end
  self.n_targets = full.shape[1]
  self.marginals = M.from_grid(full, self.ranges)
  return self.marginals
end

function Posterior.get_levels(_, marginal, levels) return M.get_levels(marginal, levels) end

--- A corner plot of the marginals; options of the reference, `file` and `ax` (spec/lua 4).
-- @treturn Figure
function Posterior:marginal_plot(opts)
  opts = opts or {}
  if not (opts.marginals or self.marginals) then
    core.raise 'marginal_plot: there are no marginals yet; give epsilon first'
  end
  return require('imnn.plot').marginal_plot(self, opts)
end

--- A base that only holds marginals, for densities that the user computes on the grid.
-- @tparam table opts `prior`, `gridsize` (100), `marginals`: (T, g_1, ..., g_P) or nil
function M.LikelihoodFreeInference(opts)
  local o = args.take('LikelihoodFreeInference', opts, {
    prior = { 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    marginals = { 'Array', optional = true },
  })
  local self = setmetatable({ prior = o.prior, n_targets = 1 }, { __index = Posterior })
  self.ranges = M.grid('LikelihoodFreeInference', o.prior, o.gridsize)
  self.n_params = #self.ranges
  self:put_marginals(o.marginals)
  return self
end

return M
