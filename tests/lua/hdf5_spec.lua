local ffi = require 'ffi'
local hdf5 = require 'imnn.data.hdf5'
local expected = dofile 'tests/golden/records/hdf5.lua'
local message = require 'tests.support.message'

local folder = 'tests/golden/records/'

local function flat(x, out)
  if type(x) ~= 'table' then out[#out + 1] = x return out end
  for _, v in ipairs(x) do flat(v, out) end
  return out
end

local function numbers(x) return flat(x:totable(), {}) end

local function same(a, b) return a == b and 1 / a == 1 / b or a ~= a and b ~= b end

-- The decimals of the expected values are those of floats where floats are expected.
local function rounded(values, dtype)
  if dtype ~= 'f32' then return values end
  local float, out = ffi.new 'float[1]', {}
  for i, v in ipairs(values) do
    float[0] = v
    out[i] = float[0]
  end
  return out
end

-- The place of the first value that differs, or nil.
local function difference(got, want)
  if #got ~= #want then return #got .. ' values instead of ' .. #want end
  for i, v in ipairs(want) do
    if type(v) == 'number' and not same(got[i], v) or type(v) ~= 'number' and got[i] ~= v then
      return i
    end
  end
end

local function refuses(path, fn, why)
  assert.equal('tests/lua/hdf5_spec.lua: hdf5: ' .. folder .. path .. ': ' .. why,
    (message(fn):gsub('^(tests/lua/hdf5_spec.lua):%d+:', '%1:')))
end

describe('hdf5', function()
  local open = {}
  for _, row in ipairs(expected) do
    local path, name, attribute, dtype, shape, want = unpack(row, 1, 6)
    it('reads ' .. path .. ', ' .. name .. (attribute and ', ' .. attribute or ''), function()
      open[path] = open[path] or hdf5.open(folder .. path)
      local f = open[path]
      local value = attribute and f:attributes(name)[attribute]
      if not attribute then value = f:read(name) end
      if dtype == 'text' then
        assert.same(#shape == 0 and want[1] or want, value)
      elseif attribute and #shape == 0 then
        assert.equal(want[1], value)
      else
        assert.equal(dtype, value.dtype)
        assert.same(shape, value.shape)
        if want then assert.is_nil(difference(numbers(value), rounded(want, dtype))) end
        if row.sum then
          local sum = 0
          for _, v in ipairs(numbers(value)) do sum = sum + v end
          assert.equal(row.sum, sum)
        end
      end
    end)
  end

  it('reads the same through every layout and filter', function()
    local f = hdf5.open(folder .. 'layouts.h5')
    local plain = numbers(f.contiguous)
    local others = { 'chunked', 'gzip', 'shuffle_only', 'fletcher32', 'be_gzip', 'virtual' }
    for _, name in ipairs(others) do
      assert.is_nil(difference(numbers(f[name]), plain), name)
    end
    assert.is_nil(difference(numbers(f.all_filters), numbers(f.shuffle_gzip)))
    for i = 0, 59 do
      assert.equal(i * i, hdf5.open(folder .. 'groups_attrs.h5')[('many/d%03d'):format(i)]:item())
    end
  end)

  it('reads complex numbers', function()
    local x = hdf5.open(folder .. 'dtypes.h5')['complex/c8']
    assert.same({ 'c64', { 3, 5 } }, { x.dtype, x.shape })
    local first, last = x[{ 1, 1 }]:item(), x[{ 3, 5 }]:item()
    assert.same({ -1.1483339071273804, 0.41722947359085083 }, { first.re, first.im })
    assert.same({ -0.9488292336463928, 2.545677423477173 }, { last.re, last.im })
    assert.matches('c8  c64 %(3, 5%)', tostring(hdf5.open(folder .. 'dtypes.h5')))
  end)

  it('knows groups, by brackets, as tables and in loops', function()
    local f = hdf5.open(folder .. 'groups_attrs.h5')
    assert.equal('a/ dangling empty_group/ external hard many/ soft имя/',
      table.concat(f:keys(), ' '))
    assert.same({ 'c/' }, f:keys 'a/b')
    assert.same({ 'deep' }, f.a.b.c:keys())
    assert.same({}, f.empty_group:keys())
    assert.same({ 2, 2 }, f['/a/b']['c/deep'].shape)
    assert.is_true(f:has 'a/b/c/deep' and f.a:has 'b' and not f:has 'b' and not f:has 'dangling')
    assert.equal(42, f.a.b:attributes('c').int)
    assert.same({ 'x', 'yy' }, f.a.b.c:attributes().strings)
    local names = {}
    for name, value in f['имя']:each() do names[name] = value.shape end
    assert.same({ ['with space'] = { 3 } }, names)
  end)

  it('prints the tree', function()
    local f = hdf5.open(folder .. 'compound.h5')
    assert.equal('hdf5 ' .. folder .. [[compound.h5
  ref  "ref" holds references, which are not supported
  table  "table" holds compound values, which are not supported
  vlen  "vlen" holds ragged arrays, which are not supported]], tostring(f))
    f = hdf5.open(folder .. 'earliest.h5')
    assert.equal('hdf5 ' .. folder .. 'earliest.h5\n  g/\n    y  f64 (3)\n  x  f32 (5, 4)',
      tostring(f))
    assert.equal('hdf5 ' .. folder .. 'earliest.h5: g\n  y  f64 (3)', tostring(f.g))
  end)

  it('says what is wrong with a file', function()
    local function opens(path, why)
      refuses(path, function() hdf5.open(folder .. path) end, why)
    end
    opens('no_such.h5', 'No such file or directory')
    opens('bad_signature.h5', 'is not an HDF5 file')
    opens('bad_text.h5', 'is not an HDF5 file')
    opens('bad_zero_byte.h5', 'is empty')
    opens('bad_cut.h5', 'does not open: it is cut: it has 4903 bytes of 9807')
    opens('', 'is a directory')
    assert.matches('^tests/lua/hdf5_spec.lua:%d+: hdf5.open: the path must be a string, got nil$',
      message(function() hdf5.open() end))
  end)

  it('says what is wrong with a dataset, and goes on with the others', function()
    local function reads(path, name, why)
      refuses(path, function() hdf5.open(folder .. path):read(name) end, why)
    end
    reads('bad_missing.h5', 'x', 'no "x" in "/"')
    reads('bad_missing.h5', 'x/y', 'no "x" in "/"')
    reads('groups_attrs.h5', 'a/b/x', 'no "x" in "a/b"')
    reads('groups_attrs.h5', 'a/b', '"a/b" is not a dataset')
    reads('groups_attrs.h5', 'dangling', '"dangling" is a link to what does not exist')
    reads('bad_fletcher.h5', 'x', '"x": data error detected by Fletcher32 checksum; in records '
      .. '101 to 200, chunk at offset 3900')
    reads('bad_gzip.h5', 'c', '"c": inflate() failed; in records 1 to 500, chunk at '
      .. 'offset 7912')
    reads('layouts.h5', 'lzf_not_in_the_C_library',
      [["lzf_not_in_the_C_library": required filter 'lzf' is not registered; in records 1 to 8, ]]
        .. 'chunk at offset 47729')
    reads('scalars_empty.h5', 'null', '"null" has no value')
    reads('dtypes.h5', 'le/i8', '"le/i8" holds 64-bit integers that no dtype holds exactly')
    reads('compound.h5', 'table', '"table" holds compound values, which are not supported')
    reads('compound.h5', 'vlen', '"vlen" holds ragged arrays, which are not supported')
    reads('latest.h5', 'x', '"x": bad version number for layout message; a newer HDF5 may have '
      .. 'written it')
    assert.same({ 3 }, hdf5.open(folder .. 'latest.h5').y.shape)
  end)

  it('says what is wrong with a name', function()
    local f = hdf5.open(folder .. 'groups_attrs.h5')
    refuses('groups_attrs.h5', function() return f[1] end, 'a name must be a string, got number')
    refuses('groups_attrs.h5', function() return f.nothing end, 'no "nothing" in "/"')
    refuses('groups_attrs.h5', function() f:keys 'hard' end, '"hard" is not a group')
    refuses('groups_attrs.h5', function() f:attributes 'x' end, 'no "x" in "/"')
  end)
end)
