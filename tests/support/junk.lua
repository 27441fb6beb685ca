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
  local line, message = why:match '^%S*(tests/%a+/[%w_]+%.lua:%d+): (.*)$'
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

-- ---- options ----

-- Names of the options that a call looks for under its own name.
local function options_of(call)
  local args = require 'imnn.args'
  local take, found = args.take, {}
  args.take = function(who, opts, rows)
    local its_own = who:match '[^.]+$' == call.name:match '[^.]+$'
    for name in pairs(its_own and rows or {}) do found[name] = true end
    return take(who, opts, rows)
  end
  local ok, why = pcall(call.fn, call.options)
  args.take = take
  if not ok then error(('%s: the good call is refused: %s'):format(call.name, why)) end
  return found
end

-- More that is out of range, or not finite inside.
local function extremes()
  return {
    zero = 0, huge = 1e300, wide = 2 ^ 40, inf = math.huge, ['-inf'] = -math.huge, tiny = 1e-300,
    blank = '', path = '/no/such/folder/file', nans = np.array { 0 / 0, 1 },
    ['list of nan'] = { 0 / 0, 0 / 0 }, ['matrix of nan'] = np.full({ 40, 2 }, 0 / 0),
    ['list of text'] = { 'a', 'b' }, ['list of tables'] = { {}, {} }, hole = { nil, 1 },
    ['list of inf'] = { math.huge, -math.huge }, negatives = { -1, -2 },
  }
end

local SLOW = 20 -- seconds that no refusal of a small call takes

--- Junk in each option of a call that is good otherwise, also in those that it does not give.
-- @param call `name`, as messages say it; `fn` (options); `options`
-- @param where function (fn, options) that calls fn in the script
-- @param[opt] see function (option, word, ok, message), told of every call
-- @return list of texts: what is wrong with refusals
function M.options(call, where, see)
  local out, add = collector()
  local entry = { full = call.name, name = call.name:match '[^.]+$', doc = {} }
  local v, words = values(), { unpack(order) }
  for word, value in pairs(extremes()) do
    words[#words + 1] = word
    v[word] = value
  end
  table.sort(words)
  local names = {}
  for name in pairs(options_of(call)) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local endless, free = call.endless and call.endless[name], call.free and call.free[name]
    for _, word in ipairs(words) do
      local changed = {}
      for k, x in pairs(call.options) do changed[k] = x end
      changed[name] = v[word]
      local what = ('{ %s = %s }'):format(name, word)
      local before = os.time()
      local text, why
      if not (endless and (word == 'huge' or word == 'wide')) then
        text, why = complaint(entry, where, what, call.fn, changed)
      end
      add(text, why)
      if word:find 'nan' and not why and not free and not endless then
        add(('%s(%s): is taken for good'):format(call.name, what), what)
      end
      if os.time() - before > SLOW then
        add(('%s(%s): took %d seconds'):format(call.name, what, os.time() - before), what)
      end
      if see then see(name, word, why) end
    end
  end
  return out
end

return M
