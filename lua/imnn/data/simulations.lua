--- Sets of simulations in HDF5 files: what networks are fitted to.
--
-- A file has the datasets `fiducial` (n_s, shape of one): simulations at the fiducial parameters;
-- `derivative` (n_d, shape of one, P): their derivatives, or `numerical` (n_d, 2, P, shape of one):
-- simulations half a step below and above in each parameter, with the keys of the first n_d
-- fiducial ones; `seed` (n_s). Attributes of the root: `theta_fid` (P); `delta_theta` (P), the
-- whole step; `key`; `parameters` and `units`, text (P); and whatever else is to be known about
-- where they come from.
-- @module imnn.data.simulations
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local hdf5 = require 'imnn.data.hdf5'
local progress = require 'imnn.progress'
local text = require('imnn.array.text').shape
local tree = require 'imnn.tree'
local M = {}

-- Modules that take a while to load.
local function np() return require 'imnn.numpy' end
local function random() return require 'imnn.random' end

local function equal(a, b)
  if #a ~= #b then return false end
  for i, v in ipairs(a) do
    if v ~= b[i] then return false end
  end
  return true
end

-- ---- reading ----

local function complain(path, ...) core.raise('hdf5: ' .. path .. ': ' .. (...), select(2, ...)) end

-- The shape of one simulation in the records of derivatives, and the number of parameters.
local function parts_of(kind, record)
  local one = { unpack(record) }
  if kind == 'derivative' then return one, table.remove(one) end
  local sides, P = table.remove(one, 1), table.remove(one, 1)
  return one, sides == 2 and P or nil
end

local function check_seeds(path, f, set)
  if not f:has 'seed' then return end
  set.seed = f:read('seed', {}, 'f64')
  if set.seed.ndim ~= 1 or #set.seed ~= set.n_s then
    complain(path, '"seed" is %s for %d simulations', text(set.seed.shape), set.n_s)
  end
  local seen = {}
  for i, seed in ipairs(set.seed:values()) do
    if seen[seed] then
      complain(path, 'simulations %d and %d have the seed %.0f', seen[seed], i, seed)
    end
    seen[seed] = i
  end
  if set.derivative and f:has 'derivative_seed' then
    local own = f:read('derivative_seed', {}, 'f64'):values()
    if #own ~= set.n_d then
      complain(path, '"derivative_seed" is (%d) for %d derivatives', #own, set.n_d)
    end
    for i, seed in ipairs(own) do
      if i > set.n_s or seed ~= set.seed[i]:item() then
        complain(path, 'derivative %d has the seed %.0f, simulation %d %s', i, seed, i,
          i > set.n_s and 'is not there' or ('%.0f'):format(set.seed[i]:item()))
      end
    end
  end
end

local function check_derivative(path, set)
  local shape, P = parts_of(set.kind, set.derivative.shape)
  if not P or not equal(shape, set.input_shape) then
    complain(path, '"%s" has records %s, which are not %s of simulations %s', set.kind,
      text(set.derivative.shape), set.kind == 'derivative' and 'derivatives' or 'both sides',
      text(set.input_shape))
  end
  set.n_d, set.n_params = set.derivative.count, P
  if set.n_d > set.n_s then
    complain(path, '%d derivatives for %d simulations', set.n_d, set.n_s)
  end
end

local function check_parameters(path, set)
  for _, name in ipairs { 'theta_fid', 'delta_theta' } do
    local x = set.attributes[name]
    if type(x) == 'number' then x = np().array { x } end
    if x and (not array.is(x) or x.ndim ~= 1) then
      complain(path, 'attribute "%s" must be a list of numbers', name)
    end
    if x then
      set.n_params = set.n_params or #x
      if #x ~= set.n_params then
        complain(path, 'attribute "%s" has %d parameters, the derivatives %d', name, #x,
          set.n_params)
      end
      set[name] = x
    end
  end
  if set.kind == 'numerical' and not set.delta_theta then
    complain(path, 'attribute "delta_theta", the step between both sides, is missing')
  end
end

-- "set.h5: 500 simulations of (10), 100 with derivatives in 2 parameters"
local Set = {}
function Set:__tostring()
  local out = ('%s: %d simulations of %s'):format(self.path, self.n_s, text(self.input_shape))
  if (self.n_dropped or 0) > 0 then out = ('%s (%d dropped)'):format(out, self.n_dropped) end
  if not self.kind then return out end
  return ('%s, %d with %s in %d parameters'):format(out, self.n_d, self.kind == 'numerical'
    and 'those on both sides' or 'derivatives', self.n_params)
end

--- Open a set of simulations, as `write_simulations` or somebody else has written it: seeds, shapes
-- and parameters are checked, records are read when they are asked for.
-- @tparam string path
-- @treturn table `path`; `fiducial`: a Reader of n_s simulations; `derivative`: a Reader of n_d
-- records, nil if there are none; `kind`: 'derivative' (input_shape, P) or 'numerical'
-- (2, P, input_shape); n_s, n_d, n_params, input_shape; `n_dropped`: how many failed or were not
-- finite and were left out, if known; `theta_fid`, `delta_theta`: Arrays (P), if they are known;
-- `seed`: Array (n_s), f64, if known; `attributes` of the file
-- @raise missing, damaged; shapes, parameters or seeds that do not fit together
-- @usage local made = data.write_simulations { path = 'mine.h5', simulator = simulator, n_s = 20,
--   theta_fid = theta, key = key, progress = false }
-- local set = data.read_simulations 'mine.h5'
-- set.fiducial.count --> 20
function M.read_simulations(path)
  args.argument('read_simulations', 'path', path, { 'string' })
  local f = hdf5.open(path)
  local set = setmetatable({ path = path, attributes = f:attributes(),
    fiducial = f:reader 'fiducial', n_d = 0 }, Set)
  set.n_s, set.input_shape = set.fiducial.count, set.fiducial.shape
  for _, kind in ipairs { 'derivative', 'numerical' } do
    if f:has(kind) then
      if set.kind then complain(path, 'has both "derivative" and "numerical"') end
      set.kind, set.derivative = kind, f:reader(kind)
    end
  end
  if set.derivative then check_derivative(path, set) end
  check_parameters(path, set)
  if f:has 'state' then
    local rows = f:read('state', 1):item()
    if rows < set.n_s then complain(path, 'has only %d of %d simulations so far', rows, set.n_s) end
    local first = set.attributes.first_seed
    if first then set.n_dropped = f:read('state', 2):item() - first - rows end
  end
  check_seeds(path, f, set)
  f:close()
  return set
end

-- ---- simulating ----

local function is_black_box(simulator)
  return type(simulator) == 'table' and type(simulator.run) == 'function'
end

-- A function of seeds that gives their keys.
local function keys_of(key)
  local transform = require 'imnn.transform'
  return transform.jit(transform.vmap(function(seed) return random().fold_in(key, seed) end))
end

-- What makes simulations of keys (n, 2) at the fiducial parameters and, if asked for, their
-- derivatives: a function (keys, whether) -> Array, Array or nil, numbers of those rows that are
-- kept (nil: all).

local function traced_maker(o, kind, theta, sides)
  local transform = require 'imnn.transform'
  local function one(key) return o.simulator(key, theta) end
  local function with_derivative(key)
    if kind == 'derivative' then
      return transform.value_and_jacfwd(o.simulator, { argnums = 2 })(key, theta)
    end
    local both = transform.vmap(function(at) return o.simulator(key, at) end)(sides)
    local shape = both.shape
    table.remove(shape, 1)
    return one(key), both:reshape { 2, theta.size, unpack(shape) }
  end
  local plain, both = transform.jit(transform.vmap(one)), transform.jit(transform.vmap(
    with_derivative))
  return function(keys, wanted)
    local n = #keys
    if n < o.batch then -- the same program for a short batch
      local fill = np().broadcast_to(keys[{ { 1, 1 } }], { o.batch - n, 2 })
      keys = np().concatenate({ keys, fill }, 1)
    end
    local x, dx = (wanted and both or plain)(keys)
    return x[{ { 1, n } }], wanted and dx[{ { 1, n } }] or nil
  end
end

-- Those of each simulation that are there, as numbers of rows.
local function all_there(report, n, of_each)
  local count, out = {}, {}
  for i = 1, n do
    local place = report.kept and report.kept[i]:item() or i
    local row = math.floor((place - 1) / of_each) + 1
    count[row] = (count[row] or 0) + 1
  end
  for row, c in pairs(count) do
    if c == of_each then out[#out + 1] = row end
  end
  table.sort(out)
  return out
end

local function black_box_maker(o, theta, sides)
  local all = sides and np().concatenate({ theta:reshape { 1, theta.size }, sides }, 1)
  return function(keys, wanted)
    local n, of_each = #keys, wanted and 1 + #sides or 1
    local thetas = wanted and np().tile(all, { n, 1 }) or theta
    local x, report = o.simulator:run(np().repeat_(keys, of_each, 1), thetas, { progress = false })
    local kept = report.n_failed > 0 and all_there(report, #x, of_each) or nil
    if kept then
      local places, at = {}, {}
      for i = 1, #x do at[report.kept[i]:item()] = i end
      for _, row in ipairs(kept) do
        for k = 1, of_each do places[#places + 1] = at[(row - 1) * of_each + k] end
      end
      if #places == 0 then return nil, nil, {} end
      x, n = np().take(x, np().array(places, 'i32'), 1), #kept
    end
    local shape = x.shape
    table.remove(shape, 1)
    x = x:reshape { n, of_each, unpack(shape) }
    local dx = wanted and x[{ {}, { 2, of_each } }]:reshape { n, 2, theta.size, unpack(shape) }
    return x[{ {}, 1 }], dx or nil, kept
  end
end

-- Rows of which all numbers are finite.
local function finite_rows(x, dx)
  local good
  for _, y in ipairs { x, dx } do
    local rows = np().all(np().isfinite(y:reshape { #y, -1 }), { axis = 2 })
    good = good and np().logical_and(good, rows) or rows
  end
  local out = {}
  for i, fine in ipairs(good:values()) do
    if fine then out[#out + 1] = i end
  end
  return out
end

-- A maker that keeps only what is finite; `seeds` for messages.
local function careful(o, make)
  return function(keys, seeds, wanted)
    local x, dx, kept = make(keys, wanted)
    if not x then return nil, nil, kept end
    local rows = finite_rows(x, dx)
    if #rows == #x then return x, dx, kept end
    if o.on_failure == 'fail' then
      local i = 1
      while rows[i] == i do i = i + 1 end
      core.raise('write_simulations: the simulation of seed %d is not finite%s; on_failure = "drop"'
        .. ' takes others in place of such', seeds[kept and kept[i] or i]:item(),
        wanted and ', or its derivative' or '')
    end
    local numbers = {}
    for i, row in ipairs(rows) do numbers[i] = kept and kept[row] or row end
    if #rows == 0 then return nil, nil, {} end
    local which = np().array(rows, 'i32')
    return np().take(x, which, 1), dx and np().take(dx, which, 1), numbers
  end
end

-- ---- equal seeds, equal noise ----

local function same_bits(a, b)
  local both_nan = np().logical_and(np().isnan(a), np().isnan(b))
  return np().all(np().logical_or(np().eq(a, b), both_nan)):item()
end

-- Sum of squares about the mean over simulations.
local function scatter(x)
  x = x:astype 'f64'
  return (x - x:mean(1)):pow(2):sum():item()
end

local function check_noise(o, make, keys, x, dx)
  local few = math.min(#keys, 3)
  local again = make(keys[{ { 1, few } }], false)
  if again and #again == few and not same_bits(again, x[{ { 1, few } }]) then
    core.raise('write_simulations: simulations that are made again with their keys come out '
      .. 'otherwise: all noise must come from the key; check_seeds = false lets them pass')
  end
  local n = #x
  if not dx or o.kind ~= 'numerical' or n < 5 then return end
  local below, above = dx[{ {}, 1 }], dx[{ {}, 2 }]
  local own = scatter(above - below)
  local others = scatter(above - np().roll(below, 1, 1))
  if others > 0 and own > 0.5 * others then
    core.raise('write_simulations: both sides of a simulation differ by as much noise as those of '
      .. 'different seeds (variance %.3g and %.3g): equal keys must give equal noise whatever the '
      .. 'parameters are; check_seeds = false lets them pass', own / n, others / n)
  end
end

-- ---- writing ----

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
  local out = { fiducial = { o.n_s, unpack(one) }, seed = { o.n_s }, state = { 2 } }
  if o.kind then out[o.kind] = { o.n_d, unpack(record) } end
  return out
end

local function begin(path, o, shapes, dtype, about)
  hdf5.create(path, function(f)
    for _, name in ipairs { 'fiducial', 'derivative', 'numerical', 'seed', 'state' } do
      local shape = shapes[name]
      if shape then f:create_dataset(name, { shape = shape, fixed = true,
        dtype = (name == 'seed' or name == 'state') and 'i32' or dtype }) end
    end
    f:set_attributes(about)
    f:set_attributes { library = 'libimnn ' .. require('imnn').version() }
    f:set('state', {}, np().array({ 0, o.start }, 'i32'))
  end)
end

local function same_value(a, b)
  if array.is(a) or array.is(b) then
    if type(a) == 'number' then a = np().array { a } end
    return array.is(a) and array.is(b) and equal(a.shape, b.shape) and same_bits(a, b)
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

-- The simulations that are still missing.
local function go_on(f, o, make)
  local state = f:read('state'):values()
  local rows, seed, empty = state[1], state[2], 0
  local checked, start, first = not o.check_seeds, core.C.imnn_seconds(), rows
  local run, seeds_to_keys = careful(o, make), keys_of(o.key)
  progress.follow(o.progress and {} or { screen = false }, function(show)
    while rows < o.n_s do
      local wanted = o.kind ~= nil and rows < o.n_d
      local n = math.min(o.batch, (wanted and o.n_d or o.n_s) - rows)
      local seeds = np().arange(seed, seed + n, 1, 'i32')
      local keys = seeds_to_keys(seeds)
      local x, dx, kept = run(keys, seeds, wanted)
      if x and not checked then
        if not kept then check_noise(o, make, keys, x, dx) end
        checked = true
      end
      local k = x and #x or 0
      if k > 0 then
        if kept then seeds = np().take(seeds, np().array(kept, 'i32'), 1) end
        f:set('fiducial', { { rows + 1, rows + k } }, x)
        if wanted then f:set(o.kind, { { rows + 1, rows + k } }, dx) end
        f:set('seed', { { rows + 1, rows + k } }, seeds)
      end
      rows, seed, empty = rows + k, seed + n, k > 0 and 0 or empty + 1
      f:set('state', {}, np().array({ rows, seed }, 'i32'))
      if empty == 3 then
        core.raise('write_simulations: none of the last %d simulations can be used', 3 * n)
      end
      local lost = seed - o.start - rows
      show('%d of %d simulations%s  %.3g a second', rows, o.n_s,
        lost > 0 and (', %d dropped'):format(lost) or '',
        (rows - first) / math.max(core.C.imnn_seconds() - start, 1e-9))
      core.poll()
    end
  end)
end

local rows = {
  path = { 'string' }, simulator = { 'function', 'table' },
  theta_fid = { 'Array', 'table', 'number' }, n_s = { 'integer' },
  n_d = { 'integer', optional = true }, key = { 'Array' },
  delta_theta = { 'Array', 'table', 'number', optional = true },
  derivative = { 'boolean', default = false }, start = { 'integer', default = 0 },
  batch = { 'integer', optional = true }, on_failure = { 'string', default = 'fail' },
  check_seeds = { 'boolean', default = true }, parameters = { 'table', optional = true },
  units = { 'table', optional = true }, attributes = { 'table', default = {} },
  progress = { 'boolean', default = true },
}

local function check_options(o)
  o.kind = o.delta_theta and 'numerical' or o.derivative and 'derivative' or nil
  if o.delta_theta and o.derivative then
    core.raise 'write_simulations: derivatives are exact, or differences of delta_theta, not both'
  end
  o.n_d = o.n_d or o.n_s
  args.choice('write_simulations', 'on_failure', o.on_failure, { fail = true, drop = true })
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
  if is_black_box(o.simulator) and o.derivative then
    core.raise 'write_simulations: a black box has no derivatives; give delta_theta for differences'
  elseif type(o.simulator) == 'table' and not is_black_box(o.simulator) then
    core.raise 'write_simulations: simulator must be a function, or of imnn.simulators, got a table'
  end
end

-- One simulation, for shape and dtype. A black box may fail sometimes.
local function one_simulation(o, theta)
  local function make(seed) return o.simulator(random().fold_in(o.key, seed), theta) end
  if not is_black_box(o.simulator) then return np().array(make(o.start)) end
  local ok, x, why
  for seed = o.start, o.start + 9 do
    ok, x = pcall(make, seed)
    if ok then return x end
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
-- @tparam[opt='fail'] string opts.on_failure of simulations that are not finite: 'fail' is an
-- error, 'drop' takes others in their place; those of imnn.simulators have a policy of their own
-- for what crashes
-- @tparam[opt=true] boolean opts.check_seeds that equal keys give equal noise
-- @tparam[opt] table opts.parameters names (P)
-- @tparam[opt] table opts.units of the parameters (P)
-- @tparam[opt] table opts.attributes what else is to be known: name -> number, text, ...
-- @tparam[opt=true] boolean opts.progress a line on a terminal
-- @treturn table the set, as `read_simulations` gives it
-- @raise a file that was begun otherwise; simulations that are not finite, or whose noise is not
-- that of their keys; a full disk; ctrl-C
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
    return M.read_simulations(o.path)
  end
  local bytes = first.size * array.bytes[first.dtype] * (o.kind and 1 + 2 * P or 1)
  o.batch = o.batch or math.max(1, math.min(1000, o.n_s, math.floor(2 ^ 24 / bytes)))
  local part = o.path .. '.part'
  if not exists(part) then begin(part, o, shapes, first.dtype, about) end
  local f = hdf5.open(part, 'r+')
  local sides = delta and both_sides(theta, delta)
  local maker = is_black_box(o.simulator) and black_box_maker(o, theta, sides)
    or traced_maker(o, o.kind, theta, sides)
  local ok, why = pcall(function()
    check_same(part, f, shapes, first.dtype, about)
    go_on(f, o, maker)
  end)
  f:close()
  if not ok then error(why, 0) end
  local renamed, reason = os.rename(part, o.path)
  if not renamed then complain(o.path, 'cannot be written: %s', reason) end
  return M.read_simulations(o.path)
end

return M
