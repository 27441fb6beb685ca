--- Parameters with limits, mapped to the real line and back.
-- @module imnn.lfi.line
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local C = core.C
local M = {}

local function limit(who, name, given, P, dtype)
  if type(given) == 'number' then given = { given } end
  if type(given) ~= 'table' and not np.is_array(given) then
    core.raise('%s: %s must be numbers, infinite where there is no limit, got %s', who, name,
      core.kind(given))
  end
  local ok, x = pcall(np.array, given, dtype)
  if not ok or x.ndim ~= 1 or x.shape[1] ~= P and x.shape[1] ~= 1 then
    core.raise('%s: %s must be %d numbers, one for each parameter', who, name, P)
  end
  return x.shape[1] == P and x or np.broadcast_to(x, { P })
end

-- A function of x (..., P) and the limits.
local function face(name, build)
  local who = 'lfi.' .. name
  local fn = array.face(who, build)
  return function(x, low, high)
    if type(x) == 'table' then x = np.array(x) end
    x = operands.floats(x, who)
    local shape = x.shape
    local one = #shape == 0
    if one then x = x:reshape { 1 } end
    local P = one and 1 or shape[#shape]
    local a, b = limit(who, 'low', low, P, x.dtype), limit(who, 'high', high, P, x.dtype)
    if not array.traced(a) and not array.traced(b) and not np.all(np.lt(a, b)):item() then
      core.raise('%s: low must be below high, for each parameter', who)
    end
    local y = fn(x, a, b)
    return one and y:reshape {} or y
  end
end

--- Parameters on the real line: ln((theta - low) / (high - theta)) with two limits, ln(theta - low)
-- or -ln(high - theta) with one, theta itself without. What is at a limit, or outside, comes to a
-- large finite number.
-- @tparam Array|table|number theta (..., P)
-- @tparam table|Array|number low P limits; -math.huge: none
-- @tparam table|Array|number high P limits; math.huge: none
-- @treturn Array (..., P)
-- @raise limits out of order, shapes that do not fit
-- @usage lfi.to_line({ 0.5, 1, 7 }, { 0, 0, -math.huge }, { 1, math.huge, math.huge })
--   --> { 0, 0, 7 }
-- @function to_line
M.to_line = face('to_line', C.imnn_lfi_to_line)

--- Parameters from the real line: the inverse of `to_line`, never outside of the limits.
-- @tparam Array|table|number line (..., P)
-- @tparam table|Array|number low P limits; -math.huge: none
-- @tparam table|Array|number high P limits; math.huge: none
-- @treturn Array (..., P)
-- @raise limits out of order, shapes that do not fit
-- @usage lfi.from_line({ 0, 0, 7 }, { 0, 0, -math.huge }, { 1, math.huge, math.huge })
--   --> { 0.5, 1, 7 }
-- @function from_line
M.from_line = face('from_line', C.imnn_lfi_from_line)

--- The logarithm of the slope of `to_line`, of all parameters together: log-densities of theta are
-- larger by it than those on the line.
-- @tparam Array|table|number theta (..., P)
-- @tparam table|Array|number low P limits; -math.huge: none
-- @tparam table|Array|number high P limits; math.huge: none
-- @treturn Array (...)
-- @raise limits out of order, shapes that do not fit
-- @usage lfi.line_slope({ 0.5, 1 }, { 0, 0 }, { 1, math.huge }) --> 1.386294
-- @function line_slope
M.line_slope = face('line_slope', C.imnn_lfi_line_slope)

return M
