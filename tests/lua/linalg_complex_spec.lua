--- Linear algebra of complex matrices and what is about general ones: identities, derivatives
-- that do not depend on the phases of vectors, sentences.
local imnn = require 'imnn'
local agree = require 'tests.support.programs.agree'
local np, random, jsl = imnn.np, imnn.random, imnn.scipy.linalg
local linalg = np.linalg
local refuses = require('tests.support.values').refuses 'tests/lua/linalg_complex_spec.lua'

local function draw(seed, shape, dtype)
  local part = (dtype == 'f32' or dtype == 'c64') and 'f32' or 'f64'
  local a = random.normal(random.PRNGKey(seed), { 2, unpack(shape) }, part)
  return dtype:sub(1, 1) == 'c' and np.complex(a[1], a[2]) or a[1]
end

local function adjoint(x) return np.conj(np.swapaxes(x, -1, -2)) end

local function near(a, b, tolerance)
  local off = np.abs(a - b):max():item()
  assert.is_true(off < tolerance, ('off by %g'):format(off))
end

for _, dtype in ipairs { 'c64', 'c128' } do
  local close = dtype == 'c64' and 1e-3 or 1e-11
  for _, n in ipairs { 1, 2, 5, 12, 40 } do
    describe(('complex matrices of size %d, %s'):format(n, dtype), function()
      local a, b, tall = draw(n, { n, n }, dtype), draw(n + 1, { n, 3 }, dtype),
        draw(n + 2, { n + 2, n }, dtype)
      local eye, part = np.eye(n, dtype), dtype == 'c64' and 'f32' or 'f64'
      local positive = np.matmul(a, adjoint(a)) + eye

      it('have inverses and solve equations', function()
        near(eye, np.matmul(positive, linalg.inv(positive)), close)
        near(b, np.matmul(positive, linalg.solve(positive, b)), 10 * close)
        near(b[{ {}, 1 }], np.matmul(positive, linalg.solve(positive, b[{ {}, 1 }])), 10 * close)
        near(eye, np.matmul(linalg.pinv(tall), tall), close)
        near(linalg.inv(np.matmul(positive, positive)), linalg.matrix_power(positive, -2), close)
        local x, left, rank, s = linalg.lstsq(tall, np.matmul(tall, b))
        near(b, x, close)
        assert.same({ part, n, part }, { left.dtype, rank:item(), s.dtype })
      end)

      it('have triangular factors', function()
        local l = linalg.cholesky(positive)
        near(positive, np.matmul(l, adjoint(l)), 10 * close)
        near(0, np.triu(l, 1), 1e-30)
        for _, lower in ipairs { false, true } do
          local factor = jsl.cho_factor(positive, { lower = lower })
          near(b, np.matmul(positive, jsl.cho_solve(factor, b)), 10 * close)
        end
        for _, mode in ipairs { 'reduced', 'complete' } do
          local q, r = linalg.qr(tall, mode)
          near(tall, np.matmul(q, r), close)
          near(np.eye(q.shape[2], dtype), np.matmul(adjoint(q), q), close)
          near(0, np.tril(r, -1), 1e-30)
          assert.is_true((np.diagonal(np.real(r)):min() >= 0))
          near(0, np.diagonal(np.imag(r)), 1e-30)
        end
        local q, r = linalg.qr(adjoint(tall))
        near(adjoint(tall), np.matmul(q, r), close)
      end)

      it('have spectra', function()
        local w, v = linalg.eigh(positive)
        assert.equal(part, w.dtype)
        near(positive, np.matmul(v * w, adjoint(v)), 10 * close)
        near(w, linalg.eigvalsh(positive), 10 * close)
        for _, full in ipairs { false, true } do
          local u, s, vt = linalg.svd(tall, { full_matrices = full })
          assert.equal(part, s.dtype)
          near(np.eye(u.shape[2], dtype), np.matmul(adjoint(u), u), close)
          near(tall, np.matmul(u[{ {}, { 1, n } }] * s, vt), close)
          near(linalg.norm(tall, 'nuc'), np.sum(s), 10 * close)
        end
        local e, vectors = linalg.eig(a)
        near(np.matmul(a, vectors), vectors * e, close)
        near(1, np.sum(np.abs(vectors) ^ 2, 1), close)
        near(linalg.trace(a), np.sum(linalg.eigvals(a)), close)
      end)

      it('have determinants and exponentials', function()
        local sign, log = linalg.slogdet(a)
        assert.same({ dtype, part }, { sign.dtype, log.dtype })
        near(1, np.prod(linalg.eigvals(a)) / (sign * np.exp(log)), 10 * close)
        near(eye, np.matmul(jsl.expm(0.1 * a), jsl.expm(-0.1 * a)), close)
      end)
    end)
  end
end

describe('L U', function()
  for _, dtype in ipairs { 'f32', 'f64', 'c64', 'c128' } do
    it('gives factors, and solves with them, ' .. dtype, function()
      local close = (dtype == 'f32' or dtype == 'c64') and 1e-4 or 1e-12
      for _, shape in ipairs { { 3, 3 }, { 5, 2 }, { 2, 5 }, { 2, 4, 4 }, { 40, 40 },
        { 0, 3, 3 } } do
        local x = draw(#shape, shape, dtype)
        local p, l, u = jsl.lu(x)
        local pl, same = jsl.lu(x, { permute_l = true })
        if x.size > 0 then
          near(x, np.matmul(p, np.matmul(l, u)), close)
          near(x, np.matmul(pl, same), close)
          assert.is_true((np.abs(l):max() < 1.4143)) -- LAPACK compares |re| + |im|
        end
      end
      local a, b = draw(4, { 4, 4 }, dtype), draw(5, { 4, 2 }, dtype)
      local factor = jsl.lu_factor(a)
      for how, m in pairs { N = a, T = a.T, C = adjoint(a) } do
        near(b, np.matmul(m, jsl.lu_solve(factor, b, { trans = how })), 10 * close)
        near(b[{ {}, 1 }], np.matmul(m, jsl.lu_solve(factor, b[{ {}, 1 }], { trans = how })),
          10 * close)
      end
    end)
  end

  it('is differentiated like solve', function()
    for _, dtype in ipairs { 'f64', 'c128' } do
      local a, b = draw(6, { 4, 4 }, dtype), draw(7, { 4, 2 }, dtype)
      local function slope(fn)
        return imnn.grad(function(x) return np.sum(np.real(fn(x) * b)) end)(a)
      end
      near(slope(function(x) return linalg.solve(x, b) end),
        slope(function(x) return jsl.lu_solve(jsl.lu_factor(x), b) end), 1e-10)
    end
  end)
end)

describe('derivatives where phases do not matter', function()
  local functions = {
    eigh = function(x)
      local w, v = linalg.eigh(x)
      return np.matmul(v * np.exp(0.3 * w), adjoint(v)), w
    end,
    svd = function(x)
      local u, s, vt = linalg.svd(x, { full_matrices = false })
      return np.matmul(u * np.sin(s), vt), s
    end,
    eig = function(x)
      local w, v = linalg.eig(x)
      return np.matmul(v * np.exp(w), linalg.inv(v)), np.sum(w), np.abs(v)
    end,
    qr = function(x) return linalg.qr(x) end,
    slogdet = linalg.slogdet,
    cholesky = function(x)
      return linalg.cholesky(np.matmul(x, adjoint(x)) + np.eye(#x, x.dtype))
    end,
  }
  for name, fn in pairs(functions) do
    it('are those of ' .. name, function()
      for seed, shape in ipairs { { 3, 3 }, name == 'svd' and { 4, 2 } or { 4, 4 },
        name == 'svd' and { 2, 4 } or { 1, 1 } } do
        local x = { draw(seed, shape, 'c128'), draw(seed + 9, shape, 'c128') }
        local function make() return fn end
        for _, check in ipairs { 'jit', 'vmap', 'jvp', 'vjp', 'second', 'vjp_vmap' } do
          assert.is_nil((agree[check](make, { x }, 'f64')))
        end
      end
    end)
  end

  it('keep JAX\'s conventions', function()
    -- z -> |z|^2 by a factor: the cotangent of x pairs with tangents without conjugation
    local z = np.array({ { 1 + 2i } }, 'c128')
    local function size(x) return np.sum(linalg.eigvalsh(np.matmul(x, adjoint(x)))) end
    near(2 * np.conj(z), imnn.grad(size)(z), 1e-13)
    near(np.conj(z) / np.abs(z), imnn.grad(linalg.norm)(z), 1e-13)
    local function inverse(x) return linalg.inv(x):sum() end
    near(-1 / z ^ 2, imnn.grad(inverse, { holomorphic = true })(z), 1e-13)
  end)
end)

describe('complex matrices', function()
  it('are refused like real ones', function()
    refuses('inv: a matrix is singular', function() linalg.inv(np.zeros({ 2, 2 }, 'c64')) end)
    refuses('inv: needs square matrices, got (2, 3)',
      function() linalg.inv(np.zeros({ 2, 3 }, 'c64')) end)
    refuses('cholesky: a matrix is not positive definite',
      function() linalg.cholesky(-1 * np.eye(2, 'c64')) end)
    refuses('eigh: a matrix holds numbers that are not finite',
      function() linalg.eigh(np.full({ 2, 2 }, np.nan, 'c64')) end)
    refuses('svd: a matrix holds numbers that are not finite',
      function() linalg.svd(np.full({ 2, 2 }, np.nan, 'c64')) end)
    refuses('eig: a matrix holds numbers that are not finite',
      function() linalg.eig(np.full({ 2, 2 }, np.inf)) end)
    refuses('eigvals: needs square matrices, got (2)',
      function() linalg.eigvals(np.zeros { 2 }) end)
    refuses('slogdet: needs square matrices, got (2, 1)',
      function() linalg.slogdet(np.zeros({ 2, 1 }, 'c64')) end)
    refuses('lu: needs matrices, got (3)', function() jsl.lu(np.zeros { 3 }) end)
    refuses('lu_solve: the first argument is what lu_factor gives',
      function() jsl.lu_solve(np.eye(2), np.zeros { 2 }) end)
    refuses("lu_solve: trans is 0, 1, 2, 'N', 'T' or 'C', got X", function()
      jsl.lu_solve(jsl.lu_factor(np.eye(2)), np.zeros { 2 }, { trans = 'X' })
    end)
    refuses('inv: complex matrices have at most 6 axes, got (1, 1, 1, 1, 1, 2, 2)',
      function() linalg.inv(np.zeros({ 1, 1, 1, 1, 1, 2, 2 }, 'c64')) end)
    local sign, log = linalg.slogdet(np.zeros({ 2, 2 }, 'c64'))
    assert.is_true(sign == 0 and log:item() == -math.huge)
  end)
end)
