--- Networks that draw random numbers, and external summaries beside those of a network, in every
-- kind of IMNN.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local fit, plain, keys = nets.fit, nets.plain, nets.keys

local kinds = {
  { class = 'SimulatorIMNN', options = nets.simulator_options },
  { class = 'GradientIMNN', options = nets.gradient_options },
  { class = 'NumericalGradientIMNN', options = nets.numerical_options },
}

local function largest(a, b) return np.abs(a - b):max():item() end

local function dropout()
  return stax.serial(stax.Dense(8), stax.Tanh, stax.Dropout(0.8), stax.Dense(2))
end

-- Adds noise to the data, whatever the mode.
local noisy = {
  init = function(key) return { 2 }, { random.normal(key, { 10, 2 }) } end,
  apply = function(w, d, opts)
    d = d + 0.3 * random.normal(opts.rng, { 10 })
    return np.matmul(d:reshape { 1, 10 }, w[1]):reshape { 2 } + np.stack { 0, (d * d):mean() }
  end,
}

for _, kind in ipairs(kinds) do
  local validation = kind.class ~= 'SimulatorIMNN' or nil
  local function new(more) return imnn[kind.class](kind.options(more)) end

  describe(kind.class .. ' with dropout', function()
    it('drops in training only, by the key of the fit', function()
      local a = new { model = dropout(), validation = validation }
      local b = new { model = dropout(), validation = validation }
      fit(a)
      fit(b)
      assert.same(plain(a.final_w), plain(b.final_w))
      b:reset(keys[1])
      fit(b, { rng = keys[1] })
      assert.is_true(largest(imnn.tree.leaves(a.final_w)[1], imnn.tree.leaves(b.final_w)[1]) > 0)
      -- statistics are those of the network without its layer
      local w = { a.w[1], {}, a.w[4] }
      local bare = new { model = stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)),
        validation = validation }
      bare:set_F_statistics { w = w, key = keys[2] }
      assert.is_true(largest(bare.F, a.F) <= 1e-6 * np.abs(bare.F):max():item())
      local d = random.normal(keys[3], { 5, 10 })
      assert.is_true(largest(bare:get_estimate(d), a:get_estimate(d)) < 1e-4)
    end)
  end)

  describe(kind.class .. ' with a network that always draws', function()
    it('has a key for each simulation', function()
      local net = new { model = noisy, validation = validation }
      assert.equal('max_iterations', fit(net))
      local x, dx = net:get_summaries(nil, keys[3])
      local y, dy = net:get_summaries(nil, keys[3])
      assert.same(x:totable(), y:totable())
      assert.same(dx:totable(), dy:totable())
      y = net:get_summaries(nil, keys[4])
      assert.is_true(largest(x, y) > 0.1)
    end)

    it('estimates with a key', function()
      local net = new { model = noisy }
      net:set_F_statistics { key = keys[2] }
      local d = random.normal(keys[3], { 5, 10 })
      local one, other = net:get_estimate(d, keys[1]), net:get_estimate(d, keys[2])
      assert.same({ 5, 2 }, one.shape)
      assert.is_true(largest(one, other) > 0)
      assert.same(one:totable(), net:get_estimate(d, keys[1]):totable())
      assert.same({ 2 }, net:get_estimate(d[1], keys[1]).shape)
      assert.matches('get_estimate: key must be a key, u32 %(2%)',
        message(function() net:get_estimate(d, np.ones(2)) end))
    end)
  end)

  describe(kind.class .. ' with external summaries', function()
    local function hybrid(d) return np.stack { 100 + 50 * (d * d):mean() } end

    it('has them behind those of the network, in statistics and estimates', function()
      local net = new { hybrid = hybrid, validation = validation }
      assert.equal(2, net.n_summaries)
      assert.equal(1, net.n_external)
      assert.equal('max_iterations', fit(net))
      assert.same({ 3, 3 }, net.C.shape)
      assert.same({ 3, 2 }, net.dmu_dtheta.shape)
      assert.same({ 2, 2 }, net.F.shape)
      local x = net:get_summaries(nil, keys[3], true)
      assert.same({ 60, 3 }, x.shape)
      assert.same({ 4, 2 }, net:get_estimate(random.normal(keys[3], { 4, 10 })).shape)
      -- the history is about the covariance that the network can change
      local own = np.linalg.det(net.C[{ { 1, 2 }, { 1, 2 } }]):item()
      assert.is_true(np.linalg.det(net.C):item() > 10 * own)
      assert.is_true(net.history.Lambda_2:max():item() < 1e4)
    end)

    it('never has less information for them', function()
      local without, with = new(), new { hybrid = hybrid }
      without:set_F_statistics { key = keys[3] }
      with:set_F_statistics { key = keys[3] }
      local gain = np.linalg.eigvalsh(with.F - without.F)
      assert.is_true(gain:min():item() > -1e-6 * np.abs(without.F):max():item())
      assert.is_true(gain:max():item() > 0)
    end)

    it('can do with fewer summaries of its own', function()
      local net = new { hybrid = hybrid, n_summaries = 1, model = stax.serial(stax.Dense(1)) }
      assert.equal('max_iterations', fit(net, { max_iterations = 2 }))
      assert.same({ 2, 2 }, net.C.shape)
    end)

    it('refuses what are none', function()
      local function refused(sentence, more)
        assert.matches(kind.class .. ': ' .. sentence, message(function() new(more) end))
      end
      refused('hybrid must give a list of external summaries, f32 or f64 %(E%), got f32 %(2, 5%)',
        { hybrid = function(d) return d:reshape { 2, 5 } end })
      refused('hybrid must be a function %(d%), this one takes 0 arguments',
        { hybrid = function() end })
      refused('n_s is 60, n_summaries 2 and 60 external ones; the covariance of so few simulations '
        .. 'is singular, take at least 63', { hybrid = function(d) return np.tile(d, 6) end })
      refused('n_summaries is 1 and 1 external ones, n_params 3', { hybrid = hybrid, n_params = 3,
        n_summaries = 1, theta_fid = np.array { 0, 1, 2 }, model = stax.serial(stax.Dense(1)),
        simulator = kind.class == 'SimulatorIMNN' and nets.simulator or nil,
        derivative = kind.class == 'GradientIMNN' and np.ones { 60, 10, 3 }
          or kind.class == 'NumericalGradientIMNN' and np.ones { 60, 2, 3, 10 } or nil,
        delta_theta = kind.class == 'NumericalGradientIMNN' and np.ones(3) or nil })
    end)
  end)
end

describe('networks of data', function()
  -- Key i of split(key, n_s) belongs to simulation i; the same noise for all its versions.
  it('draw from a key of the simulation, as it is', function()
    for _, kind in ipairs { kinds[2], kinds[3] } do
      local net = imnn[kind.class](kind.options { model = noisy, n_d = 20 })
      local x, both = net:get_summaries(nil, keys[3])
      local one = random.split(keys[3], 60)[7]
      local expected = net.model(net.w, net.fiducial[7], { rng = one })
      assert.is_true(largest(expected, x[7]) < 1e-5)
      if kind == kinds[3] then
        expected = net.model(net.w, net.derivative[7][2][1], { rng = one })
        assert.is_true(largest(expected, both[7][2][1]) < 1e-5)
      end
    end
  end)
end)
