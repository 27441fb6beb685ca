--- What starting takes.
return function(bench)
  bench.row('start', function(name)
    local best = bench.least(function() assert(os.execute(bench.program .. " -e ''") == 0) end)
    bench.show(name, best * 1e3, 'ms', 30)
  end)
end
