-- Whatever a public function is given, it does not crash: it works, or it says which function it is
-- and what is wrong, and names the line of the script.
local imnn = require 'imnn'
local junk = require 'tests.support.junk'
local names = require 'imnn.help.names'
local option_calls = require 'tests.support.option_calls'
local usage = require 'tests.support.usage'
local world = require 'tests.support.world_of_examples'

local env = setmetatable({}, { __index = function(_, name) return imnn[name] end })
env.imnn = imnn

-- A function that calls a public one by its name, as scripts do.
local function caller(name)
  local code = ('return function(...) local result = %s(...) return result end'):format(name)
  return setfenv(assert(loadstring(code, '@tests/lua/junk_spec.lua')), env)()
end

-- A function that calls a method of an object.
local function method(object, name)
  if not loadstring('return x.' .. name) then return function() end end -- x['and']
  local code = 'local object = ... return function(...) local y = object:%s(...) return y end'
  if name == '__call' then
    code = 'local abc = ... return function(...) local y = abc(...) return y end'
  end
  return assert(loadstring(code:format(name), '@tests/lua/junk_spec.lua'))(object)
end

-- What takes no arguments, and what is for the inside.
local others = { ['imnn.doctor'] = true, ['imnn.cite'] = true }
local inside = { ['imnn.core'] = true, ['imnn.help'] = true, ['imnn.args'] = true }

local function each_function(page, fn)
  local wrong = {}
  for _, entry in ipairs(page.entries) do
    if type(entry.value) == 'function' and not others[entry.full] then
      for _, text in ipairs(fn(entry, caller(entry.full))) do wrong[#wrong + 1] = text end
    end
  end
  assert.equal('', table.concat(wrong, '\n'))
end

describe('junk is refused by name', function()
  for _, page in ipairs(names.all().pages) do
    if not inside[page.name] and not page.class then
      it('on page ' .. page.name, function()
        usage.apart(function() each_function(page, junk.all) end)
      end)

      it('in one place, on page ' .. page.name, function()
        local examples = world.new()
        usage.apart(function()
          each_function(page, function(entry, where) return junk.single(entry, where, examples) end)
        end)
      end)
    end
  end

  local function by_methods(page, object)
    local wrong = {}
    usage.apart(function()
      for _, entry in ipairs(page.entries) do
        if entry.method and not entry.full:find '[.]' then
          local where = method(object, entry.name)
          for _, text in ipairs(junk.all(entry, where)) do wrong[#wrong + 1] = text end
        end
      end
    end)
    assert.equal('', table.concat(wrong, '\n'))
  end

  for _, page in ipairs(names.all().pages) do
    if page.class and page.name ~= 'history' then
      it('by methods of ' .. page.name, function() by_methods(page, world.new()[page.name]) end)
    end
  end

  it('by methods that only some distributions have', function()
    by_methods(names.all().by_page.prior, imnn.distributions.normal_mixture({ 0, 1 },
      { { 0, 1 }, { 2, -1 } }, { { { 1, 0 }, { 0.5, 2 } }, { { 1, 0 }, { 0, 1 } } }))
  end)
end)

-- Options that calls of likelihood-free inference and of figures do not give, too: lists in
-- support/option_calls.lua, names from what the calls look for.
describe('junk in one option is refused', function()
  local function where(fn, options)
    local result = fn(options)
    return result
  end
  local count = {}
  for _, call in ipairs(option_calls.all()) do
    count[call.name] = (count[call.name] or 0) + 1
    it(('by %s, call %d'):format(call.name, count[call.name]), function()
      usage.apart(function()
        assert.equal('', table.concat(junk.options(call, where), '\n'))
      end)
    end)
  end
end)

describe('a name that is not there', function()
  it('is answered with the nearest one', function()
    for code, sentence in pairs {
      ['np.sim'] = 'np: there is no "sim"; did you mean "sin"?',
      ['np.zzzzz'] = 'np: there is no "zzzzz"',
      ['np.fft.fftt'] = 'np.fft: there is no "fftt"; did you mean "fft"?',
      ['stax.Dens'] = 'stax: there is no "Dens"; did you mean "Dense"?',
      ['random.norml'] = 'random: there is no "norml"; did you mean "normal"?',
      ['lfi.unifrm'] = 'lfi: there is no "unifrm"; did you mean "uniform"?',
      ['scipy.speciall'] = 'scipy: there is no "speciall"; did you mean "special"?',
      ['imnn.nump'] = 'imnn: there is no "nump"; did you mean "numpy"?',
      ['np.ones(2).reshap'] =
        'array: an Array has no field or method "reshap"; did you mean "reshape"?',
    } do
      local chunk = loadstring(('local found = %s return found'):format(code), '=user')
      assert.same({ false, 'user:1: ' .. sentence }, { pcall(setfenv(chunk, env)) })
    end
  end)

  it('of a method of a net or posterior is, too; fields that are not there yet are nil', function()
    local examples = world.new()
    local net, gaussian = examples.net, examples.gaussian
    for sentence, fn in pairs {
      ['SimulatorIMNN: there is no "getestimate"; did you mean "get_estimate"?'] =
        function() local _ = net.getestimate end,
      ['lfi: there is no "marginalplot"; did you mean "marginal_plot"?'] =
        function() local _ = gaussian.marginalplot end,
    } do
      local ok, why = pcall(fn)
      assert.is_false(ok)
      assert.are.equal(sentence, why:match ':%d+: (.*)$')
    end
    assert.is_nil(net.something_else)
    assert.is_nil(gaussian.something_else)
  end)
end)

-- Layers are tables of functions, which call one another: what is wrong is said by one of them, or
-- by the function of np, lax or random that it is about.
describe('layers refuse', function()
  local stax, np = imnn.stax, imnn.np
  local key = imnn.random.PRNGKey(0)
  local shapes = { Dense = { 3 }, DeepSet = { 4, 3 }, MultiHeadAttention = { 4, 2 }, GRU = { 4, 3 },
    Conv1D = { 5, 2 }, Conv1DTranspose = { 5, 2 }, Conv3D = { 3, 3, 3, 2 }, serial = { 3 },
    residual = { 2 }, parallel = { { 3 }, { 2 } }, FanInSum = { { 2 }, { 2 } },
    FanInConcat = { { 2 }, { 3 } } }
  local made = {
    Dense = stax.Dense(3), Conv = stax.Conv(2, { 3, 3 }), Conv1D = stax.Conv1D(2, { 3 }),
    Conv3D = stax.Conv3D(2, { 3, 3, 3 }), ConvTranspose = stax.ConvTranspose(2, { 3, 3 }),
    Conv1DTranspose = stax.Conv1DTranspose(2, { 3 }), BatchNorm = stax.BatchNorm { axis = 1 },
    LayerNorm = stax.LayerNorm(), GroupNorm = stax.GroupNorm(1), Dropout = stax.Dropout(0.5),
    GRU = stax.GRU(3), DeepSet = stax.DeepSet(stax.Dense(2), stax.Dense(2)),
    MultiHeadAttention = stax.MultiHeadAttention(2), MaxPool = stax.MaxPool { 2, 2 },
    AvgPool = stax.AvgPool { 2, 2 }, FanOut = stax.FanOut(2), FanInConcat = stax.FanInConcat(),
    serial = stax.serial(stax.Dense(2), stax.Relu), residual = stax.residual(stax.Dense(2)),
    parallel = stax.parallel(stax.Dense(2), stax.Relu),
    shape_dependent = stax.shape_dependent(function() return stax.Dense(2) end),
  }
  for name, value in pairs(stax) do
    if type(value) == 'table' and value.init then made[name] = value end
  end

  for name, layer in pairs(made) do
    it('what makes no sense: ' .. name, function()
      local wrong, shape = {}, shapes[name] or { 4, 4, 2 }
      local _, params = layer.init(key, shape)
      local function try(what, fn)
        local ok, why = pcall(fn)
        if not ok and not tostring(why):find '^tests/lua/junk_spec.lua:%d+: [%w_.]+: ' then
          wrong[#wrong + 1] = ('%s: %s'):format(what, tostring(why))
        end
      end
      for what, value in junk.values() do
        try('init shape ' .. what, function() layer.init(key, value) return end)
        try('init key ' .. what, function() layer.init(value, shape) return end)
        try('apply params ' .. what, function() layer.apply(value, np.ones { 4, 4, 2 }) return end)
        try('apply x ' .. what, function() layer.apply(params, value) return end)
        try('apply opts ' .. what, function()
          layer.apply(params, np.ones { 4, 4, 2 }, value)
          return
        end)
      end
      assert.equal('', table.concat(wrong, '\n'))
    end)
  end
end)
