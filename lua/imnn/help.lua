--- Help: what a function does, which functions there are. The docstrings are those above the
-- functions in the sources, and those of the library's tables; they are read when somebody asks.
-- @module imnn.help
local args = require 'imnn.args'
local core = require 'imnn.core'
local names = require 'imnn.help.names'
local screen = require 'imnn.help.screen'
local text = require 'imnn.help.text'
local M = {}

-- Names that end with, hold, or are spelled nearly like a word.
local function like(word, all)
  local last, seen, found = word:match '[^.:]+$' or word, {}, { {}, {}, {} }
  local plain = last:lower()
  local known = {}
  for _, page in ipairs(all.pages) do
    for _, entry in ipairs(page.entries) do
      local name, about = entry.name:lower(), (entry.doc and entry.doc.summary or ''):lower()
      local rank = name == plain and 1 or name:find(plain, 1, true) and 2
        or about:find('%f[%w]' .. plain:gsub('%p', '%%%0')) and 3
      if rank and not seen[entry] and not (entry.method and entry.alias) then
        seen[entry] = true
        table.insert(found[rank], entry)
      end
      known[entry.name] = entry
    end
  end
  return found, known
end

-- Pages whose names hold a word.
local function pages_like(word, all)
  local list = {}
  for _, page in ipairs(all.pages) do
    if page.name:lower():find(word:lower(), 1, true) then
      list[#list + 1] = { full = page.name, doc = { summary = page.title } }
    end
  end
  return list
end

local function search(word, width)
  local all = names.all()
  local found, known = like(word, all)
  local list = pages_like(word, all)
  if #found[1] == 1 and #list == 0 then return text.entry(found[1][1], width) end
  for _, group in ipairs(found) do
    for _, entry in ipairs(group) do list[#list + 1] = entry end
  end
  local op = require('imnn.registry')[word] -- which messages of the library name
  local head = op and ('%s is an operator that functions are made of: %s.'):format(word, op.doc)
    or ('"%s" is no full name.'):format(word)
  if #list > 0 then
    head = text.fill(head .. ' These come near:', width)
    return head .. '\n' .. text.list(list, width)
  end
  if op then return text.fill(head, width) end
  local near = args.near(word:match '[^.:]+$' or word, known)
  return ('there is no help about "%s"%s'):format(word, near)
end

-- Who raised a message: "fit.lua:12: matmul: inner sizes differ" names matmul.
local function who_of(message)
  return message:match '^[^\n]-:%d+: ([%w_.]+): ' or message:match '^([%w_.]+): '
end

local function about_name(word, width)
  local all = names.all()
  word = word:match '^%s*(.-)%s*$'
  word = word:gsub('%(%)$', '')
  local short = word:gsub('^imnn%.', '')
  if short == 'numpy' or short:find '^numpy%.' then short = short:gsub('^numpy', 'np') end
  if short == 'optimisers' or short:find '^optimisers%.' then
    short = short:gsub('^optimisers', 'optimizers')
  end
  if word == '' then return text.overview(all.pages, width) end
  local tried = { word, short, 'imnn.' .. short }
  -- Dataset and Dataset:map are dataset and dataset:map; so are dataset.map and DATASET
  local owner, member = short:match '^(%w+)[.:](.+)$'
  local class = all.by_page[(owner or short):lower()] or all.by_class[owner or short]
  if class and class.class then
    for _, sign in ipairs { ':', '.' } do
      tried[#tried + 1] = class.name .. (member and sign .. member or '')
    end
  end
  for _, name in ipairs(tried) do
    local page = all.by_page[name]
    if page then return text.page(page, width, all.by_page[page.also]) end
    local entry = all.by_name[name]
    if entry then return text.entry(entry, width) end
  end
  local whole = word:match '^(.*)%.[%w_]+$' -- scipy.stats.norm of scipy.stats.norm.logpdf
  if all.by_name[whole] then return text.entry(all.by_name[whole], width) end
  local who = who_of(word)
  if who then return about_name(who, width) end
  return search(word, width)
end

local function about_function(fn, width)
  local entry = names.all().by_value[fn]
  if entry then return text.entry(entry, width) end
  local doc = names.above(fn)
  if doc then
    for _, page in ipairs(names.all().pages) do
      for _, one in ipairs(page.entries) do
        if one.doc == doc then return text.entry(one, width) end
      end
    end
    return text.entry({ full = doc.name or 'function', doc = doc, value = fn }, width)
  end
  local info = debug.getinfo(fn, 'S')
  return info.what == 'C' and 'a function of Lua itself'
    or ('a function written in %s, line %d'):format(info.short_src, info.linedefined)
end

local function kind_of(x)
  if require('imnn.array').is(x) then
    local shape = table.concat(x.shape, ', ')
    return ('an Array: %s (%s). It never changes; methods give new ones.'):format(x.dtype, shape)
  end
end

local function about_value(x, width)
  local all = names.all()
  for _, page in ipairs(all.pages) do
    if page.value == x then return text.page(page, width) end
    for _, entry in ipairs(page.entries) do
      if rawequal(entry.value, x) and entry.doc then return text.entry(entry, width) end
    end
  end
  local page = names.class_of(x)
  if page then
    local what = kind_of(x)
    return (what and what .. '\n\n' or '') .. text.page(page, width, all.by_page[page.also])
  end
  if type(x) ~= 'table' then return 'a ' .. type(x) .. ': ' .. tostring(x) end
  return 'a table: ' .. require 'imnn.repl.show'(x)
end

--- The help about something, as text.
-- @param x a function, a module, an Array or another object; or a text: a name ("np.sum"), a part
-- of one ("fft"), or the message of an error, whose function is looked up. nil: an overview
-- @tparam[opt] number width characters in a line, those of the terminal
-- @treturn string
-- @usage print(imnn.help.text(np.einsum))
function M.text(x, width)
  width = width or screen.width()
  if type(width) ~= 'number' or width < 20 then
    core.raise('help.text: width must be a number, 20 or more, got %s', tostring(width))
  end
  if x == nil or x == M then return text.overview(names.all().pages, width) end
  if type(x) == 'string' then return about_name(x, width) end
  if type(x) == 'function' then return about_function(x, width) end
  return about_value(x, width)
end

--- Show the help about something: help(np.einsum), help 'fft', help(x), help().
-- @param[opt] x as for help.text
-- @usage help(np.einsum)
function M.show(x) screen.show(M.text(x)) end

--- Show the help about what a text means: the name of something public, or an expression.
-- @tparam string given
-- @tparam[opt] table env where expressions are looked up, `_G`
-- @usage imnn.help.text 'np.einsum'
function M.of(given, env)
  local word = tostring(given):match '^%s*(.-)%s*$'
  if word == '' then return M.show() end
  local all = names.all()
  if not (all.by_name[word] or all.by_page[word]) or env and rawget(env, word) ~= nil then
    local chunk = loadstring('return ' .. word)
    if chunk then
      local ok, value = pcall(setfenv(chunk, env or _G))
      if ok and value ~= nil then return M.show(value) end
    end
  end
  M.show(word)
end

return setmetatable(M, {
  __call = function(_, x) return M.show(x) end,
  __tostring = function() return M.text() end,
})
