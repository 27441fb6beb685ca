-- What scripts/docs gives to ldoc: a file for each page, with every public name.
local names = require 'imnn.help.names'
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'

local function read(path)
  local file = assert(io.open(path))
  local text = file:read '*a'
  file:close()
  return text
end

describe('the manual', function()
  local folder = os.tmpname()
  os.remove(folder)
  setup(function()
    assert.equal(0, os.execute(('mkdir %s && %s scripts/manual.lua %s'):format(folder, program,
      folder)))
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('has every public name', function()
    for _, page in ipairs(names.all().pages) do
      local text = #page.entries > 0 and read(('%s/%s.lua'):format(folder, page.name)) or ''
      for _, entry in ipairs(page.entries) do
        local as_function = text:find('\n-- @function ' .. entry.name .. '\n', 1, true)
        local as_value = text:find('\n-- @value ' .. entry.name .. '\n', 1, true)
        assert(as_function or as_value, entry.full)
      end
    end
  end)

  it('has an index by topic', function()
    local text = read(folder .. '/index_by_topic.md')
    for _, words in ipairs { '## np: NumPy functions', '**Reductions:** ',
      '[einsum](../modules/np.html#einsum)', '[reshape](../classes/x.html#reshape)',
      '## lfi: Likelihood-free inference' } do
      assert(text:find(words, 1, true), words)
    end
  end)

  it('shows signs as they are', function()
    local text = read(folder .. '/np.lua')
    assert(text:find('a &lt; b', 1, true))
    assert.is_nil(text:find('%-%- a < b'))
  end)
end)
