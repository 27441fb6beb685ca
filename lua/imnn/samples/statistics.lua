--- Sample sets: weighted statistics. All take the weights.
-- @module imnn.samples.statistics
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local sets = require 'imnn.samples.set'
local C, pointers = core.C, sets.pointers

local Statistics = sets.methods

--- The weighted mean.
-- @treturn Array f64 (P)
-- @usage samples:mean()
function Statistics:mean()
  local x, w, n, P, held = pointers('mean', self)
  local out = ffi.new('double[?]', P)
  core.check(C.imnn_samples_mean(out, n, P, x, P, w), 'mean')
  return held and np.from_buffer(out, { P }, 'f64')
end

local function cov_of(who, self, opts)
  local x, w, n, P, s = pointers(who, self)
  local o = args.take(who, opts, { repeated = { 'boolean', default = false } })
  local out = ffi.new('double[?]', P * P)
  local counts = o.repeated and w and np.exp(s.log_weights)
  core.check(counts and C.imnn_samples_cov_repeated(out, n, P, x, P, counts:data())
    or C.imnn_samples_cov(out, n, P, x, P, w), who)
  return s and np.from_buffer(out, { P, P }, 'f64')
end

--- The weighted covariance, sum w d d^T / (1 - sum w^2) with weights that add up to 1: of equal
-- weights that with n - 1.
-- @tparam[opt] table opts
-- @tparam[opt=false] boolean opts.repeated the weights say how often draws came: divided by
-- 1 - 1 / sum w, as of all of these
-- @treturn Array f64 (P, P)
-- @raise one sample has all the weight
-- @usage samples:cov()
-- samples:cov { repeated = true }
function Statistics:cov(opts) return cov_of('cov', self, opts) end

--- Standard deviations, the roots of the diagonal of `cov`.
-- @tparam[opt] table opts as for `cov`
-- @treturn Array f64 (P)
-- @raise one sample has all the weight
-- @usage samples:std()
function Statistics:std(opts) return np.sqrt(np.diagonal(cov_of('std', self, opts))) end

-- Numbers between 0 and 1, and whether it was a list.
local function shares(who, q)
  if type(q) == 'number' then q = { q } elseif np.is_array(q) then q = q:ravel():values() end
  if type(q) == 'table' then args.list(who, 'q', q) end
  if type(q) ~= 'table' or #q == 0 then
    core.raise('%s: q is a number from 0 to 1, or a list of them, got %s', who,
      type(q) == 'table' and 'an empty list' or core.kind(q))
  end
  for _, v in ipairs(q) do
    if type(v) ~= 'number' or not (v >= 0 and v <= 1) then
      core.raise('%s: q is a number from 0 to 1, got %s', who, tostring(v))
    end
  end
  return q
end

--- Weighted quantiles. Samples in order stand at the middle of their share of the weight; between
-- them lines are straight, beyond the first and last one constant.
-- @tparam number|table|Array q in [0, 1]
-- @treturn Array f64 (P); (P, m) of m values in a list
-- @raise other numbers
-- @usage samples:quantile(0.5)
-- samples:quantile({ 0.16, 0.84 }).shape --> { 2, 2 }
function Statistics:quantile(q)
  local x, w, n, P, held = pointers('quantile', self)
  local list = shares('quantile', q)
  local m = #list
  local out, c_list = ffi.new('double[?]', P * m), ffi.new('double[?]', m, list)
  for k = 0, P - 1 do
    core.check(C.imnn_samples_quantile(out + k * m, m, c_list, n, x + k, P, w), 'quantile')
  end
  return held and np.from_buffer(out, type(q) == 'number' and { P } or { P, m }, 'f64')
end

local function hpd(self, mass)
  local x, w, n, P, held = pointers('interval', self)
  local out = ffi.new('double[?]', 2 * P)
  for k = 0, P - 1 do
    core.check(C.imnn_samples_hpd(out + 2 * k, mass, n, x + k, P, w), 'interval')
  end
  return held and np.from_buffer(out, { P, 2 }, 'f64')
end

local kinds = {
  ['equal-tail'] = function(self, mass)
    return Statistics.quantile(self, { (1 - mass) / 2, (1 + mass) / 2 })
  end,
  hpd = hpd,
}

--- Credible intervals of each parameter.
-- @tparam[opt] table opts
-- @tparam[opt=0.68] number opts.mass how much of the posterior is inside
-- @tparam[opt='equal-tail'] string opts.kind 'equal-tail': as much below as above; 'hpd': the
-- shortest interval between two samples
-- @treturn Array f64 (P, 2)
-- @raise another kind; a mass that is not in (0, 1)
-- @usage samples:interval { mass = 0.95 }
-- samples:interval({ kind = 'hpd' }).shape --> { 2, 2 }
function Statistics:interval(opts)
  sets.state(self, 'interval')
  local o = args.take('interval', opts, {
    mass = { 'number', default = 0.68 }, kind = { 'string', default = 'equal-tail' } })
  local how = args.choice('interval', 'kind', o.kind, kinds)
  if not (o.mass > 0 and o.mass < 1) then
    core.raise('interval: the mass is above 0 and below 1, got %g', o.mass)
  end
  return how(self, o.mass)
end

--- The numbers of one parameter.
-- @tparam string|number name, or place
-- @treturn Array f64 (n)
-- @raise there is none
-- @usage samples:column('mu'):max()
function Statistics:column(name)
  local s = sets.state(self, 'column')
  return s.parameters[{ {}, sets.place('column', self, name) }]
end

--- The logarithm of the evidence, where the method gives one.
-- @treturn number|nil
-- @treturn number|nil its standard error, where the method gives one
-- @usage print(samples:log_evidence())
function Statistics:log_evidence()
  local origin = sets.state(self, 'log_evidence').origin
  return origin.log_evidence, origin.log_evidence_error
end
