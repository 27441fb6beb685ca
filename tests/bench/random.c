/* Normal numbers by hand, on all threads: threefry in the original layout of JAX, whose words i and
 * n / 2 + i come from one block, and sqrt(2) erfinv by Giles' polynomials. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 }; /* the compiler cuts vectors as the machine has them */
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef float reals __attribute__((vector_size(4 * LANES)));

static inline words turned(words x, int by) { return x << by | x >> (32 - by); }

#define ROUND(by) p += q, q = turned(q, by) ^ p;
#define ROUNDS(a, b, c, d) ROUND(a) ROUND(b) ROUND(c) ROUND(d)
static inline void threefry(words *x, words *y, uint32_t a, uint32_t b)
{
    const uint32_t c = a ^ b ^ 0x1bd11bdau;
    words p = *x + a, q = *y + b;
    ROUNDS(13, 15, 26, 6) p += b, q += c + 1;
    ROUNDS(17, 29, 16, 24) p += c, q += a + 2;
    ROUNDS(13, 15, 26, 6) p += a, q += b + 3;
    ROUNDS(17, 29, 16, 24) p += b, q += c + 4;
    ROUNDS(13, 15, 26, 6) p += c, q += a + 5;
    *x = p, *y = q;
}

static inline reals pick(ints mask, reals a, reals b)
{
    return (reals)((mask & (ints)a) | (~mask & (ints)b));
}

/* log(x) of normal x > 0: of the mantissa in [2/3, 4/3), by the series of atanh. */
static inline reals logarithm(reals x)
{
    const ints e = ((ints)x - 0x3f2aaaab) >> 23;
    const reals m = (reals)((ints)x - (e << 23)), t = (m - 1) / (m + 1), s = t * t;
    reals p = s * .2392f + .2852f;
    p = p * s + .4f;
    p = p * s + .66666669f;
    return __builtin_convertvector(e, reals) * .69314718f + (t * 2 + t * s * p);
}

static inline reals normal(words bits)
{
    static const float near[] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                                 -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
                                 -0.00417768164f,  0.246640727f,    1.50140941f};
    static const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f,
                                -0.00367342844f,  0.00573950773f,  -0.0076224613f,
                                0.00943887047f,   1.00167406f,     2.83297682f};
    const reals u = (reals)(bits >> 9 | 0x3f800000u) - 1;
    const reals x = u * 2 - 0.99999994f;
    const reals w = -logarithm(1 - x * x);
    const reals t = w - 2.5f;
    reals p = t * near[0] + near[1];
    for (int k = 2; k < 9; k++) p = p * t + near[k];
    const ints tail = w >= 5;
    int any = 0;
    for (int k = 0; k < LANES; k++) any |= tail[k];
    if (any) {
        reals r;
        for (int k = 0; k < LANES; k++) r[k] = sqrtf(w[k]) - 3;
        reals f = r * far[0] + far[1];
        for (int k = 2; k < 9; k++) f = f * r + far[k];
        p = pick(tail, f, p);
    }
    return p * x * 1.41421356f;
}

/* n is a multiple of 2 * LANES */
void random_normal(float *out, uint32_t a, uint32_t b, size_t n)
{
    static const uint32_t count[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    words lane;
    memcpy(&lane, count, sizeof lane);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n / 2; i += LANES) {
        words p = lane + (uint32_t)i, q = p + (uint32_t)(n / 2);
        threefry(&p, &q, a, b);
        const reals low = normal(p), high = normal(q);
        memcpy(out + i, &low, sizeof low);
        memcpy(out + n / 2 + i, &high, sizeof high);
    }
}
