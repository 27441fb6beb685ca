--- Sample sets in files: HDF5, which holds all of them, npz, npy and CSV.
-- @module imnn.samples.files
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local file = require 'imnn.samples.file'
local np = require 'imnn.numpy'
local sets = require 'imnn.samples.set'
local whole = require 'imnn.data.hdf5.whole'
local C, state = core.C, sets.state
local M = {}

local Files = sets.methods

local kind = { group = 'samples', version = 1, name = 'sample set' } -- of HDF5 files

-- Options of the constructor that come from what was read; a script's own count more.
local function make(path, found, opts)
  local o = {}
  for key, value in pairs(found) do o[key] = value end
  for key, value in pairs(opts or {}) do o[args.spelling[key] or key] = value end
  if opts and (opts.weights or opts.log_weights) then
    if not opts.weights then o.weights = nil end
    if not opts.log_weights then o.log_weights = nil end
  end
  o.origin = o.origin or { method = 'file', path = path }
  return sets.new('load', o)
end

-- ---- HDF5 ----

local function write_hdf5(path, s, set)
  local record = { names = s.names, labels = s.labels, low = s.low, high = s.high,
    rejected = s.rejected, derived = set.derived, origin = s.origin, weights = set.weights }
  for _, name in ipairs(sets.rows) do record[name] = s[name] end
  whole.write(path, kind, record)
end

local function read_hdf5(path, opts)
  local record = whole.read('load', path, kind)
  local rejected = record.rejected
  record.rejected, record.weights = nil, nil
  local set = make(path, record, opts)
  local s = state(set, 'load')
  s.rejected = s.rejected + (rejected or 0)
  return set
end

-- ---- tables of columns ----

-- What is a column beside the parameters, and the field it is.
local beside = { weight = 'weights', log_weight = 'log_weights', distance = 'distances',
  log_prob = 'log_prob', generation = 'generation', chain = 'chain' }
local order = { 'distance', 'log_prob', 'generation', 'chain' }

local function check_names(who, s, reserved)
  for _, name in ipairs(s.names) do
    if reserved[name] or name:find '^summary_%d+$' then
      core.raise('%s: "%s" is what another column is called; give the parameter another name', who,
        name)
    end
  end
end

local function rows_of(s, name)
  local x = s[name]
  return type(x) == 'number' and np.full({ s.n }, x, 'f64') or x
end

-- Names and columns: weights, parameters, then what else there is.
local function columns_of(s, set)
  local names, parts = { 'weight', unpack(s.names) }, { set.weights:reshape { s.n, 1 },
    s.parameters }
  for _, name in ipairs(order) do
    local x = rows_of(s, beside[name])
    if x then names[#names + 1], parts[#parts + 1] = name, x:astype('f64'):reshape { s.n, 1 } end
  end
  if s.summaries then
    for k = 1, s.summaries.shape[2] do names[#names + 1] = 'summary_' .. k end
    parts[#parts + 1] = s.summaries:astype 'f64'
  end
  return names, np.concatenate(parts, { axis = 2 })
end

-- A field of CSV (RFC 4180).
local function quoted(name)
  return name:find '[",\r\n]' and '"' .. name:gsub('"', '""') .. '"' or name
end

local function write_csv(path, s, set)
  check_names('save', s, beside)
  local names, x = columns_of(s, set)
  for i, name in ipairs(names) do names[i] = quoted(name) end
  file.write_table(path, x, ',', table.concat(names, ',') .. '\n')
end

-- Where a quoted field ends that begins at a place: two quotes are one inside.
local function closing(line, at)
  local close = line:find('"', at, true)
  while close and line:sub(close + 1, close + 1) == '"' do
    close = line:find('"', close + 2, true)
  end
  return close or #line + 1
end

-- The fields of a line of CSV.
local function fields_of(line)
  local out, at = {}, 1
  repeat
    local open = line:match('^%s*"()', at)
    local close = open and closing(line, open)
    local comma = line:find(',', close or at, true)
    local field = open and line:sub(open, close - 1):gsub('""', '"')
      or line:sub(at, comma and comma - 1)
    out[#out + 1] = field:match '^%s*(.-)%s*$'
    at = comma and comma + 1
  until not at
  return out
end

-- All weights are the same, and some: there are none.
local function weights_of(w)
  local least = w:min():item()
  return not (least > 0 and least == w:max():item()) and w or nil
end

-- Options of a set from columns with names.
local function sort_columns(names, column)
  local out = { names = {}, labels = {} }
  local parameters, summaries = {}, {}
  for k, name in ipairs(names) do
    local summary = tonumber(name:match '^summary_(%d+)$')
    if summary then summaries[#summaries + 1] = { summary, k }
    elseif beside[name] then out[beside[name]] = column(k)
    else
      parameters[#parameters + 1] = column(k)
      out.names[#out.names + 1], out.labels[#out.labels + 1] = name:gsub('%s+', '_'), name
    end
  end
  if #parameters > 0 then out.parameters = np.stack(parameters, { axis = 2 }) end
  table.sort(summaries, function(a, b) return a[1] < b[1] end)
  for i, one in ipairs(summaries) do summaries[i] = column(one[2]) end
  if #summaries > 0 then out.summaries = np.stack(summaries, { axis = 2 }) end
  if out.weights then out.weights = weights_of(out.weights) end
  if out.log_weights then out.weights = nil end
  return out
end

local function read_csv(path, opts)
  local x = file.exists(path) and file.lines(path) -- whether it is there is told below
  local names = fields_of((x and x[1] or ''):gsub('^\239\187\191', ''))
  local skip = x and 1 or 0
  local found = file.read_table(path, ',', skip)
  for _, name in ipairs(names) do
    if name == '' or tonumber(name) then
      core.raise('load: %s: the first line must have the names of the columns, got "%s"', path,
        name)
    end
  end
  if #found == 0 or found.shape[2] ~= #names then
    core.raise('load: %s: there are %d names, and %d columns of numbers', path, #names,
      #found == 0 and 0 or found.shape[2])
  end
  local out = sort_columns(names, function(k) return found[{ {}, k }] end)
  if not out.parameters then core.raise('load: %s: there is no column of a parameter', path) end
  return make(path, out, opts)
end

-- ---- NumPy's files ----

local npz_fields = { weights = true, log_weights = true, low = true, high = true,
  summaries = true, distances = true, log_prob = true, generation = true, chain = true,
  parameters = true }

local function write_npz(path, s, set)
  check_names('save', s, npz_fields)
  local list = {}
  for k, name in ipairs(s.names) do list[k] = { name, s.parameters[{ {}, k }] } end
  list[#list + 1] = { 'weights', set.weights }
  for _, name in ipairs { 'log_weights', 'summaries', 'distances', 'log_prob', 'generation',
    'chain' } do
    local x = rows_of(s, name)
    if x then list[#list + 1] = { name, x } end
  end
  list[#list + 1], list[#list + 2] = { 'low', np.array(s.low, 'f64') },
    { 'high', np.array(s.high, 'f64') }
  local out = ffi.new 'imnn_npz_writer *[1]'
  core.check(C.imnn_npz_create(out, path))
  local writer = ffi.gc(out[0], C.imnn_npz_abandon)
  for _, one in ipairs(list) do core.check(C.imnn_npz_write(writer, one[1], one[2].array, 0)) end
  core.check(C.imnn_npz_finish(writer))
end

-- Names as they come in the file, which is the order of the parameters.
local function in_order(f)
  local z, out = rawget(f, 'file'), {}
  for i = 1, tonumber(C.imnn_npz_count(z)) do out[i] = ffi.string(C.imnn_npz_name(z, i - 1)) end
  return out
end

local function read_npz(path, opts)
  local f = require('imnn.data.npz').open(path)
  local out, columns = { names = {} }, {}
  for _, name in ipairs(in_order(f)) do
    local x = f:read(name)
    if npz_fields[name] then out[name] = x
    elseif x.ndim == 1 then
      columns[#columns + 1], out.names[#out.names + 1] = x:astype 'f64', name
    else
      core.raise('load: %s: "%s" is no column of numbers, but (%s)', path, name,
        table.concat(x.shape, ', '))
    end
  end
  f:close()
  if out.parameters then out.names = nil
  elseif #columns == 0 then core.raise('load: %s: there are no parameters', path)
  else
    for i, x in ipairs(columns) do
      if #x ~= #columns[1] then
        core.raise('load: %s: "%s" has %d numbers, "%s" has %d', path, out.names[1], #columns[1],
          out.names[i], #x)
      end
    end
    out.parameters = np.stack(columns, { axis = 2 })
  end
  if out.log_weights then out.weights = nil end
  if out.weights then out.weights = weights_of(out.weights:astype 'f64') end
  return make(path, out, opts)
end

local function write_npy(path, s, set)
  np.save(path, np.concatenate({ set.weights:reshape { s.n, 1 }, s.parameters }, { axis = 2 }))
end

local function read_npy(path, opts)
  local x = np.load(path)
  if x.ndim ~= 2 or x.shape[2] < 2 then
    core.raise('load: %s: needs (n, 1 + P), weights and then parameters, got (%s)', path,
      table.concat(x.shape, ', '))
  end
  local w = x[{ {}, 1 }]:astype 'f64'
  if w:min():item() < 0 then
    core.raise('load: %s: the first column are weights, but there is %g', path, w:min():item())
  end
  return make(path, { weights = weights_of(w), parameters = x[{ {}, { 2, x.shape[2] } }] }, opts)
end

-- ---- the calls ----

local writers = { npz = write_npz, npy = write_npy, csv = write_csv }
local readers = { npz = read_npz, npy = read_npy, csv = read_csv }

local function ending(path) return path:match '%.(%w+)$' end

--- Write the set to a file, which is there when it is whole. The ending of the name says how:
--
--    .csv   a line of names, then numbers with all digits: weight, parameters, distance, log_prob,
--           generation, chain, summary_1, ..., as far as there are any
--    .npz   an array for each parameter by its name; weights, log_weights, low, high, ...
--    .npy   (n, 1 + P): weights, then parameters
--    other  HDF5: everything, in the group "samples"; only this keeps labels and the origin
--
-- @tparam string path
-- @raise a folder that is not there, a full disk; names that the format needs for something else
-- @usage samples:save 'posterior.h5'
-- SampleSet.load('posterior.h5').names --> { 'mu', 'sigma2' }
function Files:save(path)
  local s = state(self, 'save')
  args.argument('save', 'path', path, { 'string' });
  (writers[ending(path)] or write_hdf5)(path, s, self)
end

--- Read a set that `save` has written, or columns that others have: CSV with a line of names, npz
-- with an array for each parameter. The ending of the name says how: .csv, .npz, .npy, else HDF5.
-- @tparam string path
-- @tparam[opt] table opts options of the constructor that count more than what is in the file:
-- labels, low, high, ...
-- @treturn SampleSet
-- @raise missing, damaged, of another kind; what the constructor refuses
-- @usage samples:save 'posterior.csv'
-- local again = SampleSet.load('posterior.csv', { labels = { 'μ', 'σ²' } })
function M.load(path, opts)
  args.argument('load', 'path', path, { 'string' })
  args.argument('load', 'opts', opts, { 'table', optional = true })
  return (readers[ending(path)] or read_hdf5)(path, opts)
end

return M
