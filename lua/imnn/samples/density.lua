--- Sample sets: densities of parameters and pairs (imnn.lfi.density), with the weights and limits
-- of the set.
-- @module imnn.samples.density
local core = require 'imnn.core'
local sets = require 'imnn.samples.set'
local state = sets.state

local Densities = sets.methods

-- Limits of kde: samples that rounding has put beyond one are not refused.
local function limits(s)
  local low, high = {}, {}
  local least, most = s.parameters:min { axis = 1 }:values(), s.parameters:max { axis = 1 }:values()
  for i = 1, s.n_params do
    low[i], high[i] = math.min(s.low[i], least[i]), math.max(s.high[i], most[i])
  end
  return low, high
end

-- What draws of chains are worth, where they are chains; nil: Kish's size will do.
local function size_of(set, s, places)
  if not s.chain then return nil end
  local ok, size = pcall(set.ess, set, { kind = 'weighted' })
  if not ok then return nil end
  local least = math.huge
  for _, p in ipairs(places) do
    local n = size[p]:item()
    if n < least then least = n end -- not NaN
  end
  return least < math.huge and least or nil
end

--- The density of one parameter, or of a pair: a kernel estimate, corrected at the limits of the
-- set, with its weights; of chains its width counts correlations.
-- @tparam[opt] table opts those of lfi.kde but `weights`, with
-- @tparam[opt] string|number|table opts.columns the name or place of a parameter, or a list of two;
-- all where there are one or two
-- @treturn Density
-- @raise there is no such parameter; what lfi.kde refuses
-- @usage local d = samples:density { columns = 'sigma2' }
-- d:interval { mass = 0.95, kind = 'limit' }
-- samples:density({ columns = { 'mu', 'sigma2' } }).axes --> 2
function Densities:density(opts)
  local s = state(self, 'density')
  if opts ~= nil and type(opts) ~= 'table' then
    core.raise('density: options are a table { name = value, ... }, got %s', core.kind(opts))
  end
  local o, columns = {}, opts and opts.columns
  for key, value in pairs(opts or {}) do o[key] = value end
  if columns == nil and s.n_params <= 2 then columns = s.n_params == 2 and { 1, 2 } or { 1 } end
  if columns == nil then
    core.raise('density: there are %d parameters; say which one or two with columns', s.n_params)
  end
  if type(columns) ~= 'table' then columns = { columns } end
  o.columns = {}
  for i, name in ipairs(columns) do o.columns[i] = sets.place('density', self, name) end
  if o.weights then
    core.raise 'density: the weights are those of the set; make another one for others'
  end
  local low, high = limits(s)
  if o.low == nil then o.low = low end
  if o.high == nil then o.high = high end
  if o.n_eff == nil then o.n_eff = size_of(self, s, o.columns) end
  o.weights = s.log_weights and self.weights
  return require('imnn.lfi.density').kde(s.parameters, o)
end
