--- Tests of samples: whether two sets come from one distribution.
-- @module imnn.diagnostics
return require('imnn.args').strict('diagnostics', {
  c2st = require('imnn.diagnostics.c2st').c2st,
})
