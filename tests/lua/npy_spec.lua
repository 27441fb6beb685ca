-- npy and npz files: those of NumPy, and ours.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, data, hdf5 = imnn.np, imnn.data, imnn.data.hdf5

local folder = 'tests/golden/records/'
local expected = hdf5.open(folder .. 'expected_npy.h5')
local scratch = os.tmpname()
os.remove(scratch)

local function bytes_of(path)
  local file = io.open(path, 'rb')
  local bytes = file:read '*a'
  file:close()
  return bytes
end

local function write(path, bytes)
  os.remove(path) -- one that is truncated instead goes to the disk when it is closed
  local file = io.open(path, 'wb')
  file:write(bytes)
  file:close()
end

-- Equal, bit for bit but for NaN.
local function same(want, got)
  assert.same({ want.dtype, want.shape }, { got.dtype, got.shape })
  local a, b = want:data(), got:data()
  local bytes = want.size * ({ f32 = 4, f64 = 8, i32 = 4, u32 = 4, bool = 1, c64 = 8, c128 = 16 })[
    want.dtype]
  if ffi.string(a, bytes) == ffi.string(b, bytes) then return end
  a, b = want:values(), got:values()
  for i = 1, #a do
    local x, y = a[i], b[i]
    assert(x == y and 1 / x == 1 / y or x ~= x and y ~= y, i)
  end
end

-- Expected booleans are 0 and 1.
local function wanted(x, got)
  return got.dtype == 'bool' and np.array(x, 'bool') or x
end

-- A reader gives each record, and several.
local function by_records(r, want)
  assert.same({ want.shape[1], want.dtype }, { r.count, r.dtype })
  same(want, r:read())
  for i = 1, math.min(r.count, 20) do
    same(want[{ { i, i } }], r:read(i))
    same(want[{ { i, -1 } }], r:read(i, -1))
  end
end

local function refuses(why, fn)
  local said = message(fn):gsub('^(tests/lua/npy_spec.lua):%d+:', '%1:')
  assert.equal('tests/lua/npy_spec.lua: ' .. why:gsub('FILE', scratch), said)
end

describe('npy files of NumPy', function()
  for name, group in expected.npy:each() do
    it('are read: ' .. name, function()
      local path = folder .. 'npy/' .. name
      if name == 'dims32_i4.npy' then
        assert.matches('npy: .*dims32_i4.npy: has 32 axes, arrays have at most 8$',
          message(function() np.load(path) end))
        return
      end
      if name:find '^[bl]e_[iu]8' then
        assert.matches('holds 64%-bit integers that no dtype holds exactly$',
          message(function() np.load(path) end))
        local got = np.load(path, 'f64')
        same(group:read('values', {}, 'f64'), got)
        by_records(data.npy.reader(path, 'f64'), got)
        return
      end
      local got = np.load(path)
      local want = wanted(group.values, got)
      same(want, got)
      if #want.shape == 0 then return end
      if group:describe('values').dtype ~= want.dtype or name:find 'i8' then
        by_records(data.npy.reader(path, want.dtype), want)
      else
        by_records(data.npy.reader(path), want)
      end
    end)
  end

  it('are read as dtypes that are asked for', function()
    for _, row in ipairs { { 'le_i2', 'f32' }, { 'le_u1', 'u32' }, { 'be_f8', 'f32' },
      { 'le_f4', 'f64' }, { 'le_u2', 'i32' }, { 'fortran_i4', 'f64' }, { 'fortran_be_f8', 'f32' },
      { 'complex_c8', 'c128' } } do
      local path = folder .. 'npy/' .. row[1] .. '.npy'
      local want = np.load(path):astype(row[2])
      same(want, np.load(path, row[2]))
      by_records(data.npy.reader(path, row[2]), want)
    end
    assert.matches('le_i4.npy: holds integers that u32 does not hold$', message(function()
      np.load(folder .. 'npy/le_i4.npy', 'u32')
    end))
    assert.matches('le_f4.npy: holds f32, which cannot be read as i32$', message(function()
      np.load(folder .. 'npy/le_f4.npy', 'i32')
    end))
  end)
end)

describe('npz files of NumPy', function()
  for name, group in expected.npz:each() do
    it('are read: ' .. name, function()
      local path = folder .. 'npy/' .. name
      local f = np.load(path)
      local names = group:attributes().names
      local values = group:has 'values' and group.values:keys() or {}
      assert.equal(#values, #f:keys())
      for i, key in ipairs(values) do
        local member = names and names[tonumber(key) + 1] or key
        local got = f:read(member)
        same(wanted(group.values[key], got), got)
        if got.ndim > 0 then by_records(f:reader(member, got.dtype), got) end
        assert(f:has(member), i)
      end
    end)
  end

  it('are objects with arrays', function()
    local f = np.load(folder .. 'npy/stored.npz')
    assert.same({ 20, 4 }, f.x.shape)
    assert.equal('npz ' .. folder .. 'npy/stored.npz: be, empty, flag, fort, scalar, seed, theta, '
      .. 'x', tostring(f))
    local n = 0
    for name, x in f:each() do
      assert(name and x.shape)
      n = n + 1
    end
    assert.equal(8, n)
    assert.equal(20, data.npz.reader(folder .. 'npy/deflated.npz', 'theta').count)
    assert.matches('stored.npz: holds no array "nothing"$', message(function()
      return f.nothing
    end))
    assert.matches('stored.npz: a name must be a string, got number$', message(function()
      return f[1]
    end))
    f:close()
    assert.matches('stored.npz: is closed$', message(function() return f.x end))
    assert.matches('closed$', tostring(f))
  end)
end)

describe('damaged npy and npz files', function()
  local sentences = {
    ['bad_code.npy'] = 'a size was expected',
    ['bad_object.npy'] = 'holds pickled objects, which are not supported',
    ['bad_struct.npy'] = 'holds structures, which are not supported',
    ['bad_unicode.npy'] = 'holds strings, which are not supported',
    ['bad_datetime.npy'] = 'holds dates or times, which are not supported',
    ['bad_longdouble.npy'] = 'holds floats of more than 8 bytes, which are not supported',
    ['bad_negative.npy'] = 'a size is negative',
    ['bad_data_cut.npy'] = 'the data end too early',
    ['bad_crc.npz'] = 'its checksum is wrong',
    ['bad_deflate.npz'] = 'the packed data are damaged',
    ['bad_bzip2.npz'] = 'is compressed otherwise than by deflate',
    ['bad_local.npz'] = 'no member begins here',
  }
  local n = 0
  for line in io.lines(folder .. 'npy_damaged.csv') do
    local name, verdict = line:match '^(bad_[%w_]+%.np[yz]),.*,([%w%-]+),'
    if name and (line:match ',refuse,' or line:match ',error,') then verdict = 'error' end
    if name then
      n = n + 1
      it('give a sentence: ' .. name, function()
        local path = folder .. 'npy/' .. name
        local ok, why = pcall(function()
          local f = np.load(path)
          if name:find '%.npz$' then
            for _ in f:each() do end
          end
        end)
        if verdict == 'error' then assert(not ok, 'is read') end
        if not ok then
          assert.matches('^tests/lua/npy_spec.lua:%d+: np[yz]: .*' .. name:gsub('%p', '%%%0'), why)
          assert(not sentences[name] or why:find(sentences[name], 1, true), why)
        end
        if name:find '%.npy$' then
          assert.equal(ok, (pcall(data.npy.reader, path)))
        end
      end)
    end
  end

  it('are all tried', function() assert.equal(35, n) end)

  it('beside a member that is none give the good one', function()
    assert.same({ 3, 5 }, np.load(folder .. 'npy/bad_not_npy.npz').x.shape)
  end)

  it('cut at any byte give an error', function()
    for _, name in ipairs { 'fortran_be_f8.npy', 'version3_f4.npy' } do
      local bytes = bytes_of(folder .. 'npy/' .. name)
      for i = 0, #bytes - 1 do
        write(scratch, bytes:sub(1, i))
        assert(not pcall(np.load, scratch), i)
        assert(not pcall(data.npy.reader, scratch), i)
      end
    end
    for _, name in ipairs { 'zip_plain.npz', 'zip_stream.npz' } do
      local bytes = bytes_of(folder .. 'npy/' .. name)
      for i = 0, #bytes - 1 do
        write(scratch, bytes:sub(1, i))
        assert(not pcall(data.npz.open, scratch), i)
      end
    end
  end)

  it('with any byte changed are read right, or not at all', function()
    local bytes = bytes_of(folder .. 'npy/zip_stream.npz')
    local x = np.load(folder .. 'npy/zip_stream.npz').x
    for i = 1, #bytes do
      local changed = string.char((bytes:byte(i) + 64) % 256)
      write(scratch, bytes:sub(1, i - 1) .. changed .. bytes:sub(i + 1))
      local ok, got = pcall(function() return data.npz.open(scratch):read 'x' end)
      if ok then same(x, got) end
    end
  end)

  it('that end while they are read, too', function()
    np.save(scratch .. '.npy', np.arange(0, 1000, 1, 'f32'):reshape { 100, 10 })
    local r = data.npy.reader(scratch .. '.npy')
    os.execute(('truncate -s 2000 %s.npy'):format(scratch))
    assert.matches('%.npy: offset 2000: the file ends there$', message(function() r:read() end))
    os.remove(scratch .. '.npy')
  end)

  it('that are none', function()
    os.remove(scratch)
    for _, kind in ipairs { 'npy', 'npz' } do
      refuses(kind .. ': FILE/x.' .. kind .. ': No such file or directory', function()
        np.load(scratch .. '/x.' .. kind)
      end)
    end
    assert.matches('npy: /tmp: is a directory$', message(function() np.load '/tmp' end))
    assert.matches('npy: /dev/zero: is no file$', message(function() np.load '/dev/zero' end))
  end)
end)

describe('npy and npz files that are written', function()
  teardown(function() os.execute(('rm -f %s %s.np[yz]'):format(scratch, scratch)) end)

  local function arrays()
    local out = {}
    for _, dtype in ipairs { 'f32', 'f64', 'i32', 'u32', 'bool', 'c64', 'c128' } do
      for _, shape in ipairs { {}, { 1 }, { 0, 3 }, { 2, 3 }, { 1, 2, 1, 3, 1, 2, 1, 2 } } do
        local size = 1
        for _, n in ipairs(shape) do size = size * n end
        local x = np.sin(np.arange(size) + 1):reshape(shape)
        if dtype:find '^c' then x = x + 2i * x end
        out[('%s_%d_%d'):format(dtype, #shape, size)] = np.array(x * 100, dtype)
      end
    end
    return out
  end

  it('come back as they were', function()
    for _, x in pairs(arrays()) do
      np.save(scratch, x)
      same(x, np.load(scratch .. '.npy'))
    end
    np.save(scratch .. '.npy', { { 1, 2 } })
    assert.same({ { 1, 2 } }, np.load(scratch .. '.npy'):totable())
  end)

  it('are as NumPy writes them', function()
    for _, name in ipairs { 'le_f4', 'le_f8', 'le_bool', 'le_i4', 'le_u4', 'complex_c8', 'one_f4',
      'zero_d_f4', 'empty_1_f4', 'dims8_f4', 'complex_c16', 'big_f4' } do
      local path = folder .. 'npy/' .. name .. '.npy'
      np.save(scratch, np.load(path))
      assert.is_true(bytes_of(path) == bytes_of(scratch .. '.npy'), name)
    end
  end)

  it('hold many arrays, compressed or not', function()
    for _, save in ipairs { np.savez, np.savez_compressed } do
      local all = arrays()
      all['a/b'], all['имя'], all[1] = np.zeros { 1000 }, np.ones { 2 }, 7
      save(scratch, all)
      local f, n = np.load(scratch .. '.npz'), 0
      for name, x in pairs(all) do
        n = n + 1
        if name ~= 1 then same(x, f:read(name)) end
      end
      assert.equal(n, #f:keys())
      assert.equal(7, f.arr_0:item())
    end
    np.savez_compressed(scratch, { x = np.zeros { 100000 } })
    assert(#bytes_of(scratch .. '.npz') < 2000)
    np.savez(scratch, {})
    assert.same({}, np.load(scratch .. '.npz'):keys())
  end)

  it('are not put in the place of a pipe; of a link, where it leads', function()
    local pipe, link, file = scratch .. 'p.npy', scratch .. 'l.npy', scratch .. 'f.npy'
    assert.equal(0, os.execute(('mkfifo %s && ln -s %s %s'):format(pipe, file, link)))
    for who, save in pairs { npy = np.save, text = np.savetxt } do
      assert.matches(who .. ': .*p.npy: is a device or a pipe, not a file$',
        message(function() save(pipe, { 1 }) end))
    end
    assert.matches('tfrecord: .*p.npy: is a device or a pipe, not a file$', message(function()
      imnn.data.tfrecord.write(pipe, { { a = { 1 } } })
    end))
    assert.equal(0, os.execute('test -p ' .. pipe))
    np.save(file, { 1 })
    np.save(link, { 2 })
    assert.equal(2, np.load(file):item())
    assert.equal(0, os.execute('test -L ' .. link))
    for _, path in ipairs { pipe, link, file } do os.remove(path) end
  end)

  it('are not there if something is wrong', function()
    os.remove(scratch)
    refuses('npy: FILE/no/x.npy: cannot be written: No such file or directory', function()
      np.save(scratch .. '/no/x', 1)
    end)
    refuses('npz: FILE/no/x.npz: cannot be written: No such file or directory', function()
      np.savez(scratch .. '/no/x', { 1 })
    end)
    refuses('np.savez: there are two arrays "arr_0"', function()
      np.savez(scratch .. 'q', { 1, arr_0 = 2 })
    end)
    refuses('np.savez: names are strings, got 0.5', function() np.savez(scratch, { [0.5] = 1 }) end)
    assert.matches('npz: .*: a name is too long', message(function()
      np.savez(scratch .. 'q', { a = 1, [('x'):rep(2000)] = 1 })
    end))
    assert.is_nil(io.open(scratch .. 'q.npz'))
    assert.matches('np.save: a traced array has no value yet$', message(function()
      imnn.jit(function(x)
        np.save(scratch, x)
        return x
      end)(np.ones(2))
    end))
  end)
end)
