--- The data of a network: a training set and, perhaps, a validation set, each of a few Arrays or
-- readers with names, and constants. They are attributes of the network (`net.fiducial`,
-- `net.validation_fiducial`) that may be changed between fits.
-- @module imnn.imnn.sets
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local derived = require 'imnn.data.derived'
local examples = require 'imnn.array.examples'
local np = require 'imnn.numpy'
local M = {}

-- Set and name of an attribute, and its row in the list of the kind; nil if there is none.
local function find(net, key)
  for _, row in ipairs(net.kind.data) do
    if key == row.name then return net.sets.training, row end
    if not row.constant and key == 'validation_' .. row.name then
      return net.sets.validation, row
    end
  end
end

--- Options for the data of a kind of network.
-- @treturn table rows for imnn.args
function M.rows(kind)
  local out = {}
  for _, row in ipairs(kind.data) do
    if row.constant then out[row.name] = { 'Array', 'table' }
    else
      out[row.name] = { 'Array', 'Reader', 'table' }
      out['validation_' .. row.name] = { 'Array', 'Reader', 'table', optional = true }
    end
  end
  return out
end

local function check_values(net, key, x, shape)
  local at = tonumber(core.C.imnn_array_nonfinite(x.array))
  if at >= 0 then
    core.raise('%s: %s is not finite in simulation %d; drop it, or make it again', net.class, key,
      math.floor(at * shape[1] / x.size) + 1)
  end
end

-- What is given for an attribute, as it should be. What readers hold is not looked at before it is
-- needed.
local function check_data(net, key, x, row)
  if net.cache and examples.is_reader(x) then x = x:read() end
  local shape, reader = row.shape(net), examples.is_reader(x)
  if not reader and not np.is_array(x) then x = np.array(x) end
  if x.dtype ~= 'f32' and x.dtype ~= 'f64' then
    core.raise("%s: %s is %s, data must be f32 or f64, as x:astype 'f32' makes them", net.class,
      key, x.dtype)
  end
  if reader then
    x = derived.regroup(nil, x, shape)
    local batches = net.prefetch or 0
    if batches ~= 0 then x = derived.ahead(nil, x, net.n_per_device, batches) end
  end
  local got = examples.shape(x)
  if not check.equal(got, shape) then
    core.raise('%s: %s must be %s, that is %s, got %s', net.class, key, check.text(shape),
      row.axes, check.text(got))
  end
  if not reader then check_values(net, key, x, shape) end
  if row.check then row.check(net, x) end
  return x
end

-- Whether there is a validation set: the whole of it.
local function validated(net)
  local any, all = false, true
  for _, row in ipairs(net.kind.data) do
    if not row.constant then
      local given = net.sets.validation[row.name] ~= nil
      any, all = any or given, all and given
    end
  end
  return any and all, any and not all
end

--- The value of an attribute, if it is one of the data.
-- @treturn Array|nil
function M.get(net, key)
  local set, row = find(net, key)
  return set and set[row.name]
end

--- Set an attribute, if it is one of the data. The score of earlier fits is forgotten, since it was
-- that of other data.
-- @treturn boolean whether it is
function M.put(net, key, x)
  local set, row = find(net, key)
  if not set then return false end
  if x == nil and set == net.sets.training then
    core.raise('%s: a network of this class needs %s; it can be changed, not taken away',
      net.class, key)
  end
  set[row.name] = x ~= nil and check_data(net, key, x, row) or nil
  if row.constant then net.compiled, net.programs = nil, {} end -- it is part of them
  net.validate = validated(net)
  net.history.max_lndetF = -math.huge
  return true
end

--- Take the data among the options.
function M.take(net, o)
  net.sets = { training = {}, validation = {} }
  net.validate = false
  for _, row in ipairs(net.kind.data) do
    for _, prefix in ipairs(row.constant and { '' } or { '', 'validation_' }) do
      local key = prefix .. row.name
      if o[key] ~= nil then M.put(net, key, o[key]) end
    end
  end
  M.check(net, net.class)
end

--- Refuse half a validation set.
function M.check(net, who)
  local _, half = validated(net)
  if not half then return end
  for _, row in ipairs(net.kind.data) do
    if not row.constant and net.sets.validation[row.name] == nil then
      core.raise('%s: a validation set is whole or absent; validation_%s is missing', who, row.name)
    end
  end
end

--- The first simulation of the training set.
function M.first(net)
  local x = net.sets.training.fiducial
  return (examples.is_reader(x) and x:read(1) or x)[1]
end

-- The first of the records that is not finite, or nil.
local function bad_record(reader)
  local n, step = reader.count, 1000
  for first = 1, n, step do
    local x = reader:read(first, math.min(n, first + step - 1))
    local at = tonumber(core.C.imnn_array_nonfinite(x.array))
    if at >= 0 then return first + math.floor(at * x.shape[1] / x.size) end
  end
end

--- What readers gave that is not finite, as a sentence, or nil. Arrays were looked at before.
function M.fault(net, _, data)
  for k, x in ipairs(data) do
    local i = examples.is_reader(x) and bad_record(x)
    if i then
      if k == 3 then i = i + net.n_d end -- the simulations without derivatives
      return ('record %d of %s is not finite; drop it, or make it again'):format(i, x.name)
    end
  end
end

--- What a set holds in the order of the kind, for its functions, without constants.
-- @tparam table net
-- @tparam boolean validation
-- @treturn table list of Arrays and readers
function M.inputs(net, validation)
  local set, out = validation and net.sets.validation or net.sets.training, {}
  if net.kind.inputs then return net.kind.inputs(net, set) end
  for _, row in ipairs(net.kind.data) do
    if not row.constant then out[#out + 1] = set[row.name] end
  end
  return out
end

return M
