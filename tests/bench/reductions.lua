--- Reductions, and what is made of reductions, of 4096 x 4096 elements in f32, against the rate at
-- which memory is read and copied.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, stax, random = imnn.np, imnn.stax, imnn.random

ffi.cdef [[
int64_t reductions_read(const int64_t *x, size_t n);
void reductions_copy(int64_t *y, const int64_t *x, size_t n, bool stream);
]]

local SIZE = 4096
local BYTES = 4 * SIZE * SIZE

return function(bench)
  local function reading(label, fn)
    bench.row(label, function(name)
      local x = random.uniform(random.PRNGKey(0), { SIZE, SIZE })
      local hand = bench.bound 'reductions'
      local words = ffi.cast('const int64_t *', x:data())
      local a, b = bench.pair(function() fn(x) end,
        function() hand.reductions_read(words, BYTES / 8) end, 15)
      bench.show(name, 1e-9 * BYTES / a, 'GB/s', 1e-9 * BYTES / b, 'read; at least 0.8')
    end)
  end
  reading('sum_axis_1', function(x) return x:sum { axis = 1 } end)
  reading('sum_axis_2', function(x) return x:sum { axis = 2 } end)
  reading('sum', function(x) return x:sum() end)
  reading('argmax_axis_1', function(x) return np.argmax(x, { axis = 1 }) end)
  reading('argmax_axis_2', function(x) return np.argmax(x, { axis = 2 }) end)
  reading('argmax', function(x) return np.argmax(x) end)

  local function copying(label, fn)
    bench.row(label, function(name)
      local x = random.uniform(random.PRNGKey(0), { SIZE, SIZE })
      local y = np.zeros { SIZE, SIZE }
      local hand, best, bound = bench.bound 'reductions', math.huge, math.huge
      local to, from = ffi.cast('int64_t *', y:data()), ffi.cast('const int64_t *', x:data())
      local f = imnn.jit(fn)
      for _, stream in ipairs { false, true } do
        local a, b = bench.pair(function() f(x) end,
          function() hand.reductions_copy(to, from, BYTES / 8, stream) end, 10)
        best, bound = math.min(best, a), math.min(bound, b)
      end
      assert(y.shape[1] == SIZE) -- is still there
      bench.show(name, 2e-9 * BYTES / best, 'GB/s', 2e-9 * BYTES / bound, 'copied; at least 0.8')
    end)
  end
  copying('softmax', function(x) return stax.softmax(x) end)
  copying('softmax_axis_1', function(x) return stax.softmax(x, 1) end)
  local norm = stax.LayerNorm { center = false, scale = false }
  copying('layer_norm', function(x) return norm.apply({ {}, {} }, x) end)
end
