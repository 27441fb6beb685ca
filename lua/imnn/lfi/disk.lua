--- A store of draws (imnn.lfi.store) that grows in an HDF5 file.
--
-- Datasets `parameters` (n, P), `summaries` (n, S), `distances` (n, T), a row for each draw that is
-- kept; `runs`, names of what was drawn, `batches` of each; `state`: rows, draws, failed draws,
-- batches of the last run, and T distances up to which every draw is there. While draws are made
-- there is room behind the rows.
--
-- A process that is killed must not leave a ruin, and what lists the parts of a file cannot be
-- changed at one stroke. So rows go to places that the file has already; then `state`, a few
-- numbers that are written at once, says that they are there. Where places are missing a larger
-- file takes the place of this one.
-- @module imnn.lfi.disk
local core = require 'imnn.core'
local hdf5 = require 'imnn.data.hdf5'
local np = require 'imnn.numpy'
local problem = require 'imnn.lfi.problem'
local new_store = require 'imnn.lfi.store'
local C = core.C

local FORMAT, VERSION = 'imnn simulations of lfi', 1
local BLOCK = 2 ^ 16 -- rows that are looked at, or copied, at a time
local names = { 'parameters', 'summaries', 'distances' }

local Disk = {}

local memory = getmetatable(new_store(1))
Disk.__index = setmetatable(Disk, memory)

-- The state as it is written: at most a few hundred bytes.
local function pack(self)
  local last = #self.runs
  return np.array({ self.size, self.draws, self.failed, last > 0 and self.batches[last] or 0,
    unpack(self.complete_below) }, 'f64')
end

local function unpack_state(self, state)
  local s = state:totable()
  self.size, self.draws, self.failed = s[1], s[2], s[3]
  if #self.runs > 0 then self.batches[#self.runs] = s[4] end
  for t = 1, #self.complete_below do self.complete_below[t] = s[4 + t] end
end

-- Put a file with these places for rows in place of the one there is.
local function rewrite(self, places, layout)
  local file, old = hdf5.create(self.path), self.file
  file:set_attributes { format = FORMAT, version = VERSION, of = self.identity }
  if #self.runs > 0 then
    file:write('runs', self.runs)
    file:write('batches', np.array(self.batches, 'f64'))
  end
  local state = pack(self)
  file:create_dataset('state', { shape = state.shape, dtype = 'f64', fixed = true })
  file:set('state', {}, state)
  for i, name in ipairs(names) do
    local like = layout and layout[i]
    if not like and old and self.places then
      local d = old:describe(name)
      like = { shape = d.shape, dtype = d.dtype }
    end
    if like then
      local shape = { places, unpack(like.shape, 2) }
      file:create_dataset(name, { shape = shape, dtype = like.dtype, fixed = places > 0 })
      for first = 1, old and self.places and self.size or 0, BLOCK do
        local last = math.min(first + BLOCK - 1, self.size)
        file:set(name, { { first, last } }, old:read(name, { { first, last } }))
      end
    end
  end
  if old then old:close() end
  file:close()
  self.file = hdf5.open(self.path, 'r+')
  self.places = (layout or self.places) and places or nil
end

local function read(self)
  local file = hdf5.open(self.path, 'r+')
  local a = file:attributes()
  if a.format ~= FORMAT then
    core.raise('%s: %s is no store of simulations; give another name', self.who, self.path)
  elseif a.version ~= VERSION then
    core.raise('%s: store %s has version %s, this library reads %d', self.who, self.path,
      tostring(a.version), VERSION)
  end
  problem.check_identity(self.who, 'store ' .. self.path, a.of, self.identity)
  self.file = file
  for name in file:each() do
    if name == 'runs' then
      local runs, batches = file.runs, file.batches:totable()
      self.runs = type(runs) == 'string' and { runs } or runs
      self.batches = batches
    elseif name == 'distances' then self.places = file:describe(name).shape[1] end
  end
  unpack_state(self, file.state)
end

function Disk:begin(name, rows)
  if self.runs[#self.runs] ~= name then
    for i, run in ipairs(self.runs) do
      if run == name then return self.batches[i], true end -- done, and others came after it
    end
    local last = #self.runs + 1
    self.runs[last], self.batches[last] = name, 0
    rewrite(self, self.size + rows)
  end
  return self.batches[#self.runs]
end

function Disk:add(parameters, summaries, distances, count, failed, epsilon)
  local n, first = #parameters, self.size
  local list = { parameters, summaries, distances }
  if not self.places or first + n > self.places then
    -- twice as many, so that the file is seldom copied
    rewrite(self, math.max(first + n, math.min(2 * first, first + 64 * n), 1), not self.places
      and { { shape = parameters.shape, dtype = parameters.dtype },
        { shape = summaries.shape, dtype = summaries.dtype },
        { shape = distances.shape, dtype = distances.dtype } } or nil)
  end
  for i, name in ipairs(names) do
    if n > 0 then self.file:set(name, { { first + 1, first + n } }, list[i]) end
  end
  self.size, self.draws = first + n, self.draws + count
  self.failed = self.failed + (failed or 0)
  for t, bound in ipairs(epsilon or {}) do
    self.complete_below[t] = math.min(self.complete_below[t], bound)
  end
  self.batches[#self.runs] = self.batches[#self.runs] + 1
  self.file:set('state', {}, pack(self))
end

function Disk:rows()
  if self.size == 0 then return end
  local out = {}
  for i, name in ipairs(names) do out[i] = self.file:read(name, { { 1, self.size } }) end
  return unpack(out)
end

function Disk:each()
  local first = 1
  return function()
    if first > self.size then return end
    local last, out = math.min(first + BLOCK - 1, self.size), {}
    for i, name in ipairs(names) do out[i] = self.file:read(name, { { first, last } }) end
    first = last + 1
    return unpack(out)
  end
end

function Disk:distances(t) return self.file:read('distances', { { 1, self.size }, t }) end

--- A run is over: no places are left behind the rows.
function Disk:finish()
  if self.places and self.places > self.size then rewrite(self, self.size) end
  return self
end

--- The store in a file, which is made if there is none.
-- @tparam string who for messages
-- @tparam string path
-- @tparam number T targets
-- @tparam table identity texts "what: fingerprint" of what distances depend on
-- @tparam[opt=false] boolean afresh forget what is there
return function(who, path, T, identity, afresh)
  local self = setmetatable(new_store(T), Disk)
  self.who, self.path, self.identity = who, path, identity
  self.runs, self.batches, self.parts = {}, {}, nil
  if C.imnn_path_kind(path) ~= 0 and not afresh then read(self)
  else rewrite(self, 0) end
  return self
end
