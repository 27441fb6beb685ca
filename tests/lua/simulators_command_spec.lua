--- imnn.simulators.command: programs that get keys and parameters and give data.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local boxes = require 'tests.support.boxes'
local np, random, simulators = imnn.np, imnn.random, imnn.simulators
local bytes, keys, quiet, short, theta = boxes.bytes, boxes.keys, boxes.quiet, boxes.short,
  boxes.theta

-- A program that does what its parameters say; awk is everywhere.
local function program_of(script, opts)
  local o = { argv = { 'sh', '-c', script, 'name', '{theta}' }, output = 'text', workers = 2 }
  for name, value in pairs(opts or {}) do o[name] = value end
  return simulators.command(o)
end

describe('a program', function()
  it('gives the same bytes, several at a time or not', function()
    local first
    for workers = 1, 3 do
      local sim = simulators.command { argv = { 'awk', '-v', 'seed={seed32}', '-v', 'theta={theta}',
        'BEGIN { srand(seed); split(theta, t, ","); for (i = 0; i < 5; i++) print t[1] + rand() }'
        }, output = 'text', workers = workers }
      local data = sim:run(keys, theta, quiet)
      assert.same({ 40, 5 }, data.shape)
      first = first or bytes(data)
      assert.is_true(bytes(data) == first)
      assert.is_true(bytes(sim(keys[9], theta[9])) == bytes(data[9]))
    end
  end)

  it('gets key and parameters as arguments', function()
    local sim = simulators.command { argv = { 'printf', '%s ', '{theta}', '{theta2}', '{key1}',
      '{key2}', '{seed32}' }, output = 'text', dtype = 'f64' }
    local k = keys[3]:totable()
    local exact = np.array({ 0.1, 1 / 3 }, 'f64')
    assert.same({ 0.1, 1 / 3, 1 / 3, k[1], k[2], k[2] }, sim(keys[3], exact):totable())
    sim = simulators.command { argv = { 'printf', '%s', '{seed},{theta},-{theta1}' },
      output = 'text', dtype = 'f64' }
    assert.same({ 7, 0.5, 2, -0.5 }, sim(random.PRNGKey(7), { 0.5, 2 }):totable())
  end)

  local theta3 = np.array({ 0.1, -2, 1e300 }, 'f64')

  it('exchanges raw numbers, texts, npy and HDF5, by files and by pipes', function()
    for input, output in pairs { raw = 'raw', text = 'text', npy = 'npy', hdf5 = 'hdf5' } do
      local o = { input = input, output = output, dtype = 'f64', dataset = 'theta', workers = 2,
        shape = input == 'raw' and { 3 } or nil }
      for _, argv in ipairs { { 'cat' }, { 'cp', '{input}', '{output}' },
        { 'sh', '-c', 'cat >{output}' }, { 'cat', '{input}' } } do
        o.argv = argv
        assert.same(theta3:totable(), simulators.command(o)(keys[1], theta3):totable())
      end
    end
    local sim = simulators.command { argv = { 'cat' }, input = 'hdf5', output = 'hdf5',
      dataset = 'key', dtype = 'f64' }
    assert.same(keys[4]:totable(), sim(keys[4], 0):totable())
    sim = program_of('echo noise; echo 3 >{output}; echo more noise >&2')
    assert.equal(3, sim(keys[1], 0):item())
    sim = program_of('echo 1,2 3; echo "  4"', { shape = { 2, 2 } })
    assert.same({ { 1, 2 }, { 3, 4 } }, sim(keys[1], 0):totable())
  end)

  it('is told when it fails, with what it says', function()
    local script = [[case $2 in
      1) echo begun >&2; echo "no such cosmology" >&2; exit 3;;
      2) kill -9 $$;;
      3) sleep 1000;;
      4) echo 1 nan;;
      5) echo 1 2 3;;
      6) echo 1 two;;
    esac; if [ $2 = 0 ]; then echo $1 0; fi]]
    local expected = {
      { 'status', 'ended with exit status 3: no such cosmology' },
      { 'crash', 'was ended by signal 9 (Killed)' },
      { 'timeout', ('took longer than %g s'):format(short) },
      { 'nonfinite', 'gave a number that is not finite, element 2' },
      { 'shape', 'gave 3 numbers, not (2)' },
      { 'junk', 'gave "two" where a number is expected' },
    }
    local some = np.array { { 5, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 }, { 5, 5 }, { 6, 6 },
      { 7, 0 } }
    for workers = 1, 3 do
      local sim = program_of(script, { timeout = short, on_failure = 'drop', shape = { 2 },
        workers = workers })
      local data, report = sim:run(keys[{ { 1, 8 } }], some, quiet)
      assert.same({ { 5, 0 }, { 7, 0 } }, data:totable())
      for i, f in ipairs(report.failed) do
        assert.same({ i + 1, expected[i][1], expected[i][2] }, { f.index, f.kind, f.why })
      end
      assert.equal(#expected, #report.failed)
    end
    assert.truthy(message(function()
      return program_of(script, { shape = { 2 } }):run(keys[{ { 1, 8 } }], some, quiet)
    end):find('command: simulation 2 of 8 ended with exit status 3: no such cosmology; its seed is',
      1, true))
    local function refused(opts)
      opts.workers = 1
      local said = message(function() return simulators.command(opts)(keys[1], { 1, 2 }) end)
      return said:gsub('/%S+/imnn%-%w+/0/', '')
    end
    assert.truthy(refused { argv = { 'true' }, shape = { 2 } }:find(
      'gave 0 bytes, not the 8 of f32 (2)', 1, true))
    assert.truthy(refused { argv = { 'true', '{output}' }, shape = { 2 } }:find(
      'ended well, but has not written its output', 1, true))
    for _, form in ipairs { 'npy', 'hdf5' } do
      assert.truthy(refused { argv = { 'echo' }, output = form }:find('gave what cannot be read: '
        .. form))
    end
    assert.truthy(refused { argv = { '/none/sim' }, output = 'text' }:find(
      'command: cannot run /none/sim: No such file or directory', 1, true))
    assert.truthy(refused { argv = { 'nosuchprogram' }, output = 'text' }:find(
      'command: cannot run nosuchprogram: it is in no folder of PATH', 1, true))
    assert.truthy(refused { argv = { 'echo', '{theta3}{theta1}' }, output = 'text' }:find(
      'command: its arguments have {theta3}, but there are 2 parameters', 1, true))
  end)

  it('is described well, or refused', function()
    local function refused(opts)
      return message(function() return simulators.command(opts), 0 end):match '%d: (.*)$'
    end
    assert.equal('command: argv names no program', refused { argv = {}, output = 'text' })
    assert.equal('command: argv[2] has the unknown placeholder {sed}; did you mean "seed"?',
      refused { argv = { 'x', '{sed}' }, output = 'text' })
    assert.equal('command: argv[2] has {input}; say what is in it by input = "raw", "text", "npy" '
      .. 'or "hdf5"', refused { argv = { 'x', '{input}' }, output = 'text' })
    assert.equal('command: raw output needs the shape of a simulation', refused { argv = { 'x' } })
    assert.equal('command: a program that runs in another folder needs its whole path, got ./x',
      refused { argv = { './x' }, output = 'text', inside = true })
  end)

  it('may leave files in a folder of its own, which goes', function()
    local script = '[ -e left ] && exit 1; mkdir -p a/b; touch left a/b/c; pwd | wc -c; echo $1'
    local sim = program_of(script, { inside = true })
    local data = sim:run(keys, theta, quiet)
    assert.same({ 40, 2 }, data.shape)
    assert.is_true(np.allclose(data[{ {}, 2 }], theta[{ {}, 1 }]))
    local function folders()
      local pipe = io.popen 'ls -d ${TMPDIR:-/tmp}/imnn-?????? 2>/dev/null | wc -l'
      local n = pipe:read '*n'
      pipe:close()
      return n
    end
    local before = folders()
    sim = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    assert.is_true(folders() < before)
  end)
end)
