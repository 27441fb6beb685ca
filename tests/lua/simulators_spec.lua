-- Simulators in worker processes and threads: equal results for any number of them, and whatever a
-- simulation does, it is told, counted, and leaves nothing behind.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local boxes = require 'tests.support.boxes'
local np, random, simulators = imnn.np, imnn.random, imnn.simulators
local black, bytes, keys, quiet, short, theta = boxes.black, boxes.bytes, boxes.keys,
  boxes.quiet, boxes.short, boxes.theta
local C = imnn.core.C

local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'
local shared = program:gsub('bin/imnn$', 'lib/unsteady.so')
local sanitized = boxes.sanitized

local function library(opts)
  local o = { path = shared, symbol = 'unsteady', shape = { 5 }, workers = 2 }
  for name, value in pairs(opts or {}) do o[name] = value end
  return simulators.library(o)
end

-- Plain Lua that draws in both ways and takes longer for some than for others.
local function plain(key, at)
  local x, a = {}, at:totable()
  local n = math.random(3000)
  for i = 1, n do x[i % 4 + 1] = a[1] + a[2] * math.random() end
  for i = n, 4 do x[i] = 0 end
  return np.array(x) + random.normal(key, { 4 })
end

describe('a black box', function()
  it('gives the same bytes for any number of workers', function()
    local first
    for workers = 1, 3 do
      local sim = black { fn = plain, workers = workers }
      local data, report = sim:run(keys, theta, quiet)
      assert.same({ 40, 4 }, data.shape)
      assert.same({ 0, 0, nil }, { report.retried, #report.failed, report.kept })
      first = first or bytes(data)
      assert.is_true(bytes(data) == first)
      assert.is_true(bytes(sim:run(keys[{ { 11, 20 } }], theta[{ { 11, 20 } }], quiet))
        == bytes(data[{ { 11, 20 } }])) -- whatever else is in the run
      assert.is_true(bytes(sim(keys[7], theta[7])) == bytes(data[7]))
      assert.equal(workers, sim:running())
      sim:close()
      assert.equal(0, sim:running())
      assert.is_true(bytes(sim:run(keys, theta, quiet)) == first)
    end
  end)

  it('gives what the function gives: Arrays, tables, numbers', function()
    local function shape(fn, opts)
      opts = opts or {}
      opts.fn = fn
      local data = black(opts):run(keys, { 1, 2 }, quiet)
      return { data.dtype, data.shape }
    end
    assert.same({ 'f32', { 40 } }, shape(function() return 3 end))
    assert.same({ 'f32', { 40, 2, 1 } }, shape(function() return { { 1 }, { 2 } } end))
    assert.same({ 'f64', { 40, 2 } }, shape(function(_, t) return t end, { dtype = 'f64' }))
    assert.same({ 'f32', { 40, 2 } }, shape(function(key) return key end))
    assert.same({ 'f32', { 40, 0 } }, shape(function() return {} end))
  end)

  it('sees parameters and keys as they are', function()
    local sim = black { fn = function(key, t)
      return { key.dtype == 'u32' and key[2]:item() % 1000 or -1, t.dtype == 'f64' and 64 or 32,
        t[1]:item() == 0.1 and 1 or 0 }
    end }
    assert.same({ keys[1][2]:item() % 1000, 64, 1 },
      sim(keys[1], np.array({ 0.1, 1 }, 'f64')):totable())
    assert.same({ keys[1][2]:item() % 1000, 32, 0 }, sim(keys[1], { 0.1 }):totable())
    assert.same({ 32, 1 }, black { fn = function(_, t) return { 32, #t } end }(keys[1], 0.5)
      :totable())
  end)

  it('makes batches of a size of its own', function()
    local function batched(key, t)
      return np.expand_dims(t[{ {}, 1 }], 2) + random.normal(key, { #t, 3 })
    end
    local first
    for workers = 1, 3 do
      local sim = black { fn = batched, batched = true, batch_size = 15, workers = workers }
      local data = sim:run(keys, theta, quiet)
      assert.same({ 40, 3 }, data.shape)
      first = first or bytes(data)
      assert.is_true(bytes(data) == first)
      assert.is_true(bytes(data[{ { 16, 30 } }]) == bytes(
        np.expand_dims(theta[{ { 16, 30 }, 1 }], 2) + random.normal(keys[16], { 15, 3 })))
    end
    local sim = black { fn = function() return np.zeros { 3, 2 } end, batched = true }
    assert.truthy(message(function() return sim:run(keys, theta, quiet) end):find(
      'simulations 1 to 40 of 40 gave (3, 2) for 40 simulations', 1, true))
  end)

  it('travels with its upvalues', function()
    local n, list, word, flag, nothing = 3, { 1, { 2, x = 'a\0b' } }, 'ab"\n', true, nil
    local big, a, z = 2 ^ 53 + 2, np.array { { 1.5, -2 } }, 1 + 2i
    local sin, fft = math.sin, np.fft
    local loop = { 5 }
    loop.self = loop
    local function factorial(k) return k < 2 and 1 or k * factorial(k - 1) end
    local sim = black { fn = function()
      return { n, list[2][1], #list[2].x, #word, flag and 1 or 0, nothing == nil and 1 or 0,
        big - 2 ^ 53, a[1][2]:item(), z.im, sin(0), #fft.fftfreq(4), factorial(5),
        loop.self.self[1] }
    end }
    assert.same({ 3, 2, 3, 4, 1, 1, 2, -2, 2, 0, 4, 120, 5 }, sim(keys[1], 0):totable())
  end)

  it('says what cannot travel, and what to do', function()
    local net, thread = setmetatable({}, {}), coroutine.create(print)
    local inner = { a = { thread } }
    local function refused(fn)
      local said = message(function() return simulators.blackbox { fn = fn }, 0 end)
      return said:match('blackbox: fn cannot go to another process: (.*); make that inside the '
        .. 'function, or put the function into a module and give module = "its name", fn = "its '
        .. 'name there"$')
    end
    assert.equal('its upvalue net is an object (a table with a metatable)',
      refused(function() return net end))
    assert.equal('its upvalue inner["a"][1] is a thread', refused(function() return inner end))
    assert.equal('its upvalue p is memory of the FFI',
      (function() local p = ffi.new 'int[1]' return refused(function() return p end) end)())
  end)

  it('comes from a module or a script', function()
    local path = os.tmpname()
    os.remove(path)
    local function write(text)
      local file = assert(io.open(path .. '.lua', 'w'))
      file:write(text)
      file:close()
    end
    local folder, name = path:match '^(.*)/([^/]*)$'
    local before = package.path
    package.path = folder .. '/?.lua;' .. before
    write 'local M = {}\nfunction M.three() return 3 end\nreturn M'
    assert.equal(3, black { module = name, fn = 'three' }(keys[1], 0):item())
    assert.truthy(message(function() black { module = name, fn = 'four' }(keys[1], 0) end):find(
      ('blackbox: module "%s" has no function "four"'):format(name), 1, true))
    package.path = before
    assert.truthy(message(function() black { module = name .. 'x', fn = 'f' }(keys[1], 0) end):find(
      ('blackbox: there is no module "%sx" in the folders of package.path'):format(name), 1, true))
    write 'function four() return 4 end'
    assert.equal(4, black { script = path .. '.lua', fn = 'four' }(keys[1], 0):item())
    assert.truthy(message(function() black { script = path .. '.lua' }(keys[1], 0) end):find(
      'gives a nil, no function; say which by fn = "name"', 1, true))
    write 'return function() return 5 end'
    assert.equal(5, black { script = path .. '.lua' }(keys[1], 0):item())
    write 'return +'
    assert.truthy(message(function() black { script = path .. '.lua' }(keys[1], 0) end):find(
      "unexpected symbol near '+'", 1, true))
    os.remove(path .. '.lua')
  end)

  it('cannot be differentiated, and says what can be done', function()
    local sim = black { fn = plain }
    for _, transform in ipairs { imnn.jit, imnn.grad, imnn.jacfwd } do
      assert.truthy(message(function()
        local result = transform(function(t) return sim(keys[1], t):sum() end)(np.array { 1, 2 })
        return result
      end):find('a black box cannot be traced, so it has no derivatives .*NumericalGradientIMNN'))
    end
  end)
end)

-- What theta[2] tells it to do.
local function unsteady(_, t)
  local what = t[2]:item()
  if what == 1 then error 'no such cosmology' end
  if what == 2 then os.exit(3) end
  if what == 3 then while true do end end -- luacheck: ignore
  if what == 4 then return { 0, 0 / 0 } end
  if what == 5 then return { 1, 2, 3 } end
  if what == 6 then io.popen('kill -9 $PPID'):read '*a' end
  if what == 7 then -- sanitizers have a handler of their own
    ffi.cdef 'void *signal(int number, void *handler); int raise(int number);'
    ffi.C.signal(11, nil)
    ffi.C.raise(11)
  end
  if what == 8 then return 'junk' end
  if what == 9 then print 'junk on the screen' end
  return { t[1]:item(), what }
end

local sentences = {
  { 'error', 'raised an error: .*simulators_spec.lua:%d+: no such cosmology' },
  { 'crash', 'has no result: its process ended with exit status 3' },
  { 'timeout', 'took longer than ' .. short .. ' s' },
  { 'nonfinite', 'gave a number that is not finite, element 2' },
  { 'shape', 'gave data of shape %(3%), not %(2%)' },
  { 'crash', 'has no result: its process was ended by signal 9 %(Killed%)' },
  { 'crash', 'has no result: its process was ended by signal 11 %(Segmentation fault%)' },
  { 'error', 'raised an error: .*it gave a string, not an Array, a number or a table of numbers' },
}

-- n rows that do the same.
local function rows(what, n) return np.broadcast_to(np.array { 1, what }, { n, 2 }) end

-- The whole number that a key is, as {seed} of a command.
local function seed_of(key)
  return tostring(bit.bor(bit.lshift(key[1]:item() + 0ULL, 32), key[2]:item() + 0ULL)):match '%d+'
end

describe('a simulation that fails', function()
  -- Number 4 i has fault i.
  local faults = {}
  for i = 1, 40 do faults[i] = { i, i % 4 == 0 and i / 4 <= #sentences and i / 4 or 0 } end
  faults = np.array(faults)

  it('is left out and told', function()
    for workers = 1, 3 do
      local sim = black { fn = unsteady, timeout = short, on_failure = 'drop', workers = workers }
      local data, report = sim:run(keys, faults, quiet)
      assert.equal(#sentences, #report.failed)
      assert.equal(#sentences, report.n_failed)
      for i, expected in ipairs(sentences) do
        local f = report.failed[i]
        assert.same({ 4 * i, expected[1], 1 }, { f.index, f.kind, f.attempts })
        assert.truthy(f.why:find(expected[2]), f.why)
        assert.same(keys[4 * i]:totable(), f.key)
        assert.same({ 4 * i, i }, f.theta)
        assert.equal(seed_of(keys[4 * i]), tostring(f.seed):match '%d+')
      end
      local rest = data[{ {}, 1 }]
      assert.same({ 32, 2 }, data.shape)
      assert.same(rest:totable(), report.kept:totable())
      assert.same(np.take(keys, report.kept, 1):totable(), report.keys:totable())
    end
  end)

  it('ends the run with the first by number, which is named', function()
    for i, expected in ipairs(sentences) do
      local some = np.concatenate({ faults[{ { 4 * i - 2, 4 * i } }], faults[{ { 28, 28 } }] }, 1)
      local sim = black { fn = unsteady, timeout = short, workers = 1 + i % 3 }
      local said = message(function() return sim:run(keys[{ { 1, 4 } }], some, quiet) end)
      assert.truthy(said:find('blackbox: simulation 3 of 4 ' .. expected[2]), said)
      assert.truthy(said:find(('; its seed is %s, its key is { %d, %d }, its parameters are '
        .. '{ %d, %d }'):format(seed_of(keys[3]), keys[3][1]:item(), keys[3][2]:item(), 4 * i, i),
        1, true), said)
    end
  end)

  it('has the policy and the seeds of the run', function()
    local sim = black { fn = unsteady }
    local some, seeds = faults[{ { 2, 4 } }], np.array({ 7, 8, 9 }, 'i32')
    local function run(opts)
      opts.progress, opts.seeds = false, seeds
      return sim:run(keys[{ { 1, 3 } }], some, opts)
    end
    local _, report = run { on_failure = 'drop', retries = 1 }
    local f = report.failed[1]
    assert.same({ 1, 9, 2, 1 }, { #report.failed, f.seed, f.attempts, report.retried })
    assert.truthy(message(function() run { rekey = 2 } end):find(
      'no such cosmology %(3 attempts%); its seed is 9, its key is'))
    seeds = np.array { 1, 2, 3 }
    assert.truthy(message(function() run {} end):find 'blackbox: seeds must be i32, got f32')
    seeds = np.array({ 1 }, 'i32')
    assert.truthy(message(function() run {} end):find(
      'blackbox: 3 keys need seeds (3), got (1)', 1, true))
  end)

  it('is told by a single call, too', function()
    local sim = black { fn = unsteady, on_failure = 'drop' }
    assert.truthy(message(function() return sim(keys[1], { 1, 1 }) end):find 'no such cosmology')
  end)

  it('is repeated with the same key, then with others', function()
    local path = os.tmpname()
    local function third_time(_, t) -- each of two simulations fails twice
      local name = ('%s.%d'):format(path, t[1]:item())
      local file = assert(io.open(name, 'a'))
      file:write 'x'
      file:close()
      file = io.open(name)
      local tries = #file:read '*a'
      file:close()
      if t[1]:item() > 0 and tries < 3 then os.exit(1) end
      return math.random()
    end
    local sim = black { fn = third_time, on_failure = 'retry' }
    local data, report = sim:run(keys[{ { 1, 4 } }], np.array { { 0 }, { 1 }, { 0 }, { 2 } }, quiet)
    assert.same({ 4, 4, 0 }, { #data, report.retried, #report.failed })
    assert.same({}, report.rekeyed)
    assert.is_true(bytes(data) == bytes(black { fn = function() return math.random() end }:run(
      keys[{ { 1, 4 } }], 0, quiet)))
    for i = 0, 2 do os.remove(('%s.%d'):format(path, i)) end
    os.remove(path)

    -- One key in four will do.
    local lib = library { rekey = 20, retries = 1 }
    data, report = lib:run(keys, { 0, 5 }, quiet)
    assert.is_true(#report.rekeyed > 10)
    local again = library():run(report.keys, { 0, 0 }, quiet)
    assert.is_true(bytes(again) == bytes(data))
    local i = report.rekeyed[1]
    local others = {}
    for j = 1, 20 do others[table.concat(random.fold_in(keys[i], j):totable(), ' ')] = true end
    assert.is_true(others[table.concat(report.keys[i]:totable(), ' ')])
    assert.truthy(message(function()
      return library { on_failure = 'retry', retries = 5 }:run(keys, { 0, 1 }, quiet)
    end):find 'library: simulation 1 of 40 failed: it gave the status 7 %(6 attempts%)')
  end)

  it('may give what is not finite, if it is told so', function()
    local data = black { fn = unsteady, check_finite = false }:run(keys[{ { 1, 2 } }], { 1, 4 },
      quiet)
    assert.is_true(data[1][2]:item() ~= data[1][2]:item())
  end)

  it('is not taken for what says the shape', function()
    local some = np.array { { 1, 1 }, { 2, 4 }, { 3, 0 }, { 4, 5 } }
    local data, report = black { fn = unsteady, on_failure = 'drop' }:run(keys[{ { 1, 4 } }], some,
      quiet)
    assert.same({ { 3, 0 } }, data:totable())
    assert.equal(3, #report.failed)
    assert.truthy(message(function()
      return black { fn = unsteady, on_failure = 'drop' }:run(keys, { 0, 1 }, quiet)
    end):find('blackbox: none of 40 simulations was made, so nobody knows their shape; the first '
      .. 'raised an error: .*no such'))
    data = black { fn = unsteady, on_failure = 'drop', shape = { 2 } }:run(keys, { 0, 1 }, quiet)
    assert.same({ 0, 2 }, data.shape)
  end)
end)

describe('a C function', function()
  it('gives the same bytes in any number of threads and processes', function()
    local first
    for workers = 1, 3 do
      for _, isolate in ipairs { false, true } do
        local sim = library { workers = workers, isolate = isolate }
        local data = sim:run(keys, theta[{ {}, { 1, 1 } }], quiet)
        assert.same({ 40, 5 }, data.shape)
        first = first or bytes(data)
        assert.is_true(bytes(data) == first)
        assert.is_true(bytes(sim(keys[9], theta[9][{ { 1, 1 } }])) == bytes(data[9]))
        assert.equal(isolate and workers or 0, sim:running())
      end
    end
    assert.equal('f64', library { dtype = 'f64' }(keys[1], 0).dtype)
    assert.same({ 2, 3 }, library { shape = { 2, 3 } }(keys[1], 0).shape)
  end)

  it('may refuse, and give what is not finite', function()
    for _, isolate in ipairs { false, true } do
      local sim = library { isolate = isolate, on_failure = 'drop' }
      local some = np.array { { 0, 0 }, { 0, 1 }, { 0, 4 }, { 0, 0 } }
      local data, report = sim:run(keys[{ { 1, 4 } }], some, quiet)
      assert.same({ 2, 5 }, data.shape)
      assert.same({ 'status', 'nonfinite' }, { report.failed[1].kind, report.failed[2].kind })
      assert.equal('failed: it gave the status 7', report.failed[1].why)
      assert.equal('gave a number that is not finite, element 5', report.failed[2].why)
    end
    assert.truthy(message(function() return library():run(keys, { 0, 1 }, quiet) end):find(
      'library: simulation 1 of 40 failed: it gave the status 7; its seed is', 1, true))
  end)

  it('may crash and hang where it is isolated', function()
    local sim = library { isolate = true, on_failure = 'drop', timeout = short }
    local some = np.array { { 0, 0 }, { 0, 2 }, { 0, 3 }, { 0, 0 } }
    local data, report = sim:run(keys[{ { 1, 4 } }], some, quiet)
    assert.equal(2, #data)
    assert.same({ 'crash', 'timeout' }, { report.failed[1].kind, report.failed[2].kind })
    if not sanitized then assert.truthy(report.failed[1].why:find 'signal 6 %(Aborted%)') end
  end)

  it('is looked for', function()
    local function refused(opts)
      return message(function() return library(opts), 0 end):match '%d: (.*)$'
    end
    assert.truthy(refused { path = 'none.so' }:find '^library: cannot load none.so: ')
    assert.equal(('library: %s has no function "none"; is it static, or C++ without extern "C"?')
      :format(shared), refused { symbol = 'none' })
    assert.equal('library: a thread cannot be stopped, so a timeout needs isolate = true',
      refused { timeout = 1 })
    assert.truthy(message(function() return library { isolate = true, path = 'none.so' }(keys[1], 0)
    end):find 'library: cannot load none.so: ')
  end)
end)

describe('simulators', function()
  it('check what they are given', function()
    local sim = black { fn = plain }
    local function refused(fn) return message(fn):match '^%S+:%d+: (.*)$' end
    assert.equal('run: blackbox: keys must be u32 (n, 2), as random.split(key, n) gives them, got '
      .. 'u32 (2)', refused(function() return sim:run(keys[1], { 0, 0 }), 0 end))
    assert.equal('run: blackbox: 40 keys need parameters (40, P), got (3, 1)',
      refused(function() return sim:run(keys, np.zeros { 3, 1 }), 0 end))
    assert.equal('blackbox: fn must be a function (key, theta), or a name with module = "..." or '
      .. 'script = "..."; got nil', refused(function() return simulators.blackbox {}, 0 end))
    assert.equal('blackbox: 1 to 256 workers, got 300',
      refused(function() return black { fn = plain, workers = 300 }, 0 end))
    assert.equal('blackbox: on_failure is "drop" or "fail" or "retry", got "dropp"; did you mean '
      .. '"drop"?', refused(function() return black { fn = plain, on_failure = 'dropp' }, 0 end))
    assert.truthy(tostring(sim):find '^blackbox function of tests/lua/simulators_spec.lua:%d+')
  end)

  it('make none where none are asked for', function()
    local none = np.zeros({ 0, 2 }, 'u32')
    assert.same({ 0, 5 }, library():run(none, 0, quiet).shape)
    assert.truthy(message(function() return black { fn = plain }:run(none, 0, quiet) end):find(
      'blackbox: no simulation says what shape they have', 1, true))
  end)

  local function descriptors()
    local n, pipe = 0, io.popen 'ls /proc/$PPID/fd'
    for _ in pipe:lines() do n = n + 1 end
    pipe:close()
    return n
  end

  local function children()
    local file = assert(io.open '/proc/thread-self/children')
    local _, n = file:read '*a':gsub('%d+', '')
    file:close()
    return n
  end

  it('leave neither descriptors nor memory nor processes behind', function()
    local function use()
      local sim = black { fn = function(_, t) return t end }
      for _ = 1, sanitized and 5 or 30 do sim:run(keys, { 1, 2 }, quiet) end
      local bad = black { fn = unsteady, on_failure = 'drop', retries = 1 }
      local some = np.concatenate({ rows(2, 4), rows(0, 4) }, 1)
      bad:run(keys[{ { 1, 8 } }], some, quiet)
      pcall(function() bad:run(keys, { 1, 1 }, quiet) end)
    end
    local function counts()
      use()
      collectgarbage() collectgarbage()
      return descriptors(), children(), tonumber(C.imnn_live_bytes())
    end
    counts()
    local before, processes, live = counts()
    local good
    for _ = 1, 5 do -- of the last use a worker may be just ending; what leaks grows with each
      local d, c, b = counts()
      good = good or d <= before and c <= processes and b - live < 2 ^ 16
    end
    assert.is_true(good)
  end)

  it('end with the process that uses them, however that ends', function()
    local script = os.tmpname()
    local file = assert(io.open(script, 'w'))
    file:write [[
      local imnn = require 'imnn'
      local sim = imnn.simulators.blackbox { workers = 2, fn = function()
        io.popen('sleep 1000; true') -- what it has started ends, too
        io.stdout:write(io.open '/proc/self/stat':read '*n', ' ')
        io.stdout:flush()
        while true do end
      end, shape = {} }
      sim:run(imnn.random.split(imnn.random.PRNGKey(0), 2), 0)]]
    file:close()
    local pipe = io.popen(([[LD_PRELOAD= bash -c '%s %s >%s.out & me=$!
      for i in {1..400}; do [ "$(wc -w 2>&1 <%s.out)" = 2 ] && break; sleep 0.05; done
      kill -9 $me; read a b <%s.out
      for i in {1..100}; do
        pgrep -g $a,$b >/dev/null || { echo gone; exit; }; sleep 0.05
      done; pgrep -lg $a,$b' 2>/dev/null]]):format(program, script, script, script, script))
    local said = pipe:read '*a'
    pipe:close()
    os.remove(script)
    os.remove(script .. '.out')
    assert.equal('gone\n', said)
  end)

  it('are looked at when they are made', function()
    for why, row in pairs {
      ['blackbox: cannot open none.lua: No such file or directory'] = { 'blackbox',
        script = 'none.lua' },
      ['blackbox: there is no module "none" in the folders of package.path'] = { 'blackbox',
        module = 'none' },
      ['blackbox: module "string" has no function "shout"'] = { 'blackbox', module = 'string',
        fn = 'shout' },
      ['command: cannot run nosuchprogram: it is in no folder of PATH'] = { 'command',
        argv = { 'nosuchprogram' }, output = 'text' },
      ['command: cannot run /: Is a directory'] = { 'command', argv = { '/' }, output = 'text' },
      ['library: cannot load none.so: none.so: cannot open shared object file: No such file or '
        .. 'directory'] = { 'library', path = 'none.so', symbol = 'f', shape = 2, isolate = true },
    } do
      local made = simulators[table.remove(row, 1)]
      local whole = message(function() return made(row), 0 end)
      local line, said = whole:match '^tests/lua/simulators_spec.lua:(%d+): (.*)$'
      assert.equal(why, said)
      assert.equal(debug.getinfo(1, 'l').currentline - 3, tonumber(line))
    end
  end)

  it('need the program', function()
    ffi.cdef 'int setenv(const char *, const char *, int); int unsetenv(const char *);'
    local before = os.getenv 'IMNN_PROGRAM'
    local function with(name)
      ffi.C.setenv('IMNN_PROGRAM', name, 1)
      local said = message(function() return black { fn = plain }(keys[1], { 0, 0 }) end)
      return said:match 'blackbox: (.*)$'
    end
    assert.equal('cannot start a worker, /none/imnn: No such file or directory; IMNN_PROGRAM names '
      .. 'another', with '/none/imnn')
    assert.equal('a worker could not begin: its process ended with exit status 1 (it is /bin/false '
      .. '--worker)', with '/bin/false')
    if before then ffi.C.setenv('IMNN_PROGRAM', before, 1) else ffi.C.unsetenv 'IMNN_PROGRAM' end
  end)
end)
