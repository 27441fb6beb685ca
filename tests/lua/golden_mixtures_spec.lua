--- Mixtures of normal vectors and divergences of normal ones against golden numbers;
-- tests/golden/lfi says where they come from and how well they should agree.
local imnn = require 'imnn'
local np, distributions = imnn.np, imnn.distributions
local file = imnn.data.hdf5.open 'tests/golden/lfi/mixtures.h5'

-- The largest difference from golden numbers.
local function off(golden, got)
  assert.same(golden.shape, got.shape)
  return np.abs(golden - got:astype 'f64'):max():item()
end

local function near(golden, got, tolerance) assert.is_true(off(golden, got) <= tolerance) end

local function column(x) return np.expand_dims(x, -1) end

-- L of what golden calls raw: logarithms on the diagonal.
local function factor_of(raw)
  local diagonal = np.exp(np.diagonal(raw, 0, -2, -1))
  return np.tril(raw, -1) + column(diagonal) * np.eye(raw.shape[3], raw.shape[3], 0, raw.dtype)
end

-- The outputs of a network from which golden's mixture comes.
local function outputs_of(logits, means, raw)
  local entries = {}
  for k = 1, raw.shape[1] do
    for i = 1, raw.shape[2] do
      for j = 1, i do
        local x = raw[{ k, i, j }]
        entries[#entries + 1] = i == j and 10 * np.arctanh(x / 10) or x
      end
    end
  end
  return np.concatenate { logits, means:ravel(), np.stack(entries) }
end

describe('mixtures agree with golden', function()
  local g = file.mdn

  it('the factors', function() near(g.L, factor_of(g.L_raw), 1e-15) end)

  -- In f64 far better than the 1e-8 that golden asks for; in f32 to some units in the last place
  -- of the largest number.
  for dtype, tolerance in pairs { f64 = 1e-13, f32 = 1e-5 } do
    local function cast(x) return x:astype(dtype) end
    local made = {
      ['of factors'] = distributions.normal_mixture(cast(g.logits), cast(g.means), cast(g.L)),
      ['of covariances'] = distributions.normal_mixture(cast(g.logits), cast(g.means),
        { cov = cast(g.covariance) }),
      ['of outputs'] = distributions.mixture_density(cast(outputs_of(g.logits, g.means, g.L_raw)),
        3, 2),
    }
    for name, d in pairs(made) do
      it(('densities and moments, %s, in %s'):format(name, dtype), function()
        local theta = cast(g.theta)
        assert.equal(dtype, d:log_prob(theta).dtype)
        near(g.log_q, d:log_prob(theta), tolerance)
        near(g.log_component, d:component_log_prob(theta), 5 * tolerance)
        near(g.mixture_mean, d:mean(), tolerance)
        near(g.mixture_covariance, d:cov(), tolerance)
        near(np.diagonal(g.mixture_covariance), d:var(), tolerance)
        local parts = d:components()
        near(np.exp(g.logits) / np.exp(g.logits):sum(), parts.weights, tolerance)
        near(g.means, parts.mean, tolerance)
        near(g.covariance, parts.cov, tolerance)
        near(g.L, parts.precision_factor, tolerance)
      end)

      it(('one component, given the other, %s, in %s'):format(name, dtype), function()
        local rest = d:condition(2, cast(np.array({ 0.7 }, 'f64'))):components()
        near(g.conditional_weight_given_theta2_0p7, rest.weights, tolerance)
        near(g.conditional_mean, rest.mean:ravel(), tolerance)
        near(g.conditional_variance, rest.cov:ravel(), tolerance)
      end)
    end
  end

  for dtype, tolerance in pairs { f64 = 1e-8, f32 = 2e-5 } do
    it('derivatives in ' .. dtype, function()
      local slopes = imnn.vmap(imnn.grad(function(p, x)
        return distributions.normal_mixture(p[1], p[2], factor_of(p[3])):log_prob(x)
      end), { in_axes = { false, 1 } })({ g.logits:astype(dtype), g.means:astype(dtype),
        g.L_raw:astype(dtype) }, g.theta:astype(dtype))
      near(g.grad_logits, slopes[1], tolerance)
      near(g.grad_means, slopes[2], tolerance)
      near(g.grad_L_raw, slopes[3], tolerance)
    end)
  end

  it('derivatives in L and in the outputs of a network', function()
    -- dL = L on the diagonal, where raw numbers are logarithms; nothing above it
    local slopes = imnn.vmap(imnn.grad(function(L, x)
      return distributions.normal_mixture(g.logits, g.means, L):log_prob(x)
    end), { in_axes = { false, 1 } })(g.L, g.theta)
    local inner = np.where(np.eye(2, 2, 0, 'bool'), g.L, 1) * slopes
    near(g.grad_L_raw, inner, 1e-8)
    local outputs = outputs_of(g.logits, g.means, g.L_raw)
    slopes = imnn.vmap(imnn.grad(function(y, x)
      return distributions.mixture_density(y, 3, 2):log_prob(x)
    end), { in_axes = { false, 1 } })(outputs, g.theta)
    near(g.grad_logits, slopes[{ {}, { 1, 3 } }], 1e-8)
    near(g.grad_means, slopes[{ {}, { 4, 9 } }]:reshape(-1, 3, 2), 1e-8)
    for k = 1, 3 do
      local first = 9 + 3 * (k - 1)
      for n, place in ipairs { { 1, 1 }, { 2, 1 }, { 2, 2 } } do
        local i, j = unpack(place)
        local clamp = i == j and 1 - (g.L_raw[{ k, i, i }] / 10) ^ 2 or 1
        near(g.grad_L_raw[{ {}, k, i, j }] * clamp, slopes[{ {}, first + n }], 1e-8)
      end
    end
  end)

  it('numbers of the specification', function()
    local d = distributions.normal_mixture(np.log(np.array({ 0.3, 0.7 }, 'f64')),
      np.array({ { 0, 1 }, { 2, -1 } }, 'f64'), np.array({
        { { math.exp(0.2), 0 }, { 0.5, math.exp(-0.1) } },
        { { math.exp(-0.3), 0 }, { -0.4, math.exp(0.4) } } }, 'f64'))
    local x = np.array({ 0.5, 0.25 }, 'f64')
    near(np.array({ -3.1998954651, -5.1312826168 }, 'f64'), d:component_log_prob(x), 1e-10)
    near(np.array(-3.0645371213, 'f64'), d:log_prob(x), 1e-10)
    near(np.array({ 1.4, -0.4 }, 'f64'), d:mean(), 1e-14)
    near(np.array({ { 0.8750027343, -0.5 }, { -0.5, 1.2214027582 } }, 'f64'),
      d:components().cov[1], 1e-10)
  end)
end)

describe('divergences agree with golden', function()
  local g = file.kl_normal

  it('of normal vectors', function()
    for _, make in ipairs { distributions.multivariate_normal, function(mean, cov)
      return distributions.normal_mixture({ 0 }, mean:reshape(1, 3), { cov = cov:reshape(1, 3, 3) })
    end } do
      local p, q = make(g.mean_0, g.covariance_0), make(g.mean_1, g.covariance_1)
      near(g.kl_0_1, distributions.kl_divergence(p, q), 1e-13)
      local single = distributions.kl_divergence(make(g.mean_0:astype 'f32',
        g.covariance_0:astype 'f32'), make(g.mean_1:astype 'f32', g.covariance_1:astype 'f32'))
      assert.equal('f32', single.dtype)
      near(g.kl_0_1, single, 1e-6)
    end
  end)
end)
