--- What distributions have in common. A distribution describes one event: a number (event_shape {})
-- or an array of numbers (event_shape { P }, ...), of which those with parameters (P) have
-- independent components.
-- @module imnn.distributions.base
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local operands = require 'imnn.numpy.operands'
local promote = require 'imnn.numpy.promote'
local quadrature = require 'imnn.distributions.quadrature'
local M = {}

local Distribution = {}
for name, fn in pairs(require 'imnn.distributions.parts') do Distribution[name] = fn end

-- ---- values and shapes ----

local function text_of(shape) return '(' .. table.concat(shape, ', ') .. ')' end

--- The shape of draws: none, a number or a list, and behind it that of an event.
function M.sample_shape(who, shape, event)
  local out = {}
  if type(shape) == 'number' then shape = { shape } end
  if shape ~= nil and type(shape) ~= 'table' then
    core.raise('%s: a shape is a number or a list of sizes, got a %s', who, core.kind(shape))
  end
  for _, list in ipairs { shape or {}, event } do
    for _, n in ipairs(list) do
      if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
        core.raise('%s: sizes must be whole numbers, got %s', who, tostring(n))
      end
      out[#out + 1] = n
    end
  end
  return out
end

-- Values (..., event) as real numbers.
local function values(d, what, x)
  if type(x) == 'table' then x = np.array(x) end
  x = operands.floats(x, ('%s.%s'):format(d.name, what))
  local shape, event = x.shape, d.event_shape
  for k = 1, #event do
    if shape[#shape - #event + k] ~= event[k] then
      core.raise('%s.%s: events have the shape %s, got %s', d.name, what, text_of(event),
        text_of(shape))
    end
  end
  return x
end
M.values = values

-- A reduction over the axes of an event.
local function over_event(d, fn, y)
  local axes = {}
  for k = 1, #d.event_shape do axes[k] = -k end
  return #axes == 0 and y or fn(y, { axis = axes })
end

local function lacks(d, what)
  core.raise('%s: has no %s that is known', d.name, what)
end

-- A function of each component: as the distribution has it, or made of others.
local function component(d, what)
  local each = d.each
  if not each or not (each[what] or quadrature.made[what] and each.cdf) then lacks(d, what) end
  return each[what] or function(...) return quadrature.made[what](each, ...) end
end
M.component = component

-- ---- methods ----

--- The logarithm of the density, or of the probability of whole numbers.
-- @tparam Array|number|table x (..., event)
-- @treturn Array (...)
-- @raise values of another shape
-- @usage distributions.normal(0, 1):log_prob(0) --> -0.918939
function Distribution:log_prob(x)
  x = values(self, 'log_prob', x)
  if self.density then return self.density(x) end
  return over_event(self, np.sum, component(self, 'log_prob')(x))
end

--- The density, or the probability of whole numbers.
-- @tparam Array|number|table x (..., event)
-- @treturn Array (...)
-- @usage distributions.uniform(0, 4):prob(1) --> 0.25
function Distribution:prob(x) return np.exp(self:log_prob(x)) end

--- The probability that no component is above its value.
-- @tparam Array|number|table x (..., event)
-- @treturn Array (...)
-- @raise distributions that have none
-- @usage distributions.uniform(0, 4):cdf(1) --> 0.25
function Distribution:cdf(x)
  x = values(self, 'cdf', x)
  if self.cumulative then return self.cumulative(x) end
  return over_event(self, np.prod, component(self, 'cdf')(x))
end

--- The value that each component is below of with probability q.
-- @tparam Array|number|table q that broadcasts with the event
-- @treturn Array
-- @raise distributions whose components have no cdf of their own
-- @usage distributions.exponential():quantile(0.5) --> 0.693147
function Distribution:quantile(q)
  if type(q) == 'table' then q = np.array(q) end
  return component(self, 'quantile')(operands.floats(q, self.name .. '.quantile'))
end

--- A moment in closed form, or as an integral over the quantiles.
-- @tparam distribution d
-- @tparam string what 'mean' or 'var'
-- @tparam[opt] string dtype of numbers of scripts
function M.moment(d, what, dtype)
  dtype = dtype or array.default_dtype()
  if d.moments then
    local fn = d.moments[what]
    return fn and fn(dtype) or lacks(d, what)
  end
  local fn = d.each and d.each[what]
  if not fn then
    component(d, 'quantile')
    fn = quadrature[what]
    return np.broadcast_to(fn(d, dtype), d.event_shape)
  end
  return np.broadcast_to(fn(dtype), d.event_shape)
end

--- The mean of an event.
-- @treturn Array of the shape of an event
-- @raise distributions whose mean is not known
-- @usage distributions.gamma(2, { scale = 3 }):mean() --> 6
function Distribution:mean() return M.moment(self, 'mean') end

--- The variance of each component.
-- @treturn Array of the shape of an event
-- @raise distributions whose variance is not known
-- @usage distributions.gamma(2, { scale = 3 }):var() --> 18
function Distribution:var() return M.moment(self, 'var') end

--- The standard deviation of each component.
-- @treturn Array of the shape of an event
-- @usage distributions.normal(0, 2):std() --> 2
function Distribution:std() return np.sqrt(self:var()) end

--- The entropy of an event, minus the mean of log_prob, in nats: what an observation tells is that
-- of the prior less that of the posterior.
-- @treturn Array ()
-- @raise distributions whose entropy is not known, such as those of whole numbers
-- @usage distributions.uniform(0, 4):entropy() --> 1.386294
function Distribution:entropy()
  local dtype, known = array.default_dtype(), self.moments and self.moments.entropy
  if known then return known(dtype) end
  local each = self.each
  if not each or not each.cdf or each.discrete then lacks(self, 'entropy') end
  return over_event(self, np.sum, np.broadcast_to(quadrature.entropy(self, dtype),
    self.event_shape))
end

--- A covariance, of independent components without more.
-- @tparam distribution d
-- @tparam[opt] string dtype of numbers of scripts
function M.covariance(d, dtype)
  dtype = dtype or array.default_dtype()
  if d.covariance then return d.covariance(dtype) end
  if #d.event_shape > 0 and not (d.each and #d.event_shape == 1) then lacks(d, 'cov') end
  local var = rawget(d, 'var') and d:var() or M.moment(d, 'var', dtype)
  return #d.event_shape == 0 and var or np.diag(var)
end

--- The covariance of the components of an event.
-- @treturn Array () of numbers, which is their variance; (n, n) of vectors
-- @raise distributions whose covariance is not known
-- @usage distributions.normal({ 0, 5 }, { 1, 2 }):cov() --> { { 1, 0 }, { 0, 4 } }
function Distribution:cov() return M.covariance(self) end

--- Draws.
-- @tparam Array key (2)
-- @tparam[opt] number|table shape of many draws
-- @treturn Array (shape, event)
-- @usage distributions.normal({ 0, 5 }, 1):sample(random.PRNGKey(0), 100)
function Distribution:sample(key, shape)
  return self.draw(key, M.sample_shape(self.name .. '.sample', shape, {}))
end

-- ---- limits ----

-- Numbers of a list for an event; one number for a number.
local function list_of(d, x)
  x = np.broadcast_to(x, d.event_shape)
  if #d.event_shape == 0 then return x:item() end
  return x:ravel():totable()
end

-- The ends { low, high } between which a distribution is drawn in plots, or outside of which its
-- density does not count (tail probabilities p on both sides).
local function ends(d, p)
  local low, high = d.bounds('f64')
  local function within(a, b)
    return np.where(np.isfinite(low), low, a), np.where(np.isfinite(high), high, b)
  end
  local ok = d.each and (d.each.quantile or d.each.cdf)
  if ok then
    local q = np.array(p, 'f64')
    return within(component(d, 'quantile')(q), component(d, 'upper_quantile')(q))
  end
  local mean, reach = d:mean():astype 'f64', d:std():astype 'f64' * (p > 1e-6 and 5 or 10)
  return within(mean - reach, mean + reach)
end

local PLOT, NOTHING = 1e-4, 1e-16

local lazy = {}

local function limits(d)
  if not d.bounds then core.raise('%s: has no limits "low" and "high"; give them', d.name) end
  local low, high
  if d.reach then low, high = d.reach('f64')
  else low, high = ends(d, PLOT) end
  if array.traced(low) or array.traced(high) then
    core.raise('%s: has no limits "low" and "high" while its parameters are traced', d.name)
  end
  rawset(d, 'low', list_of(d, low))
  rawset(d, 'high', list_of(d, high))
end

--- The lower limit of each component, where grids of plots begin: a number, or a list of numbers.
-- @field Distribution.low
-- @usage distributions.normal({ 0, 1 }, 1).low --> { -5, -4 }

--- The upper limit of each component, where grids of plots end.
-- @field Distribution.high
-- @usage distributions.uniform(0, 4).high --> 4

function lazy.low(d) limits(d) return rawget(d, 'low') end
function lazy.high(d) limits(d) return rawget(d, 'high') end

--- Where the density counts: { low = ..., high = ... }, lists of numbers.
-- @field Distribution.support
-- @usage distributions.exponential().support.low --> { 0 }
function lazy.support(d)
  if not d.bounds then
    local function flat(x) return type(x) == 'number' and { x } or x end
    return { low = flat(d.low), high = flat(d.high) }
  end
  local low, high
  if d.extent then low, high = d.extent('f64')
  else low, high = ends(d, NOTHING) end
  local function flat(x) return np.broadcast_to(x, d.event_shape):ravel():totable() end
  rawset(d, 'support', { low = flat(low), high = flat(high) })
  return rawget(d, 'support')
end

-- What not every distribution has.
local optional = {}
for _, name in ipairs { 'names', 'labels', 'each', 'density', 'cumulative', 'moments', 'bounds',
  'reach', 'extent', 'draw', 'covariance', 'parts', 'flat', 'normal', 'marginal_of', 'condition_on',
  'component_log_prob_of', 'components_of' } do optional[name] = true end

function Distribution.__index(d, key)
  if Distribution[key] then return Distribution[key] end
  if lazy[key] then return lazy[key](d) end
  if optional[key] or type(key) ~= 'string' then return nil end
  local known = {}
  for _, names in ipairs { Distribution, lazy, d } do
    for name in pairs(names) do known[name] = not name:match '^__' or nil end
  end
  core.raise('%s: has no field or method "%s"%s', d.name, key, args.near(key, known))
end

function Distribution.__tostring(d)
  local event = d.event_shape
  return ('%s, %s'):format(d.name, #event == 0 and 'a number' or 'events ' .. text_of(event))
end

-- ---- making them ----

--- Options of all of them, for imnn.args.
M.option_rows = {
  low = { 'number', 'table', 'Array', optional = true },
  high = { 'number', 'table', 'Array', optional = true },
  names = { 'table', optional = true },
  labels = { 'table', optional = true },
}

local function numbers(who, what, x, d)
  local list = type(x) == 'number' and { x } or x
  if array.is(list) then list = list:ravel():totable() end
  local n = 1
  for _, size in ipairs(d.event_shape) do n = n * size end
  if #list == 1 then
    for i = 2, n do list[i] = list[1] end
  end
  if #list ~= n then core.raise('%s: %s needs %d numbers, got %d', who, what, n, #list) end
  for i, v in ipairs(list) do
    if type(v) ~= 'number' or v - v ~= 0 then
      core.raise('%s: %s[%d] must be a finite number, got %s', who, what, i, tostring(v))
    end
  end
  return #d.event_shape == 0 and list[1] or { unpack(list) }
end

local function texts(who, what, list, n)
  if not list then return nil end
  if #list ~= n then core.raise('%s: %s needs %d texts, got %d', who, what, n, #list) end
  for i = 1, n do
    if type(list[i]) ~= 'string' then
      core.raise('%s: %s[%d] must be a text, got %s', who, what, i, core.kind(list[i]))
    end
  end
  return list
end

local function check_different(who, names)
  local seen = {}
  for i, name in ipairs(names) do
    if seen[name] then
      core.raise('%s: parameters %d and %d are both called "%s"', who, seen[name], i, name)
    end
    seen[name] = i
  end
end

--- A distribution from its parts.
-- @tparam string who for messages
-- @tparam table fields `event_shape`; `each`, functions of components `log_prob`, `cdf`, `sf`,
-- `quantile`, `upper_quantile` (x) and `mean`, `var` (dtype), or `density` (x), `cumulative` (x)
-- and `moments`; `draw` (key, shape); `bounds` (dtype) -> ends of the support; `reach`, `extent`
-- (dtype) -> limits of plots, and outside of which the density does not count, where they are
-- known; `flat`: within those the density is the same everywhere; `covariance` (dtype);
-- `marginal_of`, `condition_on` and what else parts.lua asks for; `normal`: it is a normal number
-- or vector
-- @tparam[opt] table opts `low`, `high`: limits of plots; `names` of the components, and `labels`,
-- what plots and tables show for them
function M.new(who, fields, opts)
  local o = args.take(who, opts, M.option_rows)
  fields.name = who
  local n = 1
  for _, size in ipairs(fields.event_shape) do n = n * size end
  fields.n_params = n
  for _, what in ipairs { 'low', 'high' } do
    if o[what] ~= nil then fields[what] = numbers(who, what, o[what], fields) end
  end
  fields.names, fields.labels = texts(who, 'names', o.names, n), texts(who, 'labels', o.labels, n)
  check_different(who, fields.names or {})
  local d = setmetatable(fields, Distribution)
  local low, high = rawget(d, 'low'), rawget(d, 'high')
  if low ~= nil and high ~= nil then
    for i = 1, n do
      local a, b = type(low) == 'table' and low[i] or low, type(high) == 'table' and high[i] or high
      if not (a < b) then core.raise('%s: low must be below high, got %g and %g', who, a, b) end
    end
  end
  return d
end

--- The names and labels of some components, as options.
function M.names_of(d, which)
  local out = {}
  for _, what in ipairs { 'names', 'labels' } do
    local list = d[what]
    out[what] = list and {}
    for i, k in ipairs(list and which or {}) do out[what][i] = list[k] end
  end
  return out
end

--- Whether this is a distribution made here.
function M.is(d) return type(d) == 'table' and getmetatable(d) == Distribution end

--- Refuse what is none.
function M.check(who, d)
  if M.is(d) then return end
  core.raise('%s: needs a distribution, got %s', who, type(d) == 'table' and d.sample and d.log_prob
    and 'a table of functions; make one of it with distributions.own' or core.kind(d))
end

--- Whether two lists of sizes are the same.
function M.same_shape(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- Draws of a part; a user's own one takes a number or a list.
function M.draw_of(d, key, shape)
  if d.draw then return d.draw(key, shape) end
  return d:sample(key, #shape > 1 and shape or shape[1])
end

-- ---- parameters ----

--- A parameter: numbers of scripts take the dtype of what they are used with.
-- @tparam string who
-- @tparam string name
-- @param x number, list or Array
-- @tparam[opt] boolean infinite numbers may be infinite
-- @treturn function (dtype) -> Array
-- @treturn table its shape
-- @treturn boolean whether it is f64 on its own
function M.parameter(who, name, x, infinite)
  local weak = type(x) == 'number' or type(x) == 'table'
  if not weak and not array.is(x) then
    core.raise('%s: %s must be a number, a list or an Array, got %s', who, name, core.kind(x))
  end
  if type(x) == 'table' and #x == 0 then core.raise('%s: %s is an empty list', who, name) end
  if weak then x = np.array(x, 'f64')
  else x = operands.floats(x, who) end
  if promote.is_complex(x.dtype) then
    core.raise('%s: %s must be of real numbers, got %s', who, name, x.dtype)
  end
  if not array.traced(x) then
    for i, v in ipairs(x:values()) do
      if v ~= v or not infinite and v - v ~= 0 then
        core.raise('%s: %s%s must be a %snumber, got %s', who, name, x.size > 1 and '[' .. i .. ']'
          or '', infinite and '' or 'finite ', tostring(v))
      end
    end
  end
  local known = {}
  return function(dtype)
    if not weak then return x end
    known[dtype] = known[dtype] or promote.convert(x, dtype)
    return known[dtype]
  end, x.shape, not weak and x.dtype == 'f64'
end

return M
