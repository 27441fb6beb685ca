--- HDF5 files: nested tables, written and read back as they were.
-- Tables are groups, Arrays datasets; numbers, booleans and strings attributes; lists of nothing
-- but numbers (f64), of booleans or of strings are datasets with an attribute "list".
-- @module imnn.data.hdf5.tree
local array = require 'imnn.array'
local complex = require 'imnn.complex'
local core = require 'imnn.core'
local keys_of = require('imnn.tree').keys

local Tree = {}

-- Names of members: integers as they are; strings so that they are told from those, and hold none
-- of what means something in a path.
local function encode(where, key)
  if type(key) == 'number' and key % 1 == 0 and math.abs(key) < 2 ^ 53 then
    return ('%d'):format(key)
  elseif type(key) ~= 'string' or key:find '%z' then
    core.raise('hdf5: %s: names are strings and whole numbers, got %s', where, tostring(key))
  elseif key == '' then
    return '%'
  end
  local name = key:gsub('[%%/\n]', function(c) return ('%%%02X'):format(c:byte()) end)
  return (name:gsub('^[-%d.]', function(c) return ('%%%02X'):format(c:byte()) end))
end

local function decode(name)
  if name == '%' then return '' end
  if name:find '^%-?%d+$' then return tonumber(name) end
  return (name:gsub('%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end

-- The type of all values of a plain list, 'number', 'boolean' or 'string'; nil if it is no such
-- list.
local function list_of(t)
  local n, kind = 0, type(t[1])
  if kind ~= 'number' and kind ~= 'boolean' and kind ~= 'string' then return nil end
  for _, v in pairs(t) do
    n = n + 1
    if type(v) ~= kind then return nil end
  end
  return n == #t and kind or nil
end

local function is_scalar(v)
  return type(v) == 'number' or type(v) == 'boolean' or type(v) == 'string' or complex.is(v)
end

local function write(group, where, t, depth)
  if depth > 50 then core.raise('hdf5: %s: tables more than 50 deep, or in themselves', where) end
  local scalars = {}
  for _, key in ipairs(keys_of(t)) do -- in order, so that equal trees make equal files
    local v, name = t[key], encode(where, key)
    local inside = where .. '/' .. name
    if is_scalar(v) then
      scalars[name] = v
    elseif type(v) == 'table' and getmetatable(v) == nil and not list_of(v) then
      write(group:create_group(name), inside, v, depth + 1)
    elseif array.is(v) or type(v) == 'table' and getmetatable(v) == nil then
      group:write(name, v)
      if not array.is(v) then group:set_attributes(name, { list = true }) end
    else
      core.raise('hdf5: %s: cannot be written, it is a %s', inside, core.kind(v))
    end
  end
  group:set_attributes(scalars)
end

local function read(group)
  local out = {}
  for name, v in pairs(group:attributes()) do out[decode(name)] = v end
  for _, name in ipairs(group:keys()) do
    if name:find '/$' then
      name = name:sub(1, -2)
      out[decode(name)] = read(group['/' .. name]) -- which is no method, whatever the name
    else
      local v = group:read(name)
      if array.is(v) and group:attributes(name).list then v = v:values() end
      out[decode(name)] = v
    end
  end
  return out
end

--- Write a nested table of Arrays, numbers, booleans and strings as a new group.
-- @tparam string name
-- @tparam table t
-- @raise what cannot be written: functions, strings with zero bytes; read-only; there is something
-- of that name already
-- @usage local f = data.hdf5.create 'state.h5'
-- f:write_tree('state', { weights = { np.zeros { 2, 3 }, np.ones { 3 } }, count = 7 })
-- f:read_tree('state').count --> 7
-- f:close()
function Tree:write_tree(name, t)
  if type(t) ~= 'table' or getmetatable(t) then
    core.raise('write_tree: needs a table, got %s', core.kind(t))
  end
  local group = self:create_group(name)
  write(group, ('%s: %s'):format(self.path, group.at), t, 1)
end

--- Read a nested table that `write_tree` has written; of other groups, what is in them.
-- @tparam string name
-- @treturn table
-- @raise no such group; what arrays cannot hold
-- @usage group:read_tree('complex').c8.shape --> { 3, 5 }
function Tree:read_tree(name)
  local group = type(name) == 'string' and self['/' .. name]
  if type(group) ~= 'table' or not group.create_group then
    core.raise('read_tree: "%s" is not a group', tostring(name))
  end
  return read(group)
end

return Tree
