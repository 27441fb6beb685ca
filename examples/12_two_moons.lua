-- Two moons: a posterior with two halves, each a thin crescent. A point is drawn from a crescent
-- whose place depends on |a + b| and on b - a alone, so that the sign of a + b is lost for good.
-- Estimates with errors say nothing about such a thing; populations that come closer to the data
-- find both halves, and keep them.
local imnn = require 'imnn'
local np, random, lfi, plot = imnn.np, imnn.random, imnn.lfi, imnn.plot
local quick = arg[1] == '--quick'
local prior = lfi.uniform({ -1, -1 }, { 1, 1 }, { names = { 'a', 'b' } })
local function crescent(key, shape) -- x and y, both of this shape
  local keys = random.split(key)
  local angle = math.pi * (random.uniform(keys[1], shape) - 0.5)
  local radius = 0.1 + 0.01 * random.normal(keys[2], shape)
  return radius * np.cos(angle) + 0.25, radius * np.sin(angle)
end
local function simulator(key, θ)
  local x, y = crescent(key, {})
  return np.stack { x - np.abs(θ[1] + θ[2]) / math.sqrt(2), y + (θ[2] - θ[1]) / math.sqrt(2) }
end
local datum = np.array { 0, 0 }

-- The exact posterior: draw the crescent, solve for a and b, and toss a coin for the sign. Where
-- the prior ends, and where |a + b| would be negative, there is nothing.
local function exact(key, n)
  local keys = random.split(key)
  local x, y = crescent(keys[1], { n })
  local sign = np.where(np.lt(random.uniform(keys[2], { n }), 0.5), -1, 1)
  local sum, difference = math.sqrt(2) * (x - datum[1]), math.sqrt(2) * (datum[2] - y)
  local θ = np.stack({ (sign * sum - difference) / 2, (sign * sum + difference) / 2 }, 2)
  local inside = np.all(np.le(np.abs(θ), 1), { axis = 2 })
  return θ[np.logical_and(inside, np.ge(sum, 0))]
end

local keys = random.split(random.PRNGKey(3), 4)
local reference = exact(keys[1], quick and 500 or 2000)
local pmc = lfi.PopulationMonteCarlo { target_data = datum, prior = prior, simulator = simulator,
  compressor = function(d) return d end }

-- How often can a classifier tell a point of the population from an exact one? Half of the time, if
-- they are the same.
local function populate(method, kernel, simulations)
  pmc { method = method, kernel = kernel, rng = keys[2], n_points = quick and 500 or 2000,
    max_simulations = simulations, acceptance_ratio = 0, max_iteration = 100, replace = true }
  local set = pmc:samples()
  local accuracy = imnn.diagnostics.c2st(reference, set, { key = keys[3] }).accuracy
  print(('%s, %7d simulations: epsilon %.4f, effective size %4.0f of %d, C2ST %.3f (exact 0.5)')
    :format(method, pmc.total_draws[1], pmc.epsilon[1], pmc.ess[1], #set, accuracy))
  return set
end

-- Proposals around a point with the covariance of all points would reach from one half to the
-- other. That of the quarter of them that is nearest follows the crescent.
if not quick then
  populate('smc', 'normal', 100000)
  populate('pmc', 'normal', 100000)
  populate('pmc', 'nearest', 100000)
end
local set = populate('pmc', 'nearest', quick and 20000 or 1000000)
local right = np.gt(set:column 'a' + set:column 'b', 0)
print(('weight of the half with a + b > 0: %.3f, exact 0.5'):format(
  (set.weights * right):sum():item()))

plot.generations(pmc, { file = 'generations.png' })
plot.corner { set, reference, label = { 'PMC', 'exact' }, labels = { 'a', 'b' },
  titles = false, file = 'two_moons.png' }
