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

local function is_posterior(x)
  return type(x) == 'table' and rawget(x, 'ranges') and rawget(x, 'marginals')
    and rawget(x, 'n_targets')
end

-- Whether grids end at limits of the prior.
local function hard_ends(posterior)
  local prior, out = rawget(posterior, 'prior'), {}
  local support = type(prior) == 'table' and prior.support
  if type(support) ~= 'table' or not support.low or not support.high then support = nil end
  local low = support and values.plain(support.low) or {}
  local high = support and values.plain(support.high) or {}
  for p, range in ipairs(posterior.ranges) do
    local near = 1e-9 * (range[#range] - range[1])
    local a, b = type(low) == 'number' and low or low[p], type(high) == 'number' and high or high[p]
    out[p] = { a and math.abs(a - range[1]) <= near, b and math.abs(b - range[#range]) <= near }
  end
  return out
end

-- Layers of a posterior of imnn.lfi: one for each target, or of one.
local function of_posterior(who, x, target, more, add)
  local from, to = target or 1, target or x.n_targets
  if from < 1 or to > x.n_targets then
    core.raise('%s: option "target" must be among 1 to %d, got %d', who, x.n_targets, from)
  end
  local hard = hard_ends(x)
  for t = from, to do
    local given = { ranges = x.ranges, marginals = x.marginals, target = t, hard = hard,
      names = x.prior and x.prior.names }
    for key, v in pairs(more) do given[key] = v end
    if given.label and to > from then given.label = given.label .. ' Target ' .. t end
    add(given)
  end
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
  elseif is_posterior(x) then return of_posterior(who, x, o.target, more, add)
  elseif type(x) ~= 'table' then
    core.raise('%s: what is drawn are sample sets, posteriors, Arrays (n, P), or lists of them, '
      .. 'got %s', who, core.kind(x))
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
  if name ~= 'color' and name ~= 'linestyle' and #given ~= n then
    core.raise('%s: option "%s" has %d entries for %d posteriors', who, name, #given, n)
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
  for i, item in ipairs(given) do
    local own = args.spelled(who, item, layer.options)
    for _, name in ipairs(single) do
      if own[name] == nil then own[name] = pick(who, name, o[name], i, #given) end
    end
    out[i] = layer.read(who, own)
  end
  return o, out
end

return M
