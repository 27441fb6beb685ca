--- The same bytes for any number of threads. Run twice by scripts/test: also with
-- ONEDNN_MAX_CPU_ISA=AVX2 and OPENBLAS_CORETYPE=Haswell.
local ffi = require 'ffi'
local imnn = require 'imnn'
local np, random, stax = imnn.np, imnn.random, imnn.stax

local function bytes(x)
  local size = { f32 = 4, f64 = 8, i32 = 4, u32 = 4, bool = 1 }
  return ffi.string(ffi.cast('const char *', x:data()), x.size * size[x.dtype])
end

local function simulator(key, theta)
  return theta[1] + np.sqrt(theta[2]) * random.normal(key, { 10 })
end

local function network(class, n_s, n_d, width, more)
  local o = {
    n_s = n_s, n_d = n_d, n_params = 2, n_summaries = 2, input_shape = { 10 },
    theta_fid = np.array { 0, 1 }, optimiser = imnn.optimizers.adam(1e-3),
    key_or_state = random.PRNGKey(3),
    model = stax.serial(stax.Dense(width), stax.LeakyRelu, stax.Dense(width), stax.Tanh,
      stax.Dense(2)),
  }
  for name, value in pairs(more) do o[name] = value end
  return imnn[class](o)
end

-- Everything that a fit leaves behind, as one string.
local function fit(threads, class, n_s, n_d, width, more)
  imnn.set_threads(threads)
  local net = network(class, n_s, n_d, width, more)
  net:fit { lambda = 10, epsilon = 0.1, rng = random.PRNGKey(4), max_iterations = 6, quiet = true }
  local out = {}
  for i, leaf in ipairs(imnn.tree.leaves(net.final_w)) do out[i] = bytes(leaf) end
  for _, name in ipairs { 'F', 'C', 'mu', 'dmu_dtheta' } do out[#out + 1] = bytes(net[name]) end
  out[#out + 1] = bytes(net.history.lndetF)
  return table.concat(out)
end

describe('determinism', function()
  local before = imnn.threads()
  after_each(function() imnn.set_threads(before) end)

  for _, size in ipairs { { 1000, 1000, 64 }, { 1000, 100, 33 }, { 777, 500, 48 } } do
    it(('of a fit with n_s = %d, n_d = %d, width %d'):format(unpack(size)), function()
      local function run(threads)
        return fit(threads, 'SimulatorIMNN', size[1], size[2], size[3], { simulator = simulator })
      end
      local one = run(1)
      assert.is_true(one == run(2), 'two threads differ from one')
      assert.is_true(one == run(3), 'three threads differ from one')
    end)

    for _, class in ipairs { 'GradientIMNN', 'NumericalGradientIMNN' } do
      it(('of %s with n_s = %d, n_d = %d, width %d, wherever the data are'):format(class,
        unpack(size)), function()
        local n_s, n_d = size[1], size[2]
        local sides = class == 'NumericalGradientIMNN'
        local function set(seed, wrap)
          return wrap(random.normal(random.PRNGKey(seed), { n_s, 10 })),
            wrap(random.normal(random.PRNGKey(seed + 1), sides and { n_d, 2, 2, 10 }
              or { n_d, 10, 2 }))
        end
        local function run(threads, wrap, memory)
          local o = { memory = memory, delta_theta = sides and { 0.1, 0.1 } or nil }
          o.fiducial, o.derivative = set(5, wrap)
          o.validation_fiducial, o.validation_derivative = set(7, wrap)
          return fit(threads, class, n_s, n_d, size[3], o)
        end
        local function array(x) return x end
        local one = run(1, array)
        assert.is_true(one == run(3, array), 'three threads differ from one')
        assert.is_true(one == run(2, imnn.data.from_array), 'readers differ from arrays')
        local _, why = pcall(run, 2, array, 1)
        local least = tonumber(why:match 'needs at least (%d+) bytes')
        assert.is_true(one == run(2, array, least), 'little memory differs from much')
      end)
    end
  end

  it('of large reductions and products', function()
    local x = random.normal(random.PRNGKey(1), { 3001, 130 })
    local function everything()
      local f = imnn.jit(function(a)
        local b = np.tanh(a)
        return (b * b):sum(), b:sum { axis = 1 }, b:max { axis = 1 }, np.matmul(b:transpose(), a)
      end)
      local out = { f(x) }
      for i, y in ipairs(out) do out[i] = bytes(y) end
      return table.concat(out)
    end
    imnn.set_threads(1)
    local one = everything()
    for threads = 2, 3 do
      imnn.set_threads(threads)
      assert.is_true(one == everything(), threads .. ' threads differ from one')
    end
  end)

  it('of loops and branches over rows', function()
    local lax = imnn.lax
    local x = random.normal(random.PRNGKey(2), { 3001, 6 })
    local function walk(row) -- with a different number of steps for each row
      local function grow(c) return c * 1.3 + 0.1 end
      local last, sums = lax.scan(function(c, v) return np.tanh(c + v), c * v end, row[1], row)
      local long = lax.while_loop(function(c) return np.lt(c, 5) end, grow, np.abs(row[2]))
      local key = random.fold_in(random.PRNGKey(3), np.round(100 * np.abs(row[3])):astype 'u32')
      local chosen = lax.cond(np.gt(row[4], 0), np.sin, function(v) return v * v end, row)
      return last, sums, long, chosen + random.normal(key, { 6 }),
        lax.fori_loop(0, 3, function(_, c) return c + np.sort(row * c) end, row)
    end
    local function everything(fn)
      local out = { imnn.jit(imnn.vmap(fn))(x) }
      for i, y in ipairs(out) do out[i] = bytes(y) end
      return table.concat(out)
    end
    local function slopes(row)
      return imnn.grad(function(v)
        local last, sums = walk(v)
        return last + sums:sum()
      end)(row)
    end
    for _, fn in ipairs { walk, slopes } do
      imnn.set_threads(1)
      local one = everything(fn)
      for threads = 2, 3 do
        imnn.set_threads(threads)
        assert.is_true(one == everything(fn), threads .. ' threads differ from one')
      end
    end
  end)
end)
