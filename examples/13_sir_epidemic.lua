-- An epidemic: how infectious is it, and how long does one stay ill? People are susceptible,
-- infected or recovered; the infected meet the susceptible at a rate β, and recover at a rate γ.
-- What is known are the new cases of each week, and they are counted with errors. The model is a
-- loop over time (lax.scan), which is traced, compiled and differentiated like everything else.
local imnn = require 'imnn'
local np, random, stax, lfi, lax = imnn.np, imnn.random, imnn.stax, imnn.lfi, imnn.lax
local quick = arg[1] == '--quick'
local people, first, weeks, days = 1000, 5, 15, 7

-- Two steps a day. The infected of a week are summed up.
local function cases(θ)
  local β, γ, step = θ[1], θ[2], 1 / 2
  local _, new = lax.scan(function(state)
    local S, I = state[1], state[2]
    local infected = β * S * I / people * step
    return np.stack { S - infected, I + infected - γ * I * step }, infected
  end, np.array { people - first, first }, nil, { length = weeks * days * 2 })
  return new:reshape(weeks, days * 2):sum { axis = 2 }
end
local function simulator(key, θ)
  local m = cases(θ)
  return m + np.sqrt(m + 1) * random.normal(key, { weeks })
end

-- The noise is Gaussian with the variance m + 1, so what the cases tell can be computed:
-- F = J^T J / v + 1/2 J^T J / v^2, where J is the derivative of the cases by the parameters.
local θ_fid = np.array { 0.4, 0.2 }
local m, J = cases(θ_fid), imnn.jacfwd(cases)(θ_fid)
local v = m + 1
local exact = np.matmul(J.T / v, J) + 0.5 * np.matmul(J.T / v ^ 2, J)

local keys = random.split(random.PRNGKey(0), 5)
local net = imnn.IMNN {
  n_s = 1000, n_d = 1000, n_params = 2, n_summaries = 2, input_shape = { weeks },
  -- Numbers near 1 are learnt from most easily.
  model = stax.serial(stax.elementwise(function(x) return (x - m) / np.sqrt(v) end),
    stax.Dense(64), stax.LeakyRelu, stax.Dense(64), stax.LeakyRelu, stax.Dense(2)),
  θ_fid = θ_fid, optimiser = imnn.optimizers.adam(1e-3), simulator = simulator,
  key_or_state = keys[1],
}
net:fit { λ = 10, ϵ = 0.1, rng = keys[2], patience = quick and 1 or 100,
  min_iterations = quick and 50 or 300 }
net:plot { expected_detF = np.linalg.det(exact):item(), file = 'history.png' }
local report = net:information { key = keys[3], n_s = quick and 2000 or 20000 }
print(report)
print('exact F', exact, 'part of its determinant that the summaries keep',
  (np.linalg.det(report.F) / np.linalg.det(exact)):item())

-- Another epidemic, and what the network says about it: the Gaussian approximation, with the
-- information at the fiducial parameters, and populations of simulations that look alike.
local truth = np.array { 0.42, 0.21 }
local seen = simulator(keys[4], truth)
local prior = lfi.uniform({ 0.1, 0.05 }, { 1, 0.6 }, { names = { 'β', 'γ' } })
local gaussian = lfi.GaussianApproximation { net = net, target_data = seen, prior = prior,
  quiet = true }
local pmc = lfi.PopulationMonteCarlo { target_data = seen, prior = prior, simulator = simulator,
  compressor = net, F = net.F }
pmc { rng = keys[5], n_points = quick and 300 or 2000, n_initial_points = quick and 3000 or 20000,
  acceptance_ratio = 0.02 }

-- The exact posterior, by the density of the noise: points that fill a box around the estimate,
-- weighted by their likelihood.
local θ, σ = net:get_estimate(seen), np.sqrt(np.diagonal(net.invF))
local box = lfi.uniform(θ - 6 * σ, θ + 6 * σ, { names = prior.names })
local points = box:sample(keys[1], quick and 5000 or 50000):astype 'f32'
local exact_set = imnn.SampleSet { parameters = points, names = prior.names,
  log_weights = imnn.vmap(function(one)
    local mean = cases(one)
    return -0.5 * ((seen - mean) ^ 2 / (mean + 1) + np.log(mean + 1)):sum()
  end)(points) }

-- What epidemiologists ask for is R0 = β / γ: how many one person infects while all others are
-- susceptible. Every sample has one, so it has a posterior like the others.
local function with_R0(set)
  return set:derive { name = 'R_0', fn = function(p) return p[1] / p[2] end }
end
local sets = { with_R0(exact_set), with_R0(pmc:samples()), with_R0(gaussian:samples()) }
for i, name in ipairs { 'exact', 'PMC', 'Gaussian' } do
  local mean, sd = sets[i]:mean():totable(), sets[i]:std():totable()
  print(('%-9s β %.3f +- %.3f   γ %.3f +- %.3f   R0 %.3f +- %.3f'):format(name, mean[1], sd[1],
    mean[2], sd[2], mean[3], sd[3]))
end
imnn.plot.corner { sets, label = { 'exact', 'PMC through the network', 'Gaussian approximation' },
  known = { 0.42, 0.21, 2 }, file = 'epidemic.png' }
