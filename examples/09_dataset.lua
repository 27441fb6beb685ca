-- Simulations on disk: made once, by many machines if need be, and read while a network fits to
-- them. Here they are written in our own format, HDF5; files of NumPy, other HDF5 files and the
-- TFRecords of the Python package are read as well (imnn.data).
local imnn = require 'imnn'
local np, random, stax, data = imnn.np, imnn.random, imnn.stax, imnn.data
local quick = arg[1] == '--quick'
local θ_fid, δθ = np.array { 0, 1 }, np.array { 0.1, 0.1 }
local function simulator(key, θ) return θ[1] + np.sqrt(θ[2]) * random.normal(key, { 10 }) end
local model_key, data_key = random.split(random.PRNGKey(10)):unpack()

-- Simulations with seeds from `start` on, and those on both sides for finite differences. The file
-- has its name only when it is whole; what is stopped before goes on where it was. A second run of
-- this script finds the files, and makes nothing.
local n = quick and 200 or 1000
local function write(path, start)
  return data.write_simulations { path = path, simulator = simulator, θ_fid = θ_fid, δθ = δθ,
    n_s = n, key = data_key, start = start, parameters = { 'mean', 'variance' },
    attributes = { purpose = 'ten draws of a Gaussian' } }
end
local set, validation = write('training.h5', 0), write('validation.h5', n)
print('simulations', set.fiducial, 'on both sides', set.derivative)

-- Readers take the place of arrays. Memory holds a few records at a time, however large the file.
local options = {
  n_s = n, n_d = n, n_params = 2, n_summaries = 2, input_shape = { 10 }, θ_fid = θ_fid,
  δθ = δθ,
  model = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.LeakyRelu,
    stax.Dense(128), stax.LeakyRelu, stax.Dense(2)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = model_key,
  fiducial = set.fiducial, derivative = set.derivative,
  validation_fiducial = validation.fiducial, validation_derivative = validation.derivative,
  host = 'cpu:0', devices = imnn.devices(), n_per_device = 100,
}
local net = imnn.DatasetNumericalGradientIMNN(options)
net:fit { λ = 10, ϵ = 0.1, patience = quick and 5 or 50, min_iterations = quick and 30 or 100 }
net:plot { expected_detF = 50, file = 'dataset.png' }

-- A third file says what was reached.
local third = write('test.h5', 2 * n)
print(net:information { data = { fiducial = third.fiducial, derivative = third.derivative } })
print 'all that there is: F = 10 and 5, ln det F 3.912'

-- A network can be kept, too. Functions are not in its file.
net:save 'network.h5'
local again = imnn.load('network.h5', options)
local d = third.fiducial:read(1)[1]
print('estimates', net:get_estimate(d), again:get_estimate(d))
