--- Networks in files, and fits that go on where they were broken off. Functions (model, optimiser,
-- simulator) and data are not in the files: who opens one gives them again.
-- @module imnn.imnn.keep
local args = require 'imnn.args'
local core = require 'imnn.core'
local duration = require 'imnn.duration'
local hdf5 = require 'imnn.data.hdf5'
local history = require 'imnn.imnn.history'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local sets = require 'imnn.imnn.sets'
local text = require('imnn.array.text').shape
local tree = require 'imnn.tree'
local C = core.C
local M = {}

local FORMAT, VERSION = 'imnn network', 1
local statistics = { 'F', 'invF', 'C', 'invC', 'mu', 'dmu_dtheta', 'weight' }
local counts = { 'n_s', 'n_d', 'n_params', 'n_summaries' }

-- ---- what a network is, as a table ----

-- Trees of arrays by name, as lists; one that stands there already is only named.
local function put_trees(named)
  local out, seen = {}, {}
  for _, name in ipairs { 'initial', 'best', 'statistics' } do
    local list = tree.leaves(named[name])
    local address = {}
    for i, x in ipairs(list) do address[i] = tostring(x.array) end
    address = table.concat(address, ' ')
    out[name] = seen[address] and { same = seen[address] } or list
    seen[address] = seen[address] or name
  end
  return out
end

local function describe(net)
  local out = {
    format = FORMAT, format_version = VERSION, library_version = require('imnn').version(),
    class = net.class, key_layout = random.key_layout(), count = net.count,
    input_shape = net.input_shape, theta_fid = net.theta_fid, n_external = net.n_external,
    state = tree.leaves(net.state),
    weights = put_trees { initial = net.initial_w, best = net.best_w, statistics = net.w },
    history = history.pack(net.history), statistics = {},
  }
  for _, name in ipairs(counts) do out[name] = net[name] end
  for _, name in ipairs(statistics) do out.statistics[name] = net[name] end
  return out
end

local function write(path, record)
  hdf5.create(path, function(f)
    f:write_tree('network', record)
  end)
end

local function read(who, path)
  local f = hdf5.open(path)
  local ok, record = pcall(f.read_tree, f, 'network')
  f:close()
  if not ok or type(record) ~= 'table' or record.format ~= FORMAT then
    core.raise('%s: %s holds no network of this library', who, path)
  end
  if record.format_version > VERSION then
    core.raise('%s: %s was written by version %s of the library, which is newer than this one', who,
      path, record.library_version)
  end
  return record
end

--- Write a network to a file.
-- @tparam table net
-- @tparam string path
function M.save(net, path)
  args.argument('save', 'path', path, { 'string' })
  write(path, describe(net))
end

-- ---- a network from a table ----

local function type_of(x) return ('%s %s'):format(x.dtype, text(x.shape)) end

-- A list of arrays in the structure of a tree.
local function like(who, path, what, template, list)
  local leaves = tree.leaves(template)
  if #leaves ~= #list then
    core.raise('%s: %s has %d arrays of %s, this model and optimiser have %d', who, path, #list,
      what, #leaves)
  end
  for i, x in ipairs(leaves) do
    if type_of(x) ~= type_of(list[i]) then
      core.raise('%s: array %d of %s is %s in %s, this model and optimiser make %s', who, i, what,
        type_of(list[i]), path, type_of(x))
    end
  end
  return tree.unflatten(template, list)
end

local function restore(who, path, net, record)
  net.state = like(who, path, 'the state', net.state, record.state)
  net.count = record.count
  local weights, made = record.weights, {}
  for _, name in ipairs { 'initial', 'best', 'statistics' } do
    local list = weights[name].same and weights[weights[name].same] or weights[name]
    made[name] = like(who, path, 'the weights', net.w, list)
  end
  net.initial_w, net.best_w, net.w = made.initial, made.best, made.statistics
  net.final_w = net.optimiser.get_params(net.state)
  for _, name in ipairs(statistics) do net[name] = record.statistics[name] end
  net.history = history.unpack(record.history)
end

-- Other names of key_or_state.
local state_names = { key = 'key_or_state', rng = 'key_or_state', state = 'key_or_state' }

--- Read a network from a file that `save` or a checkpoint of `fit` has written.
-- @tparam string path
-- @tparam table opts `model`, `optimiser`, `simulator` or the data, as its class takes them;
-- further options, which count more than what is in the file
-- @treturn table
function M.load(path, opts)
  local who = 'load'
  args.argument(who, 'path', path, { 'string' })
  args.argument(who, 'opts', opts, { 'table', default = {} })
  local record = read(who, path)
  local make = require('imnn.imnn.classes')[record.class]
  if not make then core.raise('%s: %s is of a class that is unknown here, %s', who, path,
    record.class) end
  local o = { input_shape = record.input_shape, theta_fid = record.theta_fid,
    key_or_state = random.PRNGKey(0) }
  for _, name in ipairs(counts) do o[name] = record[name] end
  for name, value in pairs(opts or {}) do
    o[args.spelling[name] or state_names[name] or name] = value
  end
  o.verbose = nil -- options of the factory will do: which class it is stands in the file
  local net = make(o)
  restore(who, path, net, record)
  return net
end

-- ---- checkpoints ----

-- Sums by which arrays are told from others; of records that are read, their number.
local function sums(list)
  local out = {}
  for i, x in ipairs(list) do
    out[i] = np.is_array(x) and np.sum(x:astype 'f64'):item() or x.count
  end
  return np.array(out, 'f64')
end

-- By what a run is known: pairs of a name and a value.
local function identity(net, o)
  local list = { { 'the class', net.class }, { 'the layout of keys', random.key_layout() } }
  for _, name in ipairs(counts) do list[#list + 1] = { name, net[name] } end
  local function add(name, value) list[#list + 1] = { name, value } end
  add('the sum of theta_fid', sums { net.theta_fid })
  add('lambda', o.lambda)
  add('epsilon', o.epsilon)
  add('rng', table.concat(o.key:values(), ' '))
  add('the number of iterations before', net.history.size)
  add('the sum of each array of the first state', sums(tree.leaves(net.state)))
  for _, set in ipairs { false, true } do
    if not set or net.validate then
      add(set and 'the sum of the validation set' or 'the sum of the data',
        sums(sets.inputs(net, set)))
    end
  end
  return list
end

local function as_text(x)
  if not np.is_array(x) then return tostring(x) end
  local list = x:values()
  for i, v in ipairs(list) do list[i] = ('%.17g'):format(v) end
  return table.concat(list, ' ')
end

local function check_same(path, here, there)
  for i, pair in ipairs(here) do
    local a, b = as_text(pair[2]), there[i] and as_text(there[i][2]) or 'nothing'
    if a ~= b then
      if #a + #b > 60 then a, b = 'different', 'different' end
      core.raise('fit: checkpoint %s is of another run: %s is %s there, %s here; give another '
        .. 'name, or remove it', path, pair[1], b, a)
    end
  end
end

local function exists(path)
  return C.imnn_path_kind(path) ~= 0
end

-- Hours of computing are not to end in a folder that is not there.
local function check_place(path)
  local probe = path .. '.probe'
  local f, why = io.open(probe, 'w')
  if not f then
    core.raise('fit: checkpoint %s: its folder cannot be written to: %s', path,
      why:sub(#probe + 3))
  end
  f:close()
  os.remove(probe)
end

--- A function that writes checkpoints of a run when it is time, and at once if told so.
-- @tparam table run of imnn.imnn.fit, not begun yet
-- @tparam table o options of fit: `checkpoint`, `every`
-- @treturn function (now), nil without checkpoints
function M.keeper(run, o)
  if not o.checkpoint then return nil end
  local net, path, every = run.net, o.checkpoint, o.every
  local limit = type(every) == 'string' and duration.parse('fit', 'every', every)
  if not limit and every < 1 then
    core.raise('fit: every must be at least one iteration, or a span of time, got %s', every)
  end
  check_place(path)
  local known, base = identity(net, o), describe(net)
  if exists(path) then M.resume(run, path, known) end
  local last_time, last_count = C.imnn_seconds(), run.count
  local function due()
    if limit then return C.imnn_seconds() - last_time >= limit end
    return run.count - last_count >= every
  end
  return function(now)
    if run.count == last_count or not (now or due()) then return end
    local state = run.iteration:state_of(run.set)
    local best = run.best and net.optimiser.get_params(run.iteration:state_of(run.best))
    base.state, base.count = tree.leaves(state), net.count + run.count
    base.weights = put_trees { initial = net.initial_w, best = best or net.best_w,
      statistics = net.w }
    base.history = history.pack(net.history)
    base.run = { identity = known, count = run.count, stalled = run.stalled,
      set = run.set.arrays, best = run.best and run.best.arrays or nil }
    write(path, base)
    last_time, last_count = C.imnn_seconds(), run.count
  end
end

--- Bring a run to where its checkpoint is.
function M.resume(run, path, known)
  local record = read('fit', path)
  local there = record.run
  if not there then
    core.raise('fit: %s was written by save, it is no checkpoint of a fit; give another name', path)
  end
  check_same(path, known, there.identity)
  local net = run.net
  net.history = history.unpack(record.history)
  run.set = run.iteration:set(there.set)
  run.best = there.best and run.iteration:set(there.best) or nil
  run.count, run.stalled = there.count, there.stalled
end

return M
