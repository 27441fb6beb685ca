--- Filters of images, under the names of scipy.ndimage.
-- @module imnn.scipy.ndimage
local args = require 'imnn.args'
local core = require 'imnn.core'
local floats = require('imnn.numpy.operands').floats
local np = require 'imnn.numpy'
local M = {}

-- What scipy calls the ways to go on behind the edges, as np.pad does.
local modes = {
  reflect = 'symmetric', nearest = 'edge', mirror = 'reflect', wrap = 'wrap', constant = 'constant',
}

local rows = {
  mode = { 'string', default = 'reflect' }, truncate = { 'number', default = 4 },
}

-- Weights of a normal density at whole distances up to `radius`, their sum 1.
local function weights_of(sigma, radius)
  local w, sum = {}, 0
  for k = -radius, radius do
    w[k] = math.exp(-0.5 * (k / sigma) ^ 2)
    sum = sum + w[k]
  end
  for k = -radius, radius do w[k] = w[k] / sum end
  return w
end

local function along(who, x, sigma, axis, o)
  if type(sigma) ~= 'number' or not (sigma >= 0 and sigma < math.huge) then
    core.raise('%s: sigma is a number, 0 or more, got %s', who, tostring(sigma))
  end
  local radius = math.floor(o.truncate * sigma + 0.5)
  if radius == 0 then return x end
  local widths, key, n = {}, {}, x.shape[axis]
  for k = 1, x.ndim do
    widths[k], key[k] = { 0, 0 }, {}
  end
  widths[axis] = { radius, radius }
  local padded, y = np.pad(x, widths, modes[o.mode]), nil
  local weights = weights_of(sigma, radius)
  for k = -radius, radius do
    key[axis] = n > 0 and { k + radius + 1, k + radius + n } or {}
    local part = padded[key] * weights[k]
    y = y and y + part or part
  end
  return y
end

local function take(who, x, opts)
  local o = args.take(who, opts, rows)
  if not modes[o.mode] then
    core.raise('%s: no mode "%s"; there are "reflect", "nearest", "mirror", "wrap", "constant"',
      who, o.mode)
  end
  return floats(x, who), o
end

--- Smoothing by a normal density along one axis.
-- @tparam Array x
-- @tparam number sigma its standard deviation, in elements
-- @tparam[opt=-1] number axis
-- @tparam[opt] table opts as for gaussian_filter
-- @treturn Array like x
-- @usage scipy.ndimage.gaussian_filter1d(np.array { 0, 0, 1, 0, 0 }, 1)
function M.gaussian_filter1d(x, sigma, axis, opts)
  local who = 'ndimage.gaussian_filter1d'
  local image, o = take(who, x, opts)
  return along(who, image, sigma, core.index(axis or -1, image.ndim, who .. ': no axis') + 1, o)
end

--- Smoothing by a normal density along all axes.
-- @tparam Array x
-- @tparam number|table sigma its standard deviation, in elements, for all axes or for each
-- @tparam[opt] table opts mode: how x goes on behind its edges, 'reflect' (mirrored behind the
--   last element), 'nearest', 'mirror' (mirrored at the last element), 'wrap' or 'constant'
--   (zeros); truncate = 4: how many standard deviations the density reaches
-- @treturn Array like x
-- @usage scipy.ndimage.gaussian_filter(np.eye(5), 1).shape --> { 5, 5 }
function M.gaussian_filter(x, sigma, opts)
  local who = 'ndimage.gaussian_filter'
  local y, o = take(who, x, opts)
  if type(sigma) == 'table' and #sigma ~= y.ndim then
    core.raise('%s: %d values of sigma for %d axes', who, #sigma, y.ndim)
  end
  for axis = 1, y.ndim do
    y = along(who, y, type(sigma) == 'table' and sigma[axis] or sigma, axis, o)
  end
  return y
end

return args.strict('scipy.ndimage', M)
