--- What dtypes become when they meet: bool, integers, f32, f64, c64, c128 in this order (f64 and
-- c64 make c128). Lua numbers take the dtype of the array beside them; a fraction makes integers
-- the default float, a complex number makes reals complex.
-- @module imnn.numpy.promote
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local M = {}

local rank = { bool = 1, u32 = 2, i32 = 3, f32 = 4, f64 = 5, c64 = 6, c128 = 7 }
local with_parts = { f32 = 'c64', f64 = 'c128', c64 = 'c64', c128 = 'c128' }

--- Whether a dtype is f32, f64 or complex.
function M.is_float(dtype) return with_parts[dtype] ~= nil end
function M.is_complex(dtype) return dtype == 'c64' or dtype == 'c128' end

--- The complex dtype for numbers of a dtype.
function M.complex_of(dtype) return with_parts[dtype] or with_parts[array.default_dtype()] end

local function join(a, b)
  if not a or not b then return a or b end
  if a ~= b and (a == 'i32' and b == 'u32' or a == 'u32' and b == 'i32') then return 'i32' end
  if a == 'c64' and b == 'f64' or a == 'f64' and b == 'c64' then return 'c128' end
  return rank[a] >= rank[b] and a or b
end

local weak_rank = { boolean = 1, whole = 2, fraction = 3, complex = 4 }

-- What kind of number a script gave; nil for Arrays.
local function kind(x)
  if type(x) == 'number' then
    return x % 1 == 0 and x >= -2 ^ 31 and x < 2 ^ 32 and 'whole' or 'fraction'
  end
  return type(x) == 'boolean' and 'boolean' or complex.is(x) and 'complex' or nil
end

--- The dtype of arrays and numbers together.
function M.dtype(list)
  local dtype, weak
  for _, x in ipairs(list) do
    if array.is(x) then dtype = join(dtype, x.dtype)
    else
      local k = kind(x)
      if k and (not weak or weak_rank[k] > weak_rank[weak]) then weak = k end
    end
  end
  if weak == 'complex' then return M.complex_of(dtype) end
  if not dtype then return weak == 'boolean' and 'bool' or array.default_dtype() end
  if not weak or rank[dtype] >= 4 then return dtype end
  if weak == 'fraction' then return array.default_dtype() end
  if weak == 'whole' and dtype == 'bool' then return 'i32' end
  return dtype
end

--- The dtype in which a mean is computed: the default float for integers and bools.
function M.real(dtype) return rank[dtype] < rank.f32 and array.default_dtype() or dtype end

--- x in another dtype.
function M.convert(x, dtype)
  if not array.is(x) then return array.number(x, dtype) end
  if x.dtype == dtype then return x end
  return array.apply('convert', { x }, { array.dtype_code(dtype) })
end

-- What truth values have instead of an operator that would take them for numbers.
local of_truth = { sub = 'np.logical_xor', neg = 'np.logical_not' }

--- The nearest dtype that an operator works on.
-- @raise where there is none: which there are
function M.allowed(op, dtype)
  if op.dtypes[dtype] then return dtype end
  if dtype == 'bool' and of_truth[op.name] then
    core.raise('%s: not defined for bool; use %s, or convert to numbers', op.name,
      of_truth[op.name])
  end
  if dtype == 'bool' and op.dtypes.i32 then return 'i32' end
  if op.dtypes.f32 and not M.is_complex(dtype) then return array.default_dtype() end
  local names = {}
  for name in pairs(op.dtypes) do names[#names + 1] = name end
  table.sort(names, function(a, b) return rank[a] < rank[b] end)
  core.raise('%s: not defined for %s; it works on %s', op.name, dtype, table.concat(names, ', '))
end

return M
