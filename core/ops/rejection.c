/* Draws that take several attempts, for one key. The loops of JAX run over all elements at once;
 * here chunks of elements run one after the other through the same keys, and where JAX goes on
 * until the last element is accepted, a first pass counts the attempts. So nothing is allocated. */
#include "core/ops/rejection.h"
#include "core/kernels/polynomials.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 128 };

static int64_t at_most(int64_t n) { return n < CHUNK ? n : CHUNK; }

#define T float
#define FN(name) name##_f32
#define M(name) name##f
#define BITS 32
#define LOWEST -0x1.fffffep-1f
#define MOST_NUMBER FLT_MAX
#include "core/ops/rejection.inc"
#undef T
#undef FN
#undef M
#undef BITS
#undef LOWEST
#undef MOST_NUMBER
#define T double
#define FN(name) name##_f64
#define M(name) name
#define BITS 64
#define LOWEST -0x1.fffffffffffffp-1
#define MOST_NUMBER DBL_MAX
#include "core/ops/rejection.inc"

/* ---- Poisson numbers ---- */

static bool is_large(float lam) { return lam >= 10; }
static bool is_beyond(float lam) { return lam >= 0x1p31f; }

/* Multiplication of uniform numbers, as a sum of logarithms, until it passes e^-lam. */
static void poisson_products(int32_t *out, const uint32_t key[2], imnn_key_layout layout,
                             const float *lam, int64_t first, int64_t count, int64_t n)
{
    float u[CHUNK], s[CHUNK] = {0};
    uint32_t two[2][2] = {{key[0], key[1]}};
    memset(out, 0, (size_t)count * sizeof *out);
    for (bool more = true; more;) {
        more = false;
        for (int64_t i = 0; i < count; i++) {
            if (is_large(lam[i]) || !(s[i] > -lam[i])) continue;
            out[i]++;
            more = true;
        }
        if (!more) break;
        const uint32_t now[2] = {two[0][0], two[0][1]};
        imnn_threefry_split(two[0], now, layout, 0, 2, 2);
        uniforms_f32(u, two[1], layout, first, count, n);
        for (int64_t i = 0; i < count; i++) s[i] += logf(u[i]);
    }
    for (int64_t i = 0; i < count; i++) out[i] = lam[i] == 0 ? 0 : out[i] - 1;
}

/* Hoermann 1993, Insur. Math. Econ. 12, 39: PTRS. Whether k is accepted. */
static bool poisson_trial(float *k, float lam, float u, float v)
{
    const float b = 0.931f + 2.53f * sqrtf(lam), a = -0.059f + 0.02483f * b;
    const float alpha = 1.1239f + 1.1328f / (b - 3.4f), limit = 0.9277f - 3.6224f / (b - 2);
    int sign;
    u -= 0.5f;
    const float us = 0.5f - fabsf(u);
    *k = floorf((2 * a / us + b) * u + lam + 0.43f);
    if (us >= 0.07f && v <= limit) return true;
    if (*k < 0 || (us < 0.013f && v > us)) return false;
    const float s = logf(v * alpha / (a / (us * us) + b));
    return s <= -lam + *k * logf(lam) - lgammaf_r(*k + 1, &sign);
}

/* As binomial_trials. */
static int64_t poisson_trials(int32_t *out, const uint32_t key[2], imnn_key_layout layout,
                              const float *lam, int64_t first, int64_t count, int64_t n,
                              int64_t most)
{
    float u[CHUNK], v[CHUNK];
    bool done[CHUNK] = {false};
    uint32_t three[3][2] = {{key[0], key[1]}};
    int64_t left = count, attempts = 0;
    while (most ? attempts < most : left > 0) {
        const uint32_t now[2] = {three[0][0], three[0][1]};
        imnn_threefry_split(three[0], now, layout, 0, 3, 3);
        uniforms_f32(u, three[1], layout, first, count, n);
        uniforms_f32(v, three[2], layout, first, count, n);
        attempts++;
        for (int64_t i = 0; i < count; i++) {
            float k = 0;
            const bool large = is_large(lam[i]), beyond = is_beyond(lam[i]);
            if (!beyond && !poisson_trial(&k, large ? lam[i] : 1e5f, u[i], v[i])) continue;
            left -= !done[i];
            done[i] = true;
            if (large) out[i] = beyond || k >= 0x1p31f ? INT32_MAX : (int32_t)k;
        }
    }
    return attempts;
}

void imnn_poisson(int32_t *out, const uint32_t key[2], imnn_key_layout layout, const float *lam,
                  int64_t n)
{
    bool trials = false;
    int64_t most = 1;
    for (int64_t i = 0; i < n; i += CHUNK)
        poisson_products(out + i, key, layout, lam + i, i, at_most(n - i), n);
    for (int64_t i = 0; i < n; i++) trials = trials || is_large(lam[i]);
    for (int64_t i = 0; trials && i < n; i += CHUNK) {
        const int64_t k = poisson_trials(out + i, key, layout, lam + i, i, at_most(n - i), n, 0);
        if (k > most) most = k;
    }
    for (int64_t i = 0; trials && i < n; i += CHUNK)
        poisson_trials(out + i, key, layout, lam + i, i, at_most(n - i), n, most);
}

/* ---- von Mises numbers ---- */

/* Best & Fisher 1979, Appl. Stat. 28, 152. For small kappa its s is 1 / kappa, for large ones the
 * distribution is a normal one. */
double imnn_von_mises(const uint32_t key[2], imnn_key_layout layout, double kappa)
{
    uint32_t two[2][2] = {{key[0], key[1]}};
    double u[3], f, c;
    if (!(kappa >= 0)) return (double)NAN;
    if (kappa < 1e-8) return 3.141592653589793 * (2 * uniform_f64(key, layout) - 1);
    if (kappa > 1e7) return normal_f64(key, layout) / sqrt(kappa);
    const double r = 1 + sqrt(1 + 4 * kappa * kappa), rho = (r - sqrt(2 * r)) / (2 * kappa);
    const double s = kappa < 1e-5 ? 1 / kappa + kappa : (1 + rho * rho) / (2 * rho);
    do {
        const uint32_t now[2] = {two[0][0], two[0][1]};
        imnn_threefry_split(two[0], now, layout, 0, 2, 2);
        uniforms_f64(u, two[1], layout, 0, 3, 3);
        const double z = cos(3.141592653589793 * u[0]);
        f = (1 + s * z) / (s + z), c = kappa * (s - f);
    } while (!(c * (2 - c) > u[1]) && !(log(c / u[1]) + 1 >= c));
    const double angle = acos(f > 1 ? 1 : f < -1 ? -1 : f);
    return u[2] < 0.5 ? -angle : angle;
}
