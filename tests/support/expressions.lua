--- Random expressions over arrays with rows, for comparing programs with single operators.
-- @module tests.support.expressions
local np = require 'imnn.numpy'
local M = {}

-- The generator of spec/diagnostics 0: the same expressions on every machine.
local function generator(seed)
  local s = seed % 2 ^ 32
  return function(n)
    s = (1664525 * s + 1013904223) % 2 ^ 32
    return math.floor((s + 0.5) / 2 ^ 32 * n) + 1
  end
end

local unary = { 'tanh', 'neg', 'sin', 'abs', 'sigmoid', 'relu', 'floor' }
local binary = { 'add', 'sub', 'mul', 'maximum' }

-- Steps: functions (value, other values, pick) -> value or nil where it does not fit.
local steps = {
  function(x, _, pick) return np[unary[pick(#unary)]](x) end,
  function(x, _, pick) return np[unary[pick(#unary)]](x) end,
  function(x, all, pick)
    local y = all[pick(#all)]
    local ok, z = pcall(np[binary[pick(#binary)]], x, y)
    return ok and z or nil
  end,
  function(x, all, pick)
    local y = all[pick(#all)]
    local ok, z = pcall(np[binary[pick(#binary)]], x, y)
    return ok and z or nil
  end,
  function(x, all, pick) -- choose by a comparison
    local ok, z = pcall(function()
      local y = all[pick(#all)]
      return np.where(np.ge(x, y), x, np.mul(y, 0.5))
    end)
    return ok and z or nil
  end,
  function(x, _, pick) -- reduce
    if #x.shape == 0 then return nil end
    local name = ({ 'sum', 'mean', 'max', 'min' })[pick(4)]
    return x[name](x, { axis = pick(#x.shape), keepdims = pick(2) == 1 })
  end,
  function(x, all, pick) -- products
    local y = all[pick(#all)]
    if #x.shape < 1 or #y.shape < 1 then return nil end
    local ok, z = pcall(np.matmul, x, y)
    if not ok and #x.shape == 2 and #y.shape == 2 then ok, z = pcall(np.matmul, x.T, y) end
    return ok and z * 0.1 or nil
  end,
  function(x) return #x.shape >= 2 and np.swapaxes(x, -1, -2) or nil end,
  function(x) return #x.shape == 3 and x:reshape { x.shape[1], -1 } or nil end,
  function(x) return #x.shape == 2 and np.expand_dims(x, 2) or nil end,
  function(x, _, pick) -- ranges
    if #x.shape == 0 then return nil end
    local axis, key = pick(#x.shape), {}
    local n = x.shape[axis]
    if n < 2 then return nil end
    for k = 1, #x.shape do key[k] = {} end
    key[axis] = pick(2) == 1 and { 2, n } or { n, 1, -1 }
    return x[key]
  end,
  function(x, all, pick)
    local y = all[pick(#all)]
    if #x.shape == 0 then return nil end
    local ok, z = pcall(np.concatenate, { x, y }, pick(#x.shape))
    return ok and z or nil
  end,
  function(x, _, pick)
    if #x.shape == 0 then return nil end
    local widths = {}
    for k = 1, #x.shape do widths[k] = { pick(2) - 1, pick(2) - 1 } end
    return np.pad(x, widths)
  end,
}

local MOST = 400000 -- elements

--- A random function of a list of arrays.
-- @treturn function (arrays...) -> several arrays
function M.random(seed, length)
  return function(...)
    local pick, all = generator(seed), { ... }
    local inputs = #all
    for _ = 1, length do
      local at = pick(2) == 1 and #all or pick(#all)
      local y = steps[pick(#steps)](all[at], all, pick)
      if y and y.size <= MOST and y.size > 0 then all[#all + 1] = y end
    end
    local out = {}
    for k = math.max(inputs + 1, #all - 3), #all do out[#out + 1] = all[k] end
    out[#out + 1] = all[inputs] * 2
    return unpack(out)
  end
end

return M
