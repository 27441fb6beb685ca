--- Grids of parameters: `ranges`, P lists of evenly spaced numbers, both limits included.
-- @module imnn.lfi.grid
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local M = {}

local most = 10000 -- points that a parameter may have: a pair of them is a table of 10^8

-- The number of points for each parameter.
local function sizes(who, gridsize, P)
  local out = {}
  for p = 1, P do out[p] = type(gridsize) == 'number' and gridsize or gridsize[p] end
  if type(gridsize) == 'table' and #gridsize ~= P then
    core.raise('%s: gridsize has %d values, the prior has %d parameters', who, #gridsize, P)
  end
  for p = 1, P do
    local n = out[p]
    if type(n) ~= 'number' or not (n >= 2 and n <= most) or n % 1 ~= 0 then
      core.raise('%s: gridsize must be whole numbers from 2 to %d, got %s', who, most, tostring(n))
    end
  end
  return out
end

--- The grid between the limits of a prior.
-- @tparam string who for messages
-- @tparam table p a prior with low and high
-- @tparam number|table gridsize of all, or of each parameter
-- @treturn table ranges
function M.of(who, p, gridsize)
  local low, high, P = prior.limits(who, p)
  local ranges = {}
  for i, n in ipairs(sizes(who, gridsize, P)) do
    ranges[i] = np.linspace(low[i], high[i], n, 'f64'):totable()
  end
  return ranges
end

--- The distance between the points of a range.
function M.step(range) return (range[#range] - range[1]) / (#range - 1) end

-- Whether numbers rise in equal steps, but for the rounding of f32.
local function is_even(range)
  local step, last = M.step(range), range[#range]
  local rounding = 1e-6 * math.max(math.abs(range[1]), math.abs(last))
  for k, v in ipairs(range) do
    if not (math.abs(v - (range[1] + (k - 1) * step)) <= 1e-3 * step + rounding) then
      return false
    end
  end
  return step > 0
end

--- The grid that a user gives, as lists of numbers.
-- @tparam string who for messages
-- @tparam table|Array ranges lists or Arrays, one for each parameter
-- @tparam number P
-- @treturn table ranges
-- @raise another number of them, points that are not evenly spaced
function M.check(who, ranges, P)
  if #ranges ~= P then
    core.raise('%s: ranges has %d entries for %d parameters', who, #ranges, P)
  end
  local out = {}
  for p = 1, P do
    local range = ranges[p]
    if np.is_array(range) then range = range:ravel():totable() end
    if type(range) ~= 'table' or #range < 2 or not is_even(range) then
      core.raise('%s: ranges[%d] must rise in equal steps, as np.linspace gives them', who, p)
    end
    out[p] = range
  end
  return out
end

--- The grid that a call asks for: its option `ranges`, or `gridsize`, or that of the object.
function M.choose(who, object, o)
  if o.ranges then return M.check(who, o.ranges, object.n_params) end
  return o.gridsize and M.of(who, object.prior, o.gridsize) or object.ranges
end

return M
