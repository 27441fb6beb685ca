--- Data sets from files, whatever their format.
-- @module imnn.data.open
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local dataset = require 'imnn.data.dataset'
local hdf5 = require 'imnn.data.hdf5'
local npy = require 'imnn.data.npy'
local npz = require 'imnn.data.npz'
local tfrecord = require 'imnn.data.tfrecord'
local tree = require 'imnn.tree'
local C = core.C
local M = {}

local rows = {
  name = { 'string', 'table', optional = true }, dtype = { 'string', optional = true },
  seed = { 'string', 'boolean', default = 'seed' }, format = { 'string', optional = true },
  kind = { 'string', optional = true }, shape = { 'table', optional = true },
  n_params = { 'integer', optional = true }, feature = { 'string', optional = true },
  start = { 'integer', optional = true }, count = { 'integer', optional = true },
}
local of_tfrecords = { 'kind', 'shape', 'n_params', 'feature', 'start', 'count' }

-- ---- which files, and what they are ----

-- Paths, for which patterns stand.
local function paths_of(files)
  if type(files) == 'string' then files = { files } end
  if type(files) ~= 'table' or #files == 0 then
    core.raise('open: files are a path, a pattern or a list of them, got %s',
      type(files) == 'table' and 'an empty table' or core.kind(files))
  end
  for _, path in ipairs(files) do
    if type(path) ~= 'string' then
      core.raise('open: a path must be a string, got %s', core.kind(path))
    end
  end
  local out, list = ffi.new 'imnn_paths *[1]', {}
  core.check(C.imnn_paths_find(out, ffi.new('const char *[?]', #files, files), #files), 'open')
  local found = core.own(out, C.imnn_paths_release)
  for i = 1, tonumber(C.imnn_paths_count(found)) do
    list[i] = ffi.string(C.imnn_paths_path(found, i - 1))
  end
  return list
end

local signatures = {
  { '\137HDF\r\n\26\n', 'hdf5' }, { '\147NUMPY', 'npy' }, { 'PK\3\4', 'npz' }, { 'PK\5\6', 'npz' },
}

local function holds(file, at, sign) return file:seek('set', at) and file:read(#sign) == sign end

-- The format by content. TFRecord files have no sign of their own, and may be empty.
local function format_of(path)
  if core.C.imnn_path_kind(path) == ('o'):byte() then
    core.raise('open: %s: is no file, but a pipe or a device', path)
  end
  local file, why = io.open(path, 'rb')
  if not file then core.raise('open: %s', why) end
  local _, _, number = file:read(0) -- nil, but for folders, disks that fail, and empty files
  if number == 21 then
    file:close()
    core.raise('open: %s: is a directory; its files are "%s/*"', path, path)
  end
  local format = file:seek 'end' == 0 and 'empty' or 'tfrecord'
  for _, row in ipairs(signatures) do
    if holds(file, 0, row[1]) then format = row[2] end
  end
  for k = 9, 20 do -- HDF5 may begin behind 512, 1024, ... bytes of something else
    if holds(file, 2 ^ k, signatures[1][1]) then format = 'hdf5' end
  end
  file:close()
  return format
end

local function one_format(paths, given)
  if given then
    return args.choice('open', 'format', given,
      { hdf5 = 'hdf5', npy = 'npy', npz = 'npz', tfrecord = 'tfrecord' })
  end
  local first, all = nil, {}
  for i, path in ipairs(paths) do
    all[i] = format_of(path)
    if all[i] ~= 'empty' then first = first or i end
  end
  for i, path in ipairs(paths) do
    if all[i] == 'empty' and not (first and all[first] == 'tfrecord') then
      core.raise('open: %s: is empty; if it is a TFRecord file without records, say format = '
        .. '"tfrecord"', path)
    elseif all[i] ~= 'empty' and all[i] ~= all[first] then
      core.raise('open: %s is %s, %s is %s', paths[first], all[first], path, all[i])
    end
  end
  return all[first]
end

-- ---- names of arrays in files ----

local function hdf5_names(file, prefix, out)
  for _, key in ipairs(file:keys()) do
    local group = key:match '^(.*)/$'
    if group then hdf5_names(file[group], prefix .. group .. '/', out)
    else out[#out + 1] = prefix .. key end
  end
  return out
end

-- How arrays of a file of this kind are listed, and how one is read.
local kinds = {
  hdf5 = {
    names = function(path) return hdf5_names(hdf5.open(path), '', {}) end,
    reader = hdf5.reader,
  },
  npz = {
    names = function(path) return npz.open(path):keys() end,
    reader = npz.reader,
  },
}

-- The one array beside the seeds, if there is only one.
local function only_name(path, names, seed)
  local found = {}
  for _, name in ipairs(names) do
    if name ~= seed then found[#found + 1] = name end
  end
  if #found == 1 then return found[1] end
  core.raise('open: %s holds %s; say which: name = \'%s\', or a tree of names', path,
    #found == 0 and 'no arrays' or table.concat(found, ', '), found[1] or 'x')
end

-- One behind the other.
local function joined(sets)
  if #sets == 1 then return sets[1] end
  return sets[1]:concatenate(unpack(sets, 2))
end

-- That no seed comes twice: a file that is given twice, or simulations made twice.
local function check_seeds(paths, names, kind, seed, set)
  local seen, at = {}, 0
  for i, path in ipairs(paths) do
    local there = false
    for _, name in ipairs(names[i]) do there = there or name == seed end
    if not there then return end
    local reader = kind.reader(path, seed, 'f64')
    if #reader.shape > 0 then
      core.raise('open: %s: "%s" is no list of numbers; seed = false does not look at it', path,
        seed)
    end
    for _, value in ipairs(reader:read():values()) do
      at = at + 1
      if seen[value] then
        core.raise('open: records %d and %d have the seed %.0f, the second of them in %s; '
          .. 'seed = false does not look', seen[value], at, value, path)
      end
      seen[value] = at
    end
  end
  if at ~= set.count then
    core.raise('open: %s: there are %d records and %d seeds; seed = false does not look', paths[1],
      set.count, at)
  end
end

local function open_named(paths, kind, o)
  local sets, names, name = {}, {}, o.name
  for i, path in ipairs(paths) do names[i] = kind.names(path) end
  name = name or only_name(paths[1], names[1], o.seed or 'seed')
  for i, path in ipairs(paths) do
    sets[i] = dataset.of('open', tree.map(function(one)
      args.argument('open', 'a name', one, { 'string' })
      return kind.reader(path, one, o.dtype)
    end, name))
  end
  local set = joined(sets)
  if o.seed then check_seeds(paths, names, kind, o.seed, set) end
  return set
end

-- ---- the others ----

local function open_npy(paths, o)
  local sets = {}
  for i, path in ipairs(paths) do sets[i] = dataset.of('open', npy.reader(path, o.dtype)) end
  return joined(sets)
end

local function open_tfrecord(paths, o)
  if not o.shape then
    core.raise('open: %s is neither HDF5, npy nor npz; if it is TFRecord, say the shape of one '
      .. 'record, shape = { 10 }', paths[1])
  end
  local read = args.choice('open', 'kind', o.kind or 'fiducial', {
    fiducial = tfrecord.fiducial, derivative = tfrecord.derivative, numerical = tfrecord.numerical,
  })
  return dataset.of('open', read(paths, { shape = o.shape, n_params = o.n_params,
    feature = o.feature, start = o.start, count = o.count, dtype = o.dtype,
    seeds = o.seed ~= false }))
end

--- A data set of what is in files: HDF5, npy, npz or TFRecord, which their content tells. The
-- records of several files come one behind the other; nothing is read before it is asked for.
-- @tparam string|table files a path, a pattern with * ? [] (numbers in names count by value), or a
-- list of them
-- @tparam[opt] table opts
-- @tparam[opt] string|table opts.name of HDF5 and npz: which arrays, "fiducial" or a tree of names,
-- { data = 'fiducial', target = 'group/theta' }; none: the only one
-- @tparam[opt] string opts.dtype what numbers are read as, where that has to be said
-- @tparam[opt='seed'] string|boolean opts.seed of HDF5 and npz: the array with the seeds of
-- records, if there is one: no seed may come twice. Of TFRecord they are in the records, and follow
-- one another. false: not looked at
-- @tparam[opt='fiducial'] string opts.kind of TFRecord: 'fiducial', 'derivative' or 'numerical',
-- as data.tfrecord has them
-- @tparam[opt] table opts.shape of TFRecord: that of one simulation
-- @tparam[opt] number opts.n_params of TFRecord: of the two kinds of derivatives
-- @tparam[opt='data'] string opts.feature of TFRecord
-- @tparam[opt] number opts.start of TFRecord: the first seed
-- @tparam[opt] number opts.count of TFRecord, which does not say it: how many there must be
-- @tparam[opt] string opts.format 'hdf5', 'npy', 'npz' or 'tfrecord'; none: as the content says
-- @treturn Dataset
-- @raise no such files; files of several formats; records that differ; a seed that comes twice
-- @usage local mine = data.open(path, { name = { a = 'le/f4' } })
-- mine.shapes --> { a = { 5 } }
function M.open(files, opts)
  local paths = paths_of(files)
  local o = args.take('open', opts, rows)
  if o.seed == true then core.raise 'open: seed is a name, or false' end
  local format = one_format(paths, o.format)
  for _, name in ipairs(format ~= 'tfrecord' and of_tfrecords or { 'name' }) do
    if o[name] ~= nil then
      core.raise('open: %s is %s, which knows no %s', paths[1], format, name)
    end
  end
  if format == 'npy' then return open_npy(paths, o) end
  if format == 'tfrecord' then return open_tfrecord(paths, o) end
  return open_named(paths, kinds[format], o)
end

return M
