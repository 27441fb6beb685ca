--- Data sets: records by number, each a tree of arrays.
--
--    local set = imnn.data.dataset { data = group:reader 'x', target = np.zeros { 4, 2 } }
--    for batch in set:batches(100) do print(batch.data.shape) end
--    set = set:shuffle(key):map(function(r) return { r.data / 2, r.target } end):prefetch(1000)
--
-- Nothing is read before it is asked for, and whatever a set is made of, its records can be asked
-- for by number, in any order. `#set` is how many there are; `set[i]` is record i.
-- @module imnn.data.dataset
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local derived = require 'imnn.data.derived'
local readers = require 'imnn.data.reader'
local tree = require 'imnn.tree'
local C = core.C
local M = {}

-- A userdata, since of tables LuaJIT does not ask for #; what it holds is here.
local states = setmetatable({}, { __mode = 'k' })
local template = newproxy(true)
local Dataset, properties = {}, {}
M.Dataset = Dataset

local most = 2 ^ 40 -- records: a set that has more was repeated without end

--- Whether x is a data set.
-- @param x anything
-- @treturn boolean
function M.is(x) return states[x] ~= nil end
args.types.Dataset = M.is

--- What a set is made of: `plan`, a tree of numbers of `readers`, a list, each with a `label`;
-- `count`.
function M.state(self, who)
  local s = states[self]
  if not s then core.raise('%s: needs a data set, got %s', who, core.kind(self)) end
  if s.closed then core.raise('%s: the data set is closed', who) end
  return s
end
local state = M.state

--- The name of a reader, for messages: "x (simulations.h5: fiducial)".
function M.source(s, i)
  local name = ffi.string(C.imnn_reader_name(s.readers[i].reader))
  return s.labels[i] == '' and name or ('%s (%s)'):format(s.labels[i], name)
end

--- A set of readers as a plan arranges them.
-- @tparam string who
-- @tparam table plan a tree of numbers of readers
-- @tparam table list readers
-- @tparam table labels
-- @treturn Dataset
function M.new(who, plan, list, labels)
  local s = { plan = plan, readers = list, labels = labels }
  if #list == 0 then core.raise('%s: there is nothing in it', who) end
  s.count = list[1].count
  for i = 2, #list do
    if list[i].count ~= s.count then
      core.raise('%s: %s has %d records, %s has %d', who, M.source(s, 1), s.count,
        M.source(s, i), list[i].count)
    end
  end
  if s.count >= most then s.count = math.huge end
  local set = newproxy(template)
  states[set] = s
  return set
end

-- A handle of its own for the same reader: closing one leaves the others open.
local function copy(reader)
  local slot = ffi.new 'imnn_reader *[1]'
  slot[0] = C.imnn_reader_retain(reader.reader)
  return readers.own(slot)
end

--- A set of the same structure, of what fn makes of each reader.
-- @tparam Dataset self
-- @tparam string who
-- @tparam function fn (who, reader, ...) -> reader, as those of imnn.data.derived
-- @param ... for fn
-- @treturn Dataset
function M.derive(self, who, fn, ...)
  local s, list = state(self, who), {}
  for i, r in ipairs(s.readers) do list[i] = fn(who, r, ...) end
  return M.new(who, s.plan, list, s.labels)
end

-- ---- what a set tells ----

local function filled(s, fn) return tree.map(fn, s.plan) end

--- The number of records; math.huge of a set that is repeated without end.
-- @treturn number
-- @usage dataset.count --> 4
-- @field Dataset.count
function properties.count(s) return s.count end

--- The shape of one record: a tree of shapes.
-- @treturn table
-- @usage dataset.shapes --> { x = { 3 }, y = {} }
-- @field Dataset.shapes
function properties.shapes(s) return filled(s, function(i) return s.readers[i].shape end) end

--- The dtypes of a record: a tree of names.
-- @treturn table|string
-- @usage dataset.dtypes --> { x = 'f32', y = 'f32' }
-- @field Dataset.dtypes
function properties.dtypes(s) return filled(s, function(i) return s.readers[i].dtype end) end

--- What messages call the files, or whatever else the records come from: a tree.
-- @treturn table|string
-- @usage dataset.names --> { x = 'array', y = 'array' }
-- @field Dataset.names
function properties.names(s) return filled(s, function(i) return s.readers[i].name end) end

--- What fits read from: a tree of readers.
-- @treturn table|Reader
-- @raise a set without end
-- @usage dataset:readers().x.count --> 4
function Dataset:readers()
  local s = state(self, 'readers')
  M.finite(self, 'readers')
  return filled(s, function(i) return copy(s.readers[i]) end)
end

--- Refuse a set without end.
function M.finite(self, who)
  if state(self, who).count == math.huge then
    core.raise('%s: the data set is repeated without end; take(n) has one', who)
  end
end

-- ---- reading ----

-- Records first < i <= last as a tree.
local function read(s, who, first, last)
  local n = #s.readers
  local out = ffi.new('imnn_array *[?]', n)
  core.check(C.imnn_readers_read(out, n, derived.c_readers(s.readers), first, last), who)
  local made = {}
  for i = 1, n do made[i] = array.Value(out[i - 1], 0, 0) end
  core.relieve()
  return filled(s, function(i) return made[i] end)
end

--- Read records.
-- @tparam[opt=1] number i the first one, from 1; -1 is the last
-- @tparam[opt] number j the last one, which is read, too; none: i, or the end if there is no i
-- @treturn Array|table a tree of Arrays (j - i + 1, shape of one record)
-- @raise no such record; a file that is damaged or gone, with its name, the record and the offset
-- @usage dataset:read(2, 3).y --> { 20, 30 }
function Dataset:read(i, j)
  local s = state(self, 'read')
  if i == nil and (j == nil or j == -1) then M.finite(self, 'read') end
  local n = s.count
  if j == nil then j = i end
  local first = i == nil and 0 or core.index(i, n, 'read: no record')
  local last = j == nil and n - 1 or core.index(j, n, 'read: no record')
  if (i or j) and last < first then
    core.raise('read: records %d to %d are none', first + 1, last + 1)
  end
  return read(s, 'read', first, last + 1)
end

--- All records.
-- @treturn Array|table a tree of Arrays (count, shape of one record)
-- @raise a set without end, more than memory holds
-- @usage dataset:array().y --> { 10, 20, 30, 40 }
function Dataset:array()
  M.finite(self, 'array')
  local s = state(self, 'array')
  return read(s, 'array', 0, s.count)
end

--- A whole number, at least `least`.
function M.whole(who, name, n, least)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < least then
    core.raise('%s: %s must be a whole number, %d or more, got %s', who, name, least, type(n)
      == 'number' and tostring(n) or core.kind(n))
  end
  return n
end

-- The functions of a loop over `count` records, `n` at a time.
local function iterate(self, who, n, last, shape)
  local s, at = state(self, who), 0
  return function()
    state(self, who)
    if at >= last then return nil end
    local first = at
    at = math.min(at + n, last)
    return shape(read(s, who, first, at))
  end
end

--- Iterate: n records at a time.
--
--    for batch in set:batches(100) do print(batch.x.shape) end
-- @tparam number n
-- @tparam[opt] table opts `drop_remainder` (false): leave out a last batch of fewer records
-- @treturn function iterator: trees of Arrays (n, shape of one record)
-- @usage for batch in dataset:batches(3) do print(batch.y) end
function Dataset:batches(n, opts)
  local s = state(self, 'batches')
  M.whole('batches', 'n', n, 1)
  local o = args.take('batches', opts, { drop_remainder = { 'boolean', default = false } })
  local last = o.drop_remainder and s.count < math.huge and s.count - s.count % n or s.count
  return iterate(self, 'batches', n, last, function(batch) return batch end)
end

local function first_of(batch)
  return tree.map(function(x)
    local shape = x.shape
    table.remove(shape, 1)
    return x:reshape(shape)
  end, batch)
end

--- Iterate: one record at a time.
-- @treturn function iterator: trees of Arrays (shape of one record)
-- @usage for record in dataset:records() do print(record.y:item()) end
function Dataset:records()
  return iterate(self, 'records', 1, state(self, 'records').count, first_of)
end

--- Give back what it holds: files, memory, background threads, as far as no other set needs them.
-- The collector does it, too, some time later.
-- @usage local mine = dataset:take(2)
-- mine:close()
function Dataset:close()
  local s = states[self]
  if not s then core.raise('close: needs a data set, got %s', core.kind(self)) end
  for _, r in ipairs(s.readers) do r:close() end
  s.closed = true
end

-- ---- the object ----

local meta = getmetatable(template)

function meta.__len(self) return state(self, 'length').count end

function meta.__tostring(self)
  local s = states[self]
  if s.closed then return 'a data set that is closed' end
  local parts = {}
  for i, r in ipairs(s.readers) do
    local label = s.labels[i] == '' and '' or s.labels[i] .. ' '
    parts[i] = ('%s%s (%s)'):format(label, r.dtype, table.concat(r.shape, ', '))
  end
  local count = s.count == math.huge and 'records without end' or ('%d records'):format(s.count)
  return count .. ': ' .. table.concat(parts, ', ')
end

function meta.__index(self, name)
  if type(name) == 'number' then
    local s = state(self, 'record')
    local i = core.index(name, s.count, 'data set: no record')
    return first_of(read(s, 'data set', i, i + 1))
  end
  if Dataset[name] then return Dataset[name] end
  if properties[name] then return properties[name](state(self, name)) end
  core.raise('data set: it has no field or method "%s"%s', tostring(name),
    args.near(tostring(name), args.rows(Dataset, properties)))
end

-- ---- making one ----

local function label_of(path, key)
  if type(key) == 'number' then return ('%s[%d]'):format(path, key) end
  return path == '' and tostring(key) or path .. '.' .. tostring(key)
end

-- Adds what is at a place of a tree to the list of parts, and gives its plan.
local function collect(who, x, path, parts)
  if type(x) == 'table' and getmetatable(x) == nil then
    local plan = {}
    for _, key in ipairs(tree.keys(x)) do
      plan[key] = collect(who, x[key], label_of(path, key), parts)
    end
    return plan
  end
  if M.is(x) then
    local s, at = state(x, who), #parts
    for i, r in ipairs(s.readers) do
      local inner = s.labels[i]
      local dot = path ~= '' and inner ~= '' and inner:sub(1, 1) ~= '[' and '.' or ''
      parts[at + i] = { reader = copy(r), label = path .. dot .. inner,
        endless = s.count == math.huge }
    end
    return tree.map(function(i) return at + i end, s.plan)
  end
  if array.is(x) then x = readers.from_array(x) end
  if not readers.is(x) then
    core.raise('%s: %s must be an Array, a reader or a data set, got %s', who,
      path == '' and 'the data' or path, core.kind(x))
  end
  parts[#parts + 1] = { reader = copy(x), label = path, endless = x.count >= most }
  return #parts
end

-- What is repeated without end ends where the others do.
local function cut(parts)
  local count
  for _, p in ipairs(parts) do if not p.endless then count = count or p.reader.count end end
  for _, p in ipairs(parts) do
    if count and p.endless then
      local slot = ffi.new 'imnn_reader *[1]'
      core.check(C.imnn_reader_range(slot, p.reader.reader, 0, count))
      p.reader = readers.own(slot)
    end
  end
end

--- One set of what a tree holds.
-- @tparam string who
-- @param x a tree
-- @treturn Dataset
function M.of(who, x)
  local parts, list, labels = {}, {}, {}
  local plan = collect(who, x, '', parts)
  cut(parts)
  for i, p in ipairs(parts) do list[i], labels[i] = p.reader, p.label end
  return M.new(who, plan, list, labels)
end

--- A data set: records that are trees of arrays. As `zip` it puts sets side by side: a set among
-- the leaves is the part of each record that its own record is.
-- @tparam Array|Reader|Dataset|table t a tree of Arrays, whose parts along the first axis are
-- records, readers and data sets, all of the same count; what is repeated without end ends where
-- the others do
-- @treturn Dataset
-- @raise counts that differ, with the names of both
-- @usage local mine = data.dataset { np.zeros { 5, 2 }, reader = np.arange(5) }
-- mine.count --> 5
function M.dataset(t) return M.of('dataset', t) end

--- Data sets side by side, as `dataset`: a tree of sets as a set of trees.
-- @tparam table t a tree of data sets, readers and Arrays
-- @treturn Dataset
-- @raise counts that differ, with the names of both
-- @usage data.zip { first = dataset, second = reader }:take(2).count --> 2
function M.zip(t) return M.of('zip', t) end

return M
