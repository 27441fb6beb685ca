-- The g-and-k distribution: a normal number z is stretched to
--   x = A + B (1 + 0.8 tanh(g z / 2)) (1 + z²)^k z,
-- with place A, scale B, skewness g and heavy tails by k. To draw from it is easy; its density can
-- be had only by finding the z of every x. So it is a favourite of those who do without likelihood.
local imnn = require 'imnn'
local np, random, lfi, lax = imnn.np, imnn.random, imnn.lfi, imnn.lax
local quick = arg[1] == '--quick'
local n = 1000
local prior = lfi.uniform({ 0, 0, 0, 0 }, { 10, 5, 10, 2 }, { names = { 'A', 'B', 'g', 'k' } })
local function stretch(z, θ)
  return θ[1] + θ[2] * (1 + 0.8 * np.tanh(θ[3] * z / 2)) * (1 + z ^ 2) ^ θ[4] * z
end
local function simulator(key, θ) return stretch(random.normal(key, { n }), θ) end

-- Summaries: four numbers of the octiles, which say where the middle is, how wide it is, how skew,
-- and how far the tails reach: one for each parameter.
local function compressor(x)
  local sorted, E = np.sort(x), {}
  for i = 1, 7 do E[i] = sorted[math.floor(i * n / 8)] end
  local wide = E[6] - E[2]
  return np.stack { E[4], wide, (E[6] + E[2] - 2 * E[4]) / wide,
    (E[7] - E[5] + E[3] - E[1]) / wide }
end

local keys = random.split(random.PRNGKey(1), 5)
local truth = np.array { 3, 1, 2, 0.5 }
local data = simulator(keys[1], truth)

-- Populations near what was seen, and what a fit of the parameters to the summaries makes of them:
-- samples moved to where they would be if their summaries were the observed ones. How much wider
-- than the exact posterior they stay is what octiles do not tell about the tails.
local pmc = lfi.PopulationMonteCarlo { target_data = data, prior = prior, simulator = simulator,
  compressor = compressor }
pmc { rng = keys[2], n_points = quick and 500 or 2000, distance = 'adaptive', max_iteration = 20,
  acceptance_ratio = quick and 0.1 or 0.02 }
local near = pmc:samples()
local adjusted = lfi.regression_adjust(near, compressor(data), { quiet = true })

-- The exact posterior. The z of an x is found by halving, and the density of x is that of z over
-- the slope there. Chains of Metropolis walk in it, all of them at once (vmap), by one loop (scan).
local low, high = np.array(prior.low), np.array(prior.high)
local function log_posterior(θ)
  local ends = lax.fori_loop(1, 25, function(_, ends)
    local z = (ends[1] + ends[2]) / 2
    local less = np.lt(stretch(z, θ), data)
    return { np.where(less, z, ends[1]), np.where(less, ends[2], z) }
  end, { np.full({ n }, -8), np.full({ n }, 8) })
  local z = (ends[1] + ends[2]) / 2
  local slope = imnn.grad(function(at) return stretch(at, θ):sum() end)(z)
  local inside = np.all(np.logical_and(np.gt(θ, low), np.lt(θ, high)))
  return np.where(inside, (-z ^ 2 / 2 - np.log(slope)):sum(), -math.huge)
end
local function walk(key, θ, jump, steps)
  local _, path = lax.scan(function(state, step_key)
    local at, density = state[1], state[2]
    local k = random.split(step_key)
    local try = at + np.matmul(jump, random.normal(k[1], { 4 }))
    local there = log_posterior(try)
    local accept = np.lt(np.log(random.uniform(k[2], {})), there - density)
    state = { np.where(accept, try, at), np.where(accept, there, density) }
    return state, state[1]
  end, { θ, log_posterior(θ) }, random.split(key, steps))
  return path
end
local function walks(key, start, cov, steps) -- (chains, steps, 4)
  local jump = np.linalg.cholesky(cov * (2.4 ^ 2 / 4)):astype 'f32'
  return imnn.jit(imnn.vmap(function(k, θ) return walk(k, θ, jump, steps) end))(
    random.split(key, #start), start)
end
-- A first walk, from where the populations are, says how far to jump in the second.
local chains, steps = quick and 8 or 16, quick and 150 or 600
local start = adjusted:resample(keys[3], chains).parameters:astype 'f32'
local first = walks(keys[4], start, adjusted:cov(), steps)
local late = first[{ {}, { math.floor(steps / 2), steps } }]
local second = walks(keys[5], first[{ {}, steps }], np.cov(late:reshape(-1, 4).T), steps)
local exact = imnn.SampleSet { parameters = second:reshape(chains * steps, 4), names = prior.names,
  low = prior.low, high = prior.high, chain = np.floor(np.arange(chains * steps) / steps) + 1 }
print('chains: R-hat', exact:rhat(), 'independent draws', exact:ess { kind = 'chains' })
print(('PMC: epsilon %.3f after %d simulations'):format(pmc.epsilon[1], pmc.total_draws[1]))
local sets = { exact, near, adjusted }
for i, name in ipairs { 'exact', 'PMC', 'adjusted' } do
  local mean, sd = sets[i]:mean():totable(), sets[i]:std():totable()
  print(('%-9s A %.3f +- %.3f   B %.3f +- %.3f   g %.3f +- %.3f   k %.3f +- %.3f'):format(name,
    mean[1], sd[1], mean[2], sd[2], mean[3], sd[3], mean[4], sd[4]))
end
imnn.plot.corner { sets, label = { 'exact', 'PMC', 'PMC, adjusted' }, known = truth,
  file = 'g_and_k.png' }
