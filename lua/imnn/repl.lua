--- The prompt of the `imnn` executable: reads, runs, shows. What only C can do (editing lines, the
-- answer to ctrl-C) comes from there as a table of functions, the console.
-- @module imnn.repl
local complete = require 'imnn.repl.complete'
local history = require 'imnn.repl.history'

local M = {}

local modules = {
  imnn = 'imnn',
  np = 'imnn.numpy',
  random = 'imnn.random',
  stax = 'imnn.stax',
  optimizers = 'imnn.optimizers',
  lfi = 'imnn.lfi',
  lax = 'imnn.lax',
  tree = 'imnn.tree',
  scipy = 'imnn.scipy',
  plot = 'imnn.plot',
  simulators = 'imnn.simulators',
  help = 'imnn.help',
}

--- Make `np`, `random`, `stax`, `optimizers`, `lfi`, `lax`, `tree`, `scipy`, `plot`, `simulators`,
-- `help` and `imnn` known, each loaded at first use.
-- @tparam table env where, `_G` for one
function M.preload(env)
  setmetatable(env, {
    __index = function(_, name)
      if not modules[name] then return nil end
      local module = require(modules[name])
      rawset(env, name, module)
      return module
    end,
  })
end

--- The statement with what it declares local made global, so that it outlives its line.
local function keep(text)
  local rest = text:match '^%s*local%s+(.*)$'
  if not rest then return text end
  if rest:find '^function[^%w_]' or rest:find '=' then return rest end
  return rest:gsub('[%s;]*$', '') .. ' = nil'
end

-- A line that begins with # is no comment.
local function load(text, name) return loadstring(' ' .. text, name) end

-- An expression is handed to the function that its chunk gets: a call in `return f(x)` would take
-- the place of the user's line, which its errors could not name then.
local function same(...) return ... end

--- A chunk, to be called with `same`, which gives values if the text is an expression; nil and a
-- complaint; or nil and nil if the text could go on.
local function compile(text, name)
  local expression = text:gsub('^%s*=', '')
  local chunk, complaint = load('return ' .. expression, name)
  if chunk then return load('return (...)(' .. expression .. '\n)', name) or chunk end
  local unfinished = complaint:find "near '<eof>'$"
  for _, statement in ipairs { keep(text), text } do
    chunk, complaint = load(statement, name)
    if chunk then return chunk end
    unfinished = unfinished or complaint:find "near '<eof>'$"
  end
  return nil, not unfinished and complaint or nil
end

-- The chunk of "?np.sum".
local function question(text)
  local name = text:match '^%s*%?(.*)$'
  return name and function() require('imnn.help').of(name, _G) end
end

--- A whole input: lines until they make sense. nil at the end of the input, false after ctrl-C;
-- otherwise true, the chunk or nil and a complaint, and the text.
local function read(lines, name)
  local text
  while true do
    local line = lines.line(text and '>> ' or '> ')
    if line == nil and text then return true, nil, 'the input ends before its statement', text end
    if not line then return line end
    if line:find '%S' then lines.remember(line) end
    text = text and text .. '\n' .. line or line
    local chunk, complaint = question(text), nil
    if not chunk then chunk, complaint = compile(text, name) end
    if chunk or complaint then return true, chunk, complaint, text end
  end
end

local function show(...)
  local plot = package.loaded['imnn.plot']
  if plot and plot.is_figure((...)) then return (...):show() end -- its text is a long script
  local texts = { ... }
  for i = 1, select('#', ...) do
    local plain = type(texts[i]) ~= 'table' -- and the library need not be loaded
    texts[i] = plain and tostring(texts[i]) or require 'imnn.repl.show'(texts[i])
  end
  if #texts > 0 then print(unpack(texts)) end
end

local function traceback(message)
  message = tostring(message)
  return os.getenv 'IMNN_TRACEBACK' == '1' and debug.traceback(message, 2) or message
end

--- An error with the line that it names.
local function explain(message, inputs)
  local number, line = message:match '^input (%d+):(%d+):'
  local text = inputs[tonumber(number)]
  local n = 0
  for row in ((text or '') .. '\n'):gmatch '(.-)\n' do
    n = n + 1
    if text and n == tonumber(line) then return message .. '\n    ' .. row:match '^%s*(.-)%s*$' end
  end
  return message
end

--- Where lines come from: a terminal, or a file or pipe, where no prompt is shown.
local function source(console)
  if not console.terminal() then
    return { line = function() return io.read '*l' end, remember = function() end }
  end
  local old = history.open()
  for _, line in ipairs(old.lines) do console.remember(line) end
  console.completer(function(text, width) return complete.line(text, _G, modules, width) end)
  print(('imnn %s: np, random, stax, optimizers, lfi, imnn, ... are there; help tells about them, '
    .. 'ctrl-D leaves'):format(console.version))
  return {
    line = console.line,
    remember = function(line)
      console.remember(line)
      old.add(line)
    end,
  }
end

--- Read, run and show until the input ends.
-- @tparam table console version, line(prompt), remember(line), completer(f), terminal(),
-- interrupted(): core/cli/console.c
function M.run(console)
  M.preload(_G)
  local lines, inputs = source(console), {}
  while true do
    local more, chunk, complaint, text = read(lines, ('=input %d'):format(#inputs + 1))
    if more == nil or text == 'exit' or text == 'quit' then return end
    if more then
      inputs[#inputs + 1] = text
      console.interrupted() -- what was pressed before is no wish to stop what comes
      if chunk then
        jit.off(chunk, true) -- compiled loops would not look whether ctrl-C was pressed
        local ok, message = xpcall(function() show(chunk(same)) end, traceback)
        complaint = not ok and message or nil
      end
      if complaint then io.stderr:write(explain(complaint, inputs), '\n') end
    end
  end
end

return M
