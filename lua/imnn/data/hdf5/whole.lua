--- Files that hold one thing of the library, a nested table which says what it is.
-- @module imnn.data.hdf5.whole
local core = require 'imnn.core'
local hdf5 = require 'imnn.data.hdf5'
local M = {}

--- Write a file with a table, and with it what it is and who wrote it.
-- @tparam string path
-- @tparam table kind `group`, `version` (the form of what is written) and `name` of what it is
-- @tparam table record
function M.write(path, kind, record)
  record.format, record.format_version = 'imnn ' .. kind.group, kind.version
  record.library_version = require('imnn').version()
  hdf5.create(path, function(f)
    f:write_tree(kind.group, record)
  end)
end

--- The table of such a file, without what it is.
-- @tparam string who
-- @tparam string path
-- @tparam table kind
-- @tparam[opt=path] string called what messages call the file
-- @treturn table
-- @raise a file that holds something else, or comes from a newer library
function M.read(who, path, kind, called)
  local f = hdf5.open(path)
  local ok, record = pcall(f.read_tree, f, kind.group)
  f:close()
  if not ok or type(record) ~= 'table' or record.format ~= 'imnn ' .. kind.group
    or type(record.format_version) ~= 'number' then
    core.raise('%s: %s holds no %s of this library', who, called or path, kind.name)
  end
  if record.format_version > kind.version then
    core.raise('%s: %s was written by version %s of the library, which is newer than this one', who,
      called or path, tostring(record.library_version))
  end
  record.format, record.format_version, record.library_version = nil, nil, nil
  return record
end

return M
