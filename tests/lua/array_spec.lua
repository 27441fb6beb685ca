--- Arrays: what they are made of, how they are printed, indexed, compared and given back.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np = imnn.np

local HERE = '^tests/lua/array_spec.lua:%d+: '

-- The sentence of the error that fn raises, which must name a line of this file.
local function refusal(fn)
  local why = message(fn)
  assert.matches(HERE, why)
  return (why:gsub(HERE, ''))
end

local function is(expected, dtype, x)
  assert.equal(dtype, x.dtype)
  assert.same(expected, x:totable())
end

describe('an array is made', function()
  it('of numbers and nested tables, f32 by default', function()
    is({ 1, 2.5 }, 'f32', np.array { 1, 2.5 })
    is({ { 1, 2, 3 }, { 4, 5, 6 } }, 'f32', np.array { { 1, 2, 3 }, { 4, 5, 6 } })
    is({ { { 1 } }, { { 2 } } }, 'f32', np.array { { { 1 } }, { { 2 } } })
    is(7, 'f32', np.array(7))
    assert.same({ 2, 3 }, np.array { { 1, 2, 3 }, { 4, 5, 6 } }.shape)
    assert.same({}, np.array(7).shape)
  end)

  it('of booleans, and of both kinds', function()
    is({ true, false }, 'bool', np.array { true, false })
    is(true, 'bool', np.array(true))
    is({ 1, 3 }, 'f32', np.array { true, 3 })
  end)

  it('of a dtype that is asked for', function()
    is({ 0.1, -2 }, 'f64', np.array({ 0.1, -2 }, 'f64'))
    is({ 1, -1, 0 }, 'i32', np.array({ 1.7, -1.7, 0 / 0 }, 'i32'))
    is({ 4294967295, 7 }, 'u32', np.array({ 4294967295, 7 }, 'u32'))
    is({ true, false, true }, 'bool', np.array({ 0.5, 0, 0 / 0 }, 'bool'))
  end)

  it('of arrays, which are stacked', function()
    local x = np.array { 1, 2 }
    is({ { 1, 2 }, { 3, 4 } }, 'f32', np.array { x, { 3, 4 } })
    is({ { 1, 2 }, { 3, 4 } }, 'f64', np.array { { np.array(1, 'f64'), 2 }, { 3, 4 } })
    is({ { 3, 4 }, { 1, 2 } }, 'i32', np.array({ { 3, 4 }, x }, 'i32'))
    assert.is_true(rawequal(x, np.array(x)))
    is({ 1, 2 }, 'f64', np.array(x, 'f64'))
  end)

  it('with no elements', function()
    assert.same({ 0 }, np.array({}).shape)
    assert.same({ 2, 0 }, np.array({ {}, {} }).shape)
    is({}, 'f32', np.zeros { 0 })
    is({ {}, {} }, 'bool', np.zeros({ 2, 0 }, 'bool'))
    assert.equal(0, np.zeros({ 0, 3 }).size)
    assert.equal('{}  f32 (0, 3)', tostring(np.zeros { 0, 3 }))
    is({}, 'f32', np.zeros { 0 } + 1)
    is(0, 'f32', np.zeros({ 0 }):sum())
  end)

  it('not of ragged tables', function()
    for sentence, t in pairs {
      ['a table of 1 beside a table of 2'] = { { 1, 2 }, { 3 } },
      ['a number beside a table of 1'] = { { 1 }, 2 },
      ['a table beside a number'] = { 1, { 2 } },
      ['a table of 0 beside a table of 1'] = { { { 1 } }, { {} } },
      ['a boolean beside a table of 0'] = { {}, true },
    } do
      assert.equal('array: the nested table is ragged, ' .. sentence, refusal(function()
        np.array(t)
      end))
    end
  end)

  it('not of other things', function()
    assert.equal('array: elements must be numbers, booleans or Arrays, got string',
      refusal(function() np.array { 1, 'a' } end))
    assert.equal('array: elements must be numbers, booleans or Arrays, got nil',
      refusal(function() np.array(nil) end))
    assert.equal('array: the table has other keys than 1 to 1',
      refusal(function() np.array { 1, sigma = 2 } end))
    assert.equal('array: stack: shapes differ, (2) and (3)',
      refusal(function() np.array { np.zeros { 2 }, np.zeros { 3 } } end))
    assert.equal('array: no dtype "f16"; there are f32, f64, i32, u32, bool, c64, c128',
      refusal(function() np.array({ 1 }, 'f16') end))
    local deep = {}
    deep[1] = deep
    assert.equal('array: at most 8 axes', refusal(function() np.array(deep) end))
  end)

  it('of memory of the FFI, whose size and type are looked at', function()
    local doubles = ffi.new('double[4]', { 1, 2, 3, 4 })
    is({ { 1, 2 }, { 3, 4 } }, 'f64', np.from_buffer(doubles, { 2, 2 }))
    is({ 1, 2 }, 'f64', np.from_buffer(ffi.cast('const double *', doubles), 2))
    is({ 5 }, 'i32', np.from_buffer(ffi.new('int32_t[?]', 1, { 5 }), { 1 }))
    is({ 4294967295 }, 'u32', np.from_buffer('\255\255\255\255', { 1 }, 'u32'))
    is({ true, false }, 'bool', np.from_buffer('\1\0', { 2 }, 'bool'))
    is({}, 'f32', np.from_buffer('', { 0 }))
    local copy = np.from_buffer(doubles, { 4 })
    doubles[0] = 7
    is({ 1, 2, 3, 4 }, 'f64', copy)

    assert.equal('from_buffer: 40 bytes are asked for, there are 32',
      refusal(function() np.from_buffer(doubles, { 5 }) end))
    assert.equal('from_buffer: 12 bytes are asked for, there are 3',
      refusal(function() np.from_buffer('abc', { 3 }) end))
    assert.equal('from_buffer: the memory holds f64, not f32',
      refusal(function() np.from_buffer(doubles, { 2 }, 'f32') end))
    for what, thing in pairs { table = {}, number = 3, ['NULL'] = ffi.cast('float *', nil),
      int64_t = 3LL } do
      assert.equal('from_buffer: needs an array or a pointer of the FFI, got ' .. what,
        refusal(function() np.from_buffer(thing, { 1 }) end))
    end
  end)

  it('not if it is larger than the memory, which is known before any is taken', function()
    for who, make in pairs {
      zeros = function() return (np.zeros { 1e6, 1e6 }) end,
      full = function() return (np.full({ 1e6, 1e6 }, 1)) end,
      arange = function() return (np.arange(1e12)) end,
      linspace = function() return (np.linspace(0, 1, 1e12)) end,
      eye = function() return (np.eye(1e6)) end,
      add = function()
        local x = np.ones { 1e6 }
        return (np.expand_dims(x, 1) + np.expand_dims(x, 2))
      end,
    } do
      assert.matches('^' .. who .. ': out of memory: %d+%.%d MiB asked for', refusal(make))
    end
    assert.equal('zeros: array: (1000000, 1000000, 1000000, 1000) are more elements than any '
      .. 'memory holds', refusal(function() np.zeros { 1e6, 1e6, 1e6, 1e3 } end))
  end)

  it('of sizes that are whole and not negative', function()
    assert.equal('zeros: sizes are whole numbers, 0 or more, got -1',
      refusal(function() np.zeros { 2, -1 } end))
    assert.equal('zeros: sizes are whole numbers, 0 or more, got 1.5',
      refusal(function() np.zeros(1.5) end))
    -- A name that nobody gave a value, which would be a size of 0.
    assert.equal('zeros: sizes are whole numbers, 0 or more, got nil as size 1',
      refusal(function() np.zeros { nil, 2 } end))
    assert.equal('zeros: sizes are whole numbers, 0 or more, got string as size 2',
      refusal(function() np.zeros { 2, '3' } end))
    assert.equal('random.normal: sizes are whole numbers, 0 or more, got nil as size 1',
      refusal(function() imnn.random.normal(imnn.random.PRNGKey(0), { nil, 2 }) end))
    assert.equal('zeros: a shape is a table of sizes, got string',
      refusal(function() np.zeros 'x' end))
    assert.equal('zeros: at most 8 axes, got 9',
      refusal(function() np.zeros { 1, 1, 1, 1, 1, 1, 1, 1, 1 } end))
  end)
end)

describe('an array is printed', function()
  it('as one writes it, with dtype and shape', function()
    assert.equal('{{1, 2},\n {3, 4.5}}  f32 (2, 2)', tostring(np.array { { 1, 2 }, { 3, 4.5 } }))
    assert.equal('{{{0, 1},\n  {2, 3}},\n {{4, 5},\n  {6, 7}}}  i32 (2, 2, 2)',
      tostring(np.arange(8):reshape(2, 2, 2)))
    assert.equal('3  f64', tostring(np.array(3, 'f64')))
    assert.equal('{true, false}  bool (2)', tostring(np.array { true, false }))
    assert.equal('{4294967295}  u32 (1)', tostring(np.array({ 4294967295 }, 'u32')))
    assert.equal('loss 2  f32!', 'loss ' .. np.array(2) .. '!')
  end)

  it('with six digits, and what is no number', function()
    assert.equal('{nan, inf, -inf, 1e-30, 1.23457e+08, -0, 0.333333}  f32 (7)',
      tostring(np.array { 0 / 0, 1 / 0, -1 / 0, 1e-30, 123456789, -0.0, 1 / 3 }))
    assert.equal('{nan}  f64 (1)', tostring(-np.array({ 0 / 0 }, 'f64')))
  end)

  it('by its ends if it is long', function()
    assert.equal('{0, 1, 2, ..., 1998, 1999, 2000}  i32 (2001)', tostring(np.arange(2001)))
    assert.equal(1000, select(2, tostring(np.arange(1000)):gsub('%d+[,}]', '')))
    local wide = tostring(np.arange(5000):reshape(2, 2500))
    assert.equal('{{0, 1, 2, ..., 2497, 2498, 2499},\n {2500, 2501, 2502, ..., 4997, 4998, 4999}}'
      .. '  i32 (2, 2500)', wide)
    assert.matches('^{{0},\n {0},\n {0},\n %.%.%.,\n {0},\n {0},\n {0}}  f32 %(2000, 1%)$',
      tostring(np.zeros { 2000, 1 }))
  end)

  it('by its type while it is traced', function()
    local inside, kept
    imnn.jit(function(x)
      inside, kept = tostring(x), x
      return x
    end)(np.zeros { 2, 3 })
    assert.equal('traced f32 (2, 3)', inside)
    assert.equal('traced array that has left its function', tostring(kept))
  end)
end)

describe('an index', function()
  local x = np.arange(12):reshape(3, 4)

  it('counts from 1, and from the end', function()
    is({ 0, 1, 2, 3 }, 'i32', x[1])
    is({ 8, 9, 10, 11 }, 'i32', x[-1])
    is(6, 'i32', x[{ 2, 3 }])
    is(11, 'i32', x[{ -1, -1 }])
    is(6, 'i32', x[2][3])
  end)

  it('may be a range with both ends, and a step', function()
    is({ { 4, 5, 6, 7 }, { 8, 9, 10, 11 } }, 'i32', x[{ { 2, 3 } }])
    is({ { 0, 2 }, { 4, 6 }, { 8, 10 } }, 'i32', x[{ {}, { 1, 4, 2 } }])
    is({ { 3, 1 }, { 7, 5 }, { 11, 9 } }, 'i32', x[{ {}, { 4, 1, -2 } }])
    is({ 4, 0 }, 'i32', x[{ { -2, 1, -1 }, 1 }])
    is({ 2, 3 }, 'i32', x[{ 1, { -2, -1 } }])
    assert.same({ 0, 4 }, x[{ { 3, 2 } }].shape)
    assert.same(x:totable(), x[{}]:totable())
  end)

  it('may add axes and leave some out', function()
    assert.same({ 1, 3, 4 }, x[np.newaxis].shape)
    assert.same({ 3, 1, 4 }, x[{ {}, np.newaxis }].shape)
    assert.same({ 3, 1 }, x[{ {}, np.newaxis, 2 }].shape)
    is({ 1, 5, 9 }, 'i32', x[{ '...', 2 }])
    is({ 4, 5, 6, 7 }, 'i32', x[{ 2, '...' }])
    assert.same({ 3, 4, 1 }, x[{ '...', np.newaxis }].shape)
    assert.same(x:totable(), x['...']:totable())
    is(3, 'f32', np.array(3)[{}])
    is({ 3 }, 'f32', np.array(3)[np.newaxis])
  end)

  it('may be an array of positions or a mask', function()
    is({ { 8, 9, 10, 11 }, { 0, 1, 2, 3 } }, 'i32', x[np.array({ 3, 1 }, 'i32')])
    is({ { 0, 3 }, { 4, 7 }, { 8, 11 } }, 'i32', x[{ {}, np.array({ 1, -1 }, 'i32') }])
    is({ 5, 5 }, 'i32', x[{ 2, np.array({ 2, 2 }, 'u32') }])
    assert.same({ 2, 2, 4 }, x[np.array({ { 1, 2 }, { 3, 1 } }, 'i32')].shape)
    is({ { 0, 1, 2, 3 }, { 8, 9, 10, 11 } }, 'i32', x[np.array { true, false, true }])
    is({}, 'i32', x[np.zeros({ 3 }, 'bool')])
  end)

  it('may have several arrays, which choose together', function()
    local y = np.arange(24):reshape(2, 3, 4)
    local function i32(t) return np.array(t, 'i32') end
    is({ 1, 4, 6 }, 'i32', x[{ i32 { 1, 2, 2 }, i32 { 2, 1, 3 } }])
    is({ { 0, 2 }, { 8, 10 } }, 'i32', x[{ i32 { { 1 }, { 3 } }, i32 { 1, 3 } }])
    is({ 3, 20 }, 'i32', y[{ i32 { 1, 2 }, i32 { 1, 3 }, i32 { 4, 1 } }])
    is({ { 4, 11 }, { 16, 23 } }, 'i32', y[{ {}, i32 { 2, 3 }, i32 { 1, 4 } }])
    is({ { 3, 7, 11 }, { 12, 16, 20 } }, 'i32', y[{ i32 { 1, 2 }, {}, i32 { 4, 1 } }])
    is({ { 3, 7 }, { 0, 4 } }, 'i32', y[{ 1, { 1, 2 }, i32 { 4, 1 } }]) -- numbers count as arrays
    assert.same({ 3, 1, 3, 4 }, y[{ i32 { 1, 1, 2 }, np.newaxis, '...' }].shape)
    assert.same({ 2, 1, 2 }, y[{ {}, np.newaxis, 1, i32 { 1, 2 } }].shape)
    assert.same({ 0, 4 }, y[{ np.zeros({ 0 }, 'i32'), 2 }].shape)
  end)

  it('may have masks of one or several axes, also beside others', function()
    local y = np.arange(24):reshape(2, 3, 4)
    is({ 9, 10, 11 }, 'i32', x[np.gt(x, 8)])
    is({ 1, 9 }, 'i32', y[{ 1, np.array { true, false, true }, 2 }])
    is({ { 0, 3 }, { 4, 7 }, { 8, 11 } }, 'i32', x[{ {}, np.array { true, false, false, true } }])
    is({ 0, 11 }, 'i32', x[{ np.array { true, false, true }, np.array({ 1, 4 }, 'i32') }])
    assert.same({ 2, 2 }, y[{ '...', np.eye(3, 4, 'bool') }][{ {}, { 1, 2 } }].shape)
    assert.same({ 5, 4 }, y[np.array { { true, true, true }, { true, true, false } }].shape)
    is({ { 8, 9, 10, 11 } }, 'i32', imnn.jit(function(a)
      return a[np.array { false, false, true }]
    end)(x))
  end)

  it('of a traced array is the same, but positions outside are clamped', function()
    local f = imnn.jit(function(a, i) return a[{ { 2, 3 }, -1 }], a[i] end)
    local y, z = f(x, np.array({ 1, 9, -9 }, 'i32'))
    is({ 7, 11 }, 'i32', y)
    is({ { 0, 1, 2, 3 }, { 8, 9, 10, 11 }, { 0, 1, 2, 3 } }, 'i32', z)
    local function masked(a) return (a[np.gt(a, 1)]) end
    assert.equal('index: a mask of a traced array gives a shape that is not known yet; use '
      .. 'np.where', refusal(function() imnn.jit(masked)(np.zeros { 2 }) end))
  end)

  it('is refused outside of the array, or if it makes no sense', function()
    local range = 'index: a range is { first, last } or { first, last, step } of whole numbers, '
      .. 'got '
    for _, case in ipairs {
      { 4, 'index: no element 4, there are 3' },
      { 0, 'index: no element 0, there are 3' },
      { -4, 'index: no element -4, there are 3' },
      { 1.5, 'index: no element 1.5, there are 3' },
      { { 1, 5 }, 'index: no element 5, there are 4' },
      { { { 0, 2 } }, 'index: range 0 to 2 leaves axis 1, which has 3 elements' },
      { { {}, { 2, 5 } }, 'index: range 2 to 5 leaves axis 2, which has 4 elements' },
      { { { 1 } }, range .. '{1, nil} for axis 1' },
      { { {}, { 1, 2, 0 } }, range .. '{1, 2, 0} for axis 2' },
      { { { 1.5, 2 } }, range .. '{1.5, 2} for axis 1' },
      { { { 1, 2, 3, 4 } }, range .. '{1, 2, 3, 4} for axis 1' },
      { { 1, 1, 1 }, 'index: 3 indices for an array of 2 axes' },
      { { '...', '...' }, "index: '...' may stand once" },
      { { {}, 'newaxis', {} },
        'index: entries are numbers, ranges, "...", np.newaxis or arrays, got "newaxis"' },
      { true, 'index: entries are numbers, ranges, "...", np.newaxis or arrays, got boolean' },
      { np.array { 1, 2 }, 'index: indices must be i32 or u32, got f32' },
      { np.array({ 1, 7 }, 'i32'), 'index: no element 7, there are 3' },
      { np.array { true, false },
        'index: a mask has the sizes of the axes that it is for, got (2) for axis 1 of (3, 4)' },
      { { {}, np.array { true } },
        'index: a mask has the sizes of the axes that it is for, got (1) for axis 2 of (3, 4)' },
      { np.array(true), 'index: a mask needs an axis, got shape ()' },
      { np.zeros({ 3, 4, 1 }, 'bool'), 'index: 3 indices for an array of 2 axes' },
    } do
      assert.equal(case[2], refusal(function() return (x[case[1]]) end))
    end
    assert.equal('index: 1 indices for an array of 0 axes',
      refusal(function() return (np.array(3)[1]) end))
  end)
end)

describe('an array', function()
  local x = np.array { { 1, 2 }, { 3, 4 } }

  it('has operators', function()
    is({ { 2, 4 }, { 6, 8 } }, 'f32', x + x)
    is({ { 0, 1 }, { 2, 3 } }, 'f32', x - 1)
    is({ { 2, 4 }, { 6, 8 } }, 'f32', 2 * x)
    is({ { 12, 6 }, { 4, 3 } }, 'f32', 12 / x)
    is({ { 1, 4 }, { 9, 16 } }, 'f32', x ^ 2)
    is({ { 2, 4 }, { 8, 16 } }, 'f32', 2 ^ x)
    is({ { 1, 2 }, { 0, 1 } }, 'f32', x % 3)
    is({ 2, 0.5 }, 'f32', np.array { -1, 3.5 } % 3)
    is({ { -1, -2 }, { -3, -4 } }, 'f32', -x)
    is({ { 11, 22 }, { 13, 24 } }, 'f32', x + { 10, 20 })
    assert.equal('add: argument 2 must be an Array or a number, got string',
      refusal(function() return (x + 'a') end))
    assert.equal('mul: argument 1 must be an Array or a number, got nil',
      refusal(function() return (nil * x) end))
    assert.equal('add: shapes do not broadcast, (2, 2) and (3)',
      refusal(function() return (x + { 1, 2, 3 }) end))
  end)

  it('tells its type', function()
    assert.same({ 2, 2 }, x.shape)
    assert.equal('f32', x.dtype)
    assert.equal(2, x.ndim)
    assert.equal(4, x.size)
    assert.equal(2, #x)
    assert.is_true(np.is_array(x))
    assert.is_false(np.is_array { 1 })
    assert.equal('length: an array of shape () has none',
      refusal(function() return (#np.array(3)) end))
  end)

  it('gives its values to Lua', function()
    assert.same({ 1, 2, 3, 4 }, x:values())
    assert.same({ { 1, 2 }, { 3, 4 } }, x:totable())
    assert.equal(5, np.array(5):totable())
    assert.equal(5, np.array({ { 5 } }):item())
    assert.is_true(np.array(true):item())
    assert.equal(3, x:data()[2])
    assert.equal('item: needs one element, got shape (2, 2)',
      refusal(function() return (x:item()) end))
    local first, second = x:unpack()
    is({ 1, 2 }, 'f32', first)
    is({ 3, 4 }, 'f32', second)
    local seen = {}
    for i, row in x:rows() do seen[i] = row:values() end
    assert.same({ { 1, 2 }, { 3, 4 } }, seen)
  end)

  it('says what it does not have, and what is near', function()
    assert.equal('array: an Array has no field or method "shap"; did you mean "shape"?',
      refusal(function() return (x.shap) end))
    assert.equal('array: an Array has no field or method "summ"; did you mean "sum"?',
      refusal(function() return (x:summ()) end))
  end)

  it('never changes', function()
    assert.equal('array: an array never changes, so "1" cannot be set; make a new one, with '
      .. 'np.where, np.concatenate or arithmetic', refusal(function() x[1] = 3 end))
    assert.equal('array: an array never changes, so "shape" cannot be set; make a new one, with '
      .. 'np.where, np.concatenate or arithmetic', refusal(function() x.shape = { 4 } end))
  end)
end)

describe('a comparison', function()
  local one, two = np.array(1), np.array({ 2 }, 'i32')

  it('of single elements gives a boolean', function()
    assert.is_true(one < two and one < 2 and 0 < one)
    assert.is_true(one <= 1 and two > one and two >= 2)
    assert.is_true(one == np.array({ { 1 } }, 'f64') and one ~= two)
    assert.is_true(np.array(true) == np.array(true))
    assert.is_false(np.array(0 / 0) == np.array(0 / 0) or np.array(0 / 0) < 1)
    assert.is_false(one == nil or one == 'x' or one == {}) -- LuaJIT asks arrays about these too
  end)

  it('of more, of others, or of traced arrays is refused', function()
    local several = 'comparison: < <= == compare single elements, got shape (2); use np.lt, np.le, '
      .. 'np.eq'
    local x = np.array { 1, 2 }
    assert.equal(several, refusal(function() return x < 1 end))
    assert.equal(several, refusal(function() return x == x end))
    assert.equal('comparison: only numbers have an order, got number and string',
      refusal(function() return one < 'x' end))
    assert.equal('comparison: only numbers have an order, got boolean and number',
      refusal(function() return np.array(true) < 1 end))
    for who, fn in pairs {
      comparison = function(t)
        if t < 1 then return t end
        return -t
      end,
      item = function(t) return (t:item()) end,
      totable = function(t) return (t:totable()) end,
      values = function(t) return (t:values()) end,
      data = function(t) return (t:data()) end,
    } do
      assert.equal(who .. ': a traced array has no value yet; choose with np.where or lax.cond',
        refusal(function() imnn.jit(fn)(one) end))
    end
    assert.equal('array: nothing is traced here; call this inside a traced function, as of '
      .. 'imnn.jit', refusal(function() require('imnn.array').lift(one) end))
    assert.matches('^comparison: a traced array has no value yet', refusal(function()
      imnn.grad(function(t) return t == 1 and t or -t end)(one)
    end))
  end)
end)
