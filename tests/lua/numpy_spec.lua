--- Functions of arrays against values found by hand, and what they say about bad arguments.
local imnn = require 'imnn'
local np = imnn.np

local nan, inf = 0 / 0, 1 / 0
local values = require 'tests.support.values'
local check, refuses = values.check, values.refuses 'tests/lua/numpy_spec.lua'
local table_of = values.table_of

local function i32(t) return np.array(t, 'i32') end
local function u32(t) return np.array(t, 'u32') end
local function f64(t) return np.array(t, 'f64') end

describe('elementwise functions', function()
  it('compute arithmetic', function()
    table_of {
      { 'neg', { { 1, -0.0, inf } }, 'f32', { -1, 0, -inf } },
      { 'neg', { i32 { 1, -2 } }, 'i32', { -1, 2 } },
      { 'abs', { { -2, -0.0, -inf } }, 'f32', { 2, 0, inf } },
      { 'sign', { { -3, 0, 2, nan } }, 'f32', { -1, 0, 1, nan } },
      { 'sign', { i32 { -3, 0, 2 } }, 'i32', { -1, 0, 1 } },
      { 'reciprocal', { { 4, 0, -inf } }, 'f32', { 0.25, inf, -0.0 } },
      { 'add', { { 1, 2 }, 10 }, 'f32', { 11, 12 } },
      { 'add', { u32 { 4294967295 }, u32 { 2 } }, 'u32', { 1 } },
      { 'sub', { i32 { 1 }, i32 { 3 } }, 'i32', { -2 } },
      { 'sub', { u32 { 1 }, u32 { 3 } }, 'u32', { 4294967294 } },
      { 'mul', { { 2, inf }, { 3, 0 } }, 'f32', { 6, nan } },
      { 'div', { { 1, 0, -1 }, { 0, 0, 0 } }, 'f32', { inf, nan, -inf } },
      { 'div', { i32 { 1 }, i32 { 2 } }, 'f32', { 0.5 } },
      { 'remainder', { { 5.5, -5.5, 5.5, -5.5 }, { 2, 2, -2, -2 } }, 'f32',
        { 1.5, 0.5, -0.5, -1.5 } },
      { 'remainder', { i32 { 7, -7, 7, -7 }, i32 { 3, 3, -3, -3 } }, 'i32', { 1, 2, -2, -1 } },
      { 'maximum', { { 1, nan, 3 }, { 2, 1, nan } }, 'f32', { 2, nan, nan } },
      { 'minimum', { { 1, nan, 3 }, { 2, 1, nan } }, 'f32', { 1, nan, nan } },
      { 'fma', { { 2 }, { 3 }, { 4 } }, 'f32', { 10 } },
      { 'square', { { -3, 2 } }, 'f32', { 9, 4 } },
      { 'clip', { { -1, 0.5, 9 }, 0, 1 }, 'f32', { 0, 0.5, 1 } },
      { 'clip', { { -1, 9 }, 0 }, 'f32', { 0, 9 } },
      { 'clip', { { -1, 9 }, nil, 1 }, 'f32', { -1, 1 } },
      { 'leaky_relu', { { 2, -2 }, 0.1 }, 'f32', { 2, -0.2 } },
      { 'relu', { { 2, -2, nan } }, 'f32', { 2, 0, nan } },
    }
  end)

  it('divide whole numbers by zero as they can', function()
    assert.equal('i32', np.remainder(i32 { 5 }, 0).dtype)
    assert.equal(2, #np.remainder(u32 { 5, 6 }, u32 { 0, 0 }))
    check('remainder', 'i32', { 0 }, np.remainder(i32 { -2147483648 }, i32 { -1 }))
  end)

  it('compute powers, exponentials and logarithms', function()
    table_of {
      { 'sqrt', { { 9, 0, -1, inf } }, 'f32', { 3, 0, nan, inf } },
      { 'sqrt', { i32 { 16 } }, 'f32', { 4 } },
      { 'sqrt', { 4 }, 'f32', 2 },
      { 'rsqrt', { { 4, 0.25 } }, 'f32', { 0.5, 2 } },
      { 'pow', { { 2, 9, 4, 0 }, { 10, 0.5, -0.5, 0 } }, 'f32', { 1024, 3, 0.5, 1 } },
      { 'exp', { { 0, 1, -inf, inf } }, 'f32', { 1, 2.718281828, 0, inf } },
      { 'exp', { f64 { 1 } }, 'f64', { 2.718281828459045 } },
      { 'expm1', { { 1e-10, 0 } }, 'f32', { 1e-10, 0 } },
      { 'log', { { 1, 2.718281828, 0, -1 } }, 'f32', { 0, 1, -inf, nan } },
      { 'log1p', { { 1e-10, 0, -1 } }, 'f32', { 1e-10, 0, -inf } },
      { 'softplus', { { 0, 100, -200 } }, 'f32', { math.log(2), 100, 0 } },
      { 'sigmoid', { { 0, math.log(3), -inf } }, 'f32', { 0.5, 0.75, 0 } },
      { 'erf', { { 0, 1, inf } }, 'f32', { 0, 0.8427007929, 1 } },
      { 'erfc', { { 0, 1, 3 } }, 'f32', { 1, 0.1572992071, 2.209049700e-5 } },
      { 'erf_inv', { { 0, 0.8427007929, 1, -1 } }, 'f32', { 0, 1, inf, -inf } },
    }
  end)

  it('keep integers in their powers, which are of no negative order', function()
    table_of {
      { 'pow', { i32 { 2, -3, 0 }, i32 { 5, 3, 0 } }, 'i32', { 32, -27, 1 } },
      { 'pow', { u32 { 3 }, u32 { 20 } }, 'u32', { 3486784401 } },
      { 'pow', { i32 { -2, 7 }, 2 }, 'i32', { 4, 49 } },
      { 'pow', { i32 { 2 }, 12 }, 'i32', { 4096 } },
      { 'pow', { 2, i32 { 0, 1, 5 } }, 'i32', { 1, 2, 32 } },
      { 'pow', { i32 { 2, 4 }, -1 }, 'f32', { 0.5, 0.25 } },
      { 'pow', { i32 { 4 }, 0.5 }, 'f32', { 2 } },
      { 'pow', { 0.5, i32 { -1, 2 } }, 'f32', { 2, 0.25 } },
      { 'pow', { { 0.5 }, i32 { -1 } }, 'f32', { 2 } },
      { 'float_power', { i32 { 2, 4 }, i32 { -1, 2 } }, 'f32', { 0.5, 16 } },
    }
    local sentence = 'pow: integers have no negative powers; convert one of both to a float'
    refuses(sentence, function() return i32 { 2 } ^ i32 { -1 } end)
    refuses(sentence, function() return 2 ^ i32 { 0, -1 } end)
    local traced = imnn.jit(function(a, b) return a ^ b end)
    check('traced', 'i32', { 0, 0, 1, -1 }, traced(i32 { 2, 0, 1, -1 }, i32 { -1, -2, -3, -3 }))
  end)

  it('compute trigonometry', function()
    local third, half = math.pi / 3, math.pi / 2
    table_of {
      { 'sin', { f64 { half / 3, 0 } }, 'f64', { 0.5, 0 } },
      { 'cos', { f64 { third, 0 } }, 'f64', { 0.5, 1 } },
      { 'tan', { f64 { half / 2, 0 } }, 'f64', { 1, 0 } },
      { 'asin', { f64 { 0.5, 2 } }, 'f64', { half / 3, nan } },
      { 'acos', { f64 { 0.5, 1 } }, 'f64', { third, 0 } },
      { 'atan', { f64 { 1, inf } }, 'f64', { half / 2, half } },
      { 'atan2', { f64 { 1, -1, 0 }, f64 { -1, -1, -1 } }, 'f64',
        { 1.5 * half, -1.5 * half, math.pi } },
      { 'hypot', { f64 { 3, 1e200 }, f64 { -4, 0 } }, 'f64', { 5, 1e200 } },
      { 'sinh', { f64 { math.log(2) } }, 'f64', { 0.75 } },
      { 'cosh', { f64 { math.log(2) } }, 'f64', { 1.25 } },
      { 'tanh', { f64 { math.log(2), inf } }, 'f64', { 0.6, 1 } },
      { 'asinh', { f64 { 0.75 } }, 'f64', { math.log(2) } },
      { 'acosh', { f64 { 1.25, 1 } }, 'f64', { math.log(2), 0 } },
      { 'atanh', { f64 { 0.6, 1 } }, 'f64', { math.log(2), inf } },
    }
  end)

  it('round', function()
    table_of {
      { 'floor', { { 1.5, -1.5, -0.0 } }, 'f32', { 1, -2, -0.0 } },
      { 'ceil', { { 1.5, -1.5 } }, 'f32', { 2, -1 } },
      { 'trunc', { { 1.5, -1.5 } }, 'f32', { 1, -1 } },
      { 'round', { { 0.5, 1.5, 2.5, -1.5 } }, 'f32', { 0, 2, 2, -2 } },
    }
  end)

  it('compare and choose', function()
    local a, b = { 1, 2, nan }, { 2, 2, nan }
    table_of {
      { 'eq', { a, b }, 'bool', { false, true, false } },
      { 'ne', { a, b }, 'bool', { true, false, true } },
      { 'lt', { a, b }, 'bool', { true, false, false } },
      { 'le', { a, b }, 'bool', { true, true, false } },
      { 'gt', { a, b }, 'bool', { false, false, false } },
      { 'ge', { a, b }, 'bool', { false, true, false } },
      { 'eq', { np.array { true, false }, true }, 'bool', { true, false } },
      { 'isnan', { { nan, inf, 1 } }, 'bool', { true, false, false } },
      { 'isinf', { { nan, -inf, 1 } }, 'bool', { false, true, false } },
      { 'isfinite', { { nan, inf, 1 } }, 'bool', { false, false, true } },
      { 'where', { { true, false }, { 1, 2 }, 0 }, 'f32', { 1, 0 } },
      { 'where', { i32 { 2, 0 }, i32 { 1, 2 }, i32 { 7 } }, 'i32', { 1, 7 } },
      { 'where', { true, f64 { 1 }, { nan } }, 'f64', { 1 } },
    }
  end)

  it('work on bits and truth', function()
    table_of {
      { 'and', { i32 { 12 }, i32 { 10 } }, 'i32', { 8 } },
      { 'or', { i32 { 12 }, i32 { 10 } }, 'i32', { 14 } },
      { 'xor', { u32 { 12 }, u32 { 10 } }, 'u32', { 6 } },
      { 'not', { u32 { 0 } }, 'u32', { 4294967295 } },
      { 'not', { { true, false } }, 'bool', { false, true } },
      { 'shift_left', { i32 { 1, 1, 3 }, i32 { 4, 32, 0 } }, 'i32', { 16, 0, 3 } },
      { 'shift_right', { i32 { -8 }, i32 { 1 } }, 'i32', { -4 } },
      { 'shift_right', { u32 { 4294967288 }, u32 { 1 } }, 'u32', { 2147483644 } },
      { 'logical_and', { { 0, 2, nan }, { 1, 3, 1 } }, 'bool', { false, true, true } },
      { 'logical_or', { { 0, 0 }, i32 { 0, 5 } }, 'bool', { false, true } },
      { 'logical_xor', { { true, true }, { true, false } }, 'bool', { false, true } },
      { 'logical_not', { { 0, 2 } }, 'bool', { true, false } },
      { 'logical_not', { 0 }, 'bool', true },
    }
    refuses('logical_and: needs an Array, got string', function() np.logical_and('x', 1) end)
    refuses('and: not defined for f32; it works on bool, u32, i32',
      function() np['and'](1.5, 2) end)
  end)

  it('have the names of NumPy', function()
    local two, three = f64 { 0.5 }, f64 { 0.25 }
    for alias, name in pairs {
      mod = 'remainder', power = 'pow', absolute = 'abs', negative = 'neg', multiply = 'mul',
      subtract = 'sub', divide = 'div', true_divide = 'div', arcsin = 'asin', arccos = 'acos',
      arctan = 'atan', arctan2 = 'atan2', arcsinh = 'asinh', arctanh = 'atanh', equal = 'eq',
      not_equal = 'ne', less = 'lt', less_equal = 'le', greater = 'gt', greater_equal = 'ge',
    } do
      local n = imnn.registry[name].arity
      assert.same(np[name](unpack({ two, three }, 1, n)):totable(),
        np[alias](unpack({ two, three }, 1, n)):totable())
    end
    table_of {
      { 'arccosh', { f64 { 1.25 } }, 'f64', { math.log(2) } },
      { 'bitwise_and', { i32 { 12 }, i32 { 10 } }, 'i32', { 8 } },
      { 'bitwise_or', { i32 { 12 }, i32 { 10 } }, 'i32', { 14 } },
      { 'bitwise_xor', { i32 { 12 }, i32 { 10 } }, 'i32', { 6 } },
      { 'bitwise_not', { i32 { 12 } }, 'i32', { -13 } },
      { 'invert', { i32 { 12 } }, 'i32', { -13 } },
      { 'left_shift', { i32 { 3 }, 2 }, 'i32', { 12 } },
      { 'right_shift', { i32 { 12 }, 2 }, 'i32', { 3 } },
    }
  end)

  it('give a number the dtype of the array beside it', function()
    assert.equal('f64', (f64 { 1 } + 0.5).dtype)
    assert.equal('f32', (np.array { 1 } * 2).dtype)
    assert.equal('i32', (i32 { 1 } + 2).dtype)
    assert.equal('u32', (u32 { 1 } + 2).dtype)
    assert.equal('f32', (i32 { 1 } + 0.5).dtype)
    assert.equal('i32', (np.array { true } + 2).dtype)
    assert.equal('f32', np.add(1, 2).dtype)
    check('add', 'f64', { 0.1 + 0.2 }, f64 { 0.1 } + 0.2)
  end)
end)

describe('arrays are created', function()
  it('of repeated values', function()
    table_of {
      { 'zeros', { { 2 }, 'i32' }, 'i32', { 0, 0 } },
      { 'zeros', { 2 }, 'f32', { 0, 0 } },
      { 'ones', { { 1, 2 } }, 'f32', { { 1, 1 } } },
      { 'ones', { {}, 'bool' }, 'bool', true },
      { 'full', { { 2 }, 7, 'u32' }, 'u32', { 7, 7 } },
      { 'full', { 2, true }, 'bool', { true, true } },
      { 'full', { { 2, 2 }, f64 { 1, 2 } }, 'f64', { { 1, 2 }, { 1, 2 } } },
      { 'zeros_like', { i32 { 5, 6 } }, 'i32', { 0, 0 } },
      { 'ones_like', { { 5, 6 }, 'f64' }, 'f64', { 1, 1 } },
      { 'full_like', { f64 { 5 }, 0.1 }, 'f64', { 0.1 } },
    }
    refuses('full: needs an Array, got string', function() np.full({ 2 }, 'x') end)
    refuses('full: sizes are whole numbers, 0 or more, got -2', function() np.full({ -2 }, 1) end)
    refuses('full: broadcast: (2) does not stretch to (3)', function() np.full({ 3 }, { 1, 2 }) end)
    refuses('full_like: needs an Array, got nil', function() np.full_like() end)
  end)

  it('of equal steps', function()
    table_of {
      { 'arange', { 3 }, 'i32', { 0, 1, 2 } },
      { 'arange', { 2, 5 }, 'i32', { 2, 3, 4 } },
      { 'arange', { 5, 0, -2 }, 'i32', { 5, 3, 1 } },
      { 'arange', { 0, 1, 0.25 }, 'f32', { 0, 0.25, 0.5, 0.75 } },
      { 'arange', { 2.5 }, 'i32', { 0, 1, 2 } },
      { 'arange', { 0, 2, 1, 'f64' }, 'f64', { 0, 1 } },
      { 'arange', { 3, 3 }, 'i32', {} },
      { 'linspace', { 0, 1, 5 }, 'f32', { 0, 0.25, 0.5, 0.75, 1 } },
      { 'linspace', { 3, 1, 3, 'f64' }, 'f64', { 3, 2, 1 } },
      { 'linspace', { 2, 7, 1 }, 'f32', { 2 } },
      { 'linspace', { 2, 7, 0 }, 'f32', {} },
      { 'iota', { 'f64', { 2, 3 }, 2 }, 'f64', { { 0, 1, 2 }, { 0, 1, 2 } } },
      { 'iota', { 'u32', 3 }, 'u32', { 0, 1, 2 } },
      { 'eye', { 2 }, 'f32', { { 1, 0 }, { 0, 1 } } },
      { 'eye', { 1, 'i32' }, 'i32', { { 1 } } },
    }
    assert.equal(50, #np.linspace(0, 1))
    refuses('arange: argument 2 must be a finite number, got string',
      function() np.arange(1, 'x') end)
    refuses('arange: argument 2 must be a finite number, got inf', function() np.arange(inf) end)
    refuses('arange: the step must not be 0', function() np.arange(1, 2, 0) end)
    refuses('linspace: needs a whole number of elements, 0 or more, got -1',
      function() np.linspace(0, 1, -1) end)
    refuses('linspace: argument 1 must be a finite number, got nil', function() np.linspace() end)
    refuses('eye: needs a whole number of elements, 0 or more, got 1.5', function() np.eye(1.5) end)
    refuses('iota: no axis 3, there are 2', function() np.iota('i32', { 2, 2 }, 3) end)
    refuses('iota: counts in numbers only', function() np.iota('bool', 2) end)
  end)

  it('from others', function()
    table_of {
      { 'array', { { 1, 2 } }, 'f32', { 1, 2 } },
      { 'as_array', { 3 }, 'f32', 3 },
      { 'astype', { { 1.9, -1.9, nan }, 'i32' }, 'i32', { 1, -1, 0 } },
      { 'astype', { { 0, 0.5 }, 'bool' }, 'bool', { false, true } },
      { 'astype', { np.array { true }, 'f64' }, 'f64', { 1 } },
      { 'from_buffer', { require 'ffi'.new('float[2]', 1, 2), 2 }, 'f32', { 1, 2 } },
    }
    refuses('astype: array: no dtype "int"; there are f32, f64, i32, u32, bool, c64, c128',
      function() np.astype({ 1 }, 'int') end)
  end)
end)

describe('reductions', function()
  local x = { { 1, 5, 2 }, { 7, 7, 0 } }

  it('go over all axes, one, or several', function()
    table_of {
      { 'sum', { x }, 'f32', 22 },
      { 'sum', { x, 1 }, 'f32', { 8, 12, 2 } },
      { 'sum', { x, { axis = -1 } }, 'f32', { 8, 14 } },
      { 'sum', { x, { axis = { 2, 1 } } }, 'f32', 22 },
      { 'sum', { x, { axis = {} } }, 'f32', x },
      { 'sum', { x, { axis = 1, keepdims = true } }, 'f32', { { 8, 12, 2 } } },
      { 'sum', { x, { keepdims = true } }, 'f32', { { 22 } } },
      { 'sum', { np.ones { 2, 3, 4 }, { axis = { 1, 3 } } }, 'f32', { 8, 8, 8 } },
      { 'sum', { 5 }, 'f32', 5 },
    }
  end)

  it('compute', function()
    table_of {
      { 'sum', { np.array { true, true } }, 'i32', 2 },
      { 'sum', { np.zeros { 0, 2 }, 1 }, 'f32', { 0, 0 } },
      { 'prod', { x, 2 }, 'f32', { 10, 0 } },
      { 'prod', { np.zeros { 0 } }, 'f32', 1 },
      { 'prod', { u32 { 65536, 65537 } }, 'u32', 65536 },
      { 'max', { x, 1 }, 'f32', { 7, 7, 2 } },
      { 'max', { { 1, nan } }, 'f32', nan },
      { 'min', { i32 { 3, -4 } }, 'i32', -4 },
      { 'any', { { { 0, 0 }, { 0, 3 } }, 2 }, 'bool', { false, true } },
      { 'any', { np.zeros { 0 } }, 'bool', false },
      { 'all', { { { 1, 0 }, { 2, 3 } }, 2 }, 'bool', { false, true } },
      { 'all', { np.zeros { 2, 0 }, 2 }, 'bool', { true, true } },
      { 'mean', { x, 2 }, 'f32', { 8 / 3, 14 / 3 } },
      { 'mean', { i32 { 1, 2 } }, 'f32', 1.5 },
      { 'mean', { np.zeros { 0 } }, 'f32', nan },
      { 'var', { f64 { 1, 2, 3, 4 } }, 'f64', 1.25 },
      { 'var', { { 1, 2, 3, 4 }, { ddof = 1 } }, 'f32', 5 / 3 },
      { 'var', { { { 1, 3 }, { 2, 6 } }, { axis = 2, keepdims = true } }, 'f32', { { 1 }, { 4 } } },
      { 'std', { { 1, 3, 5, 7 } }, 'f32', math.sqrt(5) },
      { 'logsumexp', { { 1000, 1000 } }, 'f32', 1000 + math.log(2) },
      { 'logsumexp', { { -inf, -inf } }, 'f32', -inf },
      { 'logsumexp', { { inf, 1 } }, 'f32', inf },
      { 'norm', { { { 3, 4 }, { 0, 2 } }, 2 }, 'f32', { 5, 2 } },
    }
  end)

  it('find positions, counted from 1, of the first extremum', function()
    table_of {
      { 'argmax', { x }, 'i32', 4 },
      { 'argmax', { x, 2 }, 'i32', { 2, 1 } },
      { 'argmax', { x, { axis = 1, keepdims = true } }, 'i32', { { 2, 2, 1 } } },
      { 'argmax', { { 1, nan, 9 } }, 'i32', 2 },
      { 'argmin', { x }, 'i32', 6 },
      { 'argmin', { x, -1 }, 'i32', { 1, 3 } },
      { 'argmin', { 3 }, 'i32', 1 },
    }
  end)

  it('are methods', function()
    local a = np.array(x)
    for _, name in ipairs { 'sum', 'prod', 'max', 'min', 'mean', 'var', 'std', 'any', 'all',
      'logsumexp', 'norm', 'argmax', 'argmin' } do
      assert.same(np[name](a, 2):totable(), a[name](a, { axis = 2 }):totable())
    end
  end)

  it('refuse what they cannot do', function()
    refuses('np.sum: no axis 3, there are 2', function() np.sum(x, 3) end)
    refuses('np.sum: axis -2 is given twice', function() np.sum(x, { axis = { 1, -2 } }) end)
    refuses('np.sum: option "axis" must be integer or table, got 1.5',
      function() np.sum(x, 1.5) end)
    refuses('np.sum: unknown option "ddof"', function() np.sum(x, { ddof = 1 }) end)
    refuses('np.sum: unknown option "keepdim"; did you mean "keepdims"?',
      function() np.sum(x, { keepdim = true }) end)
    refuses('np.mean: needs an Array, got string', function() np.mean 'x' end)
    refuses('max: there is nothing along axis 1 of (0)', function() np.max(np.zeros { 0 }) end)
    refuses('argmin: there is nothing along axis 1 of (0)',
      function() np.argmin(np.zeros { 0 }) end)
    refuses('np.argmax: option "axis" must be integer, got table',
      function() np.argmax(x, { axis = { 1, 2 } }) end)
    refuses('np.argmax: unknown option "ddof"', function() np.argmax(x, { ddof = 1 }) end)
  end)
end)

describe('shapes', function()
  local x = i32 { { 0, 1, 2 }, { 3, 4, 5 } }

  it('change', function()
    table_of {
      { 'reshape', { x, { 3, 2 } }, 'i32', { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
      { 'reshape', { x, 3, -1 }, 'i32', { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
      { 'reshape', { { 7 }, {} }, 'f32', 7 },
      { 'ravel', { x }, 'i32', { 0, 1, 2, 3, 4, 5 } },
      { 'transpose', { x }, 'i32', { { 0, 3 }, { 1, 4 }, { 2, 5 } } },
      { 'transpose', { x, { 1, 2 } }, 'i32', { { 0, 1, 2 }, { 3, 4, 5 } } },
      { 'transpose', { x, -1, 1 }, 'i32', { { 0, 3 }, { 1, 4 }, { 2, 5 } } },
      { 'swapaxes', { { { 1, 2 } }, 1, -1 }, 'f32', { { 1 }, { 2 } } },
      { 'moveaxis', { { { 1, 2 } }, 1, 2 }, 'f32', { { 1 }, { 2 } } },
      { 'broadcast_to', { { 1, 2 }, { 2, 2 } }, 'f32', { { 1, 2 }, { 1, 2 } } },
      { 'broadcast_to', { 3, 2 }, 'f32', { 3, 3 } },
      { 'expand_dims', { { 1, 2 }, 2 }, 'f32', { { 1 }, { 2 } } },
      { 'expand_dims', { { 1, 2 }, -2 }, 'f32', { { 1, 2 } } },
      { 'squeeze', { { { { 1 }, { 2 } } } }, 'f32', { 1, 2 } },
      { 'squeeze', { { { { 1 }, { 2 } } }, 1 }, 'f32', { { 1 }, { 2 } } },
      { 'flip', { x }, 'i32', { { 5, 4, 3 }, { 2, 1, 0 } } },
      { 'flip', { x, -1 }, 'i32', { { 2, 1, 0 }, { 5, 4, 3 } } },
      { 'flip', { np.zeros { 0 } }, 'f32', {} },
    }
    assert.same({ 4, 2, 3 }, np.transpose(np.zeros { 2, 3, 4 }, { 3, 1, 2 }).shape)
    assert.same({ 3, 4, 2 }, np.moveaxis(np.zeros { 2, 3, 4 }, 1, -1).shape)
    assert.same({ 4, 3, 2 }, np.zeros({ 2, 3, 4 }).T.shape)
    assert.same({ 6 }, x:flatten().shape)
  end)

  it('join', function()
    table_of {
      { 'concatenate', { { { 1 }, { 2, 3 } } }, 'f32', { 1, 2, 3 } },
      { 'concatenate', { { x, x }, -1 }, 'i32', { { 0, 1, 2, 0, 1, 2 }, { 3, 4, 5, 3, 4, 5 } } },
      { 'concatenate', { { i32 { 1 }, f64 { 0.1 } } }, 'f64', { 1, 0.1 } },
      { 'stack', { { 1, i32(2) } }, 'i32', { 1, 2 } },
      { 'stack', { { { 1, 2 }, { 3, 4 } }, 2 }, 'f32', { { 1, 3 }, { 2, 4 } } },
      { 'pad', { { 1, 2 }, { { 1, 2 } } }, 'f32', { 0, 1, 2, 0, 0 } },
      { 'pad', { i32 { { 1 } }, { { 1, 0 }, 1 }, 9 }, 'i32', { { 9, 9, 9 }, { 9, 1, 9 } } },
    }
  end)

  it('lend elements by position', function()
    table_of {
      { 'take', { x, { 6, 1 } }, 'i32', { 5, 0 } },
      { 'take', { x, -1, 2 }, 'i32', { 2, 5 } },
      { 'take', { x, i32 { 2, 2 }, 1 }, 'i32', { { 3, 4, 5 }, { 3, 4, 5 } } },
      { 'take_along_axis', { x, i32 { { 3 }, { 1 } }, 2 }, 'i32', { { 2 }, { 3 } } },
    }
  end)

  it('are refused if they do not fit', function()
    refuses('reshape: (2, 3) has another number of elements than (4)',
      function() np.reshape(x, { 4 }) end)
    refuses('reshape: (2, 3) does not fit (4, -1)', function() np.reshape(x, 4, -1) end)
    refuses('reshape: only one size can be left open by -1, got (-1, -1)',
      function() np.reshape(x, { -1, -1 }) end)
    refuses('reshape: a shape is a table of sizes, got nil', function() np.reshape(x) end)
    refuses('transpose: 1 axes for an array of 2', function() np.transpose(x, { 1 }) end)
    refuses('transpose: axes are numbers or a table of numbers, got boolean',
      function() np.transpose(x, true) end)
    refuses('transpose: no axis 3, there are 2', function() np.transpose(x, { 1, 3 }) end)
    refuses('transpose: the axes must be a permutation of those of (2, 3)',
      function() np.transpose(x, { 1, 1 }) end)
    refuses('moveaxis: no axis nil, there are 2', function() np.moveaxis(x, 1) end)
    refuses('swapaxes: no axis 4, there are 2', function() np.swapaxes(x, 1, 4) end)
    refuses('broadcast_to: broadcast: (2, 3) does not stretch to (3, 3)',
      function() np.broadcast_to(x, { 3, 3 }) end)
    refuses('expand_dims: no place 4, there are 3', function() np.expand_dims(x, 4) end)
    refuses('squeeze: axis 1 has 2 elements', function() np.squeeze(x, 1) end)
    refuses('flip: no axis 3, there are 2', function() np.flip(x, 3) end)
    refuses('concatenate: needs a list of arrays', function() np.concatenate(3) end)
    refuses('concatenate: shapes differ off axis 1, (1, 1) and (1, 2)',
      function() np.concatenate { { { 1 } }, { { 2, 3 } } } end)
    refuses('concatenate: no axis 3, there are 2', function() np.concatenate({ x, x }, 3) end)
    refuses('stack: shapes differ, (1) and (2)', function() np.stack { { 1 }, { 2, 3 } } end)
    refuses('pad: needs { before, behind } for each of the 2 axes, got 3',
      function() np.pad(x, { 1, 1, 1 }) end)
    refuses('pad: widths are whole numbers, 0 or more, got -1 for axis 2',
      function() np.pad(x, { 1, { 0, -1 } }) end)
    refuses('take: no element 4, there are 3', function() np.take(x, 4, 2) end)
    refuses('take: indices are whole numbers, got 1.5', function() np.take({ 1 }, { 1.5 }) end)
    refuses('take: indices are an Array, a number or a table, got string',
      function() np.take(x, 'x') end)
    refuses('take_along_axis: take_along: indices (1) do not fit (2, 3) along axis 2',
      function() np.take_along_axis(x, { 1 }, 2) end)
  end)
end)

describe('products', function()
  local a, b = { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } }

  it('of vectors and matrices', function()
    table_of {
      { 'matmul', { a, b }, 'f32', { { 19, 22 }, { 43, 50 } } },
      { 'matmul', { a, { 1, -1 } }, 'f32', { -1, -1 } },
      { 'matmul', { { 1, -1 }, f64(a) }, 'f64', { -2, -2 } },
      { 'matmul', { { 1, 2 }, { 3, 4 } }, 'f32', 11 },
      { 'matmul', { i32(a), i32 { 1, 1 } }, 'f32', { 3, 7 } },
      { 'dot', { a, b }, 'f32', { { 19, 22 }, { 43, 50 } } },
      { 'dot', { 2, a }, 'f32', { { 2, 4 }, { 6, 8 } } },
      { 'inner', { a, b }, 'f32', { { 17, 23 }, { 39, 53 } } },
      { 'inner', { { 1, 2 }, { 3, 4 } }, 'f32', 11 },
      { 'inner', { 2, { 3, 4 } }, 'f32', { 6, 8 } },
      { 'vdot', { a, b }, 'f32', 70 },
      { 'outer', { { 1, 2 }, { 3, 4 } }, 'f32', { { 3, 4 }, { 6, 8 } } },
      { 'outer', { a, { 1, 0 } }, 'f32', { { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 } } },
    }
  end)

  it('of more axes', function()
    -- y[i, j, k, l] = sum over m of p[i, j, m] q[k, m, l]
    local p, q = np.arange(12, nil, 1, 'f64'):reshape(2, 3, 2), f64 { a, b, { { 1, 0 }, { 0, 1 } } }
    local y, z = np.dot(p, q), np.inner(p, q)
    assert.same({ 2, 3, 3, 2 }, y.shape)
    assert.same({ 2, 3, 3, 2 }, z.shape)
    assert.equal(8 * 6 + 9 * 8, y[{ 2, 2, 2, 2 }]:item()) -- p[2, 2] = (8, 9)
    assert.equal(8 * 7 + 9 * 8, z[{ 2, 2, 2, 2 }]:item()) -- with q[2, 2] = (7, 8)
    assert.same({ 2, 3, 2 }, np.matmul(p, f64(a)).shape)
    assert.same({ 2, 3 }, np.dot(p, f64 { 1, 1 }).shape)
    assert.same({ 3, 2 }, np.dot(f64 { 1, 1 }, q).shape)
  end)

  it('are refused if the sizes differ', function()
    refuses('matmul: inner sizes differ, (2, 2) x (3)', function() np.matmul(a, { 1, 2, 3 }) end)
    refuses('matmul: needs at least one axis, () x (2, 2)', function() np.matmul(2, a) end)
    refuses('dot: sums over 2 elements of the first and 3 of the second array',
      function() np.dot(a, np.ones { 4, 3, 5 }) end)
    refuses('inner: sums over 2 elements of the first and 5 of the second array',
      function() np.inner(a, np.ones { 4, 5 }) end)
    refuses('dot: needs an Array, got nil', function() np.dot(a) end)
  end)
end)

describe('linear algebra', function()
  local linalg = np.linalg

  it('inverts, one matrix or many', function()
    check('inv', 'f32', { { -2, 1 }, { 1.5, -0.5 } }, linalg.inv { { 1, 2 }, { 3, 4 } })
    check('inv', 'f64', { { { 0.5 } }, { { -4 } } }, linalg.inv(f64 { { { 2 } }, { { -0.25 } } }))
    refuses('inv: a matrix is singular', function() linalg.inv { { 1, 1 }, { 1, 1 } } end)
    check('inv', 'f32', { { 0.5, 0 }, { 0, 0.25 } }, i32({ { 2, 0 }, { 0, 4 } }):inv())
    assert.same({ 0, 0 }, linalg.inv(np.zeros { 0, 0 }).shape)
  end)

  it('takes determinants', function()
    local sign, log = linalg.slogdet(f64 { { { 1, 2 }, { 3, 4 } }, { { 1, 1 }, { 1, 1 } } })
    check('slogdet', 'f64', { -1, 0 }, sign)
    check('slogdet', 'f64', { math.log(2), -inf }, log)
    check('det', 'f64', -2, linalg.det(f64 { { 1, 2 }, { 3, 4 } }))
    check('det', 'f32', 0, linalg.det { { 1, 1 }, { 1, 1 } })
  end)

  it('takes traces', function()
    table_of { { 'trace', { { { 1, 2 }, { 3, 4 } } }, 'f32', 5 } }
    check('trace', 'f64', 2, f64({ { 1, 2 }, { 3, 4 } }):trace(1))
  end)

  it('needs square matrices', function()
    refuses('inv: needs square matrices, got (1, 2)', function() linalg.inv { { 1, 2 } } end)
    refuses('inv: needs square matrices, got ()', function() linalg.inv(3) end)
    refuses('slogdet: needs square matrices, got (2)', function() linalg.slogdet { 1, 2 } end)
    refuses('inv: needs an Array, got string', function() linalg.inv 'x' end)
  end)
end)

describe('this file, or another one,', function()
  it('tests every function of np', function()
    local left, specs = {}, values.specs()
    for name, fn in pairs(np) do
      local named = specs:find("'" .. name .. "'", 1, true)
        or specs:find('%f[%w]np%.' .. name .. '%f[^%w_]') or specs:find('%f[%w]' .. name .. ' = \'')
      if type(fn) == 'function' and not named then left[#left + 1] = name end
    end
    table.sort(left)
    assert.equal('', table.concat(left, ' '))
  end)
end)
