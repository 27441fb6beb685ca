-- Tables of numbers as text.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np = imnn.np

local path = os.tmpname()

local function write(text)
  local file = io.open(path, 'wb')
  file:write(text)
  file:close()
  return path
end

local function read()
  local file = io.open(path, 'rb')
  local text = file:read '*a'
  file:close()
  return text
end

local function refuses(why, text, opts, load)
  write(text)
  local said = message(function() (load or np.loadtxt)(path, opts) end)
    :gsub('^(tests/lua/text_spec.lua):%d+:', '%1:')
  assert.equal('tests/lua/text_spec.lua: ' .. why:gsub('FILE', path), said)
end

describe('loadtxt', function()
  teardown(function() os.remove(path) end)

  it('reads lines of numbers', function()
    assert.same({ { 1, 2, 3 }, { -4, 2e3, 0.5 } },
      np.loadtxt(write '1 2 3\n-4\t2e3   .5 \n'):totable())
    local x = np.loadtxt(write 'nan inf -Inf\n1 2 3', { dtype = 'f64' }):values()
    assert.same({ 1 / 0, -1 / 0, 1, 2, 3 }, { x[2], x[3], x[4], x[5], x[6] })
    assert.is_true(x[1] ~= x[1])
    x = np.loadtxt(write '# head\n\n1,2 # here\r\n3 , 4\r\n', { delimiter = ',' })
    assert.same({ 'f32', { { 1, 2 }, { 3, 4 } } }, { x.dtype, x:totable() })
    assert.equal(0.1, np.loadtxt(write '0.1', { dtype = 'f64' }):item())
    assert.same({ 1, -2 }, np.loadtxt(write '1 -2', { dtype = 'i32' }):values())
    assert.equal(2 ^ 32 - 1, np.loadtxt(write '4294967295', { dtype = 'u32' }):item())
  end)

  it('drops axes of one element', function()
    assert.same({ 3 }, np.loadtxt(write '1 2 3').shape)
    assert.same({ 3 }, np.loadtxt(write '1\n2\n3').shape)
    assert.same({}, np.loadtxt(write '1').shape)
    assert.same({ 1 }, np.loadtxt(write '1', { ndmin = 1 }).shape)
    assert.same({ 3, 1 }, np.loadtxt(write '1\n2\n3', { ndmin = 2 }).shape)
    assert.same({ 0 }, np.loadtxt(write '# nothing\n').shape)
    assert.same({ 0, 0 }, np.loadtxt(write '', { ndmin = 2 }).shape)
  end)

  it('chooses rows and columns', function()
    write 'a b c\n1 2 3\n4 5 6\n7 8 9\n'
    assert.same({ { 3, 1 }, { 6, 4 }, { 9, 7 } },
      np.loadtxt(path, { skiprows = 1, usecols = { 3, -3 } }):totable())
    assert.same({ 2, 5 }, np.loadtxt(path, { skiprows = 1, usecols = 2, max_rows = 2 }):values())
    assert.same({ { 1, 4, 7 }, { 2, 5, 8 } },
      np.loadtxt(path, { skiprows = 1, usecols = { 1, 2 }, unpack = true }):totable())
    assert.same({ { 1, 1 } }, np.loadtxt(write 'x,1;2,3\n', { delimiter = ',', comments = ';',
      usecols = { 2, 2 }, ndmin = 2 }):totable())
  end)

  it('names file, line and column of what is wrong', function()
    refuses('text: FILE: line 2, column 2: no number: "abc"', '1 2\n3 abc\n')
    refuses('text: FILE: line 2, column 2: there is nothing: ""', '1,2\n3,\n', { delimiter = ',' })
    refuses('text: FILE: line 3 has 3 columns, those before have 2', '1 2\n3 4\n5 6 7\n')
    refuses('text: FILE: line 1 has 2 columns, not one of number 3', '1 2\n', { usecols = 3 })
    refuses('text: FILE: line 1 has 2 columns, not one of number -3', '1 2\n', { usecols = -3 })
    refuses('text: FILE: line 1, column 1: i32 does not hold 0.5', '0.5\n', { dtype = 'i32' })
    refuses('text: FILE: line 2 holds a zero byte: this is no text', '1\n\0002\n')
    refuses('text: FILE: tables are read as f32, f64, i32 or u32, not bool', '1',
      { dtype = 'bool' })
    refuses('np.loadtxt: usecols are numbers of columns, from 1, got 0', '1', { usecols = { 0 } })
    refuses('np.loadtxt: skiprows and max_rows are 0 or more', '1', { skiprows = -1 })
    assert.matches('text: /no/such: No such file or directory$', message(function()
      np.loadtxt '/no/such'
    end))
    assert.matches('text: /tmp: is a directory$', message(function() np.loadtxt '/tmp' end))
  end)

  it('reads long files', function()
    local lines = {}
    for i = 1, 20000 do lines[i] = ('%d %g'):format(i, i / 4) end
    local x = np.loadtxt(write(table.concat(lines, '\n')))
    assert.same({ { 20000, 2 }, { 20000, 5000 } }, { x.shape, x[-1]:values() })
  end)
end)

describe('genfromtxt', function()
  it('fills what is missing', function()
    write '1,,3\n4,?,6\n'
    assert.same({ 1, -1, 3, 4, -1, 6 },
      np.genfromtxt(path, { delimiter = ',', filling_values = -1 }):values())
    local x = np.genfromtxt(path, { delimiter = ',', usecols = 2 }):values()
    assert.is_true(x[1] ~= x[1] and x[2] ~= x[2])
    refuses('text: FILE: line 2 has 1 columns, those before have 2', '1 2\n3\n', nil, np.genfromtxt)
  end)
end)

describe('savetxt', function()
  it('writes what comes back', function()
    for _, dtype in ipairs { 'f32', 'f64' } do
      local x = np.sin(np.array(np.arange(1, 13), dtype)):reshape { 4, 3 }
      np.savetxt(path, x)
      assert.same(x:values(), np.loadtxt(path, { dtype = dtype }):values())
    end
    np.savetxt(path, { 1, 2 }, { fmt = '%d', header = 'a\nb', footer = 'end' })
    assert.equal('# a\n# b\n1\n2\n# end\n', read())
    np.savetxt(path, { { 1, 0.5 } }, { fmt = '%6.2f', delimiter = ', ' })
    assert.equal('  1.00,   0.50\n', read())
    np.savetxt(path, np.array { true, false }, { fmt = '%g' })
    assert.equal('1\n0\n', read())
  end)

  it('leaves an old file alone when something is wrong', function()
    write 'old'
    for why, fn in pairs {
      ['text: a format is one of a number, as %%.18e, %%8.3f or %%d, got "%%s"'] = function()
        np.savetxt(path, { 1 }, { fmt = '%s' })
      end,
      ['text: a format is one of a number, as %%.18e, %%8.3f or %%d, got "%%d%%n"'] = function()
        np.savetxt(path, { 1 }, { fmt = '%d%n' })
      end,
      ['a table has one or two axes, not %(1, 1, 1%)'] = function()
        np.savetxt(path, np.zeros { 1, 1, 1 })
      end,
      ['complex numbers are written by parts'] = function() np.savetxt(path, np.array { 1i }) end,
      ['text: %%d cannot write the number inf'] = function()
        np.savetxt(path, { 1, 1 / 0 }, { fmt = '%d' })
      end,
    } do
      assert.matches(why .. '$', message(fn))
    end
    assert.equal('old', read())
    os.remove(path)
  end)
end)
