--- Running gnuplot.
-- @module imnn.plot.gnuplot
local core = require 'imnn.core'
local text = require 'imnn.plot.text'
local M = {}

M.program = 'gnuplot' -- another one may be put here

local font_points = 9
local pango = 72 / 96 -- the cairo terminals take a point for the 72nd part of 96 dots

-- How each kind of file is drawn; width and height in cm, of which an inch has 2.54. Lines and
-- letters have the same size on paper in all of them.
local terminals = {
  png = function(width, height, dpi)
    local scale, dots = dpi / 72, dpi / 2.54
    return ("pngcairo size %d,%d background '#ffffff' font 'Sans,%d' fontscale %.4g linewidth %.4g "
      .. 'dashlength %.4g pointscale %.4g rounded'):format(width * dots, height * dots, font_points,
      pango * scale, 0.7 * scale, 0.8 * scale, scale)
  end,
  pdf = function(width, height)
    return ("pdfcairo size %.4gcm,%.4gcm background '#ffffff' font 'Sans,%d' fontscale %.4g "
      .. 'linewidth 1.2 dashlength 1.2 rounded'):format(width, height, font_points, pango)
  end,
  svg = function(width, height)
    local dpi = 96 -- of CSS
    return ("svg size %d,%d background '#ffffff' font 'sans-serif,%.4g' linewidth 1 dashlength 2 "
      .. 'rounded'):format(width / 2.54 * dpi, height / 2.54 * dpi, font_points * dpi / 72)
  end,
  txt = function(width, height)
    local columns = 100
    return ('dumb enhanced size %d,%d'):format(columns, columns * height / width / 2)
  end,
}

--- The lines that say where to draw: terminal and output.
-- @raise an extension that nobody draws
local function header(path, width, height, dpi)
  local kind = (path:match '%.(%w+)$' or ''):lower()
  if not terminals[kind] then
    core.raise('plot.save: no way to draw "%s"; names end in .png, .pdf, .svg or .txt', path)
  end
  return function(target)
    return ('set terminal %s\nset output %s\n'):format(terminals[kind](width, height, dpi),
      text.quote(target))
  end
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
local function run(script)
  local pipe = io.popen(('LC_ALL=C.UTF-8 %s -d %s 2>&1; echo "status $?"'):format(
    shell(M.program), shell(script)))
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
  if not ok then
    core.raise('plot: cannot write %s: %s', path, tostring(why or later):match '[^:]*$':sub(2))
  end
end

--- A name beside `path` that nobody else uses.
local function beside(path, extension)
  local unique = tostring {}:match '0x(%x+)'
  return ('%s.%s%d.tmp%s'):format(path, unique, os.time(), extension)
end

local function rename(from, to)
  local ok, why = os.rename(from, to)
  if not ok then core.raise('plot: cannot write %s: %s', to, why:match '[^:]*$':sub(2)) end
end

-- fn() with files that are gone afterwards, whatever happens.
local function cleaning(files, fn)
  local ok, why = pcall(fn)
  for _, file in ipairs(files) do os.remove(file) end
  if not ok then error(why, 0) end
end

--- Draw a script to a file; the script is kept beside it as path.gp. Either both are new, or both
-- are as they were.
-- @raise an unknown extension, a path that cannot be written, what gnuplot complains about
function M.save(script, path, width, height, dpi)
  local head = header(path, width, height, dpi)
  if path:find '^[^/.]' then path = './' .. path end -- gnuplot would expand ~ and run |
  local extension = path:match '%.%w+$'
  local picture, tried, kept = beside(path, extension), beside(path, '.gp'), beside(path, '.kept')
  cleaning({ picture, tried, kept }, function()
    write(tried, head(picture) .. script, path)
    run(tried)
    write(kept, head(path) .. script, path)
    rename(picture, path)
    rename(kept, path .. '.gp')
  end)
end

--- The figure drawn with characters.
-- @treturn string lines
function M.characters(script, columns, lines)
  local file = os.tmpname()
  local said
  cleaning({ file }, function()
    write(file, ('set terminal dumb enhanced size %d,%d\n'):format(columns, lines) .. script, file)
    said = run(file)
  end)
  return said
end

return M
