-- Datasets of HDF5 files as readers: the same as what is read at once.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, hdf5 = imnn.np, imnn.data.hdf5

local folder = 'tests/golden/records/'
local path = os.tmpname()

-- Equal bits, but for NaN.
local function same(want, got)
  assert.same({ want.dtype, want.shape }, { got.dtype, got.shape })
  local a, b = want:values(), got:values()
  for i = 1, #a do
    if type(a[i]) == 'cdata' then assert(tostring(a[i]) == tostring(b[i]), i)
    else assert(a[i] == b[i] or a[i] ~= a[i] and b[i] ~= b[i], i) end
  end
end

local function compare(file, name, dtype)
  local r = hdf5.reader(file, name, dtype)
  local want = hdf5.open(file):read(name, {}, dtype)
  same(want, r:read())
  for i = 1, r.count do
    same(want[{ { i, i } }], r:read(i))
    same(want[{ { i, -1 } }], r:read(i, -1))
  end
end

local function refuses(fn, why)
  local said = message(fn):gsub('^(tests/lua/hdf5_reader_spec.lua):%d+:', '%1:')
  assert.equal('tests/lua/hdf5_reader_spec.lua: ' .. why, said)
end

describe('a reader of hdf5', function()
  teardown(function() os.remove(path) end)

  for _, kind in ipairs { 'f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'u1', 'u2', 'u4' } do
    it('reads ' .. kind, function()
      compare(folder .. 'dtypes.h5', 'le/' .. kind)
      if kind:find '[248]' then compare(folder .. 'dtypes.h5', 'be/' .. kind) end
    end)
  end

  it('reads other dtypes', function()
    local file = folder .. 'dtypes.h5'
    compare(file, 'complex/c8')
    compare(file, 'le/f8', 'f32')
    compare(file, 'be/f4', 'f64')
    compare(file, 'le/i2', 'f32')
    compare(file, 'le/u1', 'u32')
    compare(folder .. 'layouts.h5', 'contiguous')
  end)

  it('reads through every layout and filter', function()
    for _, name in ipairs { 'contiguous', 'compact', 'chunked', 'gzip', 'shuffle_only',
      'fletcher32', 'be_gzip', 'virtual', 'all_filters', 'shuffle_gzip' } do
      if hdf5.open(folder .. 'layouts.h5'):has(name) then compare(folder .. 'layouts.h5', name) end
    end
    compare(folder .. 'userblock.h5', hdf5.open(folder .. 'userblock.h5'):keys()[1])
  end)

  it('reads what is written, of every dtype', function()
    for _, dtype in ipairs { 'f32', 'f64', 'i32', 'u32', 'bool', 'c64', 'c128' } do
      hdf5.create(path, function(f)
        local x = np.array(np.arange(0, 600), dtype):reshape { 100, 3, 2 }
        f:write('plain', x)
        f:write('packed', x, { compression = 1, chunks = 7 })
        f:write('cut', x, { chunks = { 33, 2, 1 } })
        f:write('none', x[{ { 2, 1 } }])
        f:write('flat', np.zeros { 3, 0 })
      end)
      for _, name in ipairs { 'plain', 'packed', 'cut', 'none', 'flat' } do compare(path, name) end
    end
  end)

  it('caches chunks that are large', function()
    local row = np.arange(0, 2000, 1, 'f32')
    local x = np.sin(row * np.arange(0, 1000, 1, 'f32'):reshape { 1000, 1 })
    hdf5.create(path, function(f) f:write('x', x, { compression = 1, chunks = { 500, 2000 } }) end)
    local r, start = hdf5.reader(path, 'x'), imnn.seconds()
    for i = 1, 500 do r:read(i) end
    assert(imnn.seconds() - start < 2) -- it takes 10 s to take the chunk apart for each record
    same(x[{ { 499, 502 } }], r:read(499, 502))
  end)

  it('is what groups give, too, and lets others write', function()
    hdf5.create(path, function(f) f:append('a/x', np.arange(3)) end)
    local r = hdf5.open(path).a:reader 'x'
    assert.equal(path .. ': "a/x"', r.name)
    assert.same({ 0, 1, 2 }, r:read():values())
    local f = hdf5.create(path)
    f:write('x', np.arange(4))
    refuses(function() f:reader 'x' end,
      'hdf5: ' .. path .. ': is not closed yet, so its records cannot be read')
    f:close()
    r = hdf5.reader(path, 'x')
    hdf5.open(path, 'r+'):set('x', 1, 5)
    assert.same({ 5, 1, 2, 3 }, r:read():values())
  end)

  it('says what is wrong', function()
    local file = folder .. 'dtypes.h5'
    refuses(function() hdf5.reader(file, 'le/i8') end, 'hdf5: ' .. file .. ': "le/i8" holds 64-bit '
      .. 'integers; say whether they are to be read as i32, u32, f32 or f64')
    refuses(function() hdf5.reader(file, 'no') end, 'hdf5: ' .. file .. ': no "no" in "/"')
    refuses(function() hdf5.reader(file, 'le') end,
      'hdf5: ' .. file .. ': "le" is not a dataset')
    refuses(function() hdf5.reader(file, 'le/f4', 'i32') end,
      'hdf5: ' .. file .. ': "le/f4" holds f32, which cannot be read as i32')
    file = folder .. 'bad_fletcher.h5'
    local r = hdf5.reader(file, 'x')
    for where, range in pairs { ['; in records 101 to 200'] = {}, ['; record 150'] = { 150 },
      ['; in records 101 to 120'] = { 90, 120 } } do
      refuses(function() r:read(unpack(range)) end, ('hdf5: %s: "x": data error detected by '
        .. 'Fletcher32 checksum%s, chunk at offset 3900'):format(file, where))
    end
    assert.equal(100, #r:read(1, 100))
    file = folder .. 'strings.h5'
    refuses(function() hdf5.reader(file, 'fixed_null_pad') end,
      'hdf5: ' .. file .. ': "fixed_null_pad" holds text, not numbers')
    hdf5.create(path, function(f)
      f:write('x', np.zeros { 100, 100 })
      f:write('s', 1)
    end)
    refuses(function() hdf5.reader(path, 's') end,
      'hdf5: ' .. path .. ': "s" has no axis along which records lie')
    r = hdf5.reader(path, 'x')
    os.execute(('truncate -s 20000 %s'):format(path))
    assert.matches(': "x": record 45, offset 20000: the file ends there, and the data at 42048$',
      message(function() r:read() end))
    assert.same({ 10, 100 }, r:read(1, 10).shape)
    hdf5.create(path, function(f) f:write('x', np.zeros { 100, 100 }) end)
    r = hdf5.reader(path, 'x', 'f64') -- by the library
    os.execute(('truncate -s 20000 %s'):format(path))
    assert.matches(': "x": it was cut: it has 20000 bytes of 42048; record 45, offset 19648$',
      message(function() r:read() end))
  end)

  it('refuses a file that is cut anywhere', function()
    hdf5.create(path, function(f)
      f:write('x', np.arange(1, 9, 1, 'f32'):reshape { 4, 2 })
      f:write('y', np.arange(1, 9, 1, 'f32'):reshape { 4, 2 }, { compression = 1 })
      f:set_attributes('x', { units = 'K' })
    end)
    local file = io.open(path, 'rb')
    local bytes = file:read '*a'
    file:close()
    local function all()
      local f = hdf5.open(path)
      local _, text = f:attributes('x').units, tostring(f)
      return f.x:values(), f.y:values(), hdf5.reader(path, 'x'):read():values(), text
    end
    local x = all()
    assert(#bytes > 2000)
    for n = 0, #bytes - 1 do
      os.remove(path) -- one that is truncated instead goes to the disk when it is closed
      file = io.open(path, 'wb')
      file:write(bytes:sub(1, n))
      file:close()
      local ok, got, packed, records = pcall(all)
      if ok then assert.same({ x, x, x }, { got, packed, records }) end
      assert(not ok or n > 2000, n)
    end
  end)
end)
