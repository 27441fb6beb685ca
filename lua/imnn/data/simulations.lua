--- Sets of simulations in HDF5 files: what networks are fitted to.
--
-- A file has the datasets `fiducial` (n_s, shape of one): simulations at the fiducial parameters;
-- `derivative` (n_d, shape of one, P): their derivatives, or `numerical` (n_d, 2, P, shape of one):
-- simulations half a step below and above in each parameter, with the keys of the first n_d
-- fiducial ones; `seed` (n_s); `rekeyed` (n_s), see `read_simulations`. Attributes of the root:
-- `theta_fid` (P); `delta_theta` (P), the whole step; `key`; `parameters` and `units`, text (P);
-- and whatever else is to be known about where they come from.
-- @module imnn.data.simulations
local args = require 'imnn.args'
local array = require 'imnn.array'
local complain = require('imnn.data.simulations.common').complain
local equal = require('imnn.data.simulations.common').equal
local hdf5 = require 'imnn.data.hdf5'
local text = require('imnn.array.text').shape
local M = {}

-- Modules that take a while to load.
local function np() return require 'imnn.numpy' end

-- The shape of one simulation in the records of derivatives, and the number of parameters.
local function parts_of(kind, record)
  local one = { unpack(record) }
  if kind == 'derivative' then return one, table.remove(one) end
  local sides, P = table.remove(one, 1), table.remove(one, 1)
  return one, sides == 2 and P or nil
end

local function check_seeds(path, f, set)
  if not f:has 'seed' then return end
  set.seed = f:read('seed', {}, 'f64')
  if set.seed.ndim ~= 1 or #set.seed ~= set.n_s then
    complain(path, '"seed" is %s for %d simulations', text(set.seed.shape), set.n_s)
  end
  local seen = {}
  for i, seed in ipairs(set.seed:values()) do
    if seen[seed] then
      complain(path, 'simulations %d and %d have the seed %.0f', seen[seed], i, seed)
    end
    seen[seed] = i
  end
  if set.derivative and f:has 'derivative_seed' then
    local own = f:read('derivative_seed', {}, 'f64'):values()
    if #own ~= set.n_d then
      complain(path, '"derivative_seed" is (%d) for %d derivatives', #own, set.n_d)
    end
    for i, seed in ipairs(own) do
      if i > set.n_s or seed ~= set.seed[i]:item() then
        complain(path, 'derivative %d has the seed %.0f, simulation %d %s', i, seed, i,
          i > set.n_s and 'is not there' or ('%.0f'):format(set.seed[i]:item()))
      end
    end
  end
end

local function check_derivative(path, set)
  local shape, P = parts_of(set.kind, set.derivative.shape)
  if not P or not equal(shape, set.input_shape) then
    complain(path, '"%s" has records %s, which are not %s of simulations %s', set.kind,
      text(set.derivative.shape), set.kind == 'derivative' and 'derivatives' or 'both sides',
      text(set.input_shape))
  end
  set.n_d, set.n_params = set.derivative.count, P
  if set.n_d > set.n_s then
    complain(path, '%d derivatives for %d simulations', set.n_d, set.n_s)
  end
end

local function check_parameters(path, set)
  for _, name in ipairs { 'theta_fid', 'delta_theta' } do
    local x = set.attributes[name]
    if type(x) == 'number' then x = np().array { x } end
    if x and (not array.is(x) or x.ndim ~= 1) then
      complain(path, 'attribute "%s" must be a list of numbers', name)
    end
    if x then
      set.n_params = set.n_params or #x
      if #x ~= set.n_params then
        complain(path, 'attribute "%s" has %d parameters, the derivatives %d', name, #x,
          set.n_params)
      end
      set[name] = x
    end
  end
  if set.kind == 'numerical' and not set.delta_theta then
    complain(path, 'attribute "delta_theta", the step between both sides, is missing')
  end
end

-- "set.h5: 500 simulations of (10), 100 with derivatives in 2 parameters"
local Set = {}
function Set:__tostring()
  local out = ('%s: %d simulations of %s'):format(self.path, self.n_s, text(self.input_shape))
  for _, name in ipairs { 'dropped', 'retried' } do
    local n = self['n_' .. name] or 0
    if n > 0 then out = ('%s (%d %s)'):format(out, n, name == 'retried' and 'repeated' or name) end
  end
  if not self.kind then return out end
  return ('%s, %d with %s in %d parameters'):format(out, self.n_d, self.kind == 'numerical'
    and 'those on both sides' or 'derivatives', self.n_params)
end

-- Seeds between the first and the next one of which no simulation is there.
local function dropped(set, first, following)
  local there, out = {}, {}
  for _, seed in ipairs(set.seed:values()) do there[seed] = true end
  for seed = first, following - 1 do
    if not there[seed] then out[#out + 1] = seed end
  end
  return out
end

--- Open a set of simulations, as `write_simulations` or somebody else has written it: seeds, shapes
-- and parameters are checked, records are read when they are asked for.
-- @tparam string path
-- @treturn table `path`; `fiducial`: a Reader of n_s simulations; `derivative`: a Reader of n_d
-- records, nil if there are none; `kind`: 'derivative' (input_shape, P) or 'numerical'
-- (2, P, input_shape); n_s, n_d, n_params, input_shape; `n_dropped`: how many failed or were not
-- finite and were left out, `dropped`: list of their seeds, `n_retried`: attempts beyond the first,
-- `rekeyed`: i32 Array (n_s), the number of the key that was taken in place of its own, 0: its own,
-- if they are known; `theta_fid`, `delta_theta`: Arrays (P), if they are known;
-- `seed`: Array (n_s), f64, if known; `attributes` of the file
-- @raise missing, damaged; shapes, parameters or seeds that do not fit together
-- @usage local made = data.write_simulations { path = 'mine.h5', simulator = simulator, n_s = 20,
--   theta_fid = theta, key = key, progress = false }
-- local set = data.read_simulations 'mine.h5'
-- set.fiducial.count --> 20
function M.read_simulations(path)
  args.argument('read_simulations', 'path', path, { 'string' })
  local f = hdf5.open(path)
  local set = setmetatable({ path = path, attributes = f:attributes(),
    fiducial = f:reader 'fiducial', n_d = 0 }, Set)
  set.n_s, set.input_shape = set.fiducial.count, set.fiducial.shape
  for _, kind in ipairs { 'derivative', 'numerical' } do
    if f:has(kind) then
      if set.kind then complain(path, 'has both "derivative" and "numerical"') end
      set.kind, set.derivative = kind, f:reader(kind)
    end
  end
  if set.derivative then check_derivative(path, set) end
  check_parameters(path, set)
  if f:has 'state' then
    local rows = f:read('state', 1):item()
    if rows < set.n_s then
      complain(path, 'has only %d of %d simulations so far; write_simulations goes on with it',
        rows, set.n_s)
    end
  end
  check_seeds(path, f, set)
  local first = set.attributes.first_seed
  if f:has 'state' and set.seed and first then
    local state = f:read('state'):values()
    set.dropped, set.n_retried = dropped(set, first, state[2]), state[3]
    set.n_dropped = #set.dropped
  end
  if f:has 'rekeyed' then set.rekeyed = f:read 'rekeyed' end
  f:close()
  return set
end

return M
