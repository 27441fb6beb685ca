--- Runs of population Monte Carlo and SMC that are broken off and go on.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local populations = require 'tests.support.populations'
local toys = require 'tests.support.toys' -- whose posteriors are known by quadrature
local random = imnn.random
local pmc_of, call, bytes_of = populations.pmc_of, populations.call, populations.bytes_of

describe('a checkpoint', function()
  local folder = os.tmpname()
  local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'
  local function path(name) return folder .. '/' .. name end
  setup(function() os.remove(folder) os.execute('mkdir ' .. folder) end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  local function script(name, options)
    local file = assert(io.open(path(name), 'w'))
    file:write(([[
local imnn = require 'imnn'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local pmc = lfi.PopulationMonteCarlo { target_data = np.array { { 0 }, { 0.3 } }, gridsize = 20,
  prior = lfi.uniform(0, 1), compressor = function(d) return d end,
  simulator = function(key, theta) return theta + 0.3 * random.normal(key, { 1 }) end }
local r = pmc { key = random.PRNGKey(2), n_points = 200, n_parallel_simulations = 50,
  acceptance_ratio = 0, min_progress = 0, checkpoint = arg[1], every = 0, %s }
local out = assert(io.open(arg[2], 'w'))
for t = 1, 2 do
  for _, x in ipairs { r.parameters.accepted[t], r.log_weights[t], r.distances.accepted[t] } do
    out:write(table.concat(x:ravel():values(), ' '), '\n')
  end
  out:write(r.total_draws[t], '\n')
end
out:write(r.simulations, ' ', r.failed, '\n')
out:close()
]]):format(options))
    file:close()
  end

  local function run(name, checkpoint, out, before)
    return os.execute(('%s%s %s %s %s 2>/dev/null'):format(before or '', program, path(name),
      path(checkpoint), path(out)))
  end

  local function text(name)
    local f = io.open(path(name))
    local all = f and f:read '*a'
    if f then f:close() end
    return all
  end

  for _, method in ipairs { 'pmc', 'smc' } do
    it('goes on to the same bytes from any kill -9, ' .. method, function()
      script('kill.lua', ("method = '%s', max_iteration = 4"):format(method))
      local start = imnn.seconds()
      run('kill.lua', method .. 'whole.h5', 'whole.txt')
      local time = imnn.seconds() - start
      math.randomseed(7)
      for _ = 1, 6 do
        run('kill.lua', method .. 'parts.h5', 'parts.txt',
          ('timeout -s KILL %.3f '):format(time * (0.2 + 0.6 * math.random())))
      end
      run('kill.lua', method .. 'parts.h5', 'parts.txt')
      assert.is_true(#text 'whole.txt' > 1000)
      assert.is_true(text 'whole.txt' == text 'parts.txt')
      -- and once more, when all is done already
      run('kill.lua', method .. 'parts.h5', 'again.txt')
      assert.is_true(text 'whole.txt' == text 'again.txt')
    end)
  end

  it('is written when SIGTERM or SIGUSR1 come, with exit code 75', function()
    for _, signal in ipairs { 'TERM', 'USR1' } do
      script('long.lua', 'max_iteration = 100000')
      local status = os.execute(('sh -c \'%s %s %s %s 2>%s & sleep 1.5; kill -%s $!; '
        .. 'wait $!; [ $? -eq 75 ]\''):format(program, path 'long.lua', path(signal .. '.h5'),
        path 'none.txt', path 'err.txt', signal))
      assert.is_true(status == 0 or status == true, signal)
      assert.equal(('PopulationMonteCarlo: asked to end: checkpoint %s is written; the same call '
        .. 'goes on from there\n'):format(path(signal .. '.h5')), text 'err.txt')
      assert.is_nil(text 'none.txt')
      local f = imnn.data.hdf5.open(path(signal .. '.h5'))
      assert.equal('imnn samplers', f:read_tree('samplers').format)
      f:close()
    end
  end)

  it('is not gone on with by another simulator', function()
    local file = path 'simulator.h5'
    local o = { n_points = 50, max_iteration = 1, acceptance_ratio = 0.001, checkpoint = file }
    local bytes = bytes_of(call(pmc_of(toys.B), o))
    assert.equal(bytes, bytes_of(call(pmc_of(toys.B), o)))
    local other = { simulator = function(key, theta)
      return theta + 1.1 * random.normal(key, { 1 })
    end }
    local why = message(function() call(pmc_of(toys.B, other), o) end)
    assert.matches('simulator.h5 was made with other simulator or compressor; give another name, '
      .. 'or remove it', why, 1, true)
  end)

  it('is written between two simulations of a black box, and goes on to the same bytes', function()
    local file = assert(io.open(path 'black.lua', 'w'))
    file:write [[
local imnn = require 'imnn'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local sim = imnn.simulators.blackbox { workers = 2, shape = { 1 }, fn = function(key, theta)
  if os.getenv 'NAP' then os.execute('sleep ' .. os.getenv 'NAP') end
  return theta + 0.3 * imnn.random.normal(key, { 1 })
end }
local pmc = lfi.PopulationMonteCarlo { target_data = np.array { 0 }, prior = lfi.uniform(0, 1),
  simulator = sim, compressor = function(d) return d end }
local r = pmc { key = random.PRNGKey(2), n_points = 10, n_initial_points = 50, max_iteration = 1,
  checkpoint = arg[1] }
local out = assert(io.open(arg[2], 'w'))
out:write(table.concat(r.parameters.accepted[1]:ravel():values(), ' '), ' ', r.simulations)
out:close()
]]
    file:close()
    local took = imnn.core.C.imnn_seconds()
    assert.equal(75 * 256, os.execute(('sh -c \'NAP=1 %s %s %s %s 2>%s & sleep 1; kill -TERM $!; '
      .. 'wait $!\''):format(program, path 'black.lua', path 'black.h5', path 'none.txt',
      path 'err.txt')))
    took = imnn.core.C.imnn_seconds() - took
    assert.is_true(took < 12, took) -- the first 50 take 25 seconds
    assert.matches('^PopulationMonteCarlo: asked to end: checkpoint ', text 'err.txt')
    run('black.lua', 'black.h5', 'parts.txt')
    run('black.lua', 'straight.h5', 'whole.txt')
    assert.equal(text 'whole.txt', text 'parts.txt')
  end)

  it('of another run is refused, as is a folder that is not there', function()
    local function with(o)
      local all = { n_points = 50, max_iteration = 1, checkpoint = path 'other.h5' }
      for name, value in pairs(o) do all[name] = value end
      return call(pmc_of(toys.C), all)
    end
    with {}
    local function says(expected, o)
      local why = message(function() with(o) end)
      assert.equal('PopulationMonteCarlo: ' .. expected, (why:gsub('^%S+:%d+: ', '')))
    end
    says('checkpoint ' .. path 'other.h5' .. ' is of another run: this is the state of a sampler '
      .. 'with other options; give another name, or remove it', { n_points = 60 })
    says('checkpoint /nowhere/x.h5: its folder cannot be written to: No such file or directory',
      { checkpoint = '/nowhere/x.h5' })
  end)

  it('may stay where no sampler listens: SIGTERM ends the program as ever', function()
    local file = assert(io.open(path 'sleep.lua', 'w'))
    file:write "os.execute 'sleep 0.1' local t = os.time() while os.time() < t + 20 do end"
    file:close()
    local status = os.execute(('sh -c \'%s %s & sleep 0.5; kill -TERM $!; wait $!; [ $? -eq 143 ]'
      .. '\' 2>/dev/null'):format(program, path 'sleep.lua'))
    assert.is_true(status == 0 or status == true)
  end)
end)
