--- Files: what is in them, and records of data sets by number.
-- @module imnn.data
local reader = require 'imnn.data.reader'

return require('imnn.args').strict('data', {
  hdf5 = require 'imnn.data.hdf5', npy = require 'imnn.data.npy', npz = require 'imnn.data.npz',
  tfrecord = require 'imnn.data.tfrecord',
  from_array = reader.from_array,
})
