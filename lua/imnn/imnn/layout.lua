--- How much of a fit is in memory at a time, and how many threads work: options of the aggregated
-- classes, which change neither what is computed nor its bytes.
-- @module imnn.imnn.layout
local bytes = require 'imnn.bytes'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local M = {}

--- Options of plain classes; of aggregated ones; further ones of those whose data lie there.
M.plain = { memory = { 'number', 'string', optional = true } }
M.aggregated = {
  memory = M.plain.memory, host = { 'string', 'integer' }, devices = { 'table', 'integer' },
  n_per_device = { 'integer' },
}
M.storage = {
  prefetch = { 'integer', optional = true }, cache = { 'boolean', default = false },
}

-- The name of a thread: "cpu:0", or 0.
local function check_device(who, what, x)
  if type(x) == 'string' and x:find '^cpu:%d+$' then return end
  if type(x) == 'number' and x >= 0 and x % 1 == 0 then return end
  core.raise("%s: %s must be the name of a thread, 'cpu:0' and so on, or its number from 0, got %s",
    who, what, type(x) == 'string' and '"' .. x .. '"' or type(x) == 'number' and tostring(x)
      or core.kind(x))
end

-- A list of names; of a number, the first so many.
local function list_of(who, devices)
  if type(devices) == 'number' then
    check.count(who, 'devices', devices)
    local out = {}
    for i = 1, devices do out[i] = 'cpu:' .. i - 1 end
    return out
  end
  if #devices == 0 then
    core.raise('%s: devices must be a list of at least one, as imnn.devices() gives it', who)
  end
  for i, x in ipairs(devices) do check_device(who, ('device %d'):format(i), x) end
  return devices
end

-- Attributes that tell how many batches a device has of so many simulations: `_iterations`, and the
-- shape of all batches, (devices, batches, simulations), as the reference names them.
local function describe(net, total, iterations, shape)
  local n = math.ceil(total / (net.n_devices * net.n_per_device))
  net[iterations], net[shape] = n, { net.n_devices, n, net.n_per_device }
end

local function describe_batches(net)
  if net.kind.batches then
    for name, total in pairs(net.kind.batches(net)) do
      describe(net, total, name .. '_iterations', name .. '_batch_shape')
    end
    return
  end
  net.n_remaining = net.n_s - net.n_d
  describe(net, net.n_d, 'n_iterations', 'batch_shape')
  describe(net, net.n_remaining, 'n_remaining_iterations', 'remaining_batch_shape')
end

--- Take what there is among the options.
function M.take(net, o)
  local who = net.class
  net.memory = o.memory and bytes.parse(who, 'memory', o.memory) or nil
  if o.devices == nil then return end
  check_device(who, 'host', o.host)
  local devices = list_of(who, o.devices)
  check.count(who, 'n_per_device', o.n_per_device)
  if o.prefetch and o.prefetch < -1 then -- tf.data.AUTOTUNE is -1
    core.raise('%s: prefetch is a number of batches, or -1: as many as is good, got %d', who,
      o.prefetch)
  end
  net.host, net.devices, net.n_devices = o.host, devices, #devices
  net.n_per_device, net.prefetch, net.cache = o.n_per_device, o.prefetch, o.cache
  describe_batches(net)
end

--- What was asked for, by the names of the options.
function M.settings(net)
  local out = {}
  for _, name in ipairs { 'memory', 'host', 'devices', 'n_per_device', 'prefetch', 'cache' } do
    out[name] = net.fixed[name]
  end
  return out
end

-- Bytes that a program may take besides data and results: what was asked for, or half of what is
-- free.
local function budget(net)
  if net.memory then return net.memory end
  return math.floor(tonumber(core.C.imnn_available_bytes()) / 2)
end

--- Options of programs of a network that take little memory: a thread for each of its devices, as
-- far as there are so many, and n_per_device simulations for each of them.
-- @tparam table net
-- @treturn table `threads`, `in_flight`
function M.threads(net)
  if not net.n_devices then return {} end
  return { threads = net.n_devices, in_flight = net.n_devices * net.n_per_device }
end

--- Options of the programs of a network, beside others.
-- @tparam table net
-- @tparam table more
-- @treturn table `threads`, `in_flight`, `memory`, and what is in `more`
function M.limits(net, more)
  local out = M.threads(net)
  out.memory = budget(net)
  for name, value in pairs(more) do out[name] = value end
  return out
end

return M
