--- The benchmark: every figure beside its bound, measured in the same run on the same machine.
--   scripts/bench [--tsv] [NAME...]
-- One row a figure: name, value, unit, bound, ratio. Times are minima over repetitions, taken in
-- turn with their bound; the first row also shows medians.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi

ffi.cdef [[
void limit_prepare(int count, const int *sizes, int simulations, int P, int tile_rows, bool with);
double limit_iteration(int way);
double limit_sgemm(int m, int repetitions);
double limit_triad(size_t count, int repetitions);
]]
local limit = ffi.load(assert(os.getenv 'IMNN_LIMIT', 'run this with scripts/bench'))

local tsv, wanted = false, {}
for _, a in ipairs(arg) do
  if a == '--tsv' then tsv = true
  else wanted[#wanted + 1] = a end
end

local function show(name, value, unit, bound, note)
  local ratio = bound and value / bound or 0
  if tsv then
    print(('%s\t%.6g\t%s\t%.6g\t%.4f'):format(name, value, unit, bound or 0, ratio))
  else
    print(('%-28s %10.4g %-8s bound %10.4g  ratio %6.3f  %s'):format(name, value, unit, bound or 0,
      ratio, note or ''))
  end
  io.stdout:flush()
end

local function median(list)
  table.sort(list)
  return list[math.floor(#list / 2) + 1]
end

local now = imnn.seconds

-- ---- one iteration ----

local function sizes_of(o)
  local sizes = { 10 }
  for _ = 1, o.layers or 3 do sizes[#sizes + 1] = o.width or 128 end
  sizes[#sizes + 1] = o.P or 2
  return sizes
end

local function simulator2(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local function simulator3(key, theta)
  local n = random.normal(key, { 10 })
  return theta[1] + np.sqrt(theta[2]) * (n + theta[3] * n * n)
end

local function network(o)
  local P = o.P or 2
  local layers = {}
  for _ = 1, o.layers or 3 do
    layers[#layers + 1] = stax.Dense(o.width or 128)
    layers[#layers + 1] = o.activation or stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Dense(P)
  local keys = random.split(random.PRNGKey(0))
  return imnn.SimulatorIMNN {
    n_s = o.n_s or 1000, n_d = o.n_d or o.n_s or 1000, n_params = P, n_summaries = P,
    input_shape = { 10 }, theta_fid = P == 3 and np.array { 0, 1, 0.1 } or np.array { 0, 1 },
    model = stax.serial(unpack(layers)), optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = keys[1], simulator = P == 3 and simulator3 or simulator2,
  }, keys[2]
end

local function prepare_limit(o, with)
  local sizes = sizes_of(o)
  local c = ffi.new('int[?]', #sizes, sizes)
  limit.limit_prepare(#sizes - 1, c, o.n_s or 1000, o.P or 2, 84, with)
end

-- Seconds of one iteration, without the loop around it: minimum and median, in turn with the bound.
local function iterations(o, with, times)
  local net, key = network(o)
  local step = net:stepper { lambda = 10, epsilon = 0.1, rng = key }
  prepare_limit(o, with)
  local mine, bound, best_mine, best_bound = {}, {}, math.huge, math.huge
  for way = 0, 1 do
    for _ = 1, 3 do limit.limit_iteration(way) end
  end
  for _ = 1, 5 do step() end
  for i = 1, times do
    local t = now()
    step()
    mine[i] = now() - t
    local a = limit.limit_iteration(0)
    local b = limit.limit_iteration(1)
    bound[i] = math.min(a, b)
    best_mine, best_bound = math.min(best_mine, mine[i]), math.min(best_bound, bound[i])
  end
  return best_mine, best_bound, median(mine), median(bound)
end

local function iteration(name, o, with, times)
  local value, bound, m, mb = iterations(o, with, times)
  show(name, value * 1e3, 'ms', bound * 1e3, ('median %.3f, of the bound %.3f'):format(m * 1e3,
    mb * 1e3))
end

local rows = {}
local order = {}
local function row(name, fn)
  rows[name] = function() fn(name) end
  order[#order + 1] = name
end

row('fit_iteration', function(name) iteration(name, {}, true, 300) end)
row('fit_iteration_20000', function(name) iteration(name, { n_s = 20000 }, true, 20) end)
row('fit_iteration_512', function(name) iteration(name, { width = 512 }, true, 30) end)
row('fit_iteration_tanh', function(name) iteration(name, { activation = stax.Tanh }, false,
  200) end)
row('fit_iteration_3_parameters', function(name) iteration(name, { P = 3 }, false, 200) end)
row('fit_iteration_5x96', function(name) iteration(name, { layers = 5, width = 96 }, false,
  200) end)

-- x sigmoid(1.7 x) as a user writes it, from functions of arrays
local own = {
  init = function(_, shape) return shape, {} end,
  apply = function(_, x) return x / (1 + np.exp(-1.702 * x)) end,
}
row('fit_iteration_lua_layer', function(name) iteration(name, { activation = own }, false, 200) end)

-- n_d = 100: its share of the FLOPs, (n_s + n_d P) / (n_s (1 + P)), at the rate of the first row
row('fit_iteration_n_d_100', function(name)
  local full = iterations({}, true, 100)
  local value = iterations({ n_d = 100 }, true, 100)
  show(name, value * 1e3, 'ms', full * 1200 / 3000 * 1e3)
end)

row('compile_iteration', function(name)
  local best = math.huge
  for _ = 1, 10 do
    local net, key = network {}
    local t = now()
    net:stepper { lambda = 10, epsilon = 0.1, rng = key }
    best = math.min(best, now() - t)
  end
  show(name, best * 1e3, 'ms', 20)
end)

-- ---- processes ----

local function process(name, command, unit, bound)
  local best = math.huge
  for _ = 1, 10 do
    local t = now()
    assert(os.execute(command) == 0, command)
    best = math.min(best, now() - t)
  end
  show(name, best * (unit == 'ms' and 1e3 or 1), unit, bound)
end

local program = assert(os.getenv 'IMNN_PROGRAM', 'run this with scripts/bench')
row('start', function(name) process(name, program .. " -e ''", 'ms', 30) end)

local function peak(command)
  local f = assert(io.popen(command .. '; true'))
  local out = f:read '*a'
  f:close()
  return tonumber(out:match 'VmHWM:%s*(%d+)') / 1024
end
local report = 'for l in io.lines("/proc/self/status") do if l:match "VmHWM" then print(l) end end'
row('start_memory', function(name)
  show(name, peak(("%s -e '%s'"):format(program, report)), 'MiB', 25)
end)
local function fit_memory(iterations_)
  return ([[
local imnn = require "imnn"
local np, random, stax = imnn.np, imnn.random, imnn.stax
local h = stax.serial(stax.Dense(128), stax.LeakyRelu)
local k = random.split(random.PRNGKey(0))
local net = imnn.IMNN { n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2, input_shape = { 10 },
  theta_fid = np.array { 0, 1 }, model = stax.serial(h, h, h, stax.Dense(2)), verbose = false,
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = k[1],
  simulator = function(key, t) return t[1] + np.sqrt(t[2]) * random.normal(key, { 10 }) end }
net:fit { lambda = 10, epsilon = 0.1, rng = k[2], patience = 10^6, max_iterations = %d }
%s]]):format(iterations_, report)
end
local function memory_row(name, count)
  local path = os.tmpname()
  local f = assert(io.open(path, 'w'))
  f:write(fit_memory(count))
  f:close()
  show(name, peak(program .. ' ' .. path), 'MiB', 150)
  os.remove(path)
end
row('fit_memory', function(name) memory_row(name, 1500) end)
row('fit_memory_10000', function(name) memory_row(name, 10000) end)

row('example', function(name)
  local example = assert(os.getenv 'IMNN_EXAMPLE')
  local t = now()
  assert(os.execute(('cd "${TMPDIR:-/tmp}" && %s %s >/dev/null'):format(program, example)) == 0)
  show(name, now() - t, 's', 8)
end)

-- ---- draws ----

row('abc', function(name)
  local net, key = network {}
  net:set_F_statistics { key = key }
  local prior = lfi.uniform({ -10, 0 }, { 10, 10 })
  local abc = lfi.ApproximateBayesianComputation {
    target_data = simulator2(key, np.array { 1, 2 }), prior = prior, simulator = simulator2,
    compressor = net, F = net.F,
  }
  local n, best, rate = 1000000, math.huge, 0
  for _ = 1, 4 do
    local t = now()
    abc { epsilon = 0.01, key = key, n_samples = n, replace = true }
    best = math.min(best, now() - t)
    rate = math.max(rate, limit.limit_sgemm(1024, 10))
  end
  show(name, n * 68600 / best * 1e-9, 'GFLOP/s', rate * 1e-9,
    ('%.2f million draws a second'):format(n / best * 1e-6))
end)

row('sgemm', function(name)
  local a = random.normal(random.PRNGKey(0), { 2048, 2048 })
  local f = imnn.jit(function(x) return np.matmul(x, x) end)
  local best = math.huge
  for _ = 1, 8 do
    local t = now()
    f(a)
    best = math.min(best, now() - t)
  end
  show(name, 2 * 2048 ^ 3 / best * 1e-9, 'GFLOP/s', limit.limit_sgemm(2048, 5) * 1e-9)
end)

row('bandwidth', function(name)
  local n = 2 ^ 25
  local x, y = np.ones { n }, np.ones { n }
  local f = imnn.jit(function(a, b) return a + 3 * b end)
  local best = math.huge
  for _ = 1, 8 do
    local t = now()
    f(x, y)
    best = math.min(best, now() - t)
  end
  show(name, 12 * n / best * 1e-9, 'GB/s', limit.limit_triad(n, 8) * 1e-9)
end)

for _, name in ipairs(#wanted > 0 and wanted or order) do
  if not rows[name] then error('bench: no row "' .. name .. '"; there are ' .. table.concat(order,
    ', ')) end
  rows[name]()
end
