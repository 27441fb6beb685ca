--- The factory imnn.IMNN: which class fits the arguments.
local imnn = require 'imnn'
local factory = require 'imnn.imnn.factory'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np = imnn.np

local n_d, P = 4, 2
local gradient, numerical = np.zeros { n_d, 3, P }, np.zeros { n_d, 2, P, 3 }
local list = { function() end }
local pair = { function() end, function() end }

-- The values that each option can have; what it is called in the statement of the rules.
local choices = {
  { 'model', { { 'stax', pair }, { 'keras', 'a model' } } },
  { 'optimiser', { { 'stax', pair }, { 'keras', 'an optimiser' } } },
  { 'simulator', { { 'none' }, { 'yes', function() end } } },
  { 'fiducial', { { 'none' }, { 'array', np.zeros { n_d, 3 } }, { 'array', numerical },
    { 'list', list } } },
  { 'derivative', { { 'none' }, { 'gradient', gradient }, { 'numerical', numerical },
    { 'list', list } } },
  { 'main', { { 'none' }, { 'list', list } } },
  { 'remaining', { { 'none' }, { 'list', list } } },
  { 'delta_theta', { { 'none' }, { 'yes', np.ones { P } } } },
  { 'validation_fiducial', { { 'none' }, { 'array', np.zeros { n_d, 3 } }, { 'array', numerical },
    { 'list', list } } },
  { 'validation_derivative', { { 'none' }, { 'gradient', gradient }, { 'numerical', numerical },
    { 'list', list } } },
  { 'validation_main', { { 'none' }, { 'list', list } } },
  { 'validation_remaining', { { 'none' }, { 'list', list } } },
  { 'cache', { { 'none' }, { 'yes', false } } },
  { 'prefetch', { { 'none' }, { 'yes', -1 } } },
}

-- The rules once more, by class: what must be there, and what may be besides. All else must not.
local function expected(is, aggregate)
  if is.model ~= 'stax' or is.optimiser ~= 'stax' then return nil end
  local function only(...)
    local allowed = {}
    for _, name in ipairs { 'model', 'optimiser', ... } do allowed[name] = true end
    for name, what in pairs(is) do
      if what ~= 'none' and not allowed[name] then return false end
    end
    return true
  end
  local storage = aggregate and { 'cache', 'prefetch' } or {}
  local prefix = aggregate and 'Aggregated' or ''

  if is.simulator == 'yes' then return only 'simulator' and prefix .. 'SimulatorIMNN' or nil end

  if is.main == 'list' and is.remaining == 'list' then
    local paired = is.validation_main == is.validation_remaining
    return aggregate and paired and only('main', 'remaining', 'validation_main',
      'validation_remaining') and 'DatasetGradientIMNN' or nil
  end

  local function set(fiducial, derivative) -- training set and validation set alike
    return is.fiducial == fiducial and is.derivative == derivative
      and (is.validation_fiducial == fiducial and is.validation_derivative == derivative
        or is.validation_fiducial == 'none' and is.validation_derivative == 'none')
  end
  local names = { 'fiducial', 'derivative', 'validation_fiducial', 'validation_derivative',
    unpack(storage) }
  if is.delta_theta == 'none' then
    return set('array', 'gradient') and only(unpack(names)) and prefix .. 'GradientIMNN' or nil
  end
  names[#names + 1] = 'delta_theta'
  if set('array', 'numerical') and only(unpack(names)) then
    return prefix .. 'NumericalGradientIMNN'
  end
  return set('list', 'list') and aggregate and is.cache == 'none' and is.prefetch == 'none'
    and only('fiducial', 'derivative', 'validation_fiducial', 'validation_derivative',
      'delta_theta') and 'DatasetNumericalGradientIMNN' or nil
end

-- Every combination, as options and what they are called.
local function each(fn)
  local o, is = { n_d = n_d, n_params = P, input_shape = { 3 } }, {}
  local function choose(k)
    if k > #choices then return fn(o, is) end
    local name = choices[k][1]
    for _, choice in ipairs(choices[k][2]) do
      is[name], o[name] = choice[1], choice[2]
      choose(k + 1)
    end
  end
  choose(1)
end

describe('the rules of IMNN', function()
  local function all(aggregate)
    local count, chosen = 0, {}
    each(function(o, is)
      o.host = aggregate and 'cpu:0' or nil
      o.devices = aggregate and { 'cpu:0' } or nil
      o.n_per_device = aggregate and 2 or nil
      local class, why = factory.choose(o)
      local want = expected(is, aggregate)
      if class ~= want or not class == not why then
        local parts = {}
        for name, what in pairs(is) do parts[#parts + 1] = name .. '=' .. what end
        error(('%s: %s for %s'):format(table.concat(parts, ' '), class or why, tostring(want)))
      end
      count, chosen[class or 'none'] = count + 1, true
    end)
    return count, chosen
  end

  it('hold for all 262144 combinations with host, devices and n_per_device', function()
    local count, chosen = all(true)
    assert.equal(262144, count)
    assert.same({ none = true, AggregatedSimulatorIMNN = true, AggregatedGradientIMNN = true,
      AggregatedNumericalGradientIMNN = true, DatasetGradientIMNN = true,
      DatasetNumericalGradientIMNN = true }, chosen)
  end)

  it('hold for as many without', function()
    local _, chosen = all(false)
    assert.same({ none = true, SimulatorIMNN = true, GradientIMNN = true,
      NumericalGradientIMNN = true }, chosen)
  end)

  it('take readers as they take Arrays', function()
    local reader = imnn.data.from_array
    local o = { n_d = n_d, n_params = P, input_shape = { 3 }, model = pair, optimiser = pair,
      fiducial = reader(np.zeros { n_d, 3 }), derivative = reader(gradient) }
    assert.equal('GradientIMNN', factory.choose(o))
    o.delta_theta = np.ones { P }
    assert.equal('NumericalGradientIMNN', factory.choose(o))
  end)
end)

describe('IMNN', function()
  local function make(o)
    o.verbose = false
    return imnn.IMNN(o)
  end
  local triple = { host = 'cpu:0', devices = { 'cpu:0' }, n_per_device = 20 }
  local function with(o, more)
    for name, value in pairs(more) do o[name] = value end
    return o
  end

  it('makes a network of the class', function()
    assert.matches('^SimulatorIMNN:', tostring(make(nets.simulator_options())))
    assert.matches('^GradientIMNN:', tostring(make(nets.gradient_options { validation = true })))
    local o = nets.numerical_options()
    o['δθ'], o.delta_theta = o.delta_theta, nil
    assert.matches('^NumericalGradientIMNN:', tostring(make(o)))
    assert.matches('^AggregatedSimulatorIMNN:',
      tostring(make(with(nets.simulator_options(), triple))))
    assert.matches('^AggregatedGradientIMNN:',
      tostring(make(with(nets.gradient_options { cache = true }, triple))))
  end)

  it('makes networks of data sets', function()
    local d, dd = nets.gradient_set(nets.keys[1], 60)
    local o = with(nets.options(), triple)
    local calls = 0
    o.n_d = 40
    o.main = { function()
      calls = calls + 1
      local rows = { calls % 2 * 20 + 1, calls % 2 * 20 + 20 }
      return d[{ rows }], dd[{ rows }]
    end }
    o.remaining = { function() return d[{ { 41, 60 } }] end }
    assert.matches('^DatasetGradientIMNN:', tostring(make(o)))
    o = with(nets.options { delta_theta = { 1, 1 } }, triple)
    o.n_s, o.n_d = 20, 5
    o.fiducial = { function() return d[{ { 1, 20 } }] end }
    o.derivative = o.fiducial
    assert.matches('^DatasetNumericalGradientIMNN:', tostring(make(o)))
  end)

  it('says which', function()
    local said, kept = {}, print
    finally(function() _G.print = kept end)
    _G.print = function(text) said[#said + 1] = text end
    imnn.IMNN(nets.simulator_options())
    make(nets.simulator_options())
    assert.same({ 'IMNN: using SimulatorIMNN' }, said)
  end)

  local zeros = np.zeros { 60, 10 }
  local slopes, sides = np.zeros { 60, 10, 2 }, np.zeros { 60, 2, 2, 10 }
  local refusals = {
    { { simulator = nets.simulator, host = 1, n_per_device = 10 },
      'host, devices and n_per_device belong together; devices is missing' },
    { { simulator = nets.simulator, cache = false },
      'cache goes with host, devices and n_per_device, which are missing' },
    { { simulator = nets.simulator, fiducial = zeros },
      'a simulator makes all the data; fiducial does not go with it' },
    { { simulator = nets.simulator, ['δθ'] = 1 },
      'a simulator makes all the data; delta_theta does not go with it' },
    { { derivative = slopes }, 'derivative was given and fiducial is missing' },
    { {}, 'simulator is missing, or data: fiducial and derivative, or main and remaining' },
    { { main = list }, 'main and remaining belong together; remaining is missing' },
    { { main = list, remaining = list }, 'main and remaining go with host, devices and '
      .. 'n_per_device, which are missing' },
    { with({ main = list, remaining = list, delta_theta = 1 }, triple),
      'delta_theta does not go with main and remaining' },
    { with({ main = list, remaining = list, validation_main = list }, triple),
      'a validation set is whole or absent; validation_remaining is missing' },
    { { fiducial = zeros }, 'fiducial was given and derivative is missing' },
    { { fiducial = list, derivative = slopes },
      'fiducial is a list of iterators, so derivative must be one, too' },
    { { fiducial = list, derivative = list }, 'fiducial and derivative are lists of iterators: '
      .. 'then they are of finite differences, and delta_theta is missing' },
    { { fiducial = zeros, derivative = slopes, main = list },
      'main does not go with fiducial and derivative' },
    { { fiducial = zeros, derivative = slopes, validation_derivative = slopes },
      'a validation set is whole or absent; validation_fiducial is missing' },
    { { fiducial = zeros, derivative = slopes, validation_fiducial = list,
      validation_derivative = list }, 'validation_fiducial must be an Array or a reader, as '
      .. 'fiducial is' },
    { { fiducial = list, derivative = list, delta_theta = 1 },
      'lists of iterators go with host, devices and n_per_device, which are missing' },
    { with({ fiducial = list, derivative = list, delta_theta = 1, prefetch = 2 }, triple),
      'prefetch does not go with lists of iterators' },
    { { fiducial = zeros, derivative = sides }, 'derivative must be %(60, 10, 2%), that is '
      .. '%(n_d, input_shape, n_params%), got %(60, 2, 2, 10%)' },
    { { fiducial = zeros, derivative = slopes, delta_theta = 1 }, 'derivative must be '
      .. '%(60, 2, 2, 10%), that is %(n_d, 2, n_params, input_shape%), got %(60, 10, 2%)' },
    { { simulator = nets.simulator, model = 'keras' },
      'model must be a table of functions, model { init, apply }' },
    { { simulator = nets.simulator, n_d = 1.5 }, 'n_d must be integer, got 1.5' },
    { { simulator = nets.simulator, input_shape = 10 }, 'input_shape must be table, got 10' },
  }
  for _, row in ipairs(refusals) do
    it('refuses: ' .. row[2]:gsub('%%', ''), function()
      local why = message(function() make(nets.options(row[1])) end)
      assert.matches('IMNN: ' .. row[2], why)
      assert.matches('^tests/lua/imnn_factory_spec.lua:%d+: ', why)
    end)
  end

  -- Every option of every class without its last letter, with all others in place.
  local triples = { Aggregated = triple, Dataset = triple }
  for class, make_options in pairs {
    SimulatorIMNN = nets.simulator_options, GradientIMNN = nets.gradient_options,
    NumericalGradientIMNN = nets.numerical_options,
    AggregatedSimulatorIMNN = nets.simulator_options,
    AggregatedGradientIMNN = nets.gradient_options,
    AggregatedNumericalGradientIMNN = nets.numerical_options,
    DatasetGradientIMNN = function() return nets.options { main = list } end,
    DatasetNumericalGradientIMNN = function()
      return nets.options { fiducial = list, derivative = list, delta_theta = { 1, 1 } }
    end,
  } do
    it('and ' .. class .. ' name an unknown option, and the nearest', function()
      local more = triples[class:match '^%u%l+']
      local names = imnn.tree.keys(with(make_options(), more or {}))
      for _, name in ipairs(names) do
        local o = with(make_options(), more or {})
        local short = name:sub(1, -2)
        if short ~= 'n_' then -- near too many
          o[short], o[name] = o[name], nil
          local told = ('unknown option "%s"; did you mean "%s"?'):format(short, name)
          for who, fn in pairs { IMNN = make, [class] = imnn[class] } do
            local why = message(function() fn(o) end)
            assert.equal(who .. ': ' .. told, why:match '^tests/lua/.-:%d+: (.*)$')
            o.verbose = nil
          end
        end
      end
    end)
  end

  it('refuses an option that no class has', function()
    local function refused(more)
      return message(function() imnn.IMNN(nets.simulator_options(more)) end):match ': (.*)'
    end
    assert.equal('IMNN: unknown option "simulater"; did you mean "simulator"?',
      refused { simulater = 1 })
    assert.equal('IMNN: unknown option "colour_scheme"', refused { colour_scheme = 1 })
    assert.equal('IMNN: option "theta_fid" is given twice', refused { ['θ_fid'] = { 0, 1 } })
    assert.equal('IMNN: options have names, { name = value, ... }, got one without at place 1',
      refused { 3 })
  end)

  it('refuses what is no table', function()
    assert.matches('IMNN: the options must be table, got nil', message(function() imnn.IMNN() end))
  end)
end)
