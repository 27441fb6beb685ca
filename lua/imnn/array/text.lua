--- How values are printed: nested braces, as one would write them in a script.
-- @module imnn.array.text
local complex = require 'imnn.complex'
local value_at = require 'imnn.array.value'
local M = {}

local EDGE, MOST = 3, 1000 -- arrays of more elements than this show their ends

local function number(v, dtype)
  if v ~= v then return 'nan' end -- some C libraries print its sign
  return (dtype == 'f32' or dtype == 'f64') and ('%.6g'):format(v) or ('%.0f'):format(v)
end

local function element(p, dtype, at)
  local v = value_at(p, dtype, at)
  if complex.is(v) then return complex.text(v, '%.6g') end
  return type(v) == 'boolean' and tostring(v) or number(v, dtype)
end

--- A shape as text, "(3, 4)".
-- @tparam table shape
-- @tparam[opt=1] number first axis to show
function M.shape(shape, first) return '(' .. table.concat(shape, ', ', first) .. ')' end

--- Values as nested braces, long axes abbreviated.
-- @tparam cdata p row-major values
-- @tparam string dtype
-- @tparam table shape
-- @treturn string
function M.values(p, dtype, shape)
  local stride, size = {}, 1
  for k = #shape, 1, -1 do stride[k], size = size, size * shape[k] end
  local function level(k, at)
    if k > #shape then return element(p, dtype, at) end
    local parts, n = {}, shape[k]
    local short = size > MOST and n > 2 * EDGE
    for i = 1, n do
      if not short or i <= EDGE or i > n - EDGE then
        parts[#parts + 1] = level(k + 1, at + (i - 1) * stride[k])
      elseif i == EDGE + 1 then
        parts[#parts + 1] = '...'
      end
    end
    return '{' .. table.concat(parts, k < #shape and ',\n' .. (' '):rep(k) or ', ') .. '}'
  end
  return level(1, 0)
end

return M
