--- Differential equations in a loop, with their derivatives.
local ffi = require 'ffi'
local imnn = require 'imnn'
local lax, np, random = imnn.lax, imnn.np, imnn.random

ffi.cdef [[
void loops_lotka_volterra(float *out, const float *theta, size_t n, int steps, float h);
]]

local N, STEPS, H = 10000, 200, 0.1

-- The last state of x' = t1 x - t2 x y, y' = t4 x y - t3 y after steps of RK4 from (1, 0.5).
local function lotka_volterra(t)
  local function slope(x, y) return t[1] * x - t[2] * x * y, t[4] * x * y - t[3] * y end
  local last = lax.scan(function(c)
    local x, y = c[1], c[2]
    local a1, b1 = slope(x, y)
    local a2, b2 = slope(x + H / 2 * a1, y + H / 2 * b1)
    local a3, b3 = slope(x + H / 2 * a2, y + H / 2 * b2)
    local a4, b4 = slope(x + H * a3, y + H * b3)
    return { x + H / 6 * (a1 + 2 * a2 + 2 * a3 + a4), y + H / 6 * (b1 + 2 * b2 + 2 * b3 + b4) }
  end, { np.array(1), np.array(0.5) }, nil, { length = STEPS })
  return np.stack(last)
end

return function(bench)
  bench.row('lotka_volterra_jacobian', function(name)
    local bound = bench.bound 'loops'
    local theta = 0.5 + 0.2 * random.uniform(random.PRNGKey(0), { N, 4 })
    local jacobian = imnn.jit(imnn.vmap(imnn.jacfwd(lotka_volterra)))
    local y, by_hand = jacobian(theta), np.zeros { N, 2, 4 } + 0
    local out, data = ffi.cast('float *', by_hand:data()), ffi.cast('const float *', theta:data())
    local function hand() bound.loops_lotka_volterra(out, data, N, STEPS, H) end
    hand()
    local far = np.max(np.abs(y - by_hand) / (1 + np.abs(by_hand))):item()
    assert(far < 1e-2, ('the derivatives are %g apart'):format(far))
    local ours, theirs = bench.pair(function() jacobian(theta) end, hand, 30)
    bench.show(name, 1e3 * ours, 'ms', 1e3 * theirs, 'demanded: 4 or less')
  end)
end
