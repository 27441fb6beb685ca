--- The object behind a sample set: what it holds, and sets made of its rows.
-- @module imnn.samples.set
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local text = require('imnn.array.text').shape
local C = core.C
local M = {}

-- A userdata, since # and a weak table of what is inside need one; never seen.
local template = newproxy(true)
local states = setmetatable({}, { __mode = 'k' })

--- Methods, by name: files of this folder add to them.
M.methods = {}

-- What there is for each sample, and what NaN among it means.
local rows = { 'parameters', 'log_weights', 'summaries', 'distances', 'log_prob', 'generation',
  'chain' }

--- Names of what a set may have for each sample.
M.rows = rows

--- Whether x is a sample set.
function M.is(x) return states[x] ~= nil end
args.types.SampleSet = M.is

--- What is inside a set.
-- @tparam SampleSet set
-- @tparam string who for messages
function M.state(set, who)
  local s = states[set]
  if not s then core.raise('%s: needs a sample set, got %s', who, core.kind(set)) end
  return s
end
local state = M.state

-- ---- what is given ----

-- An Array of numbers that are known.
local function known(who, name, x, dtype)
  local ok, y = pcall(np.array, x, array.is(x) and dtype or 'f64')
  if not ok or array.traced(y) then
    core.raise('%s: %s must be an array of numbers, got %s', who, name, array.is(x) and
      (array.traced(x) and 'a traced one' or x.dtype) or 'a table that is none')
  end
  if y.dtype == 'c64' or y.dtype == 'c128' then
    core.raise('%s: %s are complex numbers', who, name)
  end
  return y
end

local function matrix(who, name, x, dtype)
  local y = known(who, name, x, dtype)
  if y.ndim == 1 then y = y:reshape { y.size, 1 } end
  if y.ndim ~= 2 or y.shape[2] == 0 then
    core.raise('%s: %s must be (samples, numbers of each), got %s', who, name, text(y.shape))
  end
  return y
end

local function vector(who, name, x, n, dtype)
  local y = known(who, name, x, dtype)
  if y.ndim ~= 1 or y.size ~= n then
    core.raise('%s: %s must be one number for each of %d samples, got %s', who, name, n,
      text(y.shape))
  end
  return y
end

-- A list of P strings.
local function strings(who, name, list, P)
  if #list ~= P then core.raise('%s: there are %d %s, of %d parameters', who, #list, name, P) end
  local out = {}
  for i = 1, P do
    local s = list[i]
    if type(s) ~= 'string' or s == '' or s:find '[%z\n\r]' then
      core.raise('%s: %s are texts of one line, number %d is %s', who, name, i,
        type(s) == 'string' and 'none' or core.kind(s))
    end
    out[i] = s
  end
  return out
end

local function names_of(who, given, P)
  local out, seen = {}, {}
  for i = 1, P do out[i] = 'p' .. i end
  if given then out = strings(who, 'names', given, P) end
  for i, name in ipairs(out) do
    if name:find '%s' then
      core.raise('%s: names have no blanks, got "%s"; what is shown are the labels', who, name)
    end
    if seen[name] then
      core.raise('%s: parameters %d and %d are both called "%s"', who, seen[name], i, name)
    end
    seen[name] = i
  end
  return out
end

-- Limits as a list of P numbers, infinite ones where there are none.
local function limits(who, name, given, P, none)
  local out = {}
  if type(given) == 'number' then given = { given } end
  if array.is(given) then given = known(who, name, given):ravel():values() end
  if given and #given ~= P then
    core.raise('%s: %s has %d values, of %d parameters', who, name, #given, P)
  end
  for i = 1, P do
    local v = given and given[i]
    if given and (type(v) ~= 'number' or v ~= v or v == -none) then
      core.raise('%s: %s[%d] must be a number, or %s where there is no limit, got %s', who, name, i,
        none < 0 and '-math.huge' or 'math.huge', tostring(v))
    end
    out[i] = v or none
  end
  return out
end

-- Rounding of numbers of 32 bits does not put a sample outside.
local function check_inside(who, s)
  if s.n == 0 then return end
  local least, most = s.parameters:min { axis = 1 }:values(), s.parameters:max { axis = 1 }:values()
  for i, name in ipairs(s.names) do
    local low, high = s.low[i], s.high[i]
    if not (low < high) then
      core.raise('%s: the limits of "%s" are %g and %g, which is not in order', who, name, low,
        high)
    end
    local room = 1e-6 * math.max(math.abs(least[i]), math.abs(most[i]))
    if least[i] < low - room or most[i] > high + room then
      core.raise('%s: samples of "%s" are from %g to %g, which is outside its limits %g and %g',
        who, name, least[i], most[i], low, high)
    end
  end
end

-- ---- rows ----

local function take_rows(s, fn)
  local out = {}
  for key, value in pairs(s) do out[key] = value end
  for _, name in ipairs(rows) do
    if array.is(s[name]) then out[name] = fn(s[name]) end
  end
  out.n, out.weights = #out.parameters, nil
  return out
end

-- Whether each sample is whole.
local function whole(s)
  local good = np.isfinite(s.parameters):all { axis = 2 }
  if s.log_weights then good = np.logical_and(good, np.lt(s.log_weights, math.huge)) end
  for _, name in ipairs { 'distances', 'log_prob' } do
    if s[name] then good = np.logical_and(good, np.logical_not(np.isnan(s[name]))) end
  end
  if s.summaries then
    good = np.logical_and(good, np.logical_not(np.isnan(s.summaries):any { axis = 2 }))
  end
  return good
end

-- Without rows that are not whole, up to a share of them.
local function reject(who, s, most)
  local good = whole(s)
  local count = good:astype('i32'):sum():item()
  if count == s.n then return s end
  local first = np.argmin(good:astype 'i32'):item()
  if s.n - count > most * s.n then
    core.raise('%s: %d of %d samples are not numbers (number %d is the first); at most %g %% may '
      .. 'be left out, max_rejected', who, s.n - count, s.n, first, 100 * most)
  end
  local out = take_rows(s, function(x) return x[good] end)
  out.rejected = s.rejected + s.n - count
  return out
end

-- Normalised weights, and the logarithm of the sum of those that are given.
local function normalise(who, s)
  local out, sum = ffi.new('double[?]', s.n), ffi.new 'double[1]'
  core.check(C.imnn_weights_normalise(out, sum, s.n, s.log_weights:data()), who)
  return np.from_buffer(out, { s.n }, 'f64'), sum[0]
end

local function finish(who, s, most)
  if s.n == 0 then core.raise('%s: there are no samples', who) end
  s = reject(who, s, most)
  if s.n == 0 then core.raise('%s: there are no samples', who) end
  if s.log_weights then s.weights, s.log_sum = normalise(who, s)
  else s.log_sum = math.log(s.n) end
  check_inside(who, s)
  s.kept = {} -- what took a while to find out
  local set = newproxy(template)
  states[set] = s
  return set
end

--- A set of some rows of another, in any order.
-- @tparam string who
-- @tparam SampleSet set
-- @tparam Array index positions (i32, from 1), or booleans
-- @tparam[opt] table change fields that become others; false: none
function M.rows_of(who, set, index, change)
  local s = take_rows(state(set, who), function(x)
    if index.dtype == 'bool' then return x[index] end
    return np.take(x, index, 1)
  end)
  for key, value in pairs(change or {}) do s[key] = value or nil end
  return finish(who, s, 1)
end

--- A set with other fields.
function M.changed(who, set, change)
  local s = {}
  for key, value in pairs(state(set, who)) do s[key] = value end
  s.weights = nil
  for key, value in pairs(change) do s[key] = value or nil end
  return finish(who, s, s.max_rejected)
end

-- ---- making one ----

local option_rows = {
  parameters = { 'Array', 'table' }, names = { 'table', optional = true },
  labels = { 'table', optional = true },
  low = { 'table', 'Array', 'number', optional = true, any = true },
  high = { 'table', 'Array', 'number', optional = true, any = true },
  log_weights = { 'Array', 'table', optional = true },
  weights = { 'Array', 'table', optional = true },
  summaries = { 'Array', 'table', optional = true },
  distances = { 'Array', 'table', optional = true },
  log_prob = { 'Array', 'table', optional = true },
  generation = { 'Array', 'table', 'integer', optional = true },
  chain = { 'Array', 'table', optional = true }, derived = { 'table', optional = true },
  origin = { 'table', default = {} }, max_rejected = { 'number', default = 0.05 },
}

local function log_weights_of(who, o, n)
  if o.log_weights and o.weights then
    core.raise('%s: give log_weights or weights, not both', who)
  end
  if o.log_weights then return vector(who, 'log_weights', o.log_weights, n, 'f64') end
  if not o.weights then return nil end
  local w = vector(who, 'weights', o.weights, n, 'f64')
  local least = w:min():item()
  if least < 0 then core.raise('%s: weights are not negative, got %g', who, least) end
  return np.log(w)
end

local function whole_numbers(who, name, x, n)
  if x == nil then return x end
  local y = type(x) == 'number' and np.array(x, 'f64') or vector(who, name, x, n, 'f64')
  local good = np.logical_and(np.eq(y, np.floor(y)), np.lt(np.abs(y), 2 ^ 31))
  if not np.all(good):item() then
    core.raise('%s: %s are whole numbers, below 2^31', who, name)
  end
  if type(x) == 'number' then return x end
  return y:astype 'i32'
end

-- What an origin says of itself, as far as others read it.
local told = {
  method = { 'string', 'a text', function(v) return v ~= '' end },
  version = { 'string', 'a text', function(v) return v ~= '' end },
  simulations = { 'number', 'a whole number, 0 or more', function(v)
    return v >= 0 and v % 1 == 0
  end },
  log_evidence = { 'number', 'a number', function(v) return v == v end },
  log_evidence_error = { 'number', 'a number, 0 or more', function(v) return v >= 0 end },
}

-- What files can hold: numbers, texts, booleans, Arrays, and tables of these.
local function check_plain(who, name, v, depth)
  local kind = type(v)
  if kind == 'number' or kind == 'string' or kind == 'boolean' or array.is(v)
    and not array.traced(v) then
    return
  end
  if kind ~= 'table' or getmetatable(v) then
    core.raise('%s: %s must be a number, a text, a boolean, an Array, or a table of these, got %s',
      who, name, core.kind(v))
  end
  if depth == 0 then core.raise('%s: %s is too deep a table, or in itself', who, name) end
  for key, inner in pairs(v) do
    check_plain(who, name .. '.' .. tostring(key), inner, depth - 1)
  end
end

local function origin_of(who, given)
  for key in pairs(given) do
    if type(key) ~= 'string' then
      core.raise('%s: an origin is { method = ..., simulations = ..., ... }, got one without names',
        who)
    end
  end
  check_plain(who, 'origin', given, 10)
  for name, rule in pairs(told) do
    local v = given[name]
    if v ~= nil and (type(v) ~= rule[1] or not rule[3](v)) then
      core.raise('%s: origin.%s must be %s, got %s', who, name, rule[2],
        type(v) == 'number' and tostring(v) or type(v) == 'string' and ('"%s"'):format(v)
        or core.kind(v))
    end
  end
  return given
end

local function derived_of(who, given, names)
  local known_names, out = {}, {}
  for _, name in ipairs(names) do known_names[name] = true end
  for _, name in ipairs(given or {}) do
    if not known_names[name] then
      core.raise('%s: derived: there is no parameter "%s"', who, tostring(name))
    end
    out[name] = true
  end
  return out
end

--- A set of what a script gives: imnn.samples.new.
function M.new(who, opts)
  local o = args.take(who, opts, option_rows)
  if not (o.max_rejected >= 0 and o.max_rejected <= 1) then
    core.raise('%s: max_rejected is a share, 0 to 1, got %g', who, o.max_rejected)
  end
  local parameters = matrix(who, 'parameters', o.parameters, 'f64')
  local n, P = unpack(parameters.shape)
  local s = { n = n, n_params = P, parameters = parameters, rejected = 0,
    origin = origin_of(who, o.origin), max_rejected = o.max_rejected }
  s.names = names_of(who, o.names, P)
  s.labels = o.labels and strings(who, 'labels', o.labels, P) or s.names
  s.low, s.high = limits(who, 'low', o.low, P, -math.huge), limits(who, 'high', o.high, P,
    math.huge)
  s.derived = derived_of(who, o.derived, s.names)
  s.log_weights = log_weights_of(who, o, n)
  for _, name in ipairs { 'distances', 'log_prob' } do
    if o[name] then s[name] = vector(who, name, o[name], n, 'f64') end
  end
  for _, name in ipairs { 'generation', 'chain' } do
    s[name] = whole_numbers(who, name, o[name], n)
  end
  if o.summaries then
    s.summaries = matrix(who, 'summaries', o.summaries)
    if #s.summaries ~= n then
      core.raise('%s: summaries are of %d samples, parameters of %d', who, #s.summaries, n)
    end
  end
  return finish(who, s, o.max_rejected)
end

-- ---- what one sees ----

local function copy(list)
  local out = {}
  for i, v in ipairs(list) do out[i] = v end
  return out
end

--- Fields of a set: name -> function of its state.
M.fields = {
  weights = function(s)
    s.weights = s.weights or np.full({ s.n }, 1 / s.n, 'f64')
    return s.weights
  end,
  derived = function(s)
    local out = {}
    for _, name in ipairs(s.names) do
      if s.derived[name] then out[#out + 1] = name end
    end
    return out
  end,
}
for _, name in ipairs { 'n', 'n_params', 'origin', 'rejected', unpack(rows) } do
  M.fields[name] = function(s) return s[name] end
end
for _, name in ipairs { 'names', 'labels', 'low', 'high' } do
  M.fields[name] = function(s) return copy(s[name]) end
end

--- The place of a parameter, from 1.
-- @tparam string who
-- @tparam SampleSet set
-- @tparam string|number name or place; -1 is the last
function M.place(who, set, name)
  local s = state(set, who)
  if type(name) == 'number' then
    return core.index(name, s.n_params, who .. ': no parameter') + 1
  end
  local by_name = {}
  for i, one in ipairs(s.names) do by_name[one] = i end
  if by_name[name] then return by_name[name] end
  core.raise('%s: there is no parameter "%s" among "%s"%s', who, tostring(name),
    table.concat(s.names, '", "'), type(name) == 'string' and args.near(name, by_name) or '')
end

--- Numbers, weights (NULL: equal ones), n and P as C has them, and what must be held meanwhile.
function M.pointers(who, set)
  local s = state(set, who)
  local w = s.log_weights and s.weights
  return s.parameters:data(), w and w:data(), s.n, s.n_params, s
end

local meta = getmetatable(template)
function meta.__len(set) return state(set, 'length').n end
function meta.__tostring(set) return M.methods.text(set) end
function meta.__index(set, name)
  if M.methods[name] then return M.methods[name] end
  local field = M.fields[name]
  if field then return field(state(set, name)) end
  core.raise('SampleSet: it has no field or method "%s"%s', tostring(name),
    args.near(tostring(name), args.rows(M.methods, M.fields)))
end
function meta.__newindex(_, name)
  core.raise('SampleSet: a sample set never changes, so "%s" cannot be set; make a new one',
    tostring(name))
end

return M
