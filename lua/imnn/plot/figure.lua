--- Figures: a gnuplot script first, a picture second.
-- @module imnn.plot.figure
local args = require 'imnn.args'
local core = require 'imnn.core'
local gnuplot = require 'imnn.plot.gnuplot'
local text = require 'imnn.plot.text'
local M = {}

-- What a figure is drawn on: blocks of numbers, and panels that show them.
local Sheet = {}
Sheet.__index = Sheet

--- Add numbers.
-- @tparam table rows lists of numbers, `false` for an empty line, which separates curves
-- @treturn string the name of the block
function Sheet:data(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    local words = {}
    for k, v in ipairs(row or {}) do words[k] = text.number(v) end
    lines[i] = table.concat(words, ' ')
  end
  local name = '$data' .. #self.blocks + 1
  self.blocks[#self.blocks + 1] = ('%s << end\n%s\nend\n'):format(name, table.concat(lines, '\n'))
  return name
end

--- Add a panel.
-- @tparam table panel `name`; `box`: left, right, bottom, top as fractions of the figure; `set`:
-- what goes to `set`, or begins with `unset`; `plot`: what goes to `plot`
function Sheet:panel(panel)
  local lines = { '# ' .. panel.name, 'reset' }
  for i, side in ipairs { 'l', 'r', 'b', 't' } do
    lines[#lines + 1] = ('set %smargin at screen %.4f'):format(side, panel.box[i])
  end
  for _, setting in ipairs(panel.set) do
    lines[#lines + 1] = (setting:find '^unset ' and '' or 'set ') .. setting
  end
  lines[#lines + 1] = 'plot ' .. table.concat(panel.plot, ', \\\n     ')
  self.panels[#self.panels + 1] = table.concat(lines, '\n') .. '\n'
end

--- Width and height, in cm, as a user gives them.
function M.size(who, figsize)
  local width, height = figsize[1], figsize[2]
  for _, v in ipairs { width or false, height or false } do
    if type(v) ~= 'number' or not (v >= 2 and v <= 200) then
      core.raise('%s: option "figsize" must be { width, height }, 2 to 200 cm, got { %s, %s }', who,
        tostring(width), tostring(height))
    end
  end
  return width, height
end

local Figure = {}
Figure.__index = Figure

--- A figure.
-- @tparam table fields `kind`; `width`, `height` in cm; `draw(figure, sheet)`; whatever else the
-- kind needs
function M.new(fields) return setmetatable(fields, Figure) end

--- Whether x is a figure, or one of a kind.
-- @param x anything
-- @tparam[opt] string kind 'corner' or 'history'
-- @treturn boolean
-- @usage plot.is_figure(net:plot(), 'history') --> true
function M.is(x, kind)
  return type(x) == 'table' and getmetatable(x) == Figure and (not kind or x.kind == kind)
end
args.types.Figure = M.is

--- The script, without the lines that say where to draw.
function Figure:__tostring()
  local sheet = setmetatable({ blocks = {}, panels = {} }, Sheet)
  self:draw(sheet)
  return 'set encoding utf8\n' .. table.concat(sheet.blocks) .. 'set multiplot\n'
    .. table.concat(sheet.panels) .. 'unset multiplot\n'
end

--- Draw to a file, whose extension says how: png, pdf, svg, txt. The script is kept beside it as
-- path.gp.
-- @tparam string path
-- @tparam[opt] table opts `dpi`: dots per inch of a png (200)
-- @treturn Figure itself
-- @raise an unknown extension, a path that cannot be written, gnuplot absent, what it complains of
-- @usage net:plot { expected_detF = 50 }:save 'history.pdf'
function Figure:save(path, opts)
  local o = args.take('plot.save', opts, { dpi = { 'number', default = 200 } })
  if type(path) ~= 'string' then
    core.raise('plot.save: the path must be a string, got %s', core.kind(path))
  end
  if not (o.dpi >= 20 and o.dpi <= 2400) then
    core.raise('plot.save: option "dpi" must be between 20 and 2400, got %g', o.dpi)
  end
  local script = tostring(self)
  gnuplot.save(script, path, self.width, self.height, o.dpi)
  return self
end

--- Draw on the terminal, with characters.
-- @treturn Figure itself
-- @usage net:plot():show()
function Figure:show()
  local columns = math.min(tonumber(os.getenv 'COLUMNS') or 79, 140)
  local lines = math.floor(columns * self.height / self.width / 2)
  io.write(gnuplot.characters(tostring(self), columns, lines))
  return self
end

return M
