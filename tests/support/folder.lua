--- Files of tests: what is in one, and a folder that is gone when the test ends.
local M = {}

--- The bytes of a file; nil if there is none.
function M.read(path)
  local f = io.open(path, 'rb')
  if not f then return nil end
  local content = f:read '*a'
  f:close()
  return content
end

--- A new folder, which `finally` of busted takes away.
function M.new(finally)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute('mkdir ' .. path) == 0)
  finally(function() os.execute('rm -r ' .. path) end)
  return path
end

return M
