--- What samplers ask for, found out: draws and densities of the prior, simulations. Attempts are
-- put together to a few sizes, for each of which there is one compiled program.
-- @module imnn.lfi.answers
local ffi = require 'ffi'
local core = require 'imnn.core'
local distance = require 'imnn.lfi.distance'
local np = require 'imnn.numpy'
local prior = require 'imnn.lfi.prior'
local simulators = require 'imnn.simulators.object'
local text = require('imnn.array.text').shape
local transform = require 'imnn.transform'
local C = core.C
local M = {}

local Answers = {}
Answers.__index = Answers

-- n rows of `width` from C, and the first one again and again up to m, as an Array. The room is
-- used again: as garbage it would have all objects of the program looked through every few batches.
local function padded(self, type, x, n, m, width, dtype)
  local room = self.rooms[type]
  if not room or room.size < m * width then
    room = { size = m * width, memory = ffi.new(type, m * width) }
    self.rooms[type] = room
  end
  local out = room.memory
  ffi.copy(out, x, n * width * ffi.sizeof(out) / room.size)
  for i = n, m - 1 do
    for k = 0, width - 1 do out[i * width + k] = x[k] end
  end
  return np.from_buffer(out, { m, width }, dtype)
end

-- The least of few sizes that holds n.
local function size_for(self, n)
  local size = self.batch
  while size % 2 == 0 and size / 2 >= math.max(n, 16) do size = size / 2 end
  return math.max(size, n)
end

local function first(x, n) return #x == n and x or x[{ { 1, n } }] end

--- Draws of the prior.
-- @tparam number n
-- @tparam cdata keys (n, 2)
-- @treturn Array (n, P)
function Answers:draw(n, keys)
  return first(self.draws(padded(self, 'uint32_t[?]', keys, n, size_for(self, n), 2, 'u32')), n)
end

--- Log-densities of the prior within its support.
-- @tparam number n
-- @tparam cdata theta (n, P)
-- @treturn Array f64 (n)
function Answers:density(n, theta)
  local x = np.from_buffer(theta, { n, self.P }, 'f64')
  local l = prior.log_prob(self.who, self.prior, x)
  if not np.is_array(l) or text(l.shape) ~= text { n } then
    core.raise('%s: log_prob of the prior must map (n, %d) to (n), got %s', self.who, self.P,
      np.is_array(l) and text(l.shape) or core.kind(l))
  end
  return l
end

-- The parameters of a row, from 1, as text.
local function row_text(self, theta, row)
  local list, P = {}, self.P
  for p = 1, P do list[p] = theta[(row - 1) * P + p - 1] end
  return text(list)
end

-- The distance of a row is to be named, not dropped, unless the user said so.
local function raise_not_finite(self, x, at, theta, what)
  core.raise('%s: the %s of a draw with the parameters %s is not finite; look at what simulator '
    .. "and compressor give there, or leave such draws out with on_failure = 'drop'", self.who,
    what, row_text(self, theta, math.floor(at / (x.size / #x)) + 1))
end

-- x (n, m) f64 with 0 where rows are not finite, which are marked in `failed`.
local function dropped(x, failed)
  local good = np.all(np.isfinite(x), { axis = 2 })
  for i, is_good in ipairs(good:totable()) do
    if not is_good then failed[i - 1] = 1 end
  end
  return np.where(np.expand_dims(good, 2), x, 0)
end

-- Summaries and distances, all of them finite numbers, and which were not.
local function check_finite(self, s, d, failed, theta)
  for what, x in pairs { summary = s, distance = d } do
    local at = tonumber(C.imnn_array_nonfinite(x.array))
    if at >= 0 and self.on_failure ~= 'drop' then raise_not_finite(self, x, at, theta, what) end
    if at >= 0 then
      failed = failed or ffi.new('uint8_t[?]', #x)
      x = dropped(x, failed)
      if what == 'summary' then s = x else d = x end
    end
  end
  distance.check_sign(self.who, d, function(row) return row_text(self, theta, row) end)
  return s, d, failed
end

local function black_box(self, n, keys, theta, show, label)
  local k = np.from_buffer(keys, { n, 2 }, 'u32')
  local x = np.from_buffer(theta, { n, self.P }, 'f64'):astype 'f32'
  local data, report = self.problem.simulator:run(k, x, { progress = show or false,
    label = label, on_failure = self.on_failure })
  local m = #data
  local s, d
  if m > 0 then
    local shape = data.shape
    shape[1] = size_for(self, m) - m
    if shape[1] > 0 then
      data = np.concatenate({ data, np.broadcast_to(data[{ { 1, 1 } }], shape) }, 1)
    end
    s, d = self.measure(data)
    s, d = first(s, m), first(d, m)
  end
  if not report.kept then return s, d end
  -- rows of those that failed are 0, and marked
  local failed, S, T = ffi.new('uint8_t[?]', n, 1), self.problem.n_summaries,
    self.problem.n_targets
  for i = 0, n - 1 do failed[i] = 1 end
  local all_s, all_d = ffi.new('double[?]', n * S), ffi.new('double[?]', n * T)
  s, d = m > 0 and s:astype 'f64', m > 0 and d:astype 'f64'
  for row, at in ipairs(report.kept:totable()) do
    ffi.copy(all_s + (at - 1) * S, s:data() + (row - 1) * S, S * 8)
    ffi.copy(all_d + (at - 1) * T, d:data() + (row - 1) * T, T * 8)
    failed[at - 1] = 0
  end
  return np.from_buffer(all_s, { n, S }, 'f64'), np.from_buffer(all_d, { n, T }, 'f64'), failed
end

-- In one program or, where that would make too many in vain, in several.
local function traced(self, n, keys, theta)
  local m = size_for(self, n)
  if n > 256 and m > 1.15 * n and m / 2 < n and m % 2 == 0 then
    local half = m / 2
    local s, d = traced(self, half, keys, theta)
    local more_s, more_d = traced(self, n - half, keys + 2 * half, theta + self.P * half)
    return np.concatenate({ s, more_s }, 1), np.concatenate({ d, more_d }, 1)
  end
  local s, d = self.simulations(padded(self, 'uint32_t[?]', keys, n, m, 2, 'u32'),
    padded(self, 'double[?]', theta, n, m, self.P, 'f64'):astype 'f32')
  return first(s, n), first(d, n)
end

--- Simulations.
-- @tparam number n
-- @tparam cdata keys (n, 2)
-- @tparam cdata theta (n, P)
-- @tparam[opt] function show progress of black boxes
-- @treturn Array summaries (n, S)
-- @treturn Array distances (n, T)
-- @treturn cdata|nil bytes (n): those that could not be made, or gave no finite numbers where
-- `on_failure` is 'drop'
function Answers:simulate(n, keys, theta, show, label)
  local s, d, failed
  if self.black then
    s, d, failed = black_box(self, n, keys, theta, show, label)
  else
    s, d = traced(self, n, keys, theta)
  end
  return check_finite(self, s, d, failed, theta)
end

--- For a problem of imnn.lfi.problem.
-- @tparam string who
-- @tparam table problem
-- @tparam number batch the most that is asked for
-- @treturn table
function M.new(who, problem, batch)
  local self = setmetatable({ who = who, problem = problem, prior = problem.prior, batch = batch,
    rooms = {}, P = problem.n_params, black = simulators.is(problem.simulator) }, Answers)
  self.draws = transform.jit(transform.vmap(function(key) return self.prior:sample(key) end))
  local function measure(datum)
    local summary = problem.compress(datum)
    return summary, problem.distances_of(summary)
  end
  if self.black then
    self.measure = transform.jit(transform.vmap(measure))
  elseif problem.simulator then
    self.simulations = transform.jit(transform.vmap(function(key, theta)
      return measure(problem.simulator(key, theta))
    end))
  end
  return self
end

return M
