--- imnn.fisher: statistics, the loss, its derivatives.
local imnn = require 'imnn'
local fisher = require 'imnn.fisher'
local message = require 'tests.support.message'
local np = imnn.np

describe('fisher', function()
  local x = np.array({ { 1, 0 }, { 0, 1 }, { 2, 1 }, { -1, 0.5 } }, 'f64')
  local dx = np.array({ { { 1, 0.2 }, { 0, 0.5 } }, { { 0.8, 0 }, { 0.1, 0.7 } } }, 'f64')

  local function near(expected, got)
    if type(expected) == 'number' then
      assert.is.near(expected, got, 1e-8 * math.max(1, math.abs(expected)))
    else
      for i, v in ipairs(expected) do near(v, got[i]) end
    end
  end

  -- By hand, in double.
  it('gives the statistics', function()
    local f = fisher.statistics(x, dx)
    near({ 0.5, 0.625 }, f.mu:totable())
    near({ { 1.66666667, 0.08333333 }, { 0.08333333, 0.22916667 } }, f.C:totable())
    near({ { 0.61111111, -0.22222222 }, { -0.22222222, 4.44444444 } }, f.invC:totable())
    near({ { 0.9, 0.1 }, { 0.05, 0.6 } }, f.dmu_dtheta:totable())
    near({ { 0.48611111, 0.06722222 }, { 0.06722222, 1.57944444 } }, f.F:totable())
    near(math.log(0.76326667), f.lndetF:item())
    near(1, f.sign:item())
  end)

  it('gives the loss and its derivatives', function()
    local function loss(a, b)
      return fisher.regularised(fisher.statistics(a, b), 10, fisher.alpha(10, 0.1))
    end
    local value, Lambda_2, r = loss(x, dx)
    near(45.19889284, value:item())
    near(4.50646827, Lambda_2:item())
    near(9.96983499, r:item())
    local of_x = imnn.grad(function(a) return (loss(a, dx)) end)(x)
    near({ { -2.74141111, 88.37559206 }, { 0.71881996, -54.64342815 },
      { 9.97908699, -38.46269898 }, { -7.9564958, 4.73053507 } }, of_x:totable())
    local of_dx = imnn.grad(function(b) return (loss(x, b)) end)(dx)
    local one = { { -1.12149533, 0.09345794 }, { 0.18691589, -1.68224299 } }
    near({ one, one }, of_dx:totable())
  end)

  it('has a rate of regularisation', function()
    near(0.9531017980432489, fisher.alpha(10, 0.1))
    near(240.68461033184548, fisher.alpha(10, 0.01))
    near(22.155737160044158, fisher.alpha(2, 0.1))
    near(0.9950330853168092, fisher.alpha(100, 0.01))
    assert.matches('alpha: would be negative', message(function() fisher.alpha(10, 0.2) end))
    assert.matches('lambda must be above 1 and epsilon above 0, got 10 and %-1',
      message(function() fisher.alpha(10, -1) end))
  end)
end)
