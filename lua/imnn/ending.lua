--- Long runs that can save where they are come to an end when a batch system asks for it (SIGTERM,
-- SIGUSR1; include/imnn/ending.h), to be started again.
-- @module imnn.ending
local C = require('imnn.core').C
local M = {}

--- Whether the program was asked to end while somebody listened; it stays so.
-- @treturn boolean
function M.asked() return C.imnn_ending_asked() end

local LEFT = {} -- what `leave` raises
local followed = 0 -- how many of us are on their way

--- Leave, if the program was asked to end, what takes long and need not be whole: `follow` goes on
-- as if its function had saved and returned. Where nothing is followed this does nothing.
function M.leave()
  if followed > 0 and M.asked() then error(LEFT, 0) end
end

--- Run fn(), which looks at `asked` at its boundaries, saves, and returns. If it was asked, the
-- program ends here with exit code 75. Without a path there is nothing to go on from: then nobody
-- listens, and a signal has its usual effect.
-- @tparam table o `path`, or nil; `what` is kept there, 'checkpoint'; `who`; `quiet`: no line on
-- stderr that says so; `save`: a function, if something is to be saved that fn has left
-- @tparam function fn
-- @treturn what fn returns
-- @raise what fn raises; then the program goes on
function M.follow(o, fn)
  if not o.path then return fn() end
  C.imnn_ending_listen(1)
  followed = followed + 1
  local ok, why = pcall(fn)
  followed = followed - 1
  C.imnn_ending_listen(-1)
  if not ok and why ~= LEFT then error(why, 0) end
  if not ok and o.save then o.save() end
  if M.asked() then
    if not o.quiet then
      io.stderr:write(('%s: asked to end: %s %s is written; the same call goes on from there\n')
        :format(o.who, o.what, o.path))
    end
    os.exit(C.IMNN_EXIT_AGAIN)
  end
  return why
end

return M
