--- Weights of the members of an ensemble.
-- @module imnn.diagnostics.stacking
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local read = require 'imnn.diagnostics.read'
local transform = require 'imnn.transform'
local text = require('imnn.array.text').shape
local M = {}

local who = 'stacking'

-- Of weights a and densities q (N, K) up to a factor of each row: the derivatives (K) of
-- mean ln(q a), and minus the second ones.
local slopes = transform.jit(function(q, a)
  local share = q / np.expand_dims(np.matmul(q, a), 2)
  return share:mean { axis = 1 }, np.matmul(share.T, share) / #q
end)

local objective = transform.jit(function(q, most, a)
  return np.mean(np.log(np.matmul(q, a)) + most)
end)

-- How far mean ln(q a) is below its maximum at most, after division by the sum of a: it is concave.
local function gap_of(a, g) return a:sum():item() * g:max():item() - 1 end

local function size(x, y) return math.sqrt((x * x + y * y):sum():item()) end

-- The longest step, up to 1, by which x stays positive.
local function longest(x, dx)
  return math.min(1, 0.99 * np.min(np.where(np.lt(dx, 0), -x / dx, math.huge)):item())
end

-- The maximum of mean ln(q a) - sum a over a >= 0, whose sum is 1 there, by Newton's method for
-- gradient = -z, a z = mu -> 0: z are the multipliers of a >= 0 (Boyd & Vandenberghe 2004, section
-- 11.7, with its constants). The usual a_k <- mean_n of the share of k needs thousands of steps
-- where members are alike.
local function maximise(q, tol, budget)
  local K = q.shape[2]
  local a, z = np.full({ K }, 1 / K, 'f64'), np.ones({ K }, 'f64')
  local g, H = slopes(q, a)
  -- Half steps until the equations hold better; false: rounding does not let them.
  local function go(da, dz, mu, before)
    local step = math.min(longest(a, da), longest(z, dz))
    for _ = 1, 50 do
      local b, y = a + step * da, z + step * dz
      local slope, curve = slopes(q, b)
      if size(1 - slope - y, b * y - mu) <= (1 - 0.01 * step) * before then
        a, z, g, H = b, y, slope, curve
        return true
      end
      step = step / 2
    end
    return false
  end
  for n = 0, budget do
    if gap_of(a, g) <= tol then return a, z, n, true end
    local mu = 0.1 / K * (a * z):sum():item()
    local dual, centre = 1 - g - z, a * z - mu
    local da = np.linalg.solve(H + np.diag(z / a), -dual - centre / a)
    if n == budget or not go(da, -(centre + z * da) / a, mu, size(dual, centre)) then
      return a, z, n, false
    end
    core.poll()
  end
end

local function say(r)
  local list = {}
  for k, v in ipairs(r.weights:totable()) do list[k] = ('%.4g'):format(v) end
  local best = np.argmax(r.single):item()
  local words = ('stacking: %d members, %d pairs: mean log-density %.5g (equal weights %.5g, the '
    .. 'best member, %d, %.5g)\n  weights %s'):format(r.n_members, r.n, r.objective, r.equal, best,
    r.single[best]:item(), table.concat(list, ' '))
  if r.converged then return words end
  return ('%s\n  stopped after %d iterations, at most %.2g below the maximum'):format(words,
    r.iterations, r.gap)
end

--- Weights of the members of an ensemble by which their mixture gives held-out data the highest
-- density: the maximum of mean ln(sum of weight times density) over weights that add up to 1.
--
-- The result prints what it means. Members that others can replace get 0. The pairs must not be
-- those that the members were trained with. `distributions.mixture(r.weights, members)` is the
-- ensemble.
-- @tparam table|Array log_q (N, K): the logarithm of the density of K members at N held-out pairs,
-- such as ln q(theta | x); -inf where a member gives none
-- @tparam[opt] table opts `tol` (1e-12): how far the mean may be below its maximum;
-- `max_iterations` (200) of Newton's method, some 20 of which are enough
-- @treturn table weights (K); objective, the mean log-density of the mixture; gap, how far that is
-- below the maximum at most; converged, false where the iterations did not suffice; iterations;
-- equal, the mean log-density with equal weights; single (K), that of each member alone; n,
-- n_members
-- @raise NaN, infinite densities, pairs to which no member gives any
-- @source Yao et al. 2018, Bayesian Anal. 13, 917
-- @usage local q = np.array { { 0.2, 0.5 }, { 0.6, 0.1 }, { 0.3, 0.3 }, { 0.4, 0.7 } }
-- diagnostics.stacking(np.log(q)).weights --> { 0.508501, 0.491499 }
function M.stacking(log_q, opts)
  local o = args.take(who, opts, { tol = { 'number', default = 1e-12 },
    max_iterations = { 'integer', default = 200 } })
  if o.tol <= 0 then core.raise('%s: tol must be above 0, got %g', who, o.tol) end
  if o.max_iterations < 1 or o.max_iterations > 1e6 then
    core.raise('%s: max_iterations is from 1 to 10^6, got %.14g', who, o.max_iterations)
  end
  local x = read.numbers(who, 'log_q', log_q)
  if x.ndim ~= 2 or x.size == 0 then
    core.raise('%s: log_q must be (pairs, members), got shape %s', who, text(x.shape))
  end
  local function refuse(bad, sentence)
    local rows = bad:any { axis = 2 }
    if not np.any(rows):item() then return end
    local n = np.argmax(rows:astype 'i32'):item()
    core.raise('%s: ' .. sentence, who, n, np.argmax(bad[n]:astype 'i32'):item())
  end
  refuse(np.isnan(x), 'log_q of pair %d and member %d is NaN')
  refuse(np.eq(x, math.huge), 'the density of pair %d is infinite, of member %d')
  local most = x:max { axis = 2, keepdims = true }
  refuse(np.eq(most, -math.huge), 'pair %d has the density 0 of every member')
  local q = np.exp(x - most)
  most = most:reshape(-1)
  local a, z, iterations, converged = maximise(q, o.tol, o.max_iterations)
  a = a / a:sum()
  -- those that the limit holds are 0, if that is as good
  local sparse = np.where(np.lt(a, z), 0, a)
  sparse = sparse / sparse:sum()
  local gap = gap_of(sparse, (slopes(q, sparse)))
  if converged and gap <= o.tol then a = sparse
  else gap = gap_of(a, (slopes(q, a))) end
  local n, K = x.shape[1], x.shape[2]
  return read.answer({ n = n, n_members = K, weights = a, objective = objective(q, most, a):item(),
    gap = math.max(gap, 0), converged = converged, iterations = iterations,
    equal = objective(q, most, np.full({ K }, 1 / K, 'f64')):item(),
    single = x:mean { axis = 1 } }, say)
end

return M
