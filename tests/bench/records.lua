--- Records of files, beside reading the bytes: TFRecord, with decoding and checksums, HDF5 and npy,
-- by one thread; of data sets in batches, beside copying or reading the bytes.
local ffi = require 'ffi'
local imnn = require 'imnn'
local C, np = imnn.core.C, imnn.np

ffi.cdef [[
int open(const char *path, int flags, ...);
int close(int fd);
long pread(int fd, void *out, size_t n, long offset);
]]

local BATCH = 2 ^ 20 -- bytes that are read at a time

-- Bytes of a file: of small records fewer, since Lua writes them one by one.
local function amount(n) return n < 100 and 2 ^ 22 or 2 ^ 27 end

-- A file with so many bytes of values, n floats a record, just written: it is in the page cache.
local function write(n, bytes)
  local path = os.tmpname()
  local x = imnn.random.normal(imnn.random.PRNGKey(0), { n })
  os.remove(path)
  local paths = imnn.TFRecords { record_size = 1e6 }:write_record { filename = path,
    n_sims = math.floor(bytes / (4 * n)), get_simulation = function(_) return x end,
    progress = false }
  return paths[1]
end

local function size_of(path)
  local file = assert(io.open(path))
  local size = file:seek 'end'
  file:close()
  return size
end

-- GB/s of values; the bound is pread of as many bytes of the file.
local function reading(bench, name, n, note)
  local path = write(n, amount(n))
  local repetitions, fresh = 7, {} -- checksums are looked at once: each time others open the file
  for k = 1, repetitions + 1 do fresh[k] = imnn.data.tfrecord.fiducial(path, { shape = { n } }) end
  local count, each = fresh[1].count, math.max(1, math.floor(BATCH / (4 * n)))
  local out = ffi.new('char[?]', math.max(BATCH, 4 * n))
  local function ours()
    local r = table.remove(fresh)
    for i = 0, count - 1, each do
      imnn.core.check(C.imnn_reader_read(r.reader, i, math.min(i + each, count), out))
    end
  end
  local fd, whole = ffi.C.open(path, 0), size_of(path)
  local function theirs()
    for at = 0, whole - 1, BATCH do
      assert(ffi.C.pread(fd, out, math.min(BATCH, whole - at), at) > 0)
    end
  end
  local a, b = bench.pair(ours, theirs, repetitions)
  ffi.C.close(fd)
  os.remove(path)
  bench.show(name, 4 * n * count / a / 1e9, 'GB/s', whole / b / 1e9, note)
end

-- Finding the records of a file, in GB/s of the file.
local function opening(bench, name, n, note)
  local path = write(n, amount(n))
  local whole = size_of(path)
  local t = bench.least(function()
    imnn.data.tfrecord.fiducial(path, { shape = { n } }):close()
  end, 5)
  os.remove(path)
  bench.show(name, whole / t / 1e9, 'GB/s', nil, note)
end

-- GB/s of the records of a file, BATCH bytes at a time; the bound reads them with pread.
local function plain(bench, name, note, n, write_file, open_reader)
  local path = os.tmpname()
  local x = np.zeros { 2 ^ 27 / (4 * n), n }
  write_file(path, x)
  local r, out = open_reader(path), ffi.new('char[?]', BATCH)
  local each = BATCH / (4 * n)
  local function ours()
    for i = 0, #x - 1, each do
      imnn.core.check(C.imnn_reader_read(r.reader, i, math.min(i + each, #x), out))
    end
  end
  local fd = ffi.C.open(path, 0)
  local function theirs()
    for at = 0, 2 ^ 27 - 1, BATCH do
      assert(ffi.C.pread(fd, out, math.min(BATCH, 2 ^ 27 - at), at) > 0)
    end
  end
  local a, b = bench.pair(ours, theirs, 15)
  ffi.C.close(fd)
  os.remove(path)
  bench.show(name, 2 ^ 27 / a / 1e9, 'GB/s', 2 ^ 27 / b / 1e9, note)
end

local function write_hdf5(opts)
  return function(path, x)
    imnn.data.hdf5.create(path, function(f) f:write('x', x, opts) end)
  end
end
local function open_hdf5(path) return imnn.data.hdf5.reader(path, 'x') end

local function write_npy(path, x)
  np.save(path, x)
  os.rename(path .. '.npy', path)
end

-- GB/s of batches of 100 records of 4 KiB. `theirs` puts the same bytes into memory that is not in
-- the cache either: batches are new arrays.
local function batches(bench, name, set, theirs, note)
  local function ours()
    for batch in set:batches(100) do local _ = batch end
  end
  local bytes = 4096 * set.count
  local a, b = bench.pair(ours, theirs, 7)
  bench.show(name, bytes / a / 1e9, 'GB/s', bytes / b / 1e9, note)
end

local COUNT = 2 ^ 14 -- records of 4 KiB: 64 MiB

local function values() return imnn.random.normal(imnn.random.PRNGKey(0), { COUNT, 1024 }) end

local function from_memory(bench, name, make, note)
  local x, out = values(), ffi.new('char[?]', 4096 * COUNT)
  local from = ffi.cast('const char *', x:data())
  batches(bench, name, make(imnn.data.dataset(x)), function()
    for at = 0, 4096 * COUNT - 1, 409600 do
      ffi.copy(out + at, from + at, math.min(409600, 4096 * COUNT - at))
    end
  end, note)
end

local function from_hdf5(bench, name, make, note)
  local path = os.tmpname()
  local file = imnn.data.hdf5.open(path, 'w')
  file:write('x', values())
  file:close()
  local fd, out = ffi.C.open(path, 0), ffi.new('char[?]', 4096 * COUNT)
  batches(bench, name, make(imnn.data.open(path)), function()
    for at = 0, 4096 * COUNT - 1, 409600 do
      assert(ffi.C.pread(fd, out + at, math.min(409600, 4096 * COUNT - at), at) > 0)
    end
  end, note)
  ffi.C.close(fd)
  os.remove(path)
end

return function(bench)
  for _, row in ipairs {
    { 'tfrecord_40', 10, 'of 40 bytes; the bound reads the framing, too' },
    { 'tfrecord_4k', 1024, 'of 4 KiB; demanded: 1.5 GB/s' },
    { 'tfrecord_64k', 16384, 'of 64 KiB; demanded: 1.5 GB/s' },
    { 'tfrecord_1m', 2 ^ 18, 'of 1 MiB; demanded: 1.5 GB/s' },
  } do
    bench.row(row[1], function(name) reading(bench, name, row[2], row[3]) end)
  end
  bench.row('hdf5_4k', function(name)
    plain(bench, name, 'of 4 KiB; demanded: 80 % of the bound', 1024, write_hdf5(), open_hdf5)
  end)
  bench.row('hdf5_chunks_4k', function(name)
    plain(bench, name, 'of 4 KiB in chunks of 64; by the library', 1024, write_hdf5 { chunks = 64 },
      open_hdf5)
  end)
  bench.row('npy_4k', function(name)
    plain(bench, name, 'of 4 KiB', 1024, write_npy, imnn.data.npy.reader)
  end)
  bench.row('tfrecord_open_40', function(name) opening(bench, name, 10, 'records of 40 bytes') end)
  bench.row('tfrecord_open_4k', function(name) opening(bench, name, 1024, 'records of 4 KiB') end)
  local function same(set) return set end
  local function ahead(set) return set:prefetch(400) end
  local function shuffled(set) return set:shuffle(imnn.random.PRNGKey(1)) end
  bench.row('batches_memory', function(name)
    from_memory(bench, name, same, 'of an Array; the bound copies')
  end)
  bench.row('batches_memory_shuffled', function(name)
    from_memory(bench, name, shuffled, 'in a random order; the bound copies in order')
  end)
  bench.row('batches_hdf5', function(name)
    from_hdf5(bench, name, same, 'the bound reads')
  end)
  bench.row('batches_hdf5_ahead', function(name)
    from_hdf5(bench, name, ahead, 'prefetch(400); the bound reads')
  end)
end
