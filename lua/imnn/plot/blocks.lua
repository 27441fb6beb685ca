--- Pictures of coloured blocks, for terminals that show colours but no pictures: four pixels in the
-- place of a letter, in two colours, and text above them.
-- @module imnn.plot.blocks
local png = require 'imnn.plot.png'
local M = {}

M.wide, M.high = 8, 16 -- pixels of the picture in the place of a letter

-- Blocks by which quarters have the first colour: 1 upper left, 2 upper right, 4 lower left, 8
-- lower right.
local quarters = { '▘', '▝', '▀', '▖', '▌', '▞', '▛',
  '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█' }

-- ---- colours ----

-- The nearest of the 256 colours of xterm: a cube of 6 x 6 x 6, and greys.
local function indexed(c)
  local function step(v) return v < 48 and 0 or v < 115 and 1 or math.floor((v - 35) / 40) end
  local function value(k) return k == 0 and 0 or 55 + 40 * k end
  local r, g, b = step(c[1]), step(c[2]), step(c[3])
  local grey = math.max(0, math.min(23, math.floor(((c[1] + c[2] + c[3]) / 3 - 3) / 10)))
  local function far(x, y, z) return (c[1] - x) ^ 2 + (c[2] - y) ^ 2 + (c[3] - z) ^ 2 end
  local level = 8 + 10 * grey
  if far(level, level, level) < far(value(r), value(g), value(b)) then return 232 + grey end
  return 16 + 36 * r + 6 * g + b
end

local function code(c, ground, full)
  if full then
    return ('%d;2;%d;%d;%d'):format(ground and 48 or 38, c[1], c[2], c[3])
  end
  return ('%d;5;%d'):format(ground and 48 or 38, indexed(c))
end

local function rgb(hex)
  return { tonumber(hex:sub(2, 3), 16), tonumber(hex:sub(4, 5), 16), tonumber(hex:sub(6, 7), 16) }
end

local function far(a, b) return (a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2 + (a[3] - b[3]) ^ 2 end

local function mean(list)
  local out = { 0, 0, 0 }
  for _, c in ipairs(list) do
    for k = 1, 3 do out[k] = out[k] + c[k] / #list end
  end
  for k = 1, 3 do out[k] = math.floor(out[k] + 0.5) end
  return out
end

-- ---- pictures ----

-- The mean colour of a rectangle of pixels.
local function average(pixels, width, x, y, w, h)
  local r, g, b = 0, 0, 0
  for j = y, y + h - 1 do
    for i = x, x + w - 1 do
      local c = pixels[j * width + i]
      r, g, b = r + math.floor(c / 1024), g + math.floor(c / 32) % 32, b + c % 32
    end
  end
  local scale = 255 / 31 / (w * h)
  return { math.floor(r * scale + 0.5), math.floor(g * scale + 0.5), math.floor(b * scale + 0.5) }
end

-- The block that is most like four quarters, its colour, and that of the ground: the two quarters
-- that differ most are one each, the others go with the nearer one.
local function block(four)
  local a, b, most = 1, 1, 3 * 16 ^ 2 -- smaller differences are not seen
  for i = 1, 4 do
    for j = i + 1, 4 do
      local d = far(four[i], four[j])
      if d > most then a, b, most = i, j, d end
    end
  end
  if a == b then return ' ', nil, mean(four) end
  local front, back, which = {}, {}, 0
  for k = 1, 4 do
    if far(four[k], four[a]) <= far(four[k], four[b]) then
      front[#front + 1], which = four[k], which + 2 ^ (k - 1)
    else back[#back + 1] = four[k] end
  end
  return quarters[which], mean(front), mean(back)
end

-- Letters of a line, as a list.
local function letters(line)
  local out = {}
  for c in line:gmatch '[%z\1-\127\194-\244][\128-\191]*' do out[#out + 1] = c end
  return out
end

local function row_of(picture, y, text, look)
  local out, last = {}, nil
  for x = 0, picture.columns - 1 do
    local four = {}
    for k = 0, 3 do
      four[k + 1] = average(picture.pixels, picture.width, x * M.wide + k % 2 * M.wide / 2,
        y * M.high + math.floor(k / 2) * M.high / 2, M.wide / 2, M.high / 2)
    end
    local letter, front, back = block(four)
    local written = text[x + 1]
    if written and written ~= ' ' then letter, front, back = written, look.ink, mean(four) end
    local colours = code(back, true, look.full) .. (front and ';' .. code(front, false, look.full)
      or '')
    if colours ~= last then out[#out + 1] = '\27[' .. colours .. 'm' end
    out[#out + 1], last = letter, colours
  end
  return table.concat(out) .. '\27[0m'
end

-- What colours mean, below the picture.
local function legend(entries, look)
  local out, ground = {}, code(look.ground, true, look.full)
  for i, entry in ipairs(entries) do
    out[i] = (' \27[%sm■\27[%sm %s '):format(code(rgb(entry[1]), false, look.full),
      code(look.ink, false, look.full), entry[2])
  end
  return #out > 0 and '\27[' .. ground .. 'm' .. table.concat(out, ' ') .. '\27[0m\n' or ''
end

--- A picture with text above it.
-- @tparam string bytes a PNG of `wide` x `high` pixels for each letter
-- @tparam string lines the text, where it stands
-- @tparam table entries of the legend: { "#rrggbb", text }
-- @tparam table look `ink`, `ground`: "#rrggbb" of text and what is behind it; `full`: whether
-- there are all colours, or 256
-- @treturn string lines
function M.compose(bytes, lines, entries, look)
  local width, height, pixels = png.read(bytes)
  local picture = { width = width, pixels = pixels, columns = math.floor(width / M.wide) }
  local how = { ink = rgb(look.ink), ground = rgb(look.ground), full = look.full }
  local text, out = {}, {}
  for line in (lines .. '\n'):gmatch '(.-)\n' do text[#text + 1] = letters(line) end
  for y = 0, math.floor(height / M.high) - 1 do
    out[#out + 1] = row_of(picture, y, text[y + 1] or {}, how)
  end
  return table.concat(out, '\n') .. '\n' .. legend(entries, how)
end

return M
