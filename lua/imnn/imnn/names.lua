--- Other spellings of attributes, methods and columns; all are the same.
-- @module imnn.imnn.names
local spelling = {
  ['θ_fid'] = 'theta_fid', ['δθ'] = 'delta_theta', ['μ'] = 'mu', ['dμ_dθ'] = 'dmu_dtheta',
  ['get_α'] = 'get_alpha', optimizer = 'optimiser', ['Λ2'] = 'Lambda_2', ['Λ_2'] = 'Lambda_2',
  ['val_Λ2'] = 'val_Lambda_2', ['val_Λ_2'] = 'val_Lambda_2',
}

--- The spelling that is used inside.
return function(key) return spelling[key] or key end
