-- Corner plots of samples, and where figures go.
local folders = require 'tests.support.folder'
local imnn = require 'imnn'
local blocks = require 'imnn.plot.blocks'
local gnuplot = require 'imnn.plot.gnuplot'
local message = require 'tests.support.message'
local plot = require 'imnn.plot'
local quote = require 'imnn.plot.quote'
local terminal = require 'imnn.plot.terminal'
local text = require 'imnn.plot.text'
local np, random = imnn.np, imnn.random

local function count(s, what)
  local _, n = s:gsub(what, '')
  return n
end

local function has(figure, what)
  assert.is_truthy(tostring(figure):find(what, 1, true), what)
end

local read = folders.read

-- How often the curve of one parameter turns, but for wiggles below `least` of its peak.
local function turns_of(set, least)
  local curve = tostring(plot.corner { set }):match 'density\n%$data%d+ << end\n(.-)end\n'
  local turns, before, rising = 0, 0, true
  for y in curve:gmatch '%S+ (%S+)\n' do
    y = tonumber(y)
    if math.abs(y - before) > least then
      if (y > before) ~= rising then turns, rising = turns + 1, y > before end
      before = y
    end
  end
  return turns
end

local function folder() return folders.new(finally) end

-- Normal samples, exact but for a grid of probabilities: (n, 1).
local function normal(mean, deviation, n)
  local p = (np.arange(n or 4000):astype 'f64' + 0.5) / (n or 4000)
  return np.expand_dims(np.ndtri(p) * deviation + mean, 2)
end

-- Independent columns of these means and deviations.
local function columns(mean, deviation, n, seed)
  local z = random.normal(random.PRNGKey(seed or 1), { n or 4000, #mean }, 'f64')
  return z * np.array(deviation, 'f64') + np.array(mean, 'f64')
end

local function labels_of(script)
  local out = {}
  for line in script:gmatch 'set label 1[123] (.-)\n' do
    out[#out + 1] = line:match "^'(.-)' enhanced"
  end
  return out
end

describe('estimates are quoted', function()
  it('with the digits that their errors deserve', function()
    assert.equal('0.811^{+0.020}_{−0.028}', quote.value(0.8111, 0.7831, 0.8311))
    assert.equal('67.4 ± 0.5', quote.value(67.4, 66.9, 67.9))
    assert.equal('−1.00 ± 0.10', quote.value(-1, -1.1, -0.9))
    assert.equal('(2.10 ± 0.04)×10^{−9}', quote.value(2.1e-9, 2.06e-9, 2.14e-9))
    assert.equal('1200 ± 400', quote.value(1234, 1234 - 449, 1234 + 449))
    assert.equal('0.04^{+0.26}_{−0.04}', quote.value(0.04, 0, 0.3))
    assert.equal('3', quote.value(3, 3, 3))
  end)
end)

describe('titles of corner plots', function()
  -- Equal tails of two equal peaks end at equal densities, about a median where there is nothing.
  it('name the pieces of a density with two peaks, be they as high or not', function()
    for _, part in ipairs { 0.5, 0.45, 0.4 } do
      local n = 4000
      local x = np.concatenate { normal(-1, 0.1, part * n), normal(1, 0.1, (1 - part) * n) }
      local title = labels_of(tostring(plot.corner { x, labels = { 'c' } }))
      assert.matches('^c ∈ %[−1.[01]%d, −0.[89]%d%] ∪ %[0.[89]%d, 1.[01]%d%]$', title[1])
      assert.equal('68 % HPD', title[2])
    end
  end)

  it('say which interval they give', function()
    local fig = plot.corner { normal(0.811, 0.02), labels = { 'σ_8' } }
    assert.same({ 'σ_8 = 0.811 ± 0.020', '68 % equal-tail' }, labels_of(tostring(fig)))
    fig = plot.corner { normal(0.811, 0.02), labels = { 'σ_8 [Mpc]' }, interval = 'hpd',
      mass = 0.95 }
    assert.same({ 'σ_8 = 0.81 ± 0.04', '95 % HPD' }, labels_of(tostring(fig)))
  end)

  it('give bounds at limits, where the density does not vanish', function()
    local half = np.abs(normal(0, 0.3))
    local low = { parameters = half, low = { 0 }, high = { math.huge }, names = { 'tau' } }
    local found = labels_of(tostring(plot.corner { low }))
    assert.matches('^τ < 0.%d%d$', found[1])
    assert.is_true(math.abs(found[1]:match '0.%d+' - 0.588) < 0.015)
    assert.equal('95 %', found[2])
    local high = { parameters = 1 - half, high = { 1 }, names = { 'tau' } }
    found = labels_of(tostring(plot.corner { high }))
    assert.is_true(math.abs(found[1]:match '^τ > (0.%d+)$' - 0.412) < 0.015)
    local densest = labels_of(tostring(plot.corner { low, interval = 'hpd' }))
    assert.matches('^τ < 0.[23]%d*$', densest[1])
    assert.equal('68 % HPD', densest[2])
    densest = labels_of(tostring(plot.corner { high, interval = 'hpd' }))
    assert.matches('^τ > 0.%d+$', densest[1])
    local flat = { parameters = np.expand_dims(np.linspace(0, 1, 2000, 'f64'), 2), low = { 0 },
      high = { 1 }, names = { 'tau' } }
    assert.same({ 'τ', 'no constraint' }, labels_of(tostring(plot.corner { flat })))
    has(plot.corner { low }, 'xrange [0:')
  end)

  it('have names on lines of their own where those are long', function()
    local x = np.concatenate({ normal(0, 1), normal(5, 0.1) }, 2)
    local long = { 'amplitude of the line [mJy]', 'background [mJy]' }
    assert.same({ 'amplitude of the line', '0.0 ± 1.0', '68 % equal-tail', 'background',
      '5.00 ± 0.10', '68 % equal-tail' },
      labels_of(tostring(plot.corner { x, labels = long, size = 'column' })))
    assert.same({ 'a = 0.0 ± 1.0', '68 % equal-tail', 'b = 5.00 ± 0.10', '68 % equal-tail' },
      labels_of(tostring(plot.corner { x, labels = { 'a', 'b' }, size = 'column' })))
  end)

  it('refuse distributions, which have to be drawn from', function()
    local d = imnn.distributions.normal({ 0, 0 }, 1)
    for _, given in ipairs { { d }, { { d } }, { imnn.lfi.uniform(0, 1) } } do
      assert.matches('plot.corner: what is drawn are .*, got a distribution; give draws of it',
        message(function() plot.corner(given) end))
    end
  end)

  -- Beside samples without names they are matched by place, and keep the names that are known.
  it('have the names of any set that has some', function()
    local x = np.concatenate({ normal(0, 1), normal(5, 0.1) }, 2)
    local set = imnn.SampleSet { parameters = x, names = { 'A', 'b_0' }, labels = { 'A', 'β' } }
    local plain = imnn.SampleSet { parameters = x, names = { 'A', 'b_0' } }
    for _, given in ipairs { { set, x }, { x, set } } do
      local found = labels_of(tostring(plot.corner(given)))
      assert.same({ 'A = 0.0 ± 1.0', 'β = 5.00 ± 0.10' }, { found[1], found[3] })
    end
    local found = labels_of(tostring(plot.corner { x, plain }))
    assert.same({ 'A = 0.0 ± 1.0', 'b_{0} = 5.00 ± 0.10' }, { found[1], found[3] })
  end)

  it('give all pieces of what is most probable', function()
    local two = np.concatenate({ normal(-1, 0.1), normal(1, 0.1) }, 1)
    local found = labels_of(tostring(plot.corner { two, interval = 'hpd', labels = { 'b' } }))
    assert.matches('^b ∈ %[−1.%d+, −0.%d+%] ∪ %[0.%d+, 1.%d+%]$', found[1])
  end)

  it('claim no interval of a single value, and do not list many pieces', function()
    local one = np.zeros({ 5, 1 }, 'f64') + 7
    assert.same({ 'θ_{1} = 7', 'one value' }, labels_of(tostring(plot.corner { one })))
    local whole = np.floor(columns({ 0 }, { 3 }, 2000))
    whole = whole + 0.2 * np.sin(7 * whole) -- values that are no grid
    local found = labels_of(tostring(plot.corner { whole, interval = 'hpd' }))
    assert.matches('^θ_{1} ∈ %[−%S+, %S+%]$', found[1])
    assert.matches('^68 %% HPD, %d+ pieces$', found[2])
  end)

  it('are left out when nobody wants them, and where there are only points', function()
    assert.same({}, labels_of(tostring(plot.corner { normal(0, 1), titles = false })))
    local points = plot.corner { posteriors = { { points = { { 1 }, { 2 } } } } }
    assert.same({}, labels_of(tostring(points)))
  end)
end)

describe('corner plots of samples', function()
  it('take weights', function()
    local x = columns({ 0, 0 }, { 1, 1 }, 20000)
    local first = x[{ {}, 1 }]
    local weights = np.exp(first - 0.5) -- a normal density times e^x: one of mean 1
    local fig = plot.corner { { parameters = x, weights = weights / weights:sum() } }
    assert.matches('^θ_{1} = 1.0%d* ± 1.0', labels_of(tostring(fig))[1])
    assert.matches('^θ_{2} = 0.0%d* ± 1.0', (labels_of(tostring(fig))[3]:gsub('−', '')))
  end)

  it('enclose the fractions of the weight that they say', function()
    local x = columns({ 0, 0 }, { 1, 1 }, 20000)
    local a = x[{ {}, 1 }]
    local y = np.stack({ a, 0.8 * x[{ {}, 2 }] + 0.6 * a + 0.3 * a ^ 2 }, 2)
    local weights = np.exp(0.3 * a)
    local script = tostring(plot.corner { imnn.SampleSet { parameters = y, weights = weights } })
    local rows, w = y:totable(), weights:totable()
    for _, share in ipairs { 95, 68 } do
      local block = script:match('# row 2, column 1: around ' .. share
        .. ' %%\n%$data%d+ << end\n(.-)end\n')
      local loop, inside, all = {}, 0, 0
      for px, py in block:gmatch '(%S+) (%S+)\n' do
        loop[#loop + 1] = { tonumber(px), tonumber(py) }
      end
      for i, p in ipairs(rows) do
        local odd, last = false, loop[#loop]
        for _, q in ipairs(loop) do
          if (q[2] > p[2]) ~= (last[2] > p[2])
            and p[1] < q[1] + (last[1] - q[1]) * (p[2] - q[2]) / (last[2] - q[2]) then
            odd = not odd
          end
          last = q
        end
        all, inside = all + w[i], inside + (odd and w[i] or 0)
      end
      assert.is_true(math.abs(inside / all - share / 100) < 0.01, inside / all)
    end
  end)

  it('have wider kernels where draws of chains are worth less', function()
    local x = columns({ 0 }, { 1 }, 400)
    local slow = np.repeat_(x, 20, { axis = 1 })
    local chain = imnn.SampleSet { parameters = slow, chain = np.floor(np.arange(8000) / 2000) }
    assert.is_true(turns_of(chain, 1e-3) <= 5)
  end)

  it('do not mind rounding at limits', function()
    local x = np.abs(columns({ 0 }, { 1 }, 500)) - 1e-12
    tostring(plot.corner { { parameters = x, low = { 0 } } })
  end)

  it('do not mind outliers, columns of one value, steps', function()
    local x = columns({ 0, 0 }, { 1, 1 }, 5000)
    x = np.concatenate({ x, np.array({ { 1e6, 0 }, { -1e5, 3 } }, 'f64') }, 1)
    for range in tostring(plot.corner { x }):gmatch '# row 1, column 1\n.-xrange %[(.-)%]' do
      local lo, hi = range:match '^(.-):(.*)$'
      assert.is_true(tonumber(lo) > -5 and tonumber(hi) < 5 and hi - lo > 5)
    end
    local one = np.stack({ x[{ {}, 1 }], 0 * x[{ {}, 2 }] + 7 }, 2)
    assert.equal(3, count(tostring(plot.corner { one }), '# row %d, column %d\n'))
    local step = { parameters = np.abs(columns({ 0 }, { 1 }, 5000)) + 1 }
    assert.is_true(turns_of(step, 1e-4) <= 5)
  end)

  it('are histograms where these are asked for', function()
    local x = columns({ 0 }, { 1 }, 1000)
    assert.not_equal(tostring(plot.corner { x }), tostring(plot.corner { x, smooth = 'histogram' }))
    tostring(plot.corner { columns({ 0, 0 }, { 1, 1 }, 1000), smooth = 'histogram', smoothing = 1 })
  end)

  it('are labelled as sample sets are', function()
    local set = imnn.SampleSet { parameters = columns({ 0, 0 }, { 1, 1 }), names = { 'tau', 'b' },
      labels = { 'tau', 'β_0' } }
    local fig = plot.corner { set }
    has(fig, "'τ' enhanced")
    has(fig, "'β_0' enhanced")
  end)

  it('match parameters by name, and show those that are asked for', function()
    local a = { parameters = columns({ 0, 5, 9 }, { 1, 1, 1 }), names = { 'a', 'b', 'c' } }
    local b = { parameters = columns({ 5, 0 }, { 1, 1 }), names = { 'b', 'a' },
      labels = { 'B', 'A' } }
    local script = tostring(plot.corner { a, b, parameters = { 'b', 'a' }, titles = false })
    assert.equal(3, count(script, '# row %d, column %d\n'))
    assert.equal(2 * 2 + 2, count(script, 'with filledcurves')) -- shades, regions of a
    assert.equal(2 + 2, count(script, "with lines linecolor rgb '#d55e00'")) -- curves, regions of b
    for range in script:gmatch '# row 1, column 1\n.-xrange %[(.-)%]' do
      local lo, hi = range:match '^(.-):(.*)$'
      assert.is_true(tonumber(lo) > 0 and tonumber(hi) < 10)
    end
    has(script, "'B' enhanced")
    local all = tostring(plot.corner { a, b })
    assert.equal(6, count(all, '# row %d, column %d\n'))
  end)

  it('take lists, options for single ones, and posteriors of all kinds', function()
    local gaussian = imnn.lfi.GaussianApproximation { parameter_estimates = { { 0.2, 0.3 } },
      invF = { { 0.01, 0 }, { 0, 0.01 } }, prior = imnn.lfi.uniform({ 0, 0 }, { 1, 1 },
      { names = { 'Omega_m', 'sigma_8' } }), gridsize = 40 }
    local x = columns({ 0.2, 0.3 }, { 0.1, 0.1 })
    local fig = plot.corner { gaussian, { x, colour = 'black', label = 'samples' },
      { { x * 0.9, linestyle = 'dashed' }, x }, labels = { 'Ω_m', 'σ_8' } }
    has(fig, "rgb '#000000' linewidth 1 dashtype solid")
    has(fig, 'linewidth 1 dashtype (9,5)')
    has(fig, "title 'samples'")
    assert.equal(4 * 2, count(tostring(fig), 'density\n'))
    fig = plot.corner { x, x, x, label = { 'one', 'two', 'three' } }
    has(fig, "title 'three'")
    local two = imnn.lfi.GaussianApproximation {
      parameter_estimates = { { 0.2, 0.3 }, { 0.6, 0.7 } },
      invF = gaussian.invF[1], prior = gaussian.prior, gridsize = 40 }
    fig = plot.corner { { two, target = 2 }, { two, target = 1 }, label = { 'second', 'first' } }
    assert.is_true(tostring(fig):find("'second'", 1, true) < tostring(fig):find("'first'", 1, true))
  end)

  it('show weighted points, the fainter the less they weigh', function()
    local x = columns({ 0, 0 }, { 1, 1 }, 4)
    local fig = plot.corner { { parameters = x, weights = np.array { 0.5, 0.25, 0.25, 0 } },
      scatter = true, s = 9 }
    has(fig, 'using 1:2:3 with points pointtype 7 linewidth 0 pointsize 0.5 linecolor rgb variable')
    local rows = tostring(fig):match '# points\n%$data%d+ << end\n(.-)end\n'
    assert.equal(3, count(rows, '\n')) -- what weighs nothing is not drawn
    has(fig, (' %d\n'):format(0x0072b2))
    rows = tostring(plot.corner { columns({ 0, 0 }, { 1, 1 }, 25000), scatter = true })
      :match '# points\n%$data%d+ << end\n(.-)end\n'
    assert.equal(8334, count(rows, '\n')) -- every third
  end)

  it('say what their regions hold', function()
    local fig = plot.corner { columns({ 0, 0 }, { 1, 1 }), levels = { 0.393, 0.865 } }
    has(fig, "title '39.3 %'")
    has(fig, "title '86.5 %'")
    fig = plot.corner { columns({ 0, 0 }, { 1, 1 }), filled = false }
    has(fig, "title 'around 68 %, 95 %'")
  end)

  it('take the accepted draws of samplers, without those of targets that have none', function()
    local x = columns({ 0.1, 0.5 }, { 0.1, 0.1 }, 500)
    local abc = { n_targets = 2, prior = imnn.lfi.uniform({ -1, 0 }, { 1, 1 }),
      parameters = { accepted = { x, x[{ { 1, 0 } }] } }, ranges = {}, marginals = {} }
    local fig = plot.corner { abc, label = 'ABC' }
    has(fig, "title 'ABC'")
    assert.matches('^θ_{1} = 0.1%d* ± 0.1', labels_of(tostring(fig))[1])
    abc.parameters.accepted[1] = x[{ { 1, 0 } }]
    assert.matches('plot.corner: there are no samples: nothing was accepted$',
      message(function() plot.corner { abc } end))
    local sampler = { n_targets = 1, samples = function()
      return imnn.SampleSet { parameters = x, names = { 'a', 'b' } }
    end }
    has(plot.corner { sampler }, "'b' enhanced")
  end)

  -- The densities keep at least two fifths of the panel.
  it('show true values where densities are, and point to those that are far off', function()
    local x = np.concatenate({ normal(0, 1), normal(5, 0.1) }, 2)
    local function range_of(script)
      local a, b = script:match '# row 2, column 2\n.-xrange %[(%S+):(%S+)%]'
      return tonumber(a), tonumber(b)
    end
    local near, far = tostring(plot.corner { x, known = { 0, 5.9 } }),
      tostring(plot.corner { x, known = { -1e6, 40 } })
    local a, b = range_of(near)
    assert.is_true(a < 4.8 and b > 5.9)
    assert.equal(2, count(near, 'arrow from first 5.9, graph 0')
      + count(near, 'arrow from graph 0, first 5.9'))
    assert.equal(0, count(near, ' head filled'))
    a, b = range_of(far)
    assert.is_true(a > 4.5 and b < 5.5)
    assert.equal(0, count(far, 'nohead front'))
    assert.equal(2, count(far, ' head filled'))
    assert.matches("label '40' %S+ .-at graph 0.830, 0.930 right", far)
    assert.matches("label '−1e%+06' %S+ .-at graph 0.170, 0.930 left", far)
    -- limits that are given stay
    local cut = tostring(plot.corner { x, known = { 0, 5.9 }, limits = { false, { 4, 5.5 } } })
    assert.equal(1, count(cut, ' head filled'))
    assert.same({ 4, 5.5 }, { range_of(cut) })
  end)

  it('are methods of sets and posteriors', function()
    local set = imnn.SampleSet { parameters = columns({ 0.5, 0.5 }, { 0.1, 0.1 }),
      names = { 'a', 'b' }, chain = np.arange(4000) % 2 }
    local fig = set:corner { set, label = { 'one', 'two' }, known = { 0.4, false } }
    has(fig, "title 'two'")
    has(fig, 'arrow from first 0.4')
    assert.is_true(plot.is_figure(set:trace { known = { 0.4, false } }, 'trace'))
    local gaussian = imnn.lfi.GaussianApproximation { parameter_estimates = { 0.5, 0.5 },
      invF = { { 0.01, 0 }, { 0, 0.01 } }, prior = imnn.lfi.uniform({ 0, 0 }, { 1, 1 }),
      gridsize = 40 }
    fig = gaussian:corner { set, label = { 'Gaussian', 'samples' } }
    assert.matches('^a = 0.50 ± 0.10$', labels_of(tostring(fig))[1])
    has(fig, "title 'samples'")
    assert.matches('corner: there are no marginals yet$', message(function()
      imnn.lfi.LikelihoodFreeInference { prior = imnn.lfi.uniform(0, 1) }:corner()
    end))
  end)

  it('have ticks whose labels do not touch, for up to twelve parameters', function()
    for _, P in ipairs { 1, 2, 5, 12 } do
      local mean, deviation = {}, {}
      for p = 1, P do
        mean[p], deviation[p] = ({ 0.8, 67, 2e-9, 1000, -0.3 })[(p - 1) % 5 + 1],
          ({ 0.02, 0.5, 4e-11, 1e-4, 3 })[(p - 1) % 5 + 1]
      end
      local fig = plot.corner { columns(mean, deviation, 500), size = P > 1 and 'page' or nil }
      local script = tostring(fig)
      assert.equal(P * (P + 1) / 2, count(script, '# row %d+, column %d+\n'))
      for list in script:gmatch '[xy]tics [%w ]*%((.-)%) noenhanced' do
        local n = count(list, ',') + 1
        assert.is_true(n >= 1 and n <= 4, list)
      end
      assert.is_true(script:find('10^{−9}', 1, true) ~= nil or P < 3)
    end
  end)

  it('have the sizes and styles of journals and screens', function()
    local x = columns({ 0, 0 }, { 1, 1 })
    for size, width in pairs { column = 8.6, page = 17.8, [12.5] = 12.5 } do
      local fig = plot.corner { x, size = size }
      assert.is_true(math.abs(fig.width - width) < 1e-9 and math.abs(fig.height - width) < 1e-9)
    end
    local fig = plot.corner { x, size = { 8, 6 }, style = 'dark' }
    assert.equal(6, fig.height)
    has(fig, "textcolor rgb '#e6e6e6'")
  end)

  it('refuse what they cannot draw', function()
    local x = columns({ 0, 0 }, { 1, 1 }, 10)
    local function refuses(why, opts)
      assert.equal('plot.corner: ' .. why, (message(function() plot.corner(opts) end)
        :gsub('^tests/lua/figures_spec.lua:%d+: ', '')))
    end
    refuses('option "size" is "column" or "page", got "collumn"; did you mean "column"?',
      { x, size = 'collumn' })
    refuses('option "size" must be { width, height }, 2 to 200 cm, got 1', { x, size = 1 })
    refuses('option "style" is "dark" or "paper" or "screen", got "darl"; did you mean "dark"?',
      { x, style = 'darl' })
    refuses('option "interval" is "auto" or "equal-tail" or "hpd", got "equaltail"; did you mean '
      .. '"equal-tail"?',
      { x, interval = 'equaltail' })
    refuses('option "mass" must be a fraction between 0 and 1, got 68', { x, mass = 68 })
    refuses('what is drawn are sample sets, posteriors, Arrays (n, P), or lists of them, got '
      .. 'string', { 'x' })
    refuses('sample 3 is not finite', { np.array { 1, 2, 0 / 0 } })
    refuses('weights must be (10), one for each sample, got (2)',
      { { parameters = x, weights = { 1, 2 } } })
    refuses('weight 2 is -1, and must be 0 or more',
      { { parameters = x[{ { 1, 2 } }], weights = { 1, -1 } } })
    refuses('all weights are 0', { { parameters = x[{ { 1, 2 } }], weights = { 0, 0 } } })
    refuses('posteriors of 2 and of 1 parameters do not fit into one figure',
      { x, normal(0, 1) })
    refuses('none of the parameters c is among a, b', {
      { parameters = x, names = { 'a', 'b' } }, { parameters = normal(0, 1), names = { 'c' } } })
    refuses('option "parameters" must be names of parameters, and all posteriors must have such; '
      .. 'got c', { x, parameters = { 'c' } })
    refuses('option "label" has 1 entries for 2 posteriors (each target is one)',
      { x, x, label = { 'one' } })
    refuses('option "color" is an empty list', { x, colours = {} })
    refuses('option "linestyle" is an empty list', { x, linestyle = {} })
    refuses('point 2 is not finite', { posteriors = { { points = { { 1, 2 }, { 3, 0 / 0 } } } } })
    refuses('option "labels" must have 2 entries, one for each parameter, got 1',
      { x, labels = { 'a' } })
    refuses('options "labels" and "axis_labels" are the same; give one',
      { x, labels = { 'a', 'b' }, axis_labels = { 'a', 'b' } })
    refuses('option "levels" is an empty list', { x, levels = {} })
    refuses('option "smooth" is "histogram" or "kde", got "kdee"; did you mean "kde"?',
      { x, smooth = 'kdee' })
    refuses('option "smoothing" must not be negative, got -1', { x, smoothing = -1 })
    refuses('there is nothing to draw: no posteriors', {})
    refuses('unknown option "labe"; did you mean "label"?', { x, labe = 'x' })
  end)
end)

-- Where texts of an SVG begin: { [text] = { x, y } }.
local function places_of(figure)
  local path, out = folder() .. '/x.svg', {}
  figure:save(path)
  for x, y, content in read(path):gmatch
    'translate%(([%d.]+),([%d.]+)%)[^>]*>%s*<text>(.-)</text>' do
    content = content:gsub('<.->', ''):gsub('^%s+', ''):gsub('%s+$', '')
    out[content] = { tonumber(x), tonumber(y) }
  end
  return out
end

describe('legends', function()
  it('stay in one column, right of titles that are as high', function()
    local x = columns({ 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1 }, 500)
    local fig = plot.corner { x, x * 0.5, label = { 'first', 'second' }, size = 'column' }
    local at = places_of(fig)
    assert.equal(at.first[1], at['95 %'][1])
    assert.is_true(at['95 %'][2] > at['68 %'][2] and at['68 %'][2] > at.second[2])
    -- The title of the second cell begins at its left end, and is wider than the cell.
    local script = tostring(fig)
    local left = script:match 'row 2, column 2.-label 11 .- at screen ([%d.]+),'
    local start = script:match 'key at screen ([%d.]+),'
    local width = text.width(labels_of(script)[3]) * 0.18 * 0.6 * 8 / 8
    assert.is_true((tonumber(start) - tonumber(left)) * 8.6 > width)
  end)
end)

describe('text for LaTeX', function()
  it('is made of formulas', function()
    for label, want in pairs { ['H_0 [km/s/Mpc]'] = '$H_0$ [km/s/Mpc]', ['[km]'] = '{}[km]' } do
      assert.equal(text.quote(want), text.latex.label(label))
    end
    assert.equal("'50 \\% of'", text.latex.literal '50 % of')
  end)
end)

local fig = plot.corner { columns({ 0.8, 0.3 }, { 0.02, 0.03 }), labels = { 'σ_8', 'Ω_m' },
  label = 'first' }

describe('figures are drawn', function()
  it('for LaTeX and as EPS', function()
    local at = folder()
    fig:save(at .. '/x.pdf')
    local pdf = read(at .. '/x.pdf')
    fig:save(at .. '/x.tex'):save(at .. '/x.tikz'):save(at .. '/x.eps')
    assert.matches('^%%!PS%-Adobe%-3.0 EPSF', read(at .. '/x.eps'))
    assert.is_truthy(read(at .. '/x.tikz'):find('\\begin{tikzpicture}', 1, true))
    local tex = read(at .. '/x.tex')
    assert.is_truthy(tex:find('{x-inc}', 1, true))
    assert.is_truthy(tex:find('$\\sigma_8$', 1, true))
    assert.is_nil(tex:find('tmp', 1, true))
    assert.matches('^%%PDF', read(at .. '/x-inc.pdf'))
    assert.equal(pdf, read(at .. '/x.pdf')) -- which is another picture
  end)

  it('into a folder, which plain gnuplot draws again elsewhere', function()
    local at = folder()
    for _, kind in ipairs { 'pdf', 'png', 'tex' } do
      fig:save(at .. '/first/', { as = kind })
      os.execute(('mv %s/first %s/second && rm %s/second/figure.%s'):format(at, at, at, kind))
      assert.equal(0, os.execute(('cd %s/second && LC_ALL=C.UTF-8 gnuplot figure.gp'):format(at)))
      assert.is_truthy(read(at .. '/second/figure.' .. kind))
      assert.is_nil(read(at .. '/second/figure.gp'):find(at, 1, true))
      assert.matches('^# row 1, column 1: 95 %% of the mass, %S+\n%S+ %S+\n',
        read(at .. '/second/data/1.txt'))
      os.execute(('rm -r %s/second'):format(at))
    end
  end)

  it('into a folder again, but never over other files', function()
    local at = folder()
    fig:save(at .. '/own/'):save(at .. '/own/')
    os.execute(('touch %s/own/thesis.txt'):format(at))
    assert.matches('plot: ' .. at .. '/own/ holds other files, like thesis.txt; give a folder of '
      .. 'its own$', message(function() fig:save(at .. '/own/') end))
    assert.is_truthy(read(at .. '/own/figure.pdf'))
    assert.matches('plot: cannot write /nowhere/x/: No such file or directory$',
      message(function() fig:save '/nowhere/x/' end))
    assert.matches('plot: cannot write /: it is the root of all files$',
      message(function() fig:save '/' end))
  end)
end)

describe('the terminal', function()
  local function best(env, answer, screen)
    local asked = 0
    local way = terminal.best { screen = screen ~= false, env = function(name) return env[name] end,
      ask = function()
        asked = asked + 1
        return answer or ''
      end }
    return way, asked
  end

  it('shows what it can, and is asked only where that helps', function()
    assert.same({ 'characters', 0 }, { best({ TERM = 'xterm-kitty' }, nil, false) })
    assert.same({ 'characters', 0 }, { best { TERM = 'dumb' } })
    assert.same({ 'characters', 0 }, { best {} })
    assert.same({ 'kitty', 0 }, { best { TERM = 'xterm-kitty' } })
    assert.same({ 'kitty', 0 }, { best { TERM = 'xterm', KITTY_WINDOW_ID = '3' } })
    assert.same({ 'kitty', 1 }, { best({ TERM = 'xterm' }, '\27_Gi=31;OK\27\\\27[?62;c') })
    assert.same({ 'sixel', 1 }, { best({ TERM = 'xterm' }, '\27[?62;4;22c') })
    assert.same({ 'characters', 1 }, { best({ TERM = 'xterm' }, '\27[?62;22;44c') })
    assert.same({ 'characters', 1 }, { best { TERM = 'xterm' } })
    local utf8 = { TERM = 'xterm-256color', LANG = 'de_DE.UTF-8' }
    assert.same({ 'blocks', 1 }, { best(utf8, '\27[?62;22c') })
    utf8.LC_ALL = 'C'
    assert.same({ 'characters', 1 }, { best(utf8, '\27[?62;22c') })
    local inside = { TERM = 'xterm-kitty', TMUX = '/x' }
    assert.same({ 'characters', 1 }, { best(inside, '\27_Gi=31;OK\27\\\27[?1;2c') })
  end)

  it('that does not answer holds nothing up', function()
    local code = "io.stderr:write(#require('imnn.plot.terminal').ask(0.2) < 9 and 'silence' or '')"
    local program = ('LUA_PATH="%s" luajit -e "%s"'):format(package.path, code)
    local before = imnn.core.C.imnn_seconds()
    local pipe = io.popen(("script -qec %s /dev/null </dev/null 2>&1"):format(
      "'" .. program:gsub("'", "'\\''") .. "'"))
    local said = pipe:read '*a'
    pipe:close()
    assert.is_truthy(said:find('silence', 1, true), said)
    assert.is_true(imnn.core.C.imnn_seconds() - before < 15)
  end)

  it('gets pictures in letters', function()
    assert.equal('', terminal.base64 '')
    assert.equal('aW1ubg==', terminal.base64 'imnn')
    assert.equal('aW1ubiE=', terminal.base64 'imnn!')
    assert.equal('AP+AfwA/', terminal.base64 '\0\255\128\127\0\63')
    local pieces = terminal.kitty(('x'):rep(6000))
    assert.matches('^\27_Gf=100,a=T,m=1;[%w+/]+\27\\\27_Gm=0;[%w+/]+\27\\\n$', pieces)
  end)

  it('gets sixels that are the picture', function()
    local page = { width = 5, height = 4, look = fig.look }
    local bytes = gnuplot.png(tostring(fig), page, 200)
    local sixels = terminal.sixel(bytes)
    local width, height = sixels:match '^\27Pq"1;1;(%d+);(%d+)#'
    assert.same({ '200', '160' }, { width, height })
    assert.equal(math.ceil(160 / 6), count(sixels, '%-'))
    -- every band paints every column of each of its rows once
    local body = sixels:match '#%d+[^;].*\27\\':gsub('^.-#(%d+)([?-~!])', '#%1%2')
    for band in body:gmatch '([^-]*)%-' do
      local painted = 0
      for run in band:gmatch '#%d+([^$]*)%$' do
        run = run:gsub('!(%d+)(.)', function(n, letter) return letter:rep(tonumber(n)) end)
        assert.equal(200, #run)
        for k = 1, #run do
          local bits = run:byte(k) - 63
          while bits > 0 do
            painted, bits = painted + bits % 2, math.floor(bits / 2)
          end
        end
      end
      assert.is_true(painted == 200 * 6 or painted == 200 * (160 % 6))
    end
    assert.matches('plot.show: gnuplot gives no picture that can be shown$',
      message(function() terminal.sixel 'no picture' end))
  end)

  -- A letter is a posterior, in the legend and in all cells.
  it('without colours gets the same letters for the same lines', function()
    local x, path = columns({ 0, 0 }, { 1, 1 }, 500), folder() .. '/x.txt'
    plot.corner { x, x * 0.4 + 1, label = { 'wide', 'narrow' } }:save(path)
    local drawn = read(path)
    for _, what in ipairs { '****wide', '####narrow', ' around 68 %, 95 %' } do
      assert.is_truthy(drawn:find(what, 1, true), what)
    end
    assert.is_nil((drawn:gsub('%d+ %%', ''):gsub('θ%d = ', '')):find '[$@&=%%]')
    plot.corner { x, known = { 0, 0 } }:save(path) -- lines of the truth leave titles alone
    assert.equal(2, count(read(path), '68 %% equal%-tail'))
    plot.generations({ epsilon = { 3, 1 } }, { label = 'run' }):save(path)
    assert.is_truthy(read(path):find('run ****', 1, true))
  end)

  it('gets blocks in two colours, and text above them', function()
    local red, blue = "'#ff0000'", "'#0000ff'"
    local script = ('set multiplot\nset margins 0,0,0,0\nset border 0\nunset tics\n'
      .. 'set xrange [0:8]\nset yrange [0:4]\nset object 1 rectangle from 0,0 to 8,4 '
      .. 'fillcolor rgb %s fillstyle solid noborder\nset object 2 rectangle from 0,0 to 4,2 '
      .. 'fillcolor rgb %s fillstyle solid noborder\nplot NaN notitle\nunset multiplot\n')
      :format(red, blue)
    local page = { width = 2, height = 2, look = fig.look }
    local bytes = gnuplot.png(script, page, 8 * blocks.wide, 4 * blocks.high)
    local full = { ink = '#000000', ground = '#ffffff', full = true }
    local lines = blocks.compose(bytes, '\n     ab', { { '#00ff00', 'mine' } }, full)
    local row = {}
    for line in lines:gmatch '(.-)\n' do row[#row + 1] = line end
    assert.equal(5, #row)
    local function shows(line, what) assert.is_truthy(line:find(what, 1, true), line) end
    shows(row[2], '\27[48;2;255;0;0m    \27[48;2;255;0;0;38;2;0;0;0mab\27[48;2;255')
    shows(row[3], '\27[48;2;0;0;255m   \27[48;2;255;0;0m   ')
    shows(row[5], '\27[38;2;0;255;0m■\27[38;2;0;0;0m mine')
    full.full = false
    shows(blocks.compose(bytes, '', {}, full), '\27[48;5;21m   \27[48;5;196m   ')
  end)

  it('gets the legend and the text of every figure', function()
    local out, written = io.output(), os.tmpname()
    finally(function()
      io.output(out)
      os.remove(written)
    end)
    io.output(written)
    fig:show { as = 'blocks', columns = 60 }
    io.output():close()
    local said = read(written)
    for _, what in ipairs { 'first', '68 %', '0.80', 'Ωm', '▌' } do
      assert.is_truthy(said:find(what, 1, true), what)
    end
  end)

  it('of another kind may be asked for', function()
    assert.matches('plot.show: option "as" is "blocks" or "characters" or "kitty" or "sixel", '
      .. 'got "sixels"; '
      .. 'did you mean "sixel"%?$', message(function() fig:show { as = 'sixels' } end))
    assert.matches('plot.show: option "columns" must be between 20 and 1000, got 2$',
      message(function() fig:show { columns = 2 } end))
  end)
end)
