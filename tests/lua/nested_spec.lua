--- Transforms in one another, against derivatives by hand.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np = imnn.np

local function near(expected, x)
  local y = x - np.array(expected, x.dtype)
  assert.is_true(np.abs(y):max():item() < 1e-5, tostring(x))
end

describe('nested transforms', function()
  it('do not mix variables: d/dx x d/dy(x y) = 2 x', function()
    local f = imnn.grad(function(x) return x * imnn.grad(function(y) return x * y end)(x) end)
    near(6, f(np.array(3)))
    local g = imnn.grad(function(x) -- d/dx [x + d/dy (x y^2) at 2] = 1 + 4
      return x + imnn.grad(function(y) return x * y * y end)(np.array(2))
    end)
    near(5, g(np.array(3)))
  end)

  it('take grad of grad: (x^4)\'\' = 12 x^2', function()
    near(48, imnn.grad(imnn.grad(function(x) return x ^ 4 end))(np.array(2)))
  end)

  it('map the gradient of a captured value', function()
    -- for each s: d/dx (s x^2) at s = 2 s^2
    local f = imnn.vmap(function(s) return imnn.grad(function(x) return s * x * x end)(s) end)
    near({ 2, 8, 18 }, f(np.array { 1, 2, 3 }))
  end)

  it('map in a map with a captured batched value: the outer product', function()
    local f = imnn.vmap(function(a)
      return imnn.vmap(function(b) return a * b end)(np.array { 1, 10 })
    end)
    near({ { 1, 10 }, { 2, 20 }, { 3, 30 } }, f(np.array { 1, 2, 3 }))
  end)

  it('take the gradient of a map of forward Jacobians', function()
    -- sum over t of d/dx (w x^3) at t = 3 w t^2; d/dw: sum of 3 t^2 = 3 (1 + 4) = 15
    local f = imnn.grad(function(w)
      return imnn.vmap(imnn.jacfwd(function(x) return w * x ^ 3 end))(np.array { 1, 2 }):sum()
    end)
    near(15, f(np.array(0.7)))
  end)

  it('repeat results that do not depend on the batch', function()
    local y, n = imnn.vmap(function(x) return x + 1, np.array { 4, 5 } end)(np.array { 1, 2, 3 })
    near({ 2, 3, 4 }, y)
    near({ { 4, 5 }, { 4, 5 }, { 4, 5 } }, n)
  end)

  it('agree on a Hessian', function()
    local function f(x) return (np.sin(x) * x:sum()):sum() end
    local x = np.array({ 0.3, -0.7, 1.1 }, 'f64')
    local a = imnn.jacfwd(imnn.jacrev(f))(x)
    for _, h in ipairs { imnn.hessian(f)(x), imnn.jacrev(imnn.jacfwd(f))(x), imnn.jacrev(imnn.grad(
      f))(x) } do
      assert.is_true(np.abs(a - h):max():item() < 1e-12)
    end
  end)

  it('refuse a traced array that has left its function', function()
    local kept
    imnn.vmap(function(x)
      kept = x
      return x
    end)(np.array { 1, 2 })
    assert.equal('tests/lua/nested_spec.lua:70: array: a traced array has left its function',
      message(function()
        return kept + 1
      end))
    assert.matches('nested_spec.lua:%d+: .*a traced array has left its function', message(function()
      imnn.grad(function(x)
        local inner
        imnn.vmap(function(y)
          inner = y
          return y
        end)(np.array { 1, 2 })
        return x + inner
      end)(np.array(1))
    end))
  end)
end)
