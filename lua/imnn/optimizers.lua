--- Optimisers: triples of functions `init(params) -> state`, `update(i, grads, state) -> state`,
-- `get_params(state) -> params`, by position or name. i counts steps from 0; params, grads are
-- trees of arrays. The formulas are those of JAX's example optimizers.
-- @module imnn.optimizers
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local tree = require 'imnn.tree'
local C = core.C
local M = {}

-- ---- schedules: functions of the step index ----

--- The same step size at every step.
function M.constant(step_size) return function() return step_size end end

--- a rate^(i / decay_steps)
function M.exponential_decay(a, decay_steps, rate)
  return function(i) return a * rate ^ (i / decay_steps) end
end

--- a / (1 + rate i / decay_steps); with staircase the quotient is rounded down.
function M.inverse_time_decay(a, decay_steps, rate, staircase)
  return function(i)
    local t = i / decay_steps
    if staircase then t = array.is(t) and np.floor(t) or math.floor(t) end
    return a / (1 + rate * t)
  end
end

local function least(i, n) return array.is(i) and np.minimum(i, n) or math.min(i, n) end

--- (1 - i / decay_steps)^power (a - final) + final, and final from decay_steps on.
function M.polynomial_decay(a, decay_steps, final, power)
  return function(i)
    return (1 - least(i, decay_steps) / decay_steps) ^ (power or 1) * (a - final) + final
  end
end

--- values[k + 1] after the k-th boundary; a boundary belongs to the value before it.
function M.piecewise_constant(boundaries, values)
  if #values ~= #boundaries + 1 then
    core.raise('optimizers.piecewise_constant: %d boundaries need %d values, got %d', #boundaries,
      #boundaries + 1, #values)
  end
  return function(i)
    local y = values[1]
    for k, b in ipairs(boundaries) do
      local step = values[k + 1] - values[k]
      if array.is(i) then y = y + np.where(np.gt(i, b), step, 0)
      elseif i > b then y = y + step end
    end
    return y
  end
end

--- A schedule from a number or a function.
function M.make_schedule(x)
  if type(x) == 'number' then return M.constant(x) end
  local meta = type(x) == 'table' and getmetatable(x)
  if type(x) == 'function' or meta and meta.__call then return x end
  if array.is(x) and #x.shape == 0 then return M.constant(x) end
  core.raise('optimizers: a step size is a number or a function of the step index, got %s', type(x))
end

-- ---- optimisers ----

local function check_trees(who, grads, params)
  local a, b = tree.structure(grads), tree.structure(params)
  if a ~= b then core.raise('%s: grads have the structure %s, params %s', who, a, b) end
end

local function zeros(params)
  return tree.map(function(w) return np.zeros(w.shape, w.dtype) end, params)
end

-- A triple from a rule for one array: rule(graph, lr, i, g, w, m1, ...) -> new w, m1, ...
-- moments: how many arrays it keeps beside the parameters.
local function optimiser(who, settings, step_size, moments, rule)
  local schedule = M.make_schedule(step_size)
  local function init(params)
    local state = { tree.map(function(w)
      return array.is(w) and w or array.number(w, 'f32')
    end, params) }
    for k = 1, moments do state[k + 1] = zeros(state[1]) end
    return state
  end
  local function update(i, grads, state)
    check_trees(who, grads, state[1])
    local rate = schedule(i)
    local trees, out = {}, {}
    for k = 1, moments + 1 do trees[k], out[k] = tree.leaves(state[k]), {} end
    for n, g in ipairs(tree.leaves(grads)) do
      local w = trees[1][n]
      local lr = promote.convert(rate, w.dtype)
      local step = array.is(i) and i or array.number(i, 'f32')
      local inputs = { lr, step, promote.convert(g, w.dtype), w }
      for k = 1, moments do inputs[4 + k] = trees[k + 1][n] end
      local made = { array.build(who, settings, inputs, rule) }
      for k = 1, moments + 1 do out[k][n] = made[k] end
    end
    local new = {}
    for k = 1, moments + 1 do new[k] = tree.unflatten(state[k], out[k]) end
    return new
  end
  local function get_params(state) return state[1] end
  return { init, update, get_params, init = init, update = update, get_params = get_params }
end

--- Gradient descent: w - lr g.
-- @tparam number|function step_size lr, or a function of i
function M.sgd(step_size)
  return optimiser('optimizers.sgd', '', step_size, 0, function(graph, lr, _, g, w)
    return C.imnn_optim_sgd(graph, lr, g, w)
  end)
end

--- With momentum: v = mass v + g, w - lr v.
function M.momentum(step_size, mass)
  if type(mass) ~= 'number' then
    core.raise('optimizers.momentum: mass must be a number, got %s', type(mass))
  end
  return optimiser('optimizers.momentum', tostring(mass), step_size, 1, function(graph, lr, _, g,
    w, v)
    local slot = ffi.new('imnn_node[1]', v)
    local moved = C.imnn_optim_momentum(graph, lr, g, w, slot, mass)
    return moved, slot[0]
  end)
end

--- Adam.
-- @tparam number|function step_size
-- @tparam[opt=0.9] number b1 memory of the gradient
-- @tparam[opt=0.999] number b2 memory of its square
-- @tparam[opt=1e-8] number eps
-- @source Kingma & Ba 2015, algorithm 1
function M.adam(step_size, b1, b2, eps)
  b1, b2, eps = b1 or 0.9, b2 or 0.999, eps or 1e-8
  local settings = ('%.17g %.17g %.17g'):format(b1, b2, eps)
  return optimiser('optimizers.adam', settings, step_size, 2, function(graph, lr, i, g, w, m, v)
    local first, second = ffi.new('imnn_node[1]', m), ffi.new('imnn_node[1]', v)
    local moved = C.imnn_optim_adam(graph, lr, i, g, w, first, second, b1, b2, eps)
    return moved, first[0], second[0]
  end)
end

return M
