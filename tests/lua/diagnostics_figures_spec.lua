-- Figures that tell how well a posterior was found.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local plot = require 'imnn.plot'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi
local key = random.PRNGKey(1)

local function count(s, what)
  local _, n = s:gsub(what, '')
  return n
end

local function has(figure, what) assert.is_truthy(tostring(figure):find(what, 1, true), what) end
local function has_not(figure, what) assert.is_falsy(tostring(figure):find(what, 1, true), what) end

local function refuses(why, fn)
  assert.equal(why, (message(fn):gsub('^tests/lua/diagnostics_figures_spec.lua:%d+: ', '')))
end

-- They are drawn without complaints.
local function draws(fig)
  local path = os.tmpname()
  finally(function() os.execute('rm -f ' .. path .. '*') end)
  fig:save(path .. '.svg')
end

-- 2.1e-9 is not 2.1.
describe('numbers far from 1', function()
  it('have their power of ten at the axis', function()
    local z = random.normal(key, { 50, 1 }, 'f64')
    has(plot.trace(z * 1e-10 + 2.1e-9, { labels = { 'A_s' } }), "'A_s / 10^{−9}' enhanced")
    local d = plot.distances(np.abs(z[{ {}, 1 }]) * 1e6)
    has(d, "'distance / 10^{6}'")
    has_not(d, "'fraction /")
    has(plot.generations { ess = { 2e5, 1e5 }, simulations = { 1e6, 2e6 } },
      "'effective samples / 10^{5}'")
    has(plot.generations { ess = { 2e5, 1e5 }, simulations = { 1e6, 2e6 } },
      "'simulations / 10^{6}'")
    local fig = plot.history { detF = { 1e5, 9e5 }, r = { 1e-5, 2e-5 }, Lambda_2 = { 1, 2 } }
    has(fig, "'|F| / 10⁵'")
    has(fig, "'r / 10⁻⁵'")
    has(fig, "'Number of iterations'")
    has_not(plot.history { detF = { 1, 50 } }, ' / 10')
    draws(fig)
  end)
end)

describe('generations', function()
  local run = { epsilon = { 30, 10, 4 }, acceptance = { 1, 0.4, 0.2 }, ess = { 1000, 850, 800 } }

  it('have a panel for all that is known', function()
    local fig = plot.generations(run, { label = 'mine' })
    assert.equal(3, count(tostring(fig), '\nreset\n'))
    for _, what in ipairs { "'ε'", "'acceptance'", "'effective samples'", "'generation'", "'mine'",
      '1 30\n2 10\n3 4\n', 'logscale y' } do
      has(fig, what)
    end
    has_not(fig, '10⁻⁰')
    assert.equal(2, count(tostring(fig), '\nset logscale y\n'))
    assert.equal(1, count(tostring(plot.generations { ['ε'] = { 3, 2 } }), '\nreset\n'))
    draws(fig)
  end)

  it('of several runs come together, over simulations if these are known', function()
    local fig = plot.generations { epsilon = np.array { 3, 1 }, simulations = { 100, 1000 } }
    assert.equal(fig, plot.generations({ epsilon = { 4, 2 }, simulations = { 50, 500 } },
      { ax = fig, label = 'other', colour = 'black' }))
    has(fig, "'simulations'")
    has(fig, '50 4\n500 2\n')
    has(fig, "'other'")
    draws(fig)
  end)

  it('have room above the highest number', function()
    local script = tostring(plot.generations { ess = { 1000, 990, 995 } })
    assert.is_true(tonumber(script:match 'yrange %[0:(.-)%]') > 1050)
  end)

  it('are counted in whole numbers', function()
    for n = 2, 60 do
      local ess = {}
      for t = 1, n do ess[t] = 100 end
      local ticks, some = tostring(plot.generations { ess = ess }):match 'xtics mirror %b()', 0
      for at in ticks:gmatch "' (%S+)[,)]" do
        some = some + 1
        assert.equal(0, tonumber(at) % 1)
      end
      assert.is_true(some > 1)
    end
  end)

  it('of a sampler are its whole ones', function()
    local pmc = lfi.PopulationMonteCarlo { target_data = np.zeros { 2, 1 },
      prior = lfi.uniform(-3, 3), compressor = function(d) return d end,
      simulator = function(k, theta) return theta + random.normal(k, { 1 }) end }
    pmc { key = key, n_points = 50, max_simulations = 300, acceptance_ratio = 0 }
    local whole = pmc.iterations[2] + 1
    assert.equal(whole + 1, #pmc.generations[2])
    local script = tostring(plot.generations(pmc, { target = 2 }))
    has_not(script, ('\n%d '):format(whole + 1))
    has(script, ('\n%d %s'):format(whole, ('%.9g'):format(pmc.generations[2][whole].epsilon)
      :sub(1, 4)))
    refuses('plot.generations: option "target" must be among 1 to 2, got 3',
      function() plot.generations(pmc, { target = 3 }) end)
    refuses('plot.generations: option "target" is for samplers; this run is lists',
      function() plot.generations(run, { target = 1 }) end)
  end)

  it('without numbers are refused', function()
    refuses('plot.generations: the run holds no numbers; its lists are epsilon, acceptance, ess',
      function() plot.generations { epsilon = {} } end)
    refuses('plot.generations: ess must be a list of numbers, got (1, 1)',
      function() plot.generations { ess = { { 1 } } } end)
    refuses('plot.generations: option "ax" must be a generations figure, got a distances figure',
      function() plot.generations(run, { ax = plot.distances { 1, 2 } }) end)
  end)
end)

describe('distances', function()
  it('are histograms, with a line at each epsilon', function()
    local fig = plot.distances({ 0, 1, 2, 3, 4 }, { epsilon = 2.5 })
    has(fig, 'arrow from first 2.5, graph 0 to first 2.5, graph 1')
    has(fig, "'distance'")
    has(fig, '0 0.2\n0.4 0.2\n')
    has_not(fig, 'logscale')
    draws(fig)
  end)

  it('of generations are logarithmic where they shrink', function()
    local d = np.abs(random.normal(key, { 1000 }))
    local fig = plot.distances({ d * 100, d * 10, d }, { epsilon = { 100, 10, 1 } })
    has(fig, 'logscale x')
    has(fig, "'generation 1'")
    has(fig, "'generation 3'")
    assert.equal(3, count(tostring(fig), ' nohead '))
    draws(fig)
  end)

  it('of samplers and sample sets come with their weights and thresholds', function()
    local problem = { target_data = np.zeros { 2, 1 }, prior = lfi.uniform(-3, 3),
      compressor = function(d) return d end,
      simulator = function(k, theta) return theta + random.normal(k, { 1 }) end }
    local abc = lfi.ApproximateBayesianComputation(problem)
    abc { key = key, n_samples = 400, epsilon = 0.5 }
    assert.equal(abc.distances.n_accepted[1], #plot.distances(abc).lists[1])
    abc { key = key, n_samples = 400, epsilon = 0.5, keep_rejected = true, replace = true }
    local fig = plot.distances(abc)
    assert.equal(400, #fig.lists[1])
    has(fig, 'arrow from first 0.5, graph 0')
    local pmc = lfi.PopulationMonteCarlo(problem)
    pmc { key = key, n_points = 50, n_initial_points = 100, acceptance_ratio = 0.2 }
    fig = plot.distances(pmc, { target = 2 })
    has(fig, ('arrow from first %.9g'):format(pmc.epsilon[2]):sub(1, 22))
    assert.same(pmc:samples(2).distances:totable(), fig.lists[1])
    draws(fig)
    local set = imnn.SampleSet { parameters = np.zeros { 3, 1 }, distances = { 0, 1, 2 },
      weights = { 1, 1, 2 } }
    local heights = {}
    for height in tostring(plot.distances(set)):gmatch '\n%S+ (0%.%d+)' do
      heights[height] = true
    end
    assert.same({ ['0.25'] = true, ['0.5'] = true }, heights)
    refuses('plot.distances: option "target" must be among 1 to 2, got 3',
      function() plot.distances(pmc, { target = 3 }) end)
    refuses('plot.distances: option "target" is for samplers; these are numbers',
      function() plot.distances({ 1, 2 }, { target = 1 }) end)
    refuses('plot.distances: the sample set holds no distances',
      function() plot.distances(imnn.SampleSet { parameters = np.zeros { 3, 1 } }) end)
  end)

  it('that are none are refused', function()
    refuses('plot.distances: distances must be (n), or a list of such, got an empty list',
      function() plot.distances {} end)
    refuses('plot.distances: distances[1] must be a list of numbers, got (1, 1)',
      function() plot.distances { { { 1 } } } end)
  end)
end)

describe('traces', function()
  it('have a panel for each parameter and a colour for each chain', function()
    local x = random.normal(key, { 3, 50, 2 })
    local fig = plot.trace(x, { labels = { 'μ', 'σ_8' }, known = { 0.5, false } })
    assert.equal(2, count(tostring(fig), '\nreset\n'))
    assert.equal(6, count(tostring(fig), ' << end\n'))
    has(fig, "'σ_8' enhanced")
    has(fig, "'chain 3'")
    has(fig, '0.5 with lines')
    draws(fig)
  end)

  it('of sample sets take their chains and names', function()
    local set = { parameters = np.array { { 1 }, { 2 }, { 3 }, { 4 } }, names = { 'tau' },
      chain = np.array { 1, 2, 1, 2 } }
    local fig = plot.trace(set)
    assert.equal(2, count(tostring(fig), ' << end\n'))
    has(fig, '0 1\n1 3\n')
    has(fig, '0 2\n1 4\n')
    has(fig, "'tau'")
    assert.equal(1, count(tostring(plot.trace(np.arange(5))), ' << end\n'))
  end)

  it('of other shapes are refused', function()
    refuses('plot.trace: there are no samples', function() plot.trace {} end)
    refuses('plot.trace: samples must be a sample set, or (n, P), or (chains, n, P), got '
      .. '(1, 1, 1, 1)', function() plot.trace { { { { 1 } } } } end)
    refuses('plot.trace: option "labels" must have 1 entries, one for each parameter, got 2',
      function() plot.trace({ { 1 } }, { labels = { 'a', 'b' } }) end)
  end)
end)

describe('prior and posterior', function()
  local x = random.normal(key, { 2000, 2 }) * 0.1 + np.array { 0.3, 0.8 }

  it('stand in one panel for each parameter', function()
    local prior = lfi.uniform({ 0, 0 }, { 1, 2 }, { names = { 'Omega_m', 'sigma_8' } })
    local fig = plot.prior_posterior(prior, x, { label = 'posterior', labels = { 'Ω_m', 'σ_8' },
      interval = 'equal-tail' })
    assert.equal(2, count(tostring(fig), '# parameter %d\n'))
    has(fig, "'prior'")
    has(fig, "'#7f7f7f' linewidth 1.3 dashtype (9,5)")
    assert.equal(2, count(tostring(fig), "'68 %% equal%-tail'"))
    draws(fig)
  end)

  it('show the posterior, however wide the prior', function()
    local fig = plot.prior_posterior(lfi.uniform({ -100, -100 }, { 100, 100 }), x)
    for range in tostring(fig):gmatch 'xrange %[(.-)%]' do
      local lo, hi = range:match '^(.-):(.*)$'
      assert.is_true(tonumber(hi) - tonumber(lo) < 2)
    end
  end)

  -- A flat prior is a line between points beyond the ends of the axis. gnuplot leaves such lines
  -- out unless it is told to clip at both ends.
  it('show a prior that goes beyond the panel', function()
    local fig = plot.prior_posterior(lfi.uniform({ -9, -9 }, { 9, 9 }), x, { titles = false })
    local path = os.tmpname()
    finally(function() os.execute('rm -f ' .. path .. '*') end)
    fig:save(path .. '.svg')
    local grey = "<path stroke='rgb%(127, 127, 127%)'"
    assert.equal(3, count(io.open(path .. '.svg'):read '*a', grey)) -- and that of the legend
  end)

  it('take options as lists with one for each posterior, not for the prior', function()
    local fig = plot.prior_posterior(lfi.uniform({ -1, -1 }, { 1, 1 }), { x, x * 0.9 },
      { label = { 'a', 'b' }, colours = { 'red', 'green' } })
    assert.same({ 'a', 'b', 'prior' }, { fig.layers[1].label, fig.layers[2].label,
      fig.layers[3].label })
    has(fig, "'#009e73' linewidth 1.3 dashtype solid")
    refuses('plot.prior_posterior: option "label" has 3 entries for 2 posteriors (each '
      .. 'target is one)',
      function() plot.prior_posterior(x, { x, x }, { label = { 'a', 'b', 'c' } }) end)
  end)

  it('may be sample sets, in rows of so many panels', function()
    local fig = plot.prior_posterior(x * 3, { x, x * 1.1 }, { columns = 1, style = 'screen' })
    assert.is_true(fig.height > fig.width)
    assert.equal(3 * 2, count(tostring(fig), ': density\n'))
    refuses('plot.prior_posterior: option "columns" must be 1 or more, got 0',
      function() plot.prior_posterior(x, x, { columns = 0 }) end)
    refuses('plot.prior_posterior: posteriors of 2 and of 1 parameters do not fit into one figure',
      function() plot.prior_posterior(lfi.uniform(0, 1), x) end)
  end)
end)

describe('predictions', function()
  it('show each summary and where it was observed', function()
    local fig = plot.predictive(random.normal(key, { 500, 3 }), { 0.25, 1, -1 })
    assert.equal(3, count(tostring(fig), '# parameter %d\n'))
    has(fig, 'arrow from first 0.25, graph 0')
    has(fig, "'s_{3}' enhanced")
    has_not(fig, "equal-tail'")
    draws(fig)
  end)

  it('of many summaries are intervals side by side', function()
    local set = { parameters = np.zeros { 500, 1 }, summaries = random.normal(key, { 500, 20 }) }
    local fig = plot.predictive(set, np.arange(20) * 0.1)
    has(fig, "'95 %'")
    has(fig, "'observed'")
    local band = tostring(fig):match ' << end\n(.-)end\n'
    assert.equal(40, count(band, '\n'))
    for y in band:gmatch '%S+ (%S+)\n' do
      assert.is_true(math.abs(math.abs(tonumber(y)) - 1.96) < 0.6)
    end
    draws(fig)
  end)

  it('of groups of summaries are a panel for each, without a line from one to the next', function()
    local s = random.normal(key, { 500, 7 }) + np.array { 0, 0, 0, 100, 100, 100, 100 }
    local fig = plot.predictive(s, { 0, 0, 0, 100, 100, 100, 100 },
      { groups = { { 'near', 3 }, { 'far', 4 } } })
    assert.equal(2, count(tostring(fig), '\nreset\n'))
    has(fig, "'near'")
    has(fig, "'far'")
    local rows = {}
    for block in tostring(fig):gmatch ' << end\n(.-)end\n' do
      rows[#rows + 1] = count(block, '\n')
    end
    assert.same({ 6, 6, 3, 3, 8, 8, 4, 4 }, rows)
    draws(fig)
    refuses('plot.predictive: option "groups" is of 5 summaries, but there are 7',
      function() plot.predictive(s, nil, { groups = { { 'a', 5 } } }) end)
    refuses('plot.predictive: option "groups" must be a list of { name, number of summaries }, got '
      .. 'number as number 1', function() plot.predictive(s, nil, { groups = { 3, 4 } }) end)
    refuses('plot.predictive: option "groups" must be a list of { name, number of summaries }, got '
      .. 'nil as number 1', function() plot.predictive(s, nil, { groups = {} }) end)
    refuses('plot.predictive: option "labels" is for up to 12 summaries without groups: panels '
      .. 'have names of their own', function()
        plot.predictive(s, nil, { groups = { { 'a', 7 } }, labels = { 'a' } })
      end)
  end)

  it('take weights', function()
    local s = np.expand_dims(np.linspace(-3, 3, 1001), 2)
    local weights = np.exp(-0.5 * ((s[{ {}, 1 }] - 1) * 4) ^ 2)
    local fig = plot.predictive(s, { 1 }, { weights = weights })
    local lo, hi = tostring(fig):match 'xrange %[(.-):(.-)%]'
    assert.is_true(tonumber(lo) > -0.5 and tonumber(hi) < 2.5)
  end)

  it('that do not fit are refused', function()
    refuses('plot.predictive: there are 3 summaries, but 2 observed ones',
      function() plot.predictive(random.normal(key, { 50, 3 }), { 1, 2 }) end)
    refuses('plot.predictive: the sample set holds no summaries',
      function() plot.predictive { parameters = np.zeros { 2, 2 } } end)
    refuses('plot.predictive: summaries must be (n, S), got string',
      function() plot.predictive 'x' end)
  end)
end)
