--- Summaries of one simulation: those of the network, and external ones behind them.
-- @module imnn.imnn.model
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local transform = require 'imnn.transform'
local M = {}

--- Summaries of one simulation.
-- @tparam table net
-- @tparam table w weights
-- @tparam Array d of input_shape
-- @tparam Array|nil key for networks that draw, as with stax.Dropout
-- @tparam string mode 'train', or 'test': layers like stax.Dropout do nothing
-- @treturn Array (n_summaries + n_external)
function M.summaries(net, w, d, key, mode)
  local x = net.model(w, d, { rng = key, mode = mode })
  if not net.hybrid then return x end
  return np.concatenate { x, net.hybrid(d):astype(x.dtype) }
end

local function is_float(dtype) return dtype == 'f32' or dtype == 'f64' end

local function check_external(net, d)
  local shape, dtype = transform.shape_of(net.hybrid, d)
  if #shape ~= 1 or not is_float(dtype) then
    core.raise('%s: hybrid must give a list of external summaries, f32 or f64 (E), got %s %s',
      net.class, dtype, check.text(shape))
  end
  net.n_external = shape[1]
end

--- Run on one datum: what the model gives is what its init promised.
function M.check(net, d)
  local shape, dtype = transform.shape_of(net.model, net.w, d,
    { rng = random.PRNGKey(0), mode = 'train' })
  if not check.equal(shape, { net.n_summaries }) then
    core.raise('%s: the model gives %s, n_summaries is %d', net.class, check.text(shape),
      net.n_summaries)
  end
  if not is_float(dtype) then
    core.raise('%s: the model gives %s, summaries must be f32 or f64', net.class, dtype)
  end
  if net.hybrid then check_external(net, d) end
end

return M
