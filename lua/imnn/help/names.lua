--- Every public name with its docstring, page by page: what is reachable from `imnn`, and the
-- classes whose objects functions give.
-- @module imnn.help.names
local comment = require 'imnn.help.comment'
local tables = require 'imnn.help.tables'
local M = {}

-- Pages in order: name as scripts have it, module, and where rows of tables say what names are.
local modules = {
  { 'imnn', 'imnn', 'Transforms and networks' },
  { 'np', 'imnn.numpy', 'NumPy functions', tables.operator },
  { 'np.fft', 'imnn.numpy.fft', 'Fourier transforms' },
  { 'np.linalg', 'imnn.numpy.linalg', 'Linear algebra' },
  { 'lax', 'imnn.lax', 'Control flow, windows, convolutions' },
  { 'random', 'imnn.random', 'Random numbers', tables.distribution },
  { 'stax', 'imnn.stax', 'Layers' },
  { 'optimizers', 'imnn.optimizers', 'Optimisers', tables.optimiser },
  { 'tree', 'imnn.tree', 'Trees of arrays' },
  { 'scipy', 'imnn.scipy', 'SciPy functions' },
  { 'distributions', 'imnn.distributions', 'Distributions' },
  { 'lfi', 'imnn.lfi', 'Likelihood-free inference' },
  { 'SampleSet', 'imnn.samples', 'Samples of posteriors' },
  { 'simulators', 'imnn.simulators', 'Simulators that cannot be traced' },
  { 'plot', 'imnn.plot', 'Plots' },
  { 'utils', 'imnn.utils', 'Helpers of the Python package' },
  { 'data', 'imnn.data', 'Files' },
}

local rows = { ['scipy.stats'] = tables.statistics }

-- Classes: what an object is called here, where its methods are, and of which class it also is; or
-- by which functions a table that anybody makes is known. Where methods are in several files,
-- `about` is the one whose comment tells about the class.
local classes = {
  { 'x', 'Arrays', {} },
  { 'place', 'Places of arrays', { At = 'imnn.numpy.update' } },
  { 'layer', 'Layers as objects', { Layer = 'imnn.stax' }, has = { 'init', 'apply' } },
  { 'optimiser', 'Optimisers as objects', { Optimiser = 'imnn.optimizers' },
    has = { 'init', 'update', 'get_params' } },
  { 'net', 'Networks', { Net = 'imnn.imnn.net' } },
  { 'history', 'Histories of fits', { History = 'imnn.imnn.history' } },
  { 'prior', 'Distributions and priors', { Distribution = 'imnn.distributions.base',
    Parts = 'imnn.distributions.parts' }, about = 'imnn.distributions.base' },
  { 'bijector', 'Bijectors', { Bijector = 'imnn.distributions.bijectors' },
    has = { 'forward', 'inverse' } },
  { 'posterior', 'Posteriors', { Posterior = 'imnn.lfi.posterior' } },
  { 'gaussian', 'Gaussian approximations', { Gaussian = 'imnn.lfi.gaussian' }, 'posterior' },
  { 'abc', 'Approximate Bayesian computation', { ABC = 'imnn.lfi.abc' }, 'posterior' },
  { 'pmc', 'Population Monte Carlo', { PMC = 'imnn.lfi.pmc' }, 'posterior' },
  { 'samples', 'Sample sets', { Statistics = 'imnn.samples.statistics',
    Chains = 'imnn.samples.chains', Editing = 'imnn.samples.edit',
    Densities = 'imnn.samples.density', Tables = 'imnn.samples.tables',
    Figures = 'imnn.samples.figures', Files = 'imnn.samples.files',
    Getdist = 'imnn.samples.getdist' }, about = 'imnn.samples' },
  { 'kde', 'Densities of samples', { Density = 'imnn.lfi.density' } },
  { 'figure', 'Figures', { Figure = 'imnn.plot.figure' } },
  { 'compiled', 'Compiled functions', { Jit = 'imnn.transform.jit' } },
  { 'custom', 'Functions with derivatives of their own', { Custom = 'imnn.lax.custom' } },
  { 'reader', 'Readers of records', { Reader = 'imnn.data.reader' } },
  { 'dataset', 'Data sets', { Dataset = 'imnn.data.dataset', Chain = 'imnn.data.chain' },
    about = 'imnn.data.dataset' },
  { 'records', 'Writers of TFRecord files', { TFRecords = 'imnn.data.records' } },
  { 'examples', 'Examples in TFRecord files', { Examples = 'imnn.data.tfrecord' } },
  { 'npz', 'npz files', { Npz = 'imnn.data.npz' } },
  { 'group', 'Groups of HDF5 files', { Group = 'imnn.data.hdf5',
    Writing = 'imnn.data.hdf5.write', Tree = 'imnn.data.hdf5.tree' }, about = 'imnn.data.hdf5' },
  { 'sim', 'Black-box simulators', { Simulator = 'imnn.simulators.object' } },
}

-- ---- files ----

local here = debug.getinfo(1, 'S').source:match '^@(.*)help/names%.lua$' -- that of lua/imnn

local function file_of(module)
  local path = module:gsub('^imnn%.?', ''):gsub('%.', '/')
  return comment.file(here .. (path == '' and 'init' or path) .. '.lua')
end

-- The files of a module: its own, and those of its rooms.
local function files_of(module)
  local out, names = { file_of(module) }, {}
  for name in pairs(package.loaded) do
    if module ~= 'imnn' and name:sub(1, #module + 1) == module .. '.' then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do out[#out + 1] = file_of(name) end
  return out
end

-- The file and line where a function is written; nil where that is not here.
local function place_of(fn)
  local info = debug.getinfo(fn, 'S')
  local path = info.source:match '^@(.*)$'
  if path and path:sub(1, #here) == here then return comment.file(path), info.linedefined end
end

--- The docstring above a function.
-- @tparam function fn
-- @treturn table|nil
function M.above(fn)
  local file, line = place_of(fn)
  return file and file.by_line[line]
end

local function by_name(files, name, owner)
  for _, file in ipairs(files) do
    for _, doc in ipairs(file.all) do
      if doc.name == name and (not owner or doc.owner == owner) then return doc end
    end
  end
end

-- ---- pages ----

local function sorted(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == 'string' then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local function is_module(value)
  for name, loaded in pairs(package.loaded) do
    if loaded == value and name:find '^imnn' then return name end
  end
end

-- Members of a module, those that are loaded at first use included, and which are modules.
local function members(t)
  if t == require 'imnn.registry' then return {}, {} end -- rows, for which np has functions
  local meta, inner = getmetatable(t), {}
  for _, name in ipairs(rawget(t, 'names') or {}) do local _ = t[name] end
  for name, module in pairs(type(meta) == 'table' and meta.names or {}) do
    inner[name] = t[name] and module
  end
  for name, value in pairs(t) do
    inner[name] = inner[name] or type(value) == 'table' and is_module(value) or nil
  end
  return sorted(t), inner
end

local function full_name(page, name)
  if page == 'imnn' then return 'imnn.' .. name end
  if not name:find '^[%a_][%w_]*$' or not loadstring('return a.' .. name) then
    return ("%s['%s']"):format(page, name)
  end
  return page .. '.' .. name
end

-- "Reductions: over one axis or several" begins with a title.
local function titled(header)
  return header and header.summary and header.summary:match '^[^:(]*[^:( ]'
end

local function title_of(module) return titled(file_of(module).header) or module end

local function topic_of(doc, page)
  if doc.topic or page.name == 'imnn' then return doc.topic or page.title end
  return doc.path and titled(comment.file(doc.path).header) or page.title
end

local function add(index, page, entry)
  entry.page, entry.topic = page, entry.doc and topic_of(entry.doc, page) or page.title
  page.entries[#page.entries + 1] = entry
  index.by_name[entry.full] = index.by_name[entry.full] or entry
  if type(entry.value) == 'function' then
    index.by_value[entry.value] = index.by_value[entry.value] or entry
  end
end

local function docstring(page, files, name, value)
  local doc
  if type(value) == 'function' then
    local file, line = place_of(value)
    doc = file and (file.by_line[line] or by_name({ file }, name))
  end
  return doc or by_name(files, name) or page.row and page.row(name)
end

-- Entries whose docstring has their own name come first: others with their value are aliases.
local function fill(index, page, t)
  local files, later = files_of(page.module), {}
  local list, inner = members(t)
  for _, name in ipairs(list) do
    local value = t[name]
    if inner[name] then
      page.inner[#page.inner + 1] = { name = name, value = value, module = inner[name] }
    else
      local doc = docstring(page, files, name, value)
      local entry = { name = name, full = full_name(page.name, name), value = value, doc = doc }
      if doc and doc.name == name and not index.by_value[value] then add(index, page, entry)
      else later[#later + 1] = entry end
    end
  end
  for _, entry in ipairs(later) do
    local first = type(entry.value) == 'function' and index.by_value[entry.value]
    if first then entry.doc, entry.alias = first.doc, first.alias or first.full end
    add(index, page, entry)
  end
  table.sort(page.entries, function(a, b) return a.name < b.name end)
end

local function new_page(index, name, module, title, row)
  local page = { name = name, module = module, title = title, row = row, entries = {}, inner = {} }
  page.header = file_of(module).header or comment.new()
  index.pages[#index.pages + 1] = page
  index.by_page[name] = page
  return page
end

local function add_module(index, seen, name, t, module, title, row)
  if seen[t] then return end
  seen[t] = true
  local page = new_page(index, name, module, title, row)
  fill(index, page, t)
  page.value = t
  for _, inner in ipairs(page.inner) do
    if name ~= 'imnn' then
      local full = name .. '.' .. inner.name
      add_module(index, seen, full, inner.value, inner.module, title_of(inner.module),
        rows[full])
    end
  end
end

-- Methods that are functions of np too say so.
local function add_arrays(index, page)
  local array = require 'imnn.array'
  local files = { file_of 'imnn.array', file_of 'imnn.numpy', file_of 'imnn.numpy.update' }
  for _, name in ipairs(sorted(array.methods)) do
    local value = array.methods[name]
    local entry = { name = name, full = 'x:' .. name, value = value, method = true }
    local first = index.by_value[value]
    if first then entry.doc, entry.alias = first.doc, first.full
    else entry.doc = by_name(files, name, 'methods') or M.above(value) end
    add(index, page, entry)
  end
  for _, name in ipairs(sorted(array.properties)) do
    add(index, page, { name = name, full = 'x.' .. name, value = array.properties[name],
      doc = by_name(files, name, 'properties') or by_name(files, name, 'M.properties') })
  end
end

local function add_class(index, page, owners)
  for owner, module in pairs(owners) do
    local file = file_of(module)
    local names = {}
    for _, doc in ipairs(file.all) do
      if doc.owner == owner and (doc.name == '__call' or not doc.name:find '^__') then
        names[doc.name] = doc
      end
    end
    for _, one in ipairs(file.declared) do
      if one.owner == owner and not one.name:find '^__' then
        names[one.name] = names[one.name] or file.by_line[one.line] or false
      end
    end
    for _, name in ipairs(sorted(names)) do
      local doc = names[name]
      local plain = doc and (doc.kind == 'field' or doc.plain)
      local full = page.name .. (plain and '.' or ':') .. name
      if name == '__call' then full = page.name end
      add(index, page, { name = name, full = full, doc = doc or nil, method = true })
    end
  end
end

local index

--- The index: made at the first call, which loads every module.
-- @treturn table `pages`: list of { name, title, header, entries, value, class }; an entry is
-- { name, full, value, doc, alias, topic, page }. `by_name`: full name -> entry; `by_page`;
-- `by_class`: name of a class in messages, "Dataset" -> page; `by_value`: function -> entry
function M.all()
  if index then return index end
  index = { pages = {}, by_name = {}, by_page = {}, by_class = {}, by_value = {} }
  local imnn = require 'imnn'
  local seen = {}
  for _, row in ipairs(modules) do
    add_module(index, seen, row[1], row[2] == 'imnn' and imnn or require(row[2]), unpack(row, 2))
  end
  for _, inner in ipairs(index.by_page.imnn.inner) do
    add_module(index, seen, 'imnn.' .. inner.name, inner.value, inner.module,
      title_of(inner.module))
  end
  for _, row in ipairs(classes) do
    local page = { name = row[1], title = row[2], entries = {}, inner = {}, class = true,
      owners = row[3], also = row[4], has = row.has }
    local _, module = next(row[3])
    page.header = file_of(row.about or module or 'imnn.array').header or comment.new()
    index.pages[#index.pages + 1], index.by_page[row[1]] = page, page
    for owner in pairs(row[3]) do index.by_class[owner] = page end
    if row[1] == 'x' then add_arrays(index, page) else add_class(index, page, row[3]) end
  end
  return index
end

local function member(x, name) return x[name] end

-- Whether x has functions of these names: of a table that anybody makes, its own ones.
local function has_all(x, list)
  local all = list ~= nil and type(x) == 'table' and getmetatable(x) == nil
  for _, name in ipairs(all and list or {}) do all = all and type(x[name]) == 'function' end
  return all
end

local function written_for(page, value)
  local file = type(value) == 'function' and place_of(value)
  for _, module in pairs(file and page.owners or {}) do
    if file == file_of(module) then return true end
  end
  return false
end

-- Whether x has a method of the class, or a metatable's, written where the class is.
local function is_of(x, page)
  for _, entry in ipairs(page.entries) do
    local ok, value = pcall(member, x, entry.name)
    if ok and written_for(page, value) then return true end
  end
  local meta = getmetatable(x)
  for _, value in pairs(type(meta) == 'table' and meta or {}) do
    if written_for(page, value) then return true end
  end
  return false
end

--- The page of the class of an object: the one whose methods it has.
-- @param x
-- @treturn table|nil
function M.class_of(x)
  local all, kind = M.all(), type(x)
  if require('imnn.array').is(x) then return all.by_page.x end
  if kind ~= 'table' and kind ~= 'cdata' and kind ~= 'userdata' then return nil end
  for i = #all.pages, 1, -1 do
    local page = all.pages[i]
    if has_all(x, page.has) or page.class and not page.has and is_of(x, page) then return page end
  end
end

return M
