--- Weights of ensembles against independent numbers (tests/golden/lfi/README.md), and by what a
-- maximum is.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, diagnostics = imnn.np, imnn.random, imnn.diagnostics

local golden = imnn.data.hdf5.open 'tests/golden/lfi/stacking.h5'

local function off(a, b) return np.max(np.abs(a - b)):item() end

local function wide(x) return np.array(x, 'f64') end

local function log_densities(n, members, scale, seed)
  return scale * random.normal(random.PRNGKey(seed), { n, members }, { dtype = 'f64' })
end

-- Weights of a maximum: shares q_k / sum a q are 1 in the mean where there is weight, and no larger
-- where there is none.
local function is_maximum(log_q, r, tolerance)
  local a = r.weights
  assert.near(1, a:sum():item(), 1e-12)
  assert.is_true(np.all(np.ge(a, 0)):item())
  local q = np.exp(log_q - log_q:max { axis = 2, keepdims = true })
  local mean = (q / np.expand_dims(np.matmul(q, a), 2)):mean { axis = 1 }
  assert.is_true(np.all(np.le(mean, 1 + tolerance)):item())
  assert.is_true(off(np.where(np.gt(a, 0), mean, 1), 1) < 1e-6)
end

describe('stacking', function()
  it('agrees with golden', function()
    local r = diagnostics.stacking(golden.log_q)
    assert.is_true(off(golden.weights, r.weights) < 1e-11)
    assert.near(golden.objective:item(), r.objective, 1e-14)
    local single = diagnostics.stacking(golden.log_q:astype 'f32')
    assert.is_true(off(golden.weights, single.weights) < 1e-5)
    assert.near(golden.objective:item(), single.objective, 1e-6)
  end)

  it('agrees with a small table', function()
    local q = wide { { 0.2, 0.5 }, { 0.6, 0.1 }, { 0.3, 0.3 }, { 0.4, 0.7 } }
    local r = diagnostics.stacking(np.log(q))
    assert.is_true(off(wide { 0.508501, 0.491499 }, r.weights) < 5e-7)
    assert.same({ 4, 2, true }, { r.n, r.n_members, r.converged })
    assert.near(np.log(np.matmul(q, r.weights)):mean():item(), r.objective, 1e-15)
    assert.near(np.log(q:mean { axis = 2 }):mean():item(), r.equal, 1e-15)
    assert.is_true(off(np.log(q):mean { axis = 1 }, r.single) < 1e-15)
    assert.equal('stacking: 2 members, 4 pairs: mean log-density -0.97534 (equal weights -0.97536, '
      .. 'the best member, 1, -1.0601)\n  weights 0.5085 0.4915', tostring(r))
  end)

  it('finds the maximum, of few and many members, alike and unlike', function()
    for seed = 1, 60 do
      local n, members = ({ 5, 40, 1000 })[seed % 3 + 1], ({ 1, 2, 8, 30 })[seed % 4 + 1]
      local x = log_densities(n, members, ({ 1e-3, 0.1, 1, 30, 1e4 })[seed % 5 + 1], seed)
      local r = diagnostics.stacking(x)
      assert.is_true(r.converged and r.iterations < 40 and r.gap <= 1e-12)
      is_maximum(x, r, 1e-11)
    end
  end)

  it('gives what the usual iteration comes to', function()
    local x = log_densities(200, 5, 2, 3)
    local q = np.exp(x)
    local a = imnn.jit(function(first)
      return imnn.lax.fori_loop(0, 20000, function(_, w)
        local share = w * q
        return (share / share:sum { axis = 2, keepdims = true }):mean { axis = 1 }
      end, first)
    end)(np.full({ 5 }, 0.2, 'f64'))
    assert.is_true(off(a, diagnostics.stacking(x).weights) < 1e-9)
  end)

  it('knows how far below the maximum it is', function()
    local x = log_densities(300, 6, 1, 4)
    local best = diagnostics.stacking(x).objective
    for budget = 1, 8 do
      local r = diagnostics.stacking(x, { max_iterations = budget })
      assert.is_false(r.converged)
      assert.equal(budget, r.iterations)
      assert.is_true(best - r.objective <= r.gap and r.objective < best)
      assert.near(1, r.weights:sum():item(), 1e-14)
    end
    local few = diagnostics.stacking(x, { max_iterations = 3 })
    assert.matches('\n  stopped after 3 iterations, at most [%d.e-]+ below the maximum$',
      tostring(few))
    assert.is_true(diagnostics.stacking(x, { tol = 1e-3 }).iterations
      < diagnostics.stacking(x).iterations)
    -- more than rounding allows: what there is
    assert.is_true(off(diagnostics.stacking(x).weights, diagnostics.stacking(x, { tol = 1e-300 })
      .weights) < 1e-9)
  end)

  it('is the same for densities in any unit, also of each pair', function()
    local x = log_densities(50, 4, 2, 5)
    local known = diagnostics.stacking(x)
    local shift = 1e4 * random.normal(random.PRNGKey(6), { 50, 1 }, { dtype = 'f64' })
    local r = diagnostics.stacking(x + shift)
    assert.is_true(off(known.weights, r.weights) < 1e-9)
    assert.near(known.objective + shift:mean():item(), r.objective, 1e-9)
  end)

  it('gives no weight to what others do better, equal ones to equals', function()
    local x = log_densities(80, 3, 1, 7)
    local worse = np.concatenate({ x, x:min { axis = 2, keepdims = true } - 0.1 }, 2)
    local r = diagnostics.stacking(worse)
    assert.equal(0, r.weights[4]:item())
    assert.is_true(off(diagnostics.stacking(x).weights, r.weights[{ { 1, 3 } }]) < 1e-9)
    local twice = diagnostics.stacking(np.concatenate({ x, x }, 2)).weights
    assert.is_true(off(twice[{ { 1, 3 } }], twice[{ { 4, 6 } }]) < 1e-9)
    local same = diagnostics.stacking(x[{ {}, { 1, 1 } }] + np.zeros { 80, 5 })
    assert.is_true(off(same.weights, 0.2) < 1e-15)
    assert.same({ 1 }, diagnostics.stacking(x[{ {}, { 1, 1 } }]).weights:totable())
  end)

  it('takes members that give no density to some pairs', function()
    local infinite = -math.huge
    -- each member has the pairs of its own: as many as its weight says
    local x = np.where(np.eq(np.expand_dims(np.arange(10), 2) % 3, np.arange(3) % 3), -1e4,
      infinite):astype 'f64'
    local r = diagnostics.stacking(x)
    assert.is_true(off(wide { 0.4, 0.3, 0.3 }, r.weights) < 1e-11)
    assert.is_true(math.abs(r.objective - -10001.0888999753) < 1e-9)
    -- where only the third one has any
    local y = log_densities(30, 3, 1, 8)
    y = np.where(np.logical_and(np.lt(np.expand_dims(np.arange(30), 2), 5), np.ne(np.arange(3), 2)),
      infinite, y)
    r = diagnostics.stacking(y)
    is_maximum(y, r, 1e-11)
    assert.is_true(r.weights[3]:item() > 5 / 30 and r.single[1]:item() == infinite)
  end)

  it('mixes distributions better than each of them, on other data', function()
    local keys = random.split(random.PRNGKey(9), 2)
    local d = imnn.distributions
    local truth = d.mixture({ 0.25, 0.75 }, { d.normal(-2, 0.5), d.normal(1, 1) })
    local members = { d.normal(-2, 0.5), d.normal(1, 1), d.normal(0, 3) }
    local function of(x)
      local list = {}
      for k, m in ipairs(members) do list[k] = m:log_prob(x) end
      return np.stack(list, -1)
    end
    local r = diagnostics.stacking(of(truth:sample(keys[1], 2000)))
    -- 5 deviations of the share of 2000 draws that are of the first
    assert.near(0.25, r.weights[1]:item(), 5 * math.sqrt(0.25 * 0.75 / 2000))
    local others = of(truth:sample(keys[2], 2000))
    local mixed = np.logsumexp(others + np.log(r.weights), { axis = 2 }):mean():item()
    assert.is_true(mixed > others:mean { axis = 1 }:max():item() + 0.1)
  end)

  it('names what it cannot use', function()
    local function says(sentence, ...)
      local arguments = { ... }
      local why = message(function() diagnostics.stacking(unpack(arguments)) end)
      assert.matches('^tests/lua/stacking_spec.lua:%d+: ', why)
      assert.equal('stacking: ' .. sentence, why:match ':%d+: (.*)$')
    end
    says('log_q must be (pairs, members), got shape (3)', { 1, 2, 3 })
    says('log_q must be (pairs, members), got shape (0, 2)', np.zeros { 0, 2 })
    says('log_q must be an array of numbers, got nil')
    says('log_q of pair 2 and member 1 is NaN', { { 1, 2 }, { 0 / 0, 1 } })
    says('the density of pair 1 is infinite, of member 2', { { 1, math.huge }, { 0, 1 } })
    says('pair 3 has the density 0 of every member', { { 1, 2 }, { 1, 1 },
      { -math.huge, -math.huge } })
    says('tol must be above 0, got 0', { { 1, 2 } }, { tol = 0 })
    says('max_iterations is from 1 to 10^6, got 0', { { 1, 2 } }, { max_iterations = 0 })
    says('unknown option "tolerance"', { { 1, 2 } }, { tolerance = 1 })
  end)
end)
