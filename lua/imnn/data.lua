--- Files.
-- @module imnn.data
return { hdf5 = require 'imnn.data.hdf5' }
