--- Files: arrays in the formats of NumPy, and text.
-- @module imnn.numpy.files
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local C = core.C
local M = {}

local function path_of(who, path) return args.argument(who, 'path', path, { 'string' }) end

-- A known array, of numbers, too.
local function known(who, x)
  if x == nil then core.raise('%s: needs an array, got nil', who) end
  x = create.as_array(x, who)
  if array.traced(x) then core.raise('%s: a traced array has no value yet', who) end
  return x
end

local function with_ending(path, ending)
  return path:sub(-#ending) == ending and path or path .. ending
end

--- Read an npy file, or open an npz file. f16 come as f32, integers of 8 and 16 bits as i32, those
-- of 64 as the smallest of i32, u32, f64 that holds them.
-- @tparam string path
-- @tparam[opt] string dtype of an npy file: what it is read as; integers as i32, u32, f32 or f64,
-- floats as f32 or f64
-- @treturn Array|npz
-- @raise missing, damaged; what arrays cannot hold: structures, dates, strings, pickled objects
-- @usage np.save('mine.npy', np.arange(3))
-- np.load 'mine.npy' --> { 0, 1, 2 }
function M.load(path, dtype)
  local is_file = core.C.imnn_path_kind(path_of('np.load', path)) == ('f'):byte()
  local file = is_file and io.open(path, 'rb') -- what else there is, is refused below
  local start = file and file:read(4)
  if file then file:close() end
  if start == 'PK\3\4' or start == 'PK\5\6' or path:find '%.npz$' then -- the latter: without arrays
    return require('imnn.data.npz').open(path)
  end
  local code = require('imnn.data.reader').dtype_code(dtype)
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_npy_read(out, path, code))
  return array.own(out)
end

--- Write an array to an npy file, which is there when it is whole.
-- @tparam string path ".npy" is added if it is not there
-- @tparam Array|number|table x
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.save('mine.npy', np.arange(3))
function M.save(path, x)
  path = with_ending(path_of('np.save', path), '.npy')
  core.check(C.imnn_npy_write(path, known('np.save', x).array))
end

local function save_all(who, path, arrays, level)
  path = with_ending(path_of(who, path), '.npz')
  args.argument(who, 'arrays', arrays, { 'table' })
  local names, list = {}, {}
  for key, x in pairs(arrays) do
    local whole = type(key) == 'number' and key >= 1 and key % 1 == 0
    if not whole and type(key) ~= 'string' or tostring(key):find '%z' then
      core.raise('%s: names are strings, got %s', who, tostring(key))
    end
    local name = whole and ('arr_%d'):format(key - 1) or key
    if list[name] then core.raise('%s: there are two arrays "%s"', who, name) end
    names[#names + 1], list[name] = name, known(who, x)
  end
  table.sort(names)
  local out = ffi.new 'imnn_npz_writer *[1]'
  core.check(C.imnn_npz_create(out, path))
  local writer = ffi.gc(out[0], C.imnn_npz_abandon)
  for _, name in ipairs(names) do
    core.check(C.imnn_npz_write(writer, name, list[name].array, level))
  end
  core.check(C.imnn_npz_finish(writer))
end

--- Write arrays to an npz file, which is there when it is whole.
-- @tparam string path ".npz" is added if it is not there
-- @tparam table arrays name -> Array; those without a name are called arr_0, arr_1, ...
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.savez('mine.npz', { x = np.arange(3), y = 2 })
-- np.load('mine.npz').x --> { 0, 1, 2 }
function M.savez(path, arrays) save_all('np.savez', path, arrays, 0) end

--- Write arrays to an npz file, compressed.
-- @tparam string path ".npz" is added if it is not there
-- @tparam table arrays name -> Array; those without a name are called arr_0, arr_1, ...
-- @raise a folder that is not there, a full disk; a traced array
-- @usage np.savez_compressed('mine.npz', { x = np.arange(3) })
function M.savez_compressed(path, arrays) save_all('np.savez_compressed', path, arrays, 6) end

-- ---- text ----

local text_rows = {
  dtype = { 'string', optional = true }, delimiter = { 'string', optional = true },
  comments = { 'string', default = '#' }, skiprows = { 'integer', default = 0 },
  usecols = { 'table', 'integer', optional = true }, max_rows = { 'integer', optional = true },
  ndmin = { 'integer', default = 0 }, unpack = { 'boolean', default = false },
}

-- Columns as C counts them.
local function columns_of(who, columns)
  if type(columns) == 'number' then columns = { columns } end
  local out = ffi.new('int32_t[?]', math.max(#columns, 1))
  for i, k in ipairs(columns) do
    if type(k) ~= 'number' or k % 1 ~= 0 or k == 0 or math.abs(k) > 2 ^ 30 then
      core.raise('%s: usecols are numbers of columns, from 1, got %s', who, tostring(k))
    end
    out[i - 1] = k > 0 and k - 1 or k
  end
  if #columns == 0 then core.raise('%s: usecols names no column', who) end
  return out, #columns
end

-- Axes of one element go, but for ndmin of them.
local function squeezed(x, ndmin)
  local rows, columns = unpack(x.shape)
  if rows == 0 and columns == 0 then return x:reshape(ndmin > 1 and { 0, 0 } or { 0 }) end
  if ndmin > 1 or rows ~= 1 and columns ~= 1 then return x end
  if rows == 1 and columns == 1 then return x:reshape(ndmin == 1 and { 1 } or {}) end
  return x:reshape { rows * columns }
end

local function load_table(who, path, o, filling)
  local format = ffi.new('imnn_table_format', { skip = o.skiprows, most = o.max_rows or -1 })
  format.comments = o.comments
  format.delimiter = o.delimiter and o.delimiter ~= '' and o.delimiter or nil
  if o.skiprows < 0 or (o.max_rows or 0) < 0 then
    core.raise('%s: skiprows and max_rows are 0 or more', who)
  end
  local columns, n
  if o.usecols then
    columns, n = columns_of(who, o.usecols)
    format.columns, format.ncolumns = columns, n
  end
  if filling then format.missing, format.filling = true, filling end
  local out = ffi.new 'imnn_array *[1]'
  core.check(C.imnn_table_read(out, path, array.dtype_code(o.dtype or array.default_dtype()),
    format))
  local x = squeezed(array.own(out), o.ndmin)
  return o.unpack and x.ndim == 2 and x:transpose() or x
end

--- Read a table of numbers from a text file, a line for each row. Axes of one element are dropped.
-- @tparam string path
-- @tparam[opt] table opts
-- @tparam[opt] string opts.dtype f32, f64, i32 or u32; by default that of numbers
-- @tparam[opt] string opts.delimiter between columns, "," for instance; by default spaces and tabs
-- @tparam[opt='#'] string opts.comments the rest of a line from here on is skipped; '' for none
-- @tparam[opt=0] integer opts.skiprows lines to skip at the beginning
-- @tparam[opt] table|integer opts.usecols which columns, from 1; -1 is the last
-- @tparam[opt] integer opts.max_rows rows to read at most
-- @tparam[opt=0] integer opts.ndmin axes that are kept in any case, 0, 1 or 2
-- @tparam[opt=false] boolean opts.unpack give the transpose: rows are columns of the file
-- @treturn Array (rows, columns)
-- @raise missing; what is no number, or rows of several lengths, with file, line and column
-- @usage np.savetxt('mine.txt', { { 1, 2 }, { 3, 4 } })
-- np.loadtxt 'mine.txt' --> { { 1, 2 }, { 3, 4 } }
-- np.loadtxt('mine.txt', { usecols = -1 }) --> { 2, 4 }
function M.loadtxt(path, opts)
  path_of('np.loadtxt', path)
  return load_table('np.loadtxt', path, args.take('np.loadtxt', opts, text_rows))
end

--- Read a table of numbers from a text file, where numbers may be missing.
-- @tparam string path
-- @tparam[opt] table opts as for `np.loadtxt`, and
-- @tparam[opt=NaN] number opts.filling_values what stands for a cell that is empty or no number
-- @treturn Array (rows, columns)
-- @raise missing; rows of several lengths, with file and line
-- @usage local file = io.open('mine.csv', 'w')
-- file:write('1,,3\n4,?,6\n')
-- file:close()
-- np.genfromtxt('mine.csv', { delimiter = ',', filling_values = 0 })
-- --> { { 1, 0, 3 }, { 4, 0, 6 } }
function M.genfromtxt(path, opts)
  path_of('np.genfromtxt', path)
  local o = args.take('np.genfromtxt', opts, args.rows(text_rows, {
    filling_values = { 'number', default = 0 / 0, any = true } }))
  return load_table('np.genfromtxt', path, o, o.filling_values)
end

-- Lines with something in front of each.
local function remark(text, comments)
  if text == '' then return '' end
  return comments .. text:gsub('\n', '\n' .. comments:gsub('%%', '%%%%')) .. '\n'
end

--- Write an array to a text file, a line for each row; the file is there when it is whole.
-- @tparam string path
-- @tparam Array|table x one or two axes
-- @tparam[opt] table opts
-- @tparam[opt='%.18e'] string opts.fmt of one number, as for string.format
-- @tparam[opt=' '] string opts.delimiter
-- @tparam[opt=''] string opts.header lines at the beginning
-- @tparam[opt=''] string opts.footer lines at the end
-- @tparam[opt='# '] string opts.comments what stands in front of these
-- @raise complex numbers, more axes, another format; a folder that is not there, a full disk
-- @usage np.savetxt('mine.txt', { { 1, 2 }, { 3, 4 } }, { fmt = '%g', header = 'a b' })
function M.savetxt(path, x, opts)
  path_of('np.savetxt', path)
  local o = args.take('np.savetxt', opts, {
    fmt = { 'string', default = '%.18e' }, delimiter = { 'string', default = ' ' },
    header = { 'string', default = '' }, footer = { 'string', default = '' },
    comments = { 'string', default = '# ' },
  })
  x = array.is(x) and x or create.array(x == nil and known('np.savetxt', x) or x, 'f64')
  x = known('np.savetxt', x)
  if x.ndim == 0 then x = x:reshape { 1 } end
  core.check(C.imnn_table_write(path, x.array, o.fmt, o.delimiter, remark(o.header, o.comments),
    remark(o.footer, o.comments)))
end

return M
