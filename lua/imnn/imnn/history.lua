--- What fits remember: a number per iteration and statistic, in double.
-- @module imnn.imnn.history
local ffi = require 'ffi'
local core = require 'imnn.core'
local names_of = require 'imnn.imnn.names'
local np = require 'imnn.numpy'
local value_at = require 'imnn.array.value'
local M = {}

--- The columns, in the order in which a compiled iteration gives them, once for the training set
-- and once for the validation set.
M.names = {
  'detF', 'detC', 'detinvC', 'Lambda_2', 'r', 'lndetF', 'lndetC', 'lndetinvC', 'loss',
}
local width = 2 * #M.names

local column = {} -- key -> position in a row
for i, name in ipairs(M.names) do
  column[name] = i
  column['val_' .. name] = #M.names + i
end

local History = {}

--- No iterations.
-- @treturn History `detF`, `detC`, `detinvC`, `Lambda_2`, `r`, `lndetF`, `lndetC`, `lndetinvC`,
-- `loss`: f64 Arrays (size), computed with the weights BEFORE the update of that iteration,
-- and the same with `val_` in front, of the validation set AFTER it; `max_detF`, `max_lndetF`: the
-- best so far, 0 and -infinity before; `best_row`: of the training set, the row of the weights that
-- gave it; `size`: number of iterations
function M.new()
  return setmetatable({ size = 0, room = 0, rows = false, made = {}, max_lndetF = -math.huge,
    best_row = 0, validated = false }, History)
end

local function grow(self)
  local room = math.max(256, 2 * self.room)
  local rows = ffi.new('double[?]', room * width)
  if self.size > 0 then ffi.copy(rows, self.rows, self.size * width * 8) end
  self.rows, self.room = rows, room
end

--- Append a row of numbers, twice as many as there are names.
-- @param row double *
-- @tparam boolean validated whether the second half are numbers
function M.append(self, row, validated)
  self.validated = self.validated or validated
  if self.size == self.room then grow(self) end
  ffi.copy(self.rows + self.size * width, row, width * 8)
  self.size = self.size + 1
end

--- What it takes to make the same again, as a table that files can hold.
-- @treturn table
function M.pack(self)
  local rows = ffi.new('double[?]', math.max(self.size * width, 1))
  if self.size > 0 then ffi.copy(rows, self.rows, self.size * width * 8) end
  return { names = M.names, rows = np.from_buffer(rows, { self.size, width }, 'f64'),
    max_lndetF = self.max_lndetF, best_row = self.best_row, validated = self.validated }
end

--- A history from such a table.
-- @tparam table packed
-- @treturn History
function M.unpack(packed)
  local self = M.new()
  for k = 1, packed.rows.shape[1] do
    M.append(self, ffi.cast('const double *', packed.rows:data()) + (k - 1) * width,
      packed.validated)
  end
  self.max_lndetF, self.best_row = packed.max_lndetF, packed.best_row
  return self
end

local function values(self, i)
  local n = (i <= #M.names or self.validated) and self.size or 0
  local out = ffi.new('double[?]', math.max(n, 1))
  for k = 0, n - 1 do out[k] = value_at(self.rows, 'f64', k * width + i - 1) end
  return np.from_buffer(out, { n }, 'f64')
end

--- A column, as an f64 Array (size): detF, detC, detinvC, Lambda_2, r, lndetF, lndetC, lndetinvC,
-- loss, of the weights BEFORE the update of that iteration, and the same with `val_` in front, of
-- the validation set AFTER it: (0) without one, NaN in iterations that did not have it.
-- @treturn Array
-- @usage print(net.history.detF)
-- @field History.detF
function History.__index(self, key)
  key = names_of(key)
  if key == 'max_detF' then return math.exp(self.max_lndetF) end
  local i = column[key]
  if i == nil then return nil end
  local made = self.made[key]
  if not made or made.size ~= self.size then
    made = { size = self.size, array = values(self, i) }
    self.made[key] = made
  end
  return made.array
end

function History.__newindex(_, key)
  core.raise('history: "%s" cannot be set; net:reset() forgets what was reached', tostring(key))
end

function History.__tostring(self)
  return ('history of %d iterations: %s%s; max_detF %.6g'):format(self.size,
    table.concat(M.names, ', '), self.validated and ', and of the validation set, with val_' or '',
    self.max_detF)
end

--- The number of iterations.
-- @treturn number
-- @usage net.history.size
-- @field History.size

--- The best determinant of the Fisher information so far.
-- @treturn number
-- @usage net.history.max_detF
-- @field History.max_detF

return M
