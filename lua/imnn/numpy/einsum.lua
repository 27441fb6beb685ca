--- Sums of products over axes with labels.
-- @module imnn.numpy.einsum
local args = require 'imnn.args'
local array = require 'imnn.array'
local axes_of = require 'imnn.numpy.axes'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local diagonal = require('imnn.numpy.matrices').diagonal
local promote = require 'imnn.numpy.promote'
local registry = require 'imnn.registry'
local M = {}

-- Labels of the axes of an operand or the result. Those of '...' are numbers from the last one.
local function labels_of(text, dots, who)
  local out = {}
  local before, behind = text:match '^(.-)%.%.%.(.*)$'
  if (before or text):find '[^%a]' or behind and behind:find '[^%a]' then
    core.raise('np.einsum: "%s" is no list of letters for %s', text, who)
  end
  for letter in (before or text):gmatch '%a' do out[#out + 1] = letter end
  if before then
    for k = dots, 1, -1 do out[#out + 1] = k end
    for letter in behind:gmatch '%a' do out[#out + 1] = letter end
  end
  return out, before ~= nil
end

-- An operand: { x, labels }. Axes with one label become their diagonal.
local function diagonals(x, labels)
  local k = 1
  while k <= #labels do
    local again
    for i = k + 1, #labels do if labels[i] == labels[k] then again = again or i end end
    if again then
      if x.shape[k] ~= x.shape[again] then
        core.raise('np.einsum: "%s" has %d and %d elements', labels[k], x.shape[k],
          x.shape[again])
      end
      x = diagonal(x, 0, k, again)
      local label = table.remove(labels, again)
      table.remove(labels, k)
      labels[#labels + 1] = label
    else
      k = k + 1
    end
  end
  return { x = x, labels = labels }
end

local function set(labels)
  local out = {}
  for k, label in ipairs(labels) do out[label] = k end
  return out
end

-- Without the axes that fn(label, size) chooses, which are summed over.
local function sum_out(operand, fn)
  local axes, labels, sizes = {}, {}, operand.x.shape
  for k, label in ipairs(operand.labels) do
    if fn(label, sizes[k]) then axes[#axes + 1] = k - 1
    else labels[#labels + 1] = label end
  end
  if #axes == 0 then return operand end
  return { x = axes_of.reduce('sum', operand.x, axes), labels = labels }
end

-- x with axes in the order of the labels, in groups that become one axis each.
local function grouped(operand, groups)
  local at, order, sizes, shape_of = set(operand.labels), {}, {}, operand.x.shape
  for i, group in ipairs(groups) do
    sizes[i] = 1
    for _, label in ipairs(group) do
      order[#order + 1] = at[label] - 1
      sizes[i] = sizes[i] * shape_of[at[label]]
    end
  end
  return array.apply('reshape', { array.apply('transpose', { operand.x }, order) }, sizes)
end

-- Two operands as one; labels that `keep` has not are summed over.
local function contract_pair(a, b, keep)
  local in_a, in_b = set(a.labels), set(b.labels)
  local wide = {} -- labels of more than one element
  for _, o in ipairs { a, b } do
    for k, label in ipairs(o.labels) do wide[label] = wide[label] or o.x.shape[k] ~= 1 end
  end
  a = sum_out(a, function(l, n) return in_b[l] and n == 1 and wide[l] end) -- it broadcasts
  b = sum_out(b, function(l, n) return in_a[l] and n == 1 and wide[l] end)
  in_a, in_b = set(a.labels), set(b.labels)
  a = sum_out(a, function(l) return not keep[l] and not in_b[l] end)
  b = sum_out(b, function(l) return not keep[l] and not in_a[l] end)
  in_a, in_b = set(a.labels), set(b.labels)
  local batch, sums, rows, columns, labels, sizes = {}, {}, {}, {}, {}, {}
  local sa, sb = a.x.shape, b.x.shape
  for k, label in ipairs(a.labels) do
    local j = in_b[label]
    if j and sa[k] ~= sb[j] then
      core.raise('np.einsum: "%s" has %d and %d elements', tostring(label), sa[k], sb[j])
    end
    local group = j and (keep[label] and batch or sums) or rows
    group[#group + 1] = label
  end
  for _, label in ipairs(b.labels) do if not in_a[label] then columns[#columns + 1] = label end end
  for _, group in ipairs { batch, rows, columns } do
    for _, label in ipairs(group) do
      labels[#labels + 1] = label
      sizes[#sizes + 1] = in_a[label] and sa[in_a[label]] or sb[in_b[label]]
    end
  end
  local y
  if #sums > 0 and #rows + #columns > 0 and registry.matmul.dtypes[a.x.dtype] then
    local left = grouped(a, #batch > 0 and { batch, rows, sums } or { rows, sums })
    local right = grouped(b, #batch > 0 and { batch, sums, columns } or { sums, columns })
    y = array.apply('matmul', { left, right }, { 0, 0 })
  else -- nothing that a matrix product would make faster
    local left = grouped(a, { batch, rows, {}, sums })
    y = axes_of.reduce('sum', left * grouped(b, { batch, {}, columns, sums }), { 3 })
  end
  return { x = array.apply('reshape', { y }, sizes), labels = labels }
end

-- Elements of what two operands together have.
local function cost(a, b, keep)
  local n, seen = 1, {}
  for _, o in ipairs { a, b } do
    for k, label in ipairs(o.labels) do
      if keep[label] and not seen[label] then n = n * o.x.shape[k] end
      seen[label] = true
    end
  end
  return n - a.x.size - b.x.size
end

-- Labels that something else than operands i and j needs.
local function needed(list, out, i, j)
  local keep = {}
  for _, label in ipairs(out) do keep[label] = true end
  for k, o in ipairs(list) do
    if k ~= i and k ~= j then for _, label in ipairs(o.labels) do keep[label] = true end end
  end
  return keep
end

-- Labels of all operands and of the result.
local function parse(text, operands)
  if type(text) ~= 'string' then
    core.raise('np.einsum: needs labels, as "ij,jk->ik", got %s', core.kind(text))
  end
  text = text:gsub('%s', '')
  local inputs, output = text:match '^(.-)%->(.*)$'
  local parts, list, count, dots = {}, {}, {}, 0
  for part in ((inputs or text) .. ','):gmatch '(.-),' do parts[#parts + 1] = part end
  if #parts ~= #operands then
    core.raise('np.einsum: "%s" is about %d arrays, got %d', text, #parts, #operands)
  end
  for i, part in ipairs(parts) do
    local letters = #part:gsub('%.%.%.', '')
    local more = operands[i].ndim - letters
    if part:find('...', 1, true) and more > 0 then dots = math.max(dots, more) end
    local labels = labels_of(part, math.max(more, 0), 'array ' .. i)
    if #labels ~= operands[i].ndim then
      core.raise('np.einsum: "%s" names %d axes of array %d, which has %d', part, #labels, i,
        operands[i].ndim)
    end
    for _, label in ipairs(labels) do count[label] = (count[label] or 0) + 1 end
    list[i] = diagonals(operands[i], labels)
  end
  local out
  if output then
    out = labels_of(output, dots, 'the result')
    local seen = {}
    for _, label in ipairs(out) do
      if not count[label] or seen[label] then
        core.raise('np.einsum: "%s" of the result must be in an array, and there once',
          tostring(label))
      end
      seen[label] = true
    end
  else -- letters that occur once, in alphabetical order
    out = {}
    for label, n in pairs(count) do
      if type(label) == 'string' and n == 1 then out[#out + 1] = label end
    end
    table.sort(out)
    for k = 1, dots do table.insert(out, 1, k) end
  end
  return list, out
end

--- Products of elements, summed over all labels that the result does not name (Einstein's rule).
-- Two arrays at a time, those with the smallest result first, as matrix products where possible.
-- @tparam string labels a letter for each axis, "ij,jk->ik"; '...' is any axes, which broadcast;
--   a repeated letter of one array is its diagonal; without "->", letters that occur once are left
-- @param ... Arrays
-- @treturn Array
-- @raise labels that do not fit the arrays
-- @usage np.einsum('ii', np.eye(3)) --> 3
-- np.einsum('ij,ik->jk', x, x)
function M.einsum(labels, ...)
  local operands = { ... }
  for i = 1, select('#', ...) do operands[i] = create.as_array(operands[i], 'np.einsum') end
  local dtype = promote.dtype(operands)
  if dtype == 'bool' then dtype = 'i32' end
  for i, x in ipairs(operands) do operands[i] = promote.convert(x, dtype) end
  local list, out = parse(labels, operands)
  while #list > 1 do
    local i, j, least
    for a = 1, #list do
      for b = a + 1, #list do
        local c = cost(list[a], list[b], needed(list, out, a, b))
        if not least or c < least then i, j, least = a, b, c end
      end
    end
    local b = table.remove(list, j)
    list[i] = contract_pair(list[i], b, needed(list, out, i))
  end
  local last = sum_out(list[1], function(label) return not set(out)[label] end)
  local at, order = set(last.labels), {}
  for k, label in ipairs(out) do order[k] = at[label] - 1 end
  return array.apply('transpose', { last.x }, order)
end

--- Sum over axes of both.
-- @tparam Array a
-- @tparam Array b
-- @tparam[opt=2] number|table axes how many of the last axes of a and the first of b, or
--   { axes of a, axes of b }
-- @treturn Array with the other axes of a, then those of b
-- @usage np.tensordot(x, x, { { 1, 2 }, { 1, 2 } }) --> 91
function M.tensordot(a, b, axes)
  a, b = create.as_array(a, 'np.tensordot'), create.as_array(b, 'np.tensordot')
  axes = args.argument('np.tensordot', 'axes', axes, { 'integer', 'table', default = 2 })
  local of_a, of_b = {}, {}
  if type(axes) == 'number' then
    for k = 1, axes do of_a[k], of_b[k] = a.ndim - axes + k, k end
  else
    of_a = type(axes[1]) == 'table' and axes[1] or { axes[1] }
    of_b = type(axes[2]) == 'table' and axes[2] or { axes[2] }
  end
  if #of_a ~= #of_b then
    core.raise('np.tensordot: %d axes of the first and %d of the second array', #of_a, #of_b)
  end
  local la, lb, out = {}, {}, {}
  for k = 1, a.ndim do la[k] = string.char(96 + k) end
  for k = 1, b.ndim do lb[k] = string.char(64 + k) end
  local summed = {}
  for i, k in ipairs(of_a) do
    local p = core.index(k, a.ndim, 'np.tensordot: no axis') + 1
    local q = core.index(of_b[i], b.ndim, 'np.tensordot: no axis') + 1
    if a.shape[p] ~= b.shape[q] then
      core.raise('np.tensordot: sums over %d elements of the first and %d of the second array',
        a.shape[p], b.shape[q])
    end
    lb[q], summed[la[p]] = la[p], true
  end
  for _, list in ipairs { la, lb } do
    for _, label in ipairs(list) do if not summed[label] then out[#out + 1] = label end end
  end
  return M.einsum(('%s,%s->%s'):format(table.concat(la), table.concat(lb), table.concat(out)), a, b)
end

return M
