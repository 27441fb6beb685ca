--- The kinds of steps of random programs: operators of the table, functions of numpy, loops and
-- branches. Each is a function of the context (generate.lua), which makes the step or gives up.
-- @module tests.support.programs.steps
local cases = require 'tests.support.cases'
local registry = require 'imnn.registry'
local M = {}

local function is_float(x) return x.dtype == 'f32' or x.dtype == 'f64' end
local function is_complex(x) return x.dtype == 'c64' or x.dtype == 'c128' end
local function full(x) return x.size > 0 end
local function list(ids)
  local out = {}
  for i, id in ipairs(ids) do out[i] = '@' .. id end
  return table.concat(out, ', ')
end
local function numbers(t) return '{ ' .. table.concat(t, ', ') .. ' }' end

-- ---- the operator table ----

local function broadcasts(a, b)
  for k = 0, math.min(#a, #b) - 1 do
    local n, m = a[#a - k], b[#b - k]
    if n ~= m and n ~= 1 and m ~= 1 then return false end
  end
  return true
end

-- Orders of derivatives, which are whole numbers.
local orders = { polygamma = true, sinc_slope = true, gammainc_slope = true, gamma_density = true }

-- What is no variable of the operator, and would be refused as one.
local function fixed(op, i)
  return not op.smooth[i] and op.rule ~= '' and op.rule ~= nil or op.name == 'gamma_slope'
    or op.name == 'betainc' and i < 3 or op.name == 'zeta' and i == 1
end

local function dtype_for(ctx, op)
  local x = ctx:of(ctx:value(function(x) return op.dtypes[x.dtype] ~= nil end))
  return x.dtype
end

local function elementwise(op)
  return function(ctx)
    local dtype, args, shapes = dtype_for(ctx, op), {}, {}
    local first = op.name == 'where' and 2 or 1
    for i = 1, op.arity do
      local want = i < first and 'bool' or dtype
      local id
      if orders[op.name] and i == 1 then
        args[i] = tostring(ctx:pick(2))
      else
        local function fits(x)
          if x.dtype ~= want then return false end
          for _, s in ipairs(shapes) do if not broadcasts(x.shape, s) then return false end end
          return true
        end
        if fixed(op, i) then
          id = ctx:constant(ctx:chance(0.5) and {} or shapes[1] or {}, want, op.lo, op.hi)
        else
          id = ctx:value(fits)
          if is_float(ctx:of(id)) then id = ctx:within(id, op.lo, op.hi)
          elseif want == 'i32' and op.name ~= 'where' then id = ctx:within(id, 0, 20) end
        end
        shapes[#shapes + 1] = ctx:of(id).shape
        args[i] = '@' .. id
      end
    end
    local name = op.name:match '^%a+$' and (op.name == 'and' or op.name == 'or'
      or op.name == 'not') and ("np['%s']"):format(op.name) or 'np.' .. op.name
    ctx:make('%s(%s)', name, table.concat(args, ', '))
  end
end

-- Vectors of complex matrices may have any phase.
local phases = { eig = true, eigh = true, svd = true }

-- One of the operator's cases, its inputs made of what there is.
local function structured(op, all)
  return function(ctx)
    local case = ctx:one_of(all)
    local dtype = ctx.root.dtype
    local wide = dtype == 'f32' and 'c64' or 'c128'
    if not op.dtypes[dtype] or op.dtypes[wide] and not phases[op.name] and ctx:chance(0.3) then
      dtype = wide
    end
    local args = {}
    for i, input in ipairs(case.inputs) do
      local want = input.dtype or dtype
      if want:find 'c' then want = dtype:find 'c' and dtype or want end
      if (want == 'c64' or want == 'c128') and op.diagonal ~= 0 then
        local n, m = input.shape[#input.shape - 1], input.shape[#input.shape]
        local id = ctx:fit(ctx:within(ctx:some(), op.lo, op.hi), input.shape)
        args[i] = ctx:make("np.complex(@%d + %g * np.eye(%d, %d, 0, '%s'), 0.3 * @%d)", id,
          op.diagonal, n, m, ctx:of(id).dtype, id)
      elseif want == 'f32' or want == 'f64' then
        local id = ctx:fit(ctx:within(ctx:some(), op.lo, op.hi), input.shape)
        if ctx:of(id).dtype ~= want then id = ctx:make("@%d:astype '%s'", id, want) end
        local n, m = input.shape[#input.shape - 1], input.shape[#input.shape]
        if n and op.diagonal ~= 0 then
          id = ctx:make("@%d + %g * np.eye(%d, %d, 0, '%s')", id, op.diagonal, n, m, want)
        end
        args[i] = id
      elseif want == 'i32' then
        args[i] = ctx:constant(input.shape, 'i32', 0, 5)
      else args[i] = ctx:constant(input.shape, want, op.lo, op.hi) end
    end
    local floats = {}
    for i, id in ipairs(args) do floats[i] = ctx:of(id).dtype end
    if floats[1] and floats[2] and floats[1] ~= floats[2] and not case.inputs[2].dtype
      and not case.inputs[1].dtype then ctx:reject() end
    ctx:make("apply('%s', { %s }, %s)", op.name, list(args), numbers(case.attr or {}))
  end
end

-- ---- axes ----

local function axis_of(ctx, x) return ctx:chance(0.7) and ctx:pick(x.ndim) or -ctx:pick(x.ndim) end

local function reduction(names)
  return function(ctx)
    local id = ctx:value(function(x) return (is_float(x) or x.dtype == 'i32') and full(x) end)
    local x, how = ctx:of(id), ''
    if x.ndim > 0 and ctx:chance(0.8) then
      local axis = axis_of(ctx, x)
      if x.ndim > 1 and ctx:chance(0.2) then
        local other = axis_of(ctx, x)
        if other % (x.ndim + 1) ~= axis % (x.ndim + 1) and (other - axis) % x.ndim ~= 0
          and (other > 0) == (axis > 0) then axis = ('{ %d, %d }'):format(axis, other) end
      end
      how = (', { axis = %s, keepdims = %s }'):format(axis, tostring(ctx:chance(0.4)))
    end
    local name = ctx:one_of(names)
    if name == 'prod' then id = ctx:within(id, -1.5, 1.5) end
    if name == 'std' and x.size < 2 then ctx:reject() end
    if name == 'logsumexp' or name == 'norm' or name == 'std' or name == 'mean' then
      if not is_float(x) then ctx:reject() end
    end
    ctx:make('np.%s(@%d%s)', name, id, how)
  end
end

local function along(code, least) -- of floats, with an axis
  return function(ctx)
    local id = ctx:some(1)
    local x = ctx:of(id)
    local axis = axis_of(ctx, x)
    if x.shape[axis > 0 and axis or x.ndim + 1 + axis] < (least or 1) then ctx:reject() end
    ctx:make(code, id, axis)
  end
end

-- Indices as text; what x[...] takes.
local function key_of(ctx, x, advanced)
  local parts, gathered = {}, false
  for k = 1, x.ndim do
    local n = x.shape[k]
    local what = ctx:pick(advanced and 7 or 5)
    if n == 0 or what == 1 then parts[#parts + 1] = '{}'
    elseif what == 2 then parts[#parts + 1] = tostring(ctx:chance(0.5) and ctx:pick(n) or -ctx:pick(
      n))
    elseif what == 3 then
      local a = ctx:pick(n)
      parts[#parts + 1] = ('{ %d, %d }'):format(a, a + ctx:pick(n - a + 1) - 1)
    elseif what == 4 then parts[#parts + 1] = ('{ %d, 1, -%d }'):format(n, ctx:pick(2))
    elseif what == 5 then parts[#parts + 1] = ('{ 1, %d, %d }'):format(n, ctx:pick(3))
    elseif gathered then parts[#parts + 1] = '{}'
    else
      gathered = true
      local at = {}
      for i = 1, ctx:pick(4) do at[i] = ctx:pick(n) end
      parts[#parts + 1] = ("np.array(%s, 'i32')"):format(numbers(at))
    end
  end
  if ctx:chance(0.15) then
    table.insert(parts, ctx:pick(#parts + 1), 'np.newaxis')
  elseif #parts > 1 and ctx:chance(0.15) then
    parts[1] = "'...'"
    if #parts > 2 then table.remove(parts, 2) end
  end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

-- ---- matrices ----

-- Square matrices of size n, with leading axes, far from singular.
local function matrices(ctx, n, add, lead)
  local shape = { n, n }
  for _, size in ipairs(lead or {}) do table.insert(shape, 1, size) end
  local id = ctx:fit(ctx:within(ctx:some(), -1, 1), shape)
  return ctx:make("@%d + %s * np.eye(<%d>, <%d>, 0, '%s')", id, add, n, n, ctx:of(id).dtype)
end

local function symmetric(ctx, n, lead)
  local id = matrices(ctx, n, '0', lead)
  local dtype = ctx:of(id).dtype
  return ctx:make(
    '0.2 * (@%d + np.swapaxes(@%d, -1, -2)) '
      .. "+ np.diag(np.linspace(1, <%d>, <%d>, { dtype = '%s' }))", id, id, 2 * n, n, dtype)
end

local function size(ctx) return ctx:one_of { 1, 2, 3, 3, 5, 9 } end
local function lead(ctx) return ctx:one_of { {}, {}, { 2 }, { 3 }, { 2, 1 } } end

local function linalg(ctx)
  local n, front = size(ctx), lead(ctx)
  local what = ctx:pick(16)
  if n == 9 then front = {} end
  local function a() return matrices(ctx, n, tostring(n), front) end
  local function right(columns)
    return ctx:fit(ctx:some(), columns and { n, columns } or { n })
  end
  if what == 1 then ctx:make('np.linalg.inv(@%d)', a())
  elseif what == 2 then ctx:make('np.linalg.det(@%d) * %g', a(), n ^ -n)
  elseif what == 3 then ctx:make('select(2, np.linalg.slogdet(@%d))', a())
  elseif what == 4 then
    ctx:make('np.linalg.solve(@%d, @%d)', matrices(ctx, n, tostring(n)), right(2))
  elseif what == 5 then
    local function maybe() return tostring(ctx:chance(0.5)) end
    ctx:make('np.linalg.triangular_solve(@%d, @%d, { lower = %s, transpose = %s, '
      .. 'unit_diagonal = %s })', matrices(ctx, n, tostring(n)), right(3), maybe(), maybe(),
      maybe())
  elseif what == 6 then ctx:make('np.linalg.cholesky(@%d)', symmetric(ctx, n, front))
  elseif what == 7 then
    local _, v = ctx:emit(('np.linalg.eigh(@%d)'):format(symmetric(ctx, n, front)), nil, 2)
    ctx:make('@%d * @%d', v, v) -- of either sign
  elseif what == 8 then ctx:make('np.linalg.eigvalsh(@%d)', symmetric(ctx, n, front))
  elseif what == 9 then
    ctx:make('np.linalg.svd(@%d, { compute_uv = false })', symmetric(ctx, n, front))
  elseif what == 10 then
    local u, _, vt = ctx:emit(('np.linalg.svd(@%d, { full_matrices = false })'):format(
      symmetric(ctx, n, front)), nil, 3)
    ctx:make('np.matmul(@%d, @%d)', u, vt)
  elseif what == 11 then ctx:emit(('np.linalg.qr(@%d)'):format(a()), nil, 2)
  elseif what == 12 then ctx:make('np.linalg.pinv(@%d)', a())
  elseif what == 13 then
    ctx:make('imnn.scipy.linalg.expm(@%d)', matrices(ctx, n, '0.1', front))
  elseif what == 14 then
    ctx:make('np.linalg.matrix_power(@%d, %d)', matrices(ctx, n, '0.5'), ctx:one_of { 0, 1, 2, -1 })
  elseif what == 15 then
    ctx:make("np.linalg.norm(@%d, %s, { axis = { -2, -1 } })", symmetric(ctx, n, front),
      ctx:one_of { "'fro'", "'nuc'", '2' })
  else
    ctx:make('np.linalg.lstsq(@%d, @%d)', matrices(ctx, n, tostring(n)), right(2))
  end
end

-- ---- functions of numpy ----

local function two_matrices(ctx)
  local a = ctx:some(1)
  local x = ctx:of(a)
  local k = x.shape[x.ndim]
  local b = ctx:float(function(y)
    return y.dtype == x.dtype and y.ndim >= 1 and y.shape[y.ndim > 1 and y.ndim - 1 or 1] == k
  end)
  local y = ctx:of(b)
  local la, lb = {}, {}
  for i = 1, x.ndim - 2 do la[i] = x.shape[i] end
  for i = 1, y.ndim - 2 do lb[i] = y.shape[i] end
  if not broadcasts(la, lb) then ctx:reject() end
  return a, b
end

local function same_dtype(ctx, a, fits)
  local x = ctx:of(a)
  return ctx:float(function(y) return y.dtype == x.dtype and fits(y, x) end)
end

local function like(ctx, a)
  return same_dtype(ctx, a, function(y, x)
    return table.concat(y.shape, ',') == table.concat(x.shape, ',')
  end)
end

local function permutation(ctx, n)
  local p = {}
  for i = 1, n do table.insert(p, ctx:pick(i), i) end
  return p
end

local function places(ctx, n, count)
  local out = {}
  for i = 1, count do out[i] = ctx:pick(n) end
  return ("np.array(%s, 'i32')"):format(numbers(out))
end

local numpy = {
  reduction { 'sum', 'mean', 'max', 'min', 'prod' },
  reduction { 'sum', 'std', 'logsumexp', 'norm', 'var', 'median', 'ptp' },
  function(ctx) -- of truth values and positions
    local id = ctx:value(full)
    local x = ctx:of(id)
    if is_complex(x) or x.ndim == 0 then ctx:reject() end
    local name = x.dtype == 'bool' and ctx:one_of { 'any', 'all', 'count_nonzero' }
      or ctx:one_of { 'argmax', 'argmin', 'count_nonzero' }
    ctx:make('np.%s(@%d, %d)', name, id, axis_of(ctx, x))
  end,
  along 'np.cumsum(@%d, %d)',
  function(ctx) ctx:make('np.cumprod(@%d, 1)', ctx:within(ctx:some(1), 0.5, 1.4)) end,
  along 'np.cummax(@%d, { axis = %d, reverse = true })',
  along 'np.cummin(@%d, { axis = %d })',
  along('np.diff(@%d, %d)', 1),
  along('np.trapezoid(@%d, %d)', 2),
  along 'np.sort(@%d, %d)',
  along 'np.sort(@%d, { axis = %d, descending = true })',
  along 'np.argsort(@%d, %d)',
  along 'np.flip(@%d, %d)',
  along 'np.roll(@%d, 2, %d)',
  along 'np.repeat_(@%d, 2, %d)',
  along 'np.quantile(@%d, 0.3, %d)',
  along 'np.logsumexp(@%d, { axis = %d, keepdims = true })',
  function(ctx)
    local id = ctx:some(1)
    local x = ctx:of(id)
    ctx:emit(('np.top_k(@%d, %d)'):format(id, ctx:pick(x.shape[x.ndim])), nil, 2)
  end,
  function(ctx)
    local id = ctx:some(1)
    local x = ctx:of(id)
    ctx:make('np.partition(@%d, %d)', id, ctx:pick(x.shape[x.ndim]))
  end,
  function(ctx) -- searching in a sorted list
    local n = 1 + ctx:pick(4)
    local edges = ctx:make('np.sort(@%d)', ctx:fit(ctx:some(), { n }))
    local id = same_dtype(ctx, edges, function() return true end)
    local what = ctx:pick(3)
    if what == 1 then ctx:make("np.searchsorted(@%d, @%d, { side = 'right' })", edges, id)
    elseif what == 2 then ctx:make('np.digitize(@%d, @%d)', id, edges)
    else
      local xp = ctx:make('np.cumsum(0.3 + @%d * @%d)', edges, edges)
      ctx:make('np.interp(@%d, @%d, @%d)', id, xp, edges)
    end
  end,

  -- shapes
  function(ctx)
    local id = ctx:value()
    local x = ctx:of(id)
    if x.size == 0 then ctx:reject() end
    local shape, rest = {}, x.size
    for i = 1, ctx:pick(3) do
      local n = ctx:one_of { 1, 2, 3, 5 }
      if rest % n ~= 0 then n = 1 end
      shape[i], rest = n, rest / n
    end
    table.insert(shape, ctx:pick(#shape + 1), rest)
    ctx:make('np.reshape(@%d, %s)', id, ctx.sizes(shape))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim > 1 end)
    ctx:make('np.transpose(@%d, %s)', id, numbers(permutation(ctx, ctx:of(id).ndim)))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim > 1 end)
    local x = ctx:of(id)
    ctx:make('np.moveaxis(@%d, %d, %d)', id, axis_of(ctx, x), axis_of(ctx, x))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim > 1 end)
    ctx:make('np.swapaxes(@%d, -1, -2)', id)
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim < 4 end)
    ctx:make('np.expand_dims(@%d, %d)', id, ctx:pick(ctx:of(id).ndim + 1))
  end,
  function(ctx) ctx:make('np.squeeze(@%d)', ctx:value()) end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim < 4 end)
    local shape = { unpack(ctx:of(id).shape) }
    for i, n in ipairs(shape) do if n == 1 then shape[i] = ctx:pick(4) end end
    if ctx:chance(0.5) then table.insert(shape, 1, ctx:pick(3)) end
    ctx:make('np.broadcast_to(@%d, %s)', id, ctx.sizes(shape))
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 1 end)
    local axis = ctx:pick(ctx:of(a).ndim)
    local b = same_dtype(ctx, a, function(y, x)
      if y.ndim ~= x.ndim then return false end
      for k = 1, x.ndim do if k ~= axis and x.shape[k] ~= y.shape[k] then return false end end
      return true
    end)
    ctx:make('np.concatenate({ @%d, @%d, @%d }, %d)', a, b, a, axis)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim < 4 end)
    ctx:make('np.stack({ @%d, @%d }, %d)', a, like(ctx, a), ctx:pick(ctx:of(a).ndim + 1))
  end,
  function(ctx)
    local id = ctx:value(function(x)
      return x.ndim > 0 and x.shape[1] > 1 and (x.shape[1] % 2 == 0 or x.shape[1] % 3 == 0)
    end)
    local n = ctx:of(id).shape[1] % 2 == 0 and 2 or 3
    ctx:emit(('np.split(@%d, %d, 1)'):format(id, n), nil, n)
  end,
  function(ctx) ctx:make('np.tile(@%d, { %d, %d })', ctx:value(), ctx:pick(2), ctx:pick(2)) end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 2 end)
    ctx:make('np.rot90(@%d, %d)', id, ctx:pick(5) - 2)
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 1 and x.size > 0 and x.ndim < 4 end)
    local widths = {}
    for k = 1, ctx:of(id).ndim do
      widths[k] = ('{ %d, %d }'):format(ctx:pick(3) - 1, ctx:pick(2) - 1)
    end
    local mode = ctx:of(id).dtype == 'bool' and 'edge'
      or ctx:one_of { 'constant', 'edge', 'reflect', 'wrap', 'symmetric' }
    ctx:make("np.pad(@%d, { %s }, '%s')", id, table.concat(widths, ', '), mode)
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 2 end)
    ctx:make('np.%s(@%d, %d)', ctx:one_of { 'tril', 'triu' }, id, ctx:pick(3) - 2)
  end,
  function(ctx)
    local id = ctx:some(2)
    ctx:make('np.%s(@%d)', ctx:one_of { 'diagonal', 'trace' }, id)
  end,
  function(ctx)
    local id = ctx:float(function(x) return (x.ndim == 1 or x.ndim == 2) and full(x) end)
    ctx:make('np.diag(@%d)', id)
  end,

  -- places
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 1 end)
    ctx:make('@%d[%s]', id, key_of(ctx, ctx:of(id), true))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 1 end)
    ctx:make('@%d[%s]', id, key_of(ctx, ctx:of(id), false))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.ndim >= 1 and full(x) end)
    local x = ctx:of(id)
    local axis = ctx:pick(x.ndim)
    ctx:make('np.take(@%d, %s, %d)', id, places(ctx, x.shape[axis], ctx:pick(5)), axis)
  end,
  function(ctx) -- places that the program computes
    local id = ctx:some(1)
    local axis = ctx:pick(ctx:of(id).ndim)
    local at = ctx:value(function(x) return x.dtype == 'i32' and x.ndim <= 2 end)
    ctx:make('np.take(@%d, np.remainder(@%d, <%d>) + 1, %d)', id, at, ctx:of(id).shape[axis], axis)
  end,
  function(ctx)
    local id = ctx:some(1)
    local axis = axis_of(ctx, ctx:of(id))
    local at = ctx:make('np.argsort(@%d, %d)', like(ctx, id), axis)
    ctx:make('np.take_along_axis(@%d, @%d, %d)', id, at, axis)
  end,
  function(ctx)
    local id = ctx:float(function(x) return x.ndim >= 1 and full(x) end)
    local key = key_of(ctx, ctx:of(id), true)
    local y = ctx:float(function(x) return x.ndim == 0 end)
    ctx:make('@%d:at(%s):%s(@%d)', id, key, ctx:one_of { 'set', 'add', 'mul', 'min', 'max' }, y)
  end,
  function(ctx)
    local id = ctx:float(function(x) return x.ndim >= 1 and full(x) and x.ndim <= 3 end)
    local starts, sizes = {}, {}
    for k, n in ipairs(ctx:of(id).shape) do sizes[k], starts[k] = ctx:pick(n), ctx:pick(n) end
    local at = ctx:chance(0.5) and ctx:value(function(x)
      return x.dtype == 'i32' and x.ndim == 0
    end)
    if at then starts[1] = '@' .. at end
    local part = ctx:make('lax.dynamic_slice(@%d, %s, %s)', id, numbers(starts), numbers(sizes))
    ctx:make('lax.dynamic_update_slice(@%d, np.sin(@%d), %s)', id, part, numbers(starts))
  end,

  -- products
  function(ctx) ctx:make('0.3 * np.matmul(@%d, @%d)', two_matrices(ctx)) end,
  function(ctx) ctx:make('np.matmul(@%d, @%d)', two_matrices(ctx)) end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 1 end)
    local k = ctx:of(a).shape[ctx:of(a).ndim]
    local b = same_dtype(ctx, a, function(y)
      return y.ndim >= 1 and y.shape[y.ndim > 1 and y.ndim - 1 or 1] == k
    end)
    ctx:make('np.dot(@%d, @%d)', a, b)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 1 end)
    local b = same_dtype(ctx, a, function(y, x)
      return y.ndim >= 1 and y.shape[y.ndim] == x.shape[x.ndim]
    end)
    ctx:make('np.inner(@%d, @%d)', a, b)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.size <= 15 and x.ndim <= 3 end)
    ctx:make('np.%s(@%d, @%d)', ctx:one_of { 'outer', 'kron' }, a,
      same_dtype(ctx, a, function(y, x)
        return y.size <= 15 and y.ndim == x.ndim and y.ndim > 0
      end))
  end,
  function(ctx)
    local a = ctx:float()
    ctx:make('np.vdot(@%d, @%d)', a, like(ctx, a))
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim == 2 end)
    local b = same_dtype(ctx, a, function(y, x) return y.ndim == 2 and y.shape[1] == x.shape[2] end)
    ctx:make("np.einsum('%s', @%d, @%d)", ctx:one_of { 'ij,jk->ik', 'ij,jk->ki', 'ij,jk->k',
      'ij,jk->', 'ij,jk->ijk', 'ij,jk' }, a, b)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim == 3 end)
    local b = same_dtype(ctx, a, function(y, x) return y.ndim == 2 and y.shape[2] == x.shape[3] end)
    ctx:make("np.einsum('%s', @%d, @%d)", ctx:one_of { 'bij,kj->bik', 'bij,kj->kb', '...j,kj->...k',
      'bij,kj->jb' }, a, b)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 2 and x.shape[1] == x.shape[2] end)
    ctx:make("np.einsum('ii...->i...', @%d)", a)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 2 and x.ndim <= 3 end)
    local b = same_dtype(ctx, a, function(y, x)
      return y.ndim >= 2 and y.ndim <= 3 and y.shape[1] == x.shape[x.ndim - 1]
        and y.shape[2] == x.shape[x.ndim]
    end)
    ctx:make('np.tensordot(@%d, @%d, 2)', a, b)
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim >= 1 and x.shape[x.ndim] == 3 end)
    ctx:make('np.cross(@%d, @%d)', a, like(ctx, a))
  end,
  function(ctx)
    local a = ctx:float(function(x) return x.ndim == 1 and full(x) end)
    local b = same_dtype(ctx, a, function(y) return y.ndim == 1 and full(y) end)
    ctx:make("np.%s(@%d, @%d, '%s')", ctx:one_of { 'convolve', 'correlate' }, a, b,
      ctx:one_of { 'full', 'same', 'valid' })
  end,
  function(ctx)
    local n = ctx:pick(5)
    local x = ctx:fit(ctx:some(), { n, ctx:pick(3) })
    local w = ctx:fit(ctx:some(), { ctx:pick(n), ctx:of(x).shape[2], 2 })
    ctx:make("lax.conv_general_dilated(@%d, @%d, { padding = '%s', window_strides = { %d }, "
      .. "dimension_numbers = { 'HC', 'HIO', 'HC' } })", x, w, ctx:one_of { 'SAME', 'VALID' },
      ctx:pick(2))
  end,
  function(ctx)
    local x = ctx:fit(ctx:some(), { ctx:pick(4), 1 + ctx:pick(3), 2 })
    local w = ctx:fit(ctx:some(), { ctx:pick(2), 2, 2, ctx:pick(3) })
    ctx:make("lax.conv_general_dilated(@%d, @%d, { padding = { { 1, 0 }, { 1, 1 } }, "
      .. "rhs_dilation = { 1, %d }, dimension_numbers = { 'HWC', 'HWIO', 'HWC' } })", x, w,
      ctx:pick(2))
  end,
  function(ctx)
    local x = ctx:fit(ctx:some(), { 1 + ctx:pick(4), 1 + ctx:pick(3) })
    local how = ctx:one_of { '0, \'add\'', '-np.inf, \'max\'', 'np.inf, \'min\'' }
    ctx:make("lax.reduce_window(@%d, %s, { 2, %d }, { window_strides = { %d, 1 }, "
      .. "padding = '%s' })", x, how, ctx:pick(2), ctx:pick(2), ctx:one_of { 'SAME', 'VALID' })
  end,

  -- statistics, choices
  function(ctx)
    local id = ctx:float(function(x) return x.ndim == 2 and x.shape[2] > 1 and full(x) end)
    ctx:make('np.%s(@%d)', ctx:one_of { 'cov', 'corrcoef' }, id)
  end,
  function(ctx)
    local a = ctx:some()
    ctx:make('np.average(@%d, { weights = 1.5 + np.sin(@%d) })', a, like(ctx, a))
  end,
  function(ctx) ctx:make('np.clip(@%d, -0.7, 0.9)', ctx:float()) end,
  function(ctx) ctx:make('np.nan_to_num(@%d)', ctx:float()) end,
  function(ctx) ctx:make('np.square(@%d)', ctx:float()) end,
  function(ctx)
    local a = ctx:float()
    ctx:make('np.where(np.gt(@%d, %.3f), @%d, np.cos(@%d))', a, ctx:between(-1, 1), a, like(ctx, a))
  end,
  function(ctx) ctx:make('np.polyval(@%d, @%d)', ctx:fit(ctx:within(ctx:some(), -1, 1), { 3 }),
    ctx:within(ctx:some(), -1, 1)) end,
  function(ctx) ctx:make('@%d ^ %d', ctx:within(ctx:float(), -2, 2), ctx:pick(4) - 1) end,
  function(ctx) ctx:make('%.3f * @%d - 1', ctx:between(-2, 2), ctx:float()) end,
  function(ctx)
    local a = ctx:float()
    ctx:make('@%d * @%d + @%d', a, like(ctx, a), a)
  end,
  function(ctx)
    ctx:make("np.round(2 * @%d):astype 'i32'", ctx:within(ctx:some(), -4, 4))
  end,
  function(ctx)
    local id = ctx:value(function(x) return x.dtype ~= ctx.root.dtype and not is_complex(x) end)
    ctx:make("@%d:astype '%s'", id, ctx.root.dtype)
  end,
  function(ctx) ctx:make("@%d:astype '%s'", ctx:float(), ctx.root.dtype == 'f32' and 'f64' or 'f32')
  end,
}

local complex = {
  function(ctx)
    local a = ctx:float()
    ctx:make('np.complex(@%d, @%d)', a, like(ctx, a))
  end,
  function(ctx)
    ctx:make('np.%s(@%d)', ctx:one_of { 'real', 'imag', 'conj', 'abs', 'angle' },
      ctx:value(is_complex))
  end,
  function(ctx)
    local a = ctx:value(is_complex)
    ctx:make('np.%s(@%d)', ctx:one_of { 'exp', 'sin', 'tanh', 'sqrt', 'log', 'square',
      'asin', 'atan', 'expm1', 'log1p', 'sigmoid', 'sign', 'asinh', 'acos' }, a)
  end,
  function(ctx)
    local a = ctx:value(is_complex)
    local b = ctx:value(function(y)
      return broadcasts(y.shape, ctx:of(a).shape) and y.dtype ~= 'bool'
    end)
    ctx:make('@%d %s @%d', a, ctx:one_of { '*', '+', '-', '/' }, b)
  end,
  function(ctx)
    local id = ctx:value(function(x)
      return (is_float(x) or is_complex(x)) and x.ndim > 0 and full(x)
    end)
    local x = ctx:of(id)
    local names = is_complex(x) and { 'fft', 'ifft', 'irfft', 'fftshift', 'fftn' }
      or { 'fft', 'ifft', 'rfft', 'fftshift', 'fftn', 'rfftn' }
    local name = ctx:one_of(names)
    if name == 'irfft' and x.shape[x.ndim] < 2 then name = 'ifft' end
    ctx:make('np.fft.%s(@%d)', name, id)
  end,
  function(ctx)
    local a = ctx:value(function(x) return is_complex(x) and x.ndim == 2 end)
    local b = ctx:value(function(y)
      return y.dtype == ctx:of(a).dtype and y.ndim == 2 and y.shape[1] == ctx:of(a).shape[2]
    end)
    ctx:make('np.matmul(@%d, @%d)', a, b)
  end,
  function(ctx) -- matrices, what does not depend on phases
    local n = size(ctx)
    local a, b = matrices(ctx, n, '0'), matrices(ctx, n, tostring(2 * n))
    local z = ctx:make('np.complex(0.5 * @%d, 0.2 * np.roll(@%d, 1))', b, a)
    ctx:make(ctx:one_of { 'np.abs(select(2, np.linalg.eigh(%s)))', 'np.linalg.eigvalsh(%s)',
      'np.linalg.slogdet(%s)', 'np.linalg.inv(%s)', 'np.linalg.norm(%s, 2)',
      'np.linalg.cholesky(%s)', 'select(2, np.linalg.qr(%s))', 'np.linalg.pinv(%s)',
      'np.sum(np.exp(0.2 * np.linalg.eigvals(%s)))' }, '@' .. z)
  end,
  function(ctx)
    local id = ctx:value(function(x) return is_complex(x) and full(x) and x.ndim > 0 end)
    ctx:make('np.%s(@%d, 1)', ctx:one_of { 'sum', 'mean', 'prod', 'cumsum', 'cumprod' }, id)
  end,
}

-- ---- loops, branches, transforms inside ----

-- The last float of a body with the shape of the first parameter, kept small.
local function carry_like(ctx, shape, dtype, p)
  local id = ctx:float(function(x) return x.dtype == dtype and x.size > 0 end)
  id = ctx:fit(id, shape)
  return ctx:make('0.5 * @%d + 0.5 * np.tanh(@%d)', p, id)
end

-- Something from outside the body, or a parameter.
local function anything(ctx)
  return ctx:float(function(x) return x.size > 0 and x.size <= 20 end)
end

local function small(ctx, least)
  return ctx:float(function(x)
    return x.dtype == ctx.root.dtype and x.size > 0 and x.size <= 30 and x.ndim >= least
  end)
end

local function scan(ctx)
  local init, xs = small(ctx, 0), small(ctx, 1)
  local c = ctx:of(init)
  local body = ctx:body({ c.examples, ctx:parts_of(xs, 1) }, ctx:pick(4), function(inner, p)
    return carry_like(inner, c.shape, c.dtype, p[1]), anything(inner)
  end)
  ctx:emit(('lax.scan(&1, @%d, @%d, { reverse = %s })'):format(init, xs,
    tostring(ctx:chance(0.4))), { body }, 2)
end

local function map(ctx)
  local xs = small(ctx, 1)
  local body = ctx:body({ ctx:parts_of(xs, 1) }, ctx:pick(4), function(inner)
    return anything(inner)
  end)
  ctx:emit(('lax.map(&1, @%d)'):format(xs), { body })
end

local function mapped(ctx)
  local xs = small(ctx, 1)
  local body = ctx:body({ ctx:parts_of(xs, 1) }, ctx:pick(4), function(inner)
    return anything(inner)
  end)
  ctx:emit(('imnn.vmap(&1)(@%d)'):format(xs), { body })
end

local function gradient(ctx)
  local x = small(ctx, 0)
  local body = ctx:body({ ctx:of(x).examples }, ctx:pick(3), function(inner)
    return inner:make('np.sum(@%d)', inner:float(function(y)
      return y.dtype == ctx.root.dtype and y.size > 0
    end))
  end)
  ctx:emit(('imnn.grad(&1)(@%d)'):format(x), { body })
end

local function forward(ctx)
  local x = small(ctx, 0)
  local body = ctx:body({ ctx:of(x).examples }, ctx:pick(3), function(inner)
    return anything(inner)
  end)
  ctx:emit(('imnn.jvp(&1, { @%d }, { np.cos(@%d) })'):format(x, x), { body }, 2)
end

local function checkpoint(ctx)
  local x = small(ctx, 0)
  local body = ctx:body({ ctx:of(x).examples }, ctx:pick(4), function(inner)
    return anything(inner)
  end)
  ctx:emit(('lax.checkpoint(&1)(@%d)'):format(x), { body })
end

local function fori(ctx)
  local x = small(ctx, 0)
  local c = ctx:of(x)
  local first = require('imnn').np.array(0, 'i32')
  local body = ctx:body({ { first }, c.examples }, ctx:pick(4), function(inner, p)
    return carry_like(inner, c.shape, c.dtype, p[2])
  end)
  local upper = tostring(ctx:pick(4) - 1)
  if ctx.depth == 0 and ctx:chance(0.2) then
    local n = ctx:value(function(v) return v.dtype == 'i32' and v.ndim == 0 end)
    upper, ctx.root.flags.forward = ('np.remainder(@%d, 4)'):format(n), true
  end
  ctx:emit(('lax.fori_loop(0, %s, &1, @%d)'):format(upper, x), { body })
end

local function while_loop(ctx)
  if ctx.depth > 0 then ctx:reject() end
  local x = small(ctx, 0)
  local c = ctx:of(x)
  local body = ctx:body({ c.examples }, ctx:pick(3), function(inner, p)
    return inner:make('0.6 * @%d', carry_like(inner, c.shape, c.dtype, p[1]))
  end)
  local cond = ctx:body({ c.examples }, 0, function(inner, p)
    return inner:make('np.gt(np.sum(@%d * @%d), %.3f)', p[1], p[1], ctx:between(0.05, 0.5))
  end)
  ctx:emit(("lax.while_loop(function(c) return np['and']((&2)(c[1]), np.lt(c[2], %d)) end, "
    .. "function(c) return { (&1)(c[1]), c[2] + 1 } end, { @%d, np.array(0, 'i32') })[1]"):format(
    1 + ctx:pick(4), x), { body, cond })
  ctx.root.flags.forward = true
end

local function branch(ctx)
  local x = small(ctx, 0)
  local bodies, shape = {}, nil
  for k = 1, 2 + (ctx:chance(0.4) and 1 or 0) do
    bodies[k] = ctx:body({ ctx:of(x).examples }, ctx:pick(3), function(inner)
      local id = inner:float(function(y)
        return y.dtype == ctx.root.dtype and y.size > 0 and y.size <= 20
      end)
      shape = shape or inner:of(id).shape
      return inner:fit(id, shape)
    end)
  end
  if #bodies == 2 then
    local p = ctx:make('np.gt(np.sum(@%d), %.3f)', ctx:some(), ctx:between(-2, 2))
    ctx:emit(('lax.cond(@%d, &1, &2, @%d)'):format(p, x), bodies)
  else
    local p = ctx:make("np.round(np.sum(np.sin(@%d))):astype 'i32'", ctx:some())
    ctx:emit(('lax.switch(@%d, { &1, &2, &3 }, @%d)'):format(p, x), bodies)
  end
end

local control = { scan, scan, map, mapped, gradient, forward, checkpoint, fori, while_loop, branch,
  branch, branch }

-- ---- choosing ----

local table_elementwise, table_structured = {}, {}
for _, op in ipairs(registry) do
  if op.elementwise then table_elementwise[#table_elementwise + 1] = elementwise(op)
  elseif op.cases and not op.name:find '^random_' and op.arity ~= 0
    and op.name ~= 'stop_gradient' and op.name ~= 'eig' then
    local all = cases.of(op)
    if #all > 0 then table_structured[#table_structured + 1] = structured(op, all) end
  end
end

--- One of the kinds.
function M.choose(ctx)
  local u = ctx.root.uniform()
  if u < 0.3 then return ctx:one_of(table_elementwise) end
  if u < 0.42 then return ctx:one_of(table_structured) end
  if u < 0.48 then return linalg end
  if u < 0.6 and ctx.depth < 2 then return ctx:one_of(control) end
  if u < 0.68 then return ctx:one_of(complex) end
  return ctx:one_of(numpy)
end

return M
