--- scipy.stats against SciPy and JAX (tests/golden/stats), and what holds for all distributions.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local message = require 'tests.support.message'
local np, stats = imnn.np, imnn.scipy.stats

local where = 'tests/golden/stats/'
local reference = dofile(where .. 'scipy.lua')

local function f64(x) return np.array(x, 'f64') end

local function parameters(list)
  local out = {}
  for i, v in ipairs(list) do out[i] = f64(v) end
  return out
end

local function near(a, b, rtol, atol)
  if a == b or a ~= a and b ~= b then return true end
  return math.abs(a - b) <= rtol * math.abs(a) + atol
end

-- f(x, parameters) or f(parameters), whatever it is of.
local function apply(f, x, params, dtype)
  if #x == 0 then return f(unpack(params)) end
  return f(np.array(x, dtype or 'f64'), unpack(params))
end

describe('scipy.stats agrees with SciPy in', function()
  for _, row in ipairs(reference) do
    local name, what, list, x, expected = unpack(row)
    it(('%s.%s (%s)'):format(name, what, table.concat(list, ', ')), function()
      local params = parameters(list)
      if #list == 0 then params = { f64(0) } end -- loc
      local y = apply(stats[name][what], x, params)
      assert.equal('f64', y.dtype)
      local got = y:values()
      assert.equal(#expected, #got)
      local rtol = name == 'truncnorm' and 1e-9 or 1e-11
      for i, e in ipairs(expected) do
        assert.is_true(near(e, got[i], rtol, what:find '^log' and 1e-13 or 0),
          ('at %s: %.17g instead of %.17g'):format(tostring(x[i]), got[i], e))
      end
      -- compiled, and one number after the other
      local compiled = apply(imnn.jit(stats[name][what]), x, params):values()
      for i, v in ipairs(got) do assert.is_true(near(v, compiled[i], 1e-14, 0)) end
      if #x > 0 then
        local each = imnn.vmap(function(v) return stats[name][what](v, unpack(params)) end)(f64(x))
        for i, v in ipairs(each:values()) do assert.is_true(near(got[i], v, 1e-13, 0)) end
      end
    end)
  end
end)

-- JAX's expressions.
local cases = {
  dirichlet_logpdf = function(i)
    return stats.dirichlet.logpdf(np.array({ 0.2, 0.3, 0.5 }, i.x.dtype), i.x)
  end,
  mvn_logpdf = function(i)
    return stats.multivariate_normal.logpdf(i.y, np.zeros({ 4 }, i.x.dtype), i.x)
  end,
  norm_loc = function(i) return stats.norm.logpdf(i.x, i.y, i.z) end,
  norm_logcdf = function(i) return stats.norm.logcdf(i.x * 5) end,
  pareto_logpdf = function(i) return stats.pareto.logpdf(1 + i.x, i.y) end,
  poisson_logpmf = function(i) return stats.poisson.logpmf(np.arange(6), i.x) end,
  uniform_logpdf = function(i) return stats.uniform.logpdf(i.x, -1, 2) end,
}
for _, name in ipairs { 'cauchy', 'expon', 'laplace', 'logistic', 'norm' } do
  cases[name .. '_logpdf'] = function(i) return stats[name].logpdf(i.x) end
end
for _, what in ipairs { 'cdf', 'ppf' } do
  cases['norm_' .. what] = function(i) return stats.norm[what](i.x) end
end
for _, name in ipairs { 'gamma', 't' } do
  cases[name .. '_logpdf'] = function(i) return stats[name].logpdf(i.x, i.y) end
end
cases.beta_logpdf = function(i) return stats.beta.logpdf(i.x, i.y, i.z) end

local function compare(what, rule, expected, got)
  assert.is_nil(golden.difference(
    { y = expected:values(), shape = expected.shape, rtol = rule.rtol, atol = rule.atol }, got),
    what)
end

for _, dtype in ipairs { 'f32', 'f64' } do
  describe('scipy.stats agrees with JAX in ' .. dtype .. ', in', function()
    for name, group in imnn.data.hdf5.open(where .. 'stats_' .. dtype .. '.h5'):each() do
      it(name, function()
        local rule, x, t, names = group:attributes(), {}, {}, {}
        for _, letter in ipairs { 'x', 'y', 'z' } do
          if group:has('in.' .. letter) then
            names[#names + 1] = letter
            x[#x + 1], t[#t + 1] = group['in.' .. letter], group['in.t_' .. letter]
          end
        end
        local function f(...)
          local i = {}
          for k, letter in ipairs(names) do i[letter] = select(k, ...) end
          return cases[name](i)
        end
        compare('value', rule, group['out.y'], f(unpack(x)))
        compare('compiled', rule, group['out.y'], imnn.jit(f)(unpack(x)))
        local _, d = imnn.jvp(f, x, t)
        compare('forward', rule, group['out.d'], d)
        local _, back = imnn.vjp(f, unpack(x))
        local dx = { back(group['in.ct']) }
        for k, letter in ipairs(names) do
          compare('reverse ' .. letter, rule, group['out.ct_' .. letter], dx[k])
        end
      end)
    end
  end)
end

-- ---- what holds for all of them ----

-- Parameters in which differences say something: no ends of supports, no numbers of trials.
local function smooth(name, value)
  if name == 'triang' or name == 'randint' or name:find 'binom' and value > 1 then return false end
  return math.abs(value) < (name == 'truncnorm' and 3 or math.huge)
end

local function inside(d, x, params)
  local out = {}
  for _, v in ipairs(x) do
    local p = rawget(d, 'cdf') and d.cdf(f64(v), unpack(params)):item() or 0.5
    local density = (rawget(d, 'pdf') or d.pmf)(f64(v), unpack(params)):item()
    if p > 0.01 and p < 1 and density > 0 then out[#out + 1] = v end
  end
  return out
end

-- Slopes by differences of fourth order.
local function slope(f, x, h)
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
end

describe('distributions', function()
  for _, row in ipairs(reference) do
    local name, what, list, x = unpack(row)
    local d, params = stats[name], parameters(list)
    if what == 'cdf' and rawget(d, 'pdf') then
      it(('%s (%s): the density is the slope of cdf'):format(name, table.concat(list, ', ')),
        function()
          local all, at = { unpack(params) }, f64(x)
          local _, words = d.params:gsub('%S+', '')
          if #all < words then all[#all + 1] = { scale = f64(1.5) } end
          local p = d.pdf(at, unpack(all)):values()
          local g = imnn.grad(function(v) return d.cdf(v, unpack(all)):sum() end)(at)
          for i, v in ipairs(g:values()) do
            assert.is_true(near(p[i], v, 1e-9, 1e-15),
              ('%.17g at %g, not %.17g'):format(v, x[i], p[i]))
          end
        end)
    end
    if what == 'logpdf' or what == 'logpmf' then
      it(('%s (%s): slopes of %s'):format(name, table.concat(list, ', '), what), function()
        local inner = inside(d, x, params) -- away from the ends of the support
        for k = what == 'logpmf' and 1 or 0, #list do
          if k == 0 or smooth(name, list[k]) then
            local given = { f64(inner), unpack(params) }
            local g = imnn.grad(function(...) return d[what](...):sum() end, { argnums = k + 1 })
            local slopes, sum, size = {}, 0, 0
            for i, v in ipairs(inner) do
              local all = { f64(v), unpack(params) }
              local at = all[k + 1]:item()
              slopes[i] = slope(function(moved)
                local to = { unpack(all) }
                to[k + 1] = f64(moved)
                return d[what](unpack(to)):item()
              end, at, 1e-4 * math.max(math.abs(at), 1e-3))
              sum, size = sum + slopes[i], size + math.abs(slopes[i])
            end
            local found = g(unpack(given)):values()
            if k > 0 then assert.near(sum, found[1], 1e-5 * (size + 1e-3))
            else
              for i, v in ipairs(found) do
                assert.near(slopes[i], v, 2e-5 * (math.abs(slopes[i]) + 1))
              end
            end
          end
        end
      end)
    end
    if what == 'ppf' then
      it(('%s (%s): ppf is the inverse of cdf'):format(name, table.concat(list, ', ')), function()
        local q = f64 { 0.05, 0.3, 0.6, 0.9 }
        local back = d.cdf(d.ppf(q, unpack(params)), unpack(params)):values()
        for i, v in ipairs(q:values()) do
          if rawget(d, 'pdf') then assert.near(v, back[i], 1e-12)
          else assert.is_true(back[i] >= v - 1e-12) end
        end
        assert.same({ true, true }, np.isnan(d.ppf(f64 { -0.1, 1.1 }, unpack(params))):values())
      end)
    end
  end

  it('are nothing outside their supports, whatever is asked', function()
    for _, case in ipairs {
      { 'gamma', -1, 2 }, { 'expon', -0.5 }, { 'uniform', 1.5 }, { 'beta', 1.2, 2, 3 },
      { 'pareto', 0.5, 2 }, { 'lognorm', 0, 1 }, { 'lognorm', -1, 1 }, { 'invgamma', 0, 2 },
      { 'truncnorm', 3, -1, 2 }, { 'triang', -0.1, 0.5 }, { 'norm', math.huge },
      { 'norm', -math.huge }, { 'gamma', math.huge, 2 }, { 'logistic', math.huge },
    } do
      local name, x = case[1], f64(case[2])
      local params = { unpack(case, 3) }
      local d = stats[name]
      assert.equal(-math.huge, d.logpdf(x, unpack(params)):item(), name)
      assert.equal(0, d.pdf(x, unpack(params)):item(), name)
      local right = case[2] > 0.8 and 1 or 0
      if name == 'pareto' then right = 0 end
      assert.equal(right, d.cdf(x, unpack(params)):item(), name)
      assert.equal(1 - right, d.sf(x, unpack(params)):item(), name)
      assert.equal(right == 1 and 0 or -math.huge, d.logcdf(x, unpack(params)):item(), name)
      -- derivatives there are 0, beside others that are not
      local both = np.stack { x, f64(name == 'pareto' and 1.5 or 0.5) }
      local g = imnn.grad(function(v) return np.exp(d.logpdf(v, unpack(params))):sum() end)(both)
      assert.equal(0, g:values()[1])
      assert.is_true(math.abs(g:values()[2]) < 10)
    end
    assert.equal(-math.huge, stats.poisson.logpmf(1.5, 2):item())
    assert.equal(0, stats.binom.pmf(8, 7, 0.5):item())
    assert.near(stats.poisson.cdf(1, 2):item(), stats.poisson.cdf(1.5, 2):item(), 0)
  end)

  it('pass on NaN, and make it of traced parameters without meaning', function()
    assert.same({ false, true }, np.isnan(stats.gamma.logpdf({ 1, 0 / 0 }, 2)):values())
    assert.is_true(np.isnan(stats.gamma.cdf(0 / 0, 2)):item())
    local y = imnn.jit(function(a) return stats.gamma.logpdf(1, a) end)
    assert.is_true(np.isnan(y(np.array(-1))):item())
    assert.is_false(np.isnan(y(np.array(1))):item())
    assert.is_true(np.isnan(imnn.jit(function(p) return stats.binom.mean(3, p) end)(np.array(2)))
      :item())
  end)

  it('take parameters by position, by name, and of shapes that broadcast', function()
    local x = f64 { 0.5, 1, 2 }
    local a, scale = f64 { { 1 }, { 2 } }, 3
    local y = stats.gamma.logpdf(x, a, 0, scale)
    assert.same({ 2, 3 }, y.shape)
    assert.same(y:values(), stats.gamma.logpdf(x, { a = a, scale = scale }):values())
    assert.same(y:values(), stats.gamma.logpdf(x, a, { scale = scale }):values())
    assert.near(stats.gamma.logpdf(2 / 3, 2):item() - math.log(3), y:values()[6], 1e-6)
    assert.equal('f32', stats.norm.logpdf(0).dtype)
    assert.equal('f32', stats.norm.logpdf(np.array({ 1 }, 'i32'), 0, 2).dtype)
    assert.near(2, stats.norm.std(1, 2):item(), 0)
    assert.same({ 3, 4 }, stats.norm.mean { loc = np.array { 3, 4 } }:values())
    for name, d in pairs(stats) do assert.equal(name, d.name) end
  end)

  it('of whole numbers add up', function()
    local k = np.arange(0, 60, 1, 'f64')
    for _, case in ipairs {
      { 'poisson', 3.5 }, { 'binom', 20, 0.3 }, { 'nbinom', 2.5, 0.4 }, { 'geom', 0.4 },
      { 'betabinom', 20, 2, 3 }, { 'bernoulli', 0.2 }, { 'randint', 2, 30 },
    } do
      local d, params = stats[case[1]], { unpack(case, 2) }
      local p = d.pmf(k, unpack(params))
      assert.near(1, p:sum():item(), 1e-9)
      assert.near(d.mean(unpack(params)):item(), (p * k):sum():item(), 1e-5)
      local second = (p * k * k):sum():item() - (p * k):sum():item() ^ 2
      assert.near(second, d.var(unpack(params)):item(), 1e-4)
      if rawget(d, 'cdf') then
        local c = d.cdf(k, unpack(params)):values()
        for i, v in ipairs(np.cumsum(p):values()) do assert.near(v, c[i], 1e-10) end
      end
    end
  end)

  it('refuse what has no meaning, and name it', function()
    for sentence, f in pairs {
      ['stats.norm.logpdf: needs scale > 0, got scale = -1'] = function()
        stats.norm.logpdf(0, 0, -1)
      end,
      ['stats.gamma.pdf: needs a > 0, got a = -2'] = function()
        stats.gamma.pdf(1, np.array { 3, -2, 1 })
      end,
      ['stats.gamma.logpdf: needs a > 0, got a = nan'] = function()
        stats.gamma.logpdf(1, 0 / 0)
      end,
      ['stats.triang.cdf: needs c <= 1, got c = 2'] = function() stats.triang.cdf(0, 2) end,
      ['stats.truncnorm.mean: needs b > a, got b = 0'] = function() stats.truncnorm.mean(1, 0) end,
      ['stats.gamma.logpdf: the parameter a is missing'] = function() stats.gamma.logpdf(1) end,
      ['stats.gamma.logpdf: no parameter "scal"; did you mean "scale"?'] = function()
        stats.gamma.logpdf(1, 2, { scal = 1 })
      end,
      ['stats.gamma.logpdf: a is given twice'] = function() stats.gamma.logpdf(1, 2, { a = 1 }) end,
      ['stats.norm.logpdf: takes 2 parameters, got 3'] = function()
        stats.norm.logpdf(0, 1, 2, 3)
      end,
      ['stats.norm.logpdf: the value must be a number or an Array, got string'] = function()
        stats.norm.logpdf 'x'
      end,
      ['stats.norm.pdf: not defined for complex numbers'] = function()
        stats.norm.pdf(np.array({ 1 }, 'c64'))
      end,
      ['stats.betabinom: has no "cdf"; it has logpmf, mean, pmf, std, support, var'] = function()
        stats.betabinom.cdf(1, 2, 3, 4)
      end,
      ['stats.dirichlet.logpdf: needs alpha > 0, got alpha = -1'] = function()
        stats.dirichlet.logpdf({ 0.5, 0.5 }, { 1, -1 })
      end,
      ['stats.dirichlet.logpdf: alpha (3) does not fit to x (2)'] = function()
        stats.dirichlet.logpdf({ 0.5, 0.5 }, { 1, 1, 1 })
      end,
      ['stats.wishart.logpdf: needs df > 1, got df = 1'] = function()
        stats.wishart.logpdf(np.eye(2), 1, np.eye(2))
      end,
      ['stats.multivariate_normal.logpdf: x needs 1 axes or more, got 0'] = function()
        stats.multivariate_normal.logpdf(1)
      end,
      ['stats.multivariate_normal.logpdf: mean (3) does not fit to x (2)'] = function()
        stats.multivariate_normal.logpdf({ 1, 2 }, { 1, 2, 3 })
      end,
      ['stats.multivariate_normal.logpdf: cholesky: a matrix is not positive definite'] = function()
        stats.multivariate_normal.logpdf({ 1, 2 }, { 1, 2 }, -np.eye(2))
      end,
      ['stats.multinomial.logpmf: p is missing'] = function()
        stats.multinomial.logpmf({ 1 }, 1)
      end,
    } do
      assert.matches(': ' .. sentence:gsub('%p', '%%%0') .. '$', message(f))
    end
  end)
end)

-- SciPy 1.17.1
describe('distributions of several numbers', function()
  local x = f64 { { 0.5, -1, 2 }, { 0, 0.3, 1 } }
  local cov = f64 { { 2, 0.5, 0.3 }, { 0.5, 1, -0.2 }, { 0.3, -0.2, 1.5 } }
  local loc = f64 { 0.1, 0.2, 0.3 }

  local function close(expected, y)
    for i, v in ipairs(y:values()) do assert.near(expected[i], v, 1e-11 * math.abs(expected[i])) end
  end

  it('have the values of SciPy', function()
    local alpha, p = f64 { 0.7, 2, 3 }, f64 { 0.2, 0.3, 0.5 }
    local simplex = f64 { { 0.2, 0.3, 0.5 }, { 0.1, 0.8, 0.1 } }
    local counts = f64 { { 1, 2, 4 }, { 7, 0, 0 } }
    close({ -4.753235816298, -3.412797402937 }, stats.multivariate_normal.logpdf(x, loc, cov))
    close({ -4.574362000895, -3.741862000895 },
      stats.multivariate_normal.logpdf(x, loc, f64 { 1, 2, 3 }))
    close({ -5.083791659485, -3.396414327128 }, stats.multivariate_t.logpdf(x, loc, cov, f64(3.5)))
    close({ 1.222517436224, -0.8075849814641 }, stats.dirichlet.logpdf(simplex, alpha))
    close({ -2.136011893168, -11.26606538704 }, stats.multinomial.logpmf(counts, 7, p))
    close({ -11.65115005305 }, stats.wishart.logpdf(cov, f64(4.5), np.diag(f64 { 1, 2, 3 })))
    close({ 0.1228070175439, 0.3508771929825, 0.5263157894737 }, stats.dirichlet.mean(alpha))
    close({ 0.01607842596804, 0.03399438633242, 0.03721007152603 }, stats.dirichlet.var(alpha))
    close({ 1.4, 2.1, 3.5 }, stats.multinomial.mean(7, p))
    close({ 3, 0, 0, 6 }, stats.wishart.mean(3, np.diag(f64 { 1, 2 })))
    close({ math.exp(-4.753235816298) }, stats.multivariate_normal.pdf(x[1], loc, cov))
  end)

  it('are nothing outside their supports', function()
    assert.equal(-math.huge, stats.dirichlet.logpdf({ 0.5, 0.4 }, { 1, 1 }):item())
    assert.equal(-math.huge, stats.dirichlet.logpdf({ 1.5, -0.5 }, { 1, 1 }):item())
    assert.equal(-math.huge, stats.multinomial.logpmf({ 1, 1 }, 3, { 0.5, 0.5 }):item())
    assert.equal(-math.huge, stats.multinomial.logpmf({ 1.5, 1.5 }, 3, { 0.5, 0.5 }):item())
    assert.equal(-math.huge, stats.wishart.logpdf(-np.eye(2), 3, np.eye(2)):item())
    local traced = imnn.jit(function(df) return stats.wishart.logpdf(np.eye(2), df, np.eye(2)) end)
    assert.is_true(np.isnan(traced(np.array(0.5))):item())
    traced = imnn.jit(function(a) return stats.dirichlet.logpdf({ 0.5, 0.5 }, a) end)
    assert.is_true(np.isnan(traced(np.array { 1, -1 })):item())
  end)

  it('have derivatives in everything, in both modes, and batches', function()
    local function check(f, ...)
      local args = { ... }
      for i = 1, #args do
        local g = imnn.grad(f, { argnums = i })(...)
        local e = np.cos(np.arange(1, g.size + 1, 1, 'f64')):reshape(g.shape)
        if g.ndim == 2 then e = e + e.T end
        local function moved(h)
          local all = { unpack(args) }
          all[i] = args[i] + h * e
          return f(unpack(all)):item()
        end
        assert.near(slope(moved, 0, 1e-4), (g * e):sum():item(), 1e-8)
        local t = {}
        for k, a in ipairs(args) do t[k] = k == i and e or np.zeros_like(a) end
        local _, d = imnn.jvp(f, args, t)
        assert.near((g * e):sum():item(), d:item(), 1e-10)
      end
    end
    check(stats.multivariate_normal.logpdf, x[1], loc, cov)
    check(stats.multivariate_t.logpdf, x[1], loc, cov, f64(3.5))
    check(function(alpha) return stats.dirichlet.logpdf(f64 { 0.2, 0.3, 0.5 }, alpha) end,
      f64 { 0.7, 2, 3 })
    check(function(p) return stats.multinomial.logpmf(f64 { 1, 2, 4 }, 7, p) end,
      f64 { 0.2, 0.3, 0.5 })
    check(stats.wishart.logpdf, cov, f64(4.5), np.diag(f64 { 1, 2, 3 }))
    local each = imnn.vmap(function(v) return stats.multivariate_normal.logpdf(v, loc, cov) end)(x)
    close(each:values(), stats.multivariate_normal.logpdf(x, loc, cov))
  end)
end)
