--- Operators under the names of jax.lax.
-- @module imnn.lax
local array = require 'imnn.array'
local M = { linalg = require 'imnn.lax.linalg' }

--- x, whose derivative is taken to be zero.
function M.stop_gradient(x) return array.apply('stop_gradient', { x }) end

for name, fn in pairs(require 'imnn.lax.control') do M[name] = fn end

return M
