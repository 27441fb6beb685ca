--- One iteration of a fit as one program: keys, simulations, the network and its derivatives, the
-- Fisher loss, the reverse sweep, the step of the optimiser, the validation set. What goes from one
-- iteration to the next (state of the optimiser, key, count) lies in sets of arrays that programs
-- write in turn, so that nothing is allocated while a fit runs. The data are inputs, too, the same
-- ones every time.
-- @module imnn.imnn.iteration
local ffi = require 'ffi'
local array = require 'imnn.array'
local samples = require 'imnn.array.examples'
local core = require 'imnn.core'
local history = require 'imnn.imnn.history'
local information = require 'imnn.imnn.information'
local layout = require 'imnn.imnn.layout'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local tree = require 'imnn.tree'
local value_at = require 'imnn.array.value'
local C, check = core.C, core.check
local M = {}

local Iteration = {}
Iteration.__index = Iteration

--- Where the row that an iteration tells has what: that of the history, the signs of both det F,
-- and a number that is finite if the gradient is.
M.at = {}
for i, name in ipairs(history.names) do
  M.at[name], M.at['val_' .. name] = i - 1, #history.names + i - 1
end
local width = 2 * #history.names + 3
M.at.sign, M.at.val_sign, M.at.gradient = width - 3, width - 2, width - 1

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

-- A loss and what the history keeps of a set.
local function measure(net, o, mode, w, key, data)
  local f = information.of(net, w, key, data, mode)
  local loss, Lambda_2, r = information.loss(f, o.lambda, o.alpha)
  local own = f.own
  return loss, f.sign, {
    f.sign * np.exp(f.lndetF), np.exp(own.lndetC), np.exp(own.lndetinvC), Lambda_2, r,
    f.lndetF, own.lndetC, own.lndetinvC, loss,
  }
end

local function unknown() -- of a validation set that is not there
  local none, row = np.array(0 / 0, 'f64'), {}
  for i = 1, #history.names do row[i] = none end
  return none, row
end

local function iterate(graph, net, o, state, key, count, training, validation)
  local keys = random.split(key, 3)
  local w = net.optimiser.get_params(state)
  local loss, sign, row = measure(net, o, 'train', w, keys[2], training)
  local slopes = gradient(graph, loss, tree.leaves(w))
  local after = net.optimiser.update(count, tree.unflatten(w, slopes), state)
  local val_sign, val_row
  if validation then
    w = net.optimiser.get_params(after)
    val_sign, val_row = select(2, measure(net, o, 'test', w, keys[3], validation))
  else val_sign, val_row = unknown() end
  for _, value in ipairs(val_row) do row[#row + 1] = value end
  row[#row + 1], row[#row + 2] = sign, val_sign
  row[#row + 1] = size_of(slopes)
  return after, keys[1], count + 1, np.stack(row)
end

-- ---- the program ----

-- What is carried as a list; count is a float, so that schedules can divide it.
local function carried(state, key, count)
  local list = tree.leaves(state)
  list[#list + 1] = key
  list[#list + 1] = count
  return list
end

local describe = samples.describe

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

-- Inputs like what is given, in the running trace; adds them and their kinds to lists.
local function inputs_like(given, all, kinds, kind)
  local out = {}
  for i, x in ipairs(given) do
    out[i] = array.input(x.dtype, samples.shape(x))
    all[#all + 1], kinds[#kinds + 1] = out[i], kind or samples.kind(x)
  end
  return out
end

local function compile(net, o, self)
  return array.trace(function(graph)
    local all, kinds = {}, {}
    local inputs = inputs_like(self.examples, all, kinds, 'whole')
    local training = inputs_like(self.training, all, kinds)
    local validation = self.validation and inputs_like(self.validation, all, kinds)
    local n = #inputs
    local state, key, count, row = iterate(graph, net, o, tree.unflatten(net.state, inputs),
      inputs[n - 1], inputs[n], training, validation)
    local results = carried(state, key, count)
    for i, y in ipairs(results) do results[i] = array.lift(y) end
    check_same(inputs, results)
    results[n + 1] = row
    return select(2, array.compile(all, results, layout.limits(net, { kinds = kinds })))
  end)
end

--- Compile.
-- @tparam table net with `state`, `optimiser`, `kind`
-- @tparam table o `lambda`, `alpha`
-- @tparam table training list of Arrays and readers
-- @tparam table|nil validation the same
-- @treturn Iteration
function M.new(net, o, training, validation)
  local key, count = random.PRNGKey(0), np.array(0, 'f32')
  local self = setmetatable({
    state = net.state, examples = carried(net.state, key, count),
    training = training, validation = validation,
  }, Iteration)
  self.program = compile(net, o, self)
  self.told = array.zeros({ width }, 'f64')
  self.row = ffi.cast('double *', C.imnn_array_data(self.told.array))
  return self
end

local function alike(a, b)
  if #a ~= #b then return false end
  for i, x in ipairs(a) do
    if describe(x) ~= describe(b[i]) or samples.kind(x) ~= samples.kind(b[i]) then return false end
  end
  return true
end

--- Whether it serves for such a state and such data, too.
function Iteration:fits(state, training, validation)
  local leaves = tree.leaves(state)
  for i = #leaves + 1, #self.examples do leaves[i] = self.examples[i] end -- key and count
  return alike(leaves, self.examples) and alike(training, self.training)
    and not validation == not self.validation and alike(validation or {}, self.validation or {})
end

--- Use these data from now on, which it fits, in sets that are made from now on.
function Iteration:use(training, validation)
  self.training, self.validation, self.data = training, validation, {}
  for _, list in ipairs { training, validation or {} } do
    for _, x in ipairs(list) do self.data[#self.data + 1] = x end
  end
  for i, x in ipairs(self.data) do
    if samples.is_reader(x) then
      check(C.imnn_program_read(self.program, #self.examples + i - 1, x.reader), 'fit')
    end
  end
end

-- A set of arrays that a program reads, in front of the data, and writes.
local function pack(self, arrays)
  local n, data = #arrays, self.data
  local inputs = ffi.new('const imnn_array *[?]', n + #data)
  local results = ffi.new('imnn_array *[?]', n + 1)
  for i, x in ipairs(arrays) do inputs[i - 1], results[i - 1] = x.array, x.array end
  for i, x in ipairs(data) do
    if not samples.is_reader(x) then inputs[n + i - 1] = x.array end
  end
  results[n] = self.told.array
  return { arrays = arrays, data = data, inputs = inputs, results = results }
end

--- A set of arrays as another set, of the same program, had them. It is never written.
function Iteration:set(arrays) return pack(self, arrays) end

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
  local status, row = C.imnn_program_run(self.program, from.inputs, to.results), self.row
  for i = 0, width - 1 do row[i] = value_at(row, 'f64', i) end -- NaNs that Lua can look at
  return status
end

--- The state of the optimiser in a set.
function Iteration:state_of(set) return tree.unflatten(self.state, set.arrays) end

--- The keys of the iteration that starts from a set: of the next one, of its training set, of its
-- validation set.
function M.keys(set) return random.split(set.arrays[#set.arrays - 1], 3) end

--- Floating-point operations in matrix products.
function Iteration:flops() return C.imnn_program_flops(self.program) end

--- Steps, buffers and, with profiling, times of the program.
function Iteration:__tostring() return ffi.string(C.imnn_program_text(self.program)) end

return M
