--- Draws: simulated, compressed and compared.
local ffi = require 'ffi'
local imnn = require 'imnn'
local networks = require 'tests.support.network'
local np, lfi = imnn.np, imnn.lfi

ffi.cdef 'double limit_sgemm(int m, int repetitions);'

return function(bench)
  bench.row('abc', function(name)
    local limit = bench.bound 'limit'
    local net, key = networks.network {}
    net:set_F_statistics { key = key }
    local abc = lfi.ApproximateBayesianComputation {
      target_data = networks.simulator(key, np.array { 1, 2 }),
      prior = lfi.uniform({ -10, 0 }, { 10, 10 }), simulator = networks.simulator,
      compressor = net, F = net.F,
    }
    local n, best, rate = 1000000, math.huge, 0
    for _ = 1, 4 do
      best = math.min(best, bench.least(function()
        abc { epsilon = 0.01, key = key, n_samples = n, replace = true }
      end, 1))
      rate = math.max(rate, limit.limit_sgemm(1024, 10))
    end
    bench.show(name, n * 68600 / best * 1e-9, 'GFLOP/s', rate * 1e-9,
      ('%.2f million draws a second'):format(n / best * 1e-6))
  end)
end
