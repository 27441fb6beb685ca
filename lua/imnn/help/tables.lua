--- Docstrings of what the library knows in tables of its own: elementwise operators,
-- distributions. Each row says what there is to say; the sentences around it are made here.
-- @module imnn.help.tables
local ffi = require 'ffi'
local comment = require 'imnn.help.comment'
local C = require('imnn.core').C
local registry = require 'imnn.registry'
local M = {}

local letters = { { 'x' }, { 'a', 'b' }, { 'a', 'b', 'c' } }
local order = { 'bool', 'i32', 'u32', 'f32', 'f64', 'c64', 'c128' }

-- Numbers between two bounds, away from the ends.
local function sample(lo, hi, whole, shift)
  local list = {}
  for i = 1, 3 do
    local v = lo + (hi - lo) * (i - 0.5 + shift) / 4
    list[i] = ('%.3g'):format(whole and math.floor(v) or v)
  end
  return 'np.array { ' .. table.concat(list, ', ') .. ' }'
end

local function example(op)
  local whole, parts = not op.dtypes.f32, {}
  for i = 1, op.arity do
    local text = sample(op.lo, op.hi, whole, (i - 1) / 4)
    if whole then text = text:gsub('^np%.array (.*)$', "np.array(%1, 'i32')") end
    parts[i] = text
  end
  if op.name == 'where' then parts[1] = 'np.array { true, false, true }' end
  local name = op.name
  local plain = not loadstring('return np.' .. name) and ("np['%s']"):format(name)
    or 'np.' .. name
  return ('%s(%s)'):format(plain, table.concat(parts, ', '))
end

--- The docstring of an elementwise operator.
-- @tparam string name
-- @treturn table|nil
function M.operator(name)
  local op = registry[name]
  if not op or not op.elementwise then return nil end
  local doc, dtypes = comment.new(), {}
  for _, dtype in ipairs(order) do
    if op.dtypes[dtype] then dtypes[#dtypes + 1] = dtype end
  end
  doc.name, doc.kind, doc.summary = name, 'function', op.doc
  doc.text = 'Element by element; shapes broadcast. Inputs are ' .. table.concat(dtypes, ', ')
    .. (op.dtypes.bool and '.' or '; others become one of these.')
  local smooth = {}
  for i = 1, op.arity do
    doc.params[i] = { name = letters[op.arity][i], type = 'Array|number', text = '' }
    if op.smooth[i] then smooth[#smooth + 1] = letters[op.arity][i] end
  end
  if #smooth == 0 then doc.text = doc.text .. ' The derivative is zero.'
  elseif #smooth < op.arity then
    doc.text = doc.text .. ' Has a derivative in ' .. table.concat(smooth, ' and ') .. '.'
  end
  doc.returns[1] = { type = 'Array', text = op.gives and op.gives or 'of the dtype of the inputs' }
  doc.usage[1] = example(op)
  doc.topic = op.gives == 'bool' and 'Comparisons and tests, element by element'
    or not op.dtypes.f32 and 'Bits, element by element' or 'Elementwise functions'
  return doc
end

-- What parameters of distributions may be.
local values = { left = -1, mode = 0, right = 1, p = 0.3, mean = 1.5, loc = 0, lam = 4, n = 10 }

local function arguments(text)
  local list = {}
  for word in text:gmatch '%S+' do
    if tonumber(word) then list[#list].default = word
    else list[#list + 1] = { name = word } end
  end
  return list
end

-- The row of this name in a table of C; nil: there is none.
local function row_of(get, name)
  local i, row = 0, get(0)
  while row ~= nil and ffi.string(row.name) ~= name do
    i = i + 1
    row = get(i)
  end
  return row ~= nil and row or nil
end

--- The docstring of a distribution of imnn.random.
-- @tparam string name
-- @treturn table|nil
function M.distribution(name)
  local row = row_of(C.imnn_random_get, name)
  if not row then return nil end
  local doc, gives = comment.new(), ffi.string(row.gives)
  doc.name, doc.kind, doc.summary = name, 'function', 'Draws: ' .. ffi.string(row.doc)
  doc.params[1] = { name = 'key', type = 'Array', text = 'key, (2)' }
  local call = { 'key' }
  for _, p in ipairs(arguments(ffi.string(row.params))) do
    doc.params[#doc.params + 1] = { name = p.name, type = 'Array|number',
      optional = p.default ~= nil, default = p.default, text = 'broadcasts to the shape' }
    call[#call + 1] = tostring(values[p.name] or 2)
  end
  local n = #doc.params
  doc.params[n + 1] = { name = 'shape', type = 'table', optional = true,
    text = n > 1 and 'that of the parameters without it' or 'one number without it' }
  doc.params[n + 2] = { name = 'dtype', type = 'string', optional = true,
    text = "'f32', or 'f64' where a parameter is" }
  if row_of(C.imnn_random_get, name .. '_high') then
    doc.params[n + 3] = { name = 'mode', type = 'string', optional = true, default = "'low'",
      text = "'high' takes twice as many random bits" }
  end
  doc.returns[1] = { type = 'Array', text = (gives ~= '' and gives .. ' ' or '') .. '(shape)' }
  call[#call + 1] = '{ 3 }'
  doc.usage[1] = ('random.%s(%s)'):format(name, table.concat(call, ', '))
  doc.raise[1] = 'shapes that do not broadcast'
  doc.topic = 'Distributions'
  return doc
end

--- The docstring of an optimiser of the library.
-- @tparam string name
-- @treturn table|nil
function M.optimiser(name)
  local row = C.imnn_optim_find(name)
  if row == nil then return nil end
  local doc, call = comment.new(), { '1e-3' }
  doc.name, doc.kind, doc.topic = name, 'function', 'Optimisers'
  doc.summary = name .. ': ' .. ffi.string(row.doc)
  doc.text = 'The step number t = 1, 2, ... of weights w with gradient g and step size lr:\n\n    '
    .. ffi.string(row.formula):gsub('; ', '\n    ') .. '\n\nwhere rest_s is 1 - s.'
  doc.params[1] = { name = 'step_size', type = 'number|function',
    text = 'or a schedule: a function of the step index, from 0' }
  for setting, default in ffi.string(row.settings):gmatch '(%w[%w_]*)([^,]*)' do
    local number = default:match '%S+'
    doc.params[#doc.params + 1] = { name = setting, type = 'number', optional = number ~= nil,
      default = number, text = '' }
    if not number then call[#call + 1] = '0.9' end
  end
  doc.returns[1] = { type = 'table', text = '{ init, update, get_params }, by position and name' }
  doc.usage[1] = ([[
local optimiser = optimizers.%s(%s)
local state = optimiser.init { np.ones(3) }
state = optimiser.update(0, { np.ones(3) }, state)
local w = optimiser.get_params(state)]]):format(name, table.concat(call, ', '))
  return doc
end

-- A value that meets the demands of a parameter, "a>0".
local function fitting(word)
  local name = word:match '^[%w_]+'
  return tostring(values[name] or word:find '>=?%a' and 3 or word:find '<=?1' and 0.3 or 2)
end

--- The docstring of a distribution of scipy.stats.
-- @tparam string name
-- @treturn table|nil
function M.statistics(name)
  local row = row_of(C.imnn_stats_get, name)
  if not row then return nil end
  local doc, given = comment.new(), {}
  doc.name, doc.kind, doc.topic = name, 'table', 'Distributions of one number'
  doc.summary = ffi.string(row.doc)
  doc.text = 'Parameters, with what is asked of them and their defaults: '
    .. ffi.string(row.params):gsub('%s+', ', ') .. '.'
  for word in ffi.string(row.params):gmatch '%S+' do
    if not word:find '[^<>]=' then given[#given + 1] = fitting(word) end
  end
  local k, first = 0, nil
  while C.imnn_stats_function(k) ~= nil do
    local what = ffi.string(C.imnn_stats_function(k))
    if C.imnn_stats_has(name, what) then
      local of = (what == 'ppf' or what == 'isf') and 'q' or 'x'
      local moment = what == 'mean' or what == 'var' or what == 'std'
      doc.params[#doc.params + 1] = { name = what, type = 'function',
        text = ('(%s)'):format(moment and '...' or of .. ', ...') }
      first = first or what
    end
    k = k + 1
  end
  doc.usage[1] = ('scipy.stats.%s.%s(%s)'):format(name, first, table.concat({ 1, unpack(given) },
    ', '))
  return doc
end

return M
