--- The C library: the only file that loads it, checks statuses and owns handles.
-- @module imnn.core
local ffi = require 'ffi'
local M = {}

ffi.cdef 'const char *imnn_cdef(void);'

local source = debug.getinfo(1, 'S').source
local here = source:match '^(.*[/\\])' or source -- how the names of all files of lua/imnn begin

-- The library that is named, that the program has, that was installed with this file, or that the
-- loader finds. A second copy in one process would have an interrupt flag of its own.
local function load()
  local named = os.getenv 'IMNN_LIB'
  if named then return ffi.load(named) end
  if pcall(function() return ffi.C.imnn_cdef end) then return ffi.C end
  local prefix = source:match '^@(.*)share/lua/5%.1/imnn/core%.lua$'
  local beside = prefix and prefix .. 'lib/libimnn.so'
  local f = beside and io.open(beside)
  if not f then return ffi.load 'imnn' end
  f:close()
  return ffi.load(beside)
end

local C = load()
ffi.cdef(ffi.string(C.imnn_cdef()))

--- The functions of the library, as the FFI has them (include/imnn.h).
-- @usage imnn.core.C.imnn_threads()
-- @field C
M.C = C

-- What is inside and known to few scripts: its messages say for whom they speak.
local private = {
  args = true, array = true, core = true, registry = true, fisher = true, progress = true,
  complex = true, help = true, repl = true,
}

-- Modules that scripts know, those that others take functions from first: the first that has a
-- function names it, so what else is loaded makes no difference.
local known = {
  'numpy', 'lax', 'random', 'tree', 'stax', 'optimizers', 'scipy', 'distributions', 'simulators',
  'data', 'plot', 'lfi', 'utils', 'cite', 'doctor', 'transform', 'imnn', 'diagnostics',
}

-- The names in these modules, and the name of each function: the shortest one in the first module.
-- Collected at the first error, and again when more modules are loaded, or others, or rooms of
-- SciPy are there that have been loaded for somebody else before.
local public = { names = {}, by_value = {}, from = {} }

local function add_name(name, fn, rank)
  public.names[name] = true
  local best = public.by_value[fn] or { name = name, rank = rank }
  public.by_value[fn] = best
  local n, shortest = #name, #best.name
  if rank == best.rank and (n < shortest or n == shortest and name < best.name) then
    best.name = name
  end
end

-- Rooms of modules too, but no lists: a layer is one of functions.
local function collect(t, rank, seen)
  if seen[t] then return end
  seen[t] = true
  for name, value in pairs(t) do
    if type(name) == 'string' and type(value) == 'function' then add_name(name, value, rank)
    elseif type(value) == 'table' and rawget(value, 1) == nil
      and not (getmetatable(value) or {}).__tostring then
      collect(value, rank, seen)
    end
  end
end

local function find_public()
  local imnn, from, changed = package.loaded.imnn or {}, {}, false
  for name, value in pairs(package.loaded) do
    if name:find '^imnn' then from[name] = value end
  end
  for name, value in pairs(imnn) do from['imnn ' .. name] = value end
  for name, value in pairs(rawget(imnn, 'scipy') or {}) do from['scipy ' .. name] = value end
  for name, value in pairs(from) do changed = changed or public.from[name] ~= value end
  if not changed then return end
  public = { names = {}, by_value = {}, from = from }
  local seen = {}
  for rank, name in ipairs(known) do
    local short = name == 'numpy' and 'np' or name
    local t = rawget(imnn, short) or package.loaded['imnn.' .. name]
    if type(t) == 'table' then collect(t, rank, seen) end
  end
  for name, value in pairs(imnn) do
    if type(value) == 'function' then add_name(name, value, #known + 1) end
  end
end

local callables = setmetatable({}, { __mode = 'k' })

--- Say the name of what scripts call as an object, for messages.
-- @tparam function fn its __call
-- @tparam string name
-- @treturn function fn
-- @usage imnn.core.callable(function() end, 'MyClass')
function M.callable(fn, name)
  callables[fn] = name
  return fn
end

-- The name that scripts know a function by: that of the call, if some module has it (a function
-- that the one called ends with stands in its place), or its own.
local function public_name(called, fn)
  find_public()
  local own = public.by_value[fn]
  return public.names[called] and called or own and own.name
end

-- Whether a message names a room whose sentences are about a file.
local rooms = {
  hdf5 = true, npy = true, npz = true, tfrecord = true, text = true, plot = true,
}
local function names_room(message) return rooms[message:match '^(%w+): '] end

-- A message with the name of the function that the user has called, if it is about another one,
-- which that one is made of.
local function with_name(message, level)
  local frame = debug.getinfo(level + 1, 'nfS')
  local called = frame.namewhat ~= 'local' and frame.namewhat ~= 'upvalue' and frame.name or nil
  local method = frame.namewhat == 'method'
  local object = callables[frame.func]
  if message == 'interrupted' or not object and called and called:find '^__'
    or names_room(message)
    or not object and not method and private[frame.source:sub(#here + 1):gsub('%.lua$', '')] then
    return message
  end
  local name = object or method and called or public_name(called, frame.func)
  if not name or (' ' .. message .. ' '):find('%f[%w_]' .. name:gsub('_$', '') .. '%f[^%w_]') then
    return message
  end
  return name .. ': ' .. message
end

--- What a value is, for messages: 'Array', 'complex number', or its type in Lua.
-- @param x anything
-- @treturn string
-- @usage imnn.core.kind(np.zeros(2)) --> 'Array'
function M.kind(x)
  if type(x) ~= 'cdata' then return type(x) end
  local handle, complex = package.loaded['imnn.array.handle'], package.loaded['imnn.complex']
  return handle and handle.is(x) and 'Array' or complex and complex.is(x) and 'complex number'
    or 'cdata'
end

-- What stands in a message for a value: no addresses, of arrays only dtype and shape.
local function readable(x)
  if type(x) ~= 'string' then return x end
  local kind = x:match '^(%a+): 0x%x+$' or x:match '^(%a+): builtin: 0x%x+$'
  if kind then return 'a ' .. kind end
  local array = x:match '^%b{}  (%a%w+ %([%d, ]*%))$'
  return array and 'an Array ' .. array or x
end

--- Raise an error that names the first line outside lua/imnn, the user's, and the function that is
-- called there.
-- @tparam string message a format
-- @param ... what it is filled with
-- @usage pcall(imnn.core.raise, 'my_function: n must be positive, got %d', -1)
function M.raise(message, ...)
  local where, level, inner = '', 2, nil
  local frame = debug.getinfo(level, 'Sl')
  while frame and (frame.what == 'C' or frame.source:sub(1, #here) == here) do
    if frame.what ~= 'C' then inner = level end
    level = level + 1
    frame = debug.getinfo(level, 'Sl')
  end
  if frame and frame.currentline > 0 then
    where = frame.short_src .. ':' .. frame.currentline .. ': '
  end
  local n = select('#', ...)
  if n > 0 then
    local given = { ... }
    for i = 1, n do given[i] = readable(given[i]) end
    message = message:format(unpack(given, 1, n))
  end
  if inner then message = with_name(message, inner) end
  error(where .. message, 0)
end

--- Turn a failed status into an error.
-- @tparam number status of a C function
-- @tparam[opt] string who its name, where the sentence does not begin with it
-- @usage imnn.core.check(imnn.core.C.imnn_set_threads(imnn.threads()), 'mine')
function M.check(status, who)
  if status == C.IMNN_OK then return end
  local why = ffi.string(C.imnn_last_error())
  local named = status == C.IMNN_EINTERRUPT or who and why:sub(1, #who + 1) == who .. ':'
  if who and not named then why = who .. ': ' .. why end
  M.raise('%s', why)
end

--- Raise if somebody pressed ctrl-C. Loops that run no program for a while call this.
-- @usage imnn.core.poll()
function M.poll()
  if C.imnn_interrupted() then M.raise 'interrupted' end
end

--- The bits of a number, as attributes of operators hold one that is not whole.
-- @tparam number x
-- @treturn cdata int64_t
-- @usage imnn.core.bits(0) --> 0LL
function M.bits(x)
  return ffi.cast('int64_t *', ffi.new('double[1]', x))[0]
end

--- The i-th of n things as C counts them; -1 is the last. Nothing else converts.
-- @tparam number i 1 to n, or -n to -1
-- @tparam number n
-- @tparam string what for messages: "mine: no axis"
-- @treturn number
-- @raise anything else
-- @usage imnn.core.index(-1, 3, 'mine: no axis') --> 2
function M.index(i, n, what)
  if type(i) ~= 'number' or i % 1 ~= 0 or i == 0 or math.abs(i) > n then
    M.raise('%s %s, there are %d', what, tostring(i), n)
  end
  return i < 0 and n + i or i - 1
end

--- Refuse what is no number of elements.
-- @tparam string who
-- @tparam number n
-- @usage imnn.core.count('mine', 3)
function M.count(who, n)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 0 then
    M.raise('%s: needs a whole number of elements, 0 or more, got %s', who, tostring(n))
  end
end

local limit = 2 ^ 26 -- bytes

--- Collect once C holds twice what survived last time: the collector cannot see C's memory.
-- @usage imnn.core.relieve()
function M.relieve()
  if C.imnn_live_bytes() < limit then return end
  collectgarbage()
  collectgarbage()
  limit = math.max(2 ^ 26, 2 * tonumber(C.imnn_live_bytes()))
end

--- Take over the reference in `slot[0]`; the collector gives it back.
-- @tparam cdata slot pointer to the handle
-- @param release the C function that gives it back
-- @treturn cdata
-- @usage local ffi, C = require 'ffi', imnn.core.C
-- local slot = ffi.new 'imnn_array *[1]'
-- imnn.core.check(C.imnn_array_zeros(slot, C.IMNN_F32, ffi.new('imnn_shape', 1, { 3 })))
-- local handle = imnn.core.own(slot, C.imnn_array_release)
function M.own(slot, release)
  local handle = ffi.gc(slot[0], release)
  M.relieve()
  return handle
end

return M
