--- Operators under the names of jax.lax. Arguments may come in a table, with their names, as the
-- last argument: lax.conv_general_dilated(x, w, { padding = 'SAME' }).
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

local convolution = {
  'lhs_dilation', 'rhs_dilation', 'dimension_numbers', 'feature_group_count',
}
require 'imnn.numpy.named'('lax', M, {
  conv_general_dilated = { 2, 'window_strides', 'padding', unpack(convolution) },
  conv_with_general_padding = { 2, 'window_strides', 'padding', unpack(convolution) },
  conv_transpose = { 2, 'strides', 'padding', 'rhs_dilation', 'dimension_numbers',
    'transpose_kernel' },
  reduce_window = { 4, 'window_strides', 'padding', 'base_dilation', 'window_dilation' },
  select_and_scatter_add = { 4, 'window_strides', 'padding' },
  select_and_scatter = { 4, 'init_value', 'scatter', 'window_strides', 'padding' },
})

return require('imnn.args').strict('lax', M)
