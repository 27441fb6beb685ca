--- Elementwise work, eager or fused.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random

ffi.cdef 'void elementwise_chain(float *y, const float *x, size_t n, bool stream);'

-- Where the bound reads x, and an array of its own for what it writes.
local function memory(x, dtype)
  local y = np.zeros(x.shape, dtype)
  local T = dtype == 'f64' and 'double *' or 'float *'
  return ffi.cast(T, y:data()), ffi.cast(T, x:data()), y
end

local names = { 'exp', 'log', 'sin', 'tanh', 'erf' }
local types = { f32 = 'float', f64 = 'double' }
for _, name in ipairs(names) do
  for dtype, T in pairs(types) do
    ffi.cdef(('void elementwise_%s_%s(%s *y, const %s *x, size_t n);'):format(name, dtype, T, T))
  end
end

return function(bench)
  bench.row('elementwise_chain', function(name)
    local n = 10 ^ 7
    local x = random.normal(random.PRNGKey(0), { n })
    local f = imnn.jit(function(a) return np.maximum(a * (2 * a + 1) - 0.5, 0) end)
    local hand, best, bound = bench.bound 'elementwise', math.huge, math.huge
    local to, from, keep = memory(x, 'f32')
    for _, stream in ipairs { false, true } do
      local a, b = bench.pair(function() f(x) end,
        function() hand.elementwise_chain(to, from, n, stream) end, 15)
      best, bound = math.min(best, a), math.min(bound, b)
    end
    assert(keep ~= nil)
    bench.show(name, 8e-9 * n / best, 'GB/s', 8e-9 * n / bound, 'at least 0.85')
  end)

  for _, fn in ipairs(names) do
    for _, dtype in ipairs { 'f32', 'f64' } do
      bench.row(fn .. '_' .. dtype, function(name)
        local n = 2 ^ 20
        local x = random.uniform(random.PRNGKey(0), { n }, { dtype = dtype }) * 4 + 0.01
        local loop = bench.bound 'elementwise'['elementwise_' .. fn .. '_' .. dtype]
        local to, from, keep = memory(x, dtype)
        local own = np[fn]
        local a, b = bench.pair(function() own(x) end, function() loop(to, from, n) end, 40)
        assert(keep ~= nil)
        bench.show(name, 1e6 * a, 'us', 1e6 * b, 'at most 1.2')
      end)
    end
  end
end
