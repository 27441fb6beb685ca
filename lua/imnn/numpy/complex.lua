--- Complex arrays and their parts. Complex numbers in scripts are LuaJIT's, 1 + 2i.
-- @module imnn.numpy.complex
local array = require 'imnn.array'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local floats = require('imnn.numpy.operands').floats
local promote = require 'imnn.numpy.promote'
local M = {}

--- Complex numbers of real and imaginary parts, whose shapes broadcast.
-- @tparam Array|number re
-- @tparam Array|number im
-- @treturn Array c64 of f32, c128 of f64
-- @usage np.complex(np.array { 1, 2 }, 3)
function M.complex(re, im)
  re, im = create.as_array(re, 'complex'), create.as_array(im, 'complex')
  local dtype = promote.real(promote.dtype { re, im })
  return array.apply('complex', { promote.convert(re, dtype), promote.convert(im, dtype) })
end

--- Real part; of a real array it is that array.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.real(np.array { 1 + 2i }) --> { 1 }
function M.real(x)
  x = create.as_array(x, 'real')
  return promote.is_complex(x.dtype) and array.apply('real', { x }) or x
end

--- Imaginary part; of a real array zeros.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.imag(np.array { 1 + 2i }) --> { 2 }
function M.imag(x)
  x = create.as_array(x, 'imag')
  return promote.is_complex(x.dtype) and array.apply('imag', { x }) or create.zeros_like(x)
end

--- Complex conjugate.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.conj(np.array { 1 + 2i }) --> { 1 - 2i }
function M.conj(x)
  x = create.as_array(x, 'conj')
  return promote.is_complex(x.dtype) and array.apply('conj', { x }) or x
end
M.conjugate = M.conj

--- Angle of complex numbers, from -pi to pi.
-- @tparam Array|number x
-- @treturn Array
-- @usage np.angle(np.array { 1i, -1 }) --> { 1.5708, 3.14159 }
function M.angle(x) return array.apply('angle', { floats(x, 'angle') }) end

--- Whether an Array has a complex dtype.
-- @tparam Array x
-- @treturn boolean
-- @usage np.iscomplexobj(np.array { 1i }) --> true
function M.iscomplexobj(x) return promote.is_complex(create.as_array(x, 'iscomplexobj').dtype) end

-- Whether the imaginary part is something, or nothing (0).
local function imaginary(name, operator)
  return function(x)
    x = create.as_array(x, name)
    return elementwise(operator, M.imag(x), 0)
  end
end

--- Whether elements are complex numbers with an imaginary part, not 0.
-- @tparam Array|number x
-- @treturn Array bool
-- @usage np.iscomplex { 1 + 2i, 3 } --> { true, false }
M.iscomplex = imaginary('iscomplex', 'ne')

--- Whether elements have no imaginary part.
-- @tparam Array|number x
-- @treturn Array bool
-- @usage np.isreal { 1 + 2i, 3 } --> { false, true }
M.isreal = imaginary('isreal', 'eq')

return M
