--- Text files of sample sets, written as a whole or not at all.
-- @module imnn.samples.file
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local C = core.C
local M = {}

--- Numbers in lines, below a header, with all digits.
-- @tparam string path
-- @tparam Array x (n, columns)
-- @tparam string delimiter
-- @tparam string header lines, each with its end
function M.write_table(path, x, delimiter, header)
  core.check(C.imnn_table_write(path, x.array, '%.17g', delimiter, header, ''))
end

--- A text that is no table: the header of one without rows.
function M.write_text(who, path, text)
  if text:find '%z' then core.raise('%s: %s: the text has a zero byte in it', who, path) end
  M.write_table(path, np.zeros({ 0, 1 }, 'f64'), ' ', text)
end

--- Numbers in lines.
-- @tparam string path
-- @tparam string|nil delimiter nil: blanks
-- @tparam number skip lines at the beginning
-- @treturn Array f64 (n, columns)
function M.read_table(path, delimiter, skip)
  local format = ffi.new('imnn_table_format', { skip = skip, most = -1 })
  format.comments, format.delimiter = '#', delimiter
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_table_read(out, path, C.IMNN_F64, format))
  return array.own(out)
end

--- Whether there is a file.
function M.exists(path) return C.imnn_path_kind(path) == ('f'):byte() end

--- The lines of a text file, nil if there is none.
function M.lines(path)
  local handle = M.exists(path) and io.open(path, 'rb')
  if not handle then return nil end
  local out = {}
  for line in (handle:read '*a'):gmatch '[^\n]+' do out[#out + 1] = (line:gsub('\r$', '')) end
  handle:close()
  return out
end

return M
