--- What layers share.
-- @module imnn.stax.common
local args = require 'imnn.args'
local core = require 'imnn.core'
local M = {}

--- A layer of two functions, by position and by name.
function M.layer(init, apply) return { init, apply, init = init, apply = apply } end

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
