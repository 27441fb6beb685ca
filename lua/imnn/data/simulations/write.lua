--- Sets of simulations in files, made by any simulator, a batch at a time.
-- @module imnn.data.simulations.write
local args = require 'imnn.args'
local array = require 'imnn.array'
local complain = require('imnn.data.simulations.common').complain
local core = require 'imnn.core'
local equal = require('imnn.data.simulations.common').equal
local hdf5 = require 'imnn.data.hdf5'
local makers = require 'imnn.data.simulations.makers'
local progress = require 'imnn.progress'
local simulations = require 'imnn.data.simulations'
local policy_of = require('imnn.simulators.object').policy_of
local sentence = require('imnn.simulators.object').sentence
local text = require('imnn.array.text').shape
local tree = require 'imnn.tree'
local M = {}

-- Modules that take a while to load.
local function np() return require 'imnn.numpy' end
local function random() return require 'imnn.random' end

local function vector(name, x)
  if x == nil then return nil end
  if type(x) == 'number' then x = { x } end
  x = array.is(x) and x or np().array(x)
  if x.ndim == 0 then x = x:reshape { 1 } end
  if x.ndim ~= 1 or array.traced(x) or #x == 0 then
    core.raise('write_simulations: %s must be a list of numbers, got %s', name, text(x.shape))
  end
  local real = x.dtype == 'f32' or x.dtype == 'f64'
  return real and x or x:astype(array.default_dtype())
end

-- Parameters below and above, (2 P, P).
local function both_sides(theta, delta)
  local rows = {}
  for _, sign in ipairs { -0.5, 0.5 } do
    for k = 1, #theta do rows[#rows + 1] = theta:at(k):add(delta[k] * sign) end
  end
  return np().stack(rows)
end

local function check_text(o, P)
  for _, name in ipairs { 'parameters', 'units' } do
    local list = o[name]
    if list and #list ~= P then
      core.raise('write_simulations: %s are %d, of %d parameters', name, #list, P)
    end
  end
end

local reserved = { theta_fid = true, delta_theta = true, key = true, parameters = true,
  units = true, kind = true, first_seed = true, library = true }

-- What the file says about itself; an attempt goes on only if all of it is the same.
local function settings(o, theta, delta)
  local out = { theta_fid = theta, delta_theta = delta, key = o.key, kind = o.kind or 'none',
    first_seed = o.start, parameters = o.parameters, units = o.units }
  for name, v in pairs(o.attributes) do
    if reserved[name] then
      core.raise('write_simulations: the attribute "%s" is set by itself', tostring(name))
    end
    out[name] = v
  end
  return out
end

-- Datasets and their shapes.
local function layout(o, one, P)
  local numerical = o.kind == 'numerical'
  local record = numerical and { 2, P, unpack(one) } or { unpack(one) }
  if o.kind == 'derivative' then record[#record + 1] = P end
  local out = { fiducial = { o.n_s, unpack(one) }, seed = { o.n_s }, rekeyed = { o.n_s },
    state = { 3 } }
  if o.kind then out[o.kind] = { o.n_d, unpack(record) } end
  return out
end

local function begin(path, o, shapes, dtype, about)
  hdf5.create(path, function(f)
    for _, name in ipairs { 'fiducial', 'derivative', 'numerical', 'seed', 'rekeyed', 'state' } do
      local shape, count = shapes[name], name == 'seed' or name == 'rekeyed' or name == 'state'
      if shape then
        f:create_dataset(name, { shape = shape, fixed = true, dtype = count and 'i32' or dtype })
      end
    end
    f:set_attributes(about)
    f:set_attributes { library = 'libimnn ' .. require('imnn').version() }
    f:set('state', {}, np().array({ 0, o.start, 0 }, 'i32'))
  end)
end

local function same_value(a, b)
  if array.is(a) or array.is(b) then
    if type(a) == 'number' then a = np().array { a } end
    return array.is(a) and array.is(b) and equal(a.shape, b.shape) and makers.same_bits(a, b)
  end
  if type(a) == 'table' and type(b) == 'table' then return equal(a, b) end
  return a == b
end

-- Whether a file is of the same kind as the one that is to be made.
local function check_same(path, f, shapes, dtype, about)
  for _, name in ipairs(tree.keys(shapes)) do
    local shape = shapes[name]
    local found = f:has(name) and f:describe(name)
    if not found or not equal(found.shape, shape) then
      complain(path, 'was begun otherwise: "%s" is %s, now %s; remove it, or give another path',
        name, found and text(found.shape) or 'not there', text(shape))
    end
    if name == 'fiducial' and found.dtype ~= dtype then
      complain(path, 'was begun otherwise: simulations are %s, now %s; remove it, or give another '
        .. 'path', found.dtype, dtype)
    end
  end
  local before = f:attributes()
  for _, name in ipairs(tree.keys(about)) do
    local v = about[name]
    if type(v) == 'table' and #v > 0 and type(v[1]) == 'number' then v = np().array(v, 'f64') end
    if not same_value(before[name], v) then
      complain(path, 'was begun otherwise: attribute "%s" differs; remove it, or give another path',
        name)
    end
  end
end

local function exists(path)
  return core.C.imnn_path_kind(path) ~= 0
end

local function take_rows(x, kept) return kept and np().take(x, np().array(kept, 'i32'), 1) or x end

-- A batch into the file; how many rows it has.
local function put(f, o, rows, batch, seeds)
  local k = batch.x and #batch.x or 0
  if k == 0 then return 0 end
  local place, which = { { rows + 1, rows + k } }, {}
  f:set('fiducial', place, batch.x)
  if batch.dx then f:set(o.kind, place, batch.dx) end
  f:set('seed', place, take_rows(seeds, batch.kept))
  if batch.which then
    for i, row in ipairs(batch.kept) do which[i] = batch.which[row] end
    f:set('rekeyed', place, np().array(which, 'i32'))
  end
  return k
end

-- Whether there were simulations of a batch with their own keys, whose noise could be looked at.
local function check_noise(o, make, keys, seeds, batch)
  local rows, numbers = {}, {}
  for i = 1, batch.x and #batch.x or 0 do
    local row = batch.kept and batch.kept[i] or i
    if not batch.which or batch.which[row] == 0 then
      rows[#rows + 1], numbers[#numbers + 1] = i, row
    end
  end
  if #rows == 0 then return false end
  makers.check_noise(o, make, take_rows(keys, numbers), take_rows(seeds, numbers),
    take_rows(batch.x, rows), batch.dx and take_rows(batch.dx, rows))
  return true
end

-- The simulations that are still missing; the failures of those that were given up.
local function go_on(f, o, make)
  local state, empty, all_failed = f:read('state'):values(), 0, {}
  local rows, seed, more = unpack(state)
  local checked, start, first = not o.check_seeds, core.C.imnn_seconds(), rows
  local run, seeds_to_keys = makers.patient(o, make), makers.keys_of(o.key)
  progress.follow(o.progress and {} or { screen = false }, function(show)
    while rows < o.n_s do
      local wanted = o.kind ~= nil and rows < o.n_d
      local n = math.min(o.batch, (wanted and o.n_d or o.n_s) - rows)
      local seeds = np().arange(seed, seed + n, 1, 'i32')
      local keys, batch = seeds_to_keys(seeds), {}
      local failed, repeated
      batch.x, batch.dx, batch.kept, failed, repeated, batch.which = run(keys, seeds, wanted,
        o.on_failure)
      if failed[1] and o.on_failure ~= 'drop' then
        core.raise('write_simulations: the simulation %s; on_failure = "drop" takes others in place'
          .. ' of such', sentence(failed[1]))
      end
      checked = checked or check_noise(o, make, keys, seeds, batch)
      local k = put(f, o, rows, batch, seeds)
      for _, one in ipairs(failed) do all_failed[#all_failed + 1] = one end
      rows, seed, empty, more = rows + k, seed + n, k > 0 and 0 or empty + 1, more + repeated
      f:set('state', {}, np().array({ rows, seed, more }, 'i32'))
      if empty == 3 then
        core.raise('write_simulations: none of the last %d simulations can be used; the simulation '
          .. '%s', 3 * n, sentence(failed[1]))
      end
      local lost = seed - o.start - rows
      show('%d of %d simulations%s%s  %.3g a second', rows, o.n_s,
        lost > 0 and (', %d dropped'):format(lost) or '',
        more > 0 and (', %d repeated'):format(more) or '',
        (rows - first) / math.max(core.C.imnn_seconds() - start, 1e-9))
      core.poll()
    end
  end)
  return all_failed
end

local rows = {
  path = { 'string' }, simulator = { 'function', 'table' },
  theta_fid = { 'Array', 'table', 'number' }, n_s = { 'integer' },
  n_d = { 'integer', optional = true }, key = { 'Array' },
  delta_theta = { 'Array', 'table', 'number', optional = true },
  derivative = { 'boolean', default = false }, start = { 'integer', default = 0 },
  batch = { 'integer', optional = true }, on_failure = { 'string', optional = true },
  retries = { 'integer', optional = true }, rekey = { 'integer', optional = true },
  check_seeds = { 'boolean', default = true }, parameters = { 'table', optional = true },
  units = { 'table', optional = true }, attributes = { 'table', default = {} },
  progress = { 'boolean', default = true },
}

-- What happens to failures. A traced function gives the same again for the same key, so that it is
-- repeated with others.
local function set_policy(o)
  local sim = makers.is_black_box(o.simulator) and o.simulator
  local policy = policy_of('write_simulations', o, { on_failure = sim and sim.on_failure or 'fail',
    retries = sim and sim.retries or 0, rekey = sim and sim.rekey or 0 })
  if not sim then policy.rekey = o.rekey or policy.retries end
  for _, name in ipairs { 'retries', 'rekey' } do
    if policy[name] < 0 or policy[name] > 200 then
      core.raise('write_simulations: %s is 0 to 200, got %d', name, policy[name])
    end
  end
  o.on_failure, o.retries, o.rekey = policy.on_failure, policy.retries, policy.rekey
end

local function check_options(o)
  o.kind = o.delta_theta and 'numerical' or o.derivative and 'derivative' or nil
  if o.delta_theta and o.derivative then
    core.raise 'write_simulations: derivatives are exact, or differences of delta_theta, not both'
  end
  o.n_d = o.n_d or o.n_s
  if o.n_s < 1 or o.n_d < 1 or o.n_d > o.n_s then
    core.raise('write_simulations: n_s is %d, n_d %d; both are at least 1, n_d at most n_s', o.n_s,
      o.n_d)
  end
  if o.start < 0 or o.start + o.n_s >= 2 ^ 31 or o.batch and o.batch < 1 then
    core.raise 'write_simulations: start is 0 or more, batch 1 or more, seeds below 2^31'
  end
  if o.key.dtype ~= 'u32' or o.key.ndim ~= 1 or #o.key ~= 2 then
    core.raise('write_simulations: key must be u32 (2), as random.PRNGKey gives it, got %s %s',
      o.key.dtype, text(o.key.shape))
  end
  if makers.is_black_box(o.simulator) and o.derivative then
    core.raise 'write_simulations: a black box has no derivatives; give delta_theta for differences'
  elseif type(o.simulator) == 'table' and not makers.is_black_box(o.simulator) then
    core.raise 'write_simulations: simulator must be a function, or of imnn.simulators, got a table'
  end
  set_policy(o)
end

-- One simulation, for shape and dtype. A black box may fail sometimes.
local function one_simulation(o, theta)
  local function key_of(seed) return random().fold_in(o.key, seed) end
  if not makers.is_black_box(o.simulator) then
    return np().array(o.simulator(key_of(o.start), theta))
  end
  local why
  for seed = o.start, o.start + 9 do
    local ok, x = pcall(o.simulator.run, o.simulator, key_of(seed):reshape { 1, 2 }, theta,
      { progress = false, on_failure = 'fail', retries = o.retries, rekey = o.rekey,
        seeds = np().array({ seed }, 'i32') })
    if ok then return x[1] end
    why = why or x
  end
  error(why, 0)
end

--- Make a set of simulations in an HDF5 file, a batch at a time, on all threads. Seed s (start,
-- start + 1, ...) has the key fold_in(key, s). Whoever stops it, or kills it, calls it again with
-- the same options: it goes on with the file PATH.part, and the result has the same bytes.
-- @tparam table opts
-- @tparam string opts.path which is there when all simulations are; if it is there already, and
-- was made with the same options, nothing is done
-- @tparam function|sim opts.simulator (key, theta) -> one simulation, which is traced; or one of
-- imnn.simulators
-- @tparam Array|table opts.theta_fid (P)
-- @tparam integer opts.n_s number of simulations
-- @tparam[opt] integer opts.n_d number of those with derivatives, by default all
-- @tparam Array opts.key
-- @tparam[opt] Array|table opts.delta_theta (P): simulate half of it below and above, too, with the
-- same keys, for NumericalGradientIMNN
-- @tparam[opt=false] boolean opts.derivative exact derivatives, too, for GradientIMNN
-- @tparam[opt=0] integer opts.start the first seed
-- @tparam[opt] integer opts.batch simulations at a time, by default as many as take some MiB
-- @tparam[opt] string opts.on_failure of simulations that are not finite, crash, hang or raise an
-- error: 'fail' is an error that names it; 'drop' takes others in their place; 'retry' is as fail,
-- after `retries` = 3; none: as the simulator of imnn.simulators has it, else 'fail'
-- @tparam[opt] integer opts.retries how often one is repeated with its key; a traced function gives
-- the same again, so for this one it is `rekey`
-- @tparam[opt] integer opts.rekey how often after that it is repeated with another key, its own
-- with 1, 2, ... folded in, and derivatives with it
-- @tparam[opt=true] boolean opts.check_seeds that equal keys give equal noise
-- @tparam[opt] table opts.parameters names (P)
-- @tparam[opt] table opts.units of the parameters (P)
-- @tparam[opt] table opts.attributes what else is to be known: name -> number, text, ...
-- @tparam[opt=true] boolean opts.progress a line on a terminal
-- @treturn table the set, as `read_simulations` gives it, with `failed`: list of { seed, kind, why,
-- key, theta, attempts } of those that this call has left out, as sim:run reports them
-- @raise a file that was begun otherwise; simulations that fail, with their seed, key and
-- parameters, or whose noise is not that of their keys; a full disk; ctrl-C
-- @usage local set = data.write_simulations { path = 'numerical.h5', simulator = simulator,
--   theta_fid = theta, delta_theta = { 0.1, 0.1 }, n_s = 30, n_d = 10, key = key,
--   parameters = { 'mean', 'variance' }, attributes = { author = 'me' }, progress = false }
-- set.derivative.shape --> { 2, 2, 10 }
function M.write_simulations(opts)
  local o = args.take('write_simulations', opts, rows)
  check_options(o)
  local theta, delta = vector('theta_fid', o.theta_fid), vector('delta_theta', o.delta_theta)
  local P = #theta
  if delta and #delta ~= P then
    core.raise('write_simulations: delta_theta has %d parameters, theta_fid %d', #delta, P)
  elseif delta and np().any(np().eq(delta, 0)):item() then
    core.raise 'write_simulations: delta_theta, the step between both sides, must not be 0'
  end
  check_text(o, P)
  local first = one_simulation(o, theta)
  local shapes, about = layout(o, first.shape, P), settings(o, theta, delta)
  if exists(o.path) then
    local whole = hdf5.open(o.path)
    check_same(o.path, whole, shapes, first.dtype, about)
    whole:close()
    local set = simulations.read_simulations(o.path)
    set.failed = {}
    return set
  end
  local bytes = first.size * array.bytes[first.dtype] * (o.kind and 1 + 2 * P or 1)
  o.batch = o.batch or math.max(1, math.min(1000, o.n_s, math.floor(2 ^ 24 / bytes)))
  local part = o.path .. '.part'
  if not exists(part) then begin(part, o, shapes, first.dtype, about) end
  local f = hdf5.open(part, 'r+')
  local sides = delta and both_sides(theta, delta)
  local maker = makers.is_black_box(o.simulator) and makers.black_box_maker(o, theta, sides)
    or makers.traced_maker(o, o.kind, theta, sides)
  local ok, failed = pcall(function()
    check_same(part, f, shapes, first.dtype, about)
    return go_on(f, o, makers.finite(o, maker, theta, sides))
  end)
  f:close()
  if not ok then error(failed, 0) end
  local renamed, reason = os.rename(part, o.path)
  if not renamed then complain(o.path, 'cannot be written: %s', reason) end
  local set = simulations.read_simulations(o.path)
  set.failed = failed
  return set
end

return M
