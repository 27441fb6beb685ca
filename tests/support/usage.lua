-- Runs examples: code in which `expression --> result` says what comes out. A result that is no
-- Lua expression ("an Array (3, 2)") is prose, and not compared.
local ffi = require 'ffi'
local complex = require 'imnn.complex'
local M = {}

local constants = { nan = 0 / 0, inf = math.huge }

local function plain(x)
  local array = require 'imnn.array'
  if array.is(x) then return x:totable() end
  if type(x) == 'table' and getmetatable(x) == nil then
    local out = {}
    for key, value in pairs(x) do out[key] = plain(value) end
    return out
  end
  return x
end

local function close(a, b)
  if complex.is(a) and complex.is(b) then
    return math.abs(a.re - b.re) < 1e-5 and math.abs(a.im - b.im) < 1e-5
  end
  if type(a) == 'number' and type(b) == 'number' then
    return a ~= a and b ~= b or a == b or math.abs(a - b) <= 2e-3 * math.max(math.abs(b), 1e-3)
  end
  if type(a) == 'table' and type(b) == 'table' then
    for key, value in pairs(a) do if not close(value, b[key]) then return false end end
    for key in pairs(b) do if a[key] == nil then return false end end
    return true
  end
  return tostring(a):gsub('[-+]0i$', '') == tostring(b):gsub('[-+]0i$', '')
end

local function shown(x)
  if type(x) ~= 'table' then return tostring(x) end
  local parts = {}
  for key, value in pairs(x) do
    parts[#parts + 1] = (type(key) == 'number' and '' or key .. ' = ') .. shown(value)
  end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local function compare(line, expected, ...)
  local made = loadstring('return ' .. expected)
  local ok, wanted
  if made then
    ok, wanted = pcall(function() return { setfenv(made, constants)() } end)
  end
  if not ok then return ... end
  for i, value in ipairs(wanted) do
    local got = plain((select(i, ...)))
    if not close(got, value) then
      error(('%s gives %s'):format(line, shown(got)), 0)
    end
  end
  return ...
end

local function is_expression(text) return loadstring('return ' .. text) ~= nil end

-- `text --> expected` as code that compares; nil where the text is no whole expression.
local function comparison(text, expected)
  local names, value = text:match '^%s*local%s+([%w_, ]+)%s*=%s*(.+)$'
  local q = ('%q, %q, '):format(text:gsub('%s+', ' '), expected)
  if names and is_expression(value) then
    return ('local %s = __compare(%s%s)'):format(names, q, value)
  end
  if text:find '%S' and is_expression(text) then return ('__compare(%s%s)'):format(q, text) end
end

-- Code in which each `statement --> result` compares; a statement may begin some lines before.
local function checked(code)
  local lines = {}
  for line in (code .. '\n'):gmatch '(.-)\n' do
    local text, expected = line:match '^(.-)%s*%-%->%s*(.-)%s*$'
    if not text then
      lines[#lines + 1] = line
    else
      local made = comparison(text, expected)
      local n = #lines
      while not made and n > 0 do
        text = lines[n] .. '\n' .. text
        made, n = comparison(text, expected), n - 1
      end
      assert(made, 'nothing before --> is an expression')
      for i = #lines, n + 1, -1 do lines[i] = nil end
      lines[#lines + 1] = made
    end
  end
  return table.concat(lines, '\n')
end

ffi.cdef 'int chdir(const char *path); char *getcwd(char *path, size_t size);'

--- The present folder.
function M.here() return ffi.string(ffi.C.getcwd(ffi.new 'char[4096]', 4096)) end

--- Run fn in an empty folder, which is removed afterwards, without letting it write to the screen.
function M.apart(fn)
  require('imnn.help.names').all() -- modules are looked for from here
  local home, path = M.here(), os.tmpname()
  os.remove(path)
  assert(os.execute(('mkdir %s'):format(path)) == 0)
  local write, say = io.write, print
  io.write, print = function() end, function() end -- luacheck: ignore
  ffi.C.chdir(path)
  local ok, why = pcall(fn)
  ffi.C.chdir(home)
  io.write, print = write, say -- luacheck: ignore
  os.execute(('rm -r %s'):format(path))
  if not ok then error(why, 0) end
end

--- nil, or why an example does not run as it says.
function M.run(code, env, name)
  local own = setmetatable({ __compare = compare, help = require('imnn.help').text },
    { __index = env, __newindex = env })
  local chunk, why = loadstring('local _ = ' .. checked(code), name)
  if not chunk then chunk, why = loadstring(checked(code), name) end
  if not chunk then return why end
  jit.off(chunk)
  local ok, message = pcall(setfenv(chunk, own))
  if not ok then return tostring(message) end
end

return M
