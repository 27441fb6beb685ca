--- Samplers in files, to go on from: whole files only, whatever ends the program.
-- @module imnn.lfi.checkpoint
local core = require 'imnn.core'
local duration = require 'imnn.duration'
local whole = require 'imnn.data.hdf5.whole'
local C = core.C
local M = {}

local kind = { group = 'samplers', version = 1, name = 'samplers' } -- of files

local function write(path, samplers, record)
  record.states = {}
  for t, sampler in ipairs(samplers) do record.states[t] = sampler:save() end
  whole.write(path, kind, record)
end

-- Hours of computing are not to end in a folder that is not there.
local function check_place(who, path)
  local probe = path .. '.probe'
  local f, why = io.open(probe, 'w')
  if not f then
    core.raise('%s: checkpoint %s: its folder cannot be written to: %s', who, path,
      why:sub(#probe + 3))
  end
  f:close()
  os.remove(probe)
end

local function resume(who, path, samplers)
  local record = whole.read(who, path, kind, 'checkpoint ' .. path)
  if #record.states ~= #samplers then
    core.raise('%s: checkpoint %s has %d targets, there are %d here', who, path, #record.states,
      #samplers)
  end
  for t, state in ipairs(record.states) do
    local good, why = pcall(samplers[t].restore, samplers[t], state)
    if not good then
      core.raise('%s: checkpoint %s is of another run: %s; give another name, or remove it', who,
        path, why:match '[^:]*$':gsub('^ ', ''))
    end
  end
  record.states = nil
  return record
end

--- A function (now) that writes a checkpoint when it is time; samplers are brought to where an
-- existing file has them.
-- @tparam string who
-- @tparam string path
-- @tparam number|string every seconds, or a span of time
-- @tparam table samplers
-- @tparam function record gives a table of what else is to be written
-- @treturn function
-- @treturn table|nil that table of an existing file
-- @raise a folder that is not there, a file of another run
function M.keeper(who, path, every, samplers, record)
  local limit = type(every) == 'string' and duration.parse(who, 'every', every) or every
  check_place(who, path)
  local found = C.imnn_path_kind(path) ~= 0 and resume(who, path, samplers) or nil
  local last = C.imnn_seconds()
  return function(now)
    if not now and C.imnn_seconds() - last < limit then return end
    write(path, samplers, record())
    last = C.imnn_seconds()
  end, found
end

return M
