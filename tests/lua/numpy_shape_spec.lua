--- Making arrays, shapes, products, polynomials against values found by hand.
local imnn = require 'imnn'
local values = require 'tests.support.values'
local np = imnn.np
local check, table_of = values.check, values.table_of
local refuses = values.refuses 'tests/lua/numpy_shape_spec.lua'

local function i32(t) return np.array(t, 'i32') end
local function f64(t) return np.array(t, 'f64') end

describe('arrays are made', function()
  it('of numbers at equal distances', function()
    table_of {
      { 'linspace', { 0, 1, 4, { endpoint = false } }, 'f32', { 0, 0.25, 0.5, 0.75 } },
      { 'linspace', { f64 { 0, 1 }, 2, 3 }, 'f64', { { 0, 1 }, { 1, 1.5 }, { 2, 2 } } },
      { 'logspace', { 0, 2, 3 }, 'f32', { 1, 10, 100 } },
      { 'logspace', { 0, 3, 4, { base = 2, dtype = 'f64' } }, 'f64', { 1, 2, 4, 8 } },
      { 'geomspace', { 1, 8, 4 }, 'f32', { 1, 2, 4, 8 } },
      { 'geomspace', { -1, -4, 3, 'f64' }, 'f64', { -1, -2, -4 } },
      { 'geomspace', { f64(1), 4, 3 }, 'f64', { 1, 2, 4 } },
      { 'asarray', { { 1 } }, 'f32', { 1 } },
    }
    refuses('geomspace: start and stop must have one sign and not be 0, got -1 and 1',
      function() np.geomspace(-1, 1) end)
    local slope = imnn.grad(function(x) return np.linspace(0, x, 3):sum() end)(f64(1))
    check('linspace', 'f64', 1.5, slope)
  end)

  it('with diagonals and triangles', function()
    local x = i32 { { 1, 2, 3 }, { 4, 5, 6 } }
    table_of {
      { 'eye', { 2, 3, 1 }, 'f32', { { 0, 1, 0 }, { 0, 0, 1 } } },
      { 'eye', { 2, 'i32' }, 'i32', { { 1, 0 }, { 0, 1 } } },
      { 'eye', { 2, 2, -1, 'bool' }, 'bool', { { false, false }, { true, false } } },
      { 'identity', { 1 }, 'f32', { { 1 } } },
      { 'tri', { 2, 3 }, 'f32', { { 1, 0, 0 }, { 1, 1, 0 } } },
      { 'tri', { 2, 'i32' }, 'i32', { { 1, 0 }, { 1, 1 } } },
      { 'tril', { x, -1 }, 'i32', { { 0, 0, 0 }, { 4, 0, 0 } } },
      { 'triu', { x, 1 }, 'i32', { { 0, 2, 3 }, { 0, 0, 6 } } },
      { 'diag', { x }, 'i32', { 1, 5 } },
      { 'diag', { x, 2 }, 'i32', { 3 } },
      { 'diag', { x, 5 }, 'i32', {} },
      { 'diag', { { 7, 8 }, -1 }, 'f32', { { 0, 0, 0 }, { 7, 0, 0 }, { 0, 8, 0 } } },
      { 'diag', { {} , 1 }, 'f32', { { 0 } } },
      { 'diagflat', { { { 1 }, { 2 } } }, 'f32', { { 1, 0 }, { 0, 2 } } },
      { 'diagonal', { x, -1 }, 'i32', { 4 } },
      { 'trace', { x }, 'i32', 6 },
      { 'trace', { np.ones { 2, 3, 2 }, 0, 1, 3 }, 'f32', { 2, 2, 2 } },
      { 'vander', { { 2, 3 }, 3 }, 'f32', { { 4, 2, 1 }, { 9, 3, 1 } } },
      { 'vander', { { 2 }, 2, true }, 'f32', { { 1, 2 } } },
    }
    assert.same({ 4, 2 }, np.diagonal(np.zeros { 2, 3, 4 }).shape)
    refuses('diag: needs one or two axes, got 0', function() np.diag(1) end)
    refuses('diagonal: needs two different axes', function() np.diagonal(x, 0, 1, 1) end)
    refuses('eye: the offset of the diagonal is a whole number, got 0.5',
      function() np.eye(2, 2, 0.5) end)
    refuses('tril: needs two axes, got 1', function() np.tril { 1 } end)
  end)

  it('as grids', function()
    local x, y = np.meshgrid({ 1, 2, 3 }, { 4, 5 })
    check('meshgrid', 'f32', { { 1, 2, 3 }, { 1, 2, 3 } }, x)
    check('meshgrid', 'f32', { { 4, 4, 4 }, { 5, 5, 5 } }, y)
    x, y = np.meshgrid({ 1, 2, 3 }, { 4, 5 }, { indexing = 'ij' })
    check('meshgrid', 'f32', { { 1, 1 }, { 2, 2 }, { 3, 3 } }, x)
    check('meshgrid', 'f32', { { 4, 5 }, { 4, 5 }, { 4, 5 } }, y)
    table_of {
      { 'indices', { { 2, 2 } }, 'i32', { { { 1, 1 }, { 2, 2 } }, { { 1, 2 }, { 1, 2 } } } },
      { 'one_hot', { i32 { 2, 0 }, 2 }, 'f32', { { 0, 1 }, { 0, 0 } } },
    }
    refuses('meshgrid: indexing is "xy" or "ij", got "yx"',
      function() np.meshgrid({ 1 }, { 2 }, { indexing = 'yx' }) end)
  end)
end)

describe('shapes', function()
  local x = i32 { { 1, 2, 3 }, { 4, 5, 6 } }

  it('get and lose axes', function()
    table_of {
      { 'atleast_1d', { 3 }, 'f32', { 3 } },
      { 'atleast_2d', { { 3, 4 } }, 'f32', { { 3, 4 } } },
      { 'atleast_3d', { { 3, 4 } }, 'f32', { { { 3 }, { 4 } } } },
    }
    assert.same({ 1, 2, 1, 3 }, np.expand_dims(x, { 1, 3 }).shape)
    assert.same({ 2, 3 }, np.squeeze(np.zeros { 1, 2, 1, 3 }, { 1, 3 }).shape)
    assert.same({ 4, 3, 2 }, np.moveaxis(np.zeros { 2, 3, 4 }, { 1, 2 }, { -1, -2 }).shape)
    local a, b = np.broadcast_arrays({ 1, 2 }, { { 3 }, { 4 } })
    check('broadcast_arrays', 'f32', { { 1, 2 }, { 1, 2 } }, a)
    check('broadcast_arrays', 'f32', { { 3, 3 }, { 4, 4 } }, b)
    refuses('expand_dims: axis 1 is given twice', function() np.expand_dims(x, { 1, 1 }) end)
    refuses('moveaxis: 2 axes for 1 places', function() np.moveaxis(x, { 1, 2 }, 1) end)
    refuses('broadcast_arrays: shapes do not broadcast, (2) and (3)',
      function() np.broadcast_arrays({ 1, 2 }, { 1, 2, 3 }) end)
  end)

  it('join and part', function()
    table_of {
      { 'vstack', { { { 1, 2 }, { 3, 4 } } }, 'f32', { { 1, 2 }, { 3, 4 } } },
      { 'hstack', { { { 1, 2 }, { 3 } } }, 'f32', { 1, 2, 3 } },
      { 'hstack', { { x, x } }, 'i32', { { 1, 2, 3, 1, 2, 3 }, { 4, 5, 6, 4, 5, 6 } } },
      { 'dstack', { { { 1, 2 }, { 3, 4 } } }, 'f32', { { { 1, 3 }, { 2, 4 } } } },
      { 'column_stack', { { { 1, 2 }, { 3, 4 } } }, 'f32', { { 1, 3 }, { 2, 4 } } },
      { 'append', { x, i32 { 7 } }, 'i32', { 1, 2, 3, 4, 5, 6, 7 } },
      { 'append', { x, x, 1 }, 'i32', { { 1, 2, 3 }, { 4, 5, 6 }, { 1, 2, 3 }, { 4, 5, 6 } } },
      { 'concatenate', { { x, i32 { 1 } }, false }, 'i32', { 1, 2, 3, 4, 5, 6, 1 } },
      { 'split', { i32 { 1, 2, 3, 4 }, 2 }, 'i32', { 1, 2 }, { 3, 4 } },
      { 'split', { i32 { 1, 2, 3 }, { 1, 1, 9 } }, 'i32', { 1 }, {}, { 2, 3 }, {} },
      { 'array_split', { i32 { 1, 2, 3 }, 2 }, 'i32', { 1, 2 }, { 3 } },
      { 'vsplit', { x, 2 }, 'i32', { { 1, 2, 3 } }, { { 4, 5, 6 } } },
      { 'hsplit', { x, { 1 } }, 'i32', { { 1 }, { 4 } }, { { 2, 3 }, { 5, 6 } } },
      { 'dsplit', { i32 { { { 1, 2 } } }, 2 }, 'i32', { { { 1 } } }, { { { 2 } } } },
    }
    refuses('split: 3 elements along axis 2 are no 2 equal parts', function() np.split(x, 2, 2) end)
    refuses('split: needs the number of parts or a list of cuts, got 0',
      function() np.split(x, 0) end)
    refuses('split: cuts are whole numbers of elements, got 0.5',
      function() np.split(x, { 0.5 }) end)
  end)

  it('repeat', function()
    table_of {
      { 'tile', { { 1, 2 }, 2 }, 'f32', { 1, 2, 1, 2 } },
      { 'tile', { { 1, 2 }, { 2, 1 } }, 'f32', { { 1, 2 }, { 1, 2 } } },
      { 'tile', { x, { 1, 0 } }, 'i32', { {}, {} } },
      { 'repeat_', { { 1, 2 }, 2 }, 'f32', { 1, 1, 2, 2 } },
      { 'repeat', { x, { 2, 0 }, 1 }, 'i32', { { 1, 2, 3 }, { 1, 2, 3 } } },
      { 'repeat', { x, i32 { 0, 1, 2 }, 2 }, 'i32', { { 2, 3, 3 }, { 5, 6, 6 } } },
    }
    refuses('tile: repeats are whole numbers, 0 or more, got -1', function() np.tile(x, -1) end)
    refuses('repeat: needs a number of repeats for each of 2 elements, got 3',
      function() np.repeat_(x, { 1, 2, 3 }, 1) end)
  end)

  it('move and turn', function()
    table_of {
      { 'roll', { { 1, 2, 3 }, 1 }, 'f32', { 3, 1, 2 } },
      { 'roll', { x, -1 }, 'i32', { { 2, 3, 4 }, { 5, 6, 1 } } },
      { 'roll', { x, { 1, 4 }, { 1, 2 } }, 'i32', { { 6, 4, 5 }, { 3, 1, 2 } } },
      { 'roll', { np.zeros { 0 }, 1 }, 'f32', {} },
      { 'flipud', { x }, 'i32', { { 4, 5, 6 }, { 1, 2, 3 } } },
      { 'fliplr', { x }, 'i32', { { 3, 2, 1 }, { 6, 5, 4 } } },
      { 'flip', { x, { 1, 2 } }, 'i32', { { 6, 5, 4 }, { 3, 2, 1 } } },
      { 'rot90', { x }, 'i32', { { 3, 6 }, { 2, 5 }, { 1, 4 } } },
      { 'rot90', { x, 2 }, 'i32', { { 6, 5, 4 }, { 3, 2, 1 } } },
      { 'rot90', { x, -1 }, 'i32', { { 4, 1 }, { 5, 2 }, { 6, 3 } } },
      { 'rot90', { x, 4 }, 'i32', { { 1, 2, 3 }, { 4, 5, 6 } } },
    }
    refuses('roll: shifts are whole numbers, one for all axes or for each, got 0.5',
      function() np.roll(x, 0.5) end)
  end)

  it('go on where they end', function()
    local y = { 1, 2, 3 }
    table_of {
      { 'pad', { y, { { 2, 1 } }, 'edge' }, 'f32', { 1, 1, 1, 2, 3, 3 } },
      { 'pad', { y, { { 3, 3 } }, 'reflect' }, 'f32', { 2, 3, 2, 1, 2, 3, 2, 1, 2 } },
      { 'pad', { y, { { 4, 1 } }, 'symmetric' }, 'f32', { 3, 3, 2, 1, 1, 2, 3, 3 } },
      { 'pad', { y, { { 4, 1 } }, 'wrap' }, 'f32', { 3, 1, 2, 3, 1, 2, 3, 1 } },
      { 'pad', { y, 1, 'constant' }, 'f32', { 0, 1, 2, 3, 0 } },
      { 'pad', { { 5 }, 2, 'reflect' }, 'f32', { 5, 5, 5, 5, 5 } },
    }
    refuses('pad: no mode "mean"; there are "constant", "edge", "reflect", "symmetric", "wrap"',
      function() np.pad(y, 1, 'mean') end)
    refuses('pad: there is nothing along axis 1 to go on with',
      function() np.pad(np.zeros { 0 }, 1, 'edge') end)
  end)
end)

describe('products', function()
  local a, b = f64 { { 1, 2 }, { 3, 4 } }, f64 { { 5, 6 }, { 7, 8 } }

  it('of many kinds', function()
    table_of {
      { 'kron', { { 1, 2 }, { 1, 10 } }, 'f32', { 1, 10, 2, 20 } },
      { 'kron', { 2, { { 1 }, { 3 } } }, 'f32', { { 2 }, { 6 } } },
      { 'cross', { { 1, 0, 0 }, { 0, 1, 0 } }, 'f32', { 0, 0, 1 } },
      { 'cross', { { 1, 2 }, { 3, 5 } }, 'f32', -1 },
      { 'tensordot', { a, b, 1 }, 'f64', { { 19, 22 }, { 43, 50 } } },
      { 'tensordot', { a, b }, 'f64', 70 },
      { 'dot', { np.zeros { 0, 2 }, np.zeros { 3, 2, 0 } }, 'f32', {} },
      { 'tensordot', { a, b, 0 }, 'f64', np.einsum('ij,kl->ijkl', a, b):totable() },
      { 'tensordot', { a, b, { 1, 2 } }, 'f64', { { 23, 31 }, { 34, 46 } } },
      { 'convolve', { { 1, 2, 3 }, { 0, 1 } }, 'f32', { 0, 1, 2, 3 } },
      { 'convolve', { { 0, 1 }, { 1, 2, 3 }, 'same' }, 'f32', { 0, 1, 2 } },
      { 'correlate', { { 1, 2, 3 }, { 0, 1 } }, 'f32', { 2, 3 } },
      { 'correlate', { { 0, 1 }, { 1, 2, 3 }, 'full' }, 'f32', { 0, 3, 2, 1 } },
      { 'polyval', { { 1, 0, -1 }, { 3, 0 } }, 'f32', { 8, -1 } },
      { 'polyder', { { 1, 2, 3 } }, 'f32', { 2, 2 } },
      { 'polyder', { { 1 } }, 'f32', {} },
      { 'polyint', { { 3, 2, 1 } }, 'f32', { 1, 1, 1, 0 } },
      { 'polyadd', { { 1, 2 }, { 3 } }, 'f32', { 1, 5 } },
      { 'polysub', { { 3 }, { 1, 2 } }, 'f32', { -1, 1 } },
      { 'polymul', { { 1, 1 }, { 1, -1 } }, 'f32', { 1, 0, -1 } },
    }
    refuses('np.cross: needs 3 elements along the axis, or 2 in both, got 3 and 2',
      function() np.cross({ 1, 2, 3 }, { 1, 2 }) end)
    refuses('np.tensordot: sums over 2 elements of the first and 3 of the second array',
      function() np.tensordot(a, np.ones { 3 }, 1) end)
    refuses('np.convolve: the mode is "full", "same" or "valid", got "half"',
      function() np.convolve({ 1 }, { 1 }, 'half') end)
    refuses('np.convolve: needs two lists with elements, got (1) and (0)',
      function() np.convolve({ 1 }, {}) end)
    refuses('np.polyval: needs a list of coefficients, got (1, 1)',
      function() np.polyval({ { 1 } }, 1) end)
  end)

  -- Sums of products by loops over all labels.
  local function by_loops(labels, out, ...)
    local list, size = { ... }, {}
    for i, text in ipairs(labels) do
      for k = 1, #text do size[text:sub(k, k)] = list[i].shape[k] end
    end
    local names, total = {}, {}
    for label in pairs(size) do names[#names + 1] = label end
    local function walk(k, at)
      if k <= #names then
        for v = 1, size[names[k]] do
          at[names[k]] = v
          walk(k + 1, at)
        end
        return
      end
      local term, place = 1, 0
      for i, text in ipairs(labels) do
        local key = {}
        for j = 1, #text do key[j] = at[text:sub(j, j)] end
        term = term * list[i][key]:item()
      end
      for j = 1, #out do
        local l = out:sub(j, j)
        place = place * size[l] + at[l] - 1
      end
      total[place + 1] = (total[place + 1] or 0) + term
    end
    walk(1, {})
    return total
  end

  it('by labels are what loops give', function()
    local shapes = { a = 2, b = 3, c = 4, i = 3, j = 2, k = 3 }
    for _, text in ipairs { 'ij,jk->ik', 'ij,kj->ki', 'aij,ajk->iak', 'ij,ij->', 'ij,ij->ij',
      'ij->ji', 'ij->', 'iik->k', 'i,j,k->kji', 'ab,bc,ca->', 'ai,bi,ci->abc', 'ij,i->j',
      'ijk,jki->i', 'iaj,ibj,b->ajb', 'ii,ij->j', 'abc,bci->ai', 'ij,k->ij' } do
      local left, out = text:match '(.*)%->(.*)'
      local parts, given = {}, {}
      for part in left:gmatch '[^,]+' do
        local sizes, n = {}, 1
        for label in part:gmatch '.' do
          sizes[#sizes + 1] = shapes[label]
          n = n * shapes[label]
        end
        parts[#parts + 1] = part
        given[#given + 1] = np.sin(np.arange(1, n + 1, 1, 'f64') * #parts):reshape(sizes)
      end
      local expected = by_loops(parts, out, unpack(given))
      for _, how in ipairs { np.einsum, imnn.jit(np.einsum, { static_argnums = { 1 } }) } do
        for k, v in ipairs(how(text, unpack(given)):values()) do
          assert.near(expected[k], v, 1e-12, text)
        end
      end
    end
  end)

  it('by labels stretch, sum integers, and know what is missing', function()
    table_of {
      { 'einsum', { 'ij,jk', a, b }, 'f64', { { 19, 22 }, { 43, 50 } } },
      { 'einsum', { 'ba', a }, 'f64', { { 1, 3 }, { 2, 4 } } },
      { 'einsum', { 'i,i', i32 { 1, 2 }, i32 { 3, 4 } }, 'i32', 11 },
      { 'einsum', { '...i,...i->...', a, f64 { { 1, 1 } } }, 'f64', { 3, 7 } },
      { 'einsum', { '...,i', a, f64 { 1 } }, 'f64', { { { 1 }, { 2 } }, { { 3 }, { 4 } } } },
      { 'einsum', { 'i...->...', a }, 'f64', { 4, 6 } },
      { 'einsum', { 'ij,kj->j', a, b }, 'f64', { 48, 84 } },
    }
    refuses('np.einsum: "ij" is about 1 arrays, got 2', function() np.einsum('ij', a, b) end)
    refuses('np.einsum: "ijk" names 3 axes of array 1, which has 2',
      function() np.einsum('ijk', a) end)
    refuses('np.einsum: "k" of the result must be in an array, and there once',
      function() np.einsum('ij->k', a) end)
    refuses('np.einsum: "j" has 2 and 3 elements',
      function() np.einsum('ij,jk->ik', a, np.ones { 3, 2 }) end)
    refuses('np.einsum: "i1" is no list of letters for array 1',
      function() np.einsum('i1', a) end)
    refuses('np.einsum: needs labels, as "ij,jk->ik", got Array', function() np.einsum(a) end)
  end)

  it('by labels are matrix products where they can be', function()
    local f = imnn.jit(function(x, y) return np.einsum('bij,jk->bik', x, y) end)
    assert.equal(2 * 4 * 5 * 6 * 7, f:flops(np.ones { 4, 5, 6 }, np.ones { 6, 7 }))
  end)
end)
