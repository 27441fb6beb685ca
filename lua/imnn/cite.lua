--- Whom to cite, and what the library is made of.
-- @module imnn.cite
local ffi = require 'ffi'
local core = require 'imnn.core'

--- The versions in use and the papers behind them, as text.
-- @treturn string
-- @usage print(imnn.cite())
return function()
  local machine = ffi.string(core.C.imnn_machine())
  return ([[
imnn %s, %s (%s), %s

When you publish what it found, please cite
  T. Charnock, G. Lavaux and B. D. Wandelt, Automatic physical inference with information
  maximizing neural networks, Phys. Rev. D 97, 083004 (2018), arXiv:1802.03217
and, for the formulation followed here,
  T. Charnock, IMNN: information maximising neural networks in JAX, software (2021)]]):format(
    ffi.string(core.C.imnn_version()), jit.version, jit.arch, machine:match 'libraries ([^\n]*)')
end
