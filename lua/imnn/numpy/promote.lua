--- What dtypes become when they meet: bool, integers, f32, f64 in this order; Lua numbers take the
-- dtype of the array beside them (a fraction makes integers f32).
-- @module imnn.numpy.promote
local array = require 'imnn.array'
local core = require 'imnn.core'
local M = {}

local rank = { bool = 1, u32 = 2, i32 = 3, f32 = 4, f64 = 5 }

local function join(a, b)
  if not a or not b then return a or b end
  if a ~= b and (a == 'i32' and b == 'u32' or a == 'u32' and b == 'i32') then return 'i32' end
  return rank[a] >= rank[b] and a or b
end

--- The dtype of arrays and numbers together.
function M.dtype(list)
  local dtype, weak
  for _, x in ipairs(list) do
    if array.is(x) then dtype = join(dtype, x.dtype) end
  end
  for _, x in ipairs(list) do
    if type(x) == 'number' then
      local whole = x % 1 == 0 and x >= -2 ^ 31 and x < 2 ^ 32
      weak = join(weak, whole and 'i32' or 'f32')
    elseif type(x) == 'boolean' then
      weak = join(weak, 'bool')
    end
  end
  if not dtype then return weak == 'bool' and 'bool' or 'f32' end
  if not weak or rank[dtype] >= 4 then return dtype end
  if weak == 'f32' then return 'f32' end
  if weak == 'i32' and dtype == 'bool' then return 'i32' end
  return dtype
end

--- The dtype in which a mean is computed: f32 for integers and bools.
function M.real(dtype) return rank[dtype] < rank.f32 and 'f32' or dtype end

--- x in another dtype.
function M.convert(x, dtype)
  if not array.is(x) then return array.number(x, dtype) end
  if x.dtype == dtype then return x end
  return array.apply('convert', { x }, { array.dtype_code(dtype) })
end

--- The nearest dtype that an operator works on.
function M.allowed(op, dtype)
  if op.dtypes[dtype] then return dtype end
  if dtype == 'bool' and op.dtypes.i32 then return 'i32' end
  if op.dtypes.f32 then return 'f32' end
  core.raise('%s: not defined for %s', op.name, dtype)
end

return M
