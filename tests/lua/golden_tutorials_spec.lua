--- The tutorials of the reference: how their fits begin. The numbers were derived from the
-- definitions (float64 arithmetic on float32 random numbers), and runs of the reference itself
-- agree with them (tests/golden/imnn).
local imnn = require 'imnn'
local ten = require 'tests.support.ten_numbers'
local np, random = imnn.np, imnn.random
local theta, simulator, mlp, options = ten.theta, ten.simulator, ten.mlp, ten.options

-- Data of keys that are made of `rng`: the first thousand for training, the others for validation.
local function keys_of(rng, rows) return random.split(rng, 2000)[{ rows }] end

local function with_data(set, rng, o)
  o.fiducial, o.derivative = set(keys_of(rng, { 1, 1000 }))
  o.validation_fiducial, o.validation_derivative = set(keys_of(rng, { 1001, 2000 }))
  return o
end

local columns = { 'detF', 'detC', 'detinvC', 'Lambda_2', 'r', 'loss', 'val_detF', 'val_detC',
  'val_detinvC', 'val_Lambda_2', 'val_r' }

-- rows: iteration from 0, and the columns from the first one on
local function agrees(net, rows, tolerance, opts)
  local o = { lambda = 10, epsilon = 0.1, max_iterations = rows[#rows][1] + 1, quiet = true }
  for name, value in pairs(opts or {}) do o[name] = value end
  net:fit(o)
  for _, row in ipairs(rows) do
    for k = 2, #row do
      local name = columns[k - 1]
      local got = net.history[name][row[1] + 1]:item()
      local most = row[1] < 100 and tolerance or 5 * tolerance
      assert(math.abs(got - row[k]) < most * math.max(math.abs(row[k]), 0.1), ('%s of iteration '
        .. '%d is %.8g, not %.8g'):format(name, row[1], got, row[k]))
    end
  end
end

local aggregated = { host = 'cpu:0', devices = { 'cpu:0' }, n_per_device = 100 }

describe('the tutorial of', function()
  it('SimulatorIMNN', function()
    local _, model, fit = random.split(random.PRNGKey(0), 3):unpack()
    agrees(imnn.SimulatorIMNN(options(model, { simulator = simulator })), {
      { 0, 0.02315766, 0.0001028959, 9718.559, 141.8148, 10, 1421.913 },
      { 1, 0.05858437, 0.0003959079, 2525.840, 71.54810, 10, 718.3183 },
      { 2, 0.1208931, 0.001079619, 926.2524, 43.66446, 10, 438.7574 },
      { 5, 0.1786422, 0.009529212, 104.9405, 14.42641, 9.999999, 145.9864 },
      { 10, 0.2274367, 0.06522593, 15.33133, 5.180605, 9.986176, 53.21532 },
    }, 1e-3, { rng = fit })
  end)

  it('fit', function()
    local model, fit = random.split(random.PRNGKey(0)):unpack()
    agrees(imnn.SimulatorIMNN(options(model, { simulator = simulator })), {
      { 0, 0.9637604, 0.0001165229, 8582.002, 135.7263, 10, 1357.300 },
      { 1, 0.5407949, 0.0004657966, 2146.860, 65.60130, 10, 656.6277 },
      { 2, 0.6749368, 0.001043221, 958.5699, 44.09222, 10, 441.3153 },
      { 5, 0.4490291, 0.008169803, 122.4020, 15.53422, 10, 156.1429 },
      { 10, 0.3447587, 0.04972035, 20.11249, 6.056381, 9.994864, 61.59762 },
    }, 1e-3, { rng = fit })
  end)

  it('GradientIMNN', function()
    local rng, model = random.split(random.PRNGKey(1), 3):unpack()
    local net = imnn.GradientIMNN(with_data(ten.gradient_set, rng, options(model, {})))
    for i, v in ipairs { -0.64082, 0.73389, 0.21805 } do
      assert.is.near(v, net.fiducial[1][i]:item(), 1e-5)
    end
    agrees(net, {
      { 0, 0.4187671, 0.0001446067, 6915.311, 125.4058, 10, 1254.929, 0.3791105, 0.0003724399,
        2684.997, 74.20675, 10 },
      { 1, 0.3808524, 0.0004621062, 2164.005, 66.15416, 10, 662.5069, 0.3699563, 0.001006829,
        993.2174, 44.75557, 10 },
      { 2, 0.3423572, 0.001231458, 812.0456, 40.36985, 10, 404.7704, 0.3327255, 0.002319008,
        431.2190, 29.39490, 10 },
      { 5, 0.2920012, 0.009769152, 102.3630, 14.17445, 9.999999, 142.9755, 0.2860518, 0.01397630,
        71.54969, 11.85762, 9.999990 },
      { 10, 0.2416854, 0.06634383, 15.07299, 5.140856, 9.985532, 52.75431, 0.2461764, 0.07914359,
        12.63526, 4.729862, 9.976755 },
      { 100, 0.9234195, 0.9968105, 1.003200, 0.005545945, 0.05544426, 0.07997914, 0.9591862,
        0.9269952, 1.078754, 0.2730855, 2.615956 },
    }, 1e-3)
  end)

  it('NumericalGradientIMNN', function()
    local rng, model = random.split(random.PRNGKey(0), 3):unpack()
    local net = imnn.NumericalGradientIMNN(with_data(ten.numerical_set, rng,
      options(model, { delta_theta = { 0.1, 0.1 } })))
    for i, v in ipairs { -2.14475, -0.50146, -0.56175 } do
      assert.is.near(v, net.fiducial[1][i]:item(), 1e-5)
    end
    agrees(net, {
      { 0, 0.0303557, 0.0001194945, 8368.584, 131.3277, 10, 1316.772, 0.07532225, 0.0004108498,
        2433.979, 69.98916, 10 },
      { 1, 0.05420604, 0.0004847890, 2062.753, 64.74090, 10, 650.3239, 0.1073374, 0.001167340,
        856.6488, 41.45701, 10 },
      { 2, 0.07655187, 0.001430171, 699.2171, 37.65756, 10, 379.1454, 0.1325507, 0.002679394,
        373.2187, 27.31443, 10 },
      { 5, 0.1302912, 0.01146811, 87.19831, 13.13984, 9.999997, 133.4363, 0.1935899, 0.01478440,
        67.63885, 11.48438, 9.999985 },
      { 10, 0.1927814, 0.07136358, 14.01275, 4.950560, 9.981995, 51.06267, 0.2727912, 0.07487628,
        13.35536, 4.797741, 9.978516 },
      { 100, 1.775794, 1.000564, 0.9994358, 0.005037831, 0.05036583, -0.5739939, 2.164056,
        0.8587486, 1.164485, 0.2528635, 2.434419 },
    }, 1e-3)
  end)

  it('AggregatedSimulatorIMNN', function()
    local _, model, fit = random.split(random.PRNGKey(1), 3):unpack()
    local o = options(model, aggregated)
    o.n_d, o.simulator = 100, simulator
    agrees(imnn.AggregatedSimulatorIMNN(o), {
      { 0, 0.7033512, 0.0001231151, 8122.478, 134.0279, 10, 1340.631 },
      { 1, 0.3777268, 0.0004362223, 2292.409, 68.06321, 10, 681.6056 },
      { 2, 0.4333981, 0.001231619, 811.9395, 40.52869, 10, 406.1230 },
      { 5, 0.2497030, 0.009476412, 105.5252, 14.43708, 9.999999, 145.7583 },
      { 10, 0.2329855, 0.06450247, 15.50328, 5.222629, 9.986825, 53.61426 },
    }, 1e-3, { rng = fit })
  end)

  it('DatasetGradientIMNN', function()
    local rng, model = random.split(random.PRNGKey(10), 3):unpack()
    local o = options(model, aggregated)
    local function batches(rows)
      local d, dd = ten.gradient_set(keys_of(rng, rows))
      local at = 0
      return { function()
        local part = { at + 1, at + 100 }
        at = (at + 100) % 1000
        return d[{ part }], dd[{ part }]
      end }
    end
    o.main, o.validation_main = batches { 1, 1000 }, batches { 1001, 2000 }
    agrees(imnn.DatasetGradientIMNN(o), {
      { 0, 1.143971, 0.0001582361, 6319.672, 113.8701, 10, 1138.567, 1.269986, 0.0005246356,
        1906.085, 61.82075, 10 },
      { 1, 1.339425, 0.0005524800, 1810.020, 60.25039, 10, 602.2117, 1.250712, 0.001430149,
        699.2278, 37.54003, 10 },
      { 10, 0.8047035, 0.08410753, 11.88954, 4.478689, 9.968837, 44.8646, 0.8152133, 0.09845554,
        10.15687, 4.080588, 9.950107 },
      { 100, 2.176164, 0.9807093, 1.019670, 0.0277496, 0.2770395, -0.7698761, 2.399097, 0.8680365,
        1.152025, 0.2201893, 2.135926 },
    }, 1e-3)
  end)
end)

describe('the line of the reference', function()
  local x = np.linspace(0, 10, 100)

  it('has a slope', function()
    local function line(key, t) return t[1] * x + random.normal(key, { 100 }) end
    local rng, model, datum, fit
    rng = random.split(random.PRNGKey(0), 3)[1]
    rng, model = random.split(rng):unpack()
    rng, datum = random.split(rng):unpack()
    fit = random.split(rng)[2]
    assert.same({ 1704566554, 3503162380 }, model:totable())
    assert.same({ 1872224875, 267770933 }, fit:totable())
    local net = imnn.IMNN { n_s = 1000, n_d = 1000, n_params = 1, n_summaries = 1,
      input_shape = { 100 }, theta_fid = np.array { 4 }, model = mlp(1),
      optimiser = imnn.optimizers.adam(1e-3), key_or_state = model, simulator = line,
      verbose = false }
    assert.is.near(-1.4816203, net.model(net.w, line(datum, np.array { 1 }))[1]:item(), 1e-5)
    agrees(net, {
      { 0, 25.90490, 0.1391460, 7.186695, 7.047549, 9.998283, 67.20896 },
      { 1, 17.06018, 0.2745271, 3.642627, 3.368100, 9.881615, 30.44552 },
      { 2, 14.16689, 0.3774713, 2.649208, 2.271737, 9.519258, 18.97434 },
      { 5, 15.35785, 0.9062213, 1.103483 }, -- Lambda_2 is a small difference from here on
      { 10, 48.83978, 1.034998, 0.9661851 },
    }, 2e-2, { rng = fit })
  end)

  -- A fixed scatter of slopes for each simulation, and noise from a bank that is drawn anew at
  -- every use, the same for all versions of a simulation. The network draws it. The reference
  -- validated with the key of the training set; the columns of the training set do not know.
  it('has a slope that scatters, and noise on the fly', function()
    local rng, of_bank = random.split(random.PRNGKey(0)):unpack()
    local bank = random.normal(of_bank, { 500, 100 })
    local key, val_key, model
    rng, key, val_key = random.split(rng, 3):unpack()
    local function slopes(k)
      return 1 + np.sqrt(np.array(0.1)) * random.normal(k, { 2000 }):reshape { 2000, 1 }
    end
    local a, b = slopes(key), slopes(val_key)
    rng, model = random.split(rng):unpack()
    local fit = random.split(rng)[2]
    local network = mlp(1)
    local noisy = { network.init, function(w, d, opts)
      local i = random.randint(opts.rng, {}, 0, 500)
      return network.apply(w, d + bank[i + 1])
    end }
    local function sides(s)
      local first = s[{ { 1, 1000 } }]
      return np.stack({ (first - 0.05) * x, (first + 0.05) * x }, 2):reshape { 1000, 2, 1, 100 }
    end
    local net = imnn.AggregatedNumericalGradientIMNN { n_s = 2000, n_d = 1000, n_params = 1,
      n_summaries = 1, input_shape = { 100 }, theta_fid = np.array { 1 }, model = noisy,
      optimiser = imnn.optimizers.adam(1e-3), key_or_state = model, delta_theta = { 0.1 },
      fiducial = a * x, derivative = sides(a), validation_fiducial = b * x,
      validation_derivative = sides(b), host = 'cpu:0', devices = { 'cpu:0' },
      n_per_device = 100 }
    agrees(net, {
      { 0, 9.43839, 2.20626, 0.453256, 1.753, 9.03097, 13.5865 },
      { 1, 4.69239, 0.174278, 5.73797, 5.56369, 9.99106, 54.0413 },
      { 2, 9.00149, 1.01568, 0.984562, 0.0311176, 0.310588, -2.18773 },
    }, 2e-2, { rng = fit })
    net:set_F_statistics { w = net.final_w, key = fit }
    assert.is_true(net.F[1][1]:item() < 10.8)
  end)
end)

describe('data sets on disk', function()
  local usage = require 'tests.support.usage'
  local root = random.split(random.PRNGKey(0))[1]
  local n_s, n_d = 100, 40
  local keys = random.split(root, 2 * n_s)

  local function simulation(seed) return simulator(keys[seed + 1], theta) end
  local function side(seed, which, p)
    local t = { 0, 1 }
    t[p] = t[p] + (which == 1 and -0.05 or 0.05)
    return simulator(keys[seed + 1], np.array(t))
  end

  local function write(first, prefix)
    local writer = imnn.TFRecords { record_size = 0.004 }
    return writer:write_record { n_sims = n_s, start = first, get_simulation = simulation,
      filename = prefix .. 'fiducial', progress = false },
      writer:write_record { n_sims = n_d, start = first, get_simulation = side, fiducial = false,
        n_params = 2, filename = prefix .. 'derivative', progress = false }
  end

  it('of TFRecords give the same bytes as arrays', function()
    usage.apart(function()
      local histories = {}
      local o = options(random.PRNGKey(3), aggregated)
      o.n_s, o.n_d, o.n_per_device, o.delta_theta = n_s, n_d, 7, { 0.1, 0.1 }
      for first, prefix in pairs { [0] = '', [n_s] = 'validation_' } do
        local fiducial, derivative = write(first, prefix)
        assert.is_true(#fiducial > 1 and #derivative > 1)
        o[prefix .. 'fiducial'] = imnn.data.tfrecord.fiducial(fiducial, { shape = { 10 } })
        o[prefix .. 'derivative'] = imnn.data.tfrecord.numerical(derivative,
          { shape = { 10 }, n_params = 2 })
      end
      local streamed = imnn.DatasetNumericalGradientIMNN(o)
      local read = options(random.PRNGKey(3), { n_s = n_s, n_d = n_d, delta_theta = { 0.1, 0.1 } })
      for _, name in ipairs { 'fiducial', 'derivative', 'validation_fiducial',
        'validation_derivative' } do read[name] = o[name]:read() end
      local plain = imnn.NumericalGradientIMNN(read)
      for i, net in ipairs { streamed, plain } do
        net:fit { lambda = 10, epsilon = 0.1, max_iterations = 8, quiet = true }
        histories[i] = { net.history.loss:totable(), net.history.val_loss:totable(),
          net.F:totable() }
      end
      assert.same(histories[1], histories[2])
      assert.same(simulation(4):totable(), streamed.fiducial:read(5)[1]:totable())
    end)
  end)
end)
