-- Predators and prey, one by one: rabbits are born, foxes eat rabbits and multiply, foxes die. What
-- happens next, and when, is drawn anew after each event (Gillespie), in plain Lua with loops and
-- branches, so it runs in worker processes (see 10_black_box.lua) and nothing is known about its
-- likelihood or its derivatives. Populations of simulations give a posterior all the same.
local imnn = require 'imnn'
local np, random, lfi, plot = imnn.np, imnn.random, imnn.lfi, imnn.plot
local quick = arg[1] == '--quick'
local rabbits, foxes, times, apart = 100, 50, 10, 1.5

-- Counts of both at ten times. θ holds logarithms of the three rates: births of rabbits, meetings
-- that end with a fox more and a rabbit less, deaths of foxes. Where rabbits would fill the world
-- nothing goes on: that does not look like the data anyway.
local sim = imnn.simulators.blackbox { fn = function(_, θ)
  local birth, meet, death = math.exp(θ[1]:item()), math.exp(θ[2]:item()), math.exp(θ[3]:item())
  local prey, hunters, t, out = rabbits, foxes, 0, {}
  local log, uniform = math.log, math.random
  for k = 1, times do
    while t < k * apart do
      local a, b, c = birth * prey, meet * prey * hunters, death * hunters
      local total = a + b + c
      if total == 0 or prey > 2000 then break end
      t = t - log(1 - uniform()) / total
      if t < k * apart then
        local u = uniform() * total
        if u < a then prey = prey + 1
        elseif u < a + b then prey, hunters = prey - 1, hunters + 1
        else hunters = hunters - 1 end
      end
    end
    out[k], out[times + k] = prey, hunters
  end
  return out
end }

local keys = random.split(random.PRNGKey(0), 4)
local truth = { math.log(0.5), math.log(0.005), math.log(0.5) }
local seen = sim(keys[1], truth)
print('seen', seen)

-- Counts are compared by their logarithms: twice as many are twice as many, of few and of many.
local names = { 'ln birth', 'ln meet', 'ln death' }
local prior = lfi.uniform({ -2, -7, -2 }, { 1, -3, 1 }, { names = names })
local function compressor(counts) return np.log(counts + 1) end
local pmc = lfi.PopulationMonteCarlo { target_data = seen, prior = prior, simulator = sim,
  compressor = compressor }
pmc { rng = keys[2], n_points = quick and 100 or 500, max_simulations = quick and 1000 or 60000,
  acceptance_ratio = 0, max_iteration = 50 }
print(pmc)

-- Twenty numbers never all come close. What is left of their differences is taken out by a fit.
local near = pmc:samples()
local set = lfi.regression_adjust(near, compressor(seen), { ridge = 'auto', quiet = true })
for i, name in ipairs { 'PMC', 'adjusted' } do
  local mean, sd = ({ near, set })[i]:mean():totable(), ({ near, set })[i]:std():totable()
  print(('%-9s birth %.2f +- %.2f   meet %.2f +- %.2f   death %.2f +- %.2f'):format(name, mean[1],
    sd[1], mean[2], sd[2], mean[3], sd[3]))
end
print(('%-9s birth %.2f           meet %.2f           death %.2f'):format('truth', unpack(truth)))
plot.corner { set, near, label = { 'adjusted', 'PMC' }, known = truth, file = 'rates.png' }

-- Does the posterior make data like those that were seen? Simulations with draws of it, ten counts
-- of rabbits and then ten of foxes.
local draws = set:resample(keys[3], quick and 100 or 1000).parameters
local again = sim:run(random.split(keys[4], #draws), draws)
sim:close()
plot.predictive(again, seen, { groups = { { 'rabbits', times }, { 'foxes', times } },
  file = 'predictive.png' })
