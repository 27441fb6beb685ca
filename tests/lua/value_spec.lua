--- What scripts read of an Array.
local imnn = require 'imnn'
local ffi = require 'ffi'
local np = imnn.np

describe('values of an Array', function()
  -- LuaJIT takes some NaNs for nil or for objects of its own.
  it('are numbers whatever the bits of a NaN', function()
    local words = ffi.new('uint32_t[8]', { 0xffffffff, 0xffffffff, 0xbeefbeef, 0xfff9dead, 0x1,
      0x7ff00000, 0xffffffff, 0xfff7ffff })
    local f64 = np.from_buffer(ffi.cast('double *', words), { 4 }, 'f64')
    local f32 = np.from_buffer(ffi.cast('float *', words), { 2 }, 'f32')
    for _, x in ipairs { f64, f32 } do
      local list = x:totable()
      assert.equal(x.size, #list)
      for i = 1, x.size do
        assert.equal('number', type(list[i]))
        assert.is_true(list[i] ~= list[i] and x[i]:item() ~= x[i]:item())
      end
      assert.is_truthy(tostring(x):find 'nan')
    end
    for dtype, x in pairs { c128 = 'double *', c64 = 'float *' } do
      x = np.from_buffer(ffi.string(ffi.cast(x, words), 16), { 1 }, dtype)[1]
      local z = x:item()
      assert.is_true(z.re ~= z.re and z.im ~= z.im)
      assert.matches('nan', tostring(x))
    end
    assert.same({ 1 / 0, -1 / 0 }, np.array({ 1 / 0, -1 / 0 }, 'f64'):totable())
  end)
end)
