--- Layers that go through a series step by step.
-- @module imnn.stax.recurrent
local args = require 'imnn.args'
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local initial = require 'imnn.stax.initial'
local lax = require 'imnn.lax'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local M = {}

-- Three matrices beside each other, each with a key of its own.
local function three(init, key, rows, width)
  local keys, parts = random.split(key, 3), {}
  for k = 1, 3 do parts[k] = init(keys[k], { rows, width }) end
  return np.concatenate(parts, 2)
end

--- Gated recurrent unit: of a series (T, n) at each step t, from h = 0,
--
--    r = sigmoid(x W_r + b_r + h U_r)     which parts of the past count for the proposal
--    z = sigmoid(x W_z + b_z + h U_z)     which parts stay
--    p = tanh(x W_p + b_p + r (h U_p + c))
--    h = z h + (1 - z) p
-- @tparam number width of h
-- @tparam[opt] table opts `last` (false): only the last h (width); `reverse` (false): from the last
-- step to the first; `W_init` (glorot_normal), `U_init` (orthogonal), `b_init` (zeros): functions
-- (key, shape) -> Array
-- @treturn layer (T, n) -> (T, width); params { W (n, 3 width), U (width, 3 width), b (3 width),
-- c (width) }, in the order r, z, p
-- @raise an input that is no series
-- @source Cho et al. 2014, EMNLP, arXiv:1406.1078
-- @usage stax.GRU(8).init(random.PRNGKey(0), { 20, 3 })
function M.GRU(width, opts)
  local who = 'stax.GRU'
  common.positive(who, 'the width', width)
  local o = args.take(who, opts, {
    last = { 'boolean', default = false }, reverse = { 'boolean', default = false },
    W_init = { 'function', default = initial.glorot_normal() },
    U_init = { 'function', default = initial.orthogonal() },
    b_init = { 'function', default = initial.zeros },
  })
  local function init(key, shape)
    if #shape ~= 2 then
      core.raise('%s: the input is a series (T, n), got (%s)', who, table.concat(shape, ', '))
    end
    local keys = random.split(key, 4)
    return o.last and { width } or { shape[1], width }, {
      three(o.W_init, keys[1], shape[2], width), three(o.U_init, keys[2], width, width),
      o.b_init(keys[3], { 3 * width }), o.b_init(keys[4], { width }),
    }
  end
  local gates, proposal = { 1, 2 * width }, { 2 * width + 1, 3 * width }
  local function apply(params, x)
    local W, U, b, c = unpack(params)
    if x.ndim ~= 2 then
      core.raise('%s: the input is a series (T, n), got (%s)', who, table.concat(x.shape, ', '))
    end
    local function step(h, from_x)
      local from_h = np.dot(h, U)
      local both = np.sigmoid(from_x[{ gates }] + from_h[{ gates }])
      local r, z = both[{ { 1, width } }], both[{ { width + 1, 2 * width } }]
      local p = np.tanh(from_x[{ proposal }] + r * (from_h[{ proposal }] + c))
      h = z * h + (1 - z) * p
      return h, h
    end
    local driven = np.dot(x, W) + b -- of all steps at once
    local h, all = lax.scan(step, np.zeros({ width }, driven.dtype), driven,
      { reverse = o.reverse })
    return o.last and h or all
  end
  return common.layer(init, apply, common.title('GRU', width), { weights = 4 })
end

return M
