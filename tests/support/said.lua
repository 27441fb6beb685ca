--- What fn writes to io.stderr, as one text, and what it returns. Only Lua's writing is heard.
return function(fn)
  local stderr, parts = io.stderr, {}
  io.stderr = { write = function(_, ...) -- luacheck: ignore
    for _, part in ipairs { ... } do parts[#parts + 1] = tostring(part) end
  end }
  local ok, result = pcall(fn)
  io.stderr = stderr -- luacheck: ignore
  if not ok then error(result, 0) end
  return table.concat(parts), result
end
