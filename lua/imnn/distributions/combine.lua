--- Distributions made of others.
-- @module imnn.distributions.combine
local args = require 'imnn.args'
local array = require 'imnn.array'
local base = require 'imnn.distributions.base'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local M = {}

local function is_distribution(d) return type(d) == 'table' and d.sample and d.log_prob end

-- ---- a user's own ----

-- A user's sample(self, key, shape), whose draws have to be events: numbers in place of vectors
-- would broadcast, and be taken for vectors of equal components.
local function checked_sample(who, sample, event)
  return function(self, key, shape)
    local x, want = sample(self, key, shape), {}
    for _, n in ipairs(type(shape) == 'number' and { shape } or shape or {}) do
      want[#want + 1] = n
    end
    local asked = table.concat(want, ', ')
    for _, n in ipairs(event) do want[#want + 1] = n end
    local same = array.is(x) and table.concat(x.shape, ', ') == table.concat(want, ', ')
    if not same then
      core.raise('%s: sample(self, key, %s) must give an Array (%s), got %s', who,
        shape == nil and 'nil' or type(shape) == 'number' and asked or '{ ' .. asked .. ' }',
        table.concat(want, ', '),
        array.is(x) and '(' .. table.concat(x.shape, ', ') .. ')' or core.kind(x))
    end
    return x
  end
end

--- A distribution from a user's functions, with whatever else follows from them.
-- @tparam table fields `sample(self, key, shape)`, `log_prob(self, x)`, and what is known of `low`,
-- `high` (lists of numbers: limits of plots, and of the support if there is no `support` = { low,
-- high }), `cdf(self, x)`, `mean(self)`, `var(self)`, `names`, `labels`, `event_shape` (that of
-- low; {})
-- @treturn distribution
-- @raise functions that are missing; draws of another shape than that of events
-- @usage local half = distributions.own { low = 0, high = 2,
--   sample = function(_, key, n) return 2 * random.uniform(key, n) end,
--   log_prob = function(_, x)
--     return np.where(np.lt(np.abs(x - 1), 1), math.log(0.5), -math.huge)
--   end }
-- half:prob(1) --> 0.5
function M.own(fields)
  local who = 'distributions.own'
  if type(fields) ~= 'table' or type(fields.sample) ~= 'function'
    or type(fields.log_prob) ~= 'function' then
    core.raise('%s: needs a table { sample =, log_prob =, ... } of functions', who)
  end
  local event = fields.event_shape
  if not event then event = type(fields.low) == 'table' and { #fields.low } or {} end
  local own = { event_shape = event }
  for _, name in ipairs { 'sample', 'log_prob', 'cdf', 'mean', 'var', 'support' } do
    own[name] = fields[name]
  end
  own.sample = checked_sample(who, fields.sample, event)
  return base.new(who, own, { low = fields.low, high = fields.high, names = fields.names,
    labels = fields.labels })
end

-- ---- side by side ----

-- Numbers as vectors of one component.
local function as_vector(d, x)
  return base.is(d) and #d.event_shape == 0 and np.expand_dims(x, -1) or x
end
local function from_vector(d, x)
  return base.is(d) and #d.event_shape == 0 and np.squeeze(x, -1) or x
end

-- How many components a part has.
local function size_of(who, i, d)
  if not is_distribution(d) then
    core.raise('%s: entry %d is no distribution { sample, log_prob, low, high }', who, i)
  end
  if base.is(d) then
    if #d.event_shape > 1 then
      core.raise('%s: entry %d has events of shape (%s), not vectors', who, i,
        table.concat(d.event_shape, ', '))
    end
    return d.n_params
  end
  local low = d.low
  if low == nil or d.high == nil then
    core.raise('%s: entry %d is no distribution { sample, log_prob, low, high }', who, i)
  end
  return type(low) == 'number' and 1 or #low
end

local function append(list, x)
  if array.is(x) then x = x:ravel():totable() end
  for _, v in ipairs(type(x) == 'number' and { x } or x) do list[#list + 1] = v end
end

--- Independent distributions side by side: events are vectors, the components of the first one
-- first.
-- @tparam table list distributions of numbers or vectors, also a user's { sample, log_prob, low,
-- high }
-- @tparam[opt] table opts `names`, `labels`, `low`, `high` of all components
-- @treturn distribution
-- @raise entries that are no distributions
-- @usage distributions.independent { distributions.uniform(0, 1), distributions.normal(0, 1) }
function M.independent(list, opts)
  local who = 'distributions.independent'
  if type(list) ~= 'table' or #list == 0 or is_distribution(list) then
    core.raise('%s: needs a list of distributions, got %s', who,
      type(list) == 'table' and 'none' or core.kind(list))
  end
  local first, n = {}, 0
  for i, d in ipairs(list) do
    first[i] = n + 1
    n = n + size_of(who, i, d)
  end
  first[#list + 1] = n + 1
  -- fn(part, its components of x)
  local function of_parts(x, fn)
    local out = {}
    for i, d in ipairs(list) do
      out[i] = fn(d, from_vector(d, x[{ '...', { first[i], first[i + 1] - 1 } }]))
    end
    return out
  end
  local function fold(parts, fn)
    local y = parts[1]
    for i = 2, #parts do y = fn(y, parts[i]) end
    return y
  end
  local function moments(what)
    return function(dtype)
      local parts = {}
      for i, d in ipairs(list) do
        if type(d[what]) ~= 'function' then core.raise('%s: entry %d has no %s', who, i, what) end
        local ours = base.is(d) and not rawget(d, what)
        parts[i] = as_vector(d, ours and base.moment(d, what, dtype) or d[what](d))
      end
      return np.concatenate(parts, -1)
    end
  end
  local function entropy()
    local sum = 0
    for i, d in ipairs(list) do
      if type(d.entropy) ~= 'function' then core.raise('%s: entry %d has no entropy', who, i) end
      sum = sum + d:entropy()
    end
    return sum
  end
  -- Parts do not depend on each other: blocks of zeros stand beside theirs.
  local function covariance(dtype)
    local rows = {}
    for i, d in ipairs(list) do
      if not base.is(d) then core.raise('%s.cov: entry %d has none', who, i) end
      local C = base.covariance(d, dtype)
      local size = first[i + 1] - first[i]
      local beside = { first[i] - 1, n + 1 - first[i + 1] }
      rows[i] = np.pad(C:reshape { size, size }, { { 0, 0 }, beside })
    end
    return np.concatenate(rows, 1)
  end
  local function limits(a, b, get)
    return function()
      local low, high = {}, {}
      for _, d in ipairs(list) do
        local l, h = get(d)
        append(low, l or d[a])
        append(high, h or d[b])
      end
      return np.array(low, 'f64'), np.array(high, 'f64')
    end
  end
  local names, labels
  for _, d in ipairs(list) do
    names, labels = names or d.names and {}, labels or d.labels and {}
  end
  for i, d in ipairs(list) do
    for k = 1, first[i + 1] - first[i] do
      local name = d.names and d.names[k] or 'θ_{' .. first[i] + k - 1 .. '}'
      if names then names[#names + 1] = name end
      if labels then labels[#labels + 1] = d.labels and d.labels[k] or name end
    end
  end
  opts = args.rows({ names = names, labels = labels }, opts or {})
  local plot, flat = limits('low', 'high', function() end), true
  local normal = true
  for _, d in ipairs(list) do
    flat = flat and is_distribution(d) and d.flat
    normal = normal and base.is(d) and d.normal
  end
  return base.new(who, {
    event_shape = { n }, parts = list, flat = flat, normal = normal, covariance = covariance,
    draw = function(key, shape)
      local keys, parts = random.split(key, #list), {}
      for i, d in ipairs(list) do parts[i] = as_vector(d, base.draw_of(d, keys[i], shape)) end
      return np.concatenate(parts, -1)
    end,
    density = function(x)
      return fold(of_parts(x, function(d, y) return d:log_prob(y) end),
        function(a, b) return a + b end)
    end,
    cumulative = function(x)
      return fold(of_parts(x, function(d, y)
        if type(d.cdf) ~= 'function' then core.raise('%s: a part has no cdf', who) end
        return d:cdf(y)
      end), function(a, b) return a * b end)
    end,
    moments = { mean = moments 'mean', var = moments 'var', entropy = entropy },
    bounds = limits('low', 'high', function(d)
      if is_distribution(d) and d.bounds then return d.bounds 'f64' end
      local s = d.support
      return s and s.low, s and s.high
    end), reach = plot,
    extent = limits('low', 'high', function(d)
      local s = d.support
      return s and s.low, s and s.high
    end),
  }, opts)
end

-- ---- mixtures ----

-- What is left without parts that have no weight; w: the weights in double.
local function positive_parts(weights, w, list)
  local some, parts = {}, {}
  for k, v in ipairs(w:totable()) do
    if v > 0 then some[#some + 1], parts[#parts + 1] = v, list[k] end
  end
  return array.is(weights) and weights[np.gt(w, 0)] or some, parts
end

--- One of several distributions, by weight.
-- @tparam table|Array weights of the parts, 0 or more, which are divided by their sum; densities
-- are differentiable in those that are not 0
-- @tparam table list distributions with events of one shape
-- @tparam[opt] table opts `low`, `high`, `names`, `labels`
-- @treturn distribution
-- @raise weights below 0, all of them 0, or not as many as parts; events of different shapes
-- @usage distributions.mixture({ 0.3, 0.7 },
--   { distributions.normal(-1, 1), distributions.normal(2, 0.5) }):mean() --> 1.1
function M.mixture(weights, list, opts)
  local who = 'distributions.mixture'
  local w, shape = base.parameter(who, 'weights', weights)
  if type(list) ~= 'table' or #list == 0 or #shape ~= 1 or shape[1] ~= #list then
    core.raise('%s: needs a weight for each distribution, got (%s) for %d', who,
      table.concat(shape, ', '), type(list) == 'table' and #list or 0)
  end
  local event, all, discrete = nil, true, false
  for _, d in ipairs(list) do
    base.check(who, d)
    event, discrete = event or d.event_shape, discrete or d.each and d.each.discrete
    all = all and d.each and d.each.cdf
    if not base.same_shape(event, d.event_shape) then
      core.raise('%s: events of shapes (%s) and (%s)', who, table.concat(event, ', '),
        table.concat(d.event_shape, ', '))
    end
  end
  if not array.traced(w 'f64') then
    local least = np.min(w 'f64'):item()
    if least < 0 or not np.any(w 'f64'):item() then
      core.raise('%s: weights must be 0 or more, and not all 0', who)
    elseif least == 0 then
      local some, parts = positive_parts(weights, w 'f64', list)
      return M.mixture(some, parts, opts)
    end
  end
  local function shares(dtype)
    local y = w(dtype)
    return y / np.sum(y)
  end
  local function weighted(dtype, fn)
    local y, sum = shares(dtype), nil
    for k, d in ipairs(list) do
      local part = y[k] * fn(d)
      sum = sum and sum + part or part
    end
    return sum
  end
  local function log_prob(x, fn)
    local y, parts = np.log(shares(x.dtype)), {}
    for k, d in ipairs(list) do parts[k] = y[k] + fn(d) end
    return np.logsumexp(np.stack(parts, -1), { axis = -1 })
  end
  local fields = {
    event_shape = event,
    draw = function(key, size)
      local keys = random.split(key)
      local own = random.split(keys[2], #list)
      local which = random.categorical(keys[1], np.log(w(array.default_dtype())), { shape = size })
      for _ = 1, #event do which = np.expand_dims(which, -1) end
      local x
      for k, d in ipairs(list) do
        local y = base.draw_of(d, own[k], size)
        x = x and np.where(np.eq(which, k), y, x) or y
      end
      return x
    end,
    density = function(x) return log_prob(x, function(d) return d:log_prob(x) end) end,
    cumulative = function(x)
      return weighted(x.dtype, function(d) return d:cdf(x) end)
    end,
    moments = {
      mean = function(dtype) return weighted(dtype, function(d) return d:mean() end) end,
      var = function(dtype)
        local mean = weighted(dtype, function(d) return d:mean() end)
        return weighted(dtype, function(d) return d:var() + (d:mean() - mean) ^ 2 end)
      end,
    },
    covariance = function(dtype)
      local mean = weighted(dtype, function(d) return d:mean() end)
      return weighted(dtype, function(d)
        local away = d:mean() - mean
        return d:cov() + (#event == 0 and away * away or np.outer(away, away))
      end)
    end,
  }
  local function ends(what)
    return function(dtype)
      local low, high
      for _, d in ipairs(list) do
        if not d[what] and not d.bounds then core.raise('%s: a part has no limits', who) end
        local a, b
        if what == 'bounds' then
          a, b = d.bounds(dtype)
          a, b = np.broadcast_to(a, event), np.broadcast_to(b, event)
        elseif what == 'support' then a, b = np.array(d.support.low), np.array(d.support.high)
        else a, b = np.array(d.low), np.array(d.high) end
        a, b = np.reshape(a:astype(dtype), event), np.reshape(b:astype(dtype), event)
        low, high = low and np.minimum(low, a) or a, high and np.maximum(high, b) or b
      end
      return low, high
    end
  end
  fields.bounds, fields.reach, fields.extent = ends 'bounds', ends 'low', ends 'support'
  if #event == 0 and all then
    fields.each = {
      bounds = fields.bounds, discrete = discrete,
      log_prob = function(x) return log_prob(x, function(d) return d.each.log_prob(x) end) end,
      cdf = function(x) return weighted(x.dtype, function(d) return d.each.cdf(x) end) end,
      sf = function(x)
        return weighted(x.dtype, function(d) return base.component(d, 'sf')(x) end)
      end,
      mixed = function(dtype)
        local out, y = {}, shares(dtype)
        for k, d in ipairs(list) do out[k] = { y[k], d.each } end
        return out
      end,
      middle = function(dtype)
        local m, s = fields.moments.mean(dtype), np.sqrt(fields.moments.var(dtype))
        return np.where(np.isfinite(m), m, 0), np.where(np.isfinite(s), s, 1)
      end,
    }
  end
  return base.new(who, fields, opts)
end

return M
