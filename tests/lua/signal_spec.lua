--- Convolutions of lists and arrays against sums written out, directly and by transforms.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np, random, signal = imnn.np, imnn.random, imnn.scipy.signal
local check = values.check
local refuses = values.refuses 'tests/lua/signal_spec.lua'

local function normal(seed, shape) return random.normal(random.PRNGKey(seed), shape, 'f64') end
local function near(expected, x)
  assert.are.same(expected.shape, x.shape)
  assert.is_true(np.abs(x - expected):max() < 1e-12, tostring(x))
end

-- All n + m - 1 sums.
local function by_sums(a, v)
  local n, m, y = #a, #v, 0
  for i = 1, m do y = y + np.pad(a * v[i], { { i - 1, m - i } }) end
  assert(#y == n + m - 1)
  return y
end

local sizes = { { 1, 1 }, { 5, 1 }, { 7, 3 }, { 3, 7 }, { 50, 40 }, { 40, 41 }, { 200, 33 } }

describe('np.convolve', function()
  it('adds products of lists', function()
    for k, size in ipairs(sizes) do
      local n, m = unpack(size)
      local a, v = normal(k, { n }), normal(-k, { m })
      local full, most, least = by_sums(a, v), math.max(n, m), math.min(n, m)
      near(full, np.convolve(a, v))
      local first = math.floor((least - 1) / 2)
      near(full[{ { first + 1, first + most } }], np.convolve(a, v, 'same'))
      near(full[{ { least, most } }], np.convolve(a, v, 'valid'))
      local p, q = np.complex(a, a ^ 2), np.complex(v, v + 1)
      near(np.complex(by_sums(a, v) - by_sums(a ^ 2, v + 1),
        by_sums(a, v + 1) + by_sums(a ^ 2, v)), np.convolve(p, q))
      near(np.convolve(p, np.flip(np.conj(q))), np.correlate(p, q, 'full'))
    end
    check('correlate', 'c64', { 6, 1 + 3i },
      np.correlate(np.array { 1i, 2 }, np.array { 1, 2, 3 + 1i }, 'full')[{ { 2, 1, -1 } }])
  end)

  it('differentiates, and batches both lists', function()
    local a, v, w = normal(1, { 12 }), normal(2, { 5 }), normal(3, { 16 })
    local function loss(x, y) return (np.convolve(x, y) * w):sum() end
    local da, dv = unpack(imnn.grad(loss, { argnums = { 1, 2 } })(a, v))
    near(np.correlate(w, v, 'valid'), da)
    near(np.correlate(w, a, 'valid'), dv)
    local as, vs = normal(4, { 3, 12 }), normal(5, { 3, 5 })
    local both = imnn.vmap(np.convolve)(as, vs)
    local one = imnn.vmap(np.convolve, { in_axes = { 1, false } })(as, v)
    for k = 1, 3 do
      near(np.convolve(as[k], vs[k]), both[k])
      near(np.convolve(as[k], v), one[k])
    end
  end)

  it('needs no memory for the products', function()
    local f = imnn.jit(np.convolve)
    local a, v = normal(1, { 20000 }), normal(2, { 5000 })
    assert.is_true(f:bytes(a, v) < 2 ^ 24) -- 800 MB for all of them
    near(signal.fftconvolve(a, v) * 1e-3, f(a, v) * 1e-3)
  end)
end)

describe('signal.fftconvolve', function()
  it('gives what np.convolve gives', function()
    for k, size in ipairs(sizes) do
      local a, v = normal(k, { size[1] }), normal(-k, { size[2] })
      near(np.convolve(a, v), signal.fftconvolve(a, v))
      near(np.convolve(a, v, 'valid'), signal.fftconvolve(a, v, 'valid'))
      if size[1] >= size[2] then
        near(np.convolve(a, v, 'same'), signal.fftconvolve(a, v, 'same'))
      end
      near(np.convolve(a * 1i, v), signal.fftconvolve(a * 1i, v))
    end
    check('same', 'f32', { 3, 3 }, np.round(signal.fftconvolve({ 1, 2 }, { 1, 1, 1 }, 'same')))
  end)

  it('goes along several axes, and broadcasts along others', function()
    local a, b = normal(1, { 4, 5 }), normal(2, { 2, 3 })
    local y = np.zeros({ 5, 7 }, 'f64')
    for i = 1, 2 do
      for j = 1, 3 do y = y + np.pad(a * b[{ i, j }], { { i - 1, 2 - i }, { j - 1, 3 - j } }) end
    end
    near(y, signal.fftconvolve(a, b))
    near(y[{ { 1, 4 }, { 2, 6 } }], signal.fftconvolve(a, b, 'same'))
    near(y[{ { 2, 4 }, { 3, 5 } }], signal.fftconvolve(a, b, 'valid'))
    near(y[{ { 2, 4 }, { 3, 5 } }], signal.fftconvolve(b, a, 'valid'))
    local rows = signal.fftconvolve(a, b[{ { 1, 1 } }], { axes = 2 })
    for i = 1, 4 do near(np.convolve(a[i], b[1]), rows[i]) end
    near(rows.T, signal.fftconvolve(a.T, b[{ { 1, 1 } }].T, { axes = { 1 } }))
  end)

  it('differentiates, compiles and batches', function()
    local a, v, w = normal(1, { 12 }), normal(2, { 5 }), normal(3, { 16 })
    local function loss(x, y) return (signal.fftconvolve(x, y) * w):sum() end
    local da, dv = unpack(imnn.jit(imnn.grad(loss, { argnums = { 1, 2 } }))(a, v))
    near(np.correlate(w, v, 'valid'), da)
    near(np.correlate(w, a, 'valid'), dv)
    local function scaled(t) return signal.fftconvolve(a * t, v) end
    local slope = imnn.jacfwd(scaled)(np.array(2, 'f64'))
    near(np.convolve(a, v), slope)
    local as = normal(4, { 3, 12 })
    local y = imnn.vmap(function(x) return signal.fftconvolve(x, v, 'same') end)(as)
    for k = 1, 3 do near(np.convolve(as[k], v, 'same'), y[k]) end
  end)

  it('pads to sizes that are products of small primes', function()
    for _, pair in ipairs { { 1, 1 }, { 11, 12 }, { 13, 14 }, { 17, 18 }, { 97, 98 },
      { 1021, 1024 }, { 10007, 10080 }, { 65537, 65610 } } do
      assert.are.equal(pair[2], signal.next_fast_len(pair[1]))
    end
  end)

  it('says what is wrong', function()
    refuses('signal.fftconvolve: needs as many axes in both, got shapes (1) and (1, 1)',
      function() signal.fftconvolve({ 1 }, { { 1 } }) end)
    refuses('signal.fftconvolve: the mode is "full", "same" or "valid", got "half"',
      function() signal.fftconvolve({ 1 }, { 1 }, 'half') end)
    refuses('signal.fftconvolve: needs elements, got shapes (1) and (0)',
      function() signal.fftconvolve({ 1 }, {}) end)
    refuses('signal.fftconvolve: for mode "valid" one array has to be the larger one along all '
      .. 'axes, got shapes (2, 3) and (3, 2)',
      function() signal.fftconvolve(np.ones { 2, 3 }, np.ones { 3, 2 }, 'valid') end)
    refuses('signal.fftconvolve: shapes (2, 3) and (4, 3) differ along axis 1, which is not among '
      .. 'the axes',
      function() signal.fftconvolve(np.ones { 2, 3 }, np.ones { 4, 3 }, { axes = 2 }) end)
    refuses('signal.next_fast_len: needs a whole number, 1 or more, got 0',
      function() signal.next_fast_len(0) end)
  end)
end)
