--- GradientIMNN and NumericalGradientIMNN: networks whose simulations were made before.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local fit, plain, keys = nets.fit, nets.plain, nets.keys

local kinds = {
  { class = 'GradientIMNN', options = nets.gradient_options, set = nets.gradient_set },
  { class = 'NumericalGradientIMNN', options = nets.numerical_options, set = nets.numerical_set },
}

local function largest(a, b) return np.abs(a - b):max():item() end

for _, kind in ipairs(kinds) do
  local class = kind.class
  local function new(more) return imnn[class](kind.options(more)) end

  describe(class, function()
    it('has the attributes of the reference', function()
      local net = new { validation = true }
      assert.equal(class .. ': 2 parameters, 2 summaries, n_s 60, n_d 60, 0 iterations',
        tostring(net))
      assert.is_true(net.validate)
      assert.is_false(net.simulate)
      assert.same({ 60, 10 }, net.fiducial.shape)
      assert.same({ 60, 10 }, net.validation_fiducial.shape)
      assert.equal(60, net.validation_derivative.shape[1])
      assert.equal(class == 'GradientIMNN', net['δθ'] == nil)
      assert.is_nil(net.simulator)
      net = new()
      assert.is_false(net.validate)
      assert.is_nil(net.validation_fiducial)
    end)

    it('needs no key, and gives the same with any', function()
      local a, b = new(), new()
      a:fit { lambda = 10, epsilon = 0.1, max_iterations = 4, quiet = true }
      fit(b, { max_iterations = 4 })
      assert.same(plain(a.final_w), plain(b.final_w))
      a:set_F_statistics()
      assert.same(a.F:totable(), b.F:totable())
    end)

    it('is judged by its validation set', function()
      local net = new { validation = true }
      fit(net, { max_iterations = 20 })
      local h = net.history
      for _, name in ipairs { 'detF', 'detC', 'detinvC', 'Λ2', 'Lambda_2', 'r', 'lndetF', 'lndetC',
        'lndetinvC', 'loss' } do
        assert.same({ 20 }, h['val_' .. name].shape)
      end
      assert.equal(h.max_lndetF, h.val_lndetF:max():item())
      -- the best weights are those that gave the score, and the statistics are of them
      assert.same(plain(net.best_w), plain(net.w))
      assert.is.near(h.max_detF, np.linalg.det(net.F):item(), 1e-9 * h.max_detF)
      local best = np.argmax(h.val_lndetF):item()
      local other = new { validation = true }
      fit(other, { max_iterations = best })
      assert.same(plain(other.final_w), plain(net.best_w))
      assert.same(h.val_lndetF:totable()[best], other.history.val_lndetF:totable()[best])
    end)

    it('has the same training with a validation set and without', function()
      local a, b = new { validation = true }, new()
      fit(a)
      fit(b)
      assert.same(plain(a.final_w), plain(b.final_w))
      assert.same(a.history.loss:totable(), b.history.loss:totable())
      assert.same({ 0 }, b.history.val_detF.shape)
    end)

    it('takes the set that is asked for', function()
      local net = new { validation = true }
      local other = new { validation = true }
      other.fiducial, other.derivative = net.validation_fiducial, net.validation_derivative
      local x, dx = net:get_summaries(nil, nil, true)
      local y, dy = other:get_summaries()
      assert.same(y:totable(), x:totable())
      assert.same(dy:totable(), dx:totable())
      net:set_F_statistics()
      other:set_F_statistics { validate = false }
      assert.same(other.F:totable(), net.F:totable())
      net:set_F_statistics { validate = false }
      assert.is_true(largest(other.F, net.F) > 0)
    end)

    it('stops when the validation set tells nothing new', function()
      local net = new { validation = true }
      local why = fit(net, { patience = 3, min_iterations = 2, max_iterations = 3000 })
      assert.equal('patience', why)
      local best = np.argmax(net.history.val_lndetF):item() - 1
      assert.equal(math.max(best, 2) + 1 + 3, net.history.size)
    end)

    it('computes no row twice where n_d is below n_s', function()
      local full, part = new(), new { n_d = 20 }
      local x, dx = full:get_summaries()
      local y, dy = part:get_summaries()
      assert.is_true(largest(x, y) < 1e-5)
      assert.is_true(largest(dx[{ { 1, 20 } }], dy) < 1e-5)
      local function flops(net) return net:iteration_flops() end
      assert.is_true(flops(part) < 0.75 * flops(full))
      assert.equal('max_iterations', fit(part))
    end)

    it('goes on with other data, compiled once', function()
      local net, other = new { validation = true }, new { validation = true }
      fit(net)
      local compiled = net.compiled
      local fiducial, derivative = kind.set(random.PRNGKey(9), 60)
      net.fiducial, net.derivative = fiducial, derivative
      assert.equal(0, net.history.max_detF) -- the score was that of other data
      fit(net)
      assert.equal(compiled, net.compiled)
      assert.equal(12, net.history.size)
      fit(other)
      other = imnn[class](kind.options { validation = true, key_or_state = other.state,
        fiducial = fiducial, derivative = derivative })
      other.count = 6
      fit(other)
      assert.same(plain(other.final_w), plain(net.final_w))
      net.validation_fiducial, net.validation_derivative = nil, nil
      fit(net, { max_iterations = 2 })
      assert.is_false(net.validate)
      assert.same({ 14 }, net.history.val_detF.shape)
      assert.is_true(np.isnan(net.history.val_detF[14]):item())
    end)

    it('gives advice about fixed data, unless it is to be quiet', function()
      local said = {}
      local function fit_and_listen(net, more)
        fit(net, { quiet = false, max_iterations = 1, log = function(text)
          said[#said + 1] = text
        end, print_rate = more or 100 })
      end
      fit_and_listen(new { validation = true })
      assert.equal(1, #said)
      assert.matches('^fit: 1 iterations %(max_iterations%): ln det F %-?%d+%.%d+ in training, '
        .. '%-?%d+%.%d+ on the validation set$', said[1])
      said = {}
      fit_and_listen(new())
      assert.matches('^fit: there is no validation set; the information in a fixed set', said[1])
      assert.matches(' in training, no held%-out simulations$', said[2])
      fit(new(), { max_iterations = 1, log = function() error 'not quiet' end })
      said = {}
      fit_and_listen(new { validation = true }, 1)
      assert.matches('^1  ln det F %-?%d+%.%d+, validation %-?%d+%.%d+  Λ2 ', said[1])
    end)

    it('works in double', function()
      local double = function(x) return x:astype 'f64' end
      local o = kind.options { validation = true }
      for _, name in ipairs { 'fiducial', 'derivative', 'validation_fiducial',
        'validation_derivative' } do
        o[name] = double(o[name])
      end
      o.key_or_state = imnn.tree.map(double, new().state)
      local net = imnn[class](o)
      fit(net)
      assert.equal('f64', imnn.tree.leaves(net.w)[1].dtype)
    end)

    local refusals = {
      { { fiducial = np.zeros { 60, 11 } }, 'fiducial must be %(60, 10%), that is '
        .. '%(n_s, input_shape%), got %(60, 11%)' },
      { { derivative = np.zeros { 60 } }, 'derivative must be %(60, .*%), that is %(n_d, .*, '
        .. 'got %(60%)' },
      { { fiducial = np.zeros({ 60, 10 }, 'i32') }, "fiducial is i32, data must be f32 or f64, "
        .. "as x:astype 'f32' makes them" },
      { { fiducial = 3 }, 'option "fiducial" must be .*, got 3' },
      { { validation_fiducial = np.zeros { 60, 10 } }, 'a validation set is whole or absent; '
        .. 'validation_derivative is missing' },
      { { simulator = nets.simulator }, 'unknown option "simulator"' },
    }
    for _, row in ipairs(refusals) do
      it('refuses: ' .. row[2]:gsub('%%', ''), function()
        local why = message(function() new(row[1]) end)
        assert.matches(class .. ': ' .. row[2], why)
        assert.matches('^tests/lua/imnn_data_spec.lua:%d+: ', why)
      end)
    end

    it('refuses data that are not finite', function()
      local o = kind.options { validation = true }
      o.validation_fiducial = np.where(np.eq(np.arange(60), 6):reshape { 60, 1 }, 0 / 0,
        o.validation_fiducial)
      assert.matches(class .. ': validation_fiducial is not finite in simulation 7; drop it',
        message(function() imnn[class](o) end))
      local net = new()
      assert.matches('derivative is not finite in simulation 1;',
        message(function() net.derivative = net.derivative / 0 end))
      assert.matches('a network of this class needs fiducial; it can be changed, not taken away',
        message(function() net.fiducial = nil end))
    end)

    it('refuses half a validation set that comes later', function()
      local net = new()
      net.validation_fiducial = net.fiducial
      local sentence = ': a validation set is whole or absent; validation_derivative is missing'
      assert.matches('fit' .. sentence, message(function() fit(net) end))
      assert.matches('set_F_statistics' .. sentence,
        message(function() net:set_F_statistics() end))
    end)

    it('names summaries that are not finite, of the validation set, too', function()
      local o = kind.options { validation = true }
      o.validation_fiducial = 1e38 * o.validation_fiducial
      o.model = stax.serial(stax.Dense(2))
      local why = message(function() fit(imnn[class](o)) end)
      assert.matches('fit: iteration 0: validation: ', why)
      o.fiducial = o.validation_fiducial
      why = message(function() fit(imnn[class](o)) end)
      assert.matches('fit: iteration 0: the summaries of simulation %d+ are not finite', why)
    end)
  end)
end

describe('GradientIMNN', function()
  -- By the definition: the Jacobian of the network times the derivative, over all axes of the data.
  it('contracts axes that match, whatever their number', function()
    local shape = { 3, 3, 2 }
    local model = {
      init = function(key) return { 2 }, { random.normal(key, { 18, 2 }) } end,
      apply = function(w, d)
        return np.tanh(np.matmul((d ^ 2):reshape { 1, 18 }, w[1]):reshape { 2 } / 9)
      end,
    }
    local d = random.normal(keys[2], { 12, 3, 3, 2 })
    local dd = random.normal(keys[3], { 12, 3, 3, 2, 2 })
    local net = imnn.GradientIMNN(nets.options { n_s = 12, n_d = 12, input_shape = shape,
      model = model, fiducial = d, derivative = dd })
    local _, dx = net:get_summaries()
    local J = imnn.vmap(imnn.jacrev(function(one) return model.apply(net.w, one) end))(d)
    local expected = np.einsum('nshwc,nhwcp->nsp', J, dd)
    assert.is_true(largest(expected, dx) < 1e-4)
  end)

  it('agrees with SimulatorIMNN on the same simulations', function()
    local o = nets.gradient_options { n_d = 40 }
    local drawn = imnn.SimulatorIMNN(nets.simulator_options { n_d = 40 })
    local x, dx = drawn:get_summaries(nil, keys[3])
    local y, dy = imnn.GradientIMNN(o):get_summaries()
    assert.is_true(largest(x, y) < 1e-5)
    assert.is_true(largest(dx, dy) < 1e-5)
  end)

  it('refuses more derivatives than simulations', function()
    assert.matches('GradientIMNN: n_d is 70, n_s 60; only simulations that there are',
      message(function() imnn.GradientIMNN(nets.gradient_options { n_d = 70 }) end))
  end)
end)

describe('NumericalGradientIMNN', function()
  local function new(more) return imnn.NumericalGradientIMNN(nets.numerical_options(more)) end

  it('gives the summaries of both sides, the lower one first', function()
    local net = new { n_d = 20 }
    local x, x_mp = net:get_summaries()
    assert.same({ 60, 2 }, x.shape)
    assert.same({ 20, 2, 2, 2 }, x_mp.shape)
    local one = net.model(net.w, net.derivative[3][2][1])
    assert.is_true(largest(one, x_mp[3][2][1]) < 1e-6)
    net:set_F_statistics()
    local step = (x_mp[{ {}, 2 }] - x_mp[{ {}, 1 }]):mean { axis = 1 } -- (P, S)
    local slope = step / net.delta_theta:reshape { 2, 1 }
    assert.is_true(largest(slope:transpose(), net.dmu_dtheta) < 1e-5)
  end)

  it('takes more derivatives than simulations', function()
    local net = new { n_s = 40, n_d = 60 }
    local x, x_mp = net:get_summaries()
    assert.same({ 40, 2 }, x.shape)
    assert.same({ 60, 2, 2, 2 }, x_mp.shape)
    assert.equal('max_iterations', fit(net))
  end)

  it('takes another distance between the sides', function()
    local net = new()
    fit(net, { max_iterations = 1, best = false })
    local before = net.dmu_dtheta
    net['δθ'] = { 0.2, 0.2 }
    net:set_F_statistics()
    assert.is_true(largest(before[{ {}, 1 }], 2 * net.dmu_dtheta[{ {}, 1 }]) < 1e-6)
    assert.is_true(largest(before[{ {}, 2 }], net.dmu_dtheta[{ {}, 2 }]) < 1e-6)
  end)

  it('refuses steps that are none', function()
    assert.matches('NumericalGradientIMNN: delta_theta, the full distance between both sides, must '
      .. 'not be 0', message(function() new { delta_theta = np.array { 0.1, 0 } } end))
    assert.matches('delta_theta must be %(2%), that is %(n_params%), got %(3%)',
      message(function() new { delta_theta = np.ones(3) } end))
  end)
end)
