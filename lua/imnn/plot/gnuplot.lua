--- Running gnuplot.
-- @module imnn.plot.gnuplot
local core = require 'imnn.core'
local text = require 'imnn.plot.text'
local M = {}

M.program = 'gnuplot' -- another one may be put here

local pango = 72 / 96 -- the cairo terminals take a point for the 72nd part of 96 dots

-- A PNG so many dots wide and high, of which an inch has dpi.
local function png(width, height, dpi, look)
  local scale = dpi / 72
  return ("pngcairo size %d,%d background '%s' font 'Sans,%.4g' fontscale %.4g linewidth %.4g "
    .. 'dashlength %.4g pointscale %.4g rounded'):format(width, height, look.ground, look.points,
    pango * scale, 0.7 * scale * look.lines, 0.8 * scale, scale)
end

local function cairo(kind, page)
  return ("%s size %.4gcm,%.4gcm background '%s' font 'Sans,%.4g' fontscale %.4g linewidth %.4g "
    .. 'dashlength 1.2 rounded'):format(kind, page.width, page.height, page.look.ground,
    page.look.points, pango, 1.2 * page.look.lines)
end

-- How each kind of file is drawn; width and height in cm, of which an inch has 2.54. Lines and
-- letters have the same size on paper in all of them.
local terminals = {
  png = function(page)
    local dots = page.dpi / 2.54
    return png(page.width * dots, page.height * dots, page.dpi, page.look)
  end,
  pdf = function(page) return cairo('pdfcairo', page) end,
  eps = function(page) return cairo('epscairo', page) end,
  svg = function(page)
    local dpi = 96 -- of CSS
    return ("svg size %d,%d background '%s' font 'sans-serif,%.4g' linewidth %.4g dashlength 2 "
      .. 'rounded'):format(page.width / 2.54 * dpi, page.height / 2.54 * dpi, page.look.ground,
      page.look.points * dpi / 72, page.look.lines)
  end,
  tex = function(page)
    return ("cairolatex pdf colourtext size %.4gcm,%.4gcm background '%s' font ',%.4g' linewidth "
      .. '%.4g dashlength 1.2 rounded'):format(page.width, page.height, page.look.ground,
      page.look.points, 1.2 * page.look.lines)
  end,
  tikz = function(page)
    return ("tikz size %.4gcm,%.4gcm background '%s' font '\\fontsize{%.4g}{%.4g}\\selectfont' "
      .. 'linewidth %.4g dashlength 1.2'):format(page.width, page.height, page.look.ground,
      page.look.points, 1.2 * page.look.points, 1.2 * page.look.lines)
  end,
  txt = function(page)
    local columns = 100
    return ('dumb enhanced size %d,%d'):format(columns, columns * page.height / page.width / 2)
  end,
}
local latex, letters = { tex = true, tikz = true }, { txt = true }

local function kind_of(path)
  local kind = (path:match '%.(%w+)$' or ''):lower()
  if not terminals[kind] then
    core.raise('plot.save: no way to draw "%s"; names end in .pdf, .png, .svg, .eps, .tex, .tikz '
      .. 'or .txt', path)
  end
  return kind
end

-- The lines that say where to draw: terminal and output.
local function header(kind, page, target)
  return ('set terminal %s\nset output %s\n'):format(terminals[kind](page), text.quote(target))
end

local function shell(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- What gnuplot itself says, on one line; fonts and the like are complained about by others.
local function complaint(said)
  local lines = {}
  for line in said:gmatch '[^\n]+' do
    if line:find 'line %d+:' or line:find '^gnuplot' then
      lines[#lines + 1] = line:match '^".-" (line %d+: .*)' or line
    end
  end
  return table.concat(lines, '; ')
end

-- Run a script, which is UTF-8 whatever the user's locale; what it prints, or an error.
local function run(script, folder)
  local pipe = io.popen(('%sLC_ALL=C.UTF-8 %s -d %s 2>&1; echo "status $?"'):format(
    folder and ('cd %s && '):format(shell(folder)) or '', shell(M.program), shell(script)))
  local said, status = (pipe:read '*a' or ''):match '^(.*)status (%d+)%s*$'
  pipe:close()
  core.poll() -- ctrl-C ended the reading, and gnuplot, too
  if status == '127' then
    core.raise('plot: %s is not installed (Debian: gnuplot-nox); the script is tostring(figure)',
      M.program)
  end
  local why = complaint(said or '')
  if status ~= '0' and why == '' then why = (said or ''):gsub('%s+', ' ') end
  if why ~= '' then core.raise('plot: gnuplot says: %s', why) end
  return said
end

local function refuse(path, why)
  local last = tostring(why):match '([^:]*)%s*$'
  core.raise('plot: cannot write %s: %s', path, (last:gsub('^%s+', '')))
end

-- Write for the sake of `path`, which is what the user knows.
local function write(file, content, path)
  local f, why = io.open(file, 'w')
  local ok, later = f ~= nil, nil
  if f then
    ok, why = f:write(content)
    local closed
    closed, later = f:close()
    ok = ok and closed
  end
  if not ok then refuse(path, why or later) end
end

local function read(file)
  local f = io.open(file, 'rb')
  local content = f and f:read '*a' or ''
  if f then f:close() end
  return content
end

local function unique() return ('%s%d.tmp'):format(tostring {}:match '0x(%x+)', os.time()) end

--- A name beside `path` that nobody else uses.
local function beside(path, extension) return ('%s.%s%s'):format(path, unique(), extension) end

local function rename(from, to)
  local ok, why = os.rename(from, to)
  if not ok then refuse(to, why) end
end

-- fn() with files that are gone afterwards, whatever happens.
local function cleaning(files, fn)
  local ok, why = pcall(fn)
  for _, file in ipairs(files) do os.remove(file) end
  if not ok then error(why, 0) end
end

-- gnuplot would expand ~ and run |.
local function tame(path) return path:find '^[^/.]' and './' .. path or path end

-- The text of a figure for LaTeX names its picture by where it was drawn: not where it is to lie.
local function name_picture(file, from, to, path)
  local stem = to:match '[^/]*$'
  local content = read(file)
  local first, last = content:find('{' .. from .. '}', 1, true)
  while first do
    content = content:sub(1, first) .. stem .. content:sub(last)
    first, last = content:find('{' .. from .. '}', first + #stem, true)
  end
  write(file, content, path)
end

--- Draw a script to a file; the script is kept beside it as path.gp. Either both are new, or both
-- are as they were. The picture of a text for LaTeX x.tex is x-inc.pdf, so that it and x.pdf can
-- lie in one place; its script draws x-inc.tex.
-- @tparam function draw ({ latex = boolean, letters = boolean }) -> script
-- @tparam string path
-- @tparam table page `width`, `height`, `dpi`, `look`
-- @raise an unknown extension, a path that cannot be written, what gnuplot complains about
function M.save(draw, path, page)
  local kind = kind_of(path)
  local script = draw { latex = latex[kind], letters = letters[kind] }
  path = tame(path)
  local extension = path:match '%.%w+$'
  local picture, tried, kept = beside(path, extension), beside(path, '.gp'), beside(path, '.kept')
  local files, stem = { picture, tried, kept }, picture:sub(1, -#extension - 1)
  if kind == 'tex' then files[4] = stem .. '.pdf' end
  cleaning(files, function()
    local target = path
    write(tried, header(kind, page, picture) .. script, path)
    run(tried)
    if kind == 'tex' then
      local inner = path:sub(1, -#extension - 1) .. '-inc'
      target = inner .. extension
      name_picture(picture, stem, inner, path)
      rename(stem .. '.pdf', inner .. '.pdf')
    end
    write(kept, header(kind, page, target) .. script, path)
    rename(picture, path)
    rename(kept, path .. '.gp')
  end)
end

-- ---- folders ----

local function execute(command, path)
  local pipe = io.popen('{ ' .. command .. '; } 2>&1; echo "status $?"')
  local said, status = (pipe:read '*a' or ''):match '^(.*)status (%d+)%s*$'
  pipe:close()
  if status ~= '0' then refuse(path, (said or ''):gsub('%s+$', '')) end
  return said
end

-- A folder may be written again if everything in it is ours.
local function check_ours(folder, path)
  local there = shell(folder)
  local said = execute(('if [ -e %s ]; then ls -A %s/; fi'):format(there, there), path)
  for name in said:gmatch '[^\n]+' do
    if name ~= 'data' and not name:find '^figure%.%w+$' then
      core.raise('plot: %s holds other files, like %s; give a folder of its own', path, name)
    end
  end
end

--- Draw a script into a folder: figure.gp, the picture, and data/1.txt, ...
-- @tparam function draw ({ latex = boolean, letters = boolean, apart = true }) -> script, blocks
-- @tparam string path which ends in "/"
-- @tparam string extension of the picture
-- @tparam table page as for `save`
-- @raise as `save`; a folder with other files
function M.save_folder(draw, path, extension, page)
  local kind = kind_of('figure.' .. extension)
  local script, blocks = draw { latex = latex[kind], letters = letters[kind], apart = true }
  local folder = tame(path):gsub('/+$', '')
  if folder == '' then core.raise('plot: cannot write %s: it is the root of all files', path) end
  check_ours(folder, path)
  local new = beside(folder, '')
  local ok, why = pcall(function()
    execute(('mkdir %s && mkdir %s/data'):format(shell(new), shell(new)), path)
    for n, block in ipairs(blocks) do
      write(('%s/data/%d.txt'):format(new, n),
        (block.what and '# ' .. block.what .. '\n' or '') .. block.content, path)
    end
    write(new .. '/figure.gp', '# Draws the figure again: gnuplot figure.gp, in this folder.\n'
      .. header(kind, page, 'figure.' .. extension) .. script, path)
    run('figure.gp', new)
    execute(('rm -rf %s && mv %s %s'):format(shell(folder), shell(new), shell(folder)), path)
  end)
  if not ok then
    os.execute(('rm -rf %s'):format(shell(new)))
    error(why, 0)
  end
end

-- What a script draws with a terminal, as bytes.
local function bytes(script, how)
  local file, picture = os.tmpname(), os.tmpname()
  local content
  cleaning({ file, picture }, function()
    local head = ('set terminal %s\nset output %s\n'):format(how, text.quote(picture))
    write(file, head .. script, file)
    run(file)
    content = read(picture)
  end)
  return content
end

--- The figure as a PNG so many dots wide and, if that is said, high.
-- @treturn string bytes
function M.png(script, page, dots, high)
  return bytes(script, png(dots, high or dots * page.height / page.width,
    dots / page.width * 2.54, page.look))
end

--- The figure drawn with characters.
-- @treturn string lines
function M.characters(script, columns, lines)
  return (bytes(script, ('dumb enhanced size %d,%d'):format(columns, lines)):gsub('^%s*\f', ''))
end

return M
