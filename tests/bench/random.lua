--- Random numbers.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random

ffi.cdef 'void random_normal(float *out, uint32_t a, uint32_t b, size_t n);'

return function(bench)
  bench.row('normal', function(name)
    local n = 10 ^ 7
    local y, key = np.zeros { n }, random.PRNGKey(1)
    local out, hand = ffi.cast('float *', y:data()), bench.bound 'random'
    local a, b = bench.pair(function() random.normal(key, { n }) end,
      function() hand.random_normal(out, 0, 1, n) end, 10)
    local off = np.max(np.abs(y - random.normal(key, { n }))):item()
    assert(off < 1e-4, 'the bound draws other numbers') -- erfinv by another logarithm
    bench.show(name, 1e3 * a, 'ms', 1e3 * b, 'at most 1.5')
  end)
end
