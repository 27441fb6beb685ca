--- Simulators that cannot be traced: plain Lua with branches, C functions, programs. They make
-- simulations in worker processes or threads; results are the same for any number of them. They
-- feed NumericalGradientIMNN (`numerical`), files (imnn.data.write_simulations) and ABC
-- (imnn.lfi).
--
-- Options that all kinds have: `workers`: how many simulations at a time, as many as there are
-- threads; `timeout`: seconds that one may take, else as long as it takes; `on_failure`: what
-- happens when one crashes, hangs, raises an error, or gives other data than the first or numbers
-- that are not finite: 'fail' (an error that names it), 'drop' (it is left out, and counted),
-- 'retry' (as fail, after `retries` = 3); `retries` (0): how often it is repeated with its key;
-- `rekey` (0): how often after that with another key, its own with 1, 2, ... folded in;
-- `check_finite` (true); `dtype` of the data, 'f32' or 'f64'; `shape` of one simulation, that of
-- the first unless given.
-- @module imnn.simulators
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local object = require 'imnn.simulators.object'
local travel = require 'imnn.simulators.travel'
local C = core.C
local M = {}

-- ---- functions of Lua ----

-- How the function gets to the workers, and what it is in words.
local function source(who, o)
  if o.module and o.script then core.raise('%s: give a module or a script, not both', who) end
  if o.module or o.script then
    if o.fn ~= nil and type(o.fn) ~= 'string' then
      core.raise('%s: fn must be the name of a function in the %s, got %s', who,
        o.module and 'module' or 'script', core.kind(o.fn))
    end
    return { module = o.module, script = o.script, fn = o.fn },
      ('%s of %s'):format(o.fn or 'function', o.module or o.script)
  end
  if type(o.fn) ~= 'function' then
    core.raise('%s: fn must be a function (key, theta), or a name with module = "..." or script = '
      .. '"..."; got %s', who, core.kind(o.fn))
  end
  local code, why = travel.write(o.fn, 'fn')
  if not code then
    core.raise('%s: fn cannot go to another process: %s; make that inside the function, or put '
      .. 'the function into a module and give module = "its name", fn = "its name there"', who,
      why == 'fn is a function of C' and why or 'its upvalue ' .. why)
  end
  local info = debug.getinfo(o.fn, 'S')
  return { code = code }, ('function of %s:%d'):format(info.short_src, info.linedefined)
end

--- A function of Lua in worker processes, one after the other in each. It may do what it likes:
-- branch, read files, loop, use math.random (which is seeded by the key).
-- @tparam table opts `fn`: the function (key, theta (P)) -> Array, number or table of numbers; it
-- goes to the workers with its upvalues as they are now: numbers, texts, Arrays, plain tables,
-- modules and functions. Or its name in `module` (as for require) or in `script` (a path; a global
-- there, or in the table that it returns), which may return the function themselves. `batched`
-- (false): fn gets (key, theta (n, P)) with the key of the first of n = `batch_size` (100) rows
-- and gives (n, ...); and the options of imnn.simulators
-- @treturn sim
-- @raise a function that cannot go to another process: which upvalue is in the way
-- @usage local sim = simulators.blackbox { workers = 2, fn = function(key, theta)
--   local x = {}
--   for i = 1, 3 do x[i] = theta[1]:item() + math.random() end
--   return x
-- end }
-- sim(key, { 5 }).shape --> { 3 }
function M.blackbox(opts)
  local who = 'blackbox'
  local o = args.take(who, opts, args.rows(object.rows, {
    fn = { 'function', 'string', optional = true }, module = { 'string', optional = true },
    script = { 'string', optional = true }, batched = { 'boolean', default = false },
    batch_size = { 'integer', optional = true },
  }))
  if o.batch_size and not o.batched then
    core.raise('%s: batch_size is for batched = true', who)
  end
  local batch_size = o.batched and (o.batch_size or 100) or 1
  local c = object.options(who, o, batch_size)
  local setup, what = source(who, o)
  setup.path, setup.cpath, setup.dtype = package.path, package.cpath, o.dtype
  setup.batched, setup.default_dtype = o.batched, array.default_dtype()
  setup.key_layout = require('imnn.random').key_layout()
  setup.threads = math.max(1, math.floor(C.imnn_threads() / o.workers))
  local message = 'L' .. travel.write(setup, 'setup')
  local slot = ffi.new 'imnn_simulator *[1]'
  core.check(C.imnn_simulator_processes(slot, c, message, #message), who)
  return object.new(who, what, o, slot, batch_size)
end

-- ---- functions of C ----

--- A C function of a shared object, called by all threads at a time; include/imnn/simulator.h says
-- what it looks like.
-- @tparam table opts `path` of the shared object; `symbol`: the function's name; `shape` of one
-- simulation; `isolate` (false): call it in worker processes, so that it may crash and have a
-- timeout; and the options of imnn.simulators
-- @treturn sim
-- @raise no such file or function
-- @usage local ok, why = pcall(simulators.library, { path = 'none.so', symbol = 'simulate',
--   shape = { 10 } })
-- ok --> false
function M.library(opts)
  local who = 'library'
  local o = args.take(who, opts, args.rows(object.rows, {
    path = { 'string' }, symbol = { 'string' }, isolate = { 'boolean', default = false },
    shape = { 'table', 'integer' },
  }))
  local c, slot = object.options(who, o), ffi.new 'imnn_simulator *[1]'
  core.check(C.imnn_simulator_library(slot, c, o.path, o.symbol, o.isolate), who)
  return object.new(who, ('%s of %s'):format(o.symbol, o.path), o, slot)
end

-- ---- programs ----

local forms = { args = C.IMNN_ARGS, raw = C.IMNN_RAW, text = C.IMNN_TEXT, npy = C.IMNN_NPY,
  hdf5 = C.IMNN_HDF5 }
local placeholders = { theta = true, seed = true, seed32 = true, key1 = true, key2 = true,
  input = true, output = true, folder = true }

-- The number of parameters that the arguments need at least.
local function check_arguments(who, argv, input)
  local least = 0
  for i, word in ipairs(argv) do
    if type(word) ~= 'string' then
      core.raise('%s: argv[%d] must be a string, got %s', who, i, core.kind(word))
    end
    for name in word:gmatch '{(%a%w*)}' do
      least = math.max(least, tonumber(name:match '^theta([1-9]%d*)$') or 0)
      if not placeholders[name] and not name:find '^theta[1-9]%d*$' then
        core.raise('%s: argv[%d] has the unknown placeholder {%s}%s', who, i, name,
          args.near(name, placeholders))
      elseif name == 'input' and input == 'args' then
        core.raise('%s: argv[%d] has {input}; say what is in it by input = "raw", "text", "npy" or '
          .. '"hdf5"', who, i)
      end
    end
  end
  if #argv == 0 then core.raise('%s: argv names no program', who) end
  return least
end

--- A program that makes one simulation each time it runs. It is not run by a shell.
-- @tparam table opts `argv`: program and arguments, in which {theta} is all parameters, separated
-- by commas (where it is a whole argument: as many arguments), {theta1}, ... one of them, {seed}
-- the key as a whole number below 2^64, {seed32} its lower half, {key1}, {key2} its two words,
-- {input}, {output} names of files, {folder} that of the folder where these are; `input` ('args'):
-- what comes beside arguments, in the file {input} or, where argv has none, in the standard input:
-- 'raw' (f64), 'text' (one number a line), 'npy', 'hdf5' (datasets theta and key); `output`
-- ('raw'): what is in the file {output} or comes by the standard output: 'raw' (of `dtype`), 'text'
-- (numbers with blanks, lines or commas between them), 'npy', 'hdf5' (`dataset`: 'data');
-- `inside` (false): run in a private folder, where it may leave files; and the options of
-- imnn.simulators
-- @treturn sim
-- @raise no program, unknown placeholders
-- @usage local sim = simulators.command { argv = { 'echo', '{theta}', '{seed32}' },
--   output = 'text' }
-- sim(random.PRNGKey(7), { 0.5, 2 }) --> { 0.5, 2, 7 }
function M.command(opts)
  local who = 'command'
  local o = args.take(who, opts, args.rows(object.rows, {
    argv = { 'table' }, input = { 'string', default = 'args' },
    output = { 'string', default = 'raw' }, dataset = { 'string', default = 'data' },
    inside = { 'boolean', default = false },
  }))
  local given = ffi.new 'imnn_command'
  given.input = args.choice(who, 'input', o.input, forms)
  given.output = args.choice(who, 'output', o.output, { raw = forms.raw, text = forms.text,
    npy = forms.npy, hdf5 = forms.hdf5 })
  local least = check_arguments(who, o.argv, o.input)
  if o.inside and o.argv[1]:find '/' and not o.argv[1]:find '^/' then
    core.raise('%s: a program that runs in another folder needs its whole path, got %s', who,
      o.argv[1])
  end
  local list = ffi.new('const char *[?]', #o.argv, o.argv)
  given.dataset, given.inside, given.n_args, given.args = o.dataset, o.inside, #o.argv, list
  local c, slot = object.options(who, o), ffi.new 'imnn_simulator *[1]'
  core.check(C.imnn_simulator_command(slot, c, given), who)
  return object.new(who, table.concat(o.argv, ' '), o, slot, 1, least)
end

M.is = object.is
M.numerical = require('imnn.simulators.numerical').numerical

return args.strict('simulators', M)
