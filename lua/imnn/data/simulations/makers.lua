--- What makes the simulations of a set, from keys: traced simulators and black boxes; whether they
-- are finite, and have the noise of their keys.
-- @module imnn.data.simulations.makers
local core = require 'imnn.core'
local M = {}

-- Modules that take a while to load.
local function np() return require 'imnn.numpy' end
local function random() return require 'imnn.random' end

function M.is_black_box(simulator)
  return type(simulator) == 'table' and type(simulator.run) == 'function'
end

-- A function of seeds that gives their keys.
function M.keys_of(key)
  local transform = require 'imnn.transform'
  return transform.jit(transform.vmap(function(seed) return random().fold_in(key, seed) end))
end

-- What makes simulations of keys (n, 2) at the fiducial parameters and, if asked for, their
-- derivatives: a function (keys, whether) -> Array, Array or nil, numbers of those rows that are
-- kept (nil: all).

function M.traced_maker(o, kind, theta, sides)
  local transform = require 'imnn.transform'
  local function one(key) return o.simulator(key, theta) end
  local function with_derivative(key)
    if kind == 'derivative' then
      return transform.value_and_jacfwd(o.simulator, { argnums = 2 })(key, theta)
    end
    local both = transform.vmap(function(at) return o.simulator(key, at) end)(sides)
    local shape = both.shape
    table.remove(shape, 1)
    return one(key), both:reshape { 2, theta.size, unpack(shape) }
  end
  local plain, both = transform.jit(transform.vmap(one)), transform.jit(transform.vmap(
    with_derivative))
  return function(keys, wanted)
    local n = #keys
    if n < o.batch then -- the same program for a short batch
      local fill = np().broadcast_to(keys[{ { 1, 1 } }], { o.batch - n, 2 })
      keys = np().concatenate({ keys, fill }, 1)
    end
    local x, dx = (wanted and both or plain)(keys)
    return x[{ { 1, n } }], wanted and dx[{ { 1, n } }] or nil
  end
end

-- Those of each simulation that are there, as numbers of rows.
local function all_there(report, n, of_each)
  local count, out = {}, {}
  for i = 1, n do
    local place = report.kept and report.kept[i]:item() or i
    local row = math.floor((place - 1) / of_each) + 1
    count[row] = (count[row] or 0) + 1
  end
  for row, c in pairs(count) do
    if c == of_each then out[#out + 1] = row end
  end
  table.sort(out)
  return out
end

function M.black_box_maker(o, theta, sides)
  local all = sides and np().concatenate({ theta:reshape { 1, theta.size }, sides }, 1)
  return function(keys, wanted)
    local n, of_each = #keys, wanted and 1 + #sides or 1
    local thetas = wanted and np().tile(all, { n, 1 }) or theta
    local x, report = o.simulator:run(np().repeat_(keys, of_each, 1), thetas, { progress = false })
    local kept = report.n_failed > 0 and all_there(report, #x, of_each) or nil
    if kept then
      local places, at = {}, {}
      for i = 1, #x do at[report.kept[i]:item()] = i end
      for _, row in ipairs(kept) do
        for k = 1, of_each do places[#places + 1] = at[(row - 1) * of_each + k] end
      end
      if #places == 0 then return nil, nil, {} end
      x, n = np().take(x, np().array(places, 'i32'), 1), #kept
    end
    local shape = x.shape
    table.remove(shape, 1)
    x = x:reshape { n, of_each, unpack(shape) }
    local dx = wanted and x[{ {}, { 2, of_each } }]:reshape { n, 2, theta.size, unpack(shape) }
    return x[{ {}, 1 }], dx or nil, kept
  end
end

-- Rows of which all numbers are finite.
local function finite_rows(x, dx)
  local good
  for _, y in ipairs { x, dx } do
    local rows = np().all(np().isfinite(y:reshape { #y, -1 }), { axis = 2 })
    good = good and np().logical_and(good, rows) or rows
  end
  local out = {}
  for i, fine in ipairs(good:values()) do
    if fine then out[#out + 1] = i end
  end
  return out
end

-- A maker that keeps only what is finite; `seeds` for messages.
function M.careful(o, make)
  return function(keys, seeds, wanted)
    local x, dx, kept = make(keys, wanted)
    if not x then return nil, nil, kept end
    local rows = finite_rows(x, dx)
    if #rows == #x then return x, dx, kept end
    if o.on_failure == 'fail' then
      local i = 1
      while rows[i] == i do i = i + 1 end
      core.raise('write_simulations: the simulation of seed %d is not finite%s; on_failure = "drop"'
        .. ' takes others in place of such', seeds[kept and kept[i] or i]:item(),
        wanted and ', or its derivative' or '')
    end
    local numbers = {}
    for i, row in ipairs(rows) do numbers[i] = kept and kept[row] or row end
    if #rows == 0 then return nil, nil, {} end
    local which = np().array(rows, 'i32')
    return np().take(x, which, 1), dx and np().take(dx, which, 1), numbers
  end
end

-- ---- equal seeds, equal noise ----

function M.same_bits(a, b)
  local both_nan = np().logical_and(np().isnan(a), np().isnan(b))
  return np().all(np().logical_or(np().eq(a, b), both_nan)):item()
end

-- Sum of squares about the mean over simulations.
local function scatter(x)
  x = x:astype 'f64'
  return (x - x:mean(1)):pow(2):sum():item()
end

function M.check_noise(o, make, keys, x, dx)
  local few = math.min(#keys, 3)
  local again = make(keys[{ { 1, few } }], false)
  if again and #again == few and not M.same_bits(again, x[{ { 1, few } }]) then
    core.raise('write_simulations: simulations that are made again with their keys come out '
      .. 'otherwise: all noise must come from the key; check_seeds = false lets them pass')
  end
  local n = #x
  if not dx or o.kind ~= 'numerical' or n < 5 then return end
  local below, above = dx[{ {}, 1 }], dx[{ {}, 2 }]
  local own = scatter(above - below)
  local others = scatter(above - np().roll(below, 1, 1))
  if others > 0 and own > 0.5 * others then
    core.raise('write_simulations: both sides of a simulation differ by as much noise as those of '
      .. 'different seeds (variance %.3g and %.3g): equal keys must give equal noise whatever the '
      .. 'parameters are; check_seeds = false lets them pass', own / n, others / n)
  end
end

return M
