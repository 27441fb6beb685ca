-- Load everything once, before busted begins to reload modules for each file: types of the FFI are
-- declared once a process, and a second ffi.metatype of the same type would fail.
local imnn = require 'imnn'
for _, name in ipairs(imnn.names) do local _ = imnn[name] end
