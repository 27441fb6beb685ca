--- The rates of this machine, and ours.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random

ffi.cdef [[
double limit_sgemm(int m, int repetitions);
double limit_triad(size_t count, int repetitions);
]]

return function(bench)
  bench.row('sgemm', function(name)
    local a = random.normal(random.PRNGKey(0), { 2048, 2048 })
    local f = imnn.jit(function(x) return np.matmul(x, x) end)
    local best = bench.least(function() f(a) end, 8)
    local rate = bench.bound('limit').limit_sgemm(2048, 5)
    bench.show(name, 2 * 2048 ^ 3 / best * 1e-9, 'GFLOP/s', rate * 1e-9)
  end)

  bench.row('bandwidth', function(name)
    local n = 2 ^ 25
    local x, y = np.ones { n }, np.ones { n }
    local f = imnn.jit(function(a, b) return a + 3 * b end)
    local best = bench.least(function() f(x, y) end, 8)
    bench.show(name, 12 * n / best * 1e-9, 'GB/s', bench.bound('limit').limit_triad(n, 8) * 1e-9)
  end)
end
