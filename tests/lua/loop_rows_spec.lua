--- Loops that are done for many rows at a time, whose tiles may have rows as their last axis, give
-- each row the bytes that it gets alone.
local array = require 'imnn.array'
local ffi = require 'ffi'
local imnn = require 'imnn'
local lax, np, random, tree = imnn.lax, imnn.np, imnn.random, imnn.tree

-- Functions of a state of three numbers; each has short axes of another kind.
local bodies = {
  ['a state of a few numbers'] = function(y)
    return lax.scan(function(c) return c - 0.1 * np.sin(c) * y[1], c * 2 end, y, nil,
      { length = 5 })
  end,
  ['a constant by rows and one for all'] = function(y)
    local w = np.array { 0.5, -1, 2 }
    return lax.fori_loop(1, 4, function(i, c) return c * w + y / (1 + i) end, y)
  end,
  ['slices and stacks along an inner axis'] = function(y)
    local xs = np.stack { y, y * 2, y - 1, y + 0.5 } -- (4, 3)
    return lax.scan(function(c, x) return c * 0.5 + x, { c + x, x[2] } end, y * 0, xs)
  end,
  ['slices in reverse and a number beside'] = function(y)
    return lax.scan(function(c, x) return { c[1] + x, c[2] + 1 }, c[1] * c[2] end,
      { y[1], np.array(0) }, y, { reverse = true })
  end,
  ['a loop in a loop'] = function(y)
    return lax.scan(function(c, x)
      local inner = lax.fori_loop(1, 3, function(_, d) return d * 0.9 + c * x end, c)
      return inner, inner + c
    end, y, y)
  end,
  ['a choice in a loop'] = function(y)
    return lax.scan(function(c, x)
      return lax.cond(np.gt(x, 0), function(v) return v * x end, function(v) return v - x end, c), x
    end, y, y)
  end,
  ['a while loop whose rows end at different times'] = function(y)
    return lax.while_loop(function(s) return np.lt(s[2], 2 + y[1]) end, function(s)
      return { s[1] * 1.25 + y, s[2] + np.abs(y[2]) + 0.25, s[3] + 1 }
    end, { y, y[1] * 0, np.array(0, 'i32') })
  end,
  ['views of the state'] = function(y)
    return lax.scan(function(c)
      return np.roll(c, 1) * 0.5 + c[{ { -1, 1, -1 } }], c[2] - c:reshape { 3, 1 }
    end, y, nil, { length = 3 })
  end,
  ['parts put together'] = function(y)
    return lax.scan(function(c, x)
      local both = np.concatenate { c * x, np.stack { c[1] - x, c[3] } }
      return np.stack { both[2], both[5] * 0.5, c[1] + both[4] }, both
    end, y, y)
  end,
  ['no step'] = function(y)
    return lax.scan(function(c) return c + 1, c end, y * 2, nil, { length = 0 })
  end,
  ['comparisons and bools'] = function(y)
    return lax.scan(function(c)
      return np.where(np.gt(c, y[1]), c * 0.5, c + 1), np.gt(c, 0)
    end, y, nil, { length = 4 })
  end,
}

local function bytes_of(x)
  local list = {}
  for i, leaf in ipairs(tree.leaves(x)) do
    list[i] = ('%s %s '):format(leaf.dtype, table.concat(leaf.shape, ' '))
      .. ffi.string(leaf:data(), leaf.size * array.bytes[leaf.dtype])
  end
  return table.concat(list, '|')
end

describe('a loop by rows', function()
  local names = {}
  for name in pairs(bodies) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local f = bodies[name]
    for _, dtype in ipairs { 'f32', 'f64' } do
      it(('does %s (%s)'):format(name, dtype), function()
        local x = random.normal(random.PRNGKey(3), { 53, 3 }, dtype)
        local one = imnn.jit(function(y) return { f(y) } end)
        local all = imnn.jit(imnn.vmap(function(y) return { f(y) } end))(x)
        local function floats(y) -- of the results
          local list = {}
          for _, leaf in ipairs(tree.leaves { f(y) }) do
            if leaf.dtype == dtype then list[#list + 1] = leaf end
          end
          return list
        end
        local one_jacobian = imnn.jit(imnn.jacfwd(floats))
        local jacobian = imnn.jit(imnn.vmap(imnn.jacfwd(floats)))(x)
        for _, row in ipairs { 1, 2, 17, 52, 53 } do
          local function of_row(leaf) return leaf[row] end
          assert.equal(bytes_of(one(x[row])), bytes_of(tree.map(of_row, all)))
          assert.equal(bytes_of(one_jacobian(x[row])), bytes_of(tree.map(of_row, jacobian)))
        end
      end)
    end
  end
end)
