--- Loops and branches of imnn.lax written with those of Lua: a second opinion. Carries and slices
-- are arrays or lists of arrays. Inside vmap and grad, which trace, they are those of lax.
-- @module tests.support.programs.loops
local array = require 'imnn.array'
local imnn = require 'imnn'
local np, lax = imnn.np, imnn.lax
local M = setmetatable({}, { __index = lax })

local function part(xs, k) return imnn.tree.map(function(x) return x[k] end, xs) end

local function stack(list)
  return imnn.tree.map(function(...) return np.stack { ... } end, unpack(list))
end

function M.scan(f, init, xs, opts)
  opts = opts or {}
  local n = opts.length or #imnn.tree.flatten(xs)[1]
  local carry, ys = init, {}
  for i = 1, n do
    local k = opts.reverse and n + 1 - i or i
    carry, ys[k] = f(carry, xs and part(xs, k))
  end
  if #ys == 0 then return lax.scan(f, init, xs, opts) end
  return carry, stack(ys)
end

function M.map(f, xs)
  local ys = {}
  for k = 1, #xs do ys[k] = f(xs[k]) end
  if #ys == 0 then return lax.map(f, xs) end
  return stack(ys)
end

function M.fori_loop(lower, upper, body, init)
  local function whole(x) return type(x) == 'number' and x or x:item() end
  for i = whole(lower), whole(upper) - 1 do init = body(np.array(i, 'i32'), init) end
  return init
end

function M.while_loop(cond, body, init)
  while cond(init):item() do init = body(init) end
  return init
end

function M.cond(pred, yes, no, ...) return (pred:item() and yes or no)(...) end

function M.switch(index, branches, ...)
  local i = type(index) == 'number' and index or index:item()
  return branches[math.max(1, math.min(i, #branches))](...)
end

function M.checkpoint(f) return f end

for name, fn in pairs(M) do
  M[name] = function(...)
    if array.tracing() then return lax[name](...) end
    return fn(...)
  end
end

return M
