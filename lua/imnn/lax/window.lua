--- Sums and extrema of windows, under the names of jax.lax.
-- @module imnn.lax.window
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local elementwise = require('imnn.numpy.elementwise').apply
local layouts = require 'imnn.lax.layout'
local operands = require 'imnn.numpy.operands'
local promote = require 'imnn.numpy.promote'
local shape = require 'imnn.numpy.shape'
local M = {}

local window_rows = {
  window_strides = { 'table', optional = true }, padding = { 'string', 'table', default = 'VALID' },
  base_dilation = { 'table', optional = true }, window_dilation = { 'table', optional = true },
}

-- Windows of all axes as { moved = axes that they move over, attr, x with these before the last }.
local function windows_of(who, x, window, opts)
  local o, ndim = args.take(who, opts, window_rows), #x.shape
  window = layouts.numbers(who, 'window_dimensions', window, ndim)
  local strides = layouts.numbers(who, 'window_strides', o.window_strides, ndim)
  local base = layouts.numbers(who, 'base_dilation', o.base_dilation, ndim)
  local dilation = layouts.numbers(who, 'window_dilation', o.window_dilation, ndim)
  local sizes, wide = {}, {}
  for k = 1, ndim do
    sizes[k] = layouts.dilated(x.shape[k], base[k])
    wide[k] = layouts.dilated(window[k], dilation[k])
  end
  local padding = layouts.pairs_of(who, o.padding, sizes, wide, strides)
  local moved, still, attr, empty = {}, {}, { 0 }, false
  for k = 1, ndim do
    local low, high = padding[k][1], padding[k][2]
    if window[k] == 1 and strides[k] == 1 and base[k] == 1 and low == 0 and high == 0 then
      still[#still + 1] = k
    else
      moved[#moved + 1] = k
      for _, v in ipairs { window[k], strides[k], low, high, base[k], dilation[k] } do
        attr[#attr + 1] = v
      end
      empty = empty or low >= wide[k] or high >= wide[k] or base[k] > 1
    end
  end
  attr[1] = #moved
  if #moved > 3 then core.raise('%s: the window moves over %d axes, at most 3', who, #moved) end
  -- The last axis that is not moved over, if any, is what channels are.
  local order, channels = {}, still[#still]
  for i = 1, #still - 1 do order[i] = still[i] end
  for _, k in ipairs(moved) do order[#order + 1] = k end
  order[#order + 1] = channels
  local inverse, adjusted = {}, x
  if ndim > 0 then adjusted = shape.transpose(x, order) end
  if not channels then adjusted = shape.expand_dims(adjusted, -1) end
  for i, k in ipairs(order) do inverse[k] = i end
  return {
    x = adjusted, attr = attr, n = #moved, empty = empty,
    back = function(y)
      if not channels then y = shape.squeeze(y, -1) end
      return ndim > 0 and shape.transpose(y, inverse) or y
    end,
  }
end

-- Spatial axes as one.
local function flat(w, x)
  local s, out, n = x.shape, {}, 1
  local first = #s - 1 - w.n
  for k = 1, first do out[k] = s[k] end
  for k = first + 1, #s - 1 do n = n * s[k] end
  out[first + 1], out[first + 2] = n, s[#s]
  return shape.reshape(x, out), first
end

local computations = {}

function computations.add(w, init)
  local y = array.apply('window_sum', { w.x }, w.attr)
  return init == 0 and y or y + init
end
function computations.max(w, init)
  local y = array.apply('window_max', { w.x }, w.attr)
  return init == -math.huge and y or elementwise('maximum', y, init)
end
-- Upside down; the complement of whole numbers, since there is one more below 0 or none.
local function turned(x) return elementwise(promote.is_float(x.dtype) and 'neg' or 'not', x) end
function computations.min(w, init)
  local y = turned(array.apply('window_max', { turned(w.x) }, w.attr))
  return init == math.huge and y or elementwise('minimum', y, init)
end

local function computation_of(who, what)
  local np = require 'imnn.numpy'
  if what == np.add or what == 'sum' then what = 'add'
  elseif what == np.maximum then what = 'max'
  elseif what == np.minimum then what = 'min' end
  return computations[what]
    or core.raise("%s: the computation is 'add', 'max' or 'min' (or np.add, ...), got %s", who,
      tostring(what))
end

--- What a window meets at each of its places, as one number: sum, maximum or minimum.
-- @tparam Array operand
-- @tparam number init_value where it starts, which is also what padding counts as: 0, -inf, inf
-- @param computation 'add', 'max', 'min', or np.add, np.maximum, np.minimum
-- @tparam table window_dimensions one number an axis; up to three axes may have more than 1
-- @tparam[opt] table window_strides (1, ...)
-- @tparam[opt='VALID'] string|table padding 'VALID', 'SAME', 'SAME_LOWER', or pairs { low, high }
-- @tparam[opt] table base_dilation (1, ...)
-- @tparam[opt] table window_dilation (1, ...)
-- @treturn Array
-- @usage lax.reduce_window(x, -math.huge, 'max', { 2, 2 }) --> { { 5, 6 } }
-- lax.reduce_window(x, 0, 'add', { 1, 2 }, { 1, 2 }, 'SAME') --> { { 3, 3 }, { 9, 6 } }
function M.reduce_window(operand, init_value, computation, window_dimensions, window_strides,
  padding, base_dilation, window_dilation)
  local who = 'reduce_window'
  local x = operands.of(who, 'window_sum', operand)
  if type(init_value) ~= 'number' then
    core.raise('%s: init_value must be a number, got %s', who, core.kind(init_value))
  end
  local compute = computation_of(who, computation)
  local w = windows_of(who, x, window_dimensions, {
    window_strides = window_strides, padding = padding, base_dilation = base_dilation,
    window_dilation = window_dilation })
  return w.back(compute(w, init_value))
end

--- Scatter source to where the largest (smallest) element of each window of operand is, the first
-- of several, added up: the derivative of maximum pooling.
-- @tparam Array operand
-- @param select 'max' or 'min' (jax.lax: ge, le)
-- @tparam table window_dimensions
-- @tparam Array source like the result of `reduce_window`
-- @tparam[opt] table window_strides (1, ...)
-- @tparam[opt='VALID'] string|table padding
-- @treturn Array like operand
-- @usage lax.select_and_scatter_add(x, 'max', { 2, 3 }, np.ones { 1, 1 })
-- --> { { 0, 0, 0 }, { 0, 0, 1 } }
function M.select_and_scatter_add(operand, select, window_dimensions, source, window_strides,
  padding)
  local who = 'select_and_scatter_add'
  if select ~= 'max' and select ~= 'min' then
    core.raise("%s: select is 'max' or 'min', got %s", who, tostring(select))
  end
  local x = create.as_array(operand, who)
  source = create.as_array(source, who)
  local opts = { window_strides = window_strides, padding = padding }
  local w = windows_of(who, select == 'max' and x or turned(x), window_dimensions, opts)
  local s = windows_of(who, source, window_dimensions, opts)
  local where = array.apply('window_argmax', { w.x }, w.attr)
  local given = s.x
  if table.concat(given.shape, ', ') ~= table.concat(where.shape, ', ') then
    core.raise('%s: source (%s) is not what windows of (%s) give', who,
      table.concat(source.shape, ', '), table.concat(x.shape, ', '))
  end
  if w.empty then given = elementwise('where', elementwise('lt', where, 0), 0, given) end
  local line, axis = flat(w, w.x)
  local y = array.apply('put_along_add', { (flat(w, given)), (flat(w, where)) },
    { axis, line.shape[axis + 1] })
  return w.back(shape.reshape(y, w.x.shape))
end

-- ---- select and scatter, by any functions ----

-- Ranges of the elements that offset number `at` of windows meets, one for each window.
local function met(at, window, strides, counts)
  local key = {}
  for k = #window, 1, -1 do
    local first = at % window[k] + 1
    at = math.floor(at / window[k])
    key[k] = counts[k] > 0 and { first, first + (counts[k] - 1) * strides[k], strides[k] }
      or { 2, 1 }
  end
  return key
end

local function scattered(who, x, better, window, source, init, combine, o)
  local ndim, counts, widths, offsets = x.ndim, source.shape, {}, 1
  window = layouts.numbers(who, 'window_dimensions', window, ndim)
  local strides = layouts.numbers(who, 'window_strides', o.window_strides, ndim)
  local padding = layouts.pairs_of(who, o.padding, x.shape, window, strides)
  local inner, fits = {}, #counts == ndim
  for k, n in ipairs(x.shape) do
    local low, high = padding[k][1], padding[k][2]
    if low < 0 or high < 0 then core.raise('%s: padding must not be negative', who) end
    local count = math.max(math.floor((low + n + high - window[k]) / strides[k]) + 1, 0)
    fits = fits and counts[k] == count
    widths[k], inner[k] = { low, high }, n > 0 and { low + 1, low + n } or { 2, 1 }
    offsets = offsets * window[k]
  end
  if not fits then
    core.raise('%s: source (%s) is not what windows of (%s) give', who,
      table.concat(source.shape, ', '), table.concat(x.shape, ', '))
  end
  local np = require 'imnn.numpy'
  local padded, real = np.pad(x, widths), np.pad(np.ones(x.shape, 'bool'), widths)
  local best, found = nil, np.zeros(counts, 'bool')
  local which = np.full(counts, -1, 'i32') -- the offset that is chosen, -1 where all is padding
  for at = 0, offsets - 1 do
    local key = met(at, window, strides, counts)
    local new, valid = padded[key], real[key]
    if not best then best = new end
    local keep = promote.convert(create.as_array(better(best, new), who), 'bool')
    local take = np['and'](valid, np['or'](np['not'](found), np['not'](keep)))
    best, which = np.where(take, new, best), np.where(take, at, which)
    found = np['or'](found, valid)
  end
  local y = np.full(padded.shape, init, source.dtype)
  for at = 0, offsets - 1 do
    local key = met(at, window, strides, counts)
    local old = y[key]
    y = y:at(key):set(np.where(np.eq(which, at), combine(old, source), old))
  end
  return y[inner]
end

--- Scatter source to the element of each window of operand that wins every comparison, combined
-- with what is there.
-- @tparam Array operand
-- @param select 'ge' (the largest element, the first of equal ones), 'le' (the smallest), np.ge,
-- np.le, or a function (a, b) -> bool Array that says where a stays, which comes before b
-- @tparam table window_dimensions one number an axis
-- @tparam Array source like the result of `reduce_window`
-- @tparam[opt=0] number init_value what elements begin with
-- @param[opt] scatter np.add (the default), or a function of what is there and source -> Array
-- @tparam[opt] table window_strides (1, ...)
-- @tparam[opt='VALID'] string|table padding
-- @treturn Array of the shape of operand and the dtype of source
-- @raise a source that does not fit
-- @usage lax.select_and_scatter(x, 'ge', { 2, 3 }, np.ones { 1, 1 })
-- --> { { 0, 0, 0 }, { 0, 0, 1 } }
-- lax.select_and_scatter(x, np.lt, { 2, 2 }, np.array { { 2, 3 } }, 1, np.multiply)
-- --> { { 2, 3, 1 }, { 1, 1, 1 } }
function M.select_and_scatter(operand, select, window_dimensions, source, init_value, scatter,
  window_strides, padding)
  local np, who = require 'imnn.numpy', 'select_and_scatter'
  local init = args.argument(who, 'init_value', init_value, { 'number', default = 0, any = true })
  scatter = scatter or np.add
  local o = args.take(who, { window_strides = window_strides, padding = padding }, {
    window_strides = window_rows.window_strides, padding = window_rows.padding })
  local extremum = (select == 'ge' or select == np.ge) and 'max'
    or (select == 'le' or select == np.le) and 'min'
  local function callable(what, fn)
    if type(fn) ~= 'function' then
      core.raise("%s: %s is a function of two Arrays%s, got %s", who, what,
        what == 'select' and ", 'ge' or 'le'" or '', type(fn) == 'string' and fn or core.kind(fn))
    end
  end
  callable('scatter', scatter)
  if extremum and scatter == np.add then
    local y = M.select_and_scatter_add(operand, extremum, window_dimensions, source,
      window_strides, padding)
    return init == 0 and y or y + init
  end
  if extremum then select = np[select] or select end
  callable('select', select)
  return scattered(who, create.as_array(operand, who), select, window_dimensions,
    create.as_array(source, who), init, scatter, o)
end

return M
