--- Operators under the names of jax.lax.
-- @module imnn.lax
local array = require 'imnn.array'
local M = { linalg = require 'imnn.lax.linalg' }

--- x, whose derivative is taken to be zero.
function M.stop_gradient(x) return array.apply('stop_gradient', { x }) end

-- The rooms of this module.
for _, room in ipairs { 'branch', 'convolution', 'custom', 'dynamic', 'loop', 'window' } do
  for name, fn in pairs(require('imnn.lax.' .. room)) do M[name] = fn end
end

return M
