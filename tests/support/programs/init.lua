--- Random programs against everything that has to agree about them.
-- @module tests.support.programs
local generate = require 'tests.support.programs.generate'
local shrink = require 'tests.support.programs.shrink'
local text = require 'tests.support.programs.text'
local M = {}

local BOTH = {
  'jit', 'loops', 'vmap', 'tiles', 'jvp', 'vjp', 'memory', 'vmap_jvp', 'vmap_vjp', 'vjp_vmap',
}
local FORWARD = { 'jit', 'loops', 'vmap', 'tiles', 'jvp', 'vmap_jvp' }

--- The checks of a program: second derivatives of every fourth, and of short ones.
local function checks(program)
  local list = { unpack(program.flags.forward and FORWARD or BOTH) }
  if program.seed % 4 == 0 or #program.steps < 12 then
    list[#list + 1] = program.flags.forward and 'second_forward' or 'second'
  end
  return list
end

--- Make the program of a seed and check it.
-- @treturn string|nil a script that shows what is wrong
-- @treturn number steps of the program
function M.check(seed, only)
  local program = generate.program(seed)
  if not program or #program.inputs == 0 then return nil, 0 end
  if program.failure then
    return ('-- seed %d, while it was made\n%s'):format(seed,
      text.script(program, 'jit', program.failure)), #program.steps
  end
  for _, check in ipairs(only and { only } or checks(program)) do
    local why = shrink.verdict(program, check)
    if why then
      local small, now = shrink.shrink(program, check, why)
      return ('-- seed %d, %s\n%s'):format(seed, check, text.script(small, check, now)),
        #program.steps
    end
  end
  return nil, #program.steps
end

return M
