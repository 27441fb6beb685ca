--- Functions under the names of scipy. Modules are loaded when they are first used.
-- @module imnn.scipy
local modules = {
  linalg = 'imnn.scipy.linalg', interpolate = 'imnn.scipy.interpolate',
  ndimage = 'imnn.scipy.ndimage',
}

return setmetatable({}, {
  __index = function(self, name)
    local module = modules[name] and require(modules[name])
    if module then rawset(self, name, module) end
    return module
  end,
})
