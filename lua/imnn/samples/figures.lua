--- Sample sets: figures of them.
-- @module imnn.samples.figures
local args = require 'imnn.args'
local sets = require 'imnn.samples.set'

local Figures = sets.methods

-- Options of a figure, checked to be such, without those that have no names.
local function options(who, set, opts)
  sets.state(set, who)
  args.argument(who, 'opts', opts, { 'table', optional = true })
  local out = {}
  for key, v in pairs(opts or {}) do out[key] = v end
  return out
end

--- A corner plot of the set, and of others if the options have such at places 1, 2, ...
-- @tparam[opt] table opts those of plot.corner
-- @treturn Figure
-- @raise as plot.corner
-- @usage local fig = samples:corner { known = { 0, 1 }, size = 'column' }
function Figures:corner(opts)
  local o = options('corner', self, opts)
  table.insert(o, 1, self)
  return require('imnn.plot').corner(o)
end

--- The samples in the order in which they were drawn: plot.trace.
-- @tparam[opt] table opts those of plot.trace
-- @treturn Figure
-- @raise as plot.trace
-- @usage local fig = samples:trace { known = { 0, 1 } }
function Figures:trace(opts)
  return require('imnn.plot').trace(self, options('trace', self, opts))
end

return Figures
