--- The two-sample test by a classifier: how often one that has seen some of both samples can tell
-- which of them a new point is from.
-- @module imnn.diagnostics.c2st
local args = require 'imnn.args'
local core = require 'imnn.core'
local initial = require 'imnn.stax.initial'
local lax = require 'imnn.lax'
local np = require 'imnn.numpy'
local optimizers = require 'imnn.optimizers'
local random = require 'imnn.random'
local samples_set = require 'imnn.samples.set'
local stax = require 'imnn.stax'
local transform = require 'imnn.transform'
local text = require('imnn.array.text').shape
local C = core.C
local M = {}

local who = 'c2st'
local FOLDS, BATCH, PATIENCE, LEAST_GAIN, DECAY, MOST_EPOCHS = 5, 200, 10, 1e-4, 1e-4, 10000

-- ---- classifiers: from points (n, D) and labels (n) to a function (n, D) -> logits (n) ----

local function network(D)
  local glorot = initial.glorot_uniform()
  local function dense(n) return stax.Dense(n, { W_init = glorot, b_init = initial.zeros }) end
  return stax.serial(dense(10 * D), stax.Relu, dense(10 * D), stax.Relu, dense(1))
end

local function squares_of_weights(params)
  local sum = 0
  for _, layer in ipairs(params) do
    if layer[1] then sum = sum + (layer[1] * layer[1]):sum() end
  end
  return sum
end

-- One epoch, compiled: whole batches of points in a new order; what is left over is left out.
local function epoch_of(apply, optimiser, n)
  local batch = math.min(BATCH, n)
  local batches = math.floor(n / batch)
  local function loss(params, x, y)
    local logit = transform.vmap(function(point) return apply(params, point) end)(x):reshape(-1)
    -- ln(1 + e^logit) - y logit is minus the logarithm of the probability of the label
    return np.mean(stax.softplus(logit) - y * logit) + DECAY / (2 * n) * squares_of_weights(params)
  end
  return transform.jit(function(key, state, step, x, y)
    local order = random.permutation(key, n)[{ { 1, batches * batch } }]
    x = np.take(x, order, 1):reshape(batches, batch, -1)
    y = np.take(y, order, 1):reshape(batches, batch)
    local last, losses = lax.scan(function(carry, part)
      local value, slope = transform.value_and_grad(loss)(optimiser.get_params(carry[1]), part[1],
        part[2])
      return { optimiser.update(carry[2], slope, carry[1]), carry[2] + 1 }, value
    end, { state, step }, { x, y })
    return last[1], last[2], losses:mean()
  end)
end

local function neural(key, D, n)
  local layers = network(D)
  local optimiser = optimizers.adam(1e-3)
  local epoch = epoch_of(layers.apply, optimiser, n)
  local logits = transform.jit(function(params, x)
    return transform.vmap(function(point) return layers.apply(params, point) end)(x):reshape(-1)
  end)
  return function(fold, x, y)
    local keys = random.split(random.fold_in(key, fold))
    local _, params = layers.init(keys[1], { D })
    local state, step = optimiser.init(params), np.array(0)
    local best, waited, k = math.huge, 0, keys[2]
    x, y = x:astype 'f32', y:astype 'f32'
    for _ = 1, MOST_EPOCHS do
      local two = random.split(k)
      local after, steps, loss = epoch(two[2], state, step, x, y)
      k, state, step = two[1], after, steps
      local value = loss:item()
      waited = value > best - LEAST_GAIN and waited + 1 or 0
      best = math.min(best, value)
      if waited >= PATIENCE then break end
      core.poll()
    end
    local trained = optimiser.get_params(state)
    return function(points) return logits(trained, points:astype 'f32') end
  end
end

-- Features 1, x_i, x_i x_j by Newton's method, ridge 1e-3 of the summed loss on all coefficients.
local function quadratic(_, D)
  local RIDGE, STEPS, CLOSE = 1e-3, 100, 1e-10
  local function features(x)
    local list = { np.ones_like(x[{ {}, 1 }]) }
    for i = 1, D do list[#list + 1] = x[{ {}, i }] end
    for i = 1, D do
      for j = i, D do list[#list + 1] = x[{ {}, i }] * x[{ {}, j }] end
    end
    return np.stack(list, -1)
  end
  local function loss(w, f, y)
    local logit = np.matmul(f, w)
    return np.sum(np.logaddexp(0, logit) - y * logit) + RIDGE / 2 * np.sum(w * w)
  end
  local function newton(w, f, y)
    local p = stax.sigmoid(np.matmul(f, w))
    local g = np.matmul(f.T, p - y) + RIDGE * w
    local H = np.matmul(f.T * (p * (1 - p)), f) + RIDGE * np.eye(#w, nil, { dtype = 'f64' })
    return np.linalg.solve(H, g), loss(w, f, y)
  end
  newton, loss, features = transform.jit(newton), transform.jit(loss), transform.jit(features)
  return function(_, x, y)
    local f = features(x)
    local w = np.zeros({ f.shape[2] }, 'f64')
    for _ = 1, STEPS do
      local step, before = newton(w, f, y)
      -- a whole step overshoots where points can be separated
      while loss(w - step, f, y) > before and np.max(np.abs(step)):item() > CLOSE do
        step = step / 2
      end
      w = w - step
      if np.max(np.abs(step)):item() < CLOSE then break end
      core.poll()
    end
    return function(points) return np.matmul(features(points), w) end
  end
end

local classifiers = { mlp = neural, quadratic = quadratic }

-- ---- the test ----

local function read(name, x, key, as_it_is)
  local weights
  if samples_set.is(x) or type(x) == 'table' and not np.is_array(x) and x.parameters then
    weights, x = x.log_weights and x.weights, x.parameters
  end
  x = np.as_array(x, who .. ': ' .. name):astype 'f64'
  if #x.shape == 1 then x = np.expand_dims(x, 2) end
  if #x.shape ~= 2 or x.size == 0 then
    core.raise('%s: %s must be samples (n, D), got shape %s', who, name, text(x.shape))
  end
  local at = tonumber(C.imnn_array_nonfinite(x.array))
  if at >= 0 then
    core.raise('%s: %s holds a number that is not finite, in sample %d', who, name,
      math.floor(at / x.shape[2]) + 1)
  end
  if weights then -- as many equal ones, by systematic resampling
    local n = #x
    local at_u = (random.uniform(key, {}, { dtype = 'f64' }) + np.arange(n):astype 'f64') / n
    local sum = np.cumsum(weights)
    local i = np.searchsorted(sum / sum[-1], at_u, { side = 'right' })
    x = np.take(x, np.minimum(i, n), 1)
  end
  return as_it_is and x or random.permutation(key, x)
end

-- The number of the fold of each of 2 n points, 1 to 5.
local function read_folds(folds, key, n)
  if folds == nil then return random.permutation(key, np.arange(2 * n) % FOLDS + 1) end
  folds = np.array(folds)
  if #folds.shape ~= 1 or #folds ~= 2 * n or np.min(folds):item() < 1
    or np.max(folds):item() > FOLDS then
    core.raise('%s: folds must be %d numbers from 1 to %d, got shape %s', who, 2 * n, FOLDS,
      text(folds.shape))
  end
  return folds
end

-- Accuracies: their mean, and how often points of either label were told right.
local function trials(make, x, y, fold, key, each)
  local made = {}
  local right = { 0, 0 }
  for k = 1, FOLDS do
    local out = np.equal(fold, k)
    local stay = np.logical_not(out)
    local xs, ys = x[stay], y[stay]
    if #xs == 0 or #xs == #x then core.raise('%s: fold %d has all points, or none', who, k) end
    local n = #xs
    made[n] = made[n] or make(key, x.shape[2], n) -- compiled for each number of points
    local tried = y[out]
    local hit = np.equal(np.gt(made[n](k, xs, ys)(x[out]), 0), np.gt(tried, 0.5)):astype 'f64'
    each[k] = np.mean(hit):item()
    right[1] = right[1] + np.sum(hit * (1 - tried)):item()
    right[2] = right[2] + np.sum(hit * tried):item()
  end
  local sum = 0
  for k = 1, FOLDS do sum = sum + each[k] end
  return sum / FOLDS, 2 * right[1] / #x, 2 * right[2] / #x
end

--- The two-sample test by a classifier. 0.5: it cannot tell the samples apart; 1: always.
-- Both samples are scaled by mean and deviation of the reference. Five times a classifier is
-- trained on four fifths of both, and tried on the rest.
-- @tparam Array|SampleSet reference (n, D) or (n)
-- @tparam Array|SampleSet samples (m, D); of the larger one as many are used as the smaller one has
-- @tparam[opt] table opts `key` (PRNGKey(0)); `classifier`: 'mlp', two layers of 10 D units, or
-- 'quadratic', logistic regression on products of coordinates, which needs no key and is blind to
-- what means and covariances do not show; `folds`: number of the fold of each point, 1 to 5, of
-- the reference first (drawn)
-- @treturn table accuracy; folds: five accuracies; reference, samples: how often points of either
-- were told right; mean_shift, ln_sd_ratio (D): of samples against reference; n of each
-- @raise samples of different dimension, fewer than ten, numbers that are not finite
-- @source Friedman 2003, SLAC-PUB-10325; Lopez-Paz & Oquab 2017, arXiv:1610.06545
-- @usage local key = random.PRNGKey(1)
-- local x = random.normal(key, { 200, 1 })
-- diagnostics.c2st(x, x + 10, { classifier = 'quadratic' }).accuracy --> 1
function M.c2st(reference, samples, opts)
  local o = args.take(who, opts, {
    key = { 'Array', optional = true },
    classifier = { 'string', default = 'mlp' },
    folds = { 'Array', 'table', optional = true },
  })
  local make = args.choice(who, 'classifier', o.classifier, classifiers)
  local keys = random.split(o.key or random.PRNGKey(0), 4)
  local p = read('the reference', reference, keys[1], o.folds)
  local q = read('samples', samples, keys[2], o.folds)
  local n, D = math.min(#p, #q), p.shape[2]
  if q.shape[2] ~= D then
    core.raise('%s: the reference has %d coordinates, samples have %d', who, D, q.shape[2])
  elseif n < 2 * FOLDS then
    core.raise('%s: needs %d samples of both, got %d', who, 2 * FOLDS, n)
  end
  p, q = p[{ { 1, n } }], q[{ { 1, n } }]
  local sd = np.std(p, { axis = 1 })
  sd = np.where(np.gt(sd, 0), sd, 1)
  local shift = np.mean(q, { axis = 1 }) - np.mean(p, { axis = 1 })
  local sds = np.log(np.std(q, { axis = 1 }) / np.std(p, { axis = 1 }))
  local x = (np.concatenate({ p, q }) - np.mean(p, { axis = 1 })) / sd
  local y = np.concatenate { np.zeros({ n }, 'f64'), np.ones({ n }, 'f64') }
  local fold = read_folds(o.folds, keys[3], n)
  local out = { n = n, folds = {}, mean_shift = shift, ln_sd_ratio = sds }
  out.accuracy, out.reference, out.samples = trials(make, x, y, fold, keys[4], out.folds)
  return out
end

return M
