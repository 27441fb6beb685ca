--- What all posteriors have in common: a grid, marginals on it, plots of them.
--
-- Attributes: prior; n_params P, n_targets T; ranges: P lists of grid points; marginals: see
-- imnn.lfi.marginals.
-- @module imnn.lfi.posterior
local args = require 'imnn.args'
local core = require 'imnn.core'
local grid = require 'imnn.lfi.grid'
local marginals = require 'imnn.lfi.marginals'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local C = core.C
local M = {}

--- Density levels that enclose the given fractions of a density on a grid: trapezoid weights,
-- cumulative mass in order of density, interpolated. What lies outside the grid is not known, so
-- the levels are too high where much does.
-- @tparam Array|table marginal (g) or (g_1, g_2), any normalisation
-- @tparam[opt={0.68,0.95}] table levels fractions of the mass
-- @treturn table numbers that rise: the level of the largest fraction first
-- @raise fractions outside 0 to 1, another number of axes
-- @usage local z = np.linspace(-4, 4, 81)
-- lfi.get_levels(np.exp(-z ^ 2 / 2), { 0.68 })
function M.get_levels(marginal, levels)
  local x = np.array(marginal, 'f64')
  local shape, fractions, out = x.shape, {}, {}
  if #shape < 1 or #shape > 2 then
    core.raise('get_levels: the marginal must be (g) or (g_1, g_2) of one target, got (%s)',
      table.concat(shape, ', '))
  end
  levels = args.argument('get_levels', 'levels', levels, { 'table', default = { 0.68, 0.95 } })
  for i, p in ipairs(args.list('get_levels', 'levels', levels)) do
    if type(p) ~= 'number' or not (p > 0 and p < 1) then
      core.raise('get_levels: a level is a fraction between 0 and 1, got %s', tostring(p))
    end
    fractions[i] = p
  end
  table.sort(fractions, function(a, b) return a > b end)
  for i, p in ipairs(fractions) do
    out[i] = C.imnn_lfi_level(x:data(), shape[1], shape[2] or 1, p)
  end
  return out
end

local Posterior = {}
M.Posterior = Posterior

-- What no posterior has, but nearly one of them, is a slip.
local classes = { Posterior }
setmetatable(Posterior, { __index = function(_, key) args.known('lfi', key, unpack(classes)) end })

--- A class of posteriors: methods that are not its own are those of all.
function M.class(methods)
  methods.__index = methods
  classes[#classes + 1] = methods
  return setmetatable(methods, { __index = Posterior })
end

--- The targets that a call asks for.
-- @tparam[opt] number|table target one, or a list; none: all
-- @treturn table a list of numbers
-- @raise numbers that are none of a target
-- @usage gaussian:target_choice() --> { 1 }
function Posterior:target_choice(target)
  local list = type(target) == 'table' and target or { target }
  if target == nil then
    for t = 1, self.n_targets do list[t] = t end
  end
  for i = 1, math.max(#list, 1) do
    local t = list[i]
    if type(t) ~= 'number' or t % 1 ~= 0 or t < 1 or t > self.n_targets then
      core.raise('target: %s, got %s', self.n_targets == 1 and 'there is only one target, 1'
        or ('there are targets 1 to %d'):format(self.n_targets), tostring(t))
    end
  end
  return list
end

--- Make marginals from densities on the whole grid, and keep them.
-- @tparam[opt] Array|table full (T, g_1, ..., g_P), any normalisation; none: nothing happens
-- @treturn table marginals
-- @raise another grid, a target without any density
-- @usage local exact = lfi.LikelihoodFreeInference { prior = lfi.uniform(0, 1), gridsize = 3 }
-- exact:put_marginals { { 1, 2, 1 } }
function Posterior:put_marginals(full)
  if full == nil then return nil end
  full = np.array(full, 'f64')
  self.marginals = marginals.from_grid(full, self.ranges)
  self.n_targets = full.shape[1]
  return self.marginals
end

--- get_levels of this module, as a method.
-- @tparam Array|table marginal (g) or (g_1, g_2)
-- @tparam[opt={0.68,0.95}] table levels
-- @treturn table
-- @usage gaussian:get_levels(gaussian.marginals[1][1][1], { 0.68 })
function Posterior.get_levels(_, ...) return M.get_levels(...) end

--- A corner plot of the marginals.
-- @tparam[opt] table opts `label`, `known`, `file`, `ax`, and the others of plot.marginal_plot
-- @treturn Figure
-- @usage gaussian:marginal_plot { label = 'Gaussian', known = { 0, 1 } }
function Posterior:marginal_plot(opts)
  return require('imnn.plot').marginal_plot(self, prior.labelled(self.prior, opts))
end

--- A corner plot as plot.corner draws it, with titles and what else stands at places 1, 2, ... of
-- the options.
-- @tparam[opt] table opts those of plot.corner
-- @treturn Figure
-- @raise no marginals yet, as plot.corner
-- @usage gaussian:corner { labels = { 'mu', 'Sigma' }, target = 1 }
function Posterior:corner(opts)
  local who = 'corner'
  args.argument(who, 'opts', opts, { 'table', optional = true })
  if not rawget(self, 'marginals') then core.raise('%s: there are no marginals yet', who) end
  local o = { self }
  for key, v in pairs(opts or {}) do o[type(key) == 'number' and key + 1 or key] = v end
  return require('imnn.plot').corner(o)
end

local Base = M.class {}

--- A posterior that the user computes on the grid.
-- @tparam table opts `prior`; `gridsize` (100): points for each parameter; `marginals`: densities
-- (T, g_1, ..., g_P), see put_marginals
-- @treturn table
-- @usage local exact = lfi.LikelihoodFreeInference { prior = prior, gridsize = 200 }
-- exact:put_marginals(density)
function M.LikelihoodFreeInference(opts)
  local who = 'LikelihoodFreeInference'
  local o = args.take(who, opts, {
    prior = { 'table' },
    gridsize = { 'integer', 'table', default = 100 },
    marginals = { 'Array', 'table', optional = true },
  })
  o.prior = prior.of(o.prior)
  local ranges = grid.of(who, o.prior, o.gridsize)
  local self = setmetatable({ prior = o.prior, ranges = ranges, n_params = #ranges, n_targets = 1 },
    Base)
  self:put_marginals(o.marginals)
  return self
end

return M
