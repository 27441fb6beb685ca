--- Every operator of the table as Lua sees it: compiled and at once, of every dtype, batched,
-- stretched, differentiated. What the rules of C say about rows and views is tested in C.
local imnn = require 'imnn'
local array = require 'imnn.array'
local cases = require 'tests.support.cases'
local message = require 'tests.support.message'
local np, registry = imnn.np, imnn.registry

local function bytes(x)
  return x.dtype .. ' ' .. table.concat(x.shape, ',') .. ':'
    .. require 'ffi'.string(x:data(), x.size * array.bytes[x.dtype])
end

local tolerance = { f32 = 2e-6, f64 = 1e-13, i32 = 0, u32 = 0, bool = 0, c64 = 2e-6,
  c128 = 1e-13 }
local part = { c64 = 'f32', c128 = 'f64' }
local whole = { f32 = 'c64', f64 = 'c128' }

-- Sets of positions 1 .. n that are not empty.
local function subsets(n)
  local out = {}
  for code = 1, 2 ^ n - 1 do
    out[code] = {}
    for i = 1, n do out[code][i] = math.floor(code / 2 ^ (i - 1)) % 2 == 1 end
  end
  return out
end

local function loop(fn, inputs, batched, size)
  local parts = {}
  for k = 1, size do
    local one = {}
    for i, x in ipairs(inputs) do one[i] = batched[i] and x[k] or x end
    parts[k] = fn(unpack(one))
  end
  return np.stack(parts)
end

describe('an operator', function()
  for _, op in ipairs(registry) do
    for number, case in ipairs(cases.of(op)) do
      local fn = cases.call(case)

      it('gives compiled what it gives at once: ' .. case.text, function()
        for _, dtype in ipairs(cases.dtypes(case)) do
          local x = cases.inputs(case, dtype, 5 * number)
          local y = fn(unpack(x))
          assert.equal(bytes(y), bytes(imnn.jit(fn)(unpack(x))), dtype)
          if op.gives ~= 'the one asked for' then
            local free = not case.inputs[#case.inputs].dtype
            local like = op.name:find '^random_' and x[#x] or x[1] -- a key is no model for numbers
            local from = free and dtype or like.dtype
            local expected = op.gives or from
            if expected == 'real' or op.name == 'abs' then expected = part[from] or from end
            if expected == 'complex' then expected = whole[from] or from end
            assert.equal(expected, y.dtype)
          end
        end
      end)

      if #case.inputs > 0 then
        it('is mapped as in a loop: ' .. case.text, function()
          for _, dtype in ipairs(cases.dtypes(case)) do
            for _, batched in ipairs(subsets(#case.inputs)) do
              local axes = {}
              for i = 1, #case.inputs do axes[i] = batched[i] and 1 end
              local x = cases.inputs(case, dtype, 7 * number, batched, 3)
              local y = imnn.vmap(fn, { in_axes = axes })(unpack(x))
              local off = cases.distance(loop(fn, x, batched, 3), y)
              assert.is_true(off <= tolerance[y.dtype] * 10, ('%s: off by %g'):format(dtype, off))
            end
          end
        end)
      end
    end
  end
end)

-- The inputs in which an operator of reals is smooth, in f64; none if it gives another dtype.
local function moving(case)
  local out = {}
  if cases.call(case)(unpack(cases.inputs(case, 'f64', 1))).dtype ~= 'f64' then return out end
  for i, input in ipairs(case.inputs) do
    if not input.dtype and case.op.smooth[case.op.arity < 0 and 1 or i] then
      out[#out + 1] = i
    end
  end
  return out
end

local function dot(a, b)
  local sum = 0
  for i, x in ipairs(a) do sum = sum + np.sum(x * b[i]):item() end
  return sum
end

local function near(a, b, most, what)
  assert.is_true(math.abs(a - b) <= most * (1 + math.abs(a) + math.abs(b)),
    ('%s: %.15g and %.15g'):format(what, a, b))
end

describe('the derivatives of an operator', function()
  for _, op in ipairs(registry) do
    for number, case in ipairs(op.dtypes.f64 and cases.of(op) or {}) do
      local which = moving(case)
      if #which > 0 then
        it('are exact forward, in reverse, and again: ' .. case.text, function()
          local given, uniform = cases.inputs(case, 'f64', 11 * number), cases.uniform(number)
          local function like(x) return cases.draw(uniform, x.shape, 'f64', -1, 1) end
          local fn = cases.call(case)
          local x, t, s = {}, {}, {}
          for k, i in ipairs(which) do
            x[k], t[k], s[k] = given[i], like(given[i]), like(given[i])
          end
          local weights = like(fn(unpack(given)))
          local function value(v) -- of the inputs that move, as one number
            local inputs = { unpack(given) }
            for k, i in ipairs(which) do inputs[i] = v[k] end
            return np.sum(weights * fn(unpack(inputs)))
          end
          local gradient = imnn.grad(value)
          local function along(v) return select(2, imnn.jvp(value, { v }, { t })) end
          local function slope(f, d)
            local high, low, h = {}, {}, 1e-5
            for k = 1, #x do high[k], low[k] = x[k] + h * d[k], x[k] - h * d[k] end
            return (f(high):item() - f(low):item()) / (2 * h)
          end

          local first = along(x):item()
          near(first, dot(gradient(x), t), 1e-12, 'forward and reverse')
          near(first, slope(value, t), 1e-8, 'forward and difference')
          local reverse_of_forward = dot(imnn.grad(along)(x), s)
          local forward_of_reverse = dot(select(2, imnn.jvp(gradient, { x }, { s })), t)
          near(reverse_of_forward, forward_of_reverse, 1e-11, 'second derivatives')
          near(reverse_of_forward, slope(along, s), 1e-7, 'second derivative and difference')
        end)
      end
    end
  end
end)

-- What dtypes become together, written out: rows and columns bool, u32, i32, f32, f64.
local together = {
  bool = { bool = 'bool', u32 = 'u32', i32 = 'i32', f32 = 'f32', f64 = 'f64' },
  u32 = { bool = 'u32', u32 = 'u32', i32 = 'i32', f32 = 'f32', f64 = 'f64' },
  i32 = { bool = 'i32', u32 = 'i32', i32 = 'i32', f32 = 'f32', f64 = 'f64' },
  f32 = { bool = 'f32', u32 = 'f32', i32 = 'f32', f32 = 'f32', f64 = 'f64' },
  f64 = { bool = 'f64', u32 = 'f64', i32 = 'f64', f32 = 'f64', f64 = 'f64' },
}

-- The dtype that an operator computes in, or nil where it refuses.
local function computed(op, dtype)
  if op.dtypes[dtype] then return dtype end
  if dtype == 'bool' and (op.name == 'sub' or op.name == 'neg') then return nil end
  if dtype == 'bool' and op.dtypes.i32 then return 'i32' end
  if op.dtypes.f32 then return 'f32' end
end

local function refuses(op, x, n, sentence)
  local why = message(function() return (np[op.name](unpack(x, 1, n))) end)
  local start = why:match '^tests/lua/ops_spec.lua:%d+: (.*)$'
  assert.equal(op.name .. ': ' .. sentence, start:sub(1, #op.name + 2 + #sentence))
end

local own = { round = true } -- with decimals, so a function of its own: special_spec

describe('an elementwise function', function()
  for _, op in ipairs(registry) do
    if op.elementwise and not own[op.name] then
      it('computes in the dtype that its arguments have together: ' .. op.name, function()
        local uniform = cases.uniform(op.id)
        for a, row in pairs(together) do
          for b, joined in pairs(row) do
            local x, want = {}, computed(op, op.arity == 1 and a or joined)
            for i = 1, op.arity do
              x[i] = cases.draw(uniform, { 3 }, i == op.arity and b or a, op.lo, op.hi)
            end
            if op.arity == 1 then x[1] = cases.draw(uniform, { 3 }, a, op.lo, op.hi) end
            if not want then
              refuses(op, x, op.arity, 'not defined for ' .. (op.arity == 1 and a or joined))
            else
              local y, same = np[op.name](unpack(x)), {}
              for i = 1, op.arity do same[i] = x[i]:astype(want) end
              if op.name == 'where' then same[1] = x[1]:astype 'bool' end
              assert.equal(op.gives or want, y.dtype)
              assert.equal(bytes(array.apply(op.name, same)), bytes(y))
              assert.equal(bytes(y), bytes(imnn.jit(np[op.name])(unpack(x))))
            end
          end
        end
      end)

      it('is a method and stretches axes of size 1: ' .. op.name, function()
        for number, case in ipairs(cases.of(op)) do
          for _, dtype in ipairs(cases.dtypes(case)) do
            local x, long = cases.inputs(case, dtype, 13 * number), {}
            local y = np[op.name](unpack(x))
            for i, input in ipairs(x) do long[i] = np.broadcast_to(input, y.shape) end
            assert.equal(bytes(np[op.name](unpack(long))), bytes(y))
            assert.equal(bytes(y), bytes(x[1][op.name](unpack(x))))
          end
        end
      end)

      if op.dtypes.f64 and op.dtypes.f32 then
        it('is about the same in f32 and f64: ' .. op.name, function()
          local uniform, x, long = cases.uniform(op.id), {}, {}
          for i = 1, op.arity do
            x[i] = cases.draw(uniform, { 50 }, 'f32', op.lo, op.hi)
            long[i] = x[i]:astype 'f64'
          end
          local y = np[op.name](unpack(long))
          local off = cases.distance(y, np[op.name](unpack(x)):astype(y.dtype))
          assert.is_true(off <= (y.dtype == 'f64' and 2e-6 or 0), ('off by %g'):format(off))
        end)
      end

      it('says how many arguments it takes, and which: ' .. op.name, function()
        local few, wrong, uneven, n = {}, {}, {}, op.arity
        for i = 1, n do
          few[i], wrong[i] = 1, 'x'
          uneven[i] = cases.draw(cases.uniform(1), { i == 1 and 2 or 3 }, 'i32', 1, 2)
        end
        refuses(op, few, n - 1, ('takes %d arguments, got %d'):format(n, n - 1))
        refuses(op, wrong, n, 'argument 1 must be an Array or a number, got string')
        if n > 1 then refuses(op, uneven, n, 'shapes do not broadcast, ') end
      end)
    end
  end
end)

describe('the operator table', function()
  it('says what each operator is', function()
    for _, op in ipairs(registry) do
      assert.is_true(op == registry[op.name])
      assert.is_true(#op.doc >= 2, op.name)
      assert.is_true(next(op.dtypes) ~= nil, op.name)
      if op.elementwise then assert.is_function(np[op.name]) end
    end
  end)
end)

describe('truth values', function()
  local a, b = np.array { true, true, false, false }, np.array { true, false, true, false }
  local function is(expected, x)
    assert.equal('bool', x.dtype)
    assert.are.same(expected, x:totable())
  end

  it('have sums and products that are truth values', function()
    for _, f in ipairs { function(fn) return fn end, imnn.jit } do
      is({ true, true, true, false }, f(function(x, y) return x + y end)(a, b))
      is({ true, false, false, false }, f(function(x, y) return x * y end)(a, b))
      is({ true, true, true, false }, f(np.maximum)(a, b))
      is({ true, false, false, false }, f(np.minimum)(a, b))
      is({ true, true, false, false }, f(np.abs)(a))
      is({ true, true, true, true }, f(function(x) return x + true end)(a))
      is({ { true, false }, { false, false } }, f(np.outer)(a[{ { 2, 3 } }], b[{ { 1, 2 } }]))
    end
    is(true, np.array(true) + true)
  end)

  it('are counted by sums over axes, and become numbers beside numbers', function()
    for _, x in ipairs { np.sum(a), np.prod(a), np.cumsum(a), a + 1, 1 - a, np.square(a) } do
      assert.equal('i32', x.dtype)
    end
    assert.is_true(np.sum(a) == 2)
    assert.are.same({ 2, 2, 1, 1 }, (a + 1):totable())
  end)

  it('have no differences', function()
    assert.matches('sub: not defined for bool; use np.logical_xor, or convert to numbers',
      message(function() return a - b end))
    assert.matches('neg: not defined for bool; use np.logical_not, or convert to numbers',
      message(function() return -a end))
  end)
end)
