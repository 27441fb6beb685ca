-- Ctrl-C, as a shell sends it, while something long runs: what there is stays usable, nothing is
-- half written, and a program that does not answer the error ends with status 130.
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'

local beginning = [[
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local function on() print 'on' io.stdout:flush() end
local function simulator(key, theta) return theta[1] + random.normal(key, { 4 }) end
local net = imnn.SimulatorIMNN { n_s = 40, n_d = 40, n_params = 1, n_summaries = 1,
  input_shape = { 4 },
  theta_fid = np.array { 0 }, model = stax.Dense(1), optimiser = imnn.optimizers.adam(1e-3),
  key_or_state = random.PRNGKey(1), simulator = simulator }
local function fit(n)
  return net:fit { lambda = 10, epsilon = 0.1, rng = random.PRNGKey(2), min_iterations = n,
    max_iterations = n }
end
]]

-- Run a script in a folder of its own, press ctrl-C when it has said "on".
-- Output after that, complaints, exit status, and the files that are left.
local function interrupt(script, path)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute('mkdir ' .. folder)
  local file = assert(io.open(folder .. '/script.lua', 'w'))
  file:write(beginning, script)
  file:close()
  if not program:find '^/' then program = os.getenv 'PWD' .. '/' .. program end
  local pipe = io.popen(([[bash -c 'cd %s; set -m
    %s %s script.lua >out 2>err &
    while kill -0 $! && ! grep -q on out; do sleep 0.05; done
    sleep 0.1; kill -INT -- -$!; wait $!
    echo "[$?]"; sed 1d out; echo "[]"; cat err; echo "[]"
    rm script.lua out err; ls' 2>/dev/null]]):format(folder,
    path and 'PATH=' .. path .. ':$PATH' or '', program))
  local said = pipe:read '*a'
  pipe:close()
  os.execute('rm -r ' .. folder)
  local status, output, errors, files = said:match '^%[(%d+)%]\n(.*)%[%]\n(.*)%[%]\n(.*)$'
  assert.truthy(status, said)
  return { output, errors, tonumber(status), files }
end

describe('ctrl-C', function()
  it('ends a fit, whose network can be used', function()
    assert.same({ 'interrupted\ttrue\tfit\n', '', 0, '' }, interrupt [[
      fit(1) on()
      print(fit(1e6), net:get_estimate(np.ones { 4 }).size == 1, fit(1) and 'fit')]])
  end)

  local abc = [[
    fit(1)
    local abc = lfi.ApproximateBayesianComputation { target_data = np.ones { 4 },
      prior = lfi.uniform(-5, 5), simulator = simulator, compressor = net, F = net.F }
    local function draw(n)
      abc { epsilon = 1, rng = random.PRNGKey(3), n_samples = 1000, min_accepted = n,
        max_iterations = n }
      return abc.parameters
    end
    draw(1) on()
  ]]

  it('ends an ABC, whose draws can be used', function()
    assert.same({ 'false\tscript.lua:17: interrupted\ttrue\ttrue\ttrue\n', '', 0, '' },
      interrupt(abc .. [[
        local ok, why = pcall(draw, 1e9)
        local n, p = abc.parameters.n_accepted[1], abc.parameters
        print(ok, why, abc.draws > 1000, p.accepted[1].shape[1] == n,
          draw(n + 1).n_accepted[1] > n)]]))
  end)

  it('ends a script that does not answer', function()
    assert.same({ '', 'imnn: script.lua:17: interrupted\n', 130, '' },
      interrupt(abc .. 'draw(1e9) print "not here"'))
  end)

  it('ends populations, the last of which stays', function()
    assert.same({ 'false\tscript.lua:21: interrupted\tinterrupted\ttrue\t100\n'
      .. 'max_iteration\n', '', 0, '' }, interrupt [[
      local pmc = lfi.PopulationMonteCarlo { target_data = np.zeros { 1 },
        prior = lfi.uniform(-1, 1), compressor = function(d) return d end,
        simulator = function(key, theta) return theta + random.normal(key, { 1 }) end }
      local function run(n)
        return pmc { key = random.PRNGKey(2), n_points = 100, max_iteration = n,
          acceptance_ratio = 0, min_progress = 0, progress = false }
      end
      run(1) on()
      local ok, why = pcall(run, 1000)
      print(ok, why, pmc.reason[1], tostring(pmc):find 'simulations, interrupted$' ~= nil,
        pmc:samples().n)
      run(1)
      print(pmc.reason[1])]])
  end)

  it('ends a compiled function, which can be called again', function()
    assert.same({ 'false\tscript.lua:18: interrupted\ttrue\n', '', 0, '' }, interrupt [[
      local f = imnn.jit(function(x)
        for _ = 1, 200 do x = np.matmul(x, x) end
        return x
      end)
      local x = np.zeros { 2000, 2000 }
      local function run() local y = f(x) return y end
      on()
      local ok, why = pcall(run)
      print(ok, why, f(np.zeros { 2, 2 }).size == 4)]])
  end)

  it('ends simulations in other processes, which can be made again', function()
    assert.same({ 'false\tscript.lua:18: interrupted\t0\t4\n', '', 0, '' }, interrupt [[
      local sim = imnn.simulators.blackbox { workers = 2, fn = function(key, theta)
        while theta[1]:item() == 1 do end
        return 3
      end }
      local function run(t)
        local data = sim:run(random.split(random.PRNGKey(0), 4), t)
        return data
      end
      run(0) on()
      local ok, why = pcall(run, 1)
      print(ok, why, sim:running(), #run(0))]])
  end)

  it('ends a loop over records that threads read ahead, which can be read again', function()
    assert.same({ 'false\tscript.lua:19: interrupted\ttrue\n', '', 0, '' }, interrupt [[
      local set = imnn.data.dataset(np.ones { 1000, 50 }):shuffle(random.PRNGKey(1))
        :map(function(x) return np.matmul(np.ones { 50, 50 }, x) end):repeated():prefetch(500)
      local n = 0
      local function run()
        for batch in set:batches(100) do
          if n == 0 then on() end
          n = n + #batch
        end
      end
      local ok, why = pcall(run)
      print(ok, tostring(why):gsub(':%d+:', ':19:'), n > 100 and set[12345].shape[1] == 50)]])
  end)

  it('ends a plot, of which nothing is left', function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute(('mkdir %s; printf "#!/bin/sh\nsleep 60\n" >%s/gnuplot; chmod +x %s/gnuplot'):format(
      folder, folder, folder))
    local result = interrupt("fit(1) on() net:plot { file = 'a.png' } print 'not here'", folder)
    os.execute('rm -r ' .. folder)
    assert.same({ '', 'imnn: script.lua:13: interrupted\n', 130, '' }, result)
  end)
end)
