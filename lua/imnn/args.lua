--- Options: a table of names, checked.
-- @module imnn.args
local core = require 'imnn.core'
local M = {}

--- Other spellings of an option; both are the same option.
-- @usage imnn.args.spelling.optimizer --> 'optimiser'
M.spelling = {
  ['α'] = 'alpha', ['δθ'] = 'delta_theta', ['ε'] = 'epsilon', ['ϵ'] = 'epsilon',
  ['θ_fid'] = 'theta_fid', ['λ'] = 'lambda', ['μ'] = 'mu', ['dμ_dθ'] = 'dmu_dtheta',
  colour = 'color', colours = 'colors', optimizer = 'optimiser',
}
-- Spellings of rows that mean one key or one state.
local also = { rng = 'key', state = 'key_or_state' }

--- Types of options beside those of Lua: a function for each that knows its values.
-- @usage imnn.args.types.Array(np.zeros(2)) --> true
M.types = {}

local function type_of(v)
  if type(v) == 'number' and v % 1 == 0 then return 'number', 'integer' end
  for name, is in pairs(M.types) do
    if is(v) then return name, name end
  end
  local meta = type(v) == 'table' and getmetatable(v)
  if meta and meta.__call then return 'table', 'function' end
  return type(v), type(v)
end

local function expect(who, what, v, row)
  local a, b = type_of(v)
  for _, want in ipairs(row) do
    if want == a or want == b then
      if a == 'number' and not row.any and (v ~= v or v == math.huge or v == -math.huge) then
        core.raise('%s: %s must be finite, got %s', who, what, tostring(v))
      end
      return v
    end
  end
  core.raise('%s: %s must be %s, got %s', who, what, table.concat(row, ' or '),
    type(v) == 'number' and tostring(v) or b)
end

--- A positional argument, checked.
-- @tparam string who name of the function, for messages
-- @tparam string what name of the argument
-- @param v what the user gave
-- @tparam table row { type, ..., default = value, optional = true }, as for `take`
-- @return v, or the default
-- @raise another type, a number that is not finite
-- @usage imnn.args.argument('mine', 'n', nil, { 'integer', default = 3 }) --> 3
function M.argument(who, what, v, row)
  if v == nil and (row.default ~= nil or row.optional) then return row.default end
  return expect(who, what, v, row)
end

--- A list, which has something at each of its places: { nil, 1 } has not, and what Lua says of its
-- length is a matter of luck.
-- @tparam string who name of the function, for messages
-- @tparam string what name of the list
-- @tparam table list
-- @treturn table list
-- @raise a place that is empty, a key that is no place
-- @usage imnn.args.list('mine', 'q', { 0.1, 0.9 })
function M.list(who, what, list)
  local last = 0
  for key in pairs(list) do
    if type(key) ~= 'number' or key % 1 ~= 0 or key < 1 then
      core.raise('%s: %s is a list, got one with "%s"', who, what, tostring(key))
    end
    last = math.max(last, key)
  end
  for i = 1, last do
    if list[i] == nil then core.raise('%s: %s has nothing at place %d', who, what, i) end
  end
  return list
end

-- Number of letters to change, insert, drop, or swap with the next one (Damerau 1964).
local function distance(a, b)
  local last, row = nil, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local above = row
    row = { [0] = i }
    for j = 1, #b do
      local keep = above[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1)
      row[j] = math.min(keep, above[j] + 1, row[j - 1] + 1)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], last[j - 2] + 1)
      end
    end
    last = above
  end
  return row[#b]
end

--- "; did you mean ...?" for the nearest known name, or nothing if none is near.
-- @tparam string key what was given
-- @tparam table known a table whose keys are the names
-- @treturn string
-- @usage imnn.args.near('lamda', { lambda = true }) --> '; did you mean "lambda"?'
function M.near(key, known)
  local best, least = nil, math.min(math.max(2, math.floor(#key / 2)), #key) -- not all letters
  for name in pairs(known) do
    if type(name) == 'string' then
      local d = distance(key, name)
      if d < least or d == least and best and name < best then best, least = name, d end
    end
  end
  return best and '; did you mean "' .. best .. '"?' or ''
end

--- A module in which asking for a name that it does not have is an error that suggests the nearest
-- one. rawget asks without it.
-- @tparam string who its name
-- @tparam table module
-- @treturn table the module
-- @usage local mine = imnn.args.strict('mine', { sum = np.sum })
-- pcall(function() return mine.sim end) --> false
function M.strict(who, module)
  return setmetatable(module, { __index = function(_, name)
    core.raise('%s: there is no "%s"%s', who, tostring(name), M.near(tostring(name), module))
  end })
end

--- Refuse a name that an object does not have, but that is nearly that of a method. Other names are
-- fields that may not be there yet.
-- @tparam string who what the object is
-- @param key
-- @tparam table methods
-- @param ... more tables of methods
-- @usage imnn.args.known('net', 'F', { fit = print })
-- pcall(imnn.args.known, 'net', 'fitt', { fit = print }) --> false
function M.known(who, key, ...)
  if type(key) ~= 'string' or #key < 4 then return end
  for i = 1, select('#', ...) do
    for name in pairs((select(i, ...))) do
      if #name >= 3 and name:sub(1, 2) ~= '__' and distance(key, name) <= math.min(2, #name - 2)
      then
        core.raise('%s: there is no "%s"; did you mean "%s"?', who, key, name)
      end
    end
  end
end

--- One of several values by name.
-- @tparam string who
-- @tparam string what the option
-- @tparam string given
-- @tparam table values name -> value
-- @treturn the value of that name
-- @raise another name; the nearest one is suggested
-- @usage imnn.args.choice('my_function', 'side', 'left', { left = -1, right = 1 }) --> -1
function M.choice(who, what, given, values)
  if values[given] then return values[given] end
  local names = {}
  for name in pairs(values) do names[#names + 1] = '"' .. name .. '"' end
  table.sort(names)
  core.raise('%s: %s is %s, got "%s"%s', who, what, table.concat(names, ' or '), tostring(given),
    M.near(tostring(given), values))
end

local function name_of(key, rows)
  local name = M.spelling[key] or key
  if rows[name] then return name end
  if also[name] and rows[also[name]] then return also[name] end
  if name == 'key' and rows.key_or_state and not rows.key then return 'key_or_state' end
  return rows[key] and key or nil
end

--- Rows beside others.
-- @tparam table base
-- @tparam table more which come in place of those of the same names
-- @treturn table
-- @usage local rows = imnn.args.rows({ n = { 'integer' } }, { m = { 'integer', default = 1 } })
function M.rows(base, more)
  local out = {}
  for _, rows in ipairs { base, more } do
    for name, row in pairs(rows) do out[name] = row end
  end
  return out
end

--- A table of options in one spelling.
-- @tparam string who name of the function, for messages
-- @tparam table|nil opts what the user gave
-- @tparam table rows whose names are the options
-- @treturn table ASCII name -> value
-- @raise an unknown option, one that is given twice
-- @usage imnn.args.spelled('mine', { ['λ'] = 3 }, { lambda = { 'number' } }) --> { lambda = 3 }
function M.spelled(who, opts, rows)
  local given = {}
  if opts ~= nil and type(opts) ~= 'table' then
    core.raise('%s: options are a table { name = value, ... }, got %s', who, (select(2, type_of(
      opts))))
  end
  for key, v in pairs(opts or {}) do
    local name = name_of(key, rows)
    if not name and type(key) == 'number' then
      core.raise('%s: options have names, { name = value, ... }, got one without at place %s', who,
        tostring(key))
    elseif not name then
      core.raise('%s: unknown option "%s"%s', who, tostring(key), M.near(tostring(key), rows))
    end
    if given[name] ~= nil then core.raise('%s: option "%s" is given twice', who, name) end
    given[name] = v
  end
  return given
end

--- Check a table of options against rows { type, ..., default = value, optional = true }. Numbers
-- are finite, but where a row has any = true.
-- @tparam string who name of the function, for messages
-- @tparam table|nil opts what the user gave
-- @tparam table rows name -> row; a row without default is required unless optional
-- @treturn table ASCII name -> value
-- @raise unknown, missing or wrong option
-- @usage imnn.args.take('mine', { n = 3 }, { n = { 'integer' }, s = { 'string', default = 'a' } })
-- --> { n = 3, s = 'a' }
function M.take(who, opts, rows)
  local given, out = M.spelled(who, opts, rows), {}
  for name, row in pairs(rows) do
    local v = given[name]
    if v == nil then v = row.default
    else expect(who, ('option "%s"'):format(name), v, row) end
    if v == nil and not row.optional then core.raise('%s: option "%s" is missing', who, name) end
    out[name] = v
  end
  return out
end

return M
