--- What ABC draws, batch after batch, into a store: by one compiled program, by a simulator that
-- cannot be traced, or made before.
-- @module imnn.lfi.batches
local core = require 'imnn.core'
local distance = require 'imnn.lfi.distance'
local ending = require 'imnn.ending'
local fingerprint = require 'imnn.imnn.fingerprint'
local np = require 'imnn.numpy'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local simulators = require 'imnn.simulators.object'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local who = 'ApproximateBayesianComputation'

-- From two keys and (T) epsilon to n draws: parameters (n, P), summaries (n, S), distances (n, T).
-- All of them or, if `filter`, those closer to some target than epsilon: then the others never
-- leave the tile that made them. One compiled program.
local function batch_program(self, n, filter)
  local name = n .. (filter and ' filtered' or '')
  if self.programs[name] then return self.programs[name] end
  local function batch(key_theta, key_simulation, epsilon)
    local theta = self.prior:sample(key_theta, n)
    local s, d = transform.vmap(function(key, one)
      local summary = self.compress(self.simulator(key, one))
      return summary, self.distances_of(summary)
    end)(random.split(key_simulation, n), theta)
    local odd = np.logical_not(np.isfinite(d)) -- to be named, not dropped
    return theta, s, d, np.any(np.logical_or(np.lt(d, epsilon), odd), { axis = 2 })
  end
  local key = random.PRNGKey(0)
  self.programs[name] = transform.program(batch, { key, key, np.zeros { self.n_targets } },
    { filter = filter })
  return self.programs[name]
end

-- Rows whose distances are finite, and how many others there are. Those end the run, unless they
-- may be left out.
local function finite_rows(self, o, theta, s, d)
  local at, odd = tonumber(C.imnn_array_nonfinite(d.array)), 0
  if at >= 0 and o.on_failure ~= 'drop' then
    local at_parameters = theta[math.floor(at / self.n_targets) + 1]
    core.raise('%s: the distance of a draw with the parameters %s is not finite; look at what '
      .. "simulator and compressor give there, or leave such draws out with on_failure = 'drop'",
      who, text(at_parameters:totable()))
  end
  if at >= 0 then
    local good = np.all(np.isfinite(d), { axis = 2 })
    odd = #d
    theta, s, d = theta[good], s[good], d[good]
    odd = odd - #d
  end
  distance.check_sign(who, d, function(row) return text(theta[row]:totable()) end)
  return theta, s, d, odd
end

-- x (m, ...) with its first row again and again, so that there are n.
local function padded(x, n)
  if #x == n then return x end
  local first, shape = x[{ { 1, 1 } }], x.shape
  shape[1] = n - #x
  return np.concatenate({ x, np.broadcast_to(first, shape) }, 1)
end

-- The same of a simulator that cannot be traced: all simulations of a batch are made, then one
-- program makes summaries and distances of them. Failed ones that may be left out count as draws.
local function black_drawer(self, store, o, bounds)
  local filter, n = bounds ~= nil and not o.keep_rejected, o.n_samples
  local bound = bounds and np.array(bounds) or np.zeros { self.n_targets }
  self.summarise = self.summarise or transform.jit(transform.vmap(function(datum)
    local summary = self.compress(datum)
    return summary, self.distances_of(summary)
  end))
  return function(key_theta, key_simulation, show, label)
    local theta = self.prior:sample(key_theta, n)
    local data, report = self.simulator:run(random.split(key_simulation, n), theta,
      { progress = show or o.progress, label = label, on_failure = o.on_failure })
    if report.kept then theta = np.take(theta, report.kept, 1) end
    local m = #data
    local s, d = np.zeros { 0, self.n_summaries }, np.zeros { 0, self.n_targets }
    local odd = 0
    if m > 0 then
      s, d = self.summarise(padded(data, n))
      if m < n then s, d = s[{ { 1, m } }], d[{ { 1, m } }] end
      theta, s, d, odd = finite_rows(self, o, theta, s, d)
    end
    if filter and #d > 0 then
      local near = np.any(np.lt(d, bound), { axis = 2 })
      theta, s, d = theta[near], s[near], d[near]
    end
    store:add(theta, s, d, n, report.n_failed + odd, filter and bounds or nil)
    return d
  end
end

-- A function (key of parameters, key of simulations) that adds a batch to the store, and gives the
-- distances of what it added.
local function drawer(self, store, o, bounds)
  if simulators.is(self.simulator) then return black_drawer(self, store, o, bounds) end
  local filter = bounds ~= nil and not o.keep_rejected
  local program = batch_program(self, o.n_samples, filter)
  local bound = bounds and np.array(bounds) or np.zeros { self.n_targets }
  return function(key_theta, key_simulation)
    local theta, s, d, odd = finite_rows(self, o, program(key_theta, key_simulation, bound))
    store:add(theta, s, d, o.n_samples, odd, filter and bounds or nil)
    return d
  end
end

-- ---- loops over batches ----

-- Why no more batches are made; nil: there is no reason.
local function reason(self, o, counts, start)
  local draws = self.iterations * o.n_samples
  if o.min_accepted and math.min(unpack(counts)) >= o.min_accepted then return 'min_accepted' end
  if o.max_simulations and draws + o.n_samples > o.max_simulations then
    return 'max_simulations'
  end
  if o.max_seconds and C.imnn_seconds() - start >= o.max_seconds then return 'max_seconds' end
  if self.iterations >= o.max_iterations then return 'max_iterations' end
end

-- What a line on the screen says.
local function line(self, o, counts, start, before)
  local seconds = C.imnn_seconds() - start
  local draws = self.iterations * o.n_samples
  local rate = (draws - before) / math.max(seconds, 1e-9)
  local left = {}
  if o.max_simulations then left[#left + 1] = (o.max_simulations - draws) / rate end
  if o.max_seconds then left[#left + 1] = o.max_seconds - seconds end
  return ('%d batches  %d draws%s%s  %.3g a second%s'):format(self.iterations, draws,
    counts and '  accepted ' .. table.concat(counts, ' ') or '',
    o.min_accepted and ' of ' .. o.min_accepted or '', rate,
    left[1] and ('  %.0f s left'):format(math.min(unpack(left))) or '')
end

-- Batches until every target has enough draws, or a budget ends. Every one serves all targets. The
-- store may have the first ones already. One on disk survives when the program is asked to end.
local function draw_loop(self, store, o, bounds, draw, done)
  local key = o.key
  local counts, start = bounds and store:count(bounds), C.imnn_seconds()
  local function next_keys()
    local k, first = random.split(key):unpack()
    local rest, second = random.split(k):unpack()
    key = rest
    return first, second
  end
  for _ = 1, done do next_keys() end
  self.iterations = done
  local function loop(show)
    while true do
      self.stopped = reason(self, o, counts, start)
      if self.stopped then return end
      local first, second = next_keys()
      local d = draw(first, second, show, line(self, o, counts, start, done * o.n_samples))
      if counts then
        for t, more in ipairs(store:count(bounds, d)) do counts[t] = counts[t] + more end
      end
      self.iterations = self.iterations + 1
      show('%s', line(self, o, counts, start, done * o.n_samples))
      if store.path and ending.asked() then return end
      core.poll()
    end
  end
  if o.progress then progress.follow(type(o.progress) == 'table' and o.progress or {}, loop)
  else loop(function() end) end
end

-- By what a store knows a run again.
local function name_of(o, bounds)
  local numbers = {}
  for _, word in ipairs(o.key:totable()) do numbers[#numbers + 1] = ('%d'):format(word) end
  local lean = bounds and not o.keep_rejected
  for t, bound in ipairs(lean and bounds or {}) do numbers[t + 2] = ('%.17g'):format(bound) end
  return ('%s of %d, key %s'):format(o.loops and 'batches' or 'a batch', o.n_samples,
    table.concat(numbers, ' '))
end

--- One batch, or as many as `o` wants, into a store. Adds to self: iterations, stopped.
-- @tparam ABC self
-- @tparam table store imnn.lfi.store, imnn.lfi.disk
-- @tparam table o what a call was given: key, n_samples, loops, min_accepted, max_...
-- @tparam[opt] table bounds T numbers: draws that are farther from all targets need not be kept
function M.draw(self, store, o, bounds)
  if not self.simulator then
    core.raise('%s: there is no simulator; give parameters and summaries', who)
  end
  local done, over = store:begin(name_of(o, bounds), o.n_samples)
  self.iterations, self.stopped = done, 'complete'
  if over then return end
  local draw = drawer(self, store, o, bounds)
  if o.loops then draw_loop(self, store, o, bounds, draw, done)
  elseif done == 0 then
    local first, second = random.split(o.key):unpack()
    draw(first, second)
    self.iterations = 1
  end
end

--- Draws that were made before, into a store.
-- @tparam ABC self
-- @tparam table store
-- @tparam table o parameters (n, P), summaries (n, S), on_failure
function M.add_premade(self, store, o)
  local theta, s = np.array(o.parameters), np.array(o.summaries)
  local a, b = theta.shape, s.shape
  if #a ~= 2 or a[2] ~= self.n_params or #b ~= 2 or b[2] ~= self.n_summaries or a[1] ~= b[1] then
    core.raise('%s: parameters must be (n, %d) and summaries (n, %d), got %s and %s', who,
      self.n_params, self.n_summaries, text(a), text(b))
  end
  local at = tonumber(core.C.imnn_array_nonfinite(theta.array))
  if at >= 0 then
    core.raise('%s: parameters hold a number that is not finite, in row %d', who,
      math.floor(at / a[2]) + 1)
  end
  local d = transform.vmap(self.distances_of)(s)
  local done = store:begin('premade, ' .. fingerprint.of_arrays { theta, s }, a[1])
  if done > 0 then return end
  local odd
  theta, s, d, odd = finite_rows(self, o, theta, s, d)
  store:add(theta, s, d, a[1], odd)
end

return M
