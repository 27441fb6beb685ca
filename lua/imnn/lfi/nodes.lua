--- Where integrals over normal densities are evaluated, and how much each place counts.
-- @module imnn.lfi.nodes
local np = require 'imnn.numpy'
local M = {}

-- P_n(x) and its derivative, by the recurrence of Bonnet.
local function legendre(n, x)
  local before, p = 1, x
  for k = 2, n do before, p = p, ((2 * k - 1) * x * p - (k - 1) * before) / k end
  return p, n * (x * p - before) / (x * x - 1)
end

--- Nodes and weights for integrals over [0, 1], exact for polynomials below degree 2n.
-- @tparam number n 2 or more
-- @treturn table nodes
-- @treturn table weights, which add up to 1
-- @source Gauss 1814; first guesses from Abramowitz & Stegun 22.16.6, refined by Newton's method
function M.gauss_legendre(n)
  local u, w = {}, {}
  for i = 1, n do
    local x = math.cos(math.pi * (i - 0.25) / (n + 0.5))
    for _ = 1, 8 do
      local p, slope = legendre(n, x)
      x = x - p / slope
    end
    local _, slope = legendre(n, x)
    u[i], w[i] = (1 - x) / 2, 1 / ((1 - x * x) * slope * slope)
  end
  return u, w
end

-- All n^D combinations of the nodes: D lists, and the products of the weights.
local function combine(n, D)
  local u, w = M.gauss_legendre(n)
  local lists, weight = {}, {}
  for d = 1, D do lists[d] = {} end
  for i = 0, n ^ D - 1 do
    local rest, product = i, 1
    for d = 1, D do
      local k = rest % n + 1
      rest = (rest - k + 1) / n
      lists[d][i + 1], product = u[k], product * w[k]
    end
    weight[i + 1] = product
  end
  return lists, weight
end

-- Evenly scattered points of the D-dimensional cube: an additive recurrence whose steps are powers
-- of the root of x^(D+1) = x + 1 (Roberts 2018, "The unreasonable effectiveness of quasirandom
-- sequences").
local function scatter(K, D)
  local root = 2
  for _ = 1, 60 do root = (1 + root) ^ (1 / (D + 1)) end
  local lists = {}
  for d = 1, D do
    lists[d] = {}
    for k = 1, K do lists[d][k] = (0.5 + k * root ^ -d) % 1 end
  end
  return lists
end

local MOST, FEWEST, NODES = 96, 20, 2 ^ 14

--- Places in D dimensions.
-- @tparam number D
-- @tparam number K how many there may be
-- @treturn table D Arrays f64 (nodes): of the unit cube if there are weights, else standard normal
-- @treturn Array|nil weights (nodes)
function M.of(D, K)
  K = math.min(K, NODES)
  local n, weight = math.min(math.floor(K ^ (1 / D) + 1e-9), MOST), nil
  local lists
  if n >= FEWEST then lists, weight = combine(n, D)
  else lists = scatter(math.floor(K), D) end
  for d = 1, D do
    local u = np.array(lists[d], 'f64')
    lists[d] = weight and u or np.erf_inv(2 * u - 1) * math.sqrt(2)
  end
  return lists, weight and np.array(weight, 'f64')
end

return M
