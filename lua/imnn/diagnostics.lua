--- Tests of samples: whether two sets come from one distribution, and of posteriors: whether they
-- are as wide as they should be, and whether they explain the data; weights of several.
-- @module imnn.diagnostics
return require('imnn.args').strict('diagnostics', {
  c2st = require('imnn.diagnostics.c2st').c2st,
  coverage = require('imnn.diagnostics.coverage').coverage,
  misspecification = require('imnn.diagnostics.predictive').misspecification,
  mmd = require('imnn.diagnostics.mmd').mmd,
  predictive_check = require('imnn.diagnostics.predictive').predictive_check,
  sbc = require('imnn.diagnostics.sbc').sbc,
  stacking = require('imnn.diagnostics.stacking').stacking,
  tarp = require('imnn.diagnostics.tarp').tarp,
})
