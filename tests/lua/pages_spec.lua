-- The pages beside the examples: their code runs, and gives what it says.
local imnn = require 'imnn'
local usage = require 'tests.support.usage'
local world = require 'tests.support.world_of_examples'
local np, random = imnn.np, imnn.random

local function read(path)
  local file = assert(io.open(path))
  local text = file:read '*a'
  file:close()
  return text
end

-- What tables speak of.
local function fill(env)
  env.a, env.b, env.v = np.array { 1, 2, 4 }, np.array { 3, 2, 1 }, np.array { 3, 1, 2 }
  env.A, env.m, env.n = np.array { { 1, 2, 3 }, { 4, 5, 6 } }, np.gt(env.a, 1), np.lt(env.a, 4)
  env.g = function(x) return 2 * x end
  env.h = function(x, y) return x * y end
  env.step, env.c, env.xs = function(c, x) return c + x, c end, 0, np.arange(3)
  env.t = { 1, { 2 } }
  env.key = random.PRNGKey(0)
  return env
end

-- Blocks of code, which follow one another: what one makes global the next ones know.
local function run_blocks(path, env)
  local n, text, name = 0, read(path), path:match '[^/]*$'
  for code in text:gmatch '```lua\n(.-)```' do
    n = n + 1
    assert.is_nil(usage.run(code, env, ('=%s %d'):format(name, n)))
  end
  assert(n > 1, path)
end

-- The last column of a table: code in backticks.
local function run_tables(path, env)
  local n = 0
  for row in read(path):gmatch '\n(|[^\n]*|)' do
    local cell = row:match '.*|%s*(.-)%s*|$'
    for code in cell:gmatch '`([^`]+)`' do
      if code:find '[%[%](){}:=#^%%%-.]' then -- not the name of something
        n = n + 1
        local why = usage.run(code, env, '=' .. code)
        assert.is_nil(why and ('%s: %s'):format(code, why))
      end
    end
  end
  assert(n > 8, path)
end

describe('the page', function()
  for _, name in ipairs { 'coming_from_numpy_and_jax', 'coming_from_the_python_imnn' } do
    local path = ('examples/%s.md'):format(name)
    it(name .. ' has code that runs', function()
      local env = world.new()
      local here = usage.here()
      usage.apart(function() run_blocks(here .. '/' .. path, env) end)
    end)

    it(name .. ' has tables whose code runs', function()
      local env = fill(world.new())
      local here = usage.here()
      usage.apart(function() run_tables(here .. '/' .. path, env) end)
    end)
  end
end)
