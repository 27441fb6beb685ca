--- Long texts on a terminal: through a pager; anywhere else as they are.
-- @module imnn.help.screen
local ffi = require 'ffi'
local C = require('imnn.core').C
local M = {}

ffi.cdef [[
typedef struct { unsigned short rows, columns, width, height; } imnn_window_size;
int ioctl(int fd, unsigned long request, ...);
]]
local TIOCGWINSZ = 0x5413 -- Linux

local function size()
  local window = ffi.new 'imnn_window_size'
  if not C.imnn_terminal(1) or ffi.C.ioctl(1, ffi.cast('unsigned long', TIOCGWINSZ), window) ~= 0
    or window.columns == 0 then
    return nil
  end
  return window.rows, window.columns
end

--- Characters in a line: those of the terminal, 40 to 100; 80 where there is none.
-- @treturn number
function M.width()
  local _, columns = size()
  return columns and math.max(40, math.min(columns - 1, 100)) or 80
end

local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

--- Show a text. One that is longer than the terminal goes to $PAGER, or `less`.
-- @tparam string text
function M.show(text)
  local rows = size()
  local lines = select(2, text:gsub('\n', '')) + 1
  if rows and lines >= rows then
    local path = os.tmpname()
    local file = io.open(path, 'w')
    if file then
      file:write(text, '\n')
      file:close()
      local pager = os.getenv 'PAGER'
      pager = pager and pager:find '%S' and pager or 'less -FX'
      local done = os.execute(('%s %s 2>/dev/null'):format(pager, quoted(path))) == 0
      os.remove(path)
      if done then return end
    end
  end
  io.write(text, '\n')
end

return M
