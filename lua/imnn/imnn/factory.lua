--- Which class fits the arguments: rules in order, of which the first that is broken is told.
-- @module imnn.imnn.factory
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local examples = require 'imnn.array.examples'
local net = require 'imnn.imnn.net'
local np = require 'imnn.numpy'
local M = {}

local aggregation = { 'host', 'devices', 'n_per_device' }
local validation = { 'validation_fiducial', 'validation_derivative' }
local validation_sets = { 'validation_main', 'validation_remaining' }
local storage = { 'cache', 'prefetch' }
local data = { 'fiducial', 'derivative', 'main', 'remaining' }

-- ---- questions about options ----

local function first_given(o, names)
  for _, name in ipairs(names) do
    if o[name] ~= nil then return name end
  end
end

local function first_missing(o, names)
  for _, name in ipairs(names) do
    if o[name] == nil then return name end
  end
end

-- Of names of which all or none must be given, one that is missing.
local function half(o, names) return first_given(o, names) and first_missing(o, names) end

-- What holds all data, or an iterator for each device.
local function is_list(x) return x ~= nil and not np.is_array(x) and not examples.is_reader(x) end

local function joined(...)
  local out = {}
  for _, names in ipairs { ... } do
    for _, name in ipairs(names) do out[#out + 1] = name end
  end
  return out
end

-- The first derivative whose shape is not that of the class, with what both are.
local function wrong_shape(o)
  local n_d, P, one = o.n_d, o.n_params, o.input_shape
  local shape = o.delta_theta ~= nil and { n_d, 2, P, unpack(one) } or { n_d, unpack(one) }
  if o.delta_theta == nil then shape[#shape + 1] = P end
  for _, name in ipairs { 'derivative', 'validation_derivative' } do
    local x = o[name]
    if np.is_array(x) and not check.equal(x.shape, shape) then
      return name, check.text(shape), o.delta_theta ~= nil and '(n_d, 2, n_params, input_shape)'
        or '(n_d, input_shape, n_params)', check.text(x.shape)
    end
  end
end

-- ---- rules ----

local made = joined(data, validation, validation_sets, { 'delta_theta' }, storage)

-- What is wrong (values for the sentence, or nothing), and the sentence.
local always = {
  { function(o)
    return type(o.model) ~= 'table' and 'model' or type(o.optimiser) ~= 'table' and 'optimiser'
  end, '%s must be a table of functions, model { init, apply }, optimiser { init, update, '
    .. 'get_params }' },
  { function(o) return half(o, aggregation) end,
    'host, devices and n_per_device belong together; %s is missing' },
  { function(o) return not o.aggregate and first_given(o, storage) end,
    '%s goes with host, devices and n_per_device, which are missing' },
}

local of_simulator = {
  { function(o) return first_given(o, made) end,
    'a simulator makes all the data; %s does not go with it' },
}

local of_data_sets = {
  { function(o) return o.derivative ~= nil end, 'derivative was given and fiducial is missing' },
  { function(o) return not first_given(o, { 'main', 'remaining' }) end,
    'simulator is missing, or data: fiducial and derivative, or main and remaining' },
  { function(o) return half(o, { 'main', 'remaining' }) end,
    'main and remaining belong together; %s is missing' },
  { function(o) return not o.aggregate end,
    'main and remaining go with host, devices and n_per_device, which are missing' },
  { function(o) return first_given(o, joined({ 'delta_theta' }, storage, validation)) end,
    '%s does not go with main and remaining' },
  { function(o) return half(o, validation_sets) end,
    'a validation set is whole or absent; %s is missing' },
}

local of_data = {
  { function(o) return o.derivative == nil end, 'fiducial was given and derivative is missing' },
  { function(o)
    local a, b = is_list(o.fiducial), is_list(o.derivative)
    if a ~= b then return a and 'fiducial' or 'derivative', a and 'derivative' or 'fiducial' end
  end, '%s is a list of iterators, so %s must be one, too' },
  { function(o) return is_list(o.fiducial) and o.delta_theta == nil end,
    'fiducial and derivative are lists of iterators: then they are of finite differences, and '
      .. 'delta_theta is missing' },
  { function(o) return first_given(o, joined({ 'main', 'remaining' }, validation_sets)) end,
    '%s does not go with fiducial and derivative' },
  { function(o) return half(o, validation) end,
    'a validation set is whole or absent; %s is missing' },
  { function(o)
    for _, name in ipairs(validation) do
      if o[name] ~= nil and is_list(o[name]) ~= is_list(o.fiducial) then
        return name, is_list(o.fiducial) and 'a list of iterators' or 'an Array or a reader'
      end
    end
  end, '%s must be %s, as fiducial is' },
  { function(o) return is_list(o.fiducial) and not o.aggregate end,
    'lists of iterators go with host, devices and n_per_device, which are missing' },
  { function(o) return is_list(o.fiducial) and first_given(o, storage) end,
    '%s does not go with lists of iterators' },
  { wrong_shape, '%s must be %s, that is %s, got %s' },
}

local function broken(rules, o)
  for _, rule in ipairs(rules) do
    local found = { rule[1](o) }
    if found[1] then return rule[2]:format(unpack(found)) end
  end
end

--- The class for options.
-- @tparam table o in one spelling, with `n_d`, `n_params`, `input_shape`
-- @treturn string|nil its name
-- @treturn string|nil what is wrong
function M.choose(o)
  o = setmetatable({ aggregate = not first_missing(o, aggregation) }, { __index = o })
  local prefix = o.aggregate and 'Aggregated' or ''
  local why = broken(always, o)
  if why then return nil, why end
  if o.simulator ~= nil then
    why = broken(of_simulator, o)
    return not why and prefix .. 'SimulatorIMNN' or nil, why
  elseif o.fiducial == nil then
    why = broken(of_data_sets, o)
    return not why and 'DatasetGradientIMNN' or nil, why
  end
  why = broken(of_data, o)
  if why then return nil, why end
  if is_list(o.fiducial) then return 'DatasetNumericalGradientIMNN' end
  return prefix .. (o.delta_theta ~= nil and 'NumericalGradientIMNN' or 'GradientIMNN')
end

-- All options that there are, by name.
local known = args.rows(net.rows, { memory = true, simulator = true, verbose = true })
for _, name in ipairs(joined(made, aggregation)) do known[name] = true end

--- Options in one spelling, without those of the factory itself, and these.
-- @raise what is no table, unknown names, sizes that are missing
function M.options(opts)
  local who = 'IMNN'
  args.argument(who, 'the options', opts, { 'table' })
  local out = args.spelled(who, opts, known)
  for _, name in ipairs { 'n_d', 'n_params' } do
    args.argument(who, name, out[name], { 'integer' })
  end
  args.argument(who, 'input_shape', out.input_shape, { 'table' })
  local verbose = args.argument(who, 'verbose', out.verbose, { 'boolean', default = true })
  out.verbose = nil
  return out, verbose
end

--- Raise what is wrong.
function M.refuse(why) core.raise('IMNN: %s', why) end

return M
