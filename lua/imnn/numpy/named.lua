--- Arguments by name, as in Python: np.stack({ a, b }, { axis = 2 }) is np.stack({ a, b }, 2).
-- @module imnn.numpy.named
local args = require 'imnn.args'
local core = require 'imnn.core'

-- Functions: how many arguments have no name, then the names of the others, in order; a list of
-- names are spellings of one.
local rows = {
  array = { 1, 'dtype' }, asarray = { 1, 'dtype' }, astype = { 1, 'dtype' },
  zeros = { 1, 'dtype' }, ones = { 1, 'dtype' }, empty = { 1, 'dtype' }, full = { 2, 'dtype' },
  zeros_like = { 1, 'dtype' }, ones_like = { 1, 'dtype' }, empty_like = { 1, 'dtype' },
  full_like = { 2, 'dtype' }, indices = { 1, 'dtype' }, identity = { 1, 'dtype' },
  one_hot = { 2, 'dtype' }, arange = { 1, 'stop', 'step', 'dtype' },
  eye = { 1, { 'm', 'M' }, 'k', 'dtype' }, tri = { 1, { 'm', 'M' }, 'k', 'dtype' },
  tril = { 1, 'k' }, triu = { 1, 'k' }, diag = { 1, 'k' }, diagflat = { 1, 'k' },
  diagonal = { 1, { 'k', 'offset' }, 'axis1', 'axis2' },
  trace = { 1, { 'k', 'offset' }, 'axis1', 'axis2' },
  concatenate = { 1, 'axis' }, stack = { 1, 'axis' }, append = { 2, 'axis' },
  split = { 2, 'axis' }, array_split = { 2, 'axis' }, repeat_ = { 2, 'axis' },
  ['repeat'] = { 2, 'axis' }, roll = { 2, 'axis' }, flip = { 1, 'axis' },
  rot90 = { 1, 'k', 'axes' }, tile = { 1, 'reps' }, expand_dims = { 1, 'axis' },
  squeeze = { 1, 'axis' }, take = { 2, 'axis', 'mode', 'fill_value' },
  take_along_axis = { 2, 'axis', 'mode', 'fill_value' }, choose = { 2, 'mode' },
  insert = { 3, 'axis' }, delete = { 2, 'axis' }, cross = { 2, 'axis' },
  lexsort = { 1, 'axis' }, tensordot = { 2, 'axes' }, convolve = { 2, 'mode' },
  correlate = { 2, 'mode' }, round = { 1, 'decimals' }, around = { 1, 'decimals' },
  clip = { 1, { 'min', 'a_min' }, { 'max', 'a_max' } },
  vander = { 1, { 'n', 'N' }, 'increasing' },
  qr = { 1, 'mode' }, pinv = { 1, 'rcond' }, lstsq = { 2, 'rcond' },
  fftfreq = { 1, 'd', 'dtype' }, rfftfreq = { 1, 'd', 'dtype' },
}

-- Where an empty table is an empty list; elsewhere it is a table of no options.
local lists = { shape = true, axes = true, axis = true, reps = true }

local function is_named(t, name)
  if type(t) ~= 'table' or #t > 0 or getmetatable(t) ~= nil then return false end
  return next(t) ~= nil or not lists[name]
end

-- So that no call of a function is a tail call: messages look for the one that scripts know.
local function results(...) return ... end

local function wrapped(who, fn, row)
  local first, count, places = row[1], #row - 1, {}
  for i = 1, count do
    local names = row[i + 1]
    for _, name in ipairs(type(names) == 'table' and names or { names }) do
      places[name] = first + i
    end
  end
  return function(...)
    local n = select('#', ...)
    if n <= first or n > first + count then return results(fn(...)) end
    local last, place = select(n, ...), row[n - first + 1]
    if not is_named(last, type(place) == 'table' and place[1] or place) then
      return results(fn(...))
    end
    local list = { ... }
    list[n] = nil
    for name, value in pairs(last) do
      local at = places[name]
      if not at then
        core.raise('%s: unknown option "%s"%s', who, tostring(name),
          args.near(tostring(name), places))
      elseif list[at] ~= nil then
        core.raise('%s: "%s" is given twice', who, name)
      end
      list[at] = value
    end
    return results(fn(unpack(list, 1, first + count)))
  end
end

--- Let the functions of a module take their arguments by name.
-- @tparam string where its name
-- @tparam table module changed; equal functions stay equal
-- @tparam[opt] table own rows of its functions: how many arguments have no name, then the names of
-- the others, or lists of spellings; those of np without it
-- @treturn table the module
-- @usage require 'imnn.numpy.named'('np', { stack = np.stack })
return function(where, module, own)
  local made = {}
  for name, row in pairs(own or rows) do
    local fn = rawget(module, name)
    if fn then
      made[fn] = made[fn] or wrapped(where .. '.' .. name, fn, row)
      module[name] = made[fn]
    end
  end
  return module
end
