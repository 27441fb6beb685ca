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

M.is = object.is

return args.strict('simulators', M)
