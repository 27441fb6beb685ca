-- Densities of samples: what they do at limits, with weights, and with samples that are not as one
-- would have them.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi

local key = random.PRNGKey(3)
local inf = math.huge

local function integral(d)
  local f = d.axes == 2 and np.trapezoid(d.f, d.y) or d.f
  return np.trapezoid(f, d.x):item()
end

local function of(n, fn, k) return fn(k or key, { n }, 'f64') end

describe('lfi.kde', function()
  it('is the density that the samples are of', function()
    local d = lfi.kde(of(20000, random.normal))
    assert.near(1, integral(d), 1e-12)
    local exact = np.exp(-d.x ^ 2 / 2) / math.sqrt(2 * math.pi)
    assert.is_true(np.abs(d.f - exact):max():item() < 0.02) -- 5 standard errors
    assert.same({ 'linear', 20000, 0, 1, 1024 }, { d.method, d.n, d.dropped, d.inside, #d.x })
    assert.is_nil(d.note)
  end)

  it('reaches a limit without bias, where others do not', function()
    local z = of(20000, random.exponential)
    local function at_zero(method, corrections)
      local d = lfi.kde(z, { low = 0, method = method, corrections = corrections })
      assert.same({ { true, false } }, d.hard)
      return d.f[1]:item()
    end
    assert.near(1, at_zero 'linear', 0.05)
    assert.near(1, at_zero('linear', 1), 0.05)
    assert.is_true(at_zero 'reflection' < 0.96)
    assert.is_true(at_zero 'plain' < 0.6)
  end)

  -- Peaks along a line are correlated, though none of them is: a kernel with that correlation would
  -- be half as wide across as it should be, and the density as rough as that.
  it('of a pair with several peaks has the kernel of a peak', function()
    local z = random.normal(key, { 8000, 2 }, 'f64')
    local side = np.expand_dims(np.where(np.lt(np.arange(8000), 4000), -1, 1), 2)
    local x = z * 0.3 + side
    local ours, global = lfi.kde(x), lfi.kde(x, { correlation = np.corrcoef(x.T)[1][2]:item() })
    assert.is_true(math.abs(ours.correlation) < 0.5 and global.correlation > 0.85)
    local function off(d)
      local function peak(at)
        return np.expand_dims(np.exp(-((d.x - at) / 0.3) ^ 2 / 2), 2)
          * np.exp(-((d.y - at) / 0.3) ^ 2 / 2)
      end
      return ((d.f - (peak(-1) + peak(1)) / (4 * math.pi * 0.09)) ^ 2):mean():item()
    end
    assert.is_true(off(ours) < 0.7 * off(global))
    -- One peak, and peaks that are ridges along the line, keep the correlation.
    local line = np.stack({ z.T[1], 0.9 * z.T[1] + math.sqrt(0.19) * z.T[2] }, 2)
    assert.near(np.corrcoef(line.T)[1][2]:item(), lfi.kde(line).correlation, 1e-6)
    local along = x[{ {}, 1 }]
    assert.is_true(lfi.kde(np.stack({ along, along + 0.05 * z.T[2] }, 2)).correlation > 0.95)
  end)

  it('takes weights as what they say', function()
    local z = 10 * random.uniform(key, { 20000 }, 'f64') - 5
    local d = lfi.kde(z, { weights = np.exp(-z ^ 2 / 2) })
    local exact = np.exp(-d.x ^ 2 / 2) / math.sqrt(2 * math.pi)
    assert.is_true(np.abs(d.f - exact):max():item() < 0.04)
    assert.near(20000 * 2 * math.pi / 10 / math.sqrt(math.pi), d.n_eff, 300)
  end)

  it('says so where squares of numbers are none', function()
    local z = random.normal(key, { 50, 2 }, 'f64')
    for _, power in ipairs { -200, -320, 200 } do
      assert.matches(power < 0 and 'are too close together; give them in other units$'
        or 'are too far apart; give them in other units$',
        message(function() return lfi.kde(z * 10 ^ power) end))
    end
    assert.near(1, integral(lfi.kde(z * 1e-140)), 1e-9)
    assert.near(1, integral(lfi.kde(z * 1e140)), 1e-9)
  end)

  it('widens kernels whose squares are 0', function()
    local d = lfi.kde(random.normal(key, { 50, 2 }), { bandwidth = 1e-300 })
    assert.matches('it was widened to that$', d.note)
    assert.near(1, integral(d), 1e-9)
  end)

  it('takes the nodes of a grid for one, not for peaks', function()
    local x = np.linspace(-4, 4, 41, 'f64')
    local fine = np.linspace(-3, 3, 200, 'f64')
    local function off(samples, weights)
      local f = np.exp(-fine ^ 2 / 2) / math.sqrt(2 * math.pi)
      return np.max(np.abs(lfi.kde_at(fine, samples, { weights = weights }) - f)):item()
    end
    local bell = np.exp(-x ^ 2 / 2)
    assert.is_true(off(x, bell) < 0.01)
    local A, B = np.meshgrid(x, x)
    assert.is_true(off(A:ravel(), np.exp(-(A ^ 2 + B ^ 2) / 2):ravel()) < 0.01)
    assert.is_true(off(np.round(5 * of(5000, random.normal)) / 5) < 0.03)
    local pair = lfi.kde(np.stack({ A:ravel(), B:ravel() }, { axis = 2 }),
      { weights = np.exp(-(A ^ 2 + B ^ 2 - 1.8 * A * B) / 0.38):ravel() })
    assert.equal(0, pair.correlation)
    -- where they are no grid each is a peak, as before
    assert.is_true(lfi.bandwidth(np.tile(np.array { 0, 1, 2.5, 3.1, 4.2, 5.9, 7, 7.6, 9.05 }, 50))
      < 0.3)
    assert.is_true(lfi.bandwidth(np.tile(np.arange(9), 50)) >= 0.65)
  end)

  it('sees two peaks', function()
    local z = np.concatenate({ of(5000, random.normal), 8 + 0.3 * of(5000, random.normal) }, 1)
    local d = lfi.kde(z)
    local pieces = d:pieces(0.68)
    assert.equal(2, #pieces)
    assert.is_true(pieces[1][2] < 3 and pieces[2][1] > 7)
    local quoted = d:interval { kind = 'limit' }
    assert.same({ 'hpd', pieces }, { quoted.kind, quoted.pieces })
  end)

  it('has less bias with a correction', function()
    local z = of(50000, random.normal)
    local function off(opts)
      local d = lfi.kde(z, opts)
      assert.near(1, integral(d), 1e-12)
      local exact = np.exp(-d.x ^ 2 / 2) / math.sqrt(2 * math.pi)
      return np.abs(d.f - exact):max():item()
    end
    assert.is_true(off { bandwidth = 0.5, corrections = 1 } < off { bandwidth = 0.5 } / 3)
  end)

  it('takes columns, lists and f32', function()
    local x = random.normal(key, { 500, 3 })
    local third = lfi.kde(x[{ {}, 3 }]:totable())
    assert.same(third.f:totable(), lfi.kde(x, { columns = 3 }).f:totable())
    local a = lfi.kde(x, { columns = { 3, 1 }, low = { -9, 0, -8 }, high = 9 })
    assert.same({ 2, 256, 256 }, { a.axes, #a.x, #a.y })
    assert.near(1, integral(a), 1e-12)
    local b = lfi.kde(x, { columns = { 1, 3 } })
    assert.is_true(np.abs(a.f - np.transpose(b.f)):max():item() < 1e-9)
  end)

  it('follows a range', function()
    local z = of(4000, random.normal)
    local d = lfi.kde(z, { range = { 0, 1 } })
    assert.same({ 0, 1 }, { d.x[1]:item(), d.x[-1]:item() })
    assert.near(0.3413, d.inside, 0.04)
    assert.near(d.inside, integral(d), 1e-9)
    local whole = lfi.kde(z)
    local k = math.floor((0.5 - whole.x[1]:item()) / (whole.x[2] - whole.x[1]):item()) + 1
    assert.near(whole.f[k]:item(), d.f[512]:item(), 0.02)
    assert.equal('the region of mass 0.95 reaches an end of the grid that is no limit',
      select(2, d:level(0.95)))
    assert.is_nil(select(2, whole:level(0.95)))
  end)

  it('gives bins where the kernel is too narrow for the grid', function()
    local z = np.concatenate({ of(500, random.normal), 1e5 + of(500, random.normal) }, 1)
    local d = lfi.kde(z, { bandwidth = 0.3 })
    assert.equal('histogram', d.method)
    assert.truthy(d.note:find 'narrower than 4096 nodes')
    assert.near(1, integral(d), 1e-12)
  end)

  it('gives bins when asked to', function()
    local z = of(10000, random.exponential)
    local d = lfi.kde(z, { method = 'histogram', low = 0, gridsize = 41, range = { 0, 4 } })
    local exact = np.exp(-d.x)
    assert.is_true(np.abs(d.f - exact)[{ { 1, 40 } }]:max():item() < 0.12)
    assert.near(d.inside, integral(d), 1e-12)
    local smooth = lfi.kde(z, { method = 'histogram', low = 0, gridsize = 41, range = { 0, 4 },
      smoothing = 1 })
    assert.is_true(np.diff(np.diff(smooth.f)):std():item() < np.diff(np.diff(d.f)):std():item() / 2)
    local pair = lfi.kde(random.normal(key, { 5000, 2 }), { method = 'histogram' })
    assert.near(1, integral(pair), 1e-12)
    assert.is_nil(select(2, pair:level(0.95)))
  end)

  it('says what is wrong with samples', function()
    for sentence, fn in pairs {
      ['kde: all samples are 2: there is no width to take a bandwidth from; give one'] =
        function() lfi.kde { 2, 2, 2 } end,
      ['kde: there are no samples whose weight is above 0'] =
        function() lfi.kde({ 1, 2 }, { weights = { 0, 0 } }) end,
      ['kde: there are 1 weights for 2 samples'] =
        function() lfi.kde({ 1, 2 }, { weights = { 1 } }) end,
      ['kde: weights must be finite and not negative, sample 2 has nan'] =
        function() lfi.kde({ 1, 2 }, { weights = { 0, 0 / 0 } }) end,
      ['kde: 1 of 3 samples are outside the limits [0, 2], the first is sample 3 with 3; limits '
        .. 'are those of the parameter, not of a plot'] =
        function() lfi.kde({ 1, 2, 3 }, { low = 0, high = 2 }) end,
      ['kde: the lower limit must be below the upper one, got 1 and 0'] =
        function() lfi.kde({ 1, 2 }, { low = 1, high = 0 }) end,
      ['kde: the samples have 3 columns; say which with columns'] =
        function() lfi.kde(np.zeros { 4, 3 }) end,
      ['kde: columns are numbers from 1 to 3, got 4'] =
        function() lfi.kde(np.zeros { 4, 3 }, { columns = 4 }) end,
      ['kde: column 1 and 2: all samples of y are 0: there is no width to take a bandwidth from; '
        .. 'give one'] =
        function() lfi.kde { { 1, 0 }, { 2, 0 } } end,
      ['kde: method is "histogram" or "linear" or "local" or "normalised" or "plain" or '
        .. '"reflection", got "linaer"; did you mean "linear"?'] =
        function() lfi.kde({ 1, 2 }, { method = 'linaer' }) end,
      ['kde: bandwidth must be positive, got -1'] =
        function() lfi.kde({ 1, 2 }, { bandwidth = -1 }) end,
      ['kde: the bandwidth 9 is too wide for the range [0, 2], at most 2'] =
        function() lfi.kde({ 1, 2 }, { bandwidth = 9, low = 0, high = 2 }) end,
      ['kde: the range [5, 6] of the grid is outside the limits [0, 2]'] =
        function() lfi.kde({ 1, 2 }, { low = 0, high = 2, range = { 5, 6 } }) end,
      ['kde_at: histograms need a grid'] =
        function() lfi.kde_at({ 1 }, { 1, 2 }, { method = 'histogram' }) end,
    } do
      assert.equal(sentence, (message(fn):gsub('^%S+:%d+: ', '')))
    end
  end)

  it('drops what is not finite, up to one in 20', function()
    local z = of(100, random.normal):totable()
    z[7], z[50] = 0 / 0, inf
    assert.equal(2, lfi.kde(z).dropped)
    for i = 1, 6 do z[i] = 0 / 0 end
    assert.truthy(message(function() lfi.kde(z) end)
      :find '8 of 100 samples are not finite; at most 5 %% may be')
  end)

  it('prints as what it is', function()
    local d = lfi.kde({ 1, 2, 3, 4 }, { bandwidth = 1 })
    assert.equal('density: linear; 1024 nodes from -3 to 8; 4 samples, effectively 4', tostring(d))
  end)

  it('is exact where the kernel is as wide as the limits', function()
    for _, method in ipairs { 'linear', 'reflection', 'normalised' } do
      local o = { low = 0, high = 1, bandwidth = 0.8, method = method }
      local d = lfi.kde({ 0.1, 0.2, 0.9 }, o)
      local f = lfi.kde_at(d.x, { 0.1, 0.2, 0.9 }, o)
      assert.is_true(np.abs(d.f - f / np.trapezoid(f, d.x)):max():item() < 1e-5, method)
    end
  end)

  it('keeps the samples on a limit, wherever that is', function()
    for k = 1, 40 do -- of some, (high - low) / step is above nodes - 1 by rounding
      local low, high = -k / 7, k / 11
      local z = { low, low + 0.3 * (high - low), high - 0.3 * (high - low), high }
      for _, pair in ipairs { false, true } do
        local samples = pair and np.stack({ z, z }, 2) or z
        local d = lfi.kde(samples, { low = low, high = high, method = 'normalised',
          bandwidth = pair and { k / 40, k / 40 } or k / 40, correlation = 0, gridsize = 101 })
        local f = d.f:ravel() -- the samples are symmetric, so the density is
        local off = np.abs(f - np.flip(f)):max():item() / f:max():item()
        assert.is_true(off < 1e-6, ('limits %g and %g: %g'):format(low, high, off))
      end
    end
  end)

  it('gives the same bytes on any number of threads', function()
    local x = random.normal(key, { 20000, 2 })
    local threads, found = imnn.threads(), {}
    for n = 1, 3 do
      imnn.set_threads(n)
      found[n] = lfi.kde(x, { low = -6, high = 6 }).f:totable()
    end
    imnn.set_threads(threads)
    assert.same(found[1], found[2])
    assert.same(found[1], found[3])
  end)
end)

describe('lfi.kde of pairs', function()
  local function pair(rho, n)
    local z = random.normal(key, { n or 20000, 2 }, 'f64')
    local x, y = z[{ {}, 1 }], z[{ {}, 2 }]
    return np.stack({ x, rho * x + math.sqrt(1 - rho ^ 2) * y }, 2)
  end

  it('is the density that the samples are of', function()
    for _, rho in ipairs { 0, 0.5, -0.9 } do
      local d = lfi.kde(pair(rho))
      local X, Y = np.meshgrid(d.x, d.y, { indexing = 'ij' })
      local r = 1 - rho ^ 2
      local exact = np.exp(-(X ^ 2 - 2 * rho * X * Y + Y ^ 2) / (2 * r))
        / (2 * math.pi * math.sqrt(r))
      assert.is_true(np.abs(d.f - exact):max():item() < 0.1 * exact:max():item())
      assert.near(1, integral(d), 1e-12)
      local levels, peak = d:levels { 0.864665, 0.393469 }, exact:max():item()
      assert.near(0.135335, levels[1] / peak, 0.03) -- exp(-r^2 / 2), r = 2
      assert.near(0.606531, levels[2] / peak, 0.06)
    end
  end)

  it('reaches corners', function()
    local z = random.exponential(key, { 40000, 2 }, 'f64')
    local function at_corner(method)
      return lfi.kde(z, { low = 0, method = method, range = { { 0, 6 }, { 0, 6 } } }).f[{ 1, 1 }]
        :item()
    end
    assert.near(1, at_corner 'linear', 0.12)
    assert.is_true(at_corner 'normalised' < 0.85)
    assert.is_true(at_corner 'plain' < 0.3)
  end)

  it('agrees with sums at points, also near corners', function()
    local z = pair(0.8, 300)
    z = z[np.all(np.logical_and(np.ge(z, -1), np.le(z, 1)), { axis = 2 })]
    for _, method in ipairs { 'linear', 'reflection', 'normalised', 'local', 'plain' } do
      local o = { low = -1, high = 1, bandwidth = { 0.2, 0.15 }, correlation = 0.7,
        method = method }
      local d = lfi.kde(z, o)
      local points, expected = {}, {}
      for _, i in ipairs { 1, 20, 128, 250, 256 } do
        for _, j in ipairs { 1, 5, 100, 256 } do
          points[#points + 1] = { d.x[i]:item(), d.y[j]:item() }
          expected[#expected + 1] = d.f[{ i, j }]:item()
        end
      end
      local sums = lfi.kde_at(points, z, o)
      local scale = expected[1] / sums[1]:item() -- the integral on the grid
      assert.near(1, scale, 0.05)
      assert.is_true(np.abs(np.array(expected, 'f64') - scale * sums):max():item()
        < 2e-3 * sums:max():item(), method)
    end
  end)

  it('stay whole where x and y are nearly proportional', function()
    for _, rho in ipairs { 0.999, 0.9999999, 1 } do
      local d = lfi.kde(pair(rho, 2000))
      assert.near(1, integral(d), 1e-12)
      assert.is_true(d.f:min():item() >= 0)
    end
  end)
end)

describe('lfi.densities', function()
  it('is the triangle of lfi.kde', function()
    local x = random.normal(key, { 1000, 3 })
    local w = random.uniform(key, { 1000 })
    local all = lfi.densities(x, { weights = w, low = { -10, -5, -inf } })
    assert.same({ 1, 2, 3 }, { #all[1], #all[2], #all[3] })
    local d = lfi.kde(x, { weights = w, columns = { 2, 3 }, low = { -10, -5, -inf } })
    assert.same(d.f:totable(), all[3][2].f:totable())
    assert.same(lfi.kde(x, { weights = w, columns = 3 }).f:totable(), all[3][3].f:totable())
  end)

  it('says which parameter has no density', function()
    assert.truthy(message(function() lfi.densities { { 1, 5 }, { 2, 5 } } end)
      :find('densities: column 2: all samples are 5: there is no width', 1, true))
  end)
end)

describe('intervals', function()
  local z = np.linspace(0, 10, 501, 'f64')

  it('are bounds at limits that are touched', function()
    local d = lfi.grid_density(np.exp(-z), { x = z, low = 0 })
    local bound = d:interval { mass = 0.95, kind = 'limit' }
    assert.same({ 'upper limit', 0 }, { bound.kind, bound.low })
    assert.near(2.9957, bound.high, 2e-3)
    bound = lfi.grid_density(np.exp(z - 10), { x = z, high = 10 }):interval { kind = 'limit' }
    assert.same({ 'lower limit', 10 }, { bound.kind, bound.high })
    bound = lfi.grid_density(np.ones(501), { x = z, low = 0, high = 10 })
      :interval { kind = 'limit' }
    assert.same({ 'none', 0, 10 }, { bound.kind, bound.low, bound.high })
    bound = lfi.grid_density(np.exp(-(z - 5) ^ 2), { x = z, low = 0 }):interval { kind = 'limit' }
    assert.equal('equal-tail', bound.kind)
    assert.near(5 - 0.99446 / math.sqrt(2), bound.low, 1e-3)
  end)

  it('warn where the mass beyond the grid is not known', function()
    local d = lfi.grid_density(np.exp(-z), { x = z })
    assert.truthy(d:interval { kind = 'hpd' }.note:find 'no limit')
    assert.is_nil(lfi.grid_density(np.exp(-z), { x = z, low = 0 }):interval { kind = 'hpd' }.note)
  end)

  it('refuse what they cannot do', function()
    local pair = lfi.kde(random.normal(key, { 100, 2 }))
    assert.truthy(message(function() pair:interval() end):find 'interval: a pair has none')
    assert.truthy(message(function() pair:level(1) end)
      :find 'level: the mass is a fraction between 0 and 1, got 1')
    assert.truthy(message(function() local _ = pair.quantle end):find 'did you mean "quantile"')
  end)
end)
