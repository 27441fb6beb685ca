--- A corner plot: three sets of 100000 weighted samples of five parameters, to PDF. The bounds are
-- seconds that nobody minds to wait: 3 in all, 0.5 of them without gnuplot.
local imnn = require 'imnn'
local np, random, plot = imnn.np, imnn.random, imnn.plot

local P, N = 5, 100000

local function set(seed)
  local key, columns = random.PRNGKey(seed), {}
  local z = random.normal(key, { N, P }, 'f64')
  for p = 1, P do
    columns[p] = z[{ {}, p }] + (p > 1 and 0.7 * columns[p - 1] or 0)
  end
  return imnn.SampleSet { parameters = np.stack(columns, 2) + 0.3 * seed,
    log_weights = 0.5 * random.normal(random.fold_in(key, 1), { N }, 'f64') }
end

local function sets() return { set(1), set(2), set(3) } end

return function(bench)
  bench.row('corner', function(name)
    local all, path = sets(), os.tmpname()
    os.remove(path)
    local seconds = bench.least(function() plot.corner { all }:save(path .. '.pdf') end, 3)
    os.remove(path .. '.pdf')
    os.remove(path .. '.pdf.gp')
    bench.show(name, seconds, 's', 3, '3 x 100000 weighted samples, 5 parameters, to PDF')
  end)

  bench.row('corner-script', function(name)
    local all = sets()
    local seconds = bench.least(function() return #tostring(plot.corner { all }) end, 3)
    bench.show(name, seconds, 's', 0.5, 'the same without gnuplot')
  end)
end
