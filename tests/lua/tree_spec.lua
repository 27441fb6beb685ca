--- Nested tables: their order, their structure, and functions of several at once.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, tree = imnn.np, imnn.tree

local function refuses(sentence, fn)
  local why = message(fn)
  assert.matches('^tests/lua/tree_spec.lua:%d+: ', why)
  assert.equal(sentence, (why:gsub('^[^:]*:%d+: ', '')))
end

local function add(a, b) return a + b end

describe('a tree', function()
  it('has its list first, then names in alphabetical order', function()
    assert.same({ 3, 4, 1, 2 }, tree.leaves { b = 2, a = 1, 3, { 4 } })
    assert.same({ 1, 2, 'a', 'b' }, tree.keys { b = 2, a = 1, 3, { 4 } })
    assert.same({ 7 }, tree.leaves(7))
    assert.same({}, tree.leaves { {}, {} })
  end)

  it('ends where a table has a metatable, and at arrays', function()
    local object = setmetatable({ 1, 2 }, {})
    local x = np.ones { 2 }
    local leaves = tree.leaves { object, { w = x } }
    assert.is_true(rawequal(object, leaves[1]) and rawequal(x, leaves[2]) and #leaves == 2)
  end)

  it('has a structure that is printed', function()
    assert.equal('{*, {*, *}, a = {}, b = {c = *}}', tree.structure { 1, { 2, 3 }, a = {},
      b = { c = 1 } })
    assert.equal('*', tree.structure(np.ones {}))
    assert.equal('{}', tree.structure {})
  end)

  it('is mapped, alone or with others', function()
    assert.same({ 2, { a = 4 }, {} }, tree.map(function(x) return 2 * x end, { 1, { a = 2 }, {} }))
    assert.same({ 11, { a = 22 } }, tree.map(add, { 1, { a = 2 } }, { 10, { a = 20 } }))
    assert.same(3, tree.map(add, 1, 2))
    local whole = tree.map(function(_, part) return part end, { 1, 2 }, { { 3 }, { x = 4 } })
    assert.same({ { 3 }, { x = 4 } }, whole)
    assert.same({ 111 }, tree.map(function(a, b, c) return a + b + c end, { 1 }, { 10 }, { 100 }))
  end)

  it('is mapped only with others of its structure', function()
    refuses('tree.map: structures differ, {*, *} and {*}',
      function() tree.map(add, { 1, 2 }, { 3 }) end)
    refuses('tree.map: structures differ, {*} and {*, a = *}',
      function() tree.map(add, { 1 }, { 3, a = 4 }) end)
    refuses('tree.map: structures differ, {*} and *',
      function() tree.map(add, { 1, { 2 } }, { 3, 4 }) end)
    refuses('tree.map: structures differ, {a = *} and {b = *}',
      function() tree.map(add, { a = 1 }, { b = 1 }) end)
  end)

  it('comes apart and together again', function()
    local t = { 1, { b = 2, a = 3 }, {} }
    local leaves, build = tree.flatten(t)
    assert.same({ 1, 3, 2 }, leaves)
    assert.same(t, build(leaves))
    assert.same({ 7, { b = 9, a = 8 }, {} }, tree.unflatten(t, { 7, 8, 9 }))
    refuses('tree.unflatten: the tree has 3 leaves, the list 2',
      function() tree.unflatten(t, { 1, 2 }) end)
    refuses('tree.unflatten: the tree has 3 leaves, the list 1', function() build { 1 } end)
    assert.same({ 7, { b = 9, a = 8 }, {} }, build { 7, 8, 9, 10 })
  end)

  it('is reduced, and turned inside out', function()
    assert.equal(6, tree.reduce(add, { 1, { 2, 3 } }))
    assert.equal(16, tree.tree_reduce(add, { 1, { 2, 3 } }, 10))
    assert.equal(10, tree.reduce(add, {}, 10))
    assert.is_true(tree.all { 1, { true } })
    assert.is_false(tree.all { 1, { false } })
    assert.same({ a = { 1, 2 }, b = { 3, 4 } }, tree.transpose({ 0, 0 }, { a = 0, b = 0 },
      { { a = 1, b = 3 }, { a = 2, b = 4 } }))
    refuses('tree.transpose: a part has the structure {b = *}, not {a = *}',
      function() tree.transpose({ 0 }, { a = 0 }, { { b = 1 } }) end)
  end)

  it('has the names of jax.tree_util', function()
    for _, name in ipairs { 'map', 'leaves', 'flatten', 'unflatten', 'structure', 'all' } do
      assert.equal(tree[name], tree['tree_' .. name])
    end
  end)
end)
