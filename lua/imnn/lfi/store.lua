--- Draws that are kept: rows of parameters (n, P), summaries (n, S) and distances (n, T).
--
-- Attributes: size: rows; draws: how many were made for them; complete_below: T distances up to
-- which every draw that was made is here, infinity where nothing was left out.
-- @module imnn.lfi.store
local np = require 'imnn.numpy'

local Store = {}
Store.__index = Store

--- Rows that come after the others.
-- @tparam number count draws that were made for them
function Store:add(parameters, summaries, distances, count)
  self.parts[#self.parts + 1] = { parameters, summaries, distances }
  self.size, self.draws = self.size + #parameters, self.draws + count
end

--- From now on only draws below these distances come.
-- @tparam table epsilon T numbers
function Store:leave_out(epsilon)
  for t, bound in ipairs(epsilon) do
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

--- How many rows are below epsilon, by target.
-- @tparam table epsilon T numbers
-- @tparam[opt=1] number first part to look at: one for each call of add since rows()
-- @treturn table T numbers
function Store:count(epsilon, first)
  local counts = {}
  for t, bound in ipairs(epsilon) do
    counts[t] = 0
    for i = first or 1, #self.parts do
      local d = self.parts[i][3]
      counts[t] = counts[t] + np.lt(d[{ {}, t }], bound):sum():item()
    end
  end
  return counts
end

--- An empty store for T targets.
return function(T)
  local complete_below = {}
  for t = 1, T do complete_below[t] = math.huge end
  return setmetatable({ parts = {}, size = 0, draws = 0, complete_below = complete_below }, Store)
end
