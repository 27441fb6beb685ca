--- What simulations of black boxes serve for: finite differences, training, ABC.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local boxes = require 'tests.support.boxes'
local np, random, simulators = imnn.np, imnn.random, imnn.simulators
local black, bytes, keys = boxes.black, boxes.bytes, boxes.keys

describe('simulations of a black box', function()
  local function draw(_, t)
    local x = {}
    for i = 1, 10 do x[i] = t[1]:item() + math.sqrt(-2 * math.log(1 - math.random()))
      * math.cos(2 * math.pi * math.random()) end
    return x
  end

  it('serve finite differences', function()
    local sim = black { fn = draw }
    local data, reports = simulators.numerical { simulator = sim, theta_fid = { 2 },
      delta_theta = { 0.5 }, n_s = 12, n_d = 8, key = keys[1], validation = true,
      progress = false }
    assert.same({ { 12, 10 }, { 8, 2, 1, 10 }, 12, 8 },
      { data.fiducial.shape, data.derivative.shape, data.n_s, data.n_d })
    assert.same({ { 12, 10 }, { 8, 2, 1, 10 } },
      { data.validation_fiducial.shape, data.validation_derivative.shape })
    assert.equal(6, #reports)
    assert.equal('parameter 1 above', reports[3].what)
    -- Equal noise: the sides differ by delta_theta, from the fiducial by half of it.
    local below, above = data.derivative[{ {}, 1, 1 }], data.derivative[{ {}, 2, 1 }]
    assert.is_true(np.allclose(above - below, 0.5, { atol = 1e-5 }))
    assert.is_true(np.allclose(above - data.fiducial[{ { 1, 8 } }], 0.25, { atol = 1e-5 }))
    assert.is_false(np.allclose(data.fiducial, data.validation_fiducial))

    -- A traced simulator gives the same as the class that differentiates it would see.
    local function traced(key, t) return t[1] + random.normal(key, { 3 }) end
    data = simulators.numerical { simulator = traced, theta_fid = { 2, 1 },
      delta_theta = { 0.5, 0.2 }, n_s = 4, key = keys[1], progress = false }
    assert.same({ 4, 2, 2, 3 }, data.derivative.shape)
    assert.is_true(np.allclose(data.derivative[{ {}, 2, 1 }] - data.fiducial, 0.25,
      { atol = 1e-5 }))
    assert.is_true(np.allclose(data.derivative[{ {}, 2, 2 }], data.fiducial))
  end)

  it('leave a key out everywhere where it fails somewhere', function()
    local function picky(key, t) -- one key in four fails, below and above not the same ones
      local word = key[2]:item()
      if t[1]:item() < 2 and word % 4 == 0 or t[1]:item() > 2 and word % 4 == 1 then error 'no' end
      return { word % 1000, t[1]:item() }
    end
    local sim = black { fn = picky, on_failure = 'drop' }
    local data, reports = simulators.numerical { simulator = sim, theta_fid = { 2 },
      delta_theta = { 1 }, n_s = 40, n_d = 30, key = keys[1], progress = false }
    local lost = reports[2].n_failed + reports[3].n_failed
    assert.is_true(lost > 3)
    assert.same({ 40 - lost, 30 - lost }, { data.n_s, data.n_d })
    for side = 1, 2 do
      assert.same(data.fiducial[{ { 1, data.n_d }, 1 }]:totable(),
        data.derivative[{ {}, side, 1, 1 }]:totable())
    end
    assert.truthy(message(function()
      return simulators.numerical { simulator = black { fn = picky, rekey = 1 }, theta_fid = { 2 },
        delta_theta = { 1 }, n_s = 40, key = keys[1] }
    end):find 'numerical: a simulator with rekey = 1 may change keys')
  end)

  it('train a network', function()
    local data = simulators.numerical { simulator = black { fn = draw }, theta_fid = { 2 },
      delta_theta = { 0.5 }, n_s = 60, n_d = 60, key = keys[1], progress = false }
    local net = imnn.NumericalGradientIMNN { n_s = 60, n_d = 60, n_params = 1, n_summaries = 1,
      input_shape = { 10 }, theta_fid = data.theta_fid, model = imnn.stax.Dense(1),
      optimiser = imnn.optimizers.adam(1e-2), key_or_state = keys[2], fiducial = data.fiducial,
      derivative = data.derivative, delta_theta = data.delta_theta }
    net:fit { lambda = 10, epsilon = 0.1, max_iterations = 5, min_iterations = 5,
      progress = false, quiet = true }
    assert.is_true(net.F[1][1]:item() > 0)
  end)

  it('serve ABC', function()
    local lfi = imnn.lfi
    local function odd(key, t)
      if t[1]:item() > 3 then error 'too much' end
      return draw(key, t)
    end
    local made
    local target = { 1.2, 0.3, 2, -0.4, 1.1, 1.6, 0.9, 0.2, 2.2, 0.8 }
    local function mean(d) return d:mean():reshape { 1 } end
    for workers = 1, 2 do
      local abc = lfi.ApproximateBayesianComputation { target_data = target,
        prior = lfi.uniform({ -4 }, { 4 }), compressor = mean,
        simulator = black { fn = odd, on_failure = 'drop', workers = workers } }
      abc { epsilon = 0.5, key = keys[1], n_samples = 50, min_accepted = 20, max_iterations = 40,
        progress = false }
      assert.equal(50 * abc.iterations, abc.draws)
      assert.is_true(abc.failed > 0 and abc.failed < abc.draws / 3)
      assert.is_true(abc.parameters.n_accepted[1] >= 20)
      made = made or bytes(abc.parameters.accepted[1])
      assert.is_true(bytes(abc.parameters.accepted[1]) == made)
      abc { key = keys[2], n_samples = 30, epsilon = 1, keep_rejected = true, replace = true,
        progress = false }
      assert.is_true(abc.parameters.size < 30 and abc.parameters.size > 15)
    end
    local abc = lfi.ApproximateBayesianComputation { target_data = target,
      prior = lfi.uniform({ 3.5 }, { 4 }), compressor = mean,
      simulator = black { fn = odd, shape = { 10 } } }
    assert.truthy(message(function()
      abc { epsilon = 0.5, key = keys[1], n_samples = 50, progress = false }
    end):find 'blackbox: simulation 1 of 50 raised an error: .*too much; its seed is')
  end)
end)
