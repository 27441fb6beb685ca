-- Sets of simulations in files.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, data, hdf5 = imnn.np, imnn.random, imnn.data, imnn.data.hdf5

local path = os.tmpname()
local key, theta = random.PRNGKey(7), np.array { 1, 2 }
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'

local function simulator(k, t) return t[1] + np.sqrt(t[2]) * random.normal(k, { 4 }) end

local function clean() os.execute(('rm -f %s %s.part'):format(path, path)) end

local function options(more)
  local out = { path = path, simulator = simulator, theta_fid = theta, n_s = 30, n_d = 12,
    key = key, progress = false }
  for name, v in pairs(more or {}) do
    out[name] = v
    if v == 'none' then out[name] = nil end
  end
  return out
end

local function write(more)
  clean()
  return data.write_simulations(options(more))
end

local function bytes()
  local file = io.open(path, 'rb')
  local text = file:read '*a'
  file:close()
  return text
end

local function refuses(why, fn)
  local said = message(fn):gsub('^(tests/lua/simulations_spec.lua):%d+:', '%1:')
  assert.equal('tests/lua/simulations_spec.lua: ' .. why:gsub('FILE', path), said)
end

local function near(a, b)
  a, b = a:values(), b:values()
  assert.equal(#a, #b)
  for i, v in ipairs(a) do assert(math.abs(v - b[i]) < 1e-5, i) end
end

-- What looks like a simulator of imnn.simulators: fn(key, theta) row by row; rows for which it is
-- nil are dropped.
local function black_box(fn)
  return {
    run = function(_, keys, thetas)
      local list, kept, failed = {}, {}, {}
      for i = 1, #keys do
        local x = fn(keys[i], thetas.ndim == 1 and thetas or thetas[i])
        if x then list[#list + 1], kept[#kept + 1] = x, i
        else failed[#failed + 1] = { index = i, attempts = 1 } end
      end
      local dropped = #keys - #list
      local x = #list > 0 and np.stack(list) or np.zeros { 0, 4 }
      return x, { n_failed = dropped, failed = failed, retried = 0,
        kept = dropped > 0 and np.array(kept, 'i32') or nil }
    end,
    on_failure = 'drop',
  }
end

describe('write_simulations', function()
  after_each(clean)

  it('makes simulations whose keys come from their seeds', function()
    local set = write { n_d = 'none', start = 100 }
    assert.same({ 30, { 4 }, 0, 2 }, { set.n_s, set.input_shape, set.n_d, set.n_params })
    assert.is_nil(set.derivative)
    assert.equal(129, set.seed[-1]:item())
    near(simulator(random.fold_in(key, 103), theta), set.fiducial:read(4)[1])
    assert.same({ 1, 2 }, set.theta_fid:values())
    assert.same(key:values(), set.attributes.key:values())
  end)

  it('makes both sides with the same keys', function()
    local set = write { delta_theta = { 0.2, 0.4 }, batch = 5, parameters = { 'a', 'b' },
      units = { 'K', 'm' }, attributes = { author = 'me', version = 3 } }
    assert.same({ 'numerical', 12, { 2, 2, 4 } }, { set.kind, set.n_d, set.derivative.shape })
    assert.equal(set.path .. ': 30 simulations of (4), 12 with those on both sides in 2 '
      .. 'parameters', tostring(set))
    local k = random.fold_in(key, 6)
    near(simulator(k, np.array { 1, 1.8 }), set.derivative:read(7)[{ 1, 1, 2 }])
    near(simulator(k, np.array { 1.1, 2 }), set.derivative:read(7)[{ 1, 2, 1 }])
    near(simulator(k, theta), set.fiducial:read(7)[1])
    assert.same({ 'me', 3, { 'a', 'b' }, { 'K', 'm' } }, { set.attributes.author,
      set.attributes.version, set.attributes.parameters, set.attributes.units })
    near(np.array { 0.2, 0.4 }, set.delta_theta)
  end)

  it('makes exact derivatives', function()
    local set = write { derivative = true, batch = 7 }
    assert.same({ 'derivative', { 4, 2 } }, { set.kind, set.derivative.shape })
    local d = set.fiducial:read(3)[1]
    local dd = set.derivative:read(3)[1]
    near(np.ones { 4 }, dd[{ {}, 1 }])
    near((d - 1) / 4, dd[{ {}, 2 }]) -- d/dt sqrt(t) = 1 / (2 sqrt(t)), t = 2
  end)

  it('trains networks', function()
    local set = write { delta_theta = { 0.2, 0.2 } }
    local stax = imnn.stax
    local net = imnn.NumericalGradientIMNN { n_s = 30, n_d = 12, n_params = 2, n_summaries = 2,
      input_shape = set.input_shape, theta_fid = set.theta_fid, delta_theta = set.delta_theta,
      fiducial = set.fiducial, derivative = set.derivative, key_or_state = key,
      validation_fiducial = set.fiducial, validation_derivative = set.derivative,
      model = stax.serial(stax.Dense(4), stax.Tanh, stax.Dense(2)),
      optimiser = imnn.optimizers.adam(1e-2) }
    net:fit { lambda = 10, epsilon = 0.1, rng = key, max_iterations = 2, min_iterations = 1,
      progress = false }
    assert.equal(2, #net.history.detF)
  end)

  it('gives the same bytes whatever the batches are', function()
    write { delta_theta = { 0.2, 0.4 } }
    local all = bytes()
    write { delta_theta = { 0.2, 0.4 }, batch = 7 }
    assert.is_true(bytes() == all)
  end)

  it('goes on after an error, and does nothing to what is whole', function()
    write { delta_theta = { 0.2, 0.4 }, batch = 5 }
    local all, calls = bytes(), 0
    clean()
    local function fails(k, t)
      calls = calls + 1
      if calls == 40 then error('no more', 0) end
      return simulator(k, t)
    end
    local o = options { delta_theta = { 0.2, 0.4 }, batch = 5, simulator = black_box(fails) }
    assert.equal('no more', message(function() data.write_simulations(o) end))
    assert.is_nil(io.open(path))
    refuses('hdf5: FILE.part: has only 5 of 30 simulations so far; write_simulations goes on with '
      .. 'it', function() data.read_simulations(path .. '.part') end)
    refuses('hdf5: FILE.part: was begun otherwise: attribute "delta_theta" differs; remove it, or '
      .. 'give another path', function()
      data.write_simulations(options { delta_theta = { 0.2, 0.3 } })
    end)
    refuses('hdf5: FILE.part: was begun otherwise: "fiducial" is (30, 4), now (31, 4); remove it, '
      .. 'or give another path', function()
      data.write_simulations(options { delta_theta = { 0.2, 0.4 }, n_s = 31 })
    end)
    data.write_simulations(o)
    local set = data.write_simulations(o)
    assert.equal(30, set.n_s)
    local other = bytes()
    assert.equal(#all, #other) -- eager and compiled functions may differ in the last digit
    refuses('hdf5: FILE: was begun otherwise: attribute "kind" differs; remove it, or give another '
      .. 'path', function() data.write_simulations(options { n_d = 12, delta_theta = 'none' }) end)
  end)

  it('has the same bytes after it was killed, however often', function()
    clean()
    local script, home = os.tmpname(), io.popen('pwd'):read '*l'
    local file = io.open(script, 'w')
    file:write(([[
      local imnn = require 'imnn'
      local np, random = imnn.np, imnn.random
      imnn.data.write_simulations { path = arg[1], batch = 2, n_s = 3000, n_d = 1500,
        progress = false,
        simulator = function(k, t) return t[1] + np.sqrt(t[2]) * random.normal(k, { 4 }) end,
        theta_fid = { 1, 2 }, delta_theta = { 0.2, 0.4 }, key = random.PRNGKey(7) }
    ]]))
    file:close()
    local command = ('cd %s && exec %s %s %s'):format(home, program, script, path)
    assert.equal(0, os.execute(command))
    local all, kills = bytes(), 0
    clean()
    math.randomseed(3)
    for _ = 1, 20 do
      os.execute(('(%s) & pid=$!; sleep %.3f; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null')
        :format(command, 0.03 + 0.1 * math.random()))
      if io.open(path) then break end
      kills = kills + 1
    end
    assert.equal(0, os.execute(command))
    assert(kills > 0)
    assert.is_true(bytes() == all)
    os.remove(script)
  end)

  it('takes others in place of what fails', function()
    local function sometimes(k, t) -- every third seed or so
      local x = simulator(k, t)
      return np.where(np.gt(x[1], 1.5), np.nan, x)
    end
    local k = random.fold_in(key, 1)
    refuses(('write_simulations: the simulation gave a number that is not finite, element 1; its '
      .. 'seed is 1, its key is { %d, %d }, its parameters are { 1, 2 }; on_failure = "drop" takes '
      .. 'others in place of such'):format(k[1]:item(), k[2]:item()), function()
      write { simulator = sometimes, delta_theta = { 0.2, 0.4 }, check_seeds = false }
    end)
    local set = write { simulator = sometimes, on_failure = 'drop', batch = 4,
      delta_theta = { 0.2, 0.4 } }
    local seeds = set.seed:values()
    assert(seeds[30] > 32)
    assert.equal(seeds[30] - 29, set.n_dropped) -- seeds count from 0, the last batch ends here
    assert.matches('30 simulations of %(%d+%) %(' .. set.n_dropped .. ' dropped%)', tostring(set))
    assert.equal(0, write({ n_d = 3, delta_theta = { 0.2, 0.4 } }).n_dropped)
    for _, i in ipairs { 1, 11, 20, 30 } do
      near(simulator(random.fold_in(key, seeds[i]), theta), set.fiducial:read(i)[1])
    end
    near(simulator(random.fold_in(key, seeds[9]), np.array { 0.9, 2 }),
      set.derivative:read(9)[{ 1, 1, 1 }])
    assert.matches('none of the last 12 simulations can be used; the simulation gave a number that '
      .. 'is not finite, element 2; its seed is 8, its key', message(function()
      write { simulator = function() return np.array { 0, np.nan } end, on_failure = 'drop',
        batch = 4 }
    end))
  end)

  -- Not finite for some seeds, half a step below in the second parameter.
  local function below(k, t)
    local x = simulator(k, t)
    return np.where(np.logical_and(np.gt(x[1], 1), np.lt(t[2], 1.9)), np.nan, x)
  end

  it('tells seed, key and parameters of what it leaves out', function()
    local set = write { simulator = below, delta_theta = { 0.2, 0.4 }, on_failure = 'drop',
      check_seeds = false }
    assert(set.n_dropped > 2)
    assert.equal(set.n_dropped, #set.failed)
    for i, f in ipairs(set.failed) do
      assert.equal(set.dropped[i], f.seed)
      assert.same(random.fold_in(key, f.seed):values(), f.key)
      assert.same({ 'nonfinite', 1 }, { f.kind, f.attempts })
      near(np.array { 1, 1.8 }, np.array(f.theta))
      assert.equal('gave a number that is not finite, element 1', f.why)
    end
    assert.equal(0, set.n_retried)
    assert.same(set.dropped, data.read_simulations(path).dropped)
  end)

  it('repeats what fails with other keys', function()
    local set = write { simulator = below, delta_theta = { 0.2, 0.4 }, on_failure = 'retry',
      rekey = 20, batch = 5, check_seeds = false }
    assert.same({ 0, {}, 29 }, { set.n_dropped, set.failed, set.seed[-1]:item() })
    local which, all, more = set.rekeyed:values(), 0, nil
    for i = 1, 30 do
      all, more = all + which[i], which[i] > 0 and i <= 12 and i or more
    end
    assert.same({ all, all }, { set.n_retried, tonumber(tostring(set):match '%((%d+) repeated%)') })
    local k = random.fold_in(random.fold_in(key, more - 1), which[more])
    near(simulator(k, theta), set.fiducial:read(more)[1])
    near(simulator(k, np.array { 0.9, 2 }), set.derivative:read(more)[{ 1, 1, 1 }])
    near(simulator(k, np.array { 1, 2.2 }), set.derivative:read(more)[{ 1, 2, 2 }])
    assert.matches('not finite, element 1 %(4 attempts%); its seed is %d+, its key is', message(
      function()
        write { on_failure = 'retry', simulator = function(r, t)
          local x = simulator(r, t)
          return np.where(np.gt(x[1], 0), np.nan, x)
        end }
      end))
  end)

  it('takes black boxes, and others in place of what they drop', function()
    local set = write { simulator = black_box(simulator), delta_theta = { 0.2, 0.4 }, batch = 8 }
    near(simulator(random.fold_in(key, 6), np.array { 1, 1.8 }),
      set.derivative:read(7)[{ 1, 1, 2 }])
    set = write { delta_theta = { 0.2, 0.4 }, batch = 8, simulator = black_box(function(k, t)
      local x = simulator(k, t)
      return x[1]:item() < 2 and x or nil
    end) }
    local seeds = set.seed:values()
    assert(seeds[30] > 30)
    for _, i in ipairs { 1, 12, 30 } do
      near(simulator(random.fold_in(key, seeds[i]), theta), set.fiducial:read(i)[1])
    end
    near(simulator(random.fold_in(key, seeds[10]), np.array { 1, 2.2 }),
      set.derivative:read(10)[{ 1, 2, 2 }])
    refuses('write_simulations: a black box has no derivatives; give delta_theta for differences',
      function() write { simulator = black_box(simulator), derivative = true } end)
  end)

  it('works with those of imnn.simulators', function()
    local sim = imnn.simulators.blackbox { workers = 2, on_failure = 'drop', fn = function(_, t)
      if math.random() < 0.4 then error 'now and then' end
      return { t[1]:item() + math.random(), t[2]:item() }
    end }
    local set = write { simulator = sim, delta_theta = { 0.2, 0.4 }, batch = 8 }
    assert.same({ 30, 12, { 2, 2, 2 } }, { set.n_s, set.n_d, set.derivative.shape })
    assert(set.seed[-1]:item() > 30)
    local d = set.derivative:read()
    near(np.ones { 12, 1 } * np.array { 0.2, 0 }, (d[{ {}, 2 }] - d[{ {}, 1 }])[{ {}, {}, 1 }])
    sim:close()
  end)

  it('has the policy of a black box, or another', function()
    local function bad(k, t) -- hangs, crashes or raises for some keys and parameters
      local x = 10 * t[1]:item() + k[2]:item() % 10
      if x % 100 == 17 then while true do end end
      if x % 100 == 14 then os.exit(3) end
      if x % 100 == 12 then error('too few ' .. 'stars', 0) end
      return { x, k[1]:item() % 1000 }
    end
    local sim = imnn.simulators.blackbox { workers = 2, fn = bad, timeout = 0.3 }
    local function say(more)
      more.simulator, more.theta_fid, more.n_d = sim, { 1, 0 }, nil
      return message(function() return write(more) end)
    end
    local kinds = { [7] = 'timeout', [4] = 'crash', [2] = 'error' }
    local first
    for seed = 0, 29 do
      first = first or kinds[random.fold_in(key, seed)[2]:item() % 10] and seed
    end
    assert.matches(('blackbox: simulation %d of 30 .*; its seed is %d, its key is { %%d+, %%d+ }, '
      .. 'its parameters are { 1, 0 }'):format(first + 1, first), say {})
    assert.matches('%(3 attempts%); its seed is ' .. first, say { retries = 2 })
    local set = write { simulator = sim, theta_fid = { 1, 0 }, on_failure = 'drop',
      delta_theta = { 2, 0.1 } }
    local found = {}
    for _, f in ipairs(set.failed) do
      local k = random.fold_in(key, f.seed)
      assert.same(k:values(), f.key)
      assert.equal(kinds[k[2]:item() % 10], f.kind)
      assert.equal(1, f.theta[1])
      found[f.kind] = true
    end
    assert.same({ timeout = true, crash = true, error = true }, found)
    -- The same other key for all sides.
    local other = imnn.simulators.blackbox { workers = 2, fn = bad, timeout = 0.3, rekey = 30 }
    set = write { simulator = other, theta_fid = { 1, 0 }, delta_theta = { 2, 0.1 }, n_d = 30 }
    assert.same({ 0, 29 }, { set.n_dropped, set.seed[-1]:item() })
    assert(set.n_retried > 0)
    local of = set.fiducial:read()[{ {}, 2 }]
    local d = set.derivative:read()
    for side = 1, 2 do
      for k = 1, 2 do assert.same(of:values(), d[{ {}, side, k, 2 }]:values()) end
    end
    sim:close()
    other:close()
  end)

  it('sees noise that does not come from keys', function()
    refuses('write_simulations: simulations that are made again with their keys come out '
      .. 'otherwise: all noise must come from the key; check_seeds = false lets them pass',
      function()
        write { simulator = black_box(function(_, t) return t[1] * np.array { math.random() } end) }
      end)
    assert.matches('both sides of a simulation differ by as much noise as those of different seeds',
      message(function()
        write { delta_theta = { 0.2, 0.4 }, simulator = black_box(function(k, t)
          return simulator(random.fold_in(k, math.floor(1000 * (t[1] + t[2]):item())), t)
        end) }
      end))
  end)

  it('says what is wrong', function()
    for why, more in pairs {
      ['derivatives are exact, or differences of delta_theta, not both'] = { derivative = true,
        delta_theta = { 1, 1 } },
      ['delta_theta has 1 parameters, theta_fid 2'] = { delta_theta = 1 },
      ['delta_theta, the step between both sides, must not be 0'] = { delta_theta = { 0, 1 } },
      ['n_s is 5, n_d 12; both are at least 1, n_d at most n_s'] = { n_s = 5 },
      ['key must be u32 (2), as random.PRNGKey gives it, got f32 (2)'] = { key = np.ones { 2 } },
      ['units are 1, of 2 parameters'] = { units = { 'K' } },
      ['retries is 0 to 200, got -1'] = { retries = -1 },
      ['on_failure is "drop" or "fail" or "retry", got "give up"'] = { on_failure = 'give up' },
      ['the attribute "key" is set by itself'] = { attributes = { key = 1 } },
      ['simulator must be a function, or of imnn.simulators, got a table'] = { simulator = {} },
    } do
      refuses('write_simulations: ' .. why, function() write(more) end)
      assert.is_nil(io.open(path .. '.part'))
    end
  end)
end)

describe('read_simulations', function()
  after_each(clean)

  local function made(t, attributes)
    clean()
    hdf5.create(path, function(f)
      for name, x in pairs(t) do f:write(name, x) end
      f:set_attributes(attributes or {})
    end)
    return path
  end

  it('reads what others have written', function()
    local set = data.read_simulations(made { fiducial = np.zeros { 5, 3 } })
    assert.same({ 5, { 3 }, 0 }, { set.n_s, set.input_shape, set.n_d })
    set = data.read_simulations(made({ fiducial = np.zeros { 5, 3 }, seed = np.arange(5),
      derivative = np.zeros { 4, 3, 2 }, derivative_seed = np.arange(4) },
      { theta_fid = { 1, 2 } }))
    assert.same({ 'derivative', 4, 2 }, { set.kind, set.n_d, set.n_params })
  end)

  it('checks seeds and shapes', function()
    local d = np.zeros { 5, 3 }
    for why, row in pairs {
      ['no "fiducial" in "/"'] = { { x = d } },
      ['"seed" is (4) for 5 simulations'] = { { fiducial = d, seed = np.arange(4) } },
      ['simulations 2 and 3 have the seed 1'] = { { fiducial = d,
        seed = np.array { 0, 1, 1, 2, 3 } } },
      ['derivative 2 has the seed 2, simulation 2 1'] = { { fiducial = d, seed = np.arange(5),
        derivative = np.zeros { 2, 3, 1 }, derivative_seed = np.array { 0, 2 } } },
      ['"derivative_seed" is (1) for 2 derivatives'] = { { fiducial = d, seed = np.arange(5),
        derivative = np.zeros { 2, 3, 1 }, derivative_seed = np.array { 0 } } },
      ['"derivative" has records (4, 2), which are not derivatives of simulations (3)'] = {
        { fiducial = d, derivative = np.zeros { 2, 4, 2 } } },
      ['"numerical" has records (3, 2, 3), which are not both sides of simulations (3)'] = {
        { fiducial = d, numerical = np.zeros { 2, 3, 2, 3 } } },
      ['attribute "delta_theta", the step between both sides, is missing'] = {
        { fiducial = d, numerical = np.zeros { 2, 2, 2, 3 } } },
      ['attribute "theta_fid" has 3 parameters, the derivatives 2'] = {
        { fiducial = d, derivative = np.zeros { 2, 3, 2 } }, { theta_fid = { 1, 2, 3 } } },
      ['attribute "theta_fid" must be a list of numbers'] = { { fiducial = d },
        { theta_fid = 'one' } },
      ['6 derivatives for 5 simulations'] = { { fiducial = d, derivative = np.zeros { 6, 3, 2 } } },
      ['has both "derivative" and "numerical"'] = { { fiducial = d,
        derivative = np.zeros { 2, 3, 2 }, numerical = np.zeros { 2, 2, 2, 3 } } },
    } do
      made(row[1], row[2])
      refuses('hdf5: FILE: ' .. why, function() data.read_simulations(path) end)
    end
  end)
end)
