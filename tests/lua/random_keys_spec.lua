--- Keys and their bits, against those of JAX (tests/golden/random).
local ffi = require 'ffi'
local imnn = require 'imnn'
local draws = require 'tests.support.draws'
local message = require 'tests.support.message'
local np, random = imnn.np, imnn.random

local function load(name) return dofile('tests/golden/random/' .. name .. '.lua') end
local function as_key(words) return np.array(words, 'u32') end

local in_layout, exactly, same = draws.in_layout, draws.exactly, draws.same

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
      assert.matches('^tests/lua/random_keys_spec%.lua:%d+: ', text)
    end
  end)
end)
