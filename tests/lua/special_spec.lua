--- Special functions and others that are made of operators: values of mpmath (30 digits), errors.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, special = imnn.np, imnn.scipy.special

local rows = {
  { 'betaln', { 2.5, 3.5 }, -3.3018352699620526 },
  { 'betainc', { 2, 3, 0.4 }, 0.52480000000000004 },
  { 'cbrt', { -2 }, -1.2599210498948732 },
  { 'digamma', { 2.5 }, 0.70315664064524319 },
  { 'polygamma', { 2, 1.5 }, -0.82879664423432 },
  { 'zeta', { 2.5, 1.5 }, 0.59025638507643129 },
  { 'lgamma', { 7.25 }, 7.0521854507385394 },
  { 'tgamma', { -1.5 }, 2.3632718012073547 },
  { 'gammainc', { 2.5, 1.5 }, 0.30001416412137249 },
  { 'gammaincc', { 2.5, 1.5 }, 0.69998583587862751 },
  { 'i0', { 1.5 }, 1.6467231897728908 },
  { 'i1', { -1.5 }, -0.98166642857790759 },
  { 'i0e', { -2.5 }, 0.27004644161220274 },
  { 'i1e', { 2.5 }, 0.20658464953126655 },
  { 'j0', { 3.5 }, -0.38012773998726338 },
  { 'j1', { 3.5 }, 0.13737752736232719 },
  { 'erfcx', { 1.5 }, 0.3215854164543175 },
  { 'ndtr', { -1.5 }, 0.066807201268858066 },
  { 'log_ndtr', { -20 }, -203.91715537109726 },
  { 'ndtri', { 0.25 }, -0.67448975019608174 },
  { 'entr', { 0.25 }, 0.34657359027997265 },
  { 'xlogy', { 2, 3 }, 2.1972245773362194 },
  { 'xlog1py', { 2, 0.5 }, 0.81093021621632876 },
  { 'logit', { 0.25 }, -1.0986122886681097 },
  { 'exp2', { 0.5 }, 1.414213562373095 },
  { 'log2', { 10 }, 3.3219280948873623 },
  { 'log10', { 2 }, 0.3010299956639812 },
  { 'logaddexp', { 1, 2 }, 2.3132616875182228 },
  { 'logaddexp2', { 1, 2 }, 2.5849625007211562 },
  { 'sinc', { 0.25 }, 0.90031631615710607 },
}

local function f64(x) return np.array(x, 'f64') end

describe('special functions', function()
  for _, row in ipairs(rows) do
    it(row[1], function()
      local x = {}
      for i, v in ipairs(row[2]) do x[i] = f64(v) end
      local y = np[row[1]](unpack(x))
      assert.equal('f64', y.dtype)
      assert.near(row[3], y:item(), 4e-15 * (1 + math.abs(row[3])))
      local g = imnn.jit(np[row[1]])(unpack(x))
      assert.equal(y:item(), g:item())
    end)
  end

  it('know their slopes', function()
    assert.near(0.7031566406452432, imnn.grad(np.lgamma)(f64(2.5)):item(), 1e-14)
    -- the density of the gamma distribution with shape 2.5 at 1.5, and what it is made of
    local density = 1.5 ^ 1.5 * math.exp(-1.5) / np.tgamma(f64(2.5)):item()
    assert.near(density, imnn.grad(np.gammainc, { argnums = 2 })(f64(2.5), f64(1.5)):item(), 1e-14)
    assert.near(-density, imnn.grad(np.gammaincc, { argnums = 2 })(f64(2.5), f64(1.5)):item(),
      1e-14)
    -- what the slopes are made of
    assert.near(1.5 * math.exp(-1.5), np.gamma_density(f64(0), f64(2), f64(1.5)):item(), 1e-15)
    local step = 1e-5
    local difference = (np.gammainc(f64(2.5 + step), f64(1.5))
      - np.gammainc(f64(2.5 - step), f64(1.5))):item() / (2 * step)
    assert.near(difference, np.gammainc_slope(f64(1), f64(2.5), f64(1.5)):item(), 1e-9)
    local moves = -np.gammainc_slope(f64(1), f64(2.5), f64(1.5))
      / (1.5 * np.gamma_density(f64(0), f64(2.5), f64(1.5)))
    assert.near(moves:item(), np.gamma_slope(f64(2.5), np.log(f64(1.5))):item(), 1e-14)
    assert.is_true(np.isnan(np.gamma_slope(f64(-1e17), f64(0))):item())
    local x = math.pi / 4
    assert.near((math.cos(x) - math.sin(x) / x) / 0.25, np.sinc_slope(f64(1), f64(0.25)):item(),
      1e-14)
    assert.matches('derivative', message(function()
      imnn.grad(np.betainc)(f64(2), f64(3), f64(0.4))
    end))
    assert.matches('derivative', message(function() imnn.grad(np.zeta)(f64(2), f64(3)) end))
  end)

  it('are those of scipy.special too', function()
    assert.near(1 / 12, special.beta(f64(2), f64(3)):item(), 1e-15)
    assert.near(1.3862943611198906, special.rel_entr(f64(2), f64(1)):item(), 1e-15)
    assert.near(0.3862943611198906, special.kl_div(f64(2), f64(1)):item(), 1e-15)
    assert.near(-math.log(2), special.log_expit(f64(0)):item(), 1e-15)
    assert.near(0, special.erfcinv(f64(1)):item(), 1e-15)
    assert.near(24, special.gamma(f64(5)):item(), 1e-13)
    assert.matches('multigammaln: needs a whole number of dimensions, got 0',
      message(function() special.multigammaln(f64(3), 0) end))
  end)
end)

describe('functions made of others', function()
  local function is(expected, x) assert.same(expected, x:totable()) end

  it('round', function()
    is({ 1.25, 2 }, np.around(f64 { 1.254, 2 }, 2))
    is({ 2, 4 }, np.rint(f64 { 2.5, 3.5 }))
    is({ -1, 1 }, np.fix(f64 { -1.5, 1.5 }))
    is({ 1200, 1300 }, np.round(np.array({ 1234, 1251 }, 'i32'), -2))
    assert.equal('i32', np.round(np.array({ 1 }, 'i32')).dtype)
    assert.matches('round: needs an Array, got nil', message(function() return (np.round()) end))
  end)

  it('split and join numbers', function()
    local q, r = np.divmod(f64 { 7, -7 }, 2)
    is({ 3, -4 }, q)
    is({ 1, 1 }, r)
    is({ 1, -1 }, np.fmod(f64 { 7, -7 }, 2))
    is({ 3, -4 }, np.floor_divide(f64 { 7, -7 }, 2))
    is({ -3, 3 }, np.copysign(f64 { 3, -3 }, f64 { -1, 1 }))
    is({ true, false }, np.signbit(f64 { -1, 1 }))
    is({ 0, 0.5, 1 }, np.heaviside(f64 { -1, 0, 2 }, 0.5))
    is({ 1, 2 }, np.fabs(f64 { -1, 2 }))
    is({ -1, 2 }, np.positive(f64 { -1, 2 }))
  end)

  it('look at what is no number', function()
    local x = f64 { 0 / 0, math.huge, -math.huge, 1 }
    is({ -1, 5, -5, 1 }, np.nan_to_num(x, { nan = -1, posinf = 5, neginf = -5 }))
    is({ false, true, false, false }, np.isposinf(x))
    is({ false, false, true, false }, np.isneginf(x))
    is({ 2, math.huge, 2, 2 }, np.fmax(x, 2))
    is({ 2, 2, -math.huge, 1 }, np.fmin(x, 2))
    is({ false, true, false, true }, np.isclose(x, f64 { 0 / 0, math.huge, 0, 1 + 1e-9 }))
    assert.is_true(np.allclose(x, x, { equal_nan = true }))
    assert.is_false(np.allclose(x, x))
    assert.is_true(imnn.jit(np.allclose)(f64(1), f64(1 + 1e-9)):item())
    assert.is_true(np.array_equal({ 1, 2 }, { 1, 2 }))
    assert.is_false(np.array_equal({ 1, 2 }, { 1, 3 }))
    assert.is_false(np.array_equal({ 1, 1 }, 1))
  end)

  it('turn degrees', function()
    is({ math.pi }, np.deg2rad(f64 { 180 }))
    is({ math.pi }, np.radians(f64 { 180 }))
    is({ 180 }, np.rad2deg(f64 { math.pi }))
    is({ 180 }, np.degrees(f64 { math.pi }))
  end)
end)

describe('special functions agree with golden', function() -- SciPy; tests/golden/lfi/README.md
  local stats = imnn.scipy.stats
  local g = imnn.data.hdf5.open('tests/golden/lfi/samples.h5').special
  local function given(name) return g[name]:astype 'f64' end
  for name, fn in pairs {
    beta_I = function() return special.betainc(g.beta_a, g.beta_b, g.beta_x) end,
    gamma_p = function() return special.gammainc(g.gamma_p_a, g.gamma_p_x) end,
    gamma_q = function() return special.gammaincc(g.gamma_p_a, g.gamma_p_x) end,
    lgamma = function() return special.gammaln(g.lgamma_x) end,
    digamma = function() return special.digamma(g.lgamma_x) end,
    normal_cdf = function() return special.ndtr(g.normal_cdf_z) end,
    normal_log_cdf = function() return special.log_ndtr(g.normal_cdf_z) end,
    normal_quantile = function() return special.ndtri(g.normal_quantile_p) end,
    chi2_cdf = function() return stats.chi2.cdf(g.chi2_x, g.chi2_d) end,
    f_tail = function() return stats.f.sf(g.f_x, g.f_d1, g.f_d2) end,
    binomial_cdf = function()
      return stats.binom.cdf(given 'binomial_c', given 'binomial_n', given 'binomial_z')
    end,
  } do
    it(name, function()
      local expected, got = given(name), fn()
      local off = np.abs(expected - got) / np.maximum(np.abs(expected), 1e-300)
      assert.is_true(off:max():item() < 1e-12)
    end)
  end
end)
