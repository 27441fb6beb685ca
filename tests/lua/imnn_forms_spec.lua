--- Aggregated and dataset classes: other ways to give the same data, which give the same bytes.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local nets = require 'tests.support.nets'
local np, data = imnn.np, imnn.data
local fit, keys = nets.fit, nets.keys

local function bytes(x)
  return ffi.string(x:data(), x.size * (x.dtype == 'f64' and 8 or 4))
end

-- All that a fit leaves behind.
local function result(net, more)
  fit(net, more)
  local out = {}
  for _, leaf in ipairs(imnn.tree.leaves(net.state)) do out[#out + 1] = bytes(leaf) end
  for _, name in ipairs { 'F', 'C', 'mu', 'dmu_dtheta' } do out[#out + 1] = bytes(net[name]) end
  for _, name in ipairs { 'lndetF', 'loss', 'val_lndetF' } do
    out[#out + 1] = bytes(net.history[name])
  end
  return table.concat(out)
end

local function aggregated(o, n_per_device, n_devices)
  o.host, o.devices, o.n_per_device = 'cpu:0', {}, n_per_device
  for i = 1, n_devices or 1 do o.devices[i] = 'cpu:' .. i - 1 end
  return o
end

-- An endless iterator over the rows of arrays, or one that ends.
local function iterator(n, ends, ...)
  local arrays, at = { ... }, 0
  local count = #arrays[1]
  return function()
    if at == count then
      at = 0
      if ends then return nil end
    end
    local out, first = {}, at + 1
    at = math.min(count, at + n)
    for i, x in ipairs(arrays) do out[i] = x[{ { first, at } }] end
    return unpack(out)
  end
end

local sizes = { { 60, 60 }, { 60, 25 } }

local forms = { -- name, options -> class and options of the same net in another form
  readers = {
    Gradient = function(o)
      for _, name in ipairs { 'fiducial', 'derivative', 'validation_fiducial',
        'validation_derivative' } do o[name] = data.from_array(o[name]) end
      return imnn.GradientIMNN(o)
    end,
    Numerical = function(o)
      for _, name in ipairs { 'fiducial', 'derivative', 'validation_fiducial',
        'validation_derivative' } do o[name] = data.from_array(o[name]) end
      return imnn.AggregatedNumericalGradientIMNN(aggregated(o, 20))
    end,
  },
  ['readers that read ahead'] = {
    Gradient = function(o)
      o.fiducial, o.prefetch = data.from_array(o.fiducial), 3
      return imnn.AggregatedGradientIMNN(aggregated(o, 7))
    end,
    Numerical = function(o)
      o.derivative, o.prefetch = data.from_array(o.derivative), -1
      return imnn.AggregatedNumericalGradientIMNN(aggregated(o, 20))
    end,
  },
}

local function head(x, n) return x[{ { 1, n } }] end
local function tail(x, n) return x[{ { n + 1, #x } }] end

-- Data of a gradient net as `main` and `remaining`; `wrap` makes what the class gets of arrays.
local function as_main(o, wrap)
  for _, prefix in ipairs { '', 'validation_' } do
    local fiducial, derivative = o[prefix .. 'fiducial'], o[prefix .. 'derivative']
    o[prefix .. 'main'] = wrap(head(fiducial, o.n_d), derivative)
    if o.n_s > o.n_d then o[prefix .. 'remaining'] = wrap(tail(fiducial, o.n_d)) end
    o[prefix .. 'fiducial'], o[prefix .. 'derivative'] = nil, nil
  end
  return o
end

local function flattened(o, wrap)
  for _, prefix in ipairs { '', 'validation_' } do
    o[prefix .. 'fiducial'] = wrap(o[prefix .. 'fiducial'])
    o[prefix .. 'derivative'] = wrap(o[prefix .. 'derivative']:reshape { 4 * o.n_d, 10 })
  end
  return o
end

local function readers_of(a, b)
  if not b then return data.from_array(a) end
  return { data.from_array(a), data.from_array(b) }
end

local function halves(n, ends)
  return function(...)
    local first, second = { ... }, { ... }
    for i, x in ipairs(first) do first[i], second[i] = head(x, #x / 2), tail(x, #x / 2) end
    return { iterator(n, ends, unpack(first)), iterator(n, ends, unpack(second)) }
  end
end

for name, wrap in pairs {
  ['a data set of readers'] = readers_of,
  ['a data set of iterators'] = function(...) return iterator(7, false, ...) end,
  ['a data set of iterators that end'] = function(...) return iterator(7, true, ...) end,
} do
  forms[name] = {
    Gradient = function(o) return imnn.DatasetGradientIMNN(aggregated(as_main(o, wrap), 7)) end,
    Numerical = function(o)
      return imnn.DatasetNumericalGradientIMNN(aggregated(flattened(o, wrap), 7))
    end,
  }
end
for _, n in ipairs { 1, 7, 100, 1000 } do
  for _, devices in ipairs { 1, 2, 5 } do
    forms[('aggregated by %d on %d'):format(n, devices)] = {
      Simulator = function(o) return imnn.AggregatedSimulatorIMNN(aggregated(o, n, devices)) end,
      Gradient = function(o) return imnn.AggregatedGradientIMNN(aggregated(o, n, devices)) end,
      Numerical = function(o)
        o.cache, o.prefetch = true, -1
        return imnn.AggregatedNumericalGradientIMNN(aggregated(o, n, devices))
      end,
    }
  end
end

describe('the same bytes', function()
  for _, kind in ipairs { 'Simulator', 'Gradient', 'Numerical' } do
    local make = nets[kind:lower() .. '_options']
    local class = kind == 'Numerical' and 'NumericalGradientIMNN' or kind .. 'IMNN'
    for _, size in ipairs(sizes) do
      local function options()
        return make { n_s = size[1], n_d = size[2], validation = kind ~= 'Simulator' or nil }
      end
      local plain
      for name, form in pairs(forms) do
        if form[kind] then
          it(('of %s, n_s = %d, n_d = %d: %s'):format(class, size[1], size[2], name), function()
            plain = plain or result(imnn[class](options()))
            assert.is_true(plain == result(form[kind](options())))
          end)
        end
      end

      it(('of %s, n_s = %d, n_d = %d: with little memory'):format(class, unpack(size)), function()
        plain = plain or result(imnn[class](options()))
        local o = options()
        o.memory = 1
        local why = message(function() fit(imnn[class](o)) end)
        o.memory = tonumber(why:match 'program: needs at least (%d+) bytes of memory, may take 1')
        local net = imnn[class](o)
        assert.equal(o.memory, net.memory)
        assert.is_true(plain == result(net))
        assert.is_true(net:iteration_flops() >= imnn[class](options()):iteration_flops())
      end)
    end
  end

  -- enough work for all threads
  for kind, class in pairs { simulator = 'SimulatorIMNN', gradient = 'GradientIMNN',
    numerical = 'NumericalGradientIMNN' } do
    it('of ' .. class .. ' for any number of threads, and simulations of each', function()
      local before = imnn.threads()
      finally(function() imnn.set_threads(before) end)
      local function options()
        return nets[kind .. '_options'] { n_s = 1000, n_d = 500, model = imnn.stax.serial(
          imnn.stax.Dense(64), imnn.stax.Tanh, imnn.stax.Dense(2)) }
      end
      imnn.set_threads(4)
      local plain = result(imnn[class](options()))
      for i, row in ipairs { { 1, 1 }, { 7, 3 }, { 100, 8 }, { 1000, 3 }, { 100, 1 } } do
        local o = aggregated(options(), unpack(row))
        o.memory = i % 2 == 0 and '4MB' or nil
        assert.is_true(plain == result(imnn['Aggregated' .. class](o)))
      end
    end)
  end

  it('of data that several devices share', function()
    local o = nets.gradient_options { validation = true, n_d = 30 }
    local plain = result(imnn.GradientIMNN(o))
    for _, ends in ipairs { true, false } do
      o = as_main(nets.gradient_options { validation = true, n_d = 30 }, halves(4, ends))
      assert.is_true(plain == result(imnn.DatasetGradientIMNN(aggregated(o, 4, 2))))
    end
    o = as_main(nets.gradient_options { validation = true, n_d = 30 }, function(...)
      local first, second = { ... }, { ... }
      for i, x in ipairs(first) do first[i], second[i] = head(x, #x / 2), tail(x, #x / 2) end
      return { readers_of(unpack(first)), readers_of(unpack(second)) }
    end)
    assert.is_true(plain == result(imnn.DatasetGradientIMNN(aggregated(o, 4, 2))))
  end)
end)

describe('an aggregated class', function()
  local function new(more)
    local o = aggregated(nets.simulator_options(), 20)
    for name, value in pairs(more) do o[name] = value end
    return imnn.AggregatedSimulatorIMNN(o)
  end

  it('has the attributes of the reference', function()
    local net = new { devices = imnn.devices(), memory = '100MB' }
    assert.equal('cpu:0', net.host)
    assert.equal(imnn.threads(), net.n_devices)
    assert.equal('cpu:0', net.devices[1])
    assert.equal(20, net.n_per_device)
    assert.equal(1e8, net.memory)
    assert.matches('^AggregatedSimulatorIMNN: 2 parameters', tostring(net))
    net = new { devices = 2, n_per_device = 7, n_d = 25 }
    assert.same({ 'cpu:0', 'cpu:1' }, net.devices)
    net = new { devices = { 0, 1 }, n_per_device = 7, n_d = 25 }
    assert.same({ 2, { 2, 2, 7 }, 35, 3, { 2, 3, 7 } }, { net.n_iterations, net.batch_shape,
      net.n_remaining, net.n_remaining_iterations, net.remaining_batch_shape })
    net = imnn.AggregatedNumericalGradientIMNN(aggregated(nets.numerical_options { n_d = 25 }, 20))
    assert.same({ 3, { 1, 3, 20 }, 5, { 1, 5, 20 } }, { net.fiducial_iterations,
      net.fiducial_batch_shape, net.derivative_iterations, net.derivative_batch_shape })
  end)

  it('works on as many threads as it has devices', function()
    local before, C = imnn.threads(), imnn.core.C
    finally(function() imnn.set_threads(before) end)
    imnn.set_threads(4)
    local function bytes_for(devices, threads)
      local _, it = new({ devices = devices }):stepper { lambda = 10, epsilon = 0.1, rng = keys[2] }
      return tonumber(C.imnn_program_bytes(it.program, threads))
    end
    for devices = 1, 3 do
      assert.equal(bytes_for(4, devices), bytes_for(devices, 4))
      assert.is_true(bytes_for(devices, 4) < bytes_for(devices + 1, 4))
    end
  end)

  local refusals = {
    { { host = '' }, "host must be the name of a thread, 'cpu:0' and so on, or its number from 0, "
      .. 'got ""' },
    { { host = 'gpu:0' }, "host must be the name of a thread, 'cpu:0' and so on, or its number "
      .. 'from 0, got "gpu:0"' },
    { { host = -1 }, "host must be the name of a thread, 'cpu:0' and so on, or its number from 0, "
      .. 'got %-1' },
    { { devices = 0 }, 'devices must be a positive integer, got 0' },
    { { devices = 1.5 }, 'option "devices" must be table or integer, got 1.5' },
    { { devices = {} }, 'devices must be a list of at least one, as imnn.devices%(%) gives it' },
    { { devices = { 'cpu:0', {} } }, "device 2 must be the name of a thread, 'cpu:0' and so on, or "
      .. 'its number from 0, got table' },
    { { devices = 'cpu:0' }, 'option "devices" must be table or integer, got string' },
    { { n_per_device = 0 }, 'n_per_device must be a positive integer, got 0' },
    { { n_per_device = 1.5 }, 'option "n_per_device" must be integer, got 1.5' },
    { { memory = 'much' }, 'memory must be an amount of memory' },
    { { cache = true }, 'unknown option "cache"' },
  }
  for _, row in ipairs(refusals) do
    it('refuses: ' .. row[2]:gsub('%%', ''), function()
      assert.matches('AggregatedSimulatorIMNN: ' .. row[2], message(function() new(row[1]) end))
    end)
  end

  it('names what is missing', function()
    for _, name in ipairs { 'host', 'devices', 'n_per_device' } do
      local o = aggregated(nets.gradient_options(), 20)
      o[name] = nil
      assert.matches('AggregatedGradientIMNN: option "' .. name .. '" is missing',
        message(function() imnn.AggregatedGradientIMNN(o) end))
    end
  end)

  it('refuses a prefetch of less than all that is good', function()
    local o = aggregated(nets.gradient_options(), 20)
    o.prefetch = -2
    assert.matches('prefetch is a number of batches, or %-1: as many as is good, got %-2',
      message(function() imnn.AggregatedGradientIMNN(o) end))
  end)
end)

describe('a data set', function()
  local d, dd = nets.gradient_set(keys[3], 60)

  local function gradient(more)
    local o = aggregated(nets.options { main = iterator(20, false, d, dd) }, 20)
    for name, value in pairs(more) do o[name] = value end
    return imnn.DatasetGradientIMNN(o)
  end

  local function numerical(more)
    local x, sides = nets.numerical_set(keys[3], 60)
    local o = aggregated(nets.options { fiducial = iterator(20, false, x), delta_theta = { 1, 1 },
      derivative = iterator(20, false, sides:reshape { 240, 10 }) }, 20)
    for name, value in pairs(more) do o[name] = value end
    return imnn.DatasetNumericalGradientIMNN(o)
  end

  local function times(n) -- a counter of calls
    local i = 0
    return function()
      i = i + 1
      return i <= n and i
    end
  end

  local function drifting()
    local i = 0
    return function()
      i = i + 1
      return d[{ { 1, 20 } }] + i, dd[{ { 1, 20 } }]
    end
  end

  local short = times(2)
  local refusals = {
    { { main = function() if short() then return d[{ { 1, 20 } }], dd[{ { 1, 20 } }] end end },
      'main ends after 40 records of 60' },
    { { main = drifting() }, 'main must end after 60 records, or begin again in the same order; it '
      .. 'gives other ones' },
    { { main = iterator(19, false, d, dd) }, 'batch 1 of main has 19 records, n_per_device is 20; '
      .. 'only the last one of a period may be shorter' },
    { { main = iterator(25, false, d, dd) }, 'batch 1 of main has 25 records, n_per_device is 20' },
    { { n_d = 50, main = iterator(20, false, d, dd) },
      'main must give 50 records in a period, batch 3 goes beyond' },
    { { main = iterator(20, false, d) }, 'main must give 2 Arrays at each call, got nil' },
    { { main = iterator(20, false, dd, d) }, 'main gives %(20, 10, 2%), not %(20, 10%)' },
    { { main = data.from_array(d) }, 'main must be a pair of readers { fiducial, derivative } or '
      .. 'an iterator, got one reader' },
    { { main = { fiducial = data.from_array(d) } }, 'main must be a reader, an iterator, or a list '
      .. 'of them for each device, got a table without all of fiducial, derivative' },
    { { main = {} }, 'main must be a reader, an iterator, or a list of them for each device, got '
      .. 'an empty table' },
    { { main = { iterator(20, false, d, dd), iterator(20, false, d, dd) } },
      'main is a list of 2, for 1 devices' },
    { { main = { data.from_array(dd), data.from_array(d) } }, 'fiducial must be %(60, 10%), that '
      .. 'is %(n_s, input_shape%), got %(60, 10, 2%)' },
    { { n_d = 40, main = iterator(20, false, d[{ { 1, 40 } }], dd[{ { 1, 40 } }]) },
      'option "remaining" is missing' },
    { { validation_remaining = iterator(20, false, d) }, 'option "validation_main" is missing' },
    { { main = iterator(20, false, d / 0 - d / 0, dd) }, 'fiducial is not finite in simulation 1' },
  }
  for _, row in ipairs(refusals) do
    it('of a gradient net: ' .. row[2]:gsub('%%', ''), function()
      local why = message(function() gradient(row[1]) end)
      assert.matches('DatasetGradientIMNN: ' .. row[2], why)
      assert.matches('^tests/lua/imnn_forms_spec.lua:%d+: ', why)
    end)
  end

  refusals = {
    { { fiducial = data.from_array(d[{ { 1, 50 } }]) }, 'fiducial must be %(60, 10%), that is '
      .. '%(n_s, input_shape%), got %(50, 10%)' },
    { { derivative = data.from_array(d) }, 'derivative must be %(60, 2, 2, 10%), that is '
      .. '%(n_d, 2, n_params, input_shape%), got %(60, 10%)' },
    { { validation_fiducial = data.from_array(d) }, 'a validation set is whole or absent; '
      .. 'validation_derivative is missing' },
    { { fiducial = iterator(7, false, d) }, 'batch 1 of fiducial has 7 records, n_per_device is '
      .. '20' },
    { { delta_theta = { 0, 1 } }, 'delta_theta, the full distance' },
    { { fiducial = d }, 'option "fiducial" must be Reader or function or table, got Array' },
  }
  for _, row in ipairs(refusals) do
    it('of finite differences: ' .. row[2]:gsub('%%', ''), function()
      assert.matches('DatasetNumericalGradientIMNN: ' .. row[2],
        message(function() numerical(row[1]) end))
    end)
  end

  it('takes records of a whole seed', function()
    local x, sides = nets.numerical_set(keys[3], 60)
    local a = numerical { fiducial = data.from_array(x), derivative = data.from_array(sides) }
    local b = numerical {}
    assert.is_true(result(a) == result(b))
  end)

  it('can take the place of arrays between fits, and the other way round', function()
    for _, n in ipairs { 60, 25 } do
      local function options() return nets.gradient_options { validation = true, n_d = n } end
      local plain, changed = imnn.GradientIMNN(options()), imnn.GradientIMNN(options())
      for _, wrap in ipairs { data.from_array, function(x) return x:read() end } do
        for _, name in ipairs { 'fiducial', 'derivative', 'validation_fiducial',
          'validation_derivative' } do
          plain[name] = plain[name] -- forgets the score, too
          changed[name] = wrap(changed[name])
        end
        assert.is_true(result(plain) == result(changed))
      end
    end
  end)

  it('is read into memory where that is asked for', function()
    local o = aggregated(nets.gradient_options(), 20)
    o.fiducial, o.cache = data.from_array(o.fiducial), true
    assert.is_true(np.is_array(imnn.AggregatedGradientIMNN(o).fiducial))
  end)

  it('that is not finite stops the fit with the number of the record', function()
    local bad = np.where(np.eq(np.arange(60), 6):reshape { 60, 1 }, 0 / 0, d)
    local net = gradient { main = { data.from_array(bad), data.from_array(dd) } }
    assert.matches('fit: iteration 0: record 7 of array is not finite; drop it, or make it again',
      message(function() fit(net) end))
  end)
end)
