--- What a value looks like at the prompt: as `print` has it, but plain tables with what is in them.
-- @module imnn.repl.show
local array = require 'imnn.array'

local deepest, most = 4, 20 -- levels of tables, entries of one

local function is_plain(x)
  if type(x) ~= 'table' then return false end
  local meta = getmetatable(x)
  return not (type(meta) == 'table' and meta.__tostring)
end

-- Numbers first and in order, then names.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == 'number' and type(b) == 'number' then return a < b end
    if type(a) ~= type(b) then return type(a) == 'number' or type(b) ~= 'number'
      and type(a) < type(b) end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function name_of(key)
  if type(key) ~= 'string' then return '[' .. tostring(key) .. ']' end
  return key:find '^[%a_\128-\255][%w_\128-\255]*$' and key or ('[%q]'):format(key)
end

local text

local function table_text(t, level, seen)
  if next(t) == nil then return '{}' end
  if level > deepest or seen[t] then return '{...}' end
  seen[t] = true
  local parts = {}
  for _, key in ipairs(sorted_keys(t)) do
    if #parts == most then
      parts[#parts + 1] = '...'
      break
    end
    local value = text(t[key], level + 1, seen)
    parts[#parts + 1] = key == #parts + 1 and value or name_of(key) .. ' = ' .. value
  end
  seen[t] = nil
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

function text(x, level, seen)
  if is_plain(x) then return table_text(x, level, seen) end
  if level == 1 then return tostring(x) end
  if type(x) == 'string' then return ('%q'):format(x) end
  if array.is(x) and x.size > 4 then
    return ('%s (%s)'):format(x.dtype, table.concat(x.shape, ', '))
  end
  return (tostring(x):gsub('^(function): .*', '%1'):gsub('%s+', ' '))
end

--- The text of a value.
-- @param x anything
-- @treturn string
-- @usage show { 1, a = np.zeros { 10 } } --> { 1, a = f32 (10) }
return function(x) return text(x, 1, {}) end
