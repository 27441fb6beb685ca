--- A convolutional network of two images and its derivatives, those of JAX
-- (tests/golden/autodiff): reverse, forward, and one over the other.
local imnn = require 'imnn'
local golden = require 'tests.support.golden'
local np, stax, tree = imnn.np, imnn.stax, imnn.tree

local net = stax.serial(stax.Conv(4, { 3, 3 }, { 2, 2 }, 'SAME'), stax.LeakyRelu,
  stax.Conv(3, { 3, 3 }, { 2, 2 }, 'SAME'), stax.Tanh, stax.AvgPool({ 2, 2 }, { 2, 2 }),
  stax.Flatten, stax.Dense(2))

-- Names of datasets: weights and bias of the layers that have any, in the order of the tree.
local places = { '1.1', '1.2', '3.1', '3.2', '7.1', '7.2' }

-- Those that begin so, as weights of the network.
local function weights(case, name, like)
  local leaves, own = {}, tree.leaves(like)
  for i, place in ipairs(places) do
    leaves[i] = np.reshape(case[name .. '.' .. place], own[i].shape)
  end
  return tree.unflatten(like, leaves)
end

for _, dtype in ipairs { 'f32', 'f64' } do
  describe('a convolutional network in ' .. dtype, function()
    local file = imnn.data.hdf5.open(('tests/golden/autodiff/cnn_%s.h5'):format(dtype))
    for _, group in ipairs(file:keys()) do
      local name = group:gsub('/', '')
      local case = file[name]
      local set = case:attributes()
      local x, c, t = case['in.x'], case['in.c'], case['in.t']
      local _, initial = net.init(case['in.key'], { 16, 16, 1 })
      local w, t_w = weights(case, 'out.w', initial), weights(case, 'in.t_w', initial)

      local function agree(what, got, rtol, atol)
        local why = golden.difference({ y = case[what]:values(), rtol = rtol or set.rtol,
          atol = atol or set.atol }, got)
        assert.is_nil(why, why and what .. ': ' .. why)
      end
      local function agree_all(what, got, rtol, atol)
        for i, leaf in ipairs(tree.leaves(got)) do
          agree(what .. '.' .. places[i], leaf, rtol, atol)
        end
      end
      -- The layers see one image; weights are shared.
      local function apply(p, v)
        return imnn.vmap(function(image) return net.apply(p, image) end)(v)
      end

      it(name .. ': weights and value', function()
        agree_all('out.w', initial, 4e-7, 1e-9)
        agree('out.y', apply(w, x))
        agree('out.y', imnn.jit(apply)(w, x))
      end)

      it(name .. ': gradients and tangents', function()
        local _, pull = imnn.vjp(apply, w, x)
        local d_w, d_x = pull(c)
        agree_all('out.grad_w', d_w)
        agree('out.grad_x', d_x)
        agree('out.dy_dx', (select(2, imnn.jvp(function(v) return apply(w, v) end, { x }, { t }))))
        agree('out.dy_dw', (select(2, imnn.jvp(function(p) return apply(p, x) end, { w },
          { t_w }))))
      end)

      it(name .. ': reverse over forward and forward over reverse', function()
        local function mixed(p)
          local _, dy = imnn.jvp(function(v) return apply(p, v) end, { x }, { t })
          return np.sum(c * dy)
        end
        agree_all('out.mixed_grad_w', imnn.jit(imnn.grad(mixed))(w))
        local slope = imnn.grad(function(p) return np.sum(apply(p, x) ^ 2) end)
        local function product(p, v) return (select(2, imnn.jvp(slope, { p }, { v }))) end
        agree_all('out.hvp_w', imnn.jit(product)(w, t_w))
      end)
    end
  end)
end
