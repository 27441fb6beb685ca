--- The distributions of the library, core/random/samplers.def: functions (key, parameters ...,
-- shape, dtype, mode) -> Array. Parameters are numbers or Arrays that broadcast to the shape, which
-- without one is theirs; the dtype is f32, or f64 where a parameter is. Mode 'high' of bernoulli
-- and gumbel takes twice as many random bits.
-- @module imnn.random.samplers
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local promote = require 'imnn.numpy.promote'
local C = core.C
local M = {}
local rows = {} -- by name

-- Names and defaults of "a b" or "sigma 1".
local function parameters_of(text)
  local list = {}
  for word in text:gmatch '%S+' do
    if tonumber(word) then list[#list].default = tonumber(word)
    else list[#list + 1] = { name = word } end
  end
  return list
end

--- The shape of two parameters together.
function M.joined(who, a, b) return joined(who, a, b, 'the parameters') end

--- Parameters as Arrays of one dtype, and the shape that they have together.
-- @tparam string who
-- @tparam table names
-- @tparam table given numbers, Arrays, nested tables; read from 1 to #names
-- @tparam[opt] string dtype
function M.parameters(who, names, given, dtype)
  local out, shape = {}, {}
  for k, name in ipairs(names) do
    local x = given[k]
    if type(x) == 'table' then x = require('imnn.numpy').array(x) end
    if type(x) ~= 'number' and not array.is(x) then
      core.raise('%s: %s must be a number or an Array, got %s', who, name, core.kind(x))
    end
    if not dtype and array.is(x) and x.dtype == 'f64' then dtype = 'f64' end
    if array.is(x) then shape = M.joined(who, shape, x.shape) end
    out[k] = x
  end
  dtype = dtype or array.default_dtype()
  check.dtype(who, dtype)
  for k, x in ipairs(out) do out[k] = promote.convert(x, dtype) end
  return out, shape, dtype
end

--- f64 where an Array among the parameters is; nil otherwise.
function M.dtype_of(given, dtype)
  for _, x in pairs(given) do
    if not dtype and array.is(x) and x.dtype == 'f64' then dtype = 'f64' end
  end
  return dtype
end

-- The row of a mode.
local function row_of(who, name, mode)
  mode = args.argument(who, 'mode', mode, { 'string', default = 'low' })
  local modes = { low = name, high = rows[name .. '_high'] and name .. '_high' }
  return args.choice(who, 'mode', mode, modes)
end

local function make(sampler)
  local name, who = ffi.string(sampler.name), 'random.' .. ffi.string(sampler.name)
  local list, names = parameters_of(ffi.string(sampler.params)), {}
  for k, p in ipairs(list) do names[k] = p.name end
  return function(key, ...)
    check.key(who, key)
    local given = { ... }
    for k, p in ipairs(list) do
      if given[k] == nil then given[k] = p.default end
    end
    local row = row_of(who, name, given[#list + 3])
    local params, common, dtype = M.parameters(who, names, given, given[#list + 2])
    local shape = check.shape(who, given[#list + 1] or common)
    local code = array.dtype_code(dtype)
    return array.build(who, check.settings(shape, dtype, row), { key, unpack(params) },
      function(graph, k, ...)
        local nodes = ffi.new('imnn_node[?]', #list + 1, { ... })
        return C.imnn_random_draw(graph, row, k, code, shape, nodes)
      end)
  end
end

do
  local i = 0
  while C.imnn_random_get(i) ~= nil do
    rows[ffi.string(C.imnn_random_get(i).name)] = C.imnn_random_get(i)
    i = i + 1
  end
end

--- All of them by name, and the names of their arguments.
M.functions, M.arguments = {}, {}
for name, sampler in pairs(rows) do
  if not name:match '_high$' then
    local names = { 1 } -- the key has none
    for i, p in ipairs(parameters_of(ffi.string(sampler.params))) do names[i + 1] = p.name end
    for _, last in ipairs { 'shape', 'dtype', 'mode' } do names[#names + 1] = last end
    M.functions[name], M.arguments[name] = make(sampler), names
  end
end

return M
