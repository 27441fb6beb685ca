--- Sample sets: others made of them.
-- @module imnn.samples.edit
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local chains = require 'imnn.samples.chains'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local sets = require 'imnn.samples.set'
local text = require('imnn.array.text').shape
local vmap = require('imnn.transform').vmap
local C, state = core.C, sets.state

local Editing = sets.methods

-- An origin that says what was done to another one.
local function after(origin, what)
  local out = {}
  for key, value in pairs(origin) do out[key] = value end
  out.changes = (origin.changes and origin.changes .. '; ' or '') .. what
  return out
end

--- Samples of equal weight: rows that stand for the weighted ones, drawn systematically, so that
-- each comes its share of n times, rounded up or down. Nothing else makes weights equal.
-- @tparam Array key
-- @tparam[opt] integer n how many; as many as there are
-- @tparam[opt] table opts
-- @tparam[opt=false] boolean opts.shuffle in random order; else in that of the rows, equal ones
-- beside each other
-- @treturn SampleSet
-- @raise no key; a number below 1
-- @usage samples:resample(key, 100)
-- samples:resample(key, 100, { shuffle = true }).n --> 100
function Editing:resample(key, n, opts)
  local s = state(self, 'resample')
  args.argument('resample', 'key', key, { 'Array' })
  n = args.argument('resample', 'n', n, { 'integer', default = s.n })
  local o = args.take('resample', opts, { shuffle = { 'boolean', default = false } })
  if n < 1 or n >= 2 ^ 31 then
    core.raise('resample: n is from 1 to 2^31 - 1, got %.14g', n)
  end
  local first, second = random.split(key):unpack()
  local u = random.uniform(first, {}, 'f64'):item()
  local out, w = ffi.new('int64_t[?]', n), s.log_weights and s.weights
  core.check(C.imnn_weights_systematic(out, n, u, s.n, w and w:data()), 'resample')
  local index = ffi.new('int32_t[?]', n)
  for i = 0, n - 1 do index[i] = tonumber(out[i]) + 1 end
  index = np.from_buffer(index, { n }, 'i32')
  if o.shuffle then index = random.permutation(second, index) end
  return sets.rows_of('resample', self, index, { log_weights = false, chain = false,
    origin = after(s.origin, ('resampled, %d of %d'):format(n, s.n)) })
end

-- What a function of one sample gives for each.
local function mapped(who, self, fn)
  local s = state(self, who)
  local values = vmap(function(theta)
    local named = {}
    for i, name in ipairs(s.names) do named[name] = theta[i] end
    local y = fn(theta, args.strict(who, named))
    if y == nil then core.raise('%s: the function gives nothing', who) end
    y = array.is(y) and y or np.array(y)
    if y.ndim == 1 and y.size == 1 then y = y:reshape {} end
    if y.ndim ~= 0 then
      core.raise('%s: the function must give one number of one sample, got %s', who, text(y.shape))
    end
    return y
  end)(s.parameters)
  return values
end

-- Positions as a list of whole numbers, or booleans.
local function index_of(who, self, which)
  local s = state(self, who)
  if type(which) == 'function' then which = mapped(who, self, which) end
  local ok, index = pcall(np.array, which)
  if not ok or array.traced(index) or index.ndim ~= 1 then
    core.raise('%s: needs a list of positions or of booleans, or a function of one sample, got %s',
      who, array.is(which) and text(which.shape) or core.kind(which))
  end
  if index.dtype == 'bool' then
    if index.size ~= s.n then
      core.raise('%s: there are %d booleans, of %d samples', who, index.size, s.n)
    end
    return index
  end
  local list = index:values()
  for i, k in ipairs(list) do list[i] = core.index(k, s.n, who .. ': no sample') + 1 end
  return np.array(list, 'i32')
end

--- Some of the samples; they keep their weights, which together may be less than before.
-- @tparam Array|table|function which booleans, one for each sample; or positions from 1; or a
-- function (theta (P), by_name) of one sample that gives a boolean, which is traced and mapped
-- @treturn SampleSet
-- @raise others; a choice of none
-- @usage samples:select(np.gt(samples:column 'mu', 0))
-- samples:select { 1, 2, 3 }
-- samples:select(function(theta) return np.gt(theta[2], 1) end)
function Editing:select(which)
  local s = state(self, 'select')
  local index = index_of('select', self, which)
  local n = index.dtype == 'bool' and index:astype('i32'):sum():item() or index.size
  if n == 0 then core.raise('select: none of %d samples is chosen', s.n) end
  return sets.rows_of('select', self, index, {
    origin = after(s.origin, ('selected, %d of %d'):format(n, s.n)) })
end

local function pick(list, places)
  local out = {}
  for i, p in ipairs(places) do out[i] = list[p] end
  return out
end

--- Some of the parameters, in this order.
-- @tparam table names or places from 1
-- @treturn SampleSet
-- @raise there is no such parameter
-- @usage samples:columns({ 'sigma2' }).n_params --> 1
function Editing:columns(names)
  local s = state(self, 'columns')
  if type(names) == 'string' or type(names) == 'number' then names = { names } end
  if type(names) ~= 'table' or next(names) == nil then
    core.raise('columns: needs a list of names or places, got %s', core.kind(names))
  end
  args.list('columns', 'names', names)
  local places = {}
  for i, name in ipairs(names) do places[i] = sets.place('columns', self, name) end
  for i, p in ipairs(places) do
    for k = 1, i - 1 do
      if places[k] == p then core.raise('columns: "%s" is named twice', s.names[p]) end
    end
  end
  return sets.changed('columns', self, { n_params = #places,
    parameters = np.take(s.parameters, np.array(places, 'i32'), 2), names = pick(s.names, places),
    labels = pick(s.labels, places), low = pick(s.low, places), high = pick(s.high, places) })
end

local function push(list, value)
  local out = { unpack(list) }
  out[#out + 1] = value
  return out
end

--- One more parameter, made of the others.
-- @tparam table opts
-- @tparam string opts.name
-- @tparam function opts.fn (theta (P), by_name) -> number, of one sample: traced once and mapped
-- over all of them; `by_name.mu` is the parameter of that name
-- @tparam[opt] string opts.label the name
-- @tparam[opt=-inf] number opts.low its limits
-- @tparam[opt=inf] number opts.high
-- @treturn SampleSet samples for which it is not a number are left out and counted
-- @raise a name that is taken; a function that gives something else than one number
-- @usage local more = samples:derive { name = 'sigma', label = 'σ', low = 0,
--   fn = function(theta, by_name) return np.sqrt(by_name.sigma2) end }
-- more.names[3] --> 'sigma'
function Editing:derive(opts)
  local s = state(self, 'derive')
  local o = args.take('derive', opts, {
    name = { 'string' }, fn = { 'function' }, label = { 'string', optional = true },
    low = { 'number', default = -math.huge, any = true },
    high = { 'number', default = math.huge, any = true },
  })
  for _, name in ipairs(s.names) do
    if name == o.name then core.raise('derive: there is a parameter "%s" already', name) end
  end
  if o.name == '' or o.name:find '%s' then
    core.raise('derive: names have no blanks, got "%s"', o.name)
  end
  if not (o.low < o.high) then
    core.raise('derive: low must be below high, got %g and %g', o.low, o.high)
  end
  local values = mapped('derive', self, o.fn):astype('f64'):reshape { s.n, 1 }
  local derived = { [o.name] = true }
  for name in pairs(s.derived) do derived[name] = true end
  return sets.changed('derive', self, { n_params = s.n_params + 1,
    parameters = np.concatenate({ s.parameters, values }, { axis = 2 }),
    names = push(s.names, o.name), labels = push(s.labels, o.label or o.name),
    low = push(s.low, o.low), high = push(s.high, o.high), derived = derived })
end

-- ---- merging ----

local function check_same(list)
  local first = state(list[1], 'merge')
  for k = 2, #list do
    local s = state(list[k], 'merge')
    local a, b = table.concat(first.names, ', '), table.concat(s.names, ', ')
    if a ~= b then
      core.raise('merge: the parameters are %s in the first set and %s in number %d', a, b, k)
    end
  end
end

-- Logarithms of what each set counts for, when its own weights add up to 1.
local shares = {
  simulations = function(s, k)
    local n = s.origin.simulations
    if type(n) ~= 'number' or not (n > 0) then
      core.raise('merge: the origin of set %d does not tell its simulations', k)
    end
    return math.log(n)
  end,
  ess = function(_, _, set) return math.log(chains.worth(set)) end,
}

local function check_total(list)
  local with = 0
  for _, set in ipairs(list) do
    if state(set, 'merge').log_weights then with = with + 1 end
  end
  if with > 0 and with < #list then
    core.raise('merge: %d of %d sets have weights, so that totals cannot be compared; say by = '
      .. '"simulations", "ess", or a list of shares', with, #list)
  end
end

local function given_shares(by, list)
  args.list('merge', 'by', by)
  if #by ~= #list then core.raise('merge: by has %d shares, of %d sets', #by, #list) end
  for k = 1, #list do
    local v = by[k]
    if type(v) ~= 'number' or not (v > 0 and v < math.huge) then
      core.raise('merge: shares are positive numbers, got %s', tostring(v))
    end
  end
  return function(_, k) return math.log(by[k]) end
end

-- Log-weights of a set in the whole; nil: equal ones everywhere.
local function weighing(list, by)
  if by == 'total' then
    check_total(list)
    return state(list[1], 'merge').log_weights and function(s) return s.log_weights end or nil
  end
  local share = type(by) == 'table' and given_shares(by, list)
    or args.choice('merge', 'by', by, shares)
  return function(s, k, set)
    local own = s.log_weights or np.zeros({ s.n }, 'f64')
    return own + (share(s, k, set) - s.log_sum)
  end
end

-- One kind of rows of all sets; nil unless all have it.
local function join(list, name, of)
  local parts = {}
  for k, set in ipairs(list) do
    parts[k] = of(state(set, 'merge'), k, set)
    if parts[k] == nil then return nil end
  end
  local width = parts[1].shape[2]
  for k, x in ipairs(parts) do
    if x.shape[2] ~= width then
      core.raise('merge: %s are %d in the first set and %d in number %d', name, width, x.shape[2],
        k)
    end
  end
  return np.concatenate(parts)
end

local function as_rows(name)
  return function(s)
    local x = s[name]
    return type(x) == 'number' and np.full({ s.n }, x, 'i32') or x
  end
end

-- Chains of different sets are different ones.
local function chains_apart()
  local used = 0
  return function(s)
    if not s.chain then return nil end
    local shift = used + 1 - s.chain:min():item()
    used = s.chain:max():item() + shift
    return s.chain + shift
  end
end

local function joined_origin(list, by)
  local out = { method = 'merge', sets = #list, by = type(by) == 'string' and by or 'shares',
    simulations = 0, version = require('imnn').version(), of = {} }
  for k, set in ipairs(list) do
    local origin = state(set, 'merge').origin
    out.of[k] = next(origin) and origin or { method = 'unknown' }
    out.simulations = out.simulations and type(origin.simulations) == 'number'
      and out.simulations + origin.simulations or nil
  end
  return out
end

local function wider(list, name, choose)
  local out = {}
  for i, v in ipairs(state(list[1], 'merge')[name]) do
    for _, set in ipairs(list) do v = choose(v, state(set, 'merge')[name][i]) end
    out[i] = v
  end
  return out
end

--- One set of this and others of the same parameters. How much each counts, `by`:
--
--    'total'        weights stand as they were given, log_weights on one scale, equal ones 1 for
--                   each sample: for pieces of one set, and draws of one proposal
--    'simulations'  each set as its origin tells simulations: for runs of one method that
--                   differ in length
--    'ess'          each set as its effective size: for runs of the same posterior whose weights
--                   are each on a scale of their own
--    { 1, 2, ... }  each set so many parts
--
-- With 'simulations', 'ess' and parts the weights of each set are first made to add up to 1. What
-- not all sets have is left out; chains stay apart; limits are the widest.
-- @tparam SampleSet|table others one, or a list
-- @tparam[opt] table opts
-- @tparam[opt='total'] string|table opts.by
-- @treturn SampleSet
-- @raise other parameters; for 'total', sets with weights beside sets without
-- @usage local twice = samples:merge(samples, { by = 'ess' })
-- twice.n == 2 * samples.n --> true
function Editing:merge(others, opts)
  state(self, 'merge')
  local o = args.take('merge', opts, { by = { 'string', 'table', default = 'total' } })
  local list = { self }
  if type(others) ~= 'table' then others = { others } end
  args.list('merge', 'others', others)
  for _, set in ipairs(others) do list[#list + 1] = set end
  if #list < 2 then core.raise 'merge: needs a set to merge with' end
  check_same(list)
  if o.by ~= 'total' and type(o.by) == 'string' then args.choice('merge', 'by', o.by, {
    total = true, simulations = true, ess = true }) end
  local log_weights = weighing(list, o.by)
  local rejected = 0
  for _, set in ipairs(list) do rejected = rejected + state(set, 'merge').rejected end
  local change = { n = 0, rejected = rejected, low = wider(list, 'low', math.min),
    high = wider(list, 'high', math.max), origin = joined_origin(list, o.by) }
  for _, name in ipairs(sets.rows) do change[name] = join(list, name, as_rows(name)) or false end
  change.chain = join(list, 'chain', chains_apart()) or false
  change.log_weights = log_weights and join(list, 'log_weights', log_weights) or false
  change.n = #change.parameters
  return sets.changed('merge', self, change)
end
