--- Functions under the names of SciPy; each room is loaded when it is first used.
-- @module imnn.scipy
local rooms = {
  integrate = 'imnn.scipy.integrate', interpolate = 'imnn.scipy.interpolate',
  linalg = 'imnn.scipy.linalg', ndimage = 'imnn.scipy.ndimage', signal = 'imnn.scipy.signal',
  special = 'imnn.scipy.special', stats = 'imnn.scipy.stats',
}

return setmetatable({}, {
  names = rooms, -- what there is to be loaded
  __index = function(self, name)
    if not rooms[name] then
      local args = require 'imnn.args'
      require('imnn.core').raise('scipy: there is no "%s"%s', tostring(name),
        args.near(tostring(name), rooms))
    end
    local room = require(rooms[name])
    rawset(self, name, room)
    return room
  end,
})
