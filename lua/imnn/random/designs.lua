--- Points that fill the unit cube more evenly than independent ones: where to simulate.
-- @module imnn.random.designs
local args = require 'imnn.args'
local check = require 'imnn.random.check'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local M = {}

local function random() return require 'imnn.random' end

local function whole(who, name, n)
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then
    core.raise('%s: %s must be a positive integer, got %s', who, name, tostring(n))
  end
end

--- Latin hypercube: of n points each interval [k / n, (k + 1) / n) of each coordinate has one.
-- @tparam Array key (2)
-- @tparam number n points
-- @tparam number d dimensions
-- @tparam[opt='f32'] string dtype
-- @treturn Array (n, d), from 0 to 1
-- @source McKay, Beckman & Conover 1979, Technometrics 21, 239
-- @usage random.latin_hypercube(random.PRNGKey(0), 4, 2).shape --> { 4, 2 }
function M.latin_hypercube(key, n, d, dtype)
  local who = 'random.latin_hypercube'
  check.key(who, key)
  whole(who, 'n', n)
  whole(who, 'd', d)
  local _, name = check.dtype(who, dtype)
  local keys = random().split(key, 2 * d)
  local cell = (random().permutation(keys[{ { 1, d } }], n) - 1):astype(name)
  local within = random().uniform(keys[{ { d + 1, 2 * d } }], { n }, name)
  local last = (cell + 1) * (1 - (name == 'f64' and 2 ^ -52 or 2 ^ -23)) -- where the sum rounds up
  return np.transpose(np.minimum(cell + within, last) / n)
end

-- The first d primes.
local function primes(d)
  local list, candidate = {}, 2
  while #list < d do
    local prime = true
    for _, p in ipairs(list) do
      if p * p > candidate then break end
      prime = prime and candidate % p ~= 0
    end
    if prime then list[#list + 1] = candidate end
    candidate = candidate + 1
  end
  return list
end

-- The digits of i behind the point, the last one first.
local function mirrored(i, base)
  local x, unit = 0, 1 / base
  while i > 0 do
    x = x + unit * (i % base)
    i, unit = math.floor(i / base), unit / base
  end
  return x
end

--- Halton points: the digits of i = 1, 2, ..., mirrored at the point, to the base of a prime for
-- each coordinate. They go on where a shorter list ends.
-- @tparam number n points
-- @tparam number d dimensions; beyond some 10 coordinates move in step at first
-- @tparam[opt] table opts `key`: all points are shifted, around the ends, by a random vector;
-- `start` (1): the first i; `dtype`
-- @treturn Array (n, d), from 0 to 1
-- @source Halton 1960, Numer. Math. 2, 84; Cranley & Patterson 1976, SIAM J. Numer. Anal. 13, 904
-- @usage random.halton(3, 2) --> { { 0.5, 0.333333 }, { 0.25, 0.666667 }, { 0.75, 0.111111 } }
function M.halton(n, d, opts)
  local who = 'random.halton'
  whole(who, 'n', n)
  whole(who, 'd', d)
  local o = args.take(who, opts, {
    key = { 'Array', optional = true }, start = { 'integer', default = 1 },
    dtype = { 'string', optional = true },
  })
  if o.start < 0 then core.raise('%s: start must not be negative, got %d', who, o.start) end
  local _, name = check.dtype(who, o.dtype)
  local bases, points = primes(d), {}
  for i = 1, n do
    points[i] = {}
    for k = 1, d do points[i][k] = mirrored(o.start + i - 1, bases[k]) end
  end
  local x = np.array(points, name)
  if not o.key then return x end
  check.key(who, o.key)
  x = x + random().uniform(o.key, { d }, name)
  return np.where(np.ge(x, 1), x - 1, x)
end

return M
