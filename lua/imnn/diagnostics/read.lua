--- What the tests of calibration are given: true parameters, draws of posteriors, their weights.
-- @module imnn.diagnostics.read
local args = require 'imnn.args'
local array = require 'imnn.array'
local check_key = require('imnn.random.check').key
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local sets = require 'imnn.samples.set'
local text = require('imnn.array.text').shape
local C = core.C
local M = {}

-- Fewer pairs than this say nothing about a distribution.
local FEWEST = 10

--- Options of all of them.
M.rows = {
  key = { 'Array', optional = true },
  max_rejected = { 'number', default = 0.05 },
  level = { 'number', default = 0.05 },
}

--- Real numbers that are known, in double precision.
-- @tparam string who for messages
-- @tparam string name
-- @param x what a script gave
function M.numbers(who, name, x)
  local ok, y = pcall(np.array, x, not array.is(x) and 'f64' or nil)
  if x == nil or not ok or array.traced(y) or type(x) == 'boolean' then
    core.raise('%s: %s must be an array of numbers, got %s', who, name, core.kind(x))
  elseif y.dtype == 'c64' or y.dtype == 'c128' or y.dtype == 'bool' then
    core.raise('%s: %s must be real numbers, got %s', who, name, y.dtype)
  end
  return y:astype 'f64'
end

--- A key, the first one without.
function M.key(who, key)
  key = key and check_key(who, key) or random.PRNGKey(0)
  if key.ndim ~= 1 then core.raise('%s: needs one key, got shape %s', who, text(key.shape)) end
  return key
end

--- Options, with a key and shares that make sense.
function M.options(who, opts, rows)
  local o = args.take(who, opts, args.rows(M.rows, rows or {}))
  if o.max_rejected < 0 or o.max_rejected >= 1 then
    core.raise('%s: max_rejected is a share, from 0 to below 1, got %g', who, o.max_rejected)
  end
  if o.level <= 0 or o.level >= 1 then
    core.raise('%s: level is a probability between 0 and 1, got %g', who, o.level)
  end
  o.key = M.key(who, o.key)
  return o
end

--- A matrix (n, D); (n) is (n, 1).
function M.matrix(who, name, x, what)
  local y = M.numbers(who, name, x)
  if y.ndim == 1 then y = y:reshape { y.size, 1 } end
  if y.ndim ~= 2 or y.size == 0 then
    core.raise('%s: %s must be %s, got shape %s', who, name, what, text(y.shape))
  end
  return y
end

--- Points of a set, resampled where they have weights; other things as they are.
function M.equal(x, key)
  if not sets.is(x) then return x end
  return x.log_weights and x:resample(key, x.n).parameters or x.parameters
end

--- True parameters (S, P).
function M.truth(who, x)
  if sets.is(x) then x = x.parameters end
  local y = M.matrix(who, 'truth', x, '(pairs, parameters)')
  if #y < FEWEST then
    core.raise('%s: needs %d pairs of true parameters and draws, got %d', who, FEWEST, #y)
  end
  return y
end

-- Whether x is a list of sample sets.
local function are_sets(x)
  return type(x) == 'table' and not array.is(x) and sets.is(x[1])
end

-- Sets of any size in arrays, behind the smaller ones samples without weight; `field` of each.
local function of_sets(who, list, S, field)
  args.list(who, 'draws', list)
  if #list ~= S then
    core.raise('%s: there are %d pairs, but %d sample sets', who, S, #list)
  end
  local most, least, weighted = 0, math.huge, false
  for i, set in ipairs(list) do
    if not sets.is(set) then
      core.raise('%s: draws[%d] must be a sample set as the first is, got %s', who, i,
        core.kind(set))
    end
    most, least = math.max(most, set.n), math.min(least, set.n)
    weighted = weighted or set.log_weights ~= nil
  end
  local values, weights = {}, {}
  for i, set in ipairs(list) do
    local x, w, more = set[field], set.weights, most - set.n
    if not x then
      core.raise('%s: sample set %d has no %s', who, i, field)
    end
    if x.ndim == 2 and values[1] and x.shape[2] ~= values[1].shape[2] then
      core.raise('%s: sample set %d has %d parameters, the first has %d', who, i, x.shape[2],
        values[1].shape[2])
    end
    if more > 0 then
      local shape = { unpack(x.shape) }
      shape[1] = more
      x = np.concatenate { x:astype 'f64', np.zeros(shape, 'f64') }
      w = np.concatenate { w, np.zeros({ more }, 'f64') }
    end
    values[i], weights[i] = x:astype 'f64', w
  end
  local all = np.stack(values)
  return all, (weighted or most > least) and np.stack(weights) or nil, least
end

-- Weights of draws (S, L), which add up to 1 in each row.
local function read_weights(who, given, S, L)
  if given == nil then return nil end
  local w = M.numbers(who, 'weights', given)
  if text(w.shape) ~= text { S, L } then
    core.raise('%s: weights must be (%d, %d), as there are pairs and draws, got %s', who, S, L,
      text(w.shape))
  end
  if not np.all(np.logical_and(np.ge(w, 0), np.isfinite(w))):item() then
    core.raise('%s: weights must be 0 or more, and finite', who)
  end
  local sum = w:sum { axis = 2, keepdims = true }
  if sum:min():item() == 0 then
    core.raise('%s: all weights of pair %d are 0', who, np.argmin(sum:reshape(-1)):item())
  end
  return w / sum
end

--- Draws of S posteriors.
-- @tparam string who
-- @tparam Array|table given (S, L, P), (S, L) of one parameter, or S sample sets of any sizes
-- @tparam number S
-- @tparam number P
-- @tparam Array|nil weights (S, L)
-- @treturn Array (S, L, P)
-- @treturn Array|nil weights (S, L), which add up to 1; nil: equal ones
-- @treturn number L, of sets that of the smallest one
-- @treturn table|nil names of sets' parameters
function M.draws(who, given, S, P, weights)
  local x, w, L, names
  if are_sets(given) then
    if weights ~= nil then
      core.raise('%s: sample sets have their weights, so there are no others', who)
    end
    x, w, L = of_sets(who, given, S, 'parameters')
    names = given[1].names
  else
    if sets.is(given) then
      core.raise('%s: draws are those of %d posteriors, got one sample set', who, S)
    end
    x = M.numbers(who, 'draws', given)
    if x.ndim == 2 and P == 1 then x = np.expand_dims(x, 3) end
    if x.ndim ~= 3 or x.size == 0 then
      core.raise('%s: draws must be (pairs, draws, parameters) or a list of sample sets, got %s',
        who, text(x.shape))
    end
    L = x.shape[2]
    w = read_weights(who, weights, x.shape[1], L)
  end
  if x.shape[1] ~= S or x.shape[3] ~= P then
    core.raise('%s: truth is (%d, %d), so draws are (%d, any number, %d), got %s', who, S, P, S, P,
      text(x.shape))
  end
  return x, w, L, names
end

--- Log-densities of draws of S posteriors: (S, L), weights and L as of `draws`.
function M.log_densities(who, given, S, weights)
  if are_sets(given) then
    if weights ~= nil then
      core.raise('%s: sample sets have their weights, so there are no others', who)
    end
    return of_sets(who, given, S, 'log_prob')
  end
  local x = M.numbers(who, 'log_prob_draws', given)
  if x.ndim ~= 2 or x.size == 0 or x.shape[1] ~= S then
    core.raise('%s: log_prob_draws must be (%d, draws) or a list of sample sets, got %s', who, S,
      text(x.shape))
  end
  return x, read_weights(who, weights, S, x.shape[2]), x.shape[2]
end

--- Numbers in [0, 1) that break ties: those given, or drawn ones.
function M.ties(who, given, key, shape)
  if given == nil then return random.uniform(key, shape, { dtype = 'f64' }) end
  local v = M.numbers(who, 'option "v"', given)
  if v.ndim == 1 and shape[2] == 1 then v = np.expand_dims(v, 2) end
  if text(v.shape) ~= text(shape) then
    core.raise('%s: option "v" must be %s, got %s', who, text(shape), text(v.shape))
  end
  if not np.all(np.logical_and(np.ge(v, 0), np.lt(v, 1))):item() then
    core.raise('%s: option "v" holds numbers of [0, 1), got others', who)
  end
  return v
end

--- Without the pairs that hold what is no number, up to a share of them.
-- @tparam string who
-- @tparam Array good (S) bool
-- @tparam number most the share
-- @tparam table list Arrays (S, ...)
-- @tparam[opt] string what "pairs"
-- @treturn table list of rows that are whole
-- @treturn number how many were left out
function M.whole(who, good, most, list, what)
  local S = #good
  local out = S - np.sum(good:astype 'i32'):item()
  if out == 0 then return list, 0 end
  what = what or 'pairs'
  if out > most * S then
    core.raise('%s: %d of %d %s hold what is not a number (number %d is the first); at most %g %% '
      .. 'may be left out, max_rejected', who, out, S, what, np.argmin(good:astype 'i32'):item(),
      100 * most)
  end
  local kept = {}
  for name, x in pairs(list) do kept[name] = x[good] end
  return kept, out
end

--- Refuse numbers that are not finite.
function M.finite(who, name, x)
  local at = tonumber(C.imnn_array_nonfinite(x.array))
  if at >= 0 then
    core.raise('%s: %s holds a number that is not finite, in row %d', who, name,
      math.floor(at / (x.size / #x)) + 1)
  end
end

--- Names of P parameters.
function M.names(who, given, P, others)
  local names = given or others or {}
  if given and #args.list(who, 'option "names"', given) ~= P then
    core.raise('%s: there are %d names, of %d parameters', who, #given, P)
  end
  local out = {}
  for i = 1, P do
    out[i] = names[i] or 'p' .. i
    if type(out[i]) ~= 'string' then
      core.raise('%s: names are strings, number %d is %s', who, i, core.kind(out[i]))
    end
  end
  return out
end

--- A result: a table that says what it means when it is printed.
-- @tparam table fields
-- @tparam function say of the table, to a text
function M.answer(fields, say) return setmetatable(fields, { __tostring = say }) end

--- "p = 0.012", "p < 1e-10".
function M.p(p) return p < 1e-10 and 'p < 1e-10' or ('p = %.3g'):format(p) end

--- ", 3 left out" or nothing.
function M.left_out(n) return n > 0 and (', %d left out that hold NaN'):format(n) or '' end

return M
