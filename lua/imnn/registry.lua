--- The operator table, as the library tells it.
-- @module imnn.registry
local bit = require 'bit'
local ffi = require 'ffi'
local C = require('imnn.core').C
local M = {}

local function text(p) if p ~= nil then return ffi.string(p) end end

local function set(names)
  local out = {}
  for name in names:gmatch '%S+' do out[name] = true end
  return out
end

for id = 0, C.imnn_op_count() - 1 do
  local op = C.imnn_op_get(id)
  local smooth = {}
  for i = 1, math.max(op.arity, 1) do smooth[i] = bit.band(bit.rshift(op.smooth, i - 1), 1) == 1 end
  M[id + 1] = {
    id = id, name = text(op.name), arity = op.arity, elementwise = op.elementwise,
    dtypes = set(text(op.dtypes)), gives = text(op.gives), smooth = smooth, lo = op.lo, hi = op.hi,
    diagonal = op.diagonal, cases = text(op.cases), rule = text(op.rule[0]), doc = text(op.doc),
  }
  M[M[id + 1].name] = M[id + 1]
end

return M
