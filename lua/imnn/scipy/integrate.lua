--- Ordinary differential equations, under the names of scipy.integrate and jax.experimental.ode;
-- integrals of samples, which are those of imnn.numpy.
-- @module imnn.scipy.integrate
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local common = require 'imnn.transform.common'
local core = require 'imnn.core'
local custom_vjp = require('imnn.lax.custom').custom_vjp
local derivatives = require 'imnn.transform.derivatives'
local loop = require 'imnn.lax.loop'
local np = require 'imnn.numpy'
local promote = require 'imnn.numpy.promote'
local traced = require 'imnn.lax.traced'
local transformed = require('imnn.transform.program').transformed
local tree = require 'imnn.tree'
local C = core.C
local M = { trapezoid = np.trapezoid, cumulative_trapezoid = np.cumulative_trapezoid }

-- ---- what is given ----

local option_rows = {
  rtol = { 'number', optional = true }, atol = { 'number', optional = true },
  mxstep = { 'integer', default = 10000 }, hmax = { 'number', default = math.huge, any = true },
  method = { 'string', default = 'dopri5' }, steps = { 'integer', default = 1 },
}

-- Arguments and, if the last one is a table of names of options only, these.
local function split(who, ...)
  local n, given = select('#', ...), { ... }
  local last, opts = given[n], nil
  if n > 0 and type(last) == 'table' and getmetatable(last) == nil and next(last) ~= nil then
    opts = last
    for key in pairs(last) do
      if not option_rows[key] then opts = nil end
    end
  end
  if opts then n, given[n] = n - 1, nil end
  local o = args.take(who, opts, option_rows)
  for _, name in ipairs { 'rtol', 'atol' } do
    if o[name] and o[name] < 0 then core.raise('%s: %s must not be negative', who, name) end
  end
  for _, name in ipairs { 'mxstep', 'steps' } do
    if o[name] < 1 then core.raise('%s: %s must be positive, got %d', who, name, o[name]) end
  end
  if not (o.hmax > 0) then core.raise('%s: hmax must be positive, got %g', who, o.hmax) end
  if o.method ~= 'dopri5' and o.method ~= 'rk4' then
    core.raise('%s: method is "dopri5" or "rk4", got "%s"', who, o.method)
  end
  return given, n, o
end

-- Times (n) and leaves of y0 as Arrays of dtypes that go together: times have that of y0.
local function start_of(who, y0, t)
  t = traced.lift(who, 't', type(t) == 'table' and np.array(t) or t)
  if t.ndim ~= 1 or t.size == 0 then
    core.raise('%s: t must be times (n), got (%s)', who, table.concat(t.shape, ', '))
  end
  if not promote.is_float(t.dtype) then t = t:astype(array.default_dtype()) end
  local leaves, wide = {}, false
  for i, y in ipairs(tree.leaves(y0)) do
    y = traced.lift(who, 'y0', y, type(y) == 'number' and t.dtype or nil)
    if not promote.is_float(y.dtype) then y = y:astype(t.dtype) end
    leaves[i] = y
    wide = wide or y.dtype == 'f64' or y.dtype == 'c128'
  end
  if #leaves == 0 then core.raise('%s: y0 holds no arrays', who) end
  return leaves, t:astype(wide and 'f64' or 'f32'), wide
end

-- What func gives, as leaves like those of y.
local function slopes(who, y0, leaves, dy)
  if tree.structure(dy) ~= tree.structure(y0) then
    core.raise('%s: func gives %s, y0 is %s', who, tree.structure(dy), tree.structure(y0))
  end
  local out, given = {}, tree.leaves(dy)
  if #given ~= #leaves then
    core.raise('%s: func gives %d arrays for the %d of y0', who, #given, #leaves)
  end
  for i, d in ipairs(given) do
    local y = leaves[i]
    if type(d) == 'number' then d = np.full(y.shape, d, y.dtype) end
    d = traced.lift(who, 'slopes', d)
    local got, want = table.concat(d.shape, ', '), table.concat(y.shape, ', ')
    if got ~= want then core.raise('%s: func gives (%s) for (%s)', who, got, want) end
    out[i] = d:astype(y.dtype)
  end
  return out
end

-- ---- lists of arrays ----

-- y + h (c1 k1 + c2 k2 + ...), whose coefficients may be 0; without y the sum alone.
local function moved(y, h, coefficients, k)
  local out = {}
  for i = 1, #k[1] do
    local sum
    for j, c in ipairs(coefficients) do
      if c ~= 0 then sum = sum and sum + c * k[j][i] or c * k[j][i] end
    end
    out[i] = y and y[i] + h * sum or h * sum
  end
  return out
end

local function choose(condition, a, b)
  return tree.map(function(x, y) return np.where(condition, x, y) end, a, b)
end

-- ---- Runge-Kutta of fourth order, in steps that are given ----

local function rk4_step(f, y, t, h)
  local k1 = f(y, t)
  local k2 = f(moved(y, h, { 0.5 }, { k1 }), t + h / 2)
  local k3 = f(moved(y, h, { 0.5 }, { k2 }), t + h / 2)
  local k4 = f(moved(y, h, { 1 }, { k3 }), t + h)
  return moved(y, h, { 1 / 6, 1 / 3, 1 / 3, 1 / 6 }, { k1, k2, k3, k4 })
end

local function range(x, first, last) return x[{ { first, last } }] end

-- Leaves (n, ...) of the solution: the first one and those behind.
local function joined(first, rest)
  return tree.map(function(y, ys) return np.concatenate({ np.expand_dims(y, 1), ys }, 1) end, first,
    rest)
end

--- Solve dy/dt = func(y, t, ...) by the classical Runge-Kutta method, in `steps` equal steps from
-- each time to the next one. Everything has derivatives in both modes: it is a `lax.scan`.
-- @tparam function func (y, t, ...) -> dy/dt, a tree like y
-- @tparam Array|table y0 the solution at t[1], a tree
-- @tparam Array|table t times (n), in any order
-- @param ... arguments of func, and then perhaps options: steps = 1
-- @treturn Array|table like y0 with one more axis in front: (n, ...)
-- @raise slopes that are not like y0
-- @usage local function slope(y) return -y end
-- scipy.integrate.rk4(slope, 1, { 0, 1 }, { steps = 10 }) --> { 1, 0.36788 }
function M.rk4(func, y0, t, ...)
  local who = 'rk4'
  common.callable(who, func)
  local given, n, o = split(who, ...)
  return transformed(function(first, times, ...)
    local more = { ... }
    local leaves, at = start_of(who, first, times)
    local function f(y, time)
      return slopes(who, first, leaves, func(tree.unflatten(first, y), time, unpack(more, 1, n)))
    end
    if #at == 1 then
      return tree.unflatten(first, tree.map(function(y) return np.expand_dims(y, 1) end, leaves))
    end
    local from, to = range(at, 1, #at - 1), range(at, 2, #at)
    local _, ys = loop.scan(function(y, x)
      local h = (x[2] - x[1]) / o.steps
      if o.steps == 1 then y = rk4_step(f, y, x[1], h)
      else
        y = loop.fori_loop(0, o.steps, function(i, inner)
          return rk4_step(f, inner, x[1] + h * i:astype(h.dtype), h)
        end, y)
      end
      return y, y
    end, leaves, { from, to })
    return tree.unflatten(first, joined(leaves, ys))
  end)(y0, t, unpack(given, 1, n))
end

-- ---- Dormand-Prince of fifth order, in steps that it chooses ----

-- Dormand & Prince 1980, J. Comp. Appl. Math. 6, 19; the continuous extension is that of Hairer,
-- Norsett & Wanner, Solving Ordinary Differential Equations I, II.6.
local nodes = { 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1 }
local stages = {
  { 1 / 5 }, { 3 / 40, 9 / 40 }, { 44 / 45, -56 / 15, 32 / 9 },
  { 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729 },
  { 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656 },
  { 35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84 },
}
local errors = { 71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40 }
local dense = {
  -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072,
  701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
}

-- Root of the mean square of all elements over their scales.
local function size_of(x, scales)
  local sum, count = 0, 0
  for i, v in ipairs(x) do
    local part = np.square(np.abs(v) / scales[i]):sum()
    sum, count = sum + part, count + v.size
  end
  return np.sqrt(sum / math.max(count, 1))
end

local function frozen(x) return array.apply('stop_gradient', { x }) end

local function scales_of(y, z, o)
  return tree.map(function(a, b)
    return o.atol + o.rtol * np.maximum(np.abs(a), np.abs(b))
  end, y, z)
end

-- A first step: such that it changes little by Euler's method and by the second derivative (Hairer,
-- Norsett & Wanner, II.4).
local function first_step(f, y, t, k, sign, o)
  y, k = tree.map(frozen, y), tree.map(frozen, k)
  local scales = scales_of(y, y, o)
  local d0, d1 = size_of(y, scales), size_of(k, scales)
  local small = np['or'](np.lt(d0, 1e-5), np.lt(d1, 1e-5))
  local h0 = np.where(small, 1e-6, 0.01 * d0 / np.where(small, 1, d1))
  local other = f(moved(y, sign * h0, { 1 }, { k }), frozen(t) + sign * h0)
  local d2 = size_of(tree.map(function(a, b) return a - b end, other, k), scales) / h0
  local most = np.maximum(d1, d2)
  local flat = np.le(most, 1e-15)
  local h1 = np.where(flat, np.maximum(1e-6, h0 * 1e-3),
    (0.01 / np.where(flat, 1, most)) ^ 0.2)
  local h = np.minimum(np.minimum(100 * h0, h1), o.hmax)
  return frozen(sign * np.where(np.isfinite(h), h, h0))
end

-- A walk from t[1] towards t_end: where it is, the slope there, the next step, and the polynomials
-- of the last one.
local function begin(f, y, t, sign, o)
  local k = f(y, t)
  local zeros = tree.map(np.zeros_like, y)
  return {
    y = y, k = k, t = t, h = first_step(f, y, t, k, sign, o), from = t, size = np.ones_like(t),
    curve = { y, zeros, zeros, zeros, zeros }, count = np.array(0, 'i32'),
  }
end

-- One step, which is taken if its error is small enough; the length of the next one follows from
-- the error. Lengths have no derivatives, but for the last one, which ends at t_end.
local function step(f, s, t_end, sign, o)
  local left = t_end - s.t
  local last = np.le(sign * left, sign * s.h)
  local h = np.where(last, left, s.h)
  local k, y = { s.k }, nil
  for i, coefficients in ipairs(stages) do
    y = moved(s.y, h, coefficients, k)
    k[i + 1] = f(y, s.t + nodes[i] * h)
  end
  local ratio = frozen(size_of(moved(nil, h, errors, k), scales_of(s.y, y, o)))
  local known = np.eq(ratio, ratio)
  local factor = np.where(known, np.clip(0.9 * np.where(known, ratio, 1) ^ -0.2, 0.2, 10), 0.2)
  local taken = np.le(ratio, 1)
  local rise = tree.map(function(a, b) return b - a end, s.y, y)
  local c3 = tree.map(function(slope, r) return h * slope - r end, s.k, rise)
  local c4 = tree.map(function(r, slope, c) return r - h * slope - c end, rise, k[7], c3)
  local curve = { s.y, rise, c3, c4, moved(nil, h, dense, k) }
  for i = 1, 5 do curve[i] = choose(taken, curve[i], s.curve[i]) end
  return {
    y = choose(taken, y, s.y), k = choose(taken, k[7], s.k), curve = curve,
    t = np.where(taken, np.where(last, t_end, s.t + h), s.t), from = np.where(taken, s.t, s.from),
    size = np.where(taken, h, s.size), count = s.count + 1,
    h = frozen(sign * np.minimum(np.abs(h) * factor, o.hmax)),
  }
end

-- Steps until a time is reached, and the solution there: NaN where it is not.
local function advance(f, s, target, t_end, sign, o)
  s.count = np.array(0, 'i32')
  s = loop.while_loop(function(w)
    local going = np['and'](np.gt(sign * (target - w.t), 0), np.lt(w.count, o.mxstep))
    return np['and'](going, np.ne(w.t + w.h, w.t))
  end, function(w) return step(f, w, t_end, sign, o) end, s)
  local x = (target - s.from) / s.size
  local rest = 1 - x
  local reached = np.le(sign * (target - s.t), 0)
  local y = tree.map(function(c1, c2, c3, c4, c5)
    return np.where(reached, c1 + x * (c2 + rest * (c3 + x * (c4 + rest * c5))), 0 / 0)
  end, unpack(s.curve))
  return s, y
end

local function sign_of(from, to)
  return frozen(np.where(np.ge(to, from), 1, -1):astype(to.dtype))
end

-- The solution at all times: leaves (n, ...).
local function solve(f, y, t, o)
  local n = #t
  if n == 1 then return tree.map(function(v) return np.expand_dims(v, 1) end, y) end
  local t_end, sign = t[n], sign_of(t[1], t[n])
  local _, ys = loop.scan(function(s, target)
    return advance(f, s, target, t_end, sign, o)
  end, begin(f, y, t[1], sign, o), range(t, 2, n))
  return joined(y, ys)
end

local function dot(a, b)
  local sum
  for i, x in ipairs(a) do
    local part = (x * b[i]):sum()
    sum = sum and sum + part or part
  end
  return sum
end

-- Cotangents of y0, t and p from those of the solution: the equations of y, of its cotangent and of
-- the sum for p, from each time back to the one before, where y begins at its value anew.
local function adjoint(f, ys, t, p, g, o)
  local n, m = #t, #ys
  local function at(i) return function(x) return x[i] end end
  local function back(all, time)
    local y, u = { unpack(all, 1, m) }, { unpack(all, m + 1, 2 * m) }
    local dy, pull = derivatives.vjp(function(a, b) return f(a, time, b) end, y, p)
    local du, dp = pull(u)
    local out = { unpack(dy) }
    for _, list in ipairs { du, dp } do
      for _, x in ipairs(list) do out[#out + 1] = -x end
    end
    return out
  end
  local u, dp, dt = tree.map(np.zeros_like, tree.map(at(1), ys)), tree.map(np.zeros_like, p), nil
  if n > 1 then
    local carry, slopes_of_t = loop.scan(function(c, x)
      local y, before, time, given = x[1], x[2], x[3], x[4]
      local start = { unpack(y) }
      for i, v in ipairs(c[1]) do start[#start + 1] = v + given[i] end
      for _, v in ipairs(c[2]) do start[#start + 1] = v end
      local sign = sign_of(time, before)
      local _, all = advance(back, begin(back, start, time, sign, o), before, before, sign, o)
      return { { unpack(all, m + 1, 2 * m) }, { unpack(all, 2 * m + 1) } },
        dot(given, f(y, time, p))
    end, { u, dp }, {
      tree.map(function(y) return range(y, 2, n) end, ys), range(t, 1, n - 1), range(t, 2, n),
      tree.map(function(v) return range(v, 2, n) end, g),
    }, { reverse = true })
    u, dp, dt = carry[1], carry[2], slopes_of_t
  end
  local first = -dot(u, f(tree.map(at(1), ys), t[1], p))
  first = np.expand_dims(np.real(first), 1)
  dt = dt and np.concatenate({ first, np.real(dt) }, 1) or first
  return tree.map(function(a, b) return a + b end, u, tree.map(at(1), g)), dt, dp
end

-- ---- functions as functions of all that they read ----

local MOST = 1024 -- variables

-- What nodes read beside placeholders and constants.
local function captured_by(graph, holes, results)
  local out, n = ffi.new('imnn_node[?]', MOST), ffi.new 'int[1]'
  core.check(C.imnn_graph_captured(graph, #holes, array.nodes(holes), #results,
    array.nodes(results), MOST, n, out))
  if n[0] > MOST then
    core.raise('odeint: func reads %d traced arrays from outside, at most %d', n[0], MOST)
  end
  local list = {}
  for i = 1, n[0] do list[i] = array.tracer(out[i - 1]) end
  return list
end

-- The smooth arrays among arguments, and a function that puts others in their places.
local function parameters_of(given, n)
  local list = {}
  for i = 1, n do
    tree.map(function(x)
      if array.is(x) and promote.is_float(x.dtype) then list[#list + 1] = array.lift(x) end
      return x
    end, given[i] == nil and {} or given[i])
  end
  return list, function(other)
    local at, out = 0, {}
    for i = 1, n do
      out[i] = given[i] ~= nil and tree.map(function(x)
        if not (array.is(x) and promote.is_float(x.dtype)) then return x end
        at = at + 1
        return other[at]
      end, given[i]) or nil
    end
    return out
  end
end

local function joined_lists(...)
  local out = {}
  for _, list in ipairs { ... } do
    for _, x in ipairs(list) do out[#out + 1] = x end
  end
  return out
end

-- func as f(y, t, p) of leaves, times and the list p of all else that it reads.
local function converted(graph, who, func, y0, leaves, t, given, n)
  local list, filled = parameters_of(given, n)
  local y, time = traced.holes_for(leaves), common.placeholder_like(t)
  local p = traced.holes_for(list)
  local results = slopes(who, y0, leaves,
    func(tree.unflatten(y0, y), time, unpack(filled(p), 1, n)))
  for i, r in ipairs(results) do results[i] = array.lift(r) end
  local holes = joined_lists(y, { time }, p)
  local captured = captured_by(graph, holes, results)
  local from = joined_lists(holes, captured)
  return function(ys, at, all)
    return common.substitute(array.graph(), results, from, joined_lists(ys, { at }, all))
  end, joined_lists(list, captured)
end

--- Solve dy/dt = func(y, t, ...) by the method of Dormand and Prince, of fifth order, in steps of
-- which the estimated errors are at most atol + rtol |y|; between them it is a polynomial.
--
-- All arguments and what func uses from outside have derivatives: y0, t, parameters. Forward ones
-- are those of the steps (in a `lax.while_loop`), reverse ones solve the adjoint equations from
-- each time back to the one before (Chen et al. 2018, arXiv:1806.07366), with the same tolerances
-- and without memory for the steps. Reverse ones can be differentiated forward: `imnn.hessian`.
-- For derivatives of any order, or equations that cannot be solved backwards, there is
-- `method = 'rk4'`.
-- @tparam function func (y, t, ...) -> dy/dt, a tree like y
-- @tparam Array|table y0 the solution at t[1], a tree of arrays and numbers
-- @tparam Array|table t times (n), ascending or descending
-- @param ... arguments of func, and then perhaps options: rtol and atol (1.4e-8; 1e-6 in f32);
-- mxstep (10000), steps from one time to the next; hmax, the longest step; method, 'dopri5' or
-- 'rk4', with `steps` from one time to the next
-- @treturn Array|table like y0 with one more axis in front: (n, ...). NaN from where it cannot go
-- on; outside of traces this is an error
-- @raise slopes that are not like y0
-- @usage local y0 = np.array(1, 'f64')
-- scipy.integrate.odeint(function(y, t, k) return -k * y end, y0, { 0, 1 }, 2) --> { 1, 0.135335 }
function M.odeint(func, y0, t, ...)
  local who = 'odeint'
  common.callable(who, func)
  local given, n, o = split(who, ...)
  if o.method == 'rk4' then
    given[n + 1] = { steps = o.steps }
    return M.rk4(func, y0, t, unpack(given, 1, n + 1))
  end
  local y = transformed(function(first, times, ...)
    local more = { ... }
    return common.scoped(function(graph)
      local leaves, at, wide = start_of(who, first, times)
      local f, p = converted(graph, who, func, first, leaves, at[1], more, n)
      local tolerances = { rtol = o.rtol or wide and 1.4e-8 or 1e-6,
        atol = o.atol or wide and 1.4e-8 or 1e-6, mxstep = o.mxstep, hmax = o.hmax }
      local function with(all) return function(a, b) return f(a, b, all) end end
      local solution = custom_vjp(function(a, b, all)
        return solve(with(all), a, b, tolerances)
      end, { forward = true })
      solution:defvjp(function(a, b, all)
        local ys = solve(with(all), a, b, tolerances)
        return ys, { ys, b, all }
      end, function(kept, u) return adjoint(f, kept[1], kept[2], kept[3], u, tolerances) end)
      return tree.unflatten(first, solution(leaves, at, p))
    end)
  end)(y0, t, unpack(given, 1, n))
  for _, x in ipairs(tree.leaves(y)) do
    if not array.traced(x) and np.any(np.isnan(x)):item() then
      core.raise('%s: it cannot go on: slopes are not finite, or more than mxstep = %d steps '
        .. 'from one time to the next are needed', who, o.mxstep)
    end
  end
  return y
end

return require('imnn.args').strict('scipy.integrate', M)
