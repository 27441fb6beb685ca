--- What layers share.
-- @module imnn.stax.common
local args = require 'imnn.args'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local M = {}

local function is_list(t) return type(t) == 'table' and getmetatable(t) == nil end

-- Whether something is a list of sizes, or a list of shapes.
local function is_shape(shape, several)
  if not is_list(shape) or #shape == 0 and next(shape) ~= nil then return false end
  for _, n in ipairs(shape) do
    local fits = type(n) == 'number' and n >= 0 and n % 1 == 0
    if several then fits = is_shape(n) end
    if not fits then return false end
  end
  return not several or #shape > 0
end

local function check_shape(who, shape, input)
  if input ~= 'several' and is_shape(shape) or input ~= 'one' and is_shape(shape, true) then
    return
  end
  core.raise('%s: init takes a key and %s, got %s', who, input == 'several'
    and 'a list of shapes, like { { 3 }, { 3 } }' or 'a shape, like { 3, 4 }',
    is_list(shape) and 'another table' or tostring(shape))
end

local function check_params(who, params, n)
  if type(params) ~= 'table' then
    core.raise('%s: params must be table, got %s', who, core.kind(params))
  end
  for i = 1, n do
    if params[i] == nil then
      core.raise('%s: params are a list of %d, as init gives them; there is no number %d', who, n,
        i)
    end
  end
end

local function input_of(who, x, input)
  if input == 'one' then return create.as_array(x, who) end
  if x == nil or input == 'several' and not (is_list(x) and #x > 0) then
    core.raise('%s: the input is %s, got %s', who,
      input == 'several' and 'a list of Arrays (FanOut makes one)' or 'an Array', core.kind(x))
  end
  return x
end

--- A layer of two functions, by position and by name. What they are given is looked at first.
-- @tparam function init
-- @tparam function apply
-- @tparam string name as summaries show it
-- @tparam[opt] table takes `input`: 'one' Array (the default), 'several', a list, or 'any';
-- `weights`: how many there are at least, none without it, and no key either
-- @tparam[opt] table inside the layers that it is made of: `serial` or `parallel`, a list, or
-- `made`, a function of the shape of the input
function M.layer(init, apply, name, takes, inside)
  local who = 'stax.' .. name:match '^%w+'
  local input, weights = takes and takes.input or 'one', takes and takes.weights
  local function checked_init(key, shape)
    check_shape(who, shape, input)
    if weights then check.key(who, key) end
    return init(key, shape)
  end
  local function checked_apply(params, x, opts)
    if weights then check_params(who, params, weights) end
    if opts ~= nil and not is_list(opts) then
      core.raise('%s: options of apply are a table { name = value, ... }, got %s', who,
        core.kind(opts))
    end
    return apply(params, input_of(who, x, input), opts)
  end
  return { checked_init, checked_apply, init = checked_init, apply = checked_apply, name = name,
    inside = inside }
end

--- The functions of a layer, by position or name.
-- @tparam string who for messages
-- @tparam table given { init, apply }
-- @treturn function init
-- @treturn function apply
-- @raise what is no layer
-- @usage stax.parts('model', stax.Dense(3))
function M.parts(who, given)
  if type(given) ~= 'table' then
    core.raise('%s: a layer is { init, apply }, got %s', who, core.kind(given))
  end
  local init, apply = given.init or given[1], given.apply or given[2]
  if type(init) ~= 'function' or type(apply) ~= 'function' then
    core.raise('%s: a layer is { init, apply }; %s is no function', who,
      type(init) ~= 'function' and 'init' or 'apply')
  end
  return init, apply
end

--- The key among the options of `apply`: `rng`, or `key`.
function M.key_of(opts) return opts and (opts.rng or opts.key) end

--- Options with another key.
function M.with_key(opts, key)
  local mine = {}
  for name, value in pairs(opts) do mine[name] = value end
  mine.rng, mine.key = key, nil
  return mine
end

--- "Conv(8, 3x3)" from a name and numbers or lists of sizes.
function M.title(name, ...)
  local parts = { ... }
  for i, x in ipairs(parts) do
    parts[i] = type(x) == 'table' and table.concat(x, 'x') or tostring(x)
  end
  return ('%s(%s)'):format(name, table.concat(parts, ', '))
end

--- n, a positive whole number.
function M.positive(who, what, n)
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then
    core.raise('%s: %s must be a positive integer, got %s', who, what, tostring(n))
  end
  return n
end

--- A list with a positive whole number for each of n spatial axes.
function M.sizes_of(who, what, list, n)
  if type(list) ~= 'table' or #list == 0 then
    core.raise('%s: %s is a list with a number for each spatial axis', who, what)
  end
  if n and #list ~= n then
    core.raise('%s: %s has %d numbers for %d spatial axes', who, what, #list, n)
  end
  for _, size in ipairs(list) do M.positive(who, 'each number of ' .. what, size) end
  return list
end

--- Options, or strides and padding in their places as JAX has them.
function M.options(who, a, b, rows)
  if b ~= nil or type(a) == 'table' and #a > 0 then a = { strides = a, padding = b } end
  return args.take(who, a, rows)
end

--- A list of n ones.
function M.ones(n)
  local out = {}
  for i = 1, n do out[i] = 1 end
  return out
end

return M
