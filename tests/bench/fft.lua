--- Fourier transforms against FFTW called directly, and random fields against what they are made
-- of, by hand.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random

for _, T in ipairs { { 'f32', 'float' }, { 'f64', 'double' } } do
  ffi.cdef((([[
    void *fft_plan_NAME(int kind, int rank, const int *n, int count, T *x, T *y);
    void fft_run_NAME(const void *plan, T *x, T *y);
  ]]):gsub('NAME', T[1]):gsub('%f[%w]T%f[%W]', T[2])))
end
ffi.cdef [[
void fft_fields(float *out, const uint32_t *keys, int count, int m, const float *amplitude,
                bool real, bool lognormal, int part);
]]

local kinds = { fft = 0, ifft = 1, rfft = 2, irfft = 3 }

-- One transform of `count` arrays of shape n.
local function transform(bench, name, kind, dtype, count, n)
  local shape, ends = { count, unpack(n) }, {}
  for k = 1, #n do ends[k] = k - #n - 1 end
  local x = random.normal(random.PRNGKey(0), shape, dtype)
  local opts = { axes = ends }
  if kind == 'irfft' then x, opts = np.fft.rfftn(x, opts), { axes = ends, s = n }
  elseif kind ~= 'rfft' then x = np.complex(x, 0.5 * x)
  end
  local fn = np.fft[kind .. 'n']
  local f = imnn.jit(function(a) return fn(a, opts) end)
  local y = f(x)
  local hand, T = bench.bound 'fft', dtype == 'f64' and 'double *' or 'float *'
  local input, output = x * 1, y * 0 -- the bound may use its input up
  local from, to = ffi.cast(T, input:data()), ffi.cast(T, output:data())
  local plan = hand['fft_plan_' .. dtype](kinds[kind], #n, ffi.new('int[?]', #n, n), count, from,
    to)
  local run = hand['fft_run_' .. dtype]
  if kind ~= 'irfft' then
    run(plan, from, to)
    local off = np.max(np.abs(output - (kind == 'ifft' and y * np.prod(n) or y))):item()
    assert(off < (dtype == 'f64' and 1e-9 or 0.02), 'the bound gives other numbers')
  end
  local a, b = bench.pair(function() f(x) end, function() run(plan, from, to) end, 10)
  assert(input ~= nil and output ~= nil)
  bench.show(name, 1e6 * a / count, 'us', 1e6 * b / count, 'at most 1.2')
end

-- ---- fields ----

local m = 64
local frequency = np.fft.fftfreq(m) * m
local k = np.sqrt(frequency:reshape { m, 1 } ^ 2 + frequency ^ 2)
local half = k[{ {}, { 1, m / 2 + 1 } }]

local function amplitude(wave, theta)
  return np.sqrt(np.where(np.gt(wave, 0), theta[1] * np.where(np.gt(wave, 0), wave, 1) ^ -theta[2],
    0))
end
local function complex_field(key, theta)
  local w = random.normal(key, { m, m })
  return np.fft.ifft2(np.fft.fft2(w) * amplitude(k, theta)).real
end
local function real_field(key, theta)
  local w = random.normal(key, { m, m })
  return np.fft.irfft2(np.fft.rfft2(w) * amplitude(half, theta))
end
local function lognormal_field(key, theta)
  local g = real_field(key, theta)
  return np.exp(g - np.mean(g ^ 2) / 2) - 1
end

-- 10^4 draws of a field; the bound is the sum of the parts by hand.
local function field(bench, name, fn, real, lognormal)
  local count, theta = 10 ^ 4, np.array { 1, 2 }
  local keys = random.split(random.PRNGKey(0), count)
  local f = imnn.jit(imnn.vmap(fn, { in_axes = { 1, false } }))
  local y = f(keys, theta)
  local a = amplitude(real and half or k, theta) / m ^ 2 * 1
  local out, hand = y * 0, bench.bound 'fft'
  local to, words = ffi.cast('float *', out:data()), ffi.cast('uint32_t *', keys:data())
  local from = ffi.cast('float *', a:data())
  local function by_hand(part) hand.fft_fields(to, words, count, m, from, real, lognormal, part) end
  by_hand(0)
  local off = np.max(np.abs(out - y)):item()
  assert(off < 1e-4, 'the bound draws other fields')
  local ours, all = bench.pair(function() f(keys, theta) end, function() by_hand(0) end, 5)
  local sum = 0
  for part = 1, 3 do sum = sum + bench.least(function() by_hand(part) end, 5) end
  bench.show(name, 1e3 * ours, 'ms', 1e3 * sum, ('at most 1.25; by hand at once %.0f ms'):format(
    1e3 * all))
end

return function(bench)
  for _, r in ipairs {
    { 'fft_256', 'fft', 'f32', 100, { 256, 256 } },
    { 'ifft_256', 'ifft', 'f32', 100, { 256, 256 } },
    { 'rfft_256', 'rfft', 'f32', 100, { 256, 256 } },
    { 'irfft_256', 'irfft', 'f32', 100, { 256, 256 } },
    { 'fft_256_f64', 'fft', 'f64', 100, { 256, 256 } },
    { 'rfft_256_f64', 'rfft', 'f64', 100, { 256, 256 } },
    { 'fft_64', 'fft', 'f32', 1000, { 64, 64 } }, { 'rfft_64', 'rfft', 'f32', 1000, { 64, 64 } },
    { 'irfft_64', 'irfft', 'f32', 1000, { 64, 64 } },
    { 'fft_64_f64', 'fft', 'f64', 1000, { 64, 64 } },
    { 'fft_100', 'fft', 'f32', 10 ^ 4, { 100 } }, { 'rfft_100', 'rfft', 'f32', 10 ^ 4, { 100 } },
    { 'fft_8', 'fft', 'f32', 10 ^ 5, { 8 } }, { 'rfft_8', 'rfft', 'f32', 10 ^ 5, { 8 } },
  } do
    bench.row(r[1], function(name) transform(bench, name, unpack(r, 2)) end)
  end
  bench.row('field', function(name) field(bench, name, real_field, true, false) end)
  bench.row('field_complex', function(name) field(bench, name, complex_field, false, false) end)
  bench.row('field_lognormal', function(name) field(bench, name, lognormal_field, true, true) end)
end
