--- Programs that may take only so much memory: what is too much to be kept is computed again, and
-- the bytes of results stay.
local ffi = require 'ffi'
local imnn = require 'imnn'
local fisher = require 'imnn.fisher'
local message = require 'tests.support.message'
local np, random, stax, lax = imnn.np, imnn.random, imnn.stax, imnn.lax

local function bytes_of(t)
  local parts = {}
  for i, x in ipairs(imnn.tree.leaves(t)) do
    parts[i] = ffi.string(x:data(), x.size * (x.dtype == 'f64' and 8 or 4))
  end
  return table.concat(parts)
end

-- The gradient of the Fisher loss of a network on n simulations.
local function gradient(network, shape, simulator, n)
  local w = select(2, network[1](random.PRNGKey(1), shape))
  local function loss(weights, key)
    local function one(k, theta) return network[2](weights, simulator(k, theta)) end
    local x, dx = imnn.vmap(function(k)
      return imnn.value_and_jacfwd(function(theta) return one(k, theta) end)(np.array { 0.2, 1 })
    end)(random.split(key, n))
    return (fisher.regularised(fisher.statistics(x, dx), 10, 0.95))
  end
  return imnn.grad(loss), w
end

local function noise(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local function field(key, theta)
  return theta[1] + theta[2] * random.normal(key, { 8, 8, 1 })
end

-- An oscillator with noise, seen at ten times.
local function swing(key, theta)
  local kicks = 0.1 * random.normal(key, { 10 })
  local function step(c, kick)
    local q, p = c[1] + 0.1 * c[2], c[2] - 0.1 * theta[2] * c[1] + kick
    return { q, p }, q + theta[1]
  end
  local _, seen = lax.scan(step, { np.array(1), np.array(0) }, kicks)
  return seen
end

local dense = stax.serial(stax.Dense(64), stax.LeakyRelu, stax.Dense(64), stax.Tanh, stax.Dense(2))
local conv = stax.serial(stax.Conv(4, { 3, 3 }, { 2, 2 }, 'SAME'), stax.LeakyRelu,
  stax.Conv(8, { 3, 3 }, { 2, 2 }, 'SAME'), stax.LeakyRelu, stax.Flatten, stax.Dense(2))

describe('a program with little memory', function()
  for _, case in ipairs {
    { 'a dense network', dense, { 10 }, noise, 1000 },
    { 'a convolutional network', conv, { 8, 8, 1 }, field, 300 },
    { 'a simulator with a loop', dense, { 10 }, swing, 500 },
  } do
    it('gives the same bytes: ' .. case[1], function()
      local fn, w = gradient(case[2], case[3], case[4], case[5])
      local key, free = random.PRNGKey(2), imnn.jit(fn)
      local expected = bytes_of(free(w, key))
      local why = message(function() imnn.jit(fn, { memory = 1 })(w, key) end)
      local least = tonumber(why:match 'program: needs at least (%d+) bytes of memory, may take 1$')
      assert.is_true(least < free:bytes(w, key), why)
      local most, parts, before = free:bytes(w, key), 0, math.huge
      for k = 0, 6 do
        local memory = math.floor(least + k / 8 * (most - least))
        local scarce = imnn.jit(fn, { memory = memory })
        local flops, text = scarce:flops(w, key), scarce:text(w, key)
        assert.is_true(scarce:bytes(w, key) <= memory)
        assert.is_true(free:flops(w, key) <= flops and flops <= before, memory)
        before = flops
        if text:find 'first %d+ rows kept' and text:find 'first %d+ rows as kept' then
          parts = parts + 1 -- what does not fit is kept in part
        end
        assert.is_true(expected == bytes_of(scarce(w, key)))
      end
      assert.is_true(parts > 0)
    end)
  end
end)

describe('a compiled function of examples', function()
  local x = random.normal(random.PRNGKey(3), { 1003, 10 })
  local w = random.normal(random.PRNGKey(4), { 5, 10 })
  local function f(weights, data)
    local y = imnn.vmap(function(d) return np.tanh(np.matmul(weights, d)) end)(data.d)
    return (y * y):sum(), y
  end

  it('takes readers as well as arrays, with the same bytes', function()
    local g = imnn.jit(f, { rows = { 2 } })
    local a, b = g(w, { d = x })
    local c, d = g(w, { d = imnn.data.from_array(x) })
    assert.is_true(bytes_of { a, b } == bytes_of { c, d })
    c = g(w, { d = imnn.data.from_array(-x) }) -- another reader, the same program
    assert.equal(a:item(), c:item())
    assert.equal('compiled function, programs: 2', tostring(g))
  end)

  it('refuses readers elsewhere', function()
    assert.matches('memory_spec.lua:%d+: ',
      message(function() imnn.jit(f)(w, { d = imnn.data.from_array(x) }) end))
  end)
end)

describe('an amount of memory', function()
  local parse = require('imnn.bytes').parse

  it('is a number, or a number and a unit', function()
    for text, n in pairs {
      ['2GB'] = 2e9, ['1.5 GiB'] = 1.5 * 2 ^ 30, ['500M'] = 5e8, ['64kb'] = 64000, ['7'] = 7,
      ['3 B'] = 3, ['1TB'] = 1e12,
    } do
      assert.equal(n, parse('jit', 'memory', text), text)
    end
    assert.equal(1000, parse('jit', 'memory', 1000.5))
  end)

  it('is refused otherwise', function()
    for _, bad in ipairs { 'much', '', '2 XB', '1.2.3 GB', '-1GB', 0, -5, 0 / 0, 1 / 0 } do
      local why = message(function() parse('jit', 'memory', bad) end)
      assert.is_truthy(why:find("jit: memory must be an amount of memory, as 2e9, '2GB' or "
        .. "'1.5GiB', got ", 1, true), why)
    end
  end)
end)
