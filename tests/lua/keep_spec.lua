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
