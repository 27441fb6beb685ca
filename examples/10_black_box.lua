-- A simulator that cannot be traced: plain Lua with loops, branches and math.random, which runs in
-- worker processes. (Functions of C and programs in any language do as well: imnn.simulators.)
-- Ten nuclei decay in two steps of equal rate λ; a detector sees when each is through. A time t
-- has the density λ² t exp(-λt), and so the ten tell F = 20 / λ² about the rate.
local imnn = require 'imnn'
local random, stax, lfi = imnn.random, imnn.stax, imnn.lfi
local quick = arg[1] == '--quick'
local nuclei = 10

-- math.random begins with a seed that is made from the key: equal keys give equal noise, whichever
-- worker has them. So the noise on both sides of a finite difference is the same.
local sim = imnn.simulators.blackbox { fn = function(_, θ)
  local rate, times = θ[1]:item(), {}
  for i = 1, nuclei do
    local t, steps = 0, 0
    while steps < 2 do
      t = t - math.log(1 - math.random()) / rate
      steps = steps + 1
    end
    times[i] = t
  end
  return times
end }

-- Simulations at rate 1, and at 0.95 and 1.05; as many for validation.
local set_key, model_key, target_key = random.split(random.PRNGKey(0), 3):unpack()
local n = quick and 100 or 1000
local options, reports = imnn.simulators.numerical { simulator = sim, θ_fid = { 1 },
  δθ = { 0.1 }, n_s = n, key = set_key, validation = true, progress = not quick }
for _, report in ipairs(reports) do
  print(('%s: %.2f s, %d failed'):format(report.what, report.seconds, report.n_failed))
end

options.n_params, options.n_summaries, options.input_shape = 1, 1, { nuclei }
options.model = stax.serial(stax.Dense(32), stax.Tanh, stax.Dense(32), stax.Tanh, stax.Dense(1))
options.optimiser, options.key_or_state = imnn.optimizers.adam(3e-3), model_key
local net = imnn.IMNN(options)
net:fit { λ = 10, ϵ = 0.1, patience = quick and 5 or 100, min_iterations = quick and 30 or 100 }
net:plot { expected_detF = 2 * nuclei, file = 'black_box.png' }
local report = net:information()
print(report)
print(('exact F %d'):format(2 * nuclei))

-- A measurement at another rate. The best estimate that there is: 2 n / Σ t.
local target = sim(target_key, { 1.2 })
print('estimate', net:get_estimate(target), '+-', report.errors, 'best',
  2 * nuclei / target:sum():item())
sim:close()
lfi.GaussianApproximation { parameter_estimates = net:get_estimate(target), invF = net.invF,
  prior = lfi.uniform(0.1, 3) }:marginal_plot { axis_labels = { 'rate' }, known = { 1.2 },
  file = 'black_box_posterior.png' }
