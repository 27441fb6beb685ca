--- Sample sets as chains of getdist and CosmoMC: root.txt, or root_1.txt, root_2.txt, ... of
-- several chains, with lines "weight -log(posterior) parameters"; root.paramnames; root.ranges.
-- @module imnn.samples.getdist
local args = require 'imnn.args'
local core = require 'imnn.core'
local file = require 'imnn.samples.file'
local label = require 'imnn.samples.label'
local np = require 'imnn.numpy'
local sets = require 'imnn.samples.set'
local state = sets.state
local M = {}

local Getdist = sets.methods

local most = 1000 -- chains that are looked for

-- Files of chains that are there, in order.
local function chain_files(root)
  local out = {}
  if file.exists(root .. '.txt') then out[1] = root .. '.txt' end
  for _, format in ipairs { '%s_%d.txt', '%s.%d.txt' } do
    for k = 0, most do
      local path = format:format(root, k)
      if file.exists(path) then out[#out + 1] = path end
    end
  end
  return out
end

-- Weights as a number for each: counts as they are, others with mean 1.
local function counts(s, set)
  local w = s.log_weights and np.exp(s.log_weights)
  if w and np.all(np.le(np.abs(w - np.round(w)), 1e-9 * w)):item() and w:max():item() < 2 ^ 53 then
    return np.round(w)
  end
  return set.weights * s.n
end

local function number(x)
  return math.abs(x) < math.huge and ('%.17g'):format(x) or 'N'
end

-- Labels in LaTeX, and where these say it otherwise, as the set has them, in a comment.
local function names_text(s)
  local out = {}
  for i, name in ipairs(s.names) do
    local shown, own = label.math(s, i), s.labels[i]
    out[i] = ('%s%s\t%s%s\n'):format(name, s.derived[name] and '*' or '', shown,
      shown ~= own and '\t# ' .. own or '')
  end
  return table.concat(out)
end

local function ranges_text(s)
  local out = {}
  for i, name in ipairs(s.names) do
    if s.low[i] > -math.huge or s.high[i] < math.huge then
      out[#out + 1] = ('%s %s %s\n'):format(name, number(s.low[i]), number(s.high[i]))
    end
  end
  return table.concat(out)
end

-- The table of each file.
local function tables_of(root, s, set)
  local minus = s.log_prob and -s.log_prob or np.zeros({ s.n }, 'f64')
  local all = np.concatenate({ counts(s, set):reshape { s.n, 1 }, minus:reshape { s.n, 1 },
    s.parameters }, { axis = 2 })
  local first, last = 1, 1
  if s.chain then first, last = s.chain:min():item(), s.chain:max():item() end
  if first == last then return { [root .. '.txt'] = all } end
  local out, k = {}, 0
  for c = first, last do
    local rows = all[np.eq(s.chain, c)]
    if #rows > 0 then
      k = k + 1
      out[('%s_%d.txt'):format(root, k)] = rows
    end
  end
  return out
end

--- Write the set as getdist reads it: root.txt (root_1.txt, ... of several chains),
-- root.paramnames with labels in LaTeX (and in a comment as the set has them), root.ranges. Samples
-- without weight are written, too; getdist leaves them out.
-- @tparam string root the beginning of the names
-- @raise a folder that is not there, a full disk; files of other chains under this root, which
-- would be read along
-- @usage samples:save_getdist 'posterior'
function Getdist:save_getdist(root)
  local s = state(self, 'save_getdist')
  args.argument('save_getdist', 'root', root, { 'string' })
  local tables = tables_of(root, s, self)
  for _, path in ipairs(chain_files(root)) do
    if not tables[path] then
      core.raise('save_getdist: there is %s, which would be read along; remove it', path)
    end
  end
  file.write_text('save_getdist', root .. '.paramnames', names_text(s))
  file.write_text('save_getdist', root .. '.ranges', ranges_text(s))
  for path, x in pairs(tables) do file.write_table(path, x, ' ', '') end
end

-- The label behind a name: as the comment spells it, if that still says the same.
local function own_label(name, shown)
  local before, own = shown:match '^(.-)%s+#%s*(.*)$'
  if not before then return shown ~= '' and shown or name end
  local same = label.math({ names = { name }, labels = { own } }, 1) == before
  return same and own or before ~= '' and before or name
end

-- Names, labels, and which are derived; nothing without a file.
local function read_names(root)
  local out = { names = {}, labels = {}, derived = {} }
  for _, line in ipairs(file.lines(root .. '.paramnames') or {}) do
    local name, shown = line:match '^%s*(%S+)%s*(.-)%s*$'
    if name then
      local plain = name:gsub('[*]$', '')
      if plain ~= name then table.insert(out.derived, plain) end
      table.insert(out.names, plain)
      table.insert(out.labels, own_label(plain, shown))
    end
  end
  return out
end

-- Names of the columns as Cobaya writes them above the numbers: "# weight minuslogpost a b ...".
-- What is no parameter but part of the posterior is derived.
local function read_header(path)
  local f = io.open(path, 'rb')
  local first = f and f:read '*l' or ''
  if f then f:close() end
  local rest = first:match '^#%s*weight%s+minuslog%S+%s+(.*)$'
  if not rest then return nil end
  local out = { names = {}, labels = {}, derived = {} }
  for name in rest:gmatch '%S+' do
    table.insert(out.names, name)
    table.insert(out.labels, name)
    if name:find '^minuslogprior' or name:find '^chi2' then table.insert(out.derived, name) end
  end
  return out
end

local function read_ranges(root, names)
  local place, low, high = {}, {}, {}
  for i, name in ipairs(names) do place[name], low[i], high[i] = i, -math.huge, math.huge end
  for _, line in ipairs(file.lines(root .. '.ranges') or {}) do
    local name, a, b = line:match '^%s*(%S+)%s+(%S+)%s+(%S+)'
    local i = name and place[name:gsub('[*]$', '')]
    if i then low[i], high[i] = tonumber(a) or low[i], tonumber(b) or high[i] end
  end
  return low, high
end

-- Without the first rows: a share of them below 1, or so many.
local function burnt(x, burn)
  local skip = burn < 1 and math.floor(burn * #x) or burn
  if skip >= #x then core.raise('load_getdist: a chain has %d draws, burn takes %g', #x, burn) end
  return skip > 0 and x[{ { skip + 1, #x } }] or x
end

local function read_chains(paths, burn)
  local parts, chain = {}, {}
  for k, path in ipairs(paths) do
    local x = file.read_table(path, nil, 0)
    if x.size == 0 or x.shape[2] < 3 then
      core.raise('load_getdist: %s has no lines of weight, -log(posterior) and parameters', path)
    end
    if parts[1] and x.shape[2] ~= parts[1].shape[2] then
      core.raise('load_getdist: %s has %d columns, %s has %d', path, x.shape[2], paths[1],
        parts[1].shape[2])
    end
    parts[k] = burnt(x, burn)
    chain[k] = np.full({ #parts[k] }, k, 'i32')
  end
  return np.concatenate(parts), #paths > 1 and np.concatenate(chain) or nil
end

--- Read chains as getdist and CosmoMC write them: root.txt or root_1.txt, root_2.txt, ... (also
-- root.1.txt), with root.paramnames and root.ranges where these are. Each file is a chain. Names
-- may stand above the numbers, too, as Cobaya has them: "# weight minuslogpost a b ...".
-- @tparam string root
-- @tparam[opt] table opts
-- @tparam[opt=0] number opts.burn draws to leave out at the beginning of each chain, or below 1 a
-- share of them
-- @treturn SampleSet log_prob is -(-log(posterior)), where these are not all 0
-- @raise no such files, what is no number, chains of different width
-- @usage samples:save_getdist 'posterior'
-- SampleSet.load_getdist('posterior').low --> { -10, 0 }
function M.load_getdist(root, opts)
  args.argument('load_getdist', 'root', root, { 'string' })
  local o = args.take('load_getdist', opts, { burn = { 'number', default = 0 } })
  if o.burn < 0 or o.burn >= 1 and o.burn % 1 ~= 0 then
    core.raise('load_getdist: burn is a share below 1, or a number of draws, got %g', o.burn)
  end
  local paths = chain_files(root)
  if #paths == 0 then
    core.raise('load_getdist: there is neither %s.txt nor %s_1.txt', root, root)
  end
  local x, chain = read_chains(paths, o.burn)
  local out, P, where = read_names(root), x.shape[2] - 2, root .. '.paramnames'
  if #out.names == 0 then out, where = read_header(paths[1]) or {}, paths[1] end
  if out.names and #out.names ~= P then
    core.raise('load_getdist: %s has %d names, the chains have %d parameters', where, #out.names,
      P)
  end
  out.low, out.high = read_ranges(root, out.names or {})
  if not out.names then out.low, out.high = nil, nil end
  local weights, minus = x[{ {}, 1 }], x[{ {}, 2 }]
  if not np.all(np.eq(weights, 1)):item() then out.weights = weights end
  if not np.all(np.eq(minus, 0)):item() then out.log_prob = -minus end
  out.parameters, out.chain = x[{ {}, { 3, P + 2 } }], chain
  out.origin = { method = 'getdist', root = root }
  return sets.new('load_getdist', out)
end

return M
