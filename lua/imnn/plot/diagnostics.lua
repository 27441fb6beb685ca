--- Figures that tell how well a posterior was found: generations, distances, chains, predictions.
-- @module imnn.plot.diagnostics
local args = require 'imnn.args'
local core = require 'imnn.core'
local corner = require 'imnn.plot.corner'
local density = require 'imnn.plot.density'
local figure = require 'imnn.plot.figure'
local layer = require 'imnn.plot.layer'
local np = require 'imnn.numpy'
local panels = require 'imnn.plot.panels'
local style = require 'imnn.plot.style'
local values = require 'imnn.plot.values'
local M = {}

local run_options = args.rows(figure.options, {
  ax = { 'Figure', optional = true },
  label = { 'string', default = '' },
  color = { 'string', optional = true },
  target = { 'integer', optional = true },
})

-- A list of numbers from an Array or a table.
local function numbers(who, what, given)
  local list = values.plain(given)
  if type(list) == 'number' then list = { list } end
  if type(list) ~= 'table' then
    core.raise('%s: %s must be a list of numbers, got %s', who, what, core.kind(given))
  end
  for _, v in ipairs(list) do
    if type(v) ~= 'number' then
      core.raise('%s: %s must be a list of numbers, got %s', who, what, values.shape_text(list))
    end
  end
  return list
end

-- A field of an object that may refuse names which it does not have.
local function field(x, name)
  local ok, v = pcall(function() return x[name] end)
  return ok and v or nil
end

-- ---- generations ----

local rows_of_generations = {
  { key = 'epsilon', also = 'ε', name = 'ε', log = true },
  { key = 'acceptance', name = 'acceptance', log = true },
  { key = 'ess', name = 'effective samples' },
}

local function generation_panels(fig)
  local out = {}
  for _, row in ipairs(rows_of_generations) do
    local items = {}
    for i, run in ipairs(fig.runs) do
      local y, points = run[row.key], {}
      for t, v in ipairs(y or {}) do points[t] = { run.x and run.x[t] or t, v } end
      if #points > 0 then
        local colour = style.colour('plot.generations', run.colour, i, fig.look)
        items[#items + 1] = { line = points, colour = colour,
          title = #out == 0 and run.label ~= '' and run.label or nil }
        items[#items + 1] = { points = points, colour = colour }
      end
    end
    if #items > 0 then
      out[#out + 1] = { name = row.name, ylabel = row.name, log_y = row.log,
        from_zero = not row.log, items = items, log_x = fig.runs[1].x ~= nil, whole_x = true,
        xlabel = fig.runs[1].x and 'simulations' or 'generation' }
    end
  end
  return out
end

-- Lists of a sampler's whole generations.
local function run_of(who, sampler, target)
  local all = sampler.generations
  local given = all[target or 1]
  if not given then
    core.raise('%s: option "target" must be among 1 to %d, got %d', who, #all, target)
  end
  local out = { epsilon = {}, acceptance = {}, ess = {} }
  for i = 1, sampler.iterations[target or 1] + 1 do
    for name, list in pairs(out) do list[i] = given[i] and given[i][name] end
  end
  return out
end

--- How a sampler went: epsilon, fraction of accepted simulations, effective number of samples, by
-- generation.
-- @tparam table run a sampler of imnn.lfi after its call, of which whole generations are shown; or
-- lists or Arrays `epsilon`, `acceptance`, `ess`, any of them; `simulations`: up to the end of each
-- generation, which then are the horizontal axis
-- @tparam[opt] table opts `target` (1) of a sampler; `label`, `colour`; `ax`: the figure of another
-- run to draw into; `size`, `style`, `file`: see corner
-- @treturn Figure
-- @raise no numbers, unknown options, what fig:save raises
-- @usage plot.generations { epsilon = { 3, 1, 0.5 }, acceptance = { 1, 0.4, 0.1 },
--   ess = { 1000, 800, 750 } }
function M.generations(run, opts)
  local who = 'plot.generations'
  local o = args.take(who, opts, run_options)
  args.argument(who, 'the run', run, { 'table' })
  if type(field(run, 'generations')) == 'table' then run = run_of(who, run, o.target)
  elseif o.target then core.raise('%s: option "target" is for samplers; this run is lists', who) end
  local found = { label = o.label, colour = o.color }
  local some = false
  for _, row in ipairs(rows_of_generations) do
    local given = run[row.key] or row.also and run[row.also]
    if given ~= nil then
      found[row.key] = numbers(who, row.key, given)
      some = some or #found[row.key] > 0
    end
  end
  if not some then
    core.raise('%s: the run holds no numbers; its lists are epsilon, acceptance, ess', who)
  end
  if run.simulations ~= nil then found.x = numbers(who, 'simulations', run.simulations) end
  style.colour(who, o.color, 1)
  local fig = figure.given(who, o.ax, 'generations') or panels.new(who, o,
    { kind = 'generations', runs = {}, panels = generation_panels, size = { 11, 12 } })
  fig.runs[#fig.runs + 1] = found
  if o.file then fig:save(o.file) end
  return fig
end

-- ---- distances ----

-- Steps of a histogram between lo and hi; heights add up to 1. `weights`: a list, or none.
local function steps(list, lo, hi, bins, logarithmic, weights)
  local counts, n = {}, 0
  local function at(v) return logarithmic and math.log10(v) or v end
  local a, b = at(lo), at(hi)
  for i, v in ipairs(list) do
    if v >= lo and v <= hi then
      local k = math.min(bins, math.floor((at(v) - a) / (b - a) * bins) + 1)
      local w = weights and weights[i] or 1
      counts[k], n = (counts[k] or 0) + w, n + w
    end
  end
  local rows = {}
  for k = 1, bins do
    local height = n > 0 and (counts[k] or 0) / n or 0
    for side = 0, 1 do
      local x = a + (b - a) * (k - 1 + side) / bins
      rows[#rows + 1] = { logarithmic and 10 ^ x or x, height }
    end
  end
  table.insert(rows, 1, { rows[1][1], 0 })
  rows[#rows + 1] = { rows[#rows][1], 0 }
  return rows
end

local function distance_panels(fig)
  local lo, hi, least, most = math.huge, -math.huge, math.huge, 0
  for _, list in ipairs(fig.lists) do
    most = math.max(most, #list)
    for _, v in ipairs(list) do
      if values.is_finite(v) then
        lo, hi = math.min(lo, v), math.max(hi, v)
        if v > 0 then least = math.min(least, v) end
      end
    end
  end
  if not (hi > lo) then lo, hi = math.min(lo, 0), math.max(hi, lo + 1, 1) end
  local logarithmic = #fig.lists > 1 and least < math.huge and hi / least > 30
  if logarithmic then lo = math.max(least, hi * 1e-6) end
  local bins = math.max(10, math.min(60, math.floor(1.5 * math.sqrt(most))))
  local items, n = {}, #fig.lists
  for i, list in ipairs(fig.lists) do
    local first = style.colour('plot.distances', nil, 1, fig.look)
    local colour = n == 1 and first
      or style.tint(first, 0.3 + 0.7 * (i - 1) / math.max(1, n - 1), fig.look.ground)
    local rows = steps(list, lo, hi, bins, logarithmic, fig.weights)
    if n == 1 then
      items[#items + 1] = { fill = rows, colour = style.tint(colour, 0.25, fig.look.ground) }
    end
    items[#items + 1] = { line = rows, colour = colour,
      title = n > 1 and (i == 1 or i == n) and 'generation ' .. i or nil }
  end
  for _, e in ipairs(fig.epsilon) do
    items[#items + 1] = { mark = e, colour = fig.look.ink, dash = 'dashed' }
  end
  return { { name = 'distances', xlabel = 'distance', ylabel = 'fraction', items = items,
    log_x = logarithmic, from_zero = true, x = { lo, hi } } }
end

-- Distances, their weights and thresholds of what a user gives that is not numbers: a sample set,
-- or a sampler after its call.
local function measured(who, given, target)
  if layer.is_samples(given) then
    local distances = field(given, 'distances')
    if not distances then core.raise('%s: the sample set holds no distances', who) end
    return distances, field(given, 'weights'), nil
  end
  local found = type(given) == 'table' and rawget(given, 'n_targets') and field(given, 'distances')
  if not found then
    if target then core.raise('%s: option "target" is for samplers; these are numbers', who) end
    return given
  end
  local t = target or 1
  if t < 1 or t > given.n_targets then
    core.raise('%s: option "target" must be among 1 to %d, got %d', who, given.n_targets, t)
  end
  local draws, list, weights = field(given, 'draws'), found.accepted[t], nil
  if draws and draws > 0 and found.size == draws then list = found.all[t] -- nothing was left out
  else
    local log_weights = field(given, 'log_weights')
    weights = log_weights and log_weights[t] and np.exp(log_weights[t])
  end
  if #list == 0 then core.raise('%s: there are no distances: nothing was accepted', who) end
  local epsilon = type(found.epsilon) == 'table' and found.epsilon[t] or nil
  return list, weights, values.is_finite(epsilon) and epsilon > 0 and epsilon or nil
end

--- How far simulations were from the data, as histograms.
-- @tparam table|Array|SampleSet distances (n), or a list of such, one for each generation; a sample
-- set, whose weights count; a sampler of imnn.lfi after its call: what it accepted, by weight (of
-- ABC with `keep_rejected` all), and its threshold
-- @tparam[opt] table opts `epsilon`: a number or a list, a line each; `target` (1) of a sampler;
-- `size`, `style`, `file`: see corner
-- @treturn Figure
-- @raise no distances, unknown options, what fig:save raises
-- @usage plot.distances(np.abs(random.normal(key, { 1000 })), { epsilon = 0.5 })
function M.distances(distances, opts)
  local who = 'plot.distances'
  local o = args.take(who, opts, args.rows(figure.options, {
    target = { 'integer', optional = true },
    epsilon = { 'number', 'table', 'Array', optional = true } }))
  local given, weights, threshold = measured(who, distances, o.target)
  local plain = values.plain(given)
  if type(plain) ~= 'table' or #plain == 0 then
    core.raise('%s: distances must be (n), or a list of such, got %s', who,
      type(plain) == 'table' and 'an empty list' or core.kind(distances))
  end
  local lists = {}
  if type(plain[1]) == 'number' then lists[1] = numbers(who, 'distances', plain)
  else
    for t, list in ipairs(plain) do
      lists[t] = numbers(who, ('distances[%d]'):format(t), list)
    end
  end
  local epsilon = o.epsilon and numbers(who, 'epsilon', o.epsilon) or { threshold }
  for _, e in ipairs(epsilon) do
    if not (e > 0 and e < math.huge) then
      core.raise('%s: option "epsilon" must be positive numbers, got %s', who, tostring(e))
    end
  end
  local fig = panels.new(who, o, { kind = 'distances', lists = lists, panels = distance_panels,
    epsilon = epsilon, weights = weights and numbers(who, 'weights', weights), size = { 10, 7 } })
  if o.file then fig:save(o.file) end
  return fig
end

-- ---- chains ----

local function trace_panels(fig)
  local out = {}
  for p = 1, fig.P do
    local items = {}
    for c, chain in ipairs(fig.chains) do
      local y = {}
      for i = 1, #chain do y[i] = chain[i][p] end
      items[c] = { line = values.curve(y), width = 0.6,
        colour = style.colour('plot.trace', nil, c, fig.look),
        title = p == 1 and #fig.chains > 1 and #fig.chains <= 6 and 'chain ' .. c or nil }
    end
    if fig.known and fig.known[p] then
      items[#items + 1] = { level = fig.known[p], colour = fig.look.ink, dash = 'dashed' }
    end
    out[p] = { name = 'parameter ' .. p, xlabel = 'sample', items = items,
      ylabel = fig.labels and fig.labels[p] or 'θ_{' .. p .. '}' }
  end
  return out
end

-- Rows by chain: of a set with `chain`, of an Array (n, P), or of one (chains, n, P).
local function read_chains(who, given)
  local rows, chain
  if layer.is_samples(given) then
    rows, chain = values.plain(given.parameters), field(given, 'chain')
  else rows = values.plain(given) end
  local depth = #values.shape(rows)
  if depth == 3 then return rows end
  if depth == 1 then
    for i, v in ipairs(rows) do rows[i] = { v } end
  elseif depth ~= 2 then
    core.raise('%s: samples must be a sample set, or (n, P), or (chains, n, P), got %s', who,
      type(rows) == 'table' and values.shape_text(rows) or core.kind(given))
  end
  if not chain then return { rows } end
  local out, number = {}, {}
  for i, c in ipairs(values.plain(chain)) do
    if not number[c] then
      out[#out + 1] = {}
      number[c] = #out
    end
    table.insert(out[number[c]], rows[i])
  end
  return out
end

--- Samples in the order in which they were drawn, a panel for each parameter, a colour for each
-- chain.
-- @tparam SampleSet|Array|table samples a sample set, whose `chain` tells them apart; (n, P); or
-- (chains, n, P)
-- @tparam[opt] table opts `labels`: P texts; `known`: P true values, false where unknown; `size`,
-- `style`, `file`: see corner
-- @treturn Figure
-- @raise shapes that do not fit, unknown options, what fig:save raises
-- @usage plot.trace(random.normal(key, { 4, 500, 2 }), { labels = { 'μ', 'σ' } })
function M.trace(samples, opts)
  local who = 'plot.trace'
  local o = args.take(who, opts, args.rows(figure.options, {
    labels = { 'table', optional = true },
    known = { 'table', 'Array', optional = true } }))
  local chains = read_chains(who, samples)
  local P = chains[1] and chains[1][1] and #chains[1][1] or 0
  if P == 0 then core.raise('%s: there are no samples', who) end
  local known, labels = o.known and values.plain(o.known), o.labels
  labels = labels or field(samples, 'labels') or field(samples, 'names')
  if type(labels) ~= 'table' then labels = nil end
  for name, list in pairs { known = known, labels = labels } do
    if type(list) ~= 'table' or #list ~= P then
      core.raise('%s: option "%s" must have %d entries, one for each parameter, got %s', who, name,
        P, type(list) == 'table' and #list or 'one number')
    end
    for p = 1, P do
      local good = name == 'labels' and type(list[p]) == 'string'
        or name == 'known' and (list[p] == false or values.is_finite(list[p]))
      if not good then
        core.raise('%s: option "%s" must hold %s, got %s as number %d', who, name,
          name == 'labels' and 'texts' or 'finite numbers, or false',
          type(list[p]) == 'number' and tostring(list[p]) or core.kind(list[p]), p)
      end
    end
  end
  local fig = panels.new(who, o, { kind = 'trace', chains = chains, P = P, known = known,
    labels = labels, panels = trace_panels, size = { 14, math.min(25, 2 + 2.6 * P) } })
  if o.file then fig:save(o.file) end
  return fig
end

-- ---- prior and posterior ----

local DRAWS, EVEN = 20000, 8000 -- of a prior, for its density; quantiles, which have no noise

-- Quantiles of each component, which show its density without noise, or nil.
local function quantiles(prior, P)
  local q = (np.arange(EVEN):astype 'f64' + 0.5) / EVEN
  local ok, x = pcall(function()
    if P then q = np.broadcast_to(np.expand_dims(q, 2), { EVEN, P }) end
    return prior:quantile(q)
  end)
  return ok and np.is_array(x) and x or nil
end

-- Something to draw from a prior that is a distribution: samples between its limits.
local function drawn(who, prior)
  if type(prior) ~= 'table' or layer.is_samples(prior) or not prior.sample then return prior end
  local key = require('imnn.random').PRNGKey(0)
  local samples = prior.quantile and quantiles(prior, prior:sample(key, 2).shape[2])
    or prior:sample(key, DRAWS)
  if #samples.shape == 1 then samples = samples:reshape(-1, 1) end
  if #samples.shape ~= 2 then
    core.raise('%s: the prior must be one of vectors, but draws (%s)', who,
      table.concat(samples.shape, ', '))
  end
  local support = type(prior.support) == 'table' and prior.support or {}
  return { parameters = samples, names = prior.names, labels = prior.labels, low = support.low,
    high = support.high }
end

--- What the data say beyond the prior: densities of single parameters, the prior as a dashed grey
-- line, posteriors as in a corner plot, in rows of panels.
-- @tparam table prior a distribution or prior of imnn.lfi, a sample set, or an Array (n, P)
-- @tparam table posterior whatever plot.corner draws, or a list of such
-- @tparam[opt] table opts those of plot.corner; `columns`: panels in a row
-- @treturn Figure
-- @raise as plot.corner
-- @usage plot.prior_posterior(lfi.uniform(-3, 3), random.normal(key, { 1000, 1 }))
function M.prior_posterior(prior, posterior, opts)
  local who = 'plot.prior_posterior'
  args.argument(who, 'opts', opts, { 'table', optional = true })
  args.argument(who, 'the prior', prior, { 'table', 'Array', 'SampleSet' })
  args.argument(who, 'the posterior', posterior, { 'table', 'Array', 'SampleSet' })
  local o = { posterior }
  for key, v in pairs(opts or {}) do o[key] = v end
  o[2] = { drawn(who, prior), label = 'prior', color = 'grey', linestyle = 'dashed',
    filled = false, scatter = false, background = true }
  return corner.wall(who, o)
end

-- ---- predictions ----

-- Intervals of summaries first to last, as lines over 1, 2, ...: those of other groups are other
-- quantities.
local function group_items(fig, first, last, titled)
  local s, bands = fig.samples, { { 0.025, 0.975, 0.2 }, { 0.16, 0.84, 0.4 } }
  local fractions, found, n = { 0.025, 0.16, 0.5, 0.84, 0.975 }, {}, last - first + 1
  for k = 1, n do found[k] = density.quantiles(density.curve(s, first + k - 1), fractions) end
  local items, colour = {}, style.colour('plot.predictive', nil, 1, fig.look)
  for i, band in ipairs(bands) do
    local rows = {}
    for k = 1, n do rows[k] = { k, found[k][i] } end
    for k = n, 1, -1 do rows[#rows + 1] = { k, found[k][#fractions + 1 - i] } end
    items[i] = { fill = rows, colour = style.tint(colour, band[3], fig.look.ground),
      title = titled and ('%g %%'):format(100 * (band[2] - band[1])) or nil }
  end
  local middle, seen = {}, {}
  for k = 1, n do
    middle[k] = { k, found[k][3] }
    seen[k] = fig.observed and { k, fig.observed[first + k - 1] } or nil
  end
  items[3] = { line = middle, colour = colour, title = titled and 'median' or nil }
  if fig.observed then
    items[4] = { points = seen, colour = fig.look.ink, size = 0.45,
      title = titled and 'observed' or nil }
  end
  return items
end

local function prediction_panels(fig)
  local out, first, longest = {}, 1, 0
  for _, group in ipairs(fig.groups) do longest = math.max(longest, group[2]) end
  for i, group in ipairs(fig.groups) do
    out[i] = { name = group[1], xlabel = 'summary', ylabel = group[1], whole_x = true,
      items = group_items(fig, first, first + group[2] - 1, i == 1), x = { 0.5, longest + 0.5 } }
    first = first + group[2]
  end
  return out
end

-- { name, how many } of each group of summaries that stand side by side.
local function read_groups(who, groups, S)
  if not groups then return { { 'value', S } } end
  local sum = 0
  for i = 1, math.max(1, #groups) do
    local group = groups[i]
    if type(group) ~= 'table' or type(group[1]) ~= 'string' or type(group[2]) ~= 'number'
      or group[2] % 1 ~= 0 or group[2] < 1 then
      core.raise('%s: option "groups" must be a list of { name, number of summaries }, got %s as '
        .. 'number %d', who, core.kind(group), i)
    end
    sum = sum + group[2]
  end
  if sum ~= S then
    core.raise('%s: option "groups" is of %d summaries, but there are %d', who, sum, S)
  end
  return groups
end

local MOST = 12 -- summaries that are shown one by one

--- Whether simulations with parameters of the posterior look like the data: the density of each
-- summary with a line where it was observed; of more than 12 summaries, or in groups, intervals
-- side by side.
-- @tparam SampleSet|Array simulated a sample set with `summaries`, or summaries (n, S)
-- @tparam[opt] Array|table observed (S)
-- @tparam[opt] table opts `weights` (n) of an Array; `labels`: S texts; `groups`: { { name, how
-- many summaries }, ... }, a panel for each; `size`, `style`, `file`: see corner
-- @treturn Figure
-- @raise shapes that do not fit, unknown options, what fig:save raises
-- @usage plot.predictive(random.normal(key, { 1000, 2 }), np.array { 0.3, -1 })
function M.predictive(simulated, observed, opts)
  local who = 'plot.predictive'
  local o = args.take(who, opts, args.rows(figure.options, {
    weights = { 'Array', 'table', optional = true }, labels = { 'table', optional = true },
    groups = { 'table', optional = true } }))
  local summaries, weights = simulated, o.weights
  if layer.is_samples(simulated) then
    summaries, weights = field(simulated, 'summaries'), weights or field(simulated, 'weights')
    if not summaries then core.raise('%s: the sample set holds no summaries', who) end
  elseif type(simulated) == 'table' then summaries = np.array(simulated, 'f64') end
  if not np.is_array(summaries) then
    core.raise('%s: summaries must be (n, S), got %s', who, core.kind(simulated))
  end
  local samples = layer.samples(who, { parameters = summaries, weights = weights })
  local seen = observed ~= nil and numbers(who, 'observed', observed) or nil
  if seen and #seen ~= samples.P then
    core.raise('%s: there are %d summaries, but %d observed ones', who, samples.P, #seen)
  end
  local groups = read_groups(who, o.groups, samples.P)
  if o.labels and (o.groups or samples.P > MOST) then
    core.raise('%s: option "labels" is for up to %d summaries without groups: panels have '
      .. 'names of their own', who, MOST)
  end
  if samples.P <= MOST and not o.groups then
    local labels = o.labels
    for k = 1, labels and 0 or samples.P do
      labels = labels or {}
      labels[k] = 's_{' .. k .. '}'
    end
    return corner.wall(who, { { parameters = summaries, weights = weights }, known = seen,
      labels = labels, titles = false, size = o.size, figsize = o.figsize, style = o.style,
      file = o.file })
  end
  local fig = panels.new(who, o, { kind = 'predictive', samples = samples, observed = seen,
    groups = groups, panels = prediction_panels, size = { 14, math.min(24, 3 + 5 * #groups) } })
  if o.file then fig:save(o.file) end
  return fig
end

return M
