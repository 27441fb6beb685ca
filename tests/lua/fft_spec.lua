--- Fourier transforms: values, reverse and forward derivatives against JAX, also compiled and
-- batched (tests/golden/fft); sizes, axes and norms against sums written out.
local ffi = require 'ffi'
local imnn = require 'imnn'
local array = require 'imnn.array'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, random = imnn.np, imnn.random
local fft = np.fft

local function parts(z) return z.real, z.imag end
local function z(i) return np.complex(i.x, i.y) end
local function of(name, opts) return function(i) return parts(fft[name](z(i), opts)) end end
local function of_real(name, opts) return function(i) return parts(fft[name](i.x, opts)) end end
local function to_real(name, opts) return function(i) return fft[name](z(i), opts) end end

local cases = {
  fft2 = of 'fft2', fft_8 = of 'fft', fft_9 = of 'fft', fft_rows = of 'fft', fftn3 = of 'fftn',
  ifft2 = of 'ifft2', ifft_8 = of 'ifft', ifft_9 = of 'ifft', ifftn3 = of 'ifftn',
  fft_axis0 = of_real('fft', { axis = 1 }), fft_n = of_real('fft', 11), fft_real = of_real 'fft',
  rfft2 = of_real 'rfft2', rfft_8 = of_real 'rfft', rfft_9 = of_real 'rfft',
  rfft_batch = of_real 'rfft', rfftn3 = of_real 'rfftn',
  irfft2 = to_real('irfft2', { s = { 5, 6 } }), irfft_8 = to_real('irfft', 8),
  irfft_9 = to_real('irfft', 9), irfft_batch = to_real 'irfft',
  irfftn3 = to_real('irfftn', { s = { 4, 5, 6 } }),
  fftshift = function(i) return fft.fftshift(i.x) end,
  fftshift2 = function(i) return fft.fftshift(i.x) end,
  ifftshift = function(i) return fft.ifftshift(i.x) end,
  convolve_fft = function(i) return fft.irfft(fft.rfft(i.x) * fft.rfft(i.y), 8) end,
  filter = function(i) return fft.ifft2(fft.fft2(i.x) * i.y).real end,
  power = function(i) return np.abs(fft.rfft(i.x)) ^ 2 end,
}

local function compare(what, rule, expected, got)
  assert.is_nil(golden.difference(
    { y = expected:values(), shape = expected.shape, rtol = rule.rtol, atol = rule.atol }, got),
    what)
end

-- The arrays of a name: one, or those numbered from 1.
local function list(group, name)
  local out, all = {}, {}
  for key, value in group:each() do all[key] = value end
  if all[name] then return { all[name] } end
  while all[name .. '.' .. #out + 1] do out[#out + 1] = all[name .. '.' .. #out + 1] end
  return out
end

local function check(name, group)
  local rule, names, x, t = group:attributes(), {}, {}, {}
  for _, key in ipairs { 'x', 'y' } do
    local value = list(group, 'in.' .. key)[1]
    if value then
      names[#names + 1], x[#x + 1] = key, value
      t[#t + 1] = list(group, 'in.t_' .. key)[1]
    end
  end
  local function fn(...)
    local i = {}
    for k, key in ipairs(names) do i[key] = select(k, ...) end
    return cases[name](i)
  end
  local function results(...)
    local out = { fn(...) }
    return #out > 1 and out or out[1]
  end
  local expected = list(group, 'out.y')
  local function compare_all(what, wanted, got)
    for k, y in ipairs(wanted) do compare(what, rule, y, got[k]) end
  end
  compare_all('value', expected, { fn(unpack(x)) })
  compare_all('compiled', expected, { imnn.jit(fn)(unpack(x)) })
  local _, forward = imnn.jvp(results, x, t)
  compare_all('forward', list(group, 'out.d'), #expected > 1 and forward or { forward })
  local _, back = imnn.vjp(results, unpack(x))
  local ct = list(group, 'in.ct')
  local dx = { back(#ct > 1 and ct or ct[1]) }
  for k, key in ipairs(names) do
    compare('reverse ' .. key, rule, list(group, 'out.ct_' .. key)[1], dx[k])
  end
  local both = {}
  for k, v in ipairs(x) do both[k] = np.stack { v * 2, v } end
  local all = { imnn.vmap(fn)(unpack(both)) }
  for k, y in ipairs(expected) do compare('batch', rule, y, all[k][2]) end
end

for _, file in ipairs { 'fft_f32', 'fft_f64' } do
  describe(file .. ' agrees with golden in', function()
    local f = imnn.data.hdf5.open('tests/golden/fft/' .. file .. '.h5')
    for name, group in f:each() do
      if cases[name] then it(name, function() check(name, group) end) end
    end

    it('the frequencies', function()
      local dtype = file:sub(5)
      local rule = f.fftfreq:attributes()
      compare('fftfreq', rule, f['fftfreq/out.y'], fft.fftfreq(8, 0.5, dtype))
      compare('rfftfreq', rule, f['rfftfreq/out.y'], fft.rfftfreq(9, 1, dtype))
    end)
  end)
end

local function near(expected, x)
  assert.are.same(expected.shape, x.shape)
  assert.is_true(np.abs(x - expected):max() < 1e-12, tostring(x))
end

-- Along the first axis, by matrices.
local function by_sum(x, sign)
  local n = #x
  local k = np.arange(0, n, 1, 'f64')
  return np.matmul(np.exp(sign * 2i * np.pi / n * np.outer(k, k)), x)
end

describe('transforms', function()
  local two = random.normal(random.PRNGKey(4), { 2, 5, 7 }, 'f64')
  local x = np.complex(two[1], two[2])

  it('are sums of waves, of all sizes', function()
    for _, n in ipairs { 1, 2, 3, 4, 5, 7, 11, 16, 30, 64, 97 } do
      local r = random.normal(random.PRNGKey(n), { 2, n, 1 }, 'f64')
      local y = np.complex(r[1], r[2])
      near(by_sum(y, -1), fft.fft(y, { axis = 1 }))
      near(by_sum(y, 1) / n, fft.ifft(y, { axis = 1 }))
      near(by_sum(r[1]:astype 'c128', -1)[{ { 1, math.floor(n / 2) + 1 } }],
        fft.rfft(r[1], { axis = 1 }))
      near(r[1], fft.irfft(fft.rfft(r[1], { axis = 1 }), { axis = 1, n = n }))
    end
  end)

  it('go along any axes', function()
    near(fft.fft(fft.fft(x, { axis = 2 }), { axis = 1 }), fft.fft2(x))
    near(fft.fft2(x), fft.fftn(x, { axes = { 2, 1 } }))
    near(fft.fft(x, { axis = 1 }), fft.fftn(x, { axes = { 1 } }))
    near(fft.fft(fft.rfft(two, { axis = 1 }), { axis = 3 }), fft.rfftn(two, { axes = { 3, 1 } }))
    near(two, fft.irfftn(fft.rfftn(two, { axes = { 3, 1 } }), { s = { 7, 2 }, axes = { 3, 1 } }))
    near(x, fft.ifftn(fft.fftn(x)))
  end)

  -- Axes one after the other, each brought to the end.
  local function one_by_one(name, y, axes, sizes)
    for i, axis in ipairs(axes) do
      y = np.moveaxis(fft[name](np.moveaxis(y, axis, -1), sizes and sizes[i]), -1, axis)
    end
    return y
  end

  it('go along axes in any order, adjacent or not', function()
    local a = random.normal(random.PRNGKey(6), { 2, 3, 4, 5 }, 'f64')
    local b = np.complex(a, a ^ 2)
    for _, axes in ipairs { { 1, 2 }, { 2, 3 }, { 1, 3 }, { 4, 1, 2 }, { 3, 1 }, { 2, 1, 4, 3 },
      { 1, 2, 3 }, { 2, 4, 3 } } do
      near(one_by_one('fft', b, axes), fft.fftn(b, { axes = axes }))
      near(one_by_one('ifft', b, axes), fft.ifftn(b, { axes = axes }))
      local last, other, sizes = axes[#axes], { unpack(axes, 1, #axes - 1) }, {}
      for k, axis in ipairs(axes) do sizes[k] = a.shape[axis] end
      local y = fft.rfftn(a, { axes = axes })
      near(one_by_one('fft', one_by_one('rfft', a, { last }), other), y)
      near(a, fft.irfftn(y, { axes = axes, s = sizes }))
    end
  end)

  it('of large arrays are those of their rows and columns', function()
    local a = random.normal(random.PRNGKey(5), { 2, 150, 201 }, 'f64')
    local b = np.complex(a[1], a[2])
    near(one_by_one('fft', b, { 2, 1 }), fft.fft2(b))
    near(one_by_one('ifft', b, { 2, 1 }), fft.ifft2(b))
    near(one_by_one('fft', one_by_one('rfft', a, { 3 }), { 2 }), fft.rfft2(a))
    near(a, fft.irfft2(fft.rfft2(a), { s = { 150, 201 } }))
    near(np.moveaxis(fft.fft2(b), 1, 2), fft.fft2(b.T))
    near(fft.fft2(a), fft.fftn(np.moveaxis(a, 1, 3), { axes = { 1, 2 } }):transpose { 3, 1, 2 })
  end)

  it('of signals with real spectra', function()
    local h = fft.hfft(x)
    assert.are.same({ 5, 12 }, h.shape)
    near(fft.irfft(x.real - 1i * x.imag) * 12, h)
    near(fft.irfft(x.real - 1i * x.imag, 13) * 13, fft.hfft(x, 13))
    for _, norm in ipairs { 'backward', 'ortho', 'forward' } do
      near(two, fft.hfft(fft.ihfft(two, { axis = 2, norm = norm }),
        { n = 5, axis = 2, norm = norm }))
    end
    near(np.conj(fft.rfft(two)) / 7, fft.ihfft(two))
  end)

  it('are cropped and padded', function()
    near(fft.fft(x[{ {}, { 1, 3 } }]), fft.fft(x, 3))
    near(fft.fft(np.concatenate({ x, np.zeros({ 5, 2 }, 'c128') }, 2)), fft.fft(x, 9))
    near(fft.fft2(x[{ { 1, 2 }, { 1, 6 } }]), fft.fft2(x, { s = { 2, 6 } }))
    near(fft.fft(x, 4), fft.fftn(x, { s = { 4 } }))
    assert.are.same({ 5, 12 }, fft.irfft(x).shape)
    assert.are.same({ 5, 13 }, fft.irfft(x, 13).shape)
  end)

  it('are divided by the norm asked for', function()
    local y = fft.fft2(x)
    near(y / math.sqrt(35), fft.fft2(x, { norm = 'ortho' }))
    near(y / 35, fft.fft2(x, { norm = 'forward' }))
    for _, norm in ipairs { 'backward', 'ortho', 'forward' } do
      near(x, fft.ifft2(fft.fft2(x, { norm = norm }), { norm = norm }))
      near(two, fft.irfftn(fft.rfftn(two, { norm = norm }), { s = { 2, 5, 7 }, norm = norm }))
    end
  end)

  it('take what there is', function()
    assert.are.equal('c64', fft.fft({ 1, 2 }).dtype)
    assert.are.equal('c128', fft.fft(two).dtype)
    assert.are.equal('c64', fft.rfft(np.array({ 1, 2 }, 'i32')).dtype)
    assert.are.equal('f32', fft.irfft({ 1, 2 }).dtype)
    assert.are.same({ 0, 3 }, fft.fft(np.zeros { 0, 3 }).shape)
  end)

  it('are shifted along axes', function()
    assert.are.same({ 4, 5, 1, 2, 3 }, fft.fftshift({ 1, 2, 3, 4, 5 }):totable())
    assert.are.same({ 3, 4, 5, 1, 2 }, fft.ifftshift({ 1, 2, 3, 4, 5 }):totable())
    assert.are.same({ { 2, 1 }, { 4, 3 } }, fft.fftshift({ { 1, 2 }, { 3, 4 } }, 2):totable())
    near(two, fft.ifftshift(fft.fftshift(two)))
    assert.are.equal('f64', fft.fftfreq(4, 1, 'f64').dtype)
  end)

  it('make fields that differentiate', function()
    local noise = random.normal(random.PRNGKey(9), { 8, 8 }, 'f64')
    local function field(a) return fft.irfft2(fft.rfft2(noise) * a, { s = { 8, 8 } }) end
    local a = np.array(2, 'f64')
    near(noise, imnn.jacfwd(field)(a))
    near(noise:sum(), imnn.grad(function(b) return field(b):sum() end)(a))
  end)

  it('give the same bytes on 1, 2 and 3 threads, and alone', function()
    local before = imnn.threads()
    local odd = random.normal(random.PRNGKey(2), { 4000, 9 })
    local flat = random.normal(random.PRNGKey(3), { 60, 32, 33 })
    local f = imnn.jit(function(a, b)
      return fft.rfft(a), fft.irfft2(fft.rfft2(b) * 0.5, { s = { 32, 33 } }), fft.fft(a * 1i)
    end)
    local first
    for n = 1, 3 do
      imnn.set_threads(n)
      local bytes = {}
      for i, y in ipairs { f(odd, flat) } do
        bytes[i] = ffi.string(y:data(), y.size * array.bytes[y.dtype])
      end
      first = first or bytes
      assert.is_true(first[1] == bytes[1] and first[2] == bytes[2] and first[3] == bytes[3])
    end
    imnn.set_threads(before)
    local row = fft.rfft(odd[38])
    assert.are.equal(first[1]:sub(37 * 40 + 1, 38 * 40), ffi.string(row:data(), 40))
  end)

  it('of an array have the bytes that they have among others', function()
    local function bytes(y) return ffi.string(y:data(), y.size * array.bytes[y.dtype]) end
    for _, n in ipairs { { 8 }, { 9 }, { 32 }, { 100 }, { 1000 }, { 8, 8 }, { 5, 7 },
      { 30, 31 } } do
      for _, dtype in ipairs { 'f32', 'f64' } do
        local all = random.normal(random.PRNGKey(#n + n[1]), { 83, unpack(n) }, dtype)
        local last = {}
        for k = 1, #n do last[k] = k - #n - 1 end
        for _, f in ipairs {
          function(a) return fft.fftn(a + 0.5i * a, { axes = last }) end,
          function(a) return fft.rfftn(a, { axes = last }) end,
          function(a) return fft.irfftn(fft.rfftn(a, { axes = last }), { axes = last, s = n }) end,
        } do
          local whole = f(all)
          for _, cut in ipairs { { 1, 1 }, { 2, 4 }, { 3, 83 }, { 40, 63 }, { 83, 83 } } do
            assert.is_true(bytes(whole[{ cut }]) == bytes(f(all[{ cut }])), dtype)
          end
        end
      end
    end
  end)

  it('of one large array have the same bytes on 1, 2 and 3 threads', function()
    local before = imnn.threads()
    local a = random.normal(random.PRNGKey(8), { 400, 300 })
    local first
    for n = 1, 3 do
      imnn.set_threads(n)
      local y = fft.irfft2(fft.rfft2(a) * 2) + fft.ifft2(fft.fft2(a)).real
      local bytes = ffi.string(y:data(), 4 * y.size)
      first = first or bytes
      assert.is_true(first == bytes)
    end
    imnn.set_threads(before)
  end)

  it('say what is wrong', function()
    local function refuses(sentence, fn)
      assert.are.equal(sentence, (message(fn):match '^[^:]*:%d+: (.*)$'))
    end
    refuses('fft.rfft: is of real arrays, got c128; np.fft.fft is of complex ones', function()
      return fft.rfft(x)
    end)
    refuses('fft.ihfft: is of real arrays, got c128; np.fft.ifft is of complex ones', function()
      return fft.ihfft(x)
    end)
    refuses("fft.hfft: norm is 'backward', 'ortho' or 'forward', got \"none\"", function()
      return fft.hfft(x, { norm = 'none' })
    end)
    refuses("fft.fft: norm is 'backward', 'ortho' or 'forward', got \"orto\"", function()
      return fft.fft(x, { norm = 'orto' })
    end)
    refuses('fft.fft: no axis 3, there are 2', function() return fft.fft(x, { axis = 3 }) end)
    refuses('fft.fftn: axis -1 is given twice', function()
      return fft.fftn(x, { axes = { 2, -1 } })
    end)
    refuses('fft.fft2: 1 sizes for 2 axes', function() return fft.fft2(x, { s = { 4 } }) end)
    refuses('fft.fft: sizes are whole numbers, 1 or more, got 0', function()
      return fft.fft(np.zeros { 3, 0 })
    end)
    refuses('fft.irfft: sizes are whole numbers, 1 or more, got 0', function()
      return fft.irfft { 1 }
    end)
    refuses('fft.fftn: needs an axis, got shape ()', function() return fft.fftn(1) end)
    refuses('fft.fft: unknown option "axes"; did you mean "axis"?', function()
      return fft.fft(x, { axes = { 1 } })
    end)
    refuses('fft.fftfreq: needs a whole number of elements, 1 or more, got 0', function()
      return fft.fftfreq(0)
    end)
    refuses('fft.rfftfreq: the spacing must be a number that is not 0, got 0', function()
      return fft.rfftfreq(4, 0)
    end)
  end)
end)
