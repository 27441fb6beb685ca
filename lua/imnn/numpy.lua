--- Functions of arrays, under the names of NumPy. Axes and positions count from 1, -1 is the last.
-- Elementwise functions take arrays of shapes that broadcast, and numbers.
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
  'product', 'einsum', 'sort', 'statistics', 'polynomial', 'complex',
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
} do
  M[alias] = M[name]
end
for _, name in ipairs { 'and', 'or', 'xor', 'not' } do -- of truth values, whatever the dtype
  M['logical_' .. name] = function(a, b)
    local function truth(x) return promote.convert(M.as_array(x, 'logical_' .. name), 'bool') end
    if name == 'not' then return M[name](truth(a)) end
    return M[name](truth(a), truth(b))
  end
end

--- Limit to lo .. hi; either may be nil.
function M.clip(x, lo, hi)
  x = M.as_array(x, 'np.clip')
  if lo ~= nil then x = M.maximum(x, lo) end
  if hi ~= nil then x = M.minimum(x, hi) end
  return x
end

--- x x
function M.square(x)
  x = M.as_array(x, 'np.square')
  return x * x
end

for name, fn in pairs(require('imnn.numpy.composed')(M)) do M[name] = fn end

-- ---- methods ----

for _, name in ipairs {
  'astype', 'clip', 'square', 'reshape', 'ravel', 'transpose', 'moveaxis', 'swapaxes', 'squeeze',
  'expand_dims', 'broadcast_to', 'flip', 'take', 'matmul', 'dot', 'inner', 'outer', 'sort',
  'argsort', 'top_k', 'nonzero', 'diagonal', 'trace', 'tile', 'roll', 'repeat_', 'split', 'median',
  'quantile', 'percentile', 'average', 'tril', 'triu', 'unique', 'conj', 'angle', 'round',
} do
  methods[name] = M[name]
end
for name, fn in pairs(require 'imnn.numpy.reduce') do methods[name] = fn end
methods.at = require('imnn.numpy.update').at
methods.flatten = M.ravel
methods.inv, methods.det, methods.slogdet = M.linalg.inv, M.linalg.det, M.linalg.slogdet

--- Real and imaginary part.
function properties.real(x) return M.real(x) end
function properties.imag(x) return M.imag(x) end

--- The transposed array.
function properties.T(x) return M.transpose(x) end

--- The parts along the first axis as several values.
function methods.unpack(x)
  local out = {}
  for i = 1, #x do out[i] = x[i] end
  return unpack(out)
end

--- Iterate over the parts along the first axis: for i, row in x:rows() do.
function methods.rows(x)
  local i, n = 0, #x
  return function()
    i = i + 1
    if i <= n then return i, x[i] end
  end
end

return M
