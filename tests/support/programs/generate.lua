--- Random programs. Every step is computed for all examples while the program grows, and kept if
-- it is tame: finite, smooth nearby, and not so steep that rounding errors would show.
-- @module tests.support.programs.generate
local imnn = require 'imnn'
local text = require 'tests.support.programs.text'
local np = imnn.np
local M = {}

M.EXAMPLES = 3
local MOST_ELEMENTS, MOST_AXES, LARGEST = 300, 5, 60
local STEEPEST = { f32 = 100, f64 = 3000 } -- product of slopes along the program
local STEP = { f32 = 1e-2, f64 = 1e-4 }    -- how far smoothness is looked for
local BEND = { f32 = 0.2, f64 = 0.02 }     -- how far slopes may differ on both sides

local Context = {}
Context.__index = Context
local rejected = {} -- thrown by steps that do not fit

-- ---- chance ----

local function generator(seed)
  local s = (seed * 2654435761) % 2 ^ 32
  return function()
    s = (1664525 * s + 1013904223) % 2 ^ 32
    return (s + 0.5) / 2 ^ 32
  end
end

--- 1 .. n.
function Context:pick(n) return math.floor(self.root.uniform() * n) + 1 end
function Context:chance(p) return self.root.uniform() < p end
function Context:one_of(list) return list[self:pick(#list)] end
function Context:between(lo, hi) return lo + (hi - lo) * self.root.uniform() end

--- Give up the step that is being made.
function Context.reject() error(rejected, 0) end

-- ---- values ----

local function is_float(x) return x.dtype == 'f32' or x.dtype == 'f64' end
local function is_complex(x) return x.dtype == 'c64' or x.dtype == 'c128' end
M.is_float, M.is_complex = is_float, is_complex

local function new_value(self, kind, examples, steep)
  local root = self.root
  root.count = root.count + 1
  local x = examples[1]
  root.info[root.count] = {
    name = kind .. root.count, shape = x.shape, dtype = x.dtype, examples = examples,
    varies = #examples > 1, size = x.size, ndim = #x.shape, steep = steep or 1,
  }
  return root.count
end

function Context:of(id) return self.root.info[id] end

--- A visible value for which fits(info) holds; the last ones more often.
function Context:value(fits)
  local list = self.visible
  for _ = 1, 12 do
    local from = self:chance(0.6) and math.max(1, #list - 5) or 1
    local id = list[from + self:pick(#list - from + 1) - 1]
    if not fits or fits(self:of(id)) then return id end
  end
  self:reject()
end
function Context:float(fits)
  return self:value(function(x) return is_float(x) and (not fits or fits(x)) end)
end
--- A float that has elements.
function Context:some(least)
  return self:float(function(x) return x.size > 0 and x.ndim >= (least or 0) end)
end

local function draw(self, shape, dtype, lo, hi)
  if dtype == 'c64' or dtype == 'c128' then
    local part = dtype == 'c64' and 'f32' or 'f64'
    return np.complex(draw(self, shape, part, lo, hi), draw(self, shape, part, lo, hi))
  end
  local n, values = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  if n == 0 then return np.zeros(shape, dtype) end
  for i = 1, n do
    local x = self:between(lo, hi)
    values[i] = dtype == 'bool' and x > (lo + hi) / 2
      or (dtype == 'i32' or dtype == 'u32') and math.floor(x) or dtype == 'bool' and false or x
  end
  return np.array(values, dtype):reshape(shape)
end

--- A captured array.
function Context:constant(shape, dtype, lo, hi)
  local id = new_value(self, 'c', { draw(self, shape, dtype, lo, hi) })
  local list = self.root.constants
  list[#list + 1] = id
  return id
end

-- ---- steps ----

local function tame(x)
  if x.size > MOST_ELEMENTS or #x.shape > MOST_AXES then return false end
  if not is_float(x) and not is_complex(x) then return true end
  for _, v in ipairs((is_complex(x) and np.abs(x) or x):values()) do
    if not (math.abs(v) <= LARGEST) then return false end
  end
  return true
end

local function given(self, used, k)
  local out = {}
  for i, id in ipairs(used) do
    local list = self:of(id).examples
    out[i] = list[k] or list[1]
  end
  return out
end

-- x + h s with random signs s
local function nudged(self, list)
  local up, down, h = {}, {}, 0
  for i, x in ipairs(list) do
    up[i], down[i] = x, x
    if (is_float(x) or is_complex(x)) and x.size > 0 then
      local signs = {}
      for j = 1, x.size do signs[j] = self:chance(0.5) and 1 or -1 end
      local part = (x.dtype == 'f32' or x.dtype == 'c64') and 'f32' or 'f64'
      h = math.max(h, STEP[part])
      local s = np.array(signs, part):reshape(x.shape) * h
      if is_complex(x) then s = s * (self:chance(0.5) and 1i or 1) end
      up[i], down[i] = x + s, x - s
    end
  end
  return up, down, h
end

local function parts(x)
  if is_complex(x) then return { np.real(x):values(), np.imag(x):values() } end
  return { x:values() }
end

-- The steepest slope on both sides; nil where they differ.
local function slopes(x, up, down, h)
  local most, a, b, c = 0, parts(x), parts(up), parts(down)
  local bend = BEND[(x.dtype == 'f32' or x.dtype == 'c64') and 'f32' or 'f64']
  for k, values in ipairs(a) do
    for i, v in ipairs(values) do
      local u, d = b[k][i], c[k][i]
      if not is_float(x) and not is_complex(x) then
        if u ~= v or d ~= v then return nil end
      else
        local right, left = (u - v) / h, (v - d) / h
        local size = math.max(math.abs(right), math.abs(left))
        if not (math.abs(right - left) <= bend * (1 + size)) then return nil end
        most = math.max(most, size)
      end
    end
  end
  return most
end

-- How steep the results are; the step is rejected where they have kinks, or are too steep.
local function steepness(self, fn, used, list, results)
  local before = 1
  for _, id in ipairs(used) do before = math.max(before, self:of(id).steep) end
  for _ = 1, 2 do
    local up, down, h = nudged(self, list)
    if h > 0 then
      local a, b = { fn(unpack(up)) }, { fn(unpack(down)) }
      for i, x in ipairs(results) do
        local slope = slopes(x, a[i], b[i], h)
        if not slope then self:reject() end
        results.steep = math.max(results.steep or 1, slope)
      end
    end
  end
  local steep = before * (results.steep or 1)
  if steep > STEEPEST[self.root.dtype] then self:reject() end
  return steep
end

--- Add a step and give its results.
-- @tparam string code what it does, as text.lua has it
-- @tparam[opt] table bodies
-- @tparam[opt] number count of results
function Context:emit(code, bodies, count)
  local step = { out = {}, text = code, bodies = bodies }
  for i = 1, count or 1 do
    step.out[i] = self.root.count + i
    self.root.info[step.out[i]] = { name = 'v' .. step.out[i] }
  end
  local fn, used = text.step(self.root.info, step)
  local varies = false
  for _, id in ipairs(used) do varies = varies or self:of(id).varies end
  local examples, steep = {}, 1
  for k = 1, varies and M.EXAMPLES or 1 do
    local list = given(self, used, k)
    local out = { pcall(fn, unpack(list)) }
    if not out[1] then
      if tostring(out[2]):find 'is singular' or tostring(out[2]):find 'positive definite' then
        self:reject() -- it has no value here
      end
      error({ step = step, message = out[2] }, 0)
    end
    local results = { unpack(out, 2) }
    for i, x in ipairs(results) do
      if not tame(x) then self:reject() end
      examples[i] = examples[i] or {}
      examples[i][k] = x
      if k > 1 and (x.dtype ~= examples[i][1].dtype
          or table.concat(x.shape, ',') ~= table.concat(examples[i][1].shape, ',')) then
        error({ step = step, message = 'the type depends on the values' }, 0)
      end
    end
    steep = math.max(steep, steepness(self, fn, used, list, results))
  end
  for i = 1, #step.out do
    local id = new_value(self, 'v', examples[i], steep)
    assert(id == step.out[i])
    self.visible[#self.visible + 1] = id
  end
  self.steps[#self.steps + 1] = step
  return unpack(step.out)
end

--- The same for a format and its arguments.
function Context:make(code, ...) return self:emit(code:format(...)) end

-- ---- what steps need ----

--- x with all elements between lo and hi.
function Context:within(id, lo, hi)
  local x = self:of(id)
  local low, high = math.huge, -math.huge
  for _, a in ipairs(x.examples) do
    for _, v in ipairs(a:values()) do low, high = math.min(low, v), math.max(high, v) end
  end
  if low >= lo and high <= hi or x.size == 0 then return id end
  if not is_float(x) then return self:make('np.clip(@%d, %d, %d)', id, lo, hi) end
  return self:make('%.4g + %.4g * np.sin(@%d)', (lo + hi) / 2, 0.49 * (hi - lo), id)
end

--- A shape as text, its sizes marked.
function Context.sizes(shape)
  local out = {}
  for i, n in ipairs(shape) do out[i] = '<' .. n .. '>' end
  return '{ ' .. table.concat(out, ', ') .. ' }'
end

local function count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

--- x as an array of this shape: its elements in turn, each copy scaled differently.
function Context:fit(id, shape)
  local x = self:of(id)
  if table.concat(x.shape, ',') == table.concat(shape, ',') then return id end
  local n, m = x.size, count(shape)
  if n == 0 and m > 0 then self:reject() end
  if m > MOST_ELEMENTS then self:reject() end
  if x.ndim ~= 1 then id = self:make('np.reshape(@%d, { <%d> })', id, n) end
  if n < m then
    id = self:make('np.tile(@%d, <%d>)', id, math.ceil(m / n))
    n = n * math.ceil(m / n)
  end
  if n > m then id = self:make('@%d[{ { 1, <%d> } }]', id, m) end
  if is_float(x) and x.size < m then
    id = self:make("@%d * np.linspace(0.5, 1.5, <%d>, { dtype = '%s' })", id, m, x.dtype)
  end
  if #shape ~= 1 then id = self:make('np.reshape(@%d, %s)', id, self.sizes(shape)) end
  return id
end

--- A shape of small sizes.
function Context:shape(least, most)
  local out = {}
  for i = 1, least + self:pick(most - least + 1) - 1 do out[i] = self:one_of(self.root.pool) end
  return out
end

-- ---- bodies ----

--- A function of values like these, which gives what finish(body context, parameters) lists.
function Context:body(likes, length, finish)
  local inner = setmetatable({
    root = self.root, steps = {}, visible = {}, depth = self.depth + 1,
  }, Context)
  for _, id in ipairs(self.visible) do
    if self:of(id).size <= 40 then inner.visible[#inner.visible + 1] = id end
  end
  local params = {}
  for i, examples in ipairs(likes) do
    params[i] = new_value(self, 'p', examples)
    for _ = 1, 3 do inner.visible[#inner.visible + 1] = params[i] end -- thrice as likely
  end
  inner:grow(length)
  local results = { finish(inner, params) }
  local wanted = {}
  for _, id in ipairs(results) do wanted[id] = true end
  return { params = params, steps = text.live(inner.steps, wanted), results = results }
end

--- Examples of the k-th part of a value along its first axis.
function Context:parts_of(id, k)
  local out = {}
  for i, x in ipairs(self:of(id).examples) do out[i] = x[k] end
  return out
end

-- ---- programs ----

--- Add about `length` steps.
function Context:grow(length)
  local kinds = require('tests.support.programs.steps')
  local begin = #self.steps
  for _ = 1, 4 * length do
    if #self.steps - begin >= length then return end
    local kind = kinds.choose(self)
    local ok, why = pcall(kind, self)
    if not ok and why ~= rejected then error(why, 0) end
  end
end

local function dims(self)
  local pool = {}
  for i = 1, 3 do pool[i] = self:one_of { 1, 2, 3, 3, 4, 5, 5, 7 } end
  if self:chance(0.06) then pool[3] = 0 end
  return pool
end

local function add_inputs(self)
  local dtype = self.root.dtype
  local list = { dtype, dtype, dtype }
  for _, extra in ipairs { { 'i32', 0.5 }, { 'bool', 0.3 }, { dtype, 0.4 },
    { dtype == 'f32' and 'c64' or 'c128', 0.3 } } do
    if self:chance(extra[2]) then list[#list + 1] = extra[1] end
  end
  for i, kind in ipairs(list) do
    local shape, examples = self:shape(i == 1 and 1 or 0, i == 2 and 2 or 4), {}
    while count(shape) > 120 do table.remove(shape) end
    local batched = i == 1 or self:chance(0.6)
    local lo, hi = -2, 2
    if kind == 'i32' then lo, hi = 0, 9 end
    for k = 1, batched and M.EXAMPLES or 1 do
      examples[k] = draw(self, shape, kind, lo, hi)
    end
    local id = new_value(self, 'x', examples)
    self.visible[i] = id
    self.root.inputs[i] = id
  end
end

-- The last values, some that nothing else uses, and one that may be used.
local function choose_results(self)
  local used, leaves, out, have = {}, {}, {}, {}
  local list, inputs = self.visible, #self.root.inputs
  if #list == inputs then return nil end
  for _, step in ipairs(self.steps) do for id in pairs((text.uses(step))) do used[id] = true end end
  for i = inputs + 1, #list do if not used[list[i]] then leaves[#leaves + 1] = list[i] end end
  local function take(id)
    if id and not have[id] then have[id] = true; out[#out + 1] = id end
  end
  take(list[#list])
  for _ = 1, 5 do take(self:one_of(leaves)) end
  take(list[inputs + self:pick(#list - inputs)])
  return out
end

--- A random program; the same one for a seed.
-- @treturn table program, with `failure` where a step raised an error while it was being made
function M.program(seed)
  local self = setmetatable({
    uniform = generator(seed), steps = {}, visible = {}, info = {}, count = 0, constants = {},
    inputs = {}, depth = 0, flags = {},
  }, Context)
  self.root = self
  for _ = 1, 5 do self.uniform() end
  self.dtype = self:chance(0.75) and 'f64' or 'f32'
  self.pool = dims(self)
  add_inputs(self)
  local length = 4 + self:pick(46)
  local ok, why = pcall(self.grow, self, length)
  local program = {
    seed = seed, dtype = self.dtype, inputs = self.inputs, constants = self.constants,
    info = self.info, steps = self.steps, flags = self.flags,
  }
  if not ok then
    if type(why) ~= 'table' then error(why, 0) end
    program.steps[#program.steps + 1] = why.step
    program.results, program.failure = why.step.out, tostring(why.message)
  else
    program.results = choose_results(self)
    if not program.results then return nil end
  end
  return M.prune(program)
end

-- Whether some value has single precision.
local function is_coarse(info, steps, ids)
  for _, id in ipairs(ids) do
    local dtype = info[id].dtype
    if dtype == 'f32' or dtype == 'c64' then return true end
  end
  for _, step in ipairs(steps) do
    if is_coarse(info, {}, step.out) then return true end
    for _, body in ipairs(step.bodies or {}) do
      if is_coarse(info, body.steps, body.params) then return true end
    end
  end
  return false
end

--- Without what no result needs. The dtype of a program is f32 where any value is of it.
function M.prune(program)
  local wanted = {}
  for _, id in ipairs(program.results) do wanted[id] = true end
  local out = {}
  for k, v in pairs(program) do out[k] = v end
  out.steps = text.live(program.steps, wanted)
  for _, name in ipairs { 'inputs', 'constants' } do
    out[name] = {}
    for _, id in ipairs(program[name]) do
      if wanted[id] then out[name][#out[name] + 1] = id end
    end
  end
  out.dtype = is_coarse(out.info, out.steps, out.inputs) and 'f32' or 'f64'
  return out
end

return M
