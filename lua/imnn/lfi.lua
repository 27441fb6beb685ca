--- Likelihood-free inference: priors, the Gaussian approximation, approximate Bayesian computation.
-- @module imnn.lfi
local abc = require 'imnn.lfi.abc'
local density = require 'imnn.lfi.density'
local distance = require 'imnn.lfi.distance'
local gaussian = require 'imnn.lfi.gaussian'
local posterior = require 'imnn.lfi.posterior'
local prior = require 'imnn.lfi.prior'

return require('imnn.args').strict('lfi', {
  uniform = prior.uniform,
  normal = prior.normal,
  independent = prior.independent,
  distance = distance.distance,
  get_levels = posterior.get_levels,
  kde = density.kde,
  kde_at = density.kde_at,
  densities = density.densities,
  grid_density = density.grid_density,
  bandwidth = density.bandwidth,
  LikelihoodFreeInference = posterior.LikelihoodFreeInference,
  GaussianApproximation = gaussian.new,
  ApproximateBayesianComputation = abc.new,
})
