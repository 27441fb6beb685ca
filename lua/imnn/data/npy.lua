--- npy files of NumPy, which hold one array: np.load and np.save read and write them whole.
-- @module imnn.data.npy
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local reader = require 'imnn.data.reader'
local C = core.C
local M = {}

--- A reader of the records of an array, its parts along the first axis: nothing else is read.
-- @tparam string path
-- @tparam[opt] string dtype what records are read as: of integers i32, u32, f32 or f64, which must
-- be said where they have 64 bits; of floats f32 or f64
-- @treturn Reader
-- @raise missing, damaged; what arrays cannot hold
-- @usage np.save('mine.npy', np.zeros { 5, 2 })
-- data.npy.reader('mine.npy').count --> 5
function M.reader(path, dtype)
  args.argument('npy.reader', 'path', path, { 'string' })
  local code = reader.dtype_code(dtype)
  local out = ffi.new 'imnn_reader *[1]'
  core.check(C.imnn_npy_reader(out, path, code))
  return reader.own(out)
end

return args.strict('data.npy', M)
