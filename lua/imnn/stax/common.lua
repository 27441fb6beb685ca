--- What layers share.
-- @module imnn.stax.common
local args = require 'imnn.args'
local core = require 'imnn.core'
local M = {}

--- A layer of two functions, by position and by name.
-- @tparam function init
-- @tparam function apply
-- @tparam string name as summaries show it
-- @tparam[opt] table inside the layers that it is made of: `serial` or `parallel`, a list, or
-- `made`, a function of the shape of the input
function M.layer(init, apply, name, inside)
  return { init, apply, init = init, apply = apply, name = name, inside = inside }
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
