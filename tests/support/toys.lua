--- Problems of one parameter whose answers are known: `prior`, `simulator`, the datum `observed`;
-- `schedule`: epsilons; `exact`: mean and variance at the last one; `sd`: how they vary from run to
-- run of 1000 particles.
local imnn = require 'imnn'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random

return {
  A = { prior = lfi.uniform(-10, 10), observed = 0, schedule = { 2, 1, 0.5, 0.1 },
    exact = { 0, 0.508333 }, sd = { 0.045, 0.094 },
    simulator = function(key, theta)
      local k = random.split(key)
      local narrow = np.lt(random.uniform(k[1]), 0.5)
      return theta + random.normal(k[2], { 1 }) * np.where(narrow, 0.1, 1)
    end },
  B = { prior = lfi.normal(0, 1), observed = 2, schedule = { 2, 1, 0.5, 0.1 },
    exact = { 0.998336, 0.500831 }, sd = { 0.032, 0.032 },
    simulator = function(key, theta) return theta + random.normal(key, { 1 }) end },
  C = { prior = lfi.uniform(0, 1), observed = 0, schedule = { 0.5, 0.2, 0.1, 0.05 },
    exact = { 0.239711, 0.032393 }, sd = { 0.0091, 0.0036 },
    simulator = function(key, theta) return theta + 0.3 * random.normal(key, { 1 }) end },
}
