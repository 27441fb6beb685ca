--- Problems of likelihood-free inference whose posteriors are known, as benchmarks state them
-- (Lueckmann et al. 2021, arXiv:2101.04653): each has P; prior; simulator (key, theta) -> x;
-- exact (key, x, n) -> n draws (n, P) of the posterior, f64.
local imnn = require 'imnn'
local np, random, lfi, distributions = imnn.np, imnn.random, imnn.lfi, imnn.distributions
local f64 = { dtype = 'f64' }

local M = {}

local function normal(key, shape) return random.normal(key, shape, 'f64') end

-- Rows of draw(key) (m, P) inside a box, until there are n of them.
local function inside(key, n, low, high, draw)
  local parts, count = {}, 0
  while count < n do
    local keys = random.split(key)
    local x = draw(keys[1])
    local within = np.all(np.logical_and(np.ge(x, low), np.le(x, high)), { axis = 2 })
    key, parts[#parts + 1] = keys[2], x[within]
    count = count + #parts[#parts]
  end
  return np.concatenate(parts)[{ { 1, n } }]
end

-- ---- two moons: a crescent, and which of two it is nobody can say ----

M.two_moons = {
  P = 2, prior = lfi.uniform({ -1, -1 }, { 1, 1 }),
  simulator = function(key, theta)
    local keys = random.split(key)
    local angle = math.pi * (random.uniform(keys[1], {}) - 0.5)
    local radius = 0.1 + 0.01 * random.normal(keys[2], {})
    local a, b = theta:unpack()
    return np.stack {
      radius * np.cos(angle) + 0.25 - np.abs(a + b) / math.sqrt(2),
      radius * np.sin(angle) + (b - a) / math.sqrt(2),
    }
  end,
  -- Angle and radius are drawn, and solved for theta: x fixes |a + b| and b - a.
  exact = function(key, x, n)
    x = x:astype 'f64'
    return inside(key, n, -1, 1, function(k)
      local keys = random.split(k, 3)
      local angle = math.pi * (random.uniform(keys[1], { 2 * n }, f64) - 0.5)
      local radius = 0.1 + 0.01 * normal(keys[2], { 2 * n })
      local sum = math.sqrt(2) * (radius * np.cos(angle) + 0.25 - x[1])
      local difference = math.sqrt(2) * (x[2] - radius * np.sin(angle))
      local sign = np.where(np.lt(random.uniform(keys[3], { 2 * n }, f64), 0.5), -1, 1)
      local a = np.where(np.lt(sum, 0), 2, (sign * sum - difference) / 2) -- 2: none, outside
      return np.stack({ a, (sign * sum + difference) / 2 }, -1)
    end)
  end,
}

-- ---- Gaussian mixture: a narrow and a wide normal distribution around theta ----

M.gaussian_mixture = {
  P = 2, prior = lfi.uniform({ -10, -10 }, { 10, 10 }),
  simulator = function(key, theta)
    local keys = random.split(key)
    local sd = np.where(np.lt(random.uniform(keys[1], {}), 0.5), 1, 0.1)
    return theta + sd * random.normal(keys[2], { 2 })
  end,
  exact = function(key, x, n)
    return inside(key, n, -10, 10, function(k)
      local keys = random.split(k)
      local sd = np.where(np.lt(random.uniform(keys[1], { n, 1 }, f64), 0.5), 1, 0.1)
      return x:astype 'f64' + sd * normal(keys[2], { n, 2 })
    end)
  end,
}

-- ---- Gaussian linear: ten means, each measured once ----

M.gaussian_linear = {
  P = 10,
  prior = distributions.multivariate_normal(np.zeros { 10 }, 0.1 * np.eye(10)),
  simulator = function(key, theta)
    return theta + math.sqrt(0.1) * random.normal(key, { 10 })
  end,
  exact = function(key, x, n)
    return x:astype 'f64' / 2 + math.sqrt(0.05) * normal(key, { n, 10 })
  end,
}

return M
