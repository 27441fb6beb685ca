-- Help, and the docstrings that it shows: every public name has one, with an example that runs.
local help = require 'imnn.help'
local names = require 'imnn.help.names'
local usage = require 'tests.support.usage'
local world = require 'tests.support.world_of_examples'
local imnn = require 'imnn'
local np = imnn.np

local function each_entry(fn)
  for _, page in ipairs(names.all().pages) do
    for _, entry in ipairs(page.entries) do fn(entry) end
  end
end

local function has(text, words)
  for _, word in ipairs(words) do
    assert(text:find(word, 1, true), ('"%s" is not in:\n%s'):format(word, text))
  end
end

describe('docstrings', function()
  it('are there for every public name', function()
    local without = {}
    each_entry(function(entry)
      local doc = entry.doc
      if not doc or (doc.summary or '') == '' then without[#without + 1] = entry.full end
    end)
    assert.same({}, without)
  end)

  it('have an example', function()
    local without = {}
    each_entry(function(entry)
      if entry.doc and #entry.doc.usage == 0 then without[#without + 1] = entry.full end
    end)
    assert.same({}, without)
  end)

  it('say what every page is about', function()
    for _, page in ipairs(names.all().pages) do
      assert(page.header and (page.header.summary or '') ~= '', page.name)
    end
  end)

  it('are found for what is reachable from imnn', function()
    local all = names.all()
    for _, name in ipairs { 'np.sum', 'np.exp', "np['and']", 'np.fft.rfft', 'np.linalg.svd',
      'lax.scan', 'random.gamma', 'stax.Relu', 'stax.serial', 'optimizers.adam', 'tree.map',
      'scipy.special.erf', 'lfi.uniform', 'plot.corner', 'data.hdf5.open', 'imnn.grad',
      'imnn.SimulatorIMNN', 'x:reshape', 'x.shape', 'x:at', 'net:fit', 'prior:sample', 'abc',
      'gaussian:log_prob', 'figure:save', 'group:read', 'compiled:flops' } do
      assert(all.by_name[name], name)
    end
    assert(#all.by_page.np.entries > 250)
  end)

  it('have examples that run, and give what they say', function()
    names.all()
    local wrong, seen = {}, {}
    local env = world.new() -- before the folder changes
    usage.apart(function()
      each_entry(function(entry)
        local doc = entry.doc
        if doc and not seen[doc] then
          seen[doc] = true
          for _, code in ipairs(doc.usage) do
            local why = usage.run(code, env, '=' .. entry.full)
            if why then wrong[#wrong + 1] = ('%s: %s'):format(entry.full, why) end
          end
        end
      end)
    end)
    assert.same({}, wrong)
  end)
end)

describe('help', function()
  it('tells about functions, by value and by name', function()
    local text = help.text(np.einsum, 80)
    assert.equal(text, help.text('np.einsum', 80))
    assert.equal(text, help.text('imnn.np.einsum', 80))
    assert.equal(text, help.text('numpy.einsum', 80))
    assert.equal(text, help.text('einsum', 80))
    has(text, { 'np.einsum(labels, ...)\n  Products of elements', 'Arguments', 'Gives', 'Example' })
  end)

  it('tells about operators from their table', function()
    has(help.text(np.exp, 80), { 'np.exp(x)\n  e^x.', 'f32, f64, c64, c128' })
    has(help.text('np.absolute', 80), { 'The same as np.abs.', '|x|' })
    has(help.text(imnn.random.gamma, 80), { 'random.gamma(key, a[, shape[, dtype]])' })
    has(help.text(imnn.optimizers.adam, 80), { 'b1', 'default 0.9', 'Kingma' })
    has(help.text('scipy.stats.gamma.logpdf', 80), { 'scipy.stats.gamma', 'a>0', 'logpdf' })
  end)

  it('tells what values are', function()
    has(help.text(np.zeros { 2, 3 }, 80), { 'an Array: f32 (2, 3)', 'x:reshape', 'x.shape' })
    has(help.text(np, 80), { 'np: NumPy functions', 'np.sum', 'Reductions' })
    has(help.text(imnn.lfi.uniform(0, 1), 80), { 'prior: Distributions', 'prior:sample' })
    has(help.text(imnn.stax.Relu, 80), { 'stax.Relu\n  A layer of stax.relu.' })
    has(help.text({ 1 }, 80), { 'a table: { 1 }' })
    has(help.text(5, 80), { 'a number: 5' })
    has(help.text(print, 80), { 'a function of Lua itself' })
    has(help.text(function() end, 80), { 'a function written in', 'help_spec.lua, line' })
  end)

  it('tells about classes and their methods', function()
    local net = world.new().net
    has(help.text(net, 80), { 'net: Networks', 'net:fit', 'net:get_estimate' })
    has(help.text(net.fit, 80), { 'net:fit(opts)' })
    has(help.text('abc', 80), { 'abc: Approximate', 'posterior:marginal_plot' })
    has(help.text(imnn.jit(np.sin), 80), { 'compiled: Compiled functions', 'compiled:profile' })
    has(help.text(np.zeros(2).at, 80), { 'x:at(key)', 'x:at({ 1, 2 }):set(0)' })
  end)

  it('knows the class of every object, and all its methods', function()
    local objects, all, without = world.new(), names.all(), {}
    local function look(page, t)
      for name, value in pairs(t) do
        local found = type(value) ~= 'function' or type(name) == 'number' or name:find '^__'
        local home = page
        while home and not found do
          for _, entry in ipairs(home.entries) do found = found or entry.name == name end
          home = all.by_page[home.also]
        end
        if not found then without[#without + 1] = page.name .. ':' .. name end
      end
    end
    for _, page in ipairs(all.pages) do
      if page.class and page.name ~= 'x' then
        local object = objects[page.name]
        if page.name == 'history' then object = objects.net.history end
        assert.equal(page, names.class_of(object), page.name)
        local meta = getmetatable(object)
        if not meta then look(page, object) end
        while meta and type(meta.__index) == 'table' do
          look(page, meta.__index)
          meta = getmetatable(meta.__index)
        end
      end
    end
    assert.same({}, without)
    for _, made in ipairs { { imnn.distributions.normal(0, 1), 'prior' },
      { imnn.lfi.LikelihoodFreeInference { prior = objects.prior, gridsize = 3 }, 'posterior' },
      { objects.dataset:map(function(r) return r.x end), 'dataset' },
      { { init = function() end, apply = function() end }, 'layer' },
      { imnn.optimizers.clip_by_global_norm(1, imnn.optimizers.sgd(1)), 'optimiser' } } do
      assert.equal(all.by_page[made[2]], names.class_of(made[1]), made[2])
    end
  end)

  it('knows classes by their names, too', function()
    for name, page in pairs { Dataset = 'dataset', Chain = 'dataset', Reader = 'reader',
      NET = 'net', Posterior = 'posterior', ABC = 'abc', PMC = 'pmc', Layer = 'layer' } do
      assert.equal(help.text(page, 80), help.text(name, 80))
    end
    for name, method in pairs { ['Dataset:map'] = 'dataset:map', ['net.information'] =
      'net:information', ['layer:apply'] = 'layer.apply', ['Dataset.count'] = 'dataset.count' } do
      assert.equal(help.text(method, 80), help.text(name, 80))
      has(help.text(name, 80), { method })
    end
    has(help.text('place:min', 80), { 'place:min(y)', 'The lesser of' })
  end)

  it('tells about the function that raised an error', function()
    local why = select(2, pcall(np.matmul, np.ones { 3, 4 }, np.ones { 5, 2 }))
    has(help.text(why, 80), { 'np.matmul(a, b)' })
    has(help.text('fit.lua:3: take_along: indices (1) do not fit (2, 3) along axis 2', 80),
      { 'take_along is an operator that functions are made of', 'np.take_along_axis' })
    has(help.text('inv: a matrix is singular', 80), { 'np.linalg.inv' })
  end)

  it('finds names', function()
    has(help.text('fft', 80), { 'Fourier transforms', 'np.fft.rfft' })
    has(help.text('cumsu', 80), { 'np.cumsum' })
    has(help.text('np.reshap', 80), { 'np.reshape' })
    has(help.text('Laplace', 80), { 'random.laplace' })
    assert.equal('there is no help about "tensordott"; did you mean "tensordot"?',
      help.text('tensordott', 80))
    has(help.text(nil, 80), { 'np: NumPy functions', 'Sorting', 'lfi: ', 'net: Networks' })
  end)

  it('fits the width', function()
    for _, width in ipairs { 40, 80 } do
      for _, x in ipairs { np.sum, 'np', 'net:fit', 'optimizers' } do
        for line in (help.text(x, width) .. '\n'):gmatch '(.-)\n' do
          assert(#line <= width or line:find '%(%S*%)' or line:find '^  .*[({]', line)
        end
      end
    end
  end)
end)
