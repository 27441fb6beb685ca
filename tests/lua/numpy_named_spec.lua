--- Arguments of functions of np by name, and other things that NumPy's users expect.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np, lax, optimizers, stax = imnn.np, imnn.lax, imnn.optimizers, imnn.stax
local refuses = values.refuses 'tests/lua/numpy_named_spec.lua'
local nan = 0 / 0

local x = np.array { { 1, 2, 3 }, { 4, 5, 6 } }
local v = np.array { 3, 1, 2 }

local function same(a, b)
  assert.are.equal(a.dtype, b.dtype)
  assert.are.same(a:totable(), b:totable())
end

describe('arguments by name', function()
  it('are those by position', function()
    same(np.zeros({ 2 }, 'i32'), np.zeros({ 2 }, { dtype = 'i32' }))
    same(np.full_like(x, 7, 'f64'), np.full_like(x, 7, { dtype = 'f64' }))
    same(np.array({ 1, 2 }, 'i32'), np.array({ 1, 2 }, { dtype = 'i32' }))
    same(np.arange(0, 6, 2, 'f64'), np.arange(0, { stop = 6, step = 2, dtype = 'f64' }))
    same(np.arange(0, 3, 1, 'f64'), np.arange(3, { dtype = 'f64' }))
    same(np.eye(3, 3, 1), np.eye(3, { k = 1 }))
    same(np.diag(v, -1), np.diag(v, { k = -1 }))
    same(np.trace(x, 1), np.trace(x, { offset = 1 }))
    same(np.concatenate({ x, x }, 2), np.concatenate({ x, x }, { axis = 2 }))
    same(np.stack({ v, v }, -1), np.stack({ v, v }, { axis = -1 }))
    same(np.repeat_(x, 2, 1), np['repeat'](x, 2, { axis = 1 }))
    same(np.roll(x, 1, 2), x:roll(1, { axis = 2 }))
    same(np.rot90(x, 3), np.rot90(x, { k = 3 }))
    same(np.flip(x, 1), np.flip(x, { axis = 1 }))
    same(np.take(x, { 2 }, 2), np.take(x, { 2 }, { axis = 2 }))
    same(np.clip(x, 2, 5), x:clip { min = 2, a_max = 5 })
    same(np.clip(x, nil, 5), np.clip(x, { max = 5 }))
    same(np.round(x / 3, 1), np.round(x / 3, { decimals = 1 }))
    same(np.convolve(v, v, 'same'), np.convolve(v, v, { mode = 'same' }))
    same(np.tensordot(x, x.T, 1), np.tensordot(x, x.T, { axes = 1 }))
    same(np.fft.fftfreq(6, 0.1), np.fft.fftfreq(6, { d = 0.1 }))
    same(np.linalg.qr(x, 'r'), np.linalg.qr(x, { mode = 'r' }))
    local a, b = np.split(x, 3, { axis = 2 })
    same(np.array { { 1 }, { 4 } }, a)
    same(np.array { { 2 }, { 5 } }, b)
  end)

  it('that do not exist, or come twice, are refused', function()
    refuses('np.stack: unknown option "axes"; did you mean "axis"?',
      function() np.stack({ v }, { axes = 1 }) end)
    refuses('np.arange: "stop" is given twice', function() np.arange(0, 3, { stop = 3 }) end)
  end)
end)

describe('NumPy has it', function()
  it('so pad does', function()
    same(np.array { 9, 3, 1, 2, 9 }, np.pad(v, 1, { constant_values = 9 }))
    same(np.pad(v, 2, 'reflect'), np.pad(v, 2, { mode = 'reflect' }))
    same(np.pad(x, { { 1, 2 }, { 1, 2 } }), np.pad(x, { { 1, 2 } }))
    refuses('np.pad: constant_values is for mode "constant", got "edge"',
      function() np.pad(v, 1, { mode = 'edge', constant_values = 1 }) end)
  end)

  it('so histograms do', function()
    local counts, edges = np.histogram(v, { bins = 2, range = { 1, 3 } })
    same(np.array { 1, 2 }, counts)
    same(np.array { 1, 2, 3 }, edges)
    counts, edges = np.histogram(np.ones(3), 2)
    same(np.array { 0, 3 }, counts)
    same(np.array { 0.5, 1, 1.5 }, edges)
    counts = np.histogram2d(v, v, { bins = { 1, 2 } })
    same(np.array { { 1, 2 } }, counts)
    refuses('np.histogram: edges must ascend, got {2, 1}  f32 (2)',
      function() np.histogram(v, np.array { 2, 1 }) end)
    refuses('np.histogram: range is { low, high }, ascending numbers',
      function() np.histogram(v, 3, { range = { 2, 1 } }) end)
    refuses('np.histogram: the elements go from nan to nan; give a range',
      function() np.histogram(np.array { 1, nan }, 3) end)
    refuses('np.digitize: edges ascend or descend', function() np.digitize(v, { 1, 3, 2 }) end)
  end)

  it('so quantiles do', function()
    local w = np.array { 1, 2, 4, 8 }
    assert.are.equal(2, np.quantile(w, 0.4, { method = 'lower' }):item())
    assert.are.equal(4, np.quantile(w, 0.4, { method = 'higher' }):item())
    assert.are.equal(2, np.quantile(w, 0.4, { method = 'nearest' }):item())
    assert.are.equal(3, np.quantile(w, 0.4, { method = 'midpoint' }):item())
    assert.are.equal(4, np.percentile(w, 60, { method = 'nearest' }):item())
    refuses('np.quantile: q is from 0 to 1, got 1.5  f64', function() np.quantile(w, 1.5) end)
    refuses('np.percentile: q is from 0 to 100, got {5, 101}  f64 (2)',
      function() np.percentile(w, { 5, 101 }) end)
  end)

  it('so covariances of two lists do', function()
    same(np.cov(np.stack { v, v * v }), np.cov(v, v * v))
    same(np.cov(np.stack { v, v }, { ddof = 0 }), np.cov(v, v, { ddof = 0 }))
    same(np.corrcoef(np.stack { v, -v }), np.corrcoef(v, -v))
    refuses('np.cov: needs as many observations of all variables, got 3 and 2',
      function() np.cov(v, np.ones(2)) end)
  end)

  it('so where, trapezoid, cholesky and softmax do', function()
    same(np.nonzero(np.gt(v, 1)), np.where(np.gt(v, 1)))
    same(np.trapezoid(v, { x = { 0, 1, 3 } }), np.trapezoid(v, np.array { 0, 1, 3 }))
    local s = np.array { { 4, 2 }, { 2, 2 } }
    same(np.array { { 2, 1 }, { 0, 1 } }, np.linalg.cholesky(s, { upper = true }))
    same(np.array { 0.5, 0, 0.5 }, stax.softmax(np.array { 1, 9, 1 },
      { where = np.array { true, false, true } }))
    same(np.array { -1 / 0, 0 }, stax.log_softmax(np.array { 1, 2 },
      { where = np.array { false, true } }))
    same(stax.gelu_exact(v), stax.gelu(v, { approximate = false }))
  end)

  it('so what is missing is named', function()
    refuses('heaviside: needs an Array, got nil', function() np.heaviside(v) end)
    refuses('index: the index is nil', function() local _ = v[nil] end)
    refuses('at: the index is nil', function() local _ = v:at(nil) end)
    refuses('norm: needs an Array, got nil', function() np.linalg.norm() end)
    refuses('while_loop: the condition must be one boolean, got f32',
      function() lax.while_loop(function(c) return c end, function(c) return c end, 1.5) end)
    refuses('stax.elementwise: the first argument must be function, got 1',
      function() stax.elementwise(1) end)
    refuses('stax.Dense: params must be table, got nil', function() stax.Dense(3).apply() end)
    refuses('stax.FanInSum: inputs have one shape, got (3) and (4)', function()
      stax.residual(stax.Dense(3)).init(imnn.random.PRNGKey(0), { 4 })
    end)
  end)
end)

describe('settings of optimisers', function()
  it('are finite numbers', function()
    refuses('adam: optimizers: a step size must be finite, got nan',
      function() optimizers.adam(nan) end)
    refuses('optimizers.momentum: mass must be finite, got nan',
      function() optimizers.momentum(0.1, nan) end)
    refuses('optimizers.sm3: momentum must be finite, got inf',
      function() optimizers.sm3(0.1, 1 / 0) end)
    refuses('optimizers.exponential_decay: rate must be finite, got nan',
      function() optimizers.exponential_decay(1, 10, nan) end)
    refuses('optimizers.constant: the step size must be finite, got nan',
      function() optimizers.constant(nan) end)
    assert.are.equal(5, optimizers.l2_norm({ np.array { 3i, 4 } }):item())
  end)
end)
