--- Whether draws of distributions agree with what they say of themselves. How often a fixed seed
-- would fail though all is well: 1 in 10^4 for each test of draws.
-- @module tests.support.distributions
local assert = require 'luassert'
local stats = require 'tests.support.statistics'
local M = { N = 4000, SIGMA = 3.9 } -- of a normal number 1 in 10^4 lies further out

local FALSE_ALARM = 1e-4
local N, SIGMA = M.N, M.SIGMA

function M.holds(p) assert.is_true(p > FALSE_ALARM, p) end

--- Draws (N) have the mean and the variance of a distribution of numbers.
function M.moments_agree(x, mean, var)
  x = x:astype 'f64'
  local n, d = x.size, x - mean
  assert.is_true(math.abs(d:mean():item()) < SIGMA * math.sqrt(var / n))
  local squares = d * d
  local spread = math.sqrt((squares * squares):mean():item() - squares:mean():item() ^ 2)
  assert.is_true(math.abs(squares:mean():item() - var) < (SIGMA + 1) * spread / math.sqrt(n))
end

--- Draws (N, n) have the covariance of a distribution of vectors.
function M.has_covariance(x, d)
  x = x:astype 'f64'
  local away, C = x - x:mean { axis = 1 }, d:cov()
  assert.same({ d.n_params, d.n_params }, C.shape)
  for i = 1, d.n_params do
    for j = 1, i do
      local product = away[{ {}, i }] * away[{ {}, j }]
      local error = math.abs(product:mean():item() - C[{ i, j }]:item())
      assert.is_true(error <= (SIGMA + 1) * product:std():item() / math.sqrt(N) + 1e-6)
    end
  end
end

local function uniform(p) return p end

--- Draws of numbers have the cdf, the mean and the variance.
function M.agrees_with_its_draws(d, key)
  local x = d:sample(key, N)
  assert.same({ N }, x.shape)
  M.holds(stats.kolmogorov(d:cdf(x):values(), uniform))
  M.moments_agree(x, d:mean():item(), d:var():item())
end

return M
