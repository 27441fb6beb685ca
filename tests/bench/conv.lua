--- Convolutions of 100 images of 32 x 32 in f32 against oneDNN with the same plain layouts, its
-- weights in whatever layout is fastest for it, with the way there and back; pooling; an iteration
-- of a network of 2-D fields against its convolutions; and the network of a published example.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, lax, random, stax = imnn.np, imnn.lax, imnn.random, imnn.stax

ffi.cdef [[
typedef struct conv conv;
conv *conv_new(int direction, bool nchw, bool free_weights, int n, int size, int in, int out,
               int kernel, int stride, int pad, int groups);
void conv_run(const conv *c);
void conv_free(conv *c);
void conv_max_pool(float *y, const float *x, int n, int size, int channels);
]]

local directions = {
  { 'forward', function(f) return f end },
  { 'input', function(f)
    return function(x, w, dy)
      local _, pull = imnn.vjp(function(v) return f(v, w) end, x)
      return pull(dy)
    end
  end },
  { 'weights', function(f)
    return function(x, w, dy)
      local _, pull = imnn.vjp(function(v) return f(x, v) end, w)
      return pull(dy)
    end
  end },
}

-- ---- a published network: Makinen et al., 2D Gaussian fields; input (1, N, N) as (H, W, C) ----

local N = 128

-- Each branch is a row of { window, stride } of its convolutions; none: pooling comes first.
local function inception(filters, stride, branches)
  local S, layers = { stride, stride }, {}
  for i, size in ipairs(branches) do
    local last = stax.Conv(filters, { size, size }, S, 'SAME')
    if size > 1 then last = stax.serial(stax.Conv(filters, { 1, 1 }, nil, 'SAME'), last) end
    layers[i] = last
  end
  layers[#layers + 1] = stax.serial(stax.MaxPool({ 3, 3 }, nil, 'SAME'),
    stax.Conv(filters, { 1, 1 }, S, 'SAME'))
  return stax.serial(stax.FanOut(#layers), stax.parallel(unpack(layers)), stax.FanInConcat(),
    stax.LeakyRelu)
end

-- A Gaussian field of N x N pixels with power A k^-B.
local function field(key, theta)
  local line = np.concatenate { np.arange(0, N / 2 + 1), np.arange(-N / 2 + 1, 0) }
  local k = line * (2 * math.pi / N)
  k = np.sqrt(np.expand_dims(k * k, 1) + np.expand_dims(k * k, 2))
  local amplitude = np.where(np.gt(k, 0), np.sqrt(theta[1] * np.maximum(k, 1e-6) ^ -theta[2]), 0)
  local draw = random.split(key)[2]
  local size, phase = random.normal(draw, { N + 1, N + 1 }), random.uniform(draw, { N + 1, N + 1 })
  local all = { { 1, N }, { 1, N } }
  size = ((size + np.flip(size)) / math.sqrt(2))[all] * amplitude
  phase = (math.pi * (phase - np.flip(phase)) + math.pi)[all]
  local modes = np.complex(size * np.cos(phase), size * np.sin(phase))
  return (np.real(np.fft.ifft2(modes)) * N):reshape { 1, N, N }
end

local function field_network(n_s)
  local keys = random.split(random.PRNGKey(0))
  return imnn.SimulatorIMNN {
    n_s = n_s, n_d = n_s, n_params = 2, n_summaries = 2, input_shape = { 1, N, N },
    theta_fid = np.array { 1, 0.5 }, optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = keys[1], simulator = field,
    model = stax.serial(inception(64, 4, { 1, 3, 5 }), inception(64, 4, { 1, 3, 5 }),
      inception(64, 4, { 1, 3, 5 }), inception(64, 2, { 1 }), stax.Conv(2, { 1, 1 }), stax.Flatten),
  }, keys[2]
end

-- ---- a network of fields whose simulations were made before ----

local strided = { { 32, 1, 16 }, { 16, 16, 32 }, { 8, 32, 32 }, { 4, 32, 32 } } -- size, in, out

local function strided_network(n)
  local keys, layers = random.split(random.PRNGKey(0), 3), {}
  for _, size in ipairs(strided) do
    layers[#layers + 1] = stax.Conv(size[3], { 3, 3 }, { 2, 2 }, 'SAME')
    layers[#layers + 1] = stax.LeakyRelu
  end
  layers[#layers + 1] = stax.Flatten
  layers[#layers + 1] = stax.Dense(2)
  return imnn.GradientIMNN {
    n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { 32, 32, 1 },
    theta_fid = np.array { 1, 0.5 }, optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = keys[1], model = stax.serial(unpack(layers)),
    fiducial = random.normal(keys[2], { n, 32, 32, 1 }),
    derivative = random.normal(keys[3], { n, 32, 32, 1, 2 }),
  }, keys[1]
end

return function(bench)
  local function rows(label, o)
    local n, size, channels, kernel, stride = 100, 32, 64, 3, o.stride or 1
    local groups = o.groups or 1
    local sizes = { N = n, H = size, W = size, C = channels }
    local settings = { padding = { { 1, 1 }, { 1, 1 } }, window_strides = { stride, stride },
      feature_group_count = groups,
      dimension_numbers = o.nchw and { 'NCHW', 'OIHW', 'NCHW' } or { 'NHWC', 'HWIO', 'NHWC' } }
    local places = math.floor((size - 1) / stride) + 1
    local flops = 2 * n * places ^ 2 * channels * channels / groups * kernel ^ 2
    local function shape(letters, lengths)
      local out = {}
      for c in letters:gmatch '.' do out[#out + 1] = lengths[c] end
      return out
    end
    local function apply(x, w) return lax.conv_general_dilated(x, w, settings) end
    for direction, each in ipairs(directions) do
      bench.row(label .. '_' .. each[1], function(name)
        local hand, keys = bench.bound 'conv', random.split(random.PRNGKey(0))
        local x = random.normal(keys[1], shape(settings.dimension_numbers[1], sizes))
        local w = random.normal(keys[2], shape(settings.dimension_numbers[2],
          { O = channels, I = channels / groups, H = kernel, W = kernel }))
        local dy, f = apply(x, w), imnn.jit(each[2](apply))
        local best, bound = math.huge, math.huge
        for _, free in ipairs { false, true } do
          local c = hand.conv_new(direction - 1, o.nchw or false, free, n, size, channels, channels,
            kernel, stride, 1, groups)
          if c ~= nil then
            hand.conv_run(c)
            -- What is plainly slower is no bound.
            local slow = bench.least(function() hand.conv_run(c) end, 1) > 2 * bound
            local a, b = bench.pair(function() f(x, w, dy) end, function() hand.conv_run(c) end,
              slow and 1 or 8)
            best, bound = math.min(best, a), math.min(bound, b)
            hand.conv_free(c)
          end
        end
        bench.show(name, 1e3 * best, 'ms', 1e3 * bound,
          ('%.0f GFLOP/s%s'):format(1e-9 * flops / best, o.bar and '; at most 1.15' or ''))
      end)
    end
  end
  rows('conv', { bar = true })
  rows('conv_nchw', { nchw = true, bar = true })
  rows('conv_stride_2', { stride = 2 })
  rows('conv_groups_8', { groups = 8 })
  rows('conv_depthwise', { groups = 64 })

  bench.row('max_pool', function(name)
    local hand, n, size, channels = bench.bound 'conv', 100, 32, 64
    local x = random.normal(random.PRNGKey(0), { n, size, size, channels })
    local f = imnn.jit(function(v)
      return lax.reduce_window(v, -math.huge, 'max', { 1, 2, 2, 1 },
        { window_strides = { 1, 2, 2, 1 } })
    end)
    local y = np.zeros { n, size / 2, size / 2, channels }
    local to, from = ffi.cast('float *', y:data()), ffi.cast('const float *', x:data())
    local a, b = bench.pair(function() f(x) end,
      function() hand.conv_max_pool(to, from, n, size, channels) end)
    local bytes = 4 * (x.size + y.size)
    bench.show(name, 1e-9 * bytes / a, 'GB/s', 1e-9 * bytes / b, '2 x 2, against C by hand')
  end)

  -- All convolutions of an iteration, n simulations with two tangents each; the input gradient of
  -- the first one is not wanted.
  bench.row('field_cnn', function(name)
    local hand, n = bench.bound 'conv', 200
    local net, key = strided_network(n)
    local step, best, direct = net:stepper { lambda = 10, epsilon = 0.1, rng = key }, math.huge, {}
    for i, size in ipairs(strided) do
      for direction = 0, 2 do
        local ways = {}
        for _, free in ipairs { false, true } do
          ways[#ways + 1] = (i > 1 or direction ~= 1) and hand.conv_new(direction, false, free,
            3 * n, size[1], size[2], size[3], 3, 2, 1, 1) or nil
        end
        if #ways > 0 then direct[#direct + 1] = { ways = ways, least = math.huge } end
      end
    end
    for _ = 1, 5 do
      best = math.min(best, bench.least(step, 40))
      for _, one in ipairs(direct) do
        for _, way in ipairs(one.ways) do
          one.least = math.min(one.least, bench.least(function() hand.conv_run(way) end, 6))
        end
      end
    end
    local bound = 0
    for _, one in ipairs(direct) do
      bound = bound + one.least
      for _, way in ipairs(one.ways) do hand.conv_free(way) end
    end
    bench.show(name, 1e3 * best, 'ms', 1e3 * bound,
      ('%.0f GFLOP/s; at most 1.3'):format(1e-9 * net:iteration_flops() / best))
  end)

  bench.row('compile_cnn', function(name)
    local best = math.huge
    for _ = 1, 5 do
      local net, key = field_network(5000)
      best = math.min(best, bench.least(function()
        net:stepper { lambda = 10, epsilon = 0.1, rng = key }
      end, 1))
    end
    bench.show(name, best, 's', 0.3, 'trace, reverse sweep and compilation')
  end)

  bench.row('fit_cnn', function(name)
    local net, key = field_network(100)
    local step, flops = net:stepper { lambda = 10, epsilon = 0.1, rng = key }, net:iteration_flops()
    step()
    local best = bench.least(step, 5)
    bench.show(name, best, 's', nil, ('100 simulations, %.1f GFLOP, %.0f GFLOP/s'):format(
      1e-9 * flops, 1e-9 * flops / best))
  end)
end
