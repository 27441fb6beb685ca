--- Whether numbers agree with golden ones: exactly, within units in the last place, or nearly.
-- @module tests.support.golden
local ffi = require 'ffi'
local M = {}

-- x as the dtype has it: shortest decimals name the nearest f32.
local function rounded(x, dtype) return dtype == 'f32' and tonumber(ffi.new('float', x)) or x end

-- Distance of neighbouring numbers near x > 0.
local function spacing(x, dtype)
  local _, exponent = math.frexp(x)
  local digits, least = 24, -149
  if dtype == 'f64' then digits, least = 53, -1074 end
  return 2 ^ math.max(exponent - digits, least)
end

-- The largest difference of numbers a and b that a case allows.
local function allowed(case, a, b, dtype)
  local most = case.atol or 0
  if case.rtol then most = most + case.rtol * math.abs(a) end
  if case.ulp then most = most + case.ulp * spacing(math.max(math.abs(a), math.abs(b)), dtype) end
  return most
end

--- The numbers of a nested table, row-major.
function M.flat(t, out)
  out = out or {}
  if type(t) ~= 'table' then out[#out + 1] = t
  else
    for _, v in ipairs(t) do M.flat(v, out) end
  end
  return out
end

--- Compare an array with the numbers of a case, row-major.
-- @tparam table case `y` numbers, and `shape`; `ulp`, `atol`, `rtol` say how well they must agree:
-- |a - b| <= ulp units in the last place of the larger one + atol + rtol |golden|; none: exactly
-- @tparam Array got
-- @treturn string|nil what is wrong
function M.difference(case, got)
  local shape = table.concat(got.shape, ', ')
  if case.shape and shape ~= table.concat(case.shape, ', ') then
    return ('shape (%s), not (%s)'):format(shape, table.concat(case.shape, ', '))
  end
  local values, dtype = got:values(), got.dtype
  if #values ~= #case.y then return ('%d numbers, not %d'):format(#values, #case.y) end
  for i, number in ipairs(case.y) do
    local a, b = rounded(number, dtype), values[i]
    if type(b) == 'boolean' then b = b and 1 or 0 end
    local same = a == b or a ~= a and b ~= b
    if not same and not (math.abs(a - b) <= allowed(case, a, b, dtype)) then
      return ('element %d is %.17g, not %.17g'):format(i, b, a)
    end
  end
end

return M
