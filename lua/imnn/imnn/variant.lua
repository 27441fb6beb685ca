--- A network like another, with other settings.
-- @module imnn.imnn.variant
local history = require 'imnn.imnn.history'

--- Settings cannot be changed, since they are parts of compiled programs; a variant has its own
-- programs and no history.
-- @tparam table net it stays as it is
-- @tparam table settings
-- @treturn table
return function(net, settings)
  local out, fixed = {}, {}
  for name, value in next, net do out[name] = value end
  for _, list in ipairs { net.fixed, settings } do
    for name, value in pairs(list) do fixed[name] = value end
  end
  out.fixed, out.programs, out.compiled, out.history = fixed, {}, nil, history.new()
  return setmetatable(out, getmetatable(net))
end
