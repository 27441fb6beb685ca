--- What a model is made of.
-- @module imnn.stax.summary
local common = require 'imnn.stax.common'
local core = require 'imnn.core'
local random = require 'imnn.random'
local tree = require 'imnn.tree'
local M = {}

-- "(3, 4)", or "(3, 4) (3, 4)" of a list of shapes.
local function shape_text(shape)
  if type(shape[1]) ~= 'table' then return '(' .. table.concat(shape, ', ') .. ')' end
  local parts = {}
  for i, s in ipairs(shape) do parts[i] = shape_text(s) end
  return table.concat(parts, ' ')
end

local function count(params)
  local n = 0
  for _, w in ipairs(tree.leaves(params)) do n = n + w.size end
  return n
end

-- Lines { text, shape, number of weights } of a layer and those inside.
local function visit(lines, layer, key, shape, depth)
  local init = common.parts('stax.summary', layer)
  local inside, line = layer.inside or {}, { ('  '):rep(depth) .. (layer.name or 'layer') }
  lines[#lines + 1] = line
  if inside.made then
    return visit(lines, inside.made(shape), key, shape, depth + 1)
  elseif not inside.serial and not inside.parallel then
    local out, params = init(key, shape)
    line[2], line[3] = shape_text(out), count(params)
    return out
  end
  local out = inside.parallel and {} or shape
  for i, part in ipairs(inside.serial or inside.parallel) do
    if inside.parallel then out[i] = visit(lines, part, key, shape[i], depth + 1)
    else out = visit(lines, part, key, out, depth + 1) end
  end
  return out
end

--- Print the layers of a model, the shapes of their outputs and how many weights they have.
-- @tparam layer model a layer with a `name`, a function of the user's as well
-- @tparam table shape of its input: one example, or a list of several inputs
-- @treturn number of all weights
-- @raise what is no layer, a shape that does not fit
-- @usage stax.summary(stax.serial(stax.Dense(8), stax.Tanh, stax.Dense(2)), { 5 }) --> 66
function M.summary(model, shape)
  if type(shape) ~= 'table' then
    core.raise('stax.summary: needs the shape of the input, got a %s', core.kind(shape))
  end
  local lines, wide, middle, sum = {}, #'layer', #'output', 0
  visit(lines, model, random.PRNGKey(0), shape, 0)
  for _, line in ipairs(lines) do
    wide, middle = math.max(wide, #line[1]), math.max(middle, #(line[2] or ''))
    sum = sum + (line[3] or 0)
  end
  table.insert(lines, 1, { 'layer', 'output', 'weights' })
  lines[#lines + 1] = { 'input ' .. shape_text(shape), '', sum }
  for _, line in ipairs(lines) do
    local text = ('%-' .. wide .. 's  %-' .. middle .. 's  %9s'):format(line[1], line[2] or '',
      line[3] or '')
    print((text:gsub('%s+$', '')))
  end
  return sum
end

return M
