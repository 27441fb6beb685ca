--- Operators under the names of jax.lax.
-- @module imnn.lax
local array = require 'imnn.array'
local create = require 'imnn.numpy.create'
local tree = require 'imnn.tree'
local M = { linalg = require 'imnn.lax.linalg' }


-- The rooms of this module.
for _, room in ipairs {
  'names', 'associative', 'branch', 'convolution', 'custom', 'dynamic', 'loop', 'window',
} do
  for name, fn in pairs(require('imnn.lax.' .. room)) do M[name] = fn end
end

--- x, whose derivative is taken to be zero.
-- @tparam Array|table x an array, or a tree
-- @treturn Array|table
-- @usage imnn.grad(function(x) return lax.stop_gradient(x) * x end)(3) --> 3
function M.stop_gradient(x)
  return tree.map(function(leaf)
    return array.apply('stop_gradient', { create.as_array(leaf, 'stop_gradient') })
  end, x)
end

return require('imnn.args').strict('lax', M)
