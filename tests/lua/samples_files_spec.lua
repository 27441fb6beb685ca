--- Sample sets in files and tables.
local imnn = require 'imnn'
local sets = require 'tests.support.sample_sets'
local usage = require 'tests.support.usage'
local np, random, SampleSet = imnn.np, imnn.random, imnn.SampleSet
local key, near, says, five, bell = sets.key, sets.near, sets.says, sets.five, sets.bell

describe('sample sets in files', function()
  local function full()
    return SampleSet { parameters = random.normal(key, { 30, 2 }, 'f64'), names = { 'mu', 'a"b,c' },
      labels = { 'μ', 'σ²' }, low = { -9, -math.huge }, high = { math.huge, 9.5 },
      log_weights = random.normal(key, { 30 }, 'f64') * 3 - 500, summaries = np.ones { 30, 3 },
      distances = np.arange(30) / 7, log_prob = -np.arange(30), generation = 3,
      chain = np.arange(30) % 3, derived = { 'a"b,c' },
      origin = { method = 'test', settings = { epsilon = { 3, 2, 1 } }, key = key,
        simulations = 900, version = imnn.version() } }
  end

  local function apart(fn) usage.apart(fn) end

  it('come back from HDF5 as they were', function()
    apart(function()
      local set = full()
      set:save 'set.h5'
      local again = SampleSet.load 'set.h5'
      for _, name in ipairs { 'names', 'labels', 'low', 'high', 'derived', 'generation',
        'rejected' } do
        assert.same(set[name], again[name])
      end
      for _, name in ipairs { 'parameters', 'log_weights', 'weights', 'summaries', 'distances',
        'log_prob', 'chain' } do
        near(set[name], again[name], 0, name)
        assert.are.equal(set[name].dtype, again[name].dtype)
      end
      assert.same({ 3, 2, 1 }, again.origin.settings.epsilon)
      assert.same(key:values(), again.origin.key:values())
      assert.are.equal(900, again.origin.simulations)
      local plain = SampleSet { parameters = { 1, 2 } }
      plain:save 'plain.h5'
      assert.is_nil(SampleSet.load('plain.h5').log_weights)
    end)
  end)

  it('that are none of ours are refused', function()
    apart(function()
      imnn.data.hdf5.create('other.h5', function(f) f:write('x', np.zeros { 3 }) end)
      says('load: other.h5 holds no sample set of this library', SampleSet.load, 'other.h5')
      local function write(record)
        imnn.data.hdf5.create('other.h5', function(f) f:write_tree('samples', record) end)
      end
      write { format = 'imnn samples' }
      says('load: other.h5 holds no sample set of this library', SampleSet.load, 'other.h5')
      write { format = 'imnn samples', format_version = 99, library_version = '9.9' }
      says('load: other.h5 was written by version 9.9 of the library, which is newer than this one',
        SampleSet.load, 'other.h5')
      assert.is_false(pcall(SampleSet.load, 'nothing.h5'))
      says('hdf5: nowhere/set.h5: cannot be written: No such file or directory',
        function() five():save 'nowhere/set.h5' end)
    end)
  end)

  it('come back from CSV with all digits, weights and quotes', function()
    apart(function()
      local set = full()
      set:save 'set.csv'
      local file = io.open 'set.csv'
      assert.are.equal('weight,mu,"a""b,c",distance,log_prob,generation,chain,summary_1,summary_2,'
        .. 'summary_3', file:read '*l')
      file:close()
      local again = SampleSet.load('set.csv', { labels = { 'x', 'y' }, high = { 9, 9.5 } })
      assert.same({ 'mu', 'a"b,c' }, again.names)
      assert.same({ 'x', 'y' }, again.labels)
      assert.same({ 9, 9.5 }, again.high)
      for _, name in ipairs { 'parameters', 'summaries', 'distances', 'log_prob', 'chain' } do
        near(set[name], again[name], 0, name)
      end
      near(set.weights, again.weights, 1e-15)
    end)
  end)

  it('are read from CSV that others have written', function()
    apart(function()
      local file = io.open('set.csv', 'w')
      file:write '\239\187\191"Omega m", h\r\n0.3,0.7\r\n0.4,0.6\r\n'
      file:close()
      local set = SampleSet.load 'set.csv'
      assert.same({ 'Omega_m', 'h' }, set.names)
      assert.same({ 'Omega m', 'h' }, set.labels)
      near({ 0.35, 0.65 }, set:mean())
      file = io.open('set.csv', 'w')
      file:write '0.3,0.7\n0.4,0.6\n'
      file:close()
      says('load: set.csv: the first line must have the names of the columns, got "0.3"',
        SampleSet.load, 'set.csv')
      file = io.open('set.csv', 'w')
      file:write 'a,b\n0.3,0.7,1\n'
      file:close()
      says('load: set.csv: there are 2 names, and 3 columns of numbers', SampleSet.load, 'set.csv')
      file = io.open('set.csv', 'w')
      file:write 'weight,a\n0,1\n0,2\n'
      file:close()
      says('load: weights: all logarithms are -infinity, so that no sample has any weight',
        SampleSet.load, 'set.csv')
    end)
  end)

  it('come back from npz and npy', function()
    apart(function()
      local set = SampleSet { parameters = random.normal(key, { 30, 3 }, 'f64'),
        names = { 'z', 'y', 'x' }, log_weights = random.normal(key, { 30 }, 'f64') * 3 - 500,
        low = { -9, -math.huge, -8 }, distances = np.arange(30) }
      set:save 'set.npz'
      local again = SampleSet.load 'set.npz'
      assert.same(set.names, again.names)
      assert.same(set.low, again.low)
      near(set.parameters, again.parameters, 0)
      near(set.log_weights, again.log_weights, 0)
      near(set.distances, again.distances, 0)
      near(set:column 'y', np.load('set.npz').y, 0)
      set:save 'set.npy'
      again = SampleSet.load 'set.npy'
      near(set.parameters, again.parameters, 0)
      near(set.weights, again.weights, 1e-15)
      says('save: "weights" is what another column is called; give the parameter another name',
        function() SampleSet { parameters = { 1 }, names = { 'weights' } }:save 'set.npz' end)
    end)
  end)

  it('are chains of getdist', function()
    apart(function()
      local set = full()
      set:save_getdist 'root'
      local file = io.open 'root.paramnames'
      assert.are.equal('mu\t\\mu\t# μ\na"b,c*\t\\sigma^2\t# σ²\n', file:read '*a')
      file:close()
      file = io.open 'root.ranges'
      assert.are.equal('mu -9 N\na"b,c N 9.5\n', file:read '*a')
      file:close()
      local again = SampleSet.load_getdist 'root'
      assert.same(set.names, again.names)
      assert.same(set.labels, again.labels)
      assert.same(set.derived, again.derived)
      assert.same({ set.low, set.high }, { again.low, again.high })
      near(set:mean(), again:mean(), 1e-14)
      near(set:cov(), again:cov(), 1e-13)
      near(set:rhat { kind = 'multivariate' }, again:rhat { kind = 'multivariate' }, 1e-10)
      near(np.sort(set.log_prob), np.sort(again.log_prob), 0)
      assert.are.equal(3 * 8, SampleSet.load_getdist('root', { burn = 2 }).n)
      assert.are.equal(3 * 5, SampleSet.load_getdist('root', { burn = 0.5 }).n)
      says('save_getdist: there is root_1.txt, which would be read along; remove it',
        function() five():save_getdist 'root' end)
      says('load_getdist: there is neither none.txt nor none_1.txt', SampleSet.load_getdist, 'none')
      for k = 1, 2 do -- as Cobaya has them
        local f = assert(io.open(('cob.%d.txt'):format(k), 'w'))
        f:write('#   weight  minuslogpost   Omega_m  H0  minuslogprior  chi2__BAO\n',
          ('  %d  3.5  0.3  70  1  5\n  1  2.5  0.%d  68  1  3\n'):format(k, k))
        f:close()
      end
      local cobaya = SampleSet.load_getdist 'cob'
      assert.same({ 'Omega_m', 'H0', 'minuslogprior', 'chi2__BAO' }, cobaya.names)
      assert.same({ 'minuslogprior', 'chi2__BAO' }, cobaya.derived)
      near({ 1, 1, 2, 1 }, np.exp(cobaya.log_weights))
      near({ -3.5, -2.5, -3.5, -2.5 }, cobaya.log_prob)
      local f = assert(io.open('cob.1.txt', 'w'))
      f:write '# weight minuslogpost a\n1 2 3 4\n'
      f:close()
      os.remove 'cob.2.txt'
      says('load_getdist: cob.1.txt has 1 names, the chains have 2 parameters',
        SampleSet.load_getdist, 'cob')
    end)
  end)

  it('have labels in LaTeX, and give back those that they had', function()
    apart(function()
      local labels = { 'H_0 [km s^{-1} Mpc^{-1}]', 'ln 10^{10} A_s', 'Φ [mJy km/s]', 'tau',
        'Nr # 3', '\\frac{a}{b}', '$\\tau$ [s]' }
      SampleSet { parameters = np.zeros { 2, 7 }, labels = labels,
        names = { 'a', 'b', 'c', 'tau', 'd', 'e', 'f' } }:save_getdist 'root'
      assert.same(labels, SampleSet.load_getdist('root').labels)
      local file = io.open 'root.paramnames'
      local lines = file:read '*a'
      file:close()
      assert.are.equal([[
a	H_0\,[\mathrm{km\,s^{-1}\,Mpc^{-1}}]	# H_0 [km s^{-1} Mpc^{-1}]
b	\ln 10^{10} A_s	# ln 10^{10} A_s
c	\Phi\,[\mathrm{mJy\,km/s}]	# Φ [mJy km/s]
tau	\tau	# tau
d	\mathrm{Nr}\ \sharp\ 3	# Nr # 3
e	\frac{a}{b}
f	\tau\,[\mathrm{s}]	# $\tau$ [s]
]], lines)
      -- Who changes one of them means what is in front.
      file = io.open('root.paramnames', 'w')
      file:write((lines:gsub('\\ln 10', '\\ln 20'):gsub('\\frac{a}{b}', '%0 # a ratio')))
      file:close()
      labels[2] = '\\ln 20^{10} A_s'
      assert.same(labels, SampleSet.load_getdist('root').labels)
    end)
  end)

  it('keep counts of repeated draws, and equal weights', function()
    apart(function()
      five():save_getdist 'root'
      near({ 1, 2, 3, 4, 5 }, np.exp(SampleSet.load_getdist('root').log_weights))
      bell(10):save_getdist 'equal'
      assert.is_nil(SampleSet.load_getdist('equal').log_weights)
      assert.is_nil(SampleSet.load_getdist('equal').chain)
    end)
  end)
end)

describe('tables', function()
  it('for the eye', function()
    local set = SampleSet { parameters = np.array { { 0, 1e-9 }, { 1, 2e-9 }, { 2, 3e-9 } },
      names = { 'a', 'A_s' }, labels = { 'a', 'Å' }, origin = { method = 'ABC' } }
    assert.are.equal([[
ABC: 3 samples of 2 parameters
        mean      std               68 %               95 %
  a      1.0      1.0         0.0 .. 2.0         0.0 .. 2.0
  Å   2.0e-9   1.0e-9   1.0e-9 .. 3.0e-9   1.0e-9 .. 3.0e-9
warning: the samples are worth only 3 independent ones]], set:text { mass = { 0.68, 0.95 } })
  end)

  it('for LaTeX, with two digits of the smaller error', function()
    local function row(values, label)
      local set = SampleSet { parameters = values, labels = { label } }
      return set:latex():match 'midrule\n(.-)\n'
    end
    local spread = np.linspace(-1, 1, 101)
    assert.are.equal('$\\mu$ & $5.00 \\pm 0.69$ \\\\', row(5 + spread, 'μ'))
    local skew = np.where(np.gt(spread, 0), spread * 2, spread)
    assert.are.equal('$\\sigma_8$ & $5.00^{+1.37}_{-0.69}$ \\\\', row(5 + skew, 'σ_8'))
    assert.are.equal('$A_s$ & $(2.000 \\pm 0.069) \\times 10^{-9}$ \\\\',
      row(np.array(2e-9 + 1e-10 * spread, 'f64'), 'A_s'))
    assert.are.equal('$H_0$ & $(7.00 \\pm 0.69) \\times 10^{6}$ \\\\',
      row(np.array(7e6 + 1e6 * spread, 'f64'), '$H_0$'))
    assert.are.equal('$N_{\\mathrm{eff}}$ & $12300 \\pm 690$ \\\\',
      row(12300 + 1e3 * spread, 'N_eff'))
    local set = five()
    assert.are.equal([[
\begin{tabular}{lcc}
\toprule
Parameter & 50\,\% & 90\,\% \\
\midrule
$a$ & $2.86^{+0.87}_{-1.16}$ & $2.9^{+1.1}_{-2.7}$ \\
$b$ & $3.4^{+1.2}_{-1.9}$ & $3.4^{+1.6}_{-3.3}$ \\
\bottomrule
\end{tabular}
]], set:latex { mass = { 0.5, 0.9 } })
  end)

  it('with bounds of one side at limits', function()
    local x = np.abs(random.normal(key, { 4000, 1 }, 'f64'))
    local flat = random.uniform(key, { 4000, 1 }, 'f64')
    local set = SampleSet { parameters = np.concatenate({ x, -x, flat }, { axis = 2 }),
      labels = { 'u', 'd', 'f' }, low = { 0, -math.huge, 0 }, high = { math.huge, 0, 1 } }
    local text, latex = set:text { kind = 'limit' }, set:latex { kind = 'limit', mass = 0.95 }
    assert.is_truthy(text:find '\n  u +%S+ +%S+ +< %S+\n  d +%S+ +%S+ +> %S+\n  f +%S+ +%S+ +%-')
    local high, low = latex:match '\nd? ?%$?u%$? & %$< (%S+)%$ \\\\\n%$d%$ & %$> (%S+)%$ '
    near({ 1.96, -1.96 }, { tonumber(high), tonumber(low) }, 0.04)
    assert.is_truthy(latex:find('$f$ & -- \\\\', 1, true))
    -- nothing to estimate a density from
    local still = SampleSet { parameters = np.ones { 9 } }
    assert.is_truthy(still:margestats():find 'p1 .*1%.0000000E%+00  two')
  end)

  it('as getdist writes them', function()
    usage.apart(function()
      local x = np.abs(random.normal(key, { 4000, 1 }, 'f64'))
      local set = SampleSet { parameters = np.concatenate({ x, -x, x - 3 }, { axis = 2 }),
        names = { 'up', 'down', 'free' }, labels = { 'u', 'd', 'σ²' },
        low = { 0, -math.huge, -9 }, high = { math.huge, 0, 9 }, derived = { 'down' } }
      local text = set:margestats 'root.margestats'
      local lines = {}
      for line in text:gmatch '[^\n]*' do lines[#lines + 1] = line end
      assert.are.equal('Marginalized limits: 0.68; 0.95; 0.99', lines[1])
      local name, mean, sd, low, high, tag = text:match
        '\n(up) +(%S+) +(%S+) +(%S+) +(%S+)  (%S+)'
      near({ set:mean()[1]:item(), set:std()[1]:item() }, { tonumber(mean), tonumber(sd) }, 1e-7)
      assert.same({ 'up', 0, '>' }, { name, tonumber(low), tag })
      near(set:quantile(0.68)[1]:item(), tonumber(high), 1e-6)
      near(0.99446, tonumber(high), 0.03) -- of |z|
      local both = SampleSet { parameters = random.normal(key, { 20000, 1 }, 'f64') }
      low, high = both:margestats():match '\np1 +%S+ +%S+ +(%S+) +(%S+)  two'
      near(both:interval()[1], { tonumber(low), tonumber(high) }, 1e-6)
      assert.is_truthy(text:find '\ndown%* .* 0%.0000000E%+00  < ')
      assert.is_truthy(text:find '\nfree .*two .*\\sigma%^2\n')
      local file = io.open 'root.margestats'
      assert.are.equal(text, file:read '*a')
      file:close()
      local covariance = five():covmat 'root.covmat'
      assert.are.equal('# a b', covariance:match '^[^\n]*')
      near(five():cov(), np.loadtxt('root.covmat', { dtype = 'f64' }), 1e-15)
    end)
  end)
end)
