--- Parameters of distributions: their names, what is asked of them, and how they are given.
-- @module imnn.scipy.parameters
local args = require 'imnn.args'
local array = require 'imnn.array'
local core = require 'imnn.core'
local create = require 'imnn.numpy.create'
local np = require 'imnn.numpy'
local M = {}

local compare = { ['>'] = 'gt', ['>='] = 'ge', ['<'] = 'lt', ['<='] = 'le' }

--- "a>0 loc=0 scale>0=1" as a list of { name, demands = { { sign, bound }, ... }, default }.
function M.of(text)
  local list = {}
  for word in text:gmatch '%S+' do
    local name, rest = word:match '^([%w_]+)(.*)$'
    local p = { name = name, demands = {}, default = tonumber(rest:match '[^<>]=([%d.]+)$'
      or rest:match '^=([%d.]+)$') }
    for sign, bound in rest:gmatch '([<>]=?)([%w_.]+)' do
      p.demands[#p.demands + 1] = { sign, tonumber(bound) or bound }
    end
    list[#list + 1], list[name] = p, p
  end
  return list
end

--- The parameters by position, or by their names in a table behind those.
function M.given(who, list, given, n)
  local last = given[n]
  local named = n > 0 and type(last) == 'table' and type(next(last)) == 'string' and last
  local out = {}
  for i = 1, named and n - 1 or n do out[i] = given[i] end
  if (named and n - 1 or n) > #list then
    core.raise('%s: takes %d parameters, got %d', who, #list, n)
  end
  for name, x in pairs(named or {}) do
    local at
    for i, p in ipairs(list) do
      if p.name == name then at = i end
    end
    if not at then
      core.raise('%s: no parameter "%s"%s', who, tostring(name), args.near(tostring(name), list))
    elseif out[at] ~= nil then core.raise('%s: %s is given twice', who, name) end
    out[at] = x
  end
  for i, p in ipairs(list) do
    if out[i] == nil then out[i] = p.default end
    if out[i] == nil then core.raise('%s: the parameter %s is missing', who, p.name) end
  end
  return out
end

--- An Array or a number of what scripts give.
function M.array_of(who, name, x)
  if type(x) == 'table' then return create.array(x) end
  if type(x) == 'number' or array.is(x) then return x end
  core.raise('%s: %s must be a number or an Array, got %s', who, name, core.kind(x))
end

local function known(x) return type(x) == 'number' or not array.traced(x) end

--- Refuse known values that do not meet the demands, where there is a value for everything.
function M.meet(who, list, values)
  for i, p in ipairs(list) do
    for _, demand in ipairs(p.demands) do
      local sign, bound, x = demand[1], demand[2], values[i]
      if type(bound) == 'string' then
        for k, other in ipairs(list) do
          if other.name == bound then bound = values[k] end
        end
      end
      if known(x) and known(bound) then
        local holds = np[compare[sign]](x, bound)
        if not np.all(holds):item() then
          local seen = array.is(x) and np.broadcast_to(x, holds.shape):ravel() or x
          if array.is(x) then seen = seen[np.argmin(holds:ravel():astype 'i32'):item()]:item() end
          core.raise('%s: needs %s %s %s, got %s = %g', who, p.name, sign, tostring(demand[2]),
            p.name, seen)
        end
      end
    end
  end
end

return M
