-- Amplitude and slope of the power spectrum P(k) = A k^-B of a Gaussian random field, as of the
-- density of matter in the young universe. A field of N x N pixels holds them in how strongly it
-- varies on each scale; a small convolutional network learns that from the picture alone.
--   06_gaussian_field.lua [--quick] [N]     N = 32 takes minutes, N = 128 a quarter of an hour
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local optimizers = imnn.optimizers
local quick = arg[1] == '--quick'
local N = tonumber(arg[quick and 2 or 1]) or (quick and 16 or 32)
local θ_fid = np.array { 1, 0.5 }

-- Lengths of the wave vectors of the pixels' Fourier modes. The mean of the field says nothing.
local wave = 2 * math.pi * np.fft.fftfreq(N)
local k = np.sqrt(wave:reshape { N, 1 } ^ 2 + wave ^ 2)
local is_mean = np.eq(k, 0)
local ln_k = np.log(np.where(is_mean, 1, k))

-- White noise, coloured in Fourier space; one example is a picture with one channel.
local function simulator(key, θ)
  local amplitude = np.where(is_mean, 0, np.sqrt(θ[1] * np.exp(-θ[2] * ln_k)))
  local white = random.normal(key, { N, N })
  return np.fft.ifft2(amplitude * np.fft.fft2(white)).real:reshape { N, N, 1 }
end

-- What there is to know. Modes of a Gaussian field are independent, and each of them tells ln P
-- with an error of √2: F is half the sum, over all modes, of the products of two slopes of ln P.
-- (The notebook of the Python package counts one quadrant of the modes, and so half of the
-- information: its network "reaches" 97 % of a number that a good one exceeds.)
local slopes = np.where(is_mean, 0, np.stack { np.full({ N, N }, 1 / θ_fid[1]:item()), -ln_k })
slopes = slopes:reshape { 2, N * N }
local exact = np.matmul(slopes, slopes:transpose()) / 2

-- Filters of 5 x 5 pixels, each of which passes some scales and holds back others, and the mean
-- power behind each: such a network measures a power spectrum with bands of its own choice. The
-- field goes on at the opposite edge, so the filters do, too.
local conv = stax.Conv(8, { 5, 5 })
local Bands = {
  init = function(key, shape) return { 8 }, select(2, conv.init(key, shape)) end,
  apply = function(params, d)
    local around = np.pad(d, { { 2, 2 }, { 2, 2 }, { 0, 0 } }, { mode = 'wrap' })
    local power = (conv.apply(params, around) ^ 2):mean { axis = { 1, 2 } }
    -- over that of white noise, and in units of its scatter: numbers of order one learn fastest
    return N / 2 * np.log(power / (params[1] ^ 2):sum { axis = { 1, 2, 3 } })
  end,
}

local model_key, fit_key, test_key, target_key = random.split(random.PRNGKey(0), 4):unpack()
local iterations, n = quick and 30 or 800, quick and 100 or 300
local net = imnn.IMNN {
  n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { N, N, 1 }, θ_fid = θ_fid,
  model = stax.serial(Bands, stax.Dense(2)), simulator = simulator, key_or_state = model_key,
  optimiser = optimizers.adam(optimizers.exponential_decay(0.02, iterations / 5, 0.5)),
}
net:fit { λ = 10, ϵ = 0.1, rng = fit_key, max_iterations = iterations,
  min_iterations = iterations, best = false }
net:plot { expected_detF = np.linalg.det(exact):item(), file = 'gaussian_field.png' }

local report = net:information { key = test_key, n_s = quick and 500 or 20000 }
print(report)
print('exact F', exact)
print('part of it', np.diag(report.F) / np.diag(exact), '+-',
  np.diag(report.F_error) / np.diag(exact))

-- A field of other parameters: what the network makes of it, and what all of its modes could tell.
local target = simulator(target_key, np.array { 0.9, 0.6 })
local estimate, prior = net:get_estimate(target), lfi.uniform({ 0.1, -0.5 }, { 2, 1.5 })
print('estimate', estimate, '+-', report.errors, 'of', np.array { 0.9, 0.6 })
local figure = lfi.GaussianApproximation { parameter_estimates = estimate,
  invF = np.linalg.inv(exact), prior = prior }:marginal_plot { label = 'all modes',
  axis_labels = { 'A', 'B' } }
lfi.GaussianApproximation { parameter_estimates = estimate, invF = net.invF, prior = prior,
}:marginal_plot { label = 'network', ax = figure, known = { 0.9, 0.6 },
  file = 'gaussian_field_posterior.png' }
