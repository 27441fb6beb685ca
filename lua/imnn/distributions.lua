--- Distributions: objects that draw events and know their densities; the priors of imnn.lfi.
--
--    local prior = distributions.independent {
--      distributions.uniform(0.1, 0.5, { names = { 'Omega_m' } }),
--      distributions.normal(0.8, 0.1, { names = { 'sigma_8' } }),
--    }
--    local theta = prior:sample(key, 1000)                -- (1000, 2)
--    local density = prior:prob(theta)                    -- (1000)
--
-- An event is a number, a vector or a matrix. Where parameters are lists or Arrays (P), events are
-- vectors of P independent components. An object has `sample(key, shape)`, `log_prob(x)`,
-- `prob(x)`, `cdf(x)`, `quantile(q)`, which take leading axes; `mean()`, `var()`, `std()`, `cov()`,
-- `entropy()`; `low` and `high`, its limits in plots; `support`, where its density counts;
-- `event_shape`; `names`, and `labels`, what plots and tables show for them. Normal vectors and
-- mixtures of them have `marginal(which)` and `condition(which, values)`.
-- Everything works in `jit` and `vmap`, and has derivatives in x and in parameters that are Arrays;
-- draws have them in locations and scales, and wherever the sampler of imnn.random has.
-- @module imnn.distributions
-- @usage distributions.normal(0, 1):log_prob(0) --> -0.918939
local M = { bijectors = require 'imnn.distributions.bijectors' }

for _, room in ipairs { 'table', 'vectors', 'combine', 'changed', 'normal_mixture',
  'divergence' } do
  for name, fn in pairs(require('imnn.distributions.' .. room)) do M[name] = fn end
end

return require('imnn.args').strict('distributions', M)
