--- The distributions of the library, core/random/samplers.def: functions (key, parameters ...,
-- shape, dtype) -> Array. Parameters are numbers or Arrays that broadcast to the shape, which
-- without one is theirs; the dtype is f32, or f64 where a parameter is.
-- @module imnn.random.samplers
local ffi = require 'ffi'
local array = require 'imnn.array'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local joined = require('imnn.numpy.axes').joined
local promote = require 'imnn.numpy.promote'
local C = core.C
local M = {}

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
      core.raise('%s: %s must be a number or an Array, got %s', who, name, type(x))
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
    local params, common, dtype = M.parameters(who, names, given, given[#list + 2])
    local shape = check.shape(who, given[#list + 1] or common)
    local code = array.dtype_code(dtype)
    return array.build(who, check.settings(shape, dtype), { key, unpack(params) },
      function(graph, k, ...)
        local nodes = ffi.new('imnn_node[?]', #list + 1, { ... })
        return C.imnn_random_draw(graph, name, k, code, shape, nodes)
      end)
  end
end

--- All of them by name.
M.functions = {}
do
  local i = 0
  while C.imnn_random_get(i) ~= nil do
    local sampler = C.imnn_random_get(i)
    M.functions[ffi.string(sampler.name)] = make(sampler)
    i = i + 1
  end
end

return M
