--- Densities of weighted samples, of one parameter or a pair, on grids; with levels and intervals.
--
-- Fields: axes 1 or 2; x (g): the nodes, of a pair also y (h); f (g) or (g, h): the density, whose
-- integral is `inside`, the fraction of the weight on the grid (but for 'plain' and 'local'); n:
-- samples that count, dropped: those that are not finite, n_eff: effective number; bandwidth: of
-- the kernel, of a pair two, and correlation; marginal_bandwidth: what the rule gave for one alone;
-- hard: { { low, high }, ... }, whether the ends of the grid are limits; method; note: a sentence
-- if something was done otherwise than asked, else nil. All Arrays are f64.
-- @module imnn.lfi.density
local ffi = require 'ffi'
local args = require 'imnn.args'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local np = require 'imnn.numpy'
local C = core.C
local M = {}

local methods = {
  linear = C.IMNN_DENSITY_LINEAR, reflection = C.IMNN_DENSITY_REFLECTION,
  plain = C.IMNN_DENSITY_PLAIN, normalised = C.IMNN_DENSITY_NORMALISED,
  ['local'] = C.IMNN_DENSITY_LOCAL, histogram = C.IMNN_DENSITY_HISTOGRAM,
}
local rules = {
  isj = C.IMNN_DENSITY_ISJ, robust = C.IMNN_DENSITY_ROBUST, reference = C.IMNN_DENSITY_REFERENCE,
}

-- ---- what the user gives ----

-- An Array of f64 of a given number of axes.
local function array_of(who, what, x, least, most)
  if not np.is_array(x) and type(x) ~= 'table' then
    core.raise('%s: %s must be an Array or a table, got %s', who, what, core.kind(x))
  end
  local ok, y = pcall(np.array, x)
  if not ok then core.raise('%s: %s must be an Array or a table of numbers', who, what) end
  x = y
  if x.dtype == 'c64' or x.dtype == 'c128' or x.dtype == 'bool' then
    core.raise('%s: %s must be real numbers, got %s', who, what, x.dtype)
  end
  if x.ndim < least or x.ndim > most then
    local wanted = most == 1 and '(n)' or least == 1 and '(n) or (n, P)' or '(n, P)'
    core.raise('%s: %s must be %s, got shape (%s)', who, what, wanted, table.concat(x.shape, ', '))
  end
  return x:astype 'f64'
end

-- Which columns of (n, P) a call is about.
local function columns_of(who, columns, P, most)
  if columns == nil then
    if P > most then
      core.raise('%s: the samples have %d columns; say which with columns', who, P)
    end
    columns = P == 2 and { 1, 2 } or 1
  end
  local list = type(columns) == 'table' and columns or { columns }
  if #list < 1 or #list > most then
    core.raise('%s: columns must be %s, got %d', who, most == 1 and 'one' or 'one or two', #list)
  end
  for i = 1, #list do
    local c = list[i]
    if type(c) ~= 'number' or c % 1 ~= 0 or c < 1 or c > P then
      core.raise('%s: columns are numbers from 1 to %d, got %s', who, P, tostring(c))
    end
  end
  return list
end

-- What is given once, or for each of `count`: the number for place i.
local function each(who, what, given, i, count)
  if np.is_array(given) then given = given:totable() end
  if given ~= given then core.raise('%s: %s must be numbers, got nan', who, what) end
  if type(given) ~= 'table' then return given end
  if #given ~= count then
    core.raise('%s: %s has %d values, there are %d', who, what, #given, count)
  end
  if type(given[i]) ~= 'number' or given[i] ~= given[i] then
    core.raise('%s: %s must be numbers, got %s', who, what,
      type(given[i]) == 'number' and 'nan' or core.kind(given[i]))
  end
  return given[i]
end

local common = {
  weights = { 'Array', 'table', optional = true },
  columns = { 'integer', 'table', optional = true },
  low = { 'number', 'Array', 'table', default = -math.huge, any = true },
  high = { 'number', 'Array', 'table', default = math.huge, any = true },
  rule = { 'string', default = 'isj' },
  n_eff = { 'number', optional = true },
  corrections = { 'integer', default = 0 },
}
local kernel = args.rows(common, {
  method = { 'string', default = 'linear' },
  bandwidth = { 'number', 'Array', 'table', optional = true },
  marginal_bandwidth = { 'number', 'Array', 'table', optional = true },
  correlation = { 'number', optional = true },
})
local gridded = args.rows(kernel, {
  range = { 'Array', 'table', optional = true },
  gridsize = { 'integer', 'Array', 'table', optional = true },
  smoothing = { 'number', default = 0 },
})

-- Samples and their weights as C has them, `c`, and the Arrays that its pointers are of.
local function samples_of(who, x, o, most)
  x = array_of(who, 'samples', x, 1, 2)
  local n, P = x.shape[1], x.ndim == 2 and x.shape[2] or 1
  local columns = columns_of(who, o.columns, P, most)
  local s = ffi.new('imnn_density_samples', { n = n, x = x:data() + columns[1] - 1, stride = P })
  if columns[2] then s.y = x:data() + columns[2] - 1 end
  local given = { c = s, x = x, columns = columns, P = P }
  if o.weights then
    local w = array_of(who, 'weights', o.weights, 1, 1)
    if w.shape[1] ~= n then
      core.raise('%s: there are %d weights for %d samples', who, w.shape[1], n)
    end
    given.w, s.weight, s.weight_stride = w, w:data(), 1
  end
  return given
end

local function positive(who, what, v)
  if not (v > 0 and v < math.huge) then
    core.raise('%s: %s must be positive, got %s', who, what, tostring(v))
  end
  return v
end

local function range_of(who, range, i, count)
  if np.is_array(range) then range = range.ndim > 0 and range:totable() or {} end
  local one = count == 1 and type(range[1]) ~= 'table' and range or range[i]
  if type(one) ~= 'table' or #one ~= 2 or type(one[1]) ~= 'number' or type(one[2]) ~= 'number'
    or not (one[1] < one[2] and one[2] - one[1] < math.huge) then
    core.raise('%s: range must be %s', who, count == 1 and '{ from, to }'
      or '{ { from, to }, { from, to } }, of x and of y')
  end
  return one[1], one[2]
end

-- Options as C has them.
local function options_of(who, o, given)
  local c, columns, P = C.imnn_density_defaults(), given.columns, given.P
  local count = #columns
  c.rule = args.choice(who, 'rule', o.rule, rules)
  c.method = o.method and args.choice(who, 'method', o.method, methods) or c.method
  c.corrections = o.corrections
  if o.n_eff then c.n_eff = positive(who, 'n_eff', o.n_eff) end
  if o.correlation then c.correlation = o.correlation end
  if o.smoothing then
    if o.smoothing < 0 then
      core.raise('%s: smoothing must not be negative, got %g', who, o.smoothing)
    end
    c.smoothing = o.smoothing
  end
  for i, column in ipairs(columns) do
    c.low[i - 1] = each(who, 'low', o.low, column, P)
    c.high[i - 1] = each(who, 'high', o.high, column, P)
    for field, name in pairs { bandwidth = 'bandwidth', marginal = 'marginal_bandwidth' } do
      if o[name] then
        c[field][i - 1] = positive(who, name, each(who, name, o[name], i, count))
      end
    end
    if o.gridsize then
      local n = each(who, 'gridsize', o.gridsize, i, count)
      if n % 1 ~= 0 or not (n >= 8 and n <= 65536) then
        core.raise('%s: gridsize must be whole numbers from 8 to 65536, got %s', who, tostring(n))
      end
      c.nodes[i - 1] = n
    end
    if o.range then c.from[i - 1], c.to[i - 1] = range_of(who, o.range, i, count) end
  end
  return c
end

-- ---- densities ----

local Density = {}
M.Density = Density
Density.__index = function(_, key)
  local method = rawget(Density, key)
  if method == nil then args.known('kde', key, Density) end
  return method
end

function Density.__tostring(self)
  local names, parts = { 'x', 'y' }, { self.method }
  for a = 1, self.axes do
    parts[#parts + 1] = ('%d nodes from %g to %g'):format(#self[names[a]], self.from[a], self.to[a])
  end
  if self.n_eff then
    parts[#parts + 1] = ('%d samples, effectively %.4g'):format(self.n, self.n_eff)
  end
  return 'density: ' .. table.concat(parts, '; ')
end

local function pair_or_number(v, axes)
  if v[0] == 0 then return nil end
  return axes == 2 and { v[0], v[1] } or v[0]
end

-- C speaks of "kde", whoever asked. What was given is needed until now.
local function check(status, who, given)
  given.asked = true
  if status == C.IMNN_OK or status == C.IMNN_EINTERRUPT then return core.check(status) end
  core.raise('%s: %s', who, (ffi.string(C.imnn_last_error()):gsub('^kde: ', '')))
end

local function wrap(d, method)
  local axes, nx = d.axes, d.nodes[0]
  local ny = axes == 2 and d.nodes[1] or 1
  local copy = ffi.new('double[?]', nx * ny)
  ffi.copy(copy, d.f, nx * ny * ffi.sizeof 'double')
  local self = setmetatable({
    axes = axes, n = tonumber(d.used), dropped = tonumber(d.dropped), n_eff = d.n_eff,
    inside = d.inside, method = d.histogram and 'histogram' or method,
    bandwidth = pair_or_number(d.bandwidth, axes),
    marginal_bandwidth = pair_or_number(d.marginal, axes),
    correlation = axes == 2 and d.correlation or nil,
    note = d.note[0] ~= 0 and ffi.string(d.note) or nil, hard = {},
    x = np.linspace(d.from[0], d.to[0], nx, 'f64'),
    y = axes == 2 and np.linspace(d.from[1], d.to[1], ny, 'f64') or nil,
    f = np.from_buffer(copy, axes == 2 and { nx, ny } or { nx }, 'f64'),
    from = { d.from[0], axes == 2 and d.from[1] or nil },
    to = { d.to[0], axes == 2 and d.to[1] or nil },
  }, Density)
  for a = 1, axes do self.hard[a] = { d.hard[a - 1][0], d.hard[a - 1][1] } end
  return self
end

local function make(who, samples, o)
  local given = samples_of(who, samples, o, 2)
  local options, out = options_of(who, o, given), ffi.new 'imnn_density *[1]'
  local where = given.P > 1 and ('%s: column %s'):format(who, table.concat(given.columns, ' and '))
    or who
  check(C.imnn_density_new(out, given.c, options), where, given)
  local d = wrap(out[0], o.method)
  C.imnn_density_release(out[0])
  return d
end

--- The density of samples: a kernel estimate, corrected at hard limits, on a grid that holds all of
-- the mass; plots may show less of it.
-- @tparam Array|table samples (n), or (n, P) with `columns`
-- @tparam[opt] table opts `weights` (n), of any sum; `columns`: one number, or two for a pair (all
-- where P is 1 or 2); `low`, `high`: hard limits, numbers or lists of P (none); `method`
-- ('linear'): 'linear', a local linear estimate that stays positive, 'reflection', 'plain',
-- 'normalised', 'local', 'histogram'; `rule` ('isj', and of samples on a regular grid at least 0.65
-- of its steps), 'robust' or 'reference', which gives the bandwidth; or `bandwidth`, of a pair two;
-- `correlation` of the kernel of a pair; `marginal_bandwidth`: of a pair, what the rule gave for
-- each, if that is known; `n_eff`: effective number of samples (Kish's); `corrections` (0): 1 for
-- multiplicative bias correction; `range`: { from, to } of the grid, of a pair two of them;
-- `gridsize` (1024; 256); `smoothing` (0) of a histogram, in bins
-- @treturn Density see the top
-- @raise samples beyond a limit, weights that are negative or not finite, samples that are all
-- equal where there is no bandwidth, more than one sample in 20 that is not finite
-- @source Jones 1993, Statistics and Computing 3, 135; Botev, Grotowski & Kroese 2010, Annals of
-- Statistics 38, 2916
-- @usage local z = random.exponential(key, { 1000 })
-- local d = lfi.kde(z, { low = 0 })
-- local interval = d:interval { mass = 0.68, kind = 'hpd' }
function M.kde(samples, opts)
  local o = args.take('kde', opts, gridded)
  return make('kde', samples, o)
end

local function nodes_of(who, what, x, n)
  if x == nil then core.raise('%s: option "%s" is missing', who, what) end
  local list = grid.check(who, { array_of(who, what, x, 1, 1) }, 1)[1]
  if #list ~= n then
    core.raise('%s: %s has %d nodes, the density %d', who, what, #list, n)
  end
  return np.linspace(list[1], list[n], n, 'f64'), list[1], list[n]
end

--- A density that is there already, on a grid, for its levels and intervals.
-- @tparam Array|table f (g), or (g, h) of a pair, any normalisation
-- @tparam table opts `x` (g) and, of a pair, `y` (h): evenly spaced nodes; `low`, `high`: hard
-- limits, numbers or lists of two (none); nodes at the ends may be on them
-- @treturn Density with axes, x, y, f, hard
-- @raise values that are not finite, nodes that are not evenly spaced, another number of them
-- @usage local z = np.linspace(0, 4, 81)
-- local d = lfi.grid_density(np.exp(-z), { x = z, low = 0 })
-- d:interval { mass = 0.95, kind = 'limit' }.kind --> 'upper limit'
function M.grid_density(f, opts)
  local who = 'grid_density'
  local o = args.take(who, opts, { low = common.low, high = common.high,
    x = { 'Array', 'table' }, y = { 'Array', 'table', optional = true } })
  f = array_of(who, 'f', f, 1, 2)
  if tonumber(C.imnn_array_nonfinite(f.array)) >= 0 then
    core.raise('%s: f holds numbers that are not finite', who)
  end
  local axes = f.ndim
  if axes == 1 and o.y then core.raise('%s: f is of x alone, and has no nodes y', who) end
  local self = setmetatable({ axes = axes, f = f, hard = {}, from = {}, to = {}, method = 'grid' },
    Density)
  for a = 1, axes do
    local name = a == 1 and 'x' or 'y'
    self[name], self.from[a], self.to[a] = nodes_of(who, name, o[name], f.shape[a])
    self.hard[a] = { self.from[a] <= each(who, 'low', o.low, a, axes),
      self.to[a] >= each(who, 'high', o.high, a, axes) }
  end
  return self
end

--- Densities of all single parameters and pairs, as a lower triangle: out[row][column] is that of
-- (column, row), out[p][p] of p alone. A rule is asked once for each parameter.
-- @tparam Array samples (n, P)
-- @tparam[opt] table opts those of lfi.kde without columns; `bandwidth` is a list of P; `gridsize`
-- is for pairs
-- @treturn table
-- @raise as lfi.kde
-- @usage local d = lfi.densities(random.normal(key, { 500, 3 }))
-- d[3][1].f.shape --> { 256, 256 }
function M.densities(samples, opts)
  local who = 'densities'
  local rows = args.rows(gridded, {})
  rows.columns, rows.range, rows.marginal_bandwidth = nil, nil, nil
  local o = args.take(who, opts, rows)
  local x = array_of(who, 'samples', samples, 1, 2)
  local P, out = x.ndim == 2 and x.shape[2] or 1, {}
  local function one(columns, more)
    local chosen = args.rows(o, more)
    chosen.columns = columns
    if o.bandwidth then
      chosen.bandwidth = {}
      for i, c in ipairs(columns) do
        chosen.bandwidth[i] = each(who, 'bandwidth', o.bandwidth, c, P)
      end
    end
    return make(who, x, chosen)
  end
  for row = 1, P do
    out[row] = {}
    out[row][row] = one({ row }, { gridsize = false, correlation = false })
    for column = 1, row - 1 do
      local a, b = out[column][column].marginal_bandwidth, out[row][row].marginal_bandwidth
      out[row][column] = one({ column, row }, { marginal_bandwidth = a and b and { a, b } })
    end
  end
  return out
end

--- The density of samples at points, by exact sums, and not normalised where a limit is near.
-- @tparam Array|table points (m), of a pair (m, 2)
-- @tparam Array|table samples (n), or (n, P) with `columns`
-- @tparam[opt] table opts those of lfi.kde that are not about the grid
-- @treturn Array (m) f64
-- @raise as lfi.kde; a histogram, corrections
-- @usage lfi.kde_at({ 0, 1 }, { 0.5, 1, 2 }, { bandwidth = 1 })
function M.kde_at(points, samples, opts)
  local who = 'kde_at'
  local o = args.take(who, opts, kernel)
  local given = samples_of(who, samples, o, 2)
  local options, axes = options_of(who, o, given), #given.columns
  local e = array_of(who, 'points', points, axes, axes)
  if axes == 2 and e.shape[2] ~= 2 then
    core.raise('%s: points of a pair must be (m, 2), got (%s)', who, table.concat(e.shape, ', '))
  end
  local out = ffi.new('double[?]', e.shape[1])
  given.points = e
  check(C.imnn_density_at(out, e.shape[1], e:data(), given.c, options), who, given)
  return np.from_buffer(out, { e.shape[1] }, 'f64')
end

--- The bandwidth that a rule gives for one parameter.
-- @tparam Array|table samples (n), or (n, P) with `columns`
-- @tparam[opt] table opts `weights`, `columns`, `low`, `high`, `rule`, `n_eff`, `corrections` as
-- for lfi.kde; `range` (that of the samples and a tenth more): what 'isj' cuts into 1024 cells
-- @treturn number in units of the parameter
-- @raise as lfi.kde; samples outside the range
-- @usage lfi.bandwidth({ 1, 2, 4, 5 }, { rule = 'reference' }) --> 1.4667230217387
function M.bandwidth(samples, opts)
  local who = 'bandwidth'
  local o = args.take(who, opts, args.rows(common, { range = gridded.range }))
  local given = samples_of(who, samples, o, 1)
  local from, to, out = 0 / 0, 0 / 0, ffi.new 'double[1]'
  if o.range then from, to = range_of(who, o.range, 1, 1) end
  local options = options_of(who, args.rows(o, { range = false }), given)
  check(C.imnn_density_bandwidth(out, given.c, options, from, to), who, given)
  return out[0]
end

-- ---- levels ----

local function fraction(who, p)
  if type(p) ~= 'number' or not (p > 0 and p < 1) then
    core.raise('%s: the mass is a fraction between 0 and 1, got %s', who, tostring(p))
  end
  return p
end

local function hard_of(self)
  local hard = ffi.new 'bool[4]'
  for a, ends in ipairs(self.hard) do hard[2 * a - 2], hard[2 * a - 1] = ends[1], ends[2] end
  return hard
end

local function levels_of(who, self, list)
  local p, out = ffi.new('double[?]', #list), ffi.new('double[?]', #list)
  for i, v in ipairs(list) do p[i - 1] = fraction(who, v) end
  local nx, ny = #self.x, self.y and #self.y or 1
  check(C.imnn_density_levels(out, self.f:data(), nx, ny, #list, p), who, {})
  local levels, why = {}, nil
  for i, v in ipairs(list) do
    levels[i] = out[i - 1]
    if not why and C.imnn_density_open(self.f:data(), nx, ny, hard_of(self), levels[i]) then
      why = ('the region of mass %g reaches an end of the grid that is no limit'):format(v)
    end
  end
  return levels, why
end

--- The density level that encloses a fraction of the mass.
-- @tparam[opt=0.68] number p
-- @treturn number
-- @treturn ?string what is wrong with it: the region reaches an end of the grid that is no limit,
-- so that the mass beyond is not known
-- @raise a fraction outside 0 to 1
-- @usage local level = kde:level(0.95)
function Density:level(p)
  local levels, why = levels_of('level', self, { p == nil and 0.68 or p })
  return levels[1], why
end

--- Several of them.
-- @tparam[opt={0.95,0.68}] table list fractions
-- @treturn table levels in the same order; those of falling fractions rise, as contours are drawn
-- @treturn ?string as from `level`
-- @raise fractions outside 0 to 1
-- @usage local levels = kde:levels { 0.95, 0.68 }
function Density:levels(list)
  list = args.argument('levels', 'list', list, { 'table', default = { 0.95, 0.68 } })
  return levels_of('levels', self, list)
end

local function one_axis(who, self)
  if self.axes ~= 1 then
    core.raise('%s: a pair has none; take the density of one parameter', who)
  end
end

--- The regions of highest density of one parameter: all pieces.
-- @tparam[opt=0.68] number p fraction of the mass
-- @treturn table { { low, high }, ... } in order
-- @treturn ?string as from `level`
-- @raise a fraction outside 0 to 1, a pair
-- @usage local pieces = kde:pieces(0.95)
function Density:pieces(p)
  one_axis('pieces', self)
  local levels, why = levels_of('pieces', self, { p == nil and 0.68 or p })
  local n, f = #self.x, self.f:data()
  local room = math.ceil(n / 2) + 1
  local flat, out = ffi.new('double[?]', 2 * room), {}
  for i = 1, C.imnn_density_pieces(flat, room, f, n, self.from[1], self.to[1], levels[1]) do
    out[i] = { flat[2 * i - 2], flat[2 * i - 1] }
  end
  return out, why
end

--- The point below which a fraction of the mass of one parameter lies.
-- @tparam number p
-- @treturn number
-- @raise a fraction outside 0 to 1, a pair
-- @usage local median = kde:quantile(0.5)
function Density:quantile(p)
  one_axis('quantile', self)
  return C.imnn_density_quantile(self.f:data(), #self.x, self.from[1], self.to[1],
    fraction('quantile', p))
end

local bounds = { [0] = 'none', 'upper limit', 'lower limit', 'equal-tail', 'hpd' }

local interval_of = {
  ['equal-tail'] = function(self, p)
    return { low = self:quantile((1 - p) / 2), high = self:quantile((1 + p) / 2),
      kind = 'equal-tail' }
  end,
  hpd = function(self, p)
    local pieces, why = self:pieces(p)
    return { low = pieces[1][1], high = pieces[#pieces][2], pieces = pieces, kind = 'hpd',
      note = why }
  end,
  limit = function(self, p)
    local ends, hard = ffi.new 'double[2]', hard_of(self)
    local bound = C.imnn_density_interval(ends, self.f:data(), #self.x, self.from[1], self.to[1],
      hard, p)
    local kind = bounds[tonumber(bound)]
    return { low = ends[0], high = ends[1], kind = kind,
      pieces = kind == 'hpd' and self:pieces(p) or nil }
  end,
}

--- An interval that holds a fraction of the mass of one parameter.
-- @tparam[opt] number|table opts the mass, or `mass` (0.68); `kind` ('equal-tail'): 'equal-tail';
-- 'hpd', the regions of highest density; 'limit': a bound of one side where the density touches one
-- hard limit, nothing where it touches both, else equal tails, or highest density where equal tails
-- end at densities that differ by more than 0.05 of the peak
-- @treturn table low, high, mass, kind ('equal-tail', 'hpd', 'upper limit', 'lower limit', 'none');
-- of 'hpd' also pieces and, if it reaches an end of the grid that is no limit, note
-- @raise a fraction outside 0 to 1, a pair
-- @usage local bound = kde:interval { mass = 0.95, kind = 'limit' }
function Density:interval(opts)
  one_axis('interval', self)
  if type(opts) == 'number' then opts = { mass = opts } end
  local o = args.take('interval', opts, {
    mass = { 'number', default = 0.68 }, kind = { 'string', default = 'equal-tail' },
  })
  local out = args.choice('interval', 'kind', o.kind, interval_of)(self,
    fraction('interval', o.mass))
  out.mass = o.mass
  return out
end

return M
