--- Iterations with little memory, and on data that are read from files, against those with
-- everything in memory.
local imnn = require 'imnn'
local networks = require 'tests.support.network'
local np, random = imnn.np, imnn.random

local fit = { lambda = 10, epsilon = 0.1, rng = random.PRNGKey(3) }

local function stepper(net)
  local step, iteration = net:stepper(fit)
  return step, iteration
end

-- The least memory in which a network can be fitted, as the error for less says.
local function least_memory(make)
  local ok, why = pcall(function() stepper(make(1)) end)
  assert(not ok)
  return tonumber(tostring(why):match 'needs at least (%d+) bytes')
end

-- ---- data of several GB ----

local SIZE, P = 1024, 2

-- Records of 4 KiB, and two derivatives each, 12 KiB a simulation: block i of BATCH simulations.
local BATCH = 4096
local draw = imnn.jit(function(key)
  local noise = random.normal(key, { BATCH, SIZE })
  return noise, np.stack({ np.ones_like(noise), noise / 2 }, 3)
end)
local function block(i) return draw(random.fold_in(random.PRNGKey(0), i)) end

local formats = {
  hdf5 = function(folder, n)
    imnn.data.hdf5.create(folder .. '/set.h5', function(f)
      f:create_dataset('fiducial', { shape = { n, SIZE } })
      f:create_dataset('derivative', { shape = { n, SIZE, P } })
      for i = 1, n / BATCH do
        local d, dd = block(i)
        local rows = { (i - 1) * BATCH + 1, i * BATCH }
        f:set('fiducial', { rows }, d)
        f:set('derivative', { rows }, dd)
      end
    end)
  end,
  tfrecord = function(folder, n)
    local records = imnn.TFRecords {}
    for k, name in ipairs { 'fiducial', 'derivative' } do
      local at, some = 0, nil
      records:write_record { n_sims = n, directory = folder, filename = name, progress = false,
        get_simulation = function(seed)
          if seed % BATCH == 0 then at, some = at + 1, select(k, block(at + 1)) end
          return some[seed % BATCH + 1]
        end }
    end
  end,
}

-- A process of its own, which says how long an iteration takes, and how much memory it held.
local script = [[
package.path = './?.lua;' .. package.path
local imnn, networks = require 'imnn', require 'tests.support.network'
local folder, n, inside, format = arg[1], tonumber(arg[2]), arg[3] == 'inside', arg[4]
local function reader(of)
  if format == 'hdf5' then return imnn.data.hdf5.reader(folder .. '/set.h5', of) end
  return imnn.data.tfrecord[of](('%s/%s_*.tfrecords'):format(folder, of),
    { shape = { 1024 }, n_params = of == 'derivative' and 2 or nil, count = n })
end
local o = networks.wide(n)
if inside then
  o.fiducial, o.derivative = reader('fiducial'):read(), reader('derivative'):read()
else
  o.main = { fiducial = reader 'fiducial', derivative = reader 'derivative' }
  o.host, o.devices, o.n_per_device, o.memory = 'cpu:0', imnn.devices(), 100, '450MB'
end
local net = imnn[inside and 'GradientIMNN' or 'DatasetGradientIMNN'](o)
local step = net:stepper { lambda = 10, epsilon = 0.1, rng = imnn.random.PRNGKey(3) }
step()
local best = math.huge
for _ = 1, 3 do
  local t = imnn.seconds()
  step()
  best = math.min(best, imnn.seconds() - t)
end
for line in io.lines '/proc/self/status' do
  local kib = line:match '^VmHWM:%s*(%d+)'
  if kib then print(best, kib / 1024) end
end
]]

local function iterate(bench, ...)
  local file = os.tmpname()
  local f = assert(io.open(file, 'w'))
  f:write(script)
  f:close()
  f = assert(io.popen(('%s %s %s %d %s %s'):format(bench.program, file, ...)))
  local time, memory = f:read('*a'):match '(%S+)%s+(%S+)'
  f:close()
  os.remove(file)
  return tonumber(time), tonumber(memory)
end

return function(bench)
  local function against_plain(name, make, bar)
    local plain, other = stepper(make()), stepper(make('aggregated'))
    for _ = 1, 5 do plain() other() end
    local a, b = bench.pair(other, plain, 100)
    bench.show(name, a * 1e3, 'ms', b * 1e3, bar)
  end

  local function simulator_network(opts)
    local o = networks.options {}
    o.simulator = networks.simulator
    for key, value in pairs(opts or {}) do o[key] = value end
    local class = opts and 'AggregatedSimulatorIMNN' or 'SimulatorIMNN'
    return imnn[class](o)
  end
  local function aggregated(memory)
    return simulator_network { host = 'cpu:0', devices = imnn.devices(), n_per_device = 100,
      memory = memory }
  end

  bench.row('aggregated', function(name)
    against_plain(name, function(other) return other and aggregated() or simulator_network() end,
      'of the plain class; at most 1.1')
  end)
  bench.row('aggregated_two_passes', function(name)
    local least = least_memory(aggregated)
    against_plain(name, function(other)
      return other and aggregated(least) or simulator_network()
    end, ('of the plain class, in %.1f MB; at most 1.6'):format(least / 1e6))
  end)

  -- IMNN_BENCH_GB: how large the set is
  for _, format in ipairs { 'hdf5', 'tfrecord' } do
    bench.row('stream_' .. format, function(name)
      local n = math.floor((tonumber(os.getenv 'IMNN_BENCH_GB') or 4) * 1e9 / (12 * 1024 * BATCH))
        * BATCH
      local folder = os.tmpname()
      os.remove(folder)
      assert(os.execute('mkdir ' .. folder) == 0)
      local ok, why = pcall(function()
        formats[format](folder, n)
        local time, memory = iterate(bench, folder, n, 'outside', format)
        local bound = iterate(bench, folder, n, 'inside', format)
        bench.show(name, 1 / time, '/s', 1 / bound,
          ('iterations on %.1f GB, %.0f MiB held; at least 0.8, at most 500 MiB'):format(
            12 * 1024e-9 * n, memory))
      end)
      os.execute('rm -r ' .. folder)
      if not ok then error(why, 0) end
    end)
  end
end
