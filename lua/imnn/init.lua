--- The workbench. Modules are loaded when they are first used, so that starting takes no time.
-- @module imnn
local modules = {
  np = 'imnn.numpy', numpy = 'imnn.numpy', scipy = 'imnn.scipy',
  random = 'imnn.random', lax = 'imnn.lax', stax = 'imnn.stax',
  distributions = 'imnn.distributions',
  optimizers = 'imnn.optimizers', optimisers = 'imnn.optimizers',
  tree = 'imnn.tree', lfi = 'imnn.lfi', data = 'imnn.data', simulators = 'imnn.simulators',
  plot = 'imnn.plot', args = 'imnn.args',
  registry = 'imnn.registry', help = 'imnn.help', cite = 'imnn.cite', doctor = 'imnn.doctor',
  diagnostics = 'imnn.diagnostics', core = 'imnn.core', utils = 'imnn.utils',
  SampleSet = 'imnn.samples',
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
for _, name in ipairs {
  'IMNN', 'load', 'refine', 'SimulatorIMNN', 'GradientIMNN', 'NumericalGradientIMNN',
  'AggregatedSimulatorIMNN', 'AggregatedGradientIMNN', 'AggregatedNumericalGradientIMNN',
  'DatasetGradientIMNN', 'DatasetNumericalGradientIMNN',
} do
  members[name] = 'imnn.imnn'
end
members.TFRecords = 'imnn.data.records'

local M = {}

--- Version of the library.
-- @treturn string
-- @usage imnn.version()
function M.version()
  return require('ffi').string(require('imnn.core').C.imnn_version())
end

--- Threads that programs run on.
-- @treturn number
-- @usage imnn.threads()
function M.threads() return require('imnn.core').C.imnn_threads() end

--- Set the number of threads that programs run on. Results do not depend on it.
-- @tparam number n 1 to 256
-- @raise another number
-- @usage imnn.set_threads(imnn.threads())
function M.set_threads(n)
  local core = require 'imnn.core'
  if type(n) ~= 'number' or n % 1 ~= 0 then
    core.raise('set_threads: needs a whole number, got %s', tostring(n))
  end
  core.check(core.C.imnn_set_threads(n), 'set_threads')
end

--- Names of the threads that programs run on, for the options `host` and `devices` of aggregated
-- classes: a network works on as many threads as it has devices.
-- @treturn table 'cpu:0', 'cpu:1', ...
-- @usage imnn.devices()[1] --> 'cpu:0'
function M.devices()
  local out = {}
  for i = 1, M.threads() do out[i] = 'cpu:' .. i - 1 end
  return out
end

--- The dtype of numbers that say nothing about theirs: 'f32', or 'f64' once it is set.
-- @treturn string
-- @usage imnn.default_dtype() --> 'f32'
function M.default_dtype() return require('imnn.array').default_dtype() end

--- Set the dtype of numbers that say nothing about theirs.
-- @tparam string name 'f32' or 'f64'
-- @raise another dtype
-- @usage imnn.set_default_dtype 'f32'
function M.set_default_dtype(name) return require('imnn.array').set_default_dtype(name) end

--- Seconds of a clock that only goes forward.
-- @treturn number
-- @usage local start = imnn.seconds()
-- print(imnn.seconds() - start)
function M.seconds() return require('imnn.core').C.imnn_seconds() end

--- What was wrong with a value in the last run of a compiled function, "solve: a matrix is
-- singular", which made results NaN; nil if nothing was.
-- @treturn string|nil
-- @usage imnn.jit(np.linalg.inv)(np.zeros { 2, 2 })
-- imnn.last_fault() --> 'inv: a matrix is singular'
function M.last_fault()
  local text = require('ffi').string(require('imnn.core').C.imnn_last_fault())
  return text ~= '' and text or nil
end

--- How keys are split: 'original' or 'partitionable' (imnn.random).
-- @treturn string
-- @usage imnn.key_layout() --> 'original'
function M.key_layout() return require('imnn.random').key_layout() end

--- Set how keys are split, for the whole process.
-- @tparam string name 'original' or 'partitionable'
-- @usage imnn.set_key_layout 'original'
function M.set_key_layout(name) return require('imnn.random').set_key_layout(name) end

--- The names that `imnn` has, which are loaded when they are first used.
-- @usage table.concat(imnn.names, ' ')
-- @field names
M.names = {}
for name in pairs(modules) do M.names[#M.names + 1] = name end
for name in pairs(members) do M.names[#M.names + 1] = name end
table.sort(M.names)

return setmetatable(M, {
  __index = function(self, name)
    local value
    if modules[name] then value = require(modules[name])
    elseif members[name] then value = require(members[name])[name] end
    if value == nil then
      local known = {}
      for _, list in ipairs { modules, members, self } do
        for key in pairs(list) do known[key] = true end
      end
      require('imnn.core').raise('imnn: there is no "%s"%s', tostring(name),
        require('imnn.args').near(tostring(name), known))
    end
    rawset(self, name, value)
    return value
  end,
})
