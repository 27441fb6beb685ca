--- Sorting, searching, statistics against values found by hand.
local ffi = require 'ffi'
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np = imnn.np
local check, table_of = values.check, values.table_of
local refuses = values.refuses 'tests/lua/numpy_sort_spec.lua'
local nan, inf = 0 / 0, 1 / 0

local function i32(t) return np.array(t, 'i32') end
local function f64(t) return np.array(t, 'f64') end

describe('sorting', function()
  it('orders elements along an axis', function()
    local x = { { 3, 1, 2 }, { 1, 5, 4 } }
    table_of {
      { 'sort', { x }, 'f32', { { 1, 2, 3 }, { 1, 4, 5 } } },
      { 'sort', { x, 1 }, 'f32', { { 1, 1, 2 }, { 3, 5, 4 } } },
      { 'sort', { x, false }, 'f32', { 1, 1, 2, 3, 4, 5 } },
      { 'sort', { x, { descending = true } }, 'f32', { { 3, 2, 1 }, { 5, 4, 1 } } },
      { 'sort', { { nan, 1, -inf, inf, -1 } }, 'f32', { -inf, -1, 1, inf, nan } },
      { 'sort', { i32 { 2, -3, 0 } }, 'i32', { -3, 0, 2 } },
      { 'sort', { np.array({ 4294967295, 1 }, 'u32') }, 'u32', { 1, 4294967295 } },
      { 'sort', { { true, false, true } }, 'bool', { false, true, true } },
      { 'argsort', { x }, 'i32', { { 2, 3, 1 }, { 1, 3, 2 } } },
      { 'argsort', { { 0, -0.0, nan, 0, -1 } }, 'i32', { 5, 1, 2, 4, 3 } },
      { 'argsort', { { 1, 2, 1, 2 }, { descending = true } }, 'i32', { 2, 4, 1, 3 } },
      { 'partition', { { 3, 1, 2 }, 2 }, 'f32', { 1, 2, 3 } },
      { 'argpartition', { { 3, 1, 2 }, 2 }, 'i32', { 2, 3, 1 } },
      { 'top_k', { { 1, 4, 4, 3 }, 3 }, 'f32', { 4, 4, 3 }, { 2, 3, 4 } },
      { 'top_k', { { 1, 4 }, 0 }, 'f32', {}, {} },
      { 'lexsort', { { { 3, 1, 2 }, { 1, 2, 1 } } }, 'i32', { 3, 1, 2 } },
      { 'sort', { np.zeros { 0 } }, 'f32', {} },
    }
  end)

  it('orders complex numbers by real, then by imaginary parts, NaN last', function()
    local list = { 1 + 1i, ffi.new('complex', nan, 1), ffi.new('complex', 1, nan), 1, 0.5 + 2i }
    local order = { 5, 4, 1, 3, 2 }
    assert.same(order, np.argsort(np.array(list)):totable())
    assert.same({ 2, 3, 1, 4, 5 }, np.argsort(np.array(list), { descending = true }):totable())
    local many = np.exp(1i * np.remainder(np.arange(200) * 7, 50)):astype 'c128'
    local y, from = np.sort(many), np.argsort(many)
    assert.is_true((np.all(np.eq(y, many[from])):item()))
    for k = 2, 200 do
      local a, b = y[k - 1]:item(), y[k]:item()
      assert.is_true(a.re < b.re or a.re == b.re and a.im <= b.im)
      assert.is_true(a ~= b or from[k - 1] < from[k])
    end
    local slope = imnn.grad(function(z) return np.real(np.sum(np.sort(z) * np.arange(3))) end)
    assert.same({ 1, 2, 0 }, slope(np.array { 2i, 1, -1i }).real:totable())
    assert.is_true(np.median(np.array { 3i, 1, 2 }):item() == 1)
    assert.are.equal('{0+1i, 1+0i}  c64 (2)', tostring(np.unique(np.array { 1, 1i, 1 })))
  end)

  it('of many elements keeps equal ones in order', function()
    local n = 3000
    for _, dtype in ipairs { 'f32', 'f64', 'i32', 'u32' } do
      local x = np.astype(np.remainder(np.arange(n) * 7919, 101) - (dtype == 'u32' and 0 or 50),
        dtype)
      local y, from = np.sort(x):totable(), np.argsort(x):totable()
      for k = 2, n do
        assert.is_true(y[k - 1] < y[k] or y[k - 1] == y[k] and from[k - 1] < from[k])
      end
      assert.same(y, x[i32(from)]:totable())
    end
  end)

  it('is refused where there is no axis, or no kth element', function()
    refuses('np.sort: no axis 3, there are 2', function() np.sort({ { 1 } }, 3) end)
    refuses('np.argsort: no axis -1, there are 0', function() np.argsort(1) end)
    refuses('np.partition: no element 4, there are 3', function() np.partition({ 1, 2, 3 }, 4) end)
    refuses('np.top_k: no 3 largest of 2 elements', function() np.top_k({ 1, 2 }, 3) end)
    refuses('np.lexsort: needs a list of keys', function() np.lexsort {} end)
    refuses('np.sort: unknown option "decending"; did you mean "descending"?',
      function() np.sort({ 1 }, { decending = true }) end)
  end)
end)

describe('searching', function()
  it('finds places in sorted lists', function()
    local list = { 1, 2, 2, 3 }
    table_of {
      { 'searchsorted', { list, { 0, 1, 2, 2.5, 9, nan } }, 'i32', { 1, 1, 2, 4, 5, 5 } },
      { 'searchsorted', { list, 2, { side = 'right' } }, 'i32', 4 },
      { 'searchsorted', { i32 { 1, 3 }, 1.5 }, 'i32', 2 },
      { 'searchsorted', { {}, { 1 } }, 'i32', { 1 } },
      { 'digitize', { { 0, 1, 1.5, 3 }, { 1, 2, 3 } }, 'i32', { 1, 2, 2, 4 } },
      { 'digitize', { { 1, 3 }, { 1, 2, 3 }, { right = true } }, 'i32', { 1, 3 } },
      { 'digitize', { { 0, 1, 2.5, 4 }, { 3, 2, 1 } }, 'i32', { 4, 3, 2, 1 } },
      { 'interp', { { 0, 1, 2.5, 9 }, { 1, 2, 3 }, { 3, 2, 0 } }, 'f32', { 3, 3, 1, 0 } },
      { 'interp', { { 0, 9 }, { 1, 2 }, { 3, 2 }, { left = -1, right = nan } }, 'f32',
        { -1, nan } },
      { 'interp', { 5, { 1 }, f64 { 7 } }, 'f64', 7 },
      { 'interp', { 0, { 1 }, f64 { 7 }, { left = 1e300 } }, 'f64', 1e300 },
    }
  end)

  it('finds elements that are not zero', function()
    table_of {
      { 'nonzero', { { { 0, 2 }, { nan, 0 } } }, 'i32', { 1, 2 }, { 2, 1 } },
      { 'flatnonzero', { { { false, true }, { true, false } } }, 'i32', { 2, 3 } },
      { 'argwhere', { { { 0, 2 }, { 1, 0 } } }, 'i32', { { 1, 2 }, { 2, 1 } } },
      { 'extract', { { { true, false }, { false, true } }, { { 1, 2 }, { 3, 4 } } }, 'f32',
        { 1, 4 } },
      { 'count_nonzero', { { { 0, 2 }, { 1, 0 } } }, 'i32', 2 },
    }
  end)

  it('finds different elements', function()
    local flags = { return_index = true, return_inverse = true, return_counts = true }
    table_of {
      { 'unique', { { 3, 1, 3, nan, nan }, flags }, 'f32', { 1, 3, nan }, { 2, 1, 4 },
        { 2, 1, 2, 3, 3 }, { 1, 2, 2 } },
      { 'unique', { i32 {} }, 'i32', {} },
      { 'isin', { { { 1, 2 }, { 3, 9 } }, { 9, 2 } }, 'bool',
        { { false, true }, { false, true } } },
      { 'isin', { { 1 }, {} }, 'bool', { false } },
      { 'union1d', { { 3, 1 }, { 2, 1 } }, 'f32', { 1, 2, 3 } },
      { 'intersect1d', { { 3, 1, 1 }, { 2, 1 } }, 'f32', { 1 } },
      { 'setdiff1d', { { 3, 1, 1 }, { 2, 1 } }, 'f32', { 3 } },
    }
  end)

  it('is refused if it makes no sense', function()
    refuses('np.searchsorted: side is "left" or "right", got "up"',
      function() np.searchsorted({ 1 }, 1, { side = 'up' }) end)
    refuses('np.searchsorted: needs a list of one axis, got (1, 1)',
      function() np.searchsorted({ { 1 } }, 1) end)
    refuses('np.interp: needs lists of places and values of one length, got (2) and (1)',
      function() np.interp(1, { 1, 2 }, { 1 }) end)
    refuses('np.unique: the shape of the result depends on values, which a traced array has not',
      function() imnn.jit(function(x) return np.unique(x) end)(np.ones { 2 }) end)
  end)
end)

describe('statistics', function()
  it('cumulate', function()
    table_of {
      { 'cumsum', { { 1, 2, 3 } }, 'f32', { 1, 3, 6 } },
      { 'cumsum', { { { 1, 2 }, { 3, 4 } }, 1 }, 'f32', { { 1, 2 }, { 4, 6 } } },
      { 'cumsum', { { true, true }, { reverse = true } }, 'i32', { 2, 1 } },
      { 'cumprod', { { { 1, 2 }, { 3, 4 } } }, 'f32', { 1, 2, 6, 24 } },
      { 'cummax', { { 1, 3, nan, 2 } }, 'f32', { 1, 3, nan, nan } },
      { 'cummin', { i32 { 3, 1, 2 }, { reverse = true } }, 'i32', { 1, 1, 2 } },
      { 'diff', { { 1, 4, 9 } }, 'f32', { 3, 5 } },
      { 'diff', { { 1, 4, 9 }, { n = 2 } }, 'f32', { 2 } },
      { 'diff', { { 1 } }, 'f32', {} },
      { 'trapezoid', { { 1, 2, 3 } }, 'f32', 4 },
      { 'trapezoid', { { 1, 2, 3 }, { dx = 0.5 } }, 'f32', 2 },
      { 'trapezoid', { { { 1 }, { 3 } }, { axis = 1, x = { 0, 2 } } }, 'f32', { 4 } },
    }
  end)

  it('leave NaN out', function()
    local x = { { 1, nan, 3 }, { nan, nan, nan } }
    table_of {
      { 'nansum', { x, 2 }, 'f32', { 4, 0 } },
      { 'nanprod', { x, 2 }, 'f32', { 3, 1 } },
      { 'nanmax', { x, 2 }, 'f32', { 3, nan } },
      { 'nanmin', { x, { axis = 2, keepdims = true } }, 'f32', { { 1 }, { nan } } },
      { 'nanmean', { x }, 'f32', 2 },
      { 'nanvar', { x }, 'f32', 1 },
      { 'nanstd', { x, { ddof = 1 } }, 'f32', math.sqrt(2) },
    }
  end)

  it('take quantiles', function()
    local x = { { 4, 1 }, { 2, 3 } }
    table_of {
      { 'median', { x }, 'f32', 2.5 },
      { 'median', { x, 1 }, 'f32', { 3, 2 } },
      { 'median', { { 1, nan } }, 'f32', nan },
      { 'quantile', { x, 1 / 3 }, 'f32', 2 },
      { 'quantile', { x, { 0, 1 }, { axis = 2, keepdims = true } }, 'f32',
        { { { 1 }, { 2 } }, { { 4 }, { 3 } } } },
      { 'percentile', { i32 { 1, 2 }, 25 }, 'f32', 1.25 },
      { 'ptp', { x, 1 }, 'f32', { 2, 2 } },
    }
    refuses('np.median: there is nothing in (0)', function() np.median {} end)
  end)

  it('weigh, and vary together', function()
    local x = { { 1, 2, 3 }, { 2, 2, 5 } }
    table_of {
      { 'average', { x, { axis = 2, weights = { 1, 0, 1 } } }, 'f32', { 2, 3.5 } },
      { 'average', { x }, 'f32', 2.5 },
      { 'average', { { 1, 4 }, { weights = { 3, 1 }, keepdims = true } }, 'f32', { 1.75 } },
      { 'cov', { x }, 'f32', { { 1, 1.5 }, { 1.5, 3 } } },
      { 'cov', { { 1, 2, 3 }, { ddof = 0 } }, 'f32', 2 / 3 },
      { 'cov', { { { 1 }, { 3 } }, { rowvar = false } }, 'f32', 2 },
      { 'corrcoef', { x }, 'f32', { { 1, 0.8660254 }, { 0.8660254, 1 } } },
      { 'corrcoef', { { 1, 2 } }, 'f32', 1 },
    }
    local _, total = np.average({ 1, 4 }, { weights = { 3, 1 }, returned = true })
    check('average', 'f32', 4, total)
    refuses('np.average: weights (2) do not fit (2, 3)',
      function() np.average(x, { weights = { 1, 2 } }) end)
  end)

  it('count', function()
    table_of {
      { 'histogram', { { 0, 1, 1.5, 2, 9 }, { 0, 1, 2 } }, 'f32', { 1, 3 } },
      { 'histogram', { { 0, 1, 2, 4 }, 2 }, 'f32', { 2, 2 } },
      { 'histogram', { { 0, 1, 4 }, 2, { range = { 0, 2 }, weights = { 5, 6, 7 } } }, 'f32',
        { 5, 6 } },
      { 'histogram', { { 0, 1, 1, 4 }, { 0, 1, 5 }, { density = true } }, 'f32',
        { 0.25, 3 / 16 } },
      { 'bincount', { i32 { 0, 2, 2 } }, 'i32', { 1, 0, 2 } },
      { 'bincount', { { 0, 2, 2 }, { length = 2 } }, 'i32', { 1, 0 } },
      { 'bincount', { i32 { 0, 2, 2 }, { weights = { 1, 2, 3 } } }, 'f32', { 1, 0, 5 } },
      { 'bincount', { i32 {} }, 'i32', {} },
    }
    local _, edges = np.histogram({ 0, 1, 2, 4 }, 2)
    check('histogram', 'f32', { 0, 2, 4 }, edges)
    refuses('np.histogram: needs two edges, or one bin', function() np.histogram({ 1 }, { 1 }) end)
    refuses('np.bincount: values must be 0 or more, got -1',
      function() np.bincount(i32 { -1 }) end)
    refuses('np.bincount: needs integers, got f32', function() np.bincount { 0.5 } end)
    refuses('np.bincount: a traced array needs option "length"',
      function() imnn.jit(np.bincount)(i32 { 1 }) end)
  end)
end)
