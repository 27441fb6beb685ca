-- What ldoc makes the reference manual of, from the docstrings that `help` shows: a file for each
-- page, and the index by topic. scripts/docs runs it: imnn scripts/manual.lua FOLDER
local names = require 'imnn.help.names'
local text = require 'imnn.help.text'
local folder = ...

local function escaped(s) return (s:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;')) end

-- `x` as code, and paragraphs that are indented as they are.
local function html(s)
  local out = {}
  for paragraph in (escaped(s) .. '\n\n'):gmatch '(.-)\n%s*\n' do
    if paragraph:find '^%s*   ' then
      out[#out + 1] = '<pre>' .. paragraph:gsub('^%s*\n', '') .. '</pre>'
    elseif paragraph:find '%S' then
      local items, n = (' ' .. paragraph):gsub('\n?%s*[*] ', '</li>\n<li>')
      if n > 0 then items = items:gsub('</li>\n<li>', '<ul>\n<li>', 1) .. '</li></ul>' end
      out[#out + 1] = items:gsub('`([^`]*)`', '<code>%1</code>')
    end
  end
  return table.concat(out, '\n<p>')
end

local function slug(topic) return (topic:gsub('%W+', '_')) end

-- A comment of one line or several.
local function comment(file, lines)
  local all = (table.concat(lines, '\n') .. '\n')
  local first = true
  for line in all:gmatch '(.-)\n' do
    file:write(first and '--- ' or '-- ', line, '\n')
    first = false
  end
  file:write '\n'
end

-- The fields of a table, as a list.
local function fields(doc)
  local items = {}
  for i, p in ipairs(doc.params) do
    items[i] = ('<li><code>%s</code> %s</li>'):format(p.name, html(p.text))
  end
  return '\n<ul>\n' .. table.concat(items, '\n') .. '\n</ul>'
end

local function add_params(lines, entry)
  local doc = entry.doc
  local itself = entry.method and (entry.alias or (doc.params[1] or {}).name == 'x')
  local open = {} -- options of a table need it
  for i, p in ipairs(doc.params) do
    local owner = p.name:match '^(%w+)%.%w'
    if owner and not open[owner] then
      lines[#lines + 1] = ('@tparam table %s'):format(owner)
      open[owner] = true
    end
    open[p.name] = true
    if not (i == 1 and itself) then
      local how = p.default and ('[opt=%s]'):format(p.default) or p.optional and '[opt]' or ''
      local kind = p.type and ('@tparam%s %s'):format(how, p.type) or '@param' .. how
      lines[#lines + 1] = ('%s %s %s'):format(kind, p.name, html(p.text))
    end
  end
  if #doc.params == 0 and doc.words then -- what the code calls them
    for name in doc.words:gmatch '[%w_.]+' do
      if name ~= '_' and name ~= 'self' then lines[#lines + 1] = '@param ' .. name end
    end
  end
end

local function add(file, entry)
  local doc = entry.doc
  -- ldoc takes a point with a space behind it for the end of the summary.
  local lines = { html(doc.summary):gsub('%. ', '&#46; ') .. '.' }
  if entry.alias then
    local other = names.all().by_name[entry.alias]
    local link = ('<a href="../%s/%s.html#%s"><code>%s</code></a>'):format(
      other.page.class and 'classes' or 'modules', other.page.name, other.name, entry.alias)
    lines[2] = '\n<p>' .. (entry.method and 'Is ' .. link .. ' of the array.'
      or 'The same as ' .. link .. '.')
  end
  if doc.text ~= '' then lines[#lines + 1] = '\n<p>' .. html(doc.text) end
  if doc.kind == 'table' and #doc.params > 0 then lines[#lines + 1] = fields(doc) end
  local called = text.call(entry):find '%(' ~= nil
  lines[#lines + 1] = ('@%s %s'):format(called and 'function' or 'value', entry.name)
  if called then add_params(lines, entry) end
  for _, r in ipairs(doc.returns) do
    lines[#lines + 1] = r.type and ('@treturn %s %s'):format(r.type, html(r.text))
      or '@return ' .. html(r.text)
  end
  for _, tag in ipairs { 'raise', 'source' } do
    if #doc[tag] > 0 then -- ldoc takes one of each
      lines[#lines + 1] = ('@%s %s'):format(tag, html(table.concat(doc[tag], '; ')))
    end
  end
  for _, code in ipairs(doc.usage) do lines[#lines + 1] = '@usage ' .. code end
  comment(file, lines)
end

local function write_page(page)
  local file = assert(io.open(('%s/%s.lua'):format(folder, page.name), 'w'))
  local header = page.header
  local about = page.title .. '. ' .. html(header.summary or '') .. '.'
  if page.also then
    about = ('%s\n<p>Everything of <a href="../classes/%s.html">%s</a> belongs to it, too.')
      :format(about, page.also, page.also)
  end
  comment(file, { about, header.text ~= '' and '\n<p>' .. html(header.text) or '',
    ('@%s %s'):format(page.class and 'classmod' or 'module', page.name) })
  local order, by_topic = text.topics(page.entries)
  for _, topic in ipairs(order) do
    if #order > 1 then comment(file, { html(topic), '@section ' .. slug(topic) }) end
    for _, entry in ipairs(by_topic[topic]) do add(file, entry) end
  end
  file:close()
end

-- All names by topic, as Markdown.
local function write_index(pages)
  local file = assert(io.open(folder .. '/index_by_topic.md', 'w'))
  file:write '# Index by topic\n'
  for _, page in ipairs(pages) do
    local order, by_topic = text.topics(page.entries)
    local path = ('../%s/%s.html'):format(page.class and 'classes' or 'modules', page.name)
    file:write(('\n## %s: %s\n\n[All of %s](%s)\n'):format(page.name, page.title, page.name, path))
    for _, topic in ipairs(order) do
      local links = {}
      for i, entry in ipairs(by_topic[topic]) do
        local shown = entry.name:gsub('_', '\\_')
        links[i] = ('[%s](%s#%s)'):format(shown, path, entry.name)
      end
      file:write(#order > 1 and ('\n**%s:** '):format(topic) or '\n', table.concat(links, ' · '),
        '\n')
    end
  end
  file:close()
end

-- A page without entries only leads to others.
local pages = {}
for _, page in ipairs(names.all().pages) do
  if #page.entries > 0 then pages[#pages + 1] = page end
end
for _, page in ipairs(pages) do write_page(page) end
write_index(pages)
