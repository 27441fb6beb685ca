--- What the arguments of an IMNN must be, and the sentences when they are not.
-- @module imnn.imnn.check
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local text = require('imnn.array.text').shape
local M = {}

--- A positive integer.
function M.count(who, name, v)
  if v < 1 then core.raise('%s: %s must be a positive integer, got %d', who, name, v) end
end

--- Numbers of simulations, parameters, summaries.
function M.counts(who, o)
  for _, name in ipairs { 'n_s', 'n_d', 'n_params', 'n_summaries' } do
    M.count(who, name, o[name])
  end
end

--- Sizes that leave the covariance and the Fisher information invertible.
-- @tparam table net with `n_external`, the number of external summaries
function M.sizes(net)
  local who, n_s, n_d, S = net.class, net.n_s, net.n_d, net.n_summaries
  local external = net.n_external > 0 and (' and %d external ones'):format(net.n_external) or ''
  local all = S + net.n_external
  if n_s <= all then
    core.raise('%s: n_s is %d, n_summaries %d%s; the covariance of so few simulations is singular, '
      .. 'take at least %d', who, n_s, S, external, math.max(2, all + 1))
  end
  if all < net.n_params then
    core.raise('%s: n_summaries is %d%s, n_params %d; fewer summaries than parameters make the '
      .. 'Fisher information singular', who, S, external, net.n_params)
  end
  if n_d > n_s and not net.kind.any_n_d then
    core.raise('%s: n_d is %d, n_s %d; only simulations that there are can have derivatives', who,
      n_d, n_s)
  end
end

M.text = text

--- The shape of one datum: a list of positive integers.
function M.shape(who, name, shape)
  for i, size in ipairs(shape) do
    if type(size) ~= 'number' or size < 1 or size % 1 ~= 0 then
      core.raise('%s: %s must be a list of positive integers, got %s at %d', who, name,
        tostring(size), i)
    end
  end
end

--- Whether two lists of numbers are equal.
function M.equal(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- The parameters as a float Array (P).
function M.theta(who, theta, P)
  if not np.is_array(theta) then theta = np.array(theta) end
  if not M.equal(theta.shape, { P }) then
    core.raise('%s: theta_fid must have shape (%d), got %s', who, P, text(theta.shape))
  end
  local dtype = theta.dtype
  return (dtype == 'f32' or dtype == 'f64') and theta or theta:astype 'f32'
end

--- A key: u32 (2).
function M.is_key(x)
  return np.is_array(x) and x.dtype == 'u32' and M.equal(x.shape, { 2 })
end

function M.key(who, name, key)
  if M.is_key(key) then return key end
  core.raise('%s: %s must be a key, u32 (2), as random.PRNGKey and random.split(key)[i] give it, '
    .. 'got %s %s', who, name, key.dtype, text(key.shape))
end

--- A function of lo to hi arguments, as far as it tells.
function M.arity(who, what, fn, lo, hi, arguments)
  local meta = type(fn) == 'table' and getmetatable(fn)
  if type(fn) ~= 'function' then
    if meta and meta.__call then return end
    core.raise('%s: %s must be a function, got %s', who, what, core.kind(fn))
  end
  local info = debug.getinfo(fn, 'u')
  if info.isvararg or info.nparams >= lo and info.nparams <= hi then return end
  core.raise('%s: %s must be a function %s, this one takes %d arguments', who, what, arguments,
    info.nparams)
end

--- Functions of a table, by name or position.
-- @tparam table list in order: { name, fewest and most arguments, what they are }
function M.functions(who, what, given, list)
  local out, names = {}, {}
  for i, row in ipairs(list) do names[i] = row[1] end
  for i, row in ipairs(list) do
    local fn = given[row[1]] or given[i]
    if fn == nil then
      core.raise('%s: %s must be { %s }, by position or name; %s is missing', who, what,
        table.concat(names, ', '), row[1])
    end
    M.arity(who, what .. '.' .. row[1], fn, row[2], row[3], row[4])
    out[i] = fn
  end
  return unpack(out)
end

return M
