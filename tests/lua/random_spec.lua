--- Keys and random numbers, against those of JAX (tests/golden/random) and against statistics.
local ffi = require 'ffi'
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, random = imnn.np, imnn.random

local function load(name) return dofile('tests/golden/random/' .. name .. '.lua') end
local function as_key(words) return np.array(words, 'u32') end

-- Run fn in a key layout; the other one comes back whatever happens.
local function in_layout(name, fn)
  local before = random.key_layout()
  random.set_key_layout(name)
  local ok, why = pcall(fn)
  random.set_key_layout(before)
  if not ok then error(why, 0) end
end

local function flat(t, out)
  out = out or {}
  if type(t) ~= 'table' then out[#out + 1] = t
  else
    for _, v in ipairs(t) do flat(v, out) end
  end
  return out
end

local function exactly(expected, got, what)
  local why = golden.difference({ y = flat(expected) }, got)
  assert.is_nil(why, why and what .. ': ' .. why)
end

local function same(a, b, what)
  exactly(a:values(), b, what)
  assert.same(a.shape, b.shape)
  assert.equal(a.dtype, b.dtype)
end

describe('keys', function()
  local keys = load 'keys'

  it('come from seeds: the low 32 bits', function()
    for _, row in ipairs(keys.seeds) do
      exactly(row[2], random.PRNGKey(row[1]), 'seed ' .. tostring(row[1]))
    end
    exactly({ 0, 4294967293 }, random.PRNGKey(ffi.new('int64_t', -3)), 'an int64_t')
    exactly({ 0, 1 }, random.PRNGKey(ffi.new('uint64_t', 2 ^ 32) + 1), 'a uint64_t')
    assert.equal('u32 (2)', tostring(random.key(5)):match 'u32 %(2%)')
  end)

  for _, layout in ipairs { 'original', 'partitionable' } do
    it('and words are those of JAX in the ' .. layout .. ' layout', function()
      in_layout(layout, function()
        for _, row in ipairs(keys[layout]) do
          local key = as_key(row.key)
          local got = row[1] == 'split' and random.split(key, row.n)
            or row[1] == 'fold_in' and random.fold_in(key, row.data)
            or random.bits(key, row.shape)
          exactly(row.y, got, ('%s of {%d, %d}'):format(row[1], row.key[1], row.key[2]))
          assert.equal('u32', got.dtype)
          if row.shape then assert.same(row.shape, got.shape) end
        end
      end)
    end)

    it('are independent along leading axes: one call each, ' .. layout, function()
      in_layout(layout, function()
        local many = random.split(random.PRNGKey(5), 6):reshape { 2, 3, 2 }
        local data = np.array({ { 4, 0, 9 }, { 7, 2, 1 } }, 'u32')
        local words, split = random.bits(many, { 5 }), random.split(many, 3)
        local folded = random.fold_in(many, data)
        assert.same({ 2, 3, 5 }, words.shape)
        assert.same({ 2, 3, 3, 2 }, split.shape)
        for i = 1, 2 do
          for j = 1, 3 do
            local key = many[{ i, j }]
            same(random.bits(key, { 5 }), words[{ i, j }], 'bits')
            same(random.split(key, 3), split[{ i, j }], 'split')
            same(random.fold_in(key, data[{ i, j }]), folded[{ i, j }], 'fold_in')
          end
        end
      end)
    end)
  end

  it('fold_in takes numbers beyond 2^31 and arrays of numbers', function()
    local key = random.PRNGKey(0)
    exactly({ 743310391, 3789761811 }, random.fold_in(key, 4294967295), 'the last one')
    local three = random.fold_in(key, np.array({ 0, 1, 2 }, 'i32'))
    for i = 0, 2 do same(random.fold_in(key, i), three[i + 1], 'number ' .. i) end
  end)

  it('partitionable words do not depend on how many there are', function()
    in_layout('partitionable', function()
      local key = random.PRNGKey(9)
      same(random.bits(key, { 7 }), random.bits(key, { 40 })[{ { 1, 7 } }], 'bits')
      same(random.split(key, 3), random.split(key, 9)[{ { 1, 3 } }], 'split')
    end)
  end)

  it('the layout is one setting, original at first', function()
    assert.equal('original', random.key_layout())
    assert.matches('"original" or "partitionable", got old$', message(function()
      random.set_key_layout 'old'
    end))
  end)

  it('misuse is an error that says what a key is', function()
    local key = random.PRNGKey(0)
    for what, fn in pairs {
      ['random%.normal: a key has shape %(2%), got a number$'] = function() random.normal(7) end,
      ['random%.normal: a key has shape %(2%), got f32 %(2%)$'] = function()
        random.normal(np.array { 0, 1 })
      end,
      ['random%.uniform: a key has shape %(2%), got u32 %(3%)$'] = function()
        random.uniform(np.zeros({ 3 }, 'u32'), { 2 })
      end,
      ['random%.split: a key has shape %(2%), got a nil$'] = function() random.split() end,
      ['random%.split: the number of keys must be whole, got 1%.5$'] = function()
        random.split(key, 1.5)
      end,
      ['random%.split: the number of keys must be whole, got %-1$'] = function()
        random.split(key, -1)
      end,
      ['random%.fold_in: data must be whole, got 0%.5$'] = function() random.fold_in(key, 0.5) end,
      ['random%.PRNGKey: a seed is a whole number %(text or int64_t beyond 2%^53%), got 0%.5$'] =
        function() random.PRNGKey(0.5) end,
      ['random%.PRNGKey: .*, got nil$'] = function() random.PRNGKey() end,
      ['random%.PRNGKey: .*, got inf$'] = function() random.PRNGKey(math.huge) end,
      ['random%.bits: sizes are whole numbers, 0 or more, got %-2$'] = function()
        random.bits(key, { -2 })
      end,
      ['random%.normal: a shape is a table of sizes, got string$'] = function()
        random.normal(key, 'f64')
      end,
      ['random%.normal: dtype must be f32 or f64, got i32$'] = function()
        random.normal(key, { 2 }, 'i32')
      end,
      ['random%.uniform: unknown option "min"'] = function()
        random.uniform(key, { 2 }, { min = 1 })
      end,
      ['random%.truncated_normal: needs two numbers in order, got 2 and 1$'] = function()
        random.truncated_normal(key, 2, 1, { 3 })
      end,
    } do
      local text = message(fn)
      assert.matches(what, text)
      assert.matches('^tests/lua/random_spec%.lua:%d+: ', text)
    end
  end)
end)

-- What each golden case calls: functions (case, key, dtype) -> Array.
local draw = {}

function draw.uniform(case, key, dtype)
  return random.uniform(key, case.shape,
    { dtype = dtype, minval = case.minval, maxval = case.maxval })
end
function draw.normal(case, key, dtype) return random.normal(key, case.shape, dtype) end
function draw.truncated_normal(case, key, dtype)
  return random.truncated_normal(key, case.lower, case.upper, case.shape, dtype)
end
draw['vmap normal'] = function(case, key, dtype)
  return imnn.vmap(function(k) return random.normal(k, { case.shape[2] }, dtype) end)(
    random.split(key, case.shape[1]))
end

-- The case with its arrays.
local function arguments(case, dtype)
  local out = {}
  for name, v in pairs(case) do
    local is_input = type(v) == 'table' and name ~= 'y' and name ~= 'shape' and name ~= 'sizes'
    out[name] = is_input and name ~= 'key' and np.array(v, dtype) or v
  end
  if out.ulp == 3 then out.ulp = 4 end -- normal: the logarithm in the inverse error function
  return out
end

describe('samplers give the numbers of JAX', function()
  for _, layout in ipairs { 'original', 'partitionable' } do
    for _, dtype in ipairs { 'f32', 'f64' } do
      for _, case in ipairs(load(layout .. '_' .. dtype)) do
        local fn = draw[case.fn]
        if fn then
          local name = ('%s, key (%d, %d), %s, %s'):format(case[1], case.key[1], case.key[2], dtype,
            layout)
          it(name, function()
            in_layout(layout, function()
              local got = fn(arguments(case, dtype), as_key(case.key), dtype)
              local why = golden.difference(arguments(case, dtype), got)
              assert.is_nil(why, why)
            end)
          end)
        end
      end
    end
  end
end)

describe('draws', function()
  local key = random.PRNGKey(21)

  it('have the shape that is asked for: none, empty, many axes', function()
    for _, fn in pairs {
      function(shape) return random.uniform(key, shape) end,
      function(shape) return random.normal(key, shape, 'f64') end,
      function(shape) return random.truncated_normal(key, -1, 1, shape) end,
      function(shape) return random.bits(key, shape) end,
    } do
      assert.same({}, fn().shape)
      assert.same({}, fn({}).shape)
      assert.same({ 3 }, fn(3).shape)
      assert.same({ 0 }, fn({ 0 }).shape)
      assert.same({ 2, 0, 3 }, fn({ 2, 0, 3 }).shape)
      assert.same({ 2, 1, 3, 1, 2 }, fn({ 2, 1, 3, 1, 2 }).shape)
    end
    assert.same({ 0, 2 }, random.split(key, 0).shape)
  end)

  it('are the same each at its key, mapped over keys, and in one compiled program', function()
    local keys = random.split(key, 7)
    local function one(k)
      return random.normal(k, { 2, 3 }), random.uniform(k, { 4 }, { minval = -3, maxval = 2 }),
        random.truncated_normal(k, -2, 2, { 5 }), random.normal(k, {}, 'f64')
    end
    local mapped = { imnn.vmap(one)(keys) }
    local compiled = { imnn.jit(imnn.vmap(one))(keys) }
    for n = 1, 4 do
      same(mapped[n], compiled[n], 'compiled result ' .. n)
      for i = 1, 7 do same(({ one(keys[i]) })[n], mapped[n][i], 'result ' .. n) end
    end
  end)

  it('the layout belongs to what is compiled', function()
    local f = imnn.jit(function(k) return random.normal(k, { 4 }) end)
    local original = f(key)
    in_layout('partitionable', function()
      same(random.normal(key, { 4 }), f(key), 'partitionable')
    end)
    same(original, f(key), 'original again')
  end)

  it('bounds of uniform may be arrays, and traced ones', function()
    local lo, hi = np.array { 0, 10, 20 }, np.array { 1, 12, 24 }
    local x = random.uniform(key, { 2, 3 }, { minval = lo, maxval = hi })
    assert.is_true(np.ge(x, lo):all():item() and np.lt(x, hi):all():item())
    local slope = imnn.jacfwd(function(b)
      return random.uniform(key, { 3 }, { minval = 0, maxval = b })
    end)(np.array(2))
    local unit = random.uniform(key, { 3 })
    assert.is_true(np.abs(slope - unit):max():item() < 1e-6)
  end)

  it('a simulator has slopes in its parameters', function()
    local function simulate(theta)
      return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 5 })
    end
    local jacobian = imnn.jacfwd(simulate)(np.array { 1, 4 })
    local z = random.normal(key, { 5 })
    exactly({ 1, 1, 1, 1, 1 }, jacobian[{ '...', 1 }], 'in the mean')
    local why = golden.difference({ y = (z / 4):values(), ulp = 2 }, jacobian[{ '...', 2 }])
    assert.is_nil(why)
  end)
end)
