--- Functions of arrays, under the names of NumPy. Axes and positions count from 1, -1 is the last.
-- Elementwise functions take arrays of shapes that broadcast, and numbers. Options may come in a
-- table, with their names, as the last argument: np.stack({ a, b }, { axis = 2 }).
-- @module imnn.numpy
local array = require 'imnn.array'
local elementwise = require('imnn.numpy.elementwise').apply
local index = require 'imnn.numpy.index'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local methods, properties = array.methods, array.properties
local M = {
  is_array = array.is, newaxis = index.newaxis, from_buffer = array.from_buffer, pi = math.pi,
  inf = math.huge, nan = 0 / 0, fft = require 'imnn.numpy.fft',
  linalg = require 'imnn.numpy.linalg',
}

-- The rooms of this module.
for _, room in ipairs { 'create', 'matrices', 'reduce', 'shape', 'join', 'arrange', 'pad', 'take',
  'product', 'einsum', 'sort', 'statistics', 'moments', 'polynomial', 'complex', 'calculus',
  'choices', 'edit', 'positions', 'windows', 'files',
} do
  for name, fn in pairs(require('imnn.numpy.' .. room)) do M[name] = fn end
end

-- ---- elementwise ----

for _, op in ipairs(registry) do
  if op.elementwise then
    local name = op.name
    M[name] = function(...) return elementwise(name, ...) end
    methods[name] = M[name]
  end
end

for alias, name in pairs {
  bitwise_and = 'and', bitwise_or = 'or', bitwise_xor = 'xor', bitwise_not = 'not', invert = 'not',
  equal = 'eq', not_equal = 'ne', less = 'lt', less_equal = 'le', greater = 'gt',
  greater_equal = 'ge', mod = 'remainder', power = 'pow', absolute = 'abs', negative = 'neg',
  multiply = 'mul', subtract = 'sub', divide = 'div', true_divide = 'div', arcsin = 'asin',
  arccos = 'acos', arctan = 'atan', arctan2 = 'atan2', arcsinh = 'asinh', arccosh = 'acosh',
  arctanh = 'atanh', left_shift = 'shift_left', right_shift = 'shift_right',
  amax = 'max', amin = 'min', empty = 'zeros', empty_like = 'zeros_like', row_stack = 'vstack',
  trapz = 'trapezoid',
} do
  M[alias] = M[name]
end
--- Of truth values, element by element: what is not 0 counts as true.
-- @tparam Array|boolean|number a
-- @tparam Array|boolean|number b
-- @treturn Array bool
-- @usage np.NAME(np.array { true, false, true }, np.array { true, true, false })
-- @each logical_and Whether both hold
-- @each logical_or Whether one holds, or both
-- @each logical_xor Whether one holds, but not both

--- Whether something does not hold: true where x is 0 or false.
-- @tparam Array|boolean|number x
-- @treturn Array bool
-- @usage np.logical_not(np.array { 0, 2 }) --> { true, false }
-- @function logical_not

--- Whether a value is an Array, known or traced.
-- @param x anything
-- @treturn boolean
-- @usage np.is_array(np.zeros(2)) --> true
-- @function is_array

--- In an index, a new axis of size 1.
-- @usage np.arange(3)[{ np.newaxis, {} }].shape --> { 1, 3 }
-- @field newaxis

--- The ratio of the circumference of a circle to its diameter, a Lua number.
-- @usage np.pi --> 3.14159
-- @field pi

--- Infinity, a Lua number.
-- @usage np.inf > 1e300 --> true
-- @field inf

--- A number that is none. It equals nothing, itself neither: np.isnan finds it.
-- @usage np.isnan(np.nan) --> true
-- @field nan

for _, name in ipairs { 'and', 'or', 'xor', 'not' } do -- of truth values, whatever the dtype
  M['logical_' .. name] = function(a, b)
    local function truth(x) return promote.convert(M.as_array(x, 'logical_' .. name), 'bool') end
    if name == 'not' then return M[name](truth(a)) end
    return M[name](truth(a), truth(b))
  end
end

--- Limit to lo .. hi; either may be nil. Complex numbers are in the order of np.sort.
-- @tparam Array|number x
-- @tparam[opt] Array|number lo
-- @tparam[opt] Array|number hi
-- @treturn Array of the shape that they have together
-- @usage np.clip(np.array { -2, 0.5, 3 }, 0, 1) --> { 0, 0.5, 1 }
function M.clip(x, lo, hi)
  x = M.as_array(x, 'np.clip')
  if lo ~= nil then x = M.maximum(x, lo) end
  if hi ~= nil then x = M.minimum(x, hi) end
  return x
end

--- x x; of booleans as numbers
-- @tparam Array|number x
-- @treturn Array
-- @usage np.square(np.array { 1, -2 }) --> { 1, 4 }
function M.square(x)
  x = M.as_array(x, 'np.square')
  if x.dtype == 'bool' then x = promote.convert(x, 'i32') end
  return x * x
end

for name, fn in pairs(require('imnn.numpy.composed')(M)) do M[name] = fn end

require 'imnn.numpy.named'('np', M)

-- ---- methods ----

for _, name in ipairs {
  'astype', 'clip', 'square', 'reshape', 'ravel', 'transpose', 'moveaxis', 'swapaxes', 'squeeze',
  'expand_dims', 'broadcast_to', 'flip', 'take', 'matmul', 'dot', 'inner', 'outer', 'sort',
  'argsort', 'top_k', 'nonzero', 'diagonal', 'trace', 'tile', 'roll', 'repeat_', 'split', 'median',
  'quantile', 'percentile', 'average', 'tril', 'triu', 'unique', 'conj', 'angle', 'round', 'choose',
  'trapezoid', 'where',
} do
  methods[name] = M[name]
end
for name, fn in pairs(require 'imnn.numpy.reduce') do methods[name] = fn end
methods.at = require('imnn.numpy.update').at
methods.flatten = M.ravel
methods.inv, methods.det, methods.slogdet = M.linalg.inv, M.linalg.det, M.linalg.slogdet

--- The real part.
-- @treturn Array
-- @usage np.array({ 1 + 2i }).real --> { 1 }
-- @field properties.real
function properties.real(x) return M.real(x) end

--- The imaginary part; zeros of a real array.
-- @treturn Array
-- @usage np.array({ 1 + 2i }).imag --> { 2 }
-- @field properties.imag
function properties.imag(x) return M.imag(x) end

--- The array with its axes in reverse order.
-- @treturn Array
-- @usage x.T.shape --> { 3, 2 }
-- @field properties.T
function properties.T(x) return M.transpose(x) end

--- The parts along the first axis as several values.
-- @treturn Array as many as the first axis has elements
-- @raise an array of shape ()
-- @usage local mu, sigma2 = np.array({ 0, 1 }):unpack()
function methods.unpack(x)
  local out = {}
  for i = 1, #x do out[i] = x[i] end
  return unpack(out)
end

--- Iterate over the parts along the first axis: for i, row in x:rows() do.
-- @treturn function an iterator: position, part
-- @usage for i, row in x:rows() do print(i, row:sum()) end
function methods.rows(x)
  local i, n = 0, #x
  return function()
    i = i + 1
    if i <= n then return i, x[i] end
  end
end

return require('imnn.args').strict('np', M)
