--- Fits that look for their own fiducial parameters. An estimate is best near theta_fid, and where
-- that should be is known only afterwards: so fit, estimate the target, and fit again there.
-- @module imnn.imnn.refine
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local random = require 'imnn.random'
local variant = require 'imnn.imnn.variant'
local M = {}

local options = {
  net = { 'table', optional = true }, make = { 'function', optional = true },
  from = { 'table', optional = true }, theta_fid = { 'Array', 'table', optional = true },
  target = { 'Array', 'table' }, key = { 'Array' }, fit = { 'table' },
  prior = { 'table', optional = true }, tolerance = { 'number', default = 0.1 },
  max_rounds = { 'integer', default = 10 }, max_step = { 'number', optional = true },
  warm = { 'boolean', default = true }, quiet = { 'boolean', default = false },
  log = { 'boolean', 'function', 'userdata', optional = true },
}

-- Rounds in a row without a shorter shift after which it is given up.
local patience = 3

-- ---- options ----

local function list(x) return np.is_array(x) and x:totable() or x end

local function numbers(values)
  local out = {}
  for k, x in ipairs(values) do out[k] = ('%.4g'):format(x) end
  return '(' .. table.concat(out, ', ') .. ')'
end

-- The box of the prior: two lists.
local function box_of(o, P)
  if not o.prior then return nil end
  local prior = require 'imnn.lfi.prior'
  local box = prior.support(prior.of(o.prior))
  if #box.low ~= P then
    core.raise('refine: the prior is of %d parameters, theta_fid of %d', #box.low, P)
  end
  return box
end

local function inside(box, theta)
  for k, x in ipairs(theta) do
    if x <= box.low[k] or x >= box.high[k] then return k end
  end
end

local function check_numbers(o)
  if o.tolerance <= 0 then core.raise('refine: tolerance must be positive, got %g', o.tolerance) end
  if o.max_step and o.max_step <= 0 then
    core.raise('refine: max_step, in error bars, must be positive, got %g', o.max_step)
  end
  check.count('refine', 'max_rounds', o.max_rounds)
  check.key('refine', 'key', o.key)
end

-- What is to be fitted again and again: a network, or a function that makes one.
local function check_source(o)
  if (o.net == nil) == (o.make == nil) and not o.from then
    core.raise 'refine: needs either net, which simulates, or make, a function (theta_fid, key)'
  end
  if o.make then check.arity('refine', 'make', o.make, 2, 2, '(theta_fid, key)') end
  for _, name in ipairs { 'net', 'from' } do
    local net = name == 'net' and o.net or o.from and o.from.net
    if o[name] and not (type(net) == 'table' and type(net.kind) == 'table') then
      core.raise('refine: %s must be %s', name, name == 'net' and 'a network'
        or 'what an earlier refine has given')
    end
    if net and not o.make and not net.simulate then
      core.raise('refine: the data of a %s belong to its theta_fid; give make, a function '
        .. '(theta_fid, key) that makes new ones', net.class)
    end
  end
end

local function writer(o)
  if o.quiet or o.log == false then return function() end end
  if type(o.log) == 'function' then return o.log end
  if type(o.log) ~= 'userdata' then return print end
  return function(text) o.log:write(text, '\n') end
end

-- Options, and where to start.
local function take(opts)
  local o = args.take('refine', opts, options)
  check_source(o)
  check_numbers(o)
  local net = o.net or o.from and o.from.net
  local theta = o.theta_fid or o.from and o.from.next or net and net.theta_fid
  if theta == nil then core.raise 'refine: theta_fid, where to start, is missing' end
  theta = list(theta)
  for k, x in ipairs(theta) do
    if type(x) ~= 'number' then
      core.raise('refine: theta_fid must be a list of numbers, got %s at %d', core.kind(x), k)
    end
  end
  o.box = box_of(o, #theta)
  local k = o.box and inside(o.box, theta)
  if k then
    core.raise('refine: theta_fid must lie inside the prior; parameter %d is %g', k, theta[k])
  end
  return o, theta, net
end

-- ---- one round ----

-- The same network elsewhere, with weights.
local function moved(net, theta, w)
  local out = variant(net, {
    theta_fid = check.theta('refine', np.array(theta, net.theta_fid.dtype), net.n_params) })
  out:reset(net.optimiser.init(w))
  return out
end

-- The network that the function of the user makes, with the weights of the last one if there is.
local function made(o, theta, key, last)
  local fiducial = np.array(theta)
  local net = o.make(fiducial, key)
  if type(net) ~= 'table' then
    core.raise('refine: make must give a network, or the options of one, got %s', core.kind(net))
  end
  if not net.kind then
    local given = { verbose = false, theta_fid = fiducial, key_or_state = key }
    for name, x in pairs(net) do given[args.spelling[name] or name] = x end
    net = require('imnn.imnn').IMNN(given)
  end
  local away = np.abs(net.theta_fid - fiducial):max():item()
  if away > 1e-5 * np.abs(fiducial):max():item() + 1e-30 then
    core.raise('refine: make was asked for a network at %s, its theta_fid is %s',
      numbers(theta), numbers(net.theta_fid:totable()))
  end
  if last and o.warm then net:reset(net.optimiser.init(last.w)) end
  return net
end

-- A fit and an estimate at theta, as a row of the history; nil when it was interrupted.
local function round(o, theta, key, last)
  local keys = random.split(key, 2)
  local net = o.make and made(o, theta, keys[1], last)
    or moved(last, theta, o.warm and last.w or last.initial_w)
  local settings = { rng = keys[2] }
  if o.quiet then settings.quiet = true end
  for name, x in pairs(o.fit) do settings[name] = x end
  local why = net:fit(settings)
  if why == 'interrupted' then return nil, net end
  local estimate, errors = net:get_estimate(o.target), np.sqrt(np.diag(net.invF))
  if not check.equal(estimate.shape, { #theta }) then
    core.raise('refine: target must be one datum, %s', check.text(net.input_shape))
  end
  local shift = np.abs((estimate - np.array(theta, estimate.dtype)) / errors)
  return {
    theta = np.array(theta, 'f64'), estimate = estimate, errors = errors, F = net.F,
    shift = shift:max():item(), lndetF = select(2, np.linalg.slogdet(net.F)):item(),
    iterations = net.history.size, reason = why, limited = false,
  }, net
end

-- Where to go from theta towards the estimate: no further than max_step error bars, and at most
-- nine tenths of the way to a wall of the prior. Also the part of the error bar that this is, and
-- whether a limit was met.
local function step(o, theta, row)
  local estimate, errors = row.estimate:totable(), row.errors:totable()
  local scale = o.max_step and math.min(1, o.max_step / row.shift) or 1
  local out, limited, moves = {}, scale < 1, 0
  for k, x in ipairs(theta) do
    local by = scale * (estimate[k] - x)
    if o.box then
      local room = 0.9 * (by > 0 and o.box.high[k] - x or x - o.box.low[k])
      if math.abs(by) > room then by, limited = by > 0 and room or -room, true end
    end
    out[k], moves = x + by, math.max(moves, math.abs(by) / errors[k])
  end
  return out, moves, limited
end

-- Why to stop after the rounds that there are, if there is a reason.
local function reason(o, rows, moves)
  local last, best = rows[#rows], 1
  if last.shift <= o.tolerance then return 'converged' end
  if last.limited and moves <= o.tolerance then return 'limit' end
  for i, row in ipairs(rows) do
    if row.shift < rows[best].shift then best = i end
  end
  if #rows - best >= patience then return 'stalled' end
  if #rows - o.before >= o.max_rounds then return 'max_rounds' end
end

-- ---- the loop ----

local Refinement = {}

local function line(i, row)
  return ('refine: round %d: theta %s -> %s, shift %.3g error bars%s; ln det F %.3f, %d iterations '
    .. '(%s)'):format(i, numbers(row.theta:totable()), numbers(row.estimate:totable()),
    row.shift, row.limited and ', limited' or '', row.lndetF, row.iterations, row.reason)
end

function Refinement.__tostring(self)
  local lines = {}
  for i, row in ipairs(self.history) do lines[i] = line(i, row) end
  lines[#lines + 1] = ('refine: %s after %d rounds%s'):format(self.reason, #self.history,
    self.message and ': ' .. self.message or '')
  return table.concat(lines, '\n')
end

-- What was reached with the rounds so far.
local function result(rows, net, theta)
  local last = rows[#rows]
  return setmetatable({ net = net, history = rows, rounds = #rows, next = theta,
    theta = last and last.estimate, errors = last and last.errors }, Refinement)
end

-- Rounds until there is a reason to stop; `reached` is whole after each of them.
local function loop(o, theta, net, tell)
  local rows = {}
  for i, row in ipairs(o.from and o.from.history or {}) do rows[i] = row end
  o.before = #rows
  local reached, key = result(rows, net, theta), o.key
  while true do
    local keys = random.split(key, 2)
    local ok, row, fitted = pcall(round, o, theta, keys[1], reached.net)
    if not ok and not tostring(row):find 'interrupted$' then
      if #rows == o.before then error(row, 0) end
      reached.reason, reached.message = 'failed', tostring(row)
      return reached
    elseif not ok or not row then
      reached.reason = 'interrupted'
      reached.net = reached.net or ok and fitted or nil
      return reached
    end
    local going, moves
    going, moves, row.limited = step(o, theta, row)
    rows[#rows + 1] = row
    reached, theta, key = result(rows, fitted, going), going, keys[2]
    tell(line(#rows, row))
    reached.reason = reason(o, rows, moves)
    if reached.reason then return reached end
  end
end

--- Fit, estimate the parameters of the target, fit again with theta_fid there, until an estimate
-- lies within a small part of its error bar from where it was made. It prints a line for each
-- round.
-- @tparam table opts `net`: a network that simulates, which stays as it is; or `make` (theta_fid,
-- key) -> a network there, or the options of one (imnn.IMNN; theta_fid and key_or_state may be left
-- out), with data made for theta_fid; `target`: the datum (input_shape); `key`; `fit`: options of
-- net:fit but for rng; `theta_fid` (that of net): where to start; `prior` (none): a prior, or
-- { low = {...}, high = {...} }: theta_fid stays inside; `tolerance` (0.1): the largest shift, in
-- error bars, that counts as none; `max_rounds` (10); `max_step` (none): the longest shift of
-- theta_fid, in error bars; `warm` (true): each fit begins with the weights of the last one, else
-- with initial ones; `log` (true): stdout, a file or a function gets lines; `quiet` (false): no
-- lines; `from`: what an earlier call has given, to go on from there
-- @treturn table prints as the lines. `net`: the last whole one; `theta` (P): its estimate;
-- `errors` (P); `reason`: 'converged', 'max_rounds', 'stalled' (three rounds without a shorter
-- shift), 'limit' (the estimate lies outside of the prior, and theta_fid has come close to its
-- edge), 'interrupted' (by ctrl-C: the last whole round counts), 'failed' (a later round raised
-- `message`); `rounds`; `history`: for each round `theta` (where it was made), `estimate`, `errors`
-- (P), `F` (P, P), `shift` (in error bars, of the parameter with the largest), `lndetF`,
-- `iterations`, `reason` (of the fit), `limited` (whether the next round may not begin at the
-- estimate); `next`: list of numbers, where a further round would be
-- @raise what does not fit together, and whatever the first round raises
-- @usage local r = imnn.refine { net = net, target = d, key = key, max_rounds = 1,
--   fit = { lambda = 10, epsilon = 0.1, max_iterations = 3 } }
function M.refine(opts)
  local o, theta, net = take(opts)
  local tell = writer(o)
  local reached = loop(o, theta, net, tell)
  tell(('refine: %s after %d rounds%s'):format(reached.reason, reached.rounds,
    reached.message and ': ' .. reached.message or ''))
  return reached
end

return M
