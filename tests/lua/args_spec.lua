--- Options: names, spellings, types, defaults, and what is said about those that are wrong.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local args, np = imnn.args, imnn.np

local HERE = '^tests/lua/args_spec.lua:%d+: '
local rows = {
  lambda = { 'number', default = 10 }, epsilon = { 'number', 'table' },
  patience = { 'integer', optional = true }, quiet = { 'boolean', default = false },
  loss = { 'function', optional = true }, data = { 'Array', optional = true },
  key = { 'Array', 'integer', optional = true }, color = { 'string', optional = true },
}

local function take(opts) return (args.take('fit', opts, rows)) end

local function refuses(sentence, opts)
  local why = message(function() return (take(opts)) end)
  assert.matches(HERE, why)
  assert.equal(sentence, (why:gsub(HERE, '')))
end

describe('options', function()
  it('have defaults, and may be left out', function()
    assert.same({ lambda = 10, epsilon = 1, quiet = false }, take { epsilon = 1 })
    assert.same({ lambda = 3, epsilon = 1, quiet = true, patience = 5 },
      take { epsilon = 1, lambda = 3, quiet = true, patience = 5 })
    assert.is_false(take { epsilon = 1, quiet = false }.quiet)
    assert.same({}, args.take('fit', nil, { patience = rows.patience }))
  end)

  it('have one name, however they are spelled', function()
    local o = take { ['λ'] = 3, ['ϵ'] = 0.1, colour = 'red', rng = 7 }
    assert.same({ lambda = 3, epsilon = 0.1, color = 'red', key = 7, quiet = false }, o)
    assert.equal(0.2, take({ ['ε'] = 0.2 }).epsilon)
    local state = { key_or_state = { 'integer' } }
    for _, name in ipairs { 'key', 'state', 'key_or_state' } do
      assert.same({ key_or_state = 1 }, args.take('IMNN', { [name] = 1 }, state))
    end
  end)

  it('know their types', function()
    local call = setmetatable({}, { __call = function() end })
    assert.is_true(rawequal(call, take({ epsilon = {}, loss = call }).loss))
    assert.equal(2, #take({ epsilon = 1, data = np.ones { 2 } }).data)
    refuses('fit: option "epsilon" must be number or table, got string', { epsilon = 'x' })
    refuses('fit: option "epsilon" must be number or table, got Array', { epsilon = np.array(1) })
    refuses('fit: option "patience" must be integer, got 1.5', { epsilon = 1, patience = 1.5 })
    refuses('fit: option "patience" must be integer, got string', { epsilon = 1, patience = '1' })
    refuses('fit: option "data" must be Array, got table', { epsilon = 1, data = { 1 } })
    refuses('fit: option "data" must be Array, got 3', { epsilon = 1, data = 3 })
    refuses('fit: option "loss" must be function, got table', { epsilon = 1, loss = {} })
    refuses('fit: option "quiet" must be boolean, got 1', { epsilon = 1, quiet = 1 })
    refuses('fit: option "lambda" must be number, got boolean', { epsilon = 1, lambda = false })
  end)

  it('are finite numbers', function()
    refuses('fit: option "epsilon" must be finite, got nan', { epsilon = 0 / 0 })
    refuses('fit: option "epsilon" must be finite, got -inf', { epsilon = -1 / 0 })
    refuses('fit: option "patience" must be integer, got inf', { epsilon = 1, patience = 1 / 0 })
  end)

  it('that are unknown are compared with known ones', function()
    refuses('fit: unknown option "lamda"; did you mean "lambda"?', { epsilon = 1, lamda = 3 })
    refuses('fit: unknown option "patient"; did you mean "patience"?', { epsilon = 1, patient = 3 })
    refuses('fit: unknown option "threshold"', { epsilon = 1, threshold = 3 })
    refuses('fit: unknown option "q"', { epsilon = 1, q = 3 })
    refuses('fit: options have names, { name = value, ... }, got one without at place 1',
      { 5, epsilon = 1 })
    assert.equal('; did you mean "labels"?', args.near('lables', { label = 1, labels = 1 }))
    assert.equal('; did you mean "fo"?', args.near('foo', { fooo = 1, fo = 1 }))
    assert.equal('', args.near('x', { y = 1 }))
  end)

  it('that are missing, or there twice, are named', function()
    refuses('fit: option "epsilon" is missing', nil)
    refuses('fit: option "epsilon" is missing', {})
    refuses('fit: option "lambda" is given twice', { epsilon = 1, lambda = 1, ['λ'] = 2 })
    refuses('fit: option "key" is given twice', { epsilon = 1, rng = 1, key = 2 })
  end)

  it('that are lists have no holes', function()
    local function why(list)
      return (message(function() args.list('fit', 'q', list) end):gsub('^%S+:%d+: ', ''))
    end
    assert.equal('fit: q has nothing at place 1', why { nil, 3 })
    assert.equal('fit: q has nothing at place 3', why { 1, 2, [4] = 1 })
    assert.equal('fit: q is a list, got one with "1.5"', why { 1, [1.5] = 2 })
    assert.same({ false, 2 }, args.list('fit', 'q', { false, 2 }))
  end)

  it('come in a table', function()
    refuses('fit: options are a table { name = value, ... }, got integer', 3)
    refuses('fit: options are a table { name = value, ... }, got string', 'x')
    refuses('fit: options are a table { name = value, ... }, got Array', np.array(1))
  end)
end)
