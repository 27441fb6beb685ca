--- Parameters of every distribution of one number, by name.
local M = {}

-- Parameters by name, of finite fourth moments where there are any.
M.continuous = {
  uniform = { -1, 2 }, normal = { 1, 2 }, truncated_normal = { 1, 2, 0, 4 },
  lognormal = { 0.3, 0.4 },
  halfnormal = { 1, 2 }, exponential = { -1, 2 }, laplace = { 1, 2 }, logistic = { 1, 2 },
  gumbel = { 1, 2 }, gumbel_l = { 1, 2 }, cauchy = { 1, 2 }, halfcauchy = { 1, 2 },
  maxwell = { 1, 2 }, rayleigh = { 1, 2 }, gamma = { 2.5, 1, 2 }, inverse_gamma = { 9, 1, 2 },
  loggamma = { 2, 1, 2 }, chisquare = { 3 }, generalized_normal = { 1.5, 1, 2 },
  beta = { 2, 3, 1, 2 }, t = { 9, 1, 2 }, f = { 4, 20 }, wald = { 0.5, 1, 2 }, pareto = { 9, 0, 2 },
  weibull_min = { 1.5, 1, 2 }, triangular = { -1, 0, 2 }, von_mises = { 0.5, 2 },
}
M.discrete = {
  bernoulli = { 0.3 }, binomial = { 10, 0.3 }, negative_binomial = { 3, 0.4 }, geometric = { 0.3 },
  poisson = { 4 }, beta_binomial = { 10, 2, 3 }, randint = { 1, 7 },
}

return M
