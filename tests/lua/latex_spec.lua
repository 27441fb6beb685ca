local latex = require 'imnn.latex'

-- { label, in running text, in a formula or nil where that is the text without dollars }
local function check(rows, long)
  for _, row in ipairs(rows) do
    assert.are.equal(row[2], latex.text(row[1], long))
    assert.are.equal(row[3] or row[2]:match '^%$(.*)%$$', latex.math(row[1], long))
  end
end

describe('labels in LaTeX', function()
  it('are formulas', function()
    check {
      { 'x', '$x$' }, { 'σ_8', [[$\sigma_8$]] }, { 'σ²', [[$\sigma^2$]] },
      { 's⁻¹', '$s^{-1}$' },
      { 'Ω_m h²', [[$\Omega_m h^2$]] }, { [[\Omega_m]], [[$\Omega_m$]] },
      { 'Omega_m', [[$\mathrm{Omega}_m$]] }, { 'β_{line}', [[$\beta_{\mathrm{line}}$]] },
      { 'A / 10^{−9}', '$A / 10^{-9}$' }, { '0.8^{+0.1}_{−0.2}', '$0.8^{+0.1}_{-0.2}$' },
      { '0.81 ± 0.02', [[$0.81 \pm 0.02$]] }, { 'μσx', [[$\mu\sigma x$]] },
      { 'Σm_ν < 0.2', [[$\Sigma m_{\nu} < 0.2$]] }, { 'p(θ|x)', [[$p(\theta|x)$]] },
      { '^2', '${}^2$' }, { 'x_', [[$x\_$]] }, { 'α [', [[$\alpha [$]] },
      { 'ν²₃', [[$\nu^2_3$]] },
    }
  end)

  it('have functions', function()
    check {
      { 'ln σ', [[$\ln \sigma$]] }, { 'log M', [[$\log M$]] }, { 'ln A_s', [[$\ln A_s$]] },
      { 'log(M/M_☉)', [[$\log(M/M_{\odot})$]] }, { 'log10 M', [[$\log_{10} M$]] },
      { 'log₁₀ M', [[$\log_{10} M$]] }, { 'ln(10^{10} A_s)', [[$\ln(10^{10} A_s)$]] },
    }
  end)

  it('have upright units with their blanks', function()
    check {
      { 'H_0 [km/s/Mpc]', '$H_0$ [km/s/Mpc]', 'H_0\\,[\\mathrm{km/s/Mpc}]' },
      { 'H_0 [km s^{−1} Mpc^{−1}]', '$H_0$ [km $\\mathrm{s}^{-1}$ $\\mathrm{Mpc}^{-1}$]',
        'H_0\\,[\\mathrm{km\\,s^{-1}\\,Mpc^{-1}}]' },
      { 'Φ [mJy km s⁻¹]', '$\\Phi$ [mJy km $\\mathrm{s}^{-1}$]',
        '\\Phi\\,[\\mathrm{mJy\\,km\\,s^{-1}}]' },
      { '\\nu_0 [m]', '$\\nu_0$ [m]', '\\nu_0\\,[\\mathrm{m}]' },
      { 'λ [μm]', '$\\lambda$ [$\\mu$m]', '\\lambda\\,[\\mathrm{\\mu m}]' },
      { 'λ [Å]', '$\\lambda$ [Å]', '\\lambda\\,[\\mathrm{\\mathring{A}}]' },
      { 'θ [10^{-3}]', '$\\theta$ [$10^{-3}$]', '\\theta\\,[10^{-3}]' },
      { '[km]', '[km]', '[\\mathrm{km}]' },
    }
  end)

  it('have words', function()
    check {
      { 'mean', 'mean', '\\mathrm{mean}' }, { 'a & 5 %', 'a \\& 5 \\%', 'a\\ \\&\\ 5\\ \\%' },
      { 'Nr # 3', 'Nr \\# 3', '\\mathrm{Nr}\\ \\sharp\\ 3' },
      { 'mean of x [s⁻¹]', 'mean of x [$\\mathrm{s}^{-1}$]',
        '\\mathrm{mean}\\ \\mathrm{of}\\ x\\,[\\mathrm{s^{-1}}]' },
    }
    check({ { 'N_eff', '$N_{\\mathrm{eff}}$' } }, true)
    assert.are.equal('50 \\% of\\_it \\{$\\alpha^{2}$\\}', latex.literal '50 % of_it {α²}')
  end)

  it('are plain where they are drawn without it', function()
    for given, want in pairs {
      ['n_\\mathrm{s}'] = 'n_{s}', ['\\Omega_{\\rm b} h^2'] = 'Ω_{b} h^2',
      ['\\log(10^{10} A_\\mathrm{s})'] = 'log(10^{10} A_{s})', ['σ_8'] = 'σ_8',
      ['H_0\\,[\\mathrm{km\\,s^{-1}\\,Mpc^{-1}}]'] = 'H_0 [km s^{-1} Mpc^{-1}]',
      ['$M$ [M_\\odot]'] = 'M [M_☉]', ['\\frac{a}{b} \\times \\mu'] = '\\frac{a}{b} × μ',
      ['\\left(x\\right)\\ 5\\%'] = '(x) 5%', ['{\\cal R}'] = '{R}',
    } do
      assert.are.equal(want, latex.plain(given))
    end
  end)

  it('may be LaTeX already', function()
    check {
      { '$\\frac{a}{b}$ of σ²', '$\\frac{a}{b}$ of $\\sigma^2$',
        '\\frac{a}{b}\\ \\mathrm{of}\\ \\sigma^2' },
      { 'H_0\\,[\\mathrm{km/s}]', '$H_0\\,[\\mathrm{km/s}]$' },
      { '$H_0$ [s^{-1}]', '$H_0$ [$\\mathrm{s}^{-1}$]', 'H_0\\,[\\mathrm{s^{-1}}]' },
    }
  end)
end)
