--- Data sets made of data sets, with the names of tf.data. Each is a new set, whose records are
-- read by number as those of any other.
-- @module imnn.data.chain
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local bytes = require 'imnn.bytes'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local dataset = require 'imnn.data.dataset'
local derived = require 'imnn.data.derived'
local np = require 'imnn.numpy'
local readers = require 'imnn.data.reader'
local tree = require 'imnn.tree'
local vmap = require('imnn.transform.vmap').vmap
local C = core.C
local Chain, state, whole = dataset.Dataset, dataset.state, dataset.whole

-- ---- which records, and in which order ----

local function stride(self, who, begin, count, step)
  return dataset.derive(self, who, derived.stride, begin, count, step)
end

-- The count as readers have it.
local function count_of(self, who) return state(self, who).readers[1].count end

--- The first n records; all, if there are not so many.
-- @tparam number n
-- @treturn Dataset
-- @usage dataset:take(2):array().y --> { 10, 20 }
function Chain:take(n)
  whole('take', 'n', n, 0)
  return stride(self, 'take', 0, math.min(n, count_of(self, 'take')), 1)
end

--- All but the first n records.
-- @tparam number n
-- @treturn Dataset
-- @usage dataset:skip(3):array().y --> { 40 }
function Chain:skip(n)
  local count = count_of(self, 'skip')
  local begin = math.min(whole('skip', 'n', n, 0), count)
  return stride(self, 'skip', begin, count - begin, 1)
end

--- Each n-th record, from the i-th one on: the share of worker i of n.
-- @tparam number n
-- @tparam number i 1 to n
-- @treturn Dataset
-- @usage dataset:shard(2, 1):array().y --> { 10, 30 }
function Chain:shard(n, i)
  local count = count_of(self, 'shard')
  whole('shard', 'n', n, 1)
  if whole('shard', 'i', i, 1) > n then
    core.raise('shard: there are %d shards, asked for number %d', n, i)
  end
  local begin = math.min(i - 1, count)
  return stride(self, 'shard', begin, math.ceil((count - begin) / n), n)
end

--- The records in a random order, which depends on the key alone. When they are repeated, each
-- repetition has an order of its own: that of repetition e, counted from 1, is
-- `random.permutation(random.fold_in(key, e), count)`.
-- @tparam Array key u32 (2)
-- @treturn Dataset
-- @raise another key; a set without end
-- @usage dataset:shuffle(random.PRNGKey(3)):take(2).count --> 2
function Chain:shuffle(key)
  require('imnn.random.check').key('shuffle', key)
  dataset.finite(self, 'shuffle')
  local order = ffi.new 'imnn_order *[1]'
  core.check(C.imnn_order_new(order, key.array, count_of(self, 'shuffle')), 'shuffle')
  local owned = core.own(order, C.imnn_order_release)
  return dataset.derive(self, 'shuffle', derived.shuffle, owned)
end

--- The records several times, one time behind the other; shuffled ones in another order each time.
-- `set:repeat_(n)`, as of np, and `set['repeat'](set, n)` are the same.
-- @tparam[opt] number n none, or -1: without end
-- @treturn Dataset
-- @usage dataset:repeated(2).count --> 8
function Chain:repeated(n)
  state(self, 'repeated')
  if n ~= nil and n ~= -1 then whole('repeated', 'n', n, 0) end
  dataset.finite(self, 'repeated')
  return dataset.derive(self, 'repeated', derived.repeated, n or -1)
end
Chain['repeat'], Chain.repeat_ = Chain.repeated, Chain.repeated

-- ---- several sets ----

--- The records of other sets behind those of this one.
-- @tparam Dataset ... of the same structure, shapes and dtypes
-- @treturn Dataset
-- @raise records that differ, with the names of both
-- @usage dataset:concatenate(dataset).count --> 8
function Chain:concatenate(...)
  local s, others = state(self, 'concatenate'), { ... }
  dataset.finite(self, 'concatenate')
  for i = 1, select('#', ...) do
    local structure = tree.structure(state(others[i], 'concatenate').plan)
    if structure ~= tree.structure(s.plan) then
      core.raise('concatenate: records differ, %s and %s', tree.structure(s.plan), structure)
    end
  end
  local i = 0
  return dataset.derive(self, 'concatenate', function(who, r)
    local list = { r }
    i = i + 1
    for k, other in ipairs(others) do list[k + 1] = state(other, who).readers[i] end
    return derived.join(who, list)
  end)
end

--- Sets side by side: a record is the list of their records. `data.zip` gives records names.
-- @tparam Dataset|Reader|Array ... of the same count
-- @treturn Dataset
-- @raise counts that differ, with the names of both
-- @usage dataset:zip(np.arange(4)):read(2)[2] --> { 1 }
function Chain:zip(...)
  state(self, 'zip')
  local list, n = { self, ... }, select('#', ...)
  for i = 1, n do
    if list[i + 1] == nil then core.raise('zip: argument %d is nil', i) end
  end
  return dataset.of('zip', list)
end

--- Records with their numbers in front: lists of number, i32 (), and record.
-- @tparam[opt=1] number start
-- @treturn Dataset
-- @usage dataset:enumerate():read(3)[1] --> { 3 }
function Chain:enumerate(start)
  local count = count_of(self, 'enumerate')
  if start == nil then start = 1 end
  whole('enumerate', 'start', start, -2 ^ 31)
  if start >= 2 ^ 31 then core.raise('enumerate: start is beyond 2^31 - 1, got %d', start) end
  return dataset.of('enumerate', { derived.numbers('enumerate', start, count), self })
end

-- ---- batches as records ----

--- Batches as records: (n, shape of one record). `batches` iterates without it.
-- @tparam number n
-- @tparam[opt] table opts `drop_remainder` (false): leave out the records that fill no batch
-- @treturn Dataset
-- @raise records that fill no batch: all batches are of one shape
-- @usage dataset:batch(2).shapes --> { x = { 2, 3 }, y = { 2 } }
function Chain:batch(n, opts)
  local s = state(self, 'batch')
  whole('batch', 'n', n, 1)
  local o = args.take('batch', opts, { drop_remainder = { 'boolean', default = false } })
  if s.count < math.huge and s.count % n ~= 0 and not o.drop_remainder then
    core.raise('batch: %d records do not fill batches of %d, which are all of one shape; '
      .. 'say drop_remainder = true, or iterate with batches', s.count, n)
  end
  return dataset.derive(self, 'batch', derived.group, n)
end

--- The parts of records along their first axes as records: what `batch` has put together.
-- @treturn Dataset
-- @raise records without axes; axes of different sizes
-- @usage dataset:batch(2):unbatch():array().y --> { 10, 20, 30, 40 }
function Chain:unbatch()
  return dataset.derive(self, 'unbatch', derived.ungroup)
end

-- ---- functions of records ----

-- How many records are mapped at a time.
local function block_of(s)
  local each = 1
  for _, r in ipairs(s.readers) do
    each = each + tonumber(C.imnn_reader_record_bytes(r.reader))
  end
  return math.max(1, math.min(math.floor(2 ^ 20 / each), 1024, s.readers[1].count))
end

-- A record as arguments: a list is several.
local function arguments(record)
  if type(record) == 'table' and #record > 0 and #tree.keys(record) == #record then
    return unpack(record)
  end
  return record
end

-- fn, whose results are one tree of arrays.
local function one_result(who, fn)
  return function(...)
    local results = { fn(...) }
    local n = table.maxn(results)
    local value = results
    if n <= 1 then value = results[1] end
    common.leaves_of(who, value)
    return tree.map(function(x) return common.lift_result(who, x) end, value)
  end
end

-- Traces fn on blocks of `each` records; the readers of its results, and how they are arranged.
local function traced(s, who, fn, each)
  local list, plan = {}, nil
  array.apart(function()
    array.trace(function(graph)
      local inputs = {}
      for i, r in ipairs(s.readers) do
        inputs[i] = array.input(r.dtype, { each, unpack(r.shape) })
      end
      local record = tree.map(function(i) return inputs[i] end, s.plan)
      local made = vmap(one_result(who, fn))(arguments(record))
      local results = tree.leaves(made)
      local at = 0
      plan = tree.map(function()
        at = at + 1
        return at
      end, made)
      local out, ny = ffi.new('imnn_reader *[?]', math.max(#results, 1)), #results
      local name = ffi.string(C.imnn_reader_name(s.readers[1].reader)) .. ', mapped'
      core.check(C.imnn_reader_map(out, name, graph, #inputs, array.nodes(inputs),
        derived.c_readers(s.readers), ny, array.nodes(results)), who)
      for i = 1, ny do
        local slot = ffi.new('imnn_reader *[1]', out[i - 1])
        list[i] = readers.own(slot)
      end
    end)
  end)
  return plan, list
end

local function labels_of(plan)
  local labels = {}
  local function walk(x, path)
    if type(x) ~= 'table' then
      labels[x] = path
      return
    end
    for _, key in ipairs(tree.keys(x)) do
      local name = type(key) == 'number' and ('[%d]'):format(key)
        or (path == '' and '' or '.') .. tostring(key)
      walk(x[key], path .. name)
    end
  end
  walk(plan, '')
  return labels
end

local function mapped(self, who, fn)
  common.callable(who, fn)
  local s = state(self, who)
  local plan, list = traced(s, who, fn, block_of(s))
  return dataset.new(who, plan, list, labels_of(plan))
end

--- What a function makes of each record. It is traced once, compiled, and run on blocks of records
-- when they are read, by whoever reads them, background threads included; blocks used last are
-- kept. What it captures is taken as it is now.
-- @tparam function fn of one record; one that is a list comes as several arguments. Several results
-- are a list
-- @treturn Dataset
-- @raise what cannot be traced, as with imnn.jit; results that are no arrays
-- @usage dataset:map(function(r) return r.x:sum() + r.y end):array() --> { 16, 35, 54, 43 }
function Chain:map(fn) return mapped(self, 'map', fn) end

-- Numbers, from 0, of the records where a set of booleans is true.
local function positions(chosen, count)
  local out, n = ffi.new('int32_t[?]', math.max(count, 1)), 0
  local at = 0
  for batch in chosen:batches(65536) do
    local p = batch:data()
    for i = 0, batch.size - 1 do
      if p[i] ~= 0 then out[n], n = at + i, n + 1 end
    end
    at = at + batch.size
  end
  return array.from_buffer(ffi.cast('int32_t *', out), { n }, 'i32')
end

--- The records for which a function says yes. It is asked about all of them now: they are read
-- once. When they are repeated, they keep this order: shuffle behind `filter`, not before.
-- @tparam function fn of one record as for `map`, which gives bool ()
-- @treturn Dataset
-- @raise as map; another result; a set without end
-- @usage dataset:filter(function(r) return np.gt(r.y, 20) end).count --> 2
function Chain:filter(fn)
  dataset.finite(self, 'filter')
  local chosen = mapped(self, 'filter', fn)
  local s, d = state(chosen, 'filter'), nil
  if #s.readers == 1 and type(s.plan) == 'number' then d = s.readers[1] end
  if not d or d.dtype ~= 'bool' or #d.shape > 0 then
    core.raise('filter: the function must give bool (), got %s', d and ('%s (%s)'):format(d.dtype,
      table.concat(d.shape, ', ')) or tree.structure(s.plan))
  end
  local index = positions(chosen, s.count)
  return dataset.derive(self, 'filter', function(who, r)
    return derived.pick(who, derived.hold(who, r), index.array)
  end)
end

--- What a function makes of the whole set: for chains of one's own.
-- @tparam function fn of a data set
-- @treturn Dataset
-- @usage dataset:apply(function(set) return set:take(2) end).count --> 2
function Chain:apply(fn)
  common.callable('apply', fn)
  state(self, 'apply')
  local made = fn(self)
  if not dataset.is(made) then
    core.raise('apply: the function must give a data set, got %s', core.kind(made))
  end
  return made
end

-- ---- memory ----

local function total_bytes(s)
  local all = 0
  for _, r in ipairs(s.readers) do
    all = all + tonumber(C.imnn_reader_record_bytes(r.reader))
  end
  return all
end

--- Keep records in memory once they were read. Of a shuffled set the first order is kept.
-- @tparam[opt] number|string budget bytes, '500MB': records beyond it are read each time; none: all
-- @treturn Dataset
-- @raise no amount of memory; a set without end
-- @usage dataset:cache '1MB':array().y --> { 10, 20, 30, 40 }
function Chain:cache(budget)
  local s = state(self, 'cache')
  dataset.finite(self, 'cache')
  if budget ~= nil then budget = bytes.parse('cache', 'the budget', budget) end
  local all = total_bytes(s)
  return dataset.derive(self, 'cache', function(who, r)
    local mine = tonumber(C.imnn_reader_record_bytes(r.reader))
    local share = all > 0 and math.floor((budget or all * s.count) * (mine / all)) or 0
    return derived.cache(who, r, share)
  end)
end

--- Read the next records in the background, before they are asked for.
-- @tparam[opt] number n how many; none: those of some 16 MB
-- @tparam[opt] table opts `threads` (1) that read at the same time
-- @treturn Dataset
-- @usage dataset:prefetch(2):array().y --> { 10, 20, 30, 40 }
function Chain:prefetch(n, opts)
  local s = state(self, 'prefetch')
  local o = args.take('prefetch', opts, { threads = { 'integer', default = 1 } })
  if n == nil then n = math.max(1, math.floor(2 ^ 24 / (total_bytes(s) + 1))) end
  n = math.min(whole('prefetch', 'n', n, 1), 2 ^ 31 - 1)
  if o.threads < 1 or o.threads > 256 then
    core.raise('prefetch: 1 to 256 threads, got %d', o.threads)
  end
  return dataset.derive(self, 'prefetch', function(who, r)
    local record = tonumber(C.imnn_reader_record_bytes(r.reader))
    local each = math.min(n, math.floor(2 ^ 18 / (record + 1)) + 1)
    return derived.ahead(who, r, each, math.ceil(n / each), o.threads)
  end)
end

-- ---- values that are no numbers ----

-- Which records of x are not finite, bool (n); nil if none is.
local function bad_records(x)
  if C.imnn_array_nonfinite(x.array) < 0 then return nil end
  local n = x.shape[1]
  return np.logical_not(np.isfinite(x):reshape { n, x.size / n }:all { axis = 2 })
end

--- Records with elements that are NaN or infinite. Sets carry them on; `filter` leaves them out:
-- `set:filter(function(x) return np.isfinite(x):all() end)`.
-- @treturn number how many records have some
-- @treturn number|nil the first of them
-- @treturn string|nil where it has it: the name in the record, and the file
-- @raise a set without end
-- @usage dataset:nonfinite() --> 0
function Chain:nonfinite()
  dataset.finite(self, 'nonfinite')
  local s = state(self, 'nonfinite')
  local count, at, first, source = 0, 0, nil, nil
  local each = math.max(1, math.floor(2 ^ 22 / (total_bytes(s) + 1)))
  for batch in self:batches(each) do
    local n, any = nil, nil
    for i, x in ipairs(tree.leaves(batch)) do
      local bad = bad_records(x)
      n = x.shape[1]
      if bad then
        any = any and np.logical_or(any, bad) or bad
        local record = at + bad:argmax():item()
        if not first or record < first then first, source = record, dataset.source(s, i) end
      end
    end
    if any then count = count + any:astype('i32'):sum():item() end
    at = at + n
  end
  return count, first, source
end

--- Refuse NaN and infinite elements.
-- @treturn Dataset the set itself
-- @raise the number of records that have some, the first of them, and its source
-- @usage dataset:check_finite()
function Chain:check_finite()
  local count, first, source = self:nonfinite()
  if count > 0 then
    core.raise('check_finite: %d of %d records have NaN or infinite elements; the first is record '
      .. '%d of %s', count, state(self, 'check_finite').count, first, source)
  end
  return self
end

return Chain
