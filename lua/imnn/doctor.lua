--- What `imnn doctor` prints: what was found on this machine and how fast it is. It looks at one
-- thing after the other and goes on whatever is missing.
-- @module imnn.doctor

local function say(name, format, ...) print(('%-14s ' .. format):format(name, ...)) end

--- Say what f gives, or why it cannot.
local function try(name, f)
  local ok, text = pcall(f)
  say(name, '%s', ok and text or 'not working: ' .. tostring(text):match '[^\n]*')
end

--- The output of a shell command; nil if there is none.
local function output(command)
  local pipe = io.popen(command .. ' 2>&1 </dev/null')
  local text = pipe and pipe:read '*a'
  if pipe then pipe:close() end
  return text
end

--- Where a library that is in use came from, as far as the system tells.
local function loaded(name)
  for line in io.lines '/proc/self/maps' do
    local path = line:match '%s(/.*)$'
    if path and path:match '[^/]*$':find(name, 1, true) then return path end
  end
  return 'loaded'
end

--- GFLOP/s of square products, the best of several.
local function gemm(dtype)
  local core, np, random = require 'imnn.core', require 'imnn.numpy', require 'imnn.random'
  local n, best = 1024, math.huge
  local x = random.normal(random.PRNGKey(0), { n, n }, dtype)
  for _ = 1, 8 do
    local start = core.C.imnn_seconds()
    local y = np.matmul(x, x)
    best = math.min(best, core.C.imnn_seconds() - start)
    assert(y.shape[1] == n)
  end
  return ('%.0f GFLOP/s (%d x %d matrices)'):format(2 * n ^ 3 / best / 1e9, n, n)
end

local function gnuplot()
  local version = output 'gnuplot --version'
  if not version or not version:find '^gnuplot' then
    return 'not found: there will be no pictures (Debian: gnuplot-nox)'
  end
  return (version:gsub('%s+$', ''))
end

--- The terminals that pictures need, as far as gnuplot has them.
local function terminals()
  local list, found = output "gnuplot -e 'set terminal'" or '', {}
  for _, name in ipairs { 'pngcairo', 'pdfcairo', 'epscairo', 'svg', 'cairolatex', 'tikz',
    'dumb' } do
    if list:find('%f[%w]' .. name .. '%f[%W]') then found[#found + 1] = name end
  end
  return #found > 0 and table.concat(found, ' ') or 'none'
end

--- Print what was found on this machine, and how fast it is: `imnn doctor`.
-- @usage imnn.doctor()
-- @function doctor
return function()
  try('luajit', function() return ('%s, %s, compiler %s'):format(jit.version, jit.arch,
    jit.status() and 'on' or 'off') end)
  try('library', function()
    local core, ffi = require 'imnn.core', require 'ffi'
    local machine = ffi.string(core.C.imnn_machine())
    for name, value in machine:gmatch '(%S+) ([^\n]*)\n' do say(name, '%s', value) end
    return loaded 'libimnn'
  end)
  try('lapack', function()
    return require('ffi').string(require('imnn.core').C.imnn_lapack_name())
  end)
  try('matmul f32', function() return gemm 'f32' end)
  try('matmul f64', function() return gemm 'f64' end)
  try('gnuplot', gnuplot)
  try('terminals', terminals)
  for name in ('OMP_NUM_THREADS SLURM_CPUS_PER_TASK IMNN_MAX_CPU_ISA IMNN_LIB'):gmatch '%S+' do
    if os.getenv(name) then say(name, '%s', os.getenv(name)) end
  end
end
