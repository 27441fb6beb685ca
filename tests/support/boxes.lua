--- What specs of simulators in worker processes share.
-- @module tests.support.boxes
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random = imnn.np, imnn.random
local M = {}

--- Whether sanitizers are loaded, which answer crashes themselves, and slow everything down.
M.sanitized = (os.getenv 'LD_PRELOAD' or '') ~= ''

--- Seconds in which a simulation that works has ended.
M.short = M.sanitized and 2 or 0.3

M.quiet = { progress = false }

--- Forty simulations.
M.keys = random.split(random.PRNGKey(3), 40)
M.theta = np.stack({ np.linspace(0, 1, 40), np.linspace(2, 3, 40) }, 2)

--- The bytes of f32 numbers.
function M.bytes(x) return ffi.string(x:data(), x.size * 4) end

--- A black box in two workers.
function M.black(opts)
  local o = { workers = 2 }
  for name, value in pairs(opts) do o[name] = value end
  return imnn.simulators.blackbox(o)
end

return M
