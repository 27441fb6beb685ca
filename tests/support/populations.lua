--- Populations of the toys, and what specs look at.
-- @module tests.support.populations
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, lfi, random = imnn.np, imnn.lfi, imnn.random
local M = {}

function M.pmc_of(toy, more)
  local o = { target_data = np.array { toy.observed }, prior = toy.prior, gridsize = 20,
    simulator = toy.simulator, compressor = function(d) return d end }
  for name, value in pairs(more or {}) do o[name] = value end
  return lfi.PopulationMonteCarlo(o)
end

function M.call(pmc, o)
  local all = { key = random.PRNGKey(3), n_points = 1000, progress = false,
    acceptance_ratio = 0 }
  for name, value in pairs(o) do all[name] = value end
  return pmc(all)
end

function M.moments(pmc, t)
  local w, x = np.exp(pmc.log_weights[t or 1]), pmc.parameters.accepted[t or 1][{ {}, 1 }]
  local mean = (w * x):sum():item()
  return mean, ((w * (x - mean) ^ 2):sum() / (1 - (w * w):sum())):item()
end

function M.bytes_of(pmc)
  local out = {}
  for t = 1, pmc.n_targets do
    for _, x in ipairs { pmc.parameters.accepted[t], pmc.log_weights[t],
      pmc.distances.accepted[t], pmc.summaries.accepted[t] } do
      out[#out + 1] = ffi.string(x:data(), x.size * 8)
    end
    out[#out + 1] = tostring(pmc.total_draws[t])
  end
  return table.concat(out)
end

return M
