--- Networks that draw their simulations while they fit: fresh ones in every iteration,
-- differentiated through simulator and network together.
-- @module imnn.imnn.simulator
local array = require 'imnn.array'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local faults = require 'imnn.imnn.faults'
local model = require 'imnn.imnn.model'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local transform = require 'imnn.transform'
local C = core.C

local kind = { simulate = true, data = {}, rows = { simulator = { 'function', 'table' } } }

function kind.begin(net, o)
  check.arity(net.class, 'simulator', o.simulator, 2, 2, '(key, theta)')
  net.simulator = o.simulator
end

--- One simulation, as it should be.
function kind.datum(net)
  local who = net.class
  local d = net.simulator(random.PRNGKey(0), net.theta_fid)
  if not np.is_array(d) then
    core.raise('%s: the simulator must give an Array, got %s', who, core.kind(d))
  end
  if not check.equal(d.shape, net.input_shape) then
    core.raise('%s: the simulator gives %s, input_shape is %s', who, check.text(d.shape),
      check.text(net.input_shape))
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

-- Value and derivative with respect to the parameters of f(key, theta), for the first n_d keys, and
-- the value for the others: (n_s, ...) and (n_d, ..., P). Called in a trace; the parameters are
-- traced, too, so that all rows are computed in the same way.
local function values_and_slopes(net, f, key)
  local keys, theta = random.split(key, net.n_s), array.lift(net.theta_fid)
  local function both(one)
    return transform.value_and_jacfwd(function(t) return f(one, t) end)(theta)
  end
  if net.n_d == net.n_s then return transform.vmap(both)(keys) end
  local x, dx = transform.vmap(both)(keys[{ { 1, net.n_d } }])
  local rest = transform.vmap(function(one) return f(one, theta) end)(
    keys[{ { net.n_d + 1, net.n_s } }])
  return np.concatenate({ x, rest }, 1), dx
end

--- Summaries and derivatives of the simulations of a key, in a trace. The simulator has the key of
-- the simulation as it is; what the network draws has another one.
function kind.trace(net, w, key, _, mode)
  return values_and_slopes(net, function(one, theta)
    return model.summaries(net, w, net.simulator(one, theta), random.fold_in(one, 1), mode)
  end, key)
end
kind.outputs = kind.trace

function kind.bad_data(net, key)
  local d, dd = transform.jit(function(k)
    return values_and_slopes(net, net.simulator, k)
  end)(key)
  local i = faults.bad_example(d)
  if i then
    return ('simulation %d is not finite; see that the simulator gives finite numbers for all keys '
      .. 'at theta_fid'):format(i)
  end
  i = faults.bad_example(dd)
  if i then
    return ('the derivative of simulation %d in the parameters is not finite; move theta_fid away '
      .. 'from where the simulator has an infinite slope, like sqrt(x) at 0'):format(i)
  end
end

return kind
