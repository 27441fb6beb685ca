--- Labels of the parameters of sample sets as LaTeX has them.
-- @module imnn.samples.label
local latex = require 'imnn.latex'
local text = require 'imnn.plot.text'
local M = {}

-- What is but the name is shown as figures show names.
local function shown(s, i)
  return s.labels[i] == s.names[i] and text.name(s.names[i]) or s.labels[i]
end

--- The inside of $...$.
-- @tparam table s the state of a set
-- @tparam integer i
-- @treturn string
function M.math(s, i) return latex.math(shown(s, i), true) end

--- A label in running text of LaTeX.
function M.text(s, i) return latex.text(shown(s, i), true) end

return M
