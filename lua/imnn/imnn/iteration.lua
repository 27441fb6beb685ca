--- One iteration of a fit as one program: keys, simulations, the network and its derivatives, the
-- Fisher loss, the reverse sweep, the step of the optimiser. What goes from one iteration to the
-- next (state of the optimiser, key, count) lies in sets of arrays that programs write in turn, so
-- that nothing is allocated while a fit runs.
-- @module imnn.imnn.iteration
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local fisher = require 'imnn.fisher'
local history = require 'imnn.imnn.history'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local tree = require 'imnn.tree'
local C, check = core.C, core.check
local M = {}

local Iteration = {}
Iteration.__index = Iteration

--- Where the row that an iteration tells has what: that of the history, the sign of det F, and a
-- number that is finite if the gradient is.
M.at = {}
for i, name in ipairs(history.names) do M.at[name] = i - 1 end
local width = #history.names + 2
M.at.sign, M.at.gradient = width - 2, width - 1

-- ---- what is computed ----

-- Derivatives of a number with respect to tracers.
local function gradient(graph, loss, leaves)
  local dx = ffi.new('imnn_node[?]', #leaves)
  local one = ffi.new('imnn_node[1]', C.imnn_graph_number(graph, C.IMNN_F64, 1))
  check(C.imnn_graph_vjp(graph, 1, array.nodes { loss }, one, #leaves, array.nodes(leaves), dx))
  local out = {}
  for i, leaf in ipairs(leaves) do
    out[i] = dx[i - 1] ~= 0 and array.tracer(dx[i - 1])
      or array.lift(array.zeros(leaf.shape, leaf.dtype))
  end
  return out
end

-- A number that is not finite if one of the leaves has such an element.
local function size_of(leaves)
  local total = 0
  for _, x in ipairs(leaves) do total = total + np.abs(x):sum():astype 'f64' end
  return total
end

local function iterate(graph, net, o, state, key, count)
  local keys = random.split(key, 3)
  local w = net.optimiser.get_params(state)
  local leaves = tree.leaves(w)
  local f = fisher.statistics(net:trace(w, keys[2]))
  local loss, Lambda_2, r = fisher.regularised(f, o.lambda, o.alpha)
  local slopes = gradient(graph, loss, leaves)
  local row = np.stack {
    f.sign * np.exp(f.lndetF), np.exp(f.lndetC), np.exp(f.lndetinvC), Lambda_2, r,
    f.lndetF, f.lndetC, f.lndetinvC, loss, f.sign, size_of(slopes),
  }
  return net.optimiser.update(count, tree.unflatten(w, slopes), state), keys[1], count + 1, row
end

-- ---- the program ----

-- What is carried as a list; count is a float, so that schedules can divide it.
local function carried(state, key, count)
  local list = tree.leaves(state)
  list[#list + 1] = key
  list[#list + 1] = count
  return list
end

local function describe(x) return ('%s (%s)'):format(x.dtype, table.concat(x.shape, ', ')) end

local function check_same(before, after)
  if #before ~= #after then
    core.raise('fit: the optimiser changes its state: update gives %d arrays for %d', #after - 3,
      #before - 2)
  end
  for i, x in ipairs(before) do
    if describe(x) ~= describe(after[i]) then
      core.raise('fit: the optimiser changes its state: array %d was %s, update gives %s', i,
        describe(x), describe(after[i]))
    end
  end
end

local function compile(net, o, examples)
  return array.trace(function(graph)
    local inputs = {}
    for i, x in ipairs(examples) do inputs[i] = array.input(x.dtype, x.shape) end
    local n = #inputs
    local state, key, count, row = iterate(graph, net, o, tree.unflatten(net.state, inputs),
      inputs[n - 1], inputs[n])
    local results = carried(state, key, count)
    for i, y in ipairs(results) do results[i] = array.lift(y) end
    check_same(inputs, results)
    results[n + 1] = row
    return select(2, array.compile(inputs, results))
  end)
end

--- Compile.
-- @tparam table net with `state`, `optimiser` and `trace(w, key)`, which gives summaries and their
-- derivatives
-- @tparam table o `lambda`, `alpha`
-- @treturn Iteration
function M.new(net, o)
  local key, count = random.PRNGKey(0), np.array(0, 'f32')
  local examples = carried(net.state, key, count)
  local self = setmetatable({ state = net.state, examples = examples }, Iteration)
  self.program = compile(net, o, examples)
  self.told = array.zeros({ width }, 'f64')
  self.row = ffi.cast('double *', C.imnn_array_data(self.told.array))
  return self
end

--- Whether it serves for such a state, too.
function Iteration:fits(state)
  local leaves = tree.leaves(state)
  if #leaves ~= #self.examples - 2 then return false end
  for i, x in ipairs(leaves) do
    if describe(x) ~= describe(self.examples[i]) then return false end
  end
  return true
end

local inputs_type = ffi.typeof 'const imnn_array *const *'

-- A set of arrays that a program reads and writes.
local function pack(self, arrays)
  local slots = ffi.new('imnn_array *[?]', #arrays + 1)
  for i, x in ipairs(arrays) do slots[i - 1] = x.array end
  slots[#arrays] = self.told.array
  return { arrays = arrays, slots = slots, inputs = ffi.cast(inputs_type, slots) }
end

--- The set from which a fit starts. It is never written.
function Iteration:start(state, key, count)
  return pack(self, carried(state, key, np.array(count, 'f32')))
end

--- A set to be written.
function Iteration:room()
  local arrays = {}
  for i, x in ipairs(self.examples) do arrays[i] = array.zeros(x.shape, x.dtype) end
  return pack(self, arrays)
end

--- Compute the set `to` from the set `from`; self.row tells how it went.
-- @treturn number status
function Iteration:run(from, to)
  return C.imnn_program_run(self.program, from.inputs, to.slots)
end

--- The state of the optimiser in a set.
function Iteration:state_of(set) return tree.unflatten(self.state, set.arrays) end

--- The key from which the iteration that starts from a set draws its simulations.
function M.training_key(set) return random.split(set.arrays[#set.arrays - 1], 3)[2] end

--- Floating-point operations in matrix products.
function Iteration:flops() return C.imnn_program_flops(self.program) end

--- Steps, buffers and, with profiling, times of the program.
function Iteration:__tostring() return ffi.string(C.imnn_program_text(self.program)) end

return M
