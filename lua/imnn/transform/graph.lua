--- What a function would compute.
-- @module imnn.transform.graph
local ffi = require 'ffi'
local array = require 'imnn.array'
local common = require 'imnn.transform.common'
local program = require 'imnn.transform.program'
local C = require('imnn.core').C
local M = {}

--- What a function gives for such arguments, without computing it.
-- @treturn table shape
-- @treturn string dtype
function M.shape_of(fn, ...)
  local given = { ... }
  return array.trace(function()
    for i, x in ipairs(given) do
      if array.is(x) and x.node == 0 then given[i] = array.input(x.dtype, x.shape) end
    end
    local y = array.lift(fn(unpack(given)))
    return y.shape, y.dtype
  end)
end

local Graph = {}
Graph.__index = Graph
function Graph:__tostring() return self.text end

--- The graph of a function.
-- @treturn function (...) -> object whose tostring is one node a line
-- @tparam function fn
-- @usage print(imnn.make_graph(np.tanh)(np.zeros { 3 }))
function M.make_graph(fn)
  common.callable('make_graph', fn)
  return function(...)
    local n, given = select('#', ...), { ... }
    return array.trace(function(graph)
      local values, _, places = program.split(given, n, {})
      local inputs, nodes = {}, {}
      for i, x in ipairs(values) do inputs[i] = array.input(x.dtype, x.shape) end
      local results = { fn(unpack(program.fill(places, n, inputs), 1, n)) }
      for i = 1, table.maxn(results) do
        for _, y in ipairs(common.leaves_of('make_graph', results[i])) do nodes[#nodes + 1] = y end
      end
      local text = ffi.string(C.imnn_graph_text(graph, #nodes, array.nodes(nodes)))
      return setmetatable({ text = text }, Graph)
    end)
  end
end

return M
