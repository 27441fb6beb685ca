-- Where the largest element is: lines of all lengths, of every dtype, also so long that runs of
-- them are searched side by side.
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random

-- Positions by the definition: the first NaN, else the first that no other one beats.
local function positions(x, n, inner, sign)
  local p, out = x:data(), {}
  for k = 0, inner - 1 do
    local best, at = sign * tonumber(p[k]), 1
    for i = 1, n - 1 do
      local v = sign * tonumber(p[i * inner + k])
      if best == best and (v > best or v ~= v) then best, at = v, i + 1 end
    end
    out[k + 1] = at
  end
  return out
end

describe('argmax and argmin', function()
  for number, dtype in ipairs { 'f32', 'f64', 'i32', 'u32', 'bool' } do
    it('find the first of several in ' .. dtype, function()
      for _, case in ipairs { { 1, 3 }, { 16, 1 }, { 17, 1 }, { 300, 1 }, { 5000, 1 }, { 33, 70 },
        { 65, 17 }, { 70001, 1 }, { 1003, 70 } } do
        local n, inner = case[1], case[2]
        local keys = random.split(random.PRNGKey(n + number))
        local x = np.floor(random.uniform(keys[1], { n, inner }) * (n % 2 == 0 and 10 or 1e6))
        if dtype == 'i32' then x = x - 5 end
        if dtype:match '^f' and n % 3 == 0 then
          x = np.where(np.gt(random.uniform(keys[2], { n, inner }), 0.99), 0 / 0, x)
        end
        x = x:astype(dtype)
        for name, sign in pairs { argmax = 1, argmin = -1 } do
          assert.same(positions(x, n, inner, sign), np[name](x, { axis = 1 }):totable())
          local flat = positions(x, n * inner, 1, sign)[1]
          assert.equal(flat, np[name](x):item())
        end
      end
    end)
  end

  it('are the same eager, compiled and in batches', function()
    local x = random.normal(random.PRNGKey(3), { 2, 1003, 70 })
    local function first(a) return np.argmax(a, { axis = 1 }) end
    local y = imnn.vmap(first)(x)
    for i = 1, 2 do
      assert.same(y[i]:totable(), first(x[i]):totable())
      assert.same(y[i]:totable(), imnn.jit(first)(x[i]):totable())
    end
  end)
end)

describe('a new shape', function()
  it('shares the elements', function()
    local x = np.arange(6)
    local y = x:reshape { 2, 3 }:ravel():reshape { 3, 2 }
    assert.equal(x:data(), y:data())
    x = nil -- luacheck: ignore 311
    collectgarbage()
    assert.same({ { 0, 1 }, { 2, 3 }, { 4, 5 } }, y:totable())
  end)
end)
