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
-- derivatives: a function (keys, seeds, whether, on_failure) -> Array, Array or nil, numbers of
-- those rows that are kept (nil: all), list of failures, which have a `row` each; attempts beyond
-- the first that it made itself.

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
  return function(keys, _, wanted)
    local n = #keys
    if n < o.batch then -- the same program for a short batch
      local fill = np().broadcast_to(keys[{ { 1, 1 } }], { o.batch - n, 2 })
      keys = np().concatenate({ keys, fill }, 1)
    end
    local x, dx = (wanted and both or plain)(keys)
    return x[{ { 1, n } }], wanted and dx[{ { 1, n } }] or nil, nil, {}, 0
  end
end

-- Those of which all simulations are there, as numbers of rows.
local function all_there(kept, of_each)
  local count, out = {}, {}
  for _, place in ipairs(kept) do
    local row = math.floor((place - 1) / of_each) + 1
    count[row] = (count[row] or 0) + 1
    if count[row] == of_each then out[#out + 1] = row end
  end
  return out
end

function M.black_box_maker(o, theta, sides)
  local all = sides and np().concatenate({ theta:reshape { 1, theta.size }, sides }, 1)
  return function(keys, seeds, wanted, on_failure)
    local n, of_each = #keys, wanted and 1 + #sides or 1
    local thetas = wanted and np().tile(all, { n, 1 }) or theta
    local x, report = o.simulator:run(np().repeat_(keys, of_each, 1), thetas, { progress = false,
      on_failure = on_failure, retries = o.retries, rekey = 0,
      seeds = np().repeat_(seeds, of_each, 1) })
    for _, f in ipairs(report.failed) do f.row = math.floor((f.index - 1) / of_each) + 1 end
    local kept = nil
    if report.n_failed > 0 then
      local numbers, places, at = report.kept:values(), {}, {}
      kept = all_there(numbers, of_each)
      for i, number in ipairs(numbers) do at[number] = i end
      for _, row in ipairs(kept) do
        for k = 1, of_each do places[#places + 1] = at[(row - 1) * of_each + k] end
      end
      if #places == 0 then return nil, nil, {}, report.failed, report.retried end
      x, n = np().take(x, np().array(places, 'i32'), 1), #kept
    end
    local shape = x.shape
    table.remove(shape, 1)
    x = x:reshape { n, of_each, unpack(shape) }
    local dx = wanted and x[{ {}, { 2, of_each } }]:reshape { n, 2, theta.size, unpack(shape) }
    return x[{ {}, 1 }], dx or nil, kept, report.failed, report.retried
  end
end

-- ---- what is finite ----

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

-- Number of the first element of an Array that is not finite, nil if there is none.
local function first_bad(x)
  local fine = np().isfinite(x:reshape { -1 })
  if np().all(fine):item() then return nil end
  return np().argmin(fine:astype 'i32'):item()
end

-- Which numbers are not finite, and the parameters where that happens.
local function what_is_bad(o, x, dx, theta, sides)
  local element = first_bad(x)
  if element then
    return ('gave a number that is not finite, element %d'):format(element), theta
  elseif o.kind == 'derivative' then
    return ('has a derivative that is not finite, element %d'):format(first_bad(dx)), theta
  end
  local each = dx:reshape { #sides, -1 }
  for k = 1, #sides do
    element = first_bad(each[k])
    if element then
      return ('gave a number that is not finite, element %d'):format(element), sides[k]
    end
  end
end

-- A maker that keeps only what is finite.
function M.finite(o, make, theta, sides)
  return function(keys, seeds, wanted, on_failure)
    local x, dx, kept, failed, retried = make(keys, seeds, wanted, on_failure)
    if not x then return nil, nil, kept, failed, retried end
    local rows = finite_rows(x, dx)
    if #rows == #x then return x, dx, kept, failed, retried end
    local numbers, next_good = {}, 1
    for i = 1, #x do
      local row = kept and kept[i] or i
      if rows[next_good] == i then
        numbers[next_good], next_good = row, next_good + 1
      else
        local why, at = what_is_bad(o, x[i], dx and dx[i], theta, sides)
        failed[#failed + 1] = { row = row, kind = 'nonfinite', why = why, attempts = 1,
          seed = seeds[row]:item(), key = keys[row]:values(), theta = at:values() }
      end
    end
    if #rows == 0 then return nil, nil, {}, failed, retried end
    local which = np().array(rows, 'i32')
    return np().take(x, which, 1), dx and np().take(dx, which, 1), numbers, failed, retried
  end
end

-- ---- other keys for what fails ----

-- Numbers from 1 to n that are no keys of a table.
local function missing(there, n)
  local out = {}
  for i = 1, n do
    if not there[i] then out[#out + 1] = i end
  end
  return out
end

-- Rows of several parts; `place`: row -> where it is in all of them.
local function merged(parts, place, n)
  local rows, order = {}, {}
  for row = 1, n do
    if place[row] then rows[#rows + 1], order[#order + 1] = row, place[row] end
  end
  if #rows == 0 then return nil, nil, rows end
  local function of(name)
    local list = {}
    for i, part in ipairs(parts) do list[i] = part[name] end
    return #list > 0 and np().take(np().concatenate(list, 1), np().array(order, 'i32'), 1) or nil
  end
  return of 'x', of 'dx', rows
end

-- A maker that repeats rows that fail with other keys: their own with 1, 2, ... folded in, the same
-- one for all simulations of a row. It gives one thing more: row -> which key, 0 or nil: its own.
function M.patient(o, make)
  return function(keys, seeds, wanted, on_failure)
    if o.rekey == 0 then return make(keys, seeds, wanted, on_failure) end
    local parts, place, which, n = {}, {}, {}, 0
    local function attempt(rows, again)
      local own, mine = keys, seeds
      if again > 0 then
        local some = np().array(rows, 'i32')
        own, mine = random().fold_in(np().take(keys, some, 1), again), np().take(seeds, some, 1)
      end
      local x, dx, kept, failed, more = make(own, mine, wanted, 'drop')
      for i = 1, x and #x or 0 do
        local row = rows[kept and kept[i] or i]
        n = n + 1
        place[row], which[row] = n, again
      end
      if x then parts[#parts + 1] = { x = x, dx = dx } end
      for _, f in ipairs(failed) do f.row, f.attempts = rows[f.row], f.attempts + again end
      return failed, more
    end
    local rows, failed, more = missing(place, #keys), {}, 0
    for again = 0, o.rekey do
      local repeated
      if again > 0 then more = more + #rows end
      failed, repeated = attempt(rows, again)
      rows, more = missing(place, #keys), more + repeated
      if #rows == 0 then break end
    end
    if #parts == 1 and #rows == 0 then return parts[1].x, parts[1].dx, nil, {}, more end
    local x, dx, kept = merged(parts, place, #keys)
    return x, dx, kept, failed, more, which
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

function M.check_noise(o, make, keys, seeds, x, dx)
  local few = math.min(#keys, 3)
  local again = make(keys[{ { 1, few } }], seeds[{ { 1, few } }], false, 'drop')
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
