--- Keys and random numbers: Threefry-2x32 with the semantics of JAX. Same key, same numbers: bits
-- exactly, floats within a few units in the last place. A key is a u32 Array (2); leading axes are
-- independent keys. Arguments may come in a table, with their names, as the last argument.
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
-- @usage local key = random.PRNGKey(0)
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
-- @usage local first, second = random.split(key):unpack()
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
-- @usage random.fold_in(key, 7)
function M.fold_in(key, data)
  check_key('random.fold_in', key)
  args.argument('random.fold_in', 'data', data, { 'number', 'Array' })
  if type(data) == 'number' then
    if data % 1 ~= 0 then core.raise('random.fold_in: data must be whole, got %g', data) end
    data = array.number(data % 2 ^ 32, 'u32')
  end
  return array.apply('random_fold_in', { key, promote.convert(data, 'u32') })
end

--- Random words.
-- @tparam Array key (..., 2)
-- @tparam[opt] table shape
-- @tparam[opt=32] number width bits of a word: 8, 16, 32, or 64, which are pairs (..., shape, 2),
-- the high half first
-- @treturn Array u32 (..., shape)
-- @raise another width
-- @usage random.bits(random.PRNGKey(0), { 3 }, 8)
function M.bits(key, shape, width)
  local who = 'random.bits'
  check_key(who, key)
  width = width or 32
  if width ~= 8 and width ~= 16 and width ~= 32 and width ~= 64 then
    core.raise('%s: words have 8, 16, 32 or 64 bits, not %s', who, tostring(width))
  end
  local s = check_shape(who, shape)
  return array.build(who, settings(s, width), { key }, function(graph, k)
    return C.imnn_random_words(graph, k, s, width)
  end)
end

--- Uniform numbers in [minval, maxval).
-- @tparam Array key
-- @tparam[opt] table shape
-- @tparam[opt='f32'] string dtype 'f32' or 'f64'
-- @tparam[opt=0] number|Array minval broadcasts to the shape
-- @tparam[opt=1] number|Array maxval broadcasts to the shape
-- @treturn Array of the shape
-- @usage random.uniform(key, { 3 }, { minval = -1, maxval = 1 })
function M.uniform(key, shape, dtype, minval, maxval)
  local o = args.take('random.uniform', { dtype = dtype, minval = minval, maxval = maxval }, {
    dtype = { 'string', default = array.default_dtype() },
    minval = { 'number', 'Array', optional = true },
    maxval = { 'number', 'Array', optional = true },
  })
  check_key('random.uniform', key)
  local s, code = check_shape('random.uniform', shape), real('random.uniform', o.dtype)
  local inputs = { key }
  dtype = o.dtype
  if o.minval ~= nil or o.maxval ~= nil then
    inputs[2] = promote.convert(o.minval or 0, dtype)
    inputs[3] = promote.convert(o.maxval or 1, dtype)
  end
  return array.build('random.uniform', settings(s, dtype, #inputs), inputs, function(graph, k, lo,
    hi)
    return C.imnn_random_uniform(graph, k, code, s, lo or 0, hi or 0)
  end)
end

--- Standard normal numbers; complex ones have real and imaginary parts of variance 1/2.
-- @tparam Array key (..., 2)
-- @tparam[opt] table shape
-- @tparam[opt='f32'] string dtype 'f32', 'f64', 'c64' or 'c128'
-- @treturn Array (..., shape)
-- @usage random.normal(random.PRNGKey(0), { 2, 3 })
-- random.normal(random.PRNGKey(0), { 3 }, { dtype = 'f64' })
function M.normal(key, shape, dtype)
  check_key('random.normal', key)
  local s, name, code = check_shape('random.normal', shape), dtype
  if dtype == 'c64' or dtype == 'c128' then code = array.dtype_code(dtype)
  else code, name = real('random.normal', dtype) end
  return array.build('random.normal', settings(s, name), { key }, function(graph, k)
    return C.imnn_random_normal(graph, k, code, s)
  end)
end

for name, fn in pairs(samplers.functions) do M[name] = fn end
for _, room in ipairs { 'order', 'vectors', 'designs' } do
  for name, fn in pairs(require('imnn.random.' .. room)) do M[name] = fn end
end

--- Standard normal numbers between bounds.
-- @tparam Array key (..., 2)
-- @tparam number|Array lower may be -math.huge; Arrays broadcast to the shape
-- @tparam number|Array upper
-- @tparam[opt] table shape that of the bounds
-- @tparam[opt='f32'] string dtype 'f32' or 'f64'
-- @treturn Array (..., shape), differentiable in the bounds
-- @raise numbers that are not in order
-- @usage random.truncated_normal(random.PRNGKey(0), -2, 2, { 5 })
function M.truncated_normal(key, lower, upper, shape, dtype)
  local who = 'random.truncated_normal'
  local numbers = type(lower) == 'number' and type(upper) == 'number'
  if not numbers and lower ~= nil and upper ~= nil then
    for _, x in ipairs { lower, upper } do
      if type(x) ~= 'number' and not array.is(x) then
        core.raise('%s: bounds are numbers or Arrays, got a %s', who, core.kind(x))
      end
    end
    local np = require 'imnn.numpy'
    local apart = np.lt(lower, upper)
    if not array.traced(apart) and not np.all(apart):item() then
      core.raise('%s: needs lower below upper everywhere', who)
    end
    return samplers.functions.truncated_normal(key, lower, upper, shape, dtype)
  end
  check_key(who, key)
  if not numbers or not (lower < upper) then
    core.raise('%s: needs two numbers in order, got %s and %s', who, tostring(lower),
      tostring(upper))
  end
  local s, code, name = check_shape(who, shape), real(who, dtype)
  return array.build(who, settings(s, name, lower, upper), { key }, function(graph, k)
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
-- @usage random.randint(key, { 3 }, 0, 10)
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
        x ~= x and 'nan' or core.kind(x))
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

local layouts = { original = C.IMNN_ORIGINAL, partitionable = C.IMNN_PARTITIONABLE }

--- How split and bits count: 'original' (JAX before 0.5; the default, since the reference used it)
-- or 'partitionable'. One setting for the whole process.
-- @tparam string name
-- @raise another name
-- @usage random.set_key_layout 'original'
function M.set_key_layout(name)
  if not layouts[name] then
    core.raise('random.set_key_layout: "original" or "partitionable", got %s', tostring(name))
  end
  C.imnn_random_set_layout(layouts[name])
end

--- How split and bits count: 'original' or 'partitionable'.
-- @treturn string
-- @usage random.key_layout() --> 'original'
function M.key_layout() return layout() == 0 and 'original' or 'partitionable' end

local arguments = {
  split = { 1, { 'n', 'num' } }, bits = { 1, 'shape', 'width' },
  uniform = { 1, 'shape', 'dtype', 'minval', 'maxval' }, normal = { 1, 'shape', 'dtype' },
  truncated_normal = { 1, 'lower', 'upper', 'shape', 'dtype' },
  randint = { 1, 'shape', 'minval', 'maxval', 'dtype' },
  permutation = { 2, 'axis', 'independent' }, shuffle = { 2, 'axis' },
  choice = { 2, 'shape', 'replace', 'p', 'axis' },
  categorical = { 2, 'axis', 'shape', 'replace' }, dirichlet = { 1, 'alpha', 'shape', 'dtype' },
  multinomial = { 1, 'n', 'p', 'shape', 'dtype' }, ball = { 1, 'd', 'p', 'shape', 'dtype' },
  multivariate_normal = { 1, 'mean', 'cov', 'shape', 'dtype', 'method' },
  orthogonal = { 1, 'n', 'shape', 'dtype', 'm' },
  wishart = { 1, 'df', 'scale', 'shape', 'dtype' }, latin_hypercube = { 1, 'n', 'd', 'dtype' },
}
for name, row in pairs(samplers.arguments) do arguments[name] = arguments[name] or row end
require 'imnn.numpy.named'('random', M, arguments)

return args.strict('random', M)
