--- A whole example, as a user runs it.
return function(bench)
  bench.row('example', function(name)
    local example = assert(os.getenv 'IMNN_EXAMPLE')
    local command = ('cd "${TMPDIR:-/tmp}" && %s %s >/dev/null'):format(bench.program, example)
    bench.show(name, bench.least(function() assert(os.execute(command) == 0) end, 1), 's', 8)
  end)
end
