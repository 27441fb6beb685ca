--- The lines typed at earlier prompts, in a file: `$XDG_STATE_HOME/imnn/history` if that variable
-- is set, `~/.imnn_history` otherwise.
-- @module imnn.repl.history
local ffi = require 'ffi'
ffi.cdef 'int mkdir(const char *path, unsigned mode);'

local M = {}
local kept = 1000

local function path_of()
  local state, home = os.getenv 'XDG_STATE_HOME', os.getenv 'HOME'
  if state and state ~= '' then
    ffi.C.mkdir(state, 448) -- 0700; no harm if it is there
    ffi.C.mkdir(state .. '/imnn', 448)
    return state .. '/imnn/history'
  end
  return home and home .. '/.imnn_history'
end

local function read(path)
  local lines = {}
  local file = path and io.open(path)
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

--- Replace the file by its last lines; whatever happens, the old file or the new one is whole.
local function shorten(path, lines)
  local new = path .. '.new'
  local file = io.open(new, 'w')
  if not file then return end
  local good = file:write(table.concat(lines, '\n', #lines - kept + 1), '\n')
  if file:close() and good then os.rename(new, path) else os.remove(new) end
end

--- What was typed before.
-- @treturn table lines, oldest first; add(line), which appends to the file at once: several prompts
-- share it. Without a place to write, history ends with the process.
function M.open()
  local path = path_of()
  local lines = read(path)
  if #lines > 2 * kept then shorten(path, lines) end
  return {
    lines = lines,
    add = function(line)
      local file = path and line ~= lines[#lines] and io.open(path, 'a')
      lines[#lines + 1] = line
      if not file then return end
      file:write(line .. '\n') -- in one piece
      file:close()
    end,
  }
end

return M
