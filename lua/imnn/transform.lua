--- Functions of functions: grad, jacfwd, vmap, jit, ... in any nesting. A function is run once, on
-- placeholders; the transform works on the nodes that it left, and the arguments are put in their
-- place afterwards, so that captured arrays of outer functions are variables of the outer ones
-- only.
-- @module imnn.transform
local M = {}

for _, room in ipairs { 'jit', 'graph', 'derivatives', 'vmap' } do
  for name, fn in pairs(require('imnn.transform.' .. room)) do M[name] = fn end
end

return M
