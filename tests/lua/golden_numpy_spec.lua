--- Reductions, shapes, products, sorting: values, reverse and forward derivatives against JAX, also
-- compiled and one example after the other; tests/golden/numpy says how well they should agree.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local np, lax, stax = imnn.np, imnn.lax, imnn.stax

local where = 'tests/golden/numpy/'

local function whole(t) return np.array(t, 'i32') end

-- name of a reduction -> its cases
local axes = {
  all = nil, axes = { 1, 3 }, ['axis-1_keep'] = { axis = -1, keepdims = true }, axis0 = 1,
}
local cases = {}
for _, name in ipairs { 'sum', 'prod', 'mean', 'std', 'var', 'max', 'min' } do
  for _, suffix in ipairs { 'all', 'axes', 'axis-1_keep', 'axis0' } do
    cases[name .. '_' .. suffix] = function(i) return np[name](i.x, axes[suffix]) end
  end
end

local function call(name, ...)
  local given, n = { ... }, select('#', ...)
  return function(i) return np[name](i.x, unpack(given, 1, n)) end
end
local function pair(name, ...)
  local given, n = { ... }, select('#', ...)
  return function(i) return np[name](i.x, i.y, unpack(given, 1, n)) end
end
local function einsum(labels)
  return function(i)
    local given = { i.x, i.y, i.z }
    return np.einsum(labels, unpack(given))
  end
end
local function at(key) return function(i) return i.x[key] end end

for name, fn in pairs {
  -- reductions
  all = function(i) return np.all(np.gt(i.x, -0.5), 2) end,
  any = function(i) return np.any(np.gt(i.x, 0.5), 1) end,
  count = function(i) return np.count_nonzero(np.gt(i.x, 0)) end,
  argmax = call 'argmax', argmax_axis = call('argmax', 2), argmax_ties = call('argmax', 2),
  argmin = call 'argmin', argmin_axis = call('argmin', 1),
  average = function(i) return np.average(i.x, { axis = 1, weights = i.w }) end,
  corrcoef = call 'corrcoef', cov = call 'cov', cov_rows = call('cov', { rowvar = false }),
  cumprod_axis = call('cumprod', 1), cumsum = call 'cumsum', cumsum_axis = call('cumsum', 2),
  cummax = call('cummax', 2), cummin = call('cummin', 1), diff = call('diff', 2),
  softmax = function(i) return stax.softmax(i.x) end,
  log_softmax = function(i) return stax.log_softmax(i.x) end,
  softmax_axis0 = function(i) return stax.softmax(i.x, 1) end,
  logsumexp = call 'logsumexp', logsumexp_axis = call('logsumexp', 2),
  logsumexp_keep = call('logsumexp', { axis = { 1, 2 }, keepdims = true }),
  logsumexp_weights = function(i) return np.logsumexp(i.x, { axis = 1, b = i.b }) end,
  max_ties = call('max', 2), min_ties = call 'min', median = call('median', 1),
  nansum = call 'nansum', norm = call 'norm', norm_axis = call('norm', 2),
  percentile = call('percentile', 80), quantile = call('quantile', 0.3, 2), ptp = call('ptp', 1),
  std_ddof = call('std', { ddof = 1 }), var_ddof = call('var', { axis = 1, ddof = 1 }),
  trace = call 'trace',

  -- products
  cross = pair 'cross', dot_mm = pair 'dot', dot_mv = pair 'dot', dot_nd = pair 'dot',
  dot_vm = pair 'dot', dot_vv = pair 'dot', inner = pair 'inner', kron = pair 'kron',
  matmul_batch = pair 'matmul', matmul_broadcast = pair 'matmul', matmul_vec = pair 'matmul',
  outer = pair 'outer', tensordot_2 = pair 'tensordot', vdot = pair 'vdot',
  tensordot_axes = pair('tensordot', { { 1, 3 }, { 2, 1 } }),
  einsum_bij_bjk = einsum 'bij,bjk->bik', einsum_diag = einsum 'ii->i',
  einsum_ellipsis = einsum '...ij,...j->...i', einsum_outer = einsum 'i,j->ji',
  einsum_quad = function(i) return np.einsum('ni,ij,nj->n', i.x, i.y, i.x) end,
  einsum_sum = einsum 'ijk->j', einsum_three = einsum 'ij,jk,kl->il', einsum_trace = einsum 'ii',
  convolve_full = pair 'convolve', convolve_same = pair('convolve', 'same'),
  convolve_valid = pair('convolve', 'valid'), correlate = pair('correlate', 'full'),
  vmap_dot = function(i) return imnn.vmap(np.dot)(i.x, i.y) end,
  vmap_out_axes = function(i)
    return imnn.vmap(function(a) return np.outer(a, a) end, { in_axes = 2, out_axes = 3 })(i.x)
  end,
  polyval = function(i) return np.polyval(i.y, i.x) end,

  -- making arrays
  arange = function() return np.arange(2, 11, 3) end,
  eye = function(_, dtype) return np.eye(3, 4, 1, dtype) end,
  linspace = function(_, dtype) return np.linspace(-1, 2, 7, dtype) end,
  logspace = function(_, dtype) return np.logspace(0, 2, 5, dtype) end,
  tri = function(_, dtype) return np.tri(3, 4, 1, dtype) end,
  one_hot = function(_, dtype) return np.one_hot(whole { 1, 3, 6 }, 4, dtype) end,
  bincount = function() return np.bincount(whole { 0, 2, 2, 5, 1 }, { length = 7 }) end,
  diag = call 'diag', diag_k = call('diag', 1), diagonal = call('diagonal', 1),
  tril = call 'tril', triu_k = call('triu', 1),
  meshgrid = pair 'meshgrid',

  -- shapes
  array_split = call('array_split', 2, 1), broadcast_to = call('broadcast_to', { 2, 3, 5 }),
  concatenate0 = function(i) return np.concatenate({ i.x, i.y }, 1) end,
  concatenate1 = function(i) return np.concatenate({ i.x, i.y, i.x }, 2) end,
  expand_dims = call('expand_dims', 2), flip = call 'flip', flip_axis = call('flip', 2),
  moveaxis = call('moveaxis', 1, -1), ravel = call 'ravel', squeeze = call 'squeeze',
  pad_const = call('pad', { { 1, 2 }, { 0, 3 } }, 0.5),
  pad_edge = call('pad', { { 1, 2 }, { 2, 0 } }, 'edge'),
  pad_reflect = call('pad', { { 1, 2 }, { 2, 1 } }, 'reflect'),
  pad_symmetric = call('pad', { { 2, 1 }, { 1, 1 } }, 'symmetric'),
  pad_wrap = call('pad', { { 2, 1 }, { 1, 2 } }, 'wrap'),
  ['repeat'] = call('repeat', 3, 2), repeat_flat = call('repeat', 2),
  repeat_list = call('repeat', { 1, 0, 2 }, 1), reshape = call('reshape', { 4, 6 }),
  roll = call('roll', 2), roll_axes = call('roll', { 1, 2 }, { 1, 2 }),
  roll_axis = call('roll', -1, 2), rot90 = call 'rot90', split = call('split', { 1, 3 }, 2),
  stack = function(i) return np.stack { i.x, i.y } end,
  stack_last = function(i) return np.stack({ i.x, i.y }, -1) end,
  swapaxes = call('swapaxes', 1, 3), tile = call('tile', { 2, 3 }), tile_1 = call('tile', 2),
  transpose = call 'transpose', transpose_perm = call('transpose', { 2, 3, 1 }),

  -- indices
  ellipsis = at { '...', 1 }, fancy = at { whole { 1, 3, 3 }, whole { 2, 1, 2 } },
  fancy_negative = at(whole { -1, 1 }), fancy_rows = at(whole { 3, 1, 1, 2 }), index_int = at(2),
  index_mixed = at { 2, {}, np.newaxis, -1 }, slice = at { { 2, 3 }, { 1, 4, 2 } },
  slice_neg = at { { 3, 1, -1 }, { -2, -1 } },
  gather_oob = function(i) return imnn.jit(function(x, k) return x[k] end)(i.x, whole { 1, 8, -9 })
  end,
  take0 = call('take', whole { 3, 1, 1, 2 }, 1),
  take_flat = call('take', whole { { 6, 1 }, { 2, 6 } }),
  take_along = function(i) return np.take_along_axis(i.x, np.argsort(i.x, 2), 2) end,

  dynamic_slice = function(i) return lax.dynamic_slice(i.x, { 2, 2 }, { 2, 2 }) end,
  dynamic_slice_clamped = function(i) return lax.dynamic_slice(i.x, { 6, -1 }, { 2, 2 }) end,
  dynamic_update_slice = function(i) return lax.dynamic_update_slice(i.x, i.y, { 2, 1 }) end,
  scatter_2d = function(i) return i.x:at { whole { 1, 2, 3 }, whole { 2, 2, 1 } }:add(i.y) end,
  scatter_add = function(i) return i.x:at(whole { 3, 1, 1, 2 }):add(i.y) end,
  scatter_max = function(i) return i.x:at(whole { 4, 1 }):max(i.y) end,
  scatter_min = function(i) return i.x:at(whole { 4, 1 }):min(i.y) end,
  scatter_mul = function(i) return i.x:at(whole { 4, 1 }):mul(i.y) end,
  scatter_set = function(i) return i.x:at(whole { 3, 1 }):set(i.y) end,
  segment_sum = function(i)
    local size = i.x.shape
    size[1] = 4
    return np.zeros(size, i.x.dtype):at(whole { 1, 3, 1, 2, 3 }):add(i.x)
  end,
  lax_pad_interior = function(i) return lax.pad(i.x, 0.25, { { 1, -1, 2 }, { 0, 2, 1 } }) end,
  reduce_window = function(i) return lax.reduce_window(i.x, 0, 'add', { 2, 2 }) end,

  -- sorting and searching
  argsort = call 'argsort', argsort_special = call 'argsort', argsort_ties = call('argsort', 2),
  sort = call 'sort', sort_axis0 = call('sort', 1), sort_flat = call('sort', false),
  sort_special = call 'sort', top_k = call('top_k', 2),
  digitize = function(i) return np.digitize(i.x, np.linspace(-1, 1, 5, i.x.dtype)) end,
  histogram = function(i) return (np.histogram(i.x, np.linspace(-2, 2, 6, i.x.dtype))) end,
  interp = function(i) return np.interp(i.x, np.linspace(-2, 2, 5, i.x.dtype), i.y) end,
  searchsorted_left = function(i) return np.searchsorted(np.sort(i.x), i.y) end,
  searchsorted_right = function(i)
    return np.searchsorted(np.sort(i.x), i.y, { side = 'right' })
  end,
  unique_mask = function(i)
    return np.sum(np.eq(i.x[{ {}, np.newaxis }], i.x[{ np.newaxis }]), 2)
  end,

  -- arithmetic with shapes
  abs_zero = call 'abs', broadcast_add = function(i) return i.x + i.y end,
  broadcast_div = function(i) return i.x / (2 + np.sin(i.y)) end,
  broadcast_mul = function(i) return i.x * i.y * i.z end,
  int_power = function(i) return i.x ^ 3 + i.x ^ -2 end,
  max_min_tie = function(i) return np.maximum(i.x, i.y) + 2 * np.minimum(i.x, i.y) end,
  piecewise_poly = function(i) return np.where(np.lt(i.x, 0), 0 * i.x, i.x ^ 3) end,
  select = function(i)
    return np.where(np.lt(i.x, -0.3), i.x * 2, np.where(np.gt(i.x, 0.4), i.x * i.x, -i.x))
  end,
  square_sqrt = function(i) return np.sqrt(i.x * i.x + 1) end,
  stop_gradient = function(i) return lax.stop_gradient(i.x) * i.x end,
  where = function(i) return np.where(np.gt(i.x, 0), i.x, i.y * 2) end,
  where_broadcast = function(i) return np.where(np.gt(i.x, 0), i.y, 1) end,
} do
  cases[name] = fn
end

-- Results that are positions count from 1 here; of top_k only the second one.
local positions = {
  argmax = 1, argmax_axis = 1, argmax_ties = 1, argmin = 1, argmin_axis = 1, argsort = 1,
  argsort_special = 1, argsort_ties = 1, digitize = 1, searchsorted_left = 1,
  searchsorted_right = 1, top_k = 2,
}

-- ---- comparing ----

-- Datasets of a case whose names begin so, by the rest: in.x, in.y or out.y.1, out.y.2, ...
local function datasets(group, prefix)
  local out, n = {}, 0
  for name, value in group:each() do
    if name:sub(1, #prefix) == prefix then
      local rest = name:sub(#prefix + 1)
      rest = tonumber((rest:gsub('^%.', ''))) or rest == '' and 1 or rest
      out[rest], n = value, n + 1
    end
  end
  return out, n
end

local function compare(what, rule, expected, got)
  local number = expected.dtype ~= 'bool' and expected or expected:astype 'i32'
  assert.is_nil(golden.difference(
    { y = number:values(), shape = expected.shape, rtol = rule.rtol, atol = rule.atol }, got), what)
end

local function inputs_of(group)
  local names, list, tangents = {}, {}, {}
  for name, value in pairs((datasets(group, 'in.'))) do
    if #name == 1 then names[#names + 1] = name end
    list[name] = value
  end
  table.sort(names)
  local values = {}
  for i, name in ipairs(names) do values[i], tangents[i] = list[name], list['t_' .. name] end
  return names, values, tangents
end

local function of_list(fn, names, dtype)
  return function(...)
    local i = {}
    for k, name in ipairs(names) do i[name] = select(k, ...) end
    return fn(i, dtype)
  end
end

local function several(list) return #list > 1 and list or list[1] end

local function check(name, group, dtype)
  local rule = group:attributes()
  local names, values, tangents = inputs_of(group)
  local fn = of_list(assert(cases[name], 'no such function'), names, dtype)
  local expected = datasets(group, 'out.y')
  local got, compiled = { fn(unpack(values)) }, { imnn.jit(fn)(unpack(values)) }
  for i, y in ipairs(expected) do
    local shift = (positions[name] == i) and 1 or 0
    compare('value', rule, shift == 1 and y:astype 'f64' + 1 or y, got[i])
    compare('compiled', rule, shift == 1 and y:astype 'f64' + 1 or y, compiled[i])
  end
  local n = #expected
  local function results(...)
    local out = { fn(...) }
    return n > 1 and { unpack(out, 1, n) } or out[1]
  end
  local dy, many = datasets(group, 'out.d')
  if many > 0 then
    local _, forward = imnn.jvp(results, values, tangents)
    for i, d in ipairs(dy) do compare('forward', rule, d, n > 1 and forward[i] or forward) end
  end
  local cotangents, given = datasets(group, 'in.ct')
  if given > 0 and next((datasets(group, 'out.ct_'))) then
    local _, back = imnn.vjp(results, unpack(values))
    local dx = { back(several(cotangents)) }
    for i, variable in ipairs(names) do
      compare('reverse ' .. variable, rule, group['out.ct_' .. variable], dx[i])
    end
  end
  -- one example after the other is the whole batch
  local batched, halves = {}, {}
  for i, x in ipairs(values) do
    batched[i], halves[i] = np.stack { x, x * 0.5 }, x * 0.5
  end
  if #values == 0 or rule.tol == 'exact' then return end
  local all, second = { imnn.vmap(fn)(unpack(batched)) }, { fn(unpack(halves)) }
  for i = 1, n do
    compare('batch', rule, got[i], all[i][1])
    compare('batch', rule, second[i], all[i][2])
  end
end

-- 0 and -0 are equal: shape_f32_current, shape_f64_current
local newer = { ['shape_f32 argsort_special'] = true, ['shape_f64 argsort_special'] = true }
for _, dtype in ipairs { 'f32', 'f64' } do
  for _, what in ipairs { 'dot_%s', 'reduce_%s', 'shape_%s', 'shape_%s_current' } do
    local file = what:format(dtype)
    describe(file .. ' agrees with golden in', function()
      for name, group in imnn.data.hdf5.open(where .. file .. '.h5'):each() do
        if not newer[file .. ' ' .. name] then
          it(name, function() check(name, group, dtype) end)
        end
      end
    end)
  end
end
