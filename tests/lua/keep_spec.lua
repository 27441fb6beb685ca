--- Networks in files; fits that are broken off anywhere and go on: the same bytes at the end.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local folder = os.tmpname()
local function path(name) return folder .. '/' .. name end

local function bytes(name)
  local f = assert(io.open(path(name), 'rb'))
  local all = f:read '*a'
  f:close()
  return all
end

local function refuses(sentence, fn)
  local why = message(fn):gsub(folder:gsub('%p', '%%%0'), 'FOLDER'):gsub('^.-:%d+: ', '')
  assert.equal(sentence, why)
end

local function functions(o)
  return { model = o.model, optimiser = o.optimiser, simulator = o.simulator,
    fiducial = o.fiducial, derivative = o.derivative, delta_theta = o.delta_theta,
    validation_fiducial = o.validation_fiducial, validation_derivative = o.validation_derivative }
end

local kinds = {
  SimulatorIMNN = nets.simulator_options,
  GradientIMNN = nets.gradient_options,
  NumericalGradientIMNN = nets.numerical_options,
}

describe('a network in a file', function()
  setup(function() os.remove(folder) os.execute('mkdir ' .. folder) end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  for class, options in pairs(kinds) do
    it('comes back as it was: ' .. class, function()
      local o = options { n_d = 40, validation = class ~= 'SimulatorIMNN' or nil }
      local net = imnn[class](o)
      net:save(path 'new.h5')
      local again = imnn.load(path 'new.h5', functions(o))
      assert.equal(tostring(net), tostring(again))
      assert.is_nil(again.F)
      nets.fit(net)
      nets.fit(net, { rng = nets.keys[3] })
      net:save(path 'net.h5')
      again = imnn.load(path 'net.h5', functions(o))
      again:save(path 'again.h5')
      assert.is_true(bytes 'net.h5' == bytes 'again.h5')
      local d = np.ones { 10 }
      assert.same(net:get_estimate(d):values(), again:get_estimate(d):values())
      assert.same(net.history.detF:values(), again.history.detF:values())
      assert.same(nets.plain(net.best_w), nets.plain(again.best_w))
      for _, one in ipairs { net, again } do nets.fit(one, { rng = nets.keys[4] }) end
      net:save(path 'net.h5')
      again:save(path 'again.h5')
      assert.is_true(bytes 'net.h5' == bytes 'again.h5')
    end)
  end

  it('has what it was made and fitted with', function()
    local o = nets.numerical_options { n_d = 40, memory = '1GB', host = 'cpu:0', devices = 2,
      n_per_device = 30, cache = true, prefetch = 3 }
    local net = imnn.AggregatedNumericalGradientIMNN(o)
    net:save(path 'net.h5')
    assert.is_nil(imnn.load(path 'net.h5', functions(o)).last_fit)
    nets.fit(net, { epsilon = 0.05, patience = 7, best = false })
    net:save(path 'net.h5')
    local given = functions(o)
    given.delta_theta = nil -- it is in the file
    net = imnn.load(path 'net.h5', given)
    assert.equal('AggregatedNumericalGradientIMNN', net.class)
    assert.same({ 60, 40, 2, 2, { 10 }, 1e9, 'cpu:0', { 'cpu:0', 'cpu:1' }, 30, true, 3 },
      { net.n_s, net.n_d, net.n_params, net.n_summaries, net.input_shape, net.memory, net.host,
        net.devices, net.n_per_device, net.cache, net.prefetch })
    assert.same(o.delta_theta:totable(), net.delta_theta:totable())
    assert.same(o.theta_fid:totable(), net.theta_fid:totable())
    assert.same(nets.keys[1]:totable(), net.key:totable())
    local last = net.last_fit
    assert.same({ 10, 0.05, nets.keys[2]:totable(), 7, 100, 6, false, 6 }, { last.lambda,
      last.epsilon, last.rng:totable(), last.patience, last.min_iterations, last.max_iterations,
      last.best, last.iterations })
    local record = imnn.data.hdf5.open(path 'net.h5'):read_tree 'network'
    assert.equal(imnn.version(), record.library_version)
  end)

  it('forgets the score of other data', function()
    local o = nets.gradient_options()
    local net = imnn.GradientIMNN(o)
    nets.fit(net)
    net:save(path 'net.h5')
    local same = functions(o)
    for _, name in ipairs { 'fiducial', 'derivative' } do
      same[name] = imnn.data.from_array(o[name])
    end
    assert.equal(net.history.max_lndetF, imnn.load(path 'net.h5', same).history.max_lndetF)
    local other = functions(nets.gradient_options { fiducial = o.fiducial + 1 })
    assert.equal(-math.huge, imnn.load(path 'net.h5', other).history.max_lndetF)
  end)

  it('is saved when its data are gone', function()
    local o = nets.gradient_options()
    o.fiducial = imnn.data.from_array(o.fiducial)
    local net = imnn.GradientIMNN(o)
    nets.fit(net)
    o.fiducial:close()
    net:save(path 'net.h5')
    o = nets.gradient_options()
    assert.same(nets.plain(net.best_w), nets.plain(imnn.load(path 'net.h5', functions(o)).best_w))
  end)

  it('takes options beside it', function()
    local o = nets.simulator_options()
    imnn.SimulatorIMNN(o):save(path 'net.h5')
    local more = functions(o)
    more.n_s, more.n_d = 100, 50
    assert.equal(100, imnn.load(path 'net.h5', more).n_s)
    more['θ_fid'], more.key = { 0, 2 }, nets.keys[2] -- in whatever spelling
    assert.same({ 0, 2 }, imnn.load(path 'net.h5', more).theta_fid:totable())
  end)

  it('takes the options of the factory', function()
    local o = nets.simulator_options { verbose = false }
    imnn.IMNN(o):save(path 'net.h5')
    assert.equal('SimulatorIMNN', imnn.load(path 'net.h5', o).class)
  end)

  it('is refused where it does not fit', function()
    local o = nets.simulator_options()
    imnn.SimulatorIMNN(o):save(path 'net.h5')
    local other = functions(o)
    other.model = stax.serial(stax.Dense(9), stax.Tanh, stax.Dense(2))
    refuses('load: array 1 of the state is f32 (10, 8) in FOLDER/net.h5, this model and optimiser '
      .. 'make f32 (10, 9)', function() imnn.load(path 'net.h5', other) end)
    other = functions(o)
    other.optimiser = imnn.optimizers.sgd(0.1)
    refuses('load: FOLDER/net.h5 has 12 arrays of the state, this model and optimiser have 4',
      function() imnn.load(path 'net.h5', other) end)
    local f = imnn.data.hdf5.create(path 'x.h5')
    f:write('x', np.ones { 3 })
    f:close()
    refuses('load: FOLDER/x.h5 holds no network of this library', function()
      imnn.load(path 'x.h5', other)
    end)
    assert.matches('hdf5: .*nothing.h5: No such file', message(function()
      imnn.load(path 'nothing.h5', other)
    end))
    assert.matches('SimulatorIMNN: option "model" is missing', message(function()
      imnn.load(path 'net.h5', { simulator = o.simulator, optimiser = o.optimiser })
    end))
  end)
end)

describe('a fit with a checkpoint', function()
  local files = 0
  setup(function() os.remove(folder) os.execute('mkdir ' .. folder) end)
  teardown(function() os.execute('rm -r ' .. folder) end)
  before_each(function() files = files + 1 end)

  local function fit(options, class, more)
    local net = imnn[class](options { validation = class ~= 'SimulatorIMNN' or nil })
    more.every = more.every or 7
    return nets.fit(net, more), net
  end

  for class, options in pairs(kinds) do
    it('goes on where it was: ' .. class, function()
      local file = path(class .. '.h5')
      local _, whole = fit(options, class, { max_iterations = 60 })
      for _, n in ipairs { 10, 45, 60, 60 } do
        local why, net = fit(options, class, { max_iterations = n, checkpoint = file })
        assert.equal('max_iterations', why)
        assert.equal(n, net.history.size)
        if n == 60 then
          whole:save(path 'whole.h5')
          net:save(path 'parts.h5')
          assert.is_true(bytes 'whole.h5' == bytes 'parts.h5')
        end
      end
    end)
  end

  it('knows its own file', function()
    local file = path 'one.h5'
    local function again(more)
      more.checkpoint = file
      return function() fit(nets.simulator_options, 'SimulatorIMNN', more) end
    end
    again {}()
    refuses('fit: checkpoint FOLDER/one.h5 is of another run: lambda is 10 there, 5 here; give '
      .. 'another name, or remove it', again { lambda = 5 })
    refuses('fit: checkpoint FOLDER/one.h5 is of another run: rng is 1983658185 392210391 '
      .. 'there, 0 77 here; give another name, or remove it', again { rng = random.PRNGKey(77) })
    refuses("fit: every must be a span of time, as '30s', '10m' or '1.5h', got \"soon\"",
      again { every = 'soon' })
    refuses('fit: every must be at least one iteration, or a span of time, got 0',
      again { every = 0 })
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    nets.fit(net)
    refuses('fit: checkpoint FOLDER/one.h5 is of another run: the number of iterations before is '
      .. '0 there, 6 here; give another name, or remove it', function()
      nets.fit(net, { checkpoint = file })
    end)
    net:save(file)
    refuses('fit: FOLDER/one.h5 was written by save, it is no checkpoint of a fit; give another '
      .. 'name', again {})
  end)

  it('knows data and functions from others like them', function()
    local file, o = path 'own.h5', nets.gradient_options()
    local d, dd = o.fiducial, o.derivative
    local swapped = np.concatenate({ d[{ { 31, 60 } }], d[{ { 1, 30 } }] }, 1)
    local stored = imnn.data.from_array
    imnn.np.save(path 'a.npy', d)
    imnn.np.save(path 'b.npy', swapped)
    local function again(more)
      return function()
        nets.fit(imnn.GradientIMNN(nets.gradient_options(more)), { checkpoint = file })
      end
    end
    local head = 'fit: checkpoint FOLDER/own.h5 is of another run: '
    local tail = '; give another name, or remove it'
    again {}()
    again { fiducial = stored(d), derivative = stored(dd) }() -- the same records
    again { fiducial = imnn.data.open(path 'a.npy'):readers() }()
    refuses(head .. 'fiducial has other records here (from memory) than there (from memory)'
      .. tail, again { fiducial = swapped })
    refuses(head .. 'fiducial has other records here (from FOLDER/b.npy) than there (from memory)'
      .. tail, again { fiducial = imnn.data.open(path 'b.npy'):readers() })
    refuses(head .. 'derivative has other records here (from array) than there (from memory)'
      .. tail, again { derivative = stored(dd + 1e-3) })
    refuses(head .. 'theta_fid differs' .. tail, again { theta_fid = { 0, 2 } })
    refuses(head .. 'the first state of the optimiser differs' .. tail,
      again { key_or_state = nets.keys[2] })
    refuses(head .. 'the optimiser gives other numbers' .. tail,
      again { optimiser = imnn.optimizers.adam(2e-2) })
    refuses(head .. 'the model gives other numbers' .. tail,
      again { model = stax.serial(stax.Dense(8), stax.Relu, stax.Dense(2)) })
    refuses(head .. 'validation_fiducial there, the model here' .. tail, function()
      local more = nets.gradient_options { validation = true }
      os.remove(file)
      nets.fit(imnn.GradientIMNN(more), { checkpoint = file })
      again {}()
    end)
    os.remove(file)
    local function simulate(more)
      nets.fit(imnn.SimulatorIMNN(nets.simulator_options(more)), { checkpoint = file })
    end
    simulate {}
    refuses(head .. 'the simulator gives other numbers' .. tail, function()
      simulate { simulator = function(key, t) return nets.simulator(key, t) * 2 end }
    end)
  end)

  it('says at once that its file cannot be written', function()
    local net = imnn.SimulatorIMNN(nets.simulator_options())
    refuses('fit: checkpoint FOLDER/none/c.h5: its folder cannot be written to: No such file or '
      .. 'directory', function() nets.fit(net, { checkpoint = path 'none/c.h5' }) end)
    assert.equal(0, net.history.size)
  end)

  it('keeps what was reached when its file cannot be written at the end', function()
    local whole = imnn.SimulatorIMNN(nets.simulator_options())
    nets.fit(whole)
    local net, place = imnn.SimulatorIMNN(nets.simulator_options()), path 'gone'
    os.execute('mkdir ' .. place)
    assert.is_truthy(message(function()
      nets.fit(net, { checkpoint = place .. '/c.h5', print_rate = 1, quiet = false, log = function()
        os.execute('rm -rf ' .. place)
      end })
    end):find('cannot be written', 1, true))
    assert.equal(whole.count, net.count)
    assert.same(nets.plain(whole.final_w), nets.plain(net.final_w))
    assert.same(nets.plain(whole.best_w), nets.plain(net.best_w))
  end)

  it('can be opened as a network', function()
    local o = nets.gradient_options()
    local net = imnn.GradientIMNN(o)
    nets.fit(net, { checkpoint = path 'c.h5' })
    local again = imnn.load(path 'c.h5', functions(o))
    assert.equal(6, again.history.size)
    assert.same(nets.plain(net.final_w), nets.plain(again.final_w))
    assert.same(nets.plain(net.best_w), nets.plain(again.best_w))
  end)
end)

-- A process that is killed at twenty moments, some of them while it writes.
describe('a fit that is killed', function()
  it('ends with the same bytes as one that is not', function()
    os.execute('mkdir ' .. folder)
    local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'
    local file = assert(io.open(path 'script.lua', 'w'))
    file:write([[
package.path = './?.lua;' .. package.path
local imnn, nets = require 'imnn', require 'tests.support.nets'
local net = imnn.SimulatorIMNN(nets.simulator_options {})
nets.fit(net, { max_iterations = 1500, min_iterations = 1500, checkpoint = arg[1], every = 20 })
net:save(arg[2])
]])
    file:close()
    local function run(checkpoint, out, seconds)
      return os.execute(('%s%s %s %s %s 2>/dev/null'):format(
        seconds and ('timeout -s KILL %.3f '):format(seconds) or '', program, path 'script.lua',
        path(checkpoint), path(out)))
    end
    local start = imnn.seconds()
    run('whole.h5', 'whole_net.h5')
    local time = imnn.seconds() - start
    math.randomseed(5)
    for _ = 1, 20 do run('parts.h5', 'parts_net.h5', 0.02 + time / 12 * math.random()) end
    run('parts.h5', 'parts_net.h5')
    assert.is_true(bytes 'whole_net.h5' == bytes 'parts_net.h5')
    os.execute('rm -r ' .. folder)
  end)
end)

describe('a fit that is asked to end', function()
  local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'
  setup(function() os.remove(folder) os.execute('mkdir ' .. folder) end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  -- A fit that raises a signal in its iteration `at`; saves the network where it comes to its end.
  local function script(options)
    local file = assert(io.open(path 'script.lua', 'w'))
    file:write(([[
package.path = './?.lua;' .. package.path
local ffi, imnn, nets = require 'ffi', require 'imnn', require 'tests.support.nets'
ffi.cdef 'int raise(int);'
local signal, at, count = tonumber(arg[3]), tonumber(arg[4]), 0
local net = imnn.SimulatorIMNN(nets.simulator_options {})
nets.fit(net, { max_iterations = 60, print_rate = 1, quiet = false, log = function()
  count = count + 1
  if count == at then ffi.C.raise(signal) end
end, %s })
net:save(arg[2])
]]):format(options))
    file:close()
  end

  -- The exit code, and what came on stderr.
  local function run(checkpoint, out, signal, at)
    os.execute(('%s %s %s %s %d %d 2>%s; echo $? >%s'):format(program, path 'script.lua',
      path(checkpoint), path(out), signal or 0, at or 0, path 'err', path 'code'))
    return tonumber(bytes 'code'), bytes 'err'
  end

  it('does so after the iteration, with exit code 75, and goes on to the same bytes', function()
    script "checkpoint = arg[1], every = '1h'"
    assert.equal(0, (run('whole.h5', 'whole_net.h5')))
    for i, signal in ipairs { 15, 10 } do -- SIGTERM, SIGUSR1
      local code, said = run('parts.h5', 'parts_net.h5', signal, 20)
      assert.equal(75, code)
      assert.equal(('fit: asked to end: checkpoint %s is written; the same call goes on from '
        .. 'there\n'):format(path 'parts.h5'), said)
      assert.is_nil(io.open(path 'parts_net.h5'))
      local f = imnn.data.hdf5.open(path 'parts.h5')
      assert.equal(20 * i, f:read_tree('network').run.count)
      f:close()
    end
    local code, said = run('parts.h5', 'parts_net.h5', 15, 20) -- in the last iteration of all
    assert.equal(75, code)
    assert.matches('^fit: asked to end: ', said)
    code, said = run('parts.h5', 'parts_net.h5')
    assert.same({ 0, '' }, { code, said })
    assert.is_true(bytes 'whole_net.h5' == bytes 'parts_net.h5')
  end)

  it('says nothing where nothing is to be said', function()
    script 'checkpoint = arg[1], progress = false'
    assert.same({ 75, '' }, { run('silent.h5', 'none.h5', 15, 20) })
  end)

  it('ends at once where it has no checkpoint', function()
    script 'epsilon = 0.1'
    assert.equal(143, (run('none.h5', 'none_net.h5', 15, 20)))
  end)
end)
