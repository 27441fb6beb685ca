--- Programs as data, as Lua text and as functions.
-- A program is { inputs = ids, constants = ids, steps, results = ids, info, dtype }; info[id] tells
-- of a value its name, shape, dtype and `examples` (one Array, or one for each example where it
-- `varies`). A step is { out = ids, text, bodies }: in its text @7 is value 7, <5> a size, and &1
-- its first body, a function { params = ids, steps, results = ids, loop }.
-- @module tests.support.programs.text
local ffi = require 'ffi'
local imnn = require 'imnn'
local np = imnn.np
local M = {}

local function push(list, x) list[#list + 1] = x end

-- ---- numbers and arrays as text ----

local function number(x)
  if x ~= x then return '0 / 0' end
  if x == math.huge or x == -math.huge then return x > 0 and 'np.inf' or '-np.inf' end
  return type(x) == 'number' and ('%.17g'):format(x) or tostring(x)
end

local function nested(values, shape, axis, at)
  if axis > #shape then return number(values[at + 1]), at + 1 end
  local parts = {}
  for i = 1, shape[axis] do parts[i], at = nested(values, shape, axis + 1, at) end
  return '{ ' .. table.concat(parts, ', ') .. ' }', at
end

--- An Array as an expression of Lua.
function M.array(x)
  if x.dtype == 'c64' or x.dtype == 'c128' then
    return ('np.complex(%s, %s)'):format(M.array(np.real(x)), M.array(np.imag(x)))
  end
  local shape = x.shape
  if x.size == 0 then
    return ("np.zeros({ %s }, '%s')"):format(table.concat(shape, ', '), x.dtype)
  end
  return ("np.array(%s, '%s')"):format((nested(x:values(), shape, 1, 0)), x.dtype)
end

-- ---- steps ----

local function each_id(text, fn) for id in text:gmatch '@(%d+)' do fn(tonumber(id)) end end

--- Values that a step uses, also inside its bodies but from outside them: a set and a list.
function M.uses(step)
  local set, list, own = {}, {}, {}
  local function visit(s)
    each_id(s.text, function(id)
      if not own[id] and not set[id] then set[id] = true; push(list, id) end
    end)
    for _, body in ipairs(s.bodies or {}) do
      for _, id in ipairs(body.params) do own[id] = true end
      for _, inner in ipairs(body.steps) do
        visit(inner)
        for _, id in ipairs(inner.out) do own[id] = true end
      end
      for _, id in ipairs(body.results) do
        if not own[id] and not set[id] then set[id] = true; push(list, id) end
      end
    end
  end
  visit(step)
  return set, list
end

--- The steps of a list on which the ids in `wanted` depend; `wanted` grows.
function M.live(steps, wanted)
  local out = {}
  for i = #steps, 1, -1 do
    local needed = false
    for _, id in ipairs(steps[i].out) do needed = needed or wanted[id] end
    if needed then
      table.insert(out, 1, steps[i])
      for id in pairs((M.uses(steps[i]))) do wanted[id] = true end
    end
  end
  return out
end

-- ---- rendering ----

local function names(info, ids)
  local out = {}
  for i, id in ipairs(ids) do out[i] = info[id].name end
  return table.concat(out, ', ')
end

local render

local function body_text(info, body, sizes, indent)
  local lines = { ('function(%s)'):format(names(info, body.params)) }
  render(lines, info, body.steps, sizes, indent .. '  ')
  local list = names(info, body.results)
  push(lines, ('%s  return %s'):format(indent, body.form and body.form:format(list) or list))
  push(lines, indent .. 'end')
  return table.concat(lines, '\n')
end

function render(lines, info, steps, sizes, indent)
  for _, step in ipairs(steps) do
    local text = step.text:gsub('@(%d+)', function(id) return info[tonumber(id)].name end)
    text = text:gsub('<(%d+)>', function(n) return tostring(sizes[tonumber(n)] or n) end)
    text = text:gsub('&(%d)', function(k)
      return (body_text(info, step.bodies[tonumber(k)], sizes, indent):gsub('%%', '%%%%'))
    end)
    push(lines, ('%slocal %s = %s'):format(indent, names(info, step.out), text))
  end
end

--- The program as the text of a function of lax, which gives it: so loops can be exchanged.
function M.program(program)
  local lines, info, sizes = {}, program.info, program.sizes or {}
  for _, id in ipairs(program.constants) do
    push(lines, ('local %s = %s'):format(info[id].name, M.array(info[id].examples[1])))
  end
  push(lines, 'local function make(lax)')
  push(lines, ('  return function(%s)'):format(names(info, program.inputs)))
  render(lines, info, program.steps, sizes, '    ')
  push(lines, ('    return %s'):format(names(info, program.results)))
  push(lines, '  end')
  push(lines, 'end')
  return table.concat(lines, '\n')
end

local head = [[
local imnn = require 'imnn'
local np, lax, apply = imnn.np, imnn.lax, require('imnn.array').apply
]]

--- A script that shows what a check finds wrong, to be run in the folder of the project.
function M.script(program, check, why)
  local lines = { '-- ' .. tostring(why):gsub('\n', '\n-- '), head .. M.program(program) }
  push(lines, 'local inputs = {')
  for _, id in ipairs(program.inputs) do
    local list = {}
    for i, x in ipairs(program.info[id].examples) do list[i] = '    ' .. M.array(x) end
    push(lines, ('  { -- %s\n%s },'):format(program.info[id].name, table.concat(list, ',\n')))
  end
  push(lines, '}')
  push(lines, ("print(require('tests.support.programs.agree').%s(make, inputs, '%s') or 'fine')")
    :format(check, program.dtype))
  return table.concat(lines, '\n') .. '\n'
end

local function load(text)
  local chunk, why = loadstring(text)
  if not chunk then error(why .. '\n' .. text) end
  return chunk()
end

--- The function of lax that gives the program.
function M.make(program) return load(head .. M.program(program) .. '\nreturn make') end

--- One step as a function of the values that it uses.
function M.step(info, step)
  local _, used = M.uses(step)
  local lines = { head .. ('return function(%s)'):format(names(info, used)) }
  render(lines, info, { step }, {}, '  ')
  push(lines, ('  return %s\nend'):format(names(info, step.out)))
  return load(table.concat(lines, '\n')), used
end

--- The bytes of an Array, with its type in front.
function M.bytes(x)
  local bytes = require('imnn.array').bytes[x.dtype]
  return ('%s (%s) '):format(x.dtype, table.concat(x.shape, ', ')) .. ffi.string(x:data(),
    x.size * bytes)
end

return M
