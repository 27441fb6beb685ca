--- Spans of time, as people write them.
-- @module imnn.duration
local core = require 'imnn.core'
local M = {}

local seconds = { ms = 1e-3, s = 1, m = 60, min = 60, h = 3600, d = 86400 }

--- Seconds from text like '10m', '90 s', '1.5h', '500ms'.
-- @tparam string who whose option it is, for messages
-- @tparam string name of the option
-- @tparam string text
-- @treturn number
-- @raise text that is no span of time
function M.parse(who, name, text)
  local digits, unit = text:match '^%s*([%d.]+)%s*(%a+)%s*$'
  local n = digits and tonumber(digits)
  if not (n and seconds[unit]) then
    core.raise("%s: %s must be a span of time, as '30s', '10m' or '1.5h', got \"%s\"", who, name,
      text)
  end
  return n * seconds[unit]
end

return M
