--- How much the summaries tell about the parameters, measured on simulations that no fit has seen,
-- with an error, and with what is known to spoil such a measurement.
-- @module imnn.imnn.report
local args = require 'imnn.args'
local check = require 'imnn.imnn.check'
local core = require 'imnn.core'
local examples = require 'imnn.array.examples'
local fisher = require 'imnn.fisher'
local gradient = require 'imnn.imnn.gradient'
local np = require 'imnn.numpy'
local numerical = require 'imnn.imnn.numerical'
local random = require 'imnn.random'
local sets = require 'imnn.imnn.sets'
local transform = require 'imnn.transform'
local variant = require 'imnn.imnn.variant'
local M = {}

-- ---- numbers ----

-- (n_d, 2, P, S) on both sides -> (n_d, S, P); derivatives stay.
local function slopes(net, dx)
  if #dx.shape == 3 then return dx end
  local distance = net.delta_theta:astype(dx.dtype):reshape { net.n_params, 1 }
  return ((dx[{ {}, 2 }] - dx[{ {}, 1 }]) / distance):transpose { 1, 3, 2 }
end

-- Statistics, and what the scatter of the derivatives adds to F on average: tr(C^-1 C_D) / n_d,
-- where C_D is the covariance of the derivatives of one simulation (Coulton and Wandelt 2023,
-- arXiv:2305.08994).
local measure = transform.jit(function(x, dx)
  local f = fisher.statistics(x, dx)
  local n_d, S, P = unpack(dx.shape)
  local away = dx:astype 'f64' - f.dmu_dtheta
  local whitened = np.matmul(f.invC, away):reshape { n_d * S, P }
  local noise = np.matmul(away:reshape({ n_d * S, P }):transpose(), whitened)
  return f, noise / (n_d * math.max(n_d - 1, 1))
end)

-- F of simulations that are drawn from those that there are, with replacement. Those that have
-- both summaries and derivatives stay together.
local resample = transform.jit(function(key, x, dx)
  local n_s, n_d = x.shape[1], dx.shape[1]
  local n = math.min(n_s, n_d)
  local keys = random.split(key, 2)
  local both = random.randint(keys[1], { n }, 1, n + 1)
  local function draw(values, count)
    if count == n then return values[both] end
    local others = random.randint(keys[2], { count - n }, n + 1, count + 1)
    return values[np.concatenate({ both, others }, 1)]
  end
  local f = fisher.statistics(draw(x, n_s), draw(dx, n_d))
  return f.lndetF, f.F
end)

-- Standard deviations over resamples: of ln det F, and of the elements of F (P, P).
local function bootstrap(key, x, dx, count)
  local keys, values, all = random.split(key, count), {}, {}
  for i = 1, count do
    local lndetF, F = resample(keys[i], x, dx)
    lndetF = lndetF:item()
    if lndetF - lndetF == 0 then -- a resample of very few simulations may be singular
      values[#values + 1], all[#all + 1] = lndetF, F
    end
  end
  if #all < 2 then return 0 / 0, np.full(all[1] and all[1].shape or {}, 0 / 0, 'f64') end
  return np.std(np.array(values, 'f64'), { ddof = 1 }):item(),
    np.std(np.stack(all), { axis = 1, ddof = 1 })
end

-- ln det of a positive definite matrix, or nan.
local function lndet(F)
  local values = np.linalg.eigvalsh(F)
  return values:min():item() > 0 and np.log(values):sum():item() or 0 / 0
end

-- What a set of simulations says.
local function appraise(who, net, key, x, dx, count)
  dx = slopes(net, dx)
  local n_s, n_d, S = x.shape[1], dx.shape[1], x.shape[2]
  if n_s < S + 3 then
    core.raise('%s: n_s is %d; with %d summaries the inverse of the covariance has no mean, take '
      .. 'at least %d', who, n_s, S, S + 3)
  end
  local f, noise = measure(x, dx)
  local out = { n_s = n_s, n_d = n_d, noise = noise, lndetF = f.lndetF:item() }
  for _, name in ipairs { 'F', 'C', 'invC', 'mu', 'dmu_dtheta' } do out[name] = f[name] end
  if not (out.lndetF - out.lndetF == 0 and f.sign:item() > 0) then
    core.raise('%s: the Fisher information of the summaries is singular or not finite', who)
  end
  out.detF = math.exp(out.lndetF)
  out.lndetF_error, out.F_error = bootstrap(key, x, dx, count)
  -- the inverse of a covariance of n_s simulations is too large on average: Hartlap, Simon and
  -- Schneider 2007, A&A 464, 399
  out.hartlap = (n_s - S - 2) / (n_s - 1)
  out.F_corrected = out.hartlap * (f.F - noise)
  out.lndetF_corrected = lndet(out.F_corrected)
  out.noise_fraction = np.diag(noise) / np.diag(f.F)
  local spread = np.linalg.eigvalsh(f.C)
  out.condition = (spread:max() / spread:min()):item()
  out.errors = out.lndetF_corrected == out.lndetF_corrected
    and np.sqrt(np.diag(np.linalg.inv(out.F_corrected)))
    or np.full({ net.n_params }, 0 / 0, 'f64')
  return out
end

-- ---- simulations ----

-- The network with another number of simulations, or other ones.
local function view(net, n_s, n_d, kind)
  local out = variant(net, { class = 'information', n_s = n_s, n_d = n_d, kind = kind or net.kind,
    simulate = not kind and net.simulate })
  out.validate = false
  return out
end

local function fresh(net, o)
  local n_s = o.n_s or net.n_s
  local seen = view(net, n_s, o.n_d or n_s)
  check.counts('information', seen)
  check.sizes(seen)
  return seen
end

-- How many simulations an Array has, or a reader, whatever its records are.
local function count(name, x, one)
  local shape = examples.shape(x)
  if not examples.is_reader(x) and #shape > 0 then return shape[1] end
  local size = 1
  for _, n in ipairs(shape) do size = size * n end
  for _, n in ipairs(one) do size = size / n end
  if #shape > 0 and size % 1 == 0 then return size end
  core.raise('information: %s must be simulations, %s, got %s', name, check.text(one, 2),
    check.text(shape))
end

-- The simulations that the caller has given, as a network that has them: of the kind of the
-- network, but finite differences where there is a delta_theta, and derivatives for a simulator.
local function given(net, data)
  local kind = (data.delta_theta ~= nil or data['δθ'] ~= nil) and numerical
    or net.simulate and gradient or net.kind
  local rows, one = {}, view(net, 1, 1, kind)
  for _, row in ipairs(kind.data) do
    rows[row.name] = { 'Array', 'Reader', 'table', optional = row.constant }
  end
  local o = args.take('information', data, rows)
  for name, x in pairs(o) do
    if not (np.is_array(x) or examples.is_reader(x)) then o[name] = np.array(x) end
  end
  local n = {}
  for _, row in ipairs(kind.data) do
    if not row.constant then
      n[row.name] = count(row.name, o[row.name], row.shape(one))
    end
  end
  local seen = view(net, n.fiducial, n.derivative, kind)
  check.sizes(seen)
  seen.sets = { training = {}, validation = {} }
  for name in pairs(rows) do
    sets.put(seen, name, o[name] == nil and net.sets.training[name] or o[name])
  end
  return seen
end

-- A network whose get_summaries gives the simulations that are asked for; whether those of its
-- validation set; where they come from, in words.
local function source(net, o)
  if o.data ~= nil then
    if o.n_s or o.n_d then
      core.raise 'information: n_s and n_d go with fresh simulations, not with data'
    end
    return given(net, o.data), false, 'simulations that were given'
  end
  if net.simulate then return fresh(net, o), false, 'fresh simulations' end
  if o.n_s or o.n_d then
    core.raise('information: %s has a fixed number of simulations; n_s and n_d go with simulators',
      net.class)
  end
  return net, net.validate, net.validate and 'simulations of the validation set'
    or 'simulations of the training set'
end

-- ---- the value in training ----

-- What a fit believed: the best score of noisy iterations, or that of the set which it had. For
-- the error of the score, scatter goes with one over the root of the number of simulations.
local function training(net, o, key, out)
  if net.history.size == 0 then return nil end
  if net.simulate then
    return { lndetF = net.history.max_lndetF,
      lndetF_error = out.lndetF_error * math.sqrt(out.n_s / net.n_s) }
  end
  local x, dx = net:get_summaries(o.w, o.key, false)
  local t = appraise('information', net, key, x, dx, o.n_bootstrap)
  return { lndetF = t.lndetF, lndetF_error = t.lndetF_error, F = t.F }
end

-- ---- sentences ----

local function number(x) return ('%.4g'):format(x) end
local function known(x) return x == x end

local function optimism(net, out)
  if out.of_training and net.history.size > 0 then
    return 'there are no held-out simulations: this is the value of the training set, which is too '
      .. 'high by an unknown amount; give data = { fiducial = ..., derivative = ... }'
  elseif not out.training then return nil end
  local what = net.simulate and ('the best of %d noisy iterations'):format(net.history.size)
    or 'the training set'
  local by, sigma = out.optimism, out.optimism_sigma
  if not by then return nil end
  if sigma < 2 then
    return ('the training value (%s) %s by %.1f standard errors'):format(what, sigma > -2
      and 'agrees with it, it differs' or 'is below it', math.abs(sigma))
  end
  return ('the training value (%s) is optimistic by %s in ln det F, %.1f standard errors; error '
    .. 'bars from it would be %.2g %% too small'):format(what, number(by), sigma,
    100 * (1 - math.exp(-by / (2 * net.n_params))))
end

local function advise(net, out)
  local list = { optimism(net, out) }
  local function say(...) list[#list + 1] = string.format(...) end
  if not known(out.lndetF_corrected) then
    say 'the noise of the derivatives is as large as the information: take more simulations'
  end
  if out.hartlap < 0.95 then
    say('so few simulations make the inverse covariance too large: F is lowered by %.2g %%',
      100 * (1 - out.hartlap))
  end
  for k, part in ipairs(out.noise_fraction:totable()) do
    if part > 0.05 then
      say('parameter %d: %.2g %% of its information is noise of the derivatives; more of them '
        .. '(n_d) would tell', k, 100 * part)
    end
  end
  if out.condition > 1e4 then
    say('some summaries are nearly copies of others, or on another scale: the condition number of '
      .. 'C is %.2g', out.condition)
  end
  return list
end

-- ---- the report ----

local Report = {}

function Report.__tostring(self)
  local lines = {}
  local function add(...) lines[#lines + 1] = string.format(...) end
  add('information in the summaries of %s, from %d %s, %d with derivatives', self.class, self.n_s,
    self.source, self.n_d)
  local whole = known(self.lndetF_corrected) -- else its inverse says nothing
  add('  ln det F  %.4f%s%s%s', self.lndetF, known(self.lndetF_error)
    and (' +- %.4f'):format(self.lndetF_error) or '', whole
    and (', corrected %.4f'):format(self.lndetF_corrected) or '',
    self.training and (', in training %.4f'):format(self.training.lndetF) or '')
  local F, dF, Fc = np.diag(self.F), np.diag(self.F_error), np.diag(self.F_corrected)
  for k = 1, F.shape[1] do
    local error = dF[k]:item()
    add('  parameter %d: F %s%s, %snoise of derivatives %.2g %%%s', k, number(F[k]:item()),
      known(error) and (' +- %.2g'):format(error) or '',
      whole and ('corrected %s, '):format(number(Fc[k]:item())) or '',
      100 * self.noise_fraction[k]:item(),
      whole and ('; error bar %s'):format(number(self.errors[k]:item())) or '')
  end
  add('  Hartlap factor %.5f, condition number of C %s', self.hartlap, number(self.condition))
  for _, text in ipairs(self.advice) do add('  %s', text) end
  return table.concat(lines, '\n')
end

local options = {
  key = { 'Array', optional = true }, n_s = { 'integer', optional = true },
  n_d = { 'integer', optional = true }, data = { 'table', optional = true },
  w = { 'table', 'Array', optional = true }, n_bootstrap = { 'integer', default = 200 },
}

--- See imnn.imnn.net.
function M.information(net, opts)
  local who = 'information'
  local o = args.take(who, opts, options)
  if o.n_bootstrap < 2 then
    core.raise('%s: n_bootstrap must be at least 2, got %d', who, o.n_bootstrap)
  end
  if o.key then check.key(who, 'key', o.key)
  elseif net.simulate and o.data == nil then
    core.raise('%s: key is missing: the simulations are drawn from it', who)
  end
  local key = random.fold_in(o.key or random.PRNGKey(0), o.n_bootstrap)
  local seen, validation, words = source(net, o)
  local x, dx = seen:get_summaries(o.w, o.key, validation)
  local out = appraise(who, seen, key, x, dx, o.n_bootstrap)
  out.class, out.source = net.class, words
  out.of_training = not net.simulate and o.data == nil and not net.validate
  if not out.of_training then
    out.training = training(net, o, key, out)
  end
  if out.training and known(out.lndetF_corrected) and known(out.lndetF_error) then
    out.optimism = out.training.lndetF - out.lndetF_corrected
    local error = math.sqrt(out.lndetF_error ^ 2 + out.training.lndetF_error ^ 2)
    out.optimism_sigma = out.optimism / error
  end
  out.advice = advise(net, out)
  return setmetatable(out, Report)
end

return M
