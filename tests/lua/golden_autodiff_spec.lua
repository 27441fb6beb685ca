--- Ten simulators with a network behind them against JAX: data, summaries and their derivatives of
-- all kinds; tests/golden/autodiff says which and how well they should agree.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local simulators = require 'tests.support.simulators'
local np, stax, tree = imnn.np, imnn.stax, imnn.tree

local fields = { grf = true, lognormal_field = true }
local flat = stax.serial(stax.Dense(8), stax.LeakyRelu, stax.Dense(6), stax.Tanh, stax.Dense(2))
local image = stax.serial(stax.Conv(4, { 3, 3 }, { 2, 2 }, 'SAME'), stax.LeakyRelu,
  stax.Conv(3, { 3, 3 }, { 2, 2 }, 'SAME'), stax.Tanh, stax.AvgPool({ 2, 2 }, { 2, 2 }),
  stax.Flatten, stax.Dense(2))

-- What is compared of one case: functions of the simulator, the network and the inputs.
local function results_of(simulate, network, i)
  local w, theta, key = i.w, i.theta, i.key
  local function summary(v, at, k) return network(v, simulate(k, at)) end
  local function loss(v, at, k)
    local s = summary(v, at, k)
    return (i.c * s):sum() + (s * s):sum() / 2
  end
  local function jacobian(v, k)
    return imnn.jacfwd(function(at) return summary(v, at, k) end)(theta)
  end
  local function mixed(v)
    local J = jacobian(v, key)
    return (i.C * J):sum() + (J * J):sum() / 2
  end
  local function of_theta(f) return function(at) return f(w, at, key) end end
  local function each(f) return imnn.vmap(f)(i.keys) end
  local function mean(v)
    return np.mean(each(function(k) return (i.c * summary(v, theta, k)):sum() end))
  end
  return {
    d = function() return simulate(key, theta) end,
    d_jac = function() return imnn.jacfwd(function(at) return simulate(key, at) end)(theta) end,
    s = function() return summary(w, theta, key) end,
    s_jac = function() return jacobian(w, key) end,
    loss = function() return loss(w, theta, key) end,
    grad_w = function() return imnn.grad(loss)(w, theta, key) end,
    grad_theta = function() return imnn.grad(of_theta(loss))(theta) end,
    jacrev = function() return imnn.jacrev(of_theta(summary))(theta) end,
    hess_theta = function() return imnn.hessian(of_theta(loss))(theta) end,
    mixed = function() return mixed(w) end,
    mixed_grad_w = function() return imnn.grad(mixed)(w) end,
    vmap_d = function() return each(function(k) return simulate(k, theta) end) end,
    vmap_s = function() return each(function(k) return summary(w, theta, k) end) end,
    vmap_s_jac = function() return each(function(k) return jacobian(w, k) end) end,
    vmap_mean_grad_w = function() return imnn.grad(mean)(w) end,
  }
end

-- Datasets 'PREFIX.1.1', ... as weights: those of layers that have none are empty. Biases of images
-- lose the axis of the batch that they have in JAX.
local function weights(group, prefix, layers)
  local out = {}
  for k = 1, layers do
    out[k] = {}
    for j = 1, 2 do
      local name = ('%s.%d.%d'):format(prefix, k, j)
      if group:has(name) then
        local x = group[name]
        out[k][j] = #x.shape == 4 and j == 2 and x[1] or x
      end
    end
  end
  return out
end

-- Every fourth row and column of an image is kept.
local function thinned(d)
  return d[{ {}, { 1, 16, 4 }, { 1, 16, 4 } }]
end

local function compare(what, rule, expected, got)
  assert.equal(expected.dtype, got.dtype)
  assert.is_nil(golden.difference(
    { y = expected:values(), shape = expected.shape, rtol = rule.rtol, atol = rule.atol }, got),
    what)
end

for _, dtype in ipairs { 'f32', 'f64' } do
  local file = imnn.data.hdf5.open('tests/golden/autodiff/models_' .. dtype .. '.h5')
  for case, group in file:each() do
    local name = case:match '^(.*)_seed%d+$'
    local layers, T = fields[name] and 7 or 5, group['out.d'].shape[1]
    local function simulate(key, theta) return simulators[name](key, theta, T) end
    local function network(w, d)
      if fields[name] then return image.apply(w, np.expand_dims(d, -1)) end
      return flat.apply(w, np.ravel(d))
    end
    local rule, inputs = group:attributes(), { w = weights(group, 'in.w', layers) }
    for _, key in ipairs { 'key', 'keys', 'theta', 'c', 'C' } do
      inputs[key] = group['in.' .. key]
    end

    describe(('%s in %s has the'):format(case, dtype), function()
      for what, f in pairs(results_of(simulate, network, inputs)) do
        local compiled = imnn.jit(function(i) return results_of(simulate, network, i)[what]() end)
        it(what .. ' of JAX', function()
          local of_weights = what:find '_w$'
          local expected = of_weights and weights(group, 'out.' .. what, layers)
            or group['out.' .. what]
          for _, got in ipairs { f(), compiled(inputs) } do
            if fields[name] and what == 'vmap_d' then got = thinned(got) end
            assert.equal(tree.structure(expected), tree.structure(got))
            local found = tree.leaves(got)
            for k, x in ipairs(tree.leaves(expected)) do compare(what, rule, x, found[k]) end
          end
        end)
      end
    end)
  end
end
