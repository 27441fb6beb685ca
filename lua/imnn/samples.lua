--- Samples of a posterior: parameters with names, labels and limits, their weights, and where they
-- came from. Every statistic, figure and table counts the weights; only `resample` makes them
-- equal.
--
--    local set = imnn.SampleSet { parameters = theta, names = { 'mu', 'sigma2' },
--      labels = { 'μ', 'σ²' }, low = { -10, 0 }, high = { 10, 10 }, log_weights = l }
--    print(set)                                  -- a table, and what to be warned of
--    set:mean(); set:cov(); set:interval { mass = 0.95, kind = 'hpd' }; set:ess()
--    set:save 'set.h5'; set = imnn.SampleSet.load 'set.h5'
--
-- Fields, all for reading:
--
--    parameters            (n, P) f64
--    n, n_params           n, also #set, and P
--    names, labels         lists of P strings
--    low, high             lists of P limits, infinite where there are none
--    weights               (n), which add up to 1
--    log_weights           (n) as given; nil: equal ones
--    summaries, distances  (n, S) and (n), of the simulations; nil where there are none
--    log_prob              (n) log-densities, or nil
--    generation, chain     (n) whole numbers, or nil; generation may be one number of all
--    derived               names of parameters that are made of others
--    rejected              rows that were left out since they were not numbers
--    origin                what the method says: method, settings, key, simulations, version,
--                          log_evidence, log_evidence_error; what else there is stays with it
--
-- @module imnn.samples
local args = require 'imnn.args'
local sets = require 'imnn.samples.set'
local M = {}

for _, name in ipairs { 'statistics', 'chains', 'edit', 'density', 'tables', 'figures' } do
  require('imnn.samples.' .. name)
end

--- A sample set; `imnn.SampleSet { ... }` is the same.
-- @tparam table opts
-- @tparam Array|table opts.parameters (n, P), or (n) of one parameter
-- @tparam[opt] table opts.names P strings without blanks; "p1", ...
-- @tparam[opt] table opts.labels what figures and tables show, "σ_8"; the names
-- @tparam[opt] table opts.low P limits, -math.huge where there is none
-- @tparam[opt] table opts.high P limits, math.huge where there is none
-- @tparam[opt] Array|table opts.log_weights (n), however large or small; -infinity: no weight
-- @tparam[opt] Array|table opts.weights in place of these, 0 or more
-- @tparam[opt] Array|table opts.summaries (n, S)
-- @tparam[opt] Array|table opts.distances (n) from the data
-- @tparam[opt] Array|table opts.log_prob (n) log-densities
-- @tparam[opt] Array|table|integer opts.generation (n) or one of all
-- @tparam[opt] Array|table opts.chain (n) which chain a draw is of
-- @tparam[opt] table opts.origin where they came from: names of numbers, texts, booleans, Arrays,
-- and tables of these
-- @tparam[opt] table opts.derived names of parameters that are made of others
-- @tparam[opt=0.05] number opts.max_rejected the share of rows that may be left out since they hold
-- NaN, or infinite parameters or weights
-- @treturn SampleSet
-- @raise shapes that do not fit, samples outside the limits, more such rows, weights that are all
-- 0, an origin that no file can hold
-- @usage local set = imnn.SampleSet { parameters = { { 0, 1 }, { 2, 3 } }, names = { 'a', 'b' },
--   weights = { 1, 3 } }
-- set:mean() --> { 1.5, 2.5 }
function M.new(opts) return sets.new('SampleSet.new', opts) end

M.load = require('imnn.samples.files').load
M.load_getdist = require('imnn.samples.getdist').load_getdist

args.strict('SampleSet', M)
getmetatable(M).__call = function(_, opts) return sets.new('SampleSet', opts) end

return M
