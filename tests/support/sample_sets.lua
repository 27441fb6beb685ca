--- Sample sets that specs ask about, and how near numbers must be.
-- @module tests.support.sample_sets
local assert = require 'luassert'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, SampleSet = imnn.np, imnn.random, imnn.SampleSet
local M = { key = random.PRNGKey(7) }

--- Numbers made elsewhere (tests/golden/lfi/README.md).
function M.golden() return imnn.data.hdf5.open 'tests/golden/lfi/samples.h5' end

-- Largest difference over the largest expected element, or the difference where that is 0.
local function off(expected, got)
  expected, got = np.array(expected, 'f64'), np.array(got, 'f64')
  assert.same(expected.shape, got.shape)
  local size = np.abs(expected):max():item()
  return np.abs(expected - got):max():item() / (size > 0 and size or 1)
end

--- Fail unless no element is farther off than a part of the largest one.
function M.near(expected, got, tolerance, what)
  local d = off(expected, got)
  assert(d <= (tolerance or 1e-12), ('%s: off by %g'):format(what or 'value', d))
end

--- Fail unless a call ends with a sentence, behind the line that made it.
function M.says(sentence, fn, ...)
  local given, n = { ... }, select('#', ...)
  local why = message(function() fn(unpack(given, 1, n)) end)
  assert.are.equal(sentence, (why:gsub('^[%w_./]+%.lua:%d+: ', '')))
end

--- Five points of the specification, with weights 1 to 5.
function M.five()
  return SampleSet { parameters = { { 0, 0 }, { 1, 2 }, { 2, 1 }, { 3, 5 }, { 4, 4 } },
    weights = { 1, 2, 3, 4, 5 }, names = { 'a', 'b' } }
end

--- n draws of a normal distribution of two parameters.
function M.bell(n, opts)
  local o = { parameters = random.normal(M.key, { n, 2 }, 'f64'), names = { 'a', 'b' } }
  for name, value in pairs(opts or {}) do o[name] = value end
  return SampleSet(o)
end

return M
