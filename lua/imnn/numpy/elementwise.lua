--- Elementwise operators of whatever a script gives them.
-- @module imnn.numpy.elementwise
local array = require 'imnn.array'
local core = require 'imnn.core'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local M = {}

-- The dtype of powers of `dtype`: integers have negative ones only as floats. An array must say so
-- itself, as its values are not known in a trace.
local function of_powers(dtype, n)
  if type(n) == 'number' and n < 0 and (dtype == 'i32' or dtype == 'u32') then
    return array.default_dtype()
  end
  return dtype
end

local function check_powers(a, n)
  if type(n) == 'number' or not array.is(n) or n.dtype ~= 'i32' or array.traced(n) or n.size == 0
    or array.is(a) and promote.is_float(a.dtype)
    or not array.is(a) and (type(a) ~= 'number' or a % 1 ~= 0) then
    return
  end
  if array.apply('min', { n }, { 0, n.ndim }):item() < 0 then
    core.raise('pow: integers have no negative powers; convert one of both to a float')
  end
end

--- An elementwise operator of arrays and numbers.
-- @tparam string name of the operator
-- @param ... Arrays of shapes that broadcast, numbers, booleans, nested tables
-- @treturn Array
-- @raise another number of arguments, other things than these
function M.apply(name, ...)
  local op = registry[name]
  local n = op.arity
  if name == 'pow' then check_powers(...) end
  if select('#', ...) == n and n < 3 then
    local a, b = ...
    local y
    if n == 1 then y = array.single(op, a) else y = array.pair(op, a, b) end
    if y then return y end
  end
  local inputs = { ... }
  if select('#', ...) ~= n then
    core.raise('%s: takes %d arguments, got %d', name, n, select('#', ...))
  end
  for i = 1, n do
    local x = inputs[i]
    if type(x) == 'table' then inputs[i] = require('imnn.numpy.create').array(x)
    elseif not array.liftable(x) then
      core.raise('%s: argument %d must be an Array or a number, got %s', name, i, core.kind(x))
    end
  end
  if name == 'where' then
    local condition = inputs[1]
    if not array.is(condition) then
      condition = array.number(condition ~= 0 and condition, 'bool')
    end
    local dtype = promote.dtype { inputs[2], inputs[3] }
    return array.apply(name, { promote.convert(condition, 'bool'),
      promote.convert(inputs[2], dtype), promote.convert(inputs[3], dtype) })
  end
  local dtype = promote.allowed(op, promote.dtype(inputs))
  if name == 'pow' then dtype = of_powers(dtype, inputs[2]) end
  for i = 1, n do inputs[i] = promote.convert(inputs[i], dtype) end
  return array.apply(name, inputs)
end

return M
