--- The maximum mean discrepancy of two samples.
-- @module imnn.diagnostics.mmd
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local read = require 'imnn.diagnostics.read'
local transform = require 'imnn.transform'
local M = {}

local who = 'mmd'

-- Squared distances of all pairs (n, n). Numbers are taken from their mean, else those far from 0
-- lose digits.
local squares = transform.jit(function(x)
  x = x - x:mean { axis = 1 }
  local norm = (x * x):sum { axis = 2 }
  local d = np.expand_dims(norm, 2) + norm - 2 * np.matmul(x, x.T)
  return np.where(np.eye(#x, nil, { dtype = 'bool' }), 0, np.maximum(d, 0))
end)

-- Sums of the kernel over pairs of one set (each point with itself too), of the other, and of both,
-- where columns of z (N, B) say what is in the second set.
local sums = transform.jit(function(kernel, z)
  local k = np.matmul(kernel, z)
  local all = kernel:sum()
  local yy = (z * k):sum { axis = 1 }
  local xy = k:sum { axis = 1 } - yy
  return all - 2 * xy - yy, yy, xy
end)

local kernel_of = transform.jit(function(d, h2) return np.exp(-d / (2 * h2)) end)

-- As many points as are allowed, drawn where there are more.
local function few(x, most, key)
  if #x <= most then return x end
  return np.take(x, random.permutation(key, #x)[{ { 1, most } }], 1)
end

-- Half the median of squared distances of pairs.
local function bandwidth(d, n)
  local i = np.arange(n)
  local pairs_of = d[{ { 1, n }, { 1, n } }][np.lt(np.expand_dims(i, 2), i)]
  local h2 = np.median(pairs_of):item() / 2
  if h2 == 0 then
    core.raise('%s: more than half of the pairs of x are equal points, so there is no bandwidth',
      who)
  end
  return h2
end

local function say(r)
  return ('mmd: %d and %d points of %d coordinates: %s\n  MMD^2 %.4g (unbiased %s), %s of %d '
    .. 'random divisions'):format(r.n, r.m, r.n_dims, r.p < r.level
    and 'they are from different distributions' or 'they may be from one distribution', r.mmd2,
    r.mmd2_unbiased and ('%.4g'):format(r.mmd2_unbiased) or 'none of one point', read.p(r.p),
    r.n_null)
end

--- The maximum mean discrepancy of two samples, such as simulations and a set of observations,
-- with the kernel exp(-|a - b|^2 / (2 h2)). Is it larger than those of random divisions of all
-- points into sets of these sizes?
--
-- The result prints what it means. Coordinates should be of equal scale.
-- @tparam Array|SampleSet x (n, D) or (n), which choose the width of the kernel; sets with weights
-- are resampled
-- @tparam Array|SampleSet y (m, D) or (m)
-- @tparam[opt] table opts `key` (PRNGKey(0)), which divides and draws; `h2` (half the median of
-- |a - b|^2 of pairs of x); `n_null` (200) divisions; `max_points` (2000): of larger sets as many
-- are drawn; `level` (0.05) of the verdict; `max_rejected` (0.05), the share of points of either
-- that may be left out since they hold NaN
-- @treturn table mmd2: mean k(x, x') + mean k(y, y') - 2 mean k(x, y), with each point paired with
-- itself too; mmd2_unbiased: without, which may be below 0, nil of one point; h2; null (n_null):
-- mmd2 of divisions; p: (1 + how many of these are as large) / (n_null + 1); n, m, n_dims, rejected
-- @raise samples of different dimension, fewer than two points of x, most of which are equal
-- @source Gretton et al. 2012, J. Mach. Learn. Res. 13, 723
-- @usage local x = random.normal(random.PRNGKey(1), { 200, 2 })
-- diagnostics.mmd(x, x[{ { 1, 50 } }] + 1).p < 0.01 --> true
function M.mmd(x, y, opts)
  local o = read.options(who, opts, {
    h2 = { 'number', optional = true }, n_null = { 'integer', default = 200 },
    max_points = { 'integer', default = 2000 },
  })
  for name, range in pairs { n_null = { 1, 2000 }, max_points = { 2, 5000 } } do
    if o[name] < range[1] or o[name] > range[2] then
      core.raise('%s: %s is from %d to %d, got %.14g', who, name, range[1], range[2], o[name])
    end
  end
  if o.h2 and o.h2 <= 0 then core.raise('%s: h2 must be above 0, got %g', who, o.h2) end
  local keys = random.split(o.key, 5)
  local rejected, sets = 0, {}
  for i, given in ipairs { { 'x', x }, { 'y', y } } do
    local z = read.matrix(who, given[1], read.equal(given[2], keys[i]), '(points, D)')
    local kept, out = read.whole(who, np.isfinite(z):all { axis = 2 }, o.max_rejected, { z },
      'points of ' .. given[1])
    sets[i], rejected = few(kept[1], o.max_points, keys[2 + i]), rejected + out
  end
  local a, b = sets[1], sets[2]
  local n, m = #a, #b
  if a.shape[2] ~= b.shape[2] then
    core.raise('%s: x has %d coordinates, y has %d', who, a.shape[2], b.shape[2])
  elseif n < 2 then
    core.raise('%s: x needs two points, got %d', who, n)
  end
  local d = squares(np.concatenate { a, b })
  local h2 = o.h2 or bandwidth(d, n)
  local kernel = kernel_of(d, np.array(h2, 'f64'))
  -- Which points are in the second set: column 1 as they are, then random divisions of all of them.
  -- Subsets of x alone, set against x, would be nearer to it than new points are.
  local at = np.ge(np.expand_dims(np.arange(n + m), 2), n):astype 'f64'
  local order = transform.vmap(function(k) return random.permutation(k, n + m) end)(
    random.split(keys[5], o.n_null))
  local z = np.concatenate({ at, np.gt(order, n):astype('f64').T }, 2)
  local xx, yy, xy = sums(kernel, z)
  local mmd2 = xx / n ^ 2 + yy / m ^ 2 - 2 * xy / (n * m)
  local out = { n = n, m = m, n_dims = a.shape[2], rejected = rejected, level = o.level, h2 = h2,
    n_null = o.n_null, mmd2 = mmd2[1]:item(), null = mmd2[{ { 2, -1 } }] }
  if m > 1 then
    out.mmd2_unbiased = (xx[1]:item() - n) / (n * (n - 1)) + (yy[1]:item() - m) / (m * (m - 1))
      - 2 * xy[1]:item() / (n * m)
  end
  -- rounding does not make equal ones smaller
  local large = np.ge(out.null, out.mmd2 - 1e-12):astype('i32'):sum():item()
  out.p = (1 + large) / (o.n_null + 1)
  return read.answer(out, say)
end

return M
