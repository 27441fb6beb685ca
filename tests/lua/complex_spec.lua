--- Complex numbers and arrays of scripts; the kernels are tested in C.
local ffi = require 'ffi'
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local function near(expected, x, tolerance)
  expected = np.array(expected, x.dtype)
  assert.are.same(expected.shape, x.shape)
  assert.is_true((np.abs(x - expected):max() <= (tolerance or 1e-6)), tostring(x))
end

local function refuses(fn, sentence)
  local text = message(fn)
  assert.are.equal(sentence, text:match '^[^:]*:%d+: (.*)$', text)
end

describe('complex numbers of scripts', function()
  it('have arithmetic', function()
    local z = 1 + 2i
    assert.are.equal('1+2i', tostring(z))
    assert.is_true(z * z == -3 + 4i and z - 1 == 2i and 2 * z == 2 + 4i and -z == -1 - 2i)
    assert.is_true(z / (1 + 2i) == 1 and z ^ 2 == -3 + 4i and z ^ -1 == 0.2 - 0.4i)
    local w = z ^ (0.5 + 0i)
    assert.is_near(1.272019649514069, w.re, 1e-15)
    assert.is_near(0.7861513777574233, w.im, 1e-15)
    assert.is_false(z == 'z')
    refuses(function() return z + {} end, 'add: no complex arithmetic with a table')
  end)
end)

describe('complex arrays', function()
  local x = np.array { 1 + 2i, 3, -1i }

  it('are made of complex numbers, and give them back', function()
    assert.are.equal('c64', x.dtype)
    assert.are.equal('{1+2i, 3+0i, 0-1i}  c64 (3)', tostring(x))
    assert.is_true(x[1]:item() == 1 + 2i and x:totable()[3] == -1i and x:values()[2] == 3)
    assert.is_true(x[1] == 1 + 2i and (1 + 2i) == x[1] and x[2] == 3 and not (x[1] == 1))
    assert.are.equal('c128', np.array({ 1i }, 'c128').dtype)
    assert.are.equal('c64', np.full({ 2 }, 1i).dtype)
    assert.are.equal('{{1+0i, 0+0i},\n {0+0i, 1+0i}}  c64 (2, 2)', tostring(np.eye(2, 'c64')))
    local buffer = ffi.new('complex[2]', { 1i, 2 })
    assert.are.equal('{0+1i, 2+0i}  c128 (2)', tostring(np.from_buffer(buffer, { 2 }, 'c128')))
    assert.are.equal(2, tonumber(x:data()[0].im))
  end)

  it('have sinc, logaddexp, logsumexp and nan_to_num', function()
    local z = np.array({ 0, 0.3 + 0.2i, 2 - 1i }, 'c128')
    local turn = z * math.pi
    near(np.where(np.eq(z, 0), 1, np.sin(turn) / np.where(np.eq(z, 0), 1, turn)), np.sinc(z), 1e-14)
    near(np.log(np.exp(z) + np.exp(np.array(1i, 'c128'))), np.logaddexp(z, 1i), 1e-14)
    near(np.array(1000.562563 + 0.5i), np.logsumexp(np.array { 1000 + 1i, 1000 }), 1e-3)
    local none = np.logaddexp(np.array { -1 / 0 + 0i }, -1 / 0)
    assert.are.equal('-inf', tostring(none.real[1]:item()))
    local function slope(fn) -- that of a function of complex numbers, along the real axis
      return imnn.jvp(fn, { z[2] }, { np.array(1 + 0i, 'c128') })
    end
    for _, fn in ipairs { np.sinc, function(v) return np.logaddexp(v, 2 * v * v) end } do
      local _, got = slope(fn)
      local h = 1e-6
      near((fn(z[2] + h) - fn(z[2] - h)) / (2 * h), got, 1e-8)
    end
    local odd = np.nan_to_num(
      np.array { ffi.new('complex', 0 / 0, 1), ffi.new('complex', 2, 0 / 0) })
    assert.are.equal('{0+1i, 2+0i}  c64 (2)', tostring(odd))
  end)

  it('become what NumPy makes of dtypes', function()
    local function dtype(a, b) return (a + b).dtype end
    local wide, whole = np.zeros({ 3 }, 'f64'), np.zeros({ 3 }, 'i32')
    assert.are.equal('c64', dtype(x, 1))
    assert.are.equal('c64', dtype(x, np.zeros { 3 }))
    assert.are.equal('c128', dtype(x, wide))
    assert.are.equal('c64', dtype(x, whole))
    assert.are.equal('c128', dtype(wide, 1i))
    assert.are.equal('c64', dtype(np.zeros { 3 }, 1i))
    assert.are.equal('c64', dtype(whole, 1i))
    assert.are.equal('c64', dtype(1i, np.array { true, false, true }))
    assert.are.equal('c128', dtype(x, np.zeros({ 3 }, 'c128')))
  end)

  it('are converted by their parts', function()
    near({ 1, 3, 0 }, x:astype 'f32')
    assert.are.equal('{1+2i, 3+0i, 0-1i}  c128 (3)', tostring(x:astype 'c128'))
    assert.are.equal('{1, 3, 0}  i32 (3)', tostring(x:astype 'i32'))
    assert.are.equal('{true, true, true}  bool (3)', tostring(x:astype 'bool'))
    assert.are.equal('{false, true}  bool (2)', tostring(np.array { 0i, 1i }:astype 'bool'))
    assert.are.equal('{1+0i, 2+0i}  c128 (2)', tostring(np.array({ 1, 2 }, 'i32'):astype 'c128'))
  end)

  it('have parts', function()
    near({ 1, 3, 0 }, x.real)
    near({ 2, 0, -1 }, x.imag)
    near({ 1 - 2i, 3, 1i }, x:conj())
    near({ 1 - 2i, 3, 1i }, np.conjugate(x))
    assert.same({ true, false }, { np.iscomplexobj(x), np.iscomplexobj(x.real) })
    near({ math.atan2(2, 1), 0, -math.pi / 2 }, np.angle(x))
    near({ math.sqrt(5), 3, 1 }, np.abs(x))
    near(x:totable(), np.complex(x.real, x.imag), 0)
    near({ 1 + 1i, 2 + 1i }, np.complex({ 1, 2 }, 1))
    near({ 1, 2 }, np.real(np.array { 1, 2 }))
    near({ 0, 0 }, np.imag(np.array { 1, 2 }))
    near({ 1, 2 }, np.conj(np.array { 1, 2 }))
    near({ 0, math.pi }, np.angle(np.array { 1, -1 }))
  end)

  it('have functions', function()
    near({ 2 + 4i, 6, -2i }, 2 * x)
    near({ -3 + 4i, 9, -1 }, x ^ 2, 0)
    near({ -2 + 1i, 3i, 1 }, x * 1i)
    near({ 1, 1, 1 }, x / x)
    near(x:totable(), np.exp(np.log(x)))
    near(x:totable(), np.sqrt(x) ^ 2)
    near(x:totable(), np.sqrt(x ^ 2))
    near({ 0.2 - 0.4i, 1 / 3, 1i }, np.reciprocal(x))
    near({ 1 + 1i, 1, -1 }, np.cos(x) ^ 2 + np.sin(x) ^ 2 + np.array { 1i, 0, -2 }, 1e-5)
    assert.are.same({ false, true, false }, np.eq(x, 3):totable())
    assert.are.same({ true, false, true }, np.ne(x, 3):totable())
    near({ 0, 3, 0 }, np.where(np.eq(x, 3), x, 0))
    local far = np.array { np.inf, np.complex(0, np.nan):item(), 1i }
    assert.are.same({ false, true, false }, np.isnan(far):totable())
    assert.are.same({ true, false, false }, np.isinf(far):totable())
    assert.are.same({ false, false, true }, np.isfinite(far):totable())
  end)

  it('have sums and products', function()
    near(4 + 1i, x:sum())
    near(6 - 3i, x:prod())
    near((4 + 1i) / 3, x:mean())
    near(28 / 9, x:var())
    near({ 1 + 2i, 4 + 2i, 4 + 1i }, np.cumsum(x))
    near({ 6 - 3i, -3i, -1i }, np.cumprod(x, { reverse = true }))
    near(math.sqrt(15), x:norm())
    near({ { -3 + 4i, 3 + 6i }, { 3 + 6i, 9 } }, np.outer(x[{ { 1, 2 } }], x[{ { 1, 2 } }]))
    near(15, np.vdot(x, x))
    near(7, np.dot(x, np.array { 1, 2, 2 }))
    local a = np.array { { 1i, 2 }, { 1, -1i } }
    near({ { 1, 0 }, { 0, 1 } }, np.matmul(a, np.array { { 1i, 2 }, { 1, -1i } }))
    near({ { 1i, 2 }, { 1, -1i } }, np.matmul(a, np.eye(2)))
  end)

  it('have inverse functions', function()
    local z = np.array({ 1 + 2i, -0.5, 3i, 0.3 - 0.1i }, 'c128')
    for name, inverse in pairs {
      asin = 'sin', acos = 'cos', atan = 'tan', asinh = 'sinh', acosh = 'cosh', atanh = 'tanh',
      expm1 = 'log1p', log1p = 'expm1', log2 = 'exp2',
    } do
      near(z:totable(), np[inverse](np[name](z)), 1e-14)
      local slope = imnn.grad(np[name], { holomorphic = true })
      local at = imnn.grad(np[inverse], { holomorphic = true })
      for i = 1, 4 do near(1, slope(z[i]) * at(np[name](z[i])), 1e-13) end
    end
    near(z:totable(), 10 ^ np.log10(z), 1e-14)
    near((1 / (1 + np.exp(-z))):totable(), np.sigmoid(z), 1e-14)
    near((z / np.abs(z)):totable(), np.sign(z), 1e-15)
    near({ 0, 2 - 2i }, np.round(np.array { 0.4i, 1.5 - 2.4i }))
    assert.is_true(np.sign(np.array(0i)) == 0)
    local below = np.conj(np.array(2 + 0i)):item()
    local turned = np.asin(np.array { 2, below }) -- both sides of the cut
    near({ math.pi / 2 + 1.316957896924817i, math.pi / 2 - 1.316957896924817i }, turned)
  end)

  it('have statistics', function()
    near(8, np.cov(np.array { 1 + 1i, 3 - 1i, -1 + 3i }:astype 'c128'))
    local both = np.stack { x, x * 1i }
    near({ { 1, -1i }, { 1i, 1 } }, np.corrcoef(both))
    near(14, np.correlate(x, x)[1] - 1)
    near({ 0.5 + 1i, 1 + 2i }, np.interp({ 0.5, 1 }, { 0, 1 }, np.array { 0i, 1 + 2i }))
  end)

  it('are moved as others are', function()
    near({ -1i, 3, 1 + 2i }, np.flip(x))
    near({ 3, -1i }, x[{ { 2, 3 } }])
    near({ -1i, 1 + 2i }, x[np.array({ 3, 1 }, 'i32')])
    near({ 1 + 2i, -1i }, x[np.array { true, false, true }])
    near({ { 1 + 2i, 1 + 2i }, { 3, 3 } }, np.stack({ x, x }).T[{ { 1, 2 } }])
    near({ 0, 1 + 2i, 3, -1i }, np.concatenate { np.zeros({ 1 }, 'c64'), x })
  end)

  it('have an order: by their real parts, then by the imaginary ones', function()
    local z = np.array { 1 + 2i, -1 + 9i, 1 + 3i, 0 }
    local turned = z[{ { 4, 1, -1 } }]
    for _, dtype in ipairs { 'c64', 'c128' } do
      local a, b = z:astype(dtype), turned:astype(dtype)
      near(1 + 3i, np.max(a))
      near(-1 + 9i, a:min())
      near(2 - 6i, np.ptp(a))
      assert.is_true(np.argmax(a) == 3 and a:argmin() == 2)
      near({ 1 + 2i, 1 + 3i, 1 + 3i, 1 + 2i }, np.maximum(a, b))
      near({ 0, -1 + 9i, -1 + 9i, 0 }, np.minimum(a, b))
      near({ 1 + 2i, 0, 1 + 2i, 0 }, np.clip(a, 0, 1 + 2i))
      assert.are.same({ false, true, false, true }, np.lt(a, 1):totable())
      assert.are.same({ true, true, false, true }, np.le(a, 1 + 2i):totable())
      assert.are.same({ true, false, true, false }, np.gt(a, 0):totable())
      assert.are.same({ true, false, true, true }, np.ge(a, 0):totable())
      assert.are.same({ 3, 1, 4, 2 }, np.searchsorted(np.sort(a), a):totable())
      assert.are.same({ 4, 2, 5, 3 },
        np.searchsorted(np.sort(a), a, { side = 'right' }):totable())
      near({ 1 + 2i, 1 + 3i }, imnn.vmap(np.max)(a:reshape(2, 2)))
      near({ 1 + 3i, 0 }, imnn.jit(function(v) return np.max(v, 1) end)(a:reshape(2, 2)))
    end
    near({ 0, 0, 1, 0 }, imnn.grad(function(v) return np.real(np.max(v)) end)(z))
  end)

  it('are of no order where a part is NaN: the first of these is every extremum', function()
    local nan = 0 / 0
    local bad = np.complex({ 1, 5, nan, 9 }, { 1, nan, 0, 9 })
    assert.is_true(np.argmax(bad) == 2 and np.argmin(bad) == 2)
    assert.is_true((np.isnan(np.imag(np.max(bad))) and np.real(np.min(bad)) == 5))
    local one = np.array { 2i }
    assert.is_true(np.isnan(np.maximum(bad[{ { 2, 2 } }], one)):item()
      and np.isnan(np.minimum(one, bad[{ { 3, 3 } }])):item())
    assert.are.same({ true, false, false, false }, np.lt(bad, 2 + 2i):totable())
    assert.are.same({ 1, 3, 4, 2 }, np.searchsorted(np.sort(bad), bad):totable())
  end)

  it('are found in arrays so large that their first axis is searched in parts', function()
    local n = 70000
    local z = np.complex(np.floor(np.arange(n) / 1000), np.remainder(np.arange(n) * 7919, 1000))
    local most = np.argmax(np.real(z) * 1000 + np.imag(z))
    assert.is_true(np.argmax(z) == most and np.max(z) == z[most]:item())
  end)

  it('are refused where they have no order, and by what knows reals only', function()
    refuses(function() return np.floor(x) end,
      'floor: not defined for c64; it works on f32, f64')
    refuses(function() return np.cummax(x) end,
      'cummax: works on f32 f64 i32 u32 bool, got c64')
    refuses(function() return np.digitize(x, x) end,
      'np.digitize: complex numbers lie between no edges; use np.searchsorted')
    refuses(function() return np.max(np.zeros({ 2, 0 }, 'c64'), 2) end,
      'max: there is nothing along axis 2 of (2, 0)')
    refuses(function() return x[1] < 2 end,
      'comparison: only numbers have an order, got complex number and number')
    refuses(function() return np.full({ 2 }, 1i, 'f32') end,
      'full: array: a complex number cannot be f32')
  end)

  it('give the same bytes on 1, 2 and 3 threads', function()
    local before = imnn.threads()
    local parts = random.normal(random.PRNGKey(1), { 2, 3000, 24 })
    local z = np.complex(parts[1], parts[2])
    local f = imnn.jit(function(a)
      return np.matmul(a.T, np.exp(a)), (a * a):sum(), a:prod(1), np.abs(a / (a + 1)):sum(2)
    end)
    local first
    for n = 1, 3 do
      imnn.set_threads(n)
      local bytes = {}
      for i, y in ipairs { f(z) } do
        bytes[i] = ffi.string(y:data(), y.size * (y.dtype == 'c64' and 8 or 4))
      end
      first = first or bytes
      assert.are.same(first, bytes)
    end
    imnn.set_threads(before)
  end)
end)

describe('derivatives of complex numbers', function()
  local z = np.array({ 1 + 2i, 3 - 1i }, 'c128')
  local size = np.abs(z)

  it('of real functions pair with tangents as JAX has it', function()
    near((z:conj() / size):totable(), imnn.grad(function(x) return np.abs(x):sum() end)(z), 1e-14)
    near((2 * z):totable(), imnn.grad(function(x) return (x * x):sum().real end)(z))
    near((-2i * z):totable(), imnn.grad(function(x) return (x * x):sum().imag end)(z))
    near((2 * z:conj()):totable(), imnn.grad(function(x) return (x * x:conj()):sum().real end)(z))
    local J = imnn.jacrev(function(x) return np.abs(x) end)(z)
    near({ { (z[1]:conj() / size[1]):item(), 0 }, { 0, (z[2]:conj() / size[2]):item() } }, J)
    near(0, imnn.grad(np.abs)(np.array(0i)))
  end)

  it('of holomorphic functions are their complex derivatives', function()
    local holomorphic = { holomorphic = true }
    local function f(x) return np.exp(x) * x end
    local slope = (np.exp(z) * (z + 1)):totable()
    for i = 1, 2 do near(slope[i], imnn.grad(f, holomorphic)(z[i]), 1e-12) end
    near({ { slope[1], 0 }, { 0, slope[2] } }, imnn.jacfwd(f, holomorphic)(z), 1e-12)
    near({ { slope[1], 0 }, { 0, slope[2] } }, imnn.jacrev(f, holomorphic)(z), 1e-12)
    local H = imnn.hessian(function(x) return (x ^ 3):sum() end, holomorphic)(z)
    near({ { 6 + 12i, 0 }, { 0, 18 - 6i } }, H, 1e-12)
  end)

  it('go along real directions to complex results', function()
    local J = imnn.jacfwd(function(t) return np.exp(t * 1i) end)(np.array({ 0, 1 }, 'f64'))
    near({ { 1i, 0 }, { 0, 1i * (math.cos(1) + 1i * math.sin(1)) } }, J, 1e-14)
  end)

  it('are pushed and pulled', function()
    local y, dy = imnn.jvp(function(x) return x * x end, { z }, { z:conj() })
    near((z * z):totable(), y)
    near((2 * z * z:conj()):totable(), dy)
    local _, back = imnn.vjp(function(x) return x * x end, z)
    near((2i * z):totable(), back(np.full({ 2 }, 1i, 'c128')))
  end)

  it('are refused where they mean nothing', function()
    local function same(x) return x end
    refuses(function() return imnn.grad(same)(z[1]) end,
      'grad: the function must give one real number, got c128 ()')
    refuses(function() return imnn.grad(same, { holomorphic = true })(1) end,
      'grad: argument 1 is f32 (); a holomorphic function is one of complex numbers')
    refuses(function() return imnn.jacfwd(same)(z) end,
      'jacfwd: argument 1 is c128 (2), which goes two ways; give real and imaginary part as two '
      .. 'arguments, or holomorphic = true where the function is')
    refuses(function() return imnn.jacrev(same)(z) end,
      'jacrev: the function must give real arrays, got c128 (2)')
  end)

  it('are mapped over', function()
    local f = imnn.vmap(function(x) return (x * x:conj()).real end)
    near({ 5, 10 }, f(z))
  end)
end)

describe('the default dtype', function()
  it('is that of numbers that say nothing', function()
    assert.are.equal('f32', imnn.default_dtype())
    imnn.set_default_dtype 'f64'
    local dtypes = {}
    for i, x in ipairs {
      np.array { 1 }, np.array { 1i }, np.zeros { 2 }, np.linspace(0, 1, 3), np.eye(2),
      np.array({ 1 }, 'i32') * 0.5, np.sqrt(np.array({ 4 }, 'i32')), np.full({ 2 }, 1),
      random.normal(random.PRNGKey(0), { 2 }), random.uniform(random.PRNGKey(0)),
      np.mean(np.array { true, false }), np.array({ 1 }, 'f32'),
    } do dtypes[i] = x.dtype end
    local key, weights = random.PRNGKey(0), {}
    for _, name in ipairs { 'normal', 'uniform', 'glorot_normal', 'glorot_uniform' } do
      weights[name] = stax[name]()(key, { 2, 3 }).dtype
    end
    local activated = stax.relu(np.array({ 1 }, 'i32')).dtype
    imnn.set_default_dtype 'f32'
    assert.are.same({ 'f64', 'c128', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64', 'f64',
      'f32' }, dtypes)
    assert.are.equal('f64', activated)
    for name, dtype in pairs(weights) do assert.are.equal('f64', dtype, name) end
    refuses(function() imnn.set_default_dtype 'i32' end,
      'set_default_dtype: needs f32 or f64, got i32')
  end)
end)
