--- What a worker process does for imnn.simulators.blackbox: it takes over the function, then makes
-- one simulation after the other.
-- @module imnn.simulators.worker
local ffi = require 'ffi'
local array = require 'imnn.array'
local core = require 'imnn.core'
local np = require 'imnn.numpy'
local travel = require 'imnn.simulators.travel'
local C = core.C

-- The function of a module's or a script's name, or what they give themselves.
local function named(what, found, name)
  if name == nil then
    if type(found) == 'function' then return found end
    core.raise('%s gives a %s, no function; say which by fn = "name"', what, core.kind(found))
  end
  local fn = type(found) == 'table' and found[name] or rawget(_G, name)
  local meta = type(fn) == 'table' and getmetatable(fn)
  if type(fn) == 'function' or meta and meta.__call then return fn end
  core.raise('%s has no function "%s"', what, name)
end

-- What a module gives. Lua says in many lines where it has looked; and which file is no Lua, and
-- why, in two.
local function module_of(name)
  local ok, found = pcall(require, name)
  if ok then return found end
  local where, missing = tostring(found):match "^([^\n]-)module '(.-)' not found"
  if missing then
    error(('%sthere is no module "%s" in the folders of package.path'):format(where, missing), 0)
  end
  error(tostring(found):gsub('\n%s*', ' '), 0)
end

local function load(setup)
  package.path = package.path .. ';' .. setup.path -- our own files lie where they lay at the start
  package.cpath = package.cpath .. ';' .. setup.cpath
  array.set_default_dtype(setup.default_dtype)
  require('imnn.random').set_key_layout(setup.key_layout)
  core.check(C.imnn_set_threads(setup.threads))
  require('imnn.repl').preload(_G)
  if setup.module then
    return named(('module "%s"'):format(setup.module), module_of(setup.module), setup.fn)
  elseif setup.script then
    local chunk, why = loadfile(setup.script)
    if not chunk then error(why, 0) end
    return named(('script "%s"'):format(setup.script), chunk(), setup.fn)
  end
  return travel.read(setup.code)
end

-- What the function gives, as an Array of the dtype.
local function data_of(given, dtype)
  local kind = core.kind(given)
  if kind ~= 'Array' and kind ~= 'number' and kind ~= 'table' then
    core.raise('it gave a %s, not an Array, a number or a table of numbers', kind)
  end
  if kind == 'Array' and given.dtype:find '^c' then
    core.raise('it gave complex numbers; give real and imaginary parts')
  end
  return kind == 'Array' and given:astype(dtype) or np.array(given, dtype)
end

-- Plain Lua functions draw with math.random: the same numbers for the same key.
local function seed(key) math.randomseed(key[0] * 2 ^ 32 + key[1]) end

local function arguments(job, batched)
  local rows, P = tonumber(job.rows), tonumber(job.n_params)
  local dtype = ffi.string(C.imnn_dtype_name(job.dtype))
  local key = array.from_buffer(ffi.cast('const uint32_t *', job.key), { 2 }, 'u32')
  local theta = ffi.cast(dtype == 'f32' and 'const float *' or 'const double *', job.theta)
  return key, array.from_buffer(theta, batched and { rows, P } or { P }, dtype)
end

local function first_line(why) return (tostring(why):match '[^\n]*') end

--- Serve to the end.
-- @tparam userdata pointer imnn_worker *
return function(pointer)
  local worker = ffi.cast('imnn_worker *', pointer)
  local size, job = ffi.new 'int64_t[1]', ffi.new 'imnn_job'
  local text = ffi.string(C.imnn_worker_setup(worker, size), size[0])
  local setup = travel.read(text:sub(2))
  local ok, fn = pcall(load, setup)
  if not ok then
    C.imnn_worker_refuse(worker, C.IMNN_RAISED, first_line(fn))
    return
  end
  local function make() return data_of(fn(arguments(job, setup.batched)), setup.dtype) end
  while C.imnn_worker_next(worker, job) do
    seed(job.key)
    local good, data = pcall(make)
    io.stdout:flush()
    if good then
      C.imnn_worker_answer(worker, data.array)
    else
      C.imnn_worker_refuse(worker, C.IMNN_RAISED, 'raised an error: ' .. first_line(data))
    end
    core.relieve()
  end
end
