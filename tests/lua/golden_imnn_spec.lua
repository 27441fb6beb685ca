--- Fits of the reference package, repeated; tests/golden/imnn says how well they should agree.
local imnn = require 'imnn'
local golden = require 'tests.support.golden_fits'
local random = imnn.random

describe('fits of the reference', function()
  for _, name in ipairs { 'simulator', 'simulator_nd100', 'simulator_s3', 'simulator_two_fits' } do
    golden.start(it, name)
    golden.history(it, name, 1e-4)
    golden.trace(it, name)
    golden.final(it, name, 1e-4, name == 'simulator_two_fits' and function(file)
      return random.split(file['keys/fit'])[2]
    end)
  end
  for _, name in ipairs { 'unit_simulator', 'unit_simulator_nd100' } do
    golden.start(it, name)
    golden.history(it, name, 5e-3)
    golden.final(it, name, 5e-3)
  end
  golden.final(it, 'doc_fit_simulator', 1e-4)
  golden.final(it, 'doc_simulator', 1e-4, function(file)
    return random.split(file['keys/data'])[2]
  end)

  -- Data that lie there.
  for _, name in ipairs {
    'gradient', 'gradient_val', 'gradient_val_nd100', 'gradient_s3_val_nd100',
    'numerical', 'numerical_val', 'numerical_val_nd100', 'numerical_s3_val',
  } do
    golden.start(it, name)
    golden.history(it, name, 1e-4)
    golden.trace(it, name)
    golden.final(it, name, 1e-4)
  end
  golden.history(it, 'gradient_patience', 1e-4)

  -- Batch by batch there, the same as ever here. With simulators the reference took the key of the
  -- last iteration for the statistics.
  local function advanced(file)
    local key = file['keys/fit']
    for _ = 1, file['history/iterations_after_call']:totable()[1] do
      key = random.split(key, 3)[1]
    end
    return key
  end
  for _, name in ipairs {
    'aggregated_simulator', 'aggregated_simulator_nd100', 'aggregated_gradient_nd100',
    'aggregated_gradient_val', 'aggregated_numerical_nd100', 'aggregated_numerical_val',
    'dataset_gradient_nd100', 'dataset_gradient_val', 'dataset_numerical_val',
  } do
    golden.start(it, name)
    golden.history(it, name, 1e-4)
    golden.trace(it, name)
    golden.final(it, name, 1e-4, name:find 'simulator' and advanced or nil)
  end

  for _, name in ipairs { 'doc_simulator', 'doc_fit_simulator' } do
    it(name .. ': the first ten iterations', function()
      local file, set = golden.open(name)
      local net = golden.net_of(file, set)
      golden.fit(net, file, set, { max_iterations = 10 })
      for _, c in ipairs(golden.columns(set)) do
        local d = golden.relative(file['history/' .. c], net.history[c], 10)
        assert.is_true(d < 1e-2, ('%s is off by %.2g'):format(c, d))
      end
    end)
  end

  -- The reference stops after 1519 iterations; the count depends on the last bits. Threads change
  -- nothing, and one of them takes as long as it takes whatever else the machine does.
  it('doc_fit_simulator: to the end', function()
    local threads = imnn.threads()
    finally(function() imnn.set_threads(threads) end)
    imnn.set_threads(1)
    local file, set = golden.open 'doc_fit_simulator'
    local net = golden.net_of(file, set)
    assert.equal('patience', golden.fit(net, file, set, { best = true }))
    assert.is_true(net.history.size >= 1251 and net.history.size < 3000)
    local lndetF = math.log(net.F[1][1]:item() * net.F[2][2]:item() - net.F[1][2]:item() ^ 2)
    assert.is_true(lndetF > math.log(40) and lndetF < math.log(50.3))
    local sigma = { math.sqrt(net.invF[1][1]:item()), math.sqrt(net.invF[2][2]:item()) }
    assert.is.near(0.3198, sigma[1], 0.01)
    assert.is.near(0.4713, sigma[2], 0.015)
    local estimate = net:get_estimate(file['estimate/target']):totable()
    local reference = file['estimate/target_estimate']:totable()
    assert.is.near(reference[1], estimate[1], 0.15)
    assert.is.near(reference[2], estimate[2], 0.2)
  end)
end)
