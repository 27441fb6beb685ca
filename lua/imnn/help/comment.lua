--- Reads what is written above functions: comments in LDoc's form, from the sources themselves.
-- @module imnn.help.comment
local M = {}

local tags = {
  param = true, tparam = true, ['return'] = true, treturn = true, raise = true, source = true,
  usage = true, ['function'] = true, field = true, each = true, module = true, see = true,
  units = true, type = true, table = true,
}

-- The modifiers of a tag, "[opt=0]" or "[1]", and the text behind it.
local function modifiers(rest)
  local inside, text = rest:match '^%[(.-)%]%s*(.*)$'
  if not inside then return {}, rest end
  local default = inside:match '^opt=(.*)$'
  return { optional = inside == 'opt' or default ~= nil, default = default }, text
end

local readers = {}

-- Of "Prior:sample" or "Layer.apply".
local function set_owner(doc, text)
  local owner, sign, member = text:match '^(%a%w*)([:.])(%S+)'
  if owner then doc.owner, doc.name, doc.plain = owner, member, sign == '.' end
end

function readers.param(doc, rest)
  local how, text = modifiers(rest)
  local name, about = text:match '^(%S+)%s*(.*)$'
  doc.params[#doc.params + 1] =
    { name = name or '', text = about or '', optional = how.optional, default = how.default }
end

function readers.tparam(doc, rest)
  local how, text = modifiers(rest)
  local kind, name, about = text:match '^(%S+)%s+(%S+)%s*(.*)$'
  doc.params[#doc.params + 1] = { name = name or text, type = kind, text = about or '',
    optional = how.optional, default = how.default }
end

readers['return'] = function(doc, rest)
  doc.returns[#doc.returns + 1] = { text = select(2, modifiers(rest)) }
end

function readers.treturn(doc, rest)
  local kind, about = select(2, modifiers(rest)):match '^(%S+)%s*(.*)$'
  doc.returns[#doc.returns + 1] = { type = (kind:gsub(',$', '')), text = about or '' }
end

function readers.usage(doc, rest) doc.usage[#doc.usage + 1] = rest end

function readers.each(doc, rest)
  local name, about = rest:match '^(%S+)%s*(.*)$'
  doc.each[#doc.each + 1] = { name = name, text = about }
end

for _, name in ipairs { 'raise', 'source', 'see', 'units' } do
  readers[name] = function(doc, rest) doc[name][#doc[name] + 1] = rest end
end
for _, name in ipairs { 'function', 'field', 'module', 'type', 'table' } do
  readers[name] = function(doc, rest)
    if name == 'field' and doc.kind == 'table' then return readers.param(doc, rest) end
    doc.name, doc.kind = rest:match '%S+', name
    if name == 'function' or name == 'field' then set_owner(doc, rest) end
  end
end

--- An empty docstring.
-- @treturn table `summary`, `text`: what follows it; `params`, `returns`: lists of { name, type,
-- text, optional, default }; `usage`: list of examples, which may have several lines; `raise`,
-- `source`, `see`, `units`: lists of texts; `name`; `kind`: 'function', 'field', 'table' (whose
-- fields are `params`), 'module', 'type'; `plain`: a function of an object that does not take it
function M.new()
  return { params = {}, returns = {}, usage = {}, raise = {}, source = {}, see = {}, units = {},
    each = {}, text = '' }
end

-- The first sentence, and the others.
local function sentences(text)
  local paragraph, others = text:match '^(.-)\n%s*\n(.*)$'
  local first, rest = (paragraph or text), others
  local stop = first:find '[.]%s+%f[%S][^%l]' -- not behind "i.e."
  if stop then
    rest = first:sub(stop + 1) .. (others and '\n\n' .. others or '')
    first = first:sub(1, stop)
  end
  first = first:gsub('%s+', ' '):gsub('^ ', ''):gsub('[ .]+$', '')
  return first, (rest or ''):match '^%s*(.-)%s*$'
end

--- A docstring from the lines of a comment, without what makes them one.
-- @tparam table lines
-- @treturn table as of `new`
function M.read(lines)
  local doc, tag, part = M.new(), nil, {}
  local function finish()
    local text = table.concat(part, '\n')
    if not tag then
      doc.summary, doc.text = sentences(text)
    elseif tag == 'usage' then
      readers.usage(doc, (text:gsub('^%s*\n', ''):gsub('%s+$', '')))
    else
      readers[tag](doc, (text:gsub('%s+', ' '):gsub('^ ', ''):gsub(' $', '')))
    end
    part = {}
  end
  for _, line in ipairs(lines) do
    local word, modifier, rest = line:match '^%s*@(%a+)(%b[])%s*(.*)$'
    if not word then
      word, rest = line:match '^%s*@(%a+)%s*(.*)$'
      modifier = ''
    end
    if word and tags[word] then
      finish()
      tag = word
      part[1] = modifier ~= '' and modifier .. ' ' .. rest or rest
    else
      part[#part + 1] = tag == 'usage' and line:gsub('^ ', '') or line
    end
  end
  finish()
  return doc
end

-- What a line of code declares: the name, the words in brackets, the table that it is put in.
local function declared(line)
  local owner, name, words = line:match '^%s*function%s+([%w_.]-)[.:]?([%w_]+)%s*(%b())'
  if name then return name, words, owner end
  name, words = line:match '^%s*local%s+function%s+([%w_]+)%s*(%b())'
  if name then return name, words end
  owner, name = line:match '^%s*([%w_.]+)%.([%w_]+)[%s,].-='
  if not name then owner, name = line:match "^%s*([%w_.]+)%['([^']+)'%]%s*=" end
  if name then return name, line:match 'function%s*(%b())', owner end
  return nil, line:match '^%s*return%s+function%s*(%b())'
end

-- One docstring for each name of a family, in which NAME stands for it.
local function family(doc, out)
  for _, member in ipairs(doc.each) do
    local one = {}
    for key, value in pairs(doc) do one[key] = value end
    one.name, one.kind, one.each = member.name, doc.kind or 'function', {}
    set_owner(one, member.name)
    one.summary = member.text ~= '' and member.text or doc.summary
    if member.text ~= '' then
      one.text = (doc.summary .. '. ' .. doc.text):gsub('^%. ', '')
    end
    one.usage = {}
    for i, text in ipairs(doc.usage) do one.usage[i] = text:gsub('NAME', one.name) end
    out[#out + 1] = one
  end
end

-- Lines with their numbers; arguments of a function that go on are one line with their beginning.
local function numbered(handle)
  local n = 0
  return function()
    local line, first = handle:read(), n + 1
    n = first
    while line and line:find '^[%w_ ]*function[^()]*%([^()]*$' do
      local more = handle:read()
      if not more then break end
      line, n = line .. ' ' .. more:match '^%s*(.*)$', n + 1
    end
    return line, first
  end
end

local files = {}

--- The docstrings of a source file.
-- @tparam string path
-- @treturn table `header`: that of the file; `by_line`: line of code -> docstring above it;
-- `by_name`; `all`: in order; `declared`: list of { name, owner, words, line }: functions, those
-- without docstring too
function M.file(path)
  if files[path] then return files[path] end
  local out = { by_line = {}, by_name = {}, all = {}, declared = {}, path = path }
  files[path] = out
  local handle = io.open(path)
  if not handle then return out end
  local lines, above
  local function keep(doc)
    doc.path = path
    if doc.kind == 'module' then
      out.header = out.header or doc
      return
    end
    if doc.name then out.by_name[doc.name] = out.by_name[doc.name] or doc end
    out.all[#out.all + 1] = doc
  end
  local function finish() -- the comment has ended
    above, lines = M.read(lines), nil
    if #above.each > 0 then
      local members = {}
      family(above, members)
      for _, doc in ipairs(members) do keep(doc) end
    elseif above.name then
      keep(above)
    end
  end
  for line, n in numbered(handle) do
    local start, comment = line:match '^%s*%-%-%-%s?(.*)$', line:match '^%s*%-%-(.*)$'
    if start and not line:find '^%s*%-%-%-%-' then
      if lines then finish() end
      lines = { start }
    elseif comment and lines then
      lines[#lines + 1] = comment
    else
      if lines then finish() end
      local name, words, owner = declared(line)
      if name and line:find 'function' then
        out.declared[#out.declared + 1] = { name = name, owner = owner, words = words, line = n }
      end
      if above and line:find '%S' then
        above.line, above.words, above.owner = n, words, above.owner or owner
        if #above.each == 0 then
          out.by_line[n] = above
          if not above.name then
            above.name = name
            keep(above)
          end
        end
      end
      above = nil
    end
  end
  if lines then finish() end
  handle:close()
  for _, one in ipairs(out.declared) do
    local doc = out.by_line[one.line] or out.by_name[one.name]
    if doc and not doc.words then doc.words = one.words end
  end
  return out
end

return M
