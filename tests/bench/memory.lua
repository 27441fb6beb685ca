--- The most memory that a process of ours holds.
local function peak(command)
  local f = assert(io.popen(command .. '; true'))
  local out = f:read '*a'
  f:close()
  return tonumber(out:match 'VmHWM:%s*(%d+)') / 1024
end
local report = 'for l in io.lines("/proc/self/status") do if l:match "VmHWM" then print(l) end end'

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

return function(bench)
  bench.row('start_memory', function(name)
    bench.show(name, peak(("%s -e '%s'"):format(bench.program, report)), 'MiB', 25)
  end)

  local function memory_row(name, count)
    local path = os.tmpname()
    local f = assert(io.open(path, 'w'))
    f:write(fit_memory(count))
    f:close()
    bench.show(name, peak(bench.program .. ' ' .. path), 'MiB', 150)
    os.remove(path)
  end
  bench.row('fit_memory', function(name) memory_row(name, 1500) end)
  bench.row('fit_memory_10000', function(name) memory_row(name, 10000) end)
end
