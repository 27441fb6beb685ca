--- What has to agree whatever the program: at once and compiled, mapped and in a loop, forward and
-- reverse derivatives, any number of threads. Every check takes a function of lax that makes the
-- program, the inputs (lists: one Array, or one for each example where the input is batched) and
-- the dtype, and gives nil or a sentence.
-- @module tests.support.programs.agree
local imnn = require 'imnn'
local loops = require 'tests.support.programs.loops'
local text = require 'tests.support.programs.text'
local np = imnn.np
local M = {}

local near = { f32 = 2e-3, f64 = 1e-8 }

-- ---- comparing ----

local function floats(x) return x.dtype:find '^[fc]' ~= nil end
local function complex(x) return x.dtype == 'c64' or x.dtype == 'c128' end

-- Largest difference in units of 1 + |largest|.
local function distance(a, b)
  if complex(a) then
    return math.max(distance(np.real(a), np.real(b)), distance(np.imag(a), np.imag(b)))
  end
  local p, q, most, scale = a:values(), b:values(), 0, 1
  for i, x in ipairs(p) do
    local y = q[i]
    if type(x) == 'boolean' then most = x == y and most or math.huge
    elseif x ~= y and (x == x or y == y) then
      local d = math.abs(x - y)
      most = d == d and math.max(most, d) or math.huge
      scale = math.max(scale, math.abs(x))
    end
  end
  return most / scale
end

local function type_of(x) return ('%s (%s)'):format(x.dtype, table.concat(x.shape, ', ')) end

local function compare(what, expected, found, tolerance)
  if #expected ~= #found then
    return ('%s: %d results, not %d'):format(what, #found, #expected)
  end
  for i, a in ipairs(expected) do
    local b = found[i]
    if type_of(a) ~= type_of(b) then
      return ('%s: result %d is %s, not %s'):format(what, i, type_of(b), type_of(a))
    end
    local off = distance(a, b)
    if off > (floats(a) and tolerance or 0) then
      return ('%s: result %d is off by %g'):format(what, i, off)
    end
  end
end

local function with_threads(n, fn, ...)
  local before = imnn.threads()
  imnn.set_threads(n)
  local out = { pcall(fn, ...) }
  imnn.set_threads(before)
  if not out[1] then error(out[2], 0) end
  return unpack(out, 2)
end

local function same_bytes(what, fn, x)
  local first
  for _, n in ipairs { 1, 2, 3 } do
    local y = { with_threads(n, fn, unpack(x)) }
    for i, a in ipairs(y) do y[i] = text.bytes(a) end
    first = first or y
    for i, a in ipairs(y) do
      if a ~= first[i] then
        return ('%s: result %d has other bytes on %d threads'):format(what, i, n)
      end
    end
  end
end

-- ---- inputs ----

local function example(inputs, k)
  local out = {}
  for i, list in ipairs(inputs) do out[i] = list[k] or list[1] end
  return out
end

-- All examples along a new first axis, `times` times; and which inputs have it.
local function batch(inputs, times)
  local out, axes, size = {}, {}, 1
  for i, list in ipairs(inputs) do
    if #list > 1 then
      local all = {}
      for k = 1, times or #list do all[k] = list[(k - 1) % #list + 1] end
      out[i], axes[i], size = np.stack(all), 1, #all
    else
      out[i], axes[i] = list[1], false
    end
  end
  return out, axes, size
end

local function moving(inputs)
  local out = {}
  for i, list in ipairs(inputs) do if floats(list[1]) then out[#out + 1] = i end end
  return out
end

-- The same numbers on every machine.
local function generator(seed)
  local s = seed % 2 ^ 32
  return function()
    s = (1664525 * s + 1013904223) % 2 ^ 32
    return 2 * (s + 0.5) / 2 ^ 32 - 1
  end
end

local function direction(x, draw)
  local function some(dtype)
    local values = {}
    for i = 1, x.size do values[i] = draw() end
    return np.array(values, dtype):reshape(x.shape)
  end
  if x.size == 0 then return np.zeros_like(x) end
  if x.dtype == 'c64' then return np.complex(some 'f32', some 'f32') end
  if x.dtype == 'c128' then return np.complex(some 'f64', some 'f64') end
  return some(x.dtype)
end

-- The program as a function of its moving inputs, which gives its smooth results.
local function smooth(fn, x, at)
  return function(...)
    local all, given, out = { unpack(x) }, { ... }, {}
    for k, i in ipairs(at) do all[i] = given[k] end
    for _, y in ipairs { fn(unpack(all)) } do if floats(y) then out[#out + 1] = y end end
    return out
  end
end

-- sum of Re(u v)
local function dot(us, vs)
  local sum = 0
  for i, u in ipairs(us) do sum = sum + np.sum(np.real(u * vs[i])):astype 'f64' end
  return sum
end

-- ---- checks ----

--- Compiled as at once, on any number of threads.
function M.jit(make, inputs, dtype)
  local x, fn = example(inputs, 1), make(imnn.lax)
  local compiled = imnn.jit(fn)
  return compare('jit', { fn(unpack(x)) }, { compiled(unpack(x)) }, near[dtype])
    or same_bytes('jit', compiled, x)
end

--- Loops and branches as those of Lua.
function M.loops(make, inputs, dtype)
  local x = example(inputs, 1)
  return compare('loops', { make(loops)(unpack(x)) }, { make(imnn.lax)(unpack(x)) }, near[dtype])
end

local function in_a_loop(fn, inputs, size)
  local parts = {}
  for k = 1, size do
    for i, y in ipairs { fn(unpack(example(inputs, k))) } do
      parts[i] = parts[i] or {}
      parts[i][k] = y
    end
  end
  for i, list in ipairs(parts) do parts[i] = np.stack(list) end
  return parts
end

--- Mapped as in a loop, also from and to other axes.
function M.vmap(make, inputs, dtype)
  local fn = make(imnn.lax)
  local x, axes, size = batch(inputs)
  if size == 1 then return end
  local expected = in_a_loop(fn, inputs, size)
  local why = compare('vmap', expected, { imnn.vmap(fn, { in_axes = axes })(unpack(x)) },
    near[dtype])
  if why then return why end
  for i, axis in ipairs(axes) do
    if axis then
      axes[i] = -1
      x[i] = np.moveaxis(x[i], 1, -1)
    end
  end
  local last = imnn.jit(imnn.vmap(fn, { in_axes = axes, out_axes = -1 }))
  for i, y in ipairs(expected) do expected[i] = np.moveaxis(y, 1, -1) end
  return compare('jit of vmap, last axes', expected, { last(unpack(x)) }, near[dtype])
end

--- Mapped over many examples, which are cut into tiles, on any number of threads.
function M.tiles(make, inputs, dtype)
  local fn, many = make(imnn.lax), 203
  local x, axes, size = batch(inputs, many)
  if size == 1 then return end
  local few = select(3, batch(inputs))
  local expected = { imnn.vmap(fn, { in_axes = axes })(unpack((batch(inputs)))) }
  local place = np.remainder(np.arange(many):astype 'i32', few) + 1
  for i, y in ipairs(expected) do expected[i] = np.take(y, place, 1) end
  local mapped = imnn.jit(imnn.vmap(fn, { in_axes = axes }))
  return compare('tiles', expected, { mapped(unpack(x)) }, near[dtype])
    or same_bytes('tiles', mapped, x)
end

-- x moved by h along v
local function shifted(x, v, h)
  local out = {}
  for i, a in ipairs(x) do out[i] = a + h * v[i] end
  return out
end

-- Slopes of u . f along v by central differences of several widths; whether one is near.
local function like_a_difference(what, f, u, x, v, slope)
  local least, closest = math.huge, 0 / 0
  for _, h in ipairs { 1e-4, 1e-5, 1e-6, 1e-7 } do
    local high, low = f(unpack(shifted(x, v, h))), f(unpack(shifted(x, v, -h)))
    local difference = ((dot(u, high) - dot(u, low)) / (2 * h)):item()
    local off = math.abs(difference - slope) / (1 + math.abs(slope))
    if off < least then least, closest = off, difference end
  end
  if least > 1e-5 then
    return ('%s: slope %.10g, but differences give %.10g'):format(what, slope, closest)
  end
end

local function directions(list, seed)
  local draw, out = generator(seed), {}
  for i, x in ipairs(list) do out[i] = direction(x, draw) end
  return out
end

local function chosen(x, at)
  local out = {}
  for k, i in ipairs(at) do out[k] = x[i] end
  return out
end

-- What the checks of derivatives share: the smooth part of the program, where, along what.
local function setting(make, inputs)
  local x, at = example(inputs, 1), moving(inputs)
  if #at == 0 then return end
  local f, p = smooth(make(imnn.lax), x, at), chosen(x, at)
  local y = f(unpack(p))
  if #y == 0 then return end
  return f, p, y, directions(p, 3), directions(y, 5), x, at
end

local function slope_near(what, a, b, dtype)
  local off = math.abs(a - b) / (1 + math.abs(a))
  if not (off <= 100 * near[dtype]) then
    return ('%s: %.10g, not %.10g'):format(what, b, a)
  end
end

--- Forward derivatives are those of the values, at once and compiled.
function M.jvp(make, inputs, dtype)
  local f, p, y, v, u = setting(make, inputs)
  if not f then return end
  local value, moved = imnn.jvp(f, p, v)
  local slope = dot(u, moved):item()
  local compiled = imnn.jit(function(a, b) return select(2, imnn.jvp(f, a, b)) end)
  return compare('value of jvp', y, value, near[dtype])
    or compare('jit of jvp', moved, compiled(p, v), 10 * near[dtype])
    or dtype == 'f64' and like_a_difference('jvp', f, u, p, v, slope) or nil
end

--- Reverse derivatives are the transposed forward ones: u . (J v) = (u J) . v.
function M.vjp(make, inputs, dtype)
  local f, p, y, v, u = setting(make, inputs)
  if not f then return end
  local slope = dot(u, select(2, imnn.jvp(f, p, v))):item()
  local value, pull = imnn.vjp(f, unpack(p))
  local back = { pull(u) }
  local compiled = imnn.jit(function(a, b) return { select(2, imnn.vjp(f, unpack(a)))(b) } end)
  return compare('value of vjp', y, value, near[dtype])
    or slope_near('u J v, reverse', slope, dot(back, v):item(), dtype)
    or compare('jit of vjp', back, compiled(p, u), 10 * near[dtype])
    or same_bytes('jit of vjp', function(...) return unpack(compiled(...)) end, { p, u })
end

-- The gradient of a sum of squares of differences from means, whose reverse sweep can only begin
-- when all examples have been seen.
local function of_variances(f)
  local function sum(...)
    local total = 0
    for _, y in ipairs(f(...)) do
      local d = y - np.mean(y)
      total = total + np.sum(np.real(d * np.conj(d))):astype 'f64'
    end
    return total
  end
  return function(...)
    local _, pull = imnn.vjp(sum, ...)
    return pull(np.array(1, 'f64'))
  end
end

--- With as little memory as it can do with: the same bytes.
function M.memory(make, inputs)
  local x, axes, size = batch(inputs, 203)
  local at = moving(inputs)
  if size == 1 or #at == 0 then return end
  local f = smooth(imnn.vmap(make(imnn.lax), { in_axes = axes }), x, at)
  local gradient, p = of_variances(f), chosen(x, at)
  if #f(unpack(p)) == 0 then return end
  local function run(memory)
    return { imnn.jit(gradient, { memory = memory })(unpack(p)) }
  end
  local ok, why = pcall(run, 1)
  local least = not ok and tostring(why):match 'needs at least (%d+) bytes'
  if not least then return not ok and 'memory: ' .. tostring(why) or nil end
  local free, scarce = run(), run(tonumber(least))
  for i, y in ipairs(free) do
    if text.bytes(y) ~= text.bytes(scarce[i]) then
      return ('memory: result %d has other bytes when there is little'):format(i)
    end
  end
end

--- Second derivatives in forward, reverse and mixed mode.
function M.second(make, inputs, dtype)
  local f, p, _, v, u = setting(make, inputs)
  if not f then return end
  local w = directions(p, 7)
  local function slope(...) return dot(u, select(2, imnn.jvp(f, { ... }, v))) end
  local function pulled(...)
    local back = { select(2, imnn.vjp(f, ...))(u) }
    return dot(back, v)
  end
  local one = np.array(1, 'f64')
  local forward = select(2, imnn.jvp(slope, p, w)):item()
  local mixed = select(2, imnn.jvp(pulled, p, w)):item()
  local back = dot({ select(2, imnn.vjp(slope, unpack(p)))(one) }, w):item()
  local twice = dot({ select(2, imnn.vjp(pulled, unpack(p)))(one) }, w):item()
  return slope_near('jvp of vjp', forward, mixed, dtype)
    or slope_near('vjp of jvp', forward, back, dtype)
    or slope_near('vjp of vjp', forward, twice, dtype)
    or dtype == 'f64' and like_a_difference('jvp of jvp',
      function(...) return { pulled(...) } end, { one }, p, w, forward) or nil
end

--- The same of forward derivatives only, for what has no others.
function M.second_forward(make, inputs, dtype)
  local f, p, _, v, u = setting(make, inputs)
  if not f or dtype ~= 'f64' then return end
  local w = directions(p, 7)
  local function slope(...) return dot(u, select(2, imnn.jvp(f, { ... }, v))) end
  local forward = select(2, imnn.jvp(slope, p, w)):item()
  return like_a_difference('jvp of jvp', function(...) return { slope(...) } end,
    { np.array(1, 'f64') }, p, w, forward)
end

local function mapped_derivative(what, make, inputs, dtype, derive)
  local x, axes, size = batch(inputs)
  local at = moving(inputs)
  if size == 1 or #at == 0 then return end
  local fn = make(imnn.lax)
  local function one(...) return derive(fn, { ... }, at) end
  local expected = in_a_loop(one, inputs, size)
  local found = { imnn.jit(imnn.vmap(one, { in_axes = axes }))(unpack(x)) }
  return compare(what, expected, found, 10 * near[dtype])
end

--- Forward derivatives are mapped as in a loop.
function M.vmap_jvp(make, inputs, dtype)
  return mapped_derivative('vmap of jvp', make, inputs, dtype, function(fn, x, at)
    local p = chosen(x, at)
    return unpack((select(2, imnn.jvp(smooth(fn, x, at), p, directions(p, 11)))))
  end)
end

--- Reverse derivatives are mapped as in a loop.
function M.vmap_vjp(make, inputs, dtype)
  return mapped_derivative('vmap of vjp', make, inputs, dtype, function(fn, x, at)
    local y, pull = imnn.vjp(smooth(fn, x, at), unpack(chosen(x, at)))
    if #y == 0 then return end
    return pull(directions(y, 13))
  end)
end

--- The reverse derivative of the mapped program is that of every example, and the sum of them
-- for inputs that are not batched; on any number of threads.
function M.vjp_vmap(make, inputs, dtype)
  local x, axes, size = batch(inputs)
  local at = moving(inputs)
  if size == 1 or #at == 0 then return end
  local fn = imnn.vmap(make(imnn.lax), { in_axes = axes })
  local f, p = smooth(fn, x, at), chosen(x, at)
  local y = f(unpack(p))
  if #y == 0 then return end
  local v, u = directions(p, 3), directions(y, 5)
  local slope = dot(u, select(2, imnn.jvp(f, p, v))):item()
  local compiled = imnn.jit(function(a, b) return { select(2, imnn.vjp(f, unpack(a)))(b) } end)
  return slope_near('u J v of vmap, reverse', slope, dot(compiled(p, u), v):item(), dtype)
    or same_bytes('vjp of vmap', function(...) return unpack(compiled(...)) end, { p, u })
end

return M
