--- Optimisers: triples of functions `init(params) -> state`, `update(i, grads, state) -> state`,
-- `get_params(state) -> params`, by position or name. i counts steps from 0; params, grads are
-- trees of arrays. A state is the tree of the parameters with `{ join = inner state }` for each
-- array, so that it can be looked at and stored like any other tree. The formulas are those of
-- JAX's example optimizers; those beyond it are Optax's.
-- @module imnn.optimizers
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local schedules = require 'imnn.optimizers.schedules'
local tree = require 'imnn.tree'
local C = core.C
local M = {}

for name, fn in pairs(schedules) do M[name] = fn end

--- The state before the first step.
-- @tparam table params tree of arrays
-- @treturn table
-- @function Optimiser.init
-- @usage local optimiser = optimizers.adam(1e-3)
-- local state = optimiser.init { np.ones(3) }

--- The state after one step.
-- @tparam number|Array i number of the step, from 0
-- @tparam table grads tree like the parameters
-- @tparam table state
-- @treturn table
-- @raise gradients of another structure, what is no state
-- @function Optimiser.update
-- @usage local optimiser = optimizers.sgd(0.5)
-- local state = optimiser.update(0, { np.ones(3) }, optimiser.init { np.ones(3) })
-- optimiser.get_params(state)[1] --> { 0.5, 0.5, 0.5 }

--- The parameters in a state.
-- @tparam table state
-- @treturn table tree of arrays
-- @raise what is no state
-- @function Optimiser.get_params
-- @usage local optimiser = optimizers.adam(1e-3)
-- optimiser.get_params(optimiser.init { np.ones(2) })[1] --> { 1, 1 }

local function triple(init, update, get_params)
  return { init, update, get_params, init = init, update = update, get_params = get_params }
end

local function parts(who, t)
  local init, update, get_params
  if type(t) == 'table' then
    init, update, get_params = t.init or t[1], t.update or t[2], t.get_params or t[3]
  end
  if type(init) ~= 'function' or type(update) ~= 'function' or type(get_params) ~= 'function' then
    core.raise('%s: an optimiser is { init, update, get_params }', who)
  end
  return init, update, get_params
end

-- ---- one array, many arrays ----

local function is_join(t) return type(t) == 'table' and getmetatable(t) == nil and t.join ~= nil end

-- fn(inner state, leaf of grads) at every join point.
local function at_joins(who, fn, state, grads)
  if is_join(state) then return fn(state.join, grads) end
  if type(state) ~= 'table' or getmetatable(state) ~= nil then
    core.raise('%s: this is no state of an optimiser', who)
  end
  local out = {}
  for _, k in ipairs(tree.keys(state)) do
    out[k] = at_joins(who, fn, state[k], grads and grads[k])
  end
  return out
end

--- An optimiser of trees from one of single arrays.
-- @tparam table rule { init(w) -> inner, update(i, g, inner) -> inner, get_params(inner) -> w }, by
-- position or name; the inner state is a tree whose structure stays
-- @tparam[opt='optimizer'] string who its name in messages
-- @treturn table { init, update, get_params }
-- @raise gradients of another structure; an update that changes the structure of the inner state
-- @usage local sgd = optimizers.optimizer { function(w) return w end,
--   function(_, g, w) return w - 0.1 * g end, function(w) return w end }
function M.optimizer(rule, who)
  who = who or 'optimizer'
  local one_init, one_update, one_params = parts(who, rule)
  local function get_params(state) return at_joins(who, one_params, state) end
  local function init(params)
    return tree.map(function(w)
      return { join = one_init(array.is(w) and w or np.array(w)) }
    end, params)
  end
  local function update(i, grads, state)
    local a, b = tree.structure(grads), tree.structure(get_params(state))
    if a ~= b then core.raise('%s: grads have the structure %s, params %s', who, a, b) end
    return at_joins(who, function(inner, g)
      local after = one_update(i, g, inner)
      local was, is = tree.structure(inner), tree.structure(after)
      if was ~= is then core.raise('%s: update changes the state from %s to %s', who, was, is) end
      return { join = after }
    end, state, grads)
  end
  return triple(init, update, get_params)
end

-- ---- rules of the library: core/optim/rules.def ----

-- The step size at step i, the index and the gradient in the dtype of w.
local function prepared(schedule, i, g, w)
  return promote.convert(schedule(i), w.dtype), array.is(i) and i or array.number(i, 'f32'),
    promote.convert(g, w.dtype)
end

local function settings_of(rule)
  local list = {}
  for name, default in ffi.string(rule.settings):gmatch '(%w[%w_]*)([^,]*)' do
    list[#list + 1] = { name = name, default = tonumber(default) }
  end
  return list
end

-- Values of settings: numbers in order, or one table of names.
local function read_settings(who, list, ...)
  local given, values = { ... }, {}
  if type(given[1]) == 'table' and select('#', ...) == 1 then
    local rows = {}
    for _, s in ipairs(list) do rows[s.name] = { 'number', default = s.default } end
    local o = args.take(who, given[1], rows)
    for k, s in ipairs(list) do values[k] = o[s.name] end
    return values
  end
  for k, s in ipairs(list) do
    values[k] = given[k] == nil and s.default or given[k]
    if type(values[k]) ~= 'number' then
      core.raise('%s: %s must be a number, got %s', who, s.name, core.kind(values[k]))
    end
    args.argument(who, s.name, values[k], { 'number' })
  end
  return values
end

local function make(rule)
  local name = ffi.string(rule.name)
  local who, list = 'optimizers.' .. name, settings_of(rule)
  local moments = select(2, ffi.string(rule.moments):gsub('%S+', ''))
  return function(step_size, ...)
    local schedule = schedules.make_schedule(step_size)
    local values = read_settings(who, list, ...)
    local key = array.settings(unpack(values))
    local numbers = ffi.new('double[?]', #values + 1, values)
    local function step(graph, lr, i, g, w, ...)
      local slots = ffi.new('imnn_node[?]', moments + 1, { ... })
      local made = { C.imnn_optim_step(graph, name, lr, i, g, w, slots, numbers) }
      for k = 1, moments do made[k + 1] = slots[k - 1] end
      return unpack(made)
    end
    return M.optimizer({
      init = function(w)
        local inner = { w }
        for k = 1, moments do inner[k + 1] = np.zeros(w.shape, w.dtype) end
        return inner
      end,
      update = function(i, g, inner)
        local lr, count, slope = prepared(schedule, i, g, inner[1])
        return { array.build(who, key, { lr, count, slope, unpack(inner) }, step) }
      end,
      get_params = function(inner) return inner[1] end,
    }, who)
  end
end

do
  local i = 0
  while C.imnn_optim_get(i) ~= nil do
    local rule = C.imnn_optim_get(i)
    M[ffi.string(rule.name)] = make(rule)
    i = i + 1
  end
end

--- SM3: like adagrad, but the sums of squared gradients are kept by rows and columns only.
-- @tparam number|function step_size
-- @tparam[opt=0.9] number momentum
-- @source Anil et al. 2019, NeurIPS, SM3-II
-- @treturn table { init, update, get_params }
-- @usage optimizers.sm3(0.1)
function M.sm3(step_size, momentum)
  local schedule = schedules.make_schedule(step_size)
  local beta = read_settings('optimizers.sm3', { { name = 'momentum', default = 0.9 } },
    momentum)[1]
  return M.optimizer({
    init = function(w)
      local shape, inner = w.shape, { w, np.zeros(w.shape, w.dtype) }
      for k = 1, math.max(#shape, 1) do
        local size = {}
        for j = 1, #shape do size[j] = j == k and shape[j] or 1 end
        inner[2 + k] = np.zeros(size, w.dtype)
      end
      return inner
    end,
    update = function(i, g, inner)
      local lr, _, slope = prepared(schedule, i, g, inner[1])
      return { array.build('optimizers.sm3', array.settings(beta), { lr, slope, unpack(inner) },
        function(graph, rate, d, w, ...)
          local n = select('#', ...)
          local slots = ffi.new('imnn_node[?]', n, { ... })
          local made = { C.imnn_optim_sm3(graph, rate, d, w, slots, beta) }
          for k = 1, n do made[k + 1] = slots[k - 1] end
          return unpack(made)
        end) }
    end,
    get_params = function(inner) return inner[1] end,
  }, 'optimizers.sm3')
end

-- ---- what gradients go through ----

--- The root of the sum of all squares.
-- @tparam table t tree of arrays
-- @treturn Array ()
-- @usage optimizers.l2_norm { np.array { 3 }, { np.array { 4 } } } --> 5
function M.l2_norm(t)
  local sum
  for _, x in ipairs(tree.leaves(t)) do
    x = array.is(x) and x or np.array(x)
    local size = np.abs(x)
    local s = (size * size):sum()
    sum = sum and sum + s or s
  end
  return np.sqrt(sum or np.array(0))
end

--- A tree scaled down to a norm, unchanged if it has less.
-- @tparam table grads tree of arrays
-- @tparam number|Array max_norm
-- @treturn table
-- @usage optimizers.clip_grads({ np.array { 3, 4 } }, 1) --> { { 0.6, 0.8 } }
function M.clip_grads(grads, max_norm)
  local norm = M.l2_norm(grads)
  local factor = np.where(np.lt(norm, max_norm), 1, max_norm / norm)
  return tree.map(function(g)
    g = array.is(g) and g or np.array(g)
    return g * promote.convert(factor, g.dtype)
  end, grads)
end

--- An optimiser whose gradients are first scaled down to a norm.
-- @tparam number max_norm of all arrays together
-- @tparam table optimiser { init, update, get_params }
-- @treturn table { init, update, get_params }
-- @usage local adam = optimizers.clip_by_global_norm(1, optimizers.adam(1e-3))
function M.clip_by_global_norm(max_norm, optimiser)
  if type(max_norm) ~= 'number' or not (max_norm > 0 and max_norm < math.huge) then
    core.raise('optimizers.clip_by_global_norm: max_norm must be a positive number, got %s',
      tostring(max_norm))
  end
  local init, update, get_params = parts('optimizers.clip_by_global_norm', optimiser)
  return triple(init,
    function(i, grads, state) return update(i, M.clip_grads(grads, max_norm), state) end,
    get_params)
end

return args.strict('optimizers', M)
