--- Figures on the terminal: what it can show, and how that is written.
-- @module imnn.plot.terminal
local ffi = require 'ffi'
local args = require 'imnn.args'
local blocks = require 'imnn.plot.blocks'
local core = require 'imnn.core'
local gnuplot = require 'imnn.plot.gnuplot'
local png = require 'imnn.plot.png'
local M = {}

-- Under names of our own: others may have declared them already.
ffi.cdef [[
typedef struct { unsigned short rows, columns, width, height; } imnn_plot_window;
typedef struct { int fd; short events, found; } imnn_plot_poll;
int imnn_plot_open(const char *path, int flags, ...) __asm__("open");
int imnn_plot_close(int fd) __asm__("close");
int imnn_plot_ioctl(int fd, unsigned long what, ...) __asm__("ioctl");
int imnn_plot_wait(imnn_plot_poll *files, unsigned long n, int milliseconds) __asm__("poll");
long imnn_plot_read(int fd, void *to, size_t n) __asm__("read");
long imnn_plot_write(int fd, const void *from, size_t n) __asm__("write");
int imnn_plot_foreground(int fd) __asm__("tcgetpgrp");
int imnn_plot_group(void) __asm__("getpgrp");
]]

-- ---- what a terminal can show ----

-- A picture of one dot for kitty to say whether it could show it, and what kind of terminal it is
-- (DA1), which every terminal answers.
local question = '\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\\27[c'

-- The answer is whole when that of DA1 is.
local function listen(fd, seconds)
  local file = ffi.new('imnn_plot_poll[1]', { { fd = fd, events = 1 } })
  local buffer, answer, deadline = ffi.new 'char[256]', '', core.C.imnn_seconds() + seconds
  while not answer:find '\27%[%?[%d;]*c' do
    local left = math.floor(1000 * (deadline - core.C.imnn_seconds()))
    if left <= 0 or ffi.C.imnn_plot_wait(file, 1, left) <= 0 then break end
    local n = ffi.C.imnn_plot_read(fd, buffer, 256)
    if n <= 0 then break end
    answer = answer .. ffi.string(buffer, n)
  end
  return answer
end

local function first_line(command)
  local pipe = io.popen(command)
  local line = pipe:read '*l'
  pipe:close()
  return line
end

--- Ask the terminal itself, if it is ours to ask: a process in the background would be stopped.
-- @tparam number seconds how long to wait
-- @treturn string its answer, "" if there is none
function M.ask(seconds)
  local fd = ffi.C.imnn_plot_open('/dev/tty', 2) -- for reading and writing
  if fd < 0 then return '' end
  local answer = ''
  if ffi.C.imnn_plot_foreground(fd) == ffi.C.imnn_plot_group() then
    local before = first_line 'stty -g </dev/tty 2>/dev/null'
    if before and before:find '^[%x:]+$' then
      os.execute 'stty -icanon -echo min 0 time 0 </dev/tty 2>/dev/null'
      local ok, found = pcall(function()
        ffi.C.imnn_plot_write(fd, question, #question)
        return listen(fd, seconds)
      end)
      os.execute(('stty %s </dev/tty 2>/dev/null'):format(before))
      answer = ok and found or ''
    end
  end
  ffi.C.imnn_plot_close(fd)
  return answer
end

-- Whether a terminal has colours and letters enough for blocks.
local function colourful(at)
  local term = at.env 'TERM' or ''
  local locale = at.env 'LC_ALL' or at.env 'LC_CTYPE' or at.env 'LANG' or ''
  local colours = at.env 'COLORTERM' or term:find '256color' or term:find 'direct'
  return colours and locale:lower():find 'utf%-?8' ~= nil
end

--- How a terminal shows figures best.
-- @tparam table at `screen`: whether there is a terminal; `env` (name) -> value of the environment;
-- `ask` (seconds) -> its answer
-- @treturn string "kitty", "sixel", "blocks" or "characters"
function M.best(at)
  local term = at.env 'TERM' or ''
  if not at.screen or term == '' or term == 'dumb' or term == 'linux' then return 'characters' end
  local inside = at.env 'TMUX' or at.env 'STY' or term:find '^screen' or term:find '^tmux'
  if not inside and (at.env 'KITTY_WINDOW_ID' or term:find 'kitty' or term:find 'ghostty') then
    return 'kitty'
  end
  local answer = at.ask(1)
  if answer:find('_Gi=31;OK', 1, true) and not inside then return 'kitty' end
  local kinds = answer:match '\27%[%?([%d;]*)c'
  if kinds and (';' .. kinds .. ';'):find(';4;', 1, true) then return 'sixel' end
  return colourful(at) and 'blocks' or 'characters'
end

local known -- the terminal stays the same

local function best()
  known = known or M.best { screen = core.C.imnn_terminal(1), env = os.getenv, ask = M.ask }
  return known
end

-- Columns of the terminal, and the dots of one, as far as it says.
local function window()
  local w = ffi.new 'imnn_plot_window'
  local get = jit.os == 'Linux' and 0x5413 or 0x40087468 -- TIOCGWINSZ
  if ffi.C.imnn_plot_ioctl(1, ffi.cast('unsigned long', get), w) ~= 0 then w = { columns = 0 } end
  local columns = tonumber(os.getenv 'COLUMNS') or (w.columns > 0 and w.columns or 79)
  local dots = w.columns > 0 and w.width > 0 and w.width / w.columns or 9
  return columns, dots, w.columns > 0 and w.rows or nil
end

-- ---- writing ----

local digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

--- Bytes as letters (RFC 4648).
function M.base64(s)
  local out = {}
  for i = 1, #s, 3 do
    local a, b, c = s:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 3, 0, -1 do
      local d = math.floor(n / 64 ^ k) % 64 + 1
      out[#out + 1] = digits:sub(d, d)
    end
    if not b then out[#out - 1] = '=' end
    if not c then out[#out] = '=' end
  end
  return table.concat(out)
end

--- A PNG as kitty wants it: in pieces of at most 4096 letters.
function M.kitty(bytes)
  local letters, out = M.base64(bytes), {}
  for from = 1, #letters, 4096 do
    out[#out + 1] = ('\27_G%sm=%d;%s\27\\'):format(from == 1 and 'f=100,a=T,' or '',
      from + 4096 <= #letters and 1 or 0, letters:sub(from, from + 4095))
  end
  return table.concat(out) .. '\n'
end

-- Bands of six rows; in each, colour by colour, a letter for every column.
local function band(image, y, out)
  local w, colours, order = image.width, {}, {}
  for row = 0, math.min(5, image.height - y - 1) do
    for x = 0, w - 1 do
      local c = image[(y + row) * w + x]
      if not colours[c] then
        colours[c], order[#order + 1] = {}, c
      end
      colours[c][x] = (colours[c][x] or 0) + 2 ^ row
    end
  end
  for _, c in ipairs(order) do
    out[#out + 1] = '#' .. c
    local run, last = 0, nil
    for x = 0, w do
      local letter = x < w and string.char(63 + (colours[c][x] or 0)) or nil
      if letter == last then run = run + 1
      else
        if last then out[#out + 1] = run > 3 and ('!%d%s'):format(run, last) or last:rep(run) end
        run, last = 1, letter
      end
    end
    out[#out + 1] = '$'
  end
  out[#out + 1] = '-'
end

-- The palette: the colours that are most frequent, of 32 steps of each component; others become
-- their nearest.
local function palette(pixels, n)
  local counts, list = {}, {}
  for k = 0, n - 1 do
    local c = pixels[k]
    if not counts[c] then list[#list + 1] = c end
    counts[c] = (counts[c] or 0) + 1
  end
  table.sort(list, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  local function parts(c) return math.floor(c / 1024), math.floor(c / 32) % 32, c % 32 end
  local index, colours = {}, {}
  for i, c in ipairs(list) do
    local r, g, b = parts(c)
    if i <= 256 then colours[i], index[c] = { r, g, b }, i - 1
    else
      local nearest, least = 1, math.huge
      for k, other in ipairs(colours) do
        local d = (other[1] - r) ^ 2 + (other[2] - g) ^ 2 + (other[3] - b) ^ 2
        if d < least then nearest, least = k, d end
      end
      index[c] = nearest - 1
    end
  end
  return index, colours
end

--- A PNG in sixels (DEC VT330/340 Text Programming, chapter 14).
-- @tparam string bytes
-- @treturn string
function M.sixel(bytes)
  local width, height, pixels = png.read(bytes)
  local index, colours = palette(pixels, width * height)
  local image = { width = width, height = height }
  for k = 0, width * height - 1 do image[k] = index[pixels[k]] end
  local out = { ('\27Pq"1;1;%d;%d'):format(width, height) }
  for i, c in ipairs(colours) do
    out[#out + 1] = ('#%d;2;%.0f;%.0f;%.0f'):format(i - 1, c[1] / 31 * 100, c[2] / 31 * 100,
      c[3] / 31 * 100)
  end
  for y = 0, height - 1, 6 do band(image, y, out) end
  return table.concat(out) .. '\27\\\n'
end

local ways = {}

local function dots_of(columns, dots) return math.floor(math.min(columns * dots, 1100)) end

function ways.kitty(draw, page, columns, dots)
  return M.kitty(gnuplot.png((draw()), page, dots_of(columns, dots)))
end

function ways.sixel(draw, page, columns, dots)
  return M.sixel(gnuplot.png((draw()), page, dots_of(columns, dots)))
end

-- Letters are about twice as high as wide.
local function grid(page, columns)
  columns = math.min(columns, 140)
  return columns, math.floor(columns * page.height / page.width / 2)
end

function ways.blocks(draw, page, columns)
  local wide, high = grid(page, columns)
  local picture, entries = draw 'picture'
  local full = (os.getenv 'COLORTERM' or ''):find 'truecolor'
    or (os.getenv 'COLORTERM' or ''):find '24bit'
  local look = args.rows(page.look, { lines = 1.8 * page.look.lines }) -- thin ones would be faint
  return blocks.compose(gnuplot.png(picture, args.rows(page, { look = look }), wide * blocks.wide,
    high * blocks.high), gnuplot.characters((draw 'text'), wide, high), entries,
    { ink = look.ink, ground = look.ground, full = full ~= nil })
end

function ways.characters(draw, page, columns)
  return gnuplot.characters((draw 'letters'), grid(page, columns))
end

--- Show a figure on standard output.
-- @tparam function draw (part) -> script and, of part "picture", entries of legends; part "letters"
-- is for a terminal that draws lines with letters
-- @tparam table page `width`, `height`, `look`; `as`, `columns`: what the user asks for
function M.show(draw, page)
  local way = page.as and args.choice('plot.show', 'option "as"', page.as, ways) or ways[best()]
  local columns, dots = window()
  io.write(way(draw, page, page.columns or columns, dots))
  io.flush()
end

return M
