--- An IMNN that draws its simulations while it fits: fresh ones in every iteration, differentiated
-- through simulator and network together.
-- @module imnn.imnn.simulator
local args = require 'imnn.args'
local array = require 'imnn.array'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local net = require 'imnn.imnn.net'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local who = 'SimulatorIMNN'
local Simulator = {}
local class = net.class(Simulator)

-- ---- summaries ----

-- Value and derivative with respect to the parameters of f(key, theta), for the first n_d keys, and
-- the value for the others: (n_s, ...) and (n_d, ..., P). Called in a trace; the parameters are
-- traced, too, so that all rows are computed in the same way.
local function values_and_slopes(self, f, key)
  local keys, theta = random.split(key, self.n_s), array.lift(self.theta_fid)
  local function both(one)
    return transform.value_and_jacfwd(function(t) return f(one, t) end)(theta)
  end
  if self.n_d == self.n_s then return transform.vmap(both)(keys) end
  local x, dx = transform.vmap(both)(keys[{ { 1, self.n_d } }])
  local rest = transform.vmap(function(one) return f(one, theta) end)(
    keys[{ { self.n_d + 1, self.n_s } }])
  return np.concatenate({ x, rest }, 1), dx
end

--- Summaries and derivatives of the simulations of a key, in a function that is traced.
-- @tparam table w weights
-- @tparam Array key
-- @treturn Array x (n_s, S)
-- @treturn Array dx (n_d, S, P)
-- @usage local x, dx = imnn.jit(function(w) return net:trace(w, key) end)(net.w)
function Simulator:trace(w, key)
  return values_and_slopes(self, function(one, theta)
    return self.model(w, self.simulator(one, theta))
  end, key)
end

-- ---- what can be wrong ----

-- The number of the first example whose values are not finite; nil if there is none.
local function bad_example(x)
  local at = tonumber(C.imnn_array_nonfinite(x.array))
  if at >= 0 then return math.floor(at * x.shape[1] / x.size) + 1 end
end

--- The first thing that is not finite among the simulations of a key, as a sentence, or nil.
-- @tparam table w weights
-- @tparam Array key
-- @treturn string|nil
-- @usage net:fault(net.w, key) --> nil
function Simulator:fault(w, key)
  local d, dd = transform.jit(function(k)
    return values_and_slopes(self, self.simulator, k)
  end)(key)
  local i = bad_example(d)
  if i then
    return ('simulation %d is not finite; see that the simulator gives finite numbers for all keys '
      .. 'at theta_fid'):format(i)
  end
  i = bad_example(dd)
  if i then
    return ('the derivative of simulation %d in the parameters is not finite; move theta_fid away '
      .. 'from where the simulator has an infinite slope, like sqrt(x) at 0'):format(i)
  end
  local x, dx = self:get_summaries(w, key)
  i = bad_example(x) or bad_example(dx)
  if i then
    return ('the summaries of simulation %d are not finite; lower the step size of the optimiser, '
      .. 'or bring the data to a scale near 1'):format(i)
  end
end

-- One simulation, as it should be.
local function simulate(self)
  local d = self.simulator(random.PRNGKey(0), self.theta_fid)
  if not np.is_array(d) then
    core.raise('%s: the simulator must give an Array, got %s', who, core.kind(d))
  end
  if not check.equal(d.shape, self.input_shape) then
    core.raise('%s: the simulator gives %s, input_shape is %s', who, check.text(d.shape),
      check.text(self.input_shape))
  end
  if d.dtype ~= 'f32' and d.dtype ~= 'f64' then
    core.raise('%s: the simulator gives %s, data must be f32 or f64', who, d.dtype)
  end
  local at = tonumber(C.imnn_array_nonfinite(d.array))
  if at >= 0 then
    core.raise('%s: the simulator gives data that are not finite at theta_fid (element %d)', who,
      at + 1)
  end
  return d
end

--- Make one.
-- @tparam table opts `n_s`, `n_d`: simulations per iteration, and how many of them with
-- derivatives; `n_params` P, `n_summaries` S; `input_shape` of one simulation; `theta_fid` (P);
-- `model` { init, apply }: a network that sees one simulation and gives (S); `optimiser` { init,
-- update, get_params }; `key_or_state`: key of the initial weights, or a state of the optimiser;
-- `simulator` (key, theta) -> one simulation
-- @treturn table see imnn.imnn.net
-- @raise what does not fit together
-- @usage local net = imnn.SimulatorIMNN { n_s = 100, n_d = 100, n_params = 2, n_summaries = 2,
--   input_shape = { 10 }, theta_fid = np.array { 0, 1 }, model = network,
--   optimiser = optimizers.adam(1e-3), key_or_state = key, simulator = simulator }
function M.new(opts)
  local o = args.take(who, opts, net.rows { simulator = { 'function', 'table' } })
  check.arity(who, 'simulator', o.simulator, 2, 2, '(key, theta)')
  local self = setmetatable({ class = who, simulate = true, simulator = o.simulator }, class)
  return net.construct(self, o, function() return simulate(self) end)
end

return M
