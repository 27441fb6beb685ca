-- Calls of public functions with what makes no sense, and what is wrong with how they refuse it.
local imnn = require 'imnn'
local usage = require 'tests.support.usage'
local np = imnn.np
local M = {}

-- What is no argument of anything, and what is one of something else.
local function values()
  return {
    nothing = nil, text = 'junk', yes = true, fn = function() end, empty = {},
    named = { no_such_option = 1 }, half = 1.5, negative = -3, nan = 0 / 0,
    bools = np.array { true, false }, whole = np.array({ 3, 1 }, 'i32'),
    complex = np.array { 1 + 2i }, scalar = np.array(2), deep = np.zeros { 1, 2, 1, 2 },
    none = np.zeros { 0, 2 }, matrix = np.ones { 2, 3 }, list = { 1, 'a' }, key = np.ones { 3 },
  }
end

local order = { 'nothing', 'text', 'yes', 'fn', 'empty', 'named', 'half', 'negative', 'nan',
  'bools', 'whole', 'complex', 'scalar', 'deep', 'none', 'matrix', 'list', 'key' }

--- Iterate: a word for each thing, and the thing.
function M.values()
  local v, i = values(), 0
  return function()
    i = i + 1
    return order[i], v[order[i]]
  end
end

-- Lists of arguments: each thing alone, and behind a good array.
local function calls()
  local v, out = values(), { { n = 0, text = '' } }
  for _, name in ipairs(order) do
    out[#out + 1] = { v[name], n = 1, text = name }
    out[#out + 1] = { v.matrix, v[name], n = 2, text = 'matrix, ' .. name }
  end
  return out
end

local function plain(text) return (text:gsub('%p', '%%%0')) end

local about_a_file = {
  hdf5 = true, npy = true, npz = true, tfrecord = true, text = true, plot = true,
}

-- Whether a message names the function, under its own name or that of which it is an alias.
local function names_it(message, entry)
  if entry.name == '__call' then return message:find '^%a+: ' end -- the class
  local short = { entry.name, entry.alias and entry.alias:match '[^.:]+$', entry.doc.name,
    (entry.name:gsub('_$', '')) }
  for _, name in pairs(short) do
    name = name:gsub("^.*%['(.*)'%]$", '%1')
    if message:find('%f[%w_]' .. plain(name) .. '%f[^%w_]') then return true end
  end
  return about_a_file[message:match '^(%w+): ']
end

-- What is wrong with how a call is refused; nil if it is not, or well.
local function complaint(entry, where, what, ...)
  local ok, why = pcall(where, ...)
  if ok then return nil end
  why = tostring(why)
  if why:find '^junk:%d' or why:find '^%S*world_of_examples' then -- in a function of the example
    return nil
  end
  local line, message = why:match '^(tests/lua/[%w_]+%.lua:%d+): (.*)$'
  local wrong = not line and 'no line of the script' or not names_it(message, entry) and 'not named'
    or (message:find 'cdata' or message:find 'struct %d') and 'insides of Lua'
  return wrong and ('%s(%s): %s: %s'):format(entry.full, what, wrong, why:match '[^\n]*'), why
end

-- Adds to a list what is wrong, each message once.
local function collector()
  local out, seen = {}, {}
  return out, function(text, why)
    if text and not seen[why] then
      seen[why] = true
      out[#out + 1] = text
    end
  end
end

--- Junk in all places.
-- @param where function (...) that calls the function
-- @return list of texts: refusals without the name of the function, or the line of the caller
function M.all(entry, where)
  local out, add = collector()
  for _, call in ipairs(calls()) do
    add(complaint(entry, where, call.text, unpack(call, 1, call.n)))
  end
  return out
end

-- The arguments of the first call of a function in its example.
local function arguments_of(entry, env)
  local page, fn, found = entry.page.value, entry.value, nil
  rawset(page, entry.name, function(...)
    found = found or { n = select('#', ...), ... }
    return fn(...)
  end)
  for _, code in ipairs(entry.doc.usage) do
    if not found then usage.run(code, env, '=junk') end
  end
  rawset(page, entry.name, fn)
  return found
end

local function with(list, i, value)
  local out = { unpack(list, 1, list.n) }
  out[i] = value
  return out
end

--- Junk in one place of a call that is good otherwise: that of the example.
function M.single(entry, where, env)
  local out, add = collector()
  local good = not entry.alias and arguments_of(entry, env)
  if not good then return out end
  local v = values()
  for i = 1, good.n do
    local options = type(good[i]) == 'table' and getmetatable(good[i]) == nil and #good[i] == 0
    for _, name in ipairs(order) do
      add(complaint(entry, where, ('argument %d %s'):format(i, name),
        unpack(with(good, i, v[name]), 1, good.n)))
      for key in pairs(options and good[i] or {}) do
        local changed = {}
        for k, x in pairs(good[i]) do changed[k] = x end
        changed[key] = v[name]
        add(complaint(entry, where, ('option %s %s'):format(tostring(key), name),
          unpack(with(good, i, changed), 1, good.n)))
      end
    end
  end
  return out
end

return M
