--- One line on the screen that follows a loop.
-- @module imnn.progress
local C = require('imnn.core').C
local args = require 'imnn.args'
local M = {}

local rows = {
  out = { 'userdata', 'table', default = io.stderr },
  clock = { 'function', default = C.imnn_seconds },
  screen = { 'boolean', default = C.imnn_terminal(2) },
}

--- Run fn(show); show(format, ...) rewrites the line, at most five times a second.
-- The line is left whole on every way out, so that a message starts on its own line. Where nobody
-- watches it is silent.
-- @tparam table opts `out` stream, `clock` seconds, `screen` whether out is a terminal
-- @tparam function fn the loop
-- @treturn what fn returns
function M.follow(opts, fn)
  local o = args.take('progress.follow', opts, rows)
  local due, last = 0, nil
  local function write()
    if last then o.out:write('\r', last[1]:format(unpack(last, 2)), '\27[K') end
  end
  local function show(...)
    last = { ... }
    if not o.screen or o.clock() < due then return end
    due = o.clock() + 0.2
    write()
    o.out:flush()
  end
  local ok, why = pcall(fn, show)
  if o.screen and last then
    write()
    o.out:write '\n'
  end
  if not ok then error(why, 0) end
  return why
end

--- Take the line of a loop off the screen, where a text comes in between; the loop writes it anew.
-- @tparam table opts as for `follow`
function M.clear(opts)
  local o = args.take('progress.clear', opts, rows)
  if o.screen then o.out:write '\r\27[K' end
end

--- Write a line of text where the line of a loop would be.
-- @tparam table opts as for `follow`
-- @tparam string text
function M.say(opts, text)
  local o = args.take('progress.say', opts, rows)
  if o.screen then o.out:write(text, '\n') end
end

return M
