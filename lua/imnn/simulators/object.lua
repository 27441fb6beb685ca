--- Simulators that cannot be traced: what they are made of runs in worker processes, or in threads.
-- `sim(key, theta)` makes one simulation, sim:run many. Attributes: dtype of the data; workers;
-- on_failure, retries, rekey; batch_size: simulations that are made together (1); shape of one
-- simulation, nil until it is known.
-- @module imnn.simulators.object
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local ending = require 'imnn.ending'
local np = require 'imnn.numpy'
local progress = require 'imnn.progress'
local text = require('imnn.array.text').shape
local C, check = core.C, core.check
local M = {}

local Simulator = {}

-- ---- what it is given ----

local function refuse_traced(self, x)
  if array.is(x) and x.node ~= 0 then
    core.raise('%s: a black box cannot be traced, so it has no derivatives and is no part of a '
      .. 'compiled function; make its simulations beforehand: for NumericalGradientIMNN with '
      .. 'imnn.simulators.numerical, for files with imnn.data.write_simulations', self.who)
  end
end

local function parameters(self, theta)
  refuse_traced(self, theta)
  if type(theta) ~= 'number' and type(theta) ~= 'table' and not array.is(theta) then
    core.raise('%s: parameters must be an Array, a number or a table, got %s', self.who,
      core.kind(theta))
  end
  theta = array.is(theta) and theta or np.array(theta)
  if theta.ndim == 0 then theta = theta:reshape { 1 } end
  local real = theta.dtype == 'f32' or theta.dtype == 'f64'
  return real and theta or theta:astype(array.default_dtype())
end

local function keys_of(self, keys)
  refuse_traced(self, keys)
  if array.is(keys) and keys.dtype == 'u32' and keys.ndim == 2 and keys.shape[2] == 2 then
    return keys
  end
  core.raise('%s: keys must be u32 (n, 2), as random.split(key, n) gives them, got %s', self.who,
    array.is(keys) and keys.dtype .. ' ' .. text(keys.shape) or core.kind(keys))
end

-- ---- failures ----

local policies = { fail = { retries = 0 }, drop = { retries = 0 }, retry = { retries = 3 } }

-- What happens to failures: the policy that is asked for, or that of a simulator.
local function policy_of(who, o, default)
  local row = o.on_failure and args.choice(who, 'on_failure', o.on_failure, policies)
  return { on_failure = o.on_failure or default.on_failure,
    retries = o.retries or row and row.retries or default.retries,
    rekey = o.rekey or default.rekey }
end
M.policy_of = policy_of

--- What is said about a failed simulation, after "the simulation".
-- @tparam table f why, seed, key, theta, attempts
-- @treturn string
function M.sentence(f)
  local seed = type(f.seed) == 'number' and ('%.0f'):format(f.seed) or tostring(f.seed):match '%d+'
  return ('%s%s; its seed is %s, its key is { %s }, its parameters are { %s }'):format(f.why,
    f.attempts > 1 and (' (%d attempts)'):format(f.attempts) or '', seed,
    table.concat(f.key, ', '), table.concat(f.theta, ', '))
end

-- ---- a run ----

-- An Array that a function of C makes.
local function made(fn, who, run)
  local out = ffi.new 'imnn_array *[1]'
  check(fn(out, run), who)
  return array.own(out)
end

-- A number where that holds it.
local function whole(seed)
  local number = tonumber(seed)
  return number < 2 ^ 53 and number or seed
end

local function failures(run, theta)
  local out, i = {}, 0
  local f = C.imnn_simulations_failure(run, 0)
  while f ~= nil do
    local index = tonumber(f.index) + 1
    out[#out + 1] = { index = index, kind = ffi.string(f.kind), why = ffi.string(f.why),
      seed = whole(f.seed), key = { f.key[0], f.key[1] }, theta = theta[index]:totable(),
      attempts = f.attempts }
    i = i + 1
    f = C.imnn_simulations_failure(run, i)
  end
  return out
end

local function counts(run)
  local n = ffi.new 'int64_t[3]'
  C.imnn_simulations_count(run, n, n + 1, n + 2)
  return tonumber(n[0]), tonumber(n[1]), tonumber(n[2])
end

local function follow(self, run, n, o)
  local done, start = ffi.new 'bool[1]', C.imnn_seconds()
  local label = o.label and o.label .. '  ' or ''
  local function loop(show)
    repeat
      check(C.imnn_simulations_step(run, 0.1, done), self.who)
      if not done[0] then ending.leave() end
      local good, failed, retried = counts(run)
      show('%s%d of %d simulations%s%s  %.3g a second', label, good, n,
        failed > 0 and ('  %d failed'):format(failed) or '',
        retried > 0 and ('  %d repeated'):format(retried) or '',
        good / math.max(C.imnn_seconds() - start, 1e-9))
    until done[0]
  end
  if type(o.progress) == 'function' then loop(o.progress)
  elseif o.progress then progress.follow(type(o.progress) == 'table' and o.progress or {}, loop)
  else loop(function() end) end
end

local function report_of(self, run, keys, theta, seconds)
  local _, failed, retried = counts(run)
  local report = { failed = failures(run, theta), n_failed = failed, retried = retried,
    rekeyed = {}, seconds = seconds, keys = made(C.imnn_simulations_keys, self.who, run) }
  local kept = nil
  if failed > 0 then
    kept = made(C.imnn_simulations_kept, self.who, run)
    report.kept = kept + np.array(1, 'i32')
  end
  if retried > 0 then
    local before = kept and np.take(keys, report.kept, 1) or keys
    local other = np.any(np.ne(before, report.keys), { axis = 2 })
    for i, changed in ipairs(other:totable()) do
      if changed then
        report.rekeyed[#report.rekeyed + 1] = kept and report.kept[i]:item() or i
      end
    end
  end
  return report
end

--- Make simulations. Data do not depend on the number of workers, nor on what else is made in the
-- same run (but see batch_size).
-- @tparam Array keys u32 (n, 2): one each, as random.split(key, n) gives them
-- @tparam Array|table|number theta (n, P), or (P) for all
-- @tparam[opt] table opts `progress` (true): a line on a terminal, or a function (format, ...)
-- that shows it; `label`: what it begins with; `seeds`: i32 Array (n), what failures are reported
-- with in place of the keys as whole numbers; `on_failure`, `retries`, `rekey`: for this run, in
-- place of those of the simulator
-- @treturn Array (n, ...), without the rows of simulations that were given up
-- (on_failure = 'drop')
-- @treturn table report: `failed`: list of { index, kind, why, seed, key, theta, attempts } of
-- those that were given up; the seed is the key as a whole number, as {seed} of `command`; from
-- 2^53 on it is a cdata; `n_failed`: how many simulations that are; `kept`: i32 Array of the
-- numbers that are left, nil if all are; `retried`: attempts beyond the first; `keys` (n, 2) with
-- which the rows were made; `rekeyed`: list of numbers of those that got another key; `seconds`
-- @raise keys and parameters that do not fit; a failure, unless on_failure = 'drop': the
-- simulation, its seed, its key and its parameters are named; ctrl-C
-- @usage local data, report = sim:run(random.split(key, 10), { 0, 1 }, { progress = false })
-- data.shape --> { 10, 3 }
function Simulator:run(keys, theta, opts)
  local o = args.take('run', opts, {
    progress = { 'boolean', 'table', 'function', default = true },
    label = { 'string', optional = true }, seeds = { 'Array', optional = true },
    on_failure = { 'string', optional = true }, retries = { 'integer', optional = true },
    rekey = { 'integer', optional = true },
  })
  local policy = policy_of(self.who, o, self)
  keys, theta = keys_of(self, keys), parameters(self, theta)
  local n = #keys
  if theta.ndim == 1 then theta = np.broadcast_to(theta, { n, theta.size }) end
  if theta.shape[theta.ndim] < self.least then
    core.raise('%s: its arguments have {theta%d}, but there are %d parameters', self.who,
      self.least, theta.shape[theta.ndim])
  end
  local slot, start = ffi.new 'imnn_simulations *[1]', C.imnn_seconds()
  check(C.imnn_simulations_new(slot, self.handle, keys.array, theta.array), self.who)
  local run = slot[0]
  local data, report
  local ok, why = pcall(function()
    check(C.imnn_simulations_policy(run, policy.on_failure == 'drop', policy.retries,
      policy.rekey))
    if o.seeds then check(C.imnn_simulations_seeds(run, o.seeds.array)) end
    follow(self, run, n, o)
    data = made(C.imnn_simulations_data, self.who, run)
    report = report_of(self, run, keys, theta, C.imnn_seconds() - start)
  end)
  C.imnn_simulations_release(run)
  if not ok then error(why, 0) end
  return data, report
end

--- One simulation.
-- @tparam Array key u32 (2)
-- @tparam Array|table|number theta (P)
-- @treturn Array of the shape of one simulation
-- @raise a traced array: black boxes have no derivatives; a failure, whatever on_failure says
-- @usage sim(key, { 0, 1 }).shape --> { 3 }
function Simulator:__call(key, theta)
  refuse_traced(self, key)
  refuse_traced(self, theta)
  if not (array.is(key) and key.dtype == 'u32' and key.ndim == 1 and key.size == 2) then
    core.raise('%s: a key must be u32 (2), as random.PRNGKey gives it, got %s', self.who,
      array.is(key) and key.dtype .. ' ' .. text(key.shape) or core.kind(key))
  end
  theta = parameters(self, theta)
  if theta.ndim ~= 1 then
    core.raise('%s: one simulation has parameters (P), got %s; sim:run makes several', self.who,
      text(theta.shape))
  end
  local data, report = self:run(key:reshape { 1, 2 }, theta, { progress = false })
  local f = report.failed[1]
  if f then core.raise('%s: the simulation %s', self.who, M.sentence(f)) end
  return data[1]
end

--- End the worker processes now, not when the collector finds that nobody uses them any more. The
-- next run starts others.
-- @usage sim:close()
function Simulator:close() C.imnn_simulator_close(self.handle) end

--- How many worker processes are running.
-- @treturn number
-- @usage sim:close()
-- sim:running() --> 0
function Simulator:running() return C.imnn_simulator_running(self.handle) end

local properties = {
  shape = function(self)
    local s = C.imnn_simulator_shape(self.handle)
    if s.ndim < 0 then return nil end
    local out = {}
    for i = 1, s.ndim do out[i] = tonumber(s.size[i - 1]) end
    return out
  end,
}

function Simulator.__index(self, name)
  if properties[name] then return properties[name](self) end
  return Simulator[name]
end

function Simulator:__tostring()
  local shape = self.shape
  return ('%s %s: %s%s, %d workers'):format(self.who, self.what, self.dtype,
    shape and ' ' .. text(shape) or '', self.workers)
end

-- ---- options ----

--- Options that all kinds have.
M.rows = {
  workers = { 'integer', optional = true }, timeout = { 'number', optional = true },
  on_failure = { 'string', default = 'fail' }, retries = { 'integer', optional = true },
  rekey = { 'integer', default = 0 }, check_finite = { 'boolean', default = true },
  dtype = { 'string', optional = true }, shape = { 'table', 'integer', optional = true },
}

local function c_shape(who, shape)
  if shape == nil then return ffi.new('imnn_shape', -1) end
  return array.c_shape(shape, who)
end

--- The options as C takes them.
-- @tparam string who
-- @tparam table o as args.take gives them
-- @tparam[opt=1] number batch_size
-- @tparam[opt=0] number least parameters that are needed
-- @treturn cdata imnn_simulator_options
function M.options(who, o, batch_size)
  o.retries = policy_of(who, o, o).retries
  o.workers, o.dtype = o.workers or C.imnn_threads(), o.dtype or array.default_dtype()
  if o.dtype ~= 'f32' and o.dtype ~= 'f64' then
    core.raise('%s: dtype must be f32 or f64, got %s', who, o.dtype)
  end
  if o.timeout and o.timeout <= 0 then
    core.raise('%s: the timeout must be positive, got %g s', who, o.timeout)
  end
  local c = ffi.new 'imnn_simulator_options'
  c.who, c.workers, c.rows, c.timeout = who, o.workers, batch_size or 1, o.timeout or 0
  c.drop, c.retries, c.rekeys = o.on_failure == 'drop', o.retries, o.rekey
  c.finite, c.dtype, c.shape = o.check_finite, array.dtype_code(o.dtype), c_shape(who, o.shape)
  return c
end

--- The object of a handle.
-- @tparam string who
-- @tparam string what in words: "function of a module"
-- @tparam table o options after `options`
-- @tparam cdata slot pointer to the handle
-- @tparam[opt=1] number batch_size
-- @tparam[opt=0] number least parameters that are needed
function M.new(who, what, o, slot, batch_size, least)
  local handle = core.own(slot, C.imnn_simulator_release)
  check(C.imnn_simulator_begin(handle))
  return setmetatable({ who = who, what = what, dtype = o.dtype, workers = o.workers,
    on_failure = o.on_failure, retries = o.retries, rekey = o.rekey,
    batch_size = batch_size or 1, least = least or 0,
    handle = handle }, Simulator)
end

--- Whether something is a simulator of imnn.simulators.
-- @param x
-- @treturn boolean
-- @usage simulators.is(function() end) --> false
function M.is(x) return type(x) == 'table' and getmetatable(x) == Simulator end

return M
