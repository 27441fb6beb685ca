--- Schedules: step sizes as functions of the step index i = 0, 1, ..., a number or, in a compiled
-- iteration, an Array.
-- @module imnn.optimizers.schedules
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

-- Functions of numbers and Arrays; numbers stay Lua's, in double.
local function least(a, b) return array.is(a) and np.minimum(a, b) or math.min(a, b) end
local function most(a, b) return array.is(a) and np.maximum(a, b) or math.max(a, b) end
local function floor(x) return array.is(x) and np.floor(x) or math.floor(x) end
local function cos(x) return array.is(x) and np.cos(x) or math.cos(x) end
-- A number as the index counts: two numbers alone would be of the default dtype.
local function like(i, x)
  return type(x) == 'number' and i.dtype == 'f64' and np.array(x, 'f64') or x
end

-- a where the condition on i holds, else b.
local function choose(i, condition, a, b)
  if array.is(condition) then return np.where(condition, like(i, a), like(i, b)) end
  return condition and a or b
end
local function at_least(i, b)
  if array.is(i) then return np.ge(i, b) end
  return i >= b
end

local function check(who, ...)
  local names = { ... }
  for k = 1, #names, 2 do
    if type(names[k + 1]) ~= 'number' then
      core.raise('optimizers.%s: %s must be a number, got %s', who, names[k],
        core.kind(names[k + 1]))
    end
    args.argument('optimizers.' .. who, names[k], names[k + 1], { 'number' })
  end
end

--- The same step size at every step.
-- @tparam number|Array step_size
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.constant(0.1)(5) --> 0.1
function M.constant(step_size)
  args.argument('optimizers.constant', 'the step size', step_size, { 'number', 'Array' })
  return function() return step_size end
end

--- a rate^(i / decay_steps).
-- @tparam number a
-- @tparam number decay_steps
-- @tparam number rate
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.exponential_decay(0.1, 10, 0.5)(10) --> 0.05
function M.exponential_decay(a, decay_steps, rate)
  check('exponential_decay', 'a', a, 'decay_steps', decay_steps, 'rate', rate)
  return function(i) return a * rate ^ (i / decay_steps) end
end

--- a / (1 + rate i / decay_steps); with staircase the quotient is rounded down.
-- @tparam number a the first step size
-- @tparam number decay_steps
-- @tparam number rate
-- @tparam[opt=false] boolean staircase
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.inverse_time_decay(0.1, 10, 1)(10) --> 0.05
function M.inverse_time_decay(a, decay_steps, rate, staircase)
  check('inverse_time_decay', 'a', a, 'decay_steps', decay_steps, 'rate', rate)
  return function(i)
    local t = i / decay_steps
    if staircase then t = floor(t) end
    return a / (1 + rate * t)
  end
end

--- (1 - i / decay_steps)^power (a - final) + final, and final from decay_steps on.
-- @tparam number a the first step size
-- @tparam number decay_steps
-- @tparam number final
-- @tparam[opt=1] number power
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.polynomial_decay(0.1, 10, 0)(5) --> 0.05
function M.polynomial_decay(a, decay_steps, final, power)
  check('polynomial_decay', 'a', a, 'decay_steps', decay_steps, 'final', final)
  return function(i)
    local left = 1 - least(i, decay_steps) / decay_steps
    return left ^ (power or 1) * (a - final) + final
  end
end

--- values[k + 1] after the k-th boundary; a boundary belongs to the value before it.
-- @tparam table boundaries step indices
-- @tparam table values one more
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.piecewise_constant({ 100 }, { 0.1, 0.01 })(101) --> 0.01
function M.piecewise_constant(boundaries, values)
  if type(boundaries) ~= 'table' or type(values) ~= 'table' or #values ~= #boundaries + 1 then
    core.raise('optimizers.piecewise_constant: %s boundaries need one value more, got %s',
      type(boundaries) == 'table' and #boundaries or core.kind(boundaries),
      type(values) == 'table' and #values or core.kind(values))
  end
  return function(i)
    local y = values[1]
    for k, b in ipairs(boundaries) do
      local step = values[k + 1] - values[k]
      if array.is(i) then y = y + choose(i, np.gt(i, b), step, 0)
      elseif i > b then y = y + step end
    end
    return y
  end
end

--- From a to final in a straight line over `steps` steps after `begin` (0).
-- @tparam number a the first step size
-- @tparam number final
-- @tparam number steps
-- @tparam[opt=0] number begin
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.linear(0, 0.1, 10)(5) --> 0.05
function M.linear(a, final, steps, begin)
  check('linear', 'a', a, 'final', final, 'steps', steps)
  return function(i)
    return (a - final) * (1 - least(most(i - (begin or 0), 0), steps) / steps) + final
  end
end

--- Half a cosine from a to alpha a over `steps` steps, then constant.
-- @tparam number a
-- @tparam number steps
-- @tparam[opt=0] number alpha
-- @tparam[opt=1] number power of the cosine
-- @source Loshchilov & Hutter 2017, ICLR, eq. 5
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.cosine_decay(0.1, 100)(50) --> 0.05
function M.cosine_decay(a, steps, alpha, power)
  check('cosine_decay', 'a', a, 'steps', steps)
  alpha = alpha or 0
  return function(i)
    local wave = 0.5 * (1 + cos(math.pi * (least(i, steps) / steps)))
    return a * ((1 - alpha) * wave ^ (power or 1) + alpha)
  end
end

--- Schedules one after the other: from boundary k on the (k + 1)-th, which counts from there.
-- @tparam table list schedules
-- @tparam table boundaries step indices, one less
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.join_schedules({ optimizers.linear(0, 0.1, 10), optimizers.constant(0.1) },
--   { 10 })(20) --> 0.1
function M.join_schedules(list, boundaries)
  if type(list) ~= 'table' or type(boundaries) ~= 'table' or #list ~= #boundaries + 1 then
    core.raise('optimizers.join_schedules: %s schedules need one boundary less, got %s',
      type(list) == 'table' and #list or core.kind(list),
      type(boundaries) == 'table' and #boundaries or core.kind(boundaries))
  end
  local made = {}
  for k, s in ipairs(list) do made[k] = M.make_schedule(s) end
  return function(i)
    local y = made[1](i)
    for k, b in ipairs(boundaries) do y = choose(i, at_least(i, b), made[k + 1](i - b), y) end
    return y
  end
end

--- From a straight to peak over `warmup` steps, then by a cosine to final at step `steps`, which
-- counts the warm-up.
-- @tparam number a the first step size
-- @tparam number peak
-- @tparam number warmup
-- @tparam number steps
-- @tparam[opt=0] number final
-- @tparam[opt=1] number power of the cosine
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.warmup_cosine_decay(0, 0.1, 10, 100)(10) --> 0.1
function M.warmup_cosine_decay(a, peak, warmup, steps, final, power)
  check('warmup_cosine_decay', 'a', a, 'peak', peak, 'warmup', warmup, 'steps', steps)
  return M.join_schedules({
    M.linear(a, peak, warmup), M.cosine_decay(peak, steps - warmup, (final or 0) / peak, power),
  }, { warmup })
end

--- warmup_cosine_decay again and again.
-- @tparam table cycles lists { a, peak, warmup, steps, final }
-- @source Loshchilov & Hutter 2017, ICLR
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.sgdr({ { 0, 0.1, 10, 100 }, { 0, 0.05, 10, 100 } })(110) --> 0.05
function M.sgdr(cycles)
  local list, boundaries, at = {}, {}, 0
  args.argument('optimizers.sgdr', 'cycles', cycles, { 'table' })
  for k, c in ipairs(cycles) do
    args.argument('optimizers.sgdr', ('cycle %d'):format(k), c, { 'table' })
    list[k] = M.warmup_cosine_decay(unpack(c, 1, 5))
    at = at + c[4]
    boundaries[k] = at
  end
  boundaries[#list] = nil
  return M.join_schedules(list, boundaries)
end

--- By cosines from peak / div to peak over the first part (`start`) of `steps`, then to
-- peak / (div final_div).
-- @source Smith & Topin 2018
-- @tparam number steps
-- @tparam number peak
-- @tparam[opt=0.3] number start
-- @tparam[opt=25] number div
-- @tparam[opt=1e4] number final_div
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.cosine_onecycle(100, 0.1)(30) --> 0.1
function M.cosine_onecycle(steps, peak, start, div, final_div)
  check('cosine_onecycle', 'steps', steps, 'peak', peak)
  start, div, final_div = start or 0.3, div or 25, final_div or 1e4
  local middle = math.floor(start * steps)
  local function between(a, b, n) -- half a cosine
    return function(i) return b + (a - b) * (0.5 * (1 + cos(math.pi * (least(i, n) / n)))) end
  end
  return M.join_schedules({
    between(peak / div, peak, middle), between(peak, peak / (div * final_div), steps - middle),
  }, { middle })
end

--- a min((i + 1)^-1/2, (i + 1) warmup^-3/2).
-- @source Vaswani et al. 2017, eq. 3
-- @tparam number a
-- @tparam number warmup steps of the linear rise
-- @treturn function step index (from 0) -> step size
-- @usage optimizers.inverse_square_root(1, 4)(3) --> 0.5
function M.inverse_square_root(a, warmup)
  check('inverse_square_root', 'a', a, 'warmup', warmup)
  return function(i) return a * least((i + 1) ^ -0.5, (i + 1) * warmup ^ -1.5) end
end

--- A schedule from a number or a function.
-- @tparam number|function|Array x
-- @treturn function step index (from 0) -> step size
-- @raise something else
-- @usage optimizers.make_schedule(0.1)(7) --> 0.1
function M.make_schedule(x)
  if type(x) == 'number' then
    args.argument('optimizers', 'a step size', x, { 'number' })
    return function() return x end
  end
  local meta = type(x) == 'table' and getmetatable(x)
  if type(x) == 'function' or meta and meta.__call then return x end
  if array.is(x) and #x.shape == 0 then return M.constant(x) end
  core.raise('optimizers: a step size is a number or a function of the step index, got %s',
    core.kind(x))
end

return M
