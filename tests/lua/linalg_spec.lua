--- Linear algebra: golden numbers, identities of matrices of every size, sentences.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, jsl, stats = imnn.np, imnn.random, imnn.scipy.linalg, {}
local linalg = np.linalg

-- ---- golden numbers ----

local function signs(r)
  return np.sign(np.stack((function()
    local out = {}
    for i = 1, r.shape[2] do out[i] = r[{ i, i }] end
    return out
  end)()))
end

local function qr_pos(x)
  local q, r = linalg.qr(x)
  local s = signs(r)
  return q * s, r * np.expand_dims(s, 2)
end

local function log_diagonal(l)
  return np.log(linalg.trace(l * 0) + np.sum(l * np.eye(l.shape[1], l.dtype), { axis = 2 }))
end

function stats.mvn_logpdf(y, mean, cov)
  local l = linalg.cholesky(cov)
  local z = linalg.triangular_solve(l, y - mean, { lower = true })
  local n = y.shape[1]
  return -0.5 * np.sum(z * z) - 0.5 * n * math.log(2 * math.pi) - np.sum(log_diagonal(l))
end

local functions = {
  cho_solve = function(x, y) return jsl.cho_solve({ linalg.cholesky(x), true }, y) end,
  cholesky = linalg.cholesky, det = linalg.det, inv = linalg.inv, slogdet = linalg.slogdet,
  solve = linalg.solve, expm = jsl.expm, eigvalsh = linalg.eigvalsh, pinv = linalg.pinv,
  eigh_projector = function(x)
    local _, v = linalg.eigh(x)
    local top = v[{ {}, -1 }]
    return np.outer(top, top)
  end,
  eigh_values = function(x) return (linalg.eigh(x)) end,
  logdet_spd = function(x) return 2 * np.sum(log_diagonal(linalg.cholesky(x))) end,
  matrix_power = function(x) return linalg.matrix_power(x, 3) end,
  multi_dot = function(x, y, z) return linalg.multi_dot { x, y, z } end,
  mvn_logpdf = function(x, y) return stats.mvn_logpdf(y, np.zeros({ 4 }, x.dtype), x) end,
  qr_Q = function(x) return (qr_pos(x)) end,
  qr_R = function(x) return select(2, qr_pos(x)) end,
  quad_inv = function(x, y) return np.dot(y, linalg.solve(x, y)) end,
  svd_rank1 = function(x)
    local u, s, vt = linalg.svd(x, { full_matrices = false })
    return s[1] * np.outer(u[{ {}, 1 }], vt[1])
  end,
  svd_values = function(x) return linalg.svd(x, { compute_uv = false }) end,
  triangular_lower = function(x, y) return jsl.solve_triangular(x, y, { lower = true }) end,
  triangular_lower_T = function(x, y)
    return jsl.solve_triangular(x, y, { lower = true, trans = 1 })
  end,
  triangular_unit = function(x, y)
    return jsl.solve_triangular(x, y, { lower = true, unit_diagonal = true })
  end,
  triangular_upper = function(x, y) return jsl.solve_triangular(x, y, { lower = false }) end,
}
for name, base in pairs {
  cholesky_batch = 'cholesky', det_2 = 'det', det_3 = 'det', det_batch = 'det', inv_batch = 'inv',
  slogdet_batch = 'slogdet', slogdet_neg = 'slogdet', solve_batch = 'solve', solve_vec = 'solve',
} do
  functions[name] = functions[base]
end

local function agree(case, what, expected, got)
  local rule = case:attributes()
  assert.equal(table.concat(expected.shape, ' '), table.concat(got.shape, ' '))
  assert.equal(expected.dtype, got.dtype)
  local a, b = expected:values(), got:values()
  for i = 1, #a do
    assert.is_true(math.abs(a[i] - b[i]) <= rule.atol + rule.rtol * math.abs(a[i]),
      ('%s: element %d is %.17g, should be %.17g'):format(what, i, b[i], a[i]))
  end
end

-- Datasets "out.y", or "out.y.1", "out.y.2", ...
local function several(case, name)
  if case:has(name) then return { case[name] } end
  local out = {}
  while case:has(name .. '.' .. #out + 1) do out[#out + 1] = case[name .. '.' .. #out + 1] end
  return out
end

for _, dtype in ipairs { 'f32', 'f64' } do
  describe('JAX agrees in ' .. dtype, function()
    local file = imnn.data.hdf5.open('tests/golden/linalg/linalg_' .. dtype .. '.h5')
    for _, key in ipairs(file:keys()) do
      local name = key:gsub('/', '')
      it(name, function()
        local case, x, t, of = file[name], {}, {}, {}
        for _, input in ipairs { 'x', 'y', 'z' } do
          if case:has('in.' .. input) then
            x[#x + 1], t[#t + 1], of[#of + 1] = case['in.' .. input], case['in.t_' .. input], input
          end
        end
        local fn = assert(functions[name], 'no such function')
        local function list(v) return { fn(unpack(v)) } end
        local expected, cotangents = several(case, 'out.y'), several(case, 'in.ct')
        local y, pull = imnn.vjp(list, x)
        local _, dy = imnn.jvp(list, { x }, { t })
        for i, want in ipairs(expected) do
          agree(case, 'value', want, y[i])
          agree(case, 'tangent', several(case, 'out.d')[i], dy[i])
        end
        local dx = pull(cotangents)
        if #dx ~= #x then dx = dx[1] end
        for i, input in ipairs(of) do agree(case, 'cotangent', case['out.ct_' .. input], dx[i]) end
      end)
    end
  end)
end

-- ---- identities ----

local function draw(seed, shape) return random.normal(random.PRNGKey(seed), shape):astype 'f64' end

local function largest(x) return np.max(np.abs(x)):item() end
local function near(a, b, what, most)
  assert.equal(table.concat(a.shape, ' '), table.concat(b.shape, ' '))
  local off = a.size > 0 and largest(a - b) or 0
  assert.is_true(off <= (most or 1e-11), ('%s: off by %g'):format(what or 'value', off))
end
local function T(x) return np.swapaxes(x, -1, -2) end
local function eye(n) return np.eye(n, 'f64') end

describe('a right side', function()
  local a, b = draw(1, { 3, 3, 3 }) + 5 * eye(3), draw(2, { 3, 3 })

  it('is a vector only if it has one axis', function()
    near(np.matmul(a, linalg.solve(a, b)), np.broadcast_to(b, { 3, 3, 3 }))
    near(np.einsum('kij,kj->ki', a, linalg.solve(a, b[1])), np.broadcast_to(b[1], { 3, 3 }))
    near(np.matmul(a, linalg.solve(a, b[{ '...', np.newaxis }])), b[{ '...', np.newaxis }])
    local spd = np.matmul(a, T(a))
    near(jsl.solve(spd, b, { sym_pos = true }), linalg.solve(spd, b), 'sym_pos', 1e-9)
  end)

  it('is what it would be alone under vmap', function()
    local y = imnn.vmap(linalg.solve)(a, b)
    for i = 1, 3 do near(linalg.solve(a[i], b[i]), y[i]) end
  end)
end)

for _, n in ipairs { 1, 2, 7, 8, 9, 32, 33, 70 } do
  describe(('matrices of %d rows'):format(n), function()
    local x, b = draw(n, { 2, n, n }), draw(n + 1, { 2, n, 3 })
    local spd = np.matmul(x, T(x)) + eye(n)
    local general = x + 2 * math.sqrt(n) * eye(n)

    it('are solved', function()
      near(np.matmul(general, linalg.solve(general, b)), b)
      near(np.matmul(general, linalg.inv(general)), np.broadcast_to(eye(n), { 2, n, n }))
      near(linalg.solve(general[1], b)[2], linalg.solve(general[1], b[2]), 'one matrix')
      near(linalg.solve(general, b[{ {}, {}, { 1, 1 } }]),
        linalg.solve(general, b)[{ '...', { 1, 1 } }])
      near(linalg.solve(general, b[{ 1, {}, 1 }])[1], linalg.solve(general, b)[{ 1, {}, 1 }])
      for _, lower in ipairs { true, false } do
        local mask = np.array(np.iota('i32', { n, n }, 1))
        local l = np.where(lower and np.ge(mask, T(mask)) or np.le(mask, T(mask)), general, 0)
        for _, transpose in ipairs { true, false } do
          local y = linalg.triangular_solve(general, b, { lower = lower, transpose = transpose })
          near(np.matmul(transpose and T(l) or l, y), b, 'triangular', 1e-9)
        end
      end
    end)

    it('have triangular factors', function()
      local l = linalg.cholesky(spd)
      near(np.matmul(l, T(l)), spd, 'L', 1e-10)
      assert.equal(0, n > 1 and l[{ 1, 1, n }]:item() or 0)
      near(np.matmul(jsl.cholesky(spd), l:swapaxes(-1, -2)) * 0, spd * 0)
      near(np.matmul(spd, jsl.cho_solve(jsl.cho_factor(spd), b)), b, 'upper', 1e-9)
      near(jsl.solve(spd, b, { sym_pos = true }), linalg.solve(spd, b), 'sym_pos', 1e-9)
    end)

    it('have spectra', function()
      local s = x + T(x)
      local w, v = linalg.eigh(s)
      near(np.matmul(v * np.expand_dims(w, -2), T(v)), s)
      near(np.matmul(T(v), v), np.broadcast_to(eye(n), { 2, n, n }))
      near(linalg.eigvalsh(s), w)
      for i = 1, n - 1 do assert.is_true(w[{ 1, i }]:item() <= w[{ 1, i + 1 }]:item()) end
    end)

    for _, m in ipairs { n, n + 3, math.max(n - 3, 1) } do
      it(('and %d columns have singular values and Q R'):format(m), function()
        local a, k = draw(n + m, { 2, n, m }), math.min(m, n)
        local u, s, vt = linalg.svd(a, { full_matrices = false })
        near(np.matmul(u * np.expand_dims(s, -2), vt), a)
        near(np.matmul(T(u), u), np.broadcast_to(eye(k), { 2, k, k }))
        near(np.matmul(vt, T(vt)), np.broadcast_to(eye(k), { 2, k, k }))
        near(linalg.svd(a, { compute_uv = false }), s)
        for i = 1, k - 1 do assert.is_true(s[{ 1, i }]:item() >= s[{ 1, i + 1 }]:item()) end
        local U, _, Vt = linalg.svd(a)
        near(np.matmul(T(U), U), np.broadcast_to(eye(n), { 2, n, n }))
        near(np.matmul(Vt, T(Vt)), np.broadcast_to(eye(m), { 2, m, m }))
        near(U[{ '...', { 1, k } }], u)
        for _, mode in ipairs { 'reduced', 'complete' } do
          local q, r = linalg.qr(a, mode)
          near(np.matmul(q, r), a)
          local c = mode == 'complete' and n or k
          near(np.matmul(T(q), q), np.broadcast_to(eye(c), { 2, c, c }))
          if c > 1 then assert.equal(0, r[{ 1, c, 1 }]:item()) end
        end
        near(linalg.qr(a, 'r'), select(2, linalg.qr(a)))
        local p = linalg.pinv(a)
        near(np.matmul(np.matmul(a, p), a), a, 'pinv', 1e-9)
        near(T(np.matmul(p, a)), np.matmul(p, a), 'pinv', 1e-9)
      end)
    end

    it('have exponentials', function()
      local small = x / n
      near(np.matmul(jsl.expm(small), jsl.expm(-1 * small)), np.broadcast_to(eye(n), { 2, n, n }))
      near(jsl.expm(small * 16), linalg.matrix_power(jsl.expm(small), 16), 'power',
        1e-9 * largest(jsl.expm(small * 16)))
      local y, d = jsl.expm_frechet(small, draw(5, { 2, n, n }))
      near(y, jsl.expm(small))
      near(d, select(2, imnn.jvp(jsl.expm, { small }, { draw(5, { 2, n, n }) })))
    end)
  end)
end

-- ---- other functions ----

local x = np.array({ { 1, -2, 3 }, { 4, 5, -6 } }, 'f64')

-- The error of fn, whose sentence is this one.
local function fails(sentence, fn)
  local why = message(fn)
  assert.equal(sentence, why:sub(-#sentence))
end

local function is(expected, got, most)
  near(np.array(expected, got.dtype), got, nil, most or 1e-12)
end

describe('functions of matrices', function()
  it('norms of vectors', function()
    is(math.sqrt(91), linalg.norm(x))
    is(5, linalg.norm(np.array { 3, 4 }))
    is({ { math.sqrt(14) }, { math.sqrt(77) } }, linalg.norm(x, { axis = 2, keepdims = true }))
    is({ 6, 15 }, linalg.norm(x, 1, { axis = 2 }))
    is({ 4, 5, 6 }, linalg.norm(x, math.huge, { axis = 1 }))
    is({ 1, 2, 3 }, linalg.norm(x, { ord = -math.huge, axis = 1 }))
    is({ 2, 1 }, linalg.norm(np.array { { 1, 0, 3 }, { 0, 0, 2 } }, 0, { axis = -1 }))
    is({ (1 + 8 + 27) ^ (1 / 3), (64 + 125 + 216) ^ (1 / 3) }, linalg.norm(x, 3, { axis = 2 }))
    is(3, linalg.norm(np.array({ 1, -3, 2 }, 'i32'), math.huge))
  end)

  it('norms of matrices', function()
    is(math.sqrt(91), linalg.norm(x, 'fro'))
    is(9, linalg.norm(x, 1))
    is(5, linalg.norm(x, -1))
    is(15, linalg.norm(x, math.huge))
    is(6, linalg.norm(x, -math.huge))
    local s = linalg.svd(x, { compute_uv = false })
    is(s[1]:item(), linalg.norm(x, 2))
    is(s[2]:item(), linalg.norm(x, -2))
    is({ { np.sum(s):item() } }, linalg.norm(x, 'nuc', { keepdims = true }))
    local y = draw(3, { 2, 3, 4 })
    near(linalg.norm(y[{ {}, 2, {} }]:transpose(), 1),
      linalg.norm(y, 1, { axis = { 3, 1 } })[2])
    assert.same({ 1, 3, 1 }, linalg.norm(y, 2, { axis = { 1, 3 }, keepdims = true }).shape)
  end)

  it('traces', function()
    is(6, linalg.trace(x))
    is(-8, x:trace(1))
    is(4, linalg.trace(x, -1))
    is(0, linalg.trace(x, 7))
    local y = draw(4, { 3, 2, 4 })
    near(y[{ 1, {}, 1 }] + y[{ 2, {}, 2 }] + y[{ 3, {}, 3 }], np.trace(y, 0, 1, 3))
    near(y[{ 1, 1 }] + y[{ 2, 2 }], np.trace(y))
    near(y[{ {}, 1, 1 }] + y[{ {}, 2, 2 }], linalg.trace(y))
    assert.equal(5, np.trace(np.array({ { 1, 2 }, { 3, 4 } }, 'i32')):item())
  end)

  it('powers and products', function()
    local a = np.array({ { 2, 1 }, { 0, 3 } }, 'f64')
    is({ { 1, 0 }, { 0, 1 } }, linalg.matrix_power(a, 0))
    is({ { 8, 19 }, { 0, 27 } }, linalg.matrix_power(a, 3))
    is({ { 1 / 4, -5 / 36 }, { 0, 1 / 9 } }, linalg.matrix_power(a, -2))
    local list = { draw(1, { 3 }), draw(2, { 3, 9 }), draw(3, { 9, 2 }), draw(4, { 2, 5 }) }
    local y = list[1]
    for i = 2, 4 do y = np.matmul(y, list[i]) end
    near(y, linalg.multi_dot(list))
    list[5] = draw(5, { 5 })
    near(np.matmul(y, list[5]), linalg.multi_dot(list))
  end)

  it('ranks, condition numbers, least squares', function()
    local a = np.array({ { 1, 2 }, { 2, 4 }, { 3, 6 } }, 'f64')
    assert.equal(1, linalg.matrix_rank(a):item())
    assert.same({ 2, 2 }, linalg.matrix_rank(draw(8, { 2, 3, 2 })):totable())
    assert.equal(0, linalg.matrix_rank(a, 100):item())
    local d = np.array({ { 4, 0 }, { 0, -0.5 } }, 'f64')
    is(8, linalg.cond(d))
    is(1 / 8, linalg.cond(d, -2))
    is(8, linalg.cond(d, 1))
    is(8, linalg.cond(d, math.huge))
    local design, y = draw(9, { 6, 2 }), draw(10, { 6, 3 })
    local fit, left, rank, s = linalg.lstsq(design, y)
    near(fit, linalg.solve(np.matmul(T(design), design), np.matmul(T(design), y)))
    near(left, np.sum((y - np.matmul(design, fit)) ^ 2, { axis = 1 }))
    assert.equal(2, rank:item())
    near(s, linalg.svd(design, { compute_uv = false }))
    local short = linalg.lstsq(a, np.array({ 1, 2, 3 }, 'f64'))
    is({ 0.2, 0.4 }, short)
  end)

  it('derivatives where eigenvalues are equal', function()
    local w = imnn.grad(function(v) return np.sum(linalg.eigvalsh(v) ^ 2) end)(eye(3))
    near(2 * eye(3), w)
    near(2 * eye(3), imnn.grad(function(v) return np.sum((linalg.eigh(v)) ^ 2) end)(eye(3)))
    near(eye(3), imnn.grad(function(v)
      local _, values = linalg.svd(v, { full_matrices = false })
      return np.sum(values)
    end)(eye(3)))
    local undefined = imnn.grad(function(v)
      local _, q = linalg.eigh(v)
      return np.sum(q * draw(1, { 3, 3 }))
    end)(eye(3))
    assert.is_true(np.all(np.isnan(undefined)):item())
    near(eye(2) * 0.5 * 2 ^ 0.5, imnn.grad(function(v) return linalg.norm(v) end)(eye(2)))
  end)

  it('names of scipy and lax', function()
    is({ { 1, 2, 0 }, { 0, 0, 3 } }, jsl.block_diag(np.array { { 1, 2 } }, 3))
    local a = draw(7, { 3, 3 })
    local q, r = jsl.qr(draw(1, { 4, 2 }))
    assert.same({ { 4, 4 }, { 4, 2 } }, { q.shape, r.shape })
    local v, w = imnn.lax.linalg.eigh(a)
    near(np.matmul(np.matmul(v, np.eye(3, 'f64') * w), T(v)), (a + T(a)) / 2)
    local right = imnn.lax.linalg.triangular_solve(a, a[{ { 1, 2 } }], { lower = true })
    local l = np.where(np.ge(np.iota('i32', { 3, 3 }, 1), np.iota('i32', { 3, 3 }, 2)), a, 0)
    near(np.matmul(right, l), a[{ { 1, 2 } }])
    local left = imnn.lax.linalg.triangular_solve(a, a, { left_side = true, transpose_a = true,
      lower = true })
    near(np.matmul(T(l), left), a)
  end)

  it('computes f32 and integers in double', function()
    local a = np.array({ { 2, 1 }, { 1, 3 } }, 'i32')
    assert.equal('f32', linalg.inv(a).dtype)
    is({ { 0.6, -0.2 }, { -0.2, 0.4 } }, linalg.inv(a), 1e-7)
    assert.equal('f64', linalg.solve(a, np.array({ 1, 1 }, 'f64')).dtype)
    near(linalg.cholesky(draw(2, { 40, 40 }):astype 'f32' * 0 + np.eye(40)), np.eye(40))
  end)
end)

describe('what has no result', function()
  local singular = np.array({ { 1, 2 }, { 2, 4 } }, 'f64')
  local calls = {
    ['inv: a matrix is singular'] = function(v) return linalg.inv(v) end,
    ['solve: a matrix is singular'] = function(v) return linalg.solve(v, v) end,
    ['cholesky: a matrix is not positive definite'] = function(v) return linalg.cholesky(-v) end,
    ['triangular_solve: a zero on the diagonal of a matrix'] = function(v)
      return linalg.triangular_solve(v * np.array({ { 0, 1 }, { 1, 1 } }, 'f64'), v)
    end,
    ['eigh: a matrix holds numbers that are not finite'] = function(v)
      return (linalg.eigh(v / 0))
    end,
    ['svd: a matrix holds numbers that are not finite'] = function(v) return linalg.svd(v / 0) end,
    ['expm: a matrix holds numbers that are not finite'] = function(v) return jsl.expm(v / 0) end,
  }
  for sentence, call in pairs(calls) do
    it('is an error at once, NaN in a program: ' .. sentence, function()
      fails(sentence, function() call(singular) end)
      local y = imnn.jit(call)(singular)
      for _, v in ipairs(y:values()) do assert.is_true(v ~= v or v == 0) end
      assert.equal(sentence, imnn.last_fault())
      imnn.jit(function(v) return v + 1 end)(singular)
      assert.is_nil(imnn.last_fault())
    end)
  end

  it('is NaN in the one place of a batch that it comes from', function()
    local all = np.stack { singular, eye(2), singular }
    local y = imnn.vmap(linalg.inv)(all)
    assert.equal('inv: a matrix is singular', imnn.last_fault())
    near(eye(2), y[2])
    assert.is_true(np.all(np.isnan(y[1])):item())
    assert.equal(0, linalg.det(singular):item())
    local sign, log = linalg.slogdet(singular * (0 / 0))
    assert.is_true((sign ~= sign and log ~= log))
  end)

  it('of a large matrix too', function()
    local big = np.zeros({ 40, 40 }, 'f64')
    for _, name in ipairs { 'inv', 'cholesky' } do
      assert.matches(name .. ': a matrix is', message(function() linalg[name](big) end))
    end
    assert.matches('solve: a matrix is singular', message(function() linalg.solve(big, big) end))
  end)

  it('is a sentence', function()
    local v, m = np.ones({ 3 }, 'f64'), np.ones({ 2, 3 }, 'f64')
    for sentence, call in pairs {
      ['inv: needs square matrices, got (3)'] = function() linalg.inv(v) end,
      ['cholesky: needs square matrices, got (2, 3)'] = function() linalg.cholesky(m) end,
      ['svd: needs matrices, got (3)'] = function() linalg.svd(v) end,
      ['solve: the right side (3, 1) has other rows than the matrix (2, 2)'] = function()
        linalg.solve(eye(2), v)
      end,
      ['solve: leading axes do not broadcast, (2, 3, 3) and (4, 3, 1)'] = function()
        linalg.solve(np.ones({ 2, 3, 3 }, 'f64'), np.ones({ 4, 3, 1 }, 'f64'))
      end,
      ['norm: with ord but without axis needs a vector or a matrix, got (1, 2, 3)'] = function()
        linalg.norm(np.ones { 1, 2, 3 }, 1)
      end,
      ["norm: of vectors ord is a number, got 'fro'"] = function() linalg.norm(v, 'fro') end,
      ["norm: of matrices ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got '3'"] = function()
        linalg.norm(m, 3)
      end,
      ['norm: unknown option "axes"; did you mean "axis"?'] = function()
        linalg.norm(m, { axes = 1 })
      end,
      ["qr: mode is 'reduced', 'complete' or 'r', got 'full'"] = function()
        linalg.qr(m, 'full')
      end,
      ['matrix_power: the power must be a whole number, got 0.5'] = function()
        linalg.matrix_power(eye(2), 0.5)
      end,
      ['multi_dot: needs two arrays or more'] = function() linalg.multi_dot { m } end,
      ['multi_dot: argument 2 must be a matrix, got (3)'] = function()
        linalg.multi_dot { m, v, m }
      end,
      ['lstsq: needs a (m, n) and b (m, k) or (m), got (2, 3) and (3)'] = function()
        linalg.lstsq(m, v)
      end,
      ['qr: the complete Q of a tall matrix (3, 2) has no derivative'] = function()
        imnn.grad(function(a) return np.sum((linalg.qr(a, 'complete'))) end)(m:transpose())
      end,
    } do
      fails(sentence, call)
    end
  end)
end)
