--- The names of jax.lax: functions of np under other names, and what combines elements in pairs.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local lax, np = imnn.lax, imnn.np

local function f64(x) return np.array(x, 'f64') end
local function line(fn) return (message(fn):gsub('^[^:]*:%d+: ', '')) end

describe('imnn.lax', function()
  it('has the functions of np under names of jax.lax', function()
    for name, other in pairs {
      exp = 'exp', add = 'add', div = 'div', rem = 'fmod', max = 'maximum', rev = 'flip',
      logistic = 'sigmoid', igamma = 'gammainc', convert_element_type = 'astype',
      reduce_max = 'max', batch_matmul = 'matmul', top_k = 'top_k', concatenate = 'concatenate',
    } do
      assert.equal(np[other], lax[name], name)
    end
    for name, f in pairs(lax) do
      assert.is_true(type(f) == 'function' or name == 'linalg', name)
    end
  end)

  it('knows how numbers are rounded, limited and chosen', function()
    assert.same({ 1, 2, 3, -1, -3, 0 },
      lax.round(f64 { 0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994 }):totable())
    assert.same({ 0, 2, 2 }, lax.round(f64 { 0.5, 1.5, 2.5 }, 'to_nearest_even'):totable())
    assert.same({ 0, 0.5, 1 }, lax.clamp(0, f64 { -1, 0.5, 3 }, 1):totable())
    assert.same({ 9, 4 }, lax.integer_pow(f64 { -3, -2 }, 2):totable())
    assert.same({ 1, 4 }, lax.select({ true, false }, { 1, 2 }, { 3, 4 }):totable())
    assert.same({ 1, 4, 6 }, lax.select_n({ 1, 2, 3 }, { 1, 1, 1 }, { 4, 4, 4 }, { 6, 6, 6 })
      :totable())
    assert.same({ 4, 1 }, lax.select_n({ true, false }, { 1, 1 }, { 4, 4 }):totable())
  end)

  it('changes shapes', function()
    assert.same({ { 1, 2 }, { 1, 2 }, { 1, 2 } }, lax.broadcast({ 1, 2 }, { 3 }):totable())
    assert.same({ { 1, 1, 1 }, { 2, 2, 2 } }, lax.broadcast_in_dim({ 1, 2 }, { 2, 3 }, { 1 })
      :totable())
    assert.same({ 4, 2, 3 }, lax.broadcast_shapes({ 4, 1, 1 }, { 2, 3 }, {}))
    assert.same({ 2, 12 }, lax.collapse(np.zeros { 2, 3, 4 }, 2).shape)
    assert.same({ 6, 4 }, lax.collapse(np.zeros { 2, 3, 4 }, 1, 2).shape)
    assert.same({ { 0, 1, 2 }, { 0, 1, 2 } }, lax.broadcasted_iota('i32', { 2, 3 }, 2):totable())
    assert.same({ 3, 2, 1 }, lax.rev({ 1, 2, 3 }, { 1 }):totable())
  end)

  it('pads around, between and with less than nothing', function()
    assert.same({ 7, 1, 7, 2, 7, 7 }, lax.pad({ 1, 2 }, 7, { { 1, 2, 1 } }):totable())
    assert.same({ 0, 2, 0 }, lax.pad({ 1, 2, 3 }, 0, { { -1, -1, 1 } }):totable())
    assert.same({ 2, 3, 9 }, lax.pad({ 1, 2, 3 }, 9, { { -1, 1 } }):totable())
    assert.same({ 0 }, lax.pad({ 1, 2 }, 0, { { -3, 1 } }).shape)
    -- with the derivatives of what stays
    local function f(x) return (lax.pad(x, 1, { { -1, 2, 1 } }) * np.arange(6)):sum() end
    assert.same({ 0, 1, 3 }, imnn.grad(f)(f64 { 1, 2, 3 }):totable())
  end)

  it('takes parts, at places that are known and not', function()
    local x = np.arange(12):reshape { 3, 4 }
    assert.same({ { 1, 3 }, { 5, 7 } }, lax.slice(x, { 1, 2 }, { 2, 4 }, { 1, 2 }):totable())
    assert.same({ { 1, 2 }, { 5, 6 }, { 9, 10 } }, lax.slice_in_dim(x, 2, 3, 1, 2):totable())
    assert.same({ 1, 5, 9 }, lax.index_in_dim(x, 2, 2, false):totable())
    assert.same({ { 4, 5, 6, 7 } }, lax.index_in_dim(x, 2):totable())
    local i = np.array(2, 'i32')
    assert.same({ { 1, 2 }, { 5, 6 }, { 9, 10 } },
      imnn.jit(function(k) return lax.dynamic_slice_in_dim(x, k, 2, 2) end)(i):totable())
    assert.same({ 4, 5, 6, 7 }, lax.dynamic_index_in_dim(x, i, 1, false):totable())
    assert.same({ 0, 8, 9, 0 },
      lax.dynamic_update_slice_in_dim(np.zeros { 4 }, { 8, 9 }, i):totable())
    assert.same({ { 0, 1 }, { 0, 2 } },
      lax.dynamic_update_index_in_dim(np.zeros { 2, 2 }, { 1, 2 }, 2, 2):totable())
  end)

  it('multiplies along any axes', function()
    local a, b = np.arange(30):reshape { 5, 2, 3 }, np.arange(60):reshape { 4, 5, 3 }
    local y = lax.dot_general(a, b, { { { 3 }, { 3 } }, { { 1 }, { 2 } } })
    assert.same({ 5, 2, 4 }, y.shape)
    assert.same(np.einsum('bij,kbj->bik', a, b):totable(), y:totable())
    assert.same(np.tensordot(a, a, { { 1, 2 }, { 1, 2 } }):totable(),
      lax.dot_general(a, a, { { { 1, 2 }, { 1, 2 } } }):totable())
  end)

  it('transforms the last axes', function()
    local x = f64 { { 1, 2, 3, 5 }, { 0, 1, 0, 2 } }
    assert.is_true(np.allclose(np.fft.rfft(x), lax.fft(x, 'RFFT', { 4 })))
    assert.is_true(np.allclose(np.fft.fft2(x), lax.fft(x, 'FFT', { 2, 4 })))
    assert.is_true(np.allclose(x, lax.fft(lax.fft(x, 'RFFT', { 2, 4 }), 'IRFFT', { 2, 4 })))
    assert.is_true(np.allclose(np.fft.ifft(x), lax.fft(x, 'IFFT', { 4 })))
  end)

  it('sorts several arrays by some of them', function()
    local k, v = lax.sort { f64 { 2, 1, 2 }, f64 { 5, 6, 4 } }
    assert.same({ { 1, 2, 2 }, { 6, 5, 4 } }, { k:totable(), v:totable() })
    k, v = lax.sort({ f64 { 2, 1, 2 }, f64 { 5, 6, 4 } }, { num_keys = 2 })
    assert.same({ { 1, 2, 2 }, { 6, 4, 5 } }, { k:totable(), v:totable() })
    assert.same({ 1, 2, 3 }, lax.sort({ 3, 1, 2 }):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, lax.sort(f64 { { 3, 2 }, { 1, 4 } }, 1):totable())
    k, v = lax.sort_key_val({ { 2, 1 } }, { { 7, 8 } })
    assert.same({ { { 1, 2 } }, { { 8, 7 } } }, { k:totable(), v:totable() })
  end)

  it('runs along the first axis', function()
    local x = f64 { { 1, 2 }, { 3, 4 } }
    assert.same({ { 1, 2 }, { 4, 6 } }, lax.cumsum(x):totable())
    assert.same({ { 3, 2 }, { 7, 4 } }, lax.cumsum(x, 2, { reverse = true }):totable())
    assert.same({ { 3, 8 }, { 3, 4 } }, lax.cumprod(x, { reverse = true }):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, lax.cummax(x):totable())
    assert.same({ { 1, 1 }, { 3, 3 } }, lax.cummin(x, 2):totable())
    local y = lax.cumlogsumexp(f64 { 0, 1, -1 })
    local expected = { 0, math.log(1 + math.exp(1)), math.log(1 + math.exp(1) + math.exp(-1)) }
    for i, v in ipairs(y:totable()) do assert.near(expected[i], v, 1e-15) end
  end)

  it('stops derivatives of trees', function()
    local function f(x)
      local t = lax.stop_gradient { x, { a = x * 2 } }
      return t[1] * x + t[2].a
    end
    assert.equal(3, imnn.grad(f)(f64(3)):item())
    assert.equal(5, lax.stop_gradient(5):item())
  end)

  it('says what it cannot do', function()
    for sentence, f in pairs {
      ['select: both cases have one shape, got (2) and (3)'] = function()
        lax.select(true, { 1, 2 }, { 1, 2, 3 })
      end,
      ['select_n: a bool tells 2 cases apart, got 3'] = function() lax.select_n(true, 1, 2, 3) end,
      ['lax.round: method is "away_from_zero" or "to_nearest_even", got up'] = function()
        lax.round(1, 'up')
      end,
      ['integer_pow: the power is a whole number, got 0.5'] = function()
        lax.integer_pow(1, 0.5)
      end,
      ['broadcast_in_dim: 2 dimensions for 1 axes'] = function()
        lax.broadcast_in_dim({ 1, 2 }, { 2, 3 }, { 1, 2 })
      end,
      ['broadcast_in_dim: dimensions are ascending axes of (2, 3), got 3'] = function()
        lax.broadcast_in_dim({ 1, 2 }, { 2, 3 }, { 3 })
      end,
      ['lax.pad: needs { before, behind, between } for each of 1 axes'] = function()
        lax.pad({ 1, 2 }, 0, { { 1, 1 }, { 1, 1 } })
      end,
      ['lax.pad: widths are whole numbers, got 0.5 for axis 1'] = function()
        lax.pad({ 1, 2 }, 0, { { 0.5, 1 } })
      end,
      ['lax.slice: needs 2 starts and stops, got 1 and 2'] = function()
        lax.slice(np.zeros { 2, 2 }, { 1 }, { 2, 2 })
      end,
      ['collapse: axis 1 is before axis 2'] = function() lax.collapse(np.zeros { 2, 3 }, 2, 1) end,
      ['dot_general: axis 1 is given twice'] = function()
        local x = np.zeros { 2, 2 }
        lax.dot_general(x, x, { { { 1 }, { 1 } }, { { 1 }, { 2 } } })
      end,
      ['lax.fft: fft_type is "FFT", "IFFT", "RFFT" or "IRFFT", got DCT'] = function()
        lax.fft(f64 { 1, 2 }, 'DCT', { 2 })
      end,
      ['lax.sort: 3 keys of 2 arrays'] = function()
        lax.sort({ f64 { 1 }, f64 { 2 } }, { num_keys = 3 })
      end,
      ['associative_scan: arrays of different lengths, 2 and 3'] = function()
        lax.associative_scan(function(a) return a end, { np.zeros { 2 }, np.zeros { 3 } })
      end,
      ['associative_scan: the function makes () of (1) and (1)'] = function()
        lax.associative_scan(function(a) return a:sum() end, np.zeros { 3 })
      end,
      ['associative_scan: the function gives {*} of elements *'] = function()
        lax.associative_scan(function(a) return { a } end, np.zeros { 3 })
      end,
      ['reduce: operands *, init_values {*}'] = function()
        lax.reduce(np.zeros { 3 }, { 0 }, np.add, { 1 })
      end,
      ['associative_scan: needs at least one array'] = function()
        lax.associative_scan(np.add, {})
      end,
    } do
      assert.equal(sentence, line(f))
    end
  end)
end)

describe('associative_scan', function()
  -- x <- a x + b, as a product of affine maps
  local function after(p, q) return { a = q.a * p.a, b = q.a * p.b + q.b } end
  local function linear(a, b)
    return lax.associative_scan(after, { a = a, b = b }).b
  end
  local function one_by_one(a, b)
    return select(2, lax.scan(function(x, e)
      x = e[1] * x + e[2]
      return x, x
    end, b[1] * 0, { a, b }))
  end

  it('is a scan, of trees, for every length, with both derivatives and in batches', function()
    for n = 1, 9 do
      local a = np.cos(np.arange(0, n, 1, 'f64'))
      local b = np.sin(np.arange(1, n + 1, 1, 'f64'))
      local y, z = linear(a, b), one_by_one(a, b)
      assert.is_true(np.allclose(y, z, { rtol = 1e-13 }))
      local w = np.arange(1, n + 1, 1, 'f64')
      local function weighed(f) return function(p, q) return (f(p, q) * w):sum() end end
      for i = 1, 2 do
        local g = imnn.grad(weighed(linear), { argnums = i })(a, b)
        local h = imnn.grad(weighed(one_by_one), { argnums = i })(a, b)
        assert.is_true(np.allclose(g, h, { rtol = 1e-12, atol = 1e-12 }))
        assert.is_true(np.allclose(g, imnn.jacfwd(weighed(linear), { argnums = i })(a, b),
          { rtol = 1e-12, atol = 1e-12 }))
      end
      local both = imnn.jit(imnn.vmap(linear))(np.stack { a, b }, np.stack { b, a })
      assert.is_true(np.allclose(both[1], y, { rtol = 1e-13 }))
    end
  end)

  it('goes along any axis, and backwards', function()
    local x = np.arange(1, 13, 1, 'f64'):reshape { 3, 4 }
    assert.same(np.cumsum(x, 2):totable(), lax.associative_scan(np.add, x, { axis = 2 }):totable())
    assert.same(np.cumprod(x, { axis = 1, reverse = true }):totable(),
      lax.associative_scan(np.multiply, x, { reverse = true }):totable())
    assert.same({ 0, 2 }, lax.associative_scan(np.add, np.zeros { 0, 2 }).shape)
    -- functions that do not commute: the last one stays
    local function second(_, b) return b end
    assert.same({ 1, 2, 3 }, lax.associative_scan(second, f64 { 1, 2, 3 }):totable())
  end)
end)

describe('reduce', function()
  it('combines all elements along axes, in order', function()
    local x = np.arange(1, 25, 1, 'f64'):reshape { 2, 3, 4 }
    assert.same(np.sum(x, { 1, 3 }):totable(), lax.reduce(x, 0, np.add, { 1, 3 }):totable())
    assert.same(np.max(x, 2):totable(), lax.reduce(x, -math.huge, np.maximum, { 2 }):totable())
    assert.equal(7, lax.reduce(np.zeros { 0 }, 7, np.add, { 1 }):item())
    -- the largest element and its place
    local best = lax.reduce({ f64 { 3, 8, 8, 1, 5 }, np.arange(1, 6):astype 'f64' },
      { -math.huge, 0 }, function(p, q)
        local keep = np.ge(p[1], q[1])
        return { np.where(keep, p[1], q[1]), np.where(keep, p[2], q[2]) }
      end, { 1 })
    assert.same({ 8, 2 }, { best[1]:item(), best[2]:item() })
    local last = lax.reduce(f64 { 1, 2, 3, 4, 5, 6, 7 }, 0, function(_, b) return b end, { 1 })
    assert.equal(7, last:item())
    local function squares(v) return lax.reduce(v * v, 0, np.add, { 1 }) end
    assert.same({ 2, 4, 6 }, imnn.grad(squares)(f64 { 1, 2, 3 }):totable())
  end)
end)
