--- imnn.refine: fits that look for their own fiducial parameters.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random = imnn.np, imnn.random
local keys = nets.keys

-- Mean and variance of ten numbers, which are all that they tell: nothing to learn.
local exact = {
  init = function() return { 2 }, { np.zeros { 1 } } end,
  apply = function(w, d) return np.stack { d:mean(), d:var() } + w[1] end,
}

local function options(more)
  local o = { n_s = 2000, n_d = 2000, n_params = 2, n_summaries = 2, input_shape = { 10 },
    theta_fid = { 0, 1 }, optimiser = imnn.optimizers.sgd(1e-9), key_or_state = keys[1],
    model = exact, simulator = nets.simulator }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

local target = nets.simulator(keys[3], np.array { 3, 4 })
-- Where the likelihood of these summaries is largest.
local likely = { target:mean():item(), target:var():item() * 10 / 9 }

local fit = { lambda = 10, epsilon = 0.1, max_iterations = 1 }

local function refine(more)
  local o = { net = imnn.SimulatorIMNN(options()), target = target, key = keys[2], fit = fit,
    quiet = true }
  for name, value in pairs(more or {}) do o[name] = value or nil end
  return imnn.refine(o)
end

local function assert_likely(r)
  for k = 1, 2 do
    assert.is.near(likely[k], r.theta[k]:item(), 0.15 * r.errors[k]:item())
  end
end

describe('refine', function()
  it('finds the parameters of the target', function()
    local net = imnn.SimulatorIMNN(options())
    local r = refine { net = net }
    assert.equal('converged', r.reason)
    assert_likely(r)
    assert.is_true(r.history[1].shift > 3)
    assert.is_true(r.history[r.rounds].shift <= 0.1)
    assert.same({ 0, 1 }, r.history[1].theta:totable())
    assert.equal(0, net.history.size) -- it was not touched
    assert.is_nil(net.F)
    -- each round began where the one before had ended
    for i = 2, r.rounds do
      assert.is.near(r.history[i - 1].estimate[2]:item(), r.history[i].theta[2]:item(), 1e-6)
    end
    local last = r.history[r.rounds]
    assert.same(r.net.F:totable(), last.F:totable())
    assert.is.near(np.log(np.linalg.det(r.net.F)):item(), last.lndetF, 1e-9)
    assert.is.near(last.theta[2]:item(), r.net.theta_fid[2]:item(), 1e-6)
    -- ten draws of variance v: F = diag(10 / v, 5 / v^2), less what one degree of freedom costs
    local v = last.theta[2]:item()
    assert.is.near(10 / v, last.F[1][1]:item(), 0.15 * 10 / v)
    assert.is.near(4.5 / v ^ 2, last.F[2][2]:item(), 0.15 * 4.5 / v ^ 2)
  end)

  it('is the same again, and goes on where it was ended', function()
    local a = refine { tolerance = 0.005, max_rounds = 4 }
    local b = refine { tolerance = 0.005, max_rounds = 4 }
    assert.same(a.theta:totable(), b.theta:totable())
    local first = refine { max_rounds = 1 }
    assert.equal('max_rounds', first.reason)
    local more = refine { net = false, from = first, key = keys[4] }
    assert.equal('converged', more.reason)
    assert.equal(first.history[1], more.history[1])
    assert.equal(#more.history, more.rounds)
    assert_likely(more)
  end)

  it('takes steps that are not too long', function()
    local r = refine { max_step = 2, max_rounds = 20 }
    assert.equal('converged', r.reason)
    assert_likely(r)
    for i = 2, r.rounds do
      local a, b = r.history[i - 1], r.history[i]
      assert.equal(a.shift > 2, a.limited)
      local moved = np.abs((b.theta - a.theta) / a.errors):max():item()
      assert.is.near(math.min(2, a.shift), moved, 1e-4)
    end
  end)

  it('stays inside the prior', function()
    local wall = likely[1] / 2
    local r = refine { prior = { low = { -10, 0 }, high = { wall, 10 } } }
    assert.equal('limit', r.reason)
    for _, row in ipairs(r.history) do
      assert.is_true(row.theta[1]:item() < wall)
    end
    assert.is_true(r.history[r.rounds].limited)
    assert.is_true(r.next[1] < wall and r.next[1] > 0.9 * wall)
    -- a variance is never brought to zero
    local small = nets.simulator(keys[3], np.array { 0, 0.01 })
    r = refine { target = small, prior = imnn.lfi.uniform({ -10, 0 }, { 10, 10 }) }
    assert.equal('converged', r.reason)
    assert.is.near(small:var():item() * 10 / 9, r.theta[2]:item(), 0.15 * r.errors[2]:item())
  end)

  it('gives up when shifts do not become shorter', function()
    local r = refine { tolerance = 1e-6, max_rounds = 50 }
    assert.equal('stalled', r.reason)
    local best = 1
    for i, row in ipairs(r.history) do
      if row.shift < r.history[best].shift then best = i end
    end
    assert.equal(best + 3, r.rounds)
  end)

  it('begins each fit with the last weights, unless it is told not to', function()
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    local few = { lambda = 10, epsilon = 0.1, max_iterations = 5, best = false }
    local function last(warm)
      return refine { net = net, warm = warm, fit = few, max_rounds = 2, tolerance = 1e-9,
        prior = { low = { -10, 0 }, high = { 10, 10 } } }.net
    end
    assert.are_not.same(nets.plain(net.w), nets.plain(last(true).initial_w))
    assert.same(nets.plain(net.w), nets.plain(imnn.refine { net = net, warm = false, fit = few,
      target = target, key = keys[2], max_rounds = 2, tolerance = 1e-9, quiet = true,
      prior = { low = { -10, 0 }, high = { 10, 10 } } }.net.initial_w))
  end)

  it('fits to data that a function makes', function()
    local asked, tries = {}, 0
    local function make(theta, key)
      asked[#asked + 1], tries = theta:totable(), tries + 1
      local both = imnn.value_and_jacfwd(nets.simulator, { argnums = 2 })
      local d, dd = imnn.vmap(both, { in_axes = { 1, false } })(random.split(key, 2000), theta)
      local o = options { fiducial = d, derivative = dd }
      o.simulator, o.theta_fid, o.key_or_state = nil, nil, nil
      if tries == 1 then return o end
      o.theta_fid, o.key_or_state = theta, keys[1] -- or the network itself
      return imnn.GradientIMNN(o)
    end
    local r = refine { net = false, make = make, theta_fid = { 0, 1 } }
    assert.equal('converged', r.reason)
    assert.equal('GradientIMNN', r.net.class)
    assert_likely(r)
    assert.equal(r.rounds, #asked)
    assert.same({ 0, 1 }, asked[1])
  end)

  it('tells a line a round', function()
    local said = {}
    local r = refine { quiet = false, log = function(text) said[#said + 1] = text end,
      fit = { lambda = 10, epsilon = 0.1, max_iterations = 1, quiet = true } }
    assert.equal(r.rounds + 1, #said)
    assert.matches('^refine: round 1: theta %(0, 1%) %-> %([%d., ]+%), shift [%d.]+ error bars; '
      .. 'ln det F [%d.]+, 1 iterations %(max_iterations%)$', said[1])
    assert.equal('refine: converged after ' .. r.rounds .. ' rounds', said[#said])
    assert.equal(table.concat(said, '\n'), tostring(r))
  end)

  it('keeps the last whole round whatever happens', function()
    local round = 0
    local function make(theta, _)
      round = round + 1
      if round == 2 then error('interrupted', 0) end
      if round == 3 then error 'no disk' end
      return imnn.SimulatorIMNN(options { theta_fid = theta })
    end
    local r = refine { net = false, make = make, theta_fid = { 0, 1 } }
    assert.equal('interrupted', r.reason)
    assert.equal(1, r.rounds)
    assert.same({ 0, 1 }, r.net.theta_fid:totable())
    assert.same(r.net:get_estimate(target):totable(), r.theta:totable())
    round = 2 -- the first round of this call fails, so there is nothing to give
    assert.matches('no disk$', message(function()
      refine { net = false, make = make, from = r }
    end))
    round = 0
    local function later(theta, key)
      if round == 1 then round = 2 end
      return make(theta, key)
    end
    r = refine { net = false, make = later, theta_fid = { 0, 1 } }
    assert.equal('failed', r.reason)
    assert.matches('no disk$', r.message)
    assert.equal(1, r.rounds)
  end)

  it('refuses what makes no sense', function()
    local stored = imnn.GradientIMNN(nets.gradient_options())
    for text, more in pairs {
      ['refine: needs either net, which simulates, or make, a function (theta_fid, key)']
        = { net = false },
      ['refine: the data of a GradientIMNN belong to its theta_fid; give make, a function '
        .. '(theta_fid, key) that makes new ones'] = { net = stored },
      ['refine: net must be a network'] = { net = {} },
      ['refine: from must be what an earlier refine has given'] = { from = {} },
      ['refine: theta_fid, where to start, is missing'] = { net = false,
        make = function(_, _) end },
      ['refine: make must be a function (theta_fid, key), this one takes 0 arguments'] = {
        net = false, make = function() end },
      ['refine: make must give a network, or the options of one, got nil'] = { net = false,
        theta_fid = { 0, 1 }, make = function(_, _) end },
      ['refine: make was asked for a network at (0, 2), its theta_fid is (0, 1)'] = { net = false,
        theta_fid = { 0, 2 }, make = function(_, _) return imnn.SimulatorIMNN(options()) end },
      ['refine: theta_fid must lie inside the prior; parameter 2 is 1'] = {
        prior = { low = { -1, 2 }, high = { 1, 3 } } },
      ['refine: the prior is of 1 parameters, theta_fid of 2'] = {
        prior = { low = { -1 }, high = { 1 } } },
      ['refine: tolerance must be positive, got 0'] = { tolerance = 0 },
      ['refine: max_rounds must be a positive integer, got 0'] = { max_rounds = 0 },
      ['refine: target must be one datum, (10)'] = { target = np.zeros { 3, 10 } },
    } do
      local why = message(function() refine(more) end)
      assert.equal(text, why:match '^tests/lua/refine_spec.lua:%d+: (.*)$' or why)
    end
  end)
end)
