--- What users give to be drawn: sample sets, posteriors, points, and lists of them.
-- @module imnn.plot.read
local args = require 'imnn.args'
local core = require 'imnn.core'
local figure = require 'imnn.plot.figure'
local layer = require 'imnn.plot.layer'
local np = require 'imnn.numpy'
local values = require 'imnn.plot.values'
local M = {}

-- Options of single layers, which may be given for all of them, or as a list with one for each.
local single = { 'label', 'color', 'linestyle', 'filled', 'scatter', 's', 'alpha', 'hist', 'bins',
  'smooth', 'smoothing' }

local function either(kind) return { kind, 'table', optional = true } end

local corner_options = args.rows(figure.options, {
  posteriors = { 'table', optional = true },
  ax = { 'Figure', optional = true },
  known = { 'table', 'Array', optional = true },
  labels = { 'table', optional = true },
  axis_labels = { 'table', optional = true },
  parameters = { 'table', optional = true },
  levels = { 'table', optional = true },
  limits = { 'table', optional = true },
  titles = { 'boolean', optional = true },
  interval = { 'string', default = 'auto' },
  mass = { 'number', default = 0.68 },
  ncol = { 'integer', optional = true },
  bbox_to_anchor = { 'table', optional = true },
  target = { 'integer', optional = true },
  quiet = { 'boolean', default = false },
  label = either 'string', color = either 'string', linestyle = either 'string',
  filled = either 'boolean', scatter = either 'boolean', hist = either 'boolean',
  smooth = either 'string', smoothing = either 'number',
  s = either 'number', alpha = either 'number', bins = either 'integer',
})

-- Options without what stands at places, and that as a list.
local function places(who, opts)
  if type(opts) ~= 'table' then return opts, {} end
  local named, list = {}, {}
  for key, v in pairs(opts) do
    if type(key) == 'number' then list[key] = v
    else named[key == 'colors' and 'color' or key == 'colours' and 'color' or key] = v end
  end
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  if n ~= #list then core.raise('%s: the list of posteriors has a hole', who) end
  return named, list
end

-- A field or method of an object, which may refuse names that it does not have.
local function field(x, name)
  local ok, v = pcall(function() return x[name] end)
  return ok and v or nil
end

-- Whether x is a posterior of imnn.lfi, or something else with targets whose samples it gives.
local function is_posterior(x)
  return type(x) == 'table' and rawget(x, 'n_targets') ~= nil
    and (rawget(x, 'ranges') and rawget(x, 'marginals') or type(field(x, 'samples')) == 'function')
end

-- The ends of the support of a posterior's prior: lists with holes where they are not known.
local function support(posterior)
  local prior = rawget(posterior, 'prior')
  local ends = type(prior) == 'table' and field(prior, 'support')
  if type(ends) ~= 'table' or not ends.low or not ends.high then return {}, {} end
  local function list(v)
    v = values.plain(v)
    return type(v) == 'number' and { v } or v
  end
  return list(ends.low), list(ends.high)
end

--- Whether the grid of a posterior ends at limits of its prior: { { low, high }, ... }.
function M.hard_ends(posterior)
  local low, high = support(posterior)
  local out = {}
  for p, range in ipairs(posterior.ranges) do
    local near = 1e-9 * (range[#range] - range[1])
    out[p] = { low[p] and math.abs(low[p] - range[1]) <= near,
      high[p] and math.abs(high[p] - range[#range]) <= near }
  end
  return out
end

-- What is drawn of one target: samples where there are such, else marginals; nil if nothing was
-- accepted.
local function of_target(x, t)
  local columns = rawget(x, 'parameters')
  local accepted = type(columns) == 'table' and columns.accepted
  if accepted and #accepted[t] == 0 then return nil end
  local samples = field(x, 'samples')
  if type(samples) == 'function' and (accepted or not rawget(x, 'marginals')) then
    return { samples = x:samples(t) }
  elseif accepted then
    local low, high = support(x)
    return { samples = { parameters = accepted[t], low = low, high = high } }
  end
  return { ranges = x.ranges, marginals = x.marginals, target = t, hard = M.hard_ends(x) }
end

-- Layers of a posterior of imnn.lfi: one for each target, or of one.
local function of_posterior(who, x, target, more, add)
  local from, to = target or 1, target or x.n_targets
  if from < 1 or to > x.n_targets then
    core.raise('%s: option "target" must be among 1 to %d, got %d', who, x.n_targets, from)
  end
  local some = false
  for t = from, to do
    local given = of_target(x, t)
    if given then
      some = true
      if x.prior then given.names, given.labels = x.prior.names, x.prior.labels end
      for key, v in pairs(more) do given[key] = v end
      if given.label and to > from then given.label = given.label .. ' Target ' .. t end
      add(given)
    end
  end
  if not some then core.raise('%s: there are no samples: nothing was accepted', who) end
end

local function copy(t)
  local out = {}
  for key, v in pairs(t) do out[key] = v end
  return out
end

local function collect(who, x, o, more, add)
  if np.is_array(x) or layer.is_samples(x) then
    more = copy(more)
    more.samples = x
    return add(more)
  elseif is_posterior(x) then
    return of_posterior(who, x, more.target or o.target, more, add)
  elseif type(x) ~= 'table' then
    core.raise('%s: what is drawn are sample sets, posteriors, Arrays (n, P), or lists of them, '
      .. 'got %s', who, core.kind(x))
  elseif type(field(x, 'log_prob')) == 'function' then
    core.raise('%s: what is drawn are sample sets, posteriors, Arrays (n, P), or lists of them, '
      .. 'got a distribution; give draws of it, d:sample(key, n)', who)
  elseif rawget(x, 1) == nil then -- a layer, described by options
    local given = copy(more)
    for key, v in pairs(x) do given[key] = v end
    return add(given)
  end
  local own, list = places(who, x)
  if next(own) then
    local rest = copy(more)
    for key, v in pairs(own) do rest[key] = v end
    more = rest
  end
  for _, item in ipairs(list) do collect(who, item, o, more, add) end
end

-- The i-th of what is given for all or as a list.
local function pick(who, name, given, i, n)
  if type(given) ~= 'table' then return given end
  if #given == 0 then core.raise('%s: option "%s" is an empty list', who, name) end
  if name ~= 'color' and name ~= 'linestyle' and #given ~= n then
    core.raise('%s: option "%s" has %d entries for %d posteriors (each target is one)', who, name,
      #given, n)
  end
  return given[(i - 1) % math.max(1, #given) + 1]
end

--- Options of a corner plot, and `more` of them, and its layers.
function M.corner(who, opts, more)
  local named, list = places(who, opts)
  local o = args.take(who, named, args.rows(corner_options, more or {}))
  if o.posteriors then list[#list + 1] = o.posteriors end
  local given, out = {}, {}
  local function add(item) given[#given + 1] = item end
  for _, item in ipairs(list) do
    if type(item) ~= 'table' or next(item) ~= nil or getmetatable(item) then
      collect(who, item, o, {}, add)
    end
  end
  local n, place = 0, 0 -- of those that options speak of: not what is behind
  for _, item in ipairs(given) do n = n + (item.background and 0 or 1) end
  for i, item in ipairs(given) do
    local own = args.spelled(who, item, layer.options)
    place = place + (item.background and 0 or 1)
    for _, name in ipairs(item.background and {} or single) do
      if own[name] == nil then own[name] = pick(who, name, o[name], place, n) end
    end
    out[i] = layer.read(who, own)
  end
  return o, out
end

return M
