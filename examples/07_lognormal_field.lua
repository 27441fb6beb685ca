-- The exponential of a Gaussian field: x = exp(g - σ²/2) - 1, like the density of galaxies, which
-- is never negative. Its own power spectrum no longer holds all there is, since it is not Gaussian;
-- but its logarithm is.
--   07_lognormal_field.lua [--quick] [N]
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local optimizers = imnn.optimizers
local quick = arg[1] == '--quick'
local N = tonumber(arg[quick and 2 or 1]) or 16
local θ_fid = np.array { 1, 0.5 }

-- P(k) = A k^-B for g, and for its mean the value of the longest wave.
local wave = 2 * math.pi * np.fft.fftfreq(N)
local longest = 2 * math.pi / N
local k = np.sqrt(wave:reshape { N, 1 } ^ 2 + wave ^ 2)
local ln_k = np.log(np.maximum(k, longest))
local function spectrum(θ) return θ[1] * np.exp(-θ[2] * ln_k) end

local function simulator(key, θ)
  local P = spectrum(θ)
  local g = np.fft.ifft2(np.sqrt(P) * np.fft.fft2(random.normal(key, { N, N }))).real
  return (np.exp(g - P:mean() / 2) - 1):reshape { N, N, 1 } -- σ² is the mean of P over all modes
end

-- x and g hold the same information, for each follows from the other: that of the modes of g, and
-- what the mean -σ²/2 of ln(1 + x) tells, since σ² depends on the parameters.
local slopes = np.stack({ np.full({ N, N }, 1 / θ_fid[1]:item()), -ln_k }):reshape { 2, N * N }
local mean = imnn.jacfwd(function(θ) return -spectrum(θ):mean() / 2 end)(θ_fid)
local P_of_mean = spectrum(θ_fid)[1][1]
local exact = np.matmul(slopes, slopes:transpose()) / 2
  + N ^ 2 / P_of_mean * mean:reshape { 2, 1 } * mean

-- Means and powers of filtered fields, where what is filtered is the picture as `change` makes it.
local conv = stax.Conv(8, { 5, 5 })
local function bands(change)
  return {
    init = function(key, shape) return { 16 }, select(2, conv.init(key, shape)) end,
    apply = function(params, d)
      local around = np.pad(change(d), { { 2, 2 }, { 2, 2 }, { 0, 0 } }, { mode = 'wrap' })
      local y = conv.apply(params, around)
      local norm = (params[1] ^ 2):sum { axis = { 1, 2, 3 } }
      local power = (y ^ 2):mean { axis = { 1, 2 } } / norm
      return np.concatenate { N / 2 * np.log(power),
        N / 2 * y:mean { axis = { 1, 2 } } / np.sqrt(norm) }
    end,
  }
end

local model_key, fit_key, test_key, target_key = random.split(random.PRNGKey(1), 4):unpack()
local iterations, n = quick and 30 or 800, quick and 100 or 300
local function fit(first)
  local net = imnn.IMNN {
    n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { N, N, 1 }, θ_fid = θ_fid,
    model = stax.serial(first, stax.Dense(2)), simulator = simulator, key_or_state = model_key,
    optimiser = optimizers.adam(optimizers.exponential_decay(0.02, iterations / 5, 0.5)),
  }
  net:fit { λ = 10, ϵ = 0.1, rng = fit_key, max_iterations = iterations,
    min_iterations = iterations, best = false }
  local report = net:information { key = test_key, n_s = quick and 500 or 20000 }
  print(report)
  print('part of the exact F', np.diag(report.F) / np.diag(exact), '+-',
    np.diag(report.F_error) / np.diag(exact))
  return net
end

-- Two-point statistics of x itself, and of its logarithm.
print 'the field itself'
local plain = fit(bands(function(d) return d end))
print 'its logarithm'
local net = fit(bands(function(d) return np.log(1 + d) end))
print('exact F', exact)
local figure = plain:plot { expected_detF = np.linalg.det(exact):item(), label = 'x' }
net:plot { ax = figure, label = 'ln(1 + x)', colour = 'C1', file = 'lognormal_field.png' }

local target = simulator(target_key, np.array { 0.9, 0.6 })
local prior = lfi.uniform({ 0.1, -0.5 }, { 2, 1.5 })
local function posterior(invF)
  return lfi.GaussianApproximation { parameter_estimates = net:get_estimate(target), invF = invF,
    prior = prior }
end
figure = posterior(plain.invF):marginal_plot { label = 'x', axis_labels = { 'A', 'B' } }
posterior(net.invF):marginal_plot { label = 'ln(1 + x)', ax = figure }
posterior(np.linalg.inv(exact)):marginal_plot { label = 'all there is', ax = figure,
  known = { 0.9, 0.6 }, file = 'lognormal_field_posterior.png' }
