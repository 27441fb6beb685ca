--- What samplers are made of, against independent numbers; tests/golden/lfi says where they come
-- from and how well they should agree.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, core, lfi, random = imnn.np, imnn.core, imnn.lfi, imnn.random
local C, check = core.C, core.check

ffi.cdef [[
double imnn_kish(int64_t n, const double *log_weight, int64_t stride);
]]

local function near(expected, got, tolerance)
  local a, b = expected:astype('f64'):ravel():totable(), got
  if np.is_array(b) then b = b:ravel():totable() end
  assert.equal(#a, #b)
  for i = 1, #a do
    local ok = a[i] == b[i] or math.abs(a[i] - b[i]) <= tolerance * math.max(1, math.abs(a[i]))
    if not ok then error(('element %d is %.15g, not %.15g'):format(i, b[i], a[i]), 2) end
  end
end

local function list(p, n)
  local out = {}
  for i = 1, n do out[i] = tonumber(p[i - 1]) end
  return out
end

-- A group with its population as pointers; Arrays are kept beside them.
local function population(group)
  local self = { group = group, theta = group.population:astype 'f64',
    log_weight = np.log(group.weight:astype 'f64'), distance = group.distance:astype 'f64' }
  self.n, self.P = unpack(self.theta.shape)
  return self
end

-- Columns side by side, so that one stride serves for all.
local function proposal(self, kind, o)
  o = o or {}
  local log_weight = o.log_weight or self.log_weight
  local rows = np.concatenate({ self.theta, log_weight:reshape { self.n, 1 },
    self.distance:reshape { self.n, 1 } }, 2)
  local x, out = rows:data(), ffi.new 'imnn_proposal *[1]'
  check(C.imnn_proposal_new(out, C['IMNN_PROPOSE_' .. kind:upper()], self.n, self.P, self.P + 2, x,
    x + self.P, x + self.P + 1, o.epsilon or 0, o.covariance and o.covariance:data()))
  return ffi.gc(out[0], C.imnn_proposal_release)
end

local function log_density(p, x)
  x = x:astype 'f64'
  local n = x.shape[1]
  local out = ffi.new('double[?]', n)
  check(C.imnn_proposal_log_density(p, out, n, x.shape[2], x:data()))
  return np.from_buffer(out, { n }, 'f64')
end

local prior_of = {
  uniform_2 = lfi.uniform({ -3, -3 }, { 4, 4 }), one_parameter = lfi.uniform(-3, 4),
  normal_3 = lfi.normal({ 0, 0, 0 }, { 1, math.sqrt(2), math.sqrt(0.5) }),
}
local log_prior = {
  uniform_2 = function(x) return np.zeros({ x.shape[1] }, 'f64') end,
  one_parameter = function(x) return np.zeros({ x.shape[1] }, 'f64') end,
  normal_3 = function(x)
    return -0.5 * (x ^ 2 / np.array({ 1, 2, 0.5 }, 'f64')):sum { axis = 2 }
  end,
}

describe('samplers agree with golden', function()
  local file = imnn.data.hdf5.open 'tests/golden/lfi/pmc.h5'
  for _, name in ipairs { 'uniform_2', 'normal_3', 'one_parameter' } do
    local group = file[name]
    local self = population(group)
    local n, P = self.n, self.P
    local next_theta = group.next.parameters:astype 'f64'

    local function weights(p)
      local w = log_prior[name](next_theta) - log_density(p, next_theta)
      w = np.exp(w - w:max())
      return w / w:sum()
    end

    it(name .. ': moments, sizes, quantiles', function()
      local mean, cov = ffi.new('double[?]', P), ffi.new('double[?]', P * P)
      local w = group.weight:astype 'f64'
      check(C.imnn_samples_mean(mean, n, P, self.theta:data(), P, w:data()))
      check(C.imnn_samples_cov(cov, n, P, self.theta:data(), P, w:data()))
      near(group.mean, list(mean, P), 1e-9)
      near(group.covariance, list(cov, P * P), 1e-9)
      near(group.ess_kish, { C.imnn_kish(n, self.log_weight:data(), 1) }, 1e-9)
      local q, half = ffi.new 'double[1]', ffi.new('double[1]', 0.5)
      check(C.imnn_samples_quantile(q, 1, half, n, self.distance:data(), 1, w:data()))
      near(group.epsilon_median, { q[0] }, 1e-9)
      local some, four = ffi.new('double[4]', 0.1, 0.25, 0.75, 0.9), ffi.new 'double[4]'
      check(C.imnn_samples_quantile(four, 4, some, n, self.distance:data(), 1, w:data()))
      near(group.epsilon_quantiles, list(four, 4), 1e-9)
      local size = ffi.new 'imnn_weights_size[1]'
      check(C.imnn_weights_ess(size, n, w:data()))
      for _, kind in ipairs { 'kish', 'entropy', 'pessimistic' } do
        near(group['ess_' .. kind], { size[0][kind] }, 1e-9)
      end
      near(group.adaptive.ess_old, { size[0].kish }, 1e-9)
      local raw = group.log_weight_unnormalised:astype 'f64'
      local out, sum = ffi.new('double[?]', n), ffi.new 'double[1]'
      check(C.imnn_weights_normalise(out, sum, n, raw:data()))
      near(group.weight, list(out, n), 1e-12)
    end)

    it(name .. ': systematic resampling', function()
      local keys = group.systematic:keys()
      assert.equal(9, #keys)
      for _, key in ipairs(keys) do
        local m, u = key:match '^M(%d+)_u([%d.]+)$'
        local out = ffi.new('int64_t[?]', tonumber(m))
        local w = group.weight:astype 'f64'
        check(C.imnn_weights_systematic(out, tonumber(m), tonumber(u), n, w:data()))
        near(group.systematic[key], list(out, tonumber(m)), 0)
      end
    end)

    it(name .. ': proposals', function()
      local p = proposal(self, 'normal', { covariance = group.kernel_covariance:astype 'f64' })
      near(group.kernel_cholesky, list(C.imnn_proposal_factor(p, 0), P * P), 1e-9)
      local u, z = group.proposal.ancestor_u:totable(), group.proposal.z:astype 'f64'
      local ancestors, out, got = {}, ffi.new('double[?]', P), {}
      for i = 1, #u do
        ancestors[i] = tonumber(C.imnn_proposal_ancestor(p, u[i]))
        C.imnn_proposal_move(p, ancestors[i], self.theta:data() + ancestors[i] * P,
          z:data() + (i - 1) * P, out)
        for a = 1, P do got[#got + 1] = out[a - 1] end
      end
      near(group.proposal.ancestor, ancestors, 0)
      near(group.proposal.proposal, got, 1e-9)
      local x = np.array(got, 'f64'):reshape { #u, P }
      near(group.proposal.proposal_inside, np.isfinite(prior_of[name]:log_prob(x)):astype 'f64', 0)
      near(group.next.parameters, x[group.proposal.proposal_inside:astype 'bool'], 1e-9)
    end)

    it(name .. ': importance weights', function()
      local p = proposal(self, 'normal', { covariance = group.kernel_covariance:astype 'f64' })
      near(group.next.log_denominator, log_density(p, next_theta), 1e-9)
      local w = weights(p)
      near(group.next.weight, w, 1e-9)
      near(group.next.log_weight, np.log(w), 1e-9)
      near(group.next.ess_kish, { (1 / (w ^ 2):sum()):item() }, 1e-9)
      local mean, cov = ffi.new('double[?]', P), ffi.new('double[?]', P * P)
      check(C.imnn_samples_mean(mean, #w, P, next_theta:data(), P, w:data()))
      check(C.imnn_samples_cov(cov, #w, P, next_theta:data(), P, w:data()))
      near(group.next.mean, list(mean, P), 1e-9)
      near(group.next.covariance, list(cov, P * P), 1e-9)
    end)

    it(name .. ': single kernels', function()
      local S, expected = group.kernel_covariance:astype 'f64', group.next.log_kernel
      for j = 1, n do -- the same particle twice
        local twice = { n = 2, P = P, theta = self.theta[{ { j, j } }] + np.zeros({ 2, 1 }, 'f64'),
          log_weight = np.zeros({ 2 }, 'f64'), distance = np.zeros({ 2 }, 'f64') }
        local p = proposal(twice, 'normal', { covariance = S })
        near(expected[{ {}, j }], log_density(p, next_theta), 1e-9)
      end
    end)

    it(name .. ': other kernels', function()
      local S = group.kernel_covariance:astype 'f64'
      near(group.next.student5_kernel.weight, weights(proposal(self, 'student',
        { covariance = S })), 1e-9)
      local p = proposal(self, 'uniform')
      local L = list(C.imnn_proposal_factor(p, 0), P * P)
      for a = 1, P do
        assert.near(group.next.uniform_kernel.half_width[a]:item(), L[(a - 1) * P + a], 1e-12)
      end
      if name ~= 'normal_3' then near(group.next.uniform_kernel.weight, weights(p), 1e-9) end
      local filippi = group.next.filippi
      p = proposal(self, 'local', { epsilon = filippi.epsilon:item() })
      near(filippi.weight, weights(p), 1e-9)
      for j = 1, n do
        local f = np.array(list(C.imnn_proposal_factor(p, j - 1), P * P), 'f64'):reshape { P, P }
        near(filippi.covariance[j], np.matmul(f, f:transpose()), 1e-9)
      end
    end)

    it(name .. ': the covariance of few particles', function()
      local p = proposal(self, 'normal')
      local f = np.array(list(C.imnn_proposal_factor(p, 0), P * P), 'f64'):reshape { P, P }
      local S, size = np.matmul(f, f:transpose()), C.imnn_kish(n, self.log_weight:data(), 1)
      local shrunk = group.next.shrunk_kernel_covariance
      if size < 5 * (P + 2) then near(shrunk, S, 1e-9)
      else -- it is not, but would be this
        near(group.kernel_covariance, S, 1e-9)
        local share = (P + 2) / (size + P + 2)
        near(shrunk, S + share * (np.diag(np.diag(S)) - S), 1e-9)
      end
    end)

    if name ~= 'normal_3' then
      it(name .. ': ancestors with normalisers of their own', function()
        local truncated = group.next.truncated_kernel
        local p = proposal(self, 'normal', { covariance = group.kernel_covariance:astype 'f64',
          log_weight = self.log_weight - np.log(truncated.normaliser:astype 'f64') })
        near(truncated.weight, weights(p), 1e-6)
      end)
    end

    it(name .. ': the next epsilon of smc', function()
      local g = group.adaptive
      local d, alpha = g.distances:astype 'f64', g.alpha:item()
      local M = d.shape[2]
      local rows = np.concatenate({ d, self.log_weight:reshape { n, 1 } }, 2)
      local old = g.epsilon_old:item()
      local epsilon = C.imnn_smc_epsilon(n, M, M + 1, rows:data() + M, rows:data(), old, alpha,
        C.IMNN_ACCEPT_UNIFORM)
      assert.near(g.epsilon_new:item(), epsilon, 1e-12)
      local w = {}
      for i = 1, n do
        local row = d:data() + (i - 1) * M
        local before = C.imnn_acceptance_of(C.IMNN_ACCEPT_UNIFORM, M, row, old)
        local now = C.imnn_acceptance_of(C.IMNN_ACCEPT_UNIFORM, M, row, epsilon)
        w[i] = before > 0 and group.weight[i]:item() * now / before or 0
      end
      w = np.array(w, 'f64')
      w = w / w:sum()
      near(g.weight_new, w, 1e-9)
      near(g.ess_new, { (1 / (w ^ 2):sum()):item() }, 1e-9)
    end)
  end
end)

describe('distances that samplers measure agree with golden', function()
  local group = imnn.data.hdf5.open('tests/golden/lfi/abc.h5').distances_small

  -- Those of all simulations, in their order.
  local function distances(summaries, o)
    local n, S = unpack(summaries.shape)
    local sampler = require('imnn.lfi.sampler').new {
      who = 'golden', method = 'pmc', n = n, n_params = 1, n_summaries = S, key = { 0, 1 },
      shared_key = { 0, 2 }, proposal = 'normal', acceptance = 'uniform', distance = o.distance,
      target = o.target, metric = o.metric, limits = {}, low = { 0 }, high = { 1 },
      transform = false,
    }
    sampler:begin(np.linspace(0, 1, n, 'f64'):reshape { n, 1 }, summaries)
    local p = sampler:particles()
    near(summaries, p.summaries, 0)
    return p.distances
  end

  it('scaled, with a summary whose median deviation is 0', function()
    local case = group.scaled
    local d = distances(case.simulations,
      { distance = 'scaled', target = case.simulations[21] })
    near(case.distance, d[{ { 1, 20 } }], 1e-12)
    local by_hand = (case.simulations - case.simulations[21]) / case.scale_used
    near(np.sqrt((by_hand ^ 2):sum { axis = 2 }), d, 1e-12)
    local x = case.simulations
    local deviation = np.abs(x - np.median(x, { axis = 1, keepdims = true }))
    near(case.mad_1p4826, 1.4826 * np.median(deviation, { axis = 1 }), 1e-12)
  end)

  it('Euclidean and by a matrix', function()
    local o = { distance = 'euclidean', target = group.target }
    near(group.euclidean, distances(group.summaries, o), 1e-12)
    o.distance, o.metric = 'mahalanobis', np.linalg.inv(group.matrix)
    near(group.mahalanobis_matrix_inverse, distances(group.summaries, o), 1e-12)
    o.metric = group.matrix
    near(group.quadratic_form, distances(group.summaries, o), 1e-12)
  end)
end)

it('covariances agree with golden where the mean is far from 0', function()
  local case = imnn.data.hdf5.open('tests/golden/lfi/pmc.h5').known_examples.uncentred
  local set = imnn.SampleSet { parameters = case.parameters, weights = case.weights }
  near(case.correct_covariance, set:cov(), 1e-12)
end)

-- The exact moments at each epsilon, by quadrature. Means of weighted samples are within 5 of their
-- standard errors: of 72 numbers one is farther off for 1 seed in 20000.
describe('posteriors agree with golden', function()
  local exact = imnn.data.hdf5.open('tests/golden/lfi/pmc.h5').exact_abc_posterior
  local function check_moments(case, i, set)
    local x, w, size = set:column(1), set.weights, set:ess { kind = 'kish' }
    for name, y in pairs { mean = x, variance = (x - case.mean[i]) ^ 2 } do
      local mean = (w * y):sum()
      local error_of = np.sqrt((w * (y - mean) ^ 2):sum() / size)
      assert.near(case[name][i]:item(), mean:item(), 5 * error_of:item(), name)
    end
  end

  for name, toy in pairs(require 'tests.support.toys') do
    local case = exact['toy_' .. name]
    local epsilon = case.epsilon:totable()
    local function problem()
      return { target_data = np.array { exact:attribute('toy_' .. name, 'x_o') },
        prior = toy.prior, simulator = toy.simulator, compressor = function(d) return d end }
    end

    it('by rejection, toy ' .. name, function()
      local abc, n = lfi.ApproximateBayesianComputation(problem()), 200000
      abc { key = random.PRNGKey(1), n_samples = n, progress = false }
      for i, e in ipairs(epsilon) do
        abc { epsilon = e }
        local p = case.acceptance_from_prior[i]:item()
        assert.near(p, abc.parameters.n_accepted[1] / n, 5 * math.sqrt(p * (1 - p) / n))
        check_moments(case, i, abc:samples())
      end
    end)

    it('by populations, toy ' .. name, function()
      for i = 1, #epsilon do
        local pmc = lfi.PopulationMonteCarlo(problem())
        pmc { key = random.PRNGKey(2), n_points = 1000, progress = false, acceptance_ratio = 0,
          epsilon = { unpack(epsilon, 1, i) } }
        check_moments(case, i, pmc:samples())
      end
      local smc = lfi.PopulationMonteCarlo(problem())
      smc { key = random.PRNGKey(3), n_points = 1000, method = 'smc', progress = false,
        min_epsilon = epsilon[4], acceptance_ratio = 0 }
      assert.near(epsilon[4], smc.epsilon[1], 1e-12)
      check_moments(case, 4, smc:samples())
    end)
  end
end)
