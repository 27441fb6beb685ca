--- What approximate Bayesian computation starts from: data, a prior, a simulator, a compressor and
-- a distance, checked.
-- @module imnn.lfi.problem
local args = require 'imnn.args'
local core = require 'imnn.core'
local distance = require 'imnn.lfi.distance'
local fingerprint = require 'imnn.imnn.fingerprint'
local grid = require 'imnn.lfi.grid'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local random = require 'imnn.random'
local simulators = require 'imnn.simulators.object'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local C = core.C
local M = {}

-- A function of one datum. A network is taken as it is now, whatever a later fit makes of it.
local function compressor_of(who, compressor)
  if type(compressor) == 'function' then return compressor end
  if not compressor.get_estimate then
    core.raise('%s: compressor must be a function of one datum or a network with get_estimate', who)
  end
  local net = setmetatable({}, getmetatable(compressor))
  for name, value in pairs(compressor) do rawset(net, name, value) end
  return function(d) return net:get_estimate(d) end
end

-- The shape of one datum, from the simulator or the network; nil if neither is there.
local function datum_shape(who, o)
  if simulators.is(o.simulator) then
    local keys = random.split(random.PRNGKey(0))
    return o.simulator.shape or o.simulator(keys[1], o.prior:sample(keys[2])).shape
  elseif o.simulator then
    return transform.shape_of(function(key)
      local keys = random.split(key)
      local d = o.simulator(keys[1], o.prior:sample(keys[2]))
      if not np.is_array(d) then
        core.raise('%s: the simulator must give an Array, got %s', who, core.kind(d))
      end
      return d
    end, random.PRNGKey(0))
  end
  return type(o.compressor) == 'table' and o.compressor.input_shape or nil
end

-- One datum or several as (T, ...).
local function read_targets(who, data, one)
  data = np.array(data)
  local n, shape = one and #one or 1, data.shape
  if #shape == n then return np.expand_dims(data, 1) end
  if #shape ~= n + 1 then
    core.raise('%s: target_data must be one datum %s or several with one axis more, got %s', who,
      one and text(one) or '(n)', text(shape))
  end
  return data
end

local function check_targets(who, data, one)
  if one and text(data.shape, 2) ~= text(one) then
    core.raise('%s: a datum has shape %s, target_data holds %s', who, text(one),
      text(data.shape, 2))
  end
  local at = tonumber(C.imnn_array_nonfinite(data.array))
  if at >= 0 then
    core.raise('%s: target_data holds a number that is not finite, in datum %d', who,
      math.floor(at / (data.size / #data)) + 1)
  end
end

--- The options of a problem, checked, as fields of a table: prior, simulator, ranges, n_params,
-- compress, target_data (T, ...), n_targets, target_summaries (T, S), n_summaries, F (T, P, P) or
-- nil, measure (s, target, F) and distances_of (s (S)) -> (T).
-- @tparam string who for messages
-- @tparam table opts `target_data`, `prior`, `simulator`, `compressor`, `gridsize`, `F`,
-- `distance_measure`
-- @tparam[opt] table more rows of other options
-- @treturn table
-- @treturn table the options
-- @raise shapes that do not fit, matrices that are not positive definite
function M.new(who, opts, more)
  local o = args.take(who, opts, args.rows({
    target_data = { 'Array', 'table' },
    prior = { 'table' },
    simulator = { 'function', optional = true },
    compressor = { 'function', 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    F = { 'Array', 'table', optional = true },
    distance_measure = { 'function', optional = true },
  }, more or {}))
  o.prior = prior.of(o.prior)
  prior.check(who, o.prior, { sample = o.simulator ~= nil })
  local self = { prior = o.prior, simulator = o.simulator }
  self.ranges = grid.of(who, o.prior, o.gridsize)
  self.n_params = #self.ranges
  self.compress = compressor_of(who, o.compressor)
  local one = datum_shape(who, o)
  self.target_data = read_targets(who, o.target_data, one)
  check_targets(who, self.target_data, one)
  self.n_targets = #self.target_data
  self.target_summaries = transform.vmap(self.compress)(self.target_data)
  if not np.is_array(self.target_summaries) then
    core.raise('%s: the compressor gives nothing', who)
  end
  if #self.target_summaries.shape ~= 2 then
    core.raise('%s: the compressor must give a vector for one datum, got shape %s', who,
      text(self.target_summaries.shape, 2))
  end
  self.n_summaries = self.target_summaries.shape[2]
  self.F = distance.fisher(who, o.F, self.n_targets, self.n_summaries, self.n_params)
  self.measure = o.distance_measure or distance.distance
  self.distances_of = distance.to_targets(who, self.measure, self.target_summaries, self.F)
  return self, o
end

--- What distances depend on, as far as it can be seen: what a run is known by when it goes on.
-- @tparam table self a problem
-- @treturn table texts "what: fingerprint"
function M.identity(self)
  local list = { self.target_summaries }
  if self.F then list[2] = self.F end
  local key = random.PRNGKey(0)
  local out = { 'targets: ' .. fingerprint.of_arrays(list),
    'sizes: ' .. self.n_params .. ' ' .. self.n_summaries,
    'layout of keys: ' .. random.key_layout() }
  if self.prior.sample then
    out[#out + 1] = 'prior: ' .. fingerprint.of_arrays { self.prior:sample(key, 4) }
  end
  if self.simulator and not simulators.is(self.simulator) then
    out[#out + 1] = 'simulator or compressor: ' .. fingerprint.of_function(function(k)
      local keys = random.split(k)
      return self.compress(self.simulator(keys[1], self.prior:sample(keys[2])))
    end, key)
  end
  return out
end

--- Refuse a file of another run.
-- @tparam string who
-- @tparam string file what it is called in the message
-- @tparam table before what M.identity was when it was made
-- @tparam table now what it is
function M.check_identity(who, file, before, now)
  for i, here in ipairs(now) do
    if before[i] ~= here then
      core.raise('%s: %s was made with other %s; give another name, or remove it', who, file,
        here:match '^[^:]*')
    end
  end
end

return M
