--- Reading pictures that gnuplot drew.
-- @module imnn.plot.png
local ffi = require 'ffi'
local bit = require 'bit'
local core = require 'imnn.core'
local M = {}

-- Of zlib, which the library is linked to.
ffi.cdef [[
int imnn_plot_inflate(unsigned char *to, unsigned long *n, const unsigned char *from,
                      unsigned long m) __asm__("uncompress");
]]

local function number(s, at)
  local a, b, c, d = s:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function chunks(s)
  local at = 9
  return function()
    if at + 11 > #s then return nil end
    local n, kind = number(s, at), s:sub(at + 4, at + 7)
    local content = s:sub(at + 8, at + 7 + n)
    at = at + 12 + n
    return kind, content
  end
end

local function nearest(a, b, c)
  local p = a + b - c
  local pa, pb, pc = math.abs(p - a), math.abs(p - b), math.abs(p - c)
  if pa <= pb and pa <= pc then return a end
  return pb <= pc and b or c
end

-- Rows are differences from what is left of and above them (PNG specification, 9.2).
local function unfilter(raw, height, row, step)
  for y = 0, height - 1 do
    local line, above = raw + y * (row + 1) + 1, raw + (y - 1) * (row + 1) + 1
    local kind = line[-1]
    for i = 0, row - 1 do
      local a = i >= step and line[i - step] or 0
      local b = y > 0 and above[i] or 0
      local c = i >= step and y > 0 and above[i - step] or 0
      local guess = 0
      if kind == 1 then guess = a
      elseif kind == 2 then guess = b
      elseif kind == 3 then guess = bit.rshift(a + b, 1)
      elseif kind == 4 then guess = nearest(a, b, c) end
      line[i] = bit.band(line[i] + guess, 255)
    end
  end
end

--- The pixels of a PNG of 8 bits per component with colours.
-- @tparam string s its bytes
-- @treturn number width
-- @treturn number height
-- @treturn cdata pixels, row by row: 32 steps of red, green and blue, (r * 32 + g) * 32 + b
-- @raise another picture
function M.read(s)
  local width, height, step
  local data = {}
  for kind, content in chunks(s) do
    if kind == 'IHDR' then
      width, height = number(content, 1), number(content, 5)
      local depth, colour, interlaced = content:byte(9), content:byte(10), content:byte(13)
      step = depth == 8 and interlaced == 0 and ({ [2] = 3, [6] = 4 })[colour]
    elseif kind == 'IDAT' then data[#data + 1] = content end
  end
  if not step then core.raise 'plot.show: gnuplot gives no picture that can be shown' end
  data = table.concat(data)
  local size = height * (width * step + 1)
  local raw, n = ffi.new('unsigned char[?]', size), ffi.new('unsigned long[1]', size)
  if core.C.imnn_plot_inflate(raw, n, data, #data) ~= 0 or n[0] ~= size then
    core.raise 'plot.show: the picture that gnuplot gives is damaged'
  end
  unfilter(raw, height, width * step, step)
  local out = ffi.new('unsigned short[?]', width * height)
  for y = 0, height - 1 do
    local line = raw + y * (width * step + 1) + 1
    for x = 0, width - 1 do
      local r, g, b = line[x * step], line[x * step + 1], line[x * step + 2]
      out[y * width + x] = bit.rshift(r, 3) * 1024 + bit.rshift(g, 3) * 32 + bit.rshift(b, 3)
    end
  end
  return width, height, out
end

return M
