--- Networks in files, and fits that go on where they were broken off. Functions (model, optimiser,
-- simulator) and data are not in the files: who opens one gives them again.
-- @module imnn.imnn.keep
local args = require 'imnn.args'
local core = require 'imnn.core'
local duration = require 'imnn.duration'
local fingerprint = require 'imnn.imnn.fingerprint'
local history = require 'imnn.imnn.history'
local layout = require 'imnn.imnn.layout'
local model = require 'imnn.imnn.model'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local text = require('imnn.array.text').shape
local tree = require 'imnn.tree'
local whole = require 'imnn.data.hdf5.whole'
local C = core.C
local M = {}

local kind = { group = 'network', version = 1, name = 'network' } -- of files
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

local function print_of(x)
  return { value = fingerprint.of_examples(x), from = np.is_array(x) and 'memory' or x.name }
end

-- By what the data of a network are known: for each of them the name, the fingerprint, and where it
-- comes from.
local function data_of(net)
  local out = {}
  for _, set in ipairs { 'training', 'validation' } do
    for _, row in ipairs(net.kind.data) do
      local x = net.sets[set][row.name]
      if x ~= nil then
        local ok, known = pcall(print_of, x) -- a reader may be closed, its file gone
        out[#out + 1] = ok and known or { value = 'unknown', from = 'nowhere' }
        out[#out].name = (set == 'training' and '' or 'validation_') .. row.name
      end
    end
  end
  return out
end

-- Options of the class, and constants among its data.
local function settings_of(net)
  local out = layout.settings(net)
  for _, row in ipairs(net.kind.data) do
    if row.constant then out[row.name] = net.sets.training[row.name] end
  end
  return out
end

local function describe(net)
  local out = {
    class = net.class, key_layout = random.key_layout(), count = net.count,
    input_shape = net.input_shape, theta_fid = net.theta_fid, n_external = net.n_external,
    state = tree.leaves(net.state),
    weights = put_trees { initial = net.initial_w, best = net.best_w, statistics = net.w },
    history = history.pack(net.history), statistics = {}, settings = settings_of(net),
    key = net.key, last_fit = net.last_fit, data = data_of(net),
  }
  for _, name in ipairs(counts) do out[name] = net[name] end
  for _, name in ipairs(statistics) do out.statistics[name] = net[name] end
  return out
end

--- Write a network to a file.
-- @tparam table net
-- @tparam string path
function M.save(net, path)
  args.argument('save', 'path', path, { 'string' })
  whole.write(path, kind, describe(net))
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
  net.key, net.last_fit = record.key, record.last_fit
  for i, x in ipairs(data_of(net)) do
    local there = record.data[i]
    if not there or x.name ~= there.name or x.value ~= there.value then
      net.history.max_lndetF = -math.huge -- a score of other data
    end
  end
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
  local record = whole.read(who, path, kind)
  local make = require('imnn.imnn.classes')[record.class]
  if not make then core.raise('%s: %s is of a class that is unknown here, %s', who, path,
    record.class) end
  local o = { input_shape = record.input_shape, theta_fid = record.theta_fid,
    key_or_state = random.PRNGKey(0) }
  for _, name in ipairs(counts) do o[name] = record[name] end
  for name, value in pairs(record.settings) do o[name] = value end
  for name, value in pairs(opts or {}) do
    o[args.spelling[name] or state_names[name] or name] = value
  end
  o.verbose = nil -- options of the factory will do: which class it is stands in the file
  local net = make(o)
  restore(who, path, net, record)
  return net
end

-- ---- checkpoints ----

-- What functions make of the first simulation, of the first state: functions cannot be looked into.
local function of_functions(net)
  local d, state, w = net.kind.datum(net), net.state, net.optimiser.get_params(net.state)
  local key = random.PRNGKey(0)
  local list = {
    { name = 'the model', value = fingerprint.of_function(function(...)
      return model.summaries(net, ...)
    end, w, d, key, 'train') },
    { name = 'the optimiser', value = fingerprint.of_function(net.optimiser.update,
      np.array(net.count, 'f32'), w, state) },
  }
  if net.simulate then
    table.insert(list, 1, { name = 'the simulator', value = fingerprint.of_arrays { d } })
  end
  for _, x in ipairs(list) do x.other = 'gives other numbers' end
  return list
end

-- By what a run is known: a list of names and values. How a difference is told: with both values;
-- as what is `other`; or with where both come `from`.
local function identity(net, o)
  local list = {}
  local function add(name, value, other)
    list[#list + 1] = { name = name, value = tostring(value), other = other }
  end
  add('the class', net.class)
  add('the layout of keys', random.key_layout())
  for _, name in ipairs(counts) do add(name, net[name]) end
  add('theta_fid', fingerprint.of_arrays { net.theta_fid }, 'differs')
  add('lambda', ('%.17g'):format(o.lambda))
  add('epsilon', ('%.17g'):format(o.epsilon))
  add('rng', table.concat(o.key:values(), ' '))
  add('the number of iterations before', net.history.size)
  add('the first state of the optimiser', fingerprint.of_arrays(tree.leaves(net.state)), 'differs')
  for _, more in ipairs { data_of(net), of_functions(net) } do
    for _, x in ipairs(more) do list[#list + 1] = x end
  end
  return list
end

local function difference(here, there)
  if here.from then
    return ('%s has other records here (from %s) than there (from %s)'):format(here.name, here.from,
      there.from)
  elseif here.other then return here.name .. ' ' .. here.other end
  return ('%s is %s there, %s here'):format(here.name, there.value, here.value)
end

local function check_same(path, here, there)
  for i = 1, math.max(#here, #there) do
    local a, b = here[i], there[i]
    local why
    if not (a and b and a.name == b.name) then
      why = ('%s there, %s here'):format(b and b.name or 'nothing', a and a.name or 'nothing')
    elseif a.value ~= b.value then why = difference(a, b) end
    if why then
      core.raise('fit: checkpoint %s is of another run: %s; give another name, or remove it', path,
        why)
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
    base.history, base.last_fit = history.pack(net.history), run.settings(run)
    base.run = { identity = known, count = run.count, stalled = run.stalled,
      set = run.set.arrays, best = run.best and run.best.arrays or nil }
    whole.write(path, kind, base)
    last_time, last_count = C.imnn_seconds(), run.count
  end
end

--- Bring a run to where its checkpoint is.
function M.resume(run, path, known)
  local record = whole.read('fit', path, kind)
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
