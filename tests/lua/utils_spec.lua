--- imnn.utils: names of the Python package.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, utils = imnn.np, imnn.utils

local function square(x) return x * x end

describe('utils', function()
  it('has the derivatives of imnn, with what a function gives besides', function()
    assert.equal(imnn.value_and_jacrev, utils.value_and_jacrev)
    assert.equal(imnn.value_and_jacfwd, utils.value_and_jacfwd)
    assert.equal(imnn.jacrev, utils.jacrev)
    assert.equal(imnn.jacfwd, utils.jacfwd)
    local function f(a, b) return a * b, { twice = 2 * b, list = { a } } end
    local a, b = np.array { 1, 2 }, np.array { 3, 4 }
    for _, name in ipairs { 'value_and_jacrev', 'value_and_jacfwd' } do
      local y, J, aux = utils[name](f, { argnums = 2, has_aux = true })(a, b)
      assert.same({ 3, 8 }, y:totable())
      assert.same({ { 1, 0 }, { 0, 2 } }, J:totable())
      assert.same({ 6, 8 }, aux.twice:totable())
      assert.same({ 1, 2 }, aux.list[1]:totable())
    end
    for _, name in ipairs { 'jacrev', 'jacfwd' } do
      local J, aux = utils[name](f, { has_aux = true })(a, b)
      assert.same({ { 3, 0 }, { 0, 4 } }, J:totable())
      assert.same({ 6, 8 }, aux.twice:totable())
      assert.matches(name .. ': the function gives nothing',
        message(function() utils[name](square, { has_aux = true })(a) end))
    end
  end)

  it('gives simulations and their derivatives at once', function()
    local function simulator(key, theta) return theta[1] * imnn.random.normal(key, { 3 }) end
    local keys = imnn.random.split(imnn.random.PRNGKey(0), 5)
    local both = utils.value_and_jacrev(simulator, { argnums = 2 })
    local d, dd = imnn.vmap(both, { in_axes = { 1, false } })(keys, np.array { 2 })
    assert.same({ 5, 3 }, d.shape)
    assert.same({ 5, 3, 1 }, dd.shape)
    assert.is.near(d[2][1]:item() / 2, dd[2][1][1]:item(), 1e-6)
  end)

  it('adds trees', function()
    local sum = utils.add_nested_pytrees({ np.ones(2), { a = 1 } }, { np.ones(2), { a = 2 } })
    assert.same({ 2, 2 }, sum[1]:totable())
    assert.equal(3, sum[2].a)
    assert.matches('add_nested_pytrees: structures differ, {%*} and {%*, %*}',
      message(function() utils.add_nested_pytrees({ 1 }, { 1, 2 }) end))
    assert.matches('add_nested_pytrees: leaves must be Arrays or numbers, got string',
      message(function() utils.add_nested_pytrees({ 1 }, { 'a' }) end))
  end)

  it('has containers', function()
    local c = utils.container { ['ϵ'] = 0.1, size = 2 }
    assert.equal(0.1, c.epsilon)
    assert.equal(0.1, c['ε'])
    assert.is_nil(c.accepted)
    c.accepted = np.ones(2)
    assert.same({ 1, 1 }, c.accepted:totable())
  end)
end)
