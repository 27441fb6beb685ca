--- Writers of simulations: TFRecord files as the Python IMNN makes them. Attributes: record_size,
-- padding, compression; input_shape: the shape of the first simulation that was written with
-- fiducial = true; file: where the last call wrote to, without number and ending.
-- @module imnn.data.records
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local packing = require 'imnn.data.packing'
local progress = require 'imnn.progress'
local text = require('imnn.array.text').shape
local C, check = core.C, core.check
local M = {}

local TFRecords = {}
TFRecords.__index = TFRecords

--- A writer of simulations.
-- @tparam[opt] table opts
-- @tparam[opt=150] number opts.record_size size of a file in 10^6 bytes: it ends with the record
-- that makes it longer
-- @tparam[opt=5] number opts.padding digits of the number in a file's name, at least
-- @tparam[opt] string opts.compression 'GZIP' or 'ZLIB', as TensorFlow has them: readers see by
-- themselves what it is; none: as the Python IMNN writes
-- @treturn TFRecords
-- @raise sizes that make no sense
-- @usage local records = imnn.TFRecords { record_size = 150, padding = 5 }
function M.TFRecords(opts)
  local o = args.take('TFRecords', opts, {
    record_size = { 'number', default = 150 }, padding = { 'integer', default = 5 },
    compression = { 'string', optional = true },
  })
  packing('TFRecords', o.compression)
  if o.record_size <= 0 then
    core.raise('TFRecords: record_size must be positive, got %g', o.record_size)
  end
  if o.padding < 1 or o.padding > 18 then
    core.raise('TFRecords: padding is 1 to 18 digits, got %d', o.padding)
  end
  return setmetatable(o, TFRecords)
end

local rows = {
  n_sims = { 'integer' }, get_simulation = { 'function' },
  fiducial = { 'boolean', default = true }, n_params = { 'integer', optional = true },
  validation = { 'boolean', default = false }, directory = { 'string', optional = true },
  filename = { 'string', optional = true }, start = { 'integer', default = 0 },
  progress = { 'boolean', 'table', default = true },
}

local arguments = { [true] = '(seed)', [false] = '(seed, side, parameter)' }

local function check_options(o)
  if o.n_sims < 1 then
    core.raise('write_record: n_sims is the number of simulations, 1 or more, got %d', o.n_sims)
  end
  if o.start < 0 then core.raise('write_record: start is 0 or more, got %d', o.start) end
  if not o.fiducial and not o.n_params then
    core.raise 'write_record: fiducial = false needs n_params, the number of parameters'
  end
  if o.n_params and o.n_params < 1 then
    core.raise('write_record: n_params is 1 or more, got %d', o.n_params)
  end
  local info = type(o.get_simulation) == 'function' and debug.getinfo(o.get_simulation, 'u')
  if info and not info.isvararg and info.nparams ~= (o.fiducial and 1 or 3) then
    core.raise('write_record: with fiducial = %s get_simulation is a function of %s, this one has '
      .. '%d arguments', tostring(o.fiducial), arguments[o.fiducial], info.nparams)
  end
end

local function stem_of(o)
  local name = o.filename
    or (o.validation and 'validation_' or '') .. (o.fiducial and 'fiducial' or 'derivative')
  return o.directory and o.directory .. '/' .. name or name
end

-- A simulation as f32, which must hold it.
local function single(x, which)
  local np = require 'imnn.numpy'
  if not array.is(x) then
    if type(x) ~= 'number' and type(x) ~= 'table' then
      core.raise('write_record: get_simulation must give an Array, got %s for %s', core.kind(x),
        which)
    end
    x = np.array(x, 'f32')
  end
  if array.traced(x) then
    core.raise('write_record: get_simulation gave a traced array for %s', which)
  end
  if x.dtype:find '^c' then
    core.raise('write_record: files hold f32, and get_simulation gave %s for %s', x.dtype, which)
  end
  local y = x.dtype == 'f32' and x or np.astype(x, 'f32')
  if x.dtype == 'f64' and C.imnn_array_nonfinite(x.array) ~= C.imnn_array_nonfinite(y.array) then
    core.raise('write_record: files hold f32, in which a number of %s is infinite', which)
  end
  return y
end

local function put_int(e, name, value)
  check(C.imnn_example_put(e, name, #name, C.IMNN_FEATURE_INTS))
  check(C.imnn_example_add_int(e, value))
end

local function put(writer, x, features)
  local out = ffi.new 'imnn_example *[1]'
  local bytes, n = ffi.new 'const void *[1]', ffi.new 'size_t[1]'
  check(C.imnn_example_new(out), 'write_record')
  local ok, why = pcall(function()
    local e = out[0]
    check(C.imnn_example_put(e, 'data', 4, C.IMNN_FEATURE_BYTES))
    check(C.imnn_example_add_bytes(e, C.imnn_array_data(x.array), 4 * x.size))
    for name, value in pairs(features) do put_int(e, name, value) end
    check(C.imnn_example_encode(e, bytes, n))
    check(C.imnn_tfrecord_writer_add(writer, bytes[0], n[0]))
  end)
  C.imnn_example_release(out[0])
  if not ok then error(why, 0) end
end

-- All simulations of a call go through here; of one shape.
local function adder(self, writer, o)
  local shape
  return function(x, which, features)
    x = single(x, which)
    local now = text(x.shape)
    if shape and now ~= shape then
      core.raise('write_record: simulations have one shape: %s has %s, others %s', which, now,
        shape)
    end
    if o.fiducial and not self.input_shape then self.input_shape = x.shape end
    shape = now
    put(writer, x, features)
  end
end

local function write_seed(o, add, seed)
  if o.fiducial then
    return add(o.get_simulation(seed), ('seed %d'):format(seed), { seed = seed })
  end
  for side = 1, 2 do
    for parameter = 1, o.n_params do
      add(o.get_simulation(seed, side, parameter),
        ('seed %d, side %d, parameter %d'):format(seed, side, parameter),
        { seed = seed, derivative = side - 1, parameter = parameter - 1 })
    end
  end
end

local function write_all(self, writer, o)
  local add = adder(self, writer, o)
  local function loop(show)
    for i = 1, o.n_sims do
      write_seed(o, add, o.start + i - 1)
      show('%s: %d of %d', self.file, i, o.n_sims)
      core.poll()
    end
  end
  if o.progress == false then loop(function() end)
  else progress.follow(type(o.progress) == 'table' and o.progress or {}, loop) end
  check(C.imnn_tfrecord_writer_finish(writer))
  local paths = {}
  for i = 1, tonumber(C.imnn_tfrecord_writer_count(writer)) do
    paths[i] = ffi.string(C.imnn_tfrecord_writer_path(writer, i - 1))
  end
  return paths
end

--- Write simulations: DIRECTORY/FILENAME_00000.tfrecords, _00001 and so on, each under a temporary
-- name until it is whole. Values are f32. What reads them is data.tfrecord.fiducial, derivative
-- (a get_simulation that gives derivatives, parameters last) and numerical.
-- @tparam table opts
-- @tparam number opts.n_sims how many; seeds are start, start + 1, ...
-- @tparam function opts.get_simulation of the seed; with fiducial = false of seed, side (1: below,
-- 2: above the fiducial) and parameter (1 to n_params). Gives an Array; all have one shape
-- @tparam[opt=true] boolean opts.fiducial a record for each seed; false: for each seed, side and
-- parameter, in this order
-- @tparam[opt] number opts.n_params of parameters, which fiducial = false needs
-- @tparam[opt=false] boolean opts.validation begin the name with `validation_`
-- @tparam[opt] string opts.directory which exists
-- @tparam[opt] string opts.filename in place of `fiducial` or `derivative`; validation does not
-- change it
-- @tparam[opt=0] number opts.start the first seed
-- @tparam[opt=true] boolean|table opts.progress a line on the screen; a table of options for
-- progress.follow
-- @treturn table paths of the files
-- @raise options that do not belong together, simulations of several shapes or that f32 does not
-- hold, a file that cannot be written
-- @usage records:write_record { n_sims = 3, start = 7, filename = 'some',
--   get_simulation = function(seed) return np.full({ 4 }, seed) end }
-- --> { 'some_00000.tfrecords' }
function TFRecords:write_record(opts)
  if getmetatable(self) ~= TFRecords then
    core.raise('write_record: is called as records:write_record { ... }, on what TFRecords gives')
  end
  local o = args.take('write_record', opts, rows)
  check_options(o)
  self.file = stem_of(o)
  local out = ffi.new 'imnn_tfrecord_writer *[1]'
  check(C.imnn_tfrecord_writer_new(out, self.file, self.record_size * 1e6, self.padding,
    packing('write_record', self.compression)), 'write_record')
  local ok, paths = pcall(write_all, self, out[0], o)
  C.imnn_tfrecord_writer_release(out[0])
  return ok and paths or error(paths, 0)
end

return M
