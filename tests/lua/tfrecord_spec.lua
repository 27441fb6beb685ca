-- TFRecord files: golden ones, damaged ones, and what we write.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, data = imnn.np, imnn.data
local tfrecord = data.tfrecord
local folder = 'tests/golden/tfrecord/'
local C = imnn.core.C


local function read_file(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read '*a'
  file:close()
  return text
end

local function write_file(path, text)
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

local sizes = { f32 = 4, f64 = 8 }

local function bytes_of(x) return ffi.string(x:data(), x.size * sizes[x.dtype]) end

local function from_hex(hex)
  return (hex:gsub('%x%x', function(two) return string.char(tonumber(two, 16)) end))
end

local function refuses(fn, why)
  assert.equal('tests/lua/tfrecord_spec.lua: ' .. why,
    (message(fn):gsub('^(tests/lua/tfrecord_spec.lua):%d+:', '%1:')))
end

-- A folder for what is written.
local place
setup(function()
  place = os.tmpname()
  os.remove(place)
  assert.equal(0, os.execute('mkdir ' .. place))
  place = place .. '/'
end)
teardown(function() os.execute('rm -r ' .. place) end)

-- ---- golden files ----

local function open_set(row, opts)
  local _, kind, files, shape, n_params, start = unpack(row, 1, 6)
  local paths = {}
  for i, name in ipairs(files) do paths[i] = folder .. name end
  opts.shape, opts.start = shape, start
  if kind ~= 'numerical_derivative' then return tfrecord.fiducial(paths, opts) end
  opts.n_params = n_params
  return tfrecord.numerical(paths, opts)
end

describe('tfrecord reads', function()
  local expected = data.hdf5.open(folder .. 'expected.h5')
  for _, row in ipairs(dofile(folder .. 'expected.lua')) do
    it(row[1], function()
      local r, want = open_set(row, {}), expected[row[1]]
      local group = row[2] == 'numerical_derivative' and 2 * row[5] or 1
      assert.equal(row[7], r.count * group)
      assert.equal(bytes_of(want), bytes_of(r:read()))
      for _, i in ipairs { 1, math.ceil(r.count / 2), r.count } do
        local size = 4 * group * (want.size / row[7])
        assert.equal(bytes_of(want):sub((i - 1) * size + 1, i * size), bytes_of(r:read(i)))
      end
    end)
  end

  it('derivatives with parameters last, and several in one record', function()
    local d = tfrecord.derivative(folder .. 'multi/exact_derivative_*',
      { shape = { 4, 4, 1 }, n_params = 2 })
    assert.same({ 4, 4, 1, 2 }, d.shape)
    assert.equal(bytes_of(expected['multi/exact_derivative']), bytes_of(d:read()))
    local s = tfrecord.numerical(folder .. 'stack/fiducial_00000.tfrecords',
      { shape = { 4, 4, 1 }, n_params = 2, stacked = true })
    assert.same({ 2, 2, 4, 4, 1 }, s.shape)
    assert.equal(bytes_of(expected['stack/fiducial']), bytes_of(s:read()))
  end)

  it('any range across files', function()
    local r = tfrecord.fiducial(folder .. 'multi/fiducial_*.tfrecords', { shape = { 4, 4, 1 } })
    local want = bytes_of(expected['multi/fiducial'])
    for i = 1, 700, 37 do
      for _, n in ipairs { 1, 5, 80, 300 } do
        local j = math.min(i + n - 1, 700)
        assert.equal(want:sub((i - 1) * 64 + 1, j * 64), bytes_of(r:read(i, j)))
      end
    end
  end)

  it('files by pattern, numbers in their names by value', function()
    local names = {}
    for i, name in ipairs { 'x_9', 'x_10', 'x_8' } do
      names[i] = place .. name .. '.sorted'
      tfrecord.write(names[i], { { n = tonumber(name:match '%d+') } })
    end
    local function order(files)
      local out = {}
      for i, e in tfrecord.examples(files):each() do out[i] = e.n[1] end
      return out
    end
    assert.same({ 8, 9, 10 }, order(place .. 'x_*.sorted'))
    assert.same({ 9, 10, 8 }, order(names))
    assert.same({ 10, 8, 9, 10 }, order { names[2], place .. '?_*.sorted' })
  end)
end)

-- ---- Examples ----

local function same_list(got, want)
  if got.kind ~= want.kind or #got ~= #want then return false end
  local float = ffi.new 'float[1]'
  for i, v in ipairs(want) do
    if want.kind == 'float_list' then
      float[0] = v
      v = tonumber(float[0])
    end
    local g = got[i]
    if not (g == v and (v ~= 0 or tostring(g) == tostring(v)) or g ~= g and v ~= v) then
      return false
    end
  end
  return true
end

local function same_example(got, want)
  for name, list in pairs(want) do
    if not (got[name] and same_list(got[name], list)) then return false, name end
  end
  for name in pairs(got) do if not want[name] then return false, name end end
  return true
end

describe('tfrecord understands Examples', function()
  local golden = dofile(folder .. 'features.lua')
  for _, which in ipairs { 'features', 'wire_forms' } do
    local path = folder .. 'features/' .. which .. '.tfrecords'
    for i, want in ipairs(golden[which]) do
      it(('%s, record %d'):format(which, i), function()
        local all = tfrecord.examples(path)
        assert.equal(#golden[which], #all)
        assert(same_example(all:read(i), want))
      end)
    end

    it(which .. ', written by us', function()
      tfrecord.write(place .. which, golden[which])
      for i, example in tfrecord.examples(place .. which):each() do
        assert(same_example(example, golden[which][i]))
      end
    end)
  end

  it('of a file without records', function()
    local none = tfrecord.examples(folder .. 'features/empty_file.tfrecords')
    assert.equal(0, #none)
    assert.is_nil((none:each()()))
    assert.equal('0 Examples in 1 file, ' .. folder .. 'features/empty_file.tfrecords',
      tostring(none))
    refuses(function() none:read(1) end, 'read: no record 1, there are 0')
  end)

  it('from values of several types', function()
    tfrecord.write(place .. 'types', { {
      whole = 3, half = { 1, 0.5 }, text = 'a\0b', texts = { 'a', '' }, f32 = np.array { 1, 2 },
      i32 = np.array({ 1, 2 }, 'i32'), yes = np.array { true, false }, none = {},
      floats = { kind = 'float_list', 1, 2 }, large = { 2 ^ 53, 9007199254740993LL },
    } })
    local e = tfrecord.examples(place .. 'types'):read(1)
    assert(same_list(e.large, { kind = 'int64_list', 2 ^ 53, 9007199254740993LL }))
    e.large = nil
    assert.same({
      whole = { kind = 'int64_list', 3 }, half = { kind = 'float_list', 1, 0.5 },
      text = { kind = 'bytes_list', 'a\0b' }, texts = { kind = 'bytes_list', 'a', '' },
      f32 = { kind = 'float_list', 1, 2 }, i32 = { kind = 'int64_list', 1, 2 },
      yes = { kind = 'int64_list', 1, 0 }, none = { kind = 'unset' },
      floats = { kind = 'float_list', 1, 2 },
    }, e)
  end)

  it('and says what is not one', function()
    refuses(function() tfrecord.write(place .. 'x', { { a = { 'x', 1 } } }) end,
      'tfrecord.write: feature "a" is a bytes_list, a value must be string, got 1')
    refuses(function() tfrecord.write(place .. 'x', { { a = { kind = 'int64_list', 0.5 } } }) end,
      'tfrecord.write: feature "a" is a int64_list, a value must be integer, got 0.5')
    refuses(function() tfrecord.write(place .. 'x', { { a = { kind = 'list' } } }) end,
      'tfrecord.write: kind is "bytes_list" or "float_list" or "int64_list" or "unset", got "list"')
    assert.is_nil(io.open(place .. 'x'))
    tfrecord.write(place .. 'x', {})
    assert.equal('', read_file(place .. 'x'))
  end)
end)

-- ---- damaged files ----

local damaged = dofile(folder .. 'damaged.lua')

local function values(first, last)
  local out = {}
  for i = first, last do out[#out + 1] = damaged.values[i] end
  return bytes_of(np.array(out))
end

local function open_damaged(file, layer, seeds)
  local path = folder .. 'damaged/' .. file
  if layer == 'order' and file:find '^num' then
    return tfrecord.numerical(path, { shape = { 5 }, n_params = 2, seeds = seeds })
  end
  return tfrecord.fiducial(path, { shape = { 5 }, seeds = seeds })
end

-- A message about the file that says where it is damaged.
local function check_place(why, file, before, layer)
  assert(why:find('tfrecord: ' .. folder .. 'damaged/' .. file .. ': ', 1, true), why)
  if layer == 'compression' then return end
  local record, offset = why:match ': record (%d+), at byte (%d+): '
  assert.equal(before + 1, tonumber(record), why)
  assert(tonumber(offset) >= 67 * before - 5 and tonumber(offset) <= 110 * before, why)
end

describe('a damaged file', function()
  for _, row in ipairs(damaged) do
    local file, layer, what, before, verdict = unpack(row)
    it(('%s: %s'):format(file, what), function()
      local ok, result = pcall(function() return open_damaged(file, layer, true):read() end)
      if verdict == 'error' or verdict == 'error-if-seeds-checked' then
        assert.is_false(ok)
        if file ~= 'num_incomplete.tfrecords' then check_place(result, file, before, layer) end
      elseif verdict == 'ok' then
        assert(ok, result)
        assert.equal(values(1, before), bytes_of(result))
      elseif ok and verdict == 'error-or-read' then
        assert.equal(values(1, result.shape[1]), bytes_of(result))
      end
      if verdict == 'error-if-seeds-checked' and file ~= 'num_incomplete.tfrecords' then
        assert(open_damaged(file, layer, false):read().size > 0)
      end
    end)
  end

  it('gives the records before the damage', function()
    for _, file in ipairs { 'data_flip', 'data_crc_flip', 'proto_cut', 'name_missing' } do
      local r = open_damaged(file .. '.tfrecords', 'framing', true)
      assert.equal(values(1, 3), bytes_of(r:read(1, 3)))
      assert.equal(values(5, 6), bytes_of(r:read(5, 6)))
      assert.is_false(pcall(r.read, r, 4))
    end
  end)

  it('is described in a sentence', function()
    local path = 'tfrecord: ' .. folder .. 'damaged/'
    for _, row in ipairs {
      { 'len_flip', 'record 4, at byte 201: the checksum of its length does not fit' },
      { 'len_huge', 'record 4, at byte 201: it has 1099511627776 bytes, and the file ends 189 '
        .. 'bytes after its length' },
      { 'trunc_008', 'record 4, at byte 201: the file ends 8 bytes into it' },
      { 'tail_garbage', 'record 7, at byte 402: the file ends 5 bytes into it' },
      { 'text', 'record 1, at byte 0: the checksum of its length does not fit; is this a file of '
        .. 'TFRecords?' },
      { 'data_flip', 'record 4, at byte 201: the checksum of its 51 bytes does not fit' },
      { 'proto_group_open', 'record 4, at byte 201: not an Example: at byte 52 of 54: a group does '
        .. 'not end' },
      { 'kind_float', 'record 4, at byte 201: "data" is one byte string, here it holds 5 floats' },
      { 'name_case', 'record 4, at byte 201: it has no feature "data"' },
      { 'one_less', 'record 4, at byte 201: "data" has 16 bytes, and f32 (5) has 20' },
      { 'order_missing', 'record 4, at byte 201: "seed" is 4 where 3 comes next; records are '
        .. 'missing, twice there or out of order' },
      { 'seed_missing', 'record 4, at byte 201: it has no feature "seed"; records that do not say '
        .. 'which they are can be read without checking seeds' },
      { 'num_incomplete', 'the last seed is incomplete: it has 3 records, 2 parameters make it 4; '
        .. 'there are 11 in all' },
    } do
      local file = row[1] .. '.tfrecords'
      refuses(function() open_damaged(file, 'order', true):read() end,
        path .. file .. ': ' .. row[2])
    end
  end)

  it('is found at every byte where a file can end', function()
    local text = read_file(folder .. 'damaged/ok.tfrecords')
    local path, record = place .. 'cut', #text / 6
    for n = 0, #text - 1 do
      write_file(path, text:sub(1, n))
      local ok, r = pcall(tfrecord.fiducial, path, { shape = { 5 } })
      assert.equal(n % record == 0, ok, n)
      if ok then assert.equal(values(1, n / record), bytes_of(r:read()))
      else assert(r:find(('record %d, at byte %d'):format(math.floor(n / record) + 1,
        n - n % record), 1, true), r) end
    end
    local packed = read_file(folder .. 'compressed/two_members.tfrecords.gz')
    for n = 12, #packed - 1, 97 do
      write_file(path, packed:sub(1, n))
      assert.is_false(pcall(tfrecord.fiducial, path, { shape = { 6, 5 } }))
    end
  end)

  it('that ends early between two records is refused where that can be known', function()
    local records = imnn.TFRecords { record_size = 3e-4 }
    local paths = records:write_record { n_sims = 12, filename = place .. 'early', progress = false,
      get_simulation = function(seed) return np.full({ 5 }, seed) end }
    assert(#paths > 2)
    local function open(opts)
      opts.shape = { 5 }
      return tfrecord.fiducial(paths, opts)
    end
    local function cut(path)
      local whole, n, at = read_file(path), tfrecord.examples(path), 0
      for i = 1, #n - 1 do -- lengths are below 256 bytes
        local length = whole:byte(at + 1)
        assert.same(0, whole:byte(at + 2), i)
        at = at + 16 + length
      end
      write_file(path, whole:sub(1, at))
      return whole
    end
    assert.equal(12, open({ count = 12 }).count)
    local whole, first = cut(paths[1]), tfrecord.examples(paths[1])
    refuses(function() open {} end, ('tfrecord: %s: record 1, at byte 0: "seed" is %d where %d '
      .. 'comes next; records are missing, twice there or out of order'):format(paths[2],
      #first + 1, #first))
    write_file(paths[1], whole)
    cut(paths[#paths])
    local why = ('tfrecord: %s and %d more: there are 11 records, 12 are expected; the last file '
      .. 'is cut, or files are missing'):format(paths[1], #paths - 1)
    refuses(function() open { count = 12 } end, why)
    refuses(function() data.open(paths, { shape = { 5 }, count = 12 }) end, why)
    assert.equal(11, open({ count = 11 }).count)
    refuses(function() open { count = 10 } end, ('tfrecord: %s and %d more: there are 11 records, '
      .. '10 are expected'):format(paths[1], #paths - 1))
    refuses(function() open { count = 0 } end, 'tfrecord.fiducial: count is 1 or more, got 0')
  end)

  it('cannot be one of several', function()
    local good = folder .. 'damaged/ok.tfrecords'
    refuses(function()
      tfrecord.fiducial({ good, good }, { shape = { 5 } }):read()
    end, 'tfrecord: ' .. good .. ': record 1, at byte 0: "seed" is 0 where 6 comes next; records '
      .. 'are missing, twice there or out of order')
  end)
end)

-- ---- opening ----

describe('tfrecord refuses', function()
  local good = folder .. 'single/fiducial_00000.tfrecords'

  it('what is no file', function()
    refuses(function() tfrecord.fiducial('nowhere', { shape = {} }) end,
      'tfrecord: nowhere: No such file or directory')
    refuses(function() tfrecord.fiducial('nowhere_*', { shape = {} }) end,
      'tfrecord: nowhere_*: no file has such a name')
    refuses(function() tfrecord.fiducial('tests', { shape = {} }) end,
      'tfrecord: tests: is a directory')
    refuses(function() tfrecord.fiducial({}, { shape = {} }) end,
      'tfrecord.fiducial: files are a path, a pattern or a list of them, got an empty table')
    refuses(function() tfrecord.examples { 1 } end,
      'tfrecord.examples: a path must be a string, got number')
    refuses(function() tfrecord.fiducial('/dev/null', { shape = {} }) end,
      'tfrecord: /dev/null: is not a file that can be read again')
  end)

  it('options that do not fit', function()
    refuses(function() tfrecord.fiducial(good, { shape = { 4 } }) end, 'tfrecord: ' .. good
      .. ': record 1, at byte 0: "data" has 40 bytes, and f32 (4) has 16')
    refuses(function() tfrecord.fiducial(good, { shape = { 10 }, start = 1 }) end, 'tfrecord: '
      .. good .. ': record 1, at byte 0: "seed" is 0 where 1 comes next; records are missing, '
      .. 'twice there or out of order')
    refuses(function() tfrecord.numerical(good, { shape = { 10 }, n_params = 2 }) end,
      'tfrecord: ' .. good .. ': record 1, at byte 0: it has no feature "derivative"; records that '
      .. 'do not say which they are can be read without checking seeds')
    refuses(function() tfrecord.fiducial(good, { shape = { 1, 1, 1, 1, 1, 1, 1, 1 } }) end,
      'tfrecord: simulations have at most 7 axes, and not 8, and 0 parameters')
    refuses(function() tfrecord.fiducial(good, { shape = { 2 ^ 20, 2 ^ 20 } }) end,
      'tfrecord: a record has less than 2 GiB, not 1.09951e+12 elements')
    refuses(function() tfrecord.fiducial(good, { shape = { 10 }, dtype = 'c64' }) end,
      'tfrecord.fiducial: dtype is "f32" or "f64" or "i32" or "u32", got "c64"; did you '
      .. 'mean "f64"?')
    refuses(function() tfrecord.numerical(good, { shape = { 10 }, n_params = 0 }) end,
      'tfrecord.numerical: n_params is 1 or more, got 0')
    refuses(function() tfrecord.fiducial(good, { shape = { 10 }, start = 1, seeds = false }) end,
      'tfrecord.fiducial: start says which seed comes first, and seeds = false does not look')
    refuses(function() tfrecord.fiducial(good, { shape = { 10 }, n_params = 2 }) end,
      'tfrecord.fiducial: unknown option "n_params"')
  end)

  it('a file that has changed', function()
    local path = place .. 'changing'
    write_file(path, read_file(good))
    local r = tfrecord.fiducial(path, { shape = { 10 } })
    write_file(path, read_file(good):sub(1, 100))
    refuses(function() r:read() end, 'tfrecord: ' .. path
      .. ': ends at byte 100; it was longer when it was opened')
    for i = 1, 70 do write_file(('%smany_%d'):format(place, i), i > 1 and '' or read_file(good)) end
    write_file(place .. 'many_70', read_file(good))
    local two = tfrecord.fiducial(place .. 'many_*', { shape = { 10 }, seeds = false })
    assert.equal(40, two:read().shape[1])
    write_file(place .. 'many_70', read_file(good) .. ' ')
    refuses(function() two:read() end, 'tfrecord: ' .. place
      .. 'many_70: has changed since it was opened')
  end)

  it('a byte that changes after its record was found right', function()
    local path, text = place .. 'rotten', read_file(good)
    write_file(path, text)
    local r = tfrecord.fiducial(path, { shape = { 10 } })
    local x = bytes_of(r:read())
    assert.equal(x, bytes_of(r:read())) -- not summed up again
    os.execute 'sleep 0.05' -- clocks of file systems tick in milliseconds
    local file = assert(io.open(path, 'r+b'))
    file:seek('set', #text - 10)
    file:write(string.char((text:byte(#text - 9) + 1) % 256))
    file:close()
    assert.matches('the checksum of its %d+ bytes does not fit$', message(function() r:read() end))
  end)
end)

-- ---- writing ----

local function listing(pattern)
  local out = {}
  local files = assert(io.popen('LC_ALL=C ls ' .. place .. pattern .. ' 2> /dev/null'))
  for name in files:lines() do out[#out + 1] = name:match '[^/]*$' end
  files:close()
  return out
end

describe('TFRecords', function()
  it('writes the bytes of the specification', function()
    local records = imnn.TFRecords {}
    records:write_record { n_sims = 1, start = 3, directory = place, filename = 'bytes',
      get_simulation = function(_) return { 1, -2.5 } end }
    assert.equal(from_hex('2700000000000000bbe1b1460a250a140a0464617461120c0a0a0a080000803f'
      .. '000020c00a0d0a047365656412051a030a01036eb664d5'),
      read_file(place .. 'bytes_00000.tfrecords'))
    local golden = from_hex('51000000000000009ca1d9bc0a4f0a140a0464617461120c0a0a0a080000803f'
      .. '000020c00a0e0a047365656412061a040a02ac020a130a0a6465726976617469766512051a030a01010a12'
      .. '0a09706172616d6574657212051a030a010023dac782')
    write_file(place .. 'golden', golden)
    assert.same({ data = { kind = 'bytes_list', from_hex '0000803f000020c0' },
      seed = { kind = 'int64_list', 300 }, derivative = { kind = 'int64_list', 1 },
      parameter = { kind = 'int64_list', 0 } }, tfrecord.examples(place .. 'golden'):read(1))
  end)

  it('frames as TensorFlow does', function()
    local out = ffi.new 'imnn_tfrecord_writer *[1]'
    local function framed(payload)
      assert.equal(0, C.imnn_tfrecord_writer_new(out, place .. 'framed', math.huge, 0, 0))
      assert.equal(0, C.imnn_tfrecord_writer_add(out[0], payload, #payload))
      assert.equal(0, C.imnn_tfrecord_writer_finish(out[0]))
      C.imnn_tfrecord_writer_release(out[0])
      return read_file(place .. 'framed')
    end
    assert.equal(from_hex '000000000000000029039807d8ea82a2', framed '')
    assert.equal(from_hex '01000000000000000175de4100d28f2549', framed '\0')
    assert.equal(from_hex '090000000000000037f97139313233343536373839e5b08ac7', framed '123456789')
  end)

  it('packs files as TensorFlow does', function() -- which read some, and so did gzip and zlib
    local function write(name, compression)
      return imnn.TFRecords({ record_size = 0.05, compression = compression }):write_record {
        n_sims = 40, filename = place .. name, progress = false,
        get_simulation = function(seed)
          return imnn.random.normal(imnn.random.PRNGKey(seed), { 1000 })
        end }
    end
    local plain = tfrecord.fiducial(write 'plain', { shape = { 1000 } }):read()
    for compression, sign in pairs { GZIP = '\31\139\8', zlib = '\120\156' } do
      local paths = write(compression, compression)
      assert(#paths > 1)
      for _, path in ipairs(paths) do assert.equal(sign, read_file(path):sub(1, #sign)) end
      local x = tfrecord.fiducial(paths, { shape = { 1000 }, count = 40 })
      assert.equal(bytes_of(plain), bytes_of(x:read()))
      tfrecord.write(place .. 'packed', { { a = 1 }, { a = 2 } }, { compression = compression })
      assert.equal(2, tfrecord.examples(place .. 'packed'):read(2).a[1])
    end
    tfrecord.write(place .. 'unpacked', { { a = 1 }, { a = 2 } })
    tfrecord.write(place .. 'packed', { { a = 1 }, { a = 2 } }, { compression = 'GZIP' })
    local pipe = io.popen('gzip -dc < ' .. place .. 'packed')
    assert.equal(read_file(place .. 'unpacked'), pipe:read '*a')
    pipe:close()
    refuses(function() imnn.TFRecords { compression = 'lz4' } end,
      'TFRecords: compression is "GZIP" or "NONE" or "ZLIB", got "LZ4"')
  end)

  it('writes what it reads, in files of the size asked for', function()
    local records = imnn.TFRecords { record_size = 0.001, padding = 3 }
    local function simulate(seed) return np.arange(0, 12, 1, 'f32'):reshape { 3, 4 } + seed end
    local paths = records:write_record { n_sims = 30, start = 5, directory = place,
      filename = 'sims', get_simulation = simulate }
    assert.same({ 3, 4 }, records.input_shape)
    assert.equal(place .. '/sims', records.file)
    assert.equal(3, #paths) -- 95 bytes a record: a file ends with its eleventh
    assert.same({ 'sims_000.tfrecords', 'sims_001.tfrecords', 'sims_002.tfrecords' },
      listing 'sims_*')
    assert.equal(11 * 95, #read_file(paths[1]))
    local r = tfrecord.fiducial(paths, { shape = { 3, 4 }, start = 5 })
    assert.equal(30, r.count)
    for i = 1, 30 do
      assert.same(simulate(4 + i):totable(), r:read(i)[1]:totable())
    end
  end)

  it('writes simulations for numerical derivatives in order', function()
    local records = imnn.TFRecords { record_size = 0.0003 }
    local calls = {}
    records:write_record { n_sims = 3, fiducial = false, n_params = 2, directory = place,
      validation = true, get_simulation = function(seed, side, parameter)
        calls[#calls + 1] = ('%d %d %d'):format(seed, side, parameter)
        return { seed, side, parameter, 7 }
      end }
    assert.equal('0 1 1, 0 1 2, 0 2 1, 0 2 2, 1 1 1, 1 1 2, 1 2 1, 1 2 2, 2 1 1, 2 1 2, 2 2 1, '
      .. '2 2 2', table.concat(calls, ', '))
    assert.is_nil(records.input_shape)
    assert.same({ 'validation_derivative_00000.tfrecords', 'validation_derivative_00001.tfrecords',
      'validation_derivative_00002.tfrecords', 'validation_derivative_00003.tfrecords' },
      listing '*derivative*')
    local r = tfrecord.numerical(place .. 'validation_derivative_*', { shape = { 4 },
      n_params = 2 })
    assert.same({ { { { 1, 1, 1, 7 }, { 1, 1, 2, 7 } }, { { 1, 2, 1, 7 }, { 1, 2, 2, 7 } } } },
      r:read(2):totable())
  end)

  it('keeps large records', function()
    local big = imnn.random.normal(imnn.random.PRNGKey(0), { 800, 700 })
    local records = imnn.TFRecords {}
    local paths = records:write_record { n_sims = 3, directory = place, filename = 'big',
      get_simulation = function(seed) return big + seed end }
    local r = tfrecord.fiducial(paths, { shape = { 800, 700 } })
    for _, i in ipairs { 2, 1, 3 } do
      assert.equal(bytes_of(big + (i - 1)), bytes_of(r:read(i)))
    end
  end)

  it('packs into 32 bits what they hold', function()
    local function write(x)
      return imnn.TFRecords {}:write_record { n_sims = 1, directory = place, filename = 'casts',
        get_simulation = function(_) return x end }
    end
    local function back(x)
      return tfrecord.fiducial(write(x), { shape = x.shape }):read():totable()
    end
    assert.same({ { 1, 0 } }, back(np.array { true, false }))
    assert.same({ { 16777216, -3 } }, back(np.array({ 16777217, -3 }, 'i32')))
    assert.same({ { math.huge, 0.5 } }, back(np.array({ math.huge, 0.5 }, 'f64')))
    refuses(function() write(np.array({ 1, 1e300 }, 'f64')) end,
      'write_record: files hold f32, in which a number of seed 0 is infinite')
    refuses(function() write(np.array { 1 + 2i }) end,
      'write_record: files hold f32, and get_simulation gave c64 for seed 0')
    refuses(function() write 'x' end,
      'write_record: get_simulation must give an Array, got string for seed 0')
  end)

  it('leaves nothing half written', function()
    local records = imnn.TFRecords { record_size = 0.0001 }
    local why = message(function()
      records:write_record { n_sims = 9, directory = place, filename = 'half',
        get_simulation = function(seed)
          if seed == 3 then error 'enough' end
          return np.zeros(10)
        end }
    end)
    assert.matches('enough$', why)
    assert.same({ 'half_00000.tfrecords' }, listing 'half*') -- two records; the third is alone
    refuses(function()
      records:write_record { n_sims = 2, directory = place .. 'nowhere', filename = 'x',
        get_simulation = function(_) return 1 end }
    end, ('tfrecord: %snowhere/x_00000.tfrecords: cannot be written: No such file or '
      .. 'directory'):format(place))
  end)

  it('refuses what makes no sense', function()
    local records = imnn.TFRecords {}
    local function one(_) return 1 end
    refuses(function() imnn.TFRecords { record_size = 0 } end,
      'TFRecords: record_size must be positive, got 0')
    refuses(function() imnn.TFRecords { padding = 0 } end,
      'TFRecords: padding is 1 to 18 digits, got 0')
    refuses(function() records:write_record { n_sims = 0, get_simulation = one } end,
      'write_record: n_sims is the number of simulations, 1 or more, got 0')
    refuses(function() records:write_record { n_sims = 1, get_simulation = one, start = -1 } end,
      'write_record: start is 0 or more, got -1')
    refuses(function() records:write_record { n_sims = 1, get_simulation = one, fiducial = false }
      end, 'write_record: fiducial = false needs n_params, the number of parameters')
    refuses(function()
      records:write_record { n_sims = 1, get_simulation = one, fiducial = false, n_params = 2 }
    end, 'write_record: with fiducial = false get_simulation is a function of '
      .. '(seed, side, parameter), this one has 1 arguments')
    refuses(function()
      records:write_record { n_sims = 2, directory = place, filename = 'shapes',
        get_simulation = function(seed) return np.zeros(seed + 1) end }
    end, 'write_record: simulations have one shape: seed 1 has (2), others (1)')
    refuses(function() records.write_record { n_sims = 1, get_simulation = one } end,
      'write_record: is called as records:write_record { ... }, on what TFRecords gives')
  end)
end)
