--- The smallest program that fails in the same way: results and steps are dropped, values become
-- inputs or arguments of the step that made them, sizes shrink.
-- @module tests.support.programs.shrink
local agree = require 'tests.support.programs.agree'
local generate = require 'tests.support.programs.generate'
local imnn = require 'imnn'
local text = require 'tests.support.programs.text'
local np = imnn.np
local M = {}

local function copy(t)
  local out = {}
  for k, v in pairs(t) do out[k] = v end
  return out
end

local function inputs_of(program)
  local out = {}
  for i, id in ipairs(program.inputs) do out[i] = program.info[id].examples end
  return out
end

--- What a check says about a program: nil, or a sentence.
function M.verdict(program, check)
  local ok, why = pcall(function()
    return agree[check](text.make(program), inputs_of(program), program.dtype)
  end)
  return why and (ok and why or 'error: ' .. tostring(why)) or nil
end

-- Failures of one kind have the same first words.
local function kind(why) return why and why:match '^[^:%d]*' end

-- Whether the program is sound, that is, can be computed at once.
local function runs(program)
  local fn = text.make(program)(imnn.lax)
  local x = {}
  for i, list in ipairs(inputs_of(program)) do x[i] = list[1] end
  return (pcall(fn, unpack(x)))
end

-- ---- smaller programs: functions (program, try), where try says whether the change is kept ----

local function fewer_results(program, try)
  for i = #program.results, 1, -1 do
    if #program.results > 1 and i <= #program.results then
      local p = copy(program)
      p.results = { unpack(program.results) }
      table.remove(p.results, i)
      program = try(p) or program
    end
  end
  for _, step in ipairs(program.steps) do -- an earlier value as the only result
    for _, id in ipairs(step.out) do
      local p = copy(program)
      p.results = { id }
      local q = try(p)
      if q then return q end
    end
  end
  return program
end

-- Values of steps (not of bodies) become inputs.
local function inputs_instead(program, try)
  for at = #program.steps, 1, -1 do
    local step = program.steps[at]
    local p = copy(program)
    if step then
      p.steps, p.inputs, p.info = {}, { unpack(program.inputs) }, copy(program.info)
      for i, s in ipairs(program.steps) do if i ~= at then p.steps[#p.steps + 1] = s end end
      for _, id in ipairs(step.out) do
        p.inputs[#p.inputs + 1] = id
        p.info[id] = copy(program.info[id])
        p.info[id].name = 'x' .. id
      end
      local before = #program.steps
      program = try(p) or program
      if #program.steps < before - 1 then return program end
    end
  end
  return program
end

local function mentions(body, id)
  for _, r in ipairs(body.results) do if r == id then return true end end
  for _, s in ipairs(body.steps) do if (text.uses(s))[id] then return true end end
end

-- The steps of a body of a step replaced by others.
local function with_body(program, at, k, body)
  local p, step = copy(program), copy(program.steps[at])
  step.bodies = { unpack(step.bodies) }
  step.bodies[k] = body
  p.steps = { unpack(program.steps) }
  p.steps[at] = step
  return p
end

-- Steps of bodies, dropped in favour of one of their arguments of the same type.
local function smaller_bodies(program, try)
  local function alike(a, b)
    local x, y = program.info[a], program.info[b]
    return x.dtype == y.dtype and table.concat(x.shape or { -1 }, ',')
      == table.concat(y.shape or { -2 }, ',')
  end
  local function renamed(list, from, to)
    local out = {}
    for i, s in ipairs(list) do
      out[i] = copy(s)
      out[i].text = s.text:gsub('@' .. from .. '%f[%D]', '@' .. to)
      if s.bodies then
        out[i].bodies = {}
        for j, b in ipairs(s.bodies) do
          out[i].bodies[j] = copy(b)
          out[i].bodies[j].steps = renamed(b.steps, from, to)
        end
      end
    end
    return out
  end
  for at = 1, #program.steps do
    local step = program.steps[at]
    for k, body in ipairs(step and step.bodies or {}) do
      for i = #body.steps, 1, -1 do
        local inner = program.steps[at].bodies[k].steps[i]
        if inner and #inner.out == 1 then
          local _, used = text.uses(inner)
          for _, id in ipairs({ unpack(used) }) do
            if alike(id, inner.out[1]) then
              local b = copy(program.steps[at].bodies[k])
              b.steps = renamed(b.steps, inner.out[1], id)
              table.remove(b.steps, i)
              b.results = { unpack(b.results) }
              for r, x in ipairs(b.results) do if x == inner.out[1] then b.results[r] = id end end
              if not mentions(b, inner.out[1]) then
                local q = try(with_body(program, at, k, b))
                if q then program = q break end
              end
            end
          end
        end
      end
    end
    if not program.steps[at + 1] then break end
  end
  return program
end

-- Every input of a size n gets a smaller one, and so do the sizes that are written down.
local function smaller_sizes(program, try)
  local seen = {}
  for _, id in ipairs(program.inputs) do
    for _, n in ipairs(program.info[id].examples[1].shape) do seen[n] = true end
  end
  local function cut(x, from, to)
    local key = {}
    for k, n in ipairs(x.shape) do key[k] = n == from and { 1, to } or {} end
    return #key > 0 and x[key] or x
  end
  for n in pairs(seen) do
    for _, m in ipairs { 1, 2, math.floor(n / 2) } do
      if m < n and m > 0 then
        local p = copy(program)
        p.info, p.sizes = copy(program.info), copy(program.sizes or {})
        for from, to in pairs(p.sizes) do if to == n then p.sizes[from] = m end end
        p.sizes[n] = p.sizes[n] or m
        for _, list in ipairs { p.inputs, p.constants } do
          for _, id in ipairs(list) do
            p.info[id] = copy(program.info[id])
            p.info[id].examples = {}
            for e, x in ipairs(program.info[id].examples) do
              p.info[id].examples[e] = cut(x, n, m)
            end
          end
        end
        local q = try(p)
        if q then program = q break end
      end
    end
  end
  return program
end

-- Inputs that are the same for all examples, and rounder numbers.
local function simpler_inputs(program, try)
  for _, id in ipairs(program.inputs) do
    local old = program.info[id]
    local function with(examples)
      local p = copy(program)
      p.info = copy(program.info)
      p.info[id] = copy(old)
      p.info[id].examples = examples
      return try(p)
    end
    local q = #old.examples > 1 and with { old.examples[1] }
    if q then program, old = q, q.info[id] end
    if old.dtype == 'f32' or old.dtype == 'f64' then
      local round = {}
      for e, x in ipairs(old.examples) do round[e] = np.round(x, 1) end
      program = with(round) or program
    end
  end
  return program
end

--- Shrink a program that a check complains about.
-- @treturn table program
-- @treturn string what the check says about it
function M.shrink(program, check, why)
  local wanted, tries = kind(why), 0
  local function try(p)
    tries = tries + 1
    if tries > 600 then return nil end
    p = generate.prune(p)
    if #p.inputs == 0 then return nil end
    local ok, sound = pcall(runs, p)
    if not (ok and sound) then return nil end
    local now = M.verdict(p, check)
    if kind(now) ~= wanted then return nil end
    why = now
    return p
  end
  local size
  repeat
    size = #text.program(program)
    for _, pass in ipairs { fewer_results, inputs_instead, smaller_bodies, smaller_sizes,
      simpler_inputs } do
      program = pass(program, try)
    end
  until #text.program(program) >= size
  return program, why
end

return M
