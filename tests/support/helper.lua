-- Load the library once, before busted begins to reload modules for each file: a second
-- ffi.metatype of the same type would fail.
require 'imnn'
