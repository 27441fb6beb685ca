-- Data sets: records as trees, in batches, and chained as users of tf.data expect.
local imnn = require 'imnn'
local message = require 'tests.support.message'
local np, random, data, tree = imnn.np, imnn.random, imnn.data, imnn.tree

local function refuses(fn, why)
  assert.equal('tests/lua/data_chain_spec.lua: ' .. why,
    (message(fn):gsub('^(tests/lua/data_chain_spec.lua):%d+:', '%1:')))
end

local function plain(t)
  return tree.map(function(x) return x:totable() end, t)
end

local x = np.arange(0, 30, 1, 'f32'):reshape { 10, 3 }
local y = np.arange(10, 20, 1, 'f32')
local function set() return data.dataset { x = x, y = y } end
local function ys(ds) return ds:array().y:totable() end

describe('a data set', function()
  it('knows what it has', function()
    local ds = set()
    assert.same({ 10, 10 }, { #ds, ds.count })
    assert.same({ x = { 3 }, y = {} }, ds.shapes)
    assert.same({ x = 'f32', y = 'f32' }, ds.dtypes)
    assert.same({ x = 'array', y = 'array' }, ds.names)
    assert.equal('10 records: x f32 (3), y f32 ()', tostring(ds))
    assert.same({ { 3 }, 'f32', 'array' }, { data.dataset(x).shapes, data.dataset(x).dtypes,
      data.dataset(x).names })
    assert.equal(0, data.dataset(np.zeros { 0, 2 }).count)
  end)

  it('is a tree of arrays, readers and other sets', function()
    local ds = data.dataset { x, { deep = data.from_array(y) }, set = set() }
    assert.same({ { 3 }, { deep = {} }, set = { x = { 3 }, y = {} } }, ds.shapes)
    assert.same(plain { x, { deep = y }, set = { x = x, y = y } }, plain(ds:array()))
    assert.same({ 10, 'f32' }, { ds:readers().set.y.count, ds:readers()[2].deep.dtype })
  end)

  it('reads by number', function()
    local ds = set()
    assert.same(plain { x = x, y = y }, plain(ds:read()))
    assert.same({ 12, 13 }, ds:read(3, 4).y:totable())
    assert.same({ 19 }, ds:read(-1).y:totable())
    assert.same({ { 3, 4, 5 }, 11 }, { ds[2].x:totable(), ds[2].y:item() })
    assert.same(19, ds[-1].y:item())
    local nothing = data.dataset { a = np.zeros { 0, 2 } }
    assert.same({ 0, 2 }, nothing:read().a.shape)
    assert.same({ 0, 2 }, nothing:array().a.shape)
  end)

  it('iterates', function()
    local sizes, all = {}, {}
    for batch in set():batches(4) do
      sizes[#sizes + 1] = batch.x.shape[1]
      for _, v in ipairs(batch.y:totable()) do all[#all + 1] = v end
    end
    assert.same({ { 4, 4, 2 }, y:totable() }, { sizes, all })
    sizes = {}
    for batch in set():batches(4, { drop_remainder = true }) do
      sizes[#sizes + 1] = batch.x.shape[1]
    end
    assert.same({ 4, 4 }, sizes)
    local n = 0
    for record in set():records() do
      n = n + 1
      assert.same({ x[n]:totable(), y[n]:item() }, { record.x:totable(), record.y:item() })
    end
    assert.equal(10, n)
    for _ in data.dataset(np.zeros { 0, 2 }):batches(3) do error 'there is none' end
  end)

  it('says what is wrong', function()
    local ds = set()
    refuses(function() data.dataset { x = x, y = np.zeros(9) } end,
      'dataset: x (array) has 10 records, y (array) has 9')
    refuses(function() data.dataset { x, 5 } end,
      'dataset: [2] must be an Array, a reader or a data set, got number')
    refuses(function() data.dataset {} end, 'dataset: there is nothing in it')
    refuses(function() data.dataset { a = { np.array(1) } } end,
      'dataset: from_array: reader: array: records need an axis along which they lie')
    refuses(function() ds:read(11) end, 'read: no record 11, there are 10')
    refuses(function() ds:read(4, 2) end, 'read: records 4 to 2 are none')
    refuses(function() return ds[0] end, 'data set: no record 0, there are 10')
    refuses(function() return ds.cont end,
      'data set: it has no field or method "cont"; did you mean "count"?')
    refuses(function() ds:batches(0) end, 'batches: n must be a whole number, 1 or more, got 0')
    refuses(function() ds.take(5, 2) end, 'take: needs a data set, got number')
  end)

  it('can be closed, which leaves others open', function()
    local ds = set()
    local part, step = ds:take(3), ds:batches(2)
    ds:close()
    ds:close()
    refuses(function() ds:read() end, 'read: the data set is closed')
    refuses(function() return #ds end, 'length: the data set is closed')
    refuses(function() step() end, 'batches: the data set is closed')
    assert.equal('a data set that is closed', tostring(ds))
    assert.same({ 10, 11, 12 }, ys(part))
    local reader = data.from_array(y)
    data.dataset(reader):close()
    assert.equal(10, reader.count)
  end)
end)

describe('a chain', function()
  it('takes parts', function()
    local ds = set()
    assert.same({ 10, 11 }, ys(ds:take(2)))
    assert.same({ 18, 19 }, ys(ds:skip(8)))
    assert.same({ 0, 10, 0 }, { ds:take(0).count, ds:take(99).count, ds:skip(99).count })
    assert.same({ 11, 14, 17 }, ys(ds:shard(3, 2)))
    local n = 0
    for i = 1, 7 do n = n + ds:shard(7, i).count end
    assert.same({ 10, 0 }, { n, ds:shard(12, 12).count })
    assert.same({ 13, 16 }, ys(ds:skip(1):shard(3, 3):take(2)))
    refuses(function() ds:take(-1) end, 'take: n must be a whole number, 0 or more, got -1')
    refuses(function() ds:shard(3, 4) end, 'shard: there are 3 shards, asked for number 4')
    refuses(function() ds:skip 'all' end,
      'skip: n must be a whole number, 0 or more, got string')
  end)

  it('shuffles by a key, anew in each repetition', function()
    local key = random.PRNGKey(7)
    local ds = set():shuffle(key)
    local function order(e)
      return (random.permutation(random.fold_in(key, e), 10) + 9):totable()
    end
    assert.same(order(1), ys(ds))
    assert.same(order(1), ys(ds)) -- the same again
    assert.same(plain(x[(np.array(order(1)) - 9):astype 'i32']), ds:array().x:totable())
    local three = ds:repeated(3)
    assert.same(order(2), ys(three:skip(10):take(10)))
    assert.same(order(3), three:read(21, 30).y:totable())
    assert.same(order(41), ds:repeated():skip(400):take(10):array().y:totable())
    -- Whatever comes in between.
    local long = ds:map(function(r) return { y = r.y } end):prefetch(3):take(4):batch(2):repeated(2)
    assert.same({ order(1)[3], order(2)[4] }, { long[2].y[1]:item(), long[4].y[2]:item() })
    assert.not_same(order(1), order(2))
    refuses(function() set():shuffle(1000) end,
      'shuffle: a key has shape (2), got a number')
    assert.equal(0, set():take(0):shuffle(key):repeated(3).count)
    assert.same({ 10 }, ys(set():take(1):shuffle(key)))
  end)

  it('shuffles in the layout of keys that was set', function()
    local key = random.PRNGKey(2)
    imnn.set_key_layout 'partitionable'
    local ds = set():shuffle(key)
    local expected = (random.permutation(random.fold_in(key, 1), 10) + 9):totable()
    imnn.set_key_layout 'original'
    assert.same(expected, ys(ds))
    assert.not_same(expected, ys(set():shuffle(key)))
  end)

  it('repeats', function()
    local ds = set():take(2)
    assert.same({ 10, 11, 10, 11, 10, 11 }, ys(ds:repeated(3)))
    assert.same({ 10, 11, 10, 11 }, ys(ds['repeat'](ds, 2)))
    assert.same({ 10, 11, 10, 11 }, ys(ds:repeat_(2)))
    assert.equal(0, ds:repeated(0).count)
    local forever = ds:repeated()
    assert.same({ math.huge, math.huge, math.huge }, { #forever, ds:repeated(-1).count,
      forever:skip(7):shard(100, 3):batch(10).count })
    assert.equal('records without end: x f32 (3), y f32 ()', tostring(forever))
    local n = 0
    for batch in forever:batches(3) do
      n = n + batch.y.size
      if n > 100 then break end
    end
    assert.same({ 10, 11 }, forever:read(100001, 100002).y:totable())
    assert.same(10, forever:take(3):array().y[3]:item())
    for _, name in ipairs { 'array', 'read', 'readers', 'shuffle', 'cache', 'nonfinite',
      'repeated' } do
      refuses(function() forever[name](forever) end, name == 'shuffle'
        and 'shuffle: a key has shape (2), got a nil'
        or name .. ': the data set is repeated without end; take(n) has one')
    end
  end)

  it('puts sets together', function()
    local ds = set()
    assert.same({ 10, 11, 19, 10 }, ys(ds:take(2):concatenate(ds:skip(9), ds:take(1))))
    refuses(function() ds:concatenate(data.dataset { x = x }) end,
      'concatenate: records differ, {x = *, y = *} and {x = *}')
    refuses(function() ds:concatenate(data.dataset { x = x, y = x }) end,
      'concatenate: join: records of array are f32 (), those of array f32 (3)')
    local pairs_ = ds:zip(y + 1, ds:take(1):repeated())
    assert.same({ { x = { 3 }, y = {} }, {}, { x = { 3 }, y = {} } }, pairs_.shapes)
    assert.same({ 13, 14, 10 }, { pairs_[4][1].y:item(), pairs_[4][2]:item(),
      pairs_[4][3].y:item() })
    assert.same({ 10, 10 }, { pairs_.count, data.zip { a = ds, b = ds }.count })
    refuses(function() ds:zip(ds:take(4)) end,
      'zip: [1].x (array) has 10 records, [2].x (array) has 4')
    local counted = ds:enumerate()
    assert.same({ 3, 12 }, { counted[3][1]:item(), counted[3][2].y:item() })
    assert.equal('i32', counted.dtypes[1])
    assert.same({ 0, 1 }, ds:enumerate(0):take(2):array()[1]:totable())
    assert.same({ 11, 12 }, ds:repeated():enumerate():read(11, 12)[1]:totable())
  end)

  it('makes batches records, and back', function()
    local ds = set()
    local batches = ds:batch(5)
    assert.same({ 2, { 5, 3 } }, { batches.count, batches.shapes.x })
    assert.same({ 15, 16, 17, 18, 19 }, batches[2].y:totable())
    assert.same(ys(ds), ys(batches:unbatch()))
    assert.same({ 12, 13, 14, 15, 16 }, batches:unbatch():read(3, 7).y:totable())
    refuses(function() ds:batch(4) end, 'batch: 10 records do not fill batches of 4, which are '
      .. 'all of one shape; say drop_remainder = true, or iterate with batches')
    assert.same({ 8, 2 }, { #ds:batch(4, { drop_remainder = true }):unbatch(),
      #ds:batch(4, { drop_remainder = true }) })
    refuses(function() ds:unbatch() end,
      'unbatch: ungroup: array: records without axes have no parts')
  end)

  it('maps records by a traced function', function()
    local calls = 0
    local ds = set():map(function(r)
      calls = calls + 1
      return { r.x:sum() * r.y, far = { np.gt(r.y, 15) } }
    end)
    assert.equal(1, calls)
    assert.same({ {}, far = { {} } }, ds.shapes)
    assert.same({ 'f32', far = { 'bool' } }, ds.dtypes)
    assert.same((x:sum { axis = 2 } * y):totable(), ds:array()[1]:totable())
    assert.same({ true }, { ds[7].far[1]:item() })
    assert.equal(1, calls)
    -- Lists come as arguments, several results are a list, numbers are as good as arrays.
    local both = data.dataset { x, y }:map(function(a, b) return a + b, 2 end)
    assert.same((x + y:reshape { 10, 1 }):totable(), both:array()[1]:totable())
    assert.same({ 2, 2 }, both:read(3, 4)[2]:totable())
    assert.same((2 * (2 * x + 1)):totable(), data.dataset(x):map(function(v) return 2 * v + 1 end)
      :map(function(v) return 2 * v end):array():totable())
  end)

  it('gives the same bytes however mapped records are read', function()
    local key = random.PRNGKey(1)
    local w = random.normal(key, { 40, 30 })
    local many = data.dataset(random.normal(key, { 2500, 40 }))
    local ds = many:map(function(v) return np.tanh(np.matmul(v, w)) end)
    local all = ds:array()
    local function same(a, b) return np.array_equal(a, b) end
    assert.is_true(same(all[{ { 1001, 1100 } }], ds:read(1001, 1100)))
    assert.is_true(same(all[2500], ds[2500]))
    for i, set_ in ipairs { ds:prefetch(200), ds:prefetch(200, { threads = 3 }), ds:cache(),
      ds:cache '100kB', ds:batch(50):unbatch(), ds:prefetch(64):cache '50kB':prefetch(100) } do
      local at = 1
      for batch in set_:batches(77) do
        assert.is_true(same(all[{ { at, at + batch.shape[1] - 1 } }], batch), i)
        at = at + batch.shape[1]
      end
    end
    imnn.set_threads(1)
    local one = ds:array()
    imnn.set_threads(2)
    assert.is_true(same(all, one))
  end)

  it('gives each record a key of its own', function()
    local key = random.PRNGKey(1)
    local noisy = data.dataset(np.zeros { 50, 3 }):enumerate():map(function(i, v)
      return v + random.normal(random.fold_in(key, i), { 3 })
    end)
    assert.same(random.normal(random.fold_in(key, 20), { 3 }):totable(), noisy[20]:totable())
    assert.same(noisy:read(20)[1]:totable(), noisy[20]:totable())
  end)

  it('says what cannot be mapped', function()
    local ds = set()
    refuses(function() ds:map(function(r) return r.y:item() end) end,
      'map: item: a traced array has no value yet; choose with np.where or lax.cond')
    refuses(function() ds:map(function() return 'text' end) end,
      'map: the function must give arrays, got string')
    refuses(function() ds:map(function() end) end, 'map: the function gives nothing')
    refuses(function() ds:map(5) end, 'map: needs a function, got number')
    refuses(function() ds:map(function(r) return r.x + r.z end) end,
      'add: argument 2 must be an Array or a number, got nil')
    refuses(function() ds:filter(function(r) return r.y end) end,
      'filter: the function must give bool (), got f32 ()')
    refuses(function() ds:filter(function(r) return { np.gt(r.y, 1) } end) end,
      'filter: the function must give bool (), got {*}')
    assert.same({ 10, 11 }, ys(ds:take(2))) -- nothing was broken
  end)

  it('filters', function()
    local ds = set():filter(function(r) return np.equal(r.y % 3, 0) end)
    assert.same({ 12, 15, 18 }, ys(ds))
    assert.same({ { 6, 7, 8 }, 15 }, { ds[1].x:totable(), ds[2].y:item() })
    assert.equal(0, set():filter(function(r) return np.gt(r.y, 100) end).count)
    local key = random.PRNGKey(7) -- what was chosen of a random order stays so
    local shuffled = set():shuffle(key):filter(function(r) return np.gt(r.y, 15) end):repeated(2)
    local all = ys(shuffled)
    for i = 1, 4 do assert.is_true(all[i] > 15 and all[i] == all[i + 4]) end
    local many = data.dataset(np.arange(200000, 0, -1)):filter(function(v)
      return np.equal(v % 1000, 7)
    end)
    assert.same({ 200, 199007, 7 }, { many.count, many[1]:item(), many[-1]:item() })
  end)

  it('caches and reads ahead', function()
    local ds = set()
    for _, set_ in ipairs { ds:cache(), ds:cache(24), ds:cache '1GB', ds:prefetch(),
      ds:prefetch(1), ds:prefetch(4, { threads = 2 }), ds:batch(2):prefetch(2):unbatch() } do
      for _ = 1, 2 do assert.same(plain { x = x, y = y }, plain(set_:array())) end
    end
    refuses(function() ds:cache 'much' end, "cache: the budget must be an amount of memory, as "
      .. "2e9, '2GB' or '1.5GiB', got \"much\"")
    refuses(function() ds:prefetch(0) end, 'prefetch: n must be a whole number, 1 or more, got 0')
    refuses(function() ds:prefetch(1, { threads = 0 }) end, 'prefetch: 1 to 256 threads, got 0')
  end)

  it('gives back what it holds', function()
    local function live()
      collectgarbage()
      collectgarbage()
      return tonumber(imnn.core.C.imnn_live_bytes())
    end
    local big = data.dataset(np.zeros { 1000, 100 })
    local before = live()
    local kept = big:cache()
    kept:array()
    assert.is_true(live() > before + 390000)
    kept:close()
    assert.is_true(live() < before + 10000)
    for _ = 1, 20 do big:prefetch(100):read(1, 10) end
    assert.is_true(live() < before + 10000)
  end)

  it('applies a function to the whole', function()
    local function halves(ds) return ds:map(function(r) return r.y / 2 end) end
    assert.same({ 5, 5.5 }, set():apply(halves):take(2):array():totable())
    refuses(function() set():apply(function() return 3 end) end,
      'apply: the function must give a data set, got number')
  end)

  it('carries NaN, and names it when asked', function()
    assert.same({ 0 }, { set():nonfinite() })
    assert.equal(10, set():check_finite().count)
    local bad = x:at({ 4, 2 }):set(0 / 0):at({ 9, 1 }):set(math.huge)
    local ds = data.dataset { y = y:at(4):set(-math.huge), data = bad, n = np.arange(10) }
    assert.same({ 2, 4, 'data (array)' }, { ds:nonfinite() })
    assert.is_true(ds[4].data[2]:item() ~= ds[4].data[2]:item())
    refuses(function() ds:check_finite() end, 'check_finite: 2 of 10 records have NaN or infinite '
      .. 'elements; the first is record 4 of data (array)')
    local good = ds:filter(function(r) return np.isfinite(r.data):all() end)
    assert.same({ 8, 0 }, { good.count, (good:nonfinite()) })
  end)

  it('works inside a trace', function()
    local total = imnn.jit(function(a)
      return a + set():map(function(r) return r.y * 2 end):array():sum()
    end)
    assert.equal(291, total(np.array(1)):item())
  end)
end)
