--- Files: what is in them, and records of data sets by number.
-- @module imnn.data
local dataset = require 'imnn.data.dataset'
local reader = require 'imnn.data.reader'
local simulations = require 'imnn.data.simulations'
require 'imnn.data.chain' -- more methods of data sets

return require('imnn.args').strict('data', {
  hdf5 = require 'imnn.data.hdf5', npy = require 'imnn.data.npy', npz = require 'imnn.data.npz',
  tfrecord = require 'imnn.data.tfrecord',
  from_array = reader.from_array, read_simulations = simulations.read_simulations,
  write_simulations = require('imnn.data.simulations.write').write_simulations,
  dataset = dataset.dataset, zip = dataset.zip, open = require('imnn.data.open').open,
})
