--- What dataset classes are given as data: readers, iterators, lists of them; as the Arrays and
-- readers that networks fit to. Readers stay readers. Of an iterator one period is read, once, and
-- kept.
-- @module imnn.imnn.datasets
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local derived = require 'imnn.data.derived'
local examples = require 'imnn.array.examples'
local np = require 'imnn.numpy'
local readers = require 'imnn.data.reader'
local text = check.text
local M = {}

-- ---- iterators ----

local function is_iterator(x)
  local meta = type(x) == 'table' and getmetatable(x)
  return type(x) == 'function' or meta and meta.__call ~= nil
end

-- A batch of an iterator: a list with an Array for each part. What ends it, if there is none.
local function pull(net, name, iterator, shapes)
  local got = { iterator() }
  if #got == 1 and #shapes > 1 and type(got[1]) == 'table' then got = got[1] end
  if got[1] == nil then return nil end
  for i, shape in ipairs(shapes) do
    local x = got[i]
    if not np.is_array(x) then
      core.raise('%s: %s must give %d Array%s at each call, got %s', net.class, name, #shapes,
        #shapes > 1 and 's' or '', core.kind(x))
    end
    local one = x.shape
    local n = table.remove(one, 1)
    if not check.equal(one, shape) or n ~= got[1].shape[1] then
      table.insert(shape, 1, got[1].shape[1])
      core.raise('%s: %s gives %s, not %s', net.class, name, text(x.shape), text(shape))
    end
  end
  return got
end

local function same(a, b)
  for i, x in ipairs(a) do
    local y = b[i]
    if not check.equal(x.shape, y.shape) then return false end
    local equal = np.logical_or(np.eq(x, y), np.logical_and(np.isnan(x), np.isnan(y)))
    if not np.all(equal):item() then return false end
  end
  return true
end

-- Records that an iterator gives in one period, as batches; afterwards it begins again, or ends.
local function period(net, name, iterator, shapes, need)
  local batches, count = {}, 0
  while count < need do
    local batch = pull(net, name, iterator, shapes)
    if not batch then
      core.raise('%s: %s ends after %d records of %d', net.class, name, count, need)
    end
    local n = batch[1].shape[1]
    if n ~= net.n_per_device and count + n < need or n > net.n_per_device then
      core.raise('%s: batch %d of %s has %d records, n_per_device is %d; only the last one of a '
        .. 'period may be shorter', net.class, #batches + 1, name, n, net.n_per_device)
    end
    count = count + n
    if count > need then
      core.raise('%s: %s must give %d records in a period, batch %d goes beyond', net.class, name,
        need, #batches + 1)
    end
    batches[#batches + 1] = batch
  end
  local again = pull(net, name, iterator, shapes)
  if again and not same(batches[1], again) then
    core.raise('%s: %s must end after %d records, or begin again in the same order; it gives other '
      .. 'ones', net.class, name, need)
  end
  return batches
end

-- ---- the parts of a data set ----

-- As many readers as there are parts: { reader, reader }, or { fiducial = ..., derivative = ... }.
local function tuple_of(x, names)
  if examples.is_reader(x) then return #names == 1 and { x } end
  if type(x) ~= 'table' or is_iterator(x) then return nil end
  local out = {}
  for i, name in ipairs(names) do
    out[i] = x[name] or x[i]
    if not examples.is_reader(out[i]) then return nil end
  end
  return #x <= #names and out
end

-- One entry for each device. A reader, or a tuple of them, is for all.
local function entries(net, name, given, names)
  if given == nil then core.raise('%s: option "%s" is missing', net.class, name) end
  if is_iterator(given) or examples.is_reader(given) or tuple_of(given, names) then
    return { given }
  end
  if type(given) ~= 'table' or #given == 0 then
    core.raise('%s: %s must be a reader, an iterator, or a list of them for each device, got %s',
      net.class, name, type(given) ~= 'table' and core.kind(given) or next(given) == nil
        and 'an empty table' or 'a table without all of ' .. table.concat(names, ', '))
  end
  if #given ~= net.n_devices then
    core.raise('%s: %s is a list of %d, for %d devices', net.class, name, #given, net.n_devices)
  end
  return given
end

-- An Array or reader for each part: all devices one behind the other.
-- names: of the parts; shapes: of one record of each; total: number of records
local function gather(net, name, given, names, shapes, total)
  local parts, list = {}, entries(net, name, given, names)
  for i = 1, #names do parts[i] = {} end
  if total % #list ~= 0 then
    core.raise('%s: %s are %d records, which %d devices cannot share equally', net.class, name,
      total, #list)
  end
  for j, entry in ipairs(list) do
    local what = #list > 1 and ('%s[%d]'):format(name, j) or name
    local tuple = tuple_of(entry, names)
    if not tuple and not is_iterator(entry) then
      core.raise('%s: %s must be %s or an iterator, got %s', net.class, what, #names > 1
        and ('a pair of readers { %s }'):format(table.concat(names, ', ')) or 'a reader',
        examples.is_reader(entry) and 'one reader' or core.kind(entry))
    end
    for _, batch in ipairs(tuple and { tuple } or period(net, what, entry, shapes,
      total / #list)) do
      for i in ipairs(names) do table.insert(parts[i], batch[i]) end
    end
  end
  return parts
end

-- One Array or reader of a list of the one or of the other.
local function one_of(list)
  local some = false
  for _, x in ipairs(list) do some = some or examples.is_reader(x) end
  if not some then return #list == 1 and list[1] or np.concatenate(list, 1) end
  for i, x in ipairs(list) do
    if not examples.is_reader(x) then list[i] = readers.from_array(x) end
  end
  return #list == 1 and list[1] or derived.join(nil, list)
end

-- ---- what classes are given ----

--- `main` (simulations and derivatives) and `remaining` (simulations only) as fiducial, derivative.
function M.gradient(net, o)
  local n_s, n_d, one = net.n_s, net.n_d, net.input_shape
  for _, prefix in ipairs { '', 'validation_' } do
    local main, remaining = o[prefix .. 'main'], o[prefix .. 'remaining']
    if prefix == '' or main ~= nil or remaining ~= nil then
      local derivative = { unpack(one) }
      derivative[#derivative + 1] = net.n_params
      local parts = gather(net, prefix .. 'main', main, { 'fiducial', 'derivative' },
        { one, derivative }, n_d)
      if n_s > n_d then
        local rest = gather(net, prefix .. 'remaining', remaining, { 'fiducial' }, { one },
          n_s - n_d)
        for _, x in ipairs(rest[1]) do table.insert(parts[1], x) end
      end
      o[prefix .. 'fiducial'] = one_of(parts[1])
      o[prefix .. 'derivative'] = one_of(parts[2])
    end
  end
end

--- `fiducial` and `derivative`, whose records may be single simulations.
function M.numerical(net, o)
  local n_d, P, one = net.n_d, net.n_params, net.input_shape
  for _, prefix in ipairs { '', 'validation_' } do
    local function take(name, total)
      local given = o[prefix .. name]
      if prefix ~= '' and given == nil then return end
      local parts = gather(net, prefix .. name, given, { name }, { one }, total)
      return one_of(parts[1])
    end
    o[prefix .. 'fiducial'] = take('fiducial', net.n_s)
    local sides = take('derivative', 2 * P * n_d)
    if np.is_array(sides) then sides = sides:reshape { n_d, 2, P, unpack(one) } end
    o[prefix .. 'derivative'] = sides
  end
end

return M
