--- Regression adjustment: parameters of accepted simulations, moved to where they would be if the
-- summaries were those of the data.
-- @module imnn.lfi.regression
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local line = require 'imnn.lfi.line'
local np = require 'imnn.numpy'
local samples = require 'imnn.samples.set'
local text = require('imnn.array.text').shape
local warn = require 'imnn.lfi.warn'
local C = core.C
require 'imnn.samples' -- whose methods sample sets have
local M = {}

local who = 'regression_adjust'
local FEW = 10 -- simulations for each summary, below which the ridge is chosen
local RIDGE = 1e-8
local SUSPECT = 3

-- ---- what is given ----

local set_rows = {
  parameters = { 'Array', 'table' }, summaries = { 'Array', 'table' },
  distances = { 'Array', 'table', optional = true },
  weights = { 'Array', 'table', optional = true },
  log_weights = { 'Array', 'table', optional = true },
  names = { 'table', optional = true }, labels = { 'table', optional = true },
}

local function as_set(given, o)
  if samples.is(given) then return given end
  local t = args.take(who, given, set_rows)
  t.low, t.high = o.low, o.high
  return samples.new(who, t)
end

-- Limits as Arrays (P): those of the options, or those of the set.
local function limit(name, given, set)
  if given == nil then return np.array(set[name], 'f64') end
  if type(given) == 'number' then given = { given } end
  local x = np.array(given, 'f64'):ravel()
  if #x ~= set.n_params then
    core.raise('%s: %s has %d values, there are %d parameters', who, name, #x, set.n_params)
  end
  return x
end

local function doubles(n) return ffi.new('double[?]', n), n end

-- Standard deviations (P) of x (n, P) with weights (n) that add up to 1.
local function deviations(x, w)
  w = np.expand_dims(w, 2)
  local d = x - (w * x):sum { axis = 1, keepdims = true }
  return np.sqrt((w * d * d):sum { axis = 1 }):totable()
end

-- ---- the adjustment ----

local rows = {
  heteroscedastic = { 'boolean', default = false }, delta = { 'number', optional = true },
  ridge = { 'number', 'string', optional = true },
  low = { 'table', 'Array', 'number', optional = true, any = true },
  high = { 'table', 'Array', 'number', optional = true, any = true },
  quiet = { 'boolean', default = false },
}

local function ridge_of(o, set, S)
  if o.ridge == nil then return set.n < FEW * S and -1 or RIDGE end
  if type(o.ridge) == 'string' then return args.choice(who, 'ridge', o.ridge, { auto = -1 }) end
  if o.ridge < 0 then core.raise('%s: ridge must not be negative, got %g', who, o.ridge) end
  return o.ridge
end

local function distances_of(set, s, target)
  if set.distances then return set.distances end
  return np.sqrt(((s - target) ^ 2):sum { axis = 2 })
end

-- Parameters (n, P) on the line, their weights (n) and a report.
local function run(set, s, target, o)
  local low, high = limit('low', o.low, set), limit('high', o.high, set)
  if not np.all(np.lt(low, high)):item() then
    core.raise('%s: low must be below high, for each parameter', who)
  end
  local n, P, S = set.n, set.n_params, s.shape[2]
  local theta = line.to_line(set.parameters, low, high)
  local d, w = distances_of(set, s, target), set.weights
  local out, kernel, slope = doubles(n * P), doubles(n), doubles((S + 1) * P)
  local delta, ridge = doubles(1), doubles(1)
  if o.delta and not (o.delta > 0) then
    core.raise('%s: delta must be positive, got %g', who, o.delta)
  end
  local of = ffi.new('imnn_regression', { n = n, n_params = P, n_summaries = S,
    theta = theta:data(), summaries = s:data(), target = target:data(), distances = d:data(),
    weights = w:data(), delta = o.delta or 0, ridge = ridge_of(o, set, S),
    heteroscedastic = o.heteroscedastic })
  core.check(C.imnn_regression_adjust(out, kernel, slope, delta, ridge, of))
  local adjusted = line.from_line(np.from_buffer(out, { n, P }, 'f64'), low, high)
  return adjusted, np.from_buffer(kernel, { n }, 'f64'), {
    low = low:totable(), high = high:totable(), delta = delta[0], ridge = ridge[0],
    heteroscedastic = o.heteroscedastic,
    coefficients = np.from_buffer(slope, { S + 1, P }, 'f64'),
  }
end

local function ratios(set, adjusted, kernel, report, say)
  local before, after = deviations(set.parameters, set.weights), deviations(adjusted, kernel)
  report.sd_ratio = {}
  for p, name in ipairs(set.names) do
    local ratio = after[p] / before[p]
    report.sd_ratio[p] = ratio
    if ratio > SUSPECT or ratio < 1 / SUSPECT then
      say('the standard deviation of "%s" becomes %.3g, which is %.3g times what it was: %s; take '
        .. 'a smaller epsilon, and see whether it holds', name, after[p], ratio, ratio > 1
          and 'the fit reaches far beyond the samples it was made from'
          or 'the result is what a fit over a wide range says, not what came near the data')
    end
  end
end

--- Adjust parameters for the difference between their simulations' summaries and those of the data.
-- Weighted least squares of the parameters on the summaries; limits are respected, since parameters
-- that have some are mapped to the real line first (`to_line`).
-- @tparam SampleSet|table set samples with summaries; or `parameters` (n, P), `summaries` (n, S),
-- and if there are `distances` (n) (else Euclidean ones), `weights` or `log_weights` (n), `names`,
-- `labels`
-- @tparam Array|table target_summary (S), of the data
-- @tparam[opt] table opts
-- @tparam[opt=false] boolean opts.heteroscedastic also scale what the fit leaves, by a fit of its
-- logarithm
-- @tparam[opt] number opts.delta samples count by 1 - (distance / delta)^2, those beyond not at
-- all; the largest distance
-- @tparam[opt] number|string opts.ridge added to the variances of the summaries, in units of their
-- sum: 1e-8; "auto", and fewer than 10 samples for each summary: the one that predicts best what is
-- left out
-- @tparam[opt] table opts.low P limits; those of the set
-- @tparam[opt] table opts.high P limits; those of the set
-- @tparam[opt=false] boolean opts.quiet no warnings on stderr
-- @treturn SampleSet of the same samples, in the same order, with other parameters and weights
-- @treturn table what was done, also `origin.adjustment` of the set: delta, ridge, coefficients
-- (S + 1, P) on the real line (first the fit at the data), sd_ratio (P numbers), warnings
-- @raise sets without summaries, shapes that do not fit, fewer than 3 samples within delta
-- @source Beaumont, Zhang & Balding 2002, Genetics 162, 2025; Blum & Francois 2010, Stat. Comput.
-- 20, 63
-- @usage local s = np.array { { 0.9 }, { 1.2 }, { 1.7 }, { 2.4 }, { 3.1 } }
-- local set = lfi.regression_adjust({ parameters = s * 2 + 1, summaries = s }, { 2 },
--   { quiet = true })
-- set:mean() --> { 5 }
function M.adjust(set, target_summary, opts)
  local o = args.take(who, opts, rows)
  if not samples.is(set) and type(set) ~= 'table' then
    core.raise('%s: needs a SampleSet or { parameters, summaries, ... }, got %s', who,
      core.kind(set))
  end
  set = as_set(set, o)
  if not set.summaries then core.raise('%s: the samples have no summaries', who) end
  local target = args.argument(who, 'target_summary', target_summary,
    { 'Array', 'table', 'number' })
  target = np.array(target, 'f64'):ravel()
  local s = set.summaries:astype 'f64'
  if #target ~= s.shape[2] then
    core.raise('%s: the target has %d summaries, the samples have %s', who, #target,
      text(s.shape, 2))
  end
  local adjusted, kernel, report = run(set, s, target, o)
  local list, say = warn(who, o.quiet)
  report.warnings = list
  ratios(set, adjusted, kernel, report, say)
  local origin = args.rows(set.origin or {}, { adjustment = report })
  local change = { parameters = adjusted, log_weights = np.log(kernel), log_prob = false,
    origin = origin, low = report.low, high = report.high }
  report.low, report.high = nil, nil
  return samples.changed(who, set, change), report
end

return M
