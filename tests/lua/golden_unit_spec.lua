--- The configuration of the reference's own tests, every class: statistics before a fit and after
-- it, estimates, histories. The numbers were derived in double from the definitions, and agree with
-- the reference (imnn 0.3.2, float32) to four or five digits; the covariance of three summaries is
-- nearly singular here, which costs digits.
local imnn = require 'imnn'
local ten = require 'tests.support.ten_numbers'
local np, random = imnn.np, imnn.random

local _, model_key, data_key, fit_key, stats_key = random.split(random.PRNGKey(0), 5):unpack()
local network = ten.mlp(3)

-- Simulations with derivatives or both sides, of the training (1) or the validation set (2).
local sets = {}
local function set_of(class, i)
  local make = class:find 'Numerical' and ten.numerical_set or ten.gradient_set
  local function one(k) return { make(random.split(random.split(data_key)[k], 1000)) } end
  sets[make] = sets[make] or { one(1), one(2) }
  return unpack(sets[make][i])
end

local function new(class, validate, n_d)
  local o = ten.options(model_key, { n_d = n_d, n_summaries = 3, model = network })
  if class:find 'Simulator' then o.simulator = ten.simulator
  else
    local head = { { 1, n_d } }
    o.fiducial, o.derivative = set_of(class, 1)
    o.derivative = o.derivative[head]
    if validate then
      o.validation_fiducial, o.validation_derivative = set_of(class, 2)
      o.validation_derivative = o.validation_derivative[head]
    end
  end
  if class:find 'Numerical' then o.delta_theta = np.array { 0.1, 0.1 } end
  if class:find 'Aggregated' then
    o.host, o.devices, o.n_per_device = 'cpu:0', { 'cpu:0' }, n_d
  end
  return imnn[class](o)
end

local function fit(net, more)
  local o = { lambda = 10, epsilon = 0.01, rng = fit_key, patience = 5, min_iterations = 1,
    max_iterations = 10, quiet = true }
  for name, value in pairs(more or {}) do o[name] = value end
  return net:fit(o)
end

local datum = random.normal(data_key, { 10 })

local function near(expected, got, tolerance, what)
  local off = math.abs(got / expected - 1)
  assert(off < tolerance, ('%s is %.8g, not %.8g'):format(what, got, expected))
end

-- row: det F, det C, F11, F12, F22, estimate
local function check(net, row, tolerance)
  local F = net.F
  near(row[1], np.linalg.det(F):item(), tolerance, 'det F')
  near(row[2], np.linalg.det(net.C):item(), tolerance, 'det C')
  near(row[3], F[1][1]:item(), tolerance, 'F11')
  near(row[4], F[1][2]:item(), tolerance, 'F12')
  near(row[5], F[2][2]:item(), tolerance, 'F22')
  local one, many = net:get_estimate(datum), net:get_estimate(datum:reshape { 1, 10 })
  for k = 1, 2 do
    local value = one[k]:item()
    assert(math.abs(value - row[5 + k]) < 2 * tolerance * (math.abs(row[6]) + math.abs(row[7])),
      ('estimate %d is %.6g, not %.6g'):format(k, value, row[5 + k]))
    assert.is.near(value, many[1][k]:item(), 1e-4 * math.max(1, math.abs(value)))
  end
end

local function text(row)
  return ('%s, n_d = %d%s'):format(row[1], row[3], row[2] and ', with a validation set' or '')
end

describe('the tests of the reference', function()
  it('have these data', function()
    local first = { 0.3680721, -1.0470114, -0.7134557, -0.45639414, -0.12111577, 1.7789966,
      -1.3289763, 0.22841582, 0.51576954, 1.3822807 }
    for i, v in ipairs(datum:totable()) do assert.is.near(first[i], v, 1e-6) end
    local d = set_of('GradientIMNN', 1)[1]:totable()
    for i, v in ipairs { 0.31743094, 0.5821637, 0.8441164, 0.3668838 } do
      assert.is.near(v, d[i], 1e-6)
    end
  end)

  for _, row in ipairs {
    { 'SimulatorIMNN', false, 1000, 0.015459549, 7.2846703e-06, 1.99491228, 0.64228633, 0.2145414,
      -2.54055, 12.42127 },
    { 'SimulatorIMNN', false, 100, 0.055036297, 7.2846703e-06, 1.95244699, 0.66518659, 0.25481332,
      -3.48653, 14.12770 },
    { 'GradientIMNN', true, 1000, 0.018795412, 7.8147408e-06, 2.05636182, 0.59962087, 0.18398542,
      -1.14510, 8.82071 },
    { 'GradientIMNN', false, 1000, 0.0088844478, 6.452519e-06, 1.81004965, 0.5464319, 0.16986952,
      -6.27499, 25.96713 },
    { 'GradientIMNN', true, 100, 0.0010777432, 7.8147408e-06, 1.53682124, 0.51205398, 0.17131272,
      -15.96794, 52.78829 },
    { 'GradientIMNN', false, 100, 0.062565996, 6.452519e-06, 2.29511086, 0.61131042, 0.19008512,
      -1.69492, 11.43225 },
    { 'NumericalGradientIMNN', true, 1000, 0.01989703, 7.8147408e-06, 2.07354532, 0.60163891,
      0.18416111, -0.93403, 8.13841 },
    { 'NumericalGradientIMNN', false, 1000, 0.0095220246, 6.452519e-06, 1.82416467, 0.54814827,
      0.16993452, -5.50647, 23.54250 },
    { 'NumericalGradientIMNN', true, 100, 0.00012112394, 7.8147408e-06, 1.62071894, 0.52699828,
      0.17143522, -88.48, 277.06 },
    { 'NumericalGradientIMNN', false, 100, 0.064031857, 6.452519e-06, 2.30795251, 0.61242855,
      0.19025547, -1.58655, 11.08714 },
  } do
    it('before a fit: ' .. text(row), function()
      local net = new(row[1], row[2], row[3])
      assert.is_false((pcall(net.get_estimate, net, datum)))
      net:set_F_statistics { key = stats_key }
      check(net, { unpack(row, 4) }, row[4] < 1e-3 and 2e-2 or 2e-3)
    end)
  end

  -- Without a validation set the reference keeps weights one step behind the best ones; with a
  -- simulator its aggregated class takes the key of the last iteration for the statistics.
  for _, row in ipairs {
    { 'SimulatorIMNN', false, 1000, 0.060270357, 0.0040286838, 2.62346139, 0.68307265, 0.20082575,
      -1.26581, 9.96348, best = 6, max = 0.083169419 },
    { 'AggregatedSimulatorIMNN', false, 1000, 0.072036095, 0.0035638635, 2.91918172, 0.68267096,
      0.18432417, -0.92776, 9.24819, best = 6, max = 0.083169419, advanced = true },
    { 'SimulatorIMNN', false, 100, 0.050317656, 0.0040365911, 2.42097621, 0.49468995, 0.12186646,
      -1.74414, 14.72004, best = 6, max = 0.18163991 },
    { 'AggregatedSimulatorIMNN', false, 100, 0.15455005, 0.0035717588, 3.13123126, 0.8599869,
      0.28555142, -0.50872, 6.47422, best = 6, max = 0.18163991, advanced = true },
    { 'GradientIMNN', true, 1000, 0.10365857, 0.016477979, 3.04863196, 0.65894326, 0.17642824,
      -0.12006, 6.05569, best = 9, max = 0.10365857 },
    { 'GradientIMNN', false, 1000, 0.072903114, 0.015678164, 2.72684755, 0.56667002, 0.1444958,
      -0.41410, 8.21042, best = 9, max = 0.069728562 },
    { 'GradientIMNN', true, 100, 0.045534503, 0.016564849, 3.04405547, 0.70962887, 0.18038687,
      -0.37128, 6.90388, best = 9, max = 0.045534503 },
    { 'AggregatedGradientIMNN', false, 100, 0.13167794, 0.015753964, 3.0059329, 0.5944432,
      0.16136111, -0.10291, 6.84602, best = 9, max = 0.13043886 },
    { 'AggregatedNumericalGradientIMNN', true, 1000, 0.10685109, 0.016476406, 3.06886547,
      0.65907651, 0.17636255, -0.10367, 5.95891, best = 9, max = 0.10685109 },
    { 'NumericalGradientIMNN', true, 100, 0.047418911, 0.016607078, 3.01301059, 0.70583004,
      0.18108631, -0.39389, 6.95769, best = 9, max = 0.047418911 },
  } do
    it('after a fit: ' .. text(row), function()
      local net = new(row[1], row[2], row[3])
      assert.equal('max_iterations', fit(net))
      assert.equal(10, net.history.size)
      near(row.max, net.history.max_detF, 5e-3, 'max_detF')
      local scores = net.history[row[2] and 'val_lndetF' or 'lndetF']
      assert.equal(row.best + 1, np.argmax(scores):item())
      if not row[2] then
        net:reset(model_key)
        fit(net, { max_iterations = row.best + 1, best = false })
      end
      if row.advanced then
        local key = fit_key
        for _ = 1, 10 do key = random.split(key, 3)[1] end
        net:set_F_statistics { key = key }
      end
      check(net, { unpack(row, 4) }, 5e-3)
    end)
  end
end)

-- Iteration from 0; det F, det C, det C^-1, Lambda_2, r; loss, or the same of the validation set.
local columns = { 'detF', 'detC', 'detinvC', 'Lambda_2', 'r', 'loss' }
local val_columns = { 'val_detF', 'val_detC', 'val_detinvC', 'val_Lambda_2', 'val_r' }

local histories = {
  { 'SimulatorIMNN', false, 1000, rows = {
    { 0, 0.024975544, 6.7980731e-06, 147100.51, 113.72934, 10, 1140.9833 },
    { 1, 0.065935171, 2.1864918e-05, 45735.366, 62.849075, 10, 631.20984 },
    { 2, 0.041723428, 7.2424142e-05, 13807.55, 41.559008, 10, 418.76677 },
    { 3, 0.044550767, 0.00023779962, 4205.2212, 28.340314, 10, 286.51426 },
    { 4, 0.056258332, 0.00052873046, 1891.3229, 21.504929, 10, 217.92709 },
    { 5, 0.046113687, 0.0011221179, 891.17196, 16.631104, 10, 169.38769 },
    { 6, 0.083169419, 0.0020367566, 490.97668, 13.613201, 10, 138.61889 },
    { 7, 0.081700332, 0.0037821349, 264.40093, 10.958532, 10, 112.09001 },
    { 8, 0.052868192, 0.0060605353, 165.00193, 9.2070825, 10, 95.010778 },
    { 9, 0.071703949, 0.0096930431, 103.16678, 7.7942579, 10, 80.577789 },
  } },
  { 'SimulatorIMNN', false, 100, lists = {
    detF = { 0.06032171, 0.056891539, 0.0088443444, 0.017716335, 0.1240107, 0.089424541,
      0.18163991, 0.0098519112, 0.018043816, 0.13181923 },
    loss = { 1140.1015, 631.20368, 420.07987, 287.34238, 217.09713, 168.70058, 137.79552,
      114.1515, 96.035502, 79.934862 },
  } },
  { 'GradientIMNN', true, 1000, rows = {
    { 0, 0.0088844478, 6.452519e-06, 154978.23, 114.73187, 10, 1152.0421,
      0.043742064, 2.8019986e-05, 35688.811, 58.978853, 10 },
    { 1, 0.028498465, 2.3947928e-05, 41757.266, 61.403627, 10, 617.59417,
      0.064616068, 8.7027057e-05, 11490.679, 39.302386, 10 },
    { 2, 0.043258127, 7.6411588e-05, 13087.02, 40.92305, 10, 412.37107,
      0.07818936, 0.00023292367, 4293.252, 28.268274, 10 },
    { 5, 0.059839793, 0.0010676103, 936.67138, 16.978323, 10, 172.59932,
      0.092285788, 0.0022435965, 445.71295, 13.135318, 10 },
    { 9, 0.069728562, 0.010241198, 97.644822, 7.6453171, 10, 79.116316,
      0.10365857, 0.016477979, 60.687056, 6.4079473, 10 },
  } },
  { 'GradientIMNN', true, 100, lists = {
    detF = { 0.062565996, 0.097277321, 0.12083789, 0.12223829, 0.1204769, 0.121111, 0.12734133,
      0.12380275, 0.12473173, 0.13043886 },
    val_detF = { 0.0038012336, 0.017271479, 0.023984019, 0.028378748, 0.034657929, 0.034655268,
      0.040865567, 0.041924864, 0.043949302, 0.045534503 },
  } },
  { 'NumericalGradientIMNN', true, 1000, lists = {
    detF = { 0.0095220246, 0.030240424, 0.045818637, 0.055343785, 0.059919011, 0.0625638,
      0.065082719, 0.066928225, 0.06869097, 0.070595838 },
    val_detF = { 0.045749108, 0.065703881, 0.077948245, 0.085607163, 0.090083047, 0.09471121,
      0.097716402, 0.10060746, 0.10348089, 0.10685109 },
  } },
  { 'NumericalGradientIMNN', true, 100, lists = {
    detF = { 0.064031857, 0.096163865, 0.11558161, 0.12718614, 0.12603235, 0.12847977,
      0.12948483, 0.131427, 0.13095511, 0.13273379 },
    val_detF = { 0.0044240058, 0.017664802, 0.024915559, 0.031058502, 0.035847118, 0.038628726,
      0.041797413, 0.044610032, 0.046097244, 0.047418911 },
  } },
}

describe('histories of the tests of the reference', function()
  for _, row in ipairs(histories) do
    it('of ' .. text(row), function()
      local net = new(row[1], row[2], row[3])
      fit(net)
      local h = net.history
      for _, line in ipairs(row.rows or {}) do
        local names = { unpack(columns) }
        for _, name in ipairs(row[2] and val_columns or {}) do names[#names + 1] = name end
        for k, name in ipairs(names) do
          near(line[k + 1], h[name][line[1] + 1]:item(), 5e-3, name .. ' ' .. line[1])
        end
      end
      for name, list in pairs(row.lists or {}) do
        for i, v in ipairs(list) do near(v, h[name][i]:item(), 5e-3, name .. ' ' .. i - 1) end
      end
    end)
  end

  it('begin with this gradient', function()
    local watcher = {
      init = function(w) return { w, w } end,
      update = function(_, gradient, state) return { state[1], gradient } end,
      get_params = function(state) return state[1] end,
    }
    for n_d, norms in pairs {
      [1000] = { 2821.489, 1018.601, 4872.942, 1476.004, 5055.732, 1716.499, 3690.611 },
      [100] = { 2816.613, 1018.544, 4871.476, 1475.939, 5055.778, 1716.394, 3690.583 },
    } do
      local fiducial, derivative = set_of('GradientIMNN', 1)
      local net = imnn.GradientIMNN(ten.options(model_key, { n_d = n_d, n_summaries = 3,
        model = network, optimiser = watcher, fiducial = fiducial,
        derivative = derivative[{ { 1, n_d } }] }))
      local x, dx = net:get_summaries()
      for a, v in ipairs { -0.412899479, -0.055078267, -0.004381673 } do
        assert.is.near(v, x[1][a]:item(), 1e-5)
      end
      for a, slopes in ipairs { { -0.339316929, -0.211008905 }, { 0.134612428, -0.019419331 },
        { -0.313208731, -0.035272512 } } do
        for p, v in ipairs(slopes) do assert.is.near(v, dx[1][a][p]:item(), 1e-5) end
      end
      fit(net, { max_iterations = 1 })
      local gradient = net.state[2]
      for k, v in ipairs(norms) do
        local leaf = gradient[2 * math.floor((k - 1) / 2) + 1][(k - 1) % 2 + 1]
        near(v, math.sqrt((leaf * leaf):sum():item()), 1e-3, 'norm ' .. k)
      end
      if n_d == 1000 then
        for i, v in ipairs { -111.769631, 125.184693, -23.818630 } do
          near(v, gradient[1][1][1][i]:item(), 1e-3, 'W1')
        end
        for i, v in ipairs { -33.172580, 166.797534, -183.280208 } do
          near(v, gradient[1][2][i]:item(), 1e-3, 'b1')
        end
        for i, v in ipairs { -36.388396, -39.789335, -129.362870 } do
          near(v, gradient[7][1][1][i]:item(), 1e-3, 'W4')
        end
      end
    end
  end)
end)
