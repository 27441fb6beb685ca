-- What examples in docstrings may use beside the modules: `x`, a matrix; `key`; `f`, a function of
-- a vector; `reader` and `dataset` of four records; a simulator, a network that is fitted to it, a
-- prior, posteriors.
local imnn = require 'imnn'
local np, random, stax, lfi = imnn.np, imnn.random, imnn.stax, imnn.lfi
local M = {}

local folder = require('tests.support.usage').here() .. '/tests/golden/records/'
local records, npz_path = folder .. 'dtypes.h5', folder .. 'npy/stored.npz'

local key = random.PRNGKey(0)

local function simulator(k, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(k, { 10 })
end

local made = {}

-- One object of each class. What takes a while is made when an example asks for it, once.
local makers = {
  net = function()
    local net = imnn.SimulatorIMNN {
      n_s = 50, n_d = 50, n_params = 2, n_summaries = 2, input_shape = { 10 },
      theta_fid = np.array { 0, 1 }, key_or_state = key, simulator = simulator,
      model = stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)),
      optimiser = imnn.optimizers.adam(1e-2),
    }
    net:fit { lambda = 10, epsilon = 0.1, rng = key, max_iterations = 3, min_iterations = 1,
      progress = false }
    return net
  end,
  gaussian = function()
    return lfi.GaussianApproximation { parameter_estimates = { 0.1, 1.2 }, gridsize = 20,
      invF = { { 0.1, 0 }, { 0, 0.2 } }, prior = lfi.uniform({ -10, 0 }, { 10, 10 }) }
  end,
  posterior = function()
    return lfi.LikelihoodFreeInference { prior = lfi.uniform({ -10, 0 }, { 10, 10 }), gridsize = 5 }
  end,
  kde = function() return lfi.kde(random.normal(key, { 200 })) end,
  compiled = function() return imnn.jit(function(v) return (v * v):sum() end) end,
  custom = function() return imnn.custom_jvp(np.sqrt) end,
  sim = function()
    return imnn.simulators.blackbox { workers = 2, fn = function(_, t)
      return { t[1]:item(), t[2]:item(), math.random() }
    end }
  end,
  examples = function()
    local path = os.tmpname()
    imnn.data.tfrecord.write(path, { { label = 3 }, { label = 4 } })
    local all = imnn.data.tfrecord.examples(path)
    os.remove(path) -- it stays open
    return all
  end,
  records = imnn.TFRecords,
  samples = function()
    local theta = np.array { 0, 1 } + np.array { 1, 0.25 } * random.normal(key, { 200, 2 })
    return imnn.SampleSet { parameters = theta, names = { 'mu', 'sigma2' },
      labels = { 'μ', 'σ²' }, low = { -10, 0 }, high = { 10, 10 },
      weights = np.arange(200) % 3 + 1,
      chain = np.floor(np.arange(200) / 100), origin = { method = 'Markov chains' } }
  end,
  figure = function()
    return imnn.plot.history { detF = { 1, 2 }, detC = { 2, 1 }, detinvC = { 1, 1 } }
  end,
  abc = function()
    local abc = lfi.ApproximateBayesianComputation { target_data = simulator(key, { 0, 1 }),
      prior = lfi.uniform({ -10, 0 }, { 10, 10 }), simulator = simulator, gridsize = 20,
      compressor = function(d) return np.stack { d:mean(), d:var() } end }
    return abc { epsilon = 5, key = key, n_samples = 200, progress = false }
  end,
  pmc = function()
    local pmc = lfi.PopulationMonteCarlo { target_data = simulator(key, { 0, 1 }),
      prior = lfi.uniform({ -10, 0 }, { 10, 10 }), simulator = simulator, gridsize = 20,
      compressor = function(d) return np.stack { d:mean(), d:var() } end }
    return pmc { key = key, n_points = 100, max_iteration = 2, progress = false }
  end,
}

--- A new environment.
function M.new()
  local env = {
    imnn = imnn, key = key, x = np.array { { 1, 2, 3 }, { 4, 5, 6 } }, simulator = simulator,
    network = stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)), theta = np.array { 0, 1 },
    d = simulator(key, np.array { 0, 1 }), prior = lfi.uniform({ -10, 0 }, { 10, 10 }),
    f = function(v) return (v * v):sum() end, path = records, layer = stax.Dense(3),
    optimiser = imnn.optimizers.adam(1e-3), bijector = imnn.distributions.bijectors.exp(),
    group = imnn.data.hdf5.open(records), npz = imnn.data.npz.open(npz_path), npz_path = npz_path,
    reader = imnn.data.from_array(np.array { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 0, 1, 2 } }),
    dataset = imnn.data.dataset { y = np.array { 10, 20, 30, 40 },
      x = np.array { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 0, 1, 2 } } },
  }
  local meta = { __index = function(_, name)
    if makers[name] then
      made[name] = made[name] or makers[name]()
      return made[name]
    end
    local ok, module = pcall(function() return imnn[name] end)
    return ok and module or _G[name]
  end }
  env.place = env.x:at { 1, 2 }
  return setmetatable(env, meta)
end

return M
