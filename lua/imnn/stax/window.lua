--- Layers whose weights or windows move over spatial axes, and those that normalise. Layouts are
-- those of JAX without N: layers see one example; more axes in front of it are more examples.
-- @module imnn.stax.window
local args = require 'imnn.args'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local window = require 'imnn.lax.window'
local M = {}

local function layer(init, apply) return { init, apply, init = init, apply = apply } end
local function text(shape) return table.concat(shape, ', ') end

local function positive(who, what, n)
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then
    core.raise('%s: %s must be a positive integer, got %s', who, what, tostring(n))
  end
  return n
end

local function sizes_of(who, what, list, n)
  if type(list) ~= 'table' or #list == 0 then
    core.raise('%s: %s is a list with a number for each spatial axis', who, what)
  end
  if n and #list ~= n then
    core.raise('%s: %s has %d numbers for %d spatial axes', who, what, #list, n)
  end
  for _, size in ipairs(list) do positive(who, 'each number of ' .. what, size) end
  return list
end

-- Options, or strides and padding in their places as JAX has them.
local function options(who, a, b, rows)
  if b ~= nil or type(a) == 'table' and #a > 0 then a = { strides = a, padding = b } end
  return args.take(who, a, rows)
end

local function ones(n)
  local out = {}
  for i = 1, n do out[i] = 1 end
  return out
end

local function dilated(size, by) return (size - 1) * by + 1 end

-- ---- convolutions ----

local conv_rows = {
  strides = { 'table', optional = true }, padding = { 'string', 'table', default = 'VALID' },
  W_init = { 'function', optional = true }, b_init = { 'function', optional = true },
  dilation = { 'table', optional = true }, groups = { 'integer', default = 1 },
}

-- JAX's layouts without N, and what they mean.
local function layouts(who, numbers)
  if type(numbers) ~= 'table' then
    core.raise("%s: dimension_numbers are three layouts, like { 'HWC', 'HWIO', 'HWC' }", who)
  end
  local list = {}
  for i, name in ipairs(numbers) do
    list[i] = type(name) == 'string' and i ~= 2 and name:gsub('N', '') or name
  end
  return window.layout(who, list)
end

-- Shape of the weights: groups have their own inputs.
local function kernel_shape(layout, out_chan, filter_shape, inputs)
  local out, next_one = {}, 0
  for i = 1, #layout.text[2] do
    local letter = layout.text[2]:sub(i, i)
    if letter == 'O' then out[i] = out_chan
    elseif letter == 'I' then out[i] = inputs
    else
      next_one = next_one + 1
      out[i] = filter_shape[next_one]
    end
  end
  return out
end

-- The layer of both kinds: `places` of the window along axis i, and `convolve`.
local function general(who, numbers, out_chan, filter_shape, o, places, convolve)
  local layout = layouts(who, numbers)
  local n = #layout.spatial
  positive(who, 'the number of channels', out_chan)
  sizes_of(who, 'filter_shape', filter_shape, n)
  o.strides = sizes_of(who, 'strides', o.strides or ones(n), n)
  o.dilation = sizes_of(who, 'dilation', o.dilation or ones(n), n)
  local stax = require 'imnn.stax'
  local W_init = o.W_init or stax.glorot_normal(layout.rhs.I, layout.rhs.O)
  local b_init = o.b_init or stax.normal(1e-6)
  local function init(key, shape)
    if #shape ~= n + 1 then
      core.raise('%s: an input (%s) is not "%s"', who, text(shape), layout.text[1])
    end
    local inputs, keys = shape[layout.lhs.C], random.split(key)
    if inputs % positive(who, 'groups', o.groups) ~= 0 or out_chan % o.groups ~= 0 then
      core.raise('%s: %d and %d channels are not in %d groups', who, inputs, out_chan, o.groups)
    end
    local out, bias = {}, {}
    for i = 1, n + 1 do bias[i] = 1 end
    for i, letter in ipairs(layout.spatial) do
      out[layout.out[letter]] = places(i, shape[layout.lhs[letter]],
        dilated(filter_shape[i], o.dilation[i]), o)
    end
    out[layout.out.C], bias[layout.out.C] = out_chan, out_chan
    return out, { W_init(keys[1], kernel_shape(layout, out_chan, filter_shape,
      inputs / o.groups)), b_init(keys[2], bias) }
  end
  return layer(init, function(params, x)
    return convolve(x, params[1], layout.text, o) + params[2]
  end)
end

local function conv_places(i, size, wide, o)
  local padding = o.padding
  if type(padding) == 'table' then padding = { padding[i] } end
  local pair = window.pairs_of('stax.GeneralConv', padding, { size }, { wide }, { o.strides[i] })[1]
  return math.max(math.floor((size + pair[1] + pair[2] - wide) / o.strides[i]) + 1, 0)
end

local function convolve(x, W, numbers, o)
  return window.conv_general_dilated(x, W, { window_strides = o.strides, padding = o.padding,
    rhs_dilation = o.dilation, feature_group_count = o.groups, dimension_numbers = numbers })
end

--- Convolution with any layouts.
-- @tparam table dimension_numbers input, kernel, output: { 'NHWC', 'HWIO', 'NHWC' }, N or not
-- @tparam number out_chan
-- @tparam table filter_shape a number for each spatial axis, in the order of the kernel
-- @tparam[opt] table opts strides (1, ...), padding ('VALID'), W_init (glorot_normal), b_init
-- (normal of 1e-6), dilation (1, ...), groups (1); or strides and padding in their places
-- @tparam[opt] string|table padding
-- @treturn layer params { W, b }
function M.GeneralConv(dimension_numbers, out_chan, filter_shape, opts, padding)
  local o = options('stax.GeneralConv', opts, padding, conv_rows)
  return general('stax.GeneralConv', dimension_numbers, out_chan, filter_shape, o, conv_places,
    convolve)
end

local function transposed_places(i, size, wide, o)
  local s, p = o.strides[i], o.padding
  if p == 'SAME' then return size * s
  elseif p == 'VALID' then return size * s + math.max(wide - s, 0) end
  return math.max((size - 1) * s + 2 - wide + p[i][1] + p[i][2], 0)
end

local function convolve_transposed(x, W, numbers, o)
  return window.conv_transpose(x, W, o.strides, o.padding, { dimension_numbers = numbers })
end

--- Transposed convolution with any layouts.
-- @tparam table dimension_numbers
-- @tparam number out_chan
-- @tparam table filter_shape
-- @tparam[opt] table opts strides, padding, W_init, b_init, as in GeneralConv
-- @tparam[opt] string|table padding
-- @treturn layer params { W, b }
function M.GeneralConvTranspose(dimension_numbers, out_chan, filter_shape, opts, padding)
  local who = 'stax.GeneralConvTranspose'
  local o = options(who, opts, padding, {
    strides = conv_rows.strides, padding = conv_rows.padding, W_init = conv_rows.W_init,
    b_init = conv_rows.b_init,
  })
  o.groups = 1
  return general(who, dimension_numbers, out_chan, filter_shape, o, transposed_places,
    convolve_transposed)
end

for name, row in pairs {
  Conv = { M.GeneralConv, { 'NHWC', 'HWIO', 'NHWC' } },
  Conv1D = { M.GeneralConv, { 'NHC', 'HIO', 'NHC' } },
  Conv3D = { M.GeneralConv, { 'NDHWC', 'DHWIO', 'NDHWC' } },
  ConvTranspose = { M.GeneralConvTranspose, { 'NHWC', 'HWIO', 'NHWC' } },
  Conv1DTranspose = { M.GeneralConvTranspose, { 'NHC', 'HIO', 'NHC' } },
} do
  M[name] = function(...) return row[1](row[2], ...) end
end

-- ---- pooling ----

local function pool_layout(who, n, spec)
  local letters = ('XYZ'):sub(1, n) .. 'C'
  if spec == nil then return letters end
  if type(spec) ~= 'string' then
    core.raise('%s: spec is a layout like "NHWC", got %s', who, type(spec))
  end
  letters = spec:gsub('N', '')
  if #letters ~= n + 1 or not letters:find 'C' then
    core.raise('%s: "%s" is no layout of %d spatial axes, N and C', who, spec, n)
  end
  return letters
end

-- fn(x, window, options) with a window for every axis of x
local function pool(name, fn)
  local who = 'stax.' .. name
  M[name] = function(window_shape, opts, padding)
    local o = options(who, opts, padding, {
      strides = { 'table', optional = true }, padding = { 'string', default = 'VALID' },
      spec = { 'string', optional = true },
    })
    local n = #sizes_of(who, 'window_shape', window_shape)
    local strides = sizes_of(who, 'strides', o.strides or ones(n), n)
    local layout = pool_layout(who, n, o.spec)
    -- For an array whose last axes have the layout.
    local function spread(list, ndim)
      local out, i = ones(ndim), 0
      for k = 1, #layout do
        if layout:sub(k, k) ~= 'C' then
          i = i + 1
          out[ndim - #layout + k] = list[i]
        end
      end
      return out
    end
    local function check(shape)
      if #shape < #layout then core.raise('%s: an input (%s) is not "%s"', who, text(shape), layout)
      end
    end
    local function init(_, shape)
      check(shape)
      local wide, steps, out = spread(window_shape, #shape), spread(strides, #shape), {}
      local pairs_of = window.pairs_of(who, o.padding, shape, wide, steps)
      for k, size in ipairs(shape) do
        local room = size + pairs_of[k][1] + pairs_of[k][2] - wide[k]
        out[k] = math.max(math.floor(room / steps[k]) + 1, 0)
      end
      return out, {}
    end
    return layer(init, function(_, x)
      local ndim = #x.shape
      check(x.shape)
      return fn(x, spread(window_shape, ndim), { window_strides = spread(strides, ndim),
        padding = o.padding })
    end)
  end
end

local function sums(x, wide, opts) return window.reduce_window(x, 0, 'add', wide, opts) end

--- Pooling: the maximum, sum or mean of each window, which only elements that are there count for.
-- @tparam table window_shape a number for each spatial axis
-- @tparam[opt] table opts strides (1, ...), padding ('VALID', or 'SAME', 'SAME_LOWER'), spec: a
-- layout like 'NCHW' (channels last without one); or strides and padding in their places
-- @treturn layer without parameters
-- @function MaxPool
pool('MaxPool', function(x, wide, opts)
  return window.reduce_window(x, -math.huge, 'max', wide, opts)
end)

-- @see MaxPool
-- @function SumPool
pool('SumPool', sums)

-- @see MaxPool
-- @function AvgPool
pool('AvgPool', function(x, wide, opts)
  local shape = x.shape
  for k = 1, #shape do
    if wide[k] == 1 and opts.window_strides[k] == 1 then shape[k] = 1 end
  end
  return sums(x, wide, opts) / sums(np.ones(shape, x.dtype), wide, opts)
end)

local function global(fn)
  return layer(function(_, shape) return { shape[#shape] }, {} end, function(_, x)
    local axes = {}
    for k = 1, #x.shape - 1 do axes[k] = k end
    return fn(x, { axis = axes })
  end)
end

--- The mean, or the maximum, over all axes but the last: (..., C) to (C), of one example.
M.GlobalAvgPool, M.GlobalMaxPool = global(np.mean), global(np.max)

-- ---- normalising ----

local norm_rows = {
  epsilon = { 'number', default = 1e-5 }, center = { 'boolean', default = true },
  scale = { 'boolean', default = true }, beta_init = { 'function', optional = true },
  gamma_init = { 'function', optional = true },
}

local function with(rows, more)
  local out = {}
  for name, row in pairs(rows) do out[name] = row end
  for name, row in pairs(more) do out[name] = row end
  return out
end

-- (x - mean) / deviation over some axes, from means of x and x^2.
local function standardize(x, axes, epsilon)
  local over = { axis = axes, keepdims = true }
  local mean = np.mean(x, over)
  local variance = np.maximum(np.mean(x * x, over) - mean * mean, 0)
  return (x - mean) * np.rsqrt(variance + epsilon)
end

-- { beta, gamma } of a shape; what is not wanted is an empty tree.
local function norm_params(key, o, shape)
  local stax, keys = require 'imnn.stax', random.split(key)
  return { o.center and (o.beta_init or stax.zeros)(keys[1], shape) or {},
    o.scale and (o.gamma_init or stax.ones)(keys[2], shape) or {} }
end

local function scaled(z, params, o, shape)
  if o.scale then z = z * np.reshape(params[2], shape) end
  if o.center then z = z + np.reshape(params[1], shape) end
  return z
end

--- Normalise over a batch: unlike other layers this one's `apply` takes a batch of examples, whose
-- first axis is number 1. There are no running statistics. In the model of an IMNN it is an error:
-- summaries of one simulation would depend on others.
-- @tparam[opt] table opts axis ({ 1, 2, 3 }) to normalise over, epsilon (1e-5), center, scale
-- (true), beta_init (zeros), gamma_init (ones)
-- @treturn layer params { beta, gamma } of the sizes of the other axes
function M.BatchNorm(opts)
  local who = 'stax.BatchNorm'
  local o = args.take(who, opts, with(norm_rows, {
    axis = { 'integer', 'table', default = { 1, 2, 3 } },
  }))
  local axes, over, most = type(o.axis) == 'number' and { o.axis } or o.axis, {}, 0
  for _, axis in ipairs(axes) do
    positive(who, 'an axis', axis)
    over[axis], most = true, math.max(most, axis)
  end
  local function init(key, shape)
    local kept = {}
    for k, size in ipairs(shape) do
      if not over[k + 1] then kept[#kept + 1] = size end
    end
    return shape, norm_params(key, o, kept)
  end
  local function apply(params, x)
    local shape, kept, known = x.shape, 0, o.scale and params[2] or o.center and params[1]
    for k = 1, #shape do
      if over[k] then shape[k] = 1
      else kept = kept + 1 end
    end
    if #shape < most or known and kept ~= #known.shape then
      core.raise('%s: needs a batch of examples, got one (%s); its statistics over a batch would '
        .. 'make the summaries of one simulation depend on others', who, text(x.shape))
    end
    return scaled(standardize(x, axes, o.epsilon), params, o, shape)
  end
  return layer(init, apply)
end

--- Normalise the last axis of each example.
-- @tparam[opt] table opts epsilon (1e-6), center, scale (true), beta_init, gamma_init
-- @treturn layer params { beta, gamma } of that axis
-- @source Ba, Kiros & Hinton 2016, arXiv:1607.06450
function M.LayerNorm(opts)
  local o = args.take('stax.LayerNorm', opts, with(norm_rows, {
    epsilon = { 'number', default = 1e-6 } }))
  return layer(function(key, shape) return shape, norm_params(key, o, { shape[#shape] }) end,
    function(params, x)
      local d = x - np.mean(x, { axis = -1, keepdims = true })
      local variance = np.mean(d * d, { axis = -1, keepdims = true })
      return scaled(d * np.rsqrt(variance + o.epsilon), params, o, { x.shape[#x.shape] })
    end)
end

--- Normalise groups of channels, the last axis, together with all spatial axes of one example.
-- @tparam number groups
-- @tparam[opt] table opts epsilon (1e-6), center, scale (true), beta_init, gamma_init
-- @treturn layer params { beta, gamma } of the channels
-- @source Wu & He 2018, arXiv:1803.08494
function M.GroupNorm(groups, opts)
  local who = 'stax.GroupNorm'
  positive(who, 'the number of groups', groups)
  local o = args.take(who, opts, with(norm_rows, { epsilon = { 'number', default = 1e-6 } }))
  local function init(key, shape)
    if shape[#shape] % groups ~= 0 then
      core.raise('%s: %d channels are not in %d groups', who, shape[#shape], groups)
    end
    return shape, norm_params(key, o, { shape[#shape] })
  end
  return layer(init, function(params, x)
    local n = x.shape[#x.shape]
    local z = np.reshape(x, { -1, groups, n / groups })
    local d = z - np.mean(z, { axis = { 1, 3 }, keepdims = true })
    local variance = np.mean(d * d, { axis = { 1, 3 }, keepdims = true })
    z = np.reshape(d * np.rsqrt(variance + o.epsilon), x.shape)
    return scaled(z, params, o, { n })
  end)
end

--- Keep units with a probability, dividing them by it; the others are 0. `apply` needs the option
-- rng, a key.
-- @tparam number rate probability that a unit is KEPT
-- @tparam[opt] string mode 'train'; in any other mode the input is left alone
-- @treturn layer without parameters
-- @usage stax.Dropout(0.8).apply({}, x, { rng = key })
function M.Dropout(rate, mode)
  if type(rate) ~= 'number' or not (rate > 0 and rate <= 1) then
    core.raise('stax.Dropout: rate, the probability of keeping, is above 0 and at most 1, got %s',
      tostring(rate))
  end
  return layer(function(_, shape) return shape, {} end, function(_, x, opts)
    local key = opts and opts.rng
    if not key then
      core.raise 'stax.Dropout: apply needs a key: apply(params, x, { rng = key })'
    end
    if mode and mode ~= 'train' then return x end
    local drawn = random.uniform(key, x.shape, { dtype = x.dtype })
    return np.where(np.lt(drawn, rate), x / rate, 0)
  end)
end

return M
