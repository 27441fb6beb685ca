-- Whatever a public function is given, it does not crash: it works, or it says which function it is
-- and what is wrong, and names the line of the script.
local imnn = require 'imnn'
local junk = require 'tests.support.junk'
local names = require 'imnn.help.names'
local usage = require 'tests.support.usage'
local world = require 'tests.support.world_of_examples'

local env = setmetatable({}, { __index = function(_, name) return imnn[name] end })
env.imnn = imnn

-- A function that calls a public one by its name, as scripts do.
local function caller(name)
  local code = ('return function(...) local result = %s(...) return result end'):format(name)
  return setfenv(assert(loadstring(code, '@tests/lua/junk_spec.lua')), env)()
end

-- A function that calls a method of an object.
local function method(object, name)
  if not loadstring('return x.' .. name) then return function() end end -- x['and']
  local code = 'local object = ... return function(...) local y = object:%s(...) return y end'
  if name == '__call' then
    code = 'local abc = ... return function(...) local y = abc(...) return y end'
  end
  return assert(loadstring(code:format(name), '@tests/lua/junk_spec.lua'))(object)
end

-- What takes no arguments, and what is for the inside.
local others = { ['imnn.doctor'] = true, ['imnn.cite'] = true }
local inside = { ['imnn.core'] = true, ['imnn.help'] = true, ['imnn.args'] = true }

local function each_function(page, fn)
  local wrong = {}
  for _, entry in ipairs(page.entries) do
    if type(entry.value) == 'function' and not others[entry.full] then
      for _, text in ipairs(fn(entry, caller(entry.full))) do wrong[#wrong + 1] = text end
    end
  end
  assert.equal('', table.concat(wrong, '\n'))
end

describe('junk is refused by name', function()
  for _, page in ipairs(names.all().pages) do
    if not inside[page.name] and not page.class then
      it('on page ' .. page.name, function() each_function(page, junk.all) end)

      it('in one place, on page ' .. page.name, function()
        local examples = world.new()
        usage.apart(function()
          each_function(page, function(entry, where) return junk.single(entry, where, examples) end)
        end)
      end)
    end
  end

  for _, page in ipairs(names.all().pages) do
    if page.class and page.name ~= 'history' then
      it('by methods of ' .. page.name, function()
        local wrong, object = {}, world.new()[page.name]
        usage.apart(function()
          for _, entry in ipairs(page.entries) do
            if entry.method and not entry.full:find '[.]' then
              local where = method(object, entry.name)
              for _, text in ipairs(junk.all(entry, where)) do wrong[#wrong + 1] = text end
            end
          end
        end)
        assert.equal('', table.concat(wrong, '\n'))
      end)
    end
  end
end)
