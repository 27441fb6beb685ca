--- What reading and writing sets of simulations share.
-- @module imnn.data.simulations.common
local core = require 'imnn.core'
local M = {}

--- Whether two lists are equal.
function M.equal(a, b)
  if #a ~= #b then return false end
  for i, v in ipairs(a) do
    if v ~= b[i] then return false end
  end
  return true
end

--- Raise what is wrong with a file.
function M.complain(path, ...) core.raise('hdf5: ' .. path .. ': ' .. (...), select(2, ...)) end

return M
