--- What a half-written line could go on with: names, members, methods.
-- @module imnn.repl.complete
local M = {}

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch '%a+' do
  keywords[word] = true
end

local function is_name(key)
  return type(key) == 'string' and key:find '^[%a_\128-\255][%w_\128-\255]*$'
end

--- Note the names in a table, and in what its metatable looks up.
-- @tparam table names set of names, changed
-- @tparam table t
-- @tparam boolean methods only functions
local function collect(names, t, methods)
  for key, value in pairs(t) do
    if is_name(key) and (not methods or type(value) == 'function') then names[key] = true end
  end
  local meta = getmetatable(t)
  local index = type(meta) == 'table' and rawget(meta, '__index')
  if type(index) == 'table' and index ~= t then collect(names, index, methods) end
end

--- The value of `a.b.c`, nil if there is none.
local function value_of(path, env)
  local value = env
  for name in path:gmatch '[^.:]+' do
    local ok, member = pcall(function() return value[name] end)
    if not ok or member == nil then return nil end
    value = member
  end
  return value
end

local function members(value, methods)
  local names = {}
  if type(value) == 'table' then
    collect(names, value, methods)
  elseif type(value) == 'string' then
    collect(names, string, methods)
  elseif type(value) == 'cdata' and require('imnn.array').is(value) then
    require 'imnn.numpy' -- adds the methods
    collect(names, require('imnn.array').methods, methods)
    if not methods then
      for name in pairs(require('imnn.array').properties) do names[name] = true end
    end
  end
  return names
end

--- The part that all begin with, not ending within a character.
local function common(words)
  local first, last = words[1], words[#words] -- sorted: these differ most
  local n = 0
  while n < #first and first:byte(n + 1) == last:byte(n + 1) do n = n + 1 end
  while n > 0 and n < #first and first:byte(n + 1) >= 0x80 and first:byte(n + 1) < 0xc0 do
    n = n - 1
  end
  return first:sub(1, n)
end

local function columns(words, width)
  local widest = 0
  for _, word in ipairs(words) do widest = math.max(widest, #word + 2) end
  local per_row = math.max(1, math.floor(width / widest))
  local rows = {}
  for i = 1, #words, per_row do
    local row = {}
    for j = i, math.min(i + per_row - 1, #words) do
      row[#row + 1] = words[j] .. (' '):rep(widest - #words[j])
    end
    rows[#rows + 1] = (table.concat(row):gsub(' +$', ''))
  end
  return table.concat(rows, '\n')
end

--- How a line could go on.
-- @tparam string text the line up to the cursor
-- @tparam table env where names are looked up
-- @tparam table more names that come into being when looked up
-- @tparam number width of the terminal, in characters
-- @treturn[1] string what to insert
-- @treturn[2] nil nothing that all possibilities share
-- @treturn[2] string the possibilities, to be shown; nil if there are none
function M.line(text, env, more, width)
  local chain = text:match '[%w_.:\128-\255]*$'
  local path, dot, start = chain:match '^(.*)([.:])([^.:]*)$'
  local names
  if path then
    if path == '' then return nil end -- the value of an expression: not known
    names = members(value_of(path, env), dot == ':')
  else
    start, names = chain, members(env, false)
    for name in pairs(more) do names[name] = true end
    for word in pairs(keywords) do names[word] = true end
  end
  local words = {}
  for name in pairs(names) do
    if name:sub(1, #start) == start then words[#words + 1] = name end
  end
  if #words == 0 then return nil end
  table.sort(words)
  local insert = common(words):sub(#start + 1)
  if insert ~= '' then return insert end
  return nil, columns(words, width)
end

return M
