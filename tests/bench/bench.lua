--- The benchmark: every figure beside its bound, measured in the same run on the same machine.
--   scripts/bench [--tsv] [NAME...]
-- NAME is a row, or a subject for all of its rows. One row a figure: name, value, unit, bound,
-- ratio. Times are minima over repetitions, taken in turn with their bound. A row that fails says
-- why, and the next one follows.
--
-- The rows of a subject are a file beside this one, SUBJECT.lua, which returns function(bench): it
-- calls bench.row(name, fn) for each and prepares nothing; fn(name) measures and calls bench.show.
-- What it compares with is written by hand in C, NAME.c, and reached by bench.bound 'NAME'.
local ffi = require 'ffi'
local imnn = require 'imnn'
local args = require 'imnn.args'

local tsv, wanted = false, {}
for _, a in ipairs(arg) do
  if a == '--tsv' then tsv = true
  else wanted[#wanted + 1] = a end
end

local bench = { now = imnn.seconds, program = os.getenv 'IMNN_PROGRAM' }

--- Print a figure.
-- @tparam string name
-- @tparam number value
-- @tparam string unit
-- @tparam[opt] number bound in the same unit
-- @tparam[opt] string note
function bench.show(name, value, unit, bound, note)
  local ratio = bound and value / bound or 0
  if tsv then
    print(('%s\t%.6g\t%s\t%.6g\t%.4f'):format(name, value, unit, bound or 0, ratio))
  else
    print(('%-28s %10.4g %-8s bound %10.4g  ratio %6.3f  %s'):format(name, value, unit, bound or 0,
      ratio, note or ''))
  end
  io.stdout:flush()
end

local loaded = {} -- a function does not keep its library

--- The functions of tests/bench/NAME.c, to be declared with ffi.cdef.
-- @tparam string name
function bench.bound(name)
  local folder = assert(os.getenv 'IMNN_BOUNDS', 'run this with scripts/bench')
  loaded[name] = loaded[name] or ffi.load(('%s/%s.so'):format(folder, name))
  return loaded[name]
end

--- The least time a call takes. What earlier ones left is collected before it, so that memory comes
-- from the cache, as in a long run.
-- @tparam function fn
-- @tparam[opt=10] number repetitions
-- @treturn number seconds
function bench.least(fn, repetitions)
  local best = math.huge
  for _ = 1, repetitions or 10 do
    collectgarbage()
    local t = bench.now()
    fn()
    best = math.min(best, bench.now() - t)
  end
  return best
end

--- The least times two calls take, in turn, after one of each that does not count.
-- @tparam function ours
-- @tparam function theirs
-- @tparam[opt=10] number repetitions
-- @treturn number seconds
-- @treturn number seconds
function bench.pair(ours, theirs, repetitions)
  ours()
  theirs()
  local a, b = math.huge, math.huge
  for _ = 1, repetitions or 10 do
    a = math.min(a, bench.least(ours, 1))
    b = math.min(b, bench.least(theirs, 1))
  end
  return a, b
end

local order, rows, subjects, subject = {}, {}, {}, nil

--- Add a row to the subject that is being read.
-- @tparam string name
-- @tparam function fn fn(name) shows the figure
function bench.row(name, fn)
  assert(not rows[name], name .. ' is there twice')
  rows[name] = fn
  order[#order + 1] = name
  table.insert(subjects[subject], name)
end

local files = assert(io.popen 'LC_ALL=C ls tests/bench/*.lua')
for path in files:lines() do
  subject = path:match '([%w_]+)%.lua$'
  if subject ~= 'bench' then
    subjects[subject] = {}
    assert(loadfile(path))()(bench)
  end
end
files:close()

local chosen = {}
for _, name in ipairs(wanted) do
  local some = subjects[name] or rows[name] and { name }
  if not some then
    io.stderr:write('bench: no row or subject "', name, '"', args.near(name,
      args.rows(rows, subjects)), '; there are ', table.concat(order, ', '), '\n')
    os.exit(2)
  end
  for _, row in ipairs(some) do chosen[#chosen + 1] = row end
end

local failed = 0
for _, name in ipairs(#wanted > 0 and chosen or order) do
  local ok, reason = pcall(rows[name], name)
  if not ok then
    if tostring(reason):match 'interrupted' then error(reason, 0) end
    failed = failed + 1
    print(('%-28s failed: %s'):format(name, reason))
  end
  collectgarbage()
end
os.exit(failed == 0 and 0 or 1)
