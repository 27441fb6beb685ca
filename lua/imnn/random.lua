--- Keys and random numbers: Threefry-2x32 with the semantics of JAX. Same key, same numbers: bits
-- exactly, floats within a few units in the last place. A key is a u32 Array (2); leading axes are
-- independent keys.
-- @module imnn.random
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local promote = require 'imnn.numpy.promote'
local samplers = require 'imnn.random.samplers'
local C = core.C
local M = {}

--- A key from a seed: (0, the low 32 bits of the integer).
-- @tparam number|cdata|string seed a whole number; beyond 2^53 an int64_t or decimal text
-- @treturn Array u32 (2)
function M.PRNGKey(seed)
  local low
  if type(seed) == 'string' and seed:match '^%-?%d+$' then
    local digits, value = seed:gsub('^%-', ''), 0ULL
    for d in digits:gmatch '%d' do value = value * 10 + tonumber(d) end
    if seed:sub(1, 1) == '-' then value = -value end
    low = tonumber(value % 2 ^ 32)
  elseif type(seed) == 'number' and seed % 1 == 0 and math.abs(seed) <= 2 ^ 53 then
    low = seed % 2 ^ 32
  elseif ffi.istype('int64_t', seed) or ffi.istype('uint64_t', seed) then
    low = tonumber(ffi.cast('uint64_t', seed) % 2 ^ 32)
  else
    core.raise('random.PRNGKey: a seed is a whole number (text or int64_t beyond 2^53), got %s',
      tostring(seed))
  end
  return array.from_buffer(ffi.new('uint32_t[2]', 0, low), { 2 }, 'u32')
end
M.key = M.PRNGKey

local check_key, check_shape, real = check.key, check.shape, check.dtype
local layout, settings = check.layout, check.settings

--- Independent keys.
-- @tparam Array key (..., 2)
-- @tparam[opt=2] number n
-- @treturn Array (..., n, 2)
function M.split(key, n)
  n = n or 2
  check_key('random.split', key)
  if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
    core.raise('random.split: the number of keys must be whole, got %s', tostring(n))
  end
  return array.apply('random_split', { key }, { n, layout() })
end

--- The key that belongs to a number.
-- @tparam Array key (..., 2)
-- @tparam number|Array data whole numbers, 0 to 2^32 - 1
-- @treturn Array (..., 2)
function M.fold_in(key, data)
  check_key('random.fold_in', key)
  if type(data) == 'number' then
    if data % 1 ~= 0 then core.raise('random.fold_in: data must be whole, got %g', data) end
    data = array.number(data % 2 ^ 32, 'u32')
  end
  return array.apply('random_fold_in', { key, promote.convert(data, 'u32') })
end

--- Random words.
-- @tparam Array key
-- @tparam[opt] table shape
-- @treturn Array u32
function M.bits(key, shape)
  check_key('random.bits', key)
  local s = check_shape('random.bits', shape)
  local attr = { layout(), 32 }
  for i = 0, s.ndim - 1 do attr[#attr + 1] = tonumber(s.size[i]) end
  return array.apply('random_bits', { key }, attr)
end

--- Uniform numbers in [minval, maxval).
-- @tparam Array key
-- @tparam[opt] table shape
-- @tparam[opt] table|string opts `dtype` ('f32'), `minval` (0), `maxval` (1): numbers or Arrays
-- that broadcast to the shape; or the dtype alone
function M.uniform(key, shape, opts)
  if type(opts) == 'string' then opts = { dtype = opts } end
  local o = args.take('random.uniform', opts, {
    dtype = { 'string', default = array.default_dtype() },
    minval = { 'number', 'Array', optional = true },
    maxval = { 'number', 'Array', optional = true },
  })
  check_key('random.uniform', key)
  local s, code, dtype = check_shape('random.uniform', shape), real('random.uniform', o.dtype)
  local inputs = { key }
  if o.minval ~= nil or o.maxval ~= nil then
    inputs[2] = promote.convert(o.minval or 0, dtype)
    inputs[3] = promote.convert(o.maxval or 1, dtype)
  end
  return array.build('random.uniform', settings(s, dtype, #inputs), inputs, function(graph, k, lo,
    hi)
    return C.imnn_random_uniform(graph, k, code, s, lo or 0, hi or 0)
  end)
end

--- Standard normal numbers.
-- @tparam Array key
-- @tparam[opt] table shape
-- @tparam[opt='f32'] string dtype
function M.normal(key, shape, dtype)
  check_key('random.normal', key)
  local s, code, name = check_shape('random.normal', shape), real('random.normal', dtype)
  return array.build('random.normal', settings(s, name), { key }, function(graph, k)
    return C.imnn_random_normal(graph, k, code, s)
  end)
end

--- Standard normal numbers between lower and upper (numbers).
function M.truncated_normal(key, lower, upper, shape, dtype)
  check_key('random.truncated_normal', key)
  if type(lower) ~= 'number' or type(upper) ~= 'number' or not (lower < upper) then
    core.raise('random.truncated_normal: needs two numbers in order, got %s and %s', tostring(
      lower),
      tostring(upper))
  end
  local s, code, name = check_shape('random.truncated_normal', shape),
    real('random.truncated_normal', dtype)
  return array.build('random.truncated_normal', settings(s, name, lower, upper), { key },
    function(graph, k)
      return C.imnn_random_truncated_normal(graph, k, code, lower, upper, s)
    end)
end

--- Whole numbers in [minval, maxval).
-- @tparam Array key
-- @tparam[opt] table shape
-- @tparam number|Array minval
-- @tparam number|Array maxval where it is not above minval, minval is drawn
-- @tparam[opt='i32'] string dtype 'i32' or 'u32'; numbers beyond it are cut
-- @treturn Array
function M.randint(key, shape, minval, maxval, dtype)
  local who = 'random.randint'
  check_key(who, key)
  dtype = dtype or 'i32'
  local range = ({ i32 = { -2 ^ 31, 2 ^ 31 - 1 }, u32 = { 0, 2 ^ 32 - 1 } })[dtype]
  if not range then core.raise('%s: dtype must be i32 or u32, got %s', who, tostring(dtype)) end
  local above = type(maxval) == 'number' and maxval > range[2]
  local function bound(name, x)
    if array.is(x) then return promote.convert(x, dtype) end
    if type(x) ~= 'number' or x ~= x then
      core.raise('%s: %s must be a number or an Array, got %s', who, name,
        x ~= x and 'nan' or type(x))
    end
    local whole = x < 0 and math.ceil(x) or math.floor(x)
    return array.number(math.min(math.max(whole, range[1]), range[2]), dtype)
  end
  local inputs = { key, bound('minval', minval), bound('maxval', maxval) }
  local s, code = check_shape(who, shape), array.dtype_code(dtype)
  return array.build(who, settings(s, dtype, tostring(above)), inputs, function(graph, k, lo, hi)
    return C.imnn_random_randint(graph, k, code, s, lo, hi, above)
  end)
end

for name, fn in pairs(samplers.functions) do M[name] = fn end

--- Numbers that add up to 1: of density proportional to the product of x_k^(alpha_k - 1).
-- @tparam Array key
-- @tparam Array|table alpha (K), or (..., K) that broadcasts to the shape
-- @tparam[opt] table shape without K; that of alpha
-- @tparam[opt] string dtype
-- @treturn Array (shape, K)
function M.dirichlet(key, alpha, shape, dtype)
  local who = 'random.dirichlet'
  check_key(who, key)
  local params, common, name = samplers.parameters(who, { 'alpha' }, { alpha }, dtype)
  common[#common] = nil
  local s, code = check_shape(who, shape or common), array.dtype_code(name)
  return array.build(who, settings(s, name), { key, params[1] }, function(graph, k, a)
    return C.imnn_random_dirichlet(graph, k, code, s, a)
  end)
end

--- How often each category comes in n trials.
-- @tparam Array key
-- @tparam number|Array n
-- @tparam Array|table p probabilities (..., K), which add up to 1
-- @tparam[opt] table shape without K; that of n and p together
-- @tparam[opt] string dtype
-- @treturn Array (shape, K), whole numbers that add up to n
function M.multinomial(key, n, p, shape, dtype)
  local who = 'random.multinomial'
  check_key(who, key)
  if not dtype and array.is(n) and n.dtype == 'f64' then dtype = 'f64' end
  local chances, sizes, name = samplers.parameters(who, { 'p' }, { p }, dtype)
  local trials, common = samplers.parameters(who, { 'n' }, { n }, name)
  if #sizes == 0 then core.raise('%s: p needs an axis of probabilities', who) end
  sizes[#sizes] = nil
  local s = check_shape(who, shape or samplers.joined(who, common, sizes))
  local code, inputs = array.dtype_code(name), { key, trials[1], chances[1] }
  return array.build(who, settings(s, name), inputs, function(graph, k, a, b)
    return C.imnn_random_multinomial(graph, k, code, s, a, b)
  end)
end

--- Points of the unit ball: sum |x_k|^p <= 1.
-- @tparam Array key
-- @tparam number d dimensions
-- @tparam[opt=2] number p
-- @tparam[opt] table shape
-- @tparam[opt='f32'] string dtype
-- @treturn Array (shape, d)
function M.ball(key, d, p, shape, dtype)
  local who = 'random.ball'
  check_key(who, key)
  if type(d) ~= 'number' or d < 1 or d % 1 ~= 0 then
    core.raise('%s: d must be a positive integer, got %s', who, tostring(d))
  end
  local params, _, name = samplers.parameters(who, { 'p' }, { p or 2 }, dtype)
  local s, code = check_shape(who, shape), array.dtype_code(name)
  return array.build(who, settings(s, name, d), { key, params[1] }, function(graph, k, norm)
    return C.imnn_random_ball(graph, k, code, s, d, norm)
  end)
end

local layouts = { original = C.IMNN_ORIGINAL, partitionable = C.IMNN_PARTITIONABLE }

--- How split and bits count: 'original' (JAX before 0.5; the default, since the reference used it)
-- or 'partitionable'. One setting for the whole process.
function M.set_key_layout(name)
  if not layouts[name] then
    core.raise('random.set_key_layout: "original" or "partitionable", got %s', tostring(name))
  end
  C.imnn_random_set_layout(layouts[name])
end

function M.key_layout() return layout() == 0 and 'original' or 'partitionable' end

return M
