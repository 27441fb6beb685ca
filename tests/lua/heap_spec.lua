-- Nothing is allocated while a fit runs: counted by a malloc that comes before that of the system
-- (tests/support/heap.c), so libraries are included.
local program = os.getenv 'IMNN_PROGRAM' or 'build/testing/bin/imnn'
local heap = program:gsub('bin/imnn$', 'lib/libimnn-heap.so')

-- Without LuaJIT's compiler, which makes code whenever it likes: when it gives up a trace it
-- raises an error, for which the unwinder of C sorts the frames that came with new machine code.
local script = [[
jit.off()
local imnn, ffi = require 'imnn', require 'ffi'
local np, random, stax = imnn.np, imnn.random, imnn.stax
ffi.cdef 'long heap_count(void);'
local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end
local net = imnn.SimulatorIMNN { n_s = %d, n_d = %d, n_params = 2, n_summaries = 2,
  input_shape = { 10 }, theta_fid = np.array { 0, 1 }, simulator = simulator,
  model = stax.serial(stax.Dense(128), stax.LeakyRelu, stax.Dense(128), stax.Tanh, stax.Dense(2)),
  optimiser = imnn.optimizers.adam(1e-3), key_or_state = random.PRNGKey(0) }
local counts = { tonumber(ffi.C.heap_count()) }
net:fit { lambda = 10, epsilon = 0.1, rng = random.PRNGKey(1), max_iterations = 201,
  min_iterations = 201, print_rate = 100,
  log = function() counts[#counts + 1] = tonumber(ffi.C.heap_count()) end }
print(counts[2] - counts[1] > 100, counts[3] - counts[2])
]]

local file = io.open(heap)
if file then -- the sanitizers count for themselves
  file:close()
  describe('the heap', function()
    for _, n in ipairs { { 1000, 1000 }, { 200, 100 } } do
      it(('is not asked in iterations 100 to 200, %d simulations'):format(n[1]), function()
        local path = os.tmpname()
        local out = assert(io.open(path, 'w'))
        out:write(script:format(n[1], n[2]))
        out:close()
        local pipe = io.popen(('LD_PRELOAD=%s %s %s 2>&1'):format(heap, program, path))
        local said = pipe:read '*a'
        pipe:close()
        os.remove(path)
        assert.equal('true\t0\n', said)
      end)
    end
  end)
end
