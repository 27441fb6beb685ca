local axis = require 'imnn.plot.axis'
local contour = require 'imnn.plot.contour'
local folders = require 'tests.support.folder'
local gnuplot = require 'imnn.plot.gnuplot'
local grid = require 'imnn.plot.grid'
local message = require 'tests.support.message'
local np = require 'imnn.numpy'
local plot = require 'imnn.plot'
local style = require 'imnn.plot.style'
local text = require 'imnn.plot.text'
local values = require 'imnn.plot.values'

local function linspace(lo, hi, n)
  local out = {}
  for i = 1, n do out[i] = lo + (hi - lo) * (i - 1) / (n - 1) end
  return out
end

local function gauss(x, mean, deviation)
  return math.exp(-0.5 * ((x - mean) / deviation) ^ 2) / (deviation * math.sqrt(2 * math.pi))
end

-- An uncorrelated Gaussian on a grid, as imnn.lfi gives it: T = 1 target.
local function posterior(mean, deviation, lo, hi, n)
  local object = { ranges = {}, marginals = {}, n_targets = 1 }
  for row = 1, #mean do
    object.ranges[row] = linspace(lo, hi, n)
    object.marginals[row] = {}
    for column = 1, row do
      local f = {}
      for i, x in ipairs(object.ranges[column]) do
        f[i] = gauss(x, mean[column], deviation[column])
        if column < row then
          local line = {}
          for j, y in ipairs(object.ranges[row]) do
            line[j] = f[i] * gauss(y, mean[row], deviation[row])
          end
          f[i] = line
        end
      end
      object.marginals[row][column] = { f }
    end
  end
  return object
end

local function count(s, what)
  local _, n = s:gsub(what, '')
  return n
end

local function has(figure, what) assert.is_truthy(tostring(figure):find(what, 1, true)) end
local function has_not(figure, what) assert.is_falsy(tostring(figure):find(what, 1, true)) end

local read = folders.read

-- A folder of our own, and what is in it.
local function folder() return folders.new(finally) end

local function files(path)
  local pipe = io.popen('ls -A ' .. path)
  local list = pipe:read '*a'
  pipe:close()
  return (list:gsub('\n', ' '))
end

describe('text of scripts', function()
  it('is quoted so that gnuplot takes nothing for more than text', function()
    assert.equal([['it''s `date` "100%" \n']], text.quote [[it's `date` "100%" \n]])
    assert.equal([['two'."\n".'lines']], text.quote 'two\nlines')
    assert.equal("''", text.quote '')
  end)

  it('has Greek letters and indices in labels, and nothing else', function()
    assert.equal("'Ω_m' enhanced", text.label '$\\Omega_m$')
    assert.equal("'σ_{8}' enhanced", text.label 'σ_{8}')
    assert.equal([['a\@b \& \~c \\x' enhanced]], text.label 'a@b & ~c \\x')
  end)

  it('has numbers that come back the same', function()
    assert.equal('0.5', text.number(0.5))
    assert.equal(0.1 + 0.2, tonumber(text.number(0.1 + 0.2)))
    assert.equal('NaN NaN', text.number(0 / 0) .. ' ' .. text.number(math.huge))
  end)
end)

describe('colours', function()
  it('have names, numbers and codes', function()
    assert.equal('#0072b2', style.colour('f', 'C0', 3))
    assert.equal('#d55e00', style.colour('f', nil, 2))
    assert.equal(style.colour('f', nil, 1), style.colour('f', nil, 7))
    assert.equal('#12ab3f', style.colour('f', '#12AB3F', 1))
    assert.equal('#80b9d9', style.tint('#0072b2', 0.5))
    assert.equal('#bf000000', style.transparent('#000000', 0.25))
  end)

  it('that do not exist are refused', function()
    assert.matches('plot_spec.lua:%d+: f: no colour "mauve"; there are "#rrggbb", "C0" to "C5", '
      .. 'and names like "black"$', message(function() style.colour('f', 'mauve', 1) end))
    assert.matches('plot_spec.lua:%d+: f: no line style "wavy"; there are solid, dashed, dotted, '
      .. 'dashdot$', message(function() style.dash('f', 'wavy') end))
  end)
end)

describe('axes', function()
  it('have at most four ticks, which keep away from the ends', function()
    for _, limits in ipairs { { 0, 1 }, { -3.7, 12.1 }, { 0.31, 0.32 }, { 1e-9, 3e-9 },
      { -5e7, 1e6 }, { 999.5, 1000.5 } } do
      local a = axis.linear(limits[1], limits[2])
      local inset = 0.07 * (a.hi - a.lo)
      assert.is_true(#a.ticks >= 1 and #a.ticks <= 4)
      for _, tick in ipairs(a.ticks) do
        assert.is_true(tick[1] >= a.lo + inset and tick[1] <= a.hi - inset)
      end
    end
  end)

  it('say their numbers shortly, and take powers of ten out', function()
    local a = axis.linear(-1, 1)
    assert.same({ { -0.5, '−0.5' }, { 0, '0' }, { 0.5, '0.5' } }, a.ticks)
    a = axis.linear(1e-9, 3e-9)
    assert.equal(' / 10^{−9}', a.unit)
    assert.equal('1.5', a.ticks[1][2])
    a = axis.log(1e-5, 1e5)
    assert.equal('10⁻⁴', a.ticks[1][2])
  end)

  it('leave ticks out where their labels would touch', function()
    assert.equal(1, #axis.linear(0.2, 0.4, { room = 7 }).ticks)
    local two = axis.linear(0.21, 0.405, { room = 8, across = axis.TURNED }).ticks
    assert.equal('0.25 0.35', two[1][2] .. ' ' .. two[2][2]) -- multiples of 0.1 would be one
    assert.is_true(math.abs(two[2][1] - 0.35) < 1e-12)
  end)
end)

describe('contours', function()
  local x = linspace(-3, 3, 61)
  local function field(f)
    local out = {}
    for i, a in ipairs(x) do
      out[i] = {}
      for j, b in ipairs(x) do out[i][j] = f(a, b) end
    end
    return grid.field(out, x, x)
  end

  it('are closed loops around what is inside', function()
    local loops = contour.loops(field(function(a, b) return -(a * a + b * b) end), -1)
    assert.equal(1, #loops)
    assert.is_false(loops[1].hole)
    assert.is_true(math.abs(loops[1].area - math.pi) < 0.01)
  end)

  it('go along the edge of the grid where they reach it', function()
    local loops = contour.loops(field(function() return 1 end), 0.5)
    assert.equal(1, #loops)
    assert.is_true(math.abs(loops[1].area - 36) < 1e-9)
  end)

  it('have holes, and islands in them, the largest first', function()
    local loops = contour.loops(field(function(a, b)
      return math.cos(4 * math.sqrt(a * a + b * b)) -- above 0: r < pi/8, 3 pi/8 < r < 5 pi/8, ...
    end), 0)
    assert.is_true(#loops >= 3)
    for i = 2, #loops do assert.is_true(loops[i].area <= loops[i - 1].area) end
    local last = #loops
    local holes = { loops[last].hole, loops[last - 1].hole, loops[last - 2].hole }
    assert.same({ false, true, false }, holes)
  end)

  it('pass between corners that lie across from each other', function()
    local two = grid.field({ { 1, 0 }, { 0, 1 } }, { 0, 1 }, { 0, 1 })
    assert.equal(2, #contour.loops(two, 0.6))
    assert.equal(1, #contour.loops(two, 0.4))
    assert.equal(0, #contour.loops(two, 2))
  end)

  it('are pieces of an axis in one dimension', function()
    local pieces = contour.pieces({ 0, 2, 0, 0, 2 }, { 0, 1, 2, 3, 4 }, 1)
    assert.same({ { 0.5, 1.5 }, { 3.5, 4 } }, pieces)
  end)

  it('are smooth on coarse grids, and do not swing over next to a step', function()
    local f, at = grid.curve({ 0, 0, 0, 1, 1, 1, 0 }, { 0, 1, 2, 3, 4, 5, 6 })
    assert.equal(#f, #at)
    for _, v in ipairs(f) do assert.is_true(v >= 0 and v <= 1) end
    local peak = grid.curve({ 0.1, 0.5, 0.5, 0.1 }, { 0, 1, 2, 3 })
    assert.is_true(math.max(unpack(peak)) > 0.54)
    local f2 = field(function(a, b) return gauss(a, 0, 0.2) * gauss(b, 1, 0.1) end)
    local s = grid.surface(f2)
    assert.equal(s.nx, #s.x)
    assert.equal(s.ny, #s.y)
    assert.is_true(s.x[1] > -2 and s.y[1] > 0) -- without what is empty
  end)
end)

describe('history', function()
  local function run(n)
    local h = { detF = {}, detC = {}, detinvC = {}, Lambda_2 = {}, r = {} }
    for i = 1, n do
      h.detF[i], h.detC[i], h.detinvC[i], h.Lambda_2[i], h.r[i] = i, 1 / i, i, n / i, 10
    end
    return h
  end

  it('has three panels and four curves more than the information', function()
    local fig = plot.history(run(7), { expected_detF = 50 })
    assert.equal(3, count(tostring(fig), 'reset\n'))
    assert.equal(5, count(tostring(fig), ' << end\n'))
    for _, what in ipairs { "'expected |F|'", "'|C⁻¹|'", "'Λ₂'", 'axes x1y2', 'logscale y',
      'plot 50 with lines', 'plot 1 with lines', "'Number of iterations'", 'xrange [0:6]',
      '\n6 7\n' } do
      has(fig, what)
    end
    has_not(fig, 'validation')
  end)

  it('tells training and validation apart', function()
    local h = run(5)
    for key, list in pairs(run(5)) do h['val_' .. key] = list end
    local fig = plot.history(h, { label = 'mine', colour = 'C1' })
    has(fig, "'mine |F| (training)'")
    has(fig, "'mine |F| (validation)'")
    has(fig, "'#d55e00'")
    assert.equal(10, count(tostring(fig), ' << end\n'))
  end)

  it('is drawn into the figure of another run', function()
    local fig = plot.history(run(5), { label = 'first', expected_detF = 9 })
    assert.equal(fig, plot.history(run(20), { ax = fig }))
    has(fig, 'xrange [0:19]')
    has(fig, "'first'")
    has(fig, "'run 2'")
    has(fig, 'plot 9 with lines')
  end)

  it('takes determinants that leave the range of numbers from their logarithms', function()
    local h = run(3)
    h.detC, h.lndetC = { 0, 1e-300, 1 }, { -1000, -690, 0 }
    h.detinvC, h.lndetinvC = { math.huge, 1e300, 1 }, { 1000, 690, 0 }
    has(plot.history(h), ('0 %s\n'):format(text.number(math.exp(-690))))
    has(plot.history(h), ('0 %s\n'):format(text.number(math.exp(690))))
  end)

  it('keeps the extremes of long curves', function()
    local y = {}
    for i = 1, 100000 do y[i] = i == 77777 and 5 or i == 77778 and -5 or math.sin(i) end
    local points, low, high = values.curve(y), 0, 0
    for _, p in ipairs(points) do low, high = math.min(low, p[2]), math.max(high, p[2]) end
    assert.is_true(#points <= 4100)
    assert.same({ -5, 5 }, { low, high })
  end)

  it('refuses what it cannot draw', function()
    local at = '^tests/lua/plot_spec.lua:%d+: plot.history: '
    assert.matches(at .. 'the history holds no numbers; fit first %(its lists are detF, detC, '
      .. 'detinvC, Lambda_2, r%)$', message(function() plot.history { detF = {} } end))
    assert.matches(at .. 'detF must be a list of numbers, got %(1, 1%)$',
      message(function() plot.history { detF = { { 1 } } } end))
    assert.matches(at .. 'unknown option "expected_detf"', message(function()
      plot.history(run(2), { expected_detf = 1 })
    end))
    assert.matches(at .. 'option "figsize" must be { width, height }, 2 to 200 cm, got { 1, 300 }$',
      message(function() plot.history(run(2), { figsize = { 1, 300 } }) end))
    local corner = plot.marginal_plot(posterior({ 0 }, { 1 }, -5, 5, 50))
    assert.matches(at .. 'option "ax" must be a history figure, got a corner figure$',
      message(function() plot.history(run(2), { ax = corner }) end))
  end)
end)

describe('corner plots', function()
  it('have a cell for each parameter and each pair', function()
    for P, cells in pairs { 1, 3, 6, 10 } do
      local mean, deviation = {}, {}
      for p = 1, P do mean[p], deviation[p] = 0, 1 end
      local fig = plot.marginal_plot(posterior(mean, deviation, -5, 5, 40))
      assert.equal(cells, count(tostring(fig), '# row %d+, column %d+\n'))
      assert.equal(P == 1, tostring(fig):find('# legend', 1, true) == nil)
      has(fig, ("'θ_{%d}' enhanced"):format(P))
    end
  end)

  it('fill the first posterior and draw the others as lines', function()
    local fig = plot.marginal_plot(posterior({ 0, 0 }, { 1, 1 }, -5, 5, 40), { label = 'first' })
    -- 68 and 95 % of two curves and one pair
    assert.equal(6, count(tostring(fig), 'with filledcurves'))
    local again = plot.marginal_plot(posterior({ 1, 0 }, { 1, 1 }, -5, 5, 40),
      { ax = fig, label = 'second', linestyle = 'dashed' })
    assert.equal(fig, again)
    assert.equal(6, count(tostring(fig), 'with filledcurves'))
    has(fig, "title 'first' noenhanced")
    has(fig, "title 'second' noenhanced")
    has(fig, "'#d55e00' linewidth 1 dashtype (9,5)")
  end)

  it('enclose the fractions that they say', function()
    local script = tostring(plot.marginal_plot(posterior({ 0, 0 }, { 1, 0.5 }, -5, 5, 100)))
    local far = {}
    for block in script:gmatch '%$data%d+ << end\n(.-)\nend\n' do
      local first, last = block:match '^(%S+) ', block:match '\n(%S+) %S+$'
      far[#far + 1] = { tonumber(first), tonumber(last), block }
    end
    -- row 1: pieces of 95 and 68 %, curve; row 2, column 1: loops of 95 and 68 %
    assert.is_true(math.abs(far[1][2] - 1.96) < 0.02 and math.abs(far[2][2] - 0.994) < 0.02)
    for i, outside in pairs { [4] = 0.05, [5] = 0.32 } do
      local radius = math.sqrt(-2 * math.log(outside))
      for x, y in far[i][3]:gmatch '(%S+) (%S+)' do
        assert.is_true(math.abs(math.sqrt(x ^ 2 + (2 * y) ^ 2) / radius - 1) < 0.02)
      end
    end
  end)

  it('mark what is known, name the axes and show what is asked for', function()
    local object = posterior({ 0, 0 }, { 1, 1 }, -5, 5, 40)
    local fig = plot.marginal_plot(object, { known = { 0.25, false }, axis_labels = { 'μ', 'Σ' },
      limits = { { -4, 4.5 }, false }, levels = { 0.5 }, colours = { 'black' } })
    assert.equal(2, count(tostring(fig), 'arrow from first 0.25, graph 0 to first 0.25, graph 1'))
    assert.equal(2, count(tostring(fig), 'xrange %[%-4:4.5%]'))
    assert.equal(3, count(tostring(fig), 'with filledcurves'))
    has(fig, "'μ' enhanced")
    has(fig, "'Σ' enhanced")
  end)

  it('show one target, several, or all', function()
    local a, b = posterior({ 0 }, { 1 }, -5, 5, 40), posterior({ 1 }, { 1 }, -5, 5, 40)
    a.marginals[1][1][2] = b.marginals[1][1][1]
    local fig = plot.marginal_plot(a, { target = 2, label = 'x' })
    assert.equal(1, count(tostring(fig), "title 'x' "))
    fig = plot.marginal_plot(a, { label = 'x' })
    has(fig, "title 'x Target 1'")
    has(fig, "title 'x Target 2'")
    assert.matches('marginal_plot: option "target" must be among 1 to 2, got 3$',
      message(function() plot.marginal_plot(a, { target = { 1, 3 } }) end))
  end)

  it('leave out targets without draws', function()
    local object = posterior({ 0 }, { 1 }, -5, 5, 20)
    for i = 1, 20 do object.marginals[1][1][1][i] = 0 / 0 end
    has(plot.marginal_plot(object, { label = 'none' }), "title 'none'")
    object.marginals[1][1][1][3] = 1
    assert.matches('plot.corner: marginals%[1%]%[1%] holds 19 numbers that are not finite$',
      message(function() plot.marginal_plot(object) end))
  end)

  -- Half of the mass may lie beyond a grid that ends somewhere: the levels would not know.
  it('warn of regions that a grid cuts off, unless it ends at limits', function()
    local z = np.linspace(-1, 1, 41)
    local function grids(shift)
      local f = np.exp(-((z - shift) * 4) ^ 2 / 2)
      local both = np.expand_dims(np.exp(-(z * 6) ^ 2 / 2), 2) * np.expand_dims(f, 1)
      return { ranges = { z, z }, label = 'first',
        marginals = { { np.exp(-(z * 6) ^ 2 / 2) }, { both, f } } }
    end
    local function warnings(one)
      return plot.corner { posteriors = { one }, labels = { 'a', 'b' }, quiet = true }.warnings
    end
    assert.same({}, warnings(grids(0)))
    assert.same({ 'first: the 95 % region of b reaches an end of the grid that is no limit; what '
      .. 'lies beyond is not counted, so give a wider grid' }, warnings(grids(0.8)))
    local bounded = grids(0.8)
    bounded.hard = { { false, false }, { false, true } }
    assert.same({}, warnings(bounded))
    -- Alone b ends inside; with a the region is larger.
    assert.equal(1, #warnings(grids(0.45)))
    bounded.hard = { true }
    assert.matches('plot.corner: option "hard" must hold { low, high }, whether the grid ends at '
      .. 'limits, for each of 2 parameters, got boolean as number 1$',
      message(function() warnings(bounded) end))
    assert.same({}, plot.corner { np.array { { 1, 2 }, { 2, 4 }, { 3, 5 } } }.warnings)
  end)

  it('scatter points, with histograms', function()
    local points = {}
    for i = 1, 100 do points[i] = { i / 100, (i * 37 % 100) / 100 } end
    local fig = plot.scatter_plot({ parameters = { accepted = { points } } },
      { s = 9, alpha = 0.25, label = 'accepted' })
    has(fig, 'using 1:2 with points pointtype 7 linewidth 0 pointsize 0.5')
    has(fig, "'#bf0072b2'")
    has(fig, "NaN with points pointtype 7 linewidth 0 pointsize 0.5774 linecolor rgb '#660072b2'")
    assert.equal(3, count(tostring(fig), ' << end\n')) -- the points once, two histograms
    fig = plot.scatter_summaries({ summaries = { accepted = { points } } },
      { hist = false, ranges = { { 0, 0.5, 1 }, { 0, 0.5, 1 } } })
    assert.equal(1, count(tostring(fig), ' << end\n'))
    has(fig, 'xrange [0:1]')
    has(fig, "'s_{2}'")
    assert.matches('scatter_plot: option "colours" is an empty list$', message(function()
      plot.scatter_plot({ parameters = { accepted = { points } } }, { colours = {} })
    end))
    has(plot.scatter_summaries({ summaries = { accepted = { points } } },
      { axis_labels = { 'mean', 'variance' } }), "'variance'")
    assert.matches('scatter_plot: there are no points: nothing was accepted$',
      message(function() plot.scatter_plot { parameters = { accepted = { {} } } } end))
  end)

  it('refuse what they cannot draw', function()
    local object = posterior({ 0, 0 }, { 1, 1 }, -5, 5, 20)
    local function refuses(why, opts)
      assert.equal('plot.corner: ' .. why, (message(function() plot.corner(opts) end)
        :gsub('^tests/lua/plot_spec.lua:%d+: ', '')))
    end
    assert.matches('marginal_plot: option "ranges" must be a list for each of 2 parameters, got 0$',
      message(function() plot.marginal_plot(object, { ranges = {} }) end))
    assert.matches('plot.history: option "ncol" must be 1 to 100, got 0$',
      message(function() plot.history({ detF = { 1, 2 } }, { ncol = 0 }) end))
    refuses('there is nothing to draw: no posteriors', { posteriors = {} })
    refuses('a posterior needs ranges and marginals, or points', { posteriors = { {} } })
    refuses('marginals[2][1] must be (20, 20) or (targets, 20, 20) as the ranges are, got (20)', {
      posteriors = { { ranges = object.ranges, marginals = {
        object.marginals[1], { object.marginals[1][1][1], object.marginals[2][2] } } } } })
    refuses('ranges[1] must rise, but point 2 is 0 after 1',
      { posteriors = { { ranges = { { 1, 0 } }, marginals = { { { 1, 1 } } } } } })
    refuses('option "known" must have 2 entries, one for each parameter, got 1',
      { posteriors = { { ranges = object.ranges, marginals = object.marginals } }, known = { 1 } })
    refuses('option "levels" must be fractions between 0 and 1, got 68', {
      posteriors = { { ranges = object.ranges, marginals = object.marginals } },
      levels = { 68 } })
    refuses('limits[1] must be { low, high } or false', {
      posteriors = { { ranges = object.ranges, marginals = object.marginals } },
      limits = { { 1, 0 }, false } })
    refuses('posteriors of 2 and of 1 parameters do not fit into one figure', { posteriors = {
      { ranges = object.ranges, marginals = object.marginals }, { points = { { 1 } } } } })
    assert.matches('marginal_plot: there are no marginals yet$',
      message(function() plot.marginal_plot {} end))
  end)
end)

describe('figures', function()
  local fig = plot.marginal_plot(posterior({ 0, 0 }, { 1, 1 }, -5, 5, 40),
    { label = "it's 100 % `of`\nit", axis_labels = { 'μ', 'Σ' } })

  it('are drawn to files, with the script beside them', function()
    local at = folder()
    local starts = { png = '^\137PNG', pdf = '^%%PDF', svg = '^<%?xml', txt = '^μ = 0.0 ± 1.0' }
    for extension, start in pairs(starts) do
      local path = at .. "/it's a %s ~picture." .. extension
      assert.equal(fig, fig:save(path))
      assert.matches(start, (read(path):gsub('^%s+\f?', '')))
      local script = read(path .. '.gp')
      assert.equal(extension ~= 'txt', script:find(tostring(fig), 1, true) ~= nil) -- has letters
      os.remove(path)
      local again = ('LC_ALL=C.UTF-8 gnuplot "%s.gp"'):format(path) -- it draws the same
      assert.equal(0, os.execute(again))
      assert.is_truthy(read(path))
    end
    assert.equal(8, count(files(at), 'picture'))
    assert.is_nil(files(at):find('tmp', 1, true))
  end)

  it('are as large as asked for', function()
    local path = folder() .. '/x.png'
    plot.marginal_plot(posterior({ 0 }, { 1 }, -5, 5, 20), { figsize = { 5.08, 2.54 } })
      :save(path, { dpi = 100 })
    assert.equal('\0\0\0\200\0\0\0\100', read(path):sub(17, 24)) -- width and height of the header
  end)

  it('are drawn where there is nothing to see', function()
    local path = folder() .. '/x.svg'
    local object, limits = posterior({ 0, 0 }, { 1, 1 }, -5, 5, 20), { { 7, 8 }, { 7, 8 } }
    plot.marginal_plot(object, { limits = limits, file = path })
    plot.scatter_plot({ parameters = { accepted = { { { 1, 2 } } } } },
      { limits = limits, file = path })
    plot.scatter_plot({ parameters = { accepted = { { { 1, 2 } } } } }, { file = path })
    object.marginals[1][1][1] = {}
    for i = 1, 20 do object.marginals[1][1][1][i] = 0 end
    plot.marginal_plot(object, { file = path })
    plot.history({ detF = { 0 / 0, 1, 0 / 0 }, r = { 0 / 0 }, detC = { -1, 0, 0 } },
      { file = path })
  end)

  it('are drawn with characters', function()
    local shown = gnuplot.characters(tostring(fig), 79, 40)
    assert.is_true(count(shown, '\n') >= 38)
    assert.is_truthy(shown:find('Σ', 1, true))
    local unnamed = plot.marginal_plot(posterior({ 0, 0 }, { 1, 1 }, -5, 5, 40))
    shown = gnuplot.characters(tostring(unnamed), 79, 40)
    assert.is_truthy(shown:find('%sθ1%s'), shown) -- and nothing of the markup
  end)

  it('say why they are not drawn, and leave what was there', function()
    local at = folder()
    local line = '^tests/lua/plot_spec.lua:%d+: '
    assert.matches(line .. 'plot.save: no way to draw "x.jpeg"; names end in .pdf, .png, .svg, '
      .. '.eps, .tex, .tikz or .txt$', message(function() fig:save 'x.jpeg' end))
    assert.matches(line .. 'plot: cannot write /nowhere/x.png: No such file or directory$',
      message(function() fig:save '/nowhere/x.png' end))
    assert.matches(line .. 'plot.save: the path must be a string, got nil$',
      message(function() fig:save() end))
    fig:save(at .. '/x.svg')
    local before = read(at .. '/x.svg')
    local broken = plot.marginal_plot(posterior({ 0 }, { 1 }, -5, 5, 20))
    broken.draw = function(_, sheet)
      sheet:panel { name = 'broken', box = { 0, 1, 0, 1 }, set = {}, plot = { '$nothing' } }
    end
    assert.matches(line .. 'plot: gnuplot says: line %d+: .*nothing',
      message(function() broken:save(at .. '/x.svg') end))
    assert.equal(before, read(at .. '/x.svg'))
    assert.equal('x.svg x.svg.gp ', files(at))
    gnuplot.program = 'no-such-gnuplot'
    finally(function() gnuplot.program = 'gnuplot' end)
    assert.matches(line .. 'plot: no%-such%-gnuplot is not installed %(Debian: gnuplot%-nox%); the '
      .. 'script is tostring%(figure%)$', message(function() fig:save(at .. '/y.png') end))
    assert.equal('x.svg x.svg.gp ', files(at))
  end)
end)
