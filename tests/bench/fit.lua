--- One iteration of fit, without the loop around it, and what compiling it takes.
local ffi = require 'ffi'
local imnn = require 'imnn'
local networks = require 'tests.support.network'
local np, stax, network = imnn.np, imnn.stax, networks.network

ffi.cdef [[
void limit_prepare(int count, const int *sizes, int simulations, int P, int tile_rows, bool with);
double limit_iteration(int way);
]]

local function median(list)
  table.sort(list)
  return list[math.floor(#list / 2) + 1]
end

local function sizes_of(o)
  local sizes = { 10 }
  for _ = 1, o.layers or 3 do sizes[#sizes + 1] = o.width or 128 end
  sizes[#sizes + 1] = o.P or 2
  return sizes
end

return function(bench)
  local function prepare_limit(limit, o, with)
    local sizes = sizes_of(o)
    local c = ffi.new('int[?]', #sizes, sizes)
    limit.limit_prepare(#sizes - 1, c, o.rows or o.n_s or 1000, o.P or 2, 84, with)
  end

  -- Seconds of one iteration: minimum and median, in turn with the bound.
  local function iterations(o, with, times, make)
    local limit = bench.bound 'limit'
    local net, key = (make or network)(o)
    local step = net:stepper { lambda = 10, epsilon = 0.1, rng = key }
    prepare_limit(limit, o, with)
    local mine, bound, best_mine, best_bound = {}, {}, math.huge, math.huge
    for way = 0, 1 do
      for _ = 1, 3 do limit.limit_iteration(way) end
    end
    for _ = 1, 5 do step() end
    for i = 1, times do
      local t = bench.now()
      step()
      mine[i] = bench.now() - t
      local a = limit.limit_iteration(0)
      local b = limit.limit_iteration(1)
      bound[i] = math.min(a, b)
      best_mine, best_bound = math.min(best_mine, mine[i]), math.min(best_bound, bound[i])
    end
    return best_mine, best_bound, median(mine), median(bound)
  end

  local function iteration(name, o, with, times, make)
    local value, bound, m, mb = iterations(o, with, times, make)
    bench.show(name, value * 1e3, 'ms', bound * 1e3,
      ('median %.3f, of the bound %.3f'):format(m * 1e3, mb * 1e3))
  end

  bench.row('fit_iteration', function(name) iteration(name, {}, true, 300) end)
  bench.row('fit_iteration_20000', function(name) iteration(name, { n_s = 20000 }, true, 20) end)
  bench.row('fit_iteration_512', function(name) iteration(name, { width = 512 }, true, 30) end)
  bench.row('fit_iteration_tanh', function(name)
    iteration(name, { activation = stax.Tanh }, false, 200)
  end)
  bench.row('fit_iteration_3_parameters', function(name) iteration(name, { P = 3 }, false, 200) end)
  bench.row('fit_iteration_5x96', function(name)
    iteration(name, { layers = 5, width = 96 }, false, 200)
  end)

  -- x sigmoid(1.7 x) as a user writes it, from functions of arrays
  local own = {
    init = function(_, shape) return shape, {} end,
    apply = function(_, x) return x / (1 + np.exp(-1.702 * x)) end,
  }
  bench.row('fit_iteration_lua_layer', function(name)
    iteration(name, { activation = own }, false, 200)
  end)

  -- n_d = 100: its share of the FLOPs, (n_s + n_d P) / (n_s (1 + P)), at the rate of the first row
  bench.row('fit_iteration_n_d_100', function(name)
    local full = iterations({}, true, 100)
    local value = iterations({ n_d = 100 }, true, 100)
    bench.show(name, value * 1e3, 'ms', full * 1200 / 3000 * 1e3)
  end)

  -- The same network on simulations that were made before; the bound does as many rows.
  bench.row('fit_gradient', function(name)
    iteration(name, {}, true, 300, networks.gradient)
  end)
  bench.row('fit_numerical', function(name) -- (1000 + 100 2 P) / (1 + P) simulations, rounded up
    iteration(name, { n_d = 100, rows = 467 }, true, 300, networks.numerical)
  end)

  -- A million weights, first, best and last, and the moments of Adam.
  bench.row('checkpoint', function(name)
    local net, key = network { width = 700 }
    local path = os.tmpname()
    net:fit { lambda = 10, epsilon = 0.1, rng = key, max_iterations = 2, quiet = true }
    local best = bench.least(function() net:save(path) end, 10)
    os.remove(path)
    bench.show(name, best * 1e3, 'ms', 50)
  end)

  bench.row('compile_iteration', function(name)
    local best = math.huge
    for _ = 1, 10 do
      local net, key = network {}
      local t = bench.now()
      net:stepper { lambda = 10, epsilon = 0.1, rng = key }
      best = math.min(best, bench.now() - t)
    end
    bench.show(name, best * 1e3, 'ms', 20)
  end)
end
