--- Files.
-- @module imnn.data
return require('imnn.args').strict('data', { hdf5 = require 'imnn.data.hdf5' })
