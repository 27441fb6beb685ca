-- How much of an isotope is in a sample, and how long does it live? A detector counts decays hour
-- by hour. Counts are whole numbers, found by a search whose length depends on them, so this
-- simulator cannot be traced and has no derivatives: a black box. It is written twice, in plain Lua
-- and in C, and runs in other processes and on all threads. A network learns from differences
-- between simulations at slightly different parameters.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'

-- θ = (decays in the first hour, lifetime in hours); the room adds 2 counts an hour. The data are
-- the roots 2 sqrt(n + 3/8) of the counts n, which scatter by about 1 whatever the count is.
local function decay(key, θ)
  local amplitude, lifetime = unpack(θ:totable())
  local u, data = random.uniform(key, { 20 }, 'f64'):totable(), {}
  for i = 1, 20 do
    local mean = amplitude * math.exp(-(i - 0.5) / lifetime) + 2
    -- The count that the share u of all draws stays below: small steps of θ make small changes.
    local n, p = 0, math.exp(-mean)
    local sum = p
    while sum < u[i] and n < 10000 do
      n = n + 1
      p = p * mean / n
      sum = sum + p
    end
    data[i] = 2 * math.sqrt(n + 0.375)
  end
  return data
end

-- In worker processes. What hangs is stopped after ten seconds; a simulation that fails is named.
local in_lua = imnn.simulators.blackbox { fn = decay, timeout = 10 }

-- The same in C (10_decay.c), compiled here and called from all threads. The prior of the inference
-- below reaches where there is no such isotope: those simulations are left out.
local folder = arg[0]:match '^(.*)/[^/]*$' or '.'
assert(os.execute(('cc -O2 -shared -fPIC -I %s/../include -o decay.so %s/10_decay.c -lm'):format(
  folder, folder)) == 0, 'no C compiler')
local in_c = imnn.simulators.library { path = 'decay.so', symbol = 'decay', shape = { 20 },
  on_failure = 'drop' }

-- Equal keys on both sides of the fiducial parameters: nearly the same noise, whose difference is
-- the derivative. With too small a step only a few counts differ, with too large a one the slope is
-- that of a chord.
local θ_fid, n = np.array { 50, 6 }, quick and 300 or 3000
local data_key, model_key, abc_key = random.split(random.PRNGKey(0), 3):unpack()
local data = imnn.simulators.numerical { simulator = in_lua, theta_fid = θ_fid, key = data_key,
  delta_theta = { 5, 0.6 }, n_s = n, n_d = n, validation = true }

local net = imnn.NumericalGradientIMNN {
  n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { 20 }, θ_fid = θ_fid,
  model = stax.serial(stax.Dense(32), stax.LeakyRelu, stax.Dense(32), stax.LeakyRelu,
    stax.Dense(2)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = model_key, fiducial = data.fiducial,
  derivative = data.derivative, δθ = data.delta_theta,
  validation_fiducial = data.validation_fiducial,
  validation_derivative = data.validation_derivative,
}
net:fit { λ = 10, ϵ = 0.1, patience = quick and 1 or 100, min_iterations = quick and 100 or 500 }

-- What counts of Poisson's distribution can tell at most: sum over hours of μ_a μ_b / μ.
local t = np.arange(20) + 0.5
local e = np.exp(-t / 6)
local μ, slopes = 50 * e + 2, np.stack { e, 50 * e * t / 36 }
local exact = np.matmul(slopes / μ, slopes:transpose())
print('information of the network', net.F)
print('and of the counts themselves', exact)

-- A measurement, and what it says about the isotope: the C function is fast enough for ABC.
local observed = in_c(model_key, { 55, 5 })
local prior = lfi.uniform({ -5, 1 }, { 100, 12 })
local abc = lfi.ApproximateBayesianComputation { target_data = observed, prior = prior,
  simulator = in_c, compressor = net, F = net.F, gridsize = 50 }
abc { ϵ = 1, rng = abc_key, n_samples = quick and 5000 or 100000, smoothing = 2 }
print(abc, ('%d without an isotope were left out'):format(abc.failed))
local gaussian = lfi.GaussianApproximation { parameter_estimates = net:get_estimate(observed),
  invF = net.invF, prior = prior }
local figure = gaussian:marginal_plot { label = 'Gaussian approximation',
  axis_labels = { 'decays an hour', 'lifetime' } }
abc:marginal_plot { label = 'ABC', ax = figure, known = { 55, 5 }, file = 'decay.png' }
