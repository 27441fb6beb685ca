--- Simulations for finite differences: the same random numbers at the fiducial parameters and on
-- both sides of them.
-- @module imnn.simulators.numerical
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local object = require 'imnn.simulators.object'
local random = require 'imnn.random'
local transform = require 'imnn.transform'
local M = {}

local who = 'numerical'

-- A function (keys, theta (P), label) -> data, numbers of the rows that are left or nil.
local function runner(simulator, o, reports)
  if not object.is(simulator) then
    local many = transform.jit(transform.vmap(simulator, { in_axes = { 1, false } }))
    return function(keys, theta) return many(keys, theta) end
  end
  if simulator.rekey > 0 then
    core.raise('%s: a simulator with rekey = %d may change keys, but finite differences need the '
      .. 'same ones on both sides', who, simulator.rekey)
  end
  return function(keys, theta, label)
    local data, report = simulator:run(keys, theta, { progress = o.progress, label = label })
    report.what = label
    reports[#reports + 1] = report
    return data, report.kept
  end
end

-- Of the rows whose numbers are in `kept`, those with numbers in `wanted`; all kept are sorted.
local function rows(data, kept, wanted)
  if not kept then return np.take(data, wanted, 1) end
  local place, list = {}, wanted:totable()
  for i, number in ipairs(kept:totable()) do place[number] = i end
  for i, number in ipairs(list) do list[i] = place[number] end
  return np.take(data, np.array(list, 'i32'), 1)
end

-- Simulations at the fiducial parameters (n, ...) and around them (n_d, 2, P, ...) with one key.
local function set(run, o, key, name)
  local theta, P, n = o.theta_fid, o.theta_fid.size, math.max(o.n_s, o.n_d)
  local keys = random.split(key, n)
  local some = keys[{ { 1, o.n_d } }]
  local fiducial, kept = run(keys[{ { 1, o.n_s } }], theta, name .. 'fiducial')
  local sides, lost, gaps = {}, {}, kept ~= nil
  local function note(numbers, count)
    local there = {}
    for _, i in ipairs(numbers and numbers:totable() or {}) do there[i] = true end
    for i = 1, numbers and count or 0 do lost[i] = lost[i] or not there[i] end
    gaps = gaps or numbers ~= nil
  end
  note(kept, o.n_s)
  for side = 1, 2 do
    sides[side] = {}
    for k = 1, P do
      local step = np.zeros({ P }, theta.dtype):at(k):set((side - 1.5) * o.delta_theta[k]:item())
      local data, left = run(some, theta + step, ('%sparameter %d %s'):format(name, k,
        side == 1 and 'below' or 'above'))
      note(left, o.n_d)
      sides[side][k] = { data, left }
    end
  end
  local function numbers(count)
    local list = {}
    for i = 1, count do if not lost[i] then list[#list + 1] = i end end
    return np.array(list, 'i32')
  end
  local function take(data, left, count)
    return gaps and rows(data, left, numbers(count)) or data
  end
  local both = {}
  for side = 1, 2 do
    local list = {}
    for k, one in ipairs(sides[side]) do list[k] = take(one[1], one[2], o.n_d) end
    both[side] = np.stack(list, 2)
  end
  return take(fiducial, kept, o.n_s), np.stack(both, 2)
end

--- Simulations for NumericalGradientIMNN: at the fiducial parameters, and half of `delta_theta`
-- below and above them in each one. Simulation i has the same key everywhere. A key whose
-- simulation fails anywhere is left out everywhere (on_failure = 'drop').
-- @tparam table opts `simulator`: one of imnn.simulators, or a function (key, theta) of one
-- example; `theta_fid` (P); `delta_theta` (P): the whole distance of the two sides; `n_s`; `n_d`
-- (n_s); `key`; `validation` (false): make as many for validation, with other keys; `progress`
-- (true)
-- @treturn table options of NumericalGradientIMNN: `fiducial` (n_s, ...), `derivative`
-- (n_d, 2, P, ...), `delta_theta`, `theta_fid`, `n_s`, `n_d` (how many there are),
-- `validation_fiducial`, `validation_derivative`
-- @treturn table reports of the runs, as sim:run gives them, with `what` they were
-- @raise what does not fit, failures
-- @usage local data = simulators.numerical { simulator = sim, theta_fid = { 0, 1 },
--   delta_theta = { 0.1, 0.1 }, n_s = 20, n_d = 10, key = key, progress = false }
-- data.derivative.shape --> { 10, 2, 2, 3 }
function M.numerical(opts)
  local o = args.take(who, opts, {
    simulator = { 'function' }, theta_fid = { 'Array', 'table', 'number' },
    delta_theta = { 'Array', 'table', 'number' }, n_s = { 'integer' },
    n_d = { 'integer', optional = true }, key = { 'Array' },
    validation = { 'boolean', default = false }, progress = { 'boolean', 'table', default = true },
  })
  check.key(who, 'key', o.key)
  o.n_d = o.n_d or o.n_s
  check.count(who, 'n_s', o.n_s)
  check.count(who, 'n_d', o.n_d)
  for _, name in ipairs { 'theta_fid', 'delta_theta' } do
    local x = np.array(o[name])
    if x.ndim == 0 then x = x:reshape { 1 } end
    if x.dtype ~= 'f32' and x.dtype ~= 'f64' then x = x:astype 'f32' end
    if x.ndim ~= 1 or x.size == 0 or name == 'delta_theta' and x.size ~= o.theta_fid.size then
      core.raise('%s: theta_fid and delta_theta must have one number for each parameter, %s has '
        .. 'shape %s', who, name, check.text(x.shape))
    end
    o[name] = x
  end
  for k, step in ipairs(o.delta_theta:totable()) do
    if not (step > 0) then
      core.raise('%s: delta_theta must be positive, got %g for parameter %d', who, step, k)
    end
  end
  local reports = {}
  local run = runner(o.simulator, o, reports)
  local training, other = random.split(o.key):unpack()
  local out = { delta_theta = o.delta_theta, theta_fid = o.theta_fid }
  out.fiducial, out.derivative = set(run, o, training, '')
  out.n_s, out.n_d = #out.fiducial, #out.derivative
  if o.validation then
    out.validation_fiducial, out.validation_derivative = set(run, o, other, 'validation: ')
  end
  return out, reports
end

return M
