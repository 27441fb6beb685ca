--- Compiled programs: what they cost, and that they compute what single operators compute.
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local sizes = { 10, 128, 128, 128, 2 }

local function network(activation)
  return stax.serial(stax.Dense(128), activation, stax.Dense(128), activation, stax.Dense(128),
    activation, stax.Dense(2))
end

-- 2 n (1 + P) (3 sum k m - k_1 m_1): each product forward, to the weights and, but for the first
-- layer, to the inputs.
local function ideal(n_s, n_d, P)
  local sum = 0
  for l = 1, #sizes - 1 do sum = sum + sizes[l] * sizes[l + 1] end
  return 2 * (n_s + n_d * P) * (3 * sum - sizes[1] * sizes[2])
end

-- FLOP in the matrix products of the network and its reverse sweep; those of the Fisher block,
-- over summaries only, are taken off.
local function measured(model, n_s, n_d, together)
  local _, w = model.init(random.PRNGKey(0), { 10 })
  local theta = np.array { 0, 1 }
  local function loss(weights, keys)
    local function f(key, t) return model.apply(weights, simulator(key, t)) end
    local function derivative(key) return imnn.jacfwd(function(t) return f(key, t) end)(theta) end
    local x, dx
    if together then
      x, dx = imnn.vmap(function(key) return f(key, theta), derivative(key) end)(keys)
    else
      x = imnn.vmap(function(key) return f(key, theta) end)(keys)
      dx = imnn.vmap(derivative)(keys[{ { 1, n_d } }])
    end
    return (x * x):sum() + (dx * dx * dx):sum()
  end
  local f = imnn.jit(function(weights, keys) return imnn.grad(loss)(weights, keys) end)
  local keys = random.split(random.PRNGKey(1), n_s)
  return f:flops(w, keys)
end

describe('a compiled iteration', function()
  for name, activation in pairs { ['leaky ReLU'] = stax.LeakyRelu, tanh = stax.Tanh } do
    it('has exactly the ideal number of FLOPs with ' .. name .. ', x and dx together', function()
      assert.equal(ideal(1000, 1000, 2), measured(network(activation), 1000, 1000, true))
    end)

    it('has exactly the ideal number of FLOPs with ' .. name .. ', x and dx in two calls',
      function()
      assert.equal(ideal(1000, 1000, 2), measured(network(activation), 1000, 1000, false))
    end)
  end

  it('computes primal rows once when n_d < n_s', function()
    local keys = random.split(random.PRNGKey(0))
    local net = imnn.SimulatorIMNN {
      n_s = 1000, n_d = 100, n_params = 2, n_summaries = 2, input_shape = { 10 },
      theta_fid = np.array { 0, 1 }, optimiser = imnn.optimizers.adam(1e-3), key_or_state = keys[1],
      model = network(stax.LeakyRelu), simulator = simulator,
    }
    local fisher = select(2, net:stepper { lambda = 10, epsilon = 0.1, rng = keys[2] }):flops(
      ) - ideal(1000, 100, 2)
    assert.is_true(fisher >= 0 and fisher < 30000) -- covariance and its adjoint: n_s S^2 products
  end)
end)

describe('a program', function()
  local expressions = require 'tests.support.expressions'
  local before = imnn.threads()
  after_each(function() imnn.set_threads(before) end)

  -- Rows, tiles, folds, kept and recomputed values against one operator after the other.
  local function compare(seed, shapes)
    local key = random.split(random.PRNGKey(seed), #shapes)
    local x = {}
    for i, shape in ipairs(shapes) do x[i] = random.normal(key[i], shape, 'f64') end
    local f = expressions.random(seed, 24)
    local expected, found = { f(unpack(x)) }, { imnn.jit(f)(unpack(x)) }
    assert.equal(#expected, #found)
    for i, y in ipairs(expected) do
      assert.same(y.shape, found[i].shape)
      local scale = math.max(1, np.abs(y):max():item())
      local off = y.size > 0 and np.abs(y - found[i]):max():item() or 0
      assert.is_true(off <= 1e-10 * scale, ('seed %d, result %d: off by %g'):format(seed, i, off))
    end
  end

  it('computes what single operators compute, with many rows', function()
    for seed = 1, 150 do
      imnn.set_threads(seed % 3 + 1)
      compare(seed, { { 1000, 12 }, { 12, 16 }, { 1000, 1 }, { 1000, 3, 12 }, { 12 } })
    end
  end)

  it('computes what single operators compute, with several numbers of rows', function()
    for seed = 200, 300 do
      imnn.set_threads(seed % 3 + 1)
      compare(seed, { { 3000, 5 }, { 600, 5 }, { 5, 64 }, { 300, 64 }, { 64, 300 }, {} })
    end
  end)

  it('computes what single operators compute, with few', function()
    for seed = 400, 500 do compare(seed, { { 4, 3 }, { 3, 3 }, { 1, 3 }, { 2, 4, 3 } }) end
  end)

  -- Lines that repeat are written out for a block: those that fit it or not, in parts of blocks,
  -- beside wider and narrower numbers.
  it('adds short lines to many, with the same bytes', function()
    local function f(x, b, c, t)
      local y = np.where(np.gt(x + b, 0), x * b, t)
      return y, np.maximum(x - b, 0), (c + x:astype 'f64') * c, (c * 2):astype 'f32' + x
    end
    for i, width in ipairs { 1, 2, 3, 16, 31, 64, 65, 128, 129, 300 } do
      imnn.set_threads(i % 2 + 1)
      for _, rows in ipairs { 3, 4, 77, 2000 } do
        local keys = random.split(random.PRNGKey(width + rows), 4)
        local x = { random.normal(keys[1], { rows, 5, width }), random.normal(keys[2], { width }),
          random.normal(keys[3], { width }, 'f64'), random.normal(keys[4], { 5, width }) }
        local expected, found = { f(unpack(x)) }, { imnn.jit(f)(unpack(x)) }
        for k, y in ipairs(expected) do
          assert.equal(0, np.abs(y - found[k]):max():item(), ('%d, %d: %d'):format(rows, width, k))
        end
      end
    end
  end)

  it('lets accepted rows leave, in order', function()
    local transform = require 'imnn.transform'
    for _, n in ipairs { 7, 1000, 50000 } do
      local function draw(key)
        local x = random.normal(key, { n, 2 })
        local keep = np.gt(x[{ {}, 1 }], 1)
        return x, x:sum { axis = 2 }, keep
      end
      local key = random.PRNGKey(n)
      local x, sum = transform.program(draw, { key }, { filter = true })(key)
      local all = random.normal(key, { n, 2 })
      local expected = all[np.gt(all[{ {}, 1 }], 1)]
      assert.same(expected:totable(), x:totable())
      assert.same(expected.shape[1], sum.shape[1])
    end
  end)
end)
