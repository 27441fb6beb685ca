--- Every operator of the table over many rows: the same bytes for 1, 2 and 3 threads, rows that do
-- not depend on where tiles are cut, inputs that lie in memory in unusual ways, ranks up to four,
-- batches of 0 and 1. ops_spec has the values and the derivatives.
local imnn = require 'imnn'
local array = require 'imnn.array'
local cases = require 'tests.support.cases'
local text = require 'tests.support.programs.text'
local np, registry = imnn.np, imnn.registry

local tolerance = { f32 = 2e-5, f64 = 1e-12, i32 = 0, u32 = 0, bool = 0, c64 = 2e-5, c128 = 1e-12 }
local EXAMPLES = 3

local function axes_of(case, which)
  local out = {}
  for i = 1, #case.inputs do out[i] = which[i] and 1 end
  return out
end

local function all(case)
  local out = {}
  for i = 1, #case.inputs do out[i] = true end
  return out
end

-- The examples again and again, n rows.
local function repeated(x, which, n)
  local place, out = np.remainder(np.arange(n):astype 'i32', EXAMPLES) + 1, {}
  for i, a in ipairs(x) do out[i] = which[i] and np.take(a, place, 1) or a end
  return out
end

local function with_threads(n, fn, x)
  imnn.set_threads(n)
  return fn(unpack(x))
end

-- Rows that make enough work for several threads.
local function rows_for(case)
  local most = 1
  for _, input in ipairs(case.inputs) do
    local n = 1
    for _, size in ipairs(input.shape) do n = n * size end
    most = math.max(most, n)
  end
  return math.max(37, math.min(2501, math.ceil(70000 / most)))
end

-- Axis i of x lies behind axis i + 1 in memory, and every second element is one of a gap.
local function turned(x)
  local order = {}
  for k = 1, x.ndim do order[k] = x.ndim + 1 - k end
  local gaps, key = np.stack({ x, x }, x.ndim + 1), {}
  for k = 1, x.ndim do key[k] = {} end
  key[x.ndim + 1] = 1
  return np.transpose(gaps[key], order), order
end

local function sets(n)
  if n == 1 then return { { true } } end
  local out = { {}, {}, {} }
  for i = 1, n do out[1][i], out[2][i], out[3][i] = true, i == 1, i == n end
  return out
end

describe('rows of an operator', function()
  local before = imnn.threads()
  after_each(function() imnn.set_threads(before) end)

  for _, op in ipairs(registry) do
    for number, case in ipairs(cases.of(op)) do
      if #case.inputs > 0 then
        local fn = cases.call(case)

        it('are the same on 1, 2 and 3 threads, wherever they are cut: ' .. case.text, function()
          local n = rows_for(case)
          for k, dtype in ipairs(cases.dtypes(case)) do
            for s, which in ipairs(sets(#case.inputs)) do
              local mapped = imnn.jit(imnn.vmap(fn, { in_axes = axes_of(case, which) }))
              local x = cases.inputs(case, dtype, 17 * number, which, EXAMPLES)
              local long = k == 1 and s == 1
              local rows = long and n or 37
              local many = repeated(x, which, rows)
              local y = with_threads(1, mapped, many)
              local bytes = text.bytes(y)
              for threads = 2, long and 3 or 1 do
                assert.is_true(bytes == text.bytes(with_threads(threads, mapped, many)),
                  dtype .. ': other bytes on ' .. threads .. ' threads')
              end
              local few = mapped(unpack(x))
              local off = cases.distance(few, y[{ { 1, EXAMPLES } }])
              assert.is_true(off <= tolerance[y.dtype], ('%s: off by %g'):format(dtype, off))
              if y.size > 0 then
                local again = y[{ { EXAMPLES + 1, rows } }]
                assert.is_true(text.bytes(y[{ { 1, rows - EXAMPLES } }]) == text.bytes(again),
                  dtype .. ': equal rows differ')
              end
            end
          end
        end)

        it('are those of none and of one: ' .. case.text, function()
          local dtype, which = cases.dtypes(case)[1], all(case)
          local mapped = imnn.vmap(fn, { in_axes = axes_of(case, which) })
          local x = cases.inputs(case, dtype, 19 * number, which, 1)
          local one, none, given = mapped(unpack(x)), {}, {}
          for i, a in ipairs(x) do none[i], given[i] = a[{ { 2, 1 } }], a[1] end
          assert.is_true(cases.distance(fn(unpack(given)), one[1]) <= tolerance[one.dtype])
          local y, shape = mapped(unpack(none)), one.shape
          shape[1] = 0
          assert.same({ one.dtype, shape }, { y.dtype, y.shape })
        end)

        it('are found however inputs lie in memory: ' .. case.text, function()
          for _, dtype in ipairs(cases.dtypes(case)) do
            local x, bases, orders = cases.inputs(case, dtype, 23 * number), {}, {}
            local y = imnn.jit(function(...) return fn(...) end)(unpack(x))
            for i, a in ipairs(x) do
              local lying, order = turned(a)
              bases[i], orders[i] = np.stack({ lying, lying }, lying.ndim + 1), order
            end
            local again = imnn.jit(function(...)
              local inputs = { ... }
              for i, a in ipairs(inputs) do
                local key = {}
                for k = 1, a.ndim - 1 do key[k] = {} end
                key[a.ndim] = 2
                inputs[i] = np.transpose(a[key], orders[i])
              end
              return fn(unpack(inputs))
            end)
            assert.is_true(text.bytes(y) == text.bytes(again(unpack(bases))), dtype)
          end
        end)

        it('are mapped over two axes, in either order: ' .. case.text, function()
          local dtype, which = cases.dtypes(case)[1], all(case)
          local x, deep = cases.inputs(case, dtype, 29 * number, which, 6), true
          for i, a in ipairs(x) do
            local shape = { 2, 3, unpack(case.inputs[i].shape) }
            deep = deep and #shape <= 7
            x[i] = deep and np.reshape(a, shape) or a
          end
          if not deep then return end
          local expected = {}
          for i = 1, 2 do
            for j = 1, 3 do
              local one = {}
              for k, a in ipairs(x) do one[k] = a[{ i, j }] end
              expected[#expected + 1] = fn(unpack(one))
            end
          end
          expected = np.stack(expected)
          local y = imnn.vmap(imnn.vmap(fn))(unpack(x))
          local swapped = imnn.vmap(imnn.vmap(fn), { in_axes = 2 })(unpack(x))
          assert.is_true(cases.distance(expected, y:reshape(expected.shape))
            <= tolerance[y.dtype], 'outer first')
          assert.is_true(cases.distance(expected, np.swapaxes(swapped, 1, 2):reshape(
            expected.shape)) <= tolerance[y.dtype], 'inner first')
        end)
      end
    end
  end
end)

describe('elementwise operators', function()
  local shapes = {
    { {}, { 1 }, { 5 }, { 3, 5 }, { 2, 3, 5 }, { 2, 1, 3, 5 } },
    { {}, { 1 }, { 1 }, { 3, 1 }, { 2, 1, 5 }, { 1, 7, 1, 5 } },
    { { 5 }, { 0 }, { 0, 3, 5 }, { 1, 0, 1, 5 } },
  }
  for _, op in ipairs(registry) do
    if op.elementwise then
      it('take ranks 0 to 4 that broadcast: ' .. op.name, function()
        local uniform = cases.uniform(op.id)
        for dtype in pairs(op.dtypes) do
          for _, list in ipairs(shapes) do
            for _, a in ipairs(list) do
              for _, b in ipairs(op.arity > 1 and list or { {} }) do
                local x, long = {}, {}
                for i = 1, op.arity do
                  local want = op.name == 'where' and i == 1 and 'bool' or dtype
                  x[i] = cases.draw(uniform, i == 2 and b or a, want, op.lo, op.hi)
                end
                local ok, wide = pcall(np.broadcast_arrays, unpack(x))
                if ok then
                  local y = array.apply(op.name, x)
                  local shape = (op.arity == 1 and x[1] or wide).shape
                  for i, input in ipairs(x) do
                    long[i] = np.broadcast_to(input, shape):ravel()
                  end
                  assert.same(shape, y.shape)
                  assert.is_true(text.bytes(y:ravel()) == text.bytes(array.apply(op.name, long)))
                end
              end
            end
          end
        end
      end)
    end
  end
end)
