--- Products of vectors and matrices.
-- @module imnn.numpy.product
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local shape = require 'imnn.numpy.shape'
local M = {}

local function product(name, a, b)
  a, b = create.as_array(a, name), create.as_array(b, name)
  local dtype = promote.allowed(registry.matmul, promote.dtype { a, b })
  return promote.convert(a, dtype), promote.convert(b, dtype)
end

--- Matrix product (..., n, k) x (..., k, m); vectors as NumPy has it.
function M.matmul(a, b)
  a, b = product('matmul', a, b)
  return array.apply('matmul', { a, b }, { 0, 0 })
end

-- Sum over the last axis of a and one axis of b, whose other axes follow those of a.
local function contract(name, a, b, axis)
  a, b = product(name, a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  if #b.shape > 1 then b = shape.moveaxis(b, axis, 1) end
  local size, terms = b.shape, a.shape[#a.shape]
  if size[1] ~= terms then
    core.raise('%s: sums over %d elements of the first and %d of the second array', name, terms,
      size[1])
  end
  if #size > 2 then b = shape.reshape(b, size[1], -1) end
  local y, out = array.apply('matmul', { a, b }, { 0, 0 }, name), a.shape
  if #size < 3 then return y end
  table.remove(out)
  for k = 2, #size do out[#out + 1] = size[k] end
  return shape.reshape(y, out)
end

--- Sum over the last axis of a and the last but one of b, or its only one; the product if one is a
-- number.
-- @tparam Array a (..., k)
-- @tparam Array b (..., k, m) or (k)
-- @treturn Array with the other axes of a, then those of b
function M.dot(a, b) return contract('dot', a, b, #create.as_array(b, 'dot').shape > 1 and -2) end

--- Sum over the last axes of both; the product if one is a number.
-- @tparam Array a (..., k)
-- @tparam Array b (..., k)
-- @treturn Array with the other axes of a, then those of b
function M.inner(a, b) return contract('inner', a, b, -1) end

function M.vdot(a, b) return M.dot(shape.ravel(a), shape.ravel(b)) end

function M.outer(a, b)
  a, b = shape.ravel(a), shape.ravel(b)
  return shape.expand_dims(a, 2) * shape.expand_dims(b, 1)
end

return M
