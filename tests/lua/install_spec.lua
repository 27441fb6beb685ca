-- What `cmake --install` puts somewhere works from there.
local program = os.getenv 'IMNN_PROGRAM' or 'build/bin/imnn'
local build = program:match '^(.*)/bin/imnn$'

-- Output of shell lines, of which all must go well; neither the library nor the program that the
-- tests use is known to them.
local function shell(lines)
  local pipe = io.popen('set -e; exec 2>&1; unset IMNN_LIB IMNN_PROGRAM\n' .. lines)
  local output = pipe:read '*a'
  pipe:close()
  return output
end

describe('an installation', function()
  local prefix = os.tmpname()
  os.remove(prefix)

  setup(function()
    local output = shell(('cmake --install %s --prefix %s; echo fine'):format(build, prefix))
    assert.equal('fine\n', output:match '[^\n]*\n$', output)
  end)
  teardown(function() os.execute('rm -r ' .. prefix) end)

  local function installed(lines) return shell('cd /; P=' .. prefix .. '\n' .. lines) end

  it('has a program', function()
    assert.equal('{1, 1}  f32 (2)\n', installed "$P/bin/imnn -e 'print(np.ones { 2 })'")
    local output = installed '$P/bin/imnn doctor'
    assert.truthy(output:find('library +' .. prefix .. '/lib[^\n]*/libimnn.so'), output)
    assert.is_nil(output:find 'not working')
  end)

  it('helps', function()
    local output = installed '$P/bin/imnn help np.sum; $P/bin/imnn help net:fit'
    assert.truthy(output:find('^np%.sum%(x%[, opts%]%)\n  The sum of elements'), output)
    assert.truthy(output:find('\nnet:fit(opts)\n', 1, true), output)
  end)

  it('has modules for luajit', function()
    assert.equal('3  f32\n', installed [[
      export LUA_PATH="$P/share/lua/5.1/?.lua;$P/share/lua/5.1/?/init.lua"
      luajit -e 'local imnn = require "imnn" print(imnn.np.ones { 3 }:sum())']])
  end)

  it('has a library for C', function()
    local output = installed [[cat >$P/a.c <<'end'
#include <imnn.h>
#include <stdio.h>
int main(void)
{
    imnn_array *a = NULL;
    imnn_shape shape = {.ndim = 1, .size = {3}};
    imnn_status st = imnn_array_zeros(&a, IMNN_F32, &shape);
    puts(st == IMNN_OK ? "success" : imnn_last_error());
    imnn_array_release(a);
    return 0;
}
end
      export PKG_CONFIG_PATH=$(dirname "$(find $P -name imnn.pc)")
      gcc -std=c11 -Wall -Werror $P/a.c -o $P/a $(pkg-config --cflags --libs imnn)
      LD_LIBRARY_PATH=$(dirname "$(find $P -name libimnn.so)") $P/a]]
    assert.equal('success\n', output:match '[^\n]*\n$', output) -- linkers may say more
  end)
end)
