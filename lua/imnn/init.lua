--- The workbench. Modules are loaded when they are first used, so that starting takes no time.
-- @module imnn
local modules = {
  np = 'imnn.numpy', numpy = 'imnn.numpy', scipy = 'imnn.scipy',
  random = 'imnn.random', lax = 'imnn.lax', stax = 'imnn.stax',
  distributions = 'imnn.distributions',
  optimizers = 'imnn.optimizers', optimisers = 'imnn.optimizers',
  tree = 'imnn.tree', lfi = 'imnn.lfi', data = 'imnn.data', plot = 'imnn.plot', args = 'imnn.args',
  registry = 'imnn.registry', cite = 'imnn.cite', doctor = 'imnn.doctor', core = 'imnn.core',
}
local members = {}
for _, name in ipairs {
  'grad', 'value_and_grad', 'vjp', 'jvp', 'jacfwd', 'jacrev', 'hessian', 'vmap', 'jit',
    'make_graph',
  'value_and_jacfwd', 'value_and_jacrev',
} do
  members[name] = 'imnn.transform'
end
members.custom_jvp, members.custom_vjp = 'imnn.lax.custom', 'imnn.lax.custom'
members.checkpoint = 'imnn.lax.branch'
members.IMNN, members.SimulatorIMNN = 'imnn.imnn', 'imnn.imnn'

local M = {}

--- Version of the library.
function M.version()
  return require('ffi').string(require('imnn.core').C.imnn_version())
end

--- Threads that programs run on.
function M.threads() return require('imnn.core').C.imnn_threads() end
function M.set_threads(n)
  local core = require 'imnn.core'
  if type(n) ~= 'number' or n % 1 ~= 0 then
    core.raise('set_threads: needs a whole number, got %s', tostring(n))
  end
  core.check(core.C.imnn_set_threads(n), 'set_threads')
end

--- The dtype of numbers that say nothing about theirs: 'f32', or 'f64' once it is set.
function M.default_dtype() return require('imnn.array').default_dtype() end
function M.set_default_dtype(name) return require('imnn.array').set_default_dtype(name) end

--- Seconds of a clock that only goes forward.
function M.seconds() return require('imnn.core').C.imnn_seconds() end

--- What was wrong with a value in the last run of a compiled function, "solve: a matrix is
-- singular", which made results NaN; nil if nothing was.
function M.last_fault()
  local text = require('ffi').string(require('imnn.core').C.imnn_last_fault())
  return text ~= '' and text or nil
end

--- How keys are split: 'original' or 'partitionable' (imnn.random).
function M.key_layout() return require('imnn.random').key_layout() end
function M.set_key_layout(name) return require('imnn.random').set_key_layout(name) end

-- Names that are there, for completion at the prompt.
M.names = {}
for name in pairs(modules) do M.names[#M.names + 1] = name end
for name in pairs(members) do M.names[#M.names + 1] = name end
table.sort(M.names)

return setmetatable(M, {
  __index = function(self, name)
    local value
    if modules[name] then value = require(modules[name])
    elseif members[name] then value = require(members[name])[name] end
    if value ~= nil then rawset(self, name, value) end
    return value
  end,
})
