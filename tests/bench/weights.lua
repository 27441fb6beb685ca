--- Importance weights of population Monte Carlo, 10^4 particles against 10^4 in five parameters,
-- against a loop that was written by hand.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random, C = imnn.np, imnn.random, imnn.core.C

ffi.cdef [[
void weights_by_hand(double *out, const double *x, const double *c, const double *w, long n);
]]

local N, P = 10240, 5

return function(bench)
  bench.row('importance_weights', function(name)
    local hand, check = bench.bound 'weights', imnn.core.check
    local x = random.normal(random.PRNGKey(1), { N, P }, 'f64')
    local c = random.normal(random.PRNGKey(2), { N, P }, 'f64')
    local w, slot = np.zeros({ N }, 'f64') - math.log(N), ffi.new 'imnn_proposal *[1]'
    local eye, columns = np.eye(P, { dtype = 'f64' }), c:transpose() + 0
    local rows = np.concatenate({ c, w:reshape { N, 1 } }, 2)
    check(C.imnn_proposal_new(slot, C.IMNN_PROPOSE_NORMAL, N, P, P + 1, rows:data(),
      rows:data() + P, nil, 0, eye:data()))
    local ours, theirs = ffi.new('double[?]', N), ffi.new('double[?]', N)
    local a, b = bench.pair(function()
      check(C.imnn_proposal_log_density(slot[0], ours, N, P, x:data()))
    end, function()
      hand.weights_by_hand(theirs, x:data(), columns:data(), w:data(), N)
    end, 8)
    local constant = P / 2 * math.log(2 * math.pi)
    for i = 0, N - 1 do
      assert(math.abs(ours[i] + constant - theirs[i]) < 1e-9, 'other weights')
    end
    C.imnn_proposal_release(slot[0])
    assert(#columns == P and #rows == N) -- are still there
    bench.show(name, 1e-9 * N * N / a, 'Gpairs/s', 1e-9 * N * N / b, 'at least 0.5')
  end)
end
