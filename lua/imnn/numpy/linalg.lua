--- Linear algebra: square matrices (..., n, n).
-- @module imnn.numpy.linalg
local array = require 'imnn.array'
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local M = {}

local function real(x, name)
  x = create.as_array(x, name)
  return promote.convert(x, promote.allowed(registry[name], x.dtype))
end

--- Inverse; NaN where the matrix is singular.
function M.inv(x) return array.apply('inv', { real(x, 'inv') }) end

--- Sign and natural logarithm of the absolute value of the determinant.
-- @treturn Array sign (...), 0 if singular
-- @treturn Array logarithm (...), -infinity if singular
function M.slogdet(x)
  local both = array.apply('slogdet', { real(x, 'slogdet') })
  return both[{ '...', 1 }], both[{ '...', 2 }]
end

--- Determinant.
function M.det(x)
  local sign, log = M.slogdet(x)
  return sign * array.apply('exp', { log })
end

return M
