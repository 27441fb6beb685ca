--- Random inputs for every operator, from the cases of the table: as cases.h is for C.
-- @module tests.support.cases
local array = require 'imnn.array'
local np = require 'imnn.numpy'
local M = {}

local elementwise = { -- by arity: with sizes 0 and 1, and shapes that broadcast
  '(2, 3); (); (0, 3); (1)',
  '(2, 3) (3); (2, 1) (1, 3); () (3); (1) (0); (2, 1, 3) (4, 1)',
  '(2, 3) (3) (); (2, 1) (3) (2, 3); (1) (0) ()',
}

local function numbers(text)
  local out = {}
  for word in text:gmatch '%-?%d+' do out[#out + 1] = tonumber(word) end
  return out
end

--- All cases of an operator: { op, text, inputs = { { shape, dtype or nil }, ... }, attr }.
function M.of(op)
  local out = {}
  for text in (op.cases or elementwise[op.arity]):gmatch '[^;]+' do
    text = text:match '^%s*(.-)%s*$'
    local shapes, attr = text:match '^(.-)%s*%->%s*(.*)$'
    local case = { op = op, text = op.name .. ' ' .. text, inputs = {} }
    case.attr = attr and numbers(attr)
    for word, shape in (shapes or text):gmatch '(%w*)%s*(%b())' do
      local dtype = word ~= '' and word or nil
      case.inputs[#case.inputs + 1] = { shape = numbers(shape), dtype = dtype }
    end
    if op.name == 'where' then case.inputs[1].dtype = 'bool' end
    out[#out + 1] = case
  end
  return out
end

--- The dtypes that the free inputs of a case may have, in the order f32, f64, i32, u32, bool,
-- c64, c128.
function M.dtypes(case)
  local free, out = false, {}
  for _, input in ipairs(case.inputs) do free = free or not input.dtype end
  if not free then return { 'those of the case' } end
  for _, dtype in ipairs { 'f32', 'f64', 'i32', 'u32', 'bool', 'c64', 'c128' } do
    if case.op.dtypes[dtype] then out[#out + 1] = dtype end
  end
  return out
end

--- A generator of numbers in (0, 1): the same ones on every machine.
function M.uniform(seed)
  local s = seed % 2 ^ 32
  return function()
    s = (1664525 * s + 1013904223) % 2 ^ 32
    return (s + 0.5) / 2 ^ 32
  end
end

--- A random array, from lo to hi; small whole numbers of a dtype that has no others.
function M.draw(uniform, shape, dtype, lo, hi)
  local part = ({ c64 = 'f32', c128 = 'f64' })[dtype]
  if part then
    local re = M.draw(uniform, shape, part, lo, hi)
    return np.complex(re, M.draw(uniform, shape, part, lo, hi))
  end
  local n, values = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  if dtype == 'i32' or dtype == 'u32' then
    if hi - lo < 2 then lo, hi = 1, 9 end
    if dtype == 'u32' then lo = math.max(lo, 0) end
  end
  for i = 1, n do
    local x = lo + (hi - lo) * uniform()
    if dtype == 'bool' then x = uniform() < 0.5 and 1 or 0 end
    values[i] = (dtype == 'f32' or dtype == 'f64') and x or math.floor(x)
  end
  return array.from_doubles(require 'ffi'.new('double[?]', math.max(n, 1), values), shape, dtype)
end

--- Inputs of a case, its free ones of this dtype.
-- @tparam[opt] table batched positions of inputs that get a first axis of `size`
function M.inputs(case, dtype, seed, batched, size)
  local uniform, out = M.uniform(seed), {}
  for i, input in ipairs(case.inputs) do
    local shape = { unpack(input.shape) }
    if batched and batched[i] then table.insert(shape, 1, size) end
    out[i] = M.draw(uniform, shape, input.dtype or dtype, case.op.lo, case.op.hi)
    local n, m, add = shape[#shape - 1], shape[#shape], case.op.diagonal
    if n and add ~= 0 then out[i] = out[i] + add * np.eye(math.max(n, m), out[i].dtype)[{
      { 1, n }, { 1, m } }]
    end
  end
  return out
end

--- The operator with the attributes of the case, as a function of its inputs.
function M.call(case)
  return function(...) return array.apply(case.op.name, { ... }, case.attr) end
end

--- Largest distance of two arrays of equal shape, in units of 1 + |a|.
function M.distance(a, b)
  if a.dtype == b.dtype and (a.dtype == 'c64' or a.dtype == 'c128') then
    return math.max(M.distance(np.real(a), np.real(b)), M.distance(np.imag(a), np.imag(b)))
  end
  assert(a.dtype == b.dtype and table.concat(a.shape, ' ') == table.concat(b.shape, ' '),
    'the arrays are of different types')
  local p, q, most = a:values(), b:values(), 0
  for i, x in ipairs(p) do
    local y = q[i]
    if type(x) == 'boolean' then most = x == y and most or math.huge
    elseif x ~= y and (x == x or y == y) then
      local d = math.abs(x - y) / (1 + math.abs(x))
      most = d == d and math.max(most, d) or math.huge
    end
  end
  return most
end

return M
