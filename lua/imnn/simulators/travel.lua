--- Values that go to another process: text of nil, booleans, numbers, strings, complex numbers,
-- Arrays, plain tables, modules, and functions with the upvalues that they have.
-- @module imnn.simulators.travel
local ffi = require 'ffi'
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local M = {}

-- Modules, and functions that modules have, by value: they are found again in the other process.
local function known_values()
  local out = {}
  for module, t in pairs(package.loaded) do
    if type(t) == 'table' then
      if module ~= '_G' then out[t] = out[t] or { module } end
      for name, value in pairs(t) do
        local ours = module ~= '_G' or type(value) == 'function'
          and debug.getinfo(value, 'S').what == 'C'
        if ours and type(name) == 'string' and type(value) == 'function' then
          out[value] = out[value] or { module, name }
        end
      end
    end
  end
  out[_G] = { '_G' }
  return out
end

local function bytes(text) return #text .. ':' .. text end

local write -- writers call it for what they are made of

local function dump(fn, state, path)
  local ok, code = pcall(string.dump, fn)
  if not ok then
    return nil, path .. ' is a function of C'
  end
  state.seen[fn], state.count = state.count + 1, state.count + 1
  local parts, n = { 'F', bytes(code) }, debug.getinfo(fn, 'u').nups
  parts[3] = n .. ';'
  for i = 1, n do
    local name, value = debug.getupvalue(fn, i)
    local text, why = write(value, state, name)
    if not text then return nil, why end
    parts[#parts + 1] = text
  end
  return table.concat(parts)
end

local function write_table(t, state, path)
  if getmetatable(t) ~= nil then return nil, path .. ' is an object (a table with a metatable)' end
  state.seen[t], state.count = state.count + 1, state.count + 1
  local parts, n = {}, 0
  for key, value in pairs(t) do
    local place = ('%s[%s]'):format(path, type(key) == 'string' and '"' .. key .. '"'
      or tostring(key))
    for _, x in ipairs { { key }, { value } } do
      local text, why = write(x[1], state, place)
      if not text then return nil, why end
      parts[#parts + 1] = text
    end
    n = n + 1
  end
  return 'T' .. n .. ';' .. table.concat(parts)
end

local function write_array(x)
  local data = ffi.string(ffi.cast('const char *', x:data()), x.size * array.bytes[x.dtype])
  return ('A%s;%d;%s'):format(x.dtype, x.ndim, x.ndim > 0 and table.concat(x.shape, ';') .. ';'
    or '') .. bytes(data)
end

local function write_cdata(x, path)
  if array.is(x) then
    if x.node ~= 0 then return nil, path .. ' is a traced array, which has no value yet' end
    return write_array(x)
  elseif complex.is(x) then
    return ('C%.17g;%.17g;'):format(x.re, x.im)
  elseif ffi.istype('int64_t', x) or ffi.istype('uint64_t', x) then
    return (ffi.istype('int64_t', x) and 'I' or 'U') .. tostring(x):match '%-?%d+' .. ';'
  end
  return nil, path .. ' is memory of the FFI'
end

local plain = {
  ['nil'] = function() return 'N' end,
  boolean = function(x) return x and 'Y' or 'Z' end,
  number = function(x)
    return x ~= x and 'Dnan;' or ('D%.17g;'):format(x)
  end,
  string = function(x) return 'S' .. bytes(x) end,
}

function write(x, state, path)
  local kind = type(x)
  if plain[kind] then return plain[kind](x) end
  if kind == 'cdata' then return write_cdata(x, path) end
  local known = state.known[x]
  if known then
    return 'M' .. bytes(known[1]) .. (known[2] and 'Y' .. bytes(known[2]) or 'Z')
  end
  if state.seen[x] then return 'R' .. state.seen[x] .. ';' end
  if kind == 'table' then return write_table(x, state, path) end
  if kind == 'function' then return dump(x, state, path) end
  return nil, ('%s is a %s'):format(path, kind)
end

--- A value as text.
-- @param x
-- @tparam string name what it is called, for the sentence
-- @treturn string|nil nil: it cannot travel
-- @treturn string what is in the way: "np[3] is a thread"
function M.write(x, name)
  return write(x, { known = known_values(), seen = {}, count = 0 }, name)
end

-- ---- back ----

local Reader = {}
Reader.__index = Reader

function Reader:field()
  local text, after = self.text:match('^([^;]*);()', self.at)
  self.at = after
  return text
end

function Reader:bytes()
  local n, after = self.text:match('^(%d+):()', self.at)
  self.at = after + n
  return self.text:sub(after, after + n - 1)
end

function Reader:remember(x)
  self.seen[#self.seen + 1] = x
  return x
end

local readers = {
  N = function() return nil end,
  Y = function() return true end,
  Z = function() return false end,
  D = function(r) return tonumber(r:field()) end,
  S = function(r) return r:bytes() end,
  R = function(r) return r.seen[tonumber(r:field())] end,
}

function readers.C(r) return complex.new(tonumber(r:field()), tonumber(r:field())) end

local function whole(digits, zero)
  local negative, x = digits:find '^%-', zero
  for digit in digits:gmatch '%d' do
    x = 10 * x + (negative and -tonumber(digit) or tonumber(digit))
  end
  return x
end
function readers.I(r) return whole(r:field(), 0LL) end
function readers.U(r) return whole(r:field(), 0ULL) end

function readers.A(r)
  local dtype, shape = r:field(), {}
  for i = 1, tonumber(r:field()) do shape[i] = tonumber(r:field()) end
  return array.from_buffer(r:bytes(), shape, dtype)
end

function readers.M(r)
  local module, member = r:bytes(), nil
  if r:next() then member = r:bytes() end
  local t = module == '_G' and _G or require(module)
  if member then return t[member] end
  return t
end

function readers.T(r)
  local n = tonumber(r:field())
  local t = r:remember {}
  for _ = 1, n do
    local key = r:next()
    t[key] = r:next()
  end
  return t
end

function readers.F(r)
  local fn = assert(loadstring(r:bytes()))
  r:remember(fn)
  for i = 1, tonumber(r:field()) do debug.setupvalue(fn, i, r:next()) end
  return fn
end

function Reader:next()
  local tag = self.text:sub(self.at, self.at)
  self.at = self.at + 1
  local read = readers[tag]
  if not read then core.raise('travel: there is no kind "%s" of values', tag) end
  return read(self)
end

--- The value of a text.
-- @tparam string text
-- @return the value
-- @raise modules that are not there
function M.read(text)
  return setmetatable({ text = text, at = 1, seen = {} }, Reader):next()
end

return M
