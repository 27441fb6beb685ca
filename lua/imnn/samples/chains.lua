--- Sample sets: what samples are worth, and whether chains agree. Chains are what the field `chain`
-- says, in the order of the rows; without it all rows are one. Weights that are whole numbers are
-- those of draws that were repeated as often.
-- @module imnn.samples.chains
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local sets = require 'imnn.samples.set'
local C, state = core.C, sets.state

local M = {}
local Chains = sets.methods

local most_repeated = 2 ^ 27 -- draws, with repeated ones

-- Rows of each chain, as lists of places from 1, in order of the numbers of chains.
local function places_of(s)
  local by_chain, numbers = {}, {}
  local list = s.chain and s.chain:values()
  for i = 1, s.n do
    local c = list and list[i] or 1
    if not by_chain[c] then
      by_chain[c] = {}
      numbers[#numbers + 1] = c
    end
    table.insert(by_chain[c], i)
  end
  table.sort(numbers)
  local out = {}
  for k, c in ipairs(numbers) do out[k] = by_chain[c] end
  return out
end

-- How often each draw came, if weights say that; false if they say something else; nil: once.
local function counts_of(s)
  if not s.log_weights then return nil end
  local w = np.exp(s.log_weights)
  local near = np.round(w)
  if not np.all(np.le(np.abs(w - near), 1e-9 * w)):item() then return false end
  if not (near:sum():item() <= most_repeated) then return false end
  return near:values()
end

local function repeated(list, counts)
  if not counts then return list end
  local out = {}
  for _, i in ipairs(list) do
    for _ = 1, counts[i] do out[#out + 1] = i end
  end
  return out
end

-- Chains as C has them, of the length of the shortest: of longer ones the last draws. A function
-- that gives those of parameter k, from 0; nil where weights are no counts.
local function chains_of(s)
  local counts = counts_of(s)
  if counts == false then return nil end
  local lists, length = places_of(s), math.huge
  for k, list in ipairs(lists) do
    lists[k] = repeated(list, counts)
    length = math.min(length, #lists[k])
  end
  local order, at, P = ffi.new('int32_t[?]', #lists * length), 0, s.n_params
  for _, list in ipairs(lists) do
    for i = #list - length + 1, #list do
      order[at] = list[i]
      at = at + 1
    end
  end
  local x = np.take(s.parameters, np.from_buffer(order, { at }, 'i32'), 1)
  local data = x:data()
  return function(k)
    return ffi.new('imnn_chains', #lists, length, data + k, length * P, P), x
  end
end

-- core.check; `held`, in which C has read, is there until now.
local function check(status, who, held) return held and core.check(status, who) end

-- What fn(out, chains) finds out for each parameter, in a list; nil where weights are no counts.
-- `ctype` is what it is, which is kept.
local function found(who, s, ctype, fn)
  if s.kept[ctype] then return s.kept[ctype] end
  local of = chains_of(s)
  if not of then return nil end
  local list = {}
  for k = 0, s.n_params - 1 do
    local chains, held = of(k)
    list[k + 1] = ffi.new(ctype)
    check(fn(list[k + 1], chains), who, held)
  end
  s.kept[ctype] = list
  return list
end

-- A number of each of these.
local function numbers(list, pick)
  local out = ffi.new('double[?]', #list)
  for k, one in ipairs(list) do out[k - 1] = pick(one) end
  return np.from_buffer(out, { #list }, 'f64')
end

local function refuse_weights(who, kind, what)
  core.raise('%s: kind "%s" is of draws of equal weight or repeated ones; these have weights, so '
    .. 'take %s', who, kind, what)
end

-- Rows in order of chains: their numbers, weights, and where each chain begins, from 0.
local function in_order(s)
  local lists, flat, begin = places_of(s), {}, { 0 }
  for k, list in ipairs(lists) do
    for _, i in ipairs(list) do flat[#flat + 1] = i end
    begin[k + 1] = #flat
  end
  local index = np.array(flat, 'i32')
  local weights = s.log_weights and np.take(s.weights, index, 1)
  return np.take(s.parameters, index, 1), weights, begin
end

-- Effective sizes of weighted and correlated chains, added up.
local function weighted_sizes(s)
  local x, w, begin = in_order(s)
  local P, out = s.n_params, ffi.new 'double[1]'
  local values, p, q = ffi.new('double[?]', P), x:data(), w and w:data()
  for c = 1, #begin - 1 do
    for k = 0, P - 1 do
      local first, n = begin[c], begin[c + 1] - begin[c]
      core.check(C.imnn_chain_weighted_ess(out, n, p + first * P + k, P, q and q + first), 'ess')
      values[k] = values[k] + out[0]
    end
  end
  return np.from_buffer(values, { P }, 'f64')
end

local function by_weights(name)
  return function(s)
    local out = ffi.new 'imnn_weights_size[1]'
    local w = s.log_weights and s.weights
    core.check(C.imnn_weights_ess(out, s.n, w and w:data()), 'ess')
    return out[0][name]
  end
end

local function by_chains(name)
  return function(s, kind)
    local list = found('ess', s, 'imnn_chains_size', C.imnn_chains_ess)
    if list then return numbers(list, function(e) return e[name] end) end
    return kind == 'chains' and weighted_sizes(s)
      or refuse_weights('ess', kind, '"chains" or "kish"')
  end
end

local sizes = {
  kish = by_weights 'kish', entropy = by_weights 'entropy',
  pessimistic = by_weights 'pessimistic', chains = by_chains 'bulk', bulk = by_chains 'bulk',
  tail = by_chains 'tail', raw = by_chains 'raw', weighted = weighted_sizes,
}

--- The effective sample size: as many independent samples of equal weight would be worth as much.
-- Kinds by weights alone give one number: 'kish', 1 / sum w^2; 'entropy', exp(-sum w ln w);
-- 'pessimistic', 1 / max w. Kinds by chains give one for each parameter: 'bulk' for the middle of
-- the posterior, 'tail' for its ends, 'raw' for the mean (Vehtari et al. 2021, Bayesian Analysis
-- 16, 667); 'weighted' from products of weighted deviations, added up over the chains, whatever the
-- weights are (what the width of a kernel needs); 'chains' is 'bulk', or 'weighted' where weights
-- are no counts.
-- @tparam[opt] table opts
-- @tparam[opt] string opts.kind 'chains' of a set that has a field `chain`, whose draws depend on
-- each other; else 'kish'
-- @treturn number|Array f64 (P); NaN for chains that do not move
-- @raise another kind; fewer than 4 draws in a chain
-- @usage samples:ess()
-- samples:ess({ kind = 'chains' }).shape --> { 2 }
function Chains:ess(opts)
  local s = state(self, 'ess')
  local o = args.take('ess', opts, { kind = { 'string', optional = true } })
  o.kind = o.kind or (s.chain and 'chains' or 'kish')
  return args.choice('ess', 'kind', o.kind, sizes)(s, o.kind)
end

local function multivariate(s)
  local x, w, begin = in_order(s)
  local out, m = ffi.new 'double[1]', #begin - 1
  core.check(C.imnn_chains_multivariate(out, m, ffi.new('int64_t[?]', m + 1, begin), s.n_params,
    x:data(), s.n_params, w and w:data()), 'rhat')
  return out[0]
end

local function rhat_by(pick)
  return function(s, kind)
    local list = found('rhat', s, 'imnn_chains_rhats', C.imnn_chains_rhat)
    return list and numbers(list, pick) or refuse_weights('rhat', kind, '"multivariate"')
  end
end

local function larger(r) -- NaN stays
  if r.rank ~= r.rank or r.folded ~= r.folded then return 0 / 0 end
  return math.max(r.rank, r.folded)
end

local rhats = {
  max = rhat_by(larger), rank = rhat_by(function(r) return r.rank end),
  folded = rhat_by(function(r) return r.folded end),
  basic = rhat_by(function(r) return r.basic end), multivariate = multivariate,
}

--- Whether chains agree: R-hat, near 1 if they do; at most 1.01 for what is published. Chains are
-- cut in halves first.
-- Kinds: 'rank' of normal scores of the ranks; 'folded' the same of distances from the median;
-- 'max' the larger of the two (Vehtari et al. 2021); 'basic' of the draws (Gelman and Rubin 1992);
-- 'multivariate' R - 1 as in cosmology, one number, near 0: the largest eigenvalue of the
-- covariance of the means of chains, which count with their total weight, in units of that within.
-- @tparam[opt] table opts
-- @tparam[opt='max'] string opts.kind
-- @treturn Array|number f64 (P); NaN for chains that do not move
-- @raise another kind; fewer than 4 draws in a chain; one chain, for 'multivariate'
-- @usage samples:rhat()
function Chains:rhat(opts)
  local s = state(self, 'rhat')
  local o = args.take('rhat', opts, { kind = { 'string', default = 'max' } })
  return args.choice('rhat', 'kind', o.kind, rhats)(s, o.kind)
end

-- Errors of quantiles of samples that are worth sizes[k + 1] independent ones.
local function quantile_errors(self, q, list)
  local x, w, n, P, held = sets.pointers('mcse', self)
  local out = ffi.new('double[?]', P)
  for k = 0, P - 1 do
    core.check(C.imnn_samples_quantile_error(out + k, q, list[k + 1], n, x + k, P, w), 'mcse')
  end
  return held and np.from_buffer(out, { P }, 'f64')
end

local function chain_errors(s, q)
  local of = chains_of(s)
  if not of then return nil end
  local out = ffi.new('double[?]', s.n_params)
  for k = 0, s.n_params - 1 do
    local chains, held = of(k)
    check(q and C.imnn_chains_quantile_error(nil, out + k, chains, q)
      or C.imnn_chains_mean_error(out + k, chains), 'mcse', held)
  end
  return np.from_buffer(out, { s.n_params }, 'f64')
end

--- Monte Carlo standard errors: how far means, or quantiles, may be off since samples are few. With
-- chains they count correlations; without, they are for independent samples (Kish's size).
-- @tparam[opt] table opts
-- @tparam[opt] number opts.quantile in (0, 1); none: the mean
-- @treturn Array f64 (P)
-- @raise another quantile; fewer than 4 draws in a chain
-- @usage samples:mcse()
-- samples:mcse { quantile = 0.95 }
function Chains:mcse(opts)
  local s = state(self, 'mcse')
  local o = args.take('mcse', opts, { quantile = { 'number', optional = true } })
  local q = o.quantile
  if q and not (q > 0 and q < 1) then
    core.raise('mcse: a quantile is above 0 and below 1, got %g', q)
  end
  local errors = s.chain and chain_errors(s, q)
  if errors then return errors end
  local size = s.chain and weighted_sizes(s) or np.full({ s.n_params }, sizes.kish(s), 'f64')
  if q then return quantile_errors(self, q, size:values()) end
  return Chains.std(self) / np.sqrt(size)
end

--- Integrated autocorrelation times of the chains, in draws: 1 + 2 sum of the correlations up to
-- the first lag of 5 of these times (Sokal 1997). To be trusted in chains 50 times as long.
-- @treturn Array f64 (chains, P); NaN for a chain that does not move
-- @raise weights that are no counts
-- @usage samples:autocorrelation_time().shape --> { 2, 2 }
function Chains:autocorrelation_time()
  local s = state(self, 'autocorrelation_time')
  local of = chains_of(s)
  if not of then
    core.raise 'autocorrelation_time: the draws have weights that are no counts'
  end
  local out, m, P = {}, tonumber(of(0).count), s.n_params
  local tau = ffi.new 'double[1]'
  for j = 0, m - 1 do
    out[j + 1] = {}
    for k = 0, P - 1 do
      local c, held = of(k)
      check(C.imnn_chain_time(tau, nil, c.length, c.x + j * c.chain_stride, c.stride),
        'autocorrelation_time', held)
      out[j + 1][k + 1] = tau[0]
    end
  end
  return np.array(out, 'f64')
end

-- The largest (sign -1) or smallest number of those of the parameters, and its name.
local function worst_of(s, values, sign)
  local worst, name = sign * math.huge, nil
  for i, v in ipairs(values:values()) do
    if sign * v < sign * worst then worst, name = v, s.names[i] end
  end
  return worst, name
end

--- As many independent samples as a set is worth as a whole: of chains those of the parameter of
-- which there are fewest, where chains are long enough to tell; else Kish's size.
-- @tparam SampleSet set
-- @treturn number
function M.worth(set)
  local s = state(set, 'ess')
  local ok, size = pcall(sizes.chains, s, 'chains')
  local least = s.chain and ok and worst_of(s, size, 1) or math.huge
  return least < math.huge and least or sizes.kish(s)
end

--- What to be warned of: sentences; none if all is well.
-- Few samples count (Kish's size below 100), one has more than a tenth of the weights, rows were
-- left out, chains disagree (R-hat above 1.01) or are short (bulk or tail size below 400).
-- @treturn table strings
-- @usage for _, sentence in ipairs(samples:warnings()) do print(sentence) end
function Chains:warnings()
  local s, out = state(self, 'warnings'), {}
  local function add(...) out[#out + 1] = (...):format(select(2, ...)) end
  local kish, heavy = sizes.kish(s), sizes.pessimistic(s)
  if kish < 100 then add('the samples are worth only %.3g independent ones', kish) end
  if s.log_weights and heavy < 10 then add('one sample has %.2g of the weight', 1 / heavy) end
  if s.rejected > 0 then add('%d samples that were not numbers are left out', s.rejected) end
  if not s.chain then return out end
  local ok, rhat = pcall(rhats.max, s, 'max')
  if not ok then return out end -- too short, or weighted
  local size = np.minimum(sizes.bulk(s, 'bulk'), sizes.tail(s, 'tail'))
  local r, worst = worst_of(s, rhat, -1)
  if r > 1.01 then add('chains do not agree, R-hat of "%s" is %.3g', worst, r) end
  local e, least = worst_of(s, size, 1)
  if e < 400 then add('draws of "%s" are worth only %.3g independent ones', least, e) end
  for i, name in ipairs(s.names) do
    if np.isnan(rhat[i]):item() then add('chains of "%s" do not move', name) end
  end
  return out
end

return M
