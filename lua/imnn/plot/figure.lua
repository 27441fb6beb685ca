--- Figures: a gnuplot script first, a picture second.
-- @module imnn.plot.figure
local args = require 'imnn.args'
local core = require 'imnn.core'
local gnuplot = require 'imnn.plot.gnuplot'
local style = require 'imnn.plot.style'
local terminal = require 'imnn.plot.terminal'
local text = require 'imnn.plot.text'
local M = {}

-- What a figure is drawn on: blocks of numbers, and panels that show them. `text` writes labels,
-- `look` is the style.
local Sheet = {}
Sheet.__index = Sheet

local function line_of(row, format)
  if not row then return '' end
  local words = {}
  for k, v in ipairs(row) do words[k] = format and format:format(v) or text.number(v) end
  return table.concat(words, ' ')
end

--- Add numbers.
-- @tparam table rows lists of numbers, `false` for an empty line, which separates curves
-- @tparam[opt] table how `what` they are, for readers; `format` of numbers that are finite and need
-- not come back the same
-- @treturn string what plot commands call them
function Sheet:data(rows, how)
  how = how or {}
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = line_of(row, how.format) end
  local n = #self.blocks + 1
  local block = { name = 'data' .. n, what = how.what, content = table.concat(lines, '\n') .. '\n' }
  self.blocks[n] = block
  return self.apart and text.quote(('data/%d.txt'):format(n)) or '$' .. block.name
end

-- Points of letters in this style, where on paper they would have so many.
local function points_of(sheet, points) return points * sheet.look.points / 9 end

--- A font of so many points, in a figure that has letters of 9 points on paper.
function Sheet:font(points) return ("font ',%.3g'"):format(points_of(self, points)) end

--- A text with formulas, of so many points.
function Sheet:label(s, points) return self.text.label(s, points_of(self, points)) end

--- A text that is shown as it is.
function Sheet:literal(s, points) return self.text.literal(s, points_of(self, points)) end

--- A text in the legend, whose font is that of the legend.
function Sheet:entry(s, points)
  return self.text == text.latex and self:literal(s, points) or text.literal(s)
end

--- What stands at a tick; its size is that of the frame.
function Sheet:tick(s)
  return s == '' and "''" or self.text.tick(s, points_of(self, self.tick_points or 8))
end

--- Settings that all panels have: frame and letters.
-- @tparam[opt=8] number points of what stands at ticks
function Sheet:frame(points)
  local look = self.look
  self.tick_points = points or 8
  return { ("border 15 linewidth 0.6 linecolor rgb '%s'"):format(look.frame),
    ("tics scale 0.5 %s textcolor rgb '%s'"):format(self:font(points or 8), look.ink), 'key off',
    'clip two' } -- lines between points outside are seen, too
end

--- Add a panel.
-- @tparam table panel `name`; `box`: left, right, bottom, top as fractions of the figure; `set`:
-- what goes to `set`, or begins with `unset`; `plot`: what goes to `plot`
function Sheet:panel(panel)
  if self.part then panel = self:part(panel) end
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

-- ---- parts of panels, for terminals that draw the text themselves ----

-- What is written, without what is drawn.
local function text_of(_, panel)
  local out = { name = panel.name, box = panel.box, set = {}, plot = { 'NaN notitle' } }
  for i, setting in ipairs(panel.set) do
    if setting:find '^border' then setting = 'border 0'
    elseif setting:find '^key' then setting = 'key off'
    elseif setting:find '^tics' then setting = 'tics scale 0'
    elseif setting:find '^arrow' then setting = 'encoding utf8' end -- nothing else
    out.set[i] = setting
  end
  return out
end

-- What is drawn, without what is written; entries of legends go to `sheet.entries`.
local function picture_of(sheet, panel)
  local out = { name = panel.name, box = panel.box, set = {}, plot = {} }
  for i, setting in ipairs(panel.set) do
    local axis = setting:match '^([xy]2?tics)'
    if axis then setting = 'unset ' .. axis
    elseif setting:find '^key' or setting:find '^label' then setting = 'key off' end
    out.set[i] = setting
  end
  for i, item in ipairs(panel.plot) do
    local before, title = item:match "^(.-) title '(.*)'"
    if before then
      local colour = before:match "fillcolor rgb '(#%x+)'" or before:match "rgb '(#%x+)'"
      if colour and not sheet.entries[title] then
        sheet.entries[title] = true
        table.insert(sheet.entries, { '#' .. colour:sub(-6), (title:gsub("''", "'")) })
      end
      item = before .. ' notitle'
    end
    out.plot[i] = item
  end
  return out
end

-- ---- drawn with letters ----

local LETTERS = 7 -- that gnuplot has for lines

-- gnuplot gives the lines of each panel letters by their order there. Here those of a colour have
-- the same letter in all panels, and in the legend. Areas are all alike: what they hold is said
-- without a sample.
local function letters_of(sheet, panel)
  local out = { name = panel.name, box = panel.box, set = {}, plot = {} }
  for i, setting in ipairs(panel.set) do -- arrows reach one letter beyond their ends
    out.set[i] = setting:find '^arrow' and setting:gsub('graph 1', 'graph 0.92') or setting
  end
  local seen, shares, at = sheet.letters, {}, nil
  for _, item in ipairs(panel.plot) do
    local colour = item:match "linecolor rgb '#%x-(%x%x%x%x%x%x)'"
    local share = item:match "with boxes.* title '([%d.]+ %%)'"
    if share then
      shares[#shares + 1] = share
      if not at then
        at = #out.plot + 1
        out.plot[at] = ''
      end
    elseif not colour or item:find 'filledcurves' then out.plot[#out.plot + 1] = item
    else
      local key = colour .. (item:match 'dashtype %S+' or 'dashtype solid')
      if not seen[key] then seen.n, seen[key] = seen.n + 1, seen.n % LETTERS + 1 end
      item = item:gsub("with boxes .- title", "with lines linecolor rgb '#" .. colour .. "' title")
      out.plot[#out.plot + 1] = item:gsub('pointtype 7', 'pointtype ' .. seen[key])
        :gsub("linecolor rgb '.-'", 'linetype ' .. seen[key], 1)
    end
  end
  if at then
    out.plot[at] = 'NaN with lines linetype nodraw title '
      .. text.literal('around ' .. table.concat(shares, ', '))
  end
  return out
end

-- ---- sizes ----

local widths = { column = 8.6, page = 17.8 } -- of journals with two columns, in cm

local function is_length(v) return type(v) == 'number' and v >= 2 and v <= 200 end

--- Width and height, in cm, as a user gives them: `figsize` or `size`.
-- @tparam string who for messages
-- @tparam table o options
-- @tparam table default { width, height } where the user says nothing
-- @treturn number
-- @treturn number
function M.size(who, o, default)
  local name = o.figsize and 'figsize' or 'size'
  local given = o[name]
  if given == nil then return default[1], default[2] end
  local ratio = default[2] / default[1]
  if type(given) == 'string' then
    local width = args.choice(who, 'option "size"', given, widths)
    return width, width * ratio
  end
  if is_length(given) then return given, math.max(2, given * ratio) end
  local width, height = given, nil
  if type(given) == 'table' then width, height = given[1], given[2] end
  if not (is_length(width) and is_length(height)) then
    core.raise('%s: option "%s" must be { width, height }, 2 to 200 cm, got %s', who, name,
      type(given) == 'table' and ('{ %s, %s }'):format(tostring(width), tostring(height))
        or tostring(given))
  end
  return width, height
end

--- Options that all figures have.
M.options = {
  figsize = { 'table', optional = true },
  size = { 'number', 'table', 'string', optional = true },
  style = { 'string', optional = true },
  file = { 'string', optional = true },
}

local Figure = {}
Figure.__index = Figure

--- A figure.
-- @tparam table fields `kind`; `width`, `height` in cm; `draw(figure, sheet)`; `style`, the name of
-- one; whatever else the kind needs
function M.new(fields)
  fields.style = fields.style or 'paper'
  fields.look = style.sheet('plot.' .. fields.kind, fields.style)
  return setmetatable(fields, Figure)
end

--- Whether x is a figure, or one of a kind.
-- @param x anything
-- @tparam[opt] string kind 'corner', 'history', ...
-- @treturn boolean
-- @usage plot.is_figure(net:plot(), 'history') --> true
function M.is(x, kind)
  return type(x) == 'table' and getmetatable(x) == Figure and (not kind or x.kind == kind)
end
args.types.Figure = M.is

--- The figure that option `ax` gives, or nil.
-- @raise one of another kind
function M.given(who, ax, kind)
  if ax and not M.is(ax, kind) then
    core.raise('%s: option "ax" must be a %s figure, got a %s figure', who, kind, ax.kind)
  end
  return ax
end

-- The script, and its blocks of numbers if they are to lie apart, or the entries of legends of a
-- part.
local function script_of(fig, how)
  local sheet = setmetatable({ blocks = {}, panels = {}, look = fig.look, apart = how.apart,
    text = how.latex and text.latex or text.enhanced, entries = {}, letters = { n = 0 },
    part = how.letters and letters_of or how.part == 'text' and text_of
      or how.part == 'picture' and picture_of or nil }, Sheet)
  fig:draw(sheet)
  local parts = { 'set encoding utf8\n' }
  for _, block in ipairs(how.apart and {} or sheet.blocks) do
    parts[#parts + 1] = ('%s$%s << end\n%send\n'):format(
      block.what and '# ' .. block.what .. '\n' or '', block.name, block.content)
  end
  parts[#parts + 1] = 'set multiplot\n'
  for _, panel in ipairs(sheet.panels) do parts[#parts + 1] = panel end
  parts[#parts + 1] = 'unset multiplot\n'
  return table.concat(parts), how.part and sheet.entries or sheet.blocks
end

--- The script, without the lines that say where to draw.
function Figure:__tostring() return (script_of(self, {})) end

--- Draw to a file, whose extension says how: pdf, png, svg, eps; tex for LaTeX, whose text it is
-- (`\input{x}`, with graphicx and xcolor), above a picture x-inc.pdf; tikz for LaTeX with the
-- package gnuplot-lua-tikz; txt. The script is kept beside it as path.gp. A path that ends in "/"
-- becomes a folder with the picture, the script figure.gp and the numbers as text files, which
-- plain gnuplot draws again.
-- @tparam string path
-- @tparam[opt] table opts `dpi`: dots per inch of a png (200); `as`: "pdf", ... the picture in a
-- folder ("pdf")
-- @treturn Figure itself
-- @raise an unknown extension, a path that cannot be written, a folder with other files, gnuplot
-- absent, what it complains of
-- @usage net:plot { expected_detF = 50 }:save 'history.pdf'
function Figure:save(path, opts)
  local o = args.take('plot.save', opts, { dpi = { 'number', default = 200 },
    as = { 'string', default = 'pdf' } })
  if type(path) ~= 'string' then
    core.raise('plot.save: the path must be a string, got %s', core.kind(path))
  end
  if not (o.dpi >= 20 and o.dpi <= 2400) then
    core.raise('plot.save: option "dpi" must be between 20 and 2400, got %g', o.dpi)
  end
  local page = { width = self.width, height = self.height, dpi = o.dpi, look = self.look }
  local function draw(how) return script_of(self, how) end
  if path:find '/$' then gnuplot.save_folder(draw, path, o.as, page)
  else gnuplot.save(draw, path, page) end
  return self
end

--- Draw on the terminal: as a picture where the terminal can show one (kitty's graphics, sixel),
-- else with coloured blocks, or with characters where there are no colours either. A terminal is
-- asked once, and has one second to answer; a file or a pipe gets characters.
-- @tparam[opt] table opts `as`: "kitty", "sixel", "blocks" or "characters", whatever the terminal
-- says; `columns`: how wide (those of the terminal, at most 140)
-- @treturn Figure itself
-- @raise unknown options, gnuplot absent, what it complains of
-- @usage net:plot():show()
function Figure:show(opts)
  local o = args.take('plot.show', opts, { as = { 'string', optional = true },
    columns = { 'integer', optional = true } })
  if o.columns and not (o.columns >= 20 and o.columns <= 1000) then
    core.raise('plot.show: option "columns" must be between 20 and 1000, got %d', o.columns)
  end
  terminal.show(function(part)
    return script_of(self, { part = part, letters = part == 'letters' })
  end, { as = o.as,
    columns = o.columns, width = self.width, height = self.height, look = self.look })
  return self
end

return M
