--- Docstrings as text for the screen.
-- @module imnn.help.text
local M = {}

--- Paragraphs filled to a width. Lines that are indented by three or more, lists and tables, stay.
-- @tparam string text
-- @tparam number width
-- @tparam[opt=0] number indent
-- @tparam[opt] number first indent of the first line
-- @treturn string
function M.fill(text, width, indent, first)
  local out, line, margin = {}, nil, (' '):rep(indent or 0)
  local lead = (' '):rep(first or indent or 0)
  local function flush()
    if line then
      out[#out + 1] = (lead .. line):gsub('%s+$', '')
      lead = margin
    end
    line = nil
  end
  for row in (text .. '\n'):gmatch '(.-)\n' do
    if not row:find '%S' then
      flush()
      out[#out + 1] = ''
    elseif row:find '^   ' then
      flush()
      out[#out + 1] = margin .. row:sub(2)
    else
      if row:find '^%s*[*] ' then flush() end
      for word in row:gmatch '%S+' do
        local length = #(line or ''):gsub('[\128-\191]', '')
        if line and #margin + length + 1 + #word:gsub('[\128-\191]', '') > width then flush() end
        line = line and line .. ' ' .. word or word
      end
    end
  end
  flush()
  return table.concat(out, '\n')
end

--- How a function is called: "np.sum(x[, opts])".
-- @tparam table entry of the index
-- @treturn string
function M.call(entry)
  local doc = entry.doc
  local value = doc and (doc.kind == 'field' or doc.kind == 'table')
  if not doc or value
    or entry.value ~= nil and type(entry.value) ~= 'function' and not entry.method then
    return entry.full
  end
  local first = doc.params[1] and doc.params[1].name
  local itself = entry.method and (entry.alias or first == 'x') -- written before the colon
  local words, open, skip = {}, 0, itself and 1 or 0
  for i, p in ipairs(doc.params) do
    if not p.name:find '^%w+[.]' and i > skip then
      words[#words + 1] = (p.optional and '[' or '') .. (#words > 0 and ', ' or '') .. p.name
      if p.optional then open = open + 1 end
    end
  end
  if #doc.params > 0 or not doc.words then
    return entry.full .. '(' .. table.concat(words) .. (']'):rep(open) .. ')'
  end
  local given = doc.words:gsub('^%(%s*_,%s*', '('):gsub('%(_%)', '()')
  if entry.method and entry.alias then given = given:gsub('^%([%w_]+,?%s*', '(') end
  if entry.full:find '^x[:.]' and not entry.alias then given = given:gsub('^%(x,?%s*', '(') end
  return entry.full .. given
end

local function block(out, title, lines)
  if #lines == 0 then return end
  out[#out + 1] = ''
  out[#out + 1] = title
  for _, line in ipairs(lines) do out[#out + 1] = line end
end

local function parameters(doc, width)
  local lines, widest = {}, 0
  for _, p in ipairs(doc.params) do widest = math.max(widest, #p.name) end
  widest = math.min(widest, 16)
  for _, p in ipairs(doc.params) do
    local about = {}
    if p.type then about[1] = p.type:gsub('|', ' or ') end
    if p.default then about[#about + 1] = 'default ' .. p.default
    elseif p.optional then about[#about + 1] = 'optional' end
    local head = table.concat(about, ', ')
    local text = head .. (head ~= '' and p.text ~= '' and ': ' or '') .. p.text
    local name = ('  %-' .. widest .. 's  '):format(p.name)
    lines[#lines + 1] = name .. M.fill(text, width, #name):sub(#name + 1)
  end
  return lines
end

local function texts(list, width)
  local lines = {}
  for i, text in ipairs(list) do lines[i] = M.fill(text, width, 4, 2) end
  return lines
end

--- The docstring of an entry.
-- @tparam table entry of the index
-- @tparam number width of the screen
-- @treturn string
function M.entry(entry, width)
  local doc, out = entry.doc, { M.call(entry) }
  if not doc then return out[1] .. '\n  has no docstring.' end
  if entry.alias then
    out[2] = entry.method and ('  Is %s of the array that it is called on.'):format(entry.alias)
      or '  The same as ' .. entry.alias .. '.'
    out[3] = ''
  end
  out[#out + 1] = M.fill(doc.summary .. '.', width, 2)
  if doc.text ~= '' then
    out[#out + 1] = ''
    out[#out + 1] = M.fill(doc.text, width, 2)
  end
  block(out, doc.kind == 'table' and 'Fields' or 'Arguments', parameters(doc, width))
  local gives = {}
  for i, r in ipairs(doc.returns) do
    gives[i] = (r.type and r.type:gsub('|', ' or ') .. ' ' or '') .. r.text
  end
  block(out, #gives > 1 and 'Gives ' .. #gives .. ' values' or 'Gives', texts(gives, width))
  block(out, 'Raises', texts(doc.raise, width))
  local examples = {}
  for _, text in ipairs(doc.usage) do examples[#examples + 1] = '  ' .. text:gsub('\n', '\n  ') end
  block(out, #doc.usage > 1 and 'Examples' or 'Example', examples)
  block(out, 'Source', texts(doc.source, width))
  block(out, 'See also', texts(doc.see, width))
  return table.concat(out, '\n')
end

--- Names, each with its summary.
-- @tparam table entries of the index
-- @tparam number width of the screen
-- @treturn string
function M.list(entries, width)
  local widest, lines = 0, {}
  for _, e in ipairs(entries) do widest = math.max(widest, #e.full) end
  widest = math.min(widest, 28)
  for i, e in ipairs(entries) do
    local name = ('  %-' .. widest .. 's  '):format(e.full)
    local about = e.doc and e.doc.summary or ''
    if e.alias and not e.method then about = 'the same as ' .. e.alias end
    local room = width - #name
    if #about > room then
      about = about:sub(1, math.max(room - 4, 0)):gsub('%s+%S*$', '') .. ' ...'
    end
    lines[i] = (name .. about):gsub('%s+$', '')
  end
  return table.concat(lines, '\n')
end

-- Entries by topic, in the order in which topics come first.
local function topics(entries)
  local order, by_topic = {}, {}
  for _, e in ipairs(entries) do
    if not by_topic[e.topic] then
      by_topic[e.topic] = {}
      order[#order + 1] = e.topic
    end
    table.insert(by_topic[e.topic], e)
  end
  table.sort(order)
  return order, by_topic
end
M.topics = topics

--- A module or class: what it is, and its members by topic.
-- @tparam table page of the index
-- @tparam number width
-- @tparam[opt] table also the page of the class that it is also of
-- @treturn string
function M.page(page, width, also)
  local header = page.header
  local out = { page.name .. ': ' .. page.title, M.fill((header.summary or '') .. '.', width, 2) }
  if header.text ~= '' then
    out[#out + 1] = ''
    out[#out + 1] = M.fill(header.text, width, 2)
  end
  local order, by_topic = topics(page.entries)
  for _, topic in ipairs(order) do
    out[#out + 1] = ''
    if #order > 1 then out[#out + 1] = M.fill(topic, width) end
    out[#out + 1] = M.list(by_topic[topic], width)
  end
  if also then
    out[#out + 1] = ''
    out[#out + 1] = 'and, as every ' .. also.name .. ' has,'
    out[#out + 1] = M.list(also.entries, width)
  end
  for _, inner in ipairs(page.inner) do
    out[#out + 1] = ('\n  %s.%s has functions of its own'):format(page.name, inner.name)
  end
  return table.concat(out, '\n')
end

--- All pages, and what they have by topic.
-- @tparam table pages
-- @tparam number width
-- @treturn string
function M.overview(pages, width)
  local out = { 'help(np.einsum), ?np.einsum or, in a shell, imnn help np.einsum tell about a '
    .. 'function;', "help(x) about an array or object; help 'fft' finds names. Topics:" }
  for _, page in ipairs(pages) do
    local order, by_topic = topics(page.entries)
    out[#out + 1] = ''
    out[#out + 1] = page.name .. ': ' .. page.title
    for _, topic in ipairs(#page.entries > 0 and order or {}) do
      local names = {}
      for i, e in ipairs(by_topic[topic]) do names[i] = e.full:match '[^.:]+$' end
      local head = #order > 1 and topic .. ': ' or ''
      out[#out + 1] = M.fill(head .. table.concat(names, ' '), width, 4, 2)
    end
  end
  return table.concat(out, '\n')
end

return M
