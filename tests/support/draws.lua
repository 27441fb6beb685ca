--- What specs of random numbers share.
local imnn = require 'imnn'
local assert = require 'luassert'
local golden = require 'tests.support.golden'
local random = imnn.random
local M = {}

--- Run fn in a key layout; the other one comes back whatever happens.
function M.in_layout(name, fn)
  local before = random.key_layout()
  random.set_key_layout(name)
  local ok, why = pcall(fn)
  random.set_key_layout(before)
  if not ok then error(why, 0) end
end

--- got holds the expected numbers exactly.
function M.exactly(expected, got, what)
  local why = golden.difference({ y = golden.flat(expected) }, got)
  assert.is_nil(why, why and what .. ': ' .. why)
end

--- b is a, to the last bit.
function M.same(a, b, what)
  M.exactly(a:values(), b, what)
  assert.same(a.shape, b.shape)
  assert.equal(a.dtype, b.dtype)
end

return M
