--- Complex numbers of scripts: LuaJIT's own, written 2i or 1 + 2i, with fields re and im. This
-- gives them arithmetic, with numbers, each other and Arrays.
-- @module imnn.complex
local ffi = require 'ffi'
local M = {}

local Complex = ffi.typeof 'complex'

--- Whether x is a complex number.
function M.is(x) return ffi.istype(Complex, x) end

--- The number re + i im.
function M.new(re, im) return Complex(re, im or 0) end

--- A complex number of a number or of a complex one.
function M.of(x)
  if M.is(x) then return x end
  return Complex(type(x) == 'number' and x or x.re, type(x) ~= 'number' and x.im or 0)
end
local of = M.of

local scalar = {}
function scalar.add(a, b) return Complex(a.re + b.re, a.im + b.im) end
function scalar.sub(a, b) return Complex(a.re - b.re, a.im - b.im) end
function scalar.mul(a, b)
  return Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
end
function scalar.div(a, b)
  local size = b.re * b.re + b.im * b.im
  return Complex((a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size)
end
function scalar.pow(a, b)
  if b.im == 0 and b.re % 1 == 0 and math.abs(b.re) <= 64 then
    local y, n = Complex(1, 0), math.abs(b.re)
    for _ = 1, n do y = scalar.mul(y, a) end
    return b.re < 0 and scalar.div(Complex(1, 0), y) or y
  end
  local size = math.sqrt(a.re * a.re + a.im * a.im)
  if size == 0 then return Complex(b.re > 0 and 0 or 0 / 0, 0) end
  local log, angle = math.log(size), math.atan2(a.im, a.re)
  local length = math.exp(b.re * log - b.im * angle)
  local turn = b.re * angle + b.im * log
  return Complex(length * math.cos(turn), length * math.sin(turn))
end

-- Modules are looked up when they are needed: the metatable outlives them where modules are loaded
-- again, since a type keeps the first one it gets.
local function operation(name)
  return function(a, b)
    local array = require 'imnn.array'
    if array.is(a) or array.is(b) then
      return require('imnn.numpy.elementwise').apply(name, a, b)
    end
    for _, x in ipairs { a, b } do
      if type(x) ~= 'number' and not M.is(x) then
        require('imnn.core').raise('%s: no complex arithmetic with a %s', name, type(x))
      end
    end
    return scalar[name](of(a), of(b))
  end
end

local function equal(a, b)
  local array = require 'imnn.array'
  if array.is(a) or array.is(b) then return array.equal(a, b) end
  local function number(x) return type(x) == 'number' or M.is(x) end
  if not number(a) or not number(b) then return false end
  a, b = of(a), of(b)
  return a.re == b.re and a.im == b.im
end

pcall(ffi.metatype, Complex, {
  __add = operation 'add', __sub = operation 'sub', __mul = operation 'mul',
  __div = operation 'div', __pow = operation 'pow', __eq = equal,
  __unm = function(a) return Complex(-a.re, -a.im) end,
})

--- The number as text, to the digits of a format: 1+2i.
function M.text(x, format)
  local im = format:format(x.im)
  return format:format(x.re) .. (im:match '^[-+]' and '' or '+') .. im .. 'i'
end

return M
