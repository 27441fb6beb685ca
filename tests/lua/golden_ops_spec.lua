--- Elementwise functions against golden numbers; tests/golden/ops says what they
-- are and how well they should agree.
local imnn = require 'imnn'
local np, special = imnn.np, imnn.scipy.special

local where = 'tests/golden/ops/'
local digits = { f32 = 23, f64 = 52 }
local least = { f32 = 2 ^ -126, f64 = 2 ^ -1022 }

-- ---- how far numbers may be apart ----

local function flat(x)
  x = np.ravel(x):totable()
  for i, v in ipairs(x) do
    if type(v) == 'boolean' then x[i] = v and 1 or 0 end
  end
  return x
end

local function spacing(x, dtype)
  local _, exponent = math.frexp(math.max(math.abs(x), least[dtype]))
  return 2 ^ (exponent - 1 - digits[dtype])
end

local function same(a, b)
  if a ~= a or b ~= b then return a ~= a and b ~= b end
  return a == b and 1 / a == 1 / b
end

-- Whether b is a: equal where infinite, NaN or zero, else near.
local function agrees(a, b, rule, dtype)
  if same(a, b) then return true end
  if a - a ~= 0 or b - b ~= 0 then return false end
  if rule.tol == 'exact' then return a == b end
  local room = rule.atol or 0
  if rule.tol == 'ulp' then
    room = room + rule.ulp * spacing(math.max(math.abs(a), math.abs(b)), dtype)
  else
    room = room + rule.rtol * math.abs(a)
  end
  return math.abs(a - b) <= room
end

local function tiny(x, dtype) return x ~= 0 and math.abs(x) < least[dtype] end

-- Where the number is not the truth it is what JAX makes of it, which takes subnormal numbers for
-- zeros.
local function compare(what, expected, got, rule, dtype, inputs, is_true, any)
  local a, b = flat(expected), flat(got)
  assert.equal(#a, #b)
  for i = 1, #a do
    local at, subnormal = {}, tiny(a[i], dtype)
    for k, x in ipairs(inputs) do
      at[k] = ('%.17g'):format(x[i] or x[1])
      subnormal = subnormal or tiny(x[i] or x[1], dtype)
    end
    local told = is_true and is_true[i] == 1
    local free = subnormal and (b[i] == 0 or not told) or any and not told and any(a[i], i)
    assert.is_true(free or agrees(a[i], b[i], rule, dtype),
      ('%s at (%s) is %.17g, should be %.17g'):format(what, table.concat(at, ', '), b[i], a[i]))
  end
end

-- ---- elementwise functions ----

-- Those whose name is not that of np or scipy.special.
local names = {
  logistic = special.expit, erf_inv = special.erfinv, lgamma = special.gammaln,
  f_eq = np.eq, f_le = np.le, f_lt = np.lt, int_add = np.add, int_mul = np.multiply,
  int_and = np.bitwise_and, int_or = np.bitwise_or, int_xor = np.bitwise_xor,
  int_max = np.maximum, int_floor_divide = np.floor_divide, int_remainder = np.remainder,
  to_int32 = function(x) return x:astype 'i32' end,
}
local first_only = { isnan = true, isinf = true, isfinite = true }

local function rule_of(case, dataset)
  local rule = case:attributes(dataset)
  return rule.tol and rule or case:attributes()
end

local function truth(case, dataset)
  return case:has(dataset) and flat(case[dataset])
end

-- Slopes of JAX that mean nothing: where there is no value; of several inputs, NaNs that are 0
-- times infinity for the input that does not move; logaddexp where its value is infinite; hypot at
-- the tip of the cone, where ours are 0.
local function meaningless(name, values, inputs)
  return function(slope, i)
    return values[i] ~= values[i] or slope ~= slope and #inputs > 1
      or name == 'logaddexp' and values[i] == math.huge or name == 'hypot' and values[i] == 0
  end
end

local function check_elementwise(case, name, dtype)
  local f = names[name] or np[name] or special[name]
  local x, inputs, derivatives = { case['in.x'] }, {}, { 'out.dy' }
  if case:has 'in.y' then x[2], derivatives = case['in.y'], { 'out.dx', 'out.dy' } end
  if case:has 'in.lo' then x[2], x[3] = case['in.lo'], case['in.hi'] end
  if first_only[name] then x[2] = nil end
  for i = 1, #x do inputs[i] = flat(x[i]) end
  local out = case:has 'out.z' and 'out.z' or 'out.y'
  local values = f(unpack(x))
  compare(name, case[out], values, rule_of(case, out), dtype, inputs, truth(case, 'out.truth'))
  for i, dataset in ipairs(derivatives) do
    if case:has(dataset) and dataset ~= out then
      local slope = imnn.grad(function(v)
        local all = { unpack(x) }
        all[i] = v
        return f(unpack(all)):sum()
      end)
      compare(('derivative %d of %s'):format(i, name), case[dataset], slope(x[i]),
        rule_of(case, dataset), dtype, inputs, truth(case, dataset .. 'truth'),
        meaningless(name, flat(values), inputs))
    end
  end
end

for _, dtype in ipairs { 'f32', 'f64' } do
  describe('elementwise functions in ' .. dtype, function()
    local file = imnn.data.hdf5.open(where .. 'elementwise_' .. dtype .. '.h5')
    for _, key in ipairs(file:keys()) do
      local name = key:gsub('/', '')
      it(name, function() check_elementwise(file[name], name, dtype) end)
    end
  end)
end
