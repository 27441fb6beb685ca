--- Population Monte Carlo through a network: 1000 points, 10 generations.
local ffi = require 'ffi'
local imnn = require 'imnn'
local networks = require 'tests.support.network'
local np, lfi = imnn.np, imnn.lfi

ffi.cdef 'double limit_sgemm(int m, int repetitions);'

return function(bench)
  local function row(label, percentile, show)
    bench.row(label, function(name)
      local limit = bench.bound 'limit'
      local net, key = networks.network {}
      net:set_F_statistics { key = key }
      local pmc = lfi.PopulationMonteCarlo {
        target_data = networks.simulator(key, np.array { 1, 2 }),
        prior = lfi.uniform({ -10, 0 }, { 10, 10 }), simulator = networks.simulator,
        compressor = net, F = net.F,
      }
      local best, rate, r = math.huge, 0, nil
      for _ = 1, 4 do
        best = math.min(best, bench.least(function()
          r = pmc { key = key, n_points = 1000, n_initial_points = 2500, percentile = percentile,
            acceptance_ratio = 0, min_progress = 0, replace = true, progress = false }
        end, 1))
        rate = math.max(rate, limit.limit_sgemm(1024, 10))
      end
      show(name, best, r.total_draws[1], rate)
    end)
  end
  row('pmc', 75, function(name, seconds, draws)
    bench.show(name, 1 / seconds, '1/s', 1, ('10 generations, %d draws; at least 1'):format(draws))
  end)
  row('pmc_simulating', 50, function(name, seconds, draws, rate)
    bench.show(name, draws * 68600 / seconds * 1e-9, 'GFLOP/s', rate * 1e-9,
      ('%.2f million draws a second; at least 0.4'):format(draws / seconds * 1e-6))
  end)
end
