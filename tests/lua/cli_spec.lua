-- The `imnn` executable, run as its users run it. What it does at a terminal: tests/c/prompt.c.
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function with_file(text, f)
  local path = os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write(text)
  file:close()
  local result = { f(path) }
  os.remove(path)
  return unpack(result)
end

-- Output, complaints and exit status of `imnn ARGUMENTS`, given some input.
local function imnn(arguments, input, settings)
  return with_file(input or '', function(input_path)
    return with_file('', function(error_path)
      local pipe = io.popen(('%s %s %s <%s 2>%s; echo "[$?]"'):format(settings or '', program,
        arguments, input_path, error_path))
      local output, status = pipe:read '*a':match '^(.*)%[(%d+)%]\n$'
      pipe:close()
      local file = io.open(error_path)
      local errors = file:read '*a'
      file:close()
      return output, errors, tonumber(status)
    end)
  end)
end

describe('imnn', function()
  it('runs code', function()
    assert.same({ '3\n', '', 0 }, { imnn "-e 'print(1 + 2)'" })
    assert.same({ '1\n2\n', '', 0 }, { imnn "-e 'x = 1 print(x)' -e 'print(x + 1)'" })
    assert.same({ '', '', 0 }, { imnn "-e ''" })
  end)

  it('runs a script with its arguments', function()
    local script = 'print(arg[0] == nil, #arg, arg[1], ...) os.exit(7)'
    local function run(path) return imnn(path .. " a 'b c'") end
    assert.same({ 'false\t2\ta\ta\tb c\n', '', 7 }, { with_file(script, run) })
  end)

  it('runs the standard input', function()
    assert.same({ 'x\n', '', 0 }, { imnn('- x', '#!/usr/bin/env imnn\nprint(...)') })
  end)

  -- As batch systems end programs, with or without asking.
  it('has printed its lines, to a file or a pipe, whatever ends it', function()
    for signal, status in pairs { TERM = 143, USR1 = 138, KILL = 137 } do
      local script = ("print('before') io.write 'more\\n' os.execute('kill -%s ' .. %s) "
        .. "while true do end"):format(signal,
        "io.open '/proc/self/stat':read '*a':match '^%d+'")
      with_file(script, function(path)
        local output, errors, code = imnn(path)
        assert.same({ 'before\nmore\n', status }, { output, code }, errors)
      end)
    end
  end)

  it('tells errors in one line and exits with 1', function()
    local function fails(arguments, complaint)
      assert.same({ '', 'imnn: ' .. complaint .. '\n', 1 }, { imnn(arguments) })
    end
    fails("-e 'error \"no\"'", '(command line):1: no')
    fails("-e 'a b'", "(command line):1: '=' expected near 'b'")
    fails('no.lua', 'cannot open no.lua: No such file or directory')
    fails("-e 'error {}'", 'an error that is no text, but a table')
    fails("-e 'error(setmetatable({}, { __tostring = function() return \"odd\" end }))'", 'odd')
  end)

  it('shows the calls on request', function()
    local code = "-e 'local function f() error \"no\" end f()'"
    local _, errors = imnn(code, '', 'IMNN_TRACEBACK=1')
    assert.truthy(errors:find("in function 'f'", 1, true))
    _, errors = imnn(code)
    assert.equal('imnn: (command line):1: no\n', errors)
  end)

  it('refuses what it does not know', function()
    local sentence = 'imnn: unknown option --fast; imnn --help lists the options\n'
    assert.same({ '', sentence, 2 }, { imnn '--fast' })
    assert.same({ '', 'imnn: no code after -e; imnn --help lists the options\n', 2 }, { imnn '-e' })
  end)

  it('names its version and papers', function()
    local output, errors, status = imnn '--version'
    assert.same({ '', 0 }, { errors, status })
    for text in ('imnn 0.1.0,LuaJIT,SLEEF,HDF5,Charnock,Lavaux,083004'):gmatch '[^,]+' do
      assert.truthy(output:find(text, 1, true), text)
    end
    assert.truthy(imnn '--help':find('doctor', 1, true))
  end)

  it('helps', function()
    local output, errors, status = imnn 'help np.einsum'
    assert.same({ '', 0 }, { errors, status })
    assert.truthy(output:find('^np%.einsum%(labels, %.%.%.%)\n  Products of elements'))
    assert.truthy(imnn 'help':find('np: NumPy functions', 1, true))
    assert.truthy(imnn 'help fft':find('np.fft.rfft ', 1, true))
    assert.equal('there is no help about "tensordott"; did you mean "tensordot"?\n',
      (imnn 'help tensordott'))
    assert.truthy(imnn '--help':find('help [NAME]', 1, true))
  end)

  it('looks at the machine whatever is missing', function()
    local output, errors, status = imnn('doctor', '', 'PATH=/bin/none')
    assert.same({ '', 0 }, { errors, status })
    assert.truthy(output:find('gnuplot +not found', 1))
    output = imnn 'doctor'
    for text in ('cpu,features +sse2,threads +%d,library +/.*libimnn%.so,lapack +OpenBLAS,'
      .. 'SLEEF %d,HDF5 %d,libedit %d,OpenMP %d,C library %d,luajit +LuaJIT %d,'
      .. 'matmul f32 +%d+ GFLOP/s,matmul f64 +%d+ GFLOP/s'):gmatch '[^,]+' do
      assert.truthy(output:find(text), text)
    end
  end)

  it('starts in little memory', function()
    if (os.getenv 'LD_PRELOAD' or '') ~= '' then return end -- sanitizers take more than that alone
    local code = [[for line in io.lines '/proc/self/status' do
      print(line:match 'VmHWM:%s*(%d+) kB') end]]
    assert.is_true(tonumber(imnn('-e ' .. quote(code)):match '%d+') < 25 * 1024)
  end)
end)

describe('the prompt', function()
  local function says(expected, input, complaint)
    local output, errors, status = imnn('', input)
    assert.same({ expected, complaint or '', 0 }, { output, errors, status })
  end

  it('shows what expressions give', function()
    says('2\n', '1 + 1\n')
    says('2\ta\n', '= 2, "a"\n')
    says('nil\n', 'nil\n')
    says('5\n', 'print(5)\n')
    says('', 'x = 1\n\n-- nothing\n')
  end)

  it('shows what is in tables', function()
    says('{ 1, "b", { 2, {} }, [5] = true, ["a b"] = 2, f = function, n = 1 }\n',
      '{ 1, "b", { 2, {} }, [5] = true, n = 1, f = print, ["a b"] = 2 }\n')
    says('{ w = f32 (2, 3), y = {1, 1} f32 (2) }\n',
      '{ w = np.ones { 2, 3 }, y = np.ones { 2 } }\n')
    says('{ a = {...} }\t1\n', 't = {} t.a = t\nt, 1\n')
    says('odd\n', 'setmetatable({}, { __tostring = function() return "odd" end })\n')
    local twenty = {}
    for i = 1, 20 do twenty[i] = i end
    says('{ ' .. table.concat(twenty, ', ') .. ', ... }\n',
      't = {} for i = 1, 30 do t[i] = i end\nt\n')
  end)

  it('takes several lines', function()
    says('1\n2\n', 'for i = 1, 2 do\n  print(i)\nend\n')
    says('3\n', '#{\n1, 2,\n3 }\n')
    says('', 'for', 'the input ends before its statement\n')
  end)

  it('helps', function()
    local function begins(start, input)
      local output, errors = imnn('', input)
      assert.equal('', errors)
      assert.equal(start, output:sub(1, #start))
    end
    begins('np.sum(x[, opts])\n  The sum of elements', '?np.sum\n')
    begins('np.sum(x[, opts])\n  The sum of elements', ' ? np.sum\n')
    begins('np.sum(x[, opts])\n  The sum of elements', 'help(np.sum)\n')
    begins('an Array: f32 (2)', 'y = np.ones(2)\n?y\n')
    begins('an Array: f32 (2)', 'x = np.ones(2)\n?x\n')
    begins('help(np.einsum), ?np.einsum or', '?\n')
    begins('help(np.einsum), ?np.einsum or', 'help\n')
  end)

  it('keeps locals', function()
    says('3\n', 'local x, y = 1, 2\nx + y\n')
    says('4\n', 'local function f(x)\nreturn x + 1\nend\nf(3)\n')
    says('nil\n', 'local z\nz\n')
  end)

  it('goes on after an error, which names the line', function()
    local input = 'function f(x)\n  return x.y.z\nend\nf {}\nprint "on"\n'
    says('on\n', input, "input 1:2: attempt to index field 'y' (a nil value)\n    return x.y.z\n")
    says('1\n', 'a b\n1\n', "input 1:1: '=' expected near 'b'\n    a b\n")
  end)

  it('names the line of an expression', function()
    says('', 'np.matmul(np.ones { 2, 3 }, np.ones { 4, 5 })\n', 'input 1:1: matmul: inner sizes '
      .. 'differ, (2, 3) x (4, 5)\n    np.matmul(np.ones { 2, 3 }, np.ones { 4, 5 })\n')
    says('5\n', '5 -- five\n')
    says('', ';\nfunction none() end\nnone()\n')
  end)

  it('knows the modules', function()
    says('true\n', 'np == require "imnn.numpy"\n')
    says('true\n', 'imnn == require "imnn"\n')
    says('true\n', 'random.PRNGKey ~= nil and stax.Dense ~= nil and optimizers.adam ~= nil\n')
    says('true\n', 'lfi == require "imnn.lfi"\n')
  end)

  it('follows a script', function()
    local output = imnn("-i -e 'x = 4'", 'x\n')
    assert.equal('4\n', output)
  end)
end)

describe('completion', function()
  local complete = require 'imnn.repl.complete'
  local env = {
    string = string,
    text = 'abc',
    tab = { alpha = 1, alpine = { 2 }, [3] = 4 },
    object = setmetatable({ own = 1 }, { __index = { run = print, rest = 5 } }),
    ['θ_fid'] = 1,
    ['θ_max'] = 2,
  }

  local more = { optimizers = 'imnn.optimizers' }
  local function line(text) return complete.line(text, env, more, 40) end

  it('goes on as far as all possibilities agree', function()
    assert.equal('p', (line 'x = tab.al'))
    assert.equal('ng', (line 'stri'))
    assert.equal('imizers', (line 'opt')) -- comes into being when used
    assert.equal('nction', (line 'fu'))
    assert.equal('_', (line 'θ'))
  end)

  it('lists them where they differ', function()
    assert.same({ nil, 'alpha   alpine' }, { line 'tab.alp' })
    assert.same({ nil, 'own   rest  run' }, { line 'object.' })
  end)

  it('offers methods after a colon', function()
    assert.equal('un', (line 'object:r'))
    assert.equal('erse', (line 'text:rev'))
  end)

  it('is silent about what it cannot know', function()
    assert.same({}, { line 'nothing.x' })
    assert.same({}, { line 'f(x).y' })
    assert.same({}, { line 'zzz' })
  end)

  it('knows the methods of arrays', function()
    env.x = require('imnn.numpy').ones { 3 }
    assert.equal('ape', (line 'x:resh'))
    assert.equal('ype', (line 'x.dt'))
  end)
end)
