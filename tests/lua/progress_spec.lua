--- The line that follows a loop.
local message = require 'tests.support.message'
local progress = require 'imnn.progress'

-- A stream that remembers, a clock that is set.
local function watched()
  local text, now = {}, 0
  return {
    screen = true,
    out = {
      write = function(_, ...)
        for _, part in ipairs { ... } do text[#text + 1] = part end
      end,
      flush = function() end,
    },
    clock = function() return now end,
  }, function() return table.concat(text) end, function(seconds) now = seconds end
end

local END = '\27[K' -- erases what an earlier, longer line left

describe('progress', function()
  it('rewrites its line, at most five times a second, and ends with the last one', function()
    local opts, text, set = watched()
    local result = progress.follow(opts, function(show)
      show('%d of %d', 1, 9)
      set(0.1)
      show('%d of %d', 2, 9)
      set(0.25)
      show('%d of %d', 3, 9)
      set(0.3)
      show('%d of %d', 4, 9)
      return 'patience'
    end)
    assert.equal('patience', result)
    assert.equal('\r1 of 9' .. END .. '\r3 of 9' .. END .. '\r4 of 9' .. END .. '\n', text())
  end)

  it('leaves a whole line when the loop fails, and hands the error on', function()
    local opts, text = watched()
    local why = message(function()
      progress.follow(opts, function(show)
        show('iteration %d', 7)
        error('mine', 0)
      end)
    end)
    assert.equal('mine', why)
    assert.equal('iteration 7' .. END .. '\n', text():match '[^\r]*$')
  end)

  it('makes room for a text', function()
    local opts, text = watched()
    progress.follow(opts, function(show)
      show 'x'
      progress.clear(opts)
      opts.out:write 'text\n'
    end)
    assert.equal('\rx' .. END .. '\r' .. END .. 'text\n\rx' .. END .. '\n', text())
    opts.screen = false
    progress.clear(opts)
    assert.equal('\rx' .. END .. '\r' .. END .. 'text\n\rx' .. END .. '\n', text())
  end)

  it('is silent where nobody watches, and where nothing is shown', function()
    local opts, text = watched()
    progress.follow(opts, function() end)
    assert.equal('', text())
    opts.screen = false
    assert.equal(3, progress.follow(opts, function(show)
      show 'x'
      return 3
    end))
    assert.equal('', text())
  end)

  it('knows its options', function()
    assert.matches('^tests/lua/progress_spec.lua:%d+: progress.follow: unknown option "screens"; '
      .. 'did you mean "screen"%?$', message(function()
      return (progress.follow({ screens = true }, function() end))
    end))
  end)
end)
