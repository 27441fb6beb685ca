--- Functions of arrays against values found by hand, and what they say about bad arguments.
-- @module tests.support.values
local assert = require 'luassert'
local message = require 'tests.support.message'
local np = require 'imnn.numpy'
local M = {}

-- Equal to a relative precision of f32; NaN is NaN and zeros have their signs.
local function same(a, b)
  if type(a) == 'table' then
    if type(b) ~= 'table' or #a ~= #b then return false end
    for i, x in ipairs(a) do if not same(x, b[i]) then return false end end
    return true
  end
  if a ~= a then return b ~= b end
  if a == 0 then return b == 0 and 1 / a == 1 / b end
  return a == b or type(a) == 'number' and math.abs(a - b) <= 3e-7 * math.abs(a)
end

--- That x has this dtype and these values.
function M.check(name, dtype, expected, x)
  assert.equal(dtype, x.dtype, name)
  assert.is_true(same(expected, x:totable()), name .. ': ' .. tostring(x))
end

--- Rows { name, arguments, dtype, value, positions, ... }: what functions of np give; all
-- results but the first are i32.
function M.table_of(rows)
  for _, row in ipairs(rows) do
    local name, given, dtype = row[1], row[2], row[3]
    local results = { np[name](unpack(given, 1, table.maxn(given))) }
    for i = 4, #row do M.check(name, i == 4 and dtype or 'i32', row[i], results[i - 3]) end
  end
end

--- A function (sentence, fn): that fn raises the sentence, with a line of the file before it.
function M.refuses(file)
  local here = '^' .. file:gsub('%p', '%%%0') .. ':%d+: '
  return function(sentence, fn)
    local why = message(fn)
    assert.matches(here, why)
    assert.equal(sentence, (why:gsub(here, '')))
  end
end

--- All specs as one text.
function M.specs()
  local files, parts = io.popen 'ls tests/lua/*_spec.lua', {}
  for path in files:lines() do
    local f = assert(io.open(path))
    parts[#parts + 1] = f:read '*a'
    f:close()
  end
  files:close()
  return table.concat(parts, '\n')
end

return M
