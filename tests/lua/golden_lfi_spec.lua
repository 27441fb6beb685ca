--- Gaussian approximations and acceptance against independent numbers; tests/golden/lfi says where
-- they come from and how well they should agree.
local imnn = require 'imnn'
local rules = require 'tests.support.levels'
local np, lfi = imnn.np, imnn.lfi

local function open(name) return imnn.data.hdf5.open('tests/golden/lfi/' .. name .. '.h5') end

-- Largest difference over the largest expected element.
local function off(expected, got)
  assert.same(expected.shape, got.shape)
  return (np.abs(expected:astype 'f64' - got:astype 'f64'):max() / np.abs(expected):max()):item()
end

local function each_marginal(P, fn)
  for row = 1, P do
    for column = 1, row do fn(row, column, ('marginal_%d_%d'):format(row - 1, column - 1)) end
  end
end

local function approximation(group, prior, with_prior)
  return lfi.GaussianApproximation {
    parameter_estimates = group.input.parameter_estimates, invF = group.input.invF, prior = prior,
    gridsize = group.input.gridsize:totable(), with_prior = with_prior, quiet = true,
  }
end

local function level_of(expected, t, i, got, peak, tolerance)
  assert.near(expected[t][i]:item() / peak, got / peak, tolerance)
end

local masses = { 0.68, 0.95 }

describe('GaussianApproximation agrees with golden', function()
  local file = open 'gaussian_approximation'
  for _, name in ipairs { 'mean_variance', 'one_parameter', 'correlated_2', 'correlated_3',
    'narrow' } do
    local group = file[name]
    local P = group.input.low.size
    local box = lfi.uniform(group.input.low, group.input.high)

    it(name .. ': normal densities', function()
      local g = approximation(group, box, false)
      each_marginal(P, function(row, column, marginal)
        assert.is_true(off(group.gaussian[marginal], g.marginals[row][column]) < 1e-9, marginal)
        for t = 1, g.n_targets do
          local f = g.marginals[row][column][t]
          for i, p in ipairs(masses) do
            level_of(group.gaussian[marginal:gsub('marginal', 'level_nearest_cell')], t, i,
              rules.nearest_cell(f, p), f:max():item(), 1e-9)
          end
        end
      end)
      for p = 1, P do
        assert.is_true(off(group.input['range_' .. p - 1], np.array(g.ranges[p], 'f64')) < 1e-12)
      end
      assert.is_true(off(group.input.F, np.linalg.inv(g.invF)) < 1e-9)
    end)

    -- On a grid that has all of it.
    it(name .. ': levels of normal densities', function()
      local g = approximation(group, box, false)
      for t = 1, g.n_targets do
        local ranges = {}
        for p = 1, P do
          local m, sd = g.parameter_estimates[t][p]:item(), math.sqrt(g.invF[{ t, p, p }]:item())
          ranges[p] = np.linspace(m - 6 * sd, m + 6 * sd, 201, 'f64')
        end
        local all = g:get_marginals { ranges = ranges }
        each_marginal(P, function(row, column, marginal)
          local f = all[row][column][t]
          local peak, levels = f:max():item(), lfi.get_levels(f, masses)
          local expected = group.gaussian[marginal:gsub('marginal', 'level_exact')]
          for i, p in ipairs(masses) do
            level_of(expected, t, i, levels[3 - i], peak, row == column and 2e-4 or 3e-3)
            local z = imnn.scipy.special.ndtri(np.array((1 + p) / 2, 'f64')):item()
            local exact = row == column and math.exp(-z * z / 2) or 1 - p
            level_of(expected, t, i, exact * peak, peak, 1e-9)
          end
        end)
      end
    end)

    -- Mean and covariance of each posterior by its marginals, which are normal.
    it(name .. ': with a normal prior', function()
      local case, marginal = group.normal_prior, {}
      local g = approximation(group,
        imnn.distributions.multivariate_normal(case.mean, case.covariance))
      for t = 1, g.n_targets do
        local m, C = case.posterior_mean[t], case.posterior_covariance[t]
        assert.near(case.log_evidence[t]:item(), g.log_evidence[t]:item(), 1e-7)
        local bell = imnn.distributions.multivariate_normal(m, C)
        for p = 1, P do
          local sd = math.sqrt(C[{ p, p }]:item())
          marginal[p] = np.linspace(m[p]:item() - 5 * sd, m[p]:item() + 5 * sd, 15, 'f64')
        end
        local got = g:get_marginals { ranges = marginal }
        each_marginal(P, function(row, column)
          if row == column then
            local sd = math.sqrt(C[{ row, row }]:item())
            local z = (marginal[row] - m[row]) / sd
            local expected = np.exp(-0.5 * z * z) / (sd * math.sqrt(2 * math.pi))
            assert.is_true(off(expected, got[row][row][t]) < 1e-7)
          end
        end)
        local away = np.array({ 0.3, -0.7, 1.1 }, 'f64')[{ { 1, P } }]
        local theta = m + away * np.sqrt(np.diagonal(C))
        assert.near(bell:log_prob(theta):item(), g:log_prob(theta, t):item(), 1e-7)
      end
    end)

    if name ~= 'narrow' then -- which has no such numbers
      it(name .. ': cut by the box', function()
        local g = approximation(group, box)
        local volume = np.log(box:prob(group.input.low:astype 'f64')):item()
        local mass = np.exp(g.log_evidence - volume)
        assert.is_true(off(group.truncated.mass_in_box, mass) < 1e-7)
        each_marginal(P, function(row, column, marginal)
          assert.is_true(off(group.truncated[marginal], g.marginals[row][column]) < 1e-7, marginal)
        end)
      end)

      it(name .. ': levels in the box', function()
        local g = approximation(group, box)
        each_marginal(P, function(row, column, marginal)
          local expected = group.truncated[marginal:gsub('marginal', 'level_grid')]
          for t = 1, g.n_targets do
            if row == column then -- refined by us, not there
              local f = g.marginals[row][row][t]
              for i, p in ipairs(masses) do
                level_of(expected, t, i, rules.unrefined(f, p), f:max():item(), 1e-6)
              end
            else
              local levels = lfi.get_levels(g.marginals[row][column][t], masses)
              assert.near(expected[t][1]:item(), levels[2], 1e-6 * levels[2])
              assert.near(expected[t][2]:item(), levels[1], 1e-6 * levels[2])
            end
          end
        end)
      end)
    end
  end
end)

describe('ABC agrees with golden', function()
  local accept = open('abc').accept
  local input = accept.input
  local function abc_of(F)
    return lfi.ApproximateBayesianComputation {
      target_data = input.target_summaries, prior = lfi.uniform(input.low, input.high),
      compressor = function(d) return d end, F = F, gridsize = { 40, 30 },
    } { parameters = input.parameters, summaries = input.summaries }
  end

  it('in distances', function()
    for name, F in pairs { distance_F = input.F, distance_shared_F = input.shared_F,
      distance_euclidean = false } do
      assert.is_true(off(accept[name], abc_of(F or nil).distances.all) < 1e-12, name)
    end
  end)

  it('in what is accepted', function()
    for name, F in pairs { F_eps6 = input.F, F_per_target = input.F, F_none = input.F,
      euclidean_eps1p5 = false } do
      local r, case = abc_of(F or nil) { epsilon = accept[name].epsilon }, accept[name]
      local apart = np.abs(r.distances.all - np.expand_dims(case.epsilon, 2)):min():item()
      assert.near(accept:attribute(name, 'margin'), apart, 1e-9)
      assert.same(case.n_accepted:totable(), r.parameters.n_accepted)
      for t = 1, 3 do
        local mask = case.accepted[t]:astype 'bool'
        assert.same(input.parameters[mask]:totable(), r.parameters.accepted[t]:totable())
        assert.same(input.summaries[np.logical_not(mask)]:totable(),
          r.summaries.rejected[t]:totable())
        assert.equal(case.n_accepted[t]:item(), #r.distances.accepted[t])
      end
    end
  end)

  it('in marginals', function()
    local abc = abc_of(input.F)
    for _, smoothing in ipairs { 0, 1, 2.5 } do
      local r = abc { epsilon = 6, smoothing = smoothing }
      local case = accept['marginals_F_eps6_smoothing_' .. smoothing]
      for p = 1, 2 do -- grid points are the centres of bins
        local x, edges = np.array(abc.ranges[p], 'f64'), case['edges_' .. p - 1]
        assert.is_true(off((edges[{ { 2, #edges } }] + edges[{ { 1, #x } }]) / 2, x) < 1e-12)
      end
      each_marginal(2, function(row, column, marginal)
        local expected, got = case[marginal], r.marginals[row][column]
        for t = 1, 3 do
          if r.parameters.n_accepted[t] == 0 then
            assert.is_true(np.all(np.isnan(got[t])):item())
          else
            assert.is_true(off(expected[t], got[t]) < 1e-9, marginal)
          end
        end
      end)
    end
  end)
end)

describe('put_marginals agrees with golden', function()
  it('on a grid of three parameters', function()
    local group = open('gaussian_approximation').put_marginals
    local full = group.full
    local exact = lfi.LikelihoodFreeInference {
      prior = lfi.uniform(group.low, group.high), gridsize = { unpack(full.shape, 2) } }
    exact:put_marginals(full)
    each_marginal(3, function(row, column, marginal)
      assert.is_true(off(group[marginal], exact.marginals[row][column]) < 1e-9, marginal)
    end)
  end)
end)

describe('levels agree with golden', function()
  local group = open('abc').levels
  for name, of in pairs { level_1d_refined_100 = 'f_1d', level_2d = 'f_2d' } do
    it(name, function()
      for i, p in ipairs(group.p:totable()) do
        local level = lfi.get_levels(group[of], { p })[1]
        assert.near(group[name][i]:item(), level, 1e-6 * group[of]:max():item(), tostring(p))
        if of == 'f_1d' then -- of the density itself, which the grid knows no better
          assert.near(group.level_1d_exact[i]:item(), level, 2e-3 * group.f_1d:max():item())
        end
      end
    end)
  end
end)
