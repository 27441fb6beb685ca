--- net:information: what the summaries tell, on simulations that no fit has seen.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random = imnn.np, imnn.random
local keys = nets.keys

-- A "network" whose only summary is the mean of ten numbers.
local mean = {
  init = function() return { 1 }, { np.zeros { 1 } } end,
  apply = function(w, d) return d:mean():reshape { 1 } + w[1] end,
}

local function of_mean(class, more)
  local o = { n_s = 20, n_d = 20, n_params = 1, n_summaries = 1, input_shape = { 10 },
    theta_fid = { 0 }, optimiser = imnn.optimizers.sgd(0.1), key_or_state = keys[1], model = mean }
  for name, value in pairs(more) do o[name] = value end
  return imnn[class](o)
end

-- The information of ten unit normals about their mean is 10.
local function simulator_of_mean()
  return of_mean('SimulatorIMNN', {
    simulator = function(key, theta) return theta[1] + random.normal(key, { 10 }) end,
  })
end

-- Simulations whose derivatives scatter: 1 + 2 n.
local function scattered(key, n)
  local a, b = random.split(key):unpack()
  return random.normal(a, { n, 10 }), 1 + 2 * random.normal(b, { n, 10, 1 })
end

-- The same from another program.
local function close(a, b)
  assert.is_true(np.abs(a - b):max():item() <= 1e-9 * np.abs(a):max():item())
end

describe('information', function()
  it('is right, and so are its errors', function()
    local n = 4000
    local r = simulator_of_mean():information { key = keys[2], n_s = n }
    assert.equal(n, r.n_s)
    assert.equal(n, r.n_d)
    local expected = 10 * math.sqrt(2 / (n - 1)) -- of a variance of normals
    assert.is.near(expected, r.F_error[1][1]:item(), 0.25 * expected)
    assert.is.near(expected / 10, r.lndetF_error, 0.25 * expected / 10)
    assert.is.near(10, r.F[1][1]:item(), 4 * expected)
    assert.is.near(math.log(r.F[1][1]:item()), r.lndetF, 1e-12)
    assert.is.near(r.detF, r.F[1][1]:item(), 1e-9)
    assert.is.near((n - 3) / (n - 1), r.hartlap, 1e-12)
    assert.is.near(0, r.noise[1][1]:item(), 1e-12) -- the derivative of a mean is 1
    assert.is.near(10 ^ -0.5, r.errors[1]:item(), 0.03)
    assert.is.near(1, r.condition, 1e-12)
  end)

  it('has the noise of derivatives as it is defined', function()
    local x, dx = scattered(keys[3], 20)
    local net = of_mean('GradientIMNN', { fiducial = x, derivative = dx })
    local r = net:information()
    local d, sum = dx:mean { axis = { 2, 3 } }:totable(), 0
    local centre = np.mean(np.array(d, 'f64')):item()
    for _, one in ipairs(d) do sum = sum + (one - centre) ^ 2 / 19 end
    local noise = r.invC[1][1]:item() * sum / 20
    assert.is.near(noise, r.noise[1][1]:item(), 1e-5 * noise)
    assert.is.near(noise / r.F[1][1]:item(), r.noise_fraction[1]:item(), 1e-6)
    assert.is.near(17 / 19 * (r.F[1][1]:item() - noise), r.F_corrected[1][1]:item(), 1e-5)
    assert.is.near(math.log(r.F_corrected[1][1]:item()), r.lndetF_corrected, 1e-12)
  end)

  it('is too large from few simulations, and corrected right on average', function()
    local raw, corrected, sets = {}, {}, 300
    local set_keys = random.split(keys[4], sets)
    local x, dx = scattered(keys[3], 20)
    local net = of_mean('GradientIMNN', { fiducial = x, derivative = dx })
    for i = 1, sets do
      x, dx = scattered(set_keys[i], 20)
      local r = net:information { data = { fiducial = x, derivative = dx }, n_bootstrap = 2 }
      raw[i], corrected[i] = r.F[1][1]:item(), r.F_corrected[1][1]:item()
    end
    raw, corrected = np.array(raw), np.array(corrected)
    local error = (corrected:std() / sets ^ 0.5):item() -- a false alarm: one seed in 10^4
    assert.is.near(10, corrected:mean():item(), 4 * error)
    local expected = (10 + 4 / 20) * 19 / 17 -- 1 / C averages to 19 / 17; (1 + n / 20)^2 to 1.02
    assert.is.near(expected, raw:mean():item(), 4 * (raw:std() / sets ^ 0.5):item())
  end)

  it('resamples simulations that have both together', function()
    -- the summary is its own derivative: so correlated that a resample apart would show
    local x = 3 + random.normal(keys[3], { 400, 10 })
    local net = of_mean('GradientIMNN', { n_s = 400, n_d = 400, fiducial = x,
      derivative = x:reshape { 400, 10, 1 } })
    local r = net:information()
    -- F = m^2 / C, with var(m) = C / n and var(C) = 2 C^2 / n, m and C independent
    local m = x:mean():item()
    local C = r.C[1][1]:item()
    local expected = math.sqrt((4 * C / m ^ 2 + 2) / 400)
    assert.is.near(expected, r.lndetF_error, 0.25 * expected)
  end)

  it('is that of the statistics where the simulations are the same', function()
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    net:set_F_statistics { key = keys[2] }
    local r = net:information { key = keys[2] }
    close(net.F, r.F)
    close(net.C, r.C)
    assert.is_nil(r.training) -- nothing was fitted
    local other = net:information { key = keys[2] }
    assert.equal(r.lndetF_error, other.lndetF_error)
    assert.equal(40, net:information { key = keys[2], n_d = 40 }.n_d)
  end)

  for _, class in ipairs { 'GradientIMNN', 'NumericalGradientIMNN' } do
    local gradient = class == 'GradientIMNN'
    local options = gradient and nets.gradient_options or nets.numerical_options
    local set = gradient and nets.gradient_set or nets.numerical_set

    it('is of the validation set of ' .. class .. ', or of other simulations', function()
      local net = imnn[class](options { validation = true })
      nets.fit(net)
      net:set_F_statistics()
      local r = net:information()
      close(net.F, r.F)
      assert.equal('simulations of the validation set', r.source)
      net:set_F_statistics { validate = false }
      assert.is.near(select(2, np.linalg.slogdet(net.F)):item(), r.training.lndetF, 1e-10)
      local fiducial, derivative = set(keys[4], 60)
      local same = net:information { data = { fiducial = fiducial, derivative = derivative } }
      close(r.F, same.F)
      fiducial, derivative = set(keys[2], 90)
      r = net:information { data = { fiducial = fiducial, derivative = derivative[{ { 1, 50 } }] } }
      assert.equal(90, r.n_s)
      assert.equal(50, r.n_d)
      assert.equal(60, net.n_s)
      if not gradient then
        r = net:information { data = { fiducial = fiducial[{ { 1, 40 } }],
          derivative = derivative } }
        assert.equal(90, r.n_d)
        assert.is_true(r.lndetF_error > 0)
        local readers = { fiducial = imnn.data.from_array(fiducial),
          derivative = imnn.data.from_array(derivative:reshape { 360, 10 }) }
        assert.equal(90, net:information { data = readers }.n_d)
      end
    end)

    it('says that the training set of ' .. class .. ' flatters', function()
      local net = imnn[class](options { optimiser = imnn.optimizers.adam(3e-2) })
      nets.fit(net, { max_iterations = 300 })
      local r = net:information()
      assert.is_true(r.of_training)
      assert.matches('^there are no held%-out simulations: this is the value of the training set',
        r.advice[1])
      local fiducial, derivative = set(keys[4], 600)
      r = net:information { data = { fiducial = fiducial, derivative = derivative } }
      assert.is_true(r.optimism_sigma > 2)
      assert.is.near(r.training.lndetF - r.lndetF_corrected, r.optimism, 1e-12)
      assert.matches('^the training value %(the training set%) is optimistic by [%d.]+ in ln det '
        .. 'F, [%d.]+ standard errors; error bars from it would be [%d.]+ %% too small$',
        r.advice[1])
      assert.matches('^information in the summaries of ' .. class .. ', from 600 simulations that '
        .. 'were given, 600 with derivatives\n  ln det F  ', tostring(r))
    end)
  end

  it('is of simulations that a simulator is given, as those of a network of data', function()
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    for kind, class in pairs { gradient = 'GradientIMNN', numerical = 'NumericalGradientIMNN' } do
      local fiducial, derivative = nets[kind .. '_set'](keys[4], 90)
      local data = { fiducial = fiducial, derivative = derivative[{ { 1, 50 } }] }
      local other = imnn[class](nets[kind .. '_options']())
      local want = other:information { data = data, w = net.w }
      data['δθ'] = kind == 'numerical' and other.delta_theta or nil
      for _, one in ipairs { net, imnn.GradientIMNN(nets.gradient_options()) } do
        local r = one:information { data = data, w = net.w }
        close(want.F, r.F)
        assert.equal(want.lndetF_error, r.lndetF_error)
        assert.same({ 90, 50, 'simulations that were given' }, { r.n_s, r.n_d, r.source })
      end
    end
    nets.fit(net, { max_iterations = 30 })
    local fiducial, derivative = nets.gradient_set(keys[4], 900)
    local r = net:information { data = { fiducial = fiducial, derivative = derivative } }
    assert.equal(net.history.max_lndetF, r.training.lndetF)
  end)

  it('shows nothing odd before a fit, nor where noise is as large as the information', function()
    local function plain(r)
      local text = tostring(r)
      assert.is_nil(text:find 'nan')
      assert.is_nil(text:find 'training')
      return text
    end
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    plain(net:information { key = keys[4], n_s = 500 })
    local text = plain(net:information { key = keys[4], n_s = 10 })
    assert.matches('ln det F  [-%d.]+ %+%- [%d.]+\n', text)
    assert.matches('the noise of the derivatives is as large as the information', text)
    for _, validation in ipairs { false, true } do
      local r = imnn.GradientIMNN(nets.gradient_options { validation = validation or nil })
        :information()
      assert.is_nil(r.training)
      assert.is_nil(r.optimism)
      assert.is_nil(table.concat(r.advice, ' '):find 'held%-out')
    end
  end)

  it('compares with the best iteration of a simulator', function()
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    nets.fit(net, { max_iterations = 100 })
    local r = net:information { key = keys[4], n_s = 2000 }
    assert.equal(net.history.max_lndetF, r.training.lndetF)
    assert.matches('^the training value %(the best of 100 noisy iterations%) ', r.advice[1])
    assert.matches('parameter 2: F ', tostring(r))
    assert.matches('Hartlap factor 0.99', tostring(r))
  end)

  it('advises', function()
    local x, dx = scattered(keys[3], 8)
    local net = of_mean('GradientIMNN', { n_s = 8, n_d = 8, fiducial = x, derivative = dx })
    local text = table.concat(net:information().advice, '\n')
    assert.matches('so few simulations make the inverse covariance too large', text)
    assert.matches('of its information is noise of the derivatives', text)
    net = imnn.SimulatorIMNN(nets.simulator_options())
    local r = net:information { key = keys[4], n_s = 10 }
    assert.is_true(r.lndetF_corrected ~= r.lndetF_corrected)
    assert.matches('^the noise of the derivatives is as large as the information', r.advice[1])
  end)

  it('refuses what makes no sense', function()
    local net, o = imnn.SimulatorIMNN(nets.simulator_options()), nets.gradient_options()
    local data = { fiducial = o.fiducial, derivative = o.derivative }
    local stored = imnn.GradientIMNN(o)
    for text, fn in pairs {
      ['information: key is missing: the simulations are drawn from it'] = function()
        net:information()
      end,
      ['information: n_s and n_d go with fresh simulations, not with data'] = function()
        net:information { key = keys[2], data = data, n_s = 60 }
      end,
      ['information: GradientIMNN has a fixed number of simulations; n_s and n_d go with '
        .. 'simulators'] = function() stored:information { n_s = 3 } end,
      ['information: n_s must be a positive integer, got 0'] = function()
        net:information { key = keys[2], n_s = 0 }
      end,
      ['information: n_s is 2, n_summaries 2; the covariance of so few simulations is singular, '
        .. 'take at least 3'] = function() net:information { key = keys[2], n_s = 2 } end,
      ['information: n_s is 4; with 2 summaries the inverse of the covariance has no mean, take at '
        .. 'least 5'] = function() net:information { key = keys[2], n_s = 4 } end,
      ['information: n_bootstrap must be at least 2, got 1'] = function()
        stored:information { n_bootstrap = 1 }
      end,
      ['information: option "derivative" is missing'] = function()
        stored:information { data = { fiducial = data.fiducial } }
      end,
      ['information: derivative must be (60, 10, 2), that is (n_d, input_shape, n_params), got '
        .. '(60, 10)'] = function()
        stored:information { data = { fiducial = data.fiducial, derivative = data.fiducial } }
      end,
    } do
      assert.equal(text, message(fn):match '^tests/lua/information_spec.lua:%d+: (.*)$')
    end
  end)
end)
