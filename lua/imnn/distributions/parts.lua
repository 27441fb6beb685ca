--- Parts of normal vectors and of mixtures of them: some components, and the normal vectors that a
-- mixture is of.
-- @module imnn.distributions.parts
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local Parts = {}

local function base() return require 'imnn.distributions.base' end

-- Which components are meant: their numbers, and those of the others.
local function places_of(d, what, which)
  local who, n = ('%s.%s'):format(d.name, what), d.n_params
  if type(which) == 'number' or type(which) == 'string' then which = { which } end
  if type(which) ~= 'table' or #args.list(who, 'which', which) == 0 then
    core.raise('%s: needs a number or a list of components, got %s', who,
      type(which) == 'table' and 'none' or core.kind(which))
  end
  local out, taken, others = {}, {}, {}
  for i, k in ipairs(which) do
    local place = k
    if type(k) == 'string' then
      for j, name in ipairs(d.names or {}) do place = name == k and j or place end
    elseif type(k) == 'number' and k < 0 then place = n + 1 + k end
    if type(place) ~= 'number' or place % 1 ~= 0 or place < 1 or place > n then
      core.raise('%s: there is no component %s of %d', who, type(k) == 'number' and tostring(k)
        or type(k) == 'string' and ('"%s"'):format(k) or core.kind(k), n)
    end
    if taken[place] then core.raise('%s: component %d is asked for twice', who, place) end
    out[i], taken[place] = place, true
  end
  for k = 1, n do
    if not taken[k] then others[#others + 1] = k end
  end
  return out, others
end

-- A function of the distribution, or who has one.
local function needs(d, field, method, who)
  if not d[field] then core.raise('%s: has no %s; %s', d.name, method, who) end
  return d[field]
end

local NORMAL = 'normal vectors have, and mixtures of them (distributions.normal_mixture)'
local MIXED = 'mixtures of normal vectors have (distributions.normal_mixture)'

--- The distribution of some components of a vector, whatever the others are.
-- @tparam number|string|table which one of them, or a list in the order that is wanted: numbers
-- (-1 is the last one), or names where the distribution has them
-- @treturn distribution of vectors, as many components as are asked for
-- @raise distributions other than normal vectors and their mixtures; no such component
-- @usage distributions.multivariate_normal({ 0, 1 }, { { 1, 0.5 }, { 0.5, 2 } }):marginal(2):mean()
--   --> { 1 }
function Parts:marginal(which)
  local fn = needs(self, 'marginal_of', 'marginal', NORMAL)
  return fn(places_of(self, 'marginal', which))
end

--- The distribution of the other components of a vector, given some of them.
-- @tparam number|string|table which one of them, or a list: numbers (-1 is the last one), or names
-- where the distribution has them
-- @tparam number|table|Array values that these have
-- @treturn distribution of vectors of the others, in their order
-- @raise distributions other than normal vectors and their mixtures; no such component; another
-- number of values; nothing that is left
-- @usage distributions.multivariate_normal({ 0, 1 }, { { 1, 0.5 }, { 0.5, 2 } })
--   :condition(1, 2):mean() --> { 2 }
function Parts:condition(which, values)
  local fn = needs(self, 'condition_on', 'condition', NORMAL)
  local who = self.name .. '.condition'
  local places, others = places_of(self, 'condition', which)
  if #others == 0 then core.raise('%s: leaves no component', who) end
  if type(values) == 'number' then values = { values } end
  local at, shape = base().parameter(who, 'values', values)
  if #shape == 0 and #places == 1 then
    local number = at
    at, shape = function(dtype) return np.expand_dims(number(dtype), 1) end, { 1 }
  end
  if #shape ~= 1 or shape[1] ~= #places then
    core.raise('%s: needs values of shape (%d), got (%s)', who, #places, table.concat(shape, ', '))
  end
  return fn(others, places, at)
end

--- The logarithms of a mixture's parts: of the weight of each normal vector times its density.
-- @tparam Array|table x (..., event)
-- @treturn Array (..., K); their logsumexp is `log_prob`, their softmax says which one x is of
-- @raise what is no mixture of normal vectors; values of another shape
-- @usage distributions.normal_mixture({ 0, 0 }, { { -1 }, { 1 } }, { { { 1 } }, { { 1 } } })
--   :component_log_prob { 1 } --> { -3.61209, -1.61209 }
function Parts:component_log_prob(x)
  local fn = needs(self, 'component_log_prob_of', 'component_log_prob', MIXED)
  return fn(base().values(self, 'component_log_prob', x))
end

--- What a mixture of normal vectors is made of.
-- @treturn table `weights` (K), which add up to 1, `mean` (K, D), `cov` (K, D, D),
-- `precision_factor` (K, D, D), lower triangular, which times its transpose is the inverse of `cov`
-- @raise what is no mixture of normal vectors
-- @usage distributions.normal_mixture({ 0, 0 }, { { -1 }, { 1 } }, { { { 1 } }, { { 1 } } })
--   :components().weights --> { 0.5, 0.5 }
function Parts:components()
  return needs(self, 'components_of', 'components', MIXED)(array.default_dtype())
end

return Parts
