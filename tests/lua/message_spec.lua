-- What a newcomer reads when something is wrong: a whole sentence, once, with the line of the
-- script.
local imnn = require 'imnn'
local message = require 'tests.support.message'

local rows = {
  { 'np.ones { 2 } + np.ones { 3 }', 'add: shapes do not broadcast, (2) and (3)' },
  { 'np.ones { 2 } + "a"', 'add: argument 2 must be an Array or a number, got string' },
  { 'np.ones { 2 }:reshape { 3 }', 'reshape: (2) has another number of elements than (3)' },
  { 'np.ones { 4 }:reshape { -1, -1 }',
    'reshape: only one size can be left open by -1, got (-1, -1)' },
  { 'np.matmul(np.ones { 2, 3 }, np.ones { 2, 3 })',
    'matmul: inner sizes differ, (2, 3) x (2, 3)' },
  { 'imnn.jit(function(x) return np.matmul(x, x) end)(np.ones { 2, 3 })',
    'matmul: inner sizes differ, (2, 3) x (2, 3)' },
  { 'np.concatenate { np.ones { 2 }, np.ones { 3, 2 } }',
    'concatenate: shapes differ off axis 1, (2) and (3, 2)' },
  { 'np.array { { 1, 2 }, { 3 } }',
    'array: the nested table is ragged, a table of 1 beside a table of 2' },
  { 'np.take(np.ones { 3 }, 5)', 'take: no element 5, there are 3' },
  { 'np.take(np.ones { 3 }, { 1, 4 })', 'take: no element 4, there are 3' },
  { 'np.take(np.ones { 3 }, "a")', 'take: indices are an Array, a number or a table, got string' },
  { 'np.ones { 2 }:sum { axes = 1 }', 'np.sum: unknown option "axes"; did you mean "axis"?' },
  { 'np.ones { 2 }:sum { axis = 3 }', 'np.sum: no axis 3, there are 1' },
  { 'np.linalg.inv(np.ones { 2, 3 })', 'inv: needs square matrices, got (2, 3)' },
  { 'imnn.jit(function(x) if x < 1 then return x end return -x end)(np.ones {})',
    'comparison: a traced array has no value yet; choose with np.where or lax.cond' },
  { 'imnn.grad(function(x) return 2 * x end)(np.ones { 2 })',
    'grad: the function must give one real number, got f32 (2)' },
  { 'imnn.random.normal(3, { 2 })', 'random.normal: a key has shape (2), got a number' },
  { 'imnn.data.hdf5.open "/none/a.h5"', 'hdf5: /none/a.h5: No such file or directory' },
}

describe('the message of', function()
  for _, row in ipairs(rows) do
    it(row[1], function()
      local chunk = assert(loadstring('local x = ' .. row[1] .. ' return x', '=script'))
      setfenv(chunk, setmetatable({ imnn = imnn, np = imnn.np }, { __index = _G }))
      assert.equal('script:1: ' .. row[2], message(chunk))
    end)
  end

  it('a function of a module that took the place of another one', function()
    local function try()
      local y = imnn.utils.enlarge { 'a' }
      return y
    end
    message(function() return (imnn.np.array { 'a' }) end) -- now all names have been looked up
    local here = debug.getinfo(imnn.core.raise, 'S').source:match '^(.*)core%.lua$'
    local enlarge = assert(loadstring('return function(x) local y = require("imnn").np.array(x) '
      .. 'return y end', here .. 'utils.lua'))()
    local utils = rawget(imnn, 'utils')
    rawset(imnn, 'utils', { enlarge = enlarge })
    local ok, why = pcall(try)
    rawset(imnn, 'utils', utils)
    assert.is_false(ok)
    assert.matches('^%S+: enlarge: array: elements must be numbers', why)
  end)

  it('a function of a room of SciPy that is used first by somebody else', function()
    local program, path = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn', os.tmpname()
    local file = assert(io.open(path, 'w'))
    file:write [[
      require 'imnn.scipy.special'
      local imnn = require 'imnn'
      local scipy = imnn.scipy
      pcall(function() return (imnn.np.array { 'a' }) end)
      local ok, why = pcall(function()
        local y = scipy.special.kl_div({ 'a' }, 1)
        return y
      end)
      print(why:match ':%d+: (.*)')]]
    file:close()
    local pipe = io.popen(program .. ' ' .. path)
    local said = pipe:read '*a'
    pipe:close()
    os.remove(path)
    assert.matches('^kl_div: array: elements must be numbers', said)
  end)

  it('an array larger than the memory, which is refused before it is tried', function()
    local said = message(function() return imnn.np.ones { 1e6, 1e6 }, 0 end)
    assert.truthy(said:find 'out of memory: 3814697.3 MiB asked for, [%d.]+ MiB available', said)
  end)
end)

-- Each line is a function that fails, called by its name, as a local one, or as a member of an
-- object.
local failing = [[
np.stack {}
local f = np.sigmoid f 'x'
local f = np.maximum f({ a = 1 }, 2)
local f = np.flip f { a = 1 }
local f = np.linalg.solve f(np.ones { 2, 3 }, np.ones(2))
imnn.stax.Dense(3).apply()
imnn.stax.residual(imnn.stax.Dense(3)).init(imnn.random.PRNGKey(0), { 4 })
imnn.stax.Relu.apply()
imnn.optimizers.adam(1e-3).update(0, { np.ones(2) }, 1)
local layer = imnn.stax.Dense(3) layer.init()
np.ones(2):reshape { 3 }
imnn.lax.cond(1)
imnn.random.normal(3, { 2 })
]]

it('messages do not depend on which modules are loaded', function()
  local program, path = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn', os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write "local imnn = require 'imnn' local np = imnn.np if arg[1] then\n"
  file:write "require('imnn.help.names').all() end\n"
  for line in failing:gmatch '[^\n]+' do
    file:write('print(select(2, pcall(function() ', line, ' return end)))\n')
  end
  file:close()
  local function said(word)
    local pipe = assert(io.popen(('%s %s %s'):format(program, path, word)))
    local text = pipe:read '*a'
    pipe:close()
    return text
  end
  local few, all = said '', said 'all'
  os.remove(path)
  assert.equal(13, select(2, few:gsub('\n', '\n')))
  assert.equal(few, all)
end)
