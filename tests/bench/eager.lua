--- What a small operator takes from Lua.
local imnn = require 'imnn'
local np = imnn.np

return function(bench)
  local function each(x, y)
    local times = 10000
    local best = bench.least(function()
      for _ = 1, times do local _ = x + y end
    end, 20)
    return 1e6 * best / times
  end

  bench.row('eager_small', function(name)
    local x, y = np.ones { 8 }, np.ones { 8 }
    bench.show(name, each(x, y), 'us', 1.5)
  end)

  bench.row('eager_small_alive', function(name)
    local x, y, alive = np.ones { 8 }, np.ones { 8 }, {}
    for i = 1, 10 ^ 5 do alive[i] = x + i end
    bench.show(name, each(x, y), 'us', 3, ('%d arrays alive'):format(#alive))
  end)
end
