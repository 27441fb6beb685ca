-- Densities of samples, bandwidths, levels and intervals against independent numbers;
-- tests/golden/lfi says where they come from and how well they should agree.
local imnn = require 'imnn'
local rules = require 'tests.support.levels'
local np, lfi = imnn.np, imnn.lfi

local file = imnn.data.hdf5.open 'tests/golden/lfi/abc.h5'
local kde, levels = file.kde, file.levels

local function largest_off(expected, got)
  return (np.abs(expected - got):max() / np.abs(expected):max()):item()
end

local function options(group, more)
  more.weights = group.weights
  return more
end

local names = { plain = 'plain', reflection = 'reflection', f_N = 'normalised', f_L = 'local',
  combined = 'linear' }

describe('densities of samples agree with golden', function()
  for name, range in pairs { both_ends = { 0, 1 }, lower_end = { 0, math.huge },
    free = { -math.huge, math.huge } } do
    local one, case = kde.one_d, kde.one_d[name]
    assert.equal(kde:attribute('one_d/' .. name, 'low'), range[1])
    assert.equal(kde:attribute('one_d/' .. name, 'high'), range[2])

    it('at points of one parameter, ' .. name, function()
      for dataset, method in pairs(names) do
        local got = lfi.kde_at(one.points, one.samples, options(one, { method = method,
          bandwidth = kde:attribute('one_d/' .. name, 'bandwidth'), low = range[1],
          high = range[2] }))
        assert.is_true(largest_off(case[dataset], got) < 1e-9, dataset)
      end
    end)

    it('in integrals, ' .. name, function()
      for attribute, method in pairs { integral_plain = 'plain', integral_combined = 'linear' } do
        local ok, expected = pcall(kde.attribute, kde, 'one_d/' .. name, attribute)
        if ok then
          local o = options(one, { method = method, bandwidth = 0.12, low = range[1],
            high = range[2] })
          local d = lfi.kde(one.samples, o)
          local f = lfi.kde_at(d.x, one.samples, o)
          assert.near(expected, np.trapezoid(f, d.x):item(), 3e-6)
        end
      end
    end)
  end

  it('at points of a pair', function()
    local two = kde.two_d
    local H = two.kernel_covariance:totable()
    local h = { math.sqrt(H[1][1]), math.sqrt(H[2][2]) }
    for dataset, method in pairs(names) do
      if method ~= 'reflection' then -- not there
        local got = lfi.kde_at(two.points, two.samples, options(two, { method = method,
          bandwidth = h, correlation = H[1][2] / h[1] / h[2], low = 0, high = 1 }))
        assert.is_true(largest_off(two[dataset], got) < 1e-7, dataset)
      end
    end
  end)

  it('in bandwidths', function()
    local one = kde.one_d
    for _, rule in ipairs { 'reference', 'robust' } do
      assert.near(kde:attribute('one_d', 'bandwidth_' .. rule),
        lfi.bandwidth(one.samples, options(one, { rule = rule })), 1e-12)
    end
    assert.near(kde:attribute('one_d', 'n_eff_kish'),
      lfi.kde(one.samples, options(one, {})).n_eff, 1e-9)
    for _, name in ipairs { 'normal', 'bimodal', 'exponential_hard_low', 'uniform_hard_limits' } do
      local case, path = kde.isj[name], 'isj/' .. name
      local expected = kde:attribute(path, 'bandwidth')
      local got = lfi.bandwidth(case.samples, { range = { kde:attribute(path, 'low'),
        kde:attribute(path, 'high') } })
      if expected == expected then assert.near(expected, got, 1e-6 * expected)
      else assert.equal(lfi.bandwidth(case.samples, { rule = 'robust' }), got) end -- no root
    end
  end)
end)

describe('levels and intervals agree with golden', function()
  local line = lfi.grid_density(levels.f_1d, { x = levels.grid_1 })
  local pair = lfi.grid_density(levels.f_2d, { x = levels.grid_1, y = levels.grid_2 })

  it('in levels', function()
    local p = levels.p:totable()
    for name, d in pairs { level_1d_refined_100 = line, level_2d = pair } do
      local got = d:levels(p)
      for i, expected in ipairs(levels[name]:totable()) do
        assert.near(expected, got[i], 1e-6 * d.f:max():item())
        assert.equal(got[i], (d:level(p[i])))
      end
    end
  end)

  it('in densities, by rules that know only the nodes of the grid', function()
    for name, case in pairs { nearest_cell_1d = { rules.nearest_cell, line },
      nearest_cell_2d = { rules.nearest_cell, pair },
      level_1d_unrefined = { rules.unrefined, line } } do
      local expected = levels[name]:totable()
      for i, p in ipairs(levels.p:totable()) do
        assert.near(expected[i], case[1](case[2].f, p), 1e-9 * expected[1], name)
      end
    end
  end)

  it('in regions of highest density', function()
    local pieces, g = line:pieces(0.68), levels.grid_1
    local step = (g[2]:item() - g[1]:item()) / 100 -- there, ends are such parts of cells
    for i, expected in ipairs(levels.hpd68_pieces:totable()) do
      assert.near(expected[1], pieces[i][1], 1.001 * step)
      assert.near(expected[2], pieces[i][2], 1.001 * step)
    end
    assert.equal(2, #pieces)
  end)

  it('in equal tails', function()
    for _, mass in ipairs { 0.68, 0.95 } do
      local expected = levels['equal_tail_' .. mass * 100]:totable()
      local got = line:interval(mass)
      assert.near(expected[1], got.low, 1e-5)
      assert.near(expected[2], got.high, 1e-5)
    end
  end)
end)
