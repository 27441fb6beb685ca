--- Whether all simulations gave the same: then they tell nothing about the parameters, and what
-- looks like a posterior is the prior.
-- @module imnn.lfi.alike
local Alike = {}
Alike.__index = Alike

local STEP = 4096 -- rows that are looked at together: the first ones mostly do

local function add_rows(self, x, failed)
  local n = #x
  local held = x:astype 'f64' + 0 -- rows that follow each other
  local width, rows, first = x.size / n, held:data(), self.first
  for i = 0, n - 1 do
    if not failed or failed[i] == 0 then
      self.count = self.count + 1
      for k = 1, width do
        local value = rows[i * width + k - 1]
        first[k] = first[k] or value
        if value ~= first[k] then
          self.differ = true
          return
        end
      end
    end
  end
end

--- More rows. Once two of them differ no other is looked at.
-- @tparam Array x (n) or (n, m)
-- @tparam[opt] cdata failed bytes (n): rows that do not count
function Alike:add(x, failed)
  for from = 1, #x, STEP do
    if self.differ then return end
    add_rows(self, x[{ { from, math.min(from + STEP - 1, #x) } }], failed and failed + (from - 1))
  end
end

--- What there is to say, if there is.
-- @tparam[opt] integer target whose distances the rows are; none: they are summaries
-- @treturn string|nil
function Alike:sentence(target)
  if self.differ or self.count < 2 then return nil end
  return ('all %d simulations have the same %s: they tell nothing about the parameters, and what '
    .. 'is accepted is the prior; look at compressor and simulator'):format(self.count,
    target and ('distance %g from target %d'):format(self.first[1], target) or 'summaries')
end

--- What has been seen, as a table for a file.
function Alike:record() return { count = self.count, differ = self.differ, first = self.first } end

--- No rows yet, or those of a record.
return function(record)
  record = record or { count = 0, differ = false, first = {} }
  return setmetatable({ count = record.count, differ = record.differ, first = record.first }, Alike)
end
