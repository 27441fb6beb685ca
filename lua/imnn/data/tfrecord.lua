--- TFRecord: files of records as TensorFlow and the Python IMNN write them.
--
--    local sims = imnn.data.tfrecord.fiducial('sims/fiducial_*.tfrecords', { shape = { 10 } })
--    print(sims, #sims)                     -- a reader: what there is, and how many
--    local some = sims:read(1, 100)         -- (100, 10)
--    for i, example in imnn.data.tfrecord.examples('others.tfrecords'):each() do
--      print(i, example.label[1])           -- any tf.train.Example, as a table of lists
--    end
--
-- Files are a path, a pattern with * ? [], whose files are sorted (numbers in them by value), or a
-- list of these, in that order. Opening them finds the records, and sees that the first one of each
-- file is the one that comes next; checksums, and which records all others are, are verified when
-- they are read. A file that ends early between two records shows at the file behind it. Nothing in
-- TFRecords says how many there are: of the last file, and of records without seeds, only `count`
-- tells that some are missing. Packed ones (GZIP, ZLIB) are unpacked once, into a file without a
-- name in TMPDIR. imnn.TFRecords writes simulations.
-- @module imnn.data.tfrecord
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local packing = require 'imnn.data.packing'
local reader = require 'imnn.data.reader'
local value_at = require 'imnn.array.value'
local C, check = core.C, core.check
local M = {}

-- ---- files ----

-- Paths as C takes them, and what keeps them alive.
local function c_paths(who, files)
  if type(files) == 'string' then files = { files } end
  if type(files) ~= 'table' or #files == 0 then
    core.raise('%s: files are a path, a pattern or a list of them, got %s', who,
      type(files) == 'table' and 'an empty table' or core.kind(files))
  end
  for _, path in ipairs(files) do
    if type(path) ~= 'string' then
      core.raise('%s: a path must be a string, got %s', who, core.kind(path))
    end
  end
  return ffi.new('const char *[?]', #files, files), #files, files
end

local function open(who, files)
  local paths, n, alive = c_paths(who, files)
  local out = ffi.new 'imnn_tfrecord *[1]'
  check(C.imnn_tfrecord_open(out, paths, n))
  return core.own(out, C.imnn_tfrecord_release), alive
end

-- ---- records of simulations ----

local dtypes = {}
for _, name in ipairs { 'f32', 'f64', 'i32', 'u32' } do dtypes[name] = array.dtype_code(name) end

local rows = {
  shape = { 'table' }, feature = { 'string', default = 'data' },
  dtype = { 'string', default = 'f32' }, seeds = { 'boolean', default = true },
  start = { 'integer', optional = true }, count = { 'integer', optional = true },
}

local function read_options(who, opts, more)
  local o = args.take('tfrecord.' .. who, opts, args.rows(rows, more))
  if o.n_params and o.n_params < 1 then
    core.raise('tfrecord.%s: n_params is 1 or more, got %s', who, tostring(o.n_params))
  end
  if o.start and not o.seeds then
    core.raise('tfrecord.%s: start says which seed comes first, and seeds = false does not look',
      who)
  end
  if o.count and o.count < 1 then
    core.raise('tfrecord.%s: count is 1 or more, got %d', who, o.count)
  end
  return o
end

-- A reader of records of this shape; n_params where they are for (seed, side, parameter).
local function read(who, files, o, shape, n_params)
  who = 'tfrecord.' .. who
  local layout = ffi.new 'imnn_tfrecord_layout'
  layout.feature = o.feature
  layout.dtype = args.choice(who, 'dtype', o.dtype, dtypes)
  layout.shape = array.c_shape(shape, who)
  layout.n_params, layout.seeds = n_params or 0, o.seeds
  layout.starts, layout.start, layout.count = o.start ~= nil, o.start or 0, o.count or 0
  local records, out = open(who, files), ffi.new 'imnn_reader *[1]'
  check(C.imnn_tfrecord_reader(out, records, layout))
  return reader.own(out)
end

local function joined(...)
  local out = {}
  for _, part in ipairs { ... } do
    for _, size in ipairs(part) do out[#out + 1] = size end
  end
  return out
end

--- Simulations: a record for each seed.
-- @tparam string|table files
-- @tparam table opts
-- @tparam table opts.shape of one simulation
-- @tparam[opt=true] boolean opts.seeds check that seeds follow one another, record by record, when
-- they are read: that none is missing, twice there or out of order
-- @tparam[opt] number opts.start the seed that must be the first; none: whatever it is
-- @tparam[opt] number opts.count how many there must be: TFRecords do not say whether records are
-- missing at the end of the last file. None: as many as there are
-- @tparam[opt='data'] string opts.feature name of the byte string with the values
-- @tparam[opt='f32'] string opts.dtype of the values: f32, as the Python IMNN writes, f64, i32, u32
-- @treturn Reader (n, shape)
-- @raise no such file, or one that is damaged, holds something else, or values of another size; its
-- name, the record and the offset are given; another count
-- @usage imnn.TFRecords {}:write_record { n_sims = 3, filename = 'sims',
--   get_simulation = function(seed) return np.full({ 2 }, seed) end }
-- local sims = data.tfrecord.fiducial('sims_*.tfrecords', { shape = { 2 } })
-- sims:read(2, 3) --> { { 1, 1 }, { 2, 2 } }
function M.fiducial(files, opts)
  local o = read_options('fiducial', opts, {})
  return read('fiducial', files, o, o.shape)
end

--- Exact derivatives: a record for each seed, the axis of parameters last.
-- @tparam string|table files
-- @tparam table opts and all of `fiducial`
-- @tparam table opts.shape of one simulation
-- @tparam number opts.n_params P
-- @treturn Reader (n, shape, P)
-- @raise as `fiducial` does
-- @usage imnn.TFRecords {}:write_record { n_sims = 3, filename = 'slopes',
--   get_simulation = function(seed) return np.full({ 4, 2 }, seed) end }
-- local slopes = data.tfrecord.derivative('slopes_*', { shape = { 4 }, n_params = 2 })
-- slopes.shape --> { 4, 2 }
function M.derivative(files, opts)
  local o = read_options('derivative', opts, { n_params = { 'integer' } })
  return read('derivative', files, o, joined(o.shape, { o.n_params }))
end

--- Simulations for numerical derivatives: below (1) and above (2) the fiducial parameters, for each
-- parameter, of each seed.
-- @tparam string|table files
-- @tparam table opts and all of `fiducial`
-- @tparam table opts.shape of one simulation
-- @tparam number opts.n_params P
-- @tparam[opt=false] boolean opts.stacked a record holds all simulations of a seed; false: one
-- each, in the order seed, side, parameter, which is checked as seeds are
-- @treturn Reader (n, 2, P, shape)
-- @raise as `fiducial` does
-- @usage imnn.TFRecords {}:write_record { n_sims = 3, filename = 'sides', fiducial = false,
--   n_params = 2, get_simulation = function(seed, side, parameter)
--     return np.array { seed, side, parameter }
--   end }
-- local sides = data.tfrecord.numerical('sides_*.tfrecords', { shape = { 3 }, n_params = 2 })
-- sides:read(1) --> { { { { 0, 1, 1 }, { 0, 1, 2 } }, { { 0, 2, 1 }, { 0, 2, 2 } } } }
function M.numerical(files, opts)
  local o = read_options('numerical', opts, { n_params = { 'integer' },
    stacked = { 'boolean', default = false } })
  if o.stacked then
    return read('numerical', files, o, joined({ 2, o.n_params }, o.shape))
  end
  return read('numerical', files, o, o.shape, o.n_params)
end

-- ---- Examples ----

-- Not a table: LuaJIT asks only the metatable of a cdata about #.
local Handle = ffi.typeof 'struct { imnn_tfrecord *records; }'
local Examples = {}

local kinds = { [0] = 'unset', 'bytes_list', 'float_list', 'int64_list' }

-- Integers that numbers hold are numbers, others 9223372036854775807LL.
local function integer(v)
  local number = tonumber(v)
  return math.abs(number) < 2 ^ 53 and number or v + 0LL
end

local readers = {
  unset = function() end,
  bytes_list = function(list, n, e, i)
    local length = ffi.new 'size_t[1]'
    for k = 1, n do
      local bytes = C.imnn_example_bytes(e, i, k - 1, length)
      list[k] = ffi.string(bytes, length[0])
    end
  end,
  float_list = function(list, n, e, i)
    local values = C.imnn_example_floats(e, i)
    for k = 1, n do list[k] = value_at(values, 'f32', k - 1) end
  end,
  int64_list = function(list, n, e, i)
    local values = C.imnn_example_ints(e, i)
    for k = 1, n do list[k] = integer(values[k - 1]) end
  end,
}

local function features_of(e)
  local out, length = {}, ffi.new 'size_t[1]'
  for i = 0, tonumber(C.imnn_example_count(e)) - 1 do
    local name = C.imnn_example_name(e, i, length)
    local kind = kinds[tonumber(C.imnn_example_kind(e, i))]
    local list = { kind = kind }
    readers[kind](list, tonumber(C.imnn_example_length(e, i)), e, i)
    out[ffi.string(name, length[0])] = list
  end
  return out
end

function Examples:__gc() C.imnn_tfrecord_release(self.records) end

local function count(self) return tonumber(C.imnn_tfrecord_count(self.records)) end

function Examples:__len() return count(self) end

function Examples:__tostring()
  local files = tonumber(C.imnn_tfrecord_files(self.records))
  return ('%d Examples in %d %s, %s'):format(count(self), files, files == 1 and 'file' or 'files',
    ffi.string(C.imnn_tfrecord_path(self.records, 0)))
end

--- One Example.
-- @tparam number i from 1; -1 is the last
-- @treturn table name -> list of its values, whose `kind` is 'bytes_list' (strings), 'float_list',
-- 'int64_list' (numbers; from 2^53 on cdata int64_t) or 'unset'
-- @raise no such record, or one that is damaged or no Example
-- @usage examples:read(1).label --> { 3, kind = 'int64_list' }
function Examples:read(i)
  if not ffi.istype(Handle, self) then
    core.raise('read: needs examples, got %s', core.kind(self))
  end
  local out = ffi.new 'imnn_example *[1]'
  local at = core.index(i, count(self), 'read: no record')
  check(C.imnn_tfrecord_example(out, self.records, at))
  local ok, features = pcall(features_of, out[0])
  C.imnn_example_release(out[0])
  return ok and features or error(features, 0)
end

--- Iterate.
-- @treturn function iterator: number and Example
-- @usage for i, example in examples:each() do print(i, example.label[1]) end
function Examples:each()
  if not ffi.istype(Handle, self) then
    core.raise('each: needs examples, got %s', core.kind(self))
  end
  local i, n = 0, count(self)
  return function()
    i = i + 1
    if i <= n then return i, self:read(i) end
  end
end

function Examples.__index(_, name)
  return Examples[name] or core.raise('examples: there is no "%s"%s', tostring(name),
    args.near(tostring(name), Examples))
end

ffi.metatype(Handle, Examples)

--- Any file of tf.train.Example, record by record; # is how many there are.
-- @tparam string|table files
-- @treturn Examples
-- @raise no such file, or one that is damaged
-- @usage data.tfrecord.write('mine.tfrecords', { { label = 3, text = { 'a', 'b' } } })
-- local all = data.tfrecord.examples 'mine.tfrecords'
-- #all --> 1
-- all:read(1).text --> { 'a', 'b', kind = 'bytes_list' }
function M.examples(files)
  local records = open('tfrecord.examples', files)
  return Handle(C.imnn_tfrecord_retain(records))
end

-- ---- writing Examples ----

local codes = {
  unset = C.IMNN_FEATURE_UNSET, bytes_list = C.IMNN_FEATURE_BYTES,
  float_list = C.IMNN_FEATURE_FLOATS, int64_list = C.IMNN_FEATURE_INTS,
}

local wanted = { bytes_list = 'string', float_list = 'number', int64_list = 'integer' }

local function is_integer(v)
  return type(v) == 'number' and v % 1 == 0 and math.abs(v) <= 2 ^ 53
    or ffi.istype('int64_t', v)
end

-- Integers where all are, else floats; strings; what Arrays hold.
local function kind_of(values, x)
  if array.is(x) then return x.dtype:find '^f' and 'float_list' or 'int64_list' end
  local kind = 'int64_list'
  for _, v in ipairs(values) do
    if type(v) == 'string' then return 'bytes_list' end
    if not is_integer(v) then kind = 'float_list' end
  end
  return #values > 0 and kind or 'unset'
end

local adders = {
  bytes_list = function(e, v) return C.imnn_example_add_bytes(e, v, #v) end,
  float_list = function(e, v) return C.imnn_example_add_float(e, v) end,
  int64_list = function(e, v) return C.imnn_example_add_int(e, v) end,
}

local function good(kind, v)
  if kind == 'bytes_list' then return type(v) == 'string' end
  if kind == 'int64_list' then return is_integer(v) end
  return type(v) == 'number'
end

local function put(e, name, x)
  if type(name) ~= 'string' then
    core.raise('tfrecord.write: the name of a feature is a string, got %s', core.kind(name))
  end
  local values = array.is(x) and x:values() or type(x) == 'table' and x or { x }
  local kind = type(x) == 'table' and x.kind or kind_of(values, x)
  local code = args.choice('tfrecord.write', 'kind', kind, codes)
  check(C.imnn_example_put(e, name, #name, code), 'tfrecord.write')
  for _, v in ipairs(values) do
    if type(v) == 'boolean' and array.is(x) then v = v and 1 or 0 end
    if kind == 'unset' or not good(kind, v) then
      core.raise('tfrecord.write: feature "%s" is a %s, a value must be %s, got %s', name, kind,
        wanted[kind] or 'none', type(v) == 'number' and tostring(v) or core.kind(v))
    end
    check(adders[kind](e, v), 'tfrecord.write')
  end
end

local function write_one(writer, features)
  if type(features) ~= 'table' then
    core.raise('tfrecord.write: an Example is a table { name = values }, got %s',
      core.kind(features))
  end
  local out = ffi.new 'imnn_example *[1]'
  local bytes, n = ffi.new 'const void *[1]', ffi.new 'size_t[1]'
  check(C.imnn_example_new(out), 'tfrecord.write')
  local ok, why = pcall(function()
    for name, x in pairs(features) do put(out[0], name, x) end
    check(C.imnn_example_encode(out[0], bytes, n), 'tfrecord.write')
    check(C.imnn_tfrecord_writer_add(writer, bytes[0], n[0]))
  end)
  C.imnn_example_release(out[0])
  if not ok then error(why, 0) end
end

--- Write Examples to one file, which has a temporary name until it is whole.
-- @tparam string path
-- @tparam table examples list of tables, name -> a string or number, a list of these, or an Array.
-- Whole numbers become an int64_list, others a float_list; a field `kind` of the list decides
-- ('bytes_list', 'float_list', 'int64_list', 'unset')
-- @tparam[opt] table opts `compression`: 'GZIP' or 'ZLIB'
-- @raise values of several kinds; a file that cannot be written
-- @usage data.tfrecord.write('mine.tfrecords', { { x = { 1, 2.5 }, n = 3, name = 'first' },
--   { x = { kind = 'float_list', 4, 5 }, n = 4, name = 'second' } })
function M.write(path, examples, opts)
  path = args.argument('tfrecord.write', 'path', path, { 'string' })
  examples = args.argument('tfrecord.write', 'examples', examples, { 'table' })
  local o = args.take('tfrecord.write', opts, { compression = { 'string', optional = true } })
  local out = ffi.new 'imnn_tfrecord_writer *[1]'
  check(C.imnn_tfrecord_writer_new(out, path, math.huge, 0,
    packing('tfrecord.write', o.compression)), 'tfrecord.write')
  local ok, why = pcall(function()
    for _, features in ipairs(examples) do write_one(out[0], features) end
    check(C.imnn_tfrecord_writer_finish(out[0]))
  end)
  C.imnn_tfrecord_writer_release(out[0])
  if not ok then error(why, 0) end
end

return args.strict('data.tfrecord', M)
