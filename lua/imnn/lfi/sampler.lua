--- The samplers of the library (include/imnn/sampler.h): machines that are asked what they want and
-- told what came of it.
-- @module imnn.lfi.sampler
local ffi = require 'ffi'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local C, check = core.C, core.check
local M = {}

local Sampler = {}
Sampler.__index = Sampler

local kinds = {
  [tonumber(C.IMNN_ASK_DONE)] = 'done', [tonumber(C.IMNN_ASK_DRAW)] = 'draw',
  [tonumber(C.IMNN_ASK_DENSITY)] = 'density', [tonumber(C.IMNN_ASK_SIMULATE)] = 'simulate',
}

--- Names of methods, proposals, acceptances and distances.
M.methods = { abc = C.IMNN_ABC, pmc = C.IMNN_PMC, smc = C.IMNN_SMC }
M.proposals = {
  normal = C.IMNN_PROPOSE_NORMAL, student = C.IMNN_PROPOSE_STUDENT,
  uniform = C.IMNN_PROPOSE_UNIFORM, ['local'] = C.IMNN_PROPOSE_LOCAL,
  nearest = C.IMNN_PROPOSE_NEAREST,
}
M.acceptances = {
  uniform = C.IMNN_ACCEPT_UNIFORM, triangular = C.IMNN_ACCEPT_TRIANGULAR,
  epanechnikov = C.IMNN_ACCEPT_EPANECHNIKOV,
}
M.distances = {
  given = C.IMNN_DISTANCE_GIVEN, euclidean = C.IMNN_DISTANCE_EUCLIDEAN,
  mahalanobis = C.IMNN_DISTANCE_METRIC, scaled = C.IMNN_DISTANCE_SCALED,
  adaptive = C.IMNN_DISTANCE_ADAPTIVE,
}

-- f64, whose memory C reads; the Array has to be kept as long.
local function doubles(x) return x:astype 'f64' end

local limits = { 'min_epsilon', 'min_acceptance', 'min_progress', 'max_seconds', 'max_simulations',
  'max_generations' }

-- nil is the default where there is one, false no such rule.
local function set_limits(to, from)
  for _, name in ipairs(limits) do
    if from[name] ~= nil then to[name] = from[name] or 0 end
  end
end

--- Make one.
-- @tparam table o `who`, `method`, `key` and `shared_key` (lists of two words), `n`, `n_params`,
-- `n_summaries`, `repeats`, `pilot`, `epsilon`, `schedule` (list), `alpha`, `proposal`,
-- `acceptance`, `distance`, `target` (S), `metric` (S, S) or nil, `max_tries`, `limits`; `low`,
-- `high`: lists of the ends of the prior, `transform`: between which parameters are mapped to the
-- real line; `log_prior` in between, if it is the same everywhere
-- @treturn table
function M.new(o)
  local c, slot = ffi.new 'imnn_sampler_options', ffi.new 'imnn_sampler *[1]'
  C.imnn_sampler_defaults(c, M.methods[o.method])
  c.who, c.n, c.n_params, c.n_summaries = o.who, o.n, o.n_params, o.n_summaries
  c.key[0], c.key[1] = o.key[1], o.key[2]
  c.shares, c.single = true, true
  c.shared_key[0], c.shared_key[1] = o.shared_key[1], o.shared_key[2]
  for _, name in ipairs { 'repeats', 'pilot', 'epsilon', 'alpha', 'max_tries' } do
    if o[name] then c[name] = o[name] end
  end
  c.proposal, c.acceptance = M.proposals[o.proposal], M.acceptances[o.acceptance]
  c.distance = M.distances[o.distance]
  local target, metric = doubles(o.target), o.metric and doubles(o.metric)
  local schedule = o.schedule and ffi.new('double[?]', #o.schedule, o.schedule)
  c.target, c.metric = target:data(), metric and metric:data() or nil
  c.schedule, c.n_schedule = schedule, o.schedule and #o.schedule or 0
  local low, high = ffi.new('double[?]', #o.low, o.low), ffi.new('double[?]', #o.high, o.high)
  c.low, c.high, c.flat, c.log_prior = low, high, o.log_prior ~= nil, o.log_prior or 0
  c.transform = o.transform
  set_limits(c.limits, o.limits)
  local self = setmetatable({ who = o.who, n = o.n, P = o.n_params, S = o.n_summaries,
    repeats = o.repeats or 1, limits = ffi.new('imnn_sampler_limits', c.limits) }, Sampler)
  check(C.imnn_sampler_new(slot, c), o.who)
  self.handle = ffi.gc(slot[0], C.imnn_sampler_release)
  return self
end

--- What is wanted next.
-- @tparam number most
-- @treturn string 'done', 'draw', 'density' or 'simulate'
-- @treturn number n
-- @treturn cdata keys (n, 2) and theta (n, P), until it is told
function Sampler:ask(most)
  local ask = ffi.new 'imnn_ask[1]'
  check(C.imnn_sampler_ask(self.handle, most, ask), self.who)
  return kinds[tonumber(ask[0].kind)], tonumber(ask[0].n), ask[0].keys, ask[0].theta
end

--- The answer.
-- @tparam table a Arrays f64 `theta`, `log_prior`, `summaries`, `distances`; `failed`: a cdata of
-- bytes
function Sampler:tell(a)
  local answer, held = ffi.new 'imnn_answer[1]', {}
  for _, name in ipairs { 'theta', 'log_prior', 'summaries', 'distances' } do
    if a[name] then
      held[name] = doubles(a[name])
      answer[0][name] = held[name]:data()
    end
  end
  answer[0].failed = a.failed
  check(C.imnn_sampler_tell(self.handle, answer), self.who)
end

--- Begin with draws that were made before.
function Sampler:begin(theta, summaries, distances, log_prior)
  local held = { doubles(theta), doubles(summaries), distances and doubles(distances),
    log_prior and doubles(log_prior) }
  check(C.imnn_sampler_begin(self.handle, #theta, held[1]:data(), held[2]:data(),
    held[3] and held[3]:data() or nil, held[4] and held[4]:data() or nil), self.who)
end

--- Go on with other limits.
function Sampler:resume(given)
  set_limits(self.limits, given)
  C.imnn_sampler_resume(self.handle, self.limits)
end

function Sampler:stop() C.imnn_sampler_stop(self.handle) end

--- Why it stopped: 'min_epsilon', ...; 'running'.
function Sampler:reason()
  return ffi.string(C.imnn_stop_text(C.imnn_sampler_reason(self.handle)))
end

--- The i-th generation, from 0, as a table; nil: there is none.
function Sampler:generation(i)
  local g = ffi.new 'imnn_generation'
  if not C.imnn_sampler_generation(self.handle, i, g) then return nil end
  local out = { generation = i, epsilon = g.epsilon, ess = g.ess, seconds = g.seconds }
  for _, name in ipairs { 'proposals', 'simulations', 'failed', 'accepted', 'sweeps' } do
    out[name] = tonumber(g[name])
  end
  local tried = out.sweeps > 0 and out.proposals or out.simulations / self.repeats
  out.acceptance = tried > 0 and out.accepted / tried or 0
  return out
end

function Sampler:generations() return tonumber(C.imnn_sampler_generations(self.handle)) end

function Sampler:simulations() return tonumber(C.imnn_sampler_simulations(self.handle)) end

--- How many are accepted of the generation that is being made, how many are wanted, and the
-- shortest distance in it.
function Sampler:progress()
  local n = ffi.new 'int64_t[2]'
  C.imnn_sampler_progress(self.handle, n, n + 1)
  return tonumber(n[0]), tonumber(n[1]), C.imnn_sampler_closest(self.handle)
end

-- Columns of rows that are `stride` apart, as an Array.
local function column(x, n, stride, width, flat)
  local out = ffi.new('double[?]', math.max(n * width, 1))
  for i = 0, n - 1 do ffi.copy(out + i * width, x + i * stride, width * 8) end
  return np.from_buffer(out, flat and { n } or { n, width }, 'f64')
end

-- Without particles that could not be simulated: smc keeps their places, with no weight once
-- epsilon is finite.
local function made_only(p)
  local good = np.isfinite(p.distances)
  if p.n == 0 or np.all(good):item() then return p end
  for _, name in ipairs { 'parameters', 'log_weights', 'distances', 'summaries' } do
    p[name] = p[name][good]
  end
  p.n = #p.parameters
  local w = np.exp(p.log_weights)
  p.log_weights = p.log_weights - np.log(w:sum())
  p.ess = (w:sum() ^ 2 / (w * w):sum()):item()
  return p
end

--- The particles: parameters (n, P), log_weights (n), distances (n): the nearest of each, summaries
-- (n, S): those of the nearest, epsilon, ess, generation.
function Sampler:particles()
  local p = ffi.new 'imnn_particles'
  check(C.imnn_sampler_particles(self.handle, p), self.who)
  local n, stride, S, M_ = tonumber(p.n), tonumber(p.stride), self.S, self.repeats
  local d, s = ffi.new('double[?]', math.max(n, 1)), ffi.new('double[?]', math.max(n * S, 1))
  for i = 0, n - 1 do
    local row, best = p.distance + i * stride, 0
    for m = 1, M_ - 1 do
      if row[m] < row[best] then best = m end
    end
    d[i] = row[best]
    ffi.copy(s + i * S, p.summaries + i * stride + best * S, S * 8)
  end
  return made_only {
    n = n, generation = tonumber(p.generation), epsilon = p.epsilon, ess = p.ess,
    parameters = column(p.theta, n, stride, self.P),
    log_weights = column(p.log_weight, n, stride, 1, true),
    distances = np.from_buffer(d, { n }, 'f64'), summaries = np.from_buffer(s, { n, S }, 'f64'),
  }
end

--- The state as an Array of words.
function Sampler:save()
  local bytes = ffi.new 'int64_t[1]'
  C.imnn_sampler_save(self.handle, nil, bytes)
  local out = ffi.new('uint32_t[?]', tonumber(bytes[0]) / 4)
  C.imnn_sampler_save(self.handle, out, bytes)
  return np.from_buffer(out, { tonumber(bytes[0]) / 4 }, 'u32')
end

function Sampler:restore(state)
  check(C.imnn_sampler_restore(self.handle, state:data(), state.size * 4), self.who)
end

return M
