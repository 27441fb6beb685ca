--- Random programs of up to fifty steps: at once, compiled, mapped, differentiated both ways, on
-- several threads. IMNN_PROGRAMS says how many (40), IMNN_SEED where they begin (1); what fails is
-- shrunk and printed as a script.
local imnn = require 'imnn'
local agree = require 'tests.support.programs.agree'
local generate = require 'tests.support.programs.generate'
local programs = require 'tests.support.programs.init'
local shrink = require 'tests.support.programs.shrink'
local text = require 'tests.support.programs.text'
local np, lax = imnn.np, imnn.lax

local count = tonumber(os.getenv 'IMNN_PROGRAMS' or 40)
local first = tonumber(os.getenv 'IMNN_SEED' or 1)

describe('a random program', function()
  local PART = 20
  for seed = first, first + count - 1, PART do
    local last = math.min(seed + PART, first + count) - 1
    it(('agrees with itself however it is run, seeds %d to %d'):format(seed, last), function()
      local scripts = {}
      for s = seed, last do scripts[#scripts + 1] = (programs.check(s)) end
      assert.equal('', table.concat(scripts, '\n'))
    end)
  end

  it('is the same for the same seed', function()
    assert.equal(text.program(generate.program(7)), text.program(generate.program(7)))
  end)
end)

describe('the checks', function()
  local x = { { np.array({ 0.3, -1.2 }, 'f64'), np.array({ 0.5, 2 }, 'f64') } }
  local function same(fn) return function() return fn end end

  it('find nothing wrong with what is right', function()
    for name, check in pairs(agree) do
      assert.is_nil((check(same(function(a) return np.sin(a) * a end), x, 'f64')), name)
    end
  end)

  it('find a wrong forward derivative', function()
    local wrong = lax.custom_jvp(np.sin)
    wrong:defjvp(function(at, t) return np.sin(at[1]), 2 * t[1] end)
    assert.matches('^jvp: slope', agree.jvp(same(wrong), x, 'f64'))
  end)

  it('find a wrong result of a compiled function', function()
    local function wrong(a) return tostring(a):find 'traced' and a or a + 1e-3 end
    assert.matches('^jit: result 1 is off by', agree.jit(same(wrong), x, 'f64'))
    assert.matches('^vmap: result 1 is off by', agree.vmap(same(wrong), x, 'f64'))
  end)

  it('find a wrong reverse derivative', function()
    local right = imnn.vjp
    function imnn.vjp(f, ...)
      local y, pull = right(f, ...)
      return y, function(u) return 1.001 * pull(u) end
    end
    local why = agree.vjp(same(np.sin), x, 'f64')
    imnn.vjp = right
    assert.matches('^u J v, reverse: ', why)
  end)
end)

describe('shrinking', function()
  it('leaves the step that is at fault, as a script', function()
    function agree.of_this_spec(make, inputs) -- complains about sums over positive numbers
      local sum, found = np.cumsum, false
      np.cumsum = function(...) -- luacheck: ignore
        found = true
        return sum(...)
      end
      local ok, why = pcall(function() return make(lax)(inputs[1][1]) end)
      np.cumsum = sum
      if not ok then error(why, 0) end
      return found and 'sum: found' or nil
    end
    local ids = { 1, 2, 3, 4, 5 }
    local info = {}
    for i in ipairs(ids) do
      local values = np.array({ { 1.234, 2, 3 }, { 4, 5, 6 } }, 'f64')
      info[i] = { name = (i == 1 and 'x' or 'v') .. i, dtype = 'f64', shape = { 2, 3 },
        examples = { values } }
    end
    local program = {
      seed = 0, dtype = 'f64', inputs = { 1 }, constants = {}, info = info, results = { 5, 2 },
      steps = {
        { out = { 2 }, text = 'np.exp(@1)' }, { out = { 3 }, text = 'np.cumsum(@2 * 2, 1)' },
        { out = { 4 }, text = '@3 + @2' }, { out = { 5 }, text = 'np.sin(@4)' },
      },
    }
    local small, why = shrink.shrink(program, 'of_this_spec', 'sum: found')
    agree.of_this_spec = nil
    assert.equal('sum: found', why)
    local script = text.script(small, 'jit', why)
    assert.matches('return function%(x2%)\n +local v3 = np.cumsum%(x2 %* 2, 1%)\n +return v3\n',
      script)
    assert.matches("np.array%({ { 1%.2 } }, 'f64'%)", script)
    assert.is_function(loadstring(script))
  end)
end)
