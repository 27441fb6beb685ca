--- What TFRecord files are packed by.
-- @module imnn.data.packing
local args = require 'imnn.args'
local C = require('imnn.core').C

local packings = { NONE = C.IMNN_UNPACKED, GZIP = C.IMNN_GZIP, ZLIB = C.IMNN_ZLIB }

--- What C calls a compression.
-- @tparam string who
-- @tparam string|nil name nil: none
return function(who, name)
  return args.choice(who, 'compression', name == nil and 'NONE' or name:upper(), packings)
end
