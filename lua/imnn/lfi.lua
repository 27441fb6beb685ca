--- Likelihood-free inference: priors, the Gaussian approximation, approximate Bayesian computation,
-- population Monte Carlo.
-- @module imnn.lfi
local abc = require 'imnn.lfi.abc'
local density = require 'imnn.lfi.density'
local distance = require 'imnn.lfi.distance'
local gaussian = require 'imnn.lfi.gaussian'
local line = require 'imnn.lfi.line'
local pmc = require 'imnn.lfi.pmc'
local posterior = require 'imnn.lfi.posterior'
local prior = require 'imnn.lfi.prior'
local regression = require 'imnn.lfi.regression'

return require('imnn.args').strict('lfi', {
  uniform = prior.uniform,
  normal = prior.normal,
  independent = prior.independent,
  distance = distance.distance,
  to_line = line.to_line,
  from_line = line.from_line,
  line_slope = line.line_slope,
  regression_adjust = regression.adjust,
  get_levels = posterior.get_levels,
  kde = density.kde,
  kde_at = density.kde_at,
  densities = density.densities,
  grid_density = density.grid_density,
  bandwidth = density.bandwidth,
  LikelihoodFreeInference = posterior.LikelihoodFreeInference,
  GaussianApproximation = gaussian.new,
  ApproximateBayesianComputation = abc.new,
  PopulationMonteCarlo = pmc.new,
})
