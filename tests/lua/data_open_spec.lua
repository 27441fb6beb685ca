-- Data sets from files: the format by content, names, seeds, several files.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, data = imnn.np, imnn.data

local folder = os.tmpname()

local function at(name) return folder .. '/' .. name end

local function refuses(fn, why)
  assert.equal('tests/lua/data_open_spec.lua: ' .. why, (message(fn):gsub(
    '^(tests/lua/data_open_spec.lua):%d+:', '%1:'):gsub(folder:gsub('%p', '%%%0'), 'HERE')))
end

local x = np.arange(0, 30, 1, 'f32'):reshape { 10, 3 }
local y = np.arange(10, 20, 1, 'f32')

local function write(name, values)
  local f = data.hdf5.open(at(name), 'w')
  for key, value in pairs(values) do f:write(key, value) end
  f:close()
end

describe('open', function()
  setup(function()
    os.remove(folder)
    os.execute('mkdir ' .. folder)
    write('one.h5', { x = x })
    write('two.h5', { x = x, ['deep/y'] = y, seed = np.arange(1, 11, 1, 'i32') })
    write('part_9.h5', { x = x[{ { 1, 4 } }], seed = np.array({ 1, 2, 3, 4 }, 'i32') })
    write('part_10.h5', { x = x[{ { 5, 10 } }], seed = np.arange(5, 11, 1, 'i32') })
    np.save(at 'x.npy', x)
    np.savez(at 'both.npz', { x = x, y = y })
    local file = io.open(at 'text.txt', 'w')
    file:write 'these are no records'
    file:close()
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('reads HDF5', function()
    local ds = data.open(at 'one.h5')
    assert.same({ 10, { 3 } }, { ds.count, ds.shapes })
    assert.same(x:totable(), ds:array():totable())
    local both = data.open(at 'two.h5', { name = { data = 'x', target = { 'deep/y' } } })
    assert.same({ 12, { 6, 7, 8 } }, { both[3].target[1]:item(), both[3].data:totable() })
    assert.same({ 10, 11 }, data.open(at 'two.h5', { name = 'deep/y' }):take(2):array():totable())
    assert.equal('f64', data.open(at 'one.h5', { dtype = 'f64' }).dtypes)
    refuses(function() data.open(at 'two.h5') end,
      "open: HERE/two.h5 holds deep/y, x; say which: name = 'deep/y', or a tree of names")
  end)

  it('reads npy and npz', function()
    assert.same(x:totable(), data.open(at 'x.npy'):array():totable())
    local ds = data.open(at 'both.npz', { name = { 'x', 'y' } })
    assert.same({ 19, { 27, 28, 29 } }, { ds[-1][2]:item(), ds[-1][1]:totable() })
    assert.equal(20, data.open({ at 'x.npy', at 'x.npy' }).count)
  end)

  it('reads TFRecords', function()
    imnn.TFRecords():write_record { n_sims = 5, filename = at 'fiducial',
      get_simulation = function(seed) return np.full({ 3 }, seed) end }
    local ds = data.open(at 'fiducial_*.tfrecords', { shape = { 3 } })
    assert.same({ 5, { 4, 4, 4 } }, { ds.count, ds[5]:totable() })
    local wrong = { shape = { 3 }, kind = 'fidcial' }
    refuses(function() data.open(at 'fiducial_*.tfrecords', wrong) end,
      'open: kind is "derivative" or "fiducial" or "numerical", got "fidcial"; did you mean '
      .. '"fiducial"?')
  end)

  it('reads several files in the order of the numbers in their names', function()
    local ds = data.open(at 'part_*.h5')
    assert.same(x:totable(), ds:array():totable())
    assert.same(ds:array():totable(), data.open { at 'part_9.h5', at 'part_10.h5' }:array()
      :totable())
    refuses(function() data.open { at 'part_9.h5', at 'part_10.h5', at 'part_9.h5' } end,
      'open: records 1 and 11 have the seed 1, the second of them in HERE/part_9.h5; '
      .. 'seed = false does not look')
    assert.equal(14, data.open({ at 'part_9.h5', at 'part_10.h5', at 'part_9.h5' },
      { seed = false }).count)
  end)

  it('does not wait for a pipe', function() -- nor does anything else that opens files
    os.execute('mkfifo ' .. at 'pipe')
    refuses(function() data.open(at 'pipe') end,
      'open: HERE/pipe: is no file, but a pipe or a device')
    refuses(function() np.load(at 'pipe') end, 'npy: HERE/pipe: is no file')
    refuses(function() data.hdf5.open(at 'pipe') end, 'hdf5: HERE/pipe: is no file')
    refuses(function() imnn.load(at 'pipe', {}) end, 'hdf5: HERE/pipe: is no file')
    refuses(function()
      data.write_simulations { path = at 'pipe', n_s = 4, theta_fid = { 1 }, progress = false,
        simulator = function(_, t) return t end, key = imnn.random.PRNGKey(0) }
    end, 'hdf5: HERE/pipe: is no file')
  end)

  it('says what an empty or unfinished file is', function()
    local path = at 'none'
    local function put(name, text)
      local file = assert(io.open(at(name), 'w'))
      file:write(text)
      file:close()
    end
    put('none', '')
    refuses(function() data.open(path) end, 'open: HERE/none: is empty; if it is a TFRecord file '
      .. 'without records, say format = "tfrecord"')
    assert.equal(0, data.open(path, { format = 'tfrecord', shape = { 3 } }).count)
    for _, format in ipairs { 'hdf5', 'npy', 'npz' } do
      refuses(function() data.open(path, { format = format }) end,
        format .. ': HERE/none: is empty')
    end
    put('fiducial_00001.tfrecords', '') -- as the Python IMNN leaves them
    assert.equal(5, data.open(at 'fiducial_*.tfrecords', { shape = { 3 } }).count)
    os.remove(at 'fiducial_00001.tfrecords')
    refuses(function() data.open { at 'x.npy', path } end, 'open: HERE/none: is empty; if it is a '
      .. 'TFRecord file without records, say format = "tfrecord"')
    local file = assert(io.open(at 'one.h5', 'rb'))
    local whole = file:read '*a'
    file:close()
    for name, advice in pairs {
      ['cut.h5'] = '', ['cut.h5.x.tmp'] = '',
      ['cut.h5.part'] = '; it is what write_simulations has begun: call it again and it goes on, '
        .. 'or remove the file',
      ['cut.h5.vm-12-3.tmp'] = '; somebody is writing it, or was killed while doing so: wait, or '
        .. 'remove it',
    } do
      put(name, whole:sub(1, 1000))
      refuses(function() data.open(at(name)) end, ('hdf5: HERE/%s: does not open: it is cut: it '
        .. 'has 1000 bytes of %d%s'):format(name, #whole, advice))
      os.remove(at(name))
    end
    os.remove(path)
  end)

  it('says what is wrong', function()
    refuses(function() data.open(at 'nothing_*.h5') end,
      'open: HERE/nothing_*.h5: no file has such a name')
    refuses(function() data.open(at 'gone.h5') end,
      'open: HERE/gone.h5: No such file or directory')
    refuses(function() data.open(at '.') end,
      'open: HERE/.: is a directory; its files are "HERE/./*"')
    refuses(function() data.open { at 'one.h5', at 'x.npy' } end,
      'open: HERE/one.h5 is hdf5, HERE/x.npy is npy')
    refuses(function() data.open(at 'text.txt') end, 'open: HERE/text.txt is neither HDF5, npy '
      .. 'nor npz; if it is TFRecord, say the shape of one record, shape = { 10 }')
    refuses(function() data.open(at 'one.h5', { shape = { 3 } }) end,
      'open: HERE/one.h5 is hdf5, which knows no shape')
    refuses(function() data.open {} end,
      'open: files are a path, a pattern or a list of them, got an empty table')
  end)
end)
