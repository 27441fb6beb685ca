-- Readers: records by number.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, data = imnn.np, imnn.data

local function refuses(fn, why)
  assert.equal('tests/lua/reader_spec.lua: ' .. why,
    (message(fn):gsub('^(tests/lua/reader_spec.lua):%d+:', '%1:')))
end

describe('a reader', function()
  local x = np.arange(0, 24, 1, 'f32'):reshape { 4, 3, 2 }

  it('knows what it has', function()
    local r = data.from_array(x)
    assert.same({ 4, 4, { 3, 2 }, 'f32', 'array' }, { #r, r.count, r.shape, r.dtype, r.name })
    assert.equal('4 records of f32 (3, 2), array', tostring(r))
    local whole = data.from_array(np.zeros({ 0 }, 'i32'))
    assert.same({ 0, {}, 'i32' }, { whole.count, whole.shape, whole.dtype })
    assert.equal(2, data.from_array({ 1, 2 }).count)
  end)

  it('reads by number, both ends included', function()
    local r = data.from_array(x)
    assert.same(x:totable(), r:read():totable())
    assert.same(x[{ { 2, 3 } }]:totable(), r:read(2, 3):totable())
    assert.same({ x[4]:totable() }, r:read(-1):totable())
    assert.same(x[{ { 3, 4 } }]:totable(), r:read(3, -1):totable())
    assert.same(x:totable(), r:read(nil, 4):totable())
    assert.same({ 0, 2 }, data.from_array(np.zeros { 0, 2 }):read().shape)
  end)

  it('keeps what it reads', function()
    local r = data.from_array(x * 1)
    collectgarbage()
    collectgarbage()
    assert.same(x:totable(), r:read():totable())
  end)

  it('says what is wrong', function()
    local r = data.from_array(x)
    refuses(function() r:read(5) end, 'read: no record 5, there are 4')
    refuses(function() r:read(1, 0) end, 'read: no record 0, there are 4')
    refuses(function() r:read(3, 2) end, 'read: records 3 to 2 are none')
    refuses(function() return r.shap end,
      'reader: a reader has no field or method "shap"; did you mean "shape"?')
    refuses(function() data.from_array(np.array(1)) end,
      'from_array: reader: array: records need an axis along which they lie')
    refuses(function() imnn.jit(data.from_array)(x) end,
      'from_array: a traced array has no value yet')
  end)

  it('can be closed, once and again', function()
    local r = data.from_array(x)
    r:close()
    r:close()
    refuses(function() r:read() end, 'read: the reader is closed')
    refuses(function() return r.count end, 'count: the reader is closed')
    refuses(function() return #r end, 'length: the reader is closed')
    assert.equal('a reader that is closed', tostring(r))
  end)
end)
