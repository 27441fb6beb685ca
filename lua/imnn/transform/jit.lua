--- Compiled functions, kept for each type of their arguments.
-- @module imnn.transform.jit
local ffi = require 'ffi'
local args = require 'imnn.args'
local array = require 'imnn.array'
local bytes = require 'imnn.bytes'
local common = require 'imnn.transform.common'
local program = require 'imnn.transform.program'
local core = require 'imnn.core'
local C = core.C
local M = {}

local Jit = {}
Jit.__index = Jit

--- The compiled program for arguments like these, with what belongs to it.
-- @param ... arguments
-- @treturn table
-- @usage local entry = imnn.jit(f):entry(np.ones(3))
function Jit:entry(...)
  local n, given = select('#', ...), { ... }
  local values, key, places, kinds = program.split(given, n, self.static, self.rows)
  local entry = self.kept[key]
  if not entry then
    if self.count >= 64 then self.kept, self.count = {}, 0 end -- changing settings do not pile up
    entry = program.new(self.fn, values, places, n, { memory = self.memory, kinds = kinds,
      threads = self.threads, in_flight = self.in_flight })
    entry.places = places -- holds what the key names by its address, which so is not used again
    self.kept[key], self.count = entry, self.count + 1
  end
  return entry, values
end

function Jit:__call(...)
  if array.tracing() then return self.fn(...) end
  local entry, values = self:entry(...)
  return program.finish(entry, entry.run(values))
end

--- Floating-point operations in matrix products and convolutions of one call with arguments
-- like these.
-- @param ... arguments
-- @treturn number
-- @usage imnn.jit(np.matmul):flops(np.eye(3), np.eye(3)) --> 54
function Jit:flops(...) return tonumber(C.imnn_program_flops((self:entry(...)).program)) end

--- Bytes that a call needs besides arguments and results.
-- @param ... arguments
-- @treturn number
-- @usage imnn.jit(f):bytes(np.ones(3))
function Jit:bytes(...)
  return tonumber(C.imnn_program_bytes((self:entry(...)).program, C.imnn_threads()))
end

--- Steps, fused clusters, buffers of the program for arguments like these.
-- @param ... arguments
-- @treturn string
-- @usage print(imnn.jit(f):text(np.ones(3)))
function Jit:text(...) return ffi.string(C.imnn_program_text((self:entry(...)).program)) end

--- Run a number of times (20) and give the text with the time of each step.
-- @param ... arguments
-- @treturn string
-- @usage print(imnn.jit(f):profile(np.ones(3)))
function Jit:profile(...)
  local entry, values = self:entry(...)
  C.imnn_program_profile(entry.program, true)
  for _ = 1, 20 do entry.run(values) end
  C.imnn_program_profile(entry.program, false)
  return ffi.string(C.imnn_program_text(entry.program))
end

function Jit:__tostring() return ('compiled function, programs: %d'):format(self.count) end

--- A compiled function. It is traced once for each combination of shapes, dtypes and other
-- arguments (numbers, strings, ...), and what it captures from outside is taken as it was then.
-- Inside a traced function it is the function itself.
-- @tparam function fn of trees of arrays
-- @tparam[opt] table opts `static_argnums`: list of arguments that are passed as they are;
-- `rows`: list of arguments whose arrays hold examples along the first axis, for which readers
-- (imnn.data) may stand, whose records are then read some at a time;
-- `memory`: bytes, or text like '2GB', that a call may take besides arguments and results: what
-- does not fit is computed twice instead of being kept, with the same bytes as result; `threads`
-- (imnn.threads()): at most so many work; `in_flight`: examples that all threads together have in
-- work at a time; no less than a tile, the pieces of some tens of examples in which programs work.
-- Results are the same bytes for any of these
-- @treturn table to be called; :text(...), :profile(...), :flops(...), :bytes(...)
-- @usage local f = imnn.jit(function(x) return (x * x):sum() end)
function M.jit(fn, opts)
  common.callable('jit', fn)
  local o = args.take('jit', opts, {
    static_argnums = { 'table', 'integer', optional = true },
    rows = { 'table', 'integer', optional = true },
    memory = { 'number', 'string', optional = true },
    threads = { 'integer', optional = true }, in_flight = { 'integer', optional = true },
  })
  for _, name in ipairs { 'threads', 'in_flight' } do
    if o[name] and o[name] < 1 then
      core.raise('jit: %s must be at least 1, got %d', name, o[name])
    end
  end
  local function set_of(list)
    local set = {}
    for _, i in ipairs(type(list) == 'number' and { list } or list or {}) do set[i] = true end
    return set
  end
  return setmetatable({ fn = fn, static = set_of(o.static_argnums), rows = set_of(o.rows),
    kept = {}, count = 0, memory = o.memory and bytes.parse('jit', 'memory', o.memory),
    threads = o.threads, in_flight = o.in_flight }, Jit)
end

--- A compiled function for arguments exactly like the examples.
-- @tparam function fn arrays -> arrays
-- @tparam table examples Arrays
-- @tparam[opt] table opts `filter`: the last result, bool (n), tells which rows of the others
-- (those with n rows) leave; the memory for those that do not is a tile's
-- @treturn function
function M.program(fn, examples, opts)
  local n = #examples
  local values, _, places = program.split(examples, n, {})
  local entry = program.new(fn, values, places, n, opts)
  return function(...) return program.finish(entry, entry.run { ... }) end
end

return M
