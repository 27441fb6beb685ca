--- Simulators as users write them: functions (key, theta) -> data, in the dtype of theta.
-- @module tests.support.simulators
local imnn = require 'imnn'
local lax, np, random = imnn.lax, imnn.np, imnn.random
local integrate = imnn.scipy.integrate
local M = {}

--- Ten normal numbers of mean and variance theta.
function M.gaussian(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 }, theta.dtype)
end

--- x_t = phi x_(t-1) + sigma e_t from 0: theta = (phi, ln sigma), T steps.
function M.ar1(key, theta, T)
  local phi, log_sigma = theta:unpack()
  local e = random.normal(key, { T }, theta.dtype)
  local _, x = lax.scan(function(x, e_t)
    x = phi * x + np.exp(log_sigma) * e_t
    return x, x
  end, 0, e)
  return x
end

--- Hares and lynxes: logarithms of their numbers at 10 times, with noise of 0.1.
function M.lotka_volterra(key, theta)
  local a, b, c, d = theta:unpack()
  local function change(y)
    return { prey = a * y.prey - b * y.prey * y.pred, pred = d * y.prey * y.pred - c * y.pred }
  end
  local t = 0.1 * np.arange(0, 41, 4, theta.dtype)
  local y = integrate.rk4(change, { prey = 1, pred = 0.5 }, t, { steps = 4 })
  local both = np.stack({ y.prey, y.pred }, 2)[{ { 2, 11 } }]
  return np.log(both) + 0.1 * random.normal(key, { 10, 2 }, theta.dtype)
end

--- How many are ill at 20 times of an epidemic (of rates beta, gamma), with noise of 0.01.
function M.sir(key, theta)
  local beta, gamma = theta:unpack()
  local function step(s, _)
    local function change(y)
      local infected = beta * y[1] * y[2]
      return np.stack { -infected, infected - gamma * y[2] }
    end
    local h = 0.5
    local k1 = change(s)
    local k2 = change(s + h / 2 * k1)
    local k3 = change(s + h / 2 * k2)
    local k4 = change(s + h * k3)
    s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s, s[2]
  end
  local _, ill = lax.scan(step, np.array({ 0.99, 0.01 }, theta.dtype), nil, { length = 60 })
  ill = ill[{ { 3, 60, 3 } }]
  return ill + 0.01 * random.normal(key, { 20 }, theta.dtype)
end

--- Gaussian random field of 16 x 16 cells with the power spectrum A k^-B: theta = (A, B).
function M.grf(key, theta)
  local A, B = theta:unpack()
  local k = 16 * np.fft.fftfreq(16, 1, theta.dtype)
  local length = np.sqrt(np.expand_dims(k * k, 2) + k * k)
  local mean = np.eq(length, 0)
  local amplitude = np.sqrt(A * np.where(mean, 1, length) ^ -B)
  local white = random.normal(key, { 16, 16 }, theta.dtype)
  return np.fft.ifftn(np.fft.fftn(white) * np.where(mean, 0, amplitude)).real
end

--- The exponential of such a field, of mean about 0.
function M.lognormal_field(key, theta)
  local g = M.grf(key, theta)
  return np.exp(g - np.mean(g * g) / 2) - 1
end

--- A point on one of two crescents.
function M.two_moons(key, theta)
  local angles, radii = random.split(key):unpack()
  local a = math.pi * (random.uniform(angles, {}, { dtype = theta.dtype }) - 0.5)
  local r = 0.1 + 0.01 * random.normal(radii, {}, theta.dtype)
  local sum, difference = theta[1] + theta[2], theta[2] - theta[1]
  return np.stack {
    r * np.cos(a) + 0.25 - np.abs(sum) / math.sqrt(2), r * np.sin(a) + difference / math.sqrt(2),
  }
end

--- Twenty numbers of the g-and-k distribution: theta = (A, B, g, k).
function M.g_and_k(key, theta)
  local A, B, g, k = theta:unpack()
  local z = random.normal(key, { 20 }, theta.dtype)
  return A + B * (1 + 0.8 * np.tanh(g * z / 2)) * (1 + z * z) ^ k * z
end

--- Eight points around theta, half of them near it.
function M.mixture(key, theta)
  local choices, places = random.split(key):unpack()
  local u = random.uniform(choices, { 8, 1 }, { dtype = theta.dtype })
  local z = random.normal(places, { 8, 2 }, theta.dtype)
  return theta + np.where(np.lt(u, 0.5), z, 0.1 * z)
end

--- Times between departures from a queue, n customers: theta = (least and most service time, rate
-- of arrivals).
function M.mg1(key, theta, n)
  local least, most, rate = theta:unpack()
  local services, gaps = random.split(key):unpack()
  local opts = { dtype = theta.dtype }
  local service = least + (most - least) * random.uniform(services, { n }, opts)
  local arrival = np.cumsum(-np.log1p(-random.uniform(gaps, { n }, opts)) / rate)
  local _, between = lax.scan(function(departed, customer)
    local after = customer.service + np.maximum(departed, customer.arrival)
    return after, after - departed
  end, 0, { service = service, arrival = arrival })
  return between
end

return M
