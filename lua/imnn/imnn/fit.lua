--- The loop of a fit: scores, patience, what is kept of it.
-- @module imnn.imnn.fit
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local ending = require 'imnn.ending'
local faults = require 'imnn.imnn.faults'
local fisher = require 'imnn.fisher'
local history = require 'imnn.imnn.history'
local iteration = require 'imnn.imnn.iteration'
local keep = require 'imnn.imnn.keep'
local np = require 'imnn.numpy'
local progress = require 'imnn.progress'
local random = require 'imnn.random'
local sets = require 'imnn.imnn.sets'
local C, at = core.C, iteration.at
local M = {}

local rows = {
  lambda = { 'number' },
  epsilon = { 'number' },
  key = { 'Array', optional = true },
  patience = { 'integer', default = 100 },
  min_iterations = { 'integer', default = 100 },
  max_iterations = { 'integer', default = 100000 },
  best = { 'boolean', default = true },
  progress = { 'boolean', 'table', default = true },
  quiet = { 'boolean', default = false },
  log = { 'boolean', 'function', 'userdata', 'table', default = false },
  print_rate = { 'integer', optional = true },
  checkpoint = { 'string', optional = true },
  every = { 'string', 'number', default = '10m' },
}

local function take(net, opts)
  local o = args.take('fit', opts, rows)
  o.alpha = fisher.alpha(o.lambda, o.epsilon)
  for _, name in ipairs { 'patience', 'min_iterations', 'max_iterations' } do
    if o[name] < 0 then core.raise('fit: %s must not be negative, got %d', name, o[name]) end
  end
  if o.print_rate then check.count('fit', 'print_rate', o.print_rate) end
  if net.simulate and not o.key then
    core.raise 'fit: rng is missing: the key from which the simulations are drawn'
  end
  o.key = o.key and check.key('fit', 'rng', o.key) or random.PRNGKey(0)
  return o
end

-- A compiled iteration for these options and the data that there are; the last one is kept.
local function compiled(net, o)
  sets.check(net, 'fit')
  local training = sets.inputs(net, false)
  local validation = net.validate and sets.inputs(net, true) or nil
  local settings = ('%.17g %.17g %s'):format(o.lambda, o.epsilon, random.key_layout())
  local kept = net.compiled
  if not (kept and kept.settings == settings
      and kept.iteration:fits(net.state, training, validation)) then
    kept = { settings = settings, iteration = iteration.new(net, o, training, validation) }
    net.compiled = kept
  end
  kept.iteration:use(training, validation)
  return kept.iteration
end

-- ---- telling ----

local line = '%d  ln det F %.3f  Λ2 %.3g  r %.3g  %.0f/s  patience %d of %d'
local val_line = line:gsub('F %%%.3f', 'F %%.3f, validation %%.3f')

local advice = 'fit: there is no validation set; the information in a fixed set of simulations '
  .. 'will be overestimated: give validation_fiducial and validation_derivative'

local function writer(log)
  if type(log) == 'function' then return log end
  local out = log == true and io.stderr or log
  return function(text) out:write(text, '\n') end
end

-- A function (run) that tells about it: log lines every so many iterations, or the line of
-- progress when time has come.
local function teller(net, o, show)
  local last_time, last_count, rate = C.imnn_seconds(), 0, 0
  local every = o.print_rate or 100
  local write = (o.log or o.print_rate) and writer(o.log or true)
  local function measure(run, now)
    rate = (run.count - last_count) / math.max(now - last_time, 1e-9)
    last_time, last_count = now, run.count
  end
  local function values(run)
    local row = run.iteration.row
    local function rest() return row[at.Lambda_2], row[at.r], rate, run.stalled, o.patience end
    if not net.validate then return line, net.history.size, row[at.lndetF], rest() end
    return val_line, net.history.size, row[at.lndetF], row[at.val_lndetF], rest()
  end
  if not (net.simulate or net.validate or o.quiet) then (write or print)(advice) end
  return function(run, final)
    if write then
      if final or run.count % every ~= 0 then return end
      measure(run, C.imnn_seconds())
      write(string.format(values(run)))
    else
      local now = C.imnn_seconds()
      if now < last_time + 0.2 and not final then return end
      if run.count > last_count then measure(run, now) end
      show(values(run))
    end
  end
end

-- What was reached: in training, by the weights that are kept, and where no fit has looked.
local function summary(net, o, run, why)
  local past = net.history
  local row = o.best and past.best_row > 0 and math.min(past.best_row, past.size) or past.size
  local text = ('fit: %d iterations (%s): ln det F %.3f in training, '):format(run.count, why,
    past.lndetF[row]:item())
  if not (net.simulate or net.validate) then return text .. 'no held-out simulations' end
  return ('%s%.3f on %s'):format(text, select(2, np.linalg.slogdet(net.F)):item(),
    net.validate and 'the validation set' or 'fresh simulations')
end

-- ---- the loop ----

-- A set to be written: of three one is the present one, and one may be the best.
local function free(run)
  for _, set in ipairs(run.rooms) do
    if set ~= run.set and set ~= run.best then return set end
  end
end

-- Judge an iteration from a set to another: by the validation set, which the new weights met, or by
-- the training set, which the old ones met. Iterations count from 0 here, and patience begins
-- behind min_iterations.
local function score(run, o, from, to)
  local row, past = run.iteration.row, run.net.history
  local lndetF, sign, judged, met = row[at.lndetF], row[at.sign], from, past.size
  if run.net.validate then
    lndetF, sign, judged, met = row[at.val_lndetF], row[at.val_sign], to, past.size + 1
  end
  if sign > 0 and lndetF > past.max_lndetF then
    past.max_lndetF, past.best_row, run.stalled, run.best = lndetF, met, 0, judged
  elseif run.count > o.min_iterations then run.stalled = run.stalled + 1 end
end

-- Iterations until there is a reason to stop.
local function loop(run, o, tell)
  local net, it, past = run.net, run.iteration, run.net.history -- of which there may be a new one
  while run.stalled < o.patience do
    if run.count >= o.max_iterations then return 'max_iterations' end
    local from, to = run.set, free(run)
    local status = it:run(from, to)
    if status == C.IMNN_EINTERRUPT then return 'interrupted' end
    core.check(status, 'fit')
    local why = faults.of_iteration(net, it, from) or faults.of_validation(net, it, from, to)
    if why then core.raise('fit: iteration %d: %s', past.size, why) end
    history.append(past, it.row, net.validate)
    score(run, o, from, to)
    run.count, run.set = run.count + 1, to
    if run.keep then run.keep() end
    tell(run)
    if run.keep and ending.asked() then return 'ending' end
  end
  return 'patience'
end

-- What a fit was asked for, and how many iterations it took.
local function settings_of(o)
  return function(run)
    local out = { rng = o.key, iterations = run.count }
    for _, name in ipairs { 'lambda', 'epsilon', 'patience', 'min_iterations', 'max_iterations',
      'best' } do
      out[name] = o[name]
    end
    return out
  end
end

-- Make what was reached the state of the network, however the loop ended.
local function publish(run)
  local net, it = run.net, run.iteration
  net.history.size = run.before + run.count -- an error may have come between two assignments
  if run.count == 0 then return end
  net.last_fit = run.settings(run)
  net.state, net.count = it:state_of(run.set), net.count + run.count
  net.final_w = net.optimiser.get_params(net.state)
  if run.best then net.best_w = net.optimiser.get_params(it:state_of(run.best)) end
end

local function begin(net, o)
  local it = compiled(net, o)
  local first = it:start(net.state, o.key, net.count)
  return {
    net = net, iteration = it, set = first, best = nil, rooms = { it:room(), it:room(), it:room() },
    count = 0, stalled = 0, before = net.history.size, settings = settings_of(o),
  }
end

--- Maximise the information that the summaries keep.
-- @tparam table net
-- @tparam table opts see imnn.imnn.net
-- @treturn string why it stopped
function M.fit(net, opts)
  local o = take(net, opts)
  local run, follow = begin(net, o), {}
  run.keep = keep.keeper(run, o)
  if type(o.progress) == 'table' then follow = o.progress end
  local silent = o.quiet or o.progress == false or o.log or o.print_rate
  local function iterate(show)
    local tell = teller(net, o, show)
    local why = loop(run, o, tell)
    if run.count > 0 then tell(run, true) end
    return why
  end
  local function work()
    local why
    if silent then why = iterate(function() end) else why = progress.follow(follow, iterate) end
    if run.keep then run.keep(true) end
    return why
  end
  local ok, why = pcall(ending.follow, { who = 'fit', what = 'checkpoint', path = o.checkpoint,
    quiet = o.quiet or o.progress == false }, work)
  publish(run) -- what was reached is not lost with its file
  if not ok then error(why, 0) end
  net:set_F_statistics { w = o.best and net.best_w or net.final_w, key = o.key }
  if run.count > 0 and not o.quiet then
    if o.log or o.print_rate then writer(o.log or true)(summary(net, o, run, why))
    elseif o.progress then progress.say(follow, summary(net, o, run, why)) end
  end
  return why
end

--- A function that makes one bare iteration at each call, for measurements; the network stays as it
-- is.
-- @tparam table net
-- @tparam table opts as for fit
-- @treturn function
-- @treturn Iteration
function M.stepper(net, opts)
  local o = take(net, opts)
  local it = compiled(net, o)
  local from, to, spare = it:start(net.state, o.key, net.count), it:room(), it:room()
  return function()
    core.check(it:run(from, to), 'stepper')
    from, to, spare = to, spare, to
  end, it
end

return M
