--- Keys and random numbers: Threefry-2x32 with the semantics of JAX. Same key, same numbers: bits
-- exactly, floats within a few units in the last place. A key is a u32 Array (2); leading axes are
-- independent keys.
-- @module imnn.random
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local promote = require 'imnn.numpy.promote'
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

local function check_key(who, key)
  if array.is(key) then
    local shape = key.shape
    if key.dtype == 'u32' and shape[#shape] == 2 then return key end
    core.raise('%s: a key has shape (2), got %s (%s)', who, key.dtype, table.concat(shape, ', '))
  end
  core.raise('%s: a key has shape (2), got a %s', who, type(key))
end

local function check_shape(who, shape)
  if shape == nil then shape = {} end
  return array.c_shape(shape, who)
end

local function layout() return tonumber(C.imnn_random_layout()) end

-- Settings as text, by which programs are told apart.
local function settings(shape, ...)
  local parts = { layout(), ... }
  for i = 0, shape.ndim - 1 do parts[#parts + 1] = tonumber(shape.size[i]) end
  return table.concat(parts, ' ')
end

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

local function real(who, dtype)
  dtype = dtype or 'f32'
  if dtype ~= 'f32' and dtype ~= 'f64' then
    core.raise('%s: dtype must be f32 or f64, got %s', who, tostring(dtype))
  end
  return array.dtype_code(dtype), dtype
end

--- Uniform numbers in [minval, maxval).
-- @tparam Array key
-- @tparam[opt] table shape
-- @tparam[opt] table|string opts `dtype` ('f32'), `minval` (0), `maxval` (1): numbers or Arrays
-- that broadcast to the shape; or the dtype alone
function M.uniform(key, shape, opts)
  if type(opts) == 'string' then opts = { dtype = opts } end
  local o = args.take('random.uniform', opts, {
    dtype = { 'string', default = 'f32' },
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
