-- Each example ends well with --quick, says how much of the information there is, or what its
-- posterior is, beside what is exact or true, and draws the figures that it names.
local usage = require 'tests.support.usage'
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'

local function read(path)
  local file = assert(io.open(path))
  local text = file:read '*a'
  file:close()
  return text
end

local function examples()
  local out, pipe = {}, io.popen 'ls examples/[0-9]*.lua'
  for path in pipe:lines() do out[#out + 1] = path end
  pipe:close()
  return out
end

local here = usage.here()
if not program:find '^/' then program = here .. '/' .. program end

describe('the example', function()
  for i, path in ipairs(examples()) do
    it(path:match '[^/]*$', function()
      assert.equal(('examples/%02d_'):format(i), path:match '^examples/%d%d_')
      local text = read(path)
      usage.apart(function()
        local status = os.execute(('%s %s/%s --quick >out 2>err'):format(program, here, path))
        -- a network that was hardly trained may give estimates worth a warning
        local said = read('err'):gsub('warning: GaussianApproximation: [^\n]*\n', '')
        assert.equal('0 ', status .. ' ' .. said)
        local out = read 'out'
        if text:find('imnn.IMNN', 1, true) then assert.matches('information in the summaries', out)
        else assert.is_truthy(out:find('+-', 1, true) or out:find 'C2ST') end -- of a posterior
        assert.is_truthy(out:find 'all that there is' or out:find 'exact' or out:find 'truth')
        local figures = 0
        for name in text:gmatch "file = '([%w_]+%.png)'" do
          figures = figures + 1
          assert.equal('\137PNG', read(name):sub(1, 4))
        end
        assert.is_true(figures > 0)
      end)
    end)
  end
end)
