--- Draws that are kept: rows of parameters (n, P), summaries (n, S) and distances (n, T).
--
-- Attributes: size: rows; draws: how many were made for them; failed: how many of those could not
-- be made; complete_below: T distances up to which every draw that was made is here, infinity where
-- nothing was left out.
-- @module imnn.lfi.store
local np = require 'imnn.numpy'

local Store = {}
Store.__index = Store

--- A run of batches begins, or goes on.
-- @tparam string name by which the same run is known again
-- @tparam number rows how many may come at once
-- @treturn number how many of its batches are here already
function Store.begin() return 0 end

--- Rows that come after the others: a batch.
-- @tparam number count draws that were made for them
-- @tparam[opt=0] number failed those that could not be made
-- @tparam[opt] table epsilon T numbers: from now on only draws below these distances come
function Store:add(parameters, summaries, distances, count, failed, epsilon)
  self.parts[#self.parts + 1] = { parameters, summaries, distances }
  self.size, self.draws = self.size + #parameters, self.draws + count
  self.failed = self.failed + (failed or 0)
  for t, bound in ipairs(epsilon or {}) do
    self.complete_below[t] = math.min(self.complete_below[t], bound)
  end
end

--- All rows. They are joined only when somebody looks.
-- @treturn Array parameters
-- @treturn Array summaries
-- @treturn Array distances
function Store:rows()
  local joined = self.parts[1]
  if #self.parts > 1 then
    joined = {}
    for column = 1, 3 do
      local list = {}
      for i, part in ipairs(self.parts) do list[i] = part[column] end
      joined[column] = np.concatenate(list)
    end
    self.parts = { joined }
  end
  return unpack(joined or {})
end

--- Rows in order, some at a time: an iterator over parameters, summaries, distances.
function Store:each()
  local parts, i = self.parts, 0
  return function()
    i = i + 1
    if parts[i] then return unpack(parts[i]) end
  end
end

--- The distances to a target (n).
function Store:distances(t)
  local list = {}
  for _, _, d in self:each() do list[#list + 1] = d[{ {}, t }] end
  return np.concatenate(list)
end

--- How many rows are below epsilon, by target.
-- @tparam table epsilon T numbers
-- @tparam[opt] Array distances (n, T) of some rows; none: of all
-- @treturn table T numbers
function Store:count(epsilon, distances)
  local counts = {}
  for t in ipairs(epsilon) do counts[t] = 0 end
  local function add(d)
    for t, bound in ipairs(epsilon) do
      counts[t] = counts[t] + np.lt(d[{ {}, t }], bound):sum():item()
    end
  end
  if distances then add(distances)
  else
    for _, _, d in self:each() do add(d) end
  end
  return counts
end

--- A run is over.
function Store:finish() return self end

--- An empty store for T targets.
return function(T)
  local complete_below = {}
  for t = 1, T do complete_below[t] = math.huge end
  return setmetatable({ parts = {}, size = 0, draws = 0, failed = 0,
    complete_below = complete_below }, Store)
end
