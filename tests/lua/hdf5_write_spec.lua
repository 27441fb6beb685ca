-- HDF5 files, written: what is read back is what was written, and a file is there as a whole or not
-- at all.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, hdf5 = imnn.np, imnn.data.hdf5

local folder = os.tmpname()
os.remove(folder)
local path = folder .. '/a.h5'

local function refuses(why, fn)
  local said = message(fn):gsub('^(tests/lua/hdf5_write_spec.lua):%d+:', '%1:')
  assert.equal('tests/lua/hdf5_write_spec.lua: ' .. why:gsub('FILE', path), said)
end

-- The names in the folder.
local function listing()
  local out = {}
  for name in io.popen('ls -A ' .. folder):lines() do out[#out + 1] = name end
  return out
end

-- A file that is filled, closed and opened again.
local function again(fill)
  hdf5.create(path, fill)
  return hdf5.open(path)
end

describe('hdf5 writing', function()
  setup(function() assert(os.execute('mkdir ' .. folder) == 0) end)
  before_each(function() os.remove(path) end)
  teardown(function()
    collectgarbage()
    os.execute('rm -r ' .. folder)
  end)

  it('keeps values of every dtype and shape', function()
    for _, dtype in ipairs { 'f32', 'f64', 'i32', 'u32', 'bool', 'c64', 'c128' } do
      for _, shape in ipairs { {}, { 1 }, { 0, 3 }, { 2, 3 }, { 1, 2, 1, 3, 1, 2, 1, 2 } } do
        local size = 1
        for _, n in ipairs(shape) do size = size * n end
        local x = np.sin(np.arange(size) + 1):reshape(shape)
        if dtype:find '^c' then x = x + 2i * x end
        x = np.array((x * 100), dtype)
        local y = again(function(f) f:write('a/x', x) end)['a/x']
        assert.same({ dtype, shape, x:values() }, { y.dtype, y.shape, y:values() })
      end
    end
  end)

  it('keeps values that are not finite, and both zeros', function()
    local y = again(function(f) f:write('x', { 1 / 0, -1 / 0, 0 / 0, -0.0, 5e-324 }) end).x:values()
    assert.same({ 1 / 0, -1 / 0, 5e-324, -1 / 0 }, { y[1], y[2], y[5], 1 / y[4] })
    assert.is_true(y[3] ~= y[3])
  end)

  it('keeps numbers and text of scripts', function()
    local f = again(function(f)
      f:write('whole', 3)
      f:write('half', 0.1)
      f:write('yes', true)
      f:write('list', { { 0.1, 2 }, { 3, 4 } })
      f:write('text', 'имя')
      f:write('texts', { { 'a', '' }, { 'bcd', '\n' } })
    end)
    assert.same({ 'i32', 3 }, { f.whole.dtype, f.whole:item() })
    assert.same({ 'f64', 0.1 }, { f.half.dtype, f.half:item() })
    assert.is_true(f.yes:item())
    assert.same({ { 0.1, 2 }, { 3, 4 } }, f.list:totable())
    assert.equal('имя', f.text)
    assert.same({ { 'a', '' }, { 'bcd', '\n' } }, f.texts)
  end)

  it('keeps attributes, the last ones of a name', function()
    local given = { a = 1, b = 0.1, c = 'text', d = { 'x', 'yy' }, e = true, f = 2 ^ 40, g = -7 }
    local f = again(function(f)
      f:write('g/x', np.zeros { 2 })
      f:set_attributes('g/x', { a = 'before', v = np.arange(3) })
      f:set_attributes('g/x', given)
      f.g:set_attributes { here = 1 }
      f:set_attributes { root = 'yes' }
    end)
    local found = f:attributes 'g/x'
    assert.same({ 0, 1, 2 }, found.v:values())
    found.v = nil
    assert.same(given, found)
    assert.same({ { here = 1 }, { root = 'yes' } }, { f:attributes 'g', f:attributes() })
    local c = again(function(g) g:set_attributes { z = 1 + 0.1i } end):attribute('/', 'z')
    assert.same({ 1, 0.1 }, { c.re, c.im })
  end)

  it('compresses', function()
    local x = np.zeros { 500, 100 }
    local function size(opts)
      again(function(f) f:write('x', x, opts) end)
      local file = io.open(path)
      local n = file:seek 'end'
      file:close()
      assert.same({ 500, 100 }, hdf5.open(path).x.shape)
      return n
    end
    assert(size() > 200000 and size { compression = 'gzip' } < 10000)
    assert(size { compression = 9, chunks = 50, shuffle = false } < 10000)
    assert(size { chunks = { 500, 1 } } > 200000)
  end)

  it('reads and writes parts', function()
    local x = np.arange(0, 120, 1, 'f32'):reshape { 6, 5, 4 }
    for _, opts in ipairs { {}, { compression = 1, chunks = { 4, 3, 4 } } } do
      local f = hdf5.create(path)
      f:write('x', x, opts)
      for _, index in ipairs { 2, -1, { { 2, 4 } }, { { 1, 6, 2 }, {}, -1 }, { {}, { 2, 5, 3 }, 2 },
        { '...', { -2, -1 } }, { 6, 5, 4 }, { { 3, 2 } } } do
        local want = x[index]
        local got = f:read('x', index)
        assert.same({ want.shape, want:values() }, { got.shape, got:values() })
        f:set('x', index, want + 1000)
        assert.same(x:at(index):add(1000):values(), f.x:values())
        f:set('x', index, want)
      end
      f:set('x', { { 2, 3 }, 1 }, { 1, 2, 3, 4 })
      assert.same({ { 1, 2, 3, 4 }, { 1, 2, 3, 4 } }, f:read('x', { { 2, 3 }, 1 }):totable())
      f:close()
    end
  end)

  it('reads as a dtype that is asked for', function()
    local f = again(function(f)
      f:write('f', np.array({ 0.5, 1e300 }, 'f64'))
      f:write('i', np.array({ -1, 2 ^ 31 - 1 }, 'i32'))
      f:write('u', np.array({ 1, 2 }, 'u32'))
    end)
    assert.same({ 0.5, 1 / 0 }, f:read('f', {}, 'f32'):values())
    assert.same({ -1, 2 ^ 31 }, f:read('i', {}, 'f32'):values())
    assert.same({ 'i32', 2 }, { f:read('u', 2, 'i32').dtype, f:read('u', 2, 'i32'):item() })
    local wide = hdf5.open 'tests/golden/records/dtypes.h5'
    assert.equal('f64', wide:read('le/i8', { { 1, 3 } , 2 }, 'f64').dtype)
    refuses('hdf5: FILE: "f" holds f64, which cannot be read as i32', function()
      f:read('f', {}, 'i32')
    end)
    refuses('hdf5: FILE: "i" holds integers that u32 does not hold', function()
      f:read('i', {}, 'u32')
    end)
  end)

  it('appends', function()
    for _, opts in ipairs { {}, { compression = 'gzip' }, { chunks = 7, shuffle = true } } do
      local f = hdf5.create(path)
      for i = 1, 5 do f:append('g/x', np.ones { 3, 2 } * i, opts) end
      f:append('g/x', np.zeros { 0, 2 })
      f:append('g/x', { { 6, 6 } })
      f:close()
      f = hdf5.open(path, 'a')
      f:append('g/x', { { 7, 7 } })
      f:append('n', { 1, 2 })
      f = hdf5.open(path) -- another place, while the first one is still open
      assert.same({ 17, 2 }, f['g/x'].shape)
      assert.same({ 5, 6, 7 }, f:read('g/x', { { 15, 17 }, 1 }):values())
      assert.same({ 1, 2 }, f.n:values())
    end
  end)

  it('makes zeros, and groups', function()
    local f = again(function(f)
      f:create_dataset('z', { shape = { 1000, 3 }, dtype = 'i32' })
      f:create_dataset('b', { shape = { 2 }, dtype = 'bool', maxshape = { 4 } })
      f:append('b', { true, true })
      f:create_group('p/q'):write('x', 1)
    end)
    assert.same({ 'i32', 0, { 1000, 3 } }, { f.z.dtype, f.z:sum():item(), f.z.shape })
    assert.same({ false, false, true, true }, f.b:values())
    assert.equal(1, f.p.q.x:item())
    assert.same({ shape = { 4 }, dtype = 'bool' }, f:describe 'b')
  end)

  it('removes', function()
    local f = again(function(f)
      f:write('a/x', 1)
      f:write('y', 2)
      f:set_attributes('y', { a = 1, b = 2 })
      f:remove 'a'
      f:remove('y', 'a')
    end)
    assert.same({ { 'y' }, { b = 2 } }, { f:keys(), f:attributes 'y' })
  end)

  it('writes equal files for equal data', function()
    local bytes = {}
    for i = 1, 2 do
      again(function(f)
        f:write_tree('t', { np.ones { 3 }, a = { 1, 'x' } })
        f:append('x', np.zeros { 3 })
      end)
      local file = io.open(path, 'rb')
      bytes[i] = file:read '*a'
      file:close()
      if i == 1 then os.execute 'sleep 1.1' end -- which a time of writing would show
    end
    assert.is_true(bytes[1] == bytes[2])
  end)
end)

describe('a tree in hdf5', function()
  setup(function() os.execute('mkdir -p ' .. folder) end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  local function round(t)
    return again(function(f) f:write_tree('t', t) end):read_tree 't'
  end

  it('comes back as it was', function()
    local t = {
      { 1, 'a', true }, {}, { { {} } },
      name = { ['1'] = 'one', [-3] = 0.1, ['a/b'] = 'slash', [''] = 1, ['.'] = 2,
        ['%'] = 3, ['имя'] = 4, ['two\nlines'] = 5, ['-x'] = 6, ['5.'] = 7 },
      numbers = { 1, 2.5, 1 / 0 }, yes = { true, false }, words = { 'a', '' }, [7] = 'gap',
      deep = { a = { b = { c = 1 } } }, list = true,
    }
    assert.same(t, round(t))
  end)

  it('keeps Arrays', function()
    local t = round { w = { np.ones { 2, 3 }, { np.array(5, 'i32'), np.zeros { 0 } } },
      key = imnn.random.PRNGKey(3) }
    assert.same({ { 2, 3 }, {}, { 0 } }, { t.w[1].shape, t.w[2][1].shape, t.w[2][2].shape })
    assert.same({ 'i32', 5, 'u32' }, { t.w[2][1].dtype, t.w[2][1]:item(), t.key.dtype })
    assert.same({ 0, 3 }, t.key:values())
  end)

  it('says what cannot be in it', function()
    local f = hdf5.create(path)
    refuses('hdf5: FILE: a/x: cannot be written, it is a function', function()
      f:write_tree('a', { x = print })
    end)
    refuses('hdf5: FILE: b/1/x: cannot be written, it is a table', function()
      f:write_tree('b', { { x = setmetatable({}, {}) } })
    end)
    refuses('hdf5: FILE: c: names are strings and whole numbers, got 0.5', function()
      f:write_tree('c', { [0.5] = 1 })
    end)
    refuses('hdf5: FILE: "d": attribute "x": a string holds a zero byte, where HDF5 ends it',
      function() f:write_tree('d', { x = 'a\0b' }) end)
    local loop = {}
    loop[1] = loop
    assert.matches('tables more than 50 deep, or in themselves$', message(function()
      f:write_tree('e', loop)
    end))
    refuses('write_tree: needs a table, got number', function() f:write_tree('f', 3) end)
    refuses('read_tree: "g" is not a group', function()
      f:write('g', 1)
      f:read_tree 'g'
    end)
    f:close()
  end)
end)

describe('a new hdf5 file', function()
  setup(function() os.execute('mkdir -p ' .. folder) end)
  before_each(function() os.remove(path) end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('is there when it is closed, and leaves an old one alone until then', function()
    hdf5.create(path, function(f) f:write('x', 1) end)
    local f = hdf5.create(path)
    f:write('x', 2)
    assert.equal(2, #listing())
    assert.equal(1, hdf5.open(path).x:item())
    f:close()
    assert.same({ 'a.h5' }, listing())
    assert.equal(2, hdf5.open(path).x:item())
  end)

  it('is not there after an error', function()
    assert.equal('oh', message(function()
      hdf5.create(path, function(f)
        f:write('x', 1)
        error('oh', 0)
      end)
    end))
    assert.same({}, listing())
  end)

  it('is not there if nobody closes it, which is said', function()
    local stderr, said = io.stderr, nil
    io.stderr = { write = function(_, text) said = text end } -- luacheck: ignore
    do hdf5.create(path):write('x', 1) end
    collectgarbage()
    collectgarbage()
    io.stderr = stderr -- luacheck: ignore
    assert.equal(('hdf5: %s: was not closed, so it is not there\n'):format(path), said)
    assert.same({}, listing())
  end)

  it('takes away what a killed process has left', function()
    local process = io.popen 'sh -c "echo $$"'
    local dead = process:read '*n'
    process:close()
    local machine = io.popen('hostname'):read '*l'
    local alive = io.popen('sh -c "echo $PPID"'):read '*n'
    for _, name in ipairs { ('a.h5.%s-%d-1.tmp'):format(machine, dead),
      ('a.h5.%s-%d-1.tmp'):format(machine, alive), ('a.h5.elsewhere-%d-1.tmp'):format(dead),
      ('b.h5.%s-%d-1.tmp'):format(machine, dead), ('a.h5.%s-%d-1.tmpx'):format(machine, dead) } do
      io.open(folder .. '/' .. name, 'w'):close()
    end
    hdf5.create(path, function() end)
    assert.equal(5, #listing())
    assert.is_nil(io.open(('%s.%s-%d-1.tmp'):format(path, machine, dead)))
    os.execute('rm ' .. folder .. '/*')
  end)

  it('says what is wrong with its place', function()
    local function creates(name, why)
      assert.matches(why, message(function() hdf5.create(name) end))
    end
    creates('/no/such/folder/a.h5', '/no/such/folder/a.h5: cannot be written: No such file or dire')
    creates(folder, folder .. ': is a directory')
    creates('', 'hdf5: the name of a file is empty')
    assert.matches('hdf5.create: the path must be a string, got number', message(function()
      hdf5.create(3)
    end))
    refuses('hdf5.open: mode is "a" or "r" or "r+" or "w", got "x"', function()
      hdf5.open(path, 'x')
    end)
  end)
end)

describe('hdf5 writing says what is wrong:', function()
  local f
  setup(function()
    os.execute('mkdir -p ' .. folder)
    f = hdf5.create(path)
    f:write('x', np.zeros { 3, 2 })
    f:append('grows', np.zeros { 3, 2 })
    f:write('limited', np.zeros { 3 }, { maxshape = { 4 } })
    f:write('text', 'abc')
    f:write('g/y', np.array({ 1, 2 }, 'i32'))
  end)
  teardown(function()
    f:close()
    os.execute('rm -r ' .. folder)
  end)

  for what, row in pairs {
    ['a name that is taken'] = { 'hdf5: FILE: there is a "x" already', function()
      f:write('x', 1)
    end },
    ['a group that is there'] = { 'hdf5: FILE: there is a "g" already', function()
      f:create_group 'g'
    end },
    ['a dataset as a group'] = { 'hdf5: FILE: "x" is not a group', function()
      f:write('x/y', 1)
    end },
    ['no name'] = { 'hdf5: FILE: the name of a dataset or group is empty', function()
      f:write('', 1)
    end },
    ['a function'] = { 'hdf5: FILE: "z": arrays, numbers, booleans and strings can be written, not '
      .. 'a function', function() f:write('z', print) end },
    ['nothing'] = { 'hdf5: FILE: "z": arrays, numbers, booleans and strings can be written, not '
      .. 'nil', function() f:write 'z' end },
    ['ragged strings'] = { 'hdf5: FILE: "z": a ragged table of strings', function()
      f:write('z', { { 'a', 'b' }, { 'c' } })
    end },
    ['other sizes'] = { 'hdf5: FILE: "grows": an array (1, 3) does not go behind (3, 2)', function()
      f:append('grows', np.zeros { 1, 3 })
    end },
    ['another dtype'] = { 'hdf5: FILE: "grows" holds f32, not f64', function()
      f:append('grows', np.zeros({ 1, 2 }, 'f64'))
    end },
    ['a dataset that does not grow'] = { 'hdf5: FILE: "x" cannot grow to more than 3 records; one '
      .. 'that is made by append, or with maxshape = { math.huge, ... }, can',
      function() f:append('x', np.zeros { 1, 2 }) end },
    ['growing too far'] = { 'hdf5: FILE: "limited" cannot grow to more than 4 records; one that '
      .. 'is made by append, or with maxshape = { math.huge, ... }, can', function()
      f:append('limited', np.zeros { 2 })
    end },
    ['numbers behind text'] = { 'hdf5: FILE: "text" holds text, not f32', function()
      f:append('text', np.zeros { 1 })
    end },
    ['a part outside'] = { 'set: index: range 2 to 4 leaves axis 1, which has 3 elements',
      function() f:set('x', { { 2, 4 } }, 0) end },
    ['a part by arrays'] = { 'hdf5: FILE: "x": of files, numbers and ranges choose, not arrays',
      function() f:read('x', { np.array({ 1, 2 }, 'i32') }) end },
    ['a part backwards'] = { 'hdf5: FILE: "x": a range goes forward, got the step -1', function()
      f:read('x', { { 3, 1, -1 } })
    end },
    ['a value of another shape'] = { 'set: broadcast: (3) does not stretch to (2, 2)', function()
      f:set('x', { { 1, 2 } }, { 1, 2, 3 })
    end },
    ['chunks of other axes'] = { 'write: chunks has 1 sizes, the data set 2', function()
      f:write('z', np.zeros { 2, 2 }, { chunks = { 1 } })
    end },
    ['an empty chunk'] = { 'hdf5: FILE: "z": an empty chunk, axis 1', function()
      f:write('z', np.zeros { 2, 2 }, { chunks = { 0, 1 } })
    end },
    ['a limit below the size'] = { 'hdf5: FILE: "z": is larger than its limit, axis 1', function()
      f:write('z', np.zeros { 2, 2 }, { maxshape = { 1, 2 } })
    end },
    ['no such compression'] = { 'write: compression is 0 (none) to 9 (smallest), got 10',
      function() f:write('z', np.zeros { 2 }, { compression = 10 }) end },
    ['an attribute of nothing'] = { 'hdf5: FILE: no "z" in "/"', function()
      f:set_attributes('z', { a = 1 })
    end },
    ['a name of an attribute'] = { 'set_attributes: names are strings, got 1', function()
      f:set_attributes('x', { 1 })
    end },
    ['removing nothing'] = { 'hdf5: FILE: no "z" in "/"', function() f:remove 'z' end },
    ['removing the root'] = { 'hdf5: FILE: the root group stays', function() f:remove '/' end },
    ['removing no attribute'] = { 'hdf5: FILE: "x" has no attribute "a"', function()
      f:remove('x', 'a')
    end },
  } do
    it(what, function()
      refuses(row[1], row[2])
      assert.is_false(f:has 'z')
    end)
  end

  it('a file that is only read, or closed', function()
    local other = folder .. '/b.h5'
    hdf5.create(other, function(g) g:write('x', 1) end)
    local g = hdf5.open(other)
    assert.matches('b.h5: is open for reading only$', message(function() g:write('y', 1) end))
    g:close()
    assert.matches('b.h5: is closed$', message(function() g:write('y', 1) end))
    assert.matches('b.h5: is closed$', message(function() return g.x end))
    assert.matches('missing.h5: No such file or directory$', message(function()
      hdf5.open(folder .. '/missing.h5', 'r+')
    end))
  end)
end)
