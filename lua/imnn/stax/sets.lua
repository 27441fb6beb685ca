--- Layers for sets of elements (n, features), of which the order does not matter.
-- @module imnn.stax.sets
local args = require 'imnn.args'
local array = require 'imnn.array'
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local initial = require 'imnn.stax.initial'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local vmap = require 'imnn.transform'.vmap

local M = {}

local pools = { mean = np.mean, sum = np.sum, max = np.max, min = np.min }

local identity = common.layer(function(_, shape) return shape, {} end, function(_, x) return x end,
  'Identity', { input = 'any' })

--- A function of sets: `phi` of each element, pooled, and `rho` of what comes out.
-- @tparam layer phi of one element
-- @tparam[opt] layer rho of the pooled outputs; Identity
-- @tparam[opt] table opts `pool`: 'mean' (default), 'sum', 'max' or 'min'
-- @treturn layer (n, ...) -> the output of rho, whatever the order of the n elements; params
-- { those of phi, those of rho }
-- @raise another pool; an input without an axis of elements
-- @source Zaheer et al. 2017, NeurIPS, arXiv:1703.06114
-- @usage stax.DeepSet(stax.serial(stax.Dense(16), stax.Tanh), stax.Dense(2))
function M.DeepSet(phi, rho, opts)
  local who = 'stax.DeepSet'
  local phi_init, phi_apply = common.parts(who .. ': phi', phi)
  local rho_init, rho_apply = common.parts(who .. ': rho', rho or identity)
  local o = args.take(who, opts, { pool = { 'string', default = 'mean' } })
  local pool = args.choice(who, 'pool', o.pool, pools)
  local function init(key, shape)
    if #shape == 0 then core.raise('%s: the input needs an axis of elements', who) end
    local keys = random.split(key)
    local element, first = phi_init(keys[1], { unpack(shape, 2) })
    local out, second = rho_init(keys[2], element)
    return out, { first, second }
  end
  local function apply(params, x, more)
    local key, keys, mine = common.key_of(more), nil, more
    if key then
      keys = random.split(key)
      mine = common.with_key(more, keys[2])
    end
    local function one(v, own)
      return phi_apply(params[1], v, own and common.with_key(more, own) or more)
    end
    local y
    if keys then y = vmap(one)(x, random.split(keys[1], x.shape[1]))
    else y = vmap(one)(x) end
    return rho_apply(params[2], pool(y, { axis = 1 }), mine)
  end
  return common.layer(init, apply, common.title('DeepSet', o.pool), { weights = 2 })
end

-- (n, heads size) -> (heads, n, size)
local function by_head(x, heads)
  local n, wide = unpack(x.shape)
  return np.transpose(np.reshape(x, { n, heads, wide / heads }), { 2, 1, 3 })
end

--- Attention of several heads: each element becomes a mean of linear functions of all elements,
-- weighted by how its query agrees with their keys. Nothing depends on the order of elements. A
-- list of two inputs { x, y } takes the queries from x, and keys and values from y.
-- @tparam number heads
-- @tparam[opt] table opts `width` of the output (that of the input), `size` of a head
-- (width / heads), `W_init` (glorot_normal), `b_init` (zeros): functions (key, shape) -> Array
-- @treturn layer (n, features) -> (n, width); params { W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o }
-- @raise a width that heads do not divide, where no size is given
-- @source Vaswani et al. 2017, NeurIPS, arXiv:1706.03762; Lee et al. 2019, ICML
-- @usage stax.MultiHeadAttention(2, { width = 8 }).init(random.PRNGKey(0), { 5, 3 })
function M.MultiHeadAttention(heads, opts)
  local who = 'stax.MultiHeadAttention'
  common.positive(who, 'the number of heads', heads)
  local o = args.take(who, opts, {
    width = { 'integer', optional = true }, size = { 'integer', optional = true },
    W_init = { 'function', default = initial.glorot_normal() },
    b_init = { 'function', default = initial.zeros },
  })
  local function both(x)
    if type(x) == 'table' and x[1] and type(x[1]) ~= 'number' then return x[1], x[2] end
    return x, x
  end
  local function init(key, shape)
    local x, y = both(shape)
    if not y or #x ~= 2 or #y ~= 2 then
      core.raise('%s: the input is a set (n, features), got (%s)', who,
        table.concat((not y or #x ~= 2) and x or y, ', '))
    end
    local width = common.positive(who, 'the width', o.width or x[2])
    local wide = heads * (o.size or width / heads)
    if not o.size and width % heads ~= 0 then
      core.raise('%s: %d heads do not divide the width %d; give the size of a head', who, heads,
        width)
    end
    local keys, params = random.split(key, 4), {}
    for k, sizes in ipairs { { x[2], wide }, { y[2], wide }, { y[2], wide }, { wide, width } } do
      local own = random.split(keys[k])
      params[2 * k - 1] = o.W_init(own[1], sizes)
      params[2 * k] = o.b_init(own[2], { sizes[2] })
    end
    return { x[1], width }, params
  end
  local function apply(params, input)
    local x, y = both(input)
    for _, one in ipairs { x, y or false } do
      if not array.is(one) or one.ndim ~= 2 then
        core.raise('%s: the input is a set (n, features), or a list of two, got %s', who,
          array.is(one) and '(' .. table.concat(one.shape, ', ') .. ')' or core.kind(one))
      end
    end
    local q = by_head(np.dot(x, params[1]) + params[2], heads)
    local k = by_head(np.dot(y, params[3]) + params[4], heads)
    local v = by_head(np.dot(y, params[5]) + params[6], heads)
    local agree = np.matmul(q, np.swapaxes(k, 2, 3)) / math.sqrt(q.shape[3])
    local z = np.transpose(np.matmul(require('imnn.stax').softmax(agree), v), { 2, 1, 3 })
    return np.dot(np.reshape(z, { x.shape[1], heads * q.shape[3] }), params[7]) + params[8]
  end
  return common.layer(init, apply, common.title('MultiHeadAttention', heads),
    { input = 'any', weights = 8 })
end

return M
