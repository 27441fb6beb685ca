--- Products of vectors and matrices.
-- @module imnn.numpy.product
local array = require 'imnn.array'
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

--- matmul for one or two axes, multiplication for a number.
function M.dot(a, b)
  a, b = product('dot', a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  return array.apply('matmul', { a, b }, { 0, 0 })
end

--- Sum over the last axes of both.
function M.inner(a, b)
  a, b = product('inner', a, b)
  if #a.shape == 0 or #b.shape == 0 then return a * b end
  if #b.shape == 1 then return array.apply('matmul', { a, b }, { 0, 0 }) end
  return array.apply('matmul', { a, b }, { 0, 1 })
end

function M.vdot(a, b) return M.dot(shape.ravel(a), shape.ravel(b)) end

function M.outer(a, b)
  a, b = shape.ravel(a), shape.ravel(b)
  return shape.expand_dims(a, 2) * shape.expand_dims(b, 1)
end

return M
