--- Warnings: sentences about results that are there but should not be trusted blindly.
-- @module imnn.lfi.warn

--- A list of sentences that says each once on stderr as it is added.
-- @tparam string who whose results they are about
-- @tparam boolean quiet only keep them
-- @treturn table the list
-- @treturn function (format, ...) adds a sentence
return function(who, quiet)
  local list = {}
  return list, function(...)
    local sentence = string.format(...)
    list[#list + 1] = sentence
    if not quiet then io.stderr:write('warning: ', who, ': ', sentence, '\n') end
  end
end
