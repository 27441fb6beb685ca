--- What ten numbers tell about the mean and the variance of the Gaussian they come from, given only
-- that their own mean and variance come within epsilon: the posterior that ABC is about, by
-- quadrature.
-- @module tests.support.mean_and_variance
local imnn = require 'imnn'
local np, random, lfi = imnn.np, imnn.random, imnn.lfi
local norm, chi2 = imnn.scipy.stats.norm, imnn.scipy.stats.chi2
local M = {}

local N, LOW, HIGH = 10, { -10, 0 }, { 10, 10 }

local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { N })
end

local function compressor(d) return np.stack { d:mean(), d:var() } end

-- Three data: within the prior, near its edge, and between; those of examples/11.
local function data()
  local truth = np.array { { -1, 5 }, { 8, 0.5 }, { 2, 3 } }:reshape { 3, 2, 1 }
  local noise = random.normal(random.split(random.PRNGKey(2), 3)[3], { 3, N })
  return truth[{ {}, 1 }] + np.sqrt(truth[{ {}, 2 }]) * noise
end

--- Options of a sampler for three targets, with the Fisher information at each, so that a distance
-- of 1 is one standard deviation; and their summaries (3, 2).
function M.problem()
  local d = data()
  local s = imnn.vmap(compressor)(d)
  local F = imnn.vmap(function(one)
    return np.diag(np.stack { N / one[2], N / (2 * one[2] ^ 2) })
  end)(s)
  return { target_data = d, prior = lfi.uniform(LOW, HIGH), simulator = simulator,
    compressor = compressor, F = F }, s
end

-- Middles of n cells.
local function cells(low, high, n)
  local h = (high - low) / n
  return { low = low, h = h, n = n, x = (np.arange(n):astype 'f64' + 0.5) * h + low }
end

--- The marginals of a target: for the mean and the variance a function of a number, its cumulative
-- distribution. Summaries (m, v) are normal and chi-square distributed; what comes within epsilon
-- is an ellipse, cut into slices of the same v by the midpoint rule in the angle.
-- @tparam Array s (2) summaries of the target
-- @tparam number epsilon
-- @tparam[opt=300] number n cells
-- @tparam[opt=24] number slices
-- @treturn table two functions
function M.marginals(s, epsilon, n, slices)
  n, slices = n or 300, slices or 24
  local m, v = s[1]:item(), s[2]:item()
  local mean = cells(math.max(LOW[1], m - 6), math.min(HIGH[1], m + 6), n)
  local var = cells(LOW[2], HIGH[2], n)
  local column, sd = mean.x:reshape { n, 1 }, np.sqrt(var.x / N)
  local density = np.zeros({ n, n }, 'f64')
  for k = 1, slices do
    local angle = (k - 0.5) * math.pi / slices
    local half = epsilon * math.sqrt(v / N) * math.sin(angle)
    local chance = chi2.pdf(N * v * (1 + epsilon * math.sqrt(2 / N) * math.cos(angle)) / var.x,
      N - 1) / var.x * math.sin(angle)
    density = density + chance * (norm.cdf((m + half - column) / sd)
      - norm.cdf((m - half - column) / sd))
  end
  local out = {}
  for p, c in ipairs { mean, var } do
    local sums = np.cumsum(density:sum { axis = 3 - p }):totable()
    out[p] = function(x)
      local at = (x - c.low) / c.h
      if at <= 0 then return 0 elseif at >= n then return 1 end
      local k = math.floor(at)
      local below = sums[k] or 0
      return (below + (at - k) * (sums[k + 1] - below)) / sums[n]
    end
  end
  return out
end

--- The largest difference between a cumulative distribution and that of weighted samples.
-- @tparam Array x (n)
-- @tparam Array w (n) weights that add up to 1
-- @tparam function cdf
-- @treturn number
function M.kolmogorov(x, w, cdf)
  local order = np.argsort(x)
  local sum, most = 0, 0
  w = np.take(w, order, 1):totable()
  for i, at in ipairs(np.take(x, order, 1):totable()) do
    local p = cdf(at)
    most = math.max(most, p - sum, sum + w[i] - p)
    sum = sum + w[i]
  end
  return most
end

--- Those of populations of 5000 particles at epsilon = 1. It falls in large steps: the tails of the
-- second target's variance are long, and each generation has fewer ancestors in them.
-- @tparam number seed
-- @treturn table by target { mean, variance }
-- @treturn table the same as if weights were equal
function M.distances(seed)
  local problem, s = M.problem()
  local pmc = lfi.PopulationMonteCarlo(problem)
  pmc { rng = random.PRNGKey(seed), n_points = 5000, epsilon = { 8, 4, 1 },
    acceptance_ratio = 1e-4, progress = false }
  local weighted, equal = {}, {}
  for t = 1, 3 do
    local set, exact = pmc:samples(t), M.marginals(s[t], 1)
    weighted[t], equal[t] = {}, {}
    for p = 1, 2 do
      local x = set.parameters[{ {}, p }]
      weighted[t][p] = M.kolmogorov(x, set.weights, exact[p])
      equal[t][p] = M.kolmogorov(x, np.full({ set.n }, 1 / set.n, 'f64'), exact[p])
    end
  end
  return weighted, equal
end

return M
