-- Most simulators cannot be differentiated. Then derivatives are differences: simulate with a
-- parameter a little lower and a little higher, and divide by the distance. All of it hangs on the
-- seeds: with the SAME noise on both sides the noise cancels, and what is left is the effect of the
-- parameter; with other noise a small difference of two large numbers drowns in it.
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax
local quick = arg[1] == '--quick'
local θ_fid = np.array { 0, 1 }
local δθ = np.array { 0.1, 0.1 } -- the FULL distance: simulations stand at θ_fid -+ δθ / 2
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end
local model_key, train_key, validation_key, test_key = random.split(random.PRNGKey(0), 4):unpack()

-- n simulations (n, 10), and those on both sides (n, 2, 2, 10): simulation, side, parameter. What
-- `seeds` gives is the noise of each side.
local function make(key, n, seeds)
  local keys = random.split(key, n)
  local function side(k, sign, p)
    return simulator(k, θ_fid + sign / 2 * δθ * np.one_hot(p, 2))
  end
  return imnn.vmap(function(k) return simulator(k, θ_fid) end)(keys),
    imnn.vmap(function(k)
      local low, high = seeds(k)
      return np.stack { np.stack { side(low, -1, 1), side(low, -1, 2) },
        np.stack { side(high, 1, 1), side(high, 1, 2) } }
    end)(keys)
end
local function same(k) return k, k end
local function different(k) return random.split(k):unpack() end

local n = quick and 200 or 1000
local fiducial, derivative = make(train_key, n, same)
local validation_fiducial, validation_derivative = make(validation_key, n, same)
local net = imnn.IMNN {
  n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { 10 }, θ_fid = θ_fid,
  δθ = δθ,
  model = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
    stax.Dense(128), stax.LeakyRelu, stax.Dense(2)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = model_key,
  fiducial = fiducial, derivative = derivative,
  validation_fiducial = validation_fiducial, validation_derivative = validation_derivative,
}
net:fit { λ = 10, ϵ = 0.1, patience = quick and 5 or 100, min_iterations = quick and 30 or 100 }
net:plot { expected_detF = 50, file = 'numerical_gradient.png' }

-- The same network, judged with simulations of both sorts. What derivatives scatter adds to F: it
-- is the "noise of derivatives" of the report, tr(C^-1 C_D) / n_d, which only more simulations (as
-- 1 / n_d) or equal seeds make small.
for _, sort in ipairs { { 'equal seeds', same }, { 'other seeds on each side', different } } do
  print(sort[1])
  fiducial, derivative = make(test_key, n, sort[2])
  print(net:information { data = { fiducial = fiducial, derivative = derivative } })
end
print 'all that there is: F = 10 and 5, ln det F 3.912'
